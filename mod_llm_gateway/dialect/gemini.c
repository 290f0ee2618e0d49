/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Google's Gemini dialect: generateContent, streamGenerateContent,
 * countTokens and embeddings, at AI Studio
 * (generativelanguage.googleapis.com) and, with a base URL that ends in
 * ".../publishers/google", at Vertex. Here is what faces providers; the map of
 * its files is in gemini_internal.h.
 *
 * The model is in the path, and so is the wish to stream. A base URL is what
 * Google's SDKs take: without a version, which is then v1beta, the one that
 * has all members; a URL that says a version keeps it.
 */
#include "dialect/gemini_internal.h"
#include "dialect/tier.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "dialect/openai_internal.h"

#define VERSION "/v1beta"

/* ---- paths ---- */

/* "v1", "v1beta", "v1beta1", "v1alpha", up to the segment's end? */
static int is_version(const char *segment)
{
    apr_size_t len = strcspn(segment, "/?:");
    apr_size_t i;

    if (len < 2 || len > 12 || segment[0] != 'v' || !apr_isdigit(segment[1])) {
        return 0;
    }
    for (i = 2; i < len; ++i) {
        if (!apr_isalnum(segment[i])) {
            return 0;
        }
    }
    return 1;
}

/* Where a version stands in the path, at its slash; NULL where none does. */
static const char *find_version(const char *path)
{
    const char *slash;

    for (slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (is_version(slash + 1)) {
            return slash;
        }
    }
    return NULL;
}

/* The base path with a version in it. */
static const char *versioned_base(const llm_provider_t *provider,
                                  apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";

    return find_version(base) ? base : apr_pstrcat(pool, base, VERSION, NULL);
}

int llm_gemini_is_vertex(const llm_provider_t *provider)
{
    return provider->base_path && strstr(provider->base_path, "/publishers/");
}

/* "models/x", "tunedModels/x" and Vertex's longer names stay as they are. */
const char *llm_gemini_resource(const char *model, apr_pool_t *pool)
{
    const char *escaped = llm_path_escape(model, pool);

    if (!escaped) {
        return NULL;
    }
    return strchr(escaped, '/') ? escaped
                                : apr_pstrcat(pool, "models/", escaped, NULL);
}

const char *llm_gemini_model_path(const llm_provider_t *provider,
                                  const char *model, apr_pool_t *pool)
{
    const char *resource = llm_gemini_resource(model, pool);

    return resource ? apr_pstrcat(pool, versioned_base(provider, pool), "/",
                                  resource, NULL)
                    : NULL;
}

/* ---- requests ---- */

/* What follows the model in the path. */
static const char *method_of(const llm_ask_t *ask)
{
    if (ask->op == LLM_OP_COUNT) {
        return ":countTokens";
    }
    return ask->stream ? ":streamGenerateContent?alt=sse" : ":generateContent";
}

/* What is to be counted: at AI Studio the whole request goes inside, with the
 * model named again; Vertex takes its members as they are. */
static llm_problem_t *put_count(llm_buf_t *out, llm_request_t *req,
                                const llm_ask_t *ask, const char *model,
                                const char *resource,
                                const llm_provider_t *provider,
                                apr_pool_t *pool)
{
    llm_problem_t *problem;

    if (llm_gemini_is_vertex(provider)) {
        return llm_gemini_put_chat(out, req, ask, model, pool);
    }
    llm_buf_lit(out, "{\"generateContentRequest\":");
    problem = llm_gemini_put_chat(out, req, ask, model, pool);
    llm_buf_cut(out, out->len - (out->data[out->len - 1] == '}'));
    llm_put_string_member(out, "model", resource);
    llm_buf_lit(out, "}}");
    return problem;
}

/* A member at AI Studio, a header at Vertex. The default goes without saying. */
static void put_tier(llm_buf_t *body, llm_request_t *req, const llm_ask_t *ask,
                     const llm_provider_t *provider)
{
    llm_text_t tier = ask->service_tier;
    const char *word = llm_tier_word(tier, llm_tiers_gemini);

    if (!tier.data || ask->op == LLM_OP_COUNT || llm_text_equals(tier, "auto")
        || (word && !strcmp(word, "standard"))) {
        return;
    }
    if (!word) {
        llm_request_drop(req, "service_tier");
    }
    else if (llm_gemini_is_vertex(provider)) {
        apr_table_setn(req->headers, "X-Vertex-AI-LLM-Shared-Request-Type",
                       word);
    }
    else {
        llm_buf_cut(body, body->len - 1);
        llm_put_string_member(body, "serviceTier", word);
        llm_buf_putc(body, '}');
    }
}

static llm_problem_t *write_request(llm_request_t *req, const llm_ask_t *ask,
                                    const char *model,
                                    const llm_provider_t *provider,
                                    apr_pool_t *pool)
{
    const char *resource = llm_gemini_resource(model, pool);
    llm_buf_t *body = llm_request_buf(pool);
    llm_problem_t *problem;

    if (ask->op == LLM_OP_EMBED) {
        return llm_gemini_write_embed(req, ask, model, provider, pool);
    }
    if (!resource) {
        return llm_problem_field(pool, "model", "not a name Gemini can have");
    }
    problem = ask->op == LLM_OP_COUNT
                  ? put_count(body, req, ask, model, resource, provider, pool)
                  : llm_gemini_put_chat(body, req, ask, model, pool);
    if (problem) {
        return problem;
    }
    put_tier(body, req, ask, provider);
    req->method = "POST";
    req->path = apr_pstrcat(pool, versioned_base(provider, pool), "/", resource,
                            method_of(ask), NULL);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    llm_request_set_body(req, body, pool);
    return NULL;
}

const char *llm_gemini_secret_header(const char **pprefix)
{
    *pprefix = "";
    return "x-goog-api-key";
}

/* ---- passed answers ---- */

/* Google's own OpenAI-compatible endpoint is behind the native route too. */
static int read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    return llm_gemini_read_usage(usage, doc)
           || llm_openai_read_usage(usage, doc);
}

/* Google's words for how the answer was served, as others call it. */
static const char *read_tier(const llm_json_t *doc, apr_pool_t *pool)
{
    static const struct {
        const char *traffic, *tier;
    } words[] = {
        {"ON_DEMAND", "standard"},
        {"ON_DEMAND_PRIORITY", "priority"},
        {"ON_DEMAND_FLEX", "flex"},
        {"PROVISIONED_THROUGHPUT", "provisioned"},
    };
    const llm_json_t *traffic;
    apr_size_t i;

    if (llm_json_is(doc, LLM_JSON_ARRAY)) { /* a stream as one document */
        const char *tier = NULL;

        for (doc = doc->child; doc && !tier; doc = doc->next) {
            tier = doc->type == LLM_JSON_OBJECT ? read_tier(doc, pool) : NULL;
        }
        return tier;
    }
    traffic = llm_json_path(doc, "usageMetadata", "serviceTier", NULL);
    if (!llm_text_is_empty(llm_json_text(traffic))) { /* AI Studio */
        return llm_json_string(traffic, pool);
    }
    traffic = llm_json_path(doc, "usageMetadata", "trafficType", NULL);
    if (!traffic) { /* the OpenAI-compatible endpoint */
        return llm_openai_read_tier(doc, pool);
    }
    for (i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (llm_json_equals(traffic, words[i].traffic)) {
            return words[i].tier;
        }
    }
    return NULL;
}

static int has_calls(const llm_json_t *candidate)
{
    const llm_json_t *part = llm_json_path(candidate, "content", "parts", NULL);

    part = llm_json_is(part, LLM_JSON_ARRAY) ? part->child : NULL;
    for (; part; part = part->next) {
        if (llm_json_is(llm_json_get(part, "functionCall"), LLM_JSON_OBJECT)) {
            return 1;
        }
    }
    return 0;
}

static void read_facts(const char **pmodel, llm_finish_e *pfinish,
                       const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *candidate = llm_json_get(doc, "candidates");
    const llm_json_t *version = llm_json_want(doc, "modelVersion");
    const llm_json_t *chunk;
    llm_finish_e finish;

    if (llm_json_is(doc, LLM_JSON_ARRAY)) {
        for (chunk = doc->child; chunk; chunk = chunk->next) {
            if (chunk->type == LLM_JSON_OBJECT) {
                read_facts(pmodel, pfinish, chunk, pool);
            }
        }
        return;
    }
    if (!version && !candidate && !llm_json_get(doc, "promptFeedback")) {
        llm_openai_read_facts(pmodel, pfinish, doc, pool);
        return;
    }
    if (!llm_text_is_empty(llm_json_text(version))
        && (!*pmodel || !llm_json_equals(version, *pmodel))) {
        *pmodel = llm_json_string(version, pool);
    }
    candidate = llm_json_at(candidate, 0);
    finish = llm_gemini_finish(llm_json_get(candidate, "finishReason"),
                               has_calls(candidate));
    if (llm_gemini_is_blocked(doc)) {
        finish = LLM_FINISH_FILTERED;
    }
    /* a call in an earlier chunk is what the last chunk's STOP is about */
    if (finish != LLM_FINISH_NONE
        && !(finish == LLM_FINISH_STOP && *pfinish == LLM_FINISH_TOOL_CALLS)) {
        *pfinish = finish;
    }
    else if (has_calls(candidate)) {
        *pfinish = LLM_FINISH_TOOL_CALLS;
    }
}

static llm_problem_t *event_problem(const llm_event_t *event, apr_pool_t *pool)
{
    return event->doc ? llm_gemini_problem_in(event->doc, pool) : NULL;
}

/* There is no last event; one that says why it ended is as good. */
static int is_last(const llm_event_t *event)
{
    const llm_json_t *candidate =
        llm_json_at(llm_json_get(event->doc, "candidates"), 0);

    return llm_json_want(candidate, "finishReason") != NULL
           || llm_gemini_is_blocked(event->doc)
           || llm_bytes_are(event->data, "[DONE]");
}

/* ---- native routes ---- */

/* "models/x:generateContent" and "tunedModels/x:..."; in a path of OpenAI's
 * form the body says it. */
static const char *native_model(const char *path, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    const char *plain = apr_pstrmemdup(pool, path, strcspn(path, "?#"));
    const char *at = strstr(plain, "/models/");
    const char *tuned = strstr(plain, "/tunedModels/");
    const char *model;
    apr_size_t len;

    if (at) {
        at += strlen("/models/");
        len = strcspn(at, "/:");
    }
    else if (tuned) {
        at = tuned + 1; /* the folder is part of the name */
        len = strcspn(at, ":");
    }
    else {
        model = llm_json_string(llm_json_want(doc, "model"), pool);
        return model && !strncmp(model, "models/", 7) ? model + 7 : model;
    }
    return llm_path_unescape(at, len, pool);
}

/* The base URL's version is used where the client's path has none. */
static const char *native_path(const llm_provider_t *provider, const char *rest,
                               apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";
    const char *version = find_version(base);
    apr_size_t prefix = version ? (apr_size_t)(version - base) : strlen(base);
    const char *path = *rest == '/' ? rest : apr_pstrcat(pool, "/", rest, NULL);

    if (prefix && !strncmp(path, base, prefix) && path[prefix] == '/') {
        return path;
    }
    if (is_version(path + 1) || !strncmp(path, "/upload/", 8)
        || !strncmp(path, "/download/", 10)) {
        return apr_pstrcat(pool, apr_pstrmemdup(pool, base, prefix), path,
                           NULL);
    }
    return apr_pstrcat(pool, versioned_base(provider, pool), path, NULL);
}

/* What its clients call what is ours. */
static const llm_rename_t names[] = {
    {"frequency_penalty", "generationConfig.frequencyPenalty"},
    {"logprobs", "generationConfig.responseLogprobs"},
    {"max_tokens", "generationConfig.maxOutputTokens"},
    {"messages", "contents"},
    {"modalities", "generationConfig.responseModalities"},
    {"n", "generationConfig.candidateCount"},
    {"presence_penalty", "generationConfig.presencePenalty"},
    {"reasoning_effort", "generationConfig.thinkingConfig"},
    {"response_format", "generationConfig.responseMimeType"},
    {"seed", "generationConfig.seed"},
    {"stop", "generationConfig.stopSequences"},
    {"temperature", "generationConfig.temperature"},
    {"thinking", "generationConfig.thinkingConfig"},
    {"tool_choice", "toolConfig.functionCallingConfig"},
    {"tools.function", "tools.functionDeclarations"},
    {"top_k", "generationConfig.topK"},
    {"service_tier", "serviceTier"},
    {"top_logprobs", "generationConfig.logprobs"},
    {"top_p", "generationConfig.topP"},
    {NULL, NULL},
};

const llm_dialect_t llm_dialect_gemini = {
    .name = "gemini",
    .speaks = "gemini",
    .client_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_COUNT | LLM_OP_MODELS,
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_COUNT | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_COUNT,
    .default_url = "https://generativelanguage.googleapis.com",
    .framing = LLM_FRAMING_SSE,
    .lacks_comments = 1,
    .instead = llm_gemini_instead,

    .read_line = llm_gemini_read_line,
    .names = names,
    .read_request = llm_gemini_read_request,
    .write_response = llm_gemini_write_response,
    .writer_make = llm_gemini_writer_make,
    .write_delta = llm_gemini_write_delta,
    .write_problem = llm_gemini_write_problem,
    .write_stream_problem = llm_gemini_write_stream_problem,
    .write_models = llm_gemini_write_models,
    .write_model = llm_gemini_write_model,

    .write_request = write_request,
    .pass_request = llm_gemini_pass_request,
    .secret_header = llm_gemini_secret_header,
    .read_response = llm_gemini_read_response,
    .reader_make = llm_gemini_reader_make,
    .read_event = llm_gemini_read_event,
    .reader_end = llm_gemini_reader_end,
    .read_usage = read_usage,
    .read_facts = read_facts,
    .read_tier = read_tier,
    .read_problem = llm_gemini_read_problem,
    .event_problem = event_problem,
    .is_last = is_last,
    .native_model = native_model,
    .native_path = native_path,
};
