/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Bedrock dialect (Converse and ConverseStream) share.
 *
 *   bedrock.c           the record, words, usage, errors, signing
 *   bedrock_request.c   an ask becomes a request: options, tools, formats
 *   bedrock_turns.c     its turns become messages
 *   bedrock_answer.c    whole and streamed answers of the provider
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_BEDROCK_INTERNAL_H
#define DIALECT_BEDROCK_INTERNAL_H

#include "dialect/common.h"

#define LLM_BEDROCK_NAME "bedrock"

/* The tool that is forced where a model cannot be held to a format: its input
 * is the answer. */
#define LLM_BEDROCK_FORMAT_TOOL "answer_as_json"
/* Is this call the answer itself? `ask` may be NULL. */
int llm_bedrock_is_format_tool(const llm_ask_t *ask, const llm_json_t *name);

/* stopReason; NONE where it is not said. */
llm_finish_e llm_bedrock_finish(const llm_json_t *reason);
int llm_bedrock_read_usage(llm_usage_t *usage, const llm_json_t *doc);

/* Does the model take cache points? Others refuse a request that has one. */
int llm_bedrock_caches(const char *model);
/* A cache point, where the part is marked for one: what stands before it is
 * kept. Where the model `can` not, that is told. */
void llm_bedrock_put_cache(llm_buf_t *out, llm_request_t *req,
                           const llm_json_t *mark, int can);
/* The turns as the `system` and `messages` members of the open object. */
llm_problem_t *llm_bedrock_put_messages(llm_buf_t *out, llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        apr_pool_t *pool);
llm_problem_t *llm_bedrock_write_request(llm_request_t *req,
                                         const llm_ask_t *ask,
                                         const char *model,
                                         const llm_provider_t *provider,
                                         apr_pool_t *pool);
llm_problem_t *llm_bedrock_read_response(llm_answer_t **panswer,
                                         const llm_ask_t *ask,
                                         const llm_json_t *doc,
                                         apr_pool_t *pool);
/* An event that is an error by its name: NULL where it is none. */
llm_problem_t *llm_bedrock_event_problem(const llm_event_t *event,
                                         apr_pool_t *pool);
llm_reader_t *llm_bedrock_reader_make(const llm_ask_t *ask, apr_pool_t *pool);
void llm_bedrock_read_event(llm_reader_t *reader, const llm_event_t *event,
                            llm_delta_cb *emit, void *baton,
                            apr_pool_t *scratch);
void llm_bedrock_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                            void *baton, apr_pool_t *scratch);

#endif /* DIALECT_BEDROCK_INTERNAL_H */
