/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record for each exchange, whatever becomes of it.
 *
 * An in-flight slot is taken before anything is asked of a provider, so that
 * a killed child leaves a trace; the record goes into the journal when the
 * request is over, and the slot is given back after that.
 */
#include "httpd/llmgw.h"

/* How old a slot's account of a running request may be. */
#define UPDATE_EVERY apr_time_from_msec(250)

/* The request's memory goes: should log_transaction not have run (a child
 * that is told to stop at once), this is the last moment. */
static apr_status_t settle_late(void *data)
{
    request_rec *r = data;

    llmgw_account_settle(r, llmgw_request_of(r));
    return APR_SUCCESS;
}

llm_problem_t *llmgw_account_open(request_rec *r, llmgw_request_t *request)
{
    llm_inflight_t *inflight = llmgw_shared_inflight();
    llm_journal_t *journal = llmgw_shared_journal();
    llm_record_t record;

    llm_flow_record(request->x, &record, r->request_time);
    if (inflight && journal) {
        request->slot =
            llm_inflight_take(inflight, llm_journal_id(journal), &record);
    }
    if (!request->slot && llmgw_dir_of(r)->ledger_failure.value) {
        request->x = NULL;
        return llmgw_shared_refuse_busy(r);
    }
    request->opened = 1;
    request->noted = r->request_time;
    apr_pool_pre_cleanup_register(r->pool, r, settle_late);
    return NULL;
}

void llmgw_account_update(llmgw_request_t *request, apr_time_t now)
{
    llm_record_t record;

    if (request->slot && !request->settled
        && now - request->noted >= UPDATE_EVERY) {
        llm_flow_record(request->x, &record, now);
        llm_inflight_update(request->slot, &record);
        request->noted = now;
    }
}

/* Into the journal. What cannot be put there stays in the slot, for the owner
 * to store when it can; under LLMLedgerFailure allow only as long as that
 * leaves slots for others. */
static void put(request_rec *r, llmgw_request_t *request,
                const llm_record_t *record)
{
    apr_status_t status = llmgw_shared_put(record);
    int is_denying = llmgw_dir_of(r)->ledger_failure.value;

    if (status == APR_SUCCESS) {
        if (request->slot) {
            llm_inflight_release(request->slot);
        }
    }
    else if (request->slot && (is_denying || llmgw_shared_has_room())) {
        llm_inflight_leave(llmgw_shared_inflight(), request->slot, record);
        ap_log_rerror(APLOG_MARK, APLOG_INFO, status, r,
                      LLM_LOGNO(0110) "usage record kept in memory: %s",
                      request->x->request_id);
    }
    else {
        if (request->slot) {
            llm_inflight_release(request->slot);
        }
        llmgw_ledger_unrecorded(llmgw_shared_ledger(),
                                "the usage journal cannot be written");
    }
}

/* Whoever has the end of an answer has all of it: from now on a kill must not
 * cost a token. */
void llmgw_account_complete(request_rec *r, llmgw_request_t *request)
{
    llm_record_t record;

    if (request->slot && !request->settled) {
        llm_flow_record(request->x, &record, apr_time_now());
        if (!record.status) {
            record.status = (apr_uint16_t)r->status;
        }
        llm_inflight_update(request->slot, &record);
    }
}

void llmgw_account_settle(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x = request ? request->x : NULL;
    llm_record_t record;

    if (!x || request->settled || !request->opened) {
        return;
    }
    request->settled = 1;
    x->ended = apr_time_now();
    if (r->connection->aborted) {
        x->client_gone = 1;
    }
    llm_flow_record(x, &record, x->ended);
    if (request->kind == LLMGW_METER) {
        record.flags |= LLM_RECORD_FILTER;
    }
    /* of one who left before the head was sent the log says 499 */
    if (!record.status || (x->client_gone && !request->head_sent)) {
        record.status = (apr_uint16_t)r->status;
    }
    put(r, request, &record);
    llmgw_vars_set(r, x, &record, request->key.id ? request->key.name : "-");
}

/* Before mod_log_config, which reads the variables. */
static int log_transaction(request_rec *r)
{
    llmgw_request_t *request = llmgw_request_of(r);

    if (request && request->kind != LLMGW_METER) {
        llmgw_account_settle(r, request);
    }
    return DECLINED;
}

void llmgw_account_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_log_transaction(log_transaction, NULL, NULL, APR_HOOK_REALLY_FIRST);
}
