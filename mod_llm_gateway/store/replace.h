/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting another store in the place of one: what restore and load share.
 *
 * The new one is made beside the old one, as a store folder of its own,
 * <dir>/replaced-<time>. When it is whole, was recovered, verified and summed,
 * the two change places: the replaced one is then in that folder, to be looked
 * at, put back or removed. A process killed before leaves the store as it was
 * and a folder marked as unfinished, which the next one removes.
 *
 * No gateway may live. Journals that lie in the store are carried over, for
 * they may hold what nobody has stored; each record counts once, since how far
 * they were read is in the tables.
 */
#ifndef STORE_REPLACE_H
#define STORE_REPLACE_H

#include "core/llm_buf.h"
#include "store/folder.h"

#include <apr_tables.h>

typedef struct llm_replace_t llm_replace_t;

#define LLM_REPLACED_PREFIX "replaced-"

/* Takes the store's lock and makes the new folder. APR_EBUSY: a gateway
 * lives. As root the caller became the folder's user before
 * (llm_folder_become). */
apr_status_t llm_replace_begin(llm_replace_t **preplace, const char *dir,
                               apr_time_t now, const char **pwhat,
                               apr_pool_t *pool);
/* Of the new store: its env/ and journal/, empty at first. */
const char *llm_replace_env(const llm_replace_t *replace);
const char *llm_replace_journal(const llm_replace_t *replace);

/* 1 when the store holds nothing anybody made: no key, no record, no change. */
apr_status_t llm_replace_is_empty(int *pempty, llm_replace_t *replace,
                                  const char **pwhat);

/* What was found in the new store. */
typedef struct llm_replaced_t {
    const char *aside;    /* where the old one is; NULL: it held nothing */
    int agrees;           /* records, hours, days and quotas do */
    apr_uint64_t records; /* usage records ever stored */
} llm_replaced_t;

/* Carries the journals over, recovers, verifies, sums and puts it in place.
 * `copied`: env/ is a copy that was never opened. On failure the store is as
 * it was. */
apr_status_t llm_replace_finish(llm_replaced_t *presult, llm_replace_t *replace,
                                int copied, const char **pwhat);
/* Gives up and removes the new folder; nothing after a finish that did. */
void llm_replace_end(llm_replace_t *replace);

#endif /* STORE_REPLACE_H */
