/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong with an exchange, in one vocabulary: the dialects write
 * it to clients in their own shape, the attempts decide by it whether to try
 * another upstream, the log names it.
 */
#ifndef LLM_PROBLEM_H
#define LLM_PROBLEM_H

#include "core/llm.h"

typedef enum {
    LLM_PROBLEM_BAD_REQUEST,   /* 400: what the client sent */
    LLM_PROBLEM_UNAUTHORIZED,  /* 401: no key, or not one of ours */
    LLM_PROBLEM_PAYMENT,       /* 402: budget used up, no credit */
    LLM_PROBLEM_FORBIDDEN,     /* 403: known, but may not */
    LLM_PROBLEM_NOT_FOUND,     /* 404: path or model */
    LLM_PROBLEM_METHOD,        /* 405 */
    LLM_PROBLEM_CONFLICT,      /* 409 */
    LLM_PROBLEM_TOO_LARGE,     /* 413 */
    LLM_PROBLEM_MEDIA_TYPE,    /* 415 */
    LLM_PROBLEM_UNPROCESSABLE, /* 422 */
    LLM_PROBLEM_RATE_LIMITED,  /* 429 */
    LLM_PROBLEM_INTERNAL,      /* 500: ours */
    LLM_PROBLEM_UPSTREAM,      /* 502: it answered nonsense, or broke off */
    LLM_PROBLEM_UNAVAILABLE,   /* 503: cannot be reached, or we are full */
    LLM_PROBLEM_TIMEOUT,       /* 504: it did not answer in time */
    LLM_PROBLEM_OVERLOADED,    /* 529 (Anthropic's): it has no capacity */
    LLM_PROBLEM_CLIENT_GONE,   /* 499: the client left; only logged */
    LLM_PROBLEM_KINDS
} llm_problem_e;

struct llm_problem_t {
    llm_problem_e kind;
    int status;          /* HTTP status for the client, 400..599 */
    const char *message; /* for the client; plain UTF-8, no secret in it */
    const char *param;   /* member of the request it is about, or NULL */
    const char *code;    /* machine-readable, e.g. "model_not_found", or NULL */
    const char *type;    /* the provider's own word for it, or NULL */
    const char *detail;  /* for the log only, or NULL */
    int retry_after;     /* seconds, -1 when not known */
    int from_upstream;   /* the provider said it; not made here */
};

/* Kind's default status; message formatted into the pool. */
llm_problem_t *llm_problem_make(llm_problem_e kind, apr_pool_t *pool,
                                const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* BAD_REQUEST about one member: names it in `param` and in the message. */
llm_problem_t *llm_problem_field(apr_pool_t *pool, const char *param,
                                 const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* From a provider's HTTP status. */
llm_problem_e llm_problem_kind_of(int status);

const char *llm_problem_name(llm_problem_e kind); /* "rate_limited" */
int llm_problem_status(llm_problem_e kind);
/* May another upstream do better? 429 and 5xx yes; of an upstream also 401 to
 * 404, which are about our account there; what the client did wrong no. */
int llm_problem_is_retryable(const llm_problem_t *problem);

#endif /* LLM_PROBLEM_H */
