/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "usage": totals by the groups the caller names. Where only the
 * greatest are wanted, the rest is not sent: it is in the total.
 */
#include "store/usage_rows.h"

/* A total of nothing is a row too. */
static apr_status_t add_nothing(const llm_survey_t *survey)
{
    const apr_uint32_t all[1] = {0};

    return survey->count || llm_groups_of(survey->groups, all) ? APR_SUCCESS
                                                               : APR_ENOMEM;
}

static apr_status_t say_done(const llm_survey_t *survey)
{
    llm_task_t *task = survey->task;

    llm_task_begin(task, "done");
    llm_member_number(task->out, "groups", llm_groups_count(survey->groups));
    llm_usage_put_total(survey, task->out);
    llm_member_time(task->out, "records_since", survey->records_since,
                    task->row_pool);
    llm_member_time(task->out, "hours_since", survey->hours_since,
                    task->row_pool);
    return llm_task_end(task);
}

static apr_status_t run(llm_task_t *task)
{
    llm_survey_t survey;
    llm_order_t order;
    apr_status_t status = llm_survey_ask(&survey, task);

    if (status == APR_SUCCESS) {
        status = llm_order_ask(&order, task);
    }
    if (status == APR_SUCCESS) {
        status = llm_survey_run(&survey);
    }
    if (status == APR_SUCCESS) {
        status = add_nothing(&survey);
    }
    if (status == APR_ENOSPC) {
        return llm_task_refuse(task, "refused",
                               "more than %d groups: ask for fewer fields, a "
                               "filter or a shorter time",
                               LLM_SURVEY_GROUPS);
    }
    if (status == APR_SUCCESS) {
        status = llm_usage_say(&survey, &order);
    }
    return status == APR_SUCCESS ? say_done(&survey) : status;
}

const llm_command_t llm_command_usage = {
    .op = "usage",
    .members = (const char *const[]){"since", "until", "by", "zone", "top",
                                     "sort", LLM_FILTER_MEMBERS, NULL},
    .is_slow = 1,
    .read = run,
};
