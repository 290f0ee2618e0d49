/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The accounting: each record of the store is looked up in the lanes, by the
 * lane and the number that its id was made of.
 */
#include "test/store/killer.h"

#include "core/llm_json.h"
#include "store/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

typedef struct count_t {
    killer_t *killer;
    unsigned char *seen; /* for each request of each lane: times */
    unsigned char *kept; /* as it was put, not written for the dead */
    apr_uint64_t stored, doubled, strange, lost, unsettled, marked;
    apr_uint64_t acknowledged, begun, settled;
    apr_pool_t *pool; /* of a line */
} count_t;

static int count_event(void *baton, const char *line, apr_size_t len)
{
    count_t *count = baton;
    unsigned char id[LLM_RECORD_ID];
    const llm_json_t *doc, *row;
    const char *text;
    apr_uint64_t lane, n;

    if (llm_json_read(&doc, line, len, NULL, count->pool) != APR_SUCCESS
        || !(row = llm_json_get(doc, "row"))) {
        apr_pool_clear(count->pool);
        return 0;
    }
    text = llm_json_string(llm_json_get(row, "request_id"), count->pool);
    if (!text || !llm_record_id_read(id, text)) {
        text = "";
    }
    lane = llm_be_get(id, 4);
    n = llm_be_get(id + 8, 4);
    count->stored += 1;
    if (!*text || lane >= count->killer->lanes || n >= LANE_REQUESTS) {
        count->strange += 1;
    }
    else {
        const llm_json_t *flags = llm_json_get(row, "flags");
        apr_size_t at = lane * LANE_REQUESTS + n;

        count->doubled += count->seen[at]++ != 0;
        count->kept[at] = !(flags && flags->count);
    }
    apr_pool_clear(count->pool);
    return 0;
}

static void count_lane(count_t *count, unsigned i)
{
    const lane_t *lane = &count->killer->shared->lanes[i];
    unsigned n;

    count->acknowledged += lane->acknowledged;
    count->begun += lane->begun;
    for (n = 0; n < lane->begun; ++n) {
        apr_size_t at = (apr_size_t)i * LANE_REQUESTS + n;

        if (n < lane->acknowledged) {
            count->lost += !count->seen[at];
            count->marked += count->seen[at] && !count->kept[at];
        }
        else {
            count->unsettled += !count->seen[at];
            count->settled += count->seen[at] != 0;
        }
    }
    /* One request may have had its slot before it said that it began. */
    for (n = lane->begun + 1; n < LANE_REQUESTS; ++n) {
        count->strange += count->seen[(apr_size_t)i * LANE_REQUESTS + n];
    }
}

typedef struct check_t {
    int agrees;
    char text[500];
} check_t;

static int read_check(void *baton, const char *line, apr_size_t len)
{
    check_t *check = baton;

    check->agrees = memmem(line, len, "\"agree\":true", 12) != NULL;
    apr_cpystrn(check->text, line,
                len < sizeof(check->text) ? len + 1 : sizeof(check->text));
    return 0;
}

static int ok(int number, int passed, const char *what)
{
    printf("%sok %d - %s\n", passed ? "" : "not ", number, what);
    return !passed;
}

static int compare_times(const void *a, const void *b)
{
    const apr_time_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void tell(const killer_t *killer, const count_t *count)
{
    apr_time_t *takeover = killer->takeover;
    unsigned n = killer->takeovers;

    qsort(takeover, n, sizeof(*takeover), compare_times);
    printf("# kills: %u producers, %u owners, %u editors, %u everything "
           "(seed %u)\n",
           killer->killed_producers, killer->killed_owners,
           killer->killed_editors, killer->killed_all, killer->seed);
    printf("# requests begun %" APR_UINT64_T_FMT ", acknowledged "
           "%" APR_UINT64_T_FMT ", stored %" APR_UINT64_T_FMT "\n",
           count->begun, count->acknowledged, count->stored);
    printf("# takeover ms: p50 %.0f, p99 %.0f, max %.0f\n",
           (double)takeover[n / 2] / 1000,
           (double)takeover[n * 99 / 100] / 1000,
           (double)takeover[n - 1] / 1000);
    printf("# keys made %u, requests settled for the dead %" APR_UINT64_T_FMT
           "\n",
           killer->shared->edits, count->settled);
}

int account(killer_t *killer)
{
    count_t count = {.killer = killer};
    check_t check = {0, ""};
    const char *what = NULL;
    llm_client_t *client;
    apr_status_t status;
    unsigned i;
    int failed = 0;

    count.seen = calloc((apr_size_t)killer->lanes * LANE_REQUESTS, 1);
    count.kept = calloc((apr_size_t)killer->lanes * LANE_REQUESTS, 1);
    apr_pool_create(&count.pool, killer->pool);
    status = llm_client_open(&client, killer->dir, &what, killer->pool);
    if (status != APR_SUCCESS) {
        fail(what, status);
    }
    llm_client_call(client, "{\"op\":\"events\"}", count_event, &count, &what);
    llm_client_call(client, "{\"op\":\"check\"}", read_check, &check, &what);
    for (i = 0; i < killer->lanes; ++i) {
        count_lane(&count, i);
    }
    tell(killer, &count);
    printf("1..7\n");
    failed += ok(1, count.acknowledged > 100 && !count.lost,
                 "every acknowledged record is stored");
    failed += ok(2, !count.doubled, "no record is stored twice");
    failed +=
        ok(3, !count.unsettled, "every request that was begun left its record");
    failed += ok(4, !count.marked,
                 "no acknowledged record is taken for a killed one");
    failed += ok(5, !count.strange, "nothing is stored that was not sent");
    failed += ok(6, check.agrees, "records, hours, days and quotas agree");
    failed += ok(7, killer->shared->edits > 0 && !killer->shared->not_in_force,
                 "a key that was answered is in force");
    if (failed) {
        printf("# lost %" APR_UINT64_T_FMT ", doubled %" APR_UINT64_T_FMT
               ", unsettled %" APR_UINT64_T_FMT ", marked %" APR_UINT64_T_FMT
               ", strange %" APR_UINT64_T_FMT ", keys not in force %u\n# %s\n",
               count.lost, count.doubled, count.unsettled, count.marked,
               count.strange, killer->shared->not_in_force, check.text);
    }
    free(count.seen);
    free(count.kept);
    llm_client_close(client);
    return failed;
}
