/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path of Ollama's API asks for, and requests that pass to a server of
 * it. Answers are streamed unless the body says that they are not to be.
 *
 * Where bytes pass, only the model's name changes, and the path is the one the
 * client called: /api/generate stays /api/generate.
 */
#include "dialect/ollama_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_strings.h>

/* The version of the API that is spoken here: thinking, tools, schemas. */
#define VERSION "0.12.6"

static const llm_line_t lines[] = {
    {.op = LLM_OP_CHAT, .method = "/api/chat", .stream = 1},
    {.op = LLM_OP_CHAT, .method = "/api/generate", .stream = 1},
    {.op = LLM_OP_EMBED, .method = "/api/embed"},
    {.op = LLM_OP_EMBED, .method = "/api/embeddings"},
    {.op = LLM_OP_MODELS, .method = "/api/tags"},
    {.op = LLM_OP_MODELS, .method = "/api/show", .posted = 1},
    {.op = LLM_OP_MODELS,
     .method = "/api/version",
     .fixed = "{\"version\":\"" VERSION "\"}"},
    /* no model is held in memory here */
    {.op = LLM_OP_MODELS, .method = "/api/ps", .fixed = "{\"models\":[]}"},
};

int llm_ollama_read_line(llm_line_t **pline, llm_problem_t **pproblem,
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

/* A base that names one of the server's two APIs is taken as the place beside
 * it. */
const char *llm_ollama_path(const llm_provider_t *provider, const char *suffix,
                            apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";
    apr_size_t len = strlen(base);

    if (len >= 4 && !strcmp(base + len - 4, "/api")) {
        len -= 4;
    }
    else if (len >= 3 && !strcmp(base + len - 3, "/v1")) {
        len -= 3;
    }
    return apr_pstrcat(pool, apr_pstrmemdup(pool, base, len), suffix, NULL);
}

llm_problem_t *llm_ollama_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_splice_model(req, raw, model, pool);
    const char *path = op == LLM_OP_EMBED ? "/api/embed" : "/api/chat";

    *phide = 0; /* usage is always told */
    req->method = "POST";
    req->path = llm_ollama_path(
        provider, req->line && req->line->method ? req->line->method : path,
        pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return problem;
}
