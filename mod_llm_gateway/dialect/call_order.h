/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a reader and a writer: tool calls whose arguments a provider mixes,
 * one behind the other. OpenAI's form allows pieces of several calls in any
 * order; in the others a call is told in one go.
 */
#ifndef DIALECT_CALL_ORDER_H
#define DIALECT_CALL_ORDER_H

#include "dialect/common.h"

typedef struct llm_call_order_t llm_call_order_t;

/* What comes out goes to `emit`, during llm_call_order_take. */
llm_call_order_t *llm_call_order_make(llm_delta_cb *emit, void *baton,
                                      apr_pool_t *pool);
/* llm_delta_cb; baton is the llm_call_order_t. */
void llm_call_order_take(void *baton, const llm_delta_t *delta);

#endif /* DIALECT_CALL_ORDER_H */
