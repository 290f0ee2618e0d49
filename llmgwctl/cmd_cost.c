/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl cost: what was spent today, this month, and since a time of choice;
 * what the month comes to when it goes on as it did; and for keys and teams,
 * what is left of their budgets.
 *
 * What keys and teams spent is one question to the store, which has it added up
 * with their budgets. Models, providers, days of another zone and --since are a
 * question for each span. The answers are put together by name. Budgets are of
 * UTC's days and months, whatever zone the other sums are of.
 */
#include "llmgwctl/cost.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define TOO_EARLY 3600 /* seconds of a month that foretell nothing */
#define NEAR      80   /* percent of a budget */

/* ------------------------------------------------------------------ asking */

/* The name alone would make one of all deleted keys that had it. */
static cost_row_t *row_of(cost_report_t *report, const llm_json_t *told)
{
    apr_pool_t *pool = report->ctl->pool;
    const char *name = llm_json_string(llm_json_get(told, report->by), pool);
    const char *which;
    apr_int64_t id;
    cost_row_t *row;

    name = which = name ? name : "";
    if (llm_json_int(llm_json_get(told, "key_id"), &id)) {
        which = apr_psprintf(pool, "%" APR_INT64_T_FMT, id);
    }
    row = apr_hash_get(report->by_name, which, APR_HASH_KEY_STRING);
    if (!row) {
        row = apr_pcalloc(pool, sizeof(*row));
        row->name = name;
        apr_hash_set(report->by_name, which, APR_HASH_KEY_STRING, row);
        APR_ARRAY_PUSH(report->rows, cost_row_t *) = row;
    }
    return row;
}

static apr_uint64_t number_in(const llm_json_t *told, const char *name)
{
    apr_int64_t number = 0;

    return llm_json_int(llm_json_get(told, name), &number) && number > 0
               ? (apr_uint64_t)number
               : 0;
}

static void add_cost(cost_report_t *report, cost_row_t *row, unsigned span,
                     apr_uint64_t cost)
{
    row->cost[span] += cost;
    report->total.cost[span] += cost;
}

/* Spans end now: what has no price is counted in the widest. */
static void add_unpriced(cost_report_t *report, unsigned span,
                         const llm_json_t *told)
{
    if (span == (report->since ? COST_SINCE : COST_MONTH)) {
        report->unpriced += (apr_int64_t)number_in(told, "unpriced");
    }
}

static void add_usage(void *baton, const llm_json_t *told)
{
    cost_report_t *report = baton;

    add_cost(report, row_of(report, told), report->span,
             number_in(told, "cost"));
    add_unpriced(report, report->span, told);
}

static int ask_span(cost_report_t *report, unsigned span, apr_time_t since)
{
    llm_buf_t *request = ctl_request(report->ctl, "usage");

    report->span = span;
    ctl_request_raw(
        request, "by",
        apr_pstrcat(report->ctl->pool, "[\"", report->by, "\"]", NULL));
    ctl_request_when(request, "since", since, report->ctl->pool);
    ctl_request_zone(request, &report->zone, report->ctl->pool);
    return ctl_ask(report->ctl, request, add_usage, report, NULL);
}

static void add_spent(void *baton, const llm_json_t *told)
{
    static const char *const windows[LLM_WINDOWS] = {"day", "month", "total"};
    static const char *const budgets[LLM_WINDOWS] = {
        "budget_day", "budget_month", "budget_total"};
    cost_report_t *report = baton;
    cost_row_t *row = row_of(report, told);
    unsigned i;

    for (i = 0; i < LLM_WINDOWS; ++i) {
        apr_int64_t amount;

        row->used[i] = number_in(told, windows[i]);
        report->total.used[i] += row->used[i];
        if (llm_json_int(llm_json_want(told, budgets[i]), &amount)) {
            row->budgets.given |= 1u << i;
            row->budgets.amount[i] = amount;
        }
    }
    if (!ctl_option(report->ctl, "tz")) {
        add_cost(report, row, COST_TODAY, row->used[LLM_WINDOW_DAY - 1]);
        add_cost(report, row, COST_MONTH, row->used[LLM_WINDOW_MONTH - 1]);
        add_unpriced(report, COST_MONTH, told);
    }
}

static int ask_spent(cost_report_t *report)
{
    llm_buf_t *request = ctl_request(report->ctl, "spend");

    ctl_request_text(request, "by", report->by);
    return ctl_ask(report->ctl, request, add_spent, report, NULL);
}

/* How much of the month is over. */
static double share_of_month(const cost_report_t *report, apr_int64_t begin)
{
    const llm_zone_t *zone = &report->zone.zone;
    apr_int64_t now = apr_time_sec(report->ctl->world->now);
    apr_int64_t end =
        llm_span_begin(zone, LLM_SPAN_MONTH,
                       llm_span_next(zone, LLM_SPAN_MONTH,
                                     llm_span_of(zone, LLM_SPAN_MONTH, now)));

    return now - begin < TOO_EARLY
               ? 0
               : (double)(now - begin) / (double)(end - begin);
}

static apr_int64_t begin_of_this(const cost_report_t *report, llm_span_e span)
{
    const llm_zone_t *zone = &report->zone.zone;

    return llm_span_begin(
        zone, span,
        llm_span_of(zone, span, apr_time_sec(report->ctl->world->now)));
}

static int ask_spans(cost_report_t *report)
{
    apr_int64_t day = begin_of_this(report, LLM_SPAN_DAY);
    apr_int64_t month = begin_of_this(report, LLM_SPAN_MONTH);
    int status = CTL_DONE;

    report->month = share_of_month(report, month);
    if (report->has_budgets) {
        status = ask_spent(report);
    }
    if (!report->has_budgets || ctl_option(report->ctl, "tz")) {
        if (status == CTL_DONE) {
            status = ask_span(report, COST_TODAY, apr_time_from_sec(day));
        }
        if (status == CTL_DONE) {
            status = ask_span(report, COST_MONTH, apr_time_from_sec(month));
        }
    }
    return status == CTL_DONE && report->since
               ? ask_span(report, COST_SINCE, report->since)
               : status;
}

/* ----------------------------------------------------------------- options */

static int read_by(cost_report_t *report)
{
    static const char *const known[] = {"key", "team", "model", "provider"};
    const char *by = ctl_option(report->ctl, "by");
    unsigned i;

    report->by = by ? by : "key";
    for (i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        if (!strcmp(known[i], report->by)) {
            report->has_budgets = i < 2;
            return CTL_DONE;
        }
    }
    return ctl_fail(report->ctl, CTL_USAGE, "usage",
                    "--by: expected key, team, model or provider, not '%s'",
                    by);
}

static int read_near(cost_report_t *report)
{
    const char *text = ctl_option(report->ctl, "near");
    apr_size_t len = text ? strspn(text, "0123456789") : 0;

    report->near = NEAR;
    if (text) {
        report->near = len && len < 4 && !text[len] ? (int)apr_atoi64(text) : 0;
    }
    return report->near >= 1 && report->near <= 100
               ? CTL_DONE
               : ctl_fail(report->ctl, CTL_USAGE, "usage",
                          "--near: expected a percentage from 1 to 100, not "
                          "'%s'",
                          text);
}

/* What only makes sense with budgets. */
static int check_budgets(const cost_report_t *report)
{
    static const char *const options[] = {"over", "near", "chart"};
    ctl_t *ctl = report->ctl;
    unsigned i;

    if (ctl_option(ctl, "chart") && ctl->face != CTL_TABLE) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--chart is for people: it goes neither with --json "
                        "nor with another --format");
    }
    for (i = 0; i < sizeof(options) / sizeof(options[0]); ++i) {
        if (ctl_option(ctl, options[i]) && !report->has_budgets) {
            return ctl_fail(ctl, CTL_USAGE, "usage",
                            "--%s: only keys and teams have budgets: expected "
                            "--by key or --by team",
                            options[i]);
        }
    }
    return CTL_DONE;
}

static int read_options(cost_report_t *report)
{
    int status = read_by(report);

    if (status == CTL_DONE) {
        status = cost_read_order(report);
    }
    if (status == CTL_DONE) {
        status = read_near(report);
    }
    if (status == CTL_DONE) {
        status = check_budgets(report);
    }
    if (status == CTL_DONE) {
        status = ctl_read_zone(&report->zone, report->ctl);
    }
    return status == CTL_DONE ? ctl_read_when(&report->since, report->ctl,
                                              "since", &report->zone)
                              : status;
}

static int cost(ctl_t *ctl)
{
    cost_report_t report = {.ctl = ctl};
    int status = read_options(&report);

    report.by_name = apr_hash_make(ctl->pool);
    report.rows = apr_array_make(ctl->pool, 16, sizeof(cost_row_t *));
    if (status == CTL_DONE) {
        status = ask_spans(&report);
    }
    if (status != CTL_DONE) {
        return status;
    }
    qsort(report.rows->elts, (size_t)report.rows->nelts, sizeof(cost_row_t *),
          report.order);
    if (ctl_option(ctl, "chart")) {
        cost_chart(&report);
    }
    else {
        cost_table(&report);
    }
    return CTL_DONE;
}

static const ctl_option_t options[] = {
    {"by", "WHAT", "key, team, model or provider; else key"},
    {"over", NULL, "only what is over its budget, or near its end"},
    {"near", "PERCENT", "how much of a budget is near its end; else 80"},
    {"sort", "cost|left|used|name", "what stands first; else cost"},
    {"chart", NULL, "a bar for each budget"},
    {"since", "WHEN", "one more sum, from then on: 7d, 2026-01-01"},
    CTL_OPTION_TZ,
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "Show what was spent, and what is left of budgets",
     .about =
         "FORECAST is what the month comes to if it goes on as it did so "
         "far. Costs are in\nUS dollars by the price list in force when "
         "the request was made. Budgets are of\ndays and months in UTC; of "
         "several the one that is used up furthest is shown.\nThey are "
         "reported against and not yet enforced: no request is refused "
         "because\nof a budget.",
     .example = "llmgwctl cost --by team --sort left",
     .options = options,
     .run = cost},
    {.run = NULL},
};

const ctl_noun_t ctl_cost = {
    .name = "cost",
    .summary = "What was spent, and what is left of budgets",
    .commands = commands,
};
