/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's Messages request becomes an ask: its options and tools here, its
 * messages in anthropic_blocks.c.
 *
 * This is read only where the provider speaks another dialect. What has no
 * term of ours is kept in ask->unknown with its path, for the provider's
 * dialect to judge.
 */
#include "dialect/anthropic_internal.h"

#include <apr_strings.h>

static const llm_json_t no = {
    .type = LLM_JSON_FALSE, .raw = {"false", 5}, .name = {NULL, 0}};

static llm_problem_t *expected(const char *member, const char *what,
                               apr_pool_t *pool)
{
    return llm_problem_field(pool, member, "expected %s", what);
}

/* A number, or nothing. Returns 0 for anything else. */
static int take_number(const llm_json_t **pnode, const llm_json_t *doc,
                       const char *name)
{
    *pnode = llm_json_want(doc, name);
    return !*pnode || (*pnode)->type == LLM_JSON_NUMBER;
}

static llm_problem_t *read_options(llm_ask_t *ask, const llm_json_t *doc,
                                   apr_pool_t *pool)
{
    const llm_json_t *stream = llm_json_want(doc, "stream");
    const llm_json_t *stop = llm_json_want(doc, "stop_sequences");

    if (!take_number(&ask->max_tokens, doc, "max_tokens")
        || (!ask->max_tokens && ask->op != LLM_OP_COUNT)) {
        return expected("max_tokens", "a number", pool);
    }
    if (!take_number(&ask->temperature, doc, "temperature")) {
        return expected("temperature", "a number", pool);
    }
    if (!take_number(&ask->top_p, doc, "top_p")) {
        return expected("top_p", "a number", pool);
    }
    if (!take_number(&ask->top_k, doc, "top_k")) {
        return expected("top_k", "a number", pool);
    }
    if (stream && !llm_json_is_bool(stream)) {
        return expected("stream", "true or false", pool);
    }
    if (stop && stop->type != LLM_JSON_ARRAY) {
        return expected("stop_sequences", "an array of strings", pool);
    }
    ask->stream = llm_json_is_true(stream);
    ask->include_usage = 1; /* always told in this dialect */
    ask->stop = stop && stop->count ? stop : NULL;
    return NULL;
}

/* ---- tools ---- */

static llm_problem_t *read_tool(llm_ask_t *ask, llm_tools_t *tools,
                                const llm_json_t *node, int i, apr_pool_t *pool)
{
    static const char *const known[] = {
        "type",          "name",   "description", "input_schema",
        "cache_control", "strict", NULL};
    const llm_json_t *type = llm_json_want(node, "type");
    const llm_json_t *strict = llm_json_want(node, "strict");
    const char *where = apr_psprintf(pool, "tools[%d]", i);
    llm_tool_t *tool;

    if (node->type != LLM_JSON_OBJECT) {
        return expected(where, "an object", pool);
    }
    tool = llm_tools_add(tools, pool);
    if (type && !llm_json_equals(type, "custom")) {
        tool->raw = node; /* one of Anthropic's own */
        return NULL;
    }
    tool->name = llm_json_text(llm_json_get(node, "name"));
    tool->description = llm_json_text(llm_json_want(node, "description"));
    tool->schema = llm_json_want(node, "input_schema");
    tool->strict = llm_json_is_bool(strict) ? strict : NULL;
    tool->cache = llm_json_want(node, "cache_control");
    if (llm_text_is_empty(tool->name)) {
        return expected(apr_pstrcat(pool, where, ".name", NULL), "a name",
                        pool);
    }
    if (!llm_json_is(tool->schema, LLM_JSON_OBJECT)) {
        return expected(apr_pstrcat(pool, where, ".input_schema", NULL),
                        "a JSON Schema", pool);
    }
    if (llm_json_has_others(node, known)) {
        llm_ask_add_unknowns(ask, node, known, where, pool);
    }
    return NULL;
}

static llm_problem_t *read_tools(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "tools"), *node;
    llm_problem_t *problem = NULL;
    llm_tools_t tools = {NULL, NULL};
    int i = 0;

    if (list && list->type != LLM_JSON_ARRAY) {
        return expected("tools", "an array", pool);
    }
    for (node = list ? list->child : NULL; node && !problem;
         node = node->next) {
        problem = read_tool(ask, &tools, node, i++, pool);
    }
    ask->tools = tools.first;
    return problem;
}

static llm_problem_t *read_choice(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"auto", LLM_CHOOSE_AUTO},
        {"any", LLM_CHOOSE_ANY},
        {"none", LLM_CHOOSE_NONE},
        {"tool", LLM_CHOOSE_TOOL},
        {NULL, 0},
    };
    static const char *const known[] = {"type", "name",
                                        "disable_parallel_tool_use", NULL};
    const llm_json_t *choice = llm_json_want(doc, "tool_choice");

    if (!choice) {
        return NULL;
    }
    ask->choose = (llm_choose_e)llm_word_value(
        words, llm_json_text(llm_json_get(choice, "type")), LLM_CHOOSE_UNSAID);
    if (ask->choose == LLM_CHOOSE_UNSAID) {
        return expected("tool_choice.type",
                        "\"auto\", \"any\", \"tool\" or \"none\"", pool);
    }
    ask->choose_name = llm_json_text(llm_json_get(choice, "name"));
    if (ask->choose == LLM_CHOOSE_TOOL && llm_text_is_empty(ask->choose_name)) {
        return expected("tool_choice.name", "the name of a tool", pool);
    }
    if (llm_json_is_true(llm_json_get(choice, "disable_parallel_tool_use"))) {
        ask->parallel = &no;
    }
    llm_ask_add_unknowns(ask, choice, known, "tool_choice", pool);
    return NULL;
}

/* ---- thinking and formats ---- */

static llm_problem_t *read_thinking(llm_ask_t *ask, const llm_json_t *doc,
                                    apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"enabled", 1}, {"adaptive", 1}, {"disabled", -1}, {NULL, 0}};
    static const char *const known[] = {"type", "budget_tokens", NULL};
    const llm_json_t *thinking = llm_json_want(doc, "thinking");

    if (!thinking) {
        return NULL;
    }
    ask->thinking =
        llm_word_value(words, llm_json_text(llm_json_get(thinking, "type")), 0);
    if (!ask->thinking) {
        return expected("thinking.type",
                        "\"enabled\", \"adaptive\" or \"disabled\"", pool);
    }
    if (!take_number(&ask->thinking_budget, thinking, "budget_tokens")) {
        return expected("thinking.budget_tokens", "a number", pool);
    }
    llm_ask_add_unknowns(ask, thinking, known, "thinking", pool);
    return NULL;
}

static void read_format(llm_ask_t *ask, const llm_json_t *format)
{
    ask->format = LLM_FORMAT_SCHEMA;
    ask->format_schema = llm_json_want(format, "schema");
    ask->format_held = 1;
}

static llm_problem_t *read_output(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const char *const known[] = {"effort", "format", NULL};
    const llm_json_t *config = llm_json_want(doc, "output_config");
    const llm_json_t *format = llm_json_want(config, "format");

    if (!format) {
        format = llm_json_want(doc, "output_format"); /* while it was beta */
    }
    ask->effort = llm_json_text(llm_json_want(config, "effort"));
    if (llm_json_equals(llm_json_get(format, "type"), "json_schema")) {
        read_format(ask, format);
        if (!llm_json_is(ask->format_schema, LLM_JSON_OBJECT)) {
            return expected("output_config.format.schema", "a JSON Schema",
                            pool);
        }
    }
    else if (format) {
        llm_ask_add_unknown(ask, format, NULL, pool);
    }
    llm_ask_add_unknowns(ask, config, known, "output_config", pool);
    return NULL;
}

/* ---- the rest ---- */

/* service_tier in OpenAI's words, which are the gateway's. */
static void read_tier(llm_ask_t *ask, const llm_json_t *doc)
{
    const llm_json_t *tier = llm_json_want(doc, "service_tier");

    ask->service_tier = llm_json_equals(tier, "standard_only")
                            ? LLM_TEXT_LITERAL("default")
                            : llm_json_text(tier);
}

static const char *const known_members[] = {"max_tokens",
                                            "messages",
                                            "metadata",
                                            "model",
                                            "output_config",
                                            "output_format",
                                            "service_tier",
                                            "stop_sequences",
                                            "stream",
                                            "system",
                                            "temperature",
                                            "thinking",
                                            "tool_choice",
                                            "tools",
                                            "top_k",
                                            "top_p",
                                            NULL};

static llm_problem_t *read_body(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    static const char *const metadata_members[] = {"user_id", NULL};
    const llm_json_t *metadata = llm_json_want(doc, "metadata");
    llm_problem_t *problem = read_options(ask, doc, pool);

    if (!problem) {
        problem = read_tools(ask, doc, pool);
    }
    if (!problem) {
        problem = read_choice(ask, doc, pool);
    }
    if (!problem) {
        problem = read_thinking(ask, doc, pool);
    }
    if (!problem) {
        problem = read_output(ask, doc, pool);
    }
    if (!problem) {
        problem = llm_anthropic_read_messages(ask, doc, pool);
    }
    read_tier(ask, doc);
    ask->user = llm_json_text(llm_json_want(metadata, "user_id"));
    llm_ask_add_unknowns(ask, metadata, metadata_members, "metadata", pool);
    llm_ask_add_unknowns(ask, doc, known_members, NULL, pool);
    return problem;
}

llm_problem_t *llm_anthropic_read_request(llm_ask_t **pask, llm_op_e op,
                                          const llm_json_t *doc,
                                          apr_pool_t *pool)
{
    llm_problem_t *problem = llm_ask_make(pask, op, doc, pool);

    return problem ? problem : read_body(*pask, doc, pool);
}
