/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask's turns become `system` and `messages` of a Converse request.
 *
 * Who speaks when is in sides.c, the blocks are here. Texts of blanks only,
 * which Bedrock refuses, are left out. Media go by
 * value: an address is not fetched here, and by Bedrock neither. Thinking goes
 * back with the signature it came with, and without one it is left out, which
 * is told.
 */
#include "dialect/bedrock_internal.h"
#include "dialect/sides.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define ID_MAX 64

typedef struct place_t {
    llm_buf_t *out;
    llm_request_t *req;
    int caches;     /* the model takes cache points */
    int is_mistral; /* whose ids are nine letters and digits */
    llm_sides_t sides;
    int calls;     /* calls without an id so far */
    int results;   /* results that name no call so far */
    int documents; /* so far: their names have to differ */
    apr_pool_t *pool;
} place_t;

static llm_problem_t *cannot(const place_t *place, const char *what)
{
    return llm_sides_cannot(&place->sides, what, place->pool);
}

/* The k-th result without an id answers the k-th call without one. */
static const char *id_of(const place_t *place, const char *id, int number)
{
    if (!id) {
        id = llm_call_id_make("tooluse_", "", number, place->pool);
    }
    if (place->is_mistral) {
        return llm_call_id_fit(id, "", "", 9, 1, place->pool);
    }
    return llm_call_id_fit(id, "tooluse_", "_.:-", ID_MAX, 0, place->pool);
}

/* ---- media ---- */

static const llm_word_t images[] = {
    {"image/png", 0}, {"image/jpeg", 1}, {"image/jpg", 1},
    {"image/gif", 2}, {"image/webp", 3}, {NULL, 0},
};
static const char *const image_formats[] = {"png", "jpeg", "gif", "webp"};

static const llm_word_t documents[] = {
    {"application/pdf", 0},
    {"text/csv", 1},
    {"application/msword", 2},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
     3},
    {"application/vnd.ms-excel", 4},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 5},
    {"text/html", 6},
    {"text/plain", 7},
    {"text/markdown", 8},
    {NULL, 0},
};
static const char *const document_formats[] = {
    "pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md",
};

const char *llm_bedrock_document_type(llm_text_t format)
{
    int i, count = sizeof(document_formats) / sizeof(*document_formats);

    for (i = 0; i < count; ++i) {
        if (llm_text_equals(format, document_formats[i])) {
            return llm_word_of(documents, i);
        }
    }
    return NULL;
}

/* Number of the media type among `words`; -1 where it is none of them. */
static int format_of(const llm_word_t *words, const char *type)
{
    apr_size_t len = strcspn(type, "; ");

    for (; words->word; ++words) {
        if (strlen(words->word) == len
            && !strncasecmp(words->word, type, len)) {
            return words->value;
        }
    }
    return -1;
}

const char *llm_bedrock_image_format(const llm_media_t *media)
{
    int format = media->base64.data && media->media_type
                     ? format_of(images, media->media_type)
                     : -1;

    return format < 0 ? NULL : image_formats[format];
}

/* Clients were seen to put an address where the bytes belong. */
static int is_base64(llm_text_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; ++i) {
        if (!apr_isalnum(text.data[i]) && !strchr("+/=\\", text.data[i])) {
            return 0;
        }
    }
    return text.len > 0;
}

static void put_bytes(const place_t *place, const llm_media_t *media)
{
    llm_put_name(place->out, "source");
    llm_buf_putc(place->out, '{');
    llm_put_text_member(place->out, "bytes", media->base64);
    llm_buf_putc(place->out, '}');
}

static llm_problem_t *put_image(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    int format =
        format_of(images, media->media_type ? media->media_type : "image/png");

    if (!is_base64(media->base64)) {
        return cannot(place, media->file_id.data ? ".file_id" : ".image_url");
    }
    if (format < 0) {
        return cannot(place, ".media_type");
    }
    if (media->detail.data && !llm_text_equals(media->detail, "auto")) {
        llm_request_drop(place->req, "messages.content.image_url.detail");
    }
    llm_put_comma(place->out);
    llm_buf_lit(place->out, "{\"image\":{");
    llm_put_string_member(place->out, "format", image_formats[format]);
    put_bytes(place, media);
    llm_buf_lit(place->out, "}}");
    return NULL;
}

/* Bedrock wants one for each document: letters, digits, brackets, dashes and
 * single blanks. The file's name without its ending, and a number from the
 * second on. */
static const char *name_of(place_t *place, llm_text_t filename)
{
    const char *name =
        filename.data ? llm_text_string(filename, place->pool) : "document";
    const char *end = strrchr(name, '.');
    apr_size_t len =
        end && end > name ? (apr_size_t)(end - name) : strlen(name);
    char *fit = apr_pstrmemdup(place->pool, name, len), *to = fit, *at;

    for (at = fit; *at && to - fit < 180; ++at) {
        char c = apr_isalnum(*at) || strchr("-()[]", *at) ? *at : ' ';

        if (c != ' ' || (to > fit && to[-1] != ' ')) {
            *to++ = c;
        }
    }
    while (to > fit && to[-1] == ' ') {
        --to;
    }
    *to = '\0';
    if (!*fit) {
        fit = apr_pstrdup(place->pool, "document");
    }
    return place->documents++
               ? apr_psprintf(place->pool, "%s (%d)", fit, place->documents)
               : fit;
}

static void put_texts(const place_t *place, const llm_part_t *text)
{
    llm_put_name(place->out, "content");
    llm_buf_putc(place->out, '[');
    for (; text; text = text->next) {
        llm_put_comma(place->out);
        llm_buf_putc(place->out, '{');
        llm_put_needed_text(place->out, "text", text->text);
        llm_buf_putc(place->out, '}');
    }
    llm_buf_putc(place->out, ']');
}

static void end_document(const place_t *place, const llm_media_t *media)
{
    if (media->cited) {
        llm_buf_lit(place->out, ",\"citations\":{\"enabled\":true}");
    }
    llm_buf_lit(place->out, "}}");
}

/* One that is given as text, or what a search of the client's found. */
static void put_given(place_t *place, const llm_media_t *media)
{
    llm_buf_t *out = place->out;

    llm_put_comma(out);
    if (media->source.data) {
        llm_buf_lit(out, "{\"searchResult\":{");
        llm_put_text_member(out, "source", media->source);
        llm_put_text_member(out, "title",
                            media->filename.data ? media->filename
                                                 : media->source);
        put_texts(place, media->texts);
    }
    else {
        llm_buf_lit(out, "{\"document\":{\"format\":\"txt\"");
        llm_put_string_member(out, "name", name_of(place, media->filename));
        llm_put_name(out, "source");
        llm_buf_putc(out, '{');
        if (media->in_blocks) {
            put_texts(place, media->texts);
        }
        else {
            llm_put_text_member(out, "text", media->texts->text);
        }
        llm_buf_putc(out, '}');
    }
    end_document(place, media);
}

static llm_problem_t *put_document(place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    int format = format_of(documents, media->media_type ? media->media_type
                                                        : "application/pdf");

    if (media->texts) {
        put_given(place, media);
        return NULL;
    }
    if (!is_base64(media->base64)) {
        return cannot(place, media->file_id.data ? ".file_id" : ".file");
    }
    if (format < 0) {
        return cannot(place, ".media_type");
    }
    llm_put_comma(place->out);
    llm_buf_lit(place->out, "{\"document\":{");
    llm_put_string_member(place->out, "format", document_formats[format]);
    llm_put_string_member(place->out, "name", name_of(place, media->filename));
    put_bytes(place, media);
    end_document(place, media);
    return NULL;
}

/* ---- blocks ---- */

static void put_text(const place_t *place, llm_text_t text)
{
    if (!llm_text_is_blank(text)) {
        llm_put_comma(place->out);
        llm_buf_putc(place->out, '{');
        llm_put_text_member(place->out, "text", text);
        llm_buf_putc(place->out, '}');
    }
}

static void put_thinking(const place_t *place, const llm_part_t *part)
{
    llm_buf_t *out = place->out;

    if (part->kind == LLM_PART_THINKING && llm_text_is_empty(part->signature)) {
        llm_request_drop(place->req, "messages.reasoning_content");
        return;
    }
    llm_put_comma(out);
    llm_buf_lit(out, "{\"reasoningContent\":{");
    if (part->kind == LLM_PART_REDACTED) {
        llm_put_text_member(out, "redactedContent",
                            llm_bedrock_wrap(part->text, place->pool));
    }
    else {
        llm_buf_lit(out, "\"reasoningText\":{");
        llm_put_needed_text(out, "text", part->text);
        llm_put_text_member(out, "signature", part->signature);
        llm_buf_putc(out, '}');
    }
    llm_buf_lit(out, "}}");
}

static void put_call(place_t *place, const llm_part_t *part)
{
    const llm_call_t *call = part->call;
    llm_buf_t *out = place->out;

    llm_put_comma(out);
    llm_buf_lit(out, "{\"toolUse\":{");
    llm_put_string_member(
        out, "toolUseId",
        id_of(place, call->id, call->id ? 0 : place->calls++));
    llm_put_needed_text(out, "name", call->name);
    llm_put_name(out, "input");
    llm_buf_append(out, call->args.data, call->args.len);
    llm_buf_lit(out, "}}");
}

static llm_problem_t *put_result(place_t *place, const llm_part_t *part)
{
    const llm_part_t *inner = part->result;
    llm_problem_t *problem = NULL;
    llm_buf_t *out = place->out;

    llm_put_comma(out);
    llm_buf_lit(out, "{\"toolResult\":{");
    llm_put_string_member(
        out, "toolUseId",
        id_of(place, part->result_of, part->result_of ? 0 : place->results++));
    llm_buf_lit(out, ",\"content\":[");
    for (; inner && !problem; inner = inner->next) {
        switch (inner->kind) {
        case LLM_PART_TEXT:
            put_text(place, inner->text);
            break;
        case LLM_PART_IMAGE:
            problem = put_image(place, inner);
            break;
        case LLM_PART_FILE:
            problem = put_document(place, inner);
            break;
        default:
            problem = cannot(place, "");
            break;
        }
    }
    llm_buf_putc(out, ']');
    if (part->is_error) {
        llm_put_string_member(out, "status", "error");
    }
    llm_buf_lit(out, "}}");
    return problem;
}

static llm_problem_t *put_part(place_t *place, const llm_part_t *part)
{
    switch (part->kind) {
    case LLM_PART_TEXT:
    case LLM_PART_REFUSAL:
        put_text(place, part->text);
        return NULL;
    case LLM_PART_IMAGE:
        return put_image(place, part);
    case LLM_PART_FILE:
        return put_document(place, part);
    case LLM_PART_THINKING:
    case LLM_PART_REDACTED:
        put_thinking(place, part);
        return NULL;
    case LLM_PART_TOOL_CALL:
        put_call(place, part);
        return NULL;
    case LLM_PART_TOOL_RESULT:
        return put_result(place, part);
    case LLM_PART_AUDIO:
        return cannot(place, ".input_audio");
    case LLM_PART_PROVIDER:
        break;
    }
    return cannot(place, "");
}

/* The part and, where something of it was put, the cache point behind it. */
static llm_problem_t *put_block(place_t *place, const llm_part_t *part)
{
    apr_size_t before = place->out->len;
    llm_problem_t *problem = put_part(place, part);

    if (part->citations) {
        llm_request_drop(place->req, "messages.content.citations");
    }
    if (place->out->len > before) {
        llm_bedrock_put_cache(place->out, place->req, part->cache,
                              place->caches);
    }
    return problem;
}

/* ---- messages ---- */

static llm_problem_t *put(void *baton, const llm_part_t *part)
{
    return put_block(baton, part);
}

llm_problem_t *llm_bedrock_put_messages(llm_buf_t *out, llm_request_t *req,
                                        const llm_ask_t *ask, const char *model,
                                        apr_pool_t *pool)
{
    place_t place = {.out = out,
                     .req = req,
                     .pool = pool,
                     .caches = llm_bedrock_caches(model),
                     .is_mistral = strstr(model, "mistral.") != NULL};

    place.sides = (llm_sides_t){
        .out = out,
        .req = req,
        .dialect = LLM_BEDROCK_NAME,
        .put = put,
        .baton = &place,
        .opening = "{\"role\":\"user\",\"content\":[{\"text\":\".\"}]}",
    };
    return llm_sides_put(&place.sides, ask->turns, pool);
}
