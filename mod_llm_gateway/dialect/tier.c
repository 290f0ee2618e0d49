/* SPDX-License-Identifier: Apache-2.0 */
/* Service tiers by their many words; see tier.h. */
#include "dialect/tier.h"

#include <string.h>

#include "dialect/common.h"

/* Words of others for what has one of ours. */
static const llm_rename_t synonyms[] = {
    {"default", "standard"},      /* Anthropic, Gemini */
    {"default", "standard_only"}, /* Anthropic's requests */
    {"default", "on_demand"},     /* Groq */
    {"priority", "performance"},  /* Groq */
    {"scale", "reserved"},        /* Bedrock */
    {"scale", "provisioned"},     /* Vertex */
    {NULL, NULL},
};

const llm_rename_t llm_tiers_anthropic[] = {
    {"default", "standard"},
    {"priority", "priority"},
    {"batch", "batch"},
    {NULL, NULL},
};

const llm_rename_t llm_tiers_bedrock[] = {
    {"default", "default"}, {"flex", "flex"}, {"priority", "priority"},
    {"scale", "reserved"},  {NULL, NULL},
};

const llm_rename_t llm_tiers_gemini[] = {
    {"default", "standard"},
    {"flex", "flex"},
    {"priority", "priority"},
    {NULL, NULL},
};

const llm_rename_t llm_tiers_groq[] = {
    {"auto", "auto"}, {"default", "on_demand"},
    {"flex", "flex"}, {"priority", "performance"},
    {NULL, NULL},
};

const llm_rename_t llm_tiers_openai[] = {
    {"default", "default"}, {"flex", "flex"}, {"priority", "priority"},
    {"scale", "scale"},     {NULL, NULL},
};

const char *llm_tier_word(llm_text_t tier, const llm_rename_t *words)
{
    const llm_rename_t *row = synonyms;

    while (row->theirs && !llm_text_equals(tier, row->theirs)) {
        ++row;
    }
    for (; words->ours; ++words) {
        if (row->ours ? !strcmp(row->ours, words->ours)
                      : llm_text_equals(tier, words->ours)) {
            return words->theirs;
        }
    }
    return NULL;
}

void llm_tier_note(const char **ptier, const llm_delta_t *delta,
                   const llm_rename_t *words)
{
    if (delta->tier) {
        *ptier = llm_tier_word((llm_text_t){delta->tier, strlen(delta->tier)},
                               words);
    }
}
