/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prices that can change while the gateway runs: what was set, one by one,
 * and the list that was imported. Both lie in the table "prices" as entries of
 * a price list (core/llm_price.h).
 *
 * For the children they are published as one file, <dir>/prices.json, replaced
 * as a whole, and a generation in the snapshot that changes with it. A child
 * that sees another generation reads the file; nobody waits for anybody.
 *
 *   {"generation": 7,
 *    "set": {a price list}, "imported": {a price list} or null}
 */
#ifndef STORE_PRICES_H
#define STORE_PRICES_H

#include "core/llm_price.h"
#include "store/inside.h"

#define LLM_PRICES_PUBLISHED "prices.json" /* in the store's folder */
/* What the gateway's parent tells of its configuration:
 *   {"prices": "/usr/share/.../prices.json", "unknown_price": "estimate",
 *    "providers": [{"name": "eu", "dialect": "openai"}],
 *    "models": [{"provider": "eu", "dialect": "openai", "model": "gpt-4o",
 *                "route": "smart"}]}
 * models: the targets that name one; route: the <LLMModel> they are of. */
#define LLM_MODELS_PUBLISHED "models.json"

#define LLM_META_PRICES "prices" /* the generation */
/* Of the imported list: which staged batch it is, and its date as a day. */
#define LLM_META_PRICES_BATCH    "prices-batch"
#define LLM_META_PRICES_DAY      "prices-day"
#define LLM_META_PRICES_IMPORTED "prices-imported" /* when; microseconds */

#define LLM_PRICE_ENTRY_MAX 8000 /* bytes of one entry's JSON */

/* A row's key: what was set has the batch 0. */
typedef struct llm_price_name_t {
    apr_uint64_t batch;
    const char *provider, *model;
} llm_price_name_t;

/* LLM_KEY_BYTES; returns the length, 0 when the names are too long. */
apr_size_t llm_price_key(unsigned char *bytes, const llm_price_name_t *name);

/* Entries in order of their keys. Those of a batch; LLM_PRICE_ALL all. */
#define LLM_PRICE_ALL ((apr_uint64_t)-1)
typedef int llm_price_row_cb(void *baton, const llm_price_name_t *name,
                             const char *json, apr_size_t len);
apr_status_t llm_prices_scan(llm_store_t *store, apr_uint64_t batch,
                             llm_price_row_cb *row, void *baton,
                             apr_pool_t *pool);

/* Brings file and snapshot to what the table holds, when they are not. */
apr_status_t llm_prices_publish(llm_store_t *store, apr_pool_t *pool);

/* Reads the published file: NULL, or what is wrong with it. *pimported is
 * NULL where nothing is imported. */
const char *llm_prices_published(llm_prices_t **pset, llm_prices_t **pimported,
                                 const char *dir, apr_pool_t *pool);

#endif /* STORE_PRICES_H */
