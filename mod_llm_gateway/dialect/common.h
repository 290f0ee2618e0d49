/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What many dialects share: building asks and answers, words and their
 * meanings, JSON output, media, tool ids and arguments, what happens to
 * members that another dialect has no place for, and provider errors.
 *
 * Nothing here knows a dialect. Memory is the pool's given; slices point into
 * the bytes they were read from. Functions that cannot fail return the thing.
 */
#ifndef DIALECT_COMMON_H
#define DIALECT_COMMON_H

#include "dialect/dialect.h"

/* ---- asks and answers, built front to back --------------------------- */

/* An empty ask or answer with the members that must never be NULL. An ask has
 * its model too, "" where the path names it: the problem is a body that is no
 * object, or whose model is no string; *pask is set all the same. */
llm_problem_t *llm_ask_make(llm_ask_t **pask, llm_op_e op,
                            const llm_json_t *doc, apr_pool_t *pool);
llm_answer_t *llm_answer_make(apr_pool_t *pool);

/* Lists that know their end. Zeroed they are empty; `first` is what goes
 * into a turn, an ask or an answer. `add` returns the new, zeroed element. */
typedef struct llm_parts_t {
    llm_part_t *first, *last;
} llm_parts_t;
typedef struct llm_turns_t {
    llm_turn_t *first, *last;
} llm_turns_t;
typedef struct llm_tools_t {
    llm_tool_t *first, *last;
} llm_tools_t;
typedef struct llm_choices_t {
    llm_choice_t *first, *last;
} llm_choices_t;

llm_part_t *llm_parts_add(llm_parts_t *parts, llm_part_e kind,
                          apr_pool_t *pool);
llm_part_t *llm_parts_add_text(llm_parts_t *parts, llm_part_e kind,
                               llm_text_t text, apr_pool_t *pool);
/* id may be NULL or "", which is none; args as llm_call_t wants them;
 * signature may be NULL. */
llm_part_t *llm_parts_add_call(llm_parts_t *parts, const char *id,
                               llm_text_t name, llm_bytes_t args,
                               const char *signature, apr_pool_t *pool);
llm_turn_t *llm_turns_add(llm_turns_t *turns, llm_role_e role,
                          apr_pool_t *pool);
llm_tool_t *llm_tools_add(llm_tools_t *tools, apr_pool_t *pool);
llm_choice_t *llm_choices_add(llm_choices_t *choices, int index,
                              apr_pool_t *pool);

/* Fills in `result_name` of tool results from the calls they answer. */
void llm_turns_name_results(llm_turn_t *turns, apr_pool_t *pool);

/*
 * Results of one answer's calls may come in turns of their own, one behind the
 * other, and no other turn may stand between them: what a turn has besides,
 * and pictures that have no place in a result, wait for the last of them.
 * Of a turn with results: NULL where it is not the last, else the turn that
 * holds the parts of all. *prow is the first one meanwhile; NULL to begin with.
 */
const llm_turn_t *llm_turn_join(const llm_turn_t **prow, const llm_turn_t *turn,
                                apr_pool_t *pool);

/* Does any part of the list have this kind? */
int llm_parts_have(const llm_part_t *parts, llm_part_e kind);

/* ---- text ------------------------------------------------------------ */

int llm_text_is_empty(llm_text_t text);           /* none or "" */
int llm_text_is_same(llm_text_t a, llm_text_t b); /* byte for byte */
/* Nothing but blanks, tabs and line ends, as they stand in escaped text? */
int llm_text_is_blank(llm_text_t text);
int llm_bytes_are(llm_bytes_t bytes, const char *plain);
/* Of the TEXT parts, joined by `separator` (escaped text); a copy only when
 * there is more than one. None where there is no text part. */
llm_text_t llm_parts_text(const llm_part_t *parts, const char *separator,
                          apr_pool_t *pool);

/* A model's name as a part of a path: what could end the path or begin a
 * query is percent-encoded, "/" stays. NULL for what is no name: "", one that
 * begins with "/", one with ".." or "//". */
const char *llm_path_escape(const char *name, apr_pool_t *pool);
/* The other way, of the `len` bytes of a path a client wrote; as they stand
 * where they cannot be decoded. NULL for none. */
const char *llm_path_unescape(const char *at, apr_size_t len, apr_pool_t *pool);

/* ---- words ----------------------------------------------------------- */

/* A word of a dialect and its meaning. Tables end with a NULL word; where a
 * meaning has several words the first one is written, all are read. */
typedef struct llm_word_t {
    const char *word;
    int value;
} llm_word_t;

int llm_word_value(const llm_word_t *words, llm_text_t text, int otherwise);
const char *llm_word_of(const llm_word_t *words, int value); /* or NULL */

/* ---- JSON output ----------------------------------------------------- */

/* A comma, unless the output is empty or ends with "{", "[" or ":". */
void llm_put_comma(llm_buf_t *out);
/* The comma where one is due, then `"name":`. name needs no escaping. */
void llm_put_name(llm_buf_t *out, const char *name);
/* Whole members; those that are NULL or none are left out. */
void llm_put_member(llm_buf_t *out, const char *name, const llm_json_t *value);
void llm_put_text_member(llm_buf_t *out, const char *name, llm_text_t text);
/* A member that must be there: "" where the text is none. */
void llm_put_needed_text(llm_buf_t *out, const char *name, llm_text_t text);
void llm_put_string_member(llm_buf_t *out, const char *name, const char *utf8);
void llm_put_int_member(llm_buf_t *out, const char *name, apr_int64_t value);
/* `value` is JSON as it stands. */
void llm_put_raw_member(llm_buf_t *out, const char *name, const char *value);
/* What stands before an element of an array that is written piece by piece,
 * and what ends it. *pcount: elements so far; -1 once it has ended. */
void llm_put_element(llm_buf_t *out, int *pcount);
void llm_put_last_element(llm_buf_t *out, int *pcount);
/* JSON in one line, as a line of a stream has to be: blanks where it has line
 * ends between its values. */
void llm_put_one_line(llm_buf_t *out, llm_bytes_t json);
/* A buffer for a request's body. Long texts of the ask are borrowed, so they
 * have to live as long as the request; what is in a buffer that changes again
 * is no such text. */
llm_buf_t *llm_request_buf(apr_pool_t *pool);
/* The whole buffer as req's body. The buffer's memory must live as long as the
 * request: make it in the request's pool. */
void llm_request_set_body(llm_request_t *req, const llm_buf_t *body,
                          apr_pool_t *pool);

/* The embeddings of an answer, whose array may have been made here and have no
 * bytes of its own, as an array of vectors; NULL: an empty one. */
void llm_put_vectors(llm_buf_t *out, const llm_json_t *embeddings);
/* A string or an array of strings as an array; nothing where it is empty. */
void llm_put_list_member(llm_buf_t *out, const char *name,
                         const llm_json_t *value);

/* ---- media ----------------------------------------------------------- */

/* An address as it stands in a client's request: "data:image/png;base64,..."
 * is taken apart into media_type and base64 (a slice of `url`), anything else
 * becomes media->url. Returns 0 for a data: URL that is not base64. */
int llm_media_set_url(llm_media_t *media, llm_text_t url, apr_pool_t *pool);
/* Its type by the registered name; `otherwise` where none was said. */
const char *llm_media_type(const llm_media_t *media, const char *otherwise);
/* As a JSON string: the address, or a data: URL of the bytes. */
void llm_put_media_url(llm_buf_t *out, const llm_media_t *media);
/* Is it a picture? So is what nobody gave a type. */
int llm_media_is_image(const llm_media_t *media);
int llm_media_is_video(const llm_media_t *media);
/* Its name, or one made of its type, for servers that go by it. */
llm_text_t llm_media_filename(const llm_media_t *media);
/* What stands for it in a text: Markdown with its URL. */
llm_text_t llm_media_markdown(const llm_media_t *media, apr_pool_t *pool);
/* Adds what an answer shows: a TEXT with `media`. */
llm_part_t *llm_parts_add_shown(llm_parts_t *parts, const llm_media_t *media,
                                apr_pool_t *pool);

/* An answer's pictures, sound and files in the turns of a history: the same
 * turns where there are none, else others, in which they stand with what the
 * user says next, for providers that take them from the user alone. */
llm_turn_t *llm_turns_without_shown(llm_turn_t *turns, apr_pool_t *pool);

/* ---- tools ----------------------------------------------------------- */

/* Arguments as OpenAI has them, JSON in a string, to the JSON text of an
 * object. None, "" and "null" are "{}". What is no object becomes
 * {"INVALID_JSON":"..."} (the form Anthropic's documentation gives), and 0 is
 * returned: nothing is lost and every dialect can carry it. */
#define LLM_INVALID_ARGS "INVALID_JSON"
int llm_args_from_text(llm_bytes_t *pargs, llm_text_t text, apr_pool_t *pool);
/* Arguments as an object (Anthropic, Gemini); NULL and null are "{}". */
llm_bytes_t llm_args_from_json(const llm_json_t *node);

/* Is the call of this number, from 0, one the client wants? Where a provider
 * has no way to forbid parallel calls, only the first is told to a client that
 * wants one at a time. `ask` may be NULL. */
int llm_ask_wants_call(const llm_ask_t *ask, int number);
/* Does the client want more than one answer? */
int llm_ask_wants_several(const llm_ask_t *ask);

/* An id for a call that has none: prefix + 24 letters and digits made of
 * `seed` (what is unique to this answer) and the call's number. */
const char *llm_call_id_make(const char *prefix, const char *seed, int number,
                             apr_pool_t *pool);
/* A seed for whole answers: the answer's id, or, where it has none, what
 * differs between the turns of one conversation. */
const char *llm_answer_seed(const llm_ask_t *ask, const llm_answer_t *answer,
                            apr_pool_t *pool);
/* The same id where it fits: 1..max characters of [A-Za-z0-9] and those in
 * `also`; exactly max where `exact`. Else prefix + letters and digits made
 * of it, so that a call and its result change alike. */
const char *llm_call_id_fit(const char *id, const char *prefix,
                            const char *also, apr_size_t max, int exact,
                            apr_pool_t *pool);

/* A format where the provider has none: one tool more, whose input is the
 * answer. What has to be called of the tools there are then. */
typedef enum {
    LLM_FORMAT_TOOL_NOT,   /* the client wants one of its own called now */
    LLM_FORMAT_TOOL_ALONE, /* the answer's, and no other */
    LLM_FORMAT_TOOL_BESIDE /* any: a call of the client's, or the answer */
} llm_format_tool_e;
llm_format_tool_e llm_ask_format_tool(const llm_ask_t *ask);
/* The tool's name; is this call the answer itself? `ask` may be NULL. */
#define LLM_FORMAT_TOOL "answer_as_json"
int llm_ask_is_answer(const llm_ask_t *ask, llm_text_t name);
/* NULL, or why there can be no such tool. */
llm_problem_t *llm_ask_check_format_tool(const llm_ask_t *ask,
                                         apr_pool_t *pool);

/* ---- what has no place ----------------------------------------------- */

/* A member of the client's request that ask has no term for; null counts as
 * absent. `where` is the path to its parent with an index where it is in an
 * array ("messages[3]"), NULL for the top level. */
void llm_ask_add_unknown(llm_ask_t *ask, const llm_json_t *member,
                         const char *where, apr_pool_t *pool);
/* Is there a member whose name is not in `known` (NULL-terminated)? Cheap:
 * asked before a path is printed for llm_ask_add_unknowns. */
int llm_json_has_others(const llm_json_t *object, const char *const *known);
/* Every member of `object` whose name is not in `known` (NULL-terminated). */
void llm_ask_add_unknowns(llm_ask_t *ask, const llm_json_t *object,
                          const char *const *known, const char *where,
                          apr_pool_t *pool);

/* Says that a member is left out; once however often it is told. An index in
 * the path is taken off: "messages[3].name" is told as "messages.name". */
void llm_request_drop(llm_request_t *req, const char *path);
/* What becomes of ask->unknown: members in `handled` (the writer sees to
 * them; may be NULL) are passed over, hints (their loss does not change what
 * the answer means) are dropped, and anything else is a BAD_REQUEST that
 * names it. NULL when all is well. */
llm_problem_t *llm_request_settle_unknown(llm_request_t *req,
                                          const llm_ask_t *ask,
                                          const char *const *handled,
                                          apr_pool_t *pool);
/* Who asks, what for and how urgently: what most providers have no place for.
 * Tiers that are the default are not told. */
void llm_request_drop_labels(llm_request_t *req, const llm_ask_t *ask);
/* Some servers end with "stop" beside calls too, which the client has to answer
 * all the same. `calls`: how many there are. */
llm_finish_e llm_finish_beside(llm_finish_e finish, int calls);
/* "`logprobs` is not supported by <dialect> providers": the refusal. */
llm_problem_t *llm_problem_unsupported(const char *param, const char *dialect,
                                       apr_pool_t *pool);

/* When an answer was made, in Unix seconds; 0 for what cannot be one, as of a
 * server that tells milliseconds or nonsense. */
apr_int64_t llm_created_of(const llm_json_t *node);

/* ---- usage ----------------------------------------------------------- */

/* Sets the class where the node is a number that can be a count. */
int llm_usage_take(llm_usage_t *usage, llm_class_e class,
                   const llm_json_t *node);
/* value - part, never below 0. */
apr_int64_t llm_usage_rest(apr_int64_t value, apr_int64_t part);

/* ---- errors ---------------------------------------------------------- */

/* The code of a question that is too long for the model: OpenAI's word for it,
 * given to whatever a provider says it in. */
#define LLM_CODE_TOO_LONG "context_length_exceeded"
/* A problem the provider told: kind and client status by `status`, message
 * redacted (a default for the status when it is NULL or empty), retry_after
 * from the headers (which may be NULL). type and code may be NULL. */
llm_problem_t *llm_problem_from_provider(int status, const apr_table_t *headers,
                                         const char *message, const char *type,
                                         const char *code, apr_pool_t *pool);
/* An answer of the provider's without a member it has to have. */
llm_problem_t *llm_problem_lacking(const char *member, apr_pool_t *pool);
/* A stream that ended before its proper end. */
llm_problem_t *llm_problem_cut_off(apr_pool_t *pool);
/* Seconds, rounded up, from retry-after-ms or Retry-After (seconds, or a date
 * against the answer's own Date); -1 when not told. */
int llm_retry_after(const apr_table_t *headers);

#endif /* DIALECT_COMMON_H */
