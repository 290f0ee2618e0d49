/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `input` of a client's request becomes turns.
 *
 * It is a text, or a list of items. What an assistant did in a row (reasoning,
 * messages, calls) is one turn, in its order; each message of another role and
 * each result of a call is a turn of its own, right behind the call. An item that refers to what
 * OpenAI has stored, or that only OpenAI's own tools make, is refused.
 */
#include "dialect/openai_responses_internal.h"

#include <string.h>
#include <strings.h>

#include <apr_hash.h>
#include <apr_strings.h>

/* Where in the input we are, and what was built by then. */
typedef struct place_t {
    llm_ask_t *ask;
    llm_turns_t *turns;
    llm_parts_t said; /* of the assistant's turn that is open */
    int is_open;      /* the last turn is the assistant's and goes on */
    int item;
    const char *list; /* "content" or "output"; NULL: not in a list */
    int part;
    apr_pool_t *pool;
} place_t;

static const char *path_of(const place_t *place, const char *rest)
{
    return place->list
               ? apr_psprintf(place->pool, "input[%d].%s[%d]%s", place->item,
                              place->list, place->part, rest)
               : apr_psprintf(place->pool, "input[%d]%s", place->item, rest);
}

static llm_problem_t *wrong(const place_t *place, const char *rest,
                            const char *what)
{
    return llm_problem_field(place->pool, path_of(place, rest), "%s", what);
}

static void note_others(const place_t *place, const llm_json_t *object,
                        const char *const *known)
{
    if (llm_json_has_others(object, known)) {
        llm_ask_add_unknowns(place->ask, object, known, path_of(place, ""),
                             place->pool);
    }
}

/* ---- parts ---- */

typedef llm_problem_t *read_part_fn(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node);

static llm_problem_t *read_text(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"type", "text", "annotations",
                                        "logprobs", NULL};
    const llm_json_t *annotations = llm_json_want(node, "annotations");
    llm_text_t text = llm_json_text(llm_json_get(node, "text"));

    if (!text.data) {
        return wrong(place, ".text", "expected a string");
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, text, place->pool);
    if (annotations && annotations->count) {
        llm_ask_add_unknown(place->ask, annotations, path_of(place, ""),
                            place->pool);
    }
    note_others(place, node, known);
    return NULL;
}

static llm_problem_t *read_refusal(const place_t *place, llm_parts_t *parts,
                                   const llm_json_t *node)
{
    llm_text_t text = llm_json_text(llm_json_get(node, "refusal"));

    if (!text.data) {
        return wrong(place, ".refusal", "expected a string");
    }
    llm_parts_add_text(parts, LLM_PART_REFUSAL, text, place->pool);
    return NULL;
}

static llm_media_t *add_media(const place_t *place, llm_parts_t *parts,
                              llm_part_e kind)
{
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));

    llm_parts_add(parts, kind, place->pool)->media = media;
    return media;
}

static llm_problem_t *read_image(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    static const char *const known[] = {"type", "image_url", "detail",
                                        "file_id", NULL};
    llm_text_t url = llm_json_text(llm_json_want(node, "image_url"));
    llm_text_t id = llm_json_text(llm_json_want(node, "file_id"));
    llm_media_t *media;

    if (!url.data && !id.data) {
        return wrong(place, ".image_url", "expected an address, or file_id");
    }
    media = add_media(place, parts, LLM_PART_IMAGE);
    media->detail = llm_json_text(llm_json_want(node, "detail"));
    if (llm_text_equals(media->detail, "auto")) {
        media->detail = LLM_TEXT_NONE; /* the default, which SDKs write out */
    }
    media->file_id = id;
    note_others(place, node, known);
    if (url.data && !llm_media_set_url(media, url, place->pool)) {
        return wrong(place, ".image_url", "a data: address has to be base64");
    }
    return NULL;
}

static llm_problem_t *read_file(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"type",     "file_id",  "file_data",
                                        "file_url", "filename", NULL};
    llm_text_t data = llm_json_text(llm_json_want(node, "file_data"));
    llm_text_t url = llm_json_text(llm_json_want(node, "file_url"));
    llm_text_t id = llm_json_text(llm_json_want(node, "file_id"));
    llm_media_t *media;

    if (!data.data && !url.data && !id.data) {
        return wrong(place, ".file_data",
                     "expected file_data, file_url or file_id");
    }
    media = add_media(place, parts, LLM_PART_FILE);
    media->file_id = id;
    media->url = url;
    media->filename = llm_json_text(llm_json_want(node, "filename"));
    note_others(place, node, known);
    if (data.len < 5 || strncasecmp(data.data, "data:", 5)) {
        media->base64 = data; /* some clients leave the rest out */
    }
    else if (!llm_media_set_url(media, data, place->pool)) {
        return wrong(place, ".file_data", "a data: address has to be base64");
    }
    return NULL;
}

static llm_problem_t *read_audio(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    const llm_json_t *audio = llm_json_want(node, "input_audio");
    const llm_json_t *format = llm_json_get(audio, "format");
    llm_text_t data = llm_json_text(llm_json_get(audio, "data"));
    llm_media_t *media;

    if (!data.data || !llm_json_is(format, LLM_JSON_STRING)) {
        return wrong(place, ".input_audio", "expected data and format");
    }
    media = add_media(place, parts, LLM_PART_AUDIO);
    media->base64 = data;
    media->media_type = apr_pstrcat(place->pool, "audio/",
                                    llm_json_equals(format, "mp3")
                                        ? "mpeg"
                                        : llm_json_string(format, place->pool),
                                    NULL);
    return NULL;
}

static const struct {
    const char *type;
    read_part_fn *read;
} part_types[] = {
    {"input_text", read_text},     {"output_text", read_text},
    {"text", read_text},           {"input_image", read_image},
    {"input_file", read_file},     {"input_audio", read_audio},
    {"refusal", read_refusal},     {"summary_text", read_text},
    {"reasoning_text", read_text}, {NULL, NULL},
};

static llm_problem_t *read_part(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    const llm_json_t *type = llm_json_get(node, "type");
    int i;

    if (!llm_json_is(type, LLM_JSON_STRING)) {
        return wrong(place, ".type", "expected a string");
    }
    for (i = 0; part_types[i].type; ++i) {
        if (llm_json_equals(type, part_types[i].type)) {
            return part_types[i].read(place, parts, node);
        }
    }
    return wrong(place, ".type",
                 "expected input_text, input_image, input_file, input_audio, "
                 "output_text or refusal");
}

/* A string, or a list of parts. */
static llm_problem_t *read_content(place_t *place, llm_parts_t *parts,
                                   const llm_json_t *item, const char *name)
{
    const llm_json_t *content = llm_json_want(item, name), *node;
    llm_problem_t *problem = NULL;

    if (llm_json_is(content, LLM_JSON_STRING)) {
        llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(content),
                           place->pool);
        return NULL;
    }
    if (!llm_json_is(content, LLM_JSON_ARRAY)) {
        return wrong(place, apr_pstrcat(place->pool, ".", name, NULL),
                     "expected a string or an array");
    }
    place->list = name;
    place->part = 0;
    for (node = content->child; node && !problem; node = node->next) {
        problem = read_part(place, parts, node);
        ++place->part;
    }
    place->list = NULL;
    return problem;
}

/* ---- items ---- */

/* The parts of the assistant's turn that is open, one opened where none is. */
static llm_parts_t *open_said(place_t *place)
{
    if (!place->is_open) {
        place->is_open = 1;
        place->said = (llm_parts_t){NULL, NULL};
        llm_turns_add(place->turns, LLM_ROLE_ASSISTANT, place->pool);
    }
    return &place->said;
}

static void keep_said(place_t *place)
{
    place->turns->last->parts = place->said.first;
}

typedef llm_problem_t *read_item_fn(place_t *place, const llm_json_t *item);

static llm_problem_t *read_message(place_t *place, const llm_json_t *item)
{
    static const llm_word_t roles[] = {
        {"user", LLM_ROLE_USER},
        {"assistant", LLM_ROLE_ASSISTANT},
        {"system", LLM_ROLE_SYSTEM},
        {"developer", LLM_ROLE_SYSTEM},
        {NULL, 0},
    };
    static const char *const known[] = {"type",   "id",    "role", "content",
                                        "status", "phase", NULL};
    int role =
        llm_word_value(roles, llm_json_text(llm_json_get(item, "role")), -1);
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem;

    if (role < 0) {
        return wrong(place, ".role",
                     "expected user, assistant, system or developer");
    }
    note_others(place, item, known);
    if (role == LLM_ROLE_ASSISTANT) {
        problem = read_content(place, open_said(place), item, "content");
        keep_said(place);
        return problem;
    }
    place->is_open = 0;
    problem = read_content(place, &parts, item, "content");
    llm_turns_add(place->turns, (llm_role_e)role, place->pool)->parts =
        parts.first;
    return problem;
}

/* Of a call: what its tool is called where there are no namespaces. */
static llm_text_t name_of(const place_t *place, const llm_json_t *item)
{
    return llm_responses_join(llm_json_text(llm_json_want(item, "namespace")),
                              llm_json_text(llm_json_get(item, "name")),
                              place->pool);
}

static llm_problem_t *read_call(place_t *place, const llm_json_t *item)
{
    static const char *const known[] = {"type",      "id",        "call_id",
                                        "name",      "arguments", "status",
                                        "namespace", NULL};
    const char *id =
        llm_json_string(llm_json_want(item, "call_id"), place->pool);
    llm_text_t name = llm_json_text(llm_json_get(item, "name"));
    llm_bytes_t args;

    if (!id || !*id) {
        return wrong(place, ".call_id", "expected a string");
    }
    if (llm_text_is_empty(name)) {
        return wrong(place, ".name", "expected a name");
    }
    llm_args_from_text(&args, llm_json_text(llm_json_want(item, "arguments")),
                       place->pool);
    llm_parts_add_call(open_said(place), id, name_of(place, item), args, NULL,
                       place->pool);
    keep_said(place);
    note_others(place, item, known);
    return NULL;
}

/* Of a custom tool: `input` is a text, and not JSON. */
static llm_problem_t *read_custom(place_t *place, const llm_json_t *item)
{
    static const char *const known[] = {"type",  "id",     "call_id",   "name",
                                        "input", "status", "namespace", NULL};
    const char *id =
        llm_json_string(llm_json_want(item, "call_id"), place->pool);
    llm_text_t name = llm_json_text(llm_json_get(item, "name"));
    llm_text_t input = llm_json_text(llm_json_get(item, "input"));

    if (!id || !*id) {
        return wrong(place, ".call_id", "expected a string");
    }
    if (llm_text_is_empty(name)) {
        return wrong(place, ".name", "expected a name");
    }
    if (!input.data) {
        return wrong(place, ".input", "expected a string");
    }
    llm_parts_add_call(open_said(place), id, name_of(place, item),
                       llm_openai_input_as_args(input, place->pool), NULL,
                       place->pool);
    keep_said(place);
    note_others(place, item, known);
    return NULL;
}

static llm_problem_t *read_result(place_t *place, const llm_json_t *item)
{
    static const char *const known[] = {"type",   "id",     "call_id",
                                        "output", "status", NULL};
    const char *id =
        llm_json_string(llm_json_want(item, "call_id"), place->pool);
    llm_parts_t outer = {NULL, NULL}, parts = {NULL, NULL};
    llm_problem_t *problem;
    llm_part_t *part;

    if (!id || !*id) {
        return wrong(place, ".call_id", "expected a string");
    }
    place->is_open = 0;
    problem = read_content(place, &parts, item, "output");
    part = llm_parts_add(&outer, LLM_PART_TOOL_RESULT, place->pool);
    part->result = parts.first;
    part->result_of = id;
    llm_turns_add(place->turns, LLM_ROLE_TOOL, place->pool)->parts = part;
    note_others(place, item, known);
    return problem;
}

/* One that holds neither a text nor what its provider wants back is known to
 * OpenAI by its id alone. */
static llm_problem_t *read_reasoning(place_t *place, const llm_json_t *item)
{
    static const char *const known[] = {
        "type",   "id", "summary", "content", "encrypted_content",
        "status", NULL};
    llm_json_t *told;

    if (!llm_responses_read_reasoning(open_said(place), item, place->pool)) {
        told = apr_pmemdup(place->pool, item, sizeof(*told));
        told->name = LLM_TEXT_LITERAL("reasoning");
        llm_ask_add_unknown(place->ask, told, path_of(place, ""), place->pool);
    }
    keep_said(place);
    note_others(place, item, known);
    return NULL;
}

/* What OpenAI's own tools did for an answer: that a search was made, which tools
 * there were. What was found is in the answer itself. */
static llm_problem_t *pass_over(place_t *place, const llm_json_t *item)
{
    llm_json_t *told = apr_pmemdup(place->pool, item, sizeof(*told));

    told->name = llm_json_text(llm_json_get(item, "type"));
    llm_ask_add_unknown(place->ask, told, path_of(place, ""), place->pool);
    return NULL;
}

/* A picture of an earlier answer. */
static llm_problem_t *read_shown(place_t *place, const llm_json_t *item)
{
    static const char *const known[] = {
        "type",       "id",      "status", "result", "output_format",
        "background", "quality", "size",   "action", "revised_prompt",
        NULL};
    const llm_media_t *shown = llm_responses_read_shown(item, place->pool);

    if (!shown) {
        return wrong(place, ".result",
                     "expected the picture: the provider of this model does "
                     "not know what OpenAI has stored");
    }
    llm_parts_add(open_said(place), LLM_PART_IMAGE, place->pool)->media = shown;
    keep_said(place);
    note_others(place, item, known);
    return NULL;
}

static const struct {
    const char *type;
    read_item_fn *read;
} item_types[] = {
    {"message", read_message},
    {"custom_tool_call", read_custom},
    {"custom_tool_call_output", read_result},
    {"function_call", read_call},
    {"function_call_output", read_result},
    {"image_generation_call", read_shown},
    {"mcp_list_tools", pass_over},
    {"reasoning", read_reasoning},
    {"web_search_call", pass_over},
    {NULL, NULL},
};

static llm_problem_t *read_item(place_t *place, const llm_json_t *item)
{
    const llm_json_t *type = llm_json_want(item, "type");
    llm_problem_t *problem;
    int i;

    if (item->type != LLM_JSON_OBJECT) {
        return wrong(place, "", "expected an object");
    }
    if (!type && llm_json_get(item, "role")) {
        return read_message(place, item);
    }
    if (!llm_json_is(type, LLM_JSON_STRING)) {
        return wrong(place, ".type", "expected a string");
    }
    for (i = 0; item_types[i].type; ++i) {
        if (llm_json_equals(type, item_types[i].type)) {
            return item_types[i].read(place, item);
        }
    }
    problem = llm_problem_field(place->pool, path_of(place, ".type"),
                                "an item '%.100s' is OpenAI's own, and the "
                                "provider of this model cannot use it",
                                llm_json_string(type, place->pool));
    problem->code = "unsupported_parameter";
    return problem;
}

/* ---- order ---- */

/*
 * Here a result may stand anywhere behind its call: Codex and others write what
 * a user or a developer said meanwhile between the two. Elsewhere it has to
 * follow its call, so it is put there, behind those that do.
 */
static void settle_results(llm_turns_t *turns, apr_pool_t *pool)
{
    apr_hash_t *callers = apr_hash_make(pool); /* turns by ids of calls */
    llm_turn_t *turn, *next, *before = NULL, *said = NULL, *caller, *at;
    const llm_part_t *part;

    for (turn = turns->first; turn; turn = next) {
        next = turn->next;
        if (turn->role != LLM_ROLE_TOOL) {
            for (part = turn->parts; part; part = part->next) {
                if (part->kind == LLM_PART_TOOL_CALL) {
                    apr_hash_set(callers, part->call->id, APR_HASH_KEY_STRING,
                                 turn);
                }
            }
            said = turn;
        }
        else {
            caller = apr_hash_get(callers, turn->parts->result_of,
                                  APR_HASH_KEY_STRING);
            if (caller && caller != said) {
                before->next = next;
                for (at = caller; at->next->role == LLM_ROLE_TOOL;
                     at = at->next) {
                }
                turn->next = at->next;
                at->next = turn;
                continue;
            }
        }
        before = turn;
    }
    turns->last = before;
}

llm_problem_t *llm_responses_read_input(llm_ask_t *ask, llm_turns_t *turns,
                                        const llm_json_t *input,
                                        apr_pool_t *pool)
{
    place_t place = {ask, turns, {NULL, NULL}, 0, 0, NULL, 0, pool};
    llm_problem_t *problem = NULL;
    llm_parts_t parts = {NULL, NULL};
    const llm_json_t *item;

    if (llm_json_is(input, LLM_JSON_STRING)) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, llm_json_text(input), pool);
        llm_turns_add(turns, LLM_ROLE_USER, pool)->parts = parts.first;
    }
    else if (!llm_json_is(input, LLM_JSON_ARRAY) || !input->count) {
        return llm_problem_field(pool, "input",
                                 "expected a string or an array of items");
    }
    for (item = input->child; item && !problem; item = item->next) {
        problem = read_item(&place, item);
        ++place.item;
    }
    if (!problem) {
        settle_results(turns, pool);
    }
    ask->turns = turns->first;
    llm_turns_name_results(ask->turns, pool);
    return problem;
}
