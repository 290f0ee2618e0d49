/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in three tables, and their names and teams in memory.
 *
 * The list of names and teams by id saves reports one read for each key they
 * show; it is some 30 bytes a key. A name that is replaced is left where it
 * lies, so a pointer to one stays good.
 */
#include "store/keyring.h"

#include "core/llm_log.h"
#include "store/bytes.h"
#include "store/meta.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>

#define EXPIRE_AT_ONCE 1000 /* keys */

typedef struct words_t {
    const char *name, *team;
} words_t;

struct llm_keyring_t {
    llm_table_t *keys, *by_hash, *by_name, *meta;
    llm_snapshot_t *snapshot;
    apr_array_header_t *words; /* of words_t, by id; without a name there is
                                  no such key */
    unsigned count;
    unsigned left_out;   /* of the snapshot when it was loaded: it is full */
    apr_time_t next_end; /* of a former secret; 0 there is none */
    apr_thread_mutex_t *mutex; /* over words */
    apr_pool_t *pool;
};

/* Keeps the pointer while the text is the same: there are few changes. */
static void remember_word(llm_keyring_t *keyring, const char **pword,
                          const char *text)
{
    if (!*pword || strcmp(*pword, text)) {
        *pword = *text ? apr_pstrdup(keyring->pool, text) : "";
    }
}

static void remember_words(llm_keyring_t *keyring, const llm_key_t *key)
{
    words_t *words;

    apr_thread_mutex_lock(keyring->mutex);
    while ((apr_uint32_t)keyring->words->nelts <= key->id) {
        apr_array_push(keyring->words); /* all zero */
    }
    words = &APR_ARRAY_IDX(keyring->words, key->id, words_t);
    remember_word(keyring, &words->name, key->name);
    remember_word(keyring, &words->team, key->team);
    apr_thread_mutex_unlock(keyring->mutex);
}

/* ---------------------------------------------------------------- hashes */

/* Hashes a key is found by: its own, then the former ones. */
static unsigned count_hashes(const llm_key_t *key)
{
    return key->flags & LLM_KEY_DELETED ? 0 : 1 + key->formers;
}

static const unsigned char *hash_at(const llm_key_t *key, unsigned i)
{
    return i ? key->former[i - 1].hash : key->hash;
}

static int has_hash(const llm_key_t *key, const unsigned char *hash)
{
    unsigned i;

    for (i = 0; i < count_hashes(key); ++i) {
        if (!memcmp(hash_at(key, i), hash, LLM_KEY_HASH)) {
            return 1;
        }
    }
    return 0;
}

/* When the secret ends; 0 never. */
static apr_time_t end_of(const llm_key_t *key, unsigned i)
{
    apr_time_t until = i ? key->former[i - 1].until : 0;

    return until && (!key->expires || until < key->expires) ? until
                                                            : key->expires;
}

static void note_ends(llm_keyring_t *keyring, const llm_key_t *key)
{
    unsigned i;

    for (i = 1; i < count_hashes(key); ++i) {
        apr_time_t until = key->former[i - 1].until;

        if (!keyring->next_end || until < keyring->next_end) {
            keyring->next_end = until;
        }
    }
}

static apr_status_t publish_views(llm_keyring_t *keyring, const llm_key_t *key)
{
    apr_status_t status = APR_SUCCESS;
    llm_key_view_t view;
    unsigned i;

    note_ends(keyring, key);
    memset(&view, 0, sizeof(view));
    view.id = key->id;
    view.flags = key->flags;
    view.revoked = key->revoked;
    view.on_abort = key->on_abort;
    llm_record_set(view.name, sizeof(view.name), key->name);
    llm_record_set(view.team, sizeof(view.team), key->team);
    llm_record_set(view.models, sizeof(view.models), key->models);
    for (i = 0;
         keyring->snapshot && status == APR_SUCCESS && i < count_hashes(key);
         ++i) {
        llm_key_hash_t hash;

        memcpy(hash.bytes, hash_at(key, i), sizeof(hash.bytes));
        view.expires = end_of(key, i);
        status = llm_snapshot_put(keyring->snapshot, &hash, &view);
    }
    return status;
}

static void withdraw_views(llm_keyring_t *keyring, const llm_key_t *was,
                           const llm_key_t *key)
{
    unsigned i;

    for (i = 0; keyring->snapshot && i < count_hashes(was); ++i) {
        llm_key_hash_t hash;

        memcpy(hash.bytes, hash_at(was, i), sizeof(hash.bytes));
        if (!has_hash(key, hash.bytes)) {
            llm_snapshot_remove(keyring->snapshot, &hash);
        }
    }
}

/* ------------------------------------------------------------------ load */

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

    remember_words(load->keyring, key);
    if (!(key->flags & LLM_KEY_DELETED)) {
        load->keyring->count += 1;
        if (publish_views(load->keyring, key) != APR_SUCCESS) {
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
    keyring->words = apr_array_make(pool, 64, sizeof(words_t));
    APR_ARRAY_PUSH(keyring->words, words_t) = (words_t){"", ""};
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

static apr_status_t move_name(llm_keyring_t *keyring, llm_txn_t *txn,
                              const llm_key_t *was, const llm_key_t *key)
{
    llm_datum_t old = {was->name, strlen(was->name)};
    llm_datum_t name = {key->name, strlen(key->name)};
    int is_deleted = (key->flags & LLM_KEY_DELETED) != 0;
    unsigned char id[4];
    apr_status_t status;

    if (!is_deleted && !strcmp(was->name, key->name)) {
        return APR_SUCCESS;
    }
    status = llm_table_delete(keyring->by_name, txn, old);
    if (status != APR_SUCCESS || is_deleted) {
        return status;
    }
    llm_be_put(id, key->id, 4);
    return llm_table_put(keyring->by_name, txn, name, LLM_DATUM(id),
                         LLM_PUT_NEW);
}

static apr_status_t move_hashes(llm_keyring_t *keyring, llm_txn_t *txn,
                                const llm_key_t *was, const llm_key_t *key)
{
    apr_status_t status = APR_SUCCESS;
    unsigned char id[4];
    unsigned i;

    llm_be_put(id, key->id, 4);
    for (i = 0; i < count_hashes(was) && status == APR_SUCCESS; ++i) {
        llm_datum_t hash = {hash_at(was, i), LLM_KEY_HASH};

        if (!has_hash(key, hash.data)) {
            status = llm_table_delete(keyring->by_hash, txn, hash);
        }
    }
    for (i = 0; i < count_hashes(key) && status == APR_SUCCESS; ++i) {
        llm_datum_t hash = {hash_at(key, i), LLM_KEY_HASH};

        if (!has_hash(was, hash.data)) {
            status = llm_table_put(keyring->by_hash, txn, hash, LLM_DATUM(id),
                                   LLM_PUT_NEW);
        }
    }
    return status;
}

apr_status_t llm_keyring_change(llm_keyring_t *keyring, llm_txn_t *txn,
                                const llm_key_t *was, const llm_key_t *key)
{
    apr_status_t status = write_key(keyring, txn, key);

    if (status == APR_SUCCESS) {
        status = move_name(keyring, txn, was, key);
    }
    return status == APR_SUCCESS ? move_hashes(keyring, txn, was, key) : status;
}

void llm_keyring_publish(llm_keyring_t *keyring, const llm_key_t *was,
                         const llm_key_t *key)
{
    remember_words(keyring, key);
    if (!was) {
        keyring->count += 1;
    }
    else {
        withdraw_views(keyring, was, key);
    }
    if (key->flags & LLM_KEY_DELETED) {
        keyring->count -= 1;
    }
    /* It fits: llm_keyring_room was asked before the secret was made. */
    publish_views(keyring, key);
}

/* ---------------------------------------------------------------- expire */

/* Keys some of whose former secrets ended. */
typedef struct ended_t {
    apr_time_t now;
    apr_array_header_t *keys; /* of llm_key_t */
    apr_time_t next_end;
} ended_t;

static int find_ended(void *baton, const llm_key_t *key)
{
    ended_t *ended = baton;
    int is_ended = 0;
    unsigned i;

    for (i = 1; i < count_hashes(key); ++i) {
        apr_time_t until = key->former[i - 1].until;

        if (until <= ended->now) {
            is_ended = 1;
        }
        else if (!ended->next_end || until < ended->next_end) {
            ended->next_end = until;
        }
    }
    if (is_ended) {
        APR_ARRAY_PUSH(ended->keys, llm_key_t) = *key;
    }
    return ended->keys->nelts == EXPIRE_AT_ONCE;
}

static void drop_ended(llm_key_t *key, apr_time_t now)
{
    unsigned i, kept = 0;

    for (i = 0; i < key->formers; ++i) {
        if (key->former[i].until > now) {
            key->former[kept++] = key->former[i];
        }
    }
    key->formers = kept;
}

static apr_status_t expire_key(llm_keyring_t *keyring, llm_bdb_t *bdb,
                               const llm_key_t *was, apr_time_t now)
{
    llm_key_t key = *was;
    llm_txn_t *txn;
    apr_status_t status = llm_txn_begin(&txn, bdb);

    if (status != APR_SUCCESS) {
        return status;
    }
    drop_ended(&key, now);
    status = llm_keyring_change(keyring, txn, was, &key);
    if (status == APR_SUCCESS) {
        status = llm_txn_commit(txn);
    }
    else {
        llm_txn_abort(txn);
    }
    if (status == APR_SUCCESS) {
        llm_keyring_publish(keyring, was, &key);
    }
    return status;
}

apr_status_t llm_keyring_expire(llm_keyring_t *keyring, llm_bdb_t *bdb,
                                apr_time_t now)
{
    ended_t ended = {.now = now};
    apr_pool_t *pool;
    apr_status_t status;
    int i;

    if (!keyring->next_end || keyring->next_end > now) {
        return APR_SUCCESS;
    }
    status = apr_pool_create(&pool, NULL);
    if (status != APR_SUCCESS) {
        return status;
    }
    ended.keys = apr_array_make(pool, 16, sizeof(llm_key_t));
    status = llm_keyring_each(keyring, find_ended, &ended);
    for (i = 0; i < ended.keys->nelts && status == APR_SUCCESS; ++i) {
        status = expire_key(keyring, bdb,
                            &APR_ARRAY_IDX(ended.keys, i, llm_key_t), now);
    }
    /* Not all were looked at: soon again. */
    if (status == APR_SUCCESS && ended.keys->nelts < EXPIRE_AT_ONCE) {
        keyring->next_end = ended.next_end;
    }
    apr_pool_destroy(pool);
    return status == APR_EAGAIN ? APR_SUCCESS : status;
}

/* ----------------------------------------------------------------- looks */

unsigned llm_keyring_count(const llm_keyring_t *keyring)
{
    return keyring->count;
}

unsigned llm_keyring_room(const llm_keyring_t *keyring)
{
    return keyring->snapshot ? llm_snapshot_room(keyring->snapshot)
                             : (unsigned)-1;
}

static words_t words_of(llm_keyring_t *keyring, apr_uint32_t id)
{
    words_t words = {NULL, NULL};

    apr_thread_mutex_lock(keyring->mutex);
    if (id < (apr_uint32_t)keyring->words->nelts) {
        words = APR_ARRAY_IDX(keyring->words, id, words_t);
    }
    apr_thread_mutex_unlock(keyring->mutex);
    return words;
}

const char *llm_keyring_name(llm_keyring_t *keyring, apr_uint32_t id)
{
    words_t words = words_of(keyring, id);

    return words.name ? words.name : "(unknown)";
}

const char *llm_keyring_team(llm_keyring_t *keyring, apr_uint32_t id)
{
    words_t words = words_of(keyring, id);

    return words.team ? words.team : "";
}

void llm_keyring_ids(llm_keyring_t *keyring, const char *name,
                     llm_keyring_id_cb *each, void *baton)
{
    int i;

    apr_thread_mutex_lock(keyring->mutex);
    for (i = 0; i < keyring->words->nelts; ++i) {
        const char *at = APR_ARRAY_IDX(keyring->words, i, words_t).name;

        if (at && !strcmp(at, name)) {
            each(baton, (apr_uint32_t)i);
        }
    }
    apr_thread_mutex_unlock(keyring->mutex);
}

apr_array_header_t *llm_keyring_chiefs(llm_keyring_t *keyring, apr_pool_t *pool)
{
    apr_hash_t *by_team = apr_hash_make(pool);
    apr_array_header_t *chiefs;
    apr_uint32_t id;

    apr_thread_mutex_lock(keyring->mutex);
    chiefs = apr_array_make(pool, keyring->words->nelts, sizeof(apr_uint32_t));
    for (id = 0; id < (apr_uint32_t)keyring->words->nelts; ++id) {
        const char *team = APR_ARRAY_IDX(keyring->words, id, words_t).team;
        apr_uint32_t *place = apr_array_push(chiefs), *chief;

        if (!team || !*team) {
            continue; /* zero */
        }
        chief = apr_hash_get(by_team, team, APR_HASH_KEY_STRING);
        *place = chief ? *chief : id;
        if (!chief) {
            apr_hash_set(by_team, team, APR_HASH_KEY_STRING, place);
        }
    }
    apr_thread_mutex_unlock(keyring->mutex);
    return chiefs;
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
