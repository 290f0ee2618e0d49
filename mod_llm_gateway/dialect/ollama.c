/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ollama's own API, facing clients and providers: one JSON document a line, tool
 * calls without ids, arguments as objects. A server of Ollama's speaks
 * OpenAI's dialect too, below /v1; this one has what is missing there:
 * thinking, schemas as `format`, and the server's own options.
 *
 * Native paths: the model is named in the body. /api/generate, whose text is
 * `response`, is metered like a chat.
 */
#include "dialect/ollama_internal.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_time.h"
#include "dialect/openai_internal.h"

/* ---- words and numbers ---- */

llm_finish_e llm_ollama_finish(const llm_json_t *doc, int calls)
{
    static const llm_word_t words[] = {
        {"stop", LLM_FINISH_STOP},
        {"length", LLM_FINISH_LENGTH},
        {LLM_OLLAMA_FILTERED, LLM_FINISH_FILTERED},
        {NULL, 0},
    };
    llm_text_t reason;

    if (!llm_json_is_true(llm_json_get(doc, "done"))) {
        return LLM_FINISH_NONE;
    }
    reason = llm_json_text(llm_json_want(doc, "done_reason"));
    if (calls && !llm_text_equals(reason, "length")) {
        return LLM_FINISH_TOOL_CALLS;
    }
    /* servers of early 2024 give none */
    return llm_text_is_empty(reason)
               ? LLM_FINISH_STOP
               : (llm_finish_e)llm_word_value(words, reason, LLM_FINISH_OTHER);
}

apr_int64_t llm_ollama_created(const llm_json_t *doc, apr_pool_t *pool)
{
    const char *text = llm_json_string(llm_json_get(doc, "created_at"), pool);
    apr_time_t when;

    return text && !llm_time_read(&when, text, 0) ? apr_time_sec(when) : 0;
}

/* A prompt the server still had is not counted: then the count is unknown,
 * which is not zero. Thinking is part of eval_count. */
int llm_ollama_read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    int input = llm_usage_take(usage, LLM_CLASS_INPUT,
                               llm_json_get(doc, "prompt_eval_count"));

    return llm_usage_take(usage, LLM_CLASS_OUTPUT,
                          llm_json_get(doc, "eval_count"))
           || input;
}

static void read_facts(const char **pmodel, llm_finish_e *pfinish,
                       const llm_json_t *doc, apr_pool_t *pool)
{
    const char *model = llm_json_string(llm_json_get(doc, "model"), pool);
    llm_finish_e finish = llm_ollama_finish(
        doc, llm_json_path(doc, "message", "tool_calls", NULL) != NULL);

    if (model && *model) {
        *pmodel = model;
    }
    if (finish != LLM_FINISH_NONE) {
        *pfinish = finish;
    }
}

/* ---- errors ---- */

llm_problem_t *llm_ollama_problem_in(const llm_json_t *doc, apr_pool_t *pool)
{
    llm_bytes_t none = {NULL, 0};

    return llm_json_want(doc, "error")
               ? llm_openai_read_problem(502, NULL, doc, none, pool)
               : NULL;
}

static llm_problem_t *event_problem(const llm_event_t *event, apr_pool_t *pool)
{
    return llm_ollama_problem_in(event->doc, pool);
}

static int is_last(const llm_event_t *event)
{
    return llm_json_is_true(llm_json_get(event->doc, "done"));
}

/* What its clients call what is ours. */
static const llm_rename_t names[] = {
    {"frequency_penalty", "options.frequency_penalty"},
    {"max_tokens", "options.num_predict"},
    {"messages.content.thinking", "messages.thinking"},
    {"messages.reasoning_content", "messages.thinking"},
    {"presence_penalty", "options.presence_penalty"},
    {"reasoning_effort", "think"},
    {"response_format", "format"},
    {"seed", "options.seed"},
    {"stop", "options.stop"},
    {"temperature", "options.temperature"},
    {"thinking", "think"},
    {"top_k", "options.top_k"},
    {"top_p", "options.top_p"},
    {NULL, NULL},
};

const llm_dialect_t llm_dialect_ollama = {
    .name = "ollama",
    .speaks = "ollama",
    .client_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_MODELS,
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT | LLM_OP_EMBED,
    .default_url = "http://127.0.0.1:11434",
    .framing = LLM_FRAMING_NDJSON,
    .chat_path = "/api/chat",

    .read_line = llm_ollama_read_line,
    .names = names,
    .read_request = llm_ollama_read_request,
    .write_response = llm_ollama_write_response,
    .writer_make = llm_ollama_writer_make,
    .write_delta = llm_ollama_write_delta,
    .write_problem = llm_ollama_write_problem,
    .is_problem = llm_ollama_is_problem,
    .write_stream_problem = llm_ollama_write_stream_problem,
    .write_models = llm_ollama_write_models,
    .write_model = llm_ollama_write_model,

    .write_request = llm_ollama_write_request,
    .pass_request = llm_ollama_pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_ollama_read_response,
    .reader_make = llm_ollama_reader_make,
    .read_event = llm_ollama_read_event,
    .reader_end = llm_ollama_reader_end,
    .read_usage = llm_ollama_read_usage,
    .read_facts = read_facts,
    .read_problem = llm_openai_read_problem,
    .event_problem = event_problem,
    .is_last = is_last,
};
