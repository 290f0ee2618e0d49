/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemini's streamed answers.
 *
 * Each event is a whole answer of its own that holds the next parts. There is
 * no last event: the stream is over when the body is. finishReason has been
 * seen in every chunk and in the last one only, so the end of a choice is told
 * when the body has ended; a body in which none came has broken off.
 *
 * Function calls come whole in one part, or, where a client asked Vertex for
 * it, as a part with the name, parts with `partialArgs`, and an empty part.
 *
 * What is kept from event to event does not grow with the stream: a few words
 * a choice, and the path of the argument that is being written.
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#include <apr_strings.h>

#define CHOICES_MAX 64
#define CITES_MAX   256

/* What is known of one candidate. */
typedef struct choice_t {
    llm_finish_e finish;     /* the last one told; calls not considered */
    int calls;               /* given to the client */
    int is_open;             /* a call whose arguments come in pieces */
    int is_muted;            /* that call is one the client forbade */
    llm_gemini_args_t *args; /* made with the first such call */
    llm_ruler_t texts;       /* all that came */
    llm_cites_t cites;       /* as the last chunk that has some tells them */
    apr_pool_t *cites_pool;
} choice_t;

struct llm_reader_t {
    const llm_ask_t *ask;
    apr_pool_t *pool;
    const char *seed; /* of call ids; NULL until the stream has begun */
    llm_usage_t usage;
    choice_t *choices[CHOICES_MAX];
    int count;       /* of choices: the highest index seen, and one */
    int calls;       /* of all choices */
    int blocked;     /* the prompt was refused */
    int failed;      /* a problem was told; nothing may follow */
    llm_buf_t *json; /* arguments of one event */
    llm_buf_t *text; /* the same inside a JSON string */
};

/* Where deltas go, handed down together. */
typedef struct sink_t {
    llm_reader_t *reader;
    llm_delta_cb *emit;
    void *baton;
    apr_pool_t *scratch;
} sink_t;

llm_reader_t *llm_gemini_reader_make(const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    reader->ask = ask;
    reader->pool = pool;
    reader->json = llm_buf_make(0, pool);
    reader->text = llm_buf_make(0, pool);
    llm_usage_clear(&reader->usage);
    return reader;
}

static void send_delta(const sink_t *sink, const llm_delta_t *delta)
{
    sink->emit(sink->baton, delta);
}

static void send_problem(const sink_t *sink, llm_problem_t *problem)
{
    llm_delta_t delta = {.kind = LLM_DELTA_PROBLEM, .problem = problem};

    sink->reader->failed = 1;
    send_delta(sink, &delta);
}

static void send_usage(const sink_t *sink)
{
    llm_delta_t delta = {.kind = LLM_DELTA_USAGE,
                         .usage = &sink->reader->usage};

    send_delta(sink, &delta);
}

static void send_begin(const sink_t *sink, const llm_json_t *doc)
{
    llm_delta_t delta = {.kind = LLM_DELTA_BEGIN};

    delta.id = llm_json_string(llm_json_want(doc, "responseId"), sink->scratch);
    delta.model =
        llm_json_string(llm_json_want(doc, "modelVersion"), sink->scratch);
    delta.created = llm_gemini_created(doc, sink->scratch);
    sink->reader->seed =
        llm_gemini_seed(sink->reader->ask, delta.id, sink->reader->pool);
    send_delta(sink, &delta);
}

static choice_t *choice_at(llm_reader_t *reader, int index)
{
    if (!reader->choices[index]) {
        reader->choices[index] =
            apr_pcalloc(reader->pool, sizeof(*reader->choices[index]));
        reader->choices[index]->texts.pool = reader->pool;
        if (index >= reader->count) {
            reader->count = index + 1;
        }
    }
    return reader->choices[index];
}

/* ---- calls ---- */

/* What stands in reader->json, as a fragment of the current call. */
static void send_args(const sink_t *sink, int index)
{
    llm_reader_t *reader = sink->reader;
    choice_t *choice = reader->choices[index];
    llm_delta_t delta = {.kind = LLM_DELTA_ARGS, .choice = index};

    if (reader->json->len && !choice->is_muted) {
        llm_bytes_t json = {reader->json->data, reader->json->len};

        llm_buf_clear(reader->text);
        llm_buf_put_quoted(reader->text, json);
        delta.call_index = choice->calls - 1;
        delta.text.data = reader->text->data + 1;
        delta.text.len = reader->text->len - 2;
        send_delta(sink, &delta);
    }
    llm_buf_clear(reader->json);
    llm_buf_trim(reader->json);
    llm_buf_trim(reader->text);
}

static void close_call(const sink_t *sink, int index)
{
    choice_t *choice = sink->reader->choices[index];

    if (choice->is_open) {
        choice->is_open = 0;
        llm_gemini_args_end(choice->args, sink->reader->json);
        send_args(sink, index);
    }
}

/* One call at a time is all that a client takes which forbids parallel ones. */
static void begin_call(const sink_t *sink, int index, const llm_json_t *part,
                       const llm_json_t *function_call)
{
    llm_reader_t *reader = sink->reader;
    choice_t *choice = reader->choices[index];
    llm_delta_t delta = {.kind = LLM_DELTA_CALL, .choice = index};

    choice->is_muted =
        choice->calls && llm_json_is(reader->ask->parallel, LLM_JSON_FALSE);
    if (choice->is_muted) {
        return;
    }
    delta.call_index = choice->calls++;
    delta.call = llm_gemini_read_call(part, function_call, reader->seed,
                                      reader->calls++, sink->scratch);
    send_delta(sink, &delta);
}

static int put_partials(const sink_t *sink, int index, const llm_json_t *list)
{
    const llm_json_t *partial =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    for (; partial; partial = partial->next) {
        if (!llm_gemini_args_put(sink->reader->choices[index]->args,
                                 sink->reader->json, partial, sink->scratch)) {
            return 0;
        }
    }
    send_args(sink, index);
    return 1;
}

static void open_args(llm_reader_t *reader, choice_t *choice)
{
    if (!choice->args) {
        choice->args = llm_gemini_args_make(reader->pool);
    }
    llm_gemini_args_begin(choice->args);
    choice->is_open = 1;
}

static void read_call(const sink_t *sink, int index, const llm_json_t *part,
                      const llm_json_t *call)
{
    llm_reader_t *reader = sink->reader;
    choice_t *choice = reader->choices[index];
    const llm_json_t *args = llm_json_get(call, "args");
    const llm_json_t *partials = llm_json_want(call, "partialArgs");
    int more = llm_json_is_true(llm_json_get(call, "willContinue"));

    if (!llm_text_is_empty(llm_json_text(llm_json_get(call, "name")))) {
        close_call(sink, index);
        begin_call(sink, index, part, call);
        if (llm_json_is(args, LLM_JSON_OBJECT) && (args->count || !more)) {
            llm_json_put(reader->json, args);
            send_args(sink, index);
            return;
        }
        open_args(reader, choice);
    }
    if (!choice->is_open) {
        return; /* the end of a call that came whole */
    }
    if (!put_partials(sink, index, partials)) {
        send_problem(sink,
                     llm_problem_make(LLM_PROBLEM_UPSTREAM, sink->scratch,
                                      "the provider sent the arguments of a "
                                      "tool call in no order"));
        return;
    }
    if (!more) {
        close_call(sink, index);
    }
}

/* ---- text ---- */

static void read_signature(const sink_t *sink, int index,
                           const llm_json_t *part)
{
    llm_text_t signature =
        llm_json_text(llm_json_get(part, "thoughtSignature"));
    llm_delta_t delta = {.kind = LLM_DELTA_SIGNATURE, .choice = index};

    if (!llm_text_is_empty(signature) && sink->reader->ask->thinking > 0) {
        delta.text = llm_gemini_mark_signature(signature, sink->scratch);
        send_delta(sink, &delta);
    }
}

/* *plogprobs goes with the first text of its chunk. */
static void read_text(const sink_t *sink, int index, const llm_json_t *part,
                      const llm_json_t **plogprobs)
{
    llm_delta_t delta = {.kind = LLM_DELTA_TEXT, .choice = index};

    delta.text = llm_json_text(llm_json_get(part, "text"));
    if (llm_json_is_true(llm_json_get(part, "thought"))) {
        delta.kind = LLM_DELTA_THINKING;
    }
    else {
        read_signature(sink, index, part);
        delta.logprobs = *plogprobs;
        *plogprobs = NULL;
    }
    if (delta.kind == LLM_DELTA_TEXT) {
        llm_ruler_add(&sink->reader->choices[index]->texts, delta.text);
    }
    if (delta.text.len || delta.logprobs) {
        send_delta(sink, &delta);
    }
}

static void read_shown(const sink_t *sink, int index, const llm_json_t *part)
{
    llm_delta_t delta = {.kind = LLM_DELTA_TEXT, .choice = index};

    delta.media = llm_gemini_read_shown(part, sink->scratch);
    if (delta.media) {
        read_signature(sink, index, part);
        delta.text = llm_media_markdown(delta.media, sink->scratch);
        send_delta(sink, &delta);
    }
}

/* Chunks tell more of them as the answer grows, and the last one tells all. */
static void keep_cites(const sink_t *sink, choice_t *choice,
                       const llm_json_t *candidate)
{
    llm_gemini_said_t said = {NULL, &choice->texts};
    llm_cites_t cites = {NULL, NULL};
    const llm_cite_t *cite;

    llm_gemini_read_cites(&cites, candidate, &said, sink->scratch);
    if (!cites.first) {
        return;
    }
    if (!choice->cites_pool) {
        apr_pool_create(&choice->cites_pool, sink->reader->pool);
    }
    memset(&choice->cites, 0, sizeof(choice->cites));
    apr_pool_clear(choice->cites_pool);
    for (cite = cites.first; cite; cite = cite->next) {
        llm_cites_keep(&choice->cites, cite, CITES_MAX, choice->cites_pool);
    }
}

static void send_cites(const sink_t *sink, int index)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CITE, .choice = index};

    for (delta.cite = sink->reader->choices[index]->cites.first; delta.cite;
         delta.cite = delta.cite->next) {
        send_delta(sink, &delta);
    }
}

/* ---- chunks ---- */

static void read_candidate(const sink_t *sink, const llm_json_t *candidate,
                           int position)
{
    const llm_json_t *part = llm_json_path(candidate, "content", "parts", NULL);
    const llm_json_t *logprobs = llm_gemini_logprobs(candidate, sink->scratch);
    apr_int64_t index = position;
    llm_finish_e finish;

    llm_json_int(llm_json_get(candidate, "index"), &index);
    if (index < 0 || index >= CHOICES_MAX) {
        send_problem(sink,
                     llm_problem_make(LLM_PROBLEM_UPSTREAM, sink->scratch,
                                      "the provider sent a candidate with an "
                                      "impossible index"));
        return;
    }
    choice_at(sink->reader, (int)index);
    part = llm_json_is(part, LLM_JSON_ARRAY) ? part->child : NULL;
    for (; part && !sink->reader->failed; part = part->next) {
        const llm_json_t *call = llm_json_want(part, "functionCall");

        if (llm_json_is(call, LLM_JSON_OBJECT)) {
            read_call(sink, (int)index, part, call);
        }
        else if (llm_json_want(part, "text")) {
            read_text(sink, (int)index, part, &logprobs);
        }
        else {
            read_shown(sink, (int)index, part);
        }
    }
    keep_cites(sink, sink->reader->choices[index], candidate);
    finish = llm_gemini_finish(llm_json_get(candidate, "finishReason"), 0);
    if (finish != LLM_FINISH_NONE) {
        sink->reader->choices[index]->finish = finish;
    }
}

static void read_chunk(const sink_t *sink, const llm_json_t *doc)
{
    llm_problem_t *problem = llm_gemini_problem_in(doc, sink->scratch);
    const llm_json_t *list = llm_json_get(doc, "candidates");
    const llm_json_t *candidate =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
    int position = 0;

    if (problem) {
        send_problem(sink, problem);
        return;
    }
    /* before the beginning, where Anthropic's clients look for the input */
    if (llm_gemini_read_usage(&sink->reader->usage, doc)) {
        send_usage(sink);
    }
    if (!sink->reader->seed) {
        send_begin(sink, doc);
    }
    sink->reader->blocked |= llm_gemini_is_blocked(doc);
    for (; candidate && !sink->reader->failed; candidate = candidate->next) {
        read_candidate(sink, candidate, position++);
    }
}

void llm_gemini_read_chunk(llm_reader_t *reader, const llm_json_t *doc,
                           llm_delta_cb *emit, void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};
    const llm_json_t *inner;

    if (llm_json_is(doc, LLM_JSON_ARRAY)) {
        for (inner = doc->child; inner && !reader->failed;
             inner = inner->next) {
            read_chunk(&sink, inner);
        }
    }
    else if (!reader->failed) {
        read_chunk(&sink, doc);
    }
}

void llm_gemini_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *emit, void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};

    if (reader->failed || !event->data.len
        || llm_bytes_are(event->data, "[DONE]")) {
        return; /* some intermediaries end every stream as OpenAI does */
    }
    if (!event->doc) {
        send_problem(&sink, llm_problem_make(LLM_PROBLEM_UPSTREAM, scratch,
                                             "the provider sent an event that "
                                             "is no JSON"));
        return;
    }
    llm_gemini_read_chunk(reader, event->doc, emit, baton, scratch);
}

/* ---- the end ---- */

static int has_finished(const llm_reader_t *reader)
{
    int i, finished = reader->blocked;

    for (i = 0; i < reader->count; ++i) {
        finished |=
            reader->choices[i] && reader->choices[i]->finish != LLM_FINISH_NONE;
    }
    return finished;
}

static void send_finish(const sink_t *sink, int index)
{
    choice_t *choice = choice_at(sink->reader, index);
    llm_delta_t delta = {.kind = LLM_DELTA_FINISH, .choice = index};

    close_call(sink, index);
    send_cites(sink, index);
    delta.finish = choice->finish;
    if (delta.finish == LLM_FINISH_NONE) {
        delta.finish =
            sink->reader->blocked ? LLM_FINISH_FILTERED : LLM_FINISH_OTHER;
    }
    if (choice->calls
        && (delta.finish == LLM_FINISH_STOP
            || delta.finish == LLM_FINISH_OTHER)) {
        delta.finish = LLM_FINISH_TOOL_CALLS;
    }
    send_delta(sink, &delta);
}

void llm_gemini_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                           void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};
    llm_delta_t end = {.kind = LLM_DELTA_END};
    int i;

    if (reader->failed) {
        return;
    }
    if (!has_finished(reader)) {
        send_problem(&sink, llm_problem_make(LLM_PROBLEM_UPSTREAM, scratch,
                                             "the provider's stream ended in "
                                             "the middle of the answer"));
        return;
    }
    for (i = 0; i < (reader->count ? reader->count : 1); ++i) {
        if (reader->choices[i] || !reader->count) {
            send_finish(&sink, i);
        }
    }
    if (reader->usage.known) {
        send_usage(&sink);
    }
    send_delta(&sink, &end);
}
