/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole exchanges against scripted upstreams: what the client gets and what
 * the record says, whatever the upstreams do and wherever their bytes are cut.
 */
#include <apr_strings.h>
#include <string.h>

#include "flow/flow.h"
#include "test/unit/unit.h"

#define CHAT                                                                   \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","                       \
    "\"content\":\"Hello there\"}]}"
#define CHAT_STREAM                                                            \
    "{\"model\":\"m\",\"stream\":true,\"messages\":"                           \
    "[{\"role\":\"user\",\"content\":\"Hello there\"}]}"
#define ANSWER                                                                 \
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\","                   \
    "\"created\":1700000000,\"model\":\"gpt-4o-2024-08-06\","                  \
    "\"big\":9223372036854775808,\"choices\":[{\"index\":0,"                   \
    "\"message\":{\"role\":\"assistant\",\"content\":\"Hi\"},"                 \
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,"             \
    "\"completion_tokens\":3,\"total_tokens\":12}}"
#define ERROR_429                                                              \
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n"                     \
    "Content-Type: application/json\r\n"                                       \
    "Content-Length: 60\r\n\r\n"                                               \
    "{\"error\":{\"message\":\"slow down\",\"type\":\"tokens\","               \
    "\"code\":\"x\"}}"
#define EVENT_HEAD                                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"                   \
    "Connection: close\r\n\r\n"
#define EVENT(content, finish)                                                       \
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,"       \
    "\"model\":\"gpt-4o\",\"x\":1e400,\"choices\":[{\"index\":0,\"delta\":{" content \
    "},\"finish_reason\":" finish "}]}\n\n"

static llm_provider_t providers[3];
static llm_policy_t policy;
static llm_exchange_t *x;
static llm_buf_t *got; /* what the client received */

static void set_provider(int i, const char *name, const char *dialect)
{
    memset(&providers[i], 0, sizeof(providers[i]));
    providers[i].name = name;
    providers[i].dialect = llm_dialect_find(dialect);
    providers[i].ask_usage = 1;
    providers[i].max_tokens_default = 4096;
    ck_assert_ptr_nonnull(providers[i].dialect);
    ck_assert_ptr_null(llm_provider_set_url(
        &providers[i], "http://127.0.0.1:9000", unit_pool));
}

/* One model "m" with a target at each of the first n providers. */
static void set_policy(int n)
{
    llm_model_t *model = apr_pcalloc(unit_pool, sizeof(*model));
    apr_array_header_t *models =
        apr_array_make(unit_pool, 1, sizeof(llm_model_t *));
    llm_prices_t *list;
    const char *what;
    static const char prices[] =
        "{\"as_of\":\"2026-11-01\",\"currency\":\"USD\","
        "\"unit\":\"per_million\",\"models\":[{\"provider\":\"openai\","
        "\"model\":\"gpt-4o*\",\"input\":\"2.50\",\"output\":\"10.00\"},"
        "{\"provider\":\"anthropic\",\"model\":\"claude*\","
        "\"input\":\"3\",\"output\":\"15\"}]}";

    model->name = "m";
    model->targets = apr_array_make(unit_pool, 3, sizeof(llm_target_t *));
    for (int i = 0; i < n; ++i) {
        llm_target_t *target = apr_pcalloc(unit_pool, sizeof(*target));

        target->provider = &providers[i];
        target->model = strcmp(providers[i].dialect->name, "anthropic")
                            ? "gpt-4o"
                            : "claude-sonnet-4-5";
        target->priority = i + 1;
        target->weight = 100;
        APR_ARRAY_PUSH(model->targets, llm_target_t *) = target;
    }
    APR_ARRAY_PUSH(models, llm_model_t *) = model;
    policy.models = models;
    policy.answer_limit = 1 << 24;
    policy.retries = 2;
    what = llm_prices_read(&list, prices, sizeof(prices) - 1, unit_pool);
    ck_assert_msg(!what, "%s", what);
    policy.prices.layer[LLM_PRICES_FILE] = list;
    policy.unknown_price = LLM_UNKNOWN_PRICE_ESTIMATE;
}

static void open_all(void)
{
    unit_pool_open();
    got = llm_buf_make(0, unit_pool);
    set_provider(0, "openai", "openai");
    set_provider(1, "other", "openai");
    set_provider(2, "claude", "anthropic");
    set_policy(2);
}

static void take_output(void)
{
    if (x->reply.ready) {
        llm_buf_append(got, x->out->data, x->out->len);
        llm_buf_clear(x->out);
    }
}

/* One attempt's answer, in pieces of `step` bytes, then the close. */
static void answer(llm_attempt_t *attempt, const char *text, apr_size_t step)
{
    apr_size_t len = strlen(text);
    llm_buf_t *head = llm_buf_make(0, unit_pool);

    llm_attempt_head(attempt, "sk-secret", head);
    ck_assert_uint_gt(head->len, 0);
    llm_attempt_sent(attempt, 1000);
    for (apr_size_t at = 0; at < len && attempt->state < LLM_ATTEMPT_DONE;
         at += step) {
        llm_attempt_feed(attempt, text + at, len - at < step ? len - at : step,
                         2000);
        take_output();
    }
    llm_attempt_close(attempt, 3000);
    take_output();
}

static void begin(const char *dialect, const char *body)
{
    llm_buf_clear(got);
    x = llm_exchange_make(&policy, 500, unit_pool);
    x->request_id = "req_test";
    x->client = llm_dialect_find(dialect);
    x->op = LLM_OP_CHAT;
    x->key_id = 1;
    x->headers_in = apr_table_make(unit_pool, 4);
    x->raw.data = body;
    x->raw.len = strlen(body);
    llm_flow_begin(x);
}

/* A whole exchange; the answers are those of the attempts, in order. */
static void run(const char *dialect, const char *body, apr_size_t step,
                const char *const *answers)
{
    llm_attempt_t *attempt;

    begin(dialect, body);
    while (!x->problem && *answers && (attempt = llm_flow_next(x, 900))) {
        answer(attempt, *answers++, step);
        if (x->problem && attempt->state == LLM_ATTEMPT_FAILED) {
            attempt = llm_flow_next(x, 900);
            if (!attempt) {
                break;
            }
            ck_assert_ptr_nonnull(*answers);
            answer(attempt, *answers++, step);
        }
    }
    if (!x->reply.ready) {
        llm_flow_reply_problem(x);
        take_output();
    }
}

static llm_record_t *record(void)
{
    llm_record_t *record = apr_palloc(unit_pool, sizeof(*record));

    llm_flow_record(x, record, 5000);
    return record;
}

static const char *whole(const char *body)
{
    return apr_psprintf(unit_pool,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: %" APR_SIZE_T_FMT "\r\n"
                        "x-request-id: req_theirs\r\n\r\n%s",
                        strlen(body), body);
}

static void expect_got(const char *expected)
{
    ck_assert_msg(
        got->len == strlen(expected) && !memcmp(got->data, expected, got->len),
        "the client got: %.*s", (int)got->len, got->data ? got->data : "");
}

static int got_has(const char *text)
{
    const char *copy =
        apr_pstrmemdup(unit_pool, got->data ? got->data : "", got->len);

    return strstr(copy, text) != NULL;
}

START_TEST(a_whole_answer_passes_untouched)
{
    const char *text = whole(ANSWER);

    for (apr_size_t step = 1; step < strlen(text); step += 7) {
        run("openai", CHAT, step, (const char *const[]){text, NULL});
        expect_got(ANSWER);
        ck_assert_int_eq(x->reply.status, 200);
        ck_assert_int_eq(x->complete, 1);
        ck_assert_int_eq(x->reply.whole, 1);
        ck_assert_str_eq(
            apr_table_get(x->reply.headers, "x-llm-upstream-request-id"),
            "req_theirs");
    }
    ck_assert_int_eq(record()->usage.n[LLM_CLASS_INPUT], 9);
    ck_assert_int_eq(record()->usage.n[LLM_CLASS_OUTPUT], 3);
    ck_assert_str_eq(record()->served, "gpt-4o-2024-08-06");
    ck_assert_str_eq(record()->finish, "stop");
    /* 9 * 2,500 + 3 * 10,000 nano-dollars */
    ck_assert_int_eq(record()->cost, 52500);
    ck_assert_uint_eq(record()->flags, 0);
}
END_TEST

START_TEST(the_model_is_replaced_and_nothing_else)
{
    llm_attempt_t *attempt;
    const llm_request_t *request;
    llm_buf_t *sent = llm_buf_make(0, unit_pool);

    begin("openai", "{ \"z\":1e400, \"model\" : \"m\", \"u\":\"\\u0000\","
                    "\"messages\":[] ,\"z\":18446744073709551616}");
    attempt = llm_flow_next(x, 900);
    ck_assert_ptr_nonnull(attempt);
    request = &attempt->request;
    for (int i = 0; i < request->body_count; ++i) {
        llm_buf_append(sent, request->body[i].data, request->body[i].len);
    }
    llm_buf_putc(sent, '\0');
    ck_assert_str_eq(sent->data, "{ \"z\":1e400, \"model\" : \"gpt-4o\", "
                                 "\"u\":\"\\u0000\",\"messages\":[] ,"
                                 "\"z\":18446744073709551616}");
    ck_assert_str_eq(request->path, "/v1/chat/completions");
}
END_TEST

START_TEST(a_stream_passes_and_hides_the_usage_nobody_asked_for)
{
    static const char events[] =
        EVENT("\"content\":\"Hel\"", "null") ": comment\n\n" EVENT(
            "\"content\":\"lo\"", "null") EVENT("", "\"stop\"");
    static const char usage[] =
        "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":9,"
        "\"completion_tokens\":2,\"total_tokens\":11}}\n\n";
    const char *text = apr_pstrcat(unit_pool, EVENT_HEAD, events, usage,
                                   "data: [DONE]\n\n", NULL);

    for (apr_size_t step = 1; step < strlen(text); step += 11) {
        run("openai", CHAT_STREAM, step, (const char *const[]){text, NULL});
        expect_got(apr_pstrcat(unit_pool, events, "data: [DONE]\n\n", NULL));
        ck_assert_int_eq(x->complete, 1);
        ck_assert_int_eq(record()->usage.n[LLM_CLASS_OUTPUT], 2);
        ck_assert_int_eq(record()->usage.n[LLM_CLASS_INPUT], 9);
        ck_assert_uint_eq(record()->flags, LLM_RECORD_STREAM);
    }
}
END_TEST

START_TEST(the_next_upstream_answers_after_a_429)
{
    run("openai", CHAT, 50,
        (const char *const[]){ERROR_429, whole(ANSWER), NULL});
    expect_got(ANSWER);
    ck_assert_int_eq(record()->attempts, 2);
    ck_assert_str_eq(record()->provider, "other");
    ck_assert_ptr_null(x->problem);
}
END_TEST

START_TEST(the_last_error_is_told_in_the_providers_words)
{
    run("openai", CHAT, 50, (const char *const[]){ERROR_429, ERROR_429, NULL});
    expect_got("{\"error\":{\"message\":\"slow down\",\"type\":\"tokens\","
               "\"code\":\"x\"}}");
    ck_assert_int_eq(x->reply.status, 429);
    ck_assert_str_eq(apr_table_get(x->reply.headers, "Retry-After"), "7");
    ck_assert_int_eq(record()->cost, 0);
    ck_assert_int_eq(llm_usage_total(&record()->usage), 0);
}
END_TEST

START_TEST(a_bad_request_is_not_tried_elsewhere)
{
    static const char error[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 29\r\n\r\n"
        "{\"error\":{\"message\":\"wrong\"}}";

    run("openai", CHAT, 50, (const char *const[]){error, NULL});
    ck_assert_int_eq(record()->attempts, 1);
    ck_assert_int_eq(x->reply.status, 400);
}
END_TEST

START_TEST(an_error_as_the_first_event_is_tried_elsewhere)
{
    static const char error[] = EVENT_HEAD
        "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
    const char *good = apr_pstrcat(unit_pool, EVENT_HEAD,
                                   EVENT("\"content\":\"a\"", "\"stop\""),
                                   "data: [DONE]\n\n", NULL);

    run("openai", CHAT_STREAM, 9, (const char *const[]){error, good, NULL});
    expect_got(strstr(good, "data:"));
    ck_assert_int_eq(record()->attempts, 2);
    ck_assert_int_eq(x->complete, 1);
}
END_TEST

START_TEST(an_error_after_output_passes_once)
{
    static const char stream[] = EVENT_HEAD EVENT(
        "\"content\":\"a\"",
        "null") "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";

    run("openai", CHAT_STREAM, 9, (const char *const[]){stream, NULL});
    expect_got(strstr(stream, "data:"));
    ck_assert_int_eq(record()->attempts, 1);
    ck_assert_int_eq(x->complete, 0);
    ck_assert_ptr_nonnull(x->problem);
}
END_TEST

START_TEST(half_a_frame_becomes_an_error_event)
{
    static const char stream[] = EVENT_HEAD EVENT(
        "\"content\":\"abcdefgh\"",
        "null") "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"del";

    for (apr_size_t step = 1; step < sizeof(stream); step += 13) {
        run("openai", CHAT_STREAM, step, (const char *const[]){stream, NULL});
        ck_assert(got_has("abcdefgh"));
        ck_assert(got_has("\"error\""));
        ck_assert(!got_has("\"del"
                           "data"));
        ck_assert_int_eq(x->complete, 0);
        /* what was produced is billed, and marked as our own count */
        ck_assert_int_eq(record()->usage.n[LLM_CLASS_OUTPUT], 2);
        ck_assert_int_gt(record()->usage.n[LLM_CLASS_INPUT], 0);
        ck_assert(record()->flags & LLM_RECORD_ESTIMATED);
    }
}
END_TEST

START_TEST(a_short_body_is_no_answer)
{
    static const char lie[] = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n"
                              "Content-Type: application/json\r\n\r\n{\"id\":";

    set_policy(1);
    run("openai", CHAT, 10, (const char *const[]){lie, NULL});
    ck_assert_int_eq(x->reply.status, 502);
    ck_assert(got_has("\"error\""));
}
END_TEST

START_TEST(garbage_is_no_answer)
{
    set_policy(1);
    run("openai", CHAT, 10,
        (const char *const[]){whole("<html>hello</html>"), NULL});
    ck_assert_int_eq(x->reply.status, 502);
    run("openai", CHAT, 10,
        (const char *const[]){"\x16\x03\x01 nonsense", NULL});
    ck_assert_int_eq(x->reply.status, 502);
    run("openai", CHAT, 10, (const char *const[]){"", NULL});
    ck_assert_int_eq(x->reply.status, 502);
}
END_TEST

START_TEST(a_stream_is_translated)
{
    static const char stream[] = EVENT_HEAD
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"
        "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\","
        "\"model\":\"claude-sonnet-4-5\",\"content\":[],\"stop_reason\":null,"
        "\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\","
        "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
        "event: ping\ndata: {\"type\": \"ping\"}\n\n"
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
        "\"index\":0,\"delta\":{\"type\":\"text_delta\","
        "\"text\":\"caf\\u00e9 \\ud83d\\ude00\"}}\n\n"
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
        "\"index\":0}\n\n"
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
        "{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":"
        "{\"output_tokens\":6}}\n\n"
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    providers[0] = providers[2];
    set_policy(1);
    for (apr_size_t step = 1; step < sizeof(stream); step += 17) {
        run("openai", CHAT_STREAM, step, (const char *const[]){stream, NULL});
        ck_assert(got_has("\"caf\\u00e9 \\ud83d\\ude00\""));
        ck_assert(got_has("\"finish_reason\":\"stop\""));
        ck_assert(got_has("data: [DONE]\n\n"));
        ck_assert_int_eq(x->complete, 1);
        ck_assert_str_eq(x->reply.content_type, "text/event-stream");
    }
    ck_assert_int_eq(record()->usage.n[LLM_CLASS_INPUT], 11);
    ck_assert_int_eq(record()->usage.n[LLM_CLASS_OUTPUT], 6);
    /* 11 * 3,000 + 6 * 15,000 */
    ck_assert_int_eq(record()->cost, 123000);
}
END_TEST

static void begin_native(const char *rest, const char *body, const char *models)
{
    begin("openai", "{\"model\":\"m\"}");
    x = llm_exchange_make(&policy, 500, unit_pool);
    x->request_id = "req_test";
    x->client = llm_dialect_find("openai");
    x->op = LLM_OP_NATIVE;
    x->headers_in = apr_table_make(unit_pool, 4);
    x->key_models = models;
    x->native = &providers[0];
    x->native_method = "POST";
    x->native_rest = rest;
    x->raw.data = body;
    x->raw.len = strlen(body);
    llm_flow_begin(x);
}

START_TEST(a_native_answer_without_usage_is_counted)
{
    static const char inputs[] = "{\"inputs\":\"Hello there\"}";
    static const char generated[] =
        "[{\"generated_text\":\"one two three four five\"}]";
    llm_attempt_t *attempt;

    set_provider(0, "huggingface", "huggingface");
    begin_native("/org/name", inputs, "");
    ck_assert_str_eq(x->model, "org/name");
    attempt = llm_flow_next(x, 900);
    answer(attempt, whole(generated), 11);
    expect_got(generated);
    ck_assert_int_eq(record()->usage.n[LLM_CLASS_OUTPUT], 5);
    ck_assert(record()->flags & LLM_RECORD_ESTIMATED);
}
END_TEST

START_TEST(a_native_body_cannot_name_two_models)
{
    static const char two[] = "{\"model\":\"dear\",\"model\":\"cheap\"}";

    begin_native("/v1/responses", two, "cheap");
    ck_assert_ptr_nonnull(x->problem);
    ck_assert_str_eq(x->problem->param, "model");
    begin_native("/v1/responses", two, "");
    ck_assert_ptr_null(x->problem);
}
END_TEST

START_TEST(a_provider_that_cannot_be_asked_is_no_attempt)
{
    providers[0] = providers[2];
    set_policy(1);
    begin("openai", "{\"model\":\"m\",\"n\":3,\"messages\":[{\"role\":"
                    "\"user\",\"content\":\"Hi\"}]}");
    ck_assert_ptr_null(x->problem);
    ck_assert_ptr_null(llm_flow_next(x, 900));
    ck_assert_str_eq(x->problem->param, "n");
    ck_assert_int_eq(record()->attempts, 0);
    ck_assert_int_eq(record()->cost, 0);
}
END_TEST

START_TEST(a_refused_account_is_tried_elsewhere)
{
    static const char refused[] =
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 31\r\n\r\n"
        "{\"error\":{\"message\":\"bad key\"}}";

    run("openai", CHAT, 50,
        (const char *const[]){refused, whole(ANSWER), NULL});
    expect_got(ANSWER);
    ck_assert_int_eq(record()->attempts, 2);
}
END_TEST

START_TEST(large_embeddings_are_metered_without_a_tree)
{
    llm_buf_t *body = llm_buf_make(0, unit_pool);
    llm_attempt_t *attempt;

    llm_buf_lit(body, "{\"object\":\"list\",\"data\":[{\"embedding\":[0");
    for (int i = 0; i < 200000; ++i) {
        llm_buf_lit(body, ",0.0123456789");
    }
    llm_buf_lit(body, "]}],\"model\":\"text-embedding-3-small\",\"usage\":"
                      "{\"prompt_tokens\":8,\"total_tokens\":8}}");
    begin("openai", "{\"model\":\"m\",\"input\":\"Hello\"}");
    x->op = LLM_OP_EMBED;
    attempt = llm_flow_next(x, 900);
    answer(attempt, whole(apr_pstrmemdup(unit_pool, body->data, body->len)),
           16384);
    ck_assert_uint_eq(got->len, body->len);
    ck_assert(!memcmp(got->data, body->data, body->len));
    ck_assert_int_eq(record()->usage.n[LLM_CLASS_INPUT], 8);
    ck_assert_uint_eq(record()->flags, 0);
    ck_assert_str_eq(record()->served, "text-embedding-3-small");
}
END_TEST

START_TEST(what_a_client_may_not_do_is_told_in_its_dialect)
{
    begin("openai", "{\"messages\":[]}");
    ck_assert_str_eq(x->problem->param, "model");
    begin("openai", "{\"model\":7}");
    ck_assert_str_eq(x->problem->param, "model");
    begin("openai", "{\"model\":\"m\",\"stream\":\"yes\"}");
    ck_assert_str_eq(x->problem->param, "stream");
    begin("openai", "[1]");
    ck_assert_int_eq(x->problem->status, 400);
    begin("openai", "");
    ck_assert_int_eq(x->problem->status, 400);
    begin("openai", "{\"model\":\"nobody\"}");
    ck_assert_int_eq(x->problem->status, 404);
    ck_assert_str_eq(x->problem->code, "model_not_found");
    llm_flow_reply_problem(x);
    take_output();
    ck_assert(got_has("model_not_found"));
    begin("anthropic", "{\"model\":\"nobody\"}");
    llm_flow_reply_problem(x);
    take_output();
    ck_assert(got_has("\"not_found_error\""));
}
END_TEST

START_TEST(a_client_that_leaves_is_billed_for_what_it_got)
{
    llm_attempt_t *attempt;
    static const char stream[] =
        EVENT_HEAD EVENT("\"content\":\"abcdefghijkl\"", "null");

    begin("openai", CHAT_STREAM);
    attempt = llm_flow_next(x, 900);
    llm_attempt_sent(attempt, 1000);
    llm_attempt_feed(attempt, stream, sizeof(stream) - 1, 2000);
    x->client_gone = 1;
    llm_attempt_fail(
        attempt,
        llm_problem_make(LLM_PROBLEM_CLIENT_GONE, unit_pool, "the client left"),
        2500);
    ck_assert_ptr_null(llm_flow_next(x, 2600));
    ck_assert_int_eq(record()->usage.n[LLM_CLASS_OUTPUT], 2);
    ck_assert(record()->flags & LLM_RECORD_ABORTED);
    ck_assert(record()->flags & LLM_RECORD_ESTIMATED);
    ck_assert_int_gt(record()->cost, 0);
}
END_TEST

START_TEST(client_credentials_do_not_go_on)
{
    llm_attempt_t *attempt;
    llm_buf_t *head = llm_buf_make(0, unit_pool);

    begin("openai", CHAT);
    apr_table_setn((apr_table_t *)x->headers_in, "Authorization",
                   "Bearer llmgw-client");
    apr_table_setn((apr_table_t *)x->headers_in, "Cookie", "a=b");
    apr_table_setn((apr_table_t *)x->headers_in, "Connection", "x-hop, close");
    apr_table_setn((apr_table_t *)x->headers_in, "x-hop", "1");
    apr_table_setn((apr_table_t *)x->headers_in, "openai-organization", "org");
    attempt = llm_flow_next(x, 900);
    llm_attempt_head(attempt, "sk-provider", head);
    llm_buf_append(got, head->data, head->len);
    ck_assert(!got_has("llmgw-client"));
    ck_assert(!got_has("Cookie"));
    ck_assert(!got_has("x-hop"));
    ck_assert(got_has("openai-organization: org\r\n"));
    ck_assert(got_has("Authorization: Bearer sk-provider\r\n"));
    ck_assert(got_has("Accept-Encoding: identity\r\n"));
}
END_TEST

Suite *flow_suite(void)
{
    Suite *suite = suite_create("flow");
    TCase *tcase = tcase_create("flow");

    tcase_add_checked_fixture(tcase, open_all, unit_pool_close);
    tcase_add_test(tcase, a_whole_answer_passes_untouched);
    tcase_add_test(tcase, the_model_is_replaced_and_nothing_else);
    tcase_add_test(tcase, a_stream_passes_and_hides_the_usage_nobody_asked_for);
    tcase_add_test(tcase, the_next_upstream_answers_after_a_429);
    tcase_add_test(tcase, the_last_error_is_told_in_the_providers_words);
    tcase_add_test(tcase, a_bad_request_is_not_tried_elsewhere);
    tcase_add_test(tcase, an_error_as_the_first_event_is_tried_elsewhere);
    tcase_add_test(tcase, an_error_after_output_passes_once);
    tcase_add_test(tcase, half_a_frame_becomes_an_error_event);
    tcase_add_test(tcase, a_short_body_is_no_answer);
    tcase_add_test(tcase, garbage_is_no_answer);
    tcase_add_test(tcase, a_stream_is_translated);
    tcase_add_test(tcase, a_native_answer_without_usage_is_counted);
    tcase_add_test(tcase, a_native_body_cannot_name_two_models);
    tcase_add_test(tcase, a_provider_that_cannot_be_asked_is_no_attempt);
    tcase_add_test(tcase, a_refused_account_is_tried_elsewhere);
    tcase_add_test(tcase, large_embeddings_are_metered_without_a_tree);
    tcase_add_test(tcase, what_a_client_may_not_do_is_told_in_its_dialect);
    tcase_add_test(tcase, a_client_that_leaves_is_billed_for_what_it_got);
    tcase_add_test(tcase, client_credentials_do_not_go_on);
    suite_add_tcase(suite, tcase);
    return suite;
}
