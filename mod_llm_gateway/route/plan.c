/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a model's name to the upstreams to try, in order.
 *
 * Within one priority the order is drawn by weight without replacement: the
 * first draw decides the share of traffic, the others the order of fallback.
 */
#include "route/route.h"

#include "core/llm_pattern.h"

const llm_model_t *llm_route_match(const apr_array_header_t *models,
                                   const char *name, llm_bytes_t *pmatched)
{
    const llm_model_t *best = NULL;
    int best_rank = -1;

    for (int i = 0; i < models->nelts; ++i) {
        const llm_model_t *model = APR_ARRAY_IDX(models, i, llm_model_t *);
        int rank = llm_pattern_rank(model->name);
        llm_bytes_t matched;

        if (rank > best_rank
            && llm_pattern_match(model->name, name, &matched)) {
            best = model;
            best_rank = rank;
            *pmatched = matched;
        }
    }
    return best;
}

/* A step of xorshift64*; enough to spread traffic, no use for secrets. */
static apr_uint64_t roll(apr_uint64_t *dice)
{
    *dice ^= *dice >> 12;
    *dice ^= *dice << 25;
    *dice ^= *dice >> 27;
    return *dice * APR_UINT64_C(2685821657736338717);
}

/* Index of one of the `n` targets, drawn by weight; the first one when all
 * weigh nothing. */
static int draw(const llm_target_t *const *targets, int n, apr_uint64_t *dice)
{
    apr_uint64_t sum = 0, at;

    for (int i = 0; i < n; ++i) {
        sum += (apr_uint64_t)targets[i]->weight;
    }
    if (!sum) {
        return 0;
    }
    at = roll(dice) % sum;
    for (int i = 0; i < n; ++i) {
        apr_uint64_t weight = (apr_uint64_t)targets[i]->weight;

        if (at < weight) {
            return i;
        }
        at -= weight;
    }
    return 0;
}

/* The lowest priority above `above`, or -1. */
static int next_priority(const apr_array_header_t *targets, int above)
{
    int lowest = -1;

    for (int i = 0; i < targets->nelts; ++i) {
        int priority = APR_ARRAY_IDX(targets, i, llm_target_t *)->priority;

        if (priority > above && (lowest < 0 || priority < lowest)) {
            lowest = priority;
        }
    }
    return lowest;
}

static void add_upstream(apr_array_header_t *plan, const llm_target_t *target,
                         llm_bytes_t matched, apr_pool_t *pool)
{
    llm_upstream_t *upstream = apr_array_push(plan);

    upstream->provider = target->provider;
    upstream->model = llm_pattern_fill(target->model, matched, pool);
}

apr_array_header_t *llm_route_plan(const llm_model_t *model,
                                   llm_bytes_t matched, apr_uint64_t dice,
                                   apr_pool_t *pool)
{
    const apr_array_header_t *targets = model->targets;
    apr_array_header_t *plan =
        apr_array_make(pool, targets->nelts, sizeof(llm_upstream_t));
    const llm_target_t **rest =
        apr_palloc(pool, (apr_size_t)(targets->nelts + 1) * sizeof(*rest));
    int priority = -1;

    dice |= 1; /* xorshift stands still at zero */
    while ((priority = next_priority(targets, priority)) >= 0) {
        int n = 0;

        for (int i = 0; i < targets->nelts; ++i) {
            const llm_target_t *target =
                APR_ARRAY_IDX(targets, i, llm_target_t *);
            if (target->priority == priority) {
                rest[n++] = target;
            }
        }
        while (n) {
            int drawn = draw(rest, n, &dice);

            add_upstream(plan, rest[drawn], matched, pool);
            --n;
            for (int i = drawn; i < n; ++i) {
                rest[i] = rest[i + 1];
            }
        }
    }
    return plan;
}
