/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's socket: bytes of a client, in pieces as the first byte says, read
 * as store/serve.c reads them. Each line of the answer is one JSON object with
 * one member; there are as many answers as requests at most; and the owner
 * hangs up when the client has.
 */
#include "test/fuzz/rig.h"

#include <sys/socket.h>

#include <apr_strings.h>

#include "store/serve.h"
#include "store/socket.h"

static llm_server_t *server;
static const char *address;

static void open_server(void)
{
    int listener;

    rig_open();
    address = apr_pstrcat(rig_pool, rig_dir, "/fuzz.sock", NULL);
    MUST(llm_socket_listen(&listener, address) == APR_SUCCESS);
    MUST(llm_server_make(&server, rig_store, listener, rig_pool)
         == APR_SUCCESS);
}

/* What has come so far; 0: the server has hung up. */
static int receive(int fd, llm_buf_t *in)
{
    char bytes[8192];
    ssize_t got;

    while ((got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        llm_buf_append(in, bytes, (apr_size_t)got);
    }
    return got != 0;
}

static void read_answers(const llm_buf_t *in, unsigned requests,
                         apr_pool_t *pool)
{
    const char *line = in->data, *end = in->data, *next;
    unsigned answers = 0;

    if (in->len) {
        end += in->len;
    }
    for (; line < end; line = next + 1) {
        const llm_json_t *doc;

        next = memchr(line, '\n', (size_t)(end - line));
        MUST(next);
        MUST(llm_json_read(&doc, line, (apr_size_t)(next - line), NULL, pool)
             == APR_SUCCESS);
        MUST(doc->count == 1);
        answers += llm_json_get(doc, "done") || llm_json_get(doc, "error");
    }
    /* one more for a last line that is too long to be one */
    MUST(answers <= requests + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_size_t piece, at, len;
    unsigned requests = 0, turns = 0;
    apr_pool_t *pool;
    llm_buf_t *in;
    int fd;

    if (size < 2 || size > 200000) {
        return 0;
    }
    if (!server) {
        open_server();
    }
    pool = fuzz_pool();
    in = llm_buf_make(0, pool);
    MUST(llm_socket_connect(&fd, address) == APR_SUCCESS);
    llm_server_run(server, 0);
    piece = data[0] ? (apr_size_t)data[0] * 7 : size;
    for (at = 1; at < size; at += len) {
        ssize_t sent;

        len = size - at < piece ? size - at : piece;
        sent = send(fd, data + at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        /* while a thread answers this client nothing more of it is read */
        llm_server_run(server, turns < 100 ? 0 : 1000);
        if (!receive(fd, in)) {
            break;
        }
        len = sent > 0 ? (apr_size_t)sent : 0;
        turns = len ? 0 : turns + 1;
        MUST(turns < 20000);
    }
    for (at = 1; at < size; ++at) {
        requests += data[at] == '\n';
    }
    shutdown(fd, SHUT_WR);
    for (turns = 0; receive(fd, in); ++turns) {
        MUST(turns < 20000);
        llm_server_run(server, turns < 100 ? 0 : 1000);
    }
    close(fd);
    read_answers(in, requests, pool);
    apr_pool_destroy(pool);
    return 0;
}
