/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl reconcile: what a provider says was used against what the ledger
 * says, day by day and model by model.
 *
 * Only what the export tells is compared. Requests that the ledger knows as
 * failed are none to the provider. What may explain a difference (counts that
 * were estimated, requests of killed processes, clients that left, requests
 * without a price) stands beside it.
 */
#include "llmgwctl/export.h"

#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>

#include "core/llm_money.h"
#include "core/llm_time.h"

#define FILE_MOST   ((apr_off_t)256 << 20)
#define DAY_SECONDS 86400

static const ctl_column_t columns[] = {
    {"day", "DAY", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},
    {"what", "WHAT", CTL_TEXT, 0},
    {"provider", "PROVIDER", CTL_DECIMAL, 0},
    {"ledger", "LEDGER", CTL_DECIMAL, 0},
    {"difference", "DIFFERENCE", CTL_DECIMAL, 0},
    {"percent", "PERCENT", CTL_DECIMAL, 0},
    {"note", "NOTE", CTL_TEXT, CTL_IF_ANY},
    {NULL, NULL, CTL_TEXT, 0},
};
enum { DAY, MODEL, WHAT, PROVIDER, LEDGER, DIFFERENCE, PERCENT, NOTE, COLUMNS };

/* What may explain a difference. */
static const char *const doubts[] = {"estimated", "killed", "aborted",
                                     "unpriced"};
#define DOUBTS (sizeof(doubts) / sizeof(doubts[0]))

typedef struct pair_t {
    const char *period, *model;
    const ctl_export_row_t *theirs; /* NULL: not in the export */
    int is_ours;                    /* it is in the ledger */
    apr_int64_t ours[CTL_EXPORT_MEASURES];
    apr_int64_t doubt[DOUBTS];
} pair_t;

typedef struct reconciling_t {
    ctl_t *ctl;
    ctl_export_t export;
    const char *provider; /* as configured */
    double tolerance;     /* a share: 0.005 */
    apr_hash_t *by_name;  /* "period\nmodel" -> pair_t * */
    apr_array_header_t *pairs;
    ctl_list_t *list;
    int all;
    unsigned compared, differ;
    unsigned found; /* rows the ledger gave */
} reconciling_t;

/* ---- the two sides ---- */

static pair_t *pair_of(reconciling_t *r, const char *period, const char *model)
{
    apr_pool_t *pool = r->ctl->pool;
    const char *name = apr_pstrcat(pool, period, "\n", model, NULL);
    pair_t *pair = apr_hash_get(r->by_name, name, APR_HASH_KEY_STRING);

    if (!pair) {
        pair = apr_pcalloc(pool, sizeof(*pair));
        pair->period = apr_pstrdup(pool, period);
        pair->model = apr_pstrdup(pool, model);
        apr_hash_set(r->by_name, name, APR_HASH_KEY_STRING, pair);
        APR_ARRAY_PUSH(r->pairs, pair_t *) = pair;
    }
    return pair;
}

static apr_int64_t number(const llm_json_t *row, const char *name)
{
    apr_int64_t n = 0;

    llm_json_int(llm_json_get(row, name), &n);
    return n > 0 ? n : 0;
}

static void add_number(pair_t *pair, ctl_export_e measure,
                       const llm_json_t *row, const char *const *names)
{
    for (; *names; ++names) {
        pair->ours[measure] =
            ctl_export_sum(pair->ours[measure], number(row, *names));
    }
}

/* A row of the ledger: by day, and by model where the export is. */
static void add_ours(void *baton, const llm_json_t *row)
{
    static const char *const input[] = {"input", "audio_in", NULL};
    static const char *const cached[] = {"cache_read", NULL};
    static const char *const written[] = {"cache_write", "cache_write_1h",
                                          NULL};
    static const char *const output[] = {"output", "reasoning", "audio_out",
                                         NULL};
    static const char *const cost[] = {"cost", NULL};
    reconciling_t *r = baton;
    apr_pool_t *pool = r->ctl->pool;
    const char *day = llm_json_string(llm_json_get(row, "day"), pool);
    const char *model = llm_json_string(llm_json_want(row, "model"), pool);
    apr_int64_t requests = number(row, "requests");
    apr_int64_t errors = number(row, "errors");
    pair_t *pair;
    size_t i;

    if (!day) {
        return;
    }
    if (r->export.by_month && strlen(day) > strlen("2026-11")) {
        day = apr_pstrmemdup(pool, day, strlen("2026-11"));
    }
    ++r->found;
    pair = pair_of(r, day, r->export.has_models && model ? model : "");
    pair->is_ours = 1;
    pair->ours[CTL_EXPORT_REQUESTS] +=
        requests > errors ? requests - errors : 0;
    add_number(pair, CTL_EXPORT_INPUT, row, input);
    add_number(pair, CTL_EXPORT_CACHED, row, cached);
    add_number(pair, CTL_EXPORT_WRITTEN, row, written);
    add_number(pair, CTL_EXPORT_OUTPUT, row, output);
    add_number(pair, CTL_EXPORT_COST, row, cost);
    for (i = 0; i < DOUBTS; ++i) {
        pair->doubt[i] += number(row, doubts[i]);
    }
}

static int ask_ledger(reconciling_t *r)
{
    apr_pool_t *pool = r->ctl->pool;
    llm_buf_t *request = ctl_request(r->ctl, "usage");
    apr_time_t end = r->export.last + apr_time_from_sec(DAY_SECONDS);

    if (r->export.until && r->export.until < end) {
        end = r->export.until;
    }
    ctl_request_raw(request, "by",
                    r->export.has_models ? "[\"day\",\"model\"]" : "[\"day\"]");
    ctl_request_text(request, "provider", r->provider);
    ctl_request_when(request, "since",
                     r->export.since > r->export.first ? r->export.since
                                                       : r->export.first,
                     pool);
    ctl_request_when(request, "until", end, pool);
    return ctl_ask(r->ctl, request, add_ours, r, NULL);
}

/* ---- files ---- */

/* NULL, or what is wrong. */
static const char *read_file(reconciling_t *r, const char *path)
{
    apr_pool_t *pool = r->ctl->pool;
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t status;
    char *data, why[120];
    apr_size_t len;

    status = apr_file_open(&file, path, APR_READ, 0, pool);
    if (!status) {
        status =
            apr_file_info_get(&info, APR_FINFO_SIZE | APR_FINFO_TYPE, file);
    }
    if (status) {
        return apr_pstrdup(pool, apr_strerror(status, why, sizeof(why)));
    }
    if (info.filetype != APR_REG) {
        return "it is not a file";
    }
    if (info.size > FILE_MOST) {
        return "it is larger than 256 MB";
    }
    len = (apr_size_t)info.size;
    data = apr_palloc(pool, len + 1);
    status = len ? apr_file_read_full(file, data, len, &len) : APR_SUCCESS;
    apr_file_close(file);
    data[len] = '\0';
    return status ? apr_pstrdup(pool, apr_strerror(status, why, sizeof(why)))
                  : ctl_export_read(&r->export, data, len);
}

static int read_files(reconciling_t *r)
{
    const char *path, *wrong;
    unsigned i;

    for (i = 0; (path = ctl_argument(r->ctl, i)) != NULL; ++i) {
        wrong = read_file(r, path);
        if (wrong) {
            return ctl_fail(r->ctl, CTL_USAGE, "usage", "%s: %s", path, wrong);
        }
    }
    for (i = 0; i < (unsigned)r->export.rows->nelts; ++i) {
        const ctl_export_row_t *row =
            APR_ARRAY_IDX(r->export.rows, i, const ctl_export_row_t *);

        pair_of(r, row->period, row->model)->theirs = row;
    }
    return CTL_DONE;
}

/* ---- options ---- */

static int read_tolerance(reconciling_t *r)
{
    const char *text = ctl_option(r->ctl, "tolerance");
    apr_size_t len = text ? strlen(text) : 0;
    llm_money_t share; /* percent, in billionths: decimal text, exactly */

    if (!text) {
        return CTL_DONE;
    }
    if (len && text[len - 1] == '%') {
        --len;
    }
    if (!llm_money_read(&share, text, len)
        || share > (llm_money_t)100000000000) {
        return ctl_fail(r->ctl, CTL_USAGE, "usage",
                        "--tolerance: expected a percentage from 0 to 100, as "
                        "in 0.5%%, not '%s'",
                        text);
    }
    r->tolerance = (double)share / 100e9;
    return CTL_DONE;
}

static int read_options(reconciling_t *r)
{
    const char *by = ctl_option(r->ctl, "by");
    ctl_zone_t utc = {.name = NULL};
    int status;

    if (by && strcmp(by, "day") != 0 && strcmp(by, "month") != 0) {
        return ctl_fail(r->ctl, CTL_USAGE, "usage",
                        "--by: expected day or month, not '%s'", by);
    }
    r->export.by_month = by && !strcmp(by, "month");
    r->all = ctl_option(r->ctl, "all") != NULL;
    status = read_tolerance(r);
    if (status == CTL_DONE) {
        status = ctl_read_when(&r->export.since, r->ctl, "since", &utc);
    }
    return status == CTL_DONE
               ? ctl_read_when(&r->export.until, r->ctl, "until", &utc)
               : status;
}

/* ---- comparing ---- */

static const char *shown(ctl_export_e measure, apr_int64_t n, apr_pool_t *pool)
{
    return measure == CTL_EXPORT_COST
               ? llm_money_print(n, pool)
               : apr_psprintf(pool, "%" APR_INT64_T_FMT, n);
}

static const char *note_of(const pair_t *pair, apr_pool_t *pool)
{
    const char *note = !pair->theirs    ? "not in the export"
                       : !pair->is_ours ? "not in the ledger"
                                        : NULL;
    size_t i;

    for (i = 0; i < DOUBTS; ++i) {
        if (pair->doubt[i]) {
            note = apr_psprintf(pool, "%s%s%" APR_INT64_T_FMT " %s",
                                note ? note : "", note ? ", " : "",
                                pair->doubt[i], doubts[i]);
        }
    }
    return note;
}

static void add_line(reconciling_t *r, const pair_t *pair, ctl_export_e measure,
                     apr_int64_t theirs, apr_int64_t ours)
{
    apr_pool_t *pool = r->ctl->pool;
    apr_int64_t more = ours > theirs ? ours - theirs : theirs - ours;
    const char *cells[COLUMNS] = {
        [DAY] = pair->period,
        [MODEL] = *pair->model ? pair->model : NULL,
        [WHAT] = ctl_export_name(measure),
        [PROVIDER] = shown(measure, theirs, pool),
        [LEDGER] = shown(measure, ours, pool),
        [DIFFERENCE] = apr_pstrcat(pool, ours < theirs ? "-" : "",
                                   shown(measure, more, pool), NULL),
        [NOTE] = note_of(pair, pool),
    };

    if (theirs) {
        cells[PERCENT] = apr_psprintf(pool, "%s%.2f", ours < theirs ? "-" : "",
                                      100.0 * (double)more / (double)theirs);
    }
    ctl_list_add(r->list, cells);
}

static void compare_measure(reconciling_t *r, const pair_t *pair,
                            ctl_export_e measure)
{
    apr_int64_t theirs = pair->theirs ? pair->theirs->n[measure] : 0;
    apr_int64_t ours = pair->ours[measure];
    apr_int64_t more = ours > theirs ? ours - theirs : theirs - ours;
    apr_int64_t larger = ours > theirs ? ours : theirs;
    int differs = more && (double)more > r->tolerance * (double)larger;

    if (!theirs && !ours) {
        return;
    }
    ++r->compared;
    r->differ += differs != 0;
    if (differs || r->all) {
        add_line(r, pair, measure, theirs, ours);
    }
}

static int order(const void *a, const void *b)
{
    const pair_t *x = *(pair_t *const *)a, *y = *(pair_t *const *)b;
    int by_day = strcmp(x->period, y->period);

    return by_day ? by_day : strcmp(x->model, y->model);
}

static int compare(reconciling_t *r)
{
    ctl_t *ctl = r->ctl;
    int i, m;

    qsort(r->pairs->elts, (size_t)r->pairs->nelts, sizeof(pair_t *), order);
    r->list = ctl_list_begin(ctl, "differences", columns);
    for (i = 0; i < r->pairs->nelts; ++i) {
        for (m = 0; m < CTL_EXPORT_MEASURES; ++m) {
            if (r->export.known & 1u << m) {
                compare_measure(r, APR_ARRAY_IDX(r->pairs, i, pair_t *),
                                (ctl_export_e)m);
            }
        }
    }
    ctl_list_more(r->list, "compared", apr_itoa(ctl->pool, (int)r->compared));
    ctl_list_more(r->list, "differ", apr_itoa(ctl->pool, (int)r->differ));
    ctl_list_end(r->list);
    if (!r->found) {
        ctl_remark(ctl,
                   "The ledger has nothing of a provider called %s in that "
                   "time; --provider names another.",
                   r->provider);
    }
    ctl_remark(ctl, "%u values compared, %u differ.", r->compared, r->differ);
    return r->differ ? CTL_REFUSED : CTL_DONE;
}

static int reconcile(ctl_t *ctl)
{
    reconciling_t r = {.ctl = ctl};
    const char *provider = ctl_option(ctl, "provider");
    int status;

    ctl_export_init(&r.export, ctl->pool);
    r.by_name = apr_hash_make(ctl->pool);
    r.pairs = apr_array_make(ctl->pool, 64, sizeof(pair_t *));
    status = read_options(&r);
    if (status == CTL_DONE) {
        status = read_files(&r);
    }
    if (status != CTL_DONE) {
        return status;
    }
    r.provider = provider ? provider : r.export.provider;
    if (!r.provider) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--provider: the files do not tell whose they are; "
                        "name the provider");
    }
    if (!r.export.rows->nelts) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "the files have no usage in that time");
    }
    status = ask_ledger(&r);
    return status == CTL_DONE ? compare(&r) : status;
}

static const ctl_option_t options[] = {
    {"provider", "NAME", "of the ledger; else openai or anthropic"},
    {"since", "WHEN", "only what began then or later: 7d, 2026-11-01"},
    {"until", "WHEN", "only what began before"},
    {"by", "SPAN", "day or month; else day"},
    {"tolerance", "PERCENT", "smaller differences are none: 0.5%"},
    {"all", NULL, "list what agrees too"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.arguments = "FILE...",
     .least = 1,
     .most = 1000,
     .needs = CTL_NEEDS_STORE,
     .summary = "Compare a provider's usage export with the ledger",
     .about = "FILE is what OpenAI's /v1/organization/usage/completions, "
              ".../embeddings or .../costs\nanswered, or Anthropic's "
              "/v1/organizations/usage_report/messages or .../cost_report;\n"
              "or a table of comma-separated values with columns for the day, "
              "the model and\ncounts. Days are UTC's. The exit status is 1 "
              "where something differs.",
     .example = "llmgwctl reconcile usage.json --tolerance 0.5%",
     .options = options,
     .run = reconcile},
    {.run = NULL},
};

const ctl_noun_t ctl_reconcile = {
    .name = "reconcile",
    .summary = "A provider's account of usage against the ledger",
    .commands = commands,
};
