/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl price import: a list of somebody's comes into force.
 *
 * The list is sent in pieces that nobody reads until the last request puts all
 * of them into force at once: an import that is interrupted changes nothing.
 */
#include "llmgwctl/prices.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "core/llm_key.h"
#include "core/llm_price_import.h"
#include "core/llm_time.h"

#define PIECE_BYTES (32u << 10) /* of entries in a request */

static const ctl_column_t columns[] = {
    {"change", "CHANGE", CTL_TEXT, 0},
    {"provider", "PROVIDER", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},
    {"input_was", "INPUT WAS", CTL_DECIMAL, CTL_IF_ANY},
    {"input", "INPUT", CTL_DECIMAL, 0},
    {"output_was", "OUTPUT WAS", CTL_DECIMAL, CTL_IF_ANY},
    {"output", "OUTPUT", CTL_DECIMAL, 0},
    {"why", "WHY", CTL_TEXT, CTL_IF_ANY},
    {NULL, NULL, CTL_TEXT, 0},
};
enum {
    CHANGE,
    PROVIDER,
    MODEL,
    INPUT_WAS,
    INPUT,
    OUTPUT_WAS,
    OUTPUT,
    WHY,
    COLUMNS
};

typedef struct importing_t {
    ctl_t *ctl;
    ctl_prices_t prices; /* those in force */
    const llm_price_import_t *import;
    apr_hash_t *known; /* "provider\nmodel" -> const llm_json_t * */
    ctl_list_t *list;
    unsigned added, changed, gone, same;
} importing_t;

static const char *id_of(const char *provider, const char *model,
                         apr_pool_t *pool)
{
    return apr_pstrcat(pool, provider, "\n", model, NULL);
}

static const char *member(const llm_json_t *entry, const char *name,
                          apr_pool_t *pool)
{
    return entry ? llm_json_string(llm_json_get(entry, name), pool) : NULL;
}

static void add_change(importing_t *importing, const char *change,
                       const llm_json_t *was, const llm_json_t *is)
{
    apr_pool_t *pool = importing->ctl->pool;
    const llm_json_t *either = is ? is : was;
    const char *cells[COLUMNS] = {
        [CHANGE] = change,
        [PROVIDER] = member(either, "provider", pool),
        [MODEL] = member(either, "model", pool),
        [INPUT_WAS] = member(was, "input", pool),
        [INPUT] = member(is, "input", pool),
        [OUTPUT_WAS] = member(was, "output", pool),
        [OUTPUT] = member(is, "output", pool),
    };

    ctl_list_add(importing->list, cells);
}

static void compare_item(importing_t *importing, const llm_price_item_t *item)
{
    apr_pool_t *pool = importing->ctl->pool;
    const char *id = id_of(item->provider, item->model, pool);
    const llm_json_t *was =
        apr_hash_get(importing->known, id, APR_HASH_KEY_STRING);
    const llm_json_t *is;

    if (llm_json_read(&is, item->json, strlen(item->json), NULL, pool)
        != APR_SUCCESS) {
        return;
    }
    apr_hash_set(importing->known, id, APR_HASH_KEY_STRING, NULL);
    if (!was) {
        importing->added += 1;
        add_change(importing, "new", NULL, is);
    }
    else if (was->raw.len != is->raw.len
             || memcmp(was->raw.data, is->raw.data, is->raw.len) != 0) {
        importing->changed += 1;
        add_change(importing, "changed", was, is);
    }
    else {
        importing->same += 1;
    }
}

/* What the list changes against the one that was imported before. */
static void compare(importing_t *importing)
{
    apr_pool_t *pool = importing->ctl->pool;
    const apr_array_header_t *before = importing->prices.imported;
    int i;

    importing->known = apr_hash_make(pool);
    for (i = 0; i < before->nelts; ++i) {
        const llm_json_t *entry = APR_ARRAY_IDX(before, i, const llm_json_t *);

        apr_hash_set(importing->known,
                     id_of(member(entry, "provider", pool),
                           member(entry, "model", pool), pool),
                     APR_HASH_KEY_STRING, entry);
    }
    for (i = 0; i < importing->import->items->nelts; ++i) {
        compare_item(importing, &APR_ARRAY_IDX(importing->import->items, i,
                                               llm_price_item_t));
    }
    for (i = 0; i < before->nelts; ++i) {
        const llm_json_t *entry = APR_ARRAY_IDX(before, i, const llm_json_t *);

        if (apr_hash_get(importing->known,
                         id_of(member(entry, "provider", pool),
                               member(entry, "model", pool), pool),
                         APR_HASH_KEY_STRING)) {
            importing->gone += 1;
            add_change(importing, "gone", entry, NULL);
        }
    }
}

static void add_skipped(importing_t *importing, const apr_array_header_t *list,
                        const char *change)
{
    int i;

    for (i = 0; i < list->nelts; ++i) {
        const llm_price_skip_t *skip =
            &APR_ARRAY_IDX(list, i, llm_price_skip_t);
        const char *cells[COLUMNS] = {
            [CHANGE] = change, [MODEL] = skip->name, [WHY] = skip->why};

        ctl_list_add(importing->list, cells);
    }
}

/* ---------------------------------------------------------------- sending */

static int send_piece(ctl_t *ctl, llm_buf_t *entries, const char *batch)
{
    llm_buf_t *request = ctl_request(ctl, "price.stage");

    llm_buf_append(entries, "]", 2);
    ctl_request_raw(request, "batch", batch);
    ctl_request_raw(request, "entries", entries->data);
    return ctl_ask(ctl, request, NULL, NULL, NULL);
}

static int send_items(ctl_t *ctl, const llm_price_import_t *import,
                      const char *batch)
{
    llm_buf_t *entries = llm_buf_make(0, ctl->pool);
    int i, status = CTL_DONE;

    for (i = 0; i < import->items->nelts && status == CTL_DONE; ++i) {
        const llm_price_item_t *item =
            &APR_ARRAY_IDX(import->items, i, llm_price_item_t);

        llm_buf_puts(entries, entries->len ? "," : "[");
        llm_buf_puts(entries, item->json);
        if (entries->len > PIECE_BYTES || i + 1 == import->items->nelts) {
            status = send_piece(ctl, entries, batch);
            llm_buf_clear(entries);
        }
    }
    return status;
}

/* A batch of its own: a number nobody else has. */
static const char *make_batch(ctl_t *ctl)
{
    apr_uint64_t number = 0;

    if (llm_random((unsigned char *)&number, sizeof(number)) != APR_SUCCESS) {
        number = (apr_uint64_t)ctl->world->now;
    }
    return apr_psprintf(ctl->pool, "%" APR_UINT64_T_FMT, (number >> 12) + 1);
}

static int put_into_force(importing_t *importing, const char *as_of)
{
    ctl_t *ctl = importing->ctl;
    const char *batch = make_batch(ctl);
    llm_buf_t *request;
    int status = send_items(ctl, importing->import, batch);

    if (status != CTL_DONE) {
        return status;
    }
    request = ctl_request(ctl, "price.import");
    ctl_request_raw(request, "batch", batch);
    ctl_request_text(request, "as_of", as_of);
    ctl_request_raw(request, "models",
                    apr_itoa(ctl->pool, importing->import->items->nelts));
    ctl_request_text(request, "source", importing->import->format);
    return ctl_ask(ctl, request, NULL, NULL, NULL);
}

static void finish(importing_t *importing, const char *as_of, int is_dry)
{
    const llm_price_import_t *import = importing->import;
    ctl_t *ctl = importing->ctl;

    ctl_list_more(importing->list, "format", import->format);
    ctl_list_more(importing->list, "as_of", as_of);
    ctl_list_more(importing->list, "applied", is_dry ? "no" : "yes");
    ctl_list_end(importing->list);
    ctl_remark(ctl,
               "%s: %d models of %s, as of %s: %u new, %u changed, %u gone, %u "
               "as before; %d skipped, %u prices rounded.",
               is_dry ? "Nothing was changed" : "In force now",
               import->items->nelts, import->format, as_of, importing->added,
               importing->changed, importing->gone, importing->same,
               import->skipped->nelts, import->rounded);
}

/* --none */
static int drop_import(ctl_t *ctl)
{
    int status = ctl_open_store(ctl);

    if (ctl_argument(ctl, 0)) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--none and a file do not go together");
    }
    if (status == CTL_DONE) {
        status =
            ctl_ask(ctl, ctl_request(ctl, "price.import"), NULL, NULL, NULL);
    }
    if (status == CTL_DONE) {
        fputs(ctl->face == CTL_JSON
                  ? "{\"models\":0}\n"
                  : "The imported list is no longer in force.\n",
              ctl->world->out);
    }
    return status;
}

static int read_import(importing_t *importing, const char **pas_of)
{
    ctl_t *ctl = importing->ctl;
    const char *file = ctl_argument(ctl, 0), *wrong, *data;
    llm_price_import_t *import;
    apr_uint32_t day;
    apr_size_t len;

    wrong = llm_prices_load_text(&data, &len, file, ctl->pool);
    if (wrong) {
        return ctl_fail(ctl, CTL_REFUSED, "prices", "%s", wrong);
    }
    wrong = llm_price_import(&import, data, len, ctl->pool);
    if (wrong) {
        return ctl_fail(ctl, CTL_REFUSED, "prices", "%s: %s", file, wrong);
    }
    importing->import = import;
    *pas_of = ctl_option(ctl, "as-of");
    if (*pas_of && !llm_price_day_read(&day, *pas_of)) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--as-of: expected a date such as 2026-11-01, not '%s'",
                        *pas_of);
    }
    if (!*pas_of) {
        *pas_of = import->as_of
                      ? import->as_of
                      : llm_day_print(llm_time_day(ctl->world->now), ctl->pool);
    }
    return CTL_DONE;
}

int ctl_price_import(ctl_t *ctl)
{
    importing_t importing = {.ctl = ctl};
    int is_dry = ctl_option(ctl, "dry-run") != NULL, status;
    const char *as_of = NULL;

    if (ctl_option(ctl, "none")) {
        return drop_import(ctl);
    }
    if (!ctl_argument(ctl, 0)) {
        return ctl_fail(ctl, CTL_USAGE, "usage", "price import: expected FILE");
    }
    status = read_import(&importing, &as_of);
    if (status == CTL_DONE) {
        status = ctl_prices_load(&importing.prices, ctl);
    }
    if (status != CTL_DONE) {
        return status;
    }
    if (!is_dry) {
        status = put_into_force(&importing, as_of);
    }
    if (status != CTL_DONE) {
        return status;
    }
    importing.list = ctl_list_begin(ctl, "changes", columns);
    compare(&importing);
    add_skipped(&importing, importing.import->skipped, "skipped");
    add_skipped(&importing, importing.import->ignored, "ignored");
    finish(&importing, as_of, is_dry);
    return CTL_DONE;
}

const ctl_option_t ctl_price_import_options[] = {
    {"dry-run", NULL, "only show what would change"},
    {"as-of", "DATE", "the list's date (the file's own, or today)"},
    {"none", NULL, "take the imported list away again"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};
