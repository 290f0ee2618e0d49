/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer used: sets of counts, one a class, that never overlap.
 */
#include "core/llm_usage.h"

#include <assert.h>
#include <string.h>

#define BIT(class) (1u << (class))

static const char *const names[LLM_CLASSES] = {
    [LLM_CLASS_INPUT] = "input",
    [LLM_CLASS_CACHE_READ] = "cache_read",
    [LLM_CLASS_CACHE_WRITE] = "cache_write",
    [LLM_CLASS_CACHE_WRITE_1H] = "cache_write_1h",
    [LLM_CLASS_OUTPUT] = "output",
    [LLM_CLASS_REASONING] = "reasoning",
    [LLM_CLASS_AUDIO_IN] = "audio_in",
    [LLM_CLASS_AUDIO_OUT] = "audio_out",
    [LLM_CLASS_IMAGES] = "images",
};

void llm_usage_clear(llm_usage_t *usage)
{
    memset(usage, 0, sizeof(*usage));
}

void llm_usage_set(llm_usage_t *usage, llm_class_e class, apr_int64_t n)
{
    if (n >= 0) {
        usage->n[class] = n;
        usage->known |= BIT(class);
        usage->estimated &= ~BIT(class);
    }
}

int llm_usage_is_known(const llm_usage_t *usage, llm_class_e class)
{
    return (usage->known & BIT(class)) != 0;
}

void llm_usage_merge(llm_usage_t *usage, const llm_usage_t *from)
{
    /* an estimate is better than nothing, but never than a count */
    unsigned guessed = from->estimated & ~from->known & ~usage->known;
    unsigned taken = from->known | guessed;
    int class;

    for (class = 0; class < LLM_CLASSES; ++class) {
        if (taken & BIT(class)) {
            usage->n[class] = from->n[class];
        }
    }
    usage->known |= from->known;
    usage->estimated &= ~taken;
    usage->estimated |= from->estimated & taken;
}

static apr_int64_t sum(const llm_usage_t *usage, unsigned classes)
{
    apr_int64_t total = 0;
    int class;

    for (class = 0; class < LLM_CLASSES; ++class) {
        if (classes & BIT(class)) {
            total = usage->n[class] > APR_INT64_MAX - total
                        ? APR_INT64_MAX
                        : total + usage->n[class];
        }
    }
    return total;
}

#define CLASSES_IN                                                             \
    (BIT(LLM_CLASS_INPUT) | BIT(LLM_CLASS_CACHE_READ)                          \
     | BIT(LLM_CLASS_CACHE_WRITE) | BIT(LLM_CLASS_CACHE_WRITE_1H)              \
     | BIT(LLM_CLASS_AUDIO_IN))
#define CLASSES_OUT                                                            \
    (BIT(LLM_CLASS_OUTPUT) | BIT(LLM_CLASS_REASONING)                          \
     | BIT(LLM_CLASS_AUDIO_OUT))

apr_int64_t llm_usage_input(const llm_usage_t *usage)
{
    return sum(usage, CLASSES_IN);
}

apr_int64_t llm_usage_output(const llm_usage_t *usage)
{
    return sum(usage, CLASSES_OUT);
}

apr_int64_t llm_usage_total(const llm_usage_t *usage)
{
    return sum(usage, CLASSES_IN | CLASSES_OUT);
}

const char *llm_class_name(llm_class_e class)
{
    assert((unsigned)class < LLM_CLASSES);
    return names[class];
}
