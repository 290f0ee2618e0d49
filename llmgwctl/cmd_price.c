/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl price: the price list the gateway counts with.
 *
 * It reads the file, not the store: a list can be looked at before it is put
 * into force. Prices are shown as the gateway takes them, a class without one
 * of its own filled by the class it is billed as.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_price.h"

static const ctl_column_t columns[] = {
    {"provider", "PROVIDER", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},
    {"above", "ABOVE", CTL_COUNT, CTL_IF_ANY},
    {"input", "INPUT", CTL_DECIMAL, 0},
    {"cache_read", "CACHED", CTL_DECIMAL, 0},
    {"cache_write", "WRITE", CTL_DECIMAL, 0},
    {"cache_write_1h", "WRITE 1H", CTL_DECIMAL, CTL_HIDE},
    {"output", "OUTPUT", CTL_DECIMAL, 0},
    {"reasoning", "REASONING", CTL_DECIMAL, CTL_HIDE},
    {"audio_in", "AUDIO IN", CTL_DECIMAL, CTL_HIDE},
    {"audio_out", "AUDIO OUT", CTL_DECIMAL, CTL_HIDE},
    {"images", "IMAGE", CTL_DECIMAL, CTL_IF_ANY},
    {"tiers", "TIERS", CTL_COUNT, CTL_IF_ANY},
    {NULL, NULL, CTL_TEXT, 0},
};
enum { PROVIDER, MODEL, ABOVE, FIRST_CLASS, TIERS = 12, COLUMNS };

/* Which class stands in which column, from FIRST_CLASS on. */
static const llm_class_e classes[] = {
    LLM_CLASS_INPUT,          LLM_CLASS_CACHE_READ, LLM_CLASS_CACHE_WRITE,
    LLM_CLASS_CACHE_WRITE_1H, LLM_CLASS_OUTPUT,     LLM_CLASS_REASONING,
    LLM_CLASS_AUDIO_IN,       LLM_CLASS_AUDIO_OUT,  LLM_CLASS_IMAGES,
};

static const char *file_of(const ctl_t *ctl)
{
    const char *file = ctl_option(ctl, "file");

    if (!file) {
        file = ctl->world->env("LLMGW_PRICES");
    }
    return file && *file ? file : LLMGW_DATADIR "/prices.json";
}

static int load(llm_prices_t **pprices, ctl_t *ctl)
{
    const char *wrong = llm_prices_load(pprices, file_of(ctl), ctl->pool);

    return wrong ? ctl_fail(ctl, CTL_REFUSED, "prices", "%s: %s", file_of(ctl),
                            wrong)
                 : CTL_DONE;
}

/* Dollars per million tokens, or per image. */
static const char *dollars(const llm_price_t *price, llm_class_e class,
                           apr_pool_t *pool)
{
    llm_money_t money = price->per_million[class];

    if (money == LLM_MONEY_UNKNOWN) {
        return NULL;
    }
    return llm_money_print(class == LLM_CLASS_IMAGES ? money / 1000000 : money,
                           pool);
}

static void add_price(ctl_list_t *list, const llm_price_t *price,
                      unsigned tiers, apr_pool_t *pool)
{
    const char *cells[COLUMNS];
    apr_size_t i;

    cells[PROVIDER] = price->provider;
    cells[MODEL] = price->model;
    cells[ABOVE] = apr_psprintf(pool, "%" APR_INT64_T_FMT, price->above);
    cells[TIERS] = apr_psprintf(pool, "%u", tiers);
    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); ++i) {
        cells[FIRST_CLASS + i] = dollars(price, classes[i], pool);
    }
    ctl_list_add(list, cells);
}

static void end_list(ctl_t *ctl, ctl_list_t *list, const llm_prices_t *prices)
{
    ctl_list_more(list, "as_of", llm_prices_as_of(prices));
    ctl_list_more(list, "file", file_of(ctl));
    ctl_list_end(list);
    ctl_remark(ctl, "Dollars per million tokens; the list is of %s.",
               llm_prices_as_of(prices));
}

/* ------------------------------------------------------------------- list */

typedef struct listing_t {
    ctl_t *ctl;
    ctl_list_t *list;
    const char *provider; /* only this one's, or NULL */
} listing_t;

static void list_price(void *baton, const llm_price_t *price, unsigned tiers)
{
    listing_t *listing = baton;

    if (!listing->provider || !strcmp(listing->provider, price->provider)) {
        add_price(listing->list, price, tiers, listing->ctl->pool);
    }
}

static int price_list(ctl_t *ctl)
{
    listing_t listing = {.ctl = ctl, .provider = ctl_option(ctl, "provider")};
    llm_prices_t *prices;
    int status = load(&prices, ctl);

    if (status != CTL_DONE) {
        return status;
    }
    listing.list = ctl_list_begin(ctl, "prices", columns);
    llm_prices_each(prices, list_price, &listing);
    end_list(ctl, listing.list, prices);
    return CTL_DONE;
}

/* ------------------------------------------------------------------- show */

/* What is known of the list before the model is looked up in it. */
typedef struct names_t {
    apr_array_header_t *providers; /* of const char *, each once */
    apr_array_header_t *models;    /* of const char * */
} names_t;

static void note_names(void *baton, const llm_price_t *price, unsigned tiers)
{
    names_t *names = baton;
    int i;

    (void)tiers;
    APR_ARRAY_PUSH(names->models, const char *) = price->model;
    for (i = 0; i < names->providers->nelts; ++i) {
        if (!strcmp(APR_ARRAY_IDX(names->providers, i, const char *),
                    price->provider)) {
            return;
        }
    }
    APR_ARRAY_PUSH(names->providers, const char *) = price->provider;
}

/*
 * The price and its tiers, smallest first. The list answers for an input of
 * a given size, so the tiers are found from above: the one that holds for the
 * largest input, then the one that holds at its border, and so on.
 */
static void add_tiers(ctl_list_t *list, const llm_prices_t *prices,
                      const char *provider, const char *model,
                      apr_int64_t input, apr_pool_t *pool)
{
    llm_price_t price;

    if (!llm_price_find(&price, prices, provider, provider, model, input)) {
        return;
    }
    if (price.above) {
        add_tiers(list, prices, provider, model, price.above, pool);
    }
    add_price(list, &price, 0, pool);
}

static int no_price(ctl_t *ctl, const names_t *names)
{
    const char *model = ctl_argument(ctl, 0), *nearest;

    APR_ARRAY_PUSH(names->models, const char *) = NULL;
    nearest =
        ctl_nearest(model, (const char *const *)(void *)names->models->elts);
    return ctl_fail(ctl, CTL_REFUSED, "not_found",
                    "%s has no price for the model %s%s%s%s", file_of(ctl),
                    model, nearest ? "; did you mean " : "",
                    nearest ? nearest : "", nearest ? "?" : "");
}

static int price_show(ctl_t *ctl)
{
    const char *model = ctl_argument(ctl, 0);
    const char *only = ctl_option(ctl, "provider");
    names_t names = {apr_array_make(ctl->pool, 8, sizeof(char *)),
                     apr_array_make(ctl->pool, 64, sizeof(char *))};
    llm_prices_t *prices;
    llm_price_t price;
    ctl_list_t *list = NULL;
    int i, status = load(&prices, ctl);

    if (status != CTL_DONE) {
        return status;
    }
    llm_prices_each(prices, note_names, &names);
    for (i = 0; i < names.providers->nelts; ++i) {
        const char *provider = APR_ARRAY_IDX(names.providers, i, const char *);

        if ((only && strcmp(only, provider))
            || !llm_price_find(&price, prices, provider, provider, model, 0)) {
            continue;
        }
        list = list ? list : ctl_list_begin(ctl, "prices", columns);
        add_tiers(list, prices, provider, model, APR_INT64_MAX, ctl->pool);
    }
    if (!list) {
        return no_price(ctl, &names);
    }
    end_list(ctl, list, prices);
    return CTL_DONE;
}

#define OPTION_FILE                                                            \
    {                                                                          \
        "file", "FILE",                                                        \
            "the list (else $LLMGW_PRICES, else the installed one)"            \
    }

static const ctl_option_t list_options[] = {
    OPTION_FILE,
    {"provider", "NAME", "only this provider"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.verb = "list",
     .summary = "List the prices",
     .about = "A price that was not published is taken from the class it is "
              "billed as: cached\ninput as input, reasoning as output.",
     .example = "llmgwctl price list --provider anthropic",
     .options = list_options,
     .run = price_list},
    {.verb = "show",
     .arguments = "MODEL",
     .least = 1,
     .most = 1,
     .summary = "Show what a model costs, tier by tier",
     .about = "ABOVE is the size of a request's input above which the line "
              "holds.",
     .example = "llmgwctl price show gpt-4o",
     .options = list_options,
     .run = price_show},
    {.run = NULL},
};

const ctl_noun_t ctl_price = {
    .name = "price",
    .summary = "The price list",
    .commands = commands,
};
