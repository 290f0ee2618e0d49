/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit test programs share: libcheck, APR, and how suites are named.
 *
 * There is one program a folder of the sources. Its suites.def has a line
 * SUITE(sse) for each file test_sse.c, which defines `Suite *sse_suite(void)`;
 * its main.c turns these lines into the program. Results are printed as TAP.
 *
 *     test_core               all suites
 *     test_core sse           one suite
 *     test_core sse limits    one test case of it
 *
 * CK_FORK=no in the environment keeps a test in the debugger's process.
 */
#ifndef LLM_TEST_UNIT_H
#define LLM_TEST_UNIT_H

#include <check.h>

#include <apr_pools.h>

typedef struct unit_suite_t unit_suite_t;
struct unit_suite_t {
    const char *name;     /* as in suites.def; NULL ends the table */
    Suite *(*make)(void); /* makes it; libcheck frees it */
};

/* Runs what the arguments ask for; the result is the program's exit status. */
int unit_main(const unit_suite_t *suites, int argc, const char *const *argv);

/*
 * A pool for one test: `unit_pool_open` and `unit_pool_close` are a test case's
 * checked fixture, `unit_pool` is what the test uses.
 */
extern apr_pool_t *unit_pool;
void unit_pool_open(void);
void unit_pool_close(void);

/* The folder of the tests' sources, for vectors and other files. */
const char *unit_source_dir(void);

#endif /* LLM_TEST_UNIT_H */
