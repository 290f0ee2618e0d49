/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic's citations: members of a text block, which is cited as a whole,
 * or citations_delta events while it is open. Results of a search have an
 * address; documents of the request are counted from 0, with a place in
 * characters, pages (from 1) or blocks.
 *
 * For a client every address is a web_search_result_location. Its
 * encrypted_index is empty: it is for the search of Anthropic's alone, and
 * clients send it back at most.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/cite.h"

#include <string.h>

static const struct {
    const char *type, *unit, *from, *to;
} places[] = {
    {"char_location", "char", "start_char_index", "end_char_index"},
    {"page_location", "page", "start_page_number", "end_page_number"},
    {"content_block_location", "block", "start_block_index", "end_block_index"},
    {NULL, NULL, NULL, NULL},
};

void llm_anthropic_read_citation(llm_cites_t *cites, const llm_json_t *node,
                                 apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(node, "type");
    const llm_json_t *url = llm_json_get(node, "url");
    llm_cite_t *cite;
    int i;

    if (!url) { /* a search_result_location */
        url = llm_json_get(node, "source");
    }
    if (llm_json_is(url, LLM_JSON_STRING)) {
        cite = llm_cites_add(cites, LLM_CITE_URL, pool);
        cite->url = llm_json_text(url);
        cite->title = llm_json_text(llm_json_want(node, "title"));
        cite->quote = llm_json_text(llm_json_get(node, "cited_text"));
        return;
    }
    for (i = 0; places[i].type && !llm_json_equals(type, places[i].type); ++i) {
    }
    if (places[i].type) {
        cite = llm_cites_add(cites, LLM_CITE_DOCUMENT, pool);
        cite->unit = places[i].unit;
        cite->title = llm_json_text(llm_json_want(node, "document_title"));
        cite->id = llm_json_text(llm_json_want(node, "file_id"));
        cite->quote = llm_json_text(llm_json_get(node, "cited_text"));
        cite->number = llm_cite_place(llm_json_get(node, "document_index"));
        cite->from = llm_cite_place(llm_json_get(node, places[i].from));
        cite->to = llm_cite_place(llm_json_get(node, places[i].to));
    }
}

static const char *unit_of(const llm_cite_t *cite)
{
    return cite->unit ? cite->unit : "";
}

int llm_anthropic_cites(const llm_cite_t *cite)
{
    int i;

    for (i = 0; places[i].unit && strcmp(places[i].unit, unit_of(cite)); ++i) {
    }
    return cite->kind == LLM_CITE_URL
               ? cite->url.data != NULL
               : cite->kind == LLM_CITE_DOCUMENT && cite->number >= 0
                     && places[i].unit;
}

static void put_title(llm_buf_t *out, const char *name, llm_text_t title)
{
    if (title.data) {
        llm_put_text_member(out, name, title);
    }
    else {
        llm_put_raw_member(out, name, "null");
    }
}

void llm_anthropic_put_citation(llm_buf_t *out, const llm_cite_t *cite)
{
    int i;

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    if (cite->kind == LLM_CITE_URL) {
        llm_buf_lit(out, "\"type\":\"web_search_result_location\"");
        llm_put_needed_text(out, "cited_text", cite->quote);
        llm_put_needed_text(out, "url", cite->url);
        put_title(out, "title", cite->title);
        llm_buf_lit(out, ",\"encrypted_index\":\"\"}");
        return;
    }
    for (i = 0; places[i].unit && strcmp(places[i].unit, unit_of(cite)); ++i) {
    }
    llm_put_string_member(out, "type", places[i].type);
    llm_put_needed_text(out, "cited_text", cite->quote);
    llm_put_int_member(out, "document_index", cite->number);
    put_title(out, "document_title", cite->title);
    llm_put_text_member(out, "file_id", cite->id);
    llm_put_int_member(out, places[i].from, cite->from < 0 ? 0 : cite->from);
    llm_put_int_member(out, places[i].to, cite->to < 0 ? 0 : cite->to);
    llm_buf_putc(out, '}');
}
