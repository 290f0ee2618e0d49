/* SPDX-License-Identifier: Apache-2.0 */
/* Reading rollup rows into sums. */
#include "store/report.h"

#include "store/bytes.h"

#include <string.h>

typedef struct reading_t {
    const llm_query_t *query;
    llm_sums_t *sums;
    apr_uint32_t until; /* in the table's unit */
    int is_days;
    apr_status_t status;
} reading_t;

/* The group that a row counts in. */
static llm_group_t group_of(const reading_t *reading, const llm_group_t *row)
{
    unsigned by = reading->query->by;
    llm_group_t group = {0, 0, 0, 0};

    if (by & LLM_BY_HOUR) {
        group.time = row->time;
    }
    else if (by & LLM_BY_DAY) {
        group.time = reading->is_days ? row->time : row->time / 24;
    }
    group.key = by & LLM_BY_KEY ? row->key : 0;
    group.model = by & LLM_BY_MODEL ? row->model : 0;
    group.provider = by & LLM_BY_PROVIDER ? row->provider : 0;
    return group;
}

static int read_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    reading_t *reading = baton;
    llm_group_t row, group;
    llm_totals_t more, *totals;

    if (!llm_group_read(&row, key.data, key.len)) {
        reading->status = APR_EINVAL;
        return 1;
    }
    if (row.time >= reading->until) {
        return 1;
    }
    if (!llm_codec_read_totals(&more, value.data, value.len)) {
        reading->status = APR_EINVAL;
        return 1;
    }
    group = group_of(reading, &row);
    totals = llm_sums_of(reading->sums, &group);
    if (!totals) {
        reading->status = APR_ENOSPC;
        return 1;
    }
    llm_totals_add(totals, &more);
    if (reading->query->stop && *reading->query->stop) {
        reading->status = APR_EINTR;
    }
    return reading->status != APR_SUCCESS;
}

static apr_status_t read_rows(llm_sums_t *sums, const llm_query_t *query,
                              llm_table_t *table, int is_days,
                              apr_uint32_t from, apr_uint32_t until)
{
    reading_t reading = {query, sums, until, is_days, APR_SUCCESS};
    unsigned char start[4];
    apr_status_t status;

    if (from >= until) {
        return APR_SUCCESS;
    }
    llm_be_put(start, from, 4);
    status = llm_table_scan(table, LLM_DATUM(start), read_row, &reading);
    return status == APR_SUCCESS ? reading.status : status;
}

apr_status_t llm_report_sum(llm_sums_t *sums, const llm_query_t *query,
                            llm_store_t *store)
{
    llm_table_t *hours = store->tables.rhour, *days = store->tables.rday;
    apr_uint32_t from = query->from_hour, until = query->until_hour;
    apr_uint32_t first_day = from / 24 + (from % 24 != 0);
    apr_uint32_t last_day = until / 24; /* not in it */
    apr_status_t status;

    if (query->by & LLM_BY_HOUR || first_day >= last_day) {
        return read_rows(sums, query, hours, 0, from, until);
    }
    status = read_rows(sums, query, hours, 0, from, first_day * 24);
    if (status == APR_SUCCESS) {
        status = read_rows(sums, query, days, 1, first_day, last_day);
    }
    return status == APR_SUCCESS
               ? read_rows(sums, query, hours, 0, last_day * 24, until)
               : status;
}
