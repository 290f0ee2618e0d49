/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store, opened in a process of its own: for one that must keep root, or
 * must never open Berkeley DB itself (httpd's parent).
 *
 * The process becomes the folder's user, opens the store and answers requests
 * over a socket as an owner does, until the socket is closed.
 */
#ifndef STORE_APART_H
#define STORE_APART_H

#include "core/llm.h"

#include <sys/types.h>

#include <apr_errno.h>

typedef struct llm_apart_t {
    int fd; /* requests and answers, a line each; -1 none */
    pid_t pid;
} llm_apart_t;

/* Forks. `forget` (may be NULL) is called first in the new process, to wipe
 * what is not its business. The first line from the socket is the status of
 * llm_store_open and, after a blank, what it says. uid: the caller's. */
apr_status_t llm_apart_start(llm_apart_t *papart, const char *dir,
                             apr_uint32_t uid, void (*forget)(void *baton),
                             void *baton);
/* Hangs up and waits until the process has closed the store. */
void llm_apart_end(llm_apart_t *apart);

#endif /* STORE_APART_H */
