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

void llm_cites_append(llm_cites_t *cites, const llm_cites_t *others)
{
    if (cites->last) {
        cites->last->next = others->first;
    }
    else {
        cites->first = others->first;
    }
    cites->last = others->last ? others->last : cites->last;
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
    copy->raw = NULL;
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

/* ---- blocks ---- */

#define CITES_MAX 256 /* of one block */

void llm_block_cites_keep(llm_block_cites_t *block, const llm_cite_t *cite)
{
    if (cite && !block->pool) {
        apr_pool_create(&block->pool, block->parent);
    }
    for (; cite; cite = cite->next) {
        llm_cites_keep(&block->cites, cite, CITES_MAX, block->pool);
    }
}

void llm_block_cites_end(llm_block_cites_t *block, llm_delta_cb *emit,
                         void *baton)
{
    llm_delta_t delta = {.kind = LLM_DELTA_CITE};
    llm_cite_t *cite = block->cites.first;

    for (; cite; cite = cite->next) {
        if (cite->end < 0 && block->texts.chars > block->start) {
            cite->start = block->start;
            cite->end = block->texts.chars;
        }
        delta.cite = cite;
        emit(baton, &delta);
    }
    block->start = block->texts.chars;
    if (block->cites.first) {
        memset(&block->cites, 0, sizeof(block->cites));
        apr_pool_clear(block->pool);
    }
}

/* ---- rulers ---- */

#define RUNS_MAX   16384
#define RUN_LENGTH 0x1fffffffu /* a run's width is above */
#define RUN_SHIFT  29

void llm_ruler_add(llm_ruler_t *ruler, llm_text_t text)
{
    apr_uint32_t *last = NULL;
    apr_size_t at = 0;
    int bytes;

    if (!ruler->runs) {
        ruler->runs = apr_array_make(ruler->pool, 4, sizeof(*last));
    }
    if (ruler->runs->nelts) {
        last =
            &APR_ARRAY_IDX(ruler->runs, ruler->runs->nelts - 1, apr_uint32_t);
    }
    while (at < text.len) {
        at += next_char(text.data + at, text.len - at, &bytes);
        ruler->all.chars += 1;
        ruler->all.bytes += bytes;
        if (last && (int)(*last >> RUN_SHIFT) == bytes
            && (*last & RUN_LENGTH) < RUN_LENGTH) {
            ++*last;
        }
        else if (ruler->runs->nelts < RUNS_MAX) {
            last = apr_array_push(ruler->runs);
            *last = (apr_uint32_t)bytes << RUN_SHIFT | 1;
        }
        else { /* the last run is none of this character */
            last = NULL;
        }
    }
}

/* As walk(), over the runs. */
static llm_extent_t measure(const llm_ruler_t *ruler, apr_int64_t chars,
                            apr_int64_t bytes)
{
    llm_extent_t done = {0, 0};
    int i, count = ruler->runs ? ruler->runs->nelts : 0;

    for (i = 0; i < count; ++i) {
        apr_uint32_t run = APR_ARRAY_IDX(ruler->runs, i, apr_uint32_t);
        apr_int64_t width = run >> RUN_SHIFT, length = run & RUN_LENGTH;
        apr_int64_t most = bytes < 0 ? chars - done.chars
                                     : (bytes - done.bytes + width - 1) / width;

        if (most <= length) {
            done.chars += most;
            done.bytes += most * width;
            return done;
        }
        done.chars += length;
        done.bytes += length * width;
    }
    if (done.chars != ruler->all.chars) { /* there are more than were kept */
        done.chars = done.bytes = -1;
    }
    return done;
}

apr_int64_t llm_ruler_char(const llm_ruler_t *ruler, apr_int64_t byte)
{
    return byte < 0 ? -1 : measure(ruler, -1, byte).chars;
}

apr_int64_t llm_ruler_byte(const llm_ruler_t *ruler, apr_int64_t index)
{
    return index < 0 ? -1 : measure(ruler, index, -1).bytes;
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

/* Bytes of escaped text that so many characters have. */
static apr_size_t length_of(llm_text_t text, apr_int64_t chars)
{
    apr_size_t at = 0;
    int bytes;

    for (; chars > 0 && at < text.len; --chars) {
        at += next_char(text.data + at, text.len - at, &bytes);
    }
    return at;
}

llm_text_t llm_cite_words(const llm_cite_t *cite, const llm_part_t *parts)
{
    apr_int64_t before = 0;

    if (cite->said.data || cite->end <= cite->start || cite->start < 0) {
        return cite->said;
    }
    for (; parts; parts = parts->next) {
        llm_extent_t extent = {0, 0};
        llm_text_t text = parts->text;

        if (parts->kind != LLM_PART_TEXT || parts->media) {
            continue;
        }
        llm_extent_add(&extent, text);
        if (cite->start < before + extent.chars) {
            apr_size_t from = length_of(text, cite->start - before);

            if (cite->end > before + extent.chars) {
                break;
            }
            text.data += from;
            text.len -= from;
            text.len = length_of(text, cite->end - cite->start);
            return text;
        }
        before += extent.chars;
    }
    return LLM_TEXT_NONE;
}

/* A text, the characters before it, and what is taken from where in it. */
typedef struct text_t {
    llm_part_t *part;
    apr_int64_t start;
    llm_cites_t cites;
} text_t;

/* The last of the texts that begins at or before the place. */
static text_t *text_at(const apr_array_header_t *texts, apr_int64_t place)
{
    int low = 0, high = texts->nelts;

    while (high - low > 1) {
        int middle = low + (high - low) / 2;

        if (APR_ARRAY_IDX(texts, middle, text_t).start <= place) {
            low = middle;
        }
        else {
            high = middle;
        }
    }
    return &APR_ARRAY_IDX(texts, low, text_t);
}

void llm_parts_cite(llm_part_t *parts, llm_cite_t *cite, apr_pool_t *pool)
{
    apr_array_header_t *texts;
    llm_extent_t extent = {0, 0};
    llm_cite_t *next;
    int i;

    if (!cite) {
        return;
    }
    texts = apr_array_make(pool, 2, sizeof(text_t));
    for (; parts; parts = parts->next) {
        if (parts->kind == LLM_PART_TEXT && !parts->media) {
            text_t text = {parts, extent.chars, {NULL, NULL}};

            APR_ARRAY_PUSH(texts, text_t) = text;
            llm_extent_add(&extent, parts->text);
        }
    }
    for (; cite && texts->nelts; cite = next) {
        text_t *text =
            text_at(texts, cite->start < 0 ? extent.chars : cite->start);

        next = cite->next;
        cite->next = NULL;
        if (text->cites.last) {
            text->cites.last->next = cite;
        }
        else {
            text->cites.first = cite;
        }
        text->cites.last = cite;
    }
    for (i = 0; i < texts->nelts; ++i) {
        text_t *text = &APR_ARRAY_IDX(texts, i, text_t);

        if (text->cites.first) {
            text->part->citations = text->cites.first;
        }
    }
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
