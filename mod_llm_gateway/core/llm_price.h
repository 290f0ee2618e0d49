/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price list: a dated JSON file, read once, never changed afterwards.
 *
 *   {"as_of": "2026-11-01", "currency": "USD", "unit": "per_million",
 *    "models": [{"provider": "openai", "model": "gpt-4o",
 *                "input": "2.50", "cache_read": "1.25", "output": "10.00",
 *                "tiers": [{"above": 200000, "input": "5.00"}]}]}
 *
 * Prices are decimal strings, dollars per million tokens ("images": dollars
 * per image). A class without a price takes the one it would be billed as:
 * cache_read, cache_write and audio_in fall back to input, reasoning and
 * audio_out to output, cache_write_1h to cache_write. `provider` is the
 * dialect's or the configured provider's name; `model` may end in "*", and
 * the longest match wins. A tier replaces prices when the whole input of the
 * request is larger than `above` tokens.
 */
#ifndef LLM_PRICE_H
#define LLM_PRICE_H

#include "core/llm_money.h"
#include "core/llm_usage.h"

typedef struct llm_prices_t llm_prices_t; /* the list */

typedef struct llm_price_t {
    const char *provider, *model; /* as in the file */
    /* filled by the fallbacks above; LLM_MONEY_UNKNOWN where none applies */
    llm_money_t per_million[LLM_CLASSES];
    apr_int64_t above; /* of the tier that applied; 0 none */
} llm_price_t;

/* Returns NULL, or a phrase that says what is wrong and where. */
const char *llm_prices_read(llm_prices_t **pprices, const char *data,
                            apr_size_t len, apr_pool_t *pool);
const char *llm_prices_load(llm_prices_t **pprices, const char *path,
                            apr_pool_t *pool);
const char *llm_prices_as_of(const llm_prices_t *prices);

/* 1 when there is a price: first for `provider` (a configured name), then
 * for `dialect`. input: all input tokens of the request, for tiers.
 * Thread-safe; allocates nothing. prices may be NULL (0). */
int llm_price_find(llm_price_t *pprice, const llm_prices_t *prices,
                   const char *provider, const char *dialect, const char *model,
                   apr_int64_t input);
/* Cost of a usage, rounded half up once at the end; LLM_MONEY_UNKNOWN when a
 * class that was used has no price or a count is not known at all. */
llm_money_t llm_price_cost(const llm_price_t *price, const llm_usage_t *usage);

/* For lists: calls back for each entry without its tiers applied. */
typedef void llm_price_cb(void *baton, const llm_price_t *price,
                          unsigned tiers);
void llm_prices_each(const llm_prices_t *prices, llm_price_cb *each,
                     void *baton);

#endif /* LLM_PRICE_H */
