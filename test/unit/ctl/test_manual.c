/* SPDX-License-Identifier: Apache-2.0 */
/* The manual page names every command, every option and every example. */
#include "test/unit/ctl/fake.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

static const char *page(void)
{
    const char *path = apr_pstrcat(unit_pool, unit_source_dir(),
                                   "/../llmgwctl/llmgwctl.1.md", NULL);
    apr_file_t *file;
    apr_finfo_t info;
    char *text;

    ck_assert_int_eq(
        apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, unit_pool),
        APR_SUCCESS);
    ck_assert_int_eq(apr_file_info_get(&info, APR_FINFO_SIZE, file),
                     APR_SUCCESS);
    text = apr_pcalloc(unit_pool, (apr_size_t)info.size + 1);
    ck_assert_int_eq(
        apr_file_read_full(file, text, (apr_size_t)info.size, NULL),
        APR_SUCCESS);
    return text;
}

/* The part of the page under a heading. */
static const char *section(const char *text, const char *heading)
{
    const char *begin =
        strstr(text, apr_pstrcat(unit_pool, "\n### ", heading, "\n", NULL));
    const char *end;

    ck_assert_msg(begin, "the manual has no heading '### %s'", heading);
    begin += 5;
    end = strstr(begin, "\n##");
    return end ? apr_pstrmemdup(unit_pool, begin, (apr_size_t)(end - begin))
               : begin;
}

static void check_options(const char *text, const char *heading,
                          const ctl_option_t *options)
{
    for (; options && options->name; ++options) {
        const char *word =
            apr_pstrcat(unit_pool, "**--", options->name, "**", NULL);

        ck_assert_msg(strstr(text, word), "the manual's %s has no %s", heading,
                      word);
    }
}

START_TEST(the_manual_has_every_command)
{
    const char *text = page();
    const ctl_noun_t *const *noun;
    const ctl_command_t *command;

    for (noun = ctl_nouns; *noun; ++noun) {
        for (command = (*noun)->commands; command->run; ++command) {
            const char *heading =
                apr_pstrcat(unit_pool, (*noun)->name, command->verb ? " " : "",
                            command->verb ? command->verb : "",
                            command->arguments ? " " : "",
                            command->arguments ? command->arguments : "", NULL);
            const char *part = section(text, heading);

            check_options(part, heading, command->options);
            ck_assert_msg(strstr(part, command->example),
                          "the manual's %s has not the example '%s'", heading,
                          command->example);
        }
    }
    check_options(text, "OPTIONS", ctl_globals);
}
END_TEST

/* The members of the first row, or of the one record, that `words` print. */
static void check_members(const char *text, const char *words)
{
    static const char *const rows[] = {"{\"row\":{}}", "{\"done\":{}}", NULL};
    const llm_json_t *doc, *member;

    fake.answer = rows;
    ck_assert_int_eq(fake_run(words), CTL_DONE);
    ck_assert_int_eq(
        llm_json_read(&doc, fake.out, fake.out_len, NULL, unit_pool),
        APR_SUCCESS);
    member = doc->child;
    member = llm_json_is(member, LLM_JSON_ARRAY) ? member->child : member;
    ck_assert_msg(member->child, "%s prints no member", words);
    for (member = member->child; member; member = member->next) {
        const char *name = llm_text_string(member->name, unit_pool);

        ck_assert_msg(strstr(text, name), "the manual's JSON has no %s of '%s'",
                      name, words);
    }
}

START_TEST(the_manual_has_every_member_of_the_json)
{
    static const char *const commands[] = {
        "key show a --json",
        "key list --json",
        "team show a --json",
        "team list --json",
        "usage --json --by key,team,model,provider,day,hour",
        "cost --json",
        "events --json",
        "audit --json",
        "status --json",
        NULL};
    const char *text = strstr(page(), "\n## JSON\n");
    unsigned i;

    ck_assert_ptr_nonnull(text);
    for (i = 0; commands[i]; ++i) {
        check_members(text, commands[i]);
    }
}
END_TEST

Suite *manual_suite(void)
{
    Suite *suite = suite_create("manual");
    TCase *manual = tcase_create("page");

    tcase_add_checked_fixture(manual, fake_open, fake_close);
    tcase_add_test(manual, the_manual_has_every_command);
    tcase_add_test(manual, the_manual_has_every_member_of_the_json);
    suite_add_tcase(suite, manual);
    return suite;
}
