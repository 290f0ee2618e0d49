/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request asks for: method and path below the location become a kind
 * and an operation, by a table.
 *
 * It is found when the name is translated, so that neither a document root
 * nor a type is looked for, and kept with the request. Should the URI or the
 * settings change afterwards (a rewrite), it is found again. The gateway
 * answers main requests; a sub-request (an include, a lookahead) is none of
 * its business, and neither is a place that has a handler of its own, such as
 * <Location "/server-status"> below a gateway at "/".
 */
#include "httpd/llmgw.h"

#include <string.h>

#include <ap_expr.h>
#include <apr_strings.h>

#include "core/llm_key.h"

#define HANDLER  "llm-gateway"
#define FILENAME HANDLER ":"
#define MODELS   "/v1/models/"

static const struct endpoint_t {
    const char *path;
    int method;
    const char *allow;
    llmgw_kind_e kind;
    llm_op_e op;
    const char *dialect;
} endpoints[] = {
    {"/v1/chat/completions", M_POST, "POST", LLMGW_CALL, LLM_OP_CHAT, "openai"},
    {"/v1/completions", M_POST, "POST", LLMGW_CALL, LLM_OP_CHAT,
     "openai-completions"},
    {"/v1/embeddings", M_POST, "POST", LLMGW_CALL, LLM_OP_EMBED, "openai"},
    {"/v1/messages", M_POST, "POST", LLMGW_CALL, LLM_OP_CHAT, "anthropic"},
    {"/v1/messages/count_tokens", M_POST, "POST", LLMGW_CALL, LLM_OP_COUNT,
     "anthropic"},
    {"/v1/responses", M_POST, "POST", LLMGW_CALL, LLM_OP_CHAT,
     "openai-responses"},
    {"/v1/models", M_GET, "GET, HEAD", LLMGW_MODELS, LLM_OP_MODELS, "openai"},
};

/* Query parameters that carry a provider's key. */
static const char *const key_parameters[] = {"key", "api_key", "api-key",
                                             "apikey", "access_token"};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- dialects ---------------------------------------------------------- */

/* The dialect a provider's own clients read errors in. */
static const llm_dialect_t *dialect_of(const llm_provider_t *provider)
{
    const llm_dialect_t *dialect = provider->dialect;
    const llm_dialect_t *spoken =
        dialect->speaks ? llm_dialect_find(dialect->speaks) : NULL;

    return dialect->write_problem            ? dialect
           : spoken && spoken->write_problem ? spoken
                                             : llm_dialect_find("openai");
}

/* Mistral's clients call OpenAI's paths; their names tell them apart. */
static int is_mistral(request_rec *r)
{
    const char *agent = apr_table_get(r->headers_in, "User-Agent");

    return (agent && strstr(agent, "mistral-client-"))
           || apr_table_get(r->headers_in, "x-mistral-user-agent");
}

/* The dialect of a path, as this client speaks it. */
static const llm_dialect_t *spoken_by(request_rec *r, const char *dialect)
{
    return llm_dialect_find(
        !strcmp(dialect, "openai") && is_mistral(r) ? "mistral" : dialect);
}

/* Where the path does not tell: what only one dialect's clients send. */
static const llm_dialect_t *unknown_client(request_rec *r)
{
    static const char *const signs[][2] = {
        {"amz-sdk-invocation-id", "bedrock"},
        {"anthropic-version", "anthropic"},
        {"x-goog-api-key", "gemini"},
        {"x-goog-api-client", "gemini"},
    };
    const char *sdk = apr_table_get(r->headers_in, "x-fern-sdk-name");

    for (apr_size_t i = 0; i < COUNT(signs); ++i) {
        if (apr_table_get(r->headers_in, signs[i][0])) {
            return llm_dialect_find(signs[i][1]);
        }
    }
    if (sdk && (!strcmp(sdk, "cohere") || !strcmp(sdk, "cohere-ai"))) {
        return llm_dialect_find("cohere");
    }
    return spoken_by(r, "openai");
}

/* ---- native routes ----------------------------------------------------- */

static int is_key_parameter(const char *name, const char *value)
{
    for (apr_size_t i = 0; i < COUNT(key_parameters); ++i) {
        if (!strcasecmp(name, key_parameters[i])) {
            return 1;
        }
    }
    return !strncmp(value, LLM_KEY_PREFIX, strlen(LLM_KEY_PREFIX));
}

/* One "name=value" of a query, as it stands there. */
static int carries_key(const char *parameter, apr_pool_t *pool)
{
    char *name = apr_pstrdup(pool, parameter);
    char *value = strchr(name, '=');

    if (value) {
        *value++ = '\0';
        ap_unescape_urlencoded(value);
    }
    ap_unescape_urlencoded(name);
    return is_key_parameter(name, value ? value : "");
}

const char *llmgw_query_without_keys(const char *query, apr_pool_t *pool)
{
    const char *kept = NULL;
    char *last, *parameter;

    if (!query) {
        return NULL;
    }
    for (parameter = apr_strtok(apr_pstrdup(pool, query), "&", &last);
         parameter; parameter = apr_strtok(NULL, "&", &last)) {
        if (!carries_key(parameter, pool)) {
            kept = kept ? apr_pstrcat(pool, kept, "&", parameter, NULL)
                        : parameter;
        }
    }
    return kept;
}

/* The path as the client wrote it; a rewritten one is written anew. */
static const char *encoded_path(request_rec *r, const llmgw_request_t *request)
{
    return request->encoded && request->encoded_of == r->uri
               ? request->encoded
               : ap_os_escape_path(r->pool, r->uri, 1);
}

/* What follows the first `segments` segments of an encoded path, or NULL. */
static const char *skip_segments(const char *path, int segments,
                                 apr_pool_t *pool)
{
    const char *rest = path;

    while (rest && segments-- > 0) {
        rest = ap_strchr_c(rest + 1, '/');
    }
    /* with an encoded slash in them these are not the segments that were
     * matched */
    if (rest
        && ap_strcasestr(apr_pstrmemdup(pool, path, (apr_size_t)(rest - path)),
                         "%2f")) {
        return NULL;
    }
    return rest;
}

static int count_slashes(const char *path)
{
    int count = 0;

    for (; *path; ++path) {
        count += *path == '/';
    }
    return count;
}

/* The provider that the first segment of the path names, if any. */
static const llm_provider_t *named_provider(request_rec *r, const char *path)
{
    const char *end = *path == '/' ? ap_strchr_c(path + 1, '/') : NULL;

    return end ? llmgw_provider_find(
               llmgw_server_of(r->server),
               apr_pstrmemdup(r->pool, path + 1, (apr_size_t)(end - path - 1)))
               : NULL;
}

static void set_native(request_rec *r, llmgw_request_t *request,
                       const llm_provider_t *provider)
{
    const char *query = llmgw_query_without_keys(r->args, r->pool);
    const char *rest =
        skip_segments(encoded_path(r, request),
                      count_slashes(request->dir->prefix) + 1, r->pool);

    if (!rest) {
        return;
    }
    request->kind = LLMGW_NATIVE;
    request->native = provider;
    request->client = dialect_of(provider);
    request->native_rest =
        query ? apr_pstrcat(r->pool, rest, "?", query, NULL) : rest;
    request->method_allowed =
        r->method_number != M_TRACE && r->method_number != M_CONNECT;
    request->allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
}

/* ---- the kind ---------------------------------------------------------- */

static const struct endpoint_t *find_endpoint(const char *path)
{
    for (apr_size_t i = 0; i < COUNT(endpoints); ++i) {
        if (!strcmp(endpoints[i].path, path)) {
            return &endpoints[i];
        }
    }
    return NULL;
}

static void set_endpoint(request_rec *r, llmgw_request_t *request,
                         const struct endpoint_t *endpoint)
{
    request->kind = endpoint->kind;
    request->op = endpoint->op;
    request->method_allowed = r->method_number == endpoint->method;
    request->allow = endpoint->allow;
    if (endpoint->kind != LLMGW_MODELS) {
        request->client = spoken_by(r, endpoint->dialect);
    }
}

/* The path below the location, or NULL when it is not below it. */
static const char *path_below(request_rec *r, const llmgw_dir_t *dir)
{
    apr_size_t len = strlen(dir->prefix);

    return r->uri && !strncmp(r->uri, dir->prefix, len) ? r->uri + len : NULL;
}

/* The dialect that reads its paths itself, where this is one of them. */
static const llm_dialect_t *find_line(request_rec *r, const char *path,
                                      llm_line_t **pline,
                                      llm_problem_t **pproblem)
{
    const char *query = llmgw_query_without_keys(r->args, r->pool);
    const llm_dialect_t *const *all;
    apr_size_t count;

    all = llm_dialect_all(&count);
    for (apr_size_t i = 0; i < count; ++i) {
        if (all[i]->read_line
            && all[i]->read_line(pline, pproblem, path, query, r->pool)) {
            return all[i];
        }
    }
    return NULL;
}

static void set_models(request_rec *r, llmgw_request_t *request,
                       const char *model)
{
    request->kind = LLMGW_MODELS;
    request->op = LLM_OP_MODELS;
    request->model = model;
    request->method_allowed = r->method_number == M_GET;
    request->allow = "GET, HEAD";
}

/* Returns 0 where the path is of no such dialect. */
static int set_line(request_rec *r, llmgw_request_t *request, const char *path)
{
    llm_problem_t *problem = NULL;
    llm_line_t *line = NULL;
    const llm_dialect_t *dialect = find_line(r, path, &line, &problem);

    if (!dialect) {
        return 0;
    }
    request->client = dialect;
    request->line = line;
    request->line_problem = problem;
    if (line->op == LLM_OP_MODELS) {
        set_models(r, request, line->model);
        if (line->posted) {
            request->method_allowed = r->method_number == M_POST;
            request->allow = "POST";
        }
        return 1;
    }
    request->kind = LLMGW_CALL;
    request->op = line->op;
    request->method_allowed = r->method_number == M_POST;
    request->allow = "POST";
    return 1;
}

static void classify_call(request_rec *r, llmgw_request_t *request)
{
    const char *path = path_below(r, request->dir);
    const struct endpoint_t *endpoint;
    const llm_provider_t *provider;

    request->kind = LLMGW_UNKNOWN;
    request->client = unknown_client(r);
    if (!path) {
        return;
    }
    if (!strcmp(path, request->dir->health_path.value)) {
        request->kind = LLMGW_HEALTH;
        request->method_allowed = r->method_number == M_GET;
        request->allow = "GET, HEAD";
        return;
    }
    endpoint = find_endpoint(path);
    if (endpoint) {
        set_endpoint(r, request, endpoint);
        return;
    }
    if (set_line(r, request, path)) {
        return;
    }
    if (!strncmp(path, MODELS, strlen(MODELS)) && path[strlen(MODELS)]) {
        set_models(r, request, path + strlen(MODELS));
        return;
    }
    if (llmgw_kept_find(r, request, path)) {
        return;
    }
    provider = named_provider(r, path);
    if (provider) {
        set_native(r, request, provider);
        if (request->kind == LLMGW_NATIVE) {
            llmgw_kept_native(r, request, strchr(path + 1, '/'));
        }
    }
}

static void classify_meter(request_rec *r, llmgw_request_t *request)
{
    const char *name = request->dir->provider_for.value;

    request->kind = LLMGW_METER;
    request->native =
        name ? llmgw_provider_find(llmgw_server_of(r->server), name) : NULL;
    request->client = request->native ? dialect_of(request->native)
                                      : llm_dialect_find("openai");
    request->op = LLM_OP_NATIVE;
    request->method_allowed = 1;
}

/* An ErrorDocument leads here: the answer is what went wrong before. */
static void classify_error(request_rec *r, llmgw_request_t *request)
{
    const llmgw_request_t *before = llmgw_request_of(r->prev);

    classify_call(r, request);
    request->kind = LLMGW_UNKNOWN;
    if (before) {
        request->client = before->client;
        request->problem = before->problem;
    }
    if (!request->problem) {
        request->problem = llmgw_problem_of_status(r, r->prev->status);
    }
}

/* What SetHandler says here, or NULL. */
static const char *forced_handler(request_rec *r)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const char *error = NULL, *handler;

    if (!core->expr_handler) {
        return core->handler;
    }
    handler = ap_expr_str_exec(r, core->expr_handler, &error);
    return error || !strcmp(handler, "none") ? NULL : handler;
}

static int is_proxied(request_rec *r)
{
    const char *handler = forced_handler(r);

    return (r->proxyreq == PROXYREQ_REVERSE && r->filename
            && !strncmp(r->filename, "proxy:", 6))
           || (handler && !strncmp(handler, "proxy:", 6));
}

static llmgw_kind_e kind_here(request_rec *r, const llmgw_dir_t *dir)
{
    const char *handler;

    if (r->main || !r->uri) {
        return LLMGW_NONE;
    }
    if (dir->meter.value) {
        return is_proxied(r) ? LLMGW_METER : LLMGW_NONE;
    }
    if (!dir->gateway.value || r->proxyreq) {
        return LLMGW_NONE;
    }
    handler = forced_handler(r);
    return handler && strcmp(handler, HANDLER) ? LLMGW_NONE : LLMGW_CALL;
}

/* ---- finding it -------------------------------------------------------- */

llmgw_request_t *llmgw_request_kept(request_rec *r)
{
    return r->request_config
               ? ap_get_module_config(r->request_config, &llm_gateway_module)
               : NULL;
}

static llmgw_request_t *keep_request(request_rec *r)
{
    llmgw_request_t *request = llmgw_request_kept(r);

    if (!request) {
        request = apr_pcalloc(r->pool, sizeof(*request));
        ap_set_module_config(r->request_config, &llm_gateway_module, request);
    }
    return request;
}

/* What it is stays so once somebody acted upon it. */
static int is_settled(const llmgw_request_t *request)
{
    return request->kind != LLMGW_NONE
           && (request->key_checked || request->problem || request->x);
}

llmgw_request_t *llmgw_request_of(request_rec *r)
{
    llmgw_request_t *request = llmgw_request_kept(r);
    const llmgw_dir_t *dir;
    llmgw_kind_e kind;

    if (request && is_settled(request)) {
        return request;
    }
    dir = r->per_dir_config ? llmgw_dir_of(r) : NULL;
    kind = dir ? kind_here(r, dir) : LLMGW_NONE;
    if (kind == LLMGW_NONE) {
        return NULL;
    }
    if (request && request->dir == dir && request->uri == r->uri) {
        return request;
    }
    request = keep_request(r);
    request->dir = dir;
    request->uri = r->uri;
    if (kind == LLMGW_METER) {
        classify_meter(r, request);
    }
    else if (r->prev && ap_is_HTTP_ERROR(r->prev->status)) {
        classify_error(r, request);
    }
    else {
        classify_call(r, request);
    }
    return request;
}

const char *llmgw_request_id(request_rec *r, llmgw_request_t *request)
{
    if (!request->id_text) {
        char *text = apr_palloc(r->pool, LLM_RECORD_ID_TEXT);

        if (llm_random(request->id, sizeof(request->id))) {
            /* no randomness: unique in this process at least */
            apr_time_t now = apr_time_now();

            memcpy(request->id, &now, sizeof(now));
            memcpy(request->id + sizeof(now), &r,
                   sizeof(request->id) - sizeof(now));
        }
        llm_record_id_print(text, request->id);
        request->id_text = text;
        apr_table_setn(r->subprocess_env, "LLM_REQUEST_ID", text);
    }
    return request->id_text;
}

llm_problem_t *llmgw_endpoint_problem(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem;

    if (request->problem || request->line_problem) {
        return request->problem ? request->problem : request->line_problem;
    }
    if (request->kind == LLMGW_UNKNOWN) {
        problem = llm_problem_make(LLM_PROBLEM_NOT_FOUND, r->pool,
                                   "there is nothing at %s %.200s", r->method,
                                   r->uri);
        problem->code = "not_found";
        return problem;
    }
    if (!request->method_allowed) {
        return llm_problem_make(LLM_PROBLEM_METHOD, r->pool,
                                "%s is not allowed at %.200s: use %s",
                                r->method, r->uri, request->allow);
    }
    return NULL;
}

/* ---- hooks ------------------------------------------------------------- */

/* A model's name in a path may have its slashes encoded, which httpd forbids
 * where it maps paths to files; here none is. */
static void join_name(request_rec *r)
{
    const char *path = path_below(r, llmgw_dir_of(r));
    llm_problem_t *problem;
    llm_line_t *line;
    char *to;

    if (!path || !ap_strcasestr(path, "%2f") || ap_strcasestr(path, "..")
        || (!find_line(r, path, &line, &problem)
            && strncmp(path, MODELS, strlen(MODELS)) != 0)) {
        return;
    }
    for (const char *from = to = r->uri; (*to = *from) != '\0'; ++to, ++from) {
        if (!strncasecmp(from, "%2f", 3)) {
            *to = '/';
            from += 2;
        }
    }
}

/* The path before it is decoded: native routes pass it on as it was. Keys in
 * the query are taken out before anybody looks at it. */
static int note_encoded_path(request_rec *r)
{
    if (!r->uri || !r->per_dir_config || (!r->args && !ap_strchr_c(r->uri, '%'))
        || kind_here(r, llmgw_dir_of(r)) != LLMGW_CALL) {
        return DECLINED;
    }
    if (r->args) {
        llmgw_auth_take_query(r, keep_request(r));
    }
    if (ap_strchr_c(r->uri, '%')) {
        llmgw_request_t *request = keep_request(r);

        request->encoded = apr_pstrdup(r->pool, r->uri);
        request->encoded_of = r->uri;
        /* should it not be decodable, the error is ours to write */
        request->client = unknown_client(r);
        join_name(r);
    }
    return DECLINED;
}

static int translate(request_rec *r)
{
    const llmgw_request_t *request = llmgw_request_of(r);

    if (!request || request->kind == LLMGW_METER) {
        return DECLINED;
    }
    /* Others expect a name; nothing is ever opened by it. */
    r->filename = apr_pstrcat(r->pool, FILENAME, r->uri, NULL);
    return OK;
}

static int is_translated(request_rec *r)
{
    return !r->main && r->filename
           && !strncmp(r->filename, FILENAME, strlen(FILENAME));
}

/* The settings are the server's defaults in this hook: the name tells. */
static int map_to_storage(request_rec *r)
{
    return is_translated(r) && llmgw_request_kept(r) ? OK : DECLINED;
}

/* "/openai/v1/files/x.gz" has neither a type nor an encoding by its name. */
static int find_type(request_rec *r)
{
    const llmgw_request_t *request = llmgw_request_of(r);

    if (!request || request->kind == LLMGW_METER) {
        return DECLINED;
    }
    r->handler = HANDLER;
    return OK;
}

void llmgw_endpoint_hooks(apr_pool_t *p)
{
    static const char *const after[] = {"mod_rewrite.c", NULL};
    static const char *const before[] = {"mod_proxy.c", "mod_alias.c",
                                         "mod_userdir.c", NULL};

    (void)p;
    ap_hook_pre_translate_name(note_encoded_path, NULL, NULL,
                               APR_HOOK_REALLY_FIRST);
    ap_hook_translate_name(translate, after, before, APR_HOOK_FIRST);
    ap_hook_map_to_storage(map_to_storage, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_type_checker(find_type, NULL, NULL, APR_HOOK_FIRST);
}
