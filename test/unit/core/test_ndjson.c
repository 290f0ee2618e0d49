/* SPDX-License-Identifier: Apache-2.0 */
/* Newline-delimited JSON: lines come out whole, wherever they were cut. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_ndjson.h"
#include "test/unit/core/random.h"

static void note_line(llm_buf_t *notes, llm_bytes_t line)
{
    llm_buf_putc(notes, '[');
    llm_buf_append(notes, line.data, line.len);
    llm_buf_putc(notes, ']');
}

static const char *run(const char *text, apr_size_t len, apr_size_t most,
                       test_random_t *dice)
{
    llm_ndjson_t *lines = llm_ndjson_make(1000, unit_pool);
    llm_buf_t *notes = llm_buf_make(0, unit_pool);
    llm_bytes_t line;

    while (len) {
        apr_size_t piece = most < len ? most : len;
        char *copy;

        if (dice) {
            piece = 1 + test_random_below(dice, piece);
        }
        copy = apr_pmemdup(unit_pool, text, piece);
        llm_ndjson_feed(lines, copy, piece);
        memset(copy, '?', piece);
        while (llm_ndjson_next(lines, &line) == APR_SUCCESS) {
            note_line(notes, line);
        }
        text += piece;
        len -= piece;
    }
    while (llm_ndjson_finish(lines, &line) == APR_SUCCESS) {
        note_line(notes, line);
    }
    ck_assert_int_eq(llm_ndjson_finish(lines, &line), APR_EOF);
    llm_buf_putc(notes, '\0');
    return notes->data;
}

static void check(const char *text, const char *expected)
{
    apr_size_t len = strlen(text);

    ck_assert_str_eq(run(text, len, len + 1, NULL), expected);
    ck_assert_str_eq(run(text, len, 1, NULL), expected);
}

START_TEST(reads_lines)
{
    check("", "");
    check("{}\n", "[{}]");
    check("{\"a\":1}\n{\"b\":2}\n", "[{\"a\":1}][{\"b\":2}]");
    check("{}\r\n[]\r\n", "[{}][[]]");
    check("{}\n[]", "[{}][[]]");
    check("{}\n[]\r", "[{}][[]]");
}
END_TEST

START_TEST(passes_over_blank_lines)
{
    check("\n\n{}\n\n \t\r\n[]\n\n", "[{}][[]]");
    check("  \t", "");
    check(" {} \n", "[ {} ]");
    check("a\rb\n", "[a\rb]");
}
END_TEST

START_TEST(limits_lines)
{
    llm_ndjson_t *lines = llm_ndjson_make(4, unit_pool);
    llm_bytes_t line;

    llm_ndjson_feed(lines, "1234\n56", 7);
    ck_assert_int_eq(llm_ndjson_next(lines, &line), APR_SUCCESS);
    ck_assert_uint_eq(line.len, 4);
    ck_assert_int_eq(llm_ndjson_next(lines, &line), APR_EAGAIN);
    llm_ndjson_feed(lines, "789", 3);
    ck_assert_int_eq(llm_ndjson_next(lines, &line), APR_ENOSPC);
    llm_ndjson_feed(lines, "\n1\n", 3);
    ck_assert_int_eq(llm_ndjson_next(lines, &line), APR_ENOSPC);
    ck_assert_int_eq(llm_ndjson_finish(lines, &line), APR_EOF);
}
END_TEST

START_TEST(cuts_do_not_matter)
{
    test_random_t dice = test_random_make("ndjson");
    static const char *const pieces[] = {"{}",        "\n", "\r\n", " ",
                                         "{\"a\":1}", "\r", "x"};
    int round;

    for (round = 0; round < 1000; ++round) {
        llm_buf_t *text = llm_buf_make(0, unit_pool);
        apr_size_t count = test_random_below(&dice, 40);
        const char *whole;

        while (count--) {
            llm_buf_puts(text, pieces[test_random_below(&dice, 7)]);
        }
        whole = run(text->data, text->len, text->len + 1, NULL);
        ck_assert_str_eq(run(text->data, text->len, 1, NULL), whole);
        ck_assert_str_eq(run(text->data, text->len, 12, &dice), whole);
        apr_pool_clear(unit_pool);
    }
}
END_TEST

/* What is not linear does not end within the time a test has. */
START_TEST(large_lines_take_linear_time)
{
    llm_ndjson_t *lines = llm_ndjson_make(APR_SIZE_MAX, unit_pool);
    llm_bytes_t line;
    int i;

    for (i = 0; i < 4000000; ++i) {
        llm_ndjson_feed(lines, "x", 1);
        if (llm_ndjson_next(lines, &line) != APR_EAGAIN) {
            ck_abort();
        }
    }
    llm_ndjson_feed(lines, "\n", 1);
    ck_assert_int_eq(llm_ndjson_next(lines, &line), APR_SUCCESS);
    ck_assert_uint_eq(line.len, 4000000);
}
END_TEST

Suite *ndjson_suite(void)
{
    Suite *suite = suite_create("ndjson");
    TCase *tcase = tcase_create("lines");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, reads_lines);
    tcase_add_test(tcase, passes_over_blank_lines);
    tcase_add_test(tcase, limits_lines);
    tcase_add_test(tcase, cuts_do_not_matter);
    tcase_add_test(tcase, large_lines_take_linear_time);
    suite_add_tcase(suite, tcase);
    return suite;
}
