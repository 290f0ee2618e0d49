/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the suites of one unit test program and prints TAP.
 *
 * libcheck forks a child for each test, so a crash is one failure and not the
 * end of the program. That is also why stdout is buffered by line here: a
 * child would print a second time what its parent had not yet written.
 */
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

apr_pool_t *unit_pool;

void unit_pool_open(void)
{
    ck_assert_int_eq(apr_pool_create(&unit_pool, NULL), APR_SUCCESS);
}

void unit_pool_close(void)
{
    apr_pool_destroy(unit_pool);
    unit_pool = NULL;
}

const char *unit_source_dir(void)
{
    const char *dir = getenv("LLMGW_TEST_SRCDIR");

    return dir ? dir : LLMGW_TEST_SRCDIR;
}

/* The suites of the name wanted, or all of them. NULL where there is none. */
static SRunner *runner_make(const unit_suite_t *suites, const char *wanted)
{
    SRunner *runner = NULL;

    for (; suites->name; ++suites) {
        if (wanted && strcmp(wanted, suites->name)) {
            continue;
        }
        if (!runner) {
            runner = srunner_create(suites->make());
        }
        else {
            srunner_add_suite(runner, suites->make());
        }
    }
    return runner;
}

int unit_main(const unit_suite_t *suites, int argc, const char *const *argv)
{
    SRunner *runner = runner_make(suites, argc > 1 ? argv[1] : NULL);
    int failed;

    if (!suites->name) {
        puts("1..0 # SKIP no suite is listed");
        return EXIT_SUCCESS;
    }
    if (!runner) {
        fprintf(stderr, "%s: no such suite: %s\n", argv[0], argv[1]);
        return EXIT_FAILURE;
    }
    if (apr_initialize() != APR_SUCCESS) {
        fprintf(stderr, "%s: APR did not start\n", argv[0]);
        return EXIT_FAILURE;
    }
    atexit(apr_terminate);
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    srunner_set_tap(runner, "-");
    srunner_run(runner, NULL, argc > 2 ? argv[2] : NULL, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
