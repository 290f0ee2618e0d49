/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record holds the model that answered, not the one that was asked of the
 * provider. Where the one that answered has no price, as a dated one may not,
 * the other is found again by the record's route: in what the gateway's parent
 * told of its configuration, or, where the route passes names on, in what the
 * client asked for.
 */
#include "llmgwctl/rerate.h"

#include <string.h>

#include <apr_strings.h>

static const char *string_of(const llm_json_t *node, const char *name,
                             apr_pool_t *pool)
{
    const char *text = llm_json_string(llm_json_get(node, name), pool);

    return text ? text : "";
}

static const char *id_of(const char *provider, const char *route,
                         apr_pool_t *pool)
{
    return apr_pstrcat(pool, provider, "\n", route, NULL);
}

static void note_target(ctl_rater_t *rater, const llm_json_t *target)
{
    apr_pool_t *pool = rater->pool;
    const char *model = string_of(target, "model", pool), *known;
    const char *id = id_of(string_of(target, "provider", pool),
                           string_of(target, "route", pool), pool);

    known = apr_hash_get(rater->targets, id, APR_HASH_KEY_STRING);
    apr_hash_set(rater->targets, id, APR_HASH_KEY_STRING,
                 known && strcmp(known, model) != 0 ? "" : model);
}

void ctl_rater_open(ctl_rater_t *rater, const ctl_prices_t *prices,
                    apr_pool_t *pool)
{
    const llm_json_t *models = llm_json_get(prices->configured, "models");
    const llm_json_t *target =
        llm_json_is(models, LLM_JSON_ARRAY) ? models->child : NULL;

    rater->prices = prices;
    rater->pool = pool;
    rater->dialects = apr_hash_make(pool);
    rater->targets = apr_hash_make(pool);
    rater->is_zero = llm_json_equals(
        llm_json_get(prices->configured, "unknown_price"), "zero");
    for (; target; target = target->next) {
        if (llm_json_get(target, "route")) {
            note_target(rater, target);
        }
    }
}

static const char *dialect_of(ctl_rater_t *rater, const char *provider)
{
    const char *dialect =
        apr_hash_get(rater->dialects, provider, APR_HASH_KEY_STRING);

    if (!dialect) {
        dialect = ctl_prices_dialect(rater->prices, provider, rater->pool);
        dialect = dialect ? dialect : "";
        apr_hash_set(rater->dialects, apr_pstrdup(rater->pool, provider),
                     APR_HASH_KEY_STRING, dialect);
    }
    return *dialect ? dialect : NULL;
}

/* What stands for the star of the route's name; the whole name where there is
 * no star. */
static const char *matched(const char *asked, const char *route,
                           apr_pool_t *pool)
{
    const char *star = strchr(route, '*');
    apr_size_t len = strlen(asked), head, tail;

    if (!star) {
        return asked;
    }
    head = (apr_size_t)(star - route);
    tail = strlen(star + 1);
    return len >= head + tail && !strncmp(asked, route, head)
               ? apr_pstrmemdup(pool, asked + head, len - head - tail)
               : asked;
}

/* The model that the provider was asked for, as far as it can be told; NULL. */
static const char *upstream_of(const ctl_rater_t *rater, const llm_json_t *row,
                               const char *provider, apr_pool_t *pool)
{
    const char *asked = string_of(row, "asked", pool);
    const char *route = string_of(row, "route", pool);
    const char *model = apr_hash_get(
        rater->targets, id_of(provider, route, pool), APR_HASH_KEY_STRING);
    const char *star = model ? strchr(model, '*') : NULL;

    if (model && !*model) {
        return NULL;
    }
    asked = matched(asked, route, pool);
    if (star) {
        return apr_pstrcat(
            pool, apr_pstrmemdup(pool, model, (apr_size_t)(star - model)),
            asked, star + 1, NULL);
    }
    return model ? model : asked;
}

/* A class nobody counted is null. Whether a count was the provider's or ours
 * makes no price. */
static void read_usage(llm_usage_t *usage, const llm_json_t *row)
{
    apr_int64_t n;
    int i;

    llm_usage_clear(usage);
    for (i = 0; i < LLM_CLASSES; ++i) {
        if (llm_json_int(llm_json_get(row, llm_class_name((llm_class_e)i)),
                         &n)) {
            llm_usage_set(usage, (llm_class_e)i, n);
        }
    }
}

static int has_flag(const llm_json_t *row, const char *name)
{
    const llm_json_t *flags = llm_json_get(row, "flags"), *flag;

    for (flag = flags ? flags->child : NULL; flag; flag = flag->next) {
        if (llm_json_equals(flag, name)) {
            return 1;
        }
    }
    return 0;
}

static void read_record(ctl_rated_t *rated, const llm_json_t *row,
                        apr_pool_t *pool)
{
    memset(rated, 0, sizeof(*rated));
    rated->provider = string_of(row, "provider", pool);
    rated->model = string_of(row, "model", pool);
    rated->id = string_of(row, "request_id", pool);
    llm_json_int(llm_json_get(row, "time_us"), &rated->time_us);
    rated->had = LLM_MONEY_UNKNOWN;
    llm_json_int(llm_json_get(row, "cost"), &rated->had);
    rated->was_unpriced =
        has_flag(row, "unpriced") || rated->had == LLM_MONEY_UNKNOWN;
    rated->was_guessed = has_flag(row, "guessed");
    rated->was = rated->was_unpriced ? 0 : rated->had;
    rated->cost = rated->was;
}

static void set_price(ctl_rated_t *rated, ctl_rater_t *rater,
                      const llm_json_t *row, const llm_usage_t *usage,
                      apr_pool_t *pool)
{
    const char *tier = string_of(row, "tier", pool);
    const llm_price_ask_t ask = {
        .provider = rated->provider,
        .dialect = dialect_of(rater, rated->provider),
        .model = upstream_of(rater, row, rated->provider, pool),
        .tier = *tier ? tier : NULL,
    };
    llm_money_t cost;
    llm_price_t price;

    if (llm_price_use(&price, &cost, &rater->prices->book, &ask, rated->model,
                      usage)
        && !(price.is_other_tier && rater->is_zero)) {
        rated->is_known = 1;
        rated->is_guessed = price.is_other_tier;
        rated->cost = cost;
        rated->day = price.day;
    }
}

int ctl_rate(ctl_rated_t *rated, ctl_rater_t *rater, const llm_json_t *row,
             apr_pool_t *pool)
{
    llm_usage_t usage;

    read_record(rated, row, pool);
    if (!*rated->provider) {
        return 0;
    }
    read_usage(&usage, row);
    if (llm_price_is_free(&usage) || has_flag(row, "cached")) {
        /* there is nothing to be priced: as it was */
        rated->is_known = !rated->was_unpriced;
        rated->is_guessed = rated->was_guessed;
        return 1;
    }
    set_price(rated, rater, row, &usage, pool);
    return 1;
}

int ctl_rated_is_changed(const ctl_rated_t *rated)
{
    return rated->is_known
           && (rated->had != rated->cost || rated->was_unpriced
               || rated->was_guessed != rated->is_guessed);
}
