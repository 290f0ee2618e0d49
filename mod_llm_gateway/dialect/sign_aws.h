/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of AWS, version 4: the headers that sign a request.
 *
 * Source: AWS General Reference, "Signature Version 4 signing process". The
 * path is signed encoded once more than it is sent, as all services but S3
 * want it; Content-Type and the headers that begin with x-amz- are signed
 * with Host and the date.
 */
#ifndef DIALECT_SIGN_AWS_H
#define DIALECT_SIGN_AWS_H

#include "dialect/dialect.h"

/* "ACCESS_KEY_ID:SECRET_ACCESS_KEY" or, of temporary credentials,
 * "ACCESS_KEY_ID:SECRET_ACCESS_KEY:SESSION_TOKEN", taken apart in place. */
typedef struct llm_aws_key_t {
    llm_bytes_t id, secret;
    llm_bytes_t token; /* empty for none */
} llm_aws_key_t;

/* 0 where the secret has no colon and so is no key of this form. */
int llm_aws_key_read(llm_aws_key_t *key, const char *secret);

typedef struct llm_aws_place_t {
    const char *region;  /* "us-east-1" */
    const char *service; /* "bedrock" */
    const char *host;    /* as the Host header has it */
} llm_aws_place_t;

/* Header lines, each with its CRLF: X-Amz-Date, where there is a token
 * X-Amz-Security-Token, and Authorization. Nothing of the key is written
 * anywhere else. */
void llm_aws_sign(llm_buf_t *out, const llm_aws_key_t *key,
                  const llm_aws_place_t *place, const llm_request_t *request,
                  apr_time_t now, apr_pool_t *pool);

#endif /* DIALECT_SIGN_AWS_H */
