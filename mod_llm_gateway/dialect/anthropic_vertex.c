/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Claude on Google's Vertex AI: Anthropic's Messages at Google's addresses,
 * with a Google token. Answers and streams are Anthropic's own.
 *
 *   {base}/publishers/anthropic/models/{model}:rawPredict
 *   {base}/publishers/anthropic/models/{model}:streamRawPredict
 *   {base}/publishers/anthropic/models/count-tokens:rawPredict
 *
 * A body names the version of the API in place of the model; one whose tokens
 * are counted names both. A client's bytes pass but for that: its `model`
 * becomes the `anthropic_version`, where it stood.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/openai_internal.h"

#define VERSION_MEMBER "\"anthropic_version\":"
#define VERSION        "\"vertex-2023-10-16\""
#define PUBLISHER      "/publishers/anthropic"

/* ---- addresses ---- */

/* The path of a model's method; NULL: it can have no such name. */
static const char *path_of(const llm_provider_t *provider, const char *model,
                           const char *method, apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";
    const char *name = strchr(model, '/') ? NULL : llm_path_escape(model, pool);

    return name ? apr_pstrcat(pool, base,
                              strstr(base, "/publishers/") ? "" : PUBLISHER,
                              "/models/", name, method, NULL)
                : NULL;
}

static llm_problem_t *set_path(llm_request_t *req, llm_op_e op,
                               const char *model, int stream,
                               const llm_provider_t *provider, apr_pool_t *pool)
{
    int is_count = op == LLM_OP_COUNT;

    req->method = "POST";
    req->path = path_of(
        provider, is_count ? "count-tokens" : model,
        stream && !is_count ? ":streamRawPredict" : ":rawPredict", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return req->path ? NULL
                     : llm_problem_field(pool, "model",
                                         "not a name that a model on Vertex "
                                         "can have");
}

/* ---- translated requests ---- */

/* Where the value of the first member, the model, ends. */
static apr_size_t end_of_model(llm_bytes_t body)
{
    apr_size_t i = sizeof("{\"model\":\"") - 1;

    while (i < body.len && body.data[i] != '"') {
        i += body.data[i] == '\\' ? 2 : 1;
    }
    return i + 1;
}

/* {"model":"x",... as Anthropic's writer begins it. */
static void exchange_model(llm_request_t *req, llm_op_e op, apr_pool_t *pool)
{
    llm_bytes_t *pieces =
        apr_palloc(pool, ((apr_size_t)req->body_count + 1) * sizeof(*pieces));
    apr_size_t cut = op == LLM_OP_COUNT ? 1 : end_of_model(req->body[0]) + 1;

    pieces[0] = LLM_BYTES_LITERAL("{" VERSION_MEMBER VERSION ",");
    memcpy(pieces + 1, req->body,
           (apr_size_t)req->body_count * sizeof(*pieces));
    pieces[1].data += cut;
    pieces[1].len -= cut;
    req->body = pieces;
    ++req->body_count;
}

static llm_problem_t *write_request(llm_request_t *req, const llm_ask_t *ask,
                                    const char *model,
                                    const llm_provider_t *provider,
                                    apr_pool_t *pool)
{
    llm_problem_t *problem =
        llm_anthropic_write_request(req, ask, model, provider, pool);

    if (!problem) {
        exchange_model(req, ask->op, pool);
        problem = set_path(req, ask->op, model, ask->stream, provider, pool);
    }
    return problem;
}

/* ---- requests that pass ---- */

typedef struct pass_t {
    llm_splice_t *splice;
    llm_op_e op;
    llm_bytes_t name;    /* the model's, as JSON */
    llm_bytes_t version; /* the client's, as it wrote it; or the usual */
    int has_version, models, stream;
} pass_t;

static void look(void *baton, const llm_member_t *member)
{
    pass_t *pass = baton;

    if (llm_text_equals(member->name, "anthropic_version")) {
        pass->version = member->value;
        pass->has_version = 1;
    }
    else if (llm_text_equals(member->name, "stream")) {
        pass->stream = llm_bytes_are(member->value, "true");
    }
    else if (llm_text_equals(member->name, "model")) {
        ++pass->models;
    }
}

/* A member that is there twice is changed twice: readers differ in which one
 * they take. */
static void change(void *baton, const llm_member_t *member)
{
    pass_t *pass = baton;

    if (!llm_text_equals(member->name, "model")) {
        return;
    }
    if (pass->op == LLM_OP_COUNT) {
        llm_splice_cut(pass->splice, llm_member_value(member), member->end,
                       pass->name.data, pass->name.len);
        return;
    }
    llm_splice_cut(pass->splice, member->begin, member->begin, VERSION_MEMBER,
                   sizeof(VERSION_MEMBER) - 1);
    llm_splice_cut(pass->splice, member->begin, member->end, pass->version.data,
                   pass->version.len);
}

static llm_problem_t *pass_request(llm_request_t *req, llm_op_e op,
                                   llm_bytes_t raw, const char *model,
                                   const llm_provider_t *provider, int *phide,
                                   apr_pool_t *pool)
{
    static const char member[] = VERSION_MEMBER VERSION ",";
    pass_t pass = {.splice = llm_splice_make(pool),
                   .op = op,
                   .name = llm_json_quote(model, pool),
                   .version = LLM_BYTES_LITERAL(VERSION)};
    llm_json_error_t error;
    const char *brace;

    *phide = 0; /* usage is always told */
    if (llm_json_scan(raw.data, raw.len, look, &pass, &error)) {
        return llm_splice_problem(&error, pool);
    }
    if (!pass.models) {
        return llm_problem_field(pool, "model", "expected a string");
    }
    if (op == LLM_OP_COUNT && !pass.has_version) {
        brace = memchr(raw.data, '{', raw.len);
        llm_splice_cut(pass.splice, (apr_size_t)(brace - raw.data) + 1,
                       (apr_size_t)(brace - raw.data) + 1, member,
                       sizeof(member) - 1);
    }
    llm_json_scan(raw.data, raw.len, change, &pass, NULL);
    llm_splice_apply(req, raw, pass.splice);
    return set_path(req, op, model, pass.stream, provider, pool);
}

/* ---- native calls ---- */

/* Of "/models/NAME:rawPredict"; of a count the body says it. */
static const char *native_model(const char *path, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    const char *at = strstr(path, "/models/"), *name = NULL;

    if (at && at < path + strcspn(path, "?")) {
        at += strlen("/models/");
        name = llm_path_unescape(at, strcspn(at, ":/?"), pool);
    }
    return name && strcmp(name, "count-tokens") != 0
               ? name
               : llm_json_string(llm_json_want(doc, "model"), pool);
}

/* SDKs say the project themselves, with the version or without; it has to be
 * the one that is configured. */
static const char *native_path(const llm_provider_t *provider, const char *rest,
                               apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";
    const char *project = strstr(base, "/projects/");
    const char *given = strncmp(rest, "/v1/", 4) ? rest : rest + 3;

    return project && llm_path_begins_with(given, project)
               ? apr_pstrcat(
                   pool,
                   apr_pstrmemdup(pool, base, (apr_size_t)(project - base)),
                   given, NULL)
               : llm_dialect_native_path(provider, rest, pool);
}

const llm_dialect_t llm_dialect_anthropic_vertex = {
    .name = "anthropic-vertex",
    .family = "anthropic",
    .speaks = "anthropic",
    .provider_ops = LLM_OP_CHAT | LLM_OP_COUNT | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT | LLM_OP_COUNT,
    .framing = LLM_FRAMING_SSE,

    .write_request = write_request,
    .pass_request = pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_anthropic_read_response,
    .reader_make = llm_anthropic_reader_make,
    .read_event = llm_anthropic_read_event,
    .reader_end = llm_anthropic_reader_end,
    .read_usage = llm_anthropic_read_usage,
    .read_facts = llm_anthropic_read_facts,
    .read_tier = llm_anthropic_read_tier,
    .read_problem = llm_anthropic_read_problem,
    .event_problem = llm_anthropic_event_problem,
    .is_last = llm_anthropic_is_last,
    .native_model = native_model,
    .native_path = native_path,
};
