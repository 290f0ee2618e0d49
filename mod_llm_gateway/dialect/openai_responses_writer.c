/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer of the Responses API, written from deltas.
 *
 * Whatever deltas come, what is written is
 *
 *   response.created, response.in_progress
 *   for each item:
 *     response.output_item.added
 *       message: for each part content_part.added, output_text.delta* and
 *                output_text.done (or refusal.*), content_part.done
 *       reasoning: reasoning_summary_part.added, reasoning_summary_text.delta*,
 *                reasoning_summary_text.done, reasoning_summary_part.done
 *       function_call: function_call_arguments.delta*, .done
 *       custom_tool_call: custom_tool_call_input.delta, .done, when it is whole
 *       image_generation_call: image_generation_call.in_progress, .generating,
 *                .completed
 *     response.output_item.done
 *   response.completed or response.incomplete
 *
 * or, at any place behind the first two, `error` and response.failed, as OpenAI
 * itself tells a failure, and nothing after it. One item is open at a time; a
 * delta of another kind closes it and opens the next. Arguments of a call that
 * is closed cannot be written any more: that is an error, as in Anthropic's
 * form. Calls that a provider mixes are put in order before, call_order.h.
 *
 * The last events repeat the whole answer, so it has to be kept: the open part
 * in pieces as they came, finished items as they were written. Together they
 * are no larger than the limit of an answer; past it the answer fails.
 */
#include "dialect/openai_responses_internal.h"
#include "dialect/cite.h"

#include <string.h>

#include <apr_strings.h>

typedef enum { ITEM_NONE, ITEM_MESSAGE, ITEM_REASONING, ITEM_CALL } item_e;
typedef enum { PART_NONE, PART_TEXT, PART_REFUSAL } part_e;

struct llm_writer_t {
    apr_pool_t *pool;
    llm_responses_head_t head;
    const char *exchange; /* id of the exchange: what ids are made of */
    unsigned sequence;    /* number of the next event */
    llm_buf_t *output;    /* the finished items, joined by commas */
    int index;            /* of the open item, or of the next one */
    item_e item;          /* the open one */
    const char *item_id;
    part_e part;      /* of a message: the open one */
    int part_index;   /* of the open part, or of the next one */
    llm_buf_t *parts; /* of a message: the finished ones, joined */
    llm_buf_t *text;  /* of the open part, summary or arguments */
    llm_buf_t *probs; /* log probabilities of the open part, joined */
    llm_buf_t *notes; /* annotations of the open part, joined */
    int note_count;
    llm_extent_t before;    /* texts of the parts before the open one */
    llm_buf_t *opaque;      /* signature of the open reasoning */
    int call;               /* the provider's number of the open call */
    int custom;             /* it is one of a custom tool */
    const llm_tool_t *tool; /* custom or in a namespace, or NULL */
    const char *call_id;
    llm_text_t call_name;
    int calls;   /* begun so far */
    int refused; /* there was a refusal */
    llm_usage_t usage;
    const char *tier;    /* that serves, or NULL */
    llm_finish_e finish; /* NONE: not told yet */
    int too_large;       /* something finished did not fit */
    int began;           /* response.created was written */
    int ended;           /* the last event, or an error, was written */
};

llm_writer_t *llm_responses_writer_make(const llm_ask_t *ask, const char *id,
                                        apr_time_t now, apr_pool_t *pool)
{
    llm_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));
    apr_size_t limit = ask->answer_limit;

    writer->pool = pool;
    writer->head.ask = ask;
    writer->head.created = apr_time_sec(now);
    writer->exchange = id ? id : "";
    writer->output = llm_buf_make(limit, pool);
    writer->parts = llm_buf_make(limit, pool);
    writer->text = llm_buf_make(limit, pool);
    writer->probs = llm_buf_make(limit, pool);
    writer->notes = llm_buf_make(limit, pool);
    writer->opaque = llm_buf_make(limit, pool);
    llm_usage_clear(&writer->usage);
    return writer;
}

static llm_text_t text_in(const llm_buf_t *buf)
{
    return (llm_text_t){buf->data ? buf->data : "", buf->len};
}

static llm_bytes_t bytes_in(const llm_buf_t *buf)
{
    return (llm_bytes_t){buf->data ? buf->data : "", buf->len};
}

/* One more of a list that is JSON: whole or not at all. */
static void keep_json(llm_writer_t *writer, llm_buf_t *list, const char *data,
                      apr_size_t len)
{
    if (list->len + len >= list->ceiling) {
        writer->too_large = 1;
        return;
    }
    if (list->len) {
        llm_buf_putc(list, ',');
    }
    llm_buf_append(list, data, len);
}

/* ---- events ---- */

static void open_event(llm_buf_t *out, llm_writer_t *writer, const char *type)
{
    llm_buf_lit(out, "event: ");
    llm_buf_puts(out, type);
    llm_buf_lit(out, "\ndata: {\"type\":\"");
    llm_buf_puts(out, type);
    llm_buf_lit(out, "\",\"sequence_number\":");
    llm_buf_put_int(out, writer->sequence++);
}

/* An event about the open item. */
static void open_item_event(llm_buf_t *out, llm_writer_t *writer,
                            const char *type)
{
    open_event(out, writer, type);
    llm_buf_lit(out, ",\"item_id\":\"");
    llm_buf_puts(out, writer->item_id);
    llm_buf_lit(out, "\",\"output_index\":");
    llm_buf_put_int(out, writer->index);
}

static void open_part_event(llm_buf_t *out, llm_writer_t *writer,
                            const char *type)
{
    open_item_event(out, writer, type);
    llm_put_int_member(out, "content_index", writer->part_index);
}

static void open_summary_event(llm_buf_t *out, llm_writer_t *writer,
                               const char *type)
{
    open_item_event(out, writer, type);
    llm_buf_lit(out, ",\"summary_index\":0");
}

static void close_event(llm_buf_t *out)
{
    llm_buf_lit(out, "}\n\n");
}

static void put_response(llm_buf_t *out, llm_writer_t *writer, const char *type,
                         const char *status, const char *reason,
                         const llm_problem_t *problem)
{
    int counted = (writer->usage.known | writer->usage.estimated) != 0;

    open_event(out, writer, type);
    llm_buf_lit(out, ",\"response\":");
    llm_responses_put_object(
        out, &writer->head, status, reason, problem, bytes_in(writer->output),
        counted && writer->ended ? &writer->usage : NULL, writer->tier);
    close_event(out);
}

static void begin(llm_buf_t *out, llm_writer_t *writer,
                  const llm_delta_t *delta)
{
    if (writer->began) {
        return;
    }
    writer->began = 1;
    writer->head.id = llm_responses_id(
        delta->id && *delta->id ? delta->id : writer->exchange, writer->pool);
    writer->head.model = apr_pstrdup(
        writer->pool,
        delta->model && *delta->model ? delta->model : writer->head.ask->model);
    if (delta->created) {
        writer->head.created = delta->created;
    }
    put_response(out, writer, "response.created", "in_progress", NULL, NULL);
    put_response(out, writer, "response.in_progress", "in_progress", NULL,
                 NULL);
}

/* ---- items ---- */

/* output_item.added or .done as far as the item. */
static void open_item(llm_buf_t *out, llm_writer_t *writer, const char *type)
{
    open_event(out, writer, type);
    llm_put_int_member(out, "output_index", writer->index);
    llm_buf_lit(out, ",\"item\":");
}

static void put_item(llm_buf_t *out, const llm_writer_t *writer,
                     const char *status)
{
    switch (writer->item) {
    case ITEM_MESSAGE:
        llm_responses_put_message(out, writer->item_id, status,
                                  bytes_in(writer->parts));
        break;
    case ITEM_REASONING:
        llm_responses_put_reasoning(out, writer->item_id, text_in(writer->text),
                                    text_in(writer->opaque), 0);
        break;
    case ITEM_CALL:
        llm_responses_put_call(out, writer->tool, writer->item_id, status,
                               writer->call_id, writer->call_name,
                               text_in(writer->text));
        break;
    case ITEM_NONE:
        break;
    }
}

/* The item's last event; with it, it is part of the output. */
static void finish_item(llm_buf_t *out, llm_writer_t *writer)
{
    apr_size_t from;

    open_item(out, writer, "response.output_item.done");
    from = out->len;
    put_item(out, writer, "completed");
    keep_json(writer, writer->output, out->data + from, out->len - from);
    close_event(out);
    writer->item = ITEM_NONE;
    ++writer->index;
}

static void close_part(llm_buf_t *out, llm_writer_t *writer)
{
    int is_text = writer->part == PART_TEXT;
    apr_size_t from;

    if (writer->part == PART_NONE) {
        return;
    }
    open_part_event(out, writer,
                    is_text ? "response.output_text.done"
                            : "response.refusal.done");
    llm_put_text_member(out, is_text ? "text" : "refusal",
                        text_in(writer->text));
    if (is_text) {
        llm_buf_lit(out, ",\"logprobs\":[");
        llm_buf_append(out, writer->probs->data, writer->probs->len);
        llm_buf_putc(out, ']');
    }
    close_event(out);
    open_part_event(out, writer, "response.content_part.done");
    llm_buf_lit(out, ",\"part\":");
    from = out->len;
    if (is_text) {
        llm_responses_put_text(out, text_in(writer->text),
                               bytes_in(writer->probs),
                               bytes_in(writer->notes));
        llm_extent_add(&writer->before, text_in(writer->text));
    }
    else {
        llm_responses_put_refusal(out, text_in(writer->text));
    }
    keep_json(writer, writer->parts, out->data + from, out->len - from);
    close_event(out);
    writer->part = PART_NONE;
    ++writer->part_index;
}

static void close_summary(llm_buf_t *out, llm_writer_t *writer)
{
    if (!writer->text->len) {
        return; /* it has its signature only */
    }
    open_summary_event(out, writer, "response.reasoning_summary_text.done");
    llm_put_text_member(out, "text", text_in(writer->text));
    close_event(out);
    open_summary_event(out, writer, "response.reasoning_summary_part.done");
    llm_buf_lit(out, ",\"part\":{\"type\":\"summary_text\",\"text\":");
    llm_buf_put_text(out, text_in(writer->text));
    llm_buf_putc(out, '}');
    close_event(out);
}

static void put_piece(llm_buf_t *out, llm_writer_t *writer, const char *type,
                      llm_text_t text)
{
    open_item_event(out, writer, type);
    llm_put_text_member(out, "delta", text);
    close_event(out);
}

static void put_args(llm_buf_t *out, llm_writer_t *writer, llm_text_t text)
{
    llm_buf_append(writer->text, text.data, text.len);
    if (!writer->custom) {
        put_piece(out, writer, "response.function_call_arguments.delta", text);
    }
}

static void close_call(llm_buf_t *out, llm_writer_t *writer)
{
    if (!writer->text->len) { /* none at all mean an empty object */
        put_args(out, writer, LLM_TEXT_LITERAL("{}"));
    }
    if (writer->custom) {
        llm_openai_settle_input(writer->text, writer->pool);
        put_piece(out, writer, "response.custom_tool_call_input.delta",
                  text_in(writer->text));
    }
    open_item_event(out, writer,
                    writer->custom ? "response.custom_tool_call_input.done"
                                   : "response.function_call_arguments.done");
    llm_put_text_member(out, "name",
                        writer->custom ? LLM_TEXT_NONE : writer->call_name);
    llm_put_text_member(out, writer->custom ? "input" : "arguments",
                        text_in(writer->text));
    close_event(out);
}

static void close_item(llm_buf_t *out, llm_writer_t *writer)
{
    switch (writer->item) {
    case ITEM_NONE:
        return;
    case ITEM_MESSAGE:
        close_part(out, writer);
        break;
    case ITEM_REASONING:
        close_summary(out, writer);
        break;
    case ITEM_CALL:
        close_call(out, writer);
        break;
    }
    finish_item(out, writer);
}

/* The item that was open is closed, and one of this kind opened. */
static void begin_item(llm_buf_t *out, llm_writer_t *writer, item_e item)
{
    static const char *const prefixes[] = {"", "msg_", "rs_", "fc_"};

    close_item(out, writer);
    writer->item = item;
    writer->item_id = llm_call_id_make(
        item == ITEM_CALL && writer->custom ? "ctc_" : prefixes[item],
        writer->head.id, writer->index, writer->pool);
    writer->part_index = 0;
    llm_buf_clear(writer->parts);
    llm_buf_clear(writer->text);
    llm_buf_clear(writer->probs);
    llm_buf_clear(writer->opaque);
    open_item(out, writer, "response.output_item.added");
    put_item(out, writer, "in_progress");
    close_event(out);
}

/* ---- messages ---- */

static void begin_part(llm_buf_t *out, llm_writer_t *writer, part_e part)
{
    if (writer->item != ITEM_MESSAGE) {
        begin_item(out, writer, ITEM_MESSAGE);
    }
    close_part(out, writer);
    writer->part = part;
    llm_buf_clear(writer->text);
    llm_buf_clear(writer->probs);
    llm_buf_clear(writer->notes);
    writer->note_count = 0;
    open_part_event(out, writer, "response.content_part.added");
    llm_buf_lit(out, ",\"part\":");
    if (part == PART_TEXT) {
        llm_responses_put_text(out, LLM_TEXT_LITERAL(""), LLM_BYTES_LITERAL(""),
                               LLM_BYTES_LITERAL(""));
    }
    else {
        llm_responses_put_refusal(out, LLM_TEXT_LITERAL(""));
    }
    close_event(out);
}

/* The elements of a piece's log probabilities, without their brackets. */
static void put_probs(llm_buf_t *out, llm_writer_t *writer,
                      const llm_json_t *logprobs)
{
    const llm_json_t *list = llm_json_want(logprobs, "content"), *node;

    for (node = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL; node;
         node = node->next) {
        apr_size_t from;

        llm_put_comma(out);
        from = out->len;
        llm_put_one_line(out, node->raw);
        keep_json(writer, writer->probs, out->data + from, out->len - from);
    }
}

static void write_said(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    int is_text = delta->kind == LLM_DELTA_TEXT;
    part_e part = is_text ? PART_TEXT : PART_REFUSAL;

    if (!delta->text.len && !delta->logprobs) {
        return;
    }
    if (writer->item != ITEM_MESSAGE || writer->part != part) {
        begin_part(out, writer, part);
    }
    writer->refused |= !is_text;
    llm_buf_append(writer->text, delta->text.data, delta->text.len);
    open_part_event(out, writer,
                    is_text ? "response.output_text.delta"
                            : "response.refusal.delta");
    llm_put_needed_text(out, "delta", delta->text);
    if (is_text) {
        llm_buf_lit(out, ",\"logprobs\":[");
        put_probs(out, writer, delta->logprobs);
        llm_buf_putc(out, ']');
    }
    close_event(out);
}

static void write_cite(llm_buf_t *out, llm_writer_t *writer,
                       const llm_cite_t *cite)
{
    apr_size_t from;

    if (writer->item != ITEM_MESSAGE || writer->part != PART_TEXT) {
        begin_part(out, writer, PART_TEXT);
    }
    open_part_event(out, writer, "response.output_text.annotation.added");
    llm_put_int_member(out, "annotation_index", writer->note_count++);
    llm_put_name(out, "annotation");
    from = out->len;
    llm_responses_put_annotation(out, cite, writer->before.chars);
    keep_json(writer, writer->notes, out->data + from, out->len - from);
    close_event(out);
}

/* ---- reasoning ---- */

static void write_thinking(llm_buf_t *out, llm_writer_t *writer,
                           llm_text_t text)
{
    if (!text.len) {
        return;
    }
    if (writer->item != ITEM_REASONING || writer->opaque->len) {
        begin_item(out, writer, ITEM_REASONING);
    }
    if (!writer->text->len) {
        open_summary_event(out, writer,
                           "response.reasoning_summary_part.added");
        llm_buf_lit(out, ",\"part\":{\"type\":\"summary_text\",\"text\":\"\"}");
        close_event(out);
    }
    llm_buf_append(writer->text, text.data, text.len);
    open_summary_event(out, writer, "response.reasoning_summary_text.delta");
    llm_put_text_member(out, "delta", text);
    close_event(out);
}

static void write_signature(llm_buf_t *out, llm_writer_t *writer,
                            llm_text_t text)
{
    if (text.len) {
        if (writer->item != ITEM_REASONING || writer->opaque->len) {
            begin_item(out, writer, ITEM_REASONING);
        }
        llm_buf_append(writer->opaque, text.data, text.len);
    }
}

/* Hidden thinking, or a picture: an item of its own, whole at once. */
static void write_whole(llm_buf_t *out, llm_writer_t *writer, llm_text_t hidden,
                        const llm_media_t *shown)
{
    llm_bytes_t item;

    close_item(out, writer);
    item =
        llm_responses_put_whole(out, &writer->sequence, writer->index,
                                writer->head.id, hidden, shown, writer->pool);
    keep_json(writer, writer->output, item.data, item.len);
    ++writer->index;
}

/* ---- calls ---- */

static void write_call(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    const llm_call_t *call = delta->call;

    if (!call
        || (writer->item == ITEM_CALL && writer->call == delta->call_index)) {
        return;
    }
    close_item(out, writer);
    writer->call = delta->call_index;
    writer->call_id = call->id && *call->id
                          ? apr_pstrdup(writer->pool, call->id)
                          : llm_call_id_make("call_", writer->exchange,
                                             writer->calls, writer->pool);
    writer->tool =
        llm_responses_tool(writer->head.ask, call->name, writer->pool);
    writer->custom = writer->tool && writer->tool->custom;
    writer->call_name =
        llm_responses_name(writer->tool, call->name, writer->pool);
    ++writer->calls;
    begin_item(out, writer, ITEM_CALL);
}

/* `error`, response.failed: a client that listens to either learns of it. */
static void write_problem(llm_buf_t *out, llm_writer_t *writer,
                          const llm_problem_t *problem)
{
    open_event(out, writer, "error");
    llm_responses_put_error(out, problem);
    close_event(out);
    writer->ended = 1;
    put_response(out, writer, "response.failed", "failed", NULL, problem);
}

static void write_args(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    if (!delta->text.len) {
        return;
    }
    if (writer->item == ITEM_CALL && writer->call == delta->call_index) {
        put_args(out, writer, delta->text);
        return;
    }
    write_problem(out, writer,
                  llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                                   "the provider mixes the arguments of "
                                   "several tool calls"));
}

/* ---- the end ---- */

static int is_too_large(const llm_writer_t *writer)
{
    return writer->too_large || writer->text->overflow
           || writer->opaque->overflow;
}

static void write_too_large(llm_buf_t *out, llm_writer_t *writer)
{
    write_problem(out, writer,
                  llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                                   "the provider's answer is too large"));
}

static void end_response(llm_buf_t *out, llm_writer_t *writer)
{
    const char *reason =
        llm_responses_incomplete(writer->finish, writer->refused);

    close_item(out, writer);
    if (is_too_large(writer)) {
        write_too_large(out, writer);
        return;
    }
    writer->ended = 1;
    put_response(out, writer,
                 reason ? "response.incomplete" : "response.completed",
                 reason ? "incomplete" : "completed", reason, NULL);
}

/* ---- deltas ---- */

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
    case LLM_DELTA_REFUSAL:
        if (llm_responses_shows(delta->media)) {
            write_whole(out, writer, LLM_TEXT_NONE, delta->media);
            break;
        }
        write_said(out, writer, delta);
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
        if (delta->text.len) {
            write_whole(out, writer, delta->text, NULL);
        }
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
        end_response(out, writer);
        break;
    case LLM_DELTA_PROBLEM:
        write_problem(out, writer, delta->problem);
        break;
    default:
        break;
    }
}

void llm_responses_write_delta(llm_buf_t *out, llm_writer_t *writer,
                               const llm_delta_t *delta)
{
    if (writer->ended || delta->choice) {
        return; /* there is one choice here */
    }
    llm_tier_note(&writer->tier, delta, llm_tiers_openai);
    if (delta->kind == LLM_DELTA_USAGE) {
        llm_usage_merge(&writer->usage, delta->usage);
        return;
    }
    begin(out, writer, delta);
    write_content(out, writer, delta);
    if (is_too_large(writer) && !writer->ended) {
        write_too_large(out, writer);
    }
}
