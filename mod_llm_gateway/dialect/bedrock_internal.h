/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Bedrock dialect (Converse and ConverseStream) share.
 *
 *   bedrock.c           the record, words, usage, errors, signing
 *   bedrock_path.c      what paths ask for, addresses, requests that pass
 *   bedrock_client.c    a client's request becomes an ask: options, tools
 *   bedrock_blocks.c    its messages become turns
 *   bedrock_response.c  answers for a client: whole, counts, errors
 *   bedrock_writer.c    a streamed answer for a client
 *   bedrock_request.c   an ask becomes a request: options, tools, formats
 *   bedrock_turns.c     its turns become messages
 *   bedrock_media.c     pictures and sound in answers
 *   bedrock_answer.c    whole and streamed answers of the provider
 *   bedrock_citations.c what answers are taken from, both ways
 *   bedrock_embed.c     embeddings, asked and answered
 *   bedrock_invoke.c    InvokeModel: Claude for Anthropic's clients, usage
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_BEDROCK_INTERNAL_H
#define DIALECT_BEDROCK_INTERNAL_H

#include "core/llm_eventstream.h"
#include "dialect/cite.h"
#include "dialect/common.h"

#define LLM_BEDROCK_NAME "bedrock"

/* stopReason; NONE where it is not said. */
llm_finish_e llm_bedrock_finish(const llm_json_t *reason);
int llm_bedrock_read_usage(llm_usage_t *usage, const llm_json_t *doc);

/* "application/pdf" of "pdf"; NULL for what is no format of documents. */
const char *llm_bedrock_document_type(llm_text_t format);
/* "png" of image/png; NULL where there are no bytes, or of another type. */
const char *llm_bedrock_image_format(const llm_media_t *media);

/* ---- citations ------------------------------------------------------- */

/* Adds what the node cites; its place in the answer is for the caller to say,
 * unless it is told. */
void llm_bedrock_read_citation(llm_cites_t *cites, const llm_json_t *node,
                               apr_pool_t *pool);
/* start and end: the characters its block has, -1 where it is open. */
void llm_bedrock_put_citation(llm_buf_t *out, const llm_cite_t *cite,
                              apr_int64_t start, apr_int64_t end);

/* ---- facing a client ------------------------------------------------- */

/* The mark on a part that stands for the cache point behind it. */
const llm_json_t *llm_bedrock_cache_mark(const llm_json_t *point,
                                         apr_pool_t *pool);
/* `system` and `messages` into ask->turns. */
llm_problem_t *llm_bedrock_read_messages(llm_ask_t *ask, const llm_json_t *doc,
                                         apr_pool_t *pool);
llm_problem_t *llm_bedrock_read_request(llm_ask_t **pask, llm_op_e op,
                                        const llm_json_t *doc,
                                        apr_pool_t *pool);
int llm_bedrock_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                          const char *path, const char *query,
                          apr_pool_t *pool);
const char *llm_bedrock_finish_name(llm_finish_e finish);
/* The members `usage` and `metrics` of the open object. */
void llm_bedrock_put_counts(llm_buf_t *out, const llm_usage_t *usage,
                            const llm_ask_t *ask);
/* serviceTier, unless that is NULL. */
void llm_bedrock_put_tier(llm_buf_t *out, const char *tier);
/* Hidden thinking as base64 that survives decoding and encoding; and back,
 * also where the provider is another gateway. */
llm_text_t llm_bedrock_wrap(llm_text_t hidden, apr_pool_t *pool);
llm_text_t llm_bedrock_unwrap(llm_text_t text, apr_pool_t *pool);
void llm_bedrock_write_response(llm_buf_t *out, const llm_ask_t *ask,
                                const llm_answer_t *answer, apr_pool_t *pool);
llm_writer_t *llm_bedrock_writer_make(const llm_ask_t *ask, const char *id,
                                      apr_time_t now, apr_pool_t *pool);
void llm_bedrock_write_delta(llm_buf_t *out, llm_writer_t *writer,
                             const llm_delta_t *delta);
void llm_bedrock_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                               const char *request_id);
void llm_bedrock_write_stream_problem(llm_buf_t *out,
                                      const llm_problem_t *problem,
                                      const char *request_id);
int llm_bedrock_is_problem(const llm_json_t *doc);
void llm_bedrock_add_reply_headers(apr_table_t *headers,
                                   const llm_problem_t *problem,
                                   const char *request_id);

/* ---- facing a provider ----------------------------------------------- */

/* "/model/{name}" and the method behind the base path; NULL for what is no
 * model's name. */
const char *llm_bedrock_path(const llm_provider_t *provider, const char *model,
                             const char *method, apr_pool_t *pool);
llm_problem_t *llm_bedrock_pass_request(llm_request_t *req, llm_op_e op,
                                        llm_bytes_t raw, const char *model,
                                        const llm_provider_t *provider,
                                        int *phide, apr_pool_t *pool);
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

/* ---- what answers show ----------------------------------------------- */

/* The picture, sound or film of a block; NULL where it is none. */
const llm_media_t *llm_bedrock_read_shown(const llm_json_t *block,
                                          apr_pool_t *pool);
/* The picture of a stream's open block, which is whole at the block's end:
 * `start` and `delta` are members of that name. `add` returns 0 where it is
 * larger than the limit (0: none), `end` NULL where there was no picture. */
typedef struct llm_bedrock_picture_t llm_bedrock_picture_t;
llm_bedrock_picture_t *llm_bedrock_picture_make(apr_size_t limit,
                                                apr_pool_t *pool);
void llm_bedrock_picture_begin(llm_bedrock_picture_t *picture,
                               const llm_json_t *start);
int llm_bedrock_picture_add(llm_bedrock_picture_t *picture,
                            const llm_json_t *delta, apr_pool_t *scratch);
const llm_media_t *llm_bedrock_picture_end(llm_bedrock_picture_t *picture,
                                           apr_pool_t *scratch);
/* Has what an answer shows a place here? `media` may be NULL. */
int llm_bedrock_shows(const llm_media_t *media);
/* Its block. */
void llm_bedrock_put_shown(llm_buf_t *out, const llm_media_t *media);

/* ---- InvokeModel ----------------------------------------------------- */

/* The member of a stream's last event that has its counts. */
#define LLM_BEDROCK_METRICS "amazon-bedrock-invocationMetrics"

const llm_dialect_t *llm_bedrock_also(const llm_provider_t *provider,
                                      const llm_dialect_t *client,
                                      const char *model);
llm_problem_t *llm_bedrock_write_embed(llm_request_t *req, const llm_ask_t *ask,
                                       const char *model,
                                       const llm_provider_t *provider,
                                       apr_pool_t *pool);
llm_problem_t *llm_bedrock_read_embed(llm_answer_t *answer,
                                      const llm_json_t *doc, apr_pool_t *pool);
void llm_bedrock_unwrap_event(llm_sse_event_t *frame, apr_pool_t *scratch);
int llm_bedrock_read_invoked(llm_usage_t *usage, const llm_json_t *doc);
int llm_bedrock_read_head_usage(llm_usage_t *usage, const apr_table_t *headers);

llm_problem_t *llm_bedrock_read_problem(int status, const apr_table_t *headers,
                                        const llm_json_t *doc, llm_bytes_t body,
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
