/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns become `instructions` and `input`.
 *
 * A system turn in front of the conversation is the instructions; any other
 * stands as a message where it was, and so does one that is all there is. An
 * assistant's turn is taken apart again: reasoning, messages and calls are
 * items of their own, in the order of its parts. Reasoning goes back only where
 * OpenAI made it, and only when something follows it in its turn: OpenAI
 * refuses one that stands alone.
 */
#include "dialect/openai_responses_internal.h"

#include <string.h>

#include <apr_strings.h>

#define CALL_ID_MAX 64

/* Where in the turns we are, and what is written. */
typedef struct place_t {
    llm_buf_t *out;
    llm_request_t *req;
    const llm_ask_t *ask;
    int custom;  /* tools that take a text are called as such */
    int turn;    /* number of the turn, for error texts */
    int calls;   /* calls without an id so far */
    int results; /* results that name no call so far */
    apr_pool_t *pool;
} place_t;

static llm_problem_t *cannot(const place_t *place, const char *what)
{
    return llm_problem_unsupported(
        apr_psprintf(place->pool, "messages[%d]%s", place->turn, what),
        "openai-responses", place->pool);
}

static const char *id_of(const place_t *place, const char *id, int number)
{
    if (!id) {
        id = llm_call_id_make("call_", "", number, place->pool);
    }
    return llm_call_id_fit(id, "call_", "_-:.", CALL_ID_MAX, 0, place->pool);
}

static void drop_cache(const place_t *place, const llm_part_t *part)
{
    if (part->cache) {
        llm_request_drop(place->req, "messages.content.cache_control");
    }
}

/* ---- parts ---- */

static int is_text(const llm_part_t *part)
{
    return part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL;
}

static llm_problem_t *put_image(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;

    llm_buf_lit(place->out, "{\"type\":\"input_image\"");
    if (media->file_id.data) {
        llm_put_text_member(place->out, "file_id", media->file_id);
    }
    else {
        llm_put_name(place->out, "image_url");
        llm_put_media_url(place->out, media);
    }
    llm_put_text_member(place->out, "detail",
                        media->detail.data ? media->detail
                                           : LLM_TEXT_LITERAL("auto"));
    llm_buf_putc(place->out, '}');
    return NULL;
}

static llm_problem_t *put_file(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    llm_buf_t *out = place->out;

    if (llm_media_is_video(media)) {
        return cannot(place, ".content.video");
    }
    llm_buf_lit(out, "{\"type\":\"input_file\"");
    if (media->base64.data) {
        llm_put_text_member(out, "filename", llm_media_filename(media));
        llm_put_name(out, "file_data");
        llm_put_media_url(out, media);
    }
    else if (media->url.data) {
        llm_put_text_member(out, "file_url", media->url);
    }
    else {
        llm_put_text_member(out, "file_id", media->file_id);
    }
    llm_buf_putc(out, '}');
    return NULL;
}

/* `text_type`: what a text is called where this part stands. */
static llm_problem_t *put_part(const place_t *place, const llm_part_t *part,
                               const char *text_type)
{
    llm_put_comma(place->out);
    drop_cache(place, part);
    switch (part->kind) {
    case LLM_PART_TEXT:
        llm_buf_lit(place->out, "{\"type\":");
        llm_buf_put_string(place->out, text_type);
        llm_put_text_member(place->out, "text", part->text);
        llm_buf_putc(place->out, '}');
        return NULL;
    case LLM_PART_REFUSAL:
        llm_buf_lit(place->out, "{\"type\":\"refusal\"");
        llm_put_text_member(place->out, "refusal", part->text);
        llm_buf_putc(place->out, '}');
        return NULL;
    case LLM_PART_IMAGE:
        return put_image(place, part);
    case LLM_PART_FILE:
        return put_file(place, part);
    case LLM_PART_AUDIO:
        return cannot(place, ".content.audio");
    default:
        return cannot(place, ".content");
    }
}

/* ---- messages ---- */

static void open_item(const place_t *place, const char *name, const char *what)
{
    llm_put_comma(place->out);
    llm_buf_putc(place->out, '{');
    llm_put_string_member(place->out, name, what);
}

/* What is an item of its own, and no part of a message. */
static int is_item(const llm_part_t *part)
{
    return part->kind == LLM_PART_THINKING || part->kind == LLM_PART_REDACTED
           || part->kind == LLM_PART_TOOL_CALL
           || part->kind == LLM_PART_TOOL_RESULT;
}

/* Parts from `part` up to `end` as a message; one text is a string. */
static llm_problem_t *put_message(const place_t *place, const char *role,
                                  const llm_part_t *part, const llm_part_t *end)
{
    const char *text_type =
        strcmp(role, "assistant") ? "input_text" : "output_text";
    llm_problem_t *problem = NULL;

    open_item(place, "role", role);
    llm_put_name(place->out, "content");
    if (part != end && part->next == end && part->kind == LLM_PART_TEXT) {
        llm_buf_put_text(place->out, part->text);
        drop_cache(place, part);
    }
    else {
        llm_buf_putc(place->out, '[');
        for (; part != end && !problem; part = part->next) {
            if (!is_item(part)) {
                problem = put_part(place, part, text_type);
            }
        }
        llm_buf_putc(place->out, ']');
    }
    llm_buf_putc(place->out, '}');
    return problem;
}

/* ---- items of an assistant's turn ---- */

/* Does something but reasoning follow? */
static int is_followed(const llm_part_t *part)
{
    for (part = part->next; part; part = part->next) {
        if (part->kind != LLM_PART_THINKING
            && part->kind != LLM_PART_REDACTED) {
            return 1;
        }
    }
    return 0;
}

static void put_thinking(const place_t *place, const llm_part_t *part)
{
    int redacted = part->kind == LLM_PART_REDACTED;
    llm_text_t opaque = redacted ? part->text : part->signature;
    llm_text_t id, encrypted;
    llm_buf_t *out = place->out;

    if (!opaque.len || !llm_responses_unpack(&id, &encrypted, opaque)
        || !is_followed(part)) {
        llm_request_drop(place->req, "messages.content.thinking");
        return;
    }
    open_item(place, "type", "reasoning");
    if (id.len) {
        llm_put_text_member(out, "id", id);
    }
    llm_buf_lit(out, ",\"summary\":[");
    if (!redacted && part->text.len) {
        llm_buf_lit(out, "{\"type\":\"summary_text\",\"text\":");
        llm_buf_put_text(out, part->text);
        llm_buf_putc(out, '}');
    }
    llm_buf_putc(out, ']');
    llm_put_text_member(out, "encrypted_content", encrypted);
    llm_buf_putc(out, '}');
}

static int is_custom(const place_t *place, llm_text_t name)
{
    return place->custom && llm_openai_is_custom(place->ask, name, place->pool);
}

static void put_call(place_t *place, const llm_call_t *call)
{
    int custom = is_custom(place, call->name);

    open_item(place, "type", custom ? "custom_tool_call" : "function_call");
    llm_put_string_member(
        place->out, "call_id",
        id_of(place, call->id, call->id ? 0 : place->calls++));
    llm_put_needed_text(place->out, "name", call->name);
    if (custom) {
        llm_put_needed_text(place->out, "input",
                            llm_openai_args_as_input(call->args, place->pool));
    }
    else {
        llm_put_name(place->out, "arguments");
        llm_buf_put_quoted(place->out, call->args);
    }
    llm_buf_putc(place->out, '}');
}

static const llm_part_t *end_of_message(const llm_part_t *part)
{
    while (part && !is_item(part)) {
        part = part->next;
    }
    return part;
}

static llm_problem_t *put_assistant(place_t *place, const llm_turn_t *turn)
{
    const llm_part_t *part = turn->parts;
    llm_problem_t *problem = NULL;

    while (part && !problem) {
        if (!is_item(part)) {
            const llm_part_t *end = end_of_message(part);

            problem = put_message(place, "assistant", part, end);
            part = end;
            continue;
        }
        if (part->kind == LLM_PART_TOOL_CALL) {
            put_call(place, part->call);
        }
        else if (part->kind != LLM_PART_TOOL_RESULT) {
            put_thinking(place, part);
        }
        part = part->next;
    }
    return problem;
}

/* ---- results ---- */

static llm_problem_t *put_output(const place_t *place, const llm_part_t *parts)
{
    const llm_part_t *part;
    llm_problem_t *problem = NULL;
    llm_text_t text;

    for (part = parts; part && is_text(part); part = part->next) {
    }
    if (!part) {
        text = llm_parts_text(parts, "\\n", place->pool);
        llm_put_needed_text(place->out, "output", text);
        return NULL;
    }
    llm_put_name(place->out, "output");
    llm_buf_putc(place->out, '[');
    for (part = parts; part && !problem; part = part->next) {
        problem = put_part(place, part, "input_text");
    }
    llm_buf_putc(place->out, ']');
    return problem;
}

static llm_problem_t *put_result(place_t *place, const llm_part_t *part)
{
    llm_problem_t *problem;

    open_item(place, "type",
              is_custom(place, part->result_name) ? "custom_tool_call_output"
                                                  : "function_call_output");
    llm_put_string_member(
        place->out, "call_id",
        id_of(place, part->result_of, part->result_of ? 0 : place->results++));
    problem = put_output(place, part->result);
    llm_buf_putc(place->out, '}');
    drop_cache(place, part);
    if (part->is_error) {
        llm_request_drop(place->req, "messages.content.is_error");
    }
    return problem;
}

/* ---- turns ---- */

/* A user's turn, or one that holds results only: results first. */
static llm_problem_t *put_user(place_t *place, const llm_turn_t *turn)
{
    const llm_part_t *part;
    llm_problem_t *problem = NULL;
    int said = 0;

    for (part = turn->parts; part && !problem; part = part->next) {
        if (part->kind == LLM_PART_TOOL_RESULT) {
            problem = put_result(place, part);
        }
        said += !is_item(part);
    }
    return problem || !said ? problem
                            : put_message(place, "user", turn->parts, NULL);
}

static llm_problem_t *put_turn(place_t *place, const llm_turn_t *turn)
{
    if (turn->name.data) {
        llm_request_drop(place->req, "messages.name");
    }
    switch (turn->role) {
    case LLM_ROLE_SYSTEM:
        return put_message(place, "system", turn->parts, NULL);
    case LLM_ROLE_ASSISTANT:
        return put_assistant(place, turn);
    default:
        return put_user(place, turn);
    }
}

/* Is the first turn the instructions? Texts of a system turn that is not all
 * there is. */
static int is_instructed(const llm_turn_t *turn)
{
    const llm_part_t *part;

    if (!turn || turn->role != LLM_ROLE_SYSTEM || !turn->next || turn->name.data
        || !turn->parts) {
        return 0;
    }
    for (part = turn->parts; part && part->kind == LLM_PART_TEXT;
         part = part->next) {
        if (part->cache) {
            return 0; /* told where it is dropped */
        }
    }
    return !part;
}

llm_problem_t *llm_responses_put_input(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask, int custom,
                                       apr_pool_t *pool)
{
    place_t place = {out, req, ask, custom, 0, 0, 0, pool};
    const llm_turn_t *turn = ask->turns;
    llm_problem_t *problem = NULL;

    if (is_instructed(turn)) {
        llm_put_needed_text(out, "instructions",
                            llm_parts_text(turn->parts, "\\n\\n", pool));
        turn = turn->next;
        ++place.turn;
    }
    llm_put_name(out, "input");
    llm_buf_putc(out, '[');
    for (; turn && !problem; turn = turn->next) {
        problem = put_turn(&place, turn);
        ++place.turn;
    }
    llm_buf_putc(out, ']');
    return problem;
}
