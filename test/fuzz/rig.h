/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store of its own in a temporary folder, for the targets that need one. It
 * is opened for the first input and removed at the end of the process.
 */
#ifndef LLM_TEST_FUZZ_RIG_H
#define LLM_TEST_FUZZ_RIG_H

#include "test/fuzz/fuzz.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "store/command.h"

static char rig_dir[] = "/tmp/llmgw-fuzz-XXXXXX";
static llm_store_t *rig_store;
static apr_pool_t *rig_pool;

static inline int rig_remove_one(const char *path, const struct stat *info,
                                 int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline void rig_remove(void)
{
    if (rig_store) {
        llm_store_close(rig_store);
    }
    apr_pool_destroy(rig_pool);
    nftw(rig_dir, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The folder alone. */
static inline void rig_make_folder(void)
{
    rig_pool = fuzz_pool();
    MUST(mkdtemp(rig_dir));
    atexit(rig_remove);
}

static inline void rig_open(void)
{
    llm_store_options_t options = {.dir = rig_dir, .version = "fuzz"};
    const char *what;

    rig_make_folder();
    MUST(llm_store_open(&rig_store, &options, &what, rig_pool) == APR_SUCCESS);
}

#endif /* LLM_TEST_FUZZ_RIG_H */
