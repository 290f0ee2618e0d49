/* SPDX-License-Identifier: Apache-2.0 */
/* Groups lie one behind the other in the order they came; a hash table of
 * places among them is kept half empty. */
#include "store/groups.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

struct llm_groups_t {
    unsigned width;
    apr_size_t stride; /* bytes of a group: totals, then numbers */
    unsigned char *list;
    unsigned count, size, limit;
    apr_uint32_t *places; /* 1 + place in the list; 0 empty */
    unsigned mask;        /* places are a power of two */
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

static unsigned hash_of(const llm_groups_t *groups, const apr_uint32_t *numbers)
{
    apr_uint64_t hash = 0x9e3779b97f4a7c15ULL;
    unsigned i;

    for (i = 0; i < groups->width; ++i) {
        hash = (hash ^ numbers[i]) * 0xff51afd7ed558ccdULL;
        hash ^= hash >> 32;
    }
    return (unsigned)hash;
}

/* The place of the group, or the empty one where it belongs. */
static apr_uint32_t *place_of(const llm_groups_t *groups,
                              const apr_uint32_t *numbers)
{
    unsigned at = hash_of(groups, numbers);

    for (;; ++at) {
        apr_uint32_t *place = &groups->places[at & groups->mask];

        if (!*place
            || !memcmp(llm_groups_numbers(groups, *place - 1), numbers,
                       groups->width * sizeof(*numbers))) {
            return place;
        }
    }
}

static int grow(llm_groups_t *groups)
{
    unsigned size = groups->size ? groups->size * 2 : 64, i;
    unsigned char *list = realloc(groups->list, size * groups->stride);
    apr_uint32_t *places = calloc((apr_size_t)size * 2, sizeof(*places));

    if (list) {
        groups->list = list;
    }
    if (!list || !places) {
        free(places);
        return 0;
    }
    free(groups->places);
    groups->places = places;
    groups->size = size;
    groups->mask = size * 2 - 1;
    for (i = 0; i < groups->count; ++i) {
        *place_of(groups, llm_groups_numbers(groups, i)) = i + 1;
    }
    return 1;
}

llm_totals_t *llm_groups_of(llm_groups_t *groups, const apr_uint32_t *numbers)
{
    apr_uint32_t *place;
    unsigned char *group;

    if (groups->count == groups->size && !grow(groups)) {
        return NULL;
    }
    place = place_of(groups, numbers);
    if (!*place) {
        if (groups->count >= groups->limit) {
            return NULL;
        }
        group = group_at(groups, groups->count++);
        memset(group, 0, groups->stride);
        if (groups->width) {
            memcpy(group + sizeof(llm_totals_t), numbers,
                   groups->width * sizeof(*numbers));
        }
        *place = groups->count;
    }
    return (void *)group_at(groups, *place - 1);
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
