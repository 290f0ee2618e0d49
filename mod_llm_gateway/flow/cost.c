/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exchange costs: its usage by the prices in force when it is told.
 *
 * A price that is not known is not made up in silence: with LLMUnknownPrice
 * "estimate" the provider's dearest model stands in and the record says so,
 * with "zero" the cost is none and the record says that, with "deny" the
 * provider is not asked at all. The tier that served is the provider's word;
 * a tier without a price of its own takes the standard one, and the record
 * says that it is a guess.
 */
#include <string.h>

#include <apr_strings.h>

#include "flow/stream_internal.h"

static void open_book(llm_price_book_t *book, const llm_policy_t *policy)
{
    *book = policy->prices;
    if (policy->lend_prices) {
        policy->lend_prices(book);
    }
}

static void close_book(llm_price_book_t *book, const llm_policy_t *policy)
{
    if (policy->return_prices) {
        policy->return_prices(book);
    }
}

static llm_price_ask_t ask_of(const llm_exchange_t *x,
                              const llm_upstream_t *upstream)
{
    return (llm_price_ask_t){
        .provider = upstream->provider->name,
        .dialect = llm_dialect_family(upstream->provider->dialect),
        .model = upstream->model,
        .tier = x->tier,
    };
}

/* Nothing is known: what stands in for it. */
static void set_unknown(const llm_policy_t *policy, llm_record_t *record,
                        const llm_price_book_t *book,
                        const llm_price_ask_t *ask)
{
    llm_price_t price;

    if (policy->unknown_price == LLM_UNKNOWN_PRICE_ZERO) {
        record->cost = 0;
    }
    else {
        record->cost = llm_price_dearest(&price, book, ask, &record->usage);
        if (record->cost != LLM_MONEY_UNKNOWN) {
            record->flags |= LLM_RECORD_GUESSED;
            record->price_day = price.day;
            return;
        }
    }
    record->flags |= LLM_RECORD_UNPRICED;
}

static void set_by_book(const llm_exchange_t *x, llm_record_t *record,
                        const llm_price_book_t *book,
                        const llm_upstream_t *upstream)
{
    const llm_policy_t *policy = x->policy;
    llm_price_ask_t ask = ask_of(x, upstream);
    llm_price_t price;

    ask.input = llm_usage_input(&record->usage);
    if (!llm_price_use(&price, &record->cost, book, &ask, x->served,
                       &record->usage)
        || (price.is_other_tier
            && policy->unknown_price == LLM_UNKNOWN_PRICE_ZERO)) {
        set_unknown(policy, record, book, &ask);
        return;
    }
    record->price_day = price.day;
    if (price.is_other_tier) {
        record->flags |= LLM_RECORD_GUESSED;
    }
}

#define COST_FLAGS ((unsigned)(LLM_RECORD_GUESSED | LLM_RECORD_UNPRICED))

static int was_told(const llm_exchange_t *x, const llm_record_t *record)
{
    return x->told
           && !memcmp(&x->told->usage, &record->usage, sizeof(record->usage));
}

void llm_cost_set(const llm_exchange_t *x, llm_record_t *record,
                  const llm_upstream_t *upstream)
{
    llm_price_book_t book;

    if (llm_price_is_free(&record->usage)) {
        record->cost = 0;
        return;
    }
    if (was_told(x, record)) {
        record->cost = x->told->cost;
        record->price_day = x->told->price_day;
        record->flags |= x->told->flags & COST_FLAGS;
        return;
    }
    open_book(&book, x->policy);
    set_by_book(x, record, &book, upstream);
    close_book(&book, x->policy);
}

void llm_flow_tell_cost(llm_exchange_t *x, const llm_record_t *record)
{
    x->told = apr_pmemdup(x->pool, record, sizeof(*record));
}

llm_problem_t *llm_cost_refuse(const llm_exchange_t *x,
                               const llm_upstream_t *upstream)
{
    llm_price_ask_t ask = ask_of(x, upstream);
    llm_price_book_t book;
    llm_price_t price;
    llm_problem_t *problem;
    int is_known;

    /* a native call may name no model: it lists models, or stores a file */
    if (x->policy->unknown_price != LLM_UNKNOWN_PRICE_DENY
        || !upstream->model) {
        return NULL;
    }
    open_book(&book, x->policy);
    is_known = llm_price_find(&price, &book, &ask);
    close_book(&book, x->policy);
    if (is_known) {
        return NULL;
    }
    problem = llm_problem_make(LLM_PROBLEM_FORBIDDEN, x->pool,
                               "the model '%s' has no price, and models "
                               "without one may not be used here",
                               upstream->model);
    problem->param = "model";
    problem->code = "model_not_priced";
    return problem;
}
