/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path of Bedrock's API asks for, and requests that pass to Bedrock.
 *
 *     /model/NAME/converse
 *     /model/NAME/converse-stream
 *     /model/NAME/count-tokens
 *
 * A name may be an ARN, with colons and slashes in it, which SDKs encode; it
 * ends at the last slash. InvokeModel, whose bodies are each maker's own, is
 * served by native routes alone. Where bytes pass, nothing of them changes:
 * the model is in the path.
 */
#include "dialect/bedrock_internal.h"

#include <string.h>

#include <apr_strings.h>

static const char prefix[] = "/model/";

static const llm_line_t lines[] = {
    {.op = LLM_OP_CHAT, .method = "/converse"},
    {.op = LLM_OP_CHAT, .method = "/converse-stream", .stream = 1},
    {.op = LLM_OP_COUNT, .method = "/count-tokens"},
    {.op = LLM_OP_NATIVE, .method = "/invoke"},
    {.op = LLM_OP_NATIVE, .method = "/invoke-with-response-stream"},
};

int llm_bedrock_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                          const char *path, const char *query, apr_pool_t *pool)
{
    apr_size_t len = sizeof(prefix) - 1, i;
    const char *method = strrchr(path, '/');

    (void)query; /* its clients send none */
    *pproblem = NULL;
    if (strncmp(path, prefix, len) || (apr_size_t)(method - path) <= len) {
        return 0;
    }
    for (i = 0; i < sizeof(lines) / sizeof(*lines); ++i) {
        if (!strcmp(lines[i].method, method)) {
            *pline = apr_pmemdup(pool, &lines[i], sizeof(lines[i]));
            (*pline)->model = apr_pstrmemdup(pool, path + len,
                                             (apr_size_t)(method - path) - len);
            if (lines[i].op == LLM_OP_NATIVE) {
                *pproblem = llm_problem_make(
                    LLM_PROBLEM_NOT_FOUND, pool,
                    "InvokeModel is served below the name of a provider only, "
                    "/PROVIDER%.200s; for any model use Converse",
                    path);
            }
            return 1;
        }
    }
    return 0;
}

/* Of the name, which may be an ARN, colons and slashes are encoded. */
const char *llm_bedrock_path(const llm_provider_t *provider, const char *model,
                             const char *method, apr_pool_t *pool)
{
    const char *name = llm_path_escape(model, pool), *at;
    llm_buf_t *path = llm_buf_make(0, pool);

    if (!name) {
        return NULL;
    }
    llm_buf_puts(path, provider->base_path ? provider->base_path : "");
    llm_buf_puts(path, prefix);
    for (at = name; *at; ++at) {
        if (*at == '/' || *at == '@') {
            llm_buf_puts(path, *at == '/' ? "%2F" : "%40");
        }
        else {
            llm_buf_putc(path, *at);
        }
    }
    llm_buf_puts(path, method);
    return apr_pstrmemdup(pool, path->data, path->len);
}

llm_problem_t *llm_bedrock_pass_request(llm_request_t *req, llm_op_e op,
                                        llm_bytes_t raw, const char *model,
                                        const llm_provider_t *provider,
                                        int *phide, apr_pool_t *pool)
{
    (void)op; /* the path says it */
    *phide = 0;
    req->method = "POST";
    req->path = llm_bedrock_path(
        provider, model, req->line ? req->line->method : "/converse", pool);
    req->body = apr_pmemdup(pool, &raw, sizeof(raw));
    req->body_count = 1;
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return req->path
               ? NULL
               : llm_problem_field(pool, "model", "this is no model's name");
}
