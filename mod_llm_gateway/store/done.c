/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of made edits:
 *   done   id -> version, time i64, SHA-256 of the request, answer
 *   audit  time u64 and sequence u32, big-endian
 *          -> version, uid u32, length of op u8, op, what
 */
#include "store/done.h"

#include "store/bytes.h"

#include <string.h>

#include <apr_strings.h>

#define DONE_VERSION   1
#define DONE_HEAD      (1 + 8 + LLM_KEY_HASH)
#define AUDIT_VERSION  1
#define AUDIT_KEY      12
#define AUDIT_HEAD     6    /* of a value: version, user, length of op */
#define EXPIRE_AT_ONCE 1000 /* rows in a transaction */

static llm_datum_t id_of(const char *id)
{
    return (llm_datum_t){id, strlen(id)};
}

apr_status_t llm_done_find(const char **panswer, llm_store_t *store,
                           llm_txn_t *txn, const char *id,
                           const llm_key_hash_t *request, apr_pool_t *pool)
{
    unsigned char bytes[DONE_HEAD + LLM_DONE_ANSWER_MAX];
    apr_size_t len;
    apr_status_t status = llm_table_get(store->tables.done, txn, id_of(id),
                                        bytes, sizeof(bytes), &len);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (len < DONE_HEAD || bytes[0] != DONE_VERSION) {
        return APR_EINVAL;
    }
    if (memcmp(bytes + 9, request->bytes, LLM_KEY_HASH) != 0) {
        return APR_EEXIST;
    }
    *panswer =
        apr_pstrmemdup(pool, (const char *)bytes + DONE_HEAD, len - DONE_HEAD);
    return APR_SUCCESS;
}

apr_status_t llm_done_put(llm_store_t *store, llm_txn_t *txn, const char *id,
                          const llm_key_hash_t *request, apr_time_t now,
                          const char *answer, apr_size_t len)
{
    unsigned char bytes[DONE_HEAD + LLM_DONE_ANSWER_MAX];

    if (len > LLM_DONE_ANSWER_MAX) {
        return APR_EINVAL;
    }
    bytes[0] = DONE_VERSION;
    llm_le_put(bytes + 1, (apr_uint64_t)now, 8);
    memcpy(bytes + 9, request->bytes, LLM_KEY_HASH);
    memcpy(bytes + DONE_HEAD, answer, len);
    return llm_table_put(store->tables.done, txn, id_of(id),
                         (llm_datum_t){bytes, DONE_HEAD + len}, LLM_PUT_OVER);
}

/* What is old, found first and deleted afterwards. */
typedef struct old_t {
    apr_time_t before;
    apr_array_header_t *ids; /* of llm_datum_t */
    apr_pool_t *pool;
} old_t;

static int find_old(void *baton, llm_datum_t key, llm_datum_t value)
{
    old_t *old = baton;
    const unsigned char *row = value.data;

    if (value.len < DONE_HEAD
        || (apr_time_t)llm_le_get(row + 1, 8) < old->before) {
        llm_datum_t *id = apr_array_push(old->ids);

        id->data = apr_pmemdup(old->pool, key.data, key.len);
        id->len = key.len;
    }
    return old->ids->nelts == EXPIRE_AT_ONCE;
}

static apr_status_t delete_old(llm_store_t *store, const old_t *old)
{
    llm_txn_t *txn;
    apr_status_t status = llm_txn_begin(&txn, store->bdb);
    int i;

    if (status != APR_SUCCESS) {
        return status;
    }
    for (i = 0; i < old->ids->nelts && status == APR_SUCCESS; ++i) {
        status = llm_table_delete(store->tables.done, txn,
                                  APR_ARRAY_IDX(old->ids, i, llm_datum_t));
    }
    if (status != APR_SUCCESS) {
        llm_txn_abort(txn);
        return status;
    }
    return llm_txn_commit(txn);
}

apr_status_t llm_done_expire(llm_store_t *store, apr_time_t before)
{
    old_t old = {.before = before};
    apr_status_t status = apr_pool_create(&old.pool, NULL);

    if (status != APR_SUCCESS) {
        return status;
    }
    old.ids = apr_array_make(old.pool, 16, sizeof(llm_datum_t));
    status = llm_table_scan(store->tables.done, LLM_DATUM_NONE, find_old, &old);
    if (status == APR_SUCCESS && old.ids->nelts) {
        status = delete_old(store, &old);
        status = status == APR_EAGAIN ? APR_SUCCESS : status; /* next time */
    }
    apr_pool_destroy(old.pool);
    return status;
}

static void write_audit_key(unsigned char *key, const llm_audit_id_t *id)
{
    llm_be_put(key, (apr_uint64_t)id->began, 8);
    llm_be_put(key + 8, id->number, 4);
}

static apr_status_t put_audit(llm_store_t *store, llm_txn_t *txn,
                              const llm_audit_id_t *id, apr_uint32_t uid,
                              const char *op, llm_datum_t what, int how)
{
    unsigned char key[AUDIT_KEY], bytes[AUDIT_HEAD + 255 + LLM_DONE_ANSWER_MAX];
    apr_size_t op_len = strlen(op);

    if (op_len > 255 || what.len > LLM_DONE_ANSWER_MAX) {
        return APR_EINVAL;
    }
    write_audit_key(key, id);
    bytes[0] = AUDIT_VERSION;
    llm_le_put(bytes + 1, uid, 4);
    bytes[5] = (unsigned char)op_len;
    memcpy(bytes + AUDIT_HEAD, op, op_len);
    memcpy(bytes + AUDIT_HEAD + op_len, what.data, what.len);
    return llm_table_put(store->tables.audit, txn, LLM_DATUM(key),
                         (llm_datum_t){bytes, AUDIT_HEAD + op_len + what.len},
                         how);
}

apr_status_t llm_audit_put(llm_store_t *store, llm_txn_t *txn, apr_time_t now,
                           apr_uint32_t uid, const char *op, const char *what,
                           apr_size_t len)
{
    const llm_audit_id_t id = {now, (apr_uint32_t)store->audit_seq++};

    return put_audit(store, txn, &id, uid, op, (llm_datum_t){what, len},
                     LLM_PUT_NEW);
}

apr_status_t llm_audit_put_at(llm_store_t *store, llm_txn_t *txn,
                              const llm_audit_id_t *id, apr_uint32_t uid,
                              const char *op, const char *what, apr_size_t len)
{
    return put_audit(store, txn, id, uid, op, (llm_datum_t){what, len},
                     LLM_PUT_OVER);
}

apr_status_t llm_audit_get(const char **pwhat, llm_store_t *store,
                           llm_txn_t *txn, const llm_audit_id_t *id,
                           const char *op, apr_pool_t *pool)
{
    unsigned char key[AUDIT_KEY], bytes[AUDIT_HEAD + 255 + LLM_DONE_ANSWER_MAX];
    apr_size_t len, head = AUDIT_HEAD + strlen(op);
    apr_status_t status;

    write_audit_key(key, id);
    status = llm_table_get(store->tables.audit, txn, LLM_DATUM(key), bytes,
                           sizeof(bytes), &len);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (len < head || bytes[0] != AUDIT_VERSION || bytes[5] != strlen(op)
        || memcmp(bytes + AUDIT_HEAD, op, strlen(op)) != 0) {
        return APR_EEXIST;
    }
    *pwhat = apr_pstrmemdup(pool, (const char *)bytes + head, len - head);
    return APR_SUCCESS;
}
