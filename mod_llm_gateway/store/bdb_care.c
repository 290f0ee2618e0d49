/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies and care of the files, with Berkeley DB 5.3.
 *
 * DB_ENV->dbbackup copies a file beside those who write to it, and keeps them
 * from a range of pages while it reads that; the library's db_hotbackup reads
 * files behind its back and cannot be used on a private environment. A file
 * that was begun is not a copy before its logs were applied.
 *
 * DB->compact moves rows together and cuts the file at its last used page. It
 * locks pages as a transaction does; asked for a few pages at a time it never
 * holds them for long. To cut the file each time would: it looks at all that
 * is free, so that comes once, last.
 */
#include "store/bdb_care.h"

#include "core/llm_log.h"
#include "store/bdb_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <db.h>

#define VERIFY_CACHE (32u << 20)
#define FILL_PERCENT 90 /* of a page, after its rows were moved together */

struct llm_compact_place_t {
    unsigned char key[LLM_KEY_BYTES];
    u_int32_t len;
};

apr_status_t llm_bdb_hold_logs(llm_bdb_t *bdb, int hold)
{
    return llm_bdb_status(
        bdb, bdb->env->log_set_config(bdb->env, DB_LOG_AUTO_REMOVE, !hold));
}

apr_status_t llm_bdb_copy_table(llm_bdb_t *bdb, const char *file,
                                const char *to)
{
    int result = bdb->env->dbbackup(bdb->env, file, to, DB_EXCL);

    return result == ENOENT ? APR_NOTFOUND : llm_bdb_status(bdb, result);
}

apr_status_t llm_bdb_logs(apr_array_header_t **plogs, llm_bdb_t *bdb,
                          apr_pool_t *pool)
{
    char **list = NULL, **name;
    int result = bdb->env->log_flush(bdb->env, NULL);

    *plogs = apr_array_make(pool, 8, sizeof(const char *));
    if (!result) {
        result = bdb->env->log_archive(bdb->env, &list, DB_ARCH_LOG);
    }
    for (name = list; !result && name && *name; ++name) {
        APR_ARRAY_PUSH(*plogs, const char *) = apr_pstrdup(pool, *name);
    }
    free((void *)list);
    return llm_bdb_status(bdb, result);
}

static void log_verify(const DB_ENV *env, const char *prefix,
                       const char *message)
{
    (void)env;
    llm_log(LLM_LOG_ERR, APR_SUCCESS, "%s: %s", prefix ? prefix : "a table",
            message);
}

apr_status_t llm_bdb_verify(const char *path)
{
    DB *db;
    int result = db_create(&db, NULL, 0);

    if (result) {
        return result > 0 ? result : APR_EGENERAL;
    }
    db->set_errcall(db, log_verify);
    db->set_errpfx(db, path);
    result = db->set_cachesize(db, 0, VERIFY_CACHE, 1);
    if (result) {
        db->close(db, 0);
        return APR_EGENERAL;
    }
    /* The handle is gone whatever comes of it. */
    result = db->verify(db, path, NULL, NULL, 0);
    if (result == DB_VERIFY_BAD || result == EINVAL) {
        return APR_EINVAL;
    }
    return result > 0 ? result : result ? APR_EINVAL : APR_SUCCESS;
}

/* The row with which a piece ends. */
typedef struct piece_t {
    unsigned rows; /* still to come */
    llm_compact_place_t end;
} piece_t;

static int count_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    piece_t *piece = baton;

    (void)value;
    if (--piece->rows) {
        return 0;
    }
    memcpy(piece->end.key, key.data, key.len);
    piece->end.len = (u_int32_t)key.len;
    return 1;
}

/* Its limit of pages counts those it frees: a table that is dense would be
 * gone through in one call. So a piece is told by its keys. */
apr_status_t llm_table_compact(llm_table_t *table, llm_compact_place_t **pplace,
                               unsigned rows, apr_uint64_t *pfreed,
                               apr_pool_t *pool)
{
    DB_COMPACT work = {.compact_fillpercent = FILL_PERCENT};
    llm_compact_place_t *place = *pplace;
    piece_t piece = {.rows = rows};
    DBT start = {0}, stop = {0};
    int result;
    apr_status_t status = llm_table_scan(
        table, place ? (llm_datum_t){place->key, place->len} : LLM_DATUM_NONE,
        count_row, &piece);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (place) {
        start.data = place->key;
        start.size = place->len;
    }
    stop.data = piece.end.key;
    stop.size = piece.end.len;
    result = table->db->compact(table->db, NULL, place ? &start : NULL,
                                piece.end.len ? &stop : NULL, &work, 0, NULL);
    if (!result && !piece.end.len) {
        memset(&work, 0, sizeof(work));
        result = table->db->compact(table->db, NULL, NULL, NULL, &work,
                                    DB_FREELIST_ONLY, NULL);
        *pfreed += work.compact_pages_truncated;
    }
    if (!result) {
        *pplace = piece.end.len
                      ? apr_pmemdup(pool, &piece.end, sizeof(piece.end))
                      : NULL;
    }
    return llm_bdb_status(table->bdb, result);
}
