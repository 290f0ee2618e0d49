/* SPDX-License-Identifier: Apache-2.0 */
/* Problems: their statuses, names, and whether another try makes sense. */
#include "test/unit/unit.h"

#include <string.h>

#include "core/llm_problem.h"

START_TEST(makes_problems)
{
    llm_problem_t *problem = llm_problem_make(
        LLM_PROBLEM_RATE_LIMITED, unit_pool, "try again in %d s", 5);

    ck_assert_int_eq(problem->kind, LLM_PROBLEM_RATE_LIMITED);
    ck_assert_int_eq(problem->status, 429);
    ck_assert_str_eq(problem->message, "try again in 5 s");
    ck_assert_ptr_null(problem->param);
    ck_assert_ptr_null(problem->code);
    ck_assert_ptr_null(problem->type);
    ck_assert_ptr_null(problem->detail);
    ck_assert_int_eq(problem->retry_after, -1);
    ck_assert_int_eq(problem->from_upstream, 0);
}
END_TEST

START_TEST(field_problems_name_the_field)
{
    llm_problem_t *problem = llm_problem_field(
        unit_pool, "messages[0].role", "expected one of %s", "user, system");

    ck_assert_int_eq(problem->kind, LLM_PROBLEM_BAD_REQUEST);
    ck_assert_int_eq(problem->status, 400);
    ck_assert_str_eq(problem->param, "messages[0].role");
    ck_assert_str_eq(problem->message,
                     "messages[0].role: expected one of user, system");
}
END_TEST

START_TEST(every_kind_is_complete)
{
    int kind, other;

    for (kind = 0; kind < LLM_PROBLEM_KINDS; ++kind) {
        int status = llm_problem_status((llm_problem_e)kind);

        ck_assert_int_ge(status, 400);
        ck_assert_int_le(status, 599);
        for (other = 0; other < kind; ++other) {
            ck_assert_str_ne(llm_problem_name((llm_problem_e)kind),
                             llm_problem_name((llm_problem_e)other));
        }
        if (kind != LLM_PROBLEM_CLIENT_GONE) {
            ck_assert_int_eq(llm_problem_kind_of(status), kind);
        }
    }
    ck_assert_str_eq(llm_problem_name(LLM_PROBLEM_RATE_LIMITED),
                     "rate_limited");
}
END_TEST

START_TEST(maps_other_statuses)
{
    ck_assert_int_eq(llm_problem_kind_of(418), LLM_PROBLEM_BAD_REQUEST);
    ck_assert_int_eq(llm_problem_kind_of(499), LLM_PROBLEM_BAD_REQUEST);
    ck_assert_int_eq(llm_problem_kind_of(408), LLM_PROBLEM_TIMEOUT);
    ck_assert_int_eq(llm_problem_kind_of(424), LLM_PROBLEM_UPSTREAM);
    ck_assert_int_eq(llm_problem_kind_of(520), LLM_PROBLEM_UPSTREAM);
    ck_assert_int_eq(llm_problem_kind_of(302), LLM_PROBLEM_UPSTREAM);
    ck_assert_int_eq(llm_problem_kind_of(0), LLM_PROBLEM_UPSTREAM);
}
END_TEST

static int is_retryable(int status)
{
    llm_problem_t *problem =
        llm_problem_make(llm_problem_kind_of(status), unit_pool, "x");

    problem->status = status;
    return llm_problem_is_retryable(problem);
}

START_TEST(retries_what_another_upstream_may_do)
{
    static const int no[] = {400, 401, 402, 403, 404, 405,
                             408, 409, 413, 415, 422, 418};
    static const int yes[] = {429, 500, 502, 503, 504, 520, 529};
    unsigned i;

    for (i = 0; i < sizeof(no) / sizeof(no[0]); ++i) {
        ck_assert_msg(!is_retryable(no[i]), "%d", no[i]);
    }
    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); ++i) {
        ck_assert_msg(is_retryable(yes[i]), "%d", yes[i]);
    }
    for (int status = 400; status <= 405; ++status) {
        llm_problem_t *problem =
            llm_problem_make(llm_problem_kind_of(status), unit_pool, "x");

        problem->from_upstream = 1;
        ck_assert_int_eq(llm_problem_is_retryable(problem),
                         status > 400 && status < 405);
    }
    ck_assert_int_eq(llm_problem_is_retryable(llm_problem_make(
                         LLM_PROBLEM_CLIENT_GONE, unit_pool, "x")),
                     0);
}
END_TEST

Suite *problem_suite(void)
{
    Suite *suite = suite_create("problem");
    TCase *tcase = tcase_create("kinds");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, makes_problems);
    tcase_add_test(tcase, field_problems_name_the_field);
    tcase_add_test(tcase, every_kind_is_complete);
    tcase_add_test(tcase, maps_other_statuses);
    tcase_add_test(tcase, retries_what_another_upstream_may_do);
    suite_add_tcase(suite, tcase);
    return suite;
}
