/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usage record of an exchange, as things stand.
 *
 * What the provider counted is taken as it is. Where it counted nothing, or
 * the stream was cut before its count came, what passed is counted here and
 * the record says so. An exchange no provider began to answer used nothing.
 */
#include <string.h>

#include "core/llm_tokens.h"
#include "flow/media.h"
#include "flow/stream_internal.h"

/* Did a provider do work that it will bill? It does when it answered, whole
 * or in part, and when it was left or given up in the middle of its work. */
static int was_worked_on(const llm_exchange_t *x)
{
    const llm_attempt_t *attempt = x->current;
    int is_running = attempt->state != LLM_ATTEMPT_FAILED
                     && attempt->state != LLM_ATTEMPT_DONE;

    if (x->complete || x->first_token) {
        return 1;
    }
    if (attempt->http->status / 100 == 2 && attempt->http->received) {
        return 1;
    }
    return x->sent
           && (is_running
               || (x->problem
                   && (x->problem->kind == LLM_PROBLEM_CLIENT_GONE
                       || x->problem->kind == LLM_PROBLEM_TIMEOUT)));
}

apr_int64_t llm_flow_input(llm_exchange_t *x)
{
    if (x->input_estimate < 0) {
        if (!x->doc
            && llm_json_read(&x->doc, x->raw.data, x->raw.len, NULL, x->pool)) {
            x->doc = NULL;
        }
        x->input_estimate =
            llm_tokens_of_request(x->doc, llm_meter_tokenizer(x), x->pool);
    }
    return x->input_estimate;
}

static void estimate(llm_usage_t *usage, llm_class_e class, apr_int64_t n)
{
    usage->n[class] = n;
    usage->estimated |= 1u << class;
}

static void fill_gaps(llm_exchange_t *x, llm_usage_t *usage)
{
    apr_int64_t text = llm_tally_tokens(&x->text);
    apr_int64_t thoughts = llm_tally_tokens(&x->thoughts);

    if (x->op == LLM_OP_COUNT || x->keeps == LLM_KEEPS_OBJECTS
        || x->keeps == LLM_KEEPS_ANSWER) {
        return; /* counting is no use, and neither are storing and reading */
    }
    if (x->op & LLM_OPS_UNREAD) {
        llm_media_estimate(x, usage);
        return;
    }
    if (!llm_usage_is_known(usage, LLM_CLASS_INPUT)
        && !llm_usage_is_known(usage, LLM_CLASS_AUDIO_IN)) {
        estimate(usage, LLM_CLASS_INPUT, llm_flow_input(x));
    }
    if (x->op == LLM_OP_EMBED || x->op == LLM_OP_RERANK) {
        return;
    }
    /* a stream that was cut: its last count is older than its last text */
    if (!llm_usage_is_known(usage, LLM_CLASS_OUTPUT)
        || (!x->complete && x->stream
            && text + thoughts > llm_usage_output(usage))) {
        if (thoughts && usage->n[LLM_CLASS_REASONING] < thoughts) {
            estimate(usage, LLM_CLASS_REASONING, thoughts);
        }
        if (text > usage->n[LLM_CLASS_OUTPUT]) {
            estimate(usage, LLM_CLASS_OUTPUT, text);
        }
    }
}

static const char *op_name(const llm_exchange_t *x)
{
    static const struct {
        llm_op_e op;
        const char *name;
    } names[] = {
        {LLM_OP_EMBED, "embed"},           {LLM_OP_COUNT, "count"},
        {LLM_OP_RERANK, "rerank"},         {LLM_OP_MODERATE, "moderate"},
        {LLM_OP_IMAGE, "image"},           {LLM_OP_SPEECH, "speech"},
        {LLM_OP_TRANSCRIBE, "transcribe"},
    };

    if (x->native) {
        return "native";
    }
    for (apr_size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        if (names[i].op == x->op) {
            return names[i].name;
        }
    }
    return "chat";
}

static apr_uint32_t milliseconds(apr_time_t from, apr_time_t to)
{
    /* rounded up: 0 says that there was none */
    return from && to > from ? (apr_uint32_t)apr_time_as_msec(to - from + 999)
                             : 0;
}

static apr_uint32_t flags_of(const llm_exchange_t *x)
{
    return (x->stream ? LLM_RECORD_STREAM : 0u)
           | (x->client_gone ? LLM_RECORD_ABORTED : 0u)
           | (x->native ? LLM_RECORD_NATIVE : 0u)
           | (x->key_id ? 0u : LLM_RECORD_ANONYMOUS);
}

static void set_names(const llm_exchange_t *x, llm_record_t *record)
{
    LLM_RECORD_SET(record, client, x->client ? x->client->name : NULL);
    LLM_RECORD_SET(record, asked, x->model);
    LLM_RECORD_SET(record, route, x->route ? x->route->name : NULL);
    LLM_RECORD_SET(record, finish, llm_finish_name(x->finish));
    LLM_RECORD_SET(record, team, x->key_team);
    LLM_RECORD_SET(record, tags, x->tags);
    LLM_RECORD_SET(record, problem,
                   x->problem ? llm_problem_name(x->problem->kind) : NULL);
    LLM_RECORD_SET(record, user, x->user);
    LLM_RECORD_SET(record, op, op_name(x));
}

static void set_on_abort(const llm_exchange_t *x, llm_record_t *record)
{
    llm_abort_t on_abort = llm_flow_on_abort(x);

    record->on_abort = (unsigned char)on_abort.what;
    record->drain_s = on_abort.drain_s;
}

void llm_flow_record(llm_exchange_t *x, llm_record_t *record, apr_time_t now)
{
    const llm_attempt_t *attempt = x->current;
    apr_time_t end = x->ended ? x->ended : now;

    memset(record, 0, sizeof(*record));
    memcpy(record->id, x->id, sizeof(record->id));
    record->began = x->began;
    record->key = x->key_id;
    record->flags = flags_of(x);
    record->status = (apr_uint16_t)(x->reply.ready ? x->reply.status : 0);
    record->attempts = (apr_uint16_t)x->attempts->nelts;
    record->latency_ms = milliseconds(x->began, end);
    record->bytes_in = x->raw.len;
    record->bytes_out = x->bytes_out;
    set_names(x, record);
    set_on_abort(x, record);
    if (!attempt) {
        return;
    }
    record->first_ms = milliseconds(
        x->began, x->first_token ? x->first_token : attempt->first_byte);
    LLM_RECORD_SET(record, provider, attempt->upstream.provider->name);
    LLM_RECORD_SET(record, served,
                   x->served ? x->served : attempt->upstream.model);
    record->usage = x->usage;
    if (x->background) {
        llm_usage_clear(&record->usage);
    }
    else if (was_worked_on(x)) {
        fill_gaps(x, &record->usage);
    }
    if (x->op == LLM_OP_SPEECH) {
        llm_media_say_sound(&record->usage);
    }
    if (record->usage.estimated) {
        record->flags |= LLM_RECORD_ESTIMATED;
    }
    LLM_RECORD_SET(record, tier, x->tier);
    llm_cost_set(x, record, &attempt->upstream);
}
