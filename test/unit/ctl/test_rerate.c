/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl rerate: records priced as the gateway would have priced them. */
#include "llmgwctl/rerate.h"
#include "test/unit/ctl/fake.h"

#include <string.h>

#include <apr_env.h>
#include <apr_strings.h>

static const char prices_text[] =
    "{\"as_of\":\"2026-11-01\",\"currency\":\"USD\",\"unit\":\"per_million\","
    "\"models\":[{\"provider\":\"openai\",\"model\":\"gpt-4o\","
    "\"input\":\"2\",\"output\":\"10\",\"request\":\"0.001\","
    "\"tiers\":[{\"above\":1000,\"input\":\"4\"}],"
    "\"service_tiers\":{\"flex\":{\"multiply\":\"0.5\"}}}]}";

static const char configured_text[] =
    "{\"unknown_price\":\"estimate\",\"providers\":[{\"name\":\"eu\","
    "\"dialect\":\"openai\"}],\"models\":["
    "{\"provider\":\"eu\",\"model\":\"gpt-4o\",\"route\":\"smart\"},"
    "{\"provider\":\"eu\",\"model\":\"gpt-*o\",\"route\":\"eu/*\"},"
    "{\"provider\":\"eu\",\"model\":\"gpt-4o\",\"route\":\"two\"},"
    "{\"provider\":\"eu\",\"model\":\"other\",\"route\":\"two\"}]}";

static ctl_prices_t prices;
static ctl_rater_t rater;
static ctl_rated_t rated;

static void open_rater(void)
{
    llm_prices_t *list;
    const char *wrong;

    fake_open();
    memset(&prices, 0, sizeof(prices));
    wrong =
        llm_prices_read(&list, prices_text, sizeof(prices_text) - 1, unit_pool);
    ck_assert_msg(!wrong, "%s", wrong);
    prices.book.layer[LLM_PRICES_FILE] = list;
    ck_assert_int_eq(llm_json_read(&prices.configured, configured_text,
                                   sizeof(configured_text) - 1, NULL,
                                   unit_pool),
                     APR_SUCCESS);
    ctl_rater_open(&rater, &prices, unit_pool);
}

/* A record of 100 tokens in and 10 out, with these members. */
static int rate(const char *members)
{
    const char *text = apr_psprintf(
        unit_pool,
        "{\"provider\":\"eu\",\"request_id\":\"req_1\",\"time_us\":1,"
        "\"input\":100,\"output\":10,\"cost\":7,\"flags\":[],%s}",
        members);
    const llm_json_t *row;

    ck_assert_int_eq(llm_json_read(&row, text, strlen(text), NULL, unit_pool),
                     APR_SUCCESS);
    return ctl_rate(&rated, &rater, row, unit_pool);
}

static void costs(const char *members, llm_money_t cost)
{
    ck_assert_int_eq(rate(members), 1);
    ck_assert_int_eq(rated.is_known, 1);
    ck_assert_int_eq(rated.cost, cost);
}

/* 100 x 2 and 10 x 10 dollars a million, and a tenth of a cent */
#define PLAIN 1300000

START_TEST(a_record_is_priced_by_what_answered_or_was_asked)
{
    costs("\"model\":\"gpt-4o\",\"asked\":\"x\"", PLAIN);
    /* a dated one has no price: by what its route asks for */
    costs("\"model\":\"gpt-4o-2024\",\"asked\":\"smart\",\"route\":\"smart\"",
          PLAIN);
    costs("\"model\":\"d\",\"asked\":\"eu/4\",\"route\":\"eu/*\"", PLAIN);
    /* a route that passes names on */
    costs("\"model\":\"d\",\"asked\":\"my-gpt-4o\",\"route\":\"my-*\"", PLAIN);
    costs("\"model\":\"d\",\"asked\":\"gpt-4o\",\"route\":null", PLAIN);
    ck_assert_uint_eq(rated.day, 20758); /* 2026-11-01 */
    /* a route that asks for several cannot be told apart */
    rate("\"model\":\"d\",\"asked\":\"two\",\"route\":\"two\"");
    ck_assert_int_eq(rated.is_known, 0);
    ck_assert_int_eq(rated.cost, 7);
    ck_assert_int_eq(ctl_rated_is_changed(&rated), 0);
}
END_TEST

START_TEST(tiers_and_sizes_have_their_prices)
{
    costs("\"model\":\"gpt-4o\",\"tier\":\"flex\"", PLAIN / 2);
    ck_assert_int_eq(rated.is_guessed, 0);
    costs("\"model\":\"gpt-4o\",\"tier\":\"turbo\"", PLAIN);
    ck_assert_int_eq(rated.is_guessed, 1);
    costs("\"model\":\"gpt-4o\",\"cache_read\":2000",
          2100 * 4000 + 10 * 10000 + 1000000);
    rater.is_zero = 1;
    rate("\"model\":\"gpt-4o\",\"tier\":\"turbo\"");
    ck_assert_int_eq(rated.is_known, 0);
}
END_TEST

START_TEST(what_is_as_it_was_is_not_changed)
{
    costs("\"model\":\"gpt-4o\",\"cost\":1300000", PLAIN);
    ck_assert_int_eq(ctl_rated_is_changed(&rated), 0);
    costs("\"model\":\"gpt-4o\",\"cost\":1300000,\"flags\":[\"guessed\"]",
          PLAIN);
    ck_assert_int_eq(ctl_rated_is_changed(&rated), 1);
    costs("\"model\":\"gpt-4o\",\"cost\":null", PLAIN);
    ck_assert_int_eq(rated.was, 0);
    ck_assert_int_eq(ctl_rated_is_changed(&rated), 1);
    costs("\"model\":\"gpt-4o\",\"cost\":0,\"flags\":[\"unpriced\"]", PLAIN);
    ck_assert_int_eq(ctl_rated_is_changed(&rated), 1);
    /* nothing was used; no provider was asked; the cache answered */
    costs("\"model\":\"gpt-4o\",\"input\":0,\"output\":null,\"cost\":0", 0);
    ck_assert_int_eq(ctl_rated_is_changed(&rated), 0);
    ck_assert_int_eq(rate("\"provider\":null"), 0);
    costs("\"model\":\"gpt-4o\",\"cost\":0,\"flags\":[\"cached\"]", 0);
}
END_TEST

/* -------------------------------------------------------------- the command */

#define SET                                                                    \
    "{\"row\":{\"list\":\"set\",\"entry\":{\"as_of\":\"2026-11-20\","          \
    "\"provider\":\"eu\",\"model\":\"gpt-4o\",\"input\":\"1\","                \
    "\"output\":\"1\"}}}",                                                     \
        "{\"done\":{\"as_of\":null,\"configured\":{\"prices\":null}}}", NULL
#define EVENT(id, cost)                                                        \
    "{\"row\":{\"time_us\":1795305600000000,\"request_id\":\"" id "\","        \
    "\"provider\":\"eu\",\"model\":\"gpt-4o\",\"input\":100,\"output\":10,"    \
    "\"flags\":[],\"cost\":" cost "}}"

static const char *const in_force[] = {SET};
/* of the first day nothing is left, of the second two requests */
static const char *const days[] = {
    "{\"row\":{\"day\":\"2026-11-22\",\"requests\":2}}",
    "{\"row\":{\"day\":\"2026-08-01\",\"requests\":9}}",
    "{\"done\":{\"groups\":2}}", NULL};
static const char *const nothing[] = {"{\"done\":{\"events\":0}}", NULL};
static const char *const two[] = {EVENT("req_1", "200000"),
                                  EVENT("req_2", "110000"),
                                  "{\"done\":{\"events\":2}}", NULL};
static const char *const changed[] = {
    "{\"done\":{\"changed\":1,\"already\":0,\"other\":0,\"missing\":0}}", NULL};
static const char *const ended[] = {
    "{\"done\":{\"changed\":0,\"already\":0,\"other\":0,\"missing\":0}}", NULL};
static const char *const refused[] = {
    "{\"error\":{\"code\":\"full\",\"message\":\"no space\"}}", NULL};

#define TABLE                                                                  \
    "PROVIDER  MODEL   REQUESTS  CHANGED       COST   NEW COST  "              \
    "DIFFERENCE\n"                                                             \
    "eu        gpt-4o         2        1  $0.000310  $0.000220  "              \
    "-$0.000090\n"                                                             \
    "total     -              2        1  $0.000310  $0.000220  "              \
    "-$0.000090\n"
#define GONE                                                                   \
    "1 days up to 2026-08-01 cannot be rerated: their single records are no "  \
    "longer kept.\n"

START_TEST(without_apply_nothing_is_sent)
{
    static const char *const *const calls[] = {in_force, days, nothing, nothing,
                                               two};

    apr_env_delete("LLMGW_PRICES", unit_pool);
    fake.answers = calls;
    fake_expect("rerate --since 2026-01-01", CTL_DONE, TABLE,
                GONE "Nothing was changed; the same command with --apply "
                     "changes the records, the sums and the quotas.\n");
    ck_assert_uint_eq(fake.calls, 5);
    ck_assert_str_eq(fake_asked("op"), "\"events\"");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-22T00:00:00Z\"");
}
END_TEST

START_TEST(applied_what_differs_is_sent_with_what_it_cost)
{
    static const char *const *const calls[] = {
        in_force, days, nothing, nothing, two, changed, ended};

    apr_env_delete("LLMGW_PRICES", unit_pool);
    fake.answers = calls;
    fake_expect("rerate --since 2026-01-01 --apply", CTL_DONE, TABLE,
                GONE "1 requests were changed.\n");
    ck_assert_uint_eq(fake.calls, 7);
    ck_assert_str_eq(fake_asked("end"), "true");
    ck_assert_str_eq(fake_asked("about"), "\"--since 2026-01-01 --apply\"");
}
END_TEST

START_TEST(a_store_that_refuses_ends_it)
{
    static const char *const *const calls[] = {in_force, days, nothing,
                                               nothing,  two,  refused};

    apr_env_delete("LLMGW_PRICES", unit_pool);
    fake.answers = calls;
    fake_expect("rerate --since 2026-01-01 --apply", CTL_REFUSED, "",
                "llmgwctl: no space\n");
    ck_assert_str_eq(fake_asked("changes"),
                     "[{\"id\":\"req_1\",\"time_us\":1795305600000000,"
                     "\"from\":200000,\"to\":110000,"
                     "\"price_day\":\"2026-11-20\"}]");
}
END_TEST

Suite *rerate_suite(void)
{
    Suite *suite = suite_create("rerate");
    TCase *records = tcase_create("records");
    TCase *runs = tcase_create("runs");

    tcase_add_checked_fixture(records, open_rater, fake_close);
    tcase_add_test(records, a_record_is_priced_by_what_answered_or_was_asked);
    tcase_add_test(records, tiers_and_sizes_have_their_prices);
    tcase_add_test(records, what_is_as_it_was_is_not_changed);
    suite_add_tcase(suite, records);
    tcase_add_checked_fixture(runs, fake_open, fake_close);
    tcase_add_test(runs, without_apply_nothing_is_sent);
    tcase_add_test(runs, applied_what_differs_is_sent_with_what_it_cost);
    tcase_add_test(runs, a_store_that_refuses_ends_it);
    suite_add_tcase(suite, runs);
    return suite;
}
