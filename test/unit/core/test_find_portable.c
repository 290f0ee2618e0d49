/* SPDX-License-Identifier: Apache-2.0 */
/* Crossing bytes, by words, as processors without SSE2 do it. */
#include "test/unit/unit.h"

#define LLM_FIND_PORTABLE
#include "test/unit/core/find_cases.h"

START_TEST(finds_every_value_everywhere)
{
    find_check_values();
}
END_TEST

START_TEST(stops_at_the_end)
{
    find_check_ends();
}
END_TEST

Suite *find_portable_suite(void)
{
    Suite *suite = suite_create("find_portable");
    TCase *tcase = tcase_create("bytes");

    tcase_add_test(tcase, finds_every_value_everywhere);
    tcase_add_test(tcase, stops_at_the_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
