/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands on teams.
 *
 * A key names its team; a team's own row has what is said of the team itself.
 * Naming a team makes it. Stores of older versions have keys with teams that
 * have no row: these are teams too.
 */
#include "store/command_key.h"

#include "core/llm_key.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define RENAME_MAX 5000 /* keys that follow in one transaction */
#define KEYS_NAMED 10   /* keys an error names */

typedef struct team_t {
    const char *name;
    llm_team_t row; /* created is 0: it has none */
    apr_uint64_t keys;
} team_t;

/* -------------------------------------------------------------------- row */

static llm_datum_t name_of(const char *name)
{
    return (llm_datum_t){name, strlen(name)};
}

/* APR_NOTFOUND: the team has no row. */
static apr_status_t get_team(team_t *team, llm_task_t *task, llm_txn_t *txn,
                             const char *name)
{
    unsigned char bytes[LLM_CODEC_TEAM_MAX];
    apr_size_t len;
    apr_status_t status =
        llm_table_get(task->store->tables.teams, txn, name_of(name), bytes,
                      sizeof(bytes), &len);

    memset(team, 0, sizeof(*team));
    team->name = name;
    if (status == APR_SUCCESS && !llm_codec_read_team(&team->row, bytes, len)) {
        status = APR_EINVAL;
    }
    return status;
}

static apr_status_t put_team(llm_task_t *task, llm_txn_t *txn,
                             const team_t *team, int how)
{
    llm_buf_t *bytes = llm_buf_make(LLM_CODEC_TEAM_MAX, task->pool);

    llm_codec_write_team(bytes, &team->row);
    return llm_table_put(task->store->tables.teams, txn, name_of(team->name),
                         (llm_datum_t){bytes->data, bytes->len}, how);
}

apr_status_t llm_team_ensure(llm_task_t *task, llm_txn_t *txn, const char *name)
{
    team_t team;
    apr_status_t status;

    if (!*name) {
        return APR_SUCCESS;
    }
    status = get_team(&team, task, txn, name);
    if (status != APR_NOTFOUND) {
        return status;
    }
    team.row.created = task->now;
    return put_team(task, txn, &team, LLM_PUT_NEW);
}

/* ------------------------------------------------------------------- keys */

/* The keys of one team. */
typedef struct members_t {
    const char *team;
    apr_array_header_t *ids; /* of apr_uint32_t */
    const char *names;       /* of the first few */
    apr_pool_t *pool;
} members_t;

static int add_member(void *baton, const llm_key_t *key)
{
    members_t *members = baton;

    if (!strcmp(key->team, members->team)) {
        APR_ARRAY_PUSH(members->ids, apr_uint32_t) = key->id;
        if (members->ids->nelts <= KEYS_NAMED) {
            members->names =
                apr_pstrcat(members->pool, members->names,
                            *members->names ? ", " : "", key->name, NULL);
        }
    }
    return 0;
}

static apr_status_t find_members(members_t *members, llm_task_t *task,
                                 const char *team, apr_pool_t *pool)
{
    members->team = team;
    members->ids = apr_array_make(pool, 16, sizeof(apr_uint32_t));
    members->names = "";
    members->pool = pool;
    return llm_keyring_each(task->store->keyring, add_member, members);
}

/* ------------------------------------------------------------------ asked */

static apr_status_t ask_team_name(const char **pname, llm_task_t *task,
                                  const char *member)
{
    const char *wrong;
    apr_status_t status = llm_task_string(pname, task, member, 1000);

    if (status != APR_SUCCESS || !*pname) {
        return status;
    }
    wrong = llm_key_check_name(*pname);
    return wrong ? llm_task_refuse(task, "usage", "%s: %s", member, wrong)
                 : APR_SUCCESS;
}

static apr_status_t ask_name(const char **pname, llm_task_t *task)
{
    apr_status_t status = ask_team_name(pname, task, "name");

    return status == APR_SUCCESS && !*pname
               ? llm_task_refuse(task, "usage", "name: missing")
               : status;
}

static apr_status_t ask_members(llm_team_t *row, llm_task_t *task)
{
    const char *note;
    apr_status_t status =
        llm_task_string(&note, task, "note", sizeof(row->note) - 1);

    if (status == APR_SUCCESS && note) {
        llm_record_set(row->note, sizeof(row->note), note);
    }
    return status == APR_SUCCESS ? llm_budgets_ask(&row->budgets, task)
                                 : status;
}

/* The team that the request names, with its keys. */
static apr_status_t ask_team(team_t *team, members_t *members, llm_task_t *task,
                             llm_txn_t *txn)
{
    const char *name;
    apr_status_t status = ask_name(&name, task);

    if (status == APR_SUCCESS) {
        status = find_members(members, task, name, task->pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = get_team(team, task, txn, name);
    team->keys = (apr_uint64_t)members->ids->nelts;
    if (status == APR_NOTFOUND && !team->keys) {
        return llm_task_refuse(task, "not_found", "there is no team '%s'",
                               name);
    }
    return status == APR_NOTFOUND ? APR_SUCCESS : status;
}

/* ------------------------------------------------------------------- said */

static void put_members(llm_buf_t *out, const team_t *team, apr_pool_t *pool)
{
    llm_member_text(out, "name", team->name);
    llm_member_text(out, "note", *team->row.note ? team->row.note : NULL);
    llm_member_time(out, "created", team->row.created, pool);
    llm_budgets_put(out, &team->row.budgets);
    llm_member_number(out, "keys", team->keys);
}

static void put_object(llm_buf_t *out, const team_t *team, apr_pool_t *pool)
{
    llm_member(out, "team");
    llm_buf_putc(out, '{');
    put_members(out, team, pool);
    llm_buf_putc(out, '}');
}

/* --------------------------------------------------------- create and show */

static apr_status_t create_team(llm_task_t *task, llm_txn_t *txn,
                                llm_edit_t *edit)
{
    const char *name;
    members_t members;
    team_t team;
    apr_status_t status = ask_name(&name, task);

    if (status == APR_SUCCESS) {
        status = get_team(&team, task, txn, name);
    }
    if (status == APR_SUCCESS) {
        return llm_task_refuse(task, "exists", "there is a team '%s' already",
                               name);
    }
    if (status == APR_NOTFOUND) {
        status = ask_members(&team.row, task);
    }
    if (status == APR_SUCCESS) {
        status = find_members(&members, task, name, edit->pool);
    }
    if (status == APR_SUCCESS) {
        team.row.created = task->now;
        team.keys = (apr_uint64_t)members.ids->nelts;
        status = put_team(task, txn, &team, LLM_PUT_NEW);
    }
    if (status == APR_SUCCESS) {
        put_object(edit->done, &team, task->pool);
    }
    return status;
}

const llm_command_t llm_command_team_create = {
    .op = "team.create",
    .members = (const char *const[]){"name", "note", "budget", NULL},
    .edit = create_team,
};

static apr_status_t show_team(llm_task_t *task)
{
    members_t members;
    team_t team;
    apr_status_t status = ask_team(&team, &members, task, NULL);

    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    put_object(task->out, &team, task->row_pool);
    return llm_task_end(task);
}

const llm_command_t llm_command_team_show = {
    .op = "team.show",
    .members = (const char *const[]){"name", NULL},
    .is_slow = 1,
    .read = show_team,
};

/* ------------------------------------------------------------------- list */

typedef struct listing_t {
    apr_hash_t *by_name;
    apr_array_header_t *teams; /* of team_t * */
    apr_pool_t *pool;
    apr_status_t status;
} listing_t;

static team_t *team_called(listing_t *listing, const char *name, apr_size_t len)
{
    team_t *team = apr_hash_get(listing->by_name, name, (apr_ssize_t)len);

    if (!team) {
        team = apr_pcalloc(listing->pool, sizeof(*team));
        team->name = apr_pstrmemdup(listing->pool, name, len);
        apr_hash_set(listing->by_name, team->name, (apr_ssize_t)len, team);
        APR_ARRAY_PUSH(listing->teams, team_t *) = team;
    }
    return team;
}

static int list_row(void *baton, llm_datum_t key, llm_datum_t value)
{
    listing_t *listing = baton;
    team_t *team = team_called(listing, key.data, key.len);

    if (!llm_codec_read_team(&team->row, value.data, value.len)) {
        listing->status = APR_EINVAL;
    }
    return listing->status != APR_SUCCESS;
}

static int list_key(void *baton, const llm_key_t *key)
{
    listing_t *listing = baton;

    if (*key->team) {
        team_called(listing, key->team, strlen(key->team))->keys += 1;
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const team_t *x = *(team_t *const *)a, *y = *(team_t *const *)b;

    return strcmp(x->name, y->name);
}

static apr_status_t say_teams(llm_task_t *task, const listing_t *listing)
{
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < listing->teams->nelts && status == APR_SUCCESS; ++i) {
        llm_task_begin(task, "row");
        put_members(task->out, APR_ARRAY_IDX(listing->teams, i, team_t *),
                    task->row_pool);
        status = llm_task_end(task);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "teams", (apr_uint64_t)listing->teams->nelts);
    return llm_task_end(task);
}

static apr_status_t list_teams(llm_task_t *task)
{
    listing_t listing = {.by_name = apr_hash_make(task->pool),
                         .teams =
                             apr_array_make(task->pool, 16, sizeof(team_t *)),
                         .pool = task->pool};
    apr_status_t status = llm_table_scan(task->store->tables.teams,
                                         LLM_DATUM_NONE, list_row, &listing);

    if (status == APR_SUCCESS) {
        status = listing.status;
    }
    if (status == APR_SUCCESS) {
        status = llm_keyring_each(task->store->keyring, list_key, &listing);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    qsort(listing.teams->elts, (size_t)listing.teams->nelts, sizeof(team_t *),
          compare_names);
    return say_teams(task, &listing);
}

const llm_command_t llm_command_team_list = {
    .op = "team.list",
    .members = (const char *const[]){NULL},
    .is_slow = 1,
    .read = list_teams,
};

/* ----------------------------------------------------------------- update */

/* Keys name their team, so they follow it. */
static apr_status_t move_keys(llm_task_t *task, llm_txn_t *txn,
                              llm_edit_t *edit, const members_t *members,
                              const char *name)
{
    apr_status_t status = APR_SUCCESS;
    int i;

    if (members->ids->nelts > RENAME_MAX) {
        return llm_task_refuse(task, "refused",
                               "the team '%s' has %d keys; one with more than "
                               "%d cannot be renamed",
                               members->team, members->ids->nelts, RENAME_MAX);
    }
    for (i = 0; i < members->ids->nelts && status == APR_SUCCESS; ++i) {
        llm_key_change_t *change = llm_edit_change(edit);

        status =
            llm_keyring_by_id(&change->was, task->store->keyring, txn,
                              APR_ARRAY_IDX(members->ids, i, apr_uint32_t));
        if (status == APR_SUCCESS) {
            change->key = change->was;
            llm_record_set(change->key.team, sizeof(change->key.team), name);
            status = llm_keyring_change(task->store->keyring, txn, &change->was,
                                        &change->key);
        }
    }
    return status;
}

static apr_status_t rename_team(llm_task_t *task, llm_txn_t *txn,
                                llm_edit_t *edit, team_t *team,
                                const members_t *members, const char *name)
{
    members_t others;
    team_t other;
    apr_status_t status = get_team(&other, task, txn, name);

    if (status == APR_NOTFOUND) {
        status = find_members(&others, task, name, edit->pool);
        if (status == APR_SUCCESS && others.ids->nelts) {
            status = APR_EEXIST;
        }
    }
    else if (status == APR_SUCCESS) {
        status = APR_EEXIST;
    }
    if (status == APR_EEXIST) {
        return llm_task_refuse(task, "exists", "there is a team '%s' already",
                               name);
    }
    if (status == APR_SUCCESS) {
        status = llm_table_delete(task->store->tables.teams, txn,
                                  name_of(team->name));
        status = status == APR_NOTFOUND ? APR_SUCCESS : status;
    }
    team->name = name;
    return status == APR_SUCCESS ? move_keys(task, txn, edit, members, name)
                                 : status;
}

static apr_status_t update_team(llm_task_t *task, llm_txn_t *txn,
                                llm_edit_t *edit)
{
    members_t members;
    team_t team;
    const char *name;
    apr_status_t status = ask_team_name(&name, task, "new_name");

    if (status == APR_SUCCESS && !name && !llm_json_want(task->request, "note")
        && !llm_json_want(task->request, "budget")) {
        return llm_task_refuse(task, "usage",
                               "expected new_name, note or budget");
    }
    if (status == APR_SUCCESS) {
        status = ask_team(&team, &members, task, txn);
    }
    if (status == APR_SUCCESS) {
        status = ask_members(&team.row, task);
    }
    if (status == APR_SUCCESS && name && strcmp(name, team.name)) {
        status = rename_team(task, txn, edit, &team, &members, name);
    }
    if (status == APR_SUCCESS) {
        team.row.created = team.row.created ? team.row.created : task->now;
        status = put_team(task, txn, &team, LLM_PUT_OVER);
    }
    if (status == APR_SUCCESS) {
        put_object(edit->done, &team, task->pool);
    }
    return status;
}

const llm_command_t llm_command_team_update = {
    .op = "team.update",
    .members =
        (const char *const[]){"name", "new_name", "note", "budget", NULL},
    .edit = update_team,
};

/* ----------------------------------------------------------------- delete */

static apr_status_t delete_team(llm_task_t *task, llm_txn_t *txn,
                                llm_edit_t *edit)
{
    members_t members;
    team_t team;
    apr_status_t status = ask_team(&team, &members, task, txn);

    if (status == APR_SUCCESS && members.ids->nelts) {
        return llm_task_refuse(task, "refused",
                               "the team '%s' has %d keys: %s%s; delete them, "
                               "or give them another team",
                               team.name, members.ids->nelts, members.names,
                               members.ids->nelts > KEYS_NAMED ? ", ..." : "");
    }
    if (status == APR_SUCCESS) {
        status = llm_table_delete(task->store->tables.teams, txn,
                                  name_of(team.name));
    }
    if (status == APR_SUCCESS) {
        put_object(edit->done, &team, task->pool);
    }
    return status;
}

const llm_command_t llm_command_team_delete = {
    .op = "team.delete",
    .members = (const char *const[]){"name", NULL},
    .edit = delete_team,
};
