/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Berkeley DB environment: opened by one process with everything private
 * to it, and recovered each time.
 *
 * DB_PRIVATE: no region files, no mutexes shared between processes; those of
 * libdb are not robust, and a process killed while it holds one hangs all
 * others. So there is nothing to join (DB_REGISTER, DB_FAILCHK), and recovery
 * is the ordinary way in. Commits are flushed to disk: with DB_TXN_NOSYNC the
 * log buffer dies with the process.
 *
 * Logs are removed as soon as they are not needed, so catastrophic recovery is
 * not possible; against torn pages stand 4 KB pages, the file system's own
 * size, and checksums.
 */
#include "store/bdb.h"

#include "core/llm_log.h"
#include "store/bdb_care.h"
#include "store/bdb_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <db.h>

#define CACHE_BYTES    (64u << 20)
#define LOG_BUFFER     (1u << 20)
#define LOG_FILE       (4u << 20) /* recovery writes zeros to its end */
#define LOCKS          60000      /* a batch may touch that many pages */
#define CHECKPOINT_KB  4096
#define CHECKPOINT_MIN 1
#define SCAN_BYTES     (256u << 10)     /* of a piece; a multiple of 1024 */
#define SCAN_FIRST     (8u << 10)       /* of the first; a page at least */
#define SCAN_GROWTH    4                /* of the next */
#define SCAN_RETRIES   1000             /* deadlocks lost by one scan */
#define BACK_ROWS      256              /* of a piece that is read backwards */
#define BACK_ROW_MAX   (SCAN_BYTES / 4) /* bytes of a row of it */

struct llm_txn_t {
    llm_bdb_t *bdb;
    DB_TXN *txn;
};

static void log_engine(const DB_ENV *env, const char *prefix,
                       const char *message)
{
    (void)env;
    (void)prefix;
    llm_log(LLM_LOG_ERR, APR_SUCCESS, LLM_LOGNO(0200) "Berkeley DB: %s",
            message);
}

/* libdb's results as ours. Its own are negative, the rest is errno. */
apr_status_t llm_bdb_status(llm_bdb_t *bdb, int result)
{
    switch (result) {
    case 0:
        return APR_SUCCESS;
    case DB_NOTFOUND:
    case DB_KEYEMPTY:
        return APR_NOTFOUND;
    case DB_KEYEXIST:
        return APR_EEXIST;
    case DB_LOCK_DEADLOCK:
    case DB_LOCK_NOTGRANTED:
        return APR_EAGAIN;
    case DB_BUFFER_SMALL:
        return APR_EINVAL;
    case DB_RUNRECOVERY:
        __atomic_store_n(&bdb->dead, 1, __ATOMIC_RELAXED);
        return APR_EGENERAL;
    default:
        return result > 0 ? result : APR_EGENERAL;
    }
}

/* Everything that must be set before the environment is opened. */
static int configure(DB_ENV *env)
{
    int result = env->set_cachesize(env, 0, CACHE_BYTES, 1);

    if (!result) {
        result = env->set_lg_bsize(env, LOG_BUFFER);
    }
    if (!result) {
        result = env->set_lg_max(env, LOG_FILE);
    }
    if (!result) {
        result = env->set_lk_max_locks(env, LOCKS);
    }
    if (!result) {
        result = env->set_lk_max_objects(env, LOCKS);
    }
    if (!result) {
        result = env->set_lk_detect(env, DB_LOCK_YOUNGEST);
    }
    if (!result) {
        result = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1);
    }
    return result;
}

static apr_status_t open_with(llm_bdb_t **pbdb, const char *home,
                              u_int32_t recovery, apr_pool_t *pool)
{
    llm_bdb_t *bdb = apr_pcalloc(pool, sizeof(*bdb));
    int result = db_env_create(&bdb->env, 0);

    if (result) {
        return llm_bdb_status(bdb, result);
    }
    bdb->env->set_errcall(bdb->env, log_engine);
    result = configure(bdb->env);
    if (!result) {
        result = bdb->env->open(bdb->env, home,
                                DB_CREATE | DB_INIT_TXN | DB_INIT_LOG
                                    | DB_INIT_LOCK | DB_INIT_MPOOL | DB_THREAD
                                    | DB_PRIVATE | recovery,
                                0600);
    }
    if (result) {
        bdb->env->close(bdb->env, 0);
        return llm_bdb_status(bdb, result);
    }
    *pbdb = bdb;
    return APR_SUCCESS;
}

apr_status_t llm_bdb_open(llm_bdb_t **pbdb, const char *home, apr_pool_t *pool)
{
    return open_with(pbdb, home, DB_RECOVER, pool);
}

apr_status_t llm_bdb_open_copy(llm_bdb_t **pbdb, const char *home,
                               apr_pool_t *pool)
{
    return open_with(pbdb, home, DB_RECOVER_FATAL, pool);
}

apr_status_t llm_bdb_close(llm_bdb_t *bdb)
{
    int result = 0, closed;

    if (!llm_bdb_is_dead(bdb)) {
        result = bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE);
    }
    closed = bdb->env->close(bdb->env, 0);
    return llm_bdb_status(bdb, result ? result : closed);
}

int llm_bdb_is_dead(const llm_bdb_t *bdb)
{
    return __atomic_load_n(&bdb->dead, __ATOMIC_RELAXED);
}

apr_uint64_t llm_bdb_cache(const llm_bdb_t *bdb)
{
    (void)bdb;
    return CACHE_BYTES;
}

apr_status_t llm_bdb_checkpoint(llm_bdb_t *bdb)
{
    return llm_bdb_status(bdb, bdb->env->txn_checkpoint(bdb->env, CHECKPOINT_KB,
                                                        CHECKPOINT_MIN, 0));
}

apr_status_t llm_table_open(llm_table_t **ptable, llm_bdb_t *bdb,
                            const char *file)
{
    llm_table_t *table = calloc(1, sizeof(*table));
    int result;

    if (!table) {
        return APR_ENOMEM;
    }
    table->bdb = bdb;
    result = db_create(&table->db, bdb->env, 0);
    if (result) {
        free(table);
        return llm_bdb_status(bdb, result);
    }
    result = table->db->set_pagesize(table->db, LLM_PAGE_BYTES);
    if (!result) {
        result = table->db->set_flags(table->db, DB_CHKSUM);
    }
    if (!result) {
        result = table->db->open(table->db, NULL, file, NULL, DB_BTREE,
                                 DB_CREATE | DB_AUTO_COMMIT | DB_THREAD, 0600);
    }
    if (result) {
        llm_table_close(table);
        return llm_bdb_status(bdb, result);
    }
    *ptable = table;
    return APR_SUCCESS;
}

/* Without a flush: the log has it all. */
apr_status_t llm_table_close(llm_table_t *table)
{
    llm_bdb_t *bdb = table->bdb;
    int result = table->db->close(table->db, DB_NOSYNC);

    free(table);
    return llm_bdb_status(bdb, result);
}

apr_status_t llm_table_remove(llm_bdb_t *bdb, const char *file)
{
    return llm_bdb_status(
        bdb, bdb->env->dbremove(bdb->env, NULL, file, NULL, DB_AUTO_COMMIT));
}

apr_status_t llm_txn_begin(llm_txn_t **ptxn, llm_bdb_t *bdb)
{
    llm_txn_t *txn = calloc(1, sizeof(*txn));
    int result;

    if (!txn) {
        return APR_ENOMEM;
    }
    txn->bdb = bdb;
    result = bdb->env->txn_begin(bdb->env, NULL, &txn->txn, 0);
    if (result) {
        free(txn);
        return llm_bdb_status(bdb, result);
    }
    *ptxn = txn;
    return APR_SUCCESS;
}

apr_status_t llm_txn_commit(llm_txn_t *txn)
{
    llm_bdb_t *bdb = txn->bdb;
    int result = txn->txn->commit(txn->txn, DB_TXN_SYNC);

    free(txn);
    return llm_bdb_status(bdb, result);
}

void llm_txn_abort(llm_txn_t *txn)
{
    llm_bdb_status(txn->bdb, txn->txn->abort(txn->txn));
    free(txn);
}

/* libdb only reads what it is given as a key or to be put. */
static DBT datum_in(llm_datum_t datum)
{
    DBT dbt = {.data = (void *)(apr_uintptr_t)datum.data,
               .size = (u_int32_t)datum.len,
               .ulen = (u_int32_t)datum.len,
               .flags = DB_DBT_USERMEM};

    return dbt;
}

apr_status_t llm_table_get(llm_table_t *table, llm_txn_t *txn, llm_datum_t key,
                           void *bytes, apr_size_t size, apr_size_t *plen)
{
    DBT name = datum_in(key);
    DBT value = {
        .data = bytes, .ulen = (u_int32_t)size, .flags = DB_DBT_USERMEM};
    int result = table->db->get(table->db, txn ? txn->txn : NULL, &name, &value,
                                txn ? DB_RMW : 0);

    *plen = value.size;
    return llm_bdb_status(table->bdb, result);
}

apr_status_t llm_table_put(llm_table_t *table, llm_txn_t *txn, llm_datum_t key,
                           llm_datum_t value, int how)
{
    DBT name = datum_in(key), what = datum_in(value);

    return llm_bdb_status(
        table->bdb, table->db->put(table->db, txn->txn, &name, &what,
                                   how == LLM_PUT_NEW ? DB_NOOVERWRITE : 0));
}

apr_status_t llm_table_delete(llm_table_t *table, llm_txn_t *txn,
                              llm_datum_t key)
{
    DBT name = datum_in(key);

    return llm_bdb_status(table->bdb,
                          table->db->del(table->db, txn->txn, &name, 0));
}

/* A scan between two pieces. */
typedef struct scan_t {
    llm_table_t *table;
    unsigned char *bytes;              /* SCAN_BYTES, the piece */
    u_int32_t size;                    /* of these, that the next one fills:
                                          who looks for a few rows should not
                                          pay for thousands */
    unsigned char next[LLM_KEY_BYTES]; /* key to go on with */
    apr_size_t next_len;
    int from_first; /* no key yet */
} scan_t;

/* The piece from scan->next on. The cursor is closed before it returns: an
 * open one keeps its page locked, and the batch would wait for the reader. */
static apr_status_t read_piece(scan_t *scan, DBT *piece)
{
    unsigned char bytes[LLM_KEY_BYTES];
    DBT key = {.data = bytes,
               .size = (u_int32_t)scan->next_len,
               .ulen = sizeof(bytes),
               .flags = DB_DBT_USERMEM};
    DB *db = scan->table->db;
    DBC *cursor;
    int result, closed;

    memset(piece, 0, sizeof(*piece));
    piece->data = scan->bytes;
    piece->ulen = scan->size;
    piece->flags = DB_DBT_USERMEM;
    memcpy(bytes, scan->next, scan->next_len);
    result = db->cursor(db, NULL, &cursor, DB_READ_COMMITTED);
    if (result) {
        return llm_bdb_status(scan->table->bdb, result);
    }
    result = cursor->get(cursor, &key, piece,
                         (scan->from_first ? DB_FIRST : DB_SET_RANGE)
                             | DB_MULTIPLE_KEY);
    closed = cursor->close(cursor);
    if (result == DB_BUFFER_SMALL && scan->size < SCAN_BYTES) {
        scan->size = SCAN_BYTES; /* a long row */
        return APR_EAGAIN;
    }
    return llm_bdb_status(scan->table->bdb, result ? result : closed);
}

/* The least key that is greater than this one: the same and a zero byte. */
static apr_status_t go_on_after(scan_t *scan, const void *key, apr_size_t len)
{
    if (len >= LLM_KEY_BYTES) {
        return APR_EINVAL;
    }
    memcpy(scan->next, key, len);
    scan->next[len] = 0;
    scan->next_len = len + 1;
    scan->from_first = 0;
    return APR_SUCCESS;
}

/* *pstop: the callback has seen enough. */
static apr_status_t call_rows(scan_t *scan, DBT *piece, llm_row_cb *row,
                              void *baton, int *pstop)
{
    void *at = NULL, *key = NULL, *value = NULL;
    u_int32_t key_len = 0, value_len = 0;

    DB_MULTIPLE_INIT(at, piece);
    while (!*pstop) {
        llm_datum_t name, what;
        void *found = NULL;
        u_int32_t found_len = 0;

        /* NOLINTNEXTLINE(clang-analyzer-*): the macro is libdb's */
        DB_MULTIPLE_KEY_NEXT(at, piece, found, found_len, value, value_len);
        if (!at) {
            break;
        }
        key = found;
        key_len = found_len;
        name = (llm_datum_t){key, key_len};
        what = (llm_datum_t){value, value_len};
        *pstop = row(baton, name, what);
    }
    return key ? go_on_after(scan, key, key_len) : APR_NOTFOUND;
}

static apr_status_t scan_pieces(scan_t *scan, llm_row_cb *row, void *baton)
{
    int stop = 0, again = 0;

    while (!stop) {
        DBT piece;
        apr_status_t status = read_piece(scan, &piece);

        if (status == APR_EAGAIN && again++ < SCAN_RETRIES) {
            continue;
        }
        if (status == APR_SUCCESS) {
            status = call_rows(scan, &piece, row, baton, &stop);
            scan->size = scan->size < SCAN_BYTES / SCAN_GROWTH
                             ? scan->size * SCAN_GROWTH
                             : SCAN_BYTES;
        }
        if (status != APR_SUCCESS) {
            return status == APR_NOTFOUND ? APR_SUCCESS : status;
        }
    }
    return APR_SUCCESS;
}

/* Rows of a piece that is read backwards lie in its bytes one behind the
 * other, each after this. */
typedef struct row_head_t {
    u_int32_t key_len, value_len;
} row_head_t;

/* The cursor to the last row before scan->next, its row into the bytes. */
static int step_back(DBC *cursor, scan_t *scan, DBT *key, DBT *value,
                     unsigned rows)
{
    int result;

    if (rows) {
        return cursor->get(cursor, key, value, DB_PREV);
    }
    if (scan->from_first) {
        return cursor->get(cursor, key, value, DB_LAST);
    }
    memcpy(key->data, scan->next, scan->next_len);
    key->size = (u_int32_t)scan->next_len;
    result = cursor->get(cursor, key, value, DB_SET_RANGE);
    return cursor->get(cursor, key, value, result ? DB_LAST : DB_PREV);
}

static apr_status_t read_piece_back(scan_t *scan, unsigned *prows)
{
    unsigned char name[LLM_KEY_BYTES] = {0};
    unsigned char *at = scan->bytes, *end = at + SCAN_BYTES;
    DBC *cursor = NULL;
    int closed, result = scan->table->db->cursor(scan->table->db, NULL, &cursor,
                                                 DB_READ_COMMITTED);

    *prows = 0;
    while (!result && *prows < BACK_ROWS && end - at > (int)BACK_ROW_MAX) {
        row_head_t head;
        DBT key = {.data = name, .ulen = sizeof(name), .flags = DB_DBT_USERMEM};
        DBT value = {.data = at + sizeof(head) + sizeof(name),
                     .ulen = BACK_ROW_MAX - sizeof(head) - sizeof(name),
                     .flags = DB_DBT_USERMEM};

        result = step_back(cursor, scan, &key, &value, *prows);
        if (result) {
            break;
        }
        head.key_len = key.size;
        head.value_len = value.size;
        memcpy(at, &head, sizeof(head));
        memcpy(at + sizeof(head), name, key.size);
        at += sizeof(head) + sizeof(name) + value.size;
        *prows += 1;
    }
    closed = cursor ? cursor->close(cursor) : 0;
    result = result == DB_NOTFOUND && *prows ? 0 : result;
    return llm_bdb_status(scan->table->bdb, result ? result : closed);
}

static void call_rows_back(scan_t *scan, unsigned rows, llm_row_cb *row,
                           void *baton, int *pstop)
{
    const unsigned char *at = scan->bytes;

    while (rows-- && !*pstop) {
        row_head_t head;
        const unsigned char *key = at + sizeof(head);

        memcpy(&head, at, sizeof(head));
        at = key + LLM_KEY_BYTES;
        *pstop = row(baton, (llm_datum_t){key, head.key_len},
                     (llm_datum_t){at, head.value_len});
        at += head.value_len;
        memcpy(scan->next, key, head.key_len);
        scan->next_len = head.key_len;
        scan->from_first = 0;
    }
}

static apr_status_t scan_pieces_back(scan_t *scan, llm_row_cb *row, void *baton)
{
    int stop = 0, again = 0;

    while (!stop) {
        unsigned rows;
        apr_status_t status = read_piece_back(scan, &rows);

        if (status == APR_EAGAIN && again++ < SCAN_RETRIES) {
            continue;
        }
        if (status == APR_SUCCESS) {
            call_rows_back(scan, rows, row, baton, &stop);
        }
        if (status != APR_SUCCESS) {
            return status == APR_NOTFOUND ? APR_SUCCESS : status;
        }
    }
    return APR_SUCCESS;
}

/* `from` is the first key of the scan, or the one to stay before. */
static apr_status_t
scan_with(apr_status_t (*pieces)(scan_t *, llm_row_cb *, void *),
          llm_table_t *table, llm_datum_t from, llm_row_cb *row, void *baton)
{
    scan_t scan = {
        .table = table, .size = SCAN_FIRST, .from_first = !from.data};
    apr_status_t status;

    if (from.len > LLM_KEY_BYTES) {
        return APR_EINVAL;
    }
    if (from.data) {
        memcpy(scan.next, from.data, from.len);
        scan.next_len = from.len;
    }
    scan.bytes = malloc(SCAN_BYTES);
    if (!scan.bytes) {
        return APR_ENOMEM;
    }
    status = pieces(&scan, row, baton);
    free(scan.bytes);
    return status;
}

apr_status_t llm_table_scan(llm_table_t *table, llm_datum_t from,
                            llm_row_cb *row, void *baton)
{
    return scan_with(scan_pieces, table, from, row, baton);
}

apr_status_t llm_table_scan_back(llm_table_t *table, llm_datum_t before,
                                 llm_row_cb *row, void *baton)
{
    return scan_with(scan_pieces_back, table, before, row, baton);
}
