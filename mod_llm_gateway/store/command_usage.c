/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "usage": totals by the groups the caller names. Where only the
 * greatest are wanted, the rest is not sent: it is in the total.
 */
#include "store/usage_rows.h"

/* A total of nothing is a row too. */
static apr_status_t add_nothing(const llm_count_t *tally)
{
    const apr_uint32_t all[1] = {0};

    return tally->count || llm_groups_of(tally->groups, all) ? APR_SUCCESS
                                                             : APR_ENOMEM;
}

static apr_status_t say_done(const llm_count_t *tally)
{
    llm_task_t *task = tally->task;

    llm_task_begin(task, "done");
    llm_member_number(task->out, "groups", llm_groups_count(tally->groups));
    llm_usage_put_total(tally, task->out);
    llm_member_time(task->out, "records_since", tally->records_since,
                    task->row_pool);
    llm_member_time(task->out, "hours_since", tally->hours_since,
                    task->row_pool);
    return llm_task_end(task);
}

static apr_status_t run(llm_task_t *task)
{
    llm_count_t tally;
    llm_order_t order;
    apr_status_t status = llm_count_ask(&tally, task);

    if (status == APR_SUCCESS) {
        status = llm_order_ask(&order, task);
    }
    if (status == APR_SUCCESS) {
        status = llm_count_run(&tally);
    }
    if (status == APR_SUCCESS) {
        status = add_nothing(&tally);
    }
    if (status == APR_ENOSPC) {
        return llm_task_refuse(task, "refused",
                               "more than %d groups: ask for fewer fields, a "
                               "filter or a shorter time",
                               LLM_TALLY_GROUPS);
    }
    if (status == APR_SUCCESS) {
        status = llm_usage_say(&tally, &order);
    }
    return status == APR_SUCCESS ? say_done(&tally) : status;
}

const llm_command_t llm_command_usage = {
    .op = "usage",
    .members = (const char *const[]){"since", "until", "by", "zone", "top",
                                     "sort", LLM_FILTER_MEMBERS, NULL},
    .is_slow = 1,
    .read = run,
};
