/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of `llmgwctl cost` share: what was found, and its faces. */
#ifndef CTL_COST_H
#define CTL_COST_H

#include <apr_hash.h>

#include "core/llm_budget.h"
#include "llmgwctl/ctl.h"

enum { COST_TODAY, COST_MONTH, COST_SINCE, COST_SPANS };

/* Of one key, team, model or provider; nano-dollars. */
typedef struct cost_row_t {
    const char *name;
    apr_uint64_t cost[COST_SPANS];
    /* of keys and teams, in UTC; by llm_window_e - 1 */
    apr_uint64_t used[LLM_WINDOWS];
    llm_budgets_t budgets;
} cost_row_t;

typedef int cost_order_t(const void *a, const void *b); /* of cost_row_t * */

typedef struct cost_report_t {
    ctl_t *ctl;
    const char *by;
    int has_budgets; /* what it is by does */
    int near;        /* percent */
    cost_order_t *order;
    unsigned span; /* that is being asked */
    apr_hash_t *by_name;
    apr_array_header_t *rows; /* of cost_row_t * */
    cost_row_t total;
    ctl_zone_t zone;
    apr_time_t since;     /* 0: not asked for */
    double month;         /* the share of it that is over; 0: too little */
    apr_int64_t unpriced; /* requests of the widest span without a price */
} cost_report_t;

/* --sort. Reports what is wrong and returns CTL_USAGE. */
int cost_read_order(cost_report_t *report);
/* The rows as they are sorted; with --over only those that are to be shown. */
void cost_table(cost_report_t *report);
void cost_chart(const cost_report_t *report);

#endif /* CTL_COST_H */
