/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmload - load client for LLM gateways: many slow streams, or many requests.
 *
 * One thread, epoll, HTTP/1.1, http:// or https:// (no certificate check).
 * Closed loop (-c connections, each sends its next request when the last one
 * is answered) or open loop (-r requests per second, latency counted from the
 * moment the request was DUE, so a stalled server cannot hide its stall).
 *
 * With mockllm behind the gateway every text carries the moment it was sent;
 * "lag" below is arrival minus that moment, i.e. what the path added.
 *
 * Options: see usage().
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
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

enum { EVENTS = 512, BUF = 65536, WATCH_MAX = 8 };

/* ---- options ---------------------------------------------------------- */

static struct {
    const char *host, *path, *model, *auth;
    char hostbuf[256];
    int port, tls;
    int conns, stream, no_keepalive, abort_after, json;
    long total;
    double secs, warm, rate, ramp;
    size_t prompt;
    int watch[WATCH_MAX], nwatch;
    const char *extra[16];
    int nextra;
} opt = {.host = "127.0.0.1",
         .path = "/v1/chat/completions",
         .model = "mock",
         .port = 80,
         .conns = 1,
         .secs = 10,
         .ramp = 5000,
         .prompt = 1024};

/* ---- small things ----------------------------------------------------- */

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

/* log-linear histogram of microseconds: 1/64 relative error */
struct hist {
    uint64_t n, sum, max, b[64 * 40];
};

static void hist_add(struct hist *h, uint64_t ns)
{
    uint64_t us = ns / 1000;
    unsigned e = us < 64 ? 0 : (unsigned)(63 - __builtin_clzll(us)) - 5;
    size_t i = e ? (size_t)e * 64 + ((us >> (e - 1)) & 63) : us;
    if (i >= sizeof h->b / sizeof *h->b)
        i = sizeof h->b / sizeof *h->b - 1;
    h->b[i]++;
    h->n++;
    h->sum += us;
    if (us > h->max)
        h->max = us;
}

static uint64_t hist_q(const struct hist *h, double q)
{
    uint64_t want = (uint64_t)((double)h->n * q), seen = 0;
    size_t i;
    for (i = 0; i < sizeof h->b / sizeof *h->b; i++) {
        seen += h->b[i];
        if (h->b[i] && seen >= want) {
            size_t e = i / 64;
            return e ? ((i & 63) | 64) << (e - 1) : i;
        }
    }
    return h->max;
}

/* ---- state ------------------------------------------------------------ */

enum phase {
    IDLE,
    CONNECT,
    HANDSHAKE,
    SEND,
    HEAD,
    BODY_LEN,
    BODY_CHUNK,
    BODY_EOF
};

struct conn {
    int fd;
    enum phase phase;
    SSL *ssl;
    uint64_t due; /* when the request was due */
    size_t off;   /* request bytes sent */
    int fresh;    /* no request answered on this connection yet */
    /* response */
    int status, done, close, got_byte, active;
    int events;
    char head[4096];
    size_t head_len;
    uint64_t left;   /* of the body, or of the chunk */
    int chunk_state; /* 0 size, 1 size line rest, 2 data, 3 CRLF, 4 trailer */
    uint64_t stamp;  /* "@123..." being read */
    int in_stamp, match; /* match: how much of "[DONE]" */
};

static struct {
    uint64_t ok, s4xx, s5xx, refused, reset, cut, badbody, late;
    uint64_t events, bytes, aborted, reused;
    struct hist lat, ttfb, first, lag;
} st;

static struct conn *conns;
static int ep, nopen, nactive, peak_active;
static long started, finished;
static int *idle, nidle; /* stack of connections with no request */
static char *request;
static size_t request_len;
static SSL_CTX *ctx;
static struct sockaddr_storage dst;
static socklen_t dst_len;

/* ---- process watch: CPU time and PSS of a pid and its descendants ------ */

struct usage {
    double cpu;
    long pss_kb, rss_kb, threads;
};

static int is_watched(int pid)
{
    int depth;
    for (depth = 0; pid > 1 && depth < 8; depth++) {
        char path[64], b[512], *p;
        FILE *f;
        int i;
        for (i = 0; i < opt.nwatch; i++)
            if (opt.watch[i] == pid)
                return 1;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        if (!(f = fopen(path, "r")))
            return 0;
        p = fgets(b, sizeof b, f) ? strrchr(b, ')') : NULL;
        fclose(f);
        if (!p || sscanf(p + 1, " %*c %d", &pid) != 1)
            return 0;
    }
    return 0;
}

static struct usage watch_usage(int memory)
{
    struct usage u = {0, 0, 0, 0};
    DIR *d = opendir("/proc");
    struct dirent *e;
    if (!opt.nwatch || !d) {
        if (d)
            closedir(d);
        return u;
    }
    while ((e = readdir(d))) {
        int pid = number(e->d_name);
        char path[64], b[1024], *p;
        unsigned long ut, stt;
        long thr;
        FILE *f;
        if (pid <= 0 || !is_watched(pid))
            continue;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        if (!(f = fopen(path, "r")))
            continue;
        p = fgets(b, sizeof b, f) ? strrchr(b, ')') : NULL;
        fclose(f);
        if (p
            && sscanf(
                   p + 1,
                   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %ld",
                   &ut, &stt, &thr)
                   == 3) {
            u.cpu += (double)(ut + stt) / (double)sysconf(_SC_CLK_TCK);
            u.threads += thr;
        }
        if (!memory)
            continue;
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
        if (!(f = fopen(path, "r")))
            continue;
        while (fgets(b, sizeof b, f)) {
            long v;
            if (sscanf(b, "Pss: %ld", &v) == 1)
                u.pss_kb += v;
            else if (sscanf(b, "Rss: %ld", &v) == 1)
                u.rss_kb += v;
        }
        fclose(f);
    }
    closedir(d);
    return u;
}

/* ---- connections ------------------------------------------------------ */

static void arm(struct conn *c, uint32_t ev)
{
    struct epoll_event e = {.events = ev, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void close_conn(struct conn *c)
{
    if (c->fd < 0)
        return;
    if (c->ssl) {
        SSL_free(c->ssl);
        c->ssl = NULL;
    }
    close(c->fd);
    c->fd = -1;
    nopen--;
}

static void set_active(struct conn *c, int on)
{
    if (c->active == on)
        return;
    c->active = on;
    nactive += on ? 1 : -1;
    if (nactive > peak_active)
        peak_active = nactive;
}

/* the request is over, one way or another */
static void request_end(struct conn *c, uint64_t *counter)
{
    if (counter)
        ++*counter;
    set_active(c, 0);
    if (c->phase != IDLE)
        finished++;
    c->phase = IDLE;
    if (counter != &st.ok || c->close || opt.no_keepalive)
        close_conn(c);
    idle[nidle++] = (int)(c - conns);
}

static void on_conn(struct conn *c);

static void send_request(struct conn *c)
{
    while (c->off < request_len) {
        ssize_t w;
        if (c->ssl) {
            int k = SSL_write(c->ssl, request + c->off,
                              (int)(request_len - c->off));
            if (k <= 0) {
                int e = SSL_get_error(c->ssl, k);
                if (e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ) {
                    arm(c, EPOLLIN | EPOLLOUT);
                    return;
                }
                ERR_clear_error();
                request_end(c, &st.reset);
                return;
            }
            w = k;
        }
        else {
            w = send(c->fd, request + c->off, request_len - c->off,
                     MSG_NOSIGNAL);
            if (w < 0) {
                if (errno == EAGAIN) {
                    arm(c, EPOLLIN | EPOLLOUT);
                    return;
                }
                request_end(c, &st.reset);
                return;
            }
        }
        c->off += (size_t)w;
    }
    c->phase = HEAD;
    arm(c, EPOLLIN);
}

static void start_request(struct conn *c, uint64_t due)
{
    c->due = due;
    c->off = c->head_len = 0;
    c->status = c->done = c->close = c->got_byte = c->events = 0;
    c->in_stamp = c->match = 0;
    started++;
    if (c->fd >= 0) {
        st.reused++;
        c->phase = SEND;
        send_request(c);
        return;
    }
    {
        struct epoll_event e = {.events = EPOLLOUT | EPOLLIN, .data.ptr = c};
        int one = 1;
        c->fd = socket(dst.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        c->phase = CONNECT;
        if (c->fd < 0) {
            c->fd = -1;
            request_end(c, &st.refused);
            return;
        }
        nopen++;
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
        if (connect(c->fd, (struct sockaddr *)&dst, dst_len)
            && errno != EINPROGRESS) {
            request_end(c, &st.refused);
            return;
        }
        if (opt.tls) {
            c->ssl = SSL_new(ctx);
            SSL_set_fd(c->ssl, c->fd);
            SSL_set_tlsext_host_name(c->ssl, opt.host);
            SSL_set_connect_state(c->ssl);
        }
    }
}

/* ---- response --------------------------------------------------------- */

static void body_bytes(struct conn *c, const char *p, size_t n, uint64_t now)
{
    static const char done[] = "[DONE]";
    const char *end = p + n;
    while (p < end) {
        if (!c->in_stamp && !c->match) {
            /* nothing pending: jump to the next interesting byte */
            const char *a = p;
            while (a < end && *a != '@' && *a != '[')
                a++;
            p = a;
            if (p == end)
                return;
        }
        if (c->in_stamp) {
            if (isdigit((unsigned char)*p))
                c->stamp = c->stamp * 10 + (uint64_t)(*p - '0');
            else {
                c->in_stamp = 0;
                if (*p == '@' && c->stamp) {
                    if (!c->events++)
                        hist_add(&st.first, now - c->due);
                    st.events++;
                    if (now > c->stamp)
                        hist_add(&st.lag, now - c->stamp);
                    p++;
                    continue;
                }
            }
        }
        if (*p == '@') {
            c->in_stamp = 1;
            c->stamp = 0;
        }
        if (*p == done[c->match]) {
            if (!done[++c->match]) {
                c->done = 1;
                c->match = 0;
            }
        }
        else
            c->match = *p == '[';
        p++;
    }
}

static void response_end(struct conn *c, uint64_t now)
{
    if (c->status >= 500) {
        request_end(c, &st.s5xx);
        return;
    }
    if (c->status >= 400 || c->status < 200) {
        request_end(c, &st.s4xx);
        return;
    }
    if (opt.stream && !c->done) {
        request_end(c, &st.cut);
        return;
    }
    if (!c->events && !opt.stream)
        st.badbody++;
    hist_add(&st.lat, now - c->due);
    request_end(c, &st.ok);
}

/* returns 0 when the response is over (c may be idle or closed) */
static int feed(struct conn *c, const char *p, size_t n, uint64_t now)
{
    st.bytes += n;
    if (!c->got_byte) {
        c->got_byte = 1;
        hist_add(&st.ttfb, now - c->due);
    }
    if (c->phase == HEAD) {
        size_t k = n < sizeof c->head - 1 - c->head_len
                       ? n
                       : sizeof c->head - 1 - c->head_len;
        size_t before = c->head_len;
        char *end, *v;
        memcpy(c->head + c->head_len, p, k);
        c->head_len += k;
        c->head[c->head_len] = 0;
        if (!(end = strstr(c->head, "\r\n\r\n"))) {
            if (k < n) {
                request_end(c, &st.reset);
                return 0;
            }
            return 1;
        }
        end[2] = 0;
        c->status = number(c->head + 9);
        if (c->status == 100) {
            c->head_len = 0;
            return 1;
        }
        k = (size_t)(end + 4 - c->head) - before;
        p += k;
        n -= k;
        c->close = strcasestr(c->head, "\r\nconnection: close") != NULL;
        set_active(c, 1);
        if (strcasestr(c->head, "\r\ntransfer-encoding: chunked")) {
            c->phase = BODY_CHUNK;
            c->chunk_state = 0;
            c->left = 0;
        }
        else if ((v = strcasestr(c->head, "\r\ncontent-length:"))) {
            c->phase = BODY_LEN;
            c->left = strtoull(v + 17, NULL, 10);
            if (!c->left) {
                response_end(c, now);
                return 0;
            }
        }
        else {
            c->phase = BODY_EOF;
            c->close = 1;
        }
    }
    if (c->phase == BODY_EOF) {
        body_bytes(c, p, n, now);
        goto check;
    }
    if (c->phase == BODY_LEN) {
        size_t k = n < c->left ? n : c->left;
        body_bytes(c, p, k, now);
        c->left -= k;
        if (!c->left) {
            response_end(c, now);
            return 0;
        }
        goto check;
    }
    while (n) {
        switch (c->chunk_state) {
        case 0:
            if (isxdigit((unsigned char)*p))
                c->left =
                    c->left * 16
                    + (uint64_t)(isdigit((unsigned char)*p)
                                     ? *p - '0'
                                     : tolower((unsigned char)*p) - 'a' + 10);
            else if (*p == '\n')
                c->chunk_state = c->left ? 2 : 4;
            p++;
            n--;
            break;
        case 2: {
            size_t k = n < c->left ? n : c->left;
            body_bytes(c, p, k, now);
            p += k;
            n -= k;
            c->left -= k;
            if (!c->left)
                c->chunk_state = 3;
            break;
        }
        case 3:
            if (*p == '\n')
                c->chunk_state = 0;
            p++;
            n--;
            break;
        default: /* the last CRLF */
            if (*p == '\n') {
                response_end(c, now);
                return 0;
            }
            p++;
            n--;
        }
    }
check:
    if (opt.abort_after && c->events >= opt.abort_after) {
        st.aborted++;
        request_end(c, NULL);
        return 0;
    }
    return 1;
}

static void on_conn(struct conn *c)
{
    static char buf[BUF];
    if (c->fd < 0)
        return;
    if (c->phase == CONNECT) {
        int err = 0;
        socklen_t l = sizeof err;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
        if (err) {
            request_end(c, &st.refused);
            return;
        }
        c->phase = opt.tls ? HANDSHAKE : SEND;
    }
    if (c->phase == HANDSHAKE) {
        int k = SSL_do_handshake(c->ssl);
        if (k != 1) {
            int e = SSL_get_error(c->ssl, k);
            if (e == SSL_ERROR_WANT_READ) {
                arm(c, EPOLLIN);
                return;
            }
            if (e == SSL_ERROR_WANT_WRITE) {
                arm(c, EPOLLOUT);
                return;
            }
            ERR_clear_error();
            request_end(c, &st.refused);
            return;
        }
        c->phase = SEND;
    }
    if (c->phase == SEND) {
        send_request(c);
        return;
    }
    for (;;) {
        ssize_t r;
        if (c->ssl) {
            int k = SSL_read(c->ssl, buf, sizeof buf);
            if (k <= 0) {
                int e = SSL_get_error(c->ssl, k);
                if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
                    return;
                ERR_clear_error();
                r = 0;
            }
            else
                r = k;
        }
        else {
            r = recv(c->fd, buf, sizeof buf, 0);
            if (r < 0 && errno == EAGAIN)
                return;
        }
        if (r <= 0) {
            if (c->phase == IDLE) {
                close_conn(c);
                return;
            }
            if (c->phase == BODY_EOF && r == 0)
                response_end(c, now_ns());
            else
                request_end(c, &st.reset);
            return;
        }
        if (c->phase == IDLE) {
            close_conn(c);
            return;
        }
        if (!feed(c, buf, (size_t)r, now_ns()))
            return;
        if (!c->ssl && (size_t)r < sizeof buf)
            return;
    }
}

/* ---- main ------------------------------------------------------------- */

static void usage(void)
{
    fprintf(
        stderr,
        "usage: llmload [options] http[s]://host:port/path\n"
        "  -c N      connections (closed loop) or most connections (open loop)  [1]\n"
        "  -r RPS    open loop at this rate\n"
        "  -R N      open at most N new connections per second                  [5000]\n"
        "  -t SEC    run this long, warm-up included                            [10]\n"
        "  -w SEC    forget what was measured in the first SEC\n"
        "  -n N      stop after N requests\n"
        "  -S        ask for streams (a stream without [DONE] is an error)\n"
        "  -P BYTES  prompt size                                                [1024]\n"
        "  -m MODEL  model name (mockllm reads its orders from it)              [mock]\n"
        "  -H 'A: b' extra request header (up to 16)\n"
        "  -K        no keep-alive: a connection per request\n"
        "  -A N      hang up after N events of each stream\n"
        "  -W PID    report CPU time and PSS of PID and its descendants (up to 8)\n"
        "  -j        one line of JSON\n");
    exit(2);
}

static void parse_url(const char *u)
{
    const char *p, *slash, *colon;
    size_t n;
    if (!strncmp(u, "https://", 8)) {
        opt.tls = 1;
        opt.port = 443;
        p = u + 8;
    }
    else if (!strncmp(u, "http://", 7))
        p = u + 7;
    else
        usage();
    slash = strchr(p, '/');
    if (slash)
        opt.path = slash;
    n = slash ? (size_t)(slash - p) : strlen(p);
    if (n >= sizeof opt.hostbuf)
        usage();
    memcpy(opt.hostbuf, p, n);
    opt.hostbuf[n] = 0;
    if ((colon = strchr(opt.hostbuf, ':'))) {
        opt.port = number(colon + 1);
        opt.hostbuf[colon - opt.hostbuf] = 0;
    }
    opt.host = opt.hostbuf;
}

static void build_request(void)
{
    size_t cap = opt.prompt + 8192, n, i;
    char *body = malloc(cap), *h;
    char headers[4096] = "";
    n = (size_t)snprintf(
        body, cap,
        "{\"model\":\"%s\",%s\"messages\":[{\"role\":\"system\",\"content\":"
        "\"You are a helpful assistant.\"},{\"role\":\"user\",\"content\":\"",
        opt.model,
        opt.stream
            ? "\"stream\":true,\"stream_options\":{\"include_usage\":true},"
            : "");
    for (i = 0; n < opt.prompt; i++)
        body[n++] =
            "lorem ipsum dolor sit amet, consectetur adipiscing elit \\n"[i
                                                                          % 58];
    if (body[n - 1] == '\\')
        body[n - 1] = ' ';
    n += (size_t)snprintf(body + n, cap - n,
                          "\"}],\"max_tokens\":256,\"temperature\":0.7}");
    for (i = 0; i < (size_t)opt.nextra; i++) {
        size_t used = strlen(headers);

        snprintf(headers + used, sizeof headers - used, "%s\r\n",
                 opt.extra[i]);
    }
    request = malloc(n + 8192);
    h = request
        + snprintf(
            request, 8192,
            "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n%s%s\r\n",
            opt.path, opt.host, opt.port, n,
            opt.no_keepalive ? "Connection: close\r\n" : "", headers);
    memcpy(h, body, n);
    request_len = (size_t)(h - request) + n;
    free(body);
}

static void line(const char *name, const struct hist *h)
{
    if (h->n)
        printf(
            "%-12s n=%-9llu p50=%.3f p90=%.3f p99=%.3f p99.9=%.3f max=%.3f mean=%.3f ms\n",
            name, (unsigned long long)h->n, (double)hist_q(h, .5) / 1e3,
            (double)hist_q(h, .9) / 1e3, (double)hist_q(h, .99) / 1e3,
            (double)hist_q(h, .999) / 1e3, (double)h->max / 1e3,
            (double)h->sum / (double)h->n / 1e3);
}

static void jhist(const char *name, const struct hist *h)
{
    printf(
        ",\"%s\":{\"n\":%llu,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"mean\":%.3f}",
        name, (unsigned long long)h->n, (double)hist_q(h, .5) / 1e3,
        (double)hist_q(h, .99) / 1e3, (double)h->max / 1e3,
        h->n ? (double)h->sum / (double)h->n / 1e3 : 0);
}

int main(int argc, char **argv)
{
    struct epoll_event evs[EVENTS];
    struct rlimit rl;
    uint64_t t0, tw, tend, next_due = 0, last_open;
    double open_credit = 0, elapsed;
    struct usage u0 = {0, 0, 0, 0}, u1;
    int o, i, warmed, peak_open = 0;
    char portbuf[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *ai;

    while ((o = getopt(argc, argv, "c:r:R:t:w:n:SP:m:H:KA:W:jh")) != -1) {
        switch (o) {
        case 'c':
            opt.conns = number(optarg);
            break;
        case 'r':
            opt.rate = atof(optarg);
            break;
        case 'R':
            opt.ramp = atof(optarg);
            break;
        case 't':
            opt.secs = atof(optarg);
            break;
        case 'w':
            opt.warm = atof(optarg);
            break;
        case 'n':
            opt.total = atol(optarg);
            break;
        case 'S':
            opt.stream = 1;
            break;
        case 'P':
            opt.prompt = strtoul(optarg, NULL, 10);
            break;
        case 'm':
            opt.model = optarg;
            break;
        case 'H':
            if (opt.nextra < 16)
                opt.extra[opt.nextra++] = optarg;
            break;
        case 'K':
            opt.no_keepalive = 1;
            break;
        case 'A':
            opt.abort_after = number(optarg);
            break;
        case 'W':
            if (opt.nwatch < WATCH_MAX)
                opt.watch[opt.nwatch++] = number(optarg);
            break;
        case 'j':
            opt.json = 1;
            break;
        default:
            usage();
        }
    }
    if (optind != argc - 1)
        usage();
    parse_url(argv[optind]);
    build_request();
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    snprintf(portbuf, sizeof portbuf, "%d", opt.port);
    if (getaddrinfo(opt.host, portbuf, &hints, &ai)) {
        fprintf(stderr, "llmload: bad host\n");
        return 1;
    }
    memcpy(&dst, ai->ai_addr, ai->ai_addrlen);
    dst_len = ai->ai_addrlen;
    if (opt.tls) {
        ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                                  | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                  | SSL_MODE_RELEASE_BUFFERS);
    }
    ep = epoll_create1(0);
    conns = calloc((size_t)opt.conns, sizeof *conns);
    idle = malloc(sizeof *idle * (size_t)opt.conns);
    for (i = opt.conns; i--;) {
        conns[i].fd = -1;
        idle[nidle++] = i;
    }

    t0 = last_open = now_ns();
    tw = t0 + (uint64_t)(opt.warm * 1e9);
    tend = t0 + (uint64_t)(opt.secs * 1e9);
    next_due = t0;
    warmed = opt.warm <= 0;
    if (warmed)
        u0 = watch_usage(0);

    for (;;) {
        uint64_t now = now_ns();
        int n, timeout = 100;
        if (!warmed && now >= tw) {
            warmed = 1;
            memset(&st, 0, sizeof st);
            peak_active = nactive;
            u0 = watch_usage(0);
            tw = now = now_ns();
        }
        if (now >= tend || (opt.total && finished >= opt.total))
            break;

        /* a token bucket for new connections */
        open_credit += (double)(now - last_open) / 1e9 * opt.ramp;
        if (open_credit > opt.ramp / 20 + 1)
            open_credit = opt.ramp / 20 + 1;
        last_open = now;
        while (nidle && (!opt.total || started < opt.total)) {
            struct conn *c = &conns[idle[nidle - 1]];
            if (opt.rate > 0 && next_due > now)
                break;
            if (c->fd < 0 && open_credit < 1)
                break;
            if (c->fd < 0)
                open_credit -= 1;
            nidle--;
            if (opt.rate > 0) {
                start_request(c, next_due);
                next_due += (uint64_t)(1e9 / opt.rate);
            }
            else
                start_request(c, now);
        }
        if (opt.rate > 0) {
            uint64_t d = next_due > now ? next_due - now : 0;
            if (!nidle && !d)
                st.late++;
            timeout = nidle ? (int)(d / 1000000) : 1;
            if (timeout > 100)
                timeout = 100;
        }
        else if (nidle && (!opt.total || started < opt.total))
            timeout = 1;
        n = epoll_wait(ep, evs, EVENTS, timeout);
        for (i = 0; i < n; i++)
            on_conn(evs[i].data.ptr);
        if (nopen > peak_open)
            peak_open = nopen;
    }
    elapsed = (double)(now_ns() - tw) / 1e9;
    u1 = watch_usage(1);

    if (opt.json) {
        printf(
            "{\"secs\":%.3f,\"ok\":%llu,\"rps\":%.1f,\"errors\":%llu,\"e4xx\":%llu,\"e5xx\":%llu,"
            "\"refused\":%llu,\"reset\":%llu,\"cut\":%llu,\"events\":%llu,\"events_s\":%.1f,"
            "\"peak_streams\":%d,\"open\":%d",
            elapsed, (unsigned long long)st.ok, (double)st.ok / elapsed,
            (unsigned long long)(st.s4xx + st.s5xx + st.refused + st.reset
                                 + st.cut),
            (unsigned long long)st.s4xx, (unsigned long long)st.s5xx,
            (unsigned long long)st.refused, (unsigned long long)st.reset,
            (unsigned long long)st.cut, (unsigned long long)st.events,
            (double)st.events / elapsed, peak_active, nopen);
        jhist("lat_ms", &st.lat);
        jhist("ttfb_ms", &st.ttfb);
        jhist("first_ms", &st.first);
        jhist("lag_ms", &st.lag);
        if (opt.nwatch)
            printf(
                ",\"cpu_s\":%.2f,\"cpu_cores\":%.3f,\"cpu_us_per_req\":%.2f,\"cpu_us_per_event\":%.2f,"
                "\"pss_kb\":%ld,\"rss_kb\":%ld,\"threads\":%ld",
                u1.cpu - u0.cpu, (u1.cpu - u0.cpu) / elapsed,
                st.ok ? (u1.cpu - u0.cpu) * 1e6 / (double)st.ok : 0,
                st.events ? (u1.cpu - u0.cpu) * 1e6 / (double)st.events : 0,
                u1.pss_kb, u1.rss_kb, u1.threads);
        printf("}\n");
        return 0;
    }
    printf(
        "%.2f s measured: %llu ok (%.1f/s), %llu events (%.1f/s), %.1f MB in\n",
        elapsed, (unsigned long long)st.ok, (double)st.ok / elapsed,
        (unsigned long long)st.events, (double)st.events / elapsed,
        (double)st.bytes / 1e6);
    printf(
        "errors: %llu 4xx, %llu 5xx, %llu refused, %llu reset, %llu cut short; %llu without text\n",
        (unsigned long long)st.s4xx, (unsigned long long)st.s5xx,
        (unsigned long long)st.refused, (unsigned long long)st.reset,
        (unsigned long long)st.cut, (unsigned long long)st.badbody);
    printf(
        "connections: %d open at the end, %d at the peak; answers in progress: %d at the end, %d at the peak\n",
        nopen, peak_open, nactive, peak_active);
    line("request", &st.lat);
    line("first byte", &st.ttfb);
    line("first text", &st.first);
    line("text lag", &st.lag);
    if (opt.nwatch)
        printf(
            "watched: %.2f s CPU (%.2f cores), %.1f us/request, %.2f us/event; PSS %.1f MB, RSS %.1f MB, %ld threads\n",
            u1.cpu - u0.cpu, (u1.cpu - u0.cpu) / elapsed,
            st.ok ? (u1.cpu - u0.cpu) * 1e6 / (double)st.ok : 0,
            st.events ? (u1.cpu - u0.cpu) * 1e6 / (double)st.events : 0,
            (double)u1.pss_kb / 1024, (double)u1.rss_kb / 1024, u1.threads);
    return 0;
}
