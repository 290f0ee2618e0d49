/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share. A target is one file, fuzz_<name>.c, with one
 * function; its corpus lies in corpus/<name>/.
 */
#ifndef LLM_TEST_FUZZ_H
#define LLM_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <apr_general.h>
#include <apr_pools.h>

/* libFuzzer's entry: any bytes; returns 0, aborts when a property is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A property that must hold for every input. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* A pool for one input; the caller destroys it. */
static inline apr_pool_t *fuzz_pool(void)
{
    static int initialized;
    apr_pool_t *pool;

    if (!initialized) {
        MUST(apr_initialize() == APR_SUCCESS);
        initialized = 1;
    }
    MUST(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    return pool;
}

#endif /* LLM_TEST_FUZZ_H */
