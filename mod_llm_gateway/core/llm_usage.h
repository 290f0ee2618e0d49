/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer used, in classes that never overlap.
 *
 * Providers count in different ways (OpenAI's completion_tokens include
 * reasoning, Anthropic's input_tokens exclude the cache): each dialect turns
 * its numbers into these classes and back, so that sums and prices are the
 * same arithmetic for all.
 */
#ifndef LLM_USAGE_H
#define LLM_USAGE_H

#include "core/llm.h"

typedef enum {
    LLM_CLASS_INPUT, /* fresh input: neither read from nor written to
                        a cache, not audio */
    LLM_CLASS_CACHE_READ,
    LLM_CLASS_CACHE_WRITE, /* for 5 minutes, or with no lifetime said */
    LLM_CLASS_CACHE_WRITE_1H,
    LLM_CLASS_OUTPUT, /* what the client sees, not audio */
    LLM_CLASS_REASONING,
    LLM_CLASS_AUDIO_IN,
    LLM_CLASS_AUDIO_OUT,
    LLM_CLASS_IMAGES, /* pieces, not tokens */
    LLM_CLASSES
} llm_class_e;

struct llm_usage_t {
    apr_int64_t n[LLM_CLASSES]; /* tokens (IMAGES: pieces) */
    unsigned known;             /* bit 1 << class: the provider said it */
    unsigned estimated;         /* bit 1 << class: counted or guessed here */
};

void llm_usage_clear(llm_usage_t *usage);
/* Overwrite a class, estimated or not (providers' counts are cumulative);
 * ignores negatives. */
void llm_usage_set(llm_usage_t *usage, llm_class_e class, apr_int64_t n);
int llm_usage_is_known(const llm_usage_t *usage, llm_class_e class);
/* Take over every class `from` knows, and its estimates of classes that
 * `usage` does not know. */
void llm_usage_merge(llm_usage_t *usage, const llm_usage_t *from);
/* All input classes; all output classes; both. Saturating. */
apr_int64_t llm_usage_input(const llm_usage_t *usage);
apr_int64_t llm_usage_output(const llm_usage_t *usage);
apr_int64_t llm_usage_total(const llm_usage_t *usage);
const char *llm_class_name(llm_class_e class); /* "cache_read" */

#endif /* LLM_USAGE_H */
