/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer showed, in the history of a conversation: pictures, sound and
 * files in an assistant's turn.
 *
 * Few providers take such a thing where it stood; most take it from the user
 * alone. There it goes with what the user says next, behind results and in front
 * of everything else, as pictures of a result do: the model sees it, and nothing
 * is lost. A turn that had nothing else says where to look.
 */
#include "dialect/common.h"

#include <apr_strings.h>

static int is_shown(const llm_part_t *part)
{
    return part->kind == LLM_PART_IMAGE || part->kind == LLM_PART_AUDIO
           || part->kind == LLM_PART_FILE;
}

static int shows(const llm_turn_t *turn)
{
    return turn->role == LLM_ROLE_ASSISTANT
           && (llm_parts_have(turn->parts, LLM_PART_IMAGE)
               || llm_parts_have(turn->parts, LLM_PART_AUDIO)
               || llm_parts_have(turn->parts, LLM_PART_FILE));
}

static void add_copy(llm_parts_t *parts, const llm_part_t *part,
                     apr_pool_t *pool)
{
    llm_part_t *copy = llm_parts_add(parts, part->kind, pool);

    *copy = *part;
    copy->next = NULL;
}

/* The assistant's turn without what it showed, which waits. */
static void put_aside(llm_turn_t *turn, llm_parts_t *waiting, apr_pool_t *pool)
{
    const llm_part_t *part;
    llm_parts_t kept = {NULL, NULL};

    for (part = turn->parts; part; part = part->next) {
        add_copy(is_shown(part) ? waiting : &kept, part, pool);
    }
    if (!kept.first) {
        llm_parts_add_text(&kept, LLM_PART_TEXT,
                           LLM_TEXT_LITERAL("(see the next message)"), pool);
    }
    turn->parts = kept.first;
}

/* What waits, behind the turn's results. */
static void put_back(llm_turn_t *turn, llm_parts_t *waiting, apr_pool_t *pool)
{
    const llm_part_t *part;
    llm_parts_t parts = {NULL, NULL};
    int results;

    if (!waiting->first) {
        return;
    }
    for (results = 1; results >= 0; --results) {
        for (part = turn->parts; part; part = part->next) {
            if ((part->kind == LLM_PART_TOOL_RESULT) == results) {
                add_copy(&parts, part, pool);
            }
        }
        for (part = results ? waiting->first : NULL; part; part = part->next) {
            add_copy(&parts, part, pool);
        }
    }
    turn->parts = parts.first;
    *waiting = (llm_parts_t){NULL, NULL};
}

llm_turn_t *llm_turns_without_shown(llm_turn_t *turns, apr_pool_t *pool)
{
    llm_turns_t moved = {NULL, NULL};
    llm_parts_t waiting = {NULL, NULL};
    const llm_turn_t *turn;

    for (turn = turns; turn && !shows(turn); turn = turn->next) {
    }
    if (!turn) {
        return turns;
    }
    for (turn = turns; turn; turn = turn->next) {
        llm_turn_t *copy = llm_turns_add(&moved, turn->role, pool);

        *copy = *turn;
        copy->next = NULL;
        if (shows(turn)) {
            put_aside(copy, &waiting, pool);
        }
        else if (turn->role == LLM_ROLE_USER || turn->role == LLM_ROLE_TOOL) {
            put_back(copy, &waiting, pool);
        }
    }
    if (waiting.first) {
        llm_turns_add(&moved, LLM_ROLE_USER, pool)->parts = waiting.first;
    }
    return moved.first;
}
