/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "events": usage records one by one, in the order of time. With
 * a limit the latest ones: found from the end backwards, and turned round.
 */
#include "store/task.h"

#include "core/llm_time.h"
#include "store/bytes.h"

#define LIMIT_MAX 100000

typedef struct events_t {
    llm_task_t *task;
    apr_time_t since, until;
    const apr_array_header_t *keys; /* of apr_uint32_t: only these; NULL */
    apr_int64_t limit;              /* 0 none */
    apr_array_header_t *latest;     /* of llm_record_t, with a limit */
    apr_uint64_t count;
    apr_status_t status;
} events_t;

static void add_id(void *baton, apr_uint32_t id)
{
    apr_array_header_t *ids = baton;

    APR_ARRAY_PUSH(ids, apr_uint32_t) = id;
}

static apr_status_t ask_events(events_t *events)
{
    llm_task_t *task = events->task;
    apr_array_header_t *keys;
    const char *name = NULL;
    apr_status_t status = llm_task_time(&events->since, task, "since");

    if (status == APR_SUCCESS) {
        status = llm_task_time(&events->until, task, "until");
    }
    if (status == APR_SUCCESS) {
        status = llm_task_number(&events->limit, task, "limit", 1, LIMIT_MAX);
    }
    if (status == APR_SUCCESS) {
        status = llm_task_string(&name, task, "key", 64);
    }
    if (status == APR_SUCCESS && name) {
        keys = apr_array_make(task->pool, 4, sizeof(apr_uint32_t));
        llm_keyring_ids(task->store->keyring, name, add_id, keys);
        events->keys = keys;
    }
    if (!events->until) {
        events->until = APR_INT64_MAX;
    }
    return status;
}

static int is_wanted(const events_t *events, const llm_record_t *record)
{
    int i;

    for (i = 0; events->keys && i < events->keys->nelts; ++i) {
        if (APR_ARRAY_IDX(events->keys, i, apr_uint32_t) == record->key) {
            return 1;
        }
    }
    return !events->keys;
}

/* The record's flags by name. */
static void put_flags(llm_buf_t *out, apr_uint32_t flags)
{
    static const struct {
        apr_uint32_t bit;
        const char *name;
    } names[] = {
        {LLM_RECORD_STREAM, "stream"},
        {LLM_RECORD_ABORTED, "aborted"},
        {LLM_RECORD_KILLED, "killed"},
        {LLM_RECORD_ESTIMATED, "estimated"},
        {LLM_RECORD_UNPRICED, "unpriced"},
        {LLM_RECORD_CACHED, "cached"},
        {LLM_RECORD_FILTER, "filter"},
        {LLM_RECORD_NATIVE, "native"},
        {LLM_RECORD_ANONYMOUS, "anonymous"},
        {LLM_RECORD_GUESSED, "guessed"},
        {LLM_RECORD_RERATED, "rerated"},
    };
    apr_size_t i;
    const char *comma = "";

    llm_member(out, "flags");
    llm_buf_putc(out, '[');
    for (i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (flags & names[i].bit) {
            llm_buf_puts(out, comma);
            llm_buf_put_string(out, names[i].name);
            comma = ",";
        }
    }
    llm_buf_putc(out, ']');
}

static void put_optional(llm_buf_t *out, const char *name, const char *value)
{
    llm_member_text(out, name, *value ? value : NULL);
}

static void put_names(llm_buf_t *out, const llm_record_t *record)
{
    put_optional(out, "provider", record->provider);
    put_optional(out, "model", record->served);
    put_optional(out, "asked", record->asked);
    put_optional(out, "route", record->route);
    put_optional(out, "dialect", record->client);
    put_optional(out, "op", record->op);
    put_optional(out, "user", record->user);
    put_optional(out, "finish", record->finish);
    put_optional(out, "team", record->team);
    put_optional(out, "tags", record->tags);
    put_optional(out, "tier", record->tier);
    put_optional(out, "variant", record->variant);
    put_optional(out, "problem", record->problem);
}

/* What was in force, and what came of it. */
static void put_policies(llm_buf_t *out, const llm_record_t *record,
                         apr_pool_t *pool)
{
    static const char *const caches[] = {
        [LLM_CACHE_NONE] = "",
        [LLM_CACHE_MISS] = "miss",
        [LLM_CACHE_BYPASS] = "bypass",
        [LLM_CACHE_HIT] = "hit",
    };

    put_optional(out, "cache",
                 record->cache <= LLM_CACHE_HIT ? caches[record->cache] : "");
    put_optional(out, "on_client_abort",
                 llm_abort_print((llm_on_abort_e)record->on_abort,
                                 record->drain_s, pool));
}

/* A class that nobody counted is null, not zero. */
static void put_counts(llm_buf_t *out, const llm_record_t *record)
{
    int i;

    for (i = 0; i < LLM_CLASSES; ++i) {
        const char *name = llm_class_name((llm_class_e)i);

        if (record->usage.n[i]
            || llm_usage_is_known(&record->usage, (llm_class_e)i)) {
            llm_member_number(out, name, (apr_uint64_t)record->usage.n[i]);
        }
        else {
            llm_member_text(out, name, NULL);
        }
    }
    if (record->cost == LLM_MONEY_UNKNOWN) {
        llm_member_text(out, "cost", NULL);
    }
    else {
        llm_member_number(out, "cost", (apr_uint64_t)record->cost);
    }
}

static apr_status_t say_event(llm_task_t *task, const llm_record_t *record)
{
    char id[LLM_RECORD_ID_TEXT];

    llm_record_id_print(id, record->id);
    llm_task_begin(task, "row");
    llm_member_time(task->out, "time", record->began, task->row_pool);
    llm_member_number(task->out, "time_us", (apr_uint64_t)record->began);
    llm_member_text(task->out, "request_id", id);
    llm_member_text(task->out, "key",
                    llm_keyring_name(task->store->keyring, record->key));
    llm_member_number(task->out, "key_id", record->key);
    llm_member_number(task->out, "status", record->status);
    llm_member_number(task->out, "attempts", record->attempts);
    put_names(task->out, record);
    put_counts(task->out, record);
    put_flags(task->out, record->flags);
    put_policies(task->out, record, task->row_pool);
    llm_member_number(task->out, "latency_ms", record->latency_ms);
    llm_member_number(task->out, "first_ms", record->first_ms);
    llm_member_number(task->out, "bytes_in", record->bytes_in);
    llm_member_number(task->out, "bytes_out", record->bytes_out);
    if (record->price_day) {
        llm_member_text(task->out, "price_day",
                        llm_day_print(record->price_day, task->row_pool));
    }
    else {
        llm_member_text(task->out, "price_day", NULL);
    }
    return llm_task_end(task);
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
    if (!is_wanted(events, &record)) {
        return 0;
    }
    events->count += 1;
    if (events->limit) {
        APR_ARRAY_PUSH(events->latest, llm_record_t) = record;
        return events->latest->nelts == events->limit;
    }
    events->status = say_event(events->task, &record);
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
        status = read_days(&events);
    }
    for (i = events.latest ? events.latest->nelts : 0;
         status == APR_SUCCESS && i; --i) {
        status =
            say_event(task, &APR_ARRAY_IDX(events.latest, i - 1, llm_record_t));
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
    .members = (const char *const[]){"since", "until", "key", "limit", NULL},
    .is_slow = 1,
    .read = run,
};
