/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl usage and events: sums, faces, and what is asked of the store. */
#include "test/unit/ctl/fake.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

static const char *const rows[] = {
    "{\"row\":{\"key\":\"bob\",\"model\":\"gpt-4o\",\"requests\":2,"
    "\"errors\":1,\"aborted\":1,\"killed\":0,\"estimated\":1,"
    "\"unpriced\":1,\"input\":1000,\"cache_read\":200,\"cache_write\":30,"
    "\"cache_write_1h\":4,\"output\":50,\"reasoning\":7,\"audio_in\":1,"
    "\"audio_out\":2,\"images\":3,\"cost\":37500,\"latency_ms\":900,"
    "\"first_ms\":80}}",
    "{\"row\":{\"key\":\"alice\",\"model\":\"claude\",\"requests\":1234567,"
    "\"errors\":0,\"aborted\":0,\"killed\":0,\"estimated\":0,"
    "\"unpriced\":0,\"input\":9007199254740993,\"cache_read\":0,"
    "\"cache_write\":0,\"cache_write_1h\":0,\"output\":5,\"reasoning\":0,"
    "\"audio_in\":0,\"audio_out\":0,\"images\":0,"
    "\"cost\":1234567890123456789,\"latency_ms\":1,\"first_ms\":1}}",
    "{\"done\":{}}", NULL};
static const char *const none[] = {"{\"done\":{}}", NULL};

START_TEST(usage_is_a_table_with_a_total)
{
    fake.answer = rows;
    fake_expect(
        "usage --by key,model", CTL_DONE,
        "KEY    MODEL    REQUESTS  ERRORS              TOKENS IN  CACHED  OUT "
        " REASONING                   COST\n"
        "alice  claude  1,234,567       0  9,007,199,254,740,993       0    5 "
        "         0  $1,234,567,890.123457\n"
        "bob    gpt-4o          2       1                  1,235     200   59 "
        "         7              $0.000038\n"
        "total  -       1,234,569       1  9,007,199,254,742,228     200   64 "
        "         7  $1,234,567,890.123494\n",
        "The price of 1 of 1234569 requests is not known; their cost is not in "
        "the sums.\n"
        "The tokens of 1 of 1234569 requests were estimated: the provider did "
        "not tell.\n");
    ck_assert_str_eq(fake_asked("op"), "\"usage\"");
    ck_assert_str_eq(fake_asked("by"), "[\"key\",\"model\"]");
    ck_assert_str_eq(fake_asked("since"), "absent");
    fake_run("usage");
    ck_assert_str_eq(fake_asked("by"), "[\"model\"]");
}
END_TEST

START_TEST(usage_as_json_is_exact)
{
    fake.answer = rows;
    ck_assert_int_eq(fake_run("usage --by key,model --json"), CTL_DONE);
    ck_assert_str_eq(fake.err, "");
    ck_assert_ptr_nonnull(strstr(
        fake.out, "{\"usage\":[\n{\"key\":\"alice\",\"model\":\"claude\","
                  "\"requests\":1234567,\"errors\":0,"
                  "\"tokens_in\":9007199254740993,"));
    ck_assert_ptr_nonnull(strstr(fake.out,
                                 "\"cost_nanodollars\":1234567890123456789,"
                                 "\"cost\":\"1234567890.123456789\","));
    ck_assert_ptr_nonnull(strstr(
        fake.out, "\"cost_nanodollars\":37500,\"cost\":\"0.0000375\","
                  "\"aborted\":1,\"killed\":0,\"estimated\":1,\"unpriced\":1,"
                  "\"input\":1000,\"cache_write\":30,\"cache_write_1h\":4,"
                  "\"output\":50,\"audio_in\":1,\"audio_out\":2,\"images\":3,"
                  "\"latency_ms\":900,\"first_ms\":80}\n],\n"
                  "\"total\":{\"key\":null,\"model\":null,"
                  "\"requests\":1234569,\"errors\":1,"));
    ck_assert_ptr_nonnull(strstr(
        fake.out,
        "},\n\"tz\":\"UTC\",\n\"records_since\":null,\n\"hours_since\":null}\n"));
}
END_TEST

START_TEST(usage_as_csv_has_no_total)
{
    const char *line;
    unsigned lines = 0;

    fake.answer = rows;
    ck_assert_int_eq(fake_run("usage --by key,model --format csv"), CTL_DONE);
    ck_assert_ptr_eq(strstr(fake.out,
                            "key,model,requests,errors,tokens_in,cache_read,"
                            "tokens_out,reasoning,cost_nanodollars,cost,"),
                     fake.out);
    ck_assert_ptr_nonnull(strstr(fake.out, ",37500,0.0000375,"));
    for (line = fake.out; (line = strstr(line, "\r\n")); line += 2) {
        ++lines;
    }
    ck_assert_uint_eq(lines, 3);
}
END_TEST

START_TEST(usage_of_nothing_is_zero)
{
    fake.answer = none;
    fake_expect("usage", CTL_DONE, "", "No request matches.\n");
    ck_assert_int_eq(fake_run("usage --json"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "{\"usage\":[],\n\"total\":{"));
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"cost_nanodollars\":0,\"cost\":\"0.00\""));
}
END_TEST

START_TEST(usage_hands_its_options_on)
{
    fake.answer = none;
    ck_assert_int_eq(fake_run("usage --by day,provider --since 7d "
                              "--until 2026-11-22 --key alice --model gpt-4o "
                              "--provider openai"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("by"), "[\"day\",\"provider\"]");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-15T12:00:00Z\"");
    ck_assert_str_eq(fake_asked("until"), "\"2026-11-22T00:00:00Z\"");
    ck_assert_str_eq(fake_asked("key"), "\"alice\"");
    ck_assert_str_eq(fake_asked("model"), "\"gpt-4o\"");
    ck_assert_str_eq(fake_asked("provider"), "\"openai\"");
}
END_TEST

START_TEST(usage_refuses_what_it_cannot_sum_by)
{
    fake_expect("usage --by colour", CTL_USAGE, "",
                "llmgwctl: --by: expected key, team, model, provider, hour, "
                "day, week, month, user, tag, asked, route, client, status, "
                "finish, op, stream, tier, variant, cache, problem or "
                "attempts, not 'colour'\n");
    fake_expect("usage --by key,key", CTL_USAGE, "",
                "llmgwctl: --by: 'key' stands there twice\n");
    ck_assert_int_eq(fake_run("usage --by key,"), CTL_USAGE);
    ck_assert_int_eq(fake_run("usage --since whenever"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "--since: "));
    ck_assert_ptr_nonnull(strstr(fake.err, "not 'whenever'"));
    fake_expect("usage --format xml", CTL_USAGE, "",
                "llmgwctl: --format: expected table, csv or json, not 'xml'\n");
    ck_assert_ptr_null(fake.request);
}
END_TEST

START_TEST(top_shows_the_greatest_and_totals_all)
{
    fake.answer = rows;
    fake_run("usage --top 1 --by key --sort reasoning");
    ck_assert_ptr_nonnull(strstr(fake.out, "\nbob "));
    ck_assert_ptr_null(strstr(fake.out, "alice"));
    ck_assert_ptr_nonnull(strstr(fake.out, "\ntotal  1,234,569 "));
    ck_assert_ptr_nonnull(strstr(fake.err, "1 more lines are in the total.\n"));
    fake_run("usage --top 1 --by key,model");
    ck_assert_ptr_nonnull(strstr(fake.out, "\nalice "));
    ck_assert_ptr_null(strstr(fake.out, "bob"));
    fake_expect("usage --top 0", CTL_USAGE, "",
                "llmgwctl: --top: expected a number above zero, not '0'\n");
    ck_assert_int_eq(fake_run("usage --sort colour"), CTL_USAGE);
    fake.answer = none;
    ck_assert_int_eq(fake_run("usage --by team --team red"), CTL_DONE);
    ck_assert_str_eq(fake_asked("team"), "\"red\"");
}
END_TEST

START_TEST(every_field_is_a_filter)
{
    const ctl_column_t *field;

    fake.answer = none;
    for (field = ctl_fields; field->name; ++field) {
        const char *words = apr_psprintf(unit_pool, "usage --by %s --%s x",
                                         field->name, field->name);
        int is_span = strstr("hour day week month", field->name) != NULL;

        ck_assert_int_eq(fake_run(words), is_span ? CTL_USAGE : CTL_DONE);
        if (!is_span) {
            ck_assert_str_eq(fake_asked(strcmp(field->name, "op") != 0
                                            ? field->name
                                            : "operation"),
                             "\"x\"");
        }
    }
    ck_assert_int_eq(fake_run("events --user ann --op chat"), CTL_DONE);
    ck_assert_str_eq(fake_asked("user"), "\"ann\"");
    ck_assert_str_eq(fake_asked("operation"), "\"chat\"");
}
END_TEST

START_TEST(values_that_are_no_texts_are_shown)
{
    static const char *const answer[] = {
        "{\"row\":{\"status\":502,\"stream\":true,\"requests\":1}}",
        "{\"row\":{\"status\":200,\"stream\":false,\"requests\":2}}",
        "{\"done\":{\"groups\":2,\"total\":{\"requests\":2},"
        "\"records_since\":\"2026-08-24T00:00:00Z\"}}",
        NULL};

    fake.answer = answer;
    ck_assert_int_eq(fake_run("usage --by status,stream"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "\n   200      no         2"));
    ck_assert_ptr_nonnull(strstr(fake.out, "\n   502     yes         1"));
    /* what the store counted once is not summed up from the lines */
    ck_assert_ptr_nonnull(strstr(fake.out, "\n total       -         2"));
    ck_assert_str_eq(fake.err,
                     "This is of the single requests, which are kept since "
                     "2026-08-24T00:00:00Z: what was used before is not in "
                     "it.\n");
    ck_assert_int_eq(fake_run("usage --by status,stream --json"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "{\"status\":200,\"stream\":false,"
                                           "\"requests\":2,"));
    ck_assert_ptr_nonnull(strstr(
        fake.out,
        "\"records_since\":\"2026-08-24T00:00:00Z\",\n\"hours_since\":null}"));
}
END_TEST

START_TEST(dates_are_those_of_the_zone)
{
    fake.answer = none;
    ck_assert_int_eq(fake_run("usage --tz +05:30 --since today --until "
                              "2026-11-22T10:00:00Z"),
                     CTL_DONE);
    ck_assert_str_eq(fake_asked("zone"), "[[946684800,19800]]");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-21T18:30:00Z\"");
    ck_assert_str_eq(fake_asked("until"), "\"2026-11-22T10:00:00Z\"");
    ck_assert_int_eq(fake_run("usage --since month"), CTL_DONE);
    ck_assert_str_eq(fake_asked("zone"), "absent");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-01T00:00:00Z\"");
    fake_run("usage --since week");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-16T00:00:00Z\"");
    fake_run("usage --tz -3 --since 2026-10 --until yesterday");
    ck_assert_str_eq(fake_asked("since"), "\"2026-10-01T03:00:00Z\"");
    ck_assert_str_eq(fake_asked("until"), "\"2026-11-21T03:00:00Z\"");
    fake_expect("usage --tz Atlantis/Capital", CTL_USAGE, "",
                "llmgwctl: --tz: expected a zone such as Europe/Berlin, an "
                "offset such as +02:00, local or UTC, not "
                "'Atlantis/Capital'\n");
    ck_assert_int_eq(fake_run("usage --tz ../../etc/passwd"), CTL_USAGE);
    ck_assert_int_eq(fake_run("usage --tz +1:5"), CTL_USAGE);
}
END_TEST

/* Where the system has zoneinfo, as nearly all have. */
START_TEST(a_zone_by_name_knows_its_summer_time)
{
    const char *changes;

    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) < 0) {
        return;
    }
    fake.answer = none;
    ck_assert_int_eq(
        fake_run("usage --tz Europe/Berlin --since 2026-07-01 --until "
                 "2026-11-01"),
        CTL_DONE);
    ck_assert_str_eq(fake_asked("since"), "\"2026-06-30T22:00:00Z\"");
    ck_assert_str_eq(fake_asked("until"), "\"2026-10-31T23:00:00Z\"");
    changes = fake_asked("zone");
    ck_assert_ptr_nonnull(
        strstr(changes, ",[1774746000,7200],[1792890000,3600],"));
}
END_TEST

static const char *const days[] = {
    "{\"row\":{\"day\":\"2026-11-20\",\"requests\":2,\"input\":1000,"
    "\"cost\":4000000}}",
    "{\"row\":{\"day\":\"2026-11-22\",\"requests\":1,\"input\":10,"
    "\"cost\":1000000}}",
    "{\"done\":{}}", NULL};

START_TEST(a_chart_of_days_has_those_without_a_request)
{
    fake.answer = days;
    fake.world.width = 45;
    fake_expect("usage --chart --since 2026-11-19", CTL_DONE,
                "2026-11-19                          $0.000000\n"
                "2026-11-20  ######################  $0.004000\n"
                "2026-11-21                          $0.000000\n"
                "2026-11-22  ######                  $0.001000\n",
                "");
    ck_assert_str_eq(fake_asked("by"), "[\"day\"]");
    fake.world.is_utf8 = 1;
    fake.world.colour = 1;
    fake.world.width = 32;
    fake_expect("usage --chart=tokens --by day", CTL_DONE,
                "2026-11-20  \033[36m"
                "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                "\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                "\xe2\x96\x88\033[0m  1,000\n"
                "2026-11-21                     0\n"
                "2026-11-22  \033[36m\xe2\x96\x8f\033[0m"
                "                 10\n",
                "");
    ck_assert_int_eq(fake_run("usage --chart=colour"), CTL_USAGE);
    ck_assert_int_eq(fake_run("usage --chart --json"), CTL_USAGE);
}
END_TEST

START_TEST(a_chart_of_names_fits_the_terminal)
{
    fake.answer = rows;
    fake.world.width = 40;
    ck_assert_int_eq(fake_run("usage --chart=requests --by key,model"),
                     CTL_DONE);
    ck_assert_str_eq(fake.out, "alice  claude  ##############  1,234,567\n"
                               "bob  gpt-4o    #                       2\n");
}
END_TEST

START_TEST(the_audit_names_users_and_subjects)
{
    static const char *const edits[] = {
        "{\"row\":{\"time\":\"2026-11-22T10:00:00.5Z\",\"uid\":0,\"op\":"
        "\"key.create\",\"change\":{\"key\":{\"id\":1,\"name\":\"alice\"}}}}",
        "{\"row\":{\"time\":\"2026-11-22T11:00:00Z\",\"uid\":4000000001,"
        "\"op\":\"team.delete\",\"change\":{\"team\":{\"name\":\"red\"}}}}",
        "{\"row\":{\"time\":\"2026-11-22T11:30:00Z\",\"uid\":0,"
        "\"op\":\"price.set\",\"change\":{\"price\":{\"as_of\":\"2026-11-22\","
        "\"provider\":\"eu\",\"model\":\"m*\"}}}}",
        "{\"row\":{\"time\":\"2026-11-22T11:40:00Z\",\"uid\":0,"
        "\"op\":\"price.unset\",\"change\":{\"provider\":\"eu\","
        "\"model\":\"m*\"}}}",
        "{\"row\":{\"time\":\"2026-11-22T11:50:00Z\",\"uid\":0,"
        "\"op\":\"price.import\",\"change\":{\"models\":1,"
        "\"source\":\"litellm\"}}}",
        "{\"done\":{\"edits\":5}}",
        NULL};

    fake.answer = edits;
    fake_expect("audit --since 1d", CTL_DONE,
                "TIME                 USER         CHANGE        OF\n"
                "2026-11-22 10:00:00  root         key.create    alice\n"
                "2026-11-22 11:00:00  #4000000001  team.delete   red\n"
                "2026-11-22 11:30:00  root         price.set     eu/m*\n"
                "2026-11-22 11:40:00  root         price.unset   eu/m*\n"
                "2026-11-22 11:50:00  root         price.import  litellm\n",
                "");
    ck_assert_str_eq(fake_asked("limit"), "50");
    ck_assert_str_eq(fake_asked("since"), "\"2026-11-21T12:00:00Z\"");
    ck_assert_int_eq(fake_run("audit --json"), CTL_DONE);
    ck_assert_ptr_nonnull(
        strstr(fake.out, "\"subject\":\"red\",\"uid\":4000000001,\"change\":"
                         "{\"team\":{\"name\":\"red\"}}}"));
    ck_assert_int_eq(fake_run("audit --limit x"), CTL_USAGE);
}
END_TEST

START_TEST(a_key_called_json_is_a_value)
{
    fake.answer = none;
    ck_assert_int_eq(fake_run("usage --key --json"), CTL_DONE);
    ck_assert_str_eq(fake_asked("key"), "\"--json\"");
}
END_TEST

Suite *usage_suite(void)
{
    Suite *suite = suite_create("usage");
    TCase *usage = tcase_create("usage");

    tcase_add_checked_fixture(usage, fake_open, fake_close);
    tcase_add_test(usage, usage_is_a_table_with_a_total);
    tcase_add_test(usage, usage_as_json_is_exact);
    tcase_add_test(usage, usage_as_csv_has_no_total);
    tcase_add_test(usage, usage_of_nothing_is_zero);
    tcase_add_test(usage, usage_hands_its_options_on);
    tcase_add_test(usage, usage_refuses_what_it_cannot_sum_by);
    tcase_add_test(usage, top_shows_the_greatest_and_totals_all);
    tcase_add_test(usage, every_field_is_a_filter);
    tcase_add_test(usage, values_that_are_no_texts_are_shown);
    tcase_add_test(usage, dates_are_those_of_the_zone);
    tcase_add_test(usage, a_zone_by_name_knows_its_summer_time);
    tcase_add_test(usage, a_chart_of_days_has_those_without_a_request);
    tcase_add_test(usage, a_chart_of_names_fits_the_terminal);
    tcase_add_test(usage, the_audit_names_users_and_subjects);
    tcase_add_test(usage, a_key_called_json_is_a_value);
    suite_add_tcase(suite, usage);
    return suite;
}
