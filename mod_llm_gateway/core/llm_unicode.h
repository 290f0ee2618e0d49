/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of characters, as far as the pre-tokenizers of byte-pair encodings
 * tell them apart. The tables are those of Unicode 16.0, which the reference
 * implementation was compiled with; packaging/unicode.py writes them.
 */
#ifndef LLM_UNICODE_H
#define LLM_UNICODE_H

#include <apr.h>

/* Bits, so that a set of classes is one number. */
typedef enum {
    LLM_UNICODE_OTHER = 1 << 0,  /* punctuation, symbols, unassigned */
    LLM_UNICODE_UPPER = 1 << 1,  /* Lu, Lt */
    LLM_UNICODE_LOWER = 1 << 2,  /* Ll */
    LLM_UNICODE_LETTER = 1 << 3, /* Lm, Lo: letters without case */
    LLM_UNICODE_MARK = 1 << 4,   /* Mn, Mc, Me */
    LLM_UNICODE_NUMBER = 1 << 5, /* Nd, Nl, No */
    LLM_UNICODE_SPACE = 1 << 6   /* White_Space */
} llm_unicode_e;

/* Any number may be asked for; what is no code point is OTHER. */
llm_unicode_e llm_unicode_class(apr_uint32_t point);

#endif /* LLM_UNICODE_H */
