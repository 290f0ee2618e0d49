/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A streamed answer in OpenAI's form, written from deltas.
 *
 * Whatever deltas come, what is written is, for each choice:
 *
 *   role chunk, (content | refusal | reasoning | tool call)*, finish chunk
 *
 * and then the usage chunk, where the client asked for it, and "[DONE]"; or an
 * error, and nothing after it. The finish chunk waits for the end of the
 * stream, since some servers send text beside or behind their finish_reason.
 * Tool calls are numbered from 0 in the order in which they begin; arguments
 * of a call that never began are not written; a call that got no arguments
 * is completed with "{}".
 *
 * What is kept is a few bytes a choice and a call.
 */
#include "dialect/openai_internal.h"
#include "dialect/tier.h"
#include "dialect/cite.h"

#include <string.h>

#include <apr_strings.h>

#define CHOICES_MAX 128 /* OpenAI's own limit of n */
#define CALLS_MAX   1024

typedef struct call_state_t {
    int source;       /* the provider's number */
    int has_args;     /* some were written */
    llm_buf_t *input; /* of a tool that takes a text: its arguments so far */
} call_state_t;

typedef struct choice_state_t {
    int has_role;              /* its first chunk was written */
    llm_finish_e finish;       /* NONE: not told yet */
    apr_array_header_t *calls; /* of call_state_t; NULL: none yet */
    int thought;               /* number of the thinking block */
    int in_thought;            /* the last delta belonged to it */
    int images;                /* written so far */
    const char *sound;         /* id of the sound; NULL: there was none */
    int is_signed;             /* it has its signature: more opens another */
} choice_state_t;

struct llm_writer_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    const char *exchange; /* id of the exchange: what ids are made of */
    apr_int64_t created;
    const char *head;            /* of every chunk, as far as "choices":[ ; NULL
                              until the first delta */
    apr_array_header_t *choices; /* of choice_state_t, by index */
    llm_usage_t usage;
    const char *tier; /* that serves, or NULL */
    int too_large;    /* a text that is kept is larger than an answer may be */
    int ended;        /* [DONE] or an error was written */
};

llm_writer_t *llm_openai_writer_make(const llm_ask_t *ask, const char *id,
                                     apr_time_t now, apr_pool_t *pool)
{
    llm_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));

    writer->pool = pool;
    writer->ask = ask;
    writer->exchange = id ? id : "";
    writer->created = apr_time_sec(now);
    writer->choices = apr_array_make(pool, 1, sizeof(choice_state_t));
    llm_usage_clear(&writer->usage);
    return writer;
}

/* ---- chunks ---- */

/* All chunks of a stream have the same id, model and time. */
static void make_head(llm_writer_t *writer, const llm_delta_t *delta)
{
    llm_buf_t *out = llm_buf_make(0, writer->pool);
    const char *id =
        delta->id && *delta->id
            ? delta->id
            : apr_pstrcat(writer->pool, "chatcmpl-", writer->exchange, NULL);

    llm_buf_lit(out, "data: {");
    llm_put_string_member(out, "id", id);
    llm_put_string_member(out, "object", "chat.completion.chunk");
    llm_put_int_member(out, "created",
                       delta->created ? delta->created : writer->created);
    llm_put_string_member(out, "model",
                          delta->model && *delta->model ? delta->model
                                                        : writer->ask->model);
    llm_buf_lit(out, ",\"choices\":[");
    llm_buf_putc(out, '\0');
    writer->head = out->data;
}

/* Up to where the delta's members go. */
static void open_chunk(llm_buf_t *out, const llm_writer_t *writer, int choice)
{
    llm_buf_puts(out, writer->head);
    llm_buf_lit(out, "{\"index\":");
    llm_buf_put_int(out, choice);
    llm_buf_lit(out, ",\"delta\":{");
}

/* A provider's JSON inside an event: blanks where it had line ends. */
static void put_one_line(llm_buf_t *out, const llm_json_t *node)
{
    apr_size_t at = out->len;

    llm_json_put(out, node);
    for (; at < out->len; ++at) {
        if (out->data[at] == '\n' || out->data[at] == '\r') {
            out->data[at] = ' ';
        }
    }
}

/* In each chunk from when it is known. */
static void put_tier(llm_buf_t *out, const llm_writer_t *writer)
{
    llm_openai_put_tier(out, writer->tier);
}

static void end_chunk(llm_buf_t *out, const llm_writer_t *writer,
                      const llm_json_t *logprobs, const char *finish)
{
    llm_buf_lit(out, "},\"logprobs\":");
    if (logprobs) {
        put_one_line(out, logprobs);
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_buf_lit(out, ",\"finish_reason\":");
    llm_buf_put_string(out, finish);
    llm_buf_lit(out, "}]");
    if (writer->ask->include_usage) {
        llm_buf_lit(out, ",\"usage\":null");
    }
    put_tier(out, writer);
    llm_buf_lit(out, "}\n\n");
}

static void put_text(llm_buf_t *out, const llm_writer_t *writer,
                     const llm_delta_t *delta, const char *name)
{
    open_chunk(out, writer, delta->choice);
    llm_put_text_member(out, name, delta->text);
    end_chunk(out, writer, delta->logprobs, NULL);
}

static void put_cite(llm_buf_t *out, const llm_writer_t *writer,
                     const llm_delta_t *delta)
{
    open_chunk(out, writer, delta->choice);
    if (llm_openai_annotates(delta->cite)) {
        llm_buf_lit(out, "\"annotations\":[");
        llm_openai_put_annotation(out, delta->cite);
    }
    else {
        llm_buf_lit(out, "\"citations\":[");
        llm_cite_put_form(out, delta->cite);
    }
    llm_buf_putc(out, ']');
    end_chunk(out, writer, NULL, NULL);
}

/* ---- choices ---- */

/* The choice's state, its role chunk written; NULL past the limit. */
static choice_state_t *begin_choice(llm_buf_t *out, llm_writer_t *writer,
                                    int index)
{
    choice_state_t *choice;

    if (index < 0 || index >= CHOICES_MAX) {
        return NULL;
    }
    while (writer->choices->nelts <= index) {
        memset(apr_array_push(writer->choices), 0, sizeof(*choice));
    }
    choice = &APR_ARRAY_IDX(writer->choices, index, choice_state_t);
    if (!choice->has_role) {
        choice->has_role = 1;
        open_chunk(out, writer, index);
        llm_buf_lit(out, "\"role\":\"assistant\",\"content\":\"\"");
        end_chunk(out, writer, NULL, NULL);
    }
    return choice;
}

static void put_thinking(llm_buf_t *out, const llm_writer_t *writer,
                         choice_state_t *choice, const llm_delta_t *delta)
{
    int is_text = delta->kind == LLM_DELTA_THINKING;
    int is_signature = delta->kind == LLM_DELTA_SIGNATURE;

    if (!choice->in_thought || choice->is_signed
        || delta->kind == LLM_DELTA_REDACTED) {
        ++choice->thought;
        choice->is_signed = 0;
    }
    choice->in_thought = is_text || is_signature;
    choice->is_signed = is_signature;
    open_chunk(out, writer, delta->choice);
    if (is_text) {
        llm_put_text_member(out, "reasoning_content", delta->text);
    }
    llm_put_name(out, "reasoning_details");
    llm_buf_putc(out, '[');
    llm_openai_put_detail(
        out, is_text || is_signature ? "reasoning.text" : "reasoning.encrypted",
        choice->thought - 1, is_text ? delta->text : LLM_TEXT_NONE,
        is_signature ? delta->text : LLM_TEXT_NONE,
        is_text || is_signature ? LLM_TEXT_NONE : delta->text);
    llm_buf_putc(out, ']');
    end_chunk(out, writer, NULL, NULL);
}

static void put_image(llm_buf_t *out, const llm_writer_t *writer,
                      choice_state_t *choice, const llm_delta_t *delta)
{
    open_chunk(out, writer, delta->choice);
    llm_buf_lit(out, "\"images\":[");
    llm_openai_put_image(out, choice->images++, delta->media);
    llm_buf_putc(out, ']');
    end_chunk(out, writer, NULL, NULL);
}

/* A piece of sound; none is its end. */
static void put_sound(llm_buf_t *out, const llm_writer_t *writer,
                      choice_state_t *choice, int index, llm_text_t data)
{
    if (!choice->sound) {
        choice->sound =
            llm_call_id_make("audio_", writer->exchange, index, writer->pool);
    }
    open_chunk(out, writer, index);
    llm_openai_put_sound_piece(out, choice->sound, data, writer->created);
    end_chunk(out, writer, NULL, NULL);
}

/* ---- tool calls ---- */

/* Our number of the provider's call, -1 when it did not begin. */
static int number_of(const choice_state_t *choice, int source)
{
    int i = choice->calls ? choice->calls->nelts : 0;

    while (i--
           && APR_ARRAY_IDX(choice->calls, i, call_state_t).source != source) {
    }
    return i;
}

static void put_call(llm_buf_t *out, llm_writer_t *writer,
                     const llm_delta_t *delta, int number, int custom)
{
    const llm_call_t *call = delta->call;
    char seed[16];

    open_chunk(out, writer, delta->choice);
    if (writer->ask->legacy_functions) {
        llm_buf_lit(out, "\"function_call\":{");
        llm_put_needed_text(out, "name", call->name);
        llm_buf_lit(out, ",\"arguments\":\"\"}");
    }
    else {
        const char *id = call->id;

        if (!id || !*id) {
            apr_snprintf(seed, sizeof(seed), "%d", delta->choice);
            id = llm_call_id_make(
                "call_",
                apr_pstrcat(writer->pool, writer->exchange, seed, NULL), number,
                writer->pool);
        }
        llm_buf_lit(out, "\"tool_calls\":[{");
        llm_put_int_member(out, "index", number);
        llm_put_string_member(out, "id", id);
        llm_buf_puts(out, custom ? ",\"type\":\"custom\",\"custom\":{"
                                 : ",\"type\":\"function\",\"function\":{");
        llm_put_needed_text(out, "name", call->name);
        llm_buf_puts(out, custom ? ",\"input\":\"\"}" : ",\"arguments\":\"\"}");
        if (call->signature) {
            llm_buf_lit(out, ",\"extra_content\":{\"google\":{");
            llm_put_string_member(out, "thought_signature", call->signature);
            llm_buf_lit(out, "}}");
        }
        llm_buf_lit(out, "}]");
    }
    end_chunk(out, writer, NULL, NULL);
}

static void begin_call(llm_buf_t *out, llm_writer_t *writer,
                       choice_state_t *choice, const llm_delta_t *delta)
{
    call_state_t *call;

    if (!choice->calls) {
        choice->calls = apr_array_make(writer->pool, 4, sizeof(*call));
    }
    if (!delta->call || choice->calls->nelts >= CALLS_MAX
        || number_of(choice, delta->call_index) >= 0
        || (writer->ask->legacy_functions && choice->calls->nelts)) {
        return;
    }
    call = apr_array_push(choice->calls);
    call->source = delta->call_index;
    call->has_args = 0;
    call->input = NULL;
    if (llm_openai_is_custom(writer->ask, delta->call->name, writer->pool)) {
        call->input = llm_buf_make(writer->ask->answer_limit, writer->pool);
    }
    put_call(out, writer, delta, choice->calls->nelts - 1, call->input != NULL);
}

static void put_args(llm_buf_t *out, const llm_writer_t *writer, int choice,
                     int number, llm_text_t text)
{
    open_chunk(out, writer, choice);
    if (writer->ask->legacy_functions) {
        llm_buf_lit(out, "\"function_call\":{");
        llm_put_text_member(out, "arguments", text);
        llm_buf_putc(out, '}');
    }
    else {
        llm_buf_lit(out, "\"tool_calls\":[{");
        llm_put_int_member(out, "index", number);
        llm_buf_lit(out, ",\"function\":{");
        llm_put_text_member(out, "arguments", text);
        llm_buf_lit(out, "}}]");
    }
    end_chunk(out, writer, NULL, NULL);
}

static void take_args(llm_buf_t *out, llm_writer_t *writer,
                      choice_state_t *choice, const llm_delta_t *delta)
{
    int number = number_of(choice, delta->call_index);

    call_state_t *call;

    if (number < 0 || !delta->text.len) {
        return;
    }
    call = &APR_ARRAY_IDX(choice->calls, number, call_state_t);
    call->has_args = 1;
    if (!call->input) {
        put_args(out, writer, delta->choice, number, delta->text);
        return;
    }
    llm_buf_append(call->input, delta->text.data, delta->text.len);
    writer->too_large |= call->input->overflow;
}

/* The text of a call, which is known when its arguments are whole. */
static void put_input(llm_buf_t *out, const llm_writer_t *writer, int choice,
                      int number, llm_buf_t *input)
{
    llm_openai_settle_input(input, writer->pool);
    open_chunk(out, writer, choice);
    llm_buf_lit(out, "\"tool_calls\":[{");
    llm_put_int_member(out, "index", number);
    llm_buf_lit(out, ",\"custom\":{");
    llm_put_text_member(out, "input", (llm_text_t){input->data, input->len});
    llm_buf_lit(out, "}}]");
    end_chunk(out, writer, NULL, NULL);
}

/* ---- the end ---- */

static void end_choice(llm_buf_t *out, llm_writer_t *writer, int index)
{
    choice_state_t *choice = begin_choice(out, writer, index);
    int count = choice->calls ? choice->calls->nelts : 0, i;
    llm_finish_e finish = choice->finish;
    const char *name;

    if (choice->sound) {
        put_sound(out, writer, choice, index, LLM_TEXT_NONE);
    }
    for (i = 0; i < count; ++i) {
        const call_state_t *call =
            &APR_ARRAY_IDX(choice->calls, i, call_state_t);

        if (call->input && call->has_args) {
            put_input(out, writer, index, i, call->input);
        }
        else if (!call->has_args && !call->input) {
            put_args(out, writer, index, i, LLM_TEXT_LITERAL("{}"));
        }
    }
    if (finish == LLM_FINISH_NONE || finish == LLM_FINISH_OTHER) {
        finish = count ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_STOP;
    }
    name = llm_openai_finish_name(finish);
    if (writer->ask->legacy_functions && finish == LLM_FINISH_TOOL_CALLS) {
        name = "function_call";
    }
    open_chunk(out, writer, index);
    end_chunk(out, writer, NULL, name);
}

static void end_stream(llm_buf_t *out, llm_writer_t *writer)
{
    int i;

    begin_choice(out, writer, 0);
    for (i = 0; i < writer->choices->nelts; ++i) {
        end_choice(out, writer, i);
    }
    if (writer->ask->include_usage
        && (writer->usage.known | writer->usage.estimated)) {
        llm_buf_puts(out, writer->head);
        llm_buf_lit(out, "],\"usage\":");
        llm_openai_put_usage(out, &writer->usage, LLM_OP_CHAT);
        put_tier(out, writer);
        llm_buf_lit(out, "}\n\n");
    }
    llm_buf_lit(out, "data: [DONE]\n\n");
    writer->ended = 1;
}

/* ---- deltas ---- */

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    choice_state_t *choice = begin_choice(out, writer, delta->choice);

    if (!choice) {
        return;
    }
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
        if (llm_openai_is_image(delta->media)) {
            put_image(out, writer, choice, delta);
        }
        else if (llm_openai_is_sound(writer->ask, delta->media, writer->pool)) {
            put_sound(out, writer, choice, delta->choice, delta->media->base64);
        }
        else if (delta->text.len || delta->logprobs) {
            put_text(out, writer, delta, "content");
        }
        break;
    case LLM_DELTA_REFUSAL:
        if (delta->text.len) {
            put_text(out, writer, delta, "refusal");
        }
        break;
    case LLM_DELTA_CITE:
        put_cite(out, writer, delta);
        break;
    case LLM_DELTA_THINKING:
    case LLM_DELTA_SIGNATURE:
    case LLM_DELTA_REDACTED:
        if (delta->text.len) {
            put_thinking(out, writer, choice, delta);
        }
        return; /* still thinking */
    case LLM_DELTA_CALL:
        begin_call(out, writer, choice, delta);
        break;
    case LLM_DELTA_ARGS:
        take_args(out, writer, choice, delta);
        break;
    case LLM_DELTA_FINISH:
        choice->finish = delta->finish;
        break;
    default:
        break;
    }
    choice->in_thought = 0;
}

void llm_openai_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta)
{
    if (writer->ended) {
        return;
    }
    llm_tier_note(&writer->tier, delta, llm_tiers_openai);
    if (delta->kind == LLM_DELTA_PROBLEM) {
        llm_openai_write_stream_problem(out, delta->problem, NULL);
        writer->ended = 1;
        return;
    }
    if (delta->kind == LLM_DELTA_USAGE) { /* may be told before the beginning */
        llm_usage_merge(&writer->usage, delta->usage);
        return;
    }
    if (!writer->head) {
        make_head(writer, delta);
    }
    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
        begin_choice(out, writer, 0);
        break;
    case LLM_DELTA_END:
        end_stream(out, writer);
        break;
    default:
        write_content(out, writer, delta);
        break;
    }
    if (writer->too_large && !writer->ended) {
        llm_openai_write_stream_problem(
            out,
            llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool,
                             "the provider's answer is too large"),
            NULL);
        writer->ended = 1;
    }
}
