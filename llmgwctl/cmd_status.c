/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl status: is the store served, by whom, and how much does it hold.
 */
#include "llmgwctl/ctl.h"

static const ctl_column_t columns[] = {
    {"store", "Store", CTL_TEXT, 0},
    {"online", "Gateway running", CTL_FLAG, 0},
    {"pid", "Owner's process", CTL_ID, CTL_IF_ANY},
    {"version", "Owner's version", CTL_TEXT, CTL_IF_ANY},
    {"started", "Since", CTL_TIME, CTL_IF_ANY},
    {"schema", "Store format", CTL_ID, 0},
    {"keys", "Keys", CTL_COUNT, 0},
    {"records", "Usage records", CTL_COUNT, 0},
    {"backlog", "Not yet stored", CTL_COUNT, 0},
    {"damaged", "Damaged records", CTL_COUNT, 0},
    {"bytes", "Bytes on disk", CTL_COUNT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};
enum { STORE, ONLINE };

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
