/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Bedrock's Converse and ConverseStream, for the models of many makers.
 *
 * The model is named in the path, where its colon is percent-encoded, so that
 * what is sent is what is signed. A stream is AWS's binary one: an event's
 * name stands in a header of its frame. `inputTokens` are those that no cache
 * was asked for; what caches gave and took stands beside it, twice in answers
 * to some clients, and only one of the two is read.
 */
#include "dialect/bedrock_internal.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/anthropic_internal.h"
#include "dialect/openai_internal.h"
#include "dialect/sign_aws.h"

/* ---- words and numbers ---- */

llm_finish_e llm_bedrock_finish(const llm_json_t *reason)
{
    static const llm_word_t words[] = {
        {"end_turn", LLM_FINISH_STOP},
        {"stop_sequence", LLM_FINISH_STOP_SEQUENCE},
        {"max_tokens", LLM_FINISH_LENGTH},
        {"model_context_window_exceeded", LLM_FINISH_LENGTH},
        {"tool_use", LLM_FINISH_TOOL_CALLS},
        {"guardrail_intervened", LLM_FINISH_FILTERED},
        {"content_filtered", LLM_FINISH_FILTERED},
        {NULL, 0},
    };
    llm_text_t word = llm_json_text(reason);

    return llm_text_is_empty(word)
               ? LLM_FINISH_NONE
               : (llm_finish_e)llm_word_value(words, word, LLM_FINISH_OTHER);
}

/* [{"ttl":"1h","inputTokens":5}]: those of an hour, which are part of
 * cacheWriteInputTokens. */
static apr_int64_t hour_writes(const llm_json_t *details)
{
    const llm_json_t *node =
        llm_json_is(details, LLM_JSON_ARRAY) ? details->child : NULL;
    apr_int64_t count = 0, sum = 0;

    for (; node; node = node->next) {
        if (llm_json_equals(llm_json_get(node, "ttl"), "1h")
            && llm_json_int(llm_json_get(node, "inputTokens"), &count)
            && count > 0) {
            sum += count;
        }
    }
    return sum;
}

/* The counts of Converse. */
static int take_counts(llm_usage_t *usage, const llm_json_t *counts)
{
    apr_int64_t hour = hour_writes(llm_json_get(counts, "cacheDetails"));
    int input = llm_usage_take(usage, LLM_CLASS_INPUT,
                               llm_json_get(counts, "inputTokens"));

    llm_usage_take(usage, LLM_CLASS_CACHE_READ,
                   llm_json_get(counts, "cacheReadInputTokens"));
    if (llm_usage_take(usage, LLM_CLASS_CACHE_WRITE,
                       llm_json_get(counts, "cacheWriteInputTokens"))
        && hour) {
        llm_usage_set(usage, LLM_CLASS_CACHE_WRITE,
                      llm_usage_rest(usage->n[LLM_CLASS_CACHE_WRITE], hour));
        llm_usage_set(usage, LLM_CLASS_CACHE_WRITE_1H, hour);
    }
    return llm_usage_take(usage, LLM_CLASS_OUTPUT,
                          llm_json_get(counts, "outputTokens"))
           || input;
}

/* Converse's own; else, on native routes, what InvokeModel's many makers say. */
int llm_bedrock_read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    return take_counts(usage, llm_json_want(doc, "usage"))
           || llm_bedrock_read_invoked(usage, doc);
}

/* Answers that come sooner for a price have no word but how they came. */
static const char *read_tier(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *tier = llm_json_path(doc, "serviceTier", "type", NULL);

    if (llm_json_equals(
            llm_json_path(doc, "performanceConfig", "latency", NULL),
            "optimized")) {
        return "optimized";
    }
    return llm_text_is_empty(llm_json_text(tier)) ? NULL
                                                  : llm_json_string(tier, pool);
}

static void read_facts(const char **pmodel, llm_finish_e *pfinish,
                       const llm_json_t *doc, apr_pool_t *pool)
{
    llm_finish_e finish = llm_bedrock_finish(llm_json_want(doc, "stopReason"));

    if (finish != LLM_FINISH_NONE) {
        *pfinish = finish;
    }
    else { /* Converse does not name its model, and Claude itself does */
        llm_anthropic_read_facts(pmodel, pfinish, doc, pool);
    }
}

/* ---- errors ---- */

/* The message's first line: what is behind it, where a signature is wrong, is
 * the request with its session token. */
static const char *message_in(const llm_json_t *doc, apr_pool_t *pool)
{
    const char *message = llm_json_string(llm_json_want(doc, "message"), pool);

    if (!message) {
        message = llm_json_string(llm_json_want(doc, "Message"), pool);
    }
    return message ? apr_pstrmemdup(pool, message, strcspn(message, "\r\n"))
                   : NULL;
}

/* "ValidationException:http://internal.amazon.com/..." and, in a body,
 * "com.amazon.coral.service#ValidationException" */
static const char *type_in(const apr_table_t *headers, const llm_json_t *doc,
                           apr_pool_t *pool)
{
    const char *type =
        headers ? apr_table_get(headers, "x-amzn-errortype") : NULL;
    const char *hash;

    if (!type) {
        type = llm_json_string(llm_json_want(doc, "__type"), pool);
    }
    if (!type) {
        return NULL;
    }
    hash = strchr(type, '#');
    type = hash ? hash + 1 : type;
    return apr_pstrmemdup(pool, type, strcspn(type, ":"));
}

llm_problem_t *llm_bedrock_read_problem(int status, const apr_table_t *headers,
                                        const llm_json_t *doc, llm_bytes_t body,
                                        apr_pool_t *pool)
{
    const char *type = type_in(headers, doc, pool);

    (void)body; /* what is no JSON is a page of some proxy's */
    return llm_problem_from_provider(status, headers, message_in(doc, pool),
                                     type, type, pool);
}

llm_problem_t *llm_bedrock_event_problem(const llm_event_t *event,
                                         apr_pool_t *pool)
{
    static const struct {
        const char *name;
        int status;
    } known[] = {
        {"throttlingException", 429},
        {"validationException", 400},
        {"internalServerException", 500},
        {"modelStreamErrorException", 502},
        {"modelTimeoutException", 504},
        {"serviceUnavailableException", 503},
        {NULL, 502},
    };
    static const char end[] = "Exception";
    apr_size_t len = sizeof(end) - 1;
    const char *name;
    int i = 0;

    if (event->event.len < len
        || memcmp(event->event.data + event->event.len - len, end, len) != 0) {
        return NULL;
    }
    name = apr_pstrmemdup(pool, event->event.data, event->event.len);
    while (known[i].name && strcmp(known[i].name, name)) {
        ++i;
    }
    return llm_problem_from_provider(
        known[i].status, NULL, message_in(event->doc, pool), name, name, pool);
}

static int is_last(const llm_event_t *event)
{
    return llm_bytes_are(event->event, "metadata")
           || llm_json_get(event->doc, LLM_BEDROCK_METRICS);
}

/* ---- credentials ---- */

/* The label behind "bedrock-runtime" ("bedrock-runtime-fips"), also of an
 * endpoint in one's own network; the first of all where there is none. */
static const char *region_of(const char *host, apr_pool_t *pool)
{
    const char *at = strstr(host, "bedrock-runtime");

    at = at ? strchr(at, '.') : NULL;
    if (!at || !strchr(at + 1, '.')) {
        return "us-east-1";
    }
    return apr_pstrmemdup(pool, at + 1, strcspn(at + 1, "."));
}

static int sign(llm_buf_t *out, const llm_provider_t *provider,
                const llm_request_t *request, const char *host,
                const char *secret, apr_time_t now, apr_pool_t *pool)
{
    llm_aws_place_t place = {region_of(provider->host, pool), "bedrock", host};
    llm_aws_key_t key;

    if (!llm_aws_key_read(&key, secret)) {
        return 0; /* a key of Bedrock's own, sent as it is */
    }
    llm_aws_sign(out, &key, &place, request, now, pool);
    return 1;
}

/* ---- native calls ---- */

/* Of "/model/{name}/converse", "/model/{name}/invoke" and the like. */
static const char *native_model(const char *path, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    const char *at = strstr(path, "model/");

    (void)doc;
    if (!at || (at != path && at[-1] != '/')) {
        return NULL;
    }
    at += strlen("model/");
    return llm_path_unescape(at, strcspn(at, "/?"), pool);
}

/* A colon may stand in a path as it is, but one of two spellings is signed. */
static const char *native_path(const llm_provider_t *provider, const char *rest,
                               apr_pool_t *pool)
{
    const char *path = llm_dialect_native_path(provider, rest, pool);
    apr_size_t end = strcspn(path, "?"), i;
    llm_buf_t *out = llm_buf_make(0, pool);

    for (i = 0; i < end; ++i) {
        if (path[i] == ':') {
            llm_buf_lit(out, "%3A");
        }
        else {
            llm_buf_putc(out, path[i]);
        }
    }
    llm_buf_puts(out, path + end);
    return apr_pstrmemdup(pool, out->data ? out->data : "", out->len);
}

/* ---- members ---- */

static const llm_rename_t names[] = {
    {"frequency_penalty", "additionalModelRequestFields.frequency_penalty"},
    {"max_tokens", "inferenceConfig.maxTokens"},
    {"messages.content.cache_control", "messages.content.cachePoint"},
    {"messages.content.file", "messages.content.document"},
    {"messages.content.file.filename", "messages.content.document.name"},
    {"messages.content.image_url", "messages.content.image"},
    {"messages.content.input_audio", "messages.content.audio"},
    {"messages.content.is_error", "messages.content.toolResult.status"},
    {"messages.content.thinking", "messages.content.reasoningContent"},
    {"messages.reasoning_content", "messages.content.reasoningContent"},
    {"presence_penalty", "additionalModelRequestFields.presence_penalty"},
    {"reasoning_effort", "outputConfig.effort"},
    {"response_format", "outputConfig.textFormat"},
    {"response_format.json_schema.name",
     "outputConfig.textFormat.structure.jsonSchema.name"},
    {"seed", "additionalModelRequestFields.seed"},
    {"service_tier", "serviceTier"},
    {"stop", "inferenceConfig.stopSequences"},
    {"temperature", "inferenceConfig.temperature"},
    {"thinking", "additionalModelRequestFields.thinking"},
    {"tool_choice", "toolConfig.toolChoice"},
    {"tools", "toolConfig.tools"},
    {"tools.cache_control", "toolConfig.tools.cachePoint"},
    {"tools.function.strict", "toolConfig.tools.toolSpec.strict"},
    {"top_k", "additionalModelRequestFields.top_k"},
    {"top_p", "inferenceConfig.topP"},
    {NULL, NULL},
};

const llm_dialect_t llm_dialect_bedrock = {
    .name = "bedrock",
    .speaks = "bedrock",
    .client_ops = LLM_OP_CHAT | LLM_OP_COUNT,
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT,
    .default_url = "https://bedrock-runtime.us-east-1.amazonaws.com",
    .framing = LLM_FRAMING_EVENTSTREAM,
    .also = llm_bedrock_also,
    .names = names,

    .read_line = llm_bedrock_read_line,
    .read_request = llm_bedrock_read_request,
    .write_response = llm_bedrock_write_response,
    .writer_make = llm_bedrock_writer_make,
    .write_delta = llm_bedrock_write_delta,
    .write_problem = llm_bedrock_write_problem,
    .is_problem = llm_bedrock_is_problem,
    .write_stream_problem = llm_bedrock_write_stream_problem,
    .add_reply_headers = llm_bedrock_add_reply_headers,

    .pass_request = llm_bedrock_pass_request,
    .write_request = llm_bedrock_write_request,
    .secret_header = llm_openai_secret_header,
    .sign = sign,
    .read_response = llm_bedrock_read_response,
    .reader_make = llm_bedrock_reader_make,
    .read_event = llm_bedrock_read_event,
    .reader_end = llm_bedrock_reader_end,
    .read_usage = llm_bedrock_read_usage,
    .read_head_usage = llm_bedrock_read_head_usage,
    .read_facts = read_facts,
    .read_tier = read_tier,
    .read_problem = llm_bedrock_read_problem,
    .event_problem = llm_bedrock_event_problem,
    .unwrap_event = llm_bedrock_unwrap_event,
    .is_last = is_last,
    .native_model = native_model,
    .native_path = native_path,
};
