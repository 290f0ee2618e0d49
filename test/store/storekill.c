/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills the store's processes at random, and accounts for every record.
 *
 * Producers stand for httpd's children: each of their threads (a lane) takes a
 * slot for a request, waits, updates it, puts its record into the journal,
 * notes in shared memory that it was acknowledged, and gives the slot back. An owner
 * drains. An editor makes keys through the socket and looks whether they are
 * in force. All of them are killed with SIGKILL, alone or at once, and
 * replaced.
 *
 * In the end, for each lane: every request that was begun is in the ledger
 * once; those that were acknowledged as they were put. Usage records, hours
 * and days agree. Prints TAP, and what happened.
 *
 *   storekill [--kills N] [--producers N] [--rate N] [--seed N] [--keep]
 */
#include "test/store/killer.h"

#include "core/llm_key.h"
#include "core/llm_log.h"
#include "store/bytes.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#define SLOTS         256
#define SNAPSHOT_KEYS 200000
#define RETRY         apr_time_from_msec(5)

static volatile int stop_owner;

static void on_term(int signal_number)
{
    (void)signal_number;
    stop_owner = 1;
}

static void log_line(void *baton, llm_log_e level, apr_status_t status,
                     const char *message)
{
    (void)baton;
    (void)status;
    if (level <= LLM_LOG_ERR) {
        fprintf(stderr, "# %s\n", message);
    }
}

void fail(const char *what, apr_status_t status)
{
    char text[200];

    printf("Bail out! %s: %s\n", what,
           apr_strerror(status, text, sizeof(text)));
    exit(EXIT_FAILURE);
}

/* --------------------------------------------------------------- producers */

typedef struct thread_t {
    killer_t *killer;
    llm_journal_t *journal;
    unsigned lane;
} thread_t;

/* The id says lane and request. */
static void make_record(llm_record_t *record, unsigned lane, unsigned n)
{
    memset(record, 0, sizeof(*record));
    llm_be_put(record->id, lane, 4);
    llm_be_put(record->id + 8, n, 4);
    record->began = apr_time_now();
    record->key = 1 + lane % 100;
    record->status = 200;
    record->cost = 1 + n % 1000;
    llm_usage_set(&record->usage, LLM_CLASS_INPUT, 100);
    LLM_RECORD_SET(record, served, n % 3 ? "gpt-4o" : "claude-sonnet-4-5");
    LLM_RECORD_SET(record, provider, n % 3 ? "openai" : "claude");
}

/* Most of a request's life it waits for its provider: kills find it there. */
static void wait_for_provider(const thread_t *thread)
{
    if (thread->killer->rate) {
        apr_sleep(apr_time_from_sec(1) / thread->killer->rate / 2);
    }
}

static void serve_request(thread_t *thread, unsigned n)
{
    lane_t *lane = &thread->killer->shared->lanes[thread->lane];
    llm_record_t record;
    llm_slot_t *slot;

    make_record(&record, thread->lane, n);
    while (
        !(slot = llm_inflight_take(thread->killer->inflight,
                                   llm_journal_id(thread->journal), &record))) {
        apr_sleep(RETRY);
    }
    lane->begun = n + 1;
    wait_for_provider(thread);
    llm_usage_set(&record.usage, LLM_CLASS_OUTPUT, 10);
    llm_inflight_update(slot, &record);
    wait_for_provider(thread);
    llm_usage_set(&record.usage, LLM_CLASS_OUTPUT, 20);
    while (llm_journal_put(thread->journal, &record) != APR_SUCCESS) {
        apr_sleep(RETRY);
    }
    lane->acknowledged = n + 1;
    llm_inflight_release(slot);
}

static void *serve_requests(void *baton)
{
    thread_t *thread = baton;
    unsigned n;

    for (n = 0; n < LANE_REQUESTS && getppid() != 1; ++n) {
        serve_request(thread, n);
    }
    return NULL;
}

static void produce(killer_t *killer, unsigned first_lane)
{
    thread_t threads[THREADS];
    pthread_t ids[THREADS];
    llm_journal_t *journal;
    int i;

    /* The folder is there: the owner of the first hour made it. */
    while (llm_journal_open(
               &journal,
               apr_pstrcat(killer->pool, killer->dir, "/journal", NULL),
               killer->pool)
           != APR_SUCCESS) {
        apr_sleep(RETRY);
    }
    for (i = 0; i < THREADS; ++i) {
        threads[i] = (thread_t){killer, journal, first_lane + (unsigned)i};
        pthread_create(&ids[i], NULL, serve_requests, &threads[i]);
    }
    for (i = 0; i < THREADS; ++i) {
        pthread_join(ids[i], NULL);
    }
    pause();
}

/* ------------------------------------------------------------------ editor */

typedef struct made_t {
    char secret[LLM_KEY_LENGTH + 1];
    int is_done;
} made_t;

static int read_made(void *baton, const char *line, apr_size_t len)
{
    made_t *made = baton;
    const char *at = memmem(line, len, "\"secret\":\"", 10);

    made->is_done = memmem(line, len, "\"done\"", 6) != NULL;
    if (at && at + 10 + LLM_KEY_LENGTH <= line + len) {
        memcpy(made->secret, at + 10, LLM_KEY_LENGTH);
    }
    return 0;
}

static void look_up(killer_t *killer, const made_t *made)
{
    llm_key_hash_t hash;
    llm_key_view_t view;

    killer->shared->edits += 1;
    llm_key_digest(&hash, made->secret, LLM_KEY_LENGTH);
    if (!llm_snapshot_find(killer->snapshot, &hash, &view)) {
        killer->shared->not_in_force += 1;
    }
}

/* Offline it would take the owner's place: that is another test. */
static void edit(killer_t *killer)
{
    unsigned n = 0;

    while (getppid() != 1) {
        apr_pool_t *pool;
        llm_client_t *client;
        const char *what, *request;
        made_t made = {"", 0};

        apr_sleep(apr_time_from_msec(3));
        apr_pool_create(&pool, killer->pool);
        request = apr_psprintf(pool,
                               "{\"op\":\"key.create\",\"id\":\"%d-%u\","
                               "\"name\":\"k%d-%u\"}",
                               getpid(), n, getpid(), n);
        ++n;
        if (llm_client_open(&client, killer->dir, &what, pool) == APR_SUCCESS) {
            if (llm_client_is_online(client)
                && llm_client_call(client, request, read_made, &made, &what)
                       == APR_SUCCESS
                && llm_client_is_online(client) && made.is_done
                && made.secret[0]) {
                look_up(killer, &made);
            }
            llm_client_close(client);
        }
        apr_pool_destroy(pool);
    }
}

/* ------------------------------------------------------------------- owner */

static void own(killer_t *killer)
{
    const llm_store_options_t options = {.dir = killer->dir,
                                         .snapshot = killer->snapshot,
                                         .inflight = killer->inflight,
                                         .wait = 1,
                                         .version = "storekill"};

    signal(SIGTERM, on_term);
    _exit(llm_owner_run(&options, NULL, NULL, &stop_owner, killer->pool)
          != APR_SUCCESS);
}

/* ------------------------------------------------------------------- kills */

static pid_t start(killer_t *killer, void (*work)(killer_t *))
{
    pid_t pid = fork();

    if (pid < 0) {
        fail("fork", errno);
    }
    if (!pid) {
        work(killer);
        _exit(0);
    }
    return pid;
}

static void start_producer(killer_t *killer, unsigned i)
{
    unsigned lane = killer->lanes;
    pid_t pid;

    killer->lanes += THREADS;
    if (killer->lanes > LANES_MAX) {
        fail("more lanes than there is room for", APR_ENOSPC);
    }
    pid = fork();
    if (pid < 0) {
        fail("fork", errno);
    }
    if (!pid) {
        produce(killer, lane);
        _exit(0);
    }
    killer->producer[i] = pid;
}

static void bury(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static apr_time_t drained_at(const killer_t *killer)
{
    llm_health_t health;

    llm_snapshot_health(killer->snapshot, &health);
    return health.drained;
}

/* From the death of one owner to the first batch of the next. */
static void replace_owner(killer_t *killer)
{
    apr_time_t begin = apr_time_now(), before = drained_at(killer);

    killer->owner = start(killer, own);
    while (drained_at(killer) == before
           && apr_time_now() - begin < apr_time_from_sec(20)) {
        apr_sleep(500);
    }
    killer->takeover[killer->takeovers++] = apr_time_now() - begin;
}

static void kill_producer(killer_t *killer)
{
    unsigned i = (unsigned)rand() % killer->producers;

    bury(killer->producer[i]);
    killer->killed_producers += 1;
    start_producer(killer, i);
}

static void kill_owner(killer_t *killer)
{
    bury(killer->owner);
    killer->killed_owners += 1;
    replace_owner(killer);
}

static void kill_editor(killer_t *killer)
{
    bury(killer->editor);
    killer->killed_editors += 1;
    killer->editor = start(killer, edit);
}

static void kill_everything(killer_t *killer)
{
    unsigned i;

    for (i = 0; i < killer->producers; ++i) {
        kill(killer->producer[i], SIGKILL);
    }
    bury(killer->owner);
    bury(killer->editor);
    for (i = 0; i < killer->producers; ++i) {
        bury(killer->producer[i]);
    }
    killer->killed_all += 1;
    replace_owner(killer);
    killer->editor = start(killer, edit);
    for (i = 0; i < killer->producers; ++i) {
        start_producer(killer, i);
    }
}

static void kill_at_random(killer_t *killer)
{
    unsigned i;

    for (i = 0; i < killer->kills; ++i) {
        int dice = rand() % 100;

        apr_sleep(apr_time_from_msec(20 + rand() % 200));
        if (dice < 45) {
            kill_producer(killer);
        }
        else if (dice < 80) {
            kill_owner(killer);
        }
        else if (dice < 90) {
            kill_editor(killer);
        }
        else {
            kill_everything(killer);
        }
    }
}

static void start_all(killer_t *killer)
{
    unsigned i;

    replace_owner(killer);
    killer->editor = start(killer, edit);
    for (i = 0; i < killer->producers; ++i) {
        start_producer(killer, i);
    }
}

/* The owner leaves in order, while the last producers are dead already. */
static void stop_all(killer_t *killer)
{
    unsigned i;
    int status;

    bury(killer->editor);
    for (i = 0; i < killer->producers; ++i) {
        bury(killer->producer[i]);
    }
    kill(killer->owner, SIGTERM);
    waitpid(killer->owner, &status, 0);
}

/* -------------------------------------------------------------------- main */

static void *map_shared(apr_size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED) {
        fail("mmap", errno);
    }
    return memory;
}

static void prepare(killer_t *killer)
{
    apr_size_t size = llm_snapshot_size(SNAPSHOT_KEYS);
    const char *tmp = getenv("TMPDIR"), *what = NULL;
    apr_status_t status;

    killer->dir = apr_pstrcat(killer->pool, tmp ? tmp : "/tmp",
                              "/llmgw-kill-XXXXXX", NULL);
    if (!mkdtemp((char *)(apr_uintptr_t)killer->dir)) {
        fail("mkdtemp", errno);
    }
    killer->shared = map_shared(sizeof(*killer->shared));
    killer->snapshot = llm_snapshot_format(map_shared(size), size);
    killer->takeover =
        apr_pcalloc(killer->pool, ((apr_size_t)killer->kills + 2)
                                      * sizeof(*killer->takeover));
    status = llm_store_prepare(killer->dir, geteuid(), getegid(), &what,
                               killer->pool);
    if (status == APR_SUCCESS) {
        what = "inflight";
        status = llm_inflight_open(
            &killer->inflight,
            apr_pstrcat(killer->pool, killer->dir, "/" LLM_INFLIGHT_FILE, NULL),
            SLOTS, killer->pool);
    }
    if (status != APR_SUCCESS) {
        fail(what, status);
    }
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static unsigned number_after(int argc, char **argv, const char *name,
                             unsigned otherwise)
{
    int i;

    for (i = 1; i + 1 < argc; ++i) {
        if (!strcmp(argv[i], name)) {
            return (unsigned)strtoul(argv[i + 1], NULL, 10);
        }
    }
    return otherwise;
}

int main(int argc, char **argv)
{
    killer_t killer = {
        .kills = number_after(argc, argv, "--kills", 30),
        .producers = number_after(argc, argv, "--producers", 4),
        .rate = number_after(argc, argv, "--rate", 500),
        .seed = number_after(argc, argv, "--seed", (unsigned)getpid())};
    int failed;

    killer.is_kept = argc > 1 && !strcmp(argv[argc - 1], "--keep");
    if (killer.producers < 1 || killer.producers > PRODUCERS_MAX) {
        fprintf(stderr, "storekill: --producers: 1 to %d\n", PRODUCERS_MAX);
        return 2;
    }
    apr_initialize();
    apr_pool_create(&killer.pool, NULL);
    llm_log_set(log_line, NULL, NULL);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    srand(killer.seed);
    prepare(&killer);
    start_all(&killer);
    kill_at_random(&killer);
    stop_all(&killer);
    failed = account(&killer);
    if (killer.is_kept) {
        printf("# %s\n", killer.dir);
    }
    else {
        nftw(killer.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
