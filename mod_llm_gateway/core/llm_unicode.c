/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of characters, found by bisection in the ranges of llm_unicode.def.
 * ASCII has no range there: it is told apart by what it is.
 */
#include "core/llm_unicode.h"

typedef struct range_t {
    apr_uint32_t first, last;
    int class; /* LLM_UNICODE_..., or PAIRS */
} range_t;

#define PAIRS_OF_CASE 0

static const range_t ranges[] = {
#define UPPER(first, last)  {first, last, LLM_UNICODE_UPPER},
#define LOWER(first, last)  {first, last, LLM_UNICODE_LOWER},
#define LETTER(first, last) {first, last, LLM_UNICODE_LETTER},
#define MARK(first, last)   {first, last, LLM_UNICODE_MARK},
#define NUMBER(first, last) {first, last, LLM_UNICODE_NUMBER},
#define SPACE(first, last)  {first, last, LLM_UNICODE_SPACE},
#define PAIRS(first, last)  {first, last, PAIRS_OF_CASE},
#include "core/llm_unicode.def"
};
#define RANGES (sizeof(ranges) / sizeof(ranges[0]))

static llm_unicode_e class_of_ascii(apr_uint32_t c)
{
    return c >= 'a' && c <= 'z'                   ? LLM_UNICODE_LOWER
           : c >= 'A' && c <= 'Z'                 ? LLM_UNICODE_UPPER
           : c >= '0' && c <= '9'                 ? LLM_UNICODE_NUMBER
           : c == ' ' || (c >= '\t' && c <= '\r') ? LLM_UNICODE_SPACE
                                                  : LLM_UNICODE_OTHER;
}

llm_unicode_e llm_unicode_class(apr_uint32_t point)
{
    apr_size_t low = 0, high = RANGES;

    if (point < 0x80) {
        return class_of_ascii(point);
    }
    while (low < high) {
        apr_size_t middle = (low + high) / 2;

        if (point > ranges[middle].last) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    if (low == RANGES || point < ranges[low].first) {
        return LLM_UNICODE_OTHER;
    }
    if (ranges[low].class == PAIRS_OF_CASE) {
        return (point - ranges[low].first) % 2 ? LLM_UNICODE_LOWER
                                               : LLM_UNICODE_UPPER;
    }
    return (llm_unicode_e)ranges[low].class;
}
