/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's request becomes an ask: options and tools here, items in
 * openai_responses_input.c.
 *
 * The API keeps conversations and runs tools where the model runs. Another
 * provider does neither for it, so what depends on that is refused by its
 * name: previous_response_id, conversation, prompt, background, tools that
 * are neither functions nor custom, references to stored items. `store` alone is a wish: it
 * is dropped, and told, and the answer says "store":false. What an answer
 * should include besides is granted (reasoning, log probabilities) or dropped.
 */
#include "dialect/openai_responses_internal.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

static llm_problem_t *expected(apr_pool_t *pool, const char *where,
                               const char *member, const char *what)
{
    return llm_problem_field(
        pool, member ? apr_pstrcat(pool, where, ".", member, NULL) : where,
        "expected %s", what);
}

/* ---- what only OpenAI has ---- */

static llm_problem_t *only_openai(apr_pool_t *pool, const char *param,
                                  const char *what)
{
    llm_problem_t *problem =
        llm_problem_field(pool, param,
                          "%s, and the provider of this model has no such "
                          "thing",
                          what);

    problem->code = "unsupported_parameter";
    return problem;
}

static llm_problem_t *refuse_stored(const llm_json_t *doc, apr_pool_t *pool)
{
    static const struct {
        const char *name, *what;
    } members[] = {
        {"previous_response_id", "it names a response that OpenAI has stored"},
        {"conversation", "it names a conversation that OpenAI has stored"},
        {"prompt", "it names a prompt that OpenAI has stored"},
        {"background", "answers are made in the background by OpenAI only"},
        {NULL, NULL},
    };
    int i;

    for (i = 0; members[i].name; ++i) {
        const llm_json_t *node = llm_json_want(doc, members[i].name);

        if (node && node->type != LLM_JSON_FALSE) {
            return only_openai(pool, members[i].name, members[i].what);
        }
    }
    return NULL;
}

/* ---- members that are taken as they are ---- */

typedef enum { IS_NUMBER, IS_BOOL, IS_OBJECT } want_e;

#define OPTION(name, want, member)                                             \
    {                                                                          \
        name, want, offsetof(llm_ask_t, member)                                \
    }

static const struct {
    const char *name;
    want_e want;
    apr_size_t offset; /* of a const llm_json_t * in llm_ask_t */
} options[] = {
    OPTION("max_output_tokens", IS_NUMBER, max_tokens),
    OPTION("metadata", IS_OBJECT, metadata),
    OPTION("parallel_tool_calls", IS_BOOL, parallel),
    OPTION("temperature", IS_NUMBER, temperature),
    OPTION("top_logprobs", IS_NUMBER, top_logprobs),
    OPTION("top_p", IS_NUMBER, top_p),
    {NULL, IS_NUMBER, 0},
};

static llm_problem_t *read_options(llm_ask_t *ask, const llm_json_t *doc,
                                   apr_pool_t *pool)
{
    int i;

    for (i = 0; options[i].name; ++i) {
        const llm_json_t *node = llm_json_want(doc, options[i].name);

        if (node && options[i].want == IS_NUMBER
            && node->type != LLM_JSON_NUMBER) {
            return expected(pool, options[i].name, NULL, "a number");
        }
        if (node && options[i].want == IS_BOOL && !llm_json_is_bool(node)) {
            return expected(pool, options[i].name, NULL, "true or false");
        }
        if (node && options[i].want == IS_OBJECT
            && node->type != LLM_JSON_OBJECT) {
            return expected(pool, options[i].name, NULL, "an object");
        }
        if (node) {
            memcpy((char *)ask + options[i].offset, &node, sizeof(node));
        }
    }
    return NULL;
}

/* ---- tools ---- */

static const char *const tool_members[] = {
    "type", "name", "parameters", "description", "strict", NULL};

static llm_problem_t *read_function(llm_ask_t *ask, llm_tool_t *tool,
                                    const llm_json_t *node, const char *where,
                                    apr_pool_t *pool)
{
    const llm_json_t *schema = llm_json_want(node, "parameters");
    const llm_json_t *strict = llm_json_want(node, "strict");

    tool->name = llm_json_text(llm_json_get(node, "name"));
    if (llm_text_is_empty(tool->name)) {
        return expected(pool, where, "name", "a name");
    }
    if (schema && schema->type != LLM_JSON_OBJECT) {
        return expected(pool, where, "parameters", "a JSON Schema");
    }
    tool->description = llm_json_text(llm_json_want(node, "description"));
    tool->schema = schema;
    tool->strict = llm_json_is_true(strict) ? strict : NULL;
    if (llm_json_has_others(node, tool_members)) {
        llm_ask_add_unknowns(ask, node, tool_members, where, pool);
    }
    return NULL;
}

static llm_problem_t *read_tool(llm_ask_t *ask, llm_tools_t *tools,
                                const llm_json_t *node, const char *where,
                                apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_want(node, "type");

    if (!llm_json_is(type, LLM_JSON_STRING)) {
        return expected(pool, where, "type", "a string");
    }
    if (llm_json_equals(type, "custom")) {
        return llm_openai_read_custom(ask, llm_tools_add(tools, pool), node,
                                      where, pool);
    }
    if (llm_json_equals(type, "function")) {
        return read_function(ask, llm_tools_add(tools, pool), node, where,
                             pool);
    }
    if (llm_json_equals(type, "namespace")) {
        return llm_responses_read_space(ask, tools, node, where, read_tool,
                                        pool);
    }
    llm_tools_add(tools, pool)->raw = node; /* one of OpenAI's own */
    return NULL;
}

static llm_problem_t *read_tools(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "tools"), *node;
    llm_tools_t tools = {NULL, NULL};
    llm_problem_t *problem = NULL;
    int i = 0;

    if (list && list->type != LLM_JSON_ARRAY) {
        return expected(pool, "tools", NULL, "an array");
    }
    for (node = list ? list->child : NULL; node && !problem;
         node = node->next) {
        problem = read_tool(ask, &tools, node,
                            apr_psprintf(pool, "tools[%d]", i++), pool);
    }
    ask->tools = tools.first;
    return problem;
}

static llm_problem_t *read_choice(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"auto", LLM_CHOOSE_AUTO},
        {"none", LLM_CHOOSE_NONE},
        {"required", LLM_CHOOSE_ANY},
        {NULL, 0},
    };
    const llm_json_t *choice = llm_json_want(doc, "tool_choice");
    const llm_json_t *type = llm_json_get(choice, "type");

    if (!choice) {
        return NULL;
    }
    if (choice->type == LLM_JSON_STRING) {
        ask->choose = (llm_choose_e)llm_word_value(words, llm_json_text(choice),
                                                   LLM_CHOOSE_UNSAID);
        return ask->choose != LLM_CHOOSE_UNSAID
                   ? NULL
                   : expected(pool, "tool_choice", NULL,
                              "\"auto\", \"none\", \"required\" or a "
                              "function or custom tool");
    }
    if (llm_json_equals(type, "allowed_tools")) {
        return llm_openai_read_allowed(ask, choice, pool);
    }
    if (!llm_json_equals(type, "function")
        && !llm_json_equals(type, "custom")) {
        llm_ask_add_unknown(ask, choice, NULL, pool); /* OpenAI's own tools */
        return NULL;
    }
    ask->choose = LLM_CHOOSE_TOOL;
    ask->choose_name = llm_json_text(llm_json_get(choice, "name"));
    return ask->choose_name.len
               ? NULL
               : expected(pool, "tool_choice", "name", "a name");
}

/* ---- the rest ---- */

static llm_problem_t *read_format(llm_ask_t *ask, const llm_json_t *format,
                                  apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"text", LLM_FORMAT_TEXT},
        {"json_object", LLM_FORMAT_JSON},
        {"json_schema", LLM_FORMAT_SCHEMA},
        {NULL, 0},
    };
    static const char *const known[] = {"type",   "name",        "schema",
                                        "strict", "description", NULL};
    int value =
        llm_word_value(words, llm_json_text(llm_json_get(format, "type")), -1);

    if (value < 0) {
        return only_openai(pool, "text.format.type",
                           "this format is one of OpenAI's own");
    }
    ask->format = (llm_format_e)value;
    if (ask->format == LLM_FORMAT_SCHEMA) {
        ask->format_name = llm_json_text(llm_json_get(format, "name"));
        ask->format_schema = llm_json_want(format, "schema");
        ask->format_strict = llm_json_want(format, "strict");
        if (!llm_json_is(ask->format_schema, LLM_JSON_OBJECT)) {
            return expected(pool, "text.format", "schema", "a JSON Schema");
        }
    }
    llm_ask_add_unknown(ask, llm_json_want(format, "description"),
                        "text.format", pool);
    llm_ask_add_unknowns(ask, format, known, "text.format", pool);
    return NULL;
}

static llm_problem_t *read_text(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    static const char *const known[] = {"format", NULL};
    const llm_json_t *text = llm_json_want(doc, "text");
    const llm_json_t *format = llm_json_want(text, "format");

    if (text && text->type != LLM_JSON_OBJECT) {
        return expected(pool, "text", NULL, "an object");
    }
    llm_ask_add_unknowns(ask, text, known, "text", pool);
    return format ? read_format(ask, format, pool) : NULL;
}

/* An effort is asked for; a summary is how thinking is shown, which is granted
 * where there is thinking to show. */
static llm_problem_t *read_reasoning(llm_ask_t *ask, const llm_json_t *doc,
                                     apr_pool_t *pool)
{
    static const char *const known[] = {"effort", "summary", NULL};
    const llm_json_t *reasoning = llm_json_want(doc, "reasoning");
    const llm_json_t *effort = llm_json_want(reasoning, "effort");

    if (reasoning && reasoning->type != LLM_JSON_OBJECT) {
        return expected(pool, "reasoning", NULL, "an object");
    }
    if (effort && effort->type != LLM_JSON_STRING) {
        return expected(pool, "reasoning", "effort", "a string");
    }
    ask->effort = llm_json_text(effort);
    if (effort) {
        ask->thinking = llm_json_equals(effort, "none") ? -1 : 1;
    }
    else {
        llm_ask_add_unknown(ask, llm_json_want(reasoning, "summary"),
                            "reasoning", pool);
    }
    llm_ask_add_unknowns(ask, reasoning, known, "reasoning", pool);
    return NULL;
}

/* Reasoning to send back is always included, log probabilities are what chats
 * have as well; the rest is about OpenAI's own tools and copies of the input.
 */
static llm_problem_t *read_include(llm_ask_t *ask, const llm_json_t *doc,
                                   apr_pool_t *pool)
{
    static const char yes[] = "true";
    const llm_json_t *list = llm_json_want(doc, "include"), *node;

    if (list && list->type != LLM_JSON_ARRAY) {
        return expected(pool, "include", NULL, "an array");
    }
    for (node = list ? list->child : NULL; node; node = node->next) {
        if (llm_json_equals(node, "message.output_text.logprobs")) {
            llm_json_t *wanted = apr_pcalloc(pool, sizeof(*wanted));

            wanted->type = LLM_JSON_TRUE;
            wanted->raw = (llm_bytes_t){yes, sizeof(yes) - 1};
            ask->logprobs = wanted;
        }
        else if (!llm_json_equals(node, "reasoning.encrypted_content")) {
            llm_ask_add_unknown(ask, list, NULL, pool);
        }
    }
    return NULL;
}

static llm_problem_t *read_stream(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    const llm_json_t *stream = llm_json_want(doc, "stream");
    const llm_json_t *stream_options = llm_json_want(doc, "stream_options");
    static const char *const known[] = {NULL};

    if (stream && !llm_json_is_bool(stream)) {
        return expected(pool, "stream", NULL, "true or false");
    }
    if (stream_options && stream_options->type != LLM_JSON_OBJECT) {
        return expected(pool, "stream_options", NULL, "an object");
    }
    ask->stream = llm_json_is_true(stream);
    ask->include_usage = 1; /* it is part of every answer */
    llm_ask_add_unknowns(ask, stream_options, known, "stream_options", pool);
    return NULL;
}

static llm_problem_t *read_conversation(llm_ask_t *ask, const llm_json_t *doc,
                                        apr_pool_t *pool)
{
    const llm_json_t *instructions = llm_json_want(doc, "instructions");
    llm_turns_t turns = {NULL, NULL};
    llm_parts_t parts = {NULL, NULL};

    if (instructions && instructions->type != LLM_JSON_STRING) {
        return expected(pool, "instructions", NULL, "a string");
    }
    if (instructions && instructions->raw.len > 2) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, llm_json_text(instructions),
                           pool);
        llm_turns_add(&turns, LLM_ROLE_SYSTEM, pool)->parts = parts.first;
    }
    return llm_responses_read_input(ask, &turns, llm_json_want(doc, "input"),
                                    pool);
}

static const char *const known_members[] = {"background",
                                            "conversation",
                                            "include",
                                            "input",
                                            "instructions",
                                            "max_output_tokens",
                                            "metadata",
                                            "model",
                                            "parallel_tool_calls",
                                            "previous_response_id",
                                            "prompt",
                                            "reasoning",
                                            "service_tier",
                                            "stream",
                                            "stream_options",
                                            "temperature",
                                            "text",
                                            "tool_choice",
                                            "tools",
                                            "top_logprobs",
                                            "top_p",
                                            "truncation",
                                            "user",
                                            NULL};

/* Everything that can be wrong with a request, in the order of its reading. */
static llm_problem_t *(*const steps[])(llm_ask_t *ask, const llm_json_t *doc,
                                       apr_pool_t *pool) = {
    read_options, read_stream,    read_tools,   read_choice,
    read_text,    read_reasoning, read_include, read_conversation,
};

llm_problem_t *llm_responses_read_request(llm_ask_t **pask, llm_op_e op,
                                          const llm_json_t *doc,
                                          apr_pool_t *pool)
{
    llm_problem_t *problem = llm_ask_make(pask, op, doc, pool);
    llm_ask_t *ask = *pask;
    const llm_json_t *truncation = llm_json_want(doc, "truncation");
    apr_size_t i;

    if (!problem) {
        problem = refuse_stored(doc, pool);
    }
    for (i = 0; !problem && i < sizeof(steps) / sizeof(*steps); ++i) {
        problem = steps[i](ask, doc, pool);
    }
    if (problem) {
        return problem;
    }
    ask->doc = doc;
    if (!llm_json_equals(truncation, "disabled")) {
        llm_ask_add_unknown(ask, truncation, NULL, pool);
    }
    ask->user = llm_json_text(llm_json_want(doc, "user"));
    ask->service_tier = llm_json_text(llm_json_want(doc, "service_tier"));
    llm_ask_add_unknowns(ask, doc, known_members, NULL, pool);
    return NULL;
}
