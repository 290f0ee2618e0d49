/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's Responses API: what its files share.
 *
 *   openai_responses.c           the record, words, marks of reasoning, facts
 *   openai_responses_client.c    a client's request becomes an ask
 *   openai_responses_input.c     its input items become turns
 *   openai_responses_answer.c    a whole answer for a client; items
 *   openai_responses_media.c     pictures in answers and histories
 *   openai_responses_space.c     tools in namespaces, as functions
 *   openai_responses_writer.c    a streamed answer for a client
 *   openai_responses_provider.c  an ask becomes a request
 *   openai_responses_turns.c     its turns become input items
 *   openai_responses_response.c  a provider's whole answer
 *   openai_responses_stream.c    a provider's streamed answer
 *
 * A conversation is a flat list of items here: messages, reasoning, calls and
 * what came of them. What an assistant said in one go is one turn in our
 * terms, and several items here.
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_OPENAI_RESPONSES_INTERNAL_H
#define DIALECT_OPENAI_RESPONSES_INTERNAL_H

#include "dialect/openai_internal.h"
#include "dialect/tier.h"

extern const llm_dialect_t llm_dialect_openai_responses;

/* ---- reasoning ------------------------------------------------------- */

/* A reasoning item of OpenAI's has an id and encrypted_content, and both have
 * to come back. In our terms they are one opaque text, a signature or hidden
 * thinking, marked so that no other provider's is taken for it. */
llm_text_t llm_responses_pack(llm_text_t id, llm_text_t encrypted,
                              apr_pool_t *pool);
/* The reverse; 0 where another provider made the text. */
int llm_responses_unpack(llm_text_t *pid, llm_text_t *pencrypted,
                         llm_text_t packed);
/* A reasoning item as THINKING or REDACTED; nothing where it holds nothing
 * that could be carried. Returns 1 when there is a part. */
int llm_responses_read_reasoning(llm_parts_t *parts, const llm_json_t *item,
                                 apr_pool_t *pool);

/* ---- words ----------------------------------------------------------- */

/* Of a response object; `calls`: it has tool calls. NONE while it runs. */
llm_finish_e llm_responses_finish(const llm_json_t *response, int calls);
/* NULL where the response is complete, else why it is not. `refused`: the
 * model said so in words, which completes it. */
const char *llm_responses_incomplete(llm_finish_e finish, int refused);

/* ---- a client's answer ----------------------------------------------- */

/* What is the same in all of an answer's response objects. */
typedef struct llm_responses_head_t {
    const llm_ask_t *ask;
    const char *id;    /* "resp_..." */
    const char *model; /* that answered */
    apr_int64_t created;
} llm_responses_head_t;

/* "resp_..." as it is, else one made of what it is. */
const char *llm_responses_id(const char *id, apr_pool_t *pool);

/* A response object. status: "in_progress", "completed", "incomplete" or
 * "failed"; `reason` of an incomplete one, `problem` of a failed one, else
 * NULL; `output`: the items, in brackets or not, joined by commas; usage may
 * be NULL, tier none. Everything is in one line. */
void llm_responses_put_object(llm_buf_t *out, const llm_responses_head_t *head,
                              const char *status, const char *reason,
                              const llm_problem_t *problem, llm_bytes_t output,
                              const llm_usage_t *usage, const char *tier);

/* An error's members in an `error` event, flat as its type says and as an
 * object as it is on the wire. */
void llm_responses_put_error(llm_buf_t *out, const llm_problem_t *problem);

/* Parts of a message, and items, as values. `parts`: joined by commas. */
void llm_responses_put_text(llm_buf_t *out, llm_text_t text,
                            llm_bytes_t logprobs, llm_bytes_t annotations);
void llm_responses_put_refusal(llm_buf_t *out, llm_text_t text);
void llm_responses_put_message(llm_buf_t *out, const char *id,
                               const char *status, llm_bytes_t parts);
/* args: as the inside of a JSON string; of a custom tool its input. `tool`:
 * the one of that name where llm_responses_tool() knows it, else NULL. */
void llm_responses_put_call(llm_buf_t *out, const llm_tool_t *tool,
                            const char *id, const char *status,
                            const char *call_id, llm_text_t name,
                            llm_text_t args);
/* THINKING with its signature, or, where `redacted`, hidden thinking, which
 * is in `opaque` then. */
void llm_responses_put_reasoning(llm_buf_t *out, const char *id,
                                 llm_text_t text, llm_text_t opaque,
                                 int redacted);

/* ---- pictures -------------------------------------------------------- */

/* Is what an answer shows an item here, and no text? `media` may be NULL. */
int llm_responses_shows(const llm_media_t *media);
/* The item; `media` is NULL as long as it is not whole. */
void llm_responses_put_shown(llm_buf_t *out, const char *id, const char *status,
                             const llm_media_t *media);
/* All events of an item that is whole at once, the first numbered *psequence:
 * the picture, or hidden thinking where there is none. `index` is the item's,
 * `seed` what its id is made of. Returns the item, within `out`: valid until
 * more is written. */
llm_bytes_t llm_responses_put_whole(llm_buf_t *out, unsigned *psequence,
                                    int index, const char *seed,
                                    llm_text_t hidden, const llm_media_t *shown,
                                    apr_pool_t *pool);
/* What an item shows; NULL where it holds nothing. */
const llm_media_t *llm_responses_read_shown(const llm_json_t *item,
                                            apr_pool_t *pool);

/* ---- namespaces ------------------------------------------------------ */

/* Adds the tool that a client's node is. */
typedef llm_problem_t *llm_responses_read_tool_fn(llm_ask_t *ask,
                                                  llm_tools_t *tools,
                                                  const llm_json_t *node,
                                                  const char *where,
                                                  apr_pool_t *pool);
/* The tool of that name where it is custom or in a namespace, else NULL. */
const llm_tool_t *llm_responses_tool(const llm_ask_t *ask, llm_text_t name,
                                     apr_pool_t *pool);
/* A tool of type "namespace": those in it, each read by read_tool. */
llm_problem_t *llm_responses_read_space(llm_ask_t *ask, llm_tools_t *tools,
                                        const llm_json_t *node,
                                        const char *where,
                                        llm_responses_read_tool_fn *read_tool,
                                        apr_pool_t *pool);
/* What a tool in a namespace is called elsewhere, always the same; without a
 * namespace its name. */
llm_text_t llm_responses_join(llm_text_t space, llm_text_t name,
                              apr_pool_t *pool);

/* What the client calls it: `name`, or of a tool in a namespace its own. A
 * copy in the pool. */
llm_text_t llm_responses_name(const llm_tool_t *tool, llm_text_t name,
                              apr_pool_t *pool);

/* ---- members of the record ------------------------------------------- */

llm_problem_t *llm_responses_read_request(llm_ask_t **pask, llm_op_e op,
                                          const llm_json_t *doc,
                                          apr_pool_t *pool);
/* `input` into ask->turns, behind the instructions. */
llm_problem_t *llm_responses_read_input(llm_ask_t *ask, llm_turns_t *turns,
                                        const llm_json_t *input,
                                        apr_pool_t *pool);
void llm_responses_write_response(llm_buf_t *out, const llm_ask_t *ask,
                                  const llm_answer_t *answer, apr_pool_t *pool);
llm_writer_t *llm_responses_writer_make(const llm_ask_t *ask, const char *id,
                                        apr_time_t now, apr_pool_t *pool);
void llm_responses_write_delta(llm_buf_t *out, llm_writer_t *writer,
                               const llm_delta_t *delta);
void llm_responses_write_stream_problem(llm_buf_t *out,
                                        const llm_problem_t *problem,
                                        const char *request_id);

llm_problem_t *llm_responses_write_request(llm_request_t *req,
                                           const llm_ask_t *ask,
                                           const char *model,
                                           const llm_provider_t *provider,
                                           apr_pool_t *pool);
/* The turns as `instructions` and `input` of the open object. `custom`: calls
 * of tools that take a text are such, and not functions'. */
llm_problem_t *llm_responses_put_input(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask, int custom,
                                       apr_pool_t *pool);
llm_problem_t *llm_responses_read_response(llm_answer_t **panswer,
                                           const llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool);
llm_reader_t *llm_responses_reader_make(const llm_ask_t *ask, apr_pool_t *pool);
void llm_responses_read_event(llm_reader_t *reader, const llm_event_t *event,
                              llm_delta_cb *emit, void *baton,
                              apr_pool_t *scratch);
void llm_responses_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                              void *baton, apr_pool_t *scratch);
/* What a failed response, or an error event, says; NULL where it is none. */
llm_problem_t *llm_responses_event_problem(const llm_event_t *event,
                                           apr_pool_t *pool);
llm_problem_t *llm_responses_failure(const llm_json_t *response,
                                     apr_pool_t *pool);

#endif /* DIALECT_OPENAI_RESPONSES_INTERNAL_H */
