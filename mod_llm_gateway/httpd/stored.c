/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses that their provider keeps: read, cancelled and deleted by their id.
 *
 * The path names no model, so no model tells the provider. Where one provider
 * has the Responses API it is that one; where several have it, the path below
 * the provider's own name says which. The request goes on as a native one:
 * nothing is translated, since nothing else has such a thing.
 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "httpd/llmgw.h"

#define RESPONSES "/v1/responses/"
#define ID_MAX    256

/* What follows the id, and how it may be called. */
static const struct stored_t {
    const char *rest;
    int method;
    const char *allow;
} rests[] = {
    {"", M_GET, "GET, HEAD, DELETE"},
    {"", M_DELETE, "GET, HEAD, DELETE"},
    {"/input_items", M_GET, "GET, HEAD"},
    {"/cancel", M_POST, "POST"},
};

#define RESTS (sizeof(rests) / sizeof(rests[0]))

/* Letters, digits, "_" and "-", as all ids have; returns what follows it. */
static const char *skip_id(const char *id)
{
    const char *end = id;

    while (apr_isalnum(*end) || *end == '_' || *end == '-') {
        ++end;
    }
    return end > id && end - id <= ID_MAX ? end : NULL;
}

/* The row for this method; one for another method where there is none; NULL
 * where nobody knows the rest of the path. */
static const struct stored_t *find_row(const char *rest, int method)
{
    const struct stored_t *found = NULL;

    for (apr_size_t i = 0; i < RESTS; ++i) {
        if (!strcmp(rests[i].rest, rest)
            && (!found || rests[i].method == method)) {
            found = &rests[i];
        }
    }
    return found;
}

/* The provider that keeps responses; *pcount: how many could. */
static const llm_provider_t *find_provider(request_rec *r, int *pcount)
{
    const llm_dialect_t *dialect = llm_dialect_find("openai-responses");
    const apr_array_header_t *all = llmgw_server_of(r->server)->providers;
    const llm_provider_t *found = NULL;

    *pcount = 0;
    for (int i = 0; i < all->nelts; ++i) {
        const llm_provider_t *provider =
            APR_ARRAY_IDX(all, i, const llm_provider_t *);

        if (llm_dialect_for(provider, dialect, LLM_OP_CHAT) == dialect) {
            found = found ? found : provider;
            ++*pcount;
        }
    }
    return found;
}

static llm_problem_t *no_provider(request_rec *r, int count)
{
    llm_problem_t *problem = llm_problem_make(
        LLM_PROBLEM_NOT_FOUND, r->pool,
        count ? "several providers here keep responses: name one, as in "
                "/<provider>" RESPONSES "<id>"
              : "no provider here keeps responses");

    problem->code = "not_found";
    return problem;
}

int llmgw_stored_find(request_rec *r, llmgw_request_t *request,
                      const char *path)
{
    const char *query, *rest;
    const struct stored_t *row;
    int count;

    if (strncmp(path, RESPONSES, strlen(RESPONSES)) != 0) {
        return 0;
    }
    path += strlen(RESPONSES);
    rest = skip_id(path);
    row = rest ? find_row(rest, r->method_number) : NULL;
    if (!row) {
        return 0;
    }
    request->kind = LLMGW_NATIVE;
    request->client = llm_dialect_find("openai-responses");
    request->method_allowed = r->method_number == row->method;
    request->allow = row->allow;
    request->native = find_provider(r, &count);
    if (count != 1) {
        request->kind = LLMGW_UNKNOWN;
        request->line_problem = no_provider(r, count);
        return 1;
    }
    query = llmgw_query_without_keys(r->args, r->pool);
    request->native_rest = apr_pstrcat(r->pool, "/responses/", path,
                                       query ? "?" : NULL, query, NULL);
    return 1;
}
