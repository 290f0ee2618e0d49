/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the Anthropic dialect: {"type":"error","error":{"type","message"},
 * "request_id"}, with neither code nor param. Servers that copy the dialect
 * answer in OpenAI's form at times, and what stands before them in any form:
 * what is not Anthropic's is left to the reader that knows all of these.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/openai_internal.h"

#include <string.h>

/* A type and the HTTP status it stands for. */
static const llm_word_t types[] = {
    {"invalid_request_error", 400},
    {"authentication_error", 401},
    {"billing_error", 402},
    {"permission_error", 403},
    {"not_found_error", 404},
    {"conflict_error", 409},
    {"request_too_large", 413},
    {"rate_limit_error", 429},
    {"api_error", 500},
    {"timeout_error", 504},
    {"overloaded_error", 529},
    {NULL, 0},
};

static int is_ours(const llm_json_t *doc)
{
    return llm_json_equals(llm_json_get(doc, "type"), "error")
           && llm_json_is(llm_json_get(doc, "error"), LLM_JSON_OBJECT);
}

static llm_problem_t *problem_from(int status, const apr_table_t *headers,
                                   const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *error = llm_json_get(doc, "error");

    return llm_problem_from_provider(
        status, headers, llm_json_string(llm_json_get(error, "message"), pool),
        llm_json_string(llm_json_get(error, "type"), pool), NULL, pool);
}

llm_problem_t *llm_anthropic_read_problem(int status,
                                          const apr_table_t *headers,
                                          const llm_json_t *doc,
                                          llm_bytes_t body, apr_pool_t *pool)
{
    return is_ours(doc)
               ? problem_from(status, headers, doc, pool)
               : llm_openai_read_problem(status, headers, doc, body, pool);
}

llm_problem_t *llm_anthropic_problem_in(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_path(doc, "error", "type", NULL);

    if (is_ours(doc)) {
        return problem_from(llm_word_value(types, llm_json_text(type), 502),
                            NULL, doc, pool);
    }
    /* Without a type it is none of Anthropic's: an error of a proxy? */
    return llm_json_get(doc, "type") ? NULL : llm_openai_problem_in(doc, pool);
}

llm_problem_t *llm_anthropic_event_problem(const llm_event_t *event,
                                           apr_pool_t *pool)
{
    llm_problem_t *problem = llm_anthropic_problem_in(event->doc, pool);

    if (!problem && llm_bytes_are(event->event, "error")) {
        problem = llm_openai_event_problem(event, pool);
    }
    return problem;
}

/* ---- for clients ---- */

/* The type Anthropic has for a status. */
static const char *type_for(const llm_problem_t *problem)
{
    const char *word = llm_word_of(types, problem->status);

    if (word) {
        return word;
    }
    if (problem->kind == LLM_PROBLEM_UNAVAILABLE) {
        return "overloaded_error";
    }
    return problem->status < 500 ? "invalid_request_error" : "api_error";
}

/* What is too long is said in Anthropic's words: clients look for them, and
 * shorten the conversation. */
static void put_message(llm_buf_t *out, const llm_problem_t *problem)
{
    static const char words[] = "prompt is too long";
    apr_size_t at;

    llm_put_name(out, "message");
    if (!problem->code || strcmp(problem->code, LLM_CODE_TOO_LONG) != 0
        || strstr(problem->message, words)) {
        llm_buf_put_string(out, problem->message);
        return;
    }
    llm_buf_putc(out, '"');
    llm_buf_puts(out, words);
    llm_buf_lit(out, ": ");
    at = out->len;
    llm_buf_put_string(out, problem->message);
    /* one string, so without its first quote */
    memmove(out->data + at, out->data + at + 1, out->len - at - 1);
    llm_buf_cut(out, out->len - 1);
}

int llm_anthropic_is_problem(const llm_json_t *doc)
{
    return !llm_text_is_empty(
        llm_json_text(llm_json_path(doc, "error", "type", NULL)));
}

void llm_anthropic_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                                 const char *request_id)
{
    llm_buf_lit(out, "{\"type\":\"error\",\"error\":{");
    llm_put_string_member(out, "type", type_for(problem));
    put_message(out, problem);
    llm_buf_putc(out, '}');
    llm_put_string_member(out, "request_id", request_id);
    llm_buf_putc(out, '}');
}

void llm_anthropic_write_stream_problem(llm_buf_t *out,
                                        const llm_problem_t *problem,
                                        const char *request_id)
{
    llm_buf_lit(out, "event: error\ndata: ");
    llm_anthropic_write_problem(out, problem, request_id);
    llm_buf_lit(out, "\n\n");
}
