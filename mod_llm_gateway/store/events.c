/* SPDX-License-Identifier: Apache-2.0 */
/* The open tables of days: a short list, most of it idle. */
#include "store/events.h"

#include "core/llm_log.h"
#include "core/llm_time.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define OPEN_MAX_DAYS 64 /* in use at once */
#define IDLE_DAYS     4  /* kept open */
#define FILE_NAME     sizeof("ev-yyyymmdd.db")

typedef struct day_t {
    llm_table_t *table; /* NULL: this place is free */
    apr_uint32_t day;
    unsigned users;
    apr_uint64_t used; /* when, in uses */
} day_t;

struct llm_events_t {
    llm_bdb_t *bdb;
    const char *home;
    apr_thread_mutex_t *mutex;
    apr_uint64_t uses;
    day_t days[OPEN_MAX_DAYS];
};

apr_status_t llm_events_make(llm_events_t **pevents, llm_bdb_t *bdb,
                             const char *home, apr_pool_t *pool)
{
    llm_events_t *events = apr_pcalloc(pool, sizeof(*events));

    events->bdb = bdb;
    events->home = apr_pstrdup(pool, home);
    *pevents = events;
    return apr_thread_mutex_create(&events->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool);
}

static void file_name(char *name, apr_uint32_t day)
{
    apr_time_exp_t date;

    apr_time_exp_gmt(&date, apr_time_from_sec((apr_int64_t)day * 86400));
    snprintf(name, FILE_NAME, "ev-%04u%02u%02u.db",
             (unsigned)(date.tm_year + 1900) % 10000,
             (unsigned)(date.tm_mon + 1) % 100, (unsigned)date.tm_mday % 100);
}

const char *llm_events_file(apr_uint32_t day, apr_pool_t *pool)
{
    char name[FILE_NAME];

    file_name(name, day);
    return apr_pstrdup(pool, name);
}

#define NO_DAY ((apr_uint32_t)-1)

/* The day of a file's name; NO_DAY for anything else. */
static apr_uint32_t day_of_file(const char *name)
{
    apr_time_exp_t date;
    apr_time_t when;
    char again[FILE_NAME];
    apr_uint32_t day;
    unsigned year, month, mday;

    if (sscanf(name, "ev-%4u%2u%2u.db", &year, &month, &mday) != 3) {
        return NO_DAY;
    }
    memset(&date, 0, sizeof(date));
    date.tm_year = (int)year - 1900;
    date.tm_mon = (int)month - 1;
    date.tm_mday = (int)mday;
    if (apr_time_exp_gmt_get(&when, &date) != APR_SUCCESS || when < 0) {
        return NO_DAY;
    }
    day = llm_time_day(when);
    file_name(again, day);
    return strcmp(again, name) ? NO_DAY : day;
}

static void close_day(day_t *day)
{
    llm_table_close(day->table);
    memset(day, 0, sizeof(*day));
}

/* The place of an open day; else a free one; else NULL. */
static day_t *place_of(llm_events_t *events, apr_uint32_t day)
{
    day_t *empty = NULL;
    int i;

    for (i = 0; i < OPEN_MAX_DAYS; ++i) {
        day_t *at = &events->days[i];

        if (at->table && at->day == day) {
            return at;
        }
        if (!at->table && !empty) {
            empty = at;
        }
    }
    return empty;
}

/* All but the IDLE_DAYS idle ones that were used last. */
static void close_idle(llm_events_t *events)
{
    for (;;) {
        day_t *oldest = NULL;
        int i, idle = 0;

        for (i = 0; i < OPEN_MAX_DAYS; ++i) {
            day_t *at = &events->days[i];

            if (at->table && !at->users) {
                ++idle;
                if (!oldest || at->used < oldest->used) {
                    oldest = at;
                }
            }
        }
        if (idle <= IDLE_DAYS) {
            return;
        }
        close_day(oldest);
    }
}

static apr_status_t open_day(day_t *at, llm_events_t *events, apr_uint32_t day,
                             int make)
{
    char name[FILE_NAME], path[APR_PATH_MAX];

    file_name(name, day);
    apr_snprintf(path, sizeof(path), "%s/%s", events->home, name);
    if (!make && access(path, F_OK) < 0) {
        return errno == ENOENT ? APR_NOTFOUND : errno;
    }
    at->day = day;
    return llm_table_open(&at->table, events->bdb, name);
}

apr_status_t llm_events_use(llm_table_t **ptable, llm_events_t *events,
                            apr_uint32_t day, int make)
{
    apr_status_t status = APR_EBUSY;
    day_t *at;

    apr_thread_mutex_lock(events->mutex);
    at = place_of(events, day);
    if (at) {
        status = at->table ? APR_SUCCESS : open_day(at, events, day, make);
    }
    if (status == APR_SUCCESS) {
        at->users += 1;
        at->used = ++events->uses;
        *ptable = at->table;
    }
    apr_thread_mutex_unlock(events->mutex);
    return status;
}

void llm_events_done(llm_events_t *events, llm_table_t *table)
{
    int i;

    apr_thread_mutex_lock(events->mutex);
    for (i = 0; i < OPEN_MAX_DAYS; ++i) {
        if (events->days[i].table == table) {
            events->days[i].users -= 1;
        }
    }
    close_idle(events);
    apr_thread_mutex_unlock(events->mutex);
}

static int compare_days(const void *a, const void *b)
{
    const apr_uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

apr_status_t llm_events_days(apr_array_header_t **pdays, llm_events_t *events,
                             apr_pool_t *pool)
{
    DIR *dir = opendir(events->home);
    struct dirent *entry;

    *pdays = apr_array_make(pool, 100, sizeof(apr_uint32_t));
    if (!dir) {
        return errno;
    }
    while ((entry = readdir(dir))) {
        apr_uint32_t day = day_of_file(entry->d_name);

        if (day != NO_DAY) {
            APR_ARRAY_PUSH(*pdays, apr_uint32_t) = day;
        }
    }
    closedir(dir);
    qsort((*pdays)->elts, (apr_size_t)(*pdays)->nelts, sizeof(apr_uint32_t),
          compare_days);
    return APR_SUCCESS;
}

/* With the mutex held, so that nobody opens what is being removed. */
static apr_status_t drop_day(llm_events_t *events, apr_uint32_t day)
{
    day_t *at = place_of(events, day);
    char name[FILE_NAME];

    if (at && at->table) {
        if (at->users) {
            return APR_EBUSY;
        }
        close_day(at);
    }
    file_name(name, day);
    return llm_table_remove(events->bdb, name);
}

apr_status_t llm_events_drop(llm_events_t *events, apr_uint32_t day,
                             unsigned limit, unsigned *pdropped)
{
    apr_status_t status;
    apr_array_header_t *days;
    apr_pool_t *pool;
    int i;

    *pdropped = 0;
    status = apr_pool_create(&pool, NULL);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = llm_events_days(&days, events, pool);
    for (i = 0; status == APR_SUCCESS && *pdropped < limit && i < days->nelts;
         ++i) {
        apr_uint32_t old = APR_ARRAY_IDX(days, i, apr_uint32_t);

        if (old >= day) {
            break;
        }
        apr_thread_mutex_lock(events->mutex);
        status = drop_day(events, old);
        apr_thread_mutex_unlock(events->mutex);
        if (status == APR_SUCCESS) {
            *pdropped += 1;
            llm_log(LLM_LOG_INFO, APR_SUCCESS,
                    LLM_LOGNO(0201) "usage records of %s were dropped: they "
                                    "are older than is kept",
                    llm_day_print(old, pool));
        }
        else if (status == APR_EBUSY) {
            status = APR_SUCCESS; /* a report reads them: next time */
        }
    }
    apr_pool_destroy(pool);
    return status;
}

void llm_events_close(llm_events_t *events)
{
    int i;

    for (i = 0; i < OPEN_MAX_DAYS; ++i) {
        if (events->days[i].table) {
            close_day(&events->days[i]);
        }
    }
}
