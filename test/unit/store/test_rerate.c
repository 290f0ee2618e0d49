/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command "rerate": a record's cost changes once, together with every sum
 * it is in, whatever is sent twice, comes late or is broken off.
 */
#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/inside.h"
#include "store/meta.h"
#include "store/quota.h"
#include "test/unit/store/rig.h"

#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_strings.h>

#define RECORDS 60
#define MANY    2000 /* records that are changed while somebody kills */
#define PIECE   20
#define KILLS   8

static llm_store_t *store;
static llm_journal_t *journal;
static apr_time_t began; /* of the run */

static void open_all(void)
{
    rig_open();
    store = rig_store();
    journal = rig_journal();
    began = apr_time_now();
}

static void put_change(llm_buf_t *out, unsigned n, const char *from,
                       apr_int64_t to)
{
    char id[LLM_RECORD_ID_TEXT];
    llm_record_t record;

    rig_record(&record, n);
    llm_record_id_print(id, record.id);
    llm_buf_printf(out,
                   "%s{\"id\":\"%s\",\"time_us\":%" APR_TIME_T_FMT
                   ",\"from\":%s,\"to\":%" APR_INT64_T_FMT
                   ",\"price_day\":\"2026-11-01\"}",
                   out->len && out->data[out->len - 1] != '[' ? "," : "", id,
                   record.began, from, to);
}

static llm_buf_t *begin_request(const char *members)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    llm_buf_printf(out,
                   "{\"op\":\"rerate\",\"run\":{\"began\":%" APR_TIME_T_FMT
                   ",\"number\":7},%s\"changes\":[",
                   began, members);
    return out;
}

static const char *end_request(llm_buf_t *out)
{
    llm_buf_append(out, "]}", 3);
    return out->data;
}

/* Records first to first + count - 1, which cost their number so far, cost
 * the double and 5 from now on. */
static const char *change_all(unsigned first, unsigned count,
                              const char *members)
{
    llm_buf_t *out = begin_request(members);
    unsigned n;

    for (n = first; n < first + count; ++n) {
        put_change(out, n, apr_psprintf(unit_pool, "%u", n), 2 * n + 5);
    }
    return end_request(out);
}

static const char *change_one(unsigned n, const char *from, apr_int64_t to)
{
    llm_buf_t *out = begin_request("");

    put_change(out, n, from, to);
    return end_request(out);
}

static apr_int64_t cost_by(const char *by)
{
    const char *answer =
        rig_ask(store, apr_psprintf(unit_pool,
                                    "{\"op\":\"usage\",\"by\":[\"%s\"]}", by));
    const char *total = strstr(answer, "\"total\":");

    ck_assert_msg(total != NULL, "%s", answer);
    total = strstr(total, "\"cost\":");
    return apr_atoi64(total + 7);
}

START_TEST(a_cost_changes_in_the_record_and_in_every_sum)
{
    rig_put(journal, 1, RECORDS);
    rig_drain(store);
    ck_assert_int_eq(rig_number(store, change_all(1, RECORDS, ""), "changed"),
                     RECORDS);
    rig_check(store, RECORDS);
    ck_assert_int_eq(cost_by("day"), RECORDS * (RECORDS + 1) + 5 * RECORDS);
    ck_assert_int_eq(cost_by("attempts"), cost_by("day"));
    ck_assert_int_eq(cost_by("hour"), cost_by("day"));
    rig_contains(rig_ask(store, "{\"op\":\"events\",\"limit\":1}"),
                 "\"cost\":125,\"flags\":[\"rerated\"]");
    rig_contains(rig_ask(store, "{\"op\":\"events\",\"limit\":1}"),
                 "\"price_day\":\"2026-11-01\"");
}
END_TEST

START_TEST(what_was_changed_already_is_not_changed_again)
{
    const char *again;

    rig_put(journal, 1, RECORDS);
    rig_drain(store);
    rig_ask(store, change_all(1, RECORDS, "\"id\":\"e1\","));
    again = rig_ask(store, change_all(1, RECORDS, "\"id\":\"e1\","));
    rig_contains(again, "{\"done\":{\"changed\":60,");
    rig_contains(again, "\"repeated\":true");
    rig_contains(rig_ask(store, change_all(1, RECORDS, "")),
                 "{\"done\":{\"changed\":0,\"already\":60,\"other\":0,"
                 "\"missing\":0}}");
    rig_check(store, RECORDS);
    ck_assert_int_eq(cost_by("day"), RECORDS * (RECORDS + 1) + 5 * RECORDS);
}
END_TEST

START_TEST(what_costs_something_else_by_now_is_left_alone)
{
    rig_put(journal, 1, 3);
    rig_drain(store);
    rig_contains(rig_ask(store, change_one(2, "1", 900)),
                 "{\"done\":{\"changed\":0,\"already\":0,\"other\":1,"
                 "\"missing\":0}}");
    rig_contains(rig_ask(store, change_one(2, "null", 900)), "\"other\":1");
    /* not there, on a day with records and on one without */
    rig_contains(rig_ask(store, change_one(9, "9", 900)), "\"missing\":1");
    rig_contains(rig_ask(store, change_one(90000000, "9", 900)),
                 "\"missing\":1");
    ck_assert_int_eq(cost_by("day"), 6);
    rig_check(store, 3);
}
END_TEST

START_TEST(what_had_no_price_gets_one)
{
    llm_record_t record;

    rig_record(&record, 1);
    record.cost = LLM_MONEY_UNKNOWN;
    record.flags = LLM_RECORD_UNPRICED | LLM_RECORD_STREAM;
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    rig_record(&record, 2);
    record.cost = 0;
    record.flags = LLM_RECORD_UNPRICED;
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    rig_drain(store);
    rig_contains(rig_ask(store, change_one(1, "null", 40)), "\"changed\":1");
    rig_contains(rig_ask(store, change_one(2, "0", 2)), "\"changed\":1");
    rig_contains(rig_ask(store, "{\"op\":\"usage\"}"), "\"unpriced\":0,");
    rig_contains(rig_ask(store, "{\"op\":\"events\"}"),
                 "\"cost\":40,\"flags\":[\"stream\",\"rerated\"]");
    ck_assert_int_eq(cost_by("month"), 42);
    rig_check(store, 2);
}
END_TEST

/* Hours and days of quotas that were dropped stay dropped. */
START_TEST(a_sum_that_is_no_longer_kept_does_not_come_back)
{
    const llm_quota_id_t id = {LLM_WINDOW_DAY, llm_time_day(RIG_TIME), 2};
    unsigned char hour[LLM_GROUP_KEY], quota[LLM_QUOTA_KEY], bytes[256];
    llm_group_t group = {llm_time_hour(RIG_TIME), 2, 0, 0};
    apr_size_t len;
    llm_txn_t *txn;

    rig_put(journal, 1, 1);
    rig_drain(store);
    llm_dict_find(&group.model, store->dict, LLM_DICT_MODEL,
                  "claude-sonnet-4-5");
    llm_dict_find(&group.provider, store->dict, LLM_DICT_PROVIDER, "claude");
    llm_group_write(hour, &group);
    llm_quota_write_id(quota, &id);
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(
        llm_table_delete(store->tables.rhour, txn, LLM_DATUM(hour)), 0);
    ck_assert_int_eq(
        llm_table_delete(store->tables.quota, txn, LLM_DATUM(quota)), 0);
    ck_assert_int_eq(llm_meta_put(store->tables.meta, txn, LLM_META_HOURS_FROM,
                                  llm_time_hour(RIG_TIME) + 1),
                     0);
    ck_assert_int_eq(llm_meta_put(store->tables.meta, txn, LLM_META_QUOTA_FROM,
                                  llm_time_day(RIG_TIME) + 1),
                     0);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    rig_contains(rig_ask(store, change_one(1, "1", 0)), "\"changed\":1");
    ck_assert_int_eq(llm_table_get(store->tables.rhour, NULL, LLM_DATUM(hour),
                                   bytes, sizeof(bytes), &len),
                     APR_NOTFOUND);
    ck_assert_int_eq(llm_table_get(store->tables.quota, NULL, LLM_DATUM(quota),
                                   bytes, sizeof(bytes), &len),
                     APR_NOTFOUND);
    rig_contains(rig_ask(store, "{\"op\":\"check\"}"), "\"agree\":true");
}
END_TEST

START_TEST(a_sum_below_zero_is_damage_and_nothing_is_changed)
{
    const llm_quota_id_t id = {LLM_WINDOW_TOTAL, 0, 2};
    const llm_spend_t less = {.cost = (apr_uint64_t)-3};
    llm_txn_t *txn;

    rig_put(journal, 4, 1);
    rig_drain(store);
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_quota_add(store->tables.quota, txn, &id, &less),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    rig_contains(rig_ask(store, change_one(4, "4", 1)),
                 "{\"error\":{\"code\":\"damaged\"");
    ck_assert_int_eq(cost_by("day"), 4);
    ck_assert_int_eq(cost_by("attempts"), 4);
    rig_contains(rig_ask(store, change_one(4, "4", 3)), "\"changed\":1");
}
END_TEST

START_TEST(a_run_is_one_row_of_the_audit)
{
    const char *audit;

    rig_put(journal, 1, 30);
    rig_drain(store);
    rig_ask(store, change_all(1, 10, "\"about\":\"--since 7d\","));
    audit = rig_ask(store, "{\"op\":\"audit\"}");
    rig_contains(audit, "\"uid\":4711,\"op\":\"rerate\",\"change\":{"
                        "\"about\":\"--since 7d\",\"changed\":10,"
                        "\"cost_was\":55,\"cost\":160,\"through\":\""
                        "2026-11-21T22:26:40Z\",\"finished\":false}");
    rig_ask(store, change_all(11, 20, "\"about\":\"--since 7d\","));
    rig_ask(store, change_all(1, 0, "\"end\":true,"));
    audit = rig_ask(store, "{\"op\":\"audit\"}");
    rig_contains(audit, "\"changed\":30,\"cost_was\":465,\"cost\":1080,"
                        "\"through\":\"2026-11-21T22:26:40Z\","
                        "\"finished\":true}");
    rig_contains(audit, "{\"done\":{\"edits\":1}}");
}
END_TEST

static void fails(const char *request, const char *words)
{
    const char *answer = rig_ask(store, request);

    rig_contains(answer, "{\"error\":{\"code\":\"usage\"");
    rig_contains(answer, words);
}

START_TEST(what_is_wrong_is_named)
{
    llm_buf_t *out = begin_request("");

    fails("{\"op\":\"rerate\",\"changes\":[]}", "run: expected");
    fails("{\"op\":\"rerate\",\"run\":{\"began\":1,\"number\":1},"
          "\"changes\":[]}",
          "run.began: expected");
    fails(change_all(1, 501, ""), "changes: expected an array of at most 500");
    fails(change_one(1, "-1", 2), "changes[0].from: expected");
    fails(change_one(1, "1", -2), "changes[0].to: expected");
    put_change(out, 2, "2", 3);
    put_change(out, 1, "1", 3);
    fails(end_request(out),
          "changes[1].time_us: expected records in the order");
    out = begin_request("");
    put_change(out, 2, "2", 3);
    put_change(out, 2, "2", 3);
    fails(end_request(out), "each once");
    out = begin_request("");
    put_change(out, 1, "2", 3);
    put_change(out, 90000000, "2", 3);
    fails(end_request(out), "changes[1].time_us: expected records of one day");
    out = begin_request("");
    llm_buf_lit(out, "{\"id\":\"x\"}");
    fails(end_request(out), "changes[0].id: expected");
}
END_TEST

/* ------------------------------------------------------------------- kills */

static volatile int *is_open; /* shared with the process */

/* The whole run, as a process that may be killed at any moment. */
static int rerate_many(void *baton)
{
    const llm_store_options_t options = {.dir = rig_path("store"),
                                         .version = "test"};
    const char *what;
    unsigned n;

    (void)baton;
    if (llm_store_open(&store, &options, &what, unit_pool) != APR_SUCCESS) {
        return 2;
    }
    *is_open = 1;
    for (n = 1; n <= MANY; n += PIECE) {
        rig_contains(rig_ask(store, change_all(n, PIECE, "")), "{\"done\":");
    }
    return llm_store_close(store) == APR_SUCCESS ? 0 : 3;
}

/* Kills one somewhere in it; 1 when it was not over yet. */
static int kill_one(void)
{
    pid_t pid;

    *is_open = 0;
    pid = rig_fork(rerate_many, NULL);
    while (!*is_open) {
        usleep(500);
    }
    usleep((unsigned)rand() % 60000);
    kill(pid, SIGKILL);
    return rig_wait(pid) == -SIGKILL;
}

START_TEST(killed_at_any_moment_it_is_begun_again)
{
    unsigned i;
    int killed = 0;

    is_open = mmap(NULL, sizeof(*is_open), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(is_open != MAP_FAILED);
    rig_put(journal, 1, MANY);
    rig_drain(store);
    rig_store_close(store);
    srand((unsigned)_i + 1);
    for (i = 0; i < KILLS; ++i) {
        killed += kill_one();
        store = rig_store();
        rig_check(store, MANY);
        ck_assert_int_eq(cost_by("attempts"), cost_by("day"));
        rig_store_close(store);
    }
    ck_assert_int_gt(killed, 0);
    ck_assert_int_eq(rig_wait(rig_fork(rerate_many, NULL)), 0);
    store = rig_store();
    rig_check(store, MANY);
    ck_assert_int_eq(cost_by("day"), (apr_int64_t)MANY * (MANY + 1) + 5 * MANY);
}
END_TEST

Suite *rerate_suite(void)
{
    Suite *suite = suite_create("rerate");
    TCase *changes = tcase_create("changes");
    TCase *kills = tcase_create("kills");

    tcase_add_checked_fixture(changes, open_all, rig_close);
    tcase_add_test(changes, a_cost_changes_in_the_record_and_in_every_sum);
    tcase_add_test(changes, what_was_changed_already_is_not_changed_again);
    tcase_add_test(changes, what_costs_something_else_by_now_is_left_alone);
    tcase_add_test(changes, what_had_no_price_gets_one);
    tcase_add_test(changes, a_sum_that_is_no_longer_kept_does_not_come_back);
    tcase_add_test(changes, a_sum_below_zero_is_damage_and_nothing_is_changed);
    tcase_add_test(changes, a_run_is_one_row_of_the_audit);
    tcase_add_test(changes, what_is_wrong_is_named);
    suite_add_tcase(suite, changes);
    tcase_add_checked_fixture(kills, open_all, rig_close);
    tcase_add_loop_test(kills, killed_at_any_moment_it_is_begun_again, 0, 2);
    tcase_set_timeout(kills, 60);
    suite_add_tcase(suite, kills);
    return suite;
}
