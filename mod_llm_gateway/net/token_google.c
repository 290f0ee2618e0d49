/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google Cloud. The secret is a key file of Google's, a JSON object:
 *
 *   service_account   an assertion signed with its private key is exchanged
 *                     at its token_uri (RFC 7523)
 *   authorized_user   what "gcloud auth application-default login" writes: a
 *                     refresh token (RFC 6749, section 6)
 *
 * Without one (LLMKey none) the machine's metadata server is asked, which
 * knows the service account of a virtual machine or a pod.
 */
#include <string.h>

#include <apr_strings.h>

#include "core/llm_json.h"
#include "net/jwt.h"
#include "net/token.h"

#define SCOPE     "https://www.googleapis.com/auth/cloud-platform"
#define TOKEN_URI "https://oauth2.googleapis.com/token"
#define METADATA                                                               \
    "http://metadata.google.internal/computeMetadata/v1/instance/"             \
    "service-accounts/default/token"
#define ASSERTION_LIFE 3600 /* seconds; the longest Google takes */

static const char *member(const llm_json_t *doc, const char *name,
                          apr_pool_t *pool)
{
    const char *text = llm_json_string(llm_json_get(doc, name), pool);

    return text && *text ? text : NULL;
}

static const char *form_of(const llm_buf_t *form, apr_pool_t *pool)
{
    return apr_pstrmemdup(pool, form->data, form->len);
}

static const char *claims_of(const char *email, const char *uri,
                             const char *scope, apr_time_t now,
                             apr_pool_t *pool)
{
    llm_buf_t *claims = llm_buf_make(0, pool);
    apr_int64_t seconds = apr_time_sec(now);

    llm_buf_lit(claims, "{\"iss\":");
    llm_buf_put_string(claims, email);
    llm_buf_lit(claims, ",\"scope\":");
    llm_buf_put_string(claims, scope);
    llm_buf_lit(claims, ",\"aud\":");
    llm_buf_put_string(claims, uri);
    llm_buf_printf(
        claims, ",\"iat\":%" APR_INT64_T_FMT ",\"exp\":%" APR_INT64_T_FMT "}",
        seconds, seconds + ASSERTION_LIFE);
    return apr_pstrmemdup(pool, claims->data, claims->len);
}

static const char *header_of(const char *key_id, apr_pool_t *pool)
{
    llm_buf_t *header = llm_buf_make(0, pool);

    llm_buf_lit(header, "{\"alg\":\"RS256\",\"typ\":\"JWT\"");
    if (key_id) {
        llm_buf_lit(header, ",\"kid\":");
        llm_buf_put_string(header, key_id);
    }
    llm_buf_putc(header, '}');
    return apr_pstrmemdup(pool, header->data, header->len);
}

static const char *ask_account(llm_net_request_t *request,
                               const llm_token_source_t *source,
                               const llm_json_t *doc, apr_time_t now,
                               apr_pool_t *pool)
{
    const char *email = member(doc, "client_email", pool);
    const char *key = member(doc, "private_key", pool);
    const char *uri = member(doc, "token_uri", pool), *assertion;
    llm_buf_t *form = llm_buf_make(0, pool);

    if (!email || !key) {
        return "the key file has no client_email or no private_key";
    }
    uri = llm_token_option(source, "url", uri ? uri : TOKEN_URI);
    assertion = llm_jwt_sign(
        header_of(member(doc, "private_key_id", pool), pool),
        claims_of(email, uri, llm_token_option(source, "scope", SCOPE), now,
                  pool),
        key, pool);
    if (!assertion) {
        return "the key file's private_key is no RSA key in PEM";
    }
    llm_token_put(form, "grant_type",
                  "urn:ietf:params:oauth:grant-type:jwt-bearer");
    llm_token_put(form, "assertion", assertion);
    request->url = uri;
    request->body = form_of(form, pool);
    return NULL;
}

static const char *ask_user(llm_net_request_t *request,
                            const llm_token_source_t *source,
                            const llm_json_t *doc, apr_pool_t *pool)
{
    static const char *const names[] = {"client_id", "client_secret",
                                        "refresh_token", NULL};
    llm_buf_t *form = llm_buf_make(0, pool);
    const char *const *name;

    llm_token_put(form, "grant_type", "refresh_token");
    for (name = names; *name; ++name) {
        const char *value = member(doc, *name, pool);

        if (!value) {
            return apr_pstrcat(pool, "the key file has no ", *name, NULL);
        }
        llm_token_put(form, *name, value);
    }
    request->url = llm_token_option(source, "url", TOKEN_URI);
    request->body = form_of(form, pool);
    return NULL;
}

static const char *ask_machine(llm_net_request_t *request,
                               const llm_token_source_t *source,
                               apr_pool_t *pool)
{
    const char *scope = llm_token_option(source, "scope", NULL);
    llm_buf_t *query = llm_buf_make(0, pool);

    request->url = llm_token_option(source, "url", METADATA);
    request->headers = "Metadata-Flavor: Google";
    if (scope) {
        llm_token_put(query, "scopes", scope);
        request->url = apr_psprintf(pool, "%s?%.*s", request->url,
                                    (int)query->len, query->data);
    }
    return NULL;
}

static const char *ask(llm_net_request_t *request,
                       const llm_token_source_t *source, apr_time_t now,
                       apr_pool_t *pool)
{
    const llm_json_t *doc = NULL, *type;

    if (!source->secret) {
        return ask_machine(request, source, pool);
    }
    if (llm_json_read(&doc, source->secret, strlen(source->secret), NULL, pool)
        || doc->type != LLM_JSON_OBJECT) {
        return "expected a key file of Google's, a JSON object";
    }
    type = llm_json_get(doc, "type");
    if (llm_json_equals(type, "service_account")) {
        return ask_account(request, source, doc, now, pool);
    }
    if (llm_json_equals(type, "authorized_user")) {
        return ask_user(request, source, doc, pool);
    }
    return "expected a key file whose type is service_account or "
           "authorized_user";
}

const llm_token_kind_t llm_token_google = {
    .name = "google",
    .options = "",
    .secret_is = "a key file",
    .ask = ask,
};
