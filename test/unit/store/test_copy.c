/* SPDX-License-Identifier: Apache-2.0 */
/* Copies, replacements and dumps: complete, of one state, all or nothing. */
#include "store/bdb_care.h"
#include "store/copy.h"
#include "store/dump.h"
#include "store/files.h"
#include "store/inside.h"
#include "store/replace.h"
#include "test/unit/store/rig.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

static int go_on(void *baton, const llm_copy_state_t *state)
{
    (void)baton;
    (void)state;
    return 0;
}

/* An empty folder for a copy, below the store. */
static const char *copy_folder(const char *name)
{
    const char *path = rig_path(apr_pstrcat(unit_pool, "store/", name, NULL));

    ck_assert_int_eq(mkdir(path, 0700), 0);
    return path;
}

static const char *copy_of(llm_store_t *store)
{
    const char *path = copy_folder("copy-1");
    llm_copy_state_t state;

    ck_assert_int_eq(
        llm_store_copy(store, path, go_on, NULL, &state, unit_pool),
        APR_SUCCESS);
    ck_assert_uint_gt(state.files, 5);
    return path;
}

/* The files of a folder into another one. */
static void take(const char *from, const char *to)
{
    apr_array_header_t *names;
    int i;

    ck_assert_int_eq(llm_folder_list(&names, from, unit_pool), APR_SUCCESS);
    for (i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        ck_assert_int_eq(
            llm_file_copy(apr_pstrcat(unit_pool, from, "/", name, NULL),
                          apr_pstrcat(unit_pool, to, "/", name, NULL), NULL),
            APR_SUCCESS);
    }
}

static llm_replace_t *begin(void)
{
    llm_replace_t *replace = NULL;
    const char *what = NULL;
    apr_status_t status = llm_replace_begin(&replace, rig_path("store"),
                                            RIG_TIME, &what, unit_pool);

    ck_assert_msg(status == APR_SUCCESS, "not begun: %s", what);
    return replace;
}

/* The copy in the place of the store. */
static llm_replaced_t restore(const char *copy)
{
    llm_replace_t *replace = begin();
    llm_replaced_t result;
    const char *what = NULL;
    apr_status_t status;

    take(apr_pstrcat(unit_pool, copy, "/env", NULL), llm_replace_env(replace));
    take(apr_pstrcat(unit_pool, copy, "/journal", NULL),
         llm_replace_journal(replace));
    status = llm_replace_finish(&result, replace, 1, &what);
    ck_assert_msg(status == APR_SUCCESS, "not replaced: %s", what);
    llm_replace_end(replace);
    return result;
}

START_TEST(a_copy_has_what_journals_had)
{
    llm_store_t *store = rig_store();
    llm_journal_t *journal = rig_journal();
    llm_replaced_t result;
    const char *copy;

    rig_put(journal, 0, 500);
    rig_drain(store);
    /* Not drained: it is in the journal alone. */
    rig_put(rig_journal(), 500, 70);
    copy = copy_of(store);
    rig_store_close(store);
    result = restore(copy);
    ck_assert_int_eq(result.agrees, 1);
    ck_assert_uint_eq(result.records, 570);
    ck_assert_ptr_nonnull(result.aside);
    store = rig_store();
    rig_check(store, 570);
}
END_TEST

/* What was acknowledged before the copy began is in it, while more comes. */
START_TEST(a_copy_under_load_is_of_one_state)
{
    const char *what = NULL, *copy;
    rig_producer_t *producer;
    llm_buf_t *answer = llm_buf_make(0, unit_pool);
    llm_client_t *client;
    llm_replaced_t result;
    unsigned before, after;
    pid_t owner;

    rig_store_close(rig_store());
    copy_folder("copy-2");
    owner = rig_owner();
    producer = rig_producer(0);
    *producer->wanted = 60000;
    while (*producer->done < 20000) {
        apr_sleep(1000);
    }
    ck_assert_int_eq(
        llm_client_open(&client, rig_path("store"), &what, unit_pool),
        APR_SUCCESS);
    before = *producer->done;
    ck_assert_int_eq(
        llm_client_call(client, "{\"op\":\"store.copy\",\"folder\":\"copy-2\"}",
                        rig_keep_line, answer, &what),
        APR_SUCCESS);
    after = *producer->done;
    llm_client_close(client);
    rig_kill(producer->pid);
    rig_owner_stop(owner);
    llm_buf_putc(answer, '\0');
    rig_contains(answer->data, "{\"done\":{\"files\":");
    /* Into another folder: the journals that go on are not the copy's. */
    ck_assert_int_eq(rename(rig_path("store"), rig_path("old")), 0);
    copy = rig_path("old/copy-2");
    result = restore(copy);
    ck_assert_int_eq(result.agrees, 1);
    ck_assert_uint_ge(result.records, before);
    ck_assert_uint_le(result.records, after);
    ck_assert_ptr_null(result.aside);
}
END_TEST

/* The one restored is old, the journals that lie there are newer. */
START_TEST(journals_are_carried_over_and_count_once)
{
    llm_store_t *store = rig_store();
    rig_producer_t *producer = rig_producer(0);
    llm_replaced_t result;
    const char *copy;

    rig_produce(producer, 100);
    rig_drain(store);
    copy = copy_of(store);
    rig_produce(producer, 50);
    rig_drain(store);
    rig_produce(producer, 25);
    rig_store_close(store);
    rig_kill(producer->pid);
    result = restore(copy);
    ck_assert_int_eq(result.agrees, 1);
    ck_assert_uint_eq(result.records, 175);
    store = rig_store();
    rig_check(store, 175);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "twice"), 0);
}
END_TEST

START_TEST(nothing_is_replaced_while_a_gateway_lives)
{
    llm_replace_t *replace;
    rig_producer_t *producer;
    const char *what = NULL;
    pid_t owner;

    rig_store_close(rig_store());
    owner = rig_owner();
    ck_assert_int_eq(llm_replace_begin(&replace, rig_path("store"), RIG_TIME,
                                       &what, unit_pool),
                     APR_EBUSY);
    rig_contains(what, "a gateway is running");
    rig_owner_stop(owner);
    /* The owner is gone, a child is not. */
    producer = rig_producer(0);
    rig_produce(producer, 1);
    ck_assert_int_eq(llm_replace_begin(&replace, rig_path("store"), RIG_TIME,
                                       &what, unit_pool),
                     APR_EBUSY);
    rig_contains(what, "processes of a gateway");
    rig_kill(producer->pid);
    llm_replace_end(begin());
}
END_TEST

static int begin_and_die(void *baton)
{
    llm_replace_t *replace = begin();

    (void)baton;
    (void)replace;
    return 7;
}

START_TEST(one_that_was_killed_is_cleared_away)
{
    llm_store_t *store = rig_store();
    llm_replace_t *replace;

    rig_put(rig_journal(), 0, 10);
    rig_drain(store);
    rig_store_close(store);
    ck_assert_int_eq(rig_wait(rig_fork(begin_and_die, NULL)), 7);
    replace = begin();
    /* Its own, and the other one's is gone. */
    ck_assert_ptr_null(strstr(llm_replace_env(replace), "Z-2"));
    llm_replace_end(replace);
    store = rig_store();
    rig_check(store, 10);
}
END_TEST

/* ------------------------------------------------------------------- pages */

static void damage(const char *path)
{
    int fd = open(path, O_WRONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, "damaged", 7, 4096 + 100), 7);
    close(fd);
}

static const char *keys_of_a_copy(void)
{
    llm_store_t *store = rig_store();
    llm_bdb_t *bdb;
    const char *copy;

    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"a\"}");
    copy = copy_of(store);
    rig_store_close(store);
    ck_assert_int_eq(
        llm_bdb_open_copy(&bdb, apr_pstrcat(unit_pool, copy, "/env", NULL),
                          unit_pool),
        APR_SUCCESS);
    ck_assert_int_eq(llm_bdb_close(bdb), APR_SUCCESS);
    return apr_pstrcat(unit_pool, copy, "/env/keys.db", NULL);
}

START_TEST(a_damaged_page_is_found)
{
    const char *keys = keys_of_a_copy();

    ck_assert_int_eq(llm_bdb_verify(keys), APR_SUCCESS);
    damage(keys);
    ck_assert_int_eq(llm_bdb_verify(keys), APR_EINVAL);
    ck_assert_int_eq(truncate(keys, 4096 + 50), 0);
    ck_assert_int_ne(llm_bdb_verify(keys), APR_SUCCESS);
}
END_TEST

/* There under the address sanitizer only. */
void __lsan_disable(void) __attribute__((weak));

START_TEST(a_damaged_backup_is_not_restored)
{
    const char *keys = keys_of_a_copy(), *what = NULL;
    llm_replace_t *replace;
    llm_replaced_t result;
    llm_store_t *store;

    if (__lsan_disable) {
        /* Berkeley DB itself loses some bytes now and then, on a page that it
         * cannot read */
        __lsan_disable();
    }
    damage(keys);
    replace = begin();
    take(rig_path("store/copy-1/env"), llm_replace_env(replace));
    ck_assert_int_ne(llm_replace_finish(&result, replace, 1, &what),
                     APR_SUCCESS);
    ck_assert_ptr_nonnull(what);
    llm_replace_end(replace);
    store = rig_store();
    rig_contains(rig_ask(store, "{\"op\":\"key.list\"}"), "\"name\":\"a\"");
}
END_TEST

/* -------------------------------------------------------------------- dump */

static const char *dump_to(const char *name, const char *copy)
{
    const char *path = rig_path(name), *text;
    llm_dump_t dump = {.file = fopen(path, "w")};
    apr_status_t status;

    ck_assert_ptr_nonnull(dump.file);
    status = llm_dump_write(&dump, apr_pstrcat(unit_pool, copy, "/env", NULL),
                            RIG_TIME, unit_pool);
    ck_assert_msg(status == APR_SUCCESS, "not dumped: %s", dump.what);
    fclose(dump.file);
    ck_assert_int_eq(llm_file_read(&text, path, 64u << 20, unit_pool),
                     APR_SUCCESS);
    return text;
}

/* The status, and in *pwhat why. */
static apr_status_t load_from(const char *text, llm_replaced_t *result,
                              const char **pwhat)
{
    llm_replace_t *replace = begin();
    llm_dump_t dump = {
        .file = fmemopen((void *)(apr_uintptr_t)text, strlen(text), "r")};
    apr_status_t status =
        llm_dump_read(&dump, llm_replace_env(replace), unit_pool);

    *pwhat = dump.what;
    if (status == APR_SUCCESS) {
        status = llm_replace_finish(result, replace, 0, pwhat);
    }
    fclose(dump.file);
    llm_replace_end(replace);
    return status;
}

static const char *dump_of_some(void)
{
    llm_store_t *store = rig_store();
    const char *copy;

    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"a\",\"team\":\"t\"}");
    rig_put(rig_journal(), 0, 300);
    rig_drain(store);
    copy = copy_of(store);
    rig_store_close(store);
    return dump_to("first", copy);
}

START_TEST(a_dump_that_was_loaded_gives_the_same_dump)
{
    const char *first = dump_of_some(), *second, *what;
    llm_replaced_t result;
    llm_store_t *store;
    const char *copy;

    ck_assert_int_eq(rename(rig_path("store"), rig_path("old")), 0);
    ck_assert_int_eq(load_from(first, &result, &what), APR_SUCCESS);
    ck_assert_int_eq(result.agrees, 1);
    ck_assert_uint_eq(result.records, 300);
    store = rig_store();
    rig_check(store, 300);
    rig_contains(rig_ask(store, "{\"op\":\"key.list\"}"), "\"team\":\"t\"");
    copy = copy_of(store);
    second = dump_to("second", copy);
    ck_assert_str_eq(second, first);
}
END_TEST

START_TEST(half_a_dump_is_not_loaded)
{
    const char *whole = dump_of_some(), *what;
    const char *end = strstr(whole, "{\"end\":");
    llm_replaced_t result;
    llm_store_t *store;
    char *cut = apr_pstrmemdup(unit_pool, whole, (apr_size_t)(end - whole));
    char *changed = apr_pstrdup(unit_pool, whole), *digit;

    ck_assert_int_eq(load_from(cut, &result, &what), APR_EINVAL);
    rig_contains(what, "not complete");
    cut[strlen(cut) - 3] = '\0';
    ck_assert_int_eq(load_from(cut, &result, &what), APR_EINVAL);
    rig_contains(what, "cut off");
    digit = strstr(strstr(changed, "\"rhour\""), "\"value\":\"");
    digit += strlen("\"value\":\"01");
    *digit = *digit == '0' ? '1' : '0';
    ck_assert_int_eq(load_from(changed, &result, &what), APR_EINVAL);
    rig_contains(what, "crc32c: the rows are not those");
    store = rig_store();
    rig_check(store, 300);
}
END_TEST

START_TEST(a_line_that_is_wrong_is_named)
{
    static const char head[] =
        "{\"dump\":\"llm-gateway\",\"version\":1,\"format\":1}\n";
    static const struct {
        const char *lines, *words;
    } cases[] = {
        {"hello\n", "line 1: it is not JSON"},
        {"{\"dump\":\"other\"}\n", "line 1: expected the first line"},
        {"{\"table\":\"nope\",\"key\":\"00\",\"value\":\"\"}\n",
         "line 2: table: there is no table nope"},
        {"{\"table\":\"../meta\",\"key\":\"00\",\"value\":\"\"}\n",
         "line 2: table: there is no table"},
        {"{\"table\":\"keys\",\"key\":\"0\",\"value\":\"\"}\n",
         "line 2: key: expected pairs"},
        {"{\"table\":\"keys\",\"key\":\"0g\",\"value\":\"\"}\n",
         "line 2: key: '0g' is not hexadecimal"},
        {"{\"table\":\"keys\",\"key\":\"\",\"value\":\"\"}\n",
         "line 2: key: expected 1 to"},
        {"{\"table\":\"keys\",\"key\":\"00\"}\n", "line 2: value: expected"},
        {"{\"table\":\"keys\",\"key\":\"00\",\"value\":\"00\"}\n"
         "{\"table\":\"keys\",\"key\":\"00\",\"value\":\"00\"}\n",
         "line 3: key: the table has a row"},
        {"{\"end\":{\"rows\":1,\"crc32c\":\"00000000\"}}\n",
         "line 2: rows: it says 1, and there were 0"},
        {"{\"end\":{\"rows\":0,\"crc32c\":\"00000001\"}}\n", "crc32c"},
        {"{\"end\":{\"rows\":0,\"crc32c\":\"00000000\"}}\n{}\n",
         "line 3: there is more after the end"},
    };
    llm_replaced_t result;
    const char *what;
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        ck_assert_int_eq(load_from(i < 2 ? cases[i].lines
                                         : apr_pstrcat(unit_pool, head,
                                                       cases[i].lines, NULL),
                                   &result, &what),
                         APR_EINVAL);
        rig_contains(what, cases[i].words);
    }
    ck_assert_int_eq(load_from("{\"dump\":\"llm-gateway\",\"version\":2,"
                               "\"format\":1}\n",
                               &result, &what),
                     APR_ENOTIMPL);
    rig_contains(what, "newer version");
}
END_TEST

/* ----------------------------------------------------------------- commands */

START_TEST(a_copy_stays_within_the_store)
{
    llm_store_t *store = rig_store();
    static const char *const names[] = {
        "",
        "copy-",
        "copy-../x",
        "env",
        "copy-0123/",
        "copy-XYZ",
        "copy-000000000000000000000000000000001",
        "copy-77"};
    unsigned i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        rig_contains(
            rig_ask(store, apr_psprintf(unit_pool,
                                        "{\"op\":\"store.copy\",\"folder\":"
                                        "\"%s\"}",
                                        names[i])),
            "{\"error\":{\"code\":\"usage\",\"message\":\"folder: ");
    }
    rig_contains(rig_ask(store, "{\"op\":\"store.copy\"}"), "folder: ");
}
END_TEST

START_TEST(stats_count_rows)
{
    llm_store_t *store = rig_store();
    const char *answer;

    rig_put(rig_journal(), 0, 300);
    rig_drain(store);
    answer = rig_ask(store, "{\"op\":\"store.stats\"}");
    rig_contains(answer, "{\"row\":{\"table\":\"events\",\"rows\":300,");
    rig_contains(answer, "{\"row\":{\"table\":\"keys\",\"rows\":0,");
    rig_contains(answer, "\"event_days\":1,\"oldest_event\":\"2026-11-21T22:");
    rig_contains(answer, "\"keep_days\":90");
}
END_TEST

/* Room that rows left goes back, and no row with it. */
START_TEST(compact_gives_room_back)
{
    llm_store_t *store = rig_store();
    llm_txn_t *txn;
    const char *answer;
    unsigned char key[4] = {0}, value[1000] = {0};
    unsigned i, round;

    for (round = 0; round < 2; ++round) {
        ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
        for (i = 0; i < 2000; ++i) {
            key[0] = 0xff;
            key[2] = (unsigned char)(i >> 8);
            key[3] = (unsigned char)i;
            ck_assert_int_eq(
                round
                    ? llm_table_delete(store->tables.teams, txn, LLM_DATUM(key))
                    : llm_table_put(store->tables.teams, txn, LLM_DATUM(key),
                                    LLM_DATUM(value), LLM_PUT_NEW),
                APR_SUCCESS);
        }
        ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    }
    rig_ask(store, "{\"op\":\"team.create\",\"name\":\"t\"}");
    answer = rig_ask(store, "{\"op\":\"store.compact\"}");
    rig_contains(answer, "{\"row\":{\"table\":\"teams\",\"before\":");
    ck_assert_int_gt(
        rig_number(store, "{\"op\":\"store.compact\"}", "env_bytes"), 0);
    ck_assert_ptr_null(strstr(answer, "{\"done\":{\"freed\":0,"));
    rig_contains(rig_ask(store, "{\"op\":\"team.list\"}"), "{\"teams\":1}");
}
END_TEST

Suite *copy_suite(void)
{
    Suite *suite = suite_create("copy");
    TCase *copies = tcase_create("copies"), *dumps = tcase_create("dumps");

    tcase_add_checked_fixture(copies, rig_open, rig_close);
    tcase_add_test(copies, a_copy_has_what_journals_had);
    tcase_add_test(copies, a_copy_under_load_is_of_one_state);
    tcase_add_test(copies, journals_are_carried_over_and_count_once);
    tcase_add_test(copies, nothing_is_replaced_while_a_gateway_lives);
    tcase_add_test(copies, one_that_was_killed_is_cleared_away);
    tcase_add_test(copies, a_damaged_page_is_found);
    tcase_add_test(copies, a_damaged_backup_is_not_restored);
    tcase_add_test(copies, a_copy_stays_within_the_store);
    tcase_add_test(copies, stats_count_rows);
    tcase_add_test(copies, compact_gives_room_back);
    suite_add_tcase(suite, copies);
    tcase_add_checked_fixture(dumps, rig_open, rig_close);
    tcase_add_test(dumps, a_dump_that_was_loaded_gives_the_same_dump);
    tcase_add_test(dumps, half_a_dump_is_not_loaded);
    tcase_add_test(dumps, a_line_that_is_wrong_is_named);
    suite_add_tcase(suite, dumps);
    tcase_set_timeout(copies, 60);
    return suite;
}
