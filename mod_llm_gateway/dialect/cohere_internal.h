/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Cohere dialect (v2) share.
 *
 *   cohere.c           the record, words, usage
 *   cohere_path.c      what paths ask for, addresses, requests that pass
 *   cohere_client.c    a client's request becomes an ask: options, tools
 *   cohere_messages.c  its messages become turns
 *   cohere_response.c  answers for a client: whole, models, errors
 *   cohere_writer.c    a streamed answer for a client
 *   cohere_request.c   an ask becomes a request: options, tools, embeddings
 *   cohere_turns.c     its turns become messages
 *   cohere_answer.c    whole and streamed answers of the provider
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_COHERE_INTERNAL_H
#define DIALECT_COHERE_INTERNAL_H

#include "dialect/cite.h"
#include "dialect/common.h"

#define LLM_COHERE_NAME "Cohere"

/* finish_reason; NONE where it is not said. */
llm_finish_e llm_cohere_finish(const llm_json_t *reason);
/* `usage` or `meta` of an answer, or of the event that ends a stream. */
int llm_cohere_read_usage(llm_usage_t *usage, const llm_json_t *doc);
/* Does this model take `thinking`? */
int llm_cohere_thinks(const char *model);

/* ---- facing a client ------------------------------------------------- */

/* `messages` into ask->turns. */
llm_problem_t *llm_cohere_read_messages(llm_ask_t *ask,
                                        const llm_json_t *messages,
                                        apr_pool_t *pool);
const char *llm_cohere_finish_name(llm_finish_e finish);
/* The member `usage` of the open object; nothing where nothing is known. */
void llm_cohere_put_usage(llm_buf_t *out, const llm_usage_t *usage);
int llm_cohere_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                         const char *path, const char *query, apr_pool_t *pool);
llm_problem_t *llm_cohere_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool);
void llm_cohere_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool);
llm_writer_t *llm_cohere_writer_make(const llm_ask_t *ask, const char *id,
                                     apr_time_t now, apr_pool_t *pool);
void llm_cohere_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta);
void llm_cohere_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id);
void llm_cohere_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id);
int llm_cohere_is_problem(const llm_json_t *doc);
void llm_cohere_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool);
void llm_cohere_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool);

/* ---- facing a provider ----------------------------------------------- */

/* "/v2/chat" behind the provider's base path. */
const char *llm_cohere_path(const llm_provider_t *provider, const char *suffix,
                            apr_pool_t *pool);
llm_problem_t *llm_cohere_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool);
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

/* Adds the sources of a citation, one by one, its places being of the content
 * it stands in; and the citation of one source, of the content of this number
 * (-1: the plan), before which there are `offset` characters. `ask` may be NULL. */
void llm_cohere_read_citation(llm_cites_t *cites, const llm_json_t *node,
                              const llm_ask_t *ask, apr_pool_t *pool);
void llm_cohere_put_citation(llm_buf_t *out, const llm_cite_t *cite,
                             const llm_ask_t *ask, int index,
                             apr_int64_t offset);

/* ---- documents ------------------------------------------------------- */

/* `documents` of a client's request into ask->turns, which are read; and those
 * of the turns as the member. */
llm_problem_t *llm_cohere_read_documents(llm_ask_t *ask, const llm_json_t *doc,
                                         apr_pool_t *pool);
void llm_cohere_put_documents(llm_buf_t *out, const llm_ask_t *ask,
                              apr_pool_t *pool);

#endif /* DIALECT_COHERE_INTERNAL_H */
