/* SPDX-License-Identifier: Apache-2.0 */
/* The policy for clients that leave, read and printed. */
#include "core/llm_abort.h"
#include "test/unit/unit.h"

static void reads(const char *text, llm_on_abort_e what, unsigned drain_s)
{
    llm_abort_t on_abort;

    ck_assert_ptr_null(llm_abort_read(&on_abort, text));
    ck_assert_int_eq(on_abort.what, what);
    ck_assert_uint_eq(on_abort.drain_s, drain_s);
}

START_TEST(each_policy_is_read)
{
    reads("abort", LLM_ON_ABORT_ABORT, 0);
    reads("drain", LLM_ON_ABORT_DRAIN, 0);
    reads("drain=30s", LLM_ON_ABORT_DRAIN, 30);
    reads("drain=2m", LLM_ON_ABORT_DRAIN, 120);
    reads("drain=18h", LLM_ON_ABORT_DRAIN, 64800);
}
END_TEST

START_TEST(anything_else_is_refused)
{
    static const char *const wrong[] = {
        "",         "Abort",     "drain=",     "drain=0",     "drain=soon",
        "drain=-1", "drain=19h", "drain30s",   "drain=500ms", "drain=1500ms",
        "on",       "abort=30s", "drain=30s ", " drain",      "drains",
    };

    for (apr_size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); ++i) {
        llm_abort_t on_abort;

        ck_assert_msg(llm_abort_read(&on_abort, wrong[i]) != NULL, "'%s'",
                      wrong[i]);
    }
}
END_TEST

START_TEST(what_is_printed_reads_the_same)
{
    ck_assert_str_eq(llm_abort_print(LLM_ON_ABORT_UNSAID, 0, unit_pool), "");
    ck_assert_str_eq(llm_abort_print(LLM_ON_ABORT_ABORT, 0, unit_pool),
                     "abort");
    ck_assert_str_eq(llm_abort_print(LLM_ON_ABORT_DRAIN, 0, unit_pool),
                     "drain");
    ck_assert_str_eq(llm_abort_print(LLM_ON_ABORT_DRAIN, 90, unit_pool),
                     "drain=90s");
}
END_TEST

Suite *abort_suite(void)
{
    Suite *suite = suite_create("abort");
    TCase *policy = tcase_create("policy");

    tcase_add_checked_fixture(policy, unit_pool_open, unit_pool_close);
    tcase_add_test(policy, each_policy_is_read);
    tcase_add_test(policy, anything_else_is_refused);
    tcase_add_test(policy, what_is_printed_reads_the_same);
    suite_add_tcase(suite, policy);
    return suite;
}
