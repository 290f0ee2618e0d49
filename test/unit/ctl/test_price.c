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

START_TEST(prices_are_listed)
{
    fake_expect("price list", CTL_DONE,
                "PROVIDER  MODEL           INPUT  CACHED  WRITE  OUTPUT  "
                "TIERS\n"
                "azure     gpt-4*           3.00    3.00   3.00   12.00      "
                "0\n"
                "gemini    gemini-2.5-pro   1.25    1.25   1.25   10.00      "
                "1\n"
                "openai    gpt-4o           2.50    1.25   2.50   10.00      "
                "0\n",
                "Dollars per million tokens; the list is of 2026-11-01.\n");
    ck_assert_ptr_null(fake.dir);
}
END_TEST

START_TEST(prices_of_one_provider_as_json)
{
    ck_assert_int_eq(fake_run("price list --provider openai --json"), CTL_DONE);
    ck_assert_str_eq(
        fake.out,
        apr_pstrcat(
            unit_pool,
            "{\"prices\":[\n{\"provider\":\"openai\",\"model\":\"gpt-4o\","
            "\"above\":0,\"input\":\"2.50\",\"cache_read\":\"1.25\","
            "\"cache_write\":\"2.50\",\"cache_write_1h\":\"2.50\","
            "\"output\":\"10.00\",\"reasoning\":\"10.00\","
            "\"audio_in\":\"2.50\",\"audio_out\":\"10.00\",\"images\":null,"
            "\"tiers\":0}\n],\n\"as_of\":\"2026-11-01\",\n\"file\":\"",
            path, "\"}\n", NULL));
}
END_TEST

START_TEST(a_price_is_shown_tier_by_tier)
{
    ck_assert_int_eq(fake_run("price show gemini-2.5-pro"), CTL_DONE);
    ck_assert_str_eq(
        fake.out,
        "PROVIDER  MODEL             ABOVE  INPUT  CACHED  WRITE  OUTPUT\n"
        "gemini    gemini-2.5-pro        0   1.25    1.25   1.25   10.00\n"
        "gemini    gemini-2.5-pro  200,000   2.50    2.50   2.50   15.00\n");
}
END_TEST

START_TEST(a_model_of_two_providers_is_shown_twice)
{
    ck_assert_int_eq(fake_run("price show gpt-4o"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "openai    gpt-4o"));
    ck_assert_ptr_nonnull(strstr(fake.out, "azure     gpt-4*"));
    ck_assert_int_eq(fake_run("price show gpt-4o --provider azure"), CTL_DONE);
    ck_assert_ptr_null(strstr(fake.out, "openai"));
}
END_TEST

START_TEST(a_model_without_a_price_is_exit_1)
{
    fake_expect("price show gpt4o", CTL_REFUSED, "",
                apr_pstrcat(unit_pool, "llmgwctl: ", path,
                            " has no price for the model gpt4o; did you mean "
                            "gpt-4o?\n",
                            NULL));
    ck_assert_int_eq(fake_run("price show gpt-4o --provider x --json"),
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
    tcase_add_test(price, prices_of_one_provider_as_json);
    tcase_add_test(price, a_price_is_shown_tier_by_tier);
    tcase_add_test(price, a_model_of_two_providers_is_shown_twice);
    tcase_add_test(price, a_model_without_a_price_is_exit_1);
    tcase_add_test(price, a_list_that_is_not_there_is_named);
    suite_add_tcase(suite, price);
    return suite;
}
