/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder and its lock.
 *
 * The lock is fcntl's: the kernel drops it whatever the process died of, and
 * a forked helper does not keep it. It is also dropped when the process
 * closes any descriptor of that file, hence the one in llm_folder_t.
 */
#include "store/folder.h"

#include "store/inflight.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

llm_folder_t *llm_folder_make(const char *dir, apr_pool_t *pool)
{
    llm_folder_t *folder = apr_pcalloc(pool, sizeof(*folder));

    folder->dir = apr_pstrdup(pool, dir);
    folder->env = apr_pstrcat(pool, dir, "/env", NULL);
    folder->journal = apr_pstrcat(pool, dir, "/journal", NULL);
    folder->inflight = apr_pstrcat(pool, dir, "/" LLM_INFLIGHT_FILE, NULL);
    folder->inflight_1 = apr_pstrcat(pool, dir, "/" LLM_INFLIGHT_FILE_1, NULL);
    folder->lock_path = apr_pstrcat(pool, dir, "/store.lock", NULL);
    folder->socket = apr_pstrcat(pool, dir, "/owner.sock", NULL);
    folder->lock = -1;
    return folder;
}

static const char *text_of(apr_status_t status, apr_pool_t *pool)
{
    char text[200];

    return apr_pstrdup(pool, apr_strerror(status, text, sizeof(text)));
}

static apr_status_t create_one(const char *path, const char **pwhat,
                               apr_pool_t *pool)
{
    apr_status_t status;

    if (!mkdir(path, 0700) || errno == EEXIST) {
        return APR_SUCCESS;
    }
    status = errno;
    *pwhat = apr_psprintf(pool, "%s cannot be made: %s", path,
                          text_of(status, pool));
    return status;
}

apr_status_t llm_folder_create(const llm_folder_t *folder, const char **pwhat,
                               apr_pool_t *pool)
{
    apr_status_t status = create_one(folder->dir, pwhat, pool);

    if (status == APR_SUCCESS) {
        status = create_one(folder->env, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = create_one(folder->journal, pwhat, pool);
    }
    return status;
}

static apr_status_t give_one(const char *path, apr_uint32_t uid,
                             apr_uint32_t gid, const char **pwhat,
                             apr_pool_t *pool)
{
    struct stat info;
    apr_status_t status = APR_SUCCESS;

    if (lstat(path, &info) < 0
        || (info.st_uid != uid && lchown(path, uid, gid) < 0)) {
        status = errno == EPERM ? APR_EACCES : errno;
        *pwhat = apr_psprintf(pool, "%s cannot be given to user %u: %s", path,
                              (unsigned)uid, text_of(status, pool));
    }
    return status;
}

/* What a folder holds, if it can be read. */
static apr_status_t give_files(const char *path, apr_uint32_t uid,
                               apr_uint32_t gid, const char **pwhat,
                               apr_pool_t *pool)
{
    DIR *dir = opendir(path);
    apr_status_t status = APR_SUCCESS;
    struct dirent *entry;

    while (dir && status == APR_SUCCESS && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0
            && strcmp(entry->d_name, "..") != 0) {
            status = give_one(apr_pstrcat(pool, path, "/", entry->d_name, NULL),
                              uid, gid, pwhat, pool);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return status;
}

/* Files first, while only root can put anything in their place. A folder that
 * is the user's already holds what he put there. */
static apr_status_t give_folder(const char *path, apr_uint32_t uid,
                                apr_uint32_t gid, const char **pwhat,
                                apr_pool_t *pool)
{
    struct stat info;
    apr_status_t status = APR_SUCCESS;

    if (!lstat(path, &info) && info.st_uid == 0 && uid != 0) {
        status = give_files(path, uid, gid, pwhat, pool);
    }
    return status == APR_SUCCESS ? give_one(path, uid, gid, pwhat, pool)
                                 : status;
}

apr_status_t llm_folder_give(const llm_folder_t *folder, apr_uint32_t uid,
                             apr_uint32_t gid, const char **pwhat,
                             apr_pool_t *pool)
{
    apr_status_t status = give_folder(folder->env, uid, gid, pwhat, pool);

    if (status == APR_SUCCESS) {
        status = give_folder(folder->journal, uid, gid, pwhat, pool);
    }
    return status == APR_SUCCESS
               ? give_folder(folder->dir, uid, gid, pwhat, pool)
               : status;
}

apr_status_t llm_folder_give_inside(const llm_folder_t *folder,
                                    const char **pwhat, apr_pool_t *pool)
{
    struct stat info;

    if (geteuid() != 0 || stat(folder->dir, &info) < 0) {
        return APR_SUCCESS;
    }
    return llm_folder_give(folder, info.st_uid, info.st_gid, pwhat, pool);
}

apr_status_t llm_folder_become(const llm_folder_t *folder, const char **pwhat,
                               apr_pool_t *pool)
{
    struct stat dir;
    apr_status_t status;

    if (geteuid() != 0) {
        return APR_SUCCESS;
    }
    if (stat(folder->dir, &dir) < 0
        || (dir.st_uid != 0
            && (setresgid(dir.st_gid, dir.st_gid, dir.st_gid) < 0
                || setresuid(dir.st_uid, dir.st_uid, dir.st_uid) < 0))) {
        status = errno;
        *pwhat = apr_psprintf(pool, "%s: its user could not be taken on: %s",
                              folder->dir, text_of(status, pool));
        return status;
    }
    return APR_SUCCESS;
}

static apr_status_t check_one(const char *path, const char **pwhat,
                              apr_pool_t *pool)
{
    struct stat info;
    apr_status_t status;

    if (stat(path, &info) < 0) {
        status = errno;
        *pwhat = apr_psprintf(pool, "%s: %s", path, text_of(status, pool));
        return status;
    }
    if (!S_ISDIR(info.st_mode)) {
        *pwhat = apr_psprintf(pool, "%s is not a folder", path);
        return APR_ENOTDIR;
    }
    if (info.st_uid != geteuid()) {
        *pwhat = apr_psprintf(pool,
                              "%s belongs to user %u, and this process runs "
                              "as user %u",
                              path, (unsigned)info.st_uid, (unsigned)geteuid());
        return APR_EACCES;
    }
    if (info.st_mode & (S_IWGRP | S_IWOTH)) {
        *pwhat = apr_psprintf(pool,
                              "%s can be written by others (mode %04o): "
                              "chmod go-w it",
                              path, (unsigned)info.st_mode & 07777);
        return APR_EACCES;
    }
    return APR_SUCCESS;
}

apr_status_t llm_folder_check(const llm_folder_t *folder, const char **pwhat,
                              apr_pool_t *pool)
{
    apr_status_t status = check_one(folder->dir, pwhat, pool);

    if (status == APR_SUCCESS) {
        status = check_one(folder->env, pwhat, pool);
    }
    if (status == APR_SUCCESS) {
        status = check_one(folder->journal, pwhat, pool);
    }
    return status;
}

/* The engine's logs, our tables, and the events of a day. */
static int is_ours(const char *name)
{
    static const char *const tables[] = {
#define TABLE(table) #table ".db",
#include "store/tables.def"
#undef TABLE
    };
    apr_size_t i;

    if (!strncmp(name, "log.", 4) || !strncmp(name, "__db", 4)) {
        return 1;
    }
    if (!strncmp(name, "ev-", 3) && strlen(name) == strlen("ev-yyyymmdd.db")) {
        return 1;
    }
    for (i = 0; i < sizeof(tables) / sizeof(tables[0]); ++i) {
        if (!strcmp(name, tables[i])) {
            return 1;
        }
    }
    return 0;
}

/* A DB_CONFIG would overrule whatever the store sets, even turn off the
 * flush of commits; and recovery must not touch somebody else's database. */
apr_status_t llm_folder_check_env(const llm_folder_t *folder,
                                  const char **pwhat, apr_pool_t *pool)
{
    DIR *dir = opendir(folder->env);
    apr_status_t status = APR_SUCCESS;
    struct dirent *entry;

    if (!dir) {
        status = errno;
        *pwhat =
            apr_psprintf(pool, "%s: %s", folder->env, text_of(status, pool));
        return status;
    }
    while (status == APR_SUCCESS && (entry = readdir(dir))) {
        const char *name = entry->d_name;

        if (!strcmp(name, ".") || !strcmp(name, "..") || is_ours(name)) {
            continue;
        }
        status = APR_EINVAL;
        *pwhat = strcmp(name, "DB_CONFIG")
                     ? apr_psprintf(pool,
                                    "%s is not a store: %s is not one of its "
                                    "files",
                                    folder->env, name)
                     : apr_psprintf(pool,
                                    "%s/DB_CONFIG would overrule the store's "
                                    "settings: remove it",
                                    folder->env);
    }
    closedir(dir);
    return status;
}

void llm_folder_unlock(llm_folder_t *folder)
{
    if (folder->lock >= 0) {
        close(folder->lock);
        folder->lock = -1;
    }
}

static apr_status_t unlock_at_cleanup(void *baton)
{
    llm_folder_unlock(baton);
    return APR_SUCCESS;
}

/* Root may begin, the folder's owner goes on. */
static int give_to_owner(const llm_folder_t *folder, int fd)
{
    struct stat info;

    if (geteuid() != 0) {
        return 0;
    }
    return stat(folder->dir, &info) < 0
           || fchown(fd, info.st_uid, info.st_gid) < 0;
}

static apr_status_t open_lock(llm_folder_t *folder, const char **pwhat,
                              apr_pool_t *pool)
{
    apr_status_t status;

    folder->lock = open(folder->lock_path,
                        O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (folder->lock < 0 || give_to_owner(folder, folder->lock)) {
        status = errno;
        *pwhat = apr_psprintf(pool, "%s: %s", folder->lock_path,
                              text_of(status, pool));
        llm_folder_unlock(folder);
        return status;
    }
    apr_pool_cleanup_register(pool, folder, unlock_at_cleanup,
                              apr_pool_cleanup_null);
    return APR_SUCCESS;
}

apr_status_t llm_folder_lock(llm_folder_t *folder, const char **pwhat,
                             apr_pool_t *pool)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    apr_status_t status = APR_SUCCESS;

    if (folder->lock < 0) {
        status = open_lock(folder, pwhat, pool);
    }
    if (status == APR_SUCCESS && fcntl(folder->lock, F_SETLK, &lock) < 0) {
        status = errno == EACCES || errno == EAGAIN ? APR_EBUSY : errno;
        *pwhat = status == APR_EBUSY
                     ? apr_psprintf(pool, "%s has another owner", folder->dir)
                     : apr_psprintf(pool, "%s: %s", folder->lock_path,
                                    text_of(status, pool));
    }
    return status;
}
