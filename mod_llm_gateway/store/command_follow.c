/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "follow": what was stored since a number, for those who ask
 * again and again. The number goes on over the owner's restart; `identity`
 * tells a store that took another one's place.
 */
#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/event_row.h"
#include "store/meta.h"
#include "store/recent.h"
#include "store/usage_rows.h"

#define RETRIES 100 /* after a deadlock with the batch */

typedef struct follow_t {
    llm_task_t *task;
    llm_survey_t survey;
    int is_sum; /* rows are sums, by what "by" names */
    apr_int64_t after;
    apr_uint64_t last, missed, identity;
    apr_status_t status;
} follow_t;

static apr_status_t ask_follow(follow_t *follow)
{
    llm_task_t *task = follow->task;
    apr_int64_t latest = -1;
    apr_status_t status = llm_survey_ask(&follow->survey, task);

    follow->is_sum = llm_json_want(task->request, "by") != NULL;
    follow->after = -1;
    if (status == APR_SUCCESS) {
        status =
            llm_task_number(&follow->after, task, "after", 0, APR_INT64_MAX);
    }
    if (status == APR_SUCCESS) {
        status = llm_task_number(&latest, task, "last", 0, LLM_RECENT);
    }
    if (status == APR_SUCCESS && (follow->after < 0) == (latest < 0)) {
        return llm_task_refuse(task, "usage", "expected after or last");
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&follow->last, task->store->tables.meta, NULL,
                              LLM_META_RECORDS);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&follow->identity, task->store->tables.meta, NULL,
                              LLM_META_IDENTITY);
    }
    if (follow->after < 0) {
        follow->after = (apr_int64_t)follow->last > latest
                            ? (apr_int64_t)follow->last - latest
                            : 0;
    }
    return status;
}

static apr_status_t read_record(llm_record_t *record, llm_store_t *store,
                                const unsigned char *key)
{
    unsigned char value[LLM_JOURNAL_RECORD];
    llm_datum_t name = {key, LLM_EVENT_KEY};
    apr_uint32_t day = llm_time_day((apr_time_t)llm_be_get(key, 8));
    llm_table_t *table;
    apr_size_t len;
    apr_status_t status = llm_events_use(&table, store->events, day, 0);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = llm_table_get(table, NULL, name, value, sizeof(value), &len);
    llm_events_done(store->events, table);
    if (status == APR_SUCCESS
        && !llm_codec_read_event(record, key, LLM_EVENT_KEY, value, len)) {
        return APR_EINVAL;
    }
    return status;
}

static int take_recent(void *baton, apr_uint64_t number,
                       const unsigned char *key)
{
    follow_t *follow = baton;
    llm_record_t record;
    int tries = 0;

    do {
        follow->status = read_record(&record, follow->task->store, key);
    } while (follow->status == APR_EAGAIN && ++tries < RETRIES);
    if (follow->status == APR_NOTFOUND) {
        follow->missed += 1; /* its day was dropped */
        follow->status = APR_SUCCESS;
    }
    else if (follow->status == APR_SUCCESS && follow->is_sum) {
        follow->status = llm_survey_add(&follow->survey, &record);
    }
    else if (follow->status == APR_SUCCESS
             && llm_filters_pass_record(&follow->survey.filters, &record)) {
        follow->status = llm_event_say(follow->task, &record, number);
    }
    if (follow->task->store->is_stopping) {
        follow->status = APR_EINTR;
    }
    return follow->status != APR_SUCCESS;
}

static apr_status_t say_done(const follow_t *follow)
{
    llm_task_t *task = follow->task;

    llm_task_begin(task, "done");
    llm_member_number(task->out, "next", follow->last);
    llm_member_number(task->out, "missed", follow->missed);
    llm_member(task->out, "identity");
    llm_buf_printf(task->out, "\"%016" APR_UINT64_T_HEX_FMT "\"",
                   follow->identity);
    if (follow->is_sum) {
        llm_usage_put_total(&follow->survey, task->out);
    }
    return llm_task_end(task);
}

static apr_status_t run(llm_task_t *task)
{
    const llm_order_t all = {0, 0};
    follow_t follow = {.task = task};
    apr_uint64_t missed = 0;
    apr_status_t status = ask_follow(&follow);

    if (status == APR_SUCCESS) {
        status = llm_recent_each(&missed, task->store->tables.recent,
                                 (apr_uint64_t)follow.after, follow.last,
                                 take_recent, &follow);
        follow.missed += missed;
    }
    if (status == APR_SUCCESS) {
        status = follow.status;
    }
    if (status == APR_SUCCESS && follow.is_sum) {
        status = llm_usage_say(&follow.survey, &all);
    }
    return status == APR_SUCCESS ? say_done(&follow) : status;
}

const llm_command_t llm_command_follow = {
    .op = "follow",
    .members = (const char *const[]){"after", "last", "by", "zone",
                                     LLM_FILTER_MEMBERS, NULL},
    .is_slow = 1,
    .read = run,
};
