/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl cost: what was spent against budgets; and how budgets are given. */
#include "test/unit/ctl/fake.h"

#include <string.h>

/* Alice is over her day, bob near his month, carol far from it, dave has no
 * budget, and what has no key has none either. */
static const char *const spent[] = {
    "{\"row\":{\"key\":\"alice\",\"key_id\":1,\"day\":6000000000,"
    "\"month\":30000000000,\"total\":90000000000,\"unpriced\":0,"
    "\"budget_day\":5000000000,\"budget_month\":100000000000,"
    "\"budget_total\":null}}",
    "{\"row\":{\"key\":\"bob\",\"key_id\":2,\"day\":0,\"month\":85999999,"
    "\"total\":85999999,\"unpriced\":2,\"budget_day\":null,"
    "\"budget_month\":100000000,\"budget_total\":null}}",
    "{\"row\":{\"key\":\"carol\",\"key_id\":3,\"day\":0,\"month\":0,"
    "\"total\":1000000000,\"unpriced\":0,\"budget_day\":null,"
    "\"budget_month\":null,\"budget_total\":4000000000}}",
    "{\"row\":{\"key\":\"dave\",\"key_id\":4,\"day\":0,\"month\":0,"
    "\"total\":1,\"unpriced\":0,\"budget_day\":null,\"budget_month\":null,"
    "\"budget_total\":null}}",
    "{\"done\":{\"rows\":4}}",
    NULL};
/* The fake says the same whatever it is asked. */
static const char *const models[] = {
    "{\"row\":{\"model\":\"claude\",\"requests\":2,\"unpriced\":1,"
    "\"cost\":37500}}",
    "{\"row\":{\"model\":\"gpt-4o\",\"requests\":3,\"unpriced\":0,"
    "\"cost\":1234567890123456789}}",
    "{\"done\":{}}", NULL};
static const char *const none[] = {"{\"done\":{}}", NULL};

/* The words begin a line of what was printed. */
static void prints_line(const char *words)
{
    const char *at = strstr(fake.out, words);

    ck_assert_msg(at && (at == fake.out || at[-1] == '\n'), "no '%s' in:\n%s",
                  words, fake.out);
}

static void order_is(const char *words, const char *const *names)
{
    const char *at;

    ck_assert_int_eq(fake_run(words), CTL_DONE);
    at = fake.out;
    for (; *names; ++names) {
        const char *found = strstr(at, *names);

        ck_assert_msg(found != NULL, "%s: no %s in order in:\n%s", words,
                      *names, fake.out);
        at = found;
    }
}

START_TEST(cost_is_spending_against_budgets)
{
    fake.answer = spent;
    fake_expect(
        "cost", CTL_DONE,
        "NAME       TODAY  THIS MONTH    FORECAST       TOTAL  BUDGET        "
        "   LEFT  USED %  STATE\n"
        "alice  $6.000000  $30.000000  $41.860465  $90.000000  5.00/day    "
        "$0.000000   120.0  over\n"
        "bob    $0.000000   $0.086000   $0.120000   $0.086000  0.10/month  "
        "$0.014000    85.9  near\n"
        "carol  $0.000000   $0.000000   $0.000000   $1.000000  4.00/total  "
        "$3.000000    25.0  ok\n"
        "dave   $0.000000   $0.000000   $0.000000   $0.000000  -           "
        "        -       -  -\n"
        "total  $6.000000  $30.086000  $41.980465  $91.086000  -           "
        "        -       -  -\n",
        "The price of 2 requests is not known; their cost is not in "
        "the sums.\n");
}
END_TEST

START_TEST(cost_as_json_has_every_budget)
{
    fake.answer = spent;
    ck_assert_int_eq(fake_run("cost --json"), CTL_DONE);
    ck_assert_str_eq(fake.err, "");
    ck_assert_ptr_nonnull(strstr(
        fake.out,
        "{\"key\":\"alice\",\"today_nanodollars\":6000000000,\"today\":"
        "\"6.00\",\"month_nanodollars\":30000000000,\"month\":\"30.00\","
        "\"forecast_nanodollars\":41860465116,\"forecast\":\"41.860465116\","
        "\"since_nanodollars\":null,\"since\":null,"
        "\"total_nanodollars\":90000000000,\"total\":\"90.00\","
        "\"budget_day_nanodollars\":5000000000,\"budget_day\":\"5.00\","
        "\"budget_month_nanodollars\":100000000000,"
        "\"budget_month\":\"100.00\",\"budget_total_nanodollars\":null,"
        "\"budget_total\":null,\"budget\":\"5.00/day\",\"left_nanodollars\":0,"
        "\"left\":\"0.00\",\"used_percent\":\"120.0\",\"state\":\"over\"}"));
    ck_assert_ptr_nonnull(strstr(
        fake.out, "\"budget\":null,\"left_nanodollars\":null,\"left\":null,"
                  "\"used_percent\":null,\"state\":null}\n],\n\"total\":{"
                  "\"key\":null,\"today_nanodollars\":6000000000,"));
    ck_assert_int_eq(fake_run("cost --format csv"), CTL_DONE);
    prints_line("key,today_nanodollars,today,month_nanodollars,month,forecast_"
                "nanodollars,forecast,since_nanodollars,since,total_"
                "nanodollars,total,budget_day_nanodollars,budget_day,budget_"
                "month_nanodollars,budget_month,budget_total_nanodollars,"
                "budget_total,budget,left_nanodollars,left,used_percent,"
                "state\r\n");
    prints_line("bob,0,0.00,85999999,0.085999999,");
    ck_assert_ptr_nonnull(
        strstr(fake.out, ",0.10/month,14000001,0.014000001,85.9,near\r\n"));
}
END_TEST

START_TEST(cost_is_sorted_as_one_likes)
{
    fake.answer = spent;
    order_is("cost", (const char *const[]){"alice", "bob", "carol", "dave",
                                           "total", NULL});
    order_is("cost --sort used",
             (const char *const[]){"alice", "bob", "carol", "dave", NULL});
    order_is("cost --sort left",
             (const char *const[]){"alice", "bob", "carol", "dave", NULL});
    fake.answer = (const char *const[]){
        "{\"row\":{\"key\":\"rich\",\"key_id\":9,\"day\":9000,\"month\":9000,"
        "\"total\":9000,\"budget_month\":100000000000}}",
        "{\"row\":{\"key\":\"poor\",\"key_id\":8,\"day\":1,\"month\":1,"
        "\"total\":1,\"budget_month\":5}}",
        "{\"row\":{\"key\":\"spent\",\"key_id\":7,\"day\":5,\"month\":5,"
        "\"total\":5,\"budget_total\":5}}",
        "{\"row\":{\"key\":\"free\",\"key_id\":6,\"day\":6,\"month\":6,"
        "\"total\":6}}",
        "{\"done\":{}}",
        NULL};
    order_is("cost",
             (const char *const[]){"rich", "free", "spent", "poor", NULL});
    order_is("cost --sort left",
             (const char *const[]){"spent", "poor", "rich", "free", NULL});
    order_is("cost --sort used",
             (const char *const[]){"spent", "poor", "rich", "free", NULL});
    order_is("cost --sort name",
             (const char *const[]){"free", "poor", "rich", "spent", NULL});
    fake_expect("cost --sort size", CTL_USAGE, "",
                "llmgwctl: --sort: expected cost, left, used or name, not "
                "'size'\n");
}
END_TEST

START_TEST(over_shows_what_is_over_or_near)
{
    fake.answer = spent;
    ck_assert_int_eq(fake_run("cost --over"), CTL_DONE);
    prints_line("alice ");
    prints_line("bob ");
    prints_line("total ");
    ck_assert_ptr_null(strstr(fake.out, "carol"));
    ck_assert_ptr_null(strstr(fake.out, "dave"));
    ck_assert_int_eq(fake_run("cost --over --near 86"), CTL_DONE);
    ck_assert_ptr_null(strstr(fake.out, "bob"));
    ck_assert_int_eq(fake_run("cost --over --near 25"), CTL_DONE);
    prints_line("carol ");
    fake.answer = none;
    fake_expect("cost --over", CTL_DONE, "",
                "No budget is over, or near its end.\n");
    ck_assert_int_eq(fake_run("cost --near 0"), CTL_USAGE);
    ck_assert_int_eq(fake_run("cost --near 101"), CTL_USAGE);
    ck_assert_int_eq(fake_run("cost --near 80%"), CTL_USAGE);
    fake_expect("cost --near -5", CTL_USAGE, "",
                "llmgwctl: --near: expected a percentage from 1 to 100, not "
                "'-5'\n");
    fake_expect("cost --over --by model", CTL_USAGE, "",
                "llmgwctl: --over: only keys and teams have budgets: expected "
                "--by key or --by team\n");
}
END_TEST

START_TEST(a_budget_that_is_spent_to_the_end_is_not_over)
{
    fake.answer = (const char *const[]){
        "{\"row\":{\"key\":\"all\",\"key_id\":1,\"day\":5,\"month\":5,"
        "\"total\":5,\"budget_day\":5}}",
        "{\"row\":{\"key\":\"more\",\"key_id\":2,\"day\":6,\"month\":6,"
        "\"total\":6,\"budget_day\":5}}",
        "{\"row\":{\"key\":\"none\",\"key_id\":3,\"day\":0,\"month\":0,"
        "\"total\":0,\"budget_day\":0}}",
        "{\"row\":{\"key\":\"some\",\"key_id\":4,\"day\":1,\"month\":1,"
        "\"total\":1,\"budget_day\":0}}",
        "{\"done\":{}}",
        NULL};
    ck_assert_int_eq(fake_run("cost --format csv"), CTL_DONE);
    ck_assert_ptr_nonnull(
        strstr(fake.out, "0.000000005/day,0,0.00,100.0,near\r\n"));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "0.000000005/day,0,0.00,120.0,over\r\n"));
    ck_assert_ptr_nonnull(strstr(fake.out, "0.00/day,0,0.00,100.0,near\r\n"));
    ck_assert_ptr_nonnull(strstr(fake.out, "0.00/day,0,0.00,,over\r\n"));
}
END_TEST

START_TEST(each_budget_has_a_bar)
{
    fake.answer = spent;
    fake.world.width = 70;
    fake_expect("cost --chart", CTL_DONE,
                "alice  5.00/day      ########################  "
                "120.0 %  $1.000000 over\n"
                "alice  100.00/month  #######                   "
                "30.0 %  $70.000000 left\n"
                "bob  0.10/month      #####################      "
                "85.9 %  $0.014000 left\n"
                "carol  4.00/total    ######                     "
                "25.0 %  $3.000000 left\n",
                "The price of 2 requests is not known; their cost is not in "
                "the sums.\n");
}
END_TEST

START_TEST(a_chart_is_for_people_and_of_budgets)
{
    fake.answer = none;
    ck_assert_int_eq(fake_run("cost --chart --json"), CTL_USAGE);
    ck_assert_int_eq(fake_run("cost --chart --format csv"), CTL_USAGE);
    ck_assert_int_eq(fake_run("cost --chart --by provider"), CTL_USAGE);
    fake_expect("cost --chart --by team", CTL_DONE, "",
                "No team has a budget.\n");
    ck_assert_str_eq(fake_asked("op"), "\"spend\"");
    ck_assert_str_eq(fake_asked("by"), "\"team\"");
}
END_TEST

START_TEST(models_are_sums_of_usage)
{
    fake.answer = models;
    fake_expect("cost --by model --since 90d", CTL_DONE,
                "NAME                    TODAY             THIS MONTH          "
                "     FORECAST                  SINCE\n"
                "gpt-4o  $1,234,567,890.123457  $1,234,567,890.123457  "
                "$1,722,652,869.939707  $1,234,567,890.123457\n"
                "claude              $0.000038              $0.000038          "
                "    $0.000052              $0.000038\n"
                "total   $1,234,567,890.123494  $1,234,567,890.123494  "
                "$1,722,652,869.939760  $1,234,567,890.123494\n",
                "The price of 1 requests is not known; their cost is not "
                "in the sums.\n");
    ck_assert_str_eq(fake_asked("op"), "\"usage\"");
    ck_assert_str_eq(fake_asked("since"), "\"2026-08-24T12:00:00Z\"");
    ck_assert_int_eq(fake_run("cost --by provider"), CTL_DONE);
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-01T00:00:00Z\"");
    ck_assert_str_eq(fake_asked("by"), "[\"provider\"]");
    ck_assert_int_eq(fake_run("cost --by hour"), CTL_USAGE);
    /* half an hour foretells nothing */
    fake.world.now = APR_INT64_C(1793493000000000); /* 2026-11-01T00:30 */
    ck_assert_int_eq(fake_run("cost --json"), CTL_DONE);
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"forecast_nanodollars\":null,\"forecast\":null,"));
}
END_TEST

START_TEST(days_of_a_zone_are_asked_for_and_budgets_stay)
{
    fake.answer = (const char *const[]){
        "{\"row\":{\"key\":\"a\",\"key_id\":1,\"day\":5,\"month\":50,"
        "\"total\":500,\"budget_month\":100,\"cost\":3000,\"unpriced\":1}}",
        "{\"done\":{}}", NULL};
    ck_assert_int_eq(fake_run("cost --tz -03:00 --json"), CTL_DONE);
    ck_assert_uint_eq(fake.calls, 3);
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-01T03:00:00Z\"");
    ck_assert_ptr_nonnull(strstr(fake.out, "\"today_nanodollars\":3000,"));
    ck_assert_ptr_nonnull(strstr(fake.out, "\"month_nanodollars\":3000,"));
    ck_assert_ptr_nonnull(strstr(fake.out, "\"total_nanodollars\":500,"));
    ck_assert_ptr_nonnull(strstr(fake.out, "\"left_nanodollars\":50,"));
    /* one more span of all keys, and what has no price is counted once */
    ck_assert_int_eq(fake_run("cost --since 90d"), CTL_DONE);
    ck_assert_uint_eq(fake.calls, 5);
    ck_assert_str_eq(fake.err, "The price of 1 requests is not known; their "
                               "cost is not in the sums.\n");
}
END_TEST

/* ------------------------------------------------------------ giving budgets */

static const char *const key[] = {
    "{\"done\":{\"key\":{\"id\":1,\"name\":\"a\",\"hint\":\"x\","
    "\"state\":\"active\",\"budget_day\":5000000000,\"budget_month\":null,"
    "\"budget_total\":null},\"secret\":\"s\"}}",
    NULL};
static const char *const team[] = {
    "{\"done\":{\"team\":{\"name\":\"t\",\"keys\":0,\"budget_day\":null,"
    "\"budget_month\":100000000000,\"budget_total\":null}}}",
    NULL};

START_TEST(budgets_are_handed_on)
{
    fake.answer = key;
    ck_assert_int_eq(
        fake_run("key create a --budget 5/day --team t --budget=100/month"),
        CTL_DONE);
    ck_assert_str_eq(fake_asked("budget"), "\"5/day, 100/month\"");
    ck_assert_int_eq(fake_run("key create a"), CTL_DONE);
    ck_assert_str_eq(fake_asked("budget"), "absent");
    ck_assert_int_eq(fake_run("key update a --budget 5/day,7/total"), CTL_DONE);
    ck_assert_str_eq(fake_asked("budget"), "\"5/day,7/total\"");
    ck_assert_int_eq(fake_run("key update a --no-budget"), CTL_DONE);
    ck_assert_str_eq(fake_asked("budget"), "\"\"");
    ck_assert_int_eq(fake_run("key show a"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "$5.000000\n"));
    fake.answer = team;
    ck_assert_int_eq(fake_run("team create t --budget 100/month"), CTL_DONE);
    ck_assert_str_eq(fake_asked("budget"), "\"100/month\"");
    ck_assert_int_eq(fake_run("team update t --no-budget"), CTL_DONE);
    ck_assert_str_eq(fake_asked("budget"), "\"\"");
    ck_assert_int_eq(fake_run("team update t --budget 1/total --json"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("budget"), "\"1/total\"");
    ck_assert_ptr_nonnull(strstr(fake.out,
                                 "\"budget_month_nanodollars\":100000000000,"
                                 "\"budget_month\":\"100.00\","));
}
END_TEST

START_TEST(what_is_no_budget_is_refused)
{
    fake_expect("key create a --budget 10", CTL_USAGE, "",
                "llmgwctl: --budget: expected an amount and its window, as "
                "10/day, 10/month or 10/total, not '10'\n");
    fake_expect("key update a --budget -1/day", CTL_USAGE, "",
                "llmgwctl: --budget: expected dollars in plain decimals from 0 "
                "to 9 billion with at most nine digits behind the point, as "
                "0.5/day or 100/month, not '-1/day'\n");
    ck_assert_int_eq(fake_run("team create t --budget 1e3/day"), CTL_USAGE);
    ck_assert_int_eq(fake_run("team update t --budget 0.0000000001/day"),
                     CTL_USAGE);
    fake_expect("team update t --budget 5/day --budget 6/day", CTL_USAGE, "",
                "llmgwctl: --budget: expected one amount for the day, not "
                "another\n");
    fake_expect("key update a --budget 5/day --no-budget", CTL_USAGE, "",
                "llmgwctl: --no-budget and --budget do not go together\n");
    fake_expect("key create a --budget", CTL_USAGE, "",
                "llmgwctl: --budget: expected AMOUNT/WINDOW...\n");
    ck_assert_int_eq(fake_run("key create a --no-budget"), CTL_USAGE);
    ck_assert_ptr_null(fake.request);
}
END_TEST

Suite *cost_suite(void)
{
    Suite *suite = suite_create("cost");
    TCase *cost = tcase_create("cost"), *budgets = tcase_create("budgets");

    tcase_add_checked_fixture(cost, fake_open, fake_close);
    tcase_add_test(cost, cost_is_spending_against_budgets);
    tcase_add_test(cost, cost_as_json_has_every_budget);
    tcase_add_test(cost, cost_is_sorted_as_one_likes);
    tcase_add_test(cost, over_shows_what_is_over_or_near);
    tcase_add_test(cost, a_budget_that_is_spent_to_the_end_is_not_over);
    tcase_add_test(cost, each_budget_has_a_bar);
    tcase_add_test(cost, a_chart_is_for_people_and_of_budgets);
    tcase_add_test(cost, models_are_sums_of_usage);
    tcase_add_test(cost, days_of_a_zone_are_asked_for_and_budgets_stay);
    suite_add_tcase(suite, cost);
    tcase_add_checked_fixture(budgets, fake_open, fake_close);
    tcase_add_test(budgets, budgets_are_handed_on);
    tcase_add_test(budgets, what_is_no_budget_is_refused);
    suite_add_tcase(suite, budgets);
    return suite;
}
