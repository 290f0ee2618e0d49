/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept for how long. Whatever grows with time is dropped here, a little
 * at a time, so that nobody waits for it: records a day, rows some thousand.
 */
#ifndef STORE_KEEP_H
#define STORE_KEEP_H

#include "store/inside.h"

#define LLM_KEEP_EVENTS 90   /* days, where nothing else is set */
#define LLM_KEEP_HOURS  400  /* days of sums by hour */
#define LLM_KEEP_AUDIT  1095 /* days */
/* Days after which whose a response is does not matter: OpenAI and Azure keep
 * them for 30. Files and batches are kept until they are deleted. */
#define LLM_KEEP_RESPONSES 90
/* Days of the quota windows of a day; the others stay. */
#define LLM_KEEP_QUOTA_DAYS 400

/* One step. *pmore: there is more to be dropped, soon. Only the owner's
 * thread. */
apr_status_t llm_keep_step(int *pmore, llm_store_t *store, apr_time_t now);

/* From which hour on the sums by hour are all there, and from which day on the
 * quota windows of a day. 0: all of them ever were. */
apr_status_t llm_keep_hours_from(apr_uint32_t *phour, llm_store_t *store);
apr_status_t llm_keep_quota_from(apr_uint32_t *pday, llm_store_t *store);

#endif /* STORE_KEEP_H */
