/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools and schemas take.
 *
 * A tool is an object with a name and a schema of its arguments; dialects put
 * it into different wrappers and call the schema differently. What a provider
 * runs itself (a search, an interpreter) has no schema: what it adds is not
 * known and not counted.
 *
 * Most models are shown a tool's JSON. OpenAI's read an outline like a
 * declaration in TypeScript: names, types and descriptions, with a few signs
 * around each, so it is the members that are counted there.
 */
#include "core/llm_tokens_internal.h"

static const char *const schema_names[] = {
    "parameters",
    "input_schema",
    "parametersJsonSchema",
    "parameters_json_schema",
};

static void add_plain(llm_tokens_sum_t *sum, llm_tally_t *tally,
                      const char *data, apr_size_t len)
{
    llm_bytes_t bytes = {data, len};

    llm_tally_add_plain(tally, bytes, sum->run);
}

static void add_node(llm_tokens_sum_t *sum, llm_tally_t *tally,
                     const llm_json_t *node, int depth)
{
    int is_object = node->type == LLM_JSON_OBJECT;
    const char *before = is_object ? "{" : "[";

    if ((!is_object && node->type != LLM_JSON_ARRAY)
        || depth >= LLM_TOKENS_DEPTH) {
        add_plain(sum, tally, node->raw.data, node->raw.len);
        return;
    }
    for (const llm_json_t *at = node->child; at; at = at->next) {
        add_plain(sum, tally, before, 1);
        before = ",";
        if (is_object) {
            add_plain(sum, tally, "\"", 1);
            add_plain(sum, tally, at->name.data, at->name.len);
            add_plain(sum, tally, "\":", 2);
        }
        add_node(sum, tally, at, depth + 1);
    }
    if (!node->child) {
        add_plain(sum, tally, before, 1);
    }
    add_plain(sum, tally, is_object ? "}" : "]", 1);
}

void llm_tokens_add_json(llm_tokens_sum_t *sum, llm_tally_t *tally,
                         const llm_json_t *node)
{
    ++sum->run;
    add_node(sum, tally, node, 0);
}

/* ---- an outline -------------------------------------------------------- */

static void outline_schema(llm_tokens_sum_t *sum, const llm_json_t *schema,
                           int depth);

static void outline_properties(llm_tokens_sum_t *sum, const llm_json_t *node,
                               int depth)
{
    for (node = node->child; node; node = node->next) {
        ++sum->properties;
        llm_tokens_add_text(sum, node->name);
        outline_schema(sum, node, depth);
    }
}

static void outline_choices(llm_tokens_sum_t *sum, const llm_json_t *node)
{
    for (node = node->child; node; node = node->next) {
        ++sum->choices;
        llm_tokens_add_text(sum, llm_json_text(node));
    }
}

/* What is no object has no members: then there is nothing to do. */
static void outline_schema(llm_tokens_sum_t *sum, const llm_json_t *schema,
                           int depth)
{
    if (depth >= LLM_TOKENS_DEPTH) {
        return;
    }
    for (const llm_json_t *node = schema->child; node; node = node->next) {
        if (llm_text_equals(node->name, "description")) {
            llm_tokens_add_text(sum, llm_json_text(node));
        }
        else if (llm_text_equals(node->name, "properties")) {
            outline_properties(sum, node, depth + 1);
        }
        else if (llm_text_equals(node->name, "enum")) {
            outline_choices(sum, node);
        }
        else if (node->child && !llm_text_equals(node->name, "required")) {
            outline_schema(sum, node, depth + 1);
        }
    }
}

/* ---- tools ------------------------------------------------------------- */

static const llm_json_t *schema_of(const llm_json_t *tool)
{
    const llm_json_t *schema = NULL;
    apr_size_t count = sizeof(schema_names) / sizeof(schema_names[0]);

    for (apr_size_t i = 0; i < count && !schema; ++i) {
        schema = llm_json_want(tool, schema_names[i]);
    }
    return schema;
}

static void add_function(llm_tokens_sum_t *sum, const llm_json_t *tool)
{
    const llm_json_t *name = llm_json_get(tool, "name");
    const llm_json_t *description = llm_json_want(tool, "description");
    const llm_json_t *schema = schema_of(tool);

    if (!llm_json_is(name, LLM_JSON_STRING)
        || (!schema && !description
            && !llm_json_equals(llm_json_get(tool, "type"), "function"))) {
        return;
    }
    ++sum->tool_count;
    if (!sum->family->tool_percent) {
        llm_tokens_add_text(sum, llm_json_text(name));
        llm_tokens_add_text(sum, llm_json_text(description));
        if (schema) {
            outline_schema(sum, schema, 0);
        }
        return;
    }
    ++sum->run;
    add_plain(sum, &sum->tools, "{\"name\":", 8);
    add_node(sum, &sum->tools, name, 0);
    if (description) {
        add_plain(sum, &sum->tools, ",\"description\":", 15);
        add_node(sum, &sum->tools, description, 0);
    }
    if (schema) {
        add_plain(sum, &sum->tools, ",\"parameters\":", 14);
        add_node(sum, &sum->tools, schema, 0);
    }
    add_plain(sum, &sum->tools, "}", 1);
}

static void add_tool(llm_tokens_sum_t *sum, const llm_json_t *tool)
{
    const llm_json_t *list = llm_json_want(tool, "functionDeclarations");
    const llm_json_t *function = llm_json_want(tool, "function");

    if (!list) {
        list = llm_json_want(tool, "function_declarations");
    }
    if (llm_json_is(list, LLM_JSON_ARRAY)) {
        for (list = list->child; list; list = list->next) {
            add_function(sum, list);
        }
        return;
    }
    add_function(sum, llm_json_is(function, LLM_JSON_OBJECT) ? function : tool);
}

void llm_tokens_add_tools(llm_tokens_sum_t *sum, const llm_json_t *tools)
{
    if (llm_json_is(tools, LLM_JSON_ARRAY)) {
        for (tools = tools->child; tools; tools = tools->next) {
            add_tool(sum, tools);
        }
    }
}

/* ---- the answer's form ------------------------------------------------- */

static int is_schema(llm_text_t name)
{
    return llm_text_equals(name, "schema")
           || llm_text_equals(name, "responseSchema")
           || llm_text_equals(name, "responseJsonSchema")
           || llm_text_equals(name, "response_schema")
           || llm_text_equals(name, "response_json_schema");
}

static void add_format(llm_tokens_sum_t *sum, const llm_json_t *format,
                       int depth)
{
    if (depth >= LLM_TOKENS_DEPTH) {
        return;
    }
    for (const llm_json_t *node = format->child; node; node = node->next) {
        if (is_schema(node->name) && node->type == LLM_JSON_OBJECT) {
            ++sum->schema_count;
            llm_tokens_add_json(sum, &sum->schemas, node);
        }
        else if (node->type == LLM_JSON_OBJECT) {
            add_format(sum, node, depth + 1);
        }
    }
}

void llm_tokens_add_format(llm_tokens_sum_t *sum, const llm_json_t *format)
{
    if (sum->family->schema_percent) {
        add_format(sum, format, 0);
    }
}

/* ---- in all ------------------------------------------------------------ */

static apr_int64_t share(llm_tally_t *tally, unsigned percent)
{
    return (llm_tally_tokens(tally) * (apr_int64_t)percent + 50) / 100;
}

apr_int64_t llm_tokens_of_tools(llm_tokens_sum_t *sum,
                                llm_tokenizer_t tokenizer)
{
    const llm_family_t *family = sum->family;
    apr_int64_t tokens = 0;

    if (sum->tool_count) {
        tokens += sum->is_forced ? tokenizer.forced : tokenizer.tools;
        tokens += family->tools + (sum->has_system ? 0 : family->tools_alone);
        tokens += (apr_int64_t)family->tool * sum->tool_count;
        tokens += (apr_int64_t)family->property * sum->properties;
        tokens += (apr_int64_t)family->choice * sum->choices;
        tokens += share(&sum->tools, family->tool_percent);
    }
    if (sum->schema_count) {
        tokens += family->schema + share(&sum->schemas, family->schema_percent);
    }
    return tokens;
}
