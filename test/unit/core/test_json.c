/* SPDX-License-Identifier: Apache-2.0 */
/* JSON trees: what is accepted, what is refused and why, what is found. */
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "core/llm_json.h"

static apr_status_t release(void *copy)
{
    free(copy);
    return APR_SUCCESS;
}

/* The text is copied so that it ends at the end of its memory: valgrind and
 * the sanitizers then see a byte read too far. */
static apr_status_t read_exactly(const llm_json_t **pdoc, const char *text,
                                 apr_size_t len, llm_json_error_t *error)
{
    char *copy = malloc(len ? len : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    apr_pool_cleanup_register(unit_pool, copy, release, apr_pool_cleanup_null);
    return llm_json_read(pdoc, copy, len, error, unit_pool);
}

static const llm_json_t *read_doc(const char *text)
{
    const llm_json_t *doc = NULL;
    llm_json_error_t error = {0, NULL};
    apr_status_t status = read_exactly(&doc, text, strlen(text), &error);

    ck_assert_msg(status == APR_SUCCESS, "%s: %s at %" APR_SIZE_T_FMT, text,
                  error.what, error.offset);
    return doc;
}

static void check_refused(const char *text, apr_size_t len, const char *what,
                          apr_size_t offset)
{
    const llm_json_t *doc = NULL;
    llm_json_error_t error = {0, NULL};

    ck_assert_msg(read_exactly(&doc, text, len, &error) == APR_EGENERAL,
                  "accepted: %s", text);
    ck_assert_ptr_null(doc);
    ck_assert_str_eq(error.what, what);
    ck_assert_uint_eq(error.offset, offset);
}

#define REFUSED(text, what, offset)                                            \
    check_refused((text), sizeof(text) - 1, (what), (offset))

static void check_raw(const llm_json_t *node, const char *raw)
{
    ck_assert_ptr_nonnull(node);
    ck_assert_uint_eq(node->raw.len, strlen(raw));
    ck_assert_mem_eq(node->raw.data, raw, node->raw.len);
}

START_TEST(reads_every_kind)
{
    const llm_json_t *doc = read_doc(
        " { \"a\" : [ 1 , -2.5e+3 ] ,\t\"b\":{},\n\"c\":[],\r\"d\":null,"
        "\"e\":true,\"f\":false,\"g\":\"x\\\"y\" } ");

    ck_assert_int_eq(doc->type, LLM_JSON_OBJECT);
    ck_assert_uint_eq(doc->count, 7);
    check_raw(llm_json_get(doc, "a"), "[ 1 , -2.5e+3 ]");
    check_raw(llm_json_at(llm_json_get(doc, "a"), 0), "1");
    check_raw(llm_json_at(llm_json_get(doc, "a"), 1), "-2.5e+3");
    ck_assert_ptr_null(llm_json_at(llm_json_get(doc, "a"), 2));
    check_raw(llm_json_get(doc, "b"), "{}");
    ck_assert_uint_eq(llm_json_get(doc, "b")->count, 0);
    check_raw(llm_json_get(doc, "c"), "[]");
    ck_assert_int_eq(llm_json_is(llm_json_get(doc, "d"), LLM_JSON_NULL), 1);
    ck_assert_int_eq(llm_json_is_true(llm_json_get(doc, "e")), 1);
    ck_assert_int_eq(llm_json_is(llm_json_get(doc, "f"), LLM_JSON_FALSE), 1);
    check_raw(llm_json_get(doc, "g"), "\"x\\\"y\"");
}
END_TEST

START_TEST(reads_bare_values)
{
    check_raw(read_doc("0"), "0");
    check_raw(read_doc(" -0.0 "), "-0.0");
    check_raw(read_doc("1E400"), "1E400");
    check_raw(read_doc("null"), "null");
    check_raw(read_doc("\"\""), "\"\"");
    check_raw(read_doc("[[[]]]"), "[[[]]]");
    check_raw(read_doc("\"\\u0000\\ud800\x7f\""), "\"\\u0000\\ud800\x7f\"");
}
END_TEST

START_TEST(refuses_what_is_no_document)
{
    REFUSED("", "expected a value", 0);
    REFUSED("  ", "expected a value", 2);
    REFUSED("\xEF\xBB\xBF{}", "byte order mark", 0);
    REFUSED("{} {}", "unexpected bytes after the document", 3);
    REFUSED("1 2", "unexpected bytes after the document", 2);
    REFUSED("{}\0", "unexpected bytes after the document", 2);
    REFUSED("tru", "expected a value", 0);
    REFUSED("True", "expected a value", 0);
    REFUSED("nul", "expected a value", 0);
    REFUSED("truex", "unexpected bytes after the document", 4);
    REFUSED("'a'", "expected a value", 0);
    REFUSED("NaN", "expected a value", 0);
    REFUSED("\v1", "expected a value", 0);
    REFUSED("// x\n1", "expected a value", 0);
}
END_TEST

START_TEST(refuses_bad_containers)
{
    REFUSED("[", "expected a value", 1);
    REFUSED("[1", "expected ',' or ']'", 2);
    REFUSED("[1,", "expected a value", 3);
    REFUSED("[1,]", "expected a value", 3);
    REFUSED("[,1]", "expected a value", 1);
    REFUSED("[1 2]", "expected ',' or ']'", 3);
    REFUSED("[1}", "expected ',' or ']'", 2);
    REFUSED("]", "expected a value", 0);
    REFUSED("{", "expected a name", 1);
    REFUSED("{1:2}", "expected a name", 1);
    REFUSED("{\"a\"}", "expected ':'", 4);
    REFUSED("{\"a\":}", "expected a value", 5);
    REFUSED("{\"a\":1", "expected ',' or '}'", 6);
    REFUSED("{\"a\":1,}", "expected a name", 7);
    REFUSED("{\"a\":1 \"b\":2}", "expected ',' or '}'", 7);
    REFUSED("{\"a\":1]", "expected ',' or '}'", 6);
    REFUSED("{\"a\":1,,\"b\":2}", "expected a name", 7);
}
END_TEST

START_TEST(refuses_bad_strings)
{
    REFUSED("\"", "string is not ended", 0);
    REFUSED("[\"abc", "string is not ended", 1);
    REFUSED("\"a\\", "invalid escape", 2);
    REFUSED("\"a\\x\"", "invalid escape", 2);
    REFUSED("\"\\u12\"", "invalid escape", 1);
    REFUSED("\"\\u12g4\"", "invalid escape", 1);
    REFUSED("\"\\U0041\"", "invalid escape", 1);
    REFUSED("\"a\nb\"", "control character in a string", 2);
    REFUSED("\"a\0b\"", "control character in a string", 2);
    REFUSED("\"\x1f\"", "control character in a string", 1);
    REFUSED("{\"a\tb\":1}", "control character in a string", 3);
}
END_TEST

/* The first and last of each length, and what is just beyond. */
START_TEST(requires_utf8)
{
    read_doc("\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80"
             "\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"");
    REFUSED("\"\x80\"", "invalid UTF-8", 1);
    REFUSED("\"\xC1\xBF\"", "invalid UTF-8", 1);
    REFUSED("\"\xE0\x9F\xBF\"", "invalid UTF-8", 1);
    REFUSED("\"\xED\xA0\x80\"", "invalid UTF-8", 1);
    REFUSED("\"\xF0\x8F\xBF\xBF\"", "invalid UTF-8", 1);
    REFUSED("\"\xF4\x90\x80\x80\"", "invalid UTF-8", 1);
    REFUSED("\"\xF5\x80\x80\x80\"", "invalid UTF-8", 1);
    REFUSED("\"\xFF\"", "invalid UTF-8", 1);
    REFUSED("\"\xC3\"", "invalid UTF-8", 1);
    REFUSED("\"\xE4\xB8\"", "invalid UTF-8", 1);
    REFUSED("\"\xF0\x9F\x8E\"", "invalid UTF-8", 1);
    REFUSED("\"a\xC3\xA9\xC3\xA9\xC3(\"", "invalid UTF-8", 6);
    REFUSED("\"\xC3", "invalid UTF-8", 1);
    REFUSED("{\"\xFF\":1}", "invalid UTF-8", 2);
}
END_TEST

/* Whatever follows or precedes it: reading goes in steps of 16 and 32. */
START_TEST(sees_bad_bytes_at_any_place)
{
    static const char *const bad[] = {"\xFF", "\x01", "\\q", "\xC3("};
    apr_size_t i, before, after;

    for (i = 0; i < 4; ++i) {
        for (before = 0; before < 70; ++before) {
            for (after = 0; after < 70; after += 3) {
                char *text =
                    apr_psprintf(unit_pool, "\"%*s%s%*s\"", (int)before, "",
                                 bad[i], (int)after, "");
                const llm_json_t *doc;
                llm_json_error_t error;

                ck_assert_int_eq(read_exactly(&doc, text, strlen(text), &error),
                                 APR_EGENERAL);
                ck_assert_uint_eq(error.offset, before + 1);
            }
        }
        apr_pool_clear(unit_pool);
    }
}
END_TEST

START_TEST(reads_escapes_at_any_place)
{
    apr_size_t before, after;

    for (before = 0; before < 70; ++before) {
        for (after = 0; after < 70; after += 3) {
            char *text =
                apr_psprintf(unit_pool, "\"%*s\\\\\\\"\\u00e9\xC3\xA9%*s\"",
                             (int)before, "", (int)after, "");

            check_raw(read_doc(text), text);
        }
        apr_pool_clear(unit_pool);
    }
}
END_TEST

START_TEST(refuses_bad_numbers)
{
    REFUSED("-", "invalid number", 0);
    REFUSED("01", "number with a leading zero", 0);
    REFUSED("-01", "number with a leading zero", 0);
    REFUSED("1.", "invalid number", 0);
    REFUSED("1.e1", "invalid number", 0);
    REFUSED(".5", "expected a value", 0);
    REFUSED("+1", "expected a value", 0);
    REFUSED("1e", "invalid number", 0);
    REFUSED("1e+", "invalid number", 0);
    REFUSED("[1.5.5]", "expected ',' or ']'", 4);
    REFUSED("0x10", "unexpected bytes after the document", 1);
    REFUSED("-Infinity", "invalid number", 0);
}
END_TEST

static char *nested(unsigned depth)
{
    char *text = apr_palloc(unit_pool, 2 * depth + 1);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return text;
}

START_TEST(bounds_depth)
{
    char *text = nested(LLM_JSON_DEPTH + 1);

    read_doc(nested(LLM_JSON_DEPTH));
    check_refused(text, strlen(text), "nested too deeply", LLM_JSON_DEPTH);
}
END_TEST

/* An array of so many ones. The array is a value too. */
static apr_status_t read_ones(apr_size_t count, llm_json_error_t *error)
{
    apr_size_t len = 2 * count + 1, i;
    char *text = malloc(len);
    const llm_json_t *doc;
    apr_status_t status;

    ck_assert_ptr_nonnull(text);
    for (i = 0; i < len; i += 2) {
        text[i] = ',';
        text[i + 1 < len ? i + 1 : i] = '1';
    }
    text[0] = '[';
    text[len - 1] = ']';
    status = llm_json_read(&doc, text, len, error, unit_pool);
    apr_pool_clear(unit_pool);
    free(text);
    return status;
}

START_TEST(bounds_the_number_of_values)
{
    llm_json_error_t error;

    ck_assert_int_eq(read_ones(LLM_JSON_NODES - 1, NULL), APR_SUCCESS);
    ck_assert_int_eq(read_ones(LLM_JSON_NODES, &error), APR_EGENERAL);
    ck_assert_str_eq(error.what, "too many values");
}
END_TEST

START_TEST(finds_members)
{
    const llm_json_t *doc = read_doc(
        "{\"a\":1,\"mod\\u0065l\":\"first\",\"A\":2,\"model\":\"last\","
        "\"n\":null,\"x\":{\"y\":{\"z\":[10]}},\"\":0}");

    ck_assert_int_eq(llm_json_equals(llm_json_get(doc, "model"), "last"), 1);
    check_raw(llm_json_get(doc, "A"), "2");
    check_raw(llm_json_get(doc, ""), "0");
    ck_assert_ptr_null(llm_json_get(doc, "b"));
    ck_assert_ptr_null(llm_json_get(NULL, "a"));
    ck_assert_ptr_null(llm_json_get(llm_json_get(doc, "a"), "a"));
    ck_assert_ptr_nonnull(llm_json_get(doc, "n"));
    ck_assert_ptr_null(llm_json_want(doc, "n"));
    ck_assert_ptr_nonnull(llm_json_want(doc, "a"));
    check_raw(llm_json_path(doc, "x", "y", "z", NULL), "[10]");
    ck_assert_ptr_null(llm_json_path(doc, "x", "q", "z", NULL));
    ck_assert_ptr_eq(llm_json_path(doc, NULL), doc);
    ck_assert_ptr_null(llm_json_at(doc, 0));
    ck_assert_ptr_null(llm_json_at(NULL, 0));
    ck_assert_int_eq(llm_json_is(NULL, LLM_JSON_NULL), 0);
    ck_assert_int_eq(llm_json_is_true(NULL), 0);
    ck_assert_int_eq(llm_json_equals(NULL, ""), 0);
}
END_TEST

START_TEST(gives_strings)
{
    const llm_json_t *doc = read_doc("[\"a\\nb\\u0000c\",1,\"\"]");

    ck_assert_str_eq(llm_json_string(llm_json_at(doc, 0), unit_pool), "a\nb");
    ck_assert_ptr_null(llm_json_string(llm_json_at(doc, 1), unit_pool));
    ck_assert_ptr_null(llm_json_string(NULL, unit_pool));
    ck_assert_str_eq(llm_json_string(llm_json_at(doc, 2), unit_pool), "");
    ck_assert_ptr_null(llm_json_text(llm_json_at(doc, 1)).data);
    ck_assert_ptr_nonnull(llm_json_text(llm_json_at(doc, 2)).data);
    ck_assert_uint_eq(llm_json_text(llm_json_at(doc, 2)).len, 0);
}
END_TEST

START_TEST(puts_what_was_written)
{
    llm_buf_t *buf = llm_buf_make(0, unit_pool);

    llm_json_put(
        buf, llm_json_get(read_doc("{\"a\": [ 1e400, \"\\u0000\" ] }"), "a"));
    ck_assert_uint_eq(buf->len, strlen("[ 1e400, \"\\u0000\" ]"));
    ck_assert_mem_eq(buf->data, "[ 1e400, \"\\u0000\" ]", buf->len);
}
END_TEST

static const struct {
    const char *text;
    int is_int;
    apr_int64_t value;
} integers[] = {
    {"0", 1, 0},
    {"-0", 1, 0},
    {"0.000", 1, 0},
    {"0e99999999999999999999", 1, 0},
    {"42", 1, 42},
    {"-42", 1, -42},
    {"1.0", 1, 1},
    {"1e3", 1, 1000},
    {"1.5e1", 1, 15},
    {"1000e-3", 1, 1},
    {"0.0001e4", 1, 1},
    {"12300e-2", 1, 123},
    {"1.5", 0, 0},
    {"1e-1", 0, 0},
    {"5e-99999999999999999999", 0, 0},
    {"9007199254740993", 1, 9007199254740993},
    {"9223372036854775807", 1, APR_INT64_MAX},
    {"9223372036854775807.000", 1, APR_INT64_MAX},
    {"922337203685477580.7e1", 1, APR_INT64_MAX},
    {"9223372036854775808", 0, 0},
    {"-9223372036854775808", 1, APR_INT64_MIN},
    {"-9223372036854775809", 0, 0},
    {"18446744073709551616", 0, 0},
    {"18446744073709551615", 0, 0},
    {"18446744073709551620", 0, 0},
    {"20000000000000000000", 0, 0},
    {"1e18", 1, 1000000000000000000},
    {"1e19", 0, 0},
    {"1e400", 0, 0},
    {"1e99999999999999999999", 0, 0},
    {"100000000000000000000000000e-20", 1, 1000000},
    {"10.5", 0, 0},
    {"\"1\"", 0, 0},
    {"true", 0, 0},
};

START_TEST(reads_integers_exactly)
{
    apr_int64_t value = 7777;
    const llm_json_t *doc = read_doc(integers[_i].text);

    ck_assert_msg(llm_json_int(doc, &value) == integers[_i].is_int, "%s",
                  integers[_i].text);
    ck_assert_int_eq(value, integers[_i].is_int ? integers[_i].value : 7777);
}
END_TEST

START_TEST(reads_doubles)
{
    double value = -1;
    char *zeros = apr_palloc(unit_pool, 302);

    ck_assert_int_eq(llm_json_double(read_doc("0.1"), &value), 1);
    ck_assert(value == 0.1);
    ck_assert_int_eq(llm_json_double(read_doc("-2.5e-3"), &value), 1);
    ck_assert(value == -2.5e-3);
    ck_assert_int_eq(llm_json_double(read_doc("1e-400"), &value), 1);
    ck_assert(value == 0);
    value = 5;
    ck_assert_int_eq(llm_json_double(read_doc("1e400"), &value), 0);
    ck_assert_int_eq(llm_json_double(read_doc("\"1\""), &value), 0);
    ck_assert_int_eq(llm_json_double(NULL, &value), 0);
    ck_assert(value == 5);
    memset(zeros, '0', 301);
    zeros[0] = '1';
    zeros[301] = '\0';
    ck_assert_int_eq(llm_json_double(read_doc(zeros), &value), 1);
    ck_assert(value == 1e300);
}
END_TEST

static void add_tests_of_refusal(TCase *tcase)
{
    tcase_add_test(tcase, refuses_what_is_no_document);
    tcase_add_test(tcase, refuses_bad_containers);
    tcase_add_test(tcase, refuses_bad_strings);
    tcase_add_test(tcase, requires_utf8);
    tcase_add_test(tcase, sees_bad_bytes_at_any_place);
    tcase_add_test(tcase, refuses_bad_numbers);
    tcase_add_test(tcase, bounds_depth);
    tcase_add_test(tcase, bounds_the_number_of_values);
}

Suite *json_suite(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("read");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, reads_every_kind);
    tcase_add_test(tcase, reads_bare_values);
    tcase_add_test(tcase, reads_escapes_at_any_place);
    add_tests_of_refusal(tcase);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("look");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, finds_members);
    tcase_add_test(tcase, gives_strings);
    tcase_add_test(tcase, puts_what_was_written);
    tcase_add_loop_test(tcase, reads_integers_exactly, 0,
                        (int)(sizeof(integers) / sizeof(integers[0])));
    tcase_add_test(tcase, reads_doubles);
    suite_add_tcase(suite, tcase);
    return suite;
}
