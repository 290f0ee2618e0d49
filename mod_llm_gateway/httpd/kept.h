/* SPDX-License-Identifier: Apache-2.0 */
/* What kept.c, kept_paths.c, kept_body.c and kept_answer.c share. */
#ifndef LLMGW_KEPT_H
#define LLMGW_KEPT_H

#include "httpd/llmgw.h"

/* kept_paths.c: does it speak the Responses API; can OpenAI's things of this
 * kind be there? */
int llmgw_kept_has_responses(const llm_provider_t *provider);
int llmgw_kept_keeps(const llm_provider_t *provider, const char *kind);
/* kind, id and rest of "files/file-1/content" at this provider; NULL: at one
 * of OpenAI's. 0: it is no such path. */
int llmgw_kept_read(llmgw_kept_t *kept, const char *path,
                    const llm_provider_t *provider, apr_pool_t *pool);
/* May OpenAI's be called so? *pallow: how it may; NULL: nobody knows it. */
int llmgw_kept_allow(const char **pallow, const llmgw_kept_t *kept, int method);
/* NULL, or why a request of the provider's own API does not pass. */
llm_problem_t *llmgw_kept_closed(request_rec *r,
                                 const llmgw_request_t *request);
/* Of the caller's key, or of one of its team? Of an anonymous caller's: of
 * nobody's. */
int llmgw_kept_is_own(const llmgw_request_t *request,
                      const llmgw_owner_t *owner);
/* 503: the store does not answer. */
llm_problem_t *llmgw_kept_no_store(request_rec *r);

#endif /* LLMGW_KEPT_H */
