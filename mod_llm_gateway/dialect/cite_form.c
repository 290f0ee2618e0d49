/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a citation where a dialect has none of its own, and the members
 * that are added where it has one with too little room.
 *
 *   {"type":"char_location","document_index":0,"document_title":"Report",
 *    "cited_text":"...","start_char_index":4,"end_char_index":10,
 *    "start_index":0,"end_index":25}
 *
 * It is Anthropic's, flat, with the answer's words as OpenAI tells them:
 * start_index and end_index, in characters of all that was said; or `text`,
 * the words, where their place is not known. What has no place in its document
 * is of the type "document", with the id it has. Addresses and files are
 * OpenAI's annotations. Google's dialect has the same names its own way:
 * documentIndex.
 */
#include "dialect/cite.h"

#include <string.h>

#include <apr_lib.h>

#define OPENROUTERS "file" /* a document that it has read */

static const llm_cite_form_t forms[] = {
    {"char_location", "char", "start_char_index", "end_char_index"},
    {"page_location", "page", "start_page_number", "end_page_number"},
    {"content_block_location", "block", "start_block_index", "end_block_index"},
    {"search_result_location", "result", "start_block_index",
     "end_block_index"},
    {NULL, NULL, NULL, NULL},
};

/* What names nothing, "document" for one, is a document as a whole. */
#define WHOLE "document"

static const char *const file_types[] = {
    "file_citation", "container_file_citation", "file_path", OPENROUTERS, NULL};

const llm_cite_form_t *llm_cite_form(const llm_cite_t *cite)
{
    const llm_cite_form_t *form = forms;

    while (form->unit && (!cite->unit || strcmp(form->unit, cite->unit))) {
        ++form;
    }
    return form->unit ? form : NULL;
}

const llm_cite_form_t *llm_cite_form_named(const llm_json_t *type)
{
    const llm_cite_form_t *form = forms;

    while (form->type && !llm_json_equals(type, form->type)) {
        ++form;
    }
    return form->type ? form : NULL;
}

const char *llm_cite_file_type(const llm_json_t *type)
{
    const char *const *word = file_types;

    while (*word && !llm_json_equals(type, *word)) {
        ++word;
    }
    return *word;
}

/* ---- names ---- */

/* document_index is documentIndex there. */
static const char *name_in(char buf[32], const char *name, int camel)
{
    char *to = buf;

    if (!camel) {
        return name;
    }
    for (; *name && to < buf + 31; ++name) {
        if (*name == '_') {
            ++name;
            *to++ = (char)apr_toupper(*name);
        }
        else {
            *to++ = *name;
        }
    }
    *to = '\0';
    return buf;
}

static void put_text(llm_buf_t *out, const char *name, llm_text_t text,
                     int camel)
{
    char buf[32];

    if (text.len) {
        llm_put_text_member(out, name_in(buf, name, camel), text);
    }
}

static void put_number(llm_buf_t *out, const char *name, apr_int64_t number,
                       int camel)
{
    char buf[32];

    llm_put_place(out, name_in(buf, name, camel), number);
}

static const llm_json_t *want(const llm_json_t *node, const char *name,
                              int camel)
{
    char buf[32];

    return llm_json_want(node, name_in(buf, name, camel));
}

/* ---- writing ---- */

void llm_cite_put_source(llm_buf_t *out, const llm_cite_t *cite, int camel)
{
    const llm_cite_form_t *form = llm_cite_form(cite);

    if (cite->kind == LLM_CITE_DOCUMENT) {
        put_number(out, "document_index", cite->number, camel);
        put_text(out, "document_id", cite->id, camel);
    }
    else {
        put_number(out, "search_result_index", cite->number, camel);
    }
    if (form) {
        put_number(out, form->from, cite->from, camel);
        put_number(out, form->to, cite->to, camel);
    }
}

void llm_cite_put_said(llm_buf_t *out, const llm_cite_t *cite, int camel)
{
    if (cite->end > 0) {
        put_number(out, "start_index", cite->start, camel);
        put_number(out, "end_index", cite->end, camel);
    }
    else {
        put_text(out, "text", cite->said, camel);
    }
}

const char *llm_cite_type(const llm_cite_t *cite)
{
    const llm_cite_form_t *form = llm_cite_form(cite);

    if (cite->kind == LLM_CITE_FILE) {
        return cite->type ? cite->type : file_types[0];
    }
    return form                         ? form->type
           : cite->kind == LLM_CITE_URL ? "url_citation"
                                        : WHOLE;
}

void llm_cite_put_form(llm_buf_t *out, const llm_cite_t *cite)
{
    llm_put_comma(out);
    if (cite->raw) {
        llm_put_one_line(out, cite->raw->raw);
        return;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type", llm_cite_type(cite));
    switch (cite->kind) {
    case LLM_CITE_URL:
        llm_put_text_member(out, cite->unit ? "source" : "url", cite->url);
        llm_put_text_member(out, "title", cite->title);
        break;
    case LLM_CITE_DOCUMENT:
        llm_put_text_member(out, "document_title", cite->title);
        break;
    case LLM_CITE_FILE:
        llm_put_text_member(out, "container_id", cite->container);
        llm_put_text_member(out, "file_id", cite->id);
        llm_put_text_member(out, "filename", cite->title);
        llm_put_place(out, "index", cite->from);
        break;
    }
    put_text(out, "cited_text", cite->quote, 0);
    llm_cite_put_source(out, cite, 0);
    llm_cite_put_said(out, cite, 0);
    llm_buf_putc(out, '}');
}

int llm_cites_put_forms(llm_buf_t *out, const llm_part_t *part,
                        int (*is_wanted)(const llm_cite_t *cite))
{
    const llm_cite_t *cite;
    int count = 0;

    for (; part; part = part->next) {
        for (cite = part->citations; cite; cite = cite->next) {
            if (is_wanted && !is_wanted(cite)) {
                continue;
            }
            if (!count++) {
                llm_put_name(out, "citations");
                llm_buf_putc(out, '[');
            }
            llm_cite_put_form(out, cite);
        }
    }
    llm_buf_puts(out, count ? "]" : "");
    return count;
}

/* ---- reading ---- */

void llm_cite_take_source(llm_cite_t *cite, const llm_json_t *node, int camel)
{
    llm_text_t id = llm_json_text(want(node, "document_id", camel));
    const llm_cite_form_t *form = forms;

    if (id.len) {
        cite->id = id;
    }
    cite->number = llm_cite_place(want(
        node,
        cite->kind == LLM_CITE_URL ? "search_result_index" : "document_index",
        camel));
    while (form->type
           && (!want(node, form->from, camel)
               || (cite->kind == LLM_CITE_URL) != !strcmp(form->unit, "result")
               || (cite->kind == LLM_CITE_URL && cite->number < 0))) {
        ++form;
    }
    if (form->type) {
        cite->unit = form->unit;
        cite->from = llm_cite_place(want(node, form->from, camel));
        cite->to = llm_cite_place(want(node, form->to, camel));
    }
}

void llm_cite_take_said(llm_cite_t *cite, const llm_json_t *node, int camel)
{
    llm_text_t said = llm_json_text(want(node, "text", camel));
    apr_int64_t end = llm_cite_place(want(node, "end_index", camel));

    if (end > 0) { /* servers without places say 0 twice */
        cite->start = llm_cite_place(want(node, "start_index", camel));
        cite->end = end;
    }
    if (said.len) {
        cite->said = said;
    }
}

/* One of the forms above; 0 where it is none. */
static int read_document(llm_cites_t *cites, const llm_json_t *node,
                         const llm_json_t *type, apr_pool_t *pool)
{
    const llm_cite_form_t *form = llm_cite_form_named(type);
    int is_result = form && !strcmp(form->unit, "result");
    llm_cite_t *cite;

    if (!form && !llm_json_equals(type, WHOLE)) {
        return 0;
    }
    cite = llm_cites_add(cites, is_result ? LLM_CITE_URL : LLM_CITE_DOCUMENT,
                         pool);
    cite->url = llm_json_text(llm_json_want(node, "source"));
    cite->title = llm_json_text(
        llm_json_want(node, is_result ? "title" : "document_title"));
    cite->id = llm_json_text(llm_json_want(node, "file_id"));
    cite->quote = llm_json_text(llm_json_want(node, "cited_text"));
    llm_cite_take_source(cite, node, 0);
    if (form) {
        cite->unit = form->unit;
    }
    llm_cite_take_said(cite, node, 0);
    return 1;
}

int llm_cite_read_form(llm_cites_t *cites, const llm_json_t *node,
                       apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(node, "type");
    llm_text_t url = node->type == LLM_JSON_STRING
                         ? llm_json_text(node)
                         : llm_json_text(llm_json_want(node, "url"));
    llm_cite_t *cite;

    if (read_document(cites, node, type, pool)) {
        return 1;
    }
    if (!url.len) {
        return 0;
    }
    cite = llm_cites_add(cites, LLM_CITE_URL, pool);
    cite->url = url;
    cite->title = llm_json_text(llm_json_want(node, "title"));
    cite->quote = llm_json_text(llm_json_want(node, "cited_text"));
    if (!cite->quote.data) { /* Perplexity's, Azure's */
        cite->quote = llm_json_text(llm_json_want(node, "snippet"));
    }
    if (!cite->quote.data) {
        cite->quote = llm_json_text(llm_json_want(node, "content"));
    }
    llm_cite_take_said(cite, node, 0);
    return 1;
}
