/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the OpenAI dialect share, and what dialects that speak it
 * with another address or other credentials take over.
 *
 *   openai.c           the record, words, usage, native routes
 *   openai_problem.c   errors, read and written
 *   openai_path.c      operations that only pass: images, sound, moderation
 *   openai_pass.c      same dialect: splicing requests, hiding usage
 *   openai_client.c    a client's request becomes an ask: options, tools
 *   openai_custom.c    tools that take a text, as functions
 *   openai_allowed.c   the choice of some tools
 *   openai_messages.c  its messages become turns
 *   openai_sound.c     answers in sound, and the wish for more than text
 *   openai_answer.c    an answer for a client: whole, embeddings, models
 *   openai_writer.c    a streamed answer for a client
 *   openai_completions.c  legacy completions, a client's dialect of their own
 *   openai_provider.c  an ask becomes a request: options, tools
 *   openai_turns.c     its turns become messages
 *   openai_fit.c       wishes a server does not grant; forms of an answer
 *   openai_amend.c     what must change of a body that passes; ids
 *   openai_response.c  a provider's whole answer
 *   openai_stream.c    a provider's streamed answer
 *
 * The functions named as members of llm_dialect_t have their contracts there.
 */
#ifndef DIALECT_OPENAI_INTERNAL_H
#define DIALECT_OPENAI_INTERNAL_H

#include "dialect/common.h"
#include "dialect/profile.h"
#include "dialect/schema.h"

extern const llm_dialect_t llm_dialect_azure;   /* azure.c */
extern const llm_dialect_t llm_dialect_mistral; /* clients of Mistral's */
extern const llm_dialect_t llm_dialect_watsonx; /* watsonx.c */
extern const llm_dialect_t llm_dialect_openai_completions;
/* /rerank as Cohere has it, beside a server's other APIs; not a dialect that
 * could be configured. */
extern const llm_dialect_t llm_dialect_openai_rerank;

/* ---- words and numbers ----------------------------------------------- */

/* What finish_reason says; `calls`: the answer has tool calls, which some
 * servers end with "stop" or "". NONE where nothing is said. */
llm_finish_e llm_openai_finish(const llm_json_t *reason, int calls);

/* The stop sequence a choice tells it was ended by, as vLLM and SGLang do; what
 * is no string (a token) tells none. */
const llm_json_t *llm_openai_stop_of(const llm_json_t *choice);
const char *llm_openai_finish_name(llm_finish_e finish);

/* The usage object as a value; embeddings have no completion. */
/* service_tier, unless that is NULL. */
void llm_openai_put_tier(llm_buf_t *out, const char *tier);
void llm_openai_put_usage(llm_buf_t *out, const llm_usage_t *usage,
                          llm_op_e op);

/* Reasoning of a message or delta as THINKING and REDACTED parts: of
 * reasoning_details (OpenRouter's form, which this dialect writes as well), of
 * thinking_blocks (LiteLLM's), of reasoning_content or of reasoning. The same
 * text is taken once. */
void llm_openai_read_thinking(llm_parts_t *parts, const llm_json_t *message,
                              apr_pool_t *pool);
/* A part {"type":"thinking","thinking"}: a string, or Mistral's list of
 * {"type":"text","text"}. */
void llm_openai_read_thinking_part(llm_parts_t *parts, const llm_json_t *node,
                                   apr_pool_t *pool);
/* Databricks' {"type":"reasoning","summary":[{"type","text","signature"}]};
 * what has `data` instead is hidden. */
void llm_openai_read_reasoning_part(llm_parts_t *parts, const llm_json_t *node,
                                    apr_pool_t *pool);
/* OpenRouter's `images` of a message or delta, and a part of a content like
 * one of them: {"type":"image_url","image_url":{"url"}}. What has no address
 * is passed over. */
void llm_openai_read_images(llm_parts_t *parts, const llm_json_t *list,
                            apr_pool_t *pool);
int llm_openai_read_image(llm_parts_t *parts, const llm_json_t *node,
                          apr_pool_t *pool);
/* Has a text of an answer its place in `images`? */
int llm_openai_is_image(const llm_media_t *media);
/* An element of `images`. */
void llm_openai_put_image(llm_buf_t *out, int index, const llm_media_t *media);

/* `modalities` and `audio` of a client's request, and for a provider. */
llm_problem_t *llm_openai_read_modalities(llm_ask_t *ask, const llm_json_t *doc,
                                          apr_pool_t *pool);
void llm_openai_put_modalities(llm_buf_t *out, const llm_ask_t *ask);
/* `audio` of a message or delta: its transcript, a text, and the sound. `ask`
 * may be NULL. */
void llm_openai_read_sound(llm_parts_t *parts, const llm_ask_t *ask,
                           const llm_json_t *said, apr_pool_t *pool);
/* Is it the sound that the client asked for, or can it be made that? `media`
 * may be NULL. */
int llm_openai_is_sound(const llm_ask_t *ask, const llm_media_t *media,
                        apr_pool_t *pool);
/* `audio` of a message: all such parts in one; nothing where there is none. */
void llm_openai_put_sound(llm_buf_t *out, const llm_ask_t *ask,
                          const llm_part_t *parts, const char *seed,
                          apr_int64_t created, apr_pool_t *pool);
/* `audio` of a delta: a piece, or, without data, what ends them. */
void llm_openai_put_sound_piece(llm_buf_t *out, const char *id, llm_text_t data,
                                apr_int64_t created);
/* One element of reasoning_details. Texts that are none are left out. */
void llm_openai_put_detail(llm_buf_t *out, const char *type, int index,
                           llm_text_t text, llm_text_t signature,
                           llm_text_t data);
/* Google's place for a call's signature; NULL where there is none. */
const char *llm_openai_call_signature(const llm_json_t *holder,
                                      apr_pool_t *pool);

/* ---- requests -------------------------------------------------------- */

/* `messages` of a client's request into ask->turns. */
llm_problem_t *llm_openai_read_messages(llm_ask_t *ask,
                                        const llm_json_t *messages,
                                        apr_pool_t *pool);
/* The turns as the `messages` member of the open object. */
llm_problem_t *llm_openai_put_messages(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask,
                                       const llm_habits_t *habits,
                                       apr_pool_t *pool);
/* The ask without what the server lacks: itself, or a copy. Hints are told in
 * req->dropped; another wish is the problem. */
llm_problem_t *llm_openai_fit(const llm_ask_t **pask, llm_request_t *req,
                              const llm_habits_t *habits, apr_pool_t *pool);

/* `top_p`, but where it is what another maker's models do unasked and this one
 * refuses any. */
void llm_openai_put_top_p(llm_buf_t *out, llm_request_t *req,
                          const llm_ask_t *ask, unsigned quirks);
/* ---- custom tools, of chats and Responses ---- */

/* A tool of type "custom" as a function of one string, `input`: `node` has its
 * name, description and format. */
llm_problem_t *llm_openai_read_custom(llm_ask_t *ask, llm_tool_t *tool,
                                      const llm_json_t *node, const char *where,
                                      apr_pool_t *pool);
/* A call of one in a chat's history. */
llm_problem_t *llm_openai_read_custom_call(llm_ask_t *ask, llm_parts_t *parts,
                                           const llm_json_t *node,
                                           const char *where, apr_pool_t *pool);
/* Did the client call the tool of that name custom? */
int llm_openai_is_custom(const llm_ask_t *ask, llm_text_t name,
                         apr_pool_t *pool);
/* `type` and `custom` of a chat's call of one, into the open object. */
void llm_openai_put_custom_call(llm_buf_t *out, const llm_call_t *call,
                                apr_pool_t *pool);
/* Members of such a tool, as OpenAI has them; flat: as in Responses. */
void llm_openai_put_custom(llm_buf_t *out, const llm_tool_t *tool, int flat);
/* The text of a call as that function's arguments, and back: a model's
 * arguments that have no such text are the text themselves, as they came. The
 * text may point into `args`. */
llm_bytes_t llm_openai_input_as_args(llm_text_t input, apr_pool_t *pool);
llm_text_t llm_openai_args_as_input(llm_bytes_t args, apr_pool_t *pool);
/* The same in place, where arguments were kept as the inside of a JSON string;
 * the text is no longer than they were. */
void llm_openai_settle_input(llm_buf_t *text, apr_pool_t *pool);
/* A piece of a streamed text as a fragment of the arguments, escaped as an
 * ARGS delta has it: with what stands before the text where it is the first,
 * and behind it where it is the last. */
llm_text_t llm_openai_input_piece(llm_text_t piece, int first, int last,
                                  apr_pool_t *pool);

/* tool_choice of type allowed_tools, as either API has it: sets how to choose,
 * and bars the other tools. */
llm_problem_t *llm_openai_read_allowed(llm_ask_t *ask, const llm_json_t *choice,
                                       apr_pool_t *pool);
/* The member tool_choice with the tools that are not barred; 0 where all may be
 * called. */
int llm_openai_put_allowed(llm_buf_t *out, const llm_ask_t *ask, int flat);

/* `response_format` where the server has the form asked for, else the nearest
 * it has; what it then has to be told in words is
 * llm_openai_put_format_prompt's. */
void llm_openai_put_format(llm_buf_t *out, llm_request_t *req,
                           const llm_ask_t *ask, unsigned quirks);
/* A message that asks for JSON, by the schema where it is not NULL. */
llm_bytes_t llm_openai_format_prompt(const llm_json_t *schema,
                                     apr_pool_t *pool);
/* The same as an element of `messages`, where the server needs it. */
void llm_openai_put_format_prompt(llm_buf_t *out, const llm_ask_t *ask,
                                  unsigned quirks, apr_pool_t *pool);

/* The turns, those of a user or an assistant in a row as one. */
const llm_turn_t *llm_openai_alternate(const llm_turn_t *turns,
                                       apr_pool_t *pool);

/* What a server with habits would refuse or misread of a body that passes,
 * changed: `raw` itself where there is nothing. Members that are left out are
 * told in req->dropped. */
llm_bytes_t llm_openai_amend(llm_request_t *req, llm_bytes_t raw,
                             const llm_habits_t *habits, apr_pool_t *pool);

/* Tool call ids of nine letters and digits, no two of a request alike. */
typedef struct llm_openai_ids_t llm_openai_ids_t;
llm_openai_ids_t *llm_openai_ids_make(apr_pool_t *pool);
const char *llm_openai_ids_fit(llm_openai_ids_t *ids, const char *id);

/* What servers of this dialect do in their own way: bits of a profile. */
enum {
    LLM_OPENAI_GENUINE = 1 << 0,           /* OpenAI itself, or Azure */
    LLM_OPENAI_NEW_LIMIT = 1 << 1,         /* max_completion_tokens only */
    LLM_OPENAI_REASONS = 1 << 2,           /* takes reasoning_effort */
    LLM_OPENAI_NO_STREAM_OPTIONS = 1 << 3, /* counts unasked, refuses it */
    LLM_OPENAI_TAKES_REASONING = 1 << 4,   /* reasoning_content in history */
    LLM_OPENAI_TAKES_DETAILS = 1 << 5,     /* reasoning_details in history */
    LLM_OPENAI_TAKES_CACHE = 1 << 6,       /* cache_control marks */
    LLM_OPENAI_NINE_LETTER_IDS = 1 << 7,   /* tool call ids of Mistral's form */
    LLM_OPENAI_HAS_RESPONSES = 1 << 8,     /* the Responses API as well */
    LLM_OPENAI_MODEL_IN_PATH = 1 << 9,     /* a body need not name the model */
    LLM_OPENAI_OLD_LIMIT = 1 << 10,        /* max_tokens only */
    LLM_OPENAI_SYSTEM_ONLY = 1 << 11,      /* no role "developer" */
    LLM_OPENAI_CHATS_ONLY = 1 << 12,       /* no legacy completions */
    LLM_OPENAI_STRICT_ORDER = 1 << 13,     /* Mistral's order of messages */
    LLM_OPENAI_DOCUMENT_URLS = 1 << 14,    /* documents as document_url */
    /* thoughts */
    LLM_OPENAI_REASONING_OBJECT = 1 << 15, /* `reasoning` with a budget */
    LLM_OPENAI_THINKING_SWITCH = 1 << 16,  /* `thinking` {type} */
    LLM_OPENAI_THINKING_FLAG = 1 << 17,    /* enable_thinking, a budget */
    LLM_OPENAI_REASONING_PARSED = 1 << 18, /* reasoning_format "parsed" */
    LLM_OPENAI_REASONING_SPLIT = 1 << 19,  /* reasoning_split true */
    LLM_OPENAI_THINKING_PARTS = 1 << 20,   /* in history: Mistral's parts */
    LLM_OPENAI_REASONING_PARTS = 1 << 21,  /* in history: Databricks' parts */
    LLM_OPENAI_CALLS_NEED_REASONING = 1 << 22, /* a call without is refused */
    /* tool choice */
    LLM_OPENAI_OWN_WORDS = 1 << 23,       /* "any", random_seed: Mistral's */
    LLM_OPENAI_NO_REQUIRED = 1 << 24,     /* one tool can be forced, not any */
    LLM_OPENAI_NO_NAMED_CHOICE = 1 << 25, /* any can be forced, not one */
    LLM_OPENAI_AUTO_CHOICE = 1 << 26,     /* "auto" only */
    LLM_OPENAI_NO_TOOL_STRICT = 1 << 27,  /* a tool has no `strict` */
    /* formats */
    LLM_OPENAI_NO_SCHEMA = 1 << 28,      /* json_object only */
    LLM_OPENAI_NO_JSON_OBJECT = 1 << 29, /* json_schema only */
    LLM_OPENAI_HAS_SCHEMA = 1 << 30      /* this model has, for all that */
};
/* What changes bodies that pass. */
#define LLM_OPENAI_AMENDED                                                     \
    (LLM_OPENAI_OLD_LIMIT | LLM_OPENAI_SYSTEM_ONLY | LLM_OPENAI_OWN_WORDS      \
     | LLM_OPENAI_NO_STREAM_OPTIONS | LLM_OPENAI_NINE_LETTER_IDS               \
     | LLM_OPENAI_NO_SCHEMA | LLM_OPENAI_NO_JSON_OBJECT                        \
     | LLM_OPENAI_CALLS_NEED_REASONING)
unsigned llm_openai_quirks(const llm_provider_t *provider, const char *model);
/* The word for the effort of an ask that names one, or a budget; NULL where
 * thinking was not asked for. */
const char *llm_openai_effort(const llm_ask_t *ask, apr_pool_t *pool);

/* ---- the provider side, for dialects that share it ------------------- */

/* Mistral's calls have no type, and its thoughts are parts of the content:
 * there answers to an OpenAI client's tools, and of models that think, are
 * translated. */
int llm_openai_answers_apart(const llm_provider_t *provider, const char *model,
                             llm_bytes_t raw);

/* Responses and legacy completions, for clients that speak them, where the
 * provider has them. */
const llm_dialect_t *llm_openai_also(const llm_provider_t *provider,
                                     const llm_dialect_t *client,
                                     const char *model);
/* "/chat/completions" behind the provider's base path; "/v1" comes between
 * where the dialect has no default_path. */
const char *llm_openai_path(const llm_provider_t *provider, const char *suffix,
                            apr_pool_t *pool);
const char *llm_openai_secret_header(const char **pprefix);
llm_problem_t *llm_openai_write_request(llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        const llm_provider_t *provider,
                                        apr_pool_t *pool);
llm_problem_t *llm_openai_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool);
/* openai_path.c: paths of operations that only pass, and such requests. */
int llm_openai_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                         const char *path, const char *query, apr_pool_t *pool);
llm_problem_t *llm_openai_pass_line(llm_request_t *req, llm_bytes_t raw,
                                    const char *model,
                                    const llm_provider_t *provider,
                                    apr_pool_t *pool);
/* The same, where req->path is set: a body that has `model`, and may be
 * streamed with usage if op is a chat. */
llm_problem_t *llm_openai_pass_body(llm_request_t *req, llm_op_e op,
                                    llm_bytes_t raw, const char *model,
                                    const llm_provider_t *provider, int *phide,
                                    apr_pool_t *pool);
llm_problem_t *llm_openai_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc,
                                        apr_pool_t *pool);
llm_reader_t *llm_openai_reader_make(const llm_ask_t *ask, apr_pool_t *pool);
void llm_openai_read_event(llm_reader_t *reader, const llm_event_t *event,
                           llm_delta_cb *emit, void *baton,
                           apr_pool_t *scratch);
void llm_openai_reader_end(llm_reader_t *reader, llm_delta_cb *emit,
                           void *baton, apr_pool_t *scratch);
int llm_openai_read_usage(llm_usage_t *usage, const llm_json_t *doc);
const char *llm_openai_read_tier(const llm_json_t *doc, apr_pool_t *pool);
void llm_openai_read_facts(const char **pmodel, llm_finish_e *pfinish,
                           const llm_json_t *doc, apr_pool_t *pool);
llm_problem_t *llm_openai_read_problem(int status, const apr_table_t *headers,
                                       const llm_json_t *doc, llm_bytes_t body,
                                       apr_pool_t *pool);
llm_problem_t *llm_openai_event_problem(const llm_event_t *event,
                                        apr_pool_t *pool);
/* An error under status 200: NULL where the document is none. */
llm_problem_t *llm_openai_problem_in(const llm_json_t *doc, apr_pool_t *pool);
int llm_openai_hide_usage(llm_bytes_t *pout, const llm_sse_event_t *event,
                          const llm_json_t *doc, apr_pool_t *scratch);
int llm_openai_is_last(const llm_event_t *event);

/* ---- the client side ------------------------------------------------- */

llm_problem_t *llm_openai_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool);
void llm_openai_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool);
llm_writer_t *llm_openai_writer_make(const llm_ask_t *ask, const char *id,
                                     apr_time_t now, apr_pool_t *pool);
void llm_openai_write_delta(llm_buf_t *out, llm_writer_t *writer,
                            const llm_delta_t *delta);
void llm_openai_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id);
void llm_openai_write_stream_problem(llm_buf_t *out,
                                     const llm_problem_t *problem,
                                     const char *request_id);
/* The member "error" of the open object. */
void llm_openai_put_error(llm_buf_t *out, const llm_problem_t *problem);
/* Its members alone, into the open object. */
void llm_openai_put_error_members(llm_buf_t *out, const llm_problem_t *problem);
/* Its code, in OpenAI's words where there are some; or NULL. */
const char *llm_openai_error_code(const llm_problem_t *problem);
void llm_openai_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool);
void llm_openai_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool);

#endif /* DIALECT_OPENAI_INTERNAL_H */
