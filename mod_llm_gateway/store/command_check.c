/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "check": usage records, hours, days, the smaller rollups and
 * quotas summed and compared.
 *
 * Day by day, beside the owner's work: records that come in between the three
 * sums make them differ. So a day that differs is summed once more while
 * nothing is written, and only that counts.
 */
#include "store/bytes.h"
#include "store/check_quotas.h"
#include "store/check_rollups.h"
#include "store/keep.h"
#include "store/meta.h"
#include "store/report.h"
#include "store/task.h"

#include "core/llm_time.h"

#include <string.h>

typedef struct check_t {
    llm_task_t *task;
    apr_uint64_t events, hours, days; /* requests */
    apr_uint64_t differences;         /* days that do not agree, and quotas */
    apr_uint32_t hours_from;          /* what is before was dropped */
} check_t;

/* The three sums of a day. */
typedef struct day_sums_t {
    llm_totals_t events, hours, days;
    int has_events, has_hours; /* they are kept for a while only */
    const char *differing;     /* a smaller rollup's name, or NULL */
} day_sums_t;

typedef struct adding_t {
    llm_totals_t *totals;
    const llm_store_t *store;
    apr_status_t status;
} adding_t;

static int add_event(void *baton, llm_datum_t key, llm_datum_t value)
{
    adding_t *adding = baton;
    llm_record_t record;

    if (!llm_codec_read_event(&record, key.data, key.len, value.data,
                              value.len)) {
        adding->status = APR_EINVAL;
        return 1;
    }
    llm_totals_add_record(adding->totals, &record);
    if (adding->store->is_stopping) {
        adding->status = APR_EINTR;
    }
    return adding->status != APR_SUCCESS;
}

static apr_status_t sum_events(day_sums_t *sums, llm_store_t *store,
                               apr_uint32_t day)
{
    adding_t adding = {&sums->events, store, APR_SUCCESS};
    llm_table_t *table;
    apr_status_t status = llm_events_use(&table, store->events, day, 0);

    sums->has_events = status == APR_SUCCESS;
    if (status != APR_SUCCESS) {
        return status == APR_NOTFOUND ? APR_SUCCESS : status;
    }
    status = llm_table_scan(table, LLM_DATUM_NONE, add_event, &adding);
    llm_events_done(store->events, table);
    return status == APR_SUCCESS ? adding.status : status;
}

/* by LLM_BY_HOUR reads the hours' table, LLM_BY_DAY the days'. */
static apr_status_t sum_rollup(llm_totals_t *totals, llm_task_t *task,
                               apr_uint32_t day, unsigned by)
{
    llm_query_t query = {.from_hour = day * 24,
                         .until_hour = day * 24 + 24,
                         .by = by,
                         .stop = &task->store->is_stopping};
    llm_sums_t *sums = llm_sums_make(24, task->row_pool);
    apr_status_t status = llm_report_sum(sums, &query, task->store);
    const llm_sum_t *list = llm_sums_sort(sums);
    unsigned i;

    for (i = 0; i < llm_sums_count(sums); ++i) {
        llm_totals_add(totals, &list[i].totals);
    }
    return status;
}

static apr_status_t sum_day(day_sums_t *sums, llm_task_t *task,
                            apr_uint32_t day, apr_uint32_t hours_from)
{
    apr_status_t status;

    memset(sums, 0, sizeof(*sums));
    apr_pool_clear(task->row_pool);
    status = sum_events(sums, task->store, day);
    sums->has_hours = day * 24 >= hours_from;
    if (status == APR_SUCCESS && sums->has_hours) {
        status = sum_rollup(&sums->hours, task, day, LLM_BY_HOUR);
    }
    if (status == APR_SUCCESS) {
        status = sum_rollup(&sums->days, task, day, LLM_BY_DAY);
    }
    return status == APR_SUCCESS
               ? llm_check_rollups(&sums->differing, task, day, sums->has_hours)
               : status;
}

static int is_same(const llm_totals_t *a, const llm_totals_t *b)
{
    return !memcmp(a, b, sizeof(*a));
}

static int agrees(const day_sums_t *sums)
{
    return !sums->differing
           && (!sums->has_hours || is_same(&sums->hours, &sums->days))
           && (!sums->has_events || is_same(&sums->events, &sums->days));
}

/* NULL: they are not kept so long. */
static void put_totals(llm_buf_t *out, const char *name,
                       const llm_totals_t *totals)
{
    llm_member(out, name);
    if (!totals) {
        llm_buf_lit(out, "null");
        return;
    }
    llm_buf_putc(out, '{');
    llm_members_totals(out, totals);
    llm_buf_putc(out, '}');
}

static apr_status_t say_difference(llm_task_t *task, apr_uint32_t day,
                                   const day_sums_t *sums)
{
    llm_task_begin(task, "row");
    llm_member_text(task->out, "day", llm_day_print(day, task->row_pool));
    put_totals(task->out, "events", sums->has_events ? &sums->events : NULL);
    put_totals(task->out, "hours", sums->has_hours ? &sums->hours : NULL);
    put_totals(task->out, "days", &sums->days);
    llm_member_text(task->out, "rollup", sums->differing);
    return llm_task_end(task);
}

static apr_status_t check_day(check_t *check, apr_uint32_t day)
{
    llm_task_t *task = check->task;
    day_sums_t sums;
    apr_status_t status = sum_day(&sums, task, day, check->hours_from);

    if (status == APR_SUCCESS && !agrees(&sums)) {
        apr_thread_mutex_lock(task->store->writing);
        status = sum_day(&sums, task, day, check->hours_from);
        apr_thread_mutex_unlock(task->store->writing);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    check->events += sums.events.requests;
    check->hours += sums.hours.requests;
    check->days += sums.days.requests;
    if (agrees(&sums)) {
        return APR_SUCCESS;
    }
    check->differences += 1;
    return say_difference(task, day, &sums);
}

/* The first row of the table at or after the day. */
static int note_day(void *baton, llm_datum_t key, llm_datum_t value)
{
    apr_uint32_t *pday = baton;
    llm_group_t row;

    (void)value;
    if (llm_group_read(&row, key.data, key.len)) {
        *pday = row.time;
    }
    return 1;
}

#define NO_DAY ((apr_uint32_t)-1)

/* The next day from `day` on that any of the three has; all rollups are
 * written together, so one of them is enough to find it. */
static apr_status_t next_day(apr_uint32_t *pnext, llm_store_t *store,
                             const apr_array_header_t *days, apr_uint32_t day)
{
    apr_uint32_t rolled = NO_DAY;
    unsigned char start[4];
    apr_status_t status;
    int i;

    *pnext = NO_DAY;
    for (i = days->nelts; i; --i) {
        if (APR_ARRAY_IDX(days, i - 1, apr_uint32_t) >= day) {
            *pnext = APR_ARRAY_IDX(days, i - 1, apr_uint32_t);
        }
    }
    llm_be_put(start, day, 4);
    status =
        llm_table_scan(store->tables.rday, LLM_DATUM(start), note_day, &rolled);
    *pnext = rolled < *pnext ? rolled : *pnext;
    return status;
}

/* Every record that was ever stored is in the days, which are never dropped. */
static apr_status_t check_counter(check_t *check, apr_uint64_t *precords,
                                  int *pagrees)
{
    llm_store_t *store = check->task->store;
    llm_query_t query = {.until_hour = (NO_DAY / 24) * 24,
                         .stop = &store->is_stopping};
    llm_sums_t *sums = llm_sums_make(1, check->task->pool);
    const llm_group_t all = {0, 0, 0, 0};
    llm_totals_t *totals;
    apr_status_t status;

    apr_thread_mutex_lock(store->writing);
    status = llm_meta_get(precords, store->tables.meta, NULL, LLM_META_RECORDS);
    if (status == APR_SUCCESS) {
        status = llm_report_sum(sums, &query, store);
    }
    apr_thread_mutex_unlock(store->writing);
    totals = llm_sums_of(sums, &all);
    *pagrees = totals && totals->requests == *precords;
    return status;
}

static apr_status_t check_days(check_t *check)
{
    llm_store_t *store = check->task->store;
    apr_array_header_t *days;
    apr_uint32_t day = 0;
    apr_status_t status =
        llm_events_days(&days, store->events, check->task->pool);

    while (status == APR_SUCCESS) {
        status = next_day(&day, store, days, day);
        if (status != APR_SUCCESS || day == NO_DAY) {
            return status;
        }
        status = check_day(check, day++);
    }
    return status;
}

static apr_status_t run(llm_task_t *task)
{
    check_t check = {.task = task};
    llm_quotas_checked_t quotas = {0, 0};
    apr_uint64_t records = 0;
    int counted = 0;
    apr_status_t status = llm_keep_hours_from(&check.hours_from, task->store);

    if (status == APR_SUCCESS) {
        status = check_days(&check);
    }
    if (status == APR_SUCCESS) {
        status = llm_check_quotas(&quotas, task);
        check.differences += quotas.differences;
    }
    if (status == APR_SUCCESS) {
        status = check_counter(&check, &records, &counted);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "records", records);
    llm_member_number(task->out, "events", check.events);
    llm_member_number(task->out, "hours", check.hours);
    llm_member_number(task->out, "days", check.days);
    llm_member_number(task->out, "quotas", quotas.requests);
    llm_member_number(task->out, "differences", check.differences);
    llm_member_flag(task->out, "agree", counted && !check.differences);
    return llm_task_end(task);
}

const llm_command_t llm_command_check = {
    .op = "check",
    .members = (const char *const[]){NULL},
    .is_slow = 1,
    .read = run,
};
