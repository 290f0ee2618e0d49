/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are changed, rotated, and grouped into teams. */
#include "core/llm_key.h"
#include "store/inside.h"
#include "test/unit/store/rig.h"

#include <string.h>

#include <apr_strings.h>

static llm_store_t *store;
static llm_snapshot_t *snapshot;

/* With a snapshot, for ten secrets. */
static void open_all(void)
{
    apr_size_t size = llm_snapshot_size(10);

    rig_open();
    snapshot = llm_snapshot_format(apr_pcalloc(unit_pool, size), size);
    store = rig_store_with((llm_store_options_t){.snapshot = snapshot});
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

static void answers(const char *request, const char *wanted)
{
    rig_contains(ask(request), wanted);
}

static const char *secret_of(const char *answer)
{
    const char *begin = strstr(answer, "\"secret\":\"");

    ck_assert_msg(begin != NULL, "no secret in %s", answer);
    return apr_pstrmemdup(unit_pool, begin + 10, LLM_KEY_LENGTH);
}

/* What a child finds for a secret: its view, valid at that time or not. */
static int is_valid(const char *secret, apr_time_t when)
{
    llm_key_hash_t hash;
    llm_key_view_t view;

    llm_key_digest(&hash, secret, strlen(secret));
    return llm_snapshot_find(snapshot, &hash, &view) && !view.revoked
           && !(view.flags & LLM_KEY_DISABLED)
           && (!view.expires || view.expires > when);
}

#define HOUR apr_time_from_sec(3600)

START_TEST(both_secrets_are_valid_until_the_grace_is_over)
{
    const char *old = secret_of(ask("{\"op\":\"key.create\",\"name\":\"a\"}"));
    apr_time_t now = apr_time_now();
    const char *new = secret_of(
        ask("{\"op\":\"key.rotate\",\"name\":\"a\",\"grace\":\"2h\"}"));

    ck_assert_str_ne(old, new);
    ck_assert(is_valid(old, now + HOUR) && is_valid(new, now + HOUR));
    ck_assert(!is_valid(old, now + 3 * HOUR) && is_valid(new, now + 3 * HOUR));
    answers("{\"op\":\"key.list\"}", "{\"keys\":1}");
    answers("{\"op\":\"key.show\",\"name\":\"a\"}", "\"grace_until\":\"2");
    /* Another owner knows both too. */
    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.snapshot = snapshot});
    ck_assert(is_valid(old, now + HOUR) && is_valid(new, now + HOUR));
    ck_assert(!is_valid(old, now + 3 * HOUR));
}
END_TEST

START_TEST(what_ended_is_forgotten)
{
    const char *old = secret_of(ask("{\"op\":\"key.create\",\"name\":\"a\"}"));
    apr_time_t now = apr_time_now();

    ask("{\"op\":\"key.rotate\",\"name\":\"a\",\"grace\":\"2h\"}");
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 8);
    ck_assert_int_eq(llm_store_maintain(store, now + HOUR), APR_SUCCESS);
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 8);
    ck_assert_int_eq(llm_store_maintain(store, now + 3 * HOUR), APR_SUCCESS);
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 9);
    ck_assert(!is_valid(old, now));
    answers("{\"op\":\"key.show\",\"name\":\"a\"}", "\"grace_until\":null");
}
END_TEST

START_TEST(without_grace_only_the_newest_secret_is_valid)
{
    apr_time_t now = apr_time_now();
    const char *secrets[3];

    secrets[0] = secret_of(ask("{\"op\":\"key.create\",\"name\":\"a\"}"));
    secrets[1] = secret_of(ask("{\"op\":\"key.rotate\",\"name\":\"a\"}"));
    ck_assert(is_valid(secrets[0], now + 23 * HOUR));
    ck_assert(!is_valid(secrets[0], now + 25 * HOUR));
    secrets[2] = secret_of(
        ask("{\"op\":\"key.rotate\",\"name\":\"a\",\"grace\":\"0\"}"));
    ck_assert(!is_valid(secrets[0], now) && !is_valid(secrets[1], now));
    ck_assert(is_valid(secrets[2], now));
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 9);
}
END_TEST

START_TEST(a_rotation_that_is_sent_again_is_done_once)
{
    const char *request = "{\"op\":\"key.rotate\",\"id\":\"r\",\"name\":\"a\"}";
    apr_time_t now = apr_time_now();
    const char *old = secret_of(ask("{\"op\":\"key.create\",\"name\":\"a\"}"));
    const char *new = secret_of(ask(request)), *again = ask(request);

    rig_contains(again, "\"repeated\":true");
    ck_assert_ptr_null(strstr(again, "secret"));
    ck_assert(is_valid(old, now) && is_valid(new, now));
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 8);
}
END_TEST

START_TEST(former_secrets_are_bounded)
{
    int i;

    ask("{\"op\":\"key.create\",\"name\":\"a\"}");
    for (i = 0; i < LLM_FORMERS; ++i) {
        answers("{\"op\":\"key.rotate\",\"name\":\"a\"}", "secret");
    }
    answers("{\"op\":\"key.rotate\",\"name\":\"a\"}", "\"code\":\"refused\"");
    answers("{\"op\":\"key.rotate\",\"name\":\"a\",\"grace\":\"367d\"}",
            "grace: expected at most 366d");
    answers("{\"op\":\"key.rotate\",\"name\":\"a\",\"grace\":\"0\"}", "secret");
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 9);
}
END_TEST

START_TEST(every_secret_shares_its_keys_fate)
{
    apr_time_t now = apr_time_now();
    const char *old = secret_of(ask("{\"op\":\"key.create\",\"name\":\"a\"}"));
    const char *new = secret_of(ask("{\"op\":\"key.rotate\",\"name\":\"a\"}"));

    answers("{\"op\":\"key.disable\",\"name\":\"a\"}", "\"disabled\"");
    ck_assert(!is_valid(old, now) && !is_valid(new, now));
    answers("{\"op\":\"key.enable\",\"name\":\"a\"}", "\"active\"");
    ck_assert(is_valid(old, now) && is_valid(new, now));
    answers("{\"op\":\"key.revoke\",\"name\":\"a\"}", "\"revoked\"");
    ck_assert(!is_valid(old, now) && !is_valid(new, now));
    answers("{\"op\":\"key.enable\",\"name\":\"a\"}", "cannot be undone");
    answers("{\"op\":\"key.rotate\",\"name\":\"a\"}", "cannot be undone");
    ask("{\"op\":\"key.delete\",\"name\":\"a\"}");
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 10);
}
END_TEST

START_TEST(an_update_changes_what_it_names)
{
    ask("{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"red\",\"note\":\"n\","
        "\"models\":\"x\",\"expires\":\"2100-01-01\"}");
    ask("{\"op\":\"key.create\",\"name\":\"b\"}");
    answers("{\"op\":\"key.update\",\"name\":\"a\",\"note\":\"other\"}",
            "\"team\":\"red\",\"note\":\"other\"");
    answers("{\"op\":\"key.update\",\"key_id\":1,\"team\":\"\",\"note\":\"\","
            "\"models\":\"\",\"expires\":\"never\",\"new_name\":\"c\"}",
            "\"name\":\"c\",\"team\":null,\"note\":null,");
    answers("{\"op\":\"key.show\",\"name\":\"c\"}",
            "\"models\":[],\"created\"");
    answers("{\"op\":\"key.show\",\"name\":\"c\"}", "\"expires\":null");
    answers("{\"op\":\"key.show\",\"name\":\"a\"}", "not_found");
    answers("{\"op\":\"key.update\",\"name\":\"c\",\"new_name\":\"b\"}",
            "\"code\":\"exists\"");
    answers("{\"op\":\"key.update\",\"name\":\"c\"}", "\"code\":\"usage\"");
    answers("{\"op\":\"key.update\",\"name\":\"c\",\"new_name\":\"a b\"}",
            "new_name:");
    answers("{\"op\":\"key.create\",\"name\":\"a\"}", "\"id\":3");
}
END_TEST

START_TEST(teams_are_made_listed_and_renamed)
{
    answers("{\"op\":\"team.create\",\"name\":\"red\",\"note\":\"n\"}",
            "{\"team\":{\"name\":\"red\",\"note\":\"n\",\"created\":\"2");
    answers("{\"op\":\"team.create\",\"name\":\"red\"}", "\"code\":\"exists\"");
    answers("{\"op\":\"team.create\",\"name\":\"a b\"}", "name:");
    ask("{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"red\"}");
    ask("{\"op\":\"key.create\",\"name\":\"b\",\"team\":\"blue\"}");
    answers("{\"op\":\"team.list\"}", "{\"row\":{\"name\":\"blue\"");
    answers("{\"op\":\"team.list\"}", "{\"done\":{\"teams\":2}}");
    answers("{\"op\":\"team.update\",\"name\":\"red\",\"new_name\":\"blue\"}",
            "\"code\":\"exists\"");
    answers("{\"op\":\"team.update\",\"name\":\"red\",\"new_name\":\"green\"}",
            "\"note\":\"n\"");
    answers("{\"op\":\"key.show\",\"name\":\"a\"}", "\"team\":\"green\"");
    answers("{\"op\":\"team.show\",\"name\":\"green\"}", "\"keys\":1");
    answers("{\"op\":\"team.show\",\"name\":\"red\"}", "not_found");
    answers("{\"op\":\"team.update\",\"name\":\"blue\"}", "\"code\":\"usage\"");
}
END_TEST

START_TEST(a_team_with_keys_is_not_deleted)
{
    ask("{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"red\"}");
    ask("{\"op\":\"key.create\",\"name\":\"b\",\"team\":\"red\"}");
    answers("{\"op\":\"team.delete\",\"name\":\"red\"}",
            "\"code\":\"refused\",\"message\":\"the team 'red' has 2 keys: a, "
            "b;");
    ask("{\"op\":\"key.delete\",\"name\":\"a\"}");
    ask("{\"op\":\"key.update\",\"name\":\"b\",\"team\":\"\"}");
    answers("{\"op\":\"team.delete\",\"name\":\"red\"}", "{\"done\":{\"team\"");
    answers("{\"op\":\"team.list\"}", "{\"teams\":0}");
    answers("{\"op\":\"team.delete\",\"name\":\"red\"}", "not_found");
}
END_TEST

START_TEST(usage_is_summed_by_team)
{
    ask("{\"op\":\"key.create\",\"name\":\"alice\"}");
    ask("{\"op\":\"key.create\",\"name\":\"bob\"}");
    ask("{\"op\":\"key.create\",\"name\":\"carol\"}");
    rig_put(rig_journal(), 0, 96); /* by these three, as often each */
    rig_drain(store);
    ask("{\"op\":\"key.update\",\"key_id\":1,\"team\":\"red\"}");
    ask("{\"op\":\"key.update\",\"key_id\":3,\"team\":\"red\"}");
    answers("{\"op\":\"usage\",\"by\":[\"team\"]}",
            "{\"row\":{\"team\":\"\",\"requests\":32,");
    answers("{\"op\":\"usage\",\"by\":[\"team\"]}",
            "{\"row\":{\"team\":\"red\",\"requests\":64,");
    answers("{\"op\":\"usage\",\"by\":[\"team\"]}", "{\"groups\":2,");
    answers("{\"op\":\"usage\",\"by\":[\"team\",\"key\"]}",
            "{\"row\":{\"team\":\"red\",\"key\":\"carol\",\"key_id\":3,"
            "\"requests\":32,");
    answers("{\"op\":\"usage\",\"team\":\"red\"}", "\"requests\":64,");
    answers("{\"op\":\"usage\",\"team\":\"\"}", "\"requests\":32,");
    answers("{\"op\":\"usage\",\"team\":\"red\",\"key\":\"bob\"}",
            "{\"row\":{\"requests\":0,");
    answers("{\"op\":\"usage\",\"team\":\"blue\",\"by\":[\"day\"]}",
            "{\"groups\":0,");
}
END_TEST

START_TEST(the_audit_tells_each_edit)
{
    const char *all;

    ask("{\"op\":\"key.create\",\"name\":\"alice\"}");
    ask("{\"op\":\"key.create\",\"name\":\"bob\"}");
    ask("{\"op\":\"key.rotate\",\"name\":\"bob\"}");
    all = ask("{\"op\":\"audit\"}");
    rig_contains(all, "\"uid\":4711,\"op\":\"key.create\",\"change\":{\"key\":{"
                      "\"id\":1,\"name\":\"alice\"");
    rig_contains(all, "{\"done\":{\"edits\":3}}");
    ck_assert_ptr_null(strstr(all, "secret"));
    ck_assert(strstr(all, "alice") < strstr(all, "key.rotate"));
    all = ask("{\"op\":\"audit\",\"limit\":2}");
    ck_assert_ptr_null(strstr(all, "alice"));
    ck_assert(strstr(all, "key.create") < strstr(all, "key.rotate"));
    answers("{\"op\":\"audit\",\"until\":\"2001-01-01\"}", "{\"edits\":0}");
    answers("{\"op\":\"audit\",\"since\":\"1h\"}", "{\"edits\":3}");
    answers("{\"op\":\"audit\",\"limit\":0}", "limit:");
}
END_TEST

static llm_on_abort_e policy_of(const char *secret, unsigned *pdrain_s)
{
    llm_key_hash_t hash;
    llm_key_view_t view;

    llm_key_digest(&hash, secret, strlen(secret));
    ck_assert(llm_snapshot_find(snapshot, &hash, &view));
    *pdrain_s = view.on_abort.drain_s;
    return view.on_abort.what;
}

START_TEST(a_keys_word_for_clients_that_leave_is_seen_by_children)
{
    const char *secret = secret_of(ask("{\"op\":\"key.create\",\"name\":\"a\","
                                       "\"on_client_abort\":\"drain=30s\"}"));
    unsigned drain_s;

    ck_assert_int_eq(policy_of(secret, &drain_s), LLM_ON_ABORT_DRAIN);
    ck_assert_uint_eq(drain_s, 30);
    answers("{\"op\":\"key.show\",\"name\":\"a\"}",
            "\"on_client_abort\":\"drain=30s\"");
    answers("{\"op\":\"key.update\",\"name\":\"a\","
            "\"on_client_abort\":\"never\"}",
            "on_client_abort: expected abort, drain, or drain= and a time");
    answers("{\"op\":\"key.update\",\"name\":\"a\",\"on_client_abort\":\"\"}",
            "\"on_client_abort\":null");
    ck_assert_int_eq(policy_of(secret, &drain_s), LLM_ON_ABORT_UNSAID);
}
END_TEST

Suite *keys_suite(void)
{
    Suite *suite = suite_create("keys");
    TCase *keys = tcase_create("keys");

    tcase_add_checked_fixture(keys, open_all, close_all);
    tcase_add_test(keys, both_secrets_are_valid_until_the_grace_is_over);
    tcase_add_test(keys, what_ended_is_forgotten);
    tcase_add_test(keys, without_grace_only_the_newest_secret_is_valid);
    tcase_add_test(keys, a_rotation_that_is_sent_again_is_done_once);
    tcase_add_test(keys, former_secrets_are_bounded);
    tcase_add_test(keys, every_secret_shares_its_keys_fate);
    tcase_add_test(keys, an_update_changes_what_it_names);
    tcase_add_test(keys, teams_are_made_listed_and_renamed);
    tcase_add_test(keys, a_team_with_keys_is_not_deleted);
    tcase_add_test(keys, usage_is_summed_by_team);
    tcase_add_test(keys, the_audit_tells_each_edit);
    tcase_add_test(keys,
                   a_keys_word_for_clients_that_leave_is_seen_by_children);
    suite_add_tcase(suite, keys);
    return suite;
}
