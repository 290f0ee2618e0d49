/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers about what a provider keeps: new ids get their owner before the
 * client learns them, lists are cut to what is the caller's, what is deleted
 * is forgotten, and a batch that is over is billed, as is an answer that was
 * made in the background.
 *
 * These are billed once, however often they are looked at: the record has an id
 * and a time that are made of their own, so the ledger knows it, and the row of
 * the owner says that it was done, for when the ledger has forgotten.
 */
#include "httpd/kept.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "core/llm_json.h"

static const char *provider_of(const llmgw_request_t *request)
{
    return request->x->current->upstream.provider->name;
}

/* ---- new ids ------------------------------------------------------------- */

/* Without an owner nobody could use it. An answer of a model is worth having
 * all the same, but for one that is still to be fetched: what is known of its
 * use is billed now, since nobody will ever be told the rest. */
static void fail(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x = request->x;
    int is_lost = x->background && !x->owed;

    if (is_lost) {
        x->background = 0;
        x->keeps = LLM_KEEPS_NOTHING;
    }
    if ((x->keeps == LLM_KEEPS_OBJECTS || is_lost) && !request->head_sent) {
        x->problem = llm_problem_make(
            LLM_PROBLEM_UNAVAILABLE, r->pool,
            "it was stored, but whose it is could not be noted: send it again");
        llm_flow_reply_problem(x);
    }
}

static void claim(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x = request->x;
    int count = x->made ? x->made->nelts : 0;
    apr_array_header_t *ids;

    if (count <= request->claimed) {
        return;
    }
    ids = apr_array_make(r->pool, count, sizeof(const char *));
    for (int i = request->claimed; i < count; ++i) {
        const char *id = APR_ARRAY_IDX(x->made, i, const char *);

        if (!request->kept.id || strcmp(request->kept.id, id) != 0) {
            APR_ARRAY_PUSH(ids, const char *) = id;
        }
    }
    request->claimed = count;
    if (ids->nelts
        && llmgw_objects_note(r, LLMGW_OBJECT_CLAIM, provider_of(request), ids,
                              request->key.id)
               != APR_SUCCESS) {
        fail(r, request);
    }
}

/* ---- lists --------------------------------------------------------------- */

static apr_array_header_t *ids_of(const llm_json_t *data, apr_pool_t *pool)
{
    apr_array_header_t *ids =
        apr_array_make(pool, (int)data->count + 1, sizeof(const char *));

    for (const llm_json_t *node = data->child; node; node = node->next) {
        const char *id = llm_json_string(llm_json_get(node, "id"), pool);

        if (id && *id) {
            APR_ARRAY_PUSH(ids, const char *) = id;
        }
    }
    return ids;
}

/* By id: the caller has it at this provider. */
static apr_hash_t *own_ids(const llmgw_request_t *request,
                           const apr_array_header_t *owners, apr_pool_t *pool)
{
    apr_hash_t *own = apr_hash_make(pool);

    for (int i = 0; i < owners->nelts; ++i) {
        const llmgw_owner_t *owner = &APR_ARRAY_IDX(owners, i, llmgw_owner_t);

        if (!strcmp(owner->provider, provider_of(request))
            && llmgw_kept_is_own(request, owner)) {
            apr_hash_set(own, owner->id, APR_HASH_KEY_STRING, owner);
        }
    }
    return own;
}

static int is_in(apr_hash_t *own, const llm_json_t *node, apr_pool_t *pool)
{
    const char *id = llm_json_string(llm_json_get(node, "id"), pool);

    return id && apr_hash_get(own, id, APR_HASH_KEY_STRING) != NULL;
}

/* The elements of the page that are the caller's. */
static apr_array_header_t *own_rows(const llm_json_t *data, apr_hash_t *own,
                                    apr_pool_t *pool)
{
    apr_array_header_t *rows =
        apr_array_make(pool, 16, sizeof(const llm_json_t *));

    for (const llm_json_t *node = data->child; node; node = node->next) {
        if (is_in(own, node, pool)) {
            APR_ARRAY_PUSH(rows, const llm_json_t *) = node;
        }
    }
    return rows;
}

static void put_rows(llm_buf_t *out, const apr_array_header_t *rows)
{
    llm_buf_putc(out, '[');
    for (int i = 0; i < rows->nelts; ++i) {
        llm_buf_puts(out, i ? "," : "");
        llm_json_put(out, APR_ARRAY_IDX(rows, i, const llm_json_t *));
    }
    llm_buf_putc(out, ']');
}

/* first_id or last_id. Of a page that is empty, and not the last one, the last
 * id is where the next one begins, whosever it is. */
static void put_end(llm_buf_t *out, const llm_json_t *doc,
                    const llm_json_t *member, const apr_array_header_t *rows,
                    apr_pool_t *pool)
{
    int is_last = llm_text_equals(member->name, "last_id");

    if (rows->nelts) {
        const llm_json_t *row = APR_ARRAY_IDX(
            rows, is_last ? rows->nelts - 1 : 0, const llm_json_t *);

        llm_buf_put_string(out, llm_json_string(llm_json_get(row, "id"), pool));
    }
    else if (is_last && llm_json_is_true(llm_json_get(doc, "has_more"))) {
        llm_json_put(out, member);
    }
    else {
        llm_buf_lit(out, "null");
    }
}

/* The answer with these rows only, otherwise as it came. */
static void put_page(llm_buf_t *out, const llm_json_t *doc,
                     const llm_json_t *data, const apr_array_header_t *rows,
                     apr_pool_t *pool)
{
    for (const llm_json_t *member = doc->child; member; member = member->next) {
        llm_buf_puts(out, member == doc->child ? "{" : ",");
        llm_buf_put_text(out, member->name);
        llm_buf_putc(out, ':');
        if (member == data) {
            put_rows(out, rows);
        }
        else if (llm_text_equals(member->name, "first_id")
                 || llm_text_equals(member->name, "last_id")) {
            put_end(out, doc, member, rows, pool);
        }
        else {
            llm_json_put(out, member);
        }
    }
    llm_buf_putc(out, '}');
}

static llm_problem_t *cut_list(request_rec *r, llmgw_request_t *request,
                               const llm_json_t *doc)
{
    llm_exchange_t *x = request->x;
    const llm_json_t *data = llm_json_get(doc, "data");
    llm_buf_t *out = llm_buf_make(0, r->pool);
    apr_array_header_t *owners;

    if (!llm_json_is(data, LLM_JSON_ARRAY)) {
        return llm_problem_make(LLM_PROBLEM_UPSTREAM, r->pool,
                                "the provider's list could not be read");
    }
    if (llmgw_objects_owners(r, &owners, ids_of(data, r->pool))
        != APR_SUCCESS) {
        return llmgw_kept_no_store(r);
    }
    put_page(out, doc, data,
             own_rows(data, own_ids(request, owners, r->pool), r->pool),
             r->pool);
    llm_buf_clear(x->out);
    llm_buf_append(x->out, out->data, out->len);
    return NULL;
}

/* ---- what is over -------------------------------------------------------- */

static void put_once(request_rec *r, llmgw_request_t *request,
                     llm_record_t *record, const char *id)
{
    const llmgw_owner_t *owner = request->kept.owner;
    apr_array_header_t *ids;

    if (owner && owner->is_billed) {
        return;
    }
    record->key = owner ? owner->key : request->key.id;
    record->flags |= record->key ? 0 : LLM_RECORD_ANONYMOUS;
    LLM_RECORD_SET(record, team, owner ? owner->team : request->key.team);
    /* should the second fail, the ledger knows the record when it comes
     * again */
    if (llmgw_shared_put(record) == APR_SUCCESS) {
        ids = apr_array_make(r->pool, 1, sizeof(const char *));
        APR_ARRAY_PUSH(ids, const char *) = id;
        llmgw_objects_note(r, LLMGW_OBJECT_BILL, provider_of(request), ids, 0);
    }
}

static void bill_batch(request_rec *r, llmgw_request_t *request,
                       const llm_json_t *doc)
{
    llm_record_t record;

    if (request->kept.owner
        && llm_flow_batch_record(request->x, &record, doc)) {
        put_once(r, request, &record, request->kept.owner->id);
    }
}

void llmgw_kept_bill(request_rec *r, llmgw_request_t *request)
{
    const llm_owed_t *owed = request->x->owed;

    if (owed && !request->billed) {
        llm_record_t record = owed->record;

        request->billed = 1;
        put_once(r, request, &record, owed->id);
    }
}

void llmgw_kept_note(request_rec *r, llmgw_request_t *request)
{
    claim(r, request);
    llmgw_kept_bill(r, request);
}

/* ---- the whole answer ---------------------------------------------------- */

static void forget(request_rec *r, llmgw_request_t *request)
{
    apr_array_header_t *ids = apr_array_make(r->pool, 1, sizeof(const char *));

    APR_ARRAY_PUSH(ids, const char *) = request->kept.id;
    llmgw_objects_note(r, LLMGW_OBJECT_FORGET, provider_of(request), ids, 0);
}

void llmgw_kept_answer(request_rec *r, llmgw_request_t *request)
{
    llm_exchange_t *x = request->x;
    llm_problem_t *problem = NULL;
    const llm_json_t *doc;

    if (!request->kept.kind || x->problem || !x->reply.ready
        || x->reply.status / 100 != 2) {
        return;
    }
    if (r->method_number == M_DELETE && request->kept.id
        && !*request->kept.rest) {
        forget(r, request);
    }
    if (!x->whole_only || r->header_only) {
        return;
    }
    if (llm_json_read(&doc, apr_pmemdup(r->pool, x->out->data, x->out->len),
                      x->out->len, NULL, r->pool)) {
        problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, r->pool,
                                   "the provider's answer could not be read");
    }
    else if (!request->kept.id && r->method_number == M_GET) {
        problem = cut_list(r, request, doc);
    }
    else {
        bill_batch(r, request, doc);
    }
    if (problem) {
        x->problem = problem;
        llm_flow_reply_problem(x);
    }
}
