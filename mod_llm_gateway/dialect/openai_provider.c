/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes a request to an OpenAI-compatible server: options and tools
 * here, turns in openai_turns.c.
 *
 * Servers of this dialect differ in what they take: see profile.h. One that is
 * not known gets what all of them understand.
 */
#include "dialect/openai_internal.h"
#include "dialect/schema.h"
#include "dialect/tier.h"

#include <string.h>

#include <apr_strings.h>

#define USER_MAX 64 /* characters OpenAI takes as `user` */

unsigned llm_openai_quirks(const llm_provider_t *provider, const char *model)
{
    return llm_profile_habits(provider, model).quirks;
}

/* ---- tools ---- */

/* OpenAI refuses a strict function whose schema does not keep its rules;
 * Anthropic, Bedrock and Cohere have others. */
static int takes_strict(const llm_tool_t *tool, unsigned quirks)
{
    if (quirks & LLM_OPENAI_NO_TOOL_STRICT) {
        return 0;
    }
    return !(quirks & LLM_OPENAI_GENUINE) || !llm_json_is_true(tool->strict)
           || llm_schema_is_strict(tool->schema);
}

static void put_tools(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                      unsigned quirks)
{
    const llm_tool_t *tool;

    if (!ask->tools
        || ((quirks & LLM_OPENAI_AUTO_CHOICE)
            && ask->choose == LLM_CHOOSE_NONE)) {
        return;
    }
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        llm_put_comma(out);
        if (tool->custom && (quirks & LLM_OPENAI_GENUINE)) {
            llm_buf_lit(out, "{\"type\":\"custom\",\"custom\":{");
            llm_openai_put_custom(out, tool, 0);
            llm_buf_lit(out, "}}");
            continue;
        }
        llm_buf_lit(out, "{\"type\":\"function\",\"function\":{");
        llm_put_text_member(out, "name", tool->name);
        llm_put_text_member(out, "description", tool->description);
        if (tool->schema) {
            llm_put_name(out, "parameters");
            llm_put_tool_schema(out, tool->schema);
        }
        if (takes_strict(tool, quirks)) {
            llm_put_member(out, "strict", tool->strict);
        }
        else if (llm_json_is_true(tool->strict)) {
            llm_request_drop(req, "tools.function.strict");
        }
        llm_buf_lit(out, "}}");
        if (tool->cache) {
            llm_request_drop(req, "tools.cache_control");
        }
    }
    llm_buf_putc(out, ']');
}

static void put_named_choice(llm_buf_t *out, llm_text_t name, int custom)
{
    llm_put_name(out, "tool_choice");
    llm_buf_puts(out, custom ? "{\"type\":\"custom\",\"custom\":{"
                             : "{\"type\":\"function\",\"function\":{");
    llm_put_text_member(out, "name", name);
    llm_buf_lit(out, "}}");
}

static void put_forced_choice(llm_buf_t *out, const llm_ask_t *ask,
                              unsigned quirks, apr_pool_t *pool)
{
    int any = ask->choose == LLM_CHOOSE_ANY;

    /* with one tool, it and any are the same */
    if (any && !(quirks & LLM_OPENAI_NO_REQUIRED)) {
        llm_put_string_member(out, "tool_choice",
                              quirks & LLM_OPENAI_OWN_WORDS ? "any"
                                                            : "required");
    }
    else if (any) {
        put_named_choice(out, ask->tools ? ask->tools->name : LLM_TEXT_NONE, 0);
    }
    else if (quirks & LLM_OPENAI_NO_NAMED_CHOICE) {
        llm_put_string_member(out, "tool_choice", "required");
    }
    else {
        put_named_choice(
            out, ask->choose_name,
            (quirks & LLM_OPENAI_GENUINE)
                && llm_openai_is_custom(ask, ask->choose_name, pool));
    }
}

static void put_choice(llm_buf_t *out, const llm_ask_t *ask, unsigned quirks,
                       apr_pool_t *pool)
{
    if (!ask->tools) { /* a choice among none is an error there */
        return;
    }
    if (llm_openai_put_allowed(out, ask, 0)) {
        llm_put_member(out, "parallel_tool_calls", ask->parallel);
        return;
    }
    switch (ask->choose) {
    case LLM_CHOOSE_UNSAID:
        break;
    case LLM_CHOOSE_AUTO:
        llm_put_string_member(out, "tool_choice", "auto");
        break;
    case LLM_CHOOSE_NONE:
        if (!(quirks & LLM_OPENAI_AUTO_CHOICE)) { /* put_tools offers none */
            llm_put_string_member(out, "tool_choice", "none");
        }
        break;
    case LLM_CHOOSE_ANY:
    case LLM_CHOOSE_TOOL:
        put_forced_choice(out, ask, quirks, pool);
        break;
    }
    llm_put_member(out, "parallel_tool_calls", ask->parallel);
}

/* ---- options ---- */

/* Budgets of thinking tokens as the words OpenAI has for them. */
static const char *effort_of_budget(const llm_json_t *budget)
{
    apr_int64_t tokens;

    if (!llm_json_int(budget, &tokens)) {
        return "medium";
    }
    return tokens <= 2048 ? "low" : tokens <= 8192 ? "medium" : "high";
}

const char *llm_openai_effort(const llm_ask_t *ask, apr_pool_t *pool)
{
    if (llm_text_equals(ask->effort, "max")) {
        return "high";
    }
    if (ask->effort.data) {
        return llm_text_string(ask->effort, pool);
    }
    return ask->thinking > 0 ? effort_of_budget(ask->thinking_budget) : NULL;
}

/* OpenRouter's: an effort, or a budget. */
static void put_reasoning_object(llm_buf_t *out, const llm_ask_t *ask,
                                 apr_pool_t *pool)
{
    if (!ask->effort.data && !ask->thinking && !ask->hide_thoughts) {
        return;
    }
    llm_put_name(out, "reasoning");
    llm_buf_putc(out, '{');
    if (ask->effort.data) {
        llm_put_string_member(out, "effort", llm_openai_effort(ask, pool));
    }
    else if (ask->thinking > 0 && ask->thinking_budget) {
        llm_put_member(out, "max_tokens", ask->thinking_budget);
    }
    else if (ask->thinking) {
        llm_put_raw_member(out, "enabled",
                           ask->thinking > 0 ? "true" : "false");
    }
    if (ask->hide_thoughts) {
        llm_put_raw_member(out, "exclude", "true");
    }
    llm_buf_putc(out, '}');
}

/* Whether the model thinks at all, where the server has a switch. */
static int put_thinking(llm_buf_t *out, const llm_ask_t *ask, unsigned quirks)
{
    int off = ask->thinking < 0 || llm_text_equals(ask->effort, "none");

    if (!off && !ask->effort.data && ask->thinking <= 0) {
        return 0;
    }
    if (quirks & LLM_OPENAI_THINKING_SWITCH) {
        llm_put_raw_member(out, "thinking",
                           off ? "{\"type\":\"disabled\"}"
                               : "{\"type\":\"enabled\"}");
    }
    else if (quirks & LLM_OPENAI_THINKING_FLAG) {
        llm_put_raw_member(out, "enable_thinking", off ? "false" : "true");
        if (!off) {
            llm_put_member(out, "thinking_budget", ask->thinking_budget);
        }
    }
    else {
        return 0;
    }
    return 1;
}

/* Where the server would put thoughts into the text, or the client does not
 * want them. */
static void put_thought_form(llm_buf_t *out, const llm_ask_t *ask,
                             unsigned quirks)
{
    if (quirks & LLM_OPENAI_REASONING_PARSED) {
        llm_put_string_member(out, "reasoning_format",
                              ask->hide_thoughts ? "hidden" : "parsed");
    }
    if (quirks & LLM_OPENAI_REASONING_SPLIT) {
        llm_put_raw_member(out, "reasoning_split", "true");
    }
}

/* An effort the client named goes on, a budget only to what can reason. */
static void put_effort(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                       const llm_habits_t *habits, apr_pool_t *pool)
{
    unsigned quirks = habits->quirks;
    int is_named = ask->effort.data != NULL, is_told;
    const char *effort = habits->efforts && is_named
                             ? llm_text_string(ask->effort, pool)
                             : llm_openai_effort(ask, pool);
    int reasons = is_named
                      ? (quirks & (LLM_OPENAI_REASONS | LLM_OPENAI_GENUINE))
                            != LLM_OPENAI_GENUINE
                      : (quirks & LLM_OPENAI_REASONS) != 0;

    put_thought_form(out, ask, quirks);
    if (quirks & LLM_OPENAI_REASONING_OBJECT) {
        put_reasoning_object(out, ask, pool);
        return;
    }
    is_told = put_thinking(out, ask, quirks);
    if (effort && reasons) {
        effort = llm_profile_effort(habits->efforts, effort, pool);
        llm_put_string_member(out, "reasoning_effort", effort);
    }
    else {
        effort = NULL;
    }
    if (!effort && !is_told && (is_named || ask->thinking > 0)) {
        llm_request_drop(req, is_named ? "reasoning_effort" : "thinking");
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

/* Groq has words of its own; where it has none for a tier, that is told. */
static void put_tier(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                     const llm_habits_t *habits)
{
    const char *word = llm_tier_word(ask->service_tier, llm_tiers_groq);

    if (!llm_profile_lacks(habits, "tier_words")) {
        llm_put_text_member(out, "service_tier", ask->service_tier);
    }
    else if (word) {
        llm_put_string_member(out, "service_tier", word);
    }
    else if (ask->service_tier.data) {
        llm_request_drop(req, "service_tier");
    }
}

static void put_options(llm_buf_t *out, llm_request_t *req,
                        const llm_ask_t *ask, const llm_habits_t *habits,
                        apr_pool_t *pool)
{
    unsigned quirks = habits->quirks;

    llm_put_member(out,
                   quirks & LLM_OPENAI_NEW_LIMIT ? "max_completion_tokens"
                                                 : "max_tokens",
                   ask->max_tokens);
    llm_put_member(out, "temperature", ask->temperature);
    llm_openai_put_top_p(out, req, ask, quirks);
    llm_put_member(out, "top_k", ask->top_k);
    llm_put_member(out, "n", ask->n);
    llm_put_member(out, "stop", ask->stop);
    llm_put_member(out, quirks & LLM_OPENAI_OWN_WORDS ? "random_seed" : "seed",
                   ask->seed);
    llm_put_member(out, "frequency_penalty", ask->frequency_penalty);
    llm_put_member(out, "presence_penalty", ask->presence_penalty);
    llm_put_member(out, "logit_bias", ask->logit_bias);
    llm_put_member(out, "logprobs", ask->logprobs);
    llm_put_member(out, "top_logprobs", ask->top_logprobs);
    put_tier(out, req, ask, habits);
    llm_put_member(out, "metadata", ask->metadata);
    put_user(out, req, ask);
    llm_openai_put_modalities(out, ask);
    llm_openai_put_format(out, req, ask, quirks);
    put_effort(out, req, ask, habits, pool);
    put_choice(out, ask, quirks, pool);
    put_tools(out, req, ask, quirks);
}

/* Members of the server's own, which the client added. */
static void put_own(llm_buf_t *out, const llm_ask_t *ask,
                    const char *const *own)
{
    int i;

    for (i = 0; own && i < ask->unknown->nelts; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);
        const char *const *name = own;

        while (*name && !llm_text_equals(member->name, *name)) {
            ++name;
        }
        if (*name) {
            llm_put_member(out, *name, member);
        }
    }
}

static int wants_usage(const llm_provider_t *provider, unsigned quirks)
{
    return provider->ask_usage > 1
           || (provider->ask_usage && !(quirks & LLM_OPENAI_NO_STREAM_OPTIONS));
}

static llm_problem_t *put_chat(llm_buf_t *out, llm_request_t *req,
                               const llm_ask_t *ask,
                               const llm_provider_t *provider,
                               const llm_habits_t *habits,
                               const char *const *own, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_openai_fit(&ask, req, habits, pool);

    if (!problem) {
        problem = llm_openai_put_messages(out, req, ask, habits, pool);
    }
    if (!problem) {
        put_options(out, req, ask, habits, pool);
    }
    put_own(out, ask, own);
    if (ask->stream) {
        llm_put_raw_member(out, "stream", "true");
        if (wants_usage(provider, habits->quirks)) {
            llm_put_raw_member(out, "stream_options",
                               "{\"include_usage\":true}");
        }
    }
    return problem;
}

static void put_embed(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                      const llm_habits_t *habits)
{
    llm_put_member(out, "input", ask->embed_input);
    llm_put_member(out,
                   (habits->quirks & LLM_OPENAI_OWN_WORDS) ? "output_dimension"
                                                           : "dimensions",
                   ask->dimensions);
    llm_put_text_member(out, "encoding_format", ask->encoding_format);
    if (!llm_profile_lacks(habits, "user")) {
        llm_put_text_member(out, "user", ask->user);
    }
    else if (ask->user.data) {
        llm_request_drop(req, "user");
    }
}

llm_problem_t *llm_openai_write_request(llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        const llm_provider_t *provider,
                                        apr_pool_t *pool)
{
    llm_buf_t *out = llm_request_buf(pool);
    llm_habits_t habits = llm_profile_habits(provider, model);
    const char *const *own = llm_profile_words(habits.profile->own, pool);
    llm_problem_t *problem;

    problem = llm_request_settle_unknown(req, ask, own, pool);
    if (problem) {
        return problem;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    if (ask->op == LLM_OP_EMBED) {
        put_embed(out, req, ask, &habits);
    }
    else {
        problem = put_chat(out, req, ask, provider, &habits, own, pool);
    }
    llm_buf_putc(out, '}');
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path = llm_openai_path(
        provider, ask->op == LLM_OP_EMBED ? "/embeddings" : "/chat/completions",
        pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return problem;
}
