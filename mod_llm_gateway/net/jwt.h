/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens signed with RS256 (RFC 7515, RFC 7518 section 3.3): what a
 * service account shows a token server.
 */
#ifndef NET_JWT_H
#define NET_JWT_H

#include "core/llm.h"

/* header.claims.signature; `header` and `claims` are JSON, `key` a private RSA
 * key in PEM. NULL: the key cannot be used. */
const char *llm_jwt_sign(const char *header, const char *claims,
                         const char *key, apr_pool_t *pool);

#endif /* NET_JWT_H */
