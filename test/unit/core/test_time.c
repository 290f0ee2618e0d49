/* SPDX-License-Identifier: Apache-2.0 */
/* Durations, sizes, and the UTC calendar. */
#include "test/unit/unit.h"

#include <string.h>
#include <time.h>

#include <apr_strings.h>

#include "core/llm_time.h"
#include "test/unit/core/random.h"

#define SECOND APR_USEC_PER_SEC
#define DAY    (86400 * SECOND)

static void check_duration(const char *text, apr_interval_time_t expected)
{
    apr_interval_time_t duration = -7;
    const char *wrong = llm_duration_read(&duration, text);

    if (expected < 0) {
        ck_assert_msg(wrong != NULL, "accepted: %s", text);
        ck_assert_int_eq(duration, -7);
    }
    else {
        ck_assert_msg(!wrong, "%s: %s", text, wrong);
        ck_assert_int_eq(duration, expected);
    }
}

START_TEST(reads_durations)
{
    check_duration("0", 0);
    check_duration("30", 30 * SECOND);
    check_duration("30s", 30 * SECOND);
    check_duration("250ms", 250000);
    check_duration("7us", 7);
    check_duration("5m", 300 * SECOND);
    check_duration("12h", 43200 * SECOND);
    check_duration("7d", 7 * DAY);
    check_duration("2H", 7200 * SECOND);
    check_duration("9223372036854775807us", APR_INT64_MAX);
}
END_TEST

START_TEST(refuses_bad_durations)
{
    check_duration("", -1);
    check_duration("s", -1);
    check_duration("-5s", -1);
    check_duration("5 s", -1);
    check_duration("5sec", -1);
    check_duration("1.5s", -1);
    check_duration("5s ", -1);
    check_duration("5w", -1);
    check_duration("9223372036854775808us", -1);
    check_duration("9223372036855s", -1);
    check_duration("99999999999999999999999", -1);
    check_duration(NULL, -1);
}
END_TEST

static void check_size(const char *text, int is_valid, apr_size_t expected)
{
    apr_size_t size = 7777;

    const char *wrong = llm_size_read(&size, text);

    ck_assert_msg((wrong == NULL) == is_valid, "%s", text);
    ck_assert_uint_eq(size, is_valid ? expected : 7777);
}

START_TEST(reads_sizes)
{
    check_size("0", 1, 0);
    check_size("65536", 1, 65536);
    check_size("64k", 1, 65536);
    check_size("8M", 1, 8388608);
    check_size("1g", 1, 1073741824);
    check_size("", 0, 0);
    check_size("k", 0, 0);
    check_size("-1", 0, 0);
    check_size("1kb", 0, 0);
    check_size("1 k", 0, 0);
    check_size("9223372036854775807g", 0, 0);
    check_size(NULL, 0, 0);
}
END_TEST

START_TEST(numbers_days_and_hours)
{
    ck_assert_uint_eq(llm_time_day(0), 0);
    ck_assert_uint_eq(llm_time_day(DAY - 1), 0);
    ck_assert_uint_eq(llm_time_day(DAY), 1);
    ck_assert_uint_eq(llm_time_hour(DAY - 1), 23);
    ck_assert_uint_eq(llm_time_hour(DAY), 24);
    ck_assert_uint_eq(llm_time_day(-1), 0);
}
END_TEST

START_TEST(prints_times)
{
    ck_assert_str_eq(llm_time_print(0, unit_pool), "1970-01-01T00:00:00Z");
    ck_assert_str_eq(llm_time_print(951782399 * SECOND + 999999, unit_pool),
                     "2000-02-28T23:59:59Z");
    ck_assert_str_eq(llm_day_print(20779, unit_pool), "2026-11-22");
    ck_assert_str_eq(llm_day_print(11016, unit_pool), "2000-02-29");
}
END_TEST

/* Every day of 400 years, against the C library. */
START_TEST(agrees_with_the_calendar)
{
    apr_uint32_t day;

    for (day = 0; day < 146097; ++day) {
        time_t seconds = (time_t)day * 86400;
        struct tm parts;
        char expected[32];
        apr_time_t back;

        gmtime_r(&seconds, &parts);
        strftime(expected, sizeof(expected), "%Y-%m-%d", &parts);
        if (strcmp(llm_day_print(day, unit_pool), expected)
            || llm_time_read(&back, expected, 0)
            || back != (apr_time_t)day * DAY) {
            ck_abort_msg("%s", expected);
        }
        if (!(day % 1000)) {
            apr_pool_clear(unit_pool);
        }
    }
}
END_TEST

static void check_time(const char *text, apr_time_t expected)
{
    apr_time_t now = 1795305600 * SECOND + 5; /* 2026-11-22, just begun */
    apr_time_t when = -7;
    const char *wrong = llm_time_read(&when, text, now + 3600 * SECOND);

    if (expected < 0) {
        ck_assert_msg(wrong != NULL, "accepted: %s", text);
        ck_assert_int_eq(when, -7);
    }
    else {
        ck_assert_msg(!wrong, "%s: %s", text, wrong);
        ck_assert_msg(when == expected, "%s: %s", text,
                      llm_time_print(when, unit_pool));
    }
}

START_TEST(reads_times)
{
    apr_time_t day = 1795305600 * SECOND;

    check_time("2026-11-22", day);
    check_time("2026-11-22T10:00:00Z", day + 36000 * SECOND);
    check_time("2026-11-22t10:00:00z", day + 36000 * SECOND);
    check_time("2026-11-22 10:00Z", day + 36000 * SECOND);
    check_time("2026-11-22T10:00:00.25Z", day + 36000 * SECOND + 250000);
    check_time("2026-11-22T10:00:00.1234567Z", day + 36000 * SECOND + 123456);
    check_time("2026-11-22T10:00:00+02:00", day + 28800 * SECOND);
    check_time("2026-11-22T10:00:00-01:30", day + 41400 * SECOND);
    check_time("2028-02-29", 1835395200 * SECOND);
    check_time("today", day);
    check_time("yesterday", day - DAY);
    check_time("24h", day + 3600 * SECOND + 5 - DAY);
    check_time("7d", day + 3600 * SECOND + 5 - 7 * DAY);
    check_time("99999d", 0);
}
END_TEST

START_TEST(refuses_bad_times)
{
    check_time("", -1);
    check_time(NULL, -1);
    check_time("2026", -1);
    check_time("2026-11", -1);
    check_time("2026-13-01", -1);
    check_time("2026-00-01", -1);
    check_time("2026-02-29", -1);
    check_time("2026-04-31", -1);
    check_time("2026-11-00", -1);
    check_time("1969-12-31", -1);
    check_time("2026-11-22T", -1);
    check_time("2026-11-22T10:00:00", -1);
    check_time("2026-11-22T24:00:00Z", -1);
    check_time("2026-11-22T10:60:00Z", -1);
    check_time("2026-11-22T10:00:61Z", -1);
    check_time("2026-11-22T10:00:00+24:00", -1);
    check_time("2026-11-22x", -1);
    check_time("1970-01-01T00:00:00+01:00", -1);
    check_time("9999-12-31T23:59:00-00:01", -1); /* the year 10000 */
    check_time("tomorrow", -1);
    check_time("7w", -1);
    check_time("-1d", -1);
}
END_TEST

Suite *time_suite(void)
{
    Suite *suite = suite_create("time");
    TCase *tcase = tcase_create("time");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, reads_durations);
    tcase_add_test(tcase, refuses_bad_durations);
    tcase_add_test(tcase, reads_sizes);
    tcase_add_test(tcase, numbers_days_and_hours);
    tcase_add_test(tcase, prints_times);
    tcase_add_test(tcase, agrees_with_the_calendar);
    tcase_add_test(tcase, reads_times);
    tcase_add_test(tcase, refuses_bad_times);
    suite_add_tcase(suite, tcase);
    return suite;
}
