/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's Converse request becomes an ask: options and tools here, messages
 * in bedrock_blocks.c.
 *
 * This is read only where the provider is asked in another dialect.
 * `additionalModelRequestFields` are a model's own members: what several
 * makers' models share there (thinking, top_k, penalties) has a term of ours.
 * Others, and what only Bedrock has (guardrails, prompts kept there), are left
 * in ask->unknown: no answer is given without the guardrail that was asked for.
 */
#include "dialect/client.h"
#include "dialect/bedrock_internal.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#define FIELDS "additionalModelRequestFields"

static llm_problem_t *expected(const char *member, const char *what,
                               apr_pool_t *pool)
{
    return llm_problem_field(pool, member, "expected %s", what);
}

/* ---- numbers ---- */

static llm_problem_t *read_inference(llm_ask_t *ask, const llm_json_t *doc,
                                     apr_pool_t *pool)
{
    static const llm_number_row_t numbers[] = {
        {"maxTokens", offsetof(llm_ask_t, max_tokens)},
        {"temperature", offsetof(llm_ask_t, temperature)},
        {"topP", offsetof(llm_ask_t, top_p)},
        {NULL, 0},
    };
    static const char *const known[] = {"maxTokens", "temperature", "topP",
                                        "stopSequences", NULL};
    const llm_json_t *config = llm_json_want(doc, "inferenceConfig");
    const llm_json_t *stop = llm_json_want(config, "stopSequences"), *node;

    if (config && config->type != LLM_JSON_OBJECT) {
        return expected("inferenceConfig", "an object", pool);
    }
    if (stop && stop->type != LLM_JSON_ARRAY) {
        return expected("inferenceConfig.stopSequences", "an array of strings",
                        pool);
    }
    for (node = stop ? stop->child : NULL; node; node = node->next) {
        if (node->type != LLM_JSON_STRING) {
            return expected("inferenceConfig.stopSequences",
                            "an array of strings", pool);
        }
    }
    ask->stop = stop && stop->count ? stop : NULL;
    llm_ask_add_unknowns(ask, config, known, "inferenceConfig", pool);
    return llm_read_numbers(ask, config, numbers, "inferenceConfig", pool);
}

/* ---- tools ---- */

static llm_problem_t *read_spec(llm_ask_t *ask, llm_tool_t *tool,
                                const llm_json_t *spec, const char *where,
                                apr_pool_t *pool)
{
    static const char *const known[] = {"name", "description", "inputSchema",
                                        "strict", NULL};
    const llm_json_t *strict = llm_json_want(spec, "strict");

    tool->name = llm_json_text(llm_json_get(spec, "name"));
    tool->description = llm_json_text(llm_json_want(spec, "description"));
    tool->schema = llm_json_path(spec, "inputSchema", "json", NULL);
    tool->strict = llm_json_is_bool(strict) ? strict : NULL;
    if (llm_text_is_empty(tool->name)) {
        return expected(apr_pstrcat(pool, where, ".name", NULL), "a name",
                        pool);
    }
    if (!llm_json_is(tool->schema, LLM_JSON_OBJECT)) {
        return expected(apr_pstrcat(pool, where, ".inputSchema.json", NULL),
                        "a JSON Schema", pool);
    }
    llm_ask_add_unknowns(ask, spec, known, where, pool);
    return NULL;
}

static llm_problem_t *read_tool(llm_ask_t *ask, llm_tools_t *tools,
                                const llm_json_t *node, int i, apr_pool_t *pool)
{
    static const char *const known[] = {"toolSpec", NULL};
    const llm_json_t *spec = llm_json_want(node, "toolSpec");
    const llm_json_t *point = llm_json_want(node, "cachePoint");
    const char *where = apr_psprintf(pool, "toolConfig.tools[%d].toolSpec", i);

    if (node->type != LLM_JSON_OBJECT || !node->count) {
        return expected(apr_psprintf(pool, "toolConfig.tools[%d]", i),
                        "a toolSpec", pool);
    }
    if (point) {
        if (tools->last) {
            tools->last->cache = llm_bedrock_cache_mark(point, pool);
        }
        return NULL;
    }
    if (!spec) {
        llm_tools_add(tools, pool)->raw = node; /* one of Bedrock's own */
        return NULL;
    }
    llm_ask_add_unknowns(ask, node, known,
                         apr_psprintf(pool, "toolConfig.tools[%d]", i), pool);
    return read_spec(ask, llm_tools_add(tools, pool), spec, where, pool);
}

static llm_problem_t *read_choice(llm_ask_t *ask, const llm_json_t *config,
                                  apr_pool_t *pool)
{
    static const char *const known[] = {"name", NULL};
    const llm_json_t *choice = llm_json_want(config, "toolChoice");
    const llm_json_t *tool = llm_json_want(choice, "tool");

    if (!choice) {
        return NULL;
    }
    llm_ask_add_unknowns(ask, tool, known, "toolConfig.toolChoice.tool", pool);
    ask->choose_name = llm_json_text(llm_json_get(tool, "name"));
    ask->choose = llm_json_want(choice, "auto")  ? LLM_CHOOSE_AUTO
                  : llm_json_want(choice, "any") ? LLM_CHOOSE_ANY
                  : tool                         ? LLM_CHOOSE_TOOL
                                                 : LLM_CHOOSE_UNSAID;
    if (ask->choose == LLM_CHOOSE_UNSAID) {
        return expected("toolConfig.toolChoice",
                        "one of \"auto\", \"any\" and \"tool\"", pool);
    }
    return tool && llm_text_is_empty(ask->choose_name) ? expected(
               "toolConfig.toolChoice.tool.name", "the name of a tool", pool)
                                                       : NULL;
}

static llm_problem_t *read_tools(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    static const char *const known[] = {"tools", "toolChoice", NULL};
    const llm_json_t *config = llm_json_want(doc, "toolConfig");
    const llm_json_t *list = llm_json_want(config, "tools"), *node;
    llm_tools_t tools = {NULL, NULL};
    llm_problem_t *problem = NULL;
    int i = 0;

    if (list ? list->type != LLM_JSON_ARRAY : config != NULL) {
        return expected("toolConfig.tools", "an array", pool);
    }
    for (node = list ? list->child : NULL; node && !problem;
         node = node->next) {
        problem = read_tool(ask, &tools, node, i++, pool);
    }
    ask->tools = tools.first;
    llm_ask_add_unknowns(ask, config, known, "toolConfig", pool);
    return problem ? problem : read_choice(ask, config, pool);
}

/* ---- models' own members ---- */

/* Claude's `thinking`, which DeepSeek's and Qwen's models have too. */
static llm_problem_t *read_thinking(llm_ask_t *ask, const llm_json_t *fields,
                                    apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"enabled", 1}, {"adaptive", 1}, {"disabled", -1}, {NULL, 0}};
    static const char *const known[] = {"budget_tokens", "maxReasoningEffort",
                                        "type", NULL};
    const llm_json_t *thinking = llm_json_want(fields, "thinking");
    const llm_json_t *budget = llm_json_want(thinking, "budget_tokens");

    if (!thinking) {
        thinking = llm_json_want(fields, "reasoning_config");
        budget = llm_json_want(thinking, "budget_tokens");
    }
    if (!thinking) { /* Nova's */
        thinking = llm_json_want(fields, "reasoningConfig");
        if (llm_json_want(thinking, "maxReasoningEffort")) {
            ask->effort =
                llm_json_text(llm_json_want(thinking, "maxReasoningEffort"));
        }
    }
    if (!thinking) {
        return NULL;
    }
    llm_ask_add_unknowns(ask, thinking, known,
                         apr_pstrcat(pool, FIELDS ".",
                                     llm_text_string(thinking->name, pool),
                                     NULL),
                         pool);
    ask->thinking =
        llm_word_value(words, llm_json_text(llm_json_get(thinking, "type")), 0);
    if (!ask->thinking) {
        return expected(apr_pstrcat(pool, FIELDS ".",
                                    llm_text_string(thinking->name, pool),
                                    ".type", NULL),
                        "\"enabled\", \"adaptive\" or \"disabled\"", pool);
    }
    if (budget && budget->type != LLM_JSON_NUMBER) {
        return expected(FIELDS ".thinking.budget_tokens", "a number", pool);
    }
    ask->thinking_budget = budget;
    return NULL;
}

static void read_effort(llm_ask_t *ask, const llm_json_t *fields,
                        const llm_json_t *doc)
{
    const llm_json_t *effort =
        llm_json_path(doc, "outputConfig", "effort", NULL);

    if (!effort) {
        effort = llm_json_path(fields, "output_config", "effort", NULL);
    }
    if (!effort) { /* OpenAI's open models */
        effort = llm_json_want(fields, "reasoning_effort");
    }
    if (!llm_text_is_empty(llm_json_text(effort))) {
        ask->effort = llm_json_text(effort);
        ask->thinking = ask->thinking ? ask->thinking : 1;
    }
}

static llm_problem_t *read_fields(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const llm_number_row_t numbers[] = {
        {"frequency_penalty", offsetof(llm_ask_t, frequency_penalty)},
        {"k", offsetof(llm_ask_t, top_k)},
        {"presence_penalty", offsetof(llm_ask_t, presence_penalty)},
        {"seed", offsetof(llm_ask_t, seed)},
        {"top_k", offsetof(llm_ask_t, top_k)},
        {NULL, 0},
    };
    static const llm_number_row_t inner[] = {
        {"topK", offsetof(llm_ask_t, top_k)}, /* Nova's */
        {NULL, 0},
    };
    static const char *const known[] = {"frequency_penalty",
                                        "k",
                                        "presence_penalty",
                                        "seed",
                                        "top_k",
                                        "inferenceConfig",
                                        "output_config",
                                        "reasoningConfig",
                                        "reasoning_config",
                                        "reasoning_effort",
                                        "thinking",
                                        NULL};
    static const struct {
        const char *name, *known[2];
    } inside[] = {
        {"inferenceConfig", {"topK", NULL}},
        {"output_config", {"effort", NULL}},
        {NULL, {NULL}},
    };
    const llm_json_t *fields = llm_json_want(doc, FIELDS);
    llm_problem_t *problem;
    int i;

    read_effort(ask, fields, doc);
    if (!fields) {
        return NULL;
    }
    if (fields->type != LLM_JSON_OBJECT) {
        return expected(FIELDS, "an object", pool);
    }
    problem = llm_read_numbers(ask, fields, numbers, FIELDS, pool);
    if (!problem) {
        problem =
            llm_read_numbers(ask, llm_json_want(fields, "inferenceConfig"),
                             inner, FIELDS ".inferenceConfig", pool);
    }
    llm_ask_add_unknowns(ask, fields, known, FIELDS, pool);
    for (i = 0; inside[i].name; ++i) {
        llm_ask_add_unknowns(
            ask, llm_json_want(fields, inside[i].name), inside[i].known,
            apr_pstrcat(pool, FIELDS ".", inside[i].name, NULL), pool);
    }
    return problem ? problem : read_thinking(ask, fields, pool);
}

/* ---- formats ---- */

/* Members of what holds the format that nobody reads. */
static void note_inside(llm_ask_t *ask, const llm_json_t *doc, apr_pool_t *pool)
{
    static const struct {
        const char *name, *known[3];
    } steps[] = {
        {"outputConfig", {"effort", "textFormat", NULL}},
        {"textFormat", {"type", "structure", NULL}},
        {"structure", {"jsonSchema", NULL}},
        {"jsonSchema", {"name", "schema", NULL}},
    };
    const char *where = NULL;

    for (apr_size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); ++i) {
        doc = llm_json_want(doc, steps[i].name);
        where = where ? apr_pstrcat(pool, where, ".", steps[i].name, NULL)
                      : steps[i].name;
        llm_ask_add_unknowns(ask, doc, steps[i].known, where, pool);
    }
}

/* The schema is JSON in a string. */
static llm_problem_t *read_format(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const char where[] =
        "outputConfig.textFormat.structure.jsonSchema.schema";
    const llm_json_t *format =
        llm_json_path(doc, "outputConfig", "textFormat", NULL);
    const llm_json_t *schema =
        llm_json_path(format, "structure", "jsonSchema", NULL);
    llm_text_t text = llm_json_text(llm_json_want(schema, "schema"));
    llm_bytes_t plain;

    note_inside(ask, doc, pool);
    if (!format || format->type == LLM_JSON_NULL) {
        return NULL;
    }
    if (!llm_json_equals(llm_json_get(format, "type"), "json_schema")) {
        return expected("outputConfig.textFormat.type", "\"json_schema\"",
                        pool);
    }
    if (!text.data) {
        return expected(where, "a JSON Schema in a string", pool);
    }
    plain = llm_text_decode(text, pool);
    if (llm_json_read(&ask->format_schema, plain.data, plain.len, NULL, pool)
        || ask->format_schema->type != LLM_JSON_OBJECT) {
        ask->format_schema = NULL;
        return expected(where, "a JSON Schema in a string", pool);
    }
    ask->format = LLM_FORMAT_SCHEMA;
    ask->format_name = llm_json_text(llm_json_want(schema, "name"));
    return NULL;
}

/* ---- the rest ---- */

static llm_problem_t *read_chat(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    static const char *const known[] = {
        FIELDS,        "inferenceConfig", "messages",   "outputConfig",
        "serviceTier", "system",          "toolConfig", NULL};
    static const char *const in_tier[] = {"type", NULL};
    llm_problem_t *problem = read_inference(ask, doc, pool);

    if (!problem) {
        problem = read_tools(ask, doc, pool);
    }
    if (!problem) {
        problem = read_fields(ask, doc, pool);
    }
    if (!problem) {
        problem = read_format(ask, doc, pool);
    }
    if (!problem) {
        problem = llm_bedrock_read_messages(ask, doc, pool);
    }
    ask->include_usage = 1; /* always told in this dialect */
    ask->service_tier =
        llm_json_text(llm_json_path(doc, "serviceTier", "type", NULL));
    if (llm_text_equals(ask->service_tier, "reserved")) {
        ask->service_tier = LLM_TEXT_LITERAL("scale");
    }
    llm_ask_add_unknowns(ask, llm_json_want(doc, "serviceTier"), in_tier,
                         "serviceTier", pool);
    llm_ask_add_unknowns(ask, doc, known, NULL, pool);
    return problem;
}

/* The question of CountTokens; InvokeModel's is bytes of some maker's own. */
static llm_problem_t *read_count(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *question = llm_json_path(doc, "input", "converse", NULL);

    if (!question && llm_json_path(doc, "input", "invokeModel", NULL)) {
        return llm_problem_unsupported("input.invokeModel", NULL, pool);
    }
    return llm_json_is(question, LLM_JSON_OBJECT)
               ? read_chat(ask, question, pool)
               : expected("input.converse", "an object", pool);
}

/* The model is in the path. */
llm_problem_t *llm_bedrock_read_request(llm_ask_t **pask, llm_op_e op,
                                        const llm_json_t *doc, apr_pool_t *pool)
{
    llm_ask_t *ask = apr_pcalloc(pool, sizeof(*ask));

    *pask = ask;
    ask->op = op;
    ask->model = "";
    ask->unknown = apr_array_make(pool, 0, sizeof(const llm_json_t *));
    if (!llm_json_is(doc, LLM_JSON_OBJECT)) {
        return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, pool,
                                "the body is not a JSON object");
    }
    return op == LLM_OP_COUNT ? read_count(ask, doc, pool)
                              : read_chat(ask, doc, pool);
}
