/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client keys: the tables that hold them, and the snapshot the children
 * read. A key is found by its id, its hashes or its name; the two indexes are
 * tables of their own, changed in the same transaction.
 *
 * A key has the hash of its secret, and for a while those of the secrets it
 * replaced. In the snapshot each has an entry; that of a former one expires
 * with it, so it ends in time whatever the owner does.
 *
 * A deleted key keeps its row, without hash and name being found by it: the
 * reports of what it used need its name.
 */
#ifndef STORE_KEYRING_H
#define STORE_KEYRING_H

#include "store/bdb.h"
#include "store/codec.h"
#include "store/snapshot.h"

typedef struct llm_keyring_t llm_keyring_t;

/* Reads all keys; the snapshot (may be NULL) is brought up to date. */
apr_status_t llm_keyring_load(llm_keyring_t **pkeyring, llm_table_t *keys,
                              llm_table_t *by_hash, llm_table_t *by_name,
                              llm_table_t *meta, llm_snapshot_t *snapshot,
                              apr_pool_t *pool);

/* Deleted keys are found by id only. txn may be NULL: from any thread. */
apr_status_t llm_keyring_by_id(llm_key_t *key, llm_keyring_t *keyring,
                               llm_txn_t *txn, apr_uint32_t id);
apr_status_t llm_keyring_by_name(llm_key_t *key, llm_keyring_t *keyring,
                                 llm_txn_t *txn, const char *name);

/* Gives the key its id and writes it. APR_EEXIST: name or hash is taken. */
apr_status_t llm_keyring_add(llm_keyring_t *keyring, llm_txn_t *txn,
                             llm_key_t *key);
/* Writes a key that was another; with LLM_KEY_DELETED its name and its hashes
 * are free again. APR_EEXIST: the new name or hash is taken. */
apr_status_t llm_keyring_change(llm_keyring_t *keyring, llm_txn_t *txn,
                                const llm_key_t *was, const llm_key_t *key);
/* After the commit of either: the snapshot and the names follow. was: NULL for
 * a new key. */
void llm_keyring_publish(llm_keyring_t *keyring, const llm_key_t *was,
                         const llm_key_t *key);
/* Forgets former secrets that ended before `now`; costs nothing when there are
 * none. The owner's thread, in no transaction. */
apr_status_t llm_keyring_expire(llm_keyring_t *keyring, llm_bdb_t *bdb,
                                apr_time_t now);

/* Keys that are not deleted. */
unsigned llm_keyring_count(const llm_keyring_t *keyring);
/* Keys that may still be made before the snapshot is full. */
unsigned llm_keyring_room(const llm_keyring_t *keyring);
/* The name of a key, also of a deleted one; "" for 0, "(unknown)" for an id
 * that never was. From any thread; lives as long as the keyring. */
const char *llm_keyring_name(llm_keyring_t *keyring, apr_uint32_t id);
/* The team of a key, also of a deleted one; "" none. As llm_keyring_name. */
const char *llm_keyring_team(llm_keyring_t *keyring, apr_uint32_t id);
/* Calls back for each id whose key has that name, or had it when it was
 * deleted. */
typedef void llm_keyring_id_cb(void *baton, apr_uint32_t id);
void llm_keyring_ids(llm_keyring_t *keyring, const char *name,
                     llm_keyring_id_cb *each, void *baton);
/* By key id: the first key that has the same team, 0 for none; of
 * apr_uint32_t. Deleted keys keep their team. */
apr_array_header_t *llm_keyring_chiefs(llm_keyring_t *keyring,
                                       apr_pool_t *pool);
/* Each key that is not deleted, by id; from any thread. Non-zero stops. */
typedef int llm_keyring_key_cb(void *baton, const llm_key_t *key);
apr_status_t llm_keyring_each(llm_keyring_t *keyring, llm_keyring_key_cb *each,
                              void *baton);

#endif /* STORE_KEYRING_H */
