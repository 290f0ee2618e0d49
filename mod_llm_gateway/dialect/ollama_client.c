/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's request in Ollama's dialect becomes an ask: /api/chat and
 * /api/generate, whose prompt is a user's turn, /api/embed and the older
 * /api/embeddings.
 *
 * This is read only where the provider speaks another dialect. Of `options`
 * most say how a server runs its model, which is for others to know: hints.
 * Those that change what a model says, and that others do not have, are
 * refused unless they say no more than that they are off.
 *
 * Calls have no ids here, and results name their tool or nothing at all: they
 * follow the calls in the order of these.
 */
#include "dialect/client.h"
#include "dialect/ollama_internal.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

static llm_problem_t *expected(const char *member, const char *what,
                               apr_pool_t *pool)
{
    return llm_problem_field(pool, member, "expected %s", what);
}

/* "" and [] are how SDKs say nothing. */
static int is_said(const llm_json_t *node)
{
    switch (node ? node->type : LLM_JSON_NULL) {
    case LLM_JSON_NULL:
    case LLM_JSON_FALSE:
        return 0;
    case LLM_JSON_STRING:
        return !llm_text_is_empty(llm_json_text(node));
    case LLM_JSON_ARRAY:
    case LLM_JSON_OBJECT:
        return node->count > 0;
    default:
        return 1;
    }
}

/* ---- options ---- */

/* Off by these values. */
static const struct {
    const char *name;
    double off;
} switches[] = {
    {"min_p", 0}, {"mirostat", 0},  {"repeat_penalty", 1},
    {"tfs_z", 1}, {"typical_p", 1}, {NULL, 0},
};

static int is_off(const llm_json_t *option)
{
    double value;
    int i = 0;

    while (switches[i].name
           && !llm_text_equals(option->name, switches[i].name)) {
        ++i;
    }
    return switches[i].name && llm_json_double(option, &value)
           && !(value < switches[i].off) && !(value > switches[i].off);
}

static const llm_number_row_t numbers[] = {
    {"frequency_penalty", offsetof(llm_ask_t, frequency_penalty)},
    {"num_predict", offsetof(llm_ask_t, max_tokens)},
    {"presence_penalty", offsetof(llm_ask_t, presence_penalty)},
    {"seed", offsetof(llm_ask_t, seed)},
    {"temperature", offsetof(llm_ask_t, temperature)},
    {"top_k", offsetof(llm_ask_t, top_k)},
    {"top_p", offsetof(llm_ask_t, top_p)},
    {NULL, 0},
};

/* -1 is no limit, and -2 as much as there is room for. */
static int is_no_limit(const llm_json_t *node)
{
    double value;

    return llm_json_double(node, &value) && value < 0;
}

static llm_problem_t *read_stop(llm_ask_t *ask, const llm_json_t *stop,
                                apr_pool_t *pool)
{
    const llm_json_t *node = stop->child;

    if (stop->type != LLM_JSON_STRING && stop->type != LLM_JSON_ARRAY) {
        return expected("options.stop", "an array of strings", pool);
    }
    for (; node; node = node->next) {
        if (node->type != LLM_JSON_STRING) {
            return expected("options.stop", "an array of strings", pool);
        }
    }
    ask->stop = is_said(stop) ? stop : NULL;
    return NULL;
}

static llm_problem_t *read_option(llm_ask_t *ask, const llm_json_t *option,
                                  apr_pool_t *pool)
{
    int i = 0;

    while (numbers[i].name && !llm_text_equals(option->name, numbers[i].name)) {
        ++i;
    }
    if (llm_text_equals(option->name, "stop")) {
        return read_stop(ask, option, pool);
    }
    if (!numbers[i].name) {
        if (!is_off(option)) {
            llm_ask_add_unknown(ask, option, "options", pool);
        }
        return NULL;
    }
    if (option->type != LLM_JSON_NUMBER) {
        return expected(apr_pstrcat(pool, "options.", numbers[i].name, NULL),
                        "a number", pool);
    }
    if (numbers[i].offset != offsetof(llm_ask_t, max_tokens)
        || !is_no_limit(option)) {
        memcpy((char *)ask + numbers[i].offset, &option, sizeof(option));
    }
    return NULL;
}

static llm_problem_t *read_options(llm_ask_t *ask, const llm_json_t *doc,
                                   apr_pool_t *pool)
{
    const llm_json_t *options = llm_json_want(doc, "options"), *option;
    llm_problem_t *problem = NULL;

    if (options && options->type != LLM_JSON_OBJECT) {
        return expected("options", "an object", pool);
    }
    for (option = options ? options->child : NULL; option && !problem;
         option = option->next) {
        if (option->type != LLM_JSON_NULL) {
            problem = read_option(ask, option, pool);
        }
    }
    return problem;
}

/* ---- what else is said of the answer ---- */

static llm_problem_t *read_format(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    const llm_json_t *format = llm_json_want(doc, "format");

    if (!is_said(format)) {
        return NULL;
    }
    if (format->type == LLM_JSON_OBJECT) {
        ask->format = LLM_FORMAT_SCHEMA;
        ask->format_schema = format;
        ask->format_held = 1;
        return NULL;
    }
    if (!llm_json_equals(format, "json")) {
        return expected("format", "\"json\" or a JSON Schema", pool);
    }
    ask->format = LLM_FORMAT_JSON;
    return NULL;
}

static llm_problem_t *read_think(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *think = llm_json_want(doc, "think");

    if (!think) {
        return NULL;
    }
    if (llm_json_is_bool(think)) {
        ask->thinking = llm_json_is_true(think) ? 1 : -1;
        return NULL;
    }
    if (!llm_json_equals(think, "low") && !llm_json_equals(think, "medium")
        && !llm_json_equals(think, "high") && !llm_json_equals(think, "max")) {
        return expected("think",
                        "true, false, \"low\", \"medium\", \"high\" or \"max\"",
                        pool);
    }
    ask->thinking = 1;
    ask->effort = llm_json_text(think);
    return NULL;
}

static llm_problem_t *read_logprobs(llm_ask_t *ask, const llm_json_t *doc,
                                    apr_pool_t *pool)
{
    const llm_json_t *logprobs = llm_json_want(doc, "logprobs");
    const llm_json_t *top = llm_json_want(doc, "top_logprobs");

    if (logprobs && !llm_json_is_bool(logprobs)) {
        return expected("logprobs", "true or false", pool);
    }
    if (top && top->type != LLM_JSON_NUMBER) {
        return expected("top_logprobs", "a number", pool);
    }
    if (llm_json_is_true(logprobs)) {
        ask->logprobs = logprobs;
    }
    ask->top_logprobs = top;
    return NULL;
}

/* ---- chats and prompts ---- */

/* A member that nobody else has, unless it says nothing. */
static void note_member(llm_ask_t *ask, const llm_json_t *doc, const char *name,
                        apr_pool_t *pool)
{
    const llm_json_t *member = llm_json_want(doc, name);

    if (is_said(member)) {
        llm_ask_add_unknown(ask, member, NULL, pool);
    }
}

/* `shift` and `truncate` say what is left out of a conversation too long: what
 * fits is the same with them and without. */
static llm_problem_t *read_turns(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    static const char *const chat[] = {
        "format",  "keep_alive", "logprobs", "messages",     "model",
        "options", "stream",     "think",    "top_logprobs", "tools",
        "shift",   "truncate",   NULL};
    static const char *const generate[] = {
        "context", "format",   "images",   "keep_alive", "logprobs",
        "model",   "options",  "prompt",   "raw",        "stream",
        "suffix",  "system",   "template", "think",      "top_logprobs",
        "shift",   "truncate", NULL};
    llm_problem_t *problem;

    ask->prompt = !llm_json_get(doc, "messages");
    if (!ask->prompt) {
        problem = llm_ollama_read_messages(ask, doc, pool);
        llm_ask_add_unknowns(ask, doc, chat, NULL, pool);
        return problem;
    }
    problem = llm_ollama_read_prompt(ask, doc, pool);
    note_member(ask, doc, "context", pool); /* a conversation, in tokens */
    note_member(ask, doc, "raw", pool);
    note_member(ask, doc, "suffix", pool);
    note_member(ask, doc, "template", pool);
    llm_ask_add_unknowns(ask, doc, generate, NULL, pool);
    return problem;
}

static llm_problem_t *read_chat(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    const llm_json_t *stream = llm_json_want(doc, "stream");
    llm_problem_t *problem;

    if (stream && !llm_json_is_bool(stream)) {
        return expected("stream", "true or false", pool);
    }
    ask->stream = !stream || llm_json_is_true(stream);
    problem = read_options(ask, doc, pool);
    if (!problem) {
        problem = read_format(ask, doc, pool);
    }
    if (!problem) {
        problem = read_think(ask, doc, pool);
    }
    if (!problem) {
        problem = read_logprobs(ask, doc, pool);
    }
    if (!problem) {
        problem = llm_read_functions(ask, doc, pool);
    }
    if (!problem) {
        problem = read_turns(ask, doc, pool);
    }
    note_member(ask, doc, "keep_alive", pool);
    return problem;
}

/* ---- embeddings ---- */

/* `truncate`: few others cut what is too long, and nothing that fits is
 * changed by it. */
static llm_problem_t *read_embed(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    static const char *const known[] = {"dimensions", "input",  "keep_alive",
                                        "model",      "prompt", "options",
                                        "truncate",   NULL};
    const llm_json_t *input = llm_json_want(doc, "input");
    const llm_json_t *prompt = llm_json_want(doc, "prompt");
    const llm_json_t *truncate = llm_json_want(doc, "truncate");
    const llm_json_t *node;

    ask->truncate = truncate ? (llm_json_is_true(truncate) ? 1 : -1) : 0;
    ask->prompt = !input && prompt;
    ask->embed_input = ask->prompt ? prompt : input;
    ask->dimensions = llm_json_want(doc, "dimensions");
    node = ask->embed_input;
    if (!node
        || (node->type != LLM_JSON_STRING
            && (ask->prompt || node->type != LLM_JSON_ARRAY))) {
        return expected(
            ask->prompt ? "prompt" : "input",
            ask->prompt ? "a string" : "a string or an array of strings", pool);
    }
    if (ask->dimensions && ask->dimensions->type != LLM_JSON_NUMBER) {
        return expected("dimensions", "a number", pool);
    }
    note_member(ask, doc, "keep_alive", pool);
    llm_ask_add_unknowns(ask, doc, known, NULL, pool);
    return read_options(ask, doc, pool);
}

llm_problem_t *llm_ollama_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_ask_make(pask, op, doc, pool);

    if (problem) {
        return problem;
    }
    return op == LLM_OP_EMBED ? read_embed(*pask, doc, pool)
                              : read_chat(*pask, doc, pool);
}
