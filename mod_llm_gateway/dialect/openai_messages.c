/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `messages` of a client's request become turns.
 *
 * A message is a turn, wherever it stands: system messages too. An assistant's
 * parts come in the order in which models make them: thinking, text, calls.
 * Reasoning that a client sends back is taken in the forms in which this
 * dialect and others give it out: reasoning_details with signatures,
 * reasoning_content, reasoning, Mistral's thinking parts.
 *
 * Paths ("messages[3].content[0]") are printed only when there is something
 * to say about them.
 */
#include "dialect/openai_internal.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

/* Where in the messages we are. */
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
    return llm_problem_field(place->pool, path_of(place, rest), "%s", what);
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
    static const char *const known[] = {"type", "text", "cache_control", NULL};
    llm_text_t text = llm_json_text(llm_json_get(node, "text"));

    if (!text.data) {
        return wrong(place, ".text", "expected a string");
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, text, place->pool)->cache =
        llm_json_want(node, "cache_control");
    note_others(place, node, known, "");
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
                              llm_part_e kind, const llm_json_t *node)
{
    llm_part_t *part = llm_parts_add(parts, kind, place->pool);
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));

    part->media = media;
    part->cache = llm_json_want(node, "cache_control");
    return media;
}

/* LiteLLM's `format`: a media type where an address does not say one. */
static void take_format(const place_t *place, llm_media_t *media,
                        const llm_json_t *object)
{
    const char *format =
        llm_json_string(llm_json_want(object, "format"), place->pool);

    if (!media->media_type && format && strchr(format, '/')) {
        media->media_type = format;
    }
}

static llm_problem_t *read_image(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    static const char *const known[] = {"type", "image_url", "cache_control",
                                        NULL};
    static const char *const image_members[] = {"url", "detail", "format",
                                                NULL};
    const llm_json_t *image = llm_json_want(node, "image_url");
    const llm_json_t *url = llm_json_is(image, LLM_JSON_STRING)
                                ? image
                                : llm_json_get(image, "url");
    llm_media_t *media;

    if (!llm_json_is(url, LLM_JSON_STRING)) {
        return wrong(place, ".image_url.url", "expected an address");
    }
    media = add_media(place, parts, LLM_PART_IMAGE, node);
    media->detail = llm_json_text(llm_json_want(image, "detail"));
    if (!llm_media_set_url(media, llm_json_text(url), place->pool)) {
        return wrong(place, ".image_url.url",
                     "a data: address has to be base64");
    }
    take_format(place, media, image);
    note_others(place, node, known, "");
    note_others(place, image, image_members, ".image_url");
    return NULL;
}

/* What the film is, by how its address ends. */
static const char *film_type(llm_text_t url)
{
    static const struct {
        const char *end, *type;
    } types[] = {{"mov", "video/quicktime"},
                 {"mpg", "video/mpeg"},
                 {"mpeg", "video/mpeg"},
                 {"webm", "video/webm"}};
    apr_size_t i, len;

    for (i = 0; i < sizeof(types) / sizeof(*types); ++i) {
        len = strlen(types[i].end);
        if (url.len > len
            && !strncasecmp(url.data + url.len - len, types[i].end, len)) {
            return types[i].type;
        }
    }
    return "video/mp4";
}

/* OpenRouter's, vLLM's and others'. */
static llm_problem_t *read_video(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    static const char *const known[] = {"type", "video_url", "cache_control",
                                        NULL};
    static const char *const video_members[] = {"url", "format", NULL};
    const llm_json_t *video = llm_json_want(node, "video_url");
    llm_text_t url = llm_json_text(llm_json_is(video, LLM_JSON_STRING)
                                       ? video
                                       : llm_json_get(video, "url"));
    llm_media_t *media;

    if (!url.data) {
        return wrong(place, ".video_url.url", "expected an address");
    }
    media = add_media(place, parts, LLM_PART_FILE, node);
    if (!llm_media_set_url(media, url, place->pool)) {
        return wrong(place, ".video_url.url",
                     "a data: address has to be base64");
    }
    take_format(place, media, video);
    if (!media->media_type) {
        media->media_type = film_type(url);
    }
    note_others(place, node, known, "");
    note_others(place, video, video_members, ".video_url");
    return NULL;
}

static int is_address(llm_text_t text)
{
    static const char *const schemes[] = {"http://", "https://", "gs://", NULL};
    int i;

    for (i = 0; schemes[i]; ++i) {
        apr_size_t len = strlen(schemes[i]);

        if (text.len > len && !strncasecmp(text.data, schemes[i], len)) {
            return 1;
        }
    }
    return 0;
}

static llm_problem_t *read_audio(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *node)
{
    const llm_json_t *audio = llm_json_want(node, "input_audio");
    const char *format =
        llm_json_string(llm_json_get(audio, "format"), place->pool);
    llm_text_t data = llm_json_text(llm_json_get(audio, "data"));
    llm_media_t *media;

    if (!data.data || !format) {
        return wrong(place, ".input_audio", "expected data and format");
    }
    media = add_media(place, parts, LLM_PART_AUDIO, node);
    media->base64 = data;
    media->media_type = apr_pstrcat(
        place->pool, "audio/",
        llm_json_equals(llm_json_get(audio, "format"), "mp3") ? "mpeg" : format,
        NULL);
    return NULL;
}

static llm_problem_t *read_file(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"type", "file", "cache_control", NULL};
    static const char *const file_members[] = {"file_id", "file_data",
                                               "filename", "format", NULL};
    const llm_json_t *file = llm_json_want(node, "file");
    llm_text_t data = llm_json_text(llm_json_want(file, "file_data"));
    llm_text_t id = llm_json_text(llm_json_want(file, "file_id"));
    llm_media_t *media;

    if (!data.data && !id.data) {
        return wrong(place, ".file", "expected file_data or file_id");
    }
    media = add_media(place, parts, LLM_PART_FILE, node);
    media->filename = llm_json_text(llm_json_want(file, "filename"));
    if (is_address(data)) { /* OpenRouter's */
        media->url = data;
    }
    else if (!data.data && is_address(id)) { /* LiteLLM's */
        media->url = id;
    }
    else if (!data.data) {
        media->file_id = id;
    }
    else if (data.len < 5 || strncasecmp(data.data, "data:", 5)) {
        media->base64 = data; /* some clients leave the rest out */
    }
    else if (!llm_media_set_url(media, data, place->pool)) {
        return wrong(place, ".file.file_data",
                     "a data: address has to be base64");
    }
    take_format(place, media, file);
    note_others(place, node, known, "");
    note_others(place, file, file_members, ".file");
    return NULL;
}

static llm_problem_t *read_thinking(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    llm_openai_read_thinking_part(parts, node, place->pool);
    return NULL;
}

static llm_problem_t *read_redacted(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    llm_text_t data = llm_json_text(llm_json_get(node, "data"));

    if (!data.data) {
        return wrong(place, ".data", "expected a string");
    }
    llm_parts_add_text(parts, LLM_PART_REDACTED, data, place->pool);
    return NULL;
}

/* Mistral's: an address, or data. */
static llm_problem_t *read_document(const place_t *place, llm_parts_t *parts,
                                    const llm_json_t *node)
{
    static const char *const known[] = {"type", "document_url", "document_name",
                                        "cache_control", NULL};
    llm_text_t url = llm_json_text(llm_json_want(node, "document_url"));
    llm_media_t *media;

    if (!url.data) {
        return wrong(place, ".document_url", "expected an address");
    }
    media = add_media(place, parts, LLM_PART_FILE, node);
    media->filename = llm_json_text(llm_json_want(node, "document_name"));
    if (!llm_media_set_url(media, url, place->pool)) {
        return wrong(place, ".document_url",
                     "a data: address has to be base64");
    }
    note_others(place, node, known, "");
    return NULL;
}

/* A citation in Mistral's copy of an answer: nothing was said in it. */
static llm_problem_t *read_reference(const place_t *place, llm_parts_t *parts,
                                     const llm_json_t *node)
{
    static const char *const known[] = {"type", NULL};

    (void)parts;
    note_others(place, node, known, "");
    return NULL;
}

static const struct {
    const char *type;
    read_part_fn *read;
} part_types[] = {
    {"text", read_text},
    {"image_url", read_image},
    {"file", read_file},
    {"input_audio", read_audio},
    {"refusal", read_refusal},
    {"thinking", read_thinking},
    {"redacted_thinking", read_redacted},
    {"document_url", read_document},
    {"video_url", read_video},
    {"reference", read_reference},
    {NULL, NULL},
};

static llm_problem_t *read_part(const place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    const llm_json_t *type = llm_json_get(node, "type");
    int i;

    if (node->type == LLM_JSON_STRING) { /* some SDKs' shorthand */
        llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(node),
                           place->pool);
        return NULL;
    }
    if (!llm_json_is(type, LLM_JSON_STRING)) {
        return wrong(place, ".type", "expected a string");
    }
    for (i = 0; part_types[i].type; ++i) {
        if (llm_json_equals(type, part_types[i].type)) {
            return part_types[i].read(place, parts, node);
        }
    }
    llm_parts_add(parts, LLM_PART_PROVIDER, place->pool)->raw = node;
    return NULL;
}

/* A string, a list of parts, or nothing where that is allowed. */
static llm_problem_t *read_content(place_t *place, llm_parts_t *parts,
                                   const llm_json_t *message, int may_lack)
{
    const llm_json_t *content = llm_json_want(message, "content"), *node;
    llm_problem_t *problem = NULL;

    if (!content && may_lack) {
        return NULL;
    }
    if (llm_json_is(content, LLM_JSON_STRING)) {
        llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(content),
                           place->pool);
        return NULL;
    }
    if (!llm_json_is(content, LLM_JSON_ARRAY)) {
        return wrong(place, ".content", "expected a string or an array");
    }
    place->part = 0;
    for (node = content->child; node && !problem; node = node->next) {
        problem = read_part(place, parts, node);
        ++place->part;
    }
    place->part = -1;
    return problem;
}

/* What an answer showed, which clients send back as they got it. */
static llm_problem_t *read_shown(const place_t *place, llm_parts_t *parts,
                                 const llm_json_t *message)
{
    static const char *const known[] = {"type", "image_url", "index", NULL};
    const llm_json_t *list = llm_json_want(message, "images"), *node, *url;
    llm_media_t *media;

    if (list && list->type != LLM_JSON_ARRAY) {
        return wrong(place, ".images", "expected an array");
    }
    for (node = list ? list->child : NULL; node; node = node->next) {
        url = llm_json_path(node, "image_url", "url", NULL);
        if (!llm_json_is(url, LLM_JSON_STRING)) {
            return wrong(place, ".images", "expected addresses of images");
        }
        media = add_media(place, parts, LLM_PART_IMAGE, node);
        if (!llm_media_set_url(media, llm_json_text(url), place->pool)) {
            return wrong(place, ".images", "a data: address has to be base64");
        }
        note_others(place, node, known, ".images");
    }
    return NULL;
}

/* ---- messages ---- */

typedef llm_problem_t *read_message_fn(place_t *place, llm_turns_t *turns,
                                       llm_role_e role,
                                       const llm_json_t *message);

static llm_problem_t *read_said(place_t *place, llm_turns_t *turns,
                                llm_role_e role, const llm_json_t *message)
{
    static const char *const known[] = {"role", "content", "name",
                                        "cache_control", NULL};
    llm_turn_t *turn = llm_turns_add(turns, role, place->pool);
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem = read_content(place, &parts, message, 0);

    turn->parts = parts.first;
    turn->name = llm_json_text(llm_json_want(message, "name"));
    if (parts.last && !parts.last->cache) {
        parts.last->cache = llm_json_want(message, "cache_control");
    }
    note_others(place, message, known, "");
    return problem;
}

static llm_problem_t *read_call(place_t *place, llm_parts_t *parts,
                                const llm_json_t *node, int i)
{
    static const char *const known[] = {"id",    "type",          "function",
                                        "index", "extra_content", NULL};
    static const char *const function_members[] = {"name", "arguments", NULL};
    const llm_json_t *function = llm_json_want(node, "function");
    const llm_json_t *arguments = llm_json_want(function, "arguments");
    llm_text_t name = llm_json_text(llm_json_get(function, "name"));
    const char *id = llm_json_string(llm_json_get(node, "id"), place->pool);
    const char *where = apr_psprintf(place->pool, ".tool_calls[%d]", i);
    llm_bytes_t args;

    if (llm_json_equals(llm_json_want(node, "type"), "custom")) {
        return llm_openai_read_custom_call(place->ask, parts, node,
                                           path_of(place, where), place->pool);
    }
    if (llm_text_is_empty(name)) {
        return wrong(place,
                     apr_pstrcat(place->pool, where, ".function.name", NULL),
                     "expected a name");
    }
    if (llm_json_is(arguments, LLM_JSON_OBJECT)) {
        args = llm_args_from_json(arguments);
    }
    else {
        llm_args_from_text(&args, llm_json_text(arguments), place->pool);
    }
    llm_parts_add_call(parts, id, name, args,
                       llm_openai_call_signature(node, place->pool),
                       place->pool);
    note_others(place, node, known, where);
    note_others(place, function, function_members, where);
    return NULL;
}

static llm_problem_t *read_calls(place_t *place, llm_parts_t *parts,
                                 const llm_json_t *message)
{
    const llm_json_t *calls = llm_json_want(message, "tool_calls"), *node;
    const llm_json_t *legacy = llm_json_want(message, "function_call");
    llm_text_t name = llm_json_text(llm_json_get(legacy, "name"));
    llm_problem_t *problem = NULL;
    llm_bytes_t args;
    int i = 0;

    if (calls && calls->type != LLM_JSON_ARRAY) {
        return wrong(place, ".tool_calls", "expected an array");
    }
    for (node = calls ? calls->child : NULL; node && !problem;
         node = node->next) {
        problem = read_call(place, parts, node, i++);
    }
    if (!llm_text_is_empty(name)) {
        llm_args_from_text(&args,
                           llm_json_text(llm_json_get(legacy, "arguments")),
                           place->pool);
        llm_parts_add_call(parts, NULL, name, args, NULL, place->pool);
    }
    return problem;
}

/* A client's copy of what an answer had besides: nothing to say when empty. */
static void note_copies(const place_t *place, const llm_json_t *message)
{
    static const char *const names[] = {"annotations", "audio", NULL};
    int i;

    for (i = 0; names[i]; ++i) {
        const llm_json_t *copy = llm_json_want(message, names[i]);

        if (copy && copy->count) {
            llm_ask_add_unknown(place->ask, copy, path_of(place, ""),
                                place->pool);
        }
    }
}

static llm_problem_t *read_assistant(place_t *place, llm_turns_t *turns,
                                     llm_role_e role, const llm_json_t *message)
{
    static const char *const known[] = {"role",
                                        "content",
                                        "name",
                                        "refusal",
                                        "tool_calls",
                                        "audio",
                                        "function_call",
                                        "annotations",
                                        "images",
                                        "reasoning",
                                        "reasoning_content",
                                        "reasoning_details",
                                        "cache_control",
                                        "prefix",
                                        "thinking_blocks",
                                        NULL};
    const llm_json_t *prefix = llm_json_get(message, "prefix");
    llm_turn_t *turn = llm_turns_add(turns, role, place->pool);
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem;
    llm_text_t refusal = llm_json_text(llm_json_want(message, "refusal"));

    llm_openai_read_thinking(&parts, message, place->pool);
    problem = read_content(place, &parts, message, 1);
    if (!llm_text_is_empty(refusal)) {
        llm_parts_add_text(&parts, LLM_PART_REFUSAL, refusal, place->pool);
    }
    if (!problem) {
        problem = read_shown(place, &parts, message);
    }
    if (!problem) {
        problem = read_calls(place, &parts, message);
    }
    if (parts.last && !parts.last->cache) {
        parts.last->cache = llm_json_want(message, "cache_control");
    }
    turn->parts = parts.first;
    turn->name = llm_json_text(llm_json_want(message, "name"));
    note_copies(place, message);
    if (llm_json_is_true(prefix)) { /* Mistral's SDK says false each time */
        llm_ask_add_unknown(place->ask, prefix, path_of(place, ""),
                            place->pool);
    }
    note_others(place, message, known, "");
    return problem;
}

static llm_problem_t *read_result(place_t *place, llm_turns_t *turns,
                                  llm_role_e role, const llm_json_t *message)
{
    static const char *const known[] = {"role",         "content",       "name",
                                        "tool_call_id", "cache_control", NULL};
    llm_turn_t *turn = llm_turns_add(turns, role, place->pool);
    llm_parts_t outer = {NULL, NULL}, parts = {NULL, NULL};
    llm_part_t *part = llm_parts_add(&outer, LLM_PART_TOOL_RESULT, place->pool);
    const char *id =
        llm_json_string(llm_json_get(message, "tool_call_id"), place->pool);
    int legacy = llm_json_equals(llm_json_get(message, "role"), "function");
    llm_problem_t *problem;

    if (!id && !legacy) {
        return wrong(place, ".tool_call_id", "expected a string");
    }
    problem = read_content(place, &parts, message, 1);
    part->result = parts.first;
    part->result_of = id && *id ? id : NULL;
    part->result_name = llm_json_text(llm_json_want(message, "name"));
    part->cache = llm_json_want(message, "cache_control");
    turn->parts = part;
    note_others(place, message, known, "");
    return problem;
}

static const struct {
    const char *word;
    llm_role_e role;
    read_message_fn *read;
} roles[] = {
    {"user", LLM_ROLE_USER, read_said},
    {"assistant", LLM_ROLE_ASSISTANT, read_assistant},
    {"system", LLM_ROLE_SYSTEM, read_said},
    {"tool", LLM_ROLE_TOOL, read_result},
    {"developer", LLM_ROLE_SYSTEM, read_said},
    {"function", LLM_ROLE_TOOL, read_result},
    {NULL, LLM_ROLE_USER, NULL},
};

static llm_problem_t *read_message(place_t *place, llm_turns_t *turns,
                                   const llm_json_t *message)
{
    const llm_json_t *role = llm_json_get(message, "role");
    int i;

    if (message->type != LLM_JSON_OBJECT) {
        return wrong(place, "", "expected an object");
    }
    for (i = 0; roles[i].word; ++i) {
        if (llm_json_equals(role, roles[i].word)) {
            return roles[i].read(place, turns, roles[i].role, message);
        }
    }
    return wrong(place, ".role",
                 "expected system, developer, user, assistant or tool");
}

llm_problem_t *llm_openai_read_messages(llm_ask_t *ask,
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
