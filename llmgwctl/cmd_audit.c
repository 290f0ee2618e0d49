/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl audit: who changed what, and when.
 *
 * The store knows users by their number, as the kernel told it. Their names are
 * looked up here, so they are what this machine calls them now.
 */
#include "llmgwctl/ctl.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

enum { TIME, USER, OP, SUBJECT, UID, CHANGE, COLUMNS };

static const ctl_column_t columns[COLUMNS + 1] = {
    [TIME] = {"time", "TIME", CTL_TIME, 0},
    [USER] = {"user", "USER", CTL_TEXT, 0},
    [OP] = {"op", "CHANGE", CTL_TEXT, 0},
    [SUBJECT] = {"subject", "OF", CTL_TEXT, 0},
    [UID] = {"uid", "UID", CTL_ID, CTL_HIDE},
    [CHANGE] = {"change", "RESULT", CTL_OBJECT, CTL_HIDE},
    [COLUMNS] = {NULL, NULL, CTL_TEXT, 0},
};

typedef struct listing_t {
    ctl_list_t *list;
    apr_pool_t *pool; /* for one row */
} listing_t;

static const char *member(const llm_json_t *object, const char *name,
                          apr_pool_t *pool)
{
    return llm_json_string(llm_json_get(object, name), pool);
}

/* The name of what was changed: that of the first object in "change"; of a
 * price, as price set takes it; of an import, where it came from; else what was
 * asked for. */
static const char *subject_of(const llm_json_t *row, apr_pool_t *pool)
{
    const llm_json_t *change = llm_json_get(row, "change"), *price;
    const llm_json_t *about = llm_json_want(change, "about");
    const char *provider;

    if (about) {
        return llm_json_string(about, pool);
    }
    if (!change || !change->child) {
        return NULL;
    }
    price = llm_json_get(change, "price");
    price = price ? price : change;
    provider = member(price, "provider", pool);
    if (provider) {
        return apr_pstrcat(pool, provider, "/", member(price, "model", pool),
                           NULL);
    }
    if (llm_json_get(change, "source")) {
        return member(change, "source", pool);
    }
    return member(change->child, "name", pool);
}

static void list_edit(void *baton, const llm_json_t *row)
{
    listing_t *listing = baton;
    const char **cells = ctl_cells(columns, row, listing->pool);
    const struct passwd *user = NULL;

    if (cells[UID]) {
        user = getpwuid((uid_t)strtoul(cells[UID], NULL, 10));
    }
    cells[USER] = user ? apr_pstrdup(listing->pool, user->pw_name) : NULL;
    if (!cells[USER] && cells[UID]) {
        cells[USER] = apr_pstrcat(listing->pool, "#", cells[UID], NULL);
    }
    cells[SUBJECT] = subject_of(row, listing->pool);
    ctl_list_add(listing->list, cells);
    apr_pool_clear(listing->pool);
}

static int make_request(llm_buf_t *request, ctl_t *ctl)
{
    const char *since, *until, *limit = ctl_option(ctl, "limit");
    int status = ctl_option_time(&since, ctl, "since");

    if (status == CTL_DONE) {
        status = ctl_option_time(&until, ctl, "until");
    }
    if (status != CTL_DONE) {
        return status;
    }
    limit = limit ? limit : "50";
    if (limit[strspn(limit, "0123456789")] || *limit == '0'
        || strlen(limit) > 9) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--limit: expected a number above zero, not '%s'",
                        limit);
    }
    ctl_request_text(request, "since", since);
    ctl_request_text(request, "until", until);
    ctl_request_raw(request, "limit", limit);
    return CTL_DONE;
}

static int audit(ctl_t *ctl)
{
    llm_buf_t *request = ctl_request(ctl, "audit");
    listing_t listing = {NULL, NULL};
    int status = make_request(request, ctl);

    if (status != CTL_DONE) {
        return status;
    }
    listing.list = ctl_list_begin(ctl, "audit", columns);
    apr_pool_create(&listing.pool, ctl->pool);
    status = ctl_ask(ctl, request, list_edit, &listing, NULL);
    if (status != CTL_DONE) {
        return status;
    }
    ctl_list_end(listing.list);
    if (!ctl_list_count(listing.list)) {
        ctl_remark(ctl, "Nothing was changed.");
    }
    return CTL_DONE;
}

static const ctl_option_t options[] = {
    {"since", "WHEN", "from then on: 7d, 24h, 2026-11-22, today, yesterday"},
    {"until", "WHEN", "up to then, itself not included"},
    {"limit", "N", "the latest N; else 50"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "List who changed what, and when",
     .about = "Every change by llmgwctl is written down together with the "
              "change itself, and\nkept for ever. --json has what came of it. "
              "Times are UTC.",
     .example = "llmgwctl audit --since 30d",
     .options = options,
     .run = audit},
    {.run = NULL},
};

const ctl_noun_t ctl_audit = {
    .name = "audit",
    .summary = "Who changed what, and when",
    .commands = commands,
};
