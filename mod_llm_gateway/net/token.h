/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OAuth tokens of providers: a secret that lives long is exchanged, at a token
 * server, for one that lives an hour and goes to the provider.
 *
 * How it is asked for differs by cloud: a kind is a record of one function in
 * a file of its own, and a line in kinds.def. What comes back is the same
 * everywhere, RFC 6749, section 5.
 */
#ifndef NET_TOKEN_H
#define NET_TOKEN_H

#include "core/llm_buf.h"
#include "net/net.h"

#define LLM_TOKEN_MAX  16383 /* bytes of a token */
#define LLM_TOKEN_WHAT 200   /* of a phrase that says why there is none */

typedef struct llm_token_source_t llm_token_source_t;

typedef struct llm_token_kind_t {
    const char *name;      /* as in LLMToken */
    const char *options;   /* "client tenant": what it takes besides those
                                   that all do */
    int needs_secret;      /* LLMKey none is not enough */
    const char *secret_is; /* for messages: "a client secret" */
    /* The request for a token, at the time `now`. NULL, or a phrase that says
     * what is wrong with options or secret and quotes no secret. */
    const char *(*ask)(llm_net_request_t *request,
                       const llm_token_source_t *source, apr_time_t now,
                       apr_pool_t *pool);
} llm_token_kind_t;

struct llm_token_source_t {
    const llm_token_kind_t *kind;
    const char *provider; /* whose it is, for messages */
    const char *origin;   /* the provider's: "https://host:port" */
    const char *secret;   /* LLMKey's; NULL: none */
    apr_table_t *options; /* by name; never NULL */
};

/* A token, or why there is none. */
typedef struct llm_token_answer_t {
    llm_text_t text; /* plain; data NULL: none */
    apr_interval_time_t life;
    const char *what;   /* for clients and logs: "the token server answered 401
                           invalid_client"; NULL with a token */
    const char *detail; /* for the log; or NULL */
} llm_token_answer_t;

const llm_token_kind_t *llm_token_kind_find(const char *name);
const char *llm_token_kind_names(apr_pool_t *pool);

/* "name=value" into source->options. NULL, or a phrase. */
const char *llm_token_set_option(llm_token_source_t *source, const char *option,
                                 apr_pool_t *pool);
/* The option's value, or the default. */
const char *llm_token_option(const llm_token_source_t *source, const char *name,
                             const char *preset);
/* Can a token be asked for with what is known? NULL, or a phrase. */
const char *llm_token_check(const llm_token_source_t *source, apr_time_t now,
                            apr_pool_t *pool);

/* What the token server said. Memory of the answer and the pool. */
void llm_token_read(llm_token_answer_t *token, const llm_token_source_t *source,
                    const llm_net_answer_t *answer, apr_pool_t *pool);

/* ---- for the kinds ------------------------------------------------------ */

/* "name=value&", the value escaped for a form or a query. */
void llm_token_put(llm_buf_t *out, const char *name, const char *value);
/* "Authorization: Basic ...", of a name and a secret. */
const char *llm_token_basic(const char *name, const char *secret,
                            apr_pool_t *pool);

#endif /* NET_TOKEN_H */
