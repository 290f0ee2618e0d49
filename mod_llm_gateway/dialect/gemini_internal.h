/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the Gemini dialect share.
 *
 *   gemini.c           the record, paths, native routes
 *   gemini_embed.c     embeddings, also in Vertex's own form
 *   gemini_request.c   an ask becomes a request: options, tools, unknowns
 *   gemini_contents.c  its turns become `contents`
 *   gemini_media.c     their pictures, sound and documents
 *   gemini_schema.c    JSON Schema as Gemini takes it
 *   gemini_id.c        thought signatures inside tool call ids
 *   gemini_response.c  whole answers and errors
 *   gemini_usage.c     token counts and finish reasons
 *   gemini_stream.c    streamed answers
 *   gemini_args.c      arguments that arrive as JSON paths
 *
 * and, facing clients:
 *
 *   gemini_path.c      what a path asks for; requests that pass
 *   gemini_client.c    a request becomes an ask: options, tools, embeddings
 *   gemini_parts.c     its contents become turns
 *   gemini_openapi.c   Gemini's Schema as JSON Schema
 *   gemini_answer.c    whole answers, errors, lists of models
 *   gemini_writer.c    streamed answers
 */
#ifndef DIALECT_GEMINI_INTERNAL_H
#define DIALECT_GEMINI_INTERNAL_H

#include "dialect/cite.h"
#include "dialect/common.h"

/* ---- requests -------------------------------------------------------- */

/* The body of generateContent for this model. */
llm_problem_t *llm_gemini_put_chat(llm_buf_t *out, llm_request_t *req,
                                   const llm_ask_t *ask, const char *model,
                                   apr_pool_t *pool);
/* `contents` and `systemInstruction`, as members of the open object. */
llm_problem_t *llm_gemini_put_contents(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask, const char *model,
                                       apr_pool_t *pool);
/* The member of a part that holds media. NULL, or why it cannot be sent. */
const char *llm_gemini_put_media(llm_buf_t *out, llm_request_t *req,
                                 const llm_media_t *media, llm_part_e kind);
/* A member of ask->unknown, also when it stands under google or extra_body. */
const llm_json_t *llm_gemini_unknown(const llm_ask_t *ask, const char *word);
/* responseModalities and speechConfig into the open generationConfig. */
llm_problem_t *llm_gemini_put_modalities(llm_buf_t *out, llm_request_t *req,
                                         const llm_ask_t *ask,
                                         apr_pool_t *pool);
/* responseModalities and speechConfig of a client's generationConfig. */
llm_problem_t *llm_gemini_read_modalities(llm_ask_t *ask,
                                          const llm_json_t *config,
                                          apr_pool_t *pool);
/*
 * A schema as a member of the open object: under `name` where the members of
 * Gemini's own Schema say all that it says, else under `json_name` as JSON
 * Schema with references to its own definitions put in place. Nothing is
 * written for a schema that allows an object without members only.
 */
void llm_gemini_put_schema(llm_buf_t *out, const char *name,
                           const char *json_name, const llm_json_t *schema,
                           apr_pool_t *pool);

/* ---- tool call ids --------------------------------------------------- */

/* What a client is given and gives back: Gemini's id or one made here
 * (`given` 0), and the call's thought signature where there is one. */
const char *llm_gemini_id_pack(const char *id, int given, const char *signature,
                               apr_pool_t *pool);
/* The reverse. *pid: Gemini's own id, NULL for one that was made here or by
 * another provider; *psignature: NULL for none. */
void llm_gemini_id_unpack(const char **pid, const char **psignature,
                          const char *packed, apr_pool_t *pool);
/* The signature of a text inside a thinking part, marked as Gemini's. */
llm_text_t llm_gemini_mark_signature(llm_text_t signature, apr_pool_t *pool);
/* Without the mark; none where another provider signed. */
llm_text_t llm_gemini_own_signature(llm_text_t signature);

/* What Gemini takes where there is no signature of its own: base64 of
 * "skip_thought_signature_validator". */
#define LLM_GEMINI_NO_SIGNATURE "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

/* How a signature that llm_gemini_wrap made begins, as a JSON string. */
#define LLM_GEMINI_WRAPPED "\"bGxtZ3c6"
/* What another provider signed ('s') or hid ('r'), as a thoughtSignature. */
llm_text_t llm_gemini_wrap(char kind, llm_text_t opaque, apr_pool_t *pool);
/* The reverse: the kind, or '\0' and none for a signature of Gemini's own. */
char llm_gemini_unwrap(llm_text_t *popaque, llm_text_t signature,
                       apr_pool_t *pool);

/* ---- answers --------------------------------------------------------- */

/* finishReason as a name or a number; `calls`: the answer has tool calls. */
llm_finish_e llm_gemini_finish(const llm_json_t *reason, int calls);
int llm_gemini_is_blocked(const llm_json_t *doc); /* promptFeedback says so */
int llm_gemini_read_usage(llm_usage_t *usage, const llm_json_t *doc);
/* logprobsResult in OpenAI's form, or NULL. */
const llm_json_t *llm_gemini_logprobs(const llm_json_t *candidate,
                                      apr_pool_t *pool);
/* What makes the ids of this answer's calls unlike those of other answers. */
const char *llm_gemini_seed(const llm_ask_t *ask, const char *id,
                            apr_pool_t *pool);
/* createTime as Unix seconds; 0 for none. */
apr_int64_t llm_gemini_created(const llm_json_t *doc, apr_pool_t *pool);
/* The call in a part. `number` counts the answer's calls from 0. */
llm_call_t *llm_gemini_read_call(const llm_json_t *part,
                                 const llm_json_t *function_call,
                                 const char *seed, int number,
                                 apr_pool_t *pool);

/* A picture, sound or file in a part of an answer; NULL where there is none.
 * The sketches of thoughts are not taken for one. */
const llm_media_t *llm_gemini_read_shown(const llm_json_t *part,
                                         apr_pool_t *pool);

llm_problem_t *llm_gemini_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc,
                                        apr_pool_t *pool);
llm_problem_t *llm_gemini_read_problem(int status, const apr_table_t *headers,
                                       const llm_json_t *doc, llm_bytes_t body,
                                       apr_pool_t *pool);
/* An error under status 200: NULL where the document is none. */
llm_problem_t *llm_gemini_problem_in(const llm_json_t *doc, apr_pool_t *pool);

/* ---- streams --------------------------------------------------------- */

llm_reader_t *llm_gemini_reader_make(const llm_ask_t *ask, apr_pool_t *pool);
void llm_gemini_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *emit, void *baton,
                           apr_pool_t *scratch);
void llm_gemini_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                           void *baton, apr_pool_t *scratch);
/* One chunk, already read. */
void llm_gemini_read_chunk(llm_reader_t *reader, const llm_json_t *doc,
                           llm_delta_cb *emit, void *baton,
                           apr_pool_t *scratch);

/*
 * The arguments of one call, rebuilt from values that come with JSON paths.
 * Text is written as soon as it is known; memory is bounded by the longest
 * path. The values must come in the order in which they stand in the text,
 * which is the order a model writes them in.
 */
typedef struct llm_gemini_args_t llm_gemini_args_t;
llm_gemini_args_t *llm_gemini_args_make(apr_pool_t *pool);
void llm_gemini_args_begin(llm_gemini_args_t *args);
/* One element of partialArgs. Returns 0 when it cannot stand here. */
int llm_gemini_args_put(llm_gemini_args_t *args, llm_buf_t *out,
                        const llm_json_t *partial, apr_pool_t *scratch);
/* Closes what is open; "{}" when nothing came. */
void llm_gemini_args_end(llm_gemini_args_t *args, llm_buf_t *out);

/* ---- facing clients -------------------------------------------------- */

/* Names are given here as Google's documentation has them, "topK"; clients
 * may write "top_k" as well. */
int llm_gemini_is_named(llm_text_t name, const char *camel);
/* The last member of that name; null counts as absent. */
const llm_json_t *llm_gemini_want(const llm_json_t *object, const char *camel);
/* Members whose name is not in `known` go into ask->unknown. */
void llm_gemini_note_others(llm_ask_t *ask, const llm_json_t *object,
                            const char *const *known, const char *where,
                            apr_pool_t *pool);
/* An enum's value by its name or its number; `otherwise` for others. */
int llm_gemini_enum(const llm_word_t *words, const llm_json_t *node,
                    int otherwise);

int llm_gemini_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                         const char *path, const char *query, apr_pool_t *pool);
llm_problem_t *llm_gemini_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool);
llm_problem_t *llm_gemini_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool);
/* `contents` and `systemInstruction` of the object, as ask->turns. */
llm_problem_t *llm_gemini_read_contents(llm_ask_t *ask, const llm_json_t *doc,
                                        apr_pool_t *pool);
/* Gemini's Schema as JSON Schema; NULL for what is no object. closed: its
 * objects have no members but those named. */
const llm_json_t *llm_gemini_json_schema(const llm_json_t *schema, int closed,
                                         apr_pool_t *pool);

/* ---- embeddings ------------------------------------------------------ */

/* At Vertex, by the form of its address? */
int llm_gemini_is_vertex(const llm_provider_t *provider);
/* Vertex's dialect for models that are asked by predict; NULL: this one. */
const llm_dialect_t *llm_gemini_instead(const llm_provider_t *provider,
                                        const char *model, llm_op_e op);
llm_problem_t *llm_gemini_write_embed(llm_request_t *req, const llm_ask_t *ask,
                                      const char *model,
                                      const llm_provider_t *provider,
                                      apr_pool_t *pool);
llm_problem_t *llm_gemini_read_embed(llm_answer_t *answer,
                                     const llm_json_t *doc, apr_pool_t *pool);
const char *llm_gemini_secret_header(const char **pprefix);

const char *llm_gemini_finish_name(llm_finish_e finish);
/* usageMetadata as a member of the open object. */
/* tier: Gemini's word, or NULL. */
void llm_gemini_put_usage(llm_buf_t *out, const llm_usage_t *usage,
                          const char *tier);
/* OpenAI's logprobs as logprobsResult. */
void llm_gemini_put_logprobs(llm_buf_t *out, const llm_json_t *logprobs);
/* A call as a part of a content. */
void llm_gemini_put_call(llm_buf_t *out, const llm_call_t *call);
/* What an answer shows, which has to have its bytes, as a part. */
void llm_gemini_put_shown(llm_buf_t *out, const llm_media_t *media);
/* The path of a model at a provider; NULL for what is no name. */
const char *llm_gemini_model_path(const llm_provider_t *provider,
                                  const char *model, apr_pool_t *pool);
/* "models/x", escaped for a path. */
const char *llm_gemini_resource(const char *model, apr_pool_t *pool);

void llm_gemini_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool);
llm_writer_t *llm_gemini_writer_make(const llm_ask_t *ask, const char *id,
                                     apr_time_t now, apr_pool_t *pool);
void llm_gemini_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta);
void llm_gemini_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id);
void llm_gemini_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id);
void llm_gemini_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool);
void llm_gemini_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool);

/* ---- citations ------------------------------------------------------- */

/* The text that bytes are counted in: a whole answer's parts, or, where it
 * went by, its measure. */
typedef struct llm_gemini_said_t {
    const llm_part_t *parts;
    const llm_ruler_t *ruler; /* or NULL */
} llm_gemini_said_t;

void llm_gemini_read_cites(llm_cites_t *cites, const llm_json_t *candidate,
                           const llm_gemini_said_t *said, apr_pool_t *pool);

/* groundingMetadata, made one by one; zeroed it is empty. Bounded: what comes
 * too late is left out. */
typedef struct llm_grounding_t {
    llm_buf_t *chunks, *supports; /* elements, joined */
    int count;
} llm_grounding_t;

/* start and end in bytes, -1: not known. */
void llm_gemini_ground(llm_grounding_t *grounding, const llm_cite_t *cite,
                       apr_int64_t start, apr_int64_t end, apr_pool_t *pool);
/* The member; nothing where it is empty. */
void llm_gemini_put_grounding(llm_buf_t *out, const llm_grounding_t *grounding);

#endif /* DIALECT_GEMINI_INTERNAL_H */
