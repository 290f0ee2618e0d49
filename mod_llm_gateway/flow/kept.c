/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider keeps: ids out of its answers, and what a batch used.
 *
 * An object says what it is ("object":"file"). A batch names the files that
 * came of it, an upload the file it became; they are their owner's as well.
 */
#include "flow/kept.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_key.h"
#include "flow/stream_internal.h"

#define IDS_MAX 8

static int is_object(const llm_json_t *doc)
{
    static const char *const kinds[] = {"response", "file", "batch", "upload",
                                        NULL};
    const llm_json_t *object = llm_json_get(doc, "object");
    const char *const *kind = kinds;

    while (*kind && !llm_json_equals(object, *kind)) {
        ++kind;
    }
    return *kind != NULL;
}

void llm_kept_note_id(llm_attempt_t *attempt, const char *id)
{
    llm_exchange_t *x = attempt->x;
    int i;

    if (!id || !*id || !x->keeps || !attempt->pass) {
        return;
    }
    if (!x->made) {
        x->made = apr_array_make(x->pool, 2, sizeof(const char *));
    }
    for (i = 0; i < x->made->nelts; ++i) {
        if (!strcmp(APR_ARRAY_IDX(x->made, i, const char *), id)) {
            return;
        }
    }
    if (x->made->nelts < IDS_MAX) {
        APR_ARRAY_PUSH(x->made, const char *) = apr_pstrdup(x->pool, id);
    }
}

static void note_member(llm_attempt_t *attempt, const llm_json_t *doc,
                        const char *name)
{
    llm_kept_note_id(attempt, llm_json_string(llm_json_want(doc, name),
                                              llm_stream_of(attempt)->scratch));
}

void llm_kept_note(llm_attempt_t *attempt, const llm_json_t *doc)
{
    const llm_json_t *response = llm_json_want(doc, "response");

    if (attempt->http->status / 100 != 2) {
        return;
    }
    doc = is_object(response) ? response : doc;
    if (is_object(doc)) {
        note_member(attempt, doc, "id");
        note_member(attempt, doc, "output_file_id");
        note_member(attempt, doc, "error_file_id");
        note_member(attempt, llm_json_want(doc, "file"), "id");
    }
}

/* ---- batches ------------------------------------------------------------ */

static int is_over(const llm_json_t *batch)
{
    static const char *const ends[] = {"completed", "cancelled", "expired",
                                       "failed", NULL};
    const llm_json_t *status = llm_json_get(batch, "status");
    const char *const *end = ends;

    while (*end && !llm_json_equals(status, *end)) {
        ++end;
    }
    return *end != NULL;
}

static void make_id(unsigned char *id, const char *provider, const char *batch,
                    apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, "batch ", provider, " ", batch, NULL);
    llm_key_hash_t hash;

    llm_key_digest(&hash, text, strlen(text));
    memcpy(id, &hash, LLM_RECORD_ID);
}

int llm_flow_batch_record(llm_exchange_t *x, llm_record_t *record,
                          const llm_json_t *doc)
{
    llm_upstream_t upstream = x->current->upstream;
    const char *id = llm_json_string(llm_json_get(doc, "id"), x->pool);
    llm_exchange_t batch = *x;
    apr_int64_t created;

    if (!id || !llm_json_equals(llm_json_get(doc, "object"), "batch")
        || !is_over(doc)
        || !llm_json_int(llm_json_get(doc, "created_at"), &created)
        || created <= 0 || created > APR_INT32_MAX) {
        return 0;
    }
    memset(record, 0, sizeof(*record));
    llm_usage_clear(&record->usage);
    if (!x->current->dialect->read_usage(&record->usage, doc)
        || !llm_usage_total(&record->usage)) {
        return 0;
    }
    make_id(record->id, upstream.provider->name, id, x->pool);
    record->began = apr_time_from_sec(created);
    record->flags = LLM_RECORD_NATIVE | LLM_RECORD_AGAIN;
    record->status = 200;
    record->attempts = 1;
    upstream.model = llm_json_string(llm_json_want(doc, "model"), x->pool);
    batch.served = upstream.model;
    batch.tier = "batch";
    batch.told = NULL;
    LLM_RECORD_SET(record, client, x->client->name);
    LLM_RECORD_SET(record, provider, upstream.provider->name);
    LLM_RECORD_SET(record, asked, upstream.model);
    LLM_RECORD_SET(record, served, upstream.model);
    LLM_RECORD_SET(record, op, "batch");
    LLM_RECORD_SET(record, tier, batch.tier);
    llm_cost_set(&batch, record, &upstream);
    return 1;
}
