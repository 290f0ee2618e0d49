/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of Converse, whole and streamed.
 *
 * In a stream only a call's or a picture's block has a contentBlockStart; text and thinking
 * begin with their first delta. Thinking that is hidden comes in blocks of its
 * own, and a picture is known at the end of its block (bedrock_media.c). The
 * reason of the end comes before the counts, each in an event of its
 * own. All events have a member "p" of random length, which says nothing. What
 * Bedrock's own tools did (a type "server_tool_use") is not for the client to
 * do again.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/cite.h"

#include <apr_strings.h>

struct llm_reader_t {
    const llm_ask_t *ask; /* NULL where bytes pass */
    apr_pool_t *pool;
    llm_usage_t usage;
    apr_array_header_t *calls; /* of int: their blocks, in order */
    llm_block_cites_t cites;   /* of the open block */
    int block;                 /* that block; -1: none */
    int answer;                /* block of the tool that is the answer; -1 */
    llm_bedrock_picture_t *picture; /* of the open block; NULL: none began */
    int begun;                      /* BEGIN was told */
    int finished;                   /* FINISH was told */
    int over;                       /* END or a problem was told */
};

static int is_own_tool(const llm_json_t *use)
{
    return llm_json_equals(llm_json_get(use, "type"), "server_tool_use");
}

/* ---- whole answers ---- */

static void read_call(llm_parts_t *parts, const llm_ask_t *ask,
                      const llm_json_t *use, int *pcount, apr_pool_t *pool)
{
    const llm_json_t *name = llm_json_get(use, "name");
    llm_bytes_t args = llm_args_from_json(llm_json_want(use, "input"));

    if (llm_ask_is_answer(ask, llm_json_text(name))) {
        llm_buf_t *text = llm_buf_make(0, pool);

        llm_buf_put_quoted(text, args);
        llm_parts_add_text(parts, LLM_PART_TEXT,
                           (llm_text_t){text->data + 1, text->len - 2}, pool);
    }
    else if (llm_ask_wants_call(ask, *pcount)) {
        ++*pcount;
        llm_parts_add_call(
            parts, llm_json_string(llm_json_get(use, "toolUseId"), pool),
            llm_json_text(name), args, NULL, pool);
    }
}

static void read_thinking(llm_parts_t *parts, const llm_json_t *node,
                          apr_pool_t *pool)
{
    const llm_json_t *shown = llm_json_want(node, "reasoningText");
    llm_text_t hidden = llm_json_text(llm_json_want(node, "redactedContent"));

    if (shown) {
        llm_text_t signature = llm_json_text(llm_json_want(shown, "signature"));

        llm_parts_add_text(parts, LLM_PART_THINKING,
                           llm_json_text(llm_json_want(shown, "text")), pool)
            ->signature = signature.len ? signature : LLM_TEXT_NONE;
    }
    if (hidden.len) {
        llm_parts_add_text(parts, LLM_PART_REDACTED,
                           llm_bedrock_unwrap(hidden, pool), pool);
    }
}

static void read_text(llm_parts_t *parts, llm_text_t text, apr_pool_t *pool)
{
    if (text.len) {
        llm_parts_add_text(parts, LLM_PART_TEXT, text, pool);
    }
}

/* Of the block's texts, which begin at `start`; where it has none, of those
 * before it. */
static void read_citations(llm_parts_t *parts, const llm_json_t *list,
                           apr_int64_t start, apr_pool_t *pool)
{
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
    apr_int64_t end = llm_parts_extent(parts->first, NULL).chars;
    llm_cites_t cites = {NULL, NULL};
    llm_cite_t *cite;

    for (; node; node = node->next) {
        llm_bedrock_read_citation(&cites, node, pool);
    }
    for (cite = cites.first; cite; cite = cite->next) {
        if (cite->end < 0 && end > start) {
            cite->start = start;
            cite->end = end;
        }
    }
    llm_parts_cite(parts->first, cites.first, pool);
}

static void read_block(llm_parts_t *parts, const llm_ask_t *ask,
                       const llm_json_t *block, int *pcount, apr_pool_t *pool)
{
    const llm_json_t *use = llm_json_want(block, "toolUse");
    const llm_json_t *cited =
        llm_json_path(block, "citationsContent", "content", NULL);
    const llm_json_t *node =
        llm_json_is(cited, LLM_JSON_ARRAY) ? cited->child : NULL;

    const llm_media_t *shown = llm_bedrock_read_shown(block, pool);

    read_text(parts, llm_json_text(llm_json_want(block, "text")), pool);
    if (shown) {
        llm_parts_add_shown(parts, shown, pool);
    }
    read_thinking(parts, llm_json_want(block, "reasoningContent"), pool);
    if (use && !is_own_tool(use)) {
        read_call(parts, ask, use, pcount, pool);
    }
    if (cited) {
        apr_int64_t start = llm_parts_extent(parts->first, NULL).chars;

        for (; node; node = node->next) {
            read_text(parts, llm_json_text(llm_json_want(node, "text")), pool);
        }
        read_citations(
            parts, llm_json_path(block, "citationsContent", "citations", NULL),
            start, pool);
    }
}

/* A call that was the answer is no call. */
static llm_finish_e finish_of(const llm_json_t *reason, int has_calls,
                              int has_answer)
{
    llm_finish_e finish = llm_bedrock_finish(reason);

    if (finish == LLM_FINISH_TOOL_CALLS && has_answer && !has_calls) {
        return LLM_FINISH_STOP;
    }
    return finish == LLM_FINISH_NONE ? LLM_FINISH_OTHER
                                     : llm_finish_beside(finish, has_calls);
}

llm_problem_t *llm_bedrock_read_response(llm_answer_t **panswer,
                                         const llm_ask_t *ask,
                                         const llm_json_t *doc,
                                         apr_pool_t *pool)
{
    const llm_json_t *content =
        llm_json_path(doc, "output", "message", "content", NULL);
    const llm_json_t *block;
    llm_answer_t *answer = llm_answer_make(pool);
    llm_choices_t choices = {NULL, NULL};
    llm_parts_t parts = {NULL, NULL};
    int count = 0;

    *panswer = answer;
    if (ask->op == LLM_OP_EMBED) {
        return llm_bedrock_read_embed(answer, doc, pool);
    }
    if (!llm_json_is(content, LLM_JSON_ARRAY)) {
        return llm_problem_lacking("output.message.content", pool);
    }
    for (block = content->child; block; block = block->next) {
        read_block(&parts, ask, block, &count, pool);
    }
    llm_bedrock_read_usage(answer->usage, doc);
    answer->choices = llm_choices_add(&choices, 0, pool);
    answer->choices->parts = parts.first;
    answer->choices->finish = finish_of(
        llm_json_want(doc, "stopReason"), count,
        ask->format == LLM_FORMAT_JSON || ask->format == LLM_FORMAT_SCHEMA);
    return NULL;
}

/* ---- streams ---- */

llm_reader_t *llm_bedrock_reader_make(const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    reader->ask = ask;
    reader->pool = pool;
    reader->calls = apr_array_make(pool, 2, sizeof(int));
    reader->answer = reader->block = -1;
    reader->cites.parent = pool;
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
            llm_extent_add(&sink->reader->cites.texts, text);
        }
        sink->emit(sink->baton, &delta);
    }
}

static void send_begin(const sink_t *sink, const llm_json_t *doc)
{
    llm_delta_t delta = {.kind = LLM_DELTA_BEGIN};

    (void)doc;
    if (!sink->reader->begun) {
        sink->reader->begun = 1;
        sink->emit(sink->baton, &delta);
    }
}

static int block_of(const llm_json_t *doc)
{
    apr_int64_t index = 0;

    llm_json_int(llm_json_get(doc, "contentBlockIndex"), &index);
    return (int)index;
}

static llm_bedrock_picture_t *picture_of(llm_reader_t *reader)
{
    if (!reader->picture) {
        reader->picture =
            llm_bedrock_picture_make(reader->ask->answer_limit, reader->pool);
    }
    return reader->picture;
}

/* A picture that is whole. */
static void send_picture(const sink_t *sink)
{
    llm_delta_t delta = {.kind = LLM_DELTA_TEXT};

    if (sink->reader->picture) {
        delta.media =
            llm_bedrock_picture_end(sink->reader->picture, sink->scratch);
    }
    if (delta.media) {
        delta.text = llm_media_markdown(delta.media, sink->scratch);
        sink->emit(sink->baton, &delta);
    }
}

static void read_piece(const sink_t *sink, const llm_json_t *delta)
{
    if (sink->reader->ask
        && !llm_bedrock_picture_add(picture_of(sink->reader), delta,
                                    sink->scratch)) {
        send_problem(sink,
                     llm_problem_make(LLM_PROBLEM_UPSTREAM, sink->scratch,
                                      "the provider's answer is too large"));
    }
}

static void read_start(const sink_t *sink, const llm_json_t *doc)
{
    llm_reader_t *reader = sink->reader;
    const llm_json_t *use = llm_json_path(doc, "start", "toolUse", NULL);
    const llm_json_t *name = llm_json_get(use, "name");
    llm_delta_t delta = {.kind = LLM_DELTA_CALL};
    llm_call_t call = {.name = llm_json_text(name)};

    if (reader->ask && llm_json_path(doc, "start", "image", NULL)) {
        llm_bedrock_picture_begin(picture_of(reader),
                                  llm_json_get(doc, "start"));
    }
    if (llm_text_is_empty(call.name) || is_own_tool(use)) {
        return;
    }
    if (llm_ask_is_answer(reader->ask, llm_json_text(name))) {
        reader->answer = block_of(doc);
        return;
    }
    if (!llm_ask_wants_call(reader->ask, reader->calls->nelts)) {
        return;
    }
    delta.call_index = reader->calls->nelts;
    APR_ARRAY_PUSH(reader->calls, int) = block_of(doc);
    call.id = llm_json_string(llm_json_want(use, "toolUseId"), sink->scratch);
    delta.call = &call;
    sink->emit(sink->baton, &delta);
}

static void read_input(const sink_t *sink, int block, llm_text_t input)
{
    const llm_reader_t *reader = sink->reader;
    llm_delta_t delta = {.kind = LLM_DELTA_ARGS, .text = input};
    int i = reader->calls->nelts;

    if (block == reader->answer) {
        send_text(sink, LLM_DELTA_TEXT, input);
        return;
    }
    while (i-- && APR_ARRAY_IDX(reader->calls, i, int) != block) {
    }
    if (i >= 0 && input.len) {
        delta.call_index = i;
        sink->emit(sink->baton, &delta);
    }
}

static void read_cite(const sink_t *sink, const llm_json_t *node)
{
    llm_cites_t cites = {NULL, NULL};

    llm_bedrock_read_citation(&cites, node, sink->scratch);
    llm_block_cites_keep(&sink->reader->cites, cites.first);
}

static void end_block(const sink_t *sink, const llm_json_t *doc)
{
    (void)doc;
    sink->reader->block = -1;
    llm_block_cites_end(&sink->reader->cites, sink->emit, sink->baton);
}

static void read_block_stop(const sink_t *sink, const llm_json_t *doc)
{
    send_picture(sink);
    end_block(sink, doc);
}

/* What a block of text cites waits for its end, which some servers leave out. */
static void see_block(const sink_t *sink, const llm_json_t *doc)
{
    int block = block_of(doc);

    if (sink->reader->block != block) {
        end_block(sink, doc);
        sink->reader->block = block;
    }
}

static void read_delta(const sink_t *sink, const llm_json_t *doc)
{
    const llm_json_t *delta = llm_json_want(doc, "delta");
    const llm_json_t *thinking = llm_json_want(delta, "reasoningContent");
    const llm_json_t *use = llm_json_want(delta, "toolUse");

    see_block(sink, doc);
    send_text(sink, LLM_DELTA_TEXT,
              llm_json_text(llm_json_want(delta, "text")));
    send_text(sink, LLM_DELTA_THINKING,
              llm_json_text(llm_json_want(thinking, "text")));
    send_text(sink, LLM_DELTA_SIGNATURE,
              llm_json_text(llm_json_want(thinking, "signature")));
    send_text(sink, LLM_DELTA_REDACTED,
              llm_bedrock_unwrap(
                  llm_json_text(llm_json_want(thinking, "redactedContent")),
                  sink->scratch));
    read_cite(sink, llm_json_want(delta, "citation"));
    if (llm_json_want(delta, "image")) {
        read_piece(sink, delta);
    }
    if (use) {
        read_input(sink, block_of(doc),
                   llm_json_text(llm_json_want(use, "input")));
    }
}

static void read_stop(const sink_t *sink, const llm_json_t *doc)
{
    llm_reader_t *reader = sink->reader;
    llm_delta_t delta = {.kind = LLM_DELTA_FINISH};

    send_picture(sink);
    end_block(sink, doc);
    if (!reader->finished) {
        reader->finished = 1;
        delta.finish = finish_of(llm_json_want(doc, "stopReason"),
                                 reader->calls->nelts, reader->answer >= 0);
        sink->emit(sink->baton, &delta);
    }
}

static void read_metadata(const sink_t *sink, const llm_json_t *doc)
{
    llm_reader_t *reader = sink->reader;
    llm_delta_t delta = {.kind = LLM_DELTA_USAGE, .usage = &reader->usage};

    if (llm_bedrock_read_usage(&reader->usage, doc)) {
        sink->emit(sink->baton, &delta);
    }
    if (reader->finished) {
        delta.kind = LLM_DELTA_END;
        reader->over = 1;
        sink->emit(sink->baton, &delta);
    }
}

/* Events that are not here say nothing. */
static const struct {
    const char *name;
    void (*read)(const sink_t *sink, const llm_json_t *doc);
} events[] = {
    {"contentBlockDelta", read_delta},
    {"contentBlockStart", read_start},
    {"contentBlockStop", read_block_stop},
    {"messageStart", send_begin},
    {"messageStop", read_stop},
    {"metadata", read_metadata},
    {NULL, NULL},
};

/* An event that is an error, or no JSON; else NULL. */
static llm_problem_t *problem_in(const llm_event_t *event, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_bedrock_event_problem(event, pool);

    if (!problem && !llm_json_is(event->doc, LLM_JSON_OBJECT)) {
        problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                   "the provider sent an event that is no "
                                   "JSON object");
    }
    return problem;
}

void llm_bedrock_read_event(llm_reader_t *reader, const llm_event_t *event,
                            llm_delta_cb *emit, void *baton,
                            apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};
    llm_problem_t *problem;
    int i = 0;

    if (reader->over) {
        return;
    }
    problem = problem_in(event, scratch);
    if (problem) {
        send_problem(&sink, problem);
        return;
    }
    while (events[i].name && !llm_bytes_are(event->event, events[i].name)) {
        ++i;
    }
    if (events[i].name) {
        send_begin(&sink, event->doc);
        events[i].read(&sink, event->doc);
    }
}

void llm_bedrock_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                            void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};
    llm_delta_t delta = {.kind = LLM_DELTA_END};

    if (reader->over) {
        return;
    }
    if (!reader->finished) {
        send_problem(&sink, llm_problem_cut_off(scratch));
        return;
    }
    reader->over = 1;
    emit(baton, &delta);
}
