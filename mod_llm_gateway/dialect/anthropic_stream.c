/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer of the Messages API, as deltas.
 *
 *   message_start, (content_block_start, content_block_delta*,
 *   content_block_stop)*, message_delta, message_stop; `ping` anywhere, `error`
 *   at any time
 *
 * A block's index counts texts, thoughts and server tools too, so calls are
 * numbered anew. A tool block starts with input {} which its deltas then spell
 * out; only where no delta comes is the start's input the arguments (servers
 * that copy the dialect). What server tools do is not for the client to answer
 * and is passed over.
 *
 * A second message_start, spliced in by an intermediary that tried again,
 * begins the answer anew: what went out cannot be taken back, but blocks of the
 * two are never joined into one.
 */
#include "dialect/anthropic_internal.h"

#include <string.h>

#include <apr_strings.h>

typedef enum {
    BLOCK_NONE,
    BLOCK_TEXT,
    BLOCK_THINKING,
    BLOCK_CALL,
    BLOCK_ANSWER, /* input of the tool that was forced for it */
    BLOCK_OTHER   /* of the provider's servers */
} block_e;

struct llm_reader_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    llm_usage_t usage;
    block_e block;           /* the open one */
    int had_args;            /* of the open call: some were emitted */
    int calls;               /* calls so far, but for the open one */
    int finished;            /* FINISH was emitted */
    int began;               /* BEGIN was emitted */
    int ended;               /* END or PROBLEM was emitted */
    llm_block_cites_t cites; /* of the open block */
};

/* What one call of read_event works with. */
typedef struct pass_t {
    llm_reader_t *reader;
    llm_delta_cb *emit;
    void *baton;
    apr_pool_t *scratch;
} pass_t;

llm_reader_t *llm_anthropic_reader_make(const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    reader->pool = pool;
    reader->ask = ask;
    reader->cites.parent = pool;
    llm_usage_clear(&reader->usage);
    return reader;
}

static void emit(const pass_t *pass, const llm_delta_t *delta)
{
    pass->emit(pass->baton, delta);
}

static void emit_text(const pass_t *pass, llm_delta_e kind, llm_text_t text)
{
    llm_delta_t delta = {.kind = kind, .text = text};

    if (text.len) {
        delta.call_index = pass->reader->calls;
        if (kind == LLM_DELTA_TEXT) {
            llm_extent_add(&pass->reader->cites.texts, text);
        }
        emit(pass, &delta);
    }
}

static void emit_usage(const pass_t *pass, const llm_json_t *object,
                       int partial)
{
    llm_delta_t delta = {.kind = LLM_DELTA_USAGE};

    if (llm_anthropic_take_usage(&pass->reader->usage, object, partial)) {
        delta.usage = &pass->reader->usage;
        emit(pass, &delta);
    }
}

static void fail(const pass_t *pass, llm_problem_t *problem)
{
    llm_delta_t delta = {.kind = LLM_DELTA_PROBLEM, .problem = problem};

    pass->reader->ended = 1;
    emit(pass, &delta);
}

static void end(const pass_t *pass)
{
    llm_delta_t delta = {.kind = LLM_DELTA_END};

    pass->reader->ended = 1;
    emit(pass, &delta);
}

/* ---- blocks ---- */

static void keep_cite(const pass_t *pass, const llm_json_t *node)
{
    llm_cites_t cites = {NULL, NULL};

    llm_anthropic_read_citation(&cites, node, pass->scratch);
    llm_block_cites_keep(&pass->reader->cites, cites.first);
}

/* Servers that copy the dialect tell them where the block begins. */
static void keep_cites(const pass_t *pass, const llm_json_t *list)
{
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    for (; node; node = node->next) {
        keep_cite(pass, node);
    }
}

static void close_block(const pass_t *pass)
{
    llm_reader_t *reader = pass->reader;

    llm_block_cites_end(&reader->cites, pass->emit, pass->baton);
    if (reader->block == BLOCK_CALL) {
        ++reader->calls;
    }
    reader->block = BLOCK_NONE;
}

/* Arguments that stand in the start event instead of deltas. */
static void emit_input(const pass_t *pass, const llm_json_t *input,
                       llm_delta_e kind)
{
    llm_buf_t *buf;

    if (input && input->count) {
        buf = llm_buf_make(0, pass->scratch);
        llm_buf_put_quoted(buf, input->raw);
        emit_text(pass, kind, (llm_text_t){buf->data + 1, buf->len - 2});
        pass->reader->had_args = 1;
    }
}

static void start_call(const pass_t *pass, const llm_json_t *block)
{
    llm_reader_t *reader = pass->reader;
    const llm_json_t *name = llm_json_get(block, "name");
    const char *id = llm_json_string(llm_json_get(block, "id"), pass->scratch);
    llm_delta_t delta = {.kind = LLM_DELTA_CALL, .call_index = reader->calls};
    llm_call_t call = {.id = id && *id ? id : NULL};

    reader->had_args = 0;
    if (llm_ask_is_answer(reader->ask, llm_json_text(name))) {
        reader->block = BLOCK_ANSWER;
        emit_input(pass, llm_json_want(block, "input"), LLM_DELTA_TEXT);
        return;
    }
    reader->block = BLOCK_CALL;
    call.name = llm_json_text(name);
    call.args = LLM_BYTES_LITERAL("{}");
    delta.call = &call;
    emit(pass, &delta);
    emit_input(pass, llm_json_want(block, "input"), LLM_DELTA_ARGS);
}

static void open_block(const pass_t *pass, const llm_json_t *block)
{
    const llm_json_t *type = llm_json_get(block, "type");
    llm_reader_t *reader = pass->reader;

    close_block(pass);
    if (llm_json_equals(type, "text")) {
        reader->block = BLOCK_TEXT;
        emit_text(pass, LLM_DELTA_TEXT,
                  llm_json_text(llm_json_get(block, "text")));
        keep_cites(pass, llm_json_want(block, "citations"));
    }
    else if (llm_json_equals(type, "tool_use")) {
        start_call(pass, block);
    }
    else if (llm_json_equals(type, "thinking")) {
        reader->block = BLOCK_THINKING;
        emit_text(pass, LLM_DELTA_THINKING,
                  llm_json_text(llm_json_get(block, "thinking")));
        emit_text(pass, LLM_DELTA_SIGNATURE,
                  llm_json_text(llm_json_get(block, "signature")));
    }
    else if (llm_json_equals(type, "redacted_thinking")) {
        reader->block = BLOCK_OTHER;
        emit_text(pass, LLM_DELTA_REDACTED,
                  llm_json_text(llm_json_get(block, "data")));
    }
    else {
        reader->block = BLOCK_OTHER;
    }
}

static void start_block(const pass_t *pass, const llm_json_t *doc)
{
    open_block(pass, llm_json_get(doc, "content_block"));
}

static void read_input(const pass_t *pass, const llm_json_t *delta)
{
    llm_text_t text = llm_json_text(llm_json_get(delta, "partial_json"));

    if (pass->reader->had_args) {
        return; /* the start had them whole */
    }
    if (pass->reader->block == BLOCK_CALL) {
        emit_text(pass, LLM_DELTA_ARGS, text);
    }
    else if (pass->reader->block == BLOCK_ANSWER) {
        emit_text(pass, LLM_DELTA_TEXT, text);
    }
}

static void read_delta(const pass_t *pass, const llm_json_t *doc)
{
    const llm_json_t *delta = llm_json_get(doc, "delta");
    const llm_json_t *type = llm_json_get(delta, "type");

    if (llm_json_equals(type, "text_delta")) {
        emit_text(pass, LLM_DELTA_TEXT,
                  llm_json_text(llm_json_get(delta, "text")));
    }
    else if (llm_json_equals(type, "citations_delta")) {
        keep_cite(pass, llm_json_get(delta, "citation"));
    }
    else if (llm_json_equals(type, "input_json_delta")) {
        read_input(pass, delta);
    }
    else if (llm_json_equals(type, "thinking_delta")) {
        emit_text(pass, LLM_DELTA_THINKING,
                  llm_json_text(llm_json_get(delta, "thinking")));
    }
    else if (llm_json_equals(type, "signature_delta")) {
        emit_text(pass, LLM_DELTA_SIGNATURE,
                  llm_json_text(llm_json_get(delta, "signature")));
    }
}

/* ---- the message ---- */

static void finish(const pass_t *pass, const llm_json_t *said)
{
    llm_reader_t *reader = pass->reader;
    llm_delta_t delta = {.kind = LLM_DELTA_FINISH};

    close_block(pass);
    delta.finish = llm_finish_beside(
        llm_anthropic_finish(llm_json_want(said, "stop_reason")),
        reader->calls);
    delta.stop_sequence = llm_json_text(llm_json_want(said, "stop_sequence"));
    if (delta.finish == LLM_FINISH_TOOL_CALLS && !reader->calls && reader->ask
        && llm_ask_format_tool(reader->ask)) {
        delta.finish = LLM_FINISH_STOP; /* the call was the answer */
    }
    if (delta.finish != LLM_FINISH_NONE && !reader->finished) {
        reader->finished = 1;
        emit(pass, &delta);
    }
}

/* Where code that runs at Anthropic goes on and calls a tool, the whole answer
 * stands in message_start: its blocks, and why it ended. */
static void start_message(const pass_t *pass, const llm_json_t *doc)
{
    const llm_json_t *message = llm_json_get(doc, "message");
    const llm_json_t *content = llm_json_want(message, "content"), *block;
    llm_delta_t delta = {.kind = LLM_DELTA_BEGIN};

    close_block(pass);
    pass->reader->began = 1;
    delta.id = llm_json_string(llm_json_get(message, "id"), pass->scratch);
    delta.model =
        llm_json_string(llm_json_get(message, "model"), pass->scratch);
    emit(pass, &delta);
    emit_usage(pass, llm_json_get(message, "usage"),
               !llm_json_want(message, "stop_reason"));
    for (block = llm_json_is(content, LLM_JSON_ARRAY) ? content->child : NULL;
         block; block = block->next) {
        open_block(pass, block);
    }
    if (llm_json_want(message, "stop_reason")) {
        finish(pass, message);
    }
    close_block(pass);
}

static void read_message_delta(const pass_t *pass, const llm_json_t *doc)
{
    finish(pass, llm_json_get(doc, "delta"));
    emit_usage(pass, llm_json_get(doc, "usage"), 0);
}

/* ---- events ---- */

static void stop_block(const pass_t *pass, const llm_json_t *doc)
{
    (void)doc;
    close_block(pass);
}

static void stop_message(const pass_t *pass, const llm_json_t *doc)
{
    (void)doc;
    end(pass);
}

static const struct {
    const char *type;
    void (*read)(const pass_t *pass, const llm_json_t *doc);
} events[] = {
    {"content_block_delta", read_delta},
    {"content_block_start", start_block},
    {"content_block_stop", stop_block},
    {"message_delta", read_message_delta},
    {"message_start", start_message},
    {"message_stop", stop_message},
    {NULL, NULL},
};

void llm_anthropic_read_event(llm_reader_t *reader, const llm_event_t *event,
                              llm_delta_cb *callback, void *baton,
                              apr_pool_t *scratch)
{
    pass_t pass = {reader, callback, baton, scratch};
    const llm_json_t *type = llm_json_get(event->doc, "type");
    llm_problem_t *problem;
    int i;

    if (reader->ended || !event->data.len) {
        return;
    }
    /* a problem is kept by who gets it, and it is the last thing to come */
    problem = llm_anthropic_event_problem(event, reader->pool);
    if (problem) {
        fail(&pass, problem);
        return;
    }
    for (i = 0; events[i].type; ++i) {
        if (llm_json_equals(type, events[i].type)) {
            events[i].read(&pass, event->doc);
            return;
        }
    }
    /* ping, and whatever comes to be: nothing for the client */
}

void llm_anthropic_reader_end(llm_reader_t *reader, llm_delta_cb *callback,
                              void *baton, apr_pool_t *scratch)
{
    pass_t pass = {reader, callback, baton, scratch};

    if (reader->ended) {
        return;
    }
    if (reader->finished) { /* only message_stop is missing */
        end(&pass);
    }
    else {
        fail(&pass, llm_problem_cut_off(reader->pool));
    }
}
