/* SPDX-License-Identifier: Apache-2.0 */
/* Money: exact to the nano-dollar, from text and back. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_money.h"
#include "test/unit/core/random.h"

static void check_reads(const char *text, llm_money_t expected)
{
    llm_money_t money = -7;

    ck_assert_msg(llm_money_read(&money, text, strlen(text)), "%s", text);
    ck_assert_int_eq(money, expected);
}

static void check_refused(const char *text)
{
    llm_money_t money = -7;

    ck_assert_msg(!llm_money_read(&money, text, strlen(text)), "%s", text);
    ck_assert_int_eq(money, -7);
}

START_TEST(reads_decimals)
{
    check_reads("0", 0);
    check_reads("0.00", 0);
    check_reads("1", 1000000000);
    check_reads("0.0375", 37500000);
    check_reads("0.000000001", 1);
    check_reads("0.0000000010000", 1);
    check_reads("2.50", 2500000000);
    check_reads("007.5", 7500000000);
    check_reads("9223372036.854775807", APR_INT64_MAX);
    check_reads("9223372036.8547758070000", APR_INT64_MAX);
}
END_TEST

START_TEST(refuses_what_is_no_price)
{
    check_refused("");
    check_refused(".");
    check_refused("1.");
    check_refused(".5");
    check_refused("-1");
    check_refused("+1");
    check_refused(" 1");
    check_refused("1 ");
    check_refused("1e3");
    check_refused("1,5");
    check_refused("1.5.5");
    check_refused("$1");
    check_refused("0x1");
    check_refused("0.0000000001");
    check_refused("0.00000000010");
    check_refused("9223372036.854775808");
    check_refused("9223372037");
    check_refused("99999999999999999999999");
}
END_TEST

START_TEST(reads_no_further_than_told)
{
    llm_money_t money;

    ck_assert(llm_money_read(&money, "1.25x", 4));
    ck_assert_int_eq(money, 1250000000);
    ck_assert(!llm_money_read(&money, "1.25x", 5));
    ck_assert(!llm_money_read(&money, "1.25", 2));
}
END_TEST

START_TEST(prints_decimals)
{
    ck_assert_str_eq(llm_money_print(0, unit_pool), "0.00");
    ck_assert_str_eq(llm_money_print(1, unit_pool), "0.000000001");
    ck_assert_str_eq(llm_money_print(37500, unit_pool), "0.0000375");
    ck_assert_str_eq(llm_money_print(2500000000, unit_pool), "2.50");
    ck_assert_str_eq(llm_money_print(10000000000, unit_pool), "10.00");
    ck_assert_str_eq(llm_money_print(APR_INT64_MAX, unit_pool),
                     "9223372036.854775807");
    ck_assert_str_eq(llm_money_print(LLM_MONEY_UNKNOWN, unit_pool), "unknown");
}
END_TEST

START_TEST(printing_is_undone_by_reading)
{
    test_random_t dice = test_random_make("money");
    int i;

    for (i = 0; i < 20000; ++i) {
        llm_money_t money = (llm_money_t)(test_random(&dice) >> 1);
        const char *text;
        llm_money_t again;

        money >>= test_random_below(&dice, 63);
        text = llm_money_print(money, unit_pool);
        if (!llm_money_read(&again, text, strlen(text)) || again != money) {
            ck_abort_msg("%s", text);
        }
    }
}
END_TEST

START_TEST(adds)
{
    ck_assert_int_eq(llm_money_add(1, 2), 3);
    ck_assert_int_eq(llm_money_add(APR_INT64_MAX, 0), APR_INT64_MAX);
    ck_assert_int_eq(llm_money_add(APR_INT64_MAX, 1), APR_INT64_MAX);
    ck_assert_int_eq(llm_money_add(APR_INT64_MAX, APR_INT64_MAX),
                     APR_INT64_MAX);
    ck_assert_int_eq(llm_money_add(LLM_MONEY_UNKNOWN, 1), LLM_MONEY_UNKNOWN);
    ck_assert_int_eq(llm_money_add(1, LLM_MONEY_UNKNOWN), LLM_MONEY_UNKNOWN);
}
END_TEST

START_TEST(the_order_of_adding_does_not_matter)
{
    test_random_t dice = test_random_make("money");
    int i;

    for (i = 0; i < 20000; ++i) {
        llm_money_t a = (llm_money_t)(test_random(&dice) >> 2);
        llm_money_t b = (llm_money_t)(test_random(&dice) >> 2);
        llm_money_t c = (llm_money_t)(test_random(&dice) >> 2);

        if (llm_money_add(a, b) != llm_money_add(b, a)
            || llm_money_add(llm_money_add(a, b), c)
                   != llm_money_add(a, llm_money_add(b, c))
            || llm_money_add(a, b) < a) {
            ck_abort();
        }
    }
}
END_TEST

Suite *money_suite(void)
{
    Suite *suite = suite_create("money");
    TCase *tcase = tcase_create("decimals");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, reads_decimals);
    tcase_add_test(tcase, refuses_what_is_no_price);
    tcase_add_test(tcase, reads_no_further_than_told);
    tcase_add_test(tcase, prints_decimals);
    tcase_add_test(tcase, printing_is_undone_by_reading);
    tcase_add_test(tcase, adds);
    tcase_add_test(tcase, the_order_of_adding_does_not_matter);
    suite_add_tcase(suite, tcase);
    return suite;
}
