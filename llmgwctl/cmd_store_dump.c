/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl store dump and load: the store as text (store/dump.h).
 *
 * A dump is made of a copy, so it is of one state. A load makes a store beside
 * the empty one and puts it in its place when the dump's last line was right.
 * Files are opened before this process becomes the store's user.
 */
#include "llmgwctl/store_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "store/dump.h"
#include "store/replace.h"

static const ctl_column_t dump_columns[] = {
    {"file", "Dump", CTL_TEXT, 0},
    {"began", "State of", CTL_TIME, 0},
    {"rows", "Rows", CTL_COUNT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

static const ctl_column_t load_columns[] = {
    {"store", "Store", CTL_TEXT, 0},
    {"file", "Loaded from", CTL_TEXT, 0},
    {"rows", "Rows", CTL_COUNT, 0},
    {"records", "Records ever stored", CTL_COUNT, 0},
    {"agree", "Sums agree", CTL_FLAG, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

static int show_rows(void *baton, apr_uint64_t rows)
{
    ctl_step(baton, "%" APR_UINT64_T_FMT " rows", rows);
    return 0;
}

static int fail_file(ctl_t *ctl, const char *path, apr_status_t status)
{
    char text[200];

    return ctl_fail(ctl, CTL_REFUSED,
                    status == EEXIST               ? "exists"
                    : APR_STATUS_IS_ENOSPC(status) ? "full"
                                                   : "refused",
                    "%s: %s", path, apr_strerror(status, text, sizeof(text)));
}

static int is_stream(const char *path)
{
    return !path || !strcmp(path, "-");
}

/* A file that is not there yet, for its maker alone. */
static int open_dump(FILE **pfile, ctl_t *ctl, const char *path)
{
    int fd;

    if (is_stream(path)) {
        *pfile = ctl->world->out;
        return CTL_DONE;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    *pfile = fd < 0 ? NULL : fdopen(fd, "w");
    return *pfile ? CTL_DONE : fail_file(ctl, path, errno);
}

/* It is on disk, or it is not there. */
static int close_dump(FILE *file, ctl_t *ctl, const char *path, int status)
{
    if (is_stream(path)) {
        return status;
    }
    if (status == CTL_DONE && (fflush(file) || fsync(fileno(file)) < 0)) {
        status = fail_file(ctl, path, errno);
    }
    if (status != CTL_DONE && unlink(path) < 0
        && ftruncate(fileno(file), 0) < 0) {
        ctl_remark(ctl, "%s is not complete: remove it", path);
    }
    fclose(file);
    return status;
}

static int write_dump(llm_dump_t *dump, ctl_t *ctl, const ctl_copy_t *copy)
{
    ctl_steps_t steps = {.ctl = ctl};
    apr_status_t status;
    char text[200];

    dump->each = show_rows;
    dump->baton = &steps;
    ctl_step(&steps, "Writing rows");
    status = llm_dump_write(dump, copy->env, ctl->world->now, ctl->pool);
    ctl_steps_end(&steps);
    return status == APR_SUCCESS
               ? CTL_DONE
               : ctl_fail(ctl, CTL_REFUSED,
                          APR_STATUS_IS_ENOSPC(status) ? "full" : "internal",
                          "the dump is not complete: %s",
                          dump->what
                              ? dump->what
                              : apr_strerror(status, text, sizeof(text)));
}

int ctl_store_dump(ctl_t *ctl)
{
    const char *path = ctl_argument(ctl, 0);
    const char *cells[3] = {path, NULL, NULL};
    llm_dump_t dump = {NULL};
    ctl_copy_t copy;
    int status = ctl_fix_store(ctl);

    if (status == CTL_DONE) {
        status = open_dump(&dump.file, ctl, path);
    }
    if (status != CTL_DONE) {
        return status;
    }
    status = ctl_copy_make(&copy, ctl);
    if (status == CTL_DONE) {
        cells[1] = llm_json_string(llm_json_get(copy.done, "began"), ctl->pool);
        status = write_dump(&dump, ctl, &copy);
        ctl_copy_remove(&copy);
    }
    status = close_dump(dump.file, ctl, path, status);
    if (status != CTL_DONE) {
        return status;
    }
    cells[2] = apr_psprintf(ctl->pool, "%" APR_UINT64_T_FMT, dump.rows);
    if (is_stream(path)) {
        ctl_remark(ctl, "%s rows were written.", cells[2]);
    }
    else {
        ctl_record(ctl, "dump", dump_columns, cells, NULL);
    }
    return CTL_DONE;
}

static int read_dump(llm_dump_t *dump, ctl_t *ctl, llm_replace_t *replace,
                     llm_replaced_t *result)
{
    ctl_steps_t steps = {.ctl = ctl};
    const char *path = ctl_argument(ctl, 0), *what = NULL;
    apr_status_t status;
    char text[200];

    dump->each = show_rows;
    dump->baton = &steps;
    ctl_step(&steps, "Loading rows");
    status = llm_dump_read(dump, llm_replace_env(replace), ctl->pool);
    if (status == APR_SUCCESS) {
        ctl_step(&steps, "Checking");
        status = llm_replace_finish(result, replace, 0, &what);
    }
    ctl_steps_end(&steps);
    what = dump->what ? dump->what : what;
    if (status == APR_SUCCESS) {
        return CTL_DONE;
    }
    return ctl_fail(ctl, CTL_REFUSED,
                    APR_STATUS_IS_ENOSPC(status) ? "full"
                    : status == APR_ENOTIMPL     ? "refused"
                                                 : "damaged",
                    "%s was not loaded, the store is as it was: %s", path,
                    what ? what : apr_strerror(status, text, sizeof(text)));
}

static int check_empty(ctl_t *ctl, llm_replace_t *replace)
{
    const char *what = NULL;
    int is_empty;

    if (llm_replace_is_empty(&is_empty, replace, &what) != APR_SUCCESS) {
        return ctl_fail(ctl, CTL_REFUSED, "damaged", "%s", what);
    }
    return is_empty ? CTL_DONE
                    : ctl_fail(ctl, CTL_REFUSED, "exists",
                               "the store %s is not empty: a dump is loaded "
                               "into an empty one only",
                               ctl->store);
}

int ctl_store_load(ctl_t *ctl)
{
    const char *path = ctl_argument(ctl, 0);
    const char *cells[5];
    llm_dump_t dump = {NULL};
    llm_replaced_t result;
    llm_replace_t *replace;
    int status = ctl_fix_store(ctl);

    if (status != CTL_DONE) {
        return status;
    }
    dump.file = is_stream(path) ? stdin : fopen(path, "re");
    if (!dump.file) {
        return fail_file(ctl, path, errno);
    }
    status = ctl_replace_begin(&replace, ctl);
    if (status == CTL_DONE) {
        status = check_empty(ctl, replace);
        if (status == CTL_DONE) {
            status = read_dump(&dump, ctl, replace, &result);
        }
        llm_replace_end(replace);
    }
    if (dump.file != stdin) {
        fclose(dump.file);
    }
    if (status != CTL_DONE) {
        return status;
    }
    cells[0] = ctl->store;
    cells[1] = path;
    cells[2] = apr_psprintf(ctl->pool, "%" APR_UINT64_T_FMT, dump.rows);
    cells[3] = apr_psprintf(ctl->pool, "%" APR_UINT64_T_FMT, result.records);
    cells[4] = result.agrees ? "true" : "false";
    ctl_record(ctl, "load", load_columns, cells, NULL);
    return ctl_replaced(ctl, &result);
}
