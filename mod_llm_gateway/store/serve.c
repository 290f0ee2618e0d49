/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving clients with poll.
 *
 * A client is read from, or written to, or a thread has it; each state knows
 * what poll should wait for. A thread that is done says so through a pipe, and
 * its client is read from again. Requests that wait for a thread stay in
 * their client's input.
 */
#include "store/serve.h"

#include "core/llm_log.h"
#include "store/socket.h"
#include "store/task.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#define CLIENTS_MAX   64
#define THREADS_MAX   4
#define REQUEST_MAX   (64u << 10)
#define FLUSH_BYTES   (32u << 10) /* a thread collects before it sends */
#define TALK_TIME     apr_time_from_sec(60)
#define TAKE_TIME     apr_time_from_sec(30)
#define SEND_SLICE_MS 200 /* after which a stop is seen */

typedef enum {
    READING,
    WRITING,
    RUNNING /* a thread's */
} state_e;

typedef struct client_t {
    llm_server_t *server;
    unsigned place; /* in the server's list */
    int fd;
    llm_caller_t caller;
    state_e state;
    int is_closing; /* when its answer is written */
    llm_buf_t *in, *out;
    apr_size_t sent;     /* of out */
    apr_time_t deadline; /* for the next byte */
    apr_thread_t *thread;
    apr_pool_t *pool;
} client_t;

struct llm_server_t {
    llm_store_t *store;
    int listener;
    int done[2]; /* a byte for each thread that is done: its client's place */
    client_t *clients[CLIENTS_MAX];
    unsigned threads;
    apr_pool_t *pool;
};

apr_status_t llm_server_make(llm_server_t **pserver, llm_store_t *store,
                             int listener, apr_pool_t *pool)
{
    llm_server_t *server = apr_pcalloc(pool, sizeof(*server));

    server->store = store;
    server->listener = listener;
    server->pool = pool;
    *pserver = server;
    return pipe2(server->done, O_CLOEXEC | O_NONBLOCK) < 0 ? errno
                                                           : APR_SUCCESS;
}

static void drop_client(client_t *client)
{
    client->server->clients[client->place] = NULL;
    close(client->fd);
    apr_pool_destroy(client->pool);
}

static client_t *make_client(llm_server_t *server, unsigned place, int fd,
                             apr_uint32_t uid)
{
    client_t *client;
    apr_pool_t *pool;

    if (apr_pool_create(&pool, server->pool) != APR_SUCCESS) {
        return NULL;
    }
    client = apr_pcalloc(pool, sizeof(*client));
    client->server = server;
    client->place = place;
    client->fd = fd;
    client->caller.uid = uid;
    client->in = llm_buf_make(REQUEST_MAX, pool);
    client->out = llm_buf_make(0, pool);
    client->deadline = apr_time_now() + TALK_TIME;
    client->pool = pool;
    server->clients[place] = client;
    return client;
}

static int free_place(const llm_server_t *server)
{
    int i;

    for (i = 0; i < CLIENTS_MAX; ++i) {
        if (!server->clients[i]) {
            return i;
        }
    }
    return -1;
}

/* Root, or the user the store belongs to. */
static void accept_client(llm_server_t *server)
{
    apr_uint32_t uid;
    int fd, place = free_place(server);

    if (place < 0
        || llm_socket_accept(&fd, &uid, server->listener) != APR_SUCCESS) {
        return;
    }
    if (uid != 0 && uid != geteuid()) {
        llm_log(LLM_LOG_WARNING, APR_SUCCESS,
                LLM_LOGNO(0207) "user %u may not talk to the store", uid);
        close(fd);
        return;
    }
    if (!make_client(server, (unsigned)place, fd, uid)) {
        close(fd);
    }
}

/* ---------------------------------------------------------------- answers */

static int put_line(void *baton, const char *line, apr_size_t len)
{
    client_t *client = baton;

    llm_buf_append(client->out, line, len);
    llm_buf_putc(client->out, '\n');
    return 0;
}

static void put_error(client_t *client, const char *message)
{
    llm_buf_lit(client->out, "{\"error\":{\"code\":\"usage\",\"message\":");
    llm_buf_put_string(client->out, message);
    llm_buf_lit(client->out, "}}\n");
}

static void write_client(client_t *client)
{
    ssize_t sent =
        send(client->fd, client->out->data + client->sent,
             client->out->len - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            drop_client(client);
        }
        return;
    }
    client->sent += (apr_size_t)sent;
    client->deadline = apr_time_now() + TAKE_TIME;
    if (client->sent < client->out->len) {
        return;
    }
    if (client->is_closing) {
        drop_client(client);
        return;
    }
    llm_buf_clear(client->out);
    llm_buf_trim(client->out);
    client->sent = 0;
    client->state = READING;
    client->deadline = apr_time_now() + TALK_TIME;
}

static void begin_writing(client_t *client)
{
    client->state = WRITING;
    client->deadline = apr_time_now() + TAKE_TIME;
    write_client(client);
}

/* ---------------------------------------------------------------- threads */

/* A request that a thread works on, and what it has not sent yet. */
typedef struct work_t {
    client_t *client;
    const llm_json_t *request;
    llm_buf_t *out;
    int is_gone; /* nobody takes it */
    apr_pool_t *pool;
} work_t;

/* All of it, or the client is given up. */
static void flush_work(work_t *work)
{
    apr_time_t deadline = apr_time_now() + TAKE_TIME;
    apr_size_t sent = 0;

    while (sent < work->out->len && !work->is_gone) {
        struct pollfd ready = {.fd = work->client->fd, .events = POLLOUT};
        ssize_t now = send(ready.fd, work->out->data + sent,
                           work->out->len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (now > 0) {
            sent += (apr_size_t)now;
            deadline = apr_time_now() + TAKE_TIME;
        }
        else if (errno == EAGAIN) {
            poll(&ready, 1, SEND_SLICE_MS);
            work->is_gone = apr_time_now() > deadline
                            || work->client->server->store->is_stopping;
        }
        else {
            work->is_gone = errno != EINTR;
        }
    }
    llm_buf_clear(work->out);
}

static int send_line(void *baton, const char *line, apr_size_t len)
{
    work_t *work = baton;

    llm_buf_append(work->out, line, len);
    llm_buf_putc(work->out, '\n');
    if (work->out->len >= FLUSH_BYTES || llm_line_is_progress(line, len)) {
        flush_work(work);
    }
    return work->is_gone;
}

static void *APR_THREAD_FUNC work_in_thread(apr_thread_t *thread, void *baton)
{
    work_t *work = baton;
    client_t *client = work->client;
    unsigned char place = (unsigned char)client->place;

    (void)thread;
    llm_command_run(client->server->store, &client->caller, work->request,
                    send_line, work, work->pool);
    flush_work(work);
    client->is_closing = work->is_gone;
    apr_pool_destroy(work->pool);
    /* The pipe has room for more bytes than there are threads. */
    while (write(client->server->done[1], &place, 1) < 0 && errno == EINTR) {
    }
    return NULL;
}

/* The request is read again into the thread's own memory. */
static int begin_thread(client_t *client, const char *line, apr_size_t len)
{
    apr_pool_t *pool;
    work_t *work;

    if (apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    work = apr_pcalloc(pool, sizeof(*work));
    work->client = client;
    work->pool = pool;
    work->out = llm_buf_make(0, pool);
    line = apr_pstrmemdup(pool, line, len);
    if (llm_json_read(&work->request, line, len, NULL, pool) != APR_SUCCESS
        || apr_thread_create(&client->thread, NULL, work_in_thread, work,
                             client->pool)
               != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return 0;
    }
    client->state = RUNNING;
    client->server->threads += 1;
    return 1;
}

static void end_thread(client_t *client)
{
    apr_status_t result;

    apr_thread_join(&result, client->thread);
    client->thread = NULL;
    client->server->threads -= 1;
    client->state = READING;
    client->deadline = apr_time_now() + TALK_TIME;
    if (client->is_closing) {
        drop_client(client);
    }
}

static void end_threads(llm_server_t *server)
{
    unsigned char place;

    while (read(server->done[0], &place, 1) == 1) {
        end_thread(server->clients[place]);
    }
}

/* --------------------------------------------------------------- requests */

/* 0: no thread is free; try again later. */
static int run_request(client_t *client, const char *line, apr_size_t len)
{
    llm_server_t *server = client->server;
    const llm_command_t *command;
    const llm_json_t *request;
    llm_json_error_t error;
    apr_pool_t *pool;
    int is_taken = 1;

    apr_pool_create(&pool, client->pool);
    if (llm_json_read(&request, line, len, &error, pool) != APR_SUCCESS) {
        put_error(client, apr_psprintf(pool,
                                       "not JSON: %s, at byte "
                                       "%" APR_SIZE_T_FMT,
                                       error.what, error.offset));
    }
    else {
        command = llm_command_find(request);
        if (!command || !command->is_slow) {
            llm_command_run(server->store, &client->caller, request, put_line,
                            client, pool);
        }
        else if (server->threads == THREADS_MAX) {
            is_taken = 0;
        }
        else if (!begin_thread(client, line, len)) {
            put_error(client, "no thread could be started");
        }
    }
    apr_pool_destroy(pool);
    return is_taken;
}

/* The requests that are complete, one after the other. */
static void run_requests(client_t *client)
{
    client_t **still = &client->server->clients[client->place];

    while (*still == client && client->state == READING) {
        const char *line = client->in->data;
        const char *end =
            client->in->len ? memchr(line, '\n', client->in->len) : NULL;

        if (!end) {
            if (client->in->overflow || client->in->len == REQUEST_MAX) {
                put_error(client, "the request is too long");
                client->is_closing = 1;
                begin_writing(client);
            }
            return;
        }
        if (!run_request(client, line, (apr_size_t)(end - line))) {
            client->deadline = apr_time_now() + TALK_TIME;
            return;
        }
        llm_buf_drop(client->in, (apr_size_t)(end - line) + 1);
        if (client->state == READING) {
            begin_writing(client);
        }
    }
}

static void read_client(client_t *client)
{
    char bytes[4096];
    apr_size_t room = REQUEST_MAX - client->in->len;
    ssize_t got =
        recv(client->fd, bytes, room < sizeof(bytes) ? room : sizeof(bytes),
             MSG_DONTWAIT);

    if (got > 0) {
        llm_buf_append(client->in, bytes, (apr_size_t)got);
        client->deadline = apr_time_now() + TALK_TIME;
    }
    else if (!got || (errno != EAGAIN && errno != EINTR)) {
        drop_client(client);
    }
}

/* ------------------------------------------------------------------- poll */

/* A client whose input is full waits for a thread, not for more of it. */
static short events_of(const client_t *client)
{
    if (client->state == READING) {
        return client->in->len < REQUEST_MAX ? POLLIN : 0;
    }
    return client->state == WRITING ? POLLOUT : 0;
}

static void serve_client(client_t *client, short events)
{
    client_t **still = &client->server->clients[client->place];

    if (client->state == READING && events) {
        read_client(client);
    }
    else if (client->state == WRITING && events) {
        write_client(client);
    }
    if (*still == client && client->state == READING) {
        run_requests(client);
    }
    if (*still == client && client->state != RUNNING
        && apr_time_now() > client->deadline) {
        drop_client(client);
    }
}

void llm_server_run(llm_server_t *server, apr_interval_time_t wait)
{
    struct pollfd fds[2 + CLIENTS_MAX];
    int i;

    fds[0] = (struct pollfd){
        .fd = free_place(server) < 0 ? -1 : server->listener, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = server->done[0], .events = POLLIN};
    for (i = 0; i < CLIENTS_MAX; ++i) {
        const client_t *client = server->clients[i];
        short events = (short)(client ? events_of(client) : 0);

        fds[2 + i] =
            (struct pollfd){.fd = events ? client->fd : -1, .events = events};
    }
    if (poll(fds, 2 + CLIENTS_MAX, (int)((wait + 999) / 1000)) < 0) {
        return;
    }
    if (fds[1].revents) {
        end_threads(server);
    }
    for (i = 0; i < CLIENTS_MAX; ++i) {
        if (server->clients[i]) {
            serve_client(server->clients[i], fds[2 + i].revents);
        }
    }
    if (fds[0].revents) {
        accept_client(server);
    }
}

void llm_server_stop(llm_server_t *server)
{
    int i;

    server->store->is_stopping = 1;
    for (i = 0; i < CLIENTS_MAX; ++i) {
        if (server->clients[i] && server->clients[i]->thread) {
            end_thread(server->clients[i]);
        }
    }
    for (i = 0; i < CLIENTS_MAX; ++i) {
        if (server->clients[i]) {
            drop_client(server->clients[i]);
        }
    }
    close(server->listener);
    close(server->done[0]);
    close(server->done[1]);
}
