/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of Ollama: one document, or one a line. Each line has a piece of
 * the message; the last one says `done`, why, and the counts. A call comes
 * whole, in one line. /api/generate says `response` where a chat has a
 * message; its `context`, all tokens by number, is for nobody.
 */
#include "dialect/cite.h"
#include "dialect/ollama_internal.h"

#include <apr_strings.h>

struct llm_reader_t {
    const llm_ask_t *ask; /* NULL where bytes pass */
    apr_pool_t *pool;
    llm_usage_t usage;
    int calls; /* so far */
    int begun; /* BEGIN was told */
    int over;  /* END or a problem was told */
};

/* ---- what both forms have ---- */

static llm_text_t text_of(const llm_json_t *doc)
{
    const llm_json_t *message = llm_json_want(doc, "message");

    return llm_json_text(message ? llm_json_get(message, "content")
                                 : llm_json_get(doc, "response"));
}

static llm_text_t thinking_of(const llm_json_t *doc)
{
    const llm_json_t *message = llm_json_want(doc, "message");

    return llm_json_text(llm_json_want(message ? message : doc, "thinking"));
}

static const llm_json_t *first_call(const llm_json_t *doc)
{
    const llm_json_t *calls = llm_json_path(doc, "message", "tool_calls", NULL);

    return llm_json_is(calls, LLM_JSON_ARRAY) ? calls->child : NULL;
}

/* Returns 0 for one without a name. */
static int read_call(llm_call_t *call, const llm_json_t *node, apr_pool_t *pool)
{
    const llm_json_t *function = llm_json_get(node, "function");
    const llm_json_t *args = llm_json_get(function, "arguments");

    call->id = llm_json_string(llm_json_want(node, "id"), pool);
    call->name = llm_json_text(llm_json_get(function, "name"));
    if (llm_json_is(args, LLM_JSON_STRING)) { /* of servers like it */
        llm_args_from_text(&call->args, llm_json_text(args), pool);
    }
    else {
        call->args = llm_args_from_json(args);
    }
    call->signature = NULL;
    if (call->id && !*call->id) {
        call->id = NULL;
    }
    return !llm_text_is_empty(call->name);
}

/* `logprobs` is a list; OpenAI has it in an object. */
static const llm_json_t *logprobs_of(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "logprobs"), *object;
    llm_buf_t *out;

    if (!llm_json_is(list, LLM_JSON_ARRAY) || !list->count) {
        return NULL;
    }
    out = llm_buf_make(0, pool);
    llm_buf_lit(out, "{\"content\":");
    llm_json_put(out, list);
    llm_buf_lit(out, ",\"refusal\":null}");
    return llm_json_read(&object, out->data, out->len, NULL, pool) ? NULL
                                                                   : object;
}

/* No server has them: they are another gateway's. */
static void read_cites(llm_cites_t *cites, const llm_json_t *doc,
                       apr_pool_t *pool)
{
    const llm_json_t *message = llm_json_want(doc, "message");
    const llm_json_t *list =
        llm_json_want(message ? message : doc, "citations");

    llm_openai_read_more_cites(cites, list, pool);
}

/* ---- whole answers ---- */

static void read_chat(llm_answer_t *answer, const llm_ask_t *ask,
                      const llm_json_t *doc, apr_pool_t *pool)
{
    llm_choices_t choices = {NULL, NULL};
    llm_choice_t *choice = llm_choices_add(&choices, 0, pool);
    llm_parts_t parts = {NULL, NULL};
    llm_text_t thinking = thinking_of(doc), text = text_of(doc);
    llm_cites_t cites = {NULL, NULL};
    const llm_json_t *node;
    llm_call_t call;
    int count = 0;

    if (!llm_text_is_empty(thinking)) {
        llm_parts_add_text(&parts, LLM_PART_THINKING, thinking, pool);
    }
    if (!llm_text_is_empty(text)) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, text, pool);
    }
    for (node = first_call(doc); node; node = node->next) {
        if (read_call(&call, node, pool) && llm_ask_wants_call(ask, count)) {
            llm_parts_add_call(&parts, call.id, call.name, call.args, NULL,
                               pool);
            ++count;
        }
    }
    read_cites(&cites, doc, pool);
    llm_parts_cite(parts.first, cites.first, pool);
    choice->parts = parts.first;
    choice->finish = llm_ollama_finish(doc, count);
    choice->logprobs = logprobs_of(doc, pool);
    answer->choices = choices.first;
}

llm_problem_t *llm_ollama_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc, apr_pool_t *pool)
{
    llm_answer_t *answer = llm_answer_make(pool);
    llm_problem_t *problem = llm_ollama_problem_in(doc, pool);

    *panswer = answer;
    if (problem) {
        return problem;
    }
    answer->model = llm_json_string(llm_json_get(doc, "model"), pool);
    answer->created = llm_ollama_created(doc, pool);
    llm_ollama_read_usage(answer->usage, doc);
    if (ask->op == LLM_OP_EMBED) {
        answer->embeddings = llm_json_want(doc, "embeddings");
        return llm_json_is(answer->embeddings, LLM_JSON_ARRAY)
                   ? NULL
                   : llm_problem_lacking("embeddings", pool);
    }
    if (!llm_json_want(doc, "message") && !llm_json_want(doc, "response")) {
        return llm_problem_lacking("message", pool);
    }
    read_chat(answer, ask, doc, pool);
    return NULL;
}

/* ---- streams ---- */

llm_reader_t *llm_ollama_reader_make(const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    reader->ask = ask;
    reader->pool = pool;
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

static void send_text(const sink_t *sink, llm_delta_e kind, llm_text_t text,
                      const llm_json_t *logprobs)
{
    llm_delta_t delta = {.kind = kind, .text = text, .logprobs = logprobs};

    if (text.len || logprobs) {
        sink->emit(sink->baton, &delta);
    }
}

static void send_problem(const sink_t *sink, llm_problem_t *problem)
{
    llm_delta_t delta = {.kind = LLM_DELTA_PROBLEM, .problem = problem};

    sink->reader->over = 1;
    sink->emit(sink->baton, &delta);
}

static void send_begin(const sink_t *sink, const llm_json_t *doc)
{
    llm_delta_t delta = {.kind = LLM_DELTA_BEGIN};

    sink->reader->begun = 1;
    delta.model = llm_json_string(llm_json_get(doc, "model"), sink->scratch);
    delta.created = llm_ollama_created(doc, sink->scratch);
    sink->emit(sink->baton, &delta);
}

static void send_calls(const sink_t *sink, const llm_json_t *doc)
{
    llm_reader_t *reader = sink->reader;
    const llm_json_t *node;
    llm_call_t call;

    for (node = first_call(doc); node; node = node->next) {
        llm_delta_t delta = {.kind = LLM_DELTA_CALL, .call = &call};

        if (!read_call(&call, node, sink->scratch)
            || !llm_ask_wants_call(reader->ask, reader->calls)) {
            continue;
        }
        delta.call_index = reader->calls++;
        sink->emit(sink->baton, &delta);
        delta.kind = LLM_DELTA_ARGS;
        delta.call = NULL;
        delta.text =
            llm_text_escape(call.args.data, call.args.len, sink->scratch);
        sink->emit(sink->baton, &delta);
    }
}

static void send_cites(const sink_t *sink, const llm_json_t *doc)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CITE};
    llm_cites_t cites = {NULL, NULL};

    read_cites(&cites, doc, sink->scratch);
    for (delta.cite = cites.first; delta.cite; delta.cite = delta.cite->next) {
        sink->emit(sink->baton, &delta);
    }
}

static void send_end(const sink_t *sink, llm_finish_e finish)
{
    llm_reader_t *reader = sink->reader;
    llm_delta_t delta = {.kind = LLM_DELTA_FINISH, .finish = finish};

    sink->emit(sink->baton, &delta);
    delta.kind = LLM_DELTA_USAGE;
    delta.usage = &reader->usage;
    if (reader->usage.known) {
        sink->emit(sink->baton, &delta);
    }
    delta.kind = LLM_DELTA_END;
    reader->over = 1;
    sink->emit(sink->baton, &delta);
}

void llm_ollama_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *emit, void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};
    const llm_json_t *doc = event->doc;
    llm_problem_t *problem;
    llm_finish_e finish;

    if (reader->over || !event->data.len) {
        return;
    }
    if (!llm_json_is(doc, LLM_JSON_OBJECT)) {
        send_problem(&sink, llm_problem_make(LLM_PROBLEM_UPSTREAM, scratch,
                                             "the provider sent a line that "
                                             "is no JSON object"));
        return;
    }
    problem = llm_ollama_problem_in(doc, scratch);
    if (problem) {
        send_problem(&sink, problem);
        return;
    }
    if (!reader->begun) {
        send_begin(&sink, doc);
    }
    send_text(&sink, LLM_DELTA_THINKING, thinking_of(doc), NULL);
    send_text(&sink, LLM_DELTA_TEXT, text_of(doc), logprobs_of(doc, scratch));
    send_cites(&sink, doc);
    send_calls(&sink, doc);
    llm_ollama_read_usage(&reader->usage, doc);
    finish = llm_ollama_finish(doc, reader->calls);
    if (finish != LLM_FINISH_NONE) {
        send_end(&sink, finish);
    }
}

void llm_ollama_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                           void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};

    if (!reader->over) {
        send_problem(&sink, llm_problem_cut_off(reader->pool));
    }
}
