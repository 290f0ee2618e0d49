/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are running now: one slot each in a file that all processes
 * map. It is why a request whose child is killed still leaves its record: the
 * owner finds the slots of the dead and settles them as they stood.
 *
 * A slot is taken before the first upstream attempt and given back after the
 * request's record was put into the journal. A child that dies between the
 * two leaves both; the owner drains the dead child's journal first and puts
 * the slot's record afterwards, where its request id is a duplicate and is
 * ignored. So each request is counted once in every case.
 *
 * A request is known by its record's id and the time it began: both must be
 * the same in its slot and in the journal.
 *
 * Where the journal cannot be written (a full disk), a finished request's slot
 * is left to the owner, who stores its record from there.
 *
 * Only the slot's holder writes its record; the owner reads it only after the
 * holder's journal lock is free, or it was left to him.
 *
 * The file's name ends with the version of its format. What version 1 left
 * lies beside it, perhaps with processes that still use it, until the owner has
 * settled it.
 */
#ifndef STORE_INFLIGHT_H
#define STORE_INFLIGHT_H

#include "core/llm_record.h"

#define LLM_INFLIGHT_FILE   "inflight2" /* in the store's folder */
#define LLM_INFLIGHT_FILE_1 "inflight"  /* of version 1 */

typedef struct llm_inflight_t llm_inflight_t; /* the mapped file */
typedef struct llm_slot_t llm_slot_t;

/* Opens or makes `path` with room for at least `slots` requests (the space is
 * really allocated: no SIGBUS on a full disk). An existing file keeps its size
 * when it is larger and what its slots hold. Made by root, it belongs to its
 * folder's user. Inherited over fork; unmapped by
 * a cleanup of the pool. APR_EINVAL: something else is there; APR_ENOTIMPL: a
 * newer version made it. A process sees the slots there were when it opened. */
apr_status_t llm_inflight_open(llm_inflight_t **pinflight, const char *path,
                               unsigned slots, apr_pool_t *pool);
/* NULL when none is free. `journal` is llm_journal_id of this process.
 * Thread-safe, wait-free; each thread starts looking at a place of its own. */
llm_slot_t *llm_inflight_take(llm_inflight_t *inflight, apr_uint64_t journal,
                              const llm_record_t *record);
/* What is known so far; cheap enough (0.5 us) for every few events of a
 * stream. One thread at a time. */
void llm_inflight_update(llm_slot_t *slot, const llm_record_t *record);
void llm_inflight_release(llm_slot_t *slot);
/* Instead of the release: the request is over, and its record, this one, could
 * not be put. The slot is the owner's now. */
void llm_inflight_leave(llm_inflight_t *inflight, llm_slot_t *slot,
                        const llm_record_t *record);
/* Slots taken now; counts them, 8 bytes of memory a slot. */
unsigned llm_inflight_count(const llm_inflight_t *inflight);
unsigned llm_inflight_size(const llm_inflight_t *inflight);

/* The owner: opens what version 1 of the program made, to sweep it; nobody
 * takes a slot there. ENOENT when there is none. */
apr_status_t llm_inflight_open_former(llm_inflight_t **pinflight,
                                      const char *path, apr_pool_t *pool);
/* Was a slot left to the owner since the last time? */
int llm_inflight_rang(llm_inflight_t *inflight);
/* The owner: calls back for each slot that was left to him (`left`), or whose
 * journal is not alive, until the callback returns non-zero; settled slots are
 * given back with llm_inflight_reap *after* their records are committed.
 * `record` is NULL where the holder died before it had written one: nothing to
 * settle. */
typedef int llm_inflight_alive_cb(void *baton, apr_uint64_t journal);
typedef int llm_inflight_dead_cb(void *baton, llm_slot_t *slot,
                                 const llm_record_t *record, int left);
void llm_inflight_sweep(llm_inflight_t *inflight, llm_inflight_alive_cb *alive,
                        llm_inflight_dead_cb *dead, void *baton);
void llm_inflight_reap(llm_slot_t *slot);

#endif /* STORE_INFLIGHT_H */
