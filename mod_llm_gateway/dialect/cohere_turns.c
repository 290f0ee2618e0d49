/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask's turns become the `messages` of a request to Cohere.
 *
 * They are much like OpenAI's: a result is a message of its own behind the
 * calls, and holds text only, so that its pictures follow in a user message.
 * What an assistant said beside its calls is their `tool_plan`.
 */
#include "dialect/cohere_internal.h"
#include "dialect/documents.h"

#include <apr_strings.h>

typedef struct place_t {
    llm_buf_t *out;
    llm_request_t *req;
    int thinks;            /* the model takes its thinking back */
    int turn;              /* number of the turn, for error texts */
    int calls;             /* calls without an id so far */
    int results;           /* results that name no call so far */
    const llm_turn_t *row; /* the first of several turns with results */
    apr_pool_t *pool;
} place_t;

static llm_problem_t *cannot(const place_t *place, const char *what)
{
    return llm_problem_unsupported(
        apr_psprintf(place->pool, "messages[%d]%s", place->turn, what),
        LLM_COHERE_NAME, place->pool);
}

static const char *id_of(const place_t *place, const char *id, int number)
{
    return id ? id : llm_call_id_make("call_", "", number, place->pool);
}

static int is_text(const llm_part_t *part)
{
    return part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL;
}

/* ---- parts ---- */

/* What a part has besides, or is, and Cohere has no place for. */
static llm_problem_t *check_part(const place_t *place, const llm_part_t *part)
{
    if (part->cache) {
        llm_request_drop(place->req, "messages.content.cache_control");
    }
    if (part->citations) {
        llm_request_drop(place->req, "messages.content.citations");
    }
    switch (part->kind) {
    case LLM_PART_REDACTED:
        llm_request_drop(place->req, "messages.content.thinking");
        return NULL;
    case LLM_PART_THINKING:
        if (!place->thinks) {
            llm_request_drop(place->req, "messages.content.thinking");
        }
        return NULL;
    case LLM_PART_AUDIO:
        return cannot(place, ".content.audio");
    case LLM_PART_FILE: /* texts are documents of the whole conversation */
        return part->media->texts ? NULL : cannot(place, ".content.file");
    case LLM_PART_PROVIDER:
        return cannot(place, ".content");
    case LLM_PART_IMAGE:
        return part->media->file_id.data
                   ? cannot(place, ".content.source.file_id")
                   : NULL;
    default:
        return NULL;
    }
}

static llm_problem_t *check_parts(const place_t *place, const llm_part_t *parts)
{
    llm_problem_t *problem = NULL;

    for (; parts && !problem; parts = parts->next) {
        problem = check_part(place, parts);
        if (!problem && parts->kind == LLM_PART_TOOL_RESULT) {
            problem = check_parts(place, parts->result);
        }
    }
    return problem;
}

static void put_part(const place_t *place, const llm_part_t *part)
{
    llm_buf_t *out = place->out;

    llm_put_comma(out);
    if (is_text(part)) {
        llm_buf_lit(out, "{\"type\":\"text\"");
        llm_put_text_member(out, "text", part->text);
        llm_buf_putc(out, '}');
    }
    else if (part->kind == LLM_PART_IMAGE) {
        llm_buf_lit(out, "{\"type\":\"image_url\",\"image_url\":{\"url\":");
        llm_put_media_url(out, part->media);
        llm_put_text_member(out, "detail", part->media->detail);
        llm_buf_lit(out, "}}");
    }
    else {
        llm_buf_lit(out, "{\"type\":\"thinking\"");
        llm_put_text_member(out, "thinking", part->text);
        llm_buf_putc(out, '}');
    }
}

static int is_put(const place_t *place, const llm_part_t *part)
{
    return is_text(part) || part->kind == LLM_PART_IMAGE
           || (part->kind == LLM_PART_THINKING && place->thinks);
}

static const llm_part_t *next_put(const place_t *place, const llm_part_t *part)
{
    while (part && !is_put(place, part)) {
        part = part->next;
    }
    return part;
}

/* `content`: a text alone is a string. */
static void put_content(const place_t *place, const llm_part_t *parts)
{
    const llm_part_t *part = next_put(place, parts);

    llm_put_name(place->out, "content");
    if (!part || (is_text(part) && !next_put(place, part->next))) {
        llm_buf_put_text(place->out, part ? part->text : LLM_TEXT_LITERAL(""));
        return;
    }
    llm_buf_putc(place->out, '[');
    for (; part; part = next_put(place, part->next)) {
        put_part(place, part);
    }
    llm_buf_putc(place->out, ']');
}

/* ---- messages ---- */

static void open_message(const place_t *place, const char *role)
{
    llm_put_comma(place->out);
    llm_buf_putc(place->out, '{');
    llm_put_string_member(place->out, "role", role);
}

static void put_said(const place_t *place, const llm_turn_t *turn,
                     const char *role)
{
    open_message(place, role);
    put_content(place, turn->parts);
    llm_buf_putc(place->out, '}');
}

static void put_result(place_t *place, const llm_part_t *part)
{
    llm_part_t *plain =
        llm_parts_without_documents(part->result, place->req, place->pool);
    llm_text_t text = llm_parts_text(plain, "\\n", place->pool);

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
    if (part->is_error) {
        llm_request_drop(place->req, "messages.content.is_error");
    }
}

/* Pictures of the results, and what the user says with them. */
static int has_more(const place_t *place, const llm_part_t *parts)
{
    const llm_part_t *inner;

    for (; parts; parts = parts->next) {
        if (is_put(place, parts)) {
            return 1;
        }
        for (inner = parts->result; inner; inner = inner->next) {
            if (inner->kind == LLM_PART_IMAGE) {
                return 1;
            }
        }
    }
    return 0;
}

static void put_more(const place_t *place, const llm_turn_t *turn)
{
    const llm_part_t *part, *inner;

    open_message(place, "user");
    llm_buf_lit(place->out, ",\"content\":[");
    for (part = turn->parts; part; part = part->next) {
        for (inner = part->result; inner; inner = inner->next) {
            if (inner->kind == LLM_PART_IMAGE) {
                put_part(place, inner);
            }
        }
    }
    for (part = next_put(place, turn->parts); part;
         part = next_put(place, part->next)) {
        put_part(place, part);
    }
    llm_buf_lit(place->out, "]}");
}

/* A user's turn, or one that holds results only: results first. */
static void put_user(place_t *place, const llm_turn_t *turn)
{
    const llm_part_t *part;
    int results = 0;

    for (part = turn->parts; part; part = part->next) {
        if (part->kind == LLM_PART_TOOL_RESULT) {
            put_result(place, part);
            ++results;
        }
    }
    if (!results) {
        put_said(place, turn, "user");
        return;
    }
    turn = llm_turn_join(&place->row, turn, place->pool);
    if (turn && has_more(place, turn->parts)) {
        put_more(place, turn);
    }
}

static void put_calls(place_t *place, const llm_part_t *parts)
{
    llm_buf_t *out = place->out;

    llm_put_name(out, "tool_calls");
    llm_buf_putc(out, '[');
    for (; parts; parts = parts->next) {
        const llm_call_t *call = parts->call;

        if (parts->kind != LLM_PART_TOOL_CALL) {
            continue;
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
    llm_buf_putc(out, ']');
}

static void put_plan(const place_t *place, const llm_part_t *part)
{
    int count = 0;

    for (; part; part = part->next) {
        if (is_text(part) && part->text.len) {
            if (!count++) {
                llm_put_name(place->out, "tool_plan");
                llm_buf_putc(place->out, '"');
            }
            llm_buf_append(place->out, part->text.data, part->text.len);
        }
    }
    llm_buf_puts(place->out, count ? "\"" : "");
}

/* Beside calls the text is the plan, and the content what was thought. */
static void put_thinking(const place_t *place, const llm_part_t *part)
{
    llm_put_name(place->out, "content");
    llm_buf_putc(place->out, '[');
    for (; part; part = part->next) {
        if (part->kind == LLM_PART_THINKING) {
            put_part(place, part);
        }
    }
    llm_buf_putc(place->out, ']');
}

static void put_assistant(place_t *place, const llm_turn_t *turn)
{
    if (!llm_parts_have(turn->parts, LLM_PART_TOOL_CALL)) {
        put_said(place, turn, "assistant");
        return;
    }
    open_message(place, "assistant");
    put_plan(place, turn->parts);
    if (place->thinks && llm_parts_have(turn->parts, LLM_PART_THINKING)) {
        put_thinking(place, turn->parts);
    }
    put_calls(place, turn->parts);
    llm_buf_putc(place->out, '}');
}

llm_problem_t *llm_cohere_put_messages(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask, const char *model,
                                       apr_pool_t *pool)
{
    place_t place = {out, req, llm_cohere_thinks(model), 0, 0, 0, NULL, pool};
    llm_problem_t *problem = NULL;
    const llm_turn_t *turn;

    llm_put_name(out, "messages");
    llm_buf_putc(out, '[');
    for (turn = ask->turns; turn && !problem; turn = turn->next) {
        problem = check_parts(&place, turn->parts);
        if (problem) {
            break;
        }
        if (turn->name.data) {
            llm_request_drop(req, "messages.name");
        }
        if (turn->role == LLM_ROLE_ASSISTANT) {
            put_assistant(&place, turn);
        }
        else if (turn->role == LLM_ROLE_SYSTEM) {
            put_said(&place, turn, "system");
        }
        else {
            put_user(&place, turn);
        }
        ++place.turn;
    }
    llm_buf_putc(out, ']');
    return problem;
}
