/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl events and status: records as the store has them. */
#include "test/unit/ctl/fake.h"

#include <string.h>

static const char *const two[] = {
    "{\"row\":{\"time\":\"2026-11-22T10:00:00Z\",\"time_us\":1,"
    "\"request_id\":\"req_1\",\"key\":\"alice\",\"key_id\":7,\"status\":200,"
    "\"attempts\":2,\"provider\":\"openai\",\"model\":\"gpt-4o-2024\","
    "\"asked\":\"smart\",\"route\":\"smart\",\"dialect\":\"openai\","
    "\"op\":\"chat\",\"user\":null,\"finish\":\"stop\",\"input\":10,"
    "\"cache_read\":0,\"cache_write\":null,\"output\":5,\"cost\":75000,"
    "\"flags\":[\"stream\",\"estimated\"],\"latency_ms\":1200,"
    "\"first_ms\":80,\"bytes_in\":100,\"bytes_out\":2000,"
    "\"price_day\":\"2026-11-01\"}}",
    "{\"row\":{\"time\":\"2026-11-22T10:00:01Z\",\"request_id\":\"req_2\","
    "\"key\":\"alice\",\"status\":404,\"asked\":\"nothing\",\"input\":null,"
    "\"output\":null,\"cost\":null,\"flags\":[],\"latency_ms\":0}}",
    "{\"done\":{\"events\":2}}", NULL};
static const char *const none[] = {"{\"done\":{\"events\":0}}", NULL};

START_TEST(events_are_a_table)
{
    fake.answer = two;
    fake_expect(
        "events", CTL_DONE,
        "TIME                 REQUEST  KEY    STATUS  PROVIDER  MODEL        "
        "IN  OUT       COST  FINISH  FLAGS                MS  FIRST MS\n"
        "2026-11-22 10:00:00  req_1    alice     200  openai    gpt-4o-2024  "
        "10    5  $0.000075  stop    stream,estimated  1,200        80\n"
        "2026-11-22 10:00:01  req_2    alice     404  -         nothing       "
        "-    -          -  -       -                     0         -\n",
        "");
    ck_assert_str_eq(fake_asked("op"), "\"events\"");
    ck_assert_str_eq(fake_asked("limit"), "20");
}
END_TEST

START_TEST(events_as_json_keep_what_is_unknown)
{
    fake.answer = two;
    ck_assert_int_eq(fake_run("events --json"), CTL_DONE);
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"cache_read\":0,\"cache_write\":null,"));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"cost_nanodollars\":75000,\"cost\":\"0.000075\","));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"flags\":[\"stream\",\"estimated\"]"));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"model\":null,\"asked\":\"nothing\""));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"cost_nanodollars\":null,\"cost\":null"));
}
END_TEST

START_TEST(events_hand_their_options_on)
{
    fake.answer = none;
    fake_expect("events --since 1h --until today --key alice --limit 5",
                CTL_DONE, "", "No request matches.\n");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-22T11:00:00Z\"");
    ck_assert_str_eq(fake_asked("until"), "\"2026-11-22T00:00:00Z\"");
    ck_assert_str_eq(fake_asked("key"), "\"alice\"");
    ck_assert_str_eq(fake_asked("limit"), "5");
}
END_TEST

START_TEST(a_limit_is_a_number)
{
    static const char *const limits[] = {"0", "-1", "1e3", "x", "5}", NULL};
    unsigned i;

    for (i = 0; limits[i]; ++i) {
        char words[64];

        snprintf(words, sizeof(words), "events --limit %s", limits[i]);
        ck_assert_int_eq(fake_run(words), CTL_USAGE);
        ck_assert_ptr_nonnull(strstr(fake.err, "--limit: expected a number"));
    }
    ck_assert_ptr_null(fake.request);
}
END_TEST

static const char *const state[] = {
    "{\"done\":{\"pid\":42,\"version\":\"0.1.0\","
    "\"started\":\"2026-11-22T10:00:00Z\","
    "\"created\":\"2026-11-01T10:00:00Z\",\"schema\":1,\"bytes\":16859135,"
    "\"keys\":3,\"records\":12345,\"killed\":0,\"damaged\":2,"
    "\"keep_days\":90,\"keep_hours\":400,\"keep_audit\":1095,"
    "\"inflight\":1,\"backlog\":0,"
    "\"drained\":\"2026-11-22T11:00:00Z\",\"failing\":false,"
    "\"error\":null,\"later\":\"than this program\"}}",
    NULL};

START_TEST(status_is_a_record)
{
    fake.answer = state;
    fake.is_online = 0;
    fake_expect("status --store /s", CTL_DONE,
                "Store             /s\n"
                "Gateway runs      no\n"
                "Owner's process   -\n" /* 42 is llmgwctl itself */
                "Owner's version   -\n"
                "Owner since       -\n"
                "Store since       2026-11-01 10:00:00\n"
                "Store's format    1\n"
                "Bytes on disk     16,859,135\n"
                "Keys              3\n"
                "Usage records     12,345\n"
                "Damaged records   2\n"
                "Days kept         90\n"
                "Days of hours     400\n"
                "Days of changes   1,095\n"
                "Requests running  1\n"
                "Not stored yet    0\n"
                "Stored last       2026-11-22 11:00:00\n"
                "Failing now       no\n",
                "");
}
END_TEST

START_TEST(status_as_json)
{
    fake.answer = state;
    ck_assert_int_eq(fake_run("status --json"), CTL_DONE);
    ck_assert_ptr_eq(strstr(fake.out,
                            "{\"status\":{\"store\":\"/var/lib/llm-gateway\","
                            "\"online\":true,\"pid\":42,"),
                     fake.out);
    ck_assert_ptr_nonnull(strstr(fake.out, "\"failing\":false"));
}
END_TEST

Suite *events_suite(void)
{
    Suite *suite = suite_create("events");
    TCase *events = tcase_create("events"), *status = tcase_create("status");

    tcase_add_checked_fixture(events, fake_open, fake_close);
    tcase_add_test(events, events_are_a_table);
    tcase_add_test(events, events_as_json_keep_what_is_unknown);
    tcase_add_test(events, events_hand_their_options_on);
    tcase_add_test(events, a_limit_is_a_number);
    suite_add_tcase(suite, events);
    tcase_add_checked_fixture(status, fake_open, fake_close);
    tcase_add_test(status, status_is_a_record);
    tcase_add_test(status, status_as_json);
    suite_add_tcase(suite, status);
    return suite;
}
