/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, names as numbers, sums: what the ledger is made of. */
#include "store/bdb.h"
#include "store/bytes.h"
#include "store/dict.h"
#include "store/sums.h"
#include "test/unit/store/rig.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <apr_strings.h>

static llm_bdb_t *bdb;
static llm_table_t *table;

static void open_table(void)
{
    rig_open();
    ck_assert_int_eq(mkdir(rig_path("env"), 0700), 0);
    ck_assert_int_eq(llm_bdb_open(&bdb, rig_path("env"), unit_pool),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_table_open(&table, bdb, "meta.db"), APR_SUCCESS);
}

static void close_table(void)
{
    ck_assert_int_eq(llm_table_close(table), APR_SUCCESS);
    ck_assert_int_eq(llm_bdb_close(bdb), APR_SUCCESS);
    rig_close();
}

static llm_txn_t *begin(void)
{
    llm_txn_t *txn = NULL;

    ck_assert_int_eq(llm_txn_begin(&txn, bdb), APR_SUCCESS);
    return txn;
}

/* Row n: its key is the number, its value some bytes of it. */
static apr_status_t put_row(llm_txn_t *txn, unsigned n, int how)
{
    unsigned char key[4], value[300];

    llm_be_put(key, n, 4);
    memset(value, (int)(n % 251), sizeof(value));
    return llm_table_put(table, txn, LLM_DATUM(key),
                         (llm_datum_t){value, 1 + n % 300}, how);
}

static void put_rows(unsigned count)
{
    llm_txn_t *txn = begin();
    unsigned n;

    for (n = 0; n < count; ++n) {
        ck_assert_int_eq(put_row(txn, n, LLM_PUT_NEW), APR_SUCCESS);
    }
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
}

START_TEST(what_is_aborted_was_never_there)
{
    unsigned char key[4] = {0}, value[400];
    apr_size_t len;
    llm_txn_t *txn = begin();

    ck_assert_int_eq(put_row(txn, 0, LLM_PUT_NEW), APR_SUCCESS);
    ck_assert_int_eq(
        llm_table_get(table, txn, LLM_DATUM(key), value, sizeof(value), &len),
        APR_SUCCESS);
    llm_txn_abort(txn);
    ck_assert_int_eq(
        llm_table_get(table, NULL, LLM_DATUM(key), value, sizeof(value), &len),
        APR_NOTFOUND);
}
END_TEST

START_TEST(rows_are_put_once_over_and_deleted)
{
    unsigned char key[4] = {0}, value[4];
    apr_size_t len;
    llm_txn_t *txn = begin();

    ck_assert_int_eq(put_row(txn, 0, LLM_PUT_NEW), APR_SUCCESS);
    ck_assert_int_eq(put_row(txn, 0, LLM_PUT_NEW), APR_EEXIST);
    ck_assert_int_eq(put_row(txn, 0, LLM_PUT_OVER), APR_SUCCESS);
    ck_assert_int_eq(put_row(txn, 256, LLM_PUT_NEW), APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    ck_assert_int_eq(
        llm_table_get(table, NULL, LLM_DATUM(key), value, sizeof(value), &len),
        APR_SUCCESS);
    ck_assert_uint_eq(len, 1);
    key[2] = 1; /* 256, of 257 bytes */
    ck_assert_int_eq(
        llm_table_get(table, NULL, LLM_DATUM(key), value, sizeof(value), &len),
        APR_EINVAL);
    txn = begin();
    ck_assert_int_eq(llm_table_delete(table, txn, LLM_DATUM(key)), APR_SUCCESS);
    ck_assert_int_eq(llm_table_delete(table, txn, LLM_DATUM(key)),
                     APR_NOTFOUND);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
}
END_TEST

/* A scan that expects one row after the other, up or down. */
typedef struct walk_t {
    unsigned next;
    int step;
    unsigned rows, limit;
} walk_t;

static int walk_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    walk_t *walk = baton;
    const unsigned char *bytes = value.data;
    unsigned n = (unsigned)llm_be_get(key.data, 4);

    ck_assert_uint_eq(key.len, 4);
    ck_assert_uint_eq(n, walk->next);
    ck_assert_uint_eq(value.len, 1 + n % 300);
    ck_assert_uint_eq(bytes[value.len - 1], n % 251);
    walk->next += (unsigned)walk->step;
    return ++walk->rows == walk->limit;
}

static void walk_up(unsigned from, unsigned rows, unsigned limit)
{
    walk_t walk = {from, 1, 0, limit};
    unsigned char key[4];

    llm_be_put(key, from, 4);
    ck_assert_int_eq(llm_table_scan(table,
                                    from ? LLM_DATUM(key) : LLM_DATUM_NONE,
                                    walk_row, &walk),
                     APR_SUCCESS);
    ck_assert_uint_eq(walk.rows, rows);
}

/* Rows below `before`. */
static void walk_down(unsigned before, unsigned rows, unsigned limit)
{
    walk_t walk = {before - 1, -1, 0, limit};
    unsigned char key[4];

    llm_be_put(key, before, 4);
    ck_assert_int_eq(
        llm_table_scan_back(table, LLM_DATUM(key), walk_row, &walk),
        APR_SUCCESS);
    ck_assert_uint_eq(walk.rows, rows);
}

#define ROWS 20000 /* some 3 MB: a dozen pieces */

START_TEST(a_scan_sees_every_row_in_order)
{
    walk_t last = {ROWS - 1, -1, 0, 0};

    put_rows(ROWS);
    walk_up(0, ROWS, 0);
    walk_up(12345, ROWS - 12345, 0);
    walk_up(ROWS - 1, 1, 0);
    walk_up(ROWS, 0, 0);
    walk_up(0, 5000, 5000);
    walk_down(ROWS, ROWS, 0);
    walk_down(12345, 12345, 0);
    walk_down(1, 1, 0);
    walk_down(0, 0, 0);
    walk_down(ROWS, 700, 700);
    ck_assert_int_eq(
        llm_table_scan_back(table, LLM_DATUM_NONE, walk_row, &last),
        APR_SUCCESS);
    ck_assert_uint_eq(last.rows, ROWS);
}
END_TEST

START_TEST(an_empty_table_is_scanned)
{
    walk_t walk = {0, 1, 0, 0};

    ck_assert_int_eq(llm_table_scan(table, LLM_DATUM_NONE, walk_row, &walk),
                     APR_SUCCESS);
    ck_assert_int_eq(
        llm_table_scan_back(table, LLM_DATUM_NONE, walk_row, &walk),
        APR_SUCCESS);
    ck_assert_uint_eq(walk.rows, 0);
}
END_TEST

static int count_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    unsigned *pcount = baton;

    (void)key;
    (void)value;
    *pcount += 1;
    return 0;
}

static void *scan_often(void *baton)
{
    volatile int *pstop = baton;

    while (!*pstop) {
        unsigned up = 0, down = 0;

        if (llm_table_scan(table, LLM_DATUM_NONE, count_row, &up) != APR_SUCCESS
            || llm_table_scan_back(table, LLM_DATUM_NONE, count_row, &down)
                   != APR_SUCCESS
            || up < ROWS || down < ROWS) {
            return baton;
        }
    }
    return NULL;
}

/* In no order at all, so that locks are taken in none. */
static apr_status_t write_at_random(void)
{
    llm_txn_t *txn = begin();
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    for (i = 0; i < 100 && status == APR_SUCCESS; ++i) {
        status = put_row(txn, (unsigned)rand() % (2 * ROWS), LLM_PUT_OVER);
    }
    if (status == APR_SUCCESS) {
        return llm_txn_commit(txn);
    }
    llm_txn_abort(txn);
    return status;
}

START_TEST(scans_and_transactions_do_not_stop_each_other)
{
    apr_time_t end;
    pthread_t threads[3];
    volatile int stop = 0;
    unsigned written = 0;
    void *failed;
    int i;

    put_rows(ROWS);
    for (i = 0; i < 3; ++i) {
        pthread_create(&threads[i], NULL, scan_often,
                       (void *)(apr_uintptr_t)&stop);
    }
    for (end = apr_time_now() + apr_time_from_sec(2); apr_time_now() < end;) {
        apr_status_t status = write_at_random();

        ck_assert(status == APR_SUCCESS || status == APR_EAGAIN);
        written += status == APR_SUCCESS;
    }
    stop = 1;
    for (i = 0; i < 3; ++i) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_gt(written, 10);
}
END_TEST

/* ------------------------------------------------------------------- names */

static apr_uint32_t intern(llm_dict_t *dict, const char *name, int commit)
{
    llm_txn_t *txn = begin();
    apr_uint32_t id;

    ck_assert_int_eq(llm_dict_intern(&id, dict, txn, LLM_DICT_MODEL, name),
                     APR_SUCCESS);
    if (commit) {
        ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    }
    else {
        llm_txn_abort(txn);
    }
    llm_dict_settle(dict, commit);
    return id;
}

static llm_dict_t *load(void)
{
    llm_dict_t *dict = NULL;

    ck_assert_int_eq(llm_dict_load(&dict, table, unit_pool), APR_SUCCESS);
    return dict;
}

START_TEST(a_name_keeps_its_number)
{
    llm_dict_t *dict = load();
    apr_uint32_t a = intern(dict, "a", 1), b = intern(dict, "b", 1), id;

    ck_assert_uint_eq(a, LLM_DICT_FIRST);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_eq(intern(dict, "a", 1), a);
    ck_assert_uint_eq(intern(dict, "", 1), LLM_DICT_NONE);
    ck_assert_uint_eq(intern(dict, "(other)", 1), LLM_DICT_OTHER);
    dict = load();
    ck_assert_uint_eq(intern(dict, "b", 1), b);
    ck_assert_str_eq(llm_dict_name(dict, LLM_DICT_MODEL, a), "a");
    ck_assert_str_eq(llm_dict_name(dict, LLM_DICT_MODEL, b), "b");
    ck_assert_str_eq(llm_dict_name(dict, LLM_DICT_MODEL, 0), "");
    ck_assert_str_eq(llm_dict_name(dict, LLM_DICT_MODEL, 1), "(other)");
    ck_assert_str_eq(llm_dict_name(dict, LLM_DICT_MODEL, 99), "(unknown)");
    ck_assert_int_eq(llm_dict_find(&id, dict, LLM_DICT_PROVIDER, "a"), 0);
    ck_assert_int_eq(llm_dict_find(&id, dict, LLM_DICT_MODEL, "a"), 1);
    ck_assert_uint_eq(id, a);
}
END_TEST

/* The number was given in an aborted transaction, and others committed since:
 * it must still be written when it is used for the first time. */
START_TEST(a_name_of_an_aborted_transaction_is_written_by_a_later_one)
{
    llm_dict_t *dict = load();
    apr_uint32_t lost = intern(dict, "lost", 0);

    intern(dict, "other", 1);
    ck_assert_uint_eq(intern(dict, "lost", 0), lost);
    intern(dict, "another", 1);
    ck_assert_uint_eq(intern(dict, "lost", 1), lost);
    dict = load();
    ck_assert_str_eq(llm_dict_name(dict, LLM_DICT_MODEL, lost), "lost");
    ck_assert_uint_eq(intern(dict, "lost", 1), lost);
}
END_TEST

/* -------------------------------------------------------------------- sums */

START_TEST(sums_are_kept_by_group_up_to_a_limit)
{
    llm_sums_t *sums = llm_sums_make(1000, unit_pool);
    const llm_sum_t *list;
    unsigned i;

    for (i = 0; i < 3000; ++i) {
        llm_group_t group = {i % 10, i % 7, i % 5, 0};

        llm_sums_of(sums, &group)->requests += 1;
    }
    ck_assert_uint_eq(llm_sums_count(sums), 70);
    list = llm_sums_sort(sums);
    for (i = 1; i < 70; ++i) {
        ck_assert_int_lt(llm_group_compare(&list[i - 1].group, &list[i].group),
                         0);
        ck_assert_uint_ge(list[i].totals.requests, 42);
    }
    llm_sums_clear(sums);
    for (i = 0; i < 1000; ++i) {
        llm_group_t group = {i, 0, 0, i};

        ck_assert_uint_eq(llm_sums_of(sums, &group)->requests, 0);
    }
    ck_assert_ptr_null(
        llm_sums_of(sums, &(llm_group_t){.time = 5, .provider = 6}));
    ck_assert_ptr_nonnull(
        llm_sums_of(sums, &(llm_group_t){.time = 5, .provider = 5}));
}
END_TEST

START_TEST(groups_sort_as_their_bytes_do)
{
    const apr_uint32_t numbers[] = {0, 1, 255, 256, 0xffffffff};
    llm_group_t a, b, again;
    unsigned char x[LLM_GROUP_KEY], y[LLM_GROUP_KEY];
    unsigned i, j;

    for (i = 0; i < 625; ++i) {
        a = (llm_group_t){numbers[i % 5], numbers[i / 5 % 5],
                          numbers[i / 25 % 5], numbers[i / 125]};
        llm_group_write(x, &a);
        ck_assert_int_eq(llm_group_read(&again, x, sizeof(x)), 1);
        ck_assert_mem_eq(&a, &again, sizeof(a));
        for (j = 0; j < 625; j += 7) {
            int order;

            b = (llm_group_t){numbers[j % 5], numbers[j / 5 % 5],
                              numbers[j / 25 % 5], numbers[j / 125]};
            llm_group_write(y, &b);
            order = memcmp(x, y, sizeof(x));
            ck_assert_int_eq((order > 0) - (order < 0),
                             llm_group_compare(&a, &b));
        }
    }
    ck_assert_int_eq(llm_group_read(&again, x, sizeof(x) - 1), 0);
}
END_TEST

Suite *table_suite(void)
{
    Suite *suite = suite_create("table");
    TCase *rows = tcase_create("rows"), *names = tcase_create("names"),
          *sums = tcase_create("sums");

    tcase_add_checked_fixture(rows, open_table, close_table);
    tcase_set_timeout(rows, 60);
    tcase_add_test(rows, what_is_aborted_was_never_there);
    tcase_add_test(rows, rows_are_put_once_over_and_deleted);
    tcase_add_test(rows, a_scan_sees_every_row_in_order);
    tcase_add_test(rows, an_empty_table_is_scanned);
    tcase_add_test(rows, scans_and_transactions_do_not_stop_each_other);
    suite_add_tcase(suite, rows);
    tcase_add_checked_fixture(names, open_table, close_table);
    tcase_add_test(names, a_name_keeps_its_number);
    tcase_add_test(names,
                   a_name_of_an_aborted_transaction_is_written_by_a_later_one);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(sums, unit_pool_open, unit_pool_close);
    tcase_add_test(sums, sums_are_kept_by_group_up_to_a_limit);
    tcase_add_test(sums, groups_sort_as_their_bytes_do);
    suite_add_tcase(suite, sums);
    return suite;
}
