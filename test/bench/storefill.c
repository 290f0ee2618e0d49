/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a store for the benchmark: keys by the command that makes them, usage
 * records through a journal, as a gateway does.
 *
 * The work is spread as it is in life: a few keys do most of it (a tenth of
 * them nine tenths), a dozen models, users in thousands, days that are alike.
 *
 *   storefill DIR KEYS RECORDS DAYS
 *   storefill --own DIR    is the store's owner, until SIGTERM
 */
#include "core/llm_log.h"
#include "store/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#define BATCH 50000 /* records between two drains */

static const char *const models[] = {
    "gpt-4o",
    "gpt-4o-mini",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gpt-5",
    "gpt-5-mini",
    "claude-opus-4-1",
    "llama-3.3-70b",
    "mistral-large",
    "text-embedding-3-small",
};
#define MODELS (sizeof(models) / sizeof(models[0]))

static apr_uint64_t state = 88172645463325252ULL;

static apr_uint64_t dice(apr_uint64_t sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % sides;
}

static void print_log(void *baton, llm_log_e level, apr_status_t status,
                      const char *message)
{
    (void)baton;
    (void)status;
    if (level <= LLM_LOG_ERR) {
        fprintf(stderr, "storefill: %s\n", message);
    }
}

static void fail(const char *what, apr_status_t status)
{
    char text[120];

    fprintf(stderr, "storefill: %s: %s\n", what,
            apr_strerror(status, text, sizeof(text)));
    exit(1);
}

static int take_line(void *baton, const char *line, apr_size_t len)
{
    (void)baton;
    if (len > 8 && !memcmp(line, "{\"error\"", 8)) {
        fprintf(stderr, "storefill: %.*s\n", (int)len, line);
        exit(1);
    }
    return 0;
}

static void make_keys(llm_store_t *store, unsigned keys, apr_pool_t *pool)
{
    const llm_caller_t caller = {0};
    apr_time_t began = apr_time_now();
    unsigned i;

    for (i = 0; i < keys; ++i) {
        const llm_json_t *request;
        const char *text;

        apr_pool_clear(pool);
        text = apr_psprintf(pool,
                            "{\"op\":\"key.create\",\"name\":\"key%u\","
                            "\"team\":\"team%u\"}",
                            i, i % 200);
        llm_json_read(&request, text, strlen(text), NULL, pool);
        llm_command_run(store, &caller, request, take_line, NULL, pool);
    }
    printf("keys %u %.6f\n", keys,
           (double)(apr_time_now() - began) / APR_USEC_PER_SEC);
}

static void make_record(llm_record_t *record, unsigned n, unsigned keys,
                        apr_time_t when)
{
    unsigned busy = keys / 10 ? keys / 10 : 1;
    unsigned model = (unsigned)dice(MODELS);

    memset(record, 0, sizeof(*record));
    memcpy(record->id, &n, sizeof(n));
    record->began = when;
    record->key = 1 + (apr_uint32_t)(dice(10) ? dice(busy) : dice(keys));
    record->status = dice(50) ? 200 : 429;
    record->attempts = dice(30) ? 1 : 2;
    record->flags = dice(2) ? LLM_RECORD_STREAM : 0;
    record->latency_ms = 500 + (apr_uint32_t)dice(5000);
    record->first_ms = 100 + (apr_uint32_t)dice(400);
    record->cost = (llm_money_t)dice(20000000);
    llm_usage_set(&record->usage, LLM_CLASS_INPUT, (apr_int64_t)dice(8000));
    llm_usage_set(&record->usage, LLM_CLASS_CACHE_READ,
                  (apr_int64_t)dice(4000));
    llm_usage_set(&record->usage, LLM_CLASS_OUTPUT, (apr_int64_t)dice(1000));
    LLM_RECORD_SET(record, client, "openai");
    LLM_RECORD_SET(record, provider,
                   model < 2 || model == 6 || model == 7 ? "openai" : "other");
    LLM_RECORD_SET(record, asked, models[model]);
    LLM_RECORD_SET(record, served, models[model]);
    LLM_RECORD_SET(record, route, dice(2) ? "smart" : "fast");
    LLM_RECORD_SET(record, op, "chat");
    LLM_RECORD_SET(record, finish, "stop");
    apr_snprintf(record->user, sizeof(record->user), "user%u",
                 (unsigned)dice(5000));
    apr_snprintf(record->tags, sizeof(record->tags), "app=%u,env=prod",
                 (unsigned)dice(40));
}

static void drain(llm_store_t *store)
{
    unsigned drained;
    apr_status_t status;

    do {
        status = llm_store_tick(store, &drained);
        if (status != APR_SUCCESS) {
            fail("draining", status);
        }
    } while (drained);
}

static void make_records(llm_store_t *store, const char *dir, unsigned keys,
                         unsigned records, unsigned days, apr_pool_t *pool)
{
    apr_time_t began = apr_time_now();
    apr_interval_time_t step =
        apr_time_from_sec((apr_int64_t)days * 86400) / records;
    llm_journal_t *journal;
    llm_record_t record;
    apr_status_t status;
    unsigned i;

    for (i = 0; i < records; ++i) {
        if (i % BATCH == 0) {
            apr_pool_clear(pool); /* closes it: its child is dead */
            drain(store);
            status = llm_journal_open(&journal, dir, pool);
            if (status != APR_SUCCESS) {
                fail("the journal", status);
            }
        }
        make_record(&record, i, keys, began - (records - i) * step);
        status = llm_journal_put(journal, &record);
        if (status != APR_SUCCESS) {
            fail("the journal", status);
        }
    }
    apr_pool_clear(pool);
    drain(store);
    printf("records %u %.6f\n", records,
           (double)(apr_time_now() - began) / APR_USEC_PER_SEC);
}

/* ------------------------------------------------------------------ owning */

static volatile int is_ended;

static void end(int signal_number)
{
    (void)signal_number;
    is_ended = 1;
}

static apr_status_t say_ready(void *baton, const char *socket, const char *lock)
{
    (void)baton;
    (void)socket;
    (void)lock;
    puts("ready"); /* who connects now waits until the store is open */
    fflush(stdout);
    return APR_SUCCESS;
}

static int own(const char *dir, apr_pool_t *pool)
{
    const llm_store_options_t options = {
        .dir = dir, .version = "bench", .keep_days = 400};

    signal(SIGTERM, end);
    return llm_owner_run(&options, say_ready, NULL, &is_ended, pool)
                   == APR_SUCCESS
               ? 0
               : 1;
}

int main(int argc, const char *const *argv)
{
    llm_store_options_t options = {.version = "bench", .keep_days = 400};
    unsigned keys, records, days;
    const char *what = "";
    llm_store_t *store;
    apr_pool_t *pool, *work;
    apr_status_t status;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    apr_pool_create(&work, pool);
    llm_log_set(print_log, NULL, NULL);
    if (argc == 3 && !strcmp(argv[1], "--own")) {
        return own(argv[2], pool);
    }
    if (argc != 5) {
        fputs("usage: storefill DIR KEYS RECORDS DAYS | --own DIR\n", stderr);
        return 2;
    }
    keys = (unsigned)apr_atoi64(argv[2]);
    records = (unsigned)apr_atoi64(argv[3]);
    days = (unsigned)apr_atoi64(argv[4]);
    options.dir = argv[1];
    status = llm_store_open(&store, &options, &what, pool);
    if (status != APR_SUCCESS) {
        fail(what, status);
    }
    make_keys(store, keys, work);
    make_records(store, apr_pstrcat(pool, argv[1], "/journal", NULL), keys,
                 records, days, work);
    status = llm_store_close(store);
    apr_terminate();
    return status == APR_SUCCESS ? 0 : 1;
}
