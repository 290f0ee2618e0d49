/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl price check: what an operator should know of his prices. */
#include "llmgwctl/prices.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_time.h"

#define OLD_DAYS  90
#define LOOK_BACK "30d"

static const ctl_column_t columns[] = {
    {"finding", "FINDING", CTL_TEXT, 0}, {"provider", "PROVIDER", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},     {"detail", "DETAIL", CTL_TEXT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

typedef struct checking_t {
    ctl_t *ctl;
    ctl_prices_t prices;
    ctl_list_t *list;
    unsigned missing; /* models without a price */
    llm_price_layer_e layer;
} checking_t;

static void add(checking_t *checking, const char *finding, const char *provider,
                const char *model, const char *detail)
{
    const char *cells[] = {finding, provider, model, detail};

    ctl_list_add(checking->list, cells);
}

static void check_age(checking_t *checking)
{
    apr_uint32_t today = llm_time_day(checking->ctl->world->now);
    int layer;

    for (layer = LLM_PRICES_IMPORTED; layer < LLM_PRICE_LAYERS; ++layer) {
        const llm_prices_t *list = checking->prices.book.layer[layer];
        apr_uint32_t day = list ? llm_prices_day(list) : today;

        if (list && today > day && today - day > OLD_DAYS) {
            add(checking, "old", NULL, NULL,
                apr_psprintf(checking->ctl->pool,
                             "the %s list is of %s, %u days ago",
                             llm_price_layer_name((llm_price_layer_e)layer),
                             llm_prices_as_of(list), today - day));
        }
    }
}

/* Models of the configuration. */
static void check_configured(checking_t *checking)
{
    apr_pool_t *pool = checking->ctl->pool;
    const llm_json_t *models =
        llm_json_get(checking->prices.configured, "models");
    const llm_json_t *one =
        llm_json_is(models, LLM_JSON_ARRAY) ? models->child : NULL;

    for (; one; one = one->next) {
        const char *provider =
            llm_json_string(llm_json_get(one, "provider"), pool);
        const char *model = llm_json_string(llm_json_get(one, "model"), pool);

        if (provider && model && !strchr(model, '*')
            && !ctl_prices_has(
                &checking->prices, provider,
                llm_json_string(llm_json_get(one, "dialect"), pool), model)) {
            checking->missing += 1;
            add(checking, "configured", provider, model, "has no price");
        }
    }
}

/* Models that were used. */
static void check_used(void *baton, const llm_json_t *row)
{
    checking_t *checking = baton;
    apr_pool_t *pool = checking->ctl->pool;
    const char *provider = llm_json_string(llm_json_get(row, "provider"), pool);
    const char *model = llm_json_string(llm_json_get(row, "model"), pool);
    apr_int64_t requests = 0;

    llm_json_int(llm_json_get(row, "requests"), &requests);
    if (provider && *provider && model && *model && *model != '('
        && !ctl_prices_has_used(&checking->prices, provider, model, pool)) {
        checking->missing += 1;
        add(checking, "used", provider, model,
            apr_psprintf(
                pool, "has no price; %" APR_INT64_T_FMT " requests in 30 days",
                requests));
    }
}

static int ask_used(checking_t *checking)
{
    ctl_t *ctl = checking->ctl;
    llm_buf_t *request = ctl_request(ctl, "usage");

    ctl_request_text(request, "since", LOOK_BACK);
    ctl_request_raw(request, "by", "[\"provider\",\"model\"]");
    return ctl_ask(ctl, request, check_used, checking, NULL);
}

static void check_hidden(void *baton, const llm_price_t *price, unsigned tiers)
{
    checking_t *checking = baton;
    llm_price_book_t below = checking->prices.book;
    const llm_price_ask_t ask = {.provider = price->provider,
                                 .model = price->model};
    llm_price_t hidden;

    (void)tiers;
    below.layer[LLM_PRICES_SET] = NULL;
    if (llm_price_find(&hidden, &below, &ask)) {
        add(checking, "hidden", price->provider, price->model,
            apr_psprintf(checking->ctl->pool,
                         "what was set hides the %s list's price of %s",
                         llm_price_layer_name(hidden.layer), hidden.model));
    }
}

int ctl_price_check(ctl_t *ctl)
{
    checking_t checking = {.ctl = ctl};
    int status = ctl_prices_load(&checking.prices, ctl);

    if (status != CTL_DONE) {
        return status;
    }
    checking.list = ctl_list_begin(ctl, "findings", columns);
    check_age(&checking);
    check_configured(&checking);
    status = ask_used(&checking);
    if (status != CTL_DONE) {
        return status;
    }
    if (checking.prices.book.layer[LLM_PRICES_SET]) {
        llm_prices_each(checking.prices.book.layer[LLM_PRICES_SET],
                        check_hidden, &checking);
    }
    ctl_list_end(checking.list);
    if (!ctl_list_count(checking.list)) {
        ctl_remark(ctl, "Every model that is configured or was used has a "
                        "price.");
    }
    return checking.missing ? CTL_REFUSED : CTL_DONE;
}

const ctl_option_t ctl_price_check_options[] = {
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};
