/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of an answer, from every provider to every client, whole and
 * streamed, each dialect by its own arithmetic.
 *
 * A row is what a provider counts, with every class it can tell, and what that
 * comes to, worked out by hand. The ledger has to have these classes, however
 * the answer is read; a client has to find these sums, when it adds up what it
 * is told as its own documentation says.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "test/unit/dialect/counts.h"
#include "test/unit/dialect/wire.h"
#include "test/unit/messages.h"
#include "test/unit/unit.h"

static const form_t *form_of(const char *provider)
{
    const form_t *form = forms;

    while (form->provider && strcmp(form->provider, provider) != 0) {
        ++form;
    }
    return form;
}

/* The form with the counts in it; "" where there are none. */
static const char *fill(const char *form, const char *usage)
{
    const char *place = form && usage ? strstr(form, "%s") : NULL;

    return place ? apr_pstrcat(
               unit_pool,
               apr_pstrmemdup(unit_pool, form, (apr_size_t)(place - form)),
               usage, place + 2, NULL)
                 : "";
}

static const char *whole_of(const row_t *row)
{
    return fill(form_of(row->provider)->whole, row->usage);
}

static llm_bytes_t stream_of(const row_t *row)
{
    const form_t *form = form_of(row->provider);
    const char *text = apr_pstrcat(unit_pool, fill(form->begin, row->begin),
                                   fill(form->stream, row->usage), NULL);
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    if (exchange_dialect(row->provider)->framing == LLM_FRAMING_EVENTSTREAM) {
        messages_put_lines(out, text);
    }
    else {
        llm_buf_puts(out, text);
    }
    return (llm_bytes_t){out->data, out->len};
}

/* ---- clients ---- */

/* A number at a path, "usage.prompt_tokens_details.cached_tokens"; -1: none. */
static long at(const llm_json_t *doc, const char *path)
{
    apr_int64_t n;
    char *last, *name = apr_strtok(apr_pstrdup(unit_pool, path), ".", &last);

    for (; doc && name; name = apr_strtok(NULL, ".", &last)) {
        doc = llm_json_want(doc, name);
    }
    return doc && llm_json_int(doc, &n) ? (long)n : -1;
}

/* The sum of what is there of these numbers; -1: none is. */
static long sum(const llm_json_t *doc, const char *const *paths)
{
    long all = -1, n;

    for (; *paths; ++paths) {
        n = at(doc, *paths);
        if (n >= 0) {
            all = (all < 0 ? 0 : all) + n;
        }
    }
    return all;
}

/* Gemini's counts by modality. */
static long modality(const llm_json_t *doc, const char *list, const char *name)
{
    const llm_json_t *node = llm_json_path(doc, "usageMetadata", list, NULL);
    long all = 0;

    for (node = node ? node->child : NULL; node; node = node->next) {
        if (llm_json_equals(llm_json_get(node, "modality"), name)) {
            all += at(node, "tokenCount");
        }
    }
    return all;
}

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* How a client of the dialect adds up; a NULL is what it cannot be told. */
typedef struct client_t {
    const char *name;
    const char *const *in, *const *cached, *const *written, *const *hour;
    const char *const *heard, *const *out, *const *thought, *const *spoken;
    const char *const *total;
    int modalities; /* sound is in Gemini's lists */
} client_t;

static const client_t clients[] = {
    {.name = "openai",
     .in = PATHS("usage.prompt_tokens"),
     .cached = PATHS("usage.prompt_tokens_details.cached_tokens"),
     .written = PATHS("usage.prompt_tokens_details.cache_write_tokens"),
     .heard = PATHS("usage.prompt_tokens_details.audio_tokens"),
     .out = PATHS("usage.completion_tokens"),
     .thought = PATHS("usage.completion_tokens_details.reasoning_tokens"),
     .spoken = PATHS("usage.completion_tokens_details.audio_tokens"),
     .total = PATHS("usage.total_tokens")},
    {.name = "openai-completions",
     .in = PATHS("usage.prompt_tokens"),
     .cached = PATHS("usage.prompt_tokens_details.cached_tokens"),
     .out = PATHS("usage.completion_tokens"),
     .thought = PATHS("usage.completion_tokens_details.reasoning_tokens"),
     .total = PATHS("usage.total_tokens")},
    {.name = "mistral",
     .in = PATHS("usage.prompt_tokens"),
     .cached = PATHS("usage.prompt_tokens_details.cached_tokens"),
     .out = PATHS("usage.completion_tokens"),
     .total = PATHS("usage.total_tokens")},
    {.name = "openai-responses",
     .in = PATHS("usage.input_tokens"),
     .cached = PATHS("usage.input_tokens_details.cached_tokens"),
     .written = PATHS("usage.input_tokens_details.cache_write_tokens"),
     .out = PATHS("usage.output_tokens"),
     .thought = PATHS("usage.output_tokens_details.reasoning_tokens"),
     .total = PATHS("usage.total_tokens")},
    {.name = "anthropic",
     .in = PATHS("usage.input_tokens", "usage.cache_creation_input_tokens",
                 "usage.cache_read_input_tokens"),
     .cached = PATHS("usage.cache_read_input_tokens"),
     .written = PATHS("usage.cache_creation_input_tokens"),
     .hour = PATHS("usage.cache_creation.ephemeral_1h_input_tokens"),
     .out = PATHS("usage.output_tokens"),
     .thought = PATHS("usage.output_tokens_details.thinking_tokens")},
    {.name = "bedrock",
     .in = PATHS("usage.inputTokens", "usage.cacheReadInputTokens",
                 "usage.cacheWriteInputTokens"),
     .cached = PATHS("usage.cacheReadInputTokens"),
     .written = PATHS("usage.cacheWriteInputTokens"),
     .out = PATHS("usage.outputTokens"),
     .total = PATHS("usage.totalTokens")},
    {.name = "gemini",
     .in = PATHS("usageMetadata.promptTokenCount",
                 "usageMetadata.toolUsePromptTokenCount"),
     .cached = PATHS("usageMetadata.cachedContentTokenCount"),
     .out = PATHS("usageMetadata.candidatesTokenCount",
                  "usageMetadata.thoughtsTokenCount"),
     .thought = PATHS("usageMetadata.thoughtsTokenCount"),
     .total = PATHS("usageMetadata.totalTokenCount"),
     .modalities = 1},
    {.name = "cohere",
     .in = PATHS("usage.billed_units.input_tokens"),
     .cached = PATHS("usage.cached_tokens"),
     .out = PATHS("usage.billed_units.output_tokens")},
    {.name = "ollama",
     .in = PATHS("prompt_eval_count"),
     .out = PATHS("eval_count")},
};

#define CLIENTS (int)(sizeof(clients) / sizeof(*clients))

static void check_sum(const llm_json_t *doc, const char *const *paths,
                      long expected, const char *what, const char *where)
{
    long found;

    if (!paths) {
        return;
    }
    found = sum(doc, paths);
    /* what is 0 need not be told */
    ck_assert_msg(found == expected || (found < 0 && !expected),
                  "%s: %s is %ld and should be %ld", where, what, found,
                  expected);
}

static void check_told(const client_t *client, const llm_json_t *doc,
                       const row_t *row, const char *how)
{
    const sums_t *sums = &row->sums;
    const char *where =
        apr_psprintf(unit_pool, "%s (%s) to %s, %s", row->provider, row->who,
                     client->name, how);

    ck_assert_msg(doc != NULL, "%s: no usage was told", where);
    check_sum(doc, client->in, sums->in, "input", where);
    check_sum(doc, client->cached, sums->cached, "cached", where);
    check_sum(doc, client->written, sums->written, "written", where);
    check_sum(doc, client->hour, sums->hour, "written for an hour", where);
    check_sum(doc, client->heard, sums->heard, "heard", where);
    check_sum(doc, client->out, sums->out, "output", where);
    check_sum(doc, client->thought, sums->thought, "thought", where);
    check_sum(doc, client->spoken, sums->spoken, "spoken", where);
    check_sum(doc, client->total, sums->in + sums->out, "total", where);
    if (client->modalities) {
        ck_assert_int_eq(modality(doc, "promptTokensDetails", "AUDIO"),
                         sums->heard);
        ck_assert_int_eq(modality(doc, "candidatesTokensDetails", "AUDIO"),
                         sums->spoken);
    }
}

/* The last event that tells what was used: of a stream the one that holds. */
static const llm_json_t *last_told(const client_t *client, const char *stream)
{
    const llm_json_t *found = NULL, *doc;
    const char *line, *begin, *end;

    for (line = stream; *line; line = end + (*end != '\0')) {
        end = line + strcspn(line, "\n");
        begin = memchr(line, '{', (apr_size_t)(end - line));
        if (!begin
            || llm_json_read(&doc, begin, (apr_size_t)(end - begin), NULL,
                             unit_pool)) {
            continue;
        }
        if (llm_json_want(doc, "response")) {
            doc = llm_json_get(doc, "response");
        }
        if (llm_json_path(doc, "delta", "usage", NULL)) {
            doc = llm_json_get(doc, "delta");
        }
        if (sum(doc, client->in) >= 0) {
            found = doc;
        }
    }
    return found;
}

/* ---- the table ---- */

static const llm_ask_t *ask_of(int stream)
{
    return exchange_ask(
        "openai", LLM_OP_CHAT,
        stream ? "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                 "\"content\":\"x\"}],\"stream\":true,\"stream_options\":{"
                 "\"include_usage\":true}}"
               : "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                 "\"content\":\"x\"}]}");
}

/* As bytes pass they are metered by read_usage alone. */
static const char *passed(const row_t *row, const char *body)
{
    llm_usage_t usage;

    llm_usage_clear(&usage);
    exchange_dialect(row->provider)
        ->read_usage(&usage, exchange_json(body, strlen(body)));
    return wire_usage(&usage);
}

START_TEST(the_ledger_has_what_the_provider_counts)
{
    const row_t *row = &rows[_i];
    const char *whole = whole_of(row);
    llm_bytes_t stream = stream_of(row);
    answer_t *read =
        exchange_read(row->provider, ask_of(0), whole, strlen(whole));

    ck_assert_msg(!read->problem, "%s", row->who);
    ck_assert_str_eq(wire_usage(&read->usage), row->classes);
    ck_assert_str_eq(passed(row, whole), row->classes);
    read = exchange_read_stream(row->provider, ask_of(1), stream.data,
                                stream.len, (cuts_t){7, 0});
    ck_assert_msg(!read->problem, "%s", row->who);
    ck_assert_str_eq(wire_usage(&read->usage), row->classes);
    ck_assert_int_eq(llm_usage_input(&read->usage), row->sums.in);
    ck_assert_int_eq(llm_usage_output(&read->usage), row->sums.out);
}
END_TEST

START_TEST(every_client_adds_up_to_the_same)
{
    const row_t *row = &rows[_i];
    const char *whole = whole_of(row);
    llm_bytes_t stream = stream_of(row);
    llm_problem_t *problem;
    const char *out;
    int i;

    for (i = 0; i < CLIENTS; ++i) {
        const client_t *client = &clients[i];

        out = exchange_write(row->provider, client->name, ask_of(0), whole,
                             strlen(whole), &problem);
        ck_assert_ptr_nonnull(out);
        check_told(client, exchange_json(out, strlen(out)), row, "whole");
        out = exchange_write_stream(row->provider, client->name, ask_of(1),
                                    stream.data, stream.len, (cuts_t){0, 0});
        check_told(client, last_told(client, out), row, "streamed");
    }
}
END_TEST

/* A new dialect brings its rows. */
START_TEST(no_dialect_is_left_out)
{
    const llm_dialect_t *const *all;
    apr_size_t count, d;

    all = llm_dialect_all(&count);
    for (d = 0; d < count; ++d) {
        int i = 0, found = 0;

        for (i = 0; i < ROWS; ++i) {
            found |= !strcmp(rows[i].provider, all[d]->name);
        }
        ck_assert_msg(found || !all[d]->read_response, "no row of %s",
                      all[d]->name);
        for (i = 0, found = 0; i < CLIENTS; ++i) {
            found |= !strcmp(clients[i].name, all[d]->name);
        }
        ck_assert_msg(found || !all[d]->write_response, "no client of %s",
                      all[d]->name);
    }
}
END_TEST

Suite *counts_suite(void)
{
    Suite *suite = suite_create("counts");
    TCase *table = tcase_create("table");

    tcase_add_checked_fixture(table, unit_pool_open, unit_pool_close);
    tcase_add_loop_test(table, the_ledger_has_what_the_provider_counts, 0,
                        ROWS);
    tcase_add_loop_test(table, every_client_adds_up_to_the_same, 0, ROWS);
    tcase_add_test(table, no_dialect_is_left_out);
    suite_add_tcase(suite, table);
    return suite;
}
