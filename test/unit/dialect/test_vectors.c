/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors: a case is a folder of bytes, test/vectors/<dialect>/<case>/.
 *
 *   about.txt        what the case shows, for people
 *   request.json     a client's request in this dialect
 *   model.txt        the provider's model, where the usual one will not do
 *   to-<name>.txt    what a provider of that dialect gets: path, body, and
 *                    what was dropped; or "refused <member>: <reason>"
 *   response.json    a provider's answer in this dialect, or
 *   stream.txt       a streamed one; fed whole, byte by byte and cut at random,
 *                    or
 *   events.txt       one of AWS's event streams, "name payload" a line
 *   ask.json         the question, in OpenAI's form, where it matters
 *   reads.txt        what the answer says, as exchange.h shows it
 *   as-<name>.txt    the bytes a client of that dialect gets
 *
 * With LLMGW_UPDATE_VECTORS=1 the files to-, reads and as- that exist are
 * written anew, for review in the diff. A new case is a folder with empty ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "test/unit/dialect/exchange.h"
#include "test/unit/messages.h"
#include "test/unit/unit.h"

static const char default_ask[] =
    "{\"model\":\"asked-model\",\"messages\":[{\"role\":\"user\","
    "\"content\":\"Hello\"}],\"stream_options\":{\"include_usage\":true},"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
    "\"get_weather\"}}]}";

static const struct {
    const char *dialect, *model;
} models[] = {
    {"anthropic", "claude-sonnet-4-5"},
    {"anthropic-vertex", "claude-sonnet-4-5@20250929"},
    {"openai", "gpt-4o"},
    {"bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0"},
    {"gemini", "gemini-2.5-flash"},
    {NULL, "some/model"},
};

typedef struct case_t {
    const char *dialect;
    const char *name; /* dialect/case */
    const char *dir;
    int checks; /* made so far */
    int is_request;
    int is_answer;
} case_t;

/* ---- files ---- */

static const char *path_in(const case_t *vector, const char *file)
{
    return apr_pstrcat(unit_pool, vector->dir, "/", file, NULL);
}

/* The file's bytes, terminated; NULL where there is none. */
static const char *bytes_in(const case_t *vector, const char *name,
                            apr_size_t *plen)
{
    apr_file_t *file;
    apr_finfo_t info;
    char *bytes;

    if (apr_file_open(&file, path_in(vector, name), APR_READ, 0, unit_pool)) {
        return NULL;
    }
    ck_assert_int_eq(apr_file_info_get(&info, APR_FINFO_SIZE, file), 0);
    *plen = (apr_size_t)info.size;
    bytes = apr_palloc(unit_pool, *plen + 1);
    if (*plen) {
        ck_assert_int_eq(apr_file_read_full(file, bytes, *plen, plen), 0);
    }
    bytes[*plen] = '\0';
    apr_file_close(file);
    return bytes;
}

static void write_file(const case_t *vector, const char *name, const char *text)
{
    apr_file_t *file;

    ck_assert_int_eq(apr_file_open(&file, path_in(vector, name),
                                   APR_WRITE | APR_CREATE | APR_TRUNCATE,
                                   APR_OS_DEFAULT, unit_pool),
                     0);
    ck_assert_int_eq(apr_file_write_full(file, text, strlen(text), NULL), 0);
    apr_file_close(file);
}

/* The expectation, where the case has one. */
static void compare(case_t *vector, const char *file, const char *found)
{
    apr_size_t len;
    const char *expected = bytes_in(vector, file, &len), *differ;

    if (!expected) {
        return;
    }
    ++vector->checks;
    if (getenv("LLMGW_UPDATE_VECTORS")) {
        write_file(vector, file, found);
        return;
    }
    differ = exchange_differ(found, expected);
    ck_assert_msg(!differ, "%s/%s, %s", vector->name, file,
                  differ ? differ : "");
}

/* ---- requests ---- */

static const char *model_for(const case_t *vector, const char *dialect)
{
    apr_size_t len;
    const char *model = bytes_in(vector, "model.txt", &len);
    int i;

    if (model) {
        return apr_pstrmemdup(unit_pool, model, strcspn(model, "\n"));
    }
    for (i = 0; models[i].dialect && strcmp(models[i].dialect, dialect); ++i) {
    }
    return models[i].model;
}

static const char *request_to(const case_t *vector, const char *body,
                              const llm_dialect_t *to)
{
    const llm_json_t *doc = exchange_json(body, strlen(body));
    const llm_dialect_t *from = exchange_dialect(vector->dialect);
    llm_op_e op = (llm_json_get(doc, "input") || llm_json_get(doc, "texts"))
                          && (from->client_ops & LLM_OP_EMBED)
                      ? LLM_OP_EMBED
                      : LLM_OP_CHAT;
    llm_problem_t *problem;
    llm_ask_t *ask;

    problem = from->read_request(&ask, op, doc, unit_pool);
    if (problem) {
        return apr_psprintf(unit_pool, "refused %s\n", problem->message);
    }
    return exchange_request(exchange_provider(to->name, NULL), ask,
                            model_for(vector, to->name));
}

static void run_request(case_t *vector, const char *body)
{
    const llm_dialect_t *const *all;
    apr_size_t count, i;

    all = llm_dialect_all(&count);
    for (i = 0; i < count; ++i) {
        if (all[i]->write_request) {
            compare(vector,
                    apr_pstrcat(unit_pool, "to-", all[i]->name, ".txt", NULL),
                    request_to(vector, body, all[i]));
        }
    }
}

/* ---- answers ---- */

static const llm_ask_t *ask_of(const case_t *vector)
{
    apr_size_t len;
    const char *body = bytes_in(vector, "ask.json", &len);
    const llm_json_t *doc;

    if (!body) {
        body = default_ask;
    }
    doc = exchange_json(body, strlen(body));
    return exchange_ask("openai",
                        llm_json_get(doc, "input") ? LLM_OP_EMBED : LLM_OP_CHAT,
                        body);
}

static unsigned seed(void)
{
    static unsigned value;
    const char *given = getenv("LLMGW_SEED");

    if (!value) {
        value = given ? (unsigned)strtoul(given, NULL, 10)
                      : (unsigned)apr_time_now();
        value = value ? value : 1;
    }
    return value;
}

static void run_cuts(const case_t *vector, const llm_ask_t *ask,
                     const char *body, apr_size_t len, const char *whole)
{
    const cuts_t cuts[] = {{1, 0}, {2, 0}, {20, seed()}, {200, seed()}};
    apr_size_t i;

    for (i = 0; i < sizeof(cuts) / sizeof(*cuts); ++i) {
        const char *found = exchange_show(
            exchange_read_stream(vector->dialect, ask, body, len, cuts[i]));

        ck_assert_msg(!strcmp(found, whole),
                      "%s cut by %d, LLMGW_SEED=%u:\n%s\nis not\n%s",
                      vector->name, (int)cuts[i].size, cuts[i].seed, found,
                      whole);
    }
}

static const char *answer_as(const case_t *vector, const char *client,
                             const llm_ask_t *ask, const char *body,
                             apr_size_t len, int is_stream)
{
    cuts_t whole = {0, 0};
    llm_problem_t *problem;
    const char *written;

    if (is_stream) {
        return exchange_write_stream(vector->dialect, client, ask, body, len,
                                     whole);
    }
    written = exchange_write(vector->dialect, client, ask, body, len, &problem);
    if (!written) {
        llm_buf_t *out = llm_buf_make(0, unit_pool);

        exchange_dialect(client)->write_problem(out, problem, "exchange1");
        written = apr_pstrmemdup(unit_pool, out->data, out->len);
    }
    return apr_pstrcat(unit_pool, written, "\n", NULL);
}

static void run_answer(case_t *vector, const char *body, apr_size_t len,
                       int is_stream)
{
    const llm_ask_t *ask = ask_of(vector);
    const llm_dialect_t *const *all;
    cuts_t whole = {0, 0};
    apr_size_t count, i;
    const char *shown;

    shown = exchange_show(
        is_stream ? exchange_read_stream(vector->dialect, ask, body, len, whole)
                  : exchange_read(vector->dialect, ask, body, len));
    if (is_stream) {
        run_cuts(vector, ask, body, len, shown);
    }
    compare(vector, "reads.txt", shown);
    all = llm_dialect_all(&count);
    for (i = 0; i < count; ++i) {
        if (all[i]->client_ops & (unsigned)ask->op) {
            compare(vector,
                    apr_pstrcat(unit_pool, "as-", all[i]->name, ".txt", NULL),
                    answer_as(vector, all[i]->name, ask, body, len, is_stream));
        }
    }
}

/* ---- cases ---- */

static void run_case(case_t *vector)
{
    apr_size_t len;
    const char *about = bytes_in(vector, "about.txt", &len);
    const char *body;

    ck_assert_msg(about && len > 10, "%s: no about.txt", vector->name);
    body = bytes_in(vector, "request.json", &len);
    if (body) {
        vector->is_request = 1;
        run_request(vector, body);
    }
    body = bytes_in(vector, "response.json", &len);
    if (body) {
        vector->is_answer = 1;
        run_answer(vector, body, len, 0);
    }
    body = bytes_in(vector, "stream.txt", &len);
    if (body) {
        vector->is_answer = 1;
        run_answer(vector, body, len, 1);
    }
    body = bytes_in(vector, "events.txt", &len);
    if (body) {
        llm_buf_t *messages = llm_buf_make(0, unit_pool);

        messages_put_lines(messages, body);
        vector->is_answer = 1;
        run_answer(vector, messages->data, messages->len, 1);
    }
    ck_assert_msg(vector->checks > 0, "%s: checks nothing", vector->name);
}

static void run_dialect(const llm_dialect_t *dialect)
{
    const char *root = apr_pstrcat(unit_pool, unit_source_dir(), "/vectors/",
                                   dialect->name, NULL);
    int requests = 0, answers = 0;
    apr_finfo_t info;
    apr_dir_t *dir;

    ck_assert_msg(!apr_dir_open(&dir, root, unit_pool),
                  "%s has no vectors: there is no %s", dialect->name, root);
    while (!apr_dir_read(&info, APR_FINFO_NAME, dir)) {
        case_t vector = {dialect->name, NULL, NULL, 0, 0, 0};
        apr_pool_t *outer = unit_pool;

        if (*info.name == '.') {
            continue;
        }
        apr_pool_create(&unit_pool, outer);
        vector.name =
            apr_pstrcat(unit_pool, dialect->name, "/", info.name, NULL);
        vector.dir = apr_pstrcat(unit_pool, root, "/", info.name, NULL);
        run_case(&vector);
        requests += vector.is_request;
        answers += vector.is_answer;
        apr_pool_destroy(unit_pool);
        unit_pool = outer;
    }
    apr_dir_close(dir);
    ck_assert_msg(requests || !dialect->read_request,
                  "%s: no vector of a client's request", dialect->name);
    ck_assert_msg(answers || !dialect->read_response,
                  "%s: no vector of a provider's answer", dialect->name);
}

START_TEST(every_dialect)
{
    apr_size_t count;
    const llm_dialect_t *const *all = llm_dialect_all(&count);

    printf("# LLMGW_SEED=%u\n", seed());
    run_dialect(all[_i]);
}
END_TEST

Suite *vectors_suite(void)
{
    Suite *suite = suite_create("vectors");
    TCase *tcase = tcase_create("vectors");
    apr_size_t count;

    llm_dialect_all(&count);
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, every_dialect, 0, (int)count);
    suite_add_tcase(suite, tcase);
    return suite;
}
