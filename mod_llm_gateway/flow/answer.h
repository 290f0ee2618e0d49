/* SPDX-License-Identifier: Apache-2.0 */
/* A whole answer, given out as the pieces of a stream: for a client that
 * asked for a stream and a provider that did not send one. */
#ifndef FLOW_ANSWER_H
#define FLOW_ANSWER_H

#include "core/llm.h"

void llm_answer_each_delta(const llm_answer_t *answer, llm_delta_cb *emit,
                           void *baton, apr_pool_t *pool);

#endif /* FLOW_ANSWER_H */
