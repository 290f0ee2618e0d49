/* SPDX-License-Identifier: Apache-2.0 */
/* Rollup rows and records into groups. */
#include "store/survey.h"

#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/keep.h"

#include <string.h>

#define HOUR          apr_time_from_sec(3600)
#define LOOK_EVERY    1024 /* records, before somebody is told how far it is */
#define EVENT_KEY_LOW 8    /* a record's key begins with its time */

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

static int is_by(const llm_survey_t *survey, llm_field_e kind)
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
    if (!survey->filters.chiefs && is_by(survey, LLM_FIELD_TEAM)) {
        survey->filters.chiefs =
            llm_keyring_chiefs(task->store->keyring, task->pool);
    }
    survey->groups =
        llm_groups_make(survey->count, LLM_SURVEY_GROUPS, task->pool);
    survey->words = llm_words_make(LLM_SURVEY_GROUPS, task->pool);
    return status;
}

/* ------------------------------------------------------------------ groups */

/* The spans that a moment lies in. Clocks are set by whole minutes. */
static void find_spans(llm_survey_t *survey, apr_int64_t seconds)
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
    find_spans(survey, apr_time_sec(record->began));
    for (i = 0; i < survey->count; ++i) {
        if (!number_of_record(&numbers[i], survey, i, record)) {
            return APR_ENOSPC;
        }
    }
    memset(&totals, 0, sizeof(totals));
    llm_totals_add_record(&totals, record);
    llm_totals_add(&survey->total, &totals);
    return is_by(survey, LLM_FIELD_TAGS)
               ? add_tags(survey, numbers, record, &totals)
               : add_to(survey, numbers, &totals);
}

/* ----------------------------------------------------------------- records */

static int is_kept(const llm_survey_t *survey, apr_uint32_t day)
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
static apr_status_t look_up(llm_survey_t *survey, apr_time_t at)
{
    apr_time_t end = survey->until;

    if (survey->task->store->is_stopping) {
        return APR_EINTR;
    }
    if (++survey->seen % LOOK_EVERY) {
        return APR_SUCCESS;
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
    if (survey->status == APR_SUCCESS) {
        survey->status = look_up(survey, record.began);
    }
    return survey->status != APR_SUCCESS;
}

/* The records of [since, until), which lie in one UTC day. */
static apr_status_t read_records(llm_survey_t *survey, apr_time_t since,
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

static apr_time_t later(apr_time_t a, apr_time_t b)
{
    return a > b ? a : b;
}

static apr_time_t earlier(apr_time_t a, apr_time_t b)
{
    return a < b ? a : b;
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

static apr_status_t sum_records(llm_survey_t *survey)
{
    apr_status_t status = look_before(survey);
    int i;

    for (i = 0; status == APR_SUCCESS && i < survey->days->nelts; ++i) {
        apr_time_t day =
            24 * HOUR * APR_ARRAY_IDX(survey->days, i, apr_uint32_t);
        apr_time_t since = later(survey->since, day);
        apr_time_t until = earlier(survey->until, day + 24 * HOUR);

        if (since < until) {
            status = read_records(survey, since, until);
        }
    }
    return status;
}

/* ----------------------------------------------------------------- rollups */

typedef struct reading_t {
    llm_survey_t *survey;
    apr_uint32_t until; /* in the table's unit */
    unsigned hours;     /* in a row */
    apr_uint32_t time;  /* of the row before, and what was found of it */
    int is_left_out;
} reading_t;

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
static int is_left_out(reading_t *reading, apr_uint32_t time)
{
    llm_survey_t *survey = reading->survey;
    apr_time_t hour = (apr_time_t)time * HOUR;

    if (reading->hours > 1 || time == reading->time) {
        return reading->is_left_out;
    }
    reading->time = time;
    reading->is_left_out = is_cut(survey, hour);
    if (reading->is_left_out && !is_kept(survey, time / 24)) {
        reading->is_left_out = 0;
        survey->records_since =
            later(survey->records_since, hour - hour % (24 * HOUR) + 24 * HOUR);
    }
    return reading->is_left_out;
}

static int read_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    reading_t *reading = baton;
    llm_survey_t *survey = reading->survey;
    apr_uint32_t numbers[LLM_SURVEY_BY] = {0};
    llm_totals_t more;
    llm_group_t row;
    unsigned i;

    if (!llm_group_read(&row, key.data, key.len)) {
        survey->status = APR_EINVAL;
        return 1;
    }
    if (row.time >= reading->until) {
        return 1;
    }
    if (!llm_filters_pass_row(&survey->filters, &row)
        || is_left_out(reading, row.time)) {
        return 0;
    }
    if (!llm_codec_read_totals(&more, value.data, value.len)) {
        survey->status = APR_EINVAL;
        return 1;
    }
    find_spans(survey, (apr_int64_t)row.time * reading->hours * 3600);
    for (i = 0; i < survey->count; ++i) {
        numbers[i] = number_of_row(survey, i, &row);
    }
    llm_totals_add(&survey->total, &more);
    survey->status = add_to(survey, numbers, &more);
    if (survey->status == APR_SUCCESS) {
        survey->status =
            look_up(survey, (apr_time_t)row.time * reading->hours * HOUR);
    }
    return survey->status != APR_SUCCESS;
}

/* The rows from `from` to before `until`, each of so many hours. */
static apr_status_t read_rows(llm_survey_t *survey, unsigned hours,
                              apr_uint32_t from, apr_uint32_t until)
{
    const llm_tables_t *tables = &survey->task->store->tables;
    reading_t reading = {survey, until, hours, APR_UINT32_MAX, 0};
    unsigned char start[4];
    apr_status_t status;

    if (from >= until) {
        return APR_SUCCESS;
    }
    llm_be_put(start, from, sizeof(start));
    status = llm_table_scan(hours > 1 ? tables->rday : tables->rhour,
                            LLM_DATUM(start), read_row, &reading);
    return status == APR_SUCCESS ? survey->status : status;
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
            apr_time_t since = later(survey->since, hour);
            apr_time_t until = earlier(survey->until, hour + HOUR);

            if (since < until && is_cut(survey, hour)) {
                status = read_records(survey, since, until);
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
    if (needs_hours(survey) || *pfrom % 24 || until < last * 24) {
        survey->hours_since = (apr_time_t)last * 24 * HOUR;
    }
    if (until < last * 24) {
        last = until / 24 + (until % 24 != 0);
    }
    *pfrom = last * 24;
    return read_rows(survey, 24, first, last);
}

static apr_status_t sum_rollups(llm_survey_t *survey)
{
    apr_uint32_t from = llm_time_hour(survey->since);
    apr_uint32_t until = llm_time_hour(survey->until + HOUR - 1);
    apr_status_t status = read_old_days(survey, &from, until);

    if (status == APR_SUCCESS && from < until) {
        status = read_span(survey, from, until);
    }
    return status == APR_SUCCESS && llm_zone_splits_hours(survey->zone)
               ? sum_cut_hours(survey)
               : status;
}

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
    return survey->is_rolled ? sum_rollups(survey) : sum_records(survey);
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
