/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask's turns become the `messages` of a Chat Completions request.
 *
 * A tool result is a message of its own here and has to follow the call at
 * once, so the results of a turn come first and the rest of it is a user
 * message behind them. A result may hold text only: its images follow in that
 * user message as well.
 *
 * Thinking that a client sends back has no place at OpenAI; servers that take
 * it are known by their quirks.
 */
#include "dialect/openai_internal.h"

#include <string.h>

#include <apr_strings.h>

typedef struct place_t {
    llm_buf_t *out;
    llm_request_t *req;
    unsigned quirks;
    int turn;              /* number of the turn, for error texts */
    int calls;             /* calls without an id so far */
    int results;           /* results that name no call so far */
    const llm_turn_t *row; /* the first of several turns with results */
    apr_pool_t *pool;
} place_t;

static const char *path_of(const place_t *place, const char *rest)
{
    return apr_psprintf(place->pool, "messages[%d]%s", place->turn, rest);
}

static llm_problem_t *cannot(const place_t *place, const char *what)
{
    return llm_problem_unsupported(path_of(place, what), "OpenAI-compatible",
                                   place->pool);
}

/* The id a server takes; one made of `number` where there is none. */
static const char *id_of(const place_t *place, const char *id, int number)
{
    if (!id) {
        id = llm_call_id_make("call_", "", number, place->pool);
    }
    if (place->quirks & LLM_OPENAI_NINE_LETTER_IDS) {
        return llm_call_id_fit(id, "", "", 9, 1, place->pool);
    }
    if (place->quirks & LLM_OPENAI_GENUINE) {
        return llm_call_id_fit(id, "call_", "_-", 40, 0, place->pool);
    }
    return id;
}

/* ---- parts ---- */

static void put_cache(const place_t *place, const llm_part_t *part)
{
    if (part->cache && (place->quirks & LLM_OPENAI_TAKES_CACHE)) {
        llm_put_member(place->out, "cache_control", part->cache);
    }
    else if (part->cache) {
        llm_request_drop(place->req, "messages.content.cache_control");
    }
}

static void put_text(const place_t *place, const llm_part_t *part)
{
    llm_buf_lit(place->out, "{\"type\":\"text\"");
    llm_put_text_member(place->out, "text", part->text);
    put_cache(place, part);
    llm_buf_putc(place->out, '}');
}

static llm_problem_t *put_image(const place_t *place, const llm_part_t *part)
{
    llm_buf_t *out = place->out;

    if (part->media->file_id.data) {
        return cannot(place, ".content.source.file_id");
    }
    llm_buf_lit(out, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
    llm_put_media_url(out, part->media);
    llm_put_text_member(out, "detail", part->media->detail);
    llm_buf_putc(out, '}');
    put_cache(place, part);
    llm_buf_putc(out, '}');
    return NULL;
}

static llm_problem_t *put_audio(const place_t *place, const llm_part_t *part)
{
    const char *type = part->media->media_type;
    llm_buf_t *out = place->out;

    if (!part->media->base64.data || !type || strncmp(type, "audio/", 6)) {
        return cannot(place, ".content.audio");
    }
    type += 6;
    llm_buf_lit(out, "{\"type\":\"input_audio\",\"input_audio\":{");
    llm_put_text_member(out, "data", part->media->base64);
    llm_put_string_member(out, "format", strcmp(type, "mpeg") ? type : "mp3");
    llm_buf_lit(out, "}}");
    return NULL;
}

static llm_problem_t *put_file(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    llm_buf_t *out = place->out;

    if (media->url.data) {
        return cannot(place, ".content.source.url");
    }
    llm_buf_lit(out, "{\"type\":\"file\",\"file\":{");
    if (media->base64.data) {
        llm_put_text_member(out, "filename",
                            media->filename.data
                                ? media->filename
                                : LLM_TEXT_LITERAL("document.pdf"));
        llm_put_name(out, "file_data");
        llm_put_media_url(out, media);
    }
    else {
        llm_put_text_member(out, "file_id", media->file_id);
    }
    llm_buf_putc(out, '}');
    put_cache(place, part);
    llm_buf_putc(out, '}');
    return NULL;
}

static llm_problem_t *put_part(const place_t *place, const llm_part_t *part)
{
    llm_put_comma(place->out);
    switch (part->kind) {
    case LLM_PART_TEXT:
    case LLM_PART_REFUSAL:
        put_text(place, part);
        return NULL;
    case LLM_PART_IMAGE:
        return put_image(place, part);
    case LLM_PART_AUDIO:
        return put_audio(place, part);
    case LLM_PART_FILE:
        return put_file(place, part);
    default:
        return cannot(place, ".content");
    }
}

/* ---- content ---- */

static int is_text(const llm_part_t *part)
{
    return part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL;
}

static int is_media(const llm_part_t *part)
{
    return part->kind == LLM_PART_IMAGE || part->kind == LLM_PART_AUDIO
           || part->kind == LLM_PART_FILE;
}

/* What a message says; results, calls and thoughts are dealt with apart. */
static int is_said(const llm_part_t *part)
{
    return is_text(part) || is_media(part) || part->kind == LLM_PART_PROVIDER;
}

static const llm_part_t *next_said(const llm_part_t *part)
{
    while (part && !is_said(part)) {
        part = part->next;
    }
    return part;
}

/* `content` of the parts that are said: one text is a string. */
static llm_problem_t *put_content(const place_t *place, const llm_part_t *parts)
{
    const llm_part_t *part = next_said(parts);
    llm_problem_t *problem = NULL;

    llm_put_name(place->out, "content");
    if (part && is_text(part) && !next_said(part->next)
        && !(part->cache && (place->quirks & LLM_OPENAI_TAKES_CACHE))) {
        llm_buf_put_text(place->out, part->text);
        put_cache(place, part); /* there is no place for it: told */
        return NULL;
    }
    if (!part) {
        llm_buf_lit(place->out, "\"\"");
        return NULL;
    }
    llm_buf_putc(place->out, '[');
    for (; part && !problem; part = next_said(part->next)) {
        problem = put_part(place, part);
    }
    llm_buf_putc(place->out, ']');
    return problem;
}

static void open_message(const place_t *place, const char *role)
{
    llm_put_comma(place->out);
    llm_buf_putc(place->out, '{');
    llm_put_string_member(place->out, "role", role);
}

/* ---- tool results ---- */

static llm_problem_t *put_result(place_t *place, const llm_part_t *part)
{
    llm_text_t text = llm_parts_text(part->result, "\\n", place->pool);
    const llm_part_t *inner;

    for (inner = part->result; inner; inner = inner->next) {
        if (!is_text(inner) && !is_media(inner)) {
            return cannot(place, ".content.content");
        }
    }
    if (!text.data) {
        text = part->result ? LLM_TEXT_LITERAL("(see the next message)")
                            : LLM_TEXT_LITERAL("");
    }
    open_message(place, "tool");
    llm_put_string_member(
        place->out, "tool_call_id",
        id_of(place, part->result_of, part->result_of ? 0 : place->results++));
    llm_put_text_member(place->out, "content", text);
    llm_buf_putc(place->out, '}');
    if (part->cache) {
        llm_request_drop(place->req, "messages.content.cache_control");
    }
    if (part->is_error) {
        llm_request_drop(place->req, "messages.content.is_error");
    }
    return NULL;
}

/* Media of the turn's results, for the user message behind them. */
static llm_problem_t *put_result_media(const place_t *place,
                                       const llm_part_t *parts)
{
    const llm_part_t *part, *inner;
    llm_problem_t *problem = NULL;

    for (part = parts; part; part = part->next) {
        for (inner = part->result; inner && !problem; inner = inner->next) {
            if (part->kind == LLM_PART_TOOL_RESULT && is_media(inner)) {
                problem = put_part(place, inner);
            }
        }
    }
    return problem;
}

static int has_result_media(const llm_part_t *parts)
{
    const llm_part_t *inner;

    for (; parts; parts = parts->next) {
        for (inner = parts->result; inner; inner = inner->next) {
            if (is_media(inner)) {
                return 1;
            }
        }
    }
    return 0;
}

/* ---- turns ---- */

static llm_problem_t *put_said(place_t *place, const llm_turn_t *turn,
                               const char *role)
{
    llm_problem_t *problem;

    open_message(place, role);
    problem = put_content(place, turn->parts);
    llm_put_text_member(place->out, "name", turn->name);
    llm_buf_putc(place->out, '}');
    return problem;
}

/* A user's turn, or one that holds results only: results first. */
static llm_problem_t *put_user(place_t *place, const llm_turn_t *turn)
{
    int has_results = llm_parts_have(turn->parts, LLM_PART_TOOL_RESULT);
    const llm_part_t *part;
    llm_problem_t *problem = NULL;

    for (part = turn->parts; part && !problem; part = part->next) {
        if (part->kind == LLM_PART_TOOL_RESULT) {
            problem = put_result(place, part);
        }
    }
    if (problem) {
        return problem;
    }
    if (!has_results) {
        return put_said(place, turn, "user");
    }
    turn = llm_turn_join(&place->row, turn, place->pool);
    if (!turn) {
        return NULL;
    }
    if (has_result_media(turn->parts)) {
        open_message(place, "user");
        llm_buf_lit(place->out, ",\"content\":[");
        problem = put_result_media(place, turn->parts);
        for (part = next_said(turn->parts); part && !problem;
             part = next_said(part->next)) {
            problem = put_part(place, part);
        }
        llm_buf_lit(place->out, "]}");
        return problem;
    }
    return next_said(turn->parts) ? put_said(place, turn, "user") : NULL;
}

static void put_thoughts(const place_t *place, const llm_part_t *parts)
{
    const llm_part_t *part;
    llm_buf_t *out = place->out;
    int index = 0;

    for (part = parts; part; part = part->next) {
        int is_text = part->kind == LLM_PART_THINKING;

        if (!is_text && part->kind != LLM_PART_REDACTED) {
            continue;
        }
        if (!(place->quirks & LLM_OPENAI_TAKES_DETAILS)) {
            if (!is_text || !(place->quirks & LLM_OPENAI_TAKES_REASONING)) {
                llm_request_drop(place->req, "messages.content.thinking");
            }
            continue;
        }
        if (!index) {
            llm_put_name(out, "reasoning_details");
            llm_buf_putc(out, '[');
        }
        llm_openai_put_detail(
            out, is_text ? "reasoning.text" : "reasoning.encrypted", index++,
            is_text ? part->text : LLM_TEXT_NONE, part->signature,
            is_text ? LLM_TEXT_NONE : part->text);
    }
    if (index) {
        llm_buf_putc(out, ']');
    }
}

static void put_reasoning(const place_t *place, const llm_part_t *parts)
{
    const llm_part_t *part;
    int count = 0;

    for (part = parts; part; part = part->next) {
        if (part->kind == LLM_PART_THINKING) {
            if (!count++) {
                llm_put_name(place->out, "reasoning_content");
                llm_buf_putc(place->out, '"');
            }
            llm_buf_append(place->out, part->text.data, part->text.len);
        }
    }
    if (count) {
        llm_buf_putc(place->out, '"');
    }
}

static void put_calls(place_t *place, const llm_part_t *parts)
{
    llm_buf_t *out = place->out;
    const llm_part_t *part;
    int count = 0;

    for (part = parts; part; part = part->next) {
        const llm_call_t *call = part->call;

        if (part->kind != LLM_PART_TOOL_CALL) {
            continue;
        }
        if (!count++) {
            llm_put_name(out, "tool_calls");
            llm_buf_putc(out, '[');
        }
        llm_put_comma(out);
        llm_buf_putc(out, '{');
        llm_put_string_member(
            out, "id", id_of(place, call->id, call->id ? 0 : place->calls++));
        llm_buf_lit(out, ",\"type\":\"function\",\"function\":{");
        llm_put_needed_text(out, "name", call->name);
        llm_put_name(out, "arguments");
        llm_buf_put_quoted(out, call->args);
        llm_buf_lit(out, "}}");
    }
    if (count) {
        llm_buf_putc(out, ']');
    }
}

static llm_problem_t *put_assistant(place_t *place, const llm_turn_t *turn)
{
    const llm_part_t *said = next_said(turn->parts);
    llm_problem_t *problem = NULL;

    open_message(place, "assistant");
    if (!said && llm_parts_have(turn->parts, LLM_PART_TOOL_CALL)) {
        llm_buf_lit(place->out, ",\"content\":null");
    }
    else {
        problem = put_content(place, turn->parts);
    }
    put_thoughts(place, turn->parts);
    if (place->quirks & LLM_OPENAI_TAKES_REASONING) {
        put_reasoning(place, turn->parts);
    }
    put_calls(place, turn->parts);
    llm_put_text_member(place->out, "name", turn->name);
    llm_buf_putc(place->out, '}');
    return problem;
}

static llm_problem_t *put_turn(place_t *place, const llm_turn_t *turn)
{
    switch (turn->role) {
    case LLM_ROLE_SYSTEM:
        return put_said(place, turn, "system");
    case LLM_ROLE_ASSISTANT:
        return put_assistant(place, turn);
    default:
        return put_user(place, turn);
    }
}

llm_problem_t *llm_openai_put_messages(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask, unsigned quirks,
                                       apr_pool_t *pool)
{
    place_t place = {out, req, quirks, 0, 0, 0, NULL, pool};
    llm_problem_t *problem = NULL;
    const llm_turn_t *turn;

    llm_put_name(out, "messages");
    llm_buf_putc(out, '[');
    for (turn = ask->turns; turn && !problem; turn = turn->next) {
        problem = put_turn(&place, turn);
        ++place.turn;
    }
    llm_buf_putc(out, ']');
    return problem;
}
