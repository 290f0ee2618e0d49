/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rollups: sums of all usage by time and some fields, kept beside the
 * records in the same transaction.
 *
 * One knows everything a rollup can and has a row for each key, model and
 * provider that were used together in a day; with many keys these are
 * millions a month. So there are smaller ones, which know less and say it in a
 * few rows. All have rows of the same form: what a rollup does not know is 0
 * in its keys.
 */
#ifndef STORE_ROLLUP_H
#define STORE_ROLLUP_H

#include "store/bdb.h"
#include "store/sums.h"

struct llm_tables_t;

/* What sums are by: bits. The times are for those who ask, a rollup has its
 * own unit. */
enum {
    LLM_BY_KEY = 1 << 0,
    LLM_BY_MODEL = 1 << 1,
    LLM_BY_PROVIDER = 1 << 2,
    LLM_BY_DAY = 1 << 3,
    LLM_BY_HOUR = 1 << 4
};

typedef enum {
#define ROLLUP(table, hours, fields) LLM_ROLLUP_##table,
#include "store/rollups.def"
#undef ROLLUP
    LLM_ROLLUPS
} llm_rollup_e;

typedef struct llm_rollup_t {
    const char *name; /* of its table */
    unsigned hours;   /* that a row sums, 1 or 24: the unit of its time */
    unsigned fields;  /* LLM_BY_*: what it knows besides */
} llm_rollup_t;

extern const llm_rollup_t llm_rollups[LLM_ROLLUPS];

/* The smallest of this unit that knows these fields. */
llm_rollup_e llm_rollup_choose(unsigned hours, unsigned fields);
/* The one of the same unit that knows everything. */
llm_rollup_e llm_rollup_whole(llm_rollup_e which);
/* The group's row in the rollup; the group's time is the hour. */
llm_group_t llm_rollup_row(llm_rollup_e which, const llm_group_t *group);
llm_table_t *llm_rollup_table(const struct llm_tables_t *tables,
                              llm_rollup_e which);

#endif /* STORE_ROLLUP_H */
