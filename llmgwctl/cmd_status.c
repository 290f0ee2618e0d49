/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl status: is the store served, by whom, and how much does it hold.
 */
#include "llmgwctl/ctl.h"

static const ctl_column_t columns[] = {
    {"store", "Store", CTL_TEXT, 0},
    {"online", "Gateway runs", CTL_FLAG, 0},
    {"pid", "Owner's process", CTL_ID, 0},
    {"version", "Owner's version", CTL_TEXT, 0},
    {"started", "Owner since", CTL_TIME, 0},
    {"created", "Store since", CTL_TIME, 0},
    {"identity", "Store's id", CTL_TEXT, CTL_HIDE},
    {"schema", "Store's format", CTL_ID, 0},
    {"bytes", "Bytes on disk", CTL_COUNT, 0},
    {"journal_bytes", "of which journals", CTL_COUNT, CTL_HIDE},
    {"keys", "Keys", CTL_COUNT, 0},
    {"records", "Usage records", CTL_COUNT, 0},
    {"killed", "of which killed", CTL_COUNT, CTL_IF_ANY},
    {"damaged", "Damaged records", CTL_COUNT, CTL_IF_ANY},
    {"twice", "Records met again", CTL_COUNT, CTL_HIDE},
    {"keep_days", "Days kept", CTL_COUNT, 0},
    {"keep_hours", "Days of hours", CTL_COUNT, 0},
    {"keep_audit", "Days of changes", CTL_COUNT, 0},
    {"inflight", "Requests running", CTL_COUNT, 0},
    {"journals", "Journals", CTL_COUNT, CTL_HIDE},
    {"backlog", "Not stored yet", CTL_COUNT, 0},
    {"drained", "Stored last", CTL_TIME, 0},
    {"failing", "Failing now", CTL_FLAG, 0},
    {"error", "Last failure", CTL_TEXT, CTL_IF_ANY},
    {"error_at", "at", CTL_TIME, CTL_IF_ANY},
    {NULL, NULL, CTL_TEXT, 0},
};
enum { STORE, ONLINE, PID, VERSION, STARTED };

static int status(ctl_t *ctl)
{
    const llm_json_t *done;
    const char **cells;
    int result = ctl_ask(ctl, ctl_request(ctl, "status"), NULL, NULL, &done);

    if (result != CTL_DONE) {
        return result;
    }
    cells = ctl_cells(columns, done, ctl->pool);
    cells[STORE] = ctl->store;
    cells[ONLINE] = ctl->world->door->is_online(ctl->client) ? "true" : "false";
    if (!ctl->world->door->is_online(ctl->client)) {
        /* The one who answered is this process. */
        cells[PID] = cells[VERSION] = cells[STARTED] = NULL;
    }
    ctl_record(ctl, "status", columns, cells, NULL);
    return CTL_DONE;
}

static const ctl_command_t commands[] = {
    {.needs = CTL_NEEDS_STORE,
     .summary = "Show whether the gateway runs and what the store holds",
     .example = "llmgwctl status",
     .run = status},
    {.run = NULL},
};

const ctl_noun_t ctl_status = {
    .name = "status",
    .summary = "The store's state",
    .commands = commands,
};
