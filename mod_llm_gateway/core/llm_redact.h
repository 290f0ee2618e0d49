/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may appear in a log or an error text: never a key. Providers quote the
 * key they were given in their errors ("Incorrect API key provided: sk-..."),
 * so whatever comes from outside goes through here first.
 */
#ifndef LLM_REDACT_H
#define LLM_REDACT_H

#include "core/llm.h"

/* A copy in which everything that looks like a credential (sk-..., llmgw-...,
 * hf_..., AIza..., gsk_..., Bearer ...) is cut to its first characters and
 * "...", and control characters are blanks. Runs of letters and digits that
 * are too long for a word are cut too: they may be keys. At most 4,096 bytes
 * are looked at, what follows becomes "..."; NULL gives "". */
const char *llm_redact(const char *text, apr_pool_t *pool);
/* Is this a header whose value must never be shown or forwarded? */
int llm_redact_is_secret_header(const char *name);

#endif /* LLM_REDACT_H */
