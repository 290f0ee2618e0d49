/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content handler: authenticate, read the body, run the flow, answer.
 * Nothing is decided here; flow/ decides, this file carries it out.
 */
#include <apr_strings.h>
#include <string.h>

#include "httpd/llmgw.h"

#define READ_SIZE 65536
/* What a client may claim to send before memory is taken for it. */
#define EXPECT_MAX 1048576

/* ---- the body --------------------------------------------------------- */

/* Moves what the brigade holds to the end of body; 1 at the end. */
static apr_status_t take_brigade(apr_bucket_brigade *bb, llm_buf_t *body,
                                 int *pend)
{
    while (!APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
        const char *data;
        apr_size_t len;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *pend = 1;
            break;
        }
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            status = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
            if (status != APR_SUCCESS) {
                return status;
            }
            llm_buf_append(body, data, len);
        }
        apr_bucket_delete(bucket);
    }
    apr_brigade_cleanup(bb);
    return APR_SUCCESS;
}

/* Bodies of a usual size are read without growing the buffer on the way. */
static void expect_body(request_rec *r, llm_buf_t *body)
{
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t n;

    if (length && ap_parse_strict_length(&n, length) && n > 0
        && n <= EXPECT_MAX) {
        llm_buf_expect(body, (apr_size_t)n);
    }
}

int llmgw_read_body(request_rec *r, apr_size_t limit, llm_bytes_t *pbody,
                    llm_problem_t **pproblem)
{
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    llm_buf_t *body = llm_buf_make(limit, r->pool);
    int end = 0;

    expect_body(r, body);
    while (!end) {
        apr_status_t status = ap_get_brigade(
            r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ, READ_SIZE);

        if (status == APR_SUCCESS) {
            status = take_brigade(bb, body, &end);
        }
        if (status != APR_SUCCESS) {
            return ap_map_http_request_error(status, HTTP_BAD_REQUEST);
        }
        if (body->overflow) {
            *pproblem = llmgw_problem_too_large(r, limit);
            return OK;
        }
    }
    pbody->data = body->data ? body->data : "";
    pbody->len = body->len;
    return OK;
}

static llm_problem_t *check_body_headers(request_rec *r, apr_size_t limit)
{
    const char *encoding = apr_table_get(r->headers_in, "Content-Encoding");
    const char *length = apr_table_get(r->headers_in, "Content-Length");
    apr_off_t n;

    if (encoding && strcasecmp(encoding, "identity")) {
        return llm_problem_make(LLM_PROBLEM_MEDIA_TYPE, r->pool,
                                "Content-Encoding '%s' is not supported",
                                encoding);
    }
    if (length && ap_parse_strict_length(&n, length)
        && (apr_uint64_t)n > limit) {
        return llmgw_problem_too_large(r, limit);
    }
    return NULL;
}

/* ---- the exchange ----------------------------------------------------- */

static const llm_policy_t *policy_of(request_rec *r)
{
    const llmgw_server_t *server = llmgw_server_of(r->server);
    const llmgw_dir_t *dir = llmgw_dir_of(r);
    llm_policy_t *policy = apr_pcalloc(r->pool, sizeof(*policy));

    policy->models = server->models;
    policy->prices.layer[LLM_PRICES_FILE] = server->price_list;
    policy->lend_prices = llmgw_prices_lend;
    policy->return_prices = llmgw_prices_return;
    policy->unknown_price = dir->unknown_price.value;
    policy->unsupported = dir->unsupported.value;
    policy->vocabulary = server->vocabularies;
    policy->answer_limit = dir->answer_limit.value;
    policy->retries = dir->retries.value;
    policy->on_abort = dir->on_abort.value;
    return policy;
}

llm_exchange_t *llmgw_exchange_make(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x =
        llm_exchange_make(policy_of(r), r->request_time, r->pool);

    x->request_id = llmgw_request_id(r, request);
    memcpy(x->id, request->id, sizeof(x->id));
    memcpy(&x->dice, x->id, sizeof(x->dice));
    x->client = request->client;
    x->op = request->kind == LLMGW_CALL ? request->op : LLM_OP_NATIVE;
    x->key_id = request->key.id;
    x->key_models = request->key.models;
    x->key_team = request->key.team;
    x->key_on_abort = request->key.on_abort;
    x->headers_in = r->headers_in;
    x->line = request->line;
    x->query = llmgw_query_without_keys(r->args, r->pool);
    if (request->native) {
        x->native = request->native;
        x->native_method = r->method;
        x->native_rest = request->native_rest;
    }
    if (request->kind == LLMGW_METER) {
        /* mod_proxy hangs up, whatever is wanted */
        x->key_on_abort.what = LLM_ON_ABORT_ABORT;
    }
    request->x = x;
    llmgw_kept_begin(r, request);
    return x;
}

/* One upstream after the other, until one answers. */
static void attempt_all(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x = request->x;
    llm_attempt_t *attempt;

    while (!x->client_gone && (attempt = llm_flow_next(x, apr_time_now()))) {
        llmgw_drive(r, request, attempt);
    }
}

static int run_exchange(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x = request->x;

    if (!llm_flow_begin(x)) {
        x->problem = llmgw_kept_check(r, request);
        if (!x->problem) {
            attempt_all(r, request);
        }
    }
    llmgw_kept_bill(r, request);
    if (x->client_gone && !request->head_sent) {
        /* nobody is there to read an answer; the access log says 499 */
        r->status = 499;
        r->connection->keepalive = AP_CONN_CLOSE;
        return OK;
    }
    if (!x->reply.ready) {
        llm_flow_reply_problem(x);
    }
    llmgw_kept_answer(r, request);
    llmgw_deliver(r, request, 1);
    return OK;
}

static llm_problem_t *check_request(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem = llmgw_endpoint_problem(r, request);

    return problem ? problem : llmgw_shared_check(r);
}

/* The answer to a request that was admitted and cannot be read. */
static int refuse(request_rec *r, llmgw_request_t *request,
                  llm_problem_t *problem)
{
    request->x->problem = problem;
    llm_flow_reply_problem(request->x);
    llmgw_deliver(r, request, 1);
    return OK;
}

/* A chat, embeddings, or a provider's own API. */
static int serve(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem = llmgw_auth_check(r, request);
    apr_size_t limit = llmgw_dir_of(r)->body_limit.value;
    llm_bytes_t body = {"", 0};
    int status;

    if (!problem) {
        problem = check_request(r, request);
    }
    if (!problem) {
        llmgw_exchange_make(r, request);
        problem = llmgw_account_open(r, request);
    }
    if (problem) {
        return llmgw_reply_problem(r, request, problem);
    }
    problem = check_body_headers(r, limit);
    if (problem) {
        return refuse(r, request, problem);
    }
    status = llmgw_read_body(r, limit, &body, &problem);
    if (status != OK) {
        return status;
    }
    if (problem) {
        return refuse(r, request, problem);
    }
    request->x->raw = body;
    return run_exchange(r, request);
}

static int handler(request_rec *r)
{
    llmgw_request_t *request = llmgw_request_of(r);

    switch (request ? request->kind : LLMGW_NONE) {
    case LLMGW_NONE:
    case LLMGW_METER:
        return DECLINED;
    case LLMGW_HEALTH:
        return llmgw_status_health(r, request);
    case LLMGW_MODELS:
        return llmgw_status_models(r, request);
    default:
        return serve(r, request);
    }
}

void llmgw_handler_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
}
