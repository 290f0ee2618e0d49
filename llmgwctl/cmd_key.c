/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl key: the keys clients show to the gateway.
 *
 * A key's secret exists outside the client once: in the answer to "create" or
 * "rotate", and nowhere after it. So that a script can take it, it is the only
 * thing these write to standard output; what they say besides goes to standard
 * error.
 */
#include "llmgwctl/ctl.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_abort.h"
#include "core/llm_key.h"
#include "core/llm_pattern.h"
#include "core/llm_time.h"
#include "core/llm_utf8.h"

#define CENTURY (36525 * apr_time_from_sec(86400))

static const ctl_column_t columns[] = {
    {"id", "ID", CTL_ID, 0},
    {"name", "NAME", CTL_TEXT, 0},
    {"team", "TEAM", CTL_TEXT, CTL_IF_ANY},
    {"state", "STATE", CTL_TEXT, 0},
    {"created", "CREATED", CTL_TIME, 0},
    {"expires", "EXPIRES", CTL_TIME, CTL_IF_ANY},
    {"revoked", "REVOKED", CTL_TIME, CTL_IF_ANY},
    {"hint", "HINT", CTL_TEXT, 0},
    {"models", "MODELS", CTL_NAMES, CTL_IF_ANY},
    {"note", "NOTE", CTL_TEXT, CTL_IF_ANY},
    {"grace_until", "OLD SECRET UNTIL", CTL_TIME, CTL_IF_ANY},
    {"on_client_abort", "ON ABORT", CTL_TEXT, CTL_IF_ANY},
    CTL_COLUMNS_BUDGET,
    {NULL, NULL, CTL_TEXT, 0},
};

static int is_number(const char *text)
{
    return *text && !text[strspn(text, "0123456789")];
}

/* The request for a key named on the command line, by its name or its id. */
static llm_buf_t *request_for(const ctl_t *ctl, const char *op)
{
    llm_buf_t *request = ctl_request(ctl, op);
    const char *which = ctl_argument(ctl, 0);

    if (is_number(which) && strlen(which) < 10) {
        /* JSON has no leading zeros. */
        const char *digits = which + strspn(which, "0");

        ctl_request_raw(request, "key_id", *digits ? digits : "0");
    }
    else {
        ctl_request_text(request, "name", which);
    }
    return request;
}

static int print_key(ctl_t *ctl, const llm_json_t *done)
{
    const llm_json_t *key = llm_json_get(done, "key");

    ctl_record(ctl, "key", columns, ctl_cells(columns, key, ctl->pool), NULL);
    return CTL_DONE;
}

/* ----------------------------------------------------------------- create */

static int check_models(ctl_t *ctl, const char *models)
{
    while (models) {
        apr_size_t len = strcspn(models, ",");
        const char *one = apr_pstrmemdup(ctl->pool, models, len);
        const char *wrong = llm_pattern_check(one);

        if (wrong) {
            return ctl_fail(ctl, CTL_USAGE, "usage", "--models: '%s': %s", one,
                            wrong);
        }
        models = models[len] ? models + len + 1 : NULL;
    }
    return CTL_DONE;
}

/* A date, or a duration from now. */
static int read_expiry(const char **pexpires, ctl_t *ctl)
{
    const char *text = ctl_option(ctl, "expires");
    apr_interval_time_t from_now;
    apr_time_t when;

    *pexpires = NULL;
    if (!text || !strcmp(text, "never")) {
        *pexpires = text;
        return CTL_DONE;
    }
    if (!llm_duration_read(&from_now, text) && from_now < CENTURY) {
        when = ctl->world->now + from_now;
    }
    else if (llm_time_read(&when, text, ctl->world->now)) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--expires: expected a date such as 2027-12-31, or a "
                        "duration such as 90d, not '%s'",
                        text);
    }
    if (when <= ctl->world->now) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--expires: '%s' is not in the future", text);
    }
    *pexpires = llm_time_print(when, ctl->pool);
    return CTL_DONE;
}

static int check_name(ctl_t *ctl, const char *what, const char *name)
{
    const char *wrong = llm_key_check_name(name);

    if (!wrong && is_number(name)) {
        wrong = "a name of digits alone would be taken for an id";
    }
    return wrong ? ctl_fail(ctl, CTL_USAGE, "usage", "%s: '%s': %s", what, name,
                            wrong)
                 : CTL_DONE;
}

/* The store keeps text; other bytes would not come back as they were. */
static int check_text(ctl_t *ctl, const char *option)
{
    const char *text = ctl_option(ctl, option);
    const char *end = text ? text + strlen(text) : NULL;

    while (text != end) {
        apr_size_t len = llm_utf8_length(text, end);

        if (!len) {
            return ctl_fail(ctl, CTL_USAGE, "usage",
                            "--%s: expected UTF-8, not '%s'", option,
                            ctl_option(ctl, option));
        }
        text += len;
    }
    return CTL_DONE;
}

static int check_on_abort(ctl_t *ctl)
{
    const char *text = ctl_option(ctl, "on-client-abort");
    llm_abort_t on_abort;
    const char *wrong = text ? llm_abort_read(&on_abort, text) : NULL;

    return wrong ? ctl_fail(ctl, CTL_USAGE, "usage",
                            "--on-client-abort: %s, not '%s'", wrong, text)
                 : CTL_DONE;
}

/* The options that say what a key is, into the request. */
static int read_members(llm_buf_t *request, ctl_t *ctl)
{
    const char *expires = NULL;
    int status = check_text(ctl, "team");

    if (status == CTL_DONE) {
        status = check_text(ctl, "note");
    }
    if (status == CTL_DONE) {
        status = check_models(ctl, ctl_option(ctl, "models"));
    }
    if (status == CTL_DONE) {
        status = read_expiry(&expires, ctl);
    }
    if (status == CTL_DONE) {
        status = check_on_abort(ctl);
    }
    if (status == CTL_DONE) {
        status = ctl_request_budget(request, ctl);
    }
    ctl_request_text(request, "team", ctl_option(ctl, "team"));
    ctl_request_text(request, "note", ctl_option(ctl, "note"));
    ctl_request_text(request, "models", ctl_option(ctl, "models"));
    ctl_request_text(request, "expires", expires);
    ctl_request_text(request, "on_client_abort",
                     ctl_option(ctl, "on-client-abort"));
    return status;
}

/* `said`: what is remarked when people read it. */
static int print_secret(ctl_t *ctl, const llm_json_t *done, const char *said)
{
    const char **cells =
        ctl_cells(columns, llm_json_get(done, "key"), ctl->pool);
    const char *secret =
        llm_json_string(llm_json_get(done, "secret"), ctl->pool);

    if (!secret) {
        return ctl_fail(ctl, CTL_REFUSED, "internal",
                        "the store made the key and did not tell it");
    }
    if (ctl->face == CTL_JSON) {
        ctl_record(ctl, "key", columns, cells, secret);
        return CTL_DONE;
    }
    ctl_remark(ctl, "key %s (id %s) %s; it is shown this once:",
               cells[1] ? cells[1] : "?", cells[0] ? cells[0] : "?", said);
    fprintf(ctl->world->out, "%s\n", secret);
    return CTL_DONE;
}

static int key_create(ctl_t *ctl)
{
    llm_buf_t *request = ctl_request(ctl, "key.create");
    const llm_json_t *done;
    int status = check_name(ctl, "NAME", ctl_argument(ctl, 0));

    ctl_request_text(request, "name", ctl_argument(ctl, 0));
    if (status == CTL_DONE) {
        status = read_members(request, ctl);
    }
    if (status == CTL_DONE) {
        status = ctl_ask(ctl, request, NULL, NULL, &done);
    }
    return status == CTL_DONE ? print_secret(ctl, done, "was made") : status;
}

static const ctl_option_t create_options[] = {
    {"team", "TEAM", "the team the key belongs to"},
    {"note", "TEXT", "a remark for people"},
    {"models", "LIST", "models it may use, with \"*\": \"smart,openai/*\""},
    {"expires", "WHEN",
     "a date (2027-12-31, UTC) or a duration from now (90d)"},
    {"on-client-abort", "POLICY",
     "when its client leaves: abort, drain or drain=30s"},
    CTL_OPTION_BUDGET,
    {NULL, NULL, NULL},
};

/* ------------------------------------------------------------------- list */

typedef struct listing_t {
    ctl_list_t *list;
    apr_pool_t *pool; /* for one row */
} listing_t;

static void list_key(void *baton, const llm_json_t *row)
{
    listing_t *listing = baton;

    ctl_list_add(listing->list, ctl_cells(columns, row, listing->pool));
    apr_pool_clear(listing->pool);
}

static int key_list(ctl_t *ctl)
{
    llm_buf_t *request = ctl_request(ctl, "key.list");
    listing_t listing;
    int status;

    ctl_request_text(request, "team", ctl_option(ctl, "team"));
    listing.list = ctl_list_begin(ctl, "keys", columns);
    ctl_list_is_long(listing.list);
    apr_pool_create(&listing.pool, ctl->pool);
    status = ctl_ask(ctl, request, list_key, &listing, NULL);
    if (status != CTL_DONE) {
        return status;
    }
    ctl_list_end(listing.list);
    if (!ctl_list_count(listing.list)) {
        ctl_remark(ctl, "There are no keys.");
    }
    return CTL_DONE;
}

static const ctl_option_t list_options[] = {
    {"team", "TEAM", "only the keys of this team"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------- show, revoke, delete */

static int key_show(ctl_t *ctl)
{
    const llm_json_t *done;
    int status = ctl_ask(ctl, request_for(ctl, "key.show"), NULL, NULL, &done);

    return status == CTL_DONE ? print_key(ctl, done) : status;
}

/* An edit of one key; its answer is the key as it is, or was. */
static int edit(ctl_t *ctl, const char *op, const char *did)
{
    const llm_json_t *done;
    int status = ctl_ask(ctl, request_for(ctl, op), NULL, NULL, &done);

    if (status != CTL_DONE || ctl->face != CTL_TABLE) {
        return status == CTL_DONE ? print_key(ctl, done) : status;
    }
    /* the store answers when every child can see it */
    fprintf(ctl->world->out, "%s: %s, in force now\n", ctl_argument(ctl, 0),
            did);
    return CTL_DONE;
}

static int key_disable(ctl_t *ctl)
{
    return edit(ctl, "key.disable", "disabled");
}

static int key_enable(ctl_t *ctl)
{
    return edit(ctl, "key.enable", "enabled");
}

static int key_revoke(ctl_t *ctl)
{
    return edit(ctl, "key.revoke", "revoked");
}

static int key_delete(ctl_t *ctl)
{
    return edit(ctl, "key.delete", "deleted");
}

/* ------------------------------------------------------------------ update */

static const ctl_option_t update_options[] = {
    {"name", "NAME", "another name"},
    {"team", "TEAM", "another team"},
    {"no-team", NULL, "no team any more"},
    {"note", "TEXT", "another remark"},
    {"no-note", NULL, "no remark any more"},
    {"models", "LIST", "models it may use, with \"*\": \"smart,openai/*\""},
    {"all-models", NULL, "it may use every model"},
    {"expires", "WHEN", "a date, a duration from now (90d), or never"},
    {"on-client-abort", "POLICY",
     "when its client leaves: abort, drain or drain=30s"},
    {"no-on-client-abort", NULL, "then what the configuration says"},
    CTL_OPTION_BUDGET,
    CTL_OPTION_NO_BUDGET,
    {NULL, NULL, NULL},
};

/* What takes something away is the empty text for the store. */
static int read_removal(llm_buf_t *request, ctl_t *ctl, const char *removal,
                        const char *option, const char *member)
{
    if (!ctl_option(ctl, removal)) {
        return CTL_DONE;
    }
    if (ctl_option(ctl, option)) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "--%s and --%s do not go together", removal, option);
    }
    ctl_request_text(request, member, "");
    return CTL_DONE;
}

static int read_update(llm_buf_t *request, ctl_t *ctl)
{
    const char *name = ctl_option(ctl, "name");
    const ctl_option_t *option = update_options;
    int status = name ? check_name(ctl, "--name", name) : CTL_DONE;

    while (option->name && !ctl_option(ctl, option->name)) {
        ++option;
    }
    if (!option->name) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "key update: expected an option that says what to "
                        "change");
    }
    ctl_request_text(request, "new_name", name);
    if (status == CTL_DONE) {
        status = read_members(request, ctl);
    }
    if (status == CTL_DONE) {
        status = read_removal(request, ctl, "no-team", "team", "team");
    }
    if (status == CTL_DONE) {
        status = read_removal(request, ctl, "no-note", "note", "note");
    }
    if (status == CTL_DONE) {
        status = read_removal(request, ctl, "no-on-client-abort",
                              "on-client-abort", "on_client_abort");
    }
    return status == CTL_DONE
               ? read_removal(request, ctl, "all-models", "models", "models")
               : status;
}

static int key_update(ctl_t *ctl)
{
    llm_buf_t *request = request_for(ctl, "key.update");
    const llm_json_t *done;
    int status = read_update(request, ctl);

    if (status == CTL_DONE) {
        status = ctl_ask(ctl, request, NULL, NULL, &done);
    }
    return status == CTL_DONE ? print_key(ctl, done) : status;
}

/* ------------------------------------------------------------------ rotate */

static int read_grace(llm_buf_t *request, ctl_t *ctl)
{
    const char *grace = ctl_option(ctl, "grace");
    apr_interval_time_t duration;
    const char *wrong = grace ? llm_duration_read(&duration, grace) : NULL;

    ctl_request_text(request, "grace", grace);
    return wrong ? ctl_fail(ctl, CTL_USAGE, "usage", "--grace: %s, not '%s'",
                            wrong, grace)
                 : CTL_DONE;
}

static int key_rotate(ctl_t *ctl)
{
    llm_buf_t *request = request_for(ctl, "key.rotate");
    const llm_json_t *done;
    const char *until, *said = "has another secret, and no other one is valid";
    int status = read_grace(request, ctl);

    if (status == CTL_DONE) {
        status = ctl_ask(ctl, request, NULL, NULL, &done);
    }
    if (status != CTL_DONE) {
        return status;
    }
    until = llm_json_string(
        llm_json_want(llm_json_get(done, "key"), "grace_until"), ctl->pool);
    if (until) {
        said = apr_psprintf(ctl->pool,
                            "has another secret, and the old one is valid "
                            "until %s",
                            until);
    }
    return print_secret(ctl, done, said);
}

static const ctl_option_t rotate_options[] = {
    {"grace", "DURATION", "how long the old secret stays valid; else 24h"},
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.verb = "create",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Make a client key and show it, this once",
     .about =
         "The key alone goes to standard output. The store keeps a hash of it "
         "only: a key\nthat was lost cannot be shown again."
         "\n" CTL_ABOUT_BUDGET,
     .example = "llmgwctl key create alice --team search --expires 90d",
     .options = create_options,
     .run = key_create},
    {.verb = "list",
     .needs = CTL_NEEDS_STORE,
     .summary = "List the keys",
     .example = "llmgwctl key list --team search",
     .options = list_options,
     .run = key_list},
    {.verb = "show",
     .arguments = "NAME|ID",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Show all about one key",
     .example = "llmgwctl key show alice",
     .run = key_show},
    {.verb = "update",
     .arguments = "NAME|ID",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Change what a key may do, or what is said of it",
     .about = "What no option names stays as it is. --budget stands in place "
              "of all the budgets\nthere are.\n" CTL_ABOUT_BUDGET,
     .example = "llmgwctl key update alice --team research --expires never",
     .options = update_options,
     .run = key_update},
    {.verb = "rotate",
     .arguments = "NAME|ID",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Give a key another secret and show it, this once",
     .about = "The old secret stays valid for a while, so that clients can be "
              "changed one by one.\nWith --grace 0 every older secret ends at "
              "once.",
     .example = "llmgwctl key rotate alice --grace 7d",
     .options = rotate_options,
     .run = key_rotate},
    {.verb = "disable",
     .arguments = "NAME|ID",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Let a key be refused until it is enabled again",
     .example = "llmgwctl key disable alice",
     .run = key_disable},
    {.verb = "enable",
     .arguments = "NAME|ID",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Accept a key that was disabled",
     .example = "llmgwctl key enable alice",
     .run = key_enable},
    {.verb = "revoke",
     .arguments = "NAME|ID",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Let a key be refused from now on",
     .about = "The key stays in the list and in the reports. This cannot be "
              "undone.",
     .example = "llmgwctl key revoke alice",
     .run = key_revoke},
    {.verb = "delete",
     .arguments = "NAME|ID",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Remove a key; what it used stays in the reports",
     .example = "llmgwctl key delete alice",
     .run = key_delete},
    {.run = NULL},
};

const ctl_noun_t ctl_key = {
    .name = "key",
    .summary = "The keys clients show to the gateway",
    .commands = commands,
};
