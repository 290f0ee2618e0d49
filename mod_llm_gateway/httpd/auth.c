/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: the client's key, found in the request's headers and looked up in
 * the snapshot, without waiting for anything.
 *
 * Clients of each provider send their key in a header of their own; all of
 * them are read, in a fixed order, and last the URL, where Google's examples
 * put it. URLs end up in logs, so keys are taken out of it first of all. Two
 * keys that differ are refused rather than guessed between. Whatever is wrong with a key the client is told the
 * same; the log names the reason, and the key by its name.
 *
 * `AuthType LLMKey` makes it httpd's authentication, with Require and all;
 * the handler asks again where no Require did, so that a location without one
 * is not an open one.
 */
#include "httpd/llmgw.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <scoreboard.h>

#include "core/llm_key.h"

#define AUTH_TYPE "LLMKey"
#define ANONYMOUS "anonymous"
#define KEY_MAX   512 /* bytes of a key a client may send */

/* Where a key may be, in the order in which they are read. */
static const struct credential_t {
    const char *header;
    const char *scheme; /* what comes before the key, or NULL */
} credentials[] = {
    {"Authorization", "Bearer"}, {"x-api-key", NULL},
    {"x-goog-api-key", NULL},    {"api-key", NULL},
    {"X-Client-API-Key", NULL},
};

#define CREDENTIALS (sizeof(credentials) / sizeof(credentials[0]))

void llmgw_auth_strip(apr_table_t *headers)
{
    for (apr_size_t i = 0; i < CREDENTIALS; ++i) {
        apr_table_unset(headers, credentials[i].header);
    }
}

/* ---- finding the key --------------------------------------------------- */

static const char *skip_blanks(const char *text)
{
    while (apr_isspace(*text)) {
        ++text;
    }
    return text;
}

/* The key in one header; nothing where there is none. */
static llm_bytes_t read_credential(request_rec *r,
                                   const struct credential_t *credential)
{
    const char *value = apr_table_get(r->headers_in, credential->header);
    llm_bytes_t key = {NULL, 0};

    if (value && credential->scheme) {
        apr_size_t len = strlen(credential->scheme);

        /* another scheme is somebody else's business */
        value = strncasecmp(value, credential->scheme, len)
                        || !apr_isspace(value[len])
                    ? NULL
                    : value + len;
    }
    if (!value) {
        return key;
    }
    value = skip_blanks(value);
    key.len = strlen(value);
    while (key.len && apr_isspace(value[key.len - 1])) {
        --key.len;
    }
    key.data = key.len ? value : NULL;
    return key;
}

/* ---- keys in the URL --------------------------------------------------- */

/* A parameter's value that looks like one of ours, or NULL. */
static const char *key_in(const char *parameter, apr_pool_t *pool)
{
    const char *equals = ap_strchr_c(parameter, '=');
    char *value = equals ? apr_pstrdup(pool, equals + 1) : NULL;

    return value && !ap_unescape_urlencoded(value)
                   && !strncmp(value, LLM_KEY_PREFIX, strlen(LLM_KEY_PREFIX))
               ? value
               : NULL;
}

static void note_query_keys(request_rec *r, llmgw_request_t *request)
{
    char *last, *parameter;

    for (parameter = apr_strtok(apr_pstrdup(r->pool, r->args), "&", &last);
         parameter; parameter = apr_strtok(NULL, "&", &last)) {
        const char *key = key_in(parameter, r->pool);

        if (key && request->query_key && strcmp(key, request->query_key)) {
            request->query_keys_differ = 1;
        }
        else if (key) {
            request->query_key = key;
        }
    }
}

/* "GET /path?query HTTP/1.1" with another query. */
static const char *request_line(request_rec *r, const char *query)
{
    const char *begin = ap_strchr_c(r->the_request, '?');
    const char *end = begin ? ap_strchr_c(begin, ' ') : NULL;

    if (!begin) {
        return r->the_request;
    }
    return apr_pstrcat(r->pool,
                       apr_pstrmemdup(r->pool, r->the_request,
                                      (apr_size_t)(begin - r->the_request)),
                       query ? "?" : "", query ? query : "", end ? end : "",
                       NULL);
}

void llmgw_auth_take_query(request_rec *r, llmgw_request_t *request)
{
    char *kept = (char *)llmgw_query_without_keys(r->args, r->pool);
    const char *path;

    if (!r->args || (kept && !strcmp(kept, r->args))) {
        return;
    }
    note_query_keys(r, request);
    path = r->unparsed_uri ? apr_pstrmemdup(r->pool, r->unparsed_uri,
                                            strcspn(r->unparsed_uri, "?"))
                           : r->uri;
    r->the_request = (char *)request_line(r, kept);
    r->unparsed_uri =
        kept ? apr_pstrcat(r->pool, path, "?", kept, NULL) : (char *)path;
    r->parsed_uri.query = kept;
    r->args = kept;
    /* server-status shows the request line as it was read */
    ap_update_child_status(r->connection->sbh, SERVER_BUSY_WRITE, r);
}

static int is_same(llm_bytes_t a, llm_bytes_t b)
{
    return a.len == b.len && !memcmp(a.data, b.data, a.len);
}

/* The key of the URL, as one more place. Returns 0 as find_key does. */
static int add_query_key(const llmgw_request_t *request, llm_bytes_t *pkey)
{
    llm_bytes_t key;

    if (!request || !request->query_key) {
        return 1;
    }
    key.data = request->query_key;
    key.len = strlen(key.data);
    if (request->query_keys_differ || (pkey->data && !is_same(*pkey, key))) {
        return 0;
    }
    *pkey = key;
    return 1;
}

/* 1, and the key or nothing; 0 when there are two that differ. */
static int find_key(request_rec *r, llm_bytes_t *pkey)
{
    *pkey = (llm_bytes_t){NULL, 0};
    for (apr_size_t i = 0; i < CREDENTIALS; ++i) {
        llm_bytes_t key = read_credential(r, &credentials[i]);

        if (!key.data) {
            continue;
        }
        if (pkey->data && !is_same(*pkey, key)) {
            return 0;
        }
        *pkey = key;
    }
    return add_query_key(llmgw_request_kept(r), pkey);
}

/* ---- judging it -------------------------------------------------------- */

static llm_problem_t *unauthorized(request_rec *r, const char *message)
{
    llm_problem_t *problem =
        llm_problem_make(LLM_PROBLEM_UNAUTHORIZED, r->pool, "%s", message);

    problem->code = "invalid_api_key";
    return problem;
}

static llm_problem_t *refuse(request_rec *r, const char *name,
                             const char *reason)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  LLM_LOGNO(0310) "key refused: %s%s%s", name,
                  *name ? ", " : "", reason);
    return unauthorized(r, "the API key is not valid");
}

/* Keys are known only once the store's owner has loaded them: until then a
 * good key could not be told from a bad one. */
static llm_problem_t *not_ready(request_rec *r)
{
    llm_problem_t *problem =
        llm_problem_make(LLM_PROBLEM_UNAVAILABLE, r->pool,
                         "the gateway cannot check keys at the moment");

    problem->retry_after = 1;
    return problem;
}

static int are_keys_loaded(llm_snapshot_t *snapshot)
{
    llm_health_t health;

    if (!snapshot) {
        return 0;
    }
    llm_snapshot_health(snapshot, &health);
    return health.ready;
}

static const char *reason_against(const llm_key_view_t *view, apr_time_t now)
{
    return view->revoked                           ? "revoked"
           : view->flags & LLM_KEY_DISABLED        ? "disabled"
           : view->expires && view->expires <= now ? "expired"
                                                   : NULL;
}

static llm_problem_t *judge(request_rec *r, llm_bytes_t key,
                            llm_key_view_t *pview)
{
    llm_snapshot_t *snapshot = llmgw_shared_snapshot();
    llm_key_hash_t hash;
    const char *reason;

    if (key.len > KEY_MAX) {
        return refuse(r, "", "too long");
    }
    if (!are_keys_loaded(snapshot)) {
        return not_ready(r);
    }
    llm_key_digest(&hash, key.data, key.len);
    if (!llm_snapshot_find(snapshot, &hash, pview)) {
        memset(pview, 0, sizeof(*pview));
        return refuse(r, "", "unknown");
    }
    reason = reason_against(pview, r->request_time);
    if (reason) {
        llm_problem_t *problem = refuse(r, pview->name, reason);

        memset(pview, 0, sizeof(*pview));
        return problem;
    }
    return NULL;
}

static void set_user(request_rec *r, const char *name)
{
    r->user = apr_pstrdup(r->pool, name);
    r->ap_auth_type = apr_pstrdup(r->pool, AUTH_TYPE);
}

/* Signature Version 4 proves knowledge of a secret that is not ours. */
static int is_signed(request_rec *r)
{
    static const char scheme[] = "AWS4-HMAC-SHA256";
    const char *value = apr_table_get(r->headers_in, "Authorization");

    return value && !strncasecmp(value, scheme, sizeof(scheme) - 1);
}

/* NULL: view is the key's, or id 0 where none is needed. */
static llm_problem_t *authenticate(request_rec *r, int may_be_anonymous,
                                   llm_key_view_t *pview)
{
    llm_bytes_t key;

    memset(pview, 0, sizeof(*pview));
    if (!find_key(r, &key)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      LLM_LOGNO(0311) "key refused: two different ones");
        return unauthorized(r, "two different API keys were sent: send one");
    }
    if (!key.data) {
        if (!may_be_anonymous && is_signed(r)) {
            return unauthorized(r, "requests signed with AWS credentials "
                                   "cannot be checked here: send an API key of "
                                   "the gateway's as bearer token "
                                   "(AWS_BEARER_TOKEN_BEDROCK)");
        }
        if (!may_be_anonymous) {
            return unauthorized(r, "an API key is needed: send it as "
                                   "'Authorization: Bearer ...' or in "
                                   "'x-api-key'");
        }
        return NULL;
    }
    return judge(r, key, pview);
}

llm_problem_t *llmgw_auth_check(request_rec *r, llmgw_request_t *request)
{
    if (request->problem) {
        return request->problem;
    }
    if (!request->key_checked) {
        /* who watches the gateway's health has no key */
        if (request->kind != LLMGW_HEALTH) {
            request->key_problem =
                authenticate(r, request->dir->anonymous.value, &request->key);
        }
        request->key_checked = 1;
        if (!request->key_problem && !r->user) {
            set_user(r, request->key.id ? request->key.name : ANONYMOUS);
        }
        if (request->key.id) {
            apr_table_setn(r->subprocess_env, "LLM_KEY", request->key.name);
        }
    }
    return request->key_problem;
}

/* ---- httpd's authentication -------------------------------------------- */

static int is_ours(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && !strcasecmp(type, AUTH_TYPE);
}

void llmgw_auth_challenge(request_rec *r)
{
    const char *realm = ap_auth_name(r);

    apr_table_setn(
        r->err_headers_out,
        r->proxyreq == PROXYREQ_PROXY ? "Proxy-Authenticate"
                                      : "WWW-Authenticate",
        apr_psprintf(r->pool, "Bearer realm=\"%s\"",
                     realm ? ap_escape_quotes(r->pool, realm) : "llm-gateway"));
}

static int check_authn(request_rec *r)
{
    llmgw_request_t *request = llmgw_request_of(r);
    llm_problem_t *problem;
    llm_key_view_t view;

    if (!is_ours(r)) {
        return DECLINED;
    }
    if (request) {
        problem = llmgw_auth_check(r, request);
    }
    else {
        /* keys protect something that is not the gateway's */
        problem = authenticate(r, 0, &view);
        if (!problem) {
            set_user(r, view.name);
        }
    }
    if (!problem) {
        return OK;
    }
    if (problem->status == HTTP_UNAUTHORIZED) {
        llmgw_auth_challenge(r);
    }
    if (request) {
        request->problem = problem;
    }
    return problem->status;
}

/* Asked for by Require when nobody is authenticated. */
static int note_auth_failure(request_rec *r, const char *type)
{
    if (strcasecmp(type, AUTH_TYPE)) {
        return DECLINED;
    }
    llmgw_auth_challenge(r);
    return OK;
}

void llmgw_auth_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_check_authn(check_authn, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(note_auth_failure, NULL, NULL, APR_HOOK_MIDDLE);
}
