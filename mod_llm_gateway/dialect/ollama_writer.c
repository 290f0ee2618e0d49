/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers in Ollama's form, whole and streamed, and what its clients ask
 * besides: embeddings, the list of models, errors.
 *
 * A streamed answer is lines, each a document of its own:
 *
 *   (text | thinking | calls)*, and a last one that says `done`
 *
 * or an error, and nothing after it. Why it ended waits for the end of the
 * stream, since most servers count last. Clients read every line: there are
 * no empty ones, and no signs of life. Calls go out whole; they are kept until
 * something else comes.
 *
 * Ollama has no place for signatures, for hidden thinking, for several
 * answers, and for where counts come from: only their sums are told.
 */
#include "dialect/ollama_internal.h"

#include <apr_strings.h>

#include "core/llm_time.h"
#include "dialect/cite.h"
#include "dialect/kept_calls.h"

/* ---- what both forms have ---- */

static const char *finish_name(llm_finish_e finish)
{
    switch (finish) {
    case LLM_FINISH_LENGTH:
    case LLM_FINISH_PAUSE: /* the client may ask on */
        return "length";
    case LLM_FINISH_FILTERED:
        return LLM_OLLAMA_FILTERED;
    default:
        return "stop";
    }
}

static void put_head(llm_buf_t *out, const char *model, const char *created)
{
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    llm_put_string_member(out, "created_at", created);
}

/* A message that is open as far as its calls, or, for a prompt, the members
 * themselves. */
static void open_said(llm_buf_t *out, const llm_ask_t *ask)
{
    if (!ask->prompt) {
        llm_put_name(out, "message");
        llm_buf_lit(out, "{\"role\":\"assistant\"");
    }
}

static void close_said(llm_buf_t *out, const llm_ask_t *ask)
{
    if (!ask->prompt) {
        llm_buf_putc(out, '}');
    }
}

static void open_text(llm_buf_t *out, const llm_ask_t *ask)
{
    llm_put_name(out, ask->prompt ? "response" : "content");
    llm_buf_putc(out, '"');
}

static void put_call(void *baton, const llm_call_t *call, int number)
{
    llm_buf_t *out = baton;

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", call->id);
    llm_put_name(out, "function");
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "index", number);
    llm_put_needed_text(out, "name", call->name);
    llm_put_name(out, "arguments");
    llm_put_one_line(out, call->args);
    llm_buf_lit(out, "}}");
}

static void put_logprobs(llm_buf_t *out, const llm_json_t *logprobs)
{
    const llm_json_t *list = llm_json_want(logprobs, "content");

    if (llm_json_is(list, LLM_JSON_ARRAY)) {
        llm_put_name(out, "logprobs");
        llm_put_one_line(out, list->raw);
    }
}

/* In nanoseconds; `first` is when the first piece came, 0: unknown. */
static void put_times(llm_buf_t *out, const llm_ask_t *ask, apr_time_t first)
{
    apr_time_t now = ask->clock ? *ask->clock : 0;

    if (!ask->began || now < ask->began) {
        return;
    }
    if (first < ask->began || first > now) {
        first = ask->began;
    }
    llm_put_int_member(out, "total_duration", (now - ask->began) * 1000);
    llm_put_int_member(out, "load_duration", 0);
    llm_put_int_member(out, "prompt_eval_duration",
                       (first - ask->began) * 1000);
    llm_put_int_member(out, "eval_duration", (now - first) * 1000);
}

static void put_counts(llm_buf_t *out, const llm_usage_t *usage)
{
    if (usage->known & ~(1u << LLM_CLASS_OUTPUT)) {
        llm_put_int_member(out, "prompt_eval_count", llm_usage_input(usage));
    }
    if (llm_usage_is_known(usage, LLM_CLASS_OUTPUT)) {
        llm_put_int_member(out, "eval_count", llm_usage_output(usage));
    }
}

static void put_done(llm_buf_t *out, const llm_ask_t *ask, llm_finish_e finish,
                     const llm_usage_t *usage, apr_time_t first)
{
    llm_put_raw_member(out, "done", "true");
    llm_put_string_member(out, "done_reason", finish_name(finish));
    put_times(out, ask, first);
    put_counts(out, usage);
    llm_buf_putc(out, '}');
}

/* ---- whole answers ---- */

static int is_text(const llm_part_t *part)
{
    return part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL;
}

static void put_parts(llm_buf_t *out, const llm_ask_t *ask,
                      const llm_part_t *parts)
{
    const llm_part_t *part;
    int calls = 0;

    open_text(out, ask);
    for (part = parts; part; part = part->next) {
        if (is_text(part)) {
            llm_buf_append(out, part->text.data, part->text.len);
        }
    }
    llm_buf_putc(out, '"');
    if (llm_parts_have(parts, LLM_PART_THINKING)) {
        llm_buf_lit(out, ",\"thinking\":\"");
        for (part = parts; part; part = part->next) {
            if (part->kind == LLM_PART_THINKING) {
                llm_buf_append(out, part->text.data, part->text.len);
            }
        }
        llm_buf_putc(out, '"');
    }
    for (part = parts; part; part = part->next) {
        if (part->kind == LLM_PART_TOOL_CALL) {
            llm_buf_puts(out, calls ? "" : ",\"tool_calls\":[");
            put_call(out, part->call, calls++);
        }
    }
    llm_buf_puts(out, calls ? "]" : "");
    llm_cites_put_forms(out, parts, NULL);
}

static void write_chat(llm_buf_t *out, const llm_ask_t *ask,
                       const llm_answer_t *answer, apr_pool_t *pool)
{
    const llm_choice_t *choice = answer->choices;
    llm_finish_e finish = choice ? choice->finish : LLM_FINISH_STOP;

    put_head(out, answer->model ? answer->model : ask->model,
             llm_time_print(apr_time_from_sec(answer->created), pool));
    open_said(out, ask);
    put_parts(out, ask, choice ? choice->parts : NULL);
    close_said(out, ask);
    put_logprobs(out, choice ? choice->logprobs : NULL);
    if (choice && finish == LLM_FINISH_STOP
        && llm_parts_have(choice->parts, LLM_PART_REFUSAL)) {
        finish = LLM_FINISH_FILTERED;
    }
    put_done(out, ask, finish, answer->usage, 0);
}

/* The older API has one vector, and nothing else. */
static void write_embeddings(llm_buf_t *out, const llm_ask_t *ask,
                             const llm_answer_t *answer)
{
    if (ask->prompt) {
        const llm_json_t *vector = llm_json_at(answer->embeddings, 0);

        llm_buf_lit(out, "{\"embedding\":");
        llm_buf_puts(out, vector ? "" : "[]");
        if (vector) {
            llm_json_put(out, vector);
        }
        llm_buf_putc(out, '}');
        return;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model",
                          answer->model ? answer->model : ask->model);
    llm_put_name(out, "embeddings");
    llm_put_vectors(out, answer->embeddings);
    if (ask->clock && ask->began && *ask->clock >= ask->began) {
        llm_put_int_member(out, "total_duration",
                           (*ask->clock - ask->began) * 1000);
        llm_put_int_member(out, "load_duration", 0);
    }
    put_counts(out, answer->usage);
    llm_buf_putc(out, '}');
}

void llm_ollama_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool)
{
    if (ask->op == LLM_OP_EMBED) {
        write_embeddings(out, ask, answer);
    }
    else {
        write_chat(out, ask, answer, pool);
    }
}

/* ---- streams ---- */

struct llm_writer_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    const char *model, *created; /* alike in all lines */
    llm_usage_t usage;
    llm_kept_calls_t *calls;
    llm_finish_e finish; /* NONE: not told yet */
    int refused;         /* there was a refusal */
    apr_time_t first;    /* when the first piece came; 0: not yet, or unknown */
    int began;           /* a line was written: the model's name stays */
    int ended;
};

llm_writer_t *llm_ollama_writer_make(const llm_ask_t *ask, const char *id,
                                     apr_time_t now, apr_pool_t *pool)
{
    llm_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));

    (void)id; /* answers have none */
    writer->pool = pool;
    writer->ask = ask;
    writer->model = ask->model;
    writer->created = llm_time_print(now, pool);
    writer->calls = llm_kept_calls_make(pool);
    llm_usage_clear(&writer->usage);
    return writer;
}

static void open_line(llm_buf_t *out, llm_writer_t *writer)
{
    writer->began = 1;
    put_head(out, writer->model, writer->created);
    open_said(out, writer->ask);
}

static void close_line(llm_buf_t *out)
{
    llm_put_raw_member(out, "done", "false");
    llm_buf_lit(out, "}\n");
}

static void fail(llm_buf_t *out, llm_writer_t *writer,
                 const llm_problem_t *problem)
{
    llm_ollama_write_stream_problem(out, problem, NULL);
    writer->ended = 1;
}

static void flush_calls(llm_buf_t *out, llm_writer_t *writer)
{
    if (!llm_kept_calls_count(writer->calls)) {
        return;
    }
    open_line(out, writer);
    open_text(out, writer->ask);
    llm_buf_lit(out, "\",\"tool_calls\":[");
    llm_kept_calls_take(writer->calls, put_call, out);
    llm_buf_putc(out, ']');
    close_said(out, writer->ask);
    close_line(out);
}

static void write_text(llm_buf_t *out, llm_writer_t *writer,
                       const llm_delta_t *delta)
{
    int thought = delta->kind == LLM_DELTA_THINKING;

    if (!delta->text.len && !delta->logprobs) {
        return;
    }
    flush_calls(out, writer);
    open_line(out, writer);
    open_text(out, writer->ask);
    if (!thought) {
        llm_buf_append(out, delta->text.data, delta->text.len);
    }
    llm_buf_putc(out, '"');
    if (thought) {
        llm_put_text_member(out, "thinking", delta->text);
    }
    close_said(out, writer->ask);
    put_logprobs(out, delta->logprobs);
    close_line(out);
}

/* The form of cite_form.c; nothing of its own has a place for it. */
static void write_cite(llm_buf_t *out, llm_writer_t *writer,
                       const llm_cite_t *cite)
{
    open_line(out, writer);
    open_text(out, writer->ask);
    llm_buf_lit(out, "\",\"citations\":[");
    llm_cite_put_form(out, cite);
    llm_buf_putc(out, ']');
    close_said(out, writer->ask);
    close_line(out);
}

static void end_stream(llm_buf_t *out, llm_writer_t *writer)
{
    llm_finish_e finish = writer->finish;

    flush_calls(out, writer);
    if (writer->refused
        && (finish == LLM_FINISH_STOP || finish == LLM_FINISH_NONE)) {
        finish = LLM_FINISH_FILTERED;
    }
    open_line(out, writer);
    open_text(out, writer->ask);
    llm_buf_putc(out, '"');
    close_said(out, writer->ask);
    put_done(out, writer->ask, finish, &writer->usage, writer->first);
    llm_buf_putc(out, '\n');
    writer->ended = 1;
}

static void take_begin(llm_writer_t *writer, const llm_delta_t *delta)
{
    if (!writer->began && delta->model && *delta->model) {
        writer->model = apr_pstrdup(writer->pool, delta->model);
        writer->began = 1;
    }
}

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    const char *wrong;

    if (!writer->first && writer->ask->clock) {
        writer->first = *writer->ask->clock;
    }
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
    case LLM_DELTA_THINKING:
    case LLM_DELTA_REFUSAL:
        writer->refused |= delta->kind == LLM_DELTA_REFUSAL;
        write_text(out, writer, delta);
        break;
    case LLM_DELTA_CITE:
        write_cite(out, writer, delta->cite);
        break;
    case LLM_DELTA_CALL:
    case LLM_DELTA_ARGS:
        wrong = llm_kept_calls_add(writer->calls, delta);
        if (wrong) {
            fail(out, writer,
                 llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool, "%s",
                                  wrong));
        }
        break;
    case LLM_DELTA_FINISH:
        writer->finish = delta->finish;
        break;
    default: /* what was signed or hidden */
        break;
    }
}

void llm_ollama_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta)
{
    if (writer->ended || delta->choice) {
        return;
    }
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

/* ---- errors ---- */

void llm_ollama_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id)
{
    (void)request_id; /* in the x-request-id header */
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "error", problem->message);
    llm_buf_putc(out, '}');
}

void llm_ollama_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id)
{
    llm_ollama_write_problem(out, problem, request_id);
    llm_buf_putc(out, '\n');
}

int llm_ollama_is_problem(const llm_json_t *doc)
{
    return llm_json_is(llm_json_get(doc, "error"), LLM_JSON_STRING);
}

/* ---- models ---- */

/* What a server knows of its files; here nothing is known of them. */
static const char details[] =
    "{\"parent_model\":\"\",\"format\":\"\",\"family\":\"\",\"families\":null,"
    "\"parameter_size\":\"\",\"quantization_level\":\"\"}";

void llm_ollama_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool)
{
    const char *when = llm_time_print(now, pool);
    int i;

    llm_buf_lit(out, "{\"models\":[");
    for (i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        llm_put_comma(out);
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "name", name);
        llm_put_string_member(out, "model", name);
        llm_put_string_member(out, "modified_at", when);
        llm_put_int_member(out, "size", 0);
        llm_put_string_member(out, "digest", "");
        llm_put_raw_member(out, "details", details);
        llm_buf_putc(out, '}');
    }
    llm_buf_lit(out, "]}");
}

/* /api/show. What the gateway carries to a model; whether it has it, its
 * provider tells when it is asked. */
void llm_ollama_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool)
{
    (void)name;
    llm_buf_lit(out, "{\"modelfile\":\"\",\"parameters\":\"\","
                     "\"template\":\"\"");
    llm_put_raw_member(out, "details", details);
    llm_put_raw_member(out, "model_info", "{}");
    llm_put_raw_member(out, "capabilities", "[\"completion\",\"tools\"]");
    llm_put_string_member(out, "modified_at", llm_time_print(now, pool));
    llm_buf_putc(out, '}');
}
