/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider keeps: ids out of its answers, and what a batch used, or an
 * answer that was made in the background.
 *
 * An object says what it is ("object":"file"). A batch names the files that
 * came of it, an upload the file it became; they are their owner's as well.
 *
 * Batches and answers in the background go on while nobody listens, and whoever
 * looks at them once they are over is told their usage. Their records have an
 * id and a time that are made of theirs, so that the ledger takes each once.
 */
#include "flow/kept.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_key.h"
#include "flow/stream_internal.h"

#define IDS_MAX 32

static int is_object(const llm_json_t *doc)
{
    static const char *const kinds[] = {
        "response",     "file",         "batch",     "upload",
        "vector_store", "conversation", "container", NULL};
    const llm_json_t *object = llm_json_get(doc, "object");
    const char *const *kind = kinds;

    if (!object && llm_json_equals(llm_json_get(doc, "type"), "file")) {
        return 1;
    }
    while (*kind && !llm_json_equals(object, *kind)) {
        ++kind;
    }
    return *kind != NULL;
}

void llm_kept_note_id(llm_attempt_t *attempt, const char *id)
{
    llm_exchange_t *x = attempt->x;
    int i;

    if (!id || !*id || !x->keeps || x->keeps == LLM_KEEPS_ANSWER
        || !attempt->pass) {
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

/* Containers that a response's code ran in. */
static void note_containers(llm_attempt_t *attempt, const llm_json_t *doc)
{
    const llm_json_t *output = llm_json_get(doc, "output"), *item;

    if (!llm_json_is(output, LLM_JSON_ARRAY)) {
        return;
    }
    for (item = output->child; item; item = item->next) {
        if (item->type == LLM_JSON_OBJECT) {
            note_member(attempt, item, "container_id");
        }
    }
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
        note_containers(attempt, doc);
    }
}

/* ---- what is over ------------------------------------------------------- */

static int is_over(const llm_json_t *doc)
{
    static const char *const ends[] = {"completed", "cancelled",  "expired",
                                       "failed",    "incomplete", NULL};
    const llm_json_t *status = llm_json_get(doc, "status");
    const char *const *end = ends;

    while (*end && !llm_json_equals(status, *end)) {
        ++end;
    }
    return *end != NULL;
}

static void make_id(unsigned char *id, const char *what, const char *provider,
                    const char *name, apr_pool_t *pool)
{
    const char *text = apr_pstrcat(pool, what, " ", provider, " ", name, NULL);
    llm_key_hash_t hash;

    llm_key_digest(&hash, text, strlen(text));
    memcpy(id, &hash, LLM_RECORD_ID);
}

/* Some write seconds as 1700000000.0. */
static apr_time_t made_at(const llm_json_t *doc)
{
    double seconds = 0;

    return llm_json_double(llm_json_get(doc, "created_at"), &seconds)
                   && seconds >= 1 && seconds <= APR_INT32_MAX
               ? apr_time_from_sec((apr_int64_t)seconds)
               : 0;
}

/* What this used, once it is over: 1 and the record, but for its cost. */
static int read_record(llm_exchange_t *x, llm_record_t *record,
                       const char *what, const llm_json_t *doc)
{
    const char *provider = x->current->upstream.provider->name;
    const char *id = llm_json_string(llm_json_get(doc, "id"), x->pool);
    const char *model = llm_json_string(llm_json_want(doc, "model"), x->pool);

    memset(record, 0, sizeof(*record));
    llm_usage_clear(&record->usage);
    record->began = made_at(doc);
    if (!id || !*id || !record->began || !is_over(doc)
        || !x->current->dialect->read_usage(&record->usage, doc)
        || !llm_usage_total(&record->usage)) {
        return 0;
    }
    make_id(record->id, what, provider, id, x->pool);
    record->flags = LLM_RECORD_AGAIN;
    record->status = 200;
    record->attempts = 1;
    LLM_RECORD_SET(record, client, x->client->name);
    LLM_RECORD_SET(record, provider, provider);
    LLM_RECORD_SET(record, asked, x->model ? x->model : model);
    LLM_RECORD_SET(record, served, model);
    LLM_RECORD_SET(record, op, what);
    return 1;
}

/* "gpt-x-2026-01-31" -> "gpt-x": what was asked for is not told, and a dated
 * model need not have a price of its own. */
static const char *undated(const char *model, apr_pool_t *pool)
{
    static const char date[] = "-dddd-dd-dd";
    apr_size_t len = model ? strlen(model) : 0, tail = sizeof(date) - 1;
    apr_size_t i;

    if (len <= tail) {
        return model;
    }
    for (i = 0; i < tail; ++i) {
        char c = model[len - tail + i];

        if (date[i] == 'd' ? !apr_isdigit(c) : c != date[i]) {
            return model;
        }
    }
    return apr_pstrmemdup(pool, model, len - tail);
}

static void set_cost(const llm_exchange_t *x, llm_record_t *record,
                     const llm_json_t *doc, const char *tier)
{
    llm_upstream_t upstream = x->current->upstream;
    llm_exchange_t used = *x;

    used.served = llm_json_string(llm_json_want(doc, "model"), x->pool);
    upstream.model = undated(used.served, x->pool);
    used.tier = tier;
    used.told = NULL;
    LLM_RECORD_SET(record, tier, tier);
    llm_cost_set(&used, record, &upstream);
}

int llm_flow_batch_record(llm_exchange_t *x, llm_record_t *record,
                          const llm_json_t *doc)
{
    if (!llm_json_equals(llm_json_get(doc, "object"), "batch")
        || !read_record(x, record, "batch", doc)) {
        return 0;
    }
    record->flags |= LLM_RECORD_NATIVE;
    set_cost(x, record, doc, "batch");
    return 1;
}

static int is_response(const llm_json_t *doc)
{
    return llm_json_equals(llm_json_get(doc, "object"), "response");
}

void llm_kept_watch(llm_attempt_t *attempt, const llm_json_t *doc)
{
    llm_exchange_t *x = attempt->x;
    const llm_json_t *response = llm_json_want(doc, "response");
    llm_owed_t *owed;

    if ((x->keeps != LLM_KEEPS_ANSWERS && x->keeps != LLM_KEEPS_ANSWER)
        || !attempt->pass || attempt->http->status / 100 != 2) {
        return;
    }
    doc = is_response(response) ? response : doc;
    if (!is_response(doc)
        || !llm_json_is_true(llm_json_get(doc, "background"))) {
        return;
    }
    x->background = 1;
    owed = x->owed ? NULL : apr_pcalloc(x->pool, sizeof(*owed));
    if (owed && read_record(x, &owed->record, "background", doc)) {
        owed->id = llm_json_string(llm_json_get(doc, "id"), x->pool);
        set_cost(x, &owed->record, doc,
                 attempt->dialect->read_tier
                     ? attempt->dialect->read_tier(doc, x->pool)
                     : NULL);
        x->owed = owed;
    }
}
