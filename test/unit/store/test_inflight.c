/* SPDX-License-Identifier: Apache-2.0 */
/* Running requests: each leaves one record, whenever its process dies. */
#include "store/inflight.h"
#include "store/codec.h"
#include "test/unit/store/rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL 77

static llm_inflight_t *open_with(unsigned slots)
{
    llm_inflight_t *inflight = NULL;

    ck_assert_int_eq(
        llm_inflight_open(&inflight, rig_path("inflight"), slots, unit_pool),
        APR_SUCCESS);
    return inflight;
}

static llm_slot_t *take(llm_inflight_t *inflight, unsigned n)
{
    llm_record_t record;

    rig_record(&record, n);
    return llm_inflight_take(inflight, JOURNAL, &record);
}

/* What a sweep found. */
typedef struct found_t {
    unsigned slots, records, sum; /* sum of the records' latencies */
    unsigned left;
} found_t;

static int nobody_lives(void *baton, apr_uint64_t journal)
{
    (void)baton;
    ck_assert_uint_eq(journal, JOURNAL);
    return 0;
}

static int everybody_lives(void *baton, apr_uint64_t journal)
{
    (void)baton;
    (void)journal;
    return 1;
}

static int note_dead(void *baton, llm_slot_t *slot, const llm_record_t *record,
                     int left)
{
    found_t *found = baton;

    found->slots += 1;
    found->left += left != 0;
    if (record) {
        found->records += 1;
        found->sum += record->latency_ms;
    }
    llm_inflight_reap(slot);
    return 0;
}

static found_t sweep(llm_inflight_t *inflight)
{
    found_t found = {0, 0, 0, 0};

    llm_inflight_sweep(inflight, nobody_lives, note_dead, &found);
    return found;
}

START_TEST(slots_are_taken_and_given_back)
{
    llm_inflight_t *inflight = open_with(100);
    unsigned size = llm_inflight_size(inflight), i;
    llm_slot_t **slots = apr_pcalloc(unit_pool, size * sizeof(*slots));

    ck_assert_uint_ge(size, 100);
    ck_assert_uint_eq(llm_inflight_count(inflight), 0);
    for (i = 0; i < size; ++i) {
        slots[i] = take(inflight, i);
        ck_assert_ptr_nonnull(slots[i]);
    }
    ck_assert_uint_eq(llm_inflight_count(inflight), size);
    ck_assert_ptr_null(take(inflight, size));
    llm_inflight_release(slots[size / 2]);
    ck_assert_uint_eq(llm_inflight_count(inflight), size - 1);
    ck_assert_ptr_eq(take(inflight, size), slots[size / 2]);
    for (i = 0; i < size; ++i) {
        llm_inflight_release(slots[i]);
    }
    ck_assert_uint_eq(llm_inflight_count(inflight), 0);
}
END_TEST

START_TEST(the_last_update_of_the_dead_is_found)
{
    llm_inflight_t *inflight = open_with(10);
    llm_slot_t *slot = take(inflight, 1);
    llm_record_t record;
    found_t found;
    unsigned i;

    for (i = 0; i < 5; ++i) {
        rig_record(&record, 1);
        record.latency_ms = 100 + i;
        llm_inflight_update(slot, &record);
    }
    found = sweep(inflight);
    ck_assert_uint_eq(found.records, 1);
    ck_assert_uint_eq(found.sum, 104);
    ck_assert_uint_eq(llm_inflight_count(inflight), 0);
    ck_assert_uint_eq(sweep(inflight).slots, 0);
}
END_TEST

START_TEST(slots_of_the_living_are_left_alone)
{
    llm_inflight_t *inflight = open_with(10);
    found_t found = {0, 0, 0, 0};

    take(inflight, 1);
    llm_inflight_sweep(inflight, everybody_lives, note_dead, &found);
    ck_assert_uint_eq(found.slots, 0);
    ck_assert_uint_eq(llm_inflight_count(inflight), 1);
}
END_TEST

START_TEST(a_released_slot_does_not_keep_its_record)
{
    llm_inflight_t *inflight = open_with(10);

    llm_inflight_release(take(inflight, 1));
    ck_assert_uint_eq(sweep(inflight).slots, 0);
}
END_TEST

/* As it is in a file whose head is 4096 bytes, then the holders. */
static void write_file(const char *path, off_t at, const void *bytes,
                       apr_size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
    close(fd);
}

START_TEST(a_holder_that_died_before_its_first_record_leaves_none)
{
    const apr_uint64_t journal = JOURNAL;
    llm_inflight_t *inflight = open_with(10);
    found_t found;

    write_file(rig_path("inflight"), 4096 + 5 * 8, &journal, 8);
    ck_assert_uint_eq(llm_inflight_count(inflight), 1);
    found = sweep(inflight);
    ck_assert_uint_eq(found.slots, 1);
    ck_assert_uint_eq(found.records, 0);
    ck_assert_uint_eq(llm_inflight_count(inflight), 0);
}
END_TEST

START_TEST(a_damaged_update_falls_back_to_the_one_before)
{
    llm_inflight_t *inflight = open_with(10);
    llm_slot_t *slot = take(inflight, 1);
    llm_record_t record;
    unsigned char *bytes = (unsigned char *)slot;
    found_t found;

    rig_record(&record, 1);
    record.latency_ms = 500; /* the second turn: the first of two places */
    llm_inflight_update(slot, &record);
    bytes[64 + 20] ^= 1;
    found = sweep(inflight);
    ck_assert_uint_eq(found.records, 1);
    ck_assert_uint_eq(found.sum, 1);
}
END_TEST

START_TEST(a_file_keeps_what_it_holds_and_can_grow)
{
    llm_inflight_t *small = open_with(10), *large;
    unsigned size = llm_inflight_size(small), i;

    take(small, 5);
    large = open_with(size * 3);
    ck_assert_uint_eq(llm_inflight_size(large), size * 3);
    ck_assert_uint_eq(llm_inflight_count(large), 1);
    for (i = 0; i < size * 3 - 1; ++i) {
        ck_assert_ptr_nonnull(take(large, 10 + i));
    }
    ck_assert_ptr_null(take(large, 1));
    ck_assert_ptr_null(take(small, 1));
    ck_assert_uint_eq(llm_inflight_size(open_with(1)), size * 3);
    ck_assert_uint_eq(sweep(large).records, size * 3);
}
END_TEST

START_TEST(something_else_is_not_written_over)
{
    llm_inflight_t *inflight;

    write_file(rig_path("other"), 0, "a file of somebody", 18);
    ck_assert_int_eq(
        llm_inflight_open(&inflight, rig_path("other"), 10, unit_pool),
        APR_EINVAL);
    write_file(rig_path("newer"), 0, "llmgw-if\3\0\0\0\1\0\0\0", 16);
    ck_assert_int_eq(
        llm_inflight_open(&inflight, rig_path("newer"), 10, unit_pool),
        APR_ENOTIMPL);
    write_file(rig_path("older"), 0, "llmgw-if\1\0\0\0\0\0\0\0", 16);
    ck_assert_int_eq(
        llm_inflight_open(&inflight, rig_path("older"), 10, unit_pool),
        APR_EINVAL);
    write_file(rig_path("short"), 0, "llmgw-if\2\0\0\0\1\0\0\0", 16);
    ck_assert_int_eq(
        llm_inflight_open(&inflight, rig_path("short"), 10, unit_pool),
        APR_EINVAL);
    ck_assert_int_eq(symlink("/etc/passwd", rig_path("link")), 0);
    ck_assert_int_ne(
        llm_inflight_open(&inflight, rig_path("link"), 10, unit_pool),
        APR_SUCCESS);
}
END_TEST

START_TEST(a_slot_left_by_the_living_is_the_owners)
{
    llm_inflight_t *inflight = open_with(10), *owners = open_with(1);
    llm_slot_t *slot = take(inflight, 1);
    found_t found = {0, 0, 0, 0};
    llm_record_t record;

    take(inflight, 2);
    ck_assert_int_eq(llm_inflight_rang(owners), 0);
    rig_record(&record, 1);
    record.latency_ms = 700;
    llm_inflight_leave(inflight, slot, &record);
    ck_assert_int_eq(llm_inflight_rang(owners), 1);
    ck_assert_int_eq(llm_inflight_rang(owners), 0);
    llm_inflight_sweep(owners, everybody_lives, note_dead, &found);
    ck_assert_uint_eq(found.slots, 1);
    ck_assert_uint_eq(found.left, 1);
    ck_assert_uint_eq(found.sum, 700);
    ck_assert_uint_eq(llm_inflight_count(inflight), 1);
    /* Whoever takes it next is not done yet. */
    ck_assert_ptr_eq(take(inflight, 3), slot);
    found = sweep(inflight);
    ck_assert_uint_eq(found.slots, 2);
    ck_assert_uint_eq(found.left, 0);
}
END_TEST

static void *take_and_release(void *baton)
{
    llm_inflight_t *inflight = baton;
    int i;

    for (i = 0; i < 20000; ++i) {
        llm_slot_t *slot = take(inflight, (unsigned)i);

        if (!slot) {
            return baton;
        }
        llm_inflight_release(slot);
    }
    return NULL;
}

START_TEST(threads_do_not_get_the_same_slot)
{
    llm_inflight_t *inflight = open_with(10);
    pthread_t threads[8];
    void *failed;
    int i;

    for (i = 0; i < 8; ++i) {
        pthread_create(&threads[i], NULL, take_and_release, inflight);
    }
    for (i = 0; i < 8; ++i) {
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(llm_inflight_count(inflight), 0);
}
END_TEST

/* ------------------------------------------------------- with a store */

/* A child of httpd, in small: its requests 0..n, of which `put` are put into
 * the journal, `released` given back as well; then it waits to be killed. */
typedef struct child_t {
    llm_inflight_t *inflight;
    unsigned n, put, released;
    int *ready; /* a pipe */
} child_t;

static int be_child(void *baton)
{
    child_t *child = baton;
    llm_journal_t *journal = rig_journal();
    llm_record_t record;
    unsigned i;

    for (i = 0; i < child->n; ++i) {
        llm_slot_t *slot;

        rig_record(&record, i);
        record.status = 0;
        slot = llm_inflight_take(child->inflight, llm_journal_id(journal),
                                 &record);
        record.usage.n[LLM_CLASS_OUTPUT] = 3;
        llm_inflight_update(slot, &record);
        if (i < child->put) {
            rig_put(journal, i, 1);
        }
        if (i < child->released) {
            llm_inflight_release(slot);
        }
    }
    ck_assert_int_eq(write(child->ready[1], "r", 1), 1);
    pause();
    return 0;
}

static pid_t start_child(child_t *child)
{
    int ready[2];
    char byte;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    child->ready = ready;
    pid = rig_fork(be_child, child);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    return pid;
}

START_TEST(each_request_of_a_killed_child_leaves_one_record)
{
    child_t child = {NULL, 30, 20, 10, NULL};
    llm_store_t *store;
    const char *usage;
    pid_t pid;

    child.inflight = open_with(100);
    store = rig_store_with((llm_store_options_t){.inflight = child.inflight});
    pid = start_child(&child);
    ck_assert_uint_eq(rig_drain(store), 20);
    ck_assert_uint_eq(llm_inflight_count(child.inflight), 20);
    rig_kill(pid);
    ck_assert_uint_eq(rig_drain(store), 10);
    ck_assert_uint_eq(llm_inflight_count(child.inflight), 0);
    usage = rig_ask(store, "{\"op\":\"usage\"}");
    rig_contains(usage, "\"requests\":30,");
    rig_contains(usage, "\"killed\":10,");
    /* 20 answers of 7 tokens, 10 that had come to 3. */
    rig_contains(usage, "\"output\":170,");
    rig_check(store, 30);
}
END_TEST

START_TEST(slots_are_settled_by_the_next_owner_too)
{
    child_t child = {NULL, 10, 5, 0, NULL};
    llm_store_t *store = rig_store();
    llm_inflight_t *inflight;
    pid_t pid;

    ck_assert_int_eq(llm_inflight_open(&child.inflight,
                                       rig_path("store/inflight2"), 50,
                                       unit_pool),
                     APR_SUCCESS);
    pid = start_child(&child);
    rig_store_close(store);
    rig_kill(pid);
    store = rig_store(); /* finds the file by itself */
    rig_check(store, 10);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "killed"), 5);
    ck_assert_int_eq(
        llm_inflight_open(&inflight, rig_path("store/inflight2"), 1, unit_pool),
        APR_SUCCESS);
    ck_assert_uint_eq(llm_inflight_count(inflight), 0);
}
END_TEST

START_TEST(a_child_that_starts_during_a_sweep_keeps_its_slots)
{
    child_t dead = {NULL, 200, 0, 0, NULL}, alive = {NULL, 50, 0, 0, NULL};
    llm_store_t *store;
    pid_t pid;

    dead.inflight = alive.inflight = open_with(1000);
    store = rig_store_with((llm_store_options_t){.inflight = dead.inflight});
    rig_kill(start_child(&dead));
    pid = start_child(&alive);
    ck_assert_uint_eq(rig_drain(store), 200);
    ck_assert_uint_eq(llm_inflight_count(dead.inflight), 50);
    rig_kill(pid);
    rig_drain(store);
    ck_assert_uint_eq(llm_inflight_count(dead.inflight), 0);
}
END_TEST

/* A child that could put nothing: its requests are over all the same. */
static int be_full(void *baton)
{
    child_t *child = baton;
    llm_journal_t *journal = rig_journal();
    llm_record_t record;
    unsigned i;

    for (i = 0; i < child->n; ++i) {
        llm_slot_t *slot;

        rig_record(&record, i);
        slot = llm_inflight_take(child->inflight, llm_journal_id(journal),
                                 &record);
        llm_inflight_leave(child->inflight, slot, &record);
    }
    ck_assert_int_eq(write(child->ready[1], "r", 1), 1);
    pause();
    return 0;
}

START_TEST(what_could_not_be_put_is_stored_while_its_child_lives)
{
    child_t child = {NULL, 30, 0, 0, NULL};
    llm_store_t *store;
    int ready[2];
    char byte;
    pid_t pid;

    child.inflight = open_with(100);
    store = rig_store_with((llm_store_options_t){.inflight = child.inflight});
    ck_assert_int_eq(pipe(ready), 0);
    child.ready = ready;
    pid = rig_fork(be_full, &child);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_uint_eq(rig_drain(store), 30);
    ck_assert_uint_eq(llm_inflight_count(child.inflight), 0);
    rig_kill(pid);
    ck_assert_uint_eq(rig_drain(store), 0);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "killed"), 0);
    rig_check(store, 30);
}
END_TEST

/* The owner died between its commit and giving the slot back. */
START_TEST(what_was_left_and_stored_already_is_not_counted_again)
{
    llm_inflight_t *inflight = open_with(10);
    llm_store_t *store =
        rig_store_with((llm_store_options_t){.inflight = inflight});
    llm_record_t record;

    rig_put(rig_journal(), 5, 1);
    ck_assert_uint_eq(rig_drain(store), 1);
    rig_record(&record, 5);
    llm_inflight_leave(inflight, take(inflight, 5), &record);
    ck_assert_uint_eq(rig_drain(store), 0);
    ck_assert_uint_eq(llm_inflight_count(inflight), 0);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "twice"), 0);
    rig_check(store, 1);
}
END_TEST

/* ---------------------------------------------------- what version 1 left */

#define GROUP_1 ((apr_size_t)128 * (8 + 64 + 2 * LLM_JOURNAL_RECORD_1))

/* Slots 0..n-1 of the second group, taken by the journal. */
static void write_former_slots(apr_uint64_t journal, unsigned n)
{
    const char *path = rig_path("store/inflight");
    unsigned char bytes[LLM_JOURNAL_RECORD];
    const apr_uint64_t turn = 1;
    unsigned i;

    write_file(path, 0, "llmgw-if\1\0\0\0\2\0\0\0", 16);
    ck_assert_int_eq(truncate(path, (off_t)(4096 + 2 * GROUP_1)), 0);
    for (i = 0; i < n; ++i) {
        off_t holder = (off_t)(4096 + GROUP_1 + i * 8);
        off_t slot = (off_t)(4096 + GROUP_1 + 128 * 8
                             + i * (64 + 2 * LLM_JOURNAL_RECORD_1));

        rig_record_1(bytes, 1000 + i);
        write_file(path, slot + 64 + LLM_JOURNAL_RECORD_1, bytes,
                   LLM_JOURNAL_RECORD_1);
        write_file(path, slot + 8, &i, 4);
        write_file(path, slot, &turn, 8);
        write_file(path, holder, &journal, 8);
    }
}

START_TEST(slots_of_version_1_are_settled_and_the_file_removed)
{
    llm_store_t *store = rig_store();

    rig_store_close(store);
    write_former_slots(0xdead, 20);
    store = rig_store();
    ck_assert_int_ne(access(rig_path("store/inflight"), F_OK), 0);
    ck_assert_int_eq(rig_number(store, "{\"op\":\"status\"}", "killed"), 20);
    rig_check(store, 20);
}
END_TEST

/* A process with a journal of version 1 that it has locked. */
static int be_former_child(void *baton)
{
    const int *ready = baton;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(rig_path("store/journal/000000000000beef-00000000.jnl"),
                  O_WRONLY | O_CREAT, 0600);
    unsigned char bytes[LLM_JOURNAL_RECORD];

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETLK, &lock), 0);
    rig_record_1(bytes, 1000);
    ck_assert_int_eq(write(fd, bytes, LLM_JOURNAL_RECORD_1),
                     LLM_JOURNAL_RECORD_1);
    ck_assert_int_eq(write(ready[1], "r", 1), 1);
    pause();
    return 0;
}

/* A graceful restart into this version: the children of the one before go on
 * for a while. Of the 20 requests one was put and not yet given back. */
START_TEST(slots_of_version_1_are_left_to_the_living)
{
    llm_store_t *store = rig_store();
    int ready[2];
    char byte;
    pid_t pid;

    rig_store_close(store);
    write_former_slots(0xbeef, 20);
    ck_assert_int_eq(pipe(ready), 0);
    pid = rig_fork(be_former_child, ready);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    store = rig_store();
    ck_assert_int_eq(access(rig_path("store/inflight"), F_OK), 0);
    rig_check(store, 1);
    rig_kill(pid);
    ck_assert_uint_eq(rig_drain(store), 19);
    ck_assert_int_ne(access(rig_path("store/inflight"), F_OK), 0);
    ck_assert_uint_eq(rig_count_files(rig_path("store/journal"), ".jnl"), 0);
    rig_check(store, 20);
}
END_TEST

Suite *inflight_suite(void)
{
    Suite *suite = suite_create("inflight");
    TCase *slots = tcase_create("slots"), *settled = tcase_create("settled");

    tcase_add_checked_fixture(slots, rig_open, rig_close);
    tcase_add_test(slots, slots_are_taken_and_given_back);
    tcase_add_test(slots, the_last_update_of_the_dead_is_found);
    tcase_add_test(slots, slots_of_the_living_are_left_alone);
    tcase_add_test(slots, a_released_slot_does_not_keep_its_record);
    tcase_add_test(slots,
                   a_holder_that_died_before_its_first_record_leaves_none);
    tcase_add_test(slots, a_damaged_update_falls_back_to_the_one_before);
    tcase_add_test(slots, a_file_keeps_what_it_holds_and_can_grow);
    tcase_add_test(slots, something_else_is_not_written_over);
    tcase_add_test(slots, a_slot_left_by_the_living_is_the_owners);
    tcase_add_test(slots, threads_do_not_get_the_same_slot);
    suite_add_tcase(suite, slots);
    tcase_add_checked_fixture(settled, rig_open, rig_close);
    tcase_set_timeout(settled, 30);
    tcase_add_test(settled, each_request_of_a_killed_child_leaves_one_record);
    tcase_add_test(settled, slots_are_settled_by_the_next_owner_too);
    tcase_add_test(settled, a_child_that_starts_during_a_sweep_keeps_its_slots);
    tcase_add_test(settled,
                   what_could_not_be_put_is_stored_while_its_child_lives);
    tcase_add_test(settled,
                   what_was_left_and_stored_already_is_not_counted_again);
    tcase_add_test(settled,
                   slots_of_version_1_are_settled_and_the_file_removed);
    tcase_add_test(settled, slots_of_version_1_are_left_to_the_living);
    suite_add_tcase(suite, settled);
    return suite;
}
