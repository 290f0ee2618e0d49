/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns with one star. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_pattern.h"

/* What the star stood for, or NULL. */
static const char *match(const char *pattern, const char *name)
{
    llm_bytes_t matched = {NULL, 0};

    if (!llm_pattern_match(pattern, name, &matched)) {
        ck_assert_int_eq(llm_pattern_match(pattern, name, NULL), 0);
        return NULL;
    }
    ck_assert_int_eq(llm_pattern_match(pattern, name, NULL), 1);
    return apr_pstrndup(unit_pool, matched.data, matched.len);
}

START_TEST(checks_patterns)
{
    ck_assert_ptr_null(llm_pattern_check("a"));
    ck_assert_ptr_null(llm_pattern_check("*"));
    ck_assert_ptr_null(llm_pattern_check("a*b"));
    ck_assert_str_eq(llm_pattern_check(""), "is empty");
    ck_assert_str_eq(llm_pattern_check(NULL), "is empty");
    ck_assert_str_eq(llm_pattern_check("a**"), "has more than one \"*\"");
    ck_assert_str_eq(llm_pattern_check("*a*"), "has more than one \"*\"");
}
END_TEST

START_TEST(matches)
{
    ck_assert_str_eq(match("openai/*", "openai/gpt-4o"), "gpt-4o");
    ck_assert_str_eq(match("openai/*", "openai/"), "");
    ck_assert_str_eq(match("*-latest", "gpt-latest"), "gpt");
    ck_assert_str_eq(match("gpt*mini", "gpt-4o-mini"), "-4o-");
    ck_assert_str_eq(match("*", "any/thing"), "any/thing");
    ck_assert_str_eq(match("*", ""), "");
    ck_assert_str_eq(match("exact", "exact"), "");
    ck_assert_str_eq(match("a*", "a*"), "*");
}
END_TEST

START_TEST(does_not_match)
{
    ck_assert_ptr_null(match("openai/*", "openai"));
    ck_assert_ptr_null(match("exact", "exactly"));
    ck_assert_ptr_null(match("exact", "exac"));
    ck_assert_ptr_null(match("ab*ba", "aba")); /* the ends may not overlap */
    ck_assert_ptr_null(match("*-latest", "gpt-latest2"));
    ck_assert_ptr_null(match("gpt*", "GPT-4"));
}
END_TEST

START_TEST(ranks)
{
    ck_assert_int_gt(llm_pattern_rank("a"), llm_pattern_rank("aaaaaaaaaaa*"));
    ck_assert_int_gt(llm_pattern_rank("gpt-4o-mini*"),
                     llm_pattern_rank("gpt-4*"));
    ck_assert_int_gt(llm_pattern_rank("a*"), llm_pattern_rank("*"));
    ck_assert_int_eq(llm_pattern_rank("*"), 0);
    ck_assert_int_eq(llm_pattern_rank("ab*"), llm_pattern_rank("a*b"));
}
END_TEST

START_TEST(exact_names_outrank_the_longest_pattern)
{
    char *pattern = apr_palloc(unit_pool, 100001);

    memset(pattern, 'x', 100000);
    pattern[99999] = '*';
    pattern[100000] = '\0';
    ck_assert_int_gt(llm_pattern_rank("a"), llm_pattern_rank(pattern));
}
END_TEST

START_TEST(fills)
{
    llm_bytes_t matched = {"gpt-4o!!", 6};

    ck_assert_str_eq(llm_pattern_fill("*", matched, unit_pool), "gpt-4o");
    ck_assert_str_eq(llm_pattern_fill("a/*/b", matched, unit_pool),
                     "a/gpt-4o/b");
    ck_assert_str_eq(llm_pattern_fill("fixed", matched, unit_pool), "fixed");
    ck_assert_str_eq(llm_pattern_fill("a*", (llm_bytes_t){NULL, 0}, unit_pool),
                     "a");
}
END_TEST

START_TEST(lists)
{
    ck_assert_int_eq(llm_pattern_list_has("", "any", unit_pool), 1);
    ck_assert_int_eq(llm_pattern_list_has("a,gpt-*", "gpt-4o", unit_pool), 1);
    ck_assert_int_eq(llm_pattern_list_has("a, b", "b", unit_pool), 1);
    ck_assert_int_eq(llm_pattern_list_has("a,b", "ab", unit_pool), 0);
    /* a request that names no model is not among them */
    ck_assert_int_eq(llm_pattern_list_has("a,b", "", unit_pool), 0);
}
END_TEST

Suite *pattern_suite(void)
{
    Suite *suite = suite_create("pattern");
    TCase *tcase = tcase_create("star");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, checks_patterns);
    tcase_add_test(tcase, matches);
    tcase_add_test(tcase, does_not_match);
    tcase_add_test(tcase, ranks);
    tcase_add_test(tcase, exact_names_outrank_the_longest_pattern);
    tcase_add_test(tcase, fills);
    tcase_add_test(tcase, lists);
    suite_add_tcase(suite, tcase);
    return suite;
}
