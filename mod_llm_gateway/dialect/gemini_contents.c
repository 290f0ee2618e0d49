/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns become Gemini's `contents`.
 *
 * Gemini knows two roles, user and model, and keeps system text apart. Turns
 * of one role in a row become one content. Function responses stand in a
 * content of their own, directly after the calls they answer and in the same
 * order, since Gemini matches them by name and order; whatever else the user
 * said with them follows in the next content, pictures from tools too, after a
 * line that says whose they are.
 *
 * A tool's answer is an object to Gemini. Text that is a JSON object is sent
 * as that object, unless it holds numbers a double cannot carry; any other
 * text is sent as {"output": "..."}, or {"error": "..."} when the tool failed.
 *
 * The first call of a content wants the signature of the thinking before it.
 * Where there is none, because another model made the call or the client cut
 * the id, Gemini is told so by the value its documentation gives for that.
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>

/* A call of the last model content and the result that answers it. */
typedef struct slot_t {
    const llm_call_t *call;
    const char *gemini_id; /* sent with both, or NULL */
    const llm_part_t *result;
} slot_t;

typedef struct contents_t {
    llm_buf_t *out;
    llm_request_t *req;
    apr_pool_t *pool;
    apr_hash_t *calls;         /* const llm_call_t * by id, all so far */
    apr_array_header_t *slots; /* slot_t, of the last model content */
    llm_text_t signature;      /* of thinking, waiting for its part */
    llm_problem_t *problem;    /* the first thing that cannot be sent */
} contents_t;

static void refuse(contents_t *c, const char *param, const char *what)
{
    if (!c->problem) {
        c->problem = llm_problem_field(c->pool, param, "%s", what);
        c->problem->code = "unsupported_parameter";
    }
}

/* ---- parts ---- */

static void part_begin(contents_t *c)
{
    llm_put_comma(c->out);
    llm_buf_putc(c->out, '{');
}

/* The signature that waits belongs to the part that is being written. */
static void part_end(contents_t *c)
{
    llm_put_text_member(c->out, "thoughtSignature", c->signature);
    c->signature = LLM_TEXT_NONE;
    llm_buf_putc(c->out, '}');
}

static void put_text(contents_t *c, llm_text_t text)
{
    part_begin(c);
    llm_put_text_member(c->out, "text", text);
    part_end(c);
}

static void put_thinking(contents_t *c, const llm_part_t *part)
{
    llm_text_t own = llm_gemini_own_signature(part->signature);

    if (own.data) {
        c->signature = own;
    }
    if (!llm_text_is_empty(part->text)) {
        part_begin(c);
        llm_put_text_member(c->out, "text", part->text);
        llm_put_raw_member(c->out, "thought", "true}");
    }
}

static void put_call(contents_t *c, const llm_call_t *call)
{
    slot_t *slot = apr_array_push(c->slots);
    const char *signature = NULL;

    memset(slot, 0, sizeof(*slot));
    slot->call = call;
    llm_gemini_id_unpack(&slot->gemini_id, &signature, call->id, c->pool);
    if (!signature) {
        signature = call->signature;
    }
    if (!signature && !c->signature.data && c->slots->nelts == 1) {
        signature = LLM_GEMINI_NO_SIGNATURE;
    }
    if (call->id) {
        apr_hash_set(c->calls, call->id, APR_HASH_KEY_STRING, call);
    }
    part_begin(c);
    llm_put_name(c->out, "functionCall");
    llm_buf_putc(c->out, '{');
    llm_put_string_member(c->out, "id", slot->gemini_id);
    llm_put_text_member(c->out, "name", call->name);
    llm_put_name(c->out, "args");
    if (!call->args.len) {
        llm_buf_lit(c->out, "{}");
    }
    else if (call->args.data[0] == '{') {
        llm_buf_append(c->out, call->args.data, call->args.len);
    }
    else {
        refuse(c, "messages", "the arguments of a tool call are no object");
    }
    llm_buf_putc(c->out, '}');
    if (signature) {
        llm_put_string_member(c->out, "thoughtSignature", signature);
        c->signature = LLM_TEXT_NONE;
    }
    part_end(c);
}

static void put_media(contents_t *c, const llm_part_t *part)
{
    const char *wrong;

    part_begin(c);
    wrong = llm_gemini_put_media(c->out, c->req, part->media, part->kind);
    if (wrong) {
        refuse(c, "messages", wrong);
    }
    part_end(c);
}

/* A part of a turn, results aside. */
static void put_part(contents_t *c, const llm_part_t *part)
{
    if (part->cache) {
        llm_request_drop(c->req, "messages.content.cache_control");
    }
    if (part->citations) {
        llm_request_drop(c->req, "messages.content.citations");
    }
    switch (part->kind) {
    case LLM_PART_TEXT:
    case LLM_PART_REFUSAL:
        if (part->text.len) {
            put_text(c, part->text);
        }
        break;
    case LLM_PART_IMAGE:
    case LLM_PART_AUDIO:
    case LLM_PART_FILE:
        put_media(c, part);
        break;
    case LLM_PART_THINKING:
        put_thinking(c, part);
        break;
    case LLM_PART_REDACTED:
        llm_request_drop(c->req, "messages.content.redacted_thinking");
        break;
    case LLM_PART_TOOL_CALL:
        put_call(c, part->call);
        break;
    case LLM_PART_TOOL_RESULT:
        break;
    case LLM_PART_PROVIDER:
        refuse(c, "messages",
               "a part only its own provider understands, such as a search "
               "result, cannot be sent to Gemini");
        break;
    }
}

/* ---- tool results ---- */

/* Would a double carry it? Up to fifteen digits always survive. */
static int is_exact_number(llm_bytes_t raw)
{
    apr_size_t i, digits = 0;

    for (i = 0; i < raw.len; ++i) {
        if (raw.data[i] == 'e' || raw.data[i] == 'E') {
            return 0;
        }
        digits += apr_isdigit(raw.data[i]) && (digits || raw.data[i] != '0');
    }
    return digits <= 15;
}

static int survives(const llm_json_t *node)
{
    const llm_json_t *child;

    if (node->type == LLM_JSON_NUMBER) {
        return is_exact_number(node->raw);
    }
    for (child = node->child; child; child = child->next) {
        if (!survives(child)) {
            return 0;
        }
    }
    return 1;
}

/* The JSON object that the text is, or nothing. */
static llm_bytes_t object_in(llm_text_t text, apr_pool_t *pool)
{
    llm_bytes_t none = {NULL, 0}, plain;
    const llm_json_t *doc;
    apr_size_t i = 0;

    while (i < text.len && (text.data[i] == ' ' || text.data[i] == '\\')) {
        i += text.data[i] == '\\' ? 2 : 1; /* \n, \t, \r */
    }
    if (i >= text.len || text.data[i] != '{') {
        return none;
    }
    plain = llm_text_decode(text, pool);
    if (llm_json_read(&doc, plain.data, plain.len, NULL, pool)
        || doc->type != LLM_JSON_OBJECT || !survives(doc)) {
        return none;
    }
    return doc->raw;
}

static void put_response(contents_t *c, const llm_part_t *result)
{
    llm_text_t text = llm_parts_text(result->result, "\\n", c->pool);
    llm_bytes_t object = object_in(text, c->pool);

    llm_put_name(c->out, "response");
    if (object.data && !result->is_error) {
        llm_buf_append(c->out, object.data, object.len);
        return;
    }
    llm_buf_putc(c->out, '{');
    llm_put_name(c->out, result->is_error ? "error" : "output");
    if (object.data) {
        llm_buf_append(c->out, object.data, object.len);
    }
    else {
        llm_buf_put_text(c->out, text.data ? text : LLM_TEXT_LITERAL(""));
    }
    llm_buf_putc(c->out, '}');
}

static void put_result(contents_t *c, const slot_t *slot,
                       const llm_part_t *result)
{
    const llm_call_t *call = slot ? slot->call : NULL;
    llm_text_t name = call ? call->name : result->result_name;

    if (!name.data && result->result_of) {
        call = apr_hash_get(c->calls, result->result_of, APR_HASH_KEY_STRING);
        name = call ? call->name : LLM_TEXT_NONE;
    }
    if (!name.data) {
        refuse(c, "messages",
               apr_psprintf(c->pool, "a tool result answers no tool call: %s",
                            result->result_of ? result->result_of : "no id"));
        return;
    }
    if (result->cache) {
        llm_request_drop(c->req, "messages.content.cache_control");
    }
    part_begin(c);
    llm_put_name(c->out, "functionResponse");
    llm_buf_putc(c->out, '{');
    llm_put_string_member(c->out, "id", slot ? slot->gemini_id : NULL);
    llm_put_text_member(c->out, "name", name);
    put_response(c, result);
    llm_buf_putc(c->out, '}');
    part_end(c);
}

/* Pictures and files a tool gave, in the user's words after the results. */
static void put_result_media(contents_t *c, const llm_part_t *result)
{
    const llm_part_t *part;
    int told = 0;

    for (part = result->result; part; part = part->next) {
        if (part->kind == LLM_PART_TEXT) {
            continue;
        }
        if (!told++ && result->result_name.data) {
            part_begin(c);
            llm_put_name(c->out, "text");
            llm_buf_lit(c->out, "\"From the result of ");
            llm_buf_append(c->out, result->result_name.data,
                           result->result_name.len);
            llm_buf_lit(c->out, ":\"");
            part_end(c);
        }
        put_part(c, part);
    }
}

/* ---- contents ---- */

static apr_size_t content_begin(contents_t *c, const char *role)
{
    apr_size_t before = c->out->len;

    llm_put_comma(c->out);
    llm_buf_lit(c->out, "{\"role\":\"");
    llm_buf_puts(c->out, role);
    llm_buf_lit(c->out, "\",\"parts\":[");
    return before;
}

/* A content without parts is an error to Gemini, so it is taken back. */
static void content_end(contents_t *c, apr_size_t before)
{
    if (c->out->len && c->out->data[c->out->len - 1] == '[') {
        llm_buf_cut(c->out, before);
        return;
    }
    llm_buf_lit(c->out, "]}");
}

static const llm_turn_t *skip_system(const llm_turn_t *turn)
{
    while (turn && turn->role == LLM_ROLE_SYSTEM) {
        turn = turn->next;
    }
    return turn;
}

/* The first turn after this one's run: the other role, or NULL. */
static const llm_turn_t *run_end(const llm_turn_t *turn)
{
    int is_model = turn->role == LLM_ROLE_ASSISTANT;

    while (turn && (turn->role == LLM_ROLE_ASSISTANT) == is_model) {
        turn = skip_system(turn->next);
    }
    return turn;
}

/* For every part of the turns from `turn` up to `end`. */
#define EACH_PART(turn, end, part)                                             \
    for (; turn != end; turn = skip_system(turn->next))                        \
        for (part = turn->parts; part; part = part->next)

static void put_model_run(contents_t *c, const llm_turn_t *turn,
                          const llm_turn_t *end)
{
    apr_size_t before = content_begin(c, "model");
    const llm_part_t *part;

    apr_array_clear(c->slots);
    EACH_PART(turn, end, part)
    {
        put_part(c, part);
    }
    if (c->signature.data) {
        put_text(c, LLM_TEXT_LITERAL("")); /* as Gemini ends a stream */
    }
    content_end(c, before);
}

/*
 * Gives each result its call: by id, and those whose id nobody knows, to the
 * calls that are left, in order. Results of older calls stay where they are.
 */
static void match_results(contents_t *c, apr_array_header_t *results)
{
    apr_hash_t *by_id = apr_hash_make(c->pool);
    const llm_part_t **result = (const llm_part_t **)results->elts;
    slot_t *slot = (slot_t *)c->slots->elts;
    int i, next = 0;

    for (i = c->slots->nelts; i--;) {
        if (slot[i].call->id && *slot[i].call->id) {
            apr_hash_set(by_id, slot[i].call->id, APR_HASH_KEY_STRING,
                         &slot[i]);
        }
    }
    for (i = 0; i < results->nelts; ++i) {
        const char *id = result[i]->result_of;
        slot_t *match =
            id && *id ? apr_hash_get(by_id, id, APR_HASH_KEY_STRING) : NULL;

        if (match && !match->result) {
            match->result = result[i];
            result[i] = NULL;
        }
    }
    for (i = 0; i < results->nelts; ++i) {
        if (!result[i]
            || (result[i]->result_of && *result[i]->result_of
                && apr_hash_get(c->calls, result[i]->result_of,
                                APR_HASH_KEY_STRING))) {
            continue;
        }
        while (next < c->slots->nelts && slot[next].result) {
            ++next;
        }
        if (next < c->slots->nelts) {
            slot[next].result = result[i];
            result[i] = NULL;
        }
    }
}

static void put_results(contents_t *c, const llm_turn_t *turn,
                        const llm_turn_t *end)
{
    apr_array_header_t *results =
        apr_array_make(c->pool, 4, sizeof(const llm_part_t *));
    const llm_part_t *part;
    apr_size_t before;
    int i;

    EACH_PART(turn, end, part)
    {
        if (part->kind == LLM_PART_TOOL_RESULT) {
            APR_ARRAY_PUSH(results, const llm_part_t *) = part;
        }
    }
    if (!results->nelts) {
        return;
    }
    match_results(c, results);
    before = content_begin(c, "user");
    for (i = 0; i < c->slots->nelts; ++i) {
        const slot_t *slot = &APR_ARRAY_IDX(c->slots, i, slot_t);

        if (slot->result) {
            put_result(c, slot, slot->result);
        }
    }
    for (i = 0; i < results->nelts; ++i) {
        part = APR_ARRAY_IDX(results, i, const llm_part_t *);
        if (part) {
            put_result(c, NULL, part);
        }
    }
    content_end(c, before);
}

static void put_user_run(contents_t *c, const llm_turn_t *turn,
                         const llm_turn_t *end)
{
    const llm_part_t *part;
    apr_size_t before;

    put_results(c, turn, end);
    before = content_begin(c, "user");
    EACH_PART(turn, end, part)
    {
        if (part->kind == LLM_PART_TOOL_RESULT) {
            put_result_media(c, part);
        }
        else {
            put_part(c, part);
        }
    }
    content_end(c, before);
    apr_array_clear(c->slots);
}

/* Text of all system turns. Gemini wants at least one content, so a question
 * that is nothing but system text is asked by the user. */
static void put_system(contents_t *c, const llm_turn_t *turns)
{
    const llm_turn_t *turn;
    const llm_part_t *part;
    apr_size_t before = c->out->len;

    llm_put_name(c->out, "systemInstruction");
    llm_buf_lit(c->out, "{\"parts\":[");
    for (turn = turns; turn; turn = turn->next) {
        if (turn->role != LLM_ROLE_SYSTEM) {
            continue;
        }
        for (part = turn->parts; part; part = part->next) {
            if (part->kind != LLM_PART_TEXT) {
                refuse(c, "messages",
                       "a system turn can hold nothing but text");
            }
            else {
                put_part(c, part);
            }
        }
    }
    content_end(c, before);
}

/* Is there anything but system turns and empty texts? */
static int says_something(const llm_turn_t *turn)
{
    const llm_part_t *part;

    for (turn = skip_system(turn); turn; turn = skip_system(turn->next)) {
        for (part = turn->parts; part; part = part->next) {
            if (part->kind != LLM_PART_TEXT || part->text.len) {
                return 1;
            }
        }
    }
    return 0;
}

static void add_copies(llm_parts_t *parts, const llm_part_t *part,
                       apr_pool_t *pool)
{
    for (; part; part = part->next) {
        llm_part_t *copy = llm_parts_add(parts, part->kind, pool);

        *copy = *part;
        copy->next = NULL;
    }
}

/* Gemma has no place for a system turn ("Developer instruction is not
 * enabled"), and was taught to take what it says from the user, who says it
 * first. */
static const llm_turn_t *told_by_user(const llm_turn_t *turns, apr_pool_t *pool)
{
    llm_parts_t parts = {NULL, NULL};
    llm_turns_t told = {NULL, NULL};
    const llm_turn_t *turn, *next = skip_system(turns);
    llm_turn_t *copy;

    for (turn = turns; turn; turn = turn->next) {
        if (turn->role == LLM_ROLE_SYSTEM) {
            add_copies(&parts, turn->parts, pool);
        }
    }
    if (!parts.first) {
        return turns;
    }
    copy = llm_turns_add(&told, LLM_ROLE_USER, pool);
    if (next && next->role == LLM_ROLE_USER) {
        add_copies(&parts, next->parts, pool);
        next = skip_system(next->next);
    }
    copy->parts = parts.first;
    for (; next; next = skip_system(next->next)) {
        copy = llm_turns_add(&told, next->role, pool);
        copy->parts = next->parts;
    }
    return told.first;
}

llm_problem_t *llm_gemini_put_contents(llm_buf_t *out, llm_request_t *req,
                                       const llm_ask_t *ask, const char *model,
                                       apr_pool_t *pool)
{
    contents_t c = {.out = out, .req = req, .pool = pool};
    const llm_turn_t *turns =
        strstr(model, "gemma") ? told_by_user(ask->turns, pool) : ask->turns;
    const llm_turn_t *turn, *end;
    apr_size_t before;

    c.calls = apr_hash_make(pool);
    c.slots = apr_array_make(pool, 4, sizeof(slot_t));
    for (turn = ask->turns; turn; turn = turn->next) {
        if (turn->name.data) {
            llm_request_drop(req, "messages.name");
        }
    }
    turn = says_something(turns) ? skip_system(turns) : NULL;
    if (turn) {
        put_system(&c, turns);
    }
    llm_put_name(out, "contents");
    llm_buf_putc(out, '[');
    if (!turn && turns) {
        before = content_begin(&c, "user");
        for (turn = turns; turn; turn = turn->next) {
            const llm_part_t *part;

            for (part = turn->parts; part; part = part->next) {
                put_part(&c, part);
            }
        }
        content_end(&c, before);
    }
    for (; turn && !c.problem; turn = end) {
        end = run_end(turn);
        if (turn->role == LLM_ROLE_ASSISTANT) {
            put_model_run(&c, turn, end);
        }
        else {
            put_user_run(&c, turn, end);
        }
    }
    if (!c.problem && out->data[out->len - 1] == '[') {
        refuse(&c, "messages", "expected one that says something");
    }
    llm_buf_putc(out, ']');
    return c.problem;
}
