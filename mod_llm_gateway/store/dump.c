/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to lines and back, in transactions of some thousand rows. */
#include "store/dump.h"

#include "core/llm_buf.h"
#include "core/llm_json.h"
#include "core/llm_time.h"
#include "store/bdb_care.h"
#include "store/codec.h"
#include "store/crc32c.h"
#include "store/files.h"
#include "store/meta.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <apr_strings.h>

#define VERSION    1
#define BATCH_ROWS 4096
#define LINE_BYTES (4u << 20)
#define TABLES_MAX 64 /* open at a time while a dump is read */

static apr_status_t fail(llm_dump_t *dump, apr_status_t status,
                         const char *what)
{
    dump->what = what;
    return status;
}

/* ------------------------------------------------------------------ writing */

typedef struct writing_t {
    llm_dump_t *dump;
    const char *table;
    llm_buf_t *line;
    apr_uint32_t crc;
    apr_status_t status;
} writing_t;

static void put_hex(llm_buf_t *out, llm_datum_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = bytes.data;
    apr_size_t i;

    for (i = 0; i < bytes.len; ++i) {
        llm_buf_putc(out, digits[at[i] >> 4]);
        llm_buf_putc(out, digits[at[i] & 15]);
    }
}

static int write_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    writing_t *writing = baton;
    llm_dump_t *dump = writing->dump;
    llm_buf_t *line = writing->line;

    llm_buf_clear(line);
    llm_buf_lit(line, "{\"table\":\"");
    llm_buf_puts(line, writing->table);
    llm_buf_lit(line, "\",\"key\":\"");
    put_hex(line, key);
    llm_buf_lit(line, "\",\"value\":\"");
    put_hex(line, value);
    llm_buf_lit(line, "\"}\n");
    writing->crc = llm_crc32c_more(writing->crc, line->data, line->len);
    if (fwrite(line->data, 1, line->len, dump->file) != line->len) {
        writing->status = errno ? errno : EIO;
    }
    dump->rows += 1;
    if (dump->each && dump->rows % BATCH_ROWS == 0
        && dump->each(dump->baton, dump->rows)) {
        writing->status = APR_EINTR;
    }
    return writing->status != APR_SUCCESS;
}

static apr_status_t write_table(writing_t *writing, llm_bdb_t *bdb,
                                const char *name, apr_pool_t *pool)
{
    llm_table_t *table;
    apr_status_t status =
        llm_table_open(&table, bdb, apr_pstrcat(pool, name, ".db", NULL));

    if (status != APR_SUCCESS) {
        return status;
    }
    writing->table = name;
    status = llm_table_scan(table, LLM_DATUM_NONE, write_row, writing);
    llm_table_close(table);
    return status == APR_SUCCESS ? writing->status : status;
}

static const char *const tables[] = {
#define TABLE(name) #name,
#include "store/tables.def"
#undef TABLE
    NULL,
};

/* "ev-20261122" of "ev-20261122.db"; NULL for another name. */
static const char *day_table(const char *file, apr_pool_t *pool)
{
    apr_size_t len = strlen(file);

    return len == strlen("ev-yyyymmdd.db") && !strncmp(file, "ev-", 3)
                   && strspn(file + 3, "0123456789") == 8
                   && !strcmp(file + len - 3, ".db")
               ? apr_pstrmemdup(pool, file, len - 3)
               : NULL;
}

static apr_status_t write_tables(writing_t *writing, llm_bdb_t *bdb,
                                 const char *env, apr_pool_t *pool)
{
    apr_array_header_t *files;
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; status == APR_SUCCESS && tables[i]; ++i) {
        status = write_table(writing, bdb, tables[i], pool);
    }
    if (status == APR_SUCCESS) {
        status = llm_folder_list(&files, env, pool);
    }
    for (i = 0; status == APR_SUCCESS && i < files->nelts; ++i) {
        const char *name =
            day_table(APR_ARRAY_IDX(files, i, const char *), pool);

        if (name) {
            status = write_table(writing, bdb, name, pool);
        }
    }
    return status;
}

static apr_status_t read_format(apr_uint64_t *pformat, llm_bdb_t *bdb)
{
    llm_table_t *meta;
    apr_status_t status = llm_table_open(&meta, bdb, "meta.db");

    if (status == APR_SUCCESS) {
        status = llm_meta_get(pformat, meta, NULL, LLM_META_FORMAT);
        llm_table_close(meta);
    }
    return status;
}

static apr_status_t write_all(llm_dump_t *dump, llm_bdb_t *bdb, const char *env,
                              apr_time_t now, apr_pool_t *pool)
{
    writing_t writing = {.dump = dump, .line = llm_buf_make(0, pool)};
    apr_uint64_t format = 0;
    apr_status_t status = read_format(&format, bdb);

    if (status != APR_SUCCESS) {
        return status;
    }
    fprintf(dump->file,
            "{\"dump\":\"llm-gateway\",\"version\":%d,\"format\":"
            "%" APR_UINT64_T_FMT ",\"written\":\"%s\",\"by\":\"%s\"}\n",
            VERSION, format, llm_time_print(now, pool), LLMGW_VERSION);
    status = write_tables(&writing, bdb, env, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    fprintf(dump->file,
            "{\"end\":{\"rows\":%" APR_UINT64_T_FMT ",\"crc32c\":\"%08x\"}}\n",
            dump->rows, writing.crc);
    return fflush(dump->file) || ferror(dump->file) ? (errno ? errno : EIO)
                                                    : APR_SUCCESS;
}

apr_status_t llm_dump_write(llm_dump_t *dump, const char *env, apr_time_t now,
                            apr_pool_t *pool)
{
    llm_bdb_t *bdb;
    apr_status_t status = llm_bdb_open_copy(&bdb, env, pool), closed;

    dump->rows = 0;
    dump->what = NULL;
    if (status != APR_SUCCESS) {
        return fail(dump, status, "the copy cannot be recovered");
    }
    status = write_all(dump, bdb, env, now, pool);
    closed = llm_bdb_close(bdb);
    return status == APR_SUCCESS ? closed : status;
}

/* ------------------------------------------------------------------ reading */

typedef struct open_table_t {
    char name[16];
    llm_table_t *table;
} open_table_t;

typedef struct reading_t {
    llm_dump_t *dump;
    llm_bdb_t *bdb;
    llm_txn_t *txn;
    open_table_t open[TABLES_MAX];
    unsigned count;
    apr_uint32_t crc;
    apr_uint64_t line;
    int ended;
    apr_pool_t *pool;
    apr_pool_t *row_pool;
} reading_t;

static apr_status_t wrong(reading_t *reading, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static apr_status_t wrong(reading_t *reading, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    reading->dump->what =
        apr_psprintf(reading->pool, "line %" APR_UINT64_T_FMT ": %s",
                     reading->line, apr_pvsprintf(reading->pool, fmt, args));
    va_end(args);
    return APR_EINVAL;
}

static int is_table(const char *name)
{
    int i;

    for (i = 0; tables[i]; ++i) {
        if (!strcmp(tables[i], name)) {
            return 1;
        }
    }
    return 0;
}

/* A transaction and a table that was opened in another cannot mix: what is
 * pending is committed first. */
static apr_status_t commit(reading_t *reading)
{
    llm_txn_t *txn = reading->txn;

    reading->txn = NULL;
    return txn ? llm_txn_commit(txn) : APR_SUCCESS;
}

static void close_tables(reading_t *reading)
{
    while (reading->count) {
        llm_table_close(reading->open[--reading->count].table);
    }
}

static apr_status_t open_table(llm_table_t **ptable, reading_t *reading,
                               const char *name)
{
    const char *file = apr_pstrcat(reading->row_pool, name, ".db", NULL);
    open_table_t *open;
    apr_status_t status;

    if (!is_table(name) && !day_table(file, reading->row_pool)) {
        return wrong(reading, "table: there is no table %s", name);
    }
    status = commit(reading);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (reading->count == TABLES_MAX) {
        close_tables(reading);
    }
    open = &reading->open[reading->count];
    status = llm_table_open(&open->table, reading->bdb, file);
    if (status == APR_SUCCESS) {
        apr_cpystrn(open->name, name, sizeof(open->name));
        reading->count += 1;
        *ptable = open->table;
    }
    return status;
}

static apr_status_t find_table(llm_table_t **ptable, reading_t *reading,
                               const char *name)
{
    unsigned i;

    for (i = reading->count; i; --i) {
        if (!strcmp(reading->open[i - 1].name, name)) {
            *ptable = reading->open[i - 1].table;
            return APR_SUCCESS;
        }
    }
    return open_table(ptable, reading, name);
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static apr_status_t read_hex(llm_datum_t *pbytes, reading_t *reading,
                             const llm_json_t *row, const char *name)
{
    const char *text =
        llm_json_string(llm_json_get(row, name), reading->row_pool);
    apr_size_t i, len = text ? strlen(text) : 1;
    unsigned char *bytes;

    if (len % 2) {
        return wrong(reading, "%s: expected pairs of hexadecimal digits", name);
    }
    bytes = apr_palloc(reading->row_pool, len / 2 + 1);
    for (i = 0; i < len / 2; ++i) {
        int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return wrong(reading, "%s: '%.2s' is not hexadecimal", name,
                         text + 2 * i);
        }
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    *pbytes = (llm_datum_t){bytes, len / 2};
    return APR_SUCCESS;
}

static apr_status_t put_row(reading_t *reading, llm_table_t *table,
                            llm_datum_t key, llm_datum_t value)
{
    apr_status_t status = APR_SUCCESS;

    if (!key.len || key.len >= LLM_KEY_BYTES) {
        return wrong(reading, "key: expected 1 to %d bytes", LLM_KEY_BYTES - 1);
    }
    if (!reading->txn) {
        status = llm_txn_begin(&reading->txn, reading->bdb);
    }
    if (status == APR_SUCCESS) {
        status = llm_table_put(table, reading->txn, key, value, LLM_PUT_NEW);
    }
    if (status == APR_EEXIST) {
        return wrong(reading, "key: the table has a row with that key already");
    }
    reading->dump->rows += 1;
    if (status == APR_SUCCESS && reading->dump->rows % BATCH_ROWS == 0) {
        status = commit(reading);
        if (reading->dump->each
            && reading->dump->each(reading->dump->baton, reading->dump->rows)) {
            status = APR_EINTR;
        }
    }
    return status;
}

static apr_status_t read_row(reading_t *reading, const llm_json_t *row)
{
    const char *name =
        llm_json_string(llm_json_get(row, "table"), reading->row_pool);
    llm_datum_t key, value;
    llm_table_t *table = NULL;
    apr_status_t status;

    if (!name) {
        return wrong(reading, "table: expected the name of a table");
    }
    status = read_hex(&key, reading, row, "key");
    if (status == APR_SUCCESS) {
        status = read_hex(&value, reading, row, "value");
    }
    if (status == APR_SUCCESS) {
        status = find_table(&table, reading, name);
    }
    return status == APR_SUCCESS ? put_row(reading, table, key, value) : status;
}

static apr_status_t read_header(reading_t *reading, const llm_json_t *doc)
{
    apr_int64_t version = 0, format = 0;

    if (!llm_json_equals(llm_json_get(doc, "dump"), "llm-gateway")
        || !llm_json_int(llm_json_get(doc, "version"), &version)
        || !llm_json_int(llm_json_get(doc, "format"), &format)) {
        return wrong(reading, "expected the first line of a dump: "
                              "{\"dump\":\"llm-gateway\",...}");
    }
    if (version > VERSION || format > LLM_STORE_FORMAT) {
        wrong(reading,
              "a newer version wrote it: dump %" APR_INT64_T_FMT
              " and format %" APR_INT64_T_FMT ", and this one knows %d and %d",
              version, format, VERSION, LLM_STORE_FORMAT);
        return APR_ENOTIMPL;
    }
    return APR_SUCCESS;
}

static apr_status_t read_end(reading_t *reading, const llm_json_t *end)
{
    const char *crc =
        llm_json_string(llm_json_get(end, "crc32c"), reading->row_pool);
    apr_int64_t rows = -1;

    reading->ended = 1;
    if (!llm_json_int(llm_json_get(end, "rows"), &rows)
        || rows != (apr_int64_t)reading->dump->rows) {
        return wrong(reading,
                     "rows: it says %" APR_INT64_T_FMT
                     ", and there were %" APR_UINT64_T_FMT,
                     rows, reading->dump->rows);
    }
    if (!crc
        || strcmp(crc, apr_psprintf(reading->row_pool, "%08x", reading->crc))
               != 0) {
        return wrong(reading, "crc32c: the rows are not those that were "
                              "written");
    }
    return APR_SUCCESS;
}

static apr_status_t read_line(reading_t *reading, const char *line,
                              apr_size_t len)
{
    const llm_json_t *doc, *end;

    apr_pool_clear(reading->row_pool);
    reading->line += 1;
    if (reading->ended) {
        return wrong(reading, "there is more after the end");
    }
    if (llm_json_read(&doc, line, len, NULL, reading->row_pool)
        != APR_SUCCESS) {
        return wrong(reading, "it is not JSON");
    }
    if (reading->line == 1) {
        return read_header(reading, doc);
    }
    end = llm_json_get(doc, "end");
    if (end) {
        return read_end(reading, end);
    }
    reading->crc = llm_crc32c_more(reading->crc, line, len);
    reading->crc = llm_crc32c_more(reading->crc, "\n", 1);
    return read_row(reading, doc);
}

static apr_status_t read_lines(reading_t *reading)
{
    char *line = NULL;
    size_t size = 0;
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS) {
        ssize_t len = getline(&line, &size, reading->dump->file);

        if (len < 0) {
            break;
        }
        if (line[len - 1] != '\n' || len > (ssize_t)LINE_BYTES) {
            reading->line += 1;
            status = wrong(reading, "it is cut off, or too long");
            break;
        }
        status = read_line(reading, line, (apr_size_t)len - 1);
    }
    free(line);
    if (status == APR_SUCCESS && !reading->ended) {
        status = wrong(reading, "the dump is not complete: its last line, "
                                "{\"end\":...}, is missing");
    }
    return status;
}

apr_status_t llm_dump_read(llm_dump_t *dump, const char *env, apr_pool_t *pool)
{
    reading_t reading = {.dump = dump, .pool = pool};
    apr_status_t status = llm_bdb_open(&reading.bdb, env, pool), closed;

    dump->rows = 0;
    dump->what = NULL;
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_pool_create(&reading.row_pool, pool);
    status = read_lines(&reading);
    if (status == APR_SUCCESS) {
        status = commit(&reading);
    }
    if (reading.txn) {
        llm_txn_abort(reading.txn);
    }
    close_tables(&reading);
    closed = llm_bdb_close(reading.bdb);
    return status == APR_SUCCESS ? closed : status;
}
