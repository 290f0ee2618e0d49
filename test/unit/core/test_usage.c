/* SPDX-License-Identifier: Apache-2.0 */
/* Usage: classes that are known, estimated or neither, and their sums. */
#include "test/unit/unit.h"

#include "core/llm_usage.h"

START_TEST(begins_with_nothing_known)
{
    llm_usage_t usage;
    int class;

    llm_usage_clear(&usage);
    for (class = 0; class < LLM_CLASSES; ++class) {
        ck_assert_int_eq(llm_usage_is_known(&usage, (llm_class_e) class), 0);
    }
    ck_assert_int_eq(llm_usage_total(&usage), 0);
}
END_TEST

START_TEST(zero_is_not_unknown)
{
    llm_usage_t usage;

    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_CACHE_READ, 0);
    ck_assert_int_eq(llm_usage_is_known(&usage, LLM_CLASS_CACHE_READ), 1);
    ck_assert_int_eq(llm_usage_is_known(&usage, LLM_CLASS_INPUT), 0);
}
END_TEST

START_TEST(setting_overwrites)
{
    llm_usage_t usage;

    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, 5);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, 12);
    ck_assert_int_eq(usage.n[LLM_CLASS_OUTPUT], 12);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, -1);
    ck_assert_int_eq(usage.n[LLM_CLASS_OUTPUT], 12);
    llm_usage_set(&usage, LLM_CLASS_INPUT, -1);
    ck_assert_int_eq(llm_usage_is_known(&usage, LLM_CLASS_INPUT), 0);
}
END_TEST

START_TEST(a_count_replaces_an_estimate)
{
    llm_usage_t usage;

    llm_usage_clear(&usage);
    usage.n[LLM_CLASS_INPUT] = 99;
    usage.estimated = 1u << LLM_CLASS_INPUT;
    llm_usage_set(&usage, LLM_CLASS_INPUT, 7);
    ck_assert_int_eq(usage.n[LLM_CLASS_INPUT], 7);
    ck_assert_uint_eq(usage.estimated, 0);
}
END_TEST

START_TEST(merging_takes_what_is_known)
{
    llm_usage_t usage, from;

    llm_usage_clear(&usage);
    llm_usage_clear(&from);
    llm_usage_set(&usage, LLM_CLASS_INPUT, 10);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, 1);
    llm_usage_set(&from, LLM_CLASS_OUTPUT, 20);
    llm_usage_set(&from, LLM_CLASS_REASONING, 0);
    llm_usage_merge(&usage, &from);
    ck_assert_int_eq(usage.n[LLM_CLASS_INPUT], 10);
    ck_assert_int_eq(usage.n[LLM_CLASS_OUTPUT], 20);
    ck_assert_int_eq(llm_usage_is_known(&usage, LLM_CLASS_REASONING), 1);
    ck_assert_int_eq(llm_usage_is_known(&usage, LLM_CLASS_AUDIO_IN), 0);
}
END_TEST

START_TEST(merging_prefers_counts_to_estimates)
{
    llm_usage_t usage, from;

    llm_usage_clear(&usage);
    llm_usage_clear(&from);
    llm_usage_set(&usage, LLM_CLASS_INPUT, 10);
    from.n[LLM_CLASS_INPUT] = 500;
    from.n[LLM_CLASS_OUTPUT] = 30;
    from.estimated = 1u << LLM_CLASS_INPUT | 1u << LLM_CLASS_OUTPUT;
    llm_usage_merge(&usage, &from);
    ck_assert_int_eq(usage.n[LLM_CLASS_INPUT], 10);
    ck_assert_int_eq(usage.n[LLM_CLASS_OUTPUT], 30);
    ck_assert_uint_eq(usage.estimated, 1u << LLM_CLASS_OUTPUT);

    llm_usage_clear(&from);
    llm_usage_set(&from, LLM_CLASS_OUTPUT, 31);
    llm_usage_merge(&usage, &from);
    ck_assert_int_eq(usage.n[LLM_CLASS_OUTPUT], 31);
    ck_assert_uint_eq(usage.estimated, 0);
}
END_TEST

START_TEST(sums_by_direction)
{
    llm_usage_t usage;
    int class;

    llm_usage_clear(&usage);
    for (class = 0; class < LLM_CLASSES; ++class) {
        llm_usage_set(&usage, (llm_class_e) class, (apr_int64_t)1 << class);
    }
    ck_assert_int_eq(llm_usage_input(&usage),
                     1 << LLM_CLASS_INPUT | 1 << LLM_CLASS_CACHE_READ
                         | 1 << LLM_CLASS_CACHE_WRITE
                         | 1 << LLM_CLASS_CACHE_WRITE_1H
                         | 1 << LLM_CLASS_AUDIO_IN);
    ck_assert_int_eq(llm_usage_output(&usage), 1 << LLM_CLASS_OUTPUT
                                                   | 1 << LLM_CLASS_REASONING
                                                   | 1 << LLM_CLASS_AUDIO_OUT);
    ck_assert_int_eq(llm_usage_total(&usage),
                     llm_usage_input(&usage) + llm_usage_output(&usage));
}
END_TEST

START_TEST(sums_stick_at_the_maximum)
{
    llm_usage_t usage;

    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_INPUT, APR_INT64_MAX);
    llm_usage_set(&usage, LLM_CLASS_CACHE_READ, 1);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, APR_INT64_MAX);
    ck_assert_int_eq(llm_usage_input(&usage), APR_INT64_MAX);
    ck_assert_int_eq(llm_usage_total(&usage), APR_INT64_MAX);
}
END_TEST

START_TEST(classes_have_names)
{
    ck_assert_str_eq(llm_class_name(LLM_CLASS_INPUT), "input");
    ck_assert_str_eq(llm_class_name(LLM_CLASS_CACHE_WRITE_1H),
                     "cache_write_1h");
    ck_assert_str_eq(llm_class_name(LLM_CLASS_IMAGES), "images");
}
END_TEST

Suite *usage_suite(void)
{
    Suite *suite = suite_create("usage");
    TCase *tcase = tcase_create("classes");

    tcase_add_test(tcase, begins_with_nothing_known);
    tcase_add_test(tcase, zero_is_not_unknown);
    tcase_add_test(tcase, setting_overwrites);
    tcase_add_test(tcase, a_count_replaces_an_estimate);
    tcase_add_test(tcase, merging_takes_what_is_known);
    tcase_add_test(tcase, merging_prefers_counts_to_estimates);
    tcase_add_test(tcase, sums_by_direction);
    tcase_add_test(tcase, sums_stick_at_the_maximum);
    tcase_add_test(tcase, classes_have_names);
    suite_add_tcase(suite, tcase);
    return suite;
}
