/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAI dialect beyond what vectors can say: splicing of requests that
 * pass, hiding of usage, errors of all shapes, servers' quirks.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/openai_internal.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

/* ---- requests that pass ---- */

static const char *pass(const char *body, const llm_provider_t *provider,
                        llm_op_e op, int *phide)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_bytes_t raw = {body, strlen(body)};
    llm_problem_t *problem;
    llm_request_t req;
    int i;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 2);
    problem = llm_openai_pass_request(&req, op, raw, "new\"model", provider,
                                      phide, unit_pool);
    if (problem) {
        return problem->message;
    }
    for (i = 0; i < req.body_count; ++i) {
        ck_assert_uint_gt(req.body[i].len, 0);
        llm_buf_append(out, req.body[i].data, req.body[i].len);
    }
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

static void passes(const char *body, const char *expected, int hidden)
{
    int hide = -1;

    ck_assert_str_eq(
        pass(body, exchange_provider("openai", NULL), LLM_OP_CHAT, &hide),
        expected);
    ck_assert_int_eq(hide, hidden);
}

START_TEST(only_the_model_changes)
{
    passes("{\"model\":\"a\"}", "{\"model\":\"new\\\"model\"}", 0);
    passes(" {\t\"x\":[1e400,18446744073709551616,\"\\u0000\"] ,"
           "\"model\" : null\r\n,\"x\":{}}\n",
           " {\t\"x\":[1e400,18446744073709551616,\"\\u0000\"] ,"
           "\"model\" : \"new\\\"model\"\r\n,\"x\":{}}\n",
           0);
}
END_TEST

START_TEST(every_model_changes)
{
    passes("{\"model\":\"a\",\"m\":{\"model\":\"in\"},\"mod\\u0065l\":{\"b\":"
           "[]}}",
           "{\"model\":\"new\\\"model\",\"m\":{\"model\":\"in\"},"
           "\"mod\\u0065l\":\"new\\\"model\"}",
           0);
}
END_TEST

START_TEST(streams_are_asked_for_usage) /* fact 2 */
{
    passes("{\"model\":\"a\",\"stream\":true}",
           "{\"stream_options\":{\"include_usage\":true},"
           "\"model\":\"new\\\"model\",\"stream\":true}",
           1);
    passes("{\"stream\":true,\"stream_options\":null,\"model\":\"a\"}",
           "{\"stream\":true,\"stream_options\":{\"include_usage\":true},"
           "\"model\":\"new\\\"model\"}",
           1);
    passes("{\"stream\":true,\"stream_options\":{},\"model\":\"a\"}",
           "{\"stream\":true,\"stream_options\":{\"include_usage\":true},"
           "\"model\":\"new\\\"model\"}",
           1);
    passes("{\"stream\":true,\"stream_options\": { \"x\":1 },\"model\":\"a\"}",
           "{\"stream\":true,\"stream_options\": {\"include_usage\":true, "
           "\"x\":1 },\"model\":\"new\\\"model\"}",
           1);
    passes("{\"stream\":true,\"stream_options\":{\"include_usage\":false},"
           "\"model\":\"a\"}",
           "{\"stream\":true,\"stream_options\":{\"include_usage\":true},"
           "\"model\":\"new\\\"model\"}",
           1);
}
END_TEST

START_TEST(usage_that_was_asked_for_is_not_hidden) /* fact 2 */
{
    passes("{\"stream\":true,\"stream_options\":{\"include_usage\":true},"
           "\"model\":\"a\"}",
           "{\"stream\":true,\"stream_options\":{\"include_usage\":true},"
           "\"model\":\"new\\\"model\"}",
           0);
}
END_TEST

/* The last one of two counts, and both are made to say the same. */
START_TEST(duplicate_members)
{
    passes("{\"stream\":true,\"stream\":false,\"model\":\"a\"}",
           "{\"stream\":true,\"stream\":false,\"model\":\"new\\\"model\"}", 0);
    passes("{\"stream_options\":{\"include_usage\":true},\"stream\":true,"
           "\"model\":\"a\",\"stream_options\":{\"include_usage\":true,"
           "\"include_usage\":false}}",
           "{\"stream_options\":{\"include_usage\":true},\"stream\":true,"
           "\"model\":\"new\\\"model\",\"stream_options\":{\"include_usage\":"
           "true,\"include_usage\":true}}",
           1);
}
END_TEST

START_TEST(what_is_wrong_is_left_to_the_provider)
{
    passes("{\"stream\":true,\"stream_options\":5,\"model\":\"a\"}",
           "{\"stream\":true,\"stream_options\":5,\"model\":\"new\\\"model\"}",
           1);
    passes("{\"stream\":\"true\",\"model\":\"a\"}",
           "{\"stream\":\"true\",\"model\":\"new\\\"model\"}", 0);
}
END_TEST

START_TEST(usage_is_not_asked_for)
{
    llm_provider_t *quiet = exchange_provider("openai", NULL);
    llm_provider_t *mistral =
        exchange_provider("openai", "https://api.mistral.ai/v1");
    static const char body[] = "{\"model\":\"a\",\"stream\":true}";
    static const char same[] = "{\"model\":\"new\\\"model\",\"stream\":true}";
    int hide = -1;

    quiet->ask_usage = 0;
    ck_assert_str_eq(pass(body, quiet, LLM_OP_CHAT, &hide), same);
    ck_assert_int_eq(hide, 0);
    ck_assert_str_eq(pass(body, mistral, LLM_OP_CHAT, &hide), same);
    ck_assert_int_eq(hide, 0);
    ck_assert_str_eq(
        pass(body, exchange_provider("openai", NULL), LLM_OP_EMBED, &hide),
        same);
    ck_assert_int_eq(hide, 0);
}
END_TEST

START_TEST(bodies_that_cannot_pass)
{
    static const struct {
        const char *body, *said;
    } rows[] = {
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{\"model\":\"a\"", "not a JSON object"},
        {"{\"model\":\"a\"}x", "not a JSON object"},
        {"{\"stream\":true}", "model: "},
    };
    apr_size_t i;
    int hide;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *said = pass(rows[i].body, exchange_provider("openai", NULL),
                                LLM_OP_CHAT, &hide);

        ck_assert_msg(strstr(said, rows[i].said) != NULL, "%s: %s",
                      rows[i].body, said);
    }
}
END_TEST

/* ---- usage that has to be hidden ---- */

/* What is forwarded of this event; NULL: it stays as it came. */
static const char *hidden(const char *raw)
{
    llm_sse_t *sse = llm_sse_make(65536, unit_pool);
    llm_sse_event_t event;
    llm_bytes_t out;

    llm_sse_feed(sse, raw, strlen(raw));
    ck_assert_int_eq(llm_sse_next(sse, &event), APR_SUCCESS);
    if (!llm_openai_hide_usage(&out, &event,
                               exchange_json(event.data.data, event.data.len),
                               unit_pool)) {
        return NULL;
    }
    return apr_pstrmemdup(unit_pool, out.data, out.len);
}

START_TEST(usage_null_goes) /* fact 2 */
{
    ck_assert_str_eq(hidden("data: {\"id\":\"a\",\"choices\":[{}],\"usage\":"
                            "null}\n\n"),
                     "data: {\"id\":\"a\",\"choices\":[{}]}\n\n");
    ck_assert_str_eq(hidden(": ping\r\nid: 7\r\ndata:{\"usage\" : null , "
                            "\"choices\":[{}]}\r\n\r\n"),
                     ": ping\r\nid: 7\r\ndata:{ \"choices\":[{}]}\r\n\r\n");
    ck_assert_str_eq(hidden("data: {\"a\":1 ,  \"usage\":null  }\n\n"),
                     "data: {\"a\":1   }\n\n");
    ck_assert_str_eq(hidden("data: {\"usage\":null}\n\n"), "data: {}\n\n");
    ck_assert_str_eq(hidden("data: {\"a\":1,\ndata: \"usage\":null}\n\n"),
                     "data: {\"a\":1}\n\n");
    ck_assert_ptr_null(hidden("data: {\"a\":1}\n\n"));
}
END_TEST

START_TEST(usage_chunks_go) /* fact 2 */
{
    ck_assert_str_eq(
        hidden("data: {\"id\":\"a\",\"object\":\"o\",\"created\":1,"
               "\"model\":\"m\",\"choices\":[],\"usage\":{"
               "\"prompt_tokens\":1},\"obfuscation\":\"x\"}\n\n"),
        "");
}
END_TEST

/* A chunk that says more than usage stays, without it. */
START_TEST(chunks_with_more_than_usage_stay)
{
    ck_assert_str_eq(
        hidden("data: {\"choices\":[],\"usage\":{\"a\":{}},"
               "\"prompt_filter_results\":[1]}\n\n"),
        "data: {\"choices\":[],\"prompt_filter_results\":[1]}\n\n");
    /* the provider's own way to tell it, unasked */
    ck_assert_ptr_null(hidden("data: {\"choices\":[{\"index\":0,\"delta\":{},"
                              "\"finish_reason\":\"stop\"}],\"usage\":{"
                              "\"prompt_tokens\":1}}\n\n"));
}
END_TEST

/* ---- errors ---- */

static const char *problem(int status, const char *body,
                           const apr_table_t *headers)
{
    llm_bytes_t bytes = {body, strlen(body)};
    const llm_json_t *doc = NULL;
    llm_problem_t *read;

    llm_json_read(&doc, body, strlen(body), NULL, unit_pool);
    read = llm_openai_read_problem(status, headers, doc, bytes, unit_pool);
    ck_assert_int_eq(read->from_upstream, 1);
    return apr_psprintf(unit_pool, "%s %d|%s|%s|%s|%s|%d",
                        llm_problem_name(read->kind), read->status,
                        read->message, read->type ? read->type : "-",
                        read->code ? read->code : "-",
                        read->param ? read->param : "-", read->retry_after);
}

START_TEST(errors_of_all_shapes)
{
    static const struct {
        int status;
        const char *body, *expected;
    } rows[] = {
        {400,
         "{\n \"error\": {\"message\": \"Bad max_tokens\", \"type\": "
         "\"invalid_request_error\", \"param\": \"max_tokens\", \"code\": "
         "\"unsupported\"}}",
         "bad_request 400|Bad max_tokens|invalid_request_error|unsupported|"
         "max_tokens|-1"},
        {401, "{\"error\":{\"code\":\"401\",\"message\":\"Access denied\"}}",
         "unauthorized 401|Access denied|-|-|-|-1"},
        {429,
         "{\"error\":{\"message\":\"Provider returned error\",\"code\":429,"
         "\"metadata\":{\"raw\":\"too fast\"}},\"user_id\":\"user_1\"}",
         "rate_limited 429|Provider returned error: too fast|-|-|-|-1"},
        {503, "{\"error\":\"Model is loading\",\"estimated_time\":20}",
         "unavailable 503|Model is loading|-|-|-|-1"},
        {422, "{\"error\":\"bad template\",\"error_type\":\"template_error\"}",
         "unprocessable 422|bad template|template_error|-|-|-1"},
        {401, "{\"message\":\"No API key found in request\"}",
         "unauthorized 401|No API key found in request|-|-|-|-1"},
        {400,
         "{\"object\":\"error\",\"message\":\"too long\",\"type\":"
         "\"BadRequestError\",\"param\":null,\"code\":400}",
         "bad_request 400|too long|BadRequestError|-|-|-1"},
        {404, "{\"detail\":\"Not Found\"}", "not_found 404|Not Found|-|-|-|-1"},
        {400,
         "{\"errors\":[{\"code\":7003,\"message\":\"No route\"}],"
         "\"success\":false}",
         "bad_request 400|No route|-|-|-|-1"},
        {422,
         "{\"detail\":[{\"loc\":[\"body\",\"messages\"],\"msg\":\"field "
         "required\"}]}",
         "unprocessable 422|field required|-|-|-|-1"},
        {422, "  Failed to parse\n",
         "unprocessable 422|Failed to parse|-|-|-|"
         "-1"},
        {502, "<html><body>Bad gateway</body></html>",
         "upstream 502|the provider answered with status 502|-|-|-|-1"},
        {500, "",
         "internal 500|the provider answered with status 500|-|-|-|"
         "-1"},
        {500, "\"oops\"", "internal 500|oops|-|-|-|-1"},
        {500, "null",
         "internal 500|the provider answered with status 500|-|"
         "-|-|-1"},
        {400, "[{\"error\":{\"message\":\"m\",\"status\":\"INVALID\"}}]",
         "bad_request 400|m|-|-|-|-1"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(problem(rows[i].status, rows[i].body, NULL),
                         rows[i].expected);
    }
}
END_TEST

START_TEST(errors_show_no_key)
{
    const char *said =
        problem(401,
                "{\"error\":{\"message\":\"Incorrect API key provided: "
                "sk-proj-abcdefghijklmnopqrstuvwxyz012345\"}}",
                NULL);

    ck_assert_ptr_null(strstr(said, "ijklmnop"));
    ck_assert_ptr_nonnull(strstr(said, "Incorrect API key"));
}
END_TEST

START_TEST(long_errors_are_cut)
{
    char *body = apr_palloc(unit_pool, 50001);

    memset(body, 'a', 50000);
    body[50000] = '\0';
    ck_assert_uint_lt(strlen(problem(500, body, NULL)), 2100);
    body = apr_pstrcat(unit_pool, "{\"error\":\"", body, "\"}", NULL);
    ck_assert_uint_lt(strlen(problem(500, body, NULL)), 2100);
}
END_TEST

static int retry_after(const char *name, const char *value, const char *date)
{
    apr_table_t *headers = apr_table_make(unit_pool, 2);

    apr_table_set(headers, name, value);
    if (date) {
        apr_table_set(headers, "Date", date);
    }
    return llm_retry_after(headers);
}

START_TEST(retry_after_in_all_forms)
{
    ck_assert_int_eq(llm_retry_after(NULL), -1);
    ck_assert_int_eq(retry_after("retry-after", "49", NULL), 49);
    ck_assert_int_eq(retry_after("Retry-After", "0.2", NULL), 1);
    ck_assert_int_eq(retry_after("Retry-After-Ms", "1500", NULL), 2);
    ck_assert_int_eq(retry_after("Retry-After", "-3", NULL), -1);
    ck_assert_int_eq(retry_after("Retry-After", "soon", NULL), -1);
    ck_assert_int_eq(retry_after("Retry-After", "nan", NULL), -1);
    ck_assert_int_eq(retry_after("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 GMT"),
                     30);
    ck_assert_int_eq(retry_after("Retry-After", "Sun, 06 Nov 1994 08:49:00 GMT",
                                 "Sun, 06 Nov 1994 08:49:37 GMT"),
                     0);
    ck_assert_int_eq(
        retry_after("Retry-After", "Sun, 06 Nov 1994 08:49:00 GMT", NULL), -1);
}
END_TEST

static const char *written(llm_problem_e kind, int status, const char *type)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_problem_t *told = llm_problem_make(kind, unit_pool, "no \"%s\"", "x");

    told->status = status;
    told->type = type;
    llm_openai_write_problem(out, told, "req-1");
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

START_TEST(errors_for_clients)
{
    ck_assert_str_eq(written(LLM_PROBLEM_UNAUTHORIZED, 401, NULL),
                     "{\"error\":{\"message\":\"no \\\"x\\\"\",\"type\":"
                     "\"authentication_error\",\"param\":null,\"code\":"
                     "\"invalid_api_key\"}}");
    ck_assert_str_eq(written(LLM_PROBLEM_OVERLOADED, 529, "overloaded_error"),
                     "{\"error\":{\"message\":\"no \\\"x\\\"\",\"type\":"
                     "\"server_error\",\"param\":null,\"code\":null}}");
    ck_assert_str_eq(written(LLM_PROBLEM_RATE_LIMITED, 429, "tokens"),
                     "{\"error\":{\"message\":\"no \\\"x\\\"\",\"type\":"
                     "\"tokens\",\"param\":null,\"code\":"
                     "\"rate_limit_exceeded\"}}");
}
END_TEST

/* ---- servers ---- */

START_TEST(quirks_go_by_host_and_model)
{
    llm_provider_t *openai = exchange_provider("openai", NULL);
    llm_provider_t *local =
        exchange_provider("openai", "http://127.0.0.1:8000/v1");
    llm_provider_t *fake =
        exchange_provider("openai", "https://notapi.openai.com.evil.test");

    ck_assert_uint_eq(llm_openai_quirks(openai, "gpt-4o"),
                      LLM_OPENAI_GENUINE | LLM_OPENAI_NEW_LIMIT
                          | LLM_OPENAI_HAS_RESPONSES);
    ck_assert_uint_eq(llm_openai_quirks(local, "llama"), 0);
    ck_assert_uint_eq(llm_openai_quirks(fake, "gpt-4o"), 0);
    ck_assert_uint_eq(llm_openai_quirks(local, "openai/gpt-5-mini"),
                      LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_REASONS);
    ck_assert_uint_eq(
        llm_openai_quirks(
            exchange_provider("openai", "https://eu.openai.azure.com/"),
            "gpt-4o"),
        LLM_OPENAI_GENUINE | LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_HAS_RESPONSES);
}
END_TEST

static const char simple[] =
    "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
    "\"content\":\"a\"},{\"role\":\"assistant\",\"content\":[{\"type\":"
    "\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},{\"type\":"
    "\"tool_use\",\"id\":\"toolu_01ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\","
    "\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{"
    "\"type\":\"tool_result\",\"tool_use_id\":"
    "\"toolu_01ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\",\"content\":\"r\"}]}]}";

static const char *sent_to(const char *url, const char *model)
{
    return exchange_request(exchange_provider("openai", url),
                            exchange_ask("anthropic", LLM_OP_CHAT, simple),
                            model);
}

/* A call and its result get the same id, of the form the server takes. */
START_TEST(ids_fit_the_server)
{
    const char *mistral = sent_to("https://api.mistral.ai/v1", "m");
    const char *openai = sent_to(NULL, "gpt-4o");
    const char *local = sent_to("http://localhost/v1", "m");
    const char *id = strstr(mistral, "\"id\":\"");
    const char *result;

    ck_assert_ptr_nonnull(id);
    ck_assert_uint_eq(strspn(id + 6, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz"),
                      9);
    result = strstr(mistral, "\"tool_call_id\":\"");
    ck_assert_ptr_nonnull(result);
    ck_assert(!strncmp(result + 16, id + 6, 10));
    ck_assert_ptr_null(strstr(openai, "toolu_01ABC")); /* 40 letters at most */
    ck_assert_ptr_nonnull(strstr(local, "toolu_01ABC"));
}
END_TEST

START_TEST(reasoning_goes_where_it_is_taken)
{
    ck_assert_ptr_nonnull(strstr(sent_to("https://openrouter.ai/api/v1", "m"),
                                 "\"reasoning_details\":[{\"type\":"
                                 "\"reasoning.text\",\"index\":0,\"text\":"
                                 "\"t\",\"signature\":\"s\"}]"));
    ck_assert_ptr_nonnull(strstr(sent_to("https://api.deepseek.com", "m"),
                                 "\"reasoning_content\":\"t\""));
    ck_assert_ptr_nonnull(
        strstr(sent_to(NULL, "gpt-4o"), "dropped messages.content.thinking"));
}
END_TEST

START_TEST(limits_have_two_names)
{
    ck_assert_ptr_nonnull(
        strstr(sent_to("http://localhost/v1", "m"), "\"max_tokens\":5"));
    ck_assert_ptr_nonnull(strstr(sent_to("http://localhost/v1", "o3-mini"),
                                 "\"max_completion_tokens\":5"));
}
END_TEST

/* ---- facts of passed answers ---- */

static void read_fact(const char *body, const char **pmodel,
                      llm_finish_e *pfinish)
{
    llm_openai_read_facts(pmodel, pfinish, exchange_json(body, strlen(body)),
                          unit_pool);
}

START_TEST(facts_are_those_that_are_told)
{
    const char *model = NULL;
    llm_finish_e finish = LLM_FINISH_NONE;

    read_fact("{\"model\":\"\",\"choices\":[]}", &model, &finish);
    ck_assert_ptr_null(model);
    read_fact("{\"model\":\"gpt\",\"choices\":[{\"finish_reason\":null}]}",
              &model, &finish);
    ck_assert_str_eq(model, "gpt");
    ck_assert_int_eq(finish, LLM_FINISH_NONE);
    read_fact("{\"choices\":[{\"finish_reason\":\"length\"}]}", &model,
              &finish);
    ck_assert_int_eq(finish, LLM_FINISH_LENGTH);
    ck_assert_str_eq(model, "gpt");
    read_fact("{\"type\":\"response.completed\",\"response\":{\"model\":"
              "\"o4\"}}",
              &model, &finish);
    ck_assert_str_eq(model, "o4");
}
END_TEST

START_TEST(usage_of_other_endpoints) /* fact 17 */
{
    static const char responses[] =
        "{\"type\":\"response.completed\",\"response\":{\"usage\":{"
        "\"input_tokens\":30,\"input_tokens_details\":{\"cached_tokens\":10,"
        "\"cache_write_tokens\":4},\"output_tokens\":7,"
        "\"output_tokens_details\":{\"reasoning_tokens\":5},"
        "\"total_tokens\":37}}}";
    llm_usage_t usage;

    llm_usage_clear(&usage);
    ck_assert(llm_openai_read_usage(
        &usage, exchange_json(responses, sizeof(responses) - 1)));
    ck_assert_int_eq(usage.n[LLM_CLASS_INPUT], 16);
    ck_assert_int_eq(usage.n[LLM_CLASS_CACHE_READ], 10);
    ck_assert_int_eq(usage.n[LLM_CLASS_CACHE_WRITE], 4);
    ck_assert_int_eq(usage.n[LLM_CLASS_REASONING], 5);
    ck_assert_int_eq(usage.n[LLM_CLASS_OUTPUT], 2);
    ck_assert(!llm_openai_read_usage(&usage, exchange_json("{}", 2)));
    ck_assert(!llm_openai_read_usage(&usage, NULL));
}
END_TEST

/* Counts that cannot be: nothing overflows, nothing is below zero. */
START_TEST(nonsense_counts)
{
    static const char *const bodies[] = {
        "{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":-5}}",
        "{\"usage\":{\"prompt_tokens\":\"7\"}}",
        "{\"usage\":{\"prompt_tokens\":9223372036854775807,"
        "\"completion_tokens\":9223372036854775807,"
        "\"total_tokens\":9223372036854775807}}",
        "{\"usage\":[]}",
        "{\"usage\":{\"prompt_tokens\":1e300}}",
    };
    llm_usage_t usage;
    apr_size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(*bodies); ++i) {
        llm_usage_clear(&usage);
        ck_assert(!llm_openai_read_usage(
            &usage, exchange_json(bodies[i], strlen(bodies[i]))));
        ck_assert_uint_eq(usage.known, 0);
    }
}
END_TEST

/* Its date for a client of another dialect did not fit into a number. */
START_TEST(a_time_that_is_none_is_not_told)
{
    static const char body[] =
        "{\"id\":\"c\",\"created\":700000001700000000,\"model\":\"m\","
        "\"choices\":[{\"index\":0,\"message\":{\"content\":\"x\"},"
        "\"finish_reason\":\"stop\"}]}";
    llm_problem_t *problem;

    ck_assert_ptr_nonnull(strstr(
        exchange_write("openai", "openai",
                       exchange_ask("openai", LLM_OP_CHAT,
                                    "{\"model\":\"m\",\"messages\":[{\"role\":"
                                    "\"user\",\"content\":\"x\"}]}"),
                       body, sizeof(body) - 1, &problem),
        "\"created\":0,"));
}
END_TEST

Suite *openai_suite(void)
{
    Suite *suite = suite_create("openai");
    TCase *pass = tcase_create("pass");
    TCase *hide = tcase_create("hide");
    TCase *errors = tcase_create("errors");
    TCase *servers = tcase_create("servers");
    TCase *facts = tcase_create("facts");

    tcase_add_checked_fixture(pass, unit_pool_open, unit_pool_close);
    tcase_add_test(pass, only_the_model_changes);
    tcase_add_test(pass, every_model_changes);
    tcase_add_test(pass, streams_are_asked_for_usage);
    tcase_add_test(pass, usage_that_was_asked_for_is_not_hidden);
    tcase_add_test(pass, duplicate_members);
    tcase_add_test(pass, what_is_wrong_is_left_to_the_provider);
    tcase_add_test(pass, usage_is_not_asked_for);
    tcase_add_test(pass, bodies_that_cannot_pass);
    suite_add_tcase(suite, pass);
    tcase_add_checked_fixture(hide, unit_pool_open, unit_pool_close);
    tcase_add_test(hide, usage_null_goes);
    tcase_add_test(hide, usage_chunks_go);
    tcase_add_test(hide, chunks_with_more_than_usage_stay);
    suite_add_tcase(suite, hide);
    tcase_add_checked_fixture(errors, unit_pool_open, unit_pool_close);
    tcase_add_test(errors, errors_of_all_shapes);
    tcase_add_test(errors, errors_show_no_key);
    tcase_add_test(errors, long_errors_are_cut);
    tcase_add_test(errors, retry_after_in_all_forms);
    tcase_add_test(errors, errors_for_clients);
    suite_add_tcase(suite, errors);
    tcase_add_checked_fixture(servers, unit_pool_open, unit_pool_close);
    tcase_add_test(servers, quirks_go_by_host_and_model);
    tcase_add_test(servers, ids_fit_the_server);
    tcase_add_test(servers, reasoning_goes_where_it_is_taken);
    tcase_add_test(servers, limits_have_two_names);
    suite_add_tcase(suite, servers);
    tcase_add_checked_fixture(facts, unit_pool_open, unit_pool_close);
    tcase_add_test(facts, facts_are_those_that_are_told);
    tcase_add_test(facts, usage_of_other_endpoints);
    tcase_add_test(facts, nonsense_counts);
    tcase_add_test(facts, a_time_that_is_none_is_not_told);
    suite_add_tcase(suite, facts);
    return suite;
}
