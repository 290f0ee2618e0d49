/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tool calls of a streamed answer, kept until they are whole: for clients
 * whose dialect has no pieces of arguments.
 *
 * Calls and pieces may come in any order; what a call's arguments are is known
 * only when nothing more of them comes, so the writer decides when that is.
 * What is kept is bounded, in number and in bytes.
 */
#ifndef DIALECT_KEPT_CALLS_H
#define DIALECT_KEPT_CALLS_H

#include "dialect/common.h"

typedef struct llm_kept_calls_t llm_kept_calls_t;

/* Empty. The calls' memory is given back when they are taken. */
llm_kept_calls_t *llm_kept_calls_make(apr_pool_t *pool);

int llm_kept_calls_count(const llm_kept_calls_t *kept);

/* CALL and ARGS. NULL, or a phrase saying what the provider did: pieces of a
 * call that was taken already, or never began, would make of it what the model
 * did not say. */
const char *llm_kept_calls_add(llm_kept_calls_t *kept,
                               const llm_delta_t *delta);

/* Every call, in the order in which they began; then none is kept. `number`
 * counts all calls ever taken, from 0. */
typedef void llm_kept_call_cb(void *baton, const llm_call_t *call, int number);
void llm_kept_calls_take(llm_kept_calls_t *kept, llm_kept_call_cb *each,
                         void *baton);

#endif /* DIALECT_KEPT_CALLS_H */
