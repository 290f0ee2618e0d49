/* SPDX-License-Identifier: Apache-2.0 */
/* The commands object.*: whose something is that a provider keeps. */
#include "store/keep.h"
#include "test/unit/store/rig.h"

#include <string.h>

#include <apr_strings.h>

static llm_store_t *store;

static void open_all(void)
{
    rig_open();
    store = rig_store();
}

static void close_all(void)
{
    rig_store_close(store);
    rig_close();
}

static const char *ask(const char *request)
{
    return rig_ask(store, request);
}

static const char *owner(const char *id)
{
    return ask(apr_psprintf(unit_pool,
                            "{\"op\":\"object.owner\",\"ids\":[\"%s\"]}", id));
}

#define CLAIM(provider, id, key)                                               \
    "{\"op\":\"object.claim\",\"provider\":\"" provider "\",\"ids\":[\"" id    \
    "\"],\"key_id\":" key "}"

START_TEST(the_first_who_made_it_has_it)
{
    ask("{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"blue\"}");
    ck_assert_ptr_nonnull(strstr(owner("file-1"), "\"objects\":0"));
    ck_assert_ptr_nonnull(
        strstr(ask(CLAIM("openai", "file-1", "1")), "{\"done\":"));
    ask(CLAIM("openai", "file-1", "7"));
    ask(CLAIM("azure", "file-1", "7"));
    ask(CLAIM("openai", "file-11", "0"));
    ck_assert_ptr_nonnull(strstr(
        owner("file-1"),
        "{\"id\":\"file-1\",\"provider\":\"openai\",\"key_id\":1,\"team\":"
        "\"blue\""));
    ck_assert_ptr_nonnull(
        strstr(owner("file-1"), "\"provider\":\"azure\",\"key_id\":7"));
    ck_assert_ptr_nonnull(strstr(owner("file-1"), "\"objects\":2"));
    ck_assert_ptr_nonnull(
        strstr(owner("file-11"), "\"key_id\":0,\"team\":\"\""));
}
END_TEST

START_TEST(it_is_known_after_the_store_was_opened_again)
{
    ask(CLAIM("openai", "batch_1", "3"));
    ask("{\"op\":\"object.bill\",\"provider\":\"openai\",\"ids\":[\"batch_1\","
        "\"batch_2\"]}");
    rig_store_close(store);
    store = rig_store();
    ck_assert_ptr_nonnull(strstr(owner("batch_1"), "\"key_id\":3"));
    ck_assert_ptr_nonnull(strstr(owner("batch_1"), "\"billed\":true"));
    ck_assert_ptr_nonnull(strstr(owner("batch_2"), "\"objects\":0"));
}
END_TEST

START_TEST(what_is_forgotten_is_nobodys)
{
    ask(CLAIM("openai", "file-1", "1"));
    ask("{\"op\":\"object.forget\",\"provider\":\"azure\",\"ids\":[\"file-1\"]}");
    ck_assert_ptr_nonnull(strstr(owner("file-1"), "\"objects\":1"));
    ask("{\"op\":\"object.forget\",\"provider\":\"openai\",\"ids\":[\"file-1\","
        "\"file-2\"]}");
    ck_assert_ptr_nonnull(strstr(owner("file-1"), "\"objects\":0"));
}
END_TEST

START_TEST(wrong_requests_are_refused)
{
    static const char *const wrong[] = {
        "{\"op\":\"object.owner\"}",
        "{\"op\":\"object.owner\",\"ids\":\"a\"}",
        "{\"op\":\"object.owner\",\"ids\":[1]}",
        "{\"op\":\"object.owner\",\"ids\":[\"\"]}",
        "{\"op\":\"object.owner\",\"ids\":[\"a b\"]}",
        "{\"op\":\"object.owner\",\"ids\":[\"a\\u0000b\"]}",
        "{\"op\":\"object.claim\",\"ids\":[\"a\"],\"key_id\":1}",
        "{\"op\":\"object.claim\",\"provider\":\"\",\"ids\":[\"a\"]}",
        "{\"op\":\"object.claim\",\"provider\":\"x\",\"ids\":[\"a\"],"
        "\"key_id\":-1}",
        "{\"op\":\"object.forget\",\"provider\":\"x\",\"ids\":[\"a\"],"
        "\"key_id\":1}",
    };

    for (apr_size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); ++i) {
        ck_assert_msg(strstr(ask(wrong[i]), "\"code\":\"usage\"") != NULL, "%s",
                      wrong[i]);
    }
}
END_TEST

/* They are clients' doing, and there may be a million of them. */
START_TEST(they_are_not_in_the_audit)
{
    ask(CLAIM("openai", "file-1", "1"));
    ck_assert_ptr_nonnull(
        strstr(ask("{\"op\":\"audit\"}"), "{\"done\":{\"edits\":0"));
}
END_TEST

static void look_at_all(apr_time_t now)
{
    int more, rounds = 0;

    do {
        ck_assert_int_eq(llm_keep_step(&more, store, now), APR_SUCCESS);
    } while (more && ++rounds < 10);
    ck_assert_int_gt(rounds, 1);
    ck_assert_int_lt(rounds, 10);
}

/* A provider has forgotten them long before. */
START_TEST(old_responses_are_dropped_and_files_stay)
{
    apr_time_t now = apr_time_now();

    for (int i = 0; i < 5000; i += 500) {
        const char *ids = "";

        for (int j = i; j < i + 500; ++j) {
            ids = apr_psprintf(unit_pool, "%s%s\"resp_%04d\"", ids,
                               *ids ? "," : "", j);
        }
        ask(apr_psprintf(unit_pool,
                         "{\"op\":\"object.claim\",\"provider\":\"openai\","
                         "\"ids\":[%s],\"key_id\":1}",
                         ids));
    }
    ask(CLAIM("openai", "file-1", "1"));
    ask(CLAIM("openai", "response", "1"));
    look_at_all(now);
    ck_assert_ptr_nonnull(strstr(owner("resp_0000"), "\"objects\":1"));
    now += apr_time_from_sec(91 * 86400);
    look_at_all(now);
    ck_assert_ptr_nonnull(strstr(owner("resp_0000"), "\"objects\":0"));
    ck_assert_ptr_nonnull(strstr(owner("resp_4999"), "\"objects\":0"));
    ck_assert_ptr_nonnull(strstr(owner("file-1"), "\"objects\":1"));
    ck_assert_ptr_nonnull(strstr(owner("response"), "\"objects\":1"));
}
END_TEST

/* Its id is made of what it is about, so it may be put again. */
START_TEST(a_record_that_comes_again_counts_once_without_complaint)
{
    llm_journal_t *journal = rig_journal();
    llm_record_t record;

    rig_record(&record, 1);
    record.flags |= LLM_RECORD_AGAIN;
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    rig_drain(store);
    ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    rig_drain(store);
    ck_assert_ptr_nonnull(strstr(ask("{\"op\":\"status\"}"), "\"twice\":0"));
    ck_assert_ptr_nonnull(strstr(ask("{\"op\":\"usage\",\"since\":\"2000-01-01T"
                                     "00:00:00Z\"}"),
                                 "\"requests\":1"));
}
END_TEST

Suite *object_suite(void)
{
    Suite *suite = suite_create("object");
    TCase *owners = tcase_create("owners");

    tcase_add_checked_fixture(owners, open_all, close_all);
    tcase_add_test(owners, the_first_who_made_it_has_it);
    tcase_add_test(owners, it_is_known_after_the_store_was_opened_again);
    tcase_add_test(owners, what_is_forgotten_is_nobodys);
    tcase_add_test(owners, wrong_requests_are_refused);
    tcase_add_test(owners, old_responses_are_dropped_and_files_stay);
    tcase_add_test(owners, they_are_not_in_the_audit);
    tcase_add_test(owners,
                   a_record_that_comes_again_counts_once_without_complaint);
    suite_add_tcase(suite, owners);
    return suite;
}
