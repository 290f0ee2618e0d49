/* SPDX-License-Identifier: Apache-2.0 */
/* A row is a name -> 8 bytes, little-endian. */
#include "store/meta.h"

#include "core/llm_key.h"
#include "store/bytes.h"

#include <string.h>

static llm_datum_t key_of(const char *name)
{
    return (llm_datum_t){name, strlen(name)};
}

apr_status_t llm_meta_get(apr_uint64_t *pnumber, llm_table_t *meta,
                          llm_txn_t *txn, const char *name)
{
    unsigned char bytes[8];
    apr_size_t len;
    apr_status_t status =
        llm_table_get(meta, txn, key_of(name), bytes, sizeof(bytes), &len);

    *pnumber = 0;
    if (status == APR_NOTFOUND) {
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS) {
        if (len != sizeof(bytes)) {
            return APR_EINVAL;
        }
        *pnumber = llm_le_get(bytes, sizeof(bytes));
    }
    return status;
}

apr_status_t llm_meta_put(llm_table_t *meta, llm_txn_t *txn, const char *name,
                          apr_uint64_t number)
{
    unsigned char bytes[8];

    llm_le_put(bytes, number, sizeof(bytes));
    return llm_table_put(meta, txn, key_of(name), LLM_DATUM(bytes),
                         LLM_PUT_OVER);
}

apr_status_t llm_meta_add(llm_table_t *meta, llm_txn_t *txn, const char *name,
                          apr_uint64_t more)
{
    apr_uint64_t number;
    apr_status_t status;

    if (!more) {
        return APR_SUCCESS;
    }
    status = llm_meta_get(&number, meta, txn, name);
    return status == APR_SUCCESS ? llm_meta_put(meta, txn, name, number + more)
                                 : status;
}

static apr_status_t write_new(llm_table_t *meta, llm_txn_t *txn, apr_time_t now)
{
    apr_uint64_t identity = 0;
    apr_status_t status = llm_random(&identity, sizeof(identity));
    const struct {
        const char *name;
        apr_uint64_t number;
    } numbers[] = {
        {LLM_META_FORMAT, LLM_STORE_FORMAT},
        {LLM_META_CREATED, (apr_uint64_t)now},
        {LLM_META_IDENTITY, identity},
        {LLM_META_NEXT_KEY, 1},
        {LLM_META_DAYS_MADE, LLM_META_MADE},
        {LLM_META_HOURS_MADE, LLM_META_MADE},
    };
    unsigned i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); ++i) {
        if (status == APR_SUCCESS) {
            status =
                llm_meta_put(meta, txn, numbers[i].name, numbers[i].number);
        }
    }
    return status;
}

static int first_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    int *pseen = baton;

    (void)key;
    (void)value;
    *pseen = 1;
    return 1;
}

apr_status_t llm_meta_check(llm_table_t *meta, llm_bdb_t *bdb, apr_time_t now,
                            apr_uint64_t *pformat)
{
    apr_status_t status = llm_meta_get(pformat, meta, NULL, LLM_META_FORMAT);
    llm_txn_t *txn = NULL;
    int seen = 0;

    if (status != APR_SUCCESS) {
        return status;
    }
    if (*pformat) {
        return *pformat > LLM_STORE_FORMAT ? APR_ENOTIMPL : APR_SUCCESS;
    }
    status = llm_table_scan(meta, LLM_DATUM_NONE, first_row, &seen);
    if (status == APR_SUCCESS && seen) {
        status = APR_EINVAL;
    }
    if (status == APR_SUCCESS) {
        status = llm_txn_begin(&txn, bdb);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = write_new(meta, txn, now);
    if (status != APR_SUCCESS) {
        llm_txn_abort(txn);
        return status;
    }
    *pformat = LLM_STORE_FORMAT;
    return llm_txn_commit(txn);
}
