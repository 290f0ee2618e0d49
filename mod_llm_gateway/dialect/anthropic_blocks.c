/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `system` and `messages` of a client's request become turns.
 *
 * A block becomes a part. A document given as text is text, its title and
 * context before it: no other dialect has a place for these. One that shall be
 * cited stays a document, documents.c. Blocks that only
 * Anthropic's own servers understand (server tools and their results) stay as
 * they are, for the provider's dialect to refuse.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/documents.h"
#include "dialect/sides.h"

#include <apr_strings.h>

/* Where in the request we are. */
typedef struct place_t {
    llm_ask_t *ask;
    int message; /* -1: in `system` */
    int block;   /* -1: not in a list */
    apr_pool_t *pool;
} place_t;

static const char *path_of(const place_t *place, const char *rest)
{
    const char *path = "system";

    if (place->message >= 0) {
        path = apr_psprintf(place->pool, "messages[%d]", place->message);
    }
    if (place->block >= 0) {
        path =
            apr_psprintf(place->pool, "%s%s[%d]", path,
                         place->message >= 0 ? ".content" : "", place->block);
    }
    return apr_pstrcat(place->pool, path, rest, NULL);
}

static llm_problem_t *wrong(const place_t *place, const char *rest,
                            const char *what)
{
    return llm_problem_field(place->pool, path_of(place, rest), "expected %s",
                             what);
}

static void note_others(const place_t *place, const llm_json_t *object,
                        const char *const *known, const char *rest)
{
    if (llm_json_has_others(object, known)) {
        llm_ask_add_unknowns(place->ask, object, known, path_of(place, rest),
                             place->pool);
    }
}

/* ---- blocks ---- */

typedef llm_problem_t *read_block_fn(const place_t *place, llm_parts_t *parts,
                                     const llm_json_t *node);

static llm_problem_t *read_list(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *list);

static llm_problem_t *read_text(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"type", "text", "cache_control",
                                        "citations", NULL};
    const llm_json_t *citations = llm_json_want(node, "citations");
    llm_text_t text = llm_json_text(llm_json_get(node, "text"));

    if (!text.data) {
        return wrong(place, ".text", "a string");
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, text, place->pool);
    if (citations && citations->count) {
        llm_ask_add_unknown(place->ask, citations, path_of(place, ""),
                            place->pool);
    }
    note_others(place, node, known, "");
    return NULL;
}

/* A source of bytes. Returns 0 where it is none of base64, url and file. */
static int read_source(llm_media_t *media, const llm_json_t *source,
                       apr_pool_t *pool)
{
    media->media_type =
        llm_json_string(llm_json_want(source, "media_type"), pool);
    media->base64 = llm_json_text(llm_json_want(source, "data"));
    media->url = llm_json_text(llm_json_want(source, "url"));
    media->file_id = llm_json_text(llm_json_want(source, "file_id"));
    return media->base64.data || media->url.data || media->file_id.data;
}

static llm_problem_t *read_image(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    static const char *const known[] = {"type", "source", "cache_control",
                                        NULL};
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));

    if (!read_source(media, llm_json_get(node, "source"), place->pool)) {
        return wrong(place, ".source", "base64 data, an address or a file");
    }
    llm_parts_add(parts, LLM_PART_IMAGE, place->pool)->media = media;
    note_others(place, node, known, "");
    return NULL;
}

/* Title and context of a document that is given as text. */
static void add_heading(const place_t *place, llm_parts_t *parts,
                        const llm_json_t *node, const char *name)
{
    llm_text_t text = llm_json_text(llm_json_want(node, name));

    if (!llm_text_is_empty(text)) {
        llm_parts_add_text(parts, LLM_PART_TEXT, text, place->pool);
    }
}

/* Shall the answer cite it? */
static int is_cited(const llm_json_t *node)
{
    return llm_json_is_true(
        llm_json_get(llm_json_want(node, "citations"), "enabled"));
}

/* A document of texts alone stays one, to be cited; of anything else, as none
 * is, it becomes what it holds. */
static llm_problem_t *read_cited(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node,
                                 const llm_json_t *content, llm_text_t source)
{
    llm_parts_t inner = {NULL, NULL};
    llm_problem_t *problem = read_list(place, &inner, content);
    const llm_part_t *part = inner.first;
    llm_media_t *media;

    while (part && part->kind == LLM_PART_TEXT) {
        part = part->next;
    }
    if (problem || !inner.first) {
        return problem;
    }
    if (part) {
        add_heading(place, parts, node, "title");
        add_heading(place, parts, node, source.data ? "source" : "context");
        llm_ask_add_unknown(place->ask, llm_json_want(node, "citations"),
                            path_of(place, ""), place->pool);
        return read_list(place, parts, content);
    }
    if (!source.data) {
        add_heading(place, parts, node, "context");
    }
    media = llm_parts_add_document(place->ask, parts, inner.first, place->pool);
    media->in_blocks = content->type == LLM_JSON_ARRAY;
    media->filename = llm_json_text(llm_json_want(node, "title"));
    media->source = source;
    media->cited = 1;
    return NULL;
}

static llm_problem_t *read_document(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    static const char *const known[] = {"type",  "source",  "cache_control",
                                        "title", "context", "citations",
                                        NULL};
    const llm_json_t *source = llm_json_get(node, "source");
    const llm_json_t *type = llm_json_get(source, "type");
    const llm_json_t *content = llm_json_want(source, "content");
    llm_media_t *media;

    note_others(place, node, known, "");
    if (llm_json_equals(type, "text") || content) {
        if (!content) {
            content = llm_json_get(source, "data");
        }
        if (is_cited(node)) {
            return read_cited(place, parts, node, content, LLM_TEXT_NONE);
        }
        add_heading(place, parts, node, "title");
        add_heading(place, parts, node, "context");
        return read_list(place, parts, content);
    }
    media = apr_pcalloc(place->pool, sizeof(*media));
    if (!read_source(media, source, place->pool)) {
        return wrong(place, ".source", "base64 data, an address or a file");
    }
    add_heading(place, parts, node, "context");
    media->filename = llm_json_text(llm_json_want(node, "title"));
    llm_parts_add(parts, LLM_PART_FILE, place->pool)->media = media;
    if (is_cited(node)) {
        media->cited = place->ask->documents = 1;
    }
    return NULL;
}

/* What the client found: its texts, behind where they are from. */
static llm_problem_t *read_found(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    static const char *const known[] = {"type",    "source",        "title",
                                        "content", "cache_control", "citations",
                                        NULL};
    llm_text_t source = llm_json_text(llm_json_want(node, "source"));

    note_others(place, node, known, "");
    if (is_cited(node) && source.len
        && llm_json_is(llm_json_get(node, "content"), LLM_JSON_ARRAY)) {
        return read_cited(place, parts, node, llm_json_get(node, "content"),
                          source);
    }
    add_heading(place, parts, node, "title");
    add_heading(place, parts, node, "source");
    return read_list(place, parts, llm_json_get(node, "content"));
}

/* A tool that a client's search for tools found: by its name. */
static llm_problem_t *read_reference(const place_t *place, llm_parts_t *parts,
                                     const llm_json_t *node)
{
    static const char *const known[] = {"type", "tool_name", "cache_control",
                                        NULL};
    llm_text_t name = llm_json_text(llm_json_get(node, "tool_name"));

    if (llm_text_is_empty(name)) {
        return wrong(place, ".tool_name", "a name");
    }
    note_others(place, node, known, "");
    llm_parts_add_text(parts, LLM_PART_TEXT, name, place->pool);
    return NULL;
}

static llm_problem_t *read_thinking(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    llm_text_t text = llm_json_text(llm_json_get(node, "thinking"));
    llm_text_t signature = llm_json_text(llm_json_get(node, "signature"));
    llm_part_t *part;

    if (!text.data) {
        return wrong(place, ".thinking", "a string");
    }
    part = llm_parts_add_text(parts, LLM_PART_THINKING, text, place->pool);
    part->signature = llm_text_is_empty(signature) ? LLM_TEXT_NONE : signature;
    return NULL;
}

static llm_problem_t *read_redacted(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    llm_text_t data = llm_json_text(llm_json_get(node, "data"));

    if (!data.data) {
        return wrong(place, ".data", "a string");
    }
    llm_parts_add_text(parts, LLM_PART_REDACTED, data, place->pool);
    return NULL;
}

static llm_problem_t *read_call(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"type",          "id", "name", "input",
                                        "cache_control", NULL};
    const char *id = llm_json_string(llm_json_get(node, "id"), place->pool);
    llm_text_t name = llm_json_text(llm_json_get(node, "name"));
    const llm_json_t *input = llm_json_want(node, "input");

    if (!id || !*id) {
        return wrong(place, ".id", "a string");
    }
    if (llm_text_is_empty(name)) {
        return wrong(place, ".name", "a name");
    }
    if (input && input->type != LLM_JSON_OBJECT) {
        return wrong(place, ".input", "an object");
    }
    llm_parts_add_call(parts, id, name, llm_args_from_json(input), NULL,
                       place->pool);
    note_others(place, node, known, "");
    return NULL;
}

static llm_problem_t *read_result(const place_t *place, llm_parts_t *parts,
                                  const llm_json_t *node)
{
    static const char *const known[] = {"type",     "tool_use_id",   "content",
                                        "is_error", "cache_control", NULL};
    const llm_json_t *content = llm_json_want(node, "content");
    llm_part_t *part = llm_parts_add(parts, LLM_PART_TOOL_RESULT, place->pool);
    llm_parts_t inner = {NULL, NULL};
    llm_problem_t *problem = NULL;

    part->result_of =
        llm_json_string(llm_json_get(node, "tool_use_id"), place->pool);
    if (!part->result_of || !*part->result_of) {
        return wrong(place, ".tool_use_id", "a string");
    }
    if (content) {
        problem = read_list(place, &inner, content);
    }
    part->result = inner.first;
    part->is_error = llm_json_is_true(llm_json_get(node, "is_error"));
    note_others(place, node, known, "");
    return problem;
}

static const struct {
    const char *type;
    read_block_fn *read;
} types[] = {
    {"text", read_text},
    {"tool_use", read_call},
    {"tool_result", read_result},
    {"image", read_image},
    {"thinking", read_thinking},
    {"search_result", read_found},
    {"tool_reference", read_reference},
    {"redacted_thinking", read_redacted},
    {"document", read_document},
    {NULL, NULL},
};

static llm_problem_t *read_block(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    const llm_json_t *type = llm_json_get(node, "type");
    int i;

    if (!llm_json_is(type, LLM_JSON_STRING)) {
        return wrong(place, ".type", "a string");
    }
    for (i = 0; types[i].type; ++i) {
        if (llm_json_equals(type, types[i].type)) {
            llm_problem_t *problem = types[i].read(place, parts, node);

            if (!problem && parts->last) {
                parts->last->cache = llm_json_want(node, "cache_control");
            }
            return problem;
        }
    }
    llm_parts_add(parts, LLM_PART_PROVIDER, place->pool)->raw = node;
    return NULL;
}

/* A string or a list of blocks; nested lists go by their outer block's path.
 * The depth is bounded by the JSON reader's. */
static llm_problem_t *read_list(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *list)
{
    llm_problem_t *problem = NULL;
    const llm_json_t *node;
    place_t inner = *place;

    if (llm_json_is(list, LLM_JSON_STRING)) {
        llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(list),
                           place->pool);
        return NULL;
    }
    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return wrong(place, place->message >= 0 ? ".content" : "",
                     "a string or an array of blocks");
    }
    for (node = list->child; node && !problem; node = node->next) {
        if (place->block < 0) {
            ++inner.block;
        }
        problem = read_block(&inner, parts, node);
    }
    return problem;
}

/* ---- messages ---- */

static llm_problem_t *read_said(void *baton, int message, llm_parts_t *parts,
                                const llm_json_t *content)
{
    place_t *place = baton;

    place->message = message;
    return read_list(place, parts, content);
}

llm_problem_t *llm_anthropic_read_messages(llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool)
{
    place_t place = {ask, -1, -1, pool};

    return llm_sides_read(ask, doc, read_said, &place, pool);
}
