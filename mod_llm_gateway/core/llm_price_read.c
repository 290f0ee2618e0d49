/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a price list: every member is checked, what is missing is filled
 * in, and the entries are sorted for those who look prices up.
 */
#include "core/llm_price_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include "core/llm_pattern.h"
#include "core/llm_time.h"

#define FILE_MOST  ((apr_off_t)64 * 1024 * 1024)
#define DECIMAL    "expected a decimal string such as \"2.50\""
#define TIERS_MOST 16
#define CARDS_MOST 8
#define TIER_MOST  15         /* bytes of a service tier's name */
#define ONE        1000000000 /* a factor of 1, in billionths */

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
                      const char *where, llm_price_row_t *row)
{
    int class = class_of(member->name);
    int is_request = llm_text_equals(member->name, "request");
    llm_text_t text = llm_json_text(member);

    if (class == LLM_CLASSES && !is_request) {
        return fail(reader, "%s: unknown member \"%s\"", where,
                    llm_text_string(member->name, reader->pool));
    }
    if (!text.data
        || !llm_money_read(is_request ? &row->per_request
                                      : &row->per_million[class],
                           text.data, text.len)) {
        return fail(reader, "%s.%s: " DECIMAL, where,
                    is_request ? "request"
                               : llm_class_name((llm_class_e) class));
    }
    return 1;
}

/* Every member that `others` does not name is a price; it ends with NULL. */
static int read_prices(reader_t *reader, const llm_json_t *object,
                       const char *where, const char *const *others,
                       llm_price_row_t *row)
{
    const llm_json_t *member;

    for (member = object->child; member; member = member->next) {
        const char *const *name = others;

        while (*name && !llm_text_equals(member->name, *name)) {
            ++name;
        }
        if (!*name && !read_price(reader, member, where, row)) {
            return 0;
        }
    }
    return 1;
}

/* ---------------------------------------------------- tiers of the context */

static int read_tier(reader_t *reader, const llm_json_t *tier,
                     const char *where, llm_price_row_t *row)
{
    static const char *const others[] = {"above", NULL};

    if (!llm_json_is(tier, LLM_JSON_OBJECT)) {
        return fail(reader, "%s: expected an object", where);
    }
    if (!llm_json_int(llm_json_get(tier, "above"), &row->above)
        || row->above < 1) {
        return fail(reader, "%s.above: expected a number of tokens", where);
    }
    return read_prices(reader, tier, where, others, row);
}

static int compare_rows(const void *a, const void *b)
{
    const llm_price_row_t *left = a, *right = b;

    return (left->above > right->above) - (left->above < right->above);
}

/* Room for the plain price and the tiers of `object`, which has them all. */
static int make_rows(reader_t *reader, const llm_json_t *object,
                     const char *where, llm_price_card_t *card)
{
    const llm_json_t *tiers = llm_json_get(object, "tiers");

    if (tiers
        && (!llm_json_is(tiers, LLM_JSON_ARRAY) || tiers->count > TIERS_MOST)) {
        return fail(reader, "%s.tiers: expected an array of at most %d tiers",
                    where, TIERS_MOST);
    }
    card->row = apr_pcalloc(reader->pool, (1 + (tiers ? tiers->count : 0))
                                              * sizeof(*card->row));
    card->rows = 1;
    return 1;
}

/* Tiers begin as copies of row[0], which has only the prices written. */
static int read_tiers(reader_t *reader, const llm_json_t *tiers,
                      const char *where, llm_price_card_t *card)
{
    const llm_json_t *tier;
    unsigned i = 0;

    for (tier = tiers ? tiers->child : NULL; tier; tier = tier->next, ++i) {
        llm_price_row_t *row = &card->row[card->rows++];

        *row = card->row[0];
        if (!read_tier(reader, tier,
                       apr_psprintf(reader->pool, "%s.tiers[%u]", where, i),
                       row)) {
            return 0;
        }
    }
    qsort(card->row, card->rows, sizeof(*card->row), compare_rows);
    for (i = 1; i < card->rows; ++i) {
        if (card->row[i].above == card->row[i - 1].above) {
            return fail(reader, "%s.tiers: two tiers above %" APR_INT64_T_FMT,
                        where, card->row[i].above);
        }
    }
    return 1;
}

/* ---------------------------------------------------- tiers of the service */

__extension__ typedef unsigned __int128 wide_t;

/* price * factor, a factor in billionths, rounded half up; sticks at the
 * maximum. */
static llm_money_t scale(llm_money_t price, llm_money_t factor)
{
    wide_t product;

    if (price == LLM_MONEY_UNKNOWN) {
        return price;
    }
    product = ((wide_t)price * (wide_t)factor + ONE / 2) / ONE;
    return product > APR_INT64_MAX ? APR_INT64_MAX : (llm_money_t)product;
}

/* Every price of the standard card times a factor. */
static int read_multiplied(reader_t *reader, const llm_json_t *object,
                           const char *where, const llm_price_card_t *standard,
                           llm_price_card_t *card)
{
    llm_text_t text = llm_json_text(llm_json_get(object, "multiply"));
    llm_money_t factor;
    unsigned i;
    int class;

    if (!text.data || !llm_money_read(&factor, text.data, text.len)) {
        return fail(reader,
                    "%s.multiply: expected a decimal string such as \"0.5\"",
                    where);
    }
    if (object->count > 1) {
        return fail(reader, "%s: expected either multiply or prices", where);
    }
    card->rows = standard->rows;
    card->row = apr_pmemdup(reader->pool, standard->row,
                            standard->rows * sizeof(*card->row));
    for (i = 0; i < card->rows; ++i) {
        llm_price_row_t *row = &card->row[i];

        for (class = 0; class < LLM_CLASSES; ++class) {
            row->per_million[class] = scale(row->per_million[class], factor);
        }
        row->per_request = scale(row->per_request, factor);
    }
    return 1;
}

static int read_card(reader_t *reader, const llm_json_t *object,
                     const char *where, const llm_price_card_t *standard,
                     llm_price_card_t *card)
{
    static const char *const others[] = {"tiers", NULL};

    if (!llm_json_is(object, LLM_JSON_OBJECT)) {
        return fail(reader, "%s: expected an object", where);
    }
    if (llm_json_get(object, "multiply")) {
        return read_multiplied(reader, object, where, standard, card);
    }
    if (!make_rows(reader, object, where, card)) {
        return 0;
    }
    card->row[0] = standard->row[0];
    return read_prices(reader, object, where, others, &card->row[0])
           && read_tiers(reader, llm_json_get(object, "tiers"), where, card);
}

static int is_twice(const llm_price_entry_t *entry, const char *tier)
{
    unsigned i;

    for (i = 1; i < entry->cards; ++i) {
        if (!strcmp(entry->card[i].tier, tier)) {
            return 1;
        }
    }
    return 0;
}

/* The standard card is read already. */
static int read_cards(reader_t *reader, const llm_json_t *tiers,
                      const char *where, llm_price_entry_t *entry)
{
    const llm_json_t *member = tiers ? tiers->child : NULL;

    for (; member; member = member->next) {
        const char *tier = llm_text_string(member->name, reader->pool);
        llm_price_card_t *card = &entry->card[entry->cards];

        if (!*tier || strlen(tier) > TIER_MOST || strchr(tier, ',')
            || is_twice(entry, tier)) {
            return fail(reader,
                        "%s.service_tiers: expected names of 1 to %d bytes, "
                        "each once",
                        where, TIER_MOST);
        }
        if (!read_card(
                reader, member,
                apr_psprintf(reader->pool, "%s.service_tiers.%s", where, tier),
                &entry->card[0], card)) {
            return 0;
        }
        card->tier = tier;
        entry->tiers = apr_pstrcat(reader->pool, entry->tiers,
                                   *entry->tiers ? "," : "", tier, NULL);
        entry->cards += 1;
    }
    return 1;
}

/* ---------------------------------------------------------------- entries */

static int read_name(reader_t *reader, const llm_json_t *object,
                     const char *name, const char *where, const char **pvalue)
{
    *pvalue = llm_json_string(llm_json_get(object, name), reader->pool);
    return (*pvalue && **pvalue)
           || fail(reader, "%s.%s: expected a string", where, name);
}

/* What a class without a price is billed as; the order of the classes makes
 * sure that cache_write is settled before cache_write_1h. */
static void fill_row(llm_price_row_t *row)
{
    int class;

    for (class = 0; class < LLM_CLASSES; ++class) {
        if (row->per_million[class] == LLM_MONEY_UNKNOWN) {
            row->per_million[class] = row->per_million[fallback[class]];
        }
    }
}

static void fill_rows(llm_price_entry_t *entry)
{
    unsigned card, row;

    for (card = 0; card < entry->cards; ++card) {
        for (row = 0; row < entry->card[card].rows; ++row) {
            fill_row(&entry->card[card].row[row]);
        }
    }
}

static int make_cards(reader_t *reader, const llm_json_t *tiers,
                      const char *where, llm_price_entry_t *entry)
{
    if (tiers
        && (!llm_json_is(tiers, LLM_JSON_OBJECT)
            || tiers->count > CARDS_MOST)) {
        return fail(reader,
                    "%s.service_tiers: expected an object of at most %d tiers",
                    where, CARDS_MOST);
    }
    entry->card = apr_pcalloc(reader->pool, (1 + (tiers ? tiers->count : 0))
                                                * sizeof(*entry->card));
    entry->card[0].tier = "";
    entry->cards = 1;
    entry->tiers = "";
    return 1;
}

static int read_cost(reader_t *reader, const llm_json_t *model,
                     const char *where, llm_price_entry_t *entry)
{
    static const char *const others[] = {
        "provider", "model", "note", "as_of", "tiers", "service_tiers", NULL};
    const llm_json_t *tiers = llm_json_get(model, "service_tiers");
    llm_price_card_t *card;
    int i;

    if (!make_cards(reader, tiers, where, entry)
        || !make_rows(reader, model, where, &entry->card[0])) {
        return 0;
    }
    card = &entry->card[0];
    for (i = 0; i < LLM_CLASSES; ++i) {
        card->row[0].per_million[i] = LLM_MONEY_UNKNOWN;
    }
    if (!read_prices(reader, model, where, others, &card->row[0])
        || !read_tiers(reader, llm_json_get(model, "tiers"), where, card)
        || !read_cards(reader, tiers, where, entry)) {
        return 0;
    }
    fill_rows(entry);
    return 1;
}

static int read_entry(reader_t *reader, const llm_json_t *model,
                      const char *where, llm_price_entry_t *entry)
{
    const llm_json_t *as_of = llm_json_get(model, "as_of");
    const char *wrong;

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
    if (as_of
        && !llm_price_day_read(&entry->day,
                               llm_json_string(as_of, reader->pool))) {
        return fail(reader, "%s.as_of: expected a date such as \"2026-11-01\"",
                    where);
    }
    entry->is_pattern = strchr(entry->model, '*') != NULL;
    return read_cost(reader, model, where, entry);
}

static int read_entries(reader_t *reader, const llm_json_t *models,
                        llm_prices_t *prices)
{
    const llm_json_t *model;
    unsigned i;

    prices->entries = apr_pcalloc(reader->pool, (models->count + 1)
                                                    * sizeof(*prices->entries));
    for (model = models->child; model; model = model->next) {
        const char *where =
            apr_psprintf(reader->pool, "models[%u]", prices->count);

        prices->entries[prices->count].day = prices->day;
        if (!read_entry(reader, model, where,
                        &prices->entries[prices->count++])) {
            return 0;
        }
    }
    qsort(prices->entries, prices->count, sizeof(*prices->entries),
          llm_price_compare);
    for (i = 1; i < prices->count; ++i) {
        const llm_price_entry_t *entry = &prices->entries[i];

        if (!llm_price_compare(entry - 1, entry)) {
            return fail(reader, "models: \"%s\" of \"%s\" is there twice",
                        entry->model, entry->provider);
        }
    }
    return 1;
}

/* --------------------------------------------------------------- the list */

int llm_price_day_read(apr_uint32_t *pday, const char *text)
{
    apr_time_t when;

    if (!text || strlen(text) != 10 || text[4] != '-' || text[7] != '-'
        || strspn(text, "0123456789-") != 10 || llm_time_read(&when, text, 0)) {
        return 0;
    }
    *pday = llm_time_day(when);
    return 1;
}

static int read_list(reader_t *reader, const llm_json_t *doc,
                     llm_prices_t *prices)
{
    const llm_json_t *models = llm_json_get(doc, "models");

    prices->as_of = llm_json_string(llm_json_get(doc, "as_of"), reader->pool);
    if (!llm_price_day_read(&prices->day, prices->as_of)) {
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

const char *llm_prices_take(llm_prices_t **pprices, const llm_json_t *doc,
                            apr_pool_t *pool)
{
    reader_t reader = {.pool = pool};
    llm_prices_t *prices = apr_pcalloc(pool, sizeof(*prices));

    if (read_list(&reader, doc, prices)) {
        *pprices = prices;
    }
    return reader.wrong;
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
    const llm_json_t *doc;
    const char *wrong;
    llm_json_error_t error;
    apr_pool_t *scratch; /* for the tree */

    apr_pool_create(&scratch, pool);
    if (llm_json_read(&doc, data, len, &error, scratch) != APR_SUCCESS) {
        wrong = apr_psprintf(pool, "line %u: %s", line_of(data, error.offset),
                             error.what);
    }
    else {
        wrong = llm_prices_take(pprices, doc, pool);
    }
    apr_pool_destroy(scratch);
    return wrong;
}

/* -------------------------------------------------------------- the file */

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
    if (*pstatus != APR_SUCCESS) {
        return NULL;
    }
    data[*plen] = '\0';
    return data;
}

const char *llm_prices_load_text(const char **pdata, apr_size_t *plen,
                                 const char *path, apr_pool_t *pool)
{
    apr_status_t status;
    char text[120];

    *pdata = read_file(path, plen, &status, pool);
    return *pdata ? NULL
                  : apr_pstrcat(pool, path, ": ",
                                apr_strerror(status, text, sizeof(text)), NULL);
}

const char *llm_prices_load(llm_prices_t **pprices, const char *path,
                            apr_pool_t *pool)
{
    const char *wrong, *data;
    apr_size_t len;
    apr_pool_t *scratch; /* for the file's bytes */

    apr_pool_create(&scratch, pool);
    wrong = llm_prices_load_text(&data, &len, path, scratch);
    if (wrong) {
        wrong = apr_pstrdup(pool, wrong);
    }
    else {
        wrong = llm_prices_read(pprices, data, len, pool);
        wrong = wrong ? apr_pstrcat(pool, path, ": ", wrong, NULL) : NULL;
    }
    apr_pool_destroy(scratch);
    return wrong;
}
