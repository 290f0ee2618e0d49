/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchanges of a dialect whose paths name the model (Gemini's): the model and
 * the framing come from the path, and tokens may be counted without asking.
 */
#include <string.h>

#include <apr_strings.h>

#include "core/llm_json.h"
#include "flow/flow.h"
#include "test/unit/unit.h"

static llm_provider_t providers[2];
static llm_policy_t policy;
static llm_exchange_t *x;
static llm_line_t line;

static void set_provider(int i, const char *dialect)
{
    memset(&providers[i], 0, sizeof(providers[i]));
    providers[i].name = dialect;
    providers[i].dialect = llm_dialect_find(dialect);
    ck_assert_ptr_null(llm_provider_set_url(
        &providers[i], providers[i].dialect->default_url, unit_pool));
}

static void open_all(void)
{
    llm_model_t *model;
    int i;

    unit_pool_open();
    memset(&policy, 0, sizeof(policy));
    policy.models = apr_array_make(unit_pool, 2, sizeof(llm_model_t *));
    policy.answer_limit = 1 << 20;
    set_provider(0, "gemini");
    set_provider(1, "openai");
    for (i = 0; i < 2; ++i) {
        llm_target_t *target = apr_pcalloc(unit_pool, sizeof(*target));

        model = apr_pcalloc(unit_pool, sizeof(*model));
        model->name = providers[i].name;
        model->targets = apr_array_make(unit_pool, 1, sizeof(llm_target_t *));
        target->provider = &providers[i];
        target->model = "served";
        target->weight = 100;
        APR_ARRAY_PUSH(model->targets, llm_target_t *) = target;
        APR_ARRAY_PUSH((apr_array_header_t *)policy.models, llm_model_t *) =
            model;
    }
}

static void begin(llm_op_e op, const char *model, const char *body)
{
    memset(&line, 0, sizeof(line));
    line.op = op;
    line.model = model;
    line.method =
        op == LLM_OP_COUNT ? ":countTokens" : ":streamGenerateContent";
    line.stream = line.as_array = op == LLM_OP_CHAT;
    x = llm_exchange_make(&policy, 500, unit_pool);
    x->request_id = "req_test";
    x->client = llm_dialect_find("gemini");
    x->op = op;
    x->line = &line;
    x->headers_in = apr_table_make(unit_pool, 4);
    x->raw.data = body;
    x->raw.len = strlen(body);
}

static const char question[] = "{\"contents\":[{\"parts\":[{\"text\":\"one two"
                               "\"}]}],\"stream\":\"is no member here\"}";

#define CHUNK(text, more)                                                      \
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" text        \
    "\"}]}" more "}],\"usageMetadata\":{\"promptTokenCount\":3,"               \
    "\"candidatesTokenCount\":2}}\r\n\r\n"

/* What the client gets of a stream that came in pieces of `step` bytes. */
static const llm_json_t *stream(const char *text, apr_size_t step)
{
    llm_attempt_t *attempt = llm_flow_next(x, 1000);
    llm_buf_t *got = llm_buf_make(0, unit_pool);
    apr_size_t len = strlen(text), at;
    const llm_json_t *doc = NULL;

    ck_assert_ptr_nonnull(attempt);
    ck_assert_str_eq(attempt->request.path,
                     "/v1beta/models/served:streamGenerateContent?alt=sse");
    for (at = 0; at < len; at += step) {
        llm_attempt_feed(attempt, text + at, len - at < step ? len - at : step,
                         2000);
    }
    llm_attempt_close(attempt, 3000);
    ck_assert(x->reply.ready);
    ck_assert_str_eq(x->reply.content_type, "application/json");
    llm_buf_append(got, x->out->data, x->out->len);
    ck_assert_msg(!llm_json_read(&doc, got->data, got->len, NULL, unit_pool),
                  "%.*s", (int)got->len, got->data);
    ck_assert_int_eq(doc->type, LLM_JSON_ARRAY);
    return doc;
}

#define HEAD                                                                   \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"                   \
    "Connection: close\r\n\r\n"

START_TEST(passed_events_become_one_array)
{
    static const char answer[] =
        HEAD CHUNK("a\\u0000", "") ": a sign of life\r\n\r\n" CHUNK(
            "b", ",\"finishReason\":\"STOP\"");
    static const apr_size_t steps[] = {1, 7, 100000};
    llm_record_t record;
    apr_size_t i;

    for (i = 0; i < 3; ++i) {
        const llm_json_t *doc;

        begin(LLM_OP_CHAT, "gemini", question);
        ck_assert_ptr_null(llm_flow_begin(x));
        ck_assert_int_eq(x->stream, 1);
        doc = stream(answer, steps[i]);
        ck_assert_uint_eq(doc->count, 2);
        ck_assert_ptr_nonnull(
            memchr(doc->child->raw.data, '\\', doc->child->raw.len));
        llm_flow_record(x, &record, 4000);
        ck_assert_str_eq(record.finish, "stop");
        ck_assert_int_eq(llm_usage_total(&record.usage), 5);
    }
}
END_TEST

START_TEST(an_array_that_breaks_off_ends_with_an_error)
{
    const llm_json_t *doc;

    begin(LLM_OP_CHAT, "gemini", question);
    ck_assert_ptr_null(llm_flow_begin(x));
    doc = stream(HEAD CHUNK("a", ""), 50);
    ck_assert_uint_eq(doc->count, 2);
    ck_assert_ptr_nonnull(llm_json_get(llm_json_at(doc, 1), "error"));
    ck_assert_ptr_nonnull(x->problem);
}
END_TEST

START_TEST(tokens_are_counted_without_asking)
{
    llm_record_t record;

    begin(LLM_OP_COUNT, "openai",
          "{\"generateContentRequest\":{\"contents\":[{\"parts\":[{\"text\":"
          "\"one two\"}]}]}}");
    ck_assert_ptr_null(llm_flow_begin(x));
    ck_assert_ptr_null(llm_flow_next(x, 1000));
    ck_assert(x->reply.ready && x->reply.whole);
    ck_assert_str_eq(apr_table_get(x->reply.headers, "x-llm-estimated"),
                     "tokens");
    ck_assert_ptr_nonnull(strstr(
        apr_pstrmemdup(unit_pool, x->out->data, x->out->len), "totalTokens"));
    llm_flow_record(x, &record, 2000);
    ck_assert_str_eq(record.op, "count");
    ck_assert_int_eq(llm_usage_total(&record.usage), 0);
    ck_assert_int_eq(record.attempts, 0);
    ck_assert_int_eq(record.cost, 0);

    begin(LLM_OP_COUNT, "openai", "{\"contents\":7}");
    ck_assert_str_eq(llm_flow_begin(x)->param, "contents");
}
END_TEST

START_TEST(a_name_in_a_path_is_a_name)
{
    begin(LLM_OP_CHAT, "ge\nmini", question);
    ck_assert_str_eq(llm_flow_begin(x)->param, "model");
    begin(LLM_OP_CHAT, "", question);
    ck_assert_str_eq(llm_flow_begin(x)->param, "model");
}
END_TEST

Suite *lines_suite(void)
{
    Suite *suite = suite_create("lines");
    TCase *tcase = tcase_create("lines");

    tcase_add_checked_fixture(tcase, open_all, unit_pool_close);
    tcase_add_test(tcase, passed_events_become_one_array);
    tcase_add_test(tcase, an_array_that_breaks_off_ends_with_an_error);
    tcase_add_test(tcase, tokens_are_counted_without_asking);
    tcase_add_test(tcase, a_name_in_a_path_is_a_name);
    suite_add_tcase(suite, tcase);
    return suite;
}
