/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl rerate: what was used, priced by another list.
 *
 * The days on which something was used are gone through one by one: their
 * records are read and priced here; with --apply those that cost something
 * else are then sent back, a few hundred at a time, each with the cost it was
 * seen with. Broken off, it has done the days and pieces it came to; begun
 * again, it finds these done.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "core/llm_key.h"
#include "core/llm_time.h"
#include "llmgwctl/rerate.h"

#define PIECE   250 /* records in a request */
#define A_DAY   apr_time_from_sec(86400)
#define ID_TEXT 32

static const ctl_column_t columns[] = {
    {"provider", "PROVIDER", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},
    {"requests", "REQUESTS", CTL_COUNT, 0},
    {"changed", "CHANGED", CTL_COUNT, 0},
    {"no_price", "NO PRICE", CTL_COUNT, CTL_IF_ANY},
    {"cost", "COST", CTL_MONEY, 0},
    {"new_cost", "NEW COST", CTL_MONEY, 0},
    {"difference", "DIFFERENCE", CTL_MONEY, 0},
    {NULL, NULL, CTL_TEXT, 0},
};
enum {
    PROVIDER,
    MODEL,
    REQUESTS,
    CHANGED,
    NO_PRICE,
    COST,
    NEW_COST,
    DIFFERENCE,
    COLUMNS
};

typedef struct group_t {
    const char *provider, *model;
    apr_int64_t requests, changed, no_price;
    llm_money_t was, cost;
} group_t;

/* A record that is to cost something else. */
typedef struct change_t {
    apr_int64_t time_us;
    llm_money_t from, to;
    apr_uint32_t day;
    int is_guessed;
    char id[ID_TEXT];
} change_t;

typedef struct rerate_t {
    ctl_t *ctl;
    ctl_zone_t zone;
    apr_time_t since, until;
    ctl_prices_t prices;
    ctl_rater_t rater;
    int is_applied, is_only_unpriced;
    apr_array_header_t *days; /* of apr_uint32_t: with usage */
    apr_hash_t *groups;       /* "provider\nmodel" -> group_t * */
    group_t total;
    apr_array_header_t *changes; /* of change_t: of the day */
    apr_pool_t *day_pool, *row_pool;
    unsigned seen; /* rows of the day */
    /* days whose single records are gone */
    unsigned gone;
    apr_uint32_t last_gone;
    /* with --apply */
    const char *run;
    apr_int64_t done, other;
    ctl_steps_t steps;
} rerate_t;

/* ---------------------------------------------------------------- records */

static group_t *group_of(rerate_t *rerate, const ctl_rated_t *rated)
{
    apr_pool_t *pool = rerate->ctl->pool;
    const char *name = apr_pstrcat(rerate->row_pool, rated->provider, "\n",
                                   rated->model, NULL);
    group_t *group = apr_hash_get(rerate->groups, name, APR_HASH_KEY_STRING);

    if (!group) {
        group = apr_pcalloc(pool, sizeof(*group));
        group->provider = apr_pstrdup(pool, rated->provider);
        group->model = apr_pstrdup(pool, rated->model);
        apr_hash_set(rerate->groups, apr_pstrdup(pool, name),
                     APR_HASH_KEY_STRING, group);
    }
    return group;
}

static void count_record(group_t *group, const ctl_rated_t *rated)
{
    group->requests += 1;
    group->changed += ctl_rated_is_changed(rated);
    group->no_price += !rated->is_known;
    group->was = llm_money_add(group->was, rated->was);
    group->cost = llm_money_add(group->cost, rated->cost);
}

static void keep_change(rerate_t *rerate, const ctl_rated_t *rated)
{
    change_t *change = apr_array_push(rerate->changes);

    change->time_us = rated->time_us;
    change->from = rated->had;
    change->to = rated->cost;
    change->day = rated->day;
    change->is_guessed = rated->is_guessed;
    apr_cpystrn(change->id, rated->id, sizeof(change->id));
}

static void take_record(void *baton, const llm_json_t *row)
{
    rerate_t *rerate = baton;
    ctl_rated_t rated;

    rerate->seen += 1;
    apr_pool_clear(rerate->row_pool);
    if (!ctl_rate(&rated, &rerate->rater, row, rerate->row_pool)
        || (rerate->is_only_unpriced && !rated.was_unpriced
            && !rated.was_guessed)) {
        return;
    }
    count_record(group_of(rerate, &rated), &rated);
    count_record(&rerate->total, &rated);
    if (rerate->is_applied && ctl_rated_is_changed(&rated)) {
        keep_change(rerate, &rated);
    }
}

/* -------------------------------------------------------------- the store */

/* Requests and answers of a day are its pool's. */
static ctl_t ctl_of_day(const rerate_t *rerate)
{
    ctl_t ctl = *rerate->ctl;

    ctl.pool = rerate->day_pool;
    return ctl;
}

static void put_change(llm_buf_t *text, const change_t *change,
                       apr_pool_t *pool)
{
    llm_buf_puts(text, text->len ? ",{\"id\":" : "[{\"id\":");
    llm_buf_put_string(text, change->id);
    llm_buf_printf(
        text, ",\"time_us\":%" APR_INT64_T_FMT ",\"from\":", change->time_us);
    if (change->from == LLM_MONEY_UNKNOWN) {
        llm_buf_lit(text, "null");
    }
    else {
        llm_buf_printf(text, "%" APR_INT64_T_FMT, change->from);
    }
    llm_buf_printf(text, ",\"to\":%" APR_INT64_T_FMT ",\"price_day\":\"%s\"",
                   change->to, llm_day_print(change->day, pool));
    llm_buf_puts(text, change->is_guessed ? ",\"guessed\":true}" : "}");
}

static apr_int64_t number_of(const llm_json_t *doc, const char *name)
{
    apr_int64_t number = 0;

    llm_json_int(llm_json_get(doc, name), &number);
    return number;
}

/* Is it an option of no matter for what is changed? */
static int is_face(const char *option)
{
    return !strcmp(option, "store") || !strcmp(option, "format")
           || !strcmp(option, "json");
}

/* What the audit shall say: the options as they were given. */
static const char *about(const rerate_t *rerate)
{
    const apr_array_header_t *given = apr_table_elts(rerate->ctl->options);
    const apr_table_entry_t *option = (const void *)given->elts;
    const char *text = "";
    int i;

    for (i = 0; i < given->nelts; ++i) {
        if (is_face(option[i].key)) {
            continue;
        }
        text = apr_pstrcat(rerate->ctl->pool, text, *text ? " --" : "--",
                           option[i].key, *option[i].val ? " " : "",
                           option[i].val, NULL);
    }
    return ctl_cut_text(text, 200, rerate->ctl->pool);
}

/* NULL changes: it is the last request. */
static int send_piece(rerate_t *rerate, ctl_t *ctl, llm_buf_t *changes)
{
    llm_buf_t *request = ctl_request(ctl, "rerate");
    const llm_json_t *done;
    int status;

    ctl_request_raw(request, "run", rerate->run);
    ctl_request_text(request, "about", about(rerate));
    if (changes) {
        llm_buf_append(changes, "]", 2);
    }
    ctl_request_raw(request, "changes", changes ? changes->data : "[]");
    ctl_request_raw(request, "end", changes ? NULL : "true");
    status = ctl_ask(ctl, request, NULL, NULL, &done);
    if (status == CTL_DONE) {
        rerate->done += number_of(done, "changed");
        rerate->other += number_of(done, "other") + number_of(done, "missing");
    }
    return status;
}

static int apply_day(rerate_t *rerate, ctl_t *ctl)
{
    llm_buf_t *text;
    apr_pool_t *pool;
    int i, status = CTL_DONE, count = rerate->changes->nelts;

    apr_pool_create(&pool, rerate->day_pool);
    ctl->pool = pool;
    text = llm_buf_make(0, rerate->day_pool);
    for (i = 0; i < count && status == CTL_DONE; ++i) {
        put_change(text, &APR_ARRAY_IDX(rerate->changes, i, change_t), pool);
        if ((i + 1) % PIECE == 0 || i + 1 == count) {
            status = send_piece(rerate, ctl, text);
            llm_buf_clear(text);
            apr_pool_clear(pool);
            ctl_step(&rerate->steps, "changed: %" APR_INT64_T_FMT " requests",
                     rerate->done);
        }
    }
    return status;
}

static void count_row(void *baton, const llm_json_t *row)
{
    unsigned *pcount = baton;

    (void)row;
    *pcount += 1;
}

/* Nothing of the day matched: is there anything of it at all? */
static int look_whether_gone(rerate_t *rerate, ctl_t *ctl, apr_uint32_t day)
{
    llm_buf_t *request = ctl_request(ctl, "events");
    unsigned count = 0;
    int status;

    ctl_request_when(request, "since", (apr_time_t)day * A_DAY, ctl->pool);
    ctl_request_when(request, "until", ((apr_time_t)day + 1) * A_DAY,
                     ctl->pool);
    ctl_request_raw(request, "limit", "1");
    status = ctl_ask(ctl, request, count_row, &count, NULL);
    if (status == CTL_DONE && !count) {
        rerate->gone += 1;
        rerate->last_gone = day > rerate->last_gone ? day : rerate->last_gone;
    }
    return status;
}

static int rerate_day(rerate_t *rerate, apr_uint32_t day)
{
    apr_time_t begin = (apr_time_t)day * A_DAY, end = begin + A_DAY;
    ctl_t ctl = ctl_of_day(rerate);
    llm_buf_t *request = ctl_request(&ctl, "events");
    int status;

    rerate->seen = 0;
    rerate->changes = apr_array_make(ctl.pool, 16, sizeof(change_t));
    begin = begin < rerate->since ? rerate->since : begin;
    end = rerate->until && rerate->until < end ? rerate->until : end;
    ctl_request_when(request, "since", begin, ctl.pool);
    ctl_request_when(request, "until", end, ctl.pool);
    ctl_request_filters(request, &ctl);
    status = ctl_ask(&ctl, request, take_record, rerate, NULL);
    if (status == CTL_DONE && !rerate->seen) {
        status = look_whether_gone(rerate, &ctl, day);
    }
    return status == CTL_DONE && rerate->is_applied ? apply_day(rerate, &ctl)
                                                    : status;
}

/* ------------------------------------------------------------------- days */

static void note_day(void *baton, const llm_json_t *row)
{
    rerate_t *rerate = baton;
    const char *text =
        llm_json_string(llm_json_get(row, "day"), rerate->ctl->pool);
    apr_uint32_t day;

    if (llm_price_day_read(&day, text)) {
        APR_ARRAY_PUSH(rerate->days, apr_uint32_t) = day;
    }
}

static int compare_days(const void *a, const void *b)
{
    const apr_uint32_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

/* By the sums, which are kept when the records are gone: of what they can
 * tell apart. */
static int find_days(rerate_t *rerate)
{
    static const char *const known[] = {"key", "team", "model", "provider"};
    ctl_t *ctl = rerate->ctl;
    llm_buf_t *request = ctl_request(ctl, "usage");
    unsigned i;
    int status;

    rerate->days = apr_array_make(ctl->pool, 16, sizeof(apr_uint32_t));
    ctl_request_raw(request, "by", "[\"day\"]");
    ctl_request_when(request, "since", rerate->since, ctl->pool);
    ctl_request_when(request, "until", rerate->until, ctl->pool);
    for (i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        ctl_request_text(request, known[i], ctl_option(ctl, known[i]));
    }
    status = ctl_ask(ctl, request, note_day, rerate, NULL);
    qsort(rerate->days->elts, (size_t)rerate->days->nelts, sizeof(apr_uint32_t),
          compare_days);
    return status;
}

static int rerate_days(rerate_t *rerate)
{
    int i, status = CTL_DONE;

    for (i = 0; i < rerate->days->nelts && status == CTL_DONE; ++i) {
        apr_pool_clear(rerate->day_pool);
        ctl_step(&rerate->steps, "day %d of %d", i + 1, rerate->days->nelts);
        status =
            rerate_day(rerate, APR_ARRAY_IDX(rerate->days, i, apr_uint32_t));
    }
    ctl_steps_end(&rerate->steps);
    return status;
}

/* ----------------------------------------------------------------- report */

static const char *number(apr_int64_t n, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT, n);
}

static const char **cells_of(const group_t *group, apr_pool_t *pool)
{
    const char **cells = apr_pcalloc(pool, COLUMNS * sizeof(*cells));

    cells[PROVIDER] = group->provider;
    cells[MODEL] = group->model;
    cells[REQUESTS] = number(group->requests, pool);
    cells[CHANGED] = number(group->changed, pool);
    cells[NO_PRICE] = number(group->no_price, pool);
    cells[COST] = number(group->was, pool);
    cells[NEW_COST] = number(group->cost, pool);
    cells[DIFFERENCE] = number(group->cost - group->was, pool);
    return cells;
}

static int compare_groups(const void *a, const void *b)
{
    const group_t *x = *(group_t *const *)a, *y = *(group_t *const *)b;
    int order = strcmp(x->provider, y->provider);

    return order ? order : strcmp(x->model, y->model);
}

static apr_array_header_t *sort_groups(const rerate_t *rerate)
{
    apr_pool_t *pool = rerate->ctl->pool;
    apr_array_header_t *sorted = apr_array_make(pool, 16, sizeof(group_t *));
    apr_hash_index_t *at;

    for (at = apr_hash_first(pool, rerate->groups); at;
         at = apr_hash_next(at)) {
        APR_ARRAY_PUSH(sorted, group_t *) = apr_hash_this_val(at);
    }
    qsort(sorted->elts, (size_t)sorted->nelts, sizeof(group_t *),
          compare_groups);
    return sorted;
}

static void remark_rest(const rerate_t *rerate)
{
    ctl_t *ctl = rerate->ctl;

    if (rerate->total.no_price) {
        ctl_remark(ctl,
                   "%" APR_INT64_T_FMT
                   " requests keep what they cost: the list "
                   "has no price for their model.",
                   rerate->total.no_price);
    }
    if (rerate->gone) {
        ctl_remark(ctl,
                   "%u days up to %s cannot be rerated: their single records "
                   "are no longer kept.",
                   rerate->gone, llm_day_print(rerate->last_gone, ctl->pool));
    }
    if (rerate->other) {
        ctl_remark(ctl,
                   "%" APR_INT64_T_FMT " requests were changed or dropped by "
                   "others meanwhile, and are left as they are.",
                   rerate->other);
    }
    if (!rerate->total.requests) {
        ctl_remark(ctl, "No request matches.");
    }
    else if (rerate->is_applied) {
        ctl_remark(ctl, "%" APR_INT64_T_FMT " requests were changed.",
                   rerate->done);
    }
    else if (rerate->total.changed) {
        ctl_remark(ctl, "Nothing was changed; the same command with --apply "
                        "changes the records, the sums and the quotas.");
    }
    else {
        ctl_remark(ctl, "Every request costs what it cost: there is nothing "
                        "to change.");
    }
}

static void print_report(rerate_t *rerate)
{
    ctl_t *ctl = rerate->ctl;
    const apr_array_header_t *groups = sort_groups(rerate);
    ctl_list_t *list = ctl_list_begin(ctl, "models", columns);
    int i;

    for (i = 0; i < groups->nelts; ++i) {
        ctl_list_add(list,
                     cells_of(APR_ARRAY_IDX(groups, i, group_t *), ctl->pool));
    }
    rerate->total.provider = ctl->face == CTL_TABLE ? "total" : NULL;
    ctl_list_total(list, cells_of(&rerate->total, ctl->pool));
    ctl_list_more(list, "applied", rerate->is_applied ? "yes" : "no");
    if (rerate->gone) {
        ctl_list_more(list, "not_kept_until",
                      llm_day_print(rerate->last_gone, ctl->pool));
    }
    ctl_list_end(list);
    remark_rest(rerate);
}

/* --------------------------------------------------------------- command */

static int read_times(rerate_t *rerate)
{
    ctl_t *ctl = rerate->ctl;
    int status = ctl_read_zone(&rerate->zone, ctl);

    if (status == CTL_DONE && !ctl_option(ctl, "since")) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "rerate: expected --since, such as --since 2026-11-01");
    }
    if (status == CTL_DONE) {
        status = ctl_read_when(&rerate->since, ctl, "since", &rerate->zone);
    }
    if (status == CTL_DONE) {
        status = ctl_read_when(&rerate->until, ctl, "until", &rerate->zone);
    }
    if (status == CTL_DONE && rerate->until && rerate->until <= rerate->since) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--until: expected a time after --since");
    }
    return status;
}

/* A row of the audit that is nobody else's. */
static void begin_run(rerate_t *rerate)
{
    apr_uint32_t dice = 0;

    llm_random((unsigned char *)&dice, sizeof(dice));
    rerate->run = apr_psprintf(rerate->ctl->pool,
                               "{\"began\":%" APR_INT64_T_FMT ",\"number\":%u}",
                               rerate->ctl->world->now, dice);
}

static int load_prices(rerate_t *rerate)
{
    const char *file = ctl_option(rerate->ctl, "prices");

    return file ? ctl_prices_load_any(&rerate->prices, rerate->ctl, file)
                : ctl_prices_load(&rerate->prices, rerate->ctl);
}

static int rerate(ctl_t *ctl)
{
    rerate_t rerate = {.ctl = ctl, .steps = {.ctl = ctl}};
    int status = read_times(&rerate);

    rerate.is_applied = ctl_option(ctl, "apply") != NULL;
    rerate.is_only_unpriced = ctl_option(ctl, "unpriced") != NULL;
    rerate.groups = apr_hash_make(ctl->pool);
    apr_pool_create(&rerate.day_pool, ctl->pool);
    apr_pool_create(&rerate.row_pool, ctl->pool);
    begin_run(&rerate);
    if (status == CTL_DONE) {
        status = load_prices(&rerate);
    }
    if (status == CTL_DONE) {
        ctl_rater_open(&rerate.rater, &rerate.prices, ctl->pool);
        status = find_days(&rerate);
    }
    if (status == CTL_DONE) {
        status = rerate_days(&rerate);
    }
    if (status == CTL_DONE && rerate.done) {
        status = send_piece(&rerate, ctl, NULL);
    }
    if (status == CTL_DONE) {
        print_report(&rerate);
    }
    else if (rerate.done) {
        ctl_remark(ctl,
                   "%" APR_INT64_T_FMT " requests were changed before; "
                   "the same command goes on with the others.",
                   rerate.done);
    }
    return status;
}

static const ctl_option_t options[] = {
    {"since", "WHEN", "from then on: 7d, 2026-11-01, month"},
    {"until", "WHEN", "up to then, itself not included"},
    CTL_OPTION_TZ,
    {"prices", "FILE", "by this list alone: ours, LiteLLM's or models.dev's"},
    {"unpriced", NULL, "only what had no price, or a guessed one"},
    {"apply", NULL, "change what was recorded"},
    CTL_OPTION_FILTERS,
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "Price past usage by the prices of now, or another list",
     .about = "Shows what the requests would cost. With --apply their records, "
              "the sums of hours\nand days and the quotas are changed; "
              "interrupted, it can be begun again. A model\nthat the list does "
              "not know keeps the cost it has.",
     .example = "llmgwctl rerate --since 2026-11-01 --unpriced",
     .options = options,
     .run = rerate},
    {.run = NULL},
};

const ctl_noun_t ctl_rerate = {
    .name = "rerate",
    .summary = "Past usage, priced by another list",
    .commands = commands,
};
