/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cohere's citations: words of the answer, by their characters, with a list of
 * sources, which are documents of the request or what tools gave. A source with
 * an address is that address. What it cites of its thinking or its plan is
 * passed over.
 */
#include "dialect/cohere_internal.h"

static void read_source(llm_cites_t *cites, const llm_json_t *node,
                        const llm_json_t *source, apr_pool_t *pool)
{
    const llm_json_t *held = llm_json_want(source, "document");
    llm_cite_t *cite;
    llm_text_t url;

    if (!held) {
        held = llm_json_want(source, "tool_output");
    }
    url = llm_json_text(llm_json_get(held, "url"));
    cite =
        llm_cites_add(cites, url.len ? LLM_CITE_URL : LLM_CITE_DOCUMENT, pool);
    cite->url = url;
    cite->id = llm_json_text(llm_json_get(source, "id"));
    cite->title = llm_json_text(llm_json_get(held, "title"));
    cite->quote = llm_json_text(llm_json_get(held, "snippet"));
    cite->said = llm_json_text(llm_json_get(node, "text"));
    cite->start = llm_cite_place(llm_json_get(node, "start"));
    cite->end = llm_cite_place(llm_json_get(node, "end"));
}

void llm_cohere_read_citation(llm_cites_t *cites, const llm_json_t *node,
                              apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_want(node, "type");
    const llm_json_t *list = llm_json_want(node, "sources"), *source;

    if (type && !llm_json_equals(type, "TEXT_CONTENT")) {
        return;
    }
    for (source = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
         source; source = source->next) {
        read_source(cites, node, source, pool);
    }
}

/* The source's id: demanded, so one that has none is known by its address. */
static llm_text_t id_of(const llm_cite_t *cite)
{
    return cite->id.data ? cite->id : cite->url.data ? cite->url : cite->title;
}

void llm_cohere_put_citation(llm_buf_t *out, const llm_cite_t *cite, int index)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "start", cite->start < 0 ? 0 : cite->start);
    llm_put_int_member(out, "end", cite->end < 0 ? 0 : cite->end);
    llm_put_needed_text(out, "text", cite->said);
    llm_buf_lit(out, ",\"sources\":[{\"type\":\"document\"");
    llm_put_needed_text(out, "id", id_of(cite));
    llm_buf_lit(out, ",\"document\":{");
    llm_put_needed_text(out, "id", id_of(cite));
    llm_put_text_member(out, "title", cite->title);
    llm_put_text_member(out, "url", cite->url);
    llm_put_text_member(out, "snippet", cite->quote);
    llm_buf_lit(out, "}}]");
    llm_put_int_member(out, "content_index", index);
    llm_buf_lit(out, ",\"type\":\"TEXT_CONTENT\"}");
}
