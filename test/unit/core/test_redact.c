/* SPDX-License-Identifier: Apache-2.0 */
/* Redaction: no credential is left, whatever stands around it. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_key.h"
#include "core/llm_redact.h"

static void check(const char *text, const char *expected)
{
    ck_assert_str_eq(llm_redact(text, unit_pool), expected);
}

START_TEST(cuts_keys)
{
    check("Incorrect API key provided: sk-abcdEFGHijklMNOP1234. You can",
          "Incorrect API key provided: sk-abcd... You can");
    check("sk-proj-AAAABBBBCCCCDDDDEEEE", "sk-proj...");
    check("(sk-ant-api03-AAAABBBBCCCCDDDD)", "(sk-ant-...)");
    check("hf_abcdefghijklmnop", "hf_abcd...");
    check("AIzaSyA1234567890abcdef", "AIzaSyA1...");
    check("gsk_abcdefghijklmnop", "gsk_abcd...");
    check("sk-abc1****************wxyz", "sk-abc1...");
    check("x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "x=eyJhbGc...");
}
END_TEST

START_TEST(cuts_our_own_keys)
{
    char key[LLM_KEY_LENGTH + 1];
    const char *shown;

    ck_assert_int_eq(llm_key_generate(key), APR_SUCCESS);
    shown =
        llm_redact(apr_pstrcat(unit_pool, "key ", key, "!", NULL), unit_pool);
    ck_assert_uint_eq(strlen(shown), strlen("key llmgw-xxxx...!"));
    ck_assert_ptr_null(strstr(shown, key + 10));
}
END_TEST

START_TEST(cuts_what_follows_a_label)
{
    check("Authorization: Bearer abc", "Authorization: Bearer ...");
    check("bearer short", "bearer ...");
    check("Proxy-Authorization: Basic dXNlcjpwYXNz",
          "Proxy-Authorization: Basic ...");
    check("GET /v1beta/models?key=abc123&alt=sse HTTP",
          "GET /v1beta/models?key=...&alt=sse HTTP");
    check("{\"api_key\": \"abc123\"}", "{\"api_key\": \"...\"}");
    check("api-key: 0123456789abcdef", "api-key: ...");
    check("token=a,secret=b", "token=...,secret=...");
}
END_TEST

/* Some providers' keys are nothing but letters and digits. */
START_TEST(cuts_long_mixed_words)
{
    check("key a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6 end", "key a1B2... end");
    check("0123456789012345678901234567890123456789",
          "0123456789012345678901234567890123456789");
    check("req_011CSHoEeqs5C35K2UUqR7Fy", "req_011CSHoEeqs5C35K2UUqR7Fy");
    check("123e4567-e89b-12d3-a456-426614174000",
          "123e4567-e89b-12d3-a456-426614174000");
}
END_TEST

START_TEST(leaves_prose_alone)
{
    check("", "");
    check("The model `gpt-4o` does not exist.",
          "The model `gpt-4o` does not exist.");
    check("max_tokens: 4096 > 2048, task-oriented risk-free",
          "max_tokens: 4096 > 2048, task-oriented risk-free");
    check("sk-short", "sk-short");
    check("gr\xC3\xBC\xC3\x9F dich", "gr\xC3\xBC\xC3\x9F dich");
    check("Unexpected token: x", "Unexpected token: x");
}
END_TEST

START_TEST(control_characters_become_blanks)
{
    check("a\nb\tc\x1b[0m\x7f", "a b c [0m ");
}
END_TEST

START_TEST(bounds_text)
{
    char *text = apr_palloc(unit_pool, 10001);
    const char *shown;

    memset(text, ' ', 10000);
    text[10000] = '\0';
    shown = llm_redact(text, unit_pool);
    ck_assert_uint_eq(strlen(shown), 4096 + 3);
    memcpy(text + 4095, "\xC3\xA9", 2); /* across the border */
    shown = llm_redact(text, unit_pool);
    ck_assert_uint_eq(strlen(shown), 4095 + 3);
    ck_assert_str_eq(llm_redact(NULL, unit_pool), "");
}
END_TEST

/* A key that the bound cuts in two is still cut. */
START_TEST(keys_at_the_bound_are_cut)
{
    char *text = apr_palloc(unit_pool, 5001);
    apr_size_t place;

    for (place = 4000; place < 4096; ++place) {
        const char *shown;

        memset(text, ' ', 5000);
        text[5000] = '\0';
        memcpy(text + place, "sk-ABCDEFGHIJKLMNOPQRSTUVWXYZ", 29);
        shown = llm_redact(text, unit_pool);
        ck_assert_ptr_null(strstr(shown, "ABCDEFGH"));
    }
}
END_TEST

START_TEST(knows_secret_headers)
{
    ck_assert_int_eq(llm_redact_is_secret_header("authorization"), 1);
    ck_assert_int_eq(llm_redact_is_secret_header("X-API-Key"), 1);
    ck_assert_int_eq(llm_redact_is_secret_header("x-goog-api-key"), 1);
    ck_assert_int_eq(llm_redact_is_secret_header("X-Client-API-Key"), 1);
    ck_assert_int_eq(llm_redact_is_secret_header("api-key"), 1);
    ck_assert_int_eq(llm_redact_is_secret_header("Cookie"), 1);
    ck_assert_int_eq(llm_redact_is_secret_header("x-request-id"), 0);
    ck_assert_int_eq(llm_redact_is_secret_header("anthropic-version"), 0);
}
END_TEST

Suite *redact_suite(void)
{
    Suite *suite = suite_create("redact");
    TCase *tcase = tcase_create("text");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, cuts_keys);
    tcase_add_test(tcase, cuts_our_own_keys);
    tcase_add_test(tcase, cuts_what_follows_a_label);
    tcase_add_test(tcase, cuts_long_mixed_words);
    tcase_add_test(tcase, leaves_prose_alone);
    tcase_add_test(tcase, control_characters_become_blanks);
    tcase_add_test(tcase, bounds_text);
    tcase_add_test(tcase, keys_at_the_bound_are_cut);
    tcase_add_test(tcase, knows_secret_headers);
    suite_add_tcase(suite, tcase);
    return suite;
}
