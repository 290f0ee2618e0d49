/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results as JSON, CSV or a table, all from the same columns.
 *
 * The shape of the JSON is documented in llmgwctl(1) and does not change: an
 * object with a member called after the thing asked for. Numbers are written
 * with the digits the store sent, never by way of a floating-point number.
 * JSON and CSV leave row by row, one row a line, so that a long list needs no
 * memory; an error in the middle of a list ends it as a member "error".
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>
#include <cjson/cJSON.h>

#include "core/llm_money.h"

struct ctl_list_t {
    ctl_t *ctl;
    const char *name;
    const ctl_column_t *columns;
    unsigned count;           /* rows so far */
    int is_closed;            /* JSON: the array's bracket was written */
    int is_stream;            /* JSON: no object around the rows */
    int is_long;              /* a table does not wait for the end either */
    const char *const *total; /* or NULL */
    ctl_table_t *table;       /* CTL_TABLE */
    apr_pool_t *row_pool;     /* for one row */
};

unsigned ctl_columns(const ctl_column_t *columns)
{
    unsigned count = 0;

    while (columns[count].name) {
        ++count;
    }
    return count;
}

/* "a,b" of an array's strings, or of a string. */
static const char *names_of(const llm_json_t *value, apr_pool_t *pool)
{
    const char *names = "";
    const llm_json_t *each;

    if (!llm_json_is(value, LLM_JSON_ARRAY)) {
        return llm_json_string(value, pool);
    }
    for (each = value->child; each; each = each->next) {
        names = apr_pstrcat(pool, names, *names ? "," : "",
                            llm_json_string(each, pool), NULL);
    }
    return names;
}

const char **ctl_cells(const ctl_column_t *columns, const llm_json_t *row,
                       apr_pool_t *pool)
{
    unsigned i, count = ctl_columns(columns);
    const char **cells = apr_pcalloc(pool, (count + 1) * sizeof(*cells));

    for (i = 0; i < count; ++i) {
        const llm_json_t *value = llm_json_want(row, columns[i].name);

        if (!value) {
            continue;
        }
        if (columns[i].form == CTL_NAMES) {
            cells[i] = names_of(value, pool);
        }
        else if (llm_json_is(value, LLM_JSON_STRING)) {
            cells[i] = llm_json_string(value, pool);
        }
        else {
            cells[i] = apr_pstrmemdup(pool, value->raw.data, value->raw.len);
        }
    }
    return cells;
}

/* ------------------------------------------------------------------- JSON */

static const char *dollars(const char *nano, apr_pool_t *pool)
{
    /* a difference may be below zero */
    return *nano == '-' ? apr_pstrcat(
               pool, "-", llm_money_print(apr_atoi64(nano + 1), pool), NULL)
                        : llm_money_print(apr_atoi64(nano), pool);
}

static cJSON *names_json(const char *cell, apr_pool_t *pool)
{
    cJSON *names = cJSON_CreateArray();

    while (*cell) {
        apr_size_t len = strcspn(cell, ",");

        cJSON_AddItemToArray(
            names, cJSON_CreateString(apr_pstrmemdup(pool, cell, len)));
        cell += len + (cell[len] == ',');
    }
    return names;
}

static void add_cell(cJSON *object, const ctl_column_t *column,
                     const char *cell, apr_pool_t *pool)
{
    const char *nano;

    switch (column->form) {
    case CTL_COUNT:
    case CTL_ID:
    case CTL_FLAG:
    case CTL_OBJECT:
        cJSON_AddRawToObject(object, column->name, cell ? cell : "null");
        break;
    case CTL_MONEY:
        nano = apr_pstrcat(pool, column->name, "_nanodollars", NULL);
        cJSON_AddRawToObject(object, nano, cell ? cell : "null");
        cell = cell ? dollars(cell, pool) : NULL;
        /* fall through */
    default:
        if (cell && column->form == CTL_NAMES) {
            cJSON_AddItemToObject(object, column->name, names_json(cell, pool));
        }
        else if (cell) {
            cJSON_AddStringToObject(object, column->name, cell);
        }
        else {
            cJSON_AddNullToObject(object, column->name);
        }
    }
}

static cJSON *row_json(const ctl_column_t *columns, const char *const *cells,
                       apr_pool_t *pool)
{
    cJSON *object = cJSON_CreateObject();

    for (; columns->name; ++columns, ++cells) {
        add_cell(object, columns, *cells, pool);
    }
    return object;
}

/* Writes it and gives it back to cJSON. */
static void put_json(FILE *out, cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);

    fputs(text ? text : "null", out);
    cJSON_free(text);
    cJSON_Delete(value);
}

static void put_member(FILE *out, const char *name, cJSON *value)
{
    fprintf(out, "\"%s\":", name);
    put_json(out, value);
}

static void close_array(ctl_list_t *list)
{
    if (!list->is_closed) {
        fputs(list->count ? "\n]" : "]", list->ctl->world->out);
        list->is_closed = 1;
    }
}

void ctl_print_error(ctl_t *ctl, const char *code, const char *message)
{
    FILE *out = ctl->world->out;
    cJSON *error = cJSON_CreateObject();

    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    if (ctl->open_list) {
        close_array(ctl->open_list);
        ctl->open_list = NULL;
        fputc(',', out);
    }
    else {
        fputc('{', out);
    }
    put_member(out, "error", error);
    fputs("}\n", out);
}

/* -------------------------------------------------------------------- CSV */

/* Quoted where RFC 4180 wants it. */
static void put_field(FILE *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; ++text) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(*text, out);
    }
    fputc('"', out);
}

static void csv_head(FILE *out, const ctl_column_t *columns)
{
    const char *comma = "";

    for (; columns->name; ++columns, comma = ",") {
        if (columns->form == CTL_MONEY) {
            fprintf(out, "%s%s_nanodollars", comma, columns->name);
            comma = ",";
        }
        fprintf(out, "%s%s", comma, columns->name);
    }
    fputs("\r\n", out);
}

static void csv_row(FILE *out, const ctl_column_t *columns,
                    const char *const *cells, apr_pool_t *pool)
{
    const char *comma = "";

    for (; columns->name; ++columns, ++cells, comma = ",") {
        const char *cell = *cells ? *cells : "";

        fputs(comma, out);
        if (columns->form == CTL_MONEY) {
            fprintf(out, "%s,", cell);
            cell = *cell ? dollars(cell, pool) : "";
        }
        put_field(out, cell);
    }
    fputs("\r\n", out);
}

/* ------------------------------------------------------------------- list */

ctl_list_t *ctl_list_begin(ctl_t *ctl, const char *name,
                           const ctl_column_t *columns)
{
    ctl_list_t *list = apr_pcalloc(ctl->pool, sizeof(*list));

    list->ctl = ctl;
    list->name = name;
    list->columns = columns;
    apr_pool_create(&list->row_pool, ctl->pool);
    list->is_stream = !name;
    switch (ctl->face) {
    case CTL_JSON:
        if (name) {
            fprintf(ctl->world->out, "{\"%s\":[", name);
            ctl->open_list = list;
        }
        break;
    case CTL_CSV:
        csv_head(ctl->world->out, columns);
        break;
    case CTL_TABLE:
        list->table = ctl_table_make(columns, ctl->pool);
        break;
    }
    return list;
}

void ctl_list_is_long(ctl_list_t *list)
{
    list->is_long = 1;
}

void ctl_list_add(ctl_list_t *list, const char *const *cells)
{
    FILE *out = list->ctl->world->out;

    switch (list->ctl->face) {
    case CTL_JSON:
        if (!list->is_stream) {
            fputs(list->count ? ",\n" : "\n", out);
        }
        put_json(out, row_json(list->columns, cells, list->row_pool));
        if (list->is_stream) {
            fputc('\n', out);
        }
        break;
    case CTL_CSV:
        csv_row(out, list->columns, cells, list->row_pool);
        break;
    case CTL_TABLE:
        ctl_table_add(list->table, cells);
        if (list->is_long) {
            ctl_table_stream(list->table, list->ctl->world);
        }
        break;
    }
    apr_pool_clear(list->row_pool);
    ++list->count;
}

void ctl_list_total(ctl_list_t *list, const char *const *cells)
{
    FILE *out = list->ctl->world->out;

    if (list->ctl->face == CTL_JSON) {
        close_array(list);
        fputs(",\n", out);
        put_member(out, "total",
                   row_json(list->columns, cells, list->row_pool));
    }
    else if (list->ctl->face == CTL_TABLE) {
        ctl_table_total(list->table, cells);
    }
}

void ctl_list_more(ctl_list_t *list, const char *name, const char *text)
{
    if (list->ctl->face == CTL_JSON) {
        close_array(list);
        fputs(",\n", list->ctl->world->out);
        put_member(list->ctl->world->out, name,
                   text ? cJSON_CreateString(text) : cJSON_CreateNull());
    }
}

void ctl_list_more_record(ctl_list_t *list, const char *name,
                          const ctl_column_t *columns, const char *const *cells)
{
    if (list->ctl->face == CTL_JSON) {
        close_array(list);
        fputs(",\n", list->ctl->world->out);
        put_member(list->ctl->world->out, name,
                   row_json(columns, cells, list->row_pool));
    }
}

void ctl_list_end(ctl_list_t *list)
{
    if (list->ctl->face == CTL_JSON) {
        close_array(list);
        fputs("}\n", list->ctl->world->out);
        list->ctl->open_list = NULL;
    }
    else if (list->ctl->face == CTL_TABLE && list->count) {
        ctl_table_print(list->table, list->ctl->world);
    }
}

int ctl_list_flush(ctl_list_t *list)
{
    FILE *out = list->ctl->world->out;

    if (list->table) {
        ctl_table_flush(list->table, list->ctl->world);
    }
    return !fflush(out) && !ferror(out);
}

unsigned ctl_list_count(const ctl_list_t *list)
{
    return list->count;
}

void ctl_record(ctl_t *ctl, const char *name, const ctl_column_t *columns,
                const char *const *cells, const char *secret)
{
    FILE *out = ctl->world->out;

    switch (ctl->face) {
    case CTL_JSON:
        fputc('{', out);
        put_member(out, name, row_json(columns, cells, ctl->pool));
        if (secret) {
            fputc(',', out);
            put_member(out, "secret", cJSON_CreateString(secret));
        }
        fputs("}\n", out);
        break;
    case CTL_CSV:
        csv_head(out, columns);
        csv_row(out, columns, cells, ctl->pool);
        break;
    case CTL_TABLE:
        ctl_table_print_record(columns, cells, ctl->world, ctl->pool);
        break;
    }
}
