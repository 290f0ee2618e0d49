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

/* What may follow a backslash: 1 ends the escape, 2 asks for hex digits. */
static const unsigned char escapes[256] = {
    ['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1,
    ['n'] = 1, ['r'] = 1,  ['t'] = 1, ['u'] = 2,
};

/* The place after an escape that begins at `at`, NULL when it is none. */
static const char *escape_end(const char *at, const char *end)
{
    int kind = end - at >= 2 ? escapes[(unsigned char)at[1]] : 0;

    if (kind == 1) {
        return at + 2;
    }
    return kind == 2 && end - at >= 6 && is_hex(at[2]) && is_hex(at[3])
                   && is_hex(at[4]) && is_hex(at[5])
               ? at + 6
               : NULL;
}

/* The place after what is not plain: an escape, or a run of longer UTF-8
 * sequences. */
static const char *unplain_end(llm_json_lex_t *lex, const char *at)
{
    const char *end = lex->end, *next;

    if (*at == '\\') {
        next = escape_end(at, end);
        return next ? next : llm_json_lex_fail(lex, at, "invalid escape");
    }
    if ((unsigned char)*at < ' ') {
        return llm_json_lex_fail(lex, at, "control character in a string");
    }
    next = llm_utf8_run_end(at, end);
    return next == end || (signed char)*next >= 0
               ? next
               : llm_json_lex_fail(lex, next, "invalid UTF-8");
}

const char *llm_json_lex_string(llm_json_lex_t *lex, const char *at)
{
    const char *open = at++, *end = lex->end;

    while (end - at >= 32) {
        const char *window = at;
        apr_uint32_t stops = llm_find_text_ends(window);

        at += 32;
        while (stops) {
            const char *stop = window + __builtin_ctz(stops);

            if (*stop == '"') {
                return stop + 1;
            }
            stop = unplain_end(lex, stop);
            if (!stop) {
                return NULL;
            }
            if (stop - window >= 32) {
                at = stop;
                break;
            }
            stops &= ~(apr_uint32_t)0 << (stop - window);
        }
    }
    while (at < end && *at != '"') {
        at = llm_find_is_text_end(*at) ? unplain_end(lex, at) : at + 1;
        if (!at) {
            return NULL;
        }
    }
    return at < end ? at + 1
                    : llm_json_lex_fail(lex, open, "string is not ended");
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
    if ((apr_size_t)(lex->end - at) < len || memcmp(at, word, len) != 0) {
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
