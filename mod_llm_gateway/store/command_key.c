/* SPDX-License-Identifier: Apache-2.0 */
/* Making client keys and looking at them; command_key_edit.c changes them. */
#include "store/command_key.h"

#include "core/llm_pattern.h"
#include "core/llm_time.h"

#include <string.h>

#include <apr_strings.h>

#define HINT 4 /* last characters of a key that lists show */

static const char *state_of(const llm_key_t *key, apr_time_t now)
{
    if (key->flags & LLM_KEY_DELETED) {
        return "deleted";
    }
    if (key->revoked) {
        return "revoked";
    }
    if (key->flags & LLM_KEY_DISABLED) {
        return "disabled";
    }
    return key->expires && key->expires <= now ? "expired" : "active";
}

static void put_models(llm_buf_t *out, const char *models)
{
    const char *comma = "";

    llm_member(out, "models");
    llm_buf_putc(out, '[');
    while (*models) {
        apr_size_t len = strcspn(models, ",");

        llm_buf_puts(out, comma);
        llm_buf_put_escaped(out, models, len);
        comma = ",";
        models += len + (models[len] == ',');
    }
    llm_buf_putc(out, ']');
}

/* "" is null: there is none. */
static void put_optional(llm_buf_t *out, const char *name, const char *value)
{
    llm_member_text(out, name, *value ? value : NULL);
}

/* Until when a secret that was replaced is valid; 0 none is. */
static apr_time_t grace_of(const llm_key_t *key, apr_time_t now)
{
    apr_time_t last = 0;
    unsigned i;

    for (i = 0; i < key->formers; ++i) {
        if (key->former[i].until > now && key->former[i].until > last) {
            last = key->former[i].until;
        }
    }
    return last;
}

void llm_budgets_put(llm_buf_t *out, const llm_budgets_t *budgets)
{
    static const char *const names[LLM_WINDOWS] = {"budget_day", "budget_month",
                                                   "budget_total"};
    unsigned window;

    for (window = LLM_WINDOW_DAY; window <= LLM_WINDOW_TOTAL; ++window) {
        llm_money_t amount = llm_budget_of(budgets, (llm_window_e)window);

        if (amount != LLM_MONEY_UNKNOWN) {
            llm_member_number(out, names[window - 1], (apr_uint64_t)amount);
        }
        else {
            llm_member_text(out, names[window - 1], NULL);
        }
    }
}

static void put_key(llm_buf_t *out, const llm_key_t *key, apr_time_t now,
                    apr_pool_t *pool)
{
    llm_member_number(out, "id", key->id);
    llm_member_text(out, "name", key->name);
    put_optional(out, "team", key->team);
    put_optional(out, "note", key->note);
    llm_member_text(out, "hint", key->hint);
    put_models(out, key->models);
    llm_member_time(out, "created", key->created, pool);
    llm_member_time(out, "expires", key->expires, pool);
    llm_member_time(out, "revoked", key->revoked, pool);
    llm_member_time(out, "grace_until", grace_of(key, now), pool);
    put_optional(
        out, "on_client_abort",
        llm_abort_print(key->on_abort.what, key->on_abort.drain_s, pool));
    llm_budgets_put(out, &key->budgets);
    llm_member_flag(out, "disabled", (key->flags & LLM_KEY_DISABLED) != 0);
    llm_member_text(out, "state", state_of(key, now));
}

void llm_key_put(llm_buf_t *out, const llm_key_t *key, apr_time_t now,
                 apr_pool_t *pool)
{
    llm_member(out, "key");
    llm_buf_putc(out, '{');
    put_key(out, key, now, pool);
    llm_buf_putc(out, '}');
}

apr_status_t llm_key_ask(llm_key_t *key, llm_task_t *task, llm_txn_t *txn)
{
    const char *name;
    apr_int64_t id = 0;
    apr_status_t status =
        llm_task_string(&name, task, "name", LLM_KEY_NAME_MAX);

    if (status == APR_SUCCESS) {
        status = llm_task_number(&id, task, "key_id", 1, 0xffffffffu);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    if (!name == !id) {
        return llm_task_refuse(task, "usage", "expected name or key_id");
    }
    status = name ? llm_keyring_by_name(key, task->store->keyring, txn, name)
                  : llm_keyring_by_id(key, task->store->keyring, txn,
                                      (apr_uint32_t)id);
    if (status == APR_SUCCESS && (key->flags & LLM_KEY_DELETED)) {
        status = APR_NOTFOUND;
    }
    if (status != APR_NOTFOUND) {
        return status;
    }
    return name ? llm_task_refuse(task, "not_found", "there is no key '%s'",
                                  name)
                : llm_task_refuse(task, "not_found",
                                  "there is no key with id %" APR_INT64_T_FMT,
                                  id);
}

/* ----------------------------------------------------------------- create */

apr_status_t llm_key_ask_name(llm_key_t *key, llm_task_t *task,
                              const char *member)
{
    const char *name, *wrong;
    apr_status_t status = llm_task_string(&name, task, member, 1000);

    if (status != APR_SUCCESS || !name) {
        return status;
    }
    wrong = llm_key_check_name(name);
    if (wrong) {
        return llm_task_refuse(task, "usage", "%s: %s", member, wrong);
    }
    llm_record_set(key->name, sizeof(key->name), name);
    return APR_SUCCESS;
}

static void set_text(char *field, apr_size_t size, const char *text)
{
    if (text) {
        llm_record_set(field, size, text);
    }
}

static apr_status_t ask_team_and_note(llm_key_t *key, llm_task_t *task)
{
    const char *team, *note, *wrong;
    apr_status_t status =
        llm_task_string(&team, task, "team", sizeof(key->team) - 1);

    if (status == APR_SUCCESS) {
        status = llm_task_string(&note, task, "note", sizeof(key->note) - 1);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    wrong = team && *team ? llm_key_check_name(team) : NULL;
    if (wrong) {
        return llm_task_refuse(task, "usage", "team: %s", wrong);
    }
    set_text(key->team, sizeof(key->team), team);
    set_text(key->note, sizeof(key->note), note);
    return APR_SUCCESS;
}

static apr_status_t ask_models(llm_key_t *key, llm_task_t *task)
{
    /* As many as a child can keep for a key. */
    const apr_size_t longest = sizeof(((llm_key_view_t *)0)->models) - 1;
    const char *models, *at;
    apr_status_t status = llm_task_string(&models, task, "models", longest);

    for (at = models; status == APR_SUCCESS && at && *at;) {
        apr_size_t len = strcspn(at, ",");
        const char *one = apr_pstrmemdup(task->pool, at, len);
        const char *wrong = llm_pattern_check(one);

        if (wrong) {
            status =
                llm_task_refuse(task, "usage", "models: '%s': %s", one, wrong);
        }
        at += len + (at[len] == ',');
    }
    if (status == APR_SUCCESS) {
        set_text(key->models, sizeof(key->models), models);
    }
    return status;
}

static apr_status_t ask_expires(llm_key_t *key, llm_task_t *task)
{
    apr_time_t expires = 0;
    apr_status_t status;

    if (llm_json_equals(llm_json_want(task->request, "expires"), "never")) {
        key->expires = 0;
        return APR_SUCCESS;
    }
    status = llm_task_time(&expires, task, "expires");
    if (status == APR_SUCCESS && expires && expires <= task->now) {
        return llm_task_refuse(task, "usage", "expires: is not in the future");
    }
    if (status == APR_SUCCESS && expires) {
        key->expires = expires;
    }
    return status;
}

/* "": the key has no word of its own any more. */
static apr_status_t ask_on_abort(llm_key_t *key, llm_task_t *task)
{
    const char *text, *wrong = NULL;
    apr_status_t status = llm_task_string(&text, task, "on_client_abort", 64);

    if (status != APR_SUCCESS || !text) {
        return status;
    }
    memset(&key->on_abort, 0, sizeof(key->on_abort));
    if (*text) {
        wrong = llm_abort_read(&key->on_abort, text);
    }
    return wrong ? llm_task_refuse(task, "usage",
                                   "on_client_abort: %s, not '%s'", wrong, text)
                 : APR_SUCCESS;
}

apr_status_t llm_budgets_ask(llm_budgets_t *budgets, llm_task_t *task)
{
    const char *text, *wrong;
    apr_status_t status = llm_task_string(&text, task, "budget", 256);

    if (status != APR_SUCCESS || !text) {
        return status;
    }
    wrong = llm_budgets_read(budgets, text, task->pool);
    return wrong ? llm_task_refuse(task, "usage", "budget: %s", wrong)
                 : APR_SUCCESS;
}

apr_status_t llm_key_ask_members(llm_key_t *key, llm_task_t *task)
{
    apr_status_t status = ask_team_and_note(key, task);

    if (status == APR_SUCCESS) {
        status = ask_models(key, task);
    }
    if (status == APR_SUCCESS) {
        status = ask_on_abort(key, task);
    }
    if (status == APR_SUCCESS) {
        status = llm_budgets_ask(&key->budgets, task);
    }
    return status == APR_SUCCESS ? ask_expires(key, task) : status;
}

apr_status_t llm_key_make_secret(llm_key_t *key, llm_task_t *task,
                                 llm_edit_t *edit)
{
    char secret[LLM_KEY_LENGTH + 1];
    llm_key_hash_t hash;
    apr_status_t status;

    if (!llm_keyring_room(task->store->keyring)) {
        return llm_task_refuse(task, "refused",
                               "the gateway's shared memory has no room for "
                               "another key");
    }
    status = llm_key_generate(secret);
    if (status != APR_SUCCESS) {
        return status;
    }
    llm_key_digest(&hash, secret, LLM_KEY_LENGTH);
    memcpy(key->hash, hash.bytes, sizeof(key->hash));
    llm_record_set(key->hint, sizeof(key->hint),
                   secret + LLM_KEY_LENGTH - HINT);
    edit->secret = apr_pstrdup(task->pool, secret);
    return APR_SUCCESS;
}

/* What the request says of a key that is to be made. */
static apr_status_t ask_new(llm_key_t *key, llm_task_t *task)
{
    apr_status_t status = llm_key_ask_name(key, task, "name");

    if (status == APR_SUCCESS && !*key->name) {
        return llm_task_refuse(task, "usage", "name: missing");
    }
    return status == APR_SUCCESS ? llm_key_ask_members(key, task) : status;
}

static apr_status_t create_key(llm_task_t *task, llm_txn_t *txn,
                               llm_edit_t *edit)
{
    llm_key_change_t *change = llm_edit_change(edit);
    llm_key_t *key = &change->key;
    apr_status_t status = ask_new(key, task);

    change->is_new = 1;
    if (status == APR_SUCCESS) {
        key->created = task->now;
        status = llm_key_make_secret(key, task, edit);
    }
    if (status == APR_SUCCESS) {
        status = llm_team_ensure(task, txn, key->team);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    status = llm_keyring_add(task->store->keyring, txn, key);
    if (status == APR_EEXIST) {
        return llm_task_refuse(task, "exists", "there is a key '%s' already",
                               key->name);
    }
    llm_key_put(edit->done, key, task->now, task->pool);
    return status;
}

const llm_command_t llm_command_key_create = {
    .op = "key.create",
    .members =
        (const char *const[]){"name", "team", "note", "models", "expires",
                              "on_client_abort", "budget", NULL},
    .edit = create_key,
};

/* -------------------------------------------------------- list and show */

typedef struct listing_t {
    llm_task_t *task;
    const char *team; /* or NULL */
    apr_uint64_t count;
} listing_t;

static int list_key(void *baton, const llm_key_t *key)
{
    listing_t *listing = baton;
    llm_task_t *task = listing->task;

    if (listing->team && strcmp(listing->team, key->team) != 0) {
        return 0;
    }
    listing->count += 1;
    llm_task_begin(task, "row");
    put_key(task->out, key, task->now, task->row_pool);
    return llm_task_end(task) != APR_SUCCESS;
}

static apr_status_t list_keys(llm_task_t *task)
{
    listing_t listing = {.task = task};
    apr_status_t status =
        llm_task_string(&listing.team, task, "team", LLM_KEY_NAME_MAX);

    if (status == APR_SUCCESS) {
        status = llm_keyring_each(task->store->keyring, list_key, &listing);
    }
    if (status != APR_SUCCESS || task->is_stopped) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_member_number(task->out, "keys", listing.count);
    return llm_task_end(task);
}

const llm_command_t llm_command_key_list = {
    .op = "key.list",
    .members = (const char *const[]){"team", NULL},
    .is_slow = 1,
    .read = list_keys,
};

static apr_status_t show_key(llm_task_t *task)
{
    llm_key_t key = {0};
    apr_status_t status = llm_key_ask(&key, task, NULL);

    if (status != APR_SUCCESS) {
        return status;
    }
    llm_task_begin(task, "done");
    llm_key_put(task->out, &key, task->now, task->row_pool);
    return llm_task_end(task);
}

const llm_command_t llm_command_key_show = {
    .op = "key.show",
    .members = (const char *const[]){"name", "key_id", NULL},
    .read = show_key,
};
