/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage by any field, in any zone, and followed live: what the store answers
 * is compared with the records counted here, one by one.
 */
#include "core/llm_time.h"
#include "core/llm_zone.h"
#include "store/inside.h"
#include "store/recent.h"
#include "test/unit/store/rig.h"

#include <string.h>

#include <apr_strings.h>

#define RECORDS 600
#define STEP    apr_time_from_sec(1700) /* RECORDS of them: twelve days */
#define ZONE    "[[0,19800],[1796000000,20700]]" /* its clocks move by 15 min */

static const llm_zone_change_t changes[] = {{0, 19800}, {1796000000, 20700}};
static const llm_zone_t zone = {changes, 2};
static llm_store_t *store;
static llm_record_t records[RECORDS];

static const char *const users[] = {"", "ann", "ben"};
static const char *const tags[] = {"", "a", "a,b=1", "c,a"};

static void fill(llm_record_t *record, unsigned n)
{
    rig_record(record, n);
    record->began = RIG_TIME + n * STEP;
    record->attempts = (apr_uint16_t)(1 + n % 4);
    record->flags = n % 5 ? 0 : LLM_RECORD_STREAM;
    record->cache = n % 7 ? LLM_CACHE_NONE : LLM_CACHE_HIT;
    LLM_RECORD_SET(record, user, users[n % 3]);
    LLM_RECORD_SET(record, tags, tags[n % 4]);
    LLM_RECORD_SET(record, op, n % 11 ? "chat" : "embed");
    LLM_RECORD_SET(record, route, n % 2 ? "smart" : "fast");
}

static void open_all(void)
{
    llm_journal_t *journal;
    unsigned i;

    rig_open();
    store = rig_store();
    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"alice\"}");
    journal = rig_journal();
    for (i = 0; i < RECORDS; ++i) {
        fill(&records[i], i);
        ck_assert_int_eq(llm_journal_put(journal, &records[i]), APR_SUCCESS);
    }
    rig_drain(store);
}

static void answers(const char *request, const char *wanted)
{
    rig_contains(rig_ask(store, request), wanted);
}

static void fails(const char *request, const char *words)
{
    const char *answer = rig_ask(store, request);

    rig_contains(answer, "{\"error\":{\"code\":\"usage\"");
    rig_contains(answer, words);
}

static unsigned count(int (*is)(const llm_record_t *record))
{
    unsigned i, sum = 0;

    for (i = 0; i < RECORDS; ++i) {
        sum += is(&records[i]) != 0;
    }
    return sum;
}

static int is_ann(const llm_record_t *record)
{
    return !strcmp(record->user, "ann");
}

static int is_embed(const llm_record_t *record)
{
    return !strcmp(record->op, "embed");
}

static int is_bad(const llm_record_t *record)
{
    return record->status / 100 == 5;
}

static int has_a(const llm_record_t *record)
{
    return strchr(record->tags, 'a') != NULL;
}

static int streams_twice(const llm_record_t *record)
{
    return record->flags & LLM_RECORD_STREAM && record->attempts == 2;
}

static void finds(const char *members, int (*is)(const llm_record_t *record))
{
    unsigned wanted = count(is);

    ck_assert_uint_gt(wanted, 0);
    answers(apr_psprintf(unit_pool, "{\"op\":\"usage\",%s}", members),
            apr_psprintf(unit_pool, "{\"row\":{\"requests\":%u,", wanted));
    answers(apr_psprintf(unit_pool, "{\"op\":\"events\",%s}", members),
            apr_psprintf(unit_pool, "{\"done\":{\"events\":%u}}", wanted));
}

START_TEST(usage_and_events_are_filtered_by_any_field)
{
    finds("\"user\":\"ann\"", is_ann);
    finds("\"operation\":\"embed\"", is_embed);
    finds("\"status\":\"502\"", is_bad);
    finds("\"status\":\"5xx\"", is_bad);
    finds("\"tag\":\"a\"", has_a);
    finds("\"stream\":\"true\",\"attempts\":\"2\"", streams_twice);
    answers("{\"op\":\"usage\",\"user\":\"nobody\"}", "\"requests\":0,");
    answers("{\"op\":\"usage\",\"key\":\"nobody\",\"user\":\"ann\"}",
            "\"requests\":0,");
    fails("{\"op\":\"usage\",\"status\":\"bad\"}", "status: expected a number");
    fails("{\"op\":\"events\",\"stream\":\"yes\"}",
          "stream: expected true or false");
    fails("{\"op\":\"usage\",\"cache\":\"cold\"}", "cache: expected none");
}
END_TEST

START_TEST(usage_is_grouped_by_any_two_fields)
{
    answers("{\"op\":\"usage\",\"by\":[\"user\",\"stream\"]}",
            "{\"row\":{\"user\":\"ann\",\"stream\":true,\"requests\":40,");
    answers("{\"op\":\"usage\",\"by\":[\"status\",\"attempts\"]}",
            "\"status\":502,\"attempts\":1,\"requests\":30,");
    answers("{\"op\":\"usage\",\"by\":[\"cache\",\"model\"]}",
            "\"cache\":\"hit\",\"model\":\"gpt-4o\",\"requests\":43,");
    answers("{\"op\":\"usage\",\"by\":[\"user\",\"key\"]}", "\"key_id\":1,");
    fails("{\"op\":\"usage\",\"by\":[\"user\",\"user\"]}", "by: expected");
    fails("{\"op\":\"usage\",\"by\":[\"key\",\"team\",\"model\",\"day\","
          "\"week\",\"user\",\"tag\",\"op\",\"route\"]}",
          "8 at most");
}
END_TEST

START_TEST(a_request_counts_under_each_tag_and_once_in_total)
{
    const char *answer = rig_ask(store, "{\"op\":\"usage\",\"by\":[\"tag\"]}");

    rig_contains(answer, "{\"row\":{\"tag\":\"\",\"requests\":150,");
    rig_contains(answer, "{\"row\":{\"tag\":\"a\",\"requests\":450,");
    rig_contains(answer, "{\"row\":{\"tag\":\"b=1\",\"requests\":150,");
    rig_contains(answer, "{\"row\":{\"tag\":\"c\",\"requests\":150,");
    rig_contains(answer, "\"groups\":4,\"total\":{\"requests\":600,");
}
END_TEST

/* Each stretch of the zone, rollups and records alike. */
static void adds_up(llm_span_e span, const char *name, const char *asked,
                    const llm_zone_t *in)
{
    const char *answer = rig_ask(
        store, apr_psprintf(unit_pool, "{\"op\":\"usage\",\"by\":[\"%s\"]%s}",
                            name, asked));
    unsigned i, j, groups = 0;

    for (i = 0; i < RECORDS; i = j, ++groups) {
        apr_uint32_t number =
            llm_span_of(in, span, apr_time_sec(records[i].began));
        apr_uint64_t cost = 0;

        for (j = i;
             j < RECORDS
             && llm_span_of(in, span, apr_time_sec(records[j].began)) == number;
             ++j) {
            cost += (apr_uint64_t)records[j].cost;
        }
        rig_contains(
            answer,
            apr_psprintf(unit_pool, "\"%s\":\"%s\",\"requests\":%u,", name,
                         llm_span_print(in, span, number, unit_pool), j - i));
        rig_contains(
            answer,
            apr_psprintf(unit_pool, "\"cost\":%" APR_UINT64_T_FMT ",", cost));
    }
    rig_contains(answer, apr_psprintf(unit_pool, "\"groups\":%u,", groups));
    rig_contains(answer, "\"total\":{\"requests\":600,");
}

START_TEST(time_is_cut_where_the_zone_says)
{
    static const char *const names[] = {"hour", "day", "week", "month"};
    unsigned i;

    for (i = 0; i < 4; ++i) {
        adds_up((llm_span_e)i, names[i], "", NULL);
        adds_up((llm_span_e)i, names[i], ",\"zone\":" ZONE, &zone);
        /* from the records */
        adds_up((llm_span_e)i, names[i],
                ",\"zone\":" ZONE ",\"client\":\"openai\"", &zone);
    }
    fails("{\"op\":\"usage\",\"zone\":[]}", "zone: expected pairs");
    fails("{\"op\":\"usage\",\"zone\":[[5,0],[4,0]]}", "zone: expected pairs");
    fails("{\"op\":\"usage\",\"zone\":[[5,86400]]}", "zone: expected pairs");
}
END_TEST

/* In a zone that splits hours; by nothing, so that days can be read. */
START_TEST(a_span_is_exact_in_a_zone_that_splits_hours)
{
    unsigned from, until, i;

    for (from = 0; from < RECORDS; from += 97) {
        for (until = from + 1; until < RECORDS; until += 61) {
            apr_time_t since = records[from].began + 1000000;
            apr_time_t end = records[until].began + 1000000;
            unsigned wanted = 0;

            for (i = 0; i < RECORDS; ++i) {
                wanted += records[i].began >= since - since % 1000000
                          && records[i].began < end - end % 1000000;
            }
            answers(apr_psprintf(unit_pool,
                                 "{\"op\":\"usage\",\"zone\":" ZONE
                                 ",\"since\":\"%s\",\"until\":\"%s\"}",
                                 llm_time_print(since, unit_pool),
                                 llm_time_print(end, unit_pool)),
                    apr_psprintf(unit_pool, "{\"requests\":%u,", wanted));
        }
    }
}
END_TEST

START_TEST(only_the_greatest_are_sent_and_all_are_in_the_total)
{
    const char *answer =
        rig_ask(store, "{\"op\":\"usage\",\"by\":[\"attempts\",\"user\"],"
                       "\"top\":2,\"sort\":\"tokens_in\"}");
    const char *at = answer;
    unsigned rows = 0;

    while ((at = strstr(at, "{\"row\""))) {
        ++rows;
        ++at;
    }
    ck_assert_uint_eq(rows, 2);
    rig_contains(answer, "\"groups\":12,\"total\":{\"requests\":600,");
    fails("{\"op\":\"usage\",\"sort\":\"colour\"}", "sort: expected");
    fails("{\"op\":\"usage\",\"top\":0}", "top: expected");
}
END_TEST

START_TEST(records_that_are_gone_are_told_of)
{
    apr_time_t now = records[RECORDS - 1].began;
    const char *since;

    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.keep_days = 3});
    answers("{\"op\":\"usage\",\"by\":[\"user\"]}", "\"records_since\":null");
    for (unsigned i = 0; i < 20; ++i) {
        llm_store_maintain(store, now + apr_time_from_sec(i));
    }
    since = llm_time_print(
        apr_time_from_sec((apr_int64_t)(llm_time_day(now) - 3) * 86400),
        unit_pool);
    answers("{\"op\":\"usage\",\"by\":[\"user\"]}",
            apr_psprintf(unit_pool, "\"records_since\":\"%s\"", since));
    answers("{\"op\":\"usage\",\"by\":[\"user\"],\"since\":\"2027-01-01\"}",
            "\"records_since\":null");
    answers("{\"op\":\"usage\",\"by\":[\"model\"]}", "\"records_since\":null");
    /* hours of old days cannot be split any more, and are whole */
    answers("{\"op\":\"usage\",\"by\":[\"day\"],\"zone\":" ZONE "}",
            "\"total\":{\"requests\":600,");
}
END_TEST

/* What was asked for is said of whole days from then on, and nothing is lost. */
START_TEST(hours_that_are_gone_are_told_of)
{
    apr_time_t now = records[RECORDS - 1].began;
    apr_uint32_t first = llm_time_day(now) - 3;
    const char *since = llm_time_print(
        apr_time_from_sec((apr_int64_t)first * 86400), unit_pool);
    const char *gone = apr_psprintf(unit_pool, "\"hours_since\":\"%s\"", since);

    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.keep_hours = 3});
    answers("{\"op\":\"usage\",\"by\":[\"hour\"]}", "\"hours_since\":null");
    for (unsigned i = 0; i < 20; ++i) {
        llm_store_maintain(store, now + apr_time_from_sec(i));
    }
    answers("{\"op\":\"usage\",\"by\":[\"hour\"]}", gone);
    answers("{\"op\":\"usage\",\"by\":[\"hour\"]}",
            "\"total\":{\"requests\":600,");
    answers("{\"op\":\"usage\",\"by\":[\"hour\",\"key\"]}", gone);
    answers("{\"op\":\"usage\",\"by\":[\"model\"],"
            "\"since\":\"2026-11-23T05:00:00Z\"}",
            gone);
    answers("{\"op\":\"usage\",\"by\":[\"model\"],"
            "\"until\":\"2026-11-23T05:00:00Z\"}",
            gone);
    answers("{\"op\":\"usage\",\"by\":[\"model\"],"
            "\"since\":\"2026-11-23\",\"until\":\"2026-11-24\"}",
            "\"hours_since\":null");
    answers(apr_psprintf(unit_pool,
                         "{\"op\":\"usage\",\"by\":[\"hour\"],"
                         "\"since\":\"%s\"}",
                         since),
            "\"hours_since\":null");
    rig_check(store, RECORDS);
}
END_TEST

/* Keys before, between and behind those that have rows, in each unit of time. */
START_TEST(a_key_is_sought_among_others)
{
    static const char *const units[] = {"hour", "day"};
    static const apr_uint32_t seldom[] = {5, 20, 33};
    llm_journal_t *journal = rig_journal();
    unsigned key, unit, n;

    for (n = 0; n < RECORDS; n += 40) {
        llm_record_t record = records[n];

        record.id[0] = 1; /* another one */
        record.key = seldom[n / 40 % 3];
        ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    }
    rig_drain(store);
    for (n = 0; n < 40; ++n) {
        rig_ask(store, apr_psprintf(unit_pool,
                                    "{\"op\":\"key.create\",\"name\":"
                                    "\"k%u\"}",
                                    n));
    }
    for (key = 2; key < 40; ++key) {
        unsigned count = 0;

        for (n = 0; n < RECORDS; ++n) {
            count += records[n].key == key;
            count += n % 40 == 0 && seldom[n / 40 % 3] == key;
        }
        for (unit = 0; unit < 2; ++unit) {
            const char *answer = rig_ask(
                store, apr_psprintf(unit_pool,
                                    "{\"op\":\"usage\",\"key\":\"k%u\","
                                    "\"by\":[\"%s\"]}",
                                    key - 2, units[unit])); /* alice is 1 */

            rig_contains(
                answer,
                apr_psprintf(unit_pool, "\"total\":{\"requests\":%u,", count));
        }
    }
}
END_TEST

/* ------------------------------------------------------------------ follow */

static apr_int64_t next_of(const char *request)
{
    return rig_number(store, request, "next");
}

START_TEST(a_follower_sees_each_record_once_in_the_order_of_arrival)
{
    const char *answer = rig_ask(store, "{\"op\":\"follow\",\"last\":2}");

    rig_contains(answer, "{\"row\":{\"number\":599,");
    rig_contains(answer, "{\"row\":{\"number\":600,");
    rig_contains(answer,
                 "{\"done\":{\"next\":600,\"missed\":0,\"identity\":\"");
    answers("{\"op\":\"follow\",\"after\":600}", "{\"done\":{\"next\":600,");
    rig_put(rig_journal(), 5000, 40); /* older than all the others */
    rig_drain(store);
    rig_store_close(store);
    store = rig_store(); /* the next owner */
    answer = rig_ask(store, "{\"op\":\"follow\",\"after\":600}");
    rig_contains(answer, "{\"row\":{\"number\":601,\"time\":\"2026-11-21T22:");
    rig_contains(answer, "\"request_id\":\"req_000000000000000000001388\"");
    ck_assert_int_eq(next_of("{\"op\":\"follow\",\"after\":600}"), 640);
    answers("{\"op\":\"follow\",\"after\":600,\"user\":\"ann\"}",
            "{\"done\":{\"next\":640,");
    answers("{\"op\":\"follow\",\"after\":600,\"by\":[\"key\"]}",
            "\"total\":{\"requests\":40,");
    fails("{\"op\":\"follow\"}", "expected after or last");
    fails("{\"op\":\"follow\",\"after\":1,\"last\":1}", "after or last");
    fails("{\"op\":\"follow\",\"last\":-1}", "last:");
}
END_TEST

START_TEST(the_ring_forgets_the_oldest)
{
    const unsigned more = LLM_RECENT + 1000;

    rig_put(rig_journal(), 10000, more);
    rig_drain(store);
    ck_assert_int_eq(next_of("{\"op\":\"follow\",\"last\":0}"), RECORDS + more);
    ck_assert_int_eq(rig_number(store,
                                "{\"op\":\"follow\",\"after\":0,\"by\":[]}",
                                "missed"),
                     RECORDS + 1000);
    answers("{\"op\":\"follow\",\"after\":0,\"by\":[]}",
            apr_psprintf(unit_pool, "\"total\":{\"requests\":%u,", LLM_RECENT));
}
END_TEST

Suite *usage_suite(void)
{
    Suite *suite = suite_create("usage");
    TCase *fields = tcase_create("fields");
    TCase *follow = tcase_create("follow");

    tcase_add_checked_fixture(fields, open_all, rig_close);
    tcase_set_timeout(fields, 60);
    tcase_add_test(fields, usage_and_events_are_filtered_by_any_field);
    tcase_add_test(fields, usage_is_grouped_by_any_two_fields);
    tcase_add_test(fields, a_request_counts_under_each_tag_and_once_in_total);
    tcase_add_test(fields, time_is_cut_where_the_zone_says);
    tcase_add_test(fields, a_span_is_exact_in_a_zone_that_splits_hours);
    tcase_add_test(fields, only_the_greatest_are_sent_and_all_are_in_the_total);
    tcase_add_test(fields, records_that_are_gone_are_told_of);
    tcase_add_test(fields, hours_that_are_gone_are_told_of);
    tcase_add_test(fields, a_key_is_sought_among_others);
    suite_add_tcase(suite, fields);
    tcase_add_checked_fixture(follow, open_all, rig_close);
    tcase_set_timeout(follow, 60);
    tcase_add_test(follow,
                   a_follower_sees_each_record_once_in_the_order_of_arrival);
    tcase_add_test(follow, the_ring_forgets_the_oldest);
    suite_add_tcase(suite, follow);
    return suite;
}
