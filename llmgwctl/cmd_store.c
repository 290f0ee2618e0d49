/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llmgwctl store: the store as a thing on a disk. Here are its commands and
 * those that look at it: stats, check, compact. Backup and restore are in
 * cmd_store_backup.c, dump and load in cmd_store_dump.c.
 */
#include "llmgwctl/store_copy.h"

#include <string.h>

#include <apr_strings.h>

#include "store/bdb_care.h"
#include "store/files.h"

/* ------------------------------------------------------------------ stats */

static const ctl_column_t table_columns[] = {
    {"table", "TABLE", CTL_TEXT, 0},
    {"rows", "ROWS", CTL_COUNT, 0},
    {"row_bytes", "BYTES IN ROWS", CTL_COUNT, 0},
    {"file_bytes", "BYTES ON DISK", CTL_COUNT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

static const ctl_column_t stat_columns[] = {
    {"store", "Store", CTL_TEXT, 0},
    {"format", "Store's format", CTL_ID, 0},
    {"env_bytes", "Bytes in tables and log", CTL_COUNT, 0},
    {"log_files", "Files of the log", CTL_COUNT, 0},
    {"log_bytes", "Bytes of the log", CTL_COUNT, 0},
    {"journals", "Journals", CTL_COUNT, 0},
    {"journal_bytes", "Bytes in journals", CTL_COUNT, 0},
    {"backlog", "Records not stored yet", CTL_COUNT, 0},
    {"inflight", "Requests running", CTL_COUNT, 0},
    {"inflight_slots", "Slots for them", CTL_COUNT, 0},
    {"cache_bytes", "Bytes of the cache", CTL_COUNT, 0},
    {"event_days", "Days with records", CTL_COUNT, 0},
    {"oldest_event", "Oldest record", CTL_TIME, 0},
    {"keep_days", "Days kept", CTL_COUNT, 0},
    {"disk_free", "Bytes free on the disk", CTL_COUNT, 0},
    {"disk_bytes", "of", CTL_COUNT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

typedef struct counting_t {
    ctl_list_t *list;
    ctl_steps_t steps;
    apr_pool_t *pool; /* for one row */
} counting_t;

static void list_table(void *baton, const llm_json_t *row)
{
    counting_t *counting = baton;
    const char **cells = ctl_cells(table_columns, row, counting->pool);

    ctl_step(&counting->steps, "Counting rows: %s", cells[0]);
    ctl_list_add(counting->list, cells);
    apr_pool_clear(counting->pool);
}

static int stats(ctl_t *ctl)
{
    counting_t counting = {.steps = {.ctl = ctl}};
    const llm_json_t *done;
    const char **cells;
    int status;

    apr_pool_create(&counting.pool, ctl->pool);
    ctl_step(&counting.steps, "Counting rows");
    counting.list = ctl_list_begin(ctl, "tables", table_columns);
    status = ctl_ask(ctl, ctl_request(ctl, "store.stats"), list_table,
                     &counting, &done);
    ctl_steps_end(&counting.steps);
    if (status != CTL_DONE) {
        return status;
    }
    cells = ctl_cells(stat_columns, done, ctl->pool);
    cells[0] = ctl->store;
    ctl_list_more_record(counting.list, "stats", stat_columns, cells);
    ctl_list_end(counting.list);
    if (ctl->face == CTL_TABLE) {
        fputc('\n', ctl->world->out);
        ctl_table_print_record(stat_columns, cells, ctl->world, ctl->pool);
    }
    return CTL_DONE;
}

/* ------------------------------------------------------------------ check */

enum {
    RECORDS,
    EVENTS,
    HOURS,
    DAYS,
    QUOTAS,
    DIFFERENCES,
    DIFFERING,
    AGREE,
    FILES,
    DAMAGED,
    SOUND,
    CHECKS
};

static const ctl_column_t check_columns[CHECKS + 1] = {
    [RECORDS] = {"records", "Records ever stored", CTL_COUNT, 0},
    [EVENTS] = {"events", "Records kept", CTL_COUNT, 0},
    [HOURS] = {"hours", "Requests in hours", CTL_COUNT, 0},
    [DAYS] = {"days", "Requests in days", CTL_COUNT, 0},
    [QUOTAS] = {"quotas", "Requests in quotas", CTL_COUNT, 0},
    [DIFFERENCES] = {"differences", "Days that differ", CTL_COUNT, 0},
    [DIFFERING] = {"differing", "which are", CTL_NAMES, CTL_IF_ANY},
    [AGREE] = {"agree", "Sums agree", CTL_FLAG, 0},
    [FILES] = {"files", "Files verified", CTL_COUNT, 0},
    [DAMAGED] = {"damaged", "Damaged files", CTL_NAMES, CTL_IF_ANY},
    [SOUND] = {"sound", "Pages are sound", CTL_FLAG, 0},
    [CHECKS] = {NULL, NULL, CTL_TEXT, 0},
};

static const char *joined(const char *names, const char *name, apr_pool_t *pool)
{
    return apr_pstrcat(pool, names, *names ? "," : "", name, NULL);
}

typedef struct differing_t {
    const char *names;
    ctl_steps_t *steps;
    apr_pool_t *pool;
} differing_t;

static void note_day(void *baton, const llm_json_t *row)
{
    differing_t *differing = baton;
    const char *day =
        llm_json_string(llm_json_get(row, "day"), differing->pool);

    if (day) {
        differing->names = joined(differing->names, day, differing->pool);
    }
}

static int verify_file(const char **cells, ctl_t *ctl, const char *env,
                       const char *name)
{
    apr_status_t status =
        llm_bdb_verify(apr_pstrcat(ctl->pool, env, "/", name, NULL));
    char text[200];

    if (status == APR_EINVAL) {
        cells[DAMAGED] = joined(cells[DAMAGED], name, ctl->pool);
        return CTL_DONE;
    }
    return status == APR_SUCCESS
               ? CTL_DONE
               : ctl_fail(ctl, CTL_REFUSED, "internal", "%s: %s", name,
                          apr_strerror(status, text, sizeof(text)));
}

/* After its logs were applied a copy's files stand for themselves. */
static int verify_copy(const char **cells, ctl_t *ctl, const ctl_copy_t *copy,
                       ctl_steps_t *steps)
{
    apr_array_header_t *names;
    llm_bdb_t *bdb;
    unsigned count = 0;
    int i, status = CTL_DONE;

    if (llm_bdb_open_copy(&bdb, copy->env, ctl->pool) != APR_SUCCESS
        || llm_bdb_close(bdb) != APR_SUCCESS
        || llm_folder_list(&names, copy->env, ctl->pool) != APR_SUCCESS) {
        cells[DAMAGED] = "env";
        return CTL_DONE;
    }
    for (i = 0; status == CTL_DONE && i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        apr_size_t len = strlen(name);

        if (len > 3 && !strcmp(name + len - 3, ".db")) {
            ctl_step(steps, "Verifying pages: %s", name);
            status = verify_file(cells, ctl, copy->env, name);
            ++count;
        }
    }
    cells[FILES] = apr_psprintf(ctl->pool, "%u", count);
    return status;
}

static int check_pages(const char **cells, ctl_t *ctl, ctl_steps_t *steps)
{
    ctl_copy_t copy;
    int status = ctl_fix_store(ctl);

    if (status == CTL_DONE) {
        status = ctl_copy_make(&copy, ctl);
    }
    if (status != CTL_DONE) {
        return status;
    }
    cells[DAMAGED] = "";
    status = verify_copy(cells, ctl, &copy, steps);
    cells[SOUND] = *cells[DAMAGED] ? "false" : "true";
    ctl_copy_remove(&copy);
    return status;
}

static int check(ctl_t *ctl)
{
    ctl_steps_t steps = {.ctl = ctl};
    differing_t differing = {"", &steps, ctl->pool};
    const llm_json_t *done;
    const char **cells;
    int status;

    ctl_step(&steps, "Summing up records");
    status =
        ctl_ask(ctl, ctl_request(ctl, "check"), note_day, &differing, &done);
    if (status != CTL_DONE) {
        return status;
    }
    cells = ctl_cells(check_columns, done, ctl->pool);
    cells[DIFFERING] = differing.names;
    if (!ctl_option(ctl, "no-pages")) {
        status = check_pages(cells, ctl, &steps);
    }
    ctl_steps_end(&steps);
    if (status != CTL_DONE) {
        return status;
    }
    ctl_record(ctl, "check", check_columns, cells, NULL);
    return cells[AGREE] && !strcmp(cells[AGREE], "true")
                   && !(cells[SOUND] && !strcmp(cells[SOUND], "false"))
               ? CTL_DONE
               : CTL_REFUSED;
}

/* ---------------------------------------------------------------- compact */

static const ctl_column_t compact_columns[] = {
    {"table", "TABLE", CTL_TEXT, 0},
    {"before", "BYTES BEFORE", CTL_COUNT, 0},
    {"freed", "FREED", CTL_COUNT, 0},
    {NULL, NULL, CTL_TEXT, 0},
};

static void list_compacted(void *baton, const llm_json_t *row)
{
    counting_t *counting = baton;
    const char **cells = ctl_cells(compact_columns, row, counting->pool);

    ctl_step(&counting->steps, "Compacting: %s", cells[0]);
    ctl_list_add(counting->list, cells);
    apr_pool_clear(counting->pool);
}

static int compact(ctl_t *ctl)
{
    counting_t counting = {.steps = {.ctl = ctl}};
    const llm_json_t *done;
    const char **cells;
    int status;

    apr_pool_create(&counting.pool, ctl->pool);
    ctl_step(&counting.steps, "Compacting");
    counting.list = ctl_list_begin(ctl, "tables", compact_columns);
    status = ctl_ask(ctl, ctl_request(ctl, "store.compact"), list_compacted,
                     &counting, &done);
    ctl_steps_end(&counting.steps);
    if (status != CTL_DONE) {
        return status;
    }
    cells = ctl_cells(compact_columns, done, ctl->pool);
    cells[0] = "Total";
    ctl_list_total(counting.list, cells);
    ctl_list_end(counting.list);
    return CTL_DONE;
}

/* --------------------------------------------------------------- commands */

static const ctl_option_t list_options[] = {
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_option_t check_options[] = {
    {"no-pages", NULL, "sums only: no copy is made, no page verified"},
    CTL_OPTION_FORMAT,
    {NULL, NULL, NULL},
};

static const ctl_command_t commands[] = {
    {.verb = "stats",
     .needs = CTL_NEEDS_STORE,
     .summary = "Show how large it is: tables, journals, log",
     .example = "llmgwctl store stats",
     .options = list_options,
     .run = stats},
    {.verb = "check",
     .needs = CTL_NEEDS_STORE,
     .summary = "Check that sums agree and no page is damaged",
     .about = "Pages are verified on a copy within the store's folder, which "
              "needs as much room\nas the store has; it is removed again. "
              "Ends with 1 when something is wrong.",
     .example = "llmgwctl store check",
     .options = check_options,
     .run = check},
    {.verb = "backup",
     .arguments = "DIR",
     .least = 1,
     .most = 1,
     .summary = "Copy it into a folder, also while it is used",
     .about = "DIR is made, or is empty, or holds an older backup, which is "
              "replaced when the\nnew one is complete. Nothing that was "
              "acknowledged before the command began is\nmissing from it.",
     .example = "llmgwctl store backup /var/backups/llm-gateway",
     .options = list_options,
     .run = ctl_store_backup},
    {.verb = "restore",
     .arguments = "DIR",
     .least = 1,
     .most = 1,
     .summary = "Put a backup in its place",
     .about = "The gateway must be stopped. The store that is replaced is kept "
              "in a folder\nreplaced-<time> within it. The backup is "
              "recovered, verified and summed first.",
     .example = "llmgwctl store restore /var/backups/llm-gateway",
     .options = list_options,
     .run = ctl_store_restore},
    {.verb = "dump",
     .arguments = "[FILE]",
     .most = 1,
     .summary = "Write all of it as text",
     .about = "JSON lines: a line that says what it is, one for each row of "
              "each table, and a\nlast one with their number and a checksum. "
              "FILE must not be there yet; without\nit the dump goes to "
              "standard output. What is secret in the store is in it: key\n"
              "hashes, and provider keys as they are stored, encrypted.",
     .example = "llmgwctl store dump /var/backups/llm-gateway.jsonl",
     .options = list_options,
     .run = ctl_store_dump},
    {.verb = "load",
     .arguments = "FILE",
     .least = 1,
     .most = 1,
     .summary = "Fill an empty store from a dump",
     .about = "The gateway must be stopped. All of the dump is loaded, or "
              "nothing of it. FILE may\nbe - for standard input.",
     .example = "llmgwctl store load /var/backups/llm-gateway.jsonl",
     .options = list_options,
     .run = ctl_store_load},
    {.verb = "compact",
     .needs = CTL_NEEDS_STORE,
     .summary = "Give room that is not used back to the disk",
     .about = "Seldom of use: usage records are dropped a day's file at a "
              "time, and room that\nother rows leave is used again.",
     .example = "llmgwctl store compact",
     .options = list_options,
     .run = compact},
    {.run = NULL},
};

const ctl_noun_t ctl_store = {
    .name = "store",
    .summary = "Check it, back it up, restore it, write it as text",
    .commands = commands,
};
