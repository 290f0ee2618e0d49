/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Same dialect on both sides, but a server with habits: what it would refuse
 * or misread is changed in the client's bytes, and nothing else.
 *
 *   - a limit, a seed, a tool choice and the size of an embedding by the names
 *     the server has for them
 *   - the role "developer", which is "system" there
 *   - ids of tool calls, in the calls and in their results; thoughts, which
 *     calls have to have
 *   - texts in a list, where it takes none
 *   - a schema for the answer, which is told in a message where there is no
 *     other place for it
 *   - labels and other hints that are refused: left out, and told
 *
 * A member that wishes for something the server lacks stays: the server says
 * so in its own words. A body that is no JSON stays as it is too.
 */
#include "dialect/openai_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define ID_LENGTH 9

/* ---- ids --------------------------------------------------------------- */

struct llm_openai_ids_t {
    apr_pool_t *pool;
    apr_hash_t *by_given; /* what was made of an id */
    apr_hash_t *by_made;  /* the id it was made of */
};

llm_openai_ids_t *llm_openai_ids_make(apr_pool_t *pool)
{
    llm_openai_ids_t *ids = apr_palloc(pool, sizeof(*ids));

    ids->pool = pool;
    ids->by_given = apr_hash_make(pool);
    ids->by_made = apr_hash_make(pool);
    return ids;
}

/* Made of the id alone, so that it is the same in the next request. Only where
 * two of one request would be alike the later one becomes another. */
const char *llm_openai_ids_fit(llm_openai_ids_t *ids, const char *id)
{
    const char *made = apr_hash_get(ids->by_given, id, APR_HASH_KEY_STRING);
    const char *seed = id;

    if (made) {
        return made;
    }
    made = llm_call_id_fit(id, "", "", ID_LENGTH, 1, ids->pool);
    while (apr_hash_get(ids->by_made, made, APR_HASH_KEY_STRING)) {
        seed = apr_pstrcat(ids->pool, seed, "+", NULL);
        made = llm_call_id_fit(seed, "", "", ID_LENGTH, 1, ids->pool);
    }
    id = apr_pstrdup(ids->pool, id);
    apr_hash_set(ids->by_given, id, APR_HASH_KEY_STRING, made);
    apr_hash_set(ids->by_made, made, APR_HASH_KEY_STRING, id);
    return made;
}

/* ---- cutting ----------------------------------------------------------- */

typedef struct amend_t {
    llm_request_t *req;
    llm_bytes_t raw;
    const llm_habits_t *habits;
    const llm_json_t *doc;
    llm_splice_t *splice;
    llm_openai_ids_t *ids;
    apr_pool_t *pool;
} amend_t;

static apr_size_t offset_of(const amend_t *amend, const char *at)
{
    return (apr_size_t)(at - amend->raw.data);
}

static void replace(const amend_t *amend, llm_bytes_t old, const char *text)
{
    apr_size_t at = offset_of(amend, old.data);

    llm_splice_cut(amend->splice, at, at + old.len, text, strlen(text));
}

static void rename_member(const amend_t *amend, const llm_json_t *member,
                          const char *name)
{
    replace(amend, (llm_bytes_t){member->name.data, member->name.len}, name);
}

static void put_string(const amend_t *amend, const llm_json_t *node,
                       const char *utf8)
{
    llm_bytes_t text = llm_json_quote(utf8, amend->pool);

    replace(amend, node->raw, apr_pstrmemdup(amend->pool, text.data, text.len));
}

/* Members of one object that are looked at in order. */
typedef struct walk_t {
    const llm_json_t *last; /* the one before this one, or NULL */
    int kept;               /* members that stay, so far */
} walk_t;

/* Leaves a member out, and the comma on one side of it. */
static void leave_out(const amend_t *amend, const llm_json_t *member,
                      const walk_t *walk)
{
    const char *from = member->name.data - 1;
    const char *to = member->raw.data + member->raw.len;

    if (walk->kept) { /* with the comma before it */
        from = walk->last->raw.data + walk->last->raw.len;
    }
    else if (member->next) {
        to = member->next->name.data - 1;
    }
    llm_splice_cut(amend->splice, offset_of(amend, from), offset_of(amend, to),
                   "", 0);
}

/* ---- messages ---------------------------------------------------------- */

static void amend_id(amend_t *amend, const llm_json_t *node)
{
    const char *id = llm_json_string(node, amend->pool), *fit;

    if (id) {
        fit = llm_openai_ids_fit(amend->ids, id);
        if (strcmp(id, fit)) {
            put_string(amend, node, fit);
        }
    }
}

static void amend_calls(amend_t *amend, const llm_json_t *calls)
{
    const llm_json_t *call, *member;

    for (call = calls->child; call; call = call->next) {
        for (member = call->child; member; member = member->next) {
            if (llm_text_equals(member->name, "id")) {
                amend_id(amend, member);
            }
        }
    }
}

/* Is it an author's name, which the server refuses? A tool's may stay. */
static int is_author(const amend_t *amend, const llm_json_t *message,
                     const llm_json_t *member)
{
    return llm_text_equals(member->name, "name")
           && llm_profile_lacks(amend->habits, "name")
           && !llm_json_equals(llm_json_get(message, "role"), "tool");
}

/* Text parts as one string; NULL where the list holds anything else. */
static const char *joined(const llm_json_t *list, apr_pool_t *pool)
{
    static const char *const known[] = {"type", "text", "cache_control", NULL};
    llm_buf_t *out = llm_buf_make(0, pool);
    const llm_json_t *part;

    llm_buf_putc(out, '"');
    for (part = list->child; part; part = part->next) {
        llm_text_t text = llm_json_text(llm_json_get(part, "text"));

        if (!llm_json_equals(llm_json_get(part, "type"), "text") || !text.data
            || llm_json_has_others(part, known)) {
            return NULL;
        }
        if (text.len && out->len > 1) {
            llm_buf_lit(out, "\\n");
        }
        llm_buf_append(out, text.data, text.len);
    }
    llm_buf_putc(out, '"');
    return apr_pstrmemdup(pool, out->data, out->len);
}

static void amend_content(const amend_t *amend, const llm_json_t *content)
{
    const char *text = joined(content, amend->pool);
    const llm_json_t *part;

    if (!text) {
        return;
    }
    replace(amend, content->raw, text);
    for (part = content->child; part; part = part->next) {
        if (llm_json_want(part, "cache_control")) {
            llm_request_drop(amend->req, "messages.content.cache_control");
        }
    }
}

static void amend_said(amend_t *amend, const llm_json_t *member)
{
    if (llm_text_equals(member->name, "role")
        && (amend->habits->quirks & LLM_OPENAI_SYSTEM_ONLY)
        && llm_json_equals(member, "developer")) {
        put_string(amend, member, "system");
    }
    else if (member->type == LLM_JSON_ARRAY
             && llm_text_equals(member->name, "content")
             && llm_profile_lacks(amend->habits, "content_list")) {
        amend_content(amend, member);
    }
    else if (amend->ids && llm_text_equals(member->name, "tool_call_id")) {
        amend_id(amend, member);
    }
    else if (amend->ids && llm_text_equals(member->name, "tool_calls")
             && member->type == LLM_JSON_ARRAY) {
        amend_calls(amend, member);
    }
}

/* Does the server think, and want calls to have their thoughts? */
static int wants_thoughts(const amend_t *amend)
{
    return (amend->habits->quirks & LLM_OPENAI_CALLS_NEED_REASONING)
           && !llm_json_equals(
               llm_json_path(amend->doc, "thinking", "type", NULL), "disabled")
           && !llm_json_equals(llm_json_get(amend->doc, "reasoning_effort"),
                               "none");
}

/* Clients that know nothing of thoughts send calls back without them: as
 * little is added as is taken for some. */
static void add_thoughts(const amend_t *amend, const llm_json_t *message)
{
    static const char blank[] = "\"reasoning_content\":\" \",";
    const llm_json_t *calls = llm_json_get(message, "tool_calls");
    apr_size_t at = offset_of(amend, message->raw.data) + 1;

    if (llm_json_is(calls, LLM_JSON_ARRAY) && calls->count
        && !llm_json_get(message, "reasoning_content")
        && wants_thoughts(amend)) {
        llm_splice_cut(amend->splice, at, at, blank, sizeof(blank) - 1);
    }
}

/* Members of an assistant's message that Mistral refuses ("Extra inputs are not
 * permitted"): of an answer that OpenAI's SDKs send back, most. */
static int is_extra(const amend_t *amend, const llm_json_t *message,
                    const llm_json_t *member)
{
    static const char *const known[] = {"content", "prefix", "role",
                                        "tool_calls", NULL};
    const char *const *name = known;

    while (*name && !llm_text_equals(member->name, *name)) {
        ++name;
    }
    return !*name && (amend->habits->quirks & LLM_OPENAI_OWN_WORDS)
           && llm_json_equals(llm_json_get(message, "role"), "assistant");
}

/* The content with the thoughts in front of it, which is where Mistral has
 * them; NULL where there are none, or the model has no thoughts. */
static const char *with_thoughts(const amend_t *amend,
                                 const llm_json_t *message)
{
    const llm_json_t *content = llm_json_want(message, "content");
    llm_buf_t *out = llm_buf_make(0, amend->pool);
    llm_parts_t thoughts = {NULL, NULL};
    const llm_part_t *part;

    if (amend->habits->quirks & LLM_OPENAI_THINKING_PARTS) {
        llm_openai_read_thinking(&thoughts, message, amend->pool);
    }
    for (part = thoughts.first; part; part = part->next) {
        if (part->kind == LLM_PART_THINKING && part->text.len) {
            llm_buf_puts(out, out->len ? "," : "[");
            llm_buf_lit(out, "{\"type\":\"thinking\",\"thinking\":[{"
                             "\"type\":\"text\"");
            llm_put_text_member(out, "text", part->text);
            llm_buf_lit(out, "}]");
            llm_put_text_member(out, "signature", part->signature);
            llm_buf_putc(out, '}');
        }
    }
    if (!out->len) {
        return NULL;
    }
    if (llm_json_is(content, LLM_JSON_ARRAY) && content->count) {
        llm_buf_putc(out, ',');
        llm_buf_append(out, content->raw.data + 1, content->raw.len - 2);
    }
    else if (!llm_text_is_empty(llm_json_text(content))) {
        llm_buf_lit(out, ",{\"type\":\"text\"");
        llm_put_text_member(out, "text", llm_json_text(content));
        llm_buf_putc(out, '}');
    }
    llm_buf_putc(out, ']');
    return apr_pstrmemdup(amend->pool, out->data, out->len);
}

/* A member is left out; told where it says something that goes nowhere. */
static void leave_extra(const amend_t *amend, const llm_json_t *member,
                        const walk_t *walk, int has_thoughts)
{
    static const char *const thoughts[] = {"reasoning", "reasoning_content",
                                           "reasoning_details",
                                           "thinking_blocks", NULL};
    const char *const *name = thoughts;

    while (has_thoughts && *name && !llm_text_equals(member->name, *name)) {
        ++name;
    }
    if ((!has_thoughts || !*name)
        && (member->type == LLM_JSON_NUMBER || member->type == LLM_JSON_TRUE
            || member->count || llm_json_text(member).len)) {
        llm_request_drop(amend->req,
                         apr_pstrcat(amend->pool, "messages.",
                                     llm_text_string(member->name, amend->pool),
                                     NULL));
    }
    leave_out(amend, member, walk);
}

static void amend_message(amend_t *amend, const llm_json_t *message)
{
    const llm_json_t *member;
    walk_t walk = {NULL, 0};
    const char *thoughts;

    if (message->type != LLM_JSON_OBJECT) {
        return;
    }
    thoughts = with_thoughts(amend, message);
    if (thoughts && !llm_json_get(message, "content")) {
        apr_size_t at = offset_of(amend, message->raw.data) + 1;

        thoughts =
            apr_pstrcat(amend->pool, "\"content\":", thoughts, ",", NULL);
        llm_splice_cut(amend->splice, at, at, thoughts, strlen(thoughts));
    }
    add_thoughts(amend, message);
    for (member = message->child; member; member = member->next) {
        if (is_author(amend, message, member)) {
            llm_request_drop(amend->req, "messages.name");
            leave_out(amend, member, &walk);
        }
        else if (is_extra(amend, message, member)) {
            leave_extra(amend, member, &walk, thoughts != NULL);
        }
        else if (thoughts && llm_text_equals(member->name, "content")) {
            replace(amend, member->raw, thoughts);
            ++walk.kept;
        }
        else {
            amend_said(amend, member);
            ++walk.kept;
        }
        walk.last = member;
    }
}

/* The schema, where the server has no place for one; else NULL. */
static const llm_json_t *schema_of(const amend_t *amend,
                                   const llm_json_t *format)
{
    unsigned quirks = amend->habits->quirks;

    if (!(quirks & LLM_OPENAI_NO_SCHEMA) || (quirks & LLM_OPENAI_HAS_SCHEMA)
        || !llm_json_equals(llm_json_get(format, "type"), "json_schema")) {
        return NULL;
    }
    return llm_json_path(format, "json_schema", "schema", NULL);
}

static void amend_messages(amend_t *amend, const llm_json_t *messages)
{
    const llm_json_t *schema =
        schema_of(amend, llm_json_get(amend->doc, "response_format"));
    const llm_json_t *message;

    if (messages->type != LLM_JSON_ARRAY) {
        return;
    }
    if (schema) {
        llm_bytes_t prompt = llm_openai_format_prompt(schema, amend->pool);
        apr_size_t at = offset_of(amend, messages->raw.data) + 1;

        prompt.data = apr_pstrcat(
            amend->pool, apr_pstrmemdup(amend->pool, prompt.data, prompt.len),
            messages->child ? "," : "", NULL);
        llm_splice_cut(amend->splice, at, at, prompt.data, strlen(prompt.data));
    }
    for (message = messages->child; message; message = message->next) {
        amend_message(amend, message);
    }
}

/* ---- options ----------------------------------------------------------- */

static void amend_format(const amend_t *amend, const llm_json_t *format)
{
    if (schema_of(amend, format)) {
        replace(amend, format->raw, "{\"type\":\"json_object\"}");
        llm_request_drop(amend->req, "response_format.json_schema.name");
        if (llm_json_is_true(
                llm_json_path(format, "json_schema", "strict", NULL))) {
            llm_request_drop(amend->req, "response_format.json_schema.strict");
        }
    }
    else if ((amend->habits->quirks & LLM_OPENAI_NO_JSON_OBJECT)
             && llm_json_equals(llm_json_get(format, "type"), "json_object")) {
        replace(amend, format->raw,
                "{\"type\":\"json_schema\",\"json_schema\":{\"name\":"
                "\"answer\",\"schema\":{\"type\":\"object\"}}}");
    }
}

/* Hints: what an answer means does not hang on them. */
static const char *const hints[] = {
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "seed",
    "service_tier",
    "store",
    "user",
    "verbosity",
    NULL,
};

static int is_refused_hint(const amend_t *amend, const llm_json_t *member)
{
    const char *const *hint;

    for (hint = hints; *hint; ++hint) {
        if (llm_text_equals(member->name, *hint)) {
            return llm_profile_lacks(amend->habits, *hint);
        }
    }
    return 0;
}

/* A limit by the name that the server does not know. */
static int is_new_limit(const amend_t *amend, const llm_json_t *member)
{
    return (amend->habits->quirks & LLM_OPENAI_OLD_LIMIT)
           && llm_text_equals(member->name, "max_completion_tokens");
}

/* The old name, which OpenAI refuses for models that reason. */
static int is_old_limit(const amend_t *amend, const llm_json_t *member)
{
    const unsigned both = LLM_OPENAI_NEW_LIMIT | LLM_OPENAI_REASONS;

    return (amend->habits->quirks & both) == both
           && llm_text_equals(member->name, "max_tokens")
           && !llm_json_get(amend->doc, "max_completion_tokens");
}

/* Is the member to be left out? */
static int is_out(const amend_t *amend, const llm_json_t *member)
{
    if (is_new_limit(amend, member)) {
        if (!llm_json_want(amend->doc, "max_tokens")) {
            return 0;
        }
        llm_request_drop(amend->req, "max_completion_tokens");
        return 1;
    }
    if (is_refused_hint(amend, member)) {
        if (member->type != LLM_JSON_NULL && member->type != LLM_JSON_FALSE) {
            llm_request_drop(amend->req,
                             llm_text_string(member->name, amend->pool));
        }
        return 1;
    }
    return (amend->habits->quirks & LLM_OPENAI_NO_STREAM_OPTIONS)
           && llm_text_equals(member->name, "stream_options");
}

static void amend_member(amend_t *amend, const llm_json_t *member)
{
    unsigned quirks = amend->habits->quirks;
    llm_text_t name = member->name;

    if (is_new_limit(amend, member)) {
        rename_member(amend, member, "max_tokens");
    }
    else if (is_old_limit(amend, member)) {
        rename_member(amend, member, "max_completion_tokens");
    }
    else if ((quirks & LLM_OPENAI_OWN_WORDS)
             && llm_text_equals(name, "dimensions")
             && !llm_json_get(amend->doc, "output_dimension")) {
        rename_member(amend, member, "output_dimension");
    }
    else if ((quirks & LLM_OPENAI_OWN_WORDS) && llm_text_equals(name, "seed")
             && !llm_json_get(amend->doc, "random_seed")) {
        rename_member(amend, member, "random_seed");
    }
    else if ((quirks & LLM_OPENAI_OWN_WORDS)
             && llm_text_equals(name, "tool_choice")
             && llm_json_equals(member, "required")) {
        put_string(amend, member, "any");
    }
    else if (llm_text_equals(name, "messages")) {
        amend_messages(amend, member);
    }
    else if (llm_text_equals(name, "response_format")) {
        amend_format(amend, member);
    }
}

/* ---- the whole --------------------------------------------------------- */

/* The pieces of a body as one. */
static llm_bytes_t join(const llm_request_t *req, apr_pool_t *pool)
{
    llm_bytes_t whole = {NULL, 0};
    char *at;
    int i;

    for (i = 0; i < req->body_count; ++i) {
        whole.len += req->body[i].len;
    }
    whole.data = at = apr_palloc(pool, whole.len + 1);
    for (i = 0; i < req->body_count; ++i) {
        memcpy(at, req->body[i].data, req->body[i].len);
        at += req->body[i].len;
    }
    *at = '\0';
    return whole;
}

/* OpenAI's own servers take what their clients write, but for a limit. */
static int may_change(const llm_habits_t *habits, llm_bytes_t raw)
{
    static const char limit[] = "\"max_tokens\"";

    if (habits->quirks & LLM_OPENAI_GENUINE) {
        return (habits->quirks & LLM_OPENAI_REASONS)
               && memmem(raw.data, raw.len, limit, sizeof(limit) - 1);
    }
    return (habits->quirks & LLM_OPENAI_AMENDED) || habits->profile->lacks;
}

llm_bytes_t llm_openai_amend(llm_request_t *req, llm_bytes_t raw,
                             const llm_habits_t *habits, apr_pool_t *pool)
{
    amend_t amend = {.req = req, .raw = raw, .habits = habits, .pool = pool};
    const llm_json_t *member;
    walk_t walk = {NULL, 0};

    if (!may_change(habits, raw)) {
        return raw; /* without a look at it */
    }
    if (llm_json_read(&amend.doc, raw.data, raw.len, NULL, pool)
        || amend.doc->type != LLM_JSON_OBJECT) {
        return raw; /* who reads it says what is wrong */
    }
    amend.splice = llm_splice_make(pool);
    if (habits->quirks & LLM_OPENAI_NINE_LETTER_IDS) {
        amend.ids = llm_openai_ids_make(pool);
    }
    for (member = amend.doc->child; member; member = member->next) {
        if (is_out(&amend, member)) {
            leave_out(&amend, member, &walk);
        }
        else {
            amend_member(&amend, member);
            ++walk.kept;
        }
        walk.last = member;
    }
    if (!amend.splice->cuts->nelts) {
        return raw;
    }
    llm_splice_apply(req, raw, amend.splice);
    return join(req, pool);
}
