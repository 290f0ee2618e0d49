/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The price list: reading it, finding a model's price, the cost of a usage.
 *
 * An entry is laid out as rows, one for the plain price and one for each
 * tier, every class filled in beforehand, so that a lookup copies one row.
 * Entries are sorted by provider, patterns after exact names, exact names by
 * model, patterns by how particular they are: an exact name is found by
 * bisection, and the first pattern that matches is the best one.
 */
#include "core/llm_price.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "core/llm_json.h"
#include "core/llm_pattern.h"

#define FILE_MOST  ((apr_off_t)16 * 1024 * 1024)
#define MILLION    1000000
#define DECIMAL    "expected a decimal string such as \"2.50\""
#define TIERS_MOST 16

/* Prices from so many input tokens on. */
typedef struct row_t {
    apr_int64_t above;
    llm_money_t per_million[LLM_CLASSES];
} row_t;

typedef struct entry_t {
    const char *provider, *model;
    int is_pattern; /* the model has a star */
    unsigned rows;  /* at least one; rows[0].above is 0 */
    row_t *row;     /* by `above`, ascending */
} entry_t;

struct llm_prices_t {
    const char *as_of;
    entry_t *entries; /* sorted by compare_entries */
    unsigned count;
};

/* ------------------------------------------------------------- reading */

/* Where a class's price comes from when it has none of its own. */
static const llm_class_e fallback[LLM_CLASSES] = {
    [LLM_CLASS_INPUT] = LLM_CLASS_INPUT,
    [LLM_CLASS_CACHE_READ] = LLM_CLASS_INPUT,
    [LLM_CLASS_CACHE_WRITE] = LLM_CLASS_INPUT,
    [LLM_CLASS_CACHE_WRITE_1H] = LLM_CLASS_CACHE_WRITE,
    [LLM_CLASS_OUTPUT] = LLM_CLASS_OUTPUT,
    [LLM_CLASS_REASONING] = LLM_CLASS_OUTPUT,
    [LLM_CLASS_AUDIO_IN] = LLM_CLASS_INPUT,
    [LLM_CLASS_AUDIO_OUT] = LLM_CLASS_OUTPUT,
    [LLM_CLASS_IMAGES] = LLM_CLASS_IMAGES,
};

typedef struct reader_t {
    apr_pool_t *pool;
    const char *wrong; /* NULL while all is well */
} reader_t;

/* Remembers what is wrong; always 0, so that callers can return it. */
__attribute__((format(printf, 2, 3))) static int fail(reader_t *reader,
                                                      const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    reader->wrong = apr_pvsprintf(reader->pool, fmt, args);
    va_end(args);
    return 0;
}

static int class_of(llm_text_t name)
{
    int class = 0;

    while (class < LLM_CLASSES
           && !llm_text_equals(name, llm_class_name((llm_class_e) class))) {
        ++class;
    }
    return class;
}

/* A price member of an entry or tier into `row`; `where` names the parent. */
static int read_price(reader_t *reader, const llm_json_t *member,
                      const char *where, row_t *row)
{
    int class = class_of(member->name);
    llm_text_t text = llm_json_text(member);

    if (class == LLM_CLASSES) {
        return fail(reader, "%s: unknown member \"%s\"", where,
                    llm_text_string(member->name, reader->pool));
    }
    if (!text.data
        || !llm_money_read(&row->per_million[class], text.data, text.len)) {
        return fail(reader, "%s.%s: " DECIMAL, where,
                    llm_class_name((llm_class_e) class));
    }
    return 1;
}

static int read_tier(reader_t *reader, const llm_json_t *tier,
                     const char *where, row_t *row)
{
    const llm_json_t *member;

    if (!llm_json_is(tier, LLM_JSON_OBJECT)) {
        return fail(reader, "%s: expected an object", where);
    }
    if (!llm_json_int(llm_json_get(tier, "above"), &row->above)
        || row->above < 1) {
        return fail(reader, "%s.above: expected a number of tokens", where);
    }
    for (member = tier->child; member; member = member->next) {
        if (!llm_text_equals(member->name, "above")
            && !read_price(reader, member, where, row)) {
            return 0;
        }
    }
    return 1;
}

static int compare_rows(const void *a, const void *b)
{
    const row_t *left = a, *right = b;

    return (left->above > right->above) - (left->above < right->above);
}

/* Tiers begin as copies of rows[0], which has only the prices written. */
static int read_tiers(reader_t *reader, const llm_json_t *tiers,
                      const char *where, entry_t *entry)
{
    const llm_json_t *tier;
    unsigned i = 0;

    if (!llm_json_is(tiers, LLM_JSON_ARRAY) || tiers->count > TIERS_MOST) {
        return fail(reader, "%s.tiers: expected an array of at most %d tiers",
                    where, TIERS_MOST);
    }
    for (tier = tiers->child; tier; tier = tier->next, ++i) {
        row_t *row = &entry->row[entry->rows++];

        *row = entry->row[0];
        if (!read_tier(reader, tier,
                       apr_psprintf(reader->pool, "%s.tiers[%u]", where, i),
                       row)) {
            return 0;
        }
    }
    qsort(entry->row, entry->rows, sizeof(row_t), compare_rows);
    for (i = 1; i < entry->rows; ++i) {
        if (entry->row[i].above == entry->row[i - 1].above) {
            return fail(reader, "%s.tiers: two tiers above %" APR_INT64_T_FMT,
                        where, entry->row[i].above);
        }
    }
    return 1;
}

static int read_name(reader_t *reader, const llm_json_t *object,
                     const char *name, const char *where, const char **pvalue)
{
    *pvalue = llm_json_string(llm_json_get(object, name), reader->pool);
    return (*pvalue && **pvalue)
           || fail(reader, "%s.%s: expected a string", where, name);
}

/* What a class without a price is billed as; the order of the classes makes
 * sure that cache_write is settled before cache_write_1h. */
static void fill_row(row_t *row)
{
    int class;

    for (class = 0; class < LLM_CLASSES; ++class) {
        if (row->per_million[class] == LLM_MONEY_UNKNOWN) {
            row->per_million[class] = row->per_million[fallback[class]];
        }
    }
}

/* Every member that is neither a name, a note nor the tiers is a price. */
static int read_prices(reader_t *reader, const llm_json_t *model,
                       const char *where, row_t *row)
{
    const llm_json_t *member;

    for (member = model->child; member; member = member->next) {
        if (!llm_text_equals(member->name, "provider")
            && !llm_text_equals(member->name, "model")
            && !llm_text_equals(member->name, "note")
            && !llm_text_equals(member->name, "tiers")
            && !read_price(reader, member, where, row)) {
            return 0;
        }
    }
    return 1;
}

static int read_entry(reader_t *reader, const llm_json_t *model,
                      const char *where, entry_t *entry)
{
    const llm_json_t *tiers = llm_json_get(model, "tiers");
    const char *wrong;
    unsigned i;

    if (!llm_json_is(model, LLM_JSON_OBJECT)) {
        return fail(reader, "%s: expected an object", where);
    }
    if (!read_name(reader, model, "provider", where, &entry->provider)
        || !read_name(reader, model, "model", where, &entry->model)) {
        return 0;
    }
    wrong = llm_pattern_check(entry->model);
    if (wrong) {
        return fail(reader, "%s.model: %s", where, wrong);
    }
    entry->is_pattern = strchr(entry->model, '*') != NULL;
    entry->row = apr_pcalloc(reader->pool,
                             (1 + (tiers ? tiers->count : 0)) * sizeof(row_t));
    entry->rows = 1;
    for (i = 0; i < LLM_CLASSES; ++i) {
        entry->row[0].per_million[i] = LLM_MONEY_UNKNOWN;
    }
    if (!read_prices(reader, model, where, &entry->row[0])
        || (tiers && !read_tiers(reader, tiers, where, entry))) {
        return 0;
    }
    for (i = 0; i < entry->rows; ++i) {
        fill_row(&entry->row[i]);
    }
    return 1;
}

/* Exact names first; of patterns the most particular first. */
static int compare_entries(const void *a, const void *b)
{
    const entry_t *left = a, *right = b;
    int order = strcmp(left->provider, right->provider);

    if (!order) {
        order = left->is_pattern - right->is_pattern;
    }
    if (!order && left->is_pattern) {
        order = llm_pattern_rank(right->model) - llm_pattern_rank(left->model);
    }
    return order ? order : strcmp(left->model, right->model);
}

static int read_entries(reader_t *reader, const llm_json_t *models,
                        llm_prices_t *prices)
{
    const llm_json_t *model;
    unsigned i;

    prices->entries =
        apr_pcalloc(reader->pool, (models->count + 1) * sizeof(entry_t));
    for (model = models->child; model; model = model->next) {
        const char *where =
            apr_psprintf(reader->pool, "models[%u]", prices->count);

        if (!read_entry(reader, model, where,
                        &prices->entries[prices->count++])) {
            return 0;
        }
    }
    qsort(prices->entries, prices->count, sizeof(entry_t), compare_entries);
    for (i = 1; i < prices->count; ++i) {
        const entry_t *entry = &prices->entries[i];

        if (!compare_entries(entry - 1, entry)) {
            return fail(reader, "models: \"%s\" of \"%s\" is there twice",
                        entry->model, entry->provider);
        }
    }
    return 1;
}

/* "2026-11-01" */
static int is_date(const char *text)
{
    return text && strlen(text) == 10 && text[4] == '-' && text[7] == '-'
           && strspn(text, "0123456789-") == 10;
}

static int read_list(reader_t *reader, const llm_json_t *doc,
                     llm_prices_t *prices)
{
    const llm_json_t *models = llm_json_get(doc, "models");

    prices->as_of = llm_json_string(llm_json_get(doc, "as_of"), reader->pool);
    if (!is_date(prices->as_of)) {
        return fail(reader, "as_of: expected a date such as \"2026-11-01\"");
    }
    if (!llm_json_equals(llm_json_get(doc, "currency"), "USD")) {
        return fail(reader, "currency: expected \"USD\"");
    }
    if (!llm_json_equals(llm_json_get(doc, "unit"), "per_million")) {
        return fail(reader, "unit: expected \"per_million\"");
    }
    if (!llm_json_is(models, LLM_JSON_ARRAY)) {
        return fail(reader, "models: expected an array");
    }
    return read_entries(reader, models, prices);
}

static unsigned line_of(const char *data, apr_size_t offset)
{
    unsigned line = 1;
    apr_size_t i;

    for (i = 0; i < offset; ++i) {
        line += data[i] == '\n';
    }
    return line;
}

const char *llm_prices_read(llm_prices_t **pprices, const char *data,
                            apr_size_t len, apr_pool_t *pool)
{
    reader_t reader = {.pool = pool};
    llm_prices_t *prices = apr_pcalloc(pool, sizeof(*prices));
    const llm_json_t *doc;
    llm_json_error_t error;
    apr_pool_t *scratch; /* for the tree */

    apr_pool_create(&scratch, pool);
    if (llm_json_read(&doc, data, len, &error, scratch) != APR_SUCCESS) {
        fail(&reader, "line %u: %s", line_of(data, error.offset), error.what);
    }
    else if (read_list(&reader, doc, prices)) {
        *pprices = prices;
    }
    apr_pool_destroy(scratch);
    return reader.wrong;
}

/* The whole file, or NULL and *pstatus. */
static char *read_file(const char *path, apr_size_t *plen,
                       apr_status_t *pstatus, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    char *data = NULL;

    *pstatus =
        apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, pool);
    if (*pstatus != APR_SUCCESS) {
        return NULL;
    }
    *pstatus = apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, file);
    if (*pstatus == APR_SUCCESS
        && (info.filetype != APR_REG || info.size > FILE_MOST)) {
        *pstatus = APR_EINVAL;
    }
    if (*pstatus == APR_SUCCESS) {
        *plen = (apr_size_t)info.size;
        data = apr_palloc(pool, *plen + 1);
        *pstatus =
            *plen ? apr_file_read_full(file, data, *plen, NULL) : APR_SUCCESS;
    }
    apr_file_close(file);
    return *pstatus == APR_SUCCESS ? data : NULL;
}

const char *llm_prices_load(llm_prices_t **pprices, const char *path,
                            apr_pool_t *pool)
{
    const char *wrong, *data;
    apr_status_t status;
    apr_size_t len;
    apr_pool_t *scratch; /* for the file's bytes */
    char text[120];

    apr_pool_create(&scratch, pool);
    data = read_file(path, &len, &status, scratch);
    wrong = data ? llm_prices_read(pprices, data, len, pool)
                 : apr_strerror(status, text, sizeof(text));
    if (wrong) {
        wrong = apr_pstrcat(pool, path, ": ", wrong, NULL);
    }
    apr_pool_destroy(scratch);
    return wrong;
}

/* -------------------------------------------------------------- lookup */

const char *llm_prices_as_of(const llm_prices_t *prices)
{
    return prices->as_of;
}

/* The first entry not below provider, kind and (of exact names) model. */
static unsigned lower_bound(const llm_prices_t *prices, const char *provider,
                            int is_pattern, const char *model)
{
    unsigned low = 0, high = prices->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const entry_t *entry = &prices->entries[middle];
        int order = strcmp(entry->provider, provider);

        if (!order) {
            order = entry->is_pattern - is_pattern;
        }
        if (!order && !is_pattern) {
            order = strcmp(entry->model, model);
        }
        if (order < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

static const entry_t *find_entry(const llm_prices_t *prices,
                                 const char *provider, const char *model)
{
    unsigned i = lower_bound(prices, provider, 0, model);
    const entry_t *entry = &prices->entries[i];

    if (i < prices->count && !entry->is_pattern
        && !strcmp(entry->provider, provider) && !strcmp(entry->model, model)) {
        return entry;
    }
    for (i = lower_bound(prices, provider, 1, NULL); i < prices->count; ++i) {
        entry = &prices->entries[i];
        if (strcmp(entry->provider, provider) != 0) {
            break;
        }
        if (llm_pattern_match(entry->model, model, NULL)) {
            return entry;
        }
    }
    return NULL;
}

static void fill_price(llm_price_t *price, const entry_t *entry,
                       apr_int64_t input)
{
    const row_t *row = &entry->row[entry->rows - 1];

    while (row > entry->row && input <= row->above) {
        --row;
    }
    price->provider = entry->provider;
    price->model = entry->model;
    price->above = row->above;
    memcpy(price->per_million, row->per_million, sizeof(row->per_million));
}

int llm_price_find(llm_price_t *pprice, const llm_prices_t *prices,
                   const char *provider, const char *dialect, const char *model,
                   apr_int64_t input)
{
    const entry_t *entry = NULL;

    if (prices && model && provider) {
        entry = find_entry(prices, provider, model);
    }
    if (!entry && prices && model && dialect) {
        entry = find_entry(prices, dialect, model);
    }
    if (!entry) {
        return 0;
    }
    fill_price(pprice, entry, input);
    return 1;
}

/* Sticks at the maximum; both are zero or more. */
static llm_money_t multiply(apr_int64_t n, llm_money_t price)
{
    llm_money_t product;

    return __builtin_mul_overflow(n, price, &product) ? APR_INT64_MAX : product;
}

/*
 * Sums n * price / a million exactly in 64 bits: both factors are taken apart
 * by a million, so that only the product of their remainders has millionths.
 * There are nine classes at most, so the millionths stay below 10^13.
 */
llm_money_t llm_price_cost(const llm_price_t *price, const llm_usage_t *usage)
{
    llm_money_t total = 0;
    apr_int64_t millionths = 0;
    int class;

    if (!(usage->known | usage->estimated)) {
        return LLM_MONEY_UNKNOWN;
    }
    for (class = 0; class < LLM_CLASSES; ++class) {
        llm_money_t each = price->per_million[class];
        apr_int64_t n = usage->n[class];

        if (n <= 0) {
            continue;
        }
        if (each == LLM_MONEY_UNKNOWN) {
            return LLM_MONEY_UNKNOWN;
        }
        if (class == LLM_CLASS_IMAGES) { /* priced by the piece */
            total = llm_money_add(total, multiply(n, each));
            continue;
        }
        total = llm_money_add(total, multiply(n, each / MILLION));
        total = llm_money_add(total, (n / MILLION) * (each % MILLION));
        millionths += (n % MILLION) * (each % MILLION);
    }
    return llm_money_add(total, (millionths + MILLION / 2) / MILLION);
}

void llm_prices_each(const llm_prices_t *prices, llm_price_cb *each,
                     void *baton)
{
    unsigned i;

    for (i = 0; i < prices->count; ++i) {
        llm_price_t price;

        fill_price(&price, &prices->entries[i], 0);
        each(baton, &price, prices->entries[i].rows - 1);
    }
}
