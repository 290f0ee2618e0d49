/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --tz, and times as people give them in a zone.
 *
 * What the zone's clocks did is read from the C library, which knows the
 * system's zoneinfo: local time is looked at every week, and where its offset
 * changed in between, the moment is searched for. The store is sent the list
 * of these moments; it needs no zoneinfo, and the gateway's machine need not
 * be set to the reader's zone.
 */
#include "llmgwctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "core/llm_time.h"

#define ZONEINFO "/usr/share/zoneinfo"
#define FROM     946684800 /* 2000-01-01: no gateway is older */
#define WEEK     (7 * 86400)
#define AHEAD    ((apr_int64_t)370 * 86400)

/* "+02:00", "-0330", "+5". */
static int read_offset(int *poffset, const char *text)
{
    int sign = *text == '-' ? -1 : 1, hours = 0, minutes = 0, digits = 0;

    if (*text != '+' && *text != '-') {
        return 0;
    }
    for (++text; *text >= '0' && *text <= '9' && digits < 2; ++text, ++digits) {
        hours = hours * 10 + *text - '0';
    }
    if (!digits) {
        return 0;
    }
    if (*text) {
        text += *text == ':';
        if (strspn(text, "0123456789") != 2 || text[2]) {
            return 0;
        }
        minutes = (int)apr_atoi64(text);
    }
    *poffset = sign * (hours * 60 + minutes) * 60;
    return hours <= 18 && minutes < 60;
}

static int offset_at(apr_int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm local;

    return localtime_r(&when, &local) ? (int)local.tm_gmtoff : 0;
}

static void add_change(apr_array_header_t *changes, apr_int64_t from,
                       int offset)
{
    llm_zone_change_t change = {from, offset};

    APR_ARRAY_PUSH(changes, llm_zone_change_t) = change;
}

/* What the C library's local time did and will do. */
static apr_array_header_t *look_at_clocks(apr_time_t now, apr_pool_t *pool)
{
    apr_array_header_t *changes =
        apr_array_make(pool, 64, sizeof(llm_zone_change_t));
    apr_int64_t at, end = apr_time_sec(now) + AHEAD;
    int offset = offset_at(FROM);

    add_change(changes, FROM, offset);
    for (at = FROM + WEEK; at < end; at += WEEK) {
        apr_int64_t low = at - WEEK, high = at;

        if (offset_at(at) == offset) {
            continue;
        }
        while (high - low > 1) {
            apr_int64_t middle = low + (high - low) / 2;

            if (offset_at(middle) == offset) {
                low = middle;
            }
            else {
                high = middle;
            }
        }
        offset = offset_at(high);
        add_change(changes, high, offset);
        at = high;
    }
    return changes;
}

/* Is there such a file of zoneinfo? The C library would take any other name
 * for UTC. */
static int is_zone(const ctl_t *ctl, const char *name)
{
    const char *dir = ctl->world->env("TZDIR");
    char magic[4] = "";
    apr_size_t len = sizeof(magic);
    apr_file_t *file;

    if (!*name || *name == '/' || strstr(name, "..")
        || name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
                             "xyz0123456789_+-/")]
        || apr_file_open(&file,
                         apr_pstrcat(ctl->pool, dir && *dir ? dir : ZONEINFO,
                                     "/", name, NULL),
                         APR_FOPEN_READ, 0, ctl->pool)
               != APR_SUCCESS) {
        return 0;
    }
    if (apr_file_read(file, magic, &len) != APR_SUCCESS) {
        len = 0;
    }
    apr_file_close(file);
    return len == sizeof(magic) && !memcmp(magic, "TZif", sizeof(magic));
}

static void set_changes(ctl_zone_t *zone, const apr_array_header_t *changes)
{
    zone->zone.changes = (const void *)changes->elts;
    zone->zone.count = (unsigned)changes->nelts;
}

static void read_clocks(ctl_zone_t *zone, const ctl_t *ctl)
{
    tzset();
    set_changes(zone, look_at_clocks(ctl->world->now, ctl->pool));
}

int ctl_read_zone(ctl_zone_t *zone, ctl_t *ctl)
{
    const char *name = ctl_option(ctl, "tz");
    apr_array_header_t *changes;
    int offset;

    memset(zone, 0, sizeof(*zone));
    zone->name = name ? name : "UTC";
    if (!name || !strcmp(name, "UTC") || !strcmp(name, "Z")) {
        return CTL_DONE;
    }
    if (!strcmp(name, "local")) {
        read_clocks(zone, ctl);
        return CTL_DONE;
    }
    if (read_offset(&offset, name)) {
        changes = apr_array_make(ctl->pool, 1, sizeof(llm_zone_change_t));
        add_change(changes, FROM, offset);
        set_changes(zone, changes);
        return CTL_DONE;
    }
    if (!is_zone(ctl, name)) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--tz: expected a zone such as Europe/Berlin, an "
                        "offset such as +02:00, local or UTC, not '%s'",
                        name);
    }
    if (setenv("TZ", apr_pstrcat(ctl->pool, ":", name, NULL), 1) < 0) {
        return ctl_fail(ctl, CTL_REFUSED, "internal",
                        "the time zone could not be set");
    }
    read_clocks(zone, ctl);
    return CTL_DONE;
}

void ctl_request_zone(llm_buf_t *request, const ctl_zone_t *zone,
                      apr_pool_t *pool)
{
    llm_buf_t *list = llm_buf_make(0, pool);
    unsigned i;

    if (!zone->zone.count) {
        return;
    }
    for (i = 0; i < zone->zone.count; ++i) {
        llm_buf_printf(list, "%s[%" APR_INT64_T_FMT ",%d]", i ? "," : "[",
                       zone->zone.changes[i].from,
                       zone->zone.changes[i].offset);
    }
    llm_buf_append(list, "]", 2);
    ctl_request_raw(request, "zone", list->data);
}

/* ------------------------------------------------------------------- times */

static apr_time_t begin_of(const ctl_zone_t *zone, llm_span_e span,
                           apr_uint32_t number)
{
    return apr_time_from_sec(llm_span_begin(&zone->zone, span, number));
}

/* The one that is now, or the one before. */
static apr_time_t begin_of_this(const ctl_zone_t *zone, llm_span_e span,
                                apr_time_t now, unsigned before)
{
    apr_uint32_t number = llm_span_of(&zone->zone, span, apr_time_sec(now));

    return begin_of(zone, span, number > before ? number - before : 0);
}

static int has_shape(const char *text, const char *shape)
{
    for (; *shape; ++shape, ++text) {
        if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape) {
            return 0;
        }
    }
    return !*text;
}

static const char *read_when(apr_time_t *pwhen, const char *text,
                             const ctl_zone_t *zone, apr_time_t now,
                             apr_pool_t *pool)
{
    const char *wrong;

    if (!strcmp(text, "today") || !strcmp(text, "yesterday")) {
        *pwhen = begin_of_this(zone, LLM_SPAN_DAY, now, *text == 'y');
        return NULL;
    }
    if (!strcmp(text, "week") || !strcmp(text, "month")) {
        *pwhen = begin_of_this(
            zone, *text == 'w' ? LLM_SPAN_WEEK : LLM_SPAN_MONTH, now, 0);
        return NULL;
    }
    if (has_shape(text, "0000-00")) {
        text = apr_pstrcat(pool, text, "-01", NULL);
    }
    wrong = llm_time_read(pwhen, text, now);
    if (!wrong && has_shape(text, "0000-00-00")) {
        *pwhen = begin_of(zone, LLM_SPAN_DAY, llm_time_day(*pwhen));
    }
    return wrong ? "expected a date such as 2026-11-22 or 2026-11, a time such "
                   "as 2026-11-22T10:00:00Z, a time back from now such as 7d "
                   "or 24h, today, yesterday, week or month"
                 : NULL;
}

int ctl_read_when(apr_time_t *pwhen, ctl_t *ctl, const char *name,
                  const ctl_zone_t *zone)
{
    const char *text = ctl_option(ctl, name);
    const char *wrong;

    *pwhen = 0;
    if (!text) {
        return CTL_DONE;
    }
    wrong = read_when(pwhen, text, zone, ctl->world->now, ctl->pool);
    return wrong ? ctl_fail(ctl, CTL_USAGE, "usage", "--%s: %s, not '%s'", name,
                            wrong, text)
                 : CTL_DONE;
}

void ctl_request_when(llm_buf_t *request, const char *name, apr_time_t when,
                      apr_pool_t *pool)
{
    if (when) {
        ctl_request_text(request, name, llm_time_print(when, pool));
    }
}
