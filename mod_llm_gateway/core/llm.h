/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vocabulary: what a client asks, what a provider answers, and the pieces
 * of a streamed answer, in the gateway's own terms.
 *
 * Dialects translate to and from these terms and never to one another. Text
 * travels as llm_text_t, still escaped as it stood in the sender's JSON, so
 * that nothing is damaged by decoding and encoding it again.
 *
 * Memory: everything here lives in the pool it was read with and may point
 * into the bytes it was read from; both must outlive it. Nothing is ever
 * changed once it is made.
 */
#ifndef LLM_H
#define LLM_H

#include <apr.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

/* Bytes that belong to somebody else; not terminated. */
typedef struct llm_bytes_t {
    const char *data;
    apr_size_t len;
} llm_bytes_t;

/*
 * What stands between the quotes of a JSON string, escapes and all. A type of
 * its own, so that escaped and plain text cannot be mixed up.
 * data NULL: there is none (JSON null or absent), which is not "".
 */
typedef struct llm_text_t {
    const char *data;
    apr_size_t len;
} llm_text_t;

typedef struct llm_json_t llm_json_t;       /* core/llm_json.h */
typedef struct llm_problem_t llm_problem_t; /* core/llm_problem.h */
typedef struct llm_usage_t llm_usage_t;     /* core/llm_usage.h */

/* What a client wants done; bits, so that a dialect can say what it carries. */
typedef enum {
    LLM_OP_CHAT = 1 << 0,
    LLM_OP_EMBED = 1 << 1,
    LLM_OP_MODELS = 1 << 2, /* list models: answered by the gateway itself */
    LLM_OP_NATIVE = 1 << 3, /* the provider's own API, passed through */
    LLM_OP_COUNT = 1 << 4,  /* how many tokens a chat's question has */
    LLM_OP_RERANK = 1 << 5, /* documents by what they have to do with a query */
    /* OpenAI's, asked of who speaks its dialect; the answer passes unread but
     * for its usage, and may be anything */
    LLM_OP_MODERATE = 1 << 6,
    LLM_OP_IMAGE = 1 << 7,
    LLM_OP_SPEECH = 1 << 8,    /* a text read aloud */
    LLM_OP_TRANSCRIBE = 1 << 9 /* sound as text, also in another language */
} llm_op_e;

#define LLM_OPS_UNREAD                                                         \
    (LLM_OP_MODERATE | LLM_OP_IMAGE | LLM_OP_SPEECH | LLM_OP_TRANSCRIBE)

typedef enum {
    LLM_ROLE_SYSTEM, /* OpenAI's "developer" too */
    LLM_ROLE_USER,
    LLM_ROLE_ASSISTANT,
    LLM_ROLE_TOOL /* turns that hold tool results only */
} llm_role_e;

typedef enum {
    LLM_PART_TEXT,        /* text */
    LLM_PART_REFUSAL,     /* text: what OpenAI keeps apart as "refusal" */
    LLM_PART_IMAGE,       /* media: url, or media_type + base64 */
    LLM_PART_AUDIO,       /* media: base64 with media_type */
    LLM_PART_FILE,        /* media: a document; url, base64 or provider's id */
    LLM_PART_THINKING,    /* text + signature */
    LLM_PART_REDACTED,    /* text: the provider's opaque data */
    LLM_PART_TOOL_CALL,   /* call */
    LLM_PART_TOOL_RESULT, /* result */
    LLM_PART_PROVIDER     /* raw: a part only its own dialect understands */
} llm_part_e;

/* Media given by address or by value. Never fetched, never decoded. */
typedef struct llm_media_t {
    const char *media_type; /* "image/png"; NULL when not said */
    llm_text_t url;         /* http(s) address, or none */
    llm_text_t base64;      /* the bytes, or none */
    llm_text_t file_id;     /* the provider's handle, or none */
    llm_text_t filename;    /* of a document, or none */
    llm_text_t detail;      /* OpenAI's "low", "high", "auto", or none */
    /* of a document of the request */
    struct llm_part_t *texts; /* it is given as text: TEXT parts, and none of
                                 the bytes, addresses and handles above */
    int in_blocks;            /* they were given one by one, and are cited so */
    llm_text_t source;        /* it is a search result, from there; or none */
    llm_text_t key;           /* the client's own name of it, or none */
    int cited;                /* the answer shall tell what it takes from it */
} llm_media_t;

typedef struct llm_call_t {
    const char *id; /* the provider's, or NULL where it gives none */
    llm_text_t name;
    llm_bytes_t args; /* JSON text of an object; "{}" when there are none */
    const char *signature; /* Gemini's thoughtSignature, or NULL */
} llm_call_t;

/* What a piece of an answer is taken from. */
typedef enum {
    LLM_CITE_URL,      /* url, title; also where a search result of the request
                          is from: number, place in it */
    LLM_CITE_DOCUMENT, /* one of the request's: number, place in it */
    LLM_CITE_FILE      /* one the provider keeps: id, title, type */
} llm_cite_e;

typedef struct llm_cite_t llm_cite_t;
struct llm_cite_t {
    llm_cite_e kind;
    llm_cite_t *next;
    llm_text_t url, title;
    llm_text_t id;          /* of a document or file, or none */
    llm_text_t container;   /* of a file, or none */
    llm_text_t quote;       /* the source's own words, or none */
    llm_text_t said;        /* the answer's words, or none */
    const char *type;       /* FILE: OpenAI's word ("file_path"), else NULL */
    const char *unit;       /* DOCUMENT: what from and to count, "char", "page",
                               "block"; or NULL. URL: "result" of a search
                               result, whose blocks they count */
    apr_int64_t start, end; /* the answer's words: characters (code points) of
                               all texts of the choice; -1: not told */
    apr_int64_t number;     /* DOCUMENT, result: which, from 0; -1: not told */
    apr_int64_t from, to;   /* DOCUMENT: its place; FILE: `from` is OpenAI's
                               index; -1: not told */
    const llm_json_t *raw;  /* FILE: as its sender wrote it, or NULL */
};

typedef struct llm_part_t llm_part_t;
struct llm_part_t {
    llm_part_e kind;
    llm_part_t *next;
    llm_text_t text;
    llm_text_t signature;        /* of THINKING (Anthropic), else none */
    const llm_media_t *media;    /* IMAGE, AUDIO, FILE; or what an answer shows
                                    where its TEXT stands, which is Markdown
                                    for dialects without a place for it */
    const llm_call_t *call;      /* TOOL_CALL */
    const char *result_of;       /* TOOL_RESULT: id of the call it answers */
    llm_text_t result_name;      /* TOOL_RESULT: the tool, where it is known */
    llm_part_t *result;          /* TOOL_RESULT: its parts; NULL when empty */
    int is_error;                /* TOOL_RESULT: the tool failed */
    const llm_json_t *cache;     /* cache_control as given, or NULL */
    const llm_cite_t *citations; /* TEXT of an answer, or NULL */
    const llm_json_t *raw;       /* the part as its sender wrote it, or NULL */
};

typedef struct llm_turn_t llm_turn_t;
struct llm_turn_t {
    llm_role_e role;
    llm_part_t *parts;
    llm_text_t name; /* OpenAI's optional author name */
    llm_turn_t *next;
};

/* A tool of OpenAI's that takes a text and no JSON. */
typedef struct llm_custom_t {
    llm_text_t description;        /* in its sender's words, or none */
    llm_text_t syntax, definition; /* of a grammar for the text, or none */
} llm_custom_t;

typedef struct llm_tool_t llm_tool_t;
struct llm_tool_t {
    llm_text_t name;
    llm_text_t given;           /* the client's name of it, where the provider
                                 takes `name` in its place; else none */
    llm_text_t description;     /* or none */
    const llm_json_t *schema;   /* JSON Schema of the arguments, or NULL */
    const llm_json_t *strict;   /* OpenAI's flag as given, or NULL */
    const llm_json_t *cache;    /* cache_control as given, or NULL */
    const llm_json_t *raw;      /* a tool only its own dialect knows (search) */
    const llm_custom_t *custom; /* it takes a text, the argument `input`: its
                                   description tells the grammar; or NULL */
    int barred;                 /* not among those that may be called now */
    llm_text_t space;      /* OpenAI's: the namespace it is in, or none... */
    llm_text_t name_there; /* ...and its name there; `name` has both */
    llm_tool_t *next;
};

typedef enum {
    LLM_CHOOSE_UNSAID,
    LLM_CHOOSE_AUTO,
    LLM_CHOOSE_NONE,
    LLM_CHOOSE_ANY, /* OpenAI's "required" */
    LLM_CHOOSE_TOOL /* the one named */
} llm_choose_e;

typedef enum {
    LLM_FORMAT_UNSAID,
    LLM_FORMAT_TEXT,
    LLM_FORMAT_JSON,
    LLM_FORMAT_SCHEMA
} llm_format_e;

/* What an answer is made of; bits. */
typedef enum {
    LLM_SHOW_TEXT = 1 << 0,
    LLM_SHOW_IMAGE = 1 << 1,
    LLM_SHOW_SOUND = 1 << 2
} llm_show_e;

/* A question to a model. Members not said are NULL, zero or none. */
typedef struct llm_ask_t {
    llm_op_e op;
    const char *model; /* as the client wrote it, decoded */
    int stream;        /* the answer is wanted in pieces */
    int as_array;      /* Gemini: these are elements of one JSON array */
    int include_usage; /* OpenAI: usage wanted in the stream */
    llm_turn_t *turns; /* system turns in the places they had */
    llm_tool_t *tools;
    int documents;        /* some FILE is given as text, or shall be cited */
    int legacy_functions; /* tools came as OpenAI's "functions": a call
                             is answered as "function_call" */
    llm_choose_e choose;
    llm_text_t choose_name;       /* of LLM_CHOOSE_TOOL */
    const llm_json_t *parallel;   /* bool: may calls be parallel */
    const llm_json_t *max_tokens; /* number */
    const llm_json_t *temperature, *top_p, *top_k, *seed, *n;
    int usual_top_k, usual_top_p; /* they are what models of the client's
                                     dialect do unasked: hints elsewhere */
    const llm_json_t *frequency_penalty, *presence_penalty;
    const llm_json_t *stop; /* a string or an array of strings */
    const llm_json_t *logprobs, *top_logprobs, *logit_bias;
    llm_format_e format;
    llm_text_t format_name; /* of LLM_FORMAT_SCHEMA */
    const llm_json_t *format_schema, *format_strict;
    int format_held;   /* the client's dialect holds every answer to the schema,
                        without a `strict` */
    llm_text_t effort; /* reasoning: "low", "medium", "high"... */
    const llm_json_t *thinking_budget; /* tokens; number */
    int thinking;                      /* 1 asked for, -1 forbidden, 0 unsaid */
    int hide_thoughts;                 /* Gemini: not wanted in the answer */
    int prompt;              /* Ollama: asked by a prompt, and answered
                                          in that form; no conversation */
    unsigned modalities;     /* bits of llm_show_e; 0: text, as nobody said */
    llm_text_t voice;        /* of sound: its name at the provider, or none */
    llm_text_t sound_format; /* OpenAI's word ("pcm16"), or none */
    llm_text_t user;         /* end user's id */
    llm_text_t service_tier;
    const llm_json_t *metadata;
    const llm_json_t *embed_input; /* LLM_OP_EMBED: string or array */
    const llm_json_t *dimensions;
    llm_text_t encoding_format; /* LLM_OP_EMBED: "float" or "base64" */
    int truncate;               /* LLM_OP_EMBED: 1 what is too long may be cut,
                                   -1 it is to be refused, 0 unsaid */
    const llm_json_t *doc;      /* the body, where the client's dialect repeats
                              it in its answers; else NULL */
    apr_size_t answer_limit;    /* most a writer may keep of an answer, bytes;
                                0: no limit */
    apr_time_t began;           /* when it was asked; 0: not told */
    const apr_time_t *clock;    /* the time now, for dialects that tell how long
                                an answer took; NULL: not told */
    apr_array_header_t *unknown; /* of const llm_json_t *: members whose
                                    meaning the client's dialect does not
                                    share with others; never NULL */
} llm_ask_t;

/* Why an answer ended. */
typedef enum {
    LLM_FINISH_NONE, /* not yet */
    LLM_FINISH_STOP,
    LLM_FINISH_STOP_SEQUENCE,
    LLM_FINISH_LENGTH,
    LLM_FINISH_TOOL_CALLS,
    LLM_FINISH_FILTERED, /* content filter, safety, refusal */
    LLM_FINISH_PAUSE,    /* Anthropic's pause_turn */
    LLM_FINISH_OTHER
} llm_finish_e;

typedef struct llm_choice_t llm_choice_t;
struct llm_choice_t {
    int index;
    llm_part_t *parts;
    llm_finish_e finish;
    llm_text_t stop_sequence;   /* the one that was met, or none */
    const llm_json_t *logprobs; /* or NULL */
    llm_choice_t *next;
};

typedef struct llm_answer_t {
    const char *id;      /* or NULL: the writer makes one */
    const char *model;   /* the model that answered, or NULL */
    apr_int64_t created; /* Unix seconds, 0 when not said */
    llm_choice_t *choices;
    llm_usage_t *usage; /* never NULL; may be empty */
    llm_text_t service_tier;
    const llm_json_t *embeddings; /* LLM_OP_EMBED: an array with one vector for
                                     each input, as the provider wrote it */
    apr_int64_t tokens;           /* LLM_OP_COUNT: of the question */
} llm_answer_t;

/* The pieces of a streamed answer, in the order a reader emits them. */
typedef enum {
    LLM_DELTA_BEGIN,     /* first: id, model; also where another id comes */
    LLM_DELTA_TEXT,      /* text */
    LLM_DELTA_REFUSAL,   /* text */
    LLM_DELTA_THINKING,  /* text */
    LLM_DELTA_SIGNATURE, /* text: signature of the thinking before it */
    LLM_DELTA_REDACTED,  /* text: opaque thinking, whole */
    LLM_DELTA_CITE,      /* cite: of text that came, or comes next */
    LLM_DELTA_CALL,      /* a tool call begins: call_index, call id and name */
    LLM_DELTA_ARGS,      /* text: a fragment of the arguments' JSON, escaped
                            as a JSON string; call_index */
    LLM_DELTA_FINISH,    /* finish, stop_sequence; once for each choice */
    LLM_DELTA_USAGE,     /* usage: what is known so far, cumulative */
    LLM_DELTA_PROBLEM,   /* problem: the provider failed in mid-stream; last */
    LLM_DELTA_END        /* the stream is complete; nothing after it */
} llm_delta_e;

typedef struct llm_delta_t {
    llm_delta_e kind;
    int choice;     /* index of the choice; 0 where there is one */
    int call_index; /* 0, 1, ... within the choice */
    llm_text_t text;
    const llm_media_t *media; /* TEXT: as in llm_part_t, or NULL */
    const llm_cite_t *cite;   /* CITE: one, whatever follows it */
    const llm_call_t *call;   /* CALL: id and name; args unused */
    const char *id, *model;   /* BEGIN; each may be NULL */
    apr_int64_t created;      /* BEGIN; 0 when not said */
    llm_finish_e finish;
    llm_text_t stop_sequence; /* FINISH, or none */
    const llm_usage_t *usage;
    llm_problem_t *problem;
    const llm_json_t *logprobs; /* with TEXT, or NULL */
    const char *tier;           /* BEGIN, USAGE, END: the service tier as far as
                                   it is known, in its provider's word; or NULL */
} llm_delta_t;

/* Everything a delta points to is valid only during the call. */
typedef void llm_delta_cb(void *baton, const llm_delta_t *delta);

#define LLM_TEXT_NONE        ((llm_text_t){NULL, 0})
#define LLM_TEXT_LITERAL(s)  ((llm_text_t){(s), sizeof(s) - 1})
#define LLM_BYTES_LITERAL(s) ((llm_bytes_t){(s), sizeof(s) - 1})

#endif /* LLM_H */
