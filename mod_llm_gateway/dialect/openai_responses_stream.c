/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's streamed answer, as deltas.
 *
 *   - an event's type is read from its data: OpenRouter names no events
 *   - pieces tell the output_index of their item and nothing else about it;
 *     what an item is, and a call's name and id, is told when it is added
 *   - whole texts that come at the end of a part are passed over, unless the
 *     server sent no pieces of it
 *   - reasoning is a summary (OpenAI) or the thing itself (open models); what
 *     has to come back with it, encrypted_content, is right when its item is
 *     done, not when it is added
 *   - a failure is an `error` event, a `response.failed`, or the one and then
 *     the other: it is told once
 *   - the end is response.completed or response.incomplete; "[DONE]" comes
 *     from OpenRouter only
 *
 *   - some servers tell nothing before it: the answer is what it holds then
 *
 * What is kept is a few bytes for each item.
 */
#include "dialect/openai_responses_internal.h"
#include "dialect/cite.h"

#include <string.h>

#include <apr_strings.h>

#define ITEMS_MAX 1024

/* Where an item's thinking is taken from; never from both. */
typedef enum { FROM_NOWHERE, FROM_SUMMARY, FROM_CONTENT } source_e;

typedef struct item_state_t {
    int call;        /* number of the call, from 1; 0: not begun as one */
    int has_args;    /* some were told */
    int input_done;  /* of a tool that takes a text: all of it was told */
    int parts_said;  /* parts of the message of which pieces came */
    source_e source; /* of the thinking that was told */
    int thoughts;    /* parts of it that began */
} item_state_t;

struct llm_reader_t {
    apr_pool_t *pool;
    apr_array_header_t *items; /* of item_state_t, by output_index */
    llm_usage_t usage;
    int calls;              /* begun so far */
    int began;              /* BEGIN was emitted */
    int said;               /* an event told of an item */
    int ended;              /* END or PROBLEM was emitted */
    llm_extent_t texts;     /* all that came */
    apr_int64_t part_start; /* characters before the part */
};

/* What one call of read_event works with. */
typedef struct pass_t {
    llm_reader_t *reader;
    llm_delta_cb *emit;
    void *baton;
    apr_pool_t *scratch;
    const llm_json_t *doc;
    item_state_t *item; /* that the event is about, or NULL */
} pass_t;

llm_reader_t *llm_responses_reader_make(const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    (void)ask;
    reader->pool = pool;
    reader->items = apr_array_make(pool, 4, sizeof(item_state_t));
    llm_usage_clear(&reader->usage);
    return reader;
}

static void emit_text(const pass_t *pass, llm_delta_e kind, llm_text_t text)
{
    llm_delta_t delta = {.kind = kind, .text = text};

    if (text.len) {
        pass->emit(pass->baton, &delta);
    }
}

static llm_text_t text_of(const pass_t *pass, const char *name)
{
    return llm_json_text(llm_json_want(pass->doc, name));
}

static int number_of(const pass_t *pass, const char *name)
{
    apr_int64_t n = 0;

    llm_json_int(llm_json_get(pass->doc, name), &n);
    return n > 0 && n < ITEMS_MAX ? (int)n : 0;
}

/* ---- beginning and end ---- */

static void begin(const pass_t *pass)
{
    const llm_json_t *response = llm_json_want(pass->doc, "response");
    llm_delta_t delta = {.kind = LLM_DELTA_BEGIN};
    const char *id =
        llm_json_string(llm_json_get(response, "id"), pass->scratch);
    const char *model =
        llm_json_string(llm_json_get(response, "model"), pass->scratch);

    if (pass->reader->began) {
        return;
    }
    pass->reader->began = 1;
    delta.id = id && *id ? id : NULL;
    delta.model = model && *model ? model : NULL;
    delta.created = llm_created_of(llm_json_get(response, "created_at"));
    pass->emit(pass->baton, &delta);
}

static void fail(const pass_t *pass, llm_problem_t *problem)
{
    llm_delta_t delta = {.kind = LLM_DELTA_PROBLEM, .problem = problem};

    pass->reader->ended = 1;
    pass->emit(pass->baton, &delta);
}

static void emit_end(const pass_t *pass)
{
    llm_delta_t delta = {.kind = LLM_DELTA_END};

    pass->reader->ended = 1;
    pass->emit(pass->baton, &delta);
}

static void tell_output(const pass_t *pass, const llm_json_t *output);

static void complete(const pass_t *pass)
{
    const llm_json_t *response = llm_json_want(pass->doc, "response");
    llm_delta_t delta = {.kind = LLM_DELTA_FINISH};

    if (!pass->reader->said) {
        tell_output(pass, llm_json_want(response, "output"));
    }
    delta.finish = llm_responses_finish(response, pass->reader->calls);
    if (delta.finish == LLM_FINISH_NONE) {
        delta.finish =
            pass->reader->calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_OTHER;
    }
    pass->emit(pass->baton, &delta);
    if (llm_openai_read_usage(&pass->reader->usage, pass->doc)) {
        delta.kind = LLM_DELTA_USAGE;
        delta.usage = &pass->reader->usage;
        pass->emit(pass->baton, &delta);
    }
    emit_end(pass);
}

/* ---- texts ---- */

/* Is this the first that is heard of the message's part? */
static int is_new_part(const pass_t *pass)
{
    int number = number_of(pass, "content_index") + 1;

    if (!pass->item || pass->item->parts_said >= number) {
        return 0;
    }
    pass->item->parts_said = number;
    pass->reader->part_start = pass->reader->texts.chars;
    return 1;
}

static void text_delta(const pass_t *pass)
{
    const llm_json_t *logprobs = llm_json_want(pass->doc, "logprobs");
    llm_delta_t delta = {.kind = LLM_DELTA_TEXT};
    llm_buf_t *out;

    is_new_part(pass);
    delta.text = text_of(pass, "delta");
    if (llm_json_is(logprobs, LLM_JSON_ARRAY) && logprobs->count) {
        out = llm_buf_make(0, pass->scratch);
        llm_buf_lit(out, "{\"content\":");
        llm_json_put(out, logprobs);
        llm_buf_lit(out, ",\"refusal\":null}");
        llm_json_read(&delta.logprobs, out->data, out->len, NULL,
                      pass->scratch);
    }
    if (!delta.text.data) {
        delta.text = LLM_TEXT_LITERAL("");
    }
    if (delta.text.len || delta.logprobs) {
        llm_extent_add(&pass->reader->texts, delta.text);
        pass->emit(pass->baton, &delta);
    }
}

/* Its place is one in its part. */
static void annotation_added(const pass_t *pass)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CITE};
    llm_cites_t cites = {NULL, NULL};

    llm_openai_read_annotation(&cites, llm_json_want(pass->doc, "annotation"),
                               pass->scratch);
    llm_cites_move(cites.first, pass->reader->part_start);
    delta.cite = cites.first;
    if (delta.cite) {
        pass->emit(pass->baton, &delta);
    }
}

static void text_done(const pass_t *pass)
{
    if (is_new_part(pass)) {
        emit_text(pass, LLM_DELTA_TEXT, text_of(pass, "text"));
    }
}

static void refusal_delta(const pass_t *pass)
{
    is_new_part(pass);
    emit_text(pass, LLM_DELTA_REFUSAL, text_of(pass, "delta"));
}

static void refusal_done(const pass_t *pass)
{
    if (is_new_part(pass)) {
        emit_text(pass, LLM_DELTA_REFUSAL, text_of(pass, "refusal"));
    }
}

/* ---- reasoning ---- */

/* A piece, or the whole text where `done`, of the part of that number. */
static void think(const pass_t *pass, source_e source, int number, int done)
{
    item_state_t *item = pass->item;
    int is_new;

    if (!item || (item->source != FROM_NOWHERE && item->source != source)) {
        return;
    }
    is_new = number >= item->thoughts;
    if (done && !is_new) {
        return;
    }
    if (is_new && item->thoughts) {
        emit_text(pass, LLM_DELTA_THINKING, LLM_TEXT_LITERAL("\\n\\n"));
    }
    if (is_new) {
        item->thoughts = number + 1;
    }
    item->source = source;
    emit_text(pass, LLM_DELTA_THINKING, text_of(pass, done ? "text" : "delta"));
}

static void summary_delta(const pass_t *pass)
{
    think(pass, FROM_SUMMARY, number_of(pass, "summary_index"), 0);
}

static void summary_done(const pass_t *pass)
{
    think(pass, FROM_SUMMARY, number_of(pass, "summary_index"), 1);
}

static void reasoning_delta(const pass_t *pass)
{
    think(pass, FROM_CONTENT, number_of(pass, "content_index"), 0);
}

static void reasoning_done(const pass_t *pass)
{
    think(pass, FROM_CONTENT, number_of(pass, "content_index"), 1);
}

/* The item is whole: what of it was not told in pieces, and what signs it. */
static void end_reasoning(const pass_t *pass, const llm_json_t *node)
{
    llm_parts_t parts = {NULL, NULL};

    if (!llm_responses_read_reasoning(&parts, node, pass->scratch)) {
        return;
    }
    if (parts.first->kind == LLM_PART_REDACTED && !pass->item->thoughts) {
        emit_text(pass, LLM_DELTA_REDACTED, parts.first->text);
        return;
    }
    if (!pass->item->thoughts) {
        emit_text(pass, LLM_DELTA_THINKING, parts.first->text);
    }
    emit_text(pass, LLM_DELTA_SIGNATURE,
              parts.first->kind == LLM_PART_REDACTED ? parts.first->text
                                                     : parts.first->signature);
}

/* ---- calls ---- */

static void begin_call(const pass_t *pass, const llm_json_t *node)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CALL};
    llm_call_t call = {.args = LLM_BYTES_LITERAL("{}")};
    const char *id =
        llm_json_string(llm_json_want(node, "call_id"), pass->scratch);

    call.name = llm_json_text(llm_json_get(node, "name"));
    if (pass->item->call || !call.name.len) {
        return;
    }
    call.id = id && *id ? id : NULL;
    pass->item->call = ++pass->reader->calls;
    delta.call_index = pass->item->call - 1;
    delta.call = &call;
    pass->emit(pass->baton, &delta);
}

static void emit_args(const pass_t *pass, llm_text_t text)
{
    llm_delta_t delta = {.kind = LLM_DELTA_ARGS, .text = text};

    if (text.len && pass->item && pass->item->call) {
        pass->item->has_args = 1;
        delta.call_index = pass->item->call - 1;
        pass->emit(pass->baton, &delta);
    }
}

static void args_delta(const pass_t *pass)
{
    emit_args(pass, text_of(pass, "delta"));
}

static void args_done(const pass_t *pass)
{
    if (pass->item && !pass->item->has_args) {
        emit_args(pass, text_of(pass, "arguments"));
    }
}

/* The text of a tool that takes one, as the arguments it is. */
static void input_delta(const pass_t *pass)
{
    llm_text_t piece = text_of(pass, "delta");

    if (piece.len && pass->item) {
        emit_args(pass, llm_openai_input_piece(piece, !pass->item->has_args, 0,
                                               pass->scratch));
    }
}

/* Its end, and all of it where no pieces came. */
static void end_input(const pass_t *pass, llm_text_t input)
{
    int first = pass->item && !pass->item->has_args;

    if (pass->item && !pass->item->input_done) {
        pass->item->input_done = 1;
        emit_args(pass, llm_openai_input_piece(first ? input : LLM_TEXT_NONE,
                                               first, 1, pass->scratch));
    }
}

static void input_done(const pass_t *pass)
{
    end_input(pass, text_of(pass, "input"));
}

/* ---- items ---- */

static void item_added(const pass_t *pass)
{
    const llm_json_t *node = llm_json_want(pass->doc, "item");

    if (pass->item
        && (llm_json_equals(llm_json_get(node, "type"), "function_call")
            || llm_json_equals(llm_json_get(node, "type"),
                               "custom_tool_call"))) {
        begin_call(pass, node);
    }
}

/* Texts of a message of which no pieces came. */
static void end_message(const pass_t *pass, const llm_json_t *node)
{
    const llm_json_t *list = llm_json_want(node, "content"), *part;

    for (part = llm_json_is(list, LLM_JSON_ARRAY) && !pass->item->parts_said
                    ? list->child
                    : NULL;
         part; part = part->next) {
        emit_text(pass, LLM_DELTA_TEXT,
                  llm_json_text(llm_json_want(part, "text")));
        emit_text(pass, LLM_DELTA_REFUSAL,
                  llm_json_text(llm_json_want(part, "refusal")));
    }
}

static void end_picture(const pass_t *pass, const llm_json_t *node)
{
    llm_delta_t delta = {.kind = LLM_DELTA_TEXT};

    delta.media = llm_responses_read_shown(node, pass->scratch);
    if (delta.media) {
        delta.text = llm_media_markdown(delta.media, pass->scratch);
        pass->emit(pass->baton, &delta);
    }
}

static void end_item(const pass_t *pass, const llm_json_t *node)
{
    const llm_json_t *type = llm_json_get(node, "type");

    if (llm_json_equals(type, "function_call")) {
        begin_call(pass, node);
        if (!pass->item->has_args) {
            emit_args(pass, llm_json_text(llm_json_want(node, "arguments")));
        }
    }
    else if (llm_json_equals(type, "custom_tool_call")) {
        begin_call(pass, node);
        end_input(pass, llm_json_text(llm_json_want(node, "input")));
    }
    else if (llm_json_equals(type, "reasoning")) {
        end_reasoning(pass, node);
    }
    else if (llm_json_equals(type, "message")) {
        end_message(pass, node);
    }
    else if (llm_json_equals(type, "image_generation_call")) {
        end_picture(pass, node);
    }
}

static void item_done(const pass_t *pass)
{
    if (pass->item) {
        end_item(pass, llm_json_want(pass->doc, "item"));
    }
}

/* All items, of which nothing was told before. */
static void tell_output(const pass_t *pass, const llm_json_t *output)
{
    const llm_json_t *node =
        llm_json_is(output, LLM_JSON_ARRAY) ? output->child : NULL;

    for (; node; node = node->next) {
        item_state_t item = {.call = 0};
        pass_t inner = *pass;

        inner.item = &item;
        end_item(&inner, node);
    }
}

/* ---- events ---- */

/* It has begun, and that is all such an event tells. */
static void pass_over(const pass_t *pass)
{
    (void)pass;
}

/* The frequent ones first. */
static const struct {
    const char *type;
    void (*read)(const pass_t *pass);
} types[] = {
    {"response.output_text.delta", text_delta},
    {"response.output_text.annotation.added", annotation_added},
    {"response.function_call_arguments.delta", args_delta},
    {"response.reasoning_summary_text.delta", summary_delta},
    {"response.reasoning_text.delta", reasoning_delta},
    {"response.refusal.delta", refusal_delta},
    {"response.output_item.added", item_added},
    {"response.output_item.done", item_done},
    {"response.output_text.done", text_done},
    {"response.refusal.done", refusal_done},
    {"response.function_call_arguments.done", args_done},
    {"response.custom_tool_call_input.delta", input_delta},
    {"response.custom_tool_call_input.done", input_done},
    {"response.reasoning_summary_text.done", summary_done},
    {"response.reasoning_text.done", reasoning_done},
    {"response.created", pass_over},
    {"response.queued", pass_over},
    {"response.in_progress", pass_over},
    {"response.completed", complete},
    {"response.incomplete", complete},
    {NULL, NULL},
};

/* The item an event is about; NULL past the limit. */
static item_state_t *item_of(llm_reader_t *reader, const llm_json_t *doc)
{
    apr_int64_t index = 0;

    if (!llm_json_int(llm_json_get(doc, "output_index"), &index) || index < 0
        || index >= ITEMS_MAX) {
        return NULL;
    }
    while (reader->items->nelts <= index) {
        memset(apr_array_push(reader->items), 0, sizeof(item_state_t));
    }
    return &APR_ARRAY_IDX(reader->items, index, item_state_t);
}

static void read_document(pass_t *pass)
{
    llm_text_t type = llm_json_text(llm_json_get(pass->doc, "type"));
    int i;

    pass->item = item_of(pass->reader, pass->doc);
    for (i = 0; types[i].type; ++i) {
        if (llm_text_equals(type, types[i].type)) {
            begin(pass); /* some proxies swallow the first event */
            types[i].read(pass);
            pass->reader->said |= types[i].read != pass_over;
            return;
        }
    }
}

void llm_responses_read_event(llm_reader_t *reader, const llm_event_t *event,
                              llm_delta_cb *callback, void *baton,
                              apr_pool_t *scratch)
{
    pass_t pass = {reader, callback, baton, scratch, event->doc, NULL};
    llm_problem_t *problem;

    if (reader->ended || !event->data.len) {
        return;
    }
    if (llm_openai_is_last(event)) {
        llm_responses_reader_end(reader, callback, baton, scratch);
        return;
    }
    /* a problem is kept by who gets it, and it is the last thing to come */
    problem = llm_responses_event_problem(event, reader->pool);
    if (!problem && !llm_json_is(event->doc, LLM_JSON_OBJECT)) {
        problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, reader->pool,
                                   "the provider's stream holds something "
                                   "that is no JSON object");
    }
    if (problem) {
        fail(&pass, problem);
        return;
    }
    read_document(&pass);
}

void llm_responses_reader_end(llm_reader_t *reader, llm_delta_cb *callback,
                              void *baton, apr_pool_t *scratch)
{
    pass_t pass = {reader, callback, baton, scratch, NULL, NULL};

    if (!reader->ended) {
        fail(&pass, llm_problem_make(LLM_PROBLEM_UPSTREAM, reader->pool,
                                     "the provider's stream ended before the "
                                     "answer was complete"));
    }
}
