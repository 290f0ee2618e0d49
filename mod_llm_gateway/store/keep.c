/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that are old lie at the beginning of their tables: their keys begin
 * with a time. Where they stood, a number in meta.db says from when on rows are
 * all there; it is written with the first of them that goes, so that a check
 * or a report never takes what was dropped for what never was.
 */
#include "store/keep.h"

#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/done.h"
#include "store/meta.h"
#include "store/object.h"
#include "store/quota.h"

#include <string.h>

#include <apr_strings.h>

#define STEP      2000 /* rows in a transaction */
#define DONE_KEPT apr_time_from_sec(24 * 3600)

/* The rows of a table from one key up to another, which stays. */
typedef struct old_rows_t {
    llm_table_t *table;
    llm_datum_t from, until;
    const char *mark;         /* number of meta.db, or NULL */
    apr_uint64_t at;          /* what it is set to */
    apr_array_header_t *keys; /* of llm_datum_t: what was found */
    apr_pool_t *pool;
} old_rows_t;

static int is_before(llm_datum_t key, llm_datum_t until)
{
    apr_size_t len = key.len < until.len ? key.len : until.len;
    int order = memcmp(key.data, until.data, len);

    return order < 0 || (!order && key.len < until.len);
}

static int note_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    old_rows_t *old = baton;
    llm_datum_t *copy;

    (void)value;
    if (!is_before(key, old->until) || old->keys->nelts == STEP) {
        return 1;
    }
    copy = apr_array_push(old->keys);
    copy->data = apr_pmemdup(old->pool, key.data, key.len);
    copy->len = key.len;
    return 0;
}

static apr_status_t drop_in(llm_store_t *store, llm_txn_t *txn,
                            const old_rows_t *old)
{
    llm_table_t *meta = store->tables.meta;
    apr_status_t status = APR_SUCCESS;
    apr_uint64_t had = 0;
    int i;

    if (old->mark) {
        status = llm_meta_get(&had, meta, txn, old->mark);
        if (status == APR_SUCCESS && had < old->at) {
            status = llm_meta_put(meta, txn, old->mark, old->at);
        }
    }
    for (i = 0; status == APR_SUCCESS && i < old->keys->nelts; ++i) {
        status = llm_table_delete(old->table, txn,
                                  APR_ARRAY_IDX(old->keys, i, llm_datum_t));
    }
    return status;
}

static apr_status_t drop_found(llm_store_t *store, const old_rows_t *old)
{
    llm_txn_t *txn;
    apr_status_t status;

    apr_thread_mutex_lock(store->writing);
    status = llm_txn_begin(&txn, store->bdb);
    if (status == APR_SUCCESS) {
        status = drop_in(store, txn, old);
        if (status == APR_SUCCESS) {
            status = llm_txn_commit(txn);
        }
        else {
            llm_txn_abort(txn);
        }
    }
    apr_thread_mutex_unlock(store->writing);
    return status == APR_EAGAIN ? APR_SUCCESS : status; /* next time */
}

static apr_status_t drop_rows(int *pmore, llm_store_t *store, old_rows_t old)
{
    apr_status_t status = apr_pool_create(&old.pool, NULL);

    if (status != APR_SUCCESS) {
        return status;
    }
    old.keys = apr_array_make(old.pool, 16, sizeof(llm_datum_t));
    status = llm_table_scan(old.table, old.from, note_row, &old);
    if (status == APR_SUCCESS && old.keys->nelts) {
        *pmore = 1;
        status = drop_found(store, &old);
    }
    apr_pool_destroy(old.pool);
    return status;
}

/* A look at some rows of objects.db, which lie by their ids and not by time. */
typedef struct old_objects_t {
    llm_store_t *store;
    old_rows_t rows;
    apr_time_t before;
    unsigned seen;
} old_objects_t;

static int is_old_response(const old_objects_t *old, llm_datum_t key,
                           llm_datum_t value)
{
    static const char begin[] = "resp_";

    return key.len > sizeof(begin) - 1
           && !memcmp(key.data, begin, sizeof(begin) - 1)
           && llm_object_made(value) < old->before;
}

static int note_object(void *baton, llm_datum_t key, llm_datum_t value)
{
    old_objects_t *old = baton;

    if (old->seen++ == STEP) { /* it is where the next look begins */
        memcpy(old->store->objects_from, key.data, key.len);
        old->store->objects_from_len = key.len;
        return 1;
    }
    if (is_old_response(old, key, value)) {
        llm_datum_t *copy = apr_array_push(old->rows.keys);

        copy->data = apr_pmemdup(old->rows.pool, key.data, key.len);
        copy->len = key.len;
    }
    return 0;
}

static apr_status_t drop_responses(int *pmore, llm_store_t *store,
                                   apr_time_t now)
{
    old_objects_t old = {
        .store = store,
        .rows = {.table = store->tables.objects},
        .before = now - apr_time_from_sec(86400) * LLM_KEEP_RESPONSES};
    unsigned char from[LLM_KEY_BYTES];
    apr_size_t len = store->objects_from_len;
    apr_status_t status = apr_pool_create(&old.rows.pool, NULL);

    if (status != APR_SUCCESS) {
        return status;
    }
    memcpy(from, store->objects_from, len);
    store->objects_from_len = 0;
    old.rows.keys = apr_array_make(old.rows.pool, 16, sizeof(llm_datum_t));
    status = llm_table_scan(store->tables.objects,
                            (llm_datum_t){len ? from : NULL, len}, note_object,
                            &old);
    if (status == APR_SUCCESS && old.rows.keys->nelts) {
        status = drop_found(store, &old.rows);
    }
    *pmore |= store->objects_from_len > 0;
    apr_pool_destroy(old.rows.pool);
    return status;
}

static apr_uint32_t days_back(apr_time_t now, unsigned days)
{
    apr_uint32_t today = llm_time_day(now);

    return today > days ? today - days : 0;
}

static apr_status_t drop_hours(int *pmore, llm_store_t *store, apr_time_t now)
{
    apr_uint32_t hour = days_back(now, store->keep_hours) * 24;
    apr_status_t status = APR_SUCCESS;
    unsigned char until[4];
    unsigned i;

    llm_be_put(until, hour, sizeof(until));
    for (i = 0; i < LLM_ROLLUPS && status == APR_SUCCESS; ++i) {
        llm_table_t *table = llm_rollup_table(&store->tables, (llm_rollup_e)i);

        if (llm_rollups[i].hours == 1) {
            status = drop_rows(pmore, store,
                               (old_rows_t){.table = table,
                                            .until = LLM_DATUM(until),
                                            .mark = LLM_META_HOURS_FROM,
                                            .at = hour});
        }
    }
    return status;
}

static apr_status_t drop_quota_days(int *pmore, llm_store_t *store,
                                    apr_time_t now)
{
    const llm_quota_id_t id = {LLM_WINDOW_DAY,
                               days_back(now, LLM_KEEP_QUOTA_DAYS), 0};
    unsigned char until[LLM_QUOTA_KEY];

    llm_quota_write_id(until, &id);
    return drop_rows(pmore, store,
                     (old_rows_t){.table = store->tables.quota,
                                  .until = LLM_DATUM(until),
                                  .mark = LLM_META_QUOTA_FROM,
                                  .at = id.start});
}

static apr_status_t drop_audit(int *pmore, llm_store_t *store, apr_time_t now)
{
    apr_uint32_t day = days_back(now, store->keep_audit);
    unsigned char until[8];

    llm_be_put(until, (apr_uint64_t)apr_time_from_sec((apr_int64_t)day * 86400),
               sizeof(until));
    return drop_rows(
        pmore, store,
        (old_rows_t){.table = store->tables.audit, .until = LLM_DATUM(until)});
}

apr_status_t llm_keep_step(int *pmore, llm_store_t *store, apr_time_t now)
{
    unsigned dropped = 0;
    apr_status_t status = llm_events_drop(
        store->events, days_back(now, store->keep_days), 1, &dropped);

    *pmore = dropped != 0;
    if (status == APR_SUCCESS) {
        status = drop_hours(pmore, store, now);
    }
    if (status == APR_SUCCESS) {
        status = drop_quota_days(pmore, store, now);
    }
    if (status == APR_SUCCESS) {
        status = drop_audit(pmore, store, now);
    }
    if (status == APR_SUCCESS) {
        status = drop_responses(pmore, store, now);
    }
    return status == APR_SUCCESS ? llm_done_expire(store, now - DONE_KEPT)
                                 : status;
}

static apr_status_t mark_of(apr_uint32_t *pmark, llm_store_t *store,
                            const char *name)
{
    apr_uint64_t number;
    apr_status_t status = llm_meta_get(&number, store->tables.meta, NULL, name);

    *pmark = (apr_uint32_t)number;
    return status;
}

apr_status_t llm_keep_hours_from(apr_uint32_t *phour, llm_store_t *store)
{
    return mark_of(phour, store, LLM_META_HOURS_FROM);
}

apr_status_t llm_keep_quota_from(apr_uint32_t *pday, llm_store_t *store)
{
    return mark_of(pday, store, LLM_META_QUOTA_FROM);
}
