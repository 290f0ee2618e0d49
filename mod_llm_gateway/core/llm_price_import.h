/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price lists of others, as entries of ours (llm_price.h).
 *
 *   llm-gateway   our own format
 *   litellm       LiteLLM's model_prices_and_context_window.json: an object
 *                 of models, dollars per token (input_cost_per_token, ...,
 *                 with _above_200k_tokens and _flex, _priority, _batches)
 *   models.dev    models.dev's api.json: an object of providers with their
 *                 models, dollars per million tokens
 *
 * Providers get the names they have here ("google" is "gemini"). Numbers are
 * decimals with exponents: no floating point is used, and a price that is
 * finer than a nano-dollar per million is rounded and counted.
 */
#ifndef LLM_PRICE_IMPORT_H
#define LLM_PRICE_IMPORT_H

#include <apr_tables.h>

#include "core/llm_price.h"

typedef struct llm_price_item_t {
    const char *provider, *model;
    const char *json; /* the entry, for a list's "models" */
} llm_price_item_t;

/* What was left out, and why. */
typedef struct llm_price_skip_t {
    const char *name; /* as in the file; of a member: its name */
    const char *why;
    unsigned count; /* how often */
} llm_price_skip_t;

typedef struct llm_price_import_t {
    const char *format;
    const char *as_of;           /* the file's date; NULL: it has none */
    apr_array_header_t *items;   /* of llm_price_item_t: all of them valid */
    apr_array_header_t *skipped; /* of llm_price_skip_t: models */
    apr_array_header_t *ignored; /* of llm_price_skip_t: members about prices
                                    that have no place here */
    unsigned rounded;            /* prices */
} llm_price_import_t;

/* Returns NULL, or a phrase that says what is wrong with the file. `data`
 * must live as long as the result. */
const char *llm_price_import(llm_price_import_t **pimport, const char *data,
                             apr_size_t len, apr_pool_t *pool);

#endif /* LLM_PRICE_IMPORT_H */
