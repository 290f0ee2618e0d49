/* SPDX-License-Identifier: Apache-2.0 */
/* The log: one bounded line without control characters, if it is wanted. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_log.h"

typedef struct lines_t {
    char last[4000]; /* what was printed last */
    llm_log_e level, wanted;
    apr_status_t status;
    int count;
} lines_t;

static void print_line(void *baton, llm_log_e level, apr_status_t status,
                       const char *message)
{
    lines_t *lines = baton;

    ++lines->count;
    lines->level = level;
    lines->status = status;
    apr_cpystrn(lines->last, message, sizeof(lines->last));
}

static int wants_level(void *baton, llm_log_e level)
{
    return level <= ((lines_t *)baton)->wanted;
}

static lines_t lines;

static void set_up(void)
{
    memset(&lines, 0, sizeof(lines));
    lines.wanted = LLM_LOG_DEBUG;
    llm_log_set(print_line, wants_level, &lines);
}

static void tear_down(void)
{
    llm_log_set(NULL, NULL, NULL);
}

START_TEST(prints_lines)
{
    llm_log(LLM_LOG_WARNING, APR_ENOENT, LLM_LOGNO(0042) "no %s", "file");
    ck_assert_int_eq(lines.count, 1);
    ck_assert_int_eq(lines.level, LLM_LOG_WARNING);
    ck_assert_int_eq(lines.status, APR_ENOENT);
    ck_assert_str_eq(lines.last, "LLMGW0042: no file");
}
END_TEST

START_TEST(keeps_what_is_not_wanted)
{
    lines.wanted = LLM_LOG_NOTICE;
    llm_log(LLM_LOG_INFO, 0, "x");
    ck_assert_int_eq(lines.count, 0);
    llm_log(LLM_LOG_NOTICE, 0, "x");
    ck_assert_int_eq(lines.count, 1);
}
END_TEST

START_TEST(works_without_callbacks)
{
    llm_log_set(NULL, NULL, NULL);
    llm_log(LLM_LOG_CRIT, 0, "x");
    llm_log_set(print_line, NULL, &lines);
    llm_log(LLM_LOG_DEBUG, 0, "x");
    ck_assert_int_eq(lines.count, 1);
}
END_TEST

START_TEST(escapes_control_characters)
{
    llm_log(LLM_LOG_INFO, 0, "a%sb", "\n\x1b[2J\x7f\xC3\xA9");
    ck_assert_str_eq(lines.last, "a\\x0a\\x1b[2J\\x7f\xC3\xA9"
                                 "b");
}
END_TEST

START_TEST(bounds_lines)
{
    char text[5000];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    llm_log(LLM_LOG_INFO, 0, "%s", text);
    ck_assert_uint_eq(strlen(lines.last), 2000);
    memset(text, '\n', sizeof(text) - 1);
    llm_log(LLM_LOG_INFO, 0, "x%s", text);
    ck_assert_uint_eq(strlen(lines.last), 1997); /* no half escape */
}
END_TEST

Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("lines");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, prints_lines);
    tcase_add_test(tcase, keeps_what_is_not_wanted);
    tcase_add_test(tcase, works_without_callbacks);
    tcase_add_test(tcase, escapes_control_characters);
    tcase_add_test(tcase, bounds_lines);
    suite_add_tcase(suite, tcase);
    return suite;
}
