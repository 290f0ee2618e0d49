/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets: how much a key or a team may spend in a window of time. At most one
 * for each window; windows are those of UTC.
 */
#ifndef LLM_BUDGET_H
#define LLM_BUDGET_H

#include "core/llm_money.h"

/* A day, a month, and all time. Numbers on disk; never given to another. */
typedef enum {
    LLM_WINDOW_DAY = 1,
    LLM_WINDOW_MONTH = 2,
    LLM_WINDOW_TOTAL = 3
} llm_window_e;
#define LLM_WINDOWS 3

/* "day", "month", "total" */
const char *llm_window_name(llm_window_e window);

#define LLM_BUDGET_MAX APR_INT64_C(9000000000000000000) /* 9 billion dollars */

/* All zero: there is none. */
typedef struct llm_budgets_t {
    apr_uint32_t given;              /* bit window - 1: there is one */
    llm_money_t amount[LLM_WINDOWS]; /* of window - 1; 0 where there is none */
} llm_budgets_t;

/* LLM_MONEY_UNKNOWN: there is none for that window. */
llm_money_t llm_budget_of(const llm_budgets_t *budgets, llm_window_e window);

/*
 * "5/day, 100/month": dollars as plain decimals, and a window; separated by
 * commas, blanks around them are skipped. "" is none. Returns NULL, or what is
 * wrong and what was expected, made in the pool; *pbudgets is none then.
 */
const char *llm_budgets_read(llm_budgets_t *pbudgets, const char *text,
                             apr_pool_t *pool);
/* "100.00/month" */
const char *llm_budget_print(llm_window_e window, llm_money_t amount,
                             apr_pool_t *pool);

#endif /* LLM_BUDGET_H */
