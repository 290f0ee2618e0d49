/* SPDX-License-Identifier: Apache-2.0 */
/* A working copy of the store. */
#include "llmgwctl/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "core/llm_key.h"
#include "store/copy.h"
#include "store/files.h"
#include "store/folder.h"

const char *ctl_absolute(const char *path, apr_pool_t *pool)
{
    char here[APR_PATH_MAX];

    return *path == '/' || !getcwd(here, sizeof(here))
               ? path
               : apr_pstrcat(pool, here, "/", path, NULL);
}

int ctl_fix_store(ctl_t *ctl)
{
    char *path = realpath(ctl->store, NULL);

    if (!path) {
        return ctl_fail(ctl, CTL_UNREACHABLE, "unreachable",
                        "the store %s cannot be reached: %s", ctl->store,
                        strerror(errno));
    }
    ctl->store = apr_pstrdup(ctl->pool, path);
    free(path);
    return CTL_DONE;
}

/* Does a process hold the lock of that file? -1: it is not there. */
static int is_held(const char *dir, const char *name, apr_pool_t *pool)
{
    int fd = open(apr_pstrcat(pool, dir, "/", name, NULL),
                  O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    int is;

    if (fd < 0) {
        return -1;
    }
    is = flock(fd, LOCK_EX | LOCK_NB) < 0;
    close(fd);
    return is;
}

/*
 * The lock of the store's folder itself: shared by who makes a folder for a
 * copy, until its own lock is taken, and whole by who looks for folders nobody
 * wants. So one without its files is never about to get them: it is of a
 * process that was killed before it made them, or while it removed them.
 */
static int lock_making(const ctl_t *ctl, int how)
{
    int fd = open(ctl->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && flock(fd, how) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Nobody works on it any more. */
static int is_left(const char *dir, apr_pool_t *pool)
{
    return is_held(dir, LLM_COPY_BUSY, pool) != 1
           && is_held(dir, LLM_COPY_MAKING, pool) != 1;
}

static void remove_left(const ctl_t *ctl)
{
    apr_array_header_t *names;
    int i, lock = lock_making(ctl, LOCK_EX | LOCK_NB);

    if (lock < 0) {
        return;
    }
    if (llm_folder_list(&names, ctl->store, ctl->pool) != APR_SUCCESS) {
        names = apr_array_make(ctl->pool, 0, sizeof(const char *));
    }
    for (i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        const char *path = apr_pstrcat(ctl->pool, ctl->store, "/", name, NULL);

        if (!strncmp(name, LLM_COPY_PREFIX, strlen(LLM_COPY_PREFIX))
            && is_left(path, ctl->pool)) {
            llm_folder_remove(path);
        }
    }
    close(lock);
}

static int make_folder(ctl_copy_t *copy, ctl_t *ctl)
{
    apr_uint64_t number = 0;
    int status = CTL_DONE, making = lock_making(ctl, LOCK_SH);

    if (llm_random(&number, sizeof(number)) != APR_SUCCESS) {
        number = (apr_uint64_t)getpid();
    }
    copy->dir = apr_psprintf(ctl->pool,
                             "%s/" LLM_COPY_PREFIX "%016" APR_UINT64_T_HEX_FMT,
                             ctl->store, number);
    copy->env = apr_pstrcat(ctl->pool, copy->dir, "/env", NULL);
    copy->journal = apr_pstrcat(ctl->pool, copy->dir, "/journal", NULL);
    copy->lock = -1;
    if (!mkdir(copy->dir, 0700)) {
        copy->lock =
            open(apr_pstrcat(ctl->pool, copy->dir, "/" LLM_COPY_BUSY, NULL),
                 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (making < 0 || copy->lock < 0
        || flock(copy->lock, LOCK_EX | LOCK_NB) < 0) {
        ctl_fail(ctl, CTL_REFUSED, "internal", "%s: %s", copy->dir,
                 strerror(errno));
        status = CTL_REFUSED;
    }
    if (making >= 0) {
        close(making);
    }
    return status;
}

static void show(void *baton, const llm_json_t *row)
{
    ctl_steps_t *steps = baton;
    apr_pool_t *pool = steps->ctl->pool;
    apr_int64_t bytes = 0, total = 0;

    llm_json_int(llm_json_get(row, "bytes"), &bytes);
    llm_json_int(llm_json_get(row, "total"), &total);
    ctl_step(steps, "Copying the store: %s of %s",
             ctl_bytes_text((apr_uint64_t)bytes, pool),
             ctl_bytes_text((apr_uint64_t)total, pool));
}

int ctl_copy_make(ctl_copy_t *copy, ctl_t *ctl)
{
    ctl_steps_t steps = {.ctl = ctl};
    const char *what = NULL;
    llm_buf_t *request;
    int status = ctl_open_store(ctl);

    if (status != CTL_DONE) {
        return status;
    }
    if (llm_folder_become(llm_folder_make(ctl->store, ctl->pool), &what,
                          ctl->pool)
        != APR_SUCCESS) {
        return ctl_fail(ctl, CTL_UNREACHABLE, "unreachable", "%s", what);
    }
    remove_left(ctl);
    status = make_folder(copy, ctl);
    if (status == CTL_DONE) {
        request = ctl_request(ctl, "store.copy");
        ctl_request_text(request, "folder", strrchr(copy->dir, '/') + 1);
        ctl_step(&steps, "Copying the store");
        status = ctl_ask(ctl, request, show, &steps, &copy->done);
        ctl_steps_end(&steps);
    }
    if (status != CTL_DONE) {
        ctl_copy_remove(copy);
    }
    return status;
}

void ctl_copy_remove(ctl_copy_t *copy)
{
    llm_folder_remove(copy->dir);
    if (copy->lock >= 0) {
        close(copy->lock);
        copy->lock = -1;
    }
}
