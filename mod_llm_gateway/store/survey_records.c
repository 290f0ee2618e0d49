/* SPDX-License-Identifier: Apache-2.0 */
/* A survey over single records. */
#include "store/survey_inside.h"

#include "core/llm_time.h"
#include "store/bytes.h"

#include <string.h>

#define EVENT_KEY_LOW 8 /* a record's key begins with its time */

/* The spans that a moment lies in. Clocks are set by whole minutes. */
void llm_survey_find_spans(llm_survey_t *survey, apr_int64_t seconds)
{
    unsigned i;

    if (seconds / 60 == survey->minute) {
        return;
    }
    survey->minute = seconds / 60;
    for (i = 0; i < survey->count; ++i) {
        if (survey->by[i]->kind == LLM_FIELD_SPAN) {
            survey->spans[i] = llm_span_of(
                survey->zone, (llm_span_e)survey->by[i]->detail, seconds);
        }
    }
}

static apr_uint32_t name_number(const llm_survey_t *survey, llm_dict_e kind,
                                const char *name)
{
    apr_uint32_t id = LLM_DICT_OTHER;

    llm_dict_find(&id, survey->task->store->dict, kind, name);
    return id;
}

/* 0: there are too many words. */
static int number_of_record(apr_uint32_t *pnumber, llm_survey_t *survey,
                            unsigned place, const llm_record_t *record)
{
    const llm_field_t *field = survey->by[place];
    const char *text;

    switch (field->kind) {
    case LLM_FIELD_KEY:
        *pnumber = record->key;
        return 1;
    case LLM_FIELD_TEAM:
        *pnumber = llm_filters_chief(&survey->filters, record->key);
        return 1;
    case LLM_FIELD_MODEL:
        *pnumber = name_number(survey, LLM_DICT_MODEL, record->served);
        return 1;
    case LLM_FIELD_PROVIDER:
        *pnumber = name_number(survey, LLM_DICT_PROVIDER, record->provider);
        return 1;
    case LLM_FIELD_SPAN:
        *pnumber = survey->spans[place];
        return 1;
    case LLM_FIELD_TEXT:
        text = llm_field_text(field, record);
        return llm_words_number(pnumber, survey->words, text, strlen(text));
    case LLM_FIELD_TAGS: /* its tags come later */
        return llm_words_number(pnumber, survey->words, "", 0);
    default:
        *pnumber = llm_field_number(field, record);
        return 1;
    }
}

static apr_status_t add_to(llm_survey_t *survey, const apr_uint32_t *numbers,
                           const llm_totals_t *more)
{
    llm_totals_t *totals = llm_groups_of(survey->groups, numbers);

    if (!totals) {
        return APR_ENOSPC;
    }
    llm_totals_add(totals, more);
    return APR_SUCCESS;
}

/* Once for each of its tags; once without one. */
static apr_status_t add_tags(llm_survey_t *survey, apr_uint32_t *numbers,
                             const llm_record_t *record,
                             const llm_totals_t *totals)
{
    const char *at = record->tags, *tag;
    apr_status_t status = APR_SUCCESS;
    apr_size_t len;
    unsigned place = 0;

    while (survey->by[place]->kind != LLM_FIELD_TAGS) {
        ++place;
    }
    if (!*record->tags) {
        return add_to(survey, numbers, totals);
    }
    while (status == APR_SUCCESS && llm_tag_next(&at, &tag, &len)) {
        status = llm_words_number(&numbers[place], survey->words, tag, len)
                     ? add_to(survey, numbers, totals)
                     : APR_ENOSPC;
    }
    return status;
}

apr_status_t llm_survey_add(llm_survey_t *survey, const llm_record_t *record)
{
    apr_uint32_t numbers[LLM_SURVEY_BY] = {0};
    llm_totals_t totals;
    unsigned i;

    if (!llm_filters_pass_record(&survey->filters, record)) {
        return APR_SUCCESS;
    }
    llm_survey_find_spans(survey, apr_time_sec(record->began));
    for (i = 0; i < survey->count; ++i) {
        if (!number_of_record(&numbers[i], survey, i, record)) {
            return APR_ENOSPC;
        }
    }
    memset(&totals, 0, sizeof(totals));
    llm_totals_add_record(&totals, record);
    llm_totals_add(&survey->total, &totals);
    return llm_survey_is_by(survey, LLM_FIELD_TAGS)
               ? add_tags(survey, numbers, record, &totals)
               : add_to(survey, numbers, &totals);
}

/* ------------------------------------------------------------------- spans */

int llm_survey_is_kept(const llm_survey_t *survey, apr_uint32_t day)
{
    int i;

    for (i = 0; i < survey->days->nelts; ++i) {
        if (APR_ARRAY_IDX(survey->days, i, apr_uint32_t) == day) {
            return 1;
        }
    }
    return 0;
}

/* Somebody may wait, and may have gone. */
apr_status_t llm_survey_look_up(llm_survey_t *survey, apr_time_t at)
{
    apr_time_t end = survey->until;

    if (survey->task->store->is_stopping) {
        return APR_EINTR;
    }
    if (end > survey->task->now) {
        end = survey->task->now;
    }
    return llm_task_progress(survey->task, at - survey->since,
                             end - survey->since);
}

/* A stretch of one day's records. */
typedef struct stretch_t {
    llm_survey_t *survey;
    apr_time_t until;
} stretch_t;

static int take_record(void *baton, llm_datum_t key, llm_datum_t value)
{
    stretch_t *stretch = baton;
    llm_survey_t *survey = stretch->survey;
    llm_record_t record;

    if (!llm_codec_read_event(&record, key.data, key.len, value.data,
                              value.len)) {
        survey->status = APR_EINVAL;
        return 1;
    }
    if (record.began >= stretch->until) {
        return 1;
    }
    survey->status = llm_survey_add(survey, &record);
    if (survey->status == APR_SUCCESS && ++survey->seen % LOOK_EVERY == 0) {
        survey->status = llm_survey_look_up(survey, record.began);
    }
    return survey->status != APR_SUCCESS;
}

apr_status_t llm_survey_read_records(llm_survey_t *survey, apr_time_t since,
                                     apr_time_t until)
{
    llm_store_t *store = survey->task->store;
    stretch_t stretch = {survey, until};
    unsigned char edge[EVENT_KEY_LOW];
    llm_table_t *table;
    apr_status_t status =
        llm_events_use(&table, store->events, llm_time_day(since), 0);

    if (status != APR_SUCCESS) {
        return status == APR_NOTFOUND ? APR_SUCCESS : status;
    }
    llm_be_put(edge, (apr_uint64_t)since, sizeof(edge));
    status = llm_table_scan(table, LLM_DATUM(edge), take_record, &stretch);
    llm_events_done(store->events, table);
    return status == APR_SUCCESS ? survey->status : status;
}

static int see_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    apr_uint32_t *pday = baton;

    (void)value;
    *pday = key.len ? (apr_uint32_t)llm_be_get(key.data, 4) : 0;
    return 1;
}

/* Was there usage in the span before the first day that has records? */
static apr_status_t look_before(llm_survey_t *survey)
{
    apr_uint32_t first = survey->days->nelts
                             ? APR_ARRAY_IDX(survey->days, 0, apr_uint32_t)
                             : llm_time_day(survey->task->now);
    apr_uint32_t day = APR_UINT32_MAX;
    unsigned char edge[4];
    apr_status_t status;

    llm_be_put(edge, llm_time_day(survey->since), sizeof(edge));
    status = llm_table_scan(survey->task->store->tables.rday, LLM_DATUM(edge),
                            see_row, &day);
    if (day < first && (apr_time_t)day * 24 * HOUR < survey->until) {
        survey->records_since = (apr_time_t)first * 24 * HOUR;
    }
    return status;
}

apr_status_t llm_survey_sum_records(llm_survey_t *survey)
{
    apr_status_t status = look_before(survey);
    int i;

    for (i = 0; status == APR_SUCCESS && i < survey->days->nelts; ++i) {
        apr_time_t day =
            24 * HOUR * APR_ARRAY_IDX(survey->days, i, apr_uint32_t);
        apr_time_t since = llm_later(survey->since, day);
        apr_time_t until = llm_earlier(survey->until, day + 24 * HOUR);

        if (since < until) {
            status = llm_survey_read_records(survey, since, until);
        }
    }
    return status;
}
