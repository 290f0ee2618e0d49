/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our JSON reader against cJSON, on documents that are random, or were valid
 * until a byte of theirs was changed.
 *
 * cJSON is the judge where it keeps RFC 8259: what it refuses we refuse, and
 * strings and numbers have the same values. It is laxer in known places (bad
 * UTF-8, control characters in strings, "01", "1.", "\uXYZ1", U+0000), so what
 * it accepts we may refuse, with a reason that says so; and stricter in one:
 * it takes a lone surrogate for an error.
 */
#include "test/unit/unit.h"

#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/llm_json.h"
#include "test/unit/core/random.h"

static const char *const words[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"b\"",
    "\"\"",
    "1",
    "-0",
    "12.5e-3",
    "1e400",
    "true",
    "false",
    "null",
    "\"\\n\"",
    "\"\\u00e9\"",
    " ",
    "\n",
    "\"\\\"\"",
    "\"\xC3\xA9\"",
    "01",
    "1.",
    "\"\\ud83c\\udf89\"",
    "9223372036854775807",
    ("\"long enough to be crossed "
     "in more than one step, whatever the step is\""),
};

static void compare(const llm_json_t *ours, const cJSON *theirs);

static void compare_children(const llm_json_t *ours, const cJSON *theirs)
{
    const llm_json_t *child = ours->child;
    const cJSON *other = theirs->child;

    for (; child && other; child = child->next, other = other->next) {
        if (ours->type == LLM_JSON_OBJECT) {
            ck_assert_int_eq(llm_text_equals(child->name, other->string), 1);
        }
        compare(child, other);
    }
    ck_assert(!child && !other);
    ck_assert_int_eq((int)ours->count, cJSON_GetArraySize(theirs));
}

static void compare(const llm_json_t *ours, const cJSON *theirs)
{
    double value;

    switch (ours->type) {
    case LLM_JSON_NULL:
        ck_assert(cJSON_IsNull(theirs));
        break;
    case LLM_JSON_FALSE:
        ck_assert(cJSON_IsFalse(theirs));
        break;
    case LLM_JSON_TRUE:
        ck_assert(cJSON_IsTrue(theirs));
        break;
    case LLM_JSON_NUMBER:
        ck_assert(cJSON_IsNumber(theirs));
        if (llm_json_double(ours, &value)) {
            ck_assert(value == theirs->valuedouble);
        }
        else {
            ck_assert(!isfinite(theirs->valuedouble));
        }
        break;
    case LLM_JSON_STRING:
        ck_assert(cJSON_IsString(theirs));
        ck_assert_str_eq(llm_json_string(ours, unit_pool), theirs->valuestring);
        break;
    default:
        ck_assert(ours->type == LLM_JSON_ARRAY ? cJSON_IsArray(theirs)
                                               : cJSON_IsObject(theirs));
        compare_children(ours, theirs);
    }
}

/* Reasons for which we may refuse what cJSON takes. */
static int is_stricter(const char *what)
{
    static const char *const reasons[] = {
        "invalid UTF-8",
        "invalid escape", /* \uXYZ1: U+0000 to cJSON */
        "control character in a string",
        "invalid number",
        "number with a leading zero",
        "byte order mark",
        "nested too deeply",
        "expected a value", /* ".5", "+1": strtod takes them */
        "expected ',' or ']'",
        "expected ',' or '}'",
        "unexpected bytes after the document", /* blanks: any below U+0021 */
        "expected a name",
        "expected ':'",
    };
    apr_size_t i;

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); ++i) {
        if (!strcmp(reasons[i], what)) {
            return 1;
        }
    }
    return 0;
}

static int has_surrogate(const llm_buf_t *text)
{
    apr_size_t i;

    for (i = 0; i + 2 < text->len; ++i) {
        if (text->data[i] == 'u' && (text->data[i + 1] | 0x20) == 'd') {
            return 1;
        }
    }
    return 0;
}

/* 1 when both took the document. */
static int judge(llm_buf_t *text)
{
    const llm_json_t *ours;
    llm_json_error_t error = {0, NULL};
    apr_status_t status;
    cJSON *theirs;

    llm_buf_putc(text, '\0'); /* cJSON wants one to forbid what follows */
    status = llm_json_read(&ours, text->data, text->len - 1, &error, unit_pool);
    theirs = cJSON_ParseWithLengthOpts(text->data, text->len, NULL, 1);
    if (status == APR_SUCCESS && theirs) {
        compare(ours, theirs);
    }
    else if (status == APR_SUCCESS) {
        ck_assert_msg(has_surrogate(text), "cJSON refuses: %s", text->data);
    }
    else if (theirs) {
        ck_assert_msg(is_stricter(error.what), "cJSON takes: %s (%s)",
                      text->data, error.what);
    }
    cJSON_Delete(theirs);
    return status == APR_SUCCESS && theirs;
}

/* Words thrown together: mostly refused, for every reason there is. */
START_TEST(agrees_on_word_salad)
{
    test_random_t dice = test_random_make("json_oracle salad");
    int round;

    for (round = 0; round < 30000; ++round) {
        llm_buf_t *text = llm_buf_make(0, unit_pool);
        apr_size_t count = 1 + test_random_below(&dice, 8);

        while (count--) {
            llm_buf_puts(text, words[test_random_below(
                                   &dice, sizeof(words) / sizeof(words[0]))]);
        }
        judge(text);
        apr_pool_clear(unit_pool);
    }
}
END_TEST

static void put_value(llm_buf_t *text, test_random_t *dice, int depth)
{
    apr_size_t kind = test_random_below(dice, depth ? 3 : 1);
    apr_size_t count = test_random_below(dice, 5);

    if (!kind) {
        static const apr_size_t scalars[] = {6,  7,  8,  9,  10, 11, 13, 14,
                                             15, 16, 17, 20, 21, 24, 25, 26};

        llm_buf_puts(text, words[scalars[test_random_below(dice, 16)]]);
        return;
    }
    llm_buf_putc(text, kind == 1 ? '[' : '{');
    while (count--) {
        if (kind == 2) {
            llm_buf_printf(text, "\"k%d\" :", (int)count);
        }
        put_value(text, dice, depth - 1);
        llm_buf_puts(text, count ? ",\n " : "");
    }
    llm_buf_putc(text, kind == 1 ? ']' : '}');
}

START_TEST(agrees_on_valid_documents)
{
    test_random_t dice = test_random_make("json_oracle valid");
    int round;

    for (round = 0; round < 5000; ++round) {
        llm_buf_t *text = llm_buf_make(0, unit_pool);

        put_value(text, &dice, 6);
        ck_assert_msg(judge(text), "refused: %s", text->data);
        apr_pool_clear(unit_pool);
    }
}
END_TEST

START_TEST(agrees_on_damaged_documents)
{
    test_random_t dice = test_random_make("json_oracle damaged");
    int round;

    for (round = 0; round < 20000; ++round) {
        llm_buf_t *text = llm_buf_make(0, unit_pool);
        apr_size_t place;

        put_value(text, &dice, 4);
        place = test_random_below(&dice, text->len);
        /* not a NUL: cJSON's strings end there */
        text->data[place] = (char)(1 + test_random_below(&dice, 255));
        judge(text);
        apr_pool_clear(unit_pool);
    }
}
END_TEST

Suite *json_oracle_suite(void)
{
    Suite *suite = suite_create("json_oracle");
    TCase *tcase = tcase_create("cjson");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, agrees_on_word_salad);
    tcase_add_test(tcase, agrees_on_valid_documents);
    tcase_add_test(tcase, agrees_on_damaged_documents);
    suite_add_tcase(suite, tcase);
    return suite;
}
