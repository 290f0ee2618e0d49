/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master key file.
 *
 * The lock is flock's on the file itself, which nobody but its user can open.
 * As the file is replaced and not written to, who waited for the lock looks
 * whether the path still leads to what he locked.
 */
#include "store/master.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define LOCK_TIME  apr_time_from_sec(5)
#define LOCK_SLICE apr_time_from_msec(20)

static apr_status_t fail(const char **pwhat, apr_status_t status,
                         const char *path, apr_pool_t *pool)
{
    char text[200];

    *pwhat = apr_psprintf(pool, "%s: %s", path,
                          apr_strerror(status, text, sizeof(text)));
    return status;
}

/* ------------------------------------------------------------------ reading */

static apr_status_t check_file(int fd, const char *path, const char **pwhat,
                               apr_pool_t *pool)
{
    struct stat info;

    if (fstat(fd, &info) < 0) {
        return fail(pwhat, errno, path, pool);
    }
    if (!S_ISREG(info.st_mode)) {
        *pwhat = apr_psprintf(pool, "%s is not a file", path);
        return APR_EINVAL;
    }
    if (info.st_uid != 0 && info.st_uid != geteuid()) {
        *pwhat = apr_psprintf(pool,
                              "%s belongs to user %u, who could change it: "
                              "expected user %u",
                              path, (unsigned)info.st_uid, (unsigned)geteuid());
        return APR_EACCES;
    }
    if (info.st_mode & (S_IRWXG | S_IRWXO)) {
        *pwhat =
            apr_psprintf(pool, "%s is open to others (mode %04o): chmod 600 it",
                         path, (unsigned)info.st_mode & 07777);
        return APR_EACCES;
    }
    return APR_SUCCESS;
}

static apr_status_t read_keys(llm_master_file_t *file, int fd,
                              const char **pwhat, apr_pool_t *pool)
{
    char text[LLM_MASTERS_TEXT + 1];
    apr_size_t len = 0;
    const char *wrong;
    ssize_t got;

    do {
        got = read(fd, text + len, sizeof(text) - len);
        len += got > 0 ? (apr_size_t)got : 0;
    } while ((got > 0 && len < sizeof(text)) || (got < 0 && errno == EINTR));
    if (got < 0) {
        return fail(pwhat, errno, file->path, pool);
    }
    wrong = len == sizeof(text) ? "it is too long"
                                : llm_masters_read(&file->masters, text, len);
    llm_wipe(text, sizeof(text));
    if (wrong) {
        *pwhat = apr_psprintf(pool, "%s is not a master key file: %s",
                              file->path, wrong);
        return APR_EINVAL;
    }
    return APR_SUCCESS;
}

static apr_status_t lock_file(int fd, llm_master_how_e how, const char *path,
                              const char **pwhat, apr_pool_t *pool)
{
    apr_time_t end = apr_time_now() + LOCK_TIME;
    int kind = how == LLM_MASTER_ALONE ? LOCK_EX : LOCK_SH;

    if (how == LLM_MASTER_READ) {
        return APR_SUCCESS;
    }
    while (flock(fd, kind | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(pwhat, errno, path, pool);
        }
        if (apr_time_now() > end) {
            *pwhat = apr_psprintf(pool,
                                  "%s is in use by another llmgwctl: try "
                                  "again when it is done",
                                  path);
            return APR_EBUSY;
        }
        apr_sleep(LOCK_SLICE);
    }
    return APR_SUCCESS;
}

/* Does the path still lead to this file? */
static int is_current(int fd, const char *path)
{
    struct stat held, there;

    return !fstat(fd, &held) && !stat(path, &there)
           && held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

static apr_status_t open_once(llm_master_file_t *file, llm_master_how_e how,
                              const char **pwhat, apr_pool_t *pool)
{
    apr_status_t status;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0) {
        status = errno == EPERM ? APR_EACCES : errno;
        return fail(pwhat, status, file->path, pool);
    }
    status = check_file(fd, file->path, pwhat, pool);
    if (status == APR_SUCCESS) {
        status = lock_file(fd, how, file->path, pwhat, pool);
    }
    if (status == APR_SUCCESS && !is_current(fd, file->path)) {
        status = APR_EAGAIN;
    }
    if (status == APR_SUCCESS) {
        status = read_keys(file, fd, pwhat, pool);
    }
    if (status != APR_SUCCESS || how == LLM_MASTER_READ) {
        close(fd);
        fd = -1;
    }
    file->fd = fd;
    return status;
}

apr_status_t llm_master_open(llm_master_file_t *pfile, const char *path,
                             llm_master_how_e how, const char **pwhat,
                             apr_pool_t *pool)
{
    apr_status_t status;

    memset(pfile, 0, sizeof(*pfile));
    pfile->path = apr_pstrdup(pool, path);
    do {
        status = open_once(pfile, how, pwhat, pool);
    } while (status == APR_EAGAIN);
    return status;
}

void llm_master_close(llm_master_file_t *file)
{
    llm_wipe(&file->masters, sizeof(file->masters));
    if (file->fd > 0) {
        close(file->fd);
    }
    file->fd = -1;
}

/* ------------------------------------------------------------------ writing */

static const char *folder_of(const char *path, apr_pool_t *pool)
{
    const char *name = strrchr(path, '/');

    return !name ? "."
           : name == path
               ? "/"
               : apr_pstrmemdup(pool, path, (apr_size_t)(name - path));
}

static apr_status_t sync_folder(const char *path, apr_pool_t *pool)
{
    int fd = open(folder_of(path, pool), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    apr_status_t status = fd < 0 || fsync(fd) < 0 ? errno : APR_SUCCESS;

    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static apr_status_t write_all(int fd, const char *data, apr_size_t len)
{
    while (len) {
        ssize_t put = write(fd, data, len);

        if (put < 0 && errno != EINTR) {
            return errno;
        }
        if (put > 0) {
            data += put;
            len -= (apr_size_t)put;
        }
    }
    return fsync(fd) < 0 ? errno : APR_SUCCESS;
}

/* The keys in a file of its own beside the path, on disk. */
static apr_status_t write_beside(int *pfd, const char **pbeside,
                                 const char *path, const llm_masters_t *masters,
                                 apr_pool_t *pool)
{
    char text[LLM_MASTERS_TEXT];
    apr_size_t len = llm_masters_print(text, masters);
    char *beside = apr_pstrcat(pool, path, ".XXXXXX", NULL);
    apr_status_t status;

    *pbeside = beside;
    *pfd = mkostemp(beside, O_CLOEXEC); /* with mode 0600 */
    if (*pfd < 0) {
        status = errno;
    }
    else {
        status = write_all(*pfd, text, len);
        if (status != APR_SUCCESS) {
            close(*pfd);
            unlink(beside);
        }
    }
    llm_wipe(text, sizeof(text));
    return status;
}

apr_status_t llm_master_create(const char *path, const char **pwhat,
                               apr_pool_t *pool)
{
    llm_masters_t masters = {.count = 1};
    const char *beside;
    apr_status_t status = llm_master_make(&masters.list[0]);
    int fd;

    if (status == APR_SUCCESS && mkdir(folder_of(path, pool), 0755) < 0
        && errno != EEXIST) {
        status = errno;
    }
    if (status == APR_SUCCESS) {
        status = write_beside(&fd, &beside, path, &masters, pool);
    }
    llm_wipe(&masters, sizeof(masters));
    if (status != APR_SUCCESS) {
        return fail(pwhat, status, path, pool);
    }
    /* A link does not take another's place, as a renaming would. */
    status = link(beside, path) < 0 ? errno : sync_folder(path, pool);
    close(fd);
    unlink(beside);
    return status == APR_SUCCESS ? status : fail(pwhat, status, path, pool);
}

apr_status_t llm_master_replace(llm_master_file_t *file, const char **pwhat,
                                apr_pool_t *pool)
{
    const char *beside;
    int fd;
    apr_status_t status =
        write_beside(&fd, &beside, file->path, &file->masters, pool);

    if (status != APR_SUCCESS) {
        return fail(pwhat, status, file->path, pool);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 || rename(beside, file->path) < 0) {
        status = errno;
        close(fd);
        unlink(beside);
        return fail(pwhat, status, file->path, pool);
    }
    close(file->fd);
    file->fd = fd;
    status = sync_folder(file->path, pool);
    return status == APR_SUCCESS ? status
                                 : fail(pwhat, status, file->path, pool);
}
