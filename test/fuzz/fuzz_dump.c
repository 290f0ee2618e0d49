/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dump that is loaded. It is taken whole or refused with a reason; what was
 * taken is written as the same rows again.
 */
#include "test/fuzz/rig.h"

#include <sys/stat.h>

#include <apr_strings.h>

#include "store/dump.h"

static unsigned loads;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    llm_dump_t in = {0}, out = {0};
    apr_pool_t *pool;
    const char *env;
    char *text = NULL;
    size_t len = 0;

    if (!size) {
        return 0;
    }
    if (!rig_pool) {
        rig_make_folder();
    }
    pool = fuzz_pool();
    env = apr_psprintf(pool, "%s/env%u", rig_dir, ++loads);
    MUST(!mkdir(env, 0700));
    in.file = fmemopen((void *)(uintptr_t)data, size, "r");
    MUST(in.file);
    if (llm_dump_read(&in, env, pool) == APR_SUCCESS) {
        out.file = open_memstream(&text, &len);
        MUST(out.file);
        MUST(llm_dump_write(&out, env, 0, pool) == APR_SUCCESS);
        fclose(out.file);
        MUST(out.rows == in.rows);
        free(text);
    }
    else {
        MUST(in.what && *in.what);
    }
    fclose(in.file);
    nftw(env, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    apr_pool_destroy(pool);
    return 0;
}
