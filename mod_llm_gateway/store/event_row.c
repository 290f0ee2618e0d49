/* SPDX-License-Identifier: Apache-2.0 */
/* A usage record as the row of an answer: what nobody said is null. */
#include "store/event_row.h"

#include "core/llm_time.h"
#include "store/fields.h"

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
    put_optional(
        out, "cache",
        record->cache == LLM_CACHE_NONE ? "" : llm_cache_name(record->cache));
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

apr_status_t llm_event_say(llm_task_t *task, const llm_record_t *record,
                           apr_uint64_t number)
{
    char id[LLM_RECORD_ID_TEXT];

    llm_record_id_print(id, record->id);
    llm_task_begin(task, "row");
    if (number) {
        llm_member_number(task->out, "number", number);
    }
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
