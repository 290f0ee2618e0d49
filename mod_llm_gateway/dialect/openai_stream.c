/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer of an OpenAI-compatible server, as deltas.
 *
 * What servers do, beyond what openai_response.c tells of whole answers:
 *
 *   - the first chunks have an empty id and model (Azure, Snowflake), or every
 *     chunk has another id (Groq's compound models): the first real one is it
 *   - `choices` is [] in chunks for usage, filters, moderation
 *   - usage comes in a chunk of its own, in the chunk with finish_reason, in
 *     x_groq, or in every chunk; it is always cumulative
 *   - finish_reason comes alone, with the last text, twice, or as ""
 *   - a tool call comes in pieces or whole; its index is absent, or 0 for
 *     each of several; later pieces have id "" and name ""
 *   - an error is an event of that name, a chunk with `error`, or a text
 *   - "[DONE]" does not come: the body's end is the end then, where every
 *     choice that began has finished
 *
 * The reader keeps a few bytes for each choice and call.
 */
#include "dialect/openai_internal.h"
#include "dialect/cite.h"

#include <string.h>

#include <apr_strings.h>

#define CHOICES_MAX 128
#define CALLS_MAX   1024

#define NO_INDEX (-1) /* the provider gave none */
#define LEGACY   (-2) /* function_call */
#define NOTHING  (-1)

typedef struct call_state_t {
    int index;       /* the provider's, or NO_INDEX, or LEGACY */
    const char *id;  /* the provider's, or NULL */
    llm_text_t name; /* empty until it is known */
    int has_args;
    int custom; /* it takes a text, whose end is to be told */
} call_state_t;

typedef struct choice_state_t {
    int began;
    int finished;
    int cited;                 /* there were citations */
    int held;                  /* call whose "{}" is held back, or NOTHING */
    apr_array_header_t *calls; /* of call_state_t, or NULL */
} choice_state_t;

struct llm_reader_t {
    const llm_ask_t *ask; /* NULL where bytes pass */
    apr_pool_t *pool;
    apr_array_header_t *choices; /* of choice_state_t, by index */
    llm_usage_t usage;
    int began; /* BEGIN was emitted */
    int ended; /* END or PROBLEM was emitted */
};

/* What one call of read_event works with. */
typedef struct pass_t {
    llm_reader_t *reader;
    llm_delta_cb *emit;
    void *baton;
    apr_pool_t *scratch;
    int index; /* of the choice */
    const llm_json_t *doc;
    choice_state_t *choice;
} pass_t;

llm_reader_t *llm_openai_reader_make(const llm_ask_t *ask, apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    reader->ask = ask;
    reader->pool = pool;
    reader->choices = apr_array_make(pool, 1, sizeof(choice_state_t));
    llm_usage_clear(&reader->usage);
    return reader;
}

static void emit(const pass_t *pass, const llm_delta_t *delta)
{
    pass->emit(pass->baton, delta);
}

/* Arguments that are "{}" may be all there are, or what some servers begin
 * with before they send the arguments. */
static void let_go(const pass_t *pass)
{
    llm_delta_t delta = {.kind = LLM_DELTA_ARGS, .choice = pass->index};

    if (pass->choice->held != NOTHING) {
        delta.call_index = pass->choice->held;
        delta.text = LLM_TEXT_LITERAL("{}");
        pass->choice->held = NOTHING;
        emit(pass, &delta);
    }
}

static void emit_text(const pass_t *pass, llm_delta_e kind, llm_text_t text,
                      const llm_json_t *logprobs)
{
    llm_delta_t delta = {.kind = kind, .choice = pass->index};

    if (text.len || logprobs) {
        let_go(pass);
        delta.text = text.data ? text : LLM_TEXT_LITERAL("");
        delta.logprobs = logprobs;
        emit(pass, &delta);
    }
}

/* ---- beginning and end ---- */

static void begin(const pass_t *pass, const llm_json_t *doc)
{
    llm_delta_t delta = {.kind = LLM_DELTA_BEGIN};
    const llm_json_t *choices = llm_json_get(doc, "choices");
    const char *id = llm_json_string(llm_json_get(doc, "id"), pass->scratch);
    const char *model =
        llm_json_string(llm_json_get(doc, "model"), pass->scratch);

    delta.id = id && *id ? id : NULL;
    delta.model = model && *model ? model : NULL;
    if (pass->reader->began
        || (!delta.id && !delta.model && !llm_json_at(choices, 0))) {
        return; /* a chunk before the first one that says something */
    }
    pass->reader->began = 1;
    delta.created = llm_created_of(llm_json_get(doc, "created"));
    emit(pass, &delta);
}

/* "[DONE]" ends choices that did not say why (Snowflake). */
static void let_all_go(const pass_t *pass);

static void finish_all(pass_t *pass)
{
    int i;

    for (i = 0; i < pass->reader->choices->nelts; ++i) {
        llm_delta_t delta = {.kind = LLM_DELTA_FINISH, .choice = i};

        pass->index = i;
        pass->choice = &APR_ARRAY_IDX(pass->reader->choices, i, choice_state_t);
        if (pass->choice->began && !pass->choice->finished) {
            let_all_go(pass);
            delta.finish =
                pass->choice->calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_OTHER;
            emit(pass, &delta);
        }
    }
}

static void end(pass_t *pass)
{
    llm_delta_t delta = {.kind = LLM_DELTA_END};

    finish_all(pass);
    pass->reader->ended = 1;
    emit(pass, &delta);
}

static void fail(const pass_t *pass, llm_problem_t *problem)
{
    llm_delta_t delta = {.kind = LLM_DELTA_PROBLEM};

    delta.problem = problem;
    pass->reader->ended = 1;
    emit(pass, &delta);
}

static void read_usage(const pass_t *pass, const llm_json_t *doc)
{
    llm_delta_t delta = {.kind = LLM_DELTA_USAGE};

    if (llm_openai_read_usage(&pass->reader->usage, doc)) {
        delta.usage = &pass->reader->usage;
        emit(pass, &delta);
    }
}

/* ---- tool calls ---- */

static call_state_t *call_at(const choice_state_t *choice, int number)
{
    return &APR_ARRAY_IDX(choice->calls, number, call_state_t);
}

/* Is this piece the beginning of another call than `call`? An id or a name
 * that differs says so; "" says nothing. An id alone does not: some servers
 * make a new one for each piece, and a call begins with a name. */
static int is_another(const call_state_t *call, const char *id, llm_text_t name)
{
    if (id && call->id) {
        return strcmp(id, call->id) != 0 && (name.len || !call->name.len);
    }
    /* whole calls without ids, one after the other (Google's endpoint) */
    return name.len && call->name.len
           && (!llm_text_is_same(name, call->name)
               || (!id && !call->id && call->has_args));
}

/* Number of the call this piece belongs to, or -1: it begins one. */
static int find_call(const choice_state_t *choice, int index, const char *id,
                     llm_text_t name)
{
    int i = choice->calls ? choice->calls->nelts : 0;

    if (index == NO_INDEX) {
        return i && !is_another(call_at(choice, i - 1), id, name) ? i - 1 : -1;
    }
    while (i--) {
        if (call_at(choice, i)->index == index) {
            return is_another(call_at(choice, i), id, name) ? -1 : i;
        }
    }
    return -1;
}

static int add_call(const pass_t *pass, int index)
{
    choice_state_t *choice = pass->choice;
    call_state_t *call;

    if (!choice->calls) {
        choice->calls =
            apr_array_make(pass->reader->pool, 4, sizeof(call_state_t));
    }
    if (choice->calls->nelts >= CALLS_MAX) {
        return -1;
    }
    call = apr_array_push(choice->calls);
    memset(call, 0, sizeof(*call));
    call->index = index;
    return choice->calls->nelts - 1;
}

static llm_text_t keep(llm_text_t text, apr_pool_t *pool)
{
    text.data = apr_pmemdup(pool, text.data, text.len);
    return text;
}

/* The call begins for the client when its name is known. */
static void take_name(const pass_t *pass, call_state_t *call, int number,
                      llm_text_t name, const char *signature)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CALL, .choice = pass->index};
    llm_call_t told = {.id = call->id, .signature = signature};

    if (name.len && !call->name.len) {
        call->name = keep(name, pass->reader->pool);
        told.name = call->name;
        told.args = LLM_BYTES_LITERAL("{}");
        delta.call_index = number;
        delta.call = &told;
        emit(pass, &delta);
    }
}

/* Arguments are a string's fragment, or an object where servers send that. */
static llm_text_t args_of(const pass_t *pass, const llm_json_t *node)
{
    llm_buf_t *buf;

    if (!llm_json_is(node, LLM_JSON_OBJECT)) {
        return llm_json_text(node);
    }
    buf = llm_buf_make(0, pass->scratch);
    llm_buf_put_quoted(buf, node->raw);
    return (llm_text_t){buf->data + 1, buf->len - 2};
}

/* A piece of a text as one of the arguments it is. */
static llm_text_t input_of(const pass_t *pass, call_state_t *call,
                           const llm_json_t *custom)
{
    llm_text_t piece = llm_json_text(llm_json_want(custom, "input"));

    call->custom = 1;
    return piece.len ? llm_openai_input_piece(piece, !call->has_args, 0,
                                              pass->scratch)
                     : LLM_TEXT_NONE;
}

/* All that is held back: the choice is over. */
static void let_all_go(const pass_t *pass)
{
    int count = pass->choice->calls ? pass->choice->calls->nelts : 0, i;

    let_go(pass);
    for (i = 0; i < count; ++i) {
        call_state_t *call = call_at(pass->choice, i);
        llm_delta_t delta = {.kind = LLM_DELTA_ARGS, .choice = pass->index};

        if (call->custom && call->name.len) {
            call->custom = 0;
            delta.call_index = i;
            delta.text = llm_openai_input_piece(LLM_TEXT_NONE, !call->has_args,
                                                1, pass->scratch);
            emit(pass, &delta);
        }
    }
}

static void read_call(const pass_t *pass, const llm_json_t *node,
                      const llm_json_t *function, int index)
{
    const char *id = llm_json_string(llm_json_get(node, "id"), pass->scratch);
    llm_text_t name = llm_json_text(llm_json_get(function, "name"));
    llm_delta_t delta = {.kind = LLM_DELTA_ARGS, .choice = pass->index};
    call_state_t *call;
    int number;

    id = id && *id ? id : NULL;
    number = find_call(pass->choice, index, id, name);
    if (number < 0) {
        let_go(pass);
        number = add_call(pass, index);
    }
    if (number < 0) {
        return;
    }
    call = call_at(pass->choice, number);
    if (id && !call->id) {
        call->id = apr_pstrdup(pass->reader->pool, id);
    }
    take_name(pass, call, number, name,
              llm_openai_call_signature(node, pass->scratch));
    delta.text = llm_json_get(node, "custom")
                     ? input_of(pass, call, function)
                     : args_of(pass, llm_json_want(function, "arguments"));
    if (!delta.text.len || !call->name.len) {
        return;
    }
    if (!call->has_args && llm_text_equals(delta.text, "{}")) {
        pass->choice->held = number;
    }
    else {
        pass->choice->held = NOTHING;
        delta.call_index = number;
        emit(pass, &delta);
    }
    call->has_args = 1;
}

static void read_calls(const pass_t *pass, const llm_json_t *said)
{
    const llm_json_t *calls = llm_json_want(said, "tool_calls"), *node;
    const llm_json_t *legacy = llm_json_want(said, "function_call");

    if (llm_json_is(calls, LLM_JSON_ARRAY)) {
        for (node = calls->child; node; node = node->next) {
            apr_int64_t index = NO_INDEX;
            const llm_json_t *function;

            if (node->type != LLM_JSON_OBJECT) {
                continue;
            }

            llm_json_int(llm_json_get(node, "index"), &index);
            function = llm_json_want(node, "custom");
            read_call(pass, node,
                      function ? function : llm_json_get(node, "function"),
                      index >= 0 && index < APR_INT32_MAX ? (int)index
                                                          : NO_INDEX);
        }
    }
    else if (llm_json_is(legacy, LLM_JSON_OBJECT)) {
        read_call(pass, NULL, legacy, LEGACY);
    }
}

/* ---- what is said ---- */

static void emit_parts(const pass_t *pass, const llm_part_t *part)
{
    for (; part; part = part->next) {
        if (part->kind == LLM_PART_REDACTED) {
            emit_text(pass, LLM_DELTA_REDACTED, part->text, NULL);
        }
        else if (part->kind == LLM_PART_THINKING) {
            emit_text(pass, LLM_DELTA_THINKING, part->text, NULL);
            emit_text(pass, LLM_DELTA_SIGNATURE, part->signature, NULL);
        }
        else {
            llm_delta_t delta = {.kind = LLM_DELTA_TEXT,
                                 .choice = pass->index,
                                 .text = part->text,
                                 .media = part->media};

            emit(pass, &delta);
        }
    }
}

/* A list of parts: texts, and Mistral's thinking with texts of its own. */
static void emit_cites(const pass_t *pass, const llm_cite_t *cite)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CITE, .choice = pass->index};

    for (; cite; cite = cite->next) {
        pass->choice->cited = 1;
        delta.cite = cite;
        emit(pass, &delta);
    }
}

/* A text, a picture, or what a text is taken from. */
static void read_piece(const pass_t *pass, const llm_json_t *node)
{
    llm_parts_t shown = {NULL, NULL};
    llm_cites_t cites = {NULL, NULL};

    emit_text(pass, LLM_DELTA_TEXT, llm_json_text(llm_json_get(node, "text")),
              NULL);
    llm_openai_read_image(&shown, node, pass->scratch);
    emit_parts(pass, shown.first);
    llm_openai_read_piece_cites(&cites, node, -1, -1, pass->scratch);
    emit_cites(pass, cites.first);
}

static void read_list(const pass_t *pass, const llm_json_t *list)
{
    const llm_json_t *node, *item;

    for (node = list->child; node; node = node->next) {
        const llm_json_t *thinking = llm_json_want(node, "thinking");

        if (llm_json_is(thinking, LLM_JSON_ARRAY)) {
            for (item = thinking->child; item; item = item->next) {
                emit_text(pass, LLM_DELTA_THINKING,
                          llm_json_text(llm_json_get(item, "text")), NULL);
            }
        }
        else if (thinking) {
            emit_text(pass, LLM_DELTA_THINKING, llm_json_text(thinking), NULL);
        }
        else if (llm_json_equals(llm_json_get(node, "type"), "reasoning")) {
            llm_parts_t thoughts = {NULL, NULL};

            llm_openai_read_reasoning_part(&thoughts, node, pass->scratch);
            emit_parts(pass, thoughts.first);
        }
        else {
            read_piece(pass, node);
        }
    }
}

/* TGI 2 sends the token that ends a text as if it were part of it. */
static int is_end_token(llm_text_t text, const llm_json_t *reason)
{
    if (!llm_json_equals(reason, "eos_token")
        && !llm_json_equals(reason, "eos")) {
        return 0;
    }
    return llm_text_equals(text, "</s>")
           || (text.len > 4 && !memcmp(text.data, "<|", 2)
               && !memcmp(text.data + text.len - 2, "|>", 2));
}

/* Sources of the whole answer are repeated in each chunk: the last one's are
 * taken. */
static void read_cites(const pass_t *pass, const llm_json_t *node,
                       const llm_json_t *said)
{
    int is_last =
        llm_json_want(node, "finish_reason") != NULL && !pass->choice->finished;
    llm_cites_t cites = {NULL, NULL};

    llm_openai_read_cites(&cites, said,
                          is_last && !pass->choice->cited ? pass->doc : NULL,
                          pass->scratch);
    emit_cites(pass, cites.first);
}

static void read_said(const pass_t *pass, const llm_json_t *node,
                      const llm_json_t *said)
{
    const llm_json_t *content = llm_json_want(said, "content");
    const llm_json_t *logprobs = llm_json_want(node, "logprobs");
    llm_parts_t thoughts = {NULL, NULL}, shown = {NULL, NULL};
    llm_text_t text = llm_json_text(content);

    llm_openai_read_thinking(&thoughts, said, pass->scratch);
    emit_parts(pass, thoughts.first);
    if (llm_json_is(content, LLM_JSON_ARRAY)) {
        read_list(pass, content);
    }
    else if (!is_end_token(text, llm_json_get(node, "finish_reason"))) {
        if (!llm_json_is(llm_json_get(logprobs, "content"), LLM_JSON_ARRAY)
            && !llm_json_is(llm_json_get(logprobs, "refusal"),
                            LLM_JSON_ARRAY)) {
            logprobs = NULL; /* present, with nothing in it */
        }
        emit_text(pass, LLM_DELTA_TEXT, text, logprobs);
    }
    llm_openai_read_images(&shown, llm_json_want(said, "images"),
                           pass->scratch);
    llm_openai_read_sound(&shown, pass->reader->ask, said, pass->scratch);
    emit_parts(pass, shown.first);
    emit_text(pass, LLM_DELTA_REFUSAL,
              llm_json_text(llm_json_want(said, "refusal")), NULL);
    read_cites(pass, node, said);
    read_calls(pass, said);
}

/* ---- choices ---- */

static void read_finish(const pass_t *pass, const llm_json_t *node)
{
    const llm_json_t *stop = llm_openai_stop_of(node);
    llm_delta_t delta = {.kind = LLM_DELTA_FINISH, .choice = pass->index};

    delta.finish = llm_openai_finish(llm_json_get(node, "finish_reason"),
                                     pass->choice->calls != NULL);
    if (delta.finish == LLM_FINISH_NONE || pass->choice->finished) {
        return;
    }
    if (delta.finish == LLM_FINISH_STOP && llm_json_is(stop, LLM_JSON_STRING)) {
        delta.finish = LLM_FINISH_STOP_SEQUENCE;
        delta.stop_sequence = llm_json_text(stop);
    }
    let_all_go(pass);
    pass->choice->finished = 1;
    emit(pass, &delta);
}

static void read_choice(pass_t *pass, const llm_json_t *node, int position)
{
    llm_reader_t *reader = pass->reader;
    const llm_json_t *said = llm_json_want(node, "delta");
    apr_int64_t index = position;

    llm_json_int(llm_json_get(node, "index"), &index);
    if (index < 0 || index >= CHOICES_MAX) {
        return;
    }
    while (reader->choices->nelts <= index) {
        choice_state_t *choice = apr_array_push(reader->choices);

        memset(choice, 0, sizeof(*choice));
        choice->held = NOTHING;
    }
    pass->index = (int)index;
    pass->choice = &APR_ARRAY_IDX(reader->choices, pass->index, choice_state_t);
    pass->choice->began = 1;
    if (!said) {
        said = llm_json_want(node, "message");
    }
    if (said) {
        read_said(pass, node, said);
    }
    else { /* legacy completions; beside a delta it would be the same again */
        emit_text(pass, LLM_DELTA_TEXT,
                  llm_json_text(llm_json_want(node, "text")), NULL);
    }
    read_finish(pass, node);
}

static void read_chunk(pass_t *pass, const llm_json_t *doc)
{
    const llm_json_t *choices = llm_json_get(doc, "choices"), *node;
    int position = 0;

    begin(pass, doc);
    for (node = llm_json_is(choices, LLM_JSON_ARRAY) ? choices->child : NULL;
         node; node = node->next) {
        read_choice(pass, node, position++);
    }
    read_usage(pass, doc);
}

void llm_openai_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *callback, void *baton,
                           apr_pool_t *scratch)
{
    pass_t pass = {reader, callback, baton, scratch, 0, event->doc, NULL};
    llm_problem_t *problem;

    if (reader->ended || !event->data.len) {
        return;
    }
    if (llm_openai_is_last(event)) {
        end(&pass);
        return;
    }
    /* a problem is kept by who gets it, and it is the last thing to come */
    problem = llm_openai_event_problem(event, reader->pool);
    if (llm_json_is(event->doc, LLM_JSON_OBJECT)) {
        if (!problem || llm_json_get(event->doc, "choices")) {
            read_chunk(&pass, event->doc);
        }
    }
    else if (!problem) {
        problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, reader->pool,
                                   "the provider's stream holds something "
                                   "that is no JSON object");
    }
    if (problem) {
        fail(&pass, problem);
    }
}

/* Every choice that began has said why it ended, and there is one. */
static int is_complete(const llm_reader_t *reader)
{
    int i, count = 0;

    for (i = 0; i < reader->choices->nelts; ++i) {
        const choice_state_t *choice =
            &APR_ARRAY_IDX(reader->choices, i, choice_state_t);

        if (choice->began && !choice->finished) {
            return 0;
        }
        count += choice->began;
    }
    return count > 0;
}

void llm_openai_reader_end(llm_reader_t *reader, llm_delta_cb *callback,
                           void *baton, apr_pool_t *scratch)
{
    pass_t pass = {reader, callback, baton, scratch, 0, NULL, NULL};

    if (reader->ended) {
        return;
    }
    if (is_complete(reader)) {
        end(&pass);
    }
    else {
        fail(&pass, llm_problem_cut_off(reader->pool));
    }
}
