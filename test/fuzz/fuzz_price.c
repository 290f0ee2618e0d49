/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price list on any bytes: what is refused says why; what is taken is
 * found again, and costs are sums that never turn negative.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_pattern.h"
#include "core/llm_price.h"

typedef struct check_t {
    const llm_prices_t *prices;
    apr_pool_t *pool;
} check_t;

static void check_costs(const llm_price_t *price)
{
    llm_usage_t usage, more;
    llm_money_t cost, sum;
    int class;

    llm_usage_clear(&usage);
    MUST(llm_price_cost(price, &usage) == LLM_MONEY_UNKNOWN);
    for (class = 0; class < LLM_CLASSES; ++class) {
        llm_usage_set(&usage, (llm_class_e) class, 1 + class * 1000003);
        llm_usage_clear(&more);
        llm_usage_set(&more, (llm_class_e) class, APR_INT64_MAX);
        cost = llm_price_cost(price, &more);
        MUST((cost == LLM_MONEY_UNKNOWN)
             == (price->per_million[class] == LLM_MONEY_UNKNOWN));
        MUST(cost >= LLM_MONEY_UNKNOWN);
    }
    cost = llm_price_cost(price, &usage);
    llm_usage_set(&usage, LLM_CLASS_INPUT, 2000000000);
    sum = llm_price_cost(price, &usage);
    MUST(sum >= cost);
}

static void check_entry(void *baton, const llm_price_t *price, unsigned tiers)
{
    const check_t *check = baton;
    const llm_price_book_t book = {.layer = {check->prices, NULL, NULL}};
    llm_price_t found;
    const char *name =
        llm_pattern_fill(price->model, (llm_bytes_t){"x", 1}, check->pool);
    llm_price_ask_t ask = {.provider = price->provider, .model = name};

    MUST(!llm_pattern_check(price->model));
    MUST(llm_price_find(&found, &book, &ask));
    MUST(!strcmp(found.provider, price->provider));
    MUST(llm_pattern_match(found.model, name, NULL));
    MUST(llm_pattern_rank(found.model) >= llm_pattern_rank(price->model));
    ask.provider = NULL;
    ask.dialect = price->provider;
    ask.input = APR_INT64_MAX;
    MUST(llm_price_find(&found, &book, &ask));
    if (!strcmp(found.model, price->model)) {
        MUST((found.above > 0) == (tiers > 0));
    }
    check_costs(&found);
    check_costs(price);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_t check = {NULL, fuzz_pool()};
    llm_prices_t *prices = NULL;
    const char *wrong =
        llm_prices_read(&prices, (const char *)bytes, size, check.pool);

    MUST((wrong == NULL) == (prices != NULL));
    MUST(!wrong || *wrong);
    if (prices) {
        MUST(strlen(llm_prices_as_of(prices)) == 10);
        check.prices = prices;
        llm_prices_each(prices, check_entry, &check);
    }
    apr_pool_destroy(check.pool);
    return 0;
}
