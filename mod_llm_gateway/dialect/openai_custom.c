/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom tools, which take a text as it is and not JSON (OpenAI's agents patch
 * files with them), of chats and of Responses, at providers that have functions
 * alone. OpenAI itself gets them as they are, in whichever of its APIs.
 *
 * Such a tool is asked for as a function whose one argument is that text,
 * `input`. A call is taken back the same way, in an answer and in a history. A
 * grammar that OpenAI would hold the text to is guidance elsewhere: it is told
 * in the description, and named among what was dropped.
 */
#include "dialect/openai_internal.h"

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

/* In chats a grammar's members stand in an object of that name. */
static llm_problem_t *read_format(llm_custom_t *custom,
                                  const llm_json_t *format, const char *where,
                                  apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_want(format, "type");
    const llm_json_t *inner = llm_json_want(format, "grammar");
    const llm_json_t *holder = inner ? inner : format;

    if (!format || llm_json_equals(type, "text")) {
        return NULL;
    }
    if (!llm_json_equals(type, "grammar")) {
        return expected(pool, where, ".format.type", "\"text\" or \"grammar\"");
    }
    custom->syntax = llm_json_text(llm_json_want(holder, "syntax"));
    custom->definition = llm_json_text(llm_json_want(holder, "definition"));
    if (llm_text_is_empty(custom->syntax)) {
        return expected(pool, where,
                        inner ? ".format.grammar.syntax" : ".format.syntax",
                        "\"lark\" or \"regex\"");
    }
    if (llm_text_is_empty(custom->definition)) {
        return expected(pool, where,
                        inner ? ".format.grammar.definition"
                              : ".format.definition",
                        "a grammar");
    }
    return NULL;
}

llm_problem_t *llm_openai_read_custom(llm_ask_t *ask, llm_tool_t *tool,
                                      const llm_json_t *node, const char *where,
                                      apr_pool_t *pool)
{
    static const char *const known[] = {"type", "name", "description", "format",
                                        NULL};

    llm_custom_t *custom = apr_pcalloc(pool, sizeof(*custom));
    llm_problem_t *problem =
        read_format(custom, llm_json_want(node, "format"), where, pool);

    tool->name = llm_json_text(llm_json_get(node, "name"));
    if (llm_text_is_empty(tool->name)) {
        return expected(pool, where, ".name", "a name");
    }
    custom->description = llm_json_text(llm_json_want(node, "description"));
    tool->custom = custom;
    tool->description = custom->definition.data
                            ? with_grammar(custom->description, custom->syntax,
                                           custom->definition, pool)
                            : custom->description;
    if (llm_json_read(&tool->schema, text_schema, sizeof(text_schema) - 1, NULL,
                      pool)) {
        return llm_problem_make(LLM_PROBLEM_INTERNAL, pool, "out of memory");
    }
    if (llm_json_has_others(node, known)) {
        llm_ask_add_unknowns(ask, node, known, where, pool);
    }
    return problem;
}

void llm_openai_put_custom(llm_buf_t *out, const llm_tool_t *tool, int flat)
{
    const llm_custom_t *custom = tool->custom;

    llm_put_text_member(out, "name", tool->name);
    llm_put_text_member(out, "description", custom->description);
    if (!custom->definition.data) {
        return;
    }
    llm_put_name(out, "format");
    llm_buf_lit(out, "{\"type\":\"grammar\"");
    if (!flat) {
        llm_buf_lit(out, ",\"grammar\":{");
    }
    llm_put_text_member(out, "syntax", custom->syntax);
    llm_put_text_member(out, "definition", custom->definition);
    llm_buf_puts(out, flat ? "}" : "}}");
}

int llm_openai_is_custom(const llm_ask_t *ask, llm_text_t name,
                         apr_pool_t *pool)
{
    const char *plain = llm_text_string(name, pool);
    const llm_tool_t *tool;

    /* a result of no call that is there has no name */
    for (tool = plain ? ask->tools : NULL; tool; tool = tool->next) {
        if (tool->custom && llm_text_equals(tool->name, plain)) {
            return 1;
        }
    }
    return 0;
}

/* ---- its calls ---- */

llm_problem_t *llm_openai_read_custom_call(llm_ask_t *ask, llm_parts_t *parts,
                                           const llm_json_t *node,
                                           const char *where, apr_pool_t *pool)
{
    static const char *const known[] = {"id", "type", "custom", "index", NULL};
    static const char *const members[] = {"name", "input", NULL};
    const llm_json_t *custom = llm_json_want(node, "custom");
    llm_text_t name = llm_json_text(llm_json_get(custom, "name"));
    llm_text_t input = llm_json_text(llm_json_get(custom, "input"));

    if (llm_text_is_empty(name) || !input.data) {
        return expected(pool, where, ".custom", "name and input");
    }
    llm_parts_add_call(parts, llm_json_string(llm_json_get(node, "id"), pool),
                       name, llm_openai_input_as_args(input, pool), NULL, pool);
    llm_ask_add_unknowns(ask, node, known, where, pool);
    llm_ask_add_unknowns(ask, custom, members, where, pool);
    return NULL;
}

llm_bytes_t llm_openai_input_as_args(llm_text_t input, apr_pool_t *pool)
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

llm_text_t llm_openai_args_as_input(llm_bytes_t args, apr_pool_t *pool)
{
    llm_text_t input = LLM_TEXT_NONE;

    if (llm_json_scan(args.data, args.len, take_input, &input, NULL)
        || !input.data) {
        return llm_text_escape(args.data, args.len, pool);
    }
    return input;
}

void llm_openai_put_custom_call(llm_buf_t *out, const llm_call_t *call,
                                apr_pool_t *pool)
{
    llm_put_string_member(out, "type", "custom");
    llm_buf_lit(out, ",\"custom\":{");
    llm_put_needed_text(out, "name", call->name);
    llm_put_needed_text(out, "input",
                        llm_openai_args_as_input(call->args, pool));
    llm_buf_putc(out, '}');
}

void llm_openai_settle_input(llm_buf_t *text, apr_pool_t *pool)
{
    llm_text_t kept = {text->data ? text->data : "", text->len}, input;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, pool);
    input = llm_openai_args_as_input(llm_text_decode(kept, scratch), scratch);
    llm_buf_clear(text);
    llm_buf_append(text, input.data, input.len);
    apr_pool_destroy(scratch);
}

llm_text_t llm_openai_input_piece(llm_text_t piece, int first, int last,
                                  apr_pool_t *pool)
{
    llm_text_t text =
        llm_text_escape(piece.data ? piece.data : "", piece.len, pool);

    text.data = apr_pstrcat(pool, first ? "{\\\"input\\\":\\\"" : "",
                            apr_pstrmemdup(pool, text.data, text.len),
                            last ? "\\\"}" : "", NULL);
    text.len = strlen(text.data);
    return text;
}
