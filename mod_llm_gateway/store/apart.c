/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that has the store open for another one.
 *
 * Files made as root would shut the gateway out, so root becomes the folder's
 * user before it opens the store; and who has done that cannot go back. What
 * must be done as root (the master key file) is done by the process that
 * asks.
 */
#include "store/apart.h"

#include "store/command.h"
#include "store/folder.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_strings.h>

#define REQUEST_MAX (64u << 10)

/* ---------------------------------------------------------- in the process */

typedef struct serving_t {
    int fd;
    llm_store_t *store;
    llm_caller_t caller;
    llm_buf_t *in;
    apr_pool_t *pool;
} serving_t;

static int send_bytes(int fd, const char *data, apr_size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR) {
            return 0;
        }
        if (sent > 0) {
            data += sent;
            len -= (apr_size_t)sent;
        }
    }
    return 1;
}

static int put_line(void *baton, const char *line, apr_size_t len)
{
    const serving_t *serving = baton;

    return !send_bytes(serving->fd, line, len)
           || !send_bytes(serving->fd, "\n", 1);
}

static int put_error(const serving_t *serving, const char *message,
                     apr_pool_t *pool)
{
    llm_buf_t *line = llm_buf_make(0, pool);

    llm_buf_lit(line, "{\"error\":{\"code\":\"usage\",\"message\":");
    llm_buf_put_string(line, message);
    llm_buf_lit(line, "}}\n");
    return !send_bytes(serving->fd, line->data, line->len);
}

/* Non-zero: nobody listens any more. */
static int run_line(serving_t *serving, const char *line, apr_size_t len)
{
    const llm_json_t *request;
    llm_json_error_t error;
    apr_pool_t *pool;
    int is_over = 0;

    apr_pool_create(&pool, serving->pool);
    if (llm_json_read(&request, line, len, &error, pool) != APR_SUCCESS) {
        is_over = put_error(serving, "not JSON", pool);
    }
    else {
        llm_command_run(serving->store, &serving->caller, request, put_line,
                        serving, pool);
    }
    apr_pool_destroy(pool);
    return is_over;
}

static void serve(serving_t *serving)
{
    int is_over = 0;

    while (!is_over) {
        const char *end =
            serving->in->len ? memchr(serving->in->data, '\n', serving->in->len)
                             : NULL;
        char bytes[4096];
        ssize_t got;

        if (end) {
            apr_size_t len = (apr_size_t)(end - serving->in->data);

            is_over = run_line(serving, serving->in->data, len);
            llm_buf_drop(serving->in, len + 1);
            continue;
        }
        got = recv(serving->fd, bytes, sizeof(bytes), 0);
        if (got > 0) {
            llm_buf_append(serving->in, bytes, (apr_size_t)got);
        }
        is_over = serving->in->overflow || !got || (got < 0 && errno != EINTR);
    }
}

/* Says how it went; non-zero: the store is open. */
static int open_store(serving_t *serving, const char *dir)
{
    const llm_store_options_t options = {.dir = dir, .version = LLMGW_VERSION};
    const char *what = NULL, *line;
    apr_status_t status = llm_folder_become(llm_folder_make(dir, serving->pool),
                                            &what, serving->pool);

    if (status == APR_SUCCESS) {
        status =
            llm_store_open(&serving->store, &options, &what, serving->pool);
    }
    line = apr_psprintf(serving->pool, "%d %s\n", status,
                        status == APR_SUCCESS ? "open" : what);
    return send_bytes(serving->fd, line, strlen(line)) && status == APR_SUCCESS;
}

static void run(int fd, const char *dir, apr_uint32_t uid)
{
    static const int usual[] = {SIGHUP,  SIGINT,   SIGTERM, SIGUSR1,
                                SIGUSR2, SIGWINCH, SIGCHLD};
    serving_t serving = {.fd = fd, .caller = {.uid = uid}};
    apr_size_t i;

    for (i = 0; i < sizeof(usual) / sizeof(usual[0]); ++i) {
        signal(usual[i], SIG_DFL);
    }
    if (apr_pool_create(&serving.pool, NULL) != APR_SUCCESS) {
        _exit(1);
    }
    serving.in = llm_buf_make(REQUEST_MAX, serving.pool);
    if (open_store(&serving, dir)) {
        serve(&serving);
        llm_store_close(serving.store);
    }
    /* nothing of the other process's is to be cleaned up here */
    _exit(0);
}

/* ----------------------------------------------------- in the one that asks */

apr_status_t llm_apart_start(llm_apart_t *papart, const char *dir,
                             apr_uint32_t uid, void (*forget)(void *baton),
                             void *baton)
{
    int fds[2];
    apr_status_t status;

    papart->fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        return errno;
    }
    papart->pid = fork();
    if (papart->pid < 0) {
        status = errno;
        close(fds[0]);
        close(fds[1]);
        return status;
    }
    if (!papart->pid) {
        close(fds[0]);
        if (forget) {
            forget(baton);
        }
        run(fds[1], dir, uid);
    }
    close(fds[1]);
    papart->fd = fds[0];
    return APR_SUCCESS;
}

void llm_apart_end(llm_apart_t *apart)
{
    if (apart->fd < 0) {
        return;
    }
    close(apart->fd);
    apart->fd = -1;
    while (waitpid(apart->pid, NULL, 0) < 0 && errno == EINTR) {
        ;
    }
}
