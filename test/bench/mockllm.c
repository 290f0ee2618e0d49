/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mockllm - a fast mock LLM provider for gateway benchmarks.
 *
 * One thread, epoll, HTTP/1.1 with keep-alive.  It answers every POST:
 *
 *   /v1/chat/completions   OpenAI chat-completions style
 *   /v1/messages           Anthropic messages style
 *   GET /stats             counters as JSON;  any other GET: 200 "ok"
 *
 * Non-streaming: one JSON reply after a delay.  With "stream":true: a first
 * event after a delay, N content events at an interval, a usage event, [DONE].
 * Each event leaves in a write() of its own.
 *
 * Behaviour is set by flags and can be overridden per request INSIDE THE MODEL
 * NAME, because the model name is the one thing every gateway passes on:
 *
 *   "model": "mock;d=50;n=20;i=1000;s=16;e=429;k=3"
 *
 *   d  delay in ms before the reply or the first event        (-d)
 *   n  content events in a stream                             (-n)
 *   i  interval in ms between events, 0 = as fast as it goes  (-i)
 *   s  bytes of text per event / per reply                    (-s)
 *   e  answer with this HTTP status and a provider-style error
 *   k  break the stream: close the socket after k content events
 *
 * Every piece of text begins "@<CLOCK_MONOTONIC ns>@": a load client on the
 * same machine can tell how late it arrives (see llmload).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HDR_MAX = 16384, MODEL_MAX = 256, EVENTS = 512 };

enum phase { READ_HEAD, READ_BODY, READ_CHUNKED, WAIT, STREAM };
enum api { OPENAI, ANTHROPIC };

struct opts {
    int delay_ms, chunks, interval_ms, size, status, kill_after;
};

struct conn {
    int fd;
    enum phase phase;
    enum api api;
    int keepalive, streaming, is_get, is_stats;
    struct opts o;
    int sent; /* content events sent so far */
    /* request */
    char *in; /* grows to the largest request seen */
    size_t in_len, in_cap, head_len, body_len;
    /* pending output (only what the kernel did not take) */
    char *out;
    size_t out_len, out_off, out_cap;
    int want_out;    /* EPOLLOUT armed */
    int close_after; /* close once out is drained */
    /* timer heap */
    uint64_t due;
    int heap_pos; /* -1: no timer */
};

static struct opts defaults = {0, 20, 0, 16, 0, 0};
static int ep;
static struct {
    uint64_t conns, reqs, streams, events, errors, aborted;
} stats;

/* A decimal number; what follows it is not looked at. */
static int number(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *grow(void *p, size_t *cap, size_t need)
{
    size_t n = *cap ? *cap : 1024;
    if (need <= *cap)
        return p;
    while (n < need)
        n *= 2;
    p = realloc(p, n);
    if (!p) {
        perror("realloc");
        exit(1);
    }
    *cap = n;
    return p;
}

/* ---- timer heap ------------------------------------------------------- */

static struct conn **heap;
static size_t heap_n, heap_cap;

static void heap_set(size_t i, struct conn *c)
{
    heap[i] = c;
    c->heap_pos = (int)i;
}

static void heap_up(size_t i)
{
    struct conn *c = heap[i];
    while (i && heap[(i - 1) / 2]->due > c->due) {
        heap_set(i, heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_set(i, c);
}

static void heap_down(size_t i)
{
    struct conn *c = heap[i];
    for (;;) {
        size_t k = 2 * i + 1;
        if (k >= heap_n)
            break;
        if (k + 1 < heap_n && heap[k + 1]->due < heap[k]->due)
            k++;
        if (heap[k]->due >= c->due)
            break;
        heap_set(i, heap[k]);
        i = k;
    }
    heap_set(i, c);
}

static void timer_set(struct conn *c, uint64_t due)
{
    c->due = due;
    if (c->heap_pos < 0) {
        size_t bytes = heap_cap * sizeof *heap;
        heap = grow(heap, &bytes, (heap_n + 1) * sizeof *heap);
        heap_cap = bytes / sizeof *heap;
        heap_set(heap_n++, c);
        heap_up((size_t)c->heap_pos);
    }
    else {
        heap_up((size_t)c->heap_pos);
        heap_down((size_t)c->heap_pos);
    }
}

static void timer_del(struct conn *c)
{
    size_t i = (size_t)c->heap_pos;
    if (c->heap_pos < 0)
        return;
    c->heap_pos = -1;
    if (i != --heap_n) {
        struct conn *last = heap[heap_n];
        heap_set(i, last);
        heap_up(i);
        heap_down((size_t)last->heap_pos);
    }
}

/* ---- output ----------------------------------------------------------- */

static void conn_close(struct conn *c)
{
    if (c->phase == WAIT || c->phase == STREAM)
        stats.aborted++;
    timer_del(c);
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

static void arm(struct conn *c, int out)
{
    struct epoll_event e = {
        .events = EPOLLIN | EPOLLRDHUP | (out ? EPOLLOUT : 0), .data.ptr = c};
    if (c->want_out == out)
        return;
    c->want_out = out;
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

/* 0: fine (sent or queued), -1: the connection is dead */
static int put(struct conn *c, const char *p, size_t n)
{
    if (!c->out_len) {
        ssize_t w = send(c->fd, p, n, MSG_NOSIGNAL);
        if (w < 0) {
            if (errno != EAGAIN)
                return -1;
            w = 0;
        }
        p += w;
        n -= (size_t)w;
        if (!n)
            return 0;
    }
    c->out = grow(c->out, &c->out_cap, c->out_len + n);
    memcpy(c->out + c->out_len, p, n);
    c->out_len += n;
    arm(c, 1);
    return 0;
}

static int drain(struct conn *c)
{
    while (c->out_off < c->out_len) {
        ssize_t w = send(c->fd, c->out + c->out_off, c->out_len - c->out_off,
                         MSG_NOSIGNAL);
        if (w < 0)
            return errno == EAGAIN ? 0 : -1;
        c->out_off += (size_t)w;
    }
    c->out_len = c->out_off = 0;
    arm(c, 0);
    return 0;
}

/* text of about n bytes that starts with the time stamp and needs no escaping */
static int text(char *b, size_t cap, int n)
{
    static const char words[] =
        "the quick brown fox jumps over a lazy dog and ";
    int k = snprintf(b, cap, "@%llu@ ", (unsigned long long)now_ns());
    while (k < n && (size_t)k + 1 < cap) {
        b[k] = words[(size_t)k % (sizeof words - 1)];
        k++;
    }
    b[k] = 0;
    return k;
}

static int send_chunk(struct conn *c, const char *p, size_t n)
{
    char b[70000];
    int h = snprintf(b, 32, "%zx\r\n", n);
    if (n + 64 > sizeof b)
        return -1;
    memcpy(b + h, p, n);
    memcpy(b + h + n, "\r\n", 2);
    return put(c, b, (size_t)h + n + 2);
}

static int send_head(struct conn *c, int status, const char *type, long len)
{
    char b[512];
    char clen[64];
    int n;
    if (len < 0)
        snprintf(clen, sizeof clen, "Transfer-Encoding: chunked");
    else
        snprintf(clen, sizeof clen, "Content-Length: %ld", len);
    n = snprintf(
        b, sizeof b,
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s\r\nx-request-id: req_mock\r\n%s%s\r\n",
        status, status == 200 ? "OK" : "Error", type, clen,
        status == 429 ? "Retry-After: 1\r\n" : "",
        c->keepalive ? "" : "Connection: close\r\n");
    return put(c, b, (size_t)n);
}

static int send_json(struct conn *c, int status, const char *body, size_t n)
{
    char b[70000];
    int h = snprintf(
        b, 512,
        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
        "x-request-id: req_mock\r\n%s%s\r\n",
        status, status == 200 ? "OK" : "Error", n,
        status == 429 ? "Retry-After: 1\r\n" : "",
        c->keepalive ? "" : "Connection: close\r\n");
    if (n + (size_t)h > sizeof b)
        return -1;
    memcpy(b + h, body, n);
    return put(c, b, (size_t)h + n);
}

/* ---- replies ---------------------------------------------------------- */

static int next_request(struct conn *c);

static int reply_done(struct conn *c)
{
    c->phase = READ_HEAD;
    timer_del(c);
    if (!c->keepalive) {
        if (!c->out_len)
            return -1;
        c->close_after = 1;
        return 0;
    }
    return next_request(c);
}

static int reply_plain(struct conn *c)
{
    char t[66000], b[69000];
    int n;
    if (c->o.status && c->o.status != 200) {
        stats.errors++;
        n = snprintf(
            b, sizeof b,
            c->api == OPENAI
                ? "{\"error\":{\"message\":\"mock error %d\",\"type\":\"mock_error\",\"param\":null,\"code\":null}}"
                : "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"mock error %d\"}}",
            c->o.status);
        return send_json(c, c->o.status, b, (size_t)n) ? -1 : reply_done(c);
    }
    text(t, sizeof t, c->o.size);
    if (c->api == OPENAI)
        n = snprintf(
            b, sizeof b,
            "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":1700000000,"
            "\"model\":\"mock-1\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
            "\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
            "\"usage\":{\"prompt_tokens\":%zu,\"completion_tokens\":%d,\"total_tokens\":%zu},"
            "\"system_fingerprint\":\"fp_mock\"}",
            t, c->body_len / 4, c->o.size / 4,
            c->body_len / 4 + (size_t)c->o.size / 4);
    else
        n = snprintf(
            b, sizeof b,
            "{\"id\":\"msg_mock\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"mock-1\","
            "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],\"stop_reason\":\"end_turn\","
            "\"stop_sequence\":null,\"usage\":{\"input_tokens\":%zu,\"output_tokens\":%d}}",
            t, c->body_len / 4, c->o.size / 4);
    return send_json(c, 200, b, (size_t)n) ? -1 : reply_done(c);
}

static int stream_event(struct conn *c)
{
    char t[66000], b[69000];
    int n;
    text(t, sizeof t, c->o.size);
    if (c->api == OPENAI)
        n = snprintf(
            b, sizeof b,
            "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
            "\"model\":\"mock-1\",\"system_fingerprint\":\"fp_mock\",\"choices\":[{\"index\":0,"
            "\"delta\":{%s\"content\":\"%s\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            c->sent ? "" : "\"role\":\"assistant\",", t);
    else
        n = snprintf(
            b, sizeof b,
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
            "\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n",
            t);
    c->sent++;
    stats.events++;
    return send_chunk(c, b, (size_t)n);
}

static int stream_begin(struct conn *c)
{
    char b[512];
    int n;
    if (send_head(c, 200, "text/event-stream", -1))
        return -1;
    if (c->api == OPENAI)
        return 0;
    n = snprintf(
        b, sizeof b,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_mock\","
        "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"mock-1\",\"content\":[],"
        "\"stop_reason\":null,\"usage\":{\"input_tokens\":%zu,\"output_tokens\":1}}}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
        "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        c->body_len / 4);
    return send_chunk(c, b, (size_t)n);
}

static int stream_end(struct conn *c)
{
    char b[1024];
    size_t in = c->body_len / 4,
           out = (size_t)c->o.chunks * (size_t)c->o.size / 4;
    int n;
    if (c->api == OPENAI)
        n = snprintf(
            b, sizeof b,
            "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
            "\"model\":\"mock-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
            "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
            "\"model\":\"mock-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":%zu,"
            "\"completion_tokens\":%zu,\"total_tokens\":%zu}}\n\n"
            "data: [DONE]\n\n",
            in, out, in + out);
    else
        n = snprintf(
            b, sizeof b,
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
            "\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":%zu}}\n\n"
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            out);
    if (send_chunk(c, b, (size_t)n) || put(c, "0\r\n\r\n", 5))
        return -1;
    return reply_done(c);
}

/* the connection's timer fired, or there is nothing to wait for */
static int on_timer(struct conn *c, uint64_t now)
{
    if (c->phase == WAIT) {
        if (!c->streaming)
            return reply_plain(c);
        if (stream_begin(c))
            return -1;
        c->phase = STREAM;
    }
    if (c->phase != STREAM)
        return 0;
    if (c->o.kill_after && c->sent >= c->o.kill_after)
        return -1;
    if (c->sent >= c->o.chunks)
        return stream_end(c);
    /* a reader that is behind is not fed: that would only measure memory */
    if (c->out_len < 262144 && stream_event(c))
        return -1;
    timer_set(c, c->o.interval_ms
                     ? c->due + (uint64_t)c->o.interval_ms * 1000000u
                     : now);
    return 0;
}

/* ---- requests --------------------------------------------------------- */

static void model_opts(struct conn *c, const char *body, size_t n)
{
    char m[MODEL_MAX], *p, *save;
    const char *k = memmem(body, n, "\"model\"", 7), *end = body + n, *q;
    size_t len;
    c->o = defaults;
    if (!k)
        return;
    for (k += 7; k < end && *k != '"'; k++)
        ;
    if (k >= end || !(q = memchr(k + 1, '"', (size_t)(end - k - 1))))
        return;
    len = (size_t)(q - k - 1);
    if (len >= sizeof m)
        return;
    memcpy(m, k + 1, len);
    m[len] = 0;
    for (p = strtok_r(m, ";", &save); p; p = strtok_r(NULL, ";", &save)) {
        int v;
        if (p[0] == 0 || p[1] != '=')
            continue;
        v = number(p + 2);
        switch (p[0]) {
        case 'd':
            c->o.delay_ms = v;
            break;
        case 'n':
            c->o.chunks = v;
            break;
        case 'i':
            c->o.interval_ms = v;
            break;
        case 's':
            c->o.size = v > 65000 ? 65000 : v;
            break;
        case 'e':
            c->o.status = v;
            break;
        case 'k':
            c->o.kill_after = v;
            break;
        default:
            break;
        }
    }
}

static int wants_stream(const char *body, size_t n)
{
    const char *end = body + n, *p = body;
    while ((p = memmem(p, (size_t)(end - p), "\"stream\"", 8))) {
        p += 8;
        while (p < end && (*p == ' ' || *p == ':' || *p == '\n' || *p == '\t'))
            p++;
        if (end - p >= 4 && !memcmp(p, "true", 4))
            return 1;
    }
    return 0;
}

static int serve(struct conn *c, const char *body, size_t n)
{
    char b[512];
    int len;
    stats.reqs++;
    c->body_len = n;
    c->sent = 0;
    if (c->is_get) {
        c->phase = WAIT;
        len =
            c->is_stats ? snprintf(
                b, sizeof b,
                "{\"conns\":%llu,\"reqs\":%llu,\"streams\":%llu,\"events\":%llu,"
                "\"errors\":%llu,\"aborted\":%llu}\n",
                (unsigned long long)stats.conns, (unsigned long long)stats.reqs,
                (unsigned long long)stats.streams,
                (unsigned long long)stats.events,
                (unsigned long long)stats.errors,
                (unsigned long long)stats.aborted)
                        : snprintf(b, sizeof b, "ok\n");
        return send_json(c, 200, b, (size_t)len) ? -1 : reply_done(c);
    }
    model_opts(c, body, n);
    c->streaming = wants_stream(body, n) && !c->o.status;
    if (c->streaming)
        stats.streams++;
    c->phase = WAIT;
    c->due = now_ns() + (uint64_t)c->o.delay_ms * 1000000u;
    if (!c->o.delay_ms)
        return on_timer(c, c->due);
    timer_set(c, c->due);
    return 0;
}

static const char *header(const char *head, size_t n, const char *name)
{
    static char v[256];
    size_t len = strlen(name);
    const char *p = head, *end = head + n, *nl;
    while (p < end && (nl = memchr(p, '\n', (size_t)(end - p)))) {
        if ((size_t)(nl - p) > len && p[len] == ':'
            && !strncasecmp(p, name, len)) {
            size_t k;
            for (p += len + 1; *p == ' '; p++)
                ;
            k = (size_t)(nl - p);
            while (k && (p[k - 1] == '\r' || p[k - 1] == ' '))
                k--;
            if (k >= sizeof v)
                k = sizeof v - 1;
            memcpy(v, p, k);
            v[k] = 0;
            return v;
        }
        p = nl + 1;
    }
    return NULL;
}

/* de-chunk in place; 1: complete (*used, *len set), 0: need more, -1: bad */
static int dechunk(char *p, size_t n, size_t *used, size_t *len)
{
    char *r = p, *end = p + n, *w = NULL;
    size_t out = 0;
    int pass;
    for (pass = 0; pass < 2; pass++) { /* first look, then move */
        for (r = p, w = p, out = 0;;) {
            char *nl = memchr(r, '\n', (size_t)(end - r)), *e;
            size_t k;
            if (!nl)
                return 0;
            k = strtoul(r, &e, 16);
            if (e == r)
                return -1;
            r = nl + 1;
            if ((size_t)(end - r) < k + 2)
                return 0;
            if (pass && k)
                memmove(w, r, k);
            w += k;
            out += k;
            r += k + 2;
            if (!k)
                break;
        }
        *used = (size_t)(r - p);
        *len = out;
    }
    return 1;
}

/* handle what is in c->in as far as it goes */
static int next_request(struct conn *c)
{
    for (;;) {
        if (c->phase == READ_HEAD) {
            char *end =
                c->in_len ? memmem(c->in, c->in_len, "\r\n\r\n", 4) : NULL;
            const char *v;
            if (!end)
                return c->in_len > HDR_MAX ? -1 : 0;
            c->head_len = (size_t)(end - c->in) + 4;
            c->is_get = !strncmp(c->in, "GET ", 4);
            c->is_stats = !strncmp(c->in, "GET /stats", 10);
            c->api = memmem(c->in, c->head_len, "/v1/messages", 12) ? ANTHROPIC
                                                                    : OPENAI;
            v = header(c->in, c->head_len, "connection");
            c->keepalive = !(v && !strcasecmp(v, "close"));
            v = header(c->in, c->head_len, "expect");
            if (v && !strncasecmp(v, "100-", 4)
                && put(c, "HTTP/1.1 100 Continue\r\n\r\n", 25))
                return -1;
            v = header(c->in, c->head_len, "transfer-encoding");
            if (v && strcasestr(v, "chunked"))
                c->phase = READ_CHUNKED;
            else {
                v = header(c->in, c->head_len, "content-length");
                c->body_len = v ? strtoul(v, NULL, 10) : 0;
                c->phase = READ_BODY;
            }
        }
        if (c->phase == READ_BODY || c->phase == READ_CHUNKED) {
            size_t used = c->body_len, len = c->body_len;
            if (c->phase == READ_CHUNKED) {
                int k = dechunk(c->in + c->head_len, c->in_len - c->head_len,
                                &used, &len);
                if (k <= 0)
                    return k;
            }
            else if (c->in_len - c->head_len < used)
                return 0;
            {
                /* take the request out of the buffer before serving it:
                 * serving may come back here for the next one */
                size_t total = c->head_len + used;
                char *body = c->in + c->head_len;
                if (total == c->in_len) {
                    c->in_len = 0;
                    return serve(c, body, len);
                }
                else { /* pipelined: rare */
                    char *copy = malloc(len + 1);
                    int rv;
                    memcpy(copy, body, len);
                    memmove(c->in, c->in + total, c->in_len - total);
                    c->in_len -= total;
                    rv = serve(c, copy, len);
                    free(copy);
                    return rv;
                }
            }
        }
        return 0;
    }
}

static int on_input(struct conn *c)
{
    for (;;) {
        ssize_t r;
        c->in = grow(c->in, &c->in_cap, c->in_len + 4096);
        r = recv(c->fd, c->in + c->in_len, c->in_cap - c->in_len, 0);
        if (r == 0)
            return -1;
        if (r < 0) {
            if (errno == EAGAIN)
                break;
            return -1;
        }
        c->in_len += (size_t)r;
        if (c->in_len < c->in_cap)
            break;
    }
    if (c->phase == WAIT || c->phase == STREAM)
        return c->in_len > (1u << 20) ? -1 : 0;
    return next_request(c);
}

/* ---- main ------------------------------------------------------------- */

static void usage(void)
{
    fprintf(
        stderr,
        "usage: mockllm [-a addr] [-p port] [-d delay_ms] [-n chunks] [-i interval_ms]\n"
        "               [-s bytes_per_text] [-e status]\n");
    exit(2);
}

int main(int argc, char **argv)
{
    const char *addr = "127.0.0.1";
    int port = 9100, o, one = 1, ls;
    struct sockaddr_in sa = {.sin_family = AF_INET};
    struct rlimit rl;
    struct epoll_event evs[EVENTS];

    while ((o = getopt(argc, argv, "a:p:d:n:i:s:e:h")) != -1) {
        switch (o) {
        case 'a':
            addr = optarg;
            break;
        case 'p':
            port = number(optarg);
            break;
        case 'd':
            defaults.delay_ms = number(optarg);
            break;
        case 'n':
            defaults.chunks = number(optarg);
            break;
        case 'i':
            defaults.interval_ms = number(optarg);
            break;
        case 's':
            defaults.size = number(optarg);
            break;
        case 'e':
            defaults.status = number(optarg);
            break;
        default:
            usage();
        }
    }
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);

    ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sa.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, addr, &sa.sin_addr) != 1)
        usage();
    if (bind(ls, (struct sockaddr *)&sa, sizeof sa) || listen(ls, 4096)) {
        perror("mockllm: bind/listen");
        return 1;
    }
    ep = epoll_create1(0);
    {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
        epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    }
    fprintf(stderr, "mockllm: %s:%d, up to %lu connections\n", addr, port,
            (unsigned long)rl.rlim_cur);

    for (;;) {
        uint64_t now = now_ns();
        int timeout = -1, n, i;
        if (heap_n) {
            uint64_t due = heap[0]->due;
            timeout = due <= now ? 0 : (int)((due - now + 999999) / 1000000);
        }
        n = epoll_wait(ep, evs, EVENTS, timeout);
        for (i = 0; i < n; i++) {
            struct conn *c = evs[i].data.ptr;
            if (!c) {
                int fd;
                while ((fd = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP};
                    c = calloc(1, sizeof *c);
                    c->fd = fd;
                    c->heap_pos = -1;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    e.data.ptr = c;
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
                    stats.conns++;
                }
                continue;
            }
            if (evs[i].events & (EPOLLERR | EPOLLHUP)) {
                conn_close(c);
                continue;
            }
            if ((evs[i].events & EPOLLOUT)
                && (drain(c) || (c->close_after && !c->out_len))) {
                conn_close(c);
                continue;
            }
            if ((evs[i].events & (EPOLLIN | EPOLLRDHUP)) && on_input(c))
                conn_close(c);
        }
        if (heap_n) {
            size_t burst = heap_n; /* one turn each, then look at input again */
            now = now_ns();
            while (heap_n && heap[0]->due <= now && burst--) {
                struct conn *c = heap[0];
                if (on_timer(c, now))
                    conn_close(c);
            }
        }
    }
}
