/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer in ConverseStream's form, written from deltas.
 *
 * Whatever deltas come, what is written is
 *
 *   messageStart
 *   (contentBlockStart? contentBlockDelta* contentBlockStop)*
 *   messageStop, metadata
 *
 * with one block open at a time, numbered from 0. Only calls and pictures have
 * a contentBlockStart. Why it ended waits for the end of the stream, since most
 * servers count last. A call without arguments gets "{}", since clients read
 * what the pieces make together. A failure is an exception, and the end.
 *
 * Should a provider mix the arguments of two calls, the client gets an error
 * instead of arguments put together wrongly.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/tier.h"

#include <apr_strings.h>

typedef enum {
    OPEN_NONE,
    OPEN_TEXT,
    OPEN_THINKING,
    OPEN_IMAGE,
    OPEN_CALL
} open_e;

struct llm_writer_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    const char *seed; /* for ids of calls that have none */
    llm_usage_t usage;
    const char *tier; /* that served, or NULL */
    open_e open;
    int source;          /* the provider's number of the open call */
    int has_args;        /* the open call has arguments */
    int blocks, calls;   /* begun so far */
    llm_finish_e finish; /* NONE: not told yet */
    int refused;         /* there was a refusal */
    int begun, ended;
};

llm_writer_t *llm_bedrock_writer_make(const llm_ask_t *ask, const char *id,
                                      apr_time_t now, apr_pool_t *pool)
{
    llm_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));

    (void)now;
    writer->pool = pool;
    writer->ask = ask;
    writer->seed = id ? id : "";
    llm_usage_clear(&writer->usage);
    return writer;
}

/* ---- events ---- */

static apr_size_t open_event(llm_buf_t *out, const char *name)
{
    apr_size_t begin = llm_eventstream_open(out, "event", name);

    llm_buf_putc(out, '{');
    return begin;
}

static void close_event(llm_buf_t *out, apr_size_t begin)
{
    llm_buf_putc(out, '}');
    llm_eventstream_close(out, begin);
}

static apr_size_t open_delta(llm_buf_t *out, const llm_writer_t *writer)
{
    apr_size_t begin = open_event(out, "contentBlockDelta");

    llm_put_int_member(out, "contentBlockIndex", writer->blocks - 1);
    llm_put_name(out, "delta");
    llm_buf_putc(out, '{');
    return begin;
}

static void close_delta(llm_buf_t *out, apr_size_t begin)
{
    llm_buf_putc(out, '}');
    close_event(out, begin);
}

static void begin(llm_buf_t *out, llm_writer_t *writer)
{
    apr_size_t at;

    if (!writer->begun) {
        writer->begun = 1;
        at = open_event(out, "messageStart");
        llm_put_string_member(out, "role", "assistant");
        close_event(out, at);
    }
}

static void put_input(llm_buf_t *out, const llm_writer_t *writer,
                      llm_text_t text)
{
    apr_size_t at = open_delta(out, writer);

    llm_put_name(out, "toolUse");
    llm_buf_putc(out, '{');
    llm_put_text_member(out, "input", text);
    llm_buf_putc(out, '}');
    close_delta(out, at);
}

static void close_block(llm_buf_t *out, llm_writer_t *writer)
{
    apr_size_t at;

    if (writer->open == OPEN_NONE) {
        return;
    }
    if (writer->open == OPEN_CALL && !writer->has_args) {
        put_input(out, writer, LLM_TEXT_LITERAL("{}"));
    }
    at = open_event(out, "contentBlockStop");
    llm_put_int_member(out, "contentBlockIndex", writer->blocks - 1);
    close_event(out, at);
    writer->open = OPEN_NONE;
}

static void open_block(llm_buf_t *out, llm_writer_t *writer, open_e kind)
{
    if (writer->open != kind) {
        close_block(out, writer);
        writer->open = kind;
        ++writer->blocks;
    }
}

/* ---- contents ---- */

static void write_text(llm_buf_t *out, llm_writer_t *writer, llm_text_t text)
{
    apr_size_t at;

    if (!text.len) {
        return;
    }
    open_block(out, writer, OPEN_TEXT);
    at = open_delta(out, writer);
    llm_put_text_member(out, "text", text);
    close_delta(out, at);
}

/* A picture is a block of its own, in one piece. */
static void write_shown(llm_buf_t *out, llm_writer_t *writer,
                        const llm_media_t *media)
{
    apr_size_t at;

    close_block(out, writer);
    open_block(out, writer, OPEN_IMAGE);
    at = open_event(out, "contentBlockStart");
    llm_put_int_member(out, "contentBlockIndex", writer->blocks - 1);
    llm_buf_lit(out, ",\"start\":{\"image\":{");
    llm_put_string_member(out, "format", llm_bedrock_image_format(media));
    llm_buf_lit(out, "}}");
    close_event(out, at);
    at = open_delta(out, writer);
    llm_buf_lit(out, "\"image\":{\"source\":{");
    llm_put_text_member(out, "bytes", media->base64);
    llm_buf_lit(out, "}}");
    close_delta(out, at);
    close_block(out, writer);
}

static void write_cite(llm_buf_t *out, llm_writer_t *writer,
                       const llm_cite_t *cite)
{
    apr_size_t at;

    open_block(out, writer, OPEN_TEXT);
    at = open_delta(out, writer);
    llm_put_name(out, "citation");
    llm_bedrock_put_citation(out, cite, -1, -1);
    close_delta(out, at);
}

/* `name` is "text", "signature" or "redactedContent". */
static void write_thinking(llm_buf_t *out, llm_writer_t *writer,
                           const char *name, llm_text_t text)
{
    apr_size_t at;

    if (!text.len) {
        return;
    }
    open_block(out, writer, OPEN_THINKING);
    at = open_delta(out, writer);
    llm_put_name(out, "reasoningContent");
    llm_buf_putc(out, '{');
    llm_put_text_member(out, name, text);
    llm_buf_putc(out, '}');
    close_delta(out, at);
}

/* What is hidden is a block of its own. */
static void write_redacted(llm_buf_t *out, llm_writer_t *writer,
                           llm_text_t text)
{
    close_block(out, writer);
    write_thinking(out, writer, "redactedContent",
                   llm_bedrock_wrap(text, writer->pool));
    close_block(out, writer);
}

/* Behind its signature a thought is over. */
static void write_signature(llm_buf_t *out, llm_writer_t *writer,
                            llm_text_t text)
{
    write_thinking(out, writer, "signature", text);
    close_block(out, writer);
}

/* ---- calls ---- */

static void write_call(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    const llm_call_t *call = delta->call;
    apr_size_t at;

    if (!call
        || (writer->open == OPEN_CALL && writer->source == delta->call_index)) {
        return;
    }
    close_block(out, writer);
    open_block(out, writer, OPEN_CALL);
    at = open_event(out, "contentBlockStart");
    llm_put_int_member(out, "contentBlockIndex", writer->blocks - 1);
    llm_buf_lit(out, ",\"start\":{\"toolUse\":{");
    llm_put_string_member(out, "toolUseId",
                          call->id && *call->id
                              ? call->id
                              : llm_call_id_make("tooluse_", writer->seed,
                                                 writer->calls, writer->pool));
    llm_put_needed_text(out, "name", call->name);
    llm_buf_lit(out, "}}");
    close_event(out, at);
    writer->source = delta->call_index;
    writer->has_args = 0;
    ++writer->calls;
}

static void fail(llm_buf_t *out, llm_writer_t *writer,
                 const llm_problem_t *problem)
{
    llm_bedrock_write_stream_problem(out, problem, NULL);
    writer->ended = 1;
}

static void write_args(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    if (!delta->text.len) {
        return;
    }
    if (writer->open != OPEN_CALL || writer->source != delta->call_index) {
        fail(out, writer,
             llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                              "the provider mixes the arguments of several "
                              "tool calls"));
        return;
    }
    writer->has_args = 1;
    put_input(out, writer, delta->text);
}

/* ---- the end ---- */

static void end_message(llm_buf_t *out, llm_writer_t *writer)
{
    llm_finish_e finish = writer->finish;
    apr_size_t at;

    if (finish == LLM_FINISH_NONE || finish == LLM_FINISH_OTHER) {
        finish = writer->calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_STOP;
    }
    if (finish == LLM_FINISH_STOP && writer->refused) {
        finish = LLM_FINISH_FILTERED;
    }
    close_block(out, writer);
    at = open_event(out, "messageStop");
    llm_put_string_member(out, "stopReason", llm_bedrock_finish_name(finish));
    close_event(out, at);
    at = open_event(out, "metadata");
    llm_bedrock_put_counts(out, &writer->usage, writer->ask);
    llm_bedrock_put_tier(out, writer->tier);
    close_event(out, at);
    writer->ended = 1;
}

/* ---- deltas ---- */

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
        if (llm_bedrock_shows(delta->media)) {
            write_shown(out, writer, delta->media);
            break;
        }
        write_text(out, writer, delta->text);
        break;
    case LLM_DELTA_REFUSAL:
        writer->refused = 1;
        write_text(out, writer, delta->text);
        break;
    case LLM_DELTA_CITE:
        write_cite(out, writer, delta->cite);
        break;
    case LLM_DELTA_THINKING:
        write_thinking(out, writer, "text", delta->text);
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
    case LLM_DELTA_FINISH:
        writer->finish = delta->finish;
        break;
    case LLM_DELTA_END:
        end_message(out, writer);
        break;
    default: /* begun is all that a beginning says */
        break;
    }
}

void llm_bedrock_write_delta(llm_buf_t *out, llm_writer_t *writer,
                             const llm_delta_t *delta)
{
    if (writer->ended || delta->choice) {
        return;
    }
    llm_tier_note(&writer->tier, delta, llm_tiers_bedrock);
    if (delta->kind == LLM_DELTA_USAGE) {
        llm_usage_merge(&writer->usage, delta->usage);
        return;
    }
    if (delta->kind == LLM_DELTA_PROBLEM) {
        fail(out, writer, delta->problem);
        return;
    }
    begin(out, writer);
    write_content(out, writer, delta);
}
