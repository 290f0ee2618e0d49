/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns for people: aligned, no wider than the terminal, safe to look at.
 *
 * Model names and notes come from others, so what could steer a terminal is
 * made visible. Numbers stand at the right, text at the left; where the
 * terminal is too narrow the widest text gives way. Into a file or a pipe
 * nothing is cut. An empty cell is "-", so that every line has the same
 * number of words.
 *
 * A long list does not wait for its end: the first rows say how wide the
 * columns are, and the others follow as they come. What no row has used until
 * then is shown too, for a later one may.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_money.h"
#include "core/llm_utf8.h"

#define GAP        2    /* blanks between columns */
#define NARROWEST  8    /* no text is cut below this */
#define LOOK_AHEAD 1000 /* rows that say how wide columns are */
#define CUT_SIGN   "~"  /* where a text was cut */
#define BOLD       "\033[1m"
#define PLAIN      "\033[0m"

struct ctl_table_t {
    const ctl_column_t *columns;
    apr_array_header_t *rows; /* of const char ** : texts as printed */
    const char **total;       /* or NULL */
    unsigned *widths;         /* 0: the column is not shown */
    unsigned char *is_used;   /* some row has a value there */
    int is_begun;             /* the titles are out, the widths are fixed */
    int is_fitted;            /* to a terminal: what is wider is cut */
    apr_pool_t *pool;
    apr_pool_t *row_pool; /* of the rows that are not printed yet */
};

/* Characters, not bytes. */
unsigned ctl_text_width(const char *text)
{
    unsigned width = 0;

    for (; *text; ++text) {
        width += !llm_utf8_is_tail(*text);
    }
    return width;
}

static int steers_terminals(const char *at, apr_size_t len)
{
    unsigned char first = (unsigned char)at[0];

    return len == 0 || first < 0x20 || first == 0x7F
           || (len == 2 && first == 0xC2 && (unsigned char)at[1] < 0xA0);
}

const char *ctl_safe_text(const char *text, apr_pool_t *pool)
{
    const char *end = text + strlen(text), *at;
    char *safe = apr_palloc(pool, 4 * (apr_size_t)(end - text) + 1), *to = safe;
    apr_size_t len, i;

    for (at = text; at < end; at += len) {
        int is_bad;

        len = llm_utf8_length(at, end);
        is_bad = steers_terminals(at, len);
        len += !len;
        for (i = 0; i < len; ++i) {
            if (is_bad) {
                to += apr_snprintf(to, 5, "\\x%02x", (unsigned char)at[i]);
            }
            else {
                *to++ = at[i];
            }
        }
    }
    *to = '\0';
    return safe;
}

/* "1234567" as "1,234,567"; anything but digits as it is. */
static const char *grouped(const char *digits, apr_pool_t *pool)
{
    apr_size_t len = strlen(digits), i;
    char *text, *to;

    if (len <= 3 || strspn(digits, "0123456789") != len) {
        return digits;
    }
    to = text = apr_palloc(pool, len + len / 3 + 1);
    for (i = 0; i < len; ++i) {
        if (i && (len - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

/* Six decimals, so that the points stand below one another. */
static const char *dollars(const char *cell, apr_pool_t *pool)
{
    const char *sign = *cell == '-' ? "-" : "";
    llm_money_t micro = (apr_atoi64(cell + strlen(sign)) + 500) / 1000;

    return apr_psprintf(
        pool, "%s$%s.%06" APR_INT64_T_FMT, micro ? sign : "",
        grouped(apr_psprintf(pool, "%" APR_INT64_T_FMT, micro / 1000000), pool),
        micro % 1000000);
}

/* "2026-11-22T10:00:00.000000Z" as "2026-11-22 10:00:00". */
static const char *plain_time(const char *cell, apr_pool_t *pool)
{
    char *text = apr_pstrmemdup(pool, cell, strcspn(cell, ".Z"));

    if (strlen(text) > 10 && text[10] == 'T') {
        text[10] = ' ';
    }
    return text;
}

const char *ctl_face_text(const ctl_column_t *column, const char *cell,
                          apr_pool_t *pool)
{
    if (!cell || !*cell) {
        return "-";
    }
    switch (column->form) {
    case CTL_COUNT:
        return grouped(cell, pool);
    case CTL_MONEY:
        return dollars(cell, pool);
    case CTL_TIME:
        return plain_time(cell, pool);
    case CTL_FLAG:
        return strcmp(cell, "true") ? "no" : "yes";
    default:
        return ctl_safe_text(cell, pool);
    }
}

ctl_table_t *ctl_table_make(const ctl_column_t *columns, apr_pool_t *pool)
{
    ctl_table_t *table = apr_pcalloc(pool, sizeof(*table));
    unsigned count = ctl_columns(columns);

    table->pool = pool;
    apr_pool_create(&table->row_pool, pool);
    table->columns = columns;
    table->rows = apr_array_make(pool, 64, sizeof(const char **));
    table->widths = apr_pcalloc(pool, (count + 1) * sizeof(unsigned));
    table->is_used = apr_pcalloc(pool, count + 1);
    return table;
}

static const char **read_row(ctl_table_t *table, const char *const *cells)
{
    apr_pool_t *pool = table->row_pool;
    unsigned i, count = ctl_columns(table->columns);
    const char **row = apr_pcalloc(pool, (count + 1) * sizeof(*row));

    for (i = 0; i < count; ++i) {
        unsigned width;

        row[i] = apr_pstrdup(pool,
                             ctl_face_text(&table->columns[i], cells[i], pool));
        width = ctl_text_width(row[i]);
        if (width > table->widths[i] && !table->is_begun) {
            table->widths[i] = width;
        }
        table->is_used[i] |= strcmp(row[i], "-") && strcmp(row[i], "0");
    }
    return row;
}

void ctl_table_add(ctl_table_t *table, const char *const *cells)
{
    APR_ARRAY_PUSH(table->rows, const char **) = read_row(table, cells);
}

void ctl_table_stream(ctl_table_t *table, const ctl_world_t *world)
{
    if (table->rows->nelts < LOOK_AHEAD) {
        return;
    }
    if (!table->is_begun) {
        memset(table->is_used, 1, ctl_columns(table->columns));
    }
    ctl_table_flush(table, world);
}

void ctl_table_total(ctl_table_t *table, const char *const *cells)
{
    table->total = read_row(table, cells);
}

static int is_text(const ctl_column_t *column)
{
    return column->form == CTL_TEXT || column->form == CTL_NAMES;
}

/* The widths as they will be printed: titles fit, what is not shown is 0. */
static void settle_widths(ctl_table_t *table)
{
    unsigned i;

    for (i = 0; table->columns[i].name; ++i) {
        const ctl_column_t *column = &table->columns[i];

        if ((column->flags & CTL_HIDE)
            || ((column->flags & CTL_IF_ANY) && !table->is_used[i])) {
            table->widths[i] = 0;
        }
        else if (table->widths[i] < ctl_text_width(column->title)) {
            table->widths[i] = ctl_text_width(column->title);
        }
    }
}

/* Takes from the widest text, a character at a time, until all fits. */
static void fit(ctl_table_t *table, unsigned limit)
{
    for (;;) {
        unsigned i, sum = 0, *widest = NULL;

        for (i = 0; table->columns[i].name; ++i) {
            sum += table->widths[i] ? table->widths[i] + GAP : 0;
            if (is_text(&table->columns[i]) && table->widths[i] > NARROWEST
                && (!widest || table->widths[i] > *widest)) {
                widest = &table->widths[i];
            }
        }
        if (!widest || sum <= limit + GAP) {
            return;
        }
        --*widest;
    }
}

/* At most `width` characters of a text that is valid UTF-8. */
const char *ctl_cut_text(const char *text, unsigned width, apr_pool_t *pool)
{
    const char *end = text + strlen(text), *at = text;

    if (ctl_text_width(text) <= width) {
        return text;
    }
    while (--width) {
        at += llm_utf8_length(at, end);
    }
    return apr_pstrcat(pool,
                       apr_pstrmemdup(pool, text, (apr_size_t)(at - text)),
                       CUT_SIGN, NULL);
}

static int is_last(const ctl_table_t *table, unsigned column)
{
    for (++column; table->columns[column].name; ++column) {
        if (table->widths[column]) {
            return 0;
        }
    }
    return 1;
}

static void print_row(const ctl_table_t *table, const char *const *texts,
                      FILE *out)
{
    const char *gap = "";
    unsigned i;

    for (i = 0; table->columns[i].name; ++i) {
        const char *text;
        int blanks;

        if (!table->widths[i]) {
            continue;
        }
        text = table->is_fitted && is_text(&table->columns[i])
                   ? ctl_cut_text(texts[i], table->widths[i], table->row_pool)
                   : texts[i];
        blanks = (int)table->widths[i] - (int)ctl_text_width(text);
        blanks = blanks < 0 ? 0 : blanks; /* of a list that goes on */
        if (!is_text(&table->columns[i])
            && table->columns[i].form != CTL_TIME) {
            fprintf(out, "%s%*s%s", gap, blanks, "", text);
        }
        else if (is_last(table, i)) {
            fprintf(out, "%s%s", gap, text);
        }
        else {
            fprintf(out, "%s%s%*s", gap, text, blanks, "");
        }
        gap = "  ";
    }
    fputc('\n', out);
}

static void print_bold(const ctl_table_t *table, const char *const *texts,
                       const ctl_world_t *world)
{
    if (world->colour) {
        fputs(BOLD, world->out);
    }
    print_row(table, texts, world->out);
    if (world->colour) {
        fputs(PLAIN, world->out);
    }
}

static void print_titles(ctl_table_t *table, const ctl_world_t *world)
{
    unsigned i, count = ctl_columns(table->columns);
    const char **titles =
        apr_pcalloc(table->pool, (count + 1) * sizeof(*titles));

    settle_widths(table);
    if (world->width) {
        fit(table, world->width);
        table->is_fitted = 1;
    }
    for (i = 0; i < count; ++i) {
        titles[i] = table->columns[i].title;
    }
    print_bold(table, titles, world);
}

static void print_rows(const ctl_table_t *table, const ctl_world_t *world)
{
    int i;

    for (i = 0; i < table->rows->nelts; ++i) {
        print_row(table, APR_ARRAY_IDX(table->rows, i, const char **),
                  world->out);
    }
}

void ctl_table_flush(ctl_table_t *table, const ctl_world_t *world)
{
    if (!table->rows->nelts) {
        return;
    }
    if (!table->is_begun) {
        print_titles(table, world);
        table->is_begun = 1;
    }
    print_rows(table, world);
    apr_array_clear(table->rows);
    apr_pool_clear(table->row_pool);
}

void ctl_table_print(ctl_table_t *table, const ctl_world_t *world)
{
    if (!table->is_begun) {
        print_titles(table, world);
    }
    print_rows(table, world);
    if (table->total) {
        print_bold(table, table->total, world);
    }
}

/* Does a record show this column? */
static int is_shown(const ctl_column_t *column, const char *cell)
{
    return !(column->flags & CTL_HIDE)
           && (!(column->flags & CTL_IF_ANY)
               || (cell && *cell && strcmp(cell, "0")));
}

void ctl_table_print_record(const ctl_column_t *columns,
                            const char *const *cells, const ctl_world_t *world,
                            apr_pool_t *pool)
{
    unsigned i, widest = 0;

    for (i = 0; columns[i].name; ++i) {
        if (is_shown(&columns[i], cells[i])
            && ctl_text_width(columns[i].title) > widest) {
            widest = ctl_text_width(columns[i].title);
        }
    }
    for (i = 0; columns[i].name; ++i) {
        if (is_shown(&columns[i], cells[i])) {
            fprintf(world->out, "%s%s%s%*s  %s\n", world->colour ? BOLD : "",
                    columns[i].title, world->colour ? PLAIN : "",
                    (int)(widest - ctl_text_width(columns[i].title)), "",
                    ctl_face_text(&columns[i], cells[i], pool));
        }
    }
}
