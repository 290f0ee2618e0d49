/* SPDX-License-Identifier: Apache-2.0 */
/* Does a smaller rollup say what the one says that knows everything? */
#ifndef STORE_CHECK_ROLLUPS_H
#define STORE_CHECK_ROLLUPS_H

#include "store/report.h"
#include "store/task.h"

/*
 * Compares a day's rows of the smaller rollups with those of the whole ones.
 * *pname: the first table that differs, or NULL. Those of hours only where the
 * hours are kept.
 */
apr_status_t llm_check_rollups(const char **pname, llm_task_t *task,
                               apr_uint32_t day, int has_hours);

#endif /* STORE_CHECK_ROLLUPS_H */
