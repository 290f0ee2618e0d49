/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl key: what is asked of the store, and what is told of it. */
#include "test/unit/ctl/fake.h"

#include <string.h>

#define ALICE                                                                  \
    "{\"id\":7,\"name\":\"alice\",\"team\":\"search\",\"note\":\"\","          \
    "\"hint\":\"x9-Q\",\"models\":\"smart,openai/*\","                         \
    "\"created\":\"2026-11-22T10:00:00Z\",\"expires\":null,"                   \
    "\"revoked\":null,\"disabled\":false,\"state\":\"active\"}"
#define NO_BUDGET                                                              \
    "\"budget_day_nanodollars\":null,\"budget_day\":null,"                     \
    "\"budget_month_nanodollars\":null,\"budget_month\":null,"                 \
    "\"budget_total_nanodollars\":null,\"budget_total\":null"
#define ALICE_SHOWN                                                            \
    "{\"id\":7,\"name\":\"alice\",\"team\":\"search\",\"state\":\"active\","   \
    "\"created\":\"2026-11-22T10:00:00Z\",\"expires\":null,\"revoked\":null,"  \
    "\"hint\":\"x9-Q\",\"models\":[\"smart\",\"openai/*\"],\"note\":\"\","     \
    "\"grace_until\":null,\"on_client_abort\":null," NO_BUDGET "}"

static const char *const made[] = {
    "{\"done\":{\"key\":" ALICE ",\"secret\":\"llmgw-abc\"}}", NULL};
static const char *const shown[] = {"{\"done\":{\"key\":" ALICE "}}", NULL};
static const char *const two[] = {
    "{\"row\":" ALICE "}",
    "{\"row\":{\"id\":1200,\"name\":\"bob\",\"hint\":\"AAAA\","
    "\"created\":\"2026-01-02T03:04:05Z\",\"revoked\":"
    "\"2026-02-02T03:04:05Z\",\"state\":\"revoked\"}}",
    "{\"done\":{}}", NULL};
static const char *const none[] = {"{\"done\":{}}", NULL};

START_TEST(create_prints_the_key_alone)
{
    fake.answer = made;
    fake_expect("key create alice", CTL_DONE, "llmgw-abc\n",
                "key alice (id 7) was made; it is shown this once:\n");
    ck_assert_str_eq(fake_asked("op"), "\"key.create\"");
    ck_assert_str_eq(fake_asked("name"), "\"alice\"");
    ck_assert_str_eq(fake_asked("team"), "absent");
    ck_assert_str_eq(fake_asked("expires"), "absent");
}
END_TEST

START_TEST(create_as_json_has_key_and_secret)
{
    fake.answer = made;
    fake_expect("key create alice --json", CTL_DONE,
                "{\"key\":" ALICE_SHOWN ",\"secret\":\"llmgw-abc\"}\n", "");
}
END_TEST

START_TEST(create_hands_its_options_on)
{
    fake.answer = made;
    ck_assert_int_eq(fake_run("key create alice --team search --note a_\"b\" "
                              "--models smart,openai/* --expires 90d"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("team"), "\"search\"");
    ck_assert_str_eq(fake_asked("note"), "\"a \\\"b\\\"\"");
    ck_assert_str_eq(fake_asked("models"), "\"smart,openai/*\"");
    ck_assert_str_eq(fake_asked("expires"), "\"2027-02-20T12:00:00Z\"");
    ck_assert_int_eq(fake_run("key create alice --expires 2027-12-31"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("expires"), "\"2027-12-31T00:00:00Z\"");
}
END_TEST

START_TEST(each_request_has_an_id_of_its_own)
{
    const char *first;

    fake.answer = made;
    fake_run("key create alice");
    first = fake_asked("id");
    fake_run("key create alice");
    ck_assert_uint_gt(strlen(first), 20);
    ck_assert_str_ne(first, fake_asked("id"));
}
END_TEST

START_TEST(create_refuses_what_cannot_be_meant)
{
    fake_expect("key create 123", CTL_USAGE, "",
                "llmgwctl: NAME: '123': a name of digits alone would be taken "
                "for an id\n");
    ck_assert_int_eq(fake_run("key create a/b"), CTL_USAGE);
    ck_assert_int_eq(fake_run("key create a --models gpt-*-*"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "--models: 'gpt-*-*'"));
    ck_assert_int_eq(fake_run("key create a --models a,,b"), CTL_USAGE);
    ck_assert_int_eq(fake_run("key create a --models a,"), CTL_USAGE);
    ck_assert_int_eq(fake_run("key create a --expires soon"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "not 'soon'"));
    fake_expect("key create a --expires 2020-01-01", CTL_USAGE, "",
                "llmgwctl: --expires: '2020-01-01' is not in the future\n");
    ck_assert_int_eq(fake_run("key create a --expires 0"), CTL_USAGE);
    ck_assert_int_eq(fake_run("key create a --expires 106751991d"), CTL_USAGE);
    fake_expect("key create a --note x\xff", CTL_USAGE, "",
                "llmgwctl: --note: expected UTF-8, not 'x\\xff'\n");
    ck_assert_ptr_null(fake.request);
}
END_TEST

START_TEST(a_name_that_is_taken_is_exit_1)
{
    static const char *const taken[] = {
        "{\"error\":{\"code\":\"exists\",\"message\":\"there is a key "
        "alice already\"}}",
        NULL};

    fake.answer = taken;
    fake_expect("key create alice", CTL_REFUSED, "",
                "llmgwctl: there is a key alice already\n");
    fake_expect("key create alice --json", CTL_REFUSED,
                "{\"error\":{\"code\":\"exists\",\"message\":\"there is a key "
                "alice already\"}}\n",
                "");
}
END_TEST

START_TEST(list_is_a_table)
{
    fake.answer = two;
    fake_expect(
        "key list", CTL_DONE,
        "  ID  NAME   TEAM    STATE    CREATED              REVOKED          "
        "    HINT  MODELS\n"
        "   7  alice  search  active   2026-11-22 10:00:00  -                "
        "    x9-Q  smart,openai/*\n"
        "1200  bob    -       revoked  2026-01-02 03:04:05  2026-02-02 "
        "03:04:05  AAAA  -\n",
        "");
    ck_assert_str_eq(fake_asked("op"), "\"key.list\"");
}
END_TEST

START_TEST(list_as_json)
{
    fake.answer = two;
    fake_expect(
        "key list --json --team search", CTL_DONE,
        "{\"keys\":[\n" ALICE_SHOWN ",\n"
        "{\"id\":1200,\"name\":\"bob\",\"team\":null,"
        "\"state\":\"revoked\",\"created\":\"2026-01-02T03:04:05Z\","
        "\"expires\":null,\"revoked\":\"2026-02-02T03:04:05Z\","
        "\"hint\":\"AAAA\",\"models\":null,\"note\":null,\"grace_until\":null,"
        "\"on_client_abort\":null," NO_BUDGET "}\n]}\n",
        "");
    ck_assert_str_eq(fake_asked("team"), "\"search\"");
}
END_TEST

START_TEST(list_as_csv)
{
    fake.answer = two;
    ck_assert_int_eq(fake_run("key list --format csv"), CTL_DONE);
    ck_assert_str_eq(fake.out,
                     "id,name,team,state,created,expires,revoked,hint,models,"
                     "note,grace_until,on_client_abort,budget_day_nanodollars,"
                     "budget_day,budget_month_nanodollars,budget_month,budget_"
                     "total_nanodollars,budget_total\r\n"
                     "7,alice,search,active,2026-11-22T10:00:00Z,,,x9-Q,"
                     "\"smart,openai/*\",,,,,,,,,\r\n"
                     "1200,bob,,revoked,2026-01-02T03:04:05Z,,"
                     "2026-02-02T03:04:05Z,AAAA,,,,,,,,,,\r\n");
}
END_TEST

START_TEST(an_empty_list_says_so_to_people)
{
    fake.answer = none;
    fake_expect("key list", CTL_DONE, "", "There are no keys.\n");
    fake_expect("key list --json", CTL_DONE, "{\"keys\":[]}\n", "");
}
END_TEST

START_TEST(an_error_in_mid_list_leaves_whole_json)
{
    static const char *const broken[] = {
        "{\"row\":" ALICE "}",
        "{\"error\":{\"code\":\"damaged\",\"message\":\"bad page\"}}", NULL};

    fake.answer = broken;
    fake_expect("key list --json", CTL_REFUSED,
                "{\"keys\":[\n" ALICE_SHOWN
                "\n],\"error\":{\"code\":\"damaged\",\"message\":\"bad "
                "page\"}}\n",
                "");
    fake_expect("key list", CTL_REFUSED, "", "llmgwctl: bad page\n");
}
END_TEST

START_TEST(keys_are_found_by_name_or_id)
{
    fake.answer = shown;
    fake_expect("key show alice --json", CTL_DONE,
                "{\"key\":" ALICE_SHOWN "}\n", "");
    ck_assert_str_eq(fake_asked("name"), "\"alice\"");
    ck_assert_str_eq(fake_asked("key_id"), "absent");
    ck_assert_int_eq(fake_run("key revoke 007"), CTL_DONE);
    ck_assert_str_eq(fake_asked("op"), "\"key.revoke\"");
    ck_assert_str_eq(fake_asked("key_id"), "7");
    ck_assert_str_eq(fake_asked("name"), "absent");
    ck_assert_int_eq(fake_run("key delete 0"), CTL_DONE);
    ck_assert_str_eq(fake_asked("op"), "\"key.delete\"");
    ck_assert_str_eq(fake_asked("key_id"), "0");
}
END_TEST

START_TEST(show_is_a_record)
{
    fake.answer = shown;
    fake_expect("key show alice", CTL_DONE,
                "ID       7\n"
                "NAME     alice\n"
                "TEAM     search\n"
                "STATE    active\n"
                "CREATED  2026-11-22 10:00:00\n"
                "HINT     x9-Q\n"
                "MODELS   smart,openai/*\n",
                "");
}
END_TEST

START_TEST(revoke_and_delete_say_what_they_did)
{
    fake.answer = shown;
    fake_expect("key revoke alice", CTL_DONE, "alice: revoked, in force now\n",
                "");
    fake_expect("key delete alice", CTL_DONE, "alice: deleted, in force now\n",
                "");
    fake_expect("key delete alice --json", CTL_DONE,
                "{\"key\":" ALICE_SHOWN "}\n", "");
}
END_TEST

START_TEST(a_key_that_is_not_there_is_exit_1)
{
    static const char *const absent[] = {
        "{\"error\":{\"code\":\"not_found\",\"message\":\"there is no key "
        "carol\"}}",
        NULL};

    fake.answer = absent;
    fake_expect("key show carol", CTL_REFUSED, "",
                "llmgwctl: there is no key carol\n");
}
END_TEST

START_TEST(a_note_cannot_steer_the_terminal)
{
    static const char *const evil[] = {
        "{\"row\":{\"id\":1,\"name\":\"a\",\"note\":"
        "\"\\u001b[2Jx\\ny\\u009b\\u00e4\"}}",
        "{\"done\":{}}", NULL};

    fake.answer = evil;
    ck_assert_int_eq(fake_run("key list"), CTL_DONE);
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\\x1b[2Jx\\x0ay\\xc2\\x9b\xC3\xA4\n"));
}
END_TEST

START_TEST(update_hands_over_what_is_to_change)
{
    fake.answer = shown;
    ck_assert_int_eq(fake_run("key update 7 --name bob --team red --no-note "
                              "--all-models --expires never --json"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("op"), "\"key.update\"");
    ck_assert_str_eq(fake_asked("key_id"), "7");
    ck_assert_str_eq(fake_asked("new_name"), "\"bob\"");
    ck_assert_str_eq(fake_asked("team"), "\"red\"");
    ck_assert_str_eq(fake_asked("note"), "\"\"");
    ck_assert_str_eq(fake_asked("models"), "\"\"");
    ck_assert_str_eq(fake_asked("expires"), "\"never\"");
    ck_assert_str_eq(fake_asked("on_client_abort"), "absent");
    ck_assert_int_eq(fake_run("key update 7 --on-client-abort drain=30s"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("on_client_abort"), "\"drain=30s\"");
    ck_assert_int_eq(fake_run("key update alice --note x"), CTL_DONE);
    ck_assert_str_eq(fake_asked("team"), "absent");
    ck_assert_str_eq(fake_asked("new_name"), "absent");
}
END_TEST

START_TEST(update_refuses_what_cannot_be_meant)
{
    fake_expect("key update alice", CTL_USAGE, "",
                "llmgwctl: key update: expected an option that says what to "
                "change\n");
    fake_expect("key update alice --team a --no-team", CTL_USAGE, "",
                "llmgwctl: --no-team and --team do not go together\n");
    ck_assert_int_eq(fake_run("key update alice --name 42"), CTL_USAGE);
    ck_assert_int_eq(fake_run("key update alice --on-client-abort drain=0"),
                     CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "--on-client-abort: expected abort, "
                                           "drain, or drain="));
    ck_assert_int_eq(fake_run("key rotate alice --grace soon"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "--grace: "));
    ck_assert_ptr_null(fake.request);
}
END_TEST

START_TEST(rotate_prints_the_new_key_alone)
{
    static const char *const rotated[] = {
        "{\"done\":{\"key\":{\"id\":7,\"name\":\"alice\",\"grace_until\":"
        "\"2026-11-23T12:00:00Z\"},\"secret\":\"llmgw-new\"}}",
        NULL};

    fake.answer = rotated;
    fake_expect("key rotate alice --grace 24h", CTL_DONE, "llmgw-new\n",
                "key alice (id 7) has another secret, and the old one is valid "
                "until 2026-11-23T12:00:00Z; it is shown this once:\n");
    ck_assert_str_eq(fake_asked("op"), "\"key.rotate\"");
    ck_assert_str_eq(fake_asked("grace"), "\"24h\"");
    ck_assert_int_eq(fake_run("key rotate alice"), CTL_DONE);
    ck_assert_str_eq(fake_asked("grace"), "absent");
}
END_TEST

START_TEST(teams_are_asked_for_by_name)
{
    static const char *const team[] = {
        "{\"done\":{\"team\":{\"name\":\"red\",\"note\":null,\"created\":"
        "\"2026-11-22T10:00:00Z\",\"keys\":2}}}",
        NULL};

    fake.answer = team;
    fake_expect("team create red --note x", CTL_DONE, "red: made\n", "");
    ck_assert_str_eq(fake_asked("op"), "\"team.create\"");
    ck_assert_str_eq(fake_asked("note"), "\"x\"");
    fake_expect("team show red --json", CTL_DONE,
                "{\"team\":{\"name\":\"red\",\"keys\":2,\"created\":"
                "\"2026-11-22T10:00:00Z\",\"note\":null," NO_BUDGET "}}\n",
                "");
    fake_expect("team update red", CTL_USAGE, "",
                "llmgwctl: team update: expected an option that says what to "
                "change\n");
    ck_assert_int_eq(fake_run("team update red --name blue --no-note"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("new_name"), "\"blue\"");
    ck_assert_str_eq(fake_asked("note"), "\"\"");
    fake.answer = none;
    fake_expect("team list", CTL_DONE, "", "There are no teams.\n");
}
END_TEST

Suite *key_suite(void)
{
    Suite *suite = suite_create("key");
    TCase *create = tcase_create("create"), *list = tcase_create("list");
    TCase *one = tcase_create("one");

    tcase_add_checked_fixture(create, fake_open, fake_close);
    tcase_add_test(create, create_prints_the_key_alone);
    tcase_add_test(create, create_as_json_has_key_and_secret);
    tcase_add_test(create, create_hands_its_options_on);
    tcase_add_test(create, each_request_has_an_id_of_its_own);
    tcase_add_test(create, create_refuses_what_cannot_be_meant);
    tcase_add_test(create, a_name_that_is_taken_is_exit_1);
    suite_add_tcase(suite, create);
    tcase_add_checked_fixture(list, fake_open, fake_close);
    tcase_add_test(list, list_is_a_table);
    tcase_add_test(list, list_as_json);
    tcase_add_test(list, list_as_csv);
    tcase_add_test(list, an_empty_list_says_so_to_people);
    tcase_add_test(list, an_error_in_mid_list_leaves_whole_json);
    tcase_add_test(list, a_note_cannot_steer_the_terminal);
    suite_add_tcase(suite, list);
    tcase_add_checked_fixture(one, fake_open, fake_close);
    tcase_add_test(one, keys_are_found_by_name_or_id);
    tcase_add_test(one, show_is_a_record);
    tcase_add_test(one, revoke_and_delete_say_what_they_did);
    tcase_add_test(one, a_key_that_is_not_there_is_exit_1);
    tcase_add_test(one, update_hands_over_what_is_to_change);
    tcase_add_test(one, update_refuses_what_cannot_be_meant);
    tcase_add_test(one, rotate_prints_the_new_key_alone);
    tcase_add_test(one, teams_are_asked_for_by_name);
    suite_add_tcase(suite, one);
    return suite;
}
