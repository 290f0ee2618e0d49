/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in shared memory: found whole, also while the owner writes, or dies. */
#include "store/snapshot.h"
#include "store/bytes.h"
#include "test/unit/store/rig.h"

#include <string.h>
#include <sys/mman.h>

#include <apr_strings.h>

static llm_snapshot_t *make(unsigned keys)
{
    apr_size_t size = llm_snapshot_size(keys);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return llm_snapshot_format(memory, size);
}

static void hash_of(llm_key_hash_t *hash, unsigned n)
{
    unsigned char bytes[4];

    llm_be_put(bytes, n, 4);
    llm_key_digest(hash, (char *)bytes, sizeof(bytes));
}

/* Every member of the view tells which it is. */
static void view_of(llm_key_view_t *view, unsigned n, unsigned round)
{
    memset(view, 0, sizeof(*view));
    view->id = n;
    view->flags = round;
    view->expires = (apr_time_t)n * 1000 + round;
    view->revoked = (apr_time_t)round * 1000 + n;
    memset(view->name, 'a' + (int)(round % 26), sizeof(view->name) - 1);
    memset(view->team, 'a' + (int)(round % 26), sizeof(view->team) - 1);
    memset(view->models, 'a' + (int)(round % 26), sizeof(view->models) - 1);
}

static apr_status_t put(llm_snapshot_t *snapshot, unsigned n, unsigned round)
{
    llm_key_hash_t hash;
    llm_key_view_t view;

    hash_of(&hash, n);
    view_of(&view, n, round);
    return llm_snapshot_put(snapshot, &hash, &view);
}

static int find(llm_snapshot_t *snapshot, unsigned n, llm_key_view_t *view)
{
    llm_key_hash_t hash;

    hash_of(&hash, n);
    return llm_snapshot_find(snapshot, &hash, view);
}

static int is_whole(const llm_key_view_t *view)
{
    llm_key_view_t wanted;

    view_of(&wanted, view->id, view->flags);
    return !memcmp(&wanted, view, sizeof(wanted));
}

static void remove_key(llm_snapshot_t *snapshot, unsigned n)
{
    llm_key_hash_t hash;

    hash_of(&hash, n);
    llm_snapshot_remove(snapshot, &hash);
}

START_TEST(keys_are_found_until_they_are_removed)
{
    llm_snapshot_t *snapshot = make(1000);
    llm_key_view_t view;
    unsigned n;

    for (n = 0; n < 1000; ++n) {
        ck_assert_int_eq(find(snapshot, n, &view), 0);
        ck_assert_int_eq(put(snapshot, n, 1), APR_SUCCESS);
    }
    for (n = 0; n < 1000; ++n) {
        ck_assert_int_eq(find(snapshot, n, &view), 1);
        ck_assert_uint_eq(view.id, n);
        ck_assert(is_whole(&view));
    }
    for (n = 0; n < 1000; n += 2) {
        remove_key(snapshot, n);
    }
    for (n = 0; n < 1000; ++n) {
        ck_assert_int_eq(find(snapshot, n, &view), n % 2);
    }
}
END_TEST

START_TEST(there_is_room_for_as_many_as_promised)
{
    const unsigned sizes[] = {1, 2, 3, 10, 997};
    unsigned i, n;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
        llm_snapshot_t *snapshot = make(sizes[i]);

        ck_assert_uint_eq(llm_snapshot_room(snapshot), sizes[i]);
        for (n = 0; n < sizes[i]; ++n) {
            ck_assert_int_eq(put(snapshot, n, 0), APR_SUCCESS);
        }
        ck_assert_uint_eq(llm_snapshot_room(snapshot), 0);
        ck_assert_int_eq(put(snapshot, n, 0), APR_ENOSPC);
        ck_assert_int_eq(put(snapshot, 0, 1), APR_SUCCESS);
        remove_key(snapshot, 0);
        ck_assert_int_eq(put(snapshot, n, 0), APR_SUCCESS);
    }
}
END_TEST

START_TEST(tombstones_are_used_again)
{
    llm_snapshot_t *snapshot = make(50);
    llm_key_view_t view;
    unsigned n;

    for (n = 0; n < 20000; ++n) {
        ck_assert_int_eq(put(snapshot, n, n), APR_SUCCESS);
        if (n >= 40) {
            remove_key(snapshot, n - 40);
            ck_assert_int_eq(find(snapshot, n - 40, &view), 0);
        }
        ck_assert_int_eq(find(snapshot, n - n % 40, &view), 1);
    }
}
END_TEST

START_TEST(a_new_owner_keeps_what_it_puts_again_and_removes_the_rest)
{
    llm_snapshot_t *snapshot = make(100);
    llm_key_view_t view;
    unsigned n;

    for (n = 0; n < 60; ++n) {
        put(snapshot, n, 1);
    }
    llm_snapshot_begin(snapshot);
    for (n = 30; n < 90; ++n) {
        ck_assert_int_eq(put(snapshot, n, 1), APR_SUCCESS);
    }
    for (n = 0; n < 90; ++n) {
        ck_assert_int_eq(find(snapshot, n, &view), 1);
    }
    llm_snapshot_end(snapshot);
    for (n = 0; n < 90; ++n) {
        ck_assert_int_eq(find(snapshot, n, &view), n >= 30);
    }
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 40);
}
END_TEST

START_TEST(only_a_snapshot_is_attached_to)
{
    apr_size_t size = llm_snapshot_size(10);
    void *memory = apr_pcalloc(unit_pool, size);

    ck_assert_ptr_null(llm_snapshot_attach(memory, size));
    ck_assert_ptr_null(llm_snapshot_format(memory, 10));
    ck_assert_ptr_nonnull(llm_snapshot_format(memory, size));
    ck_assert_ptr_nonnull(llm_snapshot_attach(memory, size));
    ck_assert_ptr_null(llm_snapshot_attach(memory, size / 2));
    ck_assert_ptr_null(llm_snapshot_attach(memory, 4));
}
END_TEST

START_TEST(health_is_read_as_it_was_written)
{
    const llm_health_t health = {1, 2, 3, 4, 5, 6, 7, -8, 9};
    llm_snapshot_t *snapshot = make(10);
    llm_health_t again;

    llm_snapshot_health(snapshot, &again);
    ck_assert_int_eq(again.ready, 0);
    llm_snapshot_set_health(snapshot, &health);
    llm_snapshot_health(snapshot, &again);
    ck_assert_int_eq(again.ready, 1);
    ck_assert_int_eq(again.heartbeat, 2);
    ck_assert_int_eq(again.drained, 3);
    ck_assert_uint_eq(again.keys, 4);
    ck_assert_uint_eq(again.records, 5);
    ck_assert_uint_eq(again.damaged, 6);
    ck_assert_uint_eq(again.backlog, 7);
    ck_assert_int_eq(again.error, -8);
}
END_TEST

#define BUSY_KEYS 20

/* Puts, removes, loads anew, for ever. */
static int write_for_ever(void *baton)
{
    llm_snapshot_t *snapshot = baton;
    unsigned round, n;

    for (round = 0;; ++round) {
        llm_snapshot_begin(snapshot);
        for (n = 0; n < BUSY_KEYS; ++n) {
            put(snapshot, n, round);
        }
        llm_snapshot_end(snapshot);
        remove_key(snapshot, BUSY_KEYS + round % 7);
        put(snapshot, BUSY_KEYS + (round + 3) % 7, round);
    }
    return 0;
}

START_TEST(nobody_reads_half_a_key_however_often_the_writer_is_killed)
{
    llm_snapshot_t *snapshot = make(100);
    apr_uint64_t reads = 0, found = 0;
    llm_key_view_t view;
    unsigned kills, n;

    for (n = 0; n < BUSY_KEYS; ++n) {
        put(snapshot, n, 0);
    }
    for (kills = 0; kills < 60; ++kills) {
        pid_t pid = rig_fork(write_for_ever, snapshot);
        apr_time_t end = apr_time_now() + 1000 * (5 + kills % 11);

        while (apr_time_now() < end) {
            for (n = 0; n < BUSY_KEYS + 7; ++n) {
                int here = find(snapshot, n, &view);

                /* Those that are put in every round are always there. */
                ck_assert(here || n >= BUSY_KEYS);
                ck_assert(!here || (view.id == n && is_whole(&view)));
                found += (apr_uint64_t)here;
                ++reads;
            }
        }
        rig_kill(pid);
    }
    ck_assert_uint_gt(found, 1000);
    ck_assert_uint_gt(reads, found);
    llm_snapshot_begin(snapshot);
    llm_snapshot_end(snapshot);
    ck_assert_uint_eq(llm_snapshot_room(snapshot), 100);
}
END_TEST

Suite *snapshot_suite(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *keys = tcase_create("keys"), *torn = tcase_create("torn");

    tcase_add_checked_fixture(keys, unit_pool_open, unit_pool_close);
    tcase_add_test(keys, keys_are_found_until_they_are_removed);
    tcase_add_test(keys, there_is_room_for_as_many_as_promised);
    tcase_add_test(keys, tombstones_are_used_again);
    tcase_add_test(keys,
                   a_new_owner_keeps_what_it_puts_again_and_removes_the_rest);
    tcase_add_test(keys, only_a_snapshot_is_attached_to);
    tcase_add_test(keys, health_is_read_as_it_was_written);
    suite_add_tcase(suite, keys);
    tcase_set_timeout(torn, 60);
    tcase_add_test(torn,
                   nobody_reads_half_a_key_however_often_the_writer_is_killed);
    suite_add_tcase(suite, torn);
    return suite;
}
