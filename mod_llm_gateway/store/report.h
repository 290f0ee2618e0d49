/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums over the rollups, for the store's own checks; what people ask for is
 * store/survey.h's. A span of time is read from the rows of whole days as far as
 * it can, and from those of hours at its ends.
 */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

#include "store/inside.h"
#include "store/rollup.h"

typedef struct llm_query_t {
    apr_uint32_t from_hour, until_hour; /* the latter is not in it */
    unsigned by;                        /* LLM_BY_*: groups; their time is the
                                           hour's or the day's number */
    const volatile int *stop;           /* gives up when it is set; or NULL */
} llm_query_t;

/* Adds to `sums`. APR_ENOSPC: more groups than it may have. APR_EINTR: it was
 * told to stop. Any thread. */
apr_status_t llm_report_sum(llm_sums_t *sums, const llm_query_t *query,
                            llm_store_t *store);
/* The same out of one rollup alone, from and until whole rows of it. */
apr_status_t llm_report_rollup(llm_sums_t *sums, const llm_query_t *query,
                               llm_rollup_e which, llm_store_t *store);

#endif /* STORE_REPORT_H */
