/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of tools that a provider does not take; see tool_names.h.
 *
 * Characters that are not allowed become "_". Where that is too long, or the
 * name of another tool, its end is a hash of the whole name. A name as a client
 * wrote it never is what another one was made to, since it breaks the rule
 * that the latter keeps: so a name can be given back more than once.
 */
#include "dialect/tool_names.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "dialect/common.h"

#define HASH_LETTERS 8

typedef struct names_t {
    const llm_tool_rule_t *rule;
    apr_hash_t *made;  /* const llm_text_t *, by the name as it was given */
    apr_hash_t *taken; /* names that are a tool's already */
    apr_pool_t *pool;
} names_t;

static int is_allowed(const llm_tool_rule_t *rule, char c)
{
    return (c & 0x80) == 0 && c && (apr_isalnum(c) || strchr(rule->also, c));
}

static int can_begin(const llm_tool_rule_t *rule, llm_text_t name)
{
    return !rule->begins_with_letter || !name.len || apr_isalpha(*name.data)
           || *name.data == '_';
}

static int keeps_rule(const llm_tool_rule_t *rule, llm_text_t name)
{
    apr_size_t i;

    for (i = 0; i < name.len && is_allowed(rule, name.data[i]); ++i) {
    }
    return i == name.len && i <= rule->max && can_begin(rule, name);
}

/* ---- the ask ---- */

static int is_any_other(const llm_ask_t *ask, const llm_tool_rule_t *rule)
{
    const llm_tool_t *tool;
    const llm_turn_t *turn;
    const llm_part_t *part;

    for (tool = ask->tools; tool; tool = tool->next) {
        if (!tool->raw && !keeps_rule(rule, tool->name)) {
            return 1;
        }
    }
    for (turn = ask->turns; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            if ((part->call && !keeps_rule(rule, part->call->name))
                || !keeps_rule(rule, part->result_name)) {
                return 1;
            }
        }
    }
    return !keeps_rule(rule, ask->choose_name);
}

static const char *with_hash(const names_t *names, const char *letters,
                             const char *name)
{
    char *begin =
        apr_pstrndup(names->pool, letters, names->rule->max - HASH_LETTERS - 1);
    const char *made = llm_call_id_make(
        apr_pstrcat(names->pool, begin, "_", NULL), name, 0, names->pool);

    return apr_pstrndup(names->pool, made, strlen(begin) + 1 + HASH_LETTERS);
}

static llm_text_t name_of(const names_t *names, llm_text_t given)
{
    const char *key = apr_pstrmemdup(names->pool, given.data, given.len);
    llm_text_t *name = apr_hash_get(names->made, key, APR_HASH_KEY_STRING);
    const char *made;
    char *letters, *at;

    if (keeps_rule(names->rule, given)) {
        return given;
    }
    if (name) {
        return *name;
    }
    letters = apr_pstrcat(names->pool, can_begin(names->rule, given) ? "" : "_",
                          key, NULL);
    for (at = letters; *at; ++at) {
        *at = is_allowed(names->rule, *at) ? *at : '_';
    }
    made = letters;
    if (strlen(made) > names->rule->max
        || apr_hash_get(names->taken, made, APR_HASH_KEY_STRING)) {
        made = with_hash(names, made, key);
    }
    name = apr_palloc(names->pool, sizeof(*name));
    name->data = made;
    name->len = strlen(made);
    apr_hash_set(names->made, key, APR_HASH_KEY_STRING, name);
    apr_hash_set(names->taken, made, APR_HASH_KEY_STRING, made);
    return *name;
}

static llm_tool_t *fit_tools(const names_t *names, const llm_tool_t *tool)
{
    const llm_tool_t *each;
    llm_tools_t tools = {NULL, NULL};

    for (each = tool; each; each = each->next) {
        apr_hash_set(
            names->taken,
            apr_pstrmemdup(names->pool, each->name.data, each->name.len),
            APR_HASH_KEY_STRING, "");
    }
    for (; tool; tool = tool->next) {
        llm_tool_t *copy = llm_tools_add(&tools, names->pool);

        *copy = *tool;
        copy->next = NULL;
        if (!tool->raw && !keeps_rule(names->rule, tool->name)) {
            copy->given = tool->name;
            copy->name = name_of(names, tool->name);
        }
    }
    return tools.first;
}

static llm_part_t *fit_part(const names_t *names, const llm_part_t *part)
{
    llm_part_t *copy = apr_pmemdup(names->pool, part, sizeof(*part));

    if (part->call) {
        llm_call_t *call =
            apr_pmemdup(names->pool, part->call, sizeof(*part->call));

        call->name = name_of(names, call->name);
        copy->call = call;
    }
    if (part->result_name.data) {
        copy->result_name = name_of(names, part->result_name);
    }
    return copy;
}

static llm_turn_t *fit_turns(const names_t *names, const llm_turn_t *turn)
{
    llm_turns_t turns = {NULL, NULL};
    const llm_part_t *part;
    llm_part_t **pnext;

    for (; turn; turn = turn->next) {
        llm_turn_t *copy = llm_turns_add(&turns, turn->role, names->pool);

        copy->name = turn->name;
        pnext = &copy->parts;
        for (part = turn->parts; part; part = part->next) {
            *pnext = fit_part(names, part);
            pnext = &(*pnext)->next;
        }
        *pnext = NULL;
    }
    return turns.first;
}

const llm_ask_t *llm_tool_names_fit(const llm_ask_t *ask,
                                    const llm_tool_rule_t *rule,
                                    apr_pool_t *pool)
{
    names_t names = {rule, NULL, NULL, pool};
    llm_ask_t *fitted;

    if (!rule->max || !is_any_other(ask, rule)) {
        return ask;
    }
    names.made = apr_hash_make(pool);
    names.taken = apr_hash_make(pool);
    fitted = apr_pmemdup(pool, ask, sizeof(*ask));
    fitted->tools = fit_tools(&names, ask->tools);
    fitted->turns = fit_turns(&names, ask->turns);
    if (ask->choose_name.data) {
        fitted->choose_name = name_of(&names, ask->choose_name);
    }
    return fitted;
}

/* ---- the answer ---- */

llm_text_t llm_tool_given_name(const llm_ask_t *fitted, llm_text_t name)
{
    const llm_tool_t *tool;

    for (tool = fitted->tools; tool; tool = tool->next) {
        if (tool->given.data && llm_text_is_same(tool->name, name)) {
            return tool->given;
        }
    }
    return name;
}

void llm_tool_names_give_back(llm_answer_t *answer, const llm_ask_t *fitted,
                              apr_pool_t *pool)
{
    llm_choice_t *choice;
    llm_part_t *part;

    for (choice = answer->choices; choice; choice = choice->next) {
        for (part = choice->parts; part; part = part->next) {
            if (part->call) {
                llm_call_t *call =
                    apr_pmemdup(pool, part->call, sizeof(*part->call));

                call->name = llm_tool_given_name(fitted, call->name);
                part->call = call;
            }
        }
    }
}
