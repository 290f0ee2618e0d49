/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exchange costs, by which price, and what becomes of usage without
 * one.
 */
#include <apr_strings.h>
#include <string.h>

#include "flow/flow.h"
#include "test/unit/unit.h"

#define CHAT                                                                   \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","                       \
    "\"content\":\"Hello there\"}]}"
#define STREAMED                                                               \
    "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\","       \
    "\"content\":\"Hello there\"}]}"
#define ANSWER                                                                 \
    "{\"id\":\"c1\",\"model\":\"gpt-4o-2024-08-06\",\"choices\":[],"           \
    "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}"

/* Two providers of one dialect, which has one price: 2.50 and 10 dollars. */
static llm_provider_t providers[2];
static llm_target_t targets[2];
static llm_model_t model;
static llm_policy_t policy;
static llm_exchange_t *x;

static const char prices[] =
    "{\"as_of\":\"2026-11-01\",\"currency\":\"USD\","
    "\"unit\":\"per_million\",\"models\":[{\"provider\":\"openai\","
    "\"model\":\"gpt-4o*\",\"input\":\"2.50\",\"output\":\"10.00\","
    "\"service_tiers\":{\"priority\":{\"multiply\":\"2\"}}}]}";

static void open_all(void)
{
    static const char *const names[] = {"openai", "other"};
    apr_array_header_t *models;
    llm_prices_t *list;
    const char *what;

    unit_pool_open();
    memset(&policy, 0, sizeof(policy));
    memset(&model, 0, sizeof(model));
    memset(targets, 0, sizeof(targets));
    memset(providers, 0, sizeof(providers));
    model.name = "m";
    model.targets = apr_array_make(unit_pool, 2, sizeof(llm_target_t *));
    for (int i = 0; i < 2; ++i) {
        providers[i].name = names[i];
        providers[i].dialect = llm_dialect_find("openai");
        ck_assert_ptr_null(llm_provider_set_url(
            &providers[i], "http://127.0.0.1:9000", unit_pool));
        targets[i].provider = &providers[i];
        targets[i].model = "gpt-4o";
        targets[i].priority = i + 1;
        targets[i].weight = 100;
        APR_ARRAY_PUSH(model.targets, llm_target_t *) = &targets[i];
    }
    models = apr_array_make(unit_pool, 1, sizeof(llm_model_t *));
    APR_ARRAY_PUSH(models, llm_model_t *) = &model;
    policy.models = models;
    policy.answer_limit = 1 << 24;
    policy.retries = 2;
    what = llm_prices_read(&list, prices, sizeof(prices) - 1, unit_pool);
    ck_assert_msg(!what, "%s", what);
    policy.prices.layer[LLM_PRICES_FILE] = list;
}

static void begin_as(int is_stream)
{
    x = llm_exchange_make(&policy, 500, unit_pool);
    x->request_id = "req_test";
    x->client = llm_dialect_find("openai");
    x->op = LLM_OP_CHAT;
    x->key_id = 1;
    x->headers_in = apr_table_make(unit_pool, 4);
    x->raw = is_stream ? (llm_bytes_t)LLM_BYTES_LITERAL(STREAMED)
                       : (llm_bytes_t)LLM_BYTES_LITERAL(CHAT);
    llm_flow_begin(x);
}

static void begin(void)
{
    begin_as(0);
}

/* The first upstream answers with this body. */
static void run_as(const char *body, int is_stream)
{
    llm_attempt_t *attempt;
    const char *text =
        apr_psprintf(unit_pool,
                     "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
                     "Content-Length: %" APR_SIZE_T_FMT "\r\n\r\n%s",
                     is_stream ? "text/event-stream" : "application/json",
                     strlen(body), body);

    begin_as(is_stream);
    attempt = llm_flow_next(x, 900);
    ck_assert_ptr_nonnull(attempt);
    llm_attempt_sent(attempt, 1000);
    llm_attempt_feed(attempt, text, strlen(text), 2000);
    ck_assert_int_eq(attempt->state, LLM_ATTEMPT_DONE);
}

static void run(const char *body)
{
    run_as(body, 0);
}

static llm_record_t *record(void)
{
    llm_record_t *record = apr_palloc(unit_pool, sizeof(*record));

    llm_flow_record(x, record, 5000);
    return record;
}

/* The provider of the policy has one price, for gpt-4o*. */
START_TEST(what_has_no_price_is_guessed_by_the_dearest)
{
    static const char other[] = "{\"id\":\"c1\",\"model\":\"new-1\","
                                "\"choices\":[],\"usage\":{"
                                "\"prompt_tokens\":9,"
                                "\"completion_tokens\":3}}";

    targets[0].model = "new-1";
    run(other);
    ck_assert_int_eq(record()->cost, 52500);
    ck_assert_uint_eq(record()->flags, LLM_RECORD_GUESSED);

    policy.unknown_price = LLM_UNKNOWN_PRICE_ZERO;
    ck_assert_int_eq(record()->cost, 0);
    ck_assert_uint_eq(record()->flags, LLM_RECORD_UNPRICED);
    ck_assert_uint_eq(record()->price_day, 0);
}
END_TEST

START_TEST(a_provider_without_prices_has_no_dearest)
{
    policy.prices.layer[LLM_PRICES_FILE] = NULL;
    run(ANSWER);
    ck_assert_int_eq(record()->cost, LLM_MONEY_UNKNOWN);
    ck_assert_uint_eq(record()->flags, LLM_RECORD_UNPRICED);
}
END_TEST

START_TEST(a_model_without_a_price_is_not_asked_where_that_is_denied)
{
    policy.unknown_price = LLM_UNKNOWN_PRICE_DENY;
    targets[0].model = targets[1].model = "new-1";
    begin();
    ck_assert_ptr_null(llm_flow_next(x, 900));
    ck_assert_int_eq(x->problem->status, 403);
    ck_assert_str_eq(x->problem->code, "model_not_priced");
    ck_assert_int_eq(x->attempts->nelts, 0);

    /* the next upstream has one */
    targets[1].model = "gpt-4o";
    begin();
    ck_assert_str_eq(llm_flow_next(x, 900)->upstream.provider->name, "other");
}
END_TEST

START_TEST(a_cost_that_was_told_stays)
{
    llm_record_t told;

    run(ANSWER);
    told = *record();
    llm_flow_tell_cost(x, &told);
    policy.prices.layer[LLM_PRICES_FILE] = NULL; /* another list comes */
    ck_assert_int_eq(record()->cost, told.cost);
    ck_assert_uint_eq(record()->price_day, told.price_day);
    ck_assert_uint_eq(record()->flags, told.flags);
    x->told = NULL;
    ck_assert_int_eq(record()->cost, LLM_MONEY_UNKNOWN);
}
END_TEST

#define TIERED(tier)                                                           \
    "{\"id\":\"c1\",\"model\":\"gpt-4o-2024-08-06\",\"choices\":[],"           \
    "\"service_tier\":\"" tier "\","                                           \
    "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}"

START_TEST(the_tier_that_served_has_its_price)
{
    run(TIERED("priority"));
    ck_assert_str_eq(record()->tier, "priority");
    ck_assert_int_eq(record()->cost, 105000);
    ck_assert_uint_eq(record()->flags, 0);

    run(TIERED("default"));
    ck_assert_str_eq(record()->tier, "default");
    ck_assert_int_eq(record()->cost, 52500);
    ck_assert_uint_eq(record()->flags, 0);

    /* the standard price stands in, and the record says so */
    run(TIERED("scale"));
    ck_assert_int_eq(record()->cost, 52500);
    ck_assert_uint_eq(record()->flags, LLM_RECORD_GUESSED);
}
END_TEST

#define ANTHROPIC_WHOLE                                                         \
    "{\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\","               \
    "\"model\":\"claude-x\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}]," \
    "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":9,"               \
    "\"output_tokens\":3,\"service_tier\":\"priority\"}}"
#define ANTHROPIC_STREAM                                                       \
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{"    \
    "\"id\":\"m1\",\"type\":\"message\",\"role\":\"assistant\","               \
    "\"model\":\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":9,"     \
    "\"output_tokens\":1,\"service_tier\":\"batch\"}}}\n\n"                    \
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"      \
    "\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n"       \
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define GEMINI(traffic)                                                         \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hi\"}],\"role\":"    \
    "\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{"    \
    "\"promptTokenCount\":9,\"candidatesTokenCount\":3,\"totalTokenCount\":12," \
    "\"trafficType\":\"" traffic "\"},\"modelVersion\":\"gemini-x\"}"

START_TEST(each_dialect_says_its_tier_whole_and_in_a_stream)
{
    static const struct {
        const char *dialect, *body, *tier;
        int is_stream;
    } answers[] = {
        {"anthropic", ANTHROPIC_WHOLE, "priority", 0},
        {"anthropic", ANTHROPIC_STREAM, "batch", 1},
        {"gemini", GEMINI("ON_DEMAND"), "standard", 0},
        {"gemini", GEMINI("ON_DEMAND_FLEX"), "flex", 0},
        {"gemini", GEMINI("PROVISIONED_THROUGHPUT"), "provisioned", 0},
        {"gemini", "data: " GEMINI("ON_DEMAND_PRIORITY") "\r\n\r\n", "priority",
         1},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(answers) / sizeof(answers[0]); ++i) {
        providers[0].dialect = llm_dialect_find(answers[i].dialect);
        run_as(answers[i].body, answers[i].is_stream);
        ck_assert_str_eq(record()->tier, answers[i].tier);
        ck_assert_int_eq(record()->usage.n[LLM_CLASS_INPUT], 9);
        ck_assert_int_eq(record()->usage.n[LLM_CLASS_OUTPUT], 3);
    }
}
END_TEST

Suite *cost_suite(void)
{
    Suite *suite = suite_create("cost");
    TCase *tcase = tcase_create("prices");

    tcase_add_checked_fixture(tcase, open_all, unit_pool_close);
    tcase_add_test(tcase, what_has_no_price_is_guessed_by_the_dearest);
    tcase_add_test(tcase, a_provider_without_prices_has_no_dearest);
    tcase_add_test(tcase,
                   a_model_without_a_price_is_not_asked_where_that_is_denied);
    tcase_add_test(tcase, a_cost_that_was_told_stays);
    tcase_add_test(tcase, the_tier_that_served_has_its_price);
    tcase_add_test(tcase, each_dialect_says_its_tier_whole_and_in_a_stream);
    suite_add_tcase(suite, tcase);
    return suite;
}
