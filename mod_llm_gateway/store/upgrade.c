/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an older store has not: quotas out of the sums by day, and the smaller
 * rollups out of those that know everything.
 *
 * A time's rows of a key lie side by side. They are summed until there are
 * enough times and keys for a transaction, which adds the sums to what is made
 * of them and notes where in the source the next step goes on: a row counts
 * when that is behind it. So what was committed is not added a second time.
 */
#include "store/upgrade.h"

#include "core/llm_log.h"
#include "store/bytes.h"
#include "store/meta.h"
#include "store/quota.h"

#define STEP  2000    /* times and keys in a transaction */
#define SMALL 1000000 /* rows that a step adds to, of a rollup without keys */

typedef struct upgrade_t upgrade_t;

/* Something that is made. */
typedef struct work_t {
    const char *mark; /* number of meta.db: 1 + where it goes on */
    int is_asked;     /* only where the mark says so; else where it does not
                         say that it was made */
    llm_rollup_e source;
    apr_status_t (*write)(upgrade_t *upgrade, llm_txn_t *txn);
} work_t;

struct upgrade_t {
    llm_store_t *store;
    const work_t *work;
    llm_sums_t *keys;              /* of the step, by time and key */
    llm_sums_t *rows[LLM_ROLLUPS]; /* those that a rollup gets; or NULL */
    llm_sums_t *windows;           /* scratch */
    llm_buf_t *row;                /* scratch */
    apr_uint64_t count;            /* of the source's rows, all in all */
    apr_uint64_t next; /* time << 32 | key the next step begins with */
    int more;          /* there is a next step */
    apr_status_t status;
};

static apr_status_t write_quotas(upgrade_t *upgrade, llm_txn_t *txn)
{
    return llm_ledger_add_quotas(
        upgrade->store->tables.quota, txn, llm_sums_sort(upgrade->keys),
        llm_sums_count(upgrade->keys), 0, upgrade->windows);
}

static apr_status_t write_rollups(upgrade_t *upgrade, llm_txn_t *txn)
{
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = 0; i < LLM_ROLLUPS && status == APR_SUCCESS; ++i) {
        if (upgrade->rows[i]) {
            status = llm_ledger_add_rows(
                llm_rollup_table(&upgrade->store->tables, (llm_rollup_e)i), txn,
                upgrade->rows[i], 0, upgrade->row);
        }
    }
    return status;
}

static const work_t works[] = {
    {LLM_META_UPGRADING, 1, LLM_ROLLUP_rday, write_quotas},
    {LLM_META_DAYS_MADE, 0, LLM_ROLLUP_rday, write_rollups},
    {LLM_META_HOURS_MADE, 0, LLM_ROLLUP_rhour, write_rollups},
};
#define WORKS (sizeof(works) / sizeof(works[0]))

/* Adds the row to its time and key; 0: there is no room for one more, and the
 * row begins the next step. */
static int add_to_key(upgrade_t *upgrade, const llm_group_t *row,
                      const llm_totals_t *totals)
{
    const llm_group_t group = {row->time, row->key, 0, 0};
    llm_totals_t *sum = llm_sums_of(upgrade->keys, &group);

    if (!sum) {
        upgrade->more = 1;
        upgrade->next = (apr_uint64_t)row->time << 32 | row->key;
        return 0;
    }
    llm_totals_add(sum, totals);
    upgrade->count += 1;
    return 1;
}

static int add_to_rows(upgrade_t *upgrade, const llm_group_t *row,
                       const llm_totals_t *totals)
{
    llm_group_t group = *row;
    unsigned i;

    group.time *= llm_rollups[upgrade->work->source].hours;
    for (i = 0; i < LLM_ROLLUPS; ++i) {
        llm_group_t of = llm_rollup_row((llm_rollup_e)i, &group);
        llm_totals_t *sum;

        if (upgrade->rows[i]) {
            sum = llm_sums_of(upgrade->rows[i], &of);
            if (!sum) {
                return 0;
            }
            llm_totals_add(sum, totals);
        }
    }
    return 1;
}

static int take_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    upgrade_t *upgrade = baton;
    llm_totals_t totals;
    llm_group_t row;

    if (!llm_group_read(&row, key.data, key.len)
        || !llm_codec_read_totals(&totals, value.data, value.len)) {
        upgrade->status = APR_EINVAL;
        return 1;
    }
    if (!add_to_key(upgrade, &row, &totals)) {
        return 1;
    }
    if (!add_to_rows(upgrade, &row, &totals)) {
        upgrade->status = APR_ENOMEM;
    }
    return upgrade->status != APR_SUCCESS;
}

static apr_status_t read_step(upgrade_t *upgrade)
{
    unsigned char from[8];
    apr_status_t status;
    unsigned i;

    llm_be_put(from, upgrade->next, sizeof(from));
    llm_sums_clear(upgrade->keys);
    for (i = 0; i < LLM_ROLLUPS; ++i) {
        if (upgrade->rows[i]) {
            llm_sums_clear(upgrade->rows[i]);
        }
    }
    upgrade->more = 0;
    upgrade->status = APR_SUCCESS;
    status = llm_table_scan(
        llm_rollup_table(&upgrade->store->tables, upgrade->work->source),
        LLM_DATUM(from), take_row, upgrade);
    return status == APR_SUCCESS ? upgrade->status : status;
}

/* What the mark says when nothing is left to be done. */
static apr_uint64_t mark_of_end(const work_t *work)
{
    return work->is_asked ? 0 : LLM_META_MADE;
}

static apr_status_t write_step(upgrade_t *upgrade)
{
    const work_t *work = upgrade->work;
    llm_txn_t *txn;
    apr_status_t status = llm_txn_begin(&txn, upgrade->store->bdb);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = work->write(upgrade, txn);
    if (status == APR_SUCCESS) {
        status =
            llm_meta_put(upgrade->store->tables.meta, txn, work->mark,
                         upgrade->more ? 1 + upgrade->next : mark_of_end(work));
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

static void report(const upgrade_t *upgrade)
{
    const llm_rollup_t *source = &llm_rollups[upgrade->work->source];

    if (upgrade->work->is_asked) {
        llm_log(LLM_LOG_NOTICE, APR_SUCCESS,
                LLM_LOGNO(0217) "the store %s now has format %d; quotas were "
                                "made of %" APR_UINT64_T_FMT " rows",
                upgrade->store->folder->dir, LLM_STORE_FORMAT, upgrade->count);
    }
    else {
        llm_log(LLM_LOG_NOTICE, APR_SUCCESS,
                LLM_LOGNO(0218) "the store %s now has the smaller sums by %s, "
                                "made of %" APR_UINT64_T_FMT " rows",
                upgrade->store->folder->dir, source->hours > 1 ? "day" : "hour",
                upgrade->count);
    }
}

/* The smaller rollups of the source's unit. */
static void make_sums(upgrade_t *upgrade, apr_pool_t *pool)
{
    llm_rollup_e source = upgrade->work->source;
    unsigned i;

    upgrade->keys = llm_sums_make(STEP, pool);
    upgrade->windows = llm_sums_make(3 * STEP, pool);
    upgrade->row = llm_buf_make(LLM_CODEC_TOTALS_MAX, pool);
    for (i = 0; i < LLM_ROLLUPS; ++i) {
        if (upgrade->work->write == write_rollups && i != source
            && llm_rollup_whole((llm_rollup_e)i) == source) {
            upgrade->rows[i] = llm_sums_make(SMALL, pool);
        }
    }
}

static apr_status_t do_work(llm_store_t *store, const work_t *work,
                            apr_uint64_t next, apr_pool_t *pool)
{
    upgrade_t upgrade = {.store = store, .work = work, .next = next, .more = 1};
    apr_status_t status = APR_SUCCESS;

    make_sums(&upgrade, pool);
    while (upgrade.more && status == APR_SUCCESS) {
        status = read_step(&upgrade);
        if (status == APR_SUCCESS) {
            status = write_step(&upgrade);
        }
    }
    if (status == APR_SUCCESS) {
        report(&upgrade);
    }
    return status;
}

static apr_status_t work_if_needed(llm_store_t *store, const work_t *work)
{
    apr_uint64_t mark;
    apr_pool_t *pool;
    apr_status_t status =
        llm_meta_get(&mark, store->tables.meta, NULL, work->mark);

    if (status != APR_SUCCESS || mark == mark_of_end(work)) {
        return status;
    }
    status = apr_pool_create(&pool, store->pool);
    if (status == APR_SUCCESS) {
        status = do_work(store, work, mark ? mark - 1 : 0, pool);
        apr_pool_destroy(pool);
    }
    return status;
}

apr_status_t llm_upgrade(llm_store_t *store)
{
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    if (store->format < LLM_STORE_FORMAT) {
        status = begin_upgrade(store);
    }
    for (i = 0; i < WORKS && status == APR_SUCCESS; ++i) {
        status = work_if_needed(store, &works[i]);
    }
    return status;
}
