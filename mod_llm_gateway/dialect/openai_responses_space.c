/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces of OpenAI's Responses, tools that belong together under one name
 * (Codex has its agents and each MCP server in one), at providers that know
 * functions alone.
 *
 * A function in a namespace is asked for by both names, `crm__list_orders`,
 * and a call of it is taken apart again, in an answer and in a history. Which
 * names were joined is known by the request's tools; nothing is read out of a
 * name. What the namespace says of itself is told by its first tool.
 */
#include "dialect/openai_responses_internal.h"

#include <string.h>

#include <apr_strings.h>

#define BETWEEN "__"
#define LONGEST 64 /* at most providers */
#define KEPT    40 /* letters of a longer one; the rest is made of all of it */

llm_text_t llm_responses_join(llm_text_t space, llm_text_t name,
                              apr_pool_t *pool)
{
    llm_text_t joined;
    const char *both;

    if (!space.len) {
        return name;
    }
    both = apr_pstrcat(pool, llm_text_string(space, pool), BETWEEN,
                       llm_text_string(name, pool), NULL);
    if (strlen(both) > LONGEST) {
        both =
            llm_call_id_make(apr_pstrmemdup(pool, both, KEPT), both, 0, pool);
    }
    joined = llm_text_escape(both, strlen(both), pool);
    return joined;
}

const llm_tool_t *llm_responses_tool(const llm_ask_t *ask, llm_text_t name,
                                     apr_pool_t *pool)
{
    const char *plain = llm_text_string(name, pool);
    const llm_tool_t *tool;

    for (tool = plain ? ask->tools : NULL; tool; tool = tool->next) {
        if ((tool->custom || tool->space.len)
            && llm_text_equals(tool->name, plain)) {
            return tool;
        }
    }
    return NULL;
}

llm_text_t llm_responses_name(const llm_tool_t *tool, llm_text_t name,
                              apr_pool_t *pool)
{
    llm_text_t known = tool && tool->space.len ? tool->name_there : name;

    known.data = apr_pstrmemdup(pool, known.len ? known.data : "", known.len);
    return known;
}

/* What a namespace is for, in front of what its first tool is for. */
static llm_text_t with_purpose(llm_text_t space, llm_text_t purpose,
                               llm_text_t description, apr_pool_t *pool)
{
    llm_parts_t words = {NULL, NULL};

    llm_parts_add_text(&words, LLM_PART_TEXT,
                       LLM_TEXT_LITERAL("Of all tools whose names begin with "),
                       pool);
    llm_parts_add_text(&words, LLM_PART_TEXT, space, pool);
    llm_parts_add_text(&words, LLM_PART_TEXT, LLM_TEXT_LITERAL(BETWEEN ": "),
                       pool);
    llm_parts_add_text(&words, LLM_PART_TEXT, purpose, pool);
    if (description.len) {
        llm_parts_add_text(&words, LLM_PART_TEXT, LLM_TEXT_LITERAL("\\n\\n"),
                           pool);
        llm_parts_add_text(&words, LLM_PART_TEXT, description, pool);
    }
    return llm_parts_text(words.first, "", pool);
}

static llm_problem_t *expected(apr_pool_t *pool, const char *where,
                               const char *member, const char *what)
{
    return llm_problem_field(pool, apr_pstrcat(pool, where, member, NULL),
                             "expected %s", what);
}

llm_problem_t *llm_responses_read_space(llm_ask_t *ask, llm_tools_t *tools,
                                        const llm_json_t *node,
                                        const char *where,
                                        llm_responses_read_tool_fn *read_tool,
                                        apr_pool_t *pool)
{
    static const char *const known[] = {"type", "name", "description", "tools",
                                        NULL};
    llm_text_t space = llm_json_text(llm_json_get(node, "name"));
    llm_text_t purpose = llm_json_text(llm_json_want(node, "description"));
    const llm_json_t *list = llm_json_want(node, "tools"), *inner;
    int i = 0;

    if (llm_text_is_empty(space)) {
        return expected(pool, where, ".name", "a name");
    }
    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return expected(pool, where, ".tools", "an array");
    }
    for (inner = list->child; inner; inner = inner->next) {
        const char *place = apr_psprintf(pool, "%s.tools[%d]", where, i++);
        llm_tool_t *before = tools->last, *tool;
        llm_problem_t *problem = read_tool(ask, tools, inner, place, pool);

        if (problem) {
            return problem;
        }
        tool = tools->last;
        if (tool == before || tool->raw || tool->space.len) {
            return expected(pool, place, ".type", "\"function\" or \"custom\"");
        }
        tool->space = space;
        tool->name_there = tool->name;
        tool->name = llm_responses_join(space, tool->name, pool);
        if (!llm_text_is_empty(purpose)) {
            tool->description =
                with_purpose(space, purpose, tool->description, pool);
            purpose = LLM_TEXT_NONE;
        }
    }
    llm_ask_add_unknowns(ask, node, known, where, pool);
    return NULL;
}
