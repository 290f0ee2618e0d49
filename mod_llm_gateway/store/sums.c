/* SPDX-License-Identifier: Apache-2.0 */
/* Groups in one array in the order they came, and a hash table of places in
 * it, kept half empty. */
#include "store/sums.h"

#include "store/bytes.h"

#include <stdlib.h>
#include <string.h>

struct llm_sums_t {
    llm_sum_t *list;
    unsigned count, size, limit;
    apr_uint32_t *places; /* 1 + place in the list; 0 empty */
    unsigned mask;        /* places are a power of two */
};

void llm_group_write(unsigned char *bytes, const llm_group_t *group)
{
    llm_be_put(bytes, group->time, 4);
    llm_be_put(bytes + 4, group->key, 4);
    llm_be_put(bytes + 8, group->model, 4);
    llm_be_put(bytes + 12, group->provider, 4);
}

int llm_group_read(llm_group_t *group, const unsigned char *bytes,
                   apr_size_t len)
{
    if (len != LLM_GROUP_KEY) {
        return 0;
    }
    group->time = (apr_uint32_t)llm_be_get(bytes, 4);
    group->key = (apr_uint32_t)llm_be_get(bytes + 4, 4);
    group->model = (apr_uint32_t)llm_be_get(bytes + 8, 4);
    group->provider = (apr_uint32_t)llm_be_get(bytes + 12, 4);
    return 1;
}

int llm_group_compare(const llm_group_t *a, const llm_group_t *b)
{
    if (a->time != b->time) {
        return a->time < b->time ? -1 : 1;
    }
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    if (a->model != b->model) {
        return a->model < b->model ? -1 : 1;
    }
    return a->provider < b->provider ? -1 : a->provider > b->provider;
}

static apr_status_t free_sums(void *baton)
{
    llm_sums_t *sums = baton;

    free(sums->list);
    free(sums->places);
    return APR_SUCCESS;
}

llm_sums_t *llm_sums_make(unsigned limit, apr_pool_t *pool)
{
    llm_sums_t *sums = apr_pcalloc(pool, sizeof(*sums));

    sums->limit = limit;
    apr_pool_cleanup_register(pool, sums, free_sums, apr_pool_cleanup_null);
    return sums;
}

static unsigned hash_of(const llm_group_t *group)
{
    apr_uint64_t a = (apr_uint64_t)group->time << 32 | group->key;
    apr_uint64_t b = (apr_uint64_t)group->model << 32 | group->provider;

    a = (a ^ b * 0x9e3779b97f4a7c15ULL) * 0xff51afd7ed558ccdULL;
    return (unsigned)(a >> 32);
}

/* The place of the group, or the empty one where it belongs. */
static apr_uint32_t *place_of(const llm_sums_t *sums, const llm_group_t *group)
{
    unsigned at = hash_of(group);

    for (;; ++at) {
        apr_uint32_t *place = &sums->places[at & sums->mask];

        if (!*place
            || !llm_group_compare(&sums->list[*place - 1].group, group)) {
            return place;
        }
    }
}

static int grow(llm_sums_t *sums)
{
    unsigned size = sums->size ? sums->size * 2 : 64, i;
    llm_sum_t *list = realloc(sums->list, size * sizeof(*list));
    apr_uint32_t *places = calloc((apr_size_t)size * 2, sizeof(*places));

    if (list) {
        sums->list = list;
    }
    if (!list || !places) {
        free(places);
        return 0;
    }
    free(sums->places);
    sums->places = places;
    sums->size = size;
    sums->mask = size * 2 - 1;
    for (i = 0; i < sums->count; ++i) {
        *place_of(sums, &sums->list[i].group) = i + 1;
    }
    return 1;
}

llm_totals_t *llm_sums_of(llm_sums_t *sums, const llm_group_t *group)
{
    apr_uint32_t *place;
    llm_sum_t *sum;

    if (sums->count == sums->size && !grow(sums)) {
        return NULL;
    }
    place = place_of(sums, group);
    if (!*place) {
        if (sums->count >= sums->limit) {
            return NULL;
        }
        sum = &sums->list[sums->count++];
        memset(sum, 0, sizeof(*sum));
        sum->group = *group;
        *place = sums->count;
    }
    return &sums->list[*place - 1].totals;
}

unsigned llm_sums_count(const llm_sums_t *sums)
{
    return sums->count;
}

static int compare_sums(const void *a, const void *b)
{
    const llm_sum_t *x = a, *y = b;

    return llm_group_compare(&x->group, &y->group);
}

const llm_sum_t *llm_sums_sort(llm_sums_t *sums)
{
    if (sums->count) {
        qsort(sums->list, sums->count, sizeof(*sums->list), compare_sums);
    }
    return sums->list;
}

void llm_sums_clear(llm_sums_t *sums)
{
    sums->count = 0;
    if (sums->places) {
        memset(sums->places, 0,
               ((apr_size_t)sums->mask + 1) * sizeof(*sums->places));
    }
}
