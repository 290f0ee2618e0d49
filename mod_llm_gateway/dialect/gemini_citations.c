/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Google's answers are grounded on: groundingChunks are the sources,
 * groundingSupports say which of them a segment of the text is taken from.
 * Segments are counted in bytes of UTF-8. citationMetadata has addresses of
 * what the model recites. Of a stream the last chunk has all of it.
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#define GROUNDS_MAX   256
#define GROUNDS_BYTES 262144 /* of each of the two lists */

static const llm_json_t *list_of(const llm_json_t *node)
{
    return llm_json_is(node, LLM_JSON_ARRAY) ? node->child : NULL;
}

/* ---- reading ---- */

static apr_int64_t char_at(const llm_gemini_said_t *said, apr_int64_t byte)
{
    return said->ruler ? llm_ruler_char(said->ruler, byte)
                       : llm_char_of_byte(said->parts, byte);
}

static apr_int64_t number_in(const llm_json_t *object, const char *name)
{
    return llm_cite_place(llm_gemini_want(object, name));
}

/* Bytes of the texts before the part that a segment counts from. */
static apr_int64_t before_part(const llm_json_t *candidate, apr_int64_t number)
{
    const llm_json_t *part =
        list_of(llm_json_path(candidate, "content", "parts", NULL));
    llm_extent_t extent = {0, 0};

    for (; part && number > 0; part = part->next, --number) {
        if (!llm_json_is_true(llm_json_get(part, "thought"))) {
            llm_extent_add(&extent, llm_json_text(llm_json_get(part, "text")));
        }
    }
    return extent.bytes;
}

static void set_place(llm_cite_t *cite, const llm_gemini_said_t *said,
                      apr_int64_t start, apr_int64_t end)
{
    if (end > 0) { /* protobuf leaves a start of 0 out */
        cite->start = char_at(said, start < 0 ? 0 : start);
        cite->end = char_at(said, end);
    }
}

/* What Vertex tells of a passage: its words, and pages from first to last. */
static void take_passage(llm_cite_t *cite, const llm_json_t *passage)
{
    const llm_json_t *span = llm_gemini_want(passage, "pageSpan");
    apr_int64_t last = number_in(span, "lastPage");

    if (!cite->quote.data) {
        cite->quote = llm_json_text(llm_json_want(passage, "text"));
    }
    if (last >= 0 && cite->kind == LLM_CITE_DOCUMENT) {
        cite->unit = "page";
        cite->from = number_in(span, "firstPage");
        cite->to = last + 1;
    }
}

static llm_cite_t *add_source(llm_cites_t *cites, const llm_json_t *chunk,
                              apr_pool_t *pool)
{
    const llm_json_t *web = llm_json_want(chunk, "web");
    const llm_json_t *kept = llm_gemini_want(chunk, "retrievedContext");
    llm_text_t url;
    llm_cite_t *cite;

    if (!web) {
        web = kept ? kept : llm_json_want(chunk, "maps");
    }
    url = llm_json_text(llm_json_get(web, "uri"));
    if (!llm_json_is(web, LLM_JSON_OBJECT)) {
        return NULL;
    }
    cite =
        llm_cites_add(cites, url.len ? LLM_CITE_URL : LLM_CITE_DOCUMENT, pool);
    cite->url = url;
    cite->title = llm_json_text(llm_json_want(web, "title"));
    cite->quote = llm_json_text(llm_json_want(web, "text"));
    cite->id = llm_json_text(llm_gemini_want(web, "documentName"));
    llm_cite_take_source(cite, web, 1);
    take_passage(cite, llm_gemini_want(web, "ragChunk"));
    return cite;
}

static void read_support(llm_cites_t *cites, const llm_json_t *candidate,
                         const llm_json_t *chunks, const llm_json_t *support,
                         const llm_gemini_said_t *said, apr_pool_t *pool)
{
    const llm_json_t *segment = llm_json_want(support, "segment");
    const llm_json_t *index =
        list_of(llm_gemini_want(support, "groundingChunkIndices"));
    apr_int64_t number = number_in(segment, "partIndex");
    apr_int64_t base = number > 0 ? before_part(candidate, number) : 0;
    apr_int64_t start = number_in(segment, "startIndex");
    apr_int64_t end = number_in(segment, "endIndex");

    for (; index; index = index->next) {
        apr_int64_t at = llm_cite_place(index);
        llm_cite_t *cite =
            at < 0 ? NULL
                   : add_source(cites, llm_json_at(chunks, (unsigned)at), pool);

        if (cite) {
            cite->said = llm_json_text(llm_json_get(segment, "text"));
            set_place(cite, said, base + (start < 0 ? 0 : start),
                      end < 0 ? -1 : base + end);
        }
    }
}

static void read_recited(llm_cites_t *cites, const llm_json_t *candidate,
                         const llm_gemini_said_t *said, apr_pool_t *pool)
{
    const llm_json_t *data = llm_gemini_want(candidate, "citationMetadata");
    const llm_json_t *node = list_of(llm_gemini_want(data, "citationSources"));

    if (!node) {
        node = list_of(llm_json_want(data, "citations"));
    }
    for (; node; node = node->next) {
        llm_text_t url = llm_json_text(llm_json_get(node, "uri"));

        if (url.len) {
            llm_cite_t *cite = llm_cites_add(cites, LLM_CITE_URL, pool);

            cite->url = url;
            cite->title = llm_json_text(llm_json_get(node, "title"));
            set_place(cite, said, number_in(node, "startIndex"),
                      number_in(node, "endIndex"));
        }
    }
}

void llm_gemini_read_cites(llm_cites_t *cites, const llm_json_t *candidate,
                           const llm_gemini_said_t *said, apr_pool_t *pool)
{
    const llm_json_t *data = llm_gemini_want(candidate, "groundingMetadata");
    const llm_json_t *chunks = llm_gemini_want(data, "groundingChunks");
    const llm_json_t *node =
        list_of(llm_gemini_want(data, "groundingSupports"));

    for (; node; node = node->next) {
        read_support(cites, candidate, chunks, node, said, pool);
    }
    if (!cites->first) {
        for (node = list_of(chunks); node; node = node->next) {
            add_source(cites, node, pool);
        }
    }
    read_recited(cites, candidate, said, pool);
}

/* ---- writing ---- */

/* The words are a member of what is no page of the web; of one, and of where
 * in a document they stand, what is told is added. */
static void put_source(llm_buf_t *out, const llm_cite_t *cite)
{
    llm_buf_puts(out, cite->kind == LLM_CITE_URL ? "{\"web\":{"
                                                 : "{\"retrievedContext\":{");
    llm_put_text_member(out, "uri", cite->url);
    llm_put_text_member(out, "title",
                        cite->title.data ? cite->title : cite->id);
    if (cite->quote.len) {
        llm_put_text_member(out, "text", cite->quote);
    }
    if (cite->kind == LLM_CITE_FILE) {
        llm_put_text_member(out, "documentName", cite->id);
    }
    llm_cite_put_source(out, cite, 1);
    if (cite->kind == LLM_CITE_DOCUMENT && cite->unit
        && !strcmp(cite->unit, "page") && cite->to > cite->from) {
        llm_buf_lit(out, ",\"ragChunk\":{\"pageSpan\":{");
        llm_put_int_member(out, "firstPage", cite->from);
        llm_put_int_member(out, "lastPage", cite->to - 1);
        llm_buf_lit(out, "}}");
    }
    llm_buf_lit(out, "}}");
}

void llm_gemini_ground(llm_grounding_t *grounding, const llm_cite_t *cite,
                       apr_int64_t start, apr_int64_t end, apr_pool_t *pool)
{
    llm_buf_t *out;

    if (grounding->count >= GROUNDS_MAX
        || (grounding->count
            && (grounding->chunks->len > GROUNDS_BYTES
                || grounding->supports->len > GROUNDS_BYTES))
        || (cite->kind == LLM_CITE_URL && !cite->url.data)) {
        return;
    }
    if (!grounding->count) {
        grounding->chunks = llm_buf_make(0, pool);
        grounding->supports = llm_buf_make(0, pool);
    }
    out = grounding->chunks;
    if (grounding->count) {
        llm_buf_putc(out, ',');
    }
    put_source(out, cite);
    if (end > 0 || cite->said.data) {
        out = grounding->supports;
        if (out->len) {
            llm_buf_putc(out, ',');
        }
        llm_buf_lit(out, "{\"segment\":{");
        llm_put_place(out, "startIndex", start);
        llm_put_place(out, "endIndex", end);
        llm_put_text_member(out, "text", cite->said);
        llm_buf_lit(out, "},\"groundingChunkIndices\":[");
        llm_buf_put_int(out, grounding->count);
        llm_buf_lit(out, "]}");
    }
    ++grounding->count;
}

void llm_gemini_put_grounding(llm_buf_t *out, const llm_grounding_t *grounding)
{
    if (!grounding->count) {
        return;
    }
    llm_put_name(out, "groundingMetadata");
    llm_buf_lit(out, "{\"groundingChunks\":[");
    llm_buf_append(out, grounding->chunks->data, grounding->chunks->len);
    llm_buf_lit(out, "],\"groundingSupports\":[");
    llm_buf_append(out, grounding->supports->data, grounding->supports->len);
    llm_buf_lit(out, "]}");
}
