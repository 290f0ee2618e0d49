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
                              llm_rollup_e which, apr_uint32_t from,
                              apr_uint32_t until, llm_store_t *store)
{
    reading_t reading = {query, sums, until, llm_rollups[which].hours > 1,
                         APR_SUCCESS};
    unsigned char start[4];
    apr_status_t status;

    if (from >= until) {
        return APR_SUCCESS;
    }
    llm_be_put(start, from, 4);
    status = llm_table_scan(llm_rollup_table(&store->tables, which),
                            LLM_DATUM(start), read_row, &reading);
    return status == APR_SUCCESS ? reading.status : status;
}

apr_status_t llm_report_rollup(llm_sums_t *sums, const llm_query_t *query,
                               llm_rollup_e which, llm_store_t *store)
{
    unsigned hours = llm_rollups[which].hours;

    return read_rows(sums, query, which, query->from_hour / hours,
                     query->until_hour / hours, store);
}

apr_status_t llm_report_sum(llm_sums_t *sums, const llm_query_t *query,
                            llm_store_t *store)
{
    const llm_rollup_e hours = LLM_ROLLUP_rhour, days = LLM_ROLLUP_rday;
    apr_uint32_t from = query->from_hour, until = query->until_hour;
    apr_uint32_t first_day = from / 24 + (from % 24 != 0);
    apr_uint32_t last_day = until / 24; /* not in it */
    apr_status_t status;

    if (query->by & LLM_BY_HOUR || first_day >= last_day) {
        return read_rows(sums, query, hours, from, until, store);
    }
    status = read_rows(sums, query, hours, from, first_day * 24, store);
    if (status == APR_SUCCESS) {
        status = read_rows(sums, query, days, first_day, last_day, store);
    }
    return status == APR_SUCCESS
               ? read_rows(sums, query, hours, last_day * 24, until, store)
               : status;
}
