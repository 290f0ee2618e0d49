/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real traffic: recorded exchanges of providers, read and translated.
 *
 * They are not part of the project. LLMGW_RECORDED names their folder; else
 * shared/recorded beside the source tree is looked at; where neither is there
 * the tests are skipped, and say so. A file is
 * {"api","request":{"body"},"response":{"status","headers","body"}}.
 *
 * Of each answer it is checked, against the bytes and not against our reader,
 * that no text and no argument is lost and that the counts are those of the
 * file; and that the answer reads the same after it was written for a client
 * of each dialect and read back. Requests are read and written for other
 * dialects; one that is refused is named with its reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_base64.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "test/unit/dialect/exchange.h"
#include "test/unit/dialect/truth.h"
#include "test/unit/messages.h"
#include "test/unit/unit.h"

static const char *folder(void)
{
    const char *name = getenv("LLMGW_RECORDED");
    apr_finfo_t info;

    if (!name) {
        name = apr_pstrcat(unit_pool, unit_source_dir(),
                           "/../../shared/recorded", NULL);
    }
    if (apr_stat(&info, name, APR_FINFO_TYPE, unit_pool)
        || info.filetype != APR_DIR) {
        printf("# recorded exchanges: skipped, there is no folder %s\n", name);
        return NULL;
    }
    return name;
}

/* ---- the files ---- */

typedef struct recorded_t {
    const char *name; /* folder/file */
    const char *api;
    const char *dialect;       /* of ours that speaks it */
    const llm_json_t *request; /* body, or NULL */
    int status;
    const char *body; /* of the response */
    apr_size_t len;
    int is_stream;
} recorded_t;

/* How an api's name ends and which dialect that is. */
static const struct {
    const char *end, *dialect;
} apis[] = {
    {"enerateContent", "gemini"}, /* Gemini and Vertex, streams too */
    {"hf.text-generation", "huggingface-inference"},
    {"hf.chat", "huggingface"},
    {"bedrock.converse", "bedrock"},
    {"bedrock.converse-stream", "bedrock"},
    {"cohere.chat", "cohere"},
    {"ollama.chat", "ollama"},
    {".completions", "openai-completions"},
    {".chat", "openai"},
    {"openai-chat", "openai"},
    {"anthropic.messages", "anthropic"},
    {".responses", "openai-responses"},
    {NULL, NULL},
};

static const char *dialect_of(const char *api)
{
    apr_size_t len = strlen(api);
    int i;

    for (i = 0; apis[i].end; ++i) {
        apr_size_t end = strlen(apis[i].end);

        if (len >= end && !strcmp(api + len - end, apis[i].end)) {
            return apis[i].dialect;
        }
    }
    return NULL;
}

static const char *read_file(apr_size_t *plen, const char *path)
{
    apr_file_t *file;
    apr_finfo_t info;
    char *bytes;

    ck_assert_int_eq(apr_file_open(&file, path, APR_READ, 0, unit_pool), 0);
    ck_assert_int_eq(apr_file_info_get(&info, APR_FINFO_SIZE, file), 0);
    *plen = (apr_size_t)info.size;
    bytes = apr_palloc(unit_pool, *plen + 1);
    ck_assert_int_eq(apr_file_read_full(file, bytes, *plen, plen), 0);
    bytes[*plen] = '\0';
    apr_file_close(file);
    return bytes;
}

static int is_json(const char *body)
{
    body += strspn(body, " \t\r\n");
    return *body == '{' || *body == '[';
}

/* One document, or one a line? */
static int has_lines(const llm_json_t *response)
{
    const char *type = llm_json_string(
        llm_json_path(response, "headers", "content-type", NULL), unit_pool);

    return type && strstr(type, "ndjson");
}

/* A body that is no text. */
static llm_bytes_t binary_in(const llm_json_t *response)
{
    llm_bytes_t bytes = {NULL, 0};
    const char *base64 =
        llm_json_string(llm_json_get(response, "body_base64"), unit_pool);
    char *plain;

    if (base64) {
        plain = apr_palloc(unit_pool,
                           (apr_size_t)apr_base64_decode_len(base64) + 1);
        bytes.len = (apr_size_t)apr_base64_decode(plain, base64);
        bytes.data = plain;
    }
    return bytes;
}

/* 0 where it is not for us: another dialect. */
static int load(recorded_t *recorded, const char *path)
{
    apr_size_t len;
    const char *bytes = read_file(&len, path);
    const llm_json_t *doc = exchange_json(bytes, len);
    const llm_json_t *response = llm_json_get(doc, "response");
    llm_text_t body = llm_json_text(llm_json_get(response, "body"));
    apr_int64_t status = 200;
    llm_bytes_t plain;

    memset(recorded, 0, sizeof(*recorded));
    recorded->api = llm_json_string(llm_json_get(doc, "api"), unit_pool);
    recorded->dialect = dialect_of(recorded->api);
    plain = body.data ? llm_text_decode(body, unit_pool) : binary_in(response);
    if (!recorded->dialect || !plain.data) {
        return 0;
    }
    recorded->body = apr_pstrmemdup(unit_pool, plain.data, plain.len);
    recorded->len = plain.len;
    recorded->is_stream = !is_json(recorded->body) || has_lines(response);
    llm_json_int(llm_json_get(response, "status"), &status);
    recorded->status = (int)status;
    recorded->request = llm_json_path(doc, "request", "body", NULL);
    return 1;
}

typedef void each_fn(const recorded_t *recorded, void *baton);

/* One file with a pool of its own. */
static void run_file(const char *dir, const char *name, each_fn *each,
                     void *baton)
{
    apr_pool_t *outer = unit_pool;
    recorded_t recorded;

    apr_pool_create(&unit_pool, outer);
    if (load(&recorded, apr_pstrcat(unit_pool, dir, "/", name, NULL))) {
        recorded.name = name;
        each(&recorded, baton);
    }
    apr_pool_destroy(unit_pool);
    unit_pool = outer;
}

static void run_folder(const char *dir, each_fn *each, void *baton)
{
    apr_finfo_t info;
    apr_dir_t *files;

    ck_assert_int_eq(apr_dir_open(&files, dir, unit_pool), 0);
    while (!apr_dir_read(&info, APR_FINFO_NAME, files)) {
        apr_size_t len = strlen(info.name);

        if (len > 5 && !strcmp(info.name + len - 5, ".json")) {
            run_file(dir, info.name, each, baton);
        }
    }
    apr_dir_close(files);
}

static void run_all(each_fn *each, void *baton)
{
    const char *root = folder();
    apr_finfo_t info;
    apr_dir_t *dirs;

    if (!root) {
        return;
    }
    ck_assert_int_eq(apr_dir_open(&dirs, root, unit_pool), 0);
    while (!apr_dir_read(&info, APR_FINFO_NAME | APR_FINFO_TYPE, dirs)) {
        if (info.filetype == APR_DIR && *info.name != '.') {
            run_folder(apr_pstrcat(unit_pool, root, "/", info.name, NULL), each,
                       baton);
        }
    }
    apr_dir_close(dirs);
}

/* ---- answers ---- */

static const char tools_ask[] =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
    "\"stream_options\":{\"include_usage\":true},\"tools\":[{\"type\":"
    "\"function\",\"function\":{\"name\":\"any\"}}]}";

static answer_t *read_recorded(const recorded_t *recorded, const llm_ask_t *ask,
                               cuts_t cuts)
{
    return recorded->is_stream ? exchange_read_stream(
               recorded->dialect, ask, recorded->body, recorded->len, cuts)
                               : exchange_read(recorded->dialect, ask,
                                               recorded->body, recorded->len);
}

static void same_bytes(const recorded_t *recorded, const char *what,
                       const char *found, apr_size_t found_len,
                       const llm_buf_t *truth)
{
    apr_size_t len = truth->len;

    /* the token that ends a text is none of it (TGI 2) */
    if (len >= 4 && found_len + 4 == len
        && !memcmp(truth->data + len - 4, "</s>", 4)) {
        len -= 4;
    }
    ck_assert_msg(
        found_len == len && (!len || !memcmp(found, truth->data, len)),
        "%s: %s: %.*s\nis not: %.*s", recorded->name, what,
        (int)(found_len < 1000 ? found_len : 1000), found ? found : "",
        (int)(len < 1000 ? len : 1000), truth->data ? truth->data : "");
}

static void check_counts(const recorded_t *recorded, const truth_t *truth,
                         const llm_usage_t *usage)
{
    double input = (double)llm_usage_input(usage);
    double output = (double)llm_usage_output(usage);
    /* reasoning that completion_tokens leaves out */
    double beyond = truth->total - truth->input - truth->output;

    if (!truth->usage) {
        ck_assert_msg(!usage->known, "%s: usage from nowhere", recorded->name);
        return;
    }
    ck_assert_msg(!(input < truth->input) && !(input > truth->input),
                  "%s: input %g is not %g", recorded->name, input,
                  truth->input);
    ck_assert_msg(!(output < truth->output)
                      && !(output > truth->output + (beyond > 0 ? beyond : 0)),
                  "%s: output %g is not %g", recorded->name, output,
                  truth->output);
}

static void check_args(const recorded_t *recorded, const said_t *said)
{
    int i;

    for (i = 0; i < said->calls->nelts; ++i) {
        const llm_buf_t *args = APR_ARRAY_IDX(said->calls, i, said_call_t).args;
        const llm_json_t *doc;

        ck_assert_msg(
            !args->len
                || !llm_json_read(&doc, args->data, args->len, NULL, unit_pool),
            "%s: arguments are no JSON: %.*s", recorded->name, (int)args->len,
            args->data);
    }
}

/* Does the file break off, or hold two answers spliced into one? */
static int is_broken(const recorded_t *recorded)
{
    const char *start = strstr(recorded->body, "\"message_start\",");

    return start && strstr(start + 1, "\"message_start\",");
}

static void check_truth(const recorded_t *recorded, const answer_t *seen)
{
    const said_t *said = &seen->choices[0];
    llm_buf_t *args = llm_buf_make(0, unit_pool);
    llm_bytes_t text;
    truth_t truth;
    int i;

    truth_of(&truth, recorded->dialect, recorded->body, recorded->len,
             recorded->is_stream);
    text = llm_text_decode((llm_text_t){said->text->data, said->text->len},
                           unit_pool);
    same_bytes(recorded, "text", text.data, text.len, truth.text);
    for (i = 0; i < said->calls->nelts; ++i) {
        const llm_buf_t *one = APR_ARRAY_IDX(said->calls, i, said_call_t).args;

        truth_put_args(args, recorded->dialect, one);
    }
    if (truth_has_args(recorded->dialect, recorded->is_stream)) {
        same_bytes(recorded, "arguments", args->data, args->len, truth.args);
    }
    check_counts(recorded, &truth, &seen->usage);
    if (!seen->problem) {
        ck_assert_msg(said->finish != LLM_FINISH_NONE, "%s: no finish",
                      recorded->name);
    }
    if (!seen->problem && !is_broken(recorded)) {
        check_args(recorded, said);
    }
}

static void check_cuts(const recorded_t *recorded, const llm_ask_t *ask,
                       const char *whole)
{
    unsigned seed = (unsigned)recorded->len + 1;
    const cuts_t cuts[] = {{1, 0}, {3, 0}, {50, seed}, {2000, seed}};
    apr_size_t i;

    for (i = 0; i < sizeof(cuts) / sizeof(*cuts); ++i) {
        const char *cut = exchange_show(read_recorded(recorded, ask, cuts[i]));

        ck_assert_msg(!strcmp(cut, whole),
                      "%s cut by %d, seed %u:\n%s\nis not\n%s", recorded->name,
                      (int)cuts[i].size, cuts[i].seed, cut, whole);
    }
}

static answer_t *read_back(const char *client, const llm_ask_t *ask,
                           const char *stream)
{
    llm_buf_t *bytes = llm_buf_make(0, unit_pool);
    cuts_t whole = {0, 0};

    if (exchange_dialect(client)->framing == LLM_FRAMING_EVENTSTREAM) {
        messages_put_lines(bytes, stream);
    }
    else {
        llm_buf_puts(bytes, stream);
    }
    return exchange_read_stream(client, ask, bytes->data, bytes->len, whole);
}

/* Written for a client of this dialect and read back. */
static void check_round(const recorded_t *recorded, const llm_ask_t *ask,
                        const answer_t *seen, const char *client)
{
    cuts_t whole = {0, 0};
    llm_problem_t *problem = NULL;
    const char *written, *differ;
    answer_t *back, wanted = *seen;

    if (recorded->is_stream) {
        written = exchange_write_stream(recorded->dialect, client, ask,
                                        recorded->body, recorded->len, whole);
        back = read_back(client, ask, written);
    }
    else {
        written = exchange_write(recorded->dialect, client, ask, recorded->body,
                                 recorded->len, &problem);
        ck_assert_ptr_null(problem);
        back = exchange_read(client, ask, written, strlen(written));
    }
    if (!wanted.usage.known || wanted.problem) {
        memset(&wanted.usage, 0, sizeof(wanted.usage)); /* not told, or late */
        memset(&back->usage, 0, sizeof(back->usage));
    }
    if (wanted.problem) { /* what came before a failure has no finish */
        wanted.choices[0].finish = back->choices[0].finish;
        wanted.choices[0].stop_sequence = NULL;
    }
    differ = exchange_differ(exchange_show_for(back, client),
                             exchange_show_for(&wanted, client));
    ck_assert_msg(!differ, "%s as %s, %s", recorded->name, client,
                  differ ? differ : "");
}

static void check_answer(const recorded_t *recorded, void *baton)
{
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, tools_ask);
    cuts_t whole = {0, 0};
    answer_t *seen;

    if (recorded->status >= 400) {
        return;
    }
    ++*(int *)baton;
    seen = read_recorded(recorded, ask, whole);
    check_truth(recorded, seen);
    if (recorded->is_stream) {
        check_cuts(recorded, ask, exchange_show(seen));
    }
    ck_assert_msg(recorded->is_stream || !seen->problem, "%s: %s",
                  recorded->name, seen->problem ? seen->problem->message : "");
    check_round(recorded, ask, seen, "openai");
    check_round(recorded, ask, seen, "anthropic");
    if (!is_broken(recorded)) { /* half of a call's arguments are no object */
        check_round(recorded, ask, seen, "gemini");
    }
    check_round(recorded, ask, seen, "openai-responses");
    check_round(recorded, ask, seen, "cohere");
    if (!is_broken(recorded)) {
        check_round(recorded, ask, seen, "bedrock");
    }
    if (!is_broken(recorded)) {
        check_round(recorded, ask, seen, "ollama");
    }
}

START_TEST(answers)
{
    int count = 0;

    run_all(check_answer, &count);
    printf("# recorded answers: %d\n", count);
}
END_TEST

/* ---- errors ---- */

static void check_error(const recorded_t *recorded, void *baton)
{
    llm_bytes_t body = {recorded->body, recorded->len};
    const llm_json_t *doc = NULL;
    llm_problem_t *problem;

    if (recorded->status < 400) {
        return;
    }
    ++*(int *)baton;
    llm_json_read(&doc, body.data, body.len, NULL, unit_pool);
    problem = exchange_dialect(recorded->dialect)
                  ->read_problem(recorded->status, NULL, doc, body, unit_pool);
    ck_assert_int_eq(problem->status, recorded->status);
    ck_assert_int_eq(problem->from_upstream, 1);
    ck_assert_msg(*problem->message && !strstr(problem->message, "with status"),
                  "%s: %s", recorded->name, problem->message);
}

START_TEST(errors)
{
    int count = 0;

    run_all(check_error, &count);
    printf("# recorded errors: %d\n", count);
}
END_TEST

/* ---- requests ---- */

static void check_refusal(const recorded_t *recorded, const llm_ask_t *ask,
                          const char *provider)
{
    const char *written =
        exchange_request(exchange_provider(provider, NULL), ask, ask->model);

    if (!strncmp(written, "refused", 7)) {
        printf("# %s to %s: %s", recorded->name, provider, written);
    }
}

static void check_request(const recorded_t *recorded, void *baton)
{
    const llm_dialect_t *dialect = exchange_dialect(recorded->dialect);
    llm_problem_t *problem;
    llm_ask_t *ask;

    if (!llm_json_is(recorded->request, LLM_JSON_OBJECT)
        || (!llm_json_get(recorded->request, "messages")
            && strcmp(recorded->dialect, "openai-responses") != 0)
        || (!dialect->read_request && !dialect->speaks)) {
        return;
    }
    ++*(int *)baton;
    if (!dialect->read_request) {
        dialect = exchange_dialect(dialect->speaks);
    }
    problem =
        dialect->read_request(&ask, LLM_OP_CHAT, recorded->request, unit_pool);
    if (problem && !llm_json_get(recorded->request, "model")) {
        return; /* its model is in its URL */
    }
    if (problem && problem->param && problem->code
        && !strcmp(problem->code, "unsupported_parameter")) {
        printf("# %s to any other: refused %s: %s\n", recorded->name,
               problem->param, problem->message);
        return; /* only its own provider has it */
    }
    ck_assert_msg(!problem, "%s: %s", recorded->name,
                  problem ? problem->message : "");
    check_refusal(recorded, ask,
                  strcmp(dialect->name, "openai") ? "openai" : "anthropic");
    check_refusal(recorded, ask, "gemini");
    check_refusal(recorded, ask, "bedrock");
    check_refusal(recorded, ask, "cohere");
    check_refusal(recorded, ask, "ollama");
}

START_TEST(requests)
{
    int count = 0;

    run_all(check_request, &count);
    printf("# recorded requests: %d\n", count);
}
END_TEST

Suite *recorded_suite(void)
{
    Suite *suite = suite_create("recorded");
    TCase *tcase = tcase_create("recorded");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, answers);
    tcase_add_test(tcase, errors);
    tcase_add_test(tcase, requests);
    suite_add_tcase(suite, tcase);
    return suite;
}
