/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl price: a list is shown as it will be counted with. */
#include "test/unit/ctl/fake.h"

#include <string.h>

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>

static const char list[] =
    "{\"as_of\":\"2026-11-01\",\"currency\":\"USD\",\"unit\":\"per_million\","
    "\"models\":["
    "{\"provider\":\"openai\",\"model\":\"gpt-4o\",\"input\":\"2.50\","
    "\"cache_read\":\"1.25\",\"output\":\"10.00\"},"
    "{\"provider\":\"gemini\",\"model\":\"gemini-2.5-pro\","
    "\"input\":\"1.25\",\"output\":\"10.00\","
    "\"tiers\":[{\"above\":200000,\"input\":\"2.50\",\"output\":\"15.00\"}]},"
    "{\"provider\":\"azure\",\"model\":\"gpt-4*\",\"input\":\"3.00\","
    "\"output\":\"12.00\"}]}";

static const char *path;

/* Every test has the list as a file, named by the environment. */
static void price_open(void)
{
    apr_file_t *file;
    const char *tmp;
    char *name;

    fake_open();
    ck_assert_int_eq(apr_temp_dir_get(&tmp, unit_pool), APR_SUCCESS);
    name = apr_pstrcat(unit_pool, tmp, "/llmgw-prices-XXXXXX", NULL);
    ck_assert_int_eq(apr_file_mktemp(&file, name, 0, unit_pool), APR_SUCCESS);
    ck_assert_int_eq(apr_file_write_full(file, list, sizeof(list) - 1, NULL),
                     APR_SUCCESS);
    ck_assert_int_eq(apr_file_flush(file), APR_SUCCESS);
    path = name;
    apr_env_set("LLMGW_PRICES", name, unit_pool);
}

static void price_close(void)
{
    apr_file_remove(path, unit_pool);
    fake_close();
}

/* A command line on the list's file. */
static const char *on_file(const char *words)
{
    return apr_pstrcat(unit_pool, words, " --file ", path, NULL);
}

START_TEST(prices_are_listed)
{
    fake_expect(on_file("price list"), CTL_DONE,
                "PROVIDER  MODEL           INPUT  CACHED  WRITE  OUTPUT  "
                "TIERS  LIST\n"
                "azure     gpt-4*           3.00    3.00   3.00   12.00      "
                "0  file\n"
                "gemini    gemini-2.5-pro   1.25    1.25   1.25   10.00      "
                "1  file\n"
                "openai    gpt-4o           2.50    1.25   2.50   10.00      "
                "0  file\n",
                "Dollars per million tokens; the file's list is of "
                "2026-11-01.\n");
    ck_assert_ptr_null(fake.dir);
}
END_TEST

static const char *const in_force[] = {
    "{\"row\":{\"list\":\"set\",\"entry\":{\"as_of\":\"2026-11-20\","
    "\"provider\":\"openai\",\"model\":\"gpt-4o\",\"input\":\"9\"}}}",
    "{\"row\":{\"list\":\"imported\",\"entry\":{\"provider\":\"openai\","
    "\"model\":\"gpt-5\",\"input\":\"1.25\",\"output\":\"10.00\"}}}",
    "{\"done\":{\"generation\":3,\"set\":1,\"imported\":1,"
    "\"as_of\":\"2026-11-10\",\"imported_at\":null,\"configured\":null}}",
    NULL,
};

START_TEST(what_was_set_goes_before_the_lists)
{
    fake.answer = in_force;
    ck_assert_int_eq(fake_run("price list --provider openai --csv"), CTL_USAGE);
    ck_assert_int_eq(fake_run("price list --provider openai --format csv"),
                     CTL_DONE);
    ck_assert_str_eq(
        fake.out,
        "provider,model,tier,above,input,cache_read,cache_write,"
        "cache_write_1h,output,reasoning,audio_in,audio_out,images,request,"
        "tiers,service_tiers,list,as_of\r\n"
        "openai,gpt-4o,,0,9.00,9.00,9.00,9.00,,,9.00,,,,0,,set,2026-11-20\r\n"
        "openai,gpt-5,,0,1.25,1.25,1.25,1.25,10.00,10.00,1.25,10.00,,,0,,"
        "imported,2026-11-10\r\n");
    ck_assert_str_eq(fake_asked("op"), "\"price.list\"");
}
END_TEST

START_TEST(a_price_is_set_as_an_entry)
{
    static const char *const done[] = {"{\"done\":{\"price\":{}}}", NULL};

    fake.answer = done;
    fake_expect("price set openai/gpt-4o* --input 2.50 --output 10 "
                "--cache-write-1h 5 --tiers [{\"above\":5,\"input\":\"3\"}]",
                CTL_DONE, "openai/gpt-4o*: set, in force now\n", "");
    ck_assert_str_eq(fake_asked("entry"),
                     "{\"provider\":\"openai\",\"model\":\"gpt-4o*\","
                     "\"input\":\"2.50\",\"cache_write_1h\":\"5\","
                     "\"output\":\"10\","
                     "\"tiers\":[{\"above\":5,\"input\":\"3\"}]}");
    fake_expect("price unset a/b/c", CTL_DONE,
                "a/b/c: no longer set, in force now\n", "");
    ck_assert_str_eq(fake_asked("provider"), "\"a\"");
    ck_assert_str_eq(fake_asked("model"), "\"b/c\"");
}
END_TEST

START_TEST(what_is_no_price_is_not_sent)
{
    fake_expect("price set gpt-4o --input 1", CTL_USAGE, "",
                "llmgwctl: expected PROVIDER/MODEL, such as openai/gpt-4o, not "
                "'gpt-4o'\n");
    fake_expect("price set a/b", CTL_USAGE, "",
                "llmgwctl: price set: expected a price, such as --input "
                "2.50\n");
    fake_expect("price set a/b --output 1e3", CTL_USAGE, "",
                "llmgwctl: --output: expected dollars such as 2.50, not "
                "'1e3'\n");
    fake_expect("price set a/b --output 1 --tiers x", CTL_USAGE, "",
                "llmgwctl: --tiers: expected JSON, not 'x'\n");
    ck_assert_ptr_null(fake.request);
}
END_TEST

START_TEST(an_import_shows_what_it_would_change)
{
    fake.answer = in_force;
    fake_expect(
        apr_pstrcat(unit_pool, "price import --dry-run ", path, NULL), CTL_DONE,
        "CHANGE  PROVIDER  MODEL           INPUT WAS  INPUT  OUTPUT WAS  OUTPUT\n"
        "new     openai    gpt-4o                  -   2.50           -   10.00\n"
        "new     gemini    gemini-2.5-pro          -   1.25           -   10.00\n"
        "new     azure     gpt-4*                  -   3.00           -   12.00\n"
        "gone    openai    gpt-5                1.25      -       10.00       -\n",
        "Nothing was changed: 3 models of llm-gateway, as of "
        "2026-11-01: 3 new, 0 changed, 1 gone, 0 as before; 0 skipped, "
        "0 prices rounded.\n");
    ck_assert_str_eq(fake_asked("op"), "\"price.list\"");
    ck_assert_int_eq(fake_run("price import"), CTL_USAGE);
    ck_assert_int_eq(fake_run("price import /nowhere"), CTL_REFUSED);
}
END_TEST

START_TEST(prices_of_one_provider_as_json)
{
    ck_assert_int_eq(fake_run(on_file("price list --provider openai --json")),
                     CTL_DONE);
    ck_assert_str_eq(
        fake.out,
        apr_pstrcat(
            unit_pool,
            "{\"prices\":[\n{\"provider\":\"openai\",\"model\":\"gpt-4o\","
            "\"tier\":null,\"above\":0,\"input\":\"2.50\",\"cache_read\":\"1.25\","
            "\"cache_write\":\"2.50\",\"cache_write_1h\":\"2.50\","
            "\"output\":\"10.00\",\"reasoning\":\"10.00\","
            "\"audio_in\":\"2.50\",\"audio_out\":\"10.00\",\"images\":null,"
            "\"request\":null,\"tiers\":0,\"service_tiers\":[],"
            "\"list\":\"file\",\"as_of\":\"2026-11-01\"}\n],\n\"as_of\":\"2026-11-01\",\n\"file\":\"",
            path, "\"}\n", NULL));
}
END_TEST

START_TEST(a_price_is_shown_tier_by_tier)
{
    ck_assert_int_eq(fake_run(on_file("price show gemini-2.5-pro")), CTL_DONE);
    ck_assert_str_eq(
        fake.out,
        "PROVIDER  MODEL             ABOVE  INPUT  CACHED  WRITE  OUTPUT  LIST\n"
        "gemini    gemini-2.5-pro        0   1.25    1.25   1.25   10.00  "
        "file\n"
        "gemini    gemini-2.5-pro  200,000   2.50    2.50   2.50   15.00  "
        "file\n");
}
END_TEST

START_TEST(a_model_of_two_providers_is_shown_twice)
{
    ck_assert_int_eq(fake_run(on_file("price show gpt-4o")), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "openai    gpt-4o"));
    ck_assert_ptr_nonnull(strstr(fake.out, "azure     gpt-4*"));
    ck_assert_int_eq(fake_run(on_file("price show gpt-4o --provider azure")),
                     CTL_DONE);
    ck_assert_ptr_null(strstr(fake.out, "openai"));
}
END_TEST

START_TEST(a_model_without_a_price_is_exit_1)
{
    fake_expect(on_file("price show gpt4o"), CTL_REFUSED, "",
                "llmgwctl: there is no price for the model gpt4o; did you mean "
                "gpt-4o?\n");
    ck_assert_int_eq(fake_run(on_file("price show gpt-4o --provider x --json")),
                     CTL_REFUSED);
    ck_assert_ptr_nonnull(
        strstr(fake.out, "{\"error\":{\"code\":\"not_found\""));
}
END_TEST

START_TEST(a_list_that_is_not_there_is_named)
{
    ck_assert_int_eq(fake_run("price list --file /nowhere/prices.json"),
                     CTL_REFUSED);
    ck_assert_str_eq(fake.out, "");
    ck_assert_ptr_nonnull(strstr(fake.err, "/nowhere/prices.json"));
}
END_TEST

Suite *price_suite(void)
{
    Suite *suite = suite_create("price");
    TCase *price = tcase_create("price");

    tcase_add_checked_fixture(price, price_open, price_close);
    tcase_add_test(price, prices_are_listed);
    tcase_add_test(price, what_was_set_goes_before_the_lists);
    tcase_add_test(price, a_price_is_set_as_an_entry);
    tcase_add_test(price, what_is_no_price_is_not_sent);
    tcase_add_test(price, an_import_shows_what_it_would_change);
    tcase_add_test(price, prices_of_one_provider_as_json);
    tcase_add_test(price, a_price_is_shown_tier_by_tier);
    tcase_add_test(price, a_model_of_two_providers_is_shown_twice);
    tcase_add_test(price, a_model_without_a_price_is_exit_1);
    tcase_add_test(price, a_list_that_is_not_there_is_named);
    suite_add_tcase(suite, price);
    return suite;
}
