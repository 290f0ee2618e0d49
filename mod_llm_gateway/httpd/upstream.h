/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a provider, out of mod_proxy's pool: TLS, SSLProxy*,
 * balancer-manager, health checks and ProxyPass parameters stay httpd's. Only
 * the HTTP exchange on it is ours.
 */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include "httpd/llmgw.h"

typedef struct llmgw_upstream_t llmgw_upstream_t;

/* NULL: connected. Blocks for at most the connect timeout, and when the pool
 * is used up. */
llm_problem_t *llmgw_upstream_open(llmgw_upstream_t **pupstream, request_rec *r,
                                   llm_attempt_t *attempt);
/* Did the connection serve another request before? */
int llmgw_upstream_is_reused(const llmgw_upstream_t *upstream);
/* Head, with the secret (NULL: none), and body; returns when all is
 * written. */
apr_status_t llmgw_upstream_send(llmgw_upstream_t *upstream,
                                 const char *secret);
/*
 * What is there, without waiting: APR_SUCCESS with bytes that are valid until
 * the next call, APR_EAGAIN, APR_EOF, or an error. With TLS there may be more
 * than the socket knows of: read until APR_EAGAIN before waiting.
 */
apr_status_t llmgw_upstream_read(llmgw_upstream_t *upstream,
                                 llm_bytes_t *pbytes);
int llmgw_upstream_fd(const llmgw_upstream_t *upstream);
/* Back into the pool, or closed unless `keep`. */
void llmgw_upstream_release(llmgw_upstream_t *upstream, int keep);

#endif /* UPSTREAM_H */
