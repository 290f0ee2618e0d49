/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store from inside: what its owner's loop and its commands share.
 *
 * One thread writes: the one that opened the store. Commands that only read
 * may run in others; what they touch is either safe for that by itself or
 * behind `mutex`.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/bdb.h"
#include "store/dict.h"
#include "store/drain.h"
#include "store/events.h"
#include "store/folder.h"
#include "store/keyring.h"
#include "store/ledger.h"
#include "store/store.h"

#include <apr_thread_mutex.h>

typedef struct llm_tables_t {
#define TABLE(name) llm_table_t *name;
#include "store/tables.def"
#undef TABLE
} llm_tables_t;

struct llm_store_t {
    apr_pool_t *pool;
    llm_folder_t *folder;
    const char *version; /* of the program */
    unsigned keep_days, keep_hours, keep_audit;
    llm_snapshot_t *snapshot; /* or NULL */
    llm_inflight_t *inflight; /* or NULL */
    llm_bdb_t *bdb;
    llm_tables_t tables;
    llm_events_t *events;
    llm_dict_t *dict;
    llm_keyring_t *keyring;
    llm_ledger_t *ledger;
    llm_drain_t *drain;
    apr_uint64_t format; /* of the store */
    apr_time_t opened;
    apr_time_t checkpointed; /* by llm_store_maintain */
    apr_time_t pruned;
    apr_uint64_t audit_seq;      /* of this owner's audit rows */
    volatile int is_stopping;    /* commands that read should give up */
    apr_thread_mutex_t *writing; /* held while a transaction is made: who
                                    has it sees nothing change */
    apr_thread_mutex_t *mutex;   /* over the members below */
    llm_health_t health;
    llm_drain_state_t drained;
    const char *error; /* what failed last; a constant */
    apr_status_t error_status;
    apr_time_t error_at;
    unsigned copies; /* being made of the store now (store/copy.h) */
    /* where the look for old responses goes on; empty: at the first row */
    unsigned char objects_from[LLM_KEY_BYTES];
    apr_size_t objects_from_len;
};

/* The store without its lock, which the caller has, and without the drain. */
apr_status_t llm_store_open_locked(llm_store_t **pstore, llm_folder_t *folder,
                                   const llm_store_options_t *options,
                                   const char **pwhat, apr_pool_t *pool);
/* Can this process do anything with it still? */
int llm_store_is_dead(const llm_store_t *store);
/* Notes a failure for status and health; APR_SUCCESS: it is over. */
void llm_store_note(llm_store_t *store, apr_status_t status, const char *what);
/* Tells the children that the owner lives. */
void llm_store_beat(llm_store_t *store, apr_time_t now);

#endif /* STORE_INSIDE_H */
