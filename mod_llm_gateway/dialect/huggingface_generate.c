/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of Hugging Face's old Inference API.
 *
 * Whole: an array with one object, an object alone, or arrays in arrays:
 * {"generated_text":"...","details":{...}}. Only TGI has `details`, with the
 * reason of the end and the number of tokens; elsewhere both are unknown.
 *
 * Streamed: {"token":{"text","special"},"generated_text":null,"details":null},
 * one a token. The last one has the whole text again in generated_text, for
 * some models with the prompt before it: never text for the client, unless no
 * token came at all. Special tokens are no text either.
 *
 * The server leaves the stop sequence it met at the end of the text; a client
 * of the dialects served here never sees it. In a stream it may come in
 * several tokens, so what could be the beginning of one waits for the next
 * token; never more than the longest stop sequence.
 *
 * Embeddings: one vector for a string, an array of vectors for an array.
 */
#include "dialect/huggingface_internal.h"

#include <string.h>

#include <apr_strings.h>

#define STOPS_MAX 16
#define STOP_LEN  256 /* longer stop sequences are not looked for */

/* ---- details ---- */

/* The object of an answer: the document, or the first in its arrays. */
static const llm_json_t *row_of(const llm_json_t *doc)
{
    int depth;

    for (depth = 0; depth < 3 && llm_json_is(doc, LLM_JSON_ARRAY); ++depth) {
        doc = doc->child;
    }
    return doc;
}

static const llm_json_t *details_in(const llm_json_t *doc)
{
    return llm_json_want(row_of(doc), "details");
}

int llm_huggingface_take_details(llm_usage_t *usage, const llm_json_t *doc)
{
    const llm_json_t *details = details_in(doc);
    const llm_json_t *prefill = llm_json_get(details, "prefill");
    int found;

    found = llm_usage_take(usage, LLM_CLASS_OUTPUT,
                           llm_json_get(details, "generated_tokens"));
    if (llm_usage_take(usage, LLM_CLASS_INPUT,
                       llm_json_get(details, "input_length"))) {
        return 1;
    }
    if (llm_json_is(prefill, LLM_JSON_ARRAY) && prefill->count) {
        llm_usage_set(usage, LLM_CLASS_INPUT, (apr_int64_t)prefill->count);
        return 1;
    }
    return found;
}

llm_finish_e llm_huggingface_finish(const llm_json_t *doc)
{
    static const llm_word_t words[] = {
        {"length", LLM_FINISH_LENGTH},
        {"eos_token", LLM_FINISH_STOP},
        {"stop_sequence", LLM_FINISH_STOP_SEQUENCE},
        {NULL, 0},
    };
    llm_text_t reason =
        llm_json_text(llm_json_get(details_in(doc), "finish_reason"));

    return reason.data
               ? (llm_finish_e)llm_word_value(words, reason, LLM_FINISH_OTHER)
               : LLM_FINISH_NONE;
}

/* ---- stop sequences ---- */

typedef struct stops_t {
    llm_bytes_t plain[STOPS_MAX]; /* decoded */
    int count;
    int own; /* which one is the dialogue's, -1 none */
} stops_t;

static void add_stop(stops_t *stops, llm_bytes_t plain)
{
    if (plain.len && plain.len <= STOP_LEN && stops->count < STOPS_MAX) {
        stops->plain[stops->count++] = plain;
    }
}

static void read_stops(stops_t *stops, const llm_ask_t *ask, apr_pool_t *pool)
{
    const llm_json_t *stop = ask->stop;

    memset(stops, 0, sizeof(*stops));
    if (llm_json_is(stop, LLM_JSON_STRING)) {
        add_stop(stops, llm_text_decode(llm_json_text(stop), pool));
    }
    else if (llm_json_is(stop, LLM_JSON_ARRAY)) {
        for (stop = stop->child; stop; stop = stop->next) {
            if (stop->type == LLM_JSON_STRING) {
                add_stop(stops, llm_text_decode(llm_json_text(stop), pool));
            }
        }
    }
    stops->own = -1;
    if (llm_huggingface_prompt_of(ask).is_dialogue
        && stops->count < LLM_HUGGINGFACE_STOPS_MAX) {
        stops->own = stops->count;
        add_stop(stops, LLM_BYTES_LITERAL(LLM_HUGGINGFACE_STOP));
    }
}

/* Where the first stop sequence begins; text.len where there is none. *which
 * says which one it is. */
static apr_size_t find_stop(const stops_t *stops, llm_bytes_t text, int *which)
{
    apr_size_t at;
    int i;

    for (at = 0; at < text.len; ++at) {
        for (i = 0; i < stops->count; ++i) {
            const llm_bytes_t *stop = &stops->plain[i];

            if (text.len - at >= stop->len && text.data[at] == stop->data[0]
                && !memcmp(text.data + at, stop->data, stop->len)) {
                *which = i;
                return at;
            }
        }
    }
    return text.len;
}

/* How much of the end could be the beginning of a stop sequence. */
static apr_size_t possible_stop(const stops_t *stops, llm_bytes_t text)
{
    apr_size_t best = 0, len;
    int i;

    for (i = 0; i < stops->count; ++i) {
        const llm_bytes_t *stop = &stops->plain[i];

        len = stop->len - 1 < text.len ? stop->len - 1 : text.len;
        for (; len > best; --len) {
            if (!memcmp(text.data + text.len - len, stop->data, len)) {
                best = len;
            }
        }
    }
    return best;
}

/* A client's stop sequence is told to it; ours is simply the end. */
static void tell_stop(llm_finish_e *pfinish, llm_text_t *pstop,
                      const stops_t *stops, int which, apr_pool_t *pool)
{
    if (which < 0 || which == stops->own) {
        *pfinish = LLM_FINISH_STOP;
        *pstop = LLM_TEXT_NONE;
        return;
    }
    *pfinish = LLM_FINISH_STOP_SEQUENCE;
    *pstop = llm_text_escape(stops->plain[which].data, stops->plain[which].len,
                             pool);
}

/* The blank that follows "Assistant:" in a dialogue is none of the answer. */
static llm_text_t without_blanks(llm_text_t text)
{
    while (text.len) {
        apr_size_t blank = *text.data == ' '                              ? 1
                           : text.len > 1 && !memcmp(text.data, "\\n", 2) ? 2
                                                                          : 0;

        if (!blank) {
            break;
        }
        text.data += blank;
        text.len -= blank;
    }
    return text;
}

static int begins_blank(const llm_ask_t *ask)
{
    llm_prompt_t prompt = llm_huggingface_prompt_of(ask);

    return prompt.is_dialogue && !prompt.continues;
}

/* ---- whole answers ---- */

static llm_problem_t *read_text(llm_answer_t *answer, const llm_ask_t *ask,
                                const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *row = row_of(doc);
    llm_text_t text = llm_json_text(llm_json_get(row, "generated_text"));
    llm_choices_t choices = {NULL, NULL};
    llm_parts_t parts = {NULL, NULL};
    llm_choice_t *choice;
    llm_bytes_t plain;
    stops_t stops;
    apr_size_t end;
    int which = -1;

    if (!text.data) {
        return llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                "the provider sent no generated_text");
    }
    choice = llm_choices_add(&choices, 0, pool);
    choice->finish = llm_huggingface_finish(doc);
    read_stops(&stops, ask, pool);
    if (stops.count) {
        plain = llm_text_decode(text, pool);
        end = find_stop(&stops, plain, &which);
        if (end < plain.len) {
            text = llm_text_escape(plain.data, end, pool);
        }
    }
    if (which >= 0 || choice->finish == LLM_FINISH_STOP_SEQUENCE
        || choice->finish == LLM_FINISH_NONE) {
        tell_stop(&choice->finish, &choice->stop_sequence, &stops, which, pool);
    }
    if (begins_blank(ask)) {
        text = without_blanks(text);
    }
    llm_parts_add_text(&parts, LLM_PART_TEXT, text, pool);
    choice->parts = parts.first;
    answer->choices = choices.first;
    return NULL;
}

static int is_vector(const llm_json_t *node)
{
    return llm_json_is(node, LLM_JSON_ARRAY)
           && llm_json_is(node->child, LLM_JSON_NUMBER);
}

static llm_problem_t *read_vectors(llm_answer_t *answer, const llm_json_t *doc,
                                   apr_pool_t *pool)
{
    const llm_json_t *row;
    llm_json_t *array;

    if (is_vector(doc)) { /* of the one string there was */
        array = apr_pcalloc(pool, sizeof(*array));
        array->type = LLM_JSON_ARRAY;
        array->count = 1;
        array->child = apr_pmemdup(pool, doc, sizeof(*doc));
        answer->embeddings = array;
        return NULL;
    }
    row = llm_json_is(doc, LLM_JSON_ARRAY) ? doc->child : NULL;
    while (row && is_vector(row)) {
        row = row->next;
    }
    if (row || !llm_json_is(doc, LLM_JSON_ARRAY) || !doc->count) {
        return llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                "the provider sent no vector for each text: "
                                "the model is not one for embeddings");
    }
    answer->embeddings = doc;
    return NULL;
}

llm_problem_t *llm_huggingface_read_answer(llm_answer_t **panswer,
                                           const llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool)
{
    llm_problem_t *problem = llm_huggingface_problem_in(doc, pool);
    llm_answer_t *answer = llm_answer_make(pool);

    *panswer = answer;
    if (problem) {
        return problem;
    }
    if (ask->op == LLM_OP_EMBED) {
        return read_vectors(answer, doc, pool);
    }
    llm_huggingface_take_details(answer->usage, doc);
    return read_text(answer, ask, doc, pool);
}

/* ---- streams ---- */

struct llm_reader_t {
    const llm_ask_t *ask;
    apr_pool_t *pool;
    stops_t stops;
    llm_buf_t *held;     /* text that may be a stop sequence, plain */
    llm_text_t stop;     /* the one that was met, or none */
    llm_finish_e finish; /* NONE until it is known */
    llm_usage_t usage;
    apr_int64_t tokens; /* seen, special ones too */
    int begun;          /* BEGIN was told */
    int spoke;          /* some text was given out */
    int blank_first;    /* blanks before the text are none of it */
    int stopped;        /* a stop sequence was met: nothing more is text */
    int special_last;   /* the last token was a special one */
    int over;           /* the last event, or a problem */
};

llm_reader_t *llm_huggingface_reader_make(const llm_ask_t *ask,
                                          apr_pool_t *pool)
{
    llm_reader_t *reader = apr_pcalloc(pool, sizeof(*reader));

    reader->ask = ask;
    reader->pool = pool;
    reader->held = llm_buf_make(0, pool);
    reader->blank_first = begins_blank(ask);
    read_stops(&reader->stops, ask, pool);
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

static void send_delta(const sink_t *sink, llm_delta_e kind)
{
    llm_delta_t delta = {.kind = kind};

    delta.usage = &sink->reader->usage;
    delta.finish = sink->reader->finish;
    delta.stop_sequence = sink->reader->stop;
    sink->emit(sink->baton, &delta);
}

static void send_problem(const sink_t *sink, llm_problem_t *problem)
{
    llm_delta_t delta = {.kind = LLM_DELTA_PROBLEM, .problem = problem};

    sink->reader->over = 1;
    sink->emit(sink->baton, &delta);
}

static void send_text(const sink_t *sink, llm_text_t text)
{
    llm_delta_t delta = {.kind = LLM_DELTA_TEXT};

    if (sink->reader->blank_first && !sink->reader->spoke) {
        text = without_blanks(text);
    }
    if (text.len) {
        sink->reader->spoke = 1;
        delta.text = text;
        sink->emit(sink->baton, &delta);
    }
}

/* The first `len` bytes of what is held. */
static void send_held(const sink_t *sink, apr_size_t len)
{
    llm_buf_t *held = sink->reader->held;

    if (len) {
        send_text(sink, llm_text_escape(held->data, len, sink->scratch));
        llm_buf_drop(held, len);
    }
}

static void take_text(const sink_t *sink, llm_text_t text)
{
    llm_reader_t *reader = sink->reader;
    llm_bytes_t held;
    int which = -1;
    apr_size_t end;

    if (reader->stopped) {
        return;
    }
    if (!reader->stops.count) {
        send_text(sink, text);
        return;
    }
    held = llm_text_decode(text, sink->scratch);
    llm_buf_append(reader->held, held.data, held.len);
    held.data = reader->held->data;
    held.len = reader->held->len;
    if (!held.len) {
        return;
    }
    end = find_stop(&reader->stops, held, &which);
    if (which >= 0) {
        tell_stop(&reader->finish, &reader->stop, &reader->stops, which,
                  reader->pool);
        reader->stopped = 1;
        send_held(sink, end);
        llm_buf_clear(reader->held);
        return;
    }
    send_held(sink, held.len - possible_stop(&reader->stops, held));
}

/* Where the server does not say: what can be seen. */
static llm_finish_e guess_finish(const llm_reader_t *reader)
{
    apr_int64_t limit;

    return !reader->special_last
                   && llm_json_int(reader->ask->max_tokens, &limit)
                   && reader->tokens >= limit
               ? LLM_FINISH_LENGTH
               : LLM_FINISH_STOP;
}

static void end_stream(const sink_t *sink, const llm_json_t *doc)
{
    llm_reader_t *reader = sink->reader;

    send_held(sink, reader->held->len);
    if (reader->finish == LLM_FINISH_NONE) {
        reader->finish = llm_huggingface_finish(doc);
    }
    if (reader->finish == LLM_FINISH_NONE) {
        reader->finish = guess_finish(reader);
    }
    llm_huggingface_take_details(&reader->usage, doc);
    send_delta(sink, LLM_DELTA_FINISH);
    if (reader->usage.known) {
        send_delta(sink, LLM_DELTA_USAGE);
    }
    reader->over = 1;
    send_delta(sink, LLM_DELTA_END);
}

static void read_token(const sink_t *sink, const llm_json_t *doc)
{
    const llm_json_t *token = llm_json_want(doc, "token");
    llm_text_t whole = llm_json_text(llm_json_get(doc, "generated_text"));

    if (!sink->reader->begun) {
        sink->reader->begun = 1;
        send_delta(sink, LLM_DELTA_BEGIN);
    }
    if (token) {
        ++sink->reader->tokens;
        sink->reader->special_last =
            llm_json_is_true(llm_json_get(token, "special"));
        if (!sink->reader->special_last) {
            take_text(sink, llm_json_text(llm_json_get(token, "text")));
        }
    }
    else if (whole.data && !sink->reader->tokens) {
        take_text(sink, whole); /* all at once, by a server without tokens */
    }
    if (whole.data) {
        end_stream(sink, doc);
    }
}

void llm_huggingface_read_event(llm_reader_t *reader, const llm_event_t *event,
                                llm_delta_cb *emit, void *baton,
                                apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};
    const llm_json_t *row = row_of(event->doc);
    llm_problem_t *problem;

    if (reader->over || !event->data.len
        || llm_bytes_are(event->data, "[DONE]")) {
        return;
    }
    if (!llm_json_is(row, LLM_JSON_OBJECT)) {
        send_problem(&sink, llm_problem_make(LLM_PROBLEM_UPSTREAM, scratch,
                                             "the provider sent an event that "
                                             "is no JSON object"));
        return;
    }
    problem = llm_huggingface_problem_in(row, scratch);
    if (problem) {
        send_problem(&sink, problem);
        return;
    }
    read_token(&sink, row);
}

void llm_huggingface_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                                void *baton, apr_pool_t *scratch)
{
    sink_t sink = {reader, emit, baton, scratch};

    if (!reader->over) {
        send_problem(&sink,
                     llm_problem_make(LLM_PROBLEM_UPSTREAM, scratch,
                                      "the provider's stream ended in the "
                                      "middle of the answer"));
    }
}
