/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One exchange run through the dialects, shown as text that can be compared.
 *
 * What an answer says is shown choice by choice and kind by kind, however its
 * pieces were mixed, so that a whole answer, the same answer streamed, and the
 * same answer after a translation look alike:
 *
 *     thinking 0 "Let me see"
 *     signature 0 EqQB
 *     redacted 0 EmwK
 *     text 0 "Hello"
 *     refusal 0 "No."
 *     call 0 call_1 get_weather {"city":"Paris"}
 *     finish 0 tool_calls
 *     usage input=5 cache_read=3 output=7
 *     problem rate_limited 429 slow down
 *
 * Text is shown as it travels, escaped; "-" is an id the provider does not
 * give. Everything lives in the test's pool.
 */
#ifndef LLM_TEST_EXCHANGE_H
#define LLM_TEST_EXCHANGE_H

#include "dialect/dialect.h"

#define CHOICES 4

typedef struct said_call_t {
    const char *id;
    const char *name;
    llm_buf_t *args; /* JSON text */
} said_call_t;

typedef struct said_t {
    llm_buf_t *thinking, *signatures, *redacted, *text, *refusal;
    apr_array_header_t *calls; /* of said_call_t */
    llm_finish_e finish;
    const char *stop_sequence;
} said_t;

/* All that an answer said. */
typedef struct answer_t {
    said_t choices[CHOICES];
    llm_usage_t usage;
    const llm_problem_t *problem; /* or NULL */
    const char *id, *model;
    int begun, ended; /* of a stream */
} answer_t;

/* How a stream's bytes are cut before they are fed. */
typedef struct cuts_t {
    apr_size_t size; /* 0: whole; else pieces of so many bytes */
    unsigned seed;   /* not 0: pieces of 1 to 2 * size bytes, at random */
} cuts_t;

const llm_dialect_t *exchange_dialect(const char *name);
const llm_json_t *exchange_json(const char *data, apr_size_t len);
llm_ask_t *exchange_ask(const char *client, llm_op_e op, const char *body);
llm_provider_t *exchange_provider(const char *dialect, const char *url);

/* What an answer in our terms says. */
answer_t *exchange_see(const llm_answer_t *answer);
/* The provider's answer. */
answer_t *exchange_read(const char *provider, const llm_ask_t *ask,
                        const char *body, apr_size_t len);
answer_t *exchange_read_stream(const char *provider, const llm_ask_t *ask,
                               const char *body, apr_size_t len, cuts_t cuts);
/* The provider's answer as the client gets it; NULL and *pproblem where it is
 * an error. A stream is checked for what its dialect allows; it comes as
 * exchange_stream_text shows it. */
const char *exchange_write(const char *provider, const char *client,
                           const llm_ask_t *ask, const char *body,
                           apr_size_t len, llm_problem_t **pproblem);
const char *exchange_write_stream(const char *provider, const char *client,
                                  const llm_ask_t *ask, const char *body,
                                  apr_size_t len, cuts_t cuts);

/* What was written for a client as a text: AWS's messages a line each, as
 * messages.h has them. */
const char *exchange_stream_text(const char *client, const llm_buf_t *out);

/* NULL where the texts are the same, else the first line that differs. */
const char *exchange_differ(const char *found, const char *expected);

/* One choice; ids: whether the calls' ids are shown. */
void exchange_show_said(llm_buf_t *out, int choice, const said_t *said,
                        int ids);
/* As the lines above. */
const char *exchange_show(const answer_t *answer);
/* What of an answer reaches a client of this dialect: as the lines above, but
 * for what the dialect cannot say. */
const char *exchange_show_for(const answer_t *answer, const char *client);

/* Fails the test when a stream of the client's dialect is not what the
 * dialect allows. Dialects without a rule book here are not checked. */
void exchange_check_stream(const char *client, const llm_ask_t *ask,
                           const char *stream);

/* The request a provider gets: its path, its body, and what was dropped. Or
 * "refused <param>: <message>". */
const char *exchange_request(const llm_provider_t *provider,
                             const llm_ask_t *ask, const char *model);

#endif /* LLM_TEST_EXCHANGE_H */
