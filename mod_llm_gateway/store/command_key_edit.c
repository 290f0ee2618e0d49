/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing client keys.
 *
 * A key that is rotated gets another secret; the one it had stays valid for
 * the time of grace, so that a fleet of clients can be changed one by one.
 * Should the answer get lost with the new secret, the key is rotated once
 * more: what the clients hold is not touched by that either.
 */
#include "store/command_key.h"

#include "core/llm_time.h"

#include <string.h>

#include <apr_strings.h>

#define GRACE_DEFAULT apr_time_from_sec(24 * 3600)
#define GRACE_MAX     (366 * apr_time_from_sec(24 * 3600))

/* What a command does to a key. */
typedef apr_status_t alter_t(llm_key_t *key, llm_task_t *task,
                             llm_edit_t *edit);

static int is_unchanged(const llm_key_change_t *change)
{
    return !memcmp(&change->was, &change->key, sizeof(change->key));
}

static apr_status_t change_key(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit, alter_t *alter)
{
    llm_key_change_t *change = llm_edit_change(edit);
    llm_key_t *key = &change->key;
    apr_status_t status = llm_key_ask(&change->was, task, txn);

    if (status != APR_SUCCESS) {
        return status;
    }
    memcpy(key, &change->was, sizeof(*key));
    status = alter(key, task, edit);
    if (status == APR_SUCCESS && strcmp(key->team, change->was.team)) {
        status = llm_team_ensure(task, txn, key->team);
    }
    if (status == APR_SUCCESS && !is_unchanged(change)) {
        status =
            llm_keyring_change(task->store->keyring, txn, &change->was, key);
    }
    if (status == APR_EEXIST) {
        return llm_task_refuse(task, "exists", "there is a key '%s' already",
                               key->name);
    }
    if (status == APR_SUCCESS) {
        llm_key_put(edit->done, key, task->now, task->pool);
    }
    return status;
}

/* A revoked key is not to come back by another way. */
static apr_status_t check_alive(const llm_key_t *key, llm_task_t *task)
{
    return key->revoked ? llm_task_refuse(task, "refused",
                                          "the key '%s' is revoked, which "
                                          "cannot be undone",
                                          key->name)
                        : APR_SUCCESS;
}

static const char *const which_key[] = {"name", "key_id", NULL};

/* ----------------------------------------------------------------- update */

static apr_status_t alter_members(llm_key_t *key, llm_task_t *task,
                                  llm_edit_t *edit)
{
    static const char *const members[] = {
        "new_name",        "team",  "note", "models", "expires",
        "on_client_abort", "budget"};
    apr_size_t i, count = sizeof(members) / sizeof(members[0]);
    apr_status_t status;

    (void)edit;
    for (i = 0; i < count && !llm_json_want(task->request, members[i]); ++i) {
    }
    if (i == count) {
        return llm_task_refuse(task, "usage",
                               "expected new_name, team, note, models, "
                               "expires, on_client_abort or budget");
    }
    status = llm_key_ask_name(key, task, "new_name");
    return status == APR_SUCCESS ? llm_key_ask_members(key, task) : status;
}

static apr_status_t update_key(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    return change_key(task, txn, edit, alter_members);
}

const llm_command_t llm_command_key_update = {
    .op = "key.update",
    .members = (const char *const[]){"name", "key_id", "new_name", "team",
                                     "note", "models", "expires",
                                     "on_client_abort", "budget", NULL},
    .edit = update_key,
};

/* ------------------------------------------------------ disable and enable */

static apr_status_t set_disabled(llm_key_t *key, llm_task_t *task,
                                 llm_edit_t *edit)
{
    (void)edit;
    key->flags |= LLM_KEY_DISABLED;
    return check_alive(key, task);
}

static apr_status_t clear_disabled(llm_key_t *key, llm_task_t *task,
                                   llm_edit_t *edit)
{
    (void)edit;
    key->flags &= ~(apr_uint32_t)LLM_KEY_DISABLED;
    return check_alive(key, task);
}

static apr_status_t disable_key(llm_task_t *task, llm_txn_t *txn,
                                llm_edit_t *edit)
{
    return change_key(task, txn, edit, set_disabled);
}

static apr_status_t enable_key(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    return change_key(task, txn, edit, clear_disabled);
}

const llm_command_t llm_command_key_disable = {
    .op = "key.disable",
    .members = which_key,
    .edit = disable_key,
};

const llm_command_t llm_command_key_enable = {
    .op = "key.enable",
    .members = which_key,
    .edit = enable_key,
};

/* ----------------------------------------------------------------- rotate */

static apr_status_t ask_grace(apr_interval_time_t *pgrace, llm_task_t *task)
{
    const char *text, *wrong;
    apr_status_t status = llm_task_string(&text, task, "grace", 64);

    *pgrace = GRACE_DEFAULT;
    if (status != APR_SUCCESS || !text) {
        return status;
    }
    wrong = llm_duration_read(pgrace, text);
    if (!wrong && *pgrace > GRACE_MAX) {
        wrong = "expected at most 366d";
    }
    return wrong ? llm_task_refuse(task, "usage", "grace: %s, not '%s'", wrong,
                                   text)
                 : APR_SUCCESS;
}

/* Those that ended already make room. */
static void forget_ended(llm_key_t *key, apr_time_t now)
{
    unsigned i, kept = 0;

    for (i = 0; i < key->formers; ++i) {
        if (key->former[i].until > now) {
            key->former[kept++] = key->former[i];
        }
    }
    memset(&key->former[kept], 0,
           (LLM_FORMERS - kept) * sizeof(key->former[0]));
    key->formers = kept;
}

/* Without grace nothing stays valid but the new secret: also what an earlier
 * rotation left. */
static apr_status_t keep_former(llm_key_t *key, llm_task_t *task,
                                apr_interval_time_t grace)
{
    llm_former_t *former;

    forget_ended(key, grace ? task->now : APR_INT64_MAX);
    if (!grace) {
        return APR_SUCCESS;
    }
    if (key->formers == LLM_FORMERS) {
        return llm_task_refuse(task, "refused",
                               "the key '%s' has %d former secrets that are "
                               "still valid: wait for one to end, or rotate "
                               "with a grace of 0 to end them",
                               key->name, LLM_FORMERS);
    }
    former = &key->former[key->formers++];
    memcpy(former->hash, key->hash, sizeof(former->hash));
    former->until = task->now + grace;
    return APR_SUCCESS;
}

static apr_status_t alter_secret(llm_key_t *key, llm_task_t *task,
                                 llm_edit_t *edit)
{
    apr_interval_time_t grace;
    apr_status_t status = check_alive(key, task);

    if (status == APR_SUCCESS) {
        status = ask_grace(&grace, task);
    }
    if (status == APR_SUCCESS) {
        status = keep_former(key, task, grace);
    }
    return status == APR_SUCCESS ? llm_key_make_secret(key, task, edit)
                                 : status;
}

static apr_status_t rotate_key(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    return change_key(task, txn, edit, alter_secret);
}

const llm_command_t llm_command_key_rotate = {
    .op = "key.rotate",
    .members = (const char *const[]){"name", "key_id", "grace", NULL},
    .edit = rotate_key,
};

/* ------------------------------------------------------ revoke and delete */

/* One that is revoked already keeps its time. */
static apr_status_t set_revoked(llm_key_t *key, llm_task_t *task,
                                llm_edit_t *edit)
{
    (void)edit;
    key->revoked = key->revoked ? key->revoked : task->now;
    return APR_SUCCESS;
}

static apr_status_t set_deleted(llm_key_t *key, llm_task_t *task,
                                llm_edit_t *edit)
{
    (void)task;
    (void)edit;
    key->flags |= LLM_KEY_DELETED;
    return APR_SUCCESS;
}

static apr_status_t revoke_key(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    return change_key(task, txn, edit, set_revoked);
}

static apr_status_t delete_key(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    return change_key(task, txn, edit, set_deleted);
}

const llm_command_t llm_command_key_revoke = {
    .op = "key.revoke",
    .members = which_key,
    .edit = revoke_key,
};

const llm_command_t llm_command_key_delete = {
    .op = "key.delete",
    .members = which_key,
    .edit = delete_key,
};
