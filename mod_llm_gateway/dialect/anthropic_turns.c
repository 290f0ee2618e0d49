/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask's turns become `system` and `messages` of a Messages request.
 *
 * Who speaks when is in sides.c, the blocks are here. Texts of blanks only,
 * which Anthropic refuses, are left out: there is nothing in them to lose.
 *
 * Thinking goes back only with the signature it came with, and that is of
 * Anthropic's own letters: others' thoughts are left out, which is told.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/sides.h"

#include <string.h>
#include <strings.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define ID_MAX 128

typedef struct place_t {
    llm_buf_t *out;
    llm_request_t *req;
    llm_sides_t sides;
    int calls;   /* calls without an id so far */
    int results; /* results that name no call so far */
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
        return llm_call_id_make("toolu_", "", number, place->pool);
    }
    return llm_call_id_fit(id, "toolu_", "_-", ID_MAX, 0, place->pool);
}

/* ---- what is worth a block ---- */

static int is_own_signature(llm_text_t signature)
{
    apr_size_t i;

    for (i = 0; i < signature.len; ++i) {
        char c = signature.data[i];

        if (!apr_isalnum(c) && !strchr("+/=_-\\", c)) {
            return 0;
        }
    }
    return signature.len > 0;
}

/* Does the part become a block? What does not, though it says something, is
 * told. */
static int is_block(const place_t *place, const llm_part_t *part)
{
    switch (part->kind) {
    case LLM_PART_TEXT:
    case LLM_PART_REFUSAL:
        return !llm_text_is_blank(part->text);
    case LLM_PART_THINKING:
        if (!is_own_signature(part->signature)) {
            llm_request_drop(place->req, "messages.reasoning_content");
            return 0;
        }
        return 1;
    case LLM_PART_REDACTED:
        if (!is_own_signature(part->text)) {
            llm_request_drop(place->req, "messages.reasoning_content");
            return 0;
        }
        return 1;
    default:
        return 1;
    }
}

/* ---- blocks ---- */

static void open_block(const place_t *place, const char *type)
{
    llm_put_comma(place->out);
    llm_buf_putc(place->out, '{');
    llm_put_string_member(place->out, "type", type);
}

static void close_block(const place_t *place, const llm_part_t *part)
{
    llm_put_member(place->out, "cache_control", part->cache);
    llm_buf_putc(place->out, '}');
}

static void put_source(const place_t *place, const llm_media_t *media,
                       const char *otherwise)
{
    llm_buf_t *out = place->out;

    llm_put_name(out, "source");
    llm_buf_putc(out, '{');
    if (media->base64.data) {
        llm_put_string_member(out, "type", "base64");
        llm_put_string_member(out, "media_type",
                              llm_media_type(media, otherwise));
        llm_put_text_member(out, "data", media->base64);
    }
    else {
        llm_put_string_member(out, "type", "url");
        llm_put_text_member(out, "url", media->url);
    }
    llm_buf_putc(out, '}');
}

static llm_problem_t *put_image(const place_t *place, const llm_part_t *part)
{
    if (part->media->file_id.data) {
        return cannot(place, ".file_id");
    }
    if (part->media->detail.data
        && !llm_text_equals(part->media->detail, "auto")) {
        llm_request_drop(place->req, "messages.content.image_url.detail");
    }
    open_block(place, "image");
    put_source(place, part->media, "image/png");
    close_block(place, part);
    return NULL;
}

/* A text file: Anthropic takes it as text, not as base64. */
static llm_problem_t *put_text_source(const place_t *place,
                                      const llm_media_t *media)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";
    llm_bytes_t bytes = llm_text_decode(media->base64, place->pool);
    const char *base64 = apr_pstrmemdup(place->pool, bytes.data, bytes.len);
    apr_size_t used = strspn(base64, letters);
    char *plain;
    int len;

    if (used + strspn(base64 + used, "=") != bytes.len) {
        return llm_problem_field(place->pool,
                                 apr_psprintf(place->pool,
                                              "messages[%d].content",
                                              place->sides.turn),
                                 "a file holds something that is not base64");
    }
    plain =
        apr_palloc(place->pool, (apr_size_t)apr_base64_decode_len(base64) + 1);
    len = apr_base64_decode(plain, base64);
    llm_put_name(place->out, "source");
    llm_buf_lit(place->out, "{\"type\":\"text\",\"media_type\":\"text/plain\","
                            "\"data\":");
    llm_buf_put_text(place->out,
                     llm_text_escape(plain, (apr_size_t)len, place->pool));
    llm_buf_putc(place->out, '}');
    return NULL;
}

static void put_texts(const place_t *place, const llm_part_t *text)
{
    llm_put_name(place->out, "content");
    llm_buf_putc(place->out, '[');
    for (; text; text = text->next) {
        open_block(place, "text");
        llm_put_text_member(place->out, "text", text->text);
        llm_buf_putc(place->out, '}');
    }
    llm_buf_putc(place->out, ']');
}

static void end_document(const place_t *place, const llm_part_t *part)
{
    llm_put_text_member(place->out, "title",
                        part->media->filename.data || !part->media->source.data
                            ? part->media->filename
                            : part->media->source);
    if (part->media->cited) {
        llm_buf_lit(place->out, ",\"citations\":{\"enabled\":true}");
    }
    close_block(place, part);
}

/* One that is given as text, or what a search of the client's found. */
static void put_given(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    llm_buf_t *out = place->out;

    if (media->source.data) {
        open_block(place, "search_result");
        llm_put_text_member(out, "source", media->source);
        put_texts(place, media->texts);
    }
    else {
        open_block(place, "document");
        llm_put_name(out, "source");
        llm_buf_putc(out, '{');
        if (media->in_blocks) {
            llm_put_string_member(out, "type", "content");
            put_texts(place, media->texts);
        }
        else {
            llm_put_string_member(out, "type", "text");
            llm_put_string_member(out, "media_type", "text/plain");
            llm_put_text_member(out, "data", media->texts->text);
        }
        llm_buf_putc(out, '}');
    }
    end_document(place, part);
}

static llm_problem_t *put_document(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    const char *type = media->media_type ? media->media_type : "";
    llm_problem_t *problem = NULL;

    if (media->texts) {
        put_given(place, part);
        return NULL;
    }

    if (media->file_id.data) {
        return cannot(place, ".file_id");
    }
    if (llm_media_is_video(media)) {
        return cannot(place, ".video");
    }
    open_block(place, "document");
    if (media->base64.data && !strncasecmp(type, "text/", 5)) {
        problem = put_text_source(place, media);
    }
    else {
        put_source(place, media, "application/pdf");
    }
    end_document(place, part);
    return problem;
}

static void put_call(place_t *place, const llm_part_t *part)
{
    const llm_call_t *call = part->call;

    open_block(place, "tool_use");
    llm_put_string_member(
        place->out, "id",
        id_of(place, call->id, call->id ? 0 : place->calls++));
    llm_put_needed_text(place->out, "name", call->name);
    llm_put_name(place->out, "input");
    llm_buf_append(place->out, call->args.data, call->args.len);
    close_block(place, part);
}

static void put_thinking(const place_t *place, const llm_part_t *part)
{
    open_block(place, "thinking");
    llm_put_needed_text(place->out, "thinking", part->text);
    llm_put_text_member(place->out, "signature", part->signature);
    llm_buf_putc(place->out, '}');
}

static void put_text(const place_t *place, const llm_part_t *part)
{
    open_block(place, "text");
    llm_put_text_member(place->out, "text", part->text);
    close_block(place, part);
}

static llm_problem_t *put_result(place_t *place, const llm_part_t *part);

static llm_problem_t *put_block(place_t *place, const llm_part_t *part)
{
    if (!is_block(place, part)) {
        return NULL;
    }
    switch (part->kind) {
    case LLM_PART_TEXT:
    case LLM_PART_REFUSAL:
        put_text(place, part);
        return NULL;
    case LLM_PART_IMAGE:
        return put_image(place, part);
    case LLM_PART_FILE:
        return put_document(place, part);
    case LLM_PART_THINKING:
        put_thinking(place, part);
        return NULL;
    case LLM_PART_REDACTED:
        open_block(place, "redacted_thinking");
        llm_put_text_member(place->out, "data", part->text);
        llm_buf_putc(place->out, '}');
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

static llm_problem_t *put_result(place_t *place, const llm_part_t *part)
{
    const llm_part_t *inner = part->result;
    llm_problem_t *problem = NULL;

    open_block(place, "tool_result");
    llm_put_string_member(
        place->out, "tool_use_id",
        id_of(place, part->result_of, part->result_of ? 0 : place->results++));
    if (inner && !inner->next && inner->kind == LLM_PART_TEXT
        && !inner->cache) {
        llm_put_text_member(place->out, "content", inner->text);
    }
    else if (inner) {
        llm_put_name(place->out, "content");
        llm_buf_putc(place->out, '[');
        for (; inner && !problem; inner = inner->next) {
            problem = inner->kind == LLM_PART_TOOL_RESULT
                          ? cannot(place, "")
                          : put_block(place, inner);
        }
        llm_buf_putc(place->out, ']');
    }
    if (part->is_error) {
        llm_put_raw_member(place->out, "is_error", "true");
    }
    close_block(place, part);
    return problem;
}

/* ---- messages ---- */

static llm_problem_t *put(void *baton, const llm_part_t *part)
{
    return put_block(baton, part);
}

llm_problem_t *llm_anthropic_put_messages(llm_buf_t *out, llm_request_t *req,
                                          const llm_ask_t *ask,
                                          apr_pool_t *pool)
{
    place_t place = {.out = out, .req = req, .pool = pool};

    place.sides = (llm_sides_t){
        .out = out,
        .req = req,
        .dialect = "anthropic",
        .put = put,
        .baton = &place,
        .opening = "{\"role\":\"user\","
                   "\"content\":[{\"type\":\"text\",\"text\":\".\"}]}",
    };
    return llm_sides_put(&place.sides, ask->turns, pool);
}
