/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes a request for a response: options and tools here, turns in
 * openai_responses_turns.c.
 *
 * Nothing is stored unless the client said so (a chat's "store"): the
 * conversation comes with each request. Reasoning is then asked for in the
 * form in which it can be sent back. A summary of it is asked for where the
 * client asked to see thinking, not where it only named an effort: OpenAI
 * gives summaries to verified organisations alone.
 *
 * There are no stop sequences, no choices, no penalties and no biases here:
 * where they are set they are refused.
 */
#include "dialect/openai_responses_internal.h"
#include "dialect/limits.h"
#include "dialect/schema.h"

#include <string.h>

#include <apr_strings.h>

#define USER_MAX 64 /* characters OpenAI takes as `user` */

static const llm_limits_t limits = {
    .who = "openai-responses",
    .lacks = LLM_LACKS_SEVERAL | LLM_LACKS_PENALTIES | LLM_LACKS_LOGIT_BIAS
             | LLM_LACKS_STOP | LLM_LACKS_TOP_K | LLM_LACKS_SEED,
    .names = {"_-", 64, 0},
};

/* ---- tools ---- */

/* Here a function is strict unless it says that it is not; elsewhere it is
 * the other way round, and by rules of their own. */
static void put_tools(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                      unsigned quirks)
{
    const llm_tool_t *tool;
    int strict;

    if (!ask->tools) {
        return;
    }
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        llm_put_comma(out);
        if (tool->custom && (quirks & LLM_OPENAI_GENUINE)) {
            llm_buf_lit(out, "{\"type\":\"custom\"");
            llm_openai_put_custom(out, tool, 1);
            llm_buf_putc(out, '}');
            continue;
        }
        llm_buf_lit(out, "{\"type\":\"function\"");
        llm_put_text_member(out, "name", tool->name);
        llm_put_text_member(out, "description", tool->description);
        llm_put_name(out, "parameters");
        llm_put_tool_schema(out, tool->schema);
        strict = llm_json_is_true(tool->strict);
        if (strict && !llm_schema_is_strict(tool->schema)) {
            llm_request_drop(req, "tools.function.strict");
            strict = 0;
        }
        llm_put_raw_member(out, "strict", strict ? "true" : "false");
        llm_buf_putc(out, '}');
        if (tool->cache) {
            llm_request_drop(req, "tools.cache_control");
        }
    }
    llm_buf_putc(out, ']');
    llm_put_member(out, "parallel_tool_calls", ask->parallel);
}

static void put_choice(llm_buf_t *out, const llm_ask_t *ask, unsigned quirks,
                       apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"auto", LLM_CHOOSE_AUTO},
        {"none", LLM_CHOOSE_NONE},
        {"required", LLM_CHOOSE_ANY},
        {NULL, 0},
    };

    if (!ask->tools /* a choice among none is an error there */
        || llm_openai_put_allowed(out, ask, 1)) {
        return;
    }
    if (ask->choose == LLM_CHOOSE_TOOL) {
        llm_put_name(out, "tool_choice");
        llm_buf_puts(
            out, (quirks & LLM_OPENAI_GENUINE)
                         && llm_openai_is_custom(ask, ask->choose_name, pool)
                     ? "{\"type\":\"custom\""
                     : "{\"type\":\"function\"");
        llm_put_text_member(out, "name", ask->choose_name);
        llm_buf_putc(out, '}');
    }
    else {
        llm_put_string_member(out, "tool_choice",
                              llm_word_of(words, (int)ask->choose));
    }
}

/* ---- options ---- */

/* A member of the client's request that has the same name and meaning here. */
static const llm_json_t *unknown_of(const llm_ask_t *ask, const char *name)
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

static const char *const handled[] = {
    "prompt_cache_key",  "prompt_cache_retention",
    "safety_identifier", "store",
    "verbosity",         NULL};

static void put_unknowns(llm_buf_t *out, const llm_ask_t *ask)
{
    const char *const *name;

    for (name = handled; *name; ++name) {
        if (strcmp(*name, "verbosity") != 0 && strcmp(*name, "store") != 0) {
            llm_put_member(out, *name, unknown_of(ask, *name));
        }
    }
    llm_put_raw_member(out, "store",
                       llm_json_is_true(unknown_of(ask, "store")) ? "true"
                                                                  : "false");
}

/* The form of the answer, and how many words it is made in. */
static void put_text(llm_buf_t *out, const llm_ask_t *ask)
{
    const llm_json_t *verbosity = unknown_of(ask, "verbosity");

    if (ask->format != LLM_FORMAT_JSON && ask->format != LLM_FORMAT_SCHEMA
        && !verbosity) {
        return;
    }
    llm_put_name(out, "text");
    llm_buf_putc(out, '{');
    if (ask->format == LLM_FORMAT_JSON) {
        llm_put_raw_member(out, "format", "{\"type\":\"json_object\"}");
    }
    else if (ask->format == LLM_FORMAT_SCHEMA) {
        llm_put_name(out, "format");
        llm_buf_lit(out, "{\"type\":\"json_schema\"");
        llm_put_text_member(out, "name",
                            ask->format_name.data ? ask->format_name
                                                  : LLM_TEXT_LITERAL("answer"));
        if (ask->format_strict) {
            llm_put_member(out, "strict", ask->format_strict);
        }
        else {
            llm_put_raw_member(out, "strict", "false");
        }
        llm_put_member(out, "schema", ask->format_schema);
        llm_buf_putc(out, '}');
    }
    llm_put_member(out, "verbosity", verbosity);
    llm_buf_putc(out, '}');
}

/* Returns 1 when the model is asked to reason, or does so unasked. */
static int put_reasoning(llm_buf_t *out, llm_request_t *req,
                         const llm_ask_t *ask, unsigned quirks,
                         apr_pool_t *pool)
{
    const char *effort = llm_openai_effort(ask, pool);
    int can = (quirks & LLM_OPENAI_REASONS) != 0;

    if (!effort) {
        return can;
    }
    if ((quirks & (LLM_OPENAI_REASONS | LLM_OPENAI_GENUINE))
        == LLM_OPENAI_GENUINE) { /* OpenAI's, and of those that do not */
        llm_request_drop(req,
                         ask->effort.data ? "reasoning_effort" : "thinking");
        return 0;
    }
    llm_put_name(out, "reasoning");
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "effort", effort);
    if (ask->thinking > 0 && (ask->thinking_budget || !ask->effort.data)) {
        llm_put_string_member(out, "summary", "auto");
    }
    llm_buf_putc(out, '}');
    return ask->thinking >= 0;
}

static void put_include(llm_buf_t *out, const llm_ask_t *ask, int reasons)
{
    int logprobs = llm_json_is_true(ask->logprobs);

    if (!reasons && !logprobs) {
        return;
    }
    llm_put_name(out, "include");
    llm_buf_putc(out, '[');
    if (reasons) {
        llm_buf_lit(out, "\"reasoning.encrypted_content\"");
    }
    if (logprobs) {
        llm_put_comma(out);
        llm_buf_lit(out, "\"message.output_text.logprobs\"");
    }
    llm_buf_putc(out, ']');
    if (logprobs) {
        llm_put_member(out, "top_logprobs", ask->top_logprobs);
    }
}

/* An end user's id; one too long for OpenAI would be refused. */
static void put_user(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask)
{
    if (ask->user.len > USER_MAX) {
        llm_request_drop(req, "metadata.user_id");
    }
    else {
        llm_put_text_member(out, "user", ask->user);
    }
}

static void put_options(llm_buf_t *out, llm_request_t *req,
                        const llm_ask_t *ask, unsigned quirks, apr_pool_t *pool)
{
    int reasons;

    llm_put_member(out, "max_output_tokens", ask->max_tokens);
    llm_put_member(out, "temperature", ask->temperature);
    llm_openai_put_top_p(out, req, ask, quirks);
    llm_put_text_member(out, "service_tier", ask->service_tier);
    llm_put_member(out, "metadata", ask->metadata);
    put_user(out, req, ask);
    put_text(out, ask);
    reasons = put_reasoning(out, req, ask, quirks, pool);
    put_include(out, ask, reasons);
    put_unknowns(out, ask);
    put_choice(out, ask, quirks, pool);
    put_tools(out, req, ask, quirks);
}

llm_problem_t *llm_responses_write_request(llm_request_t *req,
                                           const llm_ask_t *ask,
                                           const char *model,
                                           const llm_provider_t *provider,
                                           apr_pool_t *pool)
{
    llm_buf_t *out = llm_request_buf(pool);
    unsigned quirks = llm_openai_quirks(provider, model);
    llm_limits_t own = limits;
    llm_problem_t *problem =
        llm_request_settle_unknown(req, ask, handled, pool);

    own.takes_custom = own.takes_barred = (quirks & LLM_OPENAI_GENUINE) != 0;
    if (!problem) {
        problem = llm_ask_fit(&ask, req, &own, pool);
    }
    if (problem) {
        return problem;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    problem = llm_responses_put_input(out, req, ask, own.takes_custom, pool);
    if (!problem) {
        put_options(out, req, ask, quirks, pool);
    }
    if (ask->stream) {
        llm_put_raw_member(out, "stream", "true");
    }
    llm_buf_putc(out, '}');
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path = llm_openai_path(provider, "/responses", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return problem;
}
