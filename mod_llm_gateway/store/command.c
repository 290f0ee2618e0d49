/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a request: find its command, check its members, run it, and end the
 * answer with one result or one error.
 *
 * An edit, its audit row and its answer are one transaction. Only after the
 * commit the snapshot follows, and only then the caller is told: what he has
 * been told is in force.
 */
#include "store/task.h"

#include "store/done.h"
#include "store/prices.h"

#include <string.h>

#include <apr_strings.h>

#define LINE_BYTES (64u << 10)
#define EDIT_TRIES 100

static const llm_command_t *const commands[] = {
#define COMMAND(name) &llm_command_##name,
#include "store/commands.def"
#undef COMMAND
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const llm_command_t *llm_command_find(const llm_json_t *request)
{
    const llm_json_t *op = llm_json_get(request, "op");
    apr_size_t i;

    for (i = 0; i < COMMANDS; ++i) {
        if (llm_json_equals(op, commands[i]->op)) {
            return commands[i];
        }
    }
    return NULL;
}

static int is_known(const llm_command_t *command, const llm_json_t *member)
{
    const char *const *name = command->members;

    if (llm_text_equals(member->name, "op")
        || llm_text_equals(member->name, "id")
        || llm_text_equals(member->name, "progress")) {
        return 1;
    }
    while (*name && !llm_text_equals(member->name, *name)) {
        ++name;
    }
    return *name != NULL;
}

/* A member that is not understood is refused: an option that was misspelt
 * must not change what is done. */
static apr_status_t check_members(llm_task_t *task,
                                  const llm_command_t *command)
{
    const llm_json_t *member;

    for (member = task->request->child; member; member = member->next) {
        if (!is_known(command, member)) {
            return llm_task_refuse(
                task, "usage", "%s: unknown member '%.*s'", command->op,
                llm_task_shown(member->name.len), member->name.data);
        }
    }
    return APR_SUCCESS;
}

/* An edit on its way. */
typedef struct making_t {
    const llm_command_t *command;
    const char *id;             /* the caller's, or NULL */
    llm_key_hash_t fingerprint; /* of the request */
    const char *repeated;       /* the first answer, when it was made before */
    apr_pool_t *pool;           /* of one attempt */
    llm_edit_t edit;
} making_t;

static apr_status_t find_repeated(llm_task_t *task, llm_txn_t *txn,
                                  making_t *making)
{
    apr_status_t status;

    if (!making->id) {
        return APR_NOTFOUND;
    }
    status = llm_done_find(&making->repeated, task->store, txn, making->id,
                           &making->fingerprint, task->pool);
    return status == APR_EEXIST
               ? llm_task_refuse(task, "usage",
                                 "id: '%s' was used for another request",
                                 making->id)
               : status;
}

/* The members as an object of `ending`: what is kept of an edit. */
static llm_buf_t *done_as(const making_t *making, const char *begin,
                          const char *end)
{
    llm_buf_t *text = llm_buf_make(LLM_DONE_ANSWER_MAX, making->pool);

    llm_buf_puts(text, begin);
    llm_buf_append(text, making->edit.done->data, making->edit.done->len);
    llm_buf_puts(text, end);
    return text;
}

static apr_status_t write_traces(llm_task_t *task, llm_txn_t *txn,
                                 const making_t *making)
{
    llm_buf_t *text = done_as(making, "{", "}");
    apr_status_t status = APR_SUCCESS;

    if (!making->edit.is_noted) {
        status = llm_audit_put(task->store, txn, task->now, task->caller->uid,
                               making->command->op, text->data, text->len);
    }
    if (status == APR_SUCCESS && making->id) {
        text = done_as(making, "{\"done\":{", ",\"repeated\":true}}");
        status =
            llm_done_put(task->store, txn, making->id, &making->fingerprint,
                         task->now, text->data, text->len);
    }
    return status;
}

static apr_status_t edit_in(llm_task_t *task, llm_txn_t *txn, making_t *making)
{
    apr_status_t status = find_repeated(task, txn, making);

    if (status != APR_NOTFOUND) {
        return status;
    }
    memset(&making->edit, 0, sizeof(making->edit));
    making->edit.done = llm_buf_make(LLM_DONE_ANSWER_MAX, making->pool);
    making->edit.pool = making->pool;
    making->edit.changes =
        apr_array_make(making->pool, 1, sizeof(llm_key_change_t *));
    status = making->command->edit(task, txn, &making->edit);
    return status == APR_SUCCESS ? write_traces(task, txn, making) : status;
}

static apr_status_t edit_once(llm_task_t *task, making_t *making)
{
    llm_txn_t *txn;
    apr_status_t status = llm_txn_begin(&txn, task->store->bdb);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = edit_in(task, txn, making);
    if (status == APR_SUCCESS && !making->repeated) {
        status = llm_txn_commit(txn);
        llm_dict_settle(task->store->dict, status == APR_SUCCESS);
        return status;
    }
    llm_txn_abort(txn);
    llm_dict_settle(task->store->dict, 0);
    return status;
}

static apr_status_t send_result(llm_task_t *task, const making_t *making)
{
    if (making->repeated) {
        task->is_stopped =
            task->line(task->baton, making->repeated, strlen(making->repeated));
        return APR_SUCCESS;
    }
    llm_task_begin(task, "done");
    llm_buf_append(task->out, making->edit.done->data, making->edit.done->len);
    if (making->edit.secret) {
        llm_member_text(task->out, "secret", making->edit.secret);
    }
    return llm_task_end(task);
}

/* What was told is in force. */
static apr_status_t publish(llm_task_t *task, const llm_edit_t *edit)
{
    llm_store_t *store = task->store;
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < edit->changes->nelts; ++i) {
        const llm_key_change_t *change =
            APR_ARRAY_IDX(edit->changes, i, llm_key_change_t *);

        llm_keyring_publish(store->keyring,
                            change->is_new ? NULL : &change->was, &change->key);
    }
    if (edit->prices) {
        status = llm_prices_publish(store, task->pool);
    }
    return status == APR_SUCCESS
               ? status
               : llm_task_refuse(
                   task, "internal",
                   "the prices are stored, but the gateway's "
                   "processes cannot be told: " LLM_PRICES_PUBLISHED
                   " cannot be written; it is tried again");
}

static apr_status_t run_edit(llm_task_t *task, const llm_command_t *command)
{
    making_t making = {.command = command};
    apr_status_t status =
        llm_task_string(&making.id, task, "id", LLM_DONE_ID_MAX);
    int tries = 0;

    if (status != APR_SUCCESS) {
        return status;
    }
    if (making.id && !*making.id) {
        return llm_task_refuse(task, "usage", "id: must not be empty");
    }
    llm_key_digest(&making.fingerprint, task->request->raw.data,
                   task->request->raw.len);
    apr_pool_create(&making.pool, task->pool);
    do {
        apr_pool_clear(making.pool);
        apr_thread_mutex_lock(task->store->writing);
        status = edit_once(task, &making);
        apr_thread_mutex_unlock(task->store->writing);
    } while (status == APR_EAGAIN && ++tries < EDIT_TRIES);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (!making.repeated) {
        status = publish(task, &making.edit);
    }
    return status == APR_SUCCESS ? send_result(task, &making) : status;
}

static const char *phrase_of(apr_status_t status, apr_pool_t *pool)
{
    char text[200];

    return apr_psprintf(pool, "the store failed: %s",
                        apr_strerror(status, text, sizeof(text)));
}

/* What went wrong when the command did not say. */
static void name_failure(llm_task_t *task, apr_status_t status)
{
    if (task->code) {
        return;
    }
    if (APR_STATUS_IS_ENOSPC(status)) {
        llm_task_refuse(task, "full",
                        "there is no space left on the store's disk");
    }
    else if (status == APR_EINVAL) {
        llm_task_refuse(task, "damaged",
                        "the store holds a row that cannot be "
                        "read");
    }
    else {
        llm_task_refuse(task, "internal", "%s", phrase_of(status, task->pool));
    }
    llm_store_note(task->store, status, "a command failed");
}

static apr_status_t run_task(llm_task_t *task)
{
    const llm_command_t *command;
    apr_status_t status;

    if (!llm_json_is(task->request, LLM_JSON_OBJECT)) {
        return llm_task_refuse(task, "usage", "expected a JSON object");
    }
    command = llm_command_find(task->request);
    if (!command) {
        const llm_json_t *op = llm_json_get(task->request, "op");

        return llm_task_refuse(task, "usage", "op: there is no command %.*s",
                               op ? llm_task_shown(op->raw.len) : 0,
                               op ? op->raw.data : "");
    }
    status = check_members(task, command);
    if (status != APR_SUCCESS) {
        return status;
    }
    return command->edit ? run_edit(task, command) : command->read(task);
}

void llm_command_run(llm_store_t *store, const llm_caller_t *caller,
                     const llm_json_t *request, llm_line_cb *line, void *baton,
                     apr_pool_t *pool)
{
    llm_task_t task = {.store = store,
                       .caller = caller,
                       .request = request,
                       .now = apr_time_now(),
                       .pool = pool,
                       .line = line,
                       .baton = baton};
    apr_status_t status;

    task.out = llm_buf_make(LINE_BYTES, pool);
    apr_pool_create(&task.row_pool, pool);
    status = run_task(&task);
    /* An owner that leaves hangs up: the caller asks the next one. */
    if (status != APR_SUCCESS && !task.is_stopped && !store->is_stopping) {
        name_failure(&task, status);
        llm_task_begin(&task, "error");
        llm_member_text(task.out, "code", task.code);
        llm_member_text(task.out, "message", task.message);
        llm_task_end(&task);
    }
}
