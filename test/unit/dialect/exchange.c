/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange run through the dialects; see exchange.h. */
#include "test/unit/dialect/exchange.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "core/llm_eventstream.h"
#include "core/llm_ndjson.h"
#include "core/llm_record.h"
#include "dialect/call_order.h"
#include "dialect/common.h"
#include "test/unit/messages.h"
#include "test/unit/unit.h"

const llm_dialect_t *exchange_dialect(const char *name)
{
    const llm_dialect_t *dialect = llm_dialect_find(name);

    ck_assert_msg(dialect != NULL, "no dialect %s", name);
    return dialect;
}

const llm_json_t *exchange_json(const char *data, apr_size_t len)
{
    llm_json_error_t error = {0, NULL};
    const llm_json_t *doc = NULL;

    ck_assert_msg(!llm_json_read(&doc, data, len, &error, unit_pool),
                  "no JSON: %s at %lu of %.300s", error.what,
                  (unsigned long)error.offset, data);
    return doc;
}

llm_ask_t *exchange_ask(const char *client, llm_op_e op, const char *body)
{
    llm_ask_t *ask = NULL;
    llm_problem_t *problem = exchange_dialect(client)->read_request(
        &ask, op, exchange_json(body, strlen(body)), unit_pool);

    ck_assert_msg(!problem, "%s", problem ? problem->message : "");
    return ask;
}

llm_provider_t *exchange_provider(const char *name, const char *url)
{
    llm_provider_t *provider = apr_pcalloc(unit_pool, sizeof(*provider));

    provider->name = name;
    provider->dialect = exchange_dialect(name);
    provider->ask_usage = 1;
    provider->max_tokens_default = 4096;
    provider->project = provider->dialect->needs_project ? "project-1" : NULL;
    url = url ? url : provider->dialect->default_url;
    ck_assert_ptr_null(llm_provider_set_url(
        provider, url ? url : "https://provider.example", unit_pool));
    return provider;
}

/* ---- collecting ---- */

static answer_t *answer_make(void)
{
    answer_t *answer = apr_pcalloc(unit_pool, sizeof(*answer));
    int i;

    for (i = 0; i < CHOICES; ++i) {
        said_t *said = &answer->choices[i];

        said->thinking = llm_buf_make(0, unit_pool);
        said->signatures = llm_buf_make(0, unit_pool);
        said->redacted = llm_buf_make(0, unit_pool);
        said->text = llm_buf_make(0, unit_pool);
        said->refusal = llm_buf_make(0, unit_pool);
        said->calls = apr_array_make(unit_pool, 4, sizeof(said_call_t));
    }
    llm_usage_clear(&answer->usage);
    return answer;
}

static void append(llm_buf_t *buf, llm_text_t text)
{
    llm_buf_append(buf, text.data, text.len);
}

static void append_item(llm_buf_t *buf, llm_text_t text)
{
    if (buf->len) {
        llm_buf_putc(buf, ' ');
    }
    append(buf, text);
}

static said_call_t *add_call(said_t *said, const llm_call_t *call)
{
    said_call_t *kept = apr_array_push(said->calls);

    kept->id = call->id ? apr_pstrdup(unit_pool, call->id) : NULL;
    kept->name = llm_text_string(call->name, unit_pool);
    kept->args = llm_buf_make(0, unit_pool);
    return kept;
}

static void see_part(said_t *said, const llm_part_t *part)
{
    switch (part->kind) {
    case LLM_PART_TEXT:
        append(said->text, part->text);
        break;
    case LLM_PART_REFUSAL:
        append(said->refusal, part->text);
        break;
    case LLM_PART_THINKING:
        append(said->thinking, part->text);
        if (part->signature.data) {
            append_item(said->signatures, part->signature);
        }
        break;
    case LLM_PART_REDACTED:
        append_item(said->redacted, part->text);
        break;
    case LLM_PART_TOOL_CALL: {
        said_call_t *call = add_call(said, part->call);

        llm_buf_append(call->args, part->call->args.data, part->call->args.len);
        break;
    }
    default:
        break;
    }
}

static void see_answer(answer_t *seen, const llm_answer_t *answer)
{
    const llm_choice_t *choice;
    const llm_part_t *part;

    seen->id = answer->id;
    seen->model = answer->model;
    seen->usage = *answer->usage;
    for (choice = answer->choices; choice; choice = choice->next) {
        said_t *said;

        ck_assert_int_lt(choice->index, CHOICES);
        said = &seen->choices[choice->index];
        for (part = choice->parts; part; part = part->next) {
            see_part(said, part);
        }
        said->finish = choice->finish;
        if (choice->stop_sequence.data) {
            said->stop_sequence =
                llm_text_string(choice->stop_sequence, unit_pool);
        }
    }
}

static void see_args(said_t *said, const llm_delta_t *delta)
{
    llm_bytes_t plain = llm_text_decode(delta->text, unit_pool);

    ck_assert_int_lt(delta->call_index, said->calls->nelts);
    llm_buf_append(
        APR_ARRAY_IDX(said->calls, delta->call_index, said_call_t).args,
        plain.data, plain.len);
}

static void see_said(said_t *said, const llm_delta_t *delta)
{
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
        append(said->text, delta->text);
        break;
    case LLM_DELTA_REFUSAL:
        append(said->refusal, delta->text);
        break;
    case LLM_DELTA_THINKING:
        append(said->thinking, delta->text);
        break;
    case LLM_DELTA_SIGNATURE:
        append_item(said->signatures, delta->text);
        break;
    case LLM_DELTA_REDACTED:
        append_item(said->redacted, delta->text);
        break;
    case LLM_DELTA_CALL:
        ck_assert_int_eq(delta->call_index, said->calls->nelts);
        ck_assert_uint_gt(delta->call->name.len, 0);
        add_call(said, delta->call);
        break;
    case LLM_DELTA_ARGS:
        see_args(said, delta);
        break;
    case LLM_DELTA_FINISH:
        ck_assert_int_eq(said->finish, LLM_FINISH_NONE);
        ck_assert_int_ne(delta->finish, LLM_FINISH_NONE);
        said->finish = delta->finish;
        if (delta->stop_sequence.data) {
            said->stop_sequence =
                llm_text_string(delta->stop_sequence, unit_pool);
        }
        break;
    default:
        break;
    }
}

answer_t *exchange_see(const llm_answer_t *answer)
{
    answer_t *seen = answer_make();

    see_answer(seen, answer);
    return seen;
}

/* What a delta points to is gone after the call. */
static const llm_problem_t *keep_problem(const llm_problem_t *problem)
{
    llm_problem_t *kept = apr_pmemdup(unit_pool, problem, sizeof(*kept));

    kept->message = apr_pstrdup(unit_pool, problem->message);
    return kept;
}

static void see_delta(void *baton, const llm_delta_t *delta)
{
    answer_t *seen = baton;

    ck_assert_msg(!seen->ended, "delta %d after the end", (int)delta->kind);
    ck_assert_msg(seen->begun || delta->kind == LLM_DELTA_BEGIN
                      || delta->kind == LLM_DELTA_USAGE
                      || delta->kind == LLM_DELTA_PROBLEM
                      || delta->kind == LLM_DELTA_END,
                  "delta %d before the beginning", (int)delta->kind);
    ck_assert_int_ge(delta->choice, 0);
    ck_assert_int_lt(delta->choice, CHOICES);
    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
        seen->begun = 1;
        seen->id = delta->id ? apr_pstrdup(unit_pool, delta->id) : seen->id;
        seen->model =
            delta->model ? apr_pstrdup(unit_pool, delta->model) : seen->model;
        break;
    case LLM_DELTA_USAGE:
        llm_usage_merge(&seen->usage, delta->usage);
        break;
    case LLM_DELTA_PROBLEM:
        seen->problem = keep_problem(delta->problem);
        seen->ended = 1;
        break;
    case LLM_DELTA_END:
        seen->ended = 1;
        break;
    default:
        see_said(&seen->choices[delta->choice], delta);
        break;
    }
}

/* ---- feeding ---- */

/* Deltas to an answer and, where there is one, to a client's writer. */
typedef struct sink_t {
    answer_t *seen;
    const llm_dialect_t *client;
    llm_writer_t *writer;
    llm_call_order_t *order; /* before the writer, as in the flow */
    const char *tier;        /* that serves, as far as it is known */
    llm_buf_t *out;
} sink_t;

static void write_delta(void *baton, const llm_delta_t *delta)
{
    sink_t *sink = baton;

    sink->client->write_delta(sink->out, sink->writer, delta);
}

static void take_delta(void *baton, const llm_delta_t *delta)
{
    sink_t *sink = baton;
    llm_delta_t told = *delta;

    see_delta(sink->seen, delta);
    told.tier = sink->tier;
    delta = &told;
    if (sink->order) {
        llm_call_order_take(sink->order, delta);
    }
    else if (sink->writer) {
        write_delta(sink, delta);
    }
}

static void see_tier(sink_t *sink, const llm_dialect_t *dialect,
                     const llm_json_t *doc)
{
    const char *tier =
        doc && dialect->read_tier ? dialect->read_tier(doc, unit_pool) : NULL;

    sink->tier = tier ? tier : sink->tier;
}

static void feed_frame(const llm_dialect_t *dialect, llm_reader_t *reader,
                       const llm_sse_event_t *frame, sink_t *sink,
                       apr_pool_t *scratch)
{
    llm_event_t event = {frame->event, frame->data, NULL};

    if (frame->has_data) {
        llm_json_read(&event.doc, frame->data.data, frame->data.len, NULL,
                      scratch);
        see_tier(sink, dialect, event.doc);
        dialect->read_event(reader, &event, take_delta, sink, scratch);
        apr_pool_clear(scratch);
    }
}

/* A stream's frames, however its dialect cuts them: a line is data alone. */
typedef struct frames_t {
    llm_sse_t *sse;
    llm_ndjson_t *lines;         /* or NULL */
    llm_eventstream_t *messages; /* or NULL */
} frames_t;

#define FRAME_MAX (16 * 1024 * 1024)

static frames_t frames_of(const llm_dialect_t *dialect)
{
    frames_t frames = {NULL, NULL, NULL};

    if (dialect->framing == LLM_FRAMING_NDJSON) {
        frames.lines = llm_ndjson_make(FRAME_MAX, unit_pool);
    }
    else if (dialect->framing == LLM_FRAMING_EVENTSTREAM) {
        frames.messages = llm_eventstream_make(FRAME_MAX, unit_pool);
    }
    else {
        ck_assert_int_eq(dialect->framing, LLM_FRAMING_SSE);
        frames.sse = llm_sse_make(FRAME_MAX, unit_pool);
    }
    return frames;
}

static void frames_feed(frames_t *frames, const char *data, apr_size_t len)
{
    if (frames->lines) {
        llm_ndjson_feed(frames->lines, data, len);
    }
    else if (frames->messages) {
        llm_eventstream_feed(frames->messages, data, len);
    }
    else {
        llm_sse_feed(frames->sse, data, len);
    }
}

static apr_status_t next_message(frames_t *frames, llm_sse_event_t *frame)
{
    llm_eventstream_event_t message;
    apr_status_t status = llm_eventstream_next(frames->messages, &message);

    ck_assert_int_ne(status, APR_EGENERAL);
    memset(frame, 0, sizeof(*frame));
    if (!status) {
        frame->event = message.event;
        frame->data = message.data;
        frame->has_data = 1;
    }
    return status;
}

static apr_status_t frames_next(frames_t *frames, llm_sse_event_t *frame)
{
    if (frames->messages) {
        return next_message(frames, frame);
    }
    if (!frames->lines) {
        return llm_sse_next(frames->sse, frame);
    }
    memset(frame, 0, sizeof(*frame));
    frame->has_data = 1;
    return llm_ndjson_next(frames->lines, &frame->data);
}

static apr_status_t frames_finish(frames_t *frames, llm_sse_event_t *frame)
{
    if (frames->messages) {
        return next_message(frames, frame);
    }
    if (!frames->lines) {
        return llm_sse_finish(frames->sse, frame);
    }
    memset(frame, 0, sizeof(*frame));
    frame->has_data = 1;
    return llm_ndjson_finish(frames->lines, &frame->data);
}

static apr_size_t next_size(cuts_t cuts, unsigned *state, apr_size_t left)
{
    apr_size_t size = cuts.size ? cuts.size : left;

    if (cuts.seed) {
        *state = *state * 1103515245u + 12345u;
        size = 1 + (*state >> 16) % (2 * cuts.size);
    }
    return size < left ? size : left;
}

static void feed(const llm_dialect_t *dialect, const llm_ask_t *ask,
                 const char *body, apr_size_t len, cuts_t cuts, sink_t *sink)
{
    llm_reader_t *reader = dialect->reader_make(ask, unit_pool);
    frames_t frames = frames_of(dialect);
    unsigned state = cuts.seed;
    llm_sse_event_t frame;
    apr_pool_t *scratch;
    apr_size_t at, size;

    apr_pool_create(&scratch, unit_pool);
    for (at = 0; at < len; at += size) {
        size = next_size(cuts, &state, len - at);
        frames_feed(&frames, body + at, size);
        while (frames_next(&frames, &frame) == APR_SUCCESS) {
            feed_frame(dialect, reader, &frame, sink, scratch);
        }
    }
    if (frames_finish(&frames, &frame) == APR_SUCCESS) {
        feed_frame(dialect, reader, &frame, sink, scratch);
    }
    dialect->reader_end(reader, take_delta, sink, scratch);
    apr_pool_destroy(scratch);
    ck_assert_msg(sink->seen->ended, "a stream without an end");
}

answer_t *exchange_read_stream(const char *provider, const llm_ask_t *ask,
                               const char *body, apr_size_t len, cuts_t cuts)
{
    sink_t sink = {.seen = answer_make()};

    feed(exchange_dialect(provider), ask, body, len, cuts, &sink);
    return sink.seen;
}

const char *exchange_stream_text(const char *client, const llm_buf_t *out)
{
    const char *data = out->data ? out->data : "";

    return exchange_dialect(client)->framing == LLM_FRAMING_EVENTSTREAM
               ? messages_lines(data, out->len)
               : apr_pstrmemdup(unit_pool, data, out->len);
}

const char *exchange_write_stream(const char *provider, const char *client,
                                  const llm_ask_t *ask, const char *body,
                                  apr_size_t len, cuts_t cuts)
{
    sink_t sink = {.seen = answer_make(), .client = exchange_dialect(client)};
    const char *stream;

    sink.out = llm_buf_make(0, unit_pool);
    sink.writer = sink.client->writer_make(ask, "exchange1",
                                           apr_time_from_sec(1), unit_pool);
    if (!sink.client->mixes_calls) {
        sink.order = llm_call_order_make(write_delta, &sink, unit_pool);
    }
    feed(exchange_dialect(provider), ask, body, len, cuts, &sink);
    stream = exchange_stream_text(client, sink.out);
    exchange_check_stream(client, ask, stream);
    return stream;
}

/* ---- whole answers ---- */

answer_t *exchange_read(const char *provider, const llm_ask_t *ask,
                        const char *body, apr_size_t len)
{
    llm_answer_t *answer = NULL;
    answer_t *seen = answer_make();

    seen->problem = exchange_dialect(provider)->read_response(
        &answer, ask, exchange_json(body, len), unit_pool);
    if (!seen->problem) {
        see_answer(seen, answer);
    }
    return seen;
}

const char *exchange_write(const char *provider, const char *client,
                           const llm_ask_t *ask, const char *body,
                           apr_size_t len, llm_problem_t **pproblem)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_answer_t *answer = NULL;
    sink_t sink;

    *pproblem = exchange_dialect(provider)->read_response(
        &answer, ask, exchange_json(body, len), unit_pool);
    if (*pproblem) {
        return NULL;
    }
    sink.tier = NULL;
    see_tier(&sink, exchange_dialect(provider), exchange_json(body, len));
    if (sink.tier) {
        answer->service_tier = (llm_text_t){sink.tier, strlen(sink.tier)};
    }
    exchange_dialect(client)->write_response(out, ask, answer, unit_pool);
    exchange_json(out->data, out->len);
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

/* ---- showing ---- */

static void show_text(llm_buf_t *out, const char *what, int choice,
                      const llm_buf_t *text)
{
    if (text->len) {
        llm_buf_printf(out, "%s %d \"%.*s\"\n", what, choice, (int)text->len,
                       text->data);
    }
}

static void show_items(llm_buf_t *out, const char *what, int choice,
                       const llm_buf_t *items)
{
    if (items->len) {
        llm_buf_printf(out, "%s %d %.*s\n", what, choice, (int)items->len,
                       items->data);
    }
}

void exchange_show_said(llm_buf_t *out, int choice, const said_t *said, int ids)
{
    int i;

    show_text(out, "thinking", choice, said->thinking);
    show_items(out, "signature", choice, said->signatures);
    show_items(out, "redacted", choice, said->redacted);
    show_text(out, "text", choice, said->text);
    show_text(out, "refusal", choice, said->refusal);
    for (i = 0; i < said->calls->nelts; ++i) {
        const said_call_t *call = &APR_ARRAY_IDX(said->calls, i, said_call_t);
        const char *id = call->id ? call->id : "-";

        llm_buf_printf(out, "call %d %s%s%s %.*s\n", choice, ids ? id : "",
                       ids ? " " : "", call->name, (int)call->args->len,
                       call->args->data ? call->args->data : "");
    }
    if (said->finish != LLM_FINISH_NONE) {
        llm_buf_printf(out, "finish %d %s%s%s\n", choice,
                       llm_finish_name(said->finish),
                       said->stop_sequence ? " " : "",
                       said->stop_sequence ? said->stop_sequence : "");
    }
}

static void show_usage(llm_buf_t *out, const llm_usage_t *usage)
{
    int i;

    if (!usage->known) {
        return;
    }
    llm_buf_lit(out, "usage");
    for (i = 0; i < LLM_CLASSES; ++i) {
        if (llm_usage_is_known(usage, (llm_class_e)i)) {
            llm_buf_printf(out, " %s=%" APR_INT64_T_FMT,
                           llm_class_name((llm_class_e)i), usage->n[i]);
        }
    }
    llm_buf_lit(out, "\n");
}

static void show_problem(llm_buf_t *out, const llm_problem_t *problem)
{
    if (problem) {
        llm_buf_printf(out, "problem %s %d %s\n",
                       llm_problem_name(problem->kind), problem->status,
                       problem->message);
    }
}

static const char *text_of(llm_buf_t *out)
{
    return apr_pstrmemdup(unit_pool, out->data ? out->data : "", out->len);
}

const char *exchange_show(const answer_t *answer)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    int i;

    for (i = 0; i < CHOICES; ++i) {
        exchange_show_said(out, i, &answer->choices[i], 1);
    }
    show_usage(out, &answer->usage);
    show_problem(out, answer->problem);
    return text_of(out);
}

const char *exchange_differ(const char *found, const char *expected)
{
    int line = 1;

    while (*found && *expected
           && strcspn(found, "\n") == strcspn(expected, "\n")
           && !strncmp(found, expected, strcspn(found, "\n"))) {
        found += strcspn(found, "\n");
        expected += strcspn(expected, "\n");
        if (!*found || !*expected) {
            break;
        }
        ++found;
        ++expected;
        ++line;
    }
    if (!strcmp(found, expected)) {
        return NULL;
    }
    return apr_psprintf(
        unit_pool, "line %d: %.*s\nis not: %.*s", line,
        (int)strcspn(apr_pstrndup(unit_pool, found, 1500), "\n"), found,
        (int)strcspn(apr_pstrndup(unit_pool, expected, 1500), "\n"), expected);
}
