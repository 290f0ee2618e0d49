/* SPDX-License-Identifier: Apache-2.0 */
/* The command "usage": totals by the groups the caller names. */
#include "store/report.h"
#include "store/task.h"

#include "core/llm_time.h"

#include <string.h>

#define GROUPS_MAX 1000000

/* What can be grouped by. */
static const struct {
    const char *name;
    unsigned bit;
} groupings[] = {
    {"key", LLM_BY_KEY}, {"model", LLM_BY_MODEL}, {"provider", LLM_BY_PROVIDER},
    {"day", LLM_BY_DAY}, {"hour", LLM_BY_HOUR},   {"team", LLM_BY_TEAM},
};
#define GROUPINGS (sizeof(groupings) / sizeof(groupings[0]))

typedef struct usage_t {
    llm_task_t *task;
    llm_query_t query;
    unsigned order[GROUPINGS]; /* LLM_BY_*, as the caller wants them */
    unsigned orders;
    apr_uint32_t model, provider, team;
    apr_array_header_t *keys;
    int is_nothing; /* a filter names what never was */
} usage_t;

static unsigned grouping_of(const llm_json_t *name)
{
    apr_size_t i;

    for (i = 0; i < GROUPINGS; ++i) {
        if (llm_json_equals(name, groupings[i].name)) {
            return groupings[i].bit;
        }
    }
    return 0;
}

static apr_status_t ask_by(usage_t *usage)
{
    const llm_json_t *by = llm_json_want(usage->task->request, "by"), *name;

    if (by && !llm_json_is(by, LLM_JSON_ARRAY)) {
        return llm_task_refuse(usage->task, "usage", "by: expected an array");
    }
    for (name = by ? by->child : NULL; name; name = name->next) {
        unsigned bit = grouping_of(name);

        if (!bit || usage->query.by & bit) {
            return llm_task_refuse(usage->task, "usage",
                                   "by: expected key, team, model, provider, "
                                   "day or hour, each once, not %.*s",
                                   llm_task_shown(name->raw.len),
                                   name->raw.data);
        }
        usage->query.by |= bit;
        usage->order[usage->orders++] = bit;
    }
    return APR_SUCCESS;
}

/* Whole hours: the one that since is in, to the one that until is in. */
static apr_status_t ask_span(usage_t *usage)
{
    apr_time_t since = 0, until = 0, hour = apr_time_from_sec(3600);
    apr_status_t status = llm_task_time(&since, usage->task, "since");

    if (status == APR_SUCCESS) {
        status = llm_task_time(&until, usage->task, "until");
    }
    usage->query.from_hour = llm_time_hour(since);
    usage->query.until_hour =
        until ? llm_time_hour(until + hour - 1) : (apr_uint32_t)-1;
    return status;
}

static void add_id(void *baton, apr_uint32_t id)
{
    apr_array_header_t *ids = baton;

    APR_ARRAY_PUSH(ids, apr_uint32_t) = id;
}

/* All keys that have or had the name; "" is the requests without one. */
static apr_status_t ask_key(usage_t *usage)
{
    const char *name;
    apr_status_t status = llm_task_string(&name, usage->task, "key", 64);

    if (status == APR_SUCCESS && name) {
        usage->keys =
            apr_array_make(usage->task->pool, 4, sizeof(apr_uint32_t));
        llm_keyring_ids(usage->task->store->keyring, name, add_id, usage->keys);
        usage->query.keys = usage->keys;
        usage->is_nothing |= !usage->keys->nelts;
    }
    return status;
}

static apr_status_t ask_name(usage_t *usage, const char *member,
                             llm_dict_e kind, apr_uint32_t *pid,
                             const apr_uint32_t **pfilter)
{
    const char *name;
    apr_status_t status = llm_task_string(&name, usage->task, member, 1000);

    if (status == APR_SUCCESS && name) {
        usage->is_nothing |=
            !llm_dict_find(pid, usage->task->store->dict, kind, name);
        *pfilter = pid;
    }
    return status;
}

/* A team is known by some key of it; nobody is in a team without a key. */
static apr_status_t ask_team(usage_t *usage)
{
    llm_keyring_t *keyring = usage->task->store->keyring;
    const char *team;
    apr_status_t status = llm_task_string(&team, usage->task, "team", 64);
    int i;

    if (status != APR_SUCCESS || (!team && !(usage->query.by & LLM_BY_TEAM))) {
        return status;
    }
    usage->query.chiefs = llm_keyring_chiefs(keyring, usage->task->pool);
    if (team) {
        usage->query.team = &usage->team;
        for (i = 0; *team && i < usage->query.chiefs->nelts && !usage->team;
             ++i) {
            if (!strcmp(llm_keyring_team(keyring, (apr_uint32_t)i), team)) {
                usage->team = (apr_uint32_t)i;
            }
        }
        usage->is_nothing |= *team && !usage->team;
    }
    return APR_SUCCESS;
}

static apr_status_t ask_query(usage_t *usage)
{
    apr_status_t status = ask_by(usage);

    if (status == APR_SUCCESS) {
        status = ask_span(usage);
    }
    if (status == APR_SUCCESS) {
        status = ask_key(usage);
    }
    if (status == APR_SUCCESS) {
        status = ask_team(usage);
    }
    if (status == APR_SUCCESS) {
        status = ask_name(usage, "model", LLM_DICT_MODEL, &usage->model,
                          &usage->query.model);
    }
    if (status == APR_SUCCESS) {
        status = ask_name(usage, "provider", LLM_DICT_PROVIDER,
                          &usage->provider, &usage->query.provider);
    }
    return status;
}

/* One member of a group, in words. */
static const char *name_of(const usage_t *usage, unsigned bit,
                           const llm_group_t *group, apr_pool_t *pool)
{
    llm_store_t *store = usage->task->store;

    switch (bit) {
    case LLM_BY_KEY:
        return llm_keyring_name(store->keyring, group->key);
    case LLM_BY_TEAM:
        return llm_keyring_team(store->keyring, group->key);
    case LLM_BY_MODEL:
        return llm_dict_name(store->dict, LLM_DICT_MODEL, group->model);
    case LLM_BY_PROVIDER:
        return llm_dict_name(store->dict, LLM_DICT_PROVIDER, group->provider);
    case LLM_BY_DAY:
        return llm_day_print(usage->query.by & LLM_BY_HOUR ? group->time / 24
                                                           : group->time,
                             pool);
    default:
        return llm_time_print(apr_time_from_sec(3600) * group->time, pool);
    }
}

static const char *word_of(unsigned bit)
{
    apr_size_t i = 0;

    while (groupings[i].bit != bit) {
        ++i;
    }
    return groupings[i].name;
}

static apr_status_t say_sum(const usage_t *usage, const llm_sum_t *sum)
{
    llm_task_t *task = usage->task;
    unsigned i;

    llm_task_begin(task, "row");
    for (i = 0; i < usage->orders; ++i) {
        llm_member_text(
            task->out, word_of(usage->order[i]),
            name_of(usage, usage->order[i], &sum->group, task->row_pool));
    }
    if (usage->query.by & LLM_BY_KEY) {
        llm_member_number(task->out, "key_id", sum->group.key);
    }
    llm_members_totals(task->out, &sum->totals);
    return llm_task_end(task);
}

/* A total of nothing is a row too. */
static apr_status_t add_nothing(const usage_t *usage, llm_sums_t *sums)
{
    const llm_group_t all = {0, 0, 0, 0};

    return usage->orders || llm_sums_of(sums, &all) ? APR_SUCCESS : APR_ENOMEM;
}

static apr_status_t say_sums(usage_t *usage, llm_sums_t *sums)
{
    const llm_sum_t *list = llm_sums_sort(sums);
    unsigned count = llm_sums_count(sums), i;
    apr_status_t status = APR_SUCCESS;

    for (i = 0; i < count && status == APR_SUCCESS; ++i) {
        status = say_sum(usage, &list[i]);
    }
    if (status == APR_SUCCESS) {
        llm_task_begin(usage->task, "done");
        llm_member_number(usage->task->out, "groups", count);
        status = llm_task_end(usage->task);
    }
    return status;
}

static apr_status_t run(llm_task_t *task)
{
    usage_t usage = {.task = task, .query.stop = &task->store->is_stopping};
    llm_sums_t *sums = llm_sums_make(GROUPS_MAX, task->pool);
    apr_status_t status = ask_query(&usage);

    if (status == APR_SUCCESS && !usage.is_nothing) {
        status = llm_report_sum(sums, &usage.query, task->store);
    }
    if (status == APR_SUCCESS) {
        status = add_nothing(&usage, sums);
    }
    if (status == APR_ENOSPC) {
        return llm_task_refuse(task, "refused",
                               "more than %d groups: ask for fewer, or a "
                               "shorter time",
                               GROUPS_MAX);
    }
    return status == APR_SUCCESS ? say_sums(&usage, sums) : status;
}

const llm_command_t llm_command_usage = {
    .op = "usage",
    .members = (const char *const[]){"since", "until", "by", "key", "team",
                                     "model", "provider", NULL},
    .is_slow = 1,
    .read = run,
};
