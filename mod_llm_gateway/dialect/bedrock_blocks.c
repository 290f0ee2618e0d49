/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `system` and `messages` of a client's Converse request become turns.
 *
 * A block is an object with one member, whose name tells what it is. A cache
 * point is a block of its own: it becomes the mark of the part before it. What
 * a guardrail is to look at is text and pictures to everybody else; the
 * guardrail itself is named outside of the messages. Documents given as text
 * stay documents. Blocks that only Bedrock understands (places in S3, search
 * results) are kept in ask->unknown, for the provider's dialect to refuse.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/documents.h"
#include "dialect/sides.h"

#include <string.h>

#include <apr_base64.h>
#include <apr_strings.h>

/* Where in the request we are. */
typedef struct place_t {
    llm_ask_t *ask;
    int message;      /* -1: in `system` */
    int block;        /* -1: not in a list */
    llm_part_t *last; /* the part put before, in the message before where this
                         one has none; NULL at first */
    apr_pool_t *pool;
} place_t;

static const char *path_of(const place_t *place, const char *rest)
{
    const char *path =
        place->message < 0
            ? "system"
            : apr_psprintf(place->pool, "messages[%d]", place->message);

    if (place->block >= 0) {
        path = apr_psprintf(place->pool, "%s%s[%d]", path,
                            place->message < 0 ? "" : ".content", place->block);
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

/* ---- media ---- */

/* Plain bytes as base64, which needs no escaping. */
static llm_text_t base64_of(llm_bytes_t plain, apr_pool_t *pool)
{
    char *text =
        apr_palloc(pool, (apr_size_t)apr_base64_encode_len((int)plain.len));
    llm_text_t base64 = {text, 0};

    apr_base64_encode(text, plain.data, (int)plain.len);
    base64.len = strlen(text);
    return base64;
}

/* `source` of a picture and the like: bytes, or a place in S3. */
static llm_problem_t *read_source(const place_t *place, llm_media_t *media,
                                  const llm_json_t *node, const char *name)
{
    static const char *const known[] = {"bytes", NULL};
    const llm_json_t *source = llm_json_want(node, "source");
    const char *rest = apr_pstrcat(place->pool, ".", name, ".source", NULL);

    media->base64 = llm_json_text(llm_json_want(source, "bytes"));
    note_others(place, source, known, rest);
    return media->base64.data || (source && source->count)
               ? NULL
               : wrong(place, rest, "bytes");
}

/* A picture, a film or sound, by its format. */
static llm_problem_t *read_media(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node, const char *name,
                                 llm_part_e kind)
{
    static const char *const known[] = {"format", "source", NULL};
    const char *format =
        llm_json_string(llm_json_want(node, "format"), place->pool);
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));
    const char *where = apr_pstrcat(place->pool, ".", name, NULL);

    if (!format || !*format) {
        return wrong(place, apr_pstrcat(place->pool, where, ".format", NULL),
                     "a format");
    }
    media->media_type =
        apr_pstrcat(place->pool, name, "/",
                    strcmp(format, "three_gp") ? format : "3gpp", NULL);
    llm_parts_add(parts, kind, place->pool)->media = media;
    note_others(place, node, known, where);
    return read_source(place, media, node, name);
}

static llm_problem_t *read_image(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    return read_media(place, parts, node, "image", LLM_PART_IMAGE);
}

static llm_problem_t *read_video(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    return read_media(place, parts, node, "video", LLM_PART_FILE);
}

static llm_problem_t *read_audio(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    return read_media(place, parts, node, "audio", LLM_PART_AUDIO);
}

/* The texts of a document that is given in pieces. */
static llm_bytes_t joined(const llm_json_t *list, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);
    const llm_json_t *node = list->child;

    for (; node; node = node->next) {
        llm_bytes_t text =
            llm_text_decode(llm_json_text(llm_json_want(node, "text")), pool);

        llm_buf_append(out, "\n", out->len ? 1 : 0);
        llm_buf_append(out, text.data, text.len);
    }
    return (llm_bytes_t){out->data ? out->data : "", out->len};
}

/* `source` of a document, which may be text. */
static llm_problem_t *read_content(const place_t *place, llm_media_t *media,
                                   const llm_json_t *node)
{
    const llm_json_t *source = llm_json_want(node, "source");
    llm_text_t text = llm_json_text(llm_json_want(source, "text"));
    const llm_json_t *content = llm_json_want(source, "content");

    if (!text.data && !llm_json_is(content, LLM_JSON_ARRAY)) {
        return read_source(place, media, node, "document");
    }
    media->base64 = base64_of(text.data ? llm_text_decode(text, place->pool)
                                        : joined(content, place->pool),
                              place->pool);
    if (!media->media_type) {
        media->media_type = "text/plain";
    }
    return NULL;
}

/* The name with the format as its ending, which other dialects go by. */
static llm_text_t filename_of(const llm_json_t *node, llm_text_t format,
                              apr_pool_t *pool)
{
    llm_text_t name = llm_json_text(llm_json_want(node, "name"));

    if (name.len && format.len) {
        name.data = apr_psprintf(pool, "%.*s.%.*s", (int)name.len, name.data,
                                 (int)format.len, format.data);
        name.len += 1 + format.len;
    }
    return name;
}

static int is_cited(const llm_json_t *node)
{
    return llm_json_is_true(
        llm_json_get(llm_json_want(node, "citations"), "enabled"));
}

/* A list of texts; NULL where it has something else, or nothing. */
static llm_part_t *texts_in(const llm_json_t *list, apr_pool_t *pool)
{
    llm_parts_t texts = {NULL, NULL};
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    for (; node; node = node->next) {
        llm_text_t text = llm_json_text(llm_json_want(node, "text"));

        if (!text.data) {
            return NULL;
        }
        llm_parts_add_text(&texts, LLM_PART_TEXT, text, pool);
    }
    return texts.first;
}

/* A document of texts that shall be cited; 0 where it is none. */
static int add_cited(const place_t *place, llm_parts_t *parts,
                     const llm_json_t *node)
{
    const llm_json_t *source = llm_json_want(node, "source");
    llm_text_t text = llm_json_text(llm_json_want(source, "text"));
    llm_parts_t texts = {NULL, NULL};
    llm_media_t *media;

    if (text.data) {
        llm_parts_add_text(&texts, LLM_PART_TEXT, text, place->pool);
    }
    else {
        texts.first = texts_in(llm_json_want(source, "content"), place->pool);
    }
    if (!is_cited(node) || !texts.first) {
        return 0;
    }
    media = llm_parts_add_document(place->ask, parts, texts.first, place->pool);
    media->in_blocks = !text.data;
    media->filename = llm_json_text(llm_json_want(node, "name"));
    media->cited = 1;
    return 1;
}

/* What the client found: its texts, behind where they are from; to be cited, a
 * document of its own kind. */
static llm_problem_t *read_found(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    static const char *const known[] = {"source", "title", "content",
                                        "citations", NULL};
    llm_part_t *texts = texts_in(llm_json_want(node, "content"), place->pool),
               *text;
    llm_text_t source = llm_json_text(llm_json_want(node, "source"));
    llm_text_t title = llm_json_text(llm_json_want(node, "title"));
    llm_media_t *media;

    if (!texts || !source.len) {
        return wrong(place,
                     texts ? ".searchResult.source" : ".searchResult.content",
                     texts ? "a string" : "a list of texts");
    }
    note_others(place, node, known, ".searchResult");
    if (is_cited(node)) {
        media = llm_parts_add_document(place->ask, parts, texts, place->pool);
        media->in_blocks = media->cited = 1;
        media->source = source;
        media->filename = title;
        return NULL;
    }
    if (title.len) {
        llm_parts_add_text(parts, LLM_PART_TEXT, title, place->pool);
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, source, place->pool);
    for (text = texts; text; text = text->next) {
        llm_parts_add_text(parts, LLM_PART_TEXT, text->text, place->pool);
    }
    return NULL;
}

static llm_problem_t *read_document(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    static const char *const known[] = {"format",  "name",      "source",
                                        "context", "citations", NULL};
    llm_text_t format = llm_json_text(llm_json_want(node, "format"));
    llm_text_t context = llm_json_text(llm_json_want(node, "context"));
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));

    media->media_type = llm_bedrock_document_type(format);
    if (format.data && !media->media_type) {
        return wrong(place, ".document.format",
                     "pdf, csv, doc, docx, xls, xlsx, html, txt or md");
    }
    media->filename = filename_of(node, format, place->pool);
    if (context.len) {
        llm_parts_add_text(parts, LLM_PART_TEXT, context, place->pool);
    }
    note_others(place, node, known, ".document");
    if (add_cited(place, parts, node)) {
        return NULL;
    }
    llm_parts_add(parts, LLM_PART_FILE, place->pool)->media = media;
    if (is_cited(node)) {
        media->cited = place->ask->documents = 1;
    }
    return read_content(place, media, node);
}

/* ---- blocks ---- */

static llm_problem_t *read_text(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    if (node->type != LLM_JSON_STRING) {
        return wrong(place, ".text", "a string");
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(node), place->pool);
    return NULL;
}

static llm_problem_t *read_guarded(const place_t *place, llm_parts_t *parts,
                                   const llm_json_t *node)
{
    static const char *const known[] = {"text", NULL};
    const llm_json_t *image = llm_json_want(node, "image");
    const llm_json_t *text = llm_json_path(node, "text", "text", NULL);

    note_others(place, llm_json_want(node, "text"), known,
                ".guardContent.text");
    if (image) {
        return read_image(place, parts, image);
    }
    return llm_json_is(text, LLM_JSON_STRING)
               ? read_text(place, parts, text)
               : wrong(place, ".guardContent", "text or an image");
}

/* The answer's words with what they were taken from. */
static llm_problem_t *read_cited(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    const llm_json_t *list = llm_json_want(node, "content"), *piece;
    const llm_json_t *citations = llm_json_want(node, "citations");

    if (citations && citations->count) {
        llm_ask_add_unknown(place->ask, citations,
                            path_of(place, ".citationsContent"), place->pool);
    }
    for (piece = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL; piece;
         piece = piece->next) {
        llm_text_t text = llm_json_text(llm_json_want(piece, "text"));

        if (text.len) {
            llm_parts_add_text(parts, LLM_PART_TEXT, text, place->pool);
        }
    }
    return NULL;
}

static llm_problem_t *read_thinking(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    const llm_json_t *shown = llm_json_want(node, "reasoningText");
    llm_text_t hidden = llm_json_text(llm_json_want(node, "redactedContent"));
    llm_text_t text = llm_json_text(llm_json_want(shown, "text"));
    llm_text_t signature = llm_json_text(llm_json_want(shown, "signature"));

    if (hidden.data) {
        llm_parts_add_text(parts, LLM_PART_REDACTED,
                           llm_bedrock_unwrap(hidden, place->pool),
                           place->pool);
        return NULL;
    }
    if (!text.data) {
        return wrong(place, ".reasoningContent.reasoningText.text", "a string");
    }
    llm_parts_add_text(parts, LLM_PART_THINKING, text, place->pool)->signature =
        signature.len ? signature : LLM_TEXT_NONE;
    return NULL;
}

static llm_problem_t *read_call(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"toolUseId", "name", "input", NULL};
    const char *id =
        llm_json_string(llm_json_get(node, "toolUseId"), place->pool);
    llm_text_t name = llm_json_text(llm_json_get(node, "name"));
    const llm_json_t *input = llm_json_want(node, "input");

    if (!id || !*id) {
        return wrong(place, ".toolUse.toolUseId", "a string");
    }
    if (llm_text_is_empty(name)) {
        return wrong(place, ".toolUse.name", "a name");
    }
    if (input && input->type != LLM_JSON_OBJECT) {
        return wrong(place, ".toolUse.input", "an object");
    }
    llm_parts_add_call(parts, id, name, llm_args_from_json(input), NULL,
                       place->pool);
    note_others(place, node, known, ".toolUse");
    return NULL;
}

/* A result that is data, as the text it is written in. */
static llm_problem_t *read_json(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    llm_parts_add_text(
        parts, LLM_PART_TEXT,
        llm_text_escape(node->raw.data, node->raw.len, place->pool),
        place->pool);
    return NULL;
}

static llm_problem_t *read_result(const place_t *place, llm_parts_t *parts,
                                  const llm_json_t *node);

/* Of the tables below NULL ends one. */
typedef struct block_t {
    const char *name;
    llm_problem_t *(*read)(const place_t *place, llm_parts_t *parts,
                           const llm_json_t *node);
} block_t;

static const block_t blocks[] = {
    {"text", read_text},
    {"toolUse", read_call},
    {"toolResult", read_result},
    {"image", read_image},
    {"reasoningContent", read_thinking},
    {"document", read_document},
    {"video", read_video},
    {"audio", read_audio},
    {"guardContent", read_guarded},
    {"citationsContent", read_cited},
    {"searchResult", read_found},
    {NULL, NULL},
};

static const block_t results[] = {
    {"text", read_text},   {"json", read_json},
    {"image", read_image}, {"document", read_document},
    {"video", read_video}, {"searchResult", read_found},
    {NULL, NULL},
};

static llm_problem_t *read_block(const place_t *place, const block_t *known,
                                 llm_parts_t *parts, const llm_json_t *node)
{
    if (!llm_json_is(node, LLM_JSON_OBJECT) || !node->count) {
        return wrong(place, "", "an object that says what it is");
    }
    for (; known->name; ++known) {
        const llm_json_t *member = llm_json_want(node, known->name);
        const char *const itself[] = {known->name, NULL};

        if (member) {
            note_others(place, node, itself, "");
            return known->read(place, parts, member);
        }
    }
    llm_ask_add_unknown(place->ask, node->child, path_of(place, ""),
                        place->pool);
    return NULL;
}

static llm_problem_t *read_result(const place_t *place, llm_parts_t *parts,
                                  const llm_json_t *node)
{
    static const char *const known[] = {"toolUseId", "content", "status", NULL};
    const llm_json_t *content = llm_json_want(node, "content"), *at;
    llm_part_t *part = llm_parts_add(parts, LLM_PART_TOOL_RESULT, place->pool);
    llm_parts_t inner = {NULL, NULL};
    llm_problem_t *problem = NULL;

    part->result_of =
        llm_json_string(llm_json_get(node, "toolUseId"), place->pool);
    if (!part->result_of || !*part->result_of) {
        return wrong(place, ".toolResult.toolUseId", "a string");
    }
    if (content && content->type != LLM_JSON_ARRAY) {
        return wrong(place, ".toolResult.content", "an array of blocks");
    }
    for (at = content ? content->child : NULL; at && !problem; at = at->next) {
        problem = read_block(place, results, &inner, at);
    }
    part->result = inner.first;
    part->is_error = llm_json_equals(llm_json_get(node, "status"), "error");
    note_others(place, node, known, ".toolResult");
    return problem;
}

/* ---- cache points ---- */

/* Anthropic's mark, which is everybody's. */
const llm_json_t *llm_bedrock_cache_mark(const llm_json_t *point,
                                         apr_pool_t *pool)
{
    static const char usual[] = "{\"type\":\"ephemeral\"}";
    static const char hour[] = "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}";
    const char *text =
        llm_json_equals(llm_json_get(point, "ttl"), "1h") ? hour : usual;
    const llm_json_t *mark = NULL;

    return llm_json_read(&mark, text, strlen(text), NULL, pool) ? NULL : mark;
}

/* ---- messages ---- */

static llm_problem_t *read_list(place_t *place, llm_parts_t *parts,
                                const llm_json_t *list)
{
    static const char *const itself[] = {"cachePoint", NULL};
    llm_problem_t *problem = NULL;
    const llm_json_t *node;

    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return wrong(place, place->message < 0 ? "" : ".content",
                     "an array of blocks");
    }
    for (node = list->child; node && !problem; node = node->next) {
        const llm_json_t *point = llm_json_want(node, itself[0]);

        ++place->block;
        if (point) {
            note_others(place, node, itself, "");
        }
        if (!point) {
            problem = read_block(place, blocks, parts, node);
            place->last = parts->last ? parts->last : place->last;
        }
        else if (place->last) { /* before everything it keeps nothing */
            place->last->cache = llm_bedrock_cache_mark(point, place->pool);
        }
    }
    place->block = -1;
    return problem;
}

static llm_problem_t *read_said(void *baton, int message, llm_parts_t *parts,
                                const llm_json_t *content)
{
    place_t *place = baton;

    place->message = message;
    return read_list(place, parts, content);
}

llm_problem_t *llm_bedrock_read_messages(llm_ask_t *ask, const llm_json_t *doc,
                                         apr_pool_t *pool)
{
    place_t place = {ask, -1, -1, NULL, pool};

    return llm_sides_read(ask, doc, read_said, &place, pool);
}
