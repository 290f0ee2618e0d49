/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl cost: what was spent today, this month, and since a time of choice;
 * and what the month comes to when it goes on as it did.
 *
 * Each span is one question to the store; their rows are put together by name.
 * What spent most in the longest span asked for comes first.
 */
#include "llmgwctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define TOO_EARLY 3600 /* seconds of a month that foretell nothing */

enum { TODAY, MONTH, SINCE, SPANS };

typedef struct spent_t {
    const char *name;
    apr_uint64_t cost[SPANS]; /* nano-dollars */
} spent_t;

typedef struct report_t {
    ctl_t *ctl;
    const char *by;
    unsigned span, spans; /* that is being asked, and how many there are */
    apr_hash_t *by_name;
    apr_array_header_t *rows; /* of spent_t * */
    spent_t total;
    ctl_zone_t zone;
    double month;         /* the share of it that is over; 0: too little */
    apr_int64_t unpriced; /* requests of the widest span without a price */
} report_t;

static void add_row(void *baton, const llm_json_t *row)
{
    report_t *report = baton;
    const char *name =
        llm_json_string(llm_json_get(row, report->by), report->ctl->pool);
    apr_int64_t cost = 0, unpriced = 0;
    spent_t *spent;

    name = name ? name : "";
    spent = apr_hash_get(report->by_name, name, APR_HASH_KEY_STRING);
    if (!spent) {
        spent = apr_pcalloc(report->ctl->pool, sizeof(*spent));
        spent->name = name;
        apr_hash_set(report->by_name, name, APR_HASH_KEY_STRING, spent);
        APR_ARRAY_PUSH(report->rows, spent_t *) = spent;
    }
    if (llm_json_int(llm_json_get(row, "cost"), &cost) && cost > 0) {
        spent->cost[report->span] += (apr_uint64_t)cost;
        report->total.cost[report->span] += (apr_uint64_t)cost;
    }
    if (report->span == report->spans - 1
        && llm_json_int(llm_json_get(row, "unpriced"), &unpriced)) {
        report->unpriced += unpriced;
    }
}

static int ask_span(report_t *report, unsigned span, apr_time_t since)
{
    llm_buf_t *request = ctl_request(report->ctl, "usage");

    report->span = span;
    ctl_request_raw(
        request, "by",
        apr_pstrcat(report->ctl->pool, "[\"", report->by, "\"]", NULL));
    ctl_request_when(request, "since", since, report->ctl->pool);
    ctl_request_zone(request, &report->zone, report->ctl->pool);
    return ctl_ask(report->ctl, request, add_row, report, NULL);
}

static int read_by(report_t *report)
{
    static const char *const known[] = {"key", "team", "model", "provider"};
    const char *by = ctl_option(report->ctl, "by");
    unsigned i;

    report->by = by ? by : "key";
    for (i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        if (!strcmp(known[i], report->by)) {
            return CTL_DONE;
        }
    }
    return ctl_fail(report->ctl, CTL_USAGE, "usage",
                    "--by: expected key, team, model or provider, not '%s'",
                    by);
}

/* How much of the month is over. */
static double share_of_month(const report_t *report, apr_int64_t begin)
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

static apr_int64_t begin_of_this(const report_t *report, llm_span_e span)
{
    const llm_zone_t *zone = &report->zone.zone;

    return llm_span_begin(
        zone, span,
        llm_span_of(zone, span, apr_time_sec(report->ctl->world->now)));
}

static int ask_spans(report_t *report)
{
    apr_int64_t month;
    apr_time_t since;
    int status = ctl_read_zone(&report->zone, report->ctl);

    if (status == CTL_DONE) {
        status = ctl_read_when(&since, report->ctl, "since", &report->zone);
    }
    if (status != CTL_DONE) {
        return status;
    }
    report->spans = since ? SPANS : SINCE;
    month = begin_of_this(report, LLM_SPAN_MONTH);
    report->month = share_of_month(report, month);
    status = ask_span(report, TODAY,
                      apr_time_from_sec(begin_of_this(report, LLM_SPAN_DAY)));
    if (status == CTL_DONE) {
        status = ask_span(report, MONTH, apr_time_from_sec(month));
    }
    return status == CTL_DONE && since ? ask_span(report, SINCE, since)
                                       : status;
}

static int compare(const void *a, const void *b)
{
    const spent_t *x = *(spent_t *const *)a, *y = *(spent_t *const *)b;
    int i;

    for (i = SPANS - 1; i >= 0; --i) {
        if (x->cost[i] != y->cost[i]) {
            return x->cost[i] < y->cost[i] ? 1 : -1;
        }
    }
    return strcmp(x->name, y->name);
}

static const char **cells_of(const report_t *report, const spent_t *spent)
{
    apr_pool_t *pool = report->ctl->pool;
    const char **cells = apr_pcalloc(pool, (SPANS + 3) * sizeof(*cells));
    unsigned i;

    cells[0] = spent->name;
    for (i = 0; i < report->spans; ++i) {
        /* the forecast stands behind the month */
        cells[1 + i + (i > MONTH)] =
            apr_psprintf(pool, "%" APR_UINT64_T_FMT, spent->cost[i]);
    }
    if (report->month > 0) {
        cells[2 + MONTH] = apr_psprintf(
            pool, "%" APR_UINT64_T_FMT,
            (apr_uint64_t)((double)spent->cost[MONTH] / report->month));
    }
    return cells;
}

static void print_report(report_t *report)
{
    const ctl_column_t columns[] = {
        {report->by, "NAME", CTL_TEXT, 0},
        {"today", "TODAY", CTL_MONEY, 0},
        {"month", "THIS MONTH", CTL_MONEY, 0},
        {"forecast", "FORECAST", CTL_MONEY, 0},
        {"since", "SINCE", CTL_MONEY, report->spans == SPANS ? 0 : CTL_HIDE},
        {NULL, NULL, CTL_TEXT, 0},
    };
    ctl_list_t *list = ctl_list_begin(report->ctl, "cost", columns);
    int i;

    qsort(report->rows->elts, (size_t)report->rows->nelts, sizeof(spent_t *),
          compare);
    for (i = 0; i < report->rows->nelts; ++i) {
        ctl_list_add(
            list, cells_of(report, APR_ARRAY_IDX(report->rows, i, spent_t *)));
    }
    report->total.name = report->ctl->face == CTL_TABLE ? "total" : NULL;
    ctl_list_total(list, cells_of(report, &report->total));
    ctl_list_end(list);
    if (!report->rows->nelts) {
        ctl_remark(report->ctl, "No request matches.");
    }
    if (report->unpriced) {
        ctl_remark(report->ctl,
                   "The price of %" APR_INT64_T_FMT
                   " requests is not known; their cost is not in the sums.",
                   report->unpriced);
    }
}

static int cost(ctl_t *ctl)
{
    report_t report = {.ctl = ctl};
    int status = read_by(&report);

    report.by_name = apr_hash_make(ctl->pool);
    report.rows = apr_array_make(ctl->pool, 16, sizeof(spent_t *));
    if (status == CTL_DONE) {
        status = ask_spans(&report);
    }
    if (status == CTL_DONE) {
        print_report(&report);
    }
    return status;
}

static const ctl_option_t options[] = {
    {"by", "WHAT", "key, team, model or provider; else key"},
    {"since", "WHEN", "one more sum, from then on: 7d, 2026-01-01"},
    CTL_OPTION_TZ,
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "Show what was spent today and this month",
     .about = "FORECAST is what the month comes to if it goes on as it did so "
              "far. Costs are in US\ndollars by the price list in force when "
              "the request was made. Nothing is limited\nhere: this shows what "
              "was spent.",
     .example = "llmgwctl cost --by team",
     .options = options,
     .run = cost},
    {.run = NULL},
};

const ctl_noun_t ctl_cost = {
    .name = "cost",
    .summary = "What was spent today and this month",
    .commands = commands,
};
