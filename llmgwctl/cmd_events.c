/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl events: single usage records, one for each request.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#define BEFORE 10 /* requests that are shown before those to come */
#define EVERY  apr_time_from_msec(250)

static const ctl_column_t columns[] = {
    {"time", "TIME", CTL_TIME, 0},
    {"request_id", "REQUEST", CTL_TEXT, 0},
    {"key", "KEY", CTL_TEXT, 0},
    {"status", "STATUS", CTL_ID, 0},
    {"provider", "PROVIDER", CTL_TEXT, 0},
    {"model", "MODEL", CTL_TEXT, 0},
    {"asked", "ASKED", CTL_TEXT, CTL_HIDE},
    {"route", "ROUTE", CTL_TEXT, CTL_HIDE},
    {"dialect", "DIALECT", CTL_TEXT, CTL_HIDE},
    {"op", "OP", CTL_TEXT, CTL_HIDE},
    {"user", "USER", CTL_TEXT, CTL_HIDE},
    {"team", "TEAM", CTL_TEXT, CTL_HIDE},
    {"tags", "TAGS", CTL_NAMES, CTL_IF_ANY},
    {"attempts", "TRIES", CTL_COUNT, CTL_HIDE},
    {"input", "IN", CTL_COUNT, 0},
    {"cache_read", "CACHED", CTL_COUNT, CTL_IF_ANY},
    {"cache_write", "WRITTEN", CTL_COUNT, CTL_IF_ANY},
    {"cache_write_1h", "WRITTEN 1H", CTL_COUNT, CTL_IF_ANY},
    {"output", "OUT", CTL_COUNT, 0},
    {"reasoning", "REASONING", CTL_COUNT, CTL_IF_ANY},
    {"audio_in", "AUDIO IN", CTL_COUNT, CTL_IF_ANY},
    {"audio_out", "AUDIO OUT", CTL_COUNT, CTL_IF_ANY},
    {"images", "IMAGES", CTL_COUNT, CTL_IF_ANY},
    {"cost", "COST", CTL_MONEY, 0},
    {"finish", "FINISH", CTL_TEXT, 0},
    {"problem", "PROBLEM", CTL_TEXT, CTL_IF_ANY},
    {"flags", "FLAGS", CTL_NAMES, CTL_IF_ANY},
    {"latency_ms", "MS", CTL_COUNT, 0},
    {"first_ms", "FIRST MS", CTL_COUNT, CTL_IF_ANY},
    {"key_id", "KEY ID", CTL_ID, CTL_HIDE},
    {"bytes_in", "BYTES IN", CTL_COUNT, CTL_HIDE},
    {"bytes_out", "BYTES OUT", CTL_COUNT, CTL_HIDE},
    {"price_day", "PRICES OF", CTL_TEXT, CTL_HIDE},
    {"tier", "TIER", CTL_TEXT, CTL_HIDE},
    {"variant", "VARIANT", CTL_TEXT, CTL_IF_ANY},
    {"cache", "CACHE", CTL_TEXT, CTL_IF_ANY},
    {"on_client_abort", "ON ABORT", CTL_TEXT, CTL_HIDE},
    {NULL, NULL, CTL_TEXT, 0},
};

typedef struct listing_t {
    ctl_t *ctl;
    ctl_list_t *list;
    ctl_zone_t zone;
    apr_pool_t *pool; /* for one row */
} listing_t;

static unsigned column(const char *name)
{
    unsigned i = 0;

    while (strcmp(columns[i].name, name)) {
        ++i;
    }
    return i;
}

/* Where nobody was asked, people want to see which model was meant. */
static void list_event(void *baton, const llm_json_t *row)
{
    listing_t *listing = baton;
    const char **cells = ctl_cells(columns, row, listing->pool);
    apr_int64_t began = 0;

    if (listing->zone.zone.count
        && llm_json_int(llm_json_get(row, "time_us"), &began)) {
        cells[column("time")] = llm_zone_print(
            &listing->zone.zone, apr_time_sec(began), listing->pool);
    }

    if (listing->ctl->face == CTL_TABLE && !cells[column("model")]) {
        cells[column("model")] = cells[column("asked")];
    }
    ctl_list_add(listing->list, cells);
    apr_pool_clear(listing->pool);
}

/* The request's "limit": digits, so that no other JSON gets in. */
static int read_limit(llm_buf_t *request, ctl_t *ctl)
{
    const char *limit = ctl_option(ctl, "limit");

    limit = limit ? limit : "20";
    if (limit[strspn(limit, "0123456789")] || *limit == '0'
        || strlen(limit) > 9) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--limit: expected a number above zero, not '%s'",
                        limit);
    }
    ctl_request_raw(request, "limit", limit);
    return CTL_DONE;
}

static void ask_live(llm_buf_t *request, void *baton, apr_pool_t *pool)
{
    const listing_t *listing = baton;

    (void)pool;
    ctl_request_filters(request, listing->ctl);
}

static int turn_live(void *baton)
{
    const listing_t *listing = baton;

    return !ctl_list_flush(listing->list);
}

static int follow_events(listing_t *listing)
{
    const ctl_follow_t follow = {.ctl = listing->ctl,
                                 .every = EVERY,
                                 .ask = ask_live,
                                 .row = list_event,
                                 .turn = turn_live,
                                 .baton = listing,
                                 .last = BEFORE};

    if (ctl_option(listing->ctl, "since") || ctl_option(listing->ctl, "until")
        || ctl_option(listing->ctl, "limit")) {
        return ctl_fail(listing->ctl, CTL_USAGE, "usage",
                        "--follow: begins with the last %d requests, not with "
                        "--since, --until or --limit",
                        BEFORE);
    }
    listing->list = ctl_list_begin(listing->ctl, NULL, columns);
    return ctl_follow(&follow);
}

static int list_events(listing_t *listing)
{
    ctl_t *ctl = listing->ctl;
    llm_buf_t *request = ctl_request(ctl, "events");
    apr_time_t since, until = 0;
    int status = ctl_read_when(&since, ctl, "since", &listing->zone);

    if (status == CTL_DONE) {
        status = ctl_read_when(&until, ctl, "until", &listing->zone);
    }
    if (status == CTL_DONE) {
        status = read_limit(request, ctl);
    }
    if (status != CTL_DONE) {
        return status;
    }
    ctl_request_when(request, "since", since, ctl->pool);
    ctl_request_when(request, "until", until, ctl->pool);
    ctl_request_filters(request, ctl);
    listing->list = ctl_list_begin(ctl, "events", columns);
    status = ctl_ask(ctl, request, list_event, listing, NULL);
    if (status != CTL_DONE) {
        return status;
    }
    ctl_list_end(listing->list);
    if (!ctl_list_count(listing->list)) {
        ctl_remark(ctl, "No request matches.");
    }
    return CTL_DONE;
}

static int events(ctl_t *ctl)
{
    listing_t listing = {.ctl = ctl};
    int status = ctl_read_zone(&listing.zone, ctl);

    apr_pool_create(&listing.pool, ctl->pool);
    if (status != CTL_DONE) {
        return status;
    }
    return ctl_option(ctl, "follow") ? follow_events(&listing)
                                     : list_events(&listing);
}

static const ctl_option_t options[] = {
    {"since", "WHEN", "from then on: 7d, 24h, 2026-11-22, today, month"},
    {"until", "WHEN", "up to then, itself not included"},
    CTL_OPTION_TZ,
    {"limit", "N", "the latest N that match; else 20"},
    {"follow", NULL, "go on with what comes in, until Ctrl-C"},
    CTL_OPTION_FILTERS,
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "List the latest requests, one line each",
     .about = "Requests are shown with what they used and what became of "
              "them. What was asked\nand answered is not kept.",
     .example = "llmgwctl events --since 1h --key alice",
     .options = options,
     .run = events},
    {.run = NULL},
};

const ctl_noun_t ctl_events = {
    .name = "events",
    .summary = "Single requests",
    .commands = commands,
};
