/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic's dialect: the Messages API. The map of its files is in
 * anthropic_internal.h.
 *
 * Counts. input_tokens exclude the cache: what a prompt used is the sum of
 * input_tokens, cache_read_input_tokens and cache_creation_input_tokens, the
 * last told apart by lifetime in cache_creation. output_tokens include
 * thinking, which newer answers tell in output_tokens_details. In a stream
 * message_start tells the prompt and a first guess of the output; the counts
 * of message_delta are cumulative and final, and with server tools far above
 * those of the start: every key that comes overwrites.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/splice.h"

#include <string.h>

/* ---- words ---- */

static const llm_word_t finish_words[] = {
    {"end_turn", LLM_FINISH_STOP},
    {"stop_sequence", LLM_FINISH_STOP_SEQUENCE},
    {"max_tokens", LLM_FINISH_LENGTH},
    {"tool_use", LLM_FINISH_TOOL_CALLS},
    {"refusal", LLM_FINISH_FILTERED},
    {"pause_turn", LLM_FINISH_PAUSE},
    {"model_context_window_exceeded", LLM_FINISH_LENGTH},
    {NULL, 0},
};

llm_finish_e llm_anthropic_finish(const llm_json_t *reason)
{
    return (llm_finish_e)llm_word_value(finish_words, llm_json_text(reason),
                                        llm_json_is(reason, LLM_JSON_STRING)
                                            ? LLM_FINISH_OTHER
                                            : LLM_FINISH_NONE);
}

const char *llm_anthropic_finish_name(llm_finish_e finish)
{
    const char *word = llm_word_of(finish_words, (int)finish);

    return word ? word : "end_turn";
}

/* ---- usage ---- */

/* Writing to the cache: by lifetime where that is told, else the sum, of which
 * what is known to last an hour is a part. */
static int take_cache_writes(llm_usage_t *usage, const llm_json_t *object)
{
    const llm_json_t *split = llm_json_want(object, "cache_creation");
    apr_int64_t sum, hour = usage->n[LLM_CLASS_CACHE_WRITE_1H];
    int found =
        llm_usage_take(usage, LLM_CLASS_CACHE_WRITE,
                       llm_json_get(split, "ephemeral_5m_input_tokens"));

    found |= llm_usage_take(usage, LLM_CLASS_CACHE_WRITE_1H,
                            llm_json_get(split, "ephemeral_1h_input_tokens"));
    if (!found
        && llm_json_int(llm_json_get(object, "cache_creation_input_tokens"),
                        &sum)
        && sum >= 0) {
        llm_usage_set(usage, LLM_CLASS_CACHE_WRITE, llm_usage_rest(sum, hour));
        found = 1;
    }
    return found;
}

static int take_output(llm_usage_t *usage, const llm_json_t *object)
{
    apr_int64_t output, thinking;

    if (!llm_json_int(llm_json_get(object, "output_tokens"), &output)
        || output < 0) {
        return 0;
    }
    if (llm_json_int(llm_json_path(object, "output_tokens_details",
                                   "thinking_tokens", NULL),
                     &thinking)
        && thinking >= 0) {
        thinking = thinking < output ? thinking : output;
        llm_usage_set(usage, LLM_CLASS_REASONING, thinking);
        output -= thinking;
    }
    else if (usage->n[LLM_CLASS_REASONING]) { /* told earlier, of less */
        llm_usage_set(usage, LLM_CLASS_REASONING, 0);
    }
    llm_usage_set(usage, LLM_CLASS_OUTPUT, output);
    return 1;
}

int llm_anthropic_take_usage(llm_usage_t *usage, const llm_json_t *object,
                             int partial)
{
    int found = llm_usage_take(usage, LLM_CLASS_INPUT,
                               llm_json_get(object, "input_tokens"));

    found |= llm_usage_take(usage, LLM_CLASS_CACHE_READ,
                            llm_json_get(object, "cache_read_input_tokens"));
    found |= take_cache_writes(usage, object);
    if (!partial) {
        found |= take_output(usage, object);
    }
    return found;
}

int llm_anthropic_read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    const llm_json_t *start = llm_json_path(doc, "message", "usage", NULL);

    return start ? llm_anthropic_take_usage(usage, start, 1)
                 : llm_anthropic_take_usage(usage, llm_json_want(doc, "usage"),
                                            0);
}

void llm_anthropic_put_usage(llm_buf_t *out, const llm_usage_t *usage,
                             const char *tier)
{
    const apr_int64_t *n = usage->n;

    llm_buf_putc(out, '{');
    llm_put_int_member(out, "input_tokens",
                       n[LLM_CLASS_INPUT] + n[LLM_CLASS_AUDIO_IN]);
    llm_put_int_member(out, "cache_creation_input_tokens",
                       n[LLM_CLASS_CACHE_WRITE] + n[LLM_CLASS_CACHE_WRITE_1H]);
    llm_put_int_member(out, "cache_read_input_tokens", n[LLM_CLASS_CACHE_READ]);
    llm_buf_lit(out, ",\"cache_creation\":{");
    llm_put_int_member(out, "ephemeral_5m_input_tokens",
                       n[LLM_CLASS_CACHE_WRITE]);
    llm_put_int_member(out, "ephemeral_1h_input_tokens",
                       n[LLM_CLASS_CACHE_WRITE_1H]);
    llm_buf_putc(out, '}');
    llm_put_int_member(out, "output_tokens", llm_usage_output(usage));
    if (n[LLM_CLASS_REASONING]) {
        llm_buf_lit(out, ",\"output_tokens_details\":{");
        llm_put_int_member(out, "thinking_tokens", n[LLM_CLASS_REASONING]);
        llm_buf_putc(out, '}');
    }
    if (tier) {
        llm_put_string_member(out, "service_tier", tier);
    }
    llm_buf_putc(out, '}');
}

/* ---- facts of a passed answer ---- */

void llm_anthropic_read_facts(const char **pmodel, llm_finish_e *pfinish,
                              const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *message = llm_json_want(doc, "message");
    const llm_json_t *delta = llm_json_want(doc, "delta");
    const llm_json_t *model = llm_json_want(message ? message : doc, "model");
    llm_finish_e finish =
        llm_anthropic_finish(llm_json_want(delta ? delta : doc, "stop_reason"));

    if (!llm_text_is_empty(llm_json_text(model))) {
        *pmodel = llm_json_string(model, pool);
    }
    if (finish != LLM_FINISH_NONE) {
        *pfinish = finish;
    }
}

/* "standard", "priority", "batch": in the usage, a stream's first event. */
const char *llm_anthropic_read_tier(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *tier =
        llm_json_path(doc, "message", "usage", "service_tier", NULL);

    if (!tier) {
        tier = llm_json_path(doc, "usage", "service_tier", NULL);
    }
    return llm_text_is_empty(llm_json_text(tier)) ? NULL
                                                  : llm_json_string(tier, pool);
}

int llm_anthropic_is_last(const llm_event_t *event)
{
    return llm_json_equals(llm_json_get(event->doc, "type"), "message_stop")
           || (!event->doc && llm_bytes_are(event->event, "message_stop"));
}

/* ---- requests ---- */

const char *llm_anthropic_path_of(llm_op_e op)
{
    return op == LLM_OP_COUNT ? "/v1/messages/count_tokens" : "/v1/messages";
}

static llm_problem_t *pass_request(llm_request_t *req, llm_op_e op,
                                   llm_bytes_t raw, const char *model,
                                   const llm_provider_t *provider, int *phide,
                                   apr_pool_t *pool)
{
    *phide = 0; /* usage is always told */
    req->method = "POST";
    req->path = llm_provider_path(provider, llm_anthropic_path_of(op), pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return llm_splice_model(req, raw, model, pool);
}

static const char *secret_header(const char **pprefix)
{
    *pprefix = "";
    return "x-api-key";
}

static void add_headers(apr_table_t *headers, const llm_provider_t *provider)
{
    (void)provider;
    if (!apr_table_get(headers, "anthropic-version")) {
        apr_table_setn(headers, "anthropic-version", "2023-06-01");
    }
}

static void write_model(llm_buf_t *out, const char *name, apr_time_t now,
                        apr_pool_t *pool)
{
    char when[APR_RFC822_DATE_LEN];
    apr_time_exp_t exploded;
    apr_size_t len;

    (void)pool;
    apr_time_exp_gmt(&exploded, now);
    apr_strftime(when, &len, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &exploded);
    llm_put_comma(out);
    llm_buf_lit(out, "{\"type\":\"model\"");
    llm_put_string_member(out, "id", name);
    llm_put_string_member(out, "display_name", name);
    llm_put_string_member(out, "created_at", when);
    llm_buf_putc(out, '}');
}

/* The list of models, in the shape of GET /v1/models of Anthropic. */
static void write_models(llm_buf_t *out, const apr_array_header_t *names,
                         apr_time_t now, apr_pool_t *pool)
{
    const char *name = NULL;
    int i;

    llm_buf_lit(out, "{\"data\":[");
    for (i = 0; i < names->nelts; ++i) {
        name = APR_ARRAY_IDX(names, i, const char *);
        write_model(out, name, now, pool);
    }
    llm_buf_lit(out, "],\"has_more\":false,\"first_id\":");
    llm_buf_put_string(out,
                       name ? APR_ARRAY_IDX(names, 0, const char *) : NULL);
    llm_buf_lit(out, ",\"last_id\":");
    llm_buf_put_string(out, name);
    llm_buf_putc(out, '}');
}

/* What its clients call what is ours. */
static const llm_rename_t names[] = {
    {"parallel_tool_calls", "tool_choice.disable_parallel_tool_use"},
    {"reasoning_effort", "output_config.effort"},
    {"response_format", "output_config.format"},
    {"stop", "stop_sequences"},
    {"tools.function", "tools"},
    {"user", "metadata.user_id"},
    {NULL, NULL},
};

const llm_dialect_t llm_dialect_anthropic = {
    .name = "anthropic",
    .speaks = "anthropic",
    .client_ops = LLM_OP_CHAT | LLM_OP_COUNT | LLM_OP_MODELS,
    .provider_ops = LLM_OP_CHAT | LLM_OP_COUNT | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT | LLM_OP_COUNT,
    .default_url = "https://api.anthropic.com",
    .framing = LLM_FRAMING_SSE,
    .begins_with_input = 1,
    .chat_path = "/messages",

    .names = names,
    .read_request = llm_anthropic_read_request,
    .write_response = llm_anthropic_write_response,
    .writer_make = llm_anthropic_writer_make,
    .write_delta = llm_anthropic_write_delta,
    .write_problem = llm_anthropic_write_problem,
    .is_problem = llm_anthropic_is_problem,
    .write_stream_problem = llm_anthropic_write_stream_problem,
    .write_models = write_models,
    .write_model = write_model,

    .write_request = llm_anthropic_write_request,
    .pass_request = pass_request,
    .secret_header = secret_header,
    .add_headers = add_headers,
    .read_response = llm_anthropic_read_response,
    .reader_make = llm_anthropic_reader_make,
    .read_event = llm_anthropic_read_event,
    .reader_end = llm_anthropic_reader_end,
    .read_usage = llm_anthropic_read_usage,
    .read_facts = llm_anthropic_read_facts,
    .read_tier = llm_anthropic_read_tier,
    .read_problem = llm_anthropic_read_problem,
    .event_problem = llm_anthropic_event_problem,
    .is_last = llm_anthropic_is_last,
};
