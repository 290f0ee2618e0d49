/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fields, their values, and the filters made of them. */
#include "store/fields.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#define TEXT(name, member)                                                     \
    {                                                                          \
        name, LLM_FIELD_TEXT, offsetof(llm_record_t, member)                   \
    }

#define ZONE_CHANGES_MAX 2000
#define FILTER_TEXT_MAX  1000

const llm_field_t llm_fields[LLM_FIELDS] = {
    {"key", LLM_FIELD_KEY, 0},
    {"team", LLM_FIELD_TEAM, 0},
    {"model", LLM_FIELD_MODEL, 0},
    {"provider", LLM_FIELD_PROVIDER, 0},
    {"hour", LLM_FIELD_SPAN, LLM_SPAN_HOUR},
    {"day", LLM_FIELD_SPAN, LLM_SPAN_DAY},
    {"week", LLM_FIELD_SPAN, LLM_SPAN_WEEK},
    {"month", LLM_FIELD_SPAN, LLM_SPAN_MONTH},
    TEXT("user", user),
    {"tag", LLM_FIELD_TAGS, 0},
    TEXT("asked", asked),
    TEXT("route", route),
    TEXT("client", client),
    {"status", LLM_FIELD_STATUS, offsetof(llm_record_t, status)},
    TEXT("finish", finish),
    TEXT("op", op),
    {"stream", LLM_FIELD_FLAG, LLM_RECORD_STREAM},
    TEXT("tier", tier),
    TEXT("variant", variant),
    {"cache", LLM_FIELD_CACHE, 0},
    TEXT("problem", problem),
    {"attempts", LLM_FIELD_NUMBER, offsetof(llm_record_t, attempts)},
};

static const char *const cache_names[] = {
    [LLM_CACHE_NONE] = "none",
    [LLM_CACHE_MISS] = "miss",
    [LLM_CACHE_BYPASS] = "bypass",
    [LLM_CACHE_HIT] = "hit",
};
#define CACHES (sizeof(cache_names) / sizeof(cache_names[0]))

const char *llm_cache_name(unsigned cache)
{
    return cache < CACHES ? cache_names[cache] : "";
}

const llm_field_t *llm_field_find(const llm_json_t *name)
{
    unsigned i;

    for (i = 0; i < LLM_FIELDS; ++i) {
        if (llm_json_equals(name, llm_fields[i].name)) {
            return &llm_fields[i];
        }
    }
    return NULL;
}

int llm_field_is_rolled(const llm_field_t *field)
{
    return field->kind <= LLM_FIELD_SPAN;
}

const char *llm_field_text(const llm_field_t *field, const llm_record_t *record)
{
    return (const char *)record + field->detail;
}

apr_uint32_t llm_field_number(const llm_field_t *field,
                              const llm_record_t *record)
{
    apr_uint16_t number;

    switch (field->kind) {
    case LLM_FIELD_FLAG:
        return (record->flags & field->detail) != 0;
    case LLM_FIELD_CACHE:
        return record->cache;
    default:
        memcpy(&number, (const char *)record + field->detail, sizeof(number));
        return number;
    }
}

int llm_tag_next(const char **pat, const char **ptag, apr_size_t *plen)
{
    const char *at = *pat + strspn(*pat, ",");

    *ptag = at;
    *plen = strcspn(at, ",");
    *pat = at + *plen;
    return *plen != 0;
}

static int has_tag(const llm_record_t *record, const char *wanted)
{
    const char *at = record->tags, *tag;
    apr_size_t len, wanted_len = strlen(wanted);

    if (!wanted_len) {
        return !*record->tags;
    }
    while (llm_tag_next(&at, &tag, &len)) {
        if (len == wanted_len && !memcmp(tag, wanted, len)) {
            return 1;
        }
    }
    return 0;
}

/* ---------------------------------------------------------------- filters */

static void add_id(void *baton, apr_uint32_t id)
{
    apr_array_header_t *ids = baton;

    APR_ARRAY_PUSH(ids, apr_uint32_t) = id;
}

/* All keys that have or had the name; "" is the requests without one. */
static void take_key(llm_filters_t *filters, llm_filter_t *filter,
                     llm_task_t *task)
{
    apr_array_header_t *keys =
        apr_array_make(task->pool, 4, sizeof(apr_uint32_t));

    llm_keyring_ids(task->store->keyring, filter->text, add_id, keys);
    filter->keys = keys;
    filters->is_nothing |= !keys->nelts;
}

/* A team is known by some key of it; nobody is in a team without a key. */
static void take_team(llm_filters_t *filters, llm_filter_t *filter,
                      llm_task_t *task)
{
    llm_keyring_t *keyring = task->store->keyring;
    int i;

    filters->chiefs = llm_keyring_chiefs(keyring, task->pool);
    for (i = 1; *filter->text && i < filters->chiefs->nelts && !filter->id;
         ++i) {
        if (!strcmp(llm_keyring_team(keyring, (apr_uint32_t)i), filter->text)) {
            filter->id = APR_ARRAY_IDX(filters->chiefs, i, apr_uint32_t);
        }
    }
    filters->is_nothing |= *filter->text && !filter->id;
}

static void take_name(llm_filters_t *filters, llm_filter_t *filter,
                      llm_task_t *task)
{
    llm_dict_e kind = filter->field->kind == LLM_FIELD_MODEL
                          ? LLM_DICT_MODEL
                          : LLM_DICT_PROVIDER;

    filters->is_nothing |=
        !llm_dict_find(&filter->id, task->store->dict, kind, filter->text);
}

/* "429", and for a status "4xx". */
static apr_status_t take_number(llm_filter_t *filter, llm_task_t *task)
{
    const char *text = filter->text;
    apr_size_t digits = strspn(text, "0123456789");
    int is_status = filter->field->kind == LLM_FIELD_STATUS;

    if (digits && digits <= 5 && !text[digits]) {
        filter->id = filter->above = (apr_uint32_t)apr_atoi64(text);
        return APR_SUCCESS;
    }
    if (is_status && digits == 1 && !strcmp(text + 1, "xx")) {
        filter->id = (apr_uint32_t)(*text - '0') * 100;
        filter->above = filter->id + 99;
        return APR_SUCCESS;
    }
    return llm_task_refuse(task, "usage", "%s: expected a number%s, not '%s'",
                           filter->field->name,
                           is_status ? " or such as 4xx" : "", text);
}

static apr_status_t take_flag(llm_filter_t *filter, llm_task_t *task)
{
    int is_true = !strcmp(filter->text, "true");

    if (!is_true && strcmp(filter->text, "false") != 0) {
        return llm_task_refuse(task, "usage",
                               "%s: expected true or false, not '%s'",
                               filter->field->name, filter->text);
    }
    filter->id = filter->above = (apr_uint32_t)is_true;
    return APR_SUCCESS;
}

static apr_status_t take_cache(llm_filter_t *filter, llm_task_t *task)
{
    unsigned i = 0;

    while (i < CACHES && strcmp(cache_names[i], filter->text) != 0) {
        ++i;
    }
    filter->id = filter->above = i;
    return i < CACHES
               ? APR_SUCCESS
               : llm_task_refuse(task, "usage",
                                 "cache: expected none, miss, bypass or hit, "
                                 "not '%s'",
                                 filter->text);
}

static apr_status_t take_filter(llm_filters_t *filters, llm_filter_t *filter,
                                llm_task_t *task)
{
    filters->is_rolled &= llm_field_is_rolled(filter->field);
    switch (filter->field->kind) {
    case LLM_FIELD_KEY:
        take_key(filters, filter, task);
        return APR_SUCCESS;
    case LLM_FIELD_TEAM:
        take_team(filters, filter, task);
        return APR_SUCCESS;
    case LLM_FIELD_MODEL:
    case LLM_FIELD_PROVIDER:
        take_name(filters, filter, task);
        return APR_SUCCESS;
    case LLM_FIELD_STATUS:
    case LLM_FIELD_NUMBER:
        return take_number(filter, task);
    case LLM_FIELD_FLAG:
        return take_flag(filter, task);
    case LLM_FIELD_CACHE:
        return take_cache(filter, task);
    default:
        return APR_SUCCESS;
    }
}

/* A request's "op" is what is asked of the store. */
static const char *member_of(const llm_field_t *field)
{
    return strcmp(field->name, "op") != 0 ? field->name : "operation";
}

apr_status_t llm_filters_read(llm_filters_t *filters, llm_task_t *task)
{
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    memset(filters, 0, sizeof(*filters));
    filters->is_rolled = 1;
    for (i = 0; i < LLM_FIELDS && status == APR_SUCCESS; ++i) {
        llm_filter_t *filter = &filters->list[filters->count];

        if (llm_fields[i].kind == LLM_FIELD_SPAN) {
            continue;
        }
        filter->field = &llm_fields[i];
        status = llm_task_string(&filter->text, task, member_of(&llm_fields[i]),
                                 FILTER_TEXT_MAX);
        if (status == APR_SUCCESS && filter->text) {
            filters->count += 1;
            status = take_filter(filters, filter, task);
        }
    }
    return status;
}

apr_uint32_t llm_filters_chief(const llm_filters_t *filters, apr_uint32_t key)
{
    return key < (apr_uint32_t)filters->chiefs->nelts
               ? APR_ARRAY_IDX(filters->chiefs, key, apr_uint32_t)
               : 0;
}

static int has_key(const llm_filter_t *filter, apr_uint32_t key)
{
    int i;

    for (i = 0; i < filter->keys->nelts; ++i) {
        if (APR_ARRAY_IDX(filter->keys, i, apr_uint32_t) == key) {
            return 1;
        }
    }
    return 0;
}

static int passes_row(const llm_filters_t *filters, const llm_filter_t *filter,
                      const llm_group_t *row)
{
    switch (filter->field->kind) {
    case LLM_FIELD_KEY:
        return has_key(filter, row->key);
    case LLM_FIELD_TEAM:
        return llm_filters_chief(filters, row->key) == filter->id;
    case LLM_FIELD_MODEL:
        return row->model == filter->id;
    default:
        return row->provider == filter->id;
    }
}

int llm_filters_pass_row(const llm_filters_t *filters, const llm_group_t *row)
{
    unsigned i;

    for (i = 0; i < filters->count; ++i) {
        if (!passes_row(filters, &filters->list[i], row)) {
            return 0;
        }
    }
    return 1;
}

static int passes_record(const llm_filters_t *filters,
                         const llm_filter_t *filter, const llm_record_t *record)
{
    apr_uint32_t number;

    switch (filter->field->kind) {
    case LLM_FIELD_KEY:
        return has_key(filter, record->key);
    case LLM_FIELD_TEAM:
        return llm_filters_chief(filters, record->key) == filter->id;
    case LLM_FIELD_MODEL:
        return !strcmp(record->served, filter->text);
    case LLM_FIELD_PROVIDER:
        return !strcmp(record->provider, filter->text);
    case LLM_FIELD_TEXT:
        return !strcmp(llm_field_text(filter->field, record), filter->text);
    case LLM_FIELD_TAGS:
        return has_tag(record, filter->text);
    default:
        number = llm_field_number(filter->field, record);
        return number >= filter->id && number <= filter->above;
    }
}

int llm_filters_pass_record(const llm_filters_t *filters,
                            const llm_record_t *record)
{
    unsigned i;

    for (i = 0; i < filters->count; ++i) {
        if (!passes_record(filters, &filters->list[i], record)) {
            return 0;
        }
    }
    return 1;
}

/* ------------------------------------------------------------------- zone */

static int read_change(llm_zone_change_t *change, const llm_json_t *pair)
{
    apr_int64_t offset;

    if (!llm_json_is(pair, LLM_JSON_ARRAY)
        || !llm_json_int(llm_json_at(pair, 0), &change->from)
        || !llm_json_int(llm_json_at(pair, 1), &offset) || offset <= -86400
        || offset >= 86400) {
        return 0;
    }
    change->offset = (int)offset;
    return 1;
}

apr_status_t llm_task_zone(const llm_zone_t **pzone, llm_task_t *task)
{
    const llm_json_t *list = llm_json_want(task->request, "zone"), *pair;
    apr_array_header_t *changes =
        apr_array_make(task->pool, 8, sizeof(llm_zone_change_t));
    llm_zone_t *zone;

    *pzone = NULL;
    if (!list) {
        return APR_SUCCESS;
    }
    for (pair = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL; pair;
         pair = pair->next) {
        llm_zone_change_t change;
        const llm_zone_change_t *last =
            changes->nelts
                ? &APR_ARRAY_IDX(changes, changes->nelts - 1, llm_zone_change_t)
                : NULL;

        if (!read_change(&change, pair) || (last && change.from <= last->from)
            || changes->nelts == ZONE_CHANGES_MAX) {
            changes->nelts = 0;
            break;
        }
        APR_ARRAY_PUSH(changes, llm_zone_change_t) = change;
    }
    if (!changes->nelts) {
        return llm_task_refuse(task, "usage",
                               "zone: expected pairs of seconds since 1970 "
                               "and seconds east of UTC, by time");
    }
    zone = apr_pcalloc(task->pool, sizeof(*zone));
    zone->changes = (const void *)changes->elts;
    zone->count = (unsigned)changes->nelts;
    *pzone = zone;
    return APR_SUCCESS;
}
