/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Anthropic dialect beyond what vectors can say: requests that pass,
 * errors, headers, and what is known of models by their names.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/anthropic_internal.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static const llm_dialect_t *anthropic(void)
{
    return exchange_dialect("anthropic");
}

/* ---- requests that pass ---- */

START_TEST(only_the_model_changes)
{
    static const char body[] =
        "{\"max_tokens\":5, \"model\":\"a\" ,\"metadata\":{\"model\":\"b\"},"
        "\"n\":1e400,\"model\":\"c\"}";
    llm_bytes_t raw = {body, sizeof(body) - 1};
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_request_t req;
    int hide = -1, i;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 2);
    ck_assert_ptr_null(anthropic()->pass_request(
        &req, LLM_OP_CHAT, raw, "claude-x",
        exchange_provider("anthropic", "https://x.test/v1/"), &hide,
        unit_pool));
    for (i = 0; i < req.body_count; ++i) {
        llm_buf_append(out, req.body[i].data, req.body[i].len);
    }
    llm_buf_putc(out, '\0');
    ck_assert_str_eq(out->data,
                     "{\"max_tokens\":5, \"model\":\"claude-x\" ,\"metadata\":"
                     "{\"model\":\"b\"},\"n\":1e400,\"model\":\"claude-x\"}");
    ck_assert_str_eq(req.path, "/v1/messages");
    ck_assert_int_eq(hide, 0);
}
END_TEST

START_TEST(headers)
{
    apr_table_t *table = apr_table_make(unit_pool, 2);
    const char *prefix;

    anthropic()->add_headers(table, NULL);
    ck_assert_str_eq(apr_table_get(table, "Anthropic-Version"), "2023-06-01");
    apr_table_set(table, "anthropic-version", "2024-01-01");
    anthropic()->add_headers(table, NULL);
    ck_assert_str_eq(apr_table_get(table, "anthropic-version"), "2024-01-01");
    ck_assert_str_eq(anthropic()->secret_header(&prefix), "x-api-key");
    ck_assert_str_eq(prefix, "");
}
END_TEST

/* ---- models ---- */

/* "budget", "adaptive", "none"; then how it answers by a schema. */
static const char *abilities(const char *model)
{
    static const char body[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
        "\"reasoning_effort\":\"low\"%s}";
    static const char format[] =
        ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
        "\"name\":\"n\",\"schema\":{\"type\":\"object\",\"properties\":{}}}}";
    const llm_provider_t *provider = exchange_provider("anthropic", NULL);
    const char *thinks, *formats;

    thinks = exchange_request(
        provider,
        exchange_ask("openai", LLM_OP_CHAT, apr_psprintf(unit_pool, body, "")),
        model);
    formats =
        exchange_request(provider,
                         exchange_ask("openai", LLM_OP_CHAT,
                                      apr_psprintf(unit_pool, body, format)),
                         model);
    return apr_pstrcat(unit_pool,
                       strstr(thinks, "budget_tokens") ? "budget"
                       : strstr(thinks, "adaptive")    ? "adaptive"
                                                       : "none",
                       strstr(formats, "output_config") ? " native" : " tool",
                       NULL);
}

START_TEST(models_by_their_names)
{
    static const struct {
        const char *model, *can;
    } rows[] = {
        {"claude-3-haiku-20240307", "none tool"},
        {"claude-3-5-sonnet-latest", "none tool"},
        {"claude-3-7-sonnet-20250219", "budget tool"},
        {"claude-sonnet-4-20250514", "budget tool"},
        {"claude-sonnet-4-0", "budget tool"},
        {"claude-opus-4-1-20250805", "budget native"},
        {"claude-sonnet-4-5", "budget native"},
        {"claude-haiku-4-5-20251001", "budget native"},
        {"claude-opus-4-6", "adaptive native"},
        {"claude-sonnet-5", "adaptive native"},
        {"anthropic/claude-sonnet-4.5", "budget native"},
        {"claude-opus-4-5@20251101", "budget native"},
        {"kimi-k2", "budget tool"},
        {"claude-next", "budget tool"},
        {"claude-2.1", "none tool"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_msg(!strcmp(abilities(rows[i].model), rows[i].can),
                      "%s: %s is not %s", rows[i].model,
                      abilities(rows[i].model), rows[i].can);
    }
}
END_TEST

START_TEST(the_default_limit_is_the_providers)
{
    llm_provider_t *provider = exchange_provider("anthropic", NULL);
    static const char body[] =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
        "\"x\"}]}";

    provider->max_tokens_default = 777;
    ck_assert_ptr_nonnull(strstr(
        exchange_request(provider, exchange_ask("openai", LLM_OP_CHAT, body),
                         "claude-sonnet-4-5"),
        "\"max_tokens\":777"));
}
END_TEST

/* ---- errors ---- */

static const char *problem(int status, const char *body)
{
    llm_bytes_t bytes = {body, strlen(body)};
    const llm_json_t *doc = NULL;
    llm_problem_t *read;

    llm_json_read(&doc, body, strlen(body), NULL, unit_pool);
    read = anthropic()->read_problem(status, NULL, doc, bytes, unit_pool);
    return apr_psprintf(unit_pool, "%s %d|%s|%s", llm_problem_name(read->kind),
                        read->status, read->message,
                        read->type ? read->type : "-");
}

START_TEST(errors_of_all_shapes)
{
    ck_assert_str_eq(problem(404,
                             "{\"type\":\"error\",\"error\":{\"type\":"
                             "\"not_found_error\",\"message\":\"model: x\"},"
                             "\"request_id\":\"req_1\"}"),
                     "not_found 404|model: x|not_found_error");
    ck_assert_str_eq(problem(529, "{\"type\":\"error\",\"error\":{\"type\":"
                                  "\"overloaded_error\",\"message\":"
                                  "\"Overloaded\"}}"),
                     "overloaded 529|Overloaded|overloaded_error");
    ck_assert_str_eq(problem(400, "{\"error\":{\"message\":\"m\"}}"),
                     "bad_request 400|m|-");
    ck_assert_str_eq(problem(413, ""), "too_large 413|the provider answered "
                                       "with status 413|-");
}
END_TEST

static const char *written(llm_problem_e kind, int status)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_problem_t *told = llm_problem_make(kind, unit_pool, "m");

    told->status = status;
    anthropic()->write_problem(out, told, "req-1");
    return llm_json_string(llm_json_path(exchange_json(out->data, out->len),
                                         "error", "type", NULL),
                           unit_pool);
}

START_TEST(errors_have_the_type_of_their_status)
{
    static const struct {
        llm_problem_e kind;
        int status;
        const char *type;
    } rows[] = {
        {LLM_PROBLEM_BAD_REQUEST, 400, "invalid_request_error"},
        {LLM_PROBLEM_UNAUTHORIZED, 401, "authentication_error"},
        {LLM_PROBLEM_PAYMENT, 402, "billing_error"},
        {LLM_PROBLEM_FORBIDDEN, 403, "permission_error"},
        {LLM_PROBLEM_NOT_FOUND, 404, "not_found_error"},
        {LLM_PROBLEM_METHOD, 405, "invalid_request_error"},
        {LLM_PROBLEM_TOO_LARGE, 413, "request_too_large"},
        {LLM_PROBLEM_UNPROCESSABLE, 422, "invalid_request_error"},
        {LLM_PROBLEM_RATE_LIMITED, 429, "rate_limit_error"},
        {LLM_PROBLEM_INTERNAL, 500, "api_error"},
        {LLM_PROBLEM_UPSTREAM, 502, "api_error"},
        {LLM_PROBLEM_UNAVAILABLE, 503, "overloaded_error"},
        {LLM_PROBLEM_TIMEOUT, 504, "timeout_error"},
        {LLM_PROBLEM_OVERLOADED, 529, "overloaded_error"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(written(rows[i].kind, rows[i].status), rows[i].type);
    }
}
END_TEST

START_TEST(an_error_in_a_stream)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    anthropic()->write_stream_problem(
        out, llm_problem_make(LLM_PROBLEM_OVERLOADED, unit_pool, "busy"),
        "req-1");
    llm_buf_putc(out, '\0');
    ck_assert_str_eq(out->data,
                     "event: error\ndata: {\"type\":\"error\",\"error\":{"
                     "\"type\":\"overloaded_error\",\"message\":\"busy\"},"
                     "\"request_id\":\"req-1\"}\n\n");
}
END_TEST

/* ---- passed answers ---- */

static llm_event_t event_of(const char *name, const char *data)
{
    llm_event_t event;

    memset(&event, 0, sizeof(event));
    event.event.data = name;
    event.event.len = strlen(name);
    event.data.data = data;
    event.data.len = strlen(data);
    event.doc = exchange_json(data, strlen(data));
    return event;
}

START_TEST(facts_and_usage_of_passed_streams)
{
    llm_event_t start = event_of(
        "message_start",
        "{\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\","
        "\"stop_reason\":null,\"usage\":{\"input_tokens\":5,"
        "\"output_tokens\":3}}}");
    llm_event_t delta =
        event_of("message_delta",
                 "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                 "\"max_tokens\"},\"usage\":{\"output_tokens\":9}}");
    llm_event_t stop = event_of("message_stop", "{\"type\":\"message_stop\"}");
    llm_finish_e finish = LLM_FINISH_NONE;
    const char *model = NULL;
    llm_usage_t usage;

    llm_usage_clear(&usage);
    ck_assert(anthropic()->read_usage(&usage, start.doc));
    anthropic()->read_facts(&model, &finish, start.doc, unit_pool);
    ck_assert_str_eq(model, "claude-x");
    ck_assert_int_eq(finish, LLM_FINISH_NONE);
    ck_assert(!llm_usage_is_known(&usage, LLM_CLASS_OUTPUT));
    ck_assert(anthropic()->read_usage(&usage, delta.doc));
    anthropic()->read_facts(&model, &finish, delta.doc, unit_pool);
    ck_assert_int_eq(finish, LLM_FINISH_LENGTH);
    ck_assert_int_eq(usage.n[LLM_CLASS_INPUT], 5);
    ck_assert_int_eq(usage.n[LLM_CLASS_OUTPUT], 9);
    ck_assert(!anthropic()->is_last(&delta));
    ck_assert(anthropic()->is_last(&stop));
}
END_TEST

START_TEST(problems_of_passed_streams)
{
    llm_event_t error =
        event_of("error", "{\"type\":\"error\",\"error\":{\"type\":"
                          "\"rate_limit_error\",\"message\":\"m\"}}");
    llm_event_t ping = event_of("ping", "{\"type\": \"ping\"}");
    llm_problem_t *told = anthropic()->event_problem(&error, unit_pool);

    ck_assert_ptr_nonnull(told);
    ck_assert_int_eq(told->status, 429);
    ck_assert_ptr_null(anthropic()->event_problem(&ping, unit_pool));
}
END_TEST

START_TEST(models_are_listed)
{
    apr_array_header_t *names = apr_array_make(unit_pool, 2, sizeof(char *));
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const llm_json_t *doc;

    anthropic()->write_models(out, names, 0, unit_pool);
    doc = exchange_json(out->data, out->len);
    ck_assert_uint_eq(llm_json_get(doc, "data")->count, 0);
    ck_assert(llm_json_is(llm_json_get(doc, "first_id"), LLM_JSON_NULL));
    APR_ARRAY_PUSH(names, const char *) = "smart";
    APR_ARRAY_PUSH(names, const char *) = "openai/gpt-4o";
    llm_buf_clear(out);
    anthropic()->write_models(out, names, apr_time_from_sec(86400), unit_pool);
    doc = exchange_json(out->data, out->len);
    ck_assert(llm_json_equals(llm_json_get(doc, "first_id"), "smart"));
    ck_assert(llm_json_equals(llm_json_get(doc, "last_id"), "openai/gpt-4o"));
    ck_assert(llm_json_equals(
        llm_json_get(llm_json_at(llm_json_get(doc, "data"), 0), "created_at"),
        "1970-01-02T00:00:00Z"));
}
END_TEST

Suite *anthropic_suite(void)
{
    Suite *suite = suite_create("anthropic");
    TCase *requests = tcase_create("requests");
    TCase *errors = tcase_create("errors");
    TCase *passed = tcase_create("passed");

    tcase_add_checked_fixture(requests, unit_pool_open, unit_pool_close);
    tcase_add_test(requests, only_the_model_changes);
    tcase_add_test(requests, headers);
    tcase_add_test(requests, models_by_their_names);
    tcase_add_test(requests, the_default_limit_is_the_providers);
    suite_add_tcase(suite, requests);
    tcase_add_checked_fixture(errors, unit_pool_open, unit_pool_close);
    tcase_add_test(errors, errors_of_all_shapes);
    tcase_add_test(errors, errors_have_the_type_of_their_status);
    tcase_add_test(errors, an_error_in_a_stream);
    suite_add_tcase(suite, errors);
    tcase_add_checked_fixture(passed, unit_pool_open, unit_pool_close);
    tcase_add_test(passed, facts_and_usage_of_passed_streams);
    tcase_add_test(passed, problems_of_passed_streams);
    tcase_add_test(passed, models_are_listed);
    suite_add_tcase(suite, passed);
    return suite;
}
