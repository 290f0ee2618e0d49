/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a store holds that a former version of the program made (former.c), so
 * that a test knows what must be found in it.
 */
#ifndef TEST_STORE_FORMER_H
#define TEST_STORE_FORMER_H

#include "core/llm_record.h"

#include <string.h>

#include <apr_time.h>

/* Records by number: stored ones, then those in a dead process's journal, then
 * those of a killed one: put and their slots given back, put, begun only. */
enum {
    FORMER_STORED = 600,
    FORMER_JOURNAL = FORMER_STORED + 100,
    FORMER_RELEASED = FORMER_JOURNAL + 10,
    FORMER_PUT = FORMER_RELEASED + 10,
    FORMER_BEGUN = FORMER_PUT + 10
};
#define FORMER_KEYS 10
#define FORMER_DAYS 12                            /* three days apart */
#define FORMER_TIME APR_INT64_C(1795300000000000) /* 2026-11-21T22:26:40Z */

static inline void former_record(llm_record_t *record, unsigned n)
{
    static const char *const models[] = {"gpt-4o", "claude-sonnet-4-5",
                                         "gpt-4o-mini", "claude-opus-4-5"};
    unsigned i;

    memset(record, 0, sizeof(*record));
    for (i = 0; i < 4; ++i) {
        record->id[8 + i] = (unsigned char)(n >> (24 - 8 * i));
    }
    record->began =
        FORMER_TIME + apr_time_from_msec(n)
        - apr_time_from_sec((apr_int64_t)86400 * 3 * (n % FORMER_DAYS));
    record->key = 1 + n % FORMER_KEYS;
    record->flags = n % 3 ? 0 : LLM_RECORD_STREAM;
    record->status = n % 10 ? 200 : 502;
    record->attempts = 1;
    record->latency_ms = n % 1000;
    record->first_ms = n % 100;
    record->price_day = 20700;
    record->cost = n % 17 ? (llm_money_t)n * 1000 : LLM_MONEY_UNKNOWN;
    llm_usage_set(&record->usage, LLM_CLASS_INPUT, n % 50);
    llm_usage_set(&record->usage, LLM_CLASS_CACHE_READ, n % 7);
    llm_usage_set(&record->usage, LLM_CLASS_OUTPUT, 7);
    LLM_RECORD_SET(record, client, "openai");
    LLM_RECORD_SET(record, provider, n % 2 ? "anthropic" : "openai");
    LLM_RECORD_SET(record, asked, "smart");
    LLM_RECORD_SET(record, route, "smart");
    LLM_RECORD_SET(record, served, models[n % 4]);
    LLM_RECORD_SET(record, finish, "stop");
    LLM_RECORD_SET(record, user, n % 5 ? "" : "somebody");
    LLM_RECORD_SET(record, op, "chat");
}

#endif /* TEST_STORE_FORMER_H */
