/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks and answers built part by part, words, JSON output, media and tool
 * arguments: what every dialect does alike. Usage, ids and errors are in
 * common_terms.c.
 *
 * Output is written straight into a buffer, without a tree. Whether a comma is
 * due can be seen from the last byte written: after "{", "[" and ":" it is
 * not. A string ends with its quote, so none of these can be text.
 */
#include "dialect/common.h"

#include <string.h>
#include <strings.h>

#include <apr_escape.h>
#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

llm_problem_t *llm_ask_make(llm_ask_t **pask, llm_op_e op,
                            const llm_json_t *doc, apr_pool_t *pool)
{
    llm_ask_t *ask = apr_pcalloc(pool, sizeof(*ask));
    const llm_json_t *model;

    *pask = ask;
    ask->op = op;
    ask->unknown = apr_array_make(pool, 0, sizeof(const llm_json_t *));
    if (!llm_json_is(doc, LLM_JSON_OBJECT)) {
        return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, pool,
                                "the body is not a JSON object");
    }
    model = llm_json_get(doc, "model");
    ask->model = model ? llm_json_string(model, pool) : "";
    if (!ask->model || (model && !*ask->model)) {
        return llm_problem_field(pool, "model", "expected a string");
    }
    return NULL;
}

llm_answer_t *llm_answer_make(apr_pool_t *pool)
{
    llm_answer_t *answer = apr_pcalloc(pool, sizeof(*answer));

    answer->usage = apr_pcalloc(pool, sizeof(*answer->usage));
    llm_usage_clear(answer->usage);
    return answer;
}

llm_part_t *llm_parts_add(llm_parts_t *parts, llm_part_e kind, apr_pool_t *pool)
{
    llm_part_t *part = apr_pcalloc(pool, sizeof(*part));

    if (parts->last) {
        parts->last->next = part;
    }
    else {
        parts->first = part;
    }
    parts->last = part;
    part->kind = kind;
    return part;
}

llm_part_t *llm_parts_add_text(llm_parts_t *parts, llm_part_e kind,
                               llm_text_t text, apr_pool_t *pool)
{
    llm_part_t *part = llm_parts_add(parts, kind, pool);

    part->text = text;
    return part;
}

llm_part_t *llm_parts_add_call(llm_parts_t *parts, const char *id,
                               llm_text_t name, llm_bytes_t args,
                               const char *signature, apr_pool_t *pool)
{
    llm_part_t *part = llm_parts_add(parts, LLM_PART_TOOL_CALL, pool);
    llm_call_t *call = apr_pcalloc(pool, sizeof(*call));

    call->id = id && *id ? id : NULL;
    call->name = name;
    call->args = args;
    call->signature = signature;
    part->call = call;
    return part;
}

llm_turn_t *llm_turns_add(llm_turns_t *turns, llm_role_e role, apr_pool_t *pool)
{
    llm_turn_t *turn = apr_pcalloc(pool, sizeof(*turn));

    if (turns->last) {
        turns->last->next = turn;
    }
    else {
        turns->first = turn;
    }
    turns->last = turn;
    turn->role = role;
    return turn;
}

llm_tool_t *llm_tools_add(llm_tools_t *tools, apr_pool_t *pool)
{
    llm_tool_t *tool = apr_pcalloc(pool, sizeof(*tool));

    if (tools->last) {
        tools->last->next = tool;
    }
    else {
        tools->first = tool;
    }
    tools->last = tool;
    return tool;
}

llm_choice_t *llm_choices_add(llm_choices_t *choices, int index,
                              apr_pool_t *pool)
{
    llm_choice_t *choice = apr_pcalloc(pool, sizeof(*choice));

    if (choices->last) {
        choices->last->next = choice;
    }
    else {
        choices->first = choice;
    }
    choices->last = choice;
    choice->index = index;
    return choice;
}

void llm_turns_name_results(llm_turn_t *turns, apr_pool_t *pool)
{
    apr_hash_t *names = NULL;
    llm_turn_t *turn;
    llm_part_t *part;

    for (turn = turns; turn; turn = turn->next) {
        for (part = turn->parts; part; part = part->next) {
            if (part->kind == LLM_PART_TOOL_CALL && part->call->id) {
                if (!names) {
                    names = apr_hash_make(pool);
                }
                apr_hash_set(names, part->call->id, APR_HASH_KEY_STRING,
                             &part->call->name);
            }
            else if (part->kind == LLM_PART_TOOL_RESULT && names
                     && part->result_of && !part->result_name.data) {
                const llm_text_t *name =
                    apr_hash_get(names, part->result_of, APR_HASH_KEY_STRING);
                part->result_name = name ? *name : LLM_TEXT_NONE;
            }
        }
    }
}

static int has_results(const llm_turn_t *turn)
{
    return turn && turn->role != LLM_ROLE_ASSISTANT
           && llm_parts_have(turn->parts, LLM_PART_TOOL_RESULT);
}

const llm_turn_t *llm_turn_join(const llm_turn_t **prow, const llm_turn_t *turn,
                                apr_pool_t *pool)
{
    const llm_turn_t *one = *prow;
    llm_part_t **pend;
    llm_turn_t *row;

    if (has_results(turn->next)) {
        *prow = one ? one : turn;
        return NULL;
    }
    if (!one) {
        return turn;
    }
    *prow = NULL;
    row = apr_pmemdup(pool, turn, sizeof(*row));
    pend = &row->parts;
    for (; one != turn->next; one = one->next) {
        const llm_part_t *part;

        for (part = one->parts; part; part = part->next) {
            *pend = apr_pmemdup(pool, part, sizeof(*part));
            pend = &(*pend)->next;
        }
    }
    *pend = NULL;
    return row;
}

int llm_parts_have(const llm_part_t *parts, llm_part_e kind)
{
    for (; parts; parts = parts->next) {
        if (parts->kind == kind) {
            return 1;
        }
    }
    return 0;
}

/* ---- text ---- */

int llm_text_is_empty(llm_text_t text)
{
    return !text.data || !text.len;
}

int llm_text_is_same(llm_text_t a, llm_text_t b)
{
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

int llm_text_is_blank(llm_text_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; ++i) {
        if (text.data[i] == '\\' && i + 1 < text.len
            && strchr("tnrf", text.data[i + 1])) {
            ++i;
        }
        else if (text.data[i] != ' ') {
            return 0;
        }
    }
    return 1;
}

int llm_bytes_are(llm_bytes_t bytes, const char *plain)
{
    apr_size_t len = strlen(plain);

    return bytes.len == len && (!len || !memcmp(bytes.data, plain, len));
}

llm_text_t llm_parts_text(const llm_part_t *parts, const char *separator,
                          apr_pool_t *pool)
{
    const llm_part_t *part;
    apr_size_t gap = strlen(separator), len = 0;
    llm_text_t text = LLM_TEXT_NONE;
    int count = 0;
    char *at;

    for (part = parts; part; part = part->next) {
        if (part->kind == LLM_PART_TEXT && part->text.data) {
            text = part->text;
            len += text.len + gap;
            ++count;
        }
    }
    if (count < 2) {
        return text;
    }
    text.data = at = apr_palloc(pool, len);
    text.len = len - gap;
    for (part = parts; part; part = part->next) {
        if (part->kind == LLM_PART_TEXT && part->text.data) {
            memcpy(at, part->text.data, part->text.len);
            at += part->text.len;
            if (--count) {
                memcpy(at, separator, gap);
                at += gap;
            }
        }
    }
    return text;
}

const char *llm_path_escape(const char *name, apr_pool_t *pool)
{
    static const char hex[] = "0123456789ABCDEF";
    char *escaped = apr_palloc(pool, 3 * strlen(name) + 1), *to = escaped;

    if (!*name || *name == '/' || strstr(name, "..") || strstr(name, "//")) {
        return NULL;
    }
    for (; *name; ++name) {
        if (apr_isalnum(*name) || strchr("-._~@/", *name)) {
            *to++ = *name;
        }
        else {
            *to++ = '%';
            *to++ = hex[((unsigned char)*name >> 4) & 15];
            *to++ = hex[(unsigned char)*name & 15];
        }
    }
    *to = '\0';
    return escaped;
}

const char *llm_path_unescape(const char *at, apr_size_t len, apr_pool_t *pool)
{
    const char *name;

    if (!len) {
        return NULL;
    }
    at = apr_pstrmemdup(pool, at, len);
    name = apr_punescape_url(pool, at, NULL, NULL, 0);
    return name ? name : at;
}

/* ---- words ---- */

int llm_word_value(const llm_word_t *words, llm_text_t text, int otherwise)
{
    if (text.data) {
        for (; words->word; ++words) {
            if (llm_text_equals(text, words->word)) {
                return words->value;
            }
        }
    }
    return otherwise;
}

const char *llm_word_of(const llm_word_t *words, int value)
{
    for (; words->word; ++words) {
        if (words->value == value) {
            return words->word;
        }
    }
    return NULL;
}

/* ---- JSON output ---- */

void llm_put_comma(llm_buf_t *out)
{
    char last = out->len ? out->data[out->len - 1] : '{';

    if (last != '{' && last != '[' && last != ':') {
        llm_buf_putc(out, ',');
    }
}

void llm_put_name(llm_buf_t *out, const char *name)
{
    llm_put_comma(out);
    llm_buf_putc(out, '"');
    llm_buf_puts(out, name);
    llm_buf_lit(out, "\":");
}

void llm_put_member(llm_buf_t *out, const char *name, const llm_json_t *value)
{
    if (value) {
        llm_put_name(out, name);
        llm_json_put(out, value);
    }
}

void llm_put_text_member(llm_buf_t *out, const char *name, llm_text_t text)
{
    if (text.data) {
        llm_put_name(out, name);
        llm_buf_put_text(out, text);
    }
}

void llm_put_needed_text(llm_buf_t *out, const char *name, llm_text_t text)
{
    llm_put_text_member(out, name, text.data ? text : LLM_TEXT_LITERAL(""));
}

void llm_put_string_member(llm_buf_t *out, const char *name, const char *utf8)
{
    if (utf8) {
        llm_put_name(out, name);
        llm_buf_put_string(out, utf8);
    }
}

void llm_put_int_member(llm_buf_t *out, const char *name, apr_int64_t value)
{
    llm_put_name(out, name);
    llm_buf_put_int(out, value);
}

void llm_put_raw_member(llm_buf_t *out, const char *name, const char *value)
{
    llm_put_name(out, name);
    llm_buf_puts(out, value);
}

void llm_put_element(llm_buf_t *out, int *pcount)
{
    llm_buf_puts(out, (*pcount)++ ? ",\r\n" : "[");
}

void llm_put_last_element(llm_buf_t *out, int *pcount)
{
    if (*pcount >= 0) {
        llm_buf_puts(out, *pcount ? "\r\n]" : "[]");
        *pcount = -1;
    }
}

void llm_put_one_line(llm_buf_t *out, llm_bytes_t json)
{
    apr_size_t at = out->len;

    llm_buf_append(out, json.data, json.len);
    for (; at < out->len; ++at) {
        if (out->data[at] == '\n' || out->data[at] == '\r') {
            out->data[at] = ' ';
        }
    }
}

void llm_put_vectors(llm_buf_t *out, const llm_json_t *embeddings)
{
    const llm_json_t *vector = embeddings ? embeddings->child : NULL;

    llm_buf_putc(out, '[');
    for (; vector; vector = vector->next) {
        llm_put_comma(out);
        llm_json_put(out, vector);
    }
    llm_buf_putc(out, ']');
}

void llm_put_list_member(llm_buf_t *out, const char *name,
                         const llm_json_t *value)
{
    if (!value || (value->type == LLM_JSON_ARRAY && !value->count)) {
        return;
    }
    llm_put_name(out, name);
    llm_buf_puts(out, value->type == LLM_JSON_ARRAY ? "" : "[");
    llm_json_put(out, value);
    llm_buf_puts(out, value->type == LLM_JSON_ARRAY ? "" : "]");
}

llm_buf_t *llm_request_buf(apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);

    llm_buf_borrow(out, pool);
    return out;
}

void llm_request_set_body(llm_request_t *req, const llm_buf_t *body,
                          apr_pool_t *pool)
{
    req->body_count = llm_buf_pieces(&req->body, body, pool);
}

/* ---- media ---- */

/* "image/png;charset=x;base64" to its media type; NULL where no base64. */
static const char *data_url_type(llm_text_t head, apr_pool_t *pool)
{
    static const char mark[] = ";base64";
    char *text = apr_pstrdup(pool, llm_text_string(head, pool));
    apr_size_t len = strlen(text);

    if (len < sizeof(mark) - 1
        || strcasecmp(text + len - (sizeof(mark) - 1), mark)) {
        return NULL;
    }
    text[len - (sizeof(mark) - 1)] = '\0';
    if (strchr(text, ';')) {
        *strchr(text, ';') = '\0';
    }
    return text;
}

int llm_media_set_url(llm_media_t *media, llm_text_t url, apr_pool_t *pool)
{
    const char *comma, *type;
    llm_text_t head;

    if (url.len < 5 || strncasecmp(url.data, "data:", 5)) {
        media->url = url;
        return 1;
    }
    comma = memchr(url.data, ',', url.len);
    if (!comma) {
        return 0;
    }
    head.data = url.data + 5;
    head.len = (apr_size_t)(comma - head.data);
    type = data_url_type(head, pool);
    if (!type) {
        return 0;
    }
    media->media_type = *type ? type : NULL;
    media->base64.data = comma + 1;
    media->base64.len = (apr_size_t)(url.data + url.len - media->base64.data);
    return 1;
}

/* Of a media type no more than what one can have: so it needs no escaping. */
static void put_media_type(llm_buf_t *out, const char *type)
{
    for (; *type; ++type) {
        if (apr_isalnum(*type) || strchr("/+.-_;=", *type)) {
            llm_buf_putc(out, *type);
        }
    }
}

/* image/jpg is what many say and nobody registered. */
const char *llm_media_type(const llm_media_t *media, const char *otherwise)
{
    if (!media->media_type) {
        return otherwise;
    }
    return strcasecmp(media->media_type, "image/jpg") ? media->media_type
                                                      : "image/jpeg";
}

void llm_put_media_url(llm_buf_t *out, const llm_media_t *media)
{
    if (!media->base64.data) {
        llm_buf_put_text(out, media->url);
        return;
    }
    llm_buf_lit(out, "\"data:");
    put_media_type(out, llm_media_type(media, "application/octet-stream"));
    llm_buf_lit(out, ";base64,");
    llm_buf_append(out, media->base64.data, media->base64.len);
    llm_buf_putc(out, '"');
}

int llm_media_is_image(const llm_media_t *media)
{
    return !media->media_type || !strncasecmp(media->media_type, "image/", 6);
}

int llm_media_is_video(const llm_media_t *media)
{
    return media->media_type && !strncasecmp(media->media_type, "video/", 6);
}

llm_text_t llm_media_filename(const llm_media_t *media)
{
    static const struct {
        const char *type;
        llm_text_t name;
    } names[] = {
        {"text/csv", LLM_TEXT_LITERAL("document.csv")},
        {"text/html", LLM_TEXT_LITERAL("document.html")},
        {"text/markdown", LLM_TEXT_LITERAL("document.md")},
        {"text/", LLM_TEXT_LITERAL("document.txt")},
        {"application/json", LLM_TEXT_LITERAL("document.json")},
        {"", LLM_TEXT_LITERAL("document.pdf")},
    };
    const char *type = media->media_type ? media->media_type : "";
    int i;

    if (media->filename.data) {
        return media->filename;
    }
    for (i = 0; strncasecmp(type, names[i].type, strlen(names[i].type)); ++i) {
    }
    return names[i].name;
}

llm_text_t llm_media_markdown(const llm_media_t *media, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);
    llm_text_t text;
    apr_size_t at;

    llm_buf_puts(out, llm_media_is_image(media) ? "![image]" : "[file]");
    at = out->len;
    llm_put_media_url(out, media);
    out->data[at] = '('; /* in place of the quotes */
    out->data[out->len - 1] = ')';
    text.data = out->data;
    text.len = out->len;
    return text;
}

llm_part_t *llm_parts_add_shown(llm_parts_t *parts, const llm_media_t *media,
                                apr_pool_t *pool)
{
    llm_part_t *part = llm_parts_add_text(
        parts, LLM_PART_TEXT, llm_media_markdown(media, pool), pool);

    part->media = media;
    return part;
}

/* ---- an answer by a tool ---- */

static int has_tool(const llm_ask_t *ask, llm_text_t name)
{
    const llm_tool_t *tool = ask->tools;

    while (tool && !llm_text_is_same(tool->name, name)) {
        tool = tool->next;
    }
    return tool != NULL;
}

llm_format_tool_e llm_ask_format_tool(const llm_ask_t *ask)
{
    if (ask->format != LLM_FORMAT_JSON && ask->format != LLM_FORMAT_SCHEMA) {
        return LLM_FORMAT_TOOL_NOT;
    }
    if (!ask->tools || ask->choose == LLM_CHOOSE_NONE) {
        return LLM_FORMAT_TOOL_ALONE;
    }
    return ask->choose == LLM_CHOOSE_ANY || ask->choose == LLM_CHOOSE_TOOL
               ? LLM_FORMAT_TOOL_NOT
               : LLM_FORMAT_TOOL_BESIDE;
}

int llm_ask_is_answer(const llm_ask_t *ask, llm_text_t name)
{
    return ask && llm_text_equals(name, LLM_FORMAT_TOOL)
           && llm_ask_format_tool(ask) != LLM_FORMAT_TOOL_NOT
           && !has_tool(ask, name);
}

llm_problem_t *llm_ask_check_format_tool(const llm_ask_t *ask, apr_pool_t *pool)
{
    if (ask->format == LLM_FORMAT_SCHEMA
        && !llm_json_equals(llm_json_get(ask->format_schema, "type"),
                            "object")) {
        return llm_problem_field(pool, "response_format",
                                 "this model can only be held to a schema "
                                 "whose type is \"object\"");
    }
    if (has_tool(ask, LLM_TEXT_LITERAL(LLM_FORMAT_TOOL))) {
        return llm_problem_field(
            pool, "response_format",
            "this model is held to a format by a tool, "
            "and there is one of that name: " LLM_FORMAT_TOOL);
    }
    return NULL;
}
