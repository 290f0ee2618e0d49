/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Ollama dialect share.
 *
 *   ollama.c           the record, words, usage, addresses
 *   ollama_request.c   an ask becomes a request
 *   ollama_answer.c    whole and streamed answers of the server
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_OLLAMA_INTERNAL_H
#define DIALECT_OLLAMA_INTERNAL_H

#include "dialect/common.h"

/* `done_reason` of a document that says `done`, else NONE; calls: the answer
 * has tool calls, which the server ends with "stop". */
llm_finish_e llm_ollama_finish(const llm_json_t *doc, int calls);
/* `created_at` as Unix seconds, 0 when it is not said. */
apr_int64_t llm_ollama_created(const llm_json_t *doc, apr_pool_t *pool);
int llm_ollama_read_usage(llm_usage_t *usage, const llm_json_t *doc);
/* {"error": ...} under status 200: NULL where the document is none. */
llm_problem_t *llm_ollama_problem_in(const llm_json_t *doc, apr_pool_t *pool);

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
