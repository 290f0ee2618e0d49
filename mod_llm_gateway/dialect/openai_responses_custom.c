/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom tools, which take a text as it is and not JSON (OpenAI's agents patch
 * files with them), at providers that have functions alone.
 *
 * Such a tool is asked for as a function whose one argument is that text,
 * `input`. A call is taken back the same way, in an answer and in a history. A
 * grammar that OpenAI would hold the text to is guidance elsewhere: it is told
 * in the description, and named among what was dropped.
 */
#include "dialect/openai_responses_internal.h"

#include <string.h>

#include <apr_strings.h>

static const char text_schema[] =
    "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
    "\"required\":[\"input\"],\"additionalProperties\":false}";

/* ---- the tool ---- */

static llm_problem_t *expected(apr_pool_t *pool, const char *where,
                               const char *member, const char *what)
{
    return llm_problem_field(pool, apr_pstrcat(pool, where, member, NULL),
                             "expected %s", what);
}

/* What the model is told of the grammar, behind the tool's own words. */
static llm_text_t with_grammar(llm_text_t description, llm_text_t syntax,
                               llm_text_t definition, apr_pool_t *pool)
{
    llm_parts_t words = {NULL, NULL};

    if (description.len) {
        llm_parts_add_text(&words, LLM_PART_TEXT, description, pool);
        llm_parts_add_text(&words, LLM_PART_TEXT, LLM_TEXT_LITERAL("\\n\\n"),
                           pool);
    }
    llm_parts_add_text(&words, LLM_PART_TEXT,
                       LLM_TEXT_LITERAL("The text of `input` has to match "
                                        "this grammar ("),
                       pool);
    llm_parts_add_text(&words, LLM_PART_TEXT, syntax, pool);
    llm_parts_add_text(&words, LLM_PART_TEXT, LLM_TEXT_LITERAL("):\\n"), pool);
    llm_parts_add_text(&words, LLM_PART_TEXT, definition, pool);
    return llm_parts_text(words.first, "", pool);
}

static llm_problem_t *read_format(llm_ask_t *ask, llm_tool_t *tool,
                                  const llm_json_t *format, const char *where,
                                  apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_want(format, "type");
    llm_text_t syntax = llm_json_text(llm_json_want(format, "syntax"));
    llm_text_t definition = llm_json_text(llm_json_want(format, "definition"));

    if (!format || llm_json_equals(type, "text")) {
        return NULL;
    }
    if (!llm_json_equals(type, "grammar")) {
        return expected(pool, where, ".format.type", "\"text\" or \"grammar\"");
    }
    if (llm_text_is_empty(syntax)) {
        return expected(pool, where, ".format.syntax", "\"lark\" or \"regex\"");
    }
    if (llm_text_is_empty(definition)) {
        return expected(pool, where, ".format.definition", "a grammar");
    }
    tool->description =
        with_grammar(tool->description, syntax, definition, pool);
    llm_ask_add_unknown(ask, format, where, pool);
    return NULL;
}

llm_problem_t *llm_responses_read_custom(llm_ask_t *ask, llm_tool_t *tool,
                                         const llm_json_t *node,
                                         const char *where, apr_pool_t *pool)
{
    static const char *const known[] = {"type", "name", "description", "format",
                                        NULL};

    tool->name = llm_json_text(llm_json_get(node, "name"));
    if (llm_text_is_empty(tool->name)) {
        return expected(pool, where, ".name", "a name");
    }
    tool->custom = 1;
    tool->description = llm_json_text(llm_json_want(node, "description"));
    if (llm_json_read(&tool->schema, text_schema, sizeof(text_schema) - 1, NULL,
                      pool)) {
        return llm_problem_make(LLM_PROBLEM_INTERNAL, pool, "out of memory");
    }
    if (llm_json_has_others(node, known)) {
        llm_ask_add_unknowns(ask, node, known, where, pool);
    }
    return read_format(ask, tool, llm_json_want(node, "format"), where, pool);
}

/* ---- its calls ---- */

llm_bytes_t llm_responses_input_as_args(llm_text_t input, apr_pool_t *pool)
{
    llm_bytes_t args;

    args.data =
        apr_pstrcat(pool, "{\"input\":\"",
                    apr_pstrmemdup(pool, input.data, input.len), "\"}", NULL);
    args.len = strlen(args.data);
    return args;
}

/* A string that stands for the text; `input` before anything else. */
static void take_input(void *baton, const llm_member_t *member)
{
    llm_text_t *input = baton;

    if (member->value.len >= 2 && *member->value.data == '"'
        && (llm_text_equals(member->name, "input")
            || (!input->data
                && llm_text_equals(member->name, LLM_INVALID_ARGS)))) {
        *input = (llm_text_t){member->value.data + 1, member->value.len - 2};
    }
}

llm_text_t llm_responses_args_as_input(llm_bytes_t args, apr_pool_t *pool)
{
    llm_text_t input = LLM_TEXT_NONE;

    if (llm_json_scan(args.data, args.len, take_input, &input, NULL)
        || !input.data) {
        return llm_text_escape(args.data, args.len, pool);
    }
    return input;
}

void llm_responses_settle_input(llm_buf_t *text, apr_pool_t *pool)
{
    llm_text_t kept = {text->data ? text->data : "", text->len}, input;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    input =
        llm_responses_args_as_input(llm_text_decode(kept, scratch), scratch);
    llm_buf_clear(text);
    llm_buf_append(text, input.data, input.len);
    apr_pool_destroy(scratch);
}
