/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl usage: what was used and what it cost, summed by what --by names.
 *
 * The store's classes of tokens never overlap. People compare with their
 * provider's page, where "input" is all of it, so a table shows all input and
 * of it what was read from a cache, all output and of it what was reasoning.
 * JSON and CSV have these sums and the single classes too.
 */
#include "llmgwctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* What usage can be summed by. */
static const ctl_column_t groups[] = {
    {"key", "KEY", CTL_TEXT, 0},           {"model", "MODEL", CTL_TEXT, 0},
    {"provider", "PROVIDER", CTL_TEXT, 0}, {"day", "DAY", CTL_TEXT, 0},
    {"hour", "HOUR", CTL_TIME, 0},         {"team", "TEAM", CTL_TEXT, 0},
};
#define GROUPS ((int)(sizeof(groups) / sizeof(groups[0])))

enum {
    REQUESTS,
    ERRORS,
    TOKENS_IN,
    CACHE_READ,
    TOKENS_OUT,
    REASONING,
    COST,
    ABORTED,
    KILLED,
    ESTIMATED,
    UNPRICED,
    INPUT,
    CACHE_WRITE,
    CACHE_WRITE_1H,
    OUTPUT,
    AUDIO_IN,
    AUDIO_OUT,
    IMAGES,
    LATENCY_MS,
    FIRST_MS,
    SUMS
};

static const ctl_column_t sums[SUMS + 1] = {
    [REQUESTS] = {"requests", "REQUESTS", CTL_COUNT, 0},
    [ERRORS] = {"errors", "ERRORS", CTL_COUNT, 0},
    [TOKENS_IN] = {"tokens_in", "TOKENS IN", CTL_COUNT, 0},
    [CACHE_READ] = {"cache_read", "CACHED", CTL_COUNT, 0},
    [TOKENS_OUT] = {"tokens_out", "OUT", CTL_COUNT, 0},
    [REASONING] = {"reasoning", "REASONING", CTL_COUNT, 0},
    [COST] = {"cost", "COST", CTL_MONEY, 0},
    [ABORTED] = {"aborted", "ABORTED", CTL_COUNT, CTL_HIDE},
    [KILLED] = {"killed", "KILLED", CTL_COUNT, CTL_HIDE},
    [ESTIMATED] = {"estimated", "ESTIMATED", CTL_COUNT, CTL_HIDE},
    [UNPRICED] = {"unpriced", "UNPRICED", CTL_COUNT, CTL_HIDE},
    [INPUT] = {"input", "INPUT", CTL_COUNT, CTL_HIDE},
    [CACHE_WRITE] = {"cache_write", "CACHE WRITE", CTL_COUNT, CTL_HIDE},
    [CACHE_WRITE_1H] = {"cache_write_1h", "WRITE 1H", CTL_COUNT, CTL_HIDE},
    [OUTPUT] = {"output", "OUTPUT", CTL_COUNT, CTL_HIDE},
    [AUDIO_IN] = {"audio_in", "AUDIO IN", CTL_COUNT, CTL_HIDE},
    [AUDIO_OUT] = {"audio_out", "AUDIO OUT", CTL_COUNT, CTL_HIDE},
    [IMAGES] = {"images", "IMAGES", CTL_COUNT, CTL_HIDE},
    [LATENCY_MS] = {"latency_ms", "LATENCY", CTL_COUNT, CTL_HIDE},
    [FIRST_MS] = {"first_ms", "FIRST", CTL_COUNT, CTL_HIDE},
    [SUMS] = {NULL, NULL, CTL_TEXT, 0},
};

/* A line of the report. */
typedef struct line_t {
    const char *group[GROUPS + 1]; /* in the order of --by */
    apr_uint64_t sum[SUMS];
    apr_uint64_t weight; /* what it is sorted by, the greatest first */
} line_t;

typedef struct report_t {
    ctl_t *ctl;
    apr_array_header_t *by;    /* of ctl_column_t: the groups asked for */
    apr_array_header_t *lines; /* of line_t * */
    line_t total;
    int top;  /* lines at most; 0 all */
    int sort; /* the sum to sort by, the greatest first; -1 by name */
} report_t;

/* ------------------------------------------------------------------- asked */

static int add_group(report_t *report, const char *name)
{
    const ctl_column_t *asked;
    int i;

    for (i = 0; i < GROUPS && strcmp(groups[i].name, name); ++i) {
    }
    if (i == GROUPS) {
        return ctl_fail(report->ctl, CTL_USAGE, "usage",
                        "--by: expected key, team, model, provider, day or "
                        "hour, not '%s'",
                        name);
    }
    asked = (const ctl_column_t *)(void *)report->by->elts;
    for (; asked
           < (const ctl_column_t *)(void *)report->by->elts + report->by->nelts;
         ++asked) {
        if (!strcmp(asked->name, name)) {
            return ctl_fail(report->ctl, CTL_USAGE, "usage",
                            "--by: '%s' stands there twice", name);
        }
    }
    APR_ARRAY_PUSH(report->by, ctl_column_t) = groups[i];
    return CTL_DONE;
}

static int read_by(report_t *report)
{
    const char *by = ctl_option(report->ctl, "by");
    int status = CTL_DONE;

    by = by ? by : "key,model";
    while (status == CTL_DONE && by) {
        apr_size_t len = strcspn(by, ",");

        status = add_group(report, apr_pstrmemdup(report->ctl->pool, by, len));
        by = by[len] ? by + len + 1 : NULL;
    }
    return status;
}

static int make_request(llm_buf_t **prequest, report_t *report)
{
    ctl_t *ctl = report->ctl;
    llm_buf_t *by = llm_buf_make(0, ctl->pool);
    const char *since, *until;
    int i, status = ctl_option_time(&since, ctl, "since");

    if (status == CTL_DONE) {
        status = ctl_option_time(&until, ctl, "until");
    }
    if (status != CTL_DONE) {
        return status;
    }
    for (i = 0; i < report->by->nelts; ++i) {
        llm_buf_putc(by, i ? ',' : '[');
        llm_buf_put_string(by, APR_ARRAY_IDX(report->by, i, ctl_column_t).name);
    }
    llm_buf_append(by, "]", 2);
    *prequest = ctl_request(ctl, "usage");
    ctl_request_raw(*prequest, "by", by->data);
    ctl_request_text(*prequest, "since", since);
    ctl_request_text(*prequest, "until", until);
    ctl_request_text(*prequest, "key", ctl_option(ctl, "key"));
    ctl_request_text(*prequest, "team", ctl_option(ctl, "team"));
    ctl_request_text(*prequest, "model", ctl_option(ctl, "model"));
    ctl_request_text(*prequest, "provider", ctl_option(ctl, "provider"));
    return CTL_DONE;
}

/* --top N, by the cost or by what --sort says. */
static int read_order(report_t *report)
{
    ctl_t *ctl = report->ctl;
    const char *top = ctl_option(ctl, "top"), *sort = ctl_option(ctl, "sort");

    if (top
        && (strspn(top, "0123456789") != strlen(top) || *top == '0'
            || strlen(top) > 6)) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--top: expected a number above zero, not '%s'", top);
    }
    report->top = top ? (int)apr_atoi64(top) : 0;
    report->sort = top ? COST : -1;
    if (!sort) {
        return CTL_DONE;
    }
    report->sort = 0;
    while (report->sort < SUMS && strcmp(sums[report->sort].name, sort) != 0) {
        ++report->sort;
    }
    return report->sort < SUMS
               ? CTL_DONE
               : ctl_fail(ctl, CTL_USAGE, "usage",
                          "--sort: expected a sum such as cost, requests or "
                          "tokens_in, not '%s'",
                          sort);
}

/* ------------------------------------------------------------------ summed */

static apr_uint64_t number(const llm_json_t *row, const char *name)
{
    apr_int64_t value = 0;

    return llm_json_int(llm_json_get(row, name), &value) && value > 0
               ? (apr_uint64_t)value
               : 0;
}

static void add_line(void *baton, const llm_json_t *row)
{
    report_t *report = baton;
    apr_pool_t *pool = report->ctl->pool;
    line_t *line = apr_pcalloc(pool, sizeof(*line));
    apr_uint64_t *sum = line->sum;
    int i;

    for (i = 0; i < report->by->nelts; ++i) {
        const llm_json_t *group =
            llm_json_want(row, APR_ARRAY_IDX(report->by, i, ctl_column_t).name);

        line->group[i] = llm_json_string(group, pool);
    }
    for (i = 0; i < SUMS; ++i) {
        sum[i] = number(row, sums[i].name);
    }
    sum[TOKENS_IN] = sum[INPUT] + sum[CACHE_READ] + sum[CACHE_WRITE]
                     + sum[CACHE_WRITE_1H] + sum[AUDIO_IN];
    sum[TOKENS_OUT] = sum[OUTPUT] + sum[REASONING] + sum[AUDIO_OUT];
    for (i = 0; i < SUMS; ++i) {
        report->total.sum[i] += sum[i];
    }
    line->weight = report->sort < 0 ? 0 : sum[report->sort];
    APR_ARRAY_PUSH(report->lines, line_t *) = line;
}

/* By weight, then by the groups' names, in the order of --by. */
static int compare(const void *a, const void *b)
{
    const line_t *x = *(line_t *const *)a, *y = *(line_t *const *)b;
    int i, order = (x->weight < y->weight) - (x->weight > y->weight);

    for (i = 0; i < GROUPS && !order; ++i) {
        order = strcmp(x->group[i] ? x->group[i] : "",
                       y->group[i] ? y->group[i] : "");
    }
    return order;
}

/* ----------------------------------------------------------------- printed */

static const ctl_column_t *columns_of(const report_t *report)
{
    int count = report->by->nelts;
    ctl_column_t *columns = apr_palloc(
        report->ctl->pool, ((apr_size_t)count + SUMS + 1) * sizeof(*columns));

    memcpy(columns, report->by->elts, (apr_size_t)count * sizeof(*columns));
    memcpy(columns + count, sums, sizeof(sums));
    return columns;
}

static const char **cells_of(const report_t *report, const line_t *line)
{
    int i, count = report->by->nelts;
    apr_pool_t *pool = report->ctl->pool;
    const char **cells =
        apr_pcalloc(pool, ((apr_size_t)count + SUMS + 1) * sizeof(*cells));

    memcpy(cells, line->group, (apr_size_t)count * sizeof(*cells));
    for (i = 0; i < SUMS; ++i) {
        cells[count + i] =
            apr_psprintf(pool, "%" APR_UINT64_T_FMT, line->sum[i]);
    }
    return cells;
}

static void print_remarks(const report_t *report)
{
    const apr_uint64_t *sum = report->total.sum;

    if (!report->lines->nelts) {
        ctl_remark(report->ctl, "No request matches.");
    }
    if (sum[UNPRICED]) {
        ctl_remark(report->ctl,
                   "The price of %" APR_UINT64_T_FMT " of %" APR_UINT64_T_FMT
                   " requests is not known; their cost is not in the sums.",
                   sum[UNPRICED], sum[REQUESTS]);
    }
    if (sum[ESTIMATED]) {
        ctl_remark(report->ctl,
                   "The tokens of %" APR_UINT64_T_FMT " of %" APR_UINT64_T_FMT
                   " requests were estimated: the provider did not tell.",
                   sum[ESTIMATED], sum[REQUESTS]);
    }
}

static void print_report(report_t *report)
{
    ctl_list_t *list = ctl_list_begin(report->ctl, "usage", columns_of(report));
    const char **total = cells_of(report, &report->total);
    int i, count = report->lines->nelts;

    if (report->top && count > report->top) {
        count = report->top;
    }

    qsort(report->lines->elts, (size_t)report->lines->nelts, sizeof(line_t *),
          compare);
    for (i = 0; i < count; ++i) {
        ctl_list_add(
            list, cells_of(report, APR_ARRAY_IDX(report->lines, i, line_t *)));
    }
    if (report->ctl->face == CTL_TABLE) {
        total[0] = "total";
    }
    ctl_list_total(list, total);
    ctl_list_end(list);
    if (count < report->lines->nelts) {
        ctl_remark(report->ctl, "%d more lines are in the total.",
                   report->lines->nelts - count);
    }
    print_remarks(report);
}

static int usage(ctl_t *ctl)
{
    report_t report = {.ctl = ctl};
    llm_buf_t *request;
    int status;

    report.by = apr_array_make(ctl->pool, GROUPS, sizeof(ctl_column_t));
    report.lines = apr_array_make(ctl->pool, 64, sizeof(line_t *));
    status = read_by(&report);
    if (status == CTL_DONE) {
        status = read_order(&report);
    }
    if (status == CTL_DONE) {
        status = make_request(&request, &report);
    }
    if (status == CTL_DONE) {
        status = ctl_ask(ctl, request, add_line, &report, NULL);
    }
    if (status == CTL_DONE) {
        print_report(&report);
    }
    return status;
}

static const ctl_option_t options[] = {
    {"since", "WHEN", "from then on: 7d, 24h, 2026-11-22, today, yesterday"},
    {"until", "WHEN", "up to then, itself not included"},
    {"by", "LIST", "of key,team,model,provider,day,hour; else key,model"},
    {"top", "N", "only the N lines with most cost, or most of --sort"},
    {"sort", "SUM", "greatest first: cost, requests, errors, tokens_in, ..."},
    {"key", "NAME", "only this key"},
    {"team", "TEAM", "only the keys of this team"},
    {"model", "MODEL", "only this model"},
    {"provider", "NAME", "only this provider"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "Sum up tokens and cost",
     .about = "TOKENS IN is all input, CACHED the part of it that was read "
              "from a provider's\ncache; OUT is all output, REASONING the part "
              "of it the client does not see. COST\nis in US dollars by the "
              "price list in force when the request was made. Times are\nUTC.",
     .example = "llmgwctl usage --since 7d --by day,model",
     .options = options,
     .run = usage},
    {.run = NULL},
};

const ctl_noun_t ctl_usage = {
    .name = "usage",
    .summary = "What was used and what it cost",
    .commands = commands,
};
