/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of JSON (RFC 8259): strings, numbers, literals, blanks. Shared by
 * the reader of trees and the scanner of members, nobody else.
 *
 * Each function begins at the word's first byte and returns where it ends.
 * NULL: it is malformed; *pwhat then says why, and *pwhere points at it.
 */
#ifndef LLM_JSON_LEX_H
#define LLM_JSON_LEX_H

#include "core/llm_find.h"
#include "core/llm_json.h"
#include "core/llm_utf8.h"

typedef struct llm_json_lex_t {
    const char *end;   /* of the document */
    const char *where; /* of what is wrong */
    const char *what;  /* is wrong; a constant phrase */
} llm_json_lex_t;

/* Always NULL, so that callers can return it. */
static inline const char *llm_json_lex_fail(llm_json_lex_t *lex,
                                            const char *where, const char *what)
{
    lex->where = where;
    lex->what = what;
    return NULL;
}

/* The first byte that is no blank, or the end. */
static inline const char *llm_json_lex_skip(const char *at, const char *end)
{
    while (at < end
           && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) {
        ++at;
    }
    return at;
}

/* A string from its opening quote; returns the place after the closing one. */
const char *llm_json_lex_string(llm_json_lex_t *lex, const char *at);
/* A number, "true", "false" or "null", told apart by the first byte. */
const char *llm_json_lex_scalar(llm_json_lex_t *lex, const char *at,
                                llm_json_e *ptype);

#endif /* LLM_JSON_LEX_H */
