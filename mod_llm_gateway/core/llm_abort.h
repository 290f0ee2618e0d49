/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done when a client leaves before its answer is complete: "abort"
 * hangs up on the provider, "drain" reads its answer to the end, "drain=30s"
 * for so long at most. A key, a model and a place of the configuration may
 * each have a word to say; llm_flow_on_abort() says whose holds.
 */
#ifndef LLM_ABORT_H
#define LLM_ABORT_H

#include "core/llm_record.h"

typedef struct llm_abort_t {
    llm_on_abort_e what;  /* UNSAID: somebody else's word holds */
    apr_uint16_t drain_s; /* DRAIN: seconds at most; 0 without an end */
} llm_abort_t;

/* NULL, or what was expected. "" is not a policy. */
const char *llm_abort_read(llm_abort_t *pabort, const char *text);
/* As it is read; "" for UNSAID. */
const char *llm_abort_print(llm_on_abort_e what, unsigned drain_s,
                            apr_pool_t *pool);

#endif /* LLM_ABORT_H */
