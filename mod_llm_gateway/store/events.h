/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The usage records themselves: a table for each UTC day, so that a day can
 * be dropped as a whole. Tables are opened when they are needed and kept open
 * while somebody uses them; any thread may.
 */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "store/bdb.h"

typedef struct llm_events_t llm_events_t;

/* `home`: the environment's folder. */
apr_status_t llm_events_make(llm_events_t **pevents, llm_bdb_t *bdb,
                             const char *home, apr_pool_t *pool);
/* The day's table until llm_events_done. With `make` 0 a day without a table
 * is APR_NOTFOUND. APR_EBUSY: too many days are in use at once. */
apr_status_t llm_events_use(llm_table_t **ptable, llm_events_t *events,
                            apr_uint32_t day, int make);
void llm_events_done(llm_events_t *events, llm_table_t *table);
/* The name of a day's file. */
const char *llm_events_file(apr_uint32_t day, apr_pool_t *pool);
/* Days that have a table, ascending: of apr_uint32_t. */
apr_status_t llm_events_days(apr_array_header_t **pdays, llm_events_t *events,
                             apr_pool_t *pool);
/* Removes the days before `day` that nobody uses, at most `limit` of them;
 * 40 ms each. */
apr_status_t llm_events_drop(llm_events_t *events, apr_uint32_t day,
                             unsigned limit, unsigned *pdropped);
/* Closes all; nobody may use one. */
void llm_events_close(llm_events_t *events);

#endif /* STORE_EVENTS_H */
