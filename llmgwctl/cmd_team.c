/* SPDX-License-Identifier: Apache-2.0 */
/* llmgwctl team: the teams that keys belong to. */
#include "llmgwctl/ctl.h"

static const ctl_column_t columns[] = {
    {"name", "NAME", CTL_TEXT, 0},
    {"keys", "KEYS", CTL_COUNT, 0},
    {"created", "CREATED", CTL_TIME, 0},
    {"note", "NOTE", CTL_TEXT, CTL_IF_ANY},
    CTL_COLUMNS_BUDGET,
    {NULL, NULL, CTL_TEXT, 0},
};

static int print_team(ctl_t *ctl, const llm_json_t *done)
{
    const llm_json_t *team = llm_json_get(done, "team");

    ctl_record(ctl, "team", columns, ctl_cells(columns, team, ctl->pool), NULL);
    return CTL_DONE;
}

/* A request on the team that is named, and its answer. */
static int ask_team(ctl_t *ctl, llm_buf_t *request, const char *did)
{
    const llm_json_t *done;
    int status;

    ctl_request_text(request, "name", ctl_argument(ctl, 0));
    status = ctl_ask(ctl, request, NULL, NULL, &done);
    if (status != CTL_DONE) {
        return status;
    }
    if (did && ctl->face == CTL_TABLE) {
        fprintf(ctl->world->out, "%s: %s\n",
                ctl_safe_text(ctl_argument(ctl, 0), ctl->pool), did);
        return CTL_DONE;
    }
    return print_team(ctl, done);
}

static int team_create(ctl_t *ctl)
{
    llm_buf_t *request = ctl_request(ctl, "team.create");
    int status = ctl_request_budget(request, ctl);

    ctl_request_text(request, "note", ctl_option(ctl, "note"));
    return status == CTL_DONE ? ask_team(ctl, request, "made") : status;
}

static int team_show(ctl_t *ctl)
{
    return ask_team(ctl, ctl_request(ctl, "team.show"), NULL);
}

static int team_delete(ctl_t *ctl)
{
    return ask_team(ctl, ctl_request(ctl, "team.delete"), "deleted");
}

static int team_update(ctl_t *ctl)
{
    llm_buf_t *request = ctl_request(ctl, "team.update");
    const char *name = ctl_option(ctl, "name"), *note = ctl_option(ctl, "note");
    int status = ctl_request_budget(request, ctl);

    if (ctl_option(ctl, "no-note")) {
        if (note) {
            return ctl_fail(ctl, CTL_USAGE, "usage",
                            "--no-note and --note do not go together");
        }
        note = "";
    }
    if (!name && !note && !ctl_option(ctl, "budget")
        && !ctl_option(ctl, "no-budget")) {
        return ctl_fail(ctl, CTL_USAGE, "usage",
                        "team update: expected an option that says what to "
                        "change");
    }
    ctl_request_text(request, "new_name", name);
    ctl_request_text(request, "note", note);
    return status == CTL_DONE ? ask_team(ctl, request, NULL) : status;
}

/* ------------------------------------------------------------------- list */

typedef struct listing_t {
    ctl_list_t *list;
    apr_pool_t *pool; /* for one row */
} listing_t;

static void list_team(void *baton, const llm_json_t *row)
{
    listing_t *listing = baton;

    ctl_list_add(listing->list, ctl_cells(columns, row, listing->pool));
    apr_pool_clear(listing->pool);
}

static int team_list(ctl_t *ctl)
{
    listing_t listing = {.list = ctl_list_begin(ctl, "teams", columns)};
    int status;

    apr_pool_create(&listing.pool, ctl->pool);
    status =
        ctl_ask(ctl, ctl_request(ctl, "team.list"), list_team, &listing, NULL);
    if (status != CTL_DONE) {
        return status;
    }
    ctl_list_end(listing.list);
    if (!ctl_list_count(listing.list)) {
        ctl_remark(ctl, "There are no teams.");
    }
    return CTL_DONE;
}

static const ctl_option_t create_options[] = {
    {"note", "TEXT", "a remark for people"},
    CTL_OPTION_BUDGET,
    {NULL, NULL, NULL},
};

static const ctl_option_t list_options[] = {
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_option_t update_options[] = {
    {"name", "NAME", "another name; its keys follow"},
    {"note", "TEXT", "another remark"},
    {"no-note", NULL, "no remark any more"},
    CTL_OPTION_BUDGET,
    CTL_OPTION_NO_BUDGET,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.verb = "create",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Make a team",
     .about = "A team is made too when a key names it for the first time."
              "\n" CTL_ABOUT_BUDGET,
     .example = "llmgwctl team create search --note 'the search people'",
     .options = create_options,
     .run = team_create},
    {.verb = "list",
     .needs = CTL_NEEDS_STORE,
     .summary = "List the teams",
     .example = "llmgwctl team list",
     .options = list_options,
     .run = team_list},
    {.verb = "show",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Show one team",
     .example = "llmgwctl team show search",
     .run = team_show},
    {.verb = "update",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Change a team's name, budget or what is said of it",
     .about = "Under another name the team keeps its keys, and reports show "
              "all its usage\nunder that name. --budget stands in place of "
              "all the budgets\nthere are.\n" CTL_ABOUT_BUDGET,
     .example = "llmgwctl team update search --name discovery",
     .options = update_options,
     .run = team_update},
    {.verb = "delete",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .needs = CTL_NEEDS_STORE,
     .summary = "Remove a team that has no keys",
     .example = "llmgwctl team delete search",
     .run = team_delete},
    {.run = NULL},
};

const ctl_noun_t ctl_team = {
    .name = "team",
    .summary = "The teams that keys belong to",
    .commands = commands,
};
