/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes a Converse request: options, tools and formats here, turns
 * in bedrock_turns.c.
 *
 * What Converse has no member for and a maker's model takes all the same goes
 * into `additionalModelRequestFields`: top_k, and thinking, which Claude models
 * take as Anthropic has it and Nova 2 by a word. Nobody can be kept from
 * calling tools that stand in the conversation, nor from calling several at
 * once: the first is refused, of the second only the first call is told.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/tier.h"
#include "dialect/limits.h"
#include "dialect/schema.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "dialect/anthropic_internal.h"

/* Converse's own words: what clients of the other dialects add to ask for
 * them. The last one is merged with what is put there from here. */
static const char *const own[] = {
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "additionalModelResponseFieldPaths",
    NULL,
};
static const char *const handled[] = {
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "additionalModelResponseFieldPaths",
    "additionalModelRequestFields",
    NULL,
};

static const llm_json_t *own_member(const llm_ask_t *ask, const char *name)
{
    int i;

    for (i = 0; i < ask->unknown->nelts; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);

        if (llm_text_equals(member->name, name)) {
            return member;
        }
    }
    return NULL;
}

/* How the model is asked, decided once. */
typedef struct plan_t {
    const char *model;
    int is_claude, is_nova;
    llm_anthropic_plan_t claude;   /* how it thinks */
    int native_format;             /* outputConfig */
    llm_format_tool_e format_tool; /* a tool whose input is the answer */
} plan_t;

/* ---- what cannot be done ---- */

static int is_number_but(const llm_json_t *node, double usual)
{
    double value;

    return llm_json_double(node, &value) && (value < usual || value > usual);
}

static const llm_limits_t limits = {
    .who = LLM_BEDROCK_NAME,
    .lacks = LLM_LACKS_SEVERAL | LLM_LACKS_PENALTIES | LLM_LACKS_LOGIT_BIAS
             | LLM_LACKS_EFFORT | LLM_LACKS_LOGPROBS | LLM_LACKS_SEED
             | LLM_LACKS_METADATA | LLM_LACKS_USER,
    .temperature_max = 1,
    .names = {"_-", 64, 0},
};

/* ---- the plan ---- */

/* Claude's newer models are held to a schema; others by a tool. */
static llm_problem_t *plan_format(plan_t *plan, llm_request_t *req,
                                  const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_problem_t *problem;

    if (plan->is_claude) { /* checked, and fitted, by its own plan */
        plan->native_format = plan->claude.native_format;
        plan->format_tool = plan->claude.format_tool;
        return NULL;
    }
    if (ask->format_name.data) {
        llm_request_drop(req, "response_format.json_schema.name");
    }
    plan->format_tool = llm_ask_format_tool(ask);
    problem = plan->format_tool ? llm_ask_check_format_tool(ask, pool) : NULL;
    if (problem) {
        plan->format_tool = LLM_FORMAT_TOOL_NOT;
    }
    return problem;
}

/* The effort of OpenAI's open models, in their own words; NULL: another model,
 * or none was asked for. */
static const char *effort_of_open(const llm_ask_t *ask, const char *model)
{
    static const llm_word_t words[] = {
        {"minimal", 0}, {"low", 0}, {"medium", 1}, {"high", 2},
        {"xhigh", 2},   {"max", 2}, {NULL, 0},
    };
    static const char *const names[] = {"low", "medium", "high"};
    int number = llm_word_value(words, ask->effort, -1);

    return number >= 0 && strstr(model, "openai.gpt-oss") ? names[number]
                                                          : NULL;
}

static llm_problem_t *make_plan(plan_t *plan, llm_request_t *req,
                                const llm_ask_t *ask, const char *model,
                                apr_pool_t *pool)
{
    llm_problem_t *problem = NULL;

    memset(plan, 0, sizeof(*plan));
    plan->model = model;
    plan->is_claude = strstr(model, "claude") != NULL;
    plan->is_nova = strstr(model, "nova") != NULL;
    if (plan->is_claude) {
        problem = llm_anthropic_plan(&plan->claude, req, ask, model, pool);
    }
    else if (ask->thinking > 0 && !strstr(model, "nova-2")
             && !effort_of_open(ask, model)) {
        llm_request_drop(req,
                         ask->effort.data ? "reasoning_effort" : "thinking");
    }
    return problem ? problem
                   : llm_request_lacks(req, plan_format(plan, req, ask, pool));
}

/* ---- cache points ---- */

int llm_bedrock_caches(const char *model)
{
    return strstr(model, "claude") || strstr(model, "nova");
}

void llm_bedrock_put_cache(llm_buf_t *out, llm_request_t *req,
                           const llm_json_t *mark, int can)
{
    if (!mark) {
        return;
    }
    if (!can) {
        llm_request_drop(req, "messages.content.cache_control");
        return;
    }
    llm_put_comma(out);
    llm_buf_lit(out, "{\"cachePoint\":{\"type\":\"default\"");
    if (llm_json_equals(llm_json_get(mark, "ttl"), "1h")) {
        llm_put_string_member(out, "ttl", "1h");
    }
    llm_buf_lit(out, "}}");
}

/* ---- tools ---- */

static void open_tool(llm_buf_t *out, llm_text_t name, llm_text_t description)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"toolSpec\":{");
    llm_put_text_member(out, "name", name);
    if (!llm_text_is_empty(description)) {
        llm_put_text_member(out, "description", description);
    }
    llm_buf_lit(out, ",\"inputSchema\":{\"json\":");
}

static void put_tool(llm_buf_t *out, const llm_tool_t *tool)
{
    open_tool(out, tool->name, tool->description);
    llm_put_tool_schema(out, tool->schema);
    llm_buf_lit(out, "}}}");
}

/* Tools that were called earlier but are not offered any more: a conversation
 * with calls has to name them. */
static void put_past_tools(llm_buf_t *out, const llm_ask_t *ask,
                           apr_pool_t *pool)
{
    apr_hash_t *names = apr_hash_make(pool);
    const llm_turn_t *turn;
    const llm_part_t *part;

    for (turn = ask->turns; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            const llm_text_t *name = part->call ? &part->call->name : NULL;

            if (part->kind == LLM_PART_TOOL_CALL
                && !apr_hash_get(names, name->data, (apr_ssize_t)name->len)) {
                apr_hash_set(names, name->data, (apr_ssize_t)name->len, name);
                open_tool(out, *name, LLM_TEXT_NONE);
                llm_buf_lit(out, "{\"type\":\"object\"}}}}");
            }
        }
    }
}

static void put_format_tool(llm_buf_t *out, const llm_ask_t *ask)
{
    open_tool(out, LLM_TEXT_LITERAL(LLM_FORMAT_TOOL),
              LLM_TEXT_LITERAL("Gives the answer to the user, as JSON."));
    if (ask->format_schema) {
        llm_json_put(out, ask->format_schema);
    }
    else {
        llm_buf_lit(out, "{\"type\":\"object\"}");
    }
    llm_buf_lit(out, "}}}");
}

static void put_format_choice(llm_buf_t *out, llm_format_tool_e how)
{
    llm_put_raw_member(out, "toolChoice",
                       how == LLM_FORMAT_TOOL_ALONE
                           ? "{\"tool\":{\"name\":\"" LLM_FORMAT_TOOL "\"}}"
                           : "{\"any\":{}}");
}

static void put_choice(llm_buf_t *out, const llm_ask_t *ask)
{
    if (ask->choose == LLM_CHOOSE_AUTO) {
        llm_put_raw_member(out, "toolChoice", "{\"auto\":{}}");
    }
    else if (ask->choose == LLM_CHOOSE_ANY) {
        llm_put_raw_member(out, "toolChoice", "{\"any\":{}}");
    }
    else if (ask->choose == LLM_CHOOSE_TOOL) {
        llm_put_name(out, "toolChoice");
        llm_buf_lit(out, "{\"tool\":{");
        llm_put_text_member(out, "name", ask->choose_name);
        llm_buf_lit(out, "}}");
    }
}

static int has_calls(const llm_ask_t *ask)
{
    const llm_turn_t *turn;

    for (turn = ask->turns; turn; turn = turn->next) {
        if (llm_parts_have(turn->parts, LLM_PART_TOOL_CALL)) {
            return 1;
        }
    }
    return 0;
}

static void put_offered(llm_buf_t *out, llm_request_t *req,
                        const llm_ask_t *ask, const plan_t *plan)
{
    const llm_tool_t *tool;

    for (tool = ask->tools; tool; tool = tool->next) {
        put_tool(out, tool);
        if (llm_json_is_true(tool->strict)) {
            llm_request_drop(req, "tools.function.strict");
        }
        if (tool->cache && !plan->is_claude) {
            llm_request_drop(req, "tools.cache_control");
        }
        else {
            llm_bedrock_put_cache(out, req, tool->cache, 1);
        }
    }
}

/* A choice of none is granted by naming no tools, which cannot be done where
 * the conversation has calls. */
static llm_problem_t *put_tools(llm_buf_t *out, llm_request_t *req,
                                const llm_ask_t *ask, const plan_t *plan,
                                apr_pool_t *pool)
{
    int calls = has_calls(ask);

    if (!ask->tools && !plan->format_tool
        && (ask->choose == LLM_CHOOSE_ANY || ask->choose == LLM_CHOOSE_TOOL)) {
        return llm_problem_field(pool, "tool_choice",
                                 "there are no tools to choose from");
    }
    if (ask->tools && ask->choose == LLM_CHOOSE_NONE && calls
        && !plan->format_tool) {
        return llm_problem_field(pool, "tool_choice",
                                 "bedrock models cannot be kept from calling "
                                 "tools that were called before");
    }
    if ((!ask->tools || ask->choose == LLM_CHOOSE_NONE) && !calls
        && !plan->format_tool) {
        return NULL;
    }
    llm_put_name(out, "toolConfig");
    llm_buf_lit(out, "{\"tools\":[");
    if (ask->tools) {
        put_offered(out, req, ask, plan);
    }
    else {
        put_past_tools(out, ask, pool);
    }
    if (plan->format_tool) {
        put_format_tool(out, ask);
    }
    llm_buf_putc(out, ']');
    if (plan->format_tool) {
        put_format_choice(out, plan->format_tool);
    }
    else if (ask->tools) {
        put_choice(out, ask);
    }
    llm_buf_putc(out, '}');
    return NULL;
}

/* ---- options ---- */

static llm_problem_t *put_stop(llm_buf_t *out, const llm_ask_t *ask,
                               apr_pool_t *pool)
{
    const llm_json_t *node = ask->stop;

    node = llm_json_is(node, LLM_JSON_ARRAY) ? node->child : node;
    for (; node; node = ask->stop == node ? NULL : node->next) {
        if (llm_text_is_empty(llm_json_text(node))) {
            return llm_problem_field(pool, "stop",
                                     "expected texts that are not empty");
        }
    }
    llm_put_list_member(out, "stopSequences", ask->stop);
    return NULL;
}

/* A budget is part of maxTokens: where the client set no limit, what the
 * answer may use is added to it. Thinking goes with no temperature. */
static llm_problem_t *put_inference(llm_buf_t *out, const llm_ask_t *ask,
                                    const llm_provider_t *provider,
                                    const plan_t *plan, apr_pool_t *pool)
{
    apr_size_t before = out->len, open;
    llm_problem_t *problem;

    llm_put_name(out, "inferenceConfig");
    llm_buf_putc(out, '{');
    open = out->len;
    if (!ask->max_tokens && plan->claude.budget) {
        llm_put_int_member(out, "maxTokens",
                           (provider->max_tokens_default > 0
                                ? provider->max_tokens_default
                                : 4096)
                               + plan->claude.budget);
    }
    llm_put_member(out, "maxTokens", ask->max_tokens);
    llm_put_member(out, "temperature",
                   plan->is_claude ? plan->claude.temperature
                                   : ask->temperature);
    llm_put_member(out, "topP",
                   plan->is_claude                ? plan->claude.top_p
                   : is_number_but(ask->top_p, 1) ? ask->top_p
                                                  : NULL);
    problem = put_stop(out, ask, pool);
    if (out->len == open) {
        llm_buf_cut(out, before); /* nothing was said */
    }
    else {
        llm_buf_putc(out, '}');
    }
    return problem;
}

static void put_claude(llm_buf_t *out, const llm_anthropic_plan_t *plan)
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
    if (plan->effort) {
        llm_put_name(out, "output_config");
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "effort", plan->effort);
        llm_buf_putc(out, '}');
    }
}

static void put_nova(llm_buf_t *out, const llm_ask_t *ask, const plan_t *plan)
{
    static const llm_word_t words[] = {
        {"minimal", 0}, {"low", 0}, {"medium", 1}, {"high", 2},
        {"xhigh", 2},   {"max", 2}, {NULL, 0},
    };
    static const char *const names[] = {"low", "medium", "high"};

    if (ask->thinking > 0 && strstr(plan->model, "nova-2")) {
        llm_put_name(out, "reasoningConfig");
        llm_buf_lit(out, "{\"type\":\"enabled\"");
        llm_put_string_member(out, "maxReasoningEffort",
                              names[llm_word_value(words, ask->effort, 1)]);
        llm_buf_putc(out, '}');
    }
    if (ask->top_k) {
        llm_put_name(out, "inferenceConfig");
        llm_buf_putc(out, '{');
        llm_put_member(out, "topK", ask->top_k);
        llm_buf_putc(out, '}');
    }
}

/* What is put here first, then the client's own: of a member that is named
 * twice the last one counts. */
static llm_problem_t *put_fields(llm_buf_t *out, const llm_ask_t *ask,
                                 const plan_t *plan, apr_pool_t *pool)
{
    const llm_json_t *given = own_member(ask, "additionalModelRequestFields");
    const llm_json_t *node;
    apr_size_t before = out->len, open;

    if (given && !llm_json_is(given, LLM_JSON_OBJECT)) {
        return llm_problem_field(pool, "additionalModelRequestFields",
                                 "expected an object");
    }
    llm_put_name(out, "additionalModelRequestFields");
    llm_buf_putc(out, '{');
    open = out->len;
    if (plan->is_nova) {
        put_nova(out, ask, plan);
    }
    else {
        const char *effort = effort_of_open(ask, plan->model);

        put_claude(out, &plan->claude);
        if (effort) {
            llm_put_string_member(out, "reasoning_effort", effort);
        }
        llm_put_member(out, "top_k",
                       plan->is_claude ? plan->claude.top_k : ask->top_k);
    }
    for (node = given ? given->child : NULL; node; node = node->next) {
        llm_put_comma(out);
        llm_buf_put_text(out, node->name);
        llm_buf_putc(out, ':');
        llm_json_put(out, node);
    }
    if (out->len == open) {
        llm_buf_cut(out, before);
    }
    else {
        llm_buf_putc(out, '}');
    }
    return NULL;
}

/* The schema is JSON in a string here. */
static void put_format(llm_buf_t *out, const llm_ask_t *ask, llm_bytes_t schema)
{
    llm_put_name(out, "outputConfig");
    llm_buf_lit(out, "{\"textFormat\":{\"type\":\"json_schema\","
                     "\"structure\":{\"jsonSchema\":{\"schema\":");
    llm_buf_put_quoted(out, schema);
    if (!llm_text_is_empty(ask->format_name)) {
        llm_put_text_member(out, "name", ask->format_name);
    }
    llm_buf_lit(out, "}}}}");
}

/* The default goes without saying: not every model has tiers. */
static void put_tier(llm_buf_t *out, llm_request_t *req, llm_text_t tier)
{
    const char *word = llm_tier_word(tier, llm_tiers_bedrock);

    if (word && strcmp(word, "default") != 0) {
        llm_bedrock_put_tier(out, word);
    }
    else if (tier.data && !word && !llm_text_equals(tier, "auto")) {
        llm_request_drop(req, "service_tier");
    }
}

/* ---- requests ---- */

static llm_problem_t *put_chat(llm_buf_t *out, llm_request_t *req,
                               const llm_ask_t *ask, const plan_t *plan,
                               const llm_provider_t *provider, apr_pool_t *pool)
{
    llm_problem_t *problem =
        llm_bedrock_put_messages(out, req, ask, plan->model, pool);
    const char *const *name;

    if (!problem) {
        problem = put_inference(out, ask, provider, plan, pool);
    }
    if (!problem) {
        problem = put_tools(out, req, ask, plan, pool);
    }
    if (!problem) {
        problem = put_fields(out, ask, plan, pool);
    }
    if (!problem && plan->native_format) {
        put_format(out, ask, plan->claude.schema);
    }
    put_tier(out, req, ask->service_tier);
    for (name = own; *name; ++name) {
        llm_put_member(out, *name, own_member(ask, *name));
    }
    return problem;
}

llm_problem_t *llm_bedrock_write_request(llm_request_t *req,
                                         const llm_ask_t *ask,
                                         const char *model,
                                         const llm_provider_t *provider,
                                         apr_pool_t *pool)
{
    llm_buf_t *out = llm_request_buf(pool);
    llm_limits_t fitted = limits;
    llm_problem_t *problem;
    plan_t plan;

    if (ask->op == LLM_OP_EMBED) {
        return llm_bedrock_write_embed(req, ask, model, provider, pool);
    }
    fitted.cites = strstr(model, "claude") != NULL;
    problem = llm_ask_fit(&ask, req, &fitted, pool);
    if (!problem) {
        problem = llm_request_settle_unknown(req, ask, handled, pool);
    }
    if (!problem) {
        problem = make_plan(&plan, req, ask, model, pool);
    }
    if (problem) {
        return problem;
    }
    llm_buf_putc(out, '{');
    problem = put_chat(out, req, ask, &plan, provider, pool);
    llm_buf_putc(out, '}');
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path = llm_bedrock_path(
        provider, model, ask->stream ? "/converse-stream" : "/converse", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    if (!problem && !req->path) {
        return llm_problem_field(pool, "model", "this is no model's name");
    }
    return problem;
}
