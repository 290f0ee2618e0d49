/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Totals by groups of any width, and words as numbers: what a report sums.
 *
 * A group is a row of numbers, one for each field the report is by. Words that
 * no dictionary of the store has, such as a user's name, get numbers of the
 * report's own.
 */
#ifndef STORE_GROUPS_H
#define STORE_GROUPS_H

#include "store/codec.h"

typedef struct llm_groups_t llm_groups_t;

/* Of `width` numbers each. Memory is malloc's, freed by a cleanup of the
 * pool. */
llm_groups_t *llm_groups_make(unsigned width, unsigned limit, apr_pool_t *pool);
/* The group's totals, zero at first; valid until the next call. NULL: there
 * are `limit` groups already, or no memory. */
llm_totals_t *llm_groups_of(llm_groups_t *groups, const apr_uint32_t *numbers);
unsigned llm_groups_count(const llm_groups_t *groups);
/* The place-th one, in the order they came. */
const apr_uint32_t *llm_groups_numbers(const llm_groups_t *groups,
                                       unsigned place);
const llm_totals_t *llm_groups_totals(const llm_groups_t *groups,
                                      unsigned place);

typedef struct llm_words_t llm_words_t;

llm_words_t *llm_words_make(unsigned limit, apr_pool_t *pool);
/* The word's number, from 0 on. 0: there are `limit` words already. */
int llm_words_number(apr_uint32_t *pnumber, llm_words_t *words,
                     const char *word, apr_size_t len);
const char *llm_words_text(const llm_words_t *words, apr_uint32_t number);

#endif /* STORE_GROUPS_H */
