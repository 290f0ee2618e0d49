/* SPDX-License-Identifier: Apache-2.0 */
/* Hours, days and quotas say the same as the records, and for how long. */
#include "store/inside.h"
#include "store/keep.h"
#include "store/meta.h"
#include "store/quota.h"
#include "test/unit/store/rig.h"

#include "core/llm_time.h"
#include "store/bytes.h"

#include <string.h>

#include <apr_strings.h>

#define DAY apr_time_from_sec(86400)

static llm_store_t *store;
static llm_journal_t *journal;

static void open_all(void)
{
    rig_open();
    store = rig_store();
    journal = rig_journal();
}

/* One record of a key at a time. */
static void use(unsigned n, apr_uint32_t key, apr_time_t began,
                llm_money_t cost)
{
    llm_record_t record;

    rig_record(&record, n);
    record.key = key;
    record.began = began;
    record.cost = cost;
    llm_usage_clear(&record.usage);
    llm_usage_set(&record.usage, LLM_CLASS_INPUT, 10);
    llm_usage_set(&record.usage, LLM_CLASS_CACHE_READ, 100);
    llm_usage_set(&record.usage, LLM_CLASS_REASONING, 3);
    llm_usage_set(&record.usage, LLM_CLASS_IMAGES, 50);
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
}

static llm_spend_t spent(llm_window_e window, apr_time_t when, apr_uint32_t key)
{
    const llm_quota_id_t id = {
        window, llm_quota_start(window, llm_time_day(when)), key};
    llm_spend_t spend;

    ck_assert_int_eq(llm_quota_get(&spend, store->tables.quota, NULL, &id),
                     APR_SUCCESS);
    return spend;
}

static void is_spent(llm_window_e window, apr_time_t when, apr_uint32_t key,
                     apr_uint64_t requests, apr_uint64_t cost)
{
    llm_spend_t spend = spent(window, when, key);

    ck_assert_uint_eq(spend.requests, requests);
    ck_assert_uint_eq(spend.tokens_in, 110 * requests);
    ck_assert_uint_eq(spend.tokens_out, 3 * requests);
    ck_assert_uint_eq(spend.cost, cost);
}

START_TEST(windows_begin_with_their_day)
{
    const apr_uint32_t day = llm_time_day(RIG_TIME); /* 2026-11-21 */

    ck_assert_uint_eq(llm_quota_start(LLM_WINDOW_DAY, day), day);
    ck_assert_uint_eq(llm_quota_start(LLM_WINDOW_MONTH, day), day - 20);
    ck_assert_uint_eq(llm_quota_start(LLM_WINDOW_MONTH, day - 20), day - 20);
    ck_assert_uint_eq(llm_quota_start(LLM_WINDOW_MONTH, day - 21), day - 51);
    ck_assert_uint_eq(llm_quota_start(LLM_WINDOW_MONTH, 0), 0);
    ck_assert_uint_eq(llm_quota_start(LLM_WINDOW_TOTAL, day), 0);
}
END_TEST

START_TEST(quotas_count_the_records_of_their_window)
{
    const apr_time_t now = RIG_TIME;

    use(1, 7, now, 1000);
    use(2, 7, now, 200);
    use(3, 7, now - DAY, 30);
    use(4, 7, now - 30 * DAY, 4);
    use(5, 8, now, 5000);
    rig_drain(store);
    is_spent(LLM_WINDOW_DAY, now, 7, 2, 1200);
    is_spent(LLM_WINDOW_DAY, now - DAY, 7, 1, 30);
    is_spent(LLM_WINDOW_MONTH, now, 7, 3, 1230);
    is_spent(LLM_WINDOW_MONTH, now - 30 * DAY, 7, 1, 4);
    is_spent(LLM_WINDOW_TOTAL, now, 7, 4, 1234);
    is_spent(LLM_WINDOW_TOTAL, now, 8, 1, 5000);
    is_spent(LLM_WINDOW_TOTAL, now, 9, 0, 0);
    rig_check(store, 5);
}
END_TEST

START_TEST(an_unknown_cost_is_counted_apart)
{
    use(1, 7, RIG_TIME, LLM_MONEY_UNKNOWN);
    use(2, 7, RIG_TIME, 11);
    rig_drain(store);
    is_spent(LLM_WINDOW_MONTH, RIG_TIME, 7, 2, 11);
    ck_assert_uint_eq(spent(LLM_WINDOW_MONTH, RIG_TIME, 7).unpriced, 1);
    rig_check(store, 2);
}
END_TEST

START_TEST(a_record_that_comes_twice_is_not_spent_twice)
{
    use(1, 7, RIG_TIME, 1000);
    rig_drain(store);
    use(1, 7, RIG_TIME, 1000);
    rig_drain(store);
    is_spent(LLM_WINDOW_TOTAL, RIG_TIME, 7, 1, 1000);
    rig_check(store, 1);
}
END_TEST

/* Adds to a row behind the ledger's back. */
static void spoil(llm_window_e window, apr_uint32_t start, apr_uint32_t key)
{
    const llm_quota_id_t id = {window, start, key};
    const llm_spend_t more = {.requests = 1, .cost = 7};
    llm_txn_t *txn;

    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_quota_add(store->tables.quota, txn, &id, &more),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
}

START_TEST(the_check_names_the_quota_that_differs)
{
    apr_uint32_t day = llm_time_day(RIG_TIME);
    const char *answer;

    use(1, 7, RIG_TIME, 1000);
    use(2, 8, RIG_TIME, 2000);
    rig_drain(store);
    rig_check(store, 2);
    spoil(LLM_WINDOW_MONTH, day - 20, 8);
    spoil(LLM_WINDOW_DAY, day + 1, 9); /* a window of no record */
    answer = rig_ask(store, "{\"op\":\"check\"}");
    rig_contains(answer, "{\"row\":{\"window\":\"month\",\"start\":"
                         "\"2026-11-01\",\"key\":\"(unknown)\",\"key_id\":8,"
                         "\"days\":{\"requests\":1,\"tokens_in\":110,"
                         "\"tokens_out\":3,\"cost\":2000,\"unpriced\":0},"
                         "\"quota\":{\"requests\":2,\"tokens_in\":110,"
                         "\"tokens_out\":3,\"cost\":2007,\"unpriced\":0}}}");
    rig_contains(answer, "{\"window\":\"day\",\"start\":\"2026-11-22\"");
    rig_contains(answer, "\"quotas\":2,\"differences\":2,\"agree\":false");
}
END_TEST

/* One more request in a row of it. */
static void spoil_rollup(llm_rollup_e which, const llm_group_t *group)
{
    llm_table_t *table = llm_rollup_table(&store->tables, which);
    const llm_group_t row = llm_rollup_row(which, group);
    llm_sums_t *sums = llm_sums_make(1, unit_pool);
    llm_txn_t *txn;

    llm_sums_of(sums, &row)->requests = 1;
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(
        llm_ledger_add_rows(table, txn, sums, 0, llm_buf_make(0, unit_pool)),
        APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
}

START_TEST(the_check_names_the_rollup_that_differs)
{
    static const llm_rollup_e smaller[] = {
        LLM_ROLLUP_rday_key, LLM_ROLLUP_rday_model, LLM_ROLLUP_rhour_model};
    unsigned i;

    use(1, 7, RIG_TIME, 1000);
    use(2, 8, RIG_TIME + DAY, 2000);
    rig_drain(store);
    rig_check(store, 2);
    /* Each comes before the last one in the order of comparing. */
    for (i = 0; i < 3; ++i) {
        const llm_group_t group = {llm_time_hour(RIG_TIME), 7, 2, 2};

        spoil_rollup(smaller[i], &group);
        rig_contains(rig_ask(store, "{\"op\":\"check\"}"),
                     apr_psprintf(unit_pool, "\"rollup\":\"%s\"}}",
                                  llm_rollups[smaller[i]].name));
        rig_contains(rig_ask(store, "{\"op\":\"check\"}"),
                     "\"differences\":1,\"agree\":false");
    }
}
END_TEST

START_TEST(the_smallest_rollup_that_knows_is_chosen)
{
    ck_assert_int_eq(llm_rollup_choose(24, 0), LLM_ROLLUP_rday_model);
    ck_assert_int_eq(llm_rollup_choose(24, LLM_BY_PROVIDER),
                     LLM_ROLLUP_rday_model);
    ck_assert_int_eq(llm_rollup_choose(24, LLM_BY_KEY), LLM_ROLLUP_rday_key);
    ck_assert_int_eq(llm_rollup_choose(24, LLM_BY_KEY | LLM_BY_MODEL),
                     LLM_ROLLUP_rday);
    ck_assert_int_eq(llm_rollup_choose(1, LLM_BY_MODEL),
                     LLM_ROLLUP_rhour_model);
    ck_assert_int_eq(llm_rollup_choose(1, LLM_BY_KEY), LLM_ROLLUP_rhour);
}
END_TEST

START_TEST(the_check_misses_a_quota_that_is_gone)
{
    const llm_quota_id_t id = {LLM_WINDOW_TOTAL, 0, 7};
    unsigned char key[LLM_QUOTA_KEY];
    llm_txn_t *txn;

    use(1, 7, RIG_TIME, 1000);
    rig_drain(store);
    llm_quota_write_id(key, &id);
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_table_delete(store->tables.quota, txn, LLM_DATUM(key)),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    rig_contains(rig_ask(store, "{\"op\":\"check\"}"),
                 "{\"row\":{\"window\":\"total\",\"start\":null,");
}
END_TEST

/* The one record of the store. */
static int read_one(void *baton, llm_datum_t key, llm_datum_t value)
{
    ck_assert_int_eq(
        llm_codec_read_event(baton, key.data, key.len, value.data, value.len),
        1);
    return 0;
}

START_TEST(an_amended_record_changes_all_sums)
{
    llm_record_t was, is;
    llm_table_t *day;
    llm_txn_t *txn;

    use(1, 7, RIG_TIME, LLM_MONEY_UNKNOWN);
    rig_drain(store);
    ck_assert_int_eq(
        llm_events_use(&day, store->events, llm_time_day(RIG_TIME), 0),
        APR_SUCCESS);
    ck_assert_int_eq(llm_table_scan(day, LLM_DATUM_NONE, read_one, &was),
                     APR_SUCCESS);
    is = was;
    is.cost = 400;
    is.flags |= LLM_RECORD_RERATED;
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_ledger_amend(store->ledger, txn, day, &was, &is, 1),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    is_spent(LLM_WINDOW_DAY, RIG_TIME, 7, 1, 400);
    ck_assert_uint_eq(spent(LLM_WINDOW_DAY, RIG_TIME, 7).unpriced, 0);
    rig_check(store, 1);
    was = is;
    is.cost = 150;
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_ledger_amend(store->ledger, txn, day, &was, &is, 1),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    llm_events_done(store->events, day);
    is_spent(LLM_WINDOW_TOTAL, RIG_TIME, 7, 1, 150);
    rig_check(store, 1);
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

static unsigned rows_of(llm_table_t *table)
{
    unsigned count = 0;

    ck_assert_int_eq(llm_table_scan(table, LLM_DATUM_NONE, count_row, &count),
                     APR_SUCCESS);
    return count;
}

static void maintain(apr_time_t now)
{
    unsigned i;

    for (i = 0; i < 30; ++i) {
        ck_assert_int_eq(llm_store_maintain(store, now + apr_time_from_sec(i)),
                         APR_SUCCESS);
    }
}

START_TEST(old_hours_and_day_windows_are_dropped_and_the_rest_is_kept)
{
    const apr_time_t now = RIG_TIME;
    unsigned i;

    for (i = 0; i < 5; ++i) {
        use(i, 7, now - i * 200 * DAY, 100);
    }
    rig_drain(store);
    ck_assert_uint_eq(rows_of(store->tables.rhour), 5);
    /* Five days, five months, one total. */
    ck_assert_uint_eq(rows_of(store->tables.quota), 11);
    maintain(now);
    /* Today, 200 and 400 days ago. */
    ck_assert_uint_eq(rows_of(store->tables.rhour), 3);
    ck_assert_uint_eq(rows_of(store->tables.rhour_model), 3);
    ck_assert_uint_eq(rows_of(store->tables.quota), 9);
    ck_assert_uint_eq(rows_of(store->tables.rday), 5);
    is_spent(LLM_WINDOW_DAY, now - 600 * DAY, 7, 0, 0);
    is_spent(LLM_WINDOW_MONTH, now - 600 * DAY, 7, 1, 100);
    is_spent(LLM_WINDOW_TOTAL, now, 7, 5, 500);
    rig_check(store, 5);
}
END_TEST

START_TEST(hours_are_kept_as_long_as_is_said)
{
    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.keep_hours = 10});
    journal = rig_journal();
    use(1, 7, RIG_TIME - 11 * DAY, 100);
    use(2, 7, RIG_TIME - 10 * DAY, 100);
    rig_drain(store);
    maintain(RIG_TIME);
    ck_assert_uint_eq(rows_of(store->tables.rhour), 1);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "keep_hours"),
                     10);
    rig_check(store, 2);
    /* Kept longer from now on: what is gone is not looked for. */
    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.keep_hours = 1000});
    maintain(RIG_TIME);
    rig_check(store, 2);
}
END_TEST

START_TEST(the_audit_is_kept_as_long_as_is_said)
{
    apr_time_t now = apr_time_now();

    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.keep_audit = 30});
    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"one\"}");
    ck_assert_uint_eq(rows_of(store->tables.audit), 1);
    maintain(now + 30 * DAY);
    ck_assert_uint_eq(rows_of(store->tables.audit), 1);
    maintain(now + 31 * DAY);
    ck_assert_uint_eq(rows_of(store->tables.audit), 0);
}
END_TEST

/* More than one transaction's worth. */
START_TEST(many_old_rows_go_in_steps)
{
    llm_record_t record;
    unsigned i;

    for (i = 0; i < 5000; ++i) {
        rig_record(&record, i);
        record.key = i;
        record.began = RIG_TIME - 500 * DAY;
        ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    }
    rig_drain(store);
    ck_assert_uint_eq(rows_of(store->tables.rhour), 5000);
    ck_assert_int_eq(llm_store_maintain(store, RIG_TIME), APR_SUCCESS);
    ck_assert_uint_eq(rows_of(store->tables.rhour), 3000);
    rig_check(store, 5000);
    maintain(RIG_TIME + apr_time_from_sec(1));
    ck_assert_uint_eq(rows_of(store->tables.rhour), 0);
    rig_check(store, 5000);
}
END_TEST

Suite *ledger_suite(void)
{
    Suite *suite = suite_create("ledger");
    TCase *quotas = tcase_create("quotas"), *kept = tcase_create("kept");

    tcase_add_checked_fixture(quotas, open_all, rig_close);
    tcase_add_test(quotas, windows_begin_with_their_day);
    tcase_add_test(quotas, quotas_count_the_records_of_their_window);
    tcase_add_test(quotas, an_unknown_cost_is_counted_apart);
    tcase_add_test(quotas, a_record_that_comes_twice_is_not_spent_twice);
    tcase_add_test(quotas, the_check_names_the_quota_that_differs);
    tcase_add_test(quotas, the_check_misses_a_quota_that_is_gone);
    tcase_add_test(quotas, an_amended_record_changes_all_sums);
    tcase_add_test(quotas, the_check_names_the_rollup_that_differs);
    tcase_add_test(quotas, the_smallest_rollup_that_knows_is_chosen);
    suite_add_tcase(suite, quotas);
    tcase_add_checked_fixture(kept, open_all, rig_close);
    tcase_set_timeout(kept, 60);
    tcase_add_test(kept,
                   old_hours_and_day_windows_are_dropped_and_the_rest_is_kept);
    tcase_add_test(kept, hours_are_kept_as_long_as_is_said);
    tcase_add_test(kept, the_audit_is_kept_as_long_as_is_said);
    tcase_add_test(kept, many_old_rows_go_in_steps);
    suite_add_tcase(suite, kept);
    return suite;
}
