/* SPDX-License-Identifier: Apache-2.0 */
/* The lists in force: asked of the store, read from the file. */
#include "llmgwctl/prices.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_price_import.h"
#include "core/llm_time.h"

/* What the rows of price.list are put into: a list's text for each. */
typedef struct taking_t {
    ctl_prices_t *prices;
    llm_buf_t *lists[2]; /* set, imported */
    apr_pool_t *pool;
} taking_t;

static void take_row(void *baton, const llm_json_t *row)
{
    taking_t *taking = baton;
    int is_import = llm_json_equals(llm_json_get(row, "list"), "imported");
    llm_buf_t *list = taking->lists[is_import];
    const llm_json_t *entry = llm_json_get(row, "entry"), *copy;
    const char *text;

    if (!entry) {
        return;
    }
    if (list->len && list->data[list->len - 1] != '[') {
        llm_buf_putc(list, ',');
    }
    llm_buf_append(list, entry->raw.data, entry->raw.len);
    text = apr_pstrmemdup(taking->pool, entry->raw.data, entry->raw.len);
    if (is_import
        && llm_json_read(&copy, text, entry->raw.len, NULL, taking->pool)
               == APR_SUCCESS) {
        APR_ARRAY_PUSH(taking->prices->imported, const llm_json_t *) = copy;
    }
}

static llm_buf_t *begin_list(apr_pool_t *pool)
{
    llm_buf_t *list = llm_buf_make(0, pool);

    llm_buf_lit(list, "[");
    return list;
}

static const char *end_list(llm_prices_t **plist, const llm_buf_t *entries,
                            const char *as_of, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(
        pool, "{\"as_of\":\"", as_of ? as_of : "1970-01-01",
        "\",\"currency\":\"USD\",\"unit\":\"per_million\",\"models\":",
        apr_pstrmemdup(pool, entries->data, entries->len), "]}", NULL);

    return llm_prices_read(plist, text, strlen(text), pool);
}

static int ask_store(ctl_prices_t *prices, ctl_t *ctl)
{
    taking_t taking = {.prices = prices, .pool = ctl->pool};
    const llm_json_t *done;
    llm_prices_t *list;
    const char *wrong;
    int status = ctl_open_store(ctl), i;

    taking.lists[0] = begin_list(ctl->pool);
    taking.lists[1] = begin_list(ctl->pool);
    if (status == CTL_DONE) {
        status = ctl_ask(ctl, ctl_request(ctl, "price.list"), take_row, &taking,
                         &done);
    }
    for (i = 0; i < 2 && status == CTL_DONE; ++i) {
        const char *as_of =
            llm_json_string(llm_json_get(done, "as_of"), ctl->pool);

        if (taking.lists[i]->len == 1) {
            continue;
        }
        wrong = end_list(&list, taking.lists[i], i ? as_of : NULL, ctl->pool);
        if (wrong) {
            return ctl_fail(ctl, CTL_REFUSED, "prices",
                            "the store's prices: %s", wrong);
        }
        prices->book.layer[i] = list;
    }
    if (status == CTL_DONE) {
        prices->configured = llm_json_want(done, "configured");
    }
    return status;
}

static const char *read_file(ctl_prices_t *prices, apr_pool_t *pool)
{
    llm_prices_t *list;
    const char *wrong = llm_prices_load(&list, prices->file, pool);

    if (!wrong) {
        prices->book.layer[LLM_PRICES_FILE] = list;
    }
    return wrong;
}

static const char *find_file(const ctl_prices_t *prices, const ctl_t *ctl)
{
    const char *file = ctl->world->env("LLMGW_PRICES");

    if (file && *file) {
        return file;
    }
    if (prices->configured) {
        return llm_json_string(llm_json_want(prices->configured, "prices"),
                               ctl->pool);
    }
    return LLMGW_DATADIR "/prices.json";
}

int ctl_prices_try(ctl_prices_t *prices, const char **pwrong, ctl_t *ctl)
{
    int status = CTL_DONE;

    *pwrong = NULL;
    memset(prices, 0, sizeof(*prices));
    prices->imported = apr_array_make(ctl->pool, 16, sizeof(llm_json_t *));
    prices->file = ctl_option(ctl, "file");
    if (!prices->file) {
        status = ask_store(prices, ctl);
        prices->file = status == CTL_DONE ? find_file(prices, ctl) : NULL;
    }
    if (prices->file) {
        *pwrong = read_file(prices, ctl->pool);
    }
    return status;
}

int ctl_prices_load(ctl_prices_t *prices, ctl_t *ctl)
{
    const char *wrong;
    int status = ctl_prices_try(prices, &wrong, ctl);

    return wrong ? ctl_fail(ctl, CTL_REFUSED, "prices", "%s", wrong) : status;
}

/* The list's entries as a list of our own form. */
static const char *read_any(llm_prices_t **plist, const char *path, ctl_t *ctl)
{
    const char *data, *wrong, *as_of;
    llm_price_import_t *import;
    llm_buf_t *entries = begin_list(ctl->pool);
    apr_size_t len;
    int i;

    wrong = llm_prices_load_text(&data, &len, path, ctl->pool);
    if (wrong) {
        return wrong;
    }
    wrong = llm_price_import(&import, data, len, ctl->pool);
    for (i = 0; !wrong && i < import->items->nelts; ++i) {
        llm_buf_puts(entries, i ? "," : "");
        llm_buf_puts(entries,
                     APR_ARRAY_IDX(import->items, i, llm_price_item_t).json);
    }
    if (!wrong) {
        as_of = import->as_of
                    ? import->as_of
                    : llm_day_print(llm_time_day(ctl->world->now), ctl->pool);
        wrong = end_list(plist, entries, as_of, ctl->pool);
    }
    return wrong ? apr_pstrcat(ctl->pool, path, ": ", wrong, NULL) : NULL;
}

int ctl_prices_load_any(ctl_prices_t *prices, ctl_t *ctl, const char *path)
{
    llm_prices_t *list;
    const char *wrong = read_any(&list, path, ctl);
    int status;

    memset(prices, 0, sizeof(*prices));
    if (wrong) {
        return ctl_fail(ctl, CTL_REFUSED, "prices", "%s", wrong);
    }
    prices->imported = apr_array_make(ctl->pool, 16, sizeof(llm_json_t *));
    prices->file = path;
    status = ask_store(prices, ctl);
    memset(&prices->book, 0, sizeof(prices->book));
    prices->book.layer[LLM_PRICES_FILE] = list;
    return status;
}

const char *ctl_prices_dialect(const ctl_prices_t *prices, const char *provider,
                               apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_get(prices->configured, "providers");
    const llm_json_t *one =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    while (one && !llm_json_equals(llm_json_get(one, "name"), provider)) {
        one = one->next;
    }
    return one ? llm_json_string(llm_json_get(one, "dialect"), pool) : NULL;
}

int ctl_prices_has(const ctl_prices_t *prices, const char *provider,
                   const char *dialect, const char *model)
{
    const llm_price_ask_t ask = {
        .provider = provider, .dialect = dialect, .model = model};
    llm_price_t price;

    return llm_price_find(&price, &prices->book, &ask);
}

/* "gpt-4o-2024-08-06" is what answers to "gpt-4o": without a price of its own it
 * has that one's. NULL: the name has no date. */
static const char *undated(const char *model, apr_pool_t *pool)
{
    apr_size_t len = strlen(model), end = len;

    while (end && strchr("0123456789-", model[end - 1])) {
        --end;
    }
    return end && (len - end == 11 || len - end == 9) && model[end] == '-'
               ? apr_pstrmemdup(pool, model, end)
               : NULL;
}

int ctl_prices_has_used(const ctl_prices_t *prices, const char *provider,
                        const char *model, apr_pool_t *pool)
{
    const char *dialect = ctl_prices_dialect(prices, provider, pool);
    const char *plain = undated(model, pool);

    return ctl_prices_has(prices, provider, dialect, model)
           || (plain && ctl_prices_has(prices, provider, dialect, plain));
}
