/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of an environment, and the care of its files: what backup, check,
 * dump and compact need of the engine besides tables.
 *
 * A copy is made table by table while others write. What a table's copy lacks
 * of a later change, and what it has of an unfinished one, the logs know:
 * they are copied last, none may be removed meanwhile (llm_bdb_hold_logs), and
 * the copy is opened with llm_bdb_open_copy, which applies all of them.
 */
#ifndef STORE_BDB_CARE_H
#define STORE_BDB_CARE_H

#include "store/bdb.h"

#include <apr_tables.h>

/* hold 1: no log is removed until it is called with 0. */
apr_status_t llm_bdb_hold_logs(llm_bdb_t *bdb, int hold);
/* A table's file into the folder `to`; pages are never torn, and nobody who
 * writes waits for longer than a piece takes. APR_NOTFOUND: the file has been
 * removed meanwhile. */
apr_status_t llm_bdb_copy_table(llm_bdb_t *bdb, const char *file,
                                const char *to);
/* The logs there are now, by name, oldest first: of const char *. Everything
 * that was logged before is in them. */
apr_status_t llm_bdb_logs(apr_array_header_t **plogs, llm_bdb_t *bdb,
                          apr_pool_t *pool);

/* A copy, for the first time: all its logs are applied. Its own process has it
 * to itself. */
apr_status_t llm_bdb_open_copy(llm_bdb_t **pbdb, const char *home,
                               apr_pool_t *pool);
/* Every page of a file that nobody has open. APR_EINVAL: it is damaged, and
 * the log says where. */
apr_status_t llm_bdb_verify(const char *path);

/*
 * Gives space of a table back, a piece of it with each call: at most `rows`
 * rows from the place in *pplace (NULL: from its begin), which is moved on;
 * NULL when the end was reached. *pfreed: pages that went back to the file
 * system are added. Whoever writes to these pages waits as long as a call
 * takes.
 */
typedef struct llm_compact_place_t llm_compact_place_t;
apr_status_t llm_table_compact(llm_table_t *table, llm_compact_place_t **pplace,
                               unsigned rows, apr_uint64_t *pfreed,
                               apr_pool_t *pool);

#endif /* STORE_BDB_CARE_H */
