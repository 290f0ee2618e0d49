/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of a request in its answer, by number and by name; and places in
 * texts that have gone by. How requests have them is in the vectors.
 */
#include <string.h>

#include "dialect/cite.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void must_have(const char *text, const char *part, const char *what)
{
    ck_assert_msg(text && strstr(text, part), "%s: no %s in %s", what, part,
                  text ? text : "(a problem)");
}

/* Cohere goes by names, Anthropic by numbers. */
START_TEST(documents_are_known_by_number_and_by_name)
{
    static const char wants[] =
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
        "\"content\":[{\"type\":\"document\",\"source\":{\"type\":\"text\","
        "\"media_type\":\"text/plain\",\"data\":\"abc\"},\"citations\":{"
        "\"enabled\":true}},{\"type\":\"document\",\"source\":{\"type\":"
        "\"text\",\"media_type\":\"text/plain\",\"data\":\"d\\u00e9f!\"},"
        "\"title\":\"D\",\"citations\":{\"enabled\":true}},{\"type\":"
        "\"search_result\",\"source\":\"kb/7\",\"title\":\"K\",\"content\":[{"
        "\"type\":\"text\",\"text\":\"x\"}],\"citations\":{\"enabled\":true}}]"
        "}]}";
    static const char cohere[] =
        "{\"id\":\"i\",\"finish_reason\":\"COMPLETE\",\"message\":{\"role\":"
        "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}],"
        "\"citations\":[{\"start\":0,\"end\":2,\"text\":\"Hi\",\"sources\":[{"
        "\"type\":\"document\",\"id\":\"doc:1\",\"document\":{\"id\":"
        "\"doc:1\",\"title\":\"D\",\"snippet\":\"d\\u00e9f!\"}},{\"type\":"
        "\"document\",\"id\":\"result:0\",\"document\":{\"id\":\"result:0\","
        "\"url\":\"kb/7\"}}],\"type\":\"TEXT_CONTENT\"}]}}";
    const llm_ask_t *ask = exchange_ask("anthropic", LLM_OP_CHAT, wants);
    llm_problem_t *problem = NULL;
    const char *answer = exchange_write("cohere", "anthropic", ask, cohere,
                                        strlen(cohere), &problem);

    must_have(answer,
              "{\"type\":\"char_location\",\"cited_text\":\"d\\u00e9f!\","
              "\"document_index\":1,\"document_title\":\"D\",\"file_id\":null,"
              "\"start_char_index\":0,\"end_char_index\":4}",
              "a number");
    must_have(answer,
              "{\"type\":\"search_result_location\",\"cited_text\":\"\","
              "\"source\":\"kb/7\",\"title\":\"K\",\"search_result_index\":0,"
              "\"start_block_index\":0,\"end_block_index\":1}",
              "a result's number");
}
END_TEST

/* In pieces, whose characters have one to four bytes. */
START_TEST(a_ruler_measures_what_has_gone_by)
{
    llm_ruler_t ruler = {.pool = unit_pool};
    static const int bytes[] = {0, 1, 3, 6, 10, 11};
    int i;

    llm_ruler_add(&ruler, LLM_TEXT_LITERAL("a\\u00e9"));
    llm_ruler_add(&ruler, LLM_TEXT_LITERAL("\xe2\x82\xac\\ud83d\\ude00b"));
    for (i = 0; i < (int)COUNT(bytes); ++i) {
        ck_assert_int_eq(llm_ruler_byte(&ruler, i), bytes[i]);
        ck_assert_int_eq(llm_ruler_char(&ruler, bytes[i]), i);
    }
    ck_assert_int_eq(llm_ruler_byte(&ruler, 99), 11);
    ck_assert_int_eq(llm_ruler_char(&ruler, -1), -1);
    for (i = 0; i < 20000; ++i) { /* more runs than are kept */
        llm_ruler_add(&ruler, LLM_TEXT_LITERAL("a\\u00e9"));
    }
    ck_assert_int_eq(llm_ruler_byte(&ruler, 5), 11);
    ck_assert_int_eq(llm_ruler_byte(&ruler, 40000), -1);
}
END_TEST

Suite *documents_suite(void)
{
    Suite *suite = suite_create("documents");
    TCase *tcase = tcase_create("documents");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, documents_are_known_by_number_and_by_name);
    tcase_add_test(tcase, a_ruler_measures_what_has_gone_by);
    suite_add_tcase(suite, tcase);
    return suite;
}
