/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's annotations. In a chat each stands under the name of its type,
 * {"type":"url_citation","url_citation":{"url",...}}, in a response its members
 * are beside the type. Places are characters of the text: of the message in a
 * chat, of the part in a response.
 *
 * A chat's clients take no type but addresses there, so documents and files are
 * in a member `citations` of the message, in the form of cite_form.c. In a
 * response a document of the request is a file_citation with that form's
 * members beside; its type is `location`. OpenRouter tells in a chat what it
 * has read of a document, {"type":"file","file":{"hash","name","content"}}.
 */
#include "dialect/cite.h"

#include <string.h>

#define DOCUMENT_MARK "location"

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
    llm_cite_take_source(cite, inside, 0);
    llm_cite_take_said(cite, inside, 0);
}

/* A document that OpenRouter has read has its texts. */
static void read_file(llm_cites_t *cites, const llm_json_t *node,
                      const char *type, apr_pool_t *pool)
{
    const llm_json_t *inside = inside_of(node, type);
    int is_read = llm_json_want(inside, "hash") != NULL;
    llm_cite_t *cite = llm_cites_add(cites, LLM_CITE_FILE, pool);

    cite->type = type;
    cite->id =
        llm_json_text(llm_json_want(inside, is_read ? "hash" : "file_id"));
    cite->container = llm_json_text(llm_json_want(inside, "container_id"));
    cite->title =
        llm_json_text(llm_json_want(inside, is_read ? "name" : "filename"));
    cite->quote = llm_json_text(llm_json_want(inside, "cited_text"));
    cite->from = llm_cite_place(llm_json_get(inside, "index"));
    llm_cite_take_said(cite, inside, 0);
    cite->raw = is_read ? node : NULL;
}

/* A document of the request, in a response: told apart by what is added. */
static void read_document(llm_cites_t *cites, const llm_json_t *node,
                          apr_pool_t *pool)
{
    llm_cite_t *cite = llm_cites_add(cites, LLM_CITE_DOCUMENT, pool);

    cite->id = llm_json_text(llm_json_want(node, "file_id"));
    cite->title = llm_json_text(llm_json_want(node, "filename"));
    cite->quote = llm_json_text(llm_json_want(node, "cited_text"));
    if (!cite->id.len) {
        cite->id = LLM_TEXT_NONE;
    }
    llm_cite_take_source(cite, node, 0);
    llm_cite_take_said(cite, node, 0);
}

void llm_openai_read_annotation(llm_cites_t *cites, const llm_json_t *node,
                                apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(node, "type");
    const char *file = llm_cite_file_type(type);

    if (llm_json_equals(type, "url_citation")) {
        read_url(cites, inside_of(node, "url_citation"), pool);
    }
    else if (llm_json_want(node, DOCUMENT_MARK)) {
        read_document(cites, node, pool);
    }
    else if (file) {
        read_file(cites, node, file, pool);
    }
}

void llm_openai_read_more_cites(llm_cites_t *cites, const llm_json_t *list,
                                apr_pool_t *pool)
{
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    for (; node; node = node->next) {
        if (llm_cite_file_type(llm_json_get(node, "type"))) {
            llm_openai_read_annotation(cites, node, pool);
        }
        else {
            llm_cite_read_form(cites, node, pool);
        }
    }
}

/* Mistral's: numbers or names of what tools gave. */
static void read_references(llm_cites_t *cites, const llm_json_t *list,
                            apr_pool_t *pool)
{
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    for (; node; node = node->next) {
        llm_cite_t *cite = llm_cites_add(cites, LLM_CITE_DOCUMENT, pool);

        cite->id = node->type == LLM_JSON_NUMBER
                       ? (llm_text_t){node->raw.data, node->raw.len}
                       : llm_json_text(node);
    }
}

int llm_openai_read_piece_cites(llm_cites_t *cites, const llm_json_t *node,
                                apr_int64_t start, apr_int64_t end,
                                apr_pool_t *pool)
{
    const llm_json_t *references = llm_json_want(node, "reference_ids");
    llm_cites_t found = {NULL, NULL};
    llm_cite_t *cite;

    read_references(&found, references, pool);
    llm_openai_read_more_cites(&found, llm_json_want(node, "citations"), pool);
    if (llm_json_equals(llm_json_get(node, "type"), "tool_reference")) {
        llm_cite_read_form(&found, node, pool);
        references = node;
    }
    for (cite = found.first; cite && end > start; cite = cite->next) {
        if (cite->start < 0) {
            cite->start = start;
            cite->end = end;
        }
    }
    llm_cites_append(cites, &found);
    return references != NULL;
}

/* Perplexity: [{"title","url"}], or addresses alone, of the whole answer. */
static void read_sources(llm_cites_t *cites, const llm_json_t *doc,
                         apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(doc, "search_results");

    llm_openai_read_more_cites(cites,
                               llm_json_is(list, LLM_JSON_ARRAY)
                                   ? list
                                   : llm_json_want(doc, "citations"),
                               pool);
}

/* Azure's own data: {"content","title","url","filepath"}, counted from 0. */
static void read_context(llm_cites_t *cites, const llm_json_t *message,
                         apr_pool_t *pool)
{
    const llm_json_t *list =
        llm_json_path(message, "context", "citations", NULL);
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
    int number = 0;

    for (; node; node = node->next, ++number) {
        llm_text_t url = llm_json_text(llm_json_want(node, "url"));
        llm_cite_t *cite = llm_cites_add(
            cites, url.len ? LLM_CITE_URL : LLM_CITE_DOCUMENT, pool);

        cite->url = url;
        cite->id = llm_json_text(llm_json_want(node, "filepath"));
        cite->title = llm_json_text(llm_json_want(node, "title"));
        cite->quote = llm_json_text(llm_json_want(node, "content"));
        cite->number = url.len ? -1 : number;
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
    llm_openai_read_more_cites(cites, llm_json_want(message, "citations"),
                               pool);
    read_context(cites, message, pool);
    if (!cites->first && doc) {
        read_sources(cites, doc, pool);
    }
}

int llm_openai_annotates(const llm_cite_t *cite)
{
    return cite->kind == LLM_CITE_URL && cite->url.data;
}

int llm_openai_cites(const llm_cite_t *cite)
{
    return !llm_openai_annotates(cite);
}

static apr_int64_t moved(apr_int64_t place, apr_int64_t offset)
{
    return place > offset ? place - offset : 0;
}

/* As OpenRouter tells the source's own words. */
static void put_url(llm_buf_t *out, const llm_cite_t *cite, apr_int64_t offset)
{
    llm_put_needed_text(out, "url", cite->url);
    llm_put_needed_text(out, "title",
                        cite->title.data ? cite->title : cite->url);
    if (cite->quote.len) {
        llm_put_text_member(out, "content", cite->quote);
    }
    llm_cite_put_source(out, cite, 0);
    llm_put_int_member(out, "start_index", moved(cite->start, offset));
    llm_put_int_member(out, "end_index", moved(cite->end, offset));
}

void llm_openai_put_annotation(llm_buf_t *out, const llm_cite_t *cite)
{
    llm_put_comma(out);
    llm_buf_lit(out, "{\"type\":\"url_citation\",\"url_citation\":{");
    put_url(out, cite, 0);
    llm_buf_lit(out, "}}");
}

/* Where the file is cited: behind the words it is about. */
static void put_file(llm_buf_t *out, const llm_cite_t *cite, apr_int64_t offset)
{
    int is_document = cite->kind == LLM_CITE_DOCUMENT;
    int is_path = cite->type && !strcmp(cite->type, "file_path");

    llm_put_text_member(out, "container_id", cite->container);
    llm_put_needed_text(out, "file_id", cite->id);
    if (cite->title.data || !is_path) {
        llm_put_needed_text(out, "filename",
                            cite->title.data ? cite->title : cite->id);
    }
    if (!cite->container.data) {
        llm_put_int_member(out, "index",
                           is_document || cite->from < 0
                               ? moved(cite->end, offset)
                               : cite->from);
    }
    if (cite->quote.len) {
        llm_put_text_member(out, "cited_text", cite->quote);
    }
    if (is_document) {
        llm_put_string_member(out, DOCUMENT_MARK, llm_cite_type(cite));
        llm_cite_put_source(out, cite, 0);
    }
    if (cite->start >= 0) {
        llm_put_int_member(out, "start_index", moved(cite->start, offset));
        llm_put_int_member(out, "end_index", moved(cite->end, offset));
    }
    else if (cite->said.len) {
        llm_put_text_member(out, "text", cite->said);
    }
    if (cite->raw) {
        llm_put_name(out, cite->type);
        llm_put_one_line(out, inside_of(cite->raw, cite->type)->raw);
    }
}

void llm_responses_put_annotation(llm_buf_t *out, const llm_cite_t *cite,
                                  apr_int64_t offset)
{
    int is_file = cite->kind == LLM_CITE_FILE && cite->type && !cite->raw;

    llm_put_comma(out);
    llm_buf_putc(out, '{');
    if (cite->kind == LLM_CITE_URL) {
        llm_put_string_member(out, "type", "url_citation");
        put_url(out, cite, offset);
    }
    else {
        llm_put_string_member(out, "type",
                              is_file ? cite->type : "file_citation");
        put_file(out, cite, offset);
    }
    llm_buf_putc(out, '}');
}
