/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days and months of a place.
 *
 * A day's number is that of its date, a week's that of its Monday; an hour's
 * is the minute since 1970 it begins at, in UTC: when clocks are set back, two
 * hours have the same name and are two. A day begins where local time first
 * reaches its midnight; where midnight was left out, with the moment at which
 * clocks were set. That moment is searched for, so no rule is needed here.
 */
#include "core/llm_zone.h"

#include "core/llm_time.h"

#include <apr_strings.h>

#define DAY 86400

int llm_zone_offset(const llm_zone_t *zone, apr_int64_t seconds)
{
    unsigned low = 0, high = zone ? zone->count : 0;

    if (!high) {
        return 0;
    }
    /* the last change that was not after it */
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;

        if (zone->changes[middle].from <= seconds) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    return zone->changes[low].offset;
}

int llm_zone_splits_hours(const llm_zone_t *zone)
{
    unsigned i;

    for (i = 0; zone && i < zone->count; ++i) {
        if (zone->changes[i].offset % 3600) {
            return 1;
        }
    }
    return 0;
}

/* Seconds of local time since 1970; nothing is before that. */
static apr_int64_t local_time(const llm_zone_t *zone, apr_int64_t seconds)
{
    apr_int64_t local = seconds + llm_zone_offset(zone, seconds);

    return local < 0 ? 0 : local;
}

static apr_uint32_t month_of_day(apr_int64_t day)
{
    llm_date_t date = llm_date_of_day(day);

    return (apr_uint32_t)((date.year - 1970) * 12 + date.month - 1);
}

static apr_int64_t day_of_month(apr_uint32_t month)
{
    llm_date_t date = {1970 + (int)(month / 12), 1 + (int)(month % 12), 1};

    return llm_day_of_date(date);
}

apr_uint32_t llm_span_of(const llm_zone_t *zone, llm_span_e span,
                         apr_int64_t seconds)
{
    apr_int64_t local = local_time(zone, seconds), day = local / DAY;
    apr_int64_t begin = seconds - local % 3600;

    switch (span) {
    case LLM_SPAN_HOUR:
        return begin < 0 ? 0 : (apr_uint32_t)(begin / 60);
    case LLM_SPAN_DAY:
        return (apr_uint32_t)day;
    case LLM_SPAN_WEEK:
        return (apr_uint32_t)((day + 3) / 7); /* day 0 was a Thursday */
    default:
        return month_of_day(day);
    }
}

/* The local day that a week or a month begins with. */
static apr_int64_t first_day(llm_span_e span, apr_uint32_t number)
{
    switch (span) {
    case LLM_SPAN_WEEK:
        return number ? (apr_int64_t)number * 7 - 3 : 0;
    case LLM_SPAN_MONTH:
        return day_of_month(number);
    default:
        return number;
    }
}

apr_int64_t llm_span_begin(const llm_zone_t *zone, llm_span_e span,
                           apr_uint32_t number)
{
    apr_int64_t midnight = first_day(span, number) * DAY;
    apr_int64_t low = midnight - DAY, high = midnight + DAY;

    if (span == LLM_SPAN_HOUR) {
        return (apr_int64_t)number * 60;
    }
    /* low is before it, high is not */
    while (high - low > 1) {
        apr_int64_t middle = low + (high - low) / 2;

        if (middle + llm_zone_offset(zone, middle) < midnight) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    return high < 0 ? 0 : high;
}

apr_uint32_t llm_span_next(const llm_zone_t *zone, llm_span_e span,
                           apr_uint32_t number)
{
    apr_int64_t begin;
    apr_uint32_t next;

    if (span != LLM_SPAN_HOUR) {
        return number + 1;
    }
    /* clocks may be set by half an hour, and in the middle of one */
    begin = llm_span_begin(zone, span, number);
    next = llm_span_of(zone, span, begin + 3600);
    return next > number ? next : number + 60;
}

const char *llm_zone_print(const llm_zone_t *zone, apr_int64_t seconds,
                           apr_pool_t *pool)
{
    int offset = llm_zone_offset(zone, seconds);
    int minutes = (offset < 0 ? -offset : offset) / 60;
    apr_int64_t local = local_time(zone, seconds);
    const char *text = llm_time_print(apr_time_from_sec(local), pool);

    return offset ? apr_psprintf(pool, "%.19s%c%02d:%02d", text,
                                 offset < 0 ? '-' : '+', minutes / 60,
                                 minutes % 60)
                  : text;
}

static const char *print_week(apr_uint32_t week, apr_pool_t *pool)
{
    apr_int64_t thursday = (apr_int64_t)week * 7;
    llm_date_t date = llm_date_of_day(thursday), first = {date.year, 1, 1};

    return apr_psprintf(pool, "%04d-W%02d", date.year,
                        (int)(thursday - llm_day_of_date(first)) / 7 + 1);
}

const char *llm_span_print(const llm_zone_t *zone, llm_span_e span,
                           apr_uint32_t number, apr_pool_t *pool)
{
    switch (span) {
    case LLM_SPAN_HOUR:
        return llm_zone_print(zone, (apr_int64_t)number * 60, pool);
    case LLM_SPAN_DAY:
        return llm_day_print(number, pool);
    case LLM_SPAN_WEEK:
        return print_week(number, pool);
    default:
        return apr_psprintf(pool, "%04u-%02u", 1970 + number / 12,
                            1 + number % 12);
    }
}
