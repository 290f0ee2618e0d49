/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a provider's bytes to the client's.
 *
 * An answer is read in one of four ways, decided when its head is complete:
 *
 *   ERROR   status >= 400 (and 3xx): collected, made a problem; the attempt
 *           has failed and another upstream may be tried
 *   WHOLE   one JSON document: collected, then passed on or translated
 *   EVENTS  a stream of events: each one passed on or translated as it comes
 *   OPAQUE  anything else on a native route: passed on unread
 *
 * Nothing is given out before the answer has shown real content, so that an
 * error in a stream's first event can still be answered by somebody else;
 * but not for longer than HOLD_TIME, since clients wait for signs of life.
 */
#include "flow/stream.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "core/llm_json.h"
#include "core/llm_ndjson.h"
#include "core/llm_sse.h"
#include "flow/answer.h"
#include "flow/head.h"

#define HOLD_TIME apr_time_from_sec(1)
#define HOLD_SIZE 65536
/* A whole answer larger than this is given out while it comes. */
#define WHOLE_HOLD 1048576
#define ERROR_MAX 262144
/* One event of a stream; a tool's arguments may come in one piece. */
#define EVENT_MAX 16777216

typedef enum { READ_NONE, READ_ERROR, READ_WHOLE, READ_EVENTS, READ_OPAQUE }
    read_e;

typedef struct llm_stream_t {
    read_e read;
    const llm_dialect_t *provider;
    llm_buf_t *body;       /* ERROR, WHOLE */
    llm_sse_t *sse;        /* EVENTS, one of the two */
    llm_ndjson_t *lines;
    llm_reader_t *reader;  /* NULL: native call that is not a chat */
    llm_writer_t *writer;  /* NULL: the bytes pass */
    apr_pool_t *scratch;   /* of one event */
    apr_time_t now;        /* of the call that is running */
    int output;            /* something the client waits for has come */
    int ended;             /* the reader said END, or the last event came */
    int passed_whole;      /* WHOLE was committed before its end */
} stream_t;

static stream_t *stream_of(llm_attempt_t *attempt)
{
    return attempt->stream;
}

/* ---- states ----------------------------------------------------------- */

static void fail(llm_attempt_t *attempt, llm_problem_t *problem)
{
    attempt->state = LLM_ATTEMPT_FAILED;
    attempt->problem = problem;
    attempt->x->problem = problem;
}

static llm_problem_t *upstream_problem(llm_attempt_t *attempt,
                                       const char *detail)
{
    llm_problem_t *problem = llm_problem_make(
        LLM_PROBLEM_UPSTREAM, attempt->x->pool,
        "the provider's answer could not be used");

    problem->detail = detail;
    return problem;
}

static void commit(llm_attempt_t *attempt, const char *content_type)
{
    llm_exchange_t *x = attempt->x;
    llm_reply_t *reply = &x->reply;

    llm_head_from_provider(reply->headers, attempt->http->headers,
                           attempt->http->status, attempt->pass);
    reply->status = attempt->pass ? attempt->http->status : 200;
    reply->content_type = content_type;
    if (attempt->request.dropped->nelts) {
        apr_table_setn(reply->headers, "x-llm-dropped",
                       apr_array_pstrcat(x->pool, attempt->request.dropped,
                                         ','));
    }
    reply->ready = 1;
    attempt->state = LLM_ATTEMPT_COMMITTED;
}

static const char *type_of_events(const llm_attempt_t *attempt)
{
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    return attempt->pass && type ? type : "text/event-stream";
}

static const char *type_of_whole(const llm_attempt_t *attempt)
{
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    return attempt->pass && type ? type : "application/json";
}

/* Is there reason to let go what is held back? */
static void commit_if_due(llm_attempt_t *attempt)
{
    stream_t *stream = stream_of(attempt);

    if (attempt->state == LLM_ATTEMPT_ANSWERED && attempt->x->out->len
        && (stream->output || attempt->x->out->len > HOLD_SIZE
            || stream->now - attempt->first_byte > HOLD_TIME)) {
        commit(attempt, type_of_events(attempt));
    }
}

/* ---- metering --------------------------------------------------------- */

static void note_output(llm_attempt_t *attempt)
{
    stream_t *stream = stream_of(attempt);

    stream->output = 1;
    if (!attempt->x->first_token) {
        attempt->x->first_token = stream->now;
    }
}

static void meter(llm_attempt_t *attempt, const llm_delta_t *delta)
{
    llm_exchange_t *x = attempt->x;

    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
        if (delta->model && *delta->model
            && (!x->served || strcmp(x->served, delta->model))) {
            x->served = apr_pstrdup(x->pool, delta->model);
        }
        break;
    case LLM_DELTA_TEXT:
    case LLM_DELTA_REFUSAL:
    case LLM_DELTA_ARGS:
        llm_tally_add(&x->text, delta->text);
        if (delta->text.len) {
            note_output(attempt);
        }
        break;
    case LLM_DELTA_THINKING:
        llm_tally_add(&x->thoughts, delta->text);
        if (delta->text.len) {
            note_output(attempt);
        }
        break;
    case LLM_DELTA_CALL:
        llm_tally_add(&x->text, delta->call->name);
        note_output(attempt);
        break;
    case LLM_DELTA_FINISH:
        x->finish = delta->finish;
        stream_of(attempt)->output = 1;
        break;
    case LLM_DELTA_USAGE:
        llm_usage_merge(&x->usage, delta->usage);
        break;
    case LLM_DELTA_END:
        stream_of(attempt)->ended = 1;
        stream_of(attempt)->output = 1;
        break;
    default:
        break;
    }
}

/* Bytes that pass are metered by reading them all the same. */
static void meter_delta(void *baton, const llm_delta_t *delta)
{
    meter(baton, delta);
}

static void write_delta(llm_attempt_t *attempt, const llm_delta_t *delta)
{
    attempt->x->client->write_delta(attempt->x->out,
                                    stream_of(attempt)->writer, delta);
}

/* A piece of a translated stream. */
static void translate_delta(void *baton, const llm_delta_t *delta)
{
    llm_attempt_t *attempt = baton;
    llm_exchange_t *x = attempt->x;

    if (attempt->state == LLM_ATTEMPT_FAILED
        || (x->problem && delta->kind != LLM_DELTA_USAGE)) {
        return;
    }
    meter(attempt, delta);
    if (delta->kind == LLM_DELTA_PROBLEM) {
        if (attempt->state == LLM_ATTEMPT_ANSWERED) {
            llm_buf_clear(x->out);
            fail(attempt, delta->problem);
            return;
        }
        x->problem = delta->problem;
    }
    write_delta(attempt, delta);
}

/* Every choice of a whole answer, as its pieces would have come. */
static void meter_answer(llm_attempt_t *attempt, const llm_answer_t *answer)
{
    llm_exchange_t *x = attempt->x;

    llm_usage_merge(&x->usage, answer->usage);
    if (answer->model) {
        x->served = apr_pstrdup(x->pool, answer->model);
    }
    for (const llm_choice_t *choice = answer->choices; choice;
         choice = choice->next) {
        x->finish = choice->finish;
        for (const llm_part_t *part = choice->parts; part;
             part = part->next) {
            if (part->kind == LLM_PART_THINKING) {
                llm_tally_add(&x->thoughts, part->text);
            }
            else if (part->kind == LLM_PART_TOOL_CALL) {
                llm_text_t args = {part->call->args.data,
                                   part->call->args.len};

                llm_tally_add(&x->text, part->call->name);
                llm_tally_add(&x->text, args);
            }
            else if (part->kind == LLM_PART_TEXT
                     || part->kind == LLM_PART_REFUSAL) {
                llm_tally_add(&x->text, part->text);
            }
        }
    }
}

/* ---- the end ---------------------------------------------------------- */

static void done(llm_attempt_t *attempt)
{
    attempt->state = LLM_ATTEMPT_DONE;
    attempt->x->complete = !attempt->x->problem;
}

/* The stream cannot go on: say so inside it, where something went out. */
static void break_events(llm_attempt_t *attempt, llm_problem_t *problem)
{
    llm_exchange_t *x = attempt->x;
    llm_delta_t delta;

    if (attempt->state != LLM_ATTEMPT_COMMITTED) {
        llm_buf_clear(x->out);
        fail(attempt, problem);
        return;
    }
    if (!x->problem) {
        x->problem = problem;
        if (stream_of(attempt)->writer) {
            memset(&delta, 0, sizeof(delta));
            delta.kind = LLM_DELTA_PROBLEM;
            delta.problem = problem;
            write_delta(attempt, &delta);
        }
        else if (x->client->write_stream_problem
                 && stream_of(attempt)->reader) {
            x->client->write_stream_problem(x->out, problem, x->request_id);
        }
        else {
            x->broken = 1;
        }
    }
    done(attempt);
}

/* The stream's bytes are all there. */
static void end_events(llm_attempt_t *attempt)
{
    llm_exchange_t *x = attempt->x;
    stream_t *stream = stream_of(attempt);

    if (stream->reader && !stream->ended && !x->problem) {
        if (stream->writer) {
            stream->provider->reader_end(stream->reader, translate_delta,
                                         attempt, stream->scratch);
        }
        else if (x->finish == LLM_FINISH_NONE) {
            break_events(attempt,
                         upstream_problem(attempt, "the stream stopped"
                                                   " before its end"));
            return;
        }
        apr_pool_clear(stream->scratch);
    }
    if (attempt->state == LLM_ATTEMPT_ANSWERED) {
        commit(attempt, type_of_events(attempt));
    }
    if (attempt->state != LLM_ATTEMPT_FAILED) {
        done(attempt);
    }
}

/* ---- events ----------------------------------------------------------- */

static void pass_event(llm_attempt_t *attempt, const llm_event_t *event,
                       const llm_sse_event_t *frame)
{
    llm_exchange_t *x = attempt->x;
    stream_t *stream = stream_of(attempt);
    llm_bytes_t out = frame->raw;
    llm_problem_t *problem = stream->provider->event_problem
                             && frame->has_data
                                 ? stream->provider->event_problem(event,
                                                                   x->pool)
                                 : NULL;

    if (problem && attempt->state == LLM_ATTEMPT_ANSWERED) {
        llm_buf_clear(x->out);
        fail(attempt, problem);
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
        stream->provider->read_usage(&x->usage, event->doc);
        if (stream->provider->read_facts) {
            stream->provider->read_facts(&x->served, &x->finish, event->doc,
                                         x->pool);
        }
        note_output(attempt);
    }
    if (frame->has_data && stream->provider->is_last
        && stream->provider->is_last(event)) {
        stream->ended = 1;
    }
    if (attempt->hide_usage && event->doc && stream->provider->hide_usage) {
        stream->provider->hide_usage(&out, frame, event->doc,
                                     stream->scratch);
    }
    llm_buf_append(x->out, out.data, out.len);
}

static void take_event(llm_attempt_t *attempt, const llm_sse_event_t *frame)
{
    stream_t *stream = stream_of(attempt);
    llm_event_t event = {frame->event, frame->data, NULL};

    if (frame->has_data) {
        /* NULL for "[DONE]" and the like */
        llm_json_read(&event.doc, frame->data.data, frame->data.len, NULL,
                      stream->scratch);
    }
    if (!stream->writer) {
        pass_event(attempt, &event, frame);
    }
    else if (frame->has_data) {
        stream->provider->read_event(stream->reader, &event, translate_delta,
                                     attempt, stream->scratch);
    }
    else {
        /* a sign of life; comments are legal in every dialect's SSE */
        llm_buf_lit(attempt->x->out, ": keep-alive\n\n");
    }
    apr_pool_clear(stream->scratch);
    commit_if_due(attempt);
}

/* The next frame, whatever the framing is. */
static apr_status_t next_frame(stream_t *stream, llm_sse_event_t *frame,
                               int last)
{
    apr_status_t status;

    if (stream->sse) {
        return last ? llm_sse_finish(stream->sse, frame)
                    : llm_sse_next(stream->sse, frame);
    }
    memset(frame, 0, sizeof(*frame));
    status = last ? llm_ndjson_finish(stream->lines, &frame->data)
                  : llm_ndjson_next(stream->lines, &frame->data);
    frame->has_data = status == APR_SUCCESS;
    if (frame->has_data) {
        frame->raw = frame->data;
    }
    return status;
}

static int goes_on(const llm_attempt_t *attempt)
{
    return attempt->state == LLM_ATTEMPT_ANSWERED
           || attempt->state == LLM_ATTEMPT_COMMITTED;
}

static void feed_events(llm_attempt_t *attempt, const char *data,
                        apr_size_t len)
{
    stream_t *stream = stream_of(attempt);
    llm_sse_event_t frame;
    apr_status_t status = APR_EAGAIN;

    if (stream->sse) {
        llm_sse_feed(stream->sse, data, len);
    }
    else {
        llm_ndjson_feed(stream->lines, data, len);
    }
    while (goes_on(attempt)
           && (status = next_frame(stream, &frame, 0)) == APR_SUCCESS) {
        take_event(attempt, &frame);
    }
    if (goes_on(attempt) && status == APR_ENOSPC) {
        break_events(attempt, upstream_problem(attempt, "an event of the"
                                                        " stream is too long"));
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

static void finish_events(llm_attempt_t *attempt)
{
    stream_t *stream = stream_of(attempt);
    llm_sse_event_t frame;

    if (next_frame(stream, &frame, 1) == APR_SUCCESS) {
        if (is_cut(&frame, stream->scratch)) {
            break_events(attempt, upstream_problem(attempt, "the stream"
                                                   " ended inside an event"));
            return;
        }
        take_event(attempt, &frame);
    }
    if (goes_on(attempt)) {
        end_events(attempt);
    }
}

/* ---- whole answers ---------------------------------------------------- */

/* The answer as a stream, for a client that asked for one. */
static void stream_answer(llm_attempt_t *attempt, const llm_answer_t *answer)
{
    llm_exchange_t *x = attempt->x;
    stream_t *stream = stream_of(attempt);

    stream->writer = x->client->writer_make(x->ask, x->request_id,
                                            stream->now, attempt->pool);
    llm_answer_each_delta(answer, translate_delta, attempt, attempt->pool);
    commit(attempt, "text/event-stream");
}

static void translate_whole(llm_attempt_t *attempt, const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    llm_answer_t *answer;
    llm_problem_t *problem = stream_of(attempt)->provider->read_response(
        &answer, x->ask, doc, attempt->pool);

    if (problem) {
        fail(attempt, problem);
        return;
    }
    if (x->stream) {
        stream_answer(attempt, answer);
    }
    else {
        meter_answer(attempt, answer);
        x->client->write_response(x->out, x->ask, answer, attempt->pool);
        x->reply.whole = 1;
        commit(attempt, "application/json");
    }
    done(attempt);
}

/* What can be learnt from a passed answer. */
static llm_problem_t *meter_whole(llm_attempt_t *attempt,
                                  const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    const llm_dialect_t *provider = stream_of(attempt)->provider;
    llm_answer_t *answer;

    provider->read_usage(&x->usage, doc);
    if (provider->read_facts) {
        provider->read_facts(&x->served, &x->finish, doc, x->pool);
    }
    if (x->native && !x->native_chat) {
        return NULL;
    }
    if (provider->event_problem) {
        llm_event_t event = {{NULL, 0}, doc->raw, doc};
        llm_problem_t *problem = provider->event_problem(&event, x->pool);

        if (problem) {
            return problem;
        }
    }
    /* without a count the text itself is needed */
    if (!llm_usage_is_known(&x->usage, LLM_CLASS_OUTPUT)
        && x->op == LLM_OP_CHAT && !x->native && !llm_exchange_ask(x)
        && !provider->read_response(&answer, x->ask, doc, attempt->pool)) {
        meter_answer(attempt, answer);
    }
    return NULL;
}

static void pass_whole(llm_attempt_t *attempt, const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    stream_t *stream = stream_of(attempt);
    llm_problem_t *problem = doc ? meter_whole(attempt, doc) : NULL;

    if (problem && !stream->passed_whole) {
        attempt->error_body.data = stream->body->data;
        attempt->error_body.len = stream->body->len;
        fail(attempt, problem);
        return;
    }
    if (!stream->passed_whole) {
        llm_buf_append(x->out, stream->body->data, stream->body->len);
        x->reply.whole = 1;
        commit(attempt, type_of_whole(attempt));
    }
    done(attempt);
}

static void finish_whole(llm_attempt_t *attempt)
{
    stream_t *stream = stream_of(attempt);
    const llm_json_t *doc = NULL;
    llm_json_error_t error = {0, "it is too long"};

    if (!stream->body->overflow
        && llm_json_read(&doc, stream->body->data, stream->body->len, &error,
                         attempt->pool)) {
        doc = NULL;
    }
    if (!doc && !attempt->x->native && !stream->passed_whole) {
        fail(attempt,
             upstream_problem(attempt,
                              apr_psprintf(attempt->x->pool,
                                           "the answer is not JSON: %s at"
                                           " byte %" APR_SIZE_T_FMT,
                                           error.what, error.offset)));
        return;
    }
    if (attempt->pass) {
        pass_whole(attempt, doc);
    }
    else {
        translate_whole(attempt, doc);
    }
}

static void feed_whole(llm_attempt_t *attempt, const char *data,
                       apr_size_t len)
{
    llm_exchange_t *x = attempt->x;
    stream_t *stream = stream_of(attempt);

    llm_buf_append(stream->body, data, len);
    if (!attempt->pass) {
        if (stream->body->overflow) {
            fail(attempt, upstream_problem(attempt, "the answer is larger"
                                                    " than LLMAnswerLimit"));
        }
        return;
    }
    if (stream->passed_whole) {
        llm_buf_append(x->out, data, len);
    }
    else if (stream->body->len > WHOLE_HOLD || stream->body->overflow) {
        apr_size_t kept = stream->body->len;

        /* what the ceiling cut off is the end of `data` */
        llm_buf_append(x->out, stream->body->data, kept);
        if (stream->body->overflow) {
            apr_size_t before = (apr_size_t)(attempt->http->received) - len;

            llm_buf_append(x->out, data + (kept - before),
                           len - (kept - before));
        }
        stream->passed_whole = 1;
        commit(attempt, type_of_whole(attempt));
    }
}

/* ---- errors ----------------------------------------------------------- */

static void finish_error(llm_attempt_t *attempt)
{
    stream_t *stream = stream_of(attempt);
    llm_bytes_t body = {stream->body->data, stream->body->len};
    const llm_json_t *doc = NULL;

    if (attempt->http->status < 400) {
        fail(attempt, upstream_problem(attempt, "the provider answered with a"
                                                " redirection"));
        return;
    }
    if (body.len
        && llm_json_read(&doc, body.data, body.len, NULL, attempt->pool)) {
        doc = NULL;
    }
    attempt->error_body = body;
    fail(attempt, stream->provider->read_problem(attempt->http->status,
                                                 attempt->http->headers, doc,
                                                 body, attempt->x->pool));
}

/* ---- the head --------------------------------------------------------- */

/* Media types are compared up to their parameters, case ignored. */
static int is_type(const char *type, const char *what)
{
    apr_size_t len = strlen(what);

    return type && !strncasecmp(type, what, len)
           && (!type[len] || type[len] == ';' || apr_isspace(type[len]));
}

static int is_json(const char *type)
{
    apr_size_t len = type ? strcspn(type, "; \t") : 0;

    return is_type(type, "application/json")
           || (len > 5 && !strncasecmp(type + len - 5, "+json", 5)
               && !is_type(type, "application/stream+json"));
}

static void begin_events(llm_attempt_t *attempt, int sse)
{
    llm_exchange_t *x = attempt->x;
    stream_t *stream = stream_of(attempt);

    stream->read = READ_EVENTS;
    if (sse) {
        stream->sse = llm_sse_make(EVENT_MAX, attempt->pool);
    }
    else {
        stream->lines = llm_ndjson_make(EVENT_MAX, attempt->pool);
    }
    if (!x->native || x->native_chat) {
        stream->reader = stream->provider->reader_make(x->ask, attempt->pool);
    }
    if (!attempt->pass) {
        stream->writer = x->client->writer_make(x->ask, x->request_id,
                                                stream->now, attempt->pool);
    }
}

static read_e how_to_read(const llm_attempt_t *attempt)
{
    const llm_exchange_t *x = attempt->x;
    const stream_t *stream = attempt->stream;
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");
    const char *encoding = apr_table_get(attempt->http->headers,
                                         "Content-Encoding");

    if (attempt->http->status >= 300) {
        return READ_ERROR;
    }
    if (attempt->pass && encoding && strcasecmp(encoding, "identity")) {
        return READ_OPAQUE;
    }
    if (is_type(type, "text/event-stream")) {
        return READ_EVENTS;
    }
    if (stream->provider->framing == LLM_FRAMING_NDJSON && !attempt->pass
        && x->stream && !is_json(type)) {
        return READ_EVENTS;
    }
    if (is_json(type)) {
        return READ_WHOLE;
    }
    if (x->native && !x->native_chat) {
        return READ_OPAQUE;
    }
    /* no usable type: what was asked for is the best guess */
    return x->stream ? READ_EVENTS : READ_WHOLE;
}

static void begin(llm_attempt_t *attempt)
{
    stream_t *stream = stream_of(attempt);
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    attempt->state = LLM_ATTEMPT_ANSWERED;
    stream->read = how_to_read(attempt);
    switch (stream->read) {
    case READ_ERROR:
        stream->body = llm_buf_make(ERROR_MAX, attempt->pool);
        break;
    case READ_WHOLE:
        stream->body = llm_buf_make(attempt->x->policy->answer_limit,
                                    attempt->pool);
        break;
    case READ_EVENTS:
        begin_events(attempt, stream->provider->framing != LLM_FRAMING_NDJSON
                                  || is_type(type, "text/event-stream"));
        break;
    default:
        commit(attempt, type ? type : "application/octet-stream");
        break;
    }
}

/* ---- bytes ------------------------------------------------------------ */

static void take_body(void *baton, const char *data, apr_size_t len)
{
    llm_attempt_t *attempt = baton;
    stream_t *stream = stream_of(attempt);

    if (stream->read == READ_NONE) {
        begin(attempt);
    }
    if (!goes_on(attempt)) {
        return;
    }
    switch (stream->read) {
    case READ_EVENTS:
        feed_events(attempt, data, len);
        break;
    case READ_WHOLE:
        feed_whole(attempt, data, len);
        break;
    case READ_ERROR:
        llm_buf_append(stream->body, data, len);
        break;
    default:
        note_output(attempt);
        llm_buf_append(attempt->x->out, data, len);
        break;
    }
}

static void finish(llm_attempt_t *attempt)
{
    switch (stream_of(attempt)->read) {
    case READ_EVENTS:
        finish_events(attempt);
        break;
    case READ_WHOLE:
        finish_whole(attempt);
        break;
    case READ_ERROR:
        finish_error(attempt);
        break;
    default:
        done(attempt);
        break;
    }
}

/* The answer broke off, or is no HTTP. */
static void break_off(llm_attempt_t *attempt, llm_problem_t *problem)
{
    stream_t *stream = stream_of(attempt);

    if (stream->read == READ_ERROR && attempt->http->status >= 400) {
        /* what came of the error still says more than "it broke off" */
        finish_error(attempt);
    }
    else if (stream->read == READ_EVENTS
             && (stream->ended
                 || (attempt->x->finish
                     && problem->kind == LLM_PROBLEM_UPSTREAM))) {
        /* all content was there; only the stream's last words are missing */
        end_events(attempt);
    }
    else if (stream->read == READ_EVENTS) {
        break_events(attempt, problem);
    }
    else if (attempt->state == LLM_ATTEMPT_COMMITTED) {
        attempt->x->problem = problem;
        attempt->x->broken = 1;
        done(attempt);
    }
    else {
        fail(attempt, problem);
    }
}

static stream_t *make_stream(llm_attempt_t *attempt)
{
    stream_t *stream = apr_pcalloc(attempt->pool, sizeof(*stream));

    stream->provider = attempt->upstream.provider->dialect;
    apr_pool_create(&stream->scratch, attempt->pool);
    apr_pool_tag(stream->scratch, "llm_event");
    return stream;
}

/* The http parser moved: is the answer over, one way or the other? */
static void look_at_state(llm_attempt_t *attempt)
{
    llm_http1_t *http = attempt->http;

    if (http->state == LLM_HTTP1_DONE) {
        if (stream_of(attempt)->read == READ_NONE) {
            begin(attempt);
        }
        if (goes_on(attempt)) {
            finish(attempt);
        }
    }
    else if (http->state == LLM_HTTP1_BROKEN) {
        break_off(attempt, upstream_problem(attempt, http->what));
    }
    else if (goes_on(attempt)) {
        commit_if_due(attempt);
    }
}

void llm_stream_feed(llm_attempt_t *attempt, const char *data, apr_size_t len,
                     apr_time_t now)
{
    if (!attempt->stream) {
        attempt->stream = make_stream(attempt);
    }
    attempt->stream->now = now;
    llm_http1_feed(attempt->http, data, len, take_body, attempt);
    if (attempt->state != LLM_ATTEMPT_FAILED
        && attempt->state != LLM_ATTEMPT_DONE) {
        look_at_state(attempt);
    }
}

void llm_stream_close(llm_attempt_t *attempt, apr_time_t now)
{
    if (!attempt->stream) {
        attempt->stream = make_stream(attempt);
    }
    attempt->stream->now = now;
    llm_http1_close(attempt->http);
    look_at_state(attempt);
}

void llm_stream_fail(llm_attempt_t *attempt, llm_problem_t *problem,
                     apr_time_t now)
{
    if (!attempt->stream) {
        attempt->stream = make_stream(attempt);
    }
    attempt->stream->now = now;
    break_off(attempt, problem);
}
