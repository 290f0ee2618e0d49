/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl price: the prices the gateway counts with.
 *
 * Prices are shown as the gateway takes them, a class without one of its own
 * filled by the class it is billed as. With --file it is a list that is not in
 * force (yet), and no store is needed.
 */
#include "llmgwctl/prices.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_time.h"

static const ctl_column_t columns[] = {
    {"provider", "PROVIDER", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},
    {"tier", "TIER", CTL_TEXT, CTL_IF_ANY},
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
    {"request", "REQUEST", CTL_DECIMAL, CTL_IF_ANY},
    {"tiers", "TIERS", CTL_COUNT, CTL_IF_ANY},
    {"service_tiers", "SERVICE TIERS", CTL_NAMES, CTL_IF_ANY},
    {"list", "LIST", CTL_TEXT, 0},
    {"as_of", "AS OF", CTL_TEXT, CTL_HIDE},
    {NULL, NULL, CTL_TEXT, 0},
};
enum {
    PROVIDER,
    MODEL,
    TIER,
    ABOVE,
    FIRST_CLASS,
    REQUEST = FIRST_CLASS + 9,
    TIERS,
    SERVICE_TIERS,
    LIST,
    AS_OF,
    COLUMNS
};

/* Which class stands in which column, from FIRST_CLASS on. */
static const llm_class_e classes[] = {
    LLM_CLASS_INPUT,          LLM_CLASS_CACHE_READ, LLM_CLASS_CACHE_WRITE,
    LLM_CLASS_CACHE_WRITE_1H, LLM_CLASS_OUTPUT,     LLM_CLASS_REASONING,
    LLM_CLASS_AUDIO_IN,       LLM_CLASS_AUDIO_OUT,  LLM_CLASS_IMAGES,
};

/* Dollars per million tokens, or per image. */
static const char *dollars(llm_money_t money, apr_pool_t *pool)
{
    return money == LLM_MONEY_UNKNOWN ? NULL : llm_money_print(money, pool);
}

static const char *day_of(const llm_price_t *price, apr_pool_t *pool)
{
    return apr_pstrmemdup(
        pool,
        llm_time_print((apr_time_t)price->day * 86400 * APR_USEC_PER_SEC, pool),
        10);
}

static void add_price(ctl_list_t *list, const llm_price_t *price,
                      unsigned tiers, apr_pool_t *pool)
{
    const char *cells[COLUMNS];
    apr_size_t i;

    cells[PROVIDER] = price->provider;
    cells[MODEL] = price->model;
    cells[TIER] = *price->tier ? price->tier : NULL;
    cells[ABOVE] = apr_psprintf(pool, "%" APR_INT64_T_FMT, price->above);
    cells[REQUEST] =
        price->per_request ? dollars(price->per_request, pool) : NULL;
    cells[TIERS] = apr_psprintf(pool, "%u", tiers);
    cells[SERVICE_TIERS] = price->tiers;
    cells[LIST] = llm_price_layer_name(price->layer);
    cells[AS_OF] = day_of(price, pool);
    for (i = 0; i < sizeof(classes) / sizeof(classes[0]); ++i) {
        cells[FIRST_CLASS + i] = dollars(price->per_million[classes[i]], pool);
    }
    ctl_list_add(list, cells);
}

static const char *as_of_file(const ctl_prices_t *prices)
{
    const llm_prices_t *file = prices->book.layer[LLM_PRICES_FILE];

    return file ? llm_prices_as_of(file) : NULL;
}

static void end_list(ctl_t *ctl, ctl_list_t *list, const ctl_prices_t *prices)
{
    const char *as_of = as_of_file(prices);

    ctl_list_more(list, "as_of", as_of);
    ctl_list_more(list, "file", prices->file);
    ctl_list_end(list);
    ctl_remark(ctl, "Dollars per million tokens; %s%s.",
               as_of ? "the file's list is of " : "there is no file",
               as_of ? as_of : "");
}

/* ------------------------------------------------------------------- list */

typedef struct listing_t {
    ctl_t *ctl;
    ctl_list_t *list;
    const ctl_prices_t *prices;
    llm_price_layer_e layer;
    const char *provider; /* only this one's, or NULL */
    /* of the entry that is looked for in the layers above */
    const llm_price_t *wanted;
    int is_hidden;
} listing_t;

static void note_same(void *baton, const llm_price_t *price, unsigned tiers)
{
    listing_t *listing = baton;

    (void)tiers;
    if (!strcmp(price->provider, listing->wanted->provider)
        && !strcmp(price->model, listing->wanted->model)) {
        listing->is_hidden = 1;
    }
}

static void list_price(void *baton, const llm_price_t *price, unsigned tiers)
{
    listing_t *listing = baton;
    llm_price_t shown = *price;
    int layer;

    if (listing->provider && strcmp(listing->provider, price->provider) != 0) {
        return;
    }
    listing->wanted = price;
    listing->is_hidden = 0;
    for (layer = 0; layer < (int)listing->layer; ++layer) {
        if (listing->prices->book.layer[layer]) {
            llm_prices_each(listing->prices->book.layer[layer], note_same,
                            listing);
        }
    }
    if (!listing->is_hidden) {
        shown.layer = listing->layer;
        add_price(listing->list, &shown, tiers, listing->ctl->pool);
    }
}

static int price_list(ctl_t *ctl)
{
    listing_t listing = {.ctl = ctl, .provider = ctl_option(ctl, "provider")};
    ctl_prices_t prices;
    int status = ctl_prices_load(&prices, ctl), layer;

    if (status != CTL_DONE) {
        return status;
    }
    listing.prices = &prices;
    listing.list = ctl_list_begin(ctl, "prices", columns);
    for (layer = 0; layer < LLM_PRICE_LAYERS; ++layer) {
        listing.layer = (llm_price_layer_e)layer;
        if (prices.book.layer[layer]) {
            llm_prices_each(prices.book.layer[layer], list_price, &listing);
        }
    }
    end_list(ctl, listing.list, &prices);
    return CTL_DONE;
}

/* ------------------------------------------------------------------- show */

/* What is known of the lists before the model is looked up in them. */
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
static void add_tiers(ctl_list_t *list, const llm_price_book_t *book,
                      const llm_price_ask_t *ask, apr_pool_t *pool)
{
    llm_price_ask_t border = *ask;
    llm_price_t price;

    if (!llm_price_find(&price, book, ask)) {
        return;
    }
    if (price.above) {
        border.input = price.above;
        add_tiers(list, book, &border, pool);
    }
    add_price(list, &price, 0, pool);
}

/* The standard prices, then each service tier's. */
static void add_all_tiers(ctl_list_t *list, const llm_price_book_t *book,
                          llm_price_ask_t *ask, apr_pool_t *pool)
{
    llm_price_t price;
    char *names, *state = NULL;
    const char *tier;

    if (!llm_price_find(&price, book, ask)) {
        return;
    }
    ask->input = APR_INT64_MAX;
    add_tiers(list, book, ask, pool);
    names = apr_pstrdup(pool, price.tiers);
    for (tier = apr_strtok(names, ",", &state); tier;
         tier = apr_strtok(NULL, ",", &state)) {
        ask->tier = tier;
        add_tiers(list, book, ask, pool);
    }
}

static int no_price(ctl_t *ctl, const names_t *names)
{
    const char *model = ctl_argument(ctl, 0), *nearest;

    APR_ARRAY_PUSH(names->models, const char *) = NULL;
    nearest =
        ctl_nearest(model, (const char *const *)(void *)names->models->elts);
    return ctl_fail(ctl, CTL_REFUSED, "not_found",
                    "there is no price for the model %s%s%s%s", model,
                    nearest ? "; did you mean " : "", nearest ? nearest : "",
                    nearest ? "?" : "");
}

static int price_show(ctl_t *ctl)
{
    const char *only = ctl_option(ctl, "provider");
    names_t names = {apr_array_make(ctl->pool, 8, sizeof(char *)),
                     apr_array_make(ctl->pool, 64, sizeof(char *))};
    ctl_prices_t prices;
    llm_price_t price;
    ctl_list_t *list = NULL;
    int i, status = ctl_prices_load(&prices, ctl);

    if (status != CTL_DONE) {
        return status;
    }
    for (i = 0; i < LLM_PRICE_LAYERS; ++i) {
        if (prices.book.layer[i]) {
            llm_prices_each(prices.book.layer[i], note_names, &names);
        }
    }
    for (i = 0; i < names.providers->nelts; ++i) {
        llm_price_ask_t ask = {
            .provider = APR_ARRAY_IDX(names.providers, i, const char *),
            .model = ctl_argument(ctl, 0)};

        if ((only && strcmp(only, ask.provider))
            || !llm_price_find(&price, &prices.book, &ask)) {
            continue;
        }
        list = list ? list : ctl_list_begin(ctl, "prices", columns);
        add_all_tiers(list, &prices.book, &ask, ctl->pool);
    }
    if (!list) {
        return no_price(ctl, &names);
    }
    end_list(ctl, list, &prices);
    return CTL_DONE;
}

static const ctl_option_t list_options[] = {
    {"file", "FILE", "this list alone, and not what is in force"},
    {"provider", "NAME", "only this provider"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.verb = "list",
     .summary = "List the prices in force",
     .about = "What was set goes before what was imported, and that before "
              "the file of\nLLMPrices. A price that was not published is taken "
              "from the class it is billed\nas: cached input as input, "
              "reasoning as output.",
     .example = "llmgwctl price list --provider anthropic",
     .options = list_options,
     .run = price_list},
    {.verb = "show",
     .arguments = "MODEL",
     .least = 1,
     .most = 1,
     .summary = "Show what a model costs, tier by tier",
     .about = "ABOVE is the size of a request's input above which the line "
              "holds, TIER the\nprovider's service tier.",
     .example = "llmgwctl price show gpt-4o",
     .options = list_options,
     .run = price_show},
    {.verb = "set",
     .arguments = "PROVIDER/MODEL",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Set a model's price, over any list",
     .about = "Dollars per million tokens. PROVIDER is the name of a "
              "<LLMProvider> or its\ndialect; MODEL may end in \"*\". When the "
              "command returns the price is in force.",
     .example = "llmgwctl price set openai/gpt-4o --input 2.50 --output 10",
     .options = ctl_price_set_options,
     .run = ctl_price_set},
    {.verb = "unset",
     .arguments = "PROVIDER/MODEL",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Take a price that was set away again",
     .example = "llmgwctl price unset openai/gpt-4o",
     .run = ctl_price_unset},
    {.verb = "import",
     .arguments = "[FILE]",
     .least = 0,
     .most = 1,
     .summary = "Put a list of others into force",
     .about = "It takes the place of the one imported before. The file is a "
              "price list of the gateway's own form, LiteLLM's\n"
              "model_prices_and_context_window.json, or models.dev's api.json. "
              "What was set\nwith `price set` stays.",
     .example = "llmgwctl price import api.json --dry-run",
     .options = ctl_price_import_options,
     .run = ctl_price_import},
    {.verb = "check",
     .summary = "Find models without a price, old lists, hidden prices",
     .about = "Looks at the models of the configuration and at those that were "
              "used. Exit\nstatus 1 when one has no price.",
     .example = "llmgwctl price check",
     .options = ctl_price_check_options,
     .run = ctl_price_check},
    {.run = NULL},
};

const ctl_noun_t ctl_price = {
    .name = "price",
    .summary = "The prices that usage is counted with",
    .commands = commands,
};
