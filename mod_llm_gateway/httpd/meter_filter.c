/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filter mode: what stock mod_proxy carries is metered, by httpd's hooks.
 *
 *   fixups          key, store, slot; where a body may name what somebody else
 *                   keeps, or a model that the key may not use, it is read here
 *   input filter    a copy of the body, as mod_proxy reads it
 *   proxy's fixups  the client's credentials off, the provider's secret on,
 *                   in the headers mod_proxy writes and nowhere else
 *   output filter   the answer is fed to the same engine that reads the
 *                   gateway's own upstreams; what it would send is dropped
 *   log_transaction the record
 *
 * Nothing is held back and nothing is changed on the way: no translation, no
 * failover, no usage asked for where the client did not. docs/filter-mode.md
 * tells what that means.
 */
#include "httpd/llmgw.h"

#include "core/llm_form.h"
#include "flow/tags.h"

#include <string.h>

#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <mod_proxy.h>

#define INPUT_FILTER  "LLM_METER_IN"
#define OUTPUT_FILTER "LLM_METER_OUT"
#define READ_SIZE     65536

typedef struct llmgw_meter_t {
    llm_buf_t *body;            /* the client's, up to LLMBodyLimit */
    apr_bucket_brigade *replay; /* a body that was read ahead, or NULL */
    llm_attempt_t *attempt;     /* NULL until the answer begins */
    int is_begun;               /* llm_flow_begin was called */
    int is_answered;            /* the provider's answer has ended */
    int is_broken;              /* mod_proxy says that it broke off */
} llmgw_meter_t;

static llmgw_request_t *metered(request_rec *r)
{
    llmgw_request_t *request = llmgw_request_of(r);

    return request && request->kind == LLMGW_METER ? request : NULL;
}

/* ---- where it goes ----------------------------------------------------- */

/* "https://api.openai.com/v1/...": what mod_proxy will call. */
static const char *proxied_url(request_rec *r)
{
    if (r->filename && !strncmp(r->filename, "proxy:", 6)) {
        return r->filename + 6;
    }
    /* SetHandler: what is appended is the path */
    return r->handler && !strncmp(r->handler, "proxy:", 6)
               ? apr_pstrcat(r->pool, r->handler + 6, r->uri, NULL)
               : "";
}

static int is_at(const char *url, const llm_provider_t *provider)
{
    const llmgw_provider_t *glue = provider->glue;
    apr_size_t len = strlen(glue->url);

    return !strncmp(url, glue->url, len)
           && (!url[len] || url[len] == '/' || url[len] == '?');
}

static const llm_provider_t *provider_at(request_rec *r, const char *url)
{
    const apr_array_header_t *all = llmgw_server_of(r->server)->providers;

    for (int i = 0; i < all->nelts; ++i) {
        const llm_provider_t *provider =
            APR_ARRAY_IDX(all, i, const llm_provider_t *);

        if (is_at(url, provider)) {
            return provider;
        }
    }
    return NULL;
}

/* A secret goes to its provider's address only; who says which balancer a
 * provider is behind is trusted. */
static llm_problem_t *find_provider(request_rec *r, llmgw_request_t *request)
{
    const char *url = proxied_url(r), *path;

    if (!request->native) {
        request->native = provider_at(r, url);
    }
    else if (strncmp(url, "balancer://", 11) && !is_at(url, request->native)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      LLM_LOGNO(0360) "LLMProviderFor %s: its secret is not "
                                      "sent to another address: %s",
                      request->native->name, url);
        return llmgw_problem_of_status(r, HTTP_INTERNAL_SERVER_ERROR);
    }
    if (!request->native) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      LLM_LOGNO(0361) "LLMMeter: no <LLMProvider> has this "
                                      "address: %s",
                      url);
        return llmgw_problem_of_status(r, HTTP_INTERNAL_SERVER_ERROR);
    }
    path = ap_strstr_c(url, "://");
    path = path ? ap_strchr_c(path + 3, '/') : NULL;
    request->native_rest = path ? path : "/";
    path = apr_pstrdup(r->pool, request->native_rest);
    if (ap_unescape_url_keep2f((char *)path, 1)) {
        return llmgw_problem_of_status(r, HTTP_BAD_REQUEST);
    }
    llmgw_kept_native(r, request, path);
    return NULL;
}

/* ---- a body that is read ahead ----------------------------------------- */

static llm_problem_t *read_brigade(request_rec *r, llmgw_meter_t *meter,
                                   apr_bucket_brigade *bb, int *pend)
{
    for (apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
         bucket != APR_BRIGADE_SENTINEL(bb); bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t len;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *pend = 1;
            return NULL;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        if (apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ)) {
            return llmgw_problem_of_status(r, HTTP_BAD_REQUEST);
        }
        llm_buf_append(meter->body, data, len);
    }
    return NULL;
}

static llm_problem_t *read_ahead(request_rec *r, llmgw_request_t *request)
{
    llmgw_meter_t *meter = request->meter;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);
    llm_problem_t *problem = NULL;
    int end = 0;

    while (!end && !problem) {
        apr_status_t status = ap_get_brigade(
            r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, READ_SIZE);

        problem = status ? llmgw_problem_of_status(
                      r, ap_map_http_request_error(status, HTTP_BAD_REQUEST))
                         : read_brigade(r, meter, bb, &end);
        apr_brigade_cleanup(bb);
        if (!problem && meter->body->overflow) {
            problem =
                llmgw_problem_too_large(r, request->dir->body_limit.value);
        }
    }
    if (problem) {
        return problem;
    }
    if (meter->body->len) {
        APR_BRIGADE_INSERT_TAIL(
            bb, apr_bucket_immortal_create(meter->body->data, meter->body->len,
                                           alloc));
    }
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    meter->replay = bb;
    return NULL;
}

/* ---- the engine -------------------------------------------------------- */

/* What was asked, once; by now as much of the body is there as ever will be
 * of use. */
static llm_problem_t *begin(llmgw_request_t *request)
{
    llmgw_meter_t *meter = request->meter;
    llm_exchange_t *x = request->x;

    if (meter->is_begun) {
        return x->problem;
    }
    meter->is_begun = 1;
    x->raw.data = meter->body->data ? meter->body->data : "";
    x->raw.len = meter->body->len;
    return llm_flow_begin(x);
}

static void put_header(llm_buf_t *out, const char *name, const char *value)
{
    if (value) {
        llm_buf_printf(out, "%s: %s\r\n", name, value);
    }
}

/* The provider's head as far as the engine has use for it: mod_proxy has
 * taken the message apart already. */
static void feed_head(request_rec *r, llmgw_meter_t *meter, apr_time_t now)
{
    llm_buf_t *head = llm_buf_make(0, r->pool);
    const char *type = r->content_type
                           ? r->content_type
                           : apr_table_get(r->headers_out, "Content-Type");

    llm_buf_printf(head, "HTTP/1.1 %d \r\n", r->status);
    put_header(head, "Content-Type", type);
    put_header(head, "Content-Encoding",
               apr_table_get(r->headers_out, "Content-Encoding"));
    put_header(head, "Retry-After",
               apr_table_get(r->headers_out, "Retry-After"));
    llm_buf_lit(head, "\r\n");
    llm_attempt_feed(meter->attempt, head->data, head->len, now);
}

static void begin_answer(request_rec *r, llmgw_request_t *request,
                         apr_time_t now)
{
    llmgw_meter_t *meter = request->meter;

    if (begin(request)) {
        return;
    }
    meter->attempt = llm_flow_next(request->x, now);
    if (meter->attempt) {
        llm_attempt_sent(meter->attempt, now);
        feed_head(r, meter, now);
    }
}

static void feed(llmgw_request_t *request, const char *data, apr_size_t len,
                 apr_time_t now)
{
    llm_exchange_t *x = request->x;

    x->bytes_out += len;
    if (request->meter->attempt) {
        llm_attempt_feed(request->meter->attempt, data, len, now);
        /* the client gets mod_proxy's bytes */
        llm_buf_clear(x->out);
    }
}

/* The answer has ended, or never will. */
static void end_answer(request_rec *r, llmgw_request_t *request)
{
    llmgw_meter_t *meter = request->meter;
    llm_exchange_t *x = request->x;
    apr_time_t now = apr_time_now();
    llm_problem_t *problem;

    if (!meter->attempt && !request->problem && !begin(request)) {
        meter->attempt = llm_flow_next(x, now);
    }
    if (!meter->attempt) {
        return; /* it was refused */
    }
    if (meter->is_answered && !meter->is_broken) {
        llm_attempt_close(meter->attempt, now);
        llmgw_kept_note(r, request);
        return;
    }
    /* no answer came: was the provider at work all the same? */
    x->client_gone = r->connection->aborted != 0;
    if (x->client_gone || r->status == HTTP_GATEWAY_TIME_OUT) {
        x->sent = 1;
    }
    problem = x->client_gone ? llm_problem_make(LLM_PROBLEM_CLIENT_GONE,
                                                r->pool, "the client left")
              : r->status >= 400
                  ? llmgw_problem_of_status(r, r->status)
                  : llm_problem_make(LLM_PROBLEM_UPSTREAM, r->pool,
                                     "the provider's answer broke off");
    llm_attempt_fail(meter->attempt, problem, now);
}

/* ---- admission --------------------------------------------------------- */

static int refuse(llmgw_request_t *request, llm_problem_t *problem)
{
    request->problem = problem;
    return problem->status;
}

/* Before mod_proxy makes the address of it: a key in the query goes no
 * further. */
static int strip_query(request_rec *r)
{
    if (r->args && metered(r)) {
        r->args = (char *)llmgw_query_without_keys(r->args, r->pool);
    }
    return DECLINED;
}

/* Has the body to be looked at before any of it goes on: for the model's name,
 * or for ids of what a provider keeps? */
static int is_read_ahead(request_rec *r, const llmgw_request_t *request)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");

    return *request->key.models
           || (r->method_number == M_POST && llmgw_kept_guards(request->native)
               && !llm_form_is(type));
}

static llm_problem_t *admit(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem = llmgw_auth_check(r, request);
    llmgw_meter_t *meter;

    if (!problem) {
        problem = find_provider(r, request);
    }
    if (!problem) {
        problem = llmgw_shared_check(r);
    }
    if (problem) {
        return problem;
    }
    meter = apr_pcalloc(r->pool, sizeof(*meter));
    meter->body = llm_buf_make(request->dir->body_limit.value, r->pool);
    request->meter = meter;
    llmgw_exchange_make(r, request);
    problem = llmgw_account_open(r, request);
    if (!problem) {
        problem = llm_tags_from_header(request->x);
    }
    if (!problem) {
        problem = llmgw_kept_check_path(r, request);
    }
    if (!problem && is_read_ahead(r, request)) {
        problem = read_ahead(r, request);
        problem = problem ? problem : begin(request);
        problem = problem ? problem : llmgw_kept_check_body(r, request);
    }
    return problem;
}

static int fixups(request_rec *r)
{
    llmgw_request_t *request = metered(r);
    llm_problem_t *problem;

    if (!request || request->meter) {
        return DECLINED;
    }
    problem = admit(r, request);
    return problem ? refuse(request, problem) : DECLINED;
}

/* ---- mod_proxy's headers ----------------------------------------------- */

static int set_header(void *headers, const char *name, const char *value)
{
    apr_table_setn(headers, name, value);
    return 1;
}

/* r->headers_in is mod_proxy's copy while it composes a request; the
 * request's own table is put back before anybody else sees it. */
static int proxy_fixups(request_rec *r)
{
    llmgw_request_t *request = metered(r);
    const llm_provider_t *provider = request ? request->native : NULL;
    const llmgw_provider_t *glue;
    const char *name, *prefix = "";

    if (!provider || !request->meter) {
        return DECLINED;
    }
    glue = provider->glue;
    llmgw_auth_strip(r->headers_in);
    apr_table_unset(r->headers_in, "Cookie");
    apr_table_unset(r->headers_in, LLM_TAGS_HEADER);
    /* what is compressed cannot be counted */
    apr_table_setn(r->headers_in, "Accept-Encoding", "identity");
    if (provider->dialect->add_headers) {
        provider->dialect->add_headers(r->headers_in, provider);
    }
    if (provider->headers) {
        apr_table_do(set_header, r->headers_in, provider->headers, NULL);
    }
    if (glue->secret.value) {
        name = provider->dialect->secret_header(&prefix);
        apr_table_setn(r->headers_in, name,
                       apr_pstrcat(r->pool, prefix, glue->secret.value, NULL));
    }
    return OK;
}

/* ---- the filters ------------------------------------------------------- */

static void copy_body(llmgw_meter_t *meter, apr_bucket_brigade *bb)
{
    for (apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
         bucket != APR_BRIGADE_SENTINEL(bb); bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t len;

        if (!APR_BUCKET_IS_METADATA(bucket)
            && apr_bucket_read(bucket, &data, &len, APR_NONBLOCK_READ)
                   == APR_SUCCESS) {
            llm_buf_append(meter->body, data, len);
        }
    }
}

static apr_status_t replay_body(llmgw_meter_t *meter, apr_bucket_brigade *bb,
                                apr_off_t size)
{
    apr_bucket *after;
    apr_status_t status;

    if (APR_BRIGADE_EMPTY(meter->replay)) {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(bb->bucket_alloc));
        return APR_SUCCESS;
    }
    status = apr_brigade_partition(meter->replay, size, &after);
    if (status && status != APR_INCOMPLETE) {
        return status;
    }
    while (APR_BRIGADE_FIRST(meter->replay) != after) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(meter->replay);

        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(bb, bucket);
    }
    return APR_SUCCESS;
}

static apr_status_t input_filter(ap_filter_t *f, apr_bucket_brigade *bb,
                                 ap_input_mode_t mode, apr_read_type_e block,
                                 apr_off_t size)
{
    llmgw_meter_t *meter = f->ctx;
    apr_status_t status;

    if (meter->replay && mode == AP_MODE_READBYTES) {
        return replay_body(meter, bb, size);
    }
    status = ap_get_brigade(f->next, bb, mode, block, size);
    if (!status && mode == AP_MODE_READBYTES) {
        copy_body(meter, bb);
    }
    return status;
}

static void read_answer(llmgw_request_t *request, apr_bucket_brigade *bb)
{
    llmgw_meter_t *meter = request->meter;
    apr_time_t now = apr_time_now();

    for (apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
         bucket != APR_BRIGADE_SENTINEL(bb); bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t len;

        if (AP_BUCKET_IS_ERROR(bucket)) {
            meter->is_broken = 1;
        }
        else if (APR_BUCKET_IS_EOS(bucket)) {
            meter->is_answered = 1;
        }
        else if (!APR_BUCKET_IS_METADATA(bucket)
                 && apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ)
                        == APR_SUCCESS) {
            feed(request, data, len, now);
        }
    }
    llmgw_account_update(request, now);
}

/* The provider's own id is what its support asks for. */
static void set_headers(request_rec *r, llmgw_request_t *request)
{
    const char *id = apr_table_get(r->headers_out, "x-request-id");

    apr_table_setn(r->headers_out, "x-llm-provider", request->native->name);
    if (id) {
        apr_table_setn(r->headers_out, "x-llm-upstream-request-id", id);
    }
    apr_table_setn(r->headers_out, "x-request-id",
                   llmgw_request_id(r, request));
}

/* What is read is passed on at once. */
static apr_status_t output_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    llmgw_request_t *request = f->ctx;

    if (!request->meter->attempt && !request->head_sent) {
        request->head_sent = 1;
        set_headers(r, request);
        begin_answer(r, request, apr_time_now());
    }
    read_answer(request, bb);
    if (request->meter->attempt) {
        llmgw_kept_note(r, request);
    }
    return ap_pass_brigade(f->next, bb);
}

static void insert_filters(request_rec *r)
{
    llmgw_request_t *request = metered(r);

    if (request && request->meter) {
        ap_add_input_filter(INPUT_FILTER, request->meter, r, r->connection);
        ap_add_output_filter(OUTPUT_FILTER, request, r, r->connection);
    }
}

/* ---- the end ----------------------------------------------------------- */

static int log_transaction(request_rec *r)
{
    llmgw_request_t *request = metered(r);

    if (request && request->meter && request->x && !request->settled) {
        end_answer(r, request);
        llmgw_account_settle(r, request);
    }
    return DECLINED;
}

static int pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    APR_OPTIONAL_HOOK(proxy, fixups, proxy_fixups, NULL, NULL, APR_HOOK_LAST);
    return OK;
}

void llmgw_meter_hooks(apr_pool_t *p)
{
    (void)p;
    ap_register_input_filter(INPUT_FILTER, input_filter, NULL,
                             AP_FTYPE_RESOURCE);
    ap_register_output_filter(OUTPUT_FILTER, output_filter, NULL,
                              AP_FTYPE_RESOURCE);
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_fixups(strip_query, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(fixups, NULL, NULL, APR_HOOK_LAST);
    ap_hook_insert_filter(insert_filters, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_log_transaction(log_transaction, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
