/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What doctor sees of the store's folder from outside: whose it is, what lies
 * in it, the disk below it, the lock and the socket. Nothing is opened that
 * would be changed by it.
 */
#include "llmgwctl/findings.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/copy.h"
#include "store/files.h"
#include "store/folder.h"
#include "store/replace.h"
#include "store/socket.h"

#define MEGABYTE  (1000u * 1000u)
#define DISK_WARN 20 /* a twentieth of the disk is left */
#define DISK_FAIL 100
#define SKEW      apr_time_from_sec(2)

static const char *user_name(apr_uint32_t uid, apr_pool_t *pool)
{
    const struct passwd *user = getpwuid((uid_t)uid);

    return user ? apr_pstrdup(pool, user->pw_name)
                : apr_psprintf(pool, "user %u", (unsigned)uid);
}

/* --------------------------------------------------------------- ownership */

/* The first file in the folder that is another user's; NULL: none. */
static const char *foreign_file(const char *dir, apr_uint32_t uid,
                                apr_pool_t *pool)
{
    apr_array_header_t *names;
    struct stat info;
    int i;

    if (llm_folder_list(&names, dir, pool) != APR_SUCCESS) {
        return NULL;
    }
    for (i = 0; i < names->nelts; ++i) {
        const char *path = apr_pstrcat(
            pool, dir, "/", APR_ARRAY_IDX(names, i, const char *), NULL);

        if (!lstat(path, &info) && info.st_uid != uid) {
            return path;
        }
    }
    return NULL;
}

static void look_at_owners(ctl_findings_t *findings, const llm_folder_t *folder,
                           apr_uint32_t uid)
{
    apr_pool_t *pool = findings->ctl->pool;
    const char *foreign = foreign_file(folder->dir, uid, pool);

    foreign = foreign ? foreign : foreign_file(folder->env, uid, pool);
    foreign = foreign ? foreign : foreign_file(folder->journal, uid, pool);
    ctl_find(findings, foreign ? CTL_FAIL : CTL_OK, "owner of the files",
             foreign ? apr_psprintf(pool, "%s is not %s's", foreign,
                                    user_name(uid, pool))
                     : apr_psprintf(pool, "all are %s's", user_name(uid, pool)),
             apr_psprintf(pool, "chown -R %s: %s", user_name(uid, pool),
                          folder->dir));
}

static int look_at_folder(ctl_findings_t *findings, const llm_folder_t *folder)
{
    apr_pool_t *pool = findings->ctl->pool;
    struct stat info;

    if (stat(folder->dir, &info) < 0) {
        ctl_find(findings, CTL_FAIL, "store folder",
                 apr_psprintf(pool, "%s: %s", folder->dir, strerror(errno)),
                 "start the gateway once, or say --store");
        return 0;
    }
    if (!S_ISDIR(info.st_mode)) {
        ctl_find(findings, CTL_FAIL, "store folder",
                 apr_psprintf(pool, "%s is not a folder", folder->dir),
                 "say --store");
        return 0;
    }
    if (info.st_mode & (S_IWGRP | S_IWOTH)) {
        ctl_find(findings, CTL_FAIL, "store folder",
                 apr_psprintf(pool, "%s can be written by others: mode %04o",
                              folder->dir, (unsigned)info.st_mode & 07777),
                 apr_psprintf(pool, "chmod 0700 %s", folder->dir));
    }
    else {
        ctl_find(findings, info.st_mode & S_IRWXO ? CTL_WARN : CTL_OK,
                 "store folder",
                 apr_psprintf(pool, "%s is %s's, mode %04o", folder->dir,
                              user_name(info.st_uid, pool),
                              (unsigned)info.st_mode & 07777),
                 apr_psprintf(pool, "chmod 0700 %s", folder->dir));
    }
    if (geteuid() != 0 && geteuid() != info.st_uid) {
        ctl_find(findings, CTL_FAIL, "this user",
                 apr_psprintf(pool, "%s may not look into it",
                              user_name(geteuid(), pool)),
                 "run llmgwctl as root or as that user");
        return 0;
    }
    look_at_owners(findings, folder, info.st_uid);
    return 1;
}

static void look_at_env(ctl_findings_t *findings, const llm_folder_t *folder)
{
    const char *what = NULL;
    apr_status_t status =
        llm_folder_check_env(folder, &what, findings->ctl->pool);

    ctl_find(findings, status == APR_SUCCESS ? CTL_OK : CTL_FAIL,
             "store's files",
             status == APR_SUCCESS ? "no DB_CONFIG, nothing foreign" : what,
             "move what is not the store's out of the folder");
}

/* -------------------------------------------------------------------- disk */

static void look_at_disk(ctl_findings_t *findings, const char *dir)
{
    apr_pool_t *pool = findings->ctl->pool;
    struct statvfs disk;
    apr_uint64_t free_bytes, bytes;
    ctl_level_e level = CTL_OK;

    if (statvfs(dir, &disk) < 0) {
        return;
    }
    bytes = (apr_uint64_t)disk.f_blocks * disk.f_frsize;
    free_bytes = (apr_uint64_t)disk.f_bavail * disk.f_frsize;
    if (free_bytes < bytes / DISK_FAIL || free_bytes < 50 * MEGABYTE
        || (disk.f_files && disk.f_favail < 100)) {
        level = CTL_FAIL;
    }
    else if (free_bytes < bytes / DISK_WARN || free_bytes < 500 * MEGABYTE) {
        level = CTL_WARN;
    }
    ctl_find(findings, level, "disk",
             apr_psprintf(pool, "%s free of %s",
                          ctl_bytes_text(free_bytes, pool),
                          ctl_bytes_text(bytes, pool)),
             "make room; LLMKeepEvents says for how many days usage records "
             "are kept");
}

/* Where locks and appends promise too little. */
static const char *network_kind(long kind)
{
    static const struct {
        long kind;
        const char *name;
    } kinds[] = {{0x6969, "NFS"},
                 {0x517B, "SMB"},
                 {(long)0xFF534D42u, "CIFS"},
                 {(long)0xFE534D42u, "SMB2"},
                 {0x5346414F, "AFS"},
                 {0x00C36400, "Ceph"},
                 {0x01021997, "9P"}};
    apr_size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        if (kinds[i].kind == kind) {
            return kinds[i].name;
        }
    }
    return NULL;
}

static void look_at_file_system(ctl_findings_t *findings, const char *dir)
{
    apr_pool_t *pool = findings->ctl->pool;
    struct statfs disk;
    const char *network;

    if (statfs(dir, &disk) < 0) {
        return;
    }
    network = network_kind((long)disk.f_type & 0xFFFFFFFFL);
    ctl_find(findings, network ? CTL_FAIL : CTL_OK, "file system",
             network ? apr_psprintf(pool,
                                    "%s is on %s: locks promise too "
                                    "little there",
                                    dir, network)
                     : "it is a local one",
             "move the store to a local disk, with llmgwctl store backup and "
             "restore");
}

/* A file's time against the clock: another machine's, or a clock that was
 * set, would put usage into the wrong hours. */
static void look_at_clock(ctl_findings_t *findings, const char *dir)
{
    apr_pool_t *pool = findings->ctl->pool;
    apr_time_t now, skew;
    struct stat info;
    int fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0) {
        return;
    }
    now = apr_time_now();
    if (!fstat(fd, &info)) {
        skew = now
               - (apr_time_from_sec(info.st_mtim.tv_sec)
                  + info.st_mtim.tv_nsec / 1000);
        skew = skew < 0 ? -skew : skew;
        ctl_find(findings, skew > SKEW ? CTL_WARN : CTL_OK, "clock",
                 apr_psprintf(pool,
                              "the file system's differs by %" APR_TIME_T_FMT
                              " ms",
                              skew / 1000),
                 "let both machines keep time with NTP");
    }
    close(fd);
}

/* What killed commands and restores left. */
static void look_for_leavings(ctl_findings_t *findings, const char *dir)
{
    static const char *const prefixes[] = {LLM_COPY_PREFIX,
                                           LLM_REPLACED_PREFIX};
    apr_pool_t *pool = findings->ctl->pool;
    apr_array_header_t *names;
    int i, j;

    if (llm_folder_list(&names, dir, pool) != APR_SUCCESS) {
        return;
    }
    for (i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        for (j = 0; j < 2; ++j) {
            if (strncmp(name, prefixes[j], strlen(prefixes[j])) != 0) {
                continue;
            }
            ctl_find(findings, CTL_WARN, name,
                     apr_psprintf(pool, "%s holds %s",
                                  j ? "a store that was replaced"
                                    : "a copy in work, or left by a command "
                                      "that was killed",
                                  ctl_bytes_text(
                                      llm_folder_bytes(apr_pstrcat(
                                          pool, dir, "/", name, "/env", NULL)),
                                      pool)),
                     apr_psprintf(pool, "rm -r %s/%s, when it is not needed",
                                  dir, name));
        }
    }
}

void ctl_doctor_folder(ctl_findings_t *findings, const char *store)
{
    const llm_folder_t *folder = llm_folder_make(store, findings->ctl->pool);

    if (!look_at_folder(findings, folder)) {
        return;
    }
    look_at_env(findings, folder);
    look_at_disk(findings, store);
    look_at_file_system(findings, store);
    look_at_clock(findings, store);
    look_for_leavings(findings, store);
}

/* ------------------------------------------------------------------- owner */

int ctl_doctor_owner(ctl_findings_t *findings, const char *store)
{
    apr_pool_t *pool = findings->ctl->pool;
    const llm_folder_t *folder = llm_folder_make(store, pool);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(folder->lock_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    apr_status_t status;
    int is_held;

    if (fd < 0) {
        return 0;
    }
    is_held = !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK;
    close(fd);
    if (!is_held) {
        ctl_find(findings, CTL_WARN, "owner",
                 "no gateway runs: nobody holds the store's lock",
                 "start httpd, if it should run");
        return 0;
    }
    status = llm_socket_connect(&fd, folder->socket);
    if (status == APR_SUCCESS) {
        close(fd);
    }
    ctl_find(findings, status == APR_SUCCESS ? CTL_OK : CTL_FAIL, "owner",
             status == APR_SUCCESS
                 ? apr_psprintf(pool, "process %d holds the lock and answers",
                                (int)lock.l_pid)
                 : apr_psprintf(pool,
                                "process %d holds the lock and does not "
                                "answer at %s: %s",
                                (int)lock.l_pid, folder->socket,
                                strerror(status)),
             "restart httpd");
    return 1;
}
