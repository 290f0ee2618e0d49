/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of Cohere, whole and streamed.
 *
 * Text before calls is a `tool_plan`. In a stream a call's `tool_calls` is an
 * object, its number stands beside it; what has no arguments says "null", or
 * nothing at all. A stream ends with message-end, which has the reason and the
 * counts; a "[DONE]" that is no JSON may follow. Places of citations are of the
 * content they stand in.
 */
#include "dialect/cohere_internal.h"

#include <apr_strings.h>

typedef struct call_t {
    int index;    /* the provider's number */
    int has_args; /* a piece of its arguments came */
} call_t;

struct llm_reader_t {
    const llm_ask_t *ask; /* NULL where bytes pass */
    apr_pool_t *pool;
    llm_usage_t usage;
    apr_array_header_t *calls; /* of call_t, in order */
    llm_extent_t texts;        /* all that came */
    apr_int64_t before;        /* characters before the open content */
    int begun;                 /* BEGIN was told */
    int over;                  /* END or a problem was told */
};

/* ---- whole answers ---- */

static void read_content(llm_parts_t *parts, const llm_json_t *content,
                         apr_pool_t *pool)
{
    const llm_json_t *node;

    if (llm_json_is(content, LLM_JSON_STRING)) {
        llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(content), pool);
    }
    node = llm_json_is(content, LLM_JSON_ARRAY) ? content->child : NULL;
    for (; node; node = node->next) {
        llm_text_t text = llm_json_text(llm_json_want(node, "text"));
        llm_text_t thinking = llm_json_text(llm_json_want(node, "thinking"));

        if (!llm_text_is_empty(thinking)) {
            llm_parts_add_text(parts, LLM_PART_THINKING, thinking, pool);
        }
        if (!llm_text_is_empty(text)) {
            llm_parts_add_text(parts, LLM_PART_TEXT, text, pool);
        }
    }
}

/* Characters of the texts before the content of this number. */
static apr_int64_t chars_before(const llm_json_t *content, apr_int64_t number)
{
    const llm_json_t *node =
        llm_json_is(content, LLM_JSON_ARRAY) ? content->child : NULL;
    llm_extent_t extent = {0, 0};

    for (; node && number > 0; node = node->next, --number) {
        llm_extent_add(&extent, llm_json_text(llm_json_want(node, "text")));
    }
    return extent.chars;
}

static void read_citations(llm_part_t *parts, const llm_ask_t *ask,
                           const llm_json_t *message, apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(message, "citations");
    const llm_json_t *content = llm_json_want(message, "content");
    llm_cites_t all = {NULL, NULL};
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
    apr_int64_t number = -1, before = 0;

    for (; node; node = node->next) {
        apr_int64_t index =
            llm_cite_place(llm_json_want(node, "content_index"));
        llm_cites_t cites = {NULL, NULL};

        if (index != number) {
            number = index;
            before = chars_before(content, number);
        }
        llm_cohere_read_citation(&cites, node, ask, pool);
        llm_cites_move(cites.first, before);
        llm_cites_append(&all, &cites);
    }
    llm_parts_cite(parts, all.first, pool);
}

static void read_calls(llm_parts_t *parts, const llm_ask_t *ask,
                       const llm_json_t *calls, apr_pool_t *pool)
{
    const llm_json_t *call =
        llm_json_is(calls, LLM_JSON_ARRAY) ? calls->child : NULL;
    int count = 0;

    for (; call; call = call->next) {
        const llm_json_t *function = llm_json_get(call, "function");
        llm_text_t name = llm_json_text(llm_json_get(function, "name"));
        llm_bytes_t args;

        if (llm_text_is_empty(name) || !llm_ask_wants_call(ask, count)) {
            continue;
        }
        ++count;
        llm_args_from_text(
            &args, llm_json_text(llm_json_get(function, "arguments")), pool);
        llm_parts_add_call(parts,
                           llm_json_string(llm_json_get(call, "id"), pool),
                           name, args, NULL, pool);
    }
}

static llm_problem_t *read_chat(llm_answer_t *answer, const llm_ask_t *ask,
                                const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *message = llm_json_want(doc, "message");
    llm_text_t plan = llm_json_text(llm_json_want(message, "tool_plan"));
    llm_choices_t choices = {NULL, NULL};
    llm_parts_t parts = {NULL, NULL};
    llm_choice_t *choice;

    if (!llm_json_is(message, LLM_JSON_OBJECT)) {
        return llm_problem_lacking("message", pool);
    }
    choice = llm_choices_add(&choices, 0, pool);
    read_content(&parts, llm_json_want(message, "content"), pool);
    if (!llm_text_is_empty(plan)) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, plan, pool);
    }
    read_citations(parts.first, ask, message, pool);
    read_calls(&parts, ask, llm_json_want(message, "tool_calls"), pool);
    choice->parts = parts.first;
    choice->finish =
        llm_finish_beside(llm_cohere_finish(llm_json_get(doc, "finish_reason")),
                          llm_parts_have(choice->parts, LLM_PART_TOOL_CALL));
    if (choice->finish == LLM_FINISH_NONE) {
        choice->finish = LLM_FINISH_OTHER;
    }
    answer->choices = choices.first;
    return NULL;
}

llm_problem_t *llm_cohere_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc, apr_pool_t *pool)
{
    llm_answer_t *answer = llm_answer_make(pool);
    llm_problem_t *problem = llm_cohere_problem_in(doc, pool);
    const llm_json_t *vectors = llm_json_want(doc, "embeddings");

    *panswer = answer;
    if (problem) {
        return problem;
    }
    answer->id = llm_json_string(llm_json_get(doc, "id"), pool);
    llm_cohere_read_usage(answer->usage, doc);
    if (ask->op != LLM_OP_EMBED) {
        return read_chat(answer, ask, doc, pool);
    }
    answer->embeddings = llm_json_is(vectors, LLM_JSON_ARRAY)
                             ? vectors /* version 1 */
                             : llm_json_get(vectors, "float");
    return llm_json_is(answer->embeddings, LLM_JSON_ARRAY)
               ? NULL
               : llm_problem_lacking("embeddings", pool);
}

/* ---- streams ---- */

llm_reader_t *llm_cohere_reader_make(const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    reader->ask = ask;
    reader->pool = pool;
    reader->calls = apr_array_make(pool, 2, sizeof(call_t));
    llm_usage_clear(&reader->usage);
    return reader;
}

/* Where deltas go, handed down together. */
typedef struct sink_t {
    llm_reader_t *reader;
    llm_delta_cb *emit;
    void *baton;
    apr_pool_t *scratch;
} sink_t;

static void send_problem(const sink_t *sink, llm_problem_t *problem)
{
    llm_delta_t delta = {.kind = LLM_DELTA_PROBLEM, .problem = problem};

    sink->reader->over = 1;
    sink->emit(sink->baton, &delta);
}

static void send_text(const sink_t *sink, llm_delta_e kind, llm_text_t text)
{
    llm_delta_t delta = {.kind = kind, .text = text};

    if (text.len) {
        if (kind == LLM_DELTA_TEXT) {
            llm_extent_add(&sink->reader->texts, text);
        }
        sink->emit(sink->baton, &delta);
    }
}

static void read_begin(const sink_t *sink, const llm_json_t *doc,
                       const llm_json_t *message)
{
    llm_delta_t delta = {.kind = LLM_DELTA_BEGIN};

    (void)message;
    delta.id = llm_json_string(llm_json_want(doc, "id"), sink->scratch);
    sink->reader->begun = 1;
    sink->emit(sink->baton, &delta);
}

static void read_piece(const sink_t *sink, const llm_json_t *doc,
                       const llm_json_t *message)
{
    const llm_json_t *content = llm_json_get(message, "content");

    (void)doc;
    send_text(sink, LLM_DELTA_THINKING,
              llm_json_text(llm_json_want(content, "thinking")));
    send_text(sink, LLM_DELTA_TEXT,
              llm_json_text(llm_json_want(content, "text")));
}

static void read_start(const sink_t *sink, const llm_json_t *doc,
                       const llm_json_t *message)
{
    sink->reader->before = sink->reader->texts.chars;
    read_piece(sink, doc, message);
}

static void read_plan(const sink_t *sink, const llm_json_t *doc,
                      const llm_json_t *message)
{
    (void)doc;
    send_text(sink, LLM_DELTA_TEXT,
              llm_json_text(llm_json_want(message, "tool_plan")));
}

/* Our number of the provider's call; -1: it did not begin. */
static int number_of(const llm_reader_t *reader, const llm_json_t *doc)
{
    apr_int64_t index = 0;
    int i = reader->calls->nelts;

    llm_json_int(llm_json_get(doc, "index"), &index);
    while (i-- && APR_ARRAY_IDX(reader->calls, i, call_t).index != (int)index) {
    }
    return i;
}

/* `null` is how a call without arguments is told; behind the first piece it is
 * one of a value. */
static void send_args(const sink_t *sink, int number, llm_text_t args)
{
    call_t *call = &APR_ARRAY_IDX(sink->reader->calls, number, call_t);
    llm_delta_t delta = {.kind = LLM_DELTA_ARGS, .call_index = number};

    if (args.len && (call->has_args || !llm_text_equals(args, "null"))) {
        call->has_args = 1;
        delta.text = args;
        sink->emit(sink->baton, &delta);
    }
}

static llm_text_t args_in(const llm_json_t *message)
{
    return llm_json_text(
        llm_json_path(message, "tool_calls", "function", "arguments", NULL));
}

static void read_call(const sink_t *sink, const llm_json_t *doc,
                      const llm_json_t *message)
{
    llm_reader_t *reader = sink->reader;
    const llm_json_t *node = llm_json_get(message, "tool_calls");
    llm_delta_t delta = {.kind = LLM_DELTA_CALL};
    llm_call_t call = {
        .name = llm_json_text(llm_json_path(node, "function", "name", NULL))};
    apr_int64_t index = 0;

    if (llm_text_is_empty(call.name) || number_of(reader, doc) >= 0
        || !llm_ask_wants_call(reader->ask, reader->calls->nelts)) {
        return;
    }
    llm_json_int(llm_json_get(doc, "index"), &index);
    delta.call_index = reader->calls->nelts;
    APR_ARRAY_PUSH(reader->calls, call_t) = (call_t){(int)index, 0};
    call.id = llm_json_string(llm_json_want(node, "id"), sink->scratch);
    delta.call = &call;
    sink->emit(sink->baton, &delta);
    send_args(sink, delta.call_index, args_in(message));
}

static void read_args(const sink_t *sink, const llm_json_t *doc,
                      const llm_json_t *message)
{
    int number = number_of(sink->reader, doc);

    if (number >= 0) {
        send_args(sink, number, args_in(message));
    }
}

static void read_end(const sink_t *sink, const llm_json_t *doc,
                     const llm_json_t *message)
{
    llm_reader_t *reader = sink->reader;
    llm_delta_t delta = {.kind = LLM_DELTA_FINISH};

    (void)message;
    delta.finish = llm_finish_beside(
        llm_cohere_finish(llm_json_path(doc, "delta", "finish_reason", NULL)),
        reader->calls->nelts);
    if (delta.finish == LLM_FINISH_NONE) {
        delta.finish = LLM_FINISH_OTHER;
    }
    sink->emit(sink->baton, &delta);
    if (llm_cohere_read_usage(&reader->usage, doc)) {
        delta.kind = LLM_DELTA_USAGE;
        delta.usage = &reader->usage;
        sink->emit(sink->baton, &delta);
    }
    delta.kind = LLM_DELTA_END;
    reader->over = 1;
    sink->emit(sink->baton, &delta);
}

static void read_cite(const sink_t *sink, const llm_json_t *doc,
                      const llm_json_t *message)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CITE};
    llm_cites_t cites = {NULL, NULL};

    (void)doc;
    llm_cohere_read_citation(&cites, llm_json_want(message, "citations"),
                             sink->reader->ask, sink->scratch);
    llm_cites_move(cites.first, sink->reader->before);
    for (delta.cite = cites.first; delta.cite; delta.cite = delta.cite->next) {
        sink->emit(sink->baton, &delta);
    }
}

/* Events that are not here say nothing: ends of parts. */
static const struct {
    const char *type;
    void (*read)(const sink_t *sink, const llm_json_t *doc,
                 const llm_json_t *message);
} events[] = {
    {"citation-start", read_cite},
    {"content-delta", read_piece},
    {"content-start", read_start},
    {"tool-plan-delta", read_plan},
    {"tool-call-start", read_call},
    {"tool-call-delta", read_args},
    {"message-start", read_begin},
    {"message-end", read_end},
    {NULL, NULL},
};

void llm_cohere_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *emit, void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};
    const llm_json_t *type = llm_json_get(event->doc, "type");
    llm_problem_t *problem;
    int i = 0;

    if (reader->over || !event->data.len
        || llm_bytes_are(event->data, "[DONE]")) {
        return;
    }
    problem = llm_cohere_problem_in(event->doc, scratch);
    if (!problem && !llm_json_is(event->doc, LLM_JSON_OBJECT)) {
        problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, scratch,
                                   "the provider sent an event that is no "
                                   "JSON object");
    }
    if (problem) {
        send_problem(&sink, problem);
        return;
    }
    while (events[i].type && !llm_json_equals(type, events[i].type)) {
        ++i;
    }
    if (!events[i].type) {
        return;
    }
    if (!reader->begun && events[i].read != read_begin) {
        read_begin(&sink, event->doc, NULL);
    }
    events[i].read(&sink, event->doc,
                   llm_json_path(event->doc, "delta", "message", NULL));
}

void llm_cohere_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                           void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};

    if (!reader->over) {
        send_problem(&sink, llm_problem_cut_off(reader->pool));
    }
}
