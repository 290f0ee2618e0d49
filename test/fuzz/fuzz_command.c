/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the store, on a store of its own in a temporary folder.
 * Whatever is asked, each line of the answer is JSON, and the last one, and
 * only that, is the result or the error.
 */
#include "test/fuzz/fuzz.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "store/command.h"

static llm_store_t *store;
static apr_pool_t *store_pool;
static char dir[] = "/tmp/llmgw-fuzz-XXXXXX";

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void close_store(void)
{
    llm_store_close(store);
    apr_pool_destroy(store_pool);
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* With something to report. */
static void open_store(void)
{
    llm_store_options_t options = {.dir = dir, .version = "fuzz"};
    llm_journal_t *journal;
    llm_record_t record;
    const char *what;
    char path[64];
    unsigned drained;

    store_pool = fuzz_pool();
    MUST(mkdtemp(dir));
    MUST(llm_store_open(&store, &options, &what, store_pool) == APR_SUCCESS);
    snprintf(path, sizeof(path), "%s/journal", dir);
    MUST(llm_journal_open(&journal, path, store_pool) == APR_SUCCESS);
    memset(&record, 0, sizeof(record));
    record.began = APR_INT64_C(1795300000000000);
    LLM_RECORD_SET(&record, served, "gpt-4o");
    MUST(llm_journal_put(journal, &record) == APR_SUCCESS);
    MUST(llm_store_tick(store, &drained) == APR_SUCCESS && drained == 1);
    atexit(close_store);
}

typedef struct answer_t {
    int is_over;
    apr_pool_t *pool;
} answer_t;

static int read_line(void *baton, const char *line, apr_size_t len)
{
    answer_t *answer = baton;
    const llm_json_t *doc;

    MUST(!answer->is_over);
    MUST(!memchr(line, '\n', len));
    MUST(llm_json_read(&doc, line, len, NULL, answer->pool) == APR_SUCCESS);
    MUST(doc->count == 1);
    answer->is_over = !llm_json_get(doc, "row");
    MUST(!answer->is_over || llm_json_get(doc, "done")
         || llm_json_get(doc, "error"));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const llm_caller_t caller = {.uid = 0};
    apr_pool_t *pool = fuzz_pool();
    answer_t answer = {0, pool};
    const llm_json_t *request;

    if (!store) {
        open_store();
    }
    if (llm_json_read(&request, (const char *)data, size, NULL, pool)
        == APR_SUCCESS) {
        llm_command_run(store, &caller, request, read_line, &answer, pool);
        MUST(answer.is_over);
    }
    apr_pool_destroy(pool);
    return 0;
}
