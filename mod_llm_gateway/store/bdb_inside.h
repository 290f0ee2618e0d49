/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files bdb*.c share. The types of libdb are named and not shown, so
 * that db.h stays in those files.
 */
#ifndef STORE_BDB_INSIDE_H
#define STORE_BDB_INSIDE_H

#include "store/bdb.h"

struct llm_bdb_t {
    struct __db_env *env;
    int dead; /* the engine said that recovery is needed */
};

struct llm_table_t {
    llm_bdb_t *bdb;
    struct __db *db;
};

/* libdb's result as ours; notes that the engine gave up. */
apr_status_t llm_bdb_status(llm_bdb_t *bdb, int result);

#endif /* STORE_BDB_INSIDE_H */
