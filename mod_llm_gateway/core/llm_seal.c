/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening.
 *
 *   sealed  u8 version, 8 bytes of the master key's id, 12 bytes of nonce,
 *           ciphertext, 16 bytes of tag
 *   plain   u16 length, the secret, zeros up to a multiple of 64
 *   bound   "llmgw-secret", u8 version, the id, the name
 *
 * What is bound is not stored but must be the same when it is opened. 96
 * random bits as the nonce are safe for far more sealings (2^32) under one key
 * than a gateway has secrets.
 */
#include "core/llm_seal.h"

#include "core/llm_key.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define VERSION     1
#define NONCE       12
#define TAG         16
#define HEAD        (1 + LLM_MASTER_ID + NONCE)
#define STEP        64 /* to which secrets are padded */
#define PLAIN_MAX   ((2 + LLM_SECRET_MAX + STEP - 1) / STEP * STEP)
#define BOUND       "llmgw-secret"
#define BOUND_LEN   (sizeof(BOUND) - 1)
#define MASTER_WORD "llm-gateway-master-1 "
#define REMARK                                                                 \
    "# Opens the providers' secrets in the store of mod_llm_gateway. Keep a\n" \
    "# copy, and not where the store's backups are.\n"

/* ------------------------------------------------------------- small things */

void llm_wipe(void *data, apr_size_t len)
{
    OPENSSL_cleanse(data, len);
}

void llm_hex_print(char *text, const unsigned char *bytes, apr_size_t len)
{
    static const char digits[] = "0123456789abcdef";
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int llm_hex_read(unsigned char *bytes, apr_size_t size, apr_size_t *plen,
                 const char *text, apr_size_t len)
{
    apr_size_t i;

    if (len % 2 || len / 2 > size) {
        return 0;
    }
    for (i = 0; i < len / 2; ++i) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return 0;
        }
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    *plen = len / 2;
    return 1;
}

/* --------------------------------------------------------------- master key */

/* A key's id tells nothing of the key, which has 256 random bits. */
static void set_id(llm_master_t *master)
{
    unsigned char text[BOUND_LEN + LLM_MASTER_KEY];
    llm_key_hash_t hash;

    memcpy(text, BOUND, BOUND_LEN);
    memcpy(text + BOUND_LEN, master->key, LLM_MASTER_KEY);
    llm_key_digest(&hash, (const char *)text, sizeof(text));
    memcpy(master->id, hash.bytes, LLM_MASTER_ID);
    llm_wipe(text, sizeof(text));
}

apr_status_t llm_master_make(llm_master_t *pmaster)
{
    apr_status_t status = llm_random(pmaster->key, sizeof(pmaster->key));

    if (status == APR_SUCCESS) {
        set_id(pmaster);
    }
    return status;
}

void llm_master_id_print(char text[LLM_MASTER_ID_TEXT],
                         const unsigned char id[LLM_MASTER_ID])
{
    llm_hex_print(text, id, LLM_MASTER_ID);
}

/* A line without its end. */
static const char *read_line(llm_masters_t *masters, const char *line,
                             apr_size_t len)
{
    const apr_size_t word = sizeof(MASTER_WORD) - 1;
    llm_master_t *master = &masters->list[masters->count];
    apr_size_t got;

    if (len < word || memcmp(line, MASTER_WORD, word) != 0) {
        return "expected lines of \"" MASTER_WORD "\" and 64 hex digits";
    }
    if (masters->count == LLM_MASTERS_MAX) {
        return "it has more than two keys";
    }
    if (!llm_hex_read(master->key, sizeof(master->key), &got, line + word,
                      len - word)
        || got != LLM_MASTER_KEY) {
        return "a key in it is not 64 hex digits";
    }
    set_id(master);
    masters->count += 1;
    return NULL;
}

const char *llm_masters_read(llm_masters_t *pmasters, const char *text,
                             apr_size_t len)
{
    const char *what = NULL;

    pmasters->count = 0;
    while (len && !what) {
        const char *end = memchr(text, '\n', len);
        apr_size_t line = end ? (apr_size_t)(end - text) : len;

        if (line && *text != '#') {
            what = read_line(pmasters, text, line);
        }
        text += line + (end != NULL);
        len -= line + (end != NULL);
    }
    return what ? what : pmasters->count ? NULL : "there is no key in it";
}

apr_size_t llm_masters_print(char text[LLM_MASTERS_TEXT],
                             const llm_masters_t *masters)
{
    apr_size_t len = sizeof(REMARK) - 1;
    unsigned i;

    memcpy(text, REMARK, len);
    for (i = 0; i < masters->count; ++i) {
        memcpy(text + len, MASTER_WORD, sizeof(MASTER_WORD) - 1);
        len += sizeof(MASTER_WORD) - 1;
        llm_hex_print(text + len, masters->list[i].key, LLM_MASTER_KEY);
        len += (apr_size_t)2 * LLM_MASTER_KEY;
        text[len++] = '\n';
    }
    return len;
}

/* ------------------------------------------------------------------ secrets */

static int is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *llm_secret_check(const char *secret, apr_size_t *plen)
{
    apr_size_t len = *plen, i;
    int is_document;

    while (len && is_blank(secret[len - 1])) {
        --len;
    }
    *plen = len;
    if (!len) {
        return "it is empty";
    }
    if (len > LLM_SECRET_MAX) {
        return "it is too long";
    }
    is_document = secret[0] == '{' && secret[len - 1] == '}';
    for (i = 0; i < len; ++i) {
        if (((unsigned char)secret[i] <= ' ' || secret[i] == 0x7F)
            && !(is_document && is_blank(secret[i]))) {
            return "it is not one word: there is a blank, a line end or a "
                   "control character in it";
        }
    }
    return NULL;
}

static const llm_master_t *find_master(const llm_masters_t *masters,
                                       const unsigned char *id)
{
    unsigned i;

    for (i = 0; i < masters->count; ++i) {
        if (!memcmp(masters->list[i].id, id, LLM_MASTER_ID)) {
            return &masters->list[i];
        }
    }
    return NULL;
}

const unsigned char *llm_sealed_id(const unsigned char *sealed, apr_size_t len)
{
    return len > HEAD && sealed[0] == VERSION ? sealed + 1 : NULL;
}

/* A cipher that knows its key, its nonce and what is bound; NULL: the library
 * failed. `head` is the sealed secret's. */
static EVP_CIPHER_CTX *begin(int is_sealing, const llm_master_t *master,
                             const char *name, const unsigned char *head)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int ignored;

    if (cipher
        && EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, master->key,
                             head + 1 + LLM_MASTER_ID, is_sealing)
        && EVP_CipherUpdate(cipher, NULL, &ignored,
                            (const unsigned char *)BOUND, (int)BOUND_LEN)
        && EVP_CipherUpdate(cipher, NULL, &ignored, head, 1 + LLM_MASTER_ID)
        && EVP_CipherUpdate(cipher, NULL, &ignored, (const unsigned char *)name,
                            (int)strlen(name))) {
        return cipher;
    }
    EVP_CIPHER_CTX_free(cipher);
    return NULL;
}

/* The plain text into what follows the head, and the tag behind it. */
static int encrypt(unsigned char *sealed, const llm_master_t *master,
                   const char *name, const unsigned char *plain, int len)
{
    EVP_CIPHER_CTX *cipher = begin(1, master, name, sealed);
    int got = 0, rest = 0, done;

    done = cipher && EVP_CipherUpdate(cipher, sealed + HEAD, &got, plain, len)
           && EVP_CipherFinal_ex(cipher, sealed + HEAD + got, &rest)
           && got + rest == len
           && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG,
                                  sealed + HEAD + len);

    EVP_CIPHER_CTX_free(cipher);
    return done;
}

apr_status_t llm_seal(unsigned char sealed[LLM_SEALED_MAX], apr_size_t *plen,
                      const llm_masters_t *masters, const char *name,
                      const char *secret, apr_size_t len)
{
    const apr_size_t padded = (2 + len + STEP - 1) / STEP * STEP;
    unsigned char plain[PLAIN_MAX] = {0};
    apr_status_t status;

    if (!masters->count || len > LLM_SECRET_MAX) {
        return APR_EINVAL;
    }
    sealed[0] = VERSION;
    memcpy(sealed + 1, masters->list[0].id, LLM_MASTER_ID);
    status = llm_random(sealed + 1 + LLM_MASTER_ID, NONCE);
    if (status != APR_SUCCESS) {
        return status;
    }
    plain[0] = (unsigned char)len;
    plain[1] = (unsigned char)(len >> 8);
    memcpy(plain + 2, secret, len);
    if (!encrypt(sealed, &masters->list[0], name, plain, (int)padded)) {
        status = APR_EGENERAL;
    }
    llm_wipe(plain, sizeof(plain));
    *plen = HEAD + padded + TAG;
    return status;
}

/* 0: the tag is not that of these bytes, this key and this name. */
static int decrypt(unsigned char *plain, const llm_master_t *master,
                   const char *name, const unsigned char *sealed, int len)
{
    EVP_CIPHER_CTX *cipher = begin(0, master, name, sealed);
    unsigned char tag[TAG];
    int got = 0, rest = 0, done;

    memcpy(tag, sealed + HEAD + len, TAG);
    done = cipher && EVP_CipherUpdate(cipher, plain, &got, sealed + HEAD, len)
           && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG, tag)
           && EVP_CipherFinal_ex(cipher, plain + got, &rest);
    EVP_CIPHER_CTX_free(cipher);
    return done;
}

apr_status_t llm_unseal(char *secret, apr_size_t *plen,
                        const llm_masters_t *masters, const char *name,
                        const unsigned char *sealed, apr_size_t sealed_len)
{
    unsigned char plain[PLAIN_MAX];
    const llm_master_t *master;
    apr_size_t padded, len;
    apr_status_t status = APR_EINVAL;

    if (sealed_len && sealed[0] > VERSION) {
        return APR_ENOTIMPL;
    }
    if (sealed_len < HEAD + STEP + TAG || sealed_len > LLM_SEALED_MAX
        || sealed[0] != VERSION) {
        return APR_EINVAL;
    }
    padded = sealed_len - HEAD - TAG;
    master = find_master(masters, sealed + 1);
    if (!master) {
        return APR_NOTFOUND;
    }
    if (decrypt(plain, master, name, sealed, (int)padded)) {
        len = (apr_size_t)plain[0] | (apr_size_t)plain[1] << 8;
        if (len <= LLM_SECRET_MAX && len + 2 <= padded) {
            memcpy(secret, plain + 2, len);
            secret[len] = '\0';
            *plen = len;
            status = APR_SUCCESS;
        }
    }
    llm_wipe(plain, sizeof(plain));
    return status;
}
