/* SPDX-License-Identifier: Apache-2.0 */
/* Top-level members without a tree: agrees with the tree, and skips right. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_json.h"
#include "test/unit/core/random.h"

/* Members as "name=value;name=value;" */
static void note_member(void *baton, const llm_member_t *member)
{
    llm_buf_t *notes = baton;

    llm_buf_append(notes, member->name.data, member->name.len);
    llm_buf_putc(notes, '=');
    llm_buf_append(notes, member->value.data, member->value.len);
    llm_buf_putc(notes, ';');
}

static void check_scan(const char *text, const char *expected)
{
    llm_buf_t *notes = llm_buf_make(0, unit_pool);
    llm_json_error_t error = {0, "none"};
    apr_status_t status =
        llm_json_scan(text, strlen(text), note_member, notes, &error);

    ck_assert_msg(status == APR_SUCCESS, "%s: %s at %" APR_SIZE_T_FMT, text,
                  error.what, error.offset);
    llm_buf_putc(notes, '\0');
    ck_assert_str_eq(notes->data, expected);
}

static void check_refused(const char *text, const char *what, apr_size_t offset)
{
    llm_buf_t *notes = llm_buf_make(0, unit_pool);
    llm_json_error_t error = {0, NULL};

    ck_assert_msg(llm_json_scan(text, strlen(text), note_member, notes, &error)
                      == APR_EGENERAL,
                  "accepted: %s", text);
    ck_assert_str_eq(error.what, what);
    ck_assert_uint_eq(error.offset, offset);
}

START_TEST(gives_members)
{
    check_scan("{}", "");
    check_scan(" { } \n", "");
    check_scan("{\"a\":1}", "a=1;");
    check_scan(" {\n \"model\" : \"gpt\\\"4\" , \"stream\":true,\"n\":null }",
               "model=\"gpt\\\"4\";stream=true;n=null;");
    check_scan("{\"a\":[1,{\"b\":\"]}\"}],\"c\":{\"d\":[]}}",
               "a=[1,{\"b\":\"]}\"}];c={\"d\":[]};");
}
END_TEST

START_TEST(gives_duplicates)
{
    check_scan("{\"a\":1,\"a\":2,\"\\u0061\":[3]}", "a=1;a=2;\\u0061=[3];");
}
END_TEST

START_TEST(brackets_in_strings_count_for_nothing)
{
    check_scan("{\"a\":[\"[\",\"{\\\"[\",\"\\\\\",\"]\\\\\"],\"b\":1}",
               "a=[\"[\",\"{\\\"[\",\"\\\\\",\"]\\\\\"];b=1;");
    check_scan("{\"a\":{\"\\\\\\\\\\\"}\":\"\\\\\"},\"b\":1}",
               "a={\"\\\\\\\\\\\"}\":\"\\\\\"};b=1;");
}
END_TEST

static void check_offsets(void *baton, const llm_member_t *member)
{
    const char *text = baton;

    ck_assert_int_eq(text[member->begin], '"');
    ck_assert_ptr_eq(text + member->begin + 1, member->name.data);
    ck_assert_ptr_eq(text + member->end,
                     member->value.data + member->value.len);
}

START_TEST(offsets_span_the_member)
{
    char text[] = "{ \"a\" : [ 1 ] , \"b\":2 ,\"c\":\"x\"}";

    ck_assert_int_eq(
        llm_json_scan(text, strlen(text), check_offsets, text, NULL),
        APR_SUCCESS);
}
END_TEST

START_TEST(refuses_bad_outer_objects)
{
    check_refused("", "expected an object", 0);
    check_refused("[]", "expected an object", 0);
    check_refused("\"a\"", "expected an object", 0);
    check_refused("\xEF\xBB\xBF{}", "expected an object", 0);
    check_refused("{", "expected a name", 1);
    check_refused("{\"a\"", "expected ':'", 4);
    check_refused("{\"a\":", "expected a value", 5);
    check_refused("{\"a\":1", "expected ',' or '}'", 6);
    check_refused("{\"a\":1,}", "expected a name", 7);
    check_refused("{\"a\":1}x", "unexpected bytes after the document", 7);
    check_refused("{\"a\":1}{}", "unexpected bytes after the document", 7);
    check_refused("{\"a\":01}", "number with a leading zero", 5);
    check_refused("{\"a\":\"\x01\"}", "control character in a string", 6);
    check_refused("{\"a\":\"\xFF\"}", "invalid UTF-8", 6);
    check_refused("{\"\\q\":1}", "invalid escape", 2);
    check_refused("{\"a\":\"x}", "string is not ended", 5);
}
END_TEST

START_TEST(refuses_bad_nesting)
{
    check_refused("{\"a\":[1", "bracket is not closed", 5);
    check_refused("{\"a\":[\"]", "bracket is not closed", 5);
    check_refused("{\"a\":[\"\\", "bracket is not closed", 5);
    check_refused("{\"a\":[}", "bracket does not match", 6);
    check_refused("{\"a\":{\"b\":[}]}", "bracket does not match", 11);
}
END_TEST

static char *nested(unsigned depth)
{
    char *text = apr_pcalloc(unit_pool, 2 * depth + 8);

    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', depth);
    memset(text + 5 + depth, ']', depth);
    text[5 + 2 * depth] = '}';
    return text;
}

START_TEST(bounds_depth_as_the_tree_does)
{
    char *text = nested(LLM_JSON_DEPTH - 1);
    const llm_json_t *doc;

    ck_assert_int_eq(llm_json_read(&doc, text, strlen(text), NULL, unit_pool),
                     APR_SUCCESS);
    check_scan(text, apr_psprintf(unit_pool, "a=%.*s;", 2 * 127, text + 5));
    text = nested(LLM_JSON_DEPTH);
    ck_assert_int_eq(llm_json_read(&doc, text, strlen(text), NULL, unit_pool),
                     APR_EGENERAL);
    check_refused(text, "nested too deeply", 5 + LLM_JSON_DEPTH - 1);
}
END_TEST

/* Every number of backslashes before a quote, at every place in a block. */
START_TEST(backslashes_at_any_place)
{
    apr_size_t before, slashes;

    for (before = 0; before < 150; ++before) {
        for (slashes = 0; slashes < 140; slashes += 1 + slashes / 9) {
            char *text = apr_pcalloc(unit_pool, before + slashes + 32);
            char *at = text, *expected;

            memcpy(at, "{\"a\":[\"", 7);
            memset(at += 7, 'x', before);
            memset(at += before, '\\', slashes);
            /* an odd number escapes the first quote */
            text = apr_pstrcat(unit_pool, text, slashes % 2 ? "\"" : "", "\"]",
                               NULL);
            expected = apr_pstrcat(unit_pool, "a=", text + 5, ";", NULL);
            check_scan(apr_pstrcat(unit_pool, text, "}", NULL), expected);
        }
        apr_pool_clear(unit_pool);
    }
}
END_TEST

static void put_random_string(llm_buf_t *out, test_random_t *dice)
{
    static const char *const pieces[] = {
        "a", "\\\"", "\\\\", "[", "]", "{", "}", ",", ":", "\xC3\xA9", "\\n"};
    apr_size_t count = test_random_below(dice, 8);

    llm_buf_putc(out, '"');
    while (count--) {
        if (test_random_below(dice, 12)) {
            llm_buf_puts(out, pieces[test_random_below(
                                  dice, sizeof(pieces) / sizeof(pieces[0]))]);
        }
        else { /* long enough for the search for the next quote */
            llm_buf_printf(out, "%*s", (int)test_random_below(dice, 300), "");
        }
    }
    llm_buf_putc(out, '"');
}

static void put_random_value(llm_buf_t *out, test_random_t *dice, int depth)
{
    static const char *const scalars[] = {"0",    "-1.5e3", "true", "false",
                                          "null", "[]",     "{}",   "12"};
    apr_size_t count = test_random_below(dice, 5), kind;

    kind = depth ? test_random_below(dice, 6) : 2 + test_random_below(dice, 2);
    if (kind == 2) {
        put_random_string(out, dice);
        return;
    }
    if (kind > 2) {
        llm_buf_puts(out, scalars[test_random_below(dice, 8)]);
        return;
    }
    llm_buf_putc(out, kind ? '{' : '[');
    while (count--) {
        if (kind) {
            put_random_string(out, dice);
            llm_buf_puts(out, " :");
        }
        put_random_value(out, dice, depth - 1);
        llm_buf_puts(out, count ? ", " : "");
    }
    llm_buf_putc(out, kind ? '}' : ']');
}

/* The same members, in the same places, as the tree has. */
static void check_agreement(const llm_buf_t *text)
{
    llm_buf_t *notes = llm_buf_make(0, unit_pool);
    llm_buf_t *expected = llm_buf_make(0, unit_pool);
    const llm_json_t *doc, *child;

    ck_assert_int_eq(
        llm_json_read(&doc, text->data, text->len, NULL, unit_pool),
        APR_SUCCESS);
    for (child = doc->child; child; child = child->next) {
        llm_member_t member = {.name = child->name, .value = child->raw};

        note_member(expected, &member);
    }
    ck_assert_int_eq(
        llm_json_scan(text->data, text->len, note_member, notes, NULL),
        APR_SUCCESS);
    ck_assert_uint_eq(notes->len, expected->len);
    if (notes->len) {
        ck_assert_mem_eq(notes->data, expected->data, notes->len);
    }
}

START_TEST(agrees_with_the_tree)
{
    test_random_t dice = test_random_make("json_scan");
    int round;

    for (round = 0; round < 5000; ++round) {
        llm_buf_t *text = llm_buf_make(0, unit_pool);
        apr_size_t count = test_random_below(&dice, 5);

        llm_buf_putc(text, '{');
        while (count--) {
            put_random_string(text, &dice);
            llm_buf_putc(text, ':');
            put_random_value(text, &dice, 5);
            llm_buf_puts(text, count ? "," : "");
        }
        llm_buf_putc(text, '}');
        check_agreement(text);
        apr_pool_clear(unit_pool);
    }
}
END_TEST

Suite *json_scan_suite(void)
{
    Suite *suite = suite_create("json_scan");
    TCase *tcase = tcase_create("members");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, gives_members);
    tcase_add_test(tcase, gives_duplicates);
    tcase_add_test(tcase, brackets_in_strings_count_for_nothing);
    tcase_add_test(tcase, offsets_span_the_member);
    tcase_add_test(tcase, refuses_bad_outer_objects);
    tcase_add_test(tcase, refuses_bad_nesting);
    tcase_add_test(tcase, bounds_depth_as_the_tree_does);
    tcase_add_test(tcase, backslashes_at_any_place);
    tcase_add_test(tcase, agrees_with_the_tree);
    suite_add_tcase(suite, tcase);
    return suite;
}
