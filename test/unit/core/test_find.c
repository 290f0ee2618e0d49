/* SPDX-License-Identifier: Apache-2.0 */
/* Crossing bytes, as this processor does it. */
#include "test/unit/unit.h"

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

Suite *find_suite(void)
{
    Suite *suite = suite_create("find");
    TCase *tcase = tcase_create("bytes");

    tcase_add_test(tcase, finds_every_value_everywhere);
    tcase_add_test(tcase, stops_at_the_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
