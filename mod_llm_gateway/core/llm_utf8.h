/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing
 * above U+10FFFF. In a header because it is the inner loop of whoever reads
 * text that is not English.
 */
#ifndef LLM_UTF8_H
#define LLM_UTF8_H

#include <apr.h>

#define LLM_UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static inline int llm_utf8_is_tail(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/*
 * Length of the character that begins at `at` (at < end), 0 when what stands
 * there is not one. The second byte has a narrower range after E0, ED, F0
 * and F4: that is what keeps overlong forms and surrogates out.
 */
static inline apr_size_t llm_utf8_length(const char *at, const char *end)
{
    apr_size_t left = (apr_size_t)(end - at);
    unsigned char first = (unsigned char)at[0], second;

    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4 || left < 2 || !llm_utf8_is_tail(at[1])) {
        return 0;
    }
    if (first < 0xE0) {
        return 2;
    }
    second = (unsigned char)at[1];
    if (left < 3 || !llm_utf8_is_tail(at[2])) {
        return 0;
    }
    if (first < 0xF0) {
        return (first == 0xE0 && second < 0xA0)
                       || (first == 0xED && second > 0x9F)
                   ? 0
                   : 3;
    }
    if (left < 4 || !llm_utf8_is_tail(at[3]) || (first == 0xF0 && second < 0x90)
        || (first == 0xF4 && second > 0x8F)) {
        return 0;
    }
    return 4;
}

/*
 * Passes over characters beyond ASCII: returns the first byte that does not
 * begin one, be it ASCII or invalid, or the end. Two and three bytes, which
 * nearly all of them have, are tested as one word, the first byte lowest.
 */
static inline const char *llm_utf8_run_end(const char *at, const char *end)
{
    apr_size_t length;

    while (end - at >= 4) {
        apr_uint32_t word = (unsigned char)at[0]
                            | (apr_uint32_t)(unsigned char)at[1] << 8
                            | (apr_uint32_t)(unsigned char)at[2] << 16
                            | (apr_uint32_t)(unsigned char)at[3] << 24;

        if ((word & 0xC0E0) == 0x80C0 && (word & 0x1E)) {
            at += 2;
        }
        else if ((word & 0xC0C0F0) == 0x8080E0 && (word & 0x200F)
                 && (word & 0x200F) != 0x200D) {
            at += 3;
        }
        else if (!(word & 0x80) || !(length = llm_utf8_length(at, end))) {
            return at;
        }
        else {
            at += length;
        }
    }
    while (at < end && (signed char)*at < 0
           && (length = llm_utf8_length(at, end)) != 0) {
        at += length;
    }
    return at;
}

/* Writes a code point (at most U+10FFFF, no surrogate); its length. */
static inline apr_size_t llm_utf8_put(char *out, unsigned point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xC0 | (point >> 6));
        out[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xE0 | (point >> 12));
        out[1] = (char)(0x80 | ((point >> 6) & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (point >> 18));
    out[1] = (char)(0x80 | ((point >> 12) & 0x3F));
    out[2] = (char)(0x80 | ((point >> 6) & 0x3F));
    out[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

#endif /* LLM_UTF8_H */
