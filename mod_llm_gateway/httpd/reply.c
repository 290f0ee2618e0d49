/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are the gateway's own: problems in the caller's dialect, the
 * head of an exchange's reply, and httpd's errors made into the caller's
 * dialect by a filter that puts another body in the place of httpd's HTML.
 */
#include "httpd/llmgw.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define JSON_TYPE    "application/json"
#define ERROR_FILTER "LLM_ERROR"

/* ---- problems ---------------------------------------------------------- */

static const struct wording_t {
    int status;
    const char *message;
} wordings[] = {
    {HTTP_BAD_REQUEST, "the request is malformed"},
    {HTTP_UNAUTHORIZED, "the API key is missing or not valid"},
    {HTTP_FORBIDDEN, "access is denied here"},
    {HTTP_NOT_FOUND, "there is nothing at this address"},
    {HTTP_METHOD_NOT_ALLOWED, "this method is not allowed here"},
    {HTTP_REQUEST_TIME_OUT, "the request did not arrive in time"},
    {HTTP_REQUEST_ENTITY_TOO_LARGE, "the request body is too large"},
    {HTTP_REQUEST_URI_TOO_LARGE, "the address is too long"},
    {HTTP_INTERNAL_SERVER_ERROR, "the gateway failed"},
    {HTTP_BAD_GATEWAY, "the provider cannot be reached or answered nonsense"},
    {HTTP_SERVICE_UNAVAILABLE, "the gateway cannot serve this now"},
    {HTTP_GATEWAY_TIME_OUT, "the provider did not answer in time"},
};

llm_problem_t *llmgw_problem_of_status(request_rec *r, int status)
{
    /* "418 I'm a teapot": the words */
    const char *message = ap_get_status_line_ex(r->pool, status) + 4;
    llm_problem_t *problem;

    for (apr_size_t i = 0; i < sizeof(wordings) / sizeof(*wordings); ++i) {
        if (wordings[i].status == status) {
            message = wordings[i].message;
        }
    }
    problem =
        llm_problem_make(llm_problem_kind_of(status), r->pool, "%s", message);
    problem->status = status;
    return problem;
}

llm_problem_t *llmgw_problem_too_large(request_rec *r, apr_size_t limit)
{
    return llm_problem_make(
        LLM_PROBLEM_TOO_LARGE, r->pool,
        "the request body is larger than %" APR_SIZE_T_FMT " bytes", limit);
}

/* Those of the client's dialect; problem is NULL for a good answer. */
static void add_clients_headers(request_rec *r, llmgw_request_t *request,
                                const llm_problem_t *problem)
{
    if (request->client && request->client->add_reply_headers) {
        request->client->add_reply_headers(r->headers_out, problem,
                                           llmgw_request_id(r, request));
    }
}

/* Headers that go with a problem; true for httpd's errors too. */
static void set_problem_headers(request_rec *r, llmgw_request_t *request,
                                const llm_problem_t *problem)
{
    apr_table_setn(r->headers_out, "x-request-id",
                   llmgw_request_id(r, request));
    add_clients_headers(r, request, problem);
    if (problem->retry_after >= 0) {
        apr_table_setn(r->headers_out, "Retry-After",
                       apr_itoa(r->pool, problem->retry_after));
    }
}

static llm_buf_t *problem_body(request_rec *r, llmgw_request_t *request,
                               const llm_problem_t *problem)
{
    llm_buf_t *out = llm_buf_make(0, r->pool);

    request->client->write_problem(out, problem, llmgw_request_id(r, request));
    return out;
}

static void log_problem(request_rec *r, const llm_problem_t *problem)
{
    ap_log_rerror(
        APLOG_MARK, problem->status >= 500 ? APLOG_WARNING : APLOG_INFO, 0, r,
        LLM_LOGNO(0320) "refused: %d %s: %s%s%s", problem->status,
        llm_problem_name(problem->kind), problem->message,
        problem->detail ? ": " : "", problem->detail ? problem->detail : "");
}

/* 529 is a provider's invention, which httpd has no words for. */
static void set_status(request_rec *r, int status)
{
    r->status = status;
    r->status_line = status == llm_problem_status(LLM_PROBLEM_OVERLOADED)
                         ? "529 Overloaded"
                         : NULL;
}

int llmgw_reply_json(request_rec *r, llmgw_request_t *request, int status,
                     const char *data, apr_size_t len)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);

    set_status(r, status);
    ap_set_content_type(r, JSON_TYPE);
    ap_set_content_length(r, (apr_off_t)len);
    apr_table_setn(r->headers_out, "x-request-id",
                   llmgw_request_id(r, request));
    APR_BRIGADE_INSERT_TAIL(bb,
                            apr_bucket_pool_create(data, len, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    /* a client that has left is noticed by whoever logs the request */
    (void)ap_pass_brigade(r->output_filters, bb);
    return OK;
}

int llmgw_reply_problem(request_rec *r, llmgw_request_t *request,
                        const llm_problem_t *problem)
{
    llm_buf_t *body = problem_body(r, request, problem);

    /* a key's reason was logged by auth.c, another perhaps by ledger.c */
    if (problem != request->key_problem && problem != request->told) {
        log_problem(r, problem);
    }
    set_problem_headers(r, request, problem);
    if (problem->status == HTTP_UNAUTHORIZED) {
        llmgw_auth_challenge(r);
    }
    if (problem->status == HTTP_METHOD_NOT_ALLOWED && request->allow) {
        apr_table_setn(r->headers_out, "Allow", request->allow);
    }
    return llmgw_reply_json(r, request, problem->status, body->data, body->len);
}

/* ---- the head of an exchange's reply ----------------------------------- */

/* A provider's words as a header's value. httpd gives up an answer with a
 * control character in its head, after it was paid for; a space does as well
 * (RFC 9110, 5.5). */
static const char *header_value(const char *value, apr_pool_t *pool)
{
    char *clean = NULL;

    for (apr_size_t i = 0; value[i]; ++i) {
        if (apr_iscntrl(value[i]) && value[i] != '\t') {
            clean = clean ? clean : apr_pstrdup(pool, value);
            clean[i] = ' ';
        }
    }
    return clean ? clean : value;
}

static int set_header(void *baton, const char *name, const char *value)
{
    request_rec *r = baton;

    apr_table_addn(r->headers_out, name, header_value(value, r->pool));
    return 1;
}

static const char *dropped_of(const llm_attempt_t *attempt, apr_pool_t *pool)
{
    const apr_array_header_t *dropped = attempt->request.dropped;

    return dropped && dropped->nelts ? apr_array_pstrcat(pool, dropped, ',')
                                     : NULL;
}

/* A streamed answer's cost is known only behind its end. */
static const char *cost_of(llm_exchange_t *x, apr_pool_t *pool)
{
    llm_record_t record;

    if (!x->reply.whole || x->problem) {
        return NULL;
    }
    llm_flow_record(x, &record, apr_time_now());
    if (record.cost == LLM_MONEY_UNKNOWN
        || (record.flags & (LLM_RECORD_ESTIMATED | LLM_RECORD_UNPRICED))) {
        return NULL;
    }
    llm_flow_tell_cost(x, &record);
    return llm_money_print(record.cost, pool);
}

static void set_unless_null(request_rec *r, const char *name, const char *value)
{
    if (value) {
        apr_table_setn(r->headers_out, name, header_value(value, r->pool));
    }
}

static int is_stream(const char *content_type)
{
    return content_type && !strncmp(content_type, "text/event-stream", 17);
}

static void set_llm_headers(request_rec *r, llm_exchange_t *x)
{
    const llm_attempt_t *attempt = x->current;
    apr_table_t *headers = r->headers_out;

    apr_table_setn(headers, "x-llm-attempts",
                   apr_itoa(r->pool, x->attempts->nelts));
    if (!attempt) {
        return;
    }
    apr_table_setn(headers, "x-llm-provider", attempt->upstream.provider->name);
    set_unless_null(r, "x-llm-model",
                    x->served ? x->served : attempt->upstream.model);
    set_unless_null(r, "x-llm-dropped", dropped_of(attempt, r->pool));
    set_unless_null(r, "x-llm-cost", cost_of(x, r->pool));
}

void llmgw_reply_head(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x = request->x;

    set_status(r, x->reply.status);
    if (x->reply.content_type) {
        ap_set_content_type(r, header_value(x->reply.content_type, r->pool));
    }
    apr_table_do(set_header, r, x->reply.headers, NULL);
    if (x->problem) {
        set_problem_headers(r, request, x->problem);
    }
    else {
        add_clients_headers(r, request, NULL);
    }
    if (x->reply.status == HTTP_UNAUTHORIZED) {
        llmgw_auth_challenge(r);
    }
    apr_table_setn(r->headers_out, "x-request-id", x->request_id);
    if (is_stream(x->reply.content_type)
        && !apr_table_get(r->headers_out, "Cache-Control")) {
        apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    }
    set_llm_headers(r, x);
}

/* ---- httpd's own errors ------------------------------------------------ */

/* The request of ours that went wrong: this one, or the one an ErrorDocument
 * was looked up for. */
static llmgw_request_t *failed_request(request_rec *r)
{
    for (; r; r = r->prev) {
        llmgw_request_t *request = llmgw_request_of(r);

        if (!request && !r->filename) {
            request = llmgw_request_kept(r);
        }
        if (request && request->client) {
            return request;
        }
    }
    return NULL;
}

/* What described the body that is replaced. */
static void forget_body(request_rec *r)
{
    static const char *const names[] = {"Content-Length",   "Content-Encoding",
                                        "Content-Language", "ETag",
                                        "Last-Modified",    "Accept-Ranges"};

    for (apr_size_t i = 0; i < sizeof(names) / sizeof(*names); ++i) {
        apr_table_unset(r->headers_out, names[i]);
    }
    r->content_encoding = NULL;
    r->content_languages = NULL;
}

static void drop_data(apr_bucket_brigade *bb)
{
    apr_bucket *next;

    for (apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
         bucket != APR_BRIGADE_SENTINEL(bb); bucket = next) {
        next = APR_BUCKET_NEXT(bucket);
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            apr_bucket_delete(bucket);
        }
    }
}

/* Require answers 401 to a good key it does not let in. */
static const llm_problem_t *problem_of_httpd(request_rec *r,
                                             const llmgw_request_t *request)
{
    llm_problem_t *problem = llmgw_problem_of_status(r, r->status);

    if (r->status == HTTP_UNAUTHORIZED && request->key.id) {
        problem->message = "this API key may not be used here";
    }
    return problem;
}

static void insert_problem(request_rec *r, llmgw_request_t *request,
                           apr_bucket_brigade *bb)
{
    const llm_problem_t *problem = request->problem;
    llm_buf_t *body;

    if (!problem || problem->status != r->status) {
        problem = problem_of_httpd(r, request);
    }
    body = problem_body(r, request, problem);
    forget_body(r);
    set_problem_headers(r, request, problem);
    ap_set_content_type(r, JSON_TYPE);
    ap_set_content_length(r, (apr_off_t)body->len);
    APR_BRIGADE_INSERT_HEAD(bb,
                            apr_bucket_pool_create(body->data, body->len,
                                                   r->pool, bb->bucket_alloc));
}

static apr_status_t error_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    llmgw_request_t *request = failed_request(r);

    if (r->status < 400 || !request) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    drop_data(bb);
    if (!f->ctx) {
        f->ctx = request;
        insert_problem(r, request, bb);
    }
    return APR_BRIGADE_EMPTY(bb) ? APR_SUCCESS : ap_pass_brigade(f->next, bb);
}

static void insert_error_filter(request_rec *r)
{
    if (r->status >= 400 && failed_request(r)) {
        ap_add_output_filter(ERROR_FILTER, NULL, r, r->connection);
    }
}

/* An ErrorDocument that is a page: its words for the people, ours for the
 * programs, which is who calls here. */
static void insert_filter(request_rec *r)
{
    if (r->prev && r->status >= 400 && !llmgw_request_of(r)) {
        insert_error_filter(r);
    }
}

void llmgw_reply_hooks(apr_pool_t *p)
{
    (void)p;
    ap_register_output_filter(ERROR_FILTER, error_filter, NULL,
                              (ap_filter_type)(AP_FTYPE_CONTENT_SET - 1));
    ap_hook_insert_error_filter(insert_error_filter, NULL, NULL,
                                APR_HOOK_MIDDLE);
    ap_hook_insert_filter(insert_filter, NULL, NULL, APR_HOOK_LAST);
}
