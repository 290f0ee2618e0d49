/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups lie one behind the other in the order they came; a hash table of
 * places among them is kept half empty. A place has its group's hash beside it:
 * groups are many and wide, and one that is not wanted is not to be touched.
 */
#include "store/groups.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

typedef struct place_t {
    apr_uint32_t hash;
    apr_uint32_t at; /* 1 + which group; 0 empty */
} place_t;

struct llm_groups_t {
    unsigned width;
    apr_size_t stride; /* bytes of a group: totals, then numbers */
    unsigned char *list;
    unsigned count, size, limit;
    place_t *places;
    unsigned mask; /* places are a power of two */
};

static apr_status_t free_groups(void *baton)
{
    llm_groups_t *groups = baton;

    free(groups->list);
    free(groups->places);
    return APR_SUCCESS;
}

llm_groups_t *llm_groups_make(unsigned width, unsigned limit, apr_pool_t *pool)
{
    llm_groups_t *groups = apr_pcalloc(pool, sizeof(*groups));

    groups->width = width;
    groups->stride =
        sizeof(llm_totals_t) + (width + width % 2) * sizeof(apr_uint32_t);
    groups->limit = limit;
    apr_pool_cleanup_register(pool, groups, free_groups, apr_pool_cleanup_null);
    return groups;
}

static unsigned char *group_at(const llm_groups_t *groups, unsigned place)
{
    return groups->list + place * groups->stride;
}

const apr_uint32_t *llm_groups_numbers(const llm_groups_t *groups,
                                       unsigned place)
{
    return (const void *)(group_at(groups, place) + sizeof(llm_totals_t));
}

const llm_totals_t *llm_groups_totals(const llm_groups_t *groups,
                                      unsigned place)
{
    return (const void *)group_at(groups, place);
}

static apr_uint32_t hash_of(const llm_groups_t *groups,
                            const apr_uint32_t *numbers)
{
    apr_uint64_t hash = 0x9e3779b97f4a7c15ULL;
    unsigned i;

    for (i = 0; i < groups->width; ++i) {
        hash = (hash ^ numbers[i]) * 0xff51afd7ed558ccdULL;
        hash ^= hash >> 32;
    }
    return (apr_uint32_t)hash;
}

static int is_group(const llm_groups_t *groups, unsigned place,
                    const apr_uint32_t *numbers)
{
    const apr_uint32_t *its = llm_groups_numbers(groups, place);
    unsigned i;

    for (i = 0; i < groups->width && its[i] == numbers[i]; ++i) {
    }
    return i == groups->width;
}

/* The place of the group, or the empty one where it belongs. */
static place_t *place_of(const llm_groups_t *groups, apr_uint32_t hash,
                         const apr_uint32_t *numbers)
{
    unsigned at = hash;

    for (;; ++at) {
        place_t *place = &groups->places[at & groups->mask];

        if (!place->at
            || (place->hash == hash
                && is_group(groups, place->at - 1, numbers))) {
            return place;
        }
    }
}

/* Into the first empty place; it is not there yet. */
static void note_place(llm_groups_t *groups, place_t place)
{
    unsigned at = place.hash;

    while (groups->places[at & groups->mask].at) {
        ++at;
    }
    groups->places[at & groups->mask] = place;
}

static int grow(llm_groups_t *groups)
{
    unsigned size = groups->size ? groups->size * 2 : 64, i;
    unsigned places = groups->places ? groups->mask + 1 : 0;
    unsigned char *list = realloc(groups->list, size * groups->stride);
    place_t *old = groups->places;
    place_t *made = calloc((apr_size_t)size * 2, sizeof(*made));

    if (list) {
        groups->list = list;
    }
    if (!list || !made) {
        free(made);
        return 0;
    }
    groups->places = made;
    groups->size = size;
    groups->mask = size * 2 - 1;
    for (i = 0; i < places; ++i) {
        if (old[i].at) {
            note_place(groups, old[i]);
        }
    }
    free(old);
    return 1;
}

llm_totals_t *llm_groups_of(llm_groups_t *groups, const apr_uint32_t *numbers)
{
    apr_uint32_t hash = hash_of(groups, numbers);
    unsigned char *group;
    place_t *place;

    if (groups->count == groups->size && !grow(groups)) {
        return NULL;
    }
    place = place_of(groups, hash, numbers);
    if (!place->at) {
        if (groups->count >= groups->limit) {
            return NULL;
        }
        group = group_at(groups, groups->count++);
        memset(group, 0, groups->stride);
        if (groups->width) {
            memcpy(group + sizeof(llm_totals_t), numbers,
                   groups->width * sizeof(*numbers));
        }
        *place = (place_t){hash, groups->count};
    }
    return (void *)group_at(groups, place->at - 1);
}

unsigned llm_groups_count(const llm_groups_t *groups)
{
    return groups->count;
}

/* ------------------------------------------------------------------ words */

struct llm_words_t {
    apr_hash_t *numbers;       /* word -> its number plus 1 */
    apr_array_header_t *texts; /* of const char * */
    unsigned limit;
    apr_pool_t *pool;
};

llm_words_t *llm_words_make(unsigned limit, apr_pool_t *pool)
{
    llm_words_t *words = apr_pcalloc(pool, sizeof(*words));

    words->numbers = apr_hash_make(pool);
    words->texts = apr_array_make(pool, 64, sizeof(const char *));
    words->limit = limit;
    words->pool = pool;
    return words;
}

int llm_words_number(apr_uint32_t *pnumber, llm_words_t *words,
                     const char *word, apr_size_t len)
{
    apr_uintptr_t known =
        (apr_uintptr_t)apr_hash_get(words->numbers, word, (apr_ssize_t)len);

    if (!known) {
        const char *text;

        if ((unsigned)words->texts->nelts >= words->limit) {
            return 0;
        }
        text = apr_pstrmemdup(words->pool, word, len);
        APR_ARRAY_PUSH(words->texts, const char *) = text;
        known = (apr_uintptr_t)words->texts->nelts;
        apr_hash_set(words->numbers, text, (apr_ssize_t)len,
                     (const void *)known);
    }
    *pnumber = (apr_uint32_t)known - 1;
    return 1;
}

const char *llm_words_text(const llm_words_t *words, apr_uint32_t number)
{
    return APR_ARRAY_IDX(words->texts, number, const char *);
}
