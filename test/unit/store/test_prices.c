/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands price.*: what is in force afterwards, for who asks and for the
 * gateway's processes, who read a file and are told by a generation.
 */
#include "store/prices.h"
#include "test/unit/store/rig.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

static llm_store_t *store;
static llm_snapshot_t *snapshot;

static void open_store(void)
{
    apr_size_t size = llm_snapshot_size(10);

    snapshot = llm_snapshot_format(apr_pcalloc(unit_pool, size), size);
    store = rig_store_with((llm_store_options_t){.snapshot = snapshot});
}

static void open_all(void)
{
    rig_open();
    open_store();
}

static const char *set(const char *more)
{
    return apr_psprintf(unit_pool,
                        "{\"op\":\"price.set\",\"entry\":{\"provider\":"
                        "\"openai\",\"model\":\"gpt-4o\",\"input\":\"%s}}",
                        more);
}

static void fails(const char *request, const char *code, const char *words)
{
    const char *answer = rig_ask(store, request);

    rig_contains(answer,
                 apr_psprintf(unit_pool, "{\"error\":{\"code\":\"%s\"", code));
    rig_contains(answer, words);
}

/* Dollars of a million input tokens as a process of the gateway sees them;
 * NULL: it knows no price. */
static const char *published(const char *model)
{
    const llm_price_ask_t ask = {.provider = "openai", .model = model};
    llm_prices_t *lists[2];
    llm_price_book_t book = {{NULL}, 0};
    llm_price_t price;
    const char *wrong = llm_prices_published(&lists[0], &lists[1],
                                             rig_path("store"), unit_pool);

    ck_assert_msg(!wrong, "%s", wrong);
    book.layer[LLM_PRICES_SET] = lists[0];
    book.layer[LLM_PRICES_IMPORTED] = lists[1];
    return llm_price_find(&price, &book, &ask)
               ? llm_money_print(price.per_million[LLM_CLASS_INPUT], unit_pool)
               : NULL;
}

START_TEST(a_price_that_was_set_is_published)
{
    apr_uint64_t generation = llm_snapshot_prices(snapshot);
    const char *list;

    rig_contains(rig_ask(store, set("2.50\"")),
                 "{\"done\":{\"price\":{\"as_of\":");
    ck_assert_uint_eq(llm_snapshot_prices(snapshot), generation + 1);
    ck_assert_str_eq(published("gpt-4o"), "2.50");
    rig_ask(store, set("3\""));
    ck_assert_str_eq(published("gpt-4o"), "3.00");
    ck_assert_uint_eq(llm_snapshot_prices(snapshot), generation + 2);
    list = rig_ask(store, "{\"op\":\"price.list\"}");
    rig_contains(list, "{\"row\":{\"list\":\"set\",\"entry\":{\"as_of\":");
    rig_contains(list, "\"generation\":2,\"set\":1,\"imported\":0,"
                       "\"as_of\":null,\"imported_at\":null,"
                       "\"configured\":null}}");
    rig_ask(store, "{\"op\":\"price.unset\",\"provider\":\"openai\","
                   "\"model\":\"gpt-4o\"}");
    ck_assert_ptr_null(published("gpt-4o"));
    fails("{\"op\":\"price.unset\",\"provider\":\"openai\",\"model\":"
          "\"gpt-4o\"}",
          "not_found", "no price was set for 'gpt-4o' of 'openai'");
}
END_TEST

START_TEST(a_price_stays_over_a_restart)
{
    rig_ask(store, set("2.50\""));
    rig_store_close(store);
    unlink(rig_path("store/" LLM_PRICES_PUBLISHED));
    open_store();
    ck_assert_str_eq(published("gpt-4o"), "2.50");
    ck_assert_uint_eq(llm_snapshot_prices(snapshot), 1);
}
END_TEST

START_TEST(what_is_no_price_is_refused_by_its_member)
{
    fails("{\"op\":\"price.set\"}", "usage", "entry: expected an object");
    fails("{\"op\":\"price.set\",\"entry\":{}}", "usage", "entry");
    fails(set("x\""), "usage", "entry.input: ");
    fails(set("1\",\"tiers\":[{\"above\":-1}]"), "usage", "entry.tiers");
    fails("{\"op\":\"price.set\",\"entry\":{\"provider\":\"openai\","
          "\"input\":\"1\"}}",
          "usage", "entry.model: ");
    fails(apr_psprintf(unit_pool, "%s",
                       set(apr_psprintf(unit_pool, "1\",\"note\":\"%0*d\"",
                                        LLM_PRICE_ENTRY_MAX, 1))),
          "usage", "entry: expected at most 8000 bytes");
    fails("{\"op\":\"price.unset\",\"provider\":\"openai\"}", "usage",
          "model: missing");
    ck_assert_int_eq(rig_number(store, "{\"op\":\"price.list\"}", "generation"),
                     0);
}
END_TEST

/* Sent again it is not done again, whatever came in between. */
START_TEST(an_edit_with_the_same_id_is_made_once)
{
    const char *first =
        "{\"op\":\"price.set\",\"id\":\"e1\",\"entry\":{\"provider\":"
        "\"openai\",\"model\":\"gpt-4o\",\"input\":\"1\"}}";

    rig_ask(store, first);
    rig_ask(store, set("2\""));
    rig_contains(rig_ask(store, first), "\"repeated\":true");
    ck_assert_str_eq(published("gpt-4o"), "2.00");
    ck_assert_int_eq(rig_number(store, "{\"op\":\"price.list\"}", "generation"),
                     2);
    fails("{\"op\":\"price.unset\",\"id\":\"e1\",\"provider\":\"openai\","
          "\"model\":\"gpt-4o\"}",
          "usage", "id: 'e1' was used for another request");
}
END_TEST

/* ----------------------------------------------------------------- imports */

static const char *stage(unsigned batch, const char *model, const char *input)
{
    return apr_psprintf(unit_pool,
                        "{\"op\":\"price.stage\",\"batch\":%u,\"entries\":["
                        "{\"provider\":\"openai\",\"model\":\"%s\","
                        "\"input\":\"%s\"}]}",
                        batch, model, input);
}

static const char *import(unsigned batch, unsigned models)
{
    return apr_psprintf(unit_pool,
                        "{\"op\":\"price.import\",\"batch\":%u,\"as_of\":"
                        "\"2026-11-01\",\"models\":%u,\"source\":\"litellm\"}",
                        batch, models);
}

START_TEST(a_list_comes_into_force_as_a_whole)
{
    rig_ask(store, stage(5, "a", "1"));
    rig_contains(rig_ask(store, stage(5, "b", "2")),
                 "{\"done\":{\"batch\":5,\"entries\":1}}");
    ck_assert_int_eq(rig_number(store, "{\"op\":\"price.list\"}", "imported"),
                     0);
    fails(import(5, 3), "refused", "2 of 3 models were staged");
    rig_contains(rig_ask(store, import(5, 2)),
                 "{\"done\":{\"models\":2,\"as_of\":\"2026-11-01\","
                 "\"source\":\"litellm\"}}");
    ck_assert_str_eq(published("a"), "1.00");
    rig_contains(rig_ask(store, "{\"op\":\"price.list\"}"),
                 "\"imported\":2,\"as_of\":\"2026-11-01\"");
    /* the next one, with what an import that was broken off left */
    rig_ask(store, stage(6, "x", "9"));
    rig_ask(store, stage(7, "b", "3"));
    rig_ask(store, import(7, 1));
    ck_assert_ptr_null(published("a"));
    ck_assert_ptr_null(published("x"));
    ck_assert_str_eq(published("b"), "3.00");
    fails(import(6, 1), "refused", "0 of 1 models were staged");
    rig_ask(store, "{\"op\":\"price.import\"}");
    ck_assert_ptr_null(published("b"));
}
END_TEST

START_TEST(what_is_wrong_with_an_import_is_named)
{
    fails("{\"op\":\"price.stage\",\"entries\":[]}", "usage", "batch: missing");
    fails("{\"op\":\"price.stage\",\"batch\":1}", "usage",
          "entries: expected an array");
    fails(stage(1, "a", "-1"), "usage", "entry.input: ");
    fails("{\"op\":\"price.import\",\"batch\":1,\"as_of\":\"soon\"}", "usage",
          "as_of: expected a date");
}
END_TEST

/* ------------------------------------------------------- what goes wrong */

/* It is in the store, and that is said; the children are told later. */
START_TEST(what_cannot_be_published_is_published_later)
{
    const char *beside = rig_path("store/" LLM_PRICES_PUBLISHED ".new");

    rig_ask(store, set("1\""));
    ck_assert_int_eq(mkdir(beside, 0700), 0);
    fails(set("2\""), "internal", "it is tried again");
    ck_assert_str_eq(published("gpt-4o"), "1.00");
    ck_assert_uint_eq(llm_snapshot_prices(snapshot), 1);
    ck_assert_int_ne(llm_store_maintain(store, apr_time_now()), APR_SUCCESS);
    ck_assert_int_eq(rmdir(beside), 0);
    ck_assert_int_eq(llm_store_maintain(store, apr_time_now()), APR_SUCCESS);
    ck_assert_str_eq(published("gpt-4o"), "2.00");
    ck_assert_uint_eq(llm_snapshot_prices(snapshot), 2);
}
END_TEST

static void fill_disk(void)
{
    char block[4096] = {1};
    int fd = open(rig_path("store/ballast"), O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    while (write(fd, block, sizeof(block)) > 0) {
    }
    close(fd);
}

/* Edits until the log has no room left, and one that is not made. Takes root,
 * for a file system of its own; the test before this needs none. */
START_TEST(on_a_full_disk_the_prices_stay_as_they_are)
{
    const char *dir = rig_path("store"), *before, *answer = "";
    unsigned i;

    rig_store_close(store);
    if (unshare(CLONE_NEWNS) < 0
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
        || mount("none", dir, "tmpfs", 0, "size=64m,mode=0700") < 0) {
        return;
    }
    open_store();
    rig_ask(store, set("1\""));
    fill_disk();
    for (i = 1; i < 5000 && !strstr(answer, "\"error\""); ++i) {
        before = published("gpt-4o");
        answer = rig_ask(store, set(apr_psprintf(unit_pool, "%u\"", i)));
    }
    rig_contains(answer, "\"error\"");
    ck_assert_str_eq(published("gpt-4o"), before);
    ck_assert_int_eq(unlink(rig_path("store/ballast")), 0);
    ck_assert_int_eq(llm_store_maintain(store, apr_time_now()), APR_SUCCESS);
    rig_contains(rig_ask(store, set("77\"")), "{\"done\":");
    ck_assert_str_eq(published("gpt-4o"), "77.00");
    rig_store_close(store);
    ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

Suite *prices_suite(void)
{
    Suite *suite = suite_create("prices");
    TCase *prices = tcase_create("prices");

    tcase_add_checked_fixture(prices, open_all, rig_close);
    tcase_add_test(prices, a_price_that_was_set_is_published);
    tcase_add_test(prices, a_price_stays_over_a_restart);
    tcase_add_test(prices, what_is_no_price_is_refused_by_its_member);
    tcase_add_test(prices, an_edit_with_the_same_id_is_made_once);
    tcase_add_test(prices, a_list_comes_into_force_as_a_whole);
    tcase_add_test(prices, what_is_wrong_with_an_import_is_named);
    tcase_add_test(prices, what_cannot_be_published_is_published_later);
    tcase_add_test(prices, on_a_full_disk_the_prices_stay_as_they_are);
    tcase_set_timeout(prices, 30);
    suite_add_tcase(suite, prices);
    return suite;
}
