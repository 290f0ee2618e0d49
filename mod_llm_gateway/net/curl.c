/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.h by libcurl: one multi handle, whose transfers run together.
 *
 * Certificates are checked against the system's authorities, or a file of the
 * site's. Redirections are not followed: what is sent is a secret, and meant
 * for one server. A proxy is taken from the environment, as curl does, for
 * https only: plain http goes to this machine and its metadata server.
 */
#include "net/net.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_uri.h>
#include <curl/curl.h>

#include "core/llm_buf.h"

#define CONNECT_PATIENCE_MS 5000L

typedef struct curl_net_t {
    llm_net_t net;
    CURLM *multi;
    apr_pool_t *pool;
} curl_net_t;

typedef struct transfer_t {
    apr_pool_t *pool; /* its own */
    CURL *easy;
    struct curl_slist *headers;
    llm_buf_t *body;
    llm_net_done_cb *done;
    void *baton;
} transfer_t;

/* ---- addresses --------------------------------------------------------- */

static int is_near(const char *host)
{
    static const char *const near[] = {
        "localhost", "::1", "metadata.google.internal", "169.254.169.254", NULL,
    };
    const char *const *name;

    for (name = near; *name; ++name) {
        if (!strcasecmp(*name, host)) {
            return 1;
        }
    }
    return !strncmp(host, "127.", 4)
           && strspn(host, "0123456789.") == strlen(host);
}

const char *llm_net_check_url(const char *url, apr_pool_t *pool)
{
    apr_uri_t uri;

    if (apr_uri_parse(pool, url, &uri) || !uri.scheme || !uri.hostname
        || !*uri.hostname) {
        return "expected an address such as https://login.example.com/token";
    }
    if (uri.user || uri.password) {
        return "an address must not hold a user name or a password";
    }
    if (!strcmp(uri.scheme, "https")) {
        return NULL;
    }
    return strcmp(uri.scheme, "http") || !is_near(uri.hostname)
               ? "expected https: a secret is sent there (http is for this "
                 "machine and a cloud's metadata server)"
               : NULL;
}

/* ---- transfers --------------------------------------------------------- */

static size_t take_body(char *data, size_t size, size_t count, void *baton)
{
    transfer_t *transfer = baton;
    size_t len = size * count;

    if (transfer->body->len + len > LLM_NET_ANSWER_MAX) {
        return 0; /* curl gives the transfer up */
    }
    llm_buf_append(transfer->body, data, len);
    return len;
}

static void finish(transfer_t *transfer, const llm_net_answer_t *answer)
{
    llm_net_done_cb *done = transfer->done;
    void *baton = transfer->baton;

    if (transfer->easy) {
        curl_easy_cleanup(transfer->easy);
    }
    curl_slist_free_all(transfer->headers);
    done(baton, answer);
    if (transfer->body->data) {
        explicit_bzero((char *)transfer->body->data, transfer->body->len);
    }
    apr_pool_destroy(transfer->pool);
}

static void add_headers(transfer_t *transfer, const char *lines)
{
    char *copy = apr_pstrdup(transfer->pool, lines ? lines : ""), *line, *end;

    for (line = copy; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) {
            *end++ = '\0';
        }
        transfer->headers = curl_slist_append(transfer->headers, line);
    }
    /* no "100 Continue" for a few bytes */
    transfer->headers = curl_slist_append(transfer->headers, "Expect:");
}

static void restrict_to_http(CURL *easy, int is_https)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, is_https ? "https" : "http");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                     is_https ? CURLPROTO_HTTPS : CURLPROTO_HTTP);
#endif
    if (!is_https) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
}

static void set_up(transfer_t *transfer, const llm_net_request_t *request)
{
    CURL *easy = transfer->easy;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_PATIENCE_MS);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                     (long)apr_time_as_msec(request->patience));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mod_llm_gateway/" LLMGW_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    restrict_to_http(easy, !strncmp(request->url, "https:", 6));
    add_headers(transfer, request->headers);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    if (request->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
    }
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE,
                         (long)strlen(request->body));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    }
}

static void start(llm_net_t *net, const llm_net_request_t *request,
                  llm_net_done_cb *done, void *baton)
{
    curl_net_t *self = (curl_net_t *)net;
    llm_net_answer_t none = {.what = "curl cannot begin a transfer"};
    transfer_t *transfer;
    apr_pool_t *pool;

    apr_pool_create(&pool, self->pool);
    transfer = apr_pcalloc(pool, sizeof(*transfer));
    transfer->pool = pool;
    transfer->body = llm_buf_make(LLM_NET_ANSWER_MAX, pool);
    transfer->done = done;
    transfer->baton = baton;
    transfer->easy = curl_easy_init();
    if (transfer->easy) {
        set_up(transfer, request);
    }
    if (!transfer->easy
        || curl_multi_add_handle(self->multi, transfer->easy) != CURLM_OK) {
        finish(transfer, &none);
    }
}

/* ---- waiting ----------------------------------------------------------- */

static void end_transfer(curl_net_t *self, CURL *easy, CURLcode code)
{
    llm_net_answer_t answer = {.status = 0};
    transfer_t *transfer = NULL;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(self->multi, easy);
    if (code == CURLE_WRITE_ERROR) {
        answer.what = "its answer is too long";
    }
    else if (code != CURLE_OK) {
        answer.what = curl_easy_strerror(code);
    }
    else {
        answer.status = (int)status;
        answer.body.data = transfer->body->data ? transfer->body->data : "";
        answer.body.len = transfer->body->len;
    }
    finish(transfer, &answer);
}

/* Returns how many ended. */
static int end_transfers(curl_net_t *self)
{
    CURLMsg *message;
    int left, count = 0;

    while ((message = curl_multi_info_read(self->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            end_transfer(self, message->easy_handle, message->data.result);
            ++count;
        }
    }
    return count;
}

static void wait_for(llm_net_t *net, int fd, apr_interval_time_t at_most)
{
    curl_net_t *self = (curl_net_t *)net;
    apr_time_t end = apr_time_now() + at_most;
    apr_interval_time_t left = at_most;
    struct curl_waitfd wake;
    int running;

    memset(&wake, 0, sizeof(wake));
    wake.fd = fd;
    wake.events = CURL_WAIT_POLLIN;
    do {
        curl_multi_perform(self->multi, &running);
        if (end_transfers(self)) {
            return;
        }
        if (curl_multi_poll(self->multi, fd < 0 ? NULL : &wake, fd < 0 ? 0 : 1,
                            (int)apr_time_as_msec(left) + 1, NULL)
                != CURLM_OK
            || wake.revents) {
            return;
        }
        left = end - apr_time_now();
    } while (running && left > 0);
}

static apr_status_t clean_up(void *baton)
{
    curl_net_t *self = baton;

    curl_multi_cleanup(self->multi);
    return APR_SUCCESS;
}

llm_net_t *llm_net_curl(apr_pool_t *pool)
{
    curl_net_t *self = apr_pcalloc(pool, sizeof(*self));

    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        return NULL;
    }
    self->pool = pool;
    self->multi = curl_multi_init();
    if (!self->multi) {
        return NULL;
    }
    self->net.start = start;
    self->net.wait = wait_for;
    apr_pool_cleanup_register(pool, self, clean_up, apr_pool_cleanup_null);
    return &self->net;
}
