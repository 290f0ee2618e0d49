/* SPDX-License-Identifier: Apache-2.0 */
/* Following: each record once, whatever becomes of the one who is asked. */
#include "test/unit/ctl/fake.h"

#include <errno.h>
#include <string.h>

#include <apr_strings.h>

#define EVENT(number)                                                          \
    "{\"row\":{\"number\":" #number ",\"time\":\"2026-11-22T10:00:0" #number   \
    "Z\",\"request_id\":\"req_" #number "\",\"key\":\"alice\"}}"
#define DONE(next)                                                             \
    "{\"done\":{\"next\":" #next ",\"missed\":0,\"identity\":\"aa\"}}"

static const char *const first[] = {EVENT(1), EVENT(2), DONE(2), NULL};
static const char *const cut_off[] = {EVENT(3), NULL};
static const char *const after_cut[] = {EVENT(4), DONE(4), NULL};
static const char *const nothing[] = {DONE(4), NULL};
static unsigned turn;
static const char *seen_after[8];

static unsigned count(const char *text)
{
    unsigned times = 0;

    for (text = strstr(fake.out, text); text; text = strstr(text + 1, "req_")) {
        ++times;
    }
    return times;
}

/* The owner dies in the middle of its second answer; the third turn finds
 * nobody, the fourth the next owner. */
static void owner_dies(void)
{
    static const char *const *const answers[] = {first, cut_off, nothing,
                                                 after_cut, nothing};

    seen_after[turn] = fake_asked("after");
    ++turn;
    fake.answer = answers[turn < 4 ? turn : 4];
    fake.call_status = turn == 1 ? ECONNRESET : APR_SUCCESS;
    fake.is_online = turn != 2;
}

START_TEST(each_request_is_shown_once_over_a_restart)
{
    fake.answer = first;
    fake.turns = 6;
    fake.on_turn = owner_dies;
    turn = 0;
    ck_assert_int_eq(fake_run("events --follow --json --key alice"), CTL_DONE);
    ck_assert_uint_eq(count("req_"), 4);
    ck_assert_ptr_eq(strstr(fake.out, "{\"time\":\"2026-11-22T10:00:01Z\","),
                     fake.out);
    ck_assert_ptr_nonnull(strstr(fake.out, "}\n{\"time\":"));
    ck_assert_str_eq(seen_after[0], "absent");
    ck_assert_str_eq(seen_after[1], "2"); /* and was told of 3 */
    ck_assert_str_eq(seen_after[3], "3");
    ck_assert_str_eq(seen_after[4], "4");
    ck_assert_str_eq(fake_asked("key"), "\"alice\"");
    ck_assert_str_eq(fake.err, "");
}
END_TEST

/* The store is opened, asked, closed, and not touched again. */
START_TEST(a_store_without_an_owner_is_not_kept)
{
    fake.answer = first;
    fake.is_online = 0;
    fake.turns = 20;
    ck_assert_int_eq(fake_run("events --follow"), CTL_DONE);
    ck_assert_uint_eq(count("req_"), 2);
    ck_assert_uint_eq(fake.open, 0);
    ck_assert_uint_eq(fake.calls, 1);
}
END_TEST

START_TEST(what_went_by_unseen_is_told)
{
    static const char *const answer[] = {
        "{\"done\":{\"next\":90000,\"missed\":24464,\"identity\":\"aa\"}}",
        NULL};

    fake.answer = answer;
    fake.turns = 1;
    ck_assert_int_eq(fake_run("events --follow"), CTL_DONE);
    ck_assert_str_eq(fake.err, "24464 requests went by without being seen.\n");
}
END_TEST

START_TEST(usage_is_followed_by_groups)
{
    static const char *const answer[] = {
        "{\"row\":{\"model\":\"gpt-4o\",\"requests\":3,\"cost\":5}}", DONE(4),
        NULL};

    fake.answer = answer;
    fake.turns = 2;
    ck_assert_int_eq(
        fake_run("usage --follow --by model --every 1m --format csv"),
        CTL_DONE);
    ck_assert_str_eq(fake_asked("by"), "[\"model\"]");
    ck_assert_int_eq(fake.waited, apr_time_from_sec(120));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\r\n2026-11-22T12:00:00Z,gpt-4o,3,"));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\r\n2026-11-22T12:01:00Z,gpt-4o,3,"));
    ck_assert_int_eq(fake_run("usage --follow --every soon"), CTL_USAGE);
    ck_assert_int_eq(fake_run("usage --follow --every 1ms"), CTL_USAGE);
    ck_assert_int_eq(fake_run("usage --follow --since 1d"), CTL_USAGE);
    ck_assert_int_eq(fake_run("events --follow --limit 3"), CTL_USAGE);
}
END_TEST

START_TEST(an_error_ends_it)
{
    static const char *const answer[] = {
        "{\"error\":{\"code\":\"usage\",\"message\":\"status: no\"}}", NULL};

    fake.answer = answer;
    fake.turns = 5;
    fake_expect("events --follow --status x", CTL_USAGE, "",
                "llmgwctl: status: no\n");
}
END_TEST

START_TEST(progress_is_shown_on_a_terminal_alone)
{
    static const char *const answer[] = {"{\"progress\":{\"done\":1,\"of\":4}}",
                                         "{\"progress\":{\"done\":3,\"of\":4}}",
                                         "{\"done\":{}}", NULL};

    fake.answer = answer;
    fake.takes = apr_time_from_sec(1);
    fake_expect("usage", CTL_DONE, "", "No request matches.\n");
    ck_assert_str_eq(fake_asked("progress"), "absent");
    fake.world.is_watched = 1;
    fake_expect("usage", CTL_DONE, "",
                "\r\033[KReading: 25 %, 1 s\r\033[KReading: 75 %, 2 s"
                "\r\033[KNo request matches.\n");
    ck_assert_str_eq(fake_asked("progress"), "true");
}
END_TEST

Suite *follow_suite(void)
{
    Suite *suite = suite_create("follow");
    TCase *follow = tcase_create("follow");

    tcase_add_checked_fixture(follow, fake_open, fake_close);
    tcase_add_test(follow, each_request_is_shown_once_over_a_restart);
    tcase_add_test(follow, a_store_without_an_owner_is_not_kept);
    tcase_add_test(follow, what_went_by_unseen_is_told);
    tcase_add_test(follow, usage_is_followed_by_groups);
    tcase_add_test(follow, an_error_ends_it);
    tcase_add_test(follow, progress_is_shown_on_a_terminal_alone);
    suite_add_tcase(suite, follow);
    return suite;
}
