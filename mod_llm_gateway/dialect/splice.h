/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a few members of a body without copying it: bytes to leave out and
 * bytes to put in their place. The request's body is then the pieces between
 * the cuts, and the replacements.
 */
#ifndef DIALECT_SPLICE_H
#define DIALECT_SPLICE_H

#include "dialect/dialect.h"

typedef struct llm_splice_t {
    apr_pool_t *pool;
    apr_array_header_t *cuts; /* in the order of the body */
} llm_splice_t;

llm_splice_t *llm_splice_make(apr_pool_t *pool);
/* Bytes [begin, end) of the body become `text`, which must live as long as
 * the request. Cuts come in order and do not overlap. */
void llm_splice_cut(llm_splice_t *splice, apr_size_t begin, apr_size_t end,
                    const char *text, apr_size_t len);
void llm_splice_clear(llm_splice_t *splice);
/* Sets the request's body. `raw` must live as long as the request. */
void llm_splice_apply(llm_request_t *req, llm_bytes_t raw,
                      const llm_splice_t *splice);

/* Where a member's value begins. */
apr_size_t llm_member_value(const llm_member_t *member);
/* A string as JSON, with its quotes. */
llm_bytes_t llm_json_quote(const char *utf8, apr_pool_t *pool);

/* The whole job where only the model's name changes, at every `model` there
 * is: readers differ in which one of two they take. A BAD_REQUEST where the
 * body is no object or names no model. */
llm_problem_t *llm_splice_model(llm_request_t *req, llm_bytes_t raw,
                                const char *model, apr_pool_t *pool);
/* The BAD_REQUEST for a body that could not be scanned. */
llm_problem_t *llm_splice_problem(const llm_json_error_t *error,
                                  apr_pool_t *pool);

#endif /* DIALECT_SPLICE_H */
