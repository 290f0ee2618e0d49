/* SPDX-License-Identifier: Apache-2.0 */
/* A survey as the rows of an answer, all of them or the greatest. */
#ifndef STORE_USAGE_ROWS_H
#define STORE_USAGE_ROWS_H

#include "store/survey.h"

/* What counts when there are too many. */
typedef struct llm_order_t {
    unsigned top;     /* rows at most; 0 all */
    unsigned measure; /* one of this file's */
} llm_order_t;

/* The request's "top" and "sort". */
apr_status_t llm_order_ask(llm_order_t *order, llm_task_t *task);
apr_status_t llm_usage_say(const llm_survey_t *survey,
                           const llm_order_t *order);
/* The member "total". */
void llm_usage_put_total(const llm_survey_t *survey, llm_buf_t *out);

#endif /* STORE_USAGE_ROWS_H */
