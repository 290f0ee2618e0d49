/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer in Anthropic's form, written from deltas.
 *
 * Whatever deltas come, what is written is
 *
 *   message_start
 *   (content_block_start content_block_delta* content_block_stop)*
 *   message_delta message_stop
 *
 * or an error at any place, and nothing after it. One block is open at a time;
 * a delta of another kind closes it and opens the next. message_delta waits
 * for the end of the stream, because it tells usage and most providers count
 * last; message_start tells what is known by then.
 *
 * Arguments of a call whose block is closed cannot be written any more, and
 * what a client would make of the rest is not what the model said: it is an
 * error. Calls that a provider mixes are put in order before, call_order.h.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/tier.h"

#include <string.h>

#include <apr_strings.h>

typedef enum {
    BLOCK_NONE,
    BLOCK_TEXT,
    BLOCK_THINKING,
    BLOCK_SIGNED, /* thinking that has its signature */
    BLOCK_CALL
} block_e;

struct llm_writer_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    const char *exchange; /* id of the exchange: what ids are made of */
    llm_usage_t usage;
    const char *tier;          /* that serves, or NULL */
    llm_finish_e finish;       /* NONE: not told yet */
    const char *stop_sequence; /* escaped text's bytes, terminated; or NULL */
    block_e block;             /* the open one */
    int index;                 /* of the open block, or of the next one */
    int call;                  /* the provider's number of the open call */
    int calls;                 /* begun so far */
    int refused;               /* there was a refusal */
    int began;                 /* message_start was written */
    int ended;                 /* message_stop or an error was written */
};

llm_writer_t *llm_anthropic_writer_make(const llm_ask_t *ask, const char *id,
                                        apr_time_t now, apr_pool_t *pool)
{
    llm_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));

    (void)now;
    writer->pool = pool;
    writer->ask = ask;
    writer->exchange = id ? id : "";
    llm_usage_clear(&writer->usage);
    return writer;
}

/* ---- events ---- */

static void open_event(llm_buf_t *out, const char *type)
{
    llm_buf_lit(out, "event: ");
    llm_buf_puts(out, type);
    llm_buf_lit(out, "\ndata: {\"type\":\"");
    llm_buf_puts(out, type);
    llm_buf_putc(out, '"');
}

static void close_event(llm_buf_t *out)
{
    llm_buf_lit(out, "}\n\n");
}

static void begin(llm_buf_t *out, llm_writer_t *writer,
                  const llm_delta_t *delta)
{
    const char *id = delta->id;

    if (writer->began) {
        return;
    }
    writer->began = 1;
    if (!id || !*id) {
        id = apr_pstrcat(writer->pool, "msg_", writer->exchange, NULL);
    }
    open_event(out, "message_start");
    llm_buf_lit(out, ",\"message\":{");
    llm_put_string_member(out, "id", id);
    llm_put_string_member(out, "type", "message");
    llm_put_string_member(out, "role", "assistant");
    llm_put_string_member(out, "model",
                          delta->model && *delta->model ? delta->model
                                                        : writer->ask->model);
    llm_buf_lit(out, ",\"content\":[],\"stop_reason\":null,"
                     "\"stop_sequence\":null,\"usage\":");
    llm_anthropic_put_usage(out, &writer->usage, writer->tier);
    llm_buf_putc(out, '}');
    close_event(out);
}

/* ---- blocks ---- */

static void close_block(llm_buf_t *out, llm_writer_t *writer)
{
    if (writer->block != BLOCK_NONE) {
        open_event(out, "content_block_stop");
        llm_put_int_member(out, "index", writer->index++);
        close_event(out);
        writer->block = BLOCK_NONE;
    }
}

/* content_block_start as far as the members of the block. */
static void open_block(llm_buf_t *out, llm_writer_t *writer, block_e block,
                       const char *type)
{
    close_block(out, writer);
    writer->block = block;
    open_event(out, "content_block_start");
    llm_put_int_member(out, "index", writer->index);
    llm_buf_lit(out, ",\"content_block\":{");
    llm_put_string_member(out, "type", type);
}

static void opened_block(llm_buf_t *out)
{
    llm_buf_putc(out, '}');
    close_event(out);
}

static void put_delta(llm_buf_t *out, const llm_writer_t *writer,
                      const char *type, const char *name, llm_text_t text)
{
    open_event(out, "content_block_delta");
    llm_put_int_member(out, "index", writer->index);
    llm_buf_lit(out, ",\"delta\":{");
    llm_put_string_member(out, "type", type);
    llm_put_text_member(out, name, text);
    llm_buf_putc(out, '}');
    close_event(out);
}

static void begin_text(llm_buf_t *out, llm_writer_t *writer)
{
    if (writer->block != BLOCK_TEXT) {
        open_block(out, writer, BLOCK_TEXT, "text");
        llm_put_string_member(out, "text", "");
        opened_block(out);
    }
}

static void write_text(llm_buf_t *out, llm_writer_t *writer, llm_text_t text)
{
    if (!text.len) {
        return;
    }
    begin_text(out, writer);
    put_delta(out, writer, "text_delta", "text", text);
}

static void write_cite(llm_buf_t *out, llm_writer_t *writer,
                       const llm_cite_t *cite)
{
    begin_text(out, writer);
    open_event(out, "content_block_delta");
    llm_put_int_member(out, "index", writer->index);
    llm_buf_lit(out, ",\"delta\":{\"type\":\"citations_delta\",\"citation\":");
    llm_anthropic_put_citation(out, cite, -1, -1);
    llm_buf_putc(out, '}');
    close_event(out);
}

static void open_thinking(llm_buf_t *out, llm_writer_t *writer)
{
    open_block(out, writer, BLOCK_THINKING, "thinking");
    llm_put_string_member(out, "thinking", "");
    llm_put_string_member(out, "signature", "");
    opened_block(out);
}

static void write_thinking(llm_buf_t *out, llm_writer_t *writer,
                           llm_text_t text)
{
    if (!text.len) {
        return;
    }
    if (writer->block != BLOCK_THINKING) {
        open_thinking(out, writer);
    }
    put_delta(out, writer, "thinking_delta", "thinking", text);
}

static void write_signature(llm_buf_t *out, llm_writer_t *writer,
                            llm_text_t text)
{
    if (!text.len) {
        return;
    }
    if (writer->block != BLOCK_THINKING) {
        open_thinking(out, writer);
    }
    put_delta(out, writer, "signature_delta", "signature", text);
    writer->block = BLOCK_SIGNED;
}

static void write_redacted(llm_buf_t *out, llm_writer_t *writer,
                           llm_text_t text)
{
    if (text.len) {
        open_block(out, writer, BLOCK_SIGNED, "redacted_thinking");
        llm_put_text_member(out, "data", text);
        opened_block(out);
        close_block(out, writer);
    }
}

/* ---- tool calls ---- */

static void write_call(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    const llm_call_t *call = delta->call;
    const char *id = call ? call->id : NULL;

    if (!call
        || (writer->block == BLOCK_CALL && writer->call == delta->call_index)) {
        return;
    }
    if (!id || !*id) {
        id = llm_call_id_make("toolu_", writer->exchange, writer->calls,
                              writer->pool);
    }
    open_block(out, writer, BLOCK_CALL, "tool_use");
    llm_put_string_member(out, "id", id);
    llm_put_needed_text(out, "name", call->name);
    llm_buf_lit(out, ",\"input\":{}");
    opened_block(out);
    writer->call = delta->call_index;
    ++writer->calls;
}

static void write_args(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    if (!delta->text.len) {
        return;
    }
    if (writer->block == BLOCK_CALL && writer->call == delta->call_index) {
        put_delta(out, writer, "input_json_delta", "partial_json", delta->text);
        return;
    }
    llm_anthropic_write_stream_problem(
        out,
        llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                         "the provider mixes the arguments of several tool "
                         "calls"),
        writer->exchange);
    writer->ended = 1;
}

/* ---- the end ---- */

static void take_finish(llm_writer_t *writer, const llm_delta_t *delta)
{
    writer->finish = delta->finish;
    if (delta->stop_sequence.data) {
        writer->stop_sequence = apr_pstrmemdup(
            writer->pool, delta->stop_sequence.data, delta->stop_sequence.len);
    }
}

static void end_message(llm_buf_t *out, llm_writer_t *writer)
{
    llm_finish_e finish = writer->finish;

    if (finish == LLM_FINISH_NONE || finish == LLM_FINISH_OTHER) {
        finish = writer->calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_STOP;
    }
    if (finish == LLM_FINISH_STOP && writer->refused) {
        finish = LLM_FINISH_FILTERED;
    }
    close_block(out, writer);
    open_event(out, "message_delta");
    llm_buf_lit(out, ",\"delta\":{");
    llm_put_string_member(out, "stop_reason",
                          llm_anthropic_finish_name(finish));
    llm_buf_lit(out, ",\"stop_sequence\":");
    if (writer->stop_sequence) {
        llm_text_t text = {writer->stop_sequence,
                           strlen(writer->stop_sequence)};

        llm_buf_put_text(out, text);
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_buf_lit(out, "},\"usage\":");
    llm_anthropic_put_usage(out, &writer->usage, NULL);
    close_event(out);
    open_event(out, "message_stop");
    close_event(out);
    writer->ended = 1;
}

/* ---- deltas ---- */

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    switch (delta->kind) {
    case LLM_DELTA_REFUSAL:
        writer->refused = 1;
        write_text(out, writer, delta->text);
        break;
    case LLM_DELTA_TEXT:
        write_text(out, writer, delta->text);
        break;
    case LLM_DELTA_CITE:
        write_cite(out, writer, delta->cite);
        break;
    case LLM_DELTA_THINKING:
        write_thinking(out, writer, delta->text);
        break;
    case LLM_DELTA_SIGNATURE:
        write_signature(out, writer, delta->text);
        break;
    case LLM_DELTA_REDACTED:
        write_redacted(out, writer, delta->text);
        break;
    case LLM_DELTA_CALL:
        write_call(out, writer, delta);
        break;
    case LLM_DELTA_ARGS:
        write_args(out, writer, delta);
        break;
    default:
        take_finish(writer, delta);
        break;
    }
}

void llm_anthropic_write_delta(llm_buf_t *out, llm_writer_t *writer,
                               const llm_delta_t *delta)
{
    if (writer->ended || delta->choice) {
        return; /* there is one choice here */
    }
    llm_tier_note(&writer->tier, delta, llm_tiers_anthropic);
    switch (delta->kind) {
    case LLM_DELTA_USAGE:
        llm_usage_merge(&writer->usage, delta->usage);
        break;
    case LLM_DELTA_PROBLEM:
        llm_anthropic_write_stream_problem(out, delta->problem,
                                           writer->exchange);
        writer->ended = 1;
        break;
    case LLM_DELTA_BEGIN:
        begin(out, writer, delta);
        break;
    case LLM_DELTA_END:
        begin(out, writer, delta);
        end_message(out, writer);
        break;
    default:
        begin(out, writer, delta);
        write_content(out, writer, delta);
        break;
    }
}
