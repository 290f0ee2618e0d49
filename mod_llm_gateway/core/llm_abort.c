/* SPDX-License-Identifier: Apache-2.0 */
/* The policy for clients that leave, as text and back. */
#include "core/llm_abort.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_time.h"

#define DRAIN     "drain"
#define DRAIN_FOR "drain="
#define EXPECTED                                                               \
    "expected abort, drain, or drain= and a time from 1s to 18h in whole "     \
    "seconds, as in drain=30s"

const char *llm_abort_read(llm_abort_t *pabort, const char *text)
{
    const apr_size_t skip = sizeof(DRAIN_FOR) - 1;
    apr_interval_time_t drain = 0;

    memset(pabort, 0, sizeof(*pabort));
    if (!strcmp(text, "abort")) {
        pabort->what = LLM_ON_ABORT_ABORT;
        return NULL;
    }
    if (strcmp(text, DRAIN)) {
        if (strncmp(text, DRAIN_FOR, skip)
            || llm_duration_read(&drain, text + skip)
            || drain < apr_time_from_sec(1)
            || drain > apr_time_from_sec(18 * 3600) || apr_time_usec(drain)) {
            return EXPECTED;
        }
    }
    pabort->what = LLM_ON_ABORT_DRAIN;
    pabort->drain_s = (apr_uint16_t)apr_time_sec(drain);
    return NULL;
}

const char *llm_abort_print(llm_on_abort_e what, unsigned drain_s,
                            apr_pool_t *pool)
{
    if (what == LLM_ON_ABORT_DRAIN && drain_s) {
        return apr_psprintf(pool, DRAIN_FOR "%us", drain_s);
    }
    return what == LLM_ON_ABORT_DRAIN   ? DRAIN
           : what == LLM_ON_ABORT_ABORT ? "abort"
                                        : "";
}
