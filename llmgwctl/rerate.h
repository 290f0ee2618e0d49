/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request that was recorded would cost by another list: as the gateway
 * would have priced it, but that nothing is guessed. Where the list has no
 * price for the model, the record keeps the cost it has.
 */
#ifndef CTL_RERATE_H
#define CTL_RERATE_H

#include <apr_hash.h>

#include "llmgwctl/prices.h"

/* Who prices records. */
typedef struct ctl_rater_t {
    const ctl_prices_t *prices;
    apr_hash_t *dialects; /* of a provider; "" not known */
    apr_hash_t *targets;  /* "provider\nroute" -> the model it asks for; "" it
                             asks for several */
    int is_zero;          /* LLMUnknownPrice zero */
    apr_pool_t *pool;
} ctl_rater_t;

void ctl_rater_open(ctl_rater_t *rater, const ctl_prices_t *prices,
                    apr_pool_t *pool);

typedef struct ctl_rated_t {
    const char *provider, *model; /* the record's, or "" */
    const char *id;
    apr_int64_t time_us;
    llm_money_t had; /* as stored; LLM_MONEY_UNKNOWN for null */
    llm_money_t was; /* what counted in sums: 0 for what was unpriced */
    llm_money_t cost;
    int was_unpriced, was_guessed;
    int is_known;     /* there is a price; else cost is `was` */
    int is_guessed;   /* the standard price, for want of the tier's */
    apr_uint32_t day; /* of the price */
} ctl_rated_t;

/* `row`: of the command "events". 0: no provider did anything for it. What
 * rated points to lives in the pool. */
int ctl_rate(ctl_rated_t *rated, ctl_rater_t *rater, const llm_json_t *row,
             apr_pool_t *pool);
int ctl_rated_is_changed(const ctl_rated_t *rated);

#endif /* CTL_RERATE_H */
