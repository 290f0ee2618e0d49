/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of the command "check": each quota is what its key used in the days
 * of its window, and nothing is missing.
 */
#ifndef STORE_CHECK_QUOTAS_H
#define STORE_CHECK_QUOTAS_H

#include "store/task.h"

typedef struct llm_quotas_checked_t {
    apr_uint64_t requests;    /* of all keys, in their windows without an end */
    apr_uint64_t differences; /* windows of a key that do not agree; each was
                                 sent as a row */
} llm_quotas_checked_t;

apr_status_t llm_check_quotas(llm_quotas_checked_t *checked, llm_task_t *task);

#endif /* STORE_CHECK_QUOTAS_H */
