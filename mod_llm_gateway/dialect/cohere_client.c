/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's request in Cohere's dialect (v2) becomes an ask: options, tools
 * and embeddings here, messages in cohere_messages.c.
 *
 * This is read only where the provider speaks another dialect. What Cohere
 * alone has is kept in ask->unknown: its safety mode and the shape of its
 * citations are hints. `documents` are read in cohere_documents.c.
 */
#include "dialect/client.h"
#include "dialect/cohere_internal.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

static llm_problem_t *expected(const char *member, const char *what,
                               apr_pool_t *pool)
{
    return llm_problem_field(pool, member, "expected %s", what);
}

static const llm_number_row_t numbers[] = {
    {"frequency_penalty", offsetof(llm_ask_t, frequency_penalty)},
    {"k", offsetof(llm_ask_t, top_k)},
    {"max_tokens", offsetof(llm_ask_t, max_tokens)},
    {"p", offsetof(llm_ask_t, top_p)},
    {"presence_penalty", offsetof(llm_ask_t, presence_penalty)},
    {"seed", offsetof(llm_ask_t, seed)},
    {"temperature", offsetof(llm_ask_t, temperature)},
    {NULL, 0},
};

static int is_zero(const llm_json_t *node)
{
    double value;

    return llm_json_double(node, &value) && !(value < 0) && !(value > 0);
}

static llm_problem_t *read_bools(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *stream = llm_json_want(doc, "stream");
    const llm_json_t *stop = llm_json_want(doc, "stop_sequences");
    const llm_json_t *logprobs = llm_json_want(doc, "logprobs");

    if (stream && !llm_json_is_bool(stream)) {
        return expected("stream", "true or false", pool);
    }
    if (stop && !llm_json_is_strings(stop)) {
        return expected("stop_sequences", "an array of strings", pool);
    }
    if (logprobs && !llm_json_is_bool(logprobs)) {
        return expected("logprobs", "true or false", pool);
    }
    ask->stream = llm_json_is_true(stream);
    ask->stop = stop && stop->count ? stop : NULL;
    if (llm_json_is_true(logprobs)) { /* of Cohere's own tokens, by number */
        llm_ask_add_unknown(ask, logprobs, NULL, pool);
    }
    return NULL;
}

static llm_problem_t *read_thinking(llm_ask_t *ask, const llm_json_t *doc,
                                    apr_pool_t *pool)
{
    static const char *const known[] = {"token_budget", "type", NULL};
    const llm_json_t *thinking = llm_json_want(doc, "thinking");
    const llm_json_t *type = llm_json_want(thinking, "type");
    const llm_json_t *budget = llm_json_want(thinking, "token_budget");

    if (!thinking) {
        return NULL;
    }
    if (!llm_json_equals(type, "enabled")
        && !llm_json_equals(type, "disabled")) {
        return expected("thinking.type", "\"enabled\" or \"disabled\"", pool);
    }
    if (budget && budget->type != LLM_JSON_NUMBER) {
        return expected("thinking.token_budget", "a number", pool);
    }
    ask->thinking = llm_json_equals(type, "enabled") ? 1 : -1;
    ask->thinking_budget = ask->thinking > 0 ? budget : NULL;
    llm_ask_add_unknowns(ask, thinking, known, "thinking", pool);
    return NULL;
}

static llm_problem_t *read_format(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const char *const known[] = {"json_schema", "schema", "type", NULL};
    const llm_json_t *format = llm_json_want(doc, "response_format");
    const llm_json_t *type = llm_json_want(format, "type");
    const llm_json_t *schema = llm_json_want(format, "json_schema");

    if (!format || llm_json_equals(type, "text")) {
        return NULL;
    }
    if (!llm_json_equals(type, "json_object")) {
        return expected("response_format.type", "\"text\" or \"json_object\"",
                        pool);
    }
    if (!schema) { /* as it was called at first */
        schema = llm_json_want(format, "schema");
    }
    if (schema && schema->type != LLM_JSON_OBJECT) {
        return expected("response_format.json_schema", "a JSON Schema", pool);
    }
    ask->format = schema ? LLM_FORMAT_SCHEMA : LLM_FORMAT_JSON;
    ask->format_schema = schema;
    ask->format_held = 1;
    llm_ask_add_unknowns(ask, format, known, "response_format", pool);
    return NULL;
}

/* ---- tools ---- */

/* strict_tools is said once, for all of them. */
static llm_problem_t *read_tools(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *strict = llm_json_want(doc, "strict_tools");
    llm_problem_t *problem = llm_read_functions(ask, doc, pool);
    llm_tool_t *tool;

    if (!problem && strict && !llm_json_is_bool(strict)) {
        return expected("strict_tools", "true or false", pool);
    }
    for (tool = ask->tools; tool; tool = tool->next) {
        tool->strict = strict;
    }
    return problem;
}

static llm_problem_t *read_choice(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"REQUIRED", LLM_CHOOSE_ANY},
        {"NONE", LLM_CHOOSE_NONE},
        {NULL, 0},
    };
    const llm_json_t *choice = llm_json_want(doc, "tool_choice");

    if (!choice) {
        return NULL;
    }
    ask->choose = (llm_choose_e)llm_word_value(words, llm_json_text(choice),
                                               LLM_CHOOSE_UNSAID);
    return ask->choose == LLM_CHOOSE_UNSAID
               ? expected("tool_choice", "\"REQUIRED\" or \"NONE\"", pool)
               : NULL;
}

/* ---- chats ---- */

/* An empty list and "off" are not there. */
static void note_own(llm_ask_t *ask, const llm_json_t *doc, apr_pool_t *pool)
{
    static const char *const own[] = {"citation_options", "priority",
                                      "safety_mode", NULL};
    int i;

    for (i = 0; own[i]; ++i) {
        const llm_json_t *member = llm_json_want(doc, own[i]);

        if (member && (member->type != LLM_JSON_ARRAY || member->count)) {
            llm_ask_add_unknown(ask, member, NULL, pool);
        }
    }
}

static llm_problem_t *read_chat(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    static const char *const known[] = {"citation_options",
                                        "documents",
                                        "frequency_penalty",
                                        "k",
                                        "logprobs",
                                        "max_tokens",
                                        "messages",
                                        "model",
                                        "p",
                                        "presence_penalty",
                                        "priority",
                                        "response_format",
                                        "safety_mode",
                                        "seed",
                                        "stop_sequences",
                                        "stream",
                                        "strict_tools",
                                        "temperature",
                                        "thinking",
                                        "tool_choice",
                                        "tools",
                                        NULL};
    llm_problem_t *problem = llm_read_numbers(ask, doc, numbers, NULL, pool);

    if (is_zero(ask->top_k)) { /* as many as there are */
        ask->top_k = NULL;
    }
    if (!problem) {
        problem = read_bools(ask, doc, pool);
    }
    if (!problem) {
        problem = read_thinking(ask, doc, pool);
    }
    if (!problem) {
        problem = read_format(ask, doc, pool);
    }
    if (!problem) {
        problem = read_tools(ask, doc, pool);
    }
    if (!problem) {
        problem = read_choice(ask, doc, pool);
    }
    if (!problem) {
        problem =
            llm_cohere_read_messages(ask, llm_json_get(doc, "messages"), pool);
    }
    if (!problem) {
        problem = llm_cohere_read_documents(ask, doc, pool);
    }
    note_own(ask, doc, pool);
    llm_ask_add_unknowns(ask, doc, known, NULL, pool);
    return problem;
}

/* ---- embeddings ---- */

/* What is too long is cut at its end by default, and refused by others. */
static void note_truncate(llm_ask_t *ask, const llm_json_t *doc,
                          apr_pool_t *pool)
{
    const llm_json_t *truncate = llm_json_want(doc, "truncate");

    if (truncate && !llm_json_equals(truncate, "END")
        && !llm_json_equals(truncate, "NONE")) {
        llm_ask_add_unknown(ask, truncate, NULL, pool);
    }
    ask->truncate = !truncate ? 0 : llm_json_equals(truncate, "NONE") ? -1 : 1;
}

static llm_problem_t *read_embed(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    static const char *const known[] = {"embedding_types",  "model",
                                        "output_dimension", "texts",
                                        "truncate",         NULL};
    const llm_json_t *texts = llm_json_want(doc, "texts");
    const llm_json_t *types = llm_json_want(doc, "embedding_types");
    const llm_json_t *type;

    if (!texts && llm_json_want(doc, "images")) {
        return llm_problem_unsupported("images", NULL, pool);
    }
    if (!texts && llm_json_want(doc, "inputs")) {
        return llm_problem_unsupported("inputs", NULL, pool);
    }
    if (!llm_json_is_strings(texts) || !texts->count) {
        return expected("texts", "an array of strings", pool);
    }
    if (types && !llm_json_is_strings(types)) {
        return expected("embedding_types", "an array of strings", pool);
    }
    for (type = types ? types->child : NULL; type; type = type->next) {
        if (!llm_json_equals(type, "float")) {
            return expected("embedding_types",
                            "[\"float\"]: the provider of this model has no "
                            "other",
                            pool);
        }
    }
    ask->embed_input = texts;
    ask->dimensions = llm_json_want(doc, "output_dimension");
    if (ask->dimensions && ask->dimensions->type != LLM_JSON_NUMBER) {
        return expected("output_dimension", "a number", pool);
    }
    note_truncate(ask, doc, pool);
    llm_ask_add_unknowns(ask, doc, known, NULL, pool);
    return NULL;
}

llm_problem_t *llm_cohere_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_ask_make(pask, op, doc, pool);

    if (problem) {
        return problem;
    }
    return op == LLM_OP_EMBED ? read_embed(*pask, doc, pool)
                              : read_chat(*pask, doc, pool);
}
