/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with files: where their parts are, and what is refused. */
#include "core/llm_form.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

static void print_part(void *baton, const llm_form_part_t *part)
{
    const char **ptext = baton;

    *ptext = apr_psprintf(
        unit_pool, "%s%.*s%s%s%s=[%.*s]", *ptext, (int)part->name.len,
        part->name.data, part->is_file ? "@" : "", part->is_encoded ? "!" : "",
        part->is_bare ? "+" : "", (int)part->value.len, part->value.data);
    ck_assert_uint_eq(part->end - part->begin, part->value.len);
}

/* The parts as text, or what is wrong. */
static const char *parts_of(const char *form, const char *boundary)
{
    const char *text = "", *wrong;
    apr_size_t first = 999;

    wrong = llm_form_scan(&first, (llm_bytes_t){form, strlen(form)},
                          (llm_bytes_t){boundary, strlen(boundary)}, print_part,
                          &text);
    if (!wrong) {
        ck_assert_int_eq(strncmp(form + first, "--", 2), 0);
    }
    return wrong ? wrong : text;
}

#define HEAD(name) "Content-Disposition: form-data; name=" name "\r\n"

START_TEST(parts_are_found)
{
    ck_assert_str_eq(parts_of("--x\r\n" HEAD("\"a\"") "\r\n1\r\n--x\r\n" HEAD(
                                  "b; filename=c") "\r\n\r\n2\r\n\r\n--x--\r\n",
                              "x"),
                     "a=[1]b@=[\r\n2\r\n]");
    ck_assert_str_eq(parts_of("--x\r\n" HEAD("a") "\r\n\r\n--x--", "x"),
                     "a=[]");
    /* the line end before the boundary is that of the head: none is left for a
     * value that is put there */
    ck_assert_str_eq(parts_of("--x\r\n" HEAD("a") "\r\n--x--", "x"), "a+=[]");
    ck_assert_str_eq(
        parts_of(
            "before\r\n--x \t\r\nContent-Type: a/b\r\n" HEAD(
                "a") "content-transfer-encoding: base64\r\n\r\n1\r\n--x--behind",
            "x"),
        "a!=[1]");
    ck_assert_str_eq(parts_of("--x--", "x"), "");
    /* what only resembles a boundary is part of a value */
    ck_assert_str_eq(
        parts_of("--x\r\n" HEAD("a") "\r\n1--x\n--x-\r\n--\r\n--x--", "x"),
        "a=[1--x\n--x-\r\n--]");
}
END_TEST

START_TEST(what_readers_differ_in_is_refused)
{
    static const struct {
        const char *form, *said;
    } rows[] = {
        {"", "nowhere"},
        {"a--x--", "nowhere"},
        {"--x", "behind"},
        {"--xy\r\n", "behind"},
        {"--x\n" HEAD("a") "\r\n1\r\n--x--", "behind"},
        {"--x\r\n", "head"},
        {"--x\r\n" HEAD("a") "\r\n1", "last boundary"},
        {"--x\r\n" HEAD("a") "\r\n1\r\n--x", "behind"},
        {"--x\r\n\r\n1\r\n--x--", "no name"},
        {"--x\r\n" HEAD("a") HEAD("b") "\r\n1\r\n--x--", "no name"},
        {"--x\r\n" HEAD("a;name=b") "\r\n1\r\n--x--", "no name"},
        {"--x\r\n" HEAD("a;name*=utf-8''b") "\r\n1\r\n--x--", "no name"},
        {"--x\r\n" HEAD("\"a\\\"\"") "\r\n1\r\n--x--", "no name"},
        {"--x\r\n" HEAD("\"a") "\r\n1\r\n--x--", "no name"},
        {"--x\r\n" HEAD("a b\"c\"") " d: e\r\n\r\n1\r\n--x--", "folded"},
        {"--x\r\nContent-Disposition: file; name=a\r\n\r\n1\r\n--x--",
         "form-data"},
        {"--x\r\nno header\r\n\r\n1\r\n--x--", "folded"},
        {"--x\r\n" HEAD("a\r") "\r\n1\r\n--x--", "broken"},
    };

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *said = parts_of(rows[i].form, "x");

        ck_assert_msg(strstr(said, rows[i].said) != NULL, "%u: %s", (unsigned)i,
                      said);
    }
}
END_TEST

START_TEST(a_head_has_a_limit)
{
    const char *many = "";

    for (int i = 0; i < 300; ++i) {
        many = apr_pstrcat(unit_pool, many,
                           "X: 01234567890123456789012345678901234567890123456"
                           "7890123456789\r\n",
                           NULL);
    }
    ck_assert_ptr_nonnull(
        strstr(parts_of(apr_pstrcat(unit_pool, "--x\r\n", many,
                                    HEAD("a") "\r\n1\r\n--x--", NULL),
                        "x"),
               "does not end"));
}
END_TEST

START_TEST(types_are_read)
{
    static const struct {
        const char *type, *boundary, *wrong;
    } rows[] = {
        {"multipart/form-data; boundary=abc", "abc", NULL},
        {"Multipart/Form-Data ;charset=x; BOUNDARY=\"a; b\" ;", "a; b", NULL},
        {"multipart/form-data;boundary=a b ", "a b", NULL},
        {"multipart/form-data", NULL, "no boundary"},
        {"multipart/form-data; boundary=\"\"", NULL, "no boundary"},
        {"multipart/form-data; boundary=\"a\\b\"", NULL, "no boundary"},
        {"multipart/form-data; boundary=a; boundary=a", NULL, "read"},
        {"multipart/form-data; boundary", NULL, "read"},
        {"multipart/form-data; boundary=\"a", NULL, "read"},
        {"multipart/form-data; boundary=\"a\"b", NULL, "read"},
    };

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        llm_bytes_t boundary = {NULL, 0};
        const char *wrong = llm_form_boundary(&boundary, rows[i].type);

        ck_assert(llm_form_is(rows[i].type));
        if (rows[i].wrong) {
            ck_assert_msg(wrong && strstr(wrong, rows[i].wrong), "%s: %s",
                          rows[i].type, wrong ? wrong : "taken");
            continue;
        }
        ck_assert_msg(!wrong, "%s: %s", rows[i].type, wrong);
        ck_assert_str_eq(apr_pstrmemdup(unit_pool, boundary.data, boundary.len),
                         rows[i].boundary);
    }
    ck_assert(!llm_form_is(NULL) && !llm_form_is("application/json")
              && !llm_form_is("multipart/form-datax")
              && !llm_form_is("multipart/mixed; boundary=a"));
}
END_TEST

Suite *form_suite(void)
{
    Suite *suite = suite_create("form");
    TCase *forms = tcase_create("forms");

    tcase_add_checked_fixture(forms, unit_pool_open, unit_pool_close);
    tcase_add_test(forms, parts_are_found);
    tcase_add_test(forms, what_readers_differ_in_is_refused);
    tcase_add_test(forms, a_head_has_a_limit);
    tcase_add_test(forms, types_are_read);
    suite_add_tcase(suite, forms);
    return suite;
}
