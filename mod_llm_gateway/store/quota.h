/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each key used in a window of time: a day, a month, all its life, in
 * UTC. It is what budgets are held against, so a row can be had without adding
 * anything up, and it is written in the same transaction as the usage records
 * it counts.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include "core/llm_budget.h"
#include "store/bdb.h"
#include "store/codec.h"

typedef struct llm_quota_id_t {
    llm_window_e window;
    apr_uint32_t start; /* day since 1970 that the window begins with; 0 of
                           LLM_WINDOW_TOTAL */
    apr_uint32_t key;   /* id; 0 anonymous */
} llm_quota_id_t;

typedef struct llm_spend_t {
    apr_uint64_t requests;
    apr_uint64_t tokens_in, tokens_out; /* of all classes but images */
    apr_uint64_t cost;                  /* nano-dollars of the priced ones */
    apr_uint64_t unpriced;              /* requests whose cost is unknown */
} llm_spend_t;

/* The day the window begins with that `day` is in. */
apr_uint32_t llm_quota_start(llm_window_e window, apr_uint32_t day);
void llm_spend_add_totals(llm_spend_t *spend, const llm_totals_t *totals);

/* All zero when there is no row. txn may be NULL. */
apr_status_t llm_quota_get(llm_spend_t *spend, llm_table_t *table,
                           llm_txn_t *txn, const llm_quota_id_t *id);
/* Would the sum be below zero with the difference, a number in two's
 * complement? Then the sum is not what was added to it before. */
int llm_quota_lacks(apr_uint64_t sum, apr_uint64_t difference);
/* Adds to the row; what has no requests is a difference and may be negative, in
 * two's complement. APR_EINVAL: the row would be below zero. */
apr_status_t llm_quota_add(llm_table_t *table, llm_txn_t *txn,
                           const llm_quota_id_t *id, const llm_spend_t *more);

/* Rows as they are stored. They sort by window, start and key. */
#define LLM_QUOTA_KEY 9
void llm_quota_write_id(unsigned char *bytes, const llm_quota_id_t *id);
/* 1; 0 when it is no such row. */
int llm_quota_read(llm_quota_id_t *id, llm_spend_t *spend, llm_datum_t key,
                   llm_datum_t value);

#endif /* STORE_QUOTA_H */
