/* SPDX-License-Identifier: Apache-2.0 */
/* A request's tokens as they are added up: for llm_tokens_*.c alone. */
#ifndef LLM_TOKENS_INTERNAL_H
#define LLM_TOKENS_INTERNAL_H

#include "core/llm_tokens.h"

/* Deeper values are not looked at: the reader bounds the depth already. */
#define LLM_TOKENS_DEPTH 128

typedef struct llm_tokens_sum_t {
    const llm_family_t *family;
    llm_tally_t text;    /* what is read as it is written */
    llm_tally_t tools;   /* JSON of tools */
    llm_tally_t schemas; /* JSON of the answer's schema */
    apr_int64_t others;  /* tokens that are not text: media, ids */
    unsigned messages, calls, results;
    unsigned tool_count, properties, choices, schema_count;
    int has_system, is_forced, is_thinking;
    int run; /* each string is a text of its own */
    apr_pool_t *pool;
} llm_tokens_sum_t;

void llm_tokens_add_text(llm_tokens_sum_t *sum, llm_text_t text);
/* As JSON without blanks. */
void llm_tokens_add_json(llm_tokens_sum_t *sum, llm_tally_t *tally,
                         const llm_json_t *node);
/* An array of tools, in whichever dialect. */
void llm_tokens_add_tools(llm_tokens_sum_t *sum, const llm_json_t *tools);
/* What tells the form of the answer: the schema in it, wherever it is. */
void llm_tokens_add_format(llm_tokens_sum_t *sum, const llm_json_t *format);
/* What tools and schemas take in all. */
apr_int64_t llm_tokens_of_tools(llm_tokens_sum_t *sum,
                                llm_tokenizer_t tokenizer);

#endif /* LLM_TOKENS_INTERNAL_H */
