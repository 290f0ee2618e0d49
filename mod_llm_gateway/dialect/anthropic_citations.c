/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anthropic's citations: members of a text block, which is cited as a whole,
 * or citations_delta events while it is open. Results of a search have an
 * address; documents of the request are counted from 0, with a place in
 * characters, pages (from 1) or blocks; search results of the request are
 * counted apart.
 *
 * For a client every address is a web_search_result_location. Its
 * encrypted_index is empty: it is for the search of Anthropic's alone, and
 * clients send it back at most. A document that is cited as a whole is its
 * first block; what has a name but no number is a search result from there.
 * Which of the block's words are meant, where that is not all of them, is told
 * by members that are added, start_index and end_index.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/cite.h"

#include <string.h>

static void read_document(llm_cites_t *cites, const llm_json_t *node,
                          apr_pool_t *pool)
{
    llm_cite_t *cite = llm_cites_add(cites, LLM_CITE_DOCUMENT, pool);

    cite->title = llm_json_text(llm_json_want(node, "document_title"));
    cite->id = llm_json_text(llm_json_want(node, "file_id"));
    cite->quote = llm_json_text(llm_json_get(node, "cited_text"));
    llm_cite_take_source(cite, node, 0);
    llm_cite_take_said(cite, node, 0);
}

void llm_anthropic_read_citation(llm_cites_t *cites, const llm_json_t *node,
                                 apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(node, "type");
    const llm_json_t *url = llm_json_get(node, "url");
    llm_cite_t *cite;

    if (!url) { /* a search_result_location */
        url = llm_json_get(node, "source");
    }
    if (llm_json_is(url, LLM_JSON_STRING)) {
        cite = llm_cites_add(cites, LLM_CITE_URL, pool);
        cite->url = llm_json_text(url);
        cite->title = llm_json_text(llm_json_want(node, "title"));
        cite->quote = llm_json_text(llm_json_get(node, "cited_text"));
        llm_cite_take_source(cite, node, 0);
        llm_cite_take_said(cite, node, 0);
    }
    else if (llm_cite_form_named(type)) {
        read_document(cites, node, pool);
    }
}

/* ---- writing ---- */

static void put_or_null(llm_buf_t *out, const char *name, llm_text_t text)
{
    if (text.data) {
        llm_put_text_member(out, name, text);
    }
    else {
        llm_put_raw_member(out, name, "null");
    }
}

/* A place that is demanded; of what is not told, all of the first block. */
static void put_place(llm_buf_t *out, const llm_cite_t *cite, const char *from,
                      const char *to)
{
    int is_known = llm_cite_form(cite) && cite->from >= 0;

    llm_put_int_member(out, from, is_known ? cite->from : 0);
    llm_put_int_member(out, to,
                       is_known && cite->to >= 0 ? cite->to
                       : is_known                ? cite->from
                                                 : 1);
}

static void put_document(llm_buf_t *out, const llm_cite_t *cite)
{
    const llm_cite_form_t *form = llm_cite_form(cite);

    llm_put_string_member(out, "type",
                          form ? form->type : "content_block_location");
    llm_put_needed_text(out, "cited_text", cite->quote);
    llm_put_int_member(out, "document_index", cite->number);
    put_or_null(out, "document_title", cite->title);
    put_or_null(out, "file_id", cite->id);
    put_place(out, cite, form ? form->from : "start_block_index",
              form ? form->to : "end_block_index");
}

static void put_result(llm_buf_t *out, const llm_cite_t *cite)
{
    llm_text_t source = cite->url.data  ? cite->url
                        : cite->id.data ? cite->id
                                        : cite->title;

    llm_put_string_member(out, "type", "search_result_location");
    llm_put_needed_text(out, "cited_text", cite->quote);
    llm_put_needed_text(out, "source", source);
    put_or_null(out, "title", cite->title);
    llm_put_int_member(out, "search_result_index",
                       cite->number < 0 ? 0 : cite->number);
    put_place(out, cite, "start_block_index", "end_block_index");
}

static void put_address(llm_buf_t *out, const llm_cite_t *cite)
{
    llm_put_string_member(out, "type", "web_search_result_location");
    llm_put_needed_text(out, "cited_text", cite->quote);
    llm_put_needed_text(out, "url", cite->url);
    put_or_null(out, "title", cite->title);
    llm_put_string_member(out, "encrypted_index", "");
}

void llm_anthropic_put_citation(llm_buf_t *out, const llm_cite_t *cite,
                                apr_int64_t start, apr_int64_t end)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    if (cite->kind == LLM_CITE_URL && !cite->unit) {
        put_address(out, cite);
    }
    else if (cite->kind == LLM_CITE_DOCUMENT && cite->number >= 0) {
        put_document(out, cite);
    }
    else {
        put_result(out, cite);
    }
    if (cite->start != start || cite->end != end) {
        llm_cite_put_said(out, cite, 0);
    }
    llm_buf_putc(out, '}');
}
