/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crossing long runs of bytes to the next one that matters.
 *
 * Most of what passes is the inside of long strings, so these three loops
 * decide the speed of the readers. Each looks at sixteen bytes at once where
 * the processor has SSE2 (all x86-64 have), at eight in a word elsewhere, and
 * ends bytewise. None reads at or past `end`; each returns `end` when nothing
 * was found.
 */
#ifndef LLM_FIND_H
#define LLM_FIND_H

#include <string.h>

#include <apr.h>

#ifdef __SSE2__
#include <emmintrin.h>

#define LLM_FIND_STEP 16
typedef __m128i llm_find_t;

static inline llm_find_t llm_find_load(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline llm_find_t llm_find_byte(llm_find_t bytes, char c)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

/* Signed comparison: bytes from 0x80 up are negative, so below a blank. */
static inline llm_find_t llm_find_unplain(llm_find_t bytes)
{
    return _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '));
}

static inline llm_find_t llm_find_lower(llm_find_t bytes)
{
    return _mm_or_si128(bytes, _mm_set1_epi8(0x20));
}

static inline llm_find_t llm_find_or(llm_find_t a, llm_find_t b)
{
    return _mm_or_si128(a, b);
}

/* How many bytes stand before the first hit; LLM_FIND_STEP when none hit. */
static inline unsigned llm_find_first(llm_find_t hits)
{
    unsigned mask = (unsigned)_mm_movemask_epi8(hits);

    return mask ? (unsigned)__builtin_ctz(mask) : LLM_FIND_STEP;
}

#else

#define LLM_FIND_STEP   8
#define LLM_FIND_ALL(c) ((apr_uint64_t)0x0101010101010101 * (unsigned char)(c))
#define LLM_FIND_HIGH   LLM_FIND_ALL(0x80)
typedef apr_uint64_t llm_find_t;

static inline llm_find_t llm_find_load(const char *at)
{
    llm_find_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

/* The high bit of each byte that is zero; exact, without carries. */
static inline llm_find_t llm_find_zero(llm_find_t word)
{
    return ~(((word & ~LLM_FIND_HIGH) + ~LLM_FIND_HIGH) | word) & LLM_FIND_HIGH;
}

static inline llm_find_t llm_find_byte(llm_find_t word, char c)
{
    return llm_find_zero(word ^ LLM_FIND_ALL(c));
}

/* Bytes from 0x80 up, and those with none of the bits 0x60. */
static inline llm_find_t llm_find_unplain(llm_find_t word)
{
    return (word & LLM_FIND_HIGH) | llm_find_zero(word & LLM_FIND_ALL(0x60));
}

static inline llm_find_t llm_find_lower(llm_find_t word)
{
    return word | LLM_FIND_ALL(0x20);
}

static inline llm_find_t llm_find_or(llm_find_t a, llm_find_t b)
{
    return a | b;
}

static inline unsigned llm_find_first(llm_find_t hits)
{
    const unsigned char *byte = (const unsigned char *)&hits;
    unsigned i = 0;

    if (!hits) {
        return LLM_FIND_STEP;
    }
    while (!byte[i]) {
        ++i;
    }
    return i;
}
#endif

/* Where plain ASCII inside a JSON string ends: a quote, a backslash, a
 * control character, or a byte of a longer UTF-8 sequence. */
static inline const char *llm_find_unplain_text(const char *at, const char *end)
{
    for (; end - at >= LLM_FIND_STEP; at += LLM_FIND_STEP) {
        llm_find_t bytes = llm_find_load(at);
        unsigned first = llm_find_first(llm_find_or(
            llm_find_unplain(bytes), llm_find_or(llm_find_byte(bytes, '"'),
                                                 llm_find_byte(bytes, '\\'))));

        if (first < LLM_FIND_STEP) {
            return at + first;
        }
    }
    while (at < end && *at != '"' && *at != '\\' && *at >= ' '
           && (signed char)*at >= 0) {
        ++at;
    }
    return at;
}

/* A quote, or one of the four brackets: '[' and '{', ']' and '}' differ in
 * the bit 0x20 only. */
static inline const char *llm_find_bracket(const char *at, const char *end)
{
    for (; end - at >= LLM_FIND_STEP; at += LLM_FIND_STEP) {
        llm_find_t bytes = llm_find_load(at);
        llm_find_t lower = llm_find_lower(bytes);
        unsigned first = llm_find_first(llm_find_or(
            llm_find_byte(bytes, '"'),
            llm_find_or(llm_find_byte(lower, '{'), llm_find_byte(lower, '}'))));

        if (first < LLM_FIND_STEP) {
            return at + first;
        }
    }
    while (at < end && *at != '"' && (*at | 0x20) != '{'
           && (*at | 0x20) != '}') {
        ++at;
    }
    return at;
}

/* CR or LF. */
static inline const char *llm_find_line_end(const char *at, const char *end)
{
    for (; end - at >= LLM_FIND_STEP; at += LLM_FIND_STEP) {
        llm_find_t bytes = llm_find_load(at);
        unsigned first = llm_find_first(llm_find_or(
            llm_find_byte(bytes, '\n'), llm_find_byte(bytes, '\r')));

        if (first < LLM_FIND_STEP) {
            return at + first;
        }
    }
    while (at < end && *at != '\n' && *at != '\r') {
        ++at;
    }
    return at;
}

#endif /* LLM_FIND_H */
