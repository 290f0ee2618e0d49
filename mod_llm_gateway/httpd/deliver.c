/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to the client: the reply's head, once, and the bytes the engine
 * has put out since the last time, flushed. The write blocks while a slow
 * client is behind, and with it the reading from the provider.
 */
#include "httpd/llmgw.h"

static void send_head(request_rec *r, llmgw_request_t *request, int last)
{
    llm_exchange_t *x = request->x;

    llmgw_reply_head(r, request);
    if (last && !x->broken) {
        ap_set_content_length(r, (apr_off_t)x->out->len);
    }
    request->bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    request->head_sent = 1;
}

static void add_end(request_rec *r, llmgw_request_t *request)
{
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;

    if (request->x->broken) {
        /* no last chunk is written: the client sees that it is not whole */
        APR_BRIGADE_INSERT_TAIL(
            request->bb,
            ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, r->pool, alloc));
    }
    APR_BRIGADE_INSERT_TAIL(request->bb, apr_bucket_eos_create(alloc));
}

void llmgw_deliver(request_rec *r, llmgw_request_t *request, int last)
{
    llm_exchange_t *x = request->x;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;
    apr_status_t status;

    if (x->client_gone) {
        llm_buf_clear(x->out);
        return;
    }
    llmgw_kept_note(r, request);
    if (!request->head_sent) {
        send_head(r, request, last);
    }
    if (x->out->len) {
        APR_BRIGADE_INSERT_TAIL(
            request->bb,
            apr_bucket_transient_create(x->out->data, x->out->len, alloc));
        x->bytes_out += x->out->len;
    }
    if (last) {
        llmgw_account_complete(r, request);
        add_end(r, request);
    }
    else {
        APR_BRIGADE_INSERT_TAIL(request->bb, apr_bucket_flush_create(alloc));
    }
    status = ap_pass_brigade(r->output_filters, request->bb);
    apr_brigade_cleanup(request->bb);
    llm_buf_clear(x->out);
    llm_buf_trim(x->out);
    if (status != APR_SUCCESS || r->connection->aborted) {
        x->client_gone = 1;
    }
}
