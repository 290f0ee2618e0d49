/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl secret: what leaves it is sealed, and nothing of it is shown. */
#include "test/unit/ctl/fake.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_env.h>
#include <apr_strings.h>

#include "store/master.h"

#define TYPED "sk-typed-0123456789"

static char folder[] = "/tmp/llmgw-secret-XXXXXX";
static const char *path;

static void open_folder(void)
{
    fake_open();
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    path = apr_pstrcat(unit_pool, folder, "/key", NULL);
    apr_env_set("LLMGW_MASTER_KEY", path, unit_pool);
    fake.typed = TYPED;
}

static void close_folder(void)
{
    unlink(path);
    rmdir(folder);
    fake_close();
}

/* The fake store gives the same answer to each request. */
static const char *const none[] = {"{\"done\":{\"secrets\":0}}", NULL};

START_TEST(what_is_sent_is_sealed_with_the_key_of_the_file)
{
    unsigned char sealed[LLM_SEALED_MAX];
    char opened[LLM_SECRET_MAX + 1];
    llm_master_file_t file;
    const char *what, *hex;
    apr_size_t sealed_len, len;

    fake.answer = none;
    ck_assert_int_eq(fake_run("secret set openai"), CTL_DONE);
    ck_assert_str_eq(fake.out, "openai: stored\n");
    ck_assert_ptr_nonnull(strstr(fake.prompt, "openai"));
    ck_assert_ptr_null(strstr(fake.request, "typed"));
    ck_assert_str_eq(fake_asked("op"), "\"secret.set\"");
    hex = fake_asked("sealed") + 1;
    ck_assert(llm_hex_read(sealed, sizeof(sealed), &sealed_len, hex,
                           strlen(hex) - 1));
    ck_assert_int_eq(
        llm_master_open(&file, path, LLM_MASTER_READ, &what, unit_pool),
        APR_SUCCESS);
    ck_assert_int_eq(
        llm_unseal(opened, &len, &file.masters, "openai", sealed, sealed_len),
        APR_SUCCESS);
    ck_assert_str_eq(opened, TYPED);
}
END_TEST

START_TEST(nothing_is_made_for_what_is_no_secret)
{
    fake.typed = "two words";
    ck_assert_int_eq(fake_run("secret set openai"), CTL_USAGE);
    ck_assert_ptr_nonnull(strstr(fake.err, "not one word"));
    ck_assert_ptr_null(fake.dir);
    ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_new_key_is_not_made_beside_secrets_of_another)
{
    static const char *const rows[] = {
        "{\"row\":{\"name\":\"a\",\"master\":\"0011223344556677\"}}",
        "{\"done\":{\"secrets\":1}}", NULL};

    fake.answer = rows;
    ck_assert_int_eq(fake_run("secret set openai"), CTL_REFUSED);
    ck_assert_ptr_nonnull(strstr(fake.err, "0011223344556677"));
    ck_assert_str_eq(fake_asked("op"), "\"secret.list\"");
    ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_store_out_of_reach_leaves_no_key_behind)
{
    fake.open_status = APR_EACCES;
    fake.what = "closed";
    ck_assert_int_eq(fake_run("secret set openai"), CTL_UNREACHABLE);
    ck_assert_int_lt(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_rotation_leaves_one_new_key)
{
    llm_master_file_t before, after;
    const char *what;

    ck_assert_int_eq(llm_master_create(path, &what, unit_pool), APR_SUCCESS);
    llm_master_open(&before, path, LLM_MASTER_READ, &what, unit_pool);
    fake.answer = none;
    ck_assert_int_eq(fake_run("secret rotate --json"), CTL_DONE);
    ck_assert_ptr_nonnull(strstr(fake.out, "\"secrets\":0"));
    llm_master_open(&after, path, LLM_MASTER_READ, &what, unit_pool);
    ck_assert_uint_eq(after.masters.count, 1);
    ck_assert_mem_ne(after.masters.list[0].key, before.masters.list[0].key,
                     LLM_MASTER_KEY);
}
END_TEST

START_TEST(a_key_that_was_made_is_not_made_again)
{
    const char *what;

    ck_assert_int_eq(llm_master_create(path, &what, unit_pool), APR_SUCCESS);
    ck_assert_int_eq(llm_master_create(path, &what, unit_pool), APR_EEXIST);
}
END_TEST

START_TEST(who_writes_secrets_keeps_a_rotation_waiting)
{
    llm_master_file_t one, other;
    const char *what;

    ck_assert_int_eq(llm_master_create(path, &what, unit_pool), APR_SUCCESS);
    ck_assert_int_eq(
        llm_master_open(&one, path, LLM_MASTER_SHARE, &what, unit_pool),
        APR_SUCCESS);
    ck_assert_int_eq(
        llm_master_open(&other, path, LLM_MASTER_SHARE, &what, unit_pool),
        APR_SUCCESS);
    llm_master_close(&other);
    llm_master_close(&one);
    ck_assert_int_eq(
        llm_master_open(&one, path, LLM_MASTER_ALONE, &what, unit_pool),
        APR_SUCCESS);
    one.masters.count = 1;
    ck_assert_int_eq(llm_master_replace(&one, &what, unit_pool), APR_SUCCESS);
    ck_assert_int_eq(
        llm_master_open(&other, path, LLM_MASTER_SHARE, &what, unit_pool),
        APR_EBUSY);
    llm_master_close(&one);
    ck_assert_int_eq(
        llm_master_open(&other, path, LLM_MASTER_SHARE, &what, unit_pool),
        APR_SUCCESS);
    llm_master_close(&other);
}
END_TEST

Suite *secret_suite(void)
{
    Suite *suite = suite_create("secret");
    TCase *set = tcase_create("set");
    TCase *file = tcase_create("file");

    tcase_add_checked_fixture(set, open_folder, close_folder);
    tcase_add_test(set, what_is_sent_is_sealed_with_the_key_of_the_file);
    tcase_add_test(set, nothing_is_made_for_what_is_no_secret);
    tcase_add_test(set, a_new_key_is_not_made_beside_secrets_of_another);
    tcase_add_test(set, a_store_out_of_reach_leaves_no_key_behind);
    suite_add_tcase(suite, set);
    tcase_add_checked_fixture(file, open_folder, close_folder);
    tcase_set_timeout(file, 30);
    tcase_add_test(file, a_rotation_leaves_one_new_key);
    tcase_add_test(file, a_key_that_was_made_is_not_made_again);
    tcase_add_test(file, who_writes_secrets_keeps_a_rotation_waiting);
    suite_add_tcase(suite, file);
    return suite;
}
