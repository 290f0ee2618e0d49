/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store as text, and back: JSON lines, one for each row of each table.
 *
 *   {"dump":"llm-gateway","version":1,"format":F,"written":"...","by":"..."}
 *   {"table":"keys","key":"00000001","value":"0101..."}
 *   ...
 *   {"end":{"rows":N,"crc32c":"89abcdef"}}
 *
 * Keys and values are hexadecimal, byte by byte what store-format.md says;
 * rows are in the order of their keys, the tables in the order of tables.def,
 * the events' tables last, by day. The checksum is of all lines of rows, each
 * with its line end: two dumps that end in the same line hold the same.
 */
#ifndef STORE_DUMP_H
#define STORE_DUMP_H

#include "core/llm.h"

#include <stdio.h>

#include <apr_errno.h>

/* After each some thousand rows. Non-zero gives up. */
typedef int llm_dump_cb(void *baton, apr_uint64_t rows);

typedef struct llm_dump_t {
    FILE *file;
    llm_dump_cb *each; /* or NULL */
    void *baton;
    apr_uint64_t rows; /* result */
    const char *what;  /* result: why it failed, for people; or NULL */
} llm_dump_t;

/* All tables in `env`, a copy that nobody else has open. */
apr_status_t llm_dump_write(llm_dump_t *dump, const char *env, apr_time_t now,
                            apr_pool_t *pool);
/* Into `env`, an empty folder. APR_EINVAL: the file is not a whole dump;
 * APR_ENOTIMPL: a newer program's. */
apr_status_t llm_dump_read(llm_dump_t *dump, const char *env, apr_pool_t *pool);

#endif /* STORE_DUMP_H */
