/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of prices, and the file that the children read.
 *
 * A row is batch u64, provider, 0, model -> version, the entry's JSON. An
 * import is staged under a batch of its own and comes into force when the
 * number of the batch in force becomes that one.
 *
 * The file is written whole beside its place, flushed and renamed: a reader
 * sees the old list or the new one. The snapshot's generation moves after
 * that.
 */
#include "store/prices.h"

#include "core/llm_time.h"
#include "store/bytes.h"
#include "store/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#define ROW_VERSION 1
#define HEAD        ",\"currency\":\"USD\",\"unit\":\"per_million\",\"models\":["

apr_size_t llm_price_key(unsigned char *bytes, const llm_price_name_t *name)
{
    apr_size_t provider = strlen(name->provider), model = strlen(name->model);

    if (8 + provider + 1 + model >= LLM_KEY_BYTES) {
        return 0;
    }
    llm_be_put(bytes, name->batch, 8);
    memcpy(bytes + 8, name->provider, provider + 1);
    memcpy(bytes + 8 + provider + 1, name->model, model);
    return 8 + provider + 1 + model;
}

typedef struct scan_t {
    apr_uint64_t batch;
    llm_price_row_cb *row;
    void *baton;
    apr_pool_t *pool; /* of one row */
    apr_status_t status;
} scan_t;

static int scan_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    scan_t *scan = baton;
    const char *text = value.data;
    llm_price_name_t name;

    if (key.len < 9 || value.len < 1 || text[0] != ROW_VERSION) {
        scan->status = APR_EINVAL;
        return 1;
    }
    apr_pool_clear(scan->pool);
    name.batch = llm_be_get(key.data, 8);
    name.provider =
        apr_pstrmemdup(scan->pool, (const char *)key.data + 8, key.len - 8);
    if (strlen(name.provider) == key.len - 8) {
        scan->status = APR_EINVAL; /* the zero is missing */
        return 1;
    }
    name.model = name.provider + strlen(name.provider) + 1;
    if (scan->batch != LLM_PRICE_ALL && name.batch != scan->batch) {
        return 1;
    }
    return scan->row(scan->baton, &name, text + 1, value.len - 1);
}

apr_status_t llm_prices_scan(llm_store_t *store, apr_uint64_t batch,
                             llm_price_row_cb *row, void *baton,
                             apr_pool_t *pool)
{
    scan_t scan = {.batch = batch, .row = row, .baton = baton};
    unsigned char from[8];
    apr_status_t status;

    apr_pool_create(&scan.pool, pool);
    llm_be_put(from, batch == LLM_PRICE_ALL ? 0 : batch, 8);
    status =
        llm_table_scan(store->tables.prices, LLM_DATUM(from), scan_row, &scan);
    apr_pool_destroy(scan.pool);
    return status == APR_SUCCESS ? scan.status : status;
}

/* -------------------------------------------------------------- publishing */

static int put_entry(void *baton, const llm_price_name_t *name,
                     const char *json, apr_size_t len)
{
    llm_buf_t *out = baton;

    (void)name;
    if (out->data[out->len - 1] != '[') {
        llm_buf_putc(out, ',');
    }
    llm_buf_append(out, json, len);
    return 0;
}

/* What is in force, as the file's text. */
static apr_status_t write_text(llm_buf_t *out, llm_store_t *store,
                               apr_uint64_t generation, apr_pool_t *pool)
{
    llm_table_t *meta = store->tables.meta;
    apr_uint64_t batch = 0, day = 0;
    apr_status_t status =
        llm_meta_get(&batch, meta, NULL, LLM_META_PRICES_BATCH);

    if (status == APR_SUCCESS) {
        status = llm_meta_get(&day, meta, NULL, LLM_META_PRICES_DAY);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_buf_puts(out, apr_psprintf(pool, "{\"generation\":%" APR_UINT64_T_FMT,
                                   generation));
    /* entries that were set have a date each */
    llm_buf_lit(out, ",\"set\":{\"as_of\":\"1970-01-01\"" HEAD);
    status = llm_prices_scan(store, 0, put_entry, out, pool);
    llm_buf_lit(out, "]},\"imported\":");
    if (batch && status == APR_SUCCESS) {
        llm_buf_puts(out, apr_psprintf(pool, "{\"as_of\":\"%s\"" HEAD,
                                       llm_day_print((apr_uint32_t)day, pool)));
        status = llm_prices_scan(store, batch, put_entry, out, pool);
        llm_buf_lit(out, "]}");
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_buf_lit(out, "}\n");
    return status;
}

static apr_status_t write_all(int fd, const char *data, apr_size_t len)
{
    while (len) {
        ssize_t written = write(fd, data, len);

        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written > 0) {
            data += written;
            len -= (apr_size_t)written;
        }
    }
    return fsync(fd) < 0 ? errno : APR_SUCCESS;
}

static apr_status_t replace_file(const char *path, const llm_buf_t *text,
                                 apr_pool_t *pool)
{
    const char *beside = apr_pstrcat(pool, path, ".new", NULL);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    apr_status_t status;

    if (fd < 0) {
        return errno;
    }
    status = write_all(fd, text->data, text->len);
    if (close(fd) < 0 && status == APR_SUCCESS) {
        status = errno;
    }
    if (status == APR_SUCCESS && rename(beside, path) < 0) {
        status = errno;
    }
    if (status != APR_SUCCESS) {
        unlink(beside);
    }
    return status;
}

static const char *path_of(const char *dir, apr_pool_t *pool)
{
    return apr_pstrcat(pool, dir, "/" LLM_PRICES_PUBLISHED, NULL);
}

/* The file's first member tells its generation; -1: there is no such file. */
static apr_uint64_t generation_of(const char *path)
{
    static const char begin[] = "{\"generation\":";
    char head[64] = "";
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, head, sizeof(head) - 1);

    if (fd >= 0) {
        close(fd);
    }
    if (got <= 0 || strncmp(head, begin, sizeof(begin) - 1) != 0) {
        return (apr_uint64_t)-1;
    }
    return (apr_uint64_t)apr_strtoi64(head + sizeof(begin) - 1, NULL, 10);
}

apr_status_t llm_prices_publish(llm_store_t *store, apr_pool_t *pool)
{
    const char *path;
    apr_uint64_t generation = 0;
    apr_pool_t *scratch;
    apr_status_t status =
        llm_meta_get(&generation, store->tables.meta, NULL, LLM_META_PRICES);

    if (status != APR_SUCCESS || store->health.prices == generation) {
        return status;
    }
    apr_pool_create(&scratch, pool);
    path = path_of(store->folder->dir, scratch);
    if (generation_of(path) != generation) {
        llm_buf_t *text = llm_buf_make(0, scratch);

        status = write_text(text, store, generation, scratch);
        if (status == APR_SUCCESS) {
            status = replace_file(path, text, scratch);
        }
    }
    apr_pool_destroy(scratch);
    if (status == APR_SUCCESS) {
        apr_thread_mutex_lock(store->mutex);
        store->health.prices = generation;
        if (store->snapshot) {
            llm_snapshot_set_health(store->snapshot, &store->health);
        }
        apr_thread_mutex_unlock(store->mutex);
    }
    return status;
}

/* ----------------------------------------------------------------- reading */

static const char *take_list(llm_prices_t **plist, const llm_json_t *doc,
                             const char *name, apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, name);
    const char *wrong = list ? llm_prices_take(plist, list, pool) : NULL;

    return wrong ? apr_pstrcat(pool, name, ": ", wrong, NULL) : NULL;
}

const char *llm_prices_published(llm_prices_t **pset, llm_prices_t **pimported,
                                 const char *dir, apr_pool_t *pool)
{
    const char *path = path_of(dir, pool), *wrong, *data;
    const llm_json_t *doc;
    apr_pool_t *scratch;
    apr_size_t len;

    *pset = *pimported = NULL;
    apr_pool_create(&scratch, pool);
    wrong = llm_prices_load_text(&data, &len, path, scratch);
    if (wrong) {
        wrong = apr_pstrdup(pool, wrong);
    }
    else if (llm_json_read(&doc, data, len, NULL, scratch) != APR_SUCCESS) {
        wrong = apr_pstrcat(pool, path, ": is not JSON", NULL);
    }
    else {
        wrong = take_list(pset, doc, "set", pool);
        wrong = wrong ? wrong : take_list(pimported, doc, "imported", pool);
    }
    apr_pool_destroy(scratch);
    return wrong;
}
