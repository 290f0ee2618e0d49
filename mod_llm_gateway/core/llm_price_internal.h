/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a price list lies in memory: for those who read one and those who look
 * prices up in it.
 *
 * An entry is laid out as cards, one for the standard service tier and one for
 * each other; a card as rows, one for the plain price and one for each size of
 * the context. Every class is filled in beforehand, so that a lookup copies
 * one row.
 */
#ifndef LLM_PRICE_INTERNAL_H
#define LLM_PRICE_INTERNAL_H

#include "core/llm_price.h"

/* Prices from so many input tokens on. */
typedef struct llm_price_row_t {
    apr_int64_t above;
    llm_money_t per_million[LLM_CLASSES];
    llm_money_t per_request;
} llm_price_row_t;

typedef struct llm_price_card_t {
    const char *tier;     /* of the service; "" the standard one */
    unsigned rows;        /* at least one; row[0].above is 0 */
    llm_price_row_t *row; /* by `above`, ascending */
} llm_price_card_t;

typedef struct llm_price_entry_t {
    const char *provider, *model;
    const char *tiers; /* names of the cards behind the first, by commas */
    int is_pattern;    /* the model has a star */
    apr_uint32_t day;  /* since when it is known */
    unsigned cards;    /* at least one; card[0] is the standard one */
    llm_price_card_t *card;
} llm_price_entry_t;

struct llm_prices_t {
    const char *as_of;
    apr_uint32_t day; /* the same, as a day since 1970 */
    /* exact names before patterns; of patterns the most particular first */
    llm_price_entry_t *entries;
    unsigned count;
};

/* The order of entries: by provider, patterns behind exact names, exact names
 * by model, patterns by how particular they are. */
int llm_price_compare(const void *a, const void *b);

#endif /* LLM_PRICE_INTERNAL_H */
