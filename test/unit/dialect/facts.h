/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shorthand for tests of what providers are known to send. Such a test has the
 * number of its fact in a comment of the form "fact 12", as
 * docs/internals/facts.md lists them.
 *
 * In all texts here ' stands for ", so that JSON can be read.
 */
#ifndef LLM_TEST_FACTS_H
#define LLM_TEST_FACTS_H

#include <string.h>

#include <apr_strings.h>

#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

#define EVENT(json)       "data: " json "\n\n"
#define NAMED(name, json) "event: " name "\ndata: " json "\n\n"
#define DONE              "data: [DONE]\n\n"

/* One chunk of an OpenAI chat: with a delta, and with what follows it. */
#define CHUNK(delta) EVENT("{'choices':[{'index':0,'delta':{" delta "}}]}")
#define ENDED(reason)                                                          \
    EVENT("{'choices':[{'index':0,'delta':{},'finish_reason':'" reason "'}]}")

/* The text with its quotes. */
const char *facts_text(const char *text);
/* What a client of this dialect asked: a chat, streamed, with its usage. */
const llm_ask_t *facts_ask(const char *client);

/* The answer says this, line by line as exchange.h has it. */
void facts_whole(const char *provider, const char *body, const char *said);
/* The streamed one does, however it is cut; AWS's are a message a line. */
void facts_stream(const char *provider, const char *text, const char *said);
/* The answer as a client of another dialect gets it. */
const char *facts_whole_for(const char *client, const char *provider,
                            const char *body);
const char *facts_stream_for(const char *client, const char *provider,
                             const char *text);
/* "kind status message; retry after n", and type and code where there are. */
void facts_problem(const char *provider, int status, const char *body,
                   const char *said);
/* The body a provider at this address gets for an OpenAI chat; NULL: the
 * dialect's own address. */
const char *facts_sent(const char *provider, const char *url,
                       const char *request);

void facts_has(const char *text, const char *part);
void facts_lacks(const char *text, const char *part);
int facts_count(const char *text, const char *part);

#endif /* LLM_TEST_FACTS_H */
