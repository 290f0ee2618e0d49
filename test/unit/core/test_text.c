/* SPDX-License-Identifier: Apache-2.0 */
/* Escaped text: comparing, decoding, escaping. */
#include "test/unit/unit.h"

#include <string.h>

#include "core/llm_json.h"
#include "test/unit/core/random.h"

static llm_text_t text_of(const char *escaped)
{
    return (llm_text_t){escaped, strlen(escaped)};
}

/* Decodes to exactly these bytes, and equals them when there is no NUL. */
static void check_decodes(const char *escaped, const char *plain,
                          apr_size_t len)
{
    llm_bytes_t bytes = llm_text_decode(text_of(escaped), unit_pool);

    ck_assert_uint_eq(bytes.len, len);
    ck_assert_mem_eq(bytes.data, plain, len);
    ck_assert_int_eq(bytes.data[len], 0);
    ck_assert_int_eq(llm_text_equals(text_of(escaped), plain),
                     strlen(plain) == len);
}

#define CHECK_DECODES(escaped, plain)                                          \
    check_decodes((escaped), (plain), sizeof(plain) - 1)

START_TEST(decodes_escapes)
{
    CHECK_DECODES("", "");
    CHECK_DECODES("plain", "plain");
    CHECK_DECODES("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
    CHECK_DECODES("a\\u0041\\u00e9\\u4E2d", "aA\xC3\xA9\xE4\xB8\xAD");
    CHECK_DECODES("\\ud83c\\uDF89!", "\xF0\x9F\x8E\x89!");
    CHECK_DECODES("\\uDBFF\\uDFFF\\uD800\\uDC00",
                  "\xF4\x8F\xBF\xBF\xF0\x90\x80\x80");
    CHECK_DECODES("x\\u0000y", "x\0y");
    CHECK_DECODES("\\u0000", "\0");
    CHECK_DECODES("\xC3\xA9\\n", "\xC3\xA9\n");
}
END_TEST

START_TEST(lone_surrogates_become_replacements)
{
    CHECK_DECODES("\\ud83c", "\xEF\xBF\xBD");
    CHECK_DECODES("\\udf89", "\xEF\xBF\xBD");
    CHECK_DECODES("\\ud83cx", "\xEF\xBF\xBDx");
    CHECK_DECODES("\\ud83c\\n", "\xEF\xBF\xBD\n");
    CHECK_DECODES("\\ud83c\\ud83c\\udf89", "\xEF\xBF\xBD\xF0\x9F\x8E\x89");
    CHECK_DECODES("\\udf89\\udf89", "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK_DECODES("\\udf89\\ud83c", "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK_DECODES("\\ud83c\\u0041", "\xEF\xBF\xBD\x41");
}
END_TEST

/* Such text fails the reader, but may come from where it did not look. */
START_TEST(malformed_escapes_stand_for_themselves)
{
    CHECK_DECODES("\\", "\\");
    CHECK_DECODES("a\\x", "a\\x");
    CHECK_DECODES("\\u12", "\\u12");
    CHECK_DECODES("\\u12G4", "\\u12G4");
    CHECK_DECODES("\\ud83c\\u12", "\xEF\xBF\xBD\\u12");
}
END_TEST

START_TEST(compares_after_unescaping)
{
    ck_assert_int_eq(llm_text_equals(text_of("mod\\u0065l"), "model"), 1);
    ck_assert_int_eq(llm_text_equals(text_of("mod\\u0065l"), "modem"), 0);
    ck_assert_int_eq(llm_text_equals(text_of("mod\\u0065l"), "mode"), 0);
    ck_assert_int_eq(llm_text_equals(text_of("mod\\u0065l"), "models"), 0);
    ck_assert_int_eq(llm_text_equals(text_of("model"), "model"), 1);
    ck_assert_int_eq(llm_text_equals(text_of("model"), "models"), 0);
    ck_assert_int_eq(llm_text_equals(text_of("models"), "model"), 0);
    ck_assert_int_eq(llm_text_equals(text_of(""), ""), 1);
    ck_assert_int_eq(llm_text_equals(LLM_TEXT_NONE, ""), 0);
    ck_assert_int_eq(llm_text_equals(text_of("a\\\\n"), "a\\n"), 1);
    ck_assert_int_eq(llm_text_equals(text_of("a\\n"), "a\\n"), 0);
    ck_assert_int_eq(llm_text_equals(text_of("a\\u0000b"), "a"), 0);
}
END_TEST

START_TEST(none_stays_none)
{
    ck_assert_ptr_null(llm_text_decode(LLM_TEXT_NONE, unit_pool).data);
    ck_assert_ptr_null(llm_text_string(LLM_TEXT_NONE, unit_pool));
    ck_assert_ptr_null(llm_text_escape(NULL, 0, unit_pool).data);
    ck_assert_ptr_nonnull(llm_text_escape("", 0, unit_pool).data);
}
END_TEST

/* Escaping and decoding are inverse for whatever bytes are valid UTF-8. */
START_TEST(escaping_is_undone_by_decoding)
{
    test_random_t dice = test_random_make("text");
    static const char *const pieces[] = {
        "a",
        "\"",
        "\\",
        "\n",
        "\x01",
        "\xC3\xA9",
        "\xE4\xB8\xAD",
        "\xF0\x9F\x8E\x89",
        "plain text that is a little longer",
        "\\u0041",
        "/",
        "\x7f",
        "{}",
        "\t",
    };
    int round;

    for (round = 0; round < 2000; ++round) {
        char plain[600];
        apr_size_t len = 0, count = test_random_below(&dice, 16);
        llm_text_t text;
        llm_bytes_t bytes;

        while (count--) {
            const char *piece = pieces[test_random_below(
                &dice, sizeof(pieces) / sizeof(pieces[0]))];

            memcpy(plain + len, piece, strlen(piece));
            len += strlen(piece);
        }
        plain[len] = '\0';
        text = llm_text_escape(plain, len, unit_pool);
        bytes = llm_text_decode(text, unit_pool);
        ck_assert_uint_eq(bytes.len, len);
        ck_assert_mem_eq(bytes.data, plain, len);
        ck_assert_int_eq(llm_text_equals(text, plain), 1);
        apr_pool_clear(unit_pool);
    }
}
END_TEST

START_TEST(escaping_mends_utf8)
{
    llm_text_t text = llm_text_escape("a\xFF\n", 3, unit_pool);

    ck_assert_uint_eq(text.len, 6);
    ck_assert_mem_eq(text.data, "a\xEF\xBF\xBD\\n", 6);
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("escapes");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, decodes_escapes);
    tcase_add_test(tcase, lone_surrogates_become_replacements);
    tcase_add_test(tcase, malformed_escapes_stand_for_themselves);
    tcase_add_test(tcase, compares_after_unescaping);
    tcase_add_test(tcase, none_stays_none);
    tcase_add_test(tcase, escaping_is_undone_by_decoding);
    tcase_add_test(tcase, escaping_mends_utf8);
    suite_add_tcase(suite, tcase);
    return suite;
}
