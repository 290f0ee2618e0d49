/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LLM_* for the access log: `%{LLM_COST}e` in a LogFormat. One line a
 * variable; what is not known is not set, and httpd logs "-".
 */
#include "httpd/llmgw.h"

#include <apr_strings.h>

typedef struct facts_t {
    const llm_exchange_t *x;
    const llm_record_t *record;
    const char *key_name;
    apr_pool_t *pool;
} facts_t;

static const char *text_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static const char *number(const facts_t *facts, apr_int64_t n)
{
    return apr_psprintf(facts->pool, "%" APR_INT64_T_FMT, n);
}

static const char *flag(const facts_t *facts, apr_uint32_t bit)
{
    return facts->record->flags & bit ? "1" : "0";
}

/* Nothing, where neither the provider nor the gateway counted. */
static const char *tokens(const facts_t *facts, llm_class_e class)
{
    const llm_usage_t *usage = &facts->record->usage;

    return (usage->known | usage->estimated) & (1u << class)
               ? number(facts, usage->n[class])
               : NULL;
}

static const char *request_id(const facts_t *facts)
{
    return facts->x->request_id;
}

static const char *key(const facts_t *facts)
{
    return facts->key_name;
}

static const char *provider(const facts_t *facts)
{
    return text_or_null(facts->record->provider);
}

static const char *model(const facts_t *facts)
{
    return text_or_null(facts->record->served);
}

static const char *model_asked(const facts_t *facts)
{
    return text_or_null(facts->record->asked);
}

static const char *dialect(const facts_t *facts)
{
    return text_or_null(facts->record->client);
}

static const char *op(const facts_t *facts)
{
    return text_or_null(facts->record->op);
}

static const char *attempts(const facts_t *facts)
{
    return number(facts, facts->record->attempts);
}

static const char *stream(const facts_t *facts)
{
    return flag(facts, LLM_RECORD_STREAM);
}

static const char *tokens_in(const facts_t *facts)
{
    return number(facts, llm_usage_input(&facts->record->usage));
}

static const char *tokens_out(const facts_t *facts)
{
    return number(facts, llm_usage_output(&facts->record->usage));
}

static const char *tokens_cache_read(const facts_t *facts)
{
    return tokens(facts, LLM_CLASS_CACHE_READ);
}

static const char *tokens_cache_write(const facts_t *facts)
{
    const llm_usage_t *usage = &facts->record->usage;

    return tokens(facts, LLM_CLASS_CACHE_WRITE)
                   || tokens(facts, LLM_CLASS_CACHE_WRITE_1H)
               ? number(facts, usage->n[LLM_CLASS_CACHE_WRITE]
                                   + usage->n[LLM_CLASS_CACHE_WRITE_1H])
               : NULL;
}

static const char *tokens_reasoning(const facts_t *facts)
{
    return tokens(facts, LLM_CLASS_REASONING);
}

static const char *cost(const facts_t *facts)
{
    return facts->record->cost == LLM_MONEY_UNKNOWN
               ? NULL
               : llm_money_print(facts->record->cost, facts->pool);
}

static const char *ttft_ms(const facts_t *facts)
{
    return facts->record->first_ms ? number(facts, facts->record->first_ms)
                                   : NULL;
}

static const char *latency_ms(const facts_t *facts)
{
    return number(facts, facts->record->latency_ms);
}

static const char *finish(const facts_t *facts)
{
    return text_or_null(facts->record->finish);
}

static const char *status(const facts_t *facts)
{
    return facts->record->status ? number(facts, facts->record->status) : NULL;
}

static const char *team(const facts_t *facts)
{
    return text_or_null(facts->record->team);
}

static const char *user(const facts_t *facts)
{
    return text_or_null(facts->record->user);
}

static const char *tags(const facts_t *facts)
{
    return text_or_null(facts->record->tags);
}

static const char *tier(const facts_t *facts)
{
    return text_or_null(facts->record->tier);
}

static const char *estimated(const facts_t *facts)
{
    return flag(facts, LLM_RECORD_ESTIMATED);
}

static const struct variable_t {
    const char *name;
    const char *(*value)(const facts_t *facts);
} variables[] = {
    {"LLM_REQUEST_ID", request_id},
    {"LLM_KEY", key},
    {"LLM_PROVIDER", provider},
    {"LLM_MODEL", model},
    {"LLM_MODEL_ASKED", model_asked},
    {"LLM_DIALECT", dialect},
    {"LLM_OP", op},
    {"LLM_ATTEMPTS", attempts},
    {"LLM_STREAM", stream},
    {"LLM_TOKENS_IN", tokens_in},
    {"LLM_TOKENS_OUT", tokens_out},
    {"LLM_TOKENS_CACHE_READ", tokens_cache_read},
    {"LLM_TOKENS_CACHE_WRITE", tokens_cache_write},
    {"LLM_TOKENS_REASONING", tokens_reasoning},
    {"LLM_COST", cost},
    {"LLM_TTFT_MS", ttft_ms},
    {"LLM_LATENCY_MS", latency_ms},
    {"LLM_FINISH", finish},
    {"LLM_STATUS", status},
    {"LLM_ESTIMATED", estimated},
    {"LLM_TEAM", team},
    {"LLM_USER", user},
    {"LLM_TAGS", tags},
    {"LLM_TIER", tier},
};

void llmgw_vars_set(request_rec *r, const llm_exchange_t *x,
                    const llm_record_t *record, const char *key_name)
{
    facts_t facts = {x, record, key_name, r->pool};

    for (apr_size_t i = 0; i < sizeof(variables) / sizeof(*variables); ++i) {
        const char *value = variables[i].value(&facts);

        /* of a shorter life than r: the record's texts are copied */
        if (value) {
            apr_table_set(r->subprocess_env, variables[i].name, value);
        }
    }
}
