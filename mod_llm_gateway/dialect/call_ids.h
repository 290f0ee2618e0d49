/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of calls that a conversation uses more than once: some servers count
 * their calls anew in each answer ("functions.f:0"), and Anthropic, Bedrock
 * and Mistral's models refuse a request in which two are alike.
 */
#ifndef DIALECT_CALL_IDS_H
#define DIALECT_CALL_IDS_H

#include "dialect/dialect.h"

/* `turns` itself where no two calls have one id; else a copy in `pool` in
 * which the later ones have another, and so the results that answer them. */
const llm_turn_t *llm_call_ids_apart(const llm_turn_t *turns, apr_pool_t *pool);

#endif /* DIALECT_CALL_IDS_H */
