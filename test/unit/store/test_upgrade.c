/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores that the version before made: brought to this format with nothing
 * lost, killed at any moment of it. test/store/format-1.tar.gz is one, left by
 * a process that was killed; test/store/former.c made it.
 */
#include "store/inside.h"
#include "store/meta.h"
#include "store/quota.h"
#include "test/store/former.h"
#include "test/unit/store/rig.h"

#include "core/llm_time.h"
#include "store/bytes.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

/* Beside this file, which is named as the compiler was told. */
static void unpack(const char *name)
{
    const char *here = __FILE__, *dir = rig_path("store");
    int len = (int)(strlen(here) - strlen("unit/store/test_upgrade.c"));

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(
        system(apr_psprintf(unit_pool,
                            "tar -C '%s' --no-same-owner -xzf '%.*sstore/%s'",
                            dir, len, here, name)),
        0);
}

/* What the key used in the window, by the records' own numbers. */
static void count(llm_spend_t *spend, llm_window_e window, apr_uint32_t start,
                  apr_uint32_t key)
{
    llm_totals_t totals = {0};
    unsigned n;

    for (n = 0; n < FORMER_BEGUN; ++n) {
        llm_record_t record;

        former_record(&record, n);
        if (record.key == key
            && llm_quota_start(window, llm_time_day(record.began)) == start) {
            llm_totals_add_record(&totals, &record);
        }
    }
    memset(spend, 0, sizeof(*spend));
    llm_spend_add_totals(spend, &totals);
}

static void is_spent(llm_store_t *store, llm_window_e window, apr_uint32_t day,
                     apr_uint32_t key)
{
    const llm_quota_id_t id = {window, llm_quota_start(window, day), key};
    llm_spend_t spend, wanted;

    ck_assert_int_eq(llm_quota_get(&spend, store->tables.quota, NULL, &id),
                     APR_SUCCESS);
    count(&wanted, window, id.start, key);
    ck_assert_uint_gt(wanted.requests, 0);
    ck_assert_mem_eq(&spend, &wanted, sizeof(spend));
}

START_TEST(a_store_of_format_1_loses_nothing)
{
    const apr_uint32_t day = llm_time_day(FORMER_TIME);
    llm_store_t *store;
    const char *text;
    apr_uint32_t key;

    unpack("format-1.tar.gz");
    store = rig_store();
    rig_contains(rig_log(), "now has format 2");
    rig_check(store, FORMER_BEGUN);
    for (key = 1; key <= FORMER_KEYS; ++key) {
        is_spent(store, LLM_WINDOW_TOTAL, 0, key);
        is_spent(store, LLM_WINDOW_MONTH, day, key);
        is_spent(store, LLM_WINDOW_MONTH, day - 25, key);
        is_spent(store, LLM_WINDOW_DAY, day - 3 * (key - 1), key);
    }
    text = rig_ask(store, "{\"op\":\"status\"}");
    rig_contains(text, "\"schema\":2,");
    rig_contains(text, "\"keys\":9,");
    rig_contains(text, apr_psprintf(unit_pool,
                                    "\"killed\":%d,\"damaged\":0,"
                                    "\"twice\":0",
                                    FORMER_BEGUN - FORMER_PUT));
    text = rig_ask(store, "{\"op\":\"key.list\"}");
    rig_contains(text, "\"name\":\"key-5\"");
    rig_contains(text, "\"team\":\"search\"");
    rig_contains(rig_ask(store, "{\"op\":\"team.show\",\"name\":\"search\"}"),
                 "\"note\":\"a team\"");
    rig_contains(rig_ask(store, "{\"op\":\"audit\"}"), "\"edits\":16");
    text = rig_ask(store, "{\"op\":\"events\",\"limit\":1}");
    rig_contains(text, "\"asked\":\"smart\"");
}
END_TEST

START_TEST(nothing_of_the_version_before_is_left_beside)
{
    unpack("format-1.tar.gz");
    rig_store();
    ck_assert_int_ne(access(rig_path("store/inflight"), F_OK), 0);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ""), 2);
}
END_TEST

START_TEST(a_store_is_upgraded_once)
{
    llm_store_t *store;

    unpack("format-1.tar.gz");
    rig_store_close(rig_store());
    store = rig_store();
    rig_put(rig_journal(), 1000000, 100);
    rig_drain(store);
    rig_check(store, FORMER_BEGUN + 100);
    ck_assert_ptr_eq(
        strstr(strstr(rig_log(), "now has format") + 1, "now has format"),
        NULL);
}
END_TEST

/* ----------------------------------------------------------------- rollups */

/* As if they had never been made. */
static void forget_rollups(llm_store_t *store, llm_txn_t *txn)
{
    ck_assert_int_eq(
        llm_meta_put(store->tables.meta, txn, LLM_META_DAYS_MADE, 0),
        APR_SUCCESS);
    ck_assert_int_eq(
        llm_meta_put(store->tables.meta, txn, LLM_META_HOURS_MADE, 0),
        APR_SUCCESS);
}

static int note_key(void *baton, llm_datum_t key, llm_datum_t value)
{
    apr_array_header_t *keys = baton;

    (void)value;
    ck_assert_uint_eq(key.len, LLM_GROUP_KEY);
    memcpy(apr_array_push(keys), key.data, LLM_GROUP_KEY);
    return 0;
}

static void empty(llm_table_t *table, llm_txn_t *txn)
{
    apr_array_header_t *keys = apr_array_make(unit_pool, 64, LLM_GROUP_KEY);
    int i;

    ck_assert_int_eq(llm_table_scan(table, LLM_DATUM_NONE, note_key, keys),
                     APR_SUCCESS);
    ck_assert_int_gt(keys->nelts, 0);
    for (i = 0; i < keys->nelts; ++i) {
        const llm_datum_t key = {keys->elts + i * LLM_GROUP_KEY, LLM_GROUP_KEY};

        ck_assert_int_eq(llm_table_delete(table, txn, key), APR_SUCCESS);
    }
}

/* The smaller rollups, as the first builds of this format had none. */
static void drop_rollups(llm_store_t *store)
{
    llm_txn_t *txn;
    int i;

    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    for (i = 0; i < LLM_ROLLUPS; ++i) {
        llm_rollup_e which = (llm_rollup_e)i;

        if (llm_rollup_whole(which) != which) {
            empty(llm_rollup_table(&store->tables, which), txn);
        }
    }
    forget_rollups(store, txn);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
}

START_TEST(smaller_rollups_are_made_where_they_are_missing)
{
    const char *logged;
    llm_store_t *store = rig_store();

    rig_put(rig_journal(), 1, 3000);
    rig_drain(store);
    rig_check(store, 3000);
    drop_rollups(store);
    rig_contains(rig_ask(store, "{\"op\":\"check\"}"),
                 "\"rollup\":\"rhour_model\"");
    rig_store_close(store);
    store = rig_store();
    rig_check(store, 3000);
    rig_contains(rig_log(), "now has the smaller sums by day");
    logged = strstr(rig_log(), "now has the smaller sums by hour");
    ck_assert_ptr_nonnull(logged);
    rig_store_close(store);
    store = rig_store();
    ck_assert_ptr_eq(strstr(logged + 1, "now has the smaller"), NULL);
    rig_put(rig_journal(), 5000, 100);
    rig_drain(store);
    rig_check(store, 3100);
}
END_TEST

/* ------------------------------------------------------------------ killed */

#define ROWS 40000

/* A store of format 1 with many rows of days, and nothing else. */
static void make_rows(void)
{
    llm_store_t *store = rig_store();
    llm_totals_t totals = {.requests = 1, .cost = 3};
    llm_buf_t *value = llm_buf_make(0, unit_pool);
    llm_txn_t *txn = NULL;
    apr_uint32_t i;

    llm_codec_write_totals(value, &totals);
    for (i = 0; i < ROWS; ++i) {
        const llm_group_t day = {20000 + i / 400, i % 100, 2 + i % 400 / 100,
                                 2};
        const llm_group_t hour = {day.time * 24, day.key, day.model, 2};
        unsigned char key[LLM_GROUP_KEY];

        if (!(i % 4000)) {
            ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
        }
        llm_group_write(key, &day);
        ck_assert_int_eq(llm_table_put(store->tables.rday, txn, LLM_DATUM(key),
                                       (llm_datum_t){value->data, value->len},
                                       LLM_PUT_OVER),
                         APR_SUCCESS);
        llm_group_write(key, &hour);
        ck_assert_int_eq(llm_table_put(store->tables.rhour, txn, LLM_DATUM(key),
                                       (llm_datum_t){value->data, value->len},
                                       LLM_PUT_OVER),
                         APR_SUCCESS);
        if (i % 4000 == 3999) {
            ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
        }
    }
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_meta_put(store->tables.meta, txn, LLM_META_FORMAT, 1),
                     APR_SUCCESS);
    forget_rollups(store, txn);
    ck_assert_int_eq(
        llm_meta_put(store->tables.meta, txn, LLM_META_RECORDS, ROWS),
        APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    rig_store_close(store);
}

static int open_and_leave(void *baton)
{
    const llm_store_options_t options = {.dir = baton};
    const char *what = "";
    llm_store_t *store;

    return llm_store_open(&store, &options, &what, unit_pool) == APR_SUCCESS
                   && llm_store_close(store) == APR_SUCCESS
               ? 0
               : 1;
}

START_TEST(an_upgrade_can_be_killed_at_any_moment)
{
    const char *dir = rig_path("store");
    const char *more = getenv("LLMGW_UPGRADE_KILLS");
    unsigned kills = more ? (unsigned)apr_atoi64(more) : 6, i, inside = 0;

    for (i = 0; i < kills; ++i) {
        int was_killed = 1, again;
        llm_store_t *store;

        make_rows();
        for (again = 0; was_killed && again < 5; ++again) {
            pid_t pid = rig_fork(open_and_leave, (void *)(apr_uintptr_t)dir);

            apr_sleep((apr_interval_time_t)rand() % 150000);
            kill(pid, SIGKILL);
            was_killed = rig_wait(pid) == -SIGKILL;
            inside += was_killed ? 1 : 0;
        }
        store = rig_store();
        rig_check(store, ROWS);
        rig_store_close(store);
        ck_assert_int_eq(system(apr_psprintf(unit_pool, "rm -rf '%s'", dir)),
                         0);
    }
    ck_assert_uint_gt(inside, 0);
}
END_TEST

Suite *upgrade_suite(void)
{
    Suite *suite = suite_create("upgrade");
    TCase *former = tcase_create("former"), *killed = tcase_create("killed");

    tcase_add_checked_fixture(former, rig_open, rig_close);
    tcase_set_timeout(former, 60);
    tcase_add_test(former, a_store_of_format_1_loses_nothing);
    tcase_add_test(former, nothing_of_the_version_before_is_left_beside);
    tcase_add_test(former, a_store_is_upgraded_once);
    tcase_add_test(former, smaller_rollups_are_made_where_they_are_missing);
    suite_add_tcase(suite, former);
    tcase_add_checked_fixture(killed, rig_open, rig_close);
    tcase_set_timeout(killed, 600);
    tcase_add_test(killed, an_upgrade_can_be_killed_at_any_moment);
    suite_add_tcase(suite, killed);
    return suite;
}
