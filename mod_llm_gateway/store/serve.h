/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's socket: several clients, a line of JSON for a request, lines for
 * its answer.
 *
 * Short commands and edits run in the thread that serves, between two ticks;
 * those that may take long run in one of a few threads of their own and write
 * to their client themselves. A client has a minute to say something and half
 * a minute to take what it is sent.
 */
#ifndef STORE_SERVE_H
#define STORE_SERVE_H

#include "store/inside.h"

typedef struct llm_server_t llm_server_t;

/* `listener` is closed by llm_server_stop. */
apr_status_t llm_server_make(llm_server_t **pserver, llm_store_t *store,
                             int listener, apr_pool_t *pool);
/* Serves whatever is ready, waiting for it at most that long. */
void llm_server_run(llm_server_t *server, apr_interval_time_t wait);
/* Ends what is running and hangs up on everybody. */
void llm_server_stop(llm_server_t *server);

#endif /* STORE_SERVE_H */
