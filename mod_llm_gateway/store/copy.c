/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a store that is in use; copy.h says why in this order. */
#include "store/copy.h"

#include "store/bdb_care.h"
#include "store/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

typedef struct copying_t {
    llm_store_t *store;
    const char *env, *journal; /* of the copy */
    llm_copy_cb *each;
    void *baton;
    llm_copy_state_t *state;
    apr_pool_t *pool;
} copying_t;

/* Logs stay while anybody copies. */
static apr_status_t hold(llm_store_t *store, int more)
{
    apr_status_t status = APR_SUCCESS;

    apr_thread_mutex_lock(store->mutex);
    if (store->copies + (more > 0) == 1) {
        status = llm_bdb_hold_logs(store->bdb, more > 0);
    }
    if (status == APR_SUCCESS || more < 0) {
        store->copies = (unsigned)((int)store->copies + more);
    }
    apr_thread_mutex_unlock(store->mutex);
    return status;
}

static apr_status_t note(copying_t *copying, const char *file,
                         const char *folder)
{
    llm_copy_state_t *state = copying->state;
    const char *path = apr_pstrcat(copying->pool, folder, "/", file, NULL);
    struct stat info;

    state->file = file;
    state->files += 1;
    if (!stat(path, &info)) {
        state->bytes += (apr_uint64_t)info.st_size;
    }
    return copying->store->is_stopping || copying->each(copying->baton, state)
               ? APR_EINTR
               : APR_SUCCESS;
}

static int ends_with(const char *name, const char *end)
{
    apr_size_t len = strlen(name), tail = strlen(end);

    return len > tail && !strcmp(name + len - tail, end);
}

static int is_there(const copying_t *copying, const char *name)
{
    return !access(apr_pstrcat(copying->pool, copying->store->folder->env, "/",
                               name, NULL),
                   F_OK);
}

static apr_status_t copy_tables(copying_t *copying)
{
    apr_array_header_t *names;
    apr_status_t status =
        llm_folder_list(&names, copying->store->folder->env, copying->pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (!ends_with(name, ".db")) {
            continue;
        }
        status = llm_bdb_copy_table(copying->store->bdb, name, copying->env);
        if (status == APR_NOTFOUND && !is_there(copying, name)) {
            status = APR_SUCCESS; /* a day that was dropped just now */
        }
        else if (status == APR_SUCCESS) {
            status = note(copying, name, copying->env);
        }
    }
    return status;
}

static apr_status_t copy_file(copying_t *copying, const char *name,
                              const char *from, const char *to)
{
    apr_status_t status =
        llm_file_copy(apr_pstrcat(copying->pool, from, "/", name, NULL),
                      apr_pstrcat(copying->pool, to, "/", name, NULL), NULL);

    return status == APR_SUCCESS ? note(copying, name, to) : status;
}

/* One that is gone was read to its end, and that was committed. */
static apr_status_t copy_journals(copying_t *copying)
{
    const char *from = copying->store->folder->journal;
    apr_array_header_t *names;
    apr_status_t status = llm_folder_list(&names, from, copying->pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (!ends_with(name, ".tmp")) {
            status = copy_file(copying, name, from, copying->journal);
            status = status == ENOENT ? APR_SUCCESS : status;
        }
    }
    return status;
}

static apr_status_t copy_logs(copying_t *copying)
{
    apr_array_header_t *names;
    apr_status_t status =
        llm_bdb_logs(&names, copying->store->bdb, copying->pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < names->nelts; ++i) {
        status = copy_file(copying, APR_ARRAY_IDX(names, i, const char *),
                           copying->store->folder->env, copying->env);
    }
    return status;
}

static apr_status_t copy_all(copying_t *copying)
{
    apr_status_t status = copy_tables(copying);

    if (status == APR_SUCCESS) {
        status = copy_journals(copying);
    }
    return status == APR_SUCCESS ? copy_logs(copying) : status;
}

apr_status_t llm_store_copy(llm_store_t *store, const char *folder,
                            llm_copy_cb *each, void *baton,
                            llm_copy_state_t *state, apr_pool_t *pool)
{
    copying_t copying = {.store = store,
                         .each = each,
                         .baton = baton,
                         .state = state,
                         .pool = pool};
    apr_status_t status;

    memset(state, 0, sizeof(*state));
    state->total = llm_folder_bytes(store->folder->env)
                   + llm_folder_bytes(store->folder->journal);
    copying.env = apr_pstrcat(pool, folder, "/env", NULL);
    copying.journal = apr_pstrcat(pool, folder, "/journal", NULL);
    if (mkdir(copying.env, 0700) < 0 || mkdir(copying.journal, 0700) < 0) {
        return errno;
    }
    status = hold(store, 1);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = copy_all(&copying);
    hold(store, -1);
    return status;
}
