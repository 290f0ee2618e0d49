/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What providers' usage and cost interfaces answer, as rows.
 *
 * OpenAI's input counts the cached and the written tokens too, and audio where
 * it tells text apart; Anthropic's classes do not overlap. Costs are decimal:
 * OpenAI's dollars, Anthropic's cents.
 */
#include "llmgwctl/export.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_money.h"
#include "core/llm_time.h"

#define DAY_SECONDS 86400

static const char *const names[CTL_EXPORT_MEASURES] = {
    [CTL_EXPORT_REQUESTS] = "requests", [CTL_EXPORT_INPUT] = "input",
    [CTL_EXPORT_CACHED] = "cached",     [CTL_EXPORT_WRITTEN] = "written",
    [CTL_EXPORT_OUTPUT] = "output",     [CTL_EXPORT_COST] = "cost",
};

const char *ctl_export_name(ctl_export_e measure)
{
    return names[measure];
}

void ctl_export_init(ctl_export_t *export, apr_pool_t *pool)
{
    memset(export, 0, sizeof(*export));
    export->pool = pool;
    export->rows = apr_array_make(pool, 64, sizeof(ctl_export_row_t *));
    export->by_name = apr_hash_make(pool);
}

/* ---- rows ---- */

static apr_time_t day_begin(apr_time_t when)
{
    return apr_time_from_sec((apr_int64_t)llm_time_day(when) * DAY_SECONDS);
}

ctl_export_row_t *ctl_export_row(ctl_export_t *export, apr_time_t when,
                                 const char *model)
{
    const char *day = llm_day_print(llm_time_day(when), export->pool);
    apr_time_t begin = day_begin(when);
    ctl_export_row_t *row;
    const char *name;

    if (when < export->since || (export->until && when >= export->until)) {
        return NULL;
    }
    if (!export->first || begin < export->first) {
        export->first = begin;
    }
    if (begin > export->last) {
        export->last = begin;
    }
    model = model ? model : "";
    export->has_models |= *model != '\0';
    if (export->by_month) {
        day = apr_pstrmemdup(export->pool, day, strlen("2026-11"));
    }
    name = apr_pstrcat(export->pool, day, "\n", model, NULL);
    row = apr_hash_get(export->by_name, name, APR_HASH_KEY_STRING);
    if (!row) {
        row = apr_pcalloc(export->pool, sizeof(*row));
        row->period = day;
        row->model = apr_pstrdup(export->pool, model);
        apr_hash_set(export->by_name, name, APR_HASH_KEY_STRING, row);
        APR_ARRAY_PUSH(export->rows, ctl_export_row_t *) = row;
    }
    return row;
}

apr_int64_t ctl_export_sum(apr_int64_t a, apr_int64_t b)
{
    return a > APR_INT64_MAX - b ? APR_INT64_MAX : a + b;
}

void ctl_export_add(ctl_export_t *export, ctl_export_row_t *row,
                    ctl_export_e measure, apr_int64_t n)
{
    export->known |= 1u << measure;
    row->n[measure] = ctl_export_sum(row->n[measure], n);
}

/* ---- members ---- */

/* A count; 0 where it is absent. Sets *pwrong for what is none. */
static apr_int64_t count_of(const llm_json_t *object, const char *name,
                            const char **pwrong)
{
    const llm_json_t *node = llm_json_want(object, name);
    apr_int64_t n = 0;

    if (node && (!llm_json_int(node, &n) || n < 0)) {
        *pwrong = name;
        return 0;
    }
    return n;
}

static int has(const llm_json_t *object, const char *name)
{
    return llm_json_want(object, name) != NULL;
}

/* Decimal dollars times 10^shift, as a number or as text. */
static int money_of(llm_money_t *pmoney, const llm_json_t *node, int shift)
{
    llm_bytes_t text = {NULL, 0};

    if (llm_json_is(node, LLM_JSON_NUMBER)) {
        text = node->raw;
    }
    else if (llm_json_is(node, LLM_JSON_STRING)) {
        text.data = llm_json_text(node).data;
        text.len = llm_json_text(node).len;
    }
    return text.len
           && llm_money_read_number(pmoney, text.data, text.len, shift) != 0;
}

/* ---- results ---- */

/* One result of a bucket: `row` is its row. What is wrong, or NULL. */
typedef const char *result_fn(ctl_export_t *export, ctl_export_row_t *row,
                              const llm_json_t *result);

static const char *read_openai_usage(ctl_export_t *export,
                                     ctl_export_row_t *row,
                                     const llm_json_t *result)
{
    const char *wrong = NULL;
    apr_int64_t input = count_of(result, "input_tokens", &wrong);
    apr_int64_t output = count_of(result, "output_tokens", &wrong);
    apr_int64_t cached = count_of(result, "input_cached_tokens", &wrong);
    apr_int64_t written = count_of(result, "input_cache_write_tokens", &wrong);

    /* where text is told apart, the sums have audio in them already */
    if (!has(result, "input_text_tokens")) {
        input = ctl_export_sum(input,
                               count_of(result, "input_audio_tokens", &wrong));
        output = ctl_export_sum(
            output, count_of(result, "output_audio_tokens", &wrong));
    }
    if (!wrong && ctl_export_sum(cached, written) > input) {
        wrong = "input_cached_tokens";
    }
    if (wrong) {
        return wrong;
    }
    if (has(result, "num_model_requests")) {
        ctl_export_add(export, row, CTL_EXPORT_REQUESTS,
                       count_of(result, "num_model_requests", &wrong));
    }
    ctl_export_add(export, row, CTL_EXPORT_INPUT, input - cached - written);
    ctl_export_add(export, row, CTL_EXPORT_CACHED, cached);
    if (has(result, "input_cache_write_tokens")) {
        ctl_export_add(export, row, CTL_EXPORT_WRITTEN, written);
    }
    ctl_export_add(export, row, CTL_EXPORT_OUTPUT, output);
    return wrong;
}

static const char *read_openai_cost(ctl_export_t *export, ctl_export_row_t *row,
                                    const llm_json_t *result)
{
    llm_money_t money = 0;

    if (!money_of(&money, llm_json_path(result, "amount", "value", NULL), 0)) {
        return "amount.value";
    }
    ctl_export_add(export, row, CTL_EXPORT_COST, money);
    return NULL;
}

static const char *read_anthropic_usage(ctl_export_t *export,
                                        ctl_export_row_t *row,
                                        const llm_json_t *result)
{
    const llm_json_t *created = llm_json_want(result, "cache_creation");
    const char *wrong = NULL;
    apr_int64_t input = count_of(result, "uncached_input_tokens", &wrong);
    apr_int64_t cached = count_of(result, "cache_read_input_tokens", &wrong);
    apr_int64_t output = count_of(result, "output_tokens", &wrong);
    apr_int64_t written =
        ctl_export_sum(count_of(created, "ephemeral_5m_input_tokens", &wrong),
                       count_of(created, "ephemeral_1h_input_tokens", &wrong));

    if (!wrong) {
        ctl_export_add(export, row, CTL_EXPORT_INPUT, input);
        ctl_export_add(export, row, CTL_EXPORT_CACHED, cached);
        ctl_export_add(export, row, CTL_EXPORT_WRITTEN, written);
        ctl_export_add(export, row, CTL_EXPORT_OUTPUT, output);
    }
    return wrong;
}

static const char *read_anthropic_cost(ctl_export_t *export,
                                       ctl_export_row_t *row,
                                       const llm_json_t *result)
{
    llm_money_t money = 0;

    if (!money_of(&money, llm_json_get(result, "amount"), -2)) {
        return "amount";
    }
    ctl_export_add(export, row, CTL_EXPORT_COST, money);
    return NULL;
}

/* "gpt-4o-2024-08-06, cached input": the model of an OpenAI line item. */
static const char *model_of_item(const llm_json_t *result, apr_pool_t *pool)
{
    const char *item =
        llm_json_string(llm_json_want(result, "line_item"), pool);
    const char *end = item ? strstr(item, ", ") : NULL;

    return end ? apr_pstrmemdup(pool, item, (apr_size_t)(end - item)) : NULL;
}

/* Which result it is: by the member that only this one has. */
static const struct kind_t {
    const char *sign;
    const char *provider;
    result_fn *read;
    int is_item; /* the model is in its line item */
} kinds[] = {
    {"uncached_input_tokens", "anthropic", read_anthropic_usage, 0},
    {"token_type", "anthropic", read_anthropic_cost, 0},
    {"line_item", "openai", read_openai_cost, 1},
    {"input_tokens", "openai", read_openai_usage, 0},
    {NULL, NULL, NULL, 0},
};

static const struct kind_t *kind_of(const llm_json_t *result)
{
    const struct kind_t *kind = kinds;

    while (kind->sign && !llm_json_get(result, kind->sign)) {
        ++kind;
    }
    return kind;
}

/* ---- buckets and pages ---- */

/* Where in the file, for messages. */
typedef struct place_t {
    ctl_export_t *export;
    int page, bucket, result;
} place_t;

static const char *wrong_at(const place_t *place, const char *member,
                            const char *expected)
{
    return apr_psprintf(
        place->export->pool, "page %d, data[%d].results[%d].%s: expected %s",
        place->page + 1, place->bucket, place->result, member, expected);
}

static const char *read_result(const place_t *place, apr_time_t when,
                               const llm_json_t *result)
{
    ctl_export_t *export = place->export;
    const struct kind_t *kind = kind_of(result);
    ctl_export_row_t *row;
    const char *wrong;

    if (!kind->sign) {
        return wrong_at(place, "input_tokens",
                        "a usage or cost result of OpenAI or Anthropic");
    }
    if (export->provider && strcmp(export->provider, kind->provider) != 0) {
        return wrong_at(place, kind->sign, "one provider's export");
    }
    export->provider = kind->provider;
    row = ctl_export_row(
        export, when,
        kind->is_item
            ? model_of_item(result, export->pool)
            : llm_json_string(llm_json_want(result, "model"), export->pool));
    wrong = row ? kind->read(export, row, result) : NULL;
    return wrong ? wrong_at(place, wrong, "a number that can be one") : NULL;
}

static int time_of(apr_time_t *pwhen, const llm_json_t *bucket,
                   apr_pool_t *pool)
{
    const char *text =
        llm_json_string(llm_json_get(bucket, "starting_at"), pool);
    apr_int64_t seconds;

    if (text) {
        return !llm_time_read(pwhen, text, 0);
    }
    if (!llm_json_int(llm_json_get(bucket, "start_time"), &seconds)
        || seconds < 0 || seconds > APR_INT64_C(253402300799)) { /* 9999 */
        return 0;
    }
    *pwhen = apr_time_from_sec(seconds);
    return 1;
}

static const char *read_page(place_t *place, const llm_json_t *page)
{
    const llm_json_t *data = llm_json_get(page, "data"), *bucket, *result;
    const char *wrong = NULL;
    apr_time_t when;

    if (!llm_json_is(data, LLM_JSON_ARRAY)) {
        return apr_psprintf(place->export->pool,
                            "page %d: expected an object with `data`, an array "
                            "of buckets",
                            place->page + 1);
    }
    place->bucket = 0;
    for (bucket = data->child; bucket && !wrong; bucket = bucket->next) {
        const llm_json_t *results = llm_json_get(bucket, "results");

        if (!llm_json_is(results, LLM_JSON_ARRAY)
            || !time_of(&when, bucket, place->export->pool)) {
            return apr_psprintf(place->export->pool,
                                "page %d, data[%d]: expected start_time or "
                                "starting_at, and results",
                                place->page + 1, place->bucket);
        }
        place->result = 0;
        for (result = results->child; result && !wrong; result = result->next) {
            wrong = read_result(place, when, result);
            ++place->result;
        }
        ++place->bucket;
    }
    ++place->page;
    return wrong;
}

static const char *read_document(place_t *place, const char *data,
                                 apr_size_t len)
{
    llm_json_error_t error = {0, NULL};
    const llm_json_t *doc, *page;
    const char *wrong = NULL;

    if (llm_json_read(&doc, data, len, &error, place->export->pool)) {
        return apr_psprintf(place->export->pool, "byte %" APR_SIZE_T_FMT ": %s",
                            error.offset + 1, error.what);
    }
    if (!llm_json_is(doc, LLM_JSON_ARRAY)) {
        return read_page(place, doc);
    }
    for (page = doc->child; page && !wrong; page = page->next) {
        wrong = read_page(place, page);
    }
    return wrong;
}

static int is_blank(const char *data, apr_size_t len)
{
    while (len && apr_isspace(*data)) {
        ++data;
        --len;
    }
    return !len;
}

/* A page a line, where the file is not one document. */
static const char *read_lines(place_t *place, const char *data, apr_size_t len)
{
    const char *wrong = NULL, *end;
    apr_size_t size, number = 0;

    for (; len && !wrong; data += size, len -= size) {
        end = memchr(data, '\n', len);
        size = end ? (apr_size_t)(end - data) + 1 : len;
        ++number;
        if (!is_blank(data, size)) {
            wrong = read_document(place, data, size);
        }
    }
    return wrong ? apr_psprintf(place->export->pool,
                                "line %" APR_SIZE_T_FMT ", %s", number, wrong)
                 : NULL;
}

/* Do several documents stand in it, each in a line of its own? */
static int has_lines(const char *data, apr_size_t len)
{
    const char *end = memchr(data, '\n', len);
    llm_json_error_t error = {0, NULL};
    const llm_json_t *doc;
    apr_pool_t *pool = NULL;
    int is_whole;

    if (!end || apr_pool_create(&pool, NULL)) {
        return 0;
    }
    is_whole =
        !llm_json_read(&doc, data, (apr_size_t)(end - data), &error, pool);
    apr_pool_destroy(pool);
    return is_whole;
}

const char *ctl_export_read(ctl_export_t *export, const char *data,
                            apr_size_t len)
{
    place_t place = {export, 0, 0, 0};

    while (len && apr_isspace(*data)) {
        ++data;
        --len;
    }
    if (!len) {
        return "the file is empty";
    }
    if (*data != '{' && *data != '[') {
        return ctl_export_read_csv(export, data, len);
    }
    return has_lines(data, len) ? read_lines(&place, data, len)
                                : read_document(&place, data, len);
}
