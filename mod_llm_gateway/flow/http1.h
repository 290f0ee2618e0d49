/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1.1 response, fed with bytes as they arrive (RFC 9112). It never
 * waits and never reads past the end of its response.
 *
 * Interim (1xx) responses are skipped. The body's length is what the message
 * says it is: chunked, Content-Length, or until the connection closes; both
 * Transfer-Encoding and Content-Length together, two differing lengths, or a
 * malformed chunk are errors (request smuggling's tools).
 */
#ifndef FLOW_HTTP1_H
#define FLOW_HTTP1_H

#include "core/llm.h"

#define LLM_HTTP1_HEAD_MAX 65536 /* bytes of status line and headers */

typedef enum {
    LLM_HTTP1_HEAD, /* the head is not complete */
    LLM_HTTP1_BODY,
    LLM_HTTP1_DONE,  /* complete; see keep */
    LLM_HTTP1_BROKEN /* see what */
} llm_http1_e;

typedef struct llm_http1_t {
    llm_http1_e state;
    int status;            /* from BODY on */
    apr_table_t *headers;  /* never NULL; names as sent */
    int keep;              /* DONE: the connection may be used again */
    int started;           /* at least one byte came */
    apr_uint64_t received; /* bytes of the body, framing taken off */
    const char *what;      /* BROKEN: a phrase for the log */
    struct llm_http1_parser_t *parser;
} llm_http1_t;

/* Body bytes, framing taken off. `data` is valid during the call only. */
typedef void llm_http1_body_cb(void *baton, const char *data, apr_size_t len);

llm_http1_t *llm_http1_make(apr_pool_t *pool);
/* Call while state is HEAD or BODY. Body bytes of this call are handed out
 * before it returns; `state` first becomes BODY, so a caller that must see
 * the head before the body does so in the callback's first call. Bytes past
 * the end make `keep` 0. */
void llm_http1_feed(llm_http1_t *http, const char *data, apr_size_t len,
                    llm_http1_body_cb *body, void *baton);
/* The connection was closed by the peer: DONE where that ends the body,
 * else BROKEN. */
void llm_http1_close(llm_http1_t *http);

#endif /* FLOW_HTTP1_H */
