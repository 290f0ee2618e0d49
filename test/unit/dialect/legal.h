/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rule books of streams share: legal.c has those of OpenAI's chats
 * and of Anthropic, legal_responses.c that of Responses, legal_gemini.c that of
 * Gemini, legal_cohere.c those of Cohere and Ollama, legal_bedrock.c that of
 * Bedrock.
 */
#ifndef LLM_TEST_LEGAL_H
#define LLM_TEST_LEGAL_H

#include "test/unit/dialect/exchange.h"

typedef struct legal_event_t {
    const char *name; /* or NULL */
    const char *data;
} legal_event_t;

/* The next event of a stream that is taken apart as it is read; 0 at its end.
 */
int legal_next_event(char **pat, legal_event_t *event);
const llm_json_t *legal_json(const legal_event_t *event);
/* A member that must be there. */
const char *legal_string(const llm_json_t *doc, const char *name);
int legal_int(const llm_json_t *doc, const char *name);

/* A message a line. */
void legal_check_bedrock(char *stream);
void legal_check_cohere(char *stream);
void legal_check_ollama(const llm_ask_t *ask, char *stream);
void legal_check_responses(char *stream);
/* In either of its framings. */
void legal_check_gemini(const llm_ask_t *ask, char *stream);

#endif /* LLM_TEST_LEGAL_H */
