/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store, as its one owner sees it.
 *
 * One process owns a store folder, behind a lock; nobody else ever opens its
 * Berkeley DB. The owner is `llm_owner_run` in a process the module forks, or
 * llmgwctl while no gateway runs. Both serve the same commands.
 *
 *   <dir>/store.lock   held with fcntl by the owner
 *   <dir>/env/         Berkeley DB environment
 *   <dir>/journal/     the children's journals
 *   <dir>/inflight2    running requests
 *   <dir>/owner.sock   the owner's socket, or a symbolic link to it
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/llm_buf.h"
#include "core/llm_json.h"
#include "store/codec.h"
#include "store/inflight.h"
#include "store/journal.h"
#include "store/snapshot.h"

typedef struct llm_store_t llm_store_t;

typedef struct llm_store_options_t {
    const char *dir;
    const char *socket;       /* absolute; NULL: <dir>/owner.sock */
    llm_snapshot_t *snapshot; /* kept up to date; NULL: none wanted */
    llm_inflight_t *inflight; /* NULL: <dir>/inflight is opened if it is
                                   there */
    int wait;                 /* wait for the lock; else APR_EBUSY */
    /* Days; 0: the default of store/keep.h. */
    unsigned keep_days;  /* usage records */
    unsigned keep_hours; /* sums by hour */
    unsigned keep_audit; /* who changed what */
    const char *version; /* of the program, for status */
} llm_store_options_t;

/*
 * Makes the folder (not its parents) and what must be in it before the first
 * process starts, and gives it to the user the gateway runs as. For a parent
 * that is root; another must be that user already. May be called again.
 */
apr_status_t llm_store_prepare(const char *dir, apr_uint32_t uid,
                               apr_uint32_t gid, const char **pwhat,
                               apr_pool_t *pool);

/*
 * Takes the lock, recovers, checks the schema, loads the snapshot, drains what
 * the dead left. Statuses: APR_EBUSY (another owner), APR_EACCES
 * (wrong owner or mode of the folder), APR_ENOTIMPL (written by a newer
 * version), APR_EINVAL (DB_CONFIG or not a store), else errno. *pwhat is a
 * phrase for people, set on failure; never NULL then.
 */
apr_status_t llm_store_open(llm_store_t **pstore,
                            const llm_store_options_t *options,
                            const char **pwhat, apr_pool_t *pool);
/* Drains a batch of the journals, in one transaction, then the slots of the
 * dead. *pdrained: records stored; 0: nothing is left to do. After a failure
 * nothing is lost, and the next tick tries again. */
apr_status_t llm_store_tick(llm_store_t *store, unsigned *pdrained);
/* Checkpoint, retention, former secrets that ended; cheap when there is nothing
 * to do. */
apr_status_t llm_store_maintain(llm_store_t *store, apr_time_t now);
apr_status_t llm_store_close(llm_store_t *store);

/*
 * The owner's process: opens, then ticks (every 50 ms), serves the socket and
 * maintains until *stop becomes non-zero; drains once more and closes.
 * `bound` (may be NULL) is called when the socket is bound and before
 * anything else is opened: the place to give up root. Both files belong to the
 * folder's user by then. APR_EGENERAL after the loop began: the engine is broken
 * and another process has to recover; start it as after a crash.
 */
typedef apr_status_t llm_owner_bound_cb(void *baton, const char *socket_path,
                                        const char *lock_path);
apr_status_t llm_owner_run(const llm_store_options_t *options,
                           llm_owner_bound_cb *bound, void *baton,
                           volatile int *stop, apr_pool_t *pool);

#endif /* STORE_STORE_H */
