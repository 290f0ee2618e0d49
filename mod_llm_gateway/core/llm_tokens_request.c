/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's input takes.
 *
 * It is what the model reads: the members that carry a prompt, in whichever
 * dialect, and what the model's family puts around messages, calls, results,
 * tools and schemas (llm_families.c). Strings that only tell the server how to
 * read the others are left out, and so are earlier thoughts where the family
 * forgets them.
 *
 * A body without any member that is known counts whole.
 */
#include "core/llm_tokens_internal.h"

#include <string.h>

/* A string longer than this without a blank is data, not text. */
#define DATA_LENGTH 256
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* How a member of the body is counted. */
typedef enum {
    SKIP,
    TEXT,
    SYSTEM,
    MESSAGES,
    TOOLS,
    FORMAT,
    CHOICE,
    THINKING
} kind_e;

static const struct {
    const char *name;
    kind_e kind;
} members[] = {
    {"messages", MESSAGES},
    {"contents", MESSAGES},
    {"chat_history", MESSAGES},
    {"input", MESSAGES},
    {"message", MESSAGES},
    {"system", SYSTEM},
    {"systemInstruction", SYSTEM},
    {"system_instruction", SYSTEM},
    {"instructions", SYSTEM},
    {"preamble", SYSTEM},
    {"inputs", TEXT},
    {"prompt", TEXT},
    {"content", TEXT},
    {"requests", TEXT},
    {"texts", TEXT},
    {"query", TEXT},
    {"documents", TEXT},
    {"suffix", TEXT},
    {"images", TEXT},
    {"tools", TOOLS},
    {"functions", TOOLS},
    {"response_format", FORMAT},
    {"text", FORMAT},
    {"generationConfig", FORMAT},
    {"generation_config", FORMAT},
    {"output_format", FORMAT},
    {"output_config", FORMAT},
    {"tool_choice", CHOICE},
    {"toolConfig", CHOICE},
    {"tool_config", CHOICE},
    {"thinking", THINKING},
    {"reasoning", THINKING},
    {"reasoning_effort", THINKING},
};

/* In messages: read by the server, not by the model. */
static const char *const unread[] = {
    "type",          "role",       "id",
    "call_id",       "format",     "tool_call_id",
    "tool_use_id",   "media_type", "mime_type",
    "cache_control", "mimeType",   "detail",
    "signature",     "data",       "thoughtSignature",
    "status",        "phase",      "thought_signature",
    "namespace",     "model",      "encrypted_content",
};

/* In messages: what a model thought when it wrote them. */
static const char *const thoughts[] = {
    "thinking",          "reasoning", "reasoning_content",
    "reasoning_details", "summary",
};

static int is_in(llm_text_t name, const char *const *names, apr_size_t count)
{
    for (apr_size_t i = 0; name.data && i < count; ++i) {
        if (llm_text_equals(name, names[i])) {
            return 1;
        }
    }
    return 0;
}

static int is_type(const llm_json_t *node, const char *const *names,
                   apr_size_t count)
{
    return is_in(llm_json_text(llm_json_get(node, "type")), names, count);
}

/* ---- media ------------------------------------------------------------- */

static int is_media(llm_text_t text)
{
    return (text.len > 5 && !memcmp(text.data, "data:", 5))
           || (text.len > DATA_LENGTH && !memchr(text.data, ' ', text.len)
               && (unsigned char)text.data[0] < 0x80);
}

static void add_media(llm_tokens_sum_t *sum, llm_text_t data, int coarse)
{
    sum->others +=
        llm_tokens_of_media(&sum->family->image, data, coarse, sum->pool);
}

void llm_tokens_add_text(llm_tokens_sum_t *sum, llm_text_t text)
{
    if (is_media(text)) {
        add_media(sum, text, 0);
    }
    else {
        llm_tally_add(&sum->text, text, ++sum->run);
    }
}

/* The first string in it that is data; none when it is elsewhere. */
static llm_text_t find_data(const llm_json_t *node, int depth)
{
    llm_text_t text = llm_json_text(node);

    if (text.data && is_media(text)) {
        return text;
    }
    text.data = NULL;
    text.len = 0;
    if (node->type != LLM_JSON_STRING && depth < LLM_TOKENS_DEPTH) {
        for (node = node->child; node && !text.data; node = node->next) {
            text = find_data(node, depth + 1);
        }
    }
    return text;
}

static int has_media(const llm_json_t *node)
{
    static const char *const types[] = {
        "image",     "image_url",    "input_image",      "document",
        "file",      "input_file",   "input_audio",      "audio_url",
        "video_url", "document_url", "container_upload",
    };

    return is_type(node, types, COUNT(types))
           || llm_json_want(node, "inlineData")
           || llm_json_want(node, "inline_data")
           || llm_json_want(node, "fileData")
           || llm_json_want(node, "file_data");
}

static int is_coarse(const llm_json_t *node)
{
    const llm_json_t *detail = llm_json_want(node, "detail");

    return llm_json_equals(
        detail ? detail
               : llm_json_get(llm_json_want(node, "image_url"), "detail"),
        "low");
}

/* ---- messages ---------------------------------------------------------- */

static void add_value(llm_tokens_sum_t *sum, const llm_json_t *node, int depth);

static int is_thought(const llm_json_t *node)
{
    static const char *const types[] = {"thinking", "redacted_thinking",
                                        "reasoning", "reasoning.text"};

    return is_type(node, types, COUNT(types))
           || llm_json_is_true(llm_json_get(node, "thought"));
}

static int is_result(const llm_json_t *node)
{
    static const char *const types[] = {"tool_result", "function_call_output"};

    return is_type(node, types, COUNT(types))
           || llm_json_equals(llm_json_get(node, "role"), "tool");
}

/* Arguments and results that are values, not texts, are read as JSON. */
static void add_payload(llm_tokens_sum_t *sum, const llm_json_t *node)
{
    if (node->type == LLM_JSON_STRING) {
        llm_tokens_add_text(sum, llm_json_text(node));
    }
    else {
        llm_tokens_add_json(sum, &sum->text, node);
    }
}

/* A call of a tool, or what came of it: a name and a payload. 0: neither. */
static int add_call(llm_tokens_sum_t *sum, const llm_json_t *node)
{
    static const char *const payloads[] = {"arguments", "input", "args"};
    const llm_json_t *name = llm_json_get(node, "name");
    const llm_json_t *payload = NULL;

    if (!llm_json_is(name, LLM_JSON_STRING)) {
        return 0;
    }
    for (apr_size_t i = 0; i < COUNT(payloads) && !payload; ++i) {
        payload = llm_json_want(node, payloads[i]);
    }
    sum->calls += payload != NULL;
    if (!payload) {
        payload = llm_json_want(node, "response");
        sum->results += payload != NULL;
    }
    if (payload) {
        llm_tokens_add_text(sum, llm_json_text(name));
        add_payload(sum, payload);
    }
    return payload != NULL;
}

static void add_members(llm_tokens_sum_t *sum, const llm_json_t *node,
                        int depth)
{
    for (node = node->child; node; node = node->next) {
        if (llm_text_equals(node->name, "tools")) {
            llm_tokens_add_tools(sum, node);
        }
        else if (!is_in(node->name, unread, COUNT(unread))
                 && (sum->family->keeps_thoughts
                     || !is_in(node->name, thoughts, COUNT(thoughts)))) {
            add_value(sum, node, depth + 1);
        }
    }
}

static void add_object(llm_tokens_sum_t *sum, const llm_json_t *node, int depth)
{
    if (is_thought(node) && !sum->family->keeps_thoughts) {
        return;
    }
    if (has_media(node)) {
        add_media(sum, find_data(node, 0), is_coarse(node));
        return;
    }
    sum->results += (unsigned)is_result(node);
    if (!add_call(sum, node)) {
        add_members(sum, node, depth);
    }
}

/* Thoughts that were sent back in the text itself. */
static llm_text_t without_thoughts(llm_text_t text)
{
    static const char before[] = "<think>", after[] = "</think>";
    apr_size_t length = sizeof(after) - 1;

    if (text.len < sizeof(before) || memcmp(text.data, before, 7) != 0) {
        return text;
    }
    for (apr_size_t i = 0; i + length <= text.len; ++i) {
        if (!memcmp(text.data + i, after, length)) {
            llm_text_t rest = {text.data + i + length, text.len - i - length};

            return rest;
        }
    }
    return text;
}

static void add_value(llm_tokens_sum_t *sum, const llm_json_t *node, int depth)
{
    if (node->type == LLM_JSON_STRING) {
        llm_text_t text = llm_json_text(node);

        llm_tokens_add_text(
            sum, sum->family->keeps_thoughts ? text : without_thoughts(text));
    }
    else if (node->type == LLM_JSON_OBJECT && depth < LLM_TOKENS_DEPTH) {
        add_object(sum, node, depth);
    }
    else if (node->type == LLM_JSON_ARRAY && depth < LLM_TOKENS_DEPTH) {
        for (node = node->child; node; node = node->next) {
            add_value(sum, node, depth + 1);
        }
    }
    else if (node->type == LLM_JSON_NUMBER) {
        ++sum->others; /* an input of tokens */
    }
}

static void add_messages(llm_tokens_sum_t *sum, const llm_json_t *node)
{
    sum->messages += node->type == LLM_JSON_ARRAY ? node->count : 1;
    if (node->type == LLM_JSON_ARRAY) {
        for (const llm_json_t *at = node->child; at; at = at->next) {
            const llm_json_t *role = llm_json_get(at, "role");

            sum->has_system |= llm_json_equals(role, "system")
                               || llm_json_equals(role, "developer");
        }
    }
    add_value(sum, node, 0);
}

/* ---- the body ---------------------------------------------------------- */

/* OpenAI's "required", Mistral's "any", a function; Anthropic's {"type":
 * "any"}; Gemini's mode "ANY". */
static int demands_call(const llm_json_t *choice)
{
    static const char *const types[] = {"any", "tool", "function", "required"};
    llm_text_t text = llm_json_text(choice);
    const llm_json_t *config = llm_json_want(choice, "functionCallingConfig");

    return (text.data && is_in(text, types, COUNT(types)))
           || is_type(choice, types, COUNT(types))
           || llm_json_equals(llm_json_get(config, "mode"), "ANY");
}

static int is_off(const llm_json_t *node)
{
    static const char *const words[] = {"none", "disabled", "off"};

    return node->type == LLM_JSON_NULL || node->type == LLM_JSON_FALSE
           || is_in(llm_json_text(node), words, COUNT(words))
           || is_type(node, words, COUNT(words))
           || is_in(llm_json_text(llm_json_get(node, "effort")), words,
                    COUNT(words));
}

static kind_e kind_of(llm_text_t name)
{
    for (apr_size_t i = 0; i < COUNT(members); ++i) {
        if (llm_text_equals(name, members[i].name)) {
            return members[i].kind;
        }
    }
    return SKIP;
}

/* 1 when it may carry a prompt. */
static int add_member(llm_tokens_sum_t *sum, const llm_json_t *node)
{
    switch (kind_of(node->name)) {
    case TEXT:
        add_value(sum, node, 0);
        return 1;
    case SYSTEM:
        ++sum->messages;
        sum->has_system = 1;
        add_value(sum, node, 0);
        return 1;
    case MESSAGES:
        add_messages(sum, node);
        return 1;
    case TOOLS:
        llm_tokens_add_tools(sum, node);
        return 1;
    case FORMAT:
        llm_tokens_add_format(sum, node);
        return 0;
    case CHOICE:
        sum->is_forced |= demands_call(node);
        return 0;
    case THINKING:
        sum->is_thinking |= !is_off(node);
        return 0;
    default:
        return 0;
    }
}

static int add_body(llm_tokens_sum_t *sum, const llm_json_t *doc)
{
    int found = 0;

    for (const llm_json_t *node = doc->child; node; node = node->next) {
        found |= node->type != LLM_JSON_NULL && add_member(sum, node);
    }
    return found;
}

static void add_everything(llm_tokens_sum_t *sum, const llm_json_t *node,
                           int depth)
{
    if (node->type == LLM_JSON_STRING) {
        llm_tokens_add_text(sum, llm_json_text(node));
    }
    else if (depth < LLM_TOKENS_DEPTH) {
        for (node = node->child; node; node = node->next) {
            add_everything(sum, node, depth + 1);
        }
    }
}

static apr_int64_t total(llm_tokens_sum_t *sum, llm_tokenizer_t tokenizer)
{
    const llm_family_t *family = sum->family;
    apr_int64_t tokens = llm_tally_tokens(&sum->text) + sum->others;

    if (sum->messages) {
        tokens += family->base;
        tokens += (apr_int64_t)family->frame * sum->messages;
    }
    if (sum->is_thinking && !(sum->is_forced && sum->tool_count)) {
        tokens += family->thinking;
    }
    tokens += (apr_int64_t)family->call * sum->calls;
    tokens += (apr_int64_t)family->result * sum->results;
    return tokens + llm_tokens_of_tools(sum, tokenizer);
}

apr_int64_t llm_tokens_of_request(const llm_json_t *doc,
                                  llm_tokenizer_t tokenizer, apr_pool_t *pool)
{
    llm_tokens_sum_t sum = {.family = tokenizer.family};
    apr_int64_t tokens;

    if (!doc) {
        return 0;
    }
    apr_pool_create(&sum.pool, pool);
    apr_pool_tag(sum.pool, "llm_tokens_of_request");
    llm_tally_open(&sum.text, tokenizer, sum.pool);
    llm_tally_open(&sum.tools, tokenizer, sum.pool);
    llm_tally_open(&sum.schemas, tokenizer, sum.pool);
    if (doc->type != LLM_JSON_OBJECT || !add_body(&sum, doc)) {
        add_everything(&sum, doc, 0);
    }
    tokens = total(&sum, tokenizer);
    apr_pool_destroy(sum.pool);
    return tokens;
}
