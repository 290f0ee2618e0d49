/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to an exchange, in order, from the client's bytes to the usage
 * record. Pure: who reads sockets and waits is a driver (httpd/drive_sync.c
 * today), which feeds bytes and takes bytes away:
 *
 *     llm_flow_begin(x)                       the stages: read, admit, plan
 *     while ((attempt = llm_flow_next(x))) {  upstreams of the plan in turn
 *         connect, send llm_attempt_head() and the request's body
 *         llm_attempt_feed(attempt, bytes)    until it is DONE or FAILED;
 *             whatever x->out holds goes to the client meanwhile, once
 *             x->reply.ready is set
 *         llm_attempt_close | llm_attempt_fail
 *     }
 *     x->problem set and nothing sent:        llm_flow_reply_problem(x)
 *     llm_flow_record(x, &record)             whatever happened
 *
 * Commit late: until the first real output is there, nothing goes out and
 * another attempt is possible; after that, never.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "core/llm.h"
#include "core/llm_buf.h"
#include "core/llm_price.h"
#include "core/llm_problem.h"
#include "core/llm_record.h"
#include "core/llm_tokens.h"
#include "core/llm_usage.h"
#include "dialect/dialect.h"
#include "flow/http1.h"
#include "route/route.h"

/* What becomes of usage that has no price. */
typedef enum {
    LLM_UNKNOWN_PRICE_ESTIMATE, /* the provider's dearest one */
    LLM_UNKNOWN_PRICE_DENY,     /* the provider is not asked; what is found
                                   out later is estimated */
    LLM_UNKNOWN_PRICE_ZERO      /* it costs nothing, and says so */
} llm_unknown_price_e;

/* The configuration in force where the request came in. Constant. */
typedef struct llm_policy_t {
    const apr_array_header_t *models; /* of llm_model_t * */
    llm_price_book_t prices;          /* those that do not change */
    /* Puts the lists that change while requests run into the book, for as
     * long as it is read, and takes them back. NULL: there are none. */
    void (*lend_prices)(llm_price_book_t *book);
    void (*return_prices)(llm_price_book_t *book);
    llm_unknown_price_e unknown_price;
    llm_unsupported_e unsupported;      /* wishes a provider has no place for */
    const llm_vocabulary_t *vocabulary; /* or NULL: tokens are estimated */
    apr_size_t answer_limit;            /* largest answer held in memory */
    int retries;                        /* further upstreams after the first */
    llm_abort_t on_abort;               /* never UNSAID */
} llm_policy_t;

/* What a provider keeps of what passes, under ids that it gives. */
typedef enum {
    LLM_KEEPS_NOTHING,
    LLM_KEEPS_ANSWERS, /* OpenAI's responses */
    LLM_KEEPS_ANSWER,  /* one of them, by its id: no model is asked */
    LLM_KEEPS_OBJECTS  /* files, batches: no model is asked */
} llm_keeps_e;

/* What an answer used that was made in the background. */
typedef struct llm_owed_t {
    const char *id;      /* the provider's, of the answer */
    llm_record_t record; /* its key and team are the driver's to set */
} llm_owed_t;

typedef struct llm_exchange_t llm_exchange_t;
typedef struct llm_attempt_t llm_attempt_t;

/* What goes to the client. Filled in before the first byte of `out`. */
typedef struct llm_reply_t {
    int ready; /* head is decided; out may be sent */
    int status;
    const char *content_type;
    apr_table_t *headers; /* to set on the response; never NULL */
    int whole;            /* out holds the whole body */
} llm_reply_t;

struct llm_exchange_t {
    apr_pool_t *pool;
    unsigned char id[LLM_RECORD_ID];
    const char *request_id; /* the same as text */
    apr_time_t began;
    const llm_policy_t *policy;

    /* asked: set by the driver before llm_flow_begin */
    const llm_dialect_t *client; /* the dialect the client speaks */
    llm_op_e op;
    llm_bytes_t raw;               /* the client's body */
    apr_uint32_t key_id;           /* 0 anonymous */
    const char *key_models;        /* patterns this key may use; "" all */
    const char *key_team;          /* "" none */
    llm_abort_t key_on_abort;      /* or UNSAID */
    const apr_table_t *headers_in; /* the client's request headers */
    apr_uint64_t dice;             /* for the plan */
    /* native routes only */
    const llm_provider_t *native; /* NULL elsewhere */
    const char *native_method;
    const char *native_rest; /* what follows the provider's name, with
                                its leading "/" and the query */
    int native_chat;         /* it is a call of the chat API itself */
    llm_keeps_e keeps;       /* ids are noted in `made` */
    int whole_only;          /* the driver looks at the whole answer before any
                                of it goes out, and may change x->out */
    const llm_line_t *line;  /* of dialects whose paths say what is asked; NULL
                                elsewhere */
    const char *query; /* the client's, without keys of the gateway; or NULL */

    /* read from the body */
    const char *model; /* as asked; NULL where the op has none */
    int stream;
    int pieces;            /* LLM_OP_IMAGE: images asked for; 0 not said */
    const char *user;      /* end user's id, or NULL */
    const char *tags;      /* as in the record; "" none */
    const llm_json_t *doc; /* the whole body, once it is needed */
    const llm_ask_t *ask;  /* in our terms, once it is needed */

    /* decided */
    const llm_model_t *route; /* NULL for native */
    apr_array_header_t *plan; /* of llm_upstream_t */
    int next;                 /* in the plan */

    /* done */
    apr_array_header_t *attempts; /* of llm_attempt_t * */
    llm_attempt_t *current;       /* the one running or the last one */
    llm_reply_t reply;
    llm_buf_t *out;     /* bytes for the client, after reply.ready */
    llm_usage_t usage;  /* read from the answer */
    const char *served; /* model that answered */
    const char *tier;   /* service tier that served, or NULL */
    llm_finish_e finish;
    llm_problem_t *problem; /* why the client got an error, or NULL */
    int complete;           /* the answer came to its proper end */
    int broken;             /* it broke off behind the head, and its
                               format has no way to say so: the driver
                               must not end the response properly */
    int sent;               /* some attempt's request left us */
    int client_gone;        /* set by the driver */
    apr_time_t first_token; /* 0 none yet */
    apr_time_t now;         /* when the last bytes came */
    apr_time_t ended;       /* set by the driver */
    apr_uint64_t bytes_out; /* counted by the driver */
    /* what passed, for estimates where the provider gives no count */
    llm_tally_t text, thoughts;
    apr_int64_t input_estimate; /* -1 until it is needed */
    apr_array_header_t *made;   /* of const char *: ids by which the provider
                                   keeps something; NULL: none yet */
    int background;             /* the provider makes the answer whoever waits
                                   for it: what it uses has a record of its
                                   own, and this exchange's has none of it */
    const llm_owed_t *owed;     /* that record, once the answer is over; the
                                   driver puts it before any of `out` goes on */
    const llm_record_t *told;   /* whose cost the client was told, or NULL */
};

typedef enum {
    LLM_ATTEMPT_READY,     /* request composed, nothing sent */
    LLM_ATTEMPT_SENT,      /* waiting for the head of the answer */
    LLM_ATTEMPT_ANSWERED,  /* head read; nothing for the client yet */
    LLM_ATTEMPT_COMMITTED, /* the client gets this one's answer */
    LLM_ATTEMPT_DONE,      /* complete, or ended by a problem after commit */
    LLM_ATTEMPT_FAILED     /* no answer for the client; see problem */
} llm_attempt_e;

struct llm_attempt_t {
    apr_pool_t *pool; /* its own; memory of the answer */
    llm_exchange_t *x;
    llm_upstream_t upstream;
    const llm_dialect_t *dialect; /* in which the upstream is asked */
    llm_request_t request;
    llm_attempt_e state;
    llm_http1_t *http;
    llm_problem_t *problem;
    int again;              /* FAILED, set by the driver: the same upstream may
                               be asked once more, with other credentials */
    int is_again;           /* that is what this one is */
    int keep;               /* DONE or FAILED: the connection may be
                               used again */
    int pass;               /* bytes pass untouched: same dialect, or a
                               native route */
    int hide_usage;         /* the client did not ask for the usage we
                               asked for */
    llm_bytes_t error_body; /* FAILED by an error answer: its body */
    apr_time_t began, first_byte, ended;
    struct llm_stream_t *stream; /* what reads the answer; flow/stream.c */
};

/* Cannot fail. The driver fills in what "asked" lists. */
llm_exchange_t *llm_exchange_make(const llm_policy_t *policy, apr_time_t now,
                                  apr_pool_t *pool);

/* NULL, or the problem (also in x->problem). */
llm_problem_t *llm_flow_begin(llm_exchange_t *x);

/* The next upstream to try, its request composed; NULL when none is left or
 * none would do better, with x->problem saying why, or the answer is done. */
llm_attempt_t *llm_flow_next(llm_exchange_t *x, apr_time_t now);

/* The body in x->ask's terms, read when first needed. */
llm_problem_t *llm_exchange_ask(llm_exchange_t *x);

/* Request line and headers as bytes for the wire, credentials included
 * (secret may be NULL): goes to the socket and nowhere else. `out` belongs
 * to the caller, who wipes it. */
void llm_attempt_head(llm_attempt_t *attempt, const char *secret,
                      llm_buf_t *out);
/* The request left us completely. */
void llm_attempt_sent(llm_attempt_t *attempt, apr_time_t now);
/* Bytes from the upstream. */
void llm_attempt_feed(llm_attempt_t *attempt, const char *data, apr_size_t len,
                      apr_time_t now);
/* The upstream closed the connection. */
void llm_attempt_close(llm_attempt_t *attempt, apr_time_t now);
/* It cannot go on: no connection, a timeout, the client left. */
void llm_attempt_fail(llm_attempt_t *attempt, llm_problem_t *problem,
                      apr_time_t now);

/* What is in force should the client leave: the key's word, else the model's,
 * else the place's. A driver that drains goes on feeding the attempt, and
 * drops what x->out gets; no other upstream is tried. */
llm_abort_t llm_flow_on_abort(const llm_exchange_t *x);

/* x->problem as the whole reply, in the client's dialect. */
void llm_flow_reply_problem(llm_exchange_t *x);

/* The usage record as things stand: also while the exchange runs. What the
 * provider did not count is estimated, and marked so. */
void llm_flow_record(llm_exchange_t *x, llm_record_t *record, apr_time_t now);
/* The client is told this record's cost: it is not priced anew by a list that
 * comes into force before the end. */
void llm_flow_tell_cost(llm_exchange_t *x, const llm_record_t *record);

/* What a batch used, which its provider tells when it is over: 1 and the record
 * of it, whose id and time are made of the batch's (flow/kept.c), so that it is
 * the same however often it is asked for. 0: this is no batch, or one that is not over.
 * `doc` is the answer of the exchange. */
int llm_flow_batch_record(llm_exchange_t *x, llm_record_t *record,
                          const llm_json_t *doc);

#endif /* FLOW_FLOW_H */
