/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What usage can be grouped and filtered by: one table, for "usage" and
 * "events" alike.
 *
 * Rollups know some fields; the rest are in the single records only, which are
 * kept for a while. A member of a request that is called after a field asks
 * for that value alone.
 */
#ifndef STORE_FIELDS_H
#define STORE_FIELDS_H

#include "core/llm_zone.h"
#include "store/sums.h"
#include "store/task.h"

typedef enum {
    /* rollups have these */
    LLM_FIELD_KEY,
    LLM_FIELD_TEAM,
    LLM_FIELD_MODEL,
    LLM_FIELD_PROVIDER,
    LLM_FIELD_SPAN,
    /* records only */
    LLM_FIELD_TEXT,
    LLM_FIELD_NUMBER,
    LLM_FIELD_STATUS, /* a number; as a filter also "4xx" */
    LLM_FIELD_FLAG,
    LLM_FIELD_CACHE,
    LLM_FIELD_TAGS
} llm_field_e;

typedef struct llm_field_t {
    const char *name;
    llm_field_e kind;
    /* LLM_SPAN_*; of a text or a number where it is in llm_record_t; the
     * flag's bit */
    unsigned detail;
} llm_field_t;

/* All of them, and how many; and their names for an error's text. */
extern const llm_field_t llm_fields[];
#define LLM_FIELDS 22
#define LLM_FIELD_NAMES                                                        \
    "key, team, model, provider, hour, day, week, month, user, tag, asked, "   \
    "route, client, status, finish, op, stream, tier, variant, cache, "        \
    "problem or attempts"
/* For the table of a command's members: the fields that can be a filter. */
#define LLM_FILTER_MEMBERS                                                     \
    "key", "team", "model", "provider", "user", "tag", "asked", "route",       \
        "client", "status", "finish", "operation", "stream", "tier",           \
        "variant", "cache", "problem", "attempts"

/* NULL: there is none of that name. */
const llm_field_t *llm_field_find(const llm_json_t *name);
int llm_field_is_rolled(const llm_field_t *field);
/* The record's value of a field that rollups do not have: a number, or a text
 * and its length with *pnumber 0. Not for tags. */
const char *llm_field_text(const llm_field_t *field,
                           const llm_record_t *record);
apr_uint32_t llm_field_number(const llm_field_t *field,
                              const llm_record_t *record);
const char *llm_cache_name(unsigned cache); /* llm_cache_e */

/* One tag after the other: *pat begins as record->tags; 0 when there are no
 * more. */
int llm_tag_next(const char **pat, const char **ptag, apr_size_t *plen);

/* Only what has this value. */
typedef struct llm_filter_t {
    const llm_field_t *field;
    const char *text;
    const apr_array_header_t *keys; /* LLM_FIELD_KEY: ids, of apr_uint32_t */
    apr_uint32_t id;                /* a chief, a model, a provider; a number */
    apr_uint32_t above;             /* numbers from id to this one */
} llm_filter_t;

typedef struct llm_filters_t {
    llm_filter_t list[LLM_FIELDS];
    unsigned count;
    int is_rolled;  /* rollups can answer */
    int is_nothing; /* some value never was: nothing can match */
    /* By key id: the first key of the same team; of llm_keyring_chiefs. NULL
     * until it is needed. */
    const apr_array_header_t *chiefs;
} llm_filters_t;

/* From the request's members. */
apr_status_t llm_filters_read(llm_filters_t *filters, llm_task_t *task);
int llm_filters_pass_row(const llm_filters_t *filters, const llm_group_t *row);
int llm_filters_pass_record(const llm_filters_t *filters,
                            const llm_record_t *record);
/* Stands for the key's team; 0 for a key that has none. */
apr_uint32_t llm_filters_chief(const llm_filters_t *filters, apr_uint32_t key);

/* The request's "zone": [[seconds since 1970, seconds east of UTC], ...], by
 * time. NULL for UTC. */
apr_status_t llm_task_zone(const llm_zone_t **pzone, llm_task_t *task);

#endif /* STORE_FIELDS_H */
