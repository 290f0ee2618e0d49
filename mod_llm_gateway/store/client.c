/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl's way to a store: through its owner, or by becoming it.
 *
 * Nobody opens the store without the lock. When neither the socket answers nor
 * the lock is free, an owner is starting or leaving: both are tried again for
 * a while. The owner's answer may be lost with the owner; an edit carries an
 * id by which the next owner knows what was done, so it is simply sent again.
 */
#include "store/command.h"

#include "store/apart.h"
#include "store/folder.h"
#include "store/socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define START_TIME  apr_time_from_sec(5)
#define START_SLICE apr_time_from_msec(50)
#define ANSWER_MS   60000 /* without a byte from the owner */
#define LINE_BYTES  (1u << 20)
#define RESENDS     3

struct llm_client_t {
    llm_folder_t *folder;
    int fd;             /* to the owner, or to `apart`; -1 offline */
    int is_bound;       /* to the owner it was made for */
    llm_store_t *store; /* offline in this process; else NULL */
    int wants_apart;    /* offline is in a process of its own */
    llm_apart_t apart;
    void (*forget)(void *baton); /* first in that process, or NULL */
    void *forget_baton;
    llm_caller_t caller;
    llm_buf_t *in;
    const char *what; /* of the last failure */
    apr_pool_t *pool;
};

static const char *text_of(apr_status_t status, apr_pool_t *pool)
{
    char text[200];

    return apr_pstrdup(pool, apr_strerror(status, text, sizeof(text)));
}

static apr_status_t open_offline(llm_client_t *client)
{
    const llm_store_options_t options = {.dir = client->folder->dir,
                                         .version = LLMGW_VERSION};
    apr_status_t status =
        llm_folder_become(client->folder, &client->what, client->pool);

    return status == APR_SUCCESS ? llm_store_open(&client->store, &options,
                                                  &client->what, client->pool)
                                 : status;
}

static apr_status_t connect_owner(llm_client_t *client)
{
    apr_status_t status =
        llm_socket_connect(&client->fd, client->folder->socket);

    if (status != APR_SUCCESS) {
        client->fd = -1;
        client->what =
            apr_psprintf(client->pool, "%s: %s", client->folder->socket,
                         text_of(status, client->pool));
    }
    return status;
}

int llm_client_is_online(const llm_client_t *client)
{
    return client->fd >= 0 && client->apart.fd < 0;
}

/* What is left of an answer must not be taken for the next one's. */
static void hang_up(llm_client_t *client)
{
    if (client->apart.fd >= 0) {
        llm_apart_end(&client->apart);
    }
    else {
        close(client->fd);
    }
    client->fd = -1;
    llm_buf_clear(client->in);
}

void llm_client_close(llm_client_t *client)
{
    if (client->fd >= 0) {
        hang_up(client);
    }
    if (client->store) {
        llm_store_close(client->store);
        client->store = NULL;
    }
}

/* ----------------------------------------------------------------- online */

static apr_status_t send_all(int fd, const char *data, apr_size_t len)
{
    while (len) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR) {
            return errno;
        }
        if (sent > 0) {
            data += sent;
            len -= (apr_size_t)sent;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t receive(llm_client_t *client)
{
    struct pollfd ready = {.fd = client->fd, .events = POLLIN};
    char bytes[16384];
    ssize_t got;
    int count;

    do {
        count = poll(&ready, 1, ANSWER_MS);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        return count ? errno : APR_TIMEUP;
    }
    got = recv(client->fd, bytes, sizeof(bytes), 0);
    if (got <= 0) {
        return got ? errno : ECONNRESET;
    }
    llm_buf_append(client->in, bytes, (apr_size_t)got);
    return client->in->overflow ? APR_ENOSPC : APR_SUCCESS;
}

int llm_line_is_progress(const char *line, apr_size_t len)
{
    static const char begin[] = "{\"progress\"";

    return len >= sizeof(begin) - 1 && !memcmp(line, begin, sizeof(begin) - 1);
}

static int is_last(const char *line, apr_size_t len)
{
    return (len < 6 || memcmp(line, "{\"row\"", 6) != 0)
           && !llm_line_is_progress(line, len);
}

/* One answer. *plines: how many lines the caller has seen of it. */
static apr_status_t read_answer(llm_client_t *client, llm_line_cb *line,
                                void *baton, unsigned *plines)
{
    for (;;) {
        const char *end = client->in->len
                              ? memchr(client->in->data, '\n', client->in->len)
                              : NULL;
        apr_size_t len;
        int stop, last;

        if (!end) {
            apr_status_t status = receive(client);

            if (status != APR_SUCCESS) {
                return status;
            }
            continue;
        }
        len = (apr_size_t)(end - client->in->data);
        last = is_last(client->in->data, len);
        *plines += 1;
        stop = line(baton, client->in->data, len);
        llm_buf_drop(client->in, len + 1);
        if (stop && !last) {
            return APR_EOF;
        }
        if (last) {
            return APR_SUCCESS;
        }
    }
}

static apr_status_t call_online(llm_client_t *client, const char *request,
                                llm_line_cb *line, void *baton,
                                unsigned *plines)
{
    apr_status_t status = send_all(client->fd, request, strlen(request));

    if (status == APR_SUCCESS) {
        status = send_all(client->fd, "\n", 1);
    }
    if (status == APR_SUCCESS) {
        status = read_answer(client, line, baton, plines);
    }
    if (status != APR_SUCCESS) {
        hang_up(client);
    }
    return status == APR_EOF ? APR_SUCCESS : status;
}

/* -------------------------------------------------------------------- way */

/* "<status> <what>": what the process says first. */
static apr_status_t read_opened(llm_client_t *client)
{
    apr_status_t status = APR_SUCCESS;
    const char *end = NULL;
    char *line;

    while (status == APR_SUCCESS && !end) {
        status = receive(client);
        end = client->in->len ? memchr(client->in->data, '\n', client->in->len)
                              : NULL;
    }
    if (!end) {
        client->what =
            apr_psprintf(client->pool, "%s: the process that opens it ended",
                         client->folder->dir);
        return status;
    }
    line = apr_pstrmemdup(client->pool, client->in->data,
                          (apr_size_t)(end - client->in->data));
    llm_buf_clear(client->in);
    status = (apr_status_t)apr_strtoi64(line, &line, 10);
    client->what = line + (*line == ' ');
    return status;
}

static apr_status_t open_apart(llm_client_t *client)
{
    apr_status_t status =
        llm_apart_start(&client->apart, client->folder->dir, client->caller.uid,
                        client->forget, client->forget_baton);

    if (status != APR_SUCCESS) {
        client->what = text_of(status, client->pool);
        return status;
    }
    client->fd = client->apart.fd;
    status = read_opened(client);
    if (status != APR_SUCCESS) {
        hang_up(client);
    }
    return status;
}

/* Nobody listens there. */
static int is_absent(apr_status_t status)
{
    return status == ENOENT || status == ECONNREFUSED;
}

static apr_status_t find_way(llm_client_t *client)
{
    apr_time_t end = apr_time_now() + START_TIME;

    for (;;) {
        apr_status_t status = connect_owner(client);

        if (is_absent(status)) {
            status =
                client->wants_apart ? open_apart(client) : open_offline(client);
        }
        if ((status != APR_EBUSY && status != EAGAIN) || apr_time_now() > end) {
            return status;
        }
        apr_sleep(START_SLICE);
    }
}

static llm_client_t *make_client(const char *dir, apr_pool_t *pool)
{
    llm_client_t *client = apr_pcalloc(pool, sizeof(*client));

    client->folder = llm_folder_make(dir, pool);
    client->fd = -1;
    client->apart.fd = -1;
    client->caller.uid = getuid();
    client->pool = pool;
    client->in = llm_buf_make(LINE_BYTES, pool);
    return client;
}

apr_status_t llm_client_connect(llm_client_t **pclient, const char *dir,
                                const char **pwhat, apr_pool_t *pool)
{
    llm_client_t *client = make_client(dir, pool);
    apr_status_t status = connect_owner(client);

    client->is_bound = 1;
    *pwhat = client->what;
    if (status == APR_SUCCESS) {
        *pclient = client;
    }
    return status;
}

static apr_status_t open_client(llm_client_t **pclient, llm_client_t *client,
                                const char **pwhat)
{
    const char *dir = client->folder->dir;
    struct stat info;
    apr_status_t status = APR_SUCCESS;

    if (stat(dir, &info) < 0) {
        status = errno;
        client->what = apr_psprintf(client->pool, "%s: %s", dir,
                                    text_of(status, client->pool));
    }
    if (status == APR_SUCCESS) {
        status = find_way(client);
    }
    *pwhat = client->what;
    if (status == APR_SUCCESS) {
        *pclient = client;
    }
    return status;
}

apr_status_t llm_client_open(llm_client_t **pclient, const char *dir,
                             const char **pwhat, apr_pool_t *pool)
{
    return open_client(pclient, make_client(dir, pool), pwhat);
}

apr_status_t llm_client_open_apart(llm_client_t **pclient, const char *dir,
                                   void (*forget)(void *baton), void *baton,
                                   const char **pwhat, apr_pool_t *pool)
{
    llm_client_t *client = make_client(dir, pool);

    client->wants_apart = 1;
    client->forget = forget;
    client->forget_baton = baton;
    return open_client(pclient, client, pwhat);
}

/* ---------------------------------------------------------------- offline */

static apr_status_t call_offline(llm_client_t *client, const char *request,
                                 llm_line_cb *line, void *baton)
{
    const llm_json_t *doc;
    llm_json_error_t error;
    apr_pool_t *pool;
    apr_status_t status = apr_pool_create(&pool, client->pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = llm_json_read(&doc, request, strlen(request), &error, pool);
    if (status == APR_SUCCESS) {
        llm_command_run(client->store, &client->caller, doc, line, baton, pool);
    }
    else {
        client->what = apr_psprintf(client->pool, "the request is not JSON: %s",
                                    error.what);
    }
    apr_pool_destroy(pool);
    return status;
}

apr_status_t llm_client_call(llm_client_t *client, const char *request,
                             llm_line_cb *line, void *baton, const char **pwhat)
{
    apr_status_t status;
    unsigned lines = 0;
    int tries = 0;

    do {
        status = APR_SUCCESS;
        if (client->fd < 0 && !client->store) {
            status = client->is_bound ? APR_EOF : find_way(client);
        }
        if (status == APR_SUCCESS) {
            status = client->store
                         ? call_offline(client, request, line, baton)
                         : call_online(client, request, line, baton, &lines);
        }
    } while (status != APR_SUCCESS && !client->store && !lines
             && !client->is_bound && status != APR_TIMEUP && ++tries < RESENDS);
    *pwhat = status == APR_SUCCESS ? NULL
             : client->what        ? client->what
                                   : text_of(status, client->pool);
    return status;
}
