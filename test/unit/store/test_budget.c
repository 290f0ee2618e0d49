/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets of keys and teams, and what was spent against them. */
#include "store/inside.h"
#include "test/unit/store/rig.h"

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

static void close_all(void)
{
    rig_store_close(store);
    rig_close();
}

static const char *ask(const char *request)
{
    return rig_ask(store, request);
}

static void answers(const char *request, const char *wanted)
{
    rig_contains(ask(request), wanted);
}

/* ------------------------------------------------------------------- edits */

#define NO_BUDGET                                                              \
    "\"budget_day\":null,\"budget_month\":null,\"budget_total\":null"
#define MONTHLY                                                                \
    "\"budget_day\":null,\"budget_month\":100000000000,\"budget_total\":null"
#define ALL                                                                    \
    "\"budget_day\":5000000000,\"budget_month\":100000000000,"                 \
    "\"budget_total\":0"

START_TEST(a_key_has_the_budgets_it_is_given)
{
    answers("{\"op\":\"key.create\",\"name\":\"a\"}", NO_BUDGET);
    answers("{\"op\":\"key.create\",\"name\":\"b\",\"budget\":\"100/month\"}",
            MONTHLY);
    answers("{\"op\":\"key.update\",\"name\":\"b\",\"note\":\"n\"}", MONTHLY);
    answers("{\"op\":\"key.update\",\"name\":\"b\",\"budget\":"
            "\"5/day, 100/month, 0/total\"}",
            ALL);
    answers("{\"op\":\"key.rotate\",\"name\":\"b\"}", ALL);
    answers("{\"op\":\"key.list\"}", ALL);
    rig_store_close(store);
    store = rig_store();
    answers("{\"op\":\"key.show\",\"name\":\"b\"}", ALL);
    answers("{\"op\":\"key.update\",\"name\":\"b\",\"budget\":\"100/month\"}",
            MONTHLY);
    answers("{\"op\":\"key.update\",\"name\":\"b\",\"budget\":\"\"}",
            NO_BUDGET);
    answers("{\"op\":\"key.show\",\"name\":\"b\"}", NO_BUDGET);
}
END_TEST

START_TEST(a_team_has_the_budgets_it_is_given)
{
    answers("{\"op\":\"team.create\",\"name\":\"red\",\"note\":\"n\","
            "\"budget\":\"100/month\"}",
            "\"note\":\"n\",\"created\":\"2");
    answers("{\"op\":\"team.show\",\"name\":\"red\"}", MONTHLY ",\"keys\":0");
    answers("{\"op\":\"team.update\",\"name\":\"red\",\"budget\":"
            "\"5/day,100/month,0/total\"}",
            ALL);
    ask("{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"red\"}");
    answers("{\"op\":\"team.update\",\"name\":\"red\",\"new_name\":\"blue\"}",
            ALL);
    rig_store_close(store);
    store = rig_store();
    answers("{\"op\":\"team.list\"}", ALL ",\"keys\":1");
    answers("{\"op\":\"team.show\",\"name\":\"blue\"}", "\"note\":\"n\"");
    answers("{\"op\":\"team.update\",\"name\":\"blue\",\"budget\":\"\"}",
            NO_BUDGET);
    /* one that nobody made by itself */
    ask("{\"op\":\"key.create\",\"name\":\"b\",\"team\":\"green\"}");
    answers("{\"op\":\"team.update\",\"name\":\"green\","
            "\"budget\":\"100/month\"}",
            MONTHLY);
}
END_TEST

START_TEST(a_budget_that_cannot_be_meant_changes_nothing)
{
    static const char *const wrong[] = {"10",          "-1/day",
                                        "1e3/day",     "10/week",
                                        "5/day,6/day", "0.0000000001/day"};
    unsigned i;

    ask("{\"op\":\"key.create\",\"name\":\"a\",\"budget\":\"100/month\"}");
    ask("{\"op\":\"team.create\",\"name\":\"t\",\"budget\":\"100/month\"}");
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        static const char *const ops[] = {
            "key.update\",\"name\":\"a", "team.update\",\"name\":\"t",
            "key.create\",\"name\":\"x", "team.create\",\"name\":\"x"};
        unsigned op;

        for (op = 0; op < sizeof(ops) / sizeof(ops[0]); ++op) {
            answers(apr_psprintf(unit_pool, "{\"op\":\"%s\",\"budget\":\"%s\"}",
                                 ops[op], wrong[i]),
                    "{\"error\":{\"code\":\"usage\",\"message\":\"budget: "
                    "expected ");
        }
    }
    answers("{\"op\":\"key.update\",\"name\":\"a\",\"budget\":7}",
            "\"code\":\"usage\"");
    answers("{\"op\":\"key.show\",\"name\":\"a\"}", MONTHLY);
    answers("{\"op\":\"team.show\",\"name\":\"t\"}", MONTHLY);
    answers("{\"op\":\"key.list\"}", "{\"keys\":1}");
    answers("{\"op\":\"team.list\"}", "{\"teams\":1}");
}
END_TEST

START_TEST(a_budget_that_is_sent_again_is_set_once)
{
    const char *request = "{\"op\":\"key.update\",\"id\":\"u\",\"name\":\"a\","
                          "\"budget\":\"100/month\"}";
    const char *audit;

    ask("{\"op\":\"key.create\",\"name\":\"a\"}");
    answers(request, MONTHLY);
    ask("{\"op\":\"key.update\",\"name\":\"a\",\"budget\":\"\"}");
    answers(request, "\"repeated\":true");
    answers("{\"op\":\"key.show\",\"name\":\"a\"}", NO_BUDGET);
    audit = ask("{\"op\":\"audit\"}");
    rig_contains(audit, "{\"edits\":3}");
    rig_contains(audit, MONTHLY);
}
END_TEST

static void put_team(const char *name, const unsigned char *bytes,
                     apr_size_t len)
{
    llm_txn_t *txn;

    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_table_put(store->tables.teams, txn,
                                   (llm_datum_t){name, strlen(name)},
                                   (llm_datum_t){bytes, len}, LLM_PUT_OVER),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
}

START_TEST(a_team_of_an_older_version_is_read)
{
    static const unsigned char old[] = {1, 0, 0, 0x10, 0, 0, 0, 0, 0, 'h', 'i'};
    static const unsigned char newer[] = {3, 0, 0, 0x10, 0, 0, 0, 0, 0};

    put_team("old", old, sizeof(old));
    answers("{\"op\":\"team.show\",\"name\":\"old\"}",
            "\"note\":\"hi\",\"created\":\"1970-01-01T00:00:01Z\"," NO_BUDGET);
    answers("{\"op\":\"team.update\",\"name\":\"old\","
            "\"budget\":\"100/month\"}",
            "\"note\":\"hi\",\"created\":\"1970-01-01T00:00:01Z\"," MONTHLY);
    put_team("old", newer, sizeof(newer));
    answers("{\"op\":\"team.show\",\"name\":\"old\"}", "{\"error\":");
}
END_TEST

/* ------------------------------------------------------------------ spending */

static void use(unsigned n, apr_uint32_t key, apr_time_t began,
                llm_money_t cost)
{
    llm_record_t record;

    rig_record(&record, n);
    record.key = key;
    record.began = began;
    record.cost = cost;
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
}

/* Key 1 and 2 are of red, 3 has no team, 4 is deleted and was red. */
static void use_all(void)
{
    const apr_time_t now = apr_time_now();

    ask("{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"red\"}");
    ask("{\"op\":\"key.create\",\"name\":\"b\",\"budget\":\"100/month\"}");
    ask("{\"op\":\"key.create\",\"name\":\"c\"}");
    ask("{\"op\":\"key.create\",\"name\":\"d\",\"team\":\"red\","
        "\"budget\":\"1/total\"}");
    ask("{\"op\":\"key.create\",\"name\":\"idle\",\"budget\":\"100/month\"}");
    ask("{\"op\":\"key.create\",\"name\":\"silent\"}");
    use(1, 1, now, 1000);
    use(2, 1, now - 40 * DAY, 1);
    use(3, 2, now, 200);
    use(4, 3, now, LLM_MONEY_UNKNOWN);
    use(5, 4, now - 40 * DAY, 30);
    use(6, 0, now, 7);
    rig_drain(store);
    ask("{\"op\":\"key.delete\",\"name\":\"d\"}");
    ask("{\"op\":\"key.update\",\"name\":\"b\",\"team\":\"red\"}");
}

START_TEST(each_key_has_what_it_spent_beside_its_budget)
{
    const char *all;

    use_all();
    all = ask("{\"op\":\"spend\"}");
    rig_contains(all, "{\"row\":{\"key\":\"a\",\"key_id\":1,\"day\":1000,"
                      "\"month\":1000,\"total\":1001,\"unpriced\":0," NO_BUDGET
                      "}}");
    rig_contains(all,
                 "{\"row\":{\"key\":\"b\",\"key_id\":2,\"day\":200,"
                 "\"month\":200,\"total\":200,\"unpriced\":0," MONTHLY "}}");
    rig_contains(all, "\"key_id\":3,\"day\":0,\"month\":0,\"total\":0,"
                      "\"unpriced\":1,");
    /* a budget ends with its key, what the key spent does not */
    rig_contains(all,
                 "{\"row\":{\"key\":\"d\",\"key_id\":4,\"day\":0,"
                 "\"month\":0,\"total\":30,\"unpriced\":0," NO_BUDGET "}}");
    rig_contains(all, "{\"row\":{\"key\":\"idle\",\"key_id\":5,\"day\":0,"
                      "\"month\":0,\"total\":0,\"unpriced\":0," MONTHLY "}}");
    rig_contains(all, "{\"row\":{\"key\":\"\",\"key_id\":0,\"day\":7,");
    rig_contains(all, "{\"done\":{\"rows\":6}}");
    ck_assert_ptr_null(strstr(all, "silent"));
}
END_TEST

START_TEST(a_team_spends_what_its_keys_of_today_do)
{
    const char *all;

    use_all();
    ask("{\"op\":\"team.update\",\"name\":\"red\",\"budget\":\"100/month\"}");
    ask("{\"op\":\"team.create\",\"name\":\"idle\",\"budget\":\"100/month\"}");
    ask("{\"op\":\"team.create\",\"name\":\"silent\"}");
    all = ask("{\"op\":\"spend\",\"by\":\"team\"}");
    rig_contains(all, "{\"row\":{\"team\":\"red\",\"day\":1200,\"month\":1200,"
                      "\"total\":1231,\"unpriced\":0," MONTHLY "}}");
    rig_contains(all, "{\"row\":{\"team\":\"idle\",\"day\":0,\"month\":0,"
                      "\"total\":0,\"unpriced\":0," MONTHLY "}}");
    rig_contains(all, "{\"row\":{\"team\":\"\",\"day\":7,\"month\":7,"
                      "\"total\":7,\"unpriced\":1," NO_BUDGET "}}");
    rig_contains(all, "{\"done\":{\"rows\":3}}");
    answers("{\"op\":\"spend\",\"by\":\"model\"}",
            "by: expected key or team, not 'model'");
    answers("{\"op\":\"spend\",\"since\":\"1d\"}", "\"code\":\"usage\"");
}
END_TEST

START_TEST(nothing_is_spent_in_a_new_store)
{
    ck_assert_str_eq(ask("{\"op\":\"spend\"}"), "{\"done\":{\"rows\":0}}\n");
    ck_assert_str_eq(ask("{\"op\":\"spend\",\"by\":\"team\"}"),
                     "{\"done\":{\"rows\":0}}\n");
}
END_TEST

Suite *budget_suite(void)
{
    Suite *suite = suite_create("budget");
    TCase *edits = tcase_create("edits"), *spending = tcase_create("spending");

    tcase_add_checked_fixture(edits, open_all, close_all);
    tcase_add_test(edits, a_key_has_the_budgets_it_is_given);
    tcase_add_test(edits, a_team_has_the_budgets_it_is_given);
    tcase_add_test(edits, a_budget_that_cannot_be_meant_changes_nothing);
    tcase_add_test(edits, a_budget_that_is_sent_again_is_set_once);
    tcase_add_test(edits, a_team_of_an_older_version_is_read);
    suite_add_tcase(suite, edits);
    tcase_add_checked_fixture(spending, open_all, close_all);
    tcase_add_test(spending, each_key_has_what_it_spent_beside_its_budget);
    tcase_add_test(spending, a_team_spends_what_its_keys_of_today_do);
    tcase_add_test(spending, nothing_is_spent_in_a_new_store);
    suite_add_tcase(suite, spending);
    return suite;
}
