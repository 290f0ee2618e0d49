/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy of the store in one state, made beside the owner's work: what a
 * backup keeps, what a check of the pages and a dump read.
 *
 *   <folder>/env/      tables, then the logs that make them consistent
 *   <folder>/journal/  the children's journals
 *
 * The order makes it complete. Tables are copied first, journals next, logs
 * last: a record that was acknowledged before the copy began is in a journal
 * when these are copied, or was committed before its journal was removed, and
 * then the logs have it. How far a journal was read is a row of the same
 * state, so a copy that is opened with its journals counts each record once.
 */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/inside.h"

/* What the folder of a copy in the making is called, within the store's. */
#define LLM_COPY_PREFIX "copy-"
/* Files in it that are locked with flock: by who works on it, and by the owner
 * while it is being made. */
#define LLM_COPY_BUSY   "busy"
#define LLM_COPY_MAKING "making"

/* What was copied so far. */
typedef struct llm_copy_state_t {
    const char *file;   /* the one that is done, or NULL: nothing yet */
    apr_uint64_t bytes; /* so far */
    apr_uint64_t total; /* expected, when the copy began */
    unsigned files;
} llm_copy_state_t;

/* After each file. Non-zero gives up. */
typedef int llm_copy_cb(void *baton, const llm_copy_state_t *state);

/* Into a folder that is there and empty. From any thread. APR_EINTR: given
 * up. */
apr_status_t llm_store_copy(llm_store_t *store, const char *folder,
                            llm_copy_cb *each, void *baton,
                            llm_copy_state_t *state, apr_pool_t *pool);

#endif /* STORE_COPY_H */
