/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes a Messages request: options and tools here, turns in
 * anthropic_turns.c.
 *
 * Refused, since leaving it out would change the answer: a temperature above 1
 * (there is none here), more than one choice, log probabilities, penalties
 * and biases that are set, stop sequences of blanks, tools of other makers.
 * What says no more than the default ("n":1, a penalty of 0) is passed over.
 */
#include "dialect/anthropic_internal.h"

#include "dialect/limits.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* ---- what cannot be carried ---- */

/* {"type":"web_search_20250305","name":"web_search",...}: a tool of its own has
 * the day of its version in its type. Clients of OpenAI's form pass them on. */
static int is_own_tool(const llm_json_t *raw)
{
    llm_text_t type = llm_json_text(llm_json_get(raw, "type"));
    apr_size_t i;

    if (type.len < 10 || type.data[type.len - 9] != '_') {
        return 0;
    }
    for (i = type.len - 8; i < type.len && apr_isdigit(type.data[i]); ++i) {
    }
    return i == type.len && llm_json_get(raw, "name");
}

static const llm_limits_t limits = {
    .who = "anthropic",
    .lacks = LLM_LACKS_SEVERAL | LLM_LACKS_PENALTIES | LLM_LACKS_LOGIT_BIAS
             | LLM_LACKS_EFFORT | LLM_LACKS_LOGPROBS | LLM_LACKS_SEED
             | LLM_LACKS_METADATA,
    .temperature_max = 1,
    .cites = 1,
    .takes_tool = is_own_tool,
    .names = {"_-", 128, 0},
};

/* ---- tools ---- */

/* A strict tool's schema keeps the rules of formats; one that cannot is not
 * strict. Returns whether it is. */
static int put_input_schema(llm_buf_t *out, llm_request_t *req,
                            const llm_tool_t *tool, int can, apr_pool_t *pool)
{
    llm_bytes_t schema;

    if (!llm_json_is_true(tool->strict)) {
        llm_put_tool_schema(out, tool->schema);
        return 0;
    }
    if (!can || !llm_json_equals(llm_json_get(tool->schema, "type"), "object")
        || llm_schema_fit(&schema, tool->schema, &llm_schema_claude,
                          "tools.function.parameters", req, pool)) {
        llm_request_drop(req, "tools.function.strict");
        llm_put_tool_schema(out, tool->schema);
        return 0;
    }
    llm_buf_append(out, schema.data, schema.len);
    return 1;
}

static void put_tool(llm_buf_t *out, llm_request_t *req, const llm_tool_t *tool,
                     const llm_anthropic_plan_t *plan, apr_pool_t *pool)
{
    int strict;

    llm_put_comma(out);
    if (tool->raw) {
        llm_json_put(out, tool->raw);
        return;
    }
    llm_buf_putc(out, '{');
    llm_put_text_member(out, "name", tool->name);
    llm_put_text_member(out, "description", tool->description);
    llm_put_name(out, "input_schema");
    strict = put_input_schema(out, req, tool, plan->strict_tools, pool);
    llm_put_member(out, "cache_control", tool->cache);
    if (strict) {
        llm_put_raw_member(out, "strict", "true");
    }
    llm_buf_putc(out, '}');
}

/* Tools that were called earlier but are not offered any more: a request that
 * shows a call has to name its tool. Returns how many. */
static int put_past_tools(llm_buf_t *out, const llm_ask_t *ask,
                          apr_pool_t *pool)
{
    apr_hash_t *names = apr_hash_make(pool);
    const llm_turn_t *turn;
    const llm_part_t *part;

    for (turn = ask->turns; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            const llm_text_t *name = part->call ? &part->call->name : NULL;

            if (part->kind != LLM_PART_TOOL_CALL
                || apr_hash_get(names, name->data, (apr_ssize_t)name->len)) {
                continue;
            }
            apr_hash_set(names, name->data, (apr_ssize_t)name->len, name);
            llm_put_comma(out);
            llm_buf_putc(out, '{');
            llm_put_text_member(out, "name", *name);
            llm_buf_lit(out, ",\"input_schema\":{\"type\":\"object\"}}");
        }
    }
    return (int)apr_hash_count(names);
}

static void put_format_tool(llm_buf_t *out, const llm_ask_t *ask)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"name\":\"" LLM_FORMAT_TOOL "\","
                     "\"description\":\"Gives the answer to the user, as JSON."
                     "\",\"input_schema\":");
    if (ask->format_schema) {
        llm_json_put(out, ask->format_schema);
    }
    else {
        llm_buf_lit(out, "{\"type\":\"object\"}");
    }
    llm_buf_putc(out, '}');
}

/* What has to be called where one of the tools is the answer's. */
static void put_format_choice(llm_buf_t *out, const llm_ask_t *ask,
                              llm_format_tool_e how)
{
    llm_put_name(out, "tool_choice");
    if (how == LLM_FORMAT_TOOL_ALONE) {
        llm_buf_lit(out,
                    "{\"type\":\"tool\",\"name\":\"" LLM_FORMAT_TOOL "\"}");
        return;
    }
    llm_buf_lit(out, "{\"type\":\"any\"");
    if (llm_json_is(ask->parallel, LLM_JSON_FALSE)) {
        llm_put_raw_member(out, "disable_parallel_tool_use", "true");
    }
    llm_buf_putc(out, '}');
}

static void put_choice(llm_buf_t *out, const llm_ask_t *ask)
{
    static const llm_word_t words[] = {
        {"auto", LLM_CHOOSE_AUTO}, {"auto", LLM_CHOOSE_UNSAID},
        {"none", LLM_CHOOSE_NONE}, {"any", LLM_CHOOSE_ANY},
        {"tool", LLM_CHOOSE_TOOL}, {NULL, 0},
    };
    int single = llm_json_is(ask->parallel, LLM_JSON_FALSE)
                 && ask->choose != LLM_CHOOSE_NONE;

    if (ask->choose == LLM_CHOOSE_UNSAID && !single) {
        return;
    }
    llm_put_name(out, "tool_choice");
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type", llm_word_of(words, (int)ask->choose));
    if (ask->choose == LLM_CHOOSE_TOOL) {
        llm_put_text_member(out, "name", ask->choose_name);
    }
    if (single) {
        llm_put_raw_member(out, "disable_parallel_tool_use", "true");
    }
    llm_buf_putc(out, '}');
}

static llm_problem_t *put_tools(llm_buf_t *out, llm_request_t *req,
                                const llm_ask_t *ask,
                                const llm_anthropic_plan_t *plan,
                                apr_pool_t *pool)
{
    apr_size_t begin = out->len;
    const llm_tool_t *tool;
    int i = 0;

    if (!ask->tools && !plan->format_tool
        && (ask->choose == LLM_CHOOSE_ANY || ask->choose == LLM_CHOOSE_TOOL)) {
        return llm_problem_field(pool, "tool_choice",
                                 "there are no tools to choose from");
    }
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next, ++i) {
        put_tool(out, req, tool, plan, pool);
    }
    if (plan->format_tool) {
        if (!i) {
            put_past_tools(out, ask, pool);
        }
        put_format_tool(out, ask);
        llm_buf_putc(out, ']');
        put_format_choice(out, ask, plan->format_tool);
    }
    else if (i) {
        llm_buf_putc(out, ']');
        put_choice(out, ask);
    }
    else if (put_past_tools(out, ask, pool)) {
        llm_buf_lit(out, "],\"tool_choice\":{\"type\":\"none\"}");
    }
    else {
        llm_buf_cut(out, begin); /* none at all */
    }
    return NULL;
}

/* ---- options ---- */

/* A budget is part of max_tokens: where the client set no limit, what the
 * answer may use is added to it. */
static void put_limit(llm_buf_t *out, const llm_ask_t *ask,
                      const llm_provider_t *provider,
                      const llm_anthropic_plan_t *plan)
{
    if (ask->max_tokens) {
        llm_put_member(out, "max_tokens", ask->max_tokens);
        return;
    }
    llm_put_int_member(
        out, "max_tokens",
        (provider->max_tokens_default > 0 ? provider->max_tokens_default : 4096)
            + plan->budget);
}

static llm_problem_t *put_stop(llm_buf_t *out, llm_request_t *req,
                               const llm_ask_t *ask, apr_pool_t *pool)
{
    const llm_json_t *node = ask->stop;

    if (!node) {
        return NULL;
    }
    if (node->type == LLM_JSON_ARRAY) {
        if (!node->count) {
            return NULL;
        }
        node = node->child;
    }
    llm_put_name(out, "stop_sequences");
    llm_buf_putc(out, '[');
    for (; node; node = ask->stop->type == LLM_JSON_ARRAY ? node->next : NULL) {
        if (llm_text_is_blank(llm_json_text(node))) {
            llm_problem_t *problem = llm_request_lacks(
                req, llm_problem_field(pool, "stop",
                                       "anthropic models do not stop at blanks "
                                       "and line ends"));

            if (problem) {
                return problem;
            }
            continue;
        }
        llm_put_comma(out);
        llm_json_put(out, node);
    }
    llm_buf_putc(out, ']');
    return NULL;
}

static void put_thinking(llm_buf_t *out, const llm_anthropic_plan_t *plan)
{
    if (plan->adaptive) {
        llm_put_raw_member(out, "thinking", "{\"type\":\"adaptive\"}");
    }
    else if (plan->budget) {
        llm_put_name(out, "thinking");
        llm_buf_lit(out, "{\"type\":\"enabled\",\"budget_tokens\":");
        llm_buf_put_int(out, plan->budget);
        llm_buf_putc(out, '}');
    }
    if (plan->effort || plan->native_format) {
        llm_put_name(out, "output_config");
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "effort", plan->effort);
        if (plan->native_format) {
            llm_put_name(out, "format");
            llm_buf_lit(out, "{\"type\":\"json_schema\"");
            llm_put_name(out, "schema");
            llm_buf_append(out, plan->schema.data, plan->schema.len);
            llm_buf_putc(out, '}');
        }
        llm_buf_putc(out, '}');
    }
}

static void put_tier(llm_buf_t *out, llm_request_t *req, llm_text_t tier)
{
    if (llm_text_equals(tier, "auto")) {
        llm_put_string_member(out, "service_tier", "auto");
    }
    else if (llm_text_equals(tier, "default")) {
        llm_put_string_member(out, "service_tier", "standard_only");
    }
    else if (tier.data) {
        llm_request_drop(req, "service_tier");
    }
}

static llm_problem_t *put_options(llm_buf_t *out, llm_request_t *req,
                                  const llm_ask_t *ask,
                                  const llm_provider_t *provider,
                                  const llm_anthropic_plan_t *plan,
                                  apr_pool_t *pool)
{
    llm_problem_t *problem;

    put_limit(out, ask, provider, plan);
    llm_put_member(out, "temperature", plan->temperature);
    llm_put_member(out, "top_p", plan->top_p);
    llm_put_member(out, "top_k", plan->top_k);
    problem = put_stop(out, req, ask, pool);
    if (problem) {
        return problem;
    }
    if (ask->user.data) {
        llm_put_name(out, "metadata");
        llm_buf_putc(out, '{');
        llm_put_text_member(out, "user_id", ask->user);
        llm_buf_putc(out, '}');
    }
    put_tier(out, req, ask->service_tier);
    put_thinking(out, plan);
    if (ask->stream) {
        llm_put_raw_member(out, "stream", "true");
    }
    return put_tools(out, req, ask, plan, pool);
}

/* count_tokens takes what the model reads, and none of the options. */
static llm_problem_t *put_counted(llm_buf_t *out, llm_request_t *req,
                                  const llm_ask_t *ask,
                                  const llm_anthropic_plan_t *plan,
                                  apr_pool_t *pool)
{
    put_thinking(out, plan);
    return put_tools(out, req, ask, plan, pool);
}

static llm_problem_t *put_body(llm_buf_t *out, llm_request_t *req,
                               const llm_ask_t *ask, const char *model,
                               const llm_provider_t *provider, apr_pool_t *pool)
{
    llm_anthropic_plan_t plan;
    llm_problem_t *problem = llm_anthropic_plan(&plan, req, ask, model, pool);

    if (problem) {
        return problem;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    problem = ask->op == LLM_OP_COUNT
                  ? put_counted(out, req, ask, &plan, pool)
                  : put_options(out, req, ask, provider, &plan, pool);
    if (!problem) {
        problem = llm_anthropic_put_messages(out, req, ask, pool);
    }
    llm_buf_putc(out, '}');
    return problem;
}

llm_problem_t *llm_anthropic_write_request(llm_request_t *req,
                                           const llm_ask_t *ask,
                                           const char *model,
                                           const llm_provider_t *provider,
                                           apr_pool_t *pool)
{
    llm_buf_t *out = llm_request_buf(pool);
    llm_problem_t *problem;

    problem = llm_ask_fit(&ask, req, &limits, pool);
    if (!problem) {
        problem = llm_request_settle_unknown(req, ask, NULL, pool);
    }
    if (!problem) {
        problem = put_body(out, req, ask, model, provider, pool);
    }
    if (problem) {
        return problem;
    }
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path =
        llm_provider_path(provider, llm_anthropic_path_of(ask->op), pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return NULL;
}
