/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converse's citations: members of a block `citationsContent`, whose texts they
 * are about, or deltas of a text's block in a stream. Where they are from is
 * one of
 *
 *   web                   an address
 *   documentChar, documentPage, documentChunk
 *                         a place in a document of the request, by its number
 *   searchResultLocation  blocks of a search result of the request
 *
 * or, where none of these is known, a `source` alone. A document that is cited
 * as a whole is its first chunk. Which of the block's words are meant, where
 * that is not all of them, is told by members that are added: startIndex and
 * endIndex.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/cite.h"

#include <string.h>

static const struct {
    const char *name, *unit, *number;
} places[] = {
    {"documentChar", "char", "documentIndex"},
    {"documentPage", "page", "documentIndex"},
    {"documentChunk", "block", "documentIndex"},
    {"searchResultLocation", "result", "searchResultIndex"},
    {NULL, NULL, NULL},
};

#define CHUNK  2
#define RESULT 3

/* ---- reading ---- */

static int has_scheme(llm_text_t text)
{
    apr_size_t i;

    for (i = 0; i + 3 < text.len && text.data[i] != ':'; ++i) {
    }
    return i + 3 < text.len && !memcmp(text.data + i, "://", 3);
}

void llm_bedrock_read_citation(llm_cites_t *cites, const llm_json_t *node,
                               apr_pool_t *pool)
{
    const llm_json_t *location = llm_json_want(node, "location"), *place = NULL;
    const llm_json_t *content = llm_json_want(node, "sourceContent");
    llm_text_t url = llm_json_text(llm_json_path(location, "web", "url", NULL));
    llm_text_t source = llm_json_text(llm_json_want(node, "source"));
    llm_cite_t *cite;
    int i = 0;

    while (places[i].name
           && !(place = llm_json_want(location, places[i].name))) {
        ++i;
    }
    if (!llm_json_is(node, LLM_JSON_OBJECT)
        || (!url.len && !source.len && !place
            && !llm_json_want(node, "title"))) {
        return;
    }
    if (!url.len && (place ? i == RESULT : has_scheme(source))) {
        url = source;
    }
    cite =
        llm_cites_add(cites, url.data ? LLM_CITE_URL : LLM_CITE_DOCUMENT, pool);
    cite->url = url;
    cite->id = url.data || !source.len ? LLM_TEXT_NONE : source;
    cite->title = llm_json_text(llm_json_want(node, "title"));
    cite->quote = llm_json_text(llm_json_want(llm_json_at(content, 0), "text"));
    if (place) {
        cite->unit = places[i].unit;
        cite->number = llm_cite_place(llm_json_get(place, places[i].number));
        cite->from = llm_cite_place(llm_json_get(place, "start"));
        cite->to = llm_cite_place(llm_json_get(place, "end"));
    }
    llm_cite_take_said(cite, node, 1);
}

/* ---- writing ---- */

static void put_place(llm_buf_t *out, const llm_cite_t *cite)
{
    const llm_cite_form_t *form = llm_cite_form(cite);
    int i = cite->kind == LLM_CITE_URL ? RESULT : 0;

    while (form && places[i].unit && strcmp(places[i].unit, form->unit)) {
        ++i;
    }
    if (!form || !places[i].unit) {
        i = CHUNK;
    }
    llm_put_name(out, places[i].name);
    llm_buf_putc(out, '{');
    llm_put_int_member(out, places[i].number,
                       cite->number < 0 ? 0 : cite->number);
    llm_put_int_member(out, "start", cite->from < 0 ? 0 : cite->from);
    llm_put_int_member(out, "end",
                       cite->to >= 0     ? cite->to
                       : cite->from >= 0 ? cite->from
                                         : 1);
    llm_buf_putc(out, '}');
}

void llm_bedrock_put_citation(llm_buf_t *out, const llm_cite_t *cite,
                              apr_int64_t start, apr_int64_t end)
{
    int is_web = cite->kind == LLM_CITE_URL && !cite->unit;
    llm_text_t source = is_web           ? LLM_TEXT_NONE
                        : cite->url.data ? cite->url
                                         : cite->id;

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_text_member(out, "title", cite->title);
    llm_put_text_member(out, "source", source);
    if (cite->quote.len) {
        llm_put_name(out, "sourceContent");
        llm_buf_lit(out, "[{");
        llm_put_text_member(out, "text", cite->quote);
        llm_buf_lit(out, "}]");
    }
    if (is_web || cite->unit || cite->number >= 0) {
        llm_put_name(out, "location");
        llm_buf_putc(out, '{');
        if (is_web) {
            llm_buf_lit(out, "\"web\":{");
            llm_put_needed_text(out, "url", cite->url);
            llm_buf_putc(out, '}');
        }
        else {
            put_place(out, cite);
        }
        llm_buf_putc(out, '}');
    }
    if (cite->start != start || cite->end != end) {
        llm_cite_put_said(out, cite, 1);
    }
    llm_buf_putc(out, '}');
}
