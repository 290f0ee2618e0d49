/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed secrets open under their key and their name, whole, or not at all. */
#include "test/unit/unit.h"

#include <string.h>

#include "core/llm_seal.h"

#define SECRET "sk-0123456789"

static llm_masters_t masters;
static unsigned char sealed[LLM_SEALED_MAX];
static apr_size_t sealed_len;
static char opened[LLM_SECRET_MAX + 1];

static void seal(const char *name, const char *secret, apr_size_t len)
{
    ck_assert_int_eq(llm_seal(sealed, &sealed_len, &masters, name, secret, len),
                     APR_SUCCESS);
}

static void make_master(void)
{
    masters.count = 1;
    ck_assert_int_eq(llm_master_make(&masters.list[0]), APR_SUCCESS);
    seal("openai", SECRET, strlen(SECRET));
}

static apr_status_t unseal(const char *name)
{
    apr_size_t len = 0;
    apr_status_t status =
        llm_unseal(opened, &len, &masters, name, sealed, sealed_len);

    ck_assert(status != APR_SUCCESS || strlen(opened) == len);
    return status;
}

START_TEST(what_was_sealed_opens)
{
    ck_assert_int_eq(unseal("openai"), APR_SUCCESS);
    ck_assert_str_eq(opened, SECRET);
}
END_TEST

START_TEST(no_two_sealings_are_alike)
{
    unsigned char first[LLM_SEALED_MAX];

    memcpy(first, sealed, sealed_len);
    seal("openai", SECRET, strlen(SECRET));
    ck_assert_int_ne(memcmp(first, sealed, sealed_len), 0);
    /* the nonce itself */
    ck_assert_int_ne(memcmp(first + 9, sealed + 9, 12), 0);
}
END_TEST

START_TEST(under_another_name_it_does_not_open)
{
    ck_assert_int_eq(unseal("openai2"), APR_EINVAL);
    ck_assert_int_eq(unseal("opena"), APR_EINVAL);
}
END_TEST

START_TEST(a_changed_bit_anywhere_is_seen)
{
    apr_size_t i;

    for (i = 0; i < 8 * sealed_len; ++i) {
        apr_status_t status;

        sealed[i / 8] ^= (unsigned char)(1 << i % 8);
        status = unseal("openai");
        /* the version and the key's id say more than "damaged" */
        ck_assert(status == APR_EINVAL || (i < 8 && status == APR_ENOTIMPL)
                  || (i >= 8 && i < 72 && status == APR_NOTFOUND));
        sealed[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    ck_assert_int_eq(unseal("openai"), APR_SUCCESS);
}
END_TEST

START_TEST(a_piece_of_it_does_not_open)
{
    while (sealed_len--) {
        ck_assert_int_eq(unseal("openai"), APR_EINVAL);
    }
}
END_TEST

START_TEST(another_key_is_told_from_damage)
{
    ck_assert_int_eq(llm_master_make(&masters.list[0]), APR_SUCCESS);
    ck_assert_int_eq(unseal("openai"), APR_NOTFOUND);
}
END_TEST

START_TEST(a_former_key_opens_and_does_not_seal)
{
    char id[LLM_MASTER_ID_TEXT], first[LLM_MASTER_ID_TEXT];

    masters.list[1] = masters.list[0];
    masters.count = 2;
    ck_assert_int_eq(llm_master_make(&masters.list[0]), APR_SUCCESS);
    ck_assert_int_eq(unseal("openai"), APR_SUCCESS);
    seal("openai", SECRET, strlen(SECRET));
    llm_master_id_print(id, llm_sealed_id(sealed, sealed_len));
    llm_master_id_print(first, masters.list[0].id);
    ck_assert_str_eq(id, first);
}
END_TEST

START_TEST(the_length_shows_as_a_multiple_of_64_only)
{
    char secret[LLM_SECRET_MAX + 1];
    apr_size_t len;

    memset(secret, 'x', sizeof(secret));
    for (len = 1; len <= LLM_SECRET_MAX; len += len < 200 ? 1 : 799) {
        seal("a", secret, len);
        ck_assert_uint_eq(sealed_len, 37 + (len + 2 + 63) / 64 * 64);
        ck_assert_int_eq(unseal("a"), APR_SUCCESS);
        ck_assert_uint_eq(strlen(opened), len);
    }
    seal("a", secret, LLM_SECRET_MAX);
    ck_assert_uint_eq(sealed_len, LLM_SEALED_MAX);
    ck_assert_int_eq(llm_seal(sealed, &sealed_len, &masters, "a", secret,
                              LLM_SECRET_MAX + 1),
                     APR_EINVAL);
}
END_TEST

START_TEST(a_master_key_file_is_read_as_it_was_written)
{
    char text[LLM_MASTERS_TEXT];
    llm_masters_t again;
    apr_size_t len;

    masters.count = 2;
    ck_assert_int_eq(llm_master_make(&masters.list[1]), APR_SUCCESS);
    len = llm_masters_print(text, &masters);
    ck_assert_ptr_null(llm_masters_read(&again, text, len));
    ck_assert_uint_eq(again.count, 2);
    ck_assert_mem_eq(again.list, masters.list, sizeof(masters.list));
    /* the last line's end may be missing */
    ck_assert_ptr_null(llm_masters_read(&again, text, len - 1));
}
END_TEST

START_TEST(what_is_no_master_key_file_is_refused)
{
    static const char *const texts[] = {
        "",
        "\n",
        "# nothing\n",
        "llm-gateway-master-1\n",
        "llm-gateway-master-1 00\n",
        "llm-gateway-master-2 "
        "0000000000000000000000000000000000000000000000000000000000000000\n",
        "llm-gateway-master-1 "
        "000000000000000000000000000000000000000000000000000000000000000g\n",
        "llm-gateway-master-1 "
        "00000000000000000000000000000000000000000000000000000000000000000\n",
    };
    llm_masters_t got;
    unsigned i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        ck_assert_msg(llm_masters_read(&got, texts[i], strlen(texts[i])),
                      "'%s'", texts[i]);
    }
}
END_TEST

START_TEST(a_secret_is_one_word)
{
    apr_size_t len = 5;

    ck_assert_ptr_null(llm_secret_check("abc\r\n", &len));
    ck_assert_uint_eq(len, 3);
    len = 3;
    ck_assert_ptr_nonnull(llm_secret_check("a b", &len));
    len = 3;
    ck_assert_ptr_nonnull(llm_secret_check("a\0b", &len));
    len = 3;
    ck_assert_ptr_nonnull(llm_secret_check("a\177b", &len));
    len = 12; /* a key file of a cloud's */
    ck_assert_ptr_null(llm_secret_check("{\n \"a\": 1\r\n}\n", &len));
    len = 6;
    ck_assert_ptr_nonnull(llm_secret_check("{ a\1 }", &len));
    len = 2;
    ck_assert_ptr_nonnull(llm_secret_check(" \n", &len));
    len = 0;
    ck_assert_ptr_nonnull(llm_secret_check("", &len));
}
END_TEST

Suite *seal_suite(void)
{
    Suite *suite = suite_create("seal");
    TCase *secrets = tcase_create("secrets");
    TCase *files = tcase_create("files");

    tcase_add_checked_fixture(secrets, make_master, NULL);
    tcase_add_test(secrets, what_was_sealed_opens);
    tcase_add_test(secrets, no_two_sealings_are_alike);
    tcase_add_test(secrets, under_another_name_it_does_not_open);
    tcase_add_test(secrets, a_changed_bit_anywhere_is_seen);
    tcase_add_test(secrets, a_piece_of_it_does_not_open);
    tcase_add_test(secrets, another_key_is_told_from_damage);
    tcase_add_test(secrets, a_former_key_opens_and_does_not_seal);
    tcase_add_test(secrets, the_length_shows_as_a_multiple_of_64_only);
    suite_add_tcase(suite, secrets);
    tcase_add_checked_fixture(files, make_master, NULL);
    tcase_add_test(files, a_master_key_file_is_read_as_it_was_written);
    tcase_add_test(files, what_is_no_master_key_file_is_refused);
    tcase_add_test(files, a_secret_is_one_word);
    suite_add_tcase(suite, files);
    return suite;
}
