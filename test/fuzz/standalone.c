/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without a fuzzer: `make check` replays its corpus.
 *
 * Each file of the corpus is one TAP test: the file as it is, then a fixed
 * number of mutants of it, always the same ones. A target that finds a
 * property broken aborts. With arguments: those files or folders instead.
 *
 * The same targets are built for libFuzzer by build.sh.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "test/fuzz/fuzz.h"

#define MUTANTS 200

static int tests;

/* xorshift; the state begins anew for each file. */
static uint64_t dice;

static size_t roll(size_t limit)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (size_t)(dice >> 8) % limit;
}

/* A byte changed, a piece cut out, or a piece put in twice. `data` has room
 * for twice its length. */
static size_t mutate(char *data, size_t len)
{
    size_t at = roll(len), piece = 1 + roll(len - at);

    switch (roll(3)) {
    case 0:
        data[at] = (char)roll(256);
        return len;
    case 1:
        memmove(data + at, data + at + piece, len - at - piece);
        return len - piece;
    default:
        memmove(data + at + piece, data + at, len - at);
        return len + piece;
    }
}

/* The target gets memory of exactly the input's size, so that a sanitizer
 * or valgrind sees a byte read too far. */
static void run_exactly(const char *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    if (!copy) {
        abort();
    }
    memcpy(copy, data, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static void run_file(const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t len;
    char *data, *mutant;
    int i;

    ++tests;
    if (apr_file_open(&file, path, APR_READ | APR_BINARY, APR_OS_DEFAULT, pool)
            != APR_SUCCESS
        || apr_file_info_get(&info, APR_FINFO_SIZE, file) != APR_SUCCESS) {
        printf("not ok %d - %s cannot be read\n", tests, path);
        return;
    }
    len = (apr_size_t)info.size;
    data = apr_palloc(pool, len + 1);
    mutant = apr_palloc(pool, 4 * len + 1);
    apr_file_read_full(file, data, len, &len);
    apr_file_close(file);
    run_exactly(data, len);
    dice = 88172645463325252u;
    for (i = 0; len && i < MUTANTS; ++i) {
        size_t size = len;

        memcpy(mutant, data, len);
        size = mutate(mutant, size);
        if (size) {
            size = mutate(mutant, size);
        }
        run_exactly(mutant, size);
    }
    printf("ok %d - %s\n", tests, path);
}

static void run_path(const char *path, apr_pool_t *pool)
{
    apr_dir_t *dir;
    apr_finfo_t info;
    apr_pool_t *scratch;

    if (apr_dir_open(&dir, path, pool) != APR_SUCCESS) {
        run_file(path, pool);
        return;
    }
    apr_pool_create(&scratch, pool);
    while (apr_dir_read(&info, APR_FINFO_NAME | APR_FINFO_TYPE, dir)
           == APR_SUCCESS) {
        if (info.filetype == APR_REG) {
            run_file(apr_pstrcat(scratch, path, "/", info.name, NULL), scratch);
            apr_pool_clear(scratch);
        }
    }
    apr_dir_close(dir);
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    int i;

    if (apr_initialize() != APR_SUCCESS
        || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return EXIT_FAILURE;
    }
    atexit(apr_terminate);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    if (argc < 2) {
        run_path(LLMGW_FUZZ_CORPUS, pool);
    }
    for (i = 1; i < argc; ++i) {
        run_path(argv[i], pool);
    }
    printf("1..%d\n", tests);
    /* a corpus that was not found must not pass */
    return tests ? EXIT_SUCCESS : EXIT_FAILURE;
}
