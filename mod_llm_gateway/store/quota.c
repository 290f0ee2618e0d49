/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row is a window, its first day and a key to five numbers. The window
 * stands first so that the days that are old enough to go lie side by side.
 */
#include "store/quota.h"

#include "store/bytes.h"

#include <stddef.h>
#include <string.h>

#define VERSION 1
#define MEMBERS 5
#define BYTES   (1 + MEMBERS * 8)

typedef char
    every_member_is_written[sizeof(llm_spend_t) == MEMBERS * 8 ? 1 : -1];

apr_uint32_t llm_quota_start(llm_window_e window, apr_uint32_t day)
{
    apr_time_exp_t date;

    switch (window) {
    case LLM_WINDOW_DAY:
        return day;
    case LLM_WINDOW_MONTH:
        apr_time_exp_gmt(&date, apr_time_from_sec((apr_int64_t)day * 86400));
        return day - (apr_uint32_t)(date.tm_mday - 1);
    default:
        return 0;
    }
}

void llm_spend_add_totals(llm_spend_t *spend, const llm_totals_t *totals)
{
    const apr_uint64_t *tokens = totals->tokens;

    spend->requests += totals->requests;
    spend->tokens_in += tokens[LLM_CLASS_INPUT] + tokens[LLM_CLASS_CACHE_READ]
                        + tokens[LLM_CLASS_CACHE_WRITE]
                        + tokens[LLM_CLASS_CACHE_WRITE_1H]
                        + tokens[LLM_CLASS_AUDIO_IN];
    spend->tokens_out += tokens[LLM_CLASS_OUTPUT] + tokens[LLM_CLASS_REASONING]
                         + tokens[LLM_CLASS_AUDIO_OUT];
    spend->cost += totals->cost;
    spend->unpriced += totals->unpriced;
}

void llm_quota_write_id(unsigned char *bytes, const llm_quota_id_t *id)
{
    bytes[0] = (unsigned char)id->window;
    llm_be_put(bytes + 1, id->start, 4);
    llm_be_put(bytes + 5, id->key, 4);
}

static void write_spend(unsigned char *bytes, const llm_spend_t *spend)
{
    bytes[0] = VERSION;
    llm_le_put(bytes + 1, spend->requests, 8);
    llm_le_put(bytes + 9, spend->tokens_in, 8);
    llm_le_put(bytes + 17, spend->tokens_out, 8);
    llm_le_put(bytes + 25, spend->cost, 8);
    llm_le_put(bytes + 33, spend->unpriced, 8);
}

static int read_spend(llm_spend_t *spend, const unsigned char *bytes,
                      apr_size_t len)
{
    if (len != BYTES || bytes[0] != VERSION) {
        return 0;
    }
    spend->requests = llm_le_get(bytes + 1, 8);
    spend->tokens_in = llm_le_get(bytes + 9, 8);
    spend->tokens_out = llm_le_get(bytes + 17, 8);
    spend->cost = llm_le_get(bytes + 25, 8);
    spend->unpriced = llm_le_get(bytes + 33, 8);
    return 1;
}

int llm_quota_read(llm_quota_id_t *id, llm_spend_t *spend, llm_datum_t key,
                   llm_datum_t value)
{
    const unsigned char *name = key.data;

    if (key.len != LLM_QUOTA_KEY || name[0] < LLM_WINDOW_DAY
        || name[0] > LLM_WINDOW_TOTAL) {
        return 0;
    }
    id->window = (llm_window_e)name[0];
    id->start = (apr_uint32_t)llm_be_get(name + 1, 4);
    id->key = (apr_uint32_t)llm_be_get(name + 5, 4);
    return read_spend(spend, value.data, value.len);
}

apr_status_t llm_quota_get(llm_spend_t *spend, llm_table_t *table,
                           llm_txn_t *txn, const llm_quota_id_t *id)
{
    unsigned char key[LLM_QUOTA_KEY], bytes[BYTES];
    apr_size_t len;
    apr_status_t status;

    memset(spend, 0, sizeof(*spend));
    llm_quota_write_id(key, id);
    status =
        llm_table_get(table, txn, LLM_DATUM(key), bytes, sizeof(bytes), &len);
    if (status == APR_NOTFOUND) {
        return APR_SUCCESS;
    }
    return status == APR_SUCCESS && !read_spend(spend, bytes, len) ? APR_EINVAL
                                                                   : status;
}

int llm_quota_lacks(apr_uint64_t sum, apr_uint64_t difference)
{
    return (apr_int64_t)difference < 0 && sum < 0 - difference;
}

apr_status_t llm_quota_add(llm_table_t *table, llm_txn_t *txn,
                           const llm_quota_id_t *id, const llm_spend_t *more)
{
    unsigned char key[LLM_QUOTA_KEY], bytes[BYTES];
    llm_spend_t spend;
    apr_status_t status = llm_quota_get(&spend, table, txn, id);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (!more->requests
        && (llm_quota_lacks(spend.cost, more->cost)
            || llm_quota_lacks(spend.unpriced, more->unpriced))) {
        return APR_EINVAL;
    }
    spend.requests += more->requests;
    spend.tokens_in += more->tokens_in;
    spend.tokens_out += more->tokens_out;
    spend.cost += more->cost;
    spend.unpriced += more->unpriced;
    llm_quota_write_id(key, id);
    write_spend(bytes, &spend);
    return llm_table_put(table, txn, LLM_DATUM(key), LLM_DATUM(bytes),
                         LLM_PUT_OVER);
}
