/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage summed by any fields, over a span of time.
 *
 * Where rollups know all that is asked for, they are read: a span of time from
 * the rows of whole days as far as it can, and from those of hours at its
 * ends, so that a month costs some thousand rows whenever it begins. Else the
 * single records are read, as far back as they are kept.
 *
 * Rollups are UTC's hours. A zone whose days begin in the middle of one has
 * these hours summed from their records; where they are not kept any more, the
 * hour counts where it begins. Times are cut to whole hours, but in such a
 * zone they are exact.
 */
#ifndef STORE_SURVEY_H
#define STORE_SURVEY_H

#include "store/fields.h"
#include "store/groups.h"

#define LLM_SURVEY_BY     8 /* fields at most */
#define LLM_SURVEY_GROUPS 1000000

typedef struct llm_survey_t {
    llm_task_t *task;
    /* what is asked for */
    llm_filters_t filters;
    const llm_zone_t *zone;  /* NULL: UTC */
    apr_time_t since, until; /* the latter is not in it; 0 begins, 0 ends */
    const llm_field_t *by[LLM_SURVEY_BY];
    unsigned count;
    int is_rolled; /* rollups can answer */
    /* what came of it */
    llm_groups_t *groups;
    llm_words_t *words;
    llm_totals_t total;       /* each request once, also with several tags */
    apr_time_t records_since; /* there was usage before, but single records,
                                 which were needed, are kept from then on
                                 only; 0: nothing is missing */
    apr_time_t hours_since;   /* the same of sums by hour: what was before is
                               whole days of UTC, counted where they begin */
    /* inside */
    apr_array_header_t *days; /* that have records: of apr_uint32_t */
    apr_int64_t minute;       /* that `spans` are of */
    apr_uint32_t spans[LLM_SURVEY_BY];
    unsigned seen; /* records, for the progress */
    apr_status_t status;
} llm_survey_t;

/* Reads the request: its "by", filters, zone, since and until. */
apr_status_t llm_survey_ask(llm_survey_t *survey, llm_task_t *task);
/* Sums it all up. APR_ENOSPC: too many groups. APR_EINTR: the store closes;
 * APR_EOF: nobody waits for it. */
apr_status_t llm_survey_run(llm_survey_t *survey);
/* Adds one record, if it passes the filters. */
apr_status_t llm_survey_add(llm_survey_t *survey, const llm_record_t *record);
/* The members of a group, each called after its field. */
void llm_survey_put(const llm_survey_t *survey, const apr_uint32_t *numbers,
                    llm_buf_t *out, apr_pool_t *pool);

#endif /* STORE_SURVEY_H */
