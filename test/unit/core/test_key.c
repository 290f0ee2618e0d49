/* SPDX-License-Identifier: Apache-2.0 */
/* Client keys: shape, hash, names. */
#include "test/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/llm_key.h"

START_TEST(generates_keys)
{
    char key[LLM_KEY_LENGTH + 1], other[LLM_KEY_LENGTH + 1];

    ck_assert_int_eq(llm_key_generate(key), APR_SUCCESS);
    ck_assert_uint_eq(strlen(key), LLM_KEY_LENGTH);
    ck_assert_int_eq(strncmp(key, LLM_KEY_PREFIX, strlen(LLM_KEY_PREFIX)), 0);
    ck_assert_uint_eq(strspn(key + strlen(LLM_KEY_PREFIX),
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                             "uvwxyz0123456789-_"),
                      43);
    ck_assert_int_eq(llm_key_generate(other), APR_SUCCESS);
    ck_assert_str_ne(key, other);
}
END_TEST

/* Every place takes many letters; the last one holds four bits only. */
START_TEST(keys_use_all_their_bits)
{
    char key[LLM_KEY_LENGTH + 1];
    unsigned char seen[43][256] = {{0}};
    int i, place, letter, letters;

    for (i = 0; i < 2000; ++i) {
        ck_assert_int_eq(llm_key_generate(key), APR_SUCCESS);
        for (place = 0; place < 43; ++place) {
            seen[place][(unsigned char)key[6 + place]] = 1;
        }
    }
    for (place = 0; place < 43; ++place) {
        for (letters = letter = 0; letter < 256; ++letter) {
            letters += seen[place][letter];
        }
        ck_assert_int_eq(letters, place < 42 ? 64 : 16);
    }
}
END_TEST

static void check_digest(const char *text, apr_size_t len, const char *hex)
{
    llm_key_hash_t hash;
    char digits[2 * LLM_KEY_HASH + 1];
    int i;

    llm_key_digest(&hash, text, len);
    for (i = 0; i < LLM_KEY_HASH; ++i) {
        snprintf(digits + 2 * i, 3, "%02x", hash.bytes[i]);
    }
    ck_assert_str_eq(digits, hex);
}

/* The first two are known answers; the third one has a NUL in it. */
START_TEST(digests_are_sha256)
{
    check_digest("", 0,
                 "e3b0c44298fc1c149afbf4c8996fb924"
                 "27ae41e4649b934ca495991b7852b855");
    check_digest("abc", 3,
                 "ba7816bf8f01cfea414140de5dae2223"
                 "b00361a396177a9cb410ff61f20015ad");
    check_digest("a\0c", 3,
                 "b179f49283f586ae1922b625af4017ae"
                 "cdf77e7ee175c0af675abea14252a666");
}
END_TEST

static void *digest_many(void *failed)
{
    llm_key_hash_t first, again;
    int i;

    llm_key_digest(&first, "key", 3);
    for (i = 0; i < 5000; ++i) {
        llm_key_digest(&again, "key", 3);
        if (memcmp(&first, &again, sizeof(first))) {
            *(int *)failed = 1;
        }
    }
    return NULL;
}

START_TEST(threads_digest_at_once)
{
    pthread_t threads[4];
    int failed[4] = {0}, i;

    for (i = 0; i < 4; ++i) {
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, digest_many, &failed[i]), 0);
    }
    for (i = 0; i < 4; ++i) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(failed[i], 0);
    }
}
END_TEST

START_TEST(checks_names)
{
    static const char long_name[] = "0123456789012345678901234567890123456789"
                                    "0123456789012345678901234";

    ck_assert_ptr_null(llm_key_check_name("a"));
    ck_assert_ptr_null(llm_key_check_name("Team-A_1.prod"));
    ck_assert_ptr_null(llm_key_check_name(long_name + 1));
    ck_assert_str_eq(llm_key_check_name(long_name),
                     "is longer than 64 characters");
    ck_assert_str_eq(llm_key_check_name(""), "is empty");
    ck_assert_str_eq(llm_key_check_name(NULL), "is empty");
    ck_assert_ptr_nonnull(llm_key_check_name("a b"));
    ck_assert_ptr_nonnull(llm_key_check_name("a/b"));
    ck_assert_ptr_nonnull(llm_key_check_name("a\n"));
    ck_assert_ptr_nonnull(llm_key_check_name("\xC3\xA9"));
}
END_TEST

START_TEST(random_bytes_differ)
{
    unsigned char one[64] = {0}, two[64] = {0};

    ck_assert_int_eq(llm_random(one, sizeof(one)), APR_SUCCESS);
    ck_assert_int_eq(llm_random(two, sizeof(two)), APR_SUCCESS);
    ck_assert_mem_ne(one, two, sizeof(one));
    ck_assert_int_eq(llm_random(one, 0), APR_SUCCESS);
}
END_TEST

Suite *key_suite(void)
{
    Suite *suite = suite_create("key");
    TCase *tcase = tcase_create("keys");

    tcase_add_test(tcase, generates_keys);
    tcase_add_test(tcase, keys_use_all_their_bits);
    tcase_add_test(tcase, digests_are_sha256);
    tcase_add_test(tcase, threads_digest_at_once);
    tcase_add_test(tcase, checks_names);
    tcase_add_test(tcase, random_bytes_differ);
    suite_add_tcase(suite, tcase);
    return suite;
}
