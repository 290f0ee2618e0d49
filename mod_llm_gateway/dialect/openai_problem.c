/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the OpenAI dialect, read from providers and written to clients.
 *
 * The servers that copy the dialect do not copy its errors. Seen are:
 *
 *   {"error":{"message","type","param","code"}}  code may be a number, and the
 *                          provider's own text in metadata.raw (OpenRouter)
 *   {"error":"text","error_type":"..."}          Hugging Face
 *   {"object":"error","message","type","code"}   vLLM
 *   {"message":"text"}, {"detail":"text"}, {"detail":[{"loc","msg"}]}
 *   {"errors":[{"code","message"}],"success":false}  Cloudflare
 *   {"object":"error","message":{"detail":[{"loc","msg"}]}}  Mistral
 *   {"base_resp":{"status_code":1004,"status_msg"}}  MiniMax, under 200 too
 *   {"choices":[{"error":{"code","message"}}]}   OpenRouter, in an answer
 *   {"choices":[],"x_groq":{"error":"text"}}     Groq, in a stream
 *   a finish_reason that is a failure (DeepSeek, Mistral, OpenRouter, Z.ai)
 *   plain text, an HTML page, nothing
 *
 * and inside a 200 stream any of the first three, as an event named "error"
 * or not, alone or beside `choices`.
 */
#include "dialect/openai_internal.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define MESSAGE_MAX 2000 /* a provider's text is cut after so many bytes */

/* A code is a word; digits only repeat the status (Azure, OpenRouter). */
static const char *code_of(const llm_json_t *node, apr_pool_t *pool)
{
    const char *code = llm_json_string(node, pool);

    return code && code[strspn(code, "0123456789")] ? code : NULL;
}

static const char *cut(const char *message, apr_pool_t *pool)
{
    apr_size_t len = message ? strlen(message) : 0;

    if (len <= MESSAGE_MAX) {
        return message;
    }
    for (len = MESSAGE_MAX; len && (message[len] & 0xc0) == 0x80; --len) {
    }
    return apr_pstrcat(pool, apr_pstrmemdup(pool, message, len), "...", NULL);
}

/* FastAPI's list of what is wrong: the first entry's text. */
static const char *detail_of(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *detail = llm_json_want(doc, "detail");

    if (llm_json_is(detail, LLM_JSON_ARRAY)) {
        detail = llm_json_get(llm_json_at(detail, 0), "msg");
    }
    else if (llm_json_is(detail, LLM_JSON_OBJECT)) {
        detail = llm_json_get(detail, "message");
    }
    return llm_json_string(detail, pool);
}

/* {"error":{"message","metadata":{"raw"}}}: the text of both. */
static const char *message_of(const llm_json_t *error, apr_pool_t *pool)
{
    const char *message = llm_json_string(llm_json_get(error, "message"), pool);
    const char *raw =
        llm_json_string(llm_json_path(error, "metadata", "raw", NULL), pool);

    if (message && raw && *raw) {
        return apr_pstrcat(pool, message, ": ", cut(raw, pool), NULL);
    }
    return message ? message : raw;
}

/* A body that is no JSON: its text, unless it is a page for a browser. */
static const char *text_of(llm_bytes_t body, apr_pool_t *pool)
{
    apr_size_t len = body.len < MESSAGE_MAX ? body.len : MESSAGE_MAX;
    llm_text_t text;

    while (len && apr_isspace(*body.data)) {
        ++body.data;
        --len;
    }
    while (len && apr_isspace(body.data[len - 1])) {
        --len;
    }
    if (!len || *body.data == '<') {
        return NULL;
    }
    text = llm_text_escape(body.data, len, pool); /* makes it valid UTF-8 */
    return llm_text_string(text, pool);
}

/* The object that holds type, code and param. */
static const llm_json_t *error_of(const llm_json_t *doc)
{
    const llm_json_t *error = llm_json_want(doc, "error");

    return llm_json_is(error, LLM_JSON_OBJECT) ? error : doc;
}

/* MiniMax's; NULL where it says that all is well. */
static const llm_json_t *base_error(const llm_json_t *doc)
{
    const llm_json_t *base = llm_json_want(doc, "base_resp");
    apr_int64_t code;

    return llm_json_int(llm_json_get(base, "status_code"), &code) && code
               ? base
               : NULL;
}

static llm_problem_t *problem_from(int status, const apr_table_t *headers,
                                   const llm_json_t *doc, const char *fallback,
                                   apr_pool_t *pool)
{
    const llm_json_t *error = error_of(doc);
    const char *message, *type, *param;
    llm_problem_t *problem;

    message = message_of(error, pool);
    if (!message) {
        message = llm_json_string(llm_json_get(doc, "error"), pool);
    }
    if (!message) {
        message = detail_of(doc, pool);
    }
    if (!message) {
        message = detail_of(llm_json_get(error, "message"), pool);
    }
    if (!message) {
        message = llm_json_string(
            llm_json_get(llm_json_at(llm_json_want(doc, "errors"), 0),
                         "message"),
            pool);
    }
    if (!message) {
        message =
            llm_json_string(llm_json_get(base_error(doc), "status_msg"), pool);
    }
    type = llm_json_string(llm_json_get(error, "type"), pool);
    if (!type) {
        type = llm_json_string(llm_json_get(doc, "error_type"), pool);
    }
    problem = llm_problem_from_provider(
        status, headers, cut(message ? message : fallback, pool), type,
        code_of(llm_json_get(error, "code"), pool), pool);
    param = llm_json_string(llm_json_get(error, "param"), pool);
    problem->param = param && *param ? param : NULL;
    return problem;
}

llm_problem_t *llm_openai_read_problem(int status, const apr_table_t *headers,
                                       const llm_json_t *doc, llm_bytes_t body,
                                       apr_pool_t *pool)
{
    const char *text = NULL;

    if (!doc) {
        text = text_of(body, pool);
    }
    else if (doc->type == LLM_JSON_ARRAY) { /* Google's endpoint wraps it */
        doc = llm_json_at(doc, 0);
    }
    else if (doc->type == LLM_JSON_STRING) {
        text = llm_json_string(doc, pool);
    }
    return problem_from(status, headers, doc, text, pool);
}

/* ---- errors under status 200 ---- */

/* The HTTP status an error inside an answer stands for. */
static int status_in(const llm_json_t *doc)
{
    static const llm_word_t words[] = {
        {"invalid_request_error", 400},
        {"BadRequestError", 400},
        {"authentication_error", 401},
        {"permission_error", 403},
        {"not_found_error", 404},
        {"rate_limit_error", 429},
        {"rate_limit_exceeded", 429},
        {"rate_limited", 429},
        {"insufficient_quota", 429},
        {"requests", 429},
        {"tokens", 429},
        {"overloaded_error", 529},
        {NULL, 0},
    };
    static const struct {
        int code, status;
    } base[] = {
        {1002, 429}, {1004, 401}, {1008, 402}, {1026, 400}, {1027, 400},
        {1039, 429}, {1041, 429}, {2013, 400}, {2049, 401}, {2056, 429},
    };
    const llm_json_t *error = error_of(doc);
    apr_int64_t status;
    apr_size_t i;

    if (llm_json_int(llm_json_get(base_error(doc), "status_code"), &status)) {
        for (i = 0; i < sizeof(base) / sizeof(*base); ++i) {
            if (base[i].code == status) {
                return base[i].status;
            }
        }
        return 502;
    }

    if ((llm_json_int(llm_json_get(error, "status_code"), &status)
         || llm_json_int(llm_json_get(error, "code"), &status)
         || llm_json_int(llm_json_get(doc, "status_code"), &status))
        && status >= 400 && status <= 599) {
        return (int)status;
    }
    return llm_word_value(
        words, llm_json_text(llm_json_get(error, "type")),
        llm_word_value(words, llm_json_text(llm_json_get(error, "code")), 502));
}

/* Does its `error` say something? */
static int tells_error(const llm_json_t *holder)
{
    const llm_json_t *error = llm_json_want(holder, "error");

    return (llm_json_is(error, LLM_JSON_OBJECT) && error->count)
           || !llm_text_is_empty(llm_json_text(error));
}

/* An answer that broke down, by what one of its choices or Groq's own object
 * says. */
static llm_problem_t *broken_in(const llm_json_t *doc, apr_pool_t *pool)
{
    static const char *const broken[] = {
        "error", "insufficient_system_resource", "network_error", NULL};
    const llm_json_t *choices = llm_json_get(doc, "choices"), *choice;
    const llm_json_t *groq = llm_json_want(doc, "x_groq");
    const char *const *word;

    if (tells_error(groq)) {
        return problem_from(502, NULL, groq, NULL, pool);
    }
    for (choice = llm_json_is(choices, LLM_JSON_ARRAY) ? choices->child : NULL;
         choice; choice = choice->next) {
        const llm_json_t *reason = llm_json_get(choice, "finish_reason");

        if (tells_error(choice)) {
            return problem_from(status_in(choice), NULL, choice, NULL, pool);
        }
        for (word = broken; llm_json_is(reason, LLM_JSON_STRING) && *word;
             ++word) {
            if (llm_json_equals(reason, *word)) {
                return llm_problem_from_provider(
                    502, NULL,
                    apr_pstrcat(pool, "the provider broke the answer off: ",
                                *word, NULL),
                    NULL, NULL, pool);
            }
        }
    }
    return NULL;
}

llm_problem_t *llm_openai_problem_in(const llm_json_t *doc, apr_pool_t *pool)
{
    int is_error = tells_error(doc)
                   || llm_json_equals(llm_json_get(doc, "object"), "error")
                   || base_error(doc);

    if (!is_error && !llm_json_get(doc, "choices") && !llm_json_get(doc, "data")
        && !llm_json_get(doc, "id")) {
        /* Neither an answer nor part of one, but with something to say. */
        is_error = llm_json_string(llm_json_get(doc, "message"), pool)
                   || llm_json_get(doc, "detail")
                   || llm_json_get(doc, "error_type");
    }
    return is_error ? problem_from(status_in(doc), NULL, doc, NULL, pool)
                    : broken_in(doc, pool);
}

llm_problem_t *llm_openai_event_problem(const llm_event_t *event,
                                        apr_pool_t *pool)
{
    llm_problem_t *problem = llm_openai_problem_in(event->doc, pool);

    if (!problem && llm_bytes_are(event->event, "error")) {
        problem = problem_from(502, NULL, event->doc,
                               text_of(event->data, pool), pool);
    }
    return problem;
}

/* ---- for clients ---- */

/* OpenAI's own words, which its SDKs and their users compare with. */
static const char *type_for(const llm_problem_t *problem)
{
    static const char *const words[] = {"insufficient_quota",
                                        "invalid_request_error",
                                        "rate_limit_error",
                                        "requests",
                                        "server_error",
                                        "tokens",
                                        NULL};
    int i;

    for (i = 0; problem->type && words[i]; ++i) {
        if (!strcmp(problem->type, words[i])) {
            return words[i];
        }
    }
    switch (problem->kind) {
    case LLM_PROBLEM_UNAUTHORIZED:
        return "authentication_error";
    case LLM_PROBLEM_PAYMENT:
        return "insufficient_quota";
    case LLM_PROBLEM_FORBIDDEN:
        return "permission_error";
    case LLM_PROBLEM_RATE_LIMITED:
        return "rate_limit_error";
    default:
        return problem->status < 500 ? "invalid_request_error" : "server_error";
    }
}

const char *llm_openai_error_code(const llm_problem_t *problem)
{
    static const char *const codes[LLM_PROBLEM_KINDS] = {
        [LLM_PROBLEM_UNAUTHORIZED] = "invalid_api_key",
        [LLM_PROBLEM_PAYMENT] = "insufficient_quota",
        [LLM_PROBLEM_RATE_LIMITED] = "rate_limit_exceeded",
    };

    return problem->code ? problem->code : codes[problem->kind];
}

void llm_openai_put_error_members(llm_buf_t *out, const llm_problem_t *problem)
{
    llm_put_string_member(out, "message", problem->message);
    llm_put_string_member(out, "type", type_for(problem));
    llm_put_name(out, "param");
    llm_buf_put_string(out, problem->param);
    llm_put_name(out, "code");
    llm_buf_put_string(out, llm_openai_error_code(problem));
}

void llm_openai_put_error(llm_buf_t *out, const llm_problem_t *problem)
{
    llm_put_name(out, "error");
    llm_buf_putc(out, '{');
    llm_openai_put_error_members(out, problem);
    llm_buf_putc(out, '}');
}

void llm_openai_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id)
{
    (void)request_id; /* in the x-request-id header */
    llm_buf_putc(out, '{');
    llm_openai_put_error(out, problem);
    llm_buf_putc(out, '}');
}

void llm_openai_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id)
{
    (void)request_id;
    llm_buf_lit(out, "data: {");
    llm_openai_put_error(out, problem);
    llm_buf_lit(out, "}\n\n");
}
