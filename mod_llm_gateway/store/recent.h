/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which usage records arrived: for those who follow them live.
 *
 * Records are numbered from 1 in the order they were stored; the number of the
 * last one is LLM_META_RECORDS. The table knows the last LLM_RECENT numbers
 * and by which key of the events each record is found. It is written in the
 * transaction that stores the records, so a number is one record for ever,
 * whoever owns the store; and it is a ring, so it does not grow.
 */
#ifndef STORE_RECENT_H
#define STORE_RECENT_H

#include "store/bdb.h"
#include "store/codec.h"

#define LLM_RECENT 65536

/* The records that follow number `last`: their keys, LLM_EVENT_KEY bytes each,
 * one behind the other. */
apr_status_t llm_recent_add(llm_table_t *table, llm_txn_t *txn,
                            apr_uint64_t last, const unsigned char *keys,
                            unsigned count);

/* Non-zero stops. */
typedef int llm_recent_cb(void *baton, apr_uint64_t number,
                          const unsigned char *key);
/* Those numbered above `after`, up to `last`, in their order. *pmissed: how
 * many of them the table does not know any more. Any thread. */
apr_status_t llm_recent_each(apr_uint64_t *pmissed, llm_table_t *table,
                             apr_uint64_t after, apr_uint64_t last,
                             llm_recent_cb *each, void *baton);

#endif /* STORE_RECENT_H */
