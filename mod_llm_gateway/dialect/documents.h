/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of a request that are given as text or shall be cited: FILE parts
 * whose media says so. See documents.c for how they are counted and named.
 */
#ifndef DIALECT_DOCUMENTS_H
#define DIALECT_DOCUMENTS_H

#include "dialect/cite.h"
#include "dialect/dialect.h"

/* A document of these TEXT parts at the end of `parts`. */
llm_media_t *llm_parts_add_document(llm_ask_t *ask, llm_parts_t *parts,
                                    llm_part_t *texts, apr_pool_t *pool);

/* Its name where documents go by names; `number`: of its kind. */
void llm_put_source_name(llm_buf_t *out, const char *member,
                         const llm_media_t *media, int number);

/* Parts without documents of texts, which are texts then; that they shall be
 * cited is told as left out. And the turns, for a provider that cites nothing.
 */
llm_part_t *llm_parts_without_documents(const llm_part_t *part,
                                        llm_request_t *req, apr_pool_t *pool);
llm_turn_t *llm_turns_without_documents(const llm_turn_t *turn,
                                        llm_request_t *req, apr_pool_t *pool);

#endif /* DIALECT_DOCUMENTS_H */
