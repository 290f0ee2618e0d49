/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "events": usage records one by one, in the order of time. With
 * a limit the latest ones: found from the end backwards, and turned round.
 */
#include "store/event_row.h"
#include "store/fields.h"

#include "core/llm_time.h"
#include "store/bytes.h"

#define LIMIT_MAX  100000
#define LOOK_EVERY 1024 /* records, before somebody is told how far it is */

typedef struct events_t {
    llm_task_t *task;
    apr_time_t since, until;
    llm_filters_t filters;
    apr_int64_t limit;          /* 0 none */
    apr_array_header_t *latest; /* of llm_record_t, with a limit */
    apr_uint64_t count;
    unsigned seen; /* for the progress */
    apr_status_t status;
} events_t;

static apr_status_t ask_events(events_t *events)
{
    llm_task_t *task = events->task;
    apr_status_t status = llm_task_time(&events->since, task, "since");

    if (status == APR_SUCCESS) {
        status = llm_task_time(&events->until, task, "until");
    }
    if (status == APR_SUCCESS) {
        status = llm_task_number(&events->limit, task, "limit", 1, LIMIT_MAX);
    }
    if (status == APR_SUCCESS) {
        status = llm_filters_read(&events->filters, task);
    }
    if (!events->until) {
        events->until = APR_INT64_MAX;
    }
    return status;
}

/* Somebody may wait for the first that matches, and may have gone. */
static apr_status_t look_up(events_t *events, apr_time_t at)
{
    apr_time_t end = events->until, now = events->task->now;

    if (++events->seen % LOOK_EVERY) {
        return APR_SUCCESS;
    }
    end = end < now ? end : now;
    return llm_task_progress(events->task,
                             events->limit ? end - at : at - events->since,
                             end - events->since);
}

/* Either says the record, or keeps it for later. Non-zero: no more. */
static int take_event(void *baton, llm_datum_t key, llm_datum_t value)
{
    events_t *events = baton;
    llm_record_t record;

    if (!llm_codec_read_event(&record, key.data, key.len, value.data,
                              value.len)) {
        events->status = APR_EINVAL;
        return 1;
    }
    if (events->task->store->is_stopping) {
        events->status = APR_EINTR;
        return 1;
    }
    if (record.began < events->since || record.began >= events->until) {
        return 1; /* in this direction no other can be */
    }
    if (!llm_filters_pass_record(&events->filters, &record)) {
        events->status = look_up(events, record.began);
        return events->status != APR_SUCCESS;
    }
    events->count += 1;
    if (events->limit) {
        APR_ARRAY_PUSH(events->latest, llm_record_t) = record;
        return events->latest->nelts == events->limit;
    }
    events->status = llm_event_say(events->task, &record, 0);
    return events->status != APR_SUCCESS;
}

/* From since on, or from until backwards; a key begins with its time. */
static apr_status_t scan_table(events_t *events, llm_table_t *table)
{
    unsigned char edge[8];
    llm_datum_t start = LLM_DATUM(edge);
    apr_status_t status;

    llm_be_put(edge,
               (apr_uint64_t)(events->limit ? events->until : events->since),
               sizeof(edge));
    status = events->limit
                 ? llm_table_scan_back(table, start, take_event, events)
                 : llm_table_scan(table, start, take_event, events);
    return status == APR_SUCCESS ? events->status : status;
}

static apr_status_t read_day(events_t *events, apr_uint32_t day)
{
    llm_store_t *store = events->task->store;
    llm_table_t *table;
    apr_status_t status = llm_events_use(&table, store->events, day, 0);

    if (status != APR_SUCCESS) {
        return status == APR_NOTFOUND ? APR_SUCCESS : status;
    }
    status = scan_table(events, table);
    llm_events_done(store->events, table);
    return status;
}

static int is_full(const events_t *events)
{
    return events->limit && events->latest->nelts == events->limit;
}

static apr_status_t read_days(events_t *events)
{
    apr_array_header_t *days;
    apr_status_t status =
        llm_events_days(&days, events->task->store->events, events->task->pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < days->nelts && !is_full(events);
         ++i) {
        apr_uint32_t day = APR_ARRAY_IDX(
            days, events->limit ? days->nelts - 1 - i : i, apr_uint32_t);

        if (day >= llm_time_day(events->since)
            && day <= llm_time_day(events->until)) {
            status = read_day(events, day);
        }
    }
    return status;
}

static apr_status_t run(llm_task_t *task)
{
    events_t events = {.task = task};
    apr_status_t status = ask_events(&events);
    int i;

    if (status == APR_SUCCESS) {
        events.latest = apr_array_make(task->pool, 16, sizeof(llm_record_t));
        status = events.filters.is_nothing ? APR_SUCCESS : read_days(&events);
    }
    for (i = events.latest ? events.latest->nelts : 0;
         status == APR_SUCCESS && i; --i) {
        status = llm_event_say(
            task, &APR_ARRAY_IDX(events.latest, i - 1, llm_record_t), 0);
    }
    if (status == APR_SUCCESS) {
        llm_task_begin(task, "done");
        llm_member_number(task->out, "events", events.count);
        status = llm_task_end(task);
    }
    return status;
}

const llm_command_t llm_command_events = {
    .op = "events",
    .members = (const char *const[]){"since", "until", "limit",
                                     LLM_FILTER_MEMBERS, NULL},
    .is_slow = 1,
    .read = run,
};
