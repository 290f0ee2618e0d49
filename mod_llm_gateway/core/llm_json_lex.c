/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of JSON (RFC 8259), checked but not converted.
 *
 * A string is crossed from one unusual byte to the next: in English text that
 * is a quote, a backslash or nothing for a long way; in other languages runs
 * of longer UTF-8 sequences are checked one by one.
 */
#include "core/llm_json_lex.h"

static int is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static int is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
           || (c >= 'A' && c <= 'F');
}

/* The place after an escape that begins at `at`, NULL when it is none. */
static const char *escape_end(const char *at, const char *end)
{
    if (end - at < 2) {
        return NULL;
    }
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return at + 2;
    case 'u':
        return end - at >= 6 && is_hex(at[2]) && is_hex(at[3]) && is_hex(at[4])
                       && is_hex(at[5])
                   ? at + 6
                   : NULL;
    default:
        return NULL;
    }
}

const char *llm_json_lex_string(llm_json_lex_t *lex, const char *at)
{
    const char *open = at, *end = lex->end, *next;

    for (++at;;) {
        at = llm_find_unplain_text(at, end);
        if (at == end) {
            return llm_json_lex_fail(lex, open, "string is not ended");
        }
        if (*at == '"') {
            return at + 1;
        }
        if (*at == '\\') {
            next = escape_end(at, end);
            if (!next) {
                return llm_json_lex_fail(lex, at, "invalid escape");
            }
            at = next;
            continue;
        }
        if ((unsigned char)*at < 0x20) {
            return llm_json_lex_fail(lex, at, "control character in a string");
        }
        while (at < end && (signed char)*at < 0) {
            apr_size_t length = llm_utf8_length(at, end);

            if (!length) {
                return llm_json_lex_fail(lex, at, "invalid UTF-8");
            }
            at += length;
        }
    }
}

static const char *number_end(llm_json_lex_t *lex, const char *at)
{
    const char *end = lex->end, *begin = at;

    if (*at == '-') {
        ++at;
    }
    if (!is_digit(at, end)) {
        return llm_json_lex_fail(lex, begin, "invalid number");
    }
    if (*at++ != '0') {
        while (is_digit(at, end)) {
            ++at;
        }
    }
    else if (is_digit(at, end)) {
        return llm_json_lex_fail(lex, begin, "number with a leading zero");
    }
    if (at < end && *at == '.') {
        if (!is_digit(++at, end)) {
            return llm_json_lex_fail(lex, begin, "invalid number");
        }
        while (is_digit(at, end)) {
            ++at;
        }
    }
    if (at < end && (*at | 0x20) == 'e') {
        ++at;
        if (at < end && (*at == '+' || *at == '-')) {
            ++at;
        }
        if (!is_digit(at, end)) {
            return llm_json_lex_fail(lex, begin, "invalid number");
        }
        while (is_digit(at, end)) {
            ++at;
        }
    }
    return at;
}

static const char *word_end(llm_json_lex_t *lex, const char *at,
                            const char *word, apr_size_t len)
{
    if ((apr_size_t)(lex->end - at) < len || memcmp(at, word, len)) {
        return llm_json_lex_fail(lex, at, "expected a value");
    }
    return at + len;
}

const char *llm_json_lex_scalar(llm_json_lex_t *lex, const char *at,
                                llm_json_e *ptype)
{
    switch (*at) {
    case 't':
        *ptype = LLM_JSON_TRUE;
        return word_end(lex, at, "true", 4);
    case 'f':
        *ptype = LLM_JSON_FALSE;
        return word_end(lex, at, "false", 5);
    case 'n':
        *ptype = LLM_JSON_NULL;
        return word_end(lex, at, "null", 4);
    default:
        *ptype = LLM_JSON_NUMBER;
        if (*at == '-' || is_digit(at, lex->end)) {
            return number_end(lex, at);
        }
        return llm_json_lex_fail(lex, at, "expected a value");
    }
}
