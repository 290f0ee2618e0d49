/* SPDX-License-Identifier: Apache-2.0 */
/* What kept.c, kept_body.c and kept_answer.c share. */
#ifndef LLMGW_KEPT_H
#define LLMGW_KEPT_H

#include "httpd/llmgw.h"

/* Is it of OpenAI's family, whose ids are looked after? */
int llmgw_kept_guards(const llm_provider_t *provider);
/* Of the caller's key, or of one of its team? Of an anonymous caller's: of
 * nobody's. */
int llmgw_kept_is_own(const llmgw_request_t *request,
                      const llmgw_owner_t *owner);
/* 503: the store does not answer. */
llm_problem_t *llmgw_kept_no_store(request_rec *r);
/* kept_body.c: ids in the body of a request that passes to such a provider. */
llm_problem_t *llmgw_kept_check_body(request_rec *r, llmgw_request_t *request);

#endif /* LLMGW_KEPT_H */
