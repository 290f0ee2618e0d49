/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask's turns become `system` and `messages` of a Messages request.
 *
 * There is one system prompt, so system turns go there wherever they stood, in
 * their order; where there is nothing else, they are the user's message. Turns
 * of one side that follow one another become one message, in which tool
 * results come first, as Anthropic demands. Texts of blanks only, which it
 * refuses, are left out: there is nothing in them to lose.
 *
 * Thinking goes back only with the signature it came with, and that is of
 * Anthropic's own letters: others' thoughts are left out, which is told.
 */
#include "dialect/anthropic_internal.h"

#include <string.h>
#include <strings.h>

#include <apr_base64.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define ID_MAX 128

typedef struct place_t {
    llm_buf_t *out;
    llm_request_t *req;
    int turn;    /* number of the turn, for error texts */
    int calls;   /* calls without an id so far */
    int results; /* results that name no call so far */
    apr_pool_t *pool;
} place_t;

static llm_problem_t *cannot(const place_t *place, const char *what)
{
    return llm_problem_unsupported(
        apr_psprintf(place->pool, "messages[%d].content%s", place->turn, what),
        "anthropic", place->pool);
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
        return llm_problem_field(
            place->pool,
            apr_psprintf(place->pool, "messages[%d].content", place->turn),
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

static llm_problem_t *put_document(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    const char *type = media->media_type ? media->media_type : "";
    llm_problem_t *problem = NULL;

    if (media->file_id.data) {
        return cannot(place, ".file_id");
    }
    open_block(place, "document");
    if (media->base64.data && !strncasecmp(type, "text/", 5)) {
        problem = put_text_source(place, media);
    }
    else {
        put_source(place, media, "application/pdf");
    }
    llm_put_text_member(place->out, "title", media->filename);
    close_block(place, part);
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

/* The role a turn has here: tool results are the user's. */
static int is_assistant(const llm_turn_t *turn)
{
    return turn->role == LLM_ROLE_ASSISTANT;
}

static const llm_turn_t *skip_system(const llm_turn_t *turn, int *pnumber)
{
    while (turn && turn->role == LLM_ROLE_SYSTEM) {
        turn = turn->next;
        ++*pnumber;
    }
    return turn;
}

/* Blocks of the turns [turn, end): results only, or all but results. */
static llm_problem_t *put_blocks(place_t *place, const llm_turn_t *turn,
                                 const llm_turn_t *end, int results)
{
    llm_problem_t *problem = NULL;
    const llm_part_t *part;
    int first = place->turn;

    for (; turn != end && !problem; turn = turn->next, ++place->turn) {
        if (turn->role == LLM_ROLE_SYSTEM) {
            continue;
        }
        for (part = turn->parts; part && !problem; part = part->next) {
            if ((part->kind == LLM_PART_TOOL_RESULT) == results) {
                problem = put_block(place, part);
            }
        }
        if (turn->name.data) {
            llm_request_drop(place->req, "messages.name");
        }
    }
    place->turn = first;
    return problem;
}

/* Anthropic refuses a conversation that the assistant begins ("first message
 * must use the "user" role"), as one does whose first turns a client cut off:
 * then the user says this much before. */
#define OPENING                                                                \
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\".\"}]}"

/* One message of the turns [turn, end); nothing when they say nothing. */
static llm_problem_t *put_message(place_t *place, const llm_turn_t *turn,
                                  const llm_turn_t *end)
{
    llm_buf_t *out = place->out;
    apr_size_t begin = out->len, content;
    llm_problem_t *problem;

    if (is_assistant(turn) && out->data[begin - 1] == '[') {
        llm_buf_lit(out, OPENING);
    }
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "role",
                          is_assistant(turn) ? "assistant" : "user");
    llm_put_name(out, "content");
    llm_buf_putc(out, '[');
    content = out->len;
    problem = put_blocks(place, turn, end, 1);
    if (!problem) {
        problem = put_blocks(place, turn, end, 0);
    }
    if (out->len == content) {
        llm_buf_cut(out, begin);
    }
    else {
        llm_buf_lit(out, "]}");
    }
    return problem;
}

static llm_problem_t *put_turns(place_t *place, const llm_turn_t *turn)
{
    llm_problem_t *problem = NULL;

    place->turn = 0;
    turn = skip_system(turn, &place->turn);
    while (turn && !problem) {
        const llm_turn_t *end = turn;
        int number = place->turn, next = number;

        while (end && is_assistant(end) == is_assistant(turn)) {
            ++next;
            end = skip_system(end->next, &next);
        }
        problem = put_message(place, turn, end);
        place->turn = next;
        turn = end;
    }
    return problem;
}

/* ---- the system prompt ---- */

static llm_problem_t *put_system(place_t *place, const llm_turn_t *turn)
{
    llm_buf_t *out = place->out;
    apr_size_t begin = out->len, content;
    const llm_part_t *part;

    llm_put_name(out, "system");
    llm_buf_putc(out, '[');
    content = out->len;
    for (place->turn = 0; turn; turn = turn->next, ++place->turn) {
        if (turn->role != LLM_ROLE_SYSTEM) {
            continue;
        }
        for (part = turn->parts; part; part = part->next) {
            if (part->kind != LLM_PART_TEXT) {
                return cannot(place, "");
            }
            if (is_block(place, part)) {
                put_text(place, part);
            }
        }
    }
    if (out->len == content) {
        llm_buf_cut(out, begin);
    }
    else {
        llm_buf_putc(out, ']');
    }
    return NULL;
}

/* The system turns alone, as what the user says: where nothing else is said,
 * or nothing but blanks, which a message cannot consist of. */
static void put_system_as_user(place_t *place, const llm_turn_t *turn)
{
    const llm_part_t *part;

    llm_buf_lit(place->out, "{\"role\":\"user\",\"content\":[");
    for (; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            if (part->kind == LLM_PART_TEXT && is_block(place, part)) {
                put_text(place, part);
            }
        }
    }
    llm_buf_lit(place->out, "]}");
}

llm_problem_t *llm_anthropic_put_messages(llm_buf_t *out, llm_request_t *req,
                                          const llm_ask_t *ask,
                                          apr_pool_t *pool)
{
    place_t place = {out, req, 0, 0, 0, pool};
    llm_problem_t *problem = NULL;
    const llm_turn_t *said;
    apr_size_t begin = out->len;
    int number = 0;

    said = skip_system(ask->turns, &number);
    if (said) {
        problem = put_system(&place, ask->turns);
    }
    if (problem) {
        return problem;
    }
    llm_put_name(out, "messages");
    llm_buf_putc(out, '[');
    if (said) {
        problem = put_turns(&place, ask->turns);
    }
    if (!problem && out->data[out->len - 1] == '[') {
        llm_buf_cut(out, begin);
        llm_put_name(out, "messages");
        llm_buf_putc(out, '[');
        put_system_as_user(&place, ask->turns);
        if (!memcmp(out->data + out->len - 3, "[]}", 3)) {
            return llm_problem_field(pool, "messages",
                                     "expected one that says something");
        }
    }
    llm_buf_putc(out, ']');
    return problem;
}
