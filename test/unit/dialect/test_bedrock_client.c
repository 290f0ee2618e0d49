/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that speak Bedrock's Converse: paths, requests that pass, hidden
 * thinking, errors and their headers, counting; and what a provider's error
 * says. What becomes of each member of a request is in test/vectors/bedrock.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/bedrock_internal.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static llm_line_t *line_of(const char *path, llm_problem_t **pproblem)
{
    llm_line_t *line = NULL;

    *pproblem = NULL;
    return llm_bedrock_read_line(&line, pproblem, path, NULL, unit_pool) ? line
                                                                         : NULL;
}

START_TEST(paths_say_what_is_asked)
{
    static const struct {
        const char *path, *model;
        llm_op_e op;
        int stream;
    } rows[] = {
        {"/model/anthropic.claude-v2:1/converse", "anthropic.claude-v2:1",
         LLM_OP_CHAT, 0},
        {"/model/smart/converse-stream", "smart", LLM_OP_CHAT, 1},
        {"/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.x/converse",
         "arn:aws:bedrock:us-east-1:1:inference-profile/us.x", LLM_OP_CHAT, 0},
        {"/model/a/converse/converse", "a/converse", LLM_OP_CHAT, 0},
        {"/model/x/count-tokens", "x", LLM_OP_COUNT, 0},
    };
    static const char *const others[] = {"/model/x",
                                         "/model/",
                                         "/model/converse",
                                         "/model//converse",
                                         "/models/x",
                                         "/model/x/convert",
                                         "/v1/model/x/converse"};
    llm_problem_t *problem;
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_line_t *line = line_of(rows[i].path, &problem);

        ck_assert_msg(line && !problem, "%s", rows[i].path);
        ck_assert_str_eq(line->model, rows[i].model);
        ck_assert_int_eq(line->op, rows[i].op);
        ck_assert_int_eq(line->stream, rows[i].stream);
    }
    for (i = 0; i < sizeof(others) / sizeof(*others); ++i) {
        ck_assert_msg(!line_of(others[i], &problem), "%s", others[i]);
    }
}
END_TEST

START_TEST(invoke_is_told_where_it_is_served)
{
    static const char *const paths[] = {
        "/model/x/invoke", "/model/a/b/invoke-with-response-stream"};
    llm_problem_t *problem;
    int i;

    for (i = 0; i < 2; ++i) {
        ck_assert_ptr_nonnull(line_of(paths[i], &problem));
        ck_assert_int_eq(problem->status, 404);
        ck_assert_ptr_nonnull(
            strstr(problem->message,
                   apr_pstrcat(unit_pool, "/PROVIDER", paths[i], NULL)));
    }
}
END_TEST

START_TEST(bytes_pass_and_the_model_is_in_the_path)
{
    static const char body[] =
        "{ \"x\":1.0, \"x\":\"\\u0000\",\"model\":\"a\"}";
    static const struct {
        const char *url, *model, *path;
    } rows[] = {
        {NULL, "us.anthropic.claude-v2:1",
         "/model/us.anthropic.claude-v2%3A1/converse-stream"},
        {"https://h/proxy/", "arn:aws:x/y@z",
         "/proxy/model/arn%3Aaws%3Ax%2Fy%40z/converse-stream"},
    };
    llm_bytes_t raw = {body, sizeof(body) - 1};
    llm_problem_t *problem;
    llm_request_t req;
    int hide = 1, i;

    memset(&req, 0, sizeof(req));
    for (i = 0; i < 2; ++i) {
        req.headers = apr_table_make(unit_pool, 2);
        req.line = line_of("/model/a/converse-stream", &problem);
        ck_assert_ptr_null(llm_bedrock_pass_request(
            &req, LLM_OP_CHAT, raw, rows[i].model,
            exchange_provider("bedrock", rows[i].url), &hide, unit_pool));
        ck_assert_int_eq(hide, 0);
        ck_assert_str_eq(req.path, rows[i].path);
        ck_assert_int_eq(req.body_count, 1);
        ck_assert_ptr_eq(req.body->data, body);
        ck_assert_uint_eq(req.body->len, sizeof(body) - 1);
    }
    problem = llm_bedrock_pass_request(&req, LLM_OP_CHAT, raw, "../x",
                                       exchange_provider("bedrock", NULL),
                                       &hide, unit_pool);
    ck_assert_str_eq(problem->param, "model");
}
END_TEST

/* SDKs decode what is hidden, and encode it again. */
START_TEST(hidden_thinking_comes_back_as_it_was)
{
    static const struct {
        const char *hidden, *sent;
    } rows[] = {
        {"EmwKAhgB", "EmwKAhgB"}, /* base64 passes */
        {"QQ==", "QQ=="},
        {"QUI=", "QUI="},
        {"QR==", "bGxtZ3c6cjp4UVI9PQ=="}, /* but for this, which would change */
        {"openai#rs_1#gAAA", "bGxtZ3c6cjp4b3BlbmFpI3JzXzEjZ0FBQQ=="},
        {"A\\u00e9=\\\"", "bGxtZ3c6cjp4QcOpPSI="},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        llm_text_t hidden = {rows[i].hidden, strlen(rows[i].hidden)};
        llm_text_t sent = llm_bedrock_wrap(hidden, unit_pool);
        llm_bytes_t plain = llm_text_decode(hidden, unit_pool), back;

        ck_assert_str_eq(apr_pstrmemdup(unit_pool, sent.data, sent.len),
                         rows[i].sent);
        back = llm_text_decode(llm_bedrock_unwrap(sent, unit_pool), unit_pool);
        ck_assert_uint_eq(back.len, plain.len);
        ck_assert_int_eq(memcmp(back.data, plain.data, plain.len), 0);
    }
}
END_TEST

START_TEST(errors_have_their_name_in_a_header)
{
    static const struct {
        llm_problem_e kind;
        const char *type, *in_stream;
    } rows[] = {
        {LLM_PROBLEM_BAD_REQUEST, "ValidationException", "validationException"},
        {LLM_PROBLEM_UNAUTHORIZED, "AccessDeniedException",
         "validationException"},
        {LLM_PROBLEM_PAYMENT, "ServiceQuotaExceededException",
         "validationException"},
        {LLM_PROBLEM_NOT_FOUND, "ResourceNotFoundException",
         "validationException"},
        {LLM_PROBLEM_RATE_LIMITED, "ThrottlingException",
         "throttlingException"},
        {LLM_PROBLEM_INTERNAL, "InternalServerException",
         "internalServerException"},
        {LLM_PROBLEM_UPSTREAM, "InternalServerException",
         "modelStreamErrorException"},
        {LLM_PROBLEM_UNAVAILABLE, "ServiceUnavailableException",
         "serviceUnavailableException"},
        {LLM_PROBLEM_OVERLOADED, "ServiceUnavailableException",
         "serviceUnavailableException"},
        {LLM_PROBLEM_TIMEOUT, "ModelTimeoutException",
         "modelStreamErrorException"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        llm_problem_t *problem =
            llm_problem_make(rows[i].kind, unit_pool, "it \"failed\"");
        apr_table_t *headers = apr_table_make(unit_pool, 2);
        llm_buf_t *out = llm_buf_make(0, unit_pool);

        llm_bedrock_add_reply_headers(headers, problem, "id1");
        ck_assert_str_eq(apr_table_get(headers, "x-amzn-errortype"),
                         rows[i].type);
        ck_assert_str_eq(apr_table_get(headers, "x-amzn-requestid"), "id1");
        llm_bedrock_write_problem(out, problem, "id1");
        ck_assert(llm_bedrock_is_problem(exchange_json(out->data, out->len)));
        llm_buf_clear(out);
        llm_bedrock_write_stream_problem(out, problem, "id1");
        ck_assert_str_eq(exchange_stream_text("bedrock", out),
                         apr_pstrcat(unit_pool, rows[i].in_stream,
                                     " {\"message\":\"it \\\"failed\\\"\"}\n",
                                     NULL));
    }
}
END_TEST

START_TEST(the_providers_own_headers_stay)
{
    apr_table_t *headers = apr_table_make(unit_pool, 2);

    apr_table_setn(headers, "x-amzn-RequestId", "theirs");
    apr_table_setn(headers, "X-Amzn-ErrorType", "ValidationException:http://x");
    llm_bedrock_add_reply_headers(
        headers, llm_problem_make(LLM_PROBLEM_INTERNAL, unit_pool, "x"), "id");
    ck_assert_str_eq(apr_table_get(headers, "x-amzn-requestid"), "theirs");
    ck_assert_str_eq(apr_table_get(headers, "x-amzn-errortype"),
                     "ValidationException:http://x");
    ck_assert_int_eq(apr_table_elts(headers)->nelts, 2);
}
END_TEST

START_TEST(tokens_are_counted)
{
    static const char body[] =
        "{\"input\":{\"converse\":{\"system\":[{\"text\":\"s\"}],\"messages\":["
        "{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}]}}}";
    static const char invoke[] =
        "{\"input\":{\"invokeModel\":{\"body\":\"e30=\"}}}";
    const llm_ask_t *ask = exchange_ask("bedrock", LLM_OP_COUNT, body);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_answer_t answer = {.tokens = 42};
    llm_problem_t *problem;
    llm_ask_t *other;

    ck_assert_int_eq(ask->turns->role, LLM_ROLE_SYSTEM);
    ck_assert_int_eq(ask->turns->next->role, LLM_ROLE_USER);
    llm_bedrock_write_response(out, ask, &answer, unit_pool);
    llm_buf_putc(out, '\0');
    ck_assert_str_eq(out->data, "{\"inputTokens\":42}");
    problem = llm_bedrock_read_request(
        &other, LLM_OP_COUNT, exchange_json(invoke, sizeof(invoke) - 1),
        unit_pool);
    ck_assert_str_eq(problem->param, "input.invokeModel");
    problem = llm_bedrock_read_request(&other, LLM_OP_COUNT,
                                       exchange_json("{}", 2), unit_pool);
    ck_assert_str_eq(problem->param, "input.converse");
}
END_TEST

/* ---- a provider's errors ---- */

static const llm_problem_t *problem_of(int status, const char *type,
                                       const char *body)
{
    llm_bytes_t bytes = {body, strlen(body)};
    apr_table_t *headers = apr_table_make(unit_pool, 1);
    const llm_json_t *doc = NULL;

    if (type) {
        apr_table_setn(headers, "X-Amzn-ErrorType", type);
    }
    llm_json_read(&doc, body, bytes.len, NULL, unit_pool);
    return exchange_dialect("bedrock")->read_problem(status, headers, doc,
                                                     bytes, unit_pool);
}

START_TEST(a_providers_error_is_named_by_its_header) /* fact 73 */
{
    static const struct {
        const char *header, *body, *type, *message;
    } rows[] = {
        {"ValidationException:http://internal.amazon.com/coral/x/",
         "{\"message\":\"no\"}", "ValidationException", "no"},
        {"ThrottlingException", "{\"Message\":\"slow\"}", "ThrottlingException",
         "slow"},
        {NULL,
         "{\"__type\":\"com.amazon.coral.service#Foo\",\"message\":\"m\"}",
         "Foo", "m"},
        {"A:b", "{\"__type\":\"x#B\",\"message\":\"m\"}", "A", "m"},
        {"x#C:http://y", "{\"message\":\"m\"}", "C", "m"},
        {NULL, "{\"message\":\"first\\nThe Canonical String: secret\"}", NULL,
         "first"},
        {NULL, "{\"message\":\"first\\r\\nsecret\"}", NULL, "first"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_problem_t *problem =
            problem_of(400, rows[i].header, rows[i].body);

        ck_assert_int_eq(problem->kind, LLM_PROBLEM_BAD_REQUEST);
        ck_assert_str_eq(problem->message, rows[i].message);
        if (rows[i].type) {
            ck_assert_str_eq(problem->type, rows[i].type);
        }
        else {
            ck_assert_ptr_null(problem->type);
        }
    }
    ck_assert_ptr_nonnull(
        strstr(problem_of(502, NULL, "<html>bad</html>")->message, "502"));
}
END_TEST

Suite *bedrock_client_suite(void)
{
    Suite *suite = suite_create("bedrock_client");
    TCase *tcase = tcase_create("bedrock_client");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, paths_say_what_is_asked);
    tcase_add_test(tcase, invoke_is_told_where_it_is_served);
    tcase_add_test(tcase, bytes_pass_and_the_model_is_in_the_path);
    tcase_add_test(tcase, hidden_thinking_comes_back_as_it_was);
    tcase_add_test(tcase, errors_have_their_name_in_a_header);
    tcase_add_test(tcase, the_providers_own_headers_stay);
    tcase_add_test(tcase, tokens_are_counted);
    tcase_add_test(tcase, a_providers_error_is_named_by_its_header);
    suite_add_tcase(suite, tcase);
    return suite;
}
