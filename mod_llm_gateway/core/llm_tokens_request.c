/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's input takes.
 *
 * By rule of thumb every string in the body counts, whatever it is for.
 *
 * By an encoding it is what the model reads: the members that carry a prompt,
 * with what frames a message in OpenAI's chats (three tokens each, three more
 * before the answer), and of tools their schemas with the members' names. The
 * strings that only tell the server how to read the others are left out.
 *
 * What a provider puts before tools is added where it is published.
 *
 * Media count a flat sum: what they cost depends on sizes nobody here knows.
 */
#include "core/llm_tokens.h"

#include <string.h>

/* A string longer than this without a blank is data, not text. */
#define DATA_LENGTH 256
/* What an image costs at least where it is counted in tokens at all. */
#define MEDIA_TOKENS 85
/* What OpenAI's chat format adds to a message, and before the answer. */
#define FRAME_TOKENS 3
/* Deeper values are not looked at: the reader bounds the depth already. */
#define DEPTH_MAX 128

typedef struct sum_t {
    llm_tally_t tally;
    apr_int64_t others; /* tokens that are not text: media, frames, ids */
    int run;            /* each string is a text of its own */
} sum_t;

/* How a member of the body is counted. */
typedef enum { SKIP, TEXT, MESSAGES, SCHEMA } kind_e;

static const struct {
    const char *name;
    kind_e kind;
} members[] = {
    {"messages", MESSAGES},
    {"contents", MESSAGES},
    {"system", TEXT},
    {"systemInstruction", TEXT},
    {"system_instruction", TEXT},
    {"instructions", TEXT},
    {"input", TEXT},
    {"inputs", TEXT},
    {"prompt", TEXT},
    {"tools", SCHEMA},
    {"functions", SCHEMA},
    {"response_format", SCHEMA},
};

/* In messages: read by the server, not by the model. */
static const char *const unread[] = {
    "type",          "id",         "tool_call_id",     "tool_use_id",
    "cache_control", "media_type", "mime_type",        "mimeType",
    "detail",        "signature",  "thoughtSignature",
};

static int is_media(llm_text_t text)
{
    return (text.len > 5 && !memcmp(text.data, "data:", 5))
           || (text.len > DATA_LENGTH && !memchr(text.data, ' ', text.len)
               && (unsigned char)text.data[0] < 0x80);
}

static void add_text(sum_t *sum, llm_text_t text)
{
    if (is_media(text)) {
        sum->others += MEDIA_TOKENS;
    }
    else {
        llm_tally_add(&sum->tally, text, ++sum->run);
    }
}

static void add_everything(sum_t *sum, const llm_json_t *node, int depth)
{
    if (node->type == LLM_JSON_STRING) {
        add_text(sum, llm_json_text(node));
        return;
    }
    if (depth < DEPTH_MAX) {
        for (node = node->child; node; node = node->next) {
            add_everything(sum, node, depth + 1);
        }
    }
}

static int is_unread(llm_text_t name)
{
    for (apr_size_t i = 0; i < sizeof(unread) / sizeof(unread[0]); ++i) {
        if (llm_text_equals(name, unread[i])) {
            return 1;
        }
    }
    return 0;
}

static void add_value(sum_t *sum, const llm_json_t *node, kind_e kind,
                      int depth)
{
    if (node->type == LLM_JSON_STRING) {
        add_text(sum, llm_json_text(node));
    }
    else if (node->type == LLM_JSON_NUMBER && kind == TEXT) {
        ++sum->others; /* an input of tokens */
    }
    else if (depth < DEPTH_MAX) {
        for (node = node->child; node; node = node->next) {
            if (kind == SCHEMA && node->name.data) {
                add_text(sum, node->name);
            }
            if (kind == SCHEMA || !node->name.data || !is_unread(node->name)) {
                add_value(sum, node, kind, depth + 1);
            }
        }
    }
}

static kind_e kind_of(llm_text_t name)
{
    for (apr_size_t i = 0; i < sizeof(members) / sizeof(members[0]); ++i) {
        if (llm_text_equals(name, members[i].name)) {
            return members[i].kind;
        }
    }
    return SKIP;
}

/* 0 when no member is known: then it is not a body of a kind we know. */
static int add_members(sum_t *sum, const llm_json_t *doc)
{
    int found = 0;

    for (const llm_json_t *node = doc->child; node; node = node->next) {
        kind_e kind = kind_of(node->name);

        if (kind != SKIP) {
            add_value(sum, node, kind, 0);
            found = 1;
        }
        if (kind == MESSAGES) {
            sum->others += FRAME_TOKENS * ((apr_int64_t)node->count + 1);
        }
    }
    return found;
}

/* Their provider tells the model how to use them. */
static int has_tools(const llm_json_t *doc)
{
    const llm_json_t *tools = llm_json_get(doc, "tools");

    return llm_json_is(tools, LLM_JSON_ARRAY) && tools->count;
}

apr_int64_t llm_tokens_of_request(const llm_json_t *doc,
                                  llm_tokenizer_t tokenizer, apr_pool_t *pool)
{
    sum_t sum = {{0, 0, NULL}, 0, 0};
    apr_pool_t *scratch;
    apr_int64_t tokens;

    if (!doc) {
        return 0;
    }
    apr_pool_create(&scratch, pool);
    llm_tally_open(&sum.tally, tokenizer, scratch);
    if (!tokenizer.encoding || doc->type != LLM_JSON_OBJECT
        || !add_members(&sum, doc)) {
        add_everything(&sum, doc, 0);
    }
    if (doc->type == LLM_JSON_OBJECT && has_tools(doc)) {
        sum.others += tokenizer.tools;
    }
    tokens = llm_tally_tokens(&sum.tally) + sum.others;
    apr_pool_destroy(scratch);
    return tokens;
}
