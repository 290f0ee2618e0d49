/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer in Cohere's form, written from deltas.
 *
 * Whatever deltas come, what is written is
 *
 *   message-start
 *   (content-start content-delta* content-end
 *    | tool-call-start tool-call-delta* tool-call-end)*
 *   message-end, and "[DONE]"
 *
 * with one part open at a time. Contents and calls are numbered apart. Why it
 * ended waits for the end of the stream, since most servers count last. A
 * failure is told by message-end, whose reason is ERROR then.
 *
 * Text before calls cannot be told from other text while it comes, so it is
 * content here and not `tool_plan`. Should a provider mix the arguments of two
 * calls, the client gets an error instead of arguments put together wrongly.
 */
#include "dialect/cohere_internal.h"

#include <apr_strings.h>

typedef enum { OPEN_NONE, OPEN_TEXT, OPEN_THINKING, OPEN_CALL } open_e;

struct llm_writer_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    const char *exchange; /* id of the exchange */
    const char *id;       /* of the message; NULL: not begun */
    llm_usage_t usage;
    open_e open;
    int source;          /* the provider's number of the open call */
    int contents, calls; /* begun so far */
    int cites;           /* written */
    llm_extent_t texts;  /* written */
    apr_int64_t before;  /* characters before the last content */
    llm_finish_e finish; /* NONE: not told yet */
    int refused;         /* there was a refusal */
    int ended;
};

llm_writer_t *llm_cohere_writer_make(const llm_ask_t *ask, const char *id,
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

/* As far as the members behind the type. */
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

static void open_indexed(llm_buf_t *out, const char *type, int index)
{
    open_event(out, type);
    llm_put_int_member(out, "index", index);
}

static void begin(llm_buf_t *out, llm_writer_t *writer, const char *id)
{
    if (writer->id) {
        return;
    }
    writer->id = id && *id ? apr_pstrdup(writer->pool, id) : writer->exchange;
    llm_buf_lit(out, "event: message-start\ndata: {");
    llm_put_string_member(out, "id", writer->id);
    llm_buf_lit(out, ",\"type\":\"message-start\",\"delta\":{\"message\":{"
                     "\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\","
                     "\"tool_calls\":[],\"citations\":[]}}");
    close_event(out);
}

static void close_part(llm_buf_t *out, llm_writer_t *writer)
{
    if (writer->open == OPEN_CALL) {
        open_indexed(out, "tool-call-end", writer->calls - 1);
        close_event(out);
    }
    else if (writer->open != OPEN_NONE) {
        open_indexed(out, "content-end", writer->contents - 1);
        close_event(out);
    }
    writer->open = OPEN_NONE;
}

/* ---- contents ---- */

static void write_text(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta, open_e kind)
{
    const char *name = kind == OPEN_THINKING ? "thinking" : "text";

    if (!delta->text.len) {
        return;
    }
    if (writer->open != kind) {
        close_part(out, writer);
        open_indexed(out, "content-start", writer->contents++);
        llm_buf_lit(out, ",\"delta\":{\"message\":{\"content\":{");
        llm_put_string_member(out, "type", name);
        llm_put_string_member(out, name, "");
        llm_buf_lit(out, "}}}");
        close_event(out);
        writer->open = kind;
        writer->before = writer->texts.chars;
    }
    if (delta->kind == LLM_DELTA_TEXT && !delta->media) {
        llm_extent_add(&writer->texts, delta->text);
    }
    open_indexed(out, "content-delta", writer->contents - 1);
    llm_buf_lit(out, ",\"delta\":{\"message\":{\"content\":{");
    llm_put_text_member(out, name, delta->text);
    llm_buf_lit(out, "}}}");
    close_event(out);
}

static void write_cite(llm_buf_t *out, llm_writer_t *writer,
                       const llm_cite_t *cite)
{
    int is_of_last = cite->start < 0 || cite->start >= writer->before;

    open_indexed(out, "citation-start", writer->cites);
    llm_buf_lit(out, ",\"delta\":{\"message\":{\"citations\":");
    llm_cohere_put_citation(out, cite, writer->ask,
                            writer->contents ? writer->contents - 1 : 0,
                            is_of_last ? writer->before : 0);
    llm_buf_lit(out, "}}");
    close_event(out);
    open_indexed(out, "citation-end", writer->cites++);
    close_event(out);
}

/* ---- calls ---- */

static void write_call(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    const llm_call_t *call = delta->call;

    if (!call
        || (writer->open == OPEN_CALL && writer->source == delta->call_index)) {
        return;
    }
    close_part(out, writer);
    open_indexed(out, "tool-call-start", writer->calls);
    llm_buf_lit(out, ",\"delta\":{\"message\":{\"tool_calls\":{");
    llm_put_string_member(out, "id",
                          call->id && *call->id
                              ? call->id
                              : llm_call_id_make("call_", writer->id,
                                                 writer->calls, writer->pool));
    llm_put_string_member(out, "type", "function");
    llm_put_name(out, "function");
    llm_buf_putc(out, '{');
    llm_put_needed_text(out, "name", call->name);
    llm_put_string_member(out, "arguments", "");
    llm_buf_lit(out, "}}}}");
    close_event(out);
    writer->open = OPEN_CALL;
    writer->source = delta->call_index;
    ++writer->calls;
}

static void write_args(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    if (!delta->text.len) {
        return;
    }
    if (writer->open != OPEN_CALL || writer->source != delta->call_index) {
        llm_cohere_write_stream_problem(
            out,
            llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                             "the provider mixes the arguments of several "
                             "tool calls"),
            writer->exchange);
        writer->ended = 1;
        return;
    }
    open_indexed(out, "tool-call-delta", writer->calls - 1);
    llm_buf_lit(out, ",\"delta\":{\"message\":{\"tool_calls\":{\"function\":{");
    llm_put_text_member(out, "arguments", delta->text);
    llm_buf_lit(out, "}}}}");
    close_event(out);
}

/* ---- the end ---- */

static void end_message(llm_buf_t *out, llm_writer_t *writer)
{
    llm_finish_e finish = writer->finish;

    if (finish == LLM_FINISH_NONE || finish == LLM_FINISH_OTHER) {
        finish = writer->calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_STOP;
    }
    if (finish == LLM_FINISH_STOP && writer->refused) {
        finish = LLM_FINISH_FILTERED;
    }
    close_part(out, writer);
    open_event(out, "message-end");
    llm_buf_lit(out, ",\"delta\":{");
    llm_put_string_member(out, "finish_reason", llm_cohere_finish_name(finish));
    llm_cohere_put_usage(out, &writer->usage);
    llm_buf_putc(out, '}');
    close_event(out);
    llm_buf_lit(out, "data: [DONE]\n\n");
    writer->ended = 1;
}

void llm_cohere_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id)
{
    (void)request_id; /* in the x-request-id header */
    open_event(out, "message-end");
    llm_buf_lit(out, ",\"delta\":{\"finish_reason\":\"ERROR\"");
    llm_put_string_member(out, "error", problem->message);
    llm_buf_putc(out, '}');
    close_event(out);
}

/* ---- deltas ---- */

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
        write_text(out, writer, delta, OPEN_TEXT);
        break;
    case LLM_DELTA_REFUSAL:
        writer->refused = 1;
        write_text(out, writer, delta, OPEN_TEXT);
        break;
    case LLM_DELTA_THINKING:
        write_text(out, writer, delta, OPEN_THINKING);
        break;
    case LLM_DELTA_CITE:
        write_cite(out, writer, delta->cite);
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
    default: /* what was signed or hidden has no place */
        break;
    }
}

void llm_cohere_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta)
{
    if (writer->ended || delta->choice) {
        return;
    }
    if (delta->kind == LLM_DELTA_USAGE) {
        llm_usage_merge(&writer->usage, delta->usage);
        return;
    }
    begin(out, writer, delta->id);
    if (delta->kind == LLM_DELTA_PROBLEM) {
        llm_cohere_write_stream_problem(out, delta->problem, writer->exchange);
        writer->ended = 1;
        return;
    }
    write_content(out, writer, delta);
}
