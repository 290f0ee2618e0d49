/* SPDX-License-Identifier: Apache-2.0 */
/* Rollup rows and records into groups. */
#include "store/tally.h"

#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/keep.h"

#include <string.h>

#define HOUR          apr_time_from_sec(3600)
#define LOOK_EVERY    1024 /* records, before somebody is told how far it is */
#define EVENT_KEY_LOW 8    /* a record's key begins with its time */

/* ------------------------------------------------------------------- asked */

static apr_status_t ask_by(llm_count_t *tally)
{
    llm_task_t *task = tally->task;
    const llm_json_t *by = llm_json_want(task->request, "by"), *name;
    unsigned i;

    if (by && !llm_json_is(by, LLM_JSON_ARRAY)) {
        return llm_task_refuse(task, "usage", "by: expected an array");
    }
    for (name = by ? by->child : NULL; name; name = name->next) {
        const llm_field_t *field = llm_field_find(name);

        for (i = 0; field && i < tally->count; ++i) {
            field = tally->by[i] == field ? NULL : field;
        }
        if (!field || tally->count == LLM_TALLY_BY) {
            return llm_task_refuse(task, "usage",
                                   "by: expected " LLM_FIELD_NAMES
                                   ", each once and %d at most, not %.*s",
                                   LLM_TALLY_BY, llm_task_shown(name->raw.len),
                                   name->raw.data);
        }
        tally->is_rolled &= llm_field_is_rolled(field);
        tally->by[tally->count++] = field;
    }
    return APR_SUCCESS;
}

/* Whole hours, unless the zone needs them cut. */
static apr_status_t ask_span(llm_count_t *tally)
{
    apr_status_t status = llm_task_time(&tally->since, tally->task, "since");

    if (status == APR_SUCCESS) {
        status = llm_task_time(&tally->until, tally->task, "until");
    }
    if (!llm_zone_splits_hours(tally->zone)) {
        tally->since -= tally->since % HOUR;
        tally->until += (HOUR - tally->until % HOUR) % HOUR;
    }
    if (!tally->until) {
        tally->until = APR_INT64_MAX - 48 * HOUR;
    }
    return status;
}

static int is_by(const llm_count_t *tally, llm_field_e kind)
{
    unsigned i;

    for (i = 0; i < tally->count && tally->by[i]->kind != kind; ++i) {
    }
    return i < tally->count;
}

apr_status_t llm_count_ask(llm_count_t *tally, llm_task_t *task)
{
    apr_status_t status;

    memset(tally, 0, sizeof(*tally));
    tally->task = task;
    tally->is_rolled = 1;
    tally->minute = -1;
    status = ask_by(tally);
    if (status == APR_SUCCESS) {
        status = llm_filters_read(&tally->filters, task);
    }
    if (status == APR_SUCCESS) {
        status = llm_task_zone(&tally->zone, task);
    }
    if (status == APR_SUCCESS) {
        status = ask_span(tally);
    }
    tally->is_rolled &= tally->filters.is_rolled;
    if (!tally->filters.chiefs && is_by(tally, LLM_FIELD_TEAM)) {
        tally->filters.chiefs =
            llm_keyring_chiefs(task->store->keyring, task->pool);
    }
    tally->groups = llm_groups_make(tally->count, LLM_TALLY_GROUPS, task->pool);
    tally->words = llm_words_make(LLM_TALLY_GROUPS, task->pool);
    return status;
}

/* ------------------------------------------------------------------ groups */

/* The spans that a moment lies in. Clocks are set by whole minutes. */
static void find_spans(llm_count_t *tally, apr_int64_t seconds)
{
    unsigned i;

    if (seconds / 60 == tally->minute) {
        return;
    }
    tally->minute = seconds / 60;
    for (i = 0; i < tally->count; ++i) {
        if (tally->by[i]->kind == LLM_FIELD_SPAN) {
            tally->spans[i] = llm_span_of(
                tally->zone, (llm_span_e)tally->by[i]->detail, seconds);
        }
    }
}

static apr_uint32_t number_of_row(const llm_count_t *tally, unsigned place,
                                  const llm_group_t *row)
{
    switch (tally->by[place]->kind) {
    case LLM_FIELD_KEY:
        return row->key;
    case LLM_FIELD_TEAM:
        return llm_filters_chief(&tally->filters, row->key);
    case LLM_FIELD_MODEL:
        return row->model;
    case LLM_FIELD_PROVIDER:
        return row->provider;
    default:
        return tally->spans[place];
    }
}

static apr_uint32_t name_number(const llm_count_t *tally, llm_dict_e kind,
                                const char *name)
{
    apr_uint32_t id = LLM_DICT_OTHER;

    llm_dict_find(&id, tally->task->store->dict, kind, name);
    return id;
}

/* 0: there are too many words. */
static int number_of_record(apr_uint32_t *pnumber, llm_count_t *tally,
                            unsigned place, const llm_record_t *record)
{
    const llm_field_t *field = tally->by[place];
    const char *text;

    switch (field->kind) {
    case LLM_FIELD_KEY:
        *pnumber = record->key;
        return 1;
    case LLM_FIELD_TEAM:
        *pnumber = llm_filters_chief(&tally->filters, record->key);
        return 1;
    case LLM_FIELD_MODEL:
        *pnumber = name_number(tally, LLM_DICT_MODEL, record->served);
        return 1;
    case LLM_FIELD_PROVIDER:
        *pnumber = name_number(tally, LLM_DICT_PROVIDER, record->provider);
        return 1;
    case LLM_FIELD_SPAN:
        *pnumber = tally->spans[place];
        return 1;
    case LLM_FIELD_TEXT:
        text = llm_field_text(field, record);
        return llm_words_number(pnumber, tally->words, text, strlen(text));
    case LLM_FIELD_TAGS: /* its tags come later */
        return llm_words_number(pnumber, tally->words, "", 0);
    default:
        *pnumber = llm_field_number(field, record);
        return 1;
    }
}

static apr_status_t add_to(llm_count_t *tally, const apr_uint32_t *numbers,
                           const llm_totals_t *more)
{
    llm_totals_t *totals = llm_groups_of(tally->groups, numbers);

    if (!totals) {
        return APR_ENOSPC;
    }
    llm_totals_add(totals, more);
    return APR_SUCCESS;
}

/* Once for each of its tags; once without one. */
static apr_status_t add_tags(llm_count_t *tally, apr_uint32_t *numbers,
                             const llm_record_t *record,
                             const llm_totals_t *totals)
{
    const char *at = record->tags, *tag;
    apr_status_t status = APR_SUCCESS;
    apr_size_t len;
    unsigned place = 0;

    while (tally->by[place]->kind != LLM_FIELD_TAGS) {
        ++place;
    }
    if (!*record->tags) {
        return add_to(tally, numbers, totals);
    }
    while (status == APR_SUCCESS && llm_tag_next(&at, &tag, &len)) {
        status = llm_words_number(&numbers[place], tally->words, tag, len)
                     ? add_to(tally, numbers, totals)
                     : APR_ENOSPC;
    }
    return status;
}

apr_status_t llm_count_add(llm_count_t *tally, const llm_record_t *record)
{
    apr_uint32_t numbers[LLM_TALLY_BY] = {0};
    llm_totals_t totals;
    unsigned i;

    if (!llm_filters_pass_record(&tally->filters, record)) {
        return APR_SUCCESS;
    }
    find_spans(tally, apr_time_sec(record->began));
    for (i = 0; i < tally->count; ++i) {
        if (!number_of_record(&numbers[i], tally, i, record)) {
            return APR_ENOSPC;
        }
    }
    memset(&totals, 0, sizeof(totals));
    llm_totals_add_record(&totals, record);
    llm_totals_add(&tally->total, &totals);
    return is_by(tally, LLM_FIELD_TAGS)
               ? add_tags(tally, numbers, record, &totals)
               : add_to(tally, numbers, &totals);
}

/* ----------------------------------------------------------------- records */

static int is_kept(const llm_count_t *tally, apr_uint32_t day)
{
    int i;

    for (i = 0; i < tally->days->nelts; ++i) {
        if (APR_ARRAY_IDX(tally->days, i, apr_uint32_t) == day) {
            return 1;
        }
    }
    return 0;
}

/* Somebody may wait, and may have gone. */
static apr_status_t look_up(llm_count_t *tally, apr_time_t at)
{
    apr_time_t end = tally->until;

    if (tally->task->store->is_stopping) {
        return APR_EINTR;
    }
    if (++tally->seen % LOOK_EVERY) {
        return APR_SUCCESS;
    }
    if (end > tally->task->now) {
        end = tally->task->now;
    }
    return llm_task_progress(tally->task, at - tally->since,
                             end - tally->since);
}

/* A stretch of one day's records. */
typedef struct stretch_t {
    llm_count_t *tally;
    apr_time_t until;
} stretch_t;

static int take_record(void *baton, llm_datum_t key, llm_datum_t value)
{
    stretch_t *stretch = baton;
    llm_count_t *tally = stretch->tally;
    llm_record_t record;

    if (!llm_codec_read_event(&record, key.data, key.len, value.data,
                              value.len)) {
        tally->status = APR_EINVAL;
        return 1;
    }
    if (record.began >= stretch->until) {
        return 1;
    }
    tally->status = llm_count_add(tally, &record);
    if (tally->status == APR_SUCCESS) {
        tally->status = look_up(tally, record.began);
    }
    return tally->status != APR_SUCCESS;
}

/* The records of [since, until), which lie in one UTC day. */
static apr_status_t read_records(llm_count_t *tally, apr_time_t since,
                                 apr_time_t until)
{
    llm_store_t *store = tally->task->store;
    stretch_t stretch = {tally, until};
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
    return status == APR_SUCCESS ? tally->status : status;
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
static apr_status_t look_before(llm_count_t *tally)
{
    apr_uint32_t first = tally->days->nelts
                             ? APR_ARRAY_IDX(tally->days, 0, apr_uint32_t)
                             : llm_time_day(tally->task->now);
    apr_uint32_t day = APR_UINT32_MAX;
    unsigned char edge[4];
    apr_status_t status;

    llm_be_put(edge, llm_time_day(tally->since), sizeof(edge));
    status = llm_table_scan(tally->task->store->tables.rday, LLM_DATUM(edge),
                            see_row, &day);
    if (day < first && (apr_time_t)day * 24 * HOUR < tally->until) {
        tally->records_since = (apr_time_t)first * 24 * HOUR;
    }
    return status;
}

static apr_status_t sum_records(llm_count_t *tally)
{
    apr_status_t status = look_before(tally);
    int i;

    for (i = 0; status == APR_SUCCESS && i < tally->days->nelts; ++i) {
        apr_time_t day =
            24 * HOUR * APR_ARRAY_IDX(tally->days, i, apr_uint32_t);
        apr_time_t since = later(tally->since, day);
        apr_time_t until = earlier(tally->until, day + 24 * HOUR);

        if (since < until) {
            status = read_records(tally, since, until);
        }
    }
    return status;
}

/* ----------------------------------------------------------------- rollups */

typedef struct reading_t {
    llm_count_t *tally;
    apr_uint32_t until; /* in the table's unit */
    unsigned hours;     /* in a row */
    apr_uint32_t time;  /* of the row before, and what was found of it */
    int is_left_out;
} reading_t;

/* Does an edge of the span, or of a day of the zone, lie inside the hour? */
static int is_cut(const llm_count_t *tally, apr_time_t hour)
{
    unsigned i;

    if (!llm_zone_splits_hours(tally->zone)) {
        return 0;
    }
    if ((tally->since > hour && tally->since < hour + HOUR)
        || (tally->until > hour && tally->until < hour + HOUR)) {
        return 1;
    }
    for (i = 0; i < tally->count; ++i) {
        llm_span_e span = (llm_span_e)tally->by[i]->detail;

        if (tally->by[i]->kind == LLM_FIELD_SPAN
            && llm_span_of(tally->zone, span, apr_time_sec(hour))
                   != llm_span_of(tally->zone, span,
                                  apr_time_sec(hour) + 3599)) {
            return 1;
        }
    }
    return 0;
}

/* The hour is summed from its records instead. */
static int is_left_out(reading_t *reading, apr_uint32_t time)
{
    llm_count_t *tally = reading->tally;
    apr_time_t hour = (apr_time_t)time * HOUR;

    if (reading->hours > 1 || time == reading->time) {
        return reading->is_left_out;
    }
    reading->time = time;
    reading->is_left_out = is_cut(tally, hour);
    if (reading->is_left_out && !is_kept(tally, time / 24)) {
        reading->is_left_out = 0;
        tally->records_since =
            later(tally->records_since, hour - hour % (24 * HOUR) + 24 * HOUR);
    }
    return reading->is_left_out;
}

static int read_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    reading_t *reading = baton;
    llm_count_t *tally = reading->tally;
    apr_uint32_t numbers[LLM_TALLY_BY] = {0};
    llm_totals_t more;
    llm_group_t row;
    unsigned i;

    if (!llm_group_read(&row, key.data, key.len)) {
        tally->status = APR_EINVAL;
        return 1;
    }
    if (row.time >= reading->until) {
        return 1;
    }
    if (!llm_filters_pass_row(&tally->filters, &row)
        || is_left_out(reading, row.time)) {
        return 0;
    }
    if (!llm_codec_read_totals(&more, value.data, value.len)) {
        tally->status = APR_EINVAL;
        return 1;
    }
    find_spans(tally, (apr_int64_t)row.time * reading->hours * 3600);
    for (i = 0; i < tally->count; ++i) {
        numbers[i] = number_of_row(tally, i, &row);
    }
    llm_totals_add(&tally->total, &more);
    tally->status = add_to(tally, numbers, &more);
    if (tally->status == APR_SUCCESS) {
        tally->status =
            look_up(tally, (apr_time_t)row.time * reading->hours * HOUR);
    }
    return tally->status != APR_SUCCESS;
}

/* The rows from `from` to before `until`, each of so many hours. */
static apr_status_t read_rows(llm_count_t *tally, unsigned hours,
                              apr_uint32_t from, apr_uint32_t until)
{
    const llm_tables_t *tables = &tally->task->store->tables;
    reading_t reading = {tally, until, hours, APR_UINT32_MAX, 0};
    unsigned char start[4];
    apr_status_t status;

    if (from >= until) {
        return APR_SUCCESS;
    }
    llm_be_put(start, from, sizeof(start));
    status = llm_table_scan(hours > 1 ? tables->rday : tables->rhour,
                            LLM_DATUM(start), read_row, &reading);
    return status == APR_SUCCESS ? tally->status : status;
}

/* Can whole days be read? Not where they are another place's. */
static int needs_hours(const llm_count_t *tally)
{
    unsigned i;

    for (i = 0; i < tally->count; ++i) {
        if (tally->by[i]->kind == LLM_FIELD_SPAN
            && (tally->zone || tally->by[i]->detail == LLM_SPAN_HOUR)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t sum_cut_hours(llm_count_t *tally)
{
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < tally->days->nelts; ++i) {
        apr_time_t day =
            24 * HOUR * APR_ARRAY_IDX(tally->days, i, apr_uint32_t);
        apr_time_t hour;

        for (hour = day; hour < day + 24 * HOUR && status == APR_SUCCESS;
             hour += HOUR) {
            apr_time_t since = later(tally->since, hour);
            apr_time_t until = earlier(tally->until, hour + HOUR);

            if (since < until && is_cut(tally, hour)) {
                status = read_records(tally, since, until);
            }
        }
    }
    return status;
}

/* The hours from `from` to before `until`, by whole days where there are. */
static apr_status_t read_span(llm_count_t *tally, apr_uint32_t from,
                              apr_uint32_t until)
{
    apr_uint32_t first_day = from / 24 + (from % 24 != 0);
    apr_uint32_t last_day = until / 24; /* not in it */
    apr_status_t status;

    if (tally->until % (24 * HOUR) && last_day * 24 == until) {
        last_day -= 1; /* the last hour is cut: it is not a whole day */
    }
    if (tally->since > (apr_time_t)first_day * 24 * HOUR) {
        first_day += 1;
    }
    if (needs_hours(tally) || first_day >= last_day) {
        return read_rows(tally, 1, from, until);
    }
    status = read_rows(tally, 1, from, first_day * 24);
    if (status == APR_SUCCESS) {
        status = read_rows(tally, 24, first_day, last_day);
    }
    return status == APR_SUCCESS ? read_rows(tally, 1, last_day * 24, until)
                                 : status;
}

/* Days whose hours were dropped are whole, whatever was asked for. Returns
 * the first hour that is left to be read. */
static apr_status_t read_old_days(llm_count_t *tally, apr_uint32_t *pfrom,
                                  apr_uint32_t until)
{
    apr_uint32_t hours_from, first = *pfrom / 24, last;
    apr_status_t status = llm_keep_hours_from(&hours_from, tally->task->store);

    last = hours_from / 24 + (hours_from % 24 != 0);
    if (status != APR_SUCCESS || *pfrom >= last * 24) {
        return status;
    }
    if (needs_hours(tally) || *pfrom % 24 || until < last * 24) {
        tally->hours_since = (apr_time_t)last * 24 * HOUR;
    }
    if (until < last * 24) {
        last = until / 24 + (until % 24 != 0);
    }
    *pfrom = last * 24;
    return read_rows(tally, 24, first, last);
}

static apr_status_t sum_rollups(llm_count_t *tally)
{
    apr_uint32_t from = llm_time_hour(tally->since);
    apr_uint32_t until = llm_time_hour(tally->until + HOUR - 1);
    apr_status_t status = read_old_days(tally, &from, until);

    if (status == APR_SUCCESS && from < until) {
        status = read_span(tally, from, until);
    }
    return status == APR_SUCCESS && llm_zone_splits_hours(tally->zone)
               ? sum_cut_hours(tally)
               : status;
}

apr_status_t llm_count_run(llm_count_t *tally)
{
    apr_status_t status;

    if (tally->filters.is_nothing || tally->since >= tally->until) {
        return APR_SUCCESS;
    }
    status = llm_events_days(&tally->days, tally->task->store->events,
                             tally->task->pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    return tally->is_rolled ? sum_rollups(tally) : sum_records(tally);
}

/* ------------------------------------------------------------------ answer */

static void put_value(const llm_count_t *tally, const llm_field_t *field,
                      apr_uint32_t number, llm_buf_t *out, apr_pool_t *pool)
{
    llm_store_t *store = tally->task->store;

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
        llm_buf_put_string(out, llm_span_print(tally->zone,
                                               (llm_span_e)field->detail,
                                               number, pool));
        return;
    case LLM_FIELD_TEXT:
    case LLM_FIELD_TAGS:
        llm_buf_put_string(out, llm_words_text(tally->words, number));
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

void llm_count_put(const llm_count_t *tally, const apr_uint32_t *numbers,
                   llm_buf_t *out, apr_pool_t *pool)
{
    unsigned i;

    for (i = 0; i < tally->count; ++i) {
        llm_member(out, tally->by[i]->name);
        put_value(tally, tally->by[i], numbers[i], out, pool);
        if (tally->by[i]->kind == LLM_FIELD_KEY) {
            llm_member_number(out, "key_id", numbers[i]);
        }
    }
}
