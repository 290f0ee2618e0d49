/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that rollups would otherwise repeat in every row, as numbers.
 *
 * What a client writes can end up here, so the dictionary is bounded:
 * LLM_DICT_LIMIT names of a kind, the rest share one called "(other)". Reports
 * may read from any thread; only the owner's adds.
 */
#ifndef STORE_DICT_H
#define STORE_DICT_H

#include "store/bdb.h"

#define LLM_DICT_LIMIT 10000

typedef enum {
    LLM_DICT_MODEL = 1,
    LLM_DICT_PROVIDER = 2,
    LLM_DICT_KINDS = 3 /* 0 is none */
} llm_dict_e;

/* Numbers that need no row. */
enum { LLM_DICT_NONE = 0, LLM_DICT_OTHER = 1, LLM_DICT_FIRST = 2 };

typedef struct llm_dict_t llm_dict_t;

/* Reads the table. */
apr_status_t llm_dict_load(llm_dict_t **pdict, llm_table_t *table,
                           apr_pool_t *pool);
/* The name's number; a new one is written with the transaction. When that is
 * over, llm_dict_settle says how: a name keeps its number, but is written
 * again with the next transaction that needs it. */
apr_status_t llm_dict_intern(apr_uint32_t *pid, llm_dict_t *dict,
                             llm_txn_t *txn, llm_dict_e kind, const char *name);
void llm_dict_settle(llm_dict_t *dict, int committed);
/* 0 when the name is not there ("" is: LLM_DICT_NONE). */
int llm_dict_find(apr_uint32_t *pid, llm_dict_t *dict, llm_dict_e kind,
                  const char *name);
/* Lives as long as the dictionary; "(unknown)" for a number that is not
 * there. */
const char *llm_dict_name(llm_dict_t *dict, llm_dict_e kind, apr_uint32_t id);

#endif /* STORE_DICT_H */
