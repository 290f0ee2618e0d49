/* SPDX-License-Identifier: Apache-2.0 */
/* What storekill's processes share, and what it counts in the end. */
#ifndef TEST_STORE_KILLER_H
#define TEST_STORE_KILLER_H

#include "store/command.h"

#include <sys/types.h>

#define THREADS       2     /* of a producer */
#define LANES_MAX     20000 /* over the whole run */
#define LANE_REQUESTS 20000 /* one thread's, at most */
#define PRODUCERS_MAX 16

/* One thread of one incarnation, written by it alone. */
typedef struct lane_t {
    unsigned begun;        /* requests that have a slot with a record */
    unsigned acknowledged; /* requests whose record was put */
} lane_t;

typedef struct shared_t {
    lane_t lanes[LANES_MAX];
    unsigned edits, not_in_force; /* keys that were made, and not found */
} shared_t;

typedef struct killer_t {
    apr_pool_t *pool;
    const char *dir;
    shared_t *shared;
    llm_snapshot_t *snapshot;
    llm_inflight_t *inflight;
    unsigned kills, producers, rate, seed;
    int is_kept;    /* the folder, to be looked at */
    unsigned lanes; /* given out */
    pid_t producer[PRODUCERS_MAX], owner, editor;
    unsigned killed_producers, killed_owners, killed_editors, killed_all;
    unsigned takeovers;
    apr_time_t *takeover; /* microseconds each */
} killer_t;

/* What is in the store against what was begun and acknowledged. Prints TAP;
 * the number of tests that failed. */
int account(killer_t *killer);
void fail(const char *what, apr_status_t status) __attribute__((noreturn));

#endif /* TEST_STORE_KILLER_H */
