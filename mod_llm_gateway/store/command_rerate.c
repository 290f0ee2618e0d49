/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "rerate": usage records of one day cost something else.
 *
 * A caller who prices what was used by another list sends a few hundred
 * changes at a time, each with the cost that the record has: where it has
 * another one by now, nothing is done to it. So what was sent twice, or begun
 * and broken off, is never applied twice.
 *
 * A run is many such edits. They share one audit row, which says what was
 * asked for and how far it came.
 */
#include "store/done.h"
#include "store/task.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_price.h"
#include "core/llm_time.h"
#include "store/bytes.h"

#define OP          "rerate"
#define CHANGES_MAX 500
#define ABOUT_MAX   1000 /* bytes */
#define RUN_LONGEST apr_time_from_sec(7 * 86400)
#define TIME_END    APR_INT64_C(253402300800000000) /* of year 9999 */

/* One change as it was asked for. */
typedef struct change_t {
    llm_record_t name;    /* began and id */
    llm_money_t from, to; /* from may be LLM_MONEY_UNKNOWN */
    apr_uint32_t price_day;
    int is_guess; /* by the standard price, for want of the tier's */
} change_t;

typedef struct rerate_t {
    llm_task_t *task;
    llm_audit_id_t run;
    change_t *changes;
    unsigned count;
    llm_record_t *was, *is;
    unsigned changed; /* of these */
    /* records that have this cost already; that have another one; that are
     * not there */
    apr_uint64_t already, other, missing;
    apr_int64_t cost_was, cost; /* of what was changed */
} rerate_t;

/* ----------------------------------------------------------- the request */

static apr_status_t refuse_change(rerate_t *rerate, unsigned i,
                                  const char *wrong)
{
    return llm_task_refuse(rerate->task, "usage", "changes[%u].%s", i, wrong);
}

/* NULL, or what is wrong. */
static const char *read_change(change_t *change, const llm_json_t *node,
                               apr_pool_t *pool)
{
    const llm_json_t *from = llm_json_get(node, "from");
    const char *id = llm_json_string(llm_json_get(node, "id"), pool);
    const char *day = llm_json_string(llm_json_get(node, "price_day"), pool);
    apr_int64_t time;

    if (!id || !llm_record_id_read(change->name.id, id)) {
        return "id: expected a request's, such as req_ and 24 hex digits";
    }
    if (!llm_json_int(llm_json_get(node, "time_us"), &time) || time < 0
        || time >= TIME_END) {
        return "time_us: expected microseconds since 1970";
    }
    change->name.began = time;
    change->from = LLM_MONEY_UNKNOWN;
    if (!from
        || (!llm_json_is(from, LLM_JSON_NULL)
            && (!llm_json_int(from, &change->from) || change->from < 0))) {
        return "from: expected nano-dollars, or null";
    }
    if (!llm_json_int(llm_json_get(node, "to"), &change->to)
        || change->to < 0) {
        return "to: expected nano-dollars";
    }
    if (!llm_price_day_read(&change->price_day, day)) {
        return "price_day: expected a date such as 2026-11-01";
    }
    change->is_guess = llm_json_is_true(llm_json_get(node, "guessed"));
    return NULL;
}

static int is_behind(const change_t *change, const change_t *before)
{
    unsigned char key[LLM_EVENT_KEY], other[LLM_EVENT_KEY];

    llm_codec_write_event_key(key, &change->name);
    llm_codec_write_event_key(other, &before->name);
    return memcmp(key, other, sizeof(key)) > 0;
}

static apr_status_t read_changes(rerate_t *rerate, const llm_json_t *list,
                                 apr_pool_t *pool)
{
    const llm_json_t *node = list->child;
    unsigned i;

    rerate->changes = apr_pcalloc(pool, (list->count + 1) * sizeof(change_t));
    for (i = 0; node; node = node->next, ++i) {
        change_t *change = &rerate->changes[i];
        const char *wrong = read_change(change, node, pool);

        if (wrong) {
            return refuse_change(rerate, i, wrong);
        }
        if (i && !is_behind(change, change - 1)) {
            return refuse_change(rerate, i,
                                 "time_us: expected records in the order of "
                                 "their time and id, each once");
        }
        if (llm_time_day(change->name.began)
            != llm_time_day(rerate->changes->name.began)) {
            return refuse_change(rerate, i,
                                 "time_us: expected records of one day");
        }
    }
    rerate->count = i;
    return APR_SUCCESS;
}

static apr_status_t ask_run(rerate_t *rerate)
{
    llm_task_t *task = rerate->task;
    const llm_json_t *run = llm_json_get(task->request, "run");
    apr_int64_t began, number;

    if (!llm_json_int(llm_json_get(run, "began"), &began)
        || !llm_json_int(llm_json_get(run, "number"), &number) || number < 0
        || number > APR_UINT32_MAX) {
        return llm_task_refuse(task, "usage",
                               "run: expected an object of the numbers began "
                               "and number");
    }
    if (began > task->now || began < task->now - RUN_LONGEST) {
        return llm_task_refuse(task, "usage",
                               "run.began: expected a time within the last 7 "
                               "days");
    }
    rerate->run = (llm_audit_id_t){began, (apr_uint32_t)number};
    return APR_SUCCESS;
}

static apr_status_t ask(rerate_t *rerate, apr_pool_t *pool)
{
    llm_task_t *task = rerate->task;
    const llm_json_t *list = llm_json_get(task->request, "changes");
    apr_status_t status = ask_run(rerate);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!llm_json_is(list, LLM_JSON_ARRAY) || list->count > CHANGES_MAX) {
        return llm_task_refuse(task, "usage",
                               "changes: expected an array of at most %d",
                               CHANGES_MAX);
    }
    return read_changes(rerate, list, pool);
}

/* ------------------------------------------------------------ the records */

static int has_cost(const llm_record_t *record, const llm_record_t *wanted)
{
    return record->cost == wanted->cost && record->flags == wanted->flags;
}

static void set_cost(llm_record_t *record, const change_t *change)
{
    record->cost = change->to;
    record->price_day = change->price_day;
    record->flags &= ~(apr_uint32_t)(LLM_RECORD_UNPRICED | LLM_RECORD_GUESSED);
    record->flags |=
        LLM_RECORD_RERATED | (change->is_guess ? LLM_RECORD_GUESSED : 0u);
}

static void add_costs(rerate_t *rerate, const llm_record_t *was,
                      const llm_record_t *is)
{
    if (was->cost != LLM_MONEY_UNKNOWN && !(was->flags & LLM_RECORD_UNPRICED)) {
        rerate->cost_was = llm_money_add(rerate->cost_was, was->cost);
    }
    rerate->cost = llm_money_add(rerate->cost, is->cost);
}

static apr_status_t take_record(rerate_t *rerate, llm_txn_t *txn,
                                llm_table_t *day, const change_t *change)
{
    llm_record_t *was = &rerate->was[rerate->changed];
    llm_record_t *is = &rerate->is[rerate->changed];
    unsigned char key[LLM_EVENT_KEY], bytes[LLM_JOURNAL_RECORD];
    apr_size_t len;
    apr_status_t status;

    llm_codec_write_event_key(key, &change->name);
    status =
        llm_table_get(day, txn, LLM_DATUM(key), bytes, sizeof(bytes), &len);
    if (status == APR_NOTFOUND) {
        rerate->missing += 1;
        return APR_SUCCESS;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (!llm_codec_read_event(was, key, sizeof(key), bytes, len)) {
        return APR_EINVAL;
    }
    *is = *was;
    set_cost(is, change);
    if (has_cost(was, is)) {
        rerate->already += 1;
    }
    else if (was->cost != change->from) {
        rerate->other += 1;
    }
    else {
        add_costs(rerate, was, is);
        rerate->changed += 1;
    }
    return APR_SUCCESS;
}

static apr_status_t change_day(rerate_t *rerate, llm_txn_t *txn,
                               llm_table_t *day)
{
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = 0; i < rerate->count && status == APR_SUCCESS; ++i) {
        status = take_record(rerate, txn, day, &rerate->changes[i]);
    }
    return status == APR_SUCCESS && rerate->changed
               ? llm_ledger_amend(rerate->task->store->ledger, txn, day,
                                  rerate->was, rerate->is, rerate->changed)
               : status;
}

static apr_status_t change_records(rerate_t *rerate, llm_txn_t *txn,
                                   apr_pool_t *pool)
{
    llm_store_t *store = rerate->task->store;
    llm_table_t *day;
    apr_status_t status;

    if (!rerate->count) {
        return APR_SUCCESS;
    }
    rerate->was = apr_palloc(pool, rerate->count * sizeof(llm_record_t));
    rerate->is = apr_palloc(pool, rerate->count * sizeof(llm_record_t));
    status = llm_events_use(&day, store->events,
                            llm_time_day(rerate->changes->name.began), 0);
    if (status == APR_NOTFOUND) {
        rerate->missing = rerate->count;
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        status = change_day(rerate, txn, day);
        llm_events_done(store->events, day);
    }
    return status;
}

/* ---------------------------------------------------------- the audit row */

static apr_int64_t member_of(const llm_json_t *doc, const char *name)
{
    apr_int64_t number = 0;

    llm_json_int(llm_json_get(doc, name), &number);
    return number;
}

/* What the run did before this edit; NULL: nothing. */
static apr_status_t read_note(const llm_json_t **pnote, rerate_t *rerate,
                              llm_txn_t *txn, apr_pool_t *pool)
{
    const char *text;
    apr_status_t status =
        llm_audit_get(&text, rerate->task->store, txn, &rerate->run, OP, pool);

    *pnote = NULL;
    if (status == APR_EEXIST) {
        return llm_task_refuse(rerate->task, "exists",
                               "run: this one is no rerate");
    }
    if (status != APR_SUCCESS) {
        return status == APR_NOTFOUND ? APR_SUCCESS : status;
    }
    return llm_json_read(pnote, text, strlen(text), NULL, pool) == APR_SUCCESS
               ? APR_SUCCESS
               : APR_EINVAL;
}

static apr_status_t write_note(rerate_t *rerate, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    llm_task_t *task = rerate->task;
    const char *about, *through = NULL;
    const llm_json_t *before;
    llm_buf_t *note = llm_buf_make(0, edit->pool);
    apr_status_t status = llm_task_string(&about, task, "about", ABOUT_MAX);

    if (status == APR_SUCCESS) {
        status = read_note(&before, rerate, txn, edit->pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    through =
        rerate->count
            ? llm_time_print(rerate->changes[rerate->count - 1].name.began,
                             edit->pool)
            : llm_json_string(llm_json_get(before, "through"), edit->pool);
    llm_buf_putc(note, '{');
    llm_member_text(note, "about", about);
    llm_member_number(note, "changed",
                      rerate->changed
                          + (apr_uint64_t)member_of(before, "changed"));
    llm_member_number(note, "cost_was",
                      (apr_uint64_t)llm_money_add(
                          rerate->cost_was, member_of(before, "cost_was")));
    llm_member_number(
        note, "cost",
        (apr_uint64_t)llm_money_add(rerate->cost, member_of(before, "cost")));
    llm_member_text(note, "through", through);
    llm_member_flag(note, "finished",
                    llm_json_is_true(llm_json_get(task->request, "end")));
    llm_buf_putc(note, '}');
    edit->is_noted = 1;
    return llm_audit_put_at(task->store, txn, &rerate->run, task->caller->uid,
                            OP, note->data, note->len);
}

static apr_status_t run(llm_task_t *task, llm_txn_t *txn, llm_edit_t *edit)
{
    rerate_t rerate = {.task = task};
    apr_status_t status = ask(&rerate, edit->pool);

    if (status == APR_SUCCESS) {
        status = change_records(&rerate, txn, edit->pool);
    }
    if (status == APR_SUCCESS) {
        status = write_note(&rerate, txn, edit);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_member_number(edit->done, "changed", rerate.changed);
    llm_member_number(edit->done, "already", rerate.already);
    llm_member_number(edit->done, "other", rerate.other);
    llm_member_number(edit->done, "missing", rerate.missing);
    return APR_SUCCESS;
}

const llm_command_t llm_command_rerate = {
    .op = OP,
    .members = (const char *const[]){"run", "about", "changes", "end", NULL},
    .edit = run,
};
