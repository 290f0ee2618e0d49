/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Window by window: the days' sums by key beside the rows of quota.db, both in
 * the order of the keys. As with the days, a window that differs is looked at
 * once more while nothing is written, and only that counts.
 */
#include "store/check_quotas.h"

#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/keep.h"
#include "store/quota.h"
#include "store/report.h"

#include <string.h>

#define NO_DAY ((apr_uint32_t)-1)
#define KEYS   4000000 /* that may differ in a window */

/* A window of all keys, and what is done with what differs. */
typedef struct comparing_t {
    llm_task_t *task;
    llm_quotas_checked_t *checked;
    llm_window_e window;
    apr_uint32_t start, until; /* days; the latter is not in it */
    const llm_sum_t *days;     /* by key, sorted */
    unsigned count, at;
    apr_uint64_t requests, differences;
    int is_final; /* say what differs, and count */
    apr_status_t status;
} comparing_t;

static void put_spend(llm_buf_t *out, const char *name,
                      const llm_spend_t *spend)
{
    llm_member(out, name);
    llm_buf_putc(out, '{');
    llm_member_number(out, "requests", spend->requests);
    llm_member_number(out, "tokens_in", spend->tokens_in);
    llm_member_number(out, "tokens_out", spend->tokens_out);
    llm_member_number(out, "cost", spend->cost);
    llm_member_number(out, "unpriced", spend->unpriced);
    llm_buf_putc(out, '}');
}

static void compare(comparing_t *comparing, apr_uint32_t key,
                    const llm_spend_t *days, const llm_spend_t *quota)
{
    llm_task_t *task = comparing->task;

    if (!memcmp(days, quota, sizeof(*days))) {
        return;
    }
    comparing->differences += 1;
    if (!comparing->is_final) {
        return;
    }
    llm_task_begin(task, "row");
    llm_member_text(task->out, "window", llm_window_name(comparing->window));
    llm_member_text(task->out, "start",
                    comparing->window == LLM_WINDOW_TOTAL
                        ? NULL
                        : llm_day_print(comparing->start, task->row_pool));
    llm_member_text(task->out, "key",
                    llm_keyring_name(task->store->keyring, key));
    llm_member_number(task->out, "key_id", key);
    put_spend(task->out, "days", days);
    put_spend(task->out, "quota", quota);
    comparing->status = llm_task_end(task);
}

/* Keys before `key` have days and no quota. */
static void compare_missing(comparing_t *comparing, apr_uint64_t key)
{
    const llm_spend_t none = {0};

    while (comparing->at < comparing->count
           && comparing->days[comparing->at].group.key < key
           && comparing->status == APR_SUCCESS) {
        const llm_sum_t *sum = &comparing->days[comparing->at++];
        llm_spend_t days = {0};

        llm_spend_add_totals(&days, &sum->totals);
        compare(comparing, sum->group.key, &days, &none);
    }
}

static int take_quota(void *baton, llm_datum_t key, llm_datum_t value)
{
    comparing_t *comparing = baton;
    llm_spend_t quota, days = {0};
    llm_quota_id_t id;

    if (!llm_quota_read(&id, &quota, key, value)) {
        comparing->status = APR_EINVAL;
        return 1;
    }
    if (id.window != comparing->window || id.start != comparing->start) {
        return 1;
    }
    compare_missing(comparing, id.key);
    if (comparing->at < comparing->count
        && comparing->days[comparing->at].group.key == id.key) {
        llm_spend_add_totals(&days, &comparing->days[comparing->at++].totals);
    }
    comparing->requests += quota.requests;
    if (comparing->status == APR_SUCCESS) {
        compare(comparing, id.key, &days, &quota);
    }
    if (comparing->task->store->is_stopping) {
        comparing->status = APR_EINTR;
    }
    return comparing->status != APR_SUCCESS;
}

static apr_status_t compare_in(comparing_t *comparing, apr_pool_t *pool)
{
    llm_store_t *store = comparing->task->store;
    const llm_quota_id_t id = {comparing->window, comparing->start, 0};
    llm_query_t query = {.from_hour = comparing->start * 24,
                         .until_hour = comparing->until * 24,
                         .by = LLM_BY_KEY,
                         .stop = &store->is_stopping};
    llm_sums_t *sums = llm_sums_make(KEYS, pool);
    unsigned char from[LLM_QUOTA_KEY];
    apr_status_t status = llm_report_sum(sums, &query, store);

    comparing->days = llm_sums_sort(sums);
    comparing->count = llm_sums_count(sums);
    comparing->at = 0;
    comparing->requests = comparing->differences = 0;
    llm_quota_write_id(from, &id);
    if (status == APR_SUCCESS) {
        status = llm_table_scan(store->tables.quota, LLM_DATUM(from),
                                take_quota, comparing);
    }
    if (status == APR_SUCCESS && comparing->status == APR_SUCCESS) {
        compare_missing(comparing, APR_UINT64_MAX);
    }
    return status == APR_SUCCESS ? comparing->status : status;
}

static apr_status_t compare_once(comparing_t *comparing)
{
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, comparing->task->pool);

    if (status == APR_SUCCESS) {
        status = compare_in(comparing, pool);
        apr_pool_destroy(pool);
    }
    return status;
}

static apr_status_t compare_window(comparing_t *comparing)
{
    llm_store_t *store = comparing->task->store;
    apr_status_t status;

    comparing->is_final = 0;
    status = compare_once(comparing);
    if (status == APR_SUCCESS && comparing->differences) {
        comparing->is_final = 1;
        apr_thread_mutex_lock(store->writing);
        status = compare_once(comparing);
        apr_thread_mutex_unlock(store->writing);
    }
    comparing->checked->differences += comparing->differences;
    return status;
}

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

typedef struct next_t {
    llm_window_e window;
    apr_uint32_t start;
} next_t;

static int note_quota(void *baton, llm_datum_t key, llm_datum_t value)
{
    next_t *next = baton;
    llm_spend_t spend;
    llm_quota_id_t id;

    if (llm_quota_read(&id, &spend, key, value) && id.window == next->window) {
        next->start = id.start;
    }
    return 1;
}

/* The first window that begins at the day or later and of which there is
 * anything, in the days or in the quotas; NO_DAY: there is none. */
static apr_status_t next_window(apr_uint32_t *pstart, llm_store_t *store,
                                llm_window_e window, apr_uint32_t day)
{
    const llm_quota_id_t id = {window, day, 0};
    next_t next = {window, NO_DAY};
    apr_uint32_t rolled = NO_DAY;
    unsigned char from_day[4], from_quota[LLM_QUOTA_KEY];
    apr_status_t status;

    llm_be_put(from_day, day, sizeof(from_day));
    llm_quota_write_id(from_quota, &id);
    status = llm_table_scan(store->tables.rday, LLM_DATUM(from_day), note_day,
                            &rolled);
    if (status == APR_SUCCESS) {
        status = llm_table_scan(store->tables.quota, LLM_DATUM(from_quota),
                                note_quota, &next);
    }
    if (rolled != NO_DAY) {
        rolled = llm_quota_start(window, rolled);
    }
    *pstart = rolled < next.start ? rolled : next.start;
    return status;
}

/* The day after the window's last. */
static apr_uint32_t end_of(llm_window_e window, apr_uint32_t start)
{
    return window == LLM_WINDOW_DAY ? start + 1
                                    : llm_quota_start(window, start + 31);
}

static apr_status_t compare_windows(comparing_t *comparing, llm_window_e window,
                                    apr_uint32_t day)
{
    llm_store_t *store = comparing->task->store;
    apr_status_t status = APR_SUCCESS;

    comparing->window = window;
    while (status == APR_SUCCESS) {
        status = next_window(&comparing->start, store, window, day);
        if (status != APR_SUCCESS || comparing->start == NO_DAY) {
            return status;
        }
        comparing->until = day = end_of(window, comparing->start);
        status = compare_window(comparing);
    }
    return status;
}

apr_status_t llm_check_quotas(llm_quotas_checked_t *checked, llm_task_t *task)
{
    comparing_t comparing = {.task = task, .checked = checked};
    apr_uint32_t from;
    apr_status_t status = llm_keep_quota_from(&from, task->store);

    if (status == APR_SUCCESS) {
        status = compare_windows(&comparing, LLM_WINDOW_DAY, from);
    }
    if (status == APR_SUCCESS) {
        status = compare_windows(&comparing, LLM_WINDOW_MONTH, 0);
    }
    if (status == APR_SUCCESS) {
        comparing.window = LLM_WINDOW_TOTAL;
        comparing.start = 0;
        comparing.until = NO_DAY / 24;
        status = compare_window(&comparing);
        checked->requests = comparing.requests;
    }
    return status;
}
