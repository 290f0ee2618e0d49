/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what passes: by rule of thumb, and by an encoding in pieces. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_buf.h"
#include "core/llm_tokens.h"
#include "test/unit/core/random.h"

#define SMALL LLMGW_TEST_SRCDIR "/vectors/tokens/vocabulary"

static llm_tokenizer_t tokenizer_of(const char *model)
{
    llm_vocabulary_t *vocabulary = NULL;

    ck_assert_ptr_null(llm_vocabulary_load(&vocabulary, SMALL, unit_pool));
    return llm_tokenizer_find(vocabulary, model);
}

static apr_int64_t request(const char *json, llm_tokenizer_t tokenizer)
{
    const llm_json_t *doc;

    ck_assert_int_eq(llm_json_read(&doc, json, strlen(json), NULL, unit_pool),
                     APR_SUCCESS);
    return llm_tokens_of_request(doc, tokenizer, unit_pool);
}

START_TEST(without_a_vocabulary_it_is_a_rule_of_thumb)
{
    llm_tokenizer_t none = llm_tokenizer_find(NULL, "gpt-4o");
    llm_tally_t tally = {0, 0, NULL};

    ck_assert_ptr_null(none.encoding);
    llm_tally_open(&tally, none, unit_pool);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("12345\\n78"), 0);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("\\u65e5日"), 0);
    ck_assert_int_eq(llm_tally_tokens(&tally), 2 + 2);
    ck_assert_int_eq(request("{\"model\":\"gpt-\",\"input\":\"abc\"}", none),
                     2);
}
END_TEST

START_TEST(a_model_has_its_own_encoding)
{
    static const struct {
        const char *model, *like;
    } models[] = {
        {"gpt-4o-mini", "gpt-4o"},
        {"gpt-4.1-nano", "gpt-4o"},
        {"gpt-5", "gpt-4o"},
        {"o3-mini", "gpt-4o"},
        {"chatgpt-4o-latest", "gpt-4o"},
        {"openai/gpt-4o", "gpt-4o"},
        {"gpt-4", "gpt-3.5-turbo"},
        {"gpt-4-turbo", "gpt-3.5-turbo"},
        {"gpt-4-0613", "gpt-3.5-turbo"},
        {"text-embedding-3-small", "gpt-3.5-turbo"},
        {"text-embedding-ada-002", "gpt-3.5-turbo"},
    };
    llm_vocabulary_t *vocabulary = NULL;

    ck_assert_ptr_null(llm_vocabulary_load(&vocabulary, SMALL, unit_pool));
    for (apr_size_t i = 0; i < sizeof(models) / sizeof(models[0]); ++i) {
        llm_tokenizer_t tokenizer =
            llm_tokenizer_find(vocabulary, models[i].model);

        ck_assert_ptr_eq(
            tokenizer.encoding,
            llm_tokenizer_find(vocabulary, models[i].like).encoding);
        ck_assert_uint_eq(tokenizer.percent, 100);
    }
    ck_assert_ptr_ne(llm_tokenizer_find(vocabulary, "gpt-4").encoding,
                     llm_tokenizer_find(vocabulary, "gpt-4o").encoding);
    ck_assert_ptr_nonnull(llm_tokenizer_find(vocabulary, "else").encoding);
    ck_assert_ptr_nonnull(llm_tokenizer_find(vocabulary, NULL).encoding);
}
END_TEST

/* Escapes, and far more than is kept before it is counted. */
START_TEST(a_text_in_pieces_counts_as_a_whole_one)
{
    static const char unit[] =
        "The cat's in the\\n\\n  hat: caf\\u00e9 日本 \\ud83d\\ude42 == 123. ";
    static const apr_size_t starts[] = {0, 4, 13, 16, 18, 24, 30};
    test_random_t dice = test_random_make("tokens");
    llm_tokenizer_t tokenizer = tokenizer_of("gpt-4o");
    llm_tally_t whole = {0, 0, NULL}, pieces = {0, 0, NULL};
    llm_buf_t *all = llm_buf_make(0, unit_pool);
    llm_text_t text;
    apr_size_t len = sizeof(unit) - 1;

    llm_tally_open(&whole, tokenizer, unit_pool);
    llm_tally_open(&pieces, tokenizer, unit_pool);
    for (int i = 0; i < 2000; ++i) {
        apr_size_t at = starts[test_random_below(&dice, 7)];
        llm_text_t head = {unit, at}, tail = {unit + at, len - at};

        llm_buf_append(all, unit, len);
        llm_tally_add(&pieces, head, 0);
        llm_tally_add(&pieces, tail, 0);
        if (i % 100 == 0) {
            ck_assert_int_gt(llm_tally_tokens(&pieces), 0);
        }
    }
    text.data = all->data;
    text.len = all->len;
    text = llm_text_escape(llm_text_decode(text, unit_pool).data,
                           llm_text_decode(text, unit_pool).len, unit_pool);
    llm_tally_add(&whole, text, 0);
    ck_assert_int_eq(llm_tally_tokens(&pieces), llm_tally_tokens(&whole));
    ck_assert_int_eq(
        llm_tally_tokens(&whole),
        (apr_int64_t)llm_bpe_encode(
            tokenizer.encoding, llm_text_decode(text, unit_pool).data,
            llm_text_decode(text, unit_pool).len, NULL, unit_pool));
}
END_TEST

START_TEST(texts_of_different_runs_do_not_merge)
{
    llm_tokenizer_t tokenizer = tokenizer_of("gpt-4o");
    llm_tally_t tally = {0, 0, NULL};

    llm_tally_open(&tally, tokenizer, unit_pool);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("a"), 1);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("b"), 1);
    ck_assert_int_eq(llm_tally_tokens(&tally), 1);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("c"), 2);
    ck_assert_int_eq(llm_tally_tokens(&tally), 2);
}
END_TEST

START_TEST(of_a_request_counts_what_a_model_reads)
{
    llm_tokenizer_t tokenizer = tokenizer_of("gpt-4o");

    /* "the" and "in" are tokens of their own, "he" as a role stands for one */
    ck_assert_int_eq(request("{\"model\":\"gpt-4o\",\"user\":\"somebody\","
                             "\"messages\":[{\"role\":\"he\","
                             "\"content\":\"the\"}]}",
                             tokenizer),
                     3 + 1 + 1 + 3);
    ck_assert_int_eq(request("{\"messages\":[{\"role\":\"he\",\"content\":["
                             "{\"type\":\"text\",\"text\":\"in\"},"
                             "{\"type\":\"image_url\",\"image_url\":"
                             "{\"url\":\"data:image/png;base64,AAAA\"}}]}]}",
                             tokenizer),
                     3 + 1 + 1 + 85 + 3);
    ck_assert_int_eq(
        request("{\"input\":[\"the\",\"in\"],\"model\":\"x\"}", tokenizer), 2);
    ck_assert_int_eq(request("{\"input\":[[1,2,3],[4]]}", tokenizer), 4);
    ck_assert_int_eq(
        request("{\"tools\":[{\"the\":{\"in\":\"or\"}}]}", tokenizer), 3);
    /* no member we know: all of it */
    ck_assert_int_eq(request("{\"text\":\"the\"}", tokenizer), 1);
    ck_assert_int_eq(llm_tokens_of_request(NULL, tokenizer, unit_pool), 0);
}
END_TEST

START_TEST(what_a_provider_puts_before_tools_is_counted)
{
    static const char *const with = "{\"tools\":[{\"name\":\"the\"}]}";
    static const char *const without = "{\"tools\":[]}";
    llm_tokenizer_t claude = tokenizer_of("claude-sonnet-4-5"), bare = claude;

    bare.tools = 0;
    ck_assert_int_eq(request(with, claude) - request(with, bare), 346);
    ck_assert_int_eq(request(without, claude), 0);
    /* by rule of thumb too */
    ck_assert_int_eq(
        request(with, llm_tokenizer_find(NULL, "claude-3-5-haiku-latest"))
            - request(with, llm_tokenizer_find(NULL, "gpt-4o")),
        264);
}
END_TEST

Suite *tokens_suite(void)
{
    Suite *suite = suite_create("tokens");
    TCase *thumb = tcase_create("thumb");
    TCase *encoded = tcase_create("encoded");

    tcase_add_checked_fixture(thumb, unit_pool_open, unit_pool_close);
    tcase_add_test(thumb, without_a_vocabulary_it_is_a_rule_of_thumb);
    suite_add_tcase(suite, thumb);
    tcase_add_checked_fixture(encoded, unit_pool_open, unit_pool_close);
    tcase_add_test(encoded, a_model_has_its_own_encoding);
    tcase_add_test(encoded, a_text_in_pieces_counts_as_a_whole_one);
    tcase_add_test(encoded, texts_of_different_runs_do_not_merge);
    tcase_add_test(encoded, of_a_request_counts_what_a_model_reads);
    tcase_add_test(encoded, what_a_provider_puts_before_tools_is_counted);
    suite_add_tcase(suite, encoded);
    return suite;
}
