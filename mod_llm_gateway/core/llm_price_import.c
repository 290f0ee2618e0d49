/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price lists of others: which it is, and its models as entries of ours.
 *
 * A model's prices are collected by service tier and size of the context, and
 * written as an entry, which is then read back as any list is: what is handed
 * on can be taken into force. A model that cannot be is skipped with a reason,
 * never half taken.
 */
#include "core/llm_price_import.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define CARDS_MOST 100 /* of a model: service tier and context size */
#define PRICES     (LLM_CLASSES + 1)
#define REQUEST    LLM_CLASSES /* the price per request, behind the classes */

/* Names of providers there and here. */
typedef struct alias_t {
    const char *theirs, *ours;
} alias_t;

static const alias_t litellm_providers[] = {
    {"text-completion-openai", "openai"},
    {"bedrock_converse", "bedrock"},
    {"cohere_chat", "cohere"},
    {"fireworks_ai", "fireworks"},
    {"together_ai", "together"},
    {"vertex_ai", "vertex"},
    {"vertex_ai-anthropic_models", "vertex"},
    {"vertex_ai-embedding-models", "vertex"},
    {"vertex_ai-language-models", "vertex"},
    {"vertex_ai-llama_models", "vertex"},
    {"vertex_ai-mistral_models", "vertex"},
    {NULL, NULL},
};

static const alias_t models_dev_providers[] = {
    {"amazon-bedrock", "bedrock"},
    {"fireworks-ai", "fireworks"},
    {"google", "gemini"},
    {"google-vertex", "vertex"},
    {"google-vertex-anthropic", "vertex"},
    {"togetherai", "together"},
    {NULL, NULL},
};

static const char *provider_of(const alias_t *aliases, const char *theirs)
{
    while (aliases->theirs && strcmp(aliases->theirs, theirs) != 0) {
        ++aliases;
    }
    return aliases->ours ? aliases->ours : theirs;
}

/* Prices of one service tier from one size of the context on. */
typedef struct card_t {
    const char *tier;          /* "" standard */
    apr_int64_t above;         /* 0 from the first token on */
    const char *price[PRICES]; /* decimal text, or NULL */
} card_t;

typedef struct maker_t {
    llm_price_import_t *import;
    apr_pool_t *pool;         /* of the result */
    apr_pool_t *scratch;      /* of one model */
    apr_hash_t *seen;         /* "provider\nmodel" */
    card_t cards[CARDS_MOST]; /* of the model at hand */
    unsigned count;
    const char *wrong; /* with the model at hand, or NULL */
} maker_t;

static void add_skip(apr_array_header_t *list, const char *name,
                     const char *why)
{
    llm_price_skip_t *skip;
    int i;

    for (i = 0; i < list->nelts; ++i) {
        skip = &APR_ARRAY_IDX(list, i, llm_price_skip_t);
        if (!strcmp(skip->name, name) && !strcmp(skip->why, why)) {
            skip->count += 1;
            return;
        }
    }
    skip = apr_array_push(list);
    skip->name = name;
    skip->why = why;
    skip->count = 1;
}

/* Models are skipped once each: no search. */
static void skip_model(maker_t *maker, const char *name, const char *why)
{
    llm_price_skip_t *skip = apr_array_push(maker->import->skipped);

    skip->name = apr_pstrdup(maker->pool, name);
    skip->why = apr_pstrdup(maker->pool, why);
    skip->count = 1;
}

#define IGNORED_MOST 200 /* names of members */

static void ignore_member(maker_t *maker, llm_text_t name)
{
    if (maker->import->ignored->nelts < IGNORED_MOST) {
        add_skip(maker->import->ignored, llm_text_string(name, maker->pool),
                 "is no price that is known here");
    }
}

/* ------------------------------------------------------- one model's prices */

static card_t *card_of(maker_t *maker, const char *tier, apr_int64_t above)
{
    card_t *card;
    unsigned i;

    for (i = 0; i < maker->count; ++i) {
        card = &maker->cards[i];
        if (card->above == above && !strcmp(card->tier, tier)) {
            return card;
        }
    }
    if (maker->count == CARDS_MOST) {
        maker->wrong = "has too many tiers";
        return NULL;
    }
    card = &maker->cards[maker->count++];
    memset(card, 0, sizeof(*card));
    card->tier = tier;
    card->above = above;
    return card;
}

/* A number of dollars times 10^shift, for each million or piece. null is no
 * price. */
static void take_price(maker_t *maker, card_t *card, int class,
                       const llm_json_t *number, int shift)
{
    llm_money_t money;
    int read;

    if (!card || number->type == LLM_JSON_NULL) {
        return;
    }
    read = number->type == LLM_JSON_NUMBER ? llm_money_read_number(
               &money, number->raw.data, number->raw.len, shift)
                                           : 0;
    if (!read) {
        maker->wrong =
            apr_psprintf(maker->scratch, "%s: expected a price of zero or more",
                         llm_text_string(number->name, maker->scratch));
        return;
    }
    maker->import->rounded += read == 2;
    card->price[class] = llm_money_print(money, maker->scratch);
}

static void put_prices(llm_buf_t *out, const card_t *card, const char *comma)
{
    int i;

    for (i = 0; i < PRICES; ++i) {
        if (card->price[i]) {
            llm_buf_puts(out, comma);
            llm_buf_put_string(
                out, i == REQUEST ? "request" : llm_class_name((llm_class_e)i));
            llm_buf_lit(out, ":");
            llm_buf_put_string(out, card->price[i]);
            comma = ",";
        }
    }
}

/* The tiers of the context of one service tier, as a member. */
static void put_sizes(llm_buf_t *out, const maker_t *maker, const char *tier,
                      const char *comma)
{
    const char *begin = "\"tiers\":[";
    unsigned i;
    int any = 0;

    for (i = 0; i < maker->count; ++i) {
        const card_t *card = &maker->cards[i];

        if (card->above && !strcmp(card->tier, tier)) {
            llm_buf_puts(out, any ? "," : comma);
            llm_buf_puts(out, any ? "" : begin);
            llm_buf_puts(out, apr_psprintf(maker->scratch,
                                           "{\"above\":%" APR_INT64_T_FMT,
                                           card->above));
            put_prices(out, card, ",");
            llm_buf_lit(out, "}");
            any = 1;
        }
    }
    if (any) {
        llm_buf_lit(out, "]");
    }
}

static const card_t *find_card(const maker_t *maker, const char *tier)
{
    unsigned i;

    for (i = 0; i < maker->count; ++i) {
        if (!maker->cards[i].above && !strcmp(maker->cards[i].tier, tier)) {
            return &maker->cards[i];
        }
    }
    return NULL;
}

static int has_price(const card_t *card)
{
    int i;

    for (i = 0; card && i < PRICES; ++i) {
        if (card->price[i]) {
            return 1;
        }
    }
    return 0;
}

/* One service tier, as a member of "service_tiers". */
static void put_tier(llm_buf_t *out, const maker_t *maker, const char *tier)
{
    const card_t *card = find_card(maker, tier);

    llm_buf_put_string(out, tier);
    llm_buf_lit(out, ":{");
    if (has_price(card)) {
        put_prices(out, card, "");
    }
    put_sizes(out, maker, tier, has_price(card) ? "," : "");
    llm_buf_lit(out, "}");
}

static int is_first_of_tier(const maker_t *maker, unsigned at)
{
    unsigned i;

    for (i = 0; i < at; ++i) {
        if (!strcmp(maker->cards[i].tier, maker->cards[at].tier)) {
            return 0;
        }
    }
    return *maker->cards[at].tier != '\0';
}

static void put_tiers(llm_buf_t *out, const maker_t *maker)
{
    unsigned i;
    int any = 0;

    for (i = 0; i < maker->count; ++i) {
        if (is_first_of_tier(maker, i)) {
            llm_buf_puts(out, any ? "," : ",\"service_tiers\":{");
            put_tier(out, maker, maker->cards[i].tier);
            any = 1;
        }
    }
    if (any) {
        llm_buf_lit(out, "}");
    }
}

static const char *entry_of(const maker_t *maker, const char *provider,
                            const char *model)
{
    llm_buf_t *out = llm_buf_make(0, maker->scratch);

    llm_buf_lit(out, "{\"provider\":");
    llm_buf_put_string(out, provider);
    llm_buf_lit(out, ",\"model\":");
    llm_buf_put_string(out, model);
    put_prices(out, find_card(maker, ""), ",");
    put_sizes(out, maker, "", ",");
    put_tiers(out, maker);
    llm_buf_append(out, "}", 2); /* and the end of the string */
    return out->data;
}

/* The entry as the list's reader sees it: NULL, or what is wrong. */
static const char *check_entry(const maker_t *maker, const char *json)
{
    const char *list = apr_pstrcat(
        maker->scratch, "{\"as_of\":\"1970-01-01\",\"currency\":\"USD\",",
        "\"unit\":\"per_million\",\"models\":[", json, "]}", NULL);
    const char *wrong;
    llm_prices_t *prices;

    wrong = llm_prices_read(&prices, list, strlen(list), maker->scratch);
    return wrong && !strncmp(wrong, "models[0]", 9) ? wrong + 9 : wrong;
}

/* Takes an entry over; `name` is what the file calls it. */
static void take_entry(maker_t *maker, const char *name, const char *provider,
                       const char *model, const char *json)
{
    const char *id = apr_pstrcat(maker->scratch, provider, "\n", model, NULL);
    const char *wrong = check_entry(maker, json);
    llm_price_item_t *item;

    if (wrong) {
        skip_model(maker, name, wrong);
        return;
    }
    if (apr_hash_get(maker->seen, id, APR_HASH_KEY_STRING)) {
        skip_model(maker, name,
                   apr_psprintf(maker->scratch, "%s/%s is there already",
                                provider, model));
        return;
    }
    apr_hash_set(maker->seen, apr_pstrdup(maker->pool, id), APR_HASH_KEY_STRING,
                 "");
    item = apr_array_push(maker->import->items);
    item->provider = apr_pstrdup(maker->pool, provider);
    item->model = apr_pstrdup(maker->pool, model);
    item->json = apr_pstrdup(maker->pool, json);
}

static void begin_model(maker_t *maker)
{
    apr_pool_clear(maker->scratch);
    maker->count = 0;
    maker->wrong = NULL;
    card_of(maker, "", 0);
}

/* What was collected becomes an entry, or is skipped. */
static void end_model(maker_t *maker, const char *name, const char *provider,
                      const char *model)
{
    if (maker->wrong) {
        skip_model(maker, name, maker->wrong);
    }
    else if (!has_price(&maker->cards[0])) {
        skip_model(maker, name, "has no price for tokens, images or requests");
    }
    else {
        take_entry(maker, name, provider, model,
                   entry_of(maker, provider, model));
    }
}

/* ---------------------------------------------------------------- litellm */

typedef struct member_t {
    const char *name;
    int class;
    int shift; /* prices there are for one, here for a million */
} member_t;

/* Names that begin with another one come before it. */
static const member_t litellm_members[] = {
    {"input_cost_per_token", LLM_CLASS_INPUT, 6},
    {"output_cost_per_token", LLM_CLASS_OUTPUT, 6},
    {"cache_read_input_token_cost", LLM_CLASS_CACHE_READ, 6},
    {"cache_creation_input_token_cost_above_1hr", LLM_CLASS_CACHE_WRITE_1H, 6},
    {"cache_creation_input_token_cost", LLM_CLASS_CACHE_WRITE, 6},
    {"output_cost_per_reasoning_token", LLM_CLASS_REASONING, 6},
    {"input_cost_per_audio_token", LLM_CLASS_AUDIO_IN, 6},
    {"output_cost_per_audio_token", LLM_CLASS_AUDIO_OUT, 6},
    {"output_cost_per_image", LLM_CLASS_IMAGES, 0},
    {"input_cost_per_request", REQUEST, 0},
};

static const alias_t litellm_tiers[] = {
    {"", ""},
    {"_flex", "flex"},
    {"_priority", "priority"},
    {"_batches", "batch"},
    {NULL, NULL},
};

/* "_above_200k_tokens_priority": 0 when it is something else. */
static int read_suffix(const char *suffix, const char **ptier,
                       apr_int64_t *pabove)
{
    const alias_t *tier = litellm_tiers;
    char *end;

    *pabove = 0;
    if (!strncmp(suffix, "_above_", 7) && suffix[7] >= '1'
        && suffix[7] <= '9') {
        *pabove = apr_strtoi64(suffix + 7, &end, 10);
        if (*pabove > 100000000 || strncmp(end, "k_tokens", 8) != 0) {
            return 0;
        }
        *pabove *= 1000;
        suffix = end + 8;
    }
    while (tier->theirs && strcmp(tier->theirs, suffix) != 0) {
        ++tier;
    }
    *ptier = tier->ours;
    return tier->theirs != NULL;
}

static void take_litellm_member(maker_t *maker, const llm_json_t *member)
{
    const char *name = llm_text_string(member->name, maker->scratch);
    apr_size_t i;

    for (i = 0; i < sizeof(litellm_members) / sizeof(litellm_members[0]); ++i) {
        const member_t *known = &litellm_members[i];
        apr_size_t len = strlen(known->name);
        const char *tier;
        apr_int64_t above;

        if (!strncmp(name, known->name, len)
            && read_suffix(name + len, &tier, &above)) {
            take_price(maker, card_of(maker, tier, above), known->class, member,
                       known->shift);
            return;
        }
    }
    if (strstr(name, "cost")) {
        ignore_member(maker, member->name);
    }
}

/* "groq/llama-3.1-8b" of the provider "groq" is "llama-3.1-8b". */
static const char *litellm_model(const char *name, const char *provider)
{
    apr_size_t len = strlen(provider);

    if (!strncmp(name, provider, len) && name[len] == '/') {
        return name + len + 1;
    }
    return !strncmp(name, "bedrock/", 8) || !strncmp(name, "vertex_ai/", 10)
               ? strchr(name, '/') + 1
               : name;
}

static void take_litellm_model(maker_t *maker, const llm_json_t *model)
{
    const llm_json_t *member;
    const char *name, *provider;

    begin_model(maker);
    name = llm_text_string(model->name, maker->scratch);
    if (!strcmp(name, "sample_spec")) { /* describes the format */
        return;
    }
    provider = llm_json_string(llm_json_get(model, "litellm_provider"),
                               maker->scratch);
    if (!provider || !*provider) {
        skip_model(maker, name, "litellm_provider: expected a string");
        return;
    }
    for (member = model->child; member; member = member->next) {
        take_litellm_member(maker, member);
    }
    end_model(maker, name, provider_of(litellm_providers, provider),
              litellm_model(name, provider));
}

/* ------------------------------------------------------------- models.dev */

static const member_t models_dev_members[] = {
    {"input", LLM_CLASS_INPUT, 0},
    {"output", LLM_CLASS_OUTPUT, 0},
    {"cache_read", LLM_CLASS_CACHE_READ, 0},
    {"cache_write", LLM_CLASS_CACHE_WRITE, 0},
    {"reasoning", LLM_CLASS_REASONING, 0},
    {"input_audio", LLM_CLASS_AUDIO_IN, 0},
    {"output_audio", LLM_CLASS_AUDIO_OUT, 0},
};

static void take_cost(maker_t *maker, const llm_json_t *cost, card_t *card)
{
    const llm_json_t *member;

    for (member = cost->child; member && card; member = member->next) {
        apr_size_t i = 0, n = sizeof(models_dev_members)
                              / sizeof(models_dev_members[0]);

        while (i < n
               && !llm_text_equals(member->name, models_dev_members[i].name)) {
            ++i;
        }
        if (i < n) {
            take_price(maker, card, models_dev_members[i].class, member, 0);
        }
        else if (!llm_text_equals(member->name, "tiers")
                 && !llm_text_equals(member->name, "tier")
                 && !llm_text_equals(member->name, "context_over_200k")) {
            ignore_member(maker, member->name);
        }
    }
}

/* [{"input": 5, "tier": {"type": "context", "size": 200000}}], or the older
 * form with its one size. */
static void take_sizes(maker_t *maker, const llm_json_t *cost)
{
    const llm_json_t *tiers = llm_json_want(cost, "tiers");
    const llm_json_t *over = llm_json_want(cost, "context_over_200k");
    const llm_json_t *row;
    apr_int64_t above;

    if (!tiers && llm_json_is(over, LLM_JSON_OBJECT)) {
        take_cost(maker, over, card_of(maker, "", 200000));
    }
    row = llm_json_is(tiers, LLM_JSON_ARRAY) ? tiers->child : NULL;
    for (; row; row = row->next) {
        const llm_json_t *tier = llm_json_get(row, "tier");

        if (!llm_json_equals(llm_json_get(tier, "type"), "context")
            || !llm_json_int(llm_json_get(tier, "size"), &above) || above < 1) {
            maker->wrong = "has a tier that is not of the context's size";
            return;
        }
        take_cost(maker, row, card_of(maker, "", above));
    }
}

static void take_models_dev_model(maker_t *maker, const char *provider,
                                  const llm_json_t *model)
{
    const llm_json_t *cost = llm_json_want(model, "cost");
    const char *name, *id;

    begin_model(maker);
    id = llm_json_string(llm_json_get(model, "id"), maker->scratch);
    if (!id || !*id) {
        id = llm_text_string(model->name, maker->scratch);
    }
    name = apr_pstrcat(maker->scratch, provider, "/", id, NULL);
    if (llm_json_is(cost, LLM_JSON_OBJECT)) {
        take_cost(maker, cost, &maker->cards[0]);
        take_sizes(maker, cost);
    }
    end_model(maker, name, provider_of(models_dev_providers, provider), id);
}

static void take_models_dev(maker_t *maker, const llm_json_t *doc)
{
    const llm_json_t *provider, *model;

    for (provider = doc->child; provider; provider = provider->next) {
        const llm_json_t *models = llm_json_get(provider, "models");
        const char *name = llm_text_string(provider->name, maker->pool);

        if (!llm_json_is(models, LLM_JSON_OBJECT)) {
            skip_model(maker, name, "models: expected an object");
            continue;
        }
        for (model = models->child; model; model = model->next) {
            take_models_dev_model(maker, name, model);
        }
    }
}

/* ------------------------------------------------------------------- ours */

static const char *take_ours(maker_t *maker, const llm_json_t *doc)
{
    const llm_json_t *model;
    const char *wrong;
    llm_prices_t *prices;

    wrong = llm_prices_take(&prices, doc, maker->pool);
    if (wrong) {
        return wrong;
    }
    maker->import->as_of = llm_prices_as_of(prices);
    for (model = llm_json_get(doc, "models")->child; model;
         model = model->next) {
        llm_price_item_t *item = apr_array_push(maker->import->items);

        item->provider =
            llm_json_string(llm_json_get(model, "provider"), maker->pool);
        item->model =
            llm_json_string(llm_json_get(model, "model"), maker->pool);
        item->json =
            apr_pstrmemdup(maker->pool, model->raw.data, model->raw.len);
    }
    return NULL;
}

/* ------------------------------------------------------------------- which */

static const char *take_file(maker_t *maker, const llm_json_t *doc)
{
    const llm_json_t *first = doc->child, *model;

    if (llm_json_get(doc, "unit") || llm_json_get(doc, "currency")) {
        maker->import->format = "llm-gateway";
        return take_ours(maker, doc);
    }
    if (llm_json_is(llm_json_get(first, "models"), LLM_JSON_OBJECT)) {
        maker->import->format = "models.dev";
        take_models_dev(maker, doc);
        return NULL;
    }
    if (llm_json_get(first, "litellm_provider")) {
        maker->import->format = "litellm";
        for (model = first; model; model = model->next) {
            take_litellm_model(maker, model);
        }
        return NULL;
    }
    return "expected a price list: llm-gateway's (with \"unit\"), LiteLLM's "
           "(models with \"litellm_provider\") or models.dev's (providers "
           "with \"models\")";
}

const char *llm_price_import(llm_price_import_t **pimport, const char *data,
                             apr_size_t len, apr_pool_t *pool)
{
    maker_t *maker = apr_pcalloc(pool, sizeof(*maker));
    const llm_json_t *doc;
    llm_json_error_t error = {0, NULL};
    const char *wrong;

    if (llm_json_read(&doc, data, len, &error, pool) != APR_SUCCESS) {
        return apr_psprintf(pool, "byte %" APR_SIZE_T_FMT ": %s", error.offset,
                            error.what ? error.what : "malformed");
    }
    maker->pool = pool;
    apr_pool_create(&maker->scratch, pool);
    maker->seen = apr_hash_make(pool);
    maker->import = apr_pcalloc(pool, sizeof(*maker->import));
    maker->import->items = apr_array_make(pool, 256, sizeof(llm_price_item_t));
    maker->import->skipped = apr_array_make(pool, 16, sizeof(llm_price_skip_t));
    maker->import->ignored = apr_array_make(pool, 16, sizeof(llm_price_skip_t));
    wrong = take_file(maker, doc);
    apr_pool_destroy(maker->scratch);
    if (!wrong && !maker->import->items->nelts) {
        wrong = "there is no model with a price in it";
    }
    if (!wrong) {
        *pimport = maker->import;
    }
    return wrong;
}
