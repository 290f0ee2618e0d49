/* SPDX-License-Identifier: Apache-2.0 */
/* Journals: what was put is drained once, whoever died when. */
#include "store/journal.h"
#include "store/bytes.h"
#include "store/codec.h"
#include "store/crc32c.h"
#include "test/unit/store/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

/* The one journal in the folder. */
static const char *journal_file(void)
{
    const char *dir = rig_path("store/journal");
    apr_dir_t *open;
    apr_finfo_t entry;
    const char *path = NULL;

    ck_assert_int_eq(apr_dir_open(&open, dir, unit_pool), APR_SUCCESS);
    while (apr_dir_read(&entry, APR_FINFO_NAME, open) == APR_SUCCESS) {
        if (strstr(entry.name, ".jnl")) {
            ck_assert_ptr_null(path);
            path = apr_pstrcat(unit_pool, dir, "/", entry.name, NULL);
        }
    }
    apr_dir_close(open);
    ck_assert_ptr_nonnull(path);
    return path;
}

START_TEST(names_are_printed_and_read)
{
    char name[LLM_JOURNAL_NAME];
    apr_uint64_t journal;
    apr_uint32_t part;
    unsigned version;
    static const char *const wrong[] = {"000000000000feed-00000011.jnl2.tmp",
                                        "000000000000FEED-00000011.jnl2",
                                        "0000000000000000-00000011.jnl2",
                                        "000000000000feed-00000011.jnl1",
                                        "000000000000feed-00000011.jnl3",
                                        "000000000000feed-00000011",
                                        "000000000000feed",
                                        ""};
    apr_size_t i;

    llm_journal_name_print(name, 0xfeedULL, 17, 2);
    ck_assert_str_eq(name, "000000000000feed-00000011.jnl2");
    ck_assert_int_eq(llm_journal_name_read(&journal, &part, &version, name), 1);
    ck_assert_uint_eq(journal, 0xfeed);
    ck_assert_uint_eq(part, 17);
    ck_assert_uint_eq(version, 2);
    llm_journal_name_print(name, 0xfeedULL, 17, 1);
    ck_assert_str_eq(name, "000000000000feed-00000011.jnl");
    ck_assert_int_eq(llm_journal_name_read(&journal, &part, &version, name), 1);
    ck_assert_uint_eq(version, 1);
    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        ck_assert_int_eq(
            llm_journal_name_read(&journal, &part, &version, wrong[i]), 0);
    }
}
END_TEST

START_TEST(records_of_the_living_are_drained_once)
{
    llm_store_t *store = rig_store();
    rig_producer_t *producer = rig_producer(0);

    rig_produce(producer, 100);
    ck_assert_uint_eq(rig_drain(store), 100);
    rig_produce(producer, 1);
    ck_assert_uint_eq(rig_drain(store), 1);
    ck_assert_uint_eq(rig_drain(store), 0);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 1);
    rig_check(store, 101);
    rig_kill(producer->pid);
    ck_assert_uint_eq(rig_drain(store), 0);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 0);
    rig_check(store, 101);
}
END_TEST

static int put_and_leave(void *baton)
{
    const unsigned *range = baton;

    rig_put(rig_journal(), range[0], range[1]);
    return 0;
}

START_TEST(records_of_the_dead_are_drained_and_their_journals_removed)
{
    llm_store_t *store = rig_store();
    unsigned i;

    for (i = 0; i < 5; ++i) {
        unsigned range[] = {i * 100, 100};

        ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    }
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 5);
    ck_assert_uint_eq(rig_drain(store), 500);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 0);
    rig_check(store, 500);
}
END_TEST

static unsigned tick(llm_store_t *store)
{
    unsigned drained = 0;

    ck_assert_int_eq(llm_store_tick(store, &drained), APR_SUCCESS);
    return drained;
}

START_TEST(what_a_killed_process_was_told_is_stored_once)
{
    llm_store_t *store = rig_store();
    unsigned told = 0, stored = 0, i;

    for (i = 0; i < 10; ++i) {
        rig_producer_t *producer = rig_producer(i * 1000000);

        *producer->wanted = 1000000;
        while (*producer->done < 100 * (i + 1)) {
            stored += tick(store); /* beside it */
        }
        rig_kill(producer->pid);
        told += *producer->done;
        stored += rig_drain(store);
        /* The last one may be there without having been acknowledged. */
        ck_assert_uint_ge(stored, told);
        ck_assert_uint_le(stored, told + i + 1);
    }
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 0);
    rig_check(store, stored);
}
END_TEST

START_TEST(a_long_journal_goes_on_in_another_part)
{
    llm_store_t *store = rig_store();
    unsigned range[] = {0, 2 * LLM_JOURNAL_PART + 1};

    ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 3);
    ck_assert_uint_eq(rig_drain(store), 2 * LLM_JOURNAL_PART + 1);
    rig_check(store, 2 * LLM_JOURNAL_PART + 1);
}
END_TEST

static void *put_from_thread(void *baton)
{
    static volatile unsigned next;
    unsigned i;

    for (i = 0; i < 2000; ++i) {
        rig_put(baton, __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED), 1);
    }
    return NULL;
}

START_TEST(threads_share_a_journal)
{
    llm_store_t *store = rig_store();
    llm_journal_t *journal = rig_journal();
    pthread_t threads[8];
    int i;

    for (i = 0; i < 8; ++i) {
        pthread_create(&threads[i], NULL, put_from_thread, journal);
    }
    for (i = 0; i < 8; ++i) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(rig_drain(store), 16000);
    rig_check(store, 16000);
}
END_TEST

/* A file size limit stands in for a full disk: the write is short, too. */
START_TEST(a_record_that_does_not_fit_leaves_nothing_behind)
{
    llm_store_t *store = rig_store();
    llm_journal_t *journal = rig_journal();
    struct rlimit limit = {10 * LLM_JOURNAL_RECORD + 100, RLIM_INFINITY};
    llm_record_t record;
    struct stat info;
    unsigned i;

    signal(SIGXFSZ, SIG_IGN);
    rig_put(journal, 0, 10);
    setrlimit(RLIMIT_FSIZE, &limit);
    for (i = 0; i < 3; ++i) {
        rig_record(&record, 10 + i);
        ck_assert_int_ne(llm_journal_put(journal, &record), APR_SUCCESS);
    }
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(stat(journal_file(), &info), 0);
    ck_assert_int_eq(info.st_size, 10 * LLM_JOURNAL_RECORD);
    rig_put(journal, 10, 10);
    ck_assert_uint_eq(rig_drain(store), 20);
    rig_check(store, 20);
}
END_TEST

/* Writes over a record of the one journal there is. */
static void write_at(unsigned n, const void *bytes, apr_size_t len)
{
    int fd = open(journal_file(), O_WRONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, len, (off_t)n * LLM_JOURNAL_RECORD),
                     (ssize_t)len);
    close(fd);
}

START_TEST(a_damaged_record_is_passed_over_and_counted)
{
    unsigned range[] = {0, 10};
    llm_store_t *store = rig_store();

    ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    write_at(3, "damage", 6);
    write_at(9, "damage", 6);
    ck_assert_uint_eq(rig_drain(store), 8);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "damaged"), 2);
    rig_contains(rig_log(), "2 journal records could not be read");
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 0);
    rig_check(store, 8);
}
END_TEST

START_TEST(a_piece_of_a_record_at_the_end_is_dropped)
{
    unsigned range[] = {0, 3};
    llm_store_t *store = rig_store();

    ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    ck_assert_int_eq(truncate(journal_file(), 2 * LLM_JOURNAL_RECORD + 511), 0);
    ck_assert_uint_eq(rig_drain(store), 2);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 0);
    rig_check(store, 2);
}
END_TEST

START_TEST(records_of_a_newer_version_are_kept)
{
    unsigned range[] = {0, 3};
    unsigned char bytes[LLM_JOURNAL_RECORD];
    llm_store_t *store = rig_store();
    llm_record_t record;

    ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    rig_record(&record, 1);
    llm_codec_write_record(bytes, &record);
    bytes[6] = 99;
    llm_le_put(bytes,
               llm_crc32c(bytes + 4, (apr_size_t)llm_le_get(bytes + 4, 2) - 4),
               4);
    write_at(1, bytes, sizeof(bytes));
    ck_assert_uint_eq(rig_drain(store), 1);
    ck_assert_uint_eq(rig_drain(store), 0);
    rig_contains(rig_log(), "newer version");
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl2"), 1);
}
END_TEST

static int copy_file(const char *from, const char *to)
{
    return apr_file_copy(from, to, APR_FILE_SOURCE_PERMS, unit_pool)
           == APR_SUCCESS;
}

/* What a process of version 1 wrote: no members behind the operation, and half
 * the room. Such a journal has no lock here, so its process is dead. */
static void write_former_journal(const char *name, unsigned first, unsigned n)
{
    const char *path =
        apr_pstrcat(unit_pool, rig_path("store/journal/"), name, NULL);
    unsigned char bytes[LLM_JOURNAL_RECORD];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

    ck_assert_int_ge(fd, 0);
    for (; n; ++first, --n) {
        rig_record_1(bytes, first);
        ck_assert_int_eq(write(fd, bytes, LLM_JOURNAL_RECORD_1),
                         LLM_JOURNAL_RECORD_1);
    }
    close(fd);
}

START_TEST(a_journal_of_version_1_is_drained_beside_others)
{
    unsigned range[] = {0, 700};
    llm_store_t *store = rig_store();

    write_former_journal("00000000000000aa-00000000.jnl", 700, 1000);
    write_former_journal("00000000000000aa-00000001.jnl", 1700, 300);
    ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    ck_assert_uint_eq(rig_drain(store), 2000);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ""), 2);
    rig_check(store, 2000);
}
END_TEST

START_TEST(a_journal_that_comes_back_is_not_counted_twice)
{
    unsigned range[] = {0, 10};
    llm_store_t *store = rig_store();
    const char *copy = rig_path("copy"), *path;

    ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    path = journal_file();
    ck_assert(copy_file(path, copy));
    ck_assert_uint_eq(rig_drain(store), 10);
    ck_assert(copy_file(copy, path));
    ck_assert_uint_eq(rig_drain(store), 0);
    rig_contains(rig_log(), "10 usage records of a journal were stored "
                            "already");
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "twice"), 10);
    rig_check(store, 10);
}
END_TEST

START_TEST(reading_goes_on_where_the_last_owner_stopped)
{
    unsigned range[] = {0, 10000};
    llm_store_t *store = rig_store();
    unsigned drained = 0;

    ck_assert_int_eq(rig_wait(rig_fork(put_and_leave, range)), 0);
    ck_assert_int_eq(llm_store_tick(store, &drained), APR_SUCCESS);
    ck_assert_uint_gt(drained, 0);
    ck_assert_uint_lt(drained, 10000);
    rig_store_close(store);
    store = rig_store(); /* drains the rest */
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "twice"), 0);
    rig_check(store, 10000);
}
END_TEST

Suite *journal_suite(void)
{
    Suite *suite = suite_create("journal");
    TCase *names = tcase_create("names"), *drain = tcase_create("drain"),
          *odd = tcase_create("odd");

    tcase_add_test(names, names_are_printed_and_read);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(drain, rig_open, rig_close);
    tcase_set_timeout(drain, 60);
    tcase_add_test(drain, records_of_the_living_are_drained_once);
    tcase_add_test(drain,
                   records_of_the_dead_are_drained_and_their_journals_removed);
    tcase_add_test(drain, what_a_killed_process_was_told_is_stored_once);
    tcase_add_test(drain, a_long_journal_goes_on_in_another_part);
    tcase_add_test(drain, threads_share_a_journal);
    tcase_add_test(drain, reading_goes_on_where_the_last_owner_stopped);
    tcase_add_test(drain, a_journal_of_version_1_is_drained_beside_others);
    suite_add_tcase(suite, drain);
    tcase_add_checked_fixture(odd, rig_open, rig_close);
    tcase_set_timeout(odd, 60);
    tcase_add_test(odd, a_record_that_does_not_fit_leaves_nothing_behind);
    tcase_add_test(odd, a_damaged_record_is_passed_over_and_counted);
    tcase_add_test(odd, a_piece_of_a_record_at_the_end_is_dropped);
    tcase_add_test(odd, records_of_a_newer_version_are_kept);
    tcase_add_test(odd, a_journal_that_comes_back_is_not_counted_twice);
    suite_add_tcase(suite, odd);
    return suite;
}
