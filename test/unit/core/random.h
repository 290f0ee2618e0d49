/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dice for tests that cut their input at random places.
 *
 * The seed is printed as a TAP comment; LLMGW_TEST_SEED=n repeats a run.
 */
#ifndef LLM_TEST_RANDOM_H
#define LLM_TEST_RANDOM_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <apr.h>

/* xorshift64*; the state is never zero. */
typedef struct test_random_t {
    apr_uint64_t state;
} test_random_t;

static inline apr_uint64_t test_random(test_random_t *dice)
{
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return dice->state * 0x2545F4914F6CDD1D;
}

/* A number below `limit`, which is not 0. */
static inline apr_size_t test_random_below(test_random_t *dice,
                                           apr_size_t limit)
{
    return (apr_size_t)(test_random(dice) >> 11) % limit;
}

static inline test_random_t test_random_make(const char *name)
{
    const char *given = getenv("LLMGW_TEST_SEED");
    unsigned long seed =
        given ? strtoul(given, NULL, 10) : (unsigned long)time(NULL);
    test_random_t dice = {seed * 2 + 1};

    printf("# %s: LLMGW_TEST_SEED=%lu\n", name, seed);
    return dice;
}

#endif /* LLM_TEST_RANDOM_H */
