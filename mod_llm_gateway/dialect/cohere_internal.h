/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Cohere dialect (v2) share.
 *
 *   cohere.c           the record, words, usage
 *   cohere_request.c   an ask becomes a request: options, tools, embeddings
 *   cohere_turns.c     its turns become messages
 *   cohere_answer.c    whole and streamed answers of the provider
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_COHERE_INTERNAL_H
#define DIALECT_COHERE_INTERNAL_H

#include "dialect/common.h"

#define LLM_COHERE_NAME "Cohere"

/* finish_reason; NONE where it is not said. */
llm_finish_e llm_cohere_finish(const llm_json_t *reason);
/* `usage` or `meta` of an answer, or of the event that ends a stream. */
int llm_cohere_read_usage(llm_usage_t *usage, const llm_json_t *doc);
/* Does this model take `thinking`? */
int llm_cohere_thinks(const char *model);

/* The turns as the `messages` member of the open object. */
llm_problem_t *llm_cohere_put_messages(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask, const char *model,
                                       apr_pool_t *pool);
llm_problem_t *llm_cohere_write_request(llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        const llm_provider_t *provider,
                                        apr_pool_t *pool);
llm_problem_t *llm_cohere_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc,
                                        apr_pool_t *pool);
/* {"type":"message-end"} that says ERROR: NULL where the document is none. */
llm_problem_t *llm_cohere_problem_in(const llm_json_t *doc, apr_pool_t *pool);
llm_reader_t *llm_cohere_reader_make(const llm_ask_t *ask, apr_pool_t *pool);
void llm_cohere_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *emit, void *baton,
                           apr_pool_t *scratch);
void llm_cohere_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                           void *baton, apr_pool_t *scratch);

#endif /* DIALECT_COHERE_INTERNAL_H */
