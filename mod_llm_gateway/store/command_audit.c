/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "audit": the edits that were made, in the order of time. With a
 * limit the latest ones, found from the end backwards and turned round.
 */
#include "store/task.h"

#include "store/bytes.h"

#include <string.h>

#include <apr_strings.h>

#define LIMIT_MAX     10000
#define AUDIT_VERSION 1
#define AUDIT_KEY     12
#define AUDIT_HEAD    6 /* of a value: version, user, length of op */

typedef struct edit_t {
    apr_time_t when;
    apr_uint32_t uid;
    llm_datum_t op, what;
} edit_t;

typedef struct audit_t {
    llm_task_t *task;
    apr_time_t since, until;
    apr_int64_t limit;          /* 0 none */
    apr_array_header_t *latest; /* of edit_t, with a limit */
    apr_uint64_t count;
    apr_status_t status;
} audit_t;

static int read_edit(edit_t *edit, llm_datum_t key, llm_datum_t value)
{
    const unsigned char *bytes = value.data;
    apr_size_t op;

    if (key.len != AUDIT_KEY || value.len < AUDIT_HEAD
        || bytes[0] != AUDIT_VERSION) {
        return 0;
    }
    op = bytes[5];
    if (value.len < AUDIT_HEAD + op) {
        return 0;
    }
    edit->when = (apr_time_t)llm_be_get(key.data, 8);
    edit->uid = (apr_uint32_t)llm_le_get(bytes + 1, 4);
    edit->op = (llm_datum_t){bytes + AUDIT_HEAD, op};
    edit->what =
        (llm_datum_t){bytes + AUDIT_HEAD + op, value.len - AUDIT_HEAD - op};
    return 1;
}

static apr_status_t say_edit(llm_task_t *task, const edit_t *edit)
{
    llm_task_begin(task, "row");
    llm_member_time(task->out, "time", edit->when, task->row_pool);
    llm_member_number(task->out, "uid", edit->uid);
    llm_member_text(
        task->out, "op",
        apr_pstrmemdup(task->row_pool, edit->op.data, edit->op.len));
    llm_member(task->out, "change");
    llm_buf_append(task->out, edit->what.data, edit->what.len);
    return llm_task_end(task);
}

static void keep_edit(audit_t *audit, const edit_t *edit)
{
    edit_t *kept = apr_array_push(audit->latest);
    apr_pool_t *pool = audit->task->pool;

    *kept = *edit;
    kept->op.data = apr_pmemdup(pool, edit->op.data, edit->op.len);
    kept->what.data = apr_pmemdup(pool, edit->what.data, edit->what.len);
}

/* Non-zero: no more. */
static int take_edit(void *baton, llm_datum_t key, llm_datum_t value)
{
    audit_t *audit = baton;
    edit_t edit;

    if (!read_edit(&edit, key, value)) {
        audit->status = APR_EINVAL;
        return 1;
    }
    if (audit->task->store->is_stopping) {
        audit->status = APR_EINTR;
        return 1;
    }
    if (edit.when < audit->since || edit.when >= audit->until) {
        return 1; /* in this direction no other can be */
    }
    audit->count += 1;
    if (audit->limit) {
        keep_edit(audit, &edit);
        return audit->latest->nelts == audit->limit;
    }
    audit->status = say_edit(audit->task, &edit);
    return audit->status != APR_SUCCESS;
}

static apr_status_t ask_audit(audit_t *audit)
{
    llm_task_t *task = audit->task;
    apr_status_t status = llm_task_time(&audit->since, task, "since");

    if (status == APR_SUCCESS) {
        status = llm_task_time(&audit->until, task, "until");
    }
    if (status == APR_SUCCESS) {
        status = llm_task_number(&audit->limit, task, "limit", 1, LIMIT_MAX);
    }
    if (!audit->until) {
        audit->until = APR_INT64_MAX;
    }
    return status;
}

static apr_status_t read_edits(audit_t *audit)
{
    llm_table_t *table = audit->task->store->tables.audit;
    unsigned char edge[8];
    apr_status_t status;

    llm_be_put(edge, (apr_uint64_t)(audit->limit ? audit->until : audit->since),
               sizeof(edge));
    status = audit->limit
                 ? llm_table_scan_back(table, LLM_DATUM(edge), take_edit, audit)
                 : llm_table_scan(table, LLM_DATUM(edge), take_edit, audit);
    return status == APR_SUCCESS ? audit->status : status;
}

static apr_status_t run(llm_task_t *task)
{
    audit_t audit = {.task = task};
    apr_status_t status = ask_audit(&audit);
    int i;

    audit.latest = apr_array_make(task->pool, 16, sizeof(edit_t));
    if (status == APR_SUCCESS) {
        status = read_edits(&audit);
    }
    for (i = audit.latest->nelts; status == APR_SUCCESS && i; --i) {
        status = say_edit(task, &APR_ARRAY_IDX(audit.latest, i - 1, edit_t));
    }
    if (status == APR_SUCCESS) {
        llm_task_begin(task, "done");
        llm_member_number(task->out, "edits", audit.count);
        status = llm_task_end(task);
    }
    return status;
}

const llm_command_t llm_command_audit = {
    .op = "audit",
    .members = (const char *const[]){"since", "until", "limit", NULL},
    .is_slow = 1,
    .read = run,
};
