/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's legacy Completions: a text goes in, the text that follows comes out.
 *
 * Servers that speak OpenAI's dialect get the bytes. Everybody else has chats
 * only, where one prompt is one user's turn and the answer's text is written
 * back as a completion. What a chat has no place for is refused by its name:
 * several prompts in one request, prompts made of tokens, `echo`, `suffix` and
 * `best_of`. Log probabilities are the same in another form: lists of what a
 * chat says token by token, with the places of the tokens in the text.
 * A model's thoughts have no place in a completion: the usage tells them.
 *
 * The stream is written as openai_writer.c writes chats: for each choice its
 * texts and then one chunk with its finish, which waits for the stream's end;
 * the usage, where the client asked for it; "[DONE]". Or an error, and nothing
 * after it.
 */
#include "dialect/cite.h"
#include "dialect/client.h"
#include "dialect/openai_internal.h"
#include "dialect/tier.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#define OBJECT      "text_completion"
#define CHOICES_MAX 128 /* OpenAI's own limit of n */

/* ---- requests ---- */

static const char *const members[] = {
    "best_of",    "echo",        "frequency_penalty",
    "logit_bias", "logprobs",    "max_tokens",
    "model",      "n",           "presence_penalty",
    "prompt",     "seed",        "service_tier",
    "stop",       "stream",      "stream_options",
    "suffix",     "temperature", "top_k",
    "top_p",      "user",        NULL};

static const llm_number_row_t numbers[] = {
    {"frequency_penalty", offsetof(llm_ask_t, frequency_penalty)},
    {"logprobs", offsetof(llm_ask_t, top_logprobs)},
    {"max_tokens", offsetof(llm_ask_t, max_tokens)},
    {"n", offsetof(llm_ask_t, n)},
    {"presence_penalty", offsetof(llm_ask_t, presence_penalty)},
    {"seed", offsetof(llm_ask_t, seed)},
    {"temperature", offsetof(llm_ask_t, temperature)},
    {"top_k", offsetof(llm_ask_t, top_k)},
    {"top_p", offsetof(llm_ask_t, top_p)},
    {NULL, 0},
};

static llm_problem_t *read_stop(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    const llm_json_t *stop = llm_json_want(doc, "stop");

    if (stop && stop->type != LLM_JSON_STRING && !llm_json_is_strings(stop)) {
        return llm_problem_field(pool, "stop",
                                 "expected a string or an array of strings");
    }
    ask->stop = stop;
    return NULL;
}

static llm_problem_t *read_stream(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const char *const known[] = {"include_usage", NULL};
    const llm_json_t *stream = llm_json_want(doc, "stream");
    const llm_json_t *stream_options = llm_json_want(doc, "stream_options");

    if (stream && !llm_json_is_bool(stream)) {
        return llm_problem_field(pool, "stream", "expected true or false");
    }
    if (stream_options && stream_options->type != LLM_JSON_OBJECT) {
        return llm_problem_field(pool, "stream_options", "expected an object");
    }
    ask->stream = llm_json_is_true(stream);
    ask->include_usage =
        llm_json_is_true(llm_json_get(stream_options, "include_usage"));
    llm_ask_add_unknowns(ask, stream_options, known, "stream_options", pool);
    return NULL;
}

/* One text: a string, or the only one of an array. */
static llm_problem_t *read_prompt(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    const llm_json_t *prompt = llm_json_want(doc, "prompt");
    const llm_json_t *first = prompt;
    llm_turns_t turns = {NULL, NULL};
    llm_parts_t parts = {NULL, NULL};

    if (llm_json_is(prompt, LLM_JSON_ARRAY)) {
        if (prompt->count > 1 && prompt->child->type == LLM_JSON_STRING) {
            return llm_problem_field(
                pool, "prompt",
                "this model takes one prompt in a request, not %u",
                (unsigned)prompt->count);
        }
        first = prompt->child;
    }
    if (llm_json_is(first, LLM_JSON_NUMBER)
        || llm_json_is(first, LLM_JSON_ARRAY)) {
        return llm_problem_field(pool, "prompt",
                                 "this model takes a string, not tokens");
    }
    if (!llm_json_is(first, LLM_JSON_STRING)
        || llm_text_is_empty(llm_json_text(first))) {
        return llm_problem_field(pool, "prompt",
                                 "expected a string that is not empty");
    }
    llm_parts_add_text(&parts, LLM_PART_TEXT, llm_json_text(first), pool);
    llm_turns_add(&turns, LLM_ROLE_USER, pool)->parts = parts.first;
    ask->turns = turns.first;
    return NULL;
}

/* What says more than that it is off. */
static void note_unless(llm_ask_t *ask, const llm_json_t *member, int is_off,
                        apr_pool_t *pool)
{
    if (member && !is_off) {
        llm_ask_add_unknown(ask, member, NULL, pool);
    }
}

/* How many others are wanted beside the chosen one, which is told anyway. */
static void read_logprobs(llm_ask_t *ask, apr_pool_t *pool)
{
    llm_json_t *wanted;
    apr_int64_t count = 1;

    if (ask->top_logprobs) {
        wanted = apr_pcalloc(pool, sizeof(*wanted));
        wanted->type = LLM_JSON_TRUE;
        wanted->raw = LLM_BYTES_LITERAL("true");
        ask->logprobs = wanted;
        llm_json_int(ask->top_logprobs, &count);
        ask->top_logprobs = count ? ask->top_logprobs : NULL;
    }
}

static void read_others(llm_ask_t *ask, const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *best_of = llm_json_want(doc, "best_of");
    const llm_json_t *suffix = llm_json_want(doc, "suffix");
    const llm_json_t *echo = llm_json_want(doc, "echo");
    const llm_json_t *bias = llm_json_want(doc, "logit_bias");
    apr_int64_t several = 0, n = 1;

    llm_json_int(ask->n, &n);
    note_unless(ask, best_of, llm_json_int(best_of, &several) && several == n,
                pool);
    note_unless(ask, suffix,
                llm_json_is(suffix, LLM_JSON_STRING)
                    && llm_text_is_empty(llm_json_text(suffix)),
                pool);
    note_unless(ask, echo, llm_json_is(echo, LLM_JSON_FALSE), pool);
    read_logprobs(ask, pool);
    if (llm_json_is(bias, LLM_JSON_OBJECT) && bias->count) {
        ask->logit_bias = bias;
    }
    ask->user = llm_json_text(llm_json_get(doc, "user"));
    ask->service_tier = llm_json_text(llm_json_get(doc, "service_tier"));
    llm_ask_add_unknowns(ask, doc, members, NULL, pool);
}

static llm_problem_t *read_request(llm_ask_t **pask, llm_op_e op,
                                   const llm_json_t *doc, apr_pool_t *pool)
{
    llm_problem_t *problem = llm_ask_make(pask, op, doc, pool);
    llm_ask_t *ask = *pask;

    if (!problem) {
        problem = llm_read_numbers(ask, doc, numbers, NULL, pool);
    }
    if (!problem) {
        problem = read_stop(ask, doc, pool);
    }
    if (!problem) {
        problem = read_stream(ask, doc, pool);
    }
    if (!problem) {
        problem = read_prompt(ask, doc, pool);
    }
    if (!problem) {
        read_others(ask, doc, pool);
    }
    return problem;
}

static llm_problem_t *pass_request(llm_request_t *req, llm_op_e op,
                                   llm_bytes_t raw, const char *model,
                                   const llm_provider_t *provider, int *phide,
                                   apr_pool_t *pool)
{
    req->path = llm_openai_path(provider, "/completions", pool);
    return llm_openai_pass_body(req, op, raw, model, provider, phide, pool);
}

/* ---- whole answers ---- */

/* Calls cannot have been asked for. */
static const char *finish_name(llm_finish_e finish)
{
    return finish == LLM_FINISH_TOOL_CALLS ? "stop"
                                           : llm_openai_finish_name(finish);
}

static llm_text_t token_of(const llm_json_t *node)
{
    return llm_json_text(llm_json_get(node, "token"));
}

static void put_rate(llm_buf_t *out, const llm_json_t *node)
{
    llm_buf_put_text(out, token_of(node));
    llm_buf_putc(out, ':');
    llm_put_one_line(out, llm_json_get(node, "logprob")->raw);
}

/* The chosen one and the others, as members of one object: each name once. */
static void put_top(llm_buf_t *out, const llm_json_t *chosen)
{
    const llm_json_t *list = llm_json_want(chosen, "top_logprobs");
    const llm_json_t *first =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
    const llm_json_t *node, *before;

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    put_rate(out, chosen);
    for (node = first; node; node = node->next) {
        for (before = first;
             before != node
             && !llm_text_is_same(token_of(before), token_of(node));
             before = before->next) {
        }
        if (before == node && token_of(node).data
            && !llm_text_is_same(token_of(node), token_of(chosen))
            && llm_json_is(llm_json_get(node, "logprob"), LLM_JSON_NUMBER)) {
            llm_buf_putc(out, ',');
            put_rate(out, node);
        }
    }
    llm_buf_putc(out, '}');
}

static const llm_json_t *next_token(const llm_json_t *node)
{
    while (
        node
        && (!token_of(node).data
            || !llm_json_is(llm_json_get(node, "logprob"), LLM_JSON_NUMBER))) {
        node = node->next;
    }
    return node;
}

static void open_list(llm_buf_t *out, const char *name)
{
    llm_put_name(out, name);
    llm_buf_putc(out, '[');
}

/* A chat's in the old form, or null; `at` is the place of the first token in
 * the text, and moves behind the last one. */
static void put_logprobs(llm_buf_t *out, const llm_json_t *logprobs,
                         llm_extent_t *at)
{
    const llm_json_t *list = llm_json_want(logprobs, "content"), *first, *node;

    llm_put_name(out, "logprobs");
    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        llm_buf_lit(out, "null");
        return;
    }
    first = next_token(list->child);
    llm_buf_putc(out, '{');
    open_list(out, "tokens");
    for (node = first; node; node = next_token(node->next)) {
        llm_put_comma(out);
        llm_buf_put_text(out, token_of(node));
    }
    llm_buf_putc(out, ']');
    open_list(out, "token_logprobs");
    for (node = first; node; node = next_token(node->next)) {
        llm_put_comma(out);
        llm_put_one_line(out, llm_json_get(node, "logprob")->raw);
    }
    llm_buf_putc(out, ']');
    open_list(out, "top_logprobs");
    for (node = first; node; node = next_token(node->next)) {
        put_top(out, node);
    }
    llm_buf_putc(out, ']');
    open_list(out, "text_offset");
    for (node = first; node; node = next_token(node->next)) {
        llm_put_comma(out);
        llm_buf_put_int(out, at->chars);
        llm_extent_add(at, token_of(node));
    }
    llm_buf_lit(out, "]}");
}

static void put_choice(llm_buf_t *out, const llm_choice_t *choice)
{
    llm_extent_t begin = {0, 0};
    const llm_part_t *part;

    llm_put_comma(out);
    llm_buf_lit(out, "{\"text\":\"");
    for (part = choice->parts; part; part = part->next) {
        if ((part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL)
            && part->text.data) {
            llm_buf_append(out, part->text.data, part->text.len);
        }
    }
    llm_buf_putc(out, '"');
    llm_put_int_member(out, "index", choice->index);
    put_logprobs(out, choice->logprobs, &begin);
    llm_put_string_member(out, "finish_reason", finish_name(choice->finish));
    llm_cites_put_forms(out, choice->parts, NULL);
    llm_buf_putc(out, '}');
}

static void write_response(llm_buf_t *out, const llm_ask_t *ask,
                           const llm_answer_t *answer, apr_pool_t *pool)
{
    const llm_choice_t *choice;

    llm_buf_putc(out, '{');
    llm_put_string_member(
        out, "id",
        answer->id ? answer->id
                   : llm_call_id_make(
                       "cmpl-", llm_answer_seed(ask, answer, pool), 0, pool));
    llm_put_string_member(out, "object", OBJECT);
    llm_put_int_member(out, "created", answer->created);
    llm_put_string_member(out, "model",
                          answer->model ? answer->model : ask->model);
    llm_put_name(out, "choices");
    llm_buf_putc(out, '[');
    for (choice = answer->choices; choice; choice = choice->next) {
        put_choice(out, choice);
    }
    llm_buf_putc(out, ']');
    if (answer->usage->known | answer->usage->estimated) {
        llm_put_name(out, "usage");
        llm_openai_put_usage(out, answer->usage, LLM_OP_CHAT);
    }
    llm_openai_put_tier(out,
                        llm_tier_word(answer->service_tier, llm_tiers_openai));
    llm_buf_putc(out, '}');
}

/* ---- streams ---- */

typedef struct choice_state_t {
    int began;
    llm_finish_e finish; /* NONE: not told yet */
    llm_extent_t told;   /* tokens, with their probabilities */
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
    int ended;        /* [DONE] or an error was written */
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

/* All chunks of a stream have the same id, model and time. */
static void make_head(llm_writer_t *writer, const llm_delta_t *delta)
{
    llm_buf_t *out = llm_buf_make(0, writer->pool);

    llm_buf_lit(out, "data: {");
    llm_put_string_member(
        out, "id",
        delta->id && *delta->id
            ? delta->id
            : apr_pstrcat(writer->pool, "cmpl-", writer->exchange, NULL));
    llm_put_string_member(out, "object", OBJECT);
    llm_put_int_member(out, "created",
                       delta->created ? delta->created : writer->created);
    llm_put_string_member(out, "model",
                          delta->model && *delta->model ? delta->model
                                                        : writer->ask->model);
    llm_buf_lit(out, ",\"choices\":[");
    llm_buf_putc(out, '\0');
    writer->head = out->data;
}

/* In each chunk from when it is known. */
static void put_tier(llm_buf_t *out, const llm_writer_t *writer)
{
    llm_openai_put_tier(out, writer->tier);
}

static void put_chunk(llm_buf_t *out, const llm_writer_t *writer, int choice,
                      llm_text_t text, const llm_json_t *logprobs,
                      const llm_cite_t *cite, const char *finish)
{
    llm_buf_puts(out, writer->head);
    llm_buf_putc(out, '{');
    llm_put_needed_text(out, "text", text);
    llm_put_int_member(out, "index", choice);
    put_logprobs(out, logprobs,
                 &APR_ARRAY_IDX(writer->choices, choice, choice_state_t).told);
    llm_buf_lit(out, ",\"finish_reason\":");
    llm_buf_put_string(out, finish);
    if (cite) {
        llm_buf_lit(out, ",\"citations\":[");
        llm_cite_put_form(out, cite);
        llm_buf_putc(out, ']');
    }
    llm_buf_lit(out, "}]");
    if (writer->ask->include_usage) {
        llm_buf_lit(out, ",\"usage\":null");
    }
    put_tier(out, writer);
    llm_buf_lit(out, "}\n\n");
}

/* NULL past the limit. */
static choice_state_t *begin_choice(llm_writer_t *writer, int index)
{
    choice_state_t *choice;

    if (index < 0 || index >= CHOICES_MAX) {
        return NULL;
    }
    while (writer->choices->nelts <= index) {
        memset(apr_array_push(writer->choices), 0, sizeof(*choice));
    }
    choice = &APR_ARRAY_IDX(writer->choices, index, choice_state_t);
    choice->began = 1;
    return choice;
}

static void end_stream(llm_buf_t *out, llm_writer_t *writer)
{
    int i;

    begin_choice(writer, 0);
    for (i = 0; i < writer->choices->nelts; ++i) {
        put_chunk(
            out, writer, i, LLM_TEXT_LITERAL(""), NULL, NULL,
            finish_name(
                APR_ARRAY_IDX(writer->choices, i, choice_state_t).finish));
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

static void write_content(llm_buf_t *out, llm_writer_t *writer,
                          const llm_delta_t *delta)
{
    choice_state_t *choice = begin_choice(writer, delta->choice);

    if (!choice) {
        return;
    }
    if (delta->kind == LLM_DELTA_FINISH) {
        choice->finish = delta->finish;
    }
    else if ((delta->kind == LLM_DELTA_TEXT || delta->kind == LLM_DELTA_REFUSAL)
             && (delta->text.len || delta->logprobs)) {
        put_chunk(out, writer, delta->choice, delta->text, delta->logprobs,
                  NULL, NULL);
    }
    else if (delta->kind == LLM_DELTA_CITE) {
        put_chunk(out, writer, delta->choice, LLM_TEXT_LITERAL(""), NULL,
                  delta->cite, NULL);
    }
}

static void write_delta(llm_buf_t *out, llm_writer_t *writer,
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
    if (!writer->head) {
        make_head(writer, delta);
    }
    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
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

/* What its clients call what is ours. */
static const llm_rename_t names[] = {
    {"max_completion_tokens", "max_tokens"},
    {"messages", "prompt"},
    {"top_logprobs", "logprobs"},
    {NULL, NULL},
};

/* A provider is configured as one that speaks "openai": this is how such a one
 * is asked for clients of completions. */
const llm_dialect_t llm_dialect_openai_completions = {
    .name = "openai-completions",
    .family = "openai",
    .speaks = "openai-completions",
    .client_ops = LLM_OP_CHAT,
    .pass_ops = LLM_OP_CHAT,
    .default_url = "https://api.openai.com",
    .default_path = "/v1",
    .framing = LLM_FRAMING_SSE,
    .chat_path = "/completions",

    .names = names,
    .read_request = read_request,
    .write_response = write_response,
    .writer_make = writer_make,
    .write_delta = write_delta,
    .write_problem = llm_openai_write_problem,
    .write_stream_problem = llm_openai_write_stream_problem,

    .pass_request = pass_request,
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
