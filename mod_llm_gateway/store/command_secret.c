/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands on providers' secrets.
 *
 * A row is name -> version, set i64, uid u32, then the sealed secret
 * (core/llm_seal.h). llmgwctl seals and the gateway's parent opens; the store,
 * its socket and its audit know names and the ids of master keys.
 */
#include "store/task.h"

#include "core/llm_key.h"
#include "core/llm_seal.h"
#include "store/bytes.h"

#include <string.h>

#include <apr_strings.h>

#define SECRET_VERSION 1
#define SECRET_HEAD    13
#define SECRETS_MAX    1000
#define SEALED_TEXT    (2 * LLM_SEALED_MAX)

typedef struct secret_t {
    const char *name;
    apr_time_t set;
    apr_uint32_t uid;
    unsigned char sealed[LLM_SEALED_MAX];
    apr_size_t len;
} secret_t;

/* -------------------------------------------------------------------- row */

static int read_row(secret_t *secret, const unsigned char *bytes,
                    apr_size_t len)
{
    if (len < SECRET_HEAD || len > SECRET_HEAD + LLM_SEALED_MAX
        || bytes[0] != SECRET_VERSION) {
        return 0;
    }
    secret->set = (apr_time_t)llm_le_get(bytes + 1, 8);
    secret->uid = (apr_uint32_t)llm_le_get(bytes + 9, 4);
    secret->len = len - SECRET_HEAD;
    memcpy(secret->sealed, bytes + SECRET_HEAD, secret->len);
    return llm_sealed_id(secret->sealed, secret->len) != NULL;
}

static llm_datum_t name_of(const char *name)
{
    return (llm_datum_t){name, strlen(name)};
}

/* APR_NOTFOUND: refused, there is no such secret. */
static apr_status_t get_secret(secret_t *secret, llm_task_t *task,
                               llm_txn_t *txn, const char *name)
{
    unsigned char bytes[SECRET_HEAD + LLM_SEALED_MAX];
    apr_size_t len;
    apr_status_t status =
        llm_table_get(task->store->tables.secrets, txn, name_of(name), bytes,
                      sizeof(bytes), &len);

    memset(secret, 0, sizeof(*secret));
    secret->name = name;
    if (status == APR_NOTFOUND) {
        llm_task_refuse(task, "not_found", "there is no secret '%s'", name);
    }
    return status == APR_SUCCESS && !read_row(secret, bytes, len) ? APR_EINVAL
                                                                  : status;
}

static apr_status_t put_secret(llm_task_t *task, llm_txn_t *txn,
                               const secret_t *secret)
{
    unsigned char bytes[SECRET_HEAD + LLM_SEALED_MAX];

    bytes[0] = SECRET_VERSION;
    llm_le_put(bytes + 1, (apr_uint64_t)secret->set, 8);
    llm_le_put(bytes + 9, secret->uid, 4);
    memcpy(bytes + SECRET_HEAD, secret->sealed, secret->len);
    return llm_table_put(
        task->store->tables.secrets, txn, name_of(secret->name),
        (llm_datum_t){bytes, SECRET_HEAD + secret->len}, LLM_PUT_OVER);
}

/* ------------------------------------------------------------------ asked */

static apr_status_t ask_name(const char **pname, llm_task_t *task)
{
    const char *wrong;
    apr_status_t status = llm_task_string(pname, task, "name", 1000);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!*pname) {
        return llm_task_refuse(task, "usage", "name: missing");
    }
    wrong = llm_key_check_name(*pname);
    return wrong ? llm_task_refuse(task, "usage", "name: %s", wrong)
                 : APR_SUCCESS;
}

static apr_status_t ask_sealed(secret_t *secret, llm_task_t *task,
                               const char *member)
{
    const char *text;
    apr_status_t status = llm_task_string(&text, task, member, SEALED_TEXT);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!text
        || !llm_hex_read(secret->sealed, sizeof(secret->sealed), &secret->len,
                         text, strlen(text))
        || !llm_sealed_id(secret->sealed, secret->len)) {
        return llm_task_refuse(task, "usage",
                               "%s: expected a sealed secret as hex digits",
                               member);
    }
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------- said */

static void put_members(llm_buf_t *out, const secret_t *secret,
                        apr_pool_t *pool)
{
    char master[LLM_MASTER_ID_TEXT];

    llm_master_id_print(master, llm_sealed_id(secret->sealed, secret->len));
    llm_member_text(out, "name", secret->name);
    llm_member_time(out, "set", secret->set, pool);
    llm_member_number(out, "uid", secret->uid);
    llm_member_text(out, "master", master);
}

static void put_object(llm_buf_t *out, const secret_t *secret, apr_pool_t *pool)
{
    llm_member(out, "secret");
    llm_buf_putc(out, '{');
    put_members(out, secret, pool);
    llm_buf_putc(out, '}');
}

/* ------------------------------------------------------------ set and delete */

static int count_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    (void)key;
    (void)value;
    return ++*(unsigned *)baton >= SECRETS_MAX;
}

/* There is room for one of this name. The rows are counted before the edit
 * holds a page of them. */
static apr_status_t check_room(llm_task_t *task, llm_txn_t *txn,
                               const char *name)
{
    secret_t secret;
    unsigned count = 0;
    apr_status_t status = llm_table_scan(task->store->tables.secrets,
                                         LLM_DATUM_NONE, count_row, &count);

    if (status != APR_SUCCESS || count < SECRETS_MAX) {
        return status;
    }
    status = get_secret(&secret, task, txn, name);
    return status == APR_NOTFOUND ? llm_task_refuse(
               task, "refused", "there are %d secrets already", SECRETS_MAX)
                                  : APR_SUCCESS;
}

static apr_status_t set_secret(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    secret_t secret = {.set = task->now, .uid = task->caller->uid};
    apr_status_t status = ask_name(&secret.name, task);

    if (status == APR_SUCCESS) {
        status = ask_sealed(&secret, task, "sealed");
    }
    if (status == APR_SUCCESS) {
        status = check_room(task, txn, secret.name);
    }
    if (status == APR_SUCCESS) {
        status = put_secret(task, txn, &secret);
    }
    if (status == APR_SUCCESS) {
        put_object(edit->done, &secret, task->pool);
    }
    return status;
}

const llm_command_t llm_command_secret_set = {
    .op = "secret.set",
    .members = (const char *const[]){"name", "sealed", NULL},
    .edit = set_secret,
};

/* What it is sealed with changes; who set it and when does not. */
static apr_status_t reseal_secret(llm_task_t *task, llm_txn_t *txn,
                                  llm_edit_t *edit)
{
    secret_t was, stored, sealed;
    const char *name;
    apr_status_t status = ask_name(&name, task);

    if (status == APR_SUCCESS) {
        status = ask_sealed(&was, task, "was");
    }
    if (status == APR_SUCCESS) {
        status = ask_sealed(&sealed, task, "sealed");
    }
    if (status == APR_SUCCESS) {
        status = get_secret(&stored, task, txn, name);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (stored.len != was.len
        || memcmp(stored.sealed, was.sealed, was.len) != 0) {
        return llm_task_refuse(task, "refused",
                               "the secret '%s' was changed meanwhile", name);
    }
    stored.len = sealed.len;
    memcpy(stored.sealed, sealed.sealed, sealed.len);
    status = put_secret(task, txn, &stored);
    if (status == APR_SUCCESS) {
        put_object(edit->done, &stored, task->pool);
    }
    return status;
}

const llm_command_t llm_command_secret_reseal = {
    .op = "secret.reseal",
    .members = (const char *const[]){"name", "was", "sealed", NULL},
    .edit = reseal_secret,
};

static apr_status_t delete_secret(llm_task_t *task, llm_txn_t *txn,
                                  llm_edit_t *edit)
{
    const char *name;
    secret_t secret;
    apr_status_t status = ask_name(&name, task);

    if (status == APR_SUCCESS) {
        status = get_secret(&secret, task, txn, name);
    }
    /* one that cannot be read can be removed */
    if (status == APR_SUCCESS || status == APR_EINVAL) {
        status =
            llm_table_delete(task->store->tables.secrets, txn, name_of(name));
    }
    if (status == APR_SUCCESS) {
        llm_member(edit->done, "secret");
        llm_buf_putc(edit->done, '{');
        llm_member_text(edit->done, "name", name);
        llm_buf_putc(edit->done, '}');
    }
    return status;
}

const llm_command_t llm_command_secret_delete = {
    .op = "secret.delete",
    .members = (const char *const[]){"name", NULL},
    .edit = delete_secret,
};

/* ------------------------------------------------------------- get and list */

static apr_status_t show_secret(llm_task_t *task)
{
    const char *name;
    char *text;
    secret_t secret;
    apr_status_t status = ask_name(&name, task);

    if (status == APR_SUCCESS) {
        status = get_secret(&secret, task, NULL, name);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    text = apr_palloc(task->pool, 2 * secret.len + 1);
    llm_hex_print(text, secret.sealed, secret.len);
    llm_task_begin(task, "done");
    put_object(task->out, &secret, task->row_pool);
    llm_member_text(task->out, "sealed", text);
    return llm_task_end(task);
}

const llm_command_t llm_command_secret_get = {
    .op = "secret.get",
    .members = (const char *const[]){"name", NULL},
    .read = show_secret,
};

typedef struct listing_t {
    llm_task_t *task;
    apr_uint64_t count;
    apr_status_t status;
} listing_t;

static int list_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    listing_t *listing = baton;
    llm_task_t *task = listing->task;
    secret_t secret;

    if (!read_row(&secret, value.data, value.len)) {
        listing->status = APR_EINVAL;
        return 1;
    }
    llm_task_begin(task, "row");
    secret.name = apr_pstrmemdup(task->row_pool, key.data, key.len);
    put_members(task->out, &secret, task->row_pool);
    listing->status = llm_task_end(task);
    listing->count += 1;
    return listing->status != APR_SUCCESS;
}

static apr_status_t list_secrets(llm_task_t *task)
{
    listing_t listing = {.task = task};
    apr_status_t status = llm_table_scan(task->store->tables.secrets,
                                         LLM_DATUM_NONE, list_row, &listing);

    if (status == APR_SUCCESS) {
        status = listing.status;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "secrets", listing.count);
    return llm_task_end(task);
}

const llm_command_t llm_command_secret_list = {
    .op = "secret.list",
    .members = (const char *const[]){NULL},
    .is_slow = 1,
    .read = list_secrets,
};
