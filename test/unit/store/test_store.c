/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a store: what is refused, with which words; and what survives. */
#include "store/inside.h"
#include "store/meta.h"
#include "test/unit/store/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define STATUS "{\"op\":\"status\"}"

/* Opening rig_dir/store fails with that status and a phrase that contains
 * the words. */
static void refused(apr_status_t wanted, const char *words)
{
    llm_store_options_t options = {.dir = rig_path("store")};
    const char *what = NULL;
    llm_store_t *store;
    apr_status_t status = llm_store_open(&store, &options, &what, unit_pool);

    ck_assert_int_eq(status, wanted);
    ck_assert_ptr_nonnull(what);
    rig_contains(what, words);
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(rig_path(name), "w");

    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

START_TEST(a_new_folder_becomes_a_store_only_its_user_can_read)
{
    struct stat info;
    llm_store_t *store = rig_store();

    ck_assert_int_eq(rig_number(store, STATUS, "schema"), LLM_STORE_FORMAT);
    ck_assert_int_eq(rig_number(store, STATUS, "keys"), 0);
    ck_assert_int_eq(stat(rig_path("store"), &info), 0);
    ck_assert_int_eq(info.st_mode & 077, 0);
    ck_assert_int_eq(stat(rig_path("store/store.lock"), &info), 0);
    ck_assert_int_eq(info.st_mode & 077, 0);
    ck_assert_int_eq(stat(rig_path("store/env/keys.db"), &info), 0);
    ck_assert_int_eq(info.st_mode & 077, 0);
    ck_assert_int_eq(stat(rig_path("store/env/log.0000000001"), &info), 0);
    ck_assert_int_eq(info.st_mode & 077, 0);
}
END_TEST

START_TEST(a_store_without_a_parent_is_refused)
{
    llm_store_options_t options = {.dir = rig_path("no/such/folder")};
    const char *what = NULL;
    llm_store_t *store;

    ck_assert_int_eq(llm_store_open(&store, &options, &what, unit_pool),
                     ENOENT);
    rig_contains(what, "no/such/folder");
}
END_TEST

static int open_in_child(void *baton)
{
    llm_store_options_t options = {.dir = baton};
    const char *what = NULL;
    llm_store_t *store;

    return llm_store_open(&store, &options, &what, unit_pool) == APR_EBUSY
                   && strstr(what, "another owner")
               ? 0
               : 1;
}

START_TEST(a_second_owner_is_refused)
{
    char *dir = apr_pstrdup(unit_pool, rig_path("store"));
    llm_store_t *store = rig_store();

    ck_assert_int_eq(rig_wait(rig_fork(open_in_child, dir)), 0);
    rig_store_close(store);
}
END_TEST

START_TEST(a_folder_others_can_write_is_refused)
{
    rig_store_close(rig_store());
    ck_assert_int_eq(chmod(rig_path("store"), 0770), 0);
    refused(APR_EACCES, "can be written by others (mode 0770)");
    ck_assert_int_eq(chmod(rig_path("store"), 0702), 0);
    refused(APR_EACCES, "can be written by others");
    ck_assert_int_eq(chmod(rig_path("store"), 0750), 0);
    ck_assert_int_eq(chmod(rig_path("store/journal"), 0777), 0);
    refused(APR_EACCES, "store/journal can be written by others");
    ck_assert_int_eq(chmod(rig_path("store/journal"), 0700), 0);
    rig_store_close(rig_store());
}
END_TEST

START_TEST(a_folder_of_another_user_is_refused)
{
    rig_store_close(rig_store());
    if (geteuid() != 0) {
        return; /* only root can give a folder away */
    }
    ck_assert_int_eq(chown(rig_path("store"), 65534, 65534), 0);
    refused(APR_EACCES, "belongs to user 65534");
}
END_TEST

START_TEST(a_file_in_the_folders_place_is_refused)
{
    write_text("store", "not a folder");
    refused(ENOTDIR, "store");
}
END_TEST

START_TEST(a_db_config_is_refused)
{
    rig_store_close(rig_store());
    write_text("store/env/DB_CONFIG", "set_flags DB_TXN_NOSYNC\n");
    refused(APR_EINVAL, "DB_CONFIG");
    ck_assert_int_eq(unlink(rig_path("store/env/DB_CONFIG")), 0);
    rig_store_close(rig_store());
}
END_TEST

START_TEST(somebody_elses_database_is_refused_and_not_touched)
{
    struct stat before, after;

    rig_store_close(rig_store());
    write_text("store/env/customers.db", "precious");
    ck_assert_int_eq(stat(rig_path("store/env/log.0000000001"), &before), 0);
    refused(APR_EINVAL, "customers.db");
    ck_assert_int_eq(stat(rig_path("store/env/log.0000000001"), &after), 0);
    ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}
END_TEST

static void set_format(apr_uint64_t format)
{
    llm_store_t *store = rig_store();
    llm_txn_t *txn;

    ck_assert_int_eq(llm_txn_begin(&txn, store->bdb), APR_SUCCESS);
    ck_assert_int_eq(
        llm_meta_put(store->tables.meta, txn, LLM_META_FORMAT, format),
        APR_SUCCESS);
    ck_assert_int_eq(llm_txn_commit(txn), APR_SUCCESS);
    rig_store_close(store);
}

START_TEST(a_store_of_a_newer_version_is_refused)
{
    set_format(LLM_STORE_FORMAT + 1);
    refused(APR_ENOTIMPL, "newer version: format 3, and this one knows 2");
}
END_TEST

START_TEST(tables_without_a_format_are_refused)
{
    set_format(0);
    refused(APR_EINVAL, "is not a store");
}
END_TEST

START_TEST(the_lock_is_free_after_a_refusal)
{
    rig_store_close(rig_store());
    write_text("store/env/DB_CONFIG", "\n");
    refused(APR_EINVAL, "DB_CONFIG");
    refused(APR_EINVAL, "DB_CONFIG");
    unlink(rig_path("store/env/DB_CONFIG"));
    rig_store_close(rig_store());
}
END_TEST

/* ---------------------------------------------------------------- survives */

static int die_with_store_open(void *baton)
{
    llm_store_t *store = rig_store();

    (void)baton;
    rig_ask(store, "{\"op\":\"key.create\",\"name\":\"alice\"}");
    rig_put(rig_journal(), 0, 100);
    rig_drain(store);
    raise(SIGKILL);
    return 0;
}

START_TEST(what_was_answered_survives_the_owners_death)
{
    llm_store_t *store;

    ck_assert_int_eq(rig_wait(rig_fork(die_with_store_open, NULL)), -SIGKILL);
    store = rig_store();
    rig_contains(rig_ask(store, "{\"op\":\"key.list\"}"), "alice");
    rig_check(store, 100);
}
END_TEST

static int open_and_wait(void *baton)
{
    llm_store_options_t options = {.dir = baton};
    const char *what;
    llm_store_t *store;

    if (llm_store_open(&store, &options, &what, unit_pool) == APR_SUCCESS) {
        pause();
    }
    return 1;
}

START_TEST(an_owner_killed_in_recovery_leaves_the_next_one_work_only)
{
    char *dir = apr_pstrdup(unit_pool, rig_path("store"));
    unsigned range_end = 0, i;
    llm_store_t *store = rig_store();

    rig_store_close(store);
    for (i = 0; i < 25; ++i) {
        pid_t pid;

        rig_put(rig_journal(), range_end, 200);
        range_end += 200;
        pid = rig_fork(open_and_wait, dir);
        apr_sleep(500 * (i + 1)); /* 0.5 to 12.5 ms: before, in, after */
        rig_kill(pid);
    }
    store = rig_store();
    rig_check(store, range_end);
    ck_assert_int_eq(rig_number(store, STATUS, "twice"), 0);
}
END_TEST

/* What must hold while nothing can be written and when it can be again. */
static void full_and_free_again(llm_store_t *store, unsigned records,
                                void (*make_room)(void))
{
    llm_health_t health;
    unsigned drained = 1, stored = 0, tries = 0;

    while (llm_store_tick(store, &drained) == APR_SUCCESS) {
        stored += drained;
        ck_assert_uint_lt(++tries, 1000);
    }
    llm_snapshot_health(store->snapshot, &health);
    ck_assert_int_ne(health.error, 0);
    ck_assert_uint_eq(health.backlog, records - stored);
    ck_assert_uint_gt(health.backlog, 0);
    rig_contains(rig_ask(store, "{\"op\":\"key.create\",\"name\":\"x\"}"),
                 "\"error\"");
    rig_contains(rig_ask(store, STATUS), "\"failing\":true");
    make_room();
    ck_assert_uint_eq(rig_drain(store), records - stored);
    llm_snapshot_health(store->snapshot, &health);
    ck_assert_int_eq(health.error, 0);
    ck_assert_uint_eq(health.backlog, 0);
    rig_contains(rig_ask(store, STATUS), "\"failing\":false");
    rig_contains(rig_ask(store, "{\"op\":\"key.create\",\"name\":\"x\"}"),
                 "\"secret\"");
    rig_check(store, records);
}

static llm_store_t *store_with_snapshot(void)
{
    apr_size_t size = llm_snapshot_size(10);

    return rig_store_with((llm_store_options_t){
        .snapshot = llm_snapshot_format(apr_pcalloc(unit_pool, size), size)});
}

static void limit_file_size(rlim_t size)
{
    const struct rlimit limit = {size, RLIM_INFINITY};

    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void lift_limit(void)
{
    limit_file_size(RLIM_INFINITY);
}

/* The engine's log may not grow beyond 300 KB. */
START_TEST(a_file_size_limit_keeps_records_in_the_journals)
{
    llm_store_t *store = store_with_snapshot();

    signal(SIGXFSZ, SIG_IGN);
    rig_put(rig_journal(), 0, 8000);
    limit_file_size(300 << 10);
    full_and_free_again(store, 8000, lift_limit);
}
END_TEST

static void remove_ballast(void)
{
    ck_assert_int_eq(unlink(rig_path("store/ballast")), 0);
}

/* Takes what is left of the file system. */
static void fill_disk(void)
{
    char block[4096] = {1};
    int fd = open(rig_path("store/ballast"), O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    while (write(fd, block, sizeof(block)) > 0) {
    }
    close(fd);
}

/* On a file system of its own, which takes root; where even root may not
 * mount one, the test before this has to do. */
START_TEST(a_full_disk_keeps_records_in_the_journals)
{
    const char *dir = rig_path("store");
    llm_store_t *store;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    if (unshare(CLONE_NEWNS) < 0
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
        || mount("none", dir, "tmpfs", 0, "size=64m,mode=0700") < 0) {
        return;
    }
    store = store_with_snapshot();
    rig_put(rig_journal(), 0, 20000);
    fill_disk();
    full_and_free_again(store, 20000, remove_ballast);
    rig_store_close(store);
    store = rig_store();
    rig_check(store, 20000);
    rig_store_close(store);
    ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_refused)
{
    const char *dir = rig_path("store");
    llm_store_t *store;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    if (unshare(CLONE_NEWNS) < 0
        || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0
        || mount("none", dir, "tmpfs", 0, "size=64m,mode=0700") < 0) {
        return;
    }
    rig_store_close(rig_store());
    ck_assert_int_eq(
        mount("none", dir, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=64m"), 0);
    refused(EROFS, "Read-only file system");
    ck_assert_int_eq(mount("none", dir, "tmpfs", MS_REMOUNT, "size=64m"), 0);
    store = rig_store();
    rig_check(store, 0);
    rig_store_close(store);
    ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
}
END_TEST

/* The first page tells what the file is; of keys.db it is read at once. */
START_TEST(a_damaged_table_is_refused_and_named)
{
    const char *path = rig_path("store/env/keys.db");
    unsigned char page[4096];
    int fd;

    rig_store_close(rig_store());
    fd = open(path, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, page, sizeof(page), 0), sizeof(page));
    ck_assert_int_eq(pwrite(fd, "damage", 6, 30), 6);
    refused(APR_EINVAL, "env/keys.db cannot be opened: it is damaged");
    ck_assert_int_eq(pwrite(fd, page, sizeof(page), 0), sizeof(page));
    close(fd);
    rig_check(rig_store(), 0);
}
END_TEST

START_TEST(old_usage_records_are_dropped_and_their_sums_kept)
{
    llm_store_t *store = rig_store_with((llm_store_options_t){.keep_days = 2});
    llm_journal_t *journal = rig_journal();
    apr_time_t now = RIG_TIME, day = apr_time_from_sec(86400);
    unsigned tables = rig_count_files(rig_path("store/env"), ".db"), i;
    llm_record_t record;

    for (i = 0; i < 10; ++i) {
        rig_record(&record, i);
        record.began = now - i * day;
        ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    }
    rig_drain(store);
    ck_assert_uint_eq(rig_count_files(rig_path("store/env"), ".db"),
                      tables + 10);
    for (i = 0; i < 30; ++i) {
        ck_assert_int_eq(llm_store_maintain(store, now + apr_time_from_sec(i)),
                         APR_SUCCESS);
    }
    /* Today, and two days before. */
    ck_assert_uint_eq(rig_count_files(rig_path("store/env"), ".db"),
                      tables + 3);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"events\"}", "events"), 3);
    rig_contains(rig_ask(store, "{\"op\":\"usage\"}"), "\"requests\":10,");
    rig_check(store, 10);
}
END_TEST

START_TEST(an_unbounded_set_of_models_does_not_grow_the_dictionary)
{
    llm_store_t *store = rig_store();
    llm_journal_t *journal = rig_journal();
    llm_record_t record;
    unsigned i;

    for (i = 0; i < LLM_DICT_LIMIT + 500; ++i) {
        rig_record(&record, i);
        apr_snprintf(record.served, sizeof(record.served), "model-%u", i);
        ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    }
    rig_drain(store);
    rig_contains(rig_ask(store, "{\"op\":\"usage\",\"by\":[\"model\"],"
                                "\"model\":\"(other)\"}"),
                 "\"model\":\"(other)\",\"requests\":500,");
    rig_contains(rig_ask(store, "{\"op\":\"usage\",\"by\":[\"model\"],"
                                "\"model\":\"model-9999\"}"),
                 "\"requests\":1,");
    rig_check(store, LLM_DICT_LIMIT + 500);
    rig_store_close(store);
    store = rig_store();
    rig_contains(rig_ask(store, "{\"op\":\"usage\",\"by\":[\"model\"],"
                                "\"model\":\"model-17\"}"),
                 "\"requests\":1,");
}
END_TEST

START_TEST(the_keys_of_a_store_fill_the_snapshot_they_are_given)
{
    apr_size_t size = llm_snapshot_size(3);
    llm_snapshot_t *snapshot =
        llm_snapshot_format(apr_pcalloc(unit_pool, size), size);
    llm_store_t *store = rig_store();
    llm_health_t health;
    int i;

    for (i = 0; i < 5; ++i) {
        rig_contains(rig_ask(store, apr_psprintf(unit_pool,
                                                 "{\"op\":\"key.create\","
                                                 "\"name\":\"key-%d\"}",
                                                 i)),
                     "\"secret\"");
    }
    rig_store_close(store);
    store = rig_store_with((llm_store_options_t){.snapshot = snapshot});
    rig_contains(rig_log(), "2 of 5 keys are not in force");
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 0);
    llm_snapshot_health(snapshot, &health);
    ck_assert_int_eq(health.ready, 1);
    ck_assert_uint_eq(health.keys, 5);
    rig_contains(rig_ask(store, "{\"op\":\"key.create\",\"name\":\"one\"}"),
                 "{\"error\":{\"code\":\"refused\"");
}
END_TEST

START_TEST(a_folder_is_prepared_for_another_user)
{
    const char *what = NULL;
    struct stat info;

    if (geteuid() != 0) {
        ck_assert_int_eq(llm_store_prepare(rig_path("store"), geteuid(),
                                           getegid(), &what, unit_pool),
                         APR_SUCCESS);
        ck_assert_int_eq(llm_store_prepare(rig_path("store"), geteuid() + 1,
                                           getegid(), &what, unit_pool),
                         APR_EACCES);
        rig_contains(what, "cannot be given to user");
        return;
    }
    ck_assert_int_eq(
        llm_store_prepare(rig_path("store"), 65534, 65533, &what, unit_pool),
        APR_SUCCESS);
    ck_assert_int_eq(stat(rig_path("store/journal"), &info), 0);
    ck_assert_uint_eq(info.st_uid, 65534);
    ck_assert_uint_eq(info.st_gid, 65533);
    ck_assert_int_eq(info.st_mode & 0777, 0700);
    ck_assert_int_eq(stat(rig_path("store/env"), &info), 0);
    ck_assert_uint_eq(info.st_uid, 65534);
}
END_TEST

Suite *store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *opened = tcase_create("open"), *kept = tcase_create("kept");

    tcase_add_checked_fixture(opened, rig_open, rig_close);
    tcase_set_timeout(opened, 30);
    tcase_add_test(opened, a_new_folder_becomes_a_store_only_its_user_can_read);
    tcase_add_test(opened, a_store_without_a_parent_is_refused);
    tcase_add_test(opened, a_second_owner_is_refused);
    tcase_add_test(opened, a_folder_others_can_write_is_refused);
    tcase_add_test(opened, a_folder_of_another_user_is_refused);
    tcase_add_test(opened, a_file_in_the_folders_place_is_refused);
    tcase_add_test(opened, a_db_config_is_refused);
    tcase_add_test(opened, somebody_elses_database_is_refused_and_not_touched);
    tcase_add_test(opened, a_store_of_a_newer_version_is_refused);
    tcase_add_test(opened, tables_without_a_format_are_refused);
    tcase_add_test(opened, the_lock_is_free_after_a_refusal);
    tcase_add_test(opened, a_folder_is_prepared_for_another_user);
    suite_add_tcase(suite, opened);
    tcase_add_checked_fixture(kept, rig_open, rig_close);
    tcase_set_timeout(kept, 60);
    tcase_add_test(kept, what_was_answered_survives_the_owners_death);
    tcase_add_test(kept,
                   an_owner_killed_in_recovery_leaves_the_next_one_work_only);
    tcase_add_test(kept, a_file_size_limit_keeps_records_in_the_journals);
    if (geteuid() == 0) {
        tcase_add_test(kept, a_full_disk_keeps_records_in_the_journals);
        tcase_add_test(kept, a_folder_that_cannot_be_written_is_refused);
        tcase_add_test(kept, a_damaged_table_is_refused_and_named);
    }
    tcase_add_test(kept, old_usage_records_are_dropped_and_their_sums_kept);
    tcase_add_test(kept,
                   an_unbounded_set_of_models_does_not_grow_the_dictionary);
    tcase_add_test(kept, the_keys_of_a_store_fill_the_snapshot_they_are_given);
    suite_add_tcase(suite, kept);
    return suite;
}
