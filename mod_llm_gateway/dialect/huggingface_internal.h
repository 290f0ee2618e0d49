/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two Hugging Face dialects share: the router's (OpenAI's form, in
 * huggingface.c) and the old Inference API's (huggingface_inference.c, with
 * the answers in huggingface_generate.c). One native route leads to both, so
 * either must be able to meter the other's answers.
 */
#ifndef DIALECT_HUGGINGFACE_INTERNAL_H
#define DIALECT_HUGGINGFACE_INTERNAL_H

#include "dialect/common.h"

/* ---- addresses ------------------------------------------------------- */

/* Members of llm_dialect_t, for both dialects. A path of the client's that is
 * a model's id ("/gpt2", "/org/model") is one of the old Inference API's. */
const char *llm_huggingface_native_path(const llm_provider_t *provider,
                                        const char *rest, apr_pool_t *pool);
const char *llm_huggingface_native_model(const char *path,
                                         const llm_json_t *doc,
                                         apr_pool_t *pool);
/* "/models/{id}" and what follows behind the base path; NULL when the name
 * cannot be one. */
const char *llm_huggingface_model_path(const llm_provider_t *provider,
                                       const char *model, const char *suffix,
                                       apr_pool_t *pool);

/* ---- answers of text generation -------------------------------------- */

/* What `details` say. */
int llm_huggingface_take_details(llm_usage_t *usage, const llm_json_t *doc);
llm_finish_e llm_huggingface_finish(const llm_json_t *doc);

/* Members of llm_dialect_t, for both dialects. */
int llm_huggingface_read_usage(llm_usage_t *usage, const llm_json_t *doc);
void llm_huggingface_read_facts(const char **pmodel, llm_finish_e *pfinish,
                                const llm_json_t *doc, apr_pool_t *pool);
llm_problem_t *llm_huggingface_read_problem(int status,
                                            const apr_table_t *headers,
                                            const llm_json_t *doc,
                                            llm_bytes_t body, apr_pool_t *pool);
llm_problem_t *llm_huggingface_event_problem(const llm_event_t *event,
                                             apr_pool_t *pool);
int llm_huggingface_is_last(const llm_event_t *event);
/* An error under status 200: NULL where the document is none. */
llm_problem_t *llm_huggingface_problem_in(const llm_json_t *doc,
                                          apr_pool_t *pool);

/* ---- text generation ------------------------------------------------- */

/* How a conversation is written down; see huggingface_inference.c. */
typedef struct llm_prompt_t {
    int is_dialogue; /* with names before what was said */
    int continues;   /* ends in the middle of the assistant's words */
} llm_prompt_t;
llm_prompt_t llm_huggingface_prompt_of(const llm_ask_t *ask);
/* The stop sequence that ends a dialogue's answer. */
#define LLM_HUGGINGFACE_STOP      "\nUser:"
#define LLM_HUGGINGFACE_STOPS_MAX 4 /* what the server takes by default */

llm_problem_t *llm_huggingface_read_answer(llm_answer_t **panswer,
                                           const llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool);
llm_reader_t *llm_huggingface_reader_make(const llm_ask_t *ask,
                                          apr_pool_t *pool);
void llm_huggingface_read_event(llm_reader_t *reader, const llm_event_t *event,
                                llm_delta_cb *emit, void *baton,
                                apr_pool_t *scratch);
void llm_huggingface_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                                void *baton, apr_pool_t *scratch);

#endif /* DIALECT_HUGGINGFACE_INTERNAL_H */
