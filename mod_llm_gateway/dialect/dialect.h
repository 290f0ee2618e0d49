/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one provider family talks: a table of pure functions, bytes and terms
 * in, bytes and terms out, memory from the pool given.
 *
 * A dialect can face clients, providers, or both; a member that is NULL means
 * "does not do it". Adding one is a file, its line in dialects.def and in
 * local.mk, and its vectors: the tests fail for a dialect without any.
 *
 * Where the client's dialect is what the provider speaks (`speaks` of the
 * provider's dialect names it), requests are spliced by pass_request and
 * answers pass untouched; only usage is read. Everywhere else the answer goes
 * through the terms of core/llm.h.
 */
#ifndef DIALECT_H
#define DIALECT_H

#include "core/llm.h"
#include "core/llm_buf.h"
#include "core/llm_json.h"
#include "core/llm_problem.h"
#include "core/llm_sse.h"
#include "core/llm_usage.h"

/* Where a provider is and what it wants besides its dialect. Made by the
 * configuration; constant while requests run. */
typedef struct llm_provider_t {
    const char *name; /* as configured */
    const struct llm_dialect_t *dialect;
    const char *base_url;       /* as configured or the dialect's default */
    const char *scheme, *host;  /* "https", "api.openai.com" */
    int port;                   /* 443 */
    const char *base_path;      /* "/v1", "" for none, never ends in "/" */
    const apr_table_t *headers; /* LLMHeader's; may be NULL */
    const struct llm_profile_t *profile; /* whose server it is; NULL: what is
                                            known of its host */
    int ask_usage;           /* add stream_options.include_usage: 0 never, 1
                                   where the server needs it, 2 always */
    int responses;           /* it has the Responses API: 1 yes, -1 no,
                                   0 what is known of its address */
    int max_tokens_default;  /* where the dialect demands a limit and the
                                   client gave none */
    const char *api_version; /* LLMAPIVersion's; NULL: not said */
    const char *project;     /* LLMProject's; NULL: not said */
    int bearer;              /* its secret is a token (LLMToken), sent as
                                   one whatever the dialect's header is */
    void *glue;              /* the driver's: worker, secret */
} llm_provider_t;

/* What a client's path says, in a dialect that says more there than one path
 * can: Gemini's "/v1beta/models/x:streamGenerateContent?alt=sse" or Ollama's
 * "/api/generate". */
typedef struct llm_line_t {
    llm_op_e op;
    const char *model;  /* decoded; NULL: the body names it, or all of them
                           (LLM_OP_MODELS) */
    const char *method; /* what is called: ":generateContent"; NULL: none */
    const char *query;  /* goes on where bytes pass; NULL for none */
    int stream;         /* the answer is wanted in pieces; where the body names
                           the model it may say otherwise */
    int body_streams;   /* the body says so, though the path names the model */
    int as_array;       /* these are elements of one JSON array */
    int posted;         /* LLM_OP_MODELS: a POST whose body names the model */
    const char *preset; /* the model where the body names none; NULL: it has
                           to */
    const char *fixed;  /* LLM_OP_MODELS: the answer, whoever asks, as JSON;
                           NULL: the models */
} llm_line_t;

/* What becomes of a wish that a provider has no place for. */
typedef enum {
    LLM_UNSUPPORTED_REFUSE, /* 400, but for hints, which are left out */
    LLM_UNSUPPORTED_DROP,   /* left out and told */
    LLM_UNSUPPORTED_STRICT  /* 400, hints too */
} llm_unsupported_e;

/* A request to a provider, ready but for its credentials, Host,
 * Content-Length and Connection, which the writer on the wire adds. */
typedef struct llm_request_t {
    const char *method;   /* "POST" */
    const char *path;     /* with the query, e.g. "/v1/messages" */
    apr_table_t *headers; /* never NULL */
    llm_bytes_t *body;    /* pieces, in order: splices need no copy */
    int body_count;
    apr_array_header_t *dropped;   /* of const char *: members of the client's
                                    request that were left out; never NULL */
    llm_unsupported_e unsupported; /* which may be */
    const llm_ask_t *fitted;       /* the ask as it was written, where that is
                                      not all of it; else NULL */
    const llm_line_t *line; /* what the client's path said; NULL where its
                               dialect says it in the body */
} llm_request_t;

/* A client's word for a member that has one of ours, which are OpenAI's. */
typedef struct llm_rename_t {
    const char *ours, *theirs;
} llm_rename_t;

/* How a streamed answer is cut into events. */
typedef enum {
    LLM_FRAMING_NONE, /* not streamed */
    LLM_FRAMING_SSE,
    LLM_FRAMING_NDJSON,
    LLM_FRAMING_EVENTSTREAM /* AWS's, core/llm_eventstream.h */
} llm_framing_e;

/* One event of a provider's stream, framing taken off. */
typedef struct llm_event_t {
    llm_bytes_t event;     /* the framing's name of it, or empty */
    llm_bytes_t data;      /* the payload as it came */
    const llm_json_t *doc; /* the payload read; NULL when it is no JSON */
} llm_event_t;

/* State of one stream being read or written; each dialect has its own. */
typedef struct llm_reader_t llm_reader_t;
typedef struct llm_writer_t llm_writer_t;

typedef struct llm_dialect_t llm_dialect_t;
struct llm_dialect_t {
    const char *name;         /* as in LLMDialect */
    const char *family;       /* the dialect whose prices are its own too;
                                 NULL: itself */
    const char *speaks;       /* the client dialect whose bytes this provider
                                 takes as they are; NULL for none */
    unsigned client_ops;      /* bits of llm_op_e served to clients */
    unsigned provider_ops;    /* bits of llm_op_e asked of providers */
    unsigned pass_ops;        /* of these, which pass untouched for `speaks` */
    const char *default_url;  /* the provider's public address */
    const char *default_path; /* used when the base URL has none: "/v1" */
    llm_framing_e framing;    /* of streamed answers, read or written */
    int mixes_calls;          /* a stream to a client may mix the pieces of
                                 several calls; else call_order.h */
    int begins_with_input;    /* a stream to a client tells the input's tokens
                                 when it begins */
    int lacks_comments;       /* clients do not know the comments of SSE */
    int needs_project;        /* LLMProject has to be said */
    /* Another dialect that is spoken at the provider's address as well, and
     * in which it is asked for this client; NULL for none. The member may be
     * NULL. */
    const llm_dialect_t *(*also)(const llm_provider_t *provider,
                                 const llm_dialect_t *client,
                                 const char *model);
    /* Another form in which all clients' requests of this operation go to this
     * model of the provider's, so that none can pass; NULL for none. The
     * member may be NULL; `model` as well: not known. */
    const llm_dialect_t *(*instead)(const llm_provider_t *provider,
                                    const char *model, llm_op_e op);
    /* Moves a request to where this provider has it; the last word on its
     * path, in whichever dialect it was written, but for native calls. A
     * problem where the model cannot be there. NULL: it is there. */
    llm_problem_t *(*place)(llm_request_t *req, const llm_provider_t *provider,
                            const char *model, apr_pool_t *pool);
    const char *chat_path; /* how the path of its chat API ends
                                 ("/chat/completions"): a native call of it is
                                 metered like any other chat; NULL where the
                                 name of the model is in the path */

    /* ---- facing a client ------------------------------------------- */

    /* What its members are called in errors and in x-llm-dropped, where that
     * is not our word; ends with NULL. NULL: all are ours. */
    const llm_rename_t *names;

    /* What a path asks for, in a dialect with more to say there than the table
     * of endpoints; NULL in the others. `path` is decoded, below the gateway's location; `query`
     * has no keys in it and may be NULL. Returns 0 for a path of another
     * dialect; with 1 a problem in *pproblem is what is wrong with the rest
     * of it. */
    int (*read_line)(llm_line_t **pline, llm_problem_t **pproblem,
                     const char *path, const char *query, apr_pool_t *pool);
    /* The body as an ask. The problem names the member that is wrong. */
    llm_problem_t *(*read_request)(llm_ask_t **pask, llm_op_e op,
                                   const llm_json_t *doc, apr_pool_t *pool);
    /* A whole answer; application/json. `ask` is what was asked. */
    void (*write_response)(llm_buf_t *out, const llm_ask_t *ask,
                           const llm_answer_t *answer, apr_pool_t *pool);
    /* A streamed answer: a checked state machine; it cannot write events in
     * an order the dialect does not allow, whatever deltas come. `id` is the
     * exchange's, used where the provider gives none. */
    llm_writer_t *(*writer_make)(const llm_ask_t *ask, const char *id,
                                 apr_time_t now, apr_pool_t *pool);
    void (*write_delta)(llm_buf_t *out, llm_writer_t *writer,
                        const llm_delta_t *delta);
    /* An error as the whole answer. */
    void (*write_problem)(llm_buf_t *out, const llm_problem_t *problem,
                          const char *request_id);
    /* Can this dialect's clients read this error answer, as a provider wrote
     * it? NULL: they can where `error` is an object. */
    int (*is_problem)(const llm_json_t *doc);
    /* An error inside a stream of this dialect that was *not* written by a
     * writer (pass-through broke off): legal after any complete event. */
    void (*write_stream_problem)(llm_buf_t *out, const llm_problem_t *problem,
                                 const char *request_id);
    /* Headers that go with every answer to these clients: `problem` is NULL
     * for a good one. Those that are there stay: the provider's own. The
     * member is NULL where there are none. */
    void (*add_reply_headers)(apr_table_t *headers,
                              const llm_problem_t *problem,
                              const char *request_id);
    /* GET /v1/models: names this caller may use. */
    void (*write_models)(llm_buf_t *out, const apr_array_header_t *names,
                         apr_time_t now, apr_pool_t *pool);
    /* GET /v1/models/{name}: one of them. */
    void (*write_model)(llm_buf_t *out, const char *name, apr_time_t now,
                        apr_pool_t *pool);

    /* ---- facing a provider ----------------------------------------- */

    /* Translated request for `model`. req comes with empty headers and
     * `dropped`. A problem (BAD_REQUEST naming the member) where the provider
     * cannot do what was asked and leaving it out would change the answer. */
    llm_problem_t *(*write_request)(llm_request_t *req, const llm_ask_t *ask,
                                    const char *model,
                                    const llm_provider_t *provider,
                                    apr_pool_t *pool);
    /* Same dialect: the client's bytes with `model` replaced, and what the
     * gateway itself needs added (stream_options). *phide is set when the
     * client must not see the usage that was asked for. */
    llm_problem_t *(*pass_request)(llm_request_t *req, llm_op_e op,
                                   llm_bytes_t raw, const char *model,
                                   const llm_provider_t *provider, int *phide,
                                   apr_pool_t *pool);
    /* Will the answer to bytes that pass have another form than the client's
     * dialect has? Then it is translated. NULL: never. */
    int (*answers_apart)(const llm_provider_t *provider, const char *model,
                         llm_bytes_t raw);
    /* Name and value of the header that carries the provider's secret, for
     * the writer on the wire; the value's prefix ("Bearer ") in *pprefix. */
    const char *(*secret_header)(const char **pprefix);
    /* Header lines, each with its CRLF, that sign the whole request, for the
     * writer on the wire; `host` is as the Host header has it. Returns 0,
     * nothing written, where the secret is one that secret_header carries.
     * The member is NULL where nothing is signed. */
    int (*sign)(llm_buf_t *out, const llm_provider_t *provider,
                const llm_request_t *request, const char *host,
                const char *secret, apr_time_t now, apr_pool_t *pool);
    /* Headers every request to this provider has (anthropic-version...),
     * set only where the client did not send one; NULL for none. */
    void (*add_headers)(apr_table_t *headers, const llm_provider_t *provider);

    /* A whole answer, status 2xx. A problem: the body is not an answer (also
     * an error inside a 200). */
    llm_problem_t *(*read_response)(llm_answer_t **panswer,
                                    const llm_ask_t *ask, const llm_json_t *doc,
                                    apr_pool_t *pool);
    /* A streamed answer: every event in order, then reader_end once when the
     * body is complete. `ask` is NULL where the bytes pass and the stream is
     * read for metering only. `scratch` is cleared after each call; what the reader
     * keeps for longer it copies to the pool it was made with, bounded. */
    llm_reader_t *(*reader_make)(const llm_ask_t *ask, apr_pool_t *pool);
    void (*read_event)(llm_reader_t *reader, const llm_event_t *event,
                       llm_delta_cb *emit, void *baton, apr_pool_t *scratch);
    /* Emits FINISH, USAGE and END as far as still due, or a PROBLEM when the
     * stream stopped before its proper end. */
    void (*reader_end)(llm_reader_t *reader, llm_delta_cb *emit, void *baton,
                       apr_pool_t *scratch);

    /* Usage from any answer body or stream event of this provider's API
     * (native and pass-through paths): overwrites the classes it finds.
     * Returns 1 when the document held usage. */
    int (*read_usage)(llm_usage_t *usage, const llm_json_t *doc);
    /* The same from the head of an answer that tells none in its body. The
     * member is NULL where heads tell nothing. */
    int (*read_head_usage)(llm_usage_t *usage, const apr_table_t *headers);
    /* Facts of a passed answer for the record: the model that answered and
     * the finish reason as far as this document tells; out-members are left
     * alone otherwise. pmodel is copied to pool. */
    void (*read_facts)(const char **pmodel, llm_finish_e *pfinish,
                       const llm_json_t *doc, apr_pool_t *pool);
    /* The service tier that served, from an answer or an event of a stream:
     * "priority", "batch"...; NULL: it does not say. What was asked for does
     * not count. The member is NULL where there are no tiers. */
    const char *(*read_tier)(const llm_json_t *doc, apr_pool_t *pool);
    /* An error answer (status >= 400): doc may be NULL; `body` is what came;
     * header lookups are case-insensitive. Never NULL. */
    llm_problem_t *(*read_problem)(int status, const apr_table_t *headers,
                                   const llm_json_t *doc, llm_bytes_t body,
                                   apr_pool_t *pool);
    /* An error inside a passed 200 stream: is this event one? NULL: no. */
    llm_problem_t *(*event_problem)(const llm_event_t *event, apr_pool_t *pool);
    /* Pass-through streams, client did not ask for usage but we did: what to
     * forward in place of raw. Returns 1 and *pout (possibly empty: drop the
     * event) when the event must change, 0 to forward it untouched. */
    int (*hide_usage)(llm_bytes_t *pout, const llm_sse_event_t *event,
                      const llm_json_t *doc, apr_pool_t *scratch);
    /* Of an event that holds another in its payload: what is inside becomes
     * the frame's event and data, and in a dialect whose clients frame theirs
     * otherwise its raw too. Memory is scratch's. The member is NULL where
     * nothing is wrapped. */
    void (*unwrap_event)(llm_sse_event_t *frame, apr_pool_t *scratch);
    /* Does this event end a passed stream properly? ([DONE], message_stop) */
    int (*is_last)(const llm_event_t *event);

    /* Native route: the model's name, as a provider's path tells it
     * ("models/x:gen...") or the body, unless doc is NULL; NULL when neither
     * does. A dialect whose paths never name one leaves this NULL: `model` of
     * the body is read without its help. */
    const char *(*native_model)(const char *path, const llm_json_t *doc,
                                apr_pool_t *pool);
    /* Path on the provider for what follows the provider's name in a native
     * route; NULL member: base rules of llm_dialect_native_path. */
    const char *(*native_path)(const llm_provider_t *provider, const char *rest,
                               apr_pool_t *pool);
};

/* Registry: from dialects.def. */
const llm_dialect_t *llm_dialect_find(const char *name);
const llm_dialect_t *const *llm_dialect_all(apr_size_t *pcount);
/* "anthropic, gemini, openai": for error texts. which: 1 client, 2 provider. */
const char *llm_dialect_names(int which, apr_pool_t *pool);

/* Does this provider take this client's bytes as they are? */
int llm_dialect_passes(const llm_dialect_t *client,
                       const llm_dialect_t *provider, llm_op_e op);

/* The name under which prices of all its providers are listed. */
const char *llm_dialect_family(const llm_dialect_t *dialect);

/* The dialect in which a provider is asked for this client: its own, the one
 * that this model wants instead, or another that is spoken at its address and
 * lets the client's bytes pass.
 * `model` is the provider's; NULL: not known. */
const llm_dialect_t *llm_dialect_for(const llm_provider_t *provider,
                                     const llm_dialect_t *client,
                                     const char *model, llm_op_e op);

/* Splits a base URL into the provider's scheme, host, port and base_path and
 * applies default_path. NULL, or a phrase saying what is wrong. */
const char *llm_provider_set_url(llm_provider_t *provider, const char *url,
                                 apr_pool_t *pool);
/* base_path + suffix, e.g. "/v1" + "/chat/completions". */
const char *llm_provider_path(const llm_provider_t *provider,
                              const char *suffix, apr_pool_t *pool);
/* Does `path` begin with the whole segments of `base`? 0 for a base of "". */
int llm_path_begins_with(const char *path, const char *base);
/* What a native route calls: rest as it is when it begins with the base
 * path, else base path + rest. */
const char *llm_dialect_native_path(const llm_provider_t *provider,
                                    const char *rest, apr_pool_t *pool);

#endif /* DIALECT_H */
