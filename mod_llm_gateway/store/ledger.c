/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch in one transaction.
 *
 * Tables of days are opened before it begins. Rollups are summed in memory
 * first, so that each row is read and written once however many records of
 * the batch count in it, and then written in the order of their keys. A
 * deadlock with a report undoes the transaction; it is simply done again.
 */
#include "store/ledger.h"

#include "core/llm_log.h"
#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/meta.h"
#include "store/quota.h"
#include "store/recent.h"

#include <string.h>

#define POSITION_KEY     12
#define POSITION_VERSION 1
#define POSITION_BYTES   9
#define RETRIES          100

struct llm_ledger_t {
    llm_bdb_t *bdb;
    llm_ledger_tables_t tables;
    llm_dict_t *dict;
    llm_events_t *events;
    llm_sums_t *sums[LLM_ROLLUPS]; /* of the batch that is being stored */
    llm_sums_t *windows;           /* of the same, for the quotas */
    unsigned char *fresh;          /* keys of its new records, in their order */
    llm_buf_t *row;
};

/* The tables of a batch's days, in their order. */
typedef struct open_days_t {
    llm_table_t *tables[LLM_BATCH_DAYS];
    unsigned count;
} open_days_t;

llm_batch_t *llm_batch_make(apr_pool_t *pool)
{
    llm_batch_t *batch = apr_pcalloc(pool, sizeof(*batch));

    batch->records =
        apr_palloc(pool, LLM_BATCH_RECORDS * sizeof(*batch->records));
    batch->is_from_slot = apr_palloc(pool, LLM_BATCH_RECORDS);
    batch->positions = apr_array_make(pool, 64, sizeof(llm_position_t));
    return batch;
}

void llm_batch_clear(llm_batch_t *batch)
{
    batch->count = 0;
    batch->day_count = 0;
    batch->damaged = 0;
    apr_array_clear(batch->positions);
}

/* The day's place in the list; LLM_BATCH_DAYS when there is none left. */
static unsigned place_of_day(const llm_batch_t *batch, apr_uint32_t day)
{
    unsigned i;

    for (i = batch->day_count; i; --i) {
        if (batch->days[i - 1] == day) {
            return i - 1;
        }
    }
    return batch->day_count;
}

int llm_batch_add(llm_batch_t *batch, const llm_record_t *record,
                  int is_from_slot)
{
    apr_uint32_t day = llm_time_day(record->began);
    unsigned place = place_of_day(batch, day);

    if (batch->count == LLM_BATCH_RECORDS || place == LLM_BATCH_DAYS) {
        return 0;
    }
    if (place == batch->day_count) {
        batch->days[batch->day_count++] = day;
    }
    batch->records[batch->count] = *record;
    batch->is_from_slot[batch->count] = (unsigned char)(is_from_slot != 0);
    batch->count += 1;
    return 1;
}

llm_ledger_t *llm_ledger_make(llm_bdb_t *bdb, const llm_ledger_tables_t *tables,
                              llm_dict_t *dict, llm_events_t *events,
                              apr_pool_t *pool)
{
    llm_ledger_t *ledger = apr_pcalloc(pool, sizeof(*ledger));
    unsigned i;

    ledger->bdb = bdb;
    ledger->tables = *tables;
    ledger->dict = dict;
    ledger->events = events;
    for (i = 0; i < LLM_ROLLUPS; ++i) {
        ledger->sums[i] = llm_sums_make(2 * LLM_BATCH_RECORDS, pool);
    }
    ledger->fresh =
        apr_palloc(pool, (apr_size_t)LLM_BATCH_RECORDS * LLM_EVENT_KEY);
    ledger->windows = llm_sums_make(6 * LLM_BATCH_RECORDS, pool);
    ledger->row = llm_buf_make(LLM_CODEC_TOTALS_MAX, pool);
    return ledger;
}

static void close_days(llm_ledger_t *ledger, open_days_t *open)
{
    while (open->count) {
        llm_events_done(ledger->events, open->tables[--open->count]);
    }
}

static apr_status_t open_days(open_days_t *open, llm_ledger_t *ledger,
                              const llm_batch_t *batch)
{
    apr_status_t status = APR_SUCCESS;

    for (open->count = 0; open->count < batch->day_count; ++open->count) {
        status = llm_events_use(&open->tables[open->count], ledger->events,
                                batch->days[open->count], 1);
        if (status != APR_SUCCESS) {
            close_days(ledger, open);
            break;
        }
    }
    return status;
}

static apr_status_t put_event(llm_table_t *table, llm_txn_t *txn,
                              const llm_record_t *record, int how)
{
    unsigned char key[LLM_EVENT_KEY], value[LLM_JOURNAL_RECORD];
    apr_size_t len = llm_codec_write_event(value, record);

    llm_codec_write_event_key(key, record);
    return llm_table_put(table, txn, LLM_DATUM(key), (llm_datum_t){value, len},
                         how);
}

/* What the record adds to the rollups; `one` is its totals, or the difference
 * to what they were. */
static apr_status_t sum_record(llm_ledger_t *ledger, llm_txn_t *txn,
                               const llm_record_t *record,
                               const llm_totals_t *one)
{
    llm_group_t group = {.time = llm_time_hour(record->began),
                         .key = record->key};
    apr_status_t status;
    unsigned i;

    status = llm_dict_intern(&group.model, ledger->dict, txn, LLM_DICT_MODEL,
                             record->served);
    if (status == APR_SUCCESS) {
        status = llm_dict_intern(&group.provider, ledger->dict, txn,
                                 LLM_DICT_PROVIDER, record->provider);
    }
    for (i = 0; i < LLM_ROLLUPS && status == APR_SUCCESS; ++i) {
        const llm_group_t row = llm_rollup_row((llm_rollup_e)i, &group);
        llm_totals_t *totals = llm_sums_of(ledger->sums[i], &row);

        if (!totals) {
            return APR_ENOMEM;
        }
        llm_totals_add(totals, one);
    }
    return status;
}

static void clear_sums(llm_ledger_t *ledger)
{
    unsigned i;

    for (i = 0; i < LLM_ROLLUPS; ++i) {
        llm_sums_clear(ledger->sums[i]);
    }
}

static void note_twice(llm_batch_t *batch, unsigned i)
{
    if (!batch->is_from_slot[i]
        && !(batch->records[i].flags & LLM_RECORD_AGAIN)) {
        batch->first_twice = batch->twice++ ? batch->first_twice : i;
    }
}

static apr_status_t store_records(llm_ledger_t *ledger, llm_txn_t *txn,
                                  llm_batch_t *batch, const open_days_t *open)
{
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = 0; i < batch->count && status == APR_SUCCESS; ++i) {
        const llm_record_t *record = &batch->records[i];

        unsigned day = place_of_day(batch, llm_time_day(record->began));
        llm_totals_t totals = {0};

        status = put_event(open->tables[day], txn, record, LLM_PUT_NEW);
        if (status == APR_EEXIST) {
            note_twice(batch, i);
            status = APR_SUCCESS;
            continue;
        }
        if (status == APR_SUCCESS) {
            llm_codec_write_event_key(
                ledger->fresh + (apr_size_t)batch->stored * LLM_EVENT_KEY,
                record);
            batch->stored += 1;
            batch->killed += (record->flags & LLM_RECORD_KILLED) != 0;
            llm_totals_add_record(&totals, record);
            status = sum_record(ledger, txn, record, &totals);
        }
    }
    return status;
}

static apr_status_t add_to_row(llm_table_t *table, llm_txn_t *txn,
                               const llm_sum_t *sum, llm_buf_t *row)
{
    unsigned char key[LLM_GROUP_KEY], bytes[LLM_CODEC_TOTALS_MAX];
    llm_totals_t totals;
    apr_size_t len;
    apr_status_t status;

    llm_group_write(key, &sum->group);
    status =
        llm_table_get(table, txn, LLM_DATUM(key), bytes, sizeof(bytes), &len);
    if (status == APR_NOTFOUND) {
        memset(&totals, 0, sizeof(totals));
    }
    else if (status != APR_SUCCESS) {
        return status;
    }
    else if (!llm_codec_read_totals(&totals, bytes, len)) {
        return APR_EINVAL;
    }
    if (!sum->totals.requests
        && (llm_quota_lacks(totals.cost, sum->totals.cost)
            || llm_quota_lacks(totals.unpriced, sum->totals.unpriced))) {
        return APR_EINVAL;
    }
    llm_totals_add(&totals, &sum->totals);
    llm_buf_clear(row);
    llm_codec_write_totals(row, &totals);
    return llm_table_put(table, txn, LLM_DATUM(key),
                         (llm_datum_t){row->data, row->len}, LLM_PUT_OVER);
}

apr_status_t llm_ledger_add_rows(llm_table_t *table, llm_txn_t *txn,
                                 llm_sums_t *sums, apr_uint32_t from,
                                 llm_buf_t *scratch)
{
    const llm_sum_t *list = llm_sums_sort(sums);
    unsigned count = llm_sums_count(sums), i;
    apr_status_t status = APR_SUCCESS;

    for (i = 0; i < count && status == APR_SUCCESS; ++i) {
        if (list[i].group.time >= from) {
            status = add_to_row(table, txn, &list[i], scratch);
        }
    }
    return status;
}

/* A day's totals count in three windows of its key. */
static int add_windows(llm_sums_t *windows, const llm_sum_t *day)
{
    int window;

    for (window = LLM_WINDOW_DAY; window <= LLM_WINDOW_TOTAL; ++window) {
        const llm_group_t group = {
            (apr_uint32_t)window,
            llm_quota_start((llm_window_e)window, day->group.time),
            day->group.key, 0};
        llm_totals_t *totals = llm_sums_of(windows, &group);

        if (!totals) {
            return 0;
        }
        llm_totals_add(totals, &day->totals);
    }
    return 1;
}

apr_status_t llm_ledger_add_quotas(llm_table_t *quota, llm_txn_t *txn,
                                   const llm_sum_t *days, unsigned count,
                                   apr_uint32_t from, llm_sums_t *scratch)
{
    apr_status_t status = APR_SUCCESS;
    const llm_sum_t *windows;
    unsigned i;

    llm_sums_clear(scratch);
    for (i = 0; i < count; ++i) {
        if (!add_windows(scratch, &days[i])) {
            return APR_ENOMEM;
        }
    }
    windows = llm_sums_sort(scratch);
    count = llm_sums_count(scratch);
    for (i = 0; i < count && status == APR_SUCCESS; ++i) {
        const llm_group_t *group = &windows[i].group;
        const llm_quota_id_t id = {(llm_window_e)group->time, group->key,
                                   group->model};
        llm_spend_t spend = {0};

        if (id.window == LLM_WINDOW_DAY && id.start < from) {
            continue;
        }
        llm_spend_add_totals(&spend, &windows[i].totals);
        status = llm_quota_add(quota, txn, &id, &spend);
    }
    return status;
}

/* From when on hours and the quotas' days have all their rows. */
typedef struct kept_t {
    apr_uint32_t hours, quota;
} kept_t;

/* Rollups and quotas of what was summed. */
static apr_status_t store_all_sums(llm_ledger_t *ledger, llm_txn_t *txn,
                                   kept_t from)
{
    llm_sums_t *days = ledger->sums[LLM_ROLLUP_rday_key];
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = 0; i < LLM_ROLLUPS && status == APR_SUCCESS; ++i) {
        status = llm_ledger_add_rows(
            ledger->tables.rollups[i], txn, ledger->sums[i],
            llm_rollups[i].hours == 1 ? from.hours : 0, ledger->row);
    }
    return status == APR_SUCCESS ? llm_ledger_add_quotas(
               ledger->tables.quota, txn, llm_sums_sort(days),
               llm_sums_count(days), from.quota, ledger->windows)
                                 : status;
}

/* In two's complement, as sums are added. */
static void subtract_record(llm_totals_t *totals, const llm_record_t *record)
{
    llm_totals_t one = {0};

    llm_totals_add_record(&one, record);
    llm_totals_subtract(totals, &one);
}

/* A difference has no place in a row that was dropped. */
static apr_status_t read_kept(kept_t *from, llm_ledger_t *ledger,
                              llm_txn_t *txn)
{
    llm_table_t *meta = ledger->tables.meta;
    apr_uint64_t number;
    apr_status_t status = llm_meta_get(&number, meta, txn, LLM_META_HOURS_FROM);

    from->hours = (apr_uint32_t)number;
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&number, meta, txn, LLM_META_QUOTA_FROM);
        from->quota = (apr_uint32_t)number;
    }
    return status;
}

apr_status_t llm_ledger_amend(llm_ledger_t *ledger, llm_txn_t *txn,
                              llm_table_t *day, const llm_record_t *was,
                              const llm_record_t *is, unsigned count)
{
    kept_t from = {0, 0};
    apr_status_t status = read_kept(&from, ledger, txn);
    unsigned i;

    clear_sums(ledger);
    for (i = 0; i < count && status == APR_SUCCESS; ++i) {
        llm_totals_t difference = {0};

        llm_totals_add_record(&difference, &is[i]);
        subtract_record(&difference, &was[i]);
        status = put_event(day, txn, &is[i], LLM_PUT_OVER);
        if (status == APR_SUCCESS) {
            status = sum_record(ledger, txn, &is[i], &difference);
        }
    }
    return status == APR_SUCCESS ? store_all_sums(ledger, txn, from) : status;
}

static apr_status_t store_position(llm_table_t *table, llm_txn_t *txn,
                                   const llm_position_t *position)
{
    unsigned char key[POSITION_KEY], value[POSITION_BYTES];
    apr_status_t status;

    llm_be_put(key, position->of.journal, 8);
    llm_be_put(key + 8, position->of.part, 4);
    if (position->records == LLM_POSITION_GONE) {
        status = llm_table_delete(table, txn, LLM_DATUM(key));
        return status == APR_NOTFOUND ? APR_SUCCESS : status;
    }
    value[0] = POSITION_VERSION;
    llm_le_put(value + 1, position->records, 8);
    return llm_table_put(table, txn, LLM_DATUM(key), LLM_DATUM(value),
                         LLM_PUT_OVER);
}

static apr_status_t store_counters(llm_ledger_t *ledger, llm_txn_t *txn,
                                   const llm_batch_t *batch)
{
    llm_table_t *meta = ledger->tables.meta;
    apr_uint64_t last;
    apr_status_t status = llm_meta_get(&last, meta, txn, LLM_META_RECORDS);

    if (status == APR_SUCCESS) {
        status = llm_recent_add(ledger->tables.recent, txn, last, ledger->fresh,
                                batch->stored);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_add(meta, txn, LLM_META_RECORDS, batch->stored);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_add(meta, txn, LLM_META_KILLED, batch->killed);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_add(meta, txn, LLM_META_TWICE, batch->twice);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_add(meta, txn, LLM_META_DAMAGED, batch->damaged);
    }
    return status;
}

static apr_status_t store_parts(llm_ledger_t *ledger, llm_txn_t *txn,
                                llm_batch_t *batch, const open_days_t *open)
{
    apr_status_t status;
    int i;

    clear_sums(ledger);
    batch->stored = batch->killed = batch->twice = 0;
    status = store_records(ledger, txn, batch, open);
    if (status == APR_SUCCESS) {
        status = store_all_sums(ledger, txn, (kept_t){0, 0});
    }
    for (i = 0; i < batch->positions->nelts && status == APR_SUCCESS; ++i) {
        status =
            store_position(ledger->tables.positions, txn,
                           &APR_ARRAY_IDX(batch->positions, i, llm_position_t));
    }
    return status == APR_SUCCESS ? store_counters(ledger, txn, batch) : status;
}

static apr_status_t store_once(llm_ledger_t *ledger, llm_batch_t *batch,
                               const open_days_t *open)
{
    llm_txn_t *txn;
    apr_status_t status = llm_txn_begin(&txn, ledger->bdb);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = store_parts(ledger, txn, batch, open);
    if (status == APR_SUCCESS) {
        status = llm_txn_commit(txn);
    }
    else {
        llm_txn_abort(txn);
    }
    llm_dict_settle(ledger->dict, status == APR_SUCCESS);
    return status;
}

static void report_twice(const llm_batch_t *batch)
{
    char id[LLM_RECORD_ID_TEXT];

    llm_record_id_print(id, batch->records[batch->first_twice].id);
    llm_log(LLM_LOG_CRIT, APR_SUCCESS,
            LLM_LOGNO(0203) "%u usage records of a journal were stored "
                            "already, and were not counted again: %s%s",
            batch->twice, id, batch->twice > 1 ? " and others" : "");
}

apr_status_t llm_ledger_store(llm_ledger_t *ledger, llm_batch_t *batch)
{
    open_days_t open = {{NULL}, 0};
    apr_status_t status = open_days(&open, ledger, batch);
    int tries = 0;

    if (status != APR_SUCCESS) {
        return status;
    }
    do {
        status = store_once(ledger, batch, &open);
    } while (status == APR_EAGAIN && ++tries < RETRIES);
    close_days(ledger, &open);
    if (status == APR_SUCCESS && batch->twice) {
        report_twice(batch);
    }
    return status;
}

typedef struct walk_t {
    llm_position_cb *each;
    void *baton;
} walk_t;

static int walk_position(void *baton, llm_datum_t key, llm_datum_t value)
{
    const walk_t *walk = baton;
    const unsigned char *name = key.data, *row = value.data;
    llm_position_t position;

    if (key.len == POSITION_KEY && value.len == POSITION_BYTES
        && row[0] == POSITION_VERSION) {
        position.of.journal = llm_be_get(name, 8);
        position.of.part = (apr_uint32_t)llm_be_get(name + 8, 4);
        position.records = llm_le_get(row + 1, 8);
        walk->each(walk->baton, &position);
    }
    return 0;
}

apr_status_t llm_ledger_positions(llm_ledger_t *ledger, llm_position_cb *each,
                                  void *baton)
{
    walk_t walk = {each, baton};

    return llm_table_scan(ledger->tables.positions, LLM_DATUM_NONE,
                          walk_position, &walk);
}
