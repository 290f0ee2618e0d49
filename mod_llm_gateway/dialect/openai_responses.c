/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's Responses API, facing clients and providers. The map of its files
 * is in openai_responses_internal.h.
 *
 * A provider of the dialect "openai" that has this API at the same address is
 * asked in it for clients that speak it (llm_openai_also): their bytes pass
 * then, with stored responses, hosted tools and all else that cannot be
 * translated. Elsewhere the API is stateless: what would need OpenAI's
 * storage or its tools is refused by the client's side.
 */
#include "dialect/openai_responses_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_strings.h>

/* ---- words ---- */

static const llm_word_t reasons[] = {
    {"max_output_tokens", LLM_FINISH_LENGTH},
    {"content_filter", LLM_FINISH_FILTERED},
    {"max_tokens", LLM_FINISH_LENGTH},
    {NULL, 0},
};

llm_finish_e llm_responses_finish(const llm_json_t *response, int calls)
{
    const llm_json_t *status = llm_json_get(response, "status");
    const llm_json_t *reason =
        llm_json_path(response, "incomplete_details", "reason", NULL);

    if (llm_json_equals(status, "incomplete")) {
        return (llm_finish_e)llm_word_value(reasons, llm_json_text(reason),
                                            LLM_FINISH_OTHER);
    }
    if (!llm_json_equals(status, "completed")) {
        return LLM_FINISH_NONE;
    }
    return calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_STOP;
}

const char *llm_responses_incomplete(llm_finish_e finish, int refused)
{
    if (finish == LLM_FINISH_PAUSE) { /* the client may ask on */
        return "max_output_tokens";
    }
    return finish == LLM_FINISH_FILTERED && refused
               ? NULL
               : llm_word_of(reasons, (int)finish);
}

/* ---- reasoning ---- */

#define MARK "openai#"

llm_text_t llm_responses_pack(llm_text_t id, llm_text_t encrypted,
                              apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);

    llm_buf_lit(out, MARK);
    llm_buf_append(out, id.data, id.data ? id.len : 0);
    llm_buf_putc(out, '#');
    llm_buf_append(out, encrypted.data, encrypted.len);
    return (llm_text_t){out->data, out->len};
}

int llm_responses_unpack(llm_text_t *pid, llm_text_t *pencrypted,
                         llm_text_t packed)
{
    const char *hash;

    if (packed.len < sizeof(MARK)
        || memcmp(packed.data, MARK, sizeof(MARK) - 1)) {
        return 0;
    }
    packed.data += sizeof(MARK) - 1;
    packed.len -= sizeof(MARK) - 1;
    hash = memchr(packed.data, '#', packed.len);
    if (!hash) {
        return 0;
    }
    pid->data = packed.data;
    pid->len = (apr_size_t)(hash - packed.data);
    pencrypted->data = hash + 1;
    pencrypted->len = packed.len - pid->len - 1;
    return 1;
}

/* Texts of the summary, or of the reasoning itself where servers show it. */
static llm_text_t reasoning_text(const llm_json_t *item, apr_pool_t *pool)
{
    static const char *const members[] = {"summary", "content", NULL};
    llm_parts_t texts = {NULL, NULL};
    const char *const *name;

    for (name = members; *name && !texts.first; ++name) {
        const llm_json_t *list = llm_json_want(item, *name), *node;

        for (node = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;
             node; node = node->next) {
            llm_text_t text = llm_json_text(llm_json_get(node, "text"));

            if (text.len) {
                llm_parts_add_text(&texts, LLM_PART_TEXT, text, pool);
            }
        }
    }
    return llm_parts_text(texts.first, "\\n\\n", pool);
}

/* What a client gets of a provider's thinking begins with one of these; OpenAI's
 * own, which passed, with neither. */
#define SIGNED   "thinking#"
#define REDACTED "redacted#"

static int takes_mark(llm_text_t *text, const char *mark)
{
    apr_size_t len = strlen(mark);

    if (text->len < len || memcmp(text->data, mark, len)) {
        return 0;
    }
    text->data += len;
    text->len -= len;
    return 1;
}

int llm_responses_read_reasoning(llm_parts_t *parts, const llm_json_t *item,
                                 apr_pool_t *pool)
{
    llm_text_t text = reasoning_text(item, pool);
    llm_text_t opaque = llm_json_text(llm_json_want(item, "encrypted_content"));
    int is_signed = opaque.len && takes_mark(&opaque, SIGNED);

    if (opaque.len && !is_signed && takes_mark(&opaque, REDACTED)) {
        llm_parts_add_text(parts, LLM_PART_REDACTED, opaque, pool);
        return 1;
    }
    if (opaque.len && !is_signed) {
        opaque = llm_responses_pack(llm_json_text(llm_json_want(item, "id")),
                                    opaque, pool);
        if (!text.len) {
            llm_parts_add_text(parts, LLM_PART_REDACTED, opaque, pool);
            return 1;
        }
    }
    if (!text.len && !opaque.len) {
        return 0;
    }
    llm_parts_add_text(parts, LLM_PART_THINKING,
                       text.data ? text : LLM_TEXT_LITERAL(""), pool)
        ->signature = opaque.len ? opaque : LLM_TEXT_NONE;
    return 1;
}

void llm_responses_put_reasoning(llm_buf_t *out, const char *id,
                                 llm_text_t text, llm_text_t opaque,
                                 int redacted)
{
    llm_buf_lit(out, "{\"id\":");
    llm_buf_put_string(out, id);
    llm_buf_lit(out, ",\"type\":\"reasoning\",\"summary\":[");
    if (text.len) {
        llm_buf_lit(out, "{\"type\":\"summary_text\",\"text\":");
        llm_buf_put_text(out, text);
        llm_buf_putc(out, '}');
    }
    llm_buf_putc(out, ']');
    if (opaque.len) {
        llm_buf_lit(out, ",\"encrypted_content\":\"");
        llm_buf_puts(out, redacted ? REDACTED : SIGNED);
        llm_buf_append(out, opaque.data, opaque.len);
        llm_buf_putc(out, '"');
    }
    llm_buf_putc(out, '}');
}

/* ---- facing a provider ---- */

/* Known of its address. Azure has it below ".../openai/v1", and not below the
 * address of a deployment. */
static int has_responses(const llm_provider_t *provider)
{
    const char *base = provider->base_path ? provider->base_path : "";
    apr_size_t len = strlen(base);

    return (llm_openai_quirks(provider, "") & LLM_OPENAI_HAS_RESPONSES)
           && len >= 3 && !strcmp(base + len - 3, "/v1");
}

const llm_dialect_t *llm_openai_also(const llm_provider_t *provider,
                                     const llm_dialect_t *client,
                                     const char *model)
{
    int has =
        provider->responses ? provider->responses > 0 : has_responses(provider);

    (void)model; /* of the address, and not of the model */
    if (client == &llm_dialect_openai_completions) {
        return llm_openai_quirks(provider, "") & LLM_OPENAI_CHATS_ONLY ? NULL
                                                                       : client;
    }
    if (client == &llm_dialect_mistral) {
        return llm_openai_quirks(provider, "") & LLM_OPENAI_NINE_LETTER_IDS
                   ? client
                   : NULL;
    }
    if (client == llm_dialect_find("cohere")) {
        return &llm_dialect_openai_rerank; /* passes nothing but that */
    }
    return client == &llm_dialect_openai_responses && has ? client : NULL;
}

static llm_problem_t *pass_request(llm_request_t *req, llm_op_e op,
                                   llm_bytes_t raw, const char *model,
                                   const llm_provider_t *provider, int *phide,
                                   apr_pool_t *pool)
{
    llm_problem_t *problem = llm_splice_model(req, raw, model, pool);

    (void)op;
    *phide = 0; /* usage comes unasked */
    req->method = "POST";
    req->path = llm_openai_path(provider, "/responses", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return problem;
}

/* The response that an event or a whole answer is about. */
static const llm_json_t *response_of(const llm_json_t *doc)
{
    const llm_json_t *response = llm_json_want(doc, "response");

    return llm_json_is(response, LLM_JSON_OBJECT) ? response : doc;
}

static void read_facts(const char **pmodel, llm_finish_e *pfinish,
                       const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *response = response_of(doc), *node;
    llm_finish_e finish;
    int calls = 0;

    llm_openai_read_facts(pmodel, pfinish, doc, pool);
    node = llm_json_get(response, "output");
    for (node = node ? node->child : NULL; node; node = node->next) {
        calls += llm_json_equals(llm_json_get(node, "type"), "function_call");
    }
    finish = llm_responses_finish(response, calls);
    if (finish != LLM_FINISH_NONE) {
        *pfinish = finish;
    }
}

llm_problem_t *llm_responses_failure(const llm_json_t *response,
                                     apr_pool_t *pool)
{
    llm_problem_t *problem = llm_openai_problem_in(response, pool);

    if (!problem) {
        problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                   "the provider could not complete its "
                                   "answer");
        problem->from_upstream = 1;
    }
    return problem;
}

llm_problem_t *llm_responses_event_problem(const llm_event_t *event,
                                           apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(event->doc, "type");

    if (llm_json_equals(type, "response.failed")) {
        return llm_responses_failure(llm_json_get(event->doc, "response"),
                                     pool);
    }
    if (llm_json_equals(llm_json_get(event->doc, "object"), "response")
        || (type && !llm_json_equals(type, "error"))) {
        return NULL; /* a whole answer tells its own error; others have none */
    }
    return llm_openai_event_problem(event, pool);
}

static int is_last(const llm_event_t *event)
{
    static const char *const types[] = {
        "response.completed", "response.incomplete", "response.failed", NULL};
    const llm_json_t *type = llm_json_get(event->doc, "type");
    const char *const *last;

    for (last = types; type && *last && !llm_json_equals(type, *last); ++last) {
    }
    return (type && *last) || llm_openai_is_last(event); /* OpenRouter */
}

/* What its clients call what is ours. */
static const llm_rename_t names[] = {
    {"max_tokens", "max_output_tokens"},
    {"messages", "input"},
    {"reasoning_effort", "reasoning.effort"},
    {"response_format", "text.format"},
    {"response_format.json_schema", "text.format"},
    {"thinking", "reasoning"},
    {"tools.function", "tools"},
    {NULL, NULL},
};

const llm_dialect_t llm_dialect_openai_responses = {
    .name = "openai-responses",
    .family = "openai",
    .speaks = "openai-responses",
    .client_ops = LLM_OP_CHAT,
    .provider_ops = LLM_OP_CHAT | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT,
    .default_url = "https://api.openai.com",
    .default_path = "/v1",
    .framing = LLM_FRAMING_SSE,
    .chat_path = "/responses",

    .names = names,
    .read_request = llm_responses_read_request,
    .write_response = llm_responses_write_response,
    .writer_make = llm_responses_writer_make,
    .write_delta = llm_responses_write_delta,
    .write_problem = llm_openai_write_problem,
    .write_stream_problem = llm_responses_write_stream_problem,
    .write_models = llm_openai_write_models,

    .write_request = llm_responses_write_request,
    .pass_request = pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_responses_read_response,
    .reader_make = llm_responses_reader_make,
    .read_event = llm_responses_read_event,
    .reader_end = llm_responses_reader_end,
    .read_usage = llm_openai_read_usage,
    .read_facts = read_facts,
    .read_tier = llm_openai_read_tier,
    .read_problem = llm_openai_read_problem,
    .event_problem = llm_responses_event_problem,
    .is_last = is_last,
};
