/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of rows, each for ROW_RECORDS numbers. A row is its version, the
 * number before its first record, and keys; its own key is its place in the
 * ring. Who reads a row sees by that number whether it was used again.
 *
 * In a store that is older than this table its first numbers are unknown: a
 * row may begin with keys that are all zero.
 */
#include "store/recent.h"

#include "store/bytes.h"

#include <string.h>

#define ROW_RECORDS 32
#define ROWS        (LLM_RECENT / ROW_RECORDS)
#define ROW_VERSION 1
#define ROW_HEAD    9
#define ROW_MAX     (ROW_HEAD + ROW_RECORDS * LLM_EVENT_KEY)

typedef struct row_t {
    unsigned char key[2];
    unsigned char bytes[ROW_MAX];
    apr_size_t len;
} row_t;

static void name_row(row_t *row, apr_uint64_t number)
{
    llm_be_put(row->key, number / ROW_RECORDS % ROWS, sizeof(row->key));
}

static int is_row_of(const row_t *row, apr_uint64_t number)
{
    return row->len >= ROW_HEAD && (row->len - ROW_HEAD) % LLM_EVENT_KEY == 0
           && row->bytes[0] == ROW_VERSION
           && llm_le_get(row->bytes + 1, 8) == number - number % ROW_RECORDS;
}

/* The row that a number (from 0 on) belongs to; an empty one when the ring has
 * another there, or none. */
static apr_status_t read_row(row_t *row, llm_table_t *table, llm_txn_t *txn,
                             apr_uint64_t number)
{
    apr_status_t status;

    memset(row, 0, sizeof(*row));
    name_row(row, number);
    status = llm_table_get(table, txn, LLM_DATUM(row->key), row->bytes,
                           sizeof(row->bytes), &row->len);
    if (status == APR_NOTFOUND) {
        row->len = 0;
        status = APR_SUCCESS;
    }
    if (status == APR_SUCCESS && !is_row_of(row, number)) {
        row->len = 0;
    }
    return status;
}

static void begin_row(row_t *row, apr_uint64_t number)
{
    memset(row->bytes, 0, sizeof(row->bytes));
    row->bytes[0] = ROW_VERSION;
    llm_le_put(row->bytes + 1, number - number % ROW_RECORDS, 8);
}

apr_status_t llm_recent_add(llm_table_t *table, llm_txn_t *txn,
                            apr_uint64_t last, const unsigned char *keys,
                            unsigned count)
{
    apr_status_t status = APR_SUCCESS;

    while (count && status == APR_SUCCESS) {
        unsigned at = (unsigned)(last % ROW_RECORDS);
        unsigned now = ROW_RECORDS - at < count ? ROW_RECORDS - at : count;
        row_t row;

        status = read_row(&row, table, txn, last);
        if (status != APR_SUCCESS) {
            break;
        }
        if (!row.len) {
            begin_row(&row, last);
        }
        memcpy(row.bytes + ROW_HEAD + at * LLM_EVENT_KEY, keys,
               (apr_size_t)now * LLM_EVENT_KEY);
        row.len = ROW_HEAD + (apr_size_t)(at + now) * LLM_EVENT_KEY;
        status = llm_table_put(table, txn, LLM_DATUM(row.key),
                               (llm_datum_t){row.bytes, row.len}, LLM_PUT_OVER);
        keys += (apr_size_t)now * LLM_EVENT_KEY;
        last += now;
        count -= now;
    }
    return status;
}

/* The key of a number (from 0 on) in its row, or NULL. */
static const unsigned char *key_in(const row_t *row, apr_uint64_t number)
{
    static const unsigned char none[LLM_EVENT_KEY];
    apr_size_t at = ROW_HEAD + number % ROW_RECORDS * LLM_EVENT_KEY;

    return at + LLM_EVENT_KEY <= row->len
                   && memcmp(row->bytes + at, none, sizeof(none)) != 0
               ? row->bytes + at
               : NULL;
}

apr_status_t llm_recent_each(apr_uint64_t *pmissed, llm_table_t *table,
                             apr_uint64_t after, apr_uint64_t last,
                             llm_recent_cb *each, void *baton)
{
    apr_uint64_t number;
    row_t row = {.len = 0};
    int is_first = 1;

    *pmissed = 0;
    if (last > LLM_RECENT && after < last - LLM_RECENT) {
        *pmissed = last - LLM_RECENT - after;
        after = last - LLM_RECENT;
    }
    for (number = after; number < last; ++number) {
        const unsigned char *key;

        if (is_first || number % ROW_RECORDS == 0) {
            apr_status_t status = read_row(&row, table, NULL, number);

            if (status != APR_SUCCESS) {
                return status;
            }
            is_first = 0;
        }
        key = key_in(&row, number);
        *pmissed += !key;
        if (key && each(baton, number + 1, key)) {
            break;
        }
    }
    return APR_SUCCESS;
}
