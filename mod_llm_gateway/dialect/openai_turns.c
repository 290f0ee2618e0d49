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
    const llm_ask_t *ask;
    const llm_habits_t *habits;
    unsigned quirks;
    int turn;              /* number of the turn, for error texts */
    int calls;             /* calls without an id so far */
    int results;           /* results that name no call so far */
    const llm_turn_t *row; /* the first of several turns with results */
    int after_results;     /* the last message holds a result */
    int needs_reasoning;   /* calls have to have some */
    llm_openai_ids_t *ids; /* where ids have a form; else NULL */
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
        return llm_openai_ids_fit(place->ids, id);
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

/* Servers that take films take them so; OpenAI itself takes none. */
static llm_problem_t *put_video(const place_t *place, const llm_part_t *part)
{
    if ((place->quirks & LLM_OPENAI_GENUINE) || part->media->file_id.data) {
        return cannot(place, ".content.video");
    }
    llm_buf_lit(place->out, "{\"type\":\"video_url\",\"video_url\":{\"url\":");
    llm_put_media_url(place->out, part->media);
    llm_buf_lit(place->out, "}}");
    return NULL;
}

static llm_problem_t *put_file(const place_t *place, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    llm_buf_t *out = place->out;

    if (llm_media_is_video(media)) {
        return put_video(place, part);
    }
    if ((place->quirks & LLM_OPENAI_DOCUMENT_URLS) && !media->file_id.data) {
        llm_buf_lit(out, "{\"type\":\"document_url\",\"document_url\":");
        llm_put_media_url(out, media);
        llm_put_text_member(out, "document_name", media->filename);
        put_cache(place, part);
        llm_buf_putc(out, '}');
        return NULL;
    }
    if (media->url.data) {
        return cannot(place, ".content.source.url");
    }
    llm_buf_lit(out, "{\"type\":\"file\",\"file\":{");
    if (media->base64.data) {
        llm_put_text_member(out, "filename", llm_media_filename(media));
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

/* Are they texts alone, and can they be one? Servers that copy OpenAI's
 * dialect take a string everywhere, and a list of parts not all of them. */
static int may_join(const place_t *place, const llm_part_t *part)
{
    if (place->quirks & LLM_OPENAI_GENUINE) {
        return 0;
    }
    for (part = next_said(part); part; part = next_said(part->next)) {
        if (!is_text(part)
            || (part->cache && (place->quirks & LLM_OPENAI_TAKES_CACHE))) {
            return 0;
        }
    }
    return 1;
}

static void put_joined(const place_t *place, const llm_part_t *part)
{
    const char *between = "";

    llm_buf_putc(place->out, '"');
    for (part = next_said(part); part; part = next_said(part->next)) {
        if (part->text.len) {
            llm_buf_puts(place->out, between);
            llm_buf_append(place->out, part->text.data, part->text.len);
            between = "\\n";
        }
        put_cache(place, part); /* there is no place for it: told */
    }
    llm_buf_putc(place->out, '"');
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
    if (may_join(place, part)) {
        put_joined(place, part);
        return NULL;
    }
    llm_buf_putc(place->out, '[');
    for (; part && !problem; part = next_said(part->next)) {
        problem = put_part(place, part);
    }
    llm_buf_putc(place->out, ']');
    return problem;
}

/* Mistral has the model speak between a tool's result and its user. */
static void open_message(place_t *place, const char *role)
{
    if (place->after_results && (place->quirks & LLM_OPENAI_STRICT_ORDER)
        && !strcmp(role, "user")) {
        llm_put_comma(place->out);
        llm_buf_lit(place->out, "{\"role\":\"assistant\",\"content\":\"OK\"}");
    }
    place->after_results = !strcmp(role, "tool");
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

static void put_author(const place_t *place, const llm_turn_t *turn)
{
    if (turn->name.data && llm_profile_lacks(place->habits, "name")) {
        llm_request_drop(place->req, "messages.name");
    }
    else {
        llm_put_text_member(place->out, "name", turn->name);
    }
}

static llm_problem_t *put_said(place_t *place, const llm_turn_t *turn,
                               const char *role)
{
    llm_problem_t *problem;

    open_message(place, role);
    problem = put_content(place, turn->parts);
    put_author(place, turn);
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
            if (!is_text
                || !(place->quirks
                     & (LLM_OPENAI_TAKES_REASONING | LLM_OPENAI_THINKING_PARTS
                        | LLM_OPENAI_REASONING_PARTS))) {
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
    else if (place->needs_reasoning
             && llm_parts_have(parts, LLM_PART_TOOL_CALL)) {
        /* another model's: as little as is taken for some */
        llm_buf_lit(place->out, ",\"reasoning_content\":\" \"");
    }
}

/* One thought as a part of the content. */
static void put_thought_part(const place_t *place, const llm_part_t *part)
{
    llm_buf_t *out = place->out;

    llm_put_comma(out);
    if (place->quirks & LLM_OPENAI_REASONING_PARTS) {
        llm_buf_lit(out, "{\"type\":\"reasoning\",\"summary\":[{\"type\":"
                         "\"summary_text\"");
        llm_put_needed_text(out, "text", part->text);
        llm_put_text_member(out, "signature", part->signature);
    }
    else {
        llm_buf_lit(out, "{\"type\":\"thinking\",\"thinking\":[{\"type\":"
                         "\"text\"");
        llm_put_needed_text(out, "text", part->text);
    }
    llm_buf_lit(out, "}]}");
}

/* `content` with thoughts among its parts. */
static llm_problem_t *put_thoughtful(place_t *place, const llm_part_t *parts)
{
    const llm_part_t *part;
    llm_problem_t *problem = NULL;

    llm_buf_lit(place->out, ",\"content\":[");
    for (part = parts; part && !problem; part = part->next) {
        if (part->kind == LLM_PART_THINKING) {
            put_thought_part(place, part);
        }
        else if (is_said(part)) {
            problem = put_part(place, part);
        }
    }
    llm_buf_putc(place->out, ']');
    return problem;
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
        if ((place->quirks & LLM_OPENAI_GENUINE)
            && llm_openai_is_custom(place->ask, call->name, place->pool)) {
            llm_openai_put_custom_call(out, call, place->pool);
            llm_buf_putc(out, '}');
            continue;
        }
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
    if ((place->quirks
         & (LLM_OPENAI_THINKING_PARTS | LLM_OPENAI_REASONING_PARTS))
        && llm_parts_have(turn->parts, LLM_PART_THINKING)) {
        problem = put_thoughtful(place, turn->parts);
    }
    else if (!said && llm_parts_have(turn->parts, LLM_PART_TOOL_CALL)) {
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
    put_author(place, turn);
    if (!turn->next && (place->quirks & LLM_OPENAI_STRICT_ORDER)) {
        llm_put_raw_member(place->out, "prefix", "true"); /* gone on with */
    }
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

/* Mistral's system messages stand in front, or behind a user's. */
static int is_system_late(const llm_turn_t *turn)
{
    int answered = 0;

    for (; turn; turn = turn->next) {
        if (answered && turn->role == LLM_ROLE_SYSTEM) {
            return 1;
        }
        answered |= turn->role == LLM_ROLE_ASSISTANT;
    }
    return 0;
}

/* The turns; those of the system only, or all others, where `which` is not
 * negative. */
static llm_problem_t *put_turns(place_t *place, const llm_turn_t *turn,
                                int which)
{
    llm_problem_t *problem = NULL;

    for (place->turn = 0; turn && !problem; turn = turn->next, ++place->turn) {
        if (which < 0 || which == (turn->role == LLM_ROLE_SYSTEM)) {
            problem = put_turn(place, turn);
        }
    }
    return problem;
}

llm_problem_t *llm_openai_put_messages(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask,
                                       const llm_habits_t *habits,
                                       apr_pool_t *pool)
{
    unsigned quirks = habits->quirks;
    place_t place = {
        .out = out, .req = req, .ask = ask, .habits = habits, .pool = pool};
    const llm_turn_t *turns = llm_profile_lacks(habits, "turns_in_row")
                                  ? llm_openai_alternate(ask->turns, pool)
                                  : ask->turns;
    llm_problem_t *problem;

    place.quirks = quirks;
    place.needs_reasoning = (quirks & LLM_OPENAI_CALLS_NEED_REASONING)
                            && ask->thinking >= 0
                            && !llm_text_equals(ask->effort, "none");
    if (quirks & LLM_OPENAI_NINE_LETTER_IDS) {
        place.ids = llm_openai_ids_make(pool);
    }
    llm_put_name(out, "messages");
    llm_buf_putc(out, '[');
    llm_openai_put_format_prompt(out, ask, quirks, pool);
    if ((quirks & LLM_OPENAI_STRICT_ORDER) && is_system_late(turns)) {
        problem = put_turns(&place, turns, 1);
        if (!problem) {
            problem = put_turns(&place, turns, 0);
        }
    }
    else {
        problem = put_turns(&place, turns, -1);
    }
    llm_buf_putc(out, ']');
    return problem;
}
