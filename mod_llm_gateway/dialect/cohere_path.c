/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path of Cohere's API asks for, and requests that pass to Cohere.
 *
 * Documents are ranked by providers that have that themselves: nobody else
 * can be asked for it. /v1/rerank passes as it is; a base URL that ends in
 * "/v2" is taken as the place beside it.
 */
#include "dialect/cohere_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_strings.h>

static const llm_line_t lines[] = {
    {.op = LLM_OP_CHAT, .method = "/v2/chat"},
    {.op = LLM_OP_EMBED, .method = "/v2/embed"},
    {.op = LLM_OP_RERANK, .method = "/v2/rerank"},
    {.op = LLM_OP_RERANK, .method = "/v1/rerank"},
};

int llm_cohere_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                         const char *path, const char *query, apr_pool_t *pool)
{
    apr_size_t i;

    (void)query; /* its clients send none */
    *pproblem = NULL;
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); ++i) {
        if (!strcmp(lines[i].method, path)) {
            *pline = apr_pmemdup(pool, &lines[i], sizeof(lines[i]));
            return 1;
        }
    }
    return 0;
}

const char *llm_cohere_path(const llm_provider_t *provider, const char *suffix,
                            apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";
    apr_size_t len = strlen(base);

    if (len >= 3 && !strcmp(base + len - 3, "/v2")) {
        len -= 3;
    }
    return apr_pstrcat(pool, apr_pstrmemdup(pool, base, len), suffix, NULL);
}

llm_problem_t *llm_cohere_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_splice_model(req, raw, model, pool);
    const char *path = op == LLM_OP_EMBED    ? "/v2/embed"
                       : op == LLM_OP_RERANK ? "/v2/rerank"
                                             : "/v2/chat";

    *phide = 0; /* usage is always told */
    req->method = "POST";
    req->path = llm_cohere_path(
        provider, req->line && req->line->method ? req->line->method : path,
        pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return problem;
}
