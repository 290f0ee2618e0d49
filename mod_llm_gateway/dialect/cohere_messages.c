/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's `messages` become turns.
 *
 * They are much like OpenAI's. What an assistant planned is text before its
 * calls; a result may be documents, which are text to everybody else.
 */
#include "dialect/cohere_internal.h"

#include <apr_strings.h>

typedef struct place_t {
    llm_ask_t *ask;
    int message;
    int part; /* -1: not in a list of parts */
    apr_pool_t *pool;
} place_t;

static const char *path_of(const place_t *place, const char *rest)
{
    if (place->part < 0) {
        return apr_psprintf(place->pool, "messages[%d]%s", place->message,
                            rest);
    }
    return apr_psprintf(place->pool, "messages[%d].content[%d]%s",
                        place->message, place->part, rest);
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

/* ---- parts ---- */

typedef llm_problem_t *read_part_fn(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node);

static llm_problem_t *read_text(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"text", "type", NULL};
    llm_text_t text = llm_json_text(llm_json_get(node, "text"));

    if (!text.data) {
        return wrong(place, ".text", "a string");
    }
    if (text.len) {
        llm_parts_add_text(parts, LLM_PART_TEXT, text, place->pool);
    }
    note_others(place, node, known, "");
    return NULL;
}

static llm_problem_t *read_thinking(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    llm_text_t text = llm_json_text(llm_json_get(node, "thinking"));

    if (!text.data) {
        return wrong(place, ".thinking", "a string");
    }
    if (text.len) {
        llm_parts_add_text(parts, LLM_PART_THINKING, text, place->pool);
    }
    return NULL;
}

static llm_problem_t *read_image(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    static const char *const known[] = {"image_url", "type", NULL};
    static const char *const members[] = {"detail", "url", NULL};
    const llm_json_t *image = llm_json_want(node, "image_url");
    const llm_json_t *url = llm_json_is(image, LLM_JSON_STRING)
                                ? image
                                : llm_json_get(image, "url");
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));

    if (!llm_json_is(url, LLM_JSON_STRING)) {
        return wrong(place, ".image_url.url", "an address");
    }
    media->detail = llm_json_text(llm_json_want(image, "detail"));
    if (!llm_media_set_url(media, llm_json_text(url), place->pool)) {
        return wrong(place, ".image_url.url", "base64 in a data: address");
    }
    llm_parts_add(parts, LLM_PART_IMAGE, place->pool)->media = media;
    note_others(place, node, known, "");
    note_others(place, image, members, ".image_url");
    return NULL;
}

/* {"data": "text" or an object, "id"}: its text, or its JSON. */
static llm_problem_t *read_document(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    const llm_json_t *document = llm_json_want(node, "document");
    const llm_json_t *data = llm_json_want(document, "data");
    llm_text_t text = llm_json_text(data);

    if (llm_json_is(data, LLM_JSON_OBJECT)) {
        text = llm_text_escape(data->raw.data, data->raw.len, place->pool);
    }
    if (!text.data) {
        return wrong(place, ".document.data", "a string or an object");
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, text, place->pool);
    return NULL;
}

static const struct {
    const char *type;
    read_part_fn *read;
} part_types[] = {
    {"text", read_text},
    {"image_url", read_image},
    {"document", read_document},
    {"thinking", read_thinking},
    {NULL, NULL},
};

static llm_problem_t *read_part(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    const llm_json_t *type = llm_json_get(node, "type");
    int i = 0;

    while (part_types[i].type && !llm_json_equals(type, part_types[i].type)) {
        ++i;
    }
    return part_types[i].type
               ? part_types[i].read(place, parts, node)
               : wrong(place, ".type", "text, image_url, thinking or document");
}

/* A string, a list of parts, or nothing where that is allowed. */
static llm_problem_t *read_content(place_t *place, llm_parts_t *parts,
                                   const llm_json_t *message, int may_lack)
{
    const llm_json_t *content = llm_json_want(message, "content"), *node;
    llm_problem_t *problem = NULL;

    if (llm_json_is(content, LLM_JSON_STRING)) {
        if (llm_json_text(content).len || !may_lack) {
            llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(content),
                               place->pool);
        }
        return NULL;
    }
    if (!llm_json_is(content, LLM_JSON_ARRAY)) {
        return !content && may_lack
                   ? NULL
                   : wrong(place, ".content", "a string or an array");
    }
    place->part = 0;
    for (node = content->child; node && !problem; node = node->next) {
        problem = read_part(place, parts, node);
        ++place->part;
    }
    place->part = -1;
    return problem;
}

/* ---- messages ---- */

static llm_problem_t *read_said(place_t *place, llm_turn_t *turn,
                                const llm_json_t *message)
{
    static const char *const known[] = {"content", "role", NULL};
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem = read_content(place, &parts, message, 0);

    turn->parts = parts.first;
    note_others(place, message, known, "");
    return problem;
}

static llm_problem_t *read_call(place_t *place, llm_parts_t *parts,
                                const llm_json_t *node, int i)
{
    static const char *const known[] = {"function", "id", "type", NULL};
    static const char *const members[] = {"arguments", "name", NULL};
    const llm_json_t *function = llm_json_want(node, "function");
    llm_text_t name = llm_json_text(llm_json_get(function, "name"));
    const char *where = apr_psprintf(place->pool, ".tool_calls[%d]", i);
    llm_bytes_t args;

    if (llm_text_is_empty(name)) {
        return wrong(place,
                     apr_pstrcat(place->pool, where, ".function.name", NULL),
                     "a name");
    }
    llm_args_from_text(
        &args, llm_json_text(llm_json_get(function, "arguments")), place->pool);
    llm_parts_add_call(parts,
                       llm_json_string(llm_json_get(node, "id"), place->pool),
                       name, args, NULL, place->pool);
    note_others(place, node, known, where);
    note_others(place, function, members,
                apr_pstrcat(place->pool, where, ".function", NULL));
    return NULL;
}

static llm_problem_t *read_assistant(place_t *place, llm_turn_t *turn,
                                     const llm_json_t *message)
{
    static const char *const known[] = {"citations",  "content",   "role",
                                        "tool_calls", "tool_plan", NULL};
    const llm_json_t *calls = llm_json_want(message, "tool_calls"), *node;
    const llm_json_t *citations = llm_json_want(message, "citations");
    llm_text_t plan = llm_json_text(llm_json_want(message, "tool_plan"));
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem = read_content(place, &parts, message, 1);
    int i = 0;

    if (plan.len) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, plan, place->pool);
    }
    if (!problem && calls && calls->type != LLM_JSON_ARRAY) {
        return wrong(place, ".tool_calls", "an array");
    }
    for (node = calls ? calls->child : NULL; node && !problem;
         node = node->next) {
        problem = read_call(place, &parts, node, i++);
    }
    turn->parts = parts.first;
    if (citations && citations->count) {
        llm_ask_add_unknown(place->ask, citations, path_of(place, ""),
                            place->pool);
    }
    note_others(place, message, known, "");
    return problem;
}

static llm_problem_t *read_result(place_t *place, llm_turn_t *turn,
                                  const llm_json_t *message)
{
    static const char *const known[] = {"content", "role", "tool_call_id",
                                        NULL};
    llm_parts_t outer = {NULL, NULL}, parts = {NULL, NULL};
    llm_part_t *part = llm_parts_add(&outer, LLM_PART_TOOL_RESULT, place->pool);
    const char *id =
        llm_json_string(llm_json_get(message, "tool_call_id"), place->pool);
    llm_problem_t *problem = read_content(place, &parts, message, 0);

    if (!id || !*id) {
        return wrong(place, ".tool_call_id", "the id of a call");
    }
    part->result = parts.first;
    part->result_of = id;
    turn->parts = part;
    note_others(place, message, known, "");
    return problem;
}

static const struct {
    const char *word;
    llm_role_e role;
    llm_problem_t *(*read)(place_t *place, llm_turn_t *turn,
                           const llm_json_t *message);
} roles[] = {
    {"user", LLM_ROLE_USER, read_said},
    {"assistant", LLM_ROLE_ASSISTANT, read_assistant},
    {"system", LLM_ROLE_SYSTEM, read_said},
    {"tool", LLM_ROLE_TOOL, read_result},
    {NULL, LLM_ROLE_USER, NULL},
};

static llm_problem_t *read_message(place_t *place, llm_turns_t *turns,
                                   const llm_json_t *message)
{
    const llm_json_t *role = llm_json_get(message, "role");
    int i = 0;

    if (message->type != LLM_JSON_OBJECT) {
        return wrong(place, "", "an object");
    }
    while (roles[i].word && !llm_json_equals(role, roles[i].word)) {
        ++i;
    }
    if (!roles[i].word) {
        return wrong(place, ".role", "system, user, assistant or tool");
    }
    return roles[i].read(
        place, llm_turns_add(turns, roles[i].role, place->pool), message);
}

llm_problem_t *llm_cohere_read_messages(llm_ask_t *ask,
                                        const llm_json_t *messages,
                                        apr_pool_t *pool)
{
    place_t place = {ask, 0, -1, pool};
    llm_turns_t turns = {NULL, NULL};
    llm_problem_t *problem = NULL;
    const llm_json_t *message;

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
