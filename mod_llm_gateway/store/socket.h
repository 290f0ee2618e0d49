/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets by paths of any length: an address holds 107 bytes, so a longer
 * path is reached through a descriptor of its folder.
 */
#ifndef STORE_SOCKET_H
#define STORE_SOCKET_H

#include "core/llm.h"

#include <apr_errno.h>

/* Replaces what is at `path`. Mode 0600. Not blocking. */
apr_status_t llm_socket_listen(int *pfd, const char *path);
/* Blocking. */
apr_status_t llm_socket_connect(int *pfd, const char *path);
/* Not blocking. APR_EAGAIN: nobody is there. */
apr_status_t llm_socket_accept(int *pfd, apr_uint32_t *puid, int listener);

#endif /* STORE_SOCKET_H */
