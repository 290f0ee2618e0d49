/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From format 1 to 2: the quotas out of the sums by day.
 *
 * A day's rows of a key lie side by side. They are summed until there are
 * enough keys and days for a transaction, which adds them to their windows
 * and notes where in rday.db the next one goes on: a row counts when that is
 * behind it. So what was committed is not added a second time.
 */
#include "store/upgrade.h"

#include "core/llm_log.h"
#include "store/bytes.h"
#include "store/meta.h"
#include "store/quota.h"

#include <string.h>

#define STEP 2000 /* keys and days in a transaction */

typedef struct upgrade_t {
    llm_store_t *store;
    llm_sums_t *days;    /* time, key -> totals */
    llm_sums_t *windows; /* scratch */
    apr_uint64_t rows;   /* of days, all in all */
    apr_uint64_t next;   /* day << 32 | key the next step begins with */
    int more;            /* there is a next step */
    apr_status_t status;
} upgrade_t;

/* Adds the row to its day and key; one that there is no room for begins the
 * next step. */
static int take_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    upgrade_t *upgrade = baton;
    llm_group_t row, group = {0, 0, 0, 0};
    llm_totals_t totals, *sum;

    if (!llm_group_read(&row, key.data, key.len)
        || !llm_codec_read_totals(&totals, value.data, value.len)) {
        upgrade->status = APR_EINVAL;
        return 1;
    }
    group.time = row.time;
    group.key = row.key;
    sum = llm_sums_of(upgrade->days, &group);
    if (!sum) {
        upgrade->more = 1;
        upgrade->next = (apr_uint64_t)row.time << 32 | row.key;
        return 1;
    }
    llm_totals_add(sum, &totals);
    upgrade->rows += 1;
    return 0;
}

static apr_status_t read_step(upgrade_t *upgrade)
{
    unsigned char from[8];
    apr_status_t status;

    llm_be_put(from, upgrade->next, sizeof(from));
    llm_sums_clear(upgrade->days);
    upgrade->more = 0;
    upgrade->status = APR_SUCCESS;
    status = llm_table_scan(upgrade->store->tables.rday, LLM_DATUM(from),
                            take_row, upgrade);
    return status == APR_SUCCESS ? upgrade->status : status;
}

static apr_status_t write_step(upgrade_t *upgrade)
{
    llm_tables_t *tables = &upgrade->store->tables;
    llm_txn_t *txn;
    apr_status_t status = llm_txn_begin(&txn, upgrade->store->bdb);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = llm_ledger_add_quotas(
        tables->quota, txn, llm_sums_sort(upgrade->days),
        llm_sums_count(upgrade->days), 0, upgrade->windows);
    if (status == APR_SUCCESS) {
        status = llm_meta_put(tables->meta, txn, LLM_META_UPGRADING,
                              upgrade->more ? 1 + upgrade->next : 0);
    }
    if (status != APR_SUCCESS) {
        llm_txn_abort(txn);
        return status;
    }
    return llm_txn_commit(txn);
}

static apr_status_t begin_upgrade(llm_store_t *store)
{
    llm_table_t *meta = store->tables.meta;
    llm_txn_t *txn;
    apr_status_t status = llm_txn_begin(&txn, store->bdb);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = llm_meta_put(meta, txn, LLM_META_FORMAT, LLM_STORE_FORMAT);
    if (status == APR_SUCCESS) {
        status = llm_meta_put(meta, txn, LLM_META_UPGRADING, 1);
    }
    if (status != APR_SUCCESS) {
        llm_txn_abort(txn);
        return status;
    }
    store->format = LLM_STORE_FORMAT;
    return llm_txn_commit(txn);
}

static apr_status_t run(llm_store_t *store, apr_uint64_t next, apr_pool_t *pool)
{
    upgrade_t upgrade = {.store = store, .next = next, .more = 1};
    apr_status_t status = APR_SUCCESS;

    upgrade.days = llm_sums_make(STEP, pool);
    upgrade.windows = llm_sums_make(3 * STEP, pool);
    while (upgrade.more && status == APR_SUCCESS) {
        status = read_step(&upgrade);
        if (status == APR_SUCCESS) {
            status = write_step(&upgrade);
        }
    }
    if (status == APR_SUCCESS) {
        llm_log(LLM_LOG_NOTICE, APR_SUCCESS,
                LLM_LOGNO(0217) "the store %s now has format %d; quotas were "
                                "made of %" APR_UINT64_T_FMT " rows",
                store->folder->dir, LLM_STORE_FORMAT, upgrade.rows);
    }
    return status;
}

apr_status_t llm_upgrade(llm_store_t *store)
{
    apr_uint64_t upgrading = 1;
    apr_status_t status;
    apr_pool_t *pool;

    if (store->format < LLM_STORE_FORMAT) {
        status = begin_upgrade(store);
    }
    else {
        status = llm_meta_get(&upgrading, store->tables.meta, NULL,
                              LLM_META_UPGRADING);
    }
    if (status != APR_SUCCESS || !upgrading) {
        return status;
    }
    status = apr_pool_create(&pool, store->pool);
    if (status == APR_SUCCESS) {
        status = run(store, upgrading - 1, pool);
        apr_pool_destroy(pool);
    }
    return status;
}
