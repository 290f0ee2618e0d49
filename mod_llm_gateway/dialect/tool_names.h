/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of tools that a provider does not take: written as others, and told to
 * the client as its own.
 *
 * Gemini and MCP allow dots, colons and long names, OpenAI and Anthropic
 * refuse the whole request for one. What a name becomes depends on the request
 * alone, so calls in a history, the tools and a choice agree, and nothing is
 * remembered between requests.
 */
#ifndef DIALECT_TOOL_NAMES_H
#define DIALECT_TOOL_NAMES_H

#include "dialect/dialect.h"

/* What a provider takes as a tool's name. */
typedef struct llm_tool_rule_t {
    const char *also;       /* besides letters and digits */
    apr_size_t max;         /* characters; 0: anything is taken */
    int begins_with_letter; /* or "_" */
} llm_tool_rule_t;

/* `ask` itself where its names keep the rule; else a copy in `pool` in which
 * they do, its tools with the client's name in `given`. */
const llm_ask_t *llm_tool_names_fit(const llm_ask_t *ask,
                                    const llm_tool_rule_t *rule,
                                    apr_pool_t *pool);

/* The client's name of a tool that the provider calls `name`. `fitted` is the
 * ask as it was written. */
llm_text_t llm_tool_given_name(const llm_ask_t *fitted, llm_text_t name);

/* The same in the calls of an answer, which is changed. */
void llm_tool_names_give_back(llm_answer_t *answer, const llm_ask_t *fitted,
                              apr_pool_t *pool);

#endif /* DIALECT_TOOL_NAMES_H */
