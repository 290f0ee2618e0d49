/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names with one "*": "openai/\*", "gpt-4*", "*-latest", "*".
 */
#ifndef LLM_PATTERN_H
#define LLM_PATTERN_H

#include "core/llm.h"

/* NULL, or what is wrong: empty, more than one star. */
const char *llm_pattern_check(const char *pattern);
/* 1 when it matches; *pmatched is what the star stood for (empty when the
 * pattern has none). pmatched may be NULL. */
int llm_pattern_match(const char *pattern, const char *name,
                      llm_bytes_t *pmatched);
/* A key's list, "gpt-4o,claude-*": 1 when one of them matches. An empty list
 * holds every name. */
int llm_pattern_list_has(const char *patterns, const char *name,
                         apr_pool_t *pool);
/* How particular a pattern is: its length without the star, exact names
 * above all patterns. Of several that match, the highest wins. */
int llm_pattern_rank(const char *pattern);
/* `target` with its star replaced; target itself when it has none. */
const char *llm_pattern_fill(const char *target, llm_bytes_t matched,
                             apr_pool_t *pool);

#endif /* LLM_PATTERN_H */
