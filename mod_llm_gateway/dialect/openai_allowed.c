/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The choice of some of the tools there are: OpenAI's allowed_tools, flat in
 * Responses and with an object of that name in chats,
 *
 *   {"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name"}]}
 *
 * Clients name all tools each time, so that what is cached of the request stays,
 * and say which may be called now. Others are barred. A provider with a word for
 * that is told it; elsewhere barred tools are left out, which means the same and
 * costs no more than the cache: calls of theirs in a history need no tool that
 * is offered.
 */
#include "dialect/openai_internal.h"

#include <apr_strings.h>

static const llm_word_t modes[] = {
    {"auto", LLM_CHOOSE_AUTO},
    {"required", LLM_CHOOSE_ANY},
    {NULL, 0},
};

/* The name of {"type":"function","function":{"name"}}, or of the flat one. */
static llm_text_t name_of(const llm_json_t *node)
{
    const llm_json_t *name = llm_json_want(node, "name");

    if (!name) {
        name = llm_json_path(node, "function", "name", NULL);
    }
    if (!name) {
        name = llm_json_path(node, "custom", "name", NULL);
    }
    return llm_json_text(name);
}

/* A namespace is meant as a whole, or a tool by its name there. */
static int is_in_space(const llm_tool_t *tool, const llm_json_t *node,
                       llm_text_t name)
{
    llm_text_t space = llm_json_text(llm_json_want(node, "namespace"));

    return llm_json_equals(llm_json_want(node, "type"), "namespace")
               ? llm_text_is_same(tool->space, name)
               : llm_text_is_same(tool->space, space)
                     && llm_text_is_same(tool->name_there, name);
}

/* One of OpenAI's own is meant by its type, and by the server it is of. */
static int is_meant(const llm_tool_t *tool, const llm_json_t *node)
{
    llm_text_t name = name_of(node);

    if (!tool->raw) {
        return llm_text_is_same(tool->name, name)
               || (tool->space.len && is_in_space(tool, node, name));
    }
    return llm_text_is_same(llm_json_text(llm_json_get(tool->raw, "type")),
                            llm_json_text(llm_json_get(node, "type")))
           && llm_text_is_same(
               llm_json_text(llm_json_want(tool->raw, "server_label")),
               llm_json_text(llm_json_want(node, "server_label")));
}

/* Returns 0 where there is no such tool. */
static int allow(llm_ask_t *ask, const llm_json_t *node)
{
    llm_tool_t *tool;
    int found = 0;

    for (tool = ask->tools; tool; tool = tool->next) {
        if (is_meant(tool, node)) {
            tool->barred = 0;
            found = 1;
        }
    }
    return found;
}

llm_problem_t *llm_openai_read_allowed(llm_ask_t *ask, const llm_json_t *choice,
                                       apr_pool_t *pool)
{
    const llm_json_t *inner = llm_json_want(choice, "allowed_tools");
    const llm_json_t *holder = inner ? inner : choice;
    const llm_json_t *list = llm_json_want(holder, "tools"), *node;
    const char *where = inner ? "tool_choice.allowed_tools" : "tool_choice";
    int i = 0, mode;
    llm_tool_t *tool;

    mode =
        llm_word_value(modes, llm_json_text(llm_json_want(holder, "mode")), -1);
    if (mode < 0) {
        return llm_problem_field(pool, apr_pstrcat(pool, where, ".mode", NULL),
                                 "expected \"auto\" or \"required\"");
    }
    where = apr_pstrcat(pool, where, ".tools", NULL);
    if (!llm_json_is(list, LLM_JSON_ARRAY) || !list->count) {
        return llm_problem_field(pool, where,
                                 "expected at least one of the tools");
    }
    for (tool = ask->tools; tool; tool = tool->next) {
        tool->barred = 1;
    }
    for (node = list->child; node; node = node->next, ++i) {
        if (!allow(ask, node)) {
            return llm_problem_field(pool,
                                     apr_psprintf(pool, "%s[%d]", where, i),
                                     "expected one of the tools");
        }
    }
    ask->choose = (llm_choose_e)mode;
    return NULL;
}

/* ---- for OpenAI ---- */

static void put_one(llm_buf_t *out, const llm_tool_t *tool, int flat)
{
    const char *type = tool->custom ? "custom" : "function";

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type", type);
    if (!flat) {
        llm_put_name(out, type);
        llm_buf_putc(out, '{');
    }
    llm_put_text_member(out, "name", tool->name);
    llm_buf_puts(out, flat ? "}" : "}}");
}

int llm_openai_put_allowed(llm_buf_t *out, const llm_ask_t *ask, int flat)
{
    const llm_tool_t *tool = ask->tools;

    while (tool && !tool->barred) {
        tool = tool->next;
    }
    if (!tool) {
        return 0;
    }
    llm_put_name(out, "tool_choice");
    llm_buf_lit(out, "{\"type\":\"allowed_tools\"");
    if (!flat) {
        llm_buf_lit(out, ",\"allowed_tools\":{");
    }
    llm_put_string_member(out, "mode", llm_word_of(modes, (int)ask->choose));
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        if (!tool->barred && !tool->raw) {
            put_one(out, tool, flat);
        }
    }
    llm_buf_puts(out, flat ? "]}" : "]}}");
    return 1;
}
