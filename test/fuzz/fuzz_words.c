/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl's command line: a word for each line of the input. Nothing is run.
 * What is right has a command or asks for help, and help can be written; what
 * is wrong is said, and with --json said in JSON. Words are read as times,
 * durations and sizes too.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_money.h"
#include "core/llm_time.h"
#include "llmgwctl/ctl.h"

#define WORDS_MAX 64

static void read_values(const char *word, apr_pool_t *pool)
{
    apr_interval_time_t duration;
    apr_time_t time, again;
    apr_size_t bytes;

    if (!llm_time_read(&time, word, APR_INT64_C(1795300000000000))) {
        MUST(!llm_time_read(&again, llm_time_print(time, pool), 0));
        MUST(again / APR_USEC_PER_SEC == time / APR_USEC_PER_SEC);
    }
    if (!llm_duration_read(&duration, word)) {
        MUST(duration >= 0);
    }
    if (!llm_size_read(&bytes, word)) {
        MUST(bytes || *word == '0');
    }
}

static const char *environment(const char *name)
{
    (void)name;
    return NULL;
}

static void read_words(ctl_world_t *world, int argc, const char *const *argv,
                       apr_pool_t *pool)
{
    ctl_t ctl = {.pool = pool, .world = world, .face = CTL_TABLE};
    int status;

    ctl.options = apr_table_make(pool, 8);
    ctl.arguments = apr_array_make(pool, 4, sizeof(const char *));
    ctl.store = "/nowhere";
    status = ctl_read_words(&ctl, argc, argv);
    MUST(status == CTL_DONE || status == CTL_USAGE);
    if (status == CTL_DONE && ctl.wants_help) {
        ctl_help(&ctl, world->out);
    }
    else if (status == CTL_DONE && ctl.command) {
        unsigned count = (unsigned)ctl.arguments->nelts;

        MUST(count >= ctl.command->least && count <= ctl.command->most);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    char *text = apr_pstrmemdup(pool, (const char *)data, size), *state;
    const char *argv[WORDS_MAX] = {"llmgwctl"};
    ctl_world_t world = {.env = environment, .now = 1795300000000000};
    char *out = NULL, *err = NULL, *word;
    size_t out_len, err_len;
    int argc = 1;

    for (; argc < WORDS_MAX && (word = apr_strtok(text, "\n", &state));
         text = NULL) {
        argv[argc++] = word;
        read_values(word, pool);
    }
    world.out = open_memstream(&out, &out_len);
    world.err = open_memstream(&err, &err_len);
    MUST(world.out && world.err);
    read_words(&world, argc, argv, pool);
    fclose(world.out);
    fclose(world.err);
    /* what was typed does not steer the terminal */
    MUST(!memchr(err, 0x1B, err_len));
    if (out_len && out[0] == '{') {
        const llm_json_t *doc;

        MUST(llm_json_read(&doc, out, out_len, NULL, pool) == APR_SUCCESS);
    }
    free(out);
    free(err);
    apr_pool_destroy(pool);
    return 0;
}
