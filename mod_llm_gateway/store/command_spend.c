/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "spend": what was spent in the present windows, beside the
 * budgets, by key or by team.
 *
 * The quotas have it added up already. Each window's rows lie side by side, by
 * key, so three short scans read all there is: the day first and all time last,
 * so that none of the three sums is greater than the next one. The keys come in
 * the same order. A team's spending is that of its keys, the deleted ones too.
 */
#include "store/command_key.h"

#include "core/llm_time.h"
#include "store/quota.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

/* What one key spent in a window, or the budgets of one. */
typedef struct part_t {
    apr_uint32_t key;
    apr_uint64_t cost, unpriced;
    llm_budgets_t budgets;
} part_t;

typedef struct spend_t {
    llm_task_t *task;
    int is_by_team;
    apr_array_header_t *windows[LLM_WINDOWS]; /* of part_t, by key */
    apr_array_header_t *keys;                 /* with budgets; the same */
    apr_hash_t *teams;                        /* name to row_t */
    unsigned rows;
    /* of the scan that runs */
    llm_quota_id_t id;
    apr_array_header_t *into;
    apr_status_t status;
} spend_t;

/* What is sent. */
typedef struct row_t {
    apr_uint64_t cost[LLM_WINDOWS], unpriced;
    llm_budgets_t budgets;
} row_t;

/* ---------------------------------------------------------------- reading */

static int take_quota(void *baton, llm_datum_t key, llm_datum_t value)
{
    spend_t *spend = baton;
    llm_quota_id_t id;
    llm_spend_t spent;
    part_t *part;

    if (!llm_quota_read(&id, &spent, key, value)) {
        spend->status = APR_EINVAL;
        return 1;
    }
    if (id.window != spend->id.window || id.start != spend->id.start) {
        return 1;
    }
    part = apr_array_push(spend->into);
    part->key = id.key;
    part->cost = spent.cost;
    part->unpriced = spent.unpriced;
    if (spend->task->store->is_stopping) {
        spend->status = APR_EINTR;
    }
    return spend->status != APR_SUCCESS;
}

static apr_status_t read_window(spend_t *spend, llm_window_e window)
{
    llm_task_t *task = spend->task;
    unsigned char from[LLM_QUOTA_KEY];
    apr_status_t status;

    spend->id = (llm_quota_id_t){
        window, llm_quota_start(window, llm_time_day(task->now)), 0};
    spend->into = spend->windows[window - 1] =
        apr_array_make(task->pool, 64, sizeof(part_t));
    llm_quota_write_id(from, &spend->id);
    status = llm_table_scan(task->store->tables.quota, LLM_DATUM(from),
                            take_quota, spend);
    return status == APR_SUCCESS ? spend->status : status;
}

static int take_key(void *baton, const llm_key_t *key)
{
    spend_t *spend = baton;
    part_t *part;

    if (key->budgets.given) {
        part = apr_array_push(spend->keys);
        part->key = key->id;
        part->budgets = key->budgets;
    }
    return 0;
}

static row_t *team_called(spend_t *spend, const char *name, apr_size_t len)
{
    row_t *row = apr_hash_get(spend->teams, name, (apr_ssize_t)len);
    apr_pool_t *pool = spend->task->pool;

    if (!row) {
        row = apr_pcalloc(pool, sizeof(*row));
        apr_hash_set(spend->teams, apr_pstrmemdup(pool, name, len),
                     (apr_ssize_t)len, row);
    }
    return row;
}

static int take_team(void *baton, llm_datum_t key, llm_datum_t value)
{
    spend_t *spend = baton;
    llm_team_t team;

    if (!llm_codec_read_team(&team, value.data, value.len)) {
        spend->status = APR_EINVAL;
    }
    else if (team.budgets.given) {
        team_called(spend, key.data, key.len)->budgets = team.budgets;
    }
    return spend->status != APR_SUCCESS;
}

static apr_status_t read_all(spend_t *spend)
{
    llm_store_t *store = spend->task->store;
    unsigned window;
    apr_status_t status = APR_SUCCESS;

    for (window = LLM_WINDOW_DAY;
         window <= LLM_WINDOW_TOTAL && status == APR_SUCCESS; ++window) {
        status = read_window(spend, (llm_window_e)window);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (!spend->is_by_team) {
        return llm_keyring_each(store->keyring, take_key, spend);
    }
    status =
        llm_table_scan(store->tables.teams, LLM_DATUM_NONE, take_team, spend);
    return status == APR_SUCCESS ? spend->status : status;
}

/* ----------------------------------------------------------------- telling */

/* The part of that key, taken off the front; NULL: it has none there. */
static const part_t *take_part(apr_array_header_t *parts, int *pat,
                               apr_uint32_t key)
{
    const part_t *part =
        *pat < parts->nelts ? &APR_ARRAY_IDX(parts, *pat, part_t) : NULL;

    if (!part || part->key != key) {
        return NULL;
    }
    *pat += 1;
    return part;
}

static void put_row(llm_buf_t *out, const row_t *row)
{
    llm_member_number(out, "day", row->cost[LLM_WINDOW_DAY - 1]);
    llm_member_number(out, "month", row->cost[LLM_WINDOW_MONTH - 1]);
    llm_member_number(out, "total", row->cost[LLM_WINDOW_TOTAL - 1]);
    llm_member_number(out, "unpriced", row->unpriced);
    llm_budgets_put(out, &row->budgets);
}

static apr_status_t say_key(spend_t *spend, apr_uint32_t key, const row_t *row)
{
    llm_task_t *task = spend->task;

    spend->rows += 1;
    llm_task_begin(task, "row");
    llm_member_text(task->out, "key",
                    llm_keyring_name(task->store->keyring, key));
    llm_member_number(task->out, "key_id", key);
    put_row(task->out, row);
    return llm_task_end(task);
}

static void add_to_team(spend_t *spend, apr_uint32_t key, const row_t *row)
{
    const char *name = llm_keyring_team(spend->task->store->keyring, key);
    row_t *team = team_called(spend, name, strlen(name));
    unsigned i;

    for (i = 0; i < LLM_WINDOWS; ++i) {
        team->cost[i] += row->cost[i];
    }
    team->unpriced += row->unpriced;
}

/* The least key that a list begins with; 0: all are done. */
static int next_key(apr_uint32_t *pkey, apr_array_header_t *const *lists,
                    const int *at)
{
    int i, found = 0;

    for (i = 0; i <= LLM_WINDOWS; ++i) {
        if (at[i] < lists[i]->nelts) {
            apr_uint32_t key = APR_ARRAY_IDX(lists[i], at[i], part_t).key;

            *pkey = found && *pkey < key ? *pkey : key;
            found = 1;
        }
    }
    return found;
}

/* Key by key, in step through the four lists. */
static apr_status_t each_key(spend_t *spend)
{
    apr_array_header_t *const lists[LLM_WINDOWS + 1] = {
        spend->windows[0], spend->windows[1], spend->windows[2], spend->keys};
    int at[LLM_WINDOWS + 1] = {0, 0, 0, 0};
    apr_uint32_t key = 0;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && next_key(&key, lists, at)) {
        row_t row = {.unpriced = 0};
        const part_t *part;
        int i;

        for (i = 0; i < LLM_WINDOWS; ++i) {
            part = take_part(lists[i], &at[i], key);
            row.cost[i] = part ? part->cost : 0;
            if (part && i == LLM_WINDOW_MONTH - 1) {
                row.unpriced = part->unpriced;
            }
        }
        part = take_part(lists[LLM_WINDOWS], &at[LLM_WINDOWS], key);
        if (part) {
            row.budgets = part->budgets;
        }
        if (spend->is_by_team) {
            add_to_team(spend, key, &row);
        }
        else {
            status = say_key(spend, key, &row);
        }
    }
    return status;
}

static apr_status_t say_teams(spend_t *spend)
{
    llm_task_t *task = spend->task;
    apr_hash_index_t *at = apr_hash_first(task->pool, spend->teams);
    apr_status_t status = APR_SUCCESS;

    for (; at && status == APR_SUCCESS; at = apr_hash_next(at)) {
        spend->rows += 1;
        llm_task_begin(task, "row");
        llm_member_text(task->out, "team", apr_hash_this_key(at));
        put_row(task->out, apr_hash_this_val(at));
        status = llm_task_end(task);
    }
    return status;
}

static apr_status_t ask_by(spend_t *spend)
{
    const char *by;
    apr_status_t status = llm_task_string(&by, spend->task, "by", 64);

    if (status != APR_SUCCESS || !by) {
        return status;
    }
    spend->is_by_team = !strcmp(by, "team");
    return spend->is_by_team || !strcmp(by, "key")
               ? APR_SUCCESS
               : llm_task_refuse(spend->task, "usage",
                                 "by: expected key or team, not '%s'", by);
}

static apr_status_t run(llm_task_t *task)
{
    spend_t spend = {.task = task,
                     .keys = apr_array_make(task->pool, 64, sizeof(part_t)),
                     .teams = apr_hash_make(task->pool)};
    apr_status_t status = ask_by(&spend);

    if (status == APR_SUCCESS) {
        status = read_all(&spend);
    }
    if (status == APR_SUCCESS) {
        status = each_key(&spend);
    }
    if (status == APR_SUCCESS && spend.is_by_team) {
        status = say_teams(&spend);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "rows", spend.rows);
    return llm_task_end(task);
}

const llm_command_t llm_command_spend = {
    .op = "spend",
    .members = (const char *const[]){"by", NULL},
    .is_slow = 1,
    .read = run,
};
