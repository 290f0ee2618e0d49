/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums over the rollups, for the store's own checks; what people ask for is
 * store/tally.h's. A span of time is read from the rows of whole days as far as
 * it can, and from those of hours at its ends.
 */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

#include "store/inside.h"
#include "store/sums.h"

/* What groups a row counts in: bits. */
enum {
    LLM_BY_KEY = 1 << 0,
    LLM_BY_MODEL = 1 << 1,
    LLM_BY_PROVIDER = 1 << 2,
    LLM_BY_DAY = 1 << 3,
    LLM_BY_HOUR = 1 << 4
};

typedef struct llm_query_t {
    apr_uint32_t from_hour, until_hour; /* the latter is not in it */
    unsigned by;                        /* LLM_BY_*; the group's time is the
                                           hour's or the day's number */
    const volatile int *stop;           /* gives up when it is set; or NULL */
} llm_query_t;

/* Adds to `sums`. APR_ENOSPC: more groups than it may have. APR_EINTR: it was
 * told to stop. Any thread. */
apr_status_t llm_report_sum(llm_sums_t *sums, const llm_query_t *query,
                            llm_store_t *store);

#endif /* STORE_REPORT_H */
