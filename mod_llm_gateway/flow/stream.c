/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a provider's bytes to the client's.
 *
 * An answer is read in one of four ways, decided when its head is complete:
 *
 *   ERROR   status >= 400 (and 3xx): collected, made a problem; the attempt
 *           has failed and another upstream may be tried
 *   WHOLE   one JSON document: whole.c
 *   EVENTS  a stream of events: events.c
 *   OPAQUE  anything else that only passes (native routes, sound): unread
 *
 * Providers are asked not to compress. One that does so all the same, or
 * something in front of it, is inflated here and told to nobody: the client
 * did not ask for it either, and what it must not see (the usage the gateway
 * asked for) can be taken out of plain bytes only.
 */
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "flow/head.h"
#include "flow/stream_internal.h"

#define ERROR_MAX   262144
#define EVENTSTREAM "application/vnd.amazon.eventstream"

/* ---- states ----------------------------------------------------------- */

llm_stream_t *llm_stream_of(llm_attempt_t *attempt)
{
    return attempt->stream;
}

int llm_stream_is_unread(const llm_attempt_t *attempt)
{
    const llm_exchange_t *x = attempt->x;

    return x->native ? !x->native_chat : (x->op & LLM_OPS_UNREAD) != 0;
}

int llm_stream_goes_on(const llm_attempt_t *attempt)
{
    return attempt->state == LLM_ATTEMPT_ANSWERED
           || attempt->state == LLM_ATTEMPT_COMMITTED;
}

void llm_stream_give_up(llm_attempt_t *attempt, llm_problem_t *problem)
{
    attempt->state = LLM_ATTEMPT_FAILED;
    attempt->problem = problem;
    attempt->x->problem = problem;
}

llm_problem_t *llm_stream_problem(llm_attempt_t *attempt, const char *detail)
{
    llm_problem_t *problem =
        llm_problem_make(LLM_PROBLEM_UPSTREAM, attempt->x->pool,
                         "the provider's answer could not be used");

    problem->detail = detail;
    return problem;
}

void llm_stream_commit(llm_attempt_t *attempt, const char *content_type)
{
    llm_reply_t *reply = &attempt->x->reply;

    llm_head_from_provider(reply->headers, attempt->http->headers,
                           attempt->http->status, attempt->pass);
    reply->status = attempt->pass ? attempt->http->status : 200;
    reply->content_type = content_type;
    reply->ready = 1;
    attempt->state = LLM_ATTEMPT_COMMITTED;
}

void llm_stream_done(llm_attempt_t *attempt)
{
    attempt->state = LLM_ATTEMPT_DONE;
    attempt->x->complete = !attempt->x->problem;
}

/* ---- errors ----------------------------------------------------------- */

static void finish_error(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);
    llm_bytes_t body = {stream->body->data, stream->body->len};
    const llm_json_t *doc = NULL;

    if (attempt->http->status < 400) {
        llm_stream_give_up(
            attempt, llm_stream_problem(attempt, "the provider answered with a"
                                                 " redirection"));
        return;
    }
    if (body.len
        && llm_json_read(&doc, body.data, body.len, NULL, attempt->pool)) {
        doc = NULL;
    }
    attempt->error_body = body;
    llm_stream_give_up(
        attempt, stream->provider->read_problem(attempt->http->status,
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

/* Version 1 of Cohere's API streams lines under this name. */
#define LINES "application/stream+json"

static int is_json(const char *type)
{
    apr_size_t len = type ? strcspn(type, "; \t") : 0;

    return is_type(type, "application/json")
           || (len > 5 && !strncasecmp(type + len - 5, "+json", 5)
               && !is_type(type, LINES));
}

/* The coding of the body; NULL for none. */
static const char *coding_of(const llm_attempt_t *attempt)
{
    const char *coding =
        apr_table_get(attempt->http->headers, "Content-Encoding");

    return coding && *coding && strcasecmp(coding, "identity") ? coding : NULL;
}

static llm_read_e how_to_read(const llm_attempt_t *attempt)
{
    const llm_exchange_t *x = attempt->x;
    const llm_stream_t *stream = attempt->stream;
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    if (attempt->http->status >= 300) {
        return READ_ERROR;
    }
    if (attempt->pass && coding_of(attempt) && !stream->packed) {
        return READ_OPAQUE;
    }
    if (x->whole_only) {
        return READ_WHOLE;
    }
    if (is_type(type, "text/event-stream") || is_type(type, EVENTSTREAM)
        || (x->native && is_type(type, LINES))) {
        return READ_EVENTS;
    }
    if (stream->provider->framing == LLM_FRAMING_NDJSON
        && (is_type(type, "application/x-ndjson")
            || (x->stream && !is_json(type)))) {
        return READ_EVENTS;
    }
    if (is_json(type)) {
        return READ_WHOLE;
    }
    if (llm_stream_is_unread(attempt)) {
        return READ_OPAQUE;
    }
    /* no usable type: what was asked for is the best guess */
    return x->stream ? READ_EVENTS : READ_WHOLE;
}

/* What the type says, else what this provider does. */
static llm_framing_e framing_of(const llm_stream_t *stream, const char *type)
{
    if (is_type(type, "text/event-stream")) {
        return LLM_FRAMING_SSE;
    }
    if (is_type(type, EVENTSTREAM)) {
        return LLM_FRAMING_EVENTSTREAM;
    }
    if (is_type(type, LINES)) {
        return LLM_FRAMING_NDJSON;
    }
    return stream->provider->framing;
}

/* Can what is compressed be read? What only passes stays as it is; of an error
 * the status is enough. 0: the attempt has failed. */
static int unpack(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);
    const char *coding = coding_of(attempt);

    if (!coding) {
        return 1;
    }
    stream->packed = llm_inflate_make(coding, attempt->pool);
    stream->read = how_to_read(attempt);
    if (stream->read == READ_OPAQUE) {
        stream->packed = NULL;
    }
    else if (stream->packed) {
        apr_table_unset(attempt->http->headers, "Content-Encoding");
    }
    else if (stream->read != READ_ERROR) {
        llm_stream_give_up(
            attempt,
            llm_stream_problem(attempt, apr_psprintf(attempt->x->pool,
                                                     "the answer is compressed"
                                                     " ('%s')",
                                                     coding)));
        return 0;
    }
    return 1;
}

static void begin(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);
    const char *type = apr_table_get(attempt->http->headers, "Content-Type");

    attempt->state = LLM_ATTEMPT_ANSWERED;
    if (!unpack(attempt)) {
        return;
    }
    stream->read = how_to_read(attempt);
    switch (stream->read) {
    case READ_ERROR:
        stream->body = llm_buf_make(ERROR_MAX, attempt->pool);
        break;
    case READ_WHOLE:
        stream->body =
            llm_buf_make(attempt->x->policy->answer_limit, attempt->pool);
        break;
    case READ_EVENTS:
        llm_events_begin(attempt, framing_of(stream, type));
        break;
    default:
        llm_stream_commit(attempt, type ? type : "application/octet-stream");
        break;
    }
}

/* ---- bytes ------------------------------------------------------------ */

static void take_plain(void *baton, const char *data, apr_size_t len)
{
    llm_attempt_t *attempt = baton;
    llm_stream_t *stream = llm_stream_of(attempt);

    if (!llm_stream_goes_on(attempt)) {
        return;
    }
    switch (stream->read) {
    case READ_EVENTS:
        llm_events_feed(attempt, data, len);
        break;
    case READ_WHOLE:
        llm_whole_feed(attempt, data, len);
        break;
    case READ_ERROR:
        llm_buf_append(stream->body, data, len);
        break;
    default:
        llm_meter_output(attempt);
        llm_buf_append(attempt->x->out, data, len);
        break;
    }
    stream->taken += len;
}

static void break_off(llm_attempt_t *attempt, llm_problem_t *problem);

static void take_body(void *baton, const char *data, apr_size_t len)
{
    llm_attempt_t *attempt = baton;
    llm_stream_t *stream = llm_stream_of(attempt);
    const char *wrong;

    if (stream->read == READ_NONE) {
        begin(attempt);
    }
    if (!llm_stream_goes_on(attempt)) {
        return;
    }
    if (!stream->packed) {
        take_plain(attempt, data, len);
        return;
    }
    wrong = llm_inflate_feed(stream->packed, data, len, take_plain, attempt);
    if (wrong && llm_stream_goes_on(attempt)) {
        break_off(attempt,
                  llm_stream_problem(
                      attempt, apr_pstrcat(attempt->x->pool,
                                           "the answer is compressed, and ",
                                           wrong, NULL)));
    }
}

static void finish(llm_attempt_t *attempt)
{
    switch (llm_stream_of(attempt)->read) {
    case READ_EVENTS:
        llm_events_finish(attempt);
        break;
    case READ_WHOLE:
        llm_whole_finish(attempt);
        break;
    case READ_ERROR:
        finish_error(attempt);
        break;
    default:
        llm_stream_done(attempt);
        break;
    }
}

/* The answer broke off, or is no HTTP. */
static void break_off(llm_attempt_t *attempt, llm_problem_t *problem)
{
    llm_stream_t *stream = llm_stream_of(attempt);

    if (stream->read == READ_ERROR && attempt->http->status >= 400) {
        /* what came of the error still says more than "it broke off" */
        finish_error(attempt);
    }
    else if (stream->read == READ_EVENTS
             && (stream->ended
                 || (attempt->x->finish
                     && problem->kind == LLM_PROBLEM_UPSTREAM))) {
        /* all content was there; only the stream's last words are missing */
        llm_events_end(attempt);
    }
    else if (stream->read == READ_EVENTS) {
        llm_events_break(attempt, problem);
    }
    else if (attempt->state == LLM_ATTEMPT_COMMITTED) {
        attempt->x->problem = problem;
        attempt->x->broken = 1;
        llm_stream_done(attempt);
    }
    else {
        llm_stream_give_up(attempt, problem);
    }
}

static llm_stream_t *make_stream(llm_attempt_t *attempt)
{
    llm_stream_t *stream = apr_pcalloc(attempt->pool, sizeof(*stream));

    stream->provider = attempt->dialect;
    apr_pool_create(&stream->scratch, attempt->pool);
    apr_pool_tag(stream->scratch, "llm_event");
    return stream;
}

/* All bytes are there; compressed ones may have been cut before. */
static void finish_or_not(llm_attempt_t *attempt)
{
    const llm_inflate_t *packed = llm_stream_of(attempt)->packed;

    if (packed && attempt->http->received && !llm_inflate_is_whole(packed)) {
        break_off(attempt, llm_stream_problem(
                               attempt, "the compressed answer has no end"));
    }
    else {
        finish(attempt);
    }
}

/* The http parser moved: is the answer over, one way or the other? */
static void look_at_state(llm_attempt_t *attempt)
{
    llm_http1_t *http = attempt->http;

    if (http->state == LLM_HTTP1_DONE) {
        if (llm_stream_of(attempt)->read == READ_NONE) {
            begin(attempt);
        }
        if (llm_stream_goes_on(attempt)) {
            finish_or_not(attempt);
        }
    }
    else if (http->state == LLM_HTTP1_BROKEN) {
        break_off(attempt, llm_stream_problem(attempt, http->what));
    }
    else if (llm_stream_goes_on(attempt)) {
        llm_events_commit_if_due(attempt);
    }
}

void llm_stream_feed(llm_attempt_t *attempt, const char *data, apr_size_t len,
                     apr_time_t now)
{
    if (!attempt->stream) {
        attempt->stream = make_stream(attempt);
    }
    attempt->stream->now = now;
    attempt->x->now = now;
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
