/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands on prices: one that is set or taken away again, a list that is
 * imported in pieces, and what is in force.
 *
 * Pieces of an import are staged under a batch that nobody reads; the last
 * request makes that batch the one in force and removes all others, in one
 * transaction. An import that was interrupted leaves rows that do nothing, and
 * the next one removes them.
 */
#include "store/prices.h"
#include "store/task.h"

#include "core/llm_time.h"
#include "store/meta.h"

#include <string.h>

#include <apr_strings.h>

#define NAME_MAX_BYTES 200
#define ROW_MAX        (LLM_PRICE_ENTRY_MAX + 1)
#define VERSION        1

/* ----------------------------------------------------------------- entries */

/* An entry as it is stored: with a date of its own, if `as_of` is one. */
static const char *text_of(const llm_json_t *entry, const char *as_of,
                           apr_pool_t *pool)
{
    const char *text = apr_pstrmemdup(pool, entry->raw.data, entry->raw.len);

    if (!as_of || llm_json_get(entry, "as_of")) {
        return text;
    }
    return apr_pstrcat(pool, "{\"as_of\":\"", as_of, "\",", text + 1, NULL);
}

/* The entry of the request, checked as a list's only one. */
static apr_status_t take_entry(llm_price_name_t *name, const char **ptext,
                               llm_task_t *task, const llm_json_t *entry,
                               const char *as_of)
{
    const char *list, *wrong;
    llm_prices_t *prices;

    if (!llm_json_is(entry, LLM_JSON_OBJECT) || !entry->child) {
        return llm_task_refuse(task, "usage", "entry: expected an object");
    }
    *ptext = text_of(entry, as_of, task->pool);
    list = apr_pstrcat(task->pool,
                       "{\"as_of\":\"1970-01-01\",\"currency\":\"USD\","
                       "\"unit\":\"per_million\",\"models\":[",
                       *ptext, "]}", NULL);
    wrong = llm_prices_read(&prices, list, strlen(list), task->pool);
    if (wrong) {
        /* "models[0].input: ..." */
        return llm_task_refuse(task, "usage", "entry%s",
                               strncmp(wrong, "models[0]", 9) ? ": not JSON"
                                                              : wrong + 9);
    }
    name->provider =
        llm_json_string(llm_json_get(entry, "provider"), task->pool);
    name->model = llm_json_string(llm_json_get(entry, "model"), task->pool);
    if (strlen(*ptext) > LLM_PRICE_ENTRY_MAX) {
        return llm_task_refuse(task, "usage",
                               "entry: expected at most %d bytes",
                               LLM_PRICE_ENTRY_MAX);
    }
    return APR_SUCCESS;
}

static apr_status_t put_row(llm_task_t *task, llm_txn_t *txn,
                            const llm_price_name_t *name, const char *text)
{
    unsigned char key[LLM_KEY_BYTES];
    apr_size_t len = llm_price_key(key, name), text_len = strlen(text);
    char *row = apr_palloc(task->pool, text_len + 1);

    if (!len) {
        return llm_task_refuse(task, "usage",
                               "entry: provider and model are too long");
    }
    row[0] = VERSION;
    memcpy(row + 1, text, text_len);
    return llm_table_put(task->store->tables.prices, txn,
                         (llm_datum_t){key, len},
                         (llm_datum_t){row, text_len + 1}, LLM_PUT_OVER);
}

/* ----------------------------------------------------------- set and unset */

static apr_status_t change(llm_task_t *task, llm_txn_t *txn, llm_edit_t *edit)
{
    edit->prices = 1;
    return llm_meta_add(task->store->tables.meta, txn, LLM_META_PRICES, 1);
}

static apr_status_t run_set(llm_task_t *task, llm_txn_t *txn, llm_edit_t *edit)
{
    const llm_json_t *entry = llm_json_get(task->request, "entry");
    llm_price_name_t name = {0, NULL, NULL};
    const char *text,
        *today = llm_day_print(llm_time_day(task->now), task->pool);
    apr_status_t status = take_entry(&name, &text, task, entry, today);

    if (status == APR_SUCCESS) {
        status = put_row(task, txn, &name, text);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_member(edit->done, "price");
    llm_buf_puts(edit->done, text);
    return change(task, txn, edit);
}

static apr_status_t ask_name(llm_price_name_t *name, llm_task_t *task)
{
    apr_status_t status =
        llm_task_string(&name->provider, task, "provider", NAME_MAX_BYTES);

    if (status == APR_SUCCESS) {
        status = llm_task_string(&name->model, task, "model", NAME_MAX_BYTES);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (!name->provider || !name->model) {
        return llm_task_refuse(task, "usage", "%s: missing",
                               name->provider ? "model" : "provider");
    }
    return APR_SUCCESS;
}

static apr_status_t run_unset(llm_task_t *task, llm_txn_t *txn,
                              llm_edit_t *edit)
{
    unsigned char key[LLM_KEY_BYTES];
    llm_price_name_t name = {0, NULL, NULL};
    apr_status_t status = ask_name(&name, task);
    apr_size_t len;

    if (status != APR_SUCCESS) {
        return status;
    }
    len = llm_price_key(key, &name);
    status = len ? llm_table_delete(task->store->tables.prices, txn,
                                    (llm_datum_t){key, len})
                 : APR_NOTFOUND;
    if (status == APR_NOTFOUND) {
        return llm_task_refuse(task, "not_found",
                               "no price was set for '%s' of '%s'", name.model,
                               name.provider);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_member_text(edit->done, "provider", name.provider);
    llm_member_text(edit->done, "model", name.model);
    return change(task, txn, edit);
}

/* ------------------------------------------------------------------ import */

static apr_status_t ask_batch(apr_uint64_t *pbatch, llm_task_t *task)
{
    apr_int64_t batch = 0;
    apr_status_t status =
        llm_task_number(&batch, task, "batch", 1, APR_INT64_MAX - 1);

    *pbatch = (apr_uint64_t)batch;
    return status;
}

static apr_status_t run_stage(llm_task_t *task, llm_txn_t *txn,
                              llm_edit_t *edit)
{
    const llm_json_t *entries = llm_json_get(task->request, "entries"), *entry;
    llm_price_name_t name;
    const char *text;
    apr_status_t status = ask_batch(&name.batch, task);

    if (status == APR_SUCCESS && !name.batch) {
        return llm_task_refuse(task, "usage", "batch: missing");
    }
    if (status == APR_SUCCESS && !llm_json_is(entries, LLM_JSON_ARRAY)) {
        return llm_task_refuse(task, "usage", "entries: expected an array");
    }
    for (entry = status == APR_SUCCESS ? entries->child : NULL;
         entry && status == APR_SUCCESS; entry = entry->next) {
        status = take_entry(&name, &text, task, entry, NULL);
        if (status == APR_SUCCESS) {
            status = put_row(task, txn, &name, text);
        }
    }
    if (status == APR_SUCCESS) {
        llm_member_number(edit->done, "batch", name.batch);
        llm_member_number(edit->done, "entries", entries->count);
    }
    return status;
}

/* The rows of all batches but one go: found first and removed then, since a
 * scan would wait for the rows that its own transaction has changed. */
typedef struct sweep_t {
    apr_uint64_t keep;
    apr_uint64_t kept;
    apr_array_header_t *old; /* of llm_price_name_t */
    apr_pool_t *pool;
} sweep_t;

static int note_row(void *baton, const llm_price_name_t *name, const char *json,
                    apr_size_t len)
{
    sweep_t *sweep = baton;

    (void)json;
    (void)len;
    if (name->batch == sweep->keep) {
        sweep->kept += 1;
    }
    else if (name->batch) {
        llm_price_name_t *old = apr_array_push(sweep->old);

        old->batch = name->batch;
        old->provider = apr_pstrdup(sweep->pool, name->provider);
        old->model = apr_pstrdup(sweep->pool, name->model);
    }
    return 0;
}

static apr_status_t find_old(sweep_t *sweep, llm_task_t *task)
{
    sweep->pool = task->pool;
    sweep->old = apr_array_make(task->pool, 64, sizeof(llm_price_name_t));
    return llm_prices_scan(task->store, LLM_PRICE_ALL, note_row, sweep,
                           task->pool);
}

static apr_status_t remove_old(const sweep_t *sweep, llm_task_t *task,
                               llm_txn_t *txn)
{
    unsigned char key[LLM_KEY_BYTES];
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < sweep->old->nelts && status == APR_SUCCESS; ++i) {
        apr_size_t len =
            llm_price_key(key, &APR_ARRAY_IDX(sweep->old, i, llm_price_name_t));

        status = llm_table_delete(task->store->tables.prices, txn,
                                  (llm_datum_t){key, len});
    }
    return status;
}

static apr_status_t put_import(llm_task_t *task, llm_txn_t *txn,
                               apr_uint64_t batch, apr_uint32_t day)
{
    llm_table_t *meta = task->store->tables.meta;
    apr_status_t status = llm_meta_put(meta, txn, LLM_META_PRICES_BATCH, batch);

    if (status == APR_SUCCESS) {
        status = llm_meta_put(meta, txn, LLM_META_PRICES_DAY, day);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_put(meta, txn, LLM_META_PRICES_IMPORTED,
                              (apr_uint64_t)task->now);
    }
    return status;
}

/* What the request says of the list: 0 of everything takes an import away. */
static apr_status_t ask_import(apr_uint64_t *pbatch, apr_uint32_t *pday,
                               apr_int64_t *pmodels, const char **psource,
                               llm_task_t *task)
{
    const char *as_of;
    apr_status_t status = ask_batch(pbatch, task);

    *pday = 0;
    *pmodels = 0;
    if (status == APR_SUCCESS) {
        status = llm_task_string(&as_of, task, "as_of", 10);
    }
    if (status == APR_SUCCESS) {
        status = llm_task_number(pmodels, task, "models", 0, 1000000);
    }
    if (status == APR_SUCCESS) {
        status = llm_task_string(psource, task, "source", 200);
    }
    if (status == APR_SUCCESS && *pbatch && !llm_price_day_read(pday, as_of)) {
        return llm_task_refuse(task, "usage",
                               "as_of: expected a date such as 2026-11-01");
    }
    return status;
}

static apr_status_t run_import(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    sweep_t sweep = {0, 0, NULL, NULL};
    apr_uint32_t day;
    apr_int64_t models;
    const char *source;
    apr_status_t status = ask_import(&sweep.keep, &day, &models, &source, task);

    if (status == APR_SUCCESS) {
        status = find_old(&sweep, task);
    }
    if (status == APR_SUCCESS && sweep.keep
        && sweep.kept != (apr_uint64_t)models) {
        return llm_task_refuse(task, "refused",
                               "%" APR_UINT64_T_FMT " of %" APR_INT64_T_FMT
                               " models were staged: import the list again",
                               sweep.kept, models);
    }
    if (status == APR_SUCCESS) {
        status = remove_old(&sweep, task, txn);
    }
    if (status == APR_SUCCESS) {
        status = put_import(task, txn, sweep.keep, day);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_member_number(edit->done, "models", (apr_uint64_t)models);
    llm_member_text(edit->done, "as_of",
                    sweep.keep ? llm_day_print(day, task->pool) : NULL);
    llm_member_text(edit->done, "source", source);
    return change(task, txn, edit);
}

/* -------------------------------------------------------------------- list */

typedef struct listing_t {
    llm_task_t *task;
    const char *list;
    apr_uint64_t count;
    apr_status_t status;
} listing_t;

static int say_entry(void *baton, const llm_price_name_t *name,
                     const char *json, apr_size_t len)
{
    listing_t *listing = baton;
    llm_task_t *task = listing->task;

    (void)name;
    llm_task_begin(task, "row");
    llm_member_text(task->out, "list", listing->list);
    llm_member(task->out, "entry");
    llm_buf_append(task->out, json, len);
    listing->count += 1;
    listing->status = llm_task_end(task);
    return listing->status != APR_SUCCESS;
}

static apr_status_t say_list(listing_t *listing, const char *list,
                             apr_uint64_t batch)
{
    apr_status_t status;

    listing->list = list;
    listing->count = 0;
    status = llm_prices_scan(listing->task->store, batch, say_entry, listing,
                             listing->task->pool);
    return status == APR_SUCCESS ? listing->status : status;
}

/* What the gateway's parent said of its configuration, as it is; null. */
static void put_configured(llm_task_t *task)
{
    const char *path = apr_pstrcat(task->pool, task->store->folder->dir,
                                   "/" LLM_MODELS_PUBLISHED, NULL);
    const char *data;
    const llm_json_t *doc;
    apr_size_t len, start;

    llm_member(task->out, "configured");
    if (llm_prices_load_text(&data, &len, path, task->pool)
        || llm_json_read(&doc, data, len, NULL, task->pool) != APR_SUCCESS
        || doc->type != LLM_JSON_OBJECT) {
        llm_buf_lit(task->out, "null");
        return;
    }
    start = task->out->len;
    llm_json_put(task->out, doc);
    for (; start < task->out->len; ++start) { /* an answer is one line */
        if (task->out->data[start] == '\n' || task->out->data[start] == '\r') {
            task->out->data[start] = ' ';
        }
    }
}

static apr_status_t run_list(llm_task_t *task)
{
    listing_t listing = {.task = task};
    llm_table_t *meta = task->store->tables.meta;
    apr_uint64_t batch = 0, day = 0, imported = 0, generation = 0, set;
    apr_status_t status = say_list(&listing, "set", 0);

    set = listing.count;
    listing.count = 0;
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&batch, meta, NULL, LLM_META_PRICES_BATCH);
    }
    if (status == APR_SUCCESS && batch) {
        status = say_list(&listing, "imported", batch);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&day, meta, NULL, LLM_META_PRICES_DAY);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&imported, meta, NULL, LLM_META_PRICES_IMPORTED);
    }
    if (status == APR_SUCCESS) {
        status = llm_meta_get(&generation, meta, NULL, LLM_META_PRICES);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "generation", generation);
    llm_member_number(task->out, "set", set);
    llm_member_number(task->out, "imported", batch ? listing.count : 0);
    llm_member_text(task->out, "as_of",
                    batch ? llm_day_print((apr_uint32_t)day, task->pool)
                          : NULL);
    llm_member_time(task->out, "imported_at", batch ? (apr_time_t)imported : 0,
                    task->pool);
    put_configured(task);
    return llm_task_end(task);
}

const llm_command_t llm_command_price_set = {
    .op = "price.set",
    .members = (const char *const[]){"entry", NULL},
    .edit = run_set,
};
const llm_command_t llm_command_price_unset = {
    .op = "price.unset",
    .members = (const char *const[]){"provider", "model", NULL},
    .edit = run_unset,
};
const llm_command_t llm_command_price_stage = {
    .op = "price.stage",
    .members = (const char *const[]){"batch", "entries", NULL},
    .edit = run_stage,
};
const llm_command_t llm_command_price_import = {
    .op = "price.import",
    .members =
        (const char *const[]){"batch", "as_of", "models", "source", NULL},
    .edit = run_import,
};
const llm_command_t llm_command_price_list = {
    .op = "price.list",
    .members = (const char *const[]){NULL},
    .is_slow = 1,
    .read = run_list,
};
