/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Providers' usage exports: whatever the file is, it is refused with a reason,
 * or its rows are counts of days.
 */
#include <string.h>

#include <apr_strings.h>

#include "llmgwctl/export.h"
#include "test/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    /* as it is read from a file: terminated */
    const char *data = apr_pstrmemdup(pool, (const char *)bytes, size);
    ctl_export_t export;
    const char *wrong;
    int i, m;

    ctl_export_init(&export, pool);
    export.by_month = size % 2;
    wrong = ctl_export_read(&export, data, size);
    MUST(!wrong || *wrong);
    for (i = 0; i < export.rows->nelts; ++i) {
        const ctl_export_row_t *row =
            APR_ARRAY_IDX(export.rows, i, const ctl_export_row_t *);

        MUST(strlen(row->period) >= strlen("1970-01"));
        for (m = 0; m < CTL_EXPORT_MEASURES; ++m) {
            MUST(row->n[m] >= 0);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
