/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A survey from inside: what its two ways, over rollups and over records,
 * share.
 */
#ifndef STORE_SURVEY_INSIDE_H
#define STORE_SURVEY_INSIDE_H

#include "store/survey.h"

#define HOUR apr_time_from_sec(3600)
/* Records or rows, before somebody is told how far it is. */
#define LOOK_EVERY 1024

static inline apr_time_t llm_later(apr_time_t a, apr_time_t b)
{
    return a > b ? a : b;
}

static inline apr_time_t llm_earlier(apr_time_t a, apr_time_t b)
{
    return a < b ? a : b;
}

int llm_survey_is_by(const llm_survey_t *survey, llm_field_e kind);
/* Into survey->spans: those that a moment lies in. */
void llm_survey_find_spans(llm_survey_t *survey, apr_int64_t seconds);
/* Does the day have records? */
int llm_survey_is_kept(const llm_survey_t *survey, apr_uint32_t day);
/* Is it told to stop? Tells who waits how far it is. */
apr_status_t llm_survey_look_up(llm_survey_t *survey, apr_time_t at);
/* Adds the records of [since, until), which lie in one UTC day. */
apr_status_t llm_survey_read_records(llm_survey_t *survey, apr_time_t since,
                                     apr_time_t until);

apr_status_t llm_survey_sum_records(llm_survey_t *survey);
apr_status_t llm_survey_sum_rollups(llm_survey_t *survey);

#endif /* STORE_SURVEY_INSIDE_H */
