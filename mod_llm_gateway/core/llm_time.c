/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations, sizes and UTC dates as people write them, and the numbers of
 * days and hours that reports are cut by.
 *
 * Days are counted with the proleptic Gregorian calendar, by arithmetic:
 * mktime knows the process's time zone, timegm is not everywhere. The year is
 * taken to begin in March, so that the leap day is its last.
 */
#include "core/llm_time.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#define SECOND ((apr_int64_t)1000000)
#define DAY    (86400 * SECOND)

/* Digits at *ptext into *pvalue; 0 when there are none or too many. */
static int read_digits(const char **ptext, apr_int64_t *pvalue)
{
    const char *at = *ptext;
    apr_int64_t value = 0;

    for (; *at >= '0' && *at <= '9'; ++at) {
        int digit = *at - '0';

        if (value > (APR_INT64_MAX - digit) / 10) {
            return 0;
        }
        value = value * 10 + digit;
    }
    if (at == *ptext) {
        return 0;
    }
    *ptext = at;
    *pvalue = value;
    return 1;
}

/* A unit and what it is worth; the table ends with a NULL. */
typedef struct unit_t {
    const char *name;
    apr_int64_t worth;
} unit_t;

/* A number with one of the units, or with none (the first one's worth). */
static int read_measure(const char *text, const unit_t *unit, apr_int64_t most,
                        apr_int64_t *pvalue)
{
    apr_int64_t value;

    if (!text || !read_digits(&text, &value)) {
        return 0;
    }
    while (unit->name && strcasecmp(unit->name, text) != 0) {
        ++unit;
    }
    if (!unit->name || value > most / unit->worth) {
        return 0;
    }
    *pvalue = value * unit->worth;
    return 1;
}

const char *llm_duration_read(apr_interval_time_t *pduration, const char *text)
{
    static const unit_t units[] = {
        {"", SECOND},  {"us", 1},          {"ms", 1000},
        {"s", SECOND}, {"m", 60 * SECOND}, {"h", 3600 * SECOND},
        {"d", DAY},    {NULL, 0},
    };
    apr_int64_t value;

    if (!read_measure(text, units, APR_INT64_MAX, &value)) {
        return "expected a duration such as 30s, 250ms, 5m, 12h or 7d";
    }
    *pduration = value;
    return NULL;
}

const char *llm_size_read(apr_size_t *psize, const char *text)
{
    static const unit_t units[] = {
        {"", 1},
        {"k", 1024},
        {"m", (apr_int64_t)1 << 20},
        {"g", (apr_int64_t)1 << 30},
        {NULL, 0},
    };
    apr_int64_t most = sizeof(apr_size_t) < 8 ? APR_INT32_MAX : APR_INT64_MAX;
    apr_int64_t value;

    if (!read_measure(text, units, most, &value)) {
        return "expected a size in bytes such as 65536, 64k, 32m or 1g";
    }
    *psize = (apr_size_t)value;
    return NULL;
}

apr_uint32_t llm_time_hour(apr_time_t when)
{
    return when < 0 ? 0 : (apr_uint32_t)(when / (3600 * SECOND));
}

apr_uint32_t llm_time_day(apr_time_t when)
{
    return when < 0 ? 0 : (apr_uint32_t)(when / DAY);
}

#define ERA_DAYS   146097 /* 400 years */
#define EPOCH_DAYS 719468 /* from 0000-03-01 to 1970-01-01 */

llm_date_t llm_date_of_day(apr_int64_t day)
{
    llm_date_t date;
    apr_int64_t shifted = day + EPOCH_DAYS;
    apr_int64_t era = shifted / ERA_DAYS; /* never negative: day >= 0 */
    int in_era = (int)(shifted % ERA_DAYS);
    int year =
        (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int in_year = in_era - (365 * year + year / 4 - year / 100);
    int month = (5 * in_year + 2) / 153; /* from March, 0 */

    date.day = in_year - (153 * month + 2) / 5 + 1;
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = (int)(era * 400) + year + (date.month <= 2);
    return date;
}

apr_int64_t llm_day_of_date(llm_date_t date)
{
    int year = date.year - (date.month <= 2);
    apr_int64_t in_era = year % 400; /* from 1970 on: never negative */
    int month = date.month > 2 ? date.month - 3 : date.month + 9;
    int in_year = (153 * month + 2) / 5 + date.day - 1;

    return (apr_int64_t)(year / 400) * ERA_DAYS + in_era * 365 + in_era / 4
           - in_era / 100 + in_year - EPOCH_DAYS;
}

const char *llm_day_print(apr_uint32_t day, apr_pool_t *pool)
{
    llm_date_t date = llm_date_of_day(day);

    return apr_psprintf(pool, "%04d-%02d-%02d", date.year, date.month,
                        date.day);
}

const char *llm_time_print(apr_time_t when, apr_pool_t *pool)
{
    apr_int64_t seconds = when < 0 ? 0 : when / SECOND;
    int in_day = (int)(seconds % 86400);

    return apr_psprintf(pool, "%sT%02d:%02d:%02dZ",
                        llm_day_print((apr_uint32_t)(seconds / 86400), pool),
                        in_day / 3600, in_day / 60 % 60, in_day % 60);
}

/* Exactly `count` digits; -1 when they are not there. */
static int read_field(const char **ptext, int count)
{
    int value = 0;

    for (; count; --count, ++*ptext) {
        if (**ptext < '0' || **ptext > '9') {
            return -1;
        }
        value = value * 10 + (**ptext - '0');
    }
    return value;
}

static int read_byte(const char **ptext, char c)
{
    if (**ptext != c) {
        return 0;
    }
    ++*ptext;
    return 1;
}

/* "2026-11-22"; refuses days that no calendar has. */
static int read_date(const char **ptext, apr_time_t *pwhen)
{
    llm_date_t date, same;

    date.year = read_field(ptext, 4);
    if (date.year < 1970 || !read_byte(ptext, '-')) {
        return 0;
    }
    date.month = read_field(ptext, 2);
    if (date.month < 1 || date.month > 12 || !read_byte(ptext, '-')) {
        return 0;
    }
    date.day = read_field(ptext, 2);
    if (date.day < 1 || date.day > 31) {
        return 0;
    }
    same = llm_date_of_day(llm_day_of_date(date));
    *pwhen = llm_day_of_date(date) * DAY;
    return same.month == date.month;
}

/* ".123456"; more digits than a microsecond has are passed over. */
static apr_time_t read_fraction(const char **ptext)
{
    apr_time_t worth = SECOND / 10, fraction = 0;

    for (; **ptext >= '0' && **ptext <= '9'; ++*ptext, worth /= 10) {
        fraction += (**ptext - '0') * worth;
    }
    return fraction;
}

/* "10:00", of a clock or a zone. */
static int read_hours_minutes(const char **ptext, int *phours, int *pminutes)
{
    *phours = read_field(ptext, 2);
    if (*phours < 0 || *phours > 23 || !read_byte(ptext, ':')) {
        return 0;
    }
    *pminutes = read_field(ptext, 2);
    return *pminutes >= 0 && *pminutes <= 59;
}

/* "Z", "+01:00"; what has to be added to reach UTC. */
static int read_zone(const char **ptext, apr_time_t *pzone)
{
    int east = **ptext == '+', hours, minutes;

    *pzone = 0;
    if (read_byte(ptext, 'Z') || read_byte(ptext, 'z')) {
        return 1;
    }
    if (!read_byte(ptext, '+') && !read_byte(ptext, '-')) {
        return 0;
    }
    if (!read_hours_minutes(ptext, &hours, &minutes)) {
        return 0;
    }
    *pzone = (hours * 60 + minutes) * (60 * SECOND) * (east ? -1 : 1);
    return 1;
}

/* "10:00:00Z" after the date, the seconds optional. */
static int read_clock(const char **ptext, apr_time_t *pwhen)
{
    int hours, minutes, seconds = 0;
    apr_time_t fraction = 0, zone;

    if (!read_hours_minutes(ptext, &hours, &minutes)) {
        return 0;
    }
    if (read_byte(ptext, ':')) {
        seconds = read_field(ptext, 2);
        if (seconds < 0 || seconds > 60) { /* 60: a leap second */
            return 0;
        }
        if (read_byte(ptext, '.')) {
            fraction = read_fraction(ptext);
        }
    }
    if (!read_zone(ptext, &zone)) {
        return 0;
    }
    *pwhen +=
        ((hours * 60 + minutes) * 60 + seconds) * SECOND + fraction + zone;
    return 1;
}

#define YEAR_10000 (APR_INT64_C(253402300800) * SECOND)

static int read_rfc3339(const char *text, apr_time_t *pwhen)
{
    apr_time_t when;

    if (!read_date(&text, &when)) {
        return 0;
    }
    if ((read_byte(&text, 'T') || read_byte(&text, 't')
         || read_byte(&text, ' '))
        && !read_clock(&text, &when)) {
        return 0;
    }
    /* a zone may lead out of what can be printed again */
    if (*text || when < 0 || when >= YEAR_10000) {
        return 0;
    }
    *pwhen = when;
    return 1;
}

const char *llm_time_read(apr_time_t *pwhen, const char *text, apr_time_t now)
{
    apr_interval_time_t back;
    apr_time_t midnight = now - now % DAY;
    apr_size_t len = text ? strlen(text) : 0;

    if (len && !strcmp(text, "today")) {
        *pwhen = midnight;
        return NULL;
    }
    if (len && !strcmp(text, "yesterday")) {
        *pwhen = midnight - DAY;
        return NULL;
    }
    /* a duration needs its unit here: "2026" is more likely a year */
    if (len && isalpha((unsigned char)text[len - 1])
        && !llm_duration_read(&back, text)) {
        *pwhen = back < now ? now - back : 0;
        return NULL;
    }
    if (len && read_rfc3339(text, pwhen)) {
        return NULL;
    }
    return "expected a UTC date such as 2026-11-22 or 2026-11-22T10:00:00Z, "
           "a time back from now such as 7d or 24h, today or yesterday";
}
