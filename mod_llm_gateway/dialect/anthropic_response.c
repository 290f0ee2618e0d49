/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole answer of the Messages API, in the gateway's terms.
 *
 * Blocks that tell of what Anthropic's own servers did (server tools and their
 * results, containers, compaction) are parts only this dialect understands: a
 * server tool's use must not become a tool call that the client would answer.
 */
#include "dialect/anthropic_internal.h"

#include <apr_strings.h>

/* The input of the tool that was forced for its input's sake: the answer, as
 * text. */
static llm_text_t answer_in(const llm_json_t *input, apr_pool_t *pool)
{
    llm_buf_t *buf = llm_buf_make(0, pool);

    llm_buf_put_quoted(buf, llm_args_from_json(input));
    return (llm_text_t){buf->data + 1, buf->len - 2};
}

static void read_call(llm_parts_t *parts, const llm_ask_t *ask,
                      const llm_json_t *block, apr_pool_t *pool)
{
    const llm_json_t *name = llm_json_get(block, "name");
    const llm_json_t *input = llm_json_want(block, "input");
    const char *id = llm_json_string(llm_json_get(block, "id"), pool);

    if (llm_ask_is_answer(ask, llm_json_text(name))) {
        llm_parts_add_text(parts, LLM_PART_TEXT, answer_in(input, pool), pool);
    }
    else {
        llm_parts_add_call(parts, id, llm_json_text(name),
                           llm_args_from_json(input), NULL, pool);
    }
}

/* A block's citations are of all of its text. */
static void read_text(llm_parts_t *parts, const llm_json_t *block,
                      llm_text_t text, apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(block, "citations"), *node;
    llm_cites_t cites = {NULL, NULL};
    llm_cite_t *cite;

    for (node = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL; node;
         node = node->next) {
        llm_anthropic_read_citation(&cites, node, pool);
    }
    if (cites.first) {
        llm_extent_t extent = llm_parts_extent(parts->first, NULL);
        apr_int64_t start = extent.chars;

        llm_extent_add(&extent, text);
        for (cite = cites.first; cite; cite = cite->next) {
            if (cite->end < 0) {
                cite->start = start;
                cite->end = extent.chars;
                cite->said = text;
            }
        }
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, text, pool)->citations =
        cites.first;
}

static void read_block(llm_parts_t *parts, const llm_ask_t *ask,
                       const llm_json_t *block, apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(block, "type");
    llm_part_t *part;

    if (llm_json_equals(type, "text")) {
        llm_text_t text = llm_json_text(llm_json_get(block, "text"));

        if (text.len) {
            read_text(parts, block, text, pool);
        }
    }
    else if (llm_json_equals(type, "tool_use")) {
        read_call(parts, ask, block, pool);
    }
    else if (llm_json_equals(type, "thinking")) {
        llm_text_t signature = llm_json_text(llm_json_get(block, "signature"));

        part = llm_parts_add_text(
            parts, LLM_PART_THINKING,
            llm_json_text(llm_json_get(block, "thinking")), pool);
        part->signature = signature.len ? signature : LLM_TEXT_NONE;
    }
    else if (llm_json_equals(type, "redacted_thinking")) {
        llm_parts_add_text(parts, LLM_PART_REDACTED,
                           llm_json_text(llm_json_get(block, "data")), pool);
    }
    else {
        llm_parts_add(parts, LLM_PART_PROVIDER, pool)->raw = block;
    }
}

static void read_end(llm_choice_t *choice, const llm_ask_t *ask,
                     const llm_json_t *doc)
{
    const llm_part_t *parts = choice->parts;

    choice->finish = llm_finish_beside(
        llm_anthropic_finish(llm_json_want(doc, "stop_reason")),
        llm_parts_have(parts, LLM_PART_TOOL_CALL));
    choice->stop_sequence = llm_json_text(llm_json_want(doc, "stop_sequence"));
    if (choice->finish == LLM_FINISH_NONE) {
        choice->finish = LLM_FINISH_OTHER;
    }
    if (choice->finish == LLM_FINISH_TOOL_CALLS && llm_ask_format_tool(ask)
        && !llm_parts_have(parts, LLM_PART_TOOL_CALL)) {
        choice->finish = LLM_FINISH_STOP; /* the call was the answer */
    }
}

llm_problem_t *llm_anthropic_read_response(llm_answer_t **panswer,
                                           const llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool)
{
    const llm_json_t *content = llm_json_get(doc, "content"), *block;
    llm_answer_t *answer = llm_answer_make(pool);
    llm_problem_t *problem = llm_anthropic_problem_in(doc, pool);
    llm_choices_t choices = {NULL, NULL};
    llm_parts_t parts = {NULL, NULL};

    *panswer = answer;
    if (problem) {
        return problem;
    }
    if (ask->op == LLM_OP_COUNT
        && llm_json_int(llm_json_get(doc, "input_tokens"), &answer->tokens)) {
        return NULL;
    }
    if (!llm_json_is(content, LLM_JSON_ARRAY)) {
        problem = llm_problem_make(
            LLM_PROBLEM_UPSTREAM, pool, "the provider's answer has no %s",
            ask->op == LLM_OP_COUNT ? "input_tokens" : "content");
        problem->from_upstream = 1;
        return problem;
    }
    for (block = content->child; block; block = block->next) {
        read_block(&parts, ask, block, pool);
    }
    answer->id = llm_json_string(llm_json_get(doc, "id"), pool);
    answer->model = llm_json_string(llm_json_get(doc, "model"), pool);
    answer->choices = llm_choices_add(&choices, 0, pool);
    answer->choices->parts = parts.first;
    read_end(answer->choices, ask, doc);
    llm_anthropic_take_usage(answer->usage, llm_json_want(doc, "usage"), 0);
    return NULL;
}
