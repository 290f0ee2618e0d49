/* SPDX-License-Identifier: Apache-2.0 */
/* Hours, days, weeks and months of a place, and where they begin. */
#include "core/llm_time.h"
#include "core/llm_zone.h"
#include "test/unit/unit.h"

#define LISTED(list)                                                           \
    {                                                                          \
        (list), sizeof(list) / sizeof((list)[0])                               \
    }

/* Berlin's 2026: summer time from March 29th to October 25th. */
static const llm_zone_change_t berlin_changes[] = {
    {0, 3600}, {1774746000, 7200}, {1792890000, 3600}};
static const llm_zone_t berlin = LISTED(berlin_changes);
static const llm_zone_change_t india_changes[] = {{0, 19800}};
static const llm_zone_t india = LISTED(india_changes);
/* A place whose clocks go from 24:00 to 1:00 on 2026-10-04. */
static const llm_zone_change_t leap_changes[] = {{0, -14400},
                                                 {1791086400, -10800}};
static const llm_zone_t leap = LISTED(leap_changes);

static apr_int64_t at(const char *text)
{
    apr_time_t when;

    ck_assert_ptr_null(llm_time_read(&when, text, 0));
    return apr_time_sec(when);
}

static const char *in(const llm_zone_t *zone, llm_span_e span, const char *when)
{
    return llm_span_print(zone, span, llm_span_of(zone, span, at(when)),
                          unit_pool);
}

static const char *begin_of(const llm_zone_t *zone, llm_span_e span,
                            const char *when)
{
    apr_uint32_t number = llm_span_of(zone, span, at(when));

    return llm_time_print(apr_time_from_sec(llm_span_begin(zone, span, number)),
                          unit_pool);
}

START_TEST(a_moment_lies_in_spans_of_the_place)
{
    const char *late = "2026-11-22T23:30:00Z";

    ck_assert_str_eq(in(NULL, LLM_SPAN_HOUR, late), "2026-11-22T23:00:00Z");
    ck_assert_str_eq(in(NULL, LLM_SPAN_DAY, late), "2026-11-22");
    ck_assert_str_eq(in(NULL, LLM_SPAN_WEEK, late), "2026-W47");
    ck_assert_str_eq(in(NULL, LLM_SPAN_MONTH, late), "2026-11");
    ck_assert_str_eq(in(&berlin, LLM_SPAN_HOUR, late),
                     "2026-11-23T00:00:00+01:00");
    ck_assert_str_eq(in(&berlin, LLM_SPAN_DAY, late), "2026-11-23");
    ck_assert_str_eq(in(&berlin, LLM_SPAN_WEEK, late), "2026-W48");
    ck_assert_str_eq(in(&india, LLM_SPAN_HOUR, late),
                     "2026-11-23T05:00:00+05:30");
    ck_assert_str_eq(in(&leap, LLM_SPAN_HOUR, late),
                     "2026-11-22T20:00:00-03:00");
    ck_assert_str_eq(in(&berlin, LLM_SPAN_MONTH, "2026-12-31T23:00:00Z"),
                     "2027-01");
}
END_TEST

START_TEST(weeks_belong_to_the_year_of_their_thursday)
{
    ck_assert_str_eq(in(NULL, LLM_SPAN_WEEK, "2027-01-03"), "2026-W53");
    ck_assert_str_eq(in(NULL, LLM_SPAN_WEEK, "2027-01-04"), "2027-W01");
    ck_assert_str_eq(in(NULL, LLM_SPAN_WEEK, "2024-12-30"), "2025-W01");
    ck_assert_str_eq(in(NULL, LLM_SPAN_WEEK, "1970-01-01"), "1970-W01");
    ck_assert_str_eq(begin_of(NULL, LLM_SPAN_WEEK, "2026-11-22"),
                     "2026-11-16T00:00:00Z");
}
END_TEST

START_TEST(a_day_begins_at_its_midnight)
{
    ck_assert_str_eq(begin_of(&berlin, LLM_SPAN_DAY, "2026-07-01"),
                     "2026-06-30T22:00:00Z");
    ck_assert_str_eq(begin_of(&berlin, LLM_SPAN_DAY, "2026-11-22"),
                     "2026-11-21T23:00:00Z");
    ck_assert_str_eq(begin_of(&india, LLM_SPAN_MONTH, "2026-11-22"),
                     "2026-10-31T18:30:00Z");
    /* the one that has no midnight */
    ck_assert_str_eq(begin_of(&leap, LLM_SPAN_DAY, "2026-10-04T12:00:00Z"),
                     "2026-10-04T04:00:00Z");
}
END_TEST

/* Days on which clocks are set have 23 and 25 hours, and each hour is there
 * once. */
START_TEST(hours_fill_the_days_whatever_clocks_do)
{
    static const struct {
        const llm_zone_t *zone;
        const char *day;
        unsigned hours;
    } days[] = {{&berlin, "2026-03-29T12:00:00Z", 23},
                {&berlin, "2026-10-25T12:00:00Z", 25},
                {&berlin, "2026-10-26T12:00:00Z", 24},
                {&leap, "2026-10-04T12:00:00Z", 23},
                {&india, "2026-10-04T12:00:00Z", 24},
                {NULL, "2026-10-04T12:00:00Z", 24}};
    unsigned i, hours;

    for (i = 0; i < sizeof(days) / sizeof(days[0]); ++i) {
        const llm_zone_t *zone = days[i].zone;
        apr_uint32_t day = llm_span_of(zone, LLM_SPAN_DAY, at(days[i].day));
        apr_uint32_t hour = llm_span_of(
            zone, LLM_SPAN_HOUR, llm_span_begin(zone, LLM_SPAN_DAY, day));
        apr_int64_t end = llm_span_begin(
            zone, LLM_SPAN_DAY, llm_span_next(zone, LLM_SPAN_DAY, day));

        for (hours = 0; llm_span_begin(zone, LLM_SPAN_HOUR, hour) < end;
             ++hours) {
            ck_assert_uint_eq(
                llm_span_of(zone, LLM_SPAN_DAY,
                            llm_span_begin(zone, LLM_SPAN_HOUR, hour)),
                day);
            hour = llm_span_next(zone, LLM_SPAN_HOUR, hour);
        }
        ck_assert_uint_eq(hours, days[i].hours);
    }
}
END_TEST

START_TEST(only_part_hours_split_hours)
{
    ck_assert(!llm_zone_splits_hours(NULL));
    ck_assert(!llm_zone_splits_hours(&berlin));
    ck_assert(llm_zone_splits_hours(&india));
}
END_TEST

Suite *zone_suite(void)
{
    Suite *suite = suite_create("zone");
    TCase *zone = tcase_create("zone");

    tcase_add_checked_fixture(zone, unit_pool_open, unit_pool_close);
    tcase_add_test(zone, a_moment_lies_in_spans_of_the_place);
    tcase_add_test(zone, weeks_belong_to_the_year_of_their_thursday);
    tcase_add_test(zone, a_day_begins_at_its_midnight);
    tcase_add_test(zone, hours_fill_the_days_whatever_clocks_do);
    tcase_add_test(zone, only_part_hours_split_hours);
    suite_add_tcase(suite, zone);
    return suite;
}
