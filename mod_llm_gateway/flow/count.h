/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many tokens a question has, where no provider is asked.
 */
#ifndef FLOW_COUNT_H
#define FLOW_COUNT_H

#include "flow/flow.h"

/* The whole reply to a request of LLM_OP_COUNT, counted here by the encoding
 * of the first upstream's model, and marked as an estimate. NULL, or what is
 * wrong with the request. */
llm_problem_t *llm_count_reply(llm_exchange_t *x);

#endif /* FLOW_COUNT_H */
