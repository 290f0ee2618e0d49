/* SPDX-License-Identifier: Apache-2.0 */
/* What a survey asks for, which way it is answered, and its groups as text. */
#include "store/survey_inside.h"

#include <string.h>

/* ------------------------------------------------------------------- asked */

static apr_status_t ask_by(llm_survey_t *survey)
{
    llm_task_t *task = survey->task;
    const llm_json_t *by = llm_json_want(task->request, "by"), *name;
    unsigned i;

    if (by && !llm_json_is(by, LLM_JSON_ARRAY)) {
        return llm_task_refuse(task, "usage", "by: expected an array");
    }
    for (name = by ? by->child : NULL; name; name = name->next) {
        const llm_field_t *field = llm_field_find(name);

        for (i = 0; field && i < survey->count; ++i) {
            field = survey->by[i] == field ? NULL : field;
        }
        if (!field || survey->count == LLM_SURVEY_BY) {
            return llm_task_refuse(task, "usage",
                                   "by: expected " LLM_FIELD_NAMES
                                   ", each once and %d at most, not %.*s",
                                   LLM_SURVEY_BY, llm_task_shown(name->raw.len),
                                   name->raw.data);
        }
        survey->is_rolled &= llm_field_is_rolled(field);
        survey->by[survey->count++] = field;
    }
    return APR_SUCCESS;
}

/* Whole hours, unless the zone needs them cut. */
static apr_status_t ask_span(llm_survey_t *survey)
{
    apr_status_t status = llm_task_time(&survey->since, survey->task, "since");

    if (status == APR_SUCCESS) {
        status = llm_task_time(&survey->until, survey->task, "until");
    }
    if (!llm_zone_splits_hours(survey->zone)) {
        survey->since -= survey->since % HOUR;
        survey->until += (HOUR - survey->until % HOUR) % HOUR;
    }
    if (!survey->until) {
        survey->until = APR_INT64_MAX - 48 * HOUR;
    }
    return status;
}

int llm_survey_is_by(const llm_survey_t *survey, llm_field_e kind)
{
    unsigned i;

    for (i = 0; i < survey->count && survey->by[i]->kind != kind; ++i) {
    }
    return i < survey->count;
}

apr_status_t llm_survey_ask(llm_survey_t *survey, llm_task_t *task)
{
    apr_status_t status;

    memset(survey, 0, sizeof(*survey));
    survey->task = task;
    survey->is_rolled = 1;
    survey->minute = -1;
    status = ask_by(survey);
    if (status == APR_SUCCESS) {
        status = llm_filters_read(&survey->filters, task);
    }
    if (status == APR_SUCCESS) {
        status = llm_task_zone(&survey->zone, task);
    }
    if (status == APR_SUCCESS) {
        status = ask_span(survey);
    }
    survey->is_rolled &= survey->filters.is_rolled;
    if (!survey->filters.chiefs && llm_survey_is_by(survey, LLM_FIELD_TEAM)) {
        survey->filters.chiefs =
            llm_keyring_chiefs(task->store->keyring, task->pool);
    }
    survey->groups =
        llm_groups_make(survey->count, LLM_SURVEY_GROUPS, task->pool);
    survey->words = llm_words_make(LLM_SURVEY_GROUPS, task->pool);
    return status;
}

/* ------------------------------------------------------------------- summed */

apr_status_t llm_survey_run(llm_survey_t *survey)
{
    apr_status_t status;

    if (survey->filters.is_nothing || survey->since >= survey->until) {
        return APR_SUCCESS;
    }
    status = llm_events_days(&survey->days, survey->task->store->events,
                             survey->task->pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    return survey->is_rolled ? llm_survey_sum_rollups(survey)
                             : llm_survey_sum_records(survey);
}

/* ------------------------------------------------------------------ answer */

static void put_value(const llm_survey_t *survey, const llm_field_t *field,
                      apr_uint32_t number, llm_buf_t *out, apr_pool_t *pool)
{
    llm_store_t *store = survey->task->store;

    switch (field->kind) {
    case LLM_FIELD_KEY:
        llm_buf_put_string(out, llm_keyring_name(store->keyring, number));
        return;
    case LLM_FIELD_TEAM:
        llm_buf_put_string(out, llm_keyring_team(store->keyring, number));
        return;
    case LLM_FIELD_MODEL:
        llm_buf_put_string(out,
                           llm_dict_name(store->dict, LLM_DICT_MODEL, number));
        return;
    case LLM_FIELD_PROVIDER:
        llm_buf_put_string(
            out, llm_dict_name(store->dict, LLM_DICT_PROVIDER, number));
        return;
    case LLM_FIELD_SPAN:
        llm_buf_put_string(out, llm_span_print(survey->zone,
                                               (llm_span_e)field->detail,
                                               number, pool));
        return;
    case LLM_FIELD_TEXT:
    case LLM_FIELD_TAGS:
        llm_buf_put_string(out, llm_words_text(survey->words, number));
        return;
    case LLM_FIELD_FLAG:
        llm_buf_puts(out, number ? "true" : "false");
        return;
    case LLM_FIELD_CACHE:
        llm_buf_put_string(out, llm_cache_name(number));
        return;
    default:
        llm_buf_printf(out, "%u", number);
    }
}

void llm_survey_put(const llm_survey_t *survey, const apr_uint32_t *numbers,
                    llm_buf_t *out, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < survey->count; ++i) {
        llm_member(out, survey->by[i]->name);
        put_value(survey, survey->by[i], numbers[i], out, pool);
        if (survey->by[i]->kind == LLM_FIELD_KEY) {
            llm_member_number(out, "key_id", numbers[i]);
        }
    }
}
