/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets as text and back. */
#include "core/llm_budget.h"

#include <string.h>

#include <apr_strings.h>

#define BLANKS " \t"

const char *llm_window_name(llm_window_e window)
{
    return window == LLM_WINDOW_DAY     ? "day"
           : window == LLM_WINDOW_MONTH ? "month"
                                        : "total";
}

llm_money_t llm_budget_of(const llm_budgets_t *budgets, llm_window_e window)
{
    return budgets->given & 1u << (window - 1) ? budgets->amount[window - 1]
                                               : LLM_MONEY_UNKNOWN;
}

/* 0: it is none. */
static unsigned read_window(const char *text)
{
    unsigned window;

    for (window = LLM_WINDOW_DAY; window <= LLM_WINDOW_TOTAL; ++window) {
        if (!strcmp(text, llm_window_name((llm_window_e)window))) {
            return window;
        }
    }
    return 0;
}

/* One of them: "5/day". */
static const char *read_one(llm_budgets_t *budgets, const char *text,
                            apr_pool_t *pool)
{
    const char *slash = strchr(text, '/');
    apr_size_t len = slash ? (apr_size_t)(slash - text) : strlen(text);
    unsigned window = slash ? read_window(slash + 1) : 0;
    llm_money_t amount;

    if (!slash) {
        return apr_psprintf(pool,
                            "expected an amount and its window, as 10/day, "
                            "10/month or 10/total, not '%s'",
                            text);
    }
    if (!llm_money_read(&amount, text, len) || amount > LLM_BUDGET_MAX) {
        return apr_psprintf(pool,
                            "expected dollars in plain decimals from 0 to 9 "
                            "billion with at most nine digits behind the "
                            "point, as 0.5/day or 100/month, not '%s'",
                            text);
    }
    if (!window) {
        return apr_psprintf(pool,
                            "expected day, month or total behind the '/', not "
                            "'%s'",
                            text);
    }
    if (budgets->given & 1u << (window - 1)) {
        return apr_psprintf(pool, "expected one amount for the %s, not another",
                            slash + 1);
    }
    budgets->given |= 1u << (window - 1);
    budgets->amount[window - 1] = amount;
    return NULL;
}

const char *llm_budgets_read(llm_budgets_t *pbudgets, const char *text,
                             apr_pool_t *pool)
{
    const char *wrong = NULL;
    int is_more = *text != '\0';

    memset(pbudgets, 0, sizeof(*pbudgets));
    while (is_more && !wrong) {
        apr_size_t len;
        char *one;

        text += strspn(text, BLANKS);
        len = strcspn(text, ",");
        is_more = text[len] == ',';
        one = apr_pstrmemdup(pool, text, len);
        text += len + (apr_size_t)is_more;
        while (len && strchr(BLANKS, one[len - 1])) {
            one[--len] = '\0';
        }
        wrong = read_one(pbudgets, one, pool);
    }
    if (wrong) {
        memset(pbudgets, 0, sizeof(*pbudgets));
    }
    return wrong;
}

const char *llm_budget_print(llm_window_e window, llm_money_t amount,
                             apr_pool_t *pool)
{
    return apr_pstrcat(pool, llm_money_print(amount, pool), "/",
                       llm_window_name(window), NULL);
}
