/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a provider's bytes to the client's: what stream.c offers attempts.c.
 * Each call may move the attempt to COMMITTED, DONE or FAILED.
 */
#ifndef FLOW_STREAM_H
#define FLOW_STREAM_H

#include "flow/flow.h"

void llm_stream_feed(llm_attempt_t *attempt, const char *data, apr_size_t len,
                     apr_time_t now);
void llm_stream_close(llm_attempt_t *attempt, apr_time_t now);
void llm_stream_fail(llm_attempt_t *attempt, llm_problem_t *problem,
                     apr_time_t now);

#endif /* FLOW_STREAM_H */
