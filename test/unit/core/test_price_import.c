/* SPDX-License-Identifier: Apache-2.0 */
/* Price lists of others: what is taken, what is skipped, and exact numbers. */
#include "test/unit/unit.h"

#include <string.h>

#include "core/llm_price_import.h"

static llm_price_import_t *import_of(const char *text)
{
    llm_price_import_t *import = NULL;
    const char *wrong =
        llm_price_import(&import, text, strlen(text), unit_pool);

    ck_assert_msg(!wrong, "%s", wrong);
    return import;
}

static const llm_price_item_t *item(const llm_price_import_t *import, int i)
{
    ck_assert_int_lt(i, import->items->nelts);
    return &APR_ARRAY_IDX(import->items, i, llm_price_item_t);
}

static const llm_price_skip_t *skip(const apr_array_header_t *list, int i)
{
    ck_assert_int_lt(i, list->nelts);
    return &APR_ARRAY_IDX(list, i, llm_price_skip_t);
}

static void check_number(const char *text, int shift, int how,
                         llm_money_t expected)
{
    llm_money_t money = -7;

    ck_assert_msg(llm_money_read_number(&money, text, strlen(text), shift)
                      == how,
                  "%s", text);
    ck_assert_msg(money == expected, "%s: %" APR_INT64_T_FMT, text, money);
}

START_TEST(numbers_are_read_without_floating_point)
{
    check_number("1.5e-06", 6, 1, 1500000000);
    check_number("2.5e-06", 6, 1, 2500000000);
    check_number("0.00000125", 6, 1, 1250000000);
    check_number("1E+1", 0, 1, 10000000000);
    check_number("0", 6, 1, 0);
    check_number("0.0", 6, 1, 0);
    check_number("3", 0, 1, 3000000000);
    check_number("7.500000000000001e-08", 6, 2, 75000000);
    check_number("1e-16", 6, 2, 0);
    check_number("5e-16", 6, 2, 1);
    check_number("4.9e-16", 6, 2, 0);
    check_number("1e-400", 6, 2, 0);
    check_number("9223372036.854775807", 0, 1, APR_INT64_MAX);
    check_number("9223372036.8547758075", 0, 0, -7);
    check_number("9223372036.854775808", 0, 0, -7);
    check_number("-1", 0, 0, -7);
    check_number("1e", 0, 0, -7);
    check_number("1e401", 0, 0, -7);
    check_number("", 0, 0, -7);
    check_number("nan", 0, 0, -7);
}
END_TEST

START_TEST(litellm_prices_become_ours)
{
    const llm_price_import_t *import = import_of(
        "{\"sample_spec\":{\"litellm_provider\":\"x\"},"
        "\"gpt-5\":{\"litellm_provider\":\"openai\",\"mode\":\"chat\","
        "\"input_cost_per_token\":1.25e-06,\"output_cost_per_token\":1e-05,"
        "\"cache_read_input_token_cost\":1.25e-07,"
        "\"input_cost_per_token_flex\":6.25e-07,"
        "\"output_cost_per_token_priority\":2e-05,"
        "\"input_cost_per_token_batches\":6.25e-07,"
        "\"input_cost_per_token_above_272k_tokens\":2.5e-06,"
        "\"input_cost_per_token_above_272k_tokens_priority\":5e-06,"
        "\"input_cost_per_token_above_x\":1,"
        "\"search_context_cost_per_query\":{}},"
        "\"groq/llama\":{\"litellm_provider\":\"groq\","
        "\"input_cost_per_token\":5e-08},"
        "\"claude\":{\"litellm_provider\":\"anthropic\","
        "\"input_cost_per_token\":3e-06,"
        "\"cache_creation_input_token_cost\":3.75e-06,"
        "\"cache_creation_input_token_cost_above_1hr\":6e-06,"
        "\"cache_creation_input_token_cost_above_1hr_above_200k_tokens\":"
        "1.2e-05,\"output_cost_per_reasoning_token\":1.5e-05,"
        "\"input_cost_per_audio_token\":1e-6,"
        "\"output_cost_per_audio_token\":2e-6,\"output_cost_per_image\":0.04,"
        "\"input_cost_per_request\":0.005},"
        "\"dall-e\":{\"litellm_provider\":\"openai\","
        "\"input_cost_per_pixel\":1.9e-08},"
        "\"nobody\":{\"input_cost_per_token\":1},"
        "\"bad\":{\"litellm_provider\":\"openai\","
        "\"input_cost_per_token\":\"1\"},"
        "\"openai/gpt-5\":{\"litellm_provider\":\"openai\","
        "\"input_cost_per_token\":1}}");

    ck_assert_str_eq(import->format, "litellm");
    ck_assert_ptr_null(import->as_of);
    ck_assert_int_eq(import->items->nelts, 3);
    ck_assert_str_eq(
        item(import, 0)->json,
        "{\"provider\":\"openai\",\"model\":\"gpt-5\",\"input\":\"1.25\","
        "\"cache_read\":\"0.125\",\"output\":\"10.00\","
        "\"tiers\":[{\"above\":272000,\"input\":\"2.50\"}],"
        "\"service_tiers\":{\"flex\":{\"input\":\"0.625\"},"
        "\"priority\":{\"output\":\"20.00\",\"tiers\":[{\"above\":272000,"
        "\"input\":\"5.00\"}]},\"batch\":{\"input\":\"0.625\"}}}");
    ck_assert_str_eq(item(import, 1)->json,
                     "{\"provider\":\"groq\",\"model\":\"llama\","
                     "\"input\":\"0.05\"}");
    ck_assert_str_eq(
        item(import, 2)->json,
        "{\"provider\":\"anthropic\",\"model\":\"claude\",\"input\":\"3.00\","
        "\"cache_write\":\"3.75\",\"cache_write_1h\":\"6.00\","
        "\"reasoning\":\"15.00\",\"audio_in\":\"1.00\",\"audio_out\":\"2.00\","
        "\"images\":\"0.04\",\"request\":\"0.005\","
        "\"tiers\":[{\"above\":200000,\"cache_write_1h\":\"12.00\"}]}");
    ck_assert_int_eq(import->skipped->nelts, 4);
    ck_assert_str_eq(skip(import->skipped, 0)->why,
                     "has no price for tokens, images or requests");
    ck_assert_str_eq(skip(import->skipped, 1)->why,
                     "litellm_provider: expected a string");
    ck_assert_str_eq(skip(import->skipped, 2)->why,
                     "input_cost_per_token: expected a price of zero or more");
    ck_assert_str_eq(skip(import->skipped, 3)->why,
                     "openai/gpt-5 is there already");
    ck_assert_str_eq(skip(import->ignored, 0)->name,
                     "input_cost_per_token_above_x");
    ck_assert_int_eq(import->ignored->nelts, 3);
}
END_TEST

START_TEST(models_dev_prices_become_ours)
{
    const llm_price_import_t *import = import_of(
        "{\"google\":{\"id\":\"google\",\"models\":{\"gemini-3\":{\"id\":"
        "\"gemini-3\",\"cost\":{\"input\":2,\"output\":12,\"cache_read\":0.2,"
        "\"input_audio\":1,\"context_over_200k\":{\"input\":4}}}}},"
        "\"openai\":{\"models\":{\"gpt-5.5\":{\"cost\":{\"input\":5,"
        "\"output\":30,\"reasoning\":30,\"tiers\":[{\"input\":10,"
        "\"tier\":{\"type\":\"context\",\"size\":272000}}],"
        "\"context_over_200k\":{\"input\":10}}},"
        "\"odd\":{\"cost\":{\"input\":1,\"tiers\":[{\"tier\":{\"type\":"
        "\"night\"}}]}},\"free\":{}}},\"broken\":{}}");

    ck_assert_str_eq(import->format, "models.dev");
    ck_assert_int_eq(import->items->nelts, 2);
    ck_assert_str_eq(item(import, 0)->json,
                     "{\"provider\":\"gemini\",\"model\":\"gemini-3\","
                     "\"input\":\"2.00\",\"cache_read\":\"0.20\","
                     "\"output\":\"12.00\",\"audio_in\":\"1.00\","
                     "\"tiers\":[{\"above\":200000,\"input\":\"4.00\"}]}");
    ck_assert_str_eq(item(import, 1)->json,
                     "{\"provider\":\"openai\",\"model\":\"gpt-5.5\","
                     "\"input\":\"5.00\",\"output\":\"30.00\","
                     "\"reasoning\":\"30.00\","
                     "\"tiers\":[{\"above\":272000,\"input\":\"10.00\"}]}");
    ck_assert_str_eq(skip(import->skipped, 0)->name, "openai/odd");
    ck_assert_str_eq(skip(import->skipped, 0)->why,
                     "has a tier that is not of the context's size");
    ck_assert_str_eq(skip(import->skipped, 1)->name, "openai/free");
    ck_assert_str_eq(skip(import->skipped, 2)->name, "broken");
}
END_TEST

START_TEST(our_own_list_is_taken_as_it_is)
{
    const llm_price_import_t *import =
        import_of("{\"as_of\":\"2026-11-01\",\"currency\":\"USD\",\"unit\":"
                  "\"per_million\",\"models\":[{\"provider\":\"a\", "
                  "\"model\":\"b*\",\"input\":\"1\"}]}");

    ck_assert_str_eq(import->format, "llm-gateway");
    ck_assert_str_eq(import->as_of, "2026-11-01");
    ck_assert_str_eq(item(import, 0)->json,
                     "{\"provider\":\"a\", "
                     "\"model\":\"b*\",\"input\":\"1\"}");
}
END_TEST

static void check_wrong(const char *text, const char *expected)
{
    llm_price_import_t *import = NULL;
    const char *wrong =
        llm_price_import(&import, text, strlen(text), unit_pool);

    ck_assert_ptr_null(import);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_msg(strstr(wrong, expected) == wrong, "%s", wrong);
}

START_TEST(other_files_are_refused)
{
    check_wrong("", "byte 0: ");
    check_wrong("[]", "expected a price list: ");
    check_wrong("{}", "expected a price list: ");
    check_wrong("{\"a\":1}", "expected a price list: ");
    check_wrong("{\"unit\":1}", "as_of: expected a date");
    check_wrong("{\"a\":{\"litellm_provider\":\"b\"}}",
                "there is no model with a price in it");
}
END_TEST

Suite *price_import_suite(void)
{
    Suite *suite = suite_create("price_import");
    TCase *tcase = tcase_create("formats");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, numbers_are_read_without_floating_point);
    tcase_add_test(tcase, litellm_prices_become_ours);
    tcase_add_test(tcase, models_dev_prices_become_ours);
    tcase_add_test(tcase, our_own_list_is_taken_as_it_is);
    tcase_add_test(tcase, other_files_are_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
