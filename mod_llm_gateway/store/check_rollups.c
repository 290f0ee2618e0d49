/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row by row: a day's rows of the smaller rollup beside what the whole one's
 * rows are by the same fields.
 */
#include "store/check_rollups.h"

#include <string.h>

#define GROUPS 4000000 /* of a day */

static apr_status_t sum_of(llm_sums_t **psums, llm_task_t *task,
                           apr_uint32_t day, llm_rollup_e which, unsigned by,
                           apr_pool_t *pool)
{
    const llm_query_t query = {.from_hour = day * 24,
                               .until_hour = day * 24 + 24,
                               .by = by,
                               .stop = &task->store->is_stopping};

    *psums = llm_sums_make(GROUPS, pool);
    return llm_report_rollup(*psums, &query, which, task->store);
}

static int is_same(llm_sums_t *a, llm_sums_t *b)
{
    const llm_sum_t *x = llm_sums_sort(a), *y = llm_sums_sort(b);
    unsigned count = llm_sums_count(a), i;

    if (count != llm_sums_count(b)) {
        return 0;
    }
    for (i = 0; i < count; ++i) {
        if (llm_group_compare(&x[i].group, &y[i].group)
            || memcmp(&x[i].totals, &y[i].totals, sizeof(x[i].totals)) != 0) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t compare(int *psame, llm_task_t *task, apr_uint32_t day,
                            llm_rollup_e which)
{
    llm_rollup_e whole = llm_rollup_whole(which);
    unsigned by = llm_rollups[which].fields
                  | (llm_rollups[which].hours > 1 ? LLM_BY_DAY : LLM_BY_HOUR);
    llm_sums_t *its, *wanted;
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, task->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = sum_of(&its, task, day, which, by, pool);
    if (status == APR_SUCCESS) {
        status = sum_of(&wanted, task, day, whole, by, pool);
    }
    *psame = status == APR_SUCCESS && is_same(its, wanted);
    apr_pool_destroy(pool);
    return status;
}

apr_status_t llm_check_rollups(const char **pname, llm_task_t *task,
                               apr_uint32_t day, int has_hours)
{
    apr_status_t status = APR_SUCCESS;
    int i, same = 1;

    *pname = NULL;
    for (i = 0; i < LLM_ROLLUPS && same && status == APR_SUCCESS; ++i) {
        llm_rollup_e which = (llm_rollup_e)i;

        if (which == llm_rollup_whole(which)
            || (llm_rollups[which].hours == 1 && !has_hours)) {
            continue;
        }
        status = compare(&same, task, day, which);
        *pname = same || status != APR_SUCCESS ? NULL : llm_rollups[which].name;
    }
    return status;
}
