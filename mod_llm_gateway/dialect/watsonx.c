/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IBM watsonx.ai's own API: chats much like OpenAI's, at paths of its own, for
 * a project or a deployment space.
 *
 *   {base}/ml/v1/text/chat?version=2025-02-06
 *   {base}/ml/v1/text/chat_stream?version=2025-02-06
 *   {base}/ml/v1/text/embeddings?version=2025-02-06
 *
 * OpenAI's writer makes the body; what differs is spliced: `model` is
 * `model_id` beside `project_id` or `space_id`, a choice of tools that is a
 * word is `tool_choice_option`. The path says whether it is streamed; a stream
 * counts unasked, and ends with its body. Errors are a list, and an event of a
 * stream may be one.
 *
 * Source: IBM's SDKs and its API reference.
 */
#include "dialect/openai_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_strings.h>

#define VERSION "2025-02-06" /* where LLMAPIVersion says none */

/* ---- requests ---- */

static const char *path_of(const llm_provider_t *provider, const char *method,
                           apr_pool_t *pool)
{
    const char *version =
        provider->api_version ? provider->api_version : VERSION;

    return apr_pstrcat(pool, provider->base_path ? provider->base_path : "",
                       "/ml/v1/text/", method,
                       "?version=", llm_path_escape(version, pool), NULL);
}

/* "model_id":"x","project_id":"y" */
static llm_bytes_t place_of(const char *model, const llm_provider_t *provider,
                            apr_pool_t *pool)
{
    static const char space[] = "space:";
    llm_buf_t *out = llm_buf_make(0, pool);
    const char *project = provider->project ? provider->project : "";
    int is_space = !strncmp(project, space, sizeof(space) - 1);

    llm_put_string_member(out, "model_id", model);
    llm_put_string_member(out, is_space ? "space_id" : "project_id",
                          project + (is_space ? sizeof(space) - 1 : 0));
    return (llm_bytes_t){out->data, out->len};
}

typedef struct rewrite_t {
    llm_splice_t *splice;
    llm_bytes_t place;
} rewrite_t;

static void rewrite(void *baton, const llm_member_t *member)
{
    static const char option[] = "\"tool_choice_option\":";
    rewrite_t *self = baton;

    if (llm_text_equals(member->name, "model")) {
        llm_splice_cut(self->splice, member->begin, member->end,
                       self->place.data, self->place.len);
    }
    else if (llm_text_equals(member->name, "tool_choice")
             && *member->value.data == '"') {
        llm_splice_cut(self->splice, member->begin, llm_member_value(member),
                       option, sizeof(option) - 1);
    }
}

/* The pieces as one. */
static llm_bytes_t whole_body(const llm_request_t *req, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);
    int i;

    for (i = 0; i < req->body_count; ++i) {
        llm_buf_append(out, req->body[i].data, req->body[i].len);
    }
    return (llm_bytes_t){out->data, out->len};
}

static llm_problem_t *write_chat(llm_request_t *req, const llm_ask_t *ask,
                                 const char *model,
                                 const llm_provider_t *provider,
                                 apr_pool_t *pool)
{
    rewrite_t self = {llm_splice_make(pool), place_of(model, provider, pool)};
    llm_ask_t plain = *ask;
    llm_problem_t *problem;
    llm_bytes_t body;

    plain.stream = 0; /* the path says so */
    problem = llm_openai_write_request(req, &plain, model, provider, pool);
    if (problem) {
        return problem;
    }
    body = whole_body(req, pool);
    llm_json_scan(body.data, body.len, rewrite, &self, NULL);
    llm_splice_apply(req, body, self.splice);
    req->path = path_of(provider, ask->stream ? "chat_stream" : "chat", pool);
    return NULL;
}

static llm_problem_t *write_embed(llm_request_t *req, const llm_ask_t *ask,
                                  const char *model,
                                  const llm_provider_t *provider,
                                  apr_pool_t *pool)
{
    const llm_json_t *input = ask->embed_input, *text;
    llm_bytes_t place = place_of(model, provider, pool);
    llm_problem_t *problem = llm_request_settle_unknown(req, ask, NULL, pool);
    llm_buf_t *out = llm_buf_make(0, pool);

    if (problem) {
        return problem;
    }
    if (ask->dimensions) {
        return llm_problem_unsupported("dimensions", "watsonx", pool);
    }
    llm_buf_putc(out, '{');
    llm_buf_append(out, place.data, place.len);
    llm_buf_lit(out, ",\"inputs\":[");
    text = llm_json_is(input, LLM_JSON_ARRAY) ? input->child : input;
    for (; text; text = text == input ? NULL : text->next) {
        if (text->type != LLM_JSON_STRING) {
            return llm_problem_field(pool, "input",
                                     "watsonx embeds strings, not tokens");
        }
        llm_put_comma(out);
        llm_json_put(out, text);
    }
    llm_buf_lit(out, "]}");
    if (ask->user.data) {
        llm_request_drop(req, "user");
    }
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path = path_of(provider, "embeddings", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return NULL;
}

static llm_problem_t *write_request(llm_request_t *req, const llm_ask_t *ask,
                                    const char *model,
                                    const llm_provider_t *provider,
                                    apr_pool_t *pool)
{
    return ask->op == LLM_OP_EMBED
               ? write_embed(req, ask, model, provider, pool)
               : write_chat(req, ask, model, provider, pool);
}

/* ---- errors ---- */

/* {"errors":[{"code","message"}],"trace","status_code"} as OpenAI's object;
 * NULL: it is none. */
static const llm_json_t *error_in(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *error = llm_json_at(llm_json_get(doc, "errors"), 0);
    const llm_json_t *status = llm_json_get(doc, "status_code"), *made = NULL;
    llm_buf_t *out;

    if (!error) {
        return NULL;
    }
    out = llm_buf_make(0, pool);
    llm_buf_lit(out, "{\"error\":{");
    llm_put_member(out, "message", llm_json_get(error, "message"));
    llm_put_member(out, "type", llm_json_get(error, "code"));
    llm_put_member(out, "code", llm_json_get(error, "code"));
    llm_put_member(out, "status_code", status);
    llm_buf_lit(out, "}}");
    return llm_json_read(&made, out->data, out->len, NULL, pool) ? NULL : made;
}

static llm_problem_t *read_problem(int status, const apr_table_t *headers,
                                   const llm_json_t *doc, llm_bytes_t body,
                                   apr_pool_t *pool)
{
    const llm_json_t *error = error_in(doc, pool);

    return llm_openai_read_problem(status, headers, error ? error : doc, body,
                                   pool);
}

static llm_problem_t *event_problem(const llm_event_t *event, apr_pool_t *pool)
{
    const llm_json_t *error = error_in(event->doc, pool);
    llm_event_t plain = *event;

    plain.doc = error ? error : event->doc;
    return llm_openai_event_problem(&plain, pool);
}

/* ---- answers ---- */

/* [{"embedding":[...]},...] as an array of arrays; the numbers stay. */
static const llm_json_t *vectors_in(const llm_json_t *results, apr_pool_t *pool)
{
    llm_json_t *array = apr_pcalloc(pool, sizeof(*array));
    llm_json_t **end = &array->child;
    const llm_json_t *row;

    array->type = LLM_JSON_ARRAY;
    row = llm_json_is(results, LLM_JSON_ARRAY) ? results->child : NULL;
    for (; row; row = row->next) {
        const llm_json_t *vector = llm_json_get(row, "embedding");

        if (!llm_json_is(vector, LLM_JSON_ARRAY)) {
            return NULL;
        }
        *end = apr_pmemdup(pool, vector, sizeof(*vector));
        (*end)->next = NULL;
        (*end)->name = LLM_TEXT_NONE;
        end = &(*end)->next;
        ++array->count;
    }
    return array->count ? array : NULL;
}

static int read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    return llm_openai_read_usage(usage, doc)
           || llm_usage_take(usage, LLM_CLASS_INPUT,
                             llm_json_get(doc, "input_token_count"));
}

static llm_problem_t *read_response(llm_answer_t **panswer,
                                    const llm_ask_t *ask, const llm_json_t *doc,
                                    apr_pool_t *pool)
{
    const llm_json_t *error = error_in(doc, pool);
    llm_answer_t *answer;

    if (error || ask->op != LLM_OP_EMBED) {
        return llm_openai_read_response(panswer, ask, error ? error : doc,
                                        pool);
    }
    answer = llm_answer_make(pool);
    *panswer = answer;
    answer->model = llm_json_string(llm_json_want(doc, "model_id"), pool);
    answer->embeddings = vectors_in(llm_json_get(doc, "results"), pool);
    read_usage(answer->usage, doc);
    return answer->embeddings
               ? NULL
               : llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                  "the provider sent no embeddings");
}

static void read_event(llm_reader_t *reader, const llm_event_t *event,
                       llm_delta_cb *emit, void *baton, apr_pool_t *scratch)
{
    const llm_json_t *error = error_in(event->doc, scratch);
    llm_event_t plain = *event;

    plain.doc = error ? error : event->doc;
    llm_openai_read_event(reader, &plain, emit, baton, scratch);
}

/* ---- native calls ---- */

static const char *native_model(const char *path, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    (void)path;
    return llm_json_string(llm_json_want(doc, "model_id"), pool);
}

const llm_dialect_t llm_dialect_watsonx = {
    .name = "watsonx",
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_NATIVE,
    .framing = LLM_FRAMING_SSE,
    .needs_project = 1,

    .write_request = write_request,
    .secret_header = llm_openai_secret_header,
    .read_response = read_response,
    .reader_make = llm_openai_reader_make,
    .read_event = read_event,
    .reader_end = llm_openai_reader_end,
    .read_usage = read_usage,
    .read_facts = llm_openai_read_facts,
    .read_problem = read_problem,
    .event_problem = event_problem,
    .native_model = native_model,
};
