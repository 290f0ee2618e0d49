/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole answers in Converse's form, for its clients; counts of tokens, errors
 * and the headers that go with them.
 *
 * Clients take the name of an error from a header, x-amzn-ErrorType. Of
 * thinking that is hidden they decode the bytes and send them back encoded
 * again: what is no base64 to the letter is wrapped in it.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/tier.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* What wrapped thinking begins with, plain and as base64 has it. */
#define MARK        "llmgw:r:x" /* of whole groups of three */
#define MARK_BASE64 "bGxtZ3c6cjp4"

/* ---- words and numbers ---- */

const char *llm_bedrock_finish_name(llm_finish_e finish)
{
    switch (finish) {
    case LLM_FINISH_STOP_SEQUENCE:
        return "stop_sequence";
    case LLM_FINISH_LENGTH:
    case LLM_FINISH_PAUSE: /* the client may ask on */
        return "max_tokens";
    case LLM_FINISH_TOOL_CALLS:
        return "tool_use";
    case LLM_FINISH_FILTERED:
        return "content_filtered";
    default:
        return "end_turn";
    }
}

static apr_int64_t latency_of(const llm_ask_t *ask)
{
    return ask->clock && ask->began && *ask->clock > ask->began
               ? apr_time_as_msec(*ask->clock - ask->began)
               : 0;
}

void llm_bedrock_put_tier(llm_buf_t *out, const char *tier)
{
    if (tier) {
        llm_put_name(out, "serviceTier");
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "type", tier);
        llm_buf_putc(out, '}');
    }
}

void llm_bedrock_put_counts(llm_buf_t *out, const llm_usage_t *usage,
                            const llm_ask_t *ask)
{
    const apr_int64_t *n = usage->n;
    apr_int64_t written =
        n[LLM_CLASS_CACHE_WRITE] + n[LLM_CLASS_CACHE_WRITE_1H];
    apr_int64_t cached = n[LLM_CLASS_CACHE_READ] + written;

    llm_put_name(out, "usage");
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "inputTokens",
                       llm_usage_rest(llm_usage_input(usage), cached));
    llm_put_int_member(out, "outputTokens", llm_usage_output(usage));
    llm_put_int_member(out, "totalTokens", llm_usage_total(usage));
    if (llm_usage_is_known(usage, LLM_CLASS_CACHE_READ)) {
        llm_put_int_member(out, "cacheReadInputTokens",
                           n[LLM_CLASS_CACHE_READ]);
    }
    if (llm_usage_is_known(usage, LLM_CLASS_CACHE_WRITE) || written) {
        llm_put_int_member(out, "cacheWriteInputTokens", written);
    }
    if (n[LLM_CLASS_CACHE_WRITE_1H]) {
        llm_buf_lit(out, ",\"cacheDetails\":[{\"ttl\":\"1h\"");
        llm_put_int_member(out, "inputTokens", n[LLM_CLASS_CACHE_WRITE_1H]);
        llm_buf_lit(out, "}]");
    }
    llm_buf_putc(out, '}');
    llm_put_name(out, "metrics");
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "latencyMs", latency_of(ask));
    llm_buf_putc(out, '}');
}

/* ---- hidden thinking ---- */

/* Base64 that decoded and encoded again is the same. */
static int is_base64(llm_text_t text)
{
    static const char two[] = "AEIMQUYcgkosw048", four[] = "AQgw";
    apr_size_t len = text.len, i;

    if (!len || len % 4) {
        return 0;
    }
    len -= text.data[len - 1] == '=';
    len -= len < text.len && text.data[len - 1] == '=';
    for (i = 0; i < len; ++i) {
        if (!apr_isalnum(text.data[i]) && text.data[i] != '+'
            && text.data[i] != '/') {
            return 0;
        }
    }
    return len == text.len
           || (len == text.len - 1 ? strchr(two, text.data[len - 1]) != NULL
                                   : strchr(four, text.data[len - 1]) != NULL);
}

llm_text_t llm_bedrock_wrap(llm_text_t hidden, apr_pool_t *pool)
{
    apr_size_t mark = sizeof(MARK) - 1;
    llm_bytes_t plain;
    llm_text_t wrapped;
    char *bytes, *text;

    if (is_base64(hidden)) {
        return hidden;
    }
    plain = llm_text_decode(hidden, pool);
    bytes = apr_pstrcat(pool, MARK, apr_pstrmemdup(pool, plain.data, plain.len),
                        NULL);
    mark += plain.len;
    text = apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)mark));
    apr_base64_encode(text, bytes, (int)mark);
    wrapped.data = text;
    wrapped.len = strlen(text);
    return wrapped;
}

llm_text_t llm_bedrock_unwrap(llm_text_t text, apr_pool_t *pool)
{
    apr_size_t mark = sizeof(MARK_BASE64) - 1;
    char *bytes;
    int len;

    if (text.len < mark || memcmp(text.data, MARK_BASE64, mark) != 0
        || !is_base64(text)) {
        return text;
    }
    bytes = apr_palloc(pool, text.len);
    len = apr_base64_decode(
        bytes, apr_pstrmemdup(pool, text.data + mark, text.len - mark));
    return llm_text_escape(bytes, (apr_size_t)len, pool);
}

/* ---- whole answers ---- */

static void put_thinking(llm_buf_t *out, const llm_part_t *part)
{
    llm_buf_lit(out, "{\"reasoningContent\":{\"reasoningText\":{");
    llm_put_needed_text(out, "text", part->text);
    llm_put_text_member(out, "signature", part->signature);
    llm_buf_lit(out, "}}}");
}

static void put_call(llm_buf_t *out, const llm_call_t *call, const char *seed,
                     int number, apr_pool_t *pool)
{
    llm_buf_lit(out, "{\"toolUse\":{");
    llm_put_string_member(
        out, "toolUseId",
        call->id ? call->id : llm_call_id_make("tooluse_", seed, number, pool));
    llm_put_needed_text(out, "name", call->name);
    llm_put_name(out, "input");
    llm_buf_append(out, call->args.data, call->args.len);
    llm_buf_lit(out, "}}");
}

static void put_text(llm_buf_t *out, const llm_part_t *part,
                     const llm_part_t *parts)
{
    const llm_cite_t *cite = part->citations;
    llm_extent_t extent;
    apr_int64_t start;

    if (!part->text.len) {
        return;
    }
    llm_put_comma(out);
    llm_buf_puts(out, cite ? "{\"citationsContent\":{\"content\":[{" : "{");
    llm_put_text_member(out, "text", part->text);
    llm_buf_putc(out, '}');
    if (cite) {
        extent = llm_parts_extent(parts, part);
        start = extent.chars;
        llm_extent_add(&extent, part->text);
        llm_buf_lit(out, "],\"citations\":[");
        for (; cite; cite = cite->next) {
            llm_bedrock_put_citation(out, cite, start, extent.chars);
        }
        llm_buf_lit(out, "]}}");
    }
}

static void put_parts(llm_buf_t *out, const llm_part_t *parts, const char *seed,
                      apr_pool_t *pool)
{
    const llm_part_t *part = parts;
    int calls = 0;

    for (; part; part = part->next) {
        switch (part->kind) {
        case LLM_PART_TEXT:
        case LLM_PART_REFUSAL:
            if (llm_bedrock_shows(part->media)) {
                llm_put_comma(out);
                llm_bedrock_put_shown(out, part->media);
            }
            else {
                put_text(out, part, parts);
            }
            break;
        case LLM_PART_THINKING:
            llm_put_comma(out);
            put_thinking(out, part);
            break;
        case LLM_PART_REDACTED:
            llm_put_comma(out);
            llm_buf_lit(out, "{\"reasoningContent\":{");
            llm_put_text_member(out, "redactedContent",
                                llm_bedrock_wrap(part->text, pool));
            llm_buf_lit(out, "}}");
            break;
        case LLM_PART_TOOL_CALL:
            llm_put_comma(out);
            put_call(out, part->call, seed, calls++, pool);
            break;
        default: /* what a provider did for itself */
            break;
        }
    }
}

static void write_chat(llm_buf_t *out, const llm_ask_t *ask,
                       const llm_answer_t *answer, apr_pool_t *pool)
{
    const llm_choice_t *choice = answer->choices;
    const llm_part_t *parts = choice ? choice->parts : NULL;
    llm_finish_e finish = choice ? choice->finish : LLM_FINISH_STOP;

    if (finish == LLM_FINISH_STOP && llm_parts_have(parts, LLM_PART_REFUSAL)) {
        finish = LLM_FINISH_FILTERED;
    }
    llm_buf_lit(out, "{\"output\":{\"message\":{\"role\":\"assistant\","
                     "\"content\":[");
    put_parts(out, parts, llm_answer_seed(ask, answer, pool), pool);
    llm_buf_lit(out, "]}}");
    llm_put_string_member(out, "stopReason", llm_bedrock_finish_name(finish));
    llm_bedrock_put_counts(out, answer->usage, ask);
    llm_bedrock_put_tier(
        out, llm_tier_word(answer->service_tier, llm_tiers_bedrock));
    llm_buf_putc(out, '}');
}

void llm_bedrock_write_response(llm_buf_t *out, const llm_ask_t *ask,
                                const llm_answer_t *answer, apr_pool_t *pool)
{
    if (ask->op == LLM_OP_COUNT) {
        llm_buf_putc(out, '{');
        llm_put_int_member(out, "inputTokens", answer->tokens);
        llm_buf_putc(out, '}');
    }
    else {
        write_chat(out, ask, answer, pool);
    }
}

/* ---- errors ---- */

/* AWS's name of it; its classes are what SDKs raise. */
static const char *type_of(const llm_problem_t *problem)
{
    switch (problem->kind) {
    case LLM_PROBLEM_UNAUTHORIZED:
    case LLM_PROBLEM_FORBIDDEN:
        return "AccessDeniedException";
    case LLM_PROBLEM_PAYMENT:
        return "ServiceQuotaExceededException";
    case LLM_PROBLEM_NOT_FOUND:
        return "ResourceNotFoundException";
    case LLM_PROBLEM_RATE_LIMITED:
        return "ThrottlingException";
    case LLM_PROBLEM_INTERNAL:
    case LLM_PROBLEM_UPSTREAM:
        return "InternalServerException";
    case LLM_PROBLEM_UNAVAILABLE:
    case LLM_PROBLEM_OVERLOADED:
        return "ServiceUnavailableException";
    case LLM_PROBLEM_TIMEOUT:
        return "ModelTimeoutException";
    default:
        return "ValidationException";
    }
}

void llm_bedrock_add_reply_headers(apr_table_t *headers,
                                   const llm_problem_t *problem,
                                   const char *request_id)
{
    if (problem && !apr_table_get(headers, "x-amzn-ErrorType")) {
        apr_table_setn(headers, "x-amzn-ErrorType", type_of(problem));
    }
    if (!apr_table_get(headers, "x-amzn-RequestId")) {
        apr_table_setn(headers, "x-amzn-RequestId", request_id);
    }
}

static void put_message(llm_buf_t *out, const llm_problem_t *problem)
{
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "message", problem->message);
    llm_buf_putc(out, '}');
}

void llm_bedrock_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                               const char *request_id)
{
    (void)request_id; /* in a header */
    put_message(out, problem);
}

/* In a stream the exceptions are fewer, and begin small. */
void llm_bedrock_write_stream_problem(llm_buf_t *out,
                                      const llm_problem_t *problem,
                                      const char *request_id)
{
    static const struct {
        llm_problem_e kind;
        const char *name;
    } names[] = {
        {LLM_PROBLEM_RATE_LIMITED, "throttlingException"},
        {LLM_PROBLEM_INTERNAL, "internalServerException"},
        {LLM_PROBLEM_UNAVAILABLE, "serviceUnavailableException"},
        {LLM_PROBLEM_OVERLOADED, "serviceUnavailableException"},
        {LLM_PROBLEM_UPSTREAM, "modelStreamErrorException"},
        {LLM_PROBLEM_TIMEOUT, "modelStreamErrorException"},
        {LLM_PROBLEM_KINDS, "validationException"},
    };
    apr_size_t begin;
    int i = 0;

    (void)request_id;
    while (names[i].kind != problem->kind
           && names[i].kind != LLM_PROBLEM_KINDS) {
        ++i;
    }
    begin = llm_eventstream_open(out, "exception", names[i].name);
    put_message(out, problem);
    llm_eventstream_close(out, begin);
}

int llm_bedrock_is_problem(const llm_json_t *doc)
{
    return llm_json_is(llm_json_get(doc, "message"), LLM_JSON_STRING)
           || llm_json_is(llm_json_get(doc, "Message"), LLM_JSON_STRING);
}
