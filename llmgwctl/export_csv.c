/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage as a table of comma-separated values (RFC 4180), such as providers'
 * consoles hand out. Their columns are nowhere promised: they are known by
 * their names, of which several mean the same; those that are not known are
 * passed over. A day is needed, and something to count.
 */
#include "llmgwctl/export.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_money.h"
#include "core/llm_time.h"

#define COLUMNS_MOST 100
#define FIELD_MOST   4096

enum { IS_DAY = CTL_EXPORT_MEASURES, IS_MODEL, IS_UNKNOWN };

static const struct {
    const char *name;
    int means;
} synonyms[] = {
    {"date", IS_DAY},
    {"day", IS_DAY},
    {"usage_date_utc", IS_DAY},
    {"start_time", IS_DAY},
    {"start_time_iso", IS_DAY},
    {"starting_at", IS_DAY},
    {"model", IS_MODEL},
    {"model_version", IS_MODEL},
    {"requests", CTL_EXPORT_REQUESTS},
    {"num_model_requests", CTL_EXPORT_REQUESTS},
    {"input", CTL_EXPORT_INPUT},
    {"uncached_input_tokens", CTL_EXPORT_INPUT},
    {"usage_input_tokens_no_cache", CTL_EXPORT_INPUT},
    {"cached", CTL_EXPORT_CACHED},
    {"cache_read_input_tokens", CTL_EXPORT_CACHED},
    {"usage_input_tokens_cache_read", CTL_EXPORT_CACHED},
    {"written", CTL_EXPORT_WRITTEN},
    {"cache_creation_input_tokens", CTL_EXPORT_WRITTEN},
    {"usage_input_tokens_cache_write_5m", CTL_EXPORT_WRITTEN},
    {"usage_input_tokens_cache_write_1h", CTL_EXPORT_WRITTEN},
    {"output", CTL_EXPORT_OUTPUT},
    {"output_tokens", CTL_EXPORT_OUTPUT},
    {"usage_output_tokens", CTL_EXPORT_OUTPUT},
    {"cost", CTL_EXPORT_COST},
    {"cost_usd", CTL_EXPORT_COST},
    {"amount_usd", CTL_EXPORT_COST},
    {NULL, IS_UNKNOWN},
};

typedef struct table_t {
    ctl_export_t *export;
    const char *at, *end;
    unsigned line;
    int means[COLUMNS_MOST];
    unsigned columns;
    char field[FIELD_MOST]; /* the one read last, terminated */
} table_t;

/* ---- fields ---- */

static const char *wrong(const table_t *table, const char *what)
{
    return apr_psprintf(table->export->pool, "line %u: %s", table->line, what);
}

/* The next field; *plast: it ends its line. What is wrong, or NULL. */
static const char *next_field(table_t *table, int *plast)
{
    int quoted = table->at < table->end && *table->at == '"';
    apr_size_t len = 0;

    table->at += quoted;
    for (;; ++table->at) {
        int ends = table->at == table->end;

        if (ends && quoted) {
            return wrong(table, "a quoted field has no end");
        }
        if (quoted && *table->at == '"') {
            if (table->at + 1 == table->end || table->at[1] != '"') {
                ++table->at;
                break;
            }
            ++table->at;
        }
        else if (ends
                 || (!quoted
                     && (*table->at == ',' || *table->at == '\n'
                         || *table->at == '\r'))) {
            break;
        }
        if (len + 1 == FIELD_MOST) {
            return wrong(table, "a field is too long");
        }
        table->field[len++] = *table->at;
    }
    table->field[len] = '\0';
    if (table->at < table->end && *table->at == '\r') {
        ++table->at;
    }
    *plast = table->at == table->end || *table->at == '\n';
    if (!*plast && *table->at != ',') {
        return wrong(table, "expected a comma behind a quoted field");
    }
    table->at += table->at < table->end;
    return NULL;
}

/* ---- the header ---- */

static int meaning_of(const char *name)
{
    int i = 0;

    while (synonyms[i].name && strcasecmp(synonyms[i].name, name) != 0) {
        ++i;
    }
    return synonyms[i].means;
}

static int column_of(const table_t *table, int means)
{
    int i = (int)table->columns;

    while (i-- && table->means[i] != means) {
    }
    return i;
}

static const char *read_header(table_t *table)
{
    const char *problem = NULL;
    int last = 0, counts = 0;

    while (!last && !problem) {
        problem = next_field(table, &last);
        if (table->columns == COLUMNS_MOST) {
            return wrong(table, "there are too many columns");
        }
        if (!problem) {
            int means = meaning_of(table->field);

            table->means[table->columns++] = means;
            counts += means < CTL_EXPORT_MEASURES;
        }
    }
    if (!problem && (column_of(table, IS_DAY) < 0 || !counts)) {
        problem = wrong(table, "expected a header with a column for the day "
                               "(date, start_time) and some to count "
                               "(requests, input, output_tokens, cost)");
    }
    return problem;
}

/* ---- lines ---- */

typedef struct line_t {
    apr_time_t when;
    const char *model;
    apr_int64_t n[CTL_EXPORT_MEASURES];
    unsigned told;
} line_t;

static int read_day(apr_time_t *pwhen, const char *text)
{
    apr_int64_t seconds;
    char *end;

    if (!llm_time_read(pwhen, text, 0)) {
        /* not a duration or a word: those are about now */
        return apr_isdigit(*text) && strchr(text, '-');
    }
    seconds = apr_strtoi64(text, &end, 10);
    if (!*text || *end || seconds <= 0
        || seconds > APR_INT64_C(253402300799)) { /* 9999 */
        return 0;
    }
    *pwhen = apr_time_from_sec(seconds);
    return 1;
}

static int read_count(apr_int64_t *pn, const char *text)
{
    char *end;

    if (!*text) {
        *pn = 0;
        return 1;
    }
    *pn = apr_strtoi64(text, &end, 10);
    return apr_isdigit(*text) && !*end && *pn >= 0 && *pn < APR_INT64_MAX;
}

static int read_cost(apr_int64_t *pn, const char *text)
{
    text += *text == '$';
    return llm_money_read_number(pn, text, strlen(text), 0) != 0;
}

static const char *take_field(table_t *table, line_t *line, int means)
{
    const char *text = table->field;
    apr_int64_t n = 0;

    if (means == IS_DAY) {
        return read_day(&line->when, text)
                   ? NULL
                   : wrong(table, "expected a day like 2026-11-22");
    }
    if (means == IS_MODEL) {
        line->model = apr_pstrdup(table->export->pool, text);
        return NULL;
    }
    if (means == IS_UNKNOWN) {
        return NULL;
    }
    if (means == CTL_EXPORT_COST ? !read_cost(&n, text)
                                 : !read_count(&n, text)) {
        return wrong(table,
                     apr_psprintf(table->export->pool,
                                  "%s: expected a number, not '%.40s'",
                                  ctl_export_name((ctl_export_e)means), text));
    }
    line->n[means] = ctl_export_sum(line->n[means], n);
    line->told |= 1u << means;
    return NULL;
}

static const char *read_line(table_t *table)
{
    line_t line = {0, NULL, {0}, 0};
    const char *problem = NULL;
    ctl_export_row_t *row;
    unsigned i = 0;
    int last = 0, m;

    for (; !last && !problem; ++i) {
        problem = next_field(table, &last);
        if (!problem && i < table->columns) {
            problem = take_field(table, &line, table->means[i]);
        }
    }
    if (!problem && i != table->columns) {
        problem = wrong(table, "it has not as many fields as the header");
    }
    row = problem ? NULL : ctl_export_row(table->export, line.when, line.model);
    for (m = 0; row && m < CTL_EXPORT_MEASURES; ++m) {
        if (line.told & 1u << m) {
            ctl_export_add(table->export, row, (ctl_export_e)m, line.n[m]);
        }
    }
    return problem;
}

const char *ctl_export_read_csv(ctl_export_t *export, const char *data,
                                apr_size_t len)
{
    table_t *table = apr_pcalloc(export->pool, sizeof(*table));
    const char *problem;

    table->export = export;
    table->at = data;
    table->end = data + len;
    table->line = 1;
    problem = read_header(table);
    while (!problem && table->at < table->end) {
        ++table->line;
        if (*table->at == '\n' || *table->at == '\r') {
            ++table->at;
            continue;
        }
        problem = read_line(table);
    }
    return problem;
}
