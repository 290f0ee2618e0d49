/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: what they answer, what they refuse, what they do once. */
#include "core/llm_key.h"
#include "core/llm_time.h"
#include "store/inside.h"
#include "test/unit/store/rig.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

static llm_store_t *store;

static void open_all(void)
{
    rig_open();
    store = rig_store();
}

static void answers(const char *request, const char *wanted)
{
    rig_contains(rig_ask(store, request), wanted);
}

/* The answer is this error and nothing else. */
static void fails(const char *request, const char *code, const char *words)
{
    const char *answer = rig_ask(store, request);
    const char *begin = apr_psprintf(
        unit_pool, "{\"error\":{\"code\":\"%s\",\"message\":\"", code);

    ck_assert_msg(!strncmp(answer, begin, strlen(begin)), "%s answered %s",
                  request, answer);
    rig_contains(answer, words);
    ck_assert_ptr_eq(strchr(answer, '\n'), answer + strlen(answer) - 1);
}

static const char *create(const char *name)
{
    return rig_ask(
        store, apr_psprintf(unit_pool,
                            "{\"op\":\"key.create\",\"name\":\"%s\"}", name));
}

/* The value of the string member in the answer. */
static const char *member(const char *answer, const char *name)
{
    const char *begin =
        strstr(answer, apr_psprintf(unit_pool, "\"%s\":\"", name));

    ck_assert_msg(begin != NULL, "%s is not in %s", name, answer);
    begin += strlen(name) + 4;
    return apr_pstrmemdup(unit_pool, begin, strcspn(begin, "\""));
}

START_TEST(a_key_is_created_and_shown_without_its_secret)
{
    const char *answer = rig_ask(
        store, "{\"op\":\"key.create\",\"name\":\"alice\",\"team\":\"red\","
               "\"note\":\"a \\\"note\\\" \\u00e9\",\"models\":\"gpt-4*,"
               "claude-*\",\"expires\":\"2100-01-01\"}");
    const char *secret = member(answer, "secret");
    const char *all;

    ck_assert_uint_eq(strlen(secret), LLM_KEY_LENGTH);
    ck_assert_str_eq(member(answer, "hint"), secret + LLM_KEY_LENGTH - 4);
    rig_contains(answer, "{\"done\":{\"key\":{\"id\":1,\"name\":\"alice\","
                         "\"team\":\"red\"");
    all = apr_pstrcat(
        unit_pool, rig_ask(store, "{\"op\":\"key.show\",\"name\":\"alice\"}"),
        rig_ask(store, "{\"op\":\"key.show\",\"key_id\":1}"),
        rig_ask(store, "{\"op\":\"key.list\"}"), NULL);
    rig_contains(all, "\"note\":\"a \\\"note\\\" \xc3\xa9\"");
    rig_contains(all, "\"models\":[\"gpt-4*\",\"claude-*\"]");
    rig_contains(all, "\"expires\":\"2100-01-01T00:00:00Z\"");
    rig_contains(all, "\"state\":\"active\"");
    ck_assert_ptr_null(strstr(all, secret));
    ck_assert_ptr_null(strstr(all, "secret"));
}
END_TEST

START_TEST(no_file_of_the_store_holds_a_secret)
{
    const char *secret =
        member(rig_ask(store, "{\"op\":\"key.create\",\"id\":\"e1\","
                              "\"name\":\"alice\"}"),
               "secret");
    const char *command;

    rig_store_close(store);
    command = apr_psprintf(unit_pool, "grep -rqaF -- '%s' '%s'",
                           secret + strlen(LLM_KEY_PREFIX), rig_dir);
    ck_assert_int_ne(system(command), 0);
    /* What is searched for can be found: the name. */
    command = apr_psprintf(unit_pool, "grep -rqaF alice '%s'", rig_dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(a_key_goes_through_its_states)
{
    create("alice");
    answers("{\"op\":\"key.revoke\",\"name\":\"alice\"}",
            "\"state\":\"revoked\"");
    answers("{\"op\":\"key.show\",\"name\":\"alice\"}",
            "\"state\":\"revoked\"");
    answers("{\"op\":\"key.delete\",\"key_id\":1}", "\"state\":\"deleted\"");
    fails("{\"op\":\"key.show\",\"name\":\"alice\"}", "not_found", "alice");
    fails("{\"op\":\"key.show\",\"key_id\":1}", "not_found", "id 1");
    fails("{\"op\":\"key.delete\",\"name\":\"alice\"}", "not_found", "alice");
    answers("{\"op\":\"key.list\"}", "{\"done\":{\"keys\":0}}");
    /* The name is free again, the id is not. */
    rig_contains(create("alice"), "\"id\":2,\"name\":\"alice\"");
    answers("{\"op\":\"key.list\"}", "{\"done\":{\"keys\":1}}");
}
END_TEST

START_TEST(keys_are_listed_by_team)
{
    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"red\"}");
    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"b\",\"team\":\"blue\"}");
    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"c\"}");
    answers("{\"op\":\"key.list\",\"team\":\"red\"}", "\"name\":\"a\"");
    answers("{\"op\":\"key.list\",\"team\":\"red\"}", "{\"keys\":1}");
    answers("{\"op\":\"key.list\",\"team\":\"no\"}", "{\"keys\":0}");
    answers("{\"op\":\"key.list\"}", "{\"keys\":3}");
}
END_TEST

START_TEST(bad_requests_are_refused_by_the_member_that_is_wrong)
{
    create("alice");
    fails("{\"op\":\"key.create\",\"name\":\"alice\"}", "exists", "alice");
    fails("[1]", "usage", "object");
    fails("{}", "usage", "op:");
    fails("{\"op\":7}", "usage", "op:");
    fails("{\"op\":\"key.frobnicate\"}", "usage", "key.frobnicate");
    fails("{\"op\":\"key.create\"}", "usage", "name: missing");
    fails("{\"op\":\"key.create\",\"name\":\"\"}", "usage", "name:");
    fails("{\"op\":\"key.create\",\"name\":\"a b\"}", "usage", "name:");
    fails("{\"op\":\"key.create\",\"name\":\"a\\u0000b\"}", "usage", "name:");
    fails("{\"op\":\"key.create\",\"name\":[]}", "usage", "name:");
    fails("{\"op\":\"key.create\",\"nam\":\"x\"}", "usage", "'nam'");
    fails("{\"op\":\"key.create\",\"name\":\"x\",\"team\":\"a b\"}", "usage",
          "team:");
    fails("{\"op\":\"key.create\",\"name\":\"x\",\"models\":\"a*b*\"}", "usage",
          "models: 'a*b*'");
    fails("{\"op\":\"key.create\",\"name\":\"x\",\"models\":\"a,,b\"}", "usage",
          "models:");
    fails("{\"op\":\"key.create\",\"name\":\"x\",\"expires\":\"soon\"}",
          "usage", "expires:");
    fails("{\"op\":\"key.create\",\"name\":\"x\",\"expires\":\"2001-01-01\"}",
          "usage", "expires: is not in the future");
    fails("{\"op\":\"key.show\"}", "usage", "name or key_id");
    fails("{\"op\":\"key.show\",\"name\":\"a\",\"key_id\":1}", "usage",
          "name or key_id");
    fails("{\"op\":\"key.show\",\"key_id\":0}", "usage", "key_id:");
    fails("{\"op\":\"key.show\",\"key_id\":\"1\"}", "usage", "key_id:");
    fails("{\"op\":\"usage\",\"by\":\"key\"}", "usage", "by:");
    fails("{\"op\":\"usage\",\"by\":[\"colour\"]}", "usage", "\\\"colour\\\"");
    fails("{\"op\":\"usage\",\"by\":[\"key\",\"key\"]}", "usage", "by:");
    fails("{\"op\":\"usage\",\"since\":\"whenever\"}", "usage", "since:");
    fails("{\"op\":\"usage\",\"until\":5}", "usage", "until:");
    fails("{\"op\":\"events\",\"limit\":0}", "usage", "limit:");
    fails("{\"op\":\"status\",\"x\":1}", "usage", "'x'");
    answers("{\"op\":\"key.list\"}", "{\"keys\":1}");
}
END_TEST

static const char *request_with(const char *name, const char *note,
                                const char *models)
{
    return apr_psprintf(unit_pool,
                        "{\"op\":\"key.create\",\"name\":\"%s\","
                        "\"note\":\"%s\",\"models\":\"%s\"}",
                        name, note, models);
}

START_TEST(the_longest_values_are_taken_and_longer_ones_refused)
{
    char models[400], note[400], name[100];
    memset(name, 'n', sizeof(name));
    memset(note, '\t', sizeof(note));
    memset(models, 'm', sizeof(models));
    name[64] = note[0] = models[256] = '\0';
    memset(note, 'o', 256);
    note[256] = '\0';
    answers(request_with(name, note, models), "\"secret\"");
    note[256] = 'o';
    note[257] = '\0';
    fails(request_with("a", note, "m"), "usage", "note:");
    models[256] = 'm';
    models[257] = '\0';
    fails(request_with("a", "", models), "usage", "models:");
    name[64] = 'n';
    name[65] = '\0';
    fails(request_with(name, "", "m"), "usage", "name:");
}
END_TEST

START_TEST(an_error_repeats_little_of_what_was_sent)
{
    char name[60000];
    const char *answer;

    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    answer = rig_ask(
        store, apr_psprintf(unit_pool, "{\"op\":\"status\",\"%s\":1}", name));
    rig_contains(answer, "unknown member");
    ck_assert_uint_lt(strlen(answer), 400);
    answer = rig_ask(store, apr_psprintf(unit_pool, "{\"op\":\"%s\"}", name));
    ck_assert_uint_lt(strlen(answer), 400);
    answer = rig_ask(
        store,
        apr_psprintf(unit_pool, "{\"op\":\"usage\",\"by\":[\"%s\"]}", name));
    ck_assert_uint_lt(strlen(answer), 400);
}
END_TEST

/* -------------------------------------------------------------- repeated */

START_TEST(an_edit_that_is_sent_again_is_done_once)
{
    const char *request = "{\"op\":\"key.create\",\"id\":\"edit-1\","
                          "\"name\":\"alice\"}";
    const char *first = rig_ask(store, request);
    const char *again = rig_ask(store, request);
    const char *same = strstr(first, ",\"secret\"");

    ck_assert_ptr_nonnull(same);
    /* The same key, but the secret was never stored. */
    ck_assert_int_eq(strncmp(first, again, (apr_size_t)(same - first)), 0);
    ck_assert_ptr_null(strstr(again, "secret"));
    rig_contains(again, ",\"repeated\":true}}");
    answers("{\"op\":\"key.list\"}", "{\"keys\":1}");
    rig_store_close(store);
    store = rig_store();
    ck_assert_str_eq(rig_ask(store, request), again);
}
END_TEST

START_TEST(an_answer_is_repeated_as_it_was_and_not_as_it_would_be)
{
    const char *revoke = "{\"op\":\"key.revoke\",\"id\":\"r\","
                         "\"name\":\"alice\"}";

    create("alice");
    answers(revoke, "\"state\":\"revoked\"");
    answers("{\"op\":\"key.delete\",\"id\":\"d\",\"name\":\"alice\"}",
            "deleted");
    create("alice"); /* another one */
    answers(revoke, "\"id\":1,");
    answers(revoke, "\"repeated\":true");
    answers("{\"op\":\"key.show\",\"name\":\"alice\"}", "\"state\":\"active\"");
}
END_TEST

START_TEST(an_id_is_for_one_request_only)
{
    rig_ask(store, "{\"op\":\"key.create\",\"id\":\"1\",\"name\":\"a\"}");
    fails("{\"op\":\"key.create\",\"id\":\"1\",\"name\":\"b\"}", "usage",
          "id: '1' was used for another request");
    fails("{\"op\":\"key.create\",\"id\":\"\",\"name\":\"b\"}", "usage", "id:");
    fails("{\"op\":\"key.create\",\"id\":7,\"name\":\"b\"}", "usage", "id:");
    answers("{\"op\":\"key.list\"}", "{\"keys\":1}");
}
END_TEST

START_TEST(a_refused_edit_may_be_tried_again_with_its_id)
{
    const char *request = "{\"op\":\"key.delete\",\"id\":\"1\","
                          "\"name\":\"alice\"}";

    fails(request, "not_found", "alice");
    create("alice");
    answers(request, "\"state\":\"deleted\"");
}
END_TEST

START_TEST(answers_are_forgotten_after_a_day)
{
    const char *request = "{\"op\":\"key.create\",\"id\":\"1\","
                          "\"name\":\"alice\"}";
    apr_time_t now = apr_time_now(), hour = apr_time_from_sec(3600);

    rig_ask(store, request);
    ck_assert_int_eq(llm_store_maintain(store, now + 23 * hour), APR_SUCCESS);
    answers(request, "\"repeated\":true");
    ck_assert_int_eq(llm_store_maintain(store, now + 25 * hour), APR_SUCCESS);
    fails(request, "exists", "alice");
}
END_TEST

static int count_audit(void *baton, llm_datum_t key, llm_datum_t value)
{
    const unsigned char *row = value.data;
    unsigned *pcount = baton;

    ck_assert_uint_eq(key.len, 12);
    ck_assert_uint_eq(row[0], 1);
    /* 4711, little-endian, is the caller's user. */
    ck_assert_uint_eq(row[1] + row[2] * 256u, 4711);
    *pcount += 1;
    return 0;
}

START_TEST(every_edit_is_audited_and_nothing_else)
{
    unsigned count = 0;

    create("alice");
    create("alice"); /* refused */
    rig_ask(store, "{\"op\":\"key.revoke\",\"id\":\"1\",\"name\":\"alice\"}");
    rig_ask(store, "{\"op\":\"key.revoke\",\"id\":\"1\",\"name\":\"alice\"}");
    rig_ask(store, "{\"op\":\"key.list\"}");
    ck_assert_int_eq(llm_table_scan(store->tables.audit, LLM_DATUM_NONE,
                                    count_audit, &count),
                     APR_SUCCESS);
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(the_snapshot_follows_each_edit)
{
    apr_size_t size = llm_snapshot_size(10);
    llm_snapshot_t *snapshot =
        llm_snapshot_format(apr_pcalloc(unit_pool, size), size);
    llm_key_hash_t hash;
    llm_key_view_t view;
    const char *secret;

    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.snapshot = snapshot});
    secret = member(rig_ask(store, "{\"op\":\"key.create\",\"name\":\"alice\","
                                   "\"team\":\"red\",\"models\":\"gpt-*\","
                                   "\"expires\":\"2100-01-01\"}"),
                    "secret");
    llm_key_digest(&hash, secret, strlen(secret));
    ck_assert_int_eq(llm_snapshot_find(snapshot, &hash, &view), 1);
    ck_assert_uint_eq(view.id, 1);
    ck_assert_str_eq(view.name, "alice");
    ck_assert_str_eq(view.team, "red");
    ck_assert_str_eq(view.models, "gpt-*");
    ck_assert_int_eq(view.expires, APR_INT64_C(4102444800000000));
    ck_assert_int_eq(view.revoked, 0);
    rig_ask(store, "{\"op\":\"key.revoke\",\"name\":\"alice\"}");
    ck_assert_int_eq(llm_snapshot_find(snapshot, &hash, &view), 1);
    ck_assert_int_ne(view.revoked, 0);
    rig_ask(store, "{\"op\":\"key.delete\",\"name\":\"alice\"}");
    ck_assert_int_eq(llm_snapshot_find(snapshot, &hash, &view), 0);
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 10);
}
END_TEST

/* ---------------------------------------------------------------- reports */

/* Four days of 24 requests, one each hour, from 2026-11-20T00:30 on. */
#define FIRST_DAY "2026-11-20"

static void use_for_days(void)
{
    llm_journal_t *journal = rig_journal();
    apr_time_t begin;
    llm_record_t record;
    unsigned i;

    create("alice");
    create("bob");
    create("carol");
    ck_assert_ptr_null(llm_time_read(&begin, FIRST_DAY, 0));
    for (i = 0; i < 4 * 24; ++i) {
        rig_record(&record, i);
        record.began = begin + apr_time_from_sec(1800 + 3600 * i);
        ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    }
    rig_drain(store);
    rig_check(store, 96);
}

START_TEST(usage_is_summed_by_what_is_asked)
{
    use_for_days();
    answers("{\"op\":\"usage\"}", "{\"row\":{\"requests\":96,\"errors\":10,");
    answers("{\"op\":\"usage\"}", "\"cost\":4560,");
    answers("{\"op\":\"usage\",\"by\":[\"key\"]}",
            "{\"row\":{\"key\":\"alice\",\"key_id\":1,\"requests\":32,");
    answers("{\"op\":\"usage\",\"by\":[\"key\"]}", "{\"groups\":3,");
    answers("{\"op\":\"usage\",\"by\":[\"provider\",\"model\"]}",
            "{\"row\":{\"provider\":\"openai\",\"model\":\"gpt-4o\","
            "\"requests\":48,");
    answers("{\"op\":\"usage\",\"by\":[\"day\"]}",
            "{\"row\":{\"day\":\"2026-11-23\",\"requests\":24,");
    answers("{\"op\":\"usage\",\"by\":[\"day\"]}", "{\"groups\":4,");
    answers("{\"op\":\"usage\",\"by\":[\"hour\"]}",
            "{\"row\":{\"hour\":\"2026-11-23T23:00:00Z\",\"requests\":1,");
    answers("{\"op\":\"usage\",\"by\":[\"hour\",\"key\"]}", "{\"groups\":96,");
    answers("{\"op\":\"usage\",\"by\":[\"day\",\"hour\"]}",
            "{\"row\":{\"day\":\"2026-11-20\",\"hour\":\"2026-11-20T05:00:00Z"
            "\",\"requests\":1,");
}
END_TEST

START_TEST(usage_is_filtered)
{
    use_for_days();
    answers("{\"op\":\"usage\",\"key\":\"bob\"}", "\"requests\":32,");
    answers("{\"op\":\"usage\",\"model\":\"gpt-4o\"}", "\"requests\":48,");
    answers("{\"op\":\"usage\",\"provider\":\"claude\",\"key\":\"alice\"}",
            "\"requests\":16,");
    answers("{\"op\":\"usage\",\"key\":\"nobody\",\"by\":[\"day\"]}",
            "{\"done\":{\"groups\":0,");
    answers("{\"op\":\"usage\",\"model\":\"none\"}",
            "{\"row\":{\"requests\":0,");
}
END_TEST

/* Every span of hours, so that all ways to cut it into days are taken. */
START_TEST(a_span_of_time_has_the_hours_it_covers)
{
    int from, until;

    use_for_days();
    for (from = 0; from < 96; from += 5) {
        for (until = from; until <= 96; until += 3) {
            const char *request = apr_psprintf(
                unit_pool,
                "{\"op\":\"usage\",\"since\":\"2026-11-%dT%02d:00:00Z\","
                "\"until\":\"2026-11-%dT%02d:00:00Z\"%s}",
                20 + from / 24, from % 24, 20 + until / 24, until % 24,
                from % 2 ? ",\"by\":[\"hour\"]" : "");
            const char *wanted =
                from % 2
                    ? apr_psprintf(unit_pool, "{\"groups\":%d,", until - from)
                    : apr_psprintf(unit_pool, "{\"requests\":%d,",
                                   until - from);

            answers(request, wanted);
        }
    }
    /* Hours that are begun count. */
    answers("{\"op\":\"usage\",\"since\":\"2026-11-20T10:59:59Z\","
            "\"until\":\"2026-11-20T12:00:01Z\"}",
            "{\"requests\":3,");
}
END_TEST

START_TEST(a_deleted_key_keeps_its_name_in_reports)
{
    use_for_days();
    rig_ask(store, "{\"op\":\"key.delete\",\"name\":\"alice\"}");
    create("alice");
    answers("{\"op\":\"usage\",\"by\":[\"key\"]}",
            "{\"row\":{\"key\":\"alice\",\"key_id\":1,\"requests\":32,");
    answers("{\"op\":\"usage\",\"key\":\"alice\"}", "\"requests\":32,");
    rig_store_close(store);
    store = rig_store();
    answers("{\"op\":\"usage\",\"by\":[\"key\"]}",
            "{\"row\":{\"key\":\"alice\",\"key_id\":1,\"requests\":32,");
}
END_TEST

static const char *events(const char *members, const char *wanted)
{
    const char *answer =
        rig_ask(store, apr_pstrcat(unit_pool, "{\"op\":\"events\"", members,
                                   "}", NULL));

    rig_contains(answer, wanted);
    return answer;
}

START_TEST(events_come_in_the_order_of_time)
{
    const char *first, *last;

    use_for_days();
    events("", "{\"done\":{\"events\":96}}");
    events(",\"limit\":5", "{\"done\":{\"events\":5}}");
    events(",\"limit\":1000", "{\"done\":{\"events\":96}}");
    events(",\"key\":\"bob\"", "{\"done\":{\"events\":32}}");
    events(",\"key\":\"bob\",\"limit\":40", "{\"done\":{\"events\":32}}");
    events(",\"key\":\"nobody\"", "{\"done\":{\"events\":0}}");
    events(",\"since\":\"2026-11-21\",\"until\":\"2026-11-22T06:00:00Z\"",
           "{\"done\":{\"events\":30}}");
    events(",\"since\":\"2026-11-21\",\"until\":\"2026-11-22T06:00:00Z\","
           "\"limit\":40",
           "{\"done\":{\"events\":30}}");
    /* The latest two of these, the older one first. */
    first = events(",\"until\":\"2026-11-22T06:00:00Z\",\"limit\":2",
                   "\"time\":\"2026-11-22T04:30:00Z\"");
    last = strstr(first, "\"time\":\"2026-11-22T05:30:00Z\"");
    ck_assert_ptr_nonnull(last);
    ck_assert(strstr(first, "T04:30") < last);
}
END_TEST

START_TEST(an_event_has_all_that_was_recorded)
{
    llm_journal_t *journal = rig_journal();
    llm_record_t record;
    const char *event;

    create("alice");
    rig_record(&record, 3);
    record.key = 1;
    record.flags = LLM_RECORD_STREAM | LLM_RECORD_ABORTED | LLM_RECORD_UNPRICED;
    record.cost = LLM_MONEY_UNKNOWN;
    record.bytes_in = 11;
    record.bytes_out = 12;
    record.price_day = llm_time_day(RIG_TIME);
    LLM_RECORD_SET(&record, asked, "say \"hi\"\x01");
    LLM_RECORD_SET(&record, route, "smart");
    LLM_RECORD_SET(&record, finish, "stop");
    LLM_RECORD_SET(&record, user, "u1");
    LLM_RECORD_SET(&record, op, "chat");
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    rig_drain(store);
    event = rig_ask(store, "{\"op\":\"events\"}");
    rig_contains(event, "\"request_id\":\"req_000000000000000000000003\"");
    rig_contains(event, "\"key\":\"alice\",\"key_id\":1,\"status\":200");
    rig_contains(event, "\"asked\":\"say \\\"hi\\\"\\u0001\"");
    rig_contains(event, "\"route\":\"smart\"");
    rig_contains(event, "\"finish\":\"stop\"");
    rig_contains(event, "\"user\":\"u1\"");
    rig_contains(event, "\"op\":\"chat\"");
    rig_contains(event, "\"input\":3,\"cache_read\":null");
    rig_contains(event, "\"cost\":null");
    rig_contains(event, "\"flags\":[\"stream\",\"aborted\",\"unpriced\"]");
    rig_contains(event, "\"bytes_in\":11,\"bytes_out\":12");
    rig_contains(event, "\"price_day\":\"2026-11-21\"");
}
END_TEST

/* A row that does not agree with the others is found. */
START_TEST(the_check_finds_a_wrong_sum)
{
    unsigned char key[16] = {0}, value[256];
    llm_datum_t name = {key, sizeof(key)};
    llm_buf_t *row = llm_buf_make(0, unit_pool);
    llm_totals_t totals;
    llm_txn_t *txn;

    use_for_days();
    memset(value, 0, sizeof(value));
    memset(&totals, 0, sizeof(totals));
    totals.requests = 1;
    llm_codec_write_totals(row, &totals);
    key[2] = 0x51; /* some day of 2026 */
    key[3] = 0x20;
    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(llm_table_put(store->tables.rday, txn, name,
                                   (llm_datum_t){row->data, row->len},
                                   LLM_PUT_OVER),
                     APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    answers("{\"op\":\"check\"}", "\"agree\":false");
    /* The day, and its key's three windows. */
    answers("{\"op\":\"check\"}", "\"differences\":4,");
    answers("{\"op\":\"check\"}", "{\"row\":{\"day\":\"2026-11-");
}
END_TEST

static int stop_at_third(void *baton, const char *line, apr_size_t len)
{
    int *plines = baton;

    (void)line;
    (void)len;
    return ++*plines == 3;
}

START_TEST(a_caller_who_has_seen_enough_is_left_alone)
{
    const char *request = "{\"op\":\"events\"}";
    const llm_caller_t caller = {.uid = 1};
    const llm_json_t *doc;
    int lines = 0;

    use_for_days();
    llm_json_read(&doc, request, strlen(request), NULL, unit_pool);
    llm_command_run(store, &caller, doc, stop_at_third, &lines, unit_pool);
    ck_assert_int_eq(lines, 3);
}
END_TEST

Suite *command_suite(void)
{
    Suite *suite = suite_create("command");
    TCase *keys = tcase_create("keys"), *once = tcase_create("once"),
          *reports = tcase_create("reports");

    tcase_add_checked_fixture(keys, open_all, rig_close);
    tcase_add_test(keys, a_key_is_created_and_shown_without_its_secret);
    tcase_add_test(keys, no_file_of_the_store_holds_a_secret);
    tcase_add_test(keys, a_key_goes_through_its_states);
    tcase_add_test(keys, keys_are_listed_by_team);
    tcase_add_test(keys, bad_requests_are_refused_by_the_member_that_is_wrong);
    tcase_add_test(keys, the_longest_values_are_taken_and_longer_ones_refused);
    tcase_add_test(keys, an_error_repeats_little_of_what_was_sent);
    tcase_add_test(keys, the_snapshot_follows_each_edit);
    suite_add_tcase(suite, keys);
    tcase_add_checked_fixture(once, open_all, rig_close);
    tcase_add_test(once, an_edit_that_is_sent_again_is_done_once);
    tcase_add_test(once,
                   an_answer_is_repeated_as_it_was_and_not_as_it_would_be);
    tcase_add_test(once, an_id_is_for_one_request_only);
    tcase_add_test(once, a_refused_edit_may_be_tried_again_with_its_id);
    tcase_add_test(once, answers_are_forgotten_after_a_day);
    tcase_add_test(once, every_edit_is_audited_and_nothing_else);
    suite_add_tcase(suite, once);
    tcase_add_checked_fixture(reports, open_all, rig_close);
    tcase_set_timeout(reports, 30);
    tcase_add_test(reports, usage_is_summed_by_what_is_asked);
    tcase_add_test(reports, usage_is_filtered);
    tcase_add_test(reports, a_span_of_time_has_the_hours_it_covers);
    tcase_add_test(reports, a_deleted_key_keeps_its_name_in_reports);
    tcase_add_test(reports, events_come_in_the_order_of_time);
    tcase_add_test(reports, an_event_has_all_that_was_recorded);
    tcase_add_test(reports, the_check_finds_a_wrong_sum);
    tcase_add_test(reports, a_caller_who_has_seen_enough_is_left_alone);
    suite_add_tcase(suite, reports);
    return suite;
}
