/* SPDX-License-Identifier: Apache-2.0 */
/* The price list: what is refused and why, what is found, what it costs. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_price.h"
#include "test/unit/core/random.h"

#define HEAD                                                                   \
    "{\"as_of\":\"2026-11-01\",\"currency\":\"USD\","                          \
    "\"unit\":\"per_million\",\"models\":["

static const char list[] = HEAD
    "{\"provider\":\"openai\",\"model\":\"gpt-4o\",\"input\":\"2.50\","
    " \"cache_read\":\"1.25\",\"output\":\"10.00\",\"note\":\"checked\"},"
    "{\"provider\":\"openai\",\"model\":\"gpt-4o*\",\"input\":\"9.00\"},"
    "{\"provider\":\"openai\",\"model\":\"gpt-4o-mini*\",\"input\":\"0.15\","
    " \"output\":\"0.60\"},"
    "{\"provider\":\"openai\",\"model\":\"*-audio\",\"input\":\"3.00\","
    " \"audio_in\":\"40.00\",\"output\":\"6.00\"},"
    "{\"provider\":\"mine\",\"model\":\"gpt-4o\",\"input\":\"1.00\","
    " \"output\":\"2.00\"},"
    "{\"provider\":\"gemini\",\"model\":\"pro\",\"input\":\"1.25\","
    " \"cache_read\":\"0.31\",\"output\":\"10.00\",\"images\":\"0.04\","
    " \"tiers\":[{\"above\":1000000,\"input\":\"4.00\"},"
    "            {\"above\":200000,\"input\":\"2.50\",\"output\":\"15\"}]},"
    "{\"provider\":\"anthropic\",\"model\":\"sonnet\",\"input\":\"3.00\","
    " \"cache_write\":\"3.75\",\"output\":\"15.00\"},"
    "{\"provider\":\"openai\",\"model\":\"embed\",\"input\":\"0.0375\"}]}";

static llm_prices_t *read_list(const char *text)
{
    llm_prices_t *prices = NULL;
    const char *wrong = llm_prices_read(&prices, text, strlen(text), unit_pool);

    ck_assert_msg(!wrong, "%s", wrong);
    ck_assert_ptr_nonnull(prices);
    return prices;
}

/* The whole text, or what stands between HEAD and "]}". */
static void check_wrong(const char *text, const char *expected)
{
    llm_prices_t *prices = NULL;
    const char *wrong = llm_prices_read(&prices, text, strlen(text), unit_pool);

    ck_assert_msg(wrong != NULL, "accepted: %s", text);
    ck_assert_str_eq(wrong, expected);
    ck_assert_ptr_null(prices);
}

static void check_wrong_models(const char *models, const char *expected)
{
    check_wrong(apr_pstrcat(unit_pool, HEAD, models, "]}", NULL), expected);
}

START_TEST(refuses_bad_lists)
{
    check_wrong("", "line 1: expected a value");
    check_wrong("{\n\"as_of\":\n}", "line 3: expected a value");
    check_wrong("[]", "as_of: expected a date such as \"2026-11-01\"");
    check_wrong("{\"as_of\":\"soon\"}",
                "as_of: expected a date such as \"2026-11-01\"");
    check_wrong("{\"as_of\":\"2026-11-01\",\"currency\":\"EUR\"}",
                "currency: expected \"USD\"");
    check_wrong("{\"as_of\":\"2026-11-01\",\"currency\":\"USD\"}",
                "unit: expected \"per_million\"");
    check_wrong("{\"as_of\":\"2026-11-01\",\"currency\":\"USD\","
                "\"unit\":\"per_million\",\"models\":{}}",
                "models: expected an array");
}
END_TEST

START_TEST(refuses_bad_entries)
{
    check_wrong_models("1", "models[0]: expected an object");
    check_wrong_models("{\"provider\":\"a\",\"model\":\"b\"},"
                       "{\"model\":\"b\"}",
                       "models[1].provider: expected a string");
    check_wrong_models("{\"provider\":\"a\",\"model\":\"\"}",
                       "models[0].model: expected a string");
    check_wrong_models("{\"provider\":\"a\",\"model\":\"a*b*\"}",
                       "models[0].model: has more than one \"*\"");
    check_wrong_models("{\"provider\":\"a\",\"model\":\"b\",\"input\":2.5}",
                       "models[0].input: expected a decimal string such as "
                       "\"2.50\"");
    check_wrong_models("{\"provider\":\"a\",\"model\":\"b\","
                       "\"output\":\"-1\"}",
                       "models[0].output: expected a decimal string such as "
                       "\"2.50\"");
    check_wrong_models("{\"provider\":\"a\",\"model\":\"b\",\"ouput\":\"1\"}",
                       "models[0]: unknown member \"ouput\"");
    check_wrong_models("{\"provider\":\"a\",\"model\":\"b\"},"
                       "{\"provider\":\"c\",\"model\":\"b\"},"
                       "{\"provider\":\"a\",\"model\":\"b\"}",
                       "models: \"b\" of \"a\" is there twice");
}
END_TEST

static void check_wrong_tiers(const char *tiers, const char *expected)
{
    check_wrong_models(
        apr_pstrcat(unit_pool, "{\"provider\":\"a\",\"model\":\"b\",\"tiers\":",
                    tiers, "}", NULL),
        expected);
}

START_TEST(refuses_bad_tiers)
{
    check_wrong_tiers("1", "models[0].tiers: expected an array of at most 16 "
                           "tiers");
    check_wrong_tiers("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
                      "models[0].tiers: expected an array of at most 16 "
                      "tiers");
    check_wrong_tiers("[1]", "models[0].tiers[0]: expected an object");
    check_wrong_tiers("[{\"above\":1},{}]",
                      "models[0].tiers[1].above: expected a number of tokens");
    check_wrong_tiers("[{\"above\":0}]",
                      "models[0].tiers[0].above: expected a number of tokens");
    check_wrong_tiers("[{\"above\":1,\"note\":\"x\"}]",
                      "models[0].tiers[0]: unknown member \"note\"");
    check_wrong_tiers("[{\"above\":1,\"input\":\"x\"}]",
                      "models[0].tiers[0].input: expected a decimal string "
                      "such as \"2.50\"");
    check_wrong_tiers("[{\"above\":5},{\"above\":7},{\"above\":5}]",
                      "models[0].tiers: two tiers above 5");
}
END_TEST

/* The model of the entry that is found, or "none". */
static const char *find(const llm_prices_t *prices, const char *provider,
                        const char *dialect, const char *model)
{
    llm_price_t price;

    const llm_price_book_t book = {.layer = {NULL, NULL, prices}};
    const llm_price_ask_t ask = {
        .provider = provider, .dialect = dialect, .model = model};

    if (!llm_price_find(&price, &book, &ask)) {
        return "none";
    }
    return apr_pstrcat(unit_pool, price.provider, "/", price.model, NULL);
}

START_TEST(finds_the_best_match)
{
    llm_prices_t *prices = read_list(list);

    ck_assert_str_eq(llm_prices_as_of(prices), "2026-11-01");
    ck_assert_str_eq(find(prices, "x", "openai", "gpt-4o"), "openai/gpt-4o");
    ck_assert_str_eq(find(prices, "x", "openai", "gpt-4o-2024"),
                     "openai/gpt-4o*");
    ck_assert_str_eq(find(prices, "x", "openai", "gpt-4o-mini-2024"),
                     "openai/gpt-4o-mini*");
    ck_assert_str_eq(find(prices, "x", "openai", "gpt-4o-mini-audio"),
                     "openai/gpt-4o-mini*");
    ck_assert_str_eq(find(prices, "x", "openai", "any-audio"),
                     "openai/*-audio");
    ck_assert_str_eq(find(prices, "x", "openai", "GPT-4o"), "none");
    ck_assert_str_eq(find(prices, "x", "openai", "pro"), "none");
}
END_TEST

START_TEST(prefers_the_provider_to_the_dialect)
{
    llm_prices_t *prices = read_list(list);

    ck_assert_str_eq(find(prices, "mine", "openai", "gpt-4o"), "mine/gpt-4o");
    ck_assert_str_eq(find(prices, "mine", "openai", "gpt-4o-x"),
                     "openai/gpt-4o*");
    ck_assert_str_eq(find(prices, NULL, "gemini", "pro"), "gemini/pro");
    ck_assert_str_eq(find(prices, "gemini", NULL, "pro"), "gemini/pro");
    ck_assert_str_eq(find(prices, "zzz", "aaa", "pro"), "none");
    ck_assert_str_eq(find(prices, NULL, NULL, "pro"), "none");
    ck_assert_str_eq(find(prices, "gemini", "gemini", NULL), "none");
    ck_assert_str_eq(find(NULL, "gemini", "gemini", "pro"), "none");
    ck_assert_str_eq(find(read_list(HEAD "]}"), "a", "b", "c"), "none");
}
END_TEST

static llm_price_t price_of(const llm_prices_t *prices, const char *provider,
                            const char *model, apr_int64_t input)
{
    const llm_price_book_t book = {.layer = {NULL, NULL, prices}};
    const llm_price_ask_t ask = {
        .provider = provider, .model = model, .input = input};
    llm_price_t price;

    ck_assert_int_eq(llm_price_find(&price, &book, &ask), 1);
    return price;
}

START_TEST(classes_fall_back)
{
    llm_prices_t *prices = read_list(list);
    llm_price_t price = price_of(prices, "anthropic", "sonnet", 0);

    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 3000000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_CACHE_READ], 3000000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_CACHE_WRITE], 3750000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_CACHE_WRITE_1H], 3750000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_AUDIO_IN], 3000000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_REASONING], 15000000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_AUDIO_OUT], 15000000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_IMAGES], LLM_MONEY_UNKNOWN);

    price = price_of(prices, "openai", "embed", 0);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 37500000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_OUTPUT], LLM_MONEY_UNKNOWN);
    ck_assert_int_eq(price.per_million[LLM_CLASS_REASONING], LLM_MONEY_UNKNOWN);
}
END_TEST

/* A tier begins above its mark, and replaces only what it names. */
START_TEST(tiers_apply_above_their_mark)
{
    llm_prices_t *prices = read_list(list);
    llm_price_t price = price_of(prices, "gemini", "pro", 200000);

    ck_assert_int_eq(price.above, 0);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 1250000000);
    price = price_of(prices, "gemini", "pro", 200001);
    ck_assert_int_eq(price.above, 200000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 2500000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_CACHE_WRITE], 2500000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_CACHE_READ], 310000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_OUTPUT], 15000000000);
    price = price_of(prices, "gemini", "pro", APR_INT64_MAX);
    ck_assert_int_eq(price.above, 1000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 4000000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_OUTPUT], 10000000000);
}
END_TEST

static llm_money_t cost(const llm_price_t *price, llm_class_e class,
                        apr_int64_t n)
{
    llm_usage_t usage;

    llm_usage_clear(&usage);
    llm_usage_set(&usage, class, n);
    return llm_price_cost(price, &usage);
}

START_TEST(costs_are_exact)
{
    llm_prices_t *prices = read_list(list);
    llm_price_t price = price_of(prices, "openai", "gpt-4o", 0);
    llm_usage_t usage;

    ck_assert_int_eq(cost(&price, LLM_CLASS_INPUT, 1), 2500);
    ck_assert_int_eq(cost(&price, LLM_CLASS_OUTPUT, 1000000), 10000000000);
    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_INPUT, 1000);
    llm_usage_set(&usage, LLM_CLASS_CACHE_READ, 3);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, 7);
    llm_usage_set(&usage, LLM_CLASS_REASONING, 2);
    ck_assert_int_eq(llm_price_cost(&price, &usage),
                     2500 * 1000 + 3 * 1250 + 9 * 10000);
    price = price_of(prices, "gemini", "pro", 0);
    ck_assert_int_eq(cost(&price, LLM_CLASS_IMAGES, 3), 120000000);
}
END_TEST

/* Once for the sum, not for each class. */
START_TEST(rounds_half_up_at_the_end)
{
    llm_price_t price = {.per_million = {[LLM_CLASS_INPUT] = 499999,
                                         [LLM_CLASS_OUTPUT] = 1,
                                         [LLM_CLASS_REASONING] = 500000}};
    llm_usage_t usage;

    ck_assert_int_eq(cost(&price, LLM_CLASS_INPUT, 1), 0);
    ck_assert_int_eq(cost(&price, LLM_CLASS_REASONING, 1), 1);
    ck_assert_int_eq(cost(&price, LLM_CLASS_REASONING, 3), 2);
    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_INPUT, 1);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, 1);
    ck_assert_int_eq(llm_price_cost(&price, &usage), 1);
}
END_TEST

/* Against arithmetic in 128 bits, where the compiler has it. */
START_TEST(costs_are_exact_for_any_numbers)
{
#ifdef __SIZEOF_INT128__
    test_random_t dice = test_random_make("price");
    int i, class;

    for (i = 0; i < 20000; ++i) {
        llm_price_t price = {.model = ""};
        llm_usage_t usage;
        unsigned __int128 sum = 500000;
        llm_money_t expected = APR_INT64_MAX;

        llm_usage_clear(&usage);
        for (class = 0; class < LLM_CLASS_IMAGES; ++class) {
            apr_uint64_t n = test_random(&dice) >> 1;
            apr_uint64_t each = test_random(&dice) >> 1;

            n >>= test_random_below(&dice, 63);
            each >>= test_random_below(&dice, 63);
            llm_usage_set(&usage, (llm_class_e) class, (apr_int64_t)n);
            price.per_million[class] = (llm_money_t)each;
            sum += (unsigned __int128)n * each;
        }
        if (sum / 1000000 < APR_INT64_MAX) {
            expected = (llm_money_t)(sum / 1000000);
        }
        if (llm_price_cost(&price, &usage) != expected) {
            ck_abort_msg("round %d", i);
        }
    }
#endif
}
END_TEST

START_TEST(costs_stick_at_the_maximum)
{
    llm_price_t price = {.per_million = {[LLM_CLASS_INPUT] = APR_INT64_MAX,
                                         [LLM_CLASS_OUTPUT] = APR_INT64_MAX,
                                         [LLM_CLASS_IMAGES] = APR_INT64_MAX}};
    llm_usage_t usage;
    int class;

    ck_assert_int_eq(cost(&price, LLM_CLASS_INPUT, APR_INT64_MAX),
                     APR_INT64_MAX);
    ck_assert_int_eq(cost(&price, LLM_CLASS_IMAGES, APR_INT64_MAX),
                     APR_INT64_MAX);
    ck_assert_int_eq(cost(&price, LLM_CLASS_IMAGES, 1), APR_INT64_MAX);
    ck_assert_int_eq(cost(&price, LLM_CLASS_INPUT, 1000000), APR_INT64_MAX);
    ck_assert_int_eq(cost(&price, LLM_CLASS_INPUT, 999999),
                     9223362813482738952);
    llm_usage_clear(&usage);
    for (class = 0; class < LLM_CLASSES; ++class) {
        price.per_million[class] = APR_INT64_MAX;
        llm_usage_set(&usage, (llm_class_e) class, APR_INT64_MAX);
    }
    ck_assert_int_eq(llm_price_cost(&price, &usage), APR_INT64_MAX);
}
END_TEST

START_TEST(unknown_is_not_zero)
{
    llm_price_t price = price_of(read_list(list), "openai", "embed", 0);
    llm_usage_t usage;

    llm_usage_clear(&usage);
    ck_assert_int_eq(llm_price_cost(&price, &usage), LLM_MONEY_UNKNOWN);
    ck_assert_int_eq(cost(&price, LLM_CLASS_OUTPUT, 1), LLM_MONEY_UNKNOWN);
    ck_assert_int_eq(cost(&price, LLM_CLASS_OUTPUT, 0), 0);
    ck_assert_int_eq(cost(&price, LLM_CLASS_INPUT, 2), 75);
    usage.n[LLM_CLASS_INPUT] = 2;
    usage.estimated = 1u << LLM_CLASS_INPUT;
    ck_assert_int_eq(llm_price_cost(&price, &usage), 75);
}
END_TEST

typedef struct count_t {
    unsigned entries, tiers;
} count_t;

static void count_entry(void *baton, const llm_price_t *price, unsigned tiers)
{
    count_t *count = baton;

    ck_assert_int_eq(price->above, 0);
    ++count->entries;
    count->tiers += tiers;
}

START_TEST(lists_entries)
{
    count_t count = {0, 0};

    llm_prices_each(read_list(list), count_entry, &count);
    ck_assert_uint_eq(count.entries, 8);
    ck_assert_uint_eq(count.tiers, 2);
}
END_TEST

START_TEST(loads_files)
{
    llm_prices_t *prices = NULL;
    const char *wrong = llm_prices_load(&prices, "/no/such/file", unit_pool);

    ck_assert_str_eq(wrong, "/no/such/file: No such file or directory");
    wrong = llm_prices_load(&prices, "/", unit_pool);
    ck_assert_ptr_nonnull(wrong);
    wrong = llm_prices_load(&prices, "/dev/null", unit_pool);
    ck_assert_ptr_nonnull(wrong);
    ck_assert_ptr_null(prices);
}
END_TEST

/* What a list says of one model, asked with a tier. */
static llm_price_t tier_of(const char *entry, const char *tier,
                           apr_int64_t input)
{
    const llm_price_book_t book = {
        .layer = {read_list(apr_pstrcat(unit_pool, HEAD, entry, "]}", NULL)),
                  NULL, NULL}};
    const llm_price_ask_t ask = {
        .provider = "a", .model = "m", .tier = tier, .input = input};
    llm_price_t price;

    ck_assert_int_eq(llm_price_find(&price, &book, &ask), 1);
    return price;
}

START_TEST(service_tiers_multiply_or_have_their_own)
{
    static const char entry[] =
        "{\"provider\":\"a\",\"model\":\"m\",\"input\":\"2.50\","
        "\"output\":\"10\",\"request\":\"0.01\",\"as_of\":\"2026-10-02\","
        "\"tiers\":[{\"above\":100,\"input\":\"5\"}],\"service_tiers\":{"
        "\"batch\":{\"multiply\":\"0.5\"},"
        "\"priority\":{\"input\":\"4.25\",\"tiers\":[{\"above\":200,"
        "\"output\":\"20\"}]}}}";
    llm_price_t price = tier_of(entry, NULL, 101);

    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 5000000000);
    ck_assert_int_eq(price.per_request, 10000000);
    ck_assert_str_eq(price.tiers, "batch,priority");
    ck_assert_str_eq(price.tier, "");
    ck_assert_int_eq(price.is_other_tier, 0);
    ck_assert_uint_eq(price.day, 20728);

    price = tier_of(entry, "batch", 101);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 2500000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_REASONING], 5000000000);
    ck_assert_int_eq(price.per_request, 5000000);
    ck_assert_str_eq(price.tier, "batch");

    /* its own tiers are in place of the standard ones */
    price = tier_of(entry, "priority", 101);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 4250000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_OUTPUT], 10000000000);
    price = tier_of(entry, "priority", 201);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 4250000000);
    ck_assert_int_eq(price.per_million[LLM_CLASS_OUTPUT], 20000000000);

    ck_assert_int_eq(tier_of(entry, "flex", 0).is_other_tier, 1);
    ck_assert_int_eq(tier_of(entry, "default", 0).is_other_tier, 0);
    ck_assert_int_eq(tier_of(entry, "standard", 0).is_other_tier, 0);
}
END_TEST

START_TEST(refuses_bad_service_tiers)
{
#define ENTRY(more) "{\"provider\":\"a\",\"model\":\"b\"," more "}"
    check_wrong_models(ENTRY("\"service_tiers\":[]"),
                       "models[0].service_tiers: expected an object of at most "
                       "8 tiers");
    check_wrong_models(ENTRY("\"service_tiers\":{\"\":{}}"),
                       "models[0].service_tiers: expected names of 1 to 15 "
                       "bytes, each once");
    check_wrong_models(ENTRY("\"service_tiers\":{\"x\":{},\"x\":{}}"),
                       "models[0].service_tiers: expected names of 1 to 15 "
                       "bytes, each once");
    check_wrong_models(ENTRY("\"service_tiers\":{\"x\":1}"),
                       "models[0].service_tiers.x: expected an object");
    check_wrong_models(ENTRY("\"service_tiers\":{\"x\":{\"multiply\":0.5}}"),
                       "models[0].service_tiers.x.multiply: expected a decimal "
                       "string such as \"0.5\"");
    check_wrong_models(ENTRY("\"service_tiers\":{\"x\":{\"multiply\":\"1\","
                             "\"input\":\"1\"}}"),
                       "models[0].service_tiers.x: expected either multiply or "
                       "prices");
    check_wrong_models(ENTRY("\"service_tiers\":{\"x\":{\"inpt\":\"1\"}}"),
                       "models[0].service_tiers.x: unknown member \"inpt\"");
    check_wrong_models(ENTRY("\"request\":1"),
                       "models[0].request: expected a decimal string such as "
                       "\"2.50\"");
    check_wrong_models(ENTRY("\"as_of\":\"today\""),
                       "models[0].as_of: expected a date such as "
                       "\"2026-11-01\"");
}
END_TEST

START_TEST(lists_lie_over_one_another)
{
    llm_price_book_t book = {
        .layer = {read_list(HEAD "{\"provider\":\"openai\",\"model\":\"m\","
                                 "\"input\":\"1\"}]}"),
                  read_list(HEAD "{\"provider\":\"openai\",\"model\":\"m\","
                                 "\"input\":\"2\"},{\"provider\":\"openai\","
                                 "\"model\":\"n\",\"input\":\"3\"}]}"),
                  read_list(list)}};
    llm_price_ask_t ask = {.provider = "x", .dialect = "openai", .model = "m"};
    llm_price_t price;

    ck_assert_int_eq(llm_price_find(&price, &book, &ask), 1);
    ck_assert_int_eq(price.per_million[LLM_CLASS_INPUT], 1000000000);
    ck_assert_int_eq(price.layer, LLM_PRICES_SET);
    ask.model = "n";
    ck_assert_int_eq(llm_price_find(&price, &book, &ask), 1);
    ck_assert_int_eq(price.layer, LLM_PRICES_IMPORTED);
    ask.model = "gpt-4o";
    ck_assert_int_eq(llm_price_find(&price, &book, &ask), 1);
    ck_assert_int_eq(price.layer, LLM_PRICES_FILE);
}
END_TEST

START_TEST(the_dearest_is_the_dearest_for_this_usage)
{
    llm_price_book_t book = {.layer = {NULL, NULL, read_list(list)}};
    llm_price_ask_t ask = {.provider = "x", .dialect = "openai"};
    llm_price_t price;
    llm_usage_t usage;

    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_INPUT, 1000000);
    ck_assert_int_eq(llm_price_dearest(&price, &book, &ask, &usage),
                     9000000000);
    ck_assert_str_eq(price.model, "gpt-4o*");
    /* that one has no price for output */
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, 1000000);
    ck_assert_int_eq(llm_price_dearest(&price, &book, &ask, &usage),
                     12500000000);
    ck_assert_str_eq(price.model, "gpt-4o");
    ask.dialect = "nobody";
    ck_assert_int_eq(llm_price_dearest(&price, &book, &ask, &usage),
                     LLM_MONEY_UNKNOWN);
}
END_TEST

static void check_sanity(void *baton, const llm_price_t *price, unsigned tiers)
{
    llm_money_t input = price->per_million[LLM_CLASS_INPUT];
    llm_money_t output = price->per_million[LLM_CLASS_OUTPUT];
    llm_money_t cached = price->per_million[LLM_CLASS_CACHE_READ];
    int *providers = baton;

    (void)tiers;
    *providers |= !strcmp(price->provider, "openai") ? 1 : 0;
    *providers |= !strcmp(price->provider, "anthropic") ? 2 : 0;
    *providers |= !strcmp(price->provider, "gemini") ? 4 : 0;
    ck_assert_msg(input > 0 && input < 1000000000000, "%s", price->model);
    ck_assert_msg(output == LLM_MONEY_UNKNOWN || output >= input, "%s",
                  price->model);
    ck_assert_msg(cached > 0 && cached <= input, "%s", price->model);
}

/* The list that is shipped. */
START_TEST(the_shipped_list_is_sound)
{
    llm_prices_t *prices = NULL;
    const char *path =
        apr_pstrcat(unit_pool, unit_source_dir(), "/../conf/prices.json", NULL);
    const char *wrong = llm_prices_load(&prices, path, unit_pool);
    int providers = 0;

    ck_assert_msg(!wrong, "%s", wrong);
    llm_prices_each(prices, check_sanity, &providers);
    ck_assert_int_eq(providers, 7);
    ck_assert_str_eq(find(prices, "x", "openai", "gpt-4o-2024-08-06"),
                     "openai/gpt-4o-20*");
    ck_assert_str_eq(find(prices, "x", "openai", "gpt-4o-2024-05-13"),
                     "openai/gpt-4o-2024-05-13");
    ck_assert_str_eq(find(prices, "x", "openai", "gpt-4o-unheard-of"), "none");
    ck_assert_int_eq(price_of(prices, "gemini", "gemini-2.5-pro", 200001)
                         .per_million[LLM_CLASS_INPUT],
                     2500000000);
}
END_TEST

Suite *price_suite(void)
{
    Suite *suite = suite_create("price");
    TCase *tcase = tcase_create("read");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, refuses_bad_lists);
    tcase_add_test(tcase, refuses_bad_entries);
    tcase_add_test(tcase, refuses_bad_tiers);
    tcase_add_test(tcase, refuses_bad_service_tiers);
    tcase_add_test(tcase, lists_entries);
    tcase_add_test(tcase, loads_files);
    tcase_add_test(tcase, the_shipped_list_is_sound);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("cost");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, finds_the_best_match);
    tcase_add_test(tcase, prefers_the_provider_to_the_dialect);
    tcase_add_test(tcase, classes_fall_back);
    tcase_add_test(tcase, service_tiers_multiply_or_have_their_own);
    tcase_add_test(tcase, lists_lie_over_one_another);
    tcase_add_test(tcase, the_dearest_is_the_dearest_for_this_usage);
    tcase_add_test(tcase, tiers_apply_above_their_mark);
    tcase_add_test(tcase, costs_are_exact);
    tcase_add_test(tcase, rounds_half_up_at_the_end);
    tcase_add_test(tcase, costs_are_exact_for_any_numbers);
    tcase_add_test(tcase, costs_stick_at_the_maximum);
    tcase_add_test(tcase, unknown_is_not_zero);
    suite_add_tcase(suite, tcase);
    return suite;
}
