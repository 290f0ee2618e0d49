/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's annotations. In a chat each stands under the name of its type,
 * {"type":"url_citation","url_citation":{"url",...}}, in a response its members
 * are beside the type. Places are characters of the text: of the message in a
 * chat, of the part in a response.
 */
#include "dialect/cite.h"

static const char *const file_types[] = {
    "file_citation", "container_file_citation", "file_path", NULL};

/* The members: inside, or here where there is no inside. */
static const llm_json_t *inside_of(const llm_json_t *node, const char *type)
{
    const llm_json_t *inside = llm_json_get(node, type);

    return llm_json_is(inside, LLM_JSON_OBJECT) ? inside : node;
}

static void read_url(llm_cites_t *cites, const llm_json_t *inside,
                     apr_pool_t *pool)
{
    llm_cite_t *cite = llm_cites_add(cites, LLM_CITE_URL, pool);

    cite->url = llm_json_text(llm_json_get(inside, "url"));
    cite->title = llm_json_text(llm_json_get(inside, "title"));
    cite->quote = llm_json_text(llm_json_get(inside, "content"));
    cite->start = llm_cite_place(llm_json_get(inside, "start_index"));
    cite->end = llm_cite_place(llm_json_get(inside, "end_index"));
    if (!cite->end) { /* servers without places say 0 twice */
        cite->start = cite->end = -1;
    }
}

void llm_openai_read_annotation(llm_cites_t *cites, const llm_json_t *node,
                                apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(node, "type"), *inside;
    const char *const *word = file_types;
    llm_cite_t *cite;

    if (llm_json_equals(type, "url_citation")) {
        read_url(cites, inside_of(node, "url_citation"), pool);
        return;
    }
    while (*word && !llm_json_equals(type, *word)) {
        ++word;
    }
    if (!*word) {
        return;
    }
    inside = inside_of(node, *word);
    cite = llm_cites_add(cites, LLM_CITE_FILE, pool);
    cite->type = *word;
    cite->id = llm_json_text(llm_json_get(inside, "file_id"));
    cite->container = llm_json_text(llm_json_get(inside, "container_id"));
    cite->title = llm_json_text(llm_json_get(inside, "filename"));
    cite->from = llm_cite_place(llm_json_get(inside, "index"));
    cite->start = llm_cite_place(llm_json_get(inside, "start_index"));
    cite->end = llm_cite_place(llm_json_get(inside, "end_index"));
}

/* Perplexity: [{"title","url"}], or addresses alone, of the whole answer. */
static void read_sources(llm_cites_t *cites, const llm_json_t *doc,
                         apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "search_results"), *node;

    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        list = llm_json_want(doc, "citations");
    }
    for (node = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL; node;
         node = node->next) {
        llm_text_t url = node->type == LLM_JSON_STRING
                             ? llm_json_text(node)
                             : llm_json_text(llm_json_get(node, "url"));

        if (url.len) {
            llm_cite_t *cite = llm_cites_add(cites, LLM_CITE_URL, pool);

            cite->url = url;
            cite->title = llm_json_text(llm_json_get(node, "title"));
            cite->quote = llm_json_text(llm_json_get(node, "snippet"));
        }
    }
}

void llm_openai_read_cites(llm_cites_t *cites, const llm_json_t *message,
                           const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(message, "annotations"), *node;

    for (node = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL; node;
         node = node->next) {
        llm_openai_read_annotation(cites, node, pool);
    }
    if (!cites->first && doc) {
        read_sources(cites, doc, pool);
    }
}

int llm_openai_annotates(const llm_cite_t *cite)
{
    return cite->kind == LLM_CITE_FILE
           || (cite->kind == LLM_CITE_URL && cite->url.data);
}

static apr_int64_t moved(apr_int64_t place, apr_int64_t offset)
{
    return place > offset ? place - offset : 0;
}

void llm_openai_put_annotation(llm_buf_t *out, const llm_cite_t *cite,
                               int is_flat, apr_int64_t offset)
{
    const char *type = cite->type ? cite->type : "url_citation";

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type", type);
    if (!is_flat) {
        llm_put_name(out, type);
        llm_buf_putc(out, '{');
    }
    if (cite->kind == LLM_CITE_URL) {
        llm_put_needed_text(out, "url", cite->url);
        llm_put_needed_text(out, "title",
                            cite->title.data ? cite->title : cite->url);
    }
    else {
        llm_put_text_member(out, "container_id", cite->container);
        llm_put_needed_text(out, "file_id", cite->id);
        llm_put_text_member(out, "filename", cite->title);
        llm_put_place(out, "index", cite->from);
    }
    if (cite->kind == LLM_CITE_URL || cite->start >= 0) {
        llm_put_int_member(out, "start_index", moved(cite->start, offset));
        llm_put_int_member(out, "end_index", moved(cite->end, offset));
    }
    llm_buf_lit(out, "}");
    if (!is_flat) {
        llm_buf_lit(out, "}");
    }
}
