/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outermost members of a JSON object, for bodies that are only passed on.
 *
 * What stands directly in the object is read as strictly as in a tree: names,
 * strings, numbers, commas. A nested value is crossed by its brackets, 64
 * bytes at a time, each byte one bit of a word:
 *
 *  - a backslash makes the byte after it escaped, unless it is so itself;
 *  - quotes that are not escaped open and close strings, so a byte is inside
 *    one when an odd number of them stands before it: that parity for all 64
 *    bytes is six shifts and xors;
 *  - brackets outside strings must pair by kind and nest no deeper than a
 *    tree may: one bit a level remembers which kind is open.
 *
 * In the midst of a long string memchr, which is faster still, finds the next
 * quote.
 */
#include "core/llm_json_lex.h"

#include <string.h>

#define BLOCK 64

/* What is carried from block to block. */
typedef struct state_t {
    unsigned depth;         /* brackets open */
    apr_uint64_t in_string; /* all ones when the next byte is in a string */
    unsigned escaped;       /* the next byte is escaped */
    int is_quiet;           /* amidst a string; no quote in the last block */
    apr_uint64_t is_object[(LLM_JSON_DEPTH + 63) / 64]; /* bit a level */
} state_t;

/*
 * The bytes that follow an odd number of backslashes. Adding its first bit to
 * a run of ones makes it a single one right behind the run, or carries out of
 * the word. Whether a run is odd is told by the places of its two ends, so
 * those that begin at even places and those at odd ones are added apart.
 */
static apr_uint64_t escaped_bytes(state_t *state, apr_uint64_t slashes)
{
    const apr_uint64_t even = 0x5555555555555555, odd = ~even;
    apr_uint64_t escaped = state->escaped, first, behind_even, behind_odd;

    slashes &= ~escaped;
    first = slashes & ~(slashes << 1);
    behind_even = slashes + (first & even);
    behind_odd = slashes + (first & odd);
    state->escaped = behind_odd < slashes; /* place 64 is even */
    return escaped | (behind_even & ~slashes & odd)
           | (behind_odd & ~slashes & even);
}

/* Bit i is the parity of the bits 0 to i. */
static apr_uint64_t parity(apr_uint64_t bits)
{
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    return bits;
}

/* The next block's brackets outside strings. */
static apr_uint64_t outer_brackets(state_t *state, const char *at,
                                   const char *end)
{
    llm_find_block_t block;
    apr_uint64_t strings;

    if (end - at < BLOCK) {
        char padded[BLOCK];

        memset(padded, ' ', sizeof(padded));
        memcpy(padded, at, (apr_size_t)(end - at));
        block = llm_find_block(padded);
    }
    else {
        block = llm_find_block(at);
    }
    if (block.slashes || state->escaped) {
        block.quotes &= ~escaped_bytes(state, block.slashes);
    }
    strings = parity(block.quotes) ^ state->in_string;
    state->in_string = 0 - (strings >> 63);
    state->is_quiet = !block.quotes && state->in_string;
    return block.brackets & ~strings;
}

/* Is the quote at `at` escaped? By an odd number of backslashes. */
static unsigned is_escaped(const char *begin, const char *at)
{
    const char *first = at;

    while (first > begin && first[-1] == '\\') {
        --first;
    }
    return (unsigned)(at - first) & 1;
}

/* From amidst a string to its next quote, escaped or not, or to the end. */
static const char *skip_to_quote(state_t *state, const char *begin,
                                 const char *at, const char *end)
{
    const char *quote = memchr(at, '"', (apr_size_t)(end - at));

    if (quote) {
        state->escaped = is_escaped(begin, quote);
    }
    return quote ? quote : end;
}

/* Goes a level in or out; says what is wrong with the bracket, or NULL. */
static const char *pair_bracket(state_t *state, char bracket)
{
    apr_uint64_t is_object = bracket == '{' || bracket == '}';
    unsigned bit;

    if (bracket == '{' || bracket == '[') {
        apr_uint64_t *word = &state->is_object[state->depth / 64];

        if (state->depth == LLM_JSON_DEPTH) {
            return "nested too deeply";
        }
        bit = state->depth++ % 64;
        *word &= ~((apr_uint64_t)1 << bit);
        *word |= is_object << bit;
        return NULL;
    }
    bit = --state->depth % 64;
    return ((state->is_object[state->depth / 64] >> bit) & 1) == is_object
               ? NULL
               : "bracket does not match";
}

/* A nested value, crossed without looking into it. */
static const char *cross_nested(llm_json_lex_t *lex, const char *at)
{
    const char *open = at, *end = lex->end;
    state_t state = {.depth = 1}; /* the outermost object stands around it */

    while (at < end) {
        apr_uint64_t brackets = outer_brackets(&state, at, end);

        for (; brackets; brackets &= brackets - 1) {
            const char *bracket = at + __builtin_ctzll(brackets);
            const char *what = pair_bracket(&state, *bracket);

            if (what) {
                return llm_json_lex_fail(lex, bracket, what);
            }
            if (state.depth == 1) {
                return bracket + 1;
            }
        }
        if (end - at <= BLOCK) {
            break;
        }
        at += BLOCK;
        if (state.is_quiet && !state.escaped) {
            at = skip_to_quote(&state, open, at, end);
        }
    }
    return llm_json_lex_fail(lex, open, "bracket is not closed");
}

static const char *cross_value(llm_json_lex_t *lex, const char *at)
{
    llm_json_e type;

    if (at == lex->end) {
        return llm_json_lex_fail(lex, at, "expected a value");
    }
    switch (*at) {
    case '{':
    case '[':
        return cross_nested(lex, at);
    case '"':
        return llm_json_lex_string(lex, at);
    default:
        return llm_json_lex_scalar(lex, at, &type);
    }
}

/* One member from its name on; fills in all but the offsets. */
static const char *scan_member(llm_json_lex_t *lex, const char *at,
                               llm_member_t *member)
{
    const char *end = lex->end, *after;

    if (at == end || *at != '"') {
        return llm_json_lex_fail(lex, at, "expected a name");
    }
    after = llm_json_lex_string(lex, at);
    if (!after) {
        return NULL;
    }
    member->name.data = at + 1;
    member->name.len = (apr_size_t)(after - at) - 2;
    at = llm_json_lex_skip(after, end);
    if (at == end || *at != ':') {
        return llm_json_lex_fail(lex, at, "expected ':'");
    }
    at = llm_json_lex_skip(at + 1, end);
    after = cross_value(lex, at);
    if (after) {
        member->value.data = at;
        member->value.len = (apr_size_t)(after - at);
    }
    return after;
}

/* All members, from the place after the opening brace; returns the place
 * after the closing one. */
static const char *scan_members(llm_json_lex_t *lex, const char *data,
                                const char *at, llm_member_cb *each,
                                void *baton)
{
    const char *end = lex->end;
    llm_member_t member;

    at = llm_json_lex_skip(at, end);
    if (at < end && *at == '}') {
        return at + 1;
    }
    for (;;) {
        member.begin = (apr_size_t)(at - data);
        at = scan_member(lex, at, &member);
        if (!at) {
            return NULL;
        }
        member.end = (apr_size_t)(at - data);
        each(baton, &member);
        at = llm_json_lex_skip(at, end);
        if (at < end && *at == '}') {
            return at + 1;
        }
        if (at == end || *at != ',') {
            return llm_json_lex_fail(lex, at, "expected ',' or '}'");
        }
        at = llm_json_lex_skip(at + 1, end);
    }
}

apr_status_t llm_json_scan(const char *data, apr_size_t len,
                           llm_member_cb *each, void *baton,
                           llm_json_error_t *error)
{
    llm_json_lex_t lex = {.what = NULL};
    const char *at;

    if (!len) {
        data = ""; /* it may be NULL */
    }
    lex.end = data + len;
    at = llm_json_lex_skip(data, lex.end);
    if (at == lex.end || *at != '{') {
        at = llm_json_lex_fail(&lex, at, "expected an object");
    }
    else {
        at = scan_members(&lex, data, at + 1, each, baton);
    }
    if (at) {
        at = llm_json_lex_skip(at, lex.end);
        if (at != lex.end) {
            at = llm_json_lex_fail(&lex, at,
                                   "unexpected bytes after the document");
        }
    }
    if (!at && error) {
        error->offset = (apr_size_t)(lex.where - data);
        error->what = lex.what;
    }
    return at ? APR_SUCCESS : APR_EGENERAL;
}
