/* SPDX-License-Identifier: Apache-2.0 */
/* The store's tests: their folder, their stores, their other processes. */
#include "test/unit/store/rig.h"

#include "core/llm_log.h"
#include "store/bytes.h"
#include "store/crc32c.h"

#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#define START_TIME apr_time_from_sec(10) /* an owner's, at most */

const char *rig_dir;
static llm_store_t *open_store; /* what rig_close still has to close */
static llm_buf_t *logged;
static volatile int stop_owner;

static void log_line(void *baton, llm_log_e level, apr_status_t status,
                     const char *message)
{
    (void)baton;
    (void)level;
    (void)status;
    llm_buf_puts(logged, message);
    llm_buf_putc(logged, '\n');
}

const char *rig_log(void)
{
    return apr_pstrmemdup(unit_pool, logged->data ? logged->data : "",
                          logged->len);
}

void rig_open(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir;

    unit_pool_open();
    dir =
        apr_pstrcat(unit_pool, tmp ? tmp : "/tmp", "/llmgw-test-XXXXXX", NULL);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    rig_dir = dir;
    logged = llm_buf_make(0, unit_pool);
    llm_log_set(log_line, NULL, NULL);
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void rig_close(void)
{
    if (open_store) {
        rig_store_close(open_store);
    }
    llm_log_set(NULL, NULL, NULL);
    nftw(rig_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    unit_pool_close();
}

const char *rig_path(const char *name)
{
    return apr_pstrcat(unit_pool, rig_dir, "/", name, NULL);
}

void rig_record(llm_record_t *record, unsigned n)
{
    memset(record, 0, sizeof(*record));
    llm_be_put(record->id + 8, n, 4);
    record->began = RIG_TIME + apr_time_from_msec(n);
    record->key = 1 + n % 3;
    record->status = n % 10 ? 200 : 502;
    record->attempts = 1;
    record->latency_ms = n % 1000;
    record->first_ms = n % 100;
    record->cost = n;
    llm_usage_set(&record->usage, LLM_CLASS_INPUT, n % 50);
    llm_usage_set(&record->usage, LLM_CLASS_OUTPUT, 7);
    LLM_RECORD_SET(record, client, "openai");
    LLM_RECORD_SET(record, provider, n % 2 ? "claude" : "openai");
    LLM_RECORD_SET(record, served, n % 2 ? "claude-sonnet-4-5" : "gpt-4o");
}

/* What version 2 put behind it: five strings and three choices, all empty. */
void rig_record_1(unsigned char *bytes, unsigned n)
{
    llm_record_t record;
    apr_size_t end;

    rig_record(&record, n);
    llm_codec_write_record(bytes, &record);
    end = (apr_size_t)llm_le_get(bytes + 4, 2) - 9;
    llm_le_put(bytes + 4, end, 2);
    bytes[6] = 1;
    llm_le_put(bytes, llm_crc32c(bytes + 4, end - 4), 4);
}

/* ------------------------------------------------------------------ store */

llm_store_t *rig_store_with(llm_store_options_t options)
{
    const char *what = "";
    llm_store_t *store;
    apr_status_t status;

    options.dir = rig_path("store");
    status = llm_store_open(&store, &options, &what, unit_pool);
    ck_assert_msg(status == APR_SUCCESS, "the store was not opened: %s", what);
    open_store = store;
    return store;
}

llm_store_t *rig_store(void)
{
    return rig_store_with((llm_store_options_t){.version = "test"});
}

void rig_store_close(llm_store_t *store)
{
    ck_assert_int_eq(llm_store_close(store), APR_SUCCESS);
    open_store = NULL;
}

unsigned rig_drain(llm_store_t *store)
{
    unsigned sum = 0, drained;

    do {
        ck_assert_int_eq(llm_store_tick(store, &drained), APR_SUCCESS);
        sum += drained;
    } while (drained);
    return sum;
}

int rig_keep_line(void *baton, const char *line, apr_size_t len)
{
    llm_buf_append(baton, line, len);
    llm_buf_putc(baton, '\n');
    return 0;
}

const char *rig_ask(llm_store_t *store, const char *request)
{
    const llm_caller_t caller = {.uid = 4711};
    llm_buf_t *lines = llm_buf_make(0, unit_pool);
    const llm_json_t *doc;

    ck_assert_int_eq(
        llm_json_read(&doc, request, strlen(request), NULL, unit_pool),
        APR_SUCCESS);
    llm_command_run(store, &caller, doc, rig_keep_line, lines, unit_pool);
    llm_buf_putc(lines, '\0');
    return lines->data;
}

apr_int64_t rig_number(llm_store_t *store, const char *request,
                       const char *name)
{
    const char *answer = rig_ask(store, request);
    const char *line = strstr(answer, "{\"done\":");
    const llm_json_t *doc;
    apr_int64_t number = 0;

    ck_assert_msg(line != NULL, "not done: %s", answer);
    ck_assert_int_eq(
        llm_json_read(&doc, line, strlen(line) - 1, NULL, unit_pool),
        APR_SUCCESS);
    ck_assert_msg(llm_json_int(llm_json_path(doc, "done", name, NULL), &number),
                  "%s is not there: %s", name, answer);
    return number;
}

void rig_check(llm_store_t *store, apr_int64_t records)
{
    const char *answer = rig_ask(store, "{\"op\":\"check\"}");

    rig_contains(answer, "\"agree\":true");
    rig_contains(
        answer,
        apr_psprintf(unit_pool, "\"records\":%" APR_INT64_T_FMT ",", records));
}

void rig_contains(const char *text, const char *wanted)
{
    ck_assert_msg(strstr(text, wanted) != NULL, "%s is not in: %s", wanted,
                  text);
}

llm_journal_t *rig_journal(void)
{
    llm_journal_t *journal;

    ck_assert_int_eq(
        llm_journal_open(&journal, rig_path("store/journal"), unit_pool),
        APR_SUCCESS);
    return journal;
}

void rig_put(llm_journal_t *journal, unsigned first, unsigned n)
{
    llm_record_t record;

    for (; n; ++first, --n) {
        rig_record(&record, first);
        ck_assert_int_eq(llm_journal_put(journal, &record), APR_SUCCESS);
    }
}

unsigned rig_count_files(const char *dir, const char *ending)
{
    DIR *open = opendir(dir);
    struct dirent *entry;
    unsigned count = 0;

    ck_assert_ptr_nonnull(open);
    while ((entry = readdir(open))) {
        apr_size_t len = strlen(entry->d_name), tail = strlen(ending);

        count += len >= tail && !strcmp(entry->d_name + len - tail, ending);
    }
    closedir(open);
    return count;
}

/* -------------------------------------------------------------- processes */

pid_t rig_fork(rig_work *work, void *baton)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (!pid) {
        _exit(work(baton));
    }
    return pid;
}

int rig_wait(pid_t pid)
{
    int status = 0;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void rig_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(rig_wait(pid), -SIGKILL);
}

static int produce(void *baton)
{
    rig_producer_t *producer = baton;
    llm_journal_t *journal = rig_journal();

    while (getppid() != 1) {
        unsigned done = *producer->done;

        if (done == *producer->wanted) {
            apr_sleep(1000);
            continue;
        }
        rig_put(journal, producer->first + done, 1);
        *producer->done = done + 1;
    }
    return 0;
}

rig_producer_t *rig_producer(unsigned first)
{
    rig_producer_t *producer = apr_pcalloc(unit_pool, sizeof(*producer));
    void *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(shared, MAP_FAILED);
    producer->wanted = shared;
    producer->done = (unsigned *)shared + 16;
    producer->first = first;
    producer->pid = rig_fork(produce, producer);
    return producer;
}

void rig_produce(rig_producer_t *producer, unsigned n)
{
    *producer->wanted += n;
    while (*producer->done < *producer->wanted) {
        apr_sleep(1000);
    }
}

static void on_term(int signal_number)
{
    (void)signal_number;
    stop_owner = 1;
}

static int own(void *baton)
{
    const llm_store_options_t options = {
        .dir = baton, .wait = 1, .version = "test"};

    signal(SIGTERM, on_term);
    return llm_owner_run(&options, NULL, NULL, &stop_owner, unit_pool)
           != APR_SUCCESS;
}

pid_t rig_owner(void)
{
    const char *dir = rig_path("store"), *what = NULL;
    pid_t pid = rig_fork(own, (void *)(apr_uintptr_t)dir);
    apr_time_t end = apr_time_now() + START_TIME;
    llm_client_t *client;
    int online = 0;

    while (!online && apr_time_now() < end) {
        apr_sleep(apr_time_from_msec(10));
        /* Not before it has the lock, or this process would be the owner. */
        if (!access(rig_path("store/owner.sock"), F_OK)
            && llm_client_open(&client, dir, &what, unit_pool) == APR_SUCCESS) {
            online = llm_client_is_online(client);
            llm_client_close(client);
        }
    }
    ck_assert_msg(online, "the owner did not start: %s", what ? what : "");
    return pid;
}

void rig_owner_stop(pid_t pid)
{
    kill(pid, SIGTERM);
    ck_assert_int_eq(rig_wait(pid), 0);
}
