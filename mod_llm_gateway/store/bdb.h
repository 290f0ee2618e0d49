/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordered tables of bytes with transactions: what the store needs of a
 * database engine, and all that is known of Berkeley DB outside of bdb*.c.
 *
 * Keys sort as memcmp sorts them. Handles may be used by several threads;
 * a transaction belongs to one. Only one process may have the folder open,
 * which is the business of the lock in store/folder.h.
 *
 * Statuses: APR_NOTFOUND, APR_EEXIST (LLM_PUT_NEW), APR_ENOSPC, APR_EAGAIN (a
 * deadlock was resolved against this transaction: abort and do it again),
 * APR_EGENERAL when the engine gave up (llm_bdb_is_dead: leave the process),
 * else errno. What the engine says besides goes to the log.
 */
#ifndef STORE_BDB_H
#define STORE_BDB_H

#include "core/llm.h"

#include <apr_errno.h>

typedef struct llm_bdb_t llm_bdb_t; /* the environment */
typedef struct llm_table_t llm_table_t;
typedef struct llm_txn_t llm_txn_t;

/* Recovers whatever the last owner left. `home` must be there and hold
 * nothing but our files. */
apr_status_t llm_bdb_open(llm_bdb_t **pbdb, const char *home, apr_pool_t *pool);
/* Checkpoint, then close. All tables must be closed. */
apr_status_t llm_bdb_close(llm_bdb_t *bdb);
int llm_bdb_is_dead(const llm_bdb_t *bdb);
#define LLM_PAGE_BYTES 4096
/* Bytes of its cache. */
apr_uint64_t llm_bdb_cache(const llm_bdb_t *bdb);
/* Writes back what is dirty and drops logs nobody needs, once there is enough
 * of it (or a minute passed since the last time). */
apr_status_t llm_bdb_checkpoint(llm_bdb_t *bdb);

/* `file` in the environment's folder; made when it is not there. The handle's
 * memory is its own, so tables can come and go. */
apr_status_t llm_table_open(llm_table_t **ptable, llm_bdb_t *bdb,
                            const char *file);
apr_status_t llm_table_close(llm_table_t *table);
/* Removes a file that nobody has open. */
apr_status_t llm_table_remove(llm_bdb_t *bdb, const char *file);

apr_status_t llm_txn_begin(llm_txn_t **ptxn, llm_bdb_t *bdb);
/* On disk when it returns APR_SUCCESS; else undone. */
apr_status_t llm_txn_commit(llm_txn_t *txn);
void llm_txn_abort(llm_txn_t *txn);

/* Keys are shorter than this. */
#define LLM_KEY_BYTES 256

/* Bytes of a key or a value. */
typedef struct llm_datum_t {
    const void *data;
    apr_size_t len;
} llm_datum_t;

/* The value into `bytes` of `size` bytes; *plen: how long it is. APR_EINVAL
 * when it is longer. With a transaction it is going to be changed: it is
 * locked for writing. txn may be NULL. */
apr_status_t llm_table_get(llm_table_t *table, llm_txn_t *txn, llm_datum_t key,
                           void *bytes, apr_size_t size, apr_size_t *plen);
enum { LLM_PUT_OVER = 0, LLM_PUT_NEW = 1 };
apr_status_t llm_table_put(llm_table_t *table, llm_txn_t *txn, llm_datum_t key,
                           llm_datum_t value, int how);
apr_status_t llm_table_delete(llm_table_t *table, llm_txn_t *txn,
                              llm_datum_t key);

/*
 * Committed rows from the key `from` on (NULL data: from the first), in order,
 * until the callback returns non-zero. Rows are read ahead in pieces and no
 * lock is held while the callback runs, so it may take its time; it sees each
 * row as it was when its piece was read.
 */
typedef int llm_row_cb(void *baton, llm_datum_t key, llm_datum_t value);
apr_status_t llm_table_scan(llm_table_t *table, llm_datum_t from,
                            llm_row_cb *row, void *baton);

/* The same from the last row before the key `before` (NULL data: from the
 * last) backwards. For the latest few: a row costs ten times as much. */
apr_status_t llm_table_scan_back(llm_table_t *table, llm_datum_t before,
                                 llm_row_cb *row, void *baton);

#define LLM_DATUM(bytes) ((llm_datum_t){(bytes), sizeof(bytes)})
#define LLM_DATUM_NONE   ((llm_datum_t){NULL, 0})

#endif /* STORE_BDB_H */
