/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shorthand over exchange.h for tests of one provider dialect: JSON texts in,
 * lines out. In the lines every call's id is "id", since most are made up;
 * wire_id tells the real ones.
 */
#ifndef LLM_TEST_WIRE_H
#define LLM_TEST_WIRE_H

#include "test/unit/dialect/exchange.h"

const llm_json_t *wire_json(const char *text);
/* An OpenAI chat request as an ask. */
const llm_ask_t *wire_ask(const char *request);
/* The body for the ask; the test fails when it is refused. */
const char *wire_body(const char *dialect, const llm_ask_t *ask,
                      const char *model);

/* A whole answer. */
const char *wire_read(const char *dialect, const llm_ask_t *ask,
                      const char *body);
/* A streamed one, cut in many ways, none of which may make a difference. */
const char *wire_stream(const char *dialect, const llm_ask_t *ask,
                        const char *bytes);
/* Ids of the calls in the answer read last. */
const char *wire_id(int number);
int wire_ids(void);

/* "kind status message; retry after n" of an error answer. */
const char *wire_problem(const char *dialect, int status, const char *body);
/* The classes that are known: "input=5 output=7". */
const char *wire_usage(const llm_usage_t *usage);

#endif /* LLM_TEST_WIRE_H */
