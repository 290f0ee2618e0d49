/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl store backup and restore.
 *
 * A backup is a folder with one folder in it, data/: a copy of the store
 * (env/, journal/) and backup.json, which says what it is. The next backup is
 * made in next/ and then changes places with data/, so there is a complete one
 * at any time. The folder is the store's user's, and private.
 *
 * Root makes the folder, enters it and only then becomes the store's user, who
 * may not be allowed to come there by himself.
 */
#include "llmgwctl/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/files.h"
#include "store/folder.h"
#include "store/replace.h"

#define DATA     "data"
#define NEXT     "next"
#define MANIFEST "backup.json"
#define VERSION  1

static int fail_at(ctl_t *ctl, const char *path, apr_status_t status)
{
    char text[200];

    return ctl_fail(ctl, CTL_REFUSED,
                    APR_STATUS_IS_ENOSPC(status) ? "full" : "refused", "%s: %s",
                    path, apr_strerror(status, text, sizeof(text)));
}

/* ------------------------------------------------------------------ backup */

/* Empty, or holding what a backup leaves there. */
static int check_target(ctl_t *ctl, const char *dir)
{
    apr_array_header_t *names;
    apr_status_t status = llm_folder_list(&names, ".", ctl->pool);
    int i;

    if (status != APR_SUCCESS) {
        return fail_at(ctl, dir, status);
    }
    for (i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (!strcmp(name, NEXT)
            || (!strcmp(name, DATA) && !access(DATA "/" MANIFEST, F_OK))) {
            continue;
        }
        return ctl_fail(ctl, CTL_REFUSED, "exists",
                        "%s is not empty and not an older backup: there is %s",
                        dir, name);
    }
    return CTL_DONE;
}

/* Makes the folder, looks at it, enters it, and gives it to the store's
 * user. */
static int enter_target(ctl_t *ctl, const char *dir)
{
    struct stat store;
    int fd, status;

    if (stat(ctl->store, &store) < 0) {
        return fail_at(ctl, ctl->store, errno);
    }
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        return fail_at(ctl, dir, errno);
    }
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fchdir(fd) < 0) {
        status = fail_at(ctl, dir, errno);
    }
    else {
        status = check_target(ctl, dir);
    }
    if (status == CTL_DONE
        && ((geteuid() == 0 && fchown(fd, store.st_uid, store.st_gid) < 0)
            || fchmod(fd, 0700) < 0)) {
        status = fail_at(ctl, dir, errno);
    }
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

static const char *manifest(const ctl_copy_t *copy, const char *began,
                            apr_pool_t *pool)
{
    apr_int64_t format = 0, bytes = 0, files = 0;

    llm_json_int(llm_json_get(copy->done, "format"), &format);
    llm_json_int(llm_json_get(copy->done, "bytes"), &bytes);
    llm_json_int(llm_json_get(copy->done, "files"), &files);
    return apr_psprintf(
        pool,
        "{\"backup\":\"llm-gateway\",\"version\":%d,"
        "\"format\":%" APR_INT64_T_FMT ",\"began\":\"%s\",\"by\":\"%s\","
        "\"files\":%" APR_INT64_T_FMT ",\"bytes\":%" APR_INT64_T_FMT "}\n",
        VERSION, format, began ? began : "", LLMGW_VERSION, files, bytes);
}

/* The copy into next/, which then becomes data/. */
static int settle(ctl_t *ctl, ctl_copy_t *copy, const char *text)
{
    apr_status_t status = llm_folder_remove(NEXT);

    if (status == APR_SUCCESS && mkdir(NEXT, 0700) < 0) {
        status = errno;
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_move(copy->env, NEXT "/env", ctl->pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_move(copy->journal, NEXT "/journal", ctl->pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_sync(NEXT "/env");
    }
    if (status == APR_SUCCESS) {
        status = llm_file_write(NEXT "/" MANIFEST, text);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_sync(NEXT);
    }
    if (status == APR_SUCCESS && access(DATA, F_OK) < 0) {
        status = rename(NEXT, DATA) < 0 ? errno : APR_SUCCESS;
    }
    else if (status == APR_SUCCESS) {
        status = llm_folder_exchange(DATA, NEXT);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_sync(".");
    }
    llm_folder_remove(NEXT);
    return status == APR_SUCCESS ? CTL_DONE
                                 : fail_at(ctl, ctl_argument(ctl, 0), status);
}

static const ctl_column_t backup_columns[] = {
    {"dir", "Backup", CTL_TEXT, 0},          {"began", "State of", CTL_TIME, 0},
    {"format", "Store's format", CTL_ID, 0}, {"files", "Files", CTL_COUNT, 0},
    {"bytes", "Bytes", CTL_COUNT, 0},        {NULL, NULL, CTL_TEXT, 0},
};
enum { DIR_, BEGAN };

int ctl_store_backup(ctl_t *ctl)
{
    const char *dir = ctl_argument(ctl, 0);
    const char **cells;
    ctl_copy_t copy;
    int status = ctl_fix_store(ctl);

    if (status == CTL_DONE) {
        status = enter_target(ctl, dir);
    }
    if (status == CTL_DONE) {
        status = ctl_copy_make(&copy, ctl);
    }
    if (status != CTL_DONE) {
        return status;
    }
    cells = ctl_cells(backup_columns, copy.done, ctl->pool);
    cells[DIR_] = dir;
    status = settle(ctl, &copy, manifest(&copy, cells[BEGAN], ctl->pool));
    ctl_copy_remove(&copy);
    if (status == CTL_DONE) {
        ctl_record(ctl, "backup", backup_columns, cells, NULL);
    }
    return status;
}

/* ----------------------------------------------------------------- restore */

static const ctl_column_t restore_columns[] = {
    {"store", "Store", CTL_TEXT, 0},
    {"from", "Restored from", CTL_TEXT, 0},
    {"began", "State of", CTL_TIME, 0},
    {"records", "Records ever stored", CTL_COUNT, 0},
    {"agree", "Sums agree", CTL_FLAG, 0},
    {"aside", "Replaced one kept in", CTL_TEXT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};
enum { STORE, FROM, STATE_OF, RECORDS, AGREE, ASIDE, COLUMNS };

/* *pbegan: of what time it is. */
static int read_manifest(const char **pbegan, ctl_t *ctl, const char *dir)
{
    const llm_json_t *doc;
    const char *text;
    apr_int64_t version = 0;
    apr_status_t status =
        llm_file_read(&text, DATA "/" MANIFEST, 4096, ctl->pool);

    if (status == ENOENT) {
        return ctl_fail(
            ctl, CTL_REFUSED, "not_found",
            "%s is not a complete backup: it has no " DATA "/" MANIFEST, dir);
    }
    if (status != APR_SUCCESS) {
        return fail_at(ctl, dir, status);
    }
    if (llm_json_read(&doc, text, strlen(text), NULL, ctl->pool) != APR_SUCCESS
        || !llm_json_equals(llm_json_get(doc, "backup"), "llm-gateway")
        || !llm_json_int(llm_json_get(doc, "version"), &version)) {
        return ctl_fail(ctl, CTL_REFUSED, "damaged",
                        "%s/" DATA "/" MANIFEST " is not that of a backup",
                        dir);
    }
    if (version > VERSION) {
        return ctl_fail(ctl, CTL_REFUSED, "refused",
                        "%s was made by a newer version", dir);
    }
    *pbegan = llm_json_string(llm_json_get(doc, "began"), ctl->pool);
    return CTL_DONE;
}

/* A store's folder that is not there, on a new machine: as the backup's. */
static int make_store(ctl_t *ctl)
{
    struct stat backup;

    if (mkdir(ctl->store, 0700) < 0) {
        return errno == EEXIST ? CTL_DONE : fail_at(ctl, ctl->store, errno);
    }
    if (geteuid() == 0
        && (stat(DATA, &backup) < 0
            || chown(ctl->store, backup.st_uid, backup.st_gid) < 0)) {
        return fail_at(ctl, ctl->store, errno);
    }
    return CTL_DONE;
}

static apr_status_t copy_folder(ctl_steps_t *steps, const char *from,
                                const char *to, apr_uint64_t *pbytes)
{
    apr_pool_t *pool = steps->ctl->pool;
    apr_array_header_t *names;
    apr_status_t status = llm_folder_list(&names, from, pool);
    int i;

    for (i = 0; status == APR_SUCCESS && i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        status = llm_file_copy(apr_pstrcat(pool, from, "/", name, NULL),
                               apr_pstrcat(pool, to, "/", name, NULL), pbytes);
        ctl_step(steps, "Restoring: %s", ctl_bytes_text(*pbytes, pool));
    }
    return status;
}

static int fill(ctl_t *ctl, llm_replace_t *replace, llm_replaced_t *result)
{
    ctl_steps_t steps = {.ctl = ctl};
    const char *what = NULL;
    apr_uint64_t bytes = 0;
    apr_status_t status =
        copy_folder(&steps, DATA "/env", llm_replace_env(replace), &bytes);

    if (status == APR_SUCCESS) {
        status = copy_folder(&steps, DATA "/journal",
                             llm_replace_journal(replace), &bytes);
    }
    if (status != APR_SUCCESS) {
        ctl_steps_end(&steps);
        return fail_at(ctl, ctl_argument(ctl, 0), status);
    }
    ctl_step(&steps, "Recovering and checking");
    status = llm_replace_finish(result, replace, 1, &what);
    ctl_steps_end(&steps);
    return status == APR_SUCCESS
               ? CTL_DONE
               : ctl_fail(ctl, CTL_REFUSED,
                          APR_STATUS_IS_ENOSPC(status) ? "full" : "damaged",
                          "%s was not restored, the store is as it was: %s",
                          ctl_argument(ctl, 0), what);
}

int ctl_replace_begin(llm_replace_t **preplace, ctl_t *ctl)
{
    llm_folder_t *folder = llm_folder_make(ctl->store, ctl->pool);
    const char *what = NULL;
    apr_status_t status = llm_folder_become(folder, &what, ctl->pool);

    if (status == APR_SUCCESS) {
        status = llm_replace_begin(preplace, ctl->store, ctl->world->now, &what,
                                   ctl->pool);
    }
    if (status == APR_SUCCESS) {
        return CTL_DONE;
    }
    return status == APR_EBUSY
               ? ctl_fail(ctl, CTL_REFUSED, "refused", "%s", what)
               : ctl_fail(ctl, CTL_UNREACHABLE, "unreachable",
                          "the store %s cannot be reached: %s", ctl->store,
                          what);
}

int ctl_replaced(ctl_t *ctl, const llm_replaced_t *result)
{
    if (result->agrees) {
        return CTL_DONE;
    }
    ctl_remark(ctl, "Its sums do not agree: run llmgwctl store check.");
    return CTL_REFUSED;
}

int ctl_store_restore(ctl_t *ctl)
{
    const char *cells[COLUMNS] = {NULL};
    llm_replaced_t result;
    llm_replace_t *replace;
    int status;

    cells[FROM] = ctl_argument(ctl, 0);
    ctl->store = ctl_absolute(ctl->store, ctl->pool);
    if (chdir(cells[FROM]) < 0) {
        return fail_at(ctl, cells[FROM], errno);
    }
    status = read_manifest(&cells[STATE_OF], ctl, cells[FROM]);
    if (status == CTL_DONE) {
        status = make_store(ctl);
    }
    if (status == CTL_DONE) {
        status = ctl_replace_begin(&replace, ctl);
    }
    if (status != CTL_DONE) {
        return status;
    }
    status = fill(ctl, replace, &result);
    llm_replace_end(replace);
    if (status != CTL_DONE) {
        return status;
    }
    cells[STORE] = ctl->store;
    cells[RECORDS] =
        apr_psprintf(ctl->pool, "%" APR_UINT64_T_FMT, result.records);
    cells[AGREE] = result.agrees ? "true" : "false";
    cells[ASIDE] = result.aside;
    ctl_record(ctl, "restore", restore_columns, cells, NULL);
    return ctl_replaced(ctl, &result);
}
