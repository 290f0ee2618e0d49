/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking httpd: which program it is here, and what it says of its
 * configuration and modules.
 */
#include "llmgwctl/findings.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#define LINES_MAX 20000
#define PATIENCE  apr_time_from_sec(60)

static int is_program(const char *path)
{
    return !access(path, X_OK);
}

/* Also where root's PATH goes and a user's does not. */
static const char *in_path(const char *name, ctl_t *ctl)
{
    const char *path = ctl->world->env("PATH");

    path =
        apr_pstrcat(ctl->pool, path ? path : "",
                    ":/usr/local/apache2/bin:/usr/local/sbin:/usr/sbin", NULL);
    while (*path) {
        apr_size_t len = strcspn(path, ":");
        const char *file =
            apr_psprintf(ctl->pool, "%.*s/%s", (int)len, path, name);

        if (len && is_program(file)) {
            return file;
        }
        path += len + (path[len] == ':');
    }
    return NULL;
}

const char *ctl_httpd_find(ctl_t *ctl)
{
    static const char *const names[] = {"apache2ctl", "apachectl", "httpd",
                                        "apache2", NULL};
    const char *given = ctl_option(ctl, "httpd"), *found = NULL;
    int i;

    if (given) {
        return strchr(given, '/') ? given : in_path(given, ctl);
    }
    for (i = 0; names[i] && !found; ++i) {
        found = in_path(names[i], ctl);
    }
    return found;
}

static apr_status_t begin_program(apr_proc_t *proc, const char *const *argv,
                                  apr_pool_t *pool)
{
    apr_procattr_t *attr;
    apr_status_t status = apr_procattr_create(&attr, pool);

    if (status == APR_SUCCESS) {
        status =
            apr_procattr_io_set(attr, APR_NO_PIPE, APR_FULL_BLOCK, APR_NO_PIPE);
    }
    if (status == APR_SUCCESS) {
        status = apr_procattr_cmdtype_set(attr, APR_PROGRAM_ENV);
    }
    return status == APR_SUCCESS
               ? apr_proc_create(proc, argv[0], argv, NULL, attr, pool)
               : status;
}

/* Standard error goes where standard output goes: a shell says it in one
 * word, and the words are no shell's. */
static const char *const *through_shell(const char *const *argv,
                                        apr_pool_t *pool)
{
    const char **words;
    int count = 0, i;

    while (argv[count]) {
        ++count;
    }
    words = apr_pcalloc(pool, (apr_size_t)(count + 5) * sizeof(*words));
    words[0] = "/bin/sh";
    words[1] = "-c";
    words[2] = "exec \"$0\" \"$@\" 2>&1";
    for (i = 0; i < count; ++i) {
        words[3 + i] = argv[i];
    }
    return words;
}

apr_status_t ctl_program_run(ctl_said_t *said, const char *const *argv,
                             apr_pool_t *pool)
{
    apr_proc_t proc;
    apr_exit_why_e why;
    char line[8192];
    apr_status_t status = begin_program(&proc, through_shell(argv, pool), pool);

    said->lines = apr_array_make(pool, 32, sizeof(const char *));
    said->code = -1;
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_file_pipe_timeout_set(proc.out, PATIENCE);
    while (said->lines->nelts < LINES_MAX) {
        status = apr_file_gets(line, sizeof(line), proc.out);
        if (status != APR_SUCCESS) {
            break;
        }
        line[strcspn(line, "\r\n")] = '\0';
        APR_ARRAY_PUSH(said->lines, const char *) = apr_pstrdup(pool, line);
    }
    apr_file_close(proc.out);
    if (!APR_STATUS_IS_EOF(status)) {
        apr_proc_kill(&proc, SIGKILL);
    }
    apr_proc_wait(&proc, &said->code, &why, APR_WAIT);
    if (!APR_PROC_CHECK_EXIT(why)) {
        said->code = -1;
    }
    return APR_SUCCESS;
}
