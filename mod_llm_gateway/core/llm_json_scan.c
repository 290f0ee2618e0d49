/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outermost members of a JSON object, for bodies that are only passed on.
 *
 * What stands directly in the object is read as strictly as in a tree: names,
 * strings, numbers, commas. A nested value is crossed: from bracket to bracket
 * outside strings, strings from quote to quote by memchr. A quote is escaped
 * when an odd number of backslashes stands before it. Brackets must pair by
 * kind and nest no deeper than a tree may: one bit a level remembers which.
 */
#include "core/llm_json_lex.h"

#include <string.h>

typedef struct level_t {
    unsigned depth;                                     /* brackets open */
    apr_uint64_t is_object[(LLM_JSON_DEPTH + 63) / 64]; /* bit each level */
} level_t;

/* Is the quote at `at` part of an escape? Nothing before `begin` is. */
static int is_escaped(const char *begin, const char *at)
{
    const char *first = at;

    while (first > begin && first[-1] == '\\') {
        --first;
    }
    return (at - first) & 1;
}

/* The place after the closing quote of the string that begins at `at`. */
static const char *cross_string(const char *at, const char *end)
{
    const char *begin = at + 1;

    /* most strings between brackets are short names */
    for (at = begin; at < end && at - begin < 16; ++at) {
        if (*at == '"') {
            return at + 1;
        }
        if (*at == '\\') {
            break;
        }
    }
    for (; at < end; ++at) {
        at = memchr(at, '"', (apr_size_t)(end - at));
        if (!at) {
            return NULL;
        }
        if (!is_escaped(begin, at)) {
            return at + 1;
        }
    }
    return NULL;
}

static int open_level(level_t *level, int is_object)
{
    apr_uint64_t bit = (apr_uint64_t)1 << (level->depth % 64);

    if (level->depth == LLM_JSON_DEPTH) {
        return 0;
    }
    if (is_object) {
        level->is_object[level->depth / 64] |= bit;
    }
    else {
        level->is_object[level->depth / 64] &= ~bit;
    }
    ++level->depth;
    return 1;
}

static int close_level(level_t *level, int is_object)
{
    apr_uint64_t word;

    --level->depth;
    word = level->is_object[level->depth / 64];
    return ((word >> (level->depth % 64)) & 1) == (apr_uint64_t)is_object;
}

/* A nested value, crossed without looking into it. */
static const char *cross_nested(llm_json_lex_t *lex, const char *at)
{
    const char *open = at, *end = lex->end;
    level_t level = {.depth = 1}; /* the outermost object stands around it */

    while ((at = llm_find_bracket(at, end)) < end) {
        char c = *at;

        if (c == '"') {
            at = cross_string(at, end);
            if (!at) {
                break;
            }
            continue;
        }
        if (c == '{' || c == '[') {
            if (!open_level(&level, c == '{')) {
                return llm_json_lex_fail(lex, at, "nested too deeply");
            }
        }
        else if (!close_level(&level, c == '}')) {
            return llm_json_lex_fail(lex, at, "bracket does not match");
        }
        ++at;
        if (level.depth == 1) {
            return at;
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
    llm_json_lex_t lex = {.end = data + len};
    const char *at = llm_json_lex_skip(data, lex.end);

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
