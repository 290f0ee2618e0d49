/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones, as reports need them: hours, days, weeks and months of a place.
 *
 * A zone is a list of moments at which its clocks were set, which the caller
 * took from wherever it knows them. So the store can cut its sums by a zone
 * whose rules only llmgwctl's machine has, and nothing here reads a file.
 * NULL is UTC.
 */
#ifndef LLM_ZONE_H
#define LLM_ZONE_H

#include "core/llm.h"

/* Offsets are less than a day. */
typedef struct llm_zone_change_t {
    apr_int64_t from; /* seconds since 1970 */
    int offset;       /* seconds that local time is ahead of UTC since then */
} llm_zone_change_t;

typedef struct llm_zone_t {
    const llm_zone_change_t *changes; /* by time; the first holds before too */
    unsigned count;                   /* 0: UTC */
} llm_zone_t;

/* Seconds that local time is ahead of UTC. */
int llm_zone_offset(const llm_zone_t *zone, apr_int64_t seconds);
/* Do its days begin in the middle of UTC's hours, at some time or other? */
int llm_zone_splits_hours(const llm_zone_t *zone);

/* Stretches of local time. Each has a number, greater for a later one. */
typedef enum {
    LLM_SPAN_HOUR,
    LLM_SPAN_DAY,
    LLM_SPAN_WEEK, /* ISO 8601: from Monday */
    LLM_SPAN_MONTH
} llm_span_e;

/* The number of the one that a moment lies in. */
apr_uint32_t llm_span_of(const llm_zone_t *zone, llm_span_e span,
                         apr_int64_t seconds);
/* Its first moment, in seconds since 1970. */
apr_int64_t llm_span_begin(const llm_zone_t *zone, llm_span_e span,
                           apr_uint32_t number);
/* The one after it. */
apr_uint32_t llm_span_next(const llm_zone_t *zone, llm_span_e span,
                           apr_uint32_t number);
/* "2026-11-22T10:00:00+01:00" (UTC: "...Z"), "2026-11-22", "2026-W47",
 * "2026-11". */
const char *llm_span_print(const llm_zone_t *zone, llm_span_e span,
                           apr_uint32_t number, apr_pool_t *pool);
/* A moment in local time, as an hour above. */
const char *llm_zone_print(const llm_zone_t *zone, apr_int64_t seconds,
                           apr_pool_t *pool);

#endif /* LLM_ZONE_H */
