/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Anthropic dialect share.
 *
 *   anthropic.c           the record, words, usage, headers
 *   anthropic_problem.c   errors, read and written
 *   anthropic_client.c    a client's request becomes an ask: options, tools
 *   anthropic_blocks.c    its messages become turns
 *   anthropic_answer.c    a whole answer for a client
 *   anthropic_writer.c    a streamed answer for a client
 *   anthropic_provider.c  an ask becomes a request: options, tools
 *   anthropic_thinking.c  what a model can do: thinking, JSON answers
 *   anthropic_turns.c     turns become messages
 *   anthropic_response.c  a provider's whole answer
 *   anthropic_stream.c    a provider's streamed answer
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_ANTHROPIC_INTERNAL_H
#define DIALECT_ANTHROPIC_INTERNAL_H

#include "dialect/cite.h"
#include "dialect/common.h"
#include "dialect/schema.h"

/* ---- words and numbers ----------------------------------------------- */

llm_finish_e llm_anthropic_finish(const llm_json_t *reason);
const char *llm_anthropic_finish_name(llm_finish_e finish);

/* A usage object. `partial`: of message_start, whose output_tokens are not
 * the answer's. Returns 1 when it told anything. */
int llm_anthropic_take_usage(llm_usage_t *usage, const llm_json_t *object,
                             int partial);
/* The usage object as a value. */
/* tier: Anthropic's word, or NULL. */
void llm_anthropic_put_usage(llm_buf_t *out, const llm_usage_t *usage,
                             const char *tier);

/* As the members of llm_dialect_t, for dialects whose answers are these. */
int llm_anthropic_read_usage(llm_usage_t *usage, const llm_json_t *doc);
void llm_anthropic_read_facts(const char **pmodel, llm_finish_e *pfinish,
                              const llm_json_t *doc, apr_pool_t *pool);
const char *llm_anthropic_read_tier(const llm_json_t *doc, apr_pool_t *pool);
int llm_anthropic_is_last(const llm_event_t *event);

/* ---- requests -------------------------------------------------------- */

/* `system` and `messages` of a client's request into ask->turns. */
llm_problem_t *llm_anthropic_read_messages(llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool);
/* The turns as the `system` and `messages` members of the open object. */
llm_problem_t *llm_anthropic_put_messages(llm_buf_t *out, llm_request_t *req,
                                          const llm_ask_t *ask,
                                          apr_pool_t *pool);

/* How a model is made to think and to answer in JSON. */
typedef struct llm_anthropic_plan_t {
    apr_int64_t budget; /* tokens to think with; 0: not by a budget */
    int adaptive;       /* thinking of the model's own measure */
    const char *effort; /* output_config.effort, or NULL */
    int native_format;  /* output_config.format */
    llm_bytes_t schema; /* its schema */
    llm_format_tool_e format_tool; /* a tool whose input is the answer */
    int strict_tools;              /* takes "strict" on tools */
    /* what of these the model takes; NULL: unset */
    const llm_json_t *temperature, *top_p, *top_k;
} llm_anthropic_plan_t;

/* What can be done of what is asked. Thinking gives way to what it cannot go
 * with, which is told; a format or a sampling that cannot be had is a
 * BAD_REQUEST. */
llm_problem_t *llm_anthropic_plan(llm_anthropic_plan_t *plan,
                                  llm_request_t *req, const llm_ask_t *ask,
                                  const char *model, apr_pool_t *pool);

llm_problem_t *llm_anthropic_read_request(llm_ask_t **pask, llm_op_e op,
                                          const llm_json_t *doc,
                                          apr_pool_t *pool);
/* "/v1/messages", or what counts its tokens. */
const char *llm_anthropic_path_of(llm_op_e op);
llm_problem_t *llm_anthropic_write_request(llm_request_t *req,
                                           const llm_ask_t *ask,
                                           const char *model,
                                           const llm_provider_t *provider,
                                           apr_pool_t *pool);

/* ---- answers --------------------------------------------------------- */

llm_problem_t *llm_anthropic_read_response(llm_answer_t **panswer,
                                           const llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool);
llm_reader_t *llm_anthropic_reader_make(const llm_ask_t *ask, apr_pool_t *pool);
void llm_anthropic_read_event(llm_reader_t *reader, const llm_event_t *event,
                              llm_delta_cb *emit, void *baton,
                              apr_pool_t *scratch);
void llm_anthropic_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                              void *baton, apr_pool_t *scratch);

void llm_anthropic_write_response(llm_buf_t *out, const llm_ask_t *ask,
                                  const llm_answer_t *answer, apr_pool_t *pool);
llm_writer_t *llm_anthropic_writer_make(const llm_ask_t *ask, const char *id,
                                        apr_time_t now, apr_pool_t *pool);
void llm_anthropic_write_delta(llm_buf_t *out, llm_writer_t *writer,
                               const llm_delta_t *delta);

int llm_anthropic_read_usage(llm_usage_t *usage, const llm_json_t *doc);
void llm_anthropic_read_facts(const char **pmodel, llm_finish_e *pfinish,
                              const llm_json_t *doc, apr_pool_t *pool);
const char *llm_anthropic_read_tier(const llm_json_t *doc, apr_pool_t *pool);
int llm_anthropic_is_last(const llm_event_t *event);

/* ---- citations ------------------------------------------------------- */

/* Adds what the node cites, unless it is of no kind known; its place in the
 * answer is for the caller to say. */
void llm_anthropic_read_citation(llm_cites_t *cites, const llm_json_t *node,
                                 apr_pool_t *pool);
/* Is there a form of it here? And that form, as an element of a list. */
/* start and end: the characters its block has, -1 where it is open. */
void llm_anthropic_put_citation(llm_buf_t *out, const llm_cite_t *cite,
                                apr_int64_t start, apr_int64_t end);

/* ---- errors ---------------------------------------------------------- */

llm_problem_t *llm_anthropic_read_problem(int status,
                                          const apr_table_t *headers,
                                          const llm_json_t *doc,
                                          llm_bytes_t body, apr_pool_t *pool);
/* {"type":"error",...} under status 200: NULL where it is none. */
llm_problem_t *llm_anthropic_problem_in(const llm_json_t *doc,
                                        apr_pool_t *pool);
llm_problem_t *llm_anthropic_event_problem(const llm_event_t *event,
                                           apr_pool_t *pool);
/* Anthropic's own form, which a cloud's errors have not. */
int llm_anthropic_is_problem(const llm_json_t *doc);
void llm_anthropic_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                                 const char *request_id);
void llm_anthropic_write_stream_problem(llm_buf_t *out,
                                        const llm_problem_t *problem,
                                        const char *request_id);

#endif /* DIALECT_ANTHROPIC_INTERNAL_H */
