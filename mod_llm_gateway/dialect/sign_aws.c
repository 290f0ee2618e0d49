/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is written in one canonical form, which is hashed as it is
 * written; the hash is signed by a key made of the secret, the day, the region
 * and the service. So neither secret nor token is copied to where it would
 * stay.
 */
#include "dialect/sign_aws.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HASH      32
#define ALGORITHM "AWS4-HMAC-SHA256"

/* ---- hashes ---- */

static void put_hex(char *hex, const unsigned char *hash)
{
    static const char digits[] = "0123456789abcdef";
    int i;

    for (i = 0; i < HASH; ++i) {
        hex[2 * i] = digits[hash[i] >> 4];
        hex[2 * i + 1] = digits[hash[i] & 15];
    }
    hex[2 * HASH] = '\0';
}

static void hash_end(EVP_MD_CTX *md, char *hex)
{
    unsigned char hash[HASH];

    EVP_DigestFinal_ex(md, hash, NULL);
    put_hex(hex, hash);
}

static void hash_text(EVP_MD_CTX *md, const char *text)
{
    EVP_DigestUpdate(md, text, strlen(text));
}

static void mac(unsigned char *out, const void *key, apr_size_t len,
                const char *text)
{
    HMAC(EVP_sha256(), key, (int)len, (const unsigned char *)text, strlen(text),
         out, NULL);
}

static void hash_body(EVP_MD_CTX *md, const llm_request_t *request, char *hex)
{
    int i;

    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (i = 0; i < request->body_count; ++i) {
        EVP_DigestUpdate(md, request->body[i].data, request->body[i].len);
    }
    hash_end(md, hex);
}

/* ---- the key ---- */

int llm_aws_key_read(llm_aws_key_t *key, const char *secret)
{
    const char *colon = strchr(secret, ':'), *next;

    if (!colon) {
        return 0;
    }
    memset(key, 0, sizeof(*key));
    key->id.data = secret;
    key->id.len = (apr_size_t)(colon - secret);
    key->secret.data = colon + 1;
    key->secret.len = strlen(colon + 1);
    next = strchr(colon + 1, ':');
    if (next) {
        key->secret.len = (apr_size_t)(next - colon - 1);
        key->token.data = next + 1;
        key->token.len = strlen(next + 1);
    }
    return 1;
}

/* ---- headers ---- */

typedef struct header_t {
    const char *name; /* in small letters */
    llm_bytes_t value;
} header_t;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const header_t *)a)->name, ((const header_t *)b)->name);
}

static void add_header(apr_array_header_t *headers, const char *name,
                       llm_bytes_t value)
{
    header_t *header = apr_array_push(headers);

    header->name = name;
    header->value = value;
}

static llm_bytes_t bytes_of(const char *text)
{
    return (llm_bytes_t){text, strlen(text)};
}

/* What is signed, in the order of the names. */
static apr_array_header_t *signed_headers(const llm_aws_key_t *key,
                                          const llm_aws_place_t *place,
                                          const llm_request_t *request,
                                          const char *date, apr_pool_t *pool)
{
    const apr_array_header_t *list = apr_table_elts(request->headers);
    const apr_table_entry_t *entry = (const void *)list->elts;
    apr_array_header_t *headers = apr_array_make(pool, 8, sizeof(header_t));
    int i;

    add_header(headers, "host", bytes_of(place->host));
    add_header(headers, "x-amz-date", bytes_of(date));
    if (key->token.len) {
        add_header(headers, "x-amz-security-token", key->token);
    }
    for (i = 0; i < list->nelts; ++i) {
        char *name = apr_pstrdup(pool, entry[i].key), *at;

        for (at = name; *at; ++at) {
            *at = (char)apr_tolower(*at);
        }
        if (!strncmp(name, "x-amz-", 6) || !strcmp(name, "content-type")) {
            add_header(headers, name, bytes_of(entry[i].val));
        }
    }
    qsort(headers->elts, (size_t)headers->nelts, sizeof(header_t), by_name);
    return headers;
}

/* Blanks around a value go, those in a row become one. */
static void hash_value(EVP_MD_CTX *md, llm_bytes_t value)
{
    apr_size_t i;
    int blank = 1;

    while (value.len && value.data[value.len - 1] == ' ') {
        --value.len;
    }
    for (i = 0; i < value.len; ++i) {
        if (value.data[i] != ' ' || !blank) {
            EVP_DigestUpdate(md, value.data + i, 1);
        }
        blank = value.data[i] == ' ';
    }
}

static const char *names_of(const apr_array_header_t *headers, apr_pool_t *pool)
{
    const char *names = NULL;
    int i;

    for (i = 0; i < headers->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(headers, i, header_t).name;

        names = names ? apr_pstrcat(pool, names, ";", name, NULL) : name;
    }
    return names;
}

/* ---- the canonical request ---- */

/* The path as it is sent, encoded once more. */
static void hash_path(EVP_MD_CTX *md, const char *path, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        if (apr_isalnum(path[i]) || strchr("-._~/", path[i])) {
            EVP_DigestUpdate(md, path + i, 1);
        }
        else {
            char code[4];

            apr_snprintf(code, sizeof(code), "%%%02X", (unsigned char)path[i]);
            hash_text(md, code);
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Parameters in order, each with its "="; they are encoded already. */
static void hash_query(EVP_MD_CTX *md, const char *query, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 4, sizeof(const char *));
    char *rest = apr_pstrdup(pool, query), *one, *state = NULL;
    int i;

    for (one = apr_strtok(rest, "&", &state); one;
         one = apr_strtok(NULL, "&", &state)) {
        APR_ARRAY_PUSH(list, const char *) =
            strchr(one, '=') ? one : apr_pstrcat(pool, one, "=", NULL);
    }
    qsort(list->elts, (size_t)list->nelts, sizeof(const char *), by_text);
    for (i = 0; i < list->nelts; ++i) {
        hash_text(md, i ? "&" : "");
        hash_text(md, APR_ARRAY_IDX(list, i, const char *));
    }
}

static void hash_request(EVP_MD_CTX *md, const llm_request_t *request,
                         const apr_array_header_t *headers, char *hex,
                         apr_pool_t *pool)
{
    apr_size_t len = strcspn(request->path, "?");
    char body[2 * HASH + 1];
    int i;

    hash_body(md, request, body);
    EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    hash_text(md, request->method);
    hash_text(md, "\n");
    hash_path(md, request->path, len);
    hash_text(md, "\n");
    if (request->path[len]) {
        hash_query(md, request->path + len + 1, pool);
    }
    hash_text(md, "\n");
    for (i = 0; i < headers->nelts; ++i) {
        hash_text(md, APR_ARRAY_IDX(headers, i, header_t).name);
        hash_text(md, ":");
        hash_value(md, APR_ARRAY_IDX(headers, i, header_t).value);
        hash_text(md, "\n");
    }
    hash_text(md, "\n");
    hash_text(md, names_of(headers, pool));
    hash_text(md, "\n");
    hash_text(md, body);
    hash_end(md, hex);
}

/* ---- the signature ---- */

/* What is signed by whom: "20150830/us-east-1/service/aws4_request". */
static void put_signature(char *hex, const llm_aws_key_t *key,
                          const llm_aws_place_t *place, const char *day,
                          const char *text)
{
    unsigned char chain[HASH], next[HASH];
    char first[512];
    int len = apr_snprintf(first, sizeof(first), "AWS4%.*s",
                           (int)key->secret.len, key->secret.data);

    mac(chain, first, (apr_size_t)len, day);
    mac(next, chain, HASH, place->region);
    mac(chain, next, HASH, place->service);
    mac(next, chain, HASH, "aws4_request");
    mac(chain, next, HASH, text);
    put_hex(hex, chain);
    OPENSSL_cleanse(first, sizeof(first));
    OPENSSL_cleanse(chain, sizeof(chain));
    OPENSSL_cleanse(next, sizeof(next));
}

void llm_aws_sign(llm_buf_t *out, const llm_aws_key_t *key,
                  const llm_aws_place_t *place, const llm_request_t *request,
                  apr_time_t now, apr_pool_t *pool)
{
    char hash[2 * HASH + 1], signature[2 * HASH + 1], day[9];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    const apr_array_header_t *headers;
    const char *date, *scope;
    apr_time_exp_t tm;

    apr_time_exp_gmt(&tm, now);
    apr_snprintf(day, sizeof(day), "%04d%02d%02d", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday);
    date = apr_psprintf(pool, "%sT%02d%02d%02dZ", day, tm.tm_hour, tm.tm_min,
                        tm.tm_sec);
    scope = apr_pstrcat(pool, day, "/", place->region, "/", place->service,
                        "/aws4_request", NULL);
    headers = signed_headers(key, place, request, date, pool);
    hash_request(md, request, headers, hash, pool);
    EVP_MD_CTX_free(md);
    put_signature(
        signature, key, place, day,
        apr_pstrcat(pool, ALGORITHM "\n", date, "\n", scope, "\n", hash, NULL));
    llm_buf_printf(out, "X-Amz-Date: %s\r\n", date);
    if (key->token.len) {
        llm_buf_lit(out, "X-Amz-Security-Token: ");
        llm_buf_append(out, key->token.data, key->token.len);
        llm_buf_lit(out, "\r\n");
    }
    llm_buf_lit(out, "Authorization: " ALGORITHM " Credential=");
    llm_buf_append(out, key->id.data, key->id.len);
    llm_buf_printf(out, "/%s, SignedHeaders=%s, Signature=%s\r\n", scope,
                   names_of(headers, pool), signature);
}
