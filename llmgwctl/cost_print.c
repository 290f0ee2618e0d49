/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `llmgwctl cost` found: its order, its table and its bars.
 *
 * A name may have several budgets: the one that is used up furthest stands for
 * it in the table. JSON and CSV have them all, and each has a bar.
 */
#include "llmgwctl/cost.h"

#include <math.h>
#include <string.h>

#include <apr_strings.h>

#define FULL_BAR 1000 /* thousandths of a budget */

/* ----------------------------------------------------------------- budgets */

/* The share of a budget that is used: of nothing, all of it. Less than 0
 * without a budget. */
static double share_of(const cost_row_t *row, llm_window_e window)
{
    llm_money_t amount =
        window ? llm_budget_of(&row->budgets, window) : LLM_MONEY_UNKNOWN;
    apr_uint64_t used;

    if (amount == LLM_MONEY_UNKNOWN) {
        return -1;
    }
    used = row->used[window - 1];
    return amount ? (double)used / (double)amount : used ? HUGE_VAL : 1;
}

/* The window whose budget is used up furthest; 0: there is no budget. */
static llm_window_e tightest(const cost_row_t *row)
{
    unsigned window, found = 0;
    double most = -1;

    for (window = LLM_WINDOW_DAY; window <= LLM_WINDOW_TOTAL; ++window) {
        double share = share_of(row, (llm_window_e)window);

        if (share > most) {
            most = share;
            found = window;
        }
    }
    return (llm_window_e)found;
}

/* Less than 0 when more was spent; the greatest number without a budget. */
static apr_int64_t left_of(const cost_row_t *row, llm_window_e window)
{
    return window ? llm_budget_of(&row->budgets, window)
                        - (apr_int64_t)row->used[window - 1]
                  : APR_INT64_MAX;
}

/* In tenths of a percent; multiplied first, so that 57 of 100 are 57.0. */
static double permille_of(const cost_row_t *row, llm_window_e window)
{
    return (double)row->used[window - 1] * 1000
           / (double)llm_budget_of(&row->budgets, window);
}

/* One that is spent to its last nano-dollar is not over. */
static const char *state_of(const cost_report_t *report, const cost_row_t *row,
                            llm_window_e window)
{
    if (!window) {
        return NULL;
    }
    if (left_of(row, window) < 0) {
        return "over";
    }
    return !llm_budget_of(&row->budgets, window)
                   || permille_of(row, window) >= report->near * 10
               ? "near"
               : "ok";
}

/* Cut and not rounded: "100.0" is all of it. NULL: there is no such number. */
static const char *percent_of(const cost_row_t *row, llm_window_e window,
                              apr_pool_t *pool)
{
    if (share_of(row, window) < 0) {
        return NULL;
    }
    if (!llm_budget_of(&row->budgets, window)) {
        return row->used[window - 1] ? NULL : "100.0";
    }
    return apr_psprintf(pool, "%.1f", floor(permille_of(row, window)) / 10);
}

/* ------------------------------------------------------------------- order */

static const cost_row_t *row_at(const void *element)
{
    return *(cost_row_t *const *)element;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(row_at(a)->name, row_at(b)->name);
}

static int more_first(apr_uint64_t x, apr_uint64_t y)
{
    return x < y ? 1 : x > y ? -1 : 0;
}

/* What spent most in the longest span that was asked for. */
static int by_cost(const void *a, const void *b)
{
    const cost_row_t *x = row_at(a), *y = row_at(b);
    int i, order = 0;

    for (i = COST_SPANS - 1; i >= 0 && !order; --i) {
        order = more_first(x->cost[i], y->cost[i]);
    }
    if (!order) {
        order = more_first(x->used[LLM_WINDOW_TOTAL - 1],
                           y->used[LLM_WINDOW_TOTAL - 1]);
    }
    return order ? order : by_name(a, b);
}

/* The least first; what has no budget last. */
static int by_left(const void *a, const void *b)
{
    const cost_row_t *x = row_at(a), *y = row_at(b);
    apr_int64_t left_x = left_of(x, tightest(x));
    apr_int64_t left_y = left_of(y, tightest(y));

    return left_x < left_y ? -1 : left_x > left_y ? 1 : by_cost(a, b);
}

static int by_used(const void *a, const void *b)
{
    double x = share_of(row_at(a), tightest(row_at(a)));
    double y = share_of(row_at(b), tightest(row_at(b)));

    return x < y ? 1 : x > y ? -1 : by_cost(a, b);
}

int cost_read_order(cost_report_t *report)
{
    static const struct {
        const char *name;
        cost_order_t *order;
    } known[] = {{"cost", by_cost},
                 {"left", by_left},
                 {"used", by_used},
                 {"name", by_name}};
    const char *sort = ctl_option(report->ctl, "sort");
    unsigned i;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        if (!sort || !strcmp(known[i].name, sort)) {
            report->order = known[i].order;
            return CTL_DONE;
        }
    }
    return ctl_fail(report->ctl, CTL_USAGE, "usage",
                    "--sort: expected cost, left, used or name, not '%s'",
                    sort);
}

/* ------------------------------------------------------------------- table */

static const char *digits(apr_uint64_t count, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_UINT64_T_FMT, count);
}

/* What of it is left, or NULL; nothing when it is over. */
static const char *left_cell(const cost_row_t *row, llm_window_e window,
                             apr_pool_t *pool)
{
    apr_int64_t left = left_of(row, window);

    return window ? digits(left > 0 ? (apr_uint64_t)left : 0, pool) : NULL;
}

static const char *budget_cell(const cost_row_t *row, llm_window_e window,
                               apr_pool_t *pool)
{
    llm_money_t amount = llm_budget_of(&row->budgets, window);

    return amount == LLM_MONEY_UNKNOWN ? NULL
                                       : digits((apr_uint64_t)amount, pool);
}

#define CELLS 13

/* In the order of cost_table's columns. */
static const char **cells_of(const cost_report_t *report, const cost_row_t *row)
{
    apr_pool_t *pool = report->ctl->pool;
    const char **cells = apr_pcalloc(pool, CELLS * sizeof(*cells));
    llm_window_e window = tightest(row);

    cells[0] = row->name;
    cells[1] = digits(row->cost[COST_TODAY], pool);
    cells[2] = digits(row->cost[COST_MONTH], pool);
    if (report->month > 0) {
        cells[3] = digits(
            (apr_uint64_t)((double)row->cost[COST_MONTH] / report->month),
            pool);
    }
    if (report->since) {
        cells[4] = digits(row->cost[COST_SINCE], pool);
    }
    if (report->has_budgets) {
        cells[5] = digits(row->used[LLM_WINDOW_TOTAL - 1], pool);
    }
    cells[6] = budget_cell(row, LLM_WINDOW_DAY, pool);
    cells[7] = budget_cell(row, LLM_WINDOW_MONTH, pool);
    cells[8] = budget_cell(row, LLM_WINDOW_TOTAL, pool);
    if (window) {
        cells[9] = llm_budget_print(window,
                                    llm_budget_of(&row->budgets, window), pool);
    }
    cells[10] = left_cell(row, window, pool);
    cells[11] = percent_of(row, window, pool);
    cells[12] = state_of(report, row, window);
    return cells;
}

static int is_shown(const cost_report_t *report, const cost_row_t *row)
{
    const char *state = state_of(report, row, tightest(row));

    return !ctl_option(report->ctl, "over") || (state && strcmp(state, "ok"));
}

static void say_rest(const cost_report_t *report, unsigned shown)
{
    if (!shown) {
        ctl_remark(report->ctl, "%s",
                   ctl_option(report->ctl, "over")
                       ? "No budget is over, or near its end."
                       : "No request matches.");
    }
    if (report->unpriced) {
        ctl_remark(report->ctl,
                   "The price of %" APR_INT64_T_FMT
                   " requests is not known; their cost is not in the sums.",
                   report->unpriced);
    }
}

void cost_table(cost_report_t *report)
{
    const ctl_column_t columns[CELLS + 1] = {
        {report->by, "NAME", CTL_TEXT, 0},
        {"today", "TODAY", CTL_MONEY, 0},
        {"month", "THIS MONTH", CTL_MONEY, 0},
        {"forecast", "FORECAST", CTL_MONEY, 0},
        {"since", "SINCE", CTL_MONEY, report->since ? 0 : CTL_HIDE},
        {"total", "TOTAL", CTL_MONEY, report->has_budgets ? 0 : CTL_HIDE},
        {"budget_day", NULL, CTL_MONEY, CTL_HIDE},
        {"budget_month", NULL, CTL_MONEY, CTL_HIDE},
        {"budget_total", NULL, CTL_MONEY, CTL_HIDE},
        {"budget", "BUDGET", CTL_TEXT, CTL_IF_ANY},
        {"left", "LEFT", CTL_MONEY, CTL_IF_ANY},
        {"used_percent", "USED %", CTL_DECIMAL, CTL_IF_ANY},
        {"state", "STATE", CTL_TEXT, CTL_IF_ANY},
        {NULL, NULL, CTL_TEXT, 0},
    };
    ctl_list_t *list = ctl_list_begin(report->ctl, "cost", columns);
    int i;

    for (i = 0; i < report->rows->nelts; ++i) {
        const cost_row_t *row = APR_ARRAY_IDX(report->rows, i, cost_row_t *);

        if (is_shown(report, row)) {
            ctl_list_add(list, cells_of(report, row));
        }
    }
    report->total.name = report->ctl->face == CTL_TABLE ? "total" : NULL;
    ctl_list_total(list, cells_of(report, &report->total));
    ctl_list_end(list);
    say_rest(report, ctl_list_count(list));
}

/* -------------------------------------------------------------------- bars */

/* One budget; the whole bar is all that may be spent. */
static void add_bar(const cost_report_t *report, apr_array_header_t *bars,
                    const cost_row_t *row, llm_window_e window)
{
    static const ctl_column_t money = {"left", NULL, CTL_MONEY, 0};
    apr_pool_t *pool = report->ctl->pool;
    apr_int64_t left = left_of(row, window);
    double share = share_of(row, window);
    const char *percent = percent_of(row, window, pool);
    const char *budget =
        llm_budget_print(window, llm_budget_of(&row->budgets, window), pool);
    ctl_bar_t *bar = apr_array_push(bars);

    bar->label =
        ctl_safe_text(apr_pstrcat(pool, row->name, "  ", budget, NULL), pool);
    bar->value = share < 1 ? (apr_uint64_t)(share * FULL_BAR) : FULL_BAR;
    bar->text = apr_pstrcat(
        pool, percent ? percent : "-", " %  ",
        ctl_face_text(&money,
                      digits((apr_uint64_t)(left < 0 ? -left : left), pool),
                      pool),
        left < 0 ? " over" : " left", NULL);
}

void cost_chart(const cost_report_t *report)
{
    apr_array_header_t *bars =
        apr_array_make(report->ctl->pool, 16, sizeof(ctl_bar_t));
    unsigned window;
    int i;

    for (i = 0; i < report->rows->nelts; ++i) {
        const cost_row_t *row = APR_ARRAY_IDX(report->rows, i, cost_row_t *);

        for (window = LLM_WINDOW_DAY; window <= LLM_WINDOW_TOTAL; ++window) {
            if (row->budgets.given & 1u << (window - 1)
                && is_shown(report, row)) {
                add_bar(report, bars, row, (llm_window_e)window);
            }
        }
    }
    ctl_chart(bars, FULL_BAR, report->ctl->world, report->ctl->pool);
    if (!bars->nelts && !ctl_option(report->ctl, "over")) {
        ctl_remark(report->ctl, "No %s has a budget.", report->by);
    }
    else {
        say_rest(report, (unsigned)bars->nelts);
    }
}
