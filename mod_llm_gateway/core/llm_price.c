/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prices: finding a model's, the cost of a usage.
 *
 * Entries are sorted, so that an exact name is found by bisection, and the
 * first pattern that matches is the best one.
 */
#include "core/llm_price_internal.h"

#include <string.h>

#include "core/llm_pattern.h"

#define MILLION 1000000

const char *llm_price_layer_name(llm_price_layer_e layer)
{
    static const char *const names[LLM_PRICE_LAYERS] = {
        [LLM_PRICES_SET] = "set",
        [LLM_PRICES_IMPORTED] = "imported",
        [LLM_PRICES_FILE] = "file",
    };

    return names[layer];
}

const char *llm_prices_as_of(const llm_prices_t *prices)
{
    return prices->as_of;
}

apr_uint32_t llm_prices_day(const llm_prices_t *prices)
{
    return prices->day;
}

unsigned llm_prices_count(const llm_prices_t *prices)
{
    return prices->count;
}

int llm_price_compare(const void *a, const void *b)
{
    const llm_price_entry_t *left = a, *right = b;
    int order = strcmp(left->provider, right->provider);

    if (!order) {
        order = left->is_pattern - right->is_pattern;
    }
    if (!order && left->is_pattern) {
        order = llm_pattern_rank(right->model) - llm_pattern_rank(left->model);
    }
    return order ? order : strcmp(left->model, right->model);
}

/* -------------------------------------------------------------- looking up */

/* Where entries of the provider begin that are (not) patterns, and with a
 * model the first that is not before it. */
static unsigned lower_bound(const llm_prices_t *prices, const char *provider,
                            int is_pattern, const char *model)
{
    unsigned low = 0, high = prices->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const llm_price_entry_t *entry = &prices->entries[middle];
        int order = strcmp(entry->provider, provider);

        if (!order) {
            order = entry->is_pattern - is_pattern;
        }
        if (!order && model) {
            order = strcmp(entry->model, model);
        }
        if (order < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

static const llm_price_entry_t *
find_entry(const llm_prices_t *prices, const char *provider, const char *model)
{
    unsigned i = lower_bound(prices, provider, 0, model);
    const llm_price_entry_t *entry = &prices->entries[i];

    if (i < prices->count && !entry->is_pattern
        && !strcmp(entry->provider, provider) && !strcmp(entry->model, model)) {
        return entry;
    }
    for (i = lower_bound(prices, provider, 1, NULL); i < prices->count; ++i) {
        entry = &prices->entries[i];
        if (strcmp(entry->provider, provider) != 0) {
            break;
        }
        if (llm_pattern_match(entry->model, model, NULL)) {
            return entry;
        }
    }
    return NULL;
}

/* Words for the tier that has no name in a list. */
static int is_standard(const char *tier)
{
    return !tier || !*tier || !strcmp(tier, "default")
           || !strcmp(tier, "standard") || !strcmp(tier, "on_demand");
}

static const llm_price_card_t *card_of(const llm_price_entry_t *entry,
                                       const char *tier)
{
    unsigned i;

    for (i = 1; tier && i < entry->cards; ++i) {
        if (!strcmp(entry->card[i].tier, tier)) {
            return &entry->card[i];
        }
    }
    return &entry->card[0];
}

static void fill_price(llm_price_t *price, const llm_price_entry_t *entry,
                       const char *tier, apr_int64_t input,
                       llm_price_layer_e layer)
{
    const llm_price_card_t *card = card_of(entry, tier);
    const llm_price_row_t *row = &card->row[card->rows - 1];

    while (row > card->row && input <= row->above) {
        --row;
    }
    price->provider = entry->provider;
    price->model = entry->model;
    price->tier = card->tier;
    price->tiers = entry->tiers;
    price->is_other_tier = card == entry->card && !is_standard(tier);
    price->above = row->above;
    price->per_request = row->per_request;
    price->day = entry->day;
    price->layer = layer;
    memcpy(price->per_million, row->per_million, sizeof(row->per_million));
}

int llm_price_find(llm_price_t *pprice, const llm_price_book_t *book,
                   const llm_price_ask_t *ask)
{
    int layer;

    for (layer = 0; ask->model && layer < LLM_PRICE_LAYERS; ++layer) {
        const llm_prices_t *prices = book->layer[layer];
        const llm_price_entry_t *entry = NULL;

        if (prices && ask->provider) {
            entry = find_entry(prices, ask->provider, ask->model);
        }
        if (!entry && prices && ask->dialect) {
            entry = find_entry(prices, ask->dialect, ask->model);
        }
        if (entry) {
            fill_price(pprice, entry, ask->tier, ask->input,
                       (llm_price_layer_e)layer);
            return 1;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------- cost */

/* Sticks at the maximum; both are zero or more. */
static llm_money_t multiply(apr_int64_t n, llm_money_t price)
{
    llm_money_t product;

    return __builtin_mul_overflow(n, price, &product) ? APR_INT64_MAX : product;
}

/*
 * Sums n * price / a million exactly in 64 bits: both factors are taken apart
 * by a million, so that only the product of their remainders has millionths.
 * There are nine classes at most, so the millionths stay below 10^13.
 */
llm_money_t llm_price_cost(const llm_price_t *price, const llm_usage_t *usage)
{
    llm_money_t total = price->per_request;
    apr_int64_t millionths = 0;
    int class;

    if (!(usage->known | usage->estimated)) {
        return LLM_MONEY_UNKNOWN;
    }
    for (class = 0; class < LLM_CLASSES; ++class) {
        llm_money_t each = price->per_million[class];
        apr_int64_t n = usage->n[class];

        if (n <= 0) {
            continue;
        }
        if (each == LLM_MONEY_UNKNOWN) {
            return LLM_MONEY_UNKNOWN;
        }
        if (class == LLM_CLASS_IMAGES) { /* priced by the piece */
            total = llm_money_add(total, multiply(n, each));
            continue;
        }
        total = llm_money_add(total, multiply(n, each / MILLION));
        total = llm_money_add(total, (n / MILLION) * (each % MILLION));
        millionths += (n % MILLION) * (each % MILLION);
    }
    return llm_money_add(total, (millionths + MILLION / 2) / MILLION);
}

int llm_price_is_free(const llm_usage_t *usage)
{
    return !llm_usage_total(usage) && !usage->n[LLM_CLASS_IMAGES];
}

int llm_price_use(llm_price_t *pprice, llm_money_t *pcost,
                  const llm_price_book_t *book, const llm_price_ask_t *ask,
                  const char *served, const llm_usage_t *usage)
{
    llm_price_ask_t asked = *ask, answered;

    asked.input = llm_usage_input(usage);
    answered = asked;
    answered.model = served;
    *pcost = llm_price_find(pprice, book, &answered)
                     || llm_price_find(pprice, book, &asked)
                 ? llm_price_cost(pprice, usage)
                 : LLM_MONEY_UNKNOWN;
    return *pcost != LLM_MONEY_UNKNOWN;
}

/* The dearest of one provider's entries in one list, if it is dearer. */
static void find_dearest(llm_price_t *pprice, llm_money_t *pcost,
                         const llm_prices_t *prices, const char *provider,
                         const llm_price_ask_t *ask, llm_price_layer_e layer,
                         const llm_usage_t *usage)
{
    unsigned i = lower_bound(prices, provider, 0, NULL);

    for (; i < prices->count && !strcmp(prices->entries[i].provider, provider);
         ++i) {
        llm_price_t price;
        llm_money_t cost;

        fill_price(&price, &prices->entries[i], ask->tier, ask->input, layer);
        cost = llm_price_cost(&price, usage);
        if (cost != LLM_MONEY_UNKNOWN && cost > *pcost) {
            *pprice = price;
            *pcost = cost;
        }
    }
}

llm_money_t llm_price_dearest(llm_price_t *pprice, const llm_price_book_t *book,
                              const llm_price_ask_t *ask,
                              const llm_usage_t *usage)
{
    const char *const names[] = {ask->provider, ask->dialect};
    llm_money_t cost = LLM_MONEY_UNKNOWN;
    int i, layer;

    for (i = 0; i < 2 && cost == LLM_MONEY_UNKNOWN; ++i) {
        for (layer = 0; names[i] && layer < LLM_PRICE_LAYERS; ++layer) {
            if (book->layer[layer]) {
                find_dearest(pprice, &cost, book->layer[layer], names[i], ask,
                             (llm_price_layer_e)layer, usage);
            }
        }
    }
    return cost;
}

void llm_prices_each(const llm_prices_t *prices, llm_price_cb *each,
                     void *baton)
{
    unsigned i;

    for (i = 0; i < prices->count; ++i) {
        llm_price_t price;

        fill_price(&price, &prices->entries[i], NULL, 0, LLM_PRICES_FILE);
        each(baton, &price, prices->entries[i].card[0].rows - 1);
    }
}
