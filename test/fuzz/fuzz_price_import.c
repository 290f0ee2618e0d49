/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price lists of others: whatever the file is, what is handed on is a list
 * that can be taken into force.
 */
#include <string.h>

#include <apr_strings.h>

#include "core/llm_price_import.h"
#include "test/fuzz/fuzz.h"

static void check_item(const llm_price_item_t *item, apr_pool_t *pool)
{
    const char *list =
        apr_pstrcat(pool,
                    "{\"as_of\":\"2026-11-01\",\"currency\":\"USD\","
                    "\"unit\":\"per_million\",\"models\":[",
                    item->json, "]}", NULL);
    llm_prices_t *prices = NULL;

    MUST(!llm_prices_read(&prices, list, strlen(list), pool));
    MUST(llm_prices_count(prices) == 1);
    MUST(*item->provider && *item->model);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool(), *scratch;
    llm_price_import_t *import = NULL;
    const char *wrong =
        llm_price_import(&import, (const char *)bytes, size, pool);

    MUST((wrong == NULL) == (import != NULL));
    MUST(!wrong || *wrong);
    if (import) {
        MUST(import->items->nelts > 0);
        apr_pool_create(&scratch, pool);
        for (int i = 0; i < import->items->nelts; ++i) {
            check_item(&APR_ARRAY_IDX(import->items, i, llm_price_item_t),
                       scratch);
            apr_pool_clear(scratch);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
