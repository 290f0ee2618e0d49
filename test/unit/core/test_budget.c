/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets, read and printed. */
#include "core/llm_budget.h"
#include "test/unit/unit.h"

#include <string.h>

#define DOLLAR APR_INT64_C(1000000000)

static void reads(const char *text, llm_money_t day, llm_money_t month,
                  llm_money_t total)
{
    llm_budgets_t budgets;

    ck_assert_ptr_null(llm_budgets_read(&budgets, text, unit_pool));
    ck_assert_int_eq(llm_budget_of(&budgets, LLM_WINDOW_DAY), day);
    ck_assert_int_eq(llm_budget_of(&budgets, LLM_WINDOW_MONTH), month);
    ck_assert_int_eq(llm_budget_of(&budgets, LLM_WINDOW_TOTAL), total);
}

START_TEST(budgets_are_read)
{
    reads("", -1, -1, -1);
    reads("100/month", -1, 100 * DOLLAR, -1);
    reads("0.5/day,100/month", DOLLAR / 2, 100 * DOLLAR, -1);
    reads(" 7/total ,\t5/day", 5 * DOLLAR, -1, 7 * DOLLAR);
    reads("0/day", 0, -1, -1);
    reads("0.000000001/total", -1, -1, 1);
    reads("9000000000/total", -1, -1, LLM_BUDGET_MAX);
}
END_TEST

static void refuses(const char *text, const char *expected)
{
    llm_budgets_t budgets, none = {0};
    const char *wrong = llm_budgets_read(&budgets, text, unit_pool);

    ck_assert_msg(wrong != NULL, "'%s' was read", text);
    ck_assert_msg(strstr(wrong, expected) != NULL, "'%s': %s", text, wrong);
    ck_assert_mem_eq(&budgets, &none, sizeof(none));
}

START_TEST(what_is_no_budget_says_what_was_expected)
{
    refuses("10", "10/day, 10/month or 10/total, not '10'");
    refuses("day", "expected an amount and its window");
    refuses("10/week", "expected day, month or total behind the '/', not "
                       "'10/week'");
    refuses("10/", "expected day, month or total");
    refuses("10/Day", "expected day, month or total");
    refuses("10/day/2", "expected day, month or total");
    refuses("/day", "plain decimals");
    refuses("-1/day", "expected dollars in plain decimals from 0 to 9 billion "
                      "with at most nine digits behind the point, as 0.5/day "
                      "or 100/month, not '-1/day'");
    refuses("+1/day", "plain decimals");
    refuses("1e3/day", "plain decimals");
    refuses("0x10/day", "plain decimals");
    refuses("$5/day", "plain decimals");
    refuses("1 000/day", "plain decimals");
    refuses("5 /day", "plain decimals");
    refuses(".5/day", "plain decimals");
    refuses("5./day", "plain decimals");
    refuses("nan/day", "plain decimals");
    refuses("0.0000000001/day", "at most nine digits");
    refuses("9000000000.000000001/day", "9 billion");
    refuses("99999999999999999999/day", "9 billion");
    refuses("5/day,6/day", "expected one amount for the day, not another");
    refuses("5/day,", "expected an amount");
    refuses(",", "expected an amount");
    refuses(" ", "expected an amount");
}
END_TEST

START_TEST(what_is_printed_reads_the_same)
{
    ck_assert_str_eq(
        llm_budget_print(LLM_WINDOW_MONTH, 100 * DOLLAR, unit_pool),
        "100.00/month");
    ck_assert_str_eq(llm_budget_print(LLM_WINDOW_DAY, 1, unit_pool),
                     "0.000000001/day");
    reads(llm_budget_print(LLM_WINDOW_TOTAL, LLM_BUDGET_MAX, unit_pool), -1, -1,
          LLM_BUDGET_MAX);
}
END_TEST

Suite *budget_suite(void)
{
    Suite *suite = suite_create("budget");
    TCase *budgets = tcase_create("budgets");

    tcase_add_checked_fixture(budgets, unit_pool_open, unit_pool_close);
    tcase_add_test(budgets, budgets_are_read);
    tcase_add_test(budgets, what_is_no_budget_says_what_was_expected);
    tcase_add_test(budgets, what_is_printed_reads_the_same);
    suite_add_tcase(suite, budgets);
    return suite;
}
