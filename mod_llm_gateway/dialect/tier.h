/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service tiers: how soon an answer is made, and at what price.
 *
 * The gateway's words are OpenAI's. Providers have words of their own for the
 * same, some in requests and others in answers; what has no word in a dialect
 * is not told there.
 */
#ifndef DIALECT_TIER_H
#define DIALECT_TIER_H

#include "dialect/dialect.h"

/* Words of a dialect, by ours; each ends with NULL. */
extern const llm_rename_t llm_tiers_anthropic[]; /* of answers */
extern const llm_rename_t llm_tiers_bedrock[];
extern const llm_rename_t llm_tiers_gemini[];
extern const llm_rename_t llm_tiers_groq[];
extern const llm_rename_t llm_tiers_openai[]; /* of answers */

/* The dialect's word for a tier that somebody named by any of the words there
 * are; NULL where it has none, and for no tier. */
const char *llm_tier_word(llm_text_t tier, const llm_rename_t *words);
/* What a delta tells of it, for a writer that keeps the dialect's word. */
void llm_tier_note(const char **ptier, const llm_delta_t *delta,
                   const llm_rename_t *words);

#endif /* DIALECT_TIER_H */
