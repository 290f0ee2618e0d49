/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of clients' requests share. */
#include "dialect/client.h"

#include <string.h>

#include <apr_strings.h>

llm_problem_t *llm_read_numbers(llm_ask_t *ask, const llm_json_t *object,
                                const llm_number_row_t *row, const char *where,
                                apr_pool_t *pool)
{
    for (; row->name; ++row) {
        const llm_json_t *node = llm_json_want(object, row->name);

        if (node && node->type != LLM_JSON_NUMBER) {
            return llm_problem_field(
                pool,
                where ? apr_pstrcat(pool, where, ".", row->name, NULL)
                      : row->name,
                "expected a number");
        }
        if (node) {
            memcpy((char *)ask + row->offset, &node, sizeof(node));
        }
    }
    return NULL;
}

int llm_json_is_strings(const llm_json_t *list)
{
    const llm_json_t *node;

    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return 0;
    }
    for (node = list->child; node; node = node->next) {
        if (node->type != LLM_JSON_STRING) {
            return 0;
        }
    }
    return 1;
}

static llm_problem_t *read_function(llm_ask_t *ask, llm_tools_t *tools,
                                    const llm_json_t *node, const char *where,
                                    apr_pool_t *pool)
{
    static const char *const members[] = {"function", "type", NULL};
    static const char *const known[] = {"description", "name", "parameters",
                                        NULL};
    const llm_json_t *function = llm_json_want(node, "function");
    const llm_json_t *schema = llm_json_want(function, "parameters");
    const char *inner = apr_pstrcat(pool, where, ".function", NULL);
    llm_tool_t *tool;

    if (!llm_json_is(function, LLM_JSON_OBJECT)) {
        return llm_problem_field(pool, inner, "expected an object");
    }
    tool = llm_tools_add(tools, pool);
    tool->name = llm_json_text(llm_json_get(function, "name"));
    tool->description = llm_json_text(llm_json_get(function, "description"));
    tool->schema = schema;
    if (llm_text_is_empty(tool->name)) {
        return llm_problem_field(pool, apr_pstrcat(pool, inner, ".name", NULL),
                                 "expected a name");
    }
    if (schema && schema->type != LLM_JSON_OBJECT) {
        return llm_problem_field(pool,
                                 apr_pstrcat(pool, inner, ".parameters", NULL),
                                 "expected a JSON Schema");
    }
    llm_ask_add_unknowns(ask, function, known, inner, pool);
    llm_ask_add_unknowns(ask, node, members, where, pool);
    return NULL;
}

llm_problem_t *llm_read_functions(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "tools"), *node;
    llm_tools_t tools = {NULL, NULL};
    llm_problem_t *problem = NULL;
    int i = 0;

    if (list && list->type != LLM_JSON_ARRAY) {
        return llm_problem_field(pool, "tools", "expected an array");
    }
    for (node = list ? list->child : NULL; node && !problem;
         node = node->next) {
        problem = read_function(ask, &tools, node,
                                apr_psprintf(pool, "tools[%d]", i++), pool);
    }
    ask->tools = tools.first;
    return problem;
}
