/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Ollama dialect share.
 *
 *   ollama.c           the record, words, usage
 *   ollama_path.c      what paths ask for, addresses, requests that pass
 *   ollama_client.c    a client's request becomes an ask: options, tools
 *   ollama_messages.c  its messages become turns
 *   ollama_writer.c    answers for a client: whole, streamed, models, errors
 *   ollama_request.c   an ask becomes a request
 *   ollama_answer.c    whole and streamed answers of the server
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_OLLAMA_INTERNAL_H
#define DIALECT_OLLAMA_INTERNAL_H

#include "dialect/common.h"

/* The done_reason of a filtered answer, which the server itself never gives. */
#define LLM_OLLAMA_FILTERED "content_filter"

/* `done_reason` of a document that says `done`, else NONE; calls: the answer
 * has tool calls, which the server ends with "stop". */
llm_finish_e llm_ollama_finish(const llm_json_t *doc, int calls);
/* `created_at` as Unix seconds, 0 when it is not said. */
apr_int64_t llm_ollama_created(const llm_json_t *doc, apr_pool_t *pool);
int llm_ollama_read_usage(llm_usage_t *usage, const llm_json_t *doc);
/* {"error": ...} under status 200: NULL where the document is none. */
llm_problem_t *llm_ollama_problem_in(const llm_json_t *doc, apr_pool_t *pool);

/* ---- facing a client ------------------------------------------------- */

/* `messages` into ask->turns, or `prompt`, `system` and `images`. */
llm_problem_t *llm_ollama_read_messages(llm_ask_t *ask, const llm_json_t *doc,
                                        apr_pool_t *pool);
llm_problem_t *llm_ollama_read_prompt(llm_ask_t *ask, const llm_json_t *doc,
                                      apr_pool_t *pool);
int llm_ollama_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                         const char *path, const char *query, apr_pool_t *pool);
llm_problem_t *llm_ollama_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool);
void llm_ollama_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool);
llm_writer_t *llm_ollama_writer_make(const llm_ask_t *ask, const char *id,
                                     apr_time_t now, apr_pool_t *pool);
void llm_ollama_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta);
void llm_ollama_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id);
void llm_ollama_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id);
int llm_ollama_is_problem(const llm_json_t *doc);
void llm_ollama_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool);
void llm_ollama_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool);

/* ---- facing a provider ----------------------------------------------- */

/* "/api/chat" behind the provider's base path. */
const char *llm_ollama_path(const llm_provider_t *provider, const char *suffix,
                            apr_pool_t *pool);
llm_problem_t *llm_ollama_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool);
llm_problem_t *llm_ollama_write_request(llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        const llm_provider_t *provider,
                                        apr_pool_t *pool);
llm_problem_t *llm_ollama_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc,
                                        apr_pool_t *pool);
llm_reader_t *llm_ollama_reader_make(const llm_ask_t *ask, apr_pool_t *pool);
void llm_ollama_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *emit, void *baton,
                           apr_pool_t *scratch);
void llm_ollama_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                           void *baton, apr_pool_t *scratch);

#endif /* DIALECT_OLLAMA_INTERNAL_H */
