/* SPDX-License-Identifier: Apache-2.0 */
/* A usage record as the row of an answer; store/command.h has its members. */
#ifndef STORE_EVENT_ROW_H
#define STORE_EVENT_ROW_H

#include "store/task.h"

/* number: in the order of arrival; 0 leaves it out. APR_EOF as llm_task_end. */
apr_status_t llm_event_say(llm_task_t *task, const llm_record_t *record,
                           apr_uint64_t number);

#endif /* STORE_EVENT_ROW_H */
