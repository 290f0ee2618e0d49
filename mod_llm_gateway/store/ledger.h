/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage records into the tables, once each: the record itself, the rows of the
 * rollups it counts in, its key's quotas, and how far its journal has been
 * read, all in one transaction.
 *
 * A record is known by its time and request id. One that is there already is
 * not counted again: from the slot of a dead process that is how it should
 * be, from a journal it would be a mistake, and is reported.
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "store/bdb.h"
#include "store/codec.h"
#include "store/dict.h"
#include "store/events.h"
#include "store/rollup.h"

#define LLM_BATCH_RECORDS 4096
#define LLM_BATCH_DAYS    32 /* that its records may be of */

/* A part of a journal, as a position is kept for. */
typedef struct llm_journal_part_id_t {
    apr_uint64_t journal;
    apr_uint32_t part;
} llm_journal_part_id_t;

typedef struct llm_position_t {
    llm_journal_part_id_t of;
    apr_uint64_t records; /* stored of it; LLM_POSITION_GONE: the file is
                             gone, and its row goes too */
} llm_position_t;
#define LLM_POSITION_GONE ((apr_uint64_t)-1)

typedef struct llm_batch_t {
    llm_record_t *records;       /* LLM_BATCH_RECORDS of them */
    unsigned char *is_from_slot; /* one for each record */
    unsigned count;
    apr_uint32_t days[LLM_BATCH_DAYS];
    unsigned day_count;
    apr_array_header_t *positions; /* of llm_position_t */
    apr_uint64_t damaged;          /* records passed over to get here */
    /* results */
    unsigned stored;      /* records that were new */
    unsigned killed;      /* of these, written for the dead */
    unsigned twice;       /* from journals, and known already */
    unsigned first_twice; /* of these, which record */
} llm_batch_t;

llm_batch_t *llm_batch_make(apr_pool_t *pool);
void llm_batch_clear(llm_batch_t *batch);
/* 0 when the batch is full: another one must be begun. */
int llm_batch_add(llm_batch_t *batch, const llm_record_t *record,
                  int is_from_slot);

typedef struct llm_ledger_t llm_ledger_t;

typedef struct llm_ledger_tables_t {
    llm_table_t *meta, *quota, *positions, *recent;
    llm_table_t *rollups[LLM_ROLLUPS];
} llm_ledger_tables_t;

llm_ledger_t *llm_ledger_make(llm_bdb_t *bdb, const llm_ledger_tables_t *tables,
                              llm_dict_t *dict, llm_events_t *events,
                              apr_pool_t *pool);
/* All of the batch on disk, or none of it and a status. */
apr_status_t llm_ledger_store(llm_ledger_t *ledger, llm_batch_t *batch);
/*
 * Stored records are other ones from now on: `is[i]` instead of `was[i]`, of
 * the same time, id, key, model and provider, all of one day, whose table it
 * is; the rollups and their quotas follow. In the caller's
 * transaction, which is to be undone unless this is APR_SUCCESS; what `was` is
 * must have been read in it, or with nobody else writing. At most
 * LLM_BATCH_RECORDS. APR_EINVAL: a sum would be below zero, so it is not that
 * of its records.
 */
apr_status_t llm_ledger_amend(llm_ledger_t *ledger, llm_txn_t *txn,
                              llm_table_t *day, const llm_record_t *was,
                              const llm_record_t *is, unsigned count);
/* What the sums of days and keys add to the quotas, whose days before `from`
 * were dropped. In the transaction. */
apr_status_t llm_ledger_add_quotas(llm_table_t *quota, llm_txn_t *txn,
                                   const llm_sum_t *days, unsigned count,
                                   apr_uint32_t from, llm_sums_t *scratch);
/* Adds the sums to the rows of their groups, from the time `from` on: those
 * before were dropped. In the transaction. */
apr_status_t llm_ledger_add_rows(llm_table_t *table, llm_txn_t *txn,
                                 llm_sums_t *sums, apr_uint32_t from,
                                 llm_buf_t *scratch);
/* Positions as they are stored. */
typedef void llm_position_cb(void *baton, const llm_position_t *position);
apr_status_t llm_ledger_positions(llm_ledger_t *ledger, llm_position_cb *each,
                                  void *baton);

#endif /* STORE_LEDGER_H */
