/* SPDX-License-Identifier: Apache-2.0 */
/* Growable bytes: growing, dropping, ceilings, JSON output. */
#include "test/unit/unit.h"

#include <apr_strings.h>
#include <string.h>

#include "core/llm_buf.h"
#include "test/unit/core/random.h"

static void check_holds(const llm_buf_t *buf, const char *expected)
{
    ck_assert_uint_eq(buf->len, strlen(expected));
    if (buf->len) { /* without a byte there may be no memory either */
        ck_assert_mem_eq(buf->data, expected, buf->len);
    }
}

START_TEST(appends)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    ck_assert_ptr_null(buf->data);
    llm_buf_append(buf, NULL, 0);
    ck_assert_ptr_null(buf->data);
    llm_buf_puts(buf, "one");
    llm_buf_putc(buf, ' ');
    llm_buf_lit(buf, "two ");
    llm_buf_printf(buf, "%d/%s", 3, "4");
    check_holds(buf, "one two 3/4");
    ck_assert_int_eq(buf->overflow, 0);
}
END_TEST

START_TEST(prints_integers)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    llm_buf_put_int(buf, 0);
    llm_buf_putc(buf, ' ');
    llm_buf_put_int(buf, -1);
    llm_buf_putc(buf, ' ');
    llm_buf_put_int(buf, APR_INT64_MAX);
    llm_buf_putc(buf, ' ');
    llm_buf_put_int(buf, APR_INT64_MIN);
    check_holds(buf, "0 -1 9223372036854775807 -9223372036854775808");
}
END_TEST

/* Around the size of printf's own small buffer, and around a full buffer. */
START_TEST(prints_long_text)
{
    static char text[3000];
    apr_size_t len;

    for (len = 500; len < sizeof(text) - 1; len += 7) {
        llm_buf_t *buf = llm_buf_make(0, unit_pool);

        memset(text, 'x', len);
        text[len] = '\0';
        llm_buf_puts(buf, "ab");
        llm_buf_drop(buf, 1);
        llm_buf_printf(buf, "%s", text);
        ck_assert_uint_eq(buf->len, len + 1);
        ck_assert_mem_eq(buf->data + 1, text, len);
        ck_assert_int_eq(buf->overflow, 0);
    }
}
END_TEST

START_TEST(keeps_what_fits)
{
    llm_buf_t *buf = llm_buf_make(5, unit_pool);

    llm_buf_puts(buf, "1234");
    llm_buf_puts(buf, "56");
    ck_assert_int_eq(buf->overflow, 1);
    check_holds(buf, "1234");
    llm_buf_putc(buf, '5'); /* would fit, but the text would have a hole */
    check_holds(buf, "1234");
    llm_buf_clear(buf);
    ck_assert_int_eq(buf->overflow, 0);
    llm_buf_puts(buf, "12345");
    check_holds(buf, "12345");
    ck_assert_int_eq(buf->overflow, 0);
}
END_TEST

START_TEST(printing_keeps_the_ceiling)
{
    llm_buf_t *buf = llm_buf_make(600, unit_pool);
    static char text[601];

    memset(text, 'x', 600);
    llm_buf_printf(buf, "%s", text);
    ck_assert_uint_eq(buf->len, 600);
    ck_assert_int_eq(buf->overflow, 0);
    llm_buf_printf(buf, "%d", 1);
    ck_assert_int_eq(buf->overflow, 1);
    ck_assert_uint_eq(buf->len, 600);
}
END_TEST

START_TEST(drops_from_the_front)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    llm_buf_puts(buf, "hello world");
    llm_buf_drop(buf, 6);
    check_holds(buf, "world");
    llm_buf_puts(buf, "!");
    check_holds(buf, "world!");
    llm_buf_drop(buf, 100);
    ck_assert_uint_eq(buf->len, 0);
    ck_assert_uint_eq(buf->dropped, 0);
    llm_buf_puts(buf, "again");
    check_holds(buf, "again");
}
END_TEST

/* Against a model: a long tape of which a window is in the buffer. */
START_TEST(random_steps_lose_nothing)
{
    test_random_t dice = test_random_make("buf");
    llm_buf_t *buf = llm_buf_make(0, unit_pool);
    static char tape[1 << 18];
    apr_size_t begin = 0, end = 0, i;

    for (i = 0; i < sizeof(tape); ++i) {
        tape[i] = (char)test_random(&dice);
    }
    while (end < sizeof(tape)) {
        apr_size_t len = 1 + test_random_below(&dice, 3000);

        if (len > sizeof(tape) - end) {
            len = sizeof(tape) - end;
        }
        llm_buf_append(buf, tape + end, len);
        end += len;
        len = test_random_below(&dice, end - begin + 1);
        llm_buf_drop(buf, len);
        begin += len;
        if (!test_random_below(&dice, 8)) {
            llm_buf_trim(buf);
        }
        ck_assert_uint_eq(buf->len, end - begin);
        ck_assert_mem_eq(buf->data, tape + begin, buf->len);
    }
}
END_TEST

START_TEST(trim_gives_memory_back)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);
    static char text[100000];

    llm_buf_append(buf, text, sizeof(text));
    llm_buf_trim(buf);
    ck_assert_uint_ge(buf->size, sizeof(text)); /* it is in use */
    llm_buf_drop(buf, sizeof(text) - 10);
    llm_buf_trim(buf);
    ck_assert_uint_le(buf->size, 16384);
    ck_assert_uint_eq(buf->len, 10);
}
END_TEST

/* A buffer that is fed and emptied all the time stays as large as what it
 * holds at most. */
START_TEST(stays_small_in_use)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);
    char text[1000] = {0};
    int i;

    for (i = 0; i < 100000; ++i) {
        llm_buf_append(buf, text, sizeof(text));
        llm_buf_drop(buf, i ? sizeof(text) : sizeof(text) - 1);
    }
    ck_assert_uint_eq(buf->len, 1);
    ck_assert_uint_le(buf->size, 16384);
}
END_TEST

START_TEST(escapes_text)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    llm_buf_put_string(buf, "a\"b\\c/\b\f\n\r\t\v\x01\x1f\x7f");
    check_holds(buf,
                "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u000b\\u0001\\u001f\x7f\"");
    llm_buf_clear(buf);
    llm_buf_put_escaped(buf, "a\0b", 3);
    check_holds(buf, "\"a\\u0000b\"");
    llm_buf_clear(buf);
    llm_buf_put_string(buf, NULL);
    check_holds(buf, "null");
    llm_buf_clear(buf);
    llm_buf_put_string(buf, "");
    check_holds(buf, "\"\"");
}
END_TEST

START_TEST(escaping_mends_utf8)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    llm_buf_put_string(buf, "h\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x8E\x89.");
    check_holds(buf, "\"h\xC3\xA9 \xE4\xB8\xAD \xF0\x9F\x8E\x89.\"");
    llm_buf_clear(buf);
    llm_buf_put_string(buf, "\xC3\xA9\xC3(\xFF\xED\xA0\x80\xC3");
    check_holds(buf, "\"\xC3\xA9\xEF\xBF\xBD(\xEF\xBF\xBD"
                     "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}
END_TEST

START_TEST(quotes_json_once_more)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    llm_buf_put_quoted(buf, LLM_BYTES_LITERAL("{\"a\": \"x\\n\\\"\",\n\t1}"));
    check_holds(buf, "\"{\\\"a\\\": \\\"x\\\\n\\\\\\\"\\\",\\n\\t1}\"");
    llm_buf_clear(buf);
    llm_buf_put_quoted(buf, LLM_BYTES_LITERAL(""));
    check_holds(buf, "\"\"");
}
END_TEST

START_TEST(puts_text_as_it_is)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    llm_buf_put_text(buf, LLM_TEXT_LITERAL("a\\u0000\\n"));
    llm_buf_put_text(buf, LLM_TEXT_LITERAL(""));
    llm_buf_put_text(buf, LLM_TEXT_NONE);
    check_holds(buf, "\"a\\u0000\\n\"\"\"null");
}
END_TEST

/* The pieces of a buffer put together. */
static void check_pieces(const llm_buf_t *buf, int count, const char *expected)
{
    llm_buf_t *whole = llm_buf_make(0, unit_pool);
    llm_bytes_t *piece;

    ck_assert_int_eq(llm_buf_pieces(&piece, buf, unit_pool), count);
    for (int i = 0; i < count; ++i) {
        llm_buf_append(whole, piece[i].data, piece[i].len);
    }
    check_holds(whole, expected);
}

START_TEST(borrows_long_text)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);
    char *long_text = apr_palloc(unit_pool, LLM_BUF_LONG + 1);
    llm_text_t text = {long_text, LLM_BUF_LONG};

    memset(long_text, 'x', LLM_BUF_LONG);
    long_text[LLM_BUF_LONG] = '\0';
    llm_buf_borrow(buf, unit_pool);
    check_pieces(buf, 1, "");
    llm_buf_put_text(buf, text);
    ck_assert_uint_eq(buf->len, 2);
    check_pieces(buf, 3, apr_psprintf(unit_pool, "\"%s\"", long_text));
    llm_buf_lit(buf, ",");
    --text.len; /* one too short to be borrowed */
    llm_buf_put_text(buf, text);
    check_pieces(
        buf, 3,
        apr_psprintf(unit_pool, "\"%s\",\"%s\"", long_text, long_text + 1));
    llm_buf_clear(buf);
    check_pieces(buf, 1, "");
}
END_TEST

START_TEST(cuts_what_was_borrowed)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);
    char *long_text = apr_pstrdup(
        unit_pool, apr_psprintf(unit_pool, "%*s", LLM_BUF_LONG, "a"));
    llm_text_t text = {long_text, LLM_BUF_LONG};
    apr_size_t mark;

    llm_buf_borrow(buf, unit_pool);
    llm_buf_put_text(buf, text);
    mark = buf->len;
    llm_buf_put_text(buf, text);
    llm_buf_lit(buf, "more");
    llm_buf_cut(buf, mark);
    llm_buf_lit(buf, "!");
    check_pieces(buf, 3, apr_psprintf(unit_pool, "\"%s\"!", long_text));
    llm_buf_cut(buf, 0);
    check_pieces(buf, 1, "");
}
END_TEST

START_TEST(expects_up_to_the_ceiling)
{
    llm_buf_t *buf = llm_buf_make(100, unit_pool);

    llm_buf_expect(buf, 101);
    ck_assert_ptr_null(buf->data);
    llm_buf_lit(buf, "abc");
    llm_buf_expect(buf, 1);
    check_holds(buf, "abc");
    buf = llm_buf_make(0, unit_pool);
    llm_buf_expect(buf, 1000);
    ck_assert_uint_eq(buf->size, 1000);
    check_holds(buf, "");
}
END_TEST

Suite *buf_suite(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("bytes");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, appends);
    tcase_add_test(tcase, prints_integers);
    tcase_add_test(tcase, prints_long_text);
    tcase_add_test(tcase, keeps_what_fits);
    tcase_add_test(tcase, printing_keeps_the_ceiling);
    tcase_add_test(tcase, drops_from_the_front);
    tcase_add_test(tcase, random_steps_lose_nothing);
    tcase_add_test(tcase, trim_gives_memory_back);
    tcase_add_test(tcase, stays_small_in_use);
    tcase_add_test(tcase, expects_up_to_the_ceiling);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("json");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, escapes_text);
    tcase_add_test(tcase, escaping_mends_utf8);
    tcase_add_test(tcase, quotes_json_once_more);
    tcase_add_test(tcase, puts_text_as_it_is);
    tcase_add_test(tcase, borrows_long_text);
    tcase_add_test(tcase, cuts_what_was_borrowed);
    suite_add_tcase(suite, tcase);
    return suite;
}
