/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Totals by group: what a batch adds to the rollups, and what a report sums.
 *
 * A group is up to four numbers: a time (day or hour), and the ids of a key,
 * a model and a provider; what does not count is 0. As bytes it is the key of
 * a rollup row.
 */
#ifndef STORE_SUMS_H
#define STORE_SUMS_H

#include "store/codec.h"

typedef struct llm_group_t {
    apr_uint32_t time, key, model, provider;
} llm_group_t;

#define LLM_GROUP_KEY 16
void llm_group_write(unsigned char *bytes, const llm_group_t *group);
int llm_group_read(llm_group_t *group, const unsigned char *bytes,
                   apr_size_t len);
/* As memcmp orders the bytes. */
int llm_group_compare(const llm_group_t *a, const llm_group_t *b);

typedef struct llm_sum_t {
    llm_group_t group;
    llm_totals_t totals;
} llm_sum_t;

typedef struct llm_sums_t llm_sums_t;

/* Its memory is malloc's, freed by a cleanup of the pool. */
llm_sums_t *llm_sums_make(unsigned limit, apr_pool_t *pool);
/* The group's totals, zero at first; valid until the next call. NULL: there
 * are `limit` groups already, or no memory. */
llm_totals_t *llm_sums_of(llm_sums_t *sums, const llm_group_t *group);
unsigned llm_sums_count(const llm_sums_t *sums);
/* All of them, sorted by their groups; no llm_sums_of after it but behind a
 * llm_sums_clear. */
const llm_sum_t *llm_sums_sort(llm_sums_t *sums);
void llm_sums_clear(llm_sums_t *sums);

#endif /* STORE_SUMS_H */
