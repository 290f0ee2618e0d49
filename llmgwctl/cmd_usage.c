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

#include <apr_hash.h>
#include <apr_strings.h>

#include "core/llm_money.h"
#include "core/llm_time.h"

#define BUCKETS_MAX 10000 /* a chart of time shows the empty ones too */
#define EVERY       "5s"

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
    const char *group[CTL_BY_MAX + 1]; /* in the order of --by */
    apr_uint64_t sum[SUMS];
    apr_uint64_t weight; /* what it is sorted by, the greatest first */
} line_t;

typedef struct report_t {
    ctl_t *ctl;
    apr_array_header_t *by;    /* of ctl_column_t: the groups asked for */
    apr_array_header_t *lines; /* of line_t * */
    line_t total;
    ctl_zone_t zone;
    apr_time_t since, until; /* 0: not given */
    int top;                 /* lines at most; 0 all */
    int sort;                /* the sum to sort by, the greatest first; -1 by
                                name */
    const char *chart;       /* of which sum; NULL: a table */
    apr_int64_t groups;      /* there are, shown or not */
    const char *records_since, *hours_since; /* or NULL */
    ctl_list_t *live;                        /* that goes on, with --follow */
    apr_pool_t *pool;                        /* of the lines */
} report_t;

/* ------------------------------------------------------------------- asked */

static llm_buf_t *make_request(const report_t *report)
{
    ctl_t *ctl = report->ctl;
    llm_buf_t *request = ctl_request(ctl, "usage");

    ctl_request_by(request, report->by, ctl->pool);
    ctl_request_when(request, "since", report->since, ctl->pool);
    ctl_request_when(request, "until", report->until, ctl->pool);
    ctl_request_zone(request, &report->zone, ctl->pool);
    ctl_request_filters(request, ctl);
    if (report->top) {
        ctl_request_raw(request, "top",
                        apr_psprintf(ctl->pool, "%d", report->top));
        ctl_request_text(request, "sort", sums[report->sort].name);
    }
    return request;
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

static int read_chart(report_t *report)
{
    static const char *const known[] = {"cost", "tokens", "requests", NULL};
    ctl_t *ctl = report->ctl;
    const char *chart = ctl_option(ctl, "chart");
    unsigned i = 0;

    if (!chart) {
        return CTL_DONE;
    }
    report->chart = *chart ? chart : known[0];
    while (known[i] && strcmp(known[i], report->chart) != 0) {
        ++i;
    }
    if (!known[i]) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--chart: expected cost, tokens or requests, not '%s'",
                        chart);
    }
    if (ctl->face != CTL_TABLE) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--chart: is for people, not with csv or json");
    }
    return CTL_DONE;
}

/* ------------------------------------------------------------------ summed */

static apr_uint64_t number(const llm_json_t *row, const char *name)
{
    apr_int64_t value = 0;

    return llm_json_int(llm_json_get(row, name), &value) && value > 0
               ? (apr_uint64_t)value
               : 0;
}

static void read_sums(apr_uint64_t *sum, const llm_json_t *row)
{
    int i;

    for (i = 0; i < SUMS; ++i) {
        sum[i] = number(row, sums[i].name);
    }
    sum[TOKENS_IN] = sum[INPUT] + sum[CACHE_READ] + sum[CACHE_WRITE]
                     + sum[CACHE_WRITE_1H] + sum[AUDIO_IN];
    sum[TOKENS_OUT] = sum[OUTPUT] + sum[REASONING] + sum[AUDIO_OUT];
}

static void add_line(void *baton, const llm_json_t *row)
{
    report_t *report = baton;
    line_t *line = apr_pcalloc(report->pool, sizeof(*line));
    int i;

    for (i = 0; i < report->by->nelts; ++i) {
        const ctl_column_t one[] = {APR_ARRAY_IDX(report->by, i, ctl_column_t),
                                    {NULL, NULL, CTL_TEXT, 0}};

        line->group[i] = ctl_cells(one, row, report->pool)[0];
    }
    read_sums(line->sum, row);
    for (i = 0; i < SUMS; ++i) {
        report->total.sum[i] += line->sum[i];
    }
    line->weight = report->sort < 0 ? 0 : line->sum[report->sort];
    APR_ARRAY_PUSH(report->lines, line_t *) = line;
}

/* What the store says of the whole: a request with several tags is in several
 * lines, and lines that --top leaves out were not sent. */
static void take_done(report_t *report, const llm_json_t *done)
{
    const llm_json_t *total = llm_json_want(done, "total");

    if (total) {
        read_sums(report->total.sum, total);
    }
    report->groups = report->lines->nelts;
    llm_json_int(llm_json_get(done, "groups"), &report->groups);
    report->records_since = llm_json_string(
        llm_json_want(done, "records_since"), report->ctl->pool);
    report->hours_since =
        llm_json_string(llm_json_want(done, "hours_since"), report->ctl->pool);
}

/* Names by their bytes, numbers by their worth. */
static int compare_names(const char *x, const char *y)
{
    apr_size_t a = strlen(x), b = strlen(y);

    if (a != b && strspn(x, "0123456789") == a
        && strspn(y, "0123456789") == b) {
        return a < b ? -1 : 1;
    }
    return strcmp(x, y);
}

/* By weight, then by the groups' names, in the order of --by. */
static int compare(const void *a, const void *b)
{
    const line_t *x = *(line_t *const *)a, *y = *(line_t *const *)b;
    int i, order = (x->weight < y->weight) - (x->weight > y->weight);

    for (i = 0; i < CTL_BY_MAX && !order; ++i) {
        order = compare_names(x->group[i] ? x->group[i] : "",
                              y->group[i] ? y->group[i] : "");
    }
    return order;
}

static void sort_lines(report_t *report)
{
    qsort(report->lines->elts, (size_t)report->lines->nelts, sizeof(line_t *),
          compare);
    if (report->top && report->lines->nelts > report->top) {
        report->lines->nelts = report->top;
    }
}

static const line_t *line_at(const report_t *report, int i)
{
    return APR_ARRAY_IDX(report->lines, i, line_t *);
}

/* ----------------------------------------------------------------- printed */

/* `first`: a column before the others, or NULL. */
static const ctl_column_t *columns_of(const report_t *report,
                                      const ctl_column_t *first)
{
    int count = report->by->nelts, before = first != NULL;
    ctl_column_t *columns =
        apr_palloc(report->ctl->pool, ((apr_size_t)(before + count) + SUMS + 1)
                                          * sizeof(*columns));

    if (first) {
        columns[0] = *first;
    }
    memcpy(columns + before, report->by->elts,
           (apr_size_t)count * sizeof(*columns));
    memcpy(columns + before + count, sums, sizeof(sums));
    return columns;
}

static const char **cells_of(const report_t *report, const line_t *line,
                             const char *first)
{
    int i, count = report->by->nelts, before = first != NULL;
    apr_pool_t *pool = report->pool;
    const char **cells = apr_pcalloc(
        pool, ((apr_size_t)(before + count) + SUMS + 1) * sizeof(*cells));

    cells[0] = first;
    memcpy(cells + before, line->group, (apr_size_t)count * sizeof(*cells));
    for (i = 0; i < SUMS; ++i) {
        cells[before + count + i] =
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
    if (report->groups > report->lines->nelts) {
        ctl_remark(report->ctl,
                   "%" APR_INT64_T_FMT " more lines are in the total.",
                   report->groups - report->lines->nelts);
    }
    if (report->records_since) {
        ctl_remark(report->ctl,
                   "This is of the single requests, which are kept since %s: "
                   "what was used before is not in it.",
                   report->records_since);
    }
    if (report->hours_since) {
        ctl_remark(report->ctl,
                   "Sums by hour are kept since %s: what was used before is "
                   "shown by whole days of UTC.",
                   report->hours_since);
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
    ctl_list_t *list =
        ctl_list_begin(report->ctl, "usage", columns_of(report, NULL));
    const char **total = cells_of(report, &report->total, NULL);
    int i;

    for (i = 0; i < report->lines->nelts; ++i) {
        ctl_list_add(list, cells_of(report, line_at(report, i), NULL));
    }
    if (report->ctl->face == CTL_TABLE) {
        total[0] = "total";
    }
    ctl_list_total(list, total);
    ctl_list_more(list, "tz", report->zone.name);
    ctl_list_more(list, "records_since", report->records_since);
    ctl_list_more(list, "hours_since", report->hours_since);
    ctl_list_end(list);
}

/* ------------------------------------------------------------------- chart */

static apr_uint64_t measured(const report_t *report, const line_t *line)
{
    switch (*report->chart) {
    case 't':
        return line->sum[TOKENS_IN] + line->sum[TOKENS_OUT];
    case 'r':
        return line->sum[REQUESTS];
    default:
        return line->sum[COST];
    }
}

static void add_bar(const report_t *report, apr_array_header_t *bars,
                    const char *label, apr_uint64_t value)
{
    const ctl_column_t column = {
        "", "", *report->chart == 'c' ? CTL_MONEY : CTL_COUNT, 0};
    ctl_bar_t *bar = apr_array_push(bars);

    bar->label = label;
    bar->value = value;
    bar->text = ctl_face_text(
        &column, apr_psprintf(report->pool, "%" APR_UINT64_T_FMT, value),
        report->pool);
}

static const char *label_of(const report_t *report, const line_t *line)
{
    const char *label = report->by->nelts ? "" : "total";
    int i;

    for (i = 0; i < report->by->nelts; ++i) {
        label = apr_pstrcat(
            report->pool, label, i ? "  " : "",
            ctl_face_text(&APR_ARRAY_IDX(report->by, i, ctl_column_t),
                          line->group[i], report->pool),
            NULL);
    }
    return label;
}

/* Is it by one stretch of time alone, and not sorted otherwise? */
static int is_series(const report_t *report, llm_span_e *pspan)
{
    static const char *const spans[] = {[LLM_SPAN_HOUR] = "hour",
                                        [LLM_SPAN_DAY] = "day",
                                        [LLM_SPAN_WEEK] = "week",
                                        [LLM_SPAN_MONTH] = "month"};
    unsigned i;

    for (i = 0; i < sizeof(spans) / sizeof(spans[0]); ++i) {
        if (report->by->nelts == 1 && report->sort < 0
            && !strcmp(APR_ARRAY_IDX(report->by, 0, ctl_column_t).name,
                       spans[i])) {
            *pspan = (llm_span_e)i;
            return 1;
        }
    }
    return 0;
}

/* From the last stretch backwards, those without a request too, until the
 * first that was asked for, or the first that has one. */
static int add_series(const report_t *report, apr_array_header_t *bars,
                      llm_span_e span)
{
    const llm_zone_t *zone = &report->zone.zone;
    apr_time_t now = report->ctl->world->now;
    apr_time_t end =
        report->until && report->until <= now ? report->until - 1 : now;
    apr_uint32_t at = llm_span_of(zone, span, apr_time_sec(end));
    apr_uint32_t first = llm_span_of(zone, span, apr_time_sec(report->since));
    apr_hash_t *lines = apr_hash_make(report->pool);
    int i, found = 0;

    for (i = 0; i < report->lines->nelts; ++i) {
        apr_hash_set(lines, line_at(report, i)->group[0], APR_HASH_KEY_STRING,
                     line_at(report, i));
    }
    while (bars->nelts < BUCKETS_MAX
           && (report->since ? at >= first : found < report->lines->nelts)) {
        line_t line = {.group = {llm_span_print(zone, span, at, report->pool)}};
        const line_t *known =
            apr_hash_get(lines, line.group[0], APR_HASH_KEY_STRING);

        found += known != NULL;
        add_bar(report, bars, label_of(report, &line),
                known ? measured(report, known) : 0);
        at = llm_span_of(zone, span, llm_span_begin(zone, span, at) - 1);
    }
    return found == report->lines->nelts;
}

static void turn_round(apr_array_header_t *bars)
{
    int i, j;

    for (i = 0, j = bars->nelts - 1; i < j; ++i, --j) {
        ctl_bar_t bar = APR_ARRAY_IDX(bars, i, ctl_bar_t);

        APR_ARRAY_IDX(bars, i, ctl_bar_t) = APR_ARRAY_IDX(bars, j, ctl_bar_t);
        APR_ARRAY_IDX(bars, j, ctl_bar_t) = bar;
    }
}

static void print_chart(report_t *report)
{
    apr_array_header_t *bars =
        apr_array_make(report->pool, 64, sizeof(ctl_bar_t));
    llm_span_e span;
    int i;

    if (is_series(report, &span) && add_series(report, bars, span)) {
        turn_round(bars);
    }
    else {
        apr_array_clear(bars);
        for (i = 0; i < report->lines->nelts; ++i) {
            add_bar(report, bars, label_of(report, line_at(report, i)),
                    measured(report, line_at(report, i)));
        }
    }
    ctl_chart(bars, 0, report->ctl->world, report->pool);
}

/* -------------------------------------------------------------------- live */

static void ask_live(llm_buf_t *request, void *baton, apr_pool_t *pool)
{
    report_t *report = baton;

    report->pool = pool;
    report->lines = apr_array_make(pool, 16, sizeof(line_t *));
    ctl_request_by(request, report->by, pool);
    ctl_request_zone(request, &report->zone, pool);
    ctl_request_filters(request, report->ctl);
}

static int turn_live(void *baton)
{
    report_t *report = baton;
    const char *time =
        llm_zone_print(&report->zone.zone,
                       apr_time_sec(report->ctl->world->clock()), report->pool);
    int i;

    sort_lines(report);
    for (i = 0; i < report->lines->nelts; ++i) {
        const line_t *line = line_at(report, i);

        if (line->sum[REQUESTS]) {
            ctl_list_add(report->live, cells_of(report, line, time));
        }
    }
    return !ctl_list_flush(report->live);
}

static int follow_usage(report_t *report)
{
    static const ctl_column_t time = {"time", "TIME", CTL_TIME, 0};
    ctl_t *ctl = report->ctl;
    const char *every = ctl_option(ctl, "every");
    ctl_follow_t follow = {.ctl = ctl,
                           .ask = ask_live,
                           .row = add_line,
                           .turn = turn_live,
                           .baton = report};
    const char *wrong = llm_duration_read(&follow.every, every ? every : EVERY);

    if (wrong || follow.every < apr_time_from_msec(100)) {
        return ctl_fail(ctl, CTL_USAGE, "usage", "--every: %s, not '%s'",
                        wrong ? wrong : "expected at least 100ms", every);
    }
    if (report->since || report->until || report->chart) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--follow: begins now, and has no end and no chart");
    }
    report->live = ctl_list_begin(ctl, NULL, columns_of(report, &time));
    return ctl_follow(&follow);
}

/* --------------------------------------------------------------------- run */

static int read_report(report_t *report)
{
    ctl_t *ctl = report->ctl;
    int status = ctl_read_by(report->by, ctl,
                             ctl_option(ctl, "chart") ? "day" : "model");

    if (status == CTL_DONE) {
        status = read_order(report);
    }
    if (status == CTL_DONE) {
        status = read_chart(report);
    }
    if (status == CTL_DONE) {
        status = ctl_read_zone(&report->zone, ctl);
    }
    if (status == CTL_DONE) {
        status = ctl_read_when(&report->since, ctl, "since", &report->zone);
    }
    return status == CTL_DONE
               ? ctl_read_when(&report->until, ctl, "until", &report->zone)
               : status;
}

static int usage(ctl_t *ctl)
{
    report_t report = {.ctl = ctl, .pool = ctl->pool};
    const llm_json_t *done;
    int status;

    report.by = apr_array_make(ctl->pool, CTL_BY_MAX, sizeof(ctl_column_t));
    report.lines = apr_array_make(ctl->pool, 64, sizeof(line_t *));
    status = read_report(&report);
    if (status == CTL_DONE && ctl_option(ctl, "follow")) {
        return follow_usage(&report);
    }
    if (status == CTL_DONE) {
        status = ctl_ask(ctl, make_request(&report), add_line, &report, &done);
    }
    if (status == CTL_DONE) {
        take_done(&report, done);
        sort_lines(&report);
        if (report.chart) {
            print_chart(&report);
        }
        else {
            print_report(&report);
        }
        print_remarks(&report);
    }
    return status;
}

static const ctl_option_t options[] = {
    {"since", "WHEN", "from then on: 7d, 24h, 2026-11-22, today, month"},
    {"until", "WHEN", "up to then, itself not included"},
    CTL_OPTION_TZ,
    {"by", "LIST", "of the fields below and hour, day, week, month"},
    {"top", "N", "only the N lines with most cost, or most of --sort"},
    {"sort", "SUM", "greatest first: cost, requests, errors, tokens_in, ..."},
    {"chart", "[=SUM]", "as bars: cost, tokens or requests"},
    {"follow", NULL, "go on with what comes in, until Ctrl-C"},
    {"every", "TIME", "how often, with --follow; else " EVERY},
    CTL_OPTION_FILTERS,
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "Sum up tokens and cost",
     .about = "TOKENS IN is all input, CACHED the part of it that was read "
              "from a provider's\ncache; OUT is all output, REASONING the part "
              "of it the client does not see. COST\nis in US dollars by the "
              "price list in force when the request was made.\n\nBy key, team, "
              "model, provider and times, usage is known for ever; by any "
              "other\nfield, as far back as single requests are kept. A "
              "request with several tags\ncounts in the line of each, and once "
              "in the total.",
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
