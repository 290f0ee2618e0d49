/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is understood, and what is said when it is not. */
#include "test/unit/ctl/fake.h"

#include <string.h>

#include <apr_env.h>

static const char *const status_lines[] = {"{\"done\":{\"keys\":1}}", NULL};

START_TEST(no_words_give_help_and_a_usage_error)
{
    ck_assert_int_eq(fake_run(""), CTL_USAGE);
    ck_assert_str_eq(fake.out, "");
    ck_assert_ptr_nonnull(strstr(fake.err, "Usage: llmgwctl [--store DIR]"));
}
END_TEST

START_TEST(help_names_every_command)
{
    const ctl_noun_t *const *noun;
    const ctl_command_t *command;

    ck_assert_int_eq(fake_run("--help"), CTL_DONE);
    ck_assert_str_eq(fake.err, "");
    for (noun = ctl_nouns; *noun; ++noun) {
        for (command = (*noun)->commands; command->run; ++command) {
            ck_assert_msg(strstr(fake.out, command->summary),
                          "%s is not in the help", command->summary);
        }
    }
}
END_TEST

START_TEST(help_of_a_noun_names_its_verbs)
{
    ck_assert_int_eq(fake_run("key --help"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "key create NAME"));
    ck_assert_ptr_null(strstr(fake.out, "price list"));
}
END_TEST

START_TEST(help_of_a_command_names_its_options)
{
    ck_assert_int_eq(fake_run("key create --help"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "--expires WHEN"));
    ck_assert_ptr_nonnull(strstr(fake.out, "Example:\n  llmgwctl key create"));
    ck_assert_int_eq(fake_run("help key create"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "--expires WHEN"));
    ck_assert_int_eq(fake_run("key create -h"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "--expires WHEN"));
}
END_TEST

START_TEST(help_never_opens_the_store)
{
    ck_assert_int_eq(fake_run("status --help"), CTL_DONE);
    ck_assert_ptr_null(fake.dir);
}
END_TEST

START_TEST(no_line_of_help_is_wider_than_a_terminal)
{
    static const char *const levels[] = {"--help",
                                         "key --help",
                                         "key create --help",
                                         "usage --help",
                                         "events --help",
                                         "price show --help",
                                         "key list --help",
                                         NULL};
    unsigned i;

    for (i = 0; levels[i]; ++i) {
        const char *line, *end;

        ck_assert_int_eq(fake_run(levels[i]), CTL_DONE);
        for (line = fake.out; (end = strchr(line, '\n')); line = end + 1) {
            ck_assert_msg(end - line <= 80, "%s: %.*s", levels[i],
                          (int)(end - line), line);
        }
    }
}
END_TEST

START_TEST(every_example_can_be_typed)
{
    const ctl_noun_t *const *noun;
    const ctl_command_t *command;

    for (noun = ctl_nouns; *noun; ++noun) {
        for (command = (*noun)->commands; command->run; ++command) {
            ck_assert_int_eq(strncmp(command->example, "llmgwctl ", 9), 0);
            fake_run(command->example + 9);
            ck_assert_msg(!strstr(fake.err, "no such")
                              && !strstr(fake.err, "expected"),
                          "%s: %s", command->example, fake.err);
        }
    }
}
END_TEST

START_TEST(an_unknown_word_suggests_the_nearest)
{
    fake_expect("kye list", CTL_USAGE, "",
                "llmgwctl: no such command: kye; did you mean key?\n");
    fake_expect("key lsit", CTL_USAGE, "",
                "llmgwctl: no such command: key lsit; did you mean list?\n");
    fake_expect("key list --taem x", CTL_USAGE, "",
                "llmgwctl: no such option: --taem; did you mean --team?\n");
    fake_expect("pr", CTL_USAGE, "",
                "llmgwctl: no such command: pr; did you mean price?\n");
}
END_TEST

START_TEST(a_word_like_no_other_suggests_nothing)
{
    fake_expect("zzzzzzzz", CTL_USAGE, "",
                "llmgwctl: no such command: zzzzzzzz\n");
    fake_expect("key list -x", CTL_USAGE, "", "llmgwctl: no such option: -x\n");
}
END_TEST

START_TEST(a_word_longer_than_any_is_refused)
{
    char words[600];

    memset(words, 'k', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    ck_assert_int_eq(fake_run(words), CTL_USAGE);
}
END_TEST

START_TEST(missing_and_spare_words_are_named)
{
    fake_expect("key show", CTL_USAGE, "",
                "llmgwctl: key show: expected NAME|ID\n");
    fake_expect("key show a b", CTL_USAGE, "",
                "llmgwctl: key show: 'b' is one word too many\n");
    fake_expect("status now", CTL_USAGE, "",
                "llmgwctl: status: 'now' is one word too many\n");
    ck_assert_int_eq(fake_run("key"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "Usage: llmgwctl key COMMAND"));
}
END_TEST

START_TEST(an_option_without_its_value_says_what_it_takes)
{
    fake_expect("usage --by", CTL_USAGE, "", "llmgwctl: --by: expected LIST\n");
    fake_expect("usage --by=", CTL_USAGE, "",
                "llmgwctl: --by: expected LIST\n");
    fake_expect("status --json=yes", CTL_USAGE, "",
                "llmgwctl: --json: takes no value\n");
}
END_TEST

START_TEST(options_may_stand_anywhere)
{
    fake.answer = status_lines;
    ck_assert_int_eq(fake_run("--store /a status"), CTL_DONE);
    ck_assert_str_eq(fake.dir, "/a");
    ck_assert_int_eq(fake_run("status --store=/b"), CTL_DONE);
    ck_assert_str_eq(fake.dir, "/b");
}
END_TEST

START_TEST(the_store_comes_from_the_environment_else_the_usual_place)
{
    fake.answer = status_lines;
    ck_assert_int_eq(fake_run("status"), CTL_DONE);
    ck_assert_str_eq(fake.dir, "/var/lib/llm-gateway");
    apr_env_set("LLMGW_STORE", "/c", unit_pool);
    ck_assert_int_eq(fake_run("status"), CTL_DONE);
    ck_assert_str_eq(fake.dir, "/c");
    ck_assert_int_eq(fake_run("status --store /d"), CTL_DONE);
    ck_assert_str_eq(fake.dir, "/d");
}
END_TEST

START_TEST(after_two_dashes_everything_is_an_argument)
{
    fake.answer = status_lines;
    ck_assert_int_eq(fake_run("key show -- --json"), CTL_DONE);
    ck_assert_str_eq(fake_asked("name"), "\"--json\"");
    ck_assert_ptr_null(strstr(fake.out, "{"));
}
END_TEST

START_TEST(errors_are_json_where_json_is_asked_for)
{
    fake_expect("kye --json", CTL_USAGE,
                "{\"error\":{\"code\":\"usage\",\"message\":\"no such command: "
                "kye; did you mean key?\"}}\n",
                "");
    fake_expect("--json", CTL_USAGE,
                "{\"error\":{\"code\":\"usage\",\"message\":"
                "\"a command is missing\"}}\n",
                "");
}
END_TEST

START_TEST(a_word_that_is_no_text_cannot_break_the_json)
{
    fake_expect("\xff\x1b --json", CTL_USAGE,
                "{\"error\":{\"code\":\"usage\",\"message\":"
                "\"no such command: \xEF\xBF\xBD\\u001b\"}}\n",
                "");
    fake_expect("\xff\x1b", CTL_USAGE, "",
                "llmgwctl: no such command: \\xff\\x1b\n");
}
END_TEST

START_TEST(the_version_is_printed)
{
    fake_expect("--version", CTL_DONE, "llmgwctl " LLMGW_VERSION "\n", "");
}
END_TEST

START_TEST(a_store_out_of_reach_is_exit_3)
{
    fake.open_status = APR_EACCES;
    fake.what = "it belongs to www-data";
    fake_expect("status", CTL_UNREACHABLE, "",
                "llmgwctl: the store /var/lib/llm-gateway cannot be reached: "
                "it belongs to www-data\n");
    fake_expect("status --json", CTL_UNREACHABLE,
                "{\"error\":{\"code\":\"unreachable\",\"message\":\"the store "
                "/var/lib/llm-gateway cannot be reached: it belongs to "
                "www-data\"}}\n",
                "");
}
END_TEST

START_TEST(a_call_that_is_cut_short_is_exit_3)
{
    fake.call_status = APR_EOF;
    fake.what = "the owner has gone";
    fake_expect("status", CTL_UNREACHABLE, "",
                "llmgwctl: the store /var/lib/llm-gateway did not answer: "
                "the owner has gone\n");
    fake.call_status = APR_SUCCESS;
    fake.what = NULL;
    fake_expect("status", CTL_UNREACHABLE, "",
                "llmgwctl: the store /var/lib/llm-gateway did not answer: "
                "the answer is not complete\n");
}
END_TEST

START_TEST(an_answer_that_is_no_json_is_exit_3)
{
    static const char *const lines[] = {"{\"done\":", NULL};

    fake.answer = lines;
    fake_expect("status", CTL_UNREACHABLE, "",
                "llmgwctl: the store /var/lib/llm-gateway gave an answer that "
                "cannot be read; is it another version's?\n");
}
END_TEST

START_TEST(output_that_cannot_be_written_is_a_failure)
{
    static const char *const words[] = {"llmgwctl", "--version"};
    ctl_world_t world = fake.world;

    world.out = fopen("/dev/full", "w");
    world.err = fopen("/dev/null", "w");
    ck_assert_int_eq(ctl_run(&world, 2, words, unit_pool), CTL_REFUSED);
    fclose(world.out);
    fclose(world.err);
}
END_TEST

Suite *words_suite(void)
{
    Suite *suite = suite_create("words");
    TCase *help = tcase_create("help"), *wrong = tcase_create("wrong");
    TCase *store = tcase_create("store");

    tcase_add_checked_fixture(help, fake_open, fake_close);
    tcase_add_test(help, no_words_give_help_and_a_usage_error);
    tcase_add_test(help, help_names_every_command);
    tcase_add_test(help, help_of_a_noun_names_its_verbs);
    tcase_add_test(help, help_of_a_command_names_its_options);
    tcase_add_test(help, help_never_opens_the_store);
    tcase_add_test(help, no_line_of_help_is_wider_than_a_terminal);
    tcase_add_test(help, every_example_can_be_typed);
    tcase_add_test(help, the_version_is_printed);
    suite_add_tcase(suite, help);
    tcase_add_checked_fixture(wrong, fake_open, fake_close);
    tcase_add_test(wrong, an_unknown_word_suggests_the_nearest);
    tcase_add_test(wrong, a_word_like_no_other_suggests_nothing);
    tcase_add_test(wrong, a_word_longer_than_any_is_refused);
    tcase_add_test(wrong, missing_and_spare_words_are_named);
    tcase_add_test(wrong, an_option_without_its_value_says_what_it_takes);
    tcase_add_test(wrong, after_two_dashes_everything_is_an_argument);
    tcase_add_test(wrong, errors_are_json_where_json_is_asked_for);
    tcase_add_test(wrong, a_word_that_is_no_text_cannot_break_the_json);
    suite_add_tcase(suite, wrong);
    tcase_add_checked_fixture(store, fake_open, fake_close);
    tcase_add_test(store, options_may_stand_anywhere);
    tcase_add_test(store,
                   the_store_comes_from_the_environment_else_the_usual_place);
    tcase_add_test(store, a_store_out_of_reach_is_exit_3);
    tcase_add_test(store, a_call_that_is_cut_short_is_exit_3);
    tcase_add_test(store, an_answer_that_is_no_json_is_exit_3);
    tcase_add_test(store, output_that_cannot_be_written_is_a_failure);
    suite_add_tcase(suite, store);
    return suite;
}
