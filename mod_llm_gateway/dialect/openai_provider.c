/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes a request to an OpenAI-compatible server: options and tools
 * here, turns in openai_turns.c.
 *
 * Servers of this dialect differ in what they take. What is known of a public
 * one is a line of the table below; a server not in it gets what all of them
 * understand. The new names that OpenAI's reasoning models insist on go by the
 * model's name as well, since they are served through other addresses too.
 */
#include "dialect/openai_internal.h"
#include "dialect/limits.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define USER_MAX 64 /* characters OpenAI takes as `user` */

/* ---- what servers do in their own way ---- */

#define GENUINE                                                                \
    (LLM_OPENAI_GENUINE | LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_HAS_RESPONSES)

static const struct {
    const char *host; /* or the end of one, behind a dot */
    unsigned quirks;
} hosts[] = {
    {"api.openai.com", GENUINE},
    {"openai.azure.com", GENUINE},
    {"services.ai.azure.com", GENUINE},
    {"openrouter.ai",
     LLM_OPENAI_REASONS | LLM_OPENAI_TAKES_DETAILS | LLM_OPENAI_TAKES_CACHE},
    {"api.deepseek.com", LLM_OPENAI_TAKES_REASONING},
    {"api.z.ai", LLM_OPENAI_TAKES_REASONING},
    {"api.moonshot.ai", LLM_OPENAI_TAKES_REASONING},
    {"api.mistral.ai", LLM_OPENAI_NO_STREAM_OPTIONS | LLM_OPENAI_NINE_LETTER_IDS
                           | LLM_OPENAI_CHATS_ONLY},
    {"api.groq.com", LLM_OPENAI_CHATS_ONLY},
    {"api.perplexity.ai", LLM_OPENAI_CHATS_ONLY},
    {"generativelanguage.googleapis.com", LLM_OPENAI_CHATS_ONLY},
    {NULL, 0},
};

static const struct {
    const char *model; /* how its name begins, behind the last "/" */
    unsigned quirks;
} models[] = {
    {"o1", LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_REASONS},
    {"o3", LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_REASONS},
    {"o4", LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_REASONS},
    {"gpt-5", LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_REASONS},
    {"gpt-oss", LLM_OPENAI_REASONS},
    {NULL, 0},
};

static int is_host(const char *host, const char *wanted)
{
    apr_size_t len = strlen(host), end = strlen(wanted);

    return len >= end && !strcasecmp(host + len - end, wanted)
           && (len == end || host[len - end - 1] == '.');
}

unsigned llm_openai_quirks(const llm_provider_t *provider, const char *model)
{
    const char *name = strrchr(model, '/');
    unsigned quirks = 0;
    int i;

    name = name ? name + 1 : model;
    if (provider->dialect == &llm_dialect_azure) {
        quirks |= GENUINE | LLM_OPENAI_MODEL_IN_PATH;
    }
    for (i = 0; hosts[i].host; ++i) {
        if (provider->host && is_host(provider->host, hosts[i].host)) {
            quirks |= hosts[i].quirks;
        }
    }
    for (i = 0; models[i].model; ++i) {
        if (!strncmp(name, models[i].model, strlen(models[i].model))) {
            quirks |= models[i].quirks;
        }
    }
    return quirks;
}

/* ---- tools ---- */

static void put_tools(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask)
{
    const llm_tool_t *tool;

    if (!ask->tools) {
        return;
    }
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        llm_put_comma(out);
        llm_buf_lit(out, "{\"type\":\"function\",\"function\":{");
        llm_put_text_member(out, "name", tool->name);
        llm_put_text_member(out, "description", tool->description);
        llm_put_member(out, "parameters", tool->schema);
        llm_put_member(out, "strict", tool->strict);
        llm_buf_lit(out, "}}");
        if (tool->cache) {
            llm_request_drop(req, "tools.cache_control");
        }
    }
    llm_buf_putc(out, ']');
}

static void put_choice(llm_buf_t *out, const llm_ask_t *ask)
{
    if (!ask->tools) { /* a choice among none is an error there */
        return;
    }
    switch (ask->choose) {
    case LLM_CHOOSE_UNSAID:
        break;
    case LLM_CHOOSE_AUTO:
        llm_put_string_member(out, "tool_choice", "auto");
        break;
    case LLM_CHOOSE_NONE:
        llm_put_string_member(out, "tool_choice", "none");
        break;
    case LLM_CHOOSE_ANY:
        llm_put_string_member(out, "tool_choice", "required");
        break;
    case LLM_CHOOSE_TOOL:
        llm_put_name(out, "tool_choice");
        llm_buf_lit(out, "{\"type\":\"function\",\"function\":{");
        llm_put_text_member(out, "name", ask->choose_name);
        llm_buf_lit(out, "}}");
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

/* An effort the client named goes on, a budget only to what can reason. */
static void put_effort(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                       unsigned quirks, apr_pool_t *pool)
{
    int is_named = ask->effort.data != NULL;
    int reasons = is_named
                      ? (quirks & (LLM_OPENAI_REASONS | LLM_OPENAI_GENUINE))
                            != LLM_OPENAI_GENUINE
                      : (quirks & LLM_OPENAI_REASONS) != 0;

    if (reasons) {
        llm_put_string_member(out, "reasoning_effort",
                              llm_openai_effort(ask, pool));
    }
    else if (is_named || ask->thinking > 0) {
        llm_request_drop(req, is_named ? "reasoning_effort" : "thinking");
    }
}

static void put_format(llm_buf_t *out, const llm_ask_t *ask)
{
    if (ask->format == LLM_FORMAT_JSON) {
        llm_put_raw_member(out, "response_format",
                           "{\"type\":\"json_object\"}");
    }
    else if (ask->format == LLM_FORMAT_SCHEMA) {
        llm_put_name(out, "response_format");
        llm_buf_lit(out, "{\"type\":\"json_schema\",\"json_schema\":{");
        llm_put_text_member(out, "name",
                            ask->format_name.data ? ask->format_name
                                                  : LLM_TEXT_LITERAL("answer"));
        llm_put_member(out, "strict", ask->format_strict);
        llm_put_member(out, "schema", ask->format_schema);
        llm_buf_lit(out, "}}");
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
    llm_put_member(out,
                   quirks & LLM_OPENAI_NEW_LIMIT ? "max_completion_tokens"
                                                 : "max_tokens",
                   ask->max_tokens);
    llm_put_member(out, "temperature", ask->temperature);
    llm_put_member(out, "top_p", ask->top_p);
    llm_put_member(out, "top_k", ask->top_k);
    llm_put_member(out, "n", ask->n);
    llm_put_member(out, "stop", ask->stop);
    llm_put_member(out, "seed", ask->seed);
    llm_put_member(out, "frequency_penalty", ask->frequency_penalty);
    llm_put_member(out, "presence_penalty", ask->presence_penalty);
    llm_put_member(out, "logit_bias", ask->logit_bias);
    llm_put_member(out, "logprobs", ask->logprobs);
    llm_put_member(out, "top_logprobs", ask->top_logprobs);
    llm_put_text_member(out, "service_tier", ask->service_tier);
    llm_put_member(out, "metadata", ask->metadata);
    put_user(out, req, ask);
    put_format(out, ask);
    put_effort(out, req, ask, quirks, pool);
    put_choice(out, ask);
    put_tools(out, req, ask);
}

static llm_problem_t *put_chat(llm_buf_t *out, llm_request_t *req,
                               const llm_ask_t *ask,
                               const llm_provider_t *provider,
                               const char *model, apr_pool_t *pool)
{
    unsigned quirks = llm_openai_quirks(provider, model);
    llm_limits_t limits = {
        .who = quirks & LLM_OPENAI_GENUINE ? "openai" : "OpenAI-compatible",
        .lacks = quirks & LLM_OPENAI_GENUINE ? LLM_LACKS_TOP_K : 0,
    };
    llm_problem_t *problem = llm_ask_fit(&ask, req, &limits, pool);

    if (!problem) {
        problem = llm_openai_put_messages(out, req, ask, quirks, pool);
    }
    if (!problem) {
        put_options(out, req, ask, quirks, pool);
    }
    if (ask->stream) {
        llm_put_raw_member(out, "stream", "true");
        if (provider->ask_usage && !(quirks & LLM_OPENAI_NO_STREAM_OPTIONS)) {
            llm_put_raw_member(out, "stream_options",
                               "{\"include_usage\":true}");
        }
    }
    return problem;
}

static void put_embed(llm_buf_t *out, const llm_ask_t *ask)
{
    llm_put_member(out, "input", ask->embed_input);
    llm_put_member(out, "dimensions", ask->dimensions);
    llm_put_text_member(out, "encoding_format", ask->encoding_format);
    llm_put_text_member(out, "user", ask->user);
}

llm_problem_t *llm_openai_write_request(llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        const llm_provider_t *provider,
                                        apr_pool_t *pool)
{
    llm_buf_t *out = llm_request_buf(pool);
    llm_problem_t *problem;

    problem = llm_request_settle_unknown(req, ask, NULL, pool);
    if (problem) {
        return problem;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    if (ask->op == LLM_OP_EMBED) {
        put_embed(out, ask);
    }
    else {
        problem = put_chat(out, req, ask, provider, model, pool);
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
