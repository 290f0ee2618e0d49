/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cohere's Chat and Embed API, version 2: messages and tools as OpenAI has
 * them, thinking as parts of the content, text before calls as a `tool_plan`,
 * and a stream of named events.
 *
 * Cohere tells two counts: what it bills, and what the model saw, with the
 * provider's own instructions among it. The first is what goes into the
 * ledger; the cached tokens are part of the second, and left aside.
 */
#include "dialect/cohere_internal.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/openai_internal.h"

/* ---- words and numbers ---- */

llm_finish_e llm_cohere_finish(const llm_json_t *reason)
{
    static const llm_word_t words[] = {
        {"COMPLETE", LLM_FINISH_STOP},
        {"STOP_SEQUENCE", LLM_FINISH_STOP_SEQUENCE},
        {"MAX_TOKENS", LLM_FINISH_LENGTH},
        {"TOOL_CALL", LLM_FINISH_TOOL_CALLS},
        {"ERROR_TOXIC", LLM_FINISH_FILTERED},
        {"ERROR_LIMIT", LLM_FINISH_LENGTH},
        {NULL, 0},
    };
    llm_text_t word = llm_json_text(reason);

    return llm_text_is_empty(word)
               ? LLM_FINISH_NONE
               : (llm_finish_e)llm_word_value(words, word, LLM_FINISH_OTHER);
}

/* {"input_tokens","output_tokens"} */
static int take_counts(llm_usage_t *usage, const llm_json_t *counts)
{
    int input = llm_usage_take(usage, LLM_CLASS_INPUT,
                               llm_json_get(counts, "input_tokens"));

    llm_usage_take(usage, LLM_CLASS_IMAGES, llm_json_get(counts, "images"));
    return llm_usage_take(usage, LLM_CLASS_OUTPUT,
                          llm_json_get(counts, "output_tokens"))
           || input;
}

int llm_cohere_read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    const llm_json_t *counts = llm_json_want(doc, "usage");

    if (!counts) {
        counts = llm_json_want(doc, "meta");
    }
    if (!counts) {
        counts = llm_json_path(doc, "delta", "usage", NULL);
    }
    if (!counts) { /* how a stream of version 1 ends */
        counts = llm_json_path(doc, "response", "meta", NULL);
    }
    if (llm_json_path(counts, "billed_units", "search_units", NULL)) {
        /* ranking is billed by the request, and not by tokens */
        llm_usage_set(usage, LLM_CLASS_INPUT, 0);
        return 1;
    }
    return take_counts(usage, llm_json_get(counts, "billed_units"))
           || take_counts(usage, llm_json_get(counts, "tokens"));
}

int llm_cohere_thinks(const char *model)
{
    return strstr(model, "reasoning") != NULL;
}

static void read_facts(const char **pmodel, llm_finish_e *pfinish,
                       const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *reason = llm_json_want(doc, "finish_reason");
    llm_finish_e finish = llm_cohere_finish(
        reason ? reason : llm_json_path(doc, "delta", "finish_reason", NULL));

    (void)pmodel; /* an answer does not name its model */
    (void)pool;
    if (finish != LLM_FINISH_NONE) {
        *pfinish = finish;
    }
}

/* ---- errors ---- */

llm_problem_t *llm_cohere_problem_in(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *delta = llm_json_want(doc, "delta");
    const llm_json_t *reason =
        llm_json_want(delta ? delta : doc, "finish_reason");
    const char *message;

    if (!llm_json_equals(reason, "ERROR")
        && !llm_json_equals(reason, "TIMEOUT")) {
        return NULL;
    }
    message =
        llm_json_string(llm_json_want(delta ? delta : doc, "error"), pool);
    return llm_problem_from_provider(
        llm_json_equals(reason, "TIMEOUT") ? 504 : 502, NULL,
        message ? message : "the provider gave up in the middle of the answer",
        NULL, NULL, pool);
}

static llm_problem_t *event_problem(const llm_event_t *event, apr_pool_t *pool)
{
    return llm_cohere_problem_in(event->doc, pool);
}

static int is_last(const llm_event_t *event)
{
    return llm_json_equals(llm_json_get(event->doc, "type"), "message-end");
}

/* What its clients call what is ours. */
static const llm_rename_t names[] = {
    {"dimensions", "output_dimension"},
    {"input", "texts"},
    {"reasoning_effort", "thinking"},
    {"stop", "stop_sequences"},
    {"tools.function.strict", "strict_tools"},
    {"top_k", "k"},
    {"top_p", "p"},
    {NULL, NULL},
};

const llm_dialect_t llm_dialect_cohere = {
    .name = "cohere",
    .speaks = "cohere",
    .client_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_RERANK | LLM_OP_MODELS,
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_RERANK | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_RERANK,
    .default_url = "https://api.cohere.com",
    .framing = LLM_FRAMING_SSE,
    .chat_path = "/v2/chat",

    .read_line = llm_cohere_read_line,
    .names = names,
    .read_request = llm_cohere_read_request,
    .write_response = llm_cohere_write_response,
    .writer_make = llm_cohere_writer_make,
    .write_delta = llm_cohere_write_delta,
    .write_problem = llm_cohere_write_problem,
    .is_problem = llm_cohere_is_problem,
    .write_stream_problem = llm_cohere_write_stream_problem,
    .write_models = llm_cohere_write_models,
    .write_model = llm_cohere_write_model,

    .write_request = llm_cohere_write_request,
    .pass_request = llm_cohere_pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_cohere_read_response,
    .reader_make = llm_cohere_reader_make,
    .read_event = llm_cohere_read_event,
    .reader_end = llm_cohere_reader_end,
    .read_usage = llm_cohere_read_usage,
    .read_facts = read_facts,
    .read_problem = llm_openai_read_problem,
    .event_problem = event_problem,
    .is_last = is_last,
};
