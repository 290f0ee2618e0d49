/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cohere's citations: words of the answer, by their characters, with a list of
 * sources, which are documents of the request or what tools gave. A source with
 * an address is that address. What it cites of its thinking is passed over, for
 * that is nobody's answer; what it plans before calls is text.
 */
#include "dialect/cohere_internal.h"

#define TEXT "TEXT_CONTENT"
#define PLAN "PLAN"

/* Is there more in it than a name? Then what it says is its JSON. */
static int has_more(const llm_json_t *held)
{
    static const char *const known[] = {"id",
                                        "title",
                                        "url",
                                        "document_index",
                                        "search_result_index",
                                        "start_char_index",
                                        "end_char_index",
                                        "start_page_number",
                                        "end_page_number",
                                        "start_block_index",
                                        "end_block_index",
                                        NULL};

    return llm_json_is(held, LLM_JSON_OBJECT)
           && llm_json_has_others(held, known);
}

static void read_source(llm_cites_t *cites, const llm_json_t *node,
                        const llm_json_t *source, const llm_ask_t *ask,
                        apr_pool_t *pool)
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
    if (llm_text_is_same(cite->id, cite->title)
        || llm_text_is_same(cite->id, cite->url)) {
        cite->id = LLM_TEXT_NONE; /* written for want of one */
    }
    cite->quote = llm_json_text(llm_json_get(held, "snippet"));
    if (!cite->quote.data) {
        cite->quote = llm_json_text(llm_json_get(held, "text"));
    }
    if (!cite->quote.data && has_more(held)) {
        cite->quote = llm_text_escape(held->raw.data, held->raw.len, pool);
    }
    cite->said = llm_json_text(llm_json_get(node, "text"));
    cite->start = llm_cite_place(llm_json_get(node, "start"));
    cite->end = llm_cite_place(llm_json_get(node, "end"));
    if (cite->end == 0) { /* as it is written where no place is known */
        cite->start = cite->end = -1;
    }
    llm_cite_take_source(cite, held, 0);
    llm_ask_find_source(ask, cite);
}

void llm_cohere_read_citation(llm_cites_t *cites, const llm_json_t *node,
                              const llm_ask_t *ask, apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_want(node, "type");
    const llm_json_t *list = llm_json_want(node, "sources"), *source;

    if (type && !llm_json_equals(type, TEXT) && !llm_json_equals(type, PLAN)) {
        return;
    }
    for (source = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
         source; source = source->next) {
        read_source(cites, node, source, ask, pool);
    }
}

/* The source's id: demanded, so one that has none is known by its address. */
static llm_text_t id_of(const llm_cite_t *cite)
{
    return cite->id.data ? cite->id : cite->url.data ? cite->url : cite->title;
}

static apr_int64_t moved(apr_int64_t place, apr_int64_t offset)
{
    return place > offset ? place - offset : 0;
}

void llm_cohere_put_citation(llm_buf_t *out, const llm_cite_t *cite,
                             const llm_ask_t *ask, int index,
                             apr_int64_t offset)
{
    const llm_media_t *source = llm_ask_source(ask, cite);
    llm_cite_t unnamed = *cite;
    llm_text_t id = source && source->key.data ? source->key : id_of(cite);

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "start", moved(cite->start, offset));
    llm_put_int_member(out, "end", moved(cite->end, offset));
    llm_put_needed_text(out, "text", cite->said);
    llm_buf_lit(out, ",\"sources\":[{\"type\":\"document\"");
    llm_put_needed_text(out, "id", id);
    llm_buf_lit(out, ",\"document\":{");
    llm_put_needed_text(out, "id", id);
    llm_put_text_member(out, "title", cite->title);
    llm_put_text_member(out, "url", cite->url);
    if (cite->quote.len) {
        llm_put_text_member(out, "snippet", cite->quote);
    }
    unnamed.id = LLM_TEXT_NONE; /* which is there */
    llm_cite_put_source(out, &unnamed, 0);
    llm_buf_lit(out, "}}]");
    llm_put_place(out, "content_index", index);
    llm_put_string_member(out, "type", index < 0 ? PLAN : TEXT);
    llm_buf_putc(out, '}');
}
