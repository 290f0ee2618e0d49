/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and folders as wholes.
 *
 * Folders are walked by descriptors: between a look at a path and its use
 * somebody else could put a link there.
 */
#include "store/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <apr_strings.h>

#define COPY_BYTES (1u << 20)
#define DEPTH_MAX  8

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1 << 1)
#endif

static apr_status_t write_all(int fd, const char *bytes, apr_size_t len)
{
    while (len) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno != EINTR) {
            return errno;
        }
        if (put > 0) {
            bytes += put;
            len -= (apr_size_t)put;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t copy_bytes(int from, int to, apr_uint64_t *pbytes)
{
    char *bytes = malloc(COPY_BYTES);
    apr_status_t status = bytes ? APR_SUCCESS : APR_ENOMEM;

    while (status == APR_SUCCESS) {
        ssize_t got = read(from, bytes, COPY_BYTES);

        if (got < 0 && errno != EINTR) {
            status = errno;
        }
        if (got > 0) {
            status = write_all(to, bytes, (apr_size_t)got);
            if (pbytes) {
                *pbytes += (apr_uint64_t)got;
            }
        }
        if (!got) {
            break;
        }
    }
    free(bytes);
    return status;
}

/* Flushed and closed, or removed. */
static apr_status_t finish_file(int fd, const char *path, apr_status_t status)
{
    if (status == APR_SUCCESS && fsync(fd) < 0) {
        status = errno;
    }
    close(fd);
    if (status != APR_SUCCESS) {
        unlink(path);
    }
    return status;
}

static int make_file(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                0600);
}

apr_status_t llm_file_copy(const char *from, const char *to,
                           apr_uint64_t *pbytes)
{
    struct stat info;
    apr_status_t status;
    int in = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int out;

    if (in < 0) {
        return errno;
    }
    if (fstat(in, &info) < 0 || !S_ISREG(info.st_mode)) {
        close(in);
        return APR_EINVAL;
    }
    out = make_file(to);
    status = out < 0 ? errno : copy_bytes(in, out, pbytes);
    if (out >= 0) {
        status = finish_file(out, to, status);
    }
    close(in);
    return status;
}

apr_status_t llm_file_write(const char *path, const char *text)
{
    int fd = make_file(path);

    return fd < 0 ? errno
                  : finish_file(fd, path, write_all(fd, text, strlen(text)));
}

apr_status_t llm_file_read(const char **ptext, const char *path,
                           apr_size_t longest, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, longest + 1);
    apr_size_t len = 0;
    ssize_t got = 1;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    apr_status_t status = APR_SUCCESS;

    if (fd < 0) {
        return errno;
    }
    while (got > 0 && len < longest) {
        got = read(fd, text + len, longest - len);
        len += got > 0 ? (apr_size_t)got : 0;
    }
    if (got < 0) {
        status = errno;
    }
    close(fd);
    text[len] = '\0';
    *ptext = text;
    return status;
}

apr_status_t llm_folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    apr_status_t status = APR_SUCCESS;

    if (fd < 0) {
        return errno;
    }
    if (fsync(fd) < 0) {
        status = errno;
    }
    close(fd);
    return status;
}

static int is_entry(const char *name)
{
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

apr_status_t llm_folder_list(apr_array_header_t **pnames, const char *path,
                             apr_pool_t *pool)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    *pnames = apr_array_make(pool, 16, sizeof(const char *));
    if (!dir) {
        return errno;
    }
    while ((entry = readdir(dir))) {
        if (is_entry(entry->d_name)) {
            APR_ARRAY_PUSH(*pnames, const char *) =
                apr_pstrdup(pool, entry->d_name);
        }
    }
    closedir(dir);
    qsort((*pnames)->elts, (apr_size_t)(*pnames)->nelts, sizeof(const char *),
          compare_names);
    return APR_SUCCESS;
}

apr_uint64_t llm_folder_bytes(const char *path)
{
    DIR *dir = opendir(path);
    apr_uint64_t bytes = 0;
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        struct stat info;

        if (!fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW)
            && S_ISREG(info.st_mode)) {
            bytes += (apr_uint64_t)info.st_size;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return bytes;
}

/* What is in the folder `name` of `at`, then the folder. */
static apr_status_t remove_at(int at, const char *name, int depth)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    apr_status_t status = APR_SUCCESS;
    struct dirent *entry;

    if (!dir) {
        status = errno;
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    while (status == APR_SUCCESS && (entry = readdir(dir))) {
        if (!is_entry(entry->d_name) || !unlinkat(fd, entry->d_name, 0)) {
            continue;
        }
        status = errno;
        if (status == EISDIR && depth < DEPTH_MAX) {
            status = remove_at(fd, entry->d_name, depth + 1);
        }
    }
    closedir(dir);
    if (status == APR_SUCCESS && unlinkat(at, name, AT_REMOVEDIR) < 0) {
        status = errno;
    }
    return status;
}

apr_status_t llm_folder_remove(const char *path)
{
    apr_status_t status = remove_at(AT_FDCWD, path, 0);

    return status == ENOENT ? APR_SUCCESS : status;
}

apr_status_t llm_folder_move(const char *from, const char *to, apr_pool_t *pool)
{
    apr_array_header_t *names;
    apr_status_t status = APR_SUCCESS;
    int i;

    if (!rename(from, to)) {
        return APR_SUCCESS;
    }
    if (errno != EXDEV) {
        return errno;
    }
    if (mkdir(to, 0700) < 0) {
        return errno;
    }
    status = llm_folder_list(&names, from, pool);
    for (i = 0; status == APR_SUCCESS && i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        status = llm_file_copy(apr_pstrcat(pool, from, "/", name, NULL),
                               apr_pstrcat(pool, to, "/", name, NULL), NULL);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_sync(to);
    }
    return status == APR_SUCCESS ? llm_folder_remove(from) : status;
}

/* The second way leaves a moment in which `one` is not there. */
apr_status_t llm_folder_exchange(const char *one, const char *other)
{
    char aside[APR_PATH_MAX];

    if (!syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other,
                 RENAME_EXCHANGE)) {
        return APR_SUCCESS;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    apr_snprintf(aside, sizeof(aside), "%s.old", other);
    if (rename(one, aside) < 0) {
        return errno;
    }
    if (rename(other, one) < 0) {
        apr_status_t status = errno;

        rename(aside, one);
        return status;
    }
    return rename(aside, other) < 0 ? errno : APR_SUCCESS;
}
