/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands about the store as a thing on a disk: "store.copy",
 * "store.stats" and "store.compact". They run beside the owner's work, and say
 * how far they are.
 */
#include "store/bdb_care.h"
#include "store/bytes.h"
#include "store/copy.h"
#include "store/files.h"
#include "store/task.h"

#include "core/llm_time.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <apr_strings.h>

/* ------------------------------------------------------------------- copy */

static int say_copied(void *baton, const llm_copy_state_t *state)
{
    llm_task_t *task = baton;

    llm_task_begin(task, "row");
    llm_member_text(task->out, "file", state->file);
    llm_member_number(task->out, "bytes", state->bytes);
    llm_member_number(task->out, "total", state->total);
    return llm_task_end(task) != APR_SUCCESS;
}

/* A name and no path: nothing outside of the store's folder is written. */
static int is_copy_name(const char *name)
{
    apr_size_t prefix = strlen(LLM_COPY_PREFIX);
    apr_size_t len = strlen(name);

    return len > prefix && len <= prefix + 32
           && !strncmp(name, LLM_COPY_PREFIX, prefix)
           && strspn(name + prefix, "0123456789abcdef") == len - prefix;
}

/* Nobody takes it for a killed command's while it is being made. */
static int lock_folder(const char *folder, apr_pool_t *pool)
{
    int fd = open(apr_pstrcat(pool, folder, "/" LLM_COPY_MAKING, NULL),
                  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* What was begun and is not wanted any more goes. */
static apr_status_t copy_into(llm_copy_state_t *state, llm_task_t *task,
                              const char *folder)
{
    int lock = lock_folder(folder, task->pool);
    apr_status_t status = lock < 0 ? errno : APR_SUCCESS;

    if (status == APR_SUCCESS) {
        status = llm_store_copy(task->store, folder, say_copied, task, state,
                                task->pool);
    }
    if (status != APR_SUCCESS) {
        llm_folder_remove(folder);
    }
    if (lock >= 0) {
        close(lock);
    }
    return status;
}

static apr_status_t copy(llm_task_t *task)
{
    const llm_store_t *store = task->store;
    llm_copy_state_t state;
    const char *name, *folder;
    struct stat info;
    apr_time_t began = apr_time_now();
    apr_status_t status = llm_task_string(&name, task, "folder", 64);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!name || !is_copy_name(name)) {
        return llm_task_refuse(task, "usage",
                               "folder: expected " LLM_COPY_PREFIX
                               " and hexadecimal digits");
    }
    folder = apr_pstrcat(task->pool, store->folder->dir, "/", name, NULL);
    if (lstat(folder, &info) < 0 || !S_ISDIR(info.st_mode)) {
        return llm_task_refuse(task, "usage", "folder: %s is not there", name);
    }
    status = copy_into(&state, task, folder);
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "files", state.files);
    llm_member_number(task->out, "bytes", state.bytes);
    llm_member_number(task->out, "format", store->format);
    llm_member_time(task->out, "began", began, task->row_pool);
    return llm_task_end(task);
}

const llm_command_t llm_command_store_copy = {
    .op = "store.copy",
    .members = (const char *const[]){"folder", NULL},
    .is_slow = 1,
    .read = copy,
};

/* ------------------------------------------------------------------ stats */

typedef struct counting_t {
    apr_uint64_t rows, bytes;
    const llm_store_t *store;
} counting_t;

static int count_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    counting_t *counting = baton;

    counting->rows += 1;
    counting->bytes += key.len + value.len;
    return counting->store->is_stopping;
}

static apr_uint64_t file_bytes(const llm_store_t *store, const char *file,
                               apr_pool_t *pool)
{
    struct stat info;
    const char *path = apr_pstrcat(pool, store->folder->env, "/", file, NULL);

    return stat(path, &info) ? 0 : (apr_uint64_t)info.st_size;
}

static apr_status_t say_table(llm_task_t *task, const char *name,
                              const counting_t *counting, apr_uint64_t size)
{
    llm_task_begin(task, "row");
    llm_member_text(task->out, "table", name);
    llm_member_number(task->out, "rows", counting->rows);
    llm_member_number(task->out, "row_bytes", counting->bytes);
    llm_member_number(task->out, "file_bytes", size);
    return llm_task_end(task);
}

static apr_status_t count_table(llm_task_t *task, const char *name,
                                llm_table_t *table)
{
    counting_t counting = {0, 0, task->store};
    apr_status_t status =
        llm_table_scan(table, LLM_DATUM_NONE, count_row, &counting);

    if (status != APR_SUCCESS) {
        return status;
    }
    return say_table(task, name, &counting,
                     file_bytes(task->store,
                                apr_pstrcat(task->row_pool, name, ".db", NULL),
                                task->row_pool));
}

/* The first or the last time of a table of events. */
static int note_time(void *baton, llm_datum_t key, llm_datum_t value)
{
    apr_time_t *ptime = baton;

    (void)value;
    if (key.len >= 8) {
        *ptime = (apr_time_t)llm_be_get(key.data, 8);
    }
    return 1;
}

typedef struct event_span_t {
    apr_time_t oldest;
    int days;
} event_span_t;

/* The days' tables are one line: there are as many as days are kept. */
static apr_status_t count_events(llm_task_t *task, event_span_t *span)
{
    llm_store_t *store = task->store;
    counting_t counting = {0, 0, store};
    apr_uint64_t size = 0;
    apr_array_header_t *days;
    apr_status_t status = llm_events_days(&days, store->events, task->pool);
    int i;

    span->oldest = 0;
    span->days = days->nelts;
    for (i = 0; status == APR_SUCCESS && i < days->nelts; ++i) {
        apr_uint32_t day = APR_ARRAY_IDX(days, i, apr_uint32_t);
        llm_table_t *table;

        status = llm_events_use(&table, store->events, day, 0);
        if (status == APR_NOTFOUND) {
            status = APR_SUCCESS;
            continue;
        }
        if (status != APR_SUCCESS) {
            break;
        }
        status = llm_table_scan(table, LLM_DATUM_NONE, count_row, &counting);
        if (status == APR_SUCCESS && !span->oldest) {
            status =
                llm_table_scan(table, LLM_DATUM_NONE, note_time, &span->oldest);
        }
        llm_events_done(store->events, table);
        size += file_bytes(store, llm_events_file(day, task->pool), task->pool);
    }
    return status == APR_SUCCESS ? say_table(task, "events", &counting, size)
                                 : status;
}

static void put_disk(llm_task_t *task)
{
    const llm_folder_t *folder = task->store->folder;
    struct statvfs disk;
    apr_uint64_t logs = 0;
    unsigned files = 0;
    apr_array_header_t *names;
    int i;

    if (llm_folder_list(&names, folder->env, task->row_pool) == APR_SUCCESS) {
        for (i = 0; i < names->nelts; ++i) {
            const char *name = APR_ARRAY_IDX(names, i, const char *);

            if (!strncmp(name, "log.", 4)) {
                logs += file_bytes(task->store, name, task->row_pool);
                ++files;
            }
        }
    }
    llm_member_number(task->out, "env_bytes", llm_folder_bytes(folder->env));
    llm_member_number(task->out, "log_files", files);
    llm_member_number(task->out, "log_bytes", logs);
    llm_member_number(task->out, "journal_bytes",
                      llm_folder_bytes(folder->journal));
    if (!statvfs(folder->dir, &disk)) {
        llm_member_number(task->out, "disk_bytes",
                          (apr_uint64_t)disk.f_blocks * disk.f_frsize);
        llm_member_number(task->out, "disk_free",
                          (apr_uint64_t)disk.f_bavail * disk.f_frsize);
    }
}

static apr_status_t say_rest(llm_task_t *task, const event_span_t *span)
{
    llm_store_t *store = task->store;
    const llm_inflight_t *inflight = store->inflight;

    llm_task_begin(task, "done");
    llm_member_number(task->out, "format", store->format);
    put_disk(task);
    apr_thread_mutex_lock(store->mutex);
    llm_member_number(task->out, "journals", store->drained.journals);
    llm_member_number(task->out, "backlog", store->health.backlog);
    apr_thread_mutex_unlock(store->mutex);
    llm_member_number(task->out, "inflight",
                      inflight ? llm_inflight_count(store->inflight) : 0);
    llm_member_number(task->out, "inflight_slots",
                      inflight ? llm_inflight_size(inflight) : 0);
    llm_member_number(task->out, "cache_bytes", llm_bdb_cache(store->bdb));
    llm_member_number(task->out, "event_days", (apr_uint64_t)span->days);
    llm_member_time(task->out, "oldest_event", span->oldest, task->row_pool);
    llm_member_number(task->out, "keep_days", store->keep_days);
    return llm_task_end(task);
}

static apr_status_t stats(llm_task_t *task)
{
    event_span_t span;
    apr_status_t status = APR_SUCCESS;

#define TABLE(name)                                                            \
    if (status == APR_SUCCESS) {                                               \
        status = count_table(task, #name, task->store->tables.name);           \
    }
#include "store/tables.def"
#undef TABLE
    if (status == APR_SUCCESS) {
        status = count_events(task, &span);
    }
    return status == APR_SUCCESS ? say_rest(task, &span) : status;
}

const llm_command_t llm_command_store_stats = {
    .op = "store.stats",
    .members = (const char *const[]){NULL},
    .is_slow = 1,
    .read = stats,
};

/* ---------------------------------------------------------------- compact */

#define COMPACT_ROWS  200                   /* at a time: some milliseconds */
#define COMPACT_PAUSE apr_time_from_msec(1) /* the owner's turn */
#define COMPACT_TRIES 100

/* A piece while nothing is written, then a pause in which it may be. */
static apr_status_t compact_table(llm_task_t *task, llm_table_t *table,
                                  apr_uint64_t *pfreed)
{
    llm_compact_place_t *place = NULL;
    apr_status_t status;
    int tries = 0;

    do {
        apr_thread_mutex_lock(task->store->writing);
        status =
            llm_table_compact(table, &place, COMPACT_ROWS, pfreed, task->pool);
        apr_thread_mutex_unlock(task->store->writing);
        if (task->store->is_stopping || task->is_stopped) {
            return APR_EINTR;
        }
        if (status == APR_EAGAIN && ++tries < COMPACT_TRIES) {
            status = APR_SUCCESS;
        }
        apr_sleep(COMPACT_PAUSE);
    } while (status == APR_SUCCESS && place);
    return status;
}

static apr_status_t compact_one(llm_task_t *task, const char *name,
                                const char *file, llm_table_t *table,
                                apr_uint64_t *pfreed)
{
    apr_uint64_t before = file_bytes(task->store, file, task->pool);
    apr_uint64_t pages = 0;
    apr_status_t status = compact_table(task, table, &pages);

    if (status != APR_SUCCESS) {
        return status;
    }
    *pfreed += pages * LLM_PAGE_BYTES;
    llm_task_begin(task, "row");
    llm_member_text(task->out, "table", name);
    llm_member_number(task->out, "before", before);
    llm_member_number(task->out, "freed", pages * LLM_PAGE_BYTES);
    return llm_task_end(task);
}

static apr_status_t compact_events(llm_task_t *task, apr_uint64_t *pfreed)
{
    llm_events_t *events = task->store->events;
    apr_array_header_t *days;
    apr_status_t status = llm_events_days(&days, events, task->pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < days->nelts; ++i) {
        apr_uint32_t day = APR_ARRAY_IDX(days, i, apr_uint32_t);
        const char *file = llm_events_file(day, task->pool);
        llm_table_t *table;

        status = llm_events_use(&table, events, day, 0);
        if (status == APR_SUCCESS) {
            status = compact_one(
                task, apr_pstrmemdup(task->pool, file, strcspn(file, ".")),
                file, table, pfreed);
            llm_events_done(events, table);
        }
        else if (status == APR_NOTFOUND) {
            status = APR_SUCCESS;
        }
    }
    return status;
}

static apr_status_t compact(llm_task_t *task)
{
    apr_uint64_t freed = 0;
    apr_status_t status = APR_SUCCESS;

#define TABLE(name)                                                            \
    if (status == APR_SUCCESS) {                                               \
        status = compact_one(task, #name, #name ".db",                         \
                             task->store->tables.name, &freed);                \
    }
#include "store/tables.def"
#undef TABLE
    if (status == APR_SUCCESS) {
        status = compact_events(task, &freed);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "freed", freed);
    llm_member_number(task->out, "env_bytes",
                      llm_folder_bytes(task->store->folder->env));
    return llm_task_end(task);
}

const llm_command_t llm_command_store_compact = {
    .op = "store.compact",
    .members = (const char *const[]){NULL},
    .is_slow = 1,
    .read = compact,
};
