/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands on what providers keep for clients: files, batches, responses.
 *
 * All keys of the gateway share a provider's account, so that the provider
 * cannot tell whose a file is. This table can: a row for each id that a
 * provider gave, with the key whose request made it. It is written before the
 * client learns the id, and who has no row has no access.
 *
 * A row is id, 0, provider -> version u8, flags u8, key id u32, made i64. The
 * first who made it keeps it.
 */
#include "store/task.h"

#include "store/bytes.h"
#include "store/object.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define OBJECT_VERSION 1
#define OBJECT_BYTES   14
#define OBJECT_BILLED  1 /* what it used is in the ledger */
#define ID_MAX         200
#define PROVIDER_MAX   40
#define IDS_MAX        1000

typedef struct object_t {
    unsigned flags;
    apr_uint32_t key;
    apr_time_t made;
} object_t;

/* -------------------------------------------------------------------- row */

static int read_row(object_t *object, const unsigned char *bytes,
                    apr_size_t len)
{
    if (len != OBJECT_BYTES || bytes[0] != OBJECT_VERSION) {
        return 0;
    }
    object->flags = bytes[1];
    object->key = (apr_uint32_t)llm_le_get(bytes + 2, 4);
    object->made = (apr_time_t)llm_le_get(bytes + 6, 8);
    return 1;
}

apr_time_t llm_object_made(llm_datum_t row)
{
    object_t object;

    return read_row(&object, row.data, row.len) ? object.made : APR_INT64_MAX;
}

static llm_datum_t name_of(const char *id, const char *provider,
                           apr_pool_t *pool)
{
    apr_size_t len = strlen(id) + 1;
    char *name = apr_palloc(pool, len + strlen(provider));

    memcpy(name, id, len);
    memcpy(name + len, provider, strlen(provider));
    return (llm_datum_t){name, len + strlen(provider)};
}

static apr_status_t put_row(llm_task_t *task, llm_txn_t *txn, llm_datum_t name,
                            const object_t *object, int how)
{
    unsigned char bytes[OBJECT_BYTES];

    bytes[0] = OBJECT_VERSION;
    bytes[1] = (unsigned char)object->flags;
    llm_le_put(bytes + 2, object->key, 4);
    llm_le_put(bytes + 6, (apr_uint64_t)object->made, 8);
    return llm_table_put(task->store->tables.objects, txn, name,
                         LLM_DATUM(bytes), how);
}

/* ------------------------------------------------------------------ asked */

static int is_id(llm_bytes_t id)
{
    apr_size_t i = 0;

    while (i < id.len
           && (apr_isalnum(id.data[i])
               || (id.data[i] && strchr("_-.:", id.data[i])))) {
        ++i;
    }
    return i == id.len && id.len && id.len <= ID_MAX;
}

static apr_status_t ask_provider(const char **pprovider, llm_task_t *task)
{
    apr_status_t status =
        llm_task_string(pprovider, task, "provider", PROVIDER_MAX);

    return status == APR_SUCCESS && (!*pprovider || !**pprovider)
               ? llm_task_refuse(task, "usage", "provider: missing")
               : status;
}

/* The ids of the request, of const char *. */
static apr_status_t ask_ids(apr_array_header_t **pids, llm_task_t *task)
{
    const llm_json_t *list = llm_json_get(task->request, "ids"), *node;

    *pids = apr_array_make(task->pool, 4, sizeof(const char *));
    if (!llm_json_is(list, LLM_JSON_ARRAY) || list->count > IDS_MAX) {
        return llm_task_refuse(task, "usage",
                               "ids: expected an array of at most %d", IDS_MAX);
    }
    for (node = list->child; node; node = node->next) {
        llm_bytes_t id = llm_text_decode(llm_json_text(node), task->pool);

        if (!llm_json_is(node, LLM_JSON_STRING) || !is_id(id)) {
            return llm_task_refuse(task, "usage",
                                   "ids: expected 1 to %d letters, digits and "
                                   "_-.: each",
                                   ID_MAX);
        }
        APR_ARRAY_PUSH(*pids, const char *) =
            apr_pstrmemdup(task->pool, id.data, id.len);
    }
    return APR_SUCCESS;
}

/* ------------------------------------------------------------------- edits */

/* What an edit does with one row. */
typedef apr_status_t edit_fn(llm_task_t *task, llm_txn_t *txn, llm_datum_t name,
                             const object_t *object);

static apr_status_t edit_each(llm_task_t *task, llm_txn_t *txn,
                              llm_edit_t *edit, const object_t *object,
                              edit_fn *each)
{
    apr_array_header_t *ids;
    const char *provider;
    apr_status_t status = ask_provider(&provider, task);
    int i;

    /* clients make these, not administrators: the audit is not about them */
    edit->is_noted = 1;
    if (status == APR_SUCCESS) {
        status = ask_ids(&ids, task);
    }
    for (i = 0; status == APR_SUCCESS && i < ids->nelts; ++i) {
        status = each(
            task, txn,
            name_of(APR_ARRAY_IDX(ids, i, const char *), provider, edit->pool),
            object);
    }
    return status;
}

static apr_status_t claim_one(llm_task_t *task, llm_txn_t *txn,
                              llm_datum_t name, const object_t *object)
{
    apr_status_t status = put_row(task, txn, name, object, LLM_PUT_NEW);

    return status == APR_EEXIST ? APR_SUCCESS : status;
}

static apr_status_t claim(llm_task_t *task, llm_txn_t *txn, llm_edit_t *edit)
{
    object_t object = {.made = task->now};
    apr_int64_t key = 0;
    apr_status_t status =
        llm_task_number(&key, task, "key_id", 0, APR_UINT32_MAX);

    object.key = (apr_uint32_t)key;
    return status == APR_SUCCESS
               ? edit_each(task, txn, edit, &object, claim_one)
               : status;
}

const llm_command_t llm_command_object_claim = {
    .op = "object.claim",
    .members = (const char *const[]){"provider", "ids", "key_id", NULL},
    .edit = claim,
};

static apr_status_t forget_one(llm_task_t *task, llm_txn_t *txn,
                               llm_datum_t name, const object_t *object)
{
    apr_status_t status =
        llm_table_delete(task->store->tables.objects, txn, name);

    (void)object;
    return status == APR_NOTFOUND ? APR_SUCCESS : status;
}

static apr_status_t forget(llm_task_t *task, llm_txn_t *txn, llm_edit_t *edit)
{
    return edit_each(task, txn, edit, NULL, forget_one);
}

const llm_command_t llm_command_object_forget = {
    .op = "object.forget",
    .members = (const char *const[]){"provider", "ids", NULL},
    .edit = forget,
};

static apr_status_t bill_one(llm_task_t *task, llm_txn_t *txn, llm_datum_t name,
                             const object_t *none)
{
    unsigned char bytes[OBJECT_BYTES];
    object_t object;
    apr_size_t len;
    apr_status_t status = llm_table_get(task->store->tables.objects, txn, name,
                                        bytes, sizeof(bytes), &len);

    (void)none;
    if (status != APR_SUCCESS) {
        return status == APR_NOTFOUND ? APR_SUCCESS : status;
    }
    if (!read_row(&object, bytes, len)) {
        return APR_EINVAL;
    }
    object.flags |= OBJECT_BILLED;
    return put_row(task, txn, name, &object, LLM_PUT_OVER);
}

static apr_status_t bill(llm_task_t *task, llm_txn_t *txn, llm_edit_t *edit)
{
    return edit_each(task, txn, edit, NULL, bill_one);
}

const llm_command_t llm_command_object_bill = {
    .op = "object.bill",
    .members = (const char *const[]){"provider", "ids", NULL},
    .edit = bill,
};

/* ----------------------------------------------------------------- owners */

typedef struct owners_t {
    llm_task_t *task;
    const char *id;
    apr_status_t status;
    apr_uint64_t count;
} owners_t;

static int tell_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    owners_t *owners = baton;
    llm_task_t *task = owners->task;
    apr_size_t len = strlen(owners->id) + 1;
    object_t object;

    if (key.len < len || memcmp(key.data, owners->id, len) != 0) {
        return 1;
    }
    if (!read_row(&object, value.data, value.len)) {
        owners->status = APR_EINVAL;
        return 1;
    }
    llm_task_begin(task, "row");
    llm_member_text(task->out, "id", owners->id);
    llm_member_text(task->out, "provider",
                    apr_pstrmemdup(task->row_pool, (const char *)key.data + len,
                                   key.len - len));
    llm_member_number(task->out, "key_id", object.key);
    llm_member_text(task->out, "team",
                    llm_keyring_team(task->store->keyring, object.key));
    llm_member_time(task->out, "made", object.made, task->row_pool);
    llm_member_flag(task->out, "billed", (object.flags & OBJECT_BILLED) != 0);
    owners->status = llm_task_end(task);
    owners->count += 1;
    return owners->status != APR_SUCCESS;
}

static apr_status_t tell_owners(llm_task_t *task)
{
    owners_t owners = {.task = task};
    apr_array_header_t *ids;
    apr_status_t status = ask_ids(&ids, task);
    int i;

    for (i = 0; status == APR_SUCCESS && i < ids->nelts; ++i) {
        owners.id = APR_ARRAY_IDX(ids, i, const char *);
        status = llm_table_scan(task->store->tables.objects,
                                (llm_datum_t){owners.id, strlen(owners.id) + 1},
                                tell_row, &owners);
        status = status == APR_SUCCESS ? owners.status : status;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "objects", owners.count);
    return llm_task_end(task);
}

const llm_command_t llm_command_object_owner = {
    .op = "object.owner",
    .members = (const char *const[]){"ids", NULL},
    .read = tell_owners,
};
