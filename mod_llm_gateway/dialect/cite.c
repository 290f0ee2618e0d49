/* SPDX-License-Identifier: Apache-2.0 */
/* Citations: lists of them, and places in texts. */
#include "dialect/cite.h"

#include <string.h>

#include <apr_strings.h>

llm_cite_t *llm_cites_add(llm_cites_t *cites, llm_cite_e kind, apr_pool_t *pool)
{
    llm_cite_t *cite = apr_pcalloc(pool, sizeof(*cite));

    cite->kind = kind;
    cite->start = cite->end = cite->number = cite->from = cite->to = -1;
    if (cites->last) {
        cites->last->next = cite;
    }
    else {
        cites->first = cite;
    }
    cites->last = cite;
    return cite;
}

static llm_text_t kept(llm_text_t text, apr_pool_t *pool)
{
    if (text.data) {
        text.data = apr_pmemdup(pool, text.data, text.len);
    }
    return text;
}

void llm_cites_keep(llm_cites_t *cites, const llm_cite_t *cite, int most,
                    apr_pool_t *pool)
{
    const llm_cite_t *other;
    llm_cite_t *copy, *before = cites->last;

    for (other = cites->first; other && most > 0; other = other->next) {
        --most;
    }
    if (most <= 0) {
        return;
    }
    copy = llm_cites_add(cites, cite->kind, pool);
    *copy = *cite;
    copy->next = NULL;
    if (before) {
        before->next = copy;
    }
    copy->url = kept(cite->url, pool);
    copy->title = kept(cite->title, pool);
    copy->id = kept(cite->id, pool);
    copy->container = kept(cite->container, pool);
    copy->quote = kept(cite->quote, pool);
    copy->said = kept(cite->said, pool);
}

void llm_cites_move(llm_cite_t *cite, apr_int64_t chars)
{
    for (; cite; cite = cite->next) {
        cite->start += cite->start < 0 ? 0 : chars;
        cite->end += cite->end < 0 ? 0 : chars;
    }
}

/* ---- characters and bytes ---- */

static int hex_of(const char *at)
{
    int value = 0, i;

    for (i = 0; i < 4; ++i) {
        int digit = (unsigned char)at[i];

        value =
            value * 16 + (digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10);
    }
    return value;
}

/* The next character of escaped text: how long it is there, and as UTF-8. */
static apr_size_t next_char(const char *at, apr_size_t left, int *pbytes)
{
    unsigned char first = (unsigned char)*at;
    int code;

    if (first == '\\' && left >= 6 && at[1] == 'u') {
        code = hex_of(at + 2);
        *pbytes = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
        if (code >= 0xd800 && code < 0xdc00 && left >= 12 && at[6] == '\\'
            && at[7] == 'u') {
            *pbytes = 4;
            return 12;
        }
        return 6;
    }
    if (first == '\\' && left >= 2) {
        *pbytes = 1;
        return 2;
    }
    *pbytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return (apr_size_t)*pbytes < left ? (apr_size_t)*pbytes : left;
}

void llm_extent_add(llm_extent_t *extent, llm_text_t text)
{
    apr_size_t at = 0;
    int bytes;

    while (at < text.len) {
        at += next_char(text.data + at, text.len - at, &bytes);
        extent->chars += 1;
        extent->bytes += bytes;
    }
}

/* What has been passed of the parts' texts when one of the counts, the other
 * of which is -1, is reached. */
static llm_extent_t walk(const llm_part_t *part, apr_int64_t chars,
                         apr_int64_t bytes)
{
    llm_extent_t done = {0, 0};
    int more;

    for (; part; part = part->next) {
        apr_size_t at = 0;

        if (part->kind != LLM_PART_TEXT || part->media) {
            continue;
        }
        while (at < part->text.len) {
            if (done.chars == chars || (bytes >= 0 && done.bytes >= bytes)) {
                return done;
            }
            at += next_char(part->text.data + at, part->text.len - at, &more);
            done.chars += 1;
            done.bytes += more;
        }
    }
    return done;
}

apr_int64_t llm_char_of_byte(const llm_part_t *parts, apr_int64_t byte)
{
    return byte < 0 ? -1 : walk(parts, -1, byte).chars;
}

apr_int64_t llm_byte_of_char(const llm_part_t *parts, apr_int64_t index)
{
    return index < 0 ? -1 : walk(parts, index, -1).bytes;
}

llm_extent_t llm_parts_extent(const llm_part_t *parts, const llm_part_t *end)
{
    llm_extent_t extent = {0, 0};

    for (; parts && parts != end; parts = parts->next) {
        if (parts->kind == LLM_PART_TEXT && !parts->media) {
            llm_extent_add(&extent, parts->text);
        }
    }
    return extent;
}

llm_part_t *llm_parts_cited(llm_part_t *parts)
{
    llm_part_t *last = NULL;

    for (; parts; parts = parts->next) {
        if (parts->kind == LLM_PART_TEXT && !parts->media) {
            last = parts;
            if (parts->citations) {
                break;
            }
        }
    }
    return last;
}

apr_int64_t llm_cite_place(const llm_json_t *node)
{
    apr_int64_t place;

    return llm_json_int(node, &place) && place >= 0 ? place : -1;
}

void llm_put_place(llm_buf_t *out, const char *name, apr_int64_t place)
{
    if (place >= 0) {
        llm_put_int_member(out, name, place);
    }
}
