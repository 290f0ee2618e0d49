/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of calls that are used more than once; see call_ids.h.
 *
 * A result answers a call of the last turn that had one of its id: the first
 * such result the first of them. What an id becomes depends on the id and on
 * how often it was used before, so a longer history of the same conversation
 * says the same.
 */
#include "dialect/call_ids.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "dialect/common.h"

/* How often an id was used. */
typedef struct used_t {
    int calls;
    int results;            /* calls that were answered, or never will be */
    const llm_turn_t *turn; /* of the last call */
} used_t;

static int has_twins(const llm_turn_t *turn, apr_pool_t *pool)
{
    apr_hash_t *seen = apr_hash_make(pool);
    const llm_part_t *part;

    for (; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            const char *id = part->call ? part->call->id : NULL;

            if (!id) {
                continue;
            }
            if (apr_hash_get(seen, id, APR_HASH_KEY_STRING)) {
                return 1;
            }
            apr_hash_set(seen, id, APR_HASH_KEY_STRING, id);
        }
    }
    return 0;
}

static const char *id_of(const char *id, int number, apr_pool_t *pool)
{
    return number > 1 ? llm_call_id_make("call_", id, number, pool) : id;
}

static void set_call_apart(llm_part_t *part, const llm_turn_t *turn,
                           apr_hash_t *ids, apr_pool_t *pool)
{
    llm_call_t *call = apr_pmemdup(pool, part->call, sizeof(*call));
    used_t *used = apr_hash_get(ids, call->id, APR_HASH_KEY_STRING);

    if (!used) {
        used = apr_pcalloc(pool, sizeof(*used));
        apr_hash_set(ids, call->id, APR_HASH_KEY_STRING, used);
    }
    if (used->turn != turn) {
        used->turn = turn;
        used->results = used->calls;
    }
    call->id = id_of(call->id, ++used->calls, pool);
    part->call = call;
}

static void set_result_apart(llm_part_t *part, apr_hash_t *ids,
                             apr_pool_t *pool)
{
    used_t *used = apr_hash_get(ids, part->result_of, APR_HASH_KEY_STRING);

    if (used) {
        used->results += used->results < used->calls;
        part->result_of = id_of(part->result_of, used->results, pool);
    }
}

const llm_turn_t *llm_call_ids_apart(const llm_turn_t *turns, apr_pool_t *pool)
{
    llm_turns_t apart = {NULL, NULL};
    apr_hash_t *ids;
    const llm_part_t *part;
    llm_part_t **pnext;

    if (!has_twins(turns, pool)) {
        return turns;
    }
    ids = apr_hash_make(pool);
    for (; turns; turns = turns->next) {
        llm_turn_t *turn = llm_turns_add(&apart, turns->role, pool);

        turn->name = turns->name;
        pnext = &turn->parts;
        for (part = turns->parts; part; part = part->next) {
            *pnext = apr_pmemdup(pool, part, sizeof(*part));
            if (part->call && part->call->id) {
                set_call_apart(*pnext, turns, ids, pool);
            }
            else if (part->kind == LLM_PART_TOOL_RESULT && part->result_of) {
                set_result_apart(*pnext, ids, pool);
            }
            pnext = &(*pnext)->next;
        }
        *pnext = NULL;
    }
    return apart.first;
}
