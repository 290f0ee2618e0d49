/* SPDX-License-Identifier: Apache-2.0 */
/* The table of rollups, and which row of it is whose. */
#include "store/rollup.h"

#include "store/inside.h"

#include <assert.h>

const llm_rollup_t llm_rollups[LLM_ROLLUPS] = {
#define ROLLUP(table, hours, fields) {#table, hours, fields},
#include "store/rollups.def"
#undef ROLLUP
};

llm_rollup_e llm_rollup_choose(unsigned hours, unsigned fields)
{
    unsigned i = 0;

    while (i < LLM_ROLLUPS
           && (llm_rollups[i].hours != hours
               || (fields & ~llm_rollups[i].fields))) {
        ++i;
    }
    assert(i < LLM_ROLLUPS);
    return (llm_rollup_e)i;
}

llm_rollup_e llm_rollup_whole(llm_rollup_e which)
{
    return llm_rollup_choose(llm_rollups[which].hours,
                             LLM_BY_KEY | LLM_BY_MODEL | LLM_BY_PROVIDER);
}

llm_group_t llm_rollup_row(llm_rollup_e which, const llm_group_t *group)
{
    const llm_rollup_t *rollup = &llm_rollups[which];
    llm_group_t row = {.time = group->time / rollup->hours};

    row.key = rollup->fields & LLM_BY_KEY ? group->key : 0;
    row.model = rollup->fields & LLM_BY_MODEL ? group->model : 0;
    row.provider = rollup->fields & LLM_BY_PROVIDER ? group->provider : 0;
    return row;
}

llm_table_t *llm_rollup_table(const llm_tables_t *tables, llm_rollup_e which)
{
    llm_table_t *const all[LLM_ROLLUPS] = {
#define ROLLUP(table, hours, fields) tables->table,
#include "store/rollups.def"
#undef ROLLUP
    };

    return all[which];
}
