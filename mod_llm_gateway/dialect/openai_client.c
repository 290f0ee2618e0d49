/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's Chat Completions or Embeddings request becomes an ask: its
 * options and tools here, its messages in openai_messages.c.
 *
 * null is as good as absent everywhere, since SDKs send it for what was not
 * set. What other dialects have no term for is kept in ask->unknown with its
 * path: whether that is a hint or has to be refused is for the provider's
 * dialect to say.
 *
 * Not only OpenAI's own members are taken: top_k, `reasoning` (OpenRouter) and
 * `thinking` (Z.ai, DeepSeek) mean the same everywhere.
 */
#include "dialect/client.h"
#include "dialect/openai_internal.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

/* ---- members that are taken as they are ---- */

typedef enum { IS_NUMBER, IS_BOOL, IS_OBJECT, IS_TEXTS } want_e;

typedef struct option_t {
    const char *name;
    want_e want;
    apr_size_t offset; /* of a const llm_json_t * in llm_ask_t */
} option_t;

#define OPTION(name, want, member)                                             \
    {                                                                          \
        name, want, offsetof(llm_ask_t, member)                                \
    }

static const option_t options[] = {
    OPTION("frequency_penalty", IS_NUMBER, frequency_penalty),
    OPTION("logit_bias", IS_OBJECT, logit_bias),
    OPTION("logprobs", IS_BOOL, logprobs),
    OPTION("max_tokens", IS_NUMBER, max_tokens),
    OPTION("max_completion_tokens", IS_NUMBER, max_tokens), /* wins */
    OPTION("metadata", IS_OBJECT, metadata),
    OPTION("n", IS_NUMBER, n),
    OPTION("parallel_tool_calls", IS_BOOL, parallel),
    OPTION("presence_penalty", IS_NUMBER, presence_penalty),
    OPTION("seed", IS_NUMBER, seed),
    OPTION("stop", IS_TEXTS, stop),
    OPTION("temperature", IS_NUMBER, temperature),
    OPTION("top_k", IS_NUMBER, top_k),
    OPTION("top_logprobs", IS_NUMBER, top_logprobs),
    OPTION("top_p", IS_NUMBER, top_p),
    {NULL, IS_NUMBER, 0},
};

static int are_texts(const llm_json_t *node)
{
    return node->type == LLM_JSON_STRING || llm_json_is_strings(node);
}

/* NULL, or what was expected. */
static const char *check_option(const llm_json_t *node, want_e want)
{
    switch (want) {
    case IS_NUMBER:
        return node->type == LLM_JSON_NUMBER ? NULL : "expected a number";
    case IS_BOOL:
        return llm_json_is_bool(node) ? NULL : "expected true or false";
    case IS_OBJECT:
        return node->type == LLM_JSON_OBJECT ? NULL : "expected an object";
    case IS_TEXTS:
        return are_texts(node) ? NULL
                               : "expected a string or an array of strings";
    }
    return NULL;
}

/* A sequence of nothing, or none of them, stops nothing. */
static int stops_nothing(const llm_json_t *stop)
{
    return llm_json_is(stop, LLM_JSON_STRING)
               ? llm_text_is_empty(llm_json_text(stop))
               : !stop->count;
}

static llm_problem_t *read_options(llm_ask_t *ask, const llm_json_t *doc,
                                   apr_pool_t *pool)
{
    const option_t *option;

    for (option = options; option->name; ++option) {
        const llm_json_t *node = llm_json_want(doc, option->name);
        const char *wrong = node ? check_option(node, option->want) : NULL;

        if (wrong) {
            return llm_problem_field(pool, option->name, "%s", wrong);
        }
        if (node) {
            memcpy((char *)ask + option->offset, &node, sizeof(node));
        }
    }
    if (ask->stop && stops_nothing(ask->stop)) {
        ask->stop = NULL;
    }
    return NULL;
}

/* ---- tools ---- */

static const char *const tool_members[] = {"type", "function", "cache_control",
                                           NULL};
static const char *const custom_members[] = {"type", "custom", NULL};
static const char *const function_members[] = {
    "name", "description", "parameters", "strict", "cache_control", NULL};
/* Clients that also speak Responses, or Messages, leave `function` out. */
static const char *const flat_members[] = {
    "type",         "name",   "description",   "parameters",
    "input_schema", "strict", "cache_control", NULL};

/* {"name","description","parameters","strict"}: of a tool, or legacy. */
static llm_problem_t *read_function(llm_ask_t *ask, llm_tool_t *tool,
                                    const llm_json_t *function,
                                    const char *const *members,
                                    const char *where, apr_pool_t *pool)
{
    int is_flat = members == flat_members;
    const char *said = is_flat && !llm_json_want(function, "parameters")
                           ? "input_schema"
                           : "parameters";
    const llm_json_t *schema = llm_json_want(function, said);
    const llm_json_t *strict = llm_json_want(function, "strict");

    tool->name = llm_json_text(llm_json_get(function, "name"));
    if (llm_text_is_empty(tool->name)) {
        return llm_problem_field(pool, apr_pstrcat(pool, where, ".name", NULL),
                                 "expected a name");
    }
    if (schema && schema->type != LLM_JSON_OBJECT) {
        return llm_problem_field(pool,
                                 apr_pstrcat(pool, where, ".", said, NULL),
                                 "expected a JSON Schema");
    }
    tool->description = llm_json_text(llm_json_get(function, "description"));
    tool->schema = schema;
    if (!tool->cache) {
        tool->cache = llm_json_want(function, "cache_control");
    }
    tool->strict = llm_json_is_bool(strict) ? strict : NULL;
    if (llm_json_has_others(function, members)) {
        llm_ask_add_unknowns(ask, function, members, where, pool);
    }
    return NULL;
}

/* {"googleSearch":{}}: Google's tools have a name and no type. */
static int is_google_tool(const llm_json_t *node)
{
    return node->count == 1 && node->child->type == LLM_JSON_OBJECT
           && !llm_text_equals(node->child->name, "function");
}

static llm_problem_t *read_tool(llm_ask_t *ask, llm_tools_t *tools,
                                const llm_json_t *node, int i, apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_want(node, "type");
    const llm_json_t *function = llm_json_want(node, "function");
    const char *where = apr_psprintf(pool, "tools[%d]", i);
    llm_tool_t *tool;

    if (node->type != LLM_JSON_OBJECT) {
        return llm_problem_field(pool, where, "expected an object");
    }
    tool = llm_tools_add(tools, pool);
    if (llm_json_equals(type, "custom") && llm_json_want(node, "custom")) {
        llm_ask_add_unknowns(ask, node, custom_members, where, pool);
        return llm_openai_read_custom(ask, tool, llm_json_get(node, "custom"),
                                      apr_pstrcat(pool, where, ".custom", NULL),
                                      pool);
    }
    if (type ? !llm_json_equals(type, "function") : is_google_tool(node)) {
        tool->raw = node; /* one only its own dialect knows */
        return NULL;
    }
    tool->cache = llm_json_want(node, "cache_control");
    if (!function && llm_json_want(node, "name")) {
        return read_function(ask, tool, node, flat_members, where, pool);
    }
    if (!function) {
        return llm_problem_field(pool,
                                 apr_pstrcat(pool, where, ".function", NULL),
                                 "expected an object");
    }
    if (llm_json_has_others(node, tool_members)) {
        llm_ask_add_unknowns(ask, node, tool_members, where, pool);
    }
    return read_function(ask, tool, function, function_members,
                         apr_pstrcat(pool, where, ".function", NULL), pool);
}

static llm_problem_t *read_tools(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "tools"), *node;
    const llm_json_t *legacy = llm_json_want(doc, "functions");
    llm_problem_t *problem = NULL;
    llm_tools_t tools = {NULL, NULL};
    int i = 0;

    if (list && list->type != LLM_JSON_ARRAY) {
        return llm_problem_field(pool, "tools", "expected an array");
    }
    if (legacy && legacy->type != LLM_JSON_ARRAY) {
        return llm_problem_field(pool, "functions", "expected an array");
    }
    for (node = list ? list->child : NULL; node && !problem;
         node = node->next) {
        problem = read_tool(ask, &tools, node, i++, pool);
    }
    for (node = legacy && !list ? legacy->child : NULL, i = 0; node && !problem;
         node = node->next) {
        problem = read_function(ask, llm_tools_add(&tools, pool), node,
                                function_members,
                                apr_psprintf(pool, "functions[%d]", i++), pool);
        ask->legacy_functions = 1;
    }
    if (legacy && list) {
        llm_ask_add_unknown(ask, legacy, NULL, pool);
    }
    ask->tools = tools.first;
    return problem;
}

static const llm_word_t choose_words[] = {
    {"auto", LLM_CHOOSE_AUTO},
    {"none", LLM_CHOOSE_NONE},
    {"required", LLM_CHOOSE_ANY},
    {"any", LLM_CHOOSE_ANY}, /* Mistral */
    {NULL, 0},
};

/* Responses' {"type":"function","name"}, and Anthropic's with "tool". */
static const llm_json_t *flat_name(const llm_json_t *choice)
{
    const llm_json_t *type = llm_json_get(choice, "type");

    return llm_json_equals(type, "function") || llm_json_equals(type, "tool")
               ? llm_json_want(choice, "name")
               : NULL;
}

/* tool_choice, or the legacy function_call. */
static llm_problem_t *read_choice(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    const llm_json_t *choice = llm_json_want(doc, "tool_choice");
    const llm_json_t *legacy = llm_json_want(doc, "function_call");
    const llm_json_t *name, *word;

    if (!choice && !legacy) {
        return NULL;
    }
    name = choice ? llm_json_path(choice, "function", "name", NULL)
                  : llm_json_get(legacy, "name");
    if (!choice) {
        choice = legacy;
    }
    if (!name) {
        name = llm_json_path(choice, "custom", "name", NULL);
    }
    name = name ? name : flat_name(choice);
    /* Anthropic's {"type":"any"} */
    word = choice->count == 1 && !name ? llm_json_get(choice, "type") : choice;
    if (llm_json_is(word, LLM_JSON_STRING)) {
        ask->choose = (llm_choose_e)llm_word_value(
            choose_words, llm_json_text(word), LLM_CHOOSE_UNSAID);
        if (ask->choose == LLM_CHOOSE_UNSAID) {
            return llm_problem_field(pool, "tool_choice",
                                     "expected \"auto\", \"none\", "
                                     "\"required\" or a function");
        }
    }
    else if (llm_json_is(name, LLM_JSON_STRING)) {
        ask->choose = LLM_CHOOSE_TOOL;
        ask->choose_name = llm_json_text(name);
    }
    else if (llm_json_equals(llm_json_get(choice, "type"), "allowed_tools")) {
        return llm_openai_read_allowed(ask, choice, pool);
    }
    else { /* a kind that nobody knows */
        llm_ask_add_unknown(ask, choice, NULL, pool);
    }
    return NULL;
}

/* ---- the rest ---- */

/* {"type":"json_object"} with a schema: TGI calls it `value`, as
 * huggingface_hub writes it, LiteLLM's clients `response_schema`, others
 * `schema`. */
static void read_json_object(llm_ask_t *ask, const llm_json_t *format,
                             apr_pool_t *pool)
{
    static const char *const known[] = {"type", "schema", "value",
                                        "response_schema", NULL};
    const llm_json_t *schema = NULL;
    int i;

    for (i = 1; known[i] && !schema; ++i) {
        schema = llm_json_want(format, known[i]);
    }
    if (llm_json_is(schema, LLM_JSON_OBJECT)) {
        ask->format = LLM_FORMAT_SCHEMA;
        ask->format_schema = schema;
    }
    llm_ask_add_unknowns(ask, format, known, "response_format", pool);
}

static llm_problem_t *read_format(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"text", LLM_FORMAT_TEXT},
        {"json_object", LLM_FORMAT_JSON},
        {"json_schema", LLM_FORMAT_SCHEMA},
        {NULL, 0},
    };
    const llm_json_t *format = llm_json_want(doc, "response_format");
    static const char *const known[] = {"name", "schema", "strict", NULL};
    const llm_json_t *schema = llm_json_want(format, "json_schema");

    if (!format) {
        return NULL;
    }
    ask->format = (llm_format_e)llm_word_value(
        words, llm_json_text(llm_json_get(format, "type")), -1);
    if ((int)ask->format == -1) {
        ask->format = LLM_FORMAT_UNSAID;
        llm_ask_add_unknown(ask, format, NULL, pool);
        return NULL;
    }
    if (ask->format == LLM_FORMAT_JSON) {
        read_json_object(ask, format, pool);
        return NULL;
    }
    if (ask->format == LLM_FORMAT_SCHEMA) {
        ask->format_name = llm_json_text(llm_json_get(schema, "name"));
        ask->format_schema = llm_json_want(schema, "schema");
        ask->format_strict = llm_json_want(schema, "strict");
        llm_ask_add_unknowns(ask, schema, known, "response_format.json_schema",
                             pool);
        if (!llm_json_is(ask->format_schema, LLM_JSON_OBJECT)) {
            return llm_problem_field(pool, "response_format.json_schema.schema",
                                     "expected a JSON Schema");
        }
    }
    return NULL;
}

/* reasoning_effort, and what others call it. */
static llm_problem_t *read_reasoning(llm_ask_t *ask, const llm_json_t *doc,
                                     apr_pool_t *pool)
{
    static const char *const reasoning_members[] = {"effort", "enabled",
                                                    "max_tokens", NULL};
    static const char *const thinking_members[] = {"type", "budget_tokens",
                                                   NULL};
    const llm_json_t *effort = llm_json_want(doc, "reasoning_effort");
    const llm_json_t *reasoning = llm_json_want(doc, "reasoning");
    const llm_json_t *thinking = llm_json_want(doc, "thinking");
    const llm_json_t *enabled = llm_json_want(reasoning, "enabled");
    const llm_json_t *type = llm_json_want(thinking, "type");

    if (!effort) {
        effort = llm_json_want(reasoning, "effort");
    }
    if (effort && effort->type != LLM_JSON_STRING) {
        return llm_problem_field(pool, "reasoning_effort", "expected a string");
    }
    ask->effort = llm_json_text(effort);
    ask->thinking_budget = llm_json_want(reasoning, "max_tokens");
    if (!ask->thinking_budget) {
        ask->thinking_budget = llm_json_want(thinking, "budget_tokens");
    }
    if (llm_json_equals(effort, "none") || llm_json_equals(type, "disabled")
        || llm_json_is(enabled, LLM_JSON_FALSE)) {
        ask->thinking = -1;
    }
    else if (effort || ask->thinking_budget || enabled || type) {
        ask->thinking = 1;
    }
    llm_ask_add_unknowns(ask, reasoning, reasoning_members, "reasoning", pool);
    llm_ask_add_unknowns(ask, thinking, thinking_members, "thinking", pool);
    return NULL;
}

static llm_problem_t *read_stream(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const char *const members[] = {"include_usage", NULL};
    const llm_json_t *stream = llm_json_want(doc, "stream");
    const llm_json_t *stream_options = llm_json_want(doc, "stream_options");

    if (stream && !llm_json_is_bool(stream)) {
        return llm_problem_field(pool, "stream", "expected true or false");
    }
    if (stream_options && stream_options->type != LLM_JSON_OBJECT) {
        return llm_problem_field(pool, "stream_options", "expected an object");
    }
    ask->stream = llm_json_is_true(stream);
    ask->include_usage =
        llm_json_is_true(llm_json_get(stream_options, "include_usage"));
    llm_ask_add_unknowns(ask, stream_options, members, "stream_options", pool);
    return NULL;
}

static const char *const chat_members[] = {"audio",
                                           "frequency_penalty",
                                           "function_call",
                                           "functions",
                                           "logit_bias",
                                           "logprobs",
                                           "max_completion_tokens",
                                           "max_tokens",
                                           "messages",
                                           "metadata",
                                           "modalities",
                                           "model",
                                           "n",
                                           "parallel_tool_calls",
                                           "presence_penalty",
                                           "reasoning",
                                           "reasoning_effort",
                                           "response_format",
                                           "seed",
                                           "service_tier",
                                           "stop",
                                           "stream",
                                           "stream_options",
                                           "temperature",
                                           "thinking",
                                           "tool_choice",
                                           "tools",
                                           "top_k",
                                           "top_logprobs",
                                           "top_p",
                                           "user",
                                           NULL};

static llm_problem_t *read_chat(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    llm_problem_t *problem = read_options(ask, doc, pool);

    if (!problem) {
        problem = read_stream(ask, doc, pool);
    }
    if (!problem) {
        problem = read_tools(ask, doc, pool);
    }
    if (!problem) {
        problem = read_choice(ask, doc, pool);
    }
    if (!problem) {
        problem = read_format(ask, doc, pool);
    }
    if (!problem) {
        problem = read_reasoning(ask, doc, pool);
    }
    if (!problem) {
        problem =
            llm_openai_read_messages(ask, llm_json_get(doc, "messages"), pool);
    }
    if (!problem) {
        problem = llm_openai_read_modalities(ask, doc, pool);
    }
    llm_ask_add_unknowns(ask, doc, chat_members, NULL, pool);
    return problem;
}

static const char *const embed_members[] = {
    "dimensions", "encoding_format", "input", "model", "service_tier", "user",
    NULL};

static llm_problem_t *read_embed(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *input = llm_json_want(doc, "input");
    const llm_json_t *dimensions = llm_json_want(doc, "dimensions");
    const llm_json_t *encoding = llm_json_want(doc, "encoding_format");

    if (!input
        || (input->type != LLM_JSON_STRING && input->type != LLM_JSON_ARRAY)) {
        return llm_problem_field(pool, "input",
                                 "expected a string or an array");
    }
    if (dimensions && dimensions->type != LLM_JSON_NUMBER) {
        return llm_problem_field(pool, "dimensions", "expected a number");
    }
    if (encoding && !llm_json_equals(encoding, "float")
        && !llm_json_equals(encoding, "base64")) {
        return llm_problem_field(pool, "encoding_format",
                                 "expected \"float\" or \"base64\"");
    }
    ask->embed_input = input;
    ask->dimensions = dimensions;
    ask->encoding_format = llm_json_text(encoding);
    llm_ask_add_unknowns(ask, doc, embed_members, NULL, pool);
    return NULL;
}

llm_problem_t *llm_openai_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_ask_make(pask, op, doc, pool);

    if (problem) {
        return problem;
    }
    (*pask)->user = llm_json_text(llm_json_get(doc, "user"));
    (*pask)->service_tier = llm_json_text(llm_json_get(doc, "service_tier"));
    return op == LLM_OP_EMBED ? read_embed(*pask, doc, pool)
                              : read_chat(*pask, doc, pool);
}
