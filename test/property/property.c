/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs properties, prints TAP, and shrinks what fails.
 *
 *     property                          all, some seconds
 *     property requests                 one
 *     property --cases 100000           so many of the quickest, of others
 *                                       what takes as long
 *     property --seed 7 --cases 1 streams
 *
 * Cases run in a child, so that a crash is a failure like any other: what the
 * dice gave is in memory that parent and child share. Each case has its own
 * seed, the first one plus its number; it is printed when the case fails, and
 * `--seed N --cases 1` repeats it.
 */
#include "test/property/property.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "test/unit/unit.h"

#define ROLLS_MAX     60000 /* of one case */
#define DEFAULT_CASES 300
#define SECONDS_MAX   60   /* a case may take */
#define TRIES_MAX     4000 /* of shrinking */

static const property_t *const properties[] = {
    &requests_property, &answers_property, &streams_property,
    &deltas_property,   &passing_property,
};
#define PROPERTIES (sizeof(properties) / sizeof(*properties))

/* What parent and child share. */
static struct shared_t {
    unsigned rolls[ROLLS_MAX]; /* of the case that runs */
    unsigned count;
    unsigned replay[ROLLS_MAX]; /* to be given again */
    unsigned replays;
    unsigned long seed; /* of the case that runs */
    unsigned long done; /* cases that held */
    char told[20000];   /* what it is about */
} * shared;

/* ---- dice ---- */

static apr_uint64_t dice;
static int is_replay;

static unsigned draw(unsigned sides)
{
    if (is_replay) {
        return shared->count < shared->replays
                   ? shared->replay[shared->count] % sides
                   : 0;
    }
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (unsigned)((dice * 0x2545F4914F6CDD1D) >> 33) % sides;
}

unsigned roll(unsigned sides)
{
    unsigned value;

    if (shared->count == ROLLS_MAX) {
        return 0;
    }
    value = draw(sides);
    shared->rolls[shared->count++] = value;
    return value;
}

int rarely(unsigned times)
{
    return roll(times) == times - 1;
}

void tell(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    apr_vsnprintf(shared->told, sizeof(shared->told), fmt, args);
    va_end(args);
}

/* ---- dialects ---- */

const llm_dialect_t *nth_dialect(dialect_fn *wanted, int number)
{
    const llm_dialect_t *const *all;
    apr_size_t count, i;

    all = llm_dialect_all(&count);
    for (i = 0; i < count; ++i) {
        if (wanted(all[i]) && !number--) {
            return all[i];
        }
    }
    return NULL;
}

int count_dialects(dialect_fn *wanted)
{
    int count = 0;

    while (nth_dialect(wanted, count)) {
        ++count;
    }
    return count;
}

/* ---- in the child ---- */

static const property_t *current;
static int current_number;
static unsigned long first_seed, case_count;

static void run_case(unsigned long seed)
{
    apr_pool_t *outer = unit_pool;

    alarm(SECONDS_MAX);
    shared->seed = seed;
    shared->count = 0;
    *shared->told = '\0';
    dice = (seed + 1) * 0x9E3779B97F4A7C15 + 1;
    apr_pool_create(&unit_pool, outer);
    current->run(current_number);
    apr_pool_destroy(unit_pool);
    unit_pool = outer;
}

START_TEST(cases)
{
    unsigned long i;

    for (i = 0; i < case_count; ++i) {
        run_case(first_seed + i);
        ++shared->done;
    }
}
END_TEST

/* The exit status of a child that runs the cases: 0 where all held. */
static int in_child(int is_loud)
{
    Suite *suite = suite_create("property");
    TCase *tcase = tcase_create("cases");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, cases);
    suite_add_tcase(suite, tcase);
    srunner_set_fork_status(runner, CK_NOFORK);
    if (!is_loud && !freopen("/dev/null", "w", stderr)) {
        return EXIT_FAILURE;
    }
    srunner_run_all(runner, is_loud ? CK_NORMAL : CK_SILENT);
    return srunner_ntests_failed(runner) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(unsigned long seed, unsigned long count, int is_loud)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    first_seed = seed;
    case_count = count;
    shared->done = 0;
    child = fork();
    if (!child) {
        status = in_child(is_loud);
        fflush(stdout);
        _exit(status);
    }
    while (child < 0 || waitpid(child, &status, 0) < 0) {
        if (child < 0 || errno != EINTR) {
            perror("property");
            exit(EXIT_FAILURE);
        }
    }
    if (is_loud && WIFSIGNALED(status)) {
        printf("signal %d (14: it took more than %d seconds)\n",
               WTERMSIG(status), SECONDS_MAX);
    }
    return status;
}

/* ---- shrinking ---- */

static unsigned best[ROLLS_MAX];
static unsigned best_count, tries;

/* Does this list of numbers still fail? Then it is what the case rolled. */
static int still_fails(const unsigned *list, unsigned count)
{
    if (++tries > TRIES_MAX) {
        return 0;
    }
    memcpy(shared->replay, list, count * sizeof(*list));
    shared->replays = count;
    if (!run(shared->seed, 1, 0)) {
        return 0;
    }
    best_count = shared->count < count ? shared->count : count;
    memcpy(best, shared->rolls, best_count * sizeof(*best));
    return 1;
}

static int shrink_lengths(void)
{
    static unsigned list[ROLLS_MAX];
    unsigned size, at;
    int better = 0;

    for (size = best_count / 2; size; size /= 2) {
        for (at = 0; at + size <= best_count;) {
            memcpy(list, best, at * sizeof(*list));
            memcpy(list + at, best + at + size,
                   (best_count - at - size) * sizeof(*list));
            if (still_fails(list, best_count - size)) {
                better = 1;
            }
            else {
                at += size;
            }
        }
    }
    return better;
}

static int shrink_numbers(void)
{
    static unsigned list[ROLLS_MAX];
    int better = 0;
    unsigned at;

    for (at = 0; at < best_count; ++at) {
        unsigned value = best[at], smaller;

        for (smaller = 0; at < best_count && smaller < value;
             smaller += 1 + (value - smaller) / 2) {
            memcpy(list, best, best_count * sizeof(*list));
            list[at] = smaller;
            if (still_fails(list, best_count)) {
                better = 1;
                break;
            }
        }
    }
    return better;
}

static void shrink(void)
{
    unsigned long seed = shared->seed;

    printf("# %s: seed %lu fails:\n", current->title(current_number), seed);
    run(seed, 1, 1);
    is_replay = 1;
    tries = 0;
    best_count = shared->count;
    memcpy(best, shared->rolls, best_count * sizeof(*best));
    if (still_fails(best, best_count)) {
        while (shrink_lengths() | shrink_numbers()) {
        }
        memcpy(shared->replay, best, best_count * sizeof(*best));
        shared->replays = best_count;
        printf("# shrunk to %u numbers in %u tries:\n", best_count, tries);
        run(seed, 1, 1);
        printf("# %s\n", shared->told);
    }
    is_replay = 0;
    printf("# again: property --seed %lu --cases 1 %s\n", seed, current->name);
}

/* ---- the program ---- */

static int usage(void)
{
    apr_size_t i;

    fprintf(stderr, "usage: property [--cases N] [--seed N] [PROPERTY ...]\n");
    for (i = 0; i < PROPERTIES; ++i) {
        fprintf(stderr, "  %-10s %s\n", properties[i]->name,
                properties[i]->says);
    }
    return EXIT_FAILURE;
}

/* TAP for one property; 0 where all cases held. */
static int check_property(const property_t *property, unsigned long seed,
                          unsigned long count, int *ptests)
{
    int failed = 0;

    current = property;
    for (current_number = 0; current_number < property->count();
         ++current_number) {
        int status = run(seed, 1 + count / property->cost, 0);

        ++*ptests;
        if (status) {
            failed = 1;
            shrink();
        }
        printf("%sok %d - %s: %s\n", status ? "not " : "", *ptests,
               property->name, property->title(current_number));
    }
    return failed;
}

static int is_wanted(const char *name, int argc, const char *const *argv)
{
    int i;

    for (i = 0; i < argc; ++i) {
        if (!strcmp(argv[i], name)) {
            return 1;
        }
    }
    return !argc;
}

static int are_known(int argc, const char *const *argv)
{
    apr_size_t i;
    int known = 0;

    for (i = 0; i < PROPERTIES; ++i) {
        known += argc && is_wanted(properties[i]->name, argc, argv);
    }
    return known == argc;
}

/* A number behind an option; 0 where there is none. */
static int take_number(unsigned long *pvalue, const char *text)
{
    char *end;

    if (!text || !*text) {
        return 0;
    }
    *pvalue = strtoul(text, &end, 10);
    return !*end;
}

int main(int argc, const char *const *argv)
{
    unsigned long cases_wanted = DEFAULT_CASES;
    unsigned long seed = (unsigned long)(apr_time_now() % 1000000000);
    int tests = 0, failed = 0, at = 1;
    apr_size_t i;

    for (; at + 1 < argc && !strncmp(argv[at], "--", 2); at += 2) {
        if (!take_number(!strcmp(argv[at], "--seed") ? &seed : &cases_wanted,
                         argv[at + 1])
            || (strcmp(argv[at], "--seed") && strcmp(argv[at], "--cases"))) {
            return usage();
        }
    }
    argc -= at;
    argv += at;
    if (!are_known(argc, argv) || apr_initialize() != APR_SUCCESS) {
        return usage();
    }
    atexit(apr_terminate);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("property");
        return EXIT_FAILURE;
    }
    printf("# --seed %lu --cases %lu\n", seed, cases_wanted);
    for (i = 0; i < PROPERTIES; ++i) {
        if (is_wanted(properties[i]->name, argc, argv)) {
            failed |= check_property(properties[i], seed, cases_wanted, &tests);
        }
    }
    printf("1..%d\n", tests);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
