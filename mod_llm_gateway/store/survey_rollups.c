/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A survey over rollups.
 *
 * Of a unit of time the smallest rollup is read that knows all the fields asked
 * for or filtered by. Where only a few keys count, their rows are sought: a
 * time's rows lie in the order of their keys, so one look at what comes next
 * says where to go on, and nothing between is read.
 */
#include "store/survey_inside.h"

#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/keep.h"
#include "store/rollup.h"

#include <stdlib.h>
#include <string.h>

#define SOUGHT_MAX 32 /* keys that are sought; more are found by the way */

typedef struct reading_t {
    llm_survey_t *survey;
    apr_uint32_t until; /* in the rollup's unit */
    unsigned hours;     /* in a row */
    apr_uint32_t time;  /* of the row before, and what was found of it */
    int is_left_out;
    const apr_array_header_t *sought; /* ids, sorted; NULL: all keys */
    apr_uint64_t next;                /* time << 32 | key, where it goes on */
    int is_ended;                     /* it does not */
} reading_t;

static apr_uint32_t number_of_row(const llm_survey_t *survey, unsigned place,
                                  const llm_group_t *row)
{
    switch (survey->by[place]->kind) {
    case LLM_FIELD_KEY:
        return row->key;
    case LLM_FIELD_TEAM:
        return llm_filters_chief(&survey->filters, row->key);
    case LLM_FIELD_MODEL:
        return row->model;
    case LLM_FIELD_PROVIDER:
        return row->provider;
    default:
        return survey->spans[place];
    }
}

/* Does an edge of the span, or of a day of the zone, lie inside the hour? */
static int is_cut(const llm_survey_t *survey, apr_time_t hour)
{
    unsigned i;

    if (!llm_zone_splits_hours(survey->zone)) {
        return 0;
    }
    if ((survey->since > hour && survey->since < hour + HOUR)
        || (survey->until > hour && survey->until < hour + HOUR)) {
        return 1;
    }
    for (i = 0; i < survey->count; ++i) {
        llm_span_e span = (llm_span_e)survey->by[i]->detail;

        if (survey->by[i]->kind == LLM_FIELD_SPAN
            && llm_span_of(survey->zone, span, apr_time_sec(hour))
                   != llm_span_of(survey->zone, span,
                                  apr_time_sec(hour) + 3599)) {
            return 1;
        }
    }
    return 0;
}

/* The hour is summed from its records instead. */
static int leaves_out(const reading_t *reading, apr_uint32_t time)
{
    llm_survey_t *survey = reading->survey;
    apr_time_t hour = (apr_time_t)time * HOUR;

    if (reading->hours > 1 || !is_cut(survey, hour)) {
        return 0;
    }
    if (llm_survey_is_kept(survey, time / 24)) {
        return 1;
    }
    survey->records_since = hour - hour % (24 * HOUR) + 24 * HOUR;
    return 0;
}

/* What is the same for all rows of a time. */
static void begin_time(reading_t *reading, apr_uint32_t time)
{
    reading->time = time;
    reading->is_left_out = leaves_out(reading, time);
    llm_survey_find_spans(reading->survey,
                          (apr_int64_t)time * reading->hours * 3600);
}

static apr_status_t add_row(reading_t *reading, const llm_group_t *row,
                            llm_datum_t value)
{
    llm_survey_t *survey = reading->survey;
    apr_uint32_t numbers[LLM_SURVEY_BY];
    llm_totals_t *totals;
    unsigned i;

    for (i = 0; i < survey->count; ++i) {
        numbers[i] = number_of_row(survey, i, row);
    }
    totals = llm_groups_of(survey->groups, numbers);
    if (!totals) {
        return APR_ENOSPC;
    }
    return llm_totals_add_row(totals, value.data, value.len) ? APR_SUCCESS
                                                             : APR_EINVAL;
}

/* Where the next row can be that counts: this one, or one behind it. */
static apr_uint64_t next_sought(const apr_array_header_t *sought,
                                const llm_group_t *row)
{
    apr_uint64_t time = (apr_uint64_t)row->time << 32;
    int i;

    for (i = 0; i < sought->nelts; ++i) {
        if (APR_ARRAY_IDX(sought, i, apr_uint32_t) >= row->key) {
            return time | APR_ARRAY_IDX(sought, i, apr_uint32_t);
        }
    }
    return (time + ((apr_uint64_t)1 << 32))
           | APR_ARRAY_IDX(sought, 0, apr_uint32_t);
}

static int read_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    reading_t *reading = baton;
    llm_survey_t *survey = reading->survey;
    llm_group_t row;

    if (!llm_group_read(&row, key.data, key.len)) {
        survey->status = APR_EINVAL;
        return 1;
    }
    if (row.time >= reading->until) {
        reading->is_ended = 1;
        return 1;
    }
    if (reading->sought) {
        reading->next = next_sought(reading->sought, &row);
        if (reading->next != ((apr_uint64_t)row.time << 32 | row.key)) {
            reading->is_ended = 0;
            return 1;
        }
    }
    if (llm_filters_pass_row(&survey->filters, &row)) {
        if (row.time != reading->time) {
            begin_time(reading, row.time);
        }
        if (!reading->is_left_out) {
            survey->status = add_row(reading, &row, value);
        }
    }
    if (survey->status == APR_SUCCESS && ++survey->seen % LOOK_EVERY == 0) {
        survey->status = llm_survey_look_up(
            survey, (apr_time_t)row.time * reading->hours * HOUR);
    }
    return survey->status != APR_SUCCESS;
}

static int compare_ids(const void *a, const void *b)
{
    const apr_uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* The keys that count, if they are few. */
static const apr_array_header_t *sought_keys(const llm_survey_t *survey)
{
    const llm_filters_t *filters = &survey->filters;
    unsigned i;

    for (i = 0; i < filters->count; ++i) {
        const llm_filter_t *filter = &filters->list[i];

        if (filter->field->kind == LLM_FIELD_KEY && filter->keys->nelts
            && filter->keys->nelts <= SOUGHT_MAX) {
            apr_array_header_t *keys =
                apr_array_copy(survey->task->pool, filter->keys);

            qsort(keys->elts, (size_t)keys->nelts, sizeof(apr_uint32_t),
                  compare_ids);
            return keys;
        }
    }
    return NULL;
}

/* What a rollup must know to answer. */
static unsigned fields_of(const llm_survey_t *survey)
{
    unsigned fields = 0, i;

    for (i = 0; i < survey->count + survey->filters.count; ++i) {
        const llm_field_t *field =
            i < survey->count ? survey->by[i]
                              : survey->filters.list[i - survey->count].field;

        switch (field->kind) {
        case LLM_FIELD_KEY:
        case LLM_FIELD_TEAM:
            fields |= LLM_BY_KEY;
            break;
        case LLM_FIELD_MODEL:
            fields |= LLM_BY_MODEL;
            break;
        case LLM_FIELD_PROVIDER:
            fields |= LLM_BY_PROVIDER;
            break;
        default:
            break;
        }
    }
    return fields;
}

/* The rows from `from` to before `until`, each of so many hours. */
static apr_status_t read_rows(llm_survey_t *survey, unsigned hours,
                              apr_uint32_t from, apr_uint32_t until)
{
    reading_t reading = {.survey = survey,
                         .until = until,
                         .hours = hours,
                         .time = APR_UINT32_MAX,
                         .sought = sought_keys(survey),
                         .next = (apr_uint64_t)from << 32};
    llm_rollup_e which = llm_rollup_choose(hours, fields_of(survey));
    llm_table_t *table = llm_rollup_table(&survey->task->store->tables, which);
    apr_status_t status = APR_SUCCESS;

    if (from >= until) {
        return APR_SUCCESS;
    }
    while (status == APR_SUCCESS && !reading.is_ended) {
        unsigned char start[8];

        llm_be_put(start, reading.next, sizeof(start));
        reading.is_ended = 1; /* unless a row says otherwise */
        status = llm_table_scan(table, LLM_DATUM(start), read_row, &reading);
        status = status == APR_SUCCESS ? survey->status : status;
    }
    return status;
}

/* Can whole days be read? Not where they are another place's. */
static int needs_hours(const llm_survey_t *survey)
{
    unsigned i;

    for (i = 0; i < survey->count; ++i) {
        if (survey->by[i]->kind == LLM_FIELD_SPAN
            && (survey->zone || survey->by[i]->detail == LLM_SPAN_HOUR)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t sum_cut_hours(llm_survey_t *survey)
{
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < survey->days->nelts; ++i) {
        apr_time_t day =
            24 * HOUR * APR_ARRAY_IDX(survey->days, i, apr_uint32_t);
        apr_time_t hour;

        for (hour = day; hour < day + 24 * HOUR && status == APR_SUCCESS;
             hour += HOUR) {
            apr_time_t since = llm_later(survey->since, hour);
            apr_time_t until = llm_earlier(survey->until, hour + HOUR);

            if (since < until && is_cut(survey, hour)) {
                status = llm_survey_read_records(survey, since, until);
            }
        }
    }
    return status;
}

/* The hours from `from` to before `until`, by whole days where there are. */
static apr_status_t read_span(llm_survey_t *survey, apr_uint32_t from,
                              apr_uint32_t until)
{
    apr_uint32_t first_day = from / 24 + (from % 24 != 0);
    apr_uint32_t last_day = until / 24; /* not in it */
    apr_status_t status;

    if (survey->until % (24 * HOUR) && last_day * 24 == until) {
        last_day -= 1; /* the last hour is cut: it is not a whole day */
    }
    if (survey->since > (apr_time_t)first_day * 24 * HOUR) {
        first_day += 1;
    }
    if (needs_hours(survey) || first_day >= last_day) {
        return read_rows(survey, 1, from, until);
    }
    status = read_rows(survey, 1, from, first_day * 24);
    if (status == APR_SUCCESS) {
        status = read_rows(survey, 24, first_day, last_day);
    }
    return status == APR_SUCCESS ? read_rows(survey, 1, last_day * 24, until)
                                 : status;
}

/* Days whose hours were dropped are whole, whatever was asked for. Returns
 * the first hour that is left to be read. */
static apr_status_t read_old_days(llm_survey_t *survey, apr_uint32_t *pfrom,
                                  apr_uint32_t until)
{
    apr_uint32_t hours_from, first = *pfrom / 24, last;
    apr_status_t status = llm_keep_hours_from(&hours_from, survey->task->store);

    last = hours_from / 24 + (hours_from % 24 != 0);
    if (status != APR_SUCCESS || *pfrom >= last * 24) {
        return status;
    }
    if (needs_hours(survey) || *pfrom % 24
        || (until < last * 24 && until % 24)) {
        survey->hours_since = (apr_time_t)last * 24 * HOUR;
    }
    if (until < last * 24) {
        last = until / 24 + (until % 24 != 0);
    }
    *pfrom = last * 24;
    return read_rows(survey, 24, first, last);
}

/* Each row counts in one group, so that groups say it all. */
static void sum_total(llm_survey_t *survey)
{
    unsigned i;

    memset(&survey->total, 0, sizeof(survey->total));
    for (i = 0; i < llm_groups_count(survey->groups); ++i) {
        llm_totals_add(&survey->total, llm_groups_totals(survey->groups, i));
    }
}

apr_status_t llm_survey_sum_rollups(llm_survey_t *survey)
{
    apr_uint32_t from = llm_time_hour(survey->since);
    apr_uint32_t until = llm_time_hour(survey->until + HOUR - 1);
    apr_status_t status = read_old_days(survey, &from, until);

    if (status == APR_SUCCESS && from < until) {
        status = read_span(survey, from, until);
    }
    if (status == APR_SUCCESS && llm_zone_splits_hours(survey->zone)) {
        status = sum_cut_hours(survey);
    }
    sum_total(survey);
    return status;
}
