/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `contents` and `systemInstruction` of a client's request become turns.
 *
 * Clients that keep a streamed answer send its pieces back as they came, a
 * content for each: contents of the model in a row are one turn, and texts in
 * a row are one text.
 *
 * A call mostly has no id, and neither has the response to it: they belong
 * together by name and order, within the content of the model before. Calls
 * get an id here then, which the providers that need one are given.
 *
 * A response is an object. What Gemini's documentation calls the output, the
 * one member "output", is what the tool said; "error" says that it failed; any
 * other object is given to the model as it is written.
 *
 * Blobs are base64 in either alphabet: Google's SDKs write "-" and "_", the
 * other providers read "+" and "/".
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define CALLS_MAX 512 /* of one turn: responses are searched among them */

/* A call of the model's last turn. */
typedef struct open_call_t {
    const llm_call_t *call;
    int answered;
} open_call_t;

typedef struct place_t {
    llm_ask_t *ask;
    apr_pool_t *pool;
    int content; /* -1: in systemInstruction */
    int part;
    llm_parts_t parts;        /* of the turn that is being read */
    apr_array_header_t *open; /* of open_call_t */
    apr_hash_t *ids;          /* of all calls so far; the value says nothing */
    int calls;                /* so far, for the ids made here */
} place_t;

static const char *path_of(const place_t *place, const char *rest)
{
    return place->content < 0
               ? apr_psprintf(place->pool, "systemInstruction.parts[%d]%s",
                              place->part, rest)
               : apr_psprintf(place->pool, "contents[%d].parts[%d]%s",
                              place->content, place->part, rest);
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
    const llm_json_t *member;

    for (member = object->child; member; member = member->next) {
        const char *const *name = known;

        while (*name && !llm_gemini_is_named(member->name, *name)) {
            ++name;
        }
        if (!*name) {
            llm_ask_add_unknown(place->ask, member, path_of(place, rest),
                                place->pool);
        }
    }
}

/* ---- text and thinking ---- */

/* What another provider signed, or hid, comes back as this gateway wrote it.
 * Gemini's own signatures mean nothing to others. */
static llm_problem_t *read_text(place_t *place, const llm_json_t *part,
                                const llm_json_t *node)
{
    const llm_json_t *signature = llm_gemini_want(part, "thoughtSignature");
    int thought = llm_json_is_true(llm_json_get(part, "thought"));
    llm_text_t opaque;
    char kind =
        llm_gemini_unwrap(&opaque, llm_json_text(signature), place->pool);
    llm_part_t *added;

    if (node->type != LLM_JSON_STRING) {
        return wrong(place, ".text", "a string");
    }
    if (kind == 'r') {
        llm_parts_add_text(&place->parts, LLM_PART_REDACTED, opaque,
                           place->pool);
        return NULL;
    }
    added = llm_parts_add_text(&place->parts,
                               thought ? LLM_PART_THINKING : LLM_PART_TEXT,
                               llm_json_text(node), place->pool);
    if (kind && thought) {
        added->signature = opaque;
    }
    else if (signature) {
        llm_ask_add_unknown(place->ask, signature, path_of(place, ""),
                            place->pool);
    }
    return NULL;
}

/* ---- media ---- */

static llm_text_t plain_base64(llm_text_t data, apr_pool_t *pool)
{
    apr_size_t i;
    char *copy;

    if (!memchr(data.data, '-', data.len)
        && !memchr(data.data, '_', data.len)) {
        return data;
    }
    copy = apr_pstrmemdup(pool, data.data, data.len);
    for (i = 0; i < data.len; ++i) {
        copy[i] = copy[i] == '-' ? '+' : copy[i] == '_' ? '/' : copy[i];
    }
    data.data = copy;
    return data;
}

static llm_part_e kind_of(const char *type)
{
    return type && !strncmp(type, "image/", 6)   ? LLM_PART_IMAGE
           : type && !strncmp(type, "audio/", 6) ? LLM_PART_AUDIO
                                                 : LLM_PART_FILE;
}

static int begins(llm_text_t text, const char *with)
{
    apr_size_t len = strlen(with);

    return text.len >= len && !strncmp(text.data, with, len);
}

static llm_problem_t *read_blob(place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"data", "displayName", "mimeType",
                                        NULL};
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));

    media->media_type =
        llm_json_string(llm_gemini_want(node, "mimeType"), place->pool);
    media->base64 = llm_json_text(llm_gemini_want(node, "data"));
    media->filename = llm_json_text(llm_gemini_want(node, "displayName"));
    if (!media->media_type || !*media->media_type) {
        return wrong(place, ".inlineData.mimeType", "a media type");
    }
    if (!media->base64.data) {
        return wrong(place, ".inlineData.data", "base64");
    }
    media->base64 = plain_base64(media->base64, place->pool);
    llm_parts_add(parts, kind_of(media->media_type), place->pool)->media =
        media;
    note_others(place, node, known, ".inlineData");
    return NULL;
}

/* An address anybody can read, or a name that only Google understands. */
static llm_problem_t *read_file(place_t *place, llm_parts_t *parts,
                                const llm_json_t *node)
{
    static const char *const known[] = {"displayName", "fileUri", "mimeType",
                                        NULL};
    llm_media_t *media = apr_pcalloc(place->pool, sizeof(*media));
    llm_text_t uri = llm_json_text(llm_gemini_want(node, "fileUri"));

    if (llm_text_is_empty(uri)) {
        return wrong(place, ".fileData.fileUri", "an address");
    }
    media->media_type =
        llm_json_string(llm_gemini_want(node, "mimeType"), place->pool);
    media->filename = llm_json_text(llm_gemini_want(node, "displayName"));
    if ((begins(uri, "https://") || begins(uri, "http://"))
        && !begins(uri, "https://generativelanguage.googleapis.com/")) {
        media->url = uri;
    }
    else {
        media->file_id = uri;
    }
    llm_parts_add(parts, kind_of(media->media_type), place->pool)->media =
        media;
    note_others(place, node, known, ".fileData");
    return NULL;
}

/* ---- calls ---- */

static llm_problem_t *read_call(place_t *place, const llm_json_t *part,
                                const llm_json_t *node)
{
    static const char *const known[] = {"args", "id", "name", NULL};
    const llm_json_t *args = llm_gemini_want(node, "args");
    llm_text_t signature =
        llm_json_text(llm_gemini_want(part, "thoughtSignature"));
    llm_text_t name = llm_json_text(llm_gemini_want(node, "name"));
    const char *id = llm_json_string(llm_gemini_want(node, "id"), place->pool);
    open_call_t *open;
    llm_text_t opaque;

    if (llm_text_is_empty(name)) {
        return wrong(place, ".functionCall.name", "a name");
    }
    if (args && args->type != LLM_JSON_OBJECT) {
        return wrong(place, ".functionCall.args", "an object");
    }
    if (place->open->nelts >= CALLS_MAX) {
        return wrong(place, ".functionCall", "at most 512 calls in a turn");
    }
    if (!id || !*id) {
        id = llm_call_id_make("call_", "contents", place->calls, place->pool);
    }
    ++place->calls;
    open = apr_array_push(place->open);
    open->answered = 0;
    open->call =
        llm_parts_add_call(
            &place->parts, id, name, llm_args_from_json(args),
            signature.len && !llm_gemini_unwrap(&opaque, signature, place->pool)
                ? llm_text_string(signature, place->pool)
                : NULL,
            place->pool)
            ->call;
    apr_hash_set(place->ids, id, APR_HASH_KEY_STRING, id);
    note_others(place, node, known, ".functionCall");
    return NULL;
}

/* The call a response belongs to: that of its id, else the first one of its
 * name that waits; NULL for none. */
static const char *call_of(const place_t *place, const char *id,
                           llm_text_t name)
{
    open_call_t *open = (open_call_t *)(void *)place->open->elts;
    int i;

    for (i = 0; id && i < place->open->nelts; ++i) {
        if (!strcmp(open[i].call->id, id)) {
            open[i].answered = 1;
            return id;
        }
    }
    if (id && apr_hash_get(place->ids, id, APR_HASH_KEY_STRING)) {
        return id; /* of an older turn */
    }
    for (i = 0; i < place->open->nelts; ++i) {
        if (!open[i].answered && llm_text_is_same(open[i].call->name, name)) {
            open[i].answered = 1;
            return open[i].call->id;
        }
    }
    return NULL;
}

/* A string is what it says, anything else its JSON. */
static llm_text_t text_of(const llm_json_t *node, apr_pool_t *pool)
{
    return node->type == LLM_JSON_STRING
               ? llm_json_text(node)
               : llm_text_escape(node->raw.data, node->raw.len, pool);
}

static void read_output(const place_t *place, llm_parts_t *parts,
                        const llm_json_t *response, int *pfailed)
{
    const llm_json_t *only = response->count == 1 ? response->child : NULL;

    *pfailed = only && llm_text_equals(only->name, "error");
    if (*pfailed || (only && llm_text_equals(only->name, "output"))) {
        response = only;
    }
    llm_parts_add_text(parts, LLM_PART_TEXT, text_of(response, place->pool),
                       place->pool);
}

/* Pictures and files that a tool gave. */
static llm_problem_t *read_result_parts(place_t *place, llm_parts_t *parts,
                                        const llm_json_t *list)
{
    const llm_json_t *node;
    llm_problem_t *problem = NULL;

    if (list->type != LLM_JSON_ARRAY) {
        return wrong(place, ".functionResponse.parts", "an array");
    }
    for (node = list->child; node && !problem; node = node->next) {
        const llm_json_t *blob = llm_gemini_want(node, "inlineData");
        const llm_json_t *file = llm_gemini_want(node, "fileData");

        if (llm_json_is(blob, LLM_JSON_OBJECT)) {
            problem = read_blob(place, parts, blob);
        }
        else if (llm_json_is(file, LLM_JSON_OBJECT)) {
            problem = read_file(place, parts, file);
        }
        else {
            problem = wrong(place, ".functionResponse.parts",
                            "inlineData or fileData");
        }
    }
    return problem;
}

static llm_problem_t *read_response(place_t *place, const llm_json_t *node)
{
    static const char *const known[] = {"id", "name", "parts", "response",
                                        NULL};
    const llm_json_t *response = llm_gemini_want(node, "response");
    const llm_json_t *media = llm_gemini_want(node, "parts");
    llm_text_t name = llm_json_text(llm_gemini_want(node, "name"));
    const char *id = llm_json_string(llm_gemini_want(node, "id"), place->pool);
    llm_problem_t *problem = NULL;
    llm_parts_t inner = {NULL, NULL};
    llm_part_t *part;

    if (llm_text_is_empty(name)) {
        return wrong(place, ".functionResponse.name", "a name");
    }
    if (!llm_json_is(response, LLM_JSON_OBJECT)) {
        return wrong(place, ".functionResponse.response", "an object");
    }
    part = llm_parts_add(&place->parts, LLM_PART_TOOL_RESULT, place->pool);
    part->result_of = call_of(place, id && *id ? id : NULL, name);
    part->result_name = name;
    if (!part->result_of) {
        return wrong(place, ".functionResponse",
                     "a response to a functionCall in the content before");
    }
    read_output(place, &inner, response, &part->is_error);
    if (media) {
        problem = read_result_parts(place, &inner, media);
    }
    part->result = inner.first;
    note_others(place, node, known, ".functionResponse");
    return problem;
}

/* ---- parts ---- */

static const char *const part_members[] = {"codeExecutionResult",
                                           "executableCode",
                                           "fileData",
                                           "functionCall",
                                           "functionResponse",
                                           "inlineData",
                                           "text",
                                           "thought",
                                           "thoughtSignature",
                                           NULL};

static llm_problem_t *read_object(place_t *place, const llm_json_t *part,
                                  const llm_json_t *node)
{
    if (node->type != LLM_JSON_OBJECT) {
        return wrong(place, "", "a part whose data is an object");
    }
    if (llm_gemini_is_named(node->name, "inlineData")) {
        return read_blob(place, &place->parts, node);
    }
    if (llm_gemini_is_named(node->name, "fileData")) {
        return read_file(place, &place->parts, node);
    }
    if (llm_gemini_is_named(node->name, "functionCall")) {
        return read_call(place, part, node);
    }
    if (llm_gemini_is_named(node->name, "functionResponse")) {
        return read_response(place, node);
    }
    llm_parts_add(&place->parts, LLM_PART_PROVIDER, place->pool)->raw = part;
    return NULL;
}

static llm_problem_t *read_part(place_t *place, const llm_json_t *part)
{
    static const char *const data[] = {"inlineData",
                                       "fileData",
                                       "functionCall",
                                       "functionResponse",
                                       "executableCode",
                                       "codeExecutionResult",
                                       NULL};
    const llm_json_t *text = llm_gemini_want(part, "text");
    const llm_json_t *node = NULL, *found;
    int i, count = text != NULL;

    if (part->type != LLM_JSON_OBJECT) {
        return wrong(place, "", "an object");
    }
    for (i = 0; data[i]; ++i) {
        found = llm_gemini_want(part, data[i]);
        if (found) {
            node = found;
            ++count;
        }
    }
    note_others(place, part, part_members, "");
    if (count > 1) {
        return wrong(place, "", "one kind of data in a part");
    }
    return text   ? read_text(place, part, text)
           : node ? read_object(place, part, node)
                  : NULL; /* nothing but what note_others names */
}

/* A part alone may stand for a list of one. */
static llm_problem_t *read_parts(place_t *place, const llm_json_t *list)
{
    llm_problem_t *problem = NULL;
    const llm_json_t *node;

    place->part = 0;
    if (!list) {
        return NULL;
    }
    if (list->type == LLM_JSON_OBJECT) {
        return read_part(place, list);
    }
    if (list->type != LLM_JSON_ARRAY) {
        return wrong(place, "", "an array of parts");
    }
    for (node = list->child; node && !problem; node = node->next) {
        problem = read_part(place, node);
        ++place->part;
    }
    return problem;
}

/* ---- turns ---- */

/* Texts in a row as one, and thinking with the signature behind it. */
static void join_runs(llm_part_t *part, apr_pool_t *pool)
{
    for (; part; part = part->next) {
        llm_part_t *last = part;
        apr_size_t len = part->text.len;
        char *at;

        if (part->kind != LLM_PART_TEXT && part->kind != LLM_PART_THINKING) {
            continue;
        }
        while (!last->signature.data && last->next
               && last->next->kind == part->kind) {
            last = last->next;
            len += last->text.len;
        }
        if (last == part) {
            continue;
        }
        at = apr_palloc(pool, len + 1);
        memcpy(at, part->text.data, part->text.len);
        part->text.data = at;
        for (at += part->text.len; part->next != last->next;
             part->next = part->next->next) {
            memcpy(at, part->next->text.data, part->next->text.len);
            at += part->next->text.len;
        }
        part->text.len = len;
        part->signature = last->signature;
    }
}

static llm_problem_t *read_content(place_t *place, llm_turns_t *turns,
                                   const llm_json_t *content)
{
    static const llm_word_t roles[] = {
        {"user", LLM_ROLE_USER},     {"model", LLM_ROLE_ASSISTANT},
        {"function", LLM_ROLE_USER}, {"tool", LLM_ROLE_USER},
        {"", LLM_ROLE_USER},         {NULL, 0},
    };
    static const char *const known[] = {"parts", "role", NULL};
    const llm_json_t *word = llm_json_want(content, "role");
    int role =
        word ? llm_word_value(roles, llm_json_text(word), -1) : LLM_ROLE_USER;
    const char *path =
        apr_psprintf(place->pool, "contents[%d]", place->content);
    llm_problem_t *problem;

    if (content->type != LLM_JSON_OBJECT) {
        return llm_problem_field(place->pool, path, "expected an object");
    }
    if (role < 0) {
        return llm_problem_field(place->pool,
                                 apr_pstrcat(place->pool, path, ".role", NULL),
                                 "expected user or model");
    }
    llm_gemini_note_others(place->ask, content, known, path, place->pool);
    if (role != LLM_ROLE_ASSISTANT || !turns->last
        || turns->last->role != LLM_ROLE_ASSISTANT) {
        llm_turns_add(turns, (llm_role_e)role, place->pool);
        place->parts = (llm_parts_t){NULL, NULL};
        if (role == LLM_ROLE_ASSISTANT) {
            apr_array_clear(place->open);
        }
    }
    problem = read_parts(place, llm_json_want(content, "parts"));
    turns->last->parts = place->parts.first;
    return problem;
}

static llm_problem_t *read_system(place_t *place, llm_turns_t *turns,
                                  const llm_json_t *system)
{
    static const char *const known[] = {"parts", "role", NULL};
    llm_problem_t *problem;

    if (!system) {
        return NULL;
    }
    if (system->type != LLM_JSON_OBJECT) {
        return llm_problem_field(place->pool, "systemInstruction",
                                 "expected a content");
    }
    place->content = -1;
    problem = read_parts(place, llm_json_want(system, "parts"));
    llm_gemini_note_others(place->ask, system, known, "systemInstruction",
                           place->pool);
    if (place->parts.first) {
        llm_turns_add(turns, LLM_ROLE_SYSTEM, place->pool)->parts =
            place->parts.first;
    }
    return problem;
}

llm_problem_t *llm_gemini_read_contents(llm_ask_t *ask, const llm_json_t *doc,
                                        apr_pool_t *pool)
{
    const llm_json_t *contents = llm_json_want(doc, "contents"), *content;
    place_t place = {.ask = ask, .pool = pool};
    llm_turns_t turns = {NULL, NULL};
    llm_problem_t *problem;
    llm_turn_t *turn;

    place.open = apr_array_make(pool, 4, sizeof(open_call_t));
    place.ids = apr_hash_make(pool);
    problem =
        read_system(&place, &turns, llm_gemini_want(doc, "systemInstruction"));
    if (!problem && !(llm_json_is(contents, LLM_JSON_ARRAY) && contents->count)
        && !llm_json_is(contents, LLM_JSON_OBJECT)) {
        problem = llm_problem_field(pool, "contents",
                                    "expected an array of contents");
    }
    content = problem                            ? NULL
              : contents->type == LLM_JSON_ARRAY ? contents->child
                                                 : contents;
    for (place.content = 0; content && !problem; ++place.content) {
        problem = read_content(&place, &turns, content);
        content = contents->type == LLM_JSON_ARRAY ? content->next : NULL;
    }
    for (turn = turns.first; turn; turn = turn->next) {
        if (turn->role == LLM_ROLE_ASSISTANT) {
            join_runs(turn->parts, pool);
        }
    }
    ask->turns = turns.first;
    llm_turns_name_results(ask->turns, pool);
    return problem;
}
