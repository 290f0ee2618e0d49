/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong with an exchange: one line a kind.
 *
 * A kind is retryable when it tells of the upstream's state and not of the
 * request: another upstream would refuse a bad request just as well.
 */
#include "core/llm_problem.h"

#include <assert.h>

#include <apr_strings.h>

typedef struct kind_t {
    const char *name; /* in logs and records */
    int status;       /* for the client */
    int is_retryable; /* may another upstream do better? */
} kind_t;

static const kind_t kinds[LLM_PROBLEM_KINDS] = {
    [LLM_PROBLEM_BAD_REQUEST] = {"bad_request", 400, 0},
    [LLM_PROBLEM_UNAUTHORIZED] = {"unauthorized", 401, 0},
    [LLM_PROBLEM_PAYMENT] = {"payment_required", 402, 0},
    [LLM_PROBLEM_FORBIDDEN] = {"forbidden", 403, 0},
    [LLM_PROBLEM_NOT_FOUND] = {"not_found", 404, 0},
    [LLM_PROBLEM_METHOD] = {"method_not_allowed", 405, 0},
    [LLM_PROBLEM_CONFLICT] = {"conflict", 409, 0},
    [LLM_PROBLEM_TOO_LARGE] = {"too_large", 413, 0},
    [LLM_PROBLEM_MEDIA_TYPE] = {"unsupported_media_type", 415, 0},
    [LLM_PROBLEM_UNPROCESSABLE] = {"unprocessable", 422, 0},
    [LLM_PROBLEM_RATE_LIMITED] = {"rate_limited", 429, 1},
    [LLM_PROBLEM_INTERNAL] = {"internal", 500, 1},
    [LLM_PROBLEM_UPSTREAM] = {"upstream", 502, 1},
    [LLM_PROBLEM_UNAVAILABLE] = {"unavailable", 503, 1},
    [LLM_PROBLEM_TIMEOUT] = {"timeout", 504, 1},
    [LLM_PROBLEM_OVERLOADED] = {"overloaded", 529, 1},
    [LLM_PROBLEM_CLIENT_GONE] = {"client_gone", 499, 0},
};

/* The message takes the arguments' memory into the pool. */
static llm_problem_t *make(llm_problem_e kind, apr_pool_t *pool,
                           const char *fmt, va_list args)
{
    llm_problem_t *problem = apr_pcalloc(pool, sizeof(*problem));

    problem->kind = kind;
    problem->status = llm_problem_status(kind);
    problem->message = apr_pvsprintf(pool, fmt, args);
    problem->retry_after = -1;
    return problem;
}

llm_problem_t *llm_problem_make(llm_problem_e kind, apr_pool_t *pool,
                                const char *fmt, ...)
{
    llm_problem_t *problem;
    va_list args;

    va_start(args, fmt);
    problem = make(kind, pool, fmt, args);
    va_end(args);
    return problem;
}

llm_problem_t *llm_problem_field(apr_pool_t *pool, const char *param,
                                 const char *fmt, ...)
{
    llm_problem_t *problem;
    va_list args;

    va_start(args, fmt);
    problem = make(LLM_PROBLEM_BAD_REQUEST, pool, fmt, args);
    va_end(args);
    problem->param = apr_pstrdup(pool, param);
    problem->message = apr_pstrcat(pool, param, ": ", problem->message, NULL);
    return problem;
}

llm_problem_e llm_problem_kind_of(int status)
{
    int kind;

    for (kind = 0; kind < LLM_PROBLEM_KINDS; ++kind) {
        if (kinds[kind].status == status && kind != LLM_PROBLEM_CLIENT_GONE) {
            return (llm_problem_e)kind;
        }
    }
    if (status == 408) {
        return LLM_PROBLEM_TIMEOUT;
    }
    if (status == 424) { /* Bedrock, TGI: the model failed at its work */
        return LLM_PROBLEM_UPSTREAM;
    }
    return status >= 400 && status < 500 ? LLM_PROBLEM_BAD_REQUEST
                                         : LLM_PROBLEM_UPSTREAM;
}

const char *llm_problem_name(llm_problem_e kind)
{
    assert((unsigned)kind < LLM_PROBLEM_KINDS);
    return kinds[kind].name;
}

int llm_problem_status(llm_problem_e kind)
{
    assert((unsigned)kind < LLM_PROBLEM_KINDS);
    return kinds[kind].status;
}

int llm_problem_is_retryable(const llm_problem_t *problem)
{
    /* what a provider says of the gateway's own account there (a revoked key,
     * no credit, a model it does not have) says nothing of another provider */
    if (problem->from_upstream && problem->status >= 401
        && problem->status <= 404) {
        return 1;
    }
    /* 408: the request came too slowly, which no other upstream mends */
    return problem->status != 408 && kinds[problem->kind].is_retryable;
}
