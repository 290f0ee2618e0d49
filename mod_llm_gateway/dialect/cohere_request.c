/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes a request to Cohere: options, tools and embeddings here,
 * turns in cohere_turns.c.
 */
#include "dialect/cohere_internal.h"
#include "dialect/limits.h"
#include "dialect/schema.h"

#include <string.h>

#include <apr_strings.h>

/* Cohere's own words: what clients of the other dialects add to ask for
 * them. */
static const char *const in_embed[] = {"input_type", "truncate", NULL};
static const char *const in_chat[] = {
    "safety_mode",  "documents", "citation_options",
    "strict_tools", "priority",  NULL,
};

static const llm_json_t *own_member(const llm_ask_t *ask, const char *name)
{
    int i;

    for (i = 0; i < ask->unknown->nelts; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);

        if (llm_text_equals(member->name, name)) {
            return member;
        }
    }
    return NULL;
}

/* ---- tools ---- */

static void put_tool(llm_buf_t *out, const llm_tool_t *tool)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"type\":\"function\",\"function\":{");
    llm_put_text_member(out, "name", tool->name);
    llm_put_text_member(out, "description", tool->description);
    llm_put_name(out, "parameters");
    llm_put_tool_schema(out, tool->schema);
    llm_buf_lit(out, "}}");
}

/* To force one tool, it is the only one that is named. */
static int is_wanted(const llm_ask_t *ask, const llm_tool_t *tool)
{
    return ask->choose != LLM_CHOOSE_TOOL
           || llm_text_is_same(tool->name, ask->choose_name);
}

static void put_tools(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask)
{
    const llm_tool_t *tool;

    if (!ask->tools) {
        return;
    }
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        if (is_wanted(ask, tool)) {
            put_tool(out, tool);
        }
        if (llm_json_is_true(tool->strict)) {
            llm_request_drop(req, "tools.function.strict");
        }
        if (tool->cache) {
            llm_request_drop(req, "tools.cache_control");
        }
    }
    llm_buf_putc(out, ']');
    if (ask->choose == LLM_CHOOSE_ANY || ask->choose == LLM_CHOOSE_TOOL) {
        llm_put_string_member(out, "tool_choice", "REQUIRED");
    }
    else if (ask->choose == LLM_CHOOSE_NONE) {
        llm_put_string_member(out, "tool_choice", "NONE");
    }
}

/* ---- options ---- */

/* Cohere's top_p ends below 1, which would be no limit at all. */
static void put_top_p(llm_buf_t *out, const llm_json_t *top_p)
{
    double value;

    if (llm_json_double(top_p, &value) && value >= 1) {
        llm_put_raw_member(out, "p", "0.99");
    }
    else {
        llm_put_member(out, "p", top_p);
    }
}

static void put_thinking(llm_buf_t *out, llm_request_t *req,
                         const llm_ask_t *ask, const char *model)
{
    static const llm_word_t budgets[] = {
        {"minimal", 1024}, {"low", 2048},  {"medium", 8192}, {"high", 16384},
        {"xhigh", 32768},  {"max", 32768}, {NULL, 0},
    };
    int budget = llm_word_value(budgets, ask->effort, 0);

    if (!ask->thinking) {
        return;
    }
    if (!llm_cohere_thinks(model)) {
        if (ask->thinking > 0) {
            llm_request_drop(req, ask->effort.data ? "reasoning_effort"
                                                   : "thinking");
        }
        return;
    }
    llm_put_name(out, "thinking");
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type",
                          ask->thinking > 0 ? "enabled" : "disabled");
    if (ask->thinking > 0 && ask->thinking_budget) {
        llm_put_member(out, "token_budget", ask->thinking_budget);
    }
    else if (ask->thinking > 0 && budget) {
        llm_put_int_member(out, "token_budget", budget);
    }
    llm_buf_putc(out, '}');
}

static void put_format(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                       apr_pool_t *pool)
{
    llm_bytes_t schema;

    if (ask->format != LLM_FORMAT_JSON && ask->format != LLM_FORMAT_SCHEMA) {
        return;
    }
    llm_put_name(out, "response_format");
    llm_buf_lit(out, "{\"type\":\"json_object\"");
    if (ask->format == LLM_FORMAT_SCHEMA) {
        llm_schema_fit(&schema, ask->format_schema, &llm_schema_cohere,
                       "response_format.json_schema.schema", req, pool);
        llm_put_name(out, "json_schema");
        llm_buf_append(out, schema.data, schema.len);
    }
    llm_buf_putc(out, '}');
    if (ask->format_name.data) {
        llm_request_drop(req, "response_format.json_schema.name");
    }
}

/* ---- what cannot be done ---- */

static const llm_limits_t limits = {
    .who = LLM_COHERE_NAME,
    .lacks = LLM_LACKS_SEVERAL | LLM_LACKS_LOGIT_BIAS | LLM_LACKS_EFFORT
             | LLM_LACKS_LOGPROBS /* its own have no tokens' texts */
             | LLM_LACKS_TOOL_FORMAT | LLM_LACKS_LABELS,
    .cites = 1,
};

/* ---- requests ---- */

static llm_problem_t *put_chat(llm_buf_t *out, llm_request_t *req,
                               const llm_ask_t *ask, const char *model,
                               apr_pool_t *pool)
{
    llm_problem_t *problem =
        llm_cohere_put_messages(out, req, ask, model, pool);
    const char *const *name;

    if (!problem) {
        put_tools(out, req, ask);
        put_format(out, req, ask, pool);
    }
    llm_put_member(out, "max_tokens", ask->max_tokens);
    llm_put_member(out, "temperature", ask->temperature);
    put_top_p(out, ask->top_p);
    llm_put_member(out, "k", ask->top_k);
    llm_put_member(out, "seed", ask->seed);
    llm_put_member(out, "frequency_penalty", ask->frequency_penalty);
    llm_put_member(out, "presence_penalty", ask->presence_penalty);
    llm_put_list_member(out, "stop_sequences", ask->stop);
    put_thinking(out, req, ask, model);
    if (!own_member(ask, "documents")) {
        llm_cohere_put_documents(out, ask, pool);
    }
    for (name = in_chat; *name; ++name) {
        llm_put_member(out, *name, own_member(ask, *name));
    }
    if (ask->stream) {
        llm_put_raw_member(out, "stream", "true");
    }
    return problem;
}

static llm_problem_t *put_embed(llm_buf_t *out, const llm_ask_t *ask,
                                apr_pool_t *pool)
{
    const llm_json_t *input = ask->embed_input, *node;
    const llm_json_t *type = own_member(ask, "input_type");

    llm_put_name(out, "texts");
    if (input->type == LLM_JSON_STRING) {
        llm_buf_putc(out, '[');
        llm_json_put(out, input);
        llm_buf_putc(out, ']');
    }
    else {
        for (node = input->child; node; node = node->next) {
            if (node->type != LLM_JSON_STRING) {
                return llm_problem_field(pool, "input",
                                         "expected a string or an array of "
                                         "strings");
            }
        }
        llm_json_put(out, input);
    }
    if (type) {
        llm_put_member(out, "input_type", type);
    }
    else { /* demanded; what most texts are embedded for */
        llm_put_string_member(out, "input_type", "search_document");
    }
    llm_put_raw_member(out, "embedding_types", "[\"float\"]");
    llm_put_member(out, "output_dimension", ask->dimensions);
    llm_put_member(out, "truncate", own_member(ask, "truncate"));
    return NULL;
}

llm_problem_t *llm_cohere_write_request(llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        const llm_provider_t *provider,
                                        apr_pool_t *pool)
{
    int is_embed = ask->op == LLM_OP_EMBED;
    llm_buf_t *out = llm_request_buf(pool);
    llm_problem_t *problem = llm_ask_fit(&ask, req, &limits, pool);

    if (!problem) {
        problem = llm_request_settle_unknown(
            req, ask, is_embed ? in_embed : in_chat, pool);
    }
    if (problem) {
        return problem;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    problem = is_embed ? put_embed(out, ask, pool)
                       : put_chat(out, req, ask, model, pool);
    llm_buf_putc(out, '}');
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path =
        llm_cohere_path(provider, is_embed ? "/v2/embed" : "/v2/chat", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return problem;
}
