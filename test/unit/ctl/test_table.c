/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: aligned by characters, no wider than the terminal, in colour there
 * only. */
#include "test/unit/ctl/fake.h"

#include <string.h>

#include <apr_strings.h>

static const char *const rows[] = {
    "{\"row\":{\"id\":1,\"name\":\"a-name-of-some-length\","
    "\"state\":\"active\",\"note\":\"\xC3\xA4\xC3\xB6\xC3\xBC and a note "
    "that goes on and on and on until the end of the line\"}}",
    "{\"row\":{\"id\":2,\"name\":\"b\",\"state\":\"active\","
    "\"note\":\"short\"}}",
    "{\"done\":{}}", NULL};

/* Characters of the longest line. */
static size_t longest(const char *text)
{
    size_t best = 0, length = 0;

    for (; *text; ++text) {
        if (*text == '\n') {
            best = length > best ? length : best;
            length = 0;
        }
        else {
            length += ((unsigned char)*text & 0xC0) != 0x80;
        }
    }
    return best;
}

START_TEST(a_table_fits_the_terminal)
{
    fake.answer = rows;
    fake.world.width = 80;
    ck_assert_int_eq(fake_run("key list"), CTL_DONE);
    ck_assert_uint_eq(longest(fake.out), 80);
    ck_assert_ptr_nonnull(strstr(fake.out, "a-name-of-some-length"));
    ck_assert_ptr_nonnull(strstr(fake.out, "\xC3\xA4\xC3\xB6\xC3\xBC"));
    ck_assert_ptr_nonnull(strstr(fake.out, "~\n"));
}
END_TEST

START_TEST(a_terminal_too_narrow_for_anything_gets_the_least)
{
    fake.answer = rows;
    fake.world.width = 1;
    ck_assert_int_eq(fake_run("key list"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "a-name-~"));
}
END_TEST

START_TEST(nothing_is_cut_in_a_file)
{
    fake.answer = rows;
    ck_assert_int_eq(fake_run("key list"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "end of the line\n"));
    ck_assert_ptr_null(strchr(fake.out, '\033'));
}
END_TEST

START_TEST(titles_are_bold_on_a_terminal)
{
    fake.answer = rows;
    fake.world.colour = 1;
    ck_assert_int_eq(fake_run("key list"), CTL_DONE);
    ck_assert_ptr_eq(strstr(fake.out, "\033[1m"), fake.out);
    ck_assert_ptr_nonnull(strstr(fake.out, "\n\033[0m"));
}
END_TEST

START_TEST(json_is_never_in_colour)
{
    fake.answer = rows;
    fake.world.colour = 1;
    fake.world.width = 20;
    ck_assert_int_eq(fake_run("key list --json"), CTL_DONE);
    ck_assert_ptr_null(strchr(fake.out, '\033'));
    ck_assert_ptr_nonnull(strstr(fake.out, "end of the line\""));
}
END_TEST

#define MANY 5000

/* What was printed when the last row had not come yet. */
static size_t printed_before;

static void look_at_print(unsigned line)
{
    if (line == MANY - 1) {
        fflush(fake.world.out);
        printed_before = fake.out_len;
    }
}

START_TEST(a_long_table_does_not_wait_for_its_end)
{
    const char **lines = apr_pcalloc(unit_pool, (MANY + 2) * sizeof(*lines));
    unsigned i;

    for (i = 0; i < MANY; ++i) {
        lines[i] = apr_psprintf(
            unit_pool,
            "{\"row\":{\"id\":%u,\"name\":\"%s%u\",\"state\":\"active\","
            "\"note\":\"%s\"}}",
            i, i < 4000 ? "k" : "a-longer-name-", i,
            i == 4500 ? "the first note" : "");
    }
    lines[MANY] = "{\"done\":{}}";
    fake.answer = lines;
    fake.on_line = look_at_print;
    ck_assert_int_eq(fake_run("key list"), CTL_DONE);
    ck_assert_uint_gt(printed_before, 0);
    ck_assert_int_eq(strncmp(fake.out, " ID  NAME", 9), 0);
    /* Columns that were not used at first are there, and nothing is cut. */
    ck_assert_ptr_nonnull(strstr(fake.out, "a-longer-name-4999  "));
    ck_assert_ptr_nonnull(strstr(fake.out, "the first note"));
    for (i = 0; i < MANY; ++i) {
        const char *name = apr_psprintf(unit_pool, "  %s%u ",
                                        i < 4000 ? "k" : "a-longer-name-", i);

        ck_assert_msg(strstr(fake.out, name) != NULL, "%s is missing", name);
    }
    ck_assert_ptr_null(strstr(strstr(fake.out, "NAME") + 1, "NAME"));
}
END_TEST

Suite *table_suite(void)
{
    Suite *suite = suite_create("table");
    TCase *faces = tcase_create("faces");

    tcase_add_checked_fixture(faces, fake_open, fake_close);
    tcase_add_test(faces, a_long_table_does_not_wait_for_its_end);
    tcase_add_test(faces, a_table_fits_the_terminal);
    tcase_add_test(faces, a_terminal_too_narrow_for_anything_gets_the_least);
    tcase_add_test(faces, nothing_is_cut_in_a_file);
    tcase_add_test(faces, titles_are_bold_on_a_terminal);
    tcase_add_test(faces, json_is_never_in_colour);
    suite_add_tcase(suite, faces);
    return suite;
}
