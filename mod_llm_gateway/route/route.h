/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which upstreams answer for a model, and in which order they are tried.
 *
 * Configuration gives models: a name or a pattern, and targets. A plan is the
 * targets of the model that matches best, in order: lower priority numbers
 * first; within one priority by weight, drawn with the dice given (so that a
 * test can load them). Pure: no clock, no chance, no I/O.
 */
#ifndef ROUTE_ROUTE_H
#define ROUTE_ROUTE_H

#include "core/llm.h"
#include "core/llm_abort.h"
#include "dialect/dialect.h"

/* One LLMTarget. */
typedef struct llm_target_t {
    const llm_provider_t *provider;
    const char *model; /* may hold "*": what the model's star matched */
    int priority;      /* 1 is tried first */
    int weight;        /* share among the same priority, 0..10000 */
} llm_target_t;

/* One <LLMModel>. */
typedef struct llm_model_t {
    const char *name;            /* exact, or with one "*" */
    apr_array_header_t *targets; /* of llm_target_t * */
    llm_abort_t on_abort;        /* or UNSAID */
} llm_model_t;

/* One upstream to try: a provider and the model to ask it for. */
typedef struct llm_upstream_t {
    const llm_provider_t *provider;
    const char *model;
} llm_upstream_t;

/* The best match among models (of llm_model_t *), or NULL. */
const llm_model_t *llm_route_match(const apr_array_header_t *models,
                                   const char *name, llm_bytes_t *pmatched);
/* Array of llm_upstream_t, in the order to try; from pool. Targets of weight
 * 0 come last within their priority. */
apr_array_header_t *llm_route_plan(const llm_model_t *model,
                                   llm_bytes_t matched, apr_uint64_t dice,
                                   apr_pool_t *pool);

#endif /* ROUTE_ROUTE_H */
