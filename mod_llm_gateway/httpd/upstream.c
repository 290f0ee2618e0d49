/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's connection over mod_proxy's connection API, as mod_proxy_fcgi
 * and mod_proxy_scgi use it: acquire, determine, check, connect, create; then
 * bytes through the connection's own filters, which do TLS where it is asked
 * for. Buckets for the upstream come from the upstream connection's
 * allocator, never from the client's.
 */
#include "httpd/upstream.h"

#include <apr_portable.h>
#include <string.h>

#include "httpd/proxy_api.h"

#define READ_SIZE 16384
/* In mod_proxy's log lines. */
#define SCHEME "LLM"

struct llmgw_upstream_t {
    request_rec *r;
    llm_attempt_t *attempt;
    proxy_worker *worker;
    proxy_conn_rec *be;
    apr_bucket_brigade *in;   /* read and not yet given out */
    apr_bucket_brigade *peek; /* for a look at what is below TLS */
    apr_bucket *given;        /* the one whose bytes the caller has */
    int reused;
};

static llm_problem_t *unreachable(llm_attempt_t *attempt, const char *detail)
{
    llm_problem_t *problem =
        llm_problem_make(LLM_PROBLEM_UNAVAILABLE, attempt->x->pool,
                         "the provider cannot be reached");

    problem->detail = detail;
    return problem;
}

static proxy_server_conf *proxy_conf(request_rec *r)
{
    return ap_get_module_config(r->server->module_config, llmgw_proxy.module);
}

/* Resolves the address and connects, unless the connection still stands. */
static const char *connect_backend(llmgw_upstream_t *upstream)
{
    request_rec *r = upstream->r;
    const llm_provider_t *provider = upstream->attempt->upstream.provider;
    const llmgw_provider_t *glue = provider->glue;
    proxy_conn_rec *be = upstream->be;
    apr_pool_t *pool = upstream->attempt->pool;
    apr_uri_t *uri = apr_palloc(pool, sizeof(*uri));
    char *url = apr_pstrcat(pool, glue->url, "/", NULL);
    char port[32];

    be->is_ssl = !strcmp(provider->scheme, "https");
    if (be->is_ssl) {
        llmgw_proxy.ap_proxy_ssl_connection_cleanup(be, r);
    }
    if (llmgw_proxy.ap_proxy_determine_connection(
            pool, r, proxy_conf(r), upstream->worker, be, uri, &url, NULL, 0,
            port, sizeof(port))
        != OK) {
        return "its address is not known";
    }
    /* the check says OK only for a connection that can be used as it is */
    upstream->reused = llmgw_proxy.ap_proxy_check_connection(
                           SCHEME, be, r->server, 1, PROXY_CHECK_CONN_EMPTY)
                       == APR_SUCCESS;
    if (!upstream->reused
        && llmgw_proxy.ap_proxy_connect_backend(SCHEME, be, upstream->worker,
                                                r->server)
               != OK) {
        return "no connection";
    }
    if (llmgw_proxy.ap_proxy_connection_create_ex(SCHEME, be, r) != OK) {
        return "no TLS connection";
    }
    return NULL;
}

llm_problem_t *llmgw_upstream_open(llmgw_upstream_t **pupstream, request_rec *r,
                                   llm_attempt_t *attempt)
{
    const llmgw_provider_t *glue = attempt->upstream.provider->glue;
    llmgw_upstream_t *upstream = apr_pcalloc(attempt->pool, sizeof(*upstream));
    const char *what;

    upstream->r = r;
    upstream->attempt = attempt;
    upstream->worker = glue->worker;
    if (llmgw_proxy.ap_proxy_acquire_connection(SCHEME, &upstream->be,
                                                upstream->worker, r->server)
        != OK) {
        return unreachable(attempt, "no free connection");
    }
    what = connect_backend(upstream);
    if (what) {
        llmgw_upstream_release(upstream, 0);
        return unreachable(attempt, what);
    }
    upstream->in = apr_brigade_create(attempt->pool,
                                      upstream->be->connection->bucket_alloc);
    upstream->peek = apr_brigade_create(attempt->pool,
                                        upstream->be->connection->bucket_alloc);
    *pupstream = upstream;
    return NULL;
}

int llmgw_upstream_is_reused(const llmgw_upstream_t *upstream)
{
    return upstream->reused;
}

int llmgw_upstream_fd(const llmgw_upstream_t *upstream)
{
    apr_os_sock_t fd = -1;

    apr_os_sock_get(&fd, upstream->be->sock);
    return fd;
}

static void add_bytes(apr_bucket_brigade *bb, const char *data, apr_size_t len)
{
    if (len) {
        APR_BRIGADE_INSERT_TAIL(
            bb, apr_bucket_transient_create(data, len, bb->bucket_alloc));
    }
}

apr_status_t llmgw_upstream_send(llmgw_upstream_t *upstream, const char *secret)
{
    llm_attempt_t *attempt = upstream->attempt;
    conn_rec *origin = upstream->be->connection;
    apr_bucket_brigade *bb =
        apr_brigade_create(attempt->pool, origin->bucket_alloc);
    llm_buf_t *head = llm_buf_make(0, attempt->pool);
    int status;

    llm_attempt_head(attempt, secret, head);
    add_bytes(bb, head->data, head->len);
    for (int i = 0; i < attempt->request.body_count; ++i) {
        add_bytes(bb, attempt->request.body[i].data,
                  attempt->request.body[i].len);
    }
    /* flushes, so the transient buckets are used up when it returns */
    status = llmgw_proxy.ap_proxy_pass_brigade(
        origin->bucket_alloc, upstream->r, upstream->be, origin, bb, 1);
    if (head->data) {
        explicit_bzero(head->data, head->len);
    }
    return status == OK ? APR_SUCCESS : APR_EGENERAL;
}

/* The next bytes of the brigade; the bucket stays until the next call. */
static apr_status_t give_out(llmgw_upstream_t *upstream, llm_bytes_t *pbytes)
{
    while (!APR_BRIGADE_EMPTY(upstream->in)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(upstream->in);
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            return APR_EOF;
        }
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            status = apr_bucket_read(bucket, &pbytes->data, &pbytes->len,
                                     APR_NONBLOCK_READ);
            if (status != APR_SUCCESS) {
                return status;
            }
            if (pbytes->len) {
                upstream->given = bucket;
                return APR_SUCCESS;
            }
        }
        apr_bucket_delete(bucket);
    }
    return APR_EAGAIN;
}

/*
 * Below TLS, are there bytes that poll(2) cannot see? The core's filter reads
 * from the socket what there is, and hands on what it is asked for. mod_ssl
 * says EAGAIN when a record held nothing for us (a session ticket), whatever
 * comes after it: to wait then would be to wait for something that is here.
 */
static int holds_raw_bytes(llmgw_upstream_t *upstream)
{
    ap_filter_t *core = upstream->be->connection->input_filters;
    apr_status_t status;
    int found;

    while (core->next) {
        core = core->next;
    }
    status = ap_get_brigade(core, upstream->peek, AP_MODE_SPECULATIVE,
                            APR_NONBLOCK_READ, 1);
    found = status == APR_SUCCESS && !APR_BRIGADE_EMPTY(upstream->peek);
    apr_brigade_cleanup(upstream->peek);
    return found;
}

apr_status_t llmgw_upstream_read(llmgw_upstream_t *upstream,
                                 llm_bytes_t *pbytes)
{
    apr_status_t status;

    if (upstream->given) {
        apr_bucket_delete(upstream->given);
        upstream->given = NULL;
    }
    status = give_out(upstream, pbytes);
    if (!APR_STATUS_IS_EAGAIN(status)) {
        return status;
    }
    do {
        status = ap_get_brigade(upstream->be->connection->input_filters,
                                upstream->in, AP_MODE_READBYTES,
                                APR_NONBLOCK_READ, READ_SIZE);
        if (status == APR_SUCCESS) {
            status = give_out(upstream, pbytes);
        }
    } while (APR_STATUS_IS_EAGAIN(status) && upstream->be->is_ssl
             && holds_raw_bytes(upstream));
    return APR_STATUS_IS_EAGAIN(status) ? APR_EAGAIN : status;
}

void llmgw_upstream_release(llmgw_upstream_t *upstream, int keep)
{
    if (upstream->in) {
        apr_brigade_destroy(upstream->in);
        apr_brigade_destroy(upstream->peek);
        upstream->in = NULL;
        upstream->given = NULL;
    }
    upstream->be->close = !keep;
    llmgw_proxy.ap_proxy_release_connection(SCHEME, upstream->be,
                                            upstream->r->server);
}
