/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in three tables, and their names in memory.
 *
 * The list of names by id saves reports one read for each key they show; it
 * is some 20 bytes a key. Names are never changed, only added, so a pointer
 * to one stays good.
 */
#include "store/keyring.h"

#include "core/llm_log.h"
#include "store/bytes.h"
#include "store/meta.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_thread_mutex.h>

struct llm_keyring_t {
    llm_table_t *keys, *by_hash, *by_name, *meta;
    llm_snapshot_t *snapshot;
    apr_array_header_t *names; /* of const char *, by id; [0] is "" */
    unsigned count;
    unsigned left_out; /* of the snapshot when it was loaded: it is full */
    apr_thread_mutex_t *mutex; /* over names */
    apr_pool_t *pool;
};

static void remember_name(llm_keyring_t *keyring, const llm_key_t *key)
{
    apr_thread_mutex_lock(keyring->mutex);
    while ((apr_uint32_t)keyring->names->nelts <= key->id) {
        APR_ARRAY_PUSH(keyring->names, const char *) = NULL;
    }
    if (!APR_ARRAY_IDX(keyring->names, key->id, const char *)) {
        APR_ARRAY_IDX(keyring->names, key->id, const char *) =
            apr_pstrdup(keyring->pool, key->name);
    }
    apr_thread_mutex_unlock(keyring->mutex);
}

static apr_status_t publish_view(llm_keyring_t *keyring, const llm_key_t *key)
{
    llm_key_view_t view;
    llm_key_hash_t hash;

    if (!keyring->snapshot) {
        return APR_SUCCESS;
    }
    memcpy(hash.bytes, key->hash, sizeof(hash.bytes));
    if (key->flags & LLM_KEY_DELETED) {
        llm_snapshot_remove(keyring->snapshot, &hash);
        return APR_SUCCESS;
    }
    memset(&view, 0, sizeof(view));
    view.id = key->id;
    view.flags = key->flags;
    view.expires = key->expires;
    view.revoked = key->revoked;
    llm_record_set(view.name, sizeof(view.name), key->name);
    llm_record_set(view.team, sizeof(view.team), key->team);
    llm_record_set(view.models, sizeof(view.models), key->models);
    return llm_snapshot_put(keyring->snapshot, &hash, &view);
}

/* A table's rows as keys. */
typedef struct walk_t {
    llm_keyring_t *keyring;
    llm_keyring_key_cb *each;
    void *baton;
    apr_status_t status;
} walk_t;

static int walk_row(void *baton, llm_datum_t id, llm_datum_t value)
{
    walk_t *walk = baton;
    llm_key_t key;

    (void)id;
    if (!llm_codec_read_key(&key, value.data, value.len)) {
        walk->status = APR_EINVAL;
        return 1;
    }
    return walk->each(walk->baton, &key);
}

static apr_status_t walk_keys(llm_keyring_t *keyring, llm_keyring_key_cb *each,
                              void *baton)
{
    walk_t walk = {keyring, each, baton, APR_SUCCESS};
    apr_status_t status =
        llm_table_scan(keyring->keys, LLM_DATUM_NONE, walk_row, &walk);

    return status == APR_SUCCESS ? walk.status : status;
}

static int load_key(void *baton, const llm_key_t *key)
{
    walk_t *load = baton;

    remember_name(load->keyring, key);
    if (!(key->flags & LLM_KEY_DELETED)) {
        load->keyring->count += 1;
        if (publish_view(load->keyring, key) != APR_SUCCESS) {
            load->keyring->left_out += 1;
        }
    }
    return 0;
}

apr_status_t llm_keyring_load(llm_keyring_t **pkeyring, llm_table_t *keys,
                              llm_table_t *by_hash, llm_table_t *by_name,
                              llm_table_t *meta, llm_snapshot_t *snapshot,
                              apr_pool_t *pool)
{
    llm_keyring_t *keyring = apr_pcalloc(pool, sizeof(*keyring));
    walk_t load = {.keyring = keyring};
    apr_status_t status;

    keyring->keys = keys;
    keyring->by_hash = by_hash;
    keyring->by_name = by_name;
    keyring->meta = meta;
    keyring->snapshot = snapshot;
    keyring->pool = pool;
    keyring->names = apr_array_make(pool, 64, sizeof(const char *));
    APR_ARRAY_PUSH(keyring->names, const char *) = "";
    status = apr_thread_mutex_create(&keyring->mutex, APR_THREAD_MUTEX_DEFAULT,
                                     pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (snapshot) {
        llm_snapshot_begin(snapshot);
    }
    status = walk_keys(keyring, load_key, &load);
    if (snapshot && status == APR_SUCCESS) {
        llm_snapshot_end(snapshot);
    }
    if (keyring->left_out) {
        llm_log(LLM_LOG_CRIT, APR_ENOSPC,
                LLM_LOGNO(0202) "%u of %u keys are not in force: the shared "
                                "memory for keys is full",
                keyring->left_out, keyring->count);
    }
    *pkeyring = keyring;
    return status;
}

apr_status_t llm_keyring_by_id(llm_key_t *key, llm_keyring_t *keyring,
                               llm_txn_t *txn, apr_uint32_t id)
{
    unsigned char name[4], bytes[LLM_CODEC_KEY_MAX];
    apr_size_t len;
    apr_status_t status;

    llm_be_put(name, id, 4);
    status = llm_table_get(keyring->keys, txn, LLM_DATUM(name), bytes,
                           sizeof(bytes), &len);
    if (status == APR_SUCCESS && !llm_codec_read_key(key, bytes, len)) {
        status = APR_EINVAL;
    }
    return status;
}

apr_status_t llm_keyring_by_name(llm_key_t *key, llm_keyring_t *keyring,
                                 llm_txn_t *txn, const char *name)
{
    llm_datum_t datum = {name, strlen(name)};
    unsigned char id[4];
    apr_size_t len;
    apr_status_t status;

    if (!datum.len || datum.len > LLM_KEY_NAME_MAX) {
        return APR_NOTFOUND;
    }
    status = llm_table_get(keyring->by_name, txn, datum, id, sizeof(id), &len);
    if (status != APR_SUCCESS) {
        return status;
    }
    return llm_keyring_by_id(key, keyring, txn,
                             (apr_uint32_t)llm_be_get(id, 4));
}

static apr_status_t write_key(llm_keyring_t *keyring, llm_txn_t *txn,
                              const llm_key_t *key)
{
    unsigned char id[4];
    apr_status_t status;
    apr_pool_t *pool;
    llm_buf_t *value;

    llm_be_put(id, key->id, 4);
    status = apr_pool_create(&pool, NULL);
    if (status != APR_SUCCESS) {
        return status;
    }
    value = llm_buf_make(LLM_CODEC_KEY_MAX, pool);
    llm_codec_write_key(value, key);
    status = value->overflow
                 ? APR_EINVAL
                 : llm_table_put(keyring->keys, txn, LLM_DATUM(id),
                                 (llm_datum_t){value->data, value->len},
                                 LLM_PUT_OVER);
    apr_pool_destroy(pool);
    return status;
}

apr_status_t llm_keyring_add(llm_keyring_t *keyring, llm_txn_t *txn,
                             llm_key_t *key)
{
    llm_datum_t name = {key->name, strlen(key->name)};
    unsigned char id[4];
    apr_uint64_t next;
    apr_status_t status;

    status = llm_meta_get(&next, keyring->meta, txn, LLM_META_NEXT_KEY);
    if (status == APR_SUCCESS && (!next || next > 0xffffffffu)) {
        status = APR_EINVAL;
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    key->id = (apr_uint32_t)next;
    llm_be_put(id, next, 4);
    status = llm_meta_put(keyring->meta, txn, LLM_META_NEXT_KEY, next + 1);
    if (status == APR_SUCCESS) {
        status = llm_table_put(keyring->by_name, txn, name, LLM_DATUM(id),
                               LLM_PUT_NEW);
    }
    if (status == APR_SUCCESS) {
        status = llm_table_put(keyring->by_hash, txn, LLM_DATUM(key->hash),
                               LLM_DATUM(id), LLM_PUT_NEW);
    }
    return status == APR_SUCCESS ? write_key(keyring, txn, key) : status;
}

apr_status_t llm_keyring_change(llm_keyring_t *keyring, llm_txn_t *txn,
                                const llm_key_t *key)
{
    llm_datum_t name = {key->name, strlen(key->name)};
    apr_status_t status = write_key(keyring, txn, key);

    if (status == APR_SUCCESS && (key->flags & LLM_KEY_DELETED)) {
        status = llm_table_delete(keyring->by_name, txn, name);
        if (status == APR_SUCCESS) {
            status =
                llm_table_delete(keyring->by_hash, txn, LLM_DATUM(key->hash));
        }
    }
    return status;
}

/* A new key has no name in the list yet, which is how it is counted once. */
void llm_keyring_publish(llm_keyring_t *keyring, const llm_key_t *key)
{
    int is_new = (apr_uint32_t)keyring->names->nelts <= key->id
                 || !APR_ARRAY_IDX(keyring->names, key->id, const char *);

    remember_name(keyring, key);
    if (is_new) {
        keyring->count += 1;
    }
    if (key->flags & LLM_KEY_DELETED) {
        keyring->count -= 1;
    }
    /* It fits: llm_keyring_room was asked before the key was made. */
    publish_view(keyring, key);
}

unsigned llm_keyring_count(const llm_keyring_t *keyring)
{
    return keyring->count;
}

unsigned llm_keyring_room(const llm_keyring_t *keyring)
{
    return keyring->snapshot ? llm_snapshot_room(keyring->snapshot)
                             : (unsigned)-1;
}

const char *llm_keyring_name(llm_keyring_t *keyring, apr_uint32_t id)
{
    const char *name = NULL;

    apr_thread_mutex_lock(keyring->mutex);
    if (id < (apr_uint32_t)keyring->names->nelts) {
        name = APR_ARRAY_IDX(keyring->names, id, const char *);
    }
    apr_thread_mutex_unlock(keyring->mutex);
    return name ? name : "(unknown)";
}

void llm_keyring_ids(llm_keyring_t *keyring, const char *name,
                     llm_keyring_id_cb *each, void *baton)
{
    int i;

    apr_thread_mutex_lock(keyring->mutex);
    for (i = 0; i < keyring->names->nelts; ++i) {
        const char *at = APR_ARRAY_IDX(keyring->names, i, const char *);

        if (at && !strcmp(at, name)) {
            each(baton, (apr_uint32_t)i);
        }
    }
    apr_thread_mutex_unlock(keyring->mutex);
}

typedef struct filter_t {
    llm_keyring_key_cb *each;
    void *baton;
} filter_t;

static int pass_living(void *baton, const llm_key_t *key)
{
    const filter_t *filter = baton;

    return key->flags & LLM_KEY_DELETED ? 0 : filter->each(filter->baton, key);
}

apr_status_t llm_keyring_each(llm_keyring_t *keyring, llm_keyring_key_cb *each,
                              void *baton)
{
    filter_t filter = {each, baton};

    return walk_keys(keyring, pass_living, &filter);
}
