/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price list: a dated JSON file, read once, never changed afterwards.
 *
 *   {"as_of": "2026-11-01", "currency": "USD", "unit": "per_million",
 *    "models": [{"provider": "openai", "model": "gpt-4o",
 *                "input": "2.50", "cache_read": "1.25", "output": "10.00",
 *                "request": "0.001", "as_of": "2026-10-01", "note": "...",
 *                "tiers": [{"above": 200000, "input": "5.00"}],
 *                "service_tiers": {"batch": {"multiply": "0.5"},
 *                                  "priority": {"input": "4.25",
 *                                               "output": "17.00"}}}]}
 *
 * Prices are decimal strings, dollars per million tokens ("images": dollars
 * per image; "request": dollars for each request). A class without a price
 * takes the one it would be billed as: cache_read, cache_write and audio_in
 * fall back to input, reasoning and audio_out to output, cache_write_1h to
 * cache_write. `provider` is the configured provider's name or its dialect's;
 * `model` may end in "*", and the longest match wins. A tier replaces prices
 * when the whole input of the request is larger than `above` tokens.
 *
 * A service tier is a word of the provider's. Either all standard prices,
 * those of its tiers too, are multiplied; or it has prices of its own, in
 * place of the standard ones without their tiers, and tiers of its own.
 *
 * Lists lie over one another (llm_price_book_t): what the operator set, what
 * he imported, the file. The first that knows a model has its whole price.
 */
#ifndef LLM_PRICE_H
#define LLM_PRICE_H

#include "core/llm_json.h"
#include "core/llm_money.h"
#include "core/llm_usage.h"

typedef struct llm_prices_t llm_prices_t; /* the list */

typedef enum {
    LLM_PRICES_SET,      /* `llmgwctl price set` */
    LLM_PRICES_IMPORTED, /* `llmgwctl price import` */
    LLM_PRICES_FILE,     /* LLMPrices */
    LLM_PRICE_LAYERS
} llm_price_layer_e;

/* "set", "imported", "file" */
const char *llm_price_layer_name(llm_price_layer_e layer);

/* Lists, the first to be asked first; any may be NULL. */
typedef struct llm_price_book_t {
    const llm_prices_t *layer[LLM_PRICE_LAYERS];
    int slot; /* of who lends them */
} llm_price_book_t;

/* What a price is wanted for. Any string may be NULL. */
typedef struct llm_price_ask_t {
    const char *provider; /* configured name: asked first */
    const char *dialect;
    const char *model;
    const char *tier;  /* that served, in the provider's word */
    apr_int64_t input; /* all input tokens of the request, for tiers */
} llm_price_ask_t;

typedef struct llm_price_t {
    const char *provider, *model; /* as in the list */
    const char *tier;             /* the card it is from; "" standard */
    const char *tiers;            /* service tiers it knows, by commas */
    int is_other_tier;            /* it was asked for a tier that has no price:
                                     these are the standard ones */
    /* filled by the fallbacks above; LLM_MONEY_UNKNOWN where none applies */
    llm_money_t per_million[LLM_CLASSES];
    llm_money_t per_request; /* never unknown */
    apr_int64_t above;       /* of the tier that applied; 0 none */
    apr_uint32_t day;        /* since 1970: the price's, or its list's */
    llm_price_layer_e layer; /* where it was found */
} llm_price_t;

/* Returns NULL, or a phrase that says what is wrong and where. */
const char *llm_prices_read(llm_prices_t **pprices, const char *data,
                            apr_size_t len, apr_pool_t *pool);
/* The same of a document, whose text must live as long as it is read. */
const char *llm_prices_take(llm_prices_t **pprices, const llm_json_t *doc,
                            apr_pool_t *pool);
const char *llm_prices_load(llm_prices_t **pprices, const char *path,
                            apr_pool_t *pool);
/* A file's bytes, terminated, of at most 64 MB; NULL or what is wrong. */
const char *llm_prices_load_text(const char **pdata, apr_size_t *plen,
                                 const char *path, apr_pool_t *pool);
const char *llm_prices_as_of(const llm_prices_t *prices);
apr_uint32_t llm_prices_day(const llm_prices_t *prices); /* the same */
unsigned llm_prices_count(const llm_prices_t *prices);
/* "2026-11-01" as a day since 1970; 0: it is no date. */
int llm_price_day_read(apr_uint32_t *pday, const char *text);

/* 1 when there is a price: first for the provider, then for its dialect.
 * Thread-safe; allocates nothing. */
int llm_price_find(llm_price_t *pprice, const llm_price_book_t *book,
                   const llm_price_ask_t *ask);
/* Cost of a usage, rounded half up once at the end; LLM_MONEY_UNKNOWN when a
 * class that was used has no price or a count is not known at all. */
llm_money_t llm_price_cost(const llm_price_t *price, const llm_usage_t *usage);
/* What a request cost, by the price of the model that answered, `served`,
 * which may be a dated one with a price of its own, or else of the one that was
 * asked, ask->model; ask->input is not looked at. 1 and both; 0 when neither
 * model has a price, or the price not all that was used. */
int llm_price_use(llm_price_t *pprice, llm_money_t *pcost,
                  const llm_price_book_t *book, const llm_price_ask_t *ask,
                  const char *served, const llm_usage_t *usage);
/* There is nothing that could cost anything, not even the request. */
int llm_price_is_free(const llm_usage_t *usage);
/* What this usage would cost at most with any model of the provider, or else
 * of its dialect; LLM_MONEY_UNKNOWN: there is none. ask->model is not looked
 * at; *pprice is the price that was taken. */
llm_money_t llm_price_dearest(llm_price_t *pprice, const llm_price_book_t *book,
                              const llm_price_ask_t *ask,
                              const llm_usage_t *usage);

/* For lists: calls back for each entry, the standard price without its tiers
 * applied. */
typedef void llm_price_cb(void *baton, const llm_price_t *price,
                          unsigned tiers);
void llm_prices_each(const llm_prices_t *prices, llm_price_cb *each,
                     void *baton);

#endif /* LLM_PRICE_H */
