/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations ("30s", "250ms", "5m"), sizes ("8m"), and the civil time that
 * reports are cut by. Parsers return NULL or a phrase saying what was
 * expected. A number without a unit is seconds, or bytes.
 */
#ifndef LLM_TIME_H
#define LLM_TIME_H

#include "core/llm.h"

/* us (micro), ms, s, m, h, d; "0" is zero. */
const char *llm_duration_read(apr_interval_time_t *pduration, const char *text);
/* k, m, g (1024-based), case ignored. */
const char *llm_size_read(apr_size_t *psize, const char *text);

/* UTC day ("2026-11-22") and hour numbers since 1970. */
apr_uint32_t llm_time_hour(apr_time_t when);
apr_uint32_t llm_time_day(apr_time_t when);
const char *llm_time_print(apr_time_t when, apr_pool_t *pool); /* RFC 3339 */
typedef struct llm_date_t {
    int year, month, day; /* month and day from 1 */
} llm_date_t;
/* Of days since 1970, and back; from 1970 on. */
llm_date_t llm_date_of_day(apr_int64_t day);
apr_int64_t llm_day_of_date(llm_date_t date);
const char *llm_day_print(apr_uint32_t day, apr_pool_t *pool);
/* RFC 3339 date or time ("2026-11-22", "2026-11-22T10:00:00Z"), or a
 * duration back from now ("7d", "24h"), or "today", "yesterday". UTC. */
const char *llm_time_read(apr_time_t *pwhen, const char *text, apr_time_t now);

#endif /* LLM_TIME_H */
