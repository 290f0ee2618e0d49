/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control plane's HTTP: small requests to token servers, several at a
 * time, each with a deadline. It never carries a question or an answer.
 *
 * A vtable, so that what uses it can be tested without a network; curl.c is
 * the one there is.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <apr_tables.h>
#include <apr_time.h>

#include "core/llm.h"

#define LLM_NET_ANSWER_MAX 65536 /* bytes of an answer; more is an error */

typedef struct llm_net_request_t {
    const char *url;     /* https; http only where llm_net_check_url allows */
    const char *body;    /* a form, to be posted; NULL: GET */
    const char *headers; /* lines "Name: value", a line end between; or NULL */
    const char *ca_file; /* authorities to trust; NULL: the system's */
    apr_interval_time_t patience; /* for the whole exchange */
} llm_net_request_t;

typedef struct llm_net_answer_t {
    int status;       /* 0: there is none, and `what` says why */
    llm_bytes_t body; /* valid during the call */
    const char *what; /* for the log; no part of the request is in it */
} llm_net_answer_t;

typedef void llm_net_done_cb(void *baton, const llm_net_answer_t *answer);

typedef struct llm_net_t llm_net_t;
struct llm_net_t {
    /* Begins a request, which must live until `done` was called; that is from
     * `wait`, or from `start` itself where it cannot begin. */
    void (*start)(llm_net_t *net, const llm_net_request_t *request,
                  llm_net_done_cb *done, void *baton);
    /* Works on what runs, until something ended, `fd` can be read (-1: none)
     * or the time is over. */
    void (*wait)(llm_net_t *net, int fd, apr_interval_time_t at_most);
};

/* curl.c; NULL when the library cannot be used. Ends with the pool. */
llm_net_t *llm_net_curl(apr_pool_t *pool);

/* NULL, or a phrase: an address is https, or http to this machine itself
 * (loopback) or to a cloud's metadata server. */
const char *llm_net_check_url(const char *url, apr_pool_t *pool);

#endif /* NET_NET_H */
