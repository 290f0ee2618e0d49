/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl reconcile: a provider's account of usage against the ledger. */
#include "test/unit/ctl/fake.h"

#include <stdio.h>
#include <string.h>

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "llmgwctl/export.h"

static const char openai[] =
    "{\"object\":\"page\",\"data\":[{\"object\":\"bucket\",\"start_time\":"
    "1795305600,\"end_time\":1795392000,\"results\":[{\"object\":"
    "\"organization.usage.completions.result\",\"input_tokens\":1000,"
    "\"output_tokens\":500,\"input_cached_tokens\":800,\"input_audio_tokens\":"
    "20,\"output_audio_tokens\":5,\"num_model_requests\":5,\"model\":\"gpt-4o-"
    "2024-08-06\",\"batch\":null},{\"object\":\"organization.usage.completions"
    ".result\",\"input_tokens\":7,\"output_tokens\":1,\"num_model_requests\":1,"
    "\"model\":\"gpt-5\"}]}],\"has_more\":false,\"next_page\":null}";

static const char anthropic[] =
    "{\"data\":[{\"starting_at\":\"2026-11-21T00:00:00Z\",\"ending_at\":"
    "\"2026-11-22T00:00:00Z\",\"results\":[{\"uncached_input_tokens\":100,"
    "\"cache_creation\":{\"ephemeral_1h_input_tokens\":10,"
    "\"ephemeral_5m_input_tokens\":5},\"cache_read_input_tokens\":1000,"
    "\"output_tokens\":50,\"model\":\"claude-sonnet-4-5\"}]}],"
    "\"has_more\":false,\"next_page\":null}";

/* What the ledger has for the first of them. */
static const char *const ledger[] = {
    "{\"row\":{\"day\":\"2026-11-22\",\"model\":\"gpt-4o-2024-08-06\","
    "\"requests\":6,\"errors\":1,\"estimated\":2,\"killed\":0,\"aborted\":0,"
    "\"unpriced\":0,\"input\":200,\"cache_read\":800,\"audio_in\":20,"
    "\"output\":400,\"reasoning\":98,\"audio_out\":5,\"cost\":12345}}",
    "{\"done\":{\"groups\":1}}",
    NULL,
};

static const char *path;

/* A file of the test's; its name takes the place of "FILE". */
static const char *on_file(const char *words, const char *content)
{
    apr_file_t *file;
    const char *tmp;
    char *name;

    ck_assert_int_eq(apr_temp_dir_get(&tmp, unit_pool), APR_SUCCESS);
    name = apr_pstrcat(unit_pool, tmp, "/llmgw-export-XXXXXX", NULL);
    ck_assert_int_eq(
        apr_file_mktemp(&file, name,
                        APR_FOPEN_CREATE | APR_FOPEN_WRITE | APR_FOPEN_EXCL,
                        unit_pool),
        APR_SUCCESS);
    ck_assert_int_eq(apr_file_write_full(file, content, strlen(content), NULL),
                     APR_SUCCESS);
    ck_assert_int_eq(apr_file_close(file), APR_SUCCESS);
    path = name;
    return apr_pstrcat(unit_pool, "reconcile ", name, " ", words, NULL);
}

static void remove_file(void)
{
    if (path) {
        apr_file_remove(path, unit_pool);
        path = NULL;
    }
    fake_close();
}

/* An export's rows as text. */
static const char *rows_of(const char *data, int by_month)
{
    ctl_export_t export;
    const char *wrong, *text = "";
    int i, m;

    ctl_export_init(&export, unit_pool);
    export.by_month = by_month;
    wrong = ctl_export_read(&export, data, strlen(data));
    if (wrong) {
        return apr_pstrcat(unit_pool, "wrong: ", wrong, NULL);
    }
    for (i = 0; i < export.rows->nelts; ++i) {
        const ctl_export_row_t *row =
            APR_ARRAY_IDX(export.rows, i, const ctl_export_row_t *);

        text = apr_pstrcat(unit_pool, text, row->period, " ", row->model, NULL);
        for (m = 0; m < CTL_EXPORT_MEASURES; ++m) {
            if (export.known & 1u << m) {
                text =
                    apr_psprintf(unit_pool, "%s %s=%" APR_INT64_T_FMT, text,
                                 ctl_export_name((ctl_export_e)m), row->n[m]);
            }
        }
        text = apr_pstrcat(unit_pool, text, "\n", NULL);
    }
    return text;
}

/* ---- reading ---- */

START_TEST(classes_are_told_apart)
{
    ck_assert_str_eq(
        rows_of(openai, 0),
        "2026-11-22 gpt-4o-2024-08-06 requests=5 input=220 cached=800 "
        "output=505\n"
        "2026-11-22 gpt-5 requests=1 input=7 cached=0 output=1\n");
    ck_assert_str_eq(rows_of(anthropic, 0),
                     "2026-11-21 claude-sonnet-4-5 input=100 cached=1000 "
                     "written=15 output=50\n");
    /* where text is told apart, audio is in the sums */
    ck_assert_str_eq(
        rows_of("{\"data\":[{\"start_time\":0,\"results\":[{\"input_tokens\":"
                "120,\"input_text_tokens\":100,\"input_audio_tokens\":20,"
                "\"input_cache_write_tokens\":30,\"output_tokens\":9}]}]}",
                0),
        "1970-01-01  input=90 cached=0 written=30 output=9\n");
}
END_TEST

START_TEST(costs_are_decimal)
{
    ck_assert_str_eq(
        rows_of(
            "{\"data\":[{\"start_time\":1795305600,\"results\":[{\"object\":"
            "\"organization.costs.result\",\"amount\":{\"value\":"
            "0.0600000001,\"currency\":\"usd\"},\"line_item\":\"gpt-4o, "
            "input\"},{\"amount\":{\"value\":1e-6},\"line_item\":\"gpt-4o, "
            "output\"}]}]}",
            0),
        "2026-11-22 gpt-4o cost=60001000\n");
    ck_assert_str_eq(
        rows_of("{\"data\":[{\"starting_at\":\"2026-11-21T00:00:00Z\","
                "\"results\":[{\"amount\":\"123.78912\",\"currency\":\"USD\","
                "\"token_type\":\"output_tokens\",\"model\":\"c\"}]}]}",
                1),
        "2026-11 c cost=1237891200\n");
}
END_TEST

START_TEST(pages_may_be_lines_or_an_array)
{
    static const char page[] =
        "{\"data\":[{\"start_time\":1795305600,\"results\":[{\"input_tokens\":1,"
        "\"output_tokens\":2}]}]}";

    ck_assert_str_eq(
        rows_of(apr_pstrcat(unit_pool, page, "\n\n", page, NULL), 0),
        "2026-11-22  input=2 cached=0 output=4\n");
    ck_assert_str_eq(
        rows_of(apr_pstrcat(unit_pool, "[", page, ",", page, "]\n", NULL), 0),
        "2026-11-22  input=2 cached=0 output=4\n");
}
END_TEST

START_TEST(tables_are_known_by_their_columns)
{
    ck_assert_str_eq(
        rows_of("\"usage_date_utc\",model_version,usage_input_tokens_no_cache,"
                "usage_input_tokens_cache_write_5m,"
                "usage_input_tokens_cache_write_1h,usage_output_tokens,what\r\n"
                "2026-11-20,claude,100,1,2,7,\"a,\n\"\"b\"\r\n"
                "2026-11-20,claude,1,,,1,x\r\n",
                0),
        "2026-11-20 claude input=101 written=3 output=8\n");
    ck_assert_str_eq(rows_of("date,cost\n2026-11-20,$1.50\n1795305600,2", 0),
                     "2026-11-20  cost=1500000000\n"
                     "2026-11-22  cost=2000000000\n");
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_place)
{
    static const char *const rows[][2] = {
        {"  ", "the file is empty"},
        {"{", "byte 2: expected a name"},
        {"{\"object\":\"page\"}",
         "page 1: expected an object with `data`, an array of buckets"},
        {"{\"data\":[{\"results\":[]}]}",
         "page 1, data[0]: expected start_time or starting_at, and results"},
        {"{\"data\":[{\"start_time\":1,\"results\":[{}]}]}",
         "page 1, data[0].results[0].input_tokens: expected a usage or cost "
         "result of OpenAI or Anthropic"},
        {"{\"data\":[{\"start_time\":1,\"results\":[{\"input_tokens\":-1}]}]}",
         "page 1, data[0].results[0].input_tokens: expected a number that can "
         "be one"},
        {"{\"data\":[{\"start_time\":1,\"results\":[{\"input_tokens\":1,"
         "\"input_cached_tokens\":2}]}]}",
         "page 1, data[0].results[0].input_cached_tokens: expected a number "
         "that can be one"},
        {"a,b\n1,2\n",
         "line 1: expected a header with a column for the day (date, "
         "start_time) and some to count (requests, input, output_tokens, "
         "cost)"},
        {"date,input\n2026-11-20\n",
         "line 2: it has not as many fields as the header"},
        {"date,input\n2026-11-20,x\n",
         "line 2: input: expected a number, not 'x'"},
        {"date,input\n7d,1\n", "line 2: expected a day like 2026-11-22"},
        {"date,input\n\"2026", "line 2: a quoted field has no end"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(rows_of(rows[i][0], 0),
                         apr_pstrcat(unit_pool, "wrong: ", rows[i][1], NULL));
    }
}
END_TEST

/* ---- comparing ---- */

START_TEST(differences_are_listed_with_what_may_explain_them)
{
    fake.answer = ledger;
    fake_expect(
        on_file("", openai), CTL_REFUSED,
        "DAY         MODEL              WHAT      PROVIDER  LEDGER  "
        "DIFFERENCE  PERCENT  NOTE\n"
        "2026-11-22  gpt-4o-2024-08-06  output         505     503      "
        "    -2    -0.40  2 estimated\n"
        "2026-11-22  gpt-5              requests         1       0      "
        "    -1  -100.00  not in the ledger\n"
        "2026-11-22  gpt-5              input            7       0      "
        "    -7  -100.00  not in the ledger\n"
        "2026-11-22  gpt-5              output           1       0      "
        "    -1  -100.00  not in the ledger\n",
        "7 values compared, 4 differ.\n");
    ck_assert_str_eq(fake_asked("op"), "\"usage\"");
    ck_assert_str_eq(fake_asked("by"), "[\"day\",\"model\"]");
    ck_assert_str_eq(fake_asked("provider"), "\"openai\"");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-22T00:00:00Z\"");
    ck_assert_str_eq(fake_asked("until"), "\"2026-11-23T00:00:00Z\"");
}
END_TEST

START_TEST(small_differences_are_none)
{
    fake.answer = ledger;
    ck_assert_int_eq(
        fake_run(on_file("--tolerance 0.5% --provider mine --json", openai)),
        CTL_REFUSED);
    ck_assert_ptr_null(strstr(fake.out, "\"what\":\"output\",\"provider\":"
                                        "\"505\""));
    ck_assert_ptr_nonnull(strstr(fake.out, "\"differ\""));
    ck_assert_str_eq(fake_asked("provider"), "\"mine\"");
}
END_TEST

START_TEST(agreement_ends_with_0)
{
    static const char *const same[] = {
        "{\"row\":{\"day\":\"2026-11-21\",\"model\":\"claude-sonnet-4-5\","
        "\"requests\":3,\"input\":100,\"cache_read\":1000,\"cache_write\":5,"
        "\"cache_write_1h\":10,\"output\":50}}",
        "{\"done\":{\"groups\":1}}", NULL};

    fake.answer = same;
    ck_assert_int_eq(fake_run(on_file("", anthropic)), CTL_DONE);
    ck_assert_str_eq(fake.err, "4 values compared, 0 differ.\n");
}
END_TEST

START_TEST(a_bad_option_names_what_was_expected)
{
    ck_assert_int_eq(fake_run(on_file("--tolerance x", anthropic)), CTL_USAGE);
    ck_assert_ptr_nonnull(
        strstr(fake.err, "--tolerance: expected a percentage from 0 to 100"));
    ck_assert_int_eq(fake_run("reconcile /nonexistent"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "/nonexistent: "));
    ck_assert_int_eq(fake_run("reconcile /tmp --by week"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "--by: expected day or month"));
    ck_assert_int_eq(fake_run(on_file("", "date,input\n2026-11-20,1\n")),
                     CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "name the provider"));
}
END_TEST

Suite *reconcile_suite(void)
{
    Suite *suite = suite_create("reconcile");
    TCase *tcase = tcase_create("reconcile");

    tcase_add_checked_fixture(tcase, fake_open, remove_file);
    tcase_add_test(tcase, classes_are_told_apart);
    tcase_add_test(tcase, costs_are_decimal);
    tcase_add_test(tcase, pages_may_be_lines_or_an_array);
    tcase_add_test(tcase, tables_are_known_by_their_columns);
    tcase_add_test(tcase, what_is_wrong_is_told_with_its_place);
    tcase_add_test(tcase, differences_are_listed_with_what_may_explain_them);
    tcase_add_test(tcase, small_differences_are_none);
    tcase_add_test(tcase, agreement_ends_with_0);
    tcase_add_test(tcase, a_bad_option_names_what_was_expected);
    suite_add_tcase(suite, tcase);
    return suite;
}
