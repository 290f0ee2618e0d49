/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's side of journals and in-flight slots: what the children wrote
 * goes into the ledger, what the dead left is settled and removed.
 */
#ifndef STORE_DRAIN_H
#define STORE_DRAIN_H

#include "store/folder.h"
#include "store/inflight.h"
#include "store/ledger.h"

typedef struct llm_drain_t llm_drain_t;

/* What there is to see of it. */
typedef struct llm_drain_state_t {
    unsigned journals;                   /* parts in the folder */
    apr_uint64_t backlog;                /* records seen and not yet stored */
    apr_uint64_t stored;                 /* records, since this owner began */
    apr_uint64_t damaged, killed, twice; /* the same, of the odd ones */
} llm_drain_state_t;

/* `inflight` may be NULL. */
apr_status_t llm_drain_make(llm_drain_t **pdrain, const llm_folder_t *folder,
                            llm_ledger_t *ledger, llm_inflight_t *inflight,
                            apr_pool_t *pool);
/*
 * At most a batch of records from the journals, then the slots of those whose
 * journals are finished. *pdrained: records stored; 0 when there was nothing
 * left to do. After a failure nothing is lost: what was not committed is read
 * again.
 */
apr_status_t llm_drain_run(llm_drain_t *drain, unsigned *pdrained);
const llm_drain_state_t *llm_drain_state(const llm_drain_t *drain);

#endif /* STORE_DRAIN_H */
