/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Azure OpenAI: OpenAI's dialect at Azure's addresses, with Azure's key header.
 *
 * There are two APIs, told apart by LLMAPIVersion:
 *
 *   none, "preview" and the like   {base}/openai/v1/chat/completions
 *   a date, "2024-10-21"           {base}/openai/deployments/{deployment}/
 *                                  chat/completions?api-version=2024-10-21
 *
 * The model of a target is the deployment's name; the first API takes it from
 * the body, the second from the path, and only for the operations that work on
 * a deployment: files, batches and responses are found beside them. A base URL
 * that names a deployment, or one of the inference endpoint (".../models"),
 * stays as it is.
 *
 * What is particular in answers OpenAI's reader knows: a first event without
 * choices, results of content filters, an empty name of the model, errors
 * whose code repeats the status.
 */
#include "dialect/openai_internal.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* ---- addresses ---- */

/* Operations that work on a deployment. */
static const char *const deployed[] = {
    "/chat/completions",     "/completions",        "/embeddings",
    "/audio/transcriptions", "/audio/translations", "/audio/speech",
    "/images/generations",   "/images/edits",       NULL,
};

/* Below a deployment's address, by the version that is asked for? */
static int is_dated(const llm_provider_t *provider)
{
    return provider->api_version && apr_isdigit(*provider->api_version);
}

static int ends_with(const char *text, const char *end)
{
    apr_size_t len = strlen(text), tail = strlen(end);

    return len >= tail && !strcmp(text + len - tail, end);
}

static const char *base_of(const llm_provider_t *provider)
{
    return provider->base_path ? provider->base_path : "";
}

/* The base path up to "/openai". */
static const char *root_of(const llm_provider_t *provider, apr_pool_t *pool)
{
    const char *base = base_of(provider);
    const char *root = ends_with(base, "/v1")
                           ? apr_pstrmemdup(pool, base, strlen(base) - 3)
                           : base;

    return ends_with(root, "/openai")
               ? root
               : apr_pstrcat(pool, root, "/openai", NULL);
}

static int is_deployed(const char *rest)
{
    apr_size_t len = strcspn(rest, "?");
    const char *const *operation;

    for (operation = deployed; *operation; ++operation) {
        if (strlen(*operation) == len && !strncmp(rest, *operation, len)) {
            return 1;
        }
    }
    return 0;
}

/* With the version, unless the client said one. */
static const char *with_version(const llm_provider_t *provider,
                                const char *path, apr_pool_t *pool)
{
    const char *query = strchr(path, '?');

    if (!provider->api_version || (query && strstr(query, "api-version="))) {
        return path;
    }
    return apr_pstrcat(pool, path, query ? "&" : "?", "api-version=",
                       llm_path_escape(provider->api_version, pool), NULL);
}

/* One of the names that Azure gives: it is a single segment. */
static const char *deployment(const char *model, apr_pool_t *pool)
{
    return model && !strchr(model, '/') ? llm_path_escape(model, pool) : NULL;
}

static llm_problem_t *place(llm_request_t *req, const llm_provider_t *provider,
                            const char *model, apr_pool_t *pool)
{
    const char *base = base_of(provider);
    const char *rest = req->path + strlen(base);

    if (is_dated(provider) && !strstr(base, "/deployments/")
        && !ends_with(base, "/models")) {
        const char *name = deployment(model, pool);

        if (!is_deployed(rest)) {
            req->path = apr_pstrcat(pool, root_of(provider, pool), rest, NULL);
        }
        else if (!name) {
            return llm_problem_field(pool, "model",
                                     "not a name that a deployment of Azure's "
                                     "can have");
        }
        else {
            req->path = apr_pstrcat(pool, root_of(provider, pool),
                                    "/deployments/", name, rest, NULL);
        }
    }
    req->path = with_version(provider, req->path, pool);
    return NULL;
}

static const llm_dialect_t *also(const llm_provider_t *provider,
                                 const llm_dialect_t *client, const char *model)
{
    llm_provider_t known = *provider;

    if (is_dated(provider) && !provider->responses) {
        known.responses = -1; /* only the newest versions have them */
    }
    return llm_openai_also(&known, client, model);
}

/* ---- native calls ---- */

/* Of "/openai/deployments/NAME/chat/completions"; else the body says it. */
static const char *native_model(const char *path, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    static const char segment[] = "/deployments/";
    const char *at = strstr(path, segment);

    if (at && at < path + strcspn(path, "?")) {
        at += sizeof(segment) - 1;
        return llm_path_unescape(at, strcspn(at, "/?"), pool);
    }
    return llm_json_string(llm_json_want(doc, "model"), pool);
}

/* A client's path that begins with "/openai" is Azure's own; any other is one
 * below the base URL. */
static const char *native_path(const llm_provider_t *provider, const char *rest,
                               apr_pool_t *pool)
{
    const char *path;

    if (llm_path_begins_with(rest, "/openai")) {
        const char *root = root_of(provider, pool);

        path = apr_pstrcat(
            pool, apr_pstrmemdup(pool, root, strlen(root) - strlen("/openai")),
            rest, NULL);
    }
    else if (is_dated(provider)) {
        path = apr_pstrcat(pool, root_of(provider, pool),
                           *rest == '/' ? "" : "/", rest, NULL);
    }
    else {
        path = llm_dialect_native_path(provider, rest, pool);
    }
    return with_version(provider, path, pool);
}

static const char *secret_header(const char **pprefix)
{
    *pprefix = "";
    return "api-key";
}

const llm_dialect_t llm_dialect_azure = {
    .name = "azure",
    .family = "openai",
    .speaks = "openai",
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_NATIVE | LLM_OPS_UNREAD,
    .pass_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OPS_UNREAD,
    .default_path = "/openai/v1",
    .framing = LLM_FRAMING_SSE,
    .also = also,
    .place = place,
    .chat_path = "/chat/completions",

    .write_request = llm_openai_write_request,
    .pass_request = llm_openai_pass_request,
    .secret_header = secret_header,
    .read_response = llm_openai_read_response,
    .reader_make = llm_openai_reader_make,
    .read_event = llm_openai_read_event,
    .reader_end = llm_openai_reader_end,
    .read_usage = llm_openai_read_usage,
    .read_facts = llm_openai_read_facts,
    .read_tier = llm_openai_read_tier,
    .read_problem = llm_openai_read_problem,
    .event_problem = llm_openai_event_problem,
    .hide_usage = llm_openai_hide_usage,
    .is_last = llm_openai_is_last,
    .native_model = native_model,
    .native_path = native_path,
};
