/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crossing long runs of bytes to the next one that matters.
 *
 * Most of what passes is the inside of long strings, so these loops decide the
 * speed of the readers. They look at sixteen bytes at once where the processor
 * has SSE2 (all x86-64 have), at eight in a word elsewhere. What they look for
 * becomes a mask with a bit for each byte, the lowest for the first one.
 *
 * LLM_FIND_PORTABLE chooses the words where there is SSE2 too: for tests.
 */
#ifndef LLM_FIND_H
#define LLM_FIND_H

#include <string.h>

#include <apr.h>

#if defined(__SSE2__) && !defined(LLM_FIND_PORTABLE)
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

static inline unsigned llm_find_mask(llm_find_t hits)
{
    return (unsigned)_mm_movemask_epi8(hits);
}

#else

#define LLM_FIND_STEP   8
#define LLM_FIND_ALL(c) ((apr_uint64_t)0x0101010101010101 * (unsigned char)(c))
#define LLM_FIND_HIGH   LLM_FIND_ALL(0x80)
typedef apr_uint64_t llm_find_t;

/* The first byte becomes the lowest. */
static inline llm_find_t llm_find_load(const char *at)
{
    llm_find_t word;

    memcpy(&word, at, sizeof(word));
#if APR_IS_BIGENDIAN
    word = __builtin_bswap64(word);
#endif
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

/* Byte i's bit, shifted by 56 - 7i, is bit i of the highest byte; no two of
 * the products meet, so nothing is carried into it. */
static inline unsigned llm_find_mask(llm_find_t hits)
{
    return (unsigned)(((hits >> 7) * 0x0102040810204080) >> 56);
}
#endif

static inline llm_find_t llm_find_text_end(llm_find_t bytes)
{
    return llm_find_or(
        llm_find_unplain(bytes),
        llm_find_or(llm_find_byte(bytes, '"'), llm_find_byte(bytes, '\\')));
}

/* Does plain ASCII inside a JSON string end with this byte: a quote, a
 * backslash, a control character or a byte of a longer UTF-8 sequence? */
static inline int llm_find_is_text_end(char c)
{
    return c == '"' || c == '\\' || (signed char)c < ' ';
}

/* Those among the 32 bytes at `at`. */
static inline apr_uint32_t llm_find_text_ends(const char *at)
{
    apr_uint32_t mask = 0;
    unsigned i;

    for (i = 0; i < 32; i += LLM_FIND_STEP) {
        mask |= llm_find_mask(llm_find_text_end(llm_find_load(at + i))) << i;
    }
    return mask;
}

/* Where plain ASCII inside a JSON string ends, or `end`. */
static inline const char *llm_find_plain_end(const char *at, const char *end)
{
    for (; end - at >= LLM_FIND_STEP; at += LLM_FIND_STEP) {
        unsigned mask = llm_find_mask(llm_find_text_end(llm_find_load(at)));

        if (mask) {
            return at + __builtin_ctz(mask);
        }
    }
    while (at < end && !llm_find_is_text_end(*at)) {
        ++at;
    }
    return at;
}

/* The next CR or LF, or `end`. */
static inline const char *llm_find_line_end(const char *at, const char *end)
{
    for (; end - at >= LLM_FIND_STEP; at += LLM_FIND_STEP) {
        llm_find_t bytes = llm_find_load(at);
        unsigned mask = llm_find_mask(llm_find_or(llm_find_byte(bytes, '\n'),
                                                  llm_find_byte(bytes, '\r')));

        if (mask) {
            return at + __builtin_ctz(mask);
        }
    }
    while (at < end && *at != '\n' && *at != '\r') {
        ++at;
    }
    return at;
}

/* What gives JSON its structure, among 64 bytes. */
typedef struct llm_find_block_t {
    apr_uint64_t quotes;
    apr_uint64_t slashes;  /* backward ones */
    apr_uint64_t brackets; /* all four: '[' and '{', ']' and '}' differ in the
                              bit 0x20 only */
} llm_find_block_t;

static inline llm_find_block_t llm_find_block(const char *at)
{
    llm_find_block_t block = {0, 0, 0};
    unsigned i;

    for (i = 0; i < 64; i += LLM_FIND_STEP) {
        llm_find_t bytes = llm_find_load(at + i);
        llm_find_t lower = llm_find_lower(bytes);

        block.quotes |= (apr_uint64_t)llm_find_mask(llm_find_byte(bytes, '"'))
                        << i;
        block.slashes |= (apr_uint64_t)llm_find_mask(llm_find_byte(bytes, '\\'))
                         << i;
        block.brackets |=
            (apr_uint64_t)llm_find_mask(llm_find_or(llm_find_byte(lower, '{'),
                                                    llm_find_byte(lower, '}')))
            << i;
    }
    return block;
}

#endif /* LLM_FIND_H */
