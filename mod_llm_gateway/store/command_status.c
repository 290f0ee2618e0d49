/* SPDX-License-Identifier: Apache-2.0 */
/* The command "status": who owns the store, how it is, how much it holds. */
#include "store/meta.h"
#include "store/task.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

/* Bytes of the files in a folder. */
static apr_uint64_t size_of(const char *path, apr_pool_t *pool)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    apr_uint64_t size = 0;

    while (dir && (entry = readdir(dir))) {
        struct stat info;

        if (!stat(apr_pstrcat(pool, path, "/", entry->d_name, NULL), &info)
            && S_ISREG(info.st_mode)) {
            size += (apr_uint64_t)info.st_size;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return size;
}

static void put_owner(llm_task_t *task)
{
    llm_store_t *store = task->store;

    llm_member_number(task->out, "pid", (apr_uint64_t)getpid());
    llm_member_text(task->out, "version", store->version);
    llm_member_time(task->out, "started", store->opened, task->row_pool);
    llm_member_number(task->out, "uptime_s",
                      (apr_uint64_t)apr_time_sec(task->now - store->opened));
    llm_member_number(task->out, "schema", store->format);
}

/* Numbers of meta.db. */
static apr_status_t put_numbers(llm_task_t *task)
{
    static const char *const names[] = {LLM_META_RECORDS, LLM_META_KILLED,
                                        LLM_META_DAMAGED, LLM_META_TWICE};
    llm_table_t *meta = task->store->tables.meta;
    apr_uint64_t number;
    apr_status_t status = llm_meta_get(&number, meta, NULL, LLM_META_CREATED);
    apr_size_t i;

    llm_member_time(task->out, "created", (apr_time_t)number, task->row_pool);
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&number, meta, NULL, LLM_META_IDENTITY);
        llm_member(task->out, "identity");
        llm_buf_printf(task->out, "\"%016" APR_UINT64_T_HEX_FMT "\"", number);
    }
    for (i = 0; status == APR_SUCCESS && i < sizeof(names) / sizeof(names[0]);
         ++i) {
        status = llm_meta_get(&number, meta, NULL, names[i]);
        llm_member_number(task->out, names[i], number);
    }
    return status;
}

static void put_work(llm_task_t *task)
{
    llm_store_t *store = task->store;
    llm_inflight_t *inflight = store->inflight;
    apr_uint64_t env = size_of(store->folder->env, task->row_pool);
    apr_uint64_t journals = size_of(store->folder->journal, task->row_pool);

    llm_member_number(task->out, "keys", llm_keyring_count(store->keyring));
    llm_member_number(task->out, "inflight",
                      inflight ? llm_inflight_count(inflight) : 0);
    llm_member_number(task->out, "inflight_slots",
                      inflight ? llm_inflight_size(inflight) : 0);
    llm_member_number(task->out, "bytes", env + journals);
    llm_member_number(task->out, "journal_bytes", journals);
    llm_member_number(task->out, "keep_days", store->keep_days);
    llm_member_number(task->out, "keep_hours", store->keep_hours);
    llm_member_number(task->out, "keep_audit", store->keep_audit);
}

/* What the drain and the failures left to see. */
static void put_health(llm_task_t *task)
{
    llm_store_t *store = task->store;
    char text[200];

    apr_thread_mutex_lock(store->mutex);
    llm_member_number(task->out, "journals", store->drained.journals);
    llm_member_number(task->out, "backlog", store->health.backlog);
    llm_member_time(task->out, "drained", store->health.drained,
                    task->row_pool);
    llm_member_flag(task->out, "failing", store->health.error != 0);
    llm_member_text(task->out, "error",
                    store->error ? apr_psprintf(
                        task->row_pool, "%s: %s", store->error,
                        apr_strerror(store->error_status, text, sizeof(text)))
                                 : NULL);
    llm_member_time(task->out, "error_at", store->error_at, task->row_pool);
    apr_thread_mutex_unlock(store->mutex);
}

static apr_status_t run(llm_task_t *task)
{
    apr_status_t status;

    llm_task_begin(task, "done");
    put_owner(task);
    status = put_numbers(task);
    if (status != APR_SUCCESS) {
        return status;
    }
    put_work(task);
    put_health(task);
    return llm_task_end(task);
}

const llm_command_t llm_command_status = {
    .op = "status",
    .members = (const char *const[]){NULL},
    .read = run,
};
