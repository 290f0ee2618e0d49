/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's `messages`, or its prompt, become turns.
 *
 * A message is a turn: its text one string, its pictures bytes alone, beside
 * it. What an assistant thought comes first, then what it said, then its
 * calls. A result says which tool it is of, by its name, by an id, or by its
 * place: what is not said is taken from the calls before it, in their order.
 */
#include "dialect/ollama_internal.h"

#include <string.h>

#include <apr_strings.h>

typedef struct place_t {
    llm_ask_t *ask;
    int message;
    const llm_part_t *calls; /* of the last assistant, those not answered */
    apr_pool_t *pool;
} place_t;

static llm_problem_t *wrong(const place_t *place, const char *rest,
                            const char *what)
{
    return llm_problem_field(
        place->pool,
        apr_psprintf(place->pool, "messages[%d]%s", place->message, rest),
        "expected %s", what);
}

static void note_others(const place_t *place, const llm_json_t *object,
                        const char *const *known, const char *rest)
{
    if (llm_json_has_others(object, known)) {
        llm_ask_add_unknowns(
            place->ask, object, known,
            apr_psprintf(place->pool, "messages[%d]%s", place->message, rest),
            place->pool);
    }
}

/* ---- parts ---- */

static void add_text(llm_parts_t *parts, llm_part_e kind, llm_text_t text,
                     apr_pool_t *pool)
{
    if (!llm_text_is_empty(text)) {
        llm_parts_add_text(parts, kind, text, pool);
    }
}

/* What is in the bytes, by how they begin in base64. */
static const char *type_of(llm_text_t base64)
{
    static const struct {
        const char *begin, *type;
    } rows[] = {
        {"/9j/", "image/jpeg"},
        {"iVBOR", "image/png"},
        {"R0lGOD", "image/gif"},
        {"UklGR", "image/webp"},
        {NULL, NULL},
    };
    int i;

    for (i = 0; rows[i].begin; ++i) {
        apr_size_t len = strlen(rows[i].begin);

        if (base64.len >= len && !memcmp(base64.data, rows[i].begin, len)) {
            return rows[i].type;
        }
    }
    return "image/png";
}

/* Returns 0 where one is no string. */
static int read_images(llm_parts_t *parts, const llm_json_t *images,
                       apr_pool_t *pool)
{
    const llm_json_t *node;

    if (!images) {
        return 1;
    }
    if (images->type != LLM_JSON_ARRAY) {
        return 0;
    }
    for (node = images->child; node; node = node->next) {
        llm_media_t *media;

        if (llm_text_is_empty(llm_json_text(node))) {
            return 0;
        }
        media = apr_pcalloc(pool, sizeof(*media));
        if (!llm_media_set_url(media, llm_json_text(node), pool)
            || !media->base64.data) {
            media->base64 = llm_json_text(node);
            media->url = LLM_TEXT_NONE;
        }
        if (!media->media_type) { /* no data: URL, which some clients send */
            media->media_type = type_of(media->base64);
        }
        llm_parts_add(parts, LLM_PART_IMAGE, pool)->media = media;
    }
    return 1;
}

static llm_problem_t *read_said(place_t *place, llm_parts_t *parts,
                                const llm_json_t *message)
{
    const llm_json_t *content = llm_json_want(message, "content");

    if (content && content->type != LLM_JSON_STRING) {
        return wrong(place, ".content", "a string");
    }
    add_text(parts, LLM_PART_TEXT, llm_json_text(content), place->pool);
    return read_images(parts, llm_json_want(message, "images"), place->pool)
               ? NULL
               : wrong(place, ".images", "an array of pictures in base64");
}

/* ---- messages ---- */

static llm_problem_t *read_call(place_t *place, llm_parts_t *parts,
                                const llm_json_t *node, int i)
{
    static const char *const known[] = {"function", "id", "type", NULL};
    static const char *const members[] = {"arguments", "description", "index",
                                          "name", NULL};
    const llm_json_t *function = llm_json_want(node, "function");
    const llm_json_t *args = llm_json_want(function, "arguments");
    llm_text_t name = llm_json_text(llm_json_get(function, "name"));
    const char *where = apr_psprintf(place->pool, ".tool_calls[%d]", i);

    if (llm_text_is_empty(name)) {
        return wrong(place,
                     apr_pstrcat(place->pool, where, ".function.name", NULL),
                     "a name");
    }
    if (args && args->type != LLM_JSON_OBJECT) {
        return wrong(
            place, apr_pstrcat(place->pool, where, ".function.arguments", NULL),
            "an object");
    }
    llm_parts_add_call(parts,
                       llm_json_string(llm_json_get(node, "id"), place->pool),
                       name, llm_args_from_json(args), NULL, place->pool);
    note_others(place, node, known, where);
    note_others(place, function, members,
                apr_pstrcat(place->pool, where, ".function", NULL));
    return NULL;
}

static const llm_part_t *next_call(const llm_part_t *part)
{
    while (part && part->kind != LLM_PART_TOOL_CALL) {
        part = part->next;
    }
    return part;
}

static llm_problem_t *read_assistant(place_t *place, llm_turn_t *turn,
                                     const llm_json_t *message)
{
    const llm_json_t *calls = llm_json_want(message, "tool_calls"), *node;
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem;
    int i = 0;

    add_text(&parts, LLM_PART_THINKING,
             llm_json_text(llm_json_want(message, "thinking")), place->pool);
    problem = read_said(place, &parts, message);
    if (!problem && calls && calls->type != LLM_JSON_ARRAY) {
        return wrong(place, ".tool_calls", "an array");
    }
    for (node = calls ? calls->child : NULL; node && !problem;
         node = node->next) {
        problem = read_call(place, &parts, node, i++);
    }
    turn->parts = parts.first;
    place->calls = next_call(parts.first);
    return problem;
}

static llm_problem_t *read_result(place_t *place, llm_turn_t *turn,
                                  const llm_json_t *message)
{
    llm_parts_t outer = {NULL, NULL}, parts = {NULL, NULL};
    llm_part_t *part = llm_parts_add(&outer, LLM_PART_TOOL_RESULT, place->pool);
    const llm_json_t *name = llm_json_want(message, "tool_name");
    const char *id =
        llm_json_string(llm_json_want(message, "tool_call_id"), place->pool);
    llm_problem_t *problem = read_said(place, &parts, message);
    const llm_part_t *call = place->calls;

    if (!name) { /* as older clients call it */
        name = llm_json_want(message, "name");
    }
    part->result = parts.first;
    part->result_name = llm_json_text(name);
    part->result_of = id && *id ? id : NULL;
    if (call) {
        if (llm_text_is_empty(part->result_name) && !part->result_of) {
            part->result_name = call->call->name;
        }
        if (!part->result_of
            && llm_text_is_same(part->result_name, call->call->name)) {
            part->result_of = call->call->id;
        }
        place->calls = next_call(call->next);
    }
    turn->parts = part;
    return problem;
}

static llm_problem_t *read_message(place_t *place, llm_turns_t *turns,
                                   const llm_json_t *message)
{
    static const char *const known[] = {
        "content",    "images",    "name",         "role", "thinking",
        "tool_calls", "tool_name", "tool_call_id", NULL};
    static const llm_word_t roles[] = {
        {"user", LLM_ROLE_USER},
        {"assistant", LLM_ROLE_ASSISTANT},
        {"system", LLM_ROLE_SYSTEM},
        {"tool", LLM_ROLE_TOOL},
        {NULL, 0},
    };
    int role =
        llm_word_value(roles, llm_json_text(llm_json_get(message, "role")), -1);
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem;
    llm_turn_t *turn;

    if (message->type != LLM_JSON_OBJECT) {
        return wrong(place, "", "an object");
    }
    if (role < 0) {
        return wrong(place, ".role", "system, user, assistant or tool");
    }
    note_others(place, message, known, "");
    turn = llm_turns_add(turns, (llm_role_e)role, place->pool);
    if (role == LLM_ROLE_ASSISTANT) {
        return read_assistant(place, turn, message);
    }
    if (role == LLM_ROLE_TOOL) {
        return read_result(place, turn, message);
    }
    problem = read_said(place, &parts, message);
    turn->parts = parts.first;
    if (!turn->parts) { /* what says nothing is said all the same */
        llm_parts_add_text(&parts, LLM_PART_TEXT, LLM_TEXT_LITERAL(""),
                           place->pool);
        turn->parts = parts.first;
    }
    return problem;
}

llm_problem_t *llm_ollama_read_messages(llm_ask_t *ask, const llm_json_t *doc,
                                        apr_pool_t *pool)
{
    const llm_json_t *messages = llm_json_get(doc, "messages"), *message;
    place_t place = {ask, 0, NULL, pool};
    llm_turns_t turns = {NULL, NULL};
    llm_problem_t *problem = NULL;

    if (!llm_json_is(messages, LLM_JSON_ARRAY) || !messages->count) {
        return llm_problem_field(pool, "messages",
                                 "expected an array of messages");
    }
    for (message = messages->child; message && !problem;
         message = message->next) {
        problem = read_message(&place, &turns, message);
        ++place.message;
    }
    ask->turns = turns.first;
    llm_turns_name_results(ask->turns, pool);
    return problem;
}

llm_problem_t *llm_ollama_read_prompt(llm_ask_t *ask, const llm_json_t *doc,
                                      apr_pool_t *pool)
{
    const llm_json_t *prompt = llm_json_want(doc, "prompt");
    const llm_json_t *system = llm_json_want(doc, "system");
    llm_parts_t parts = {NULL, NULL}, rules = {NULL, NULL};
    llm_turns_t turns = {NULL, NULL};

    if (!prompt) {
        return llm_problem_field(pool, "messages",
                                 "expected an array of messages, or a prompt "
                                 "for /api/generate");
    }
    if (prompt->type != LLM_JSON_STRING) {
        return llm_problem_field(pool, "prompt", "expected a string");
    }
    if (system && system->type != LLM_JSON_STRING) {
        return llm_problem_field(pool, "system", "expected a string");
    }
    if (!llm_text_is_empty(llm_json_text(system))) {
        llm_parts_add_text(&rules, LLM_PART_TEXT, llm_json_text(system), pool);
        llm_turns_add(&turns, LLM_ROLE_SYSTEM, pool)->parts = rules.first;
    }
    llm_parts_add_text(&parts, LLM_PART_TEXT, llm_json_text(prompt), pool);
    if (!read_images(&parts, llm_json_want(doc, "images"), pool)) {
        return llm_problem_field(pool, "images",
                                 "expected an array of pictures in base64");
    }
    llm_turns_add(&turns, LLM_ROLE_USER, pool)->parts = parts.first;
    ask->turns = turns.first;
    return NULL;
}
