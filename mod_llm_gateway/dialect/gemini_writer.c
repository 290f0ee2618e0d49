/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer in Gemini's form, written from deltas.
 *
 * Each event is an answer of its own that holds the next part. Whatever deltas
 * come, what is written is, for each candidate:
 *
 *   (text | thought | calls)*, and in the last event its finishReason
 *
 * or an error, and nothing after it. The finish waits for the end of the
 * stream: some servers send text beside or behind it, and most count last.
 * usageMetadata is in each event as far as it is known.
 *
 * There are no partial arguments here: a candidate's calls are kept until
 * something else comes, or the end, and go out as the parts of one event, the
 * way Gemini sends them. What is kept is bounded; more ends in an error.
 *
 * Events are server-sent events with Google's line ends, or, for a client that
 * did not ask for these, the elements of one array, each written as it comes.
 */
#include "dialect/gemini_internal.h"
#include "dialect/tier.h"

#include <string.h>

#include <apr_strings.h>

#define CHOICES_MAX 64
#define CALLS_MAX   1024
#define ARGS_MAX    16777216 /* of all calls that are kept */

typedef struct kept_call_t {
    int source; /* the provider's number */
    const char *id, *signature;
    llm_text_t name;
    llm_buf_t *args; /* escaped text */
} kept_call_t;

typedef struct choice_state_t {
    int is_known;             /* something came */
    int refused;              /* there was a refusal */
    llm_finish_e finish;      /* NONE: not told yet */
    int calls;                /* written */
    apr_array_header_t *kept; /* of kept_call_t; NULL: none */
    apr_pool_t *pool;         /* of these */
    llm_ruler_t texts;        /* written */
    llm_grounding_t grounding;
} choice_state_t;

struct llm_writer_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    const char *exchange;   /* id of the exchange */
    const char *id, *model; /* the provider's, or NULL */
    llm_usage_t usage;
    const char *tier;        /* that serves, or NULL */
    choice_state_t *choices; /* CHOICES_MAX */
    int count;               /* the highest index seen, and one */
    apr_size_t kept;         /* bytes of arguments */
    int elements;            /* of the array; -1: it has ended */
    int ended;
};

llm_writer_t *llm_gemini_writer_make(const llm_ask_t *ask, const char *id,
                                     apr_time_t now, apr_pool_t *pool)
{
    llm_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));

    (void)now;
    writer->pool = pool;
    writer->ask = ask;
    writer->exchange = id ? id : "";
    writer->choices = apr_pcalloc(pool, CHOICES_MAX * sizeof(choice_state_t));
    llm_usage_clear(&writer->usage);
    return writer;
}

/* ---- events ---- */

static void open_event(llm_buf_t *out, llm_writer_t *writer)
{
    if (writer->ask->as_array) {
        llm_put_element(out, &writer->elements);
    }
    else {
        llm_buf_lit(out, "data: ");
    }
}

static void close_event(llm_buf_t *out, const llm_writer_t *writer)
{
    if (!writer->ask->as_array) {
        llm_buf_lit(out, "\r\n\r\n");
    }
}

/* As far as the parts of the candidate. */
static void open_candidate(llm_buf_t *out)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"content\":{\"parts\":[");
}

static void close_candidate(llm_buf_t *out, int choice, const char *finish)
{
    llm_buf_lit(out, "],\"role\":\"model\"}");
    llm_put_string_member(out, "finishReason", finish);
    llm_put_int_member(out, "index", choice);
}

/* All events of a stream have the same id and model. */
static void open_chunk(llm_buf_t *out, llm_writer_t *writer)
{
    if (!writer->id) {
        writer->id = writer->exchange;
    }
    if (!writer->model) {
        writer->model = writer->ask->model;
    }
    open_event(out, writer);
    llm_buf_lit(out, "{\"candidates\":[");
}

static void close_chunk(llm_buf_t *out, const llm_writer_t *writer)
{
    llm_buf_putc(out, ']');
    llm_gemini_put_usage(out, &writer->usage, writer->tier);
    llm_put_string_member(out, "modelVersion", writer->model);
    llm_put_string_member(out, "responseId", writer->id);
    llm_buf_putc(out, '}');
    close_event(out, writer);
}

static void fail(llm_buf_t *out, llm_writer_t *writer,
                 const llm_problem_t *problem)
{
    if (writer->ask->as_array) {
        llm_put_element(out, &writer->elements);
        llm_gemini_write_problem(out, problem, writer->exchange);
        llm_put_last_element(out, &writer->elements);
    }
    else {
        llm_gemini_write_stream_problem(out, problem, writer->exchange);
    }
    writer->ended = 1;
}

/* ---- calls ---- */

static void write_calls(llm_buf_t *out, llm_writer_t *writer,
                        choice_state_t *choice)
{
    int i;

    for (i = 0; i < choice->kept->nelts; ++i) {
        const kept_call_t *kept = &APR_ARRAY_IDX(choice->kept, i, kept_call_t);
        llm_text_t text = {kept->args->data ? kept->args->data : "",
                           kept->args->len};
        llm_call_t call = {
            .id = kept->id, .name = kept->name, .signature = kept->signature};

        llm_args_from_text(&call.args, text, choice->pool);
        llm_gemini_put_call(out, &call);
        writer->kept -= kept->args->len;
        ++choice->calls;
    }
}

static void flush_calls(llm_buf_t *out, llm_writer_t *writer, int index)
{
    choice_state_t *choice = &writer->choices[index];

    if (!choice->kept) {
        return;
    }
    open_chunk(out, writer);
    open_candidate(out);
    write_calls(out, writer, choice);
    close_candidate(out, index, NULL);
    llm_buf_putc(out, '}');
    close_chunk(out, writer);
    choice->kept = NULL;
    apr_pool_destroy(choice->pool);
}

static kept_call_t *find_call(const choice_state_t *choice, int source)
{
    int i;

    for (i = choice->kept ? choice->kept->nelts : 0; i-- > 0;) {
        kept_call_t *kept = &APR_ARRAY_IDX(choice->kept, i, kept_call_t);

        if (kept->source == source) {
            return kept;
        }
    }
    return NULL;
}

static void keep_call(llm_buf_t *out, llm_writer_t *writer,
                      const llm_delta_t *delta)
{
    choice_state_t *choice = &writer->choices[delta->choice];
    const llm_call_t *call = delta->call;
    kept_call_t *kept;

    if (!call || find_call(choice, delta->call_index)) {
        return;
    }
    if (!choice->kept) {
        apr_pool_create(&choice->pool, writer->pool);
        choice->kept = apr_array_make(choice->pool, 2, sizeof(kept_call_t));
    }
    if (choice->kept->nelts >= CALLS_MAX) {
        fail(out, writer,
             llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                              "the provider makes too many tool calls"));
        return;
    }
    kept = apr_array_push(choice->kept);
    kept->source = delta->call_index;
    kept->id =
        call->id && *call->id ? apr_pstrdup(choice->pool, call->id) : NULL;
    kept->signature = apr_pstrdup(choice->pool, call->signature);
    kept->name.len = call->name.len;
    kept->name.data = apr_pstrmemdup(
        choice->pool, call->name.data ? call->name.data : "", call->name.len);
    kept->args = llm_buf_make(0, choice->pool);
}

/* Arguments of a call that is written already, or never began, would make of
 * it what the model did not say. */
static void keep_args(llm_buf_t *out, llm_writer_t *writer,
                      const llm_delta_t *delta)
{
    kept_call_t *kept =
        find_call(&writer->choices[delta->choice], delta->call_index);

    if (!delta->text.len) {
        return;
    }
    if (kept && writer->kept + delta->text.len <= ARGS_MAX) {
        llm_buf_append(kept->args, delta->text.data, delta->text.len);
        writer->kept += delta->text.len;
        return;
    }
    fail(out, writer,
         llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                          kept ? "the arguments of a tool call are too long"
                               : "the provider mixes the arguments of several "
                                 "tool calls"));
}

/* ---- text ---- */

static void write_text(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta, int thought)
{
    /* what a call's tokens weighed has no place */
    if (!delta->text.len
        && (!delta->logprobs || writer->choices[delta->choice].kept)) {
        return;
    }
    flush_calls(out, writer, delta->choice);
    if (delta->kind == LLM_DELTA_TEXT) {
        llm_ruler_t *texts = &writer->choices[delta->choice].texts;

        texts->pool = writer->pool;
        llm_ruler_add(texts, delta->text);
    }
    open_chunk(out, writer);
    open_candidate(out);
    llm_buf_putc(out, '{');
    llm_put_needed_text(out, "text", delta->text);
    if (thought) {
        llm_put_raw_member(out, "thought", "true");
    }
    llm_buf_putc(out, '}');
    close_candidate(out, delta->choice, NULL);
    if (delta->logprobs) {
        llm_gemini_put_logprobs(out, delta->logprobs);
    }
    llm_buf_putc(out, '}');
    close_chunk(out, writer);
}

static void write_shown(llm_buf_t *out, llm_writer_t *writer,
                        const llm_delta_t *delta)
{
    flush_calls(out, writer, delta->choice);
    open_chunk(out, writer);
    open_candidate(out);
    llm_gemini_put_shown(out, delta->media);
    close_candidate(out, delta->choice, NULL);
    llm_buf_putc(out, '}');
    close_chunk(out, writer);
}

/* Segments are counted in bytes. */
static void keep_cite(llm_writer_t *writer, choice_state_t *choice,
                      const llm_cite_t *cite)
{
    llm_gemini_ground(&choice->grounding, cite,
                      llm_ruler_byte(&choice->texts, cite->start),
                      llm_ruler_byte(&choice->texts, cite->end), writer->pool);
}

/* A thought without text that holds what another provider wants back. */
static void write_opaque(llm_buf_t *out, llm_writer_t *writer,
                         const llm_delta_t *delta, char kind)
{
    apr_pool_t *pool;

    if (!delta->text.len) {
        return;
    }
    flush_calls(out, writer, delta->choice);
    apr_pool_create(&pool, writer->pool);
    open_chunk(out, writer);
    open_candidate(out);
    llm_buf_lit(out, "{\"text\":\"\",\"thought\":true");
    llm_put_text_member(out, "thoughtSignature",
                        llm_gemini_wrap(kind, delta->text, pool));
    llm_buf_putc(out, '}');
    close_candidate(out, delta->choice, NULL);
    llm_buf_putc(out, '}');
    close_chunk(out, writer);
    apr_pool_destroy(pool);
}

/* ---- the end ---- */

static llm_finish_e finish_of(const choice_state_t *choice)
{
    llm_finish_e finish =
        choice->finish == LLM_FINISH_NONE ? LLM_FINISH_STOP : choice->finish;

    if (choice->refused && finish == LLM_FINISH_STOP) {
        return LLM_FINISH_FILTERED;
    }
    return choice->calls && finish == LLM_FINISH_OTHER ? LLM_FINISH_STOP
                                                       : finish;
}

/* The last event: why each candidate ended. A text, since clients look for
 * parts in each event. */
static void end_stream(llm_buf_t *out, llm_writer_t *writer)
{
    int i;

    writer->choices[0].is_known |= !writer->count;
    writer->count += !writer->count;
    for (i = 0; i < writer->count; ++i) {
        flush_calls(out, writer, i);
    }
    open_chunk(out, writer);
    for (i = 0; i < writer->count; ++i) {
        if (writer->choices[i].is_known) {
            open_candidate(out);
            llm_buf_lit(out, "{\"text\":\"\"}");
            close_candidate(
                out, i, llm_gemini_finish_name(finish_of(&writer->choices[i])));
            llm_gemini_put_grounding(out, &writer->choices[i].grounding);
            llm_buf_putc(out, '}');
        }
    }
    close_chunk(out, writer);
    if (writer->ask->as_array) {
        llm_put_last_element(out, &writer->elements);
    }
    writer->ended = 1;
}

/* ---- deltas ---- */

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    choice_state_t *choice = &writer->choices[delta->choice];
    int shown = !writer->ask->hide_thoughts;

    choice->is_known = 1;
    if (delta->choice >= writer->count) {
        writer->count = delta->choice + 1;
    }
    switch (delta->kind) {
    case LLM_DELTA_REFUSAL:
        choice->refused = 1;
        write_text(out, writer, delta, 0);
        break;
    case LLM_DELTA_TEXT:
        if (delta->media && delta->media->base64.data) {
            write_shown(out, writer, delta);
            break;
        }
        write_text(out, writer, delta, 0);
        break;
    case LLM_DELTA_CITE:
        keep_cite(writer, choice, delta->cite);
        break;
    case LLM_DELTA_THINKING:
        if (shown) {
            write_text(out, writer, delta, 1);
        }
        break;
    case LLM_DELTA_SIGNATURE:
    case LLM_DELTA_REDACTED:
        if (shown) {
            write_opaque(out, writer, delta,
                         delta->kind == LLM_DELTA_REDACTED ? 'r' : 's');
        }
        break;
    case LLM_DELTA_CALL:
        keep_call(out, writer, delta);
        break;
    case LLM_DELTA_ARGS:
        keep_args(out, writer, delta);
        break;
    default:
        choice->finish = delta->finish;
        break;
    }
}

static void take_begin(llm_writer_t *writer, const llm_delta_t *delta)
{
    if (!writer->id && delta->id && *delta->id) {
        writer->id = apr_pstrdup(writer->pool, delta->id);
    }
    if (!writer->model && delta->model && *delta->model) {
        writer->model = apr_pstrdup(writer->pool, delta->model);
    }
}

void llm_gemini_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta)
{
    if (writer->ended || delta->choice < 0 || delta->choice >= CHOICES_MAX) {
        return;
    }
    llm_tier_note(&writer->tier, delta, llm_tiers_gemini);
    switch (delta->kind) {
    case LLM_DELTA_USAGE:
        llm_usage_merge(&writer->usage, delta->usage);
        break;
    case LLM_DELTA_PROBLEM:
        fail(out, writer, delta->problem);
        break;
    case LLM_DELTA_BEGIN:
        take_begin(writer, delta);
        break;
    case LLM_DELTA_END:
        end_stream(out, writer);
        break;
    default:
        write_content(out, writer, delta);
        break;
    }
}
