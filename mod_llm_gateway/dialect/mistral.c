/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mistral's clients. They call OpenAI's paths with OpenAI's bodies, and read
 * answers of a form of their own, more strictly than others: a streamed call
 * comes whole, since each piece needs a name there; the last chunk has the
 * usage, asked for or not; thinking is a chunk of the content,
 *
 *   {"type":"thinking","thinking":[{"type":"text","text"}],"signature"}
 *
 * errors are flat, and models have capabilities. What is read is OpenAI's
 * (openai_client.c), whose reader takes Mistral's parts, and a few members
 * more. Mistral's own servers get the bytes: they are providers of the
 * dialect "openai" that are known by their address (llm_openai_also).
 *
 * A stream is, for each choice, a chunk with the role, its content, its calls,
 * and a chunk with its finish, which waits for the stream's end; "[DONE]". Or
 * an error, and nothing after it. Calls are kept until they are whole.
 * Hidden thinking has no place. What an answer is taken from is a member
 * `citations` of the message or delta, in the form of cite_form.c.
 */
#include "dialect/cite.h"
#include "dialect/kept_calls.h"
#include "dialect/openai_internal.h"

#include <string.h>

#include <apr_strings.h>

#define CHOICES_MAX 128

/* ---- requests ---- */

/* A member that OpenAI's reader does not know: 1 when it is Mistral's and was
 * understood. */
static int take_member(llm_ask_t *ask, const llm_json_t *member)
{
    if (llm_text_equals(member->name, "random_seed")
        && member->type == LLM_JSON_NUMBER) {
        ask->seed = member;
        return 1;
    }
    if (llm_text_equals(member->name, "prompt_mode")
        && llm_json_equals(member, "reasoning")) {
        ask->thinking = ask->thinking ? ask->thinking : 1;
        return 1;
    }
    if (llm_text_equals(member->name, "output_dimension")
        && member->type == LLM_JSON_NUMBER) {
        ask->dimensions = member;
        return 1;
    }
    return llm_text_equals(member->name, "output_dtype")
           && llm_json_equals(member, "float");
}

static llm_problem_t *read_request(llm_ask_t **pask, llm_op_e op,
                                   const llm_json_t *doc, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_openai_read_request(pask, op, doc, pool);
    apr_array_header_t *unknown;
    int i, count;

    if (problem) {
        return problem;
    }
    (*pask)->include_usage = 1;
    unknown = (*pask)->unknown;
    count = unknown->nelts;
    unknown->nelts = 0;
    for (i = 0; i < count; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(unknown, i, const llm_json_t *);

        if (!take_member(*pask, member)) {
            APR_ARRAY_PUSH(unknown, const llm_json_t *) = member;
        }
    }
    return NULL;
}

/* ---- what both forms have ---- */

static void put_thinking(llm_buf_t *out, llm_text_t text, llm_text_t signature)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"type\":\"thinking\",\"thinking\":[");
    if (text.len) {
        llm_buf_lit(out, "{\"type\":\"text\"");
        llm_put_text_member(out, "text", text);
        llm_buf_putc(out, '}');
    }
    llm_buf_putc(out, ']');
    if (signature.len) {
        llm_put_text_member(out, "signature", signature);
    }
    llm_buf_putc(out, '}');
}

static void put_call(llm_buf_t *out, const llm_call_t *call, const char *seed,
                     int number, apr_pool_t *pool)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id",
                          call->id && *call->id
                              ? call->id
                              : llm_call_id_make("", seed, number, pool));
    llm_put_string_member(out, "type", "function");
    llm_put_int_member(out, "index", number);
    llm_buf_lit(out, ",\"function\":{");
    llm_put_needed_text(out, "name", call->name);
    llm_put_name(out, "arguments");
    llm_buf_put_quoted(out, call->args);
    llm_buf_lit(out, "}}");
}

static void put_head(llm_buf_t *out, const char *object, const char *id,
                     apr_int64_t created, const char *model)
{
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", id);
    llm_put_string_member(out, "object", object);
    llm_put_int_member(out, "created", created);
    llm_put_string_member(out, "model", model);
    llm_buf_lit(out, ",\"choices\":[");
}

/* ---- whole answers ---- */

static int is_text(const llm_part_t *part)
{
    return (part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL)
           && part->text.data;
}

static int has_thinking(const llm_part_t *part)
{
    while (part && part->kind != LLM_PART_THINKING) {
        part = part->next;
    }
    return part != NULL;
}

/* A string, or chunks where there was thinking. */
static void put_content(llm_buf_t *out, const llm_part_t *parts)
{
    int chunks = has_thinking(parts);
    const llm_part_t *part;

    llm_put_name(out, "content");
    llm_buf_putc(out, chunks ? '[' : '"');
    for (part = parts; part; part = part->next) {
        if (part->kind == LLM_PART_THINKING) {
            put_thinking(out, part->text, part->signature);
        }
        else if (is_text(part) && chunks) {
            llm_put_comma(out);
            llm_buf_lit(out, "{\"type\":\"text\"");
            llm_put_text_member(out, "text", part->text);
            llm_buf_putc(out, '}');
        }
        else if (is_text(part)) {
            llm_buf_append(out, part->text.data, part->text.len);
        }
    }
    llm_buf_putc(out, chunks ? ']' : '"');
}

static void put_calls(llm_buf_t *out, const llm_part_t *part, const char *seed,
                      apr_pool_t *pool)
{
    int number = 0;

    for (; part; part = part->next) {
        if (part->kind == LLM_PART_TOOL_CALL) {
            if (!number) {
                llm_put_name(out, "tool_calls");
                llm_buf_putc(out, '[');
            }
            put_call(out, part->call, seed, number++, pool);
        }
    }
    if (number) {
        llm_buf_putc(out, ']');
    }
}

static void put_choice(llm_buf_t *out, const llm_choice_t *choice,
                       const char *seed, apr_pool_t *pool)
{
    if (choice->index) {
        seed = apr_psprintf(pool, "%s.%d", seed, choice->index);
    }
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "index", choice->index);
    llm_buf_lit(out, ",\"message\":{\"role\":\"assistant\"");
    put_content(out, choice->parts);
    llm_cites_put_forms(out, choice->parts, NULL);
    put_calls(out, choice->parts, seed, pool);
    llm_buf_putc(out, '}');
    if (choice->logprobs) {
        llm_put_member(out, "logprobs", choice->logprobs);
    }
    /* a refusal is a text like any other here: the end tells it */
    llm_put_string_member(
        out, "finish_reason",
        choice->finish == LLM_FINISH_STOP
                && llm_parts_have(choice->parts, LLM_PART_REFUSAL)
            ? llm_openai_finish_name(LLM_FINISH_FILTERED)
            : llm_openai_finish_name(choice->finish));
    llm_buf_putc(out, '}');
}

/* OpenAI's have no id. */
static void write_embeddings(llm_buf_t *out, const llm_ask_t *ask,
                             const llm_answer_t *answer, const char *seed,
                             apr_pool_t *pool)
{
    llm_buf_t *rest = llm_buf_make(0, pool);

    llm_openai_write_response(rest, ask, answer, pool);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", seed);
    llm_buf_putc(out, ',');
    llm_buf_append(out, rest->data + 1, rest->len - 1);
}

static void write_response(llm_buf_t *out, const llm_ask_t *ask,
                           const llm_answer_t *answer, apr_pool_t *pool)
{
    const char *seed = llm_answer_seed(ask, answer, pool);
    const llm_choice_t *choice;

    if (ask->op == LLM_OP_EMBED) {
        write_embeddings(out, ask, answer, seed, pool);
        return;
    }
    put_head(out, "chat.completion",
             answer->id && *answer->id ? answer->id : seed, answer->created,
             answer->model ? answer->model : ask->model);
    for (choice = answer->choices; choice; choice = choice->next) {
        put_choice(out, choice, seed, pool);
    }
    llm_buf_lit(out, "],\"usage\":");
    llm_openai_put_usage(out, answer->usage, LLM_OP_CHAT);
    llm_buf_putc(out, '}');
}

/* ---- streams ---- */

typedef struct choice_state_t {
    int begun;              /* its first chunk was written */
    llm_finish_e finish;    /* NONE: not told yet */
    int calls;              /* written so far */
    int refused;            /* a text was a refusal */
    llm_kept_calls_t *kept; /* NULL: none came */
} choice_state_t;

struct llm_writer_t {
    apr_pool_t *pool;
    const llm_ask_t *ask;
    const char *exchange; /* what ids are made of */
    apr_int64_t created;
    const char *head; /* of every chunk; NULL until the first delta */
    apr_array_header_t *choices; /* of choice_state_t, by index */
    llm_usage_t usage;
    int ended; /* [DONE] or an error was written */
};

static llm_writer_t *writer_make(const llm_ask_t *ask, const char *id,
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

static void make_head(llm_writer_t *writer, const llm_delta_t *delta)
{
    llm_buf_t *out = llm_buf_make(0, writer->pool);

    llm_buf_lit(out, "data: ");
    put_head(out, "chat.completion.chunk",
             delta->id && *delta->id ? delta->id : writer->exchange,
             delta->created ? delta->created : writer->created,
             delta->model && *delta->model ? delta->model : writer->ask->model);
    llm_buf_putc(out, '\0');
    writer->head = out->data;
}

static void open_chunk(llm_buf_t *out, const llm_writer_t *writer, int index)
{
    llm_buf_puts(out, writer->head);
    llm_buf_lit(out, "{\"index\":");
    llm_buf_put_int(out, index);
    llm_buf_lit(out, ",\"delta\":{");
}

static void close_chunk(llm_buf_t *out, const llm_json_t *logprobs)
{
    llm_buf_putc(out, '}');
    if (logprobs) {
        llm_put_name(out, "logprobs");
        llm_put_one_line(out, logprobs->raw);
    }
    llm_buf_lit(out, ",\"finish_reason\":null}]}\n\n");
}

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
    if (!choice->begun) {
        choice->begun = 1;
        open_chunk(out, writer, index);
        llm_buf_lit(out, "\"role\":\"assistant\",\"content\":\"\"");
        close_chunk(out, NULL);
    }
    return choice;
}

static void fail(llm_buf_t *out, llm_writer_t *writer,
                 const llm_problem_t *problem);

typedef struct calls_baton_t {
    llm_buf_t *out;
    const char *seed;
    apr_pool_t *pool;
} calls_baton_t;

static void put_kept(void *baton, const llm_call_t *call, int number)
{
    const calls_baton_t *to = baton;

    put_call(to->out, call, to->seed, number, to->pool);
}

/* The calls that are kept, as one chunk. */
static void flush_calls(llm_buf_t *out, llm_writer_t *writer, int index)
{
    choice_state_t *choice =
        &APR_ARRAY_IDX(writer->choices, index, choice_state_t);
    calls_baton_t to = {out, writer->exchange, writer->pool};

    if (!choice->kept || !llm_kept_calls_count(choice->kept)) {
        return;
    }
    if (index) {
        to.seed = apr_psprintf(writer->pool, "%s.%d", to.seed, index);
    }
    choice->calls += llm_kept_calls_count(choice->kept);
    open_chunk(out, writer, index);
    llm_buf_lit(out, "\"tool_calls\":[");
    llm_kept_calls_take(choice->kept, put_kept, &to);
    llm_buf_putc(out, ']');
    close_chunk(out, NULL);
}

static void keep_call(llm_buf_t *out, llm_writer_t *writer,
                      choice_state_t *choice, const llm_delta_t *delta)
{
    const char *wrong;

    if (!choice->kept) {
        choice->kept = llm_kept_calls_make(writer->pool);
    }
    wrong = llm_kept_calls_add(choice->kept, delta);
    if (wrong) {
        fail(out, writer,
             llm_problem_make(LLM_PROBLEM_UPSTREAM, writer->pool, "%s", wrong));
    }
}

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    choice_state_t *choice = begin_choice(out, writer, delta->choice);
    int is_thought = delta->kind == LLM_DELTA_THINKING;

    if (!choice) {
        return;
    }
    switch (delta->kind) {
    case LLM_DELTA_TEXT:
    case LLM_DELTA_REFUSAL:
        choice->refused |= delta->kind == LLM_DELTA_REFUSAL;
        if (delta->text.len || delta->logprobs) {
            flush_calls(out, writer, delta->choice);
            open_chunk(out, writer, delta->choice);
            llm_put_needed_text(out, "content", delta->text);
            close_chunk(out, delta->logprobs);
        }
        break;
    case LLM_DELTA_THINKING:
    case LLM_DELTA_SIGNATURE:
        if (delta->text.len) {
            flush_calls(out, writer, delta->choice);
            open_chunk(out, writer, delta->choice);
            llm_buf_lit(out, "\"content\":[");
            put_thinking(out, is_thought ? delta->text : LLM_TEXT_NONE,
                         is_thought ? LLM_TEXT_NONE : delta->text);
            llm_buf_putc(out, ']');
            close_chunk(out, NULL);
        }
        break;
    case LLM_DELTA_CITE:
        open_chunk(out, writer, delta->choice);
        llm_buf_lit(out, "\"content\":\"\",\"citations\":[");
        llm_cite_put_form(out, delta->cite);
        llm_buf_putc(out, ']');
        close_chunk(out, NULL);
        break;
    case LLM_DELTA_CALL:
    case LLM_DELTA_ARGS:
        keep_call(out, writer, choice, delta);
        break;
    case LLM_DELTA_FINISH:
        choice->finish = delta->finish;
        break;
    default:
        break;
    }
}

/* The chunk with its finish; the last one has the usage. */
static void end_choice(llm_buf_t *out, llm_writer_t *writer, int index)
{
    choice_state_t *choice = begin_choice(out, writer, index);
    llm_finish_e finish = choice->finish;

    flush_calls(out, writer, index);
    if (finish == LLM_FINISH_NONE || finish == LLM_FINISH_OTHER) {
        finish = choice->calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_STOP;
    }
    if (finish == LLM_FINISH_STOP && choice->refused) {
        finish = LLM_FINISH_FILTERED;
    }
    open_chunk(out, writer, index);
    llm_buf_lit(out, "\"content\":\"\"},\"finish_reason\":");
    llm_buf_put_string(out, llm_openai_finish_name(finish));
    llm_buf_lit(out, "}]");
    if (index + 1 == writer->choices->nelts
        && (writer->usage.known | writer->usage.estimated)) {
        llm_put_name(out, "usage");
        llm_openai_put_usage(out, &writer->usage, LLM_OP_CHAT);
    }
    llm_buf_lit(out, "}\n\n");
}

static void end_stream(llm_buf_t *out, llm_writer_t *writer)
{
    int i;

    begin_choice(out, writer, 0);
    for (i = 0; i < writer->choices->nelts; ++i) {
        end_choice(out, writer, i);
    }
    llm_buf_lit(out, "data: [DONE]\n\n");
    writer->ended = 1;
}

static void write_stream_problem(llm_buf_t *out, const llm_problem_t *problem,
                                 const char *request_id);

static void fail(llm_buf_t *out, llm_writer_t *writer,
                 const llm_problem_t *problem)
{
    write_stream_problem(out, problem, NULL);
    writer->ended = 1;
}

static void write_delta(llm_buf_t *out, llm_writer_t *writer,
                        const llm_delta_t *delta)
{
    if (writer->ended) {
        return;
    }
    if (delta->kind == LLM_DELTA_PROBLEM) {
        fail(out, writer, delta->problem);
        return;
    }
    if (!writer->head) {
        make_head(writer, delta);
    }
    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
        begin_choice(out, writer, 0);
        break;
    case LLM_DELTA_USAGE:
        llm_usage_merge(&writer->usage, delta->usage);
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

static void write_problem(llm_buf_t *out, const llm_problem_t *problem,
                          const char *request_id)
{
    (void)request_id; /* in the x-request-id header */
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "object", "error");
    llm_openai_put_error_members(out, problem);
    llm_buf_putc(out, '}');
}

static void write_stream_problem(llm_buf_t *out, const llm_problem_t *problem,
                                 const char *request_id)
{
    llm_buf_lit(out, "data: ");
    write_problem(out, problem, request_id);
    llm_buf_lit(out, "\n\n");
}

/* Flat ones; what is wrong with a body is a list in `detail`. */
static int is_problem(const llm_json_t *doc)
{
    return llm_json_want(doc, "message") || llm_json_want(doc, "detail");
}

/* ---- models ---- */

static void write_model(llm_buf_t *out, const char *name, apr_time_t now,
                        apr_pool_t *pool)
{
    (void)pool;
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", name);
    llm_put_string_member(out, "object", "model");
    llm_put_int_member(out, "created", apr_time_sec(now));
    llm_put_string_member(out, "owned_by", "llm-gateway");
    llm_put_string_member(out, "type", "base");
    /* what may be asked for through here; the model may know less */
    llm_buf_lit(out, ",\"capabilities\":{\"completion_chat\":true,"
                     "\"completion_fim\":false,\"function_calling\":true,"
                     "\"fine_tuning\":false,\"vision\":true}}");
}

static void write_models(llm_buf_t *out, const apr_array_header_t *names,
                         apr_time_t now, apr_pool_t *pool)
{
    int i;

    llm_buf_lit(out, "{\"object\":\"list\",\"data\":[");
    for (i = 0; i < names->nelts; ++i) {
        write_model(out, APR_ARRAY_IDX(names, i, const char *), now, pool);
    }
    llm_buf_lit(out, "]}");
}

/* What its clients call what is ours. */
static const llm_rename_t names[] = {
    {"dimensions", "output_dimension"},
    {"seed", "random_seed"},
    {NULL, NULL},
};

/* Configured as "openai": this is how such a provider is asked for Mistral's
 * clients, where it is Mistral. */
const llm_dialect_t llm_dialect_mistral = {
    .name = "mistral",
    .family = "openai",
    .speaks = "mistral",
    .client_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_MODELS,
    .pass_ops = LLM_OP_CHAT | LLM_OP_EMBED,
    .default_url = "https://api.mistral.ai",
    .default_path = "/v1",
    .framing = LLM_FRAMING_SSE,
    .chat_path = "/chat/completions",

    .names = names,
    .read_request = read_request,
    .write_response = write_response,
    .writer_make = writer_make,
    .write_delta = write_delta,
    .write_problem = write_problem,
    .is_problem = is_problem,
    .write_stream_problem = write_stream_problem,
    .write_models = write_models,
    .write_model = write_model,

    .pass_request = llm_openai_pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_openai_read_response,
    .reader_make = llm_openai_reader_make,
    .read_event = llm_openai_read_event,
    .reader_end = llm_openai_reader_end,
    .read_usage = llm_openai_read_usage,
    .read_facts = llm_openai_read_facts,
    .read_tier = llm_openai_read_tier,
    .read_problem = llm_openai_read_problem,
    .event_problem = llm_openai_event_problem,
    .hide_usage = llm_openai_hide_usage,
    .is_last = llm_openai_is_last,
};
