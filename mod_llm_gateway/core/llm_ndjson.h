/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One JSON document a line: bytes in, whole lines out, wherever they are cut.
 */
#ifndef LLM_NDJSON_H
#define LLM_NDJSON_H

#include "core/llm_buf.h"

typedef struct llm_ndjson_t llm_ndjson_t;

llm_ndjson_t *llm_ndjson_make(apr_size_t limit, apr_pool_t *pool);
void llm_ndjson_feed(llm_ndjson_t *lines, const char *data, apr_size_t len);
/* The next line that is not blank, without its end; valid until the next
 * call. APR_SUCCESS, APR_EAGAIN or APR_ENOSPC. */
apr_status_t llm_ndjson_next(llm_ndjson_t *lines, llm_bytes_t *pline);
/* What is left at the end: APR_SUCCESS or APR_EOF. */
apr_status_t llm_ndjson_finish(llm_ndjson_t *lines, llm_bytes_t *pline);

#endif /* LLM_NDJSON_H */
