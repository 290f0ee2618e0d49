/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of events: each one passed on or translated as it comes.
 *
 * Nothing is given out before the stream has shown real content, so that an
 * error in its first event can still be answered by somebody else; but not
 * for longer than HOLD_TIME, since clients wait for signs of life.
 */
#include <apr_strings.h>
#include <string.h>

#include "dialect/common.h"
#include "dialect/tool_names.h"
#include "flow/kept.h"
#include "flow/stream_internal.h"

#define HOLD_TIME apr_time_from_sec(1)
#define HOLD_SIZE 65536
/* One event of a stream; a tool's arguments may come in one piece. */
#define EVENT_MAX 16777216

static int is_array(const llm_attempt_t *attempt)
{
    return attempt->x->line && attempt->x->line->as_array;
}

const char *llm_events_type(const llm_attempt_t *attempt)
{
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    if (is_array(attempt)) {
        return "application/json";
    }
    if (attempt->pass && type
        && (attempt->x->native || !attempt->dialect->unwrap_event)) {
        return type;
    }
    switch (attempt->x->client->framing) {
    case LLM_FRAMING_NDJSON:
        return "application/x-ndjson";
    case LLM_FRAMING_EVENTSTREAM:
        return "application/vnd.amazon.eventstream";
    default:
        return "text/event-stream";
    }
}

/* Is there reason to let go what is held back? */
void llm_events_commit_if_due(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);

    if (attempt->state == LLM_ATTEMPT_ANSWERED && attempt->x->out->len
        && (stream->output || attempt->x->out->len > HOLD_SIZE
            || stream->now - attempt->first_byte > HOLD_TIME)) {
        llm_stream_commit(attempt, llm_events_type(attempt));
    }
}

/* Bytes that pass are metered by reading them all the same. */
static void meter_delta(void *baton, const llm_delta_t *delta)
{
    llm_meter_delta(baton, delta);
}

static void write_now(void *baton, const llm_delta_t *delta)
{
    llm_attempt_t *attempt = baton;

    attempt->x->client->write_delta(attempt->x->out,
                                    llm_stream_of(attempt)->writer, delta);
}

/* The tier that serves is told by events of any kind. */
static int may_tell_tier(llm_delta_e kind)
{
    return kind == LLM_DELTA_BEGIN || kind == LLM_DELTA_USAGE
           || kind == LLM_DELTA_END;
}

static void write_delta(llm_attempt_t *attempt, const llm_delta_t *delta)
{
    llm_call_order_t *order = llm_stream_of(attempt)->order;
    llm_delta_t given;
    llm_call_t call;

    if (delta->kind == LLM_DELTA_CALL && attempt->request.fitted) {
        call = *delta->call;
        call.name = llm_tool_given_name(attempt->request.fitted, call.name);
        given = *delta;
        given.call = &call;
        delta = &given;
    }
    else if (attempt->x->tier && may_tell_tier(delta->kind)) {
        given = *delta;
        given.tier = attempt->x->tier;
        delta = &given;
    }
    if (order) {
        llm_call_order_take(order, delta);
    }
    else {
        write_now(attempt, delta);
    }
}

void llm_events_foretell(llm_attempt_t *attempt, const llm_usage_t *usage)
{
    llm_usage_t input;
    llm_delta_t delta = {.kind = LLM_DELTA_USAGE, .usage = &input};

    if (!attempt->x->client->begins_with_input) {
        return;
    }
    if (usage && llm_usage_is_known(usage, LLM_CLASS_INPUT)) {
        /* of the output the beginning says nothing yet */
        input = *usage;
        input.n[LLM_CLASS_OUTPUT] = input.n[LLM_CLASS_REASONING] = 0;
    }
    else {
        llm_usage_clear(&input);
        input.n[LLM_CLASS_INPUT] = llm_flow_input(attempt->x);
        input.estimated = 1u << LLM_CLASS_INPUT;
    }
    write_delta(attempt, &delta);
}

/* What a delta points to is gone after the call; a problem is needed later. */
static llm_problem_t *keep_problem(const llm_problem_t *problem,
                                   apr_pool_t *pool)
{
    llm_problem_t *kept = apr_pmemdup(pool, problem, sizeof(*kept));

    kept->message = apr_pstrdup(pool, problem->message);
    kept->param = apr_pstrdup(pool, problem->param);
    kept->code = apr_pstrdup(pool, problem->code);
    kept->type = apr_pstrdup(pool, problem->type);
    kept->detail = apr_pstrdup(pool, problem->detail);
    return kept;
}

/* A piece of a translated stream. */
void llm_events_translate(void *baton, const llm_delta_t *delta)
{
    llm_attempt_t *attempt = baton;
    llm_exchange_t *x = attempt->x;

    if (attempt->state == LLM_ATTEMPT_FAILED
        || (x->problem && delta->kind != LLM_DELTA_USAGE)) {
        return;
    }
    llm_meter_delta(attempt, delta);
    if (delta->kind == LLM_DELTA_PROBLEM) {
        llm_problem_t *problem = keep_problem(delta->problem, x->pool);

        if (attempt->state == LLM_ATTEMPT_ANSWERED) {
            llm_buf_clear(x->out);
            llm_stream_give_up(attempt, problem);
            return;
        }
        x->problem = problem;
    }
    if (delta->kind == LLM_DELTA_BEGIN && !x->usage.known) {
        llm_events_foretell(attempt, NULL);
    }
    write_delta(attempt, delta);
}

/* ---- the end ---------------------------------------------------------- */

/* The error of a stream whose bytes pass. */
static void write_problem(llm_attempt_t *attempt, const llm_problem_t *problem)
{
    llm_exchange_t *x = attempt->x;

    if (is_array(attempt)) {
        llm_put_element(x->out, &llm_stream_of(attempt)->elements);
        x->client->write_problem(x->out, problem, x->request_id);
    }
    else {
        x->client->write_stream_problem(x->out, problem, x->request_id);
    }
}

/* An array of passed events has to be closed, however they ended. */
static void close_array(llm_attempt_t *attempt)
{
    if (is_array(attempt) && !llm_stream_of(attempt)->writer) {
        llm_put_last_element(attempt->x->out,
                             &llm_stream_of(attempt)->elements);
    }
}

/* Lines pass whole, so that an error behind them is a line of its own. */
static void pass_lines(llm_attempt_t *attempt, const char *data, apr_size_t len)
{
    llm_buf_t *half = llm_stream_of(attempt)->half;
    llm_buf_t *out = attempt->x->out;
    apr_size_t whole = len;

    while (whole && data[whole - 1] != '\n') {
        --whole;
    }
    if (whole) {
        llm_buf_append(out, half->data, half->len);
        llm_buf_append(out, data, whole);
        llm_buf_clear(half);
    }
    llm_buf_append(half, data + whole, len - whole);
}

/* The last line, which no line end followed. */
static void pass_half(llm_attempt_t *attempt)
{
    llm_buf_t *half = llm_stream_of(attempt)->half;

    if (half) {
        llm_buf_append(attempt->x->out, half->data, half->len);
        llm_buf_clear(half);
    }
}

/* The stream cannot go on: say so inside it, where something went out. */
void llm_events_break(llm_attempt_t *attempt, llm_problem_t *problem)
{
    llm_exchange_t *x = attempt->x;
    llm_delta_t delta;

    if (attempt->state != LLM_ATTEMPT_COMMITTED) {
        llm_buf_clear(x->out);
        llm_stream_give_up(attempt, problem);
        return;
    }
    if (!x->problem) {
        x->problem = problem;
        if (llm_stream_of(attempt)->writer) {
            memset(&delta, 0, sizeof(delta));
            delta.kind = LLM_DELTA_PROBLEM;
            delta.problem = problem;
            write_delta(attempt, &delta);
        }
        else if (x->client->write_stream_problem
                 && llm_stream_of(attempt)->reader) {
            write_problem(attempt, problem);
        }
        else {
            pass_half(attempt);
            x->broken = 1;
        }
    }
    close_array(attempt);
    llm_stream_done(attempt);
}

/* The stream's bytes are all there. */
void llm_events_end(llm_attempt_t *attempt)
{
    llm_exchange_t *x = attempt->x;
    llm_stream_t *stream = llm_stream_of(attempt);

    if (stream->reader && stream->ended && !stream->writer && !x->problem
        && x->finish == LLM_FINISH_NONE) {
        /* some dialects tell the reason of the end by the end only */
        stream->provider->reader_end(stream->reader, meter_delta, attempt,
                                     stream->scratch);
    }
    if (stream->reader && !stream->ended && !x->problem) {
        if (stream->writer) {
            stream->provider->reader_end(stream->reader, llm_events_translate,
                                         attempt, stream->scratch);
        }
        else if (x->finish == LLM_FINISH_NONE) {
            llm_events_break(attempt,
                             llm_stream_problem(attempt, "the stream stopped"
                                                         " before its end"));
            return;
        }
        apr_pool_clear(stream->scratch);
    }
    if (attempt->state != LLM_ATTEMPT_FAILED) {
        close_array(attempt);
    }
    if (attempt->state == LLM_ATTEMPT_ANSWERED) {
        llm_stream_commit(attempt, llm_events_type(attempt));
    }
    if (attempt->state != LLM_ATTEMPT_FAILED) {
        llm_stream_done(attempt);
    }
}

/* ---- events ----------------------------------------------------------- */

static void pass_event(llm_attempt_t *attempt, const llm_event_t *event,
                       const llm_sse_event_t *frame)
{
    llm_exchange_t *x = attempt->x;
    llm_stream_t *stream = llm_stream_of(attempt);
    llm_bytes_t out = frame->raw;
    llm_problem_t *problem =
        stream->provider->event_problem && frame->has_data
            ? stream->provider->event_problem(event, x->pool)
            : NULL;

    if (problem && attempt->state == LLM_ATTEMPT_ANSWERED) {
        llm_buf_clear(x->out);
        llm_stream_give_up(attempt, problem);
        return;
    }
    if (problem) {
        x->problem = problem;
    }
    else if (frame->has_data && stream->reader) {
        stream->provider->read_event(stream->reader, event, meter_delta,
                                     attempt, stream->scratch);
    }
    else if (event->doc) {
        llm_meter_document(attempt, event->doc, stream->scratch);
        llm_meter_output(attempt);
    }
    if (frame->has_data && stream->provider->is_last
        && stream->provider->is_last(event)) {
        stream->ended = 1;
    }
    if (attempt->hide_usage && event->doc && stream->provider->hide_usage) {
        stream->provider->hide_usage(&out, frame, event->doc, stream->scratch);
    }
    if (!is_array(attempt)) {
        llm_buf_append(x->out, out.data, out.len);
    }
    else if (frame->has_data) {
        llm_put_element(x->out, &stream->elements);
        llm_buf_append(x->out, frame->data.data, frame->data.len);
    }
}

static void take_event(llm_attempt_t *attempt, llm_sse_event_t *frame)
{
    llm_stream_t *stream = llm_stream_of(attempt);
    llm_event_t event = {{NULL, 0}, {NULL, 0}, NULL};

    if (stream->messages && stream->provider->unwrap_event) {
        stream->provider->unwrap_event(frame, stream->scratch);
    }
    event.event = frame->event;
    event.data = frame->data;
    if (frame->has_data) {
        /* NULL for "[DONE]" and the like */
        llm_json_read(&event.doc, frame->data.data, frame->data.len, NULL,
                      stream->scratch);
    }
    llm_meter_tier(attempt, event.doc, stream->scratch);
    if (attempt->x->keeps) {
        llm_kept_watch(attempt, event.doc);
    }
    if (!stream->writer) {
        pass_event(attempt, &event, frame);
    }
    else if (frame->has_data) {
        stream->provider->read_event(stream->reader, &event,
                                     llm_events_translate, attempt,
                                     stream->scratch);
    }
    else if (attempt->x->client->framing == LLM_FRAMING_SSE) {
        /* a sign of life: a comment, or where clients read none, and between
         * the elements of an array, a line end; of lines each is read, and
         * messages have no comments */
        llm_buf_puts(attempt->x->out, attempt->x->client->lacks_comments
                                          ? "\n"
                                          : ": keep-alive\n\n");
    }
    apr_pool_clear(stream->scratch);
    llm_events_commit_if_due(attempt);
}

/* The next message of an event stream as a frame. */
static apr_status_t next_message(llm_stream_t *stream, llm_sse_event_t *frame)
{
    llm_eventstream_event_t message;
    apr_status_t status = llm_eventstream_next(stream->messages, &message);

    if (!status) {
        frame->event = message.event;
        frame->data = message.data;
        frame->raw = message.raw;
        frame->has_data = 1;
    }
    return status;
}

/* The next frame, whatever the framing is. */
static apr_status_t next_frame(llm_stream_t *stream, llm_sse_event_t *frame,
                               int last)
{
    apr_status_t status;

    if (stream->messages) {
        return next_message(stream, frame);
    }

    if (stream->sse) {
        return last ? llm_sse_finish(stream->sse, frame)
                    : llm_sse_next(stream->sse, frame);
    }
    memset(frame, 0, sizeof(*frame));
    status = last ? llm_ndjson_finish(stream->lines, &frame->data)
                  : llm_ndjson_next(stream->lines, &frame->data);
    frame->has_data = status == APR_SUCCESS;
    return status; /* what passes of lines has passed already */
}

void llm_events_feed(llm_attempt_t *attempt, const char *data, apr_size_t len)
{
    llm_stream_t *stream = llm_stream_of(attempt);
    llm_sse_event_t frame;
    apr_status_t status = APR_EAGAIN;

    if (stream->sse) {
        llm_sse_feed(stream->sse, data, len);
    }
    else if (stream->messages) {
        llm_eventstream_feed(stream->messages, data, len);
    }
    else {
        llm_ndjson_feed(stream->lines, data, len);
        if (stream->half) {
            pass_lines(attempt, data, len);
        }
    }
    while (llm_stream_goes_on(attempt)
           && (status = next_frame(stream, &frame, 0)) == APR_SUCCESS) {
        take_event(attempt, &frame);
    }
    if (llm_stream_goes_on(attempt) && status == APR_ENOSPC) {
        llm_events_break(attempt,
                         llm_stream_problem(attempt, "an event of the"
                                                     " stream is too long"));
    }
    if (llm_stream_goes_on(attempt) && status == APR_EGENERAL) {
        llm_events_break(attempt,
                         llm_stream_problem(attempt, "an event of the"
                                                     " stream is damaged"));
    }
}

/* Is this last frame, which no empty line ended, only half of one? */
static int is_cut(const llm_sse_event_t *frame, apr_pool_t *scratch)
{
    const llm_json_t *doc;

    return frame->has_data && frame->data.len && frame->data.data[0] == '{'
           && llm_json_read(&doc, frame->data.data, frame->data.len, NULL,
                            scratch);
}

void llm_events_finish(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);
    llm_sse_event_t frame;
    int cut = stream->messages && !stream->ended
              && llm_eventstream_is_partial(stream->messages);

    if (!cut && next_frame(stream, &frame, 1) == APR_SUCCESS) {
        cut = is_cut(&frame, stream->scratch);
        if (!cut) {
            pass_half(attempt);
            take_event(attempt, &frame);
        }
    }
    if (cut) {
        llm_events_break(attempt,
                         llm_stream_problem(attempt, "the stream ended inside"
                                                     " an event"));
        return;
    }
    if (llm_stream_goes_on(attempt)) {
        pass_half(attempt);
        llm_events_end(attempt);
    }
}

/* What was asked, for the reader. What passes was never read: then an ask that
 * says nothing, which makes no difference to metering. */
const llm_ask_t *llm_stream_ask(const llm_attempt_t *attempt)
{
    llm_ask_t *nothing;

    if (attempt->x->ask) {
        return attempt->request.fitted ? attempt->request.fitted
                                       : attempt->x->ask;
    }
    nothing = apr_pcalloc(attempt->pool, sizeof(*nothing));
    nothing->op = LLM_OP_CHAT;
    nothing->stream = 1;
    nothing->unknown =
        apr_array_make(attempt->pool, 1, sizeof(const llm_json_t *));
    return nothing;
}

void llm_events_begin(llm_attempt_t *attempt, llm_framing_e framing)
{
    llm_exchange_t *x = attempt->x;
    llm_stream_t *stream = llm_stream_of(attempt);

    stream->read = READ_EVENTS;
    if (x->native || llm_stream_is_unread(attempt)) {
        /* the request said so in words that only its provider understands */
        x->stream = 1;
    }
    if (framing == LLM_FRAMING_NDJSON) {
        stream->lines = llm_ndjson_make(EVENT_MAX, attempt->pool);
        stream->half = attempt->pass ? llm_buf_make(0, attempt->pool) : NULL;
    }
    else if (framing == LLM_FRAMING_EVENTSTREAM) {
        stream->messages = llm_eventstream_make(EVENT_MAX, attempt->pool);
    }
    else {
        stream->sse = llm_sse_make(EVENT_MAX, attempt->pool);
    }
    if (!llm_stream_is_unread(attempt)) {
        stream->reader = stream->provider->reader_make(llm_stream_ask(attempt),
                                                       attempt->pool);
    }
    if (!attempt->pass) {
        stream->writer = x->client->writer_make(x->ask, x->request_id,
                                                stream->now, attempt->pool);
        stream->order =
            x->client->mixes_calls
                ? NULL
                : llm_call_order_make(write_now, attempt, attempt->pool);
    }
}
