/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hugging Face's router: OpenAI's dialect, spoken by whichever provider
 * serves the model (TGI, Together, Novita, Nebius and others), each with its
 * own habits. OpenAI's reader knows most of them. What is particular here:
 *
 *   - TGI 2 ends a stream with the end-of-text token as text ("</s>") in the
 *     event whose finish_reason is "eos_token";
 *   - errors are a bare string, a list of strings, or plain text, and a model
 *     that is being loaded says in how many seconds it will be there;
 *   - the native route also leads to the old Inference API, whose answers are
 *     metered by their `details`.
 *
 * Native paths. "/gpt2" and "/org/model", with or without "/pipeline/..." or
 * "/v1/..." behind, are models of the old Inference API; everything else is
 * a path of the provider's own. At router.huggingface.co that API is found
 * under /hf-inference.
 */
#include "dialect/huggingface_internal.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "dialect/openai_internal.h"

#define ROUTER_HOST "router.huggingface.co"
#define OLD_API     "/hf-inference"

/* ---- addresses ---- */

/* First segments that are no organisation. */
static const char *const own_segments[] = {
    "models", "pipeline",  "api",          "hf-inference",
    "fal-ai", "replicate", "fireworks-ai", NULL,
};

static apr_size_t segment_length(const char *at)
{
    return strcspn(at, "/?#");
}

/* "v1", "v3", "v2beta" */
static int is_version(const char *segment)
{
    return segment_length(segment) <= 8 && segment[0] == 'v'
           && apr_isdigit(segment[1]);
}

static int is_own_segment(const char *at)
{
    apr_size_t len = segment_length(at);
    const char *const *own;

    for (own = own_segments; *own; ++own) {
        if (strlen(*own) == len && !strncmp(at, *own, len)) {
            return 1;
        }
    }
    return !len || is_version(at);
}

/* `path` begins with a slash. */
static int is_model_path(const char *path)
{
    const char *second;

    if (is_own_segment(path + 1)) {
        return 0;
    }
    second = path + 1 + segment_length(path + 1);
    /* "/together/v1/chat/completions" */
    return *second != '/' || !is_version(second + 1);
}

/* The base path without a version at its end. */
static const char *stem_of(const llm_provider_t *provider, apr_pool_t *pool)
{
    const char *base = provider->base_path ? provider->base_path : "";
    const char *last = strrchr(base, '/');

    return last && is_version(last + 1)
               ? apr_pstrmemdup(pool, base, (apr_size_t)(last - base))
               : base;
}

/* What stands before "/models/..." of the old API. */
static const char *old_api(const llm_provider_t *provider, apr_pool_t *pool)
{
    const char *stem = stem_of(provider, pool);

    return !*stem && provider->host && !strcmp(provider->host, ROUTER_HOST)
               ? OLD_API
               : stem;
}

const char *llm_huggingface_native_path(const llm_provider_t *provider,
                                        const char *rest, apr_pool_t *pool)
{
    const char *path = *rest == '/' ? rest : apr_pstrcat(pool, "/", rest, NULL);

    if (provider->base_path
        && llm_path_begins_with(path, provider->base_path)) {
        return path;
    }
    if (is_model_path(path)) {
        return apr_pstrcat(pool, old_api(provider, pool), "/models", path,
                           NULL);
    }
    if (!strncmp(path, "/models/", 8) || !strncmp(path, "/pipeline/", 10)) {
        return apr_pstrcat(pool, old_api(provider, pool), path, NULL);
    }
    return apr_pstrcat(pool, stem_of(provider, pool), path, NULL);
}

const char *llm_huggingface_model_path(const llm_provider_t *provider,
                                       const char *model, const char *suffix,
                                       apr_pool_t *pool)
{
    const char *escaped = llm_path_escape(model, pool);

    return escaped ? apr_pstrcat(pool, old_api(provider, pool), "/models/",
                                 escaped, suffix, NULL)
                   : NULL;
}

/* "org/model" or "model" at the start of `at`, decoded. */
static const char *read_model(const char *at, apr_pool_t *pool)
{
    apr_size_t len = segment_length(at);

    if (at[len] == '/' && at[len + 1] && !is_version(at + len + 1)
        && strncmp(at + len, "/pipeline/", 10)) {
        len += 1 + segment_length(at + len + 1);
    }
    return llm_path_unescape(at, len, pool);
}

const char *llm_huggingface_native_model(const char *path,
                                         const llm_json_t *doc,
                                         apr_pool_t *pool)
{
    const char *model = llm_json_string(llm_json_want(doc, "model"), pool);
    const char *at;

    if (model && strcmp(model, "tgi")) { /* TGI's name for what it serves */
        return model;
    }
    path = apr_pstrmemdup(pool, path, strcspn(path, "?#"));
    if (*path == '/' && is_model_path(path)) {
        return read_model(path + 1, pool);
    }
    at = strstr(path, "/models/");
    if (at) {
        return read_model(at + strlen("/models/"), pool);
    }
    at = strstr(path, "/pipeline/");
    if (at) {
        at += strlen("/pipeline/");
        at += segment_length(at);
        return *at ? read_model(at + 1, pool) : NULL;
    }
    return model;
}

/* ---- errors ---- */

/* The first text in a list; Hugging Face lists what is wrong. */
static const char *first_text(const llm_json_t *list, apr_pool_t *pool)
{
    return llm_json_is(list, LLM_JSON_ARRAY)
               ? llm_json_string(llm_json_at(list, 0), pool)
               : NULL;
}

llm_problem_t *llm_huggingface_read_problem(int status,
                                            const apr_table_t *headers,
                                            const llm_json_t *doc,
                                            llm_bytes_t body, apr_pool_t *pool)
{
    const char *text = first_text(llm_json_get(doc, "error"), pool);
    llm_problem_t *problem;
    double seconds;

    problem = text ? llm_problem_from_provider(status, headers, text, NULL,
                                               NULL, pool)
                   : llm_openai_read_problem(status, headers, doc, body, pool);
    if (problem->retry_after < 0
        && llm_json_double(llm_json_get(doc, "estimated_time"), &seconds)
        && seconds >= 0 && seconds < 1e6) {
        problem->retry_after = (int)seconds + (seconds > (double)(int)seconds);
    }
    return problem;
}

llm_problem_t *llm_huggingface_problem_in(const llm_json_t *doc,
                                          apr_pool_t *pool)
{
    static const llm_word_t statuses[] = {
        {"overloaded", 429},
        {"validation", 422},
        {"template_error", 422},
        {NULL, 0},
    };
    const llm_json_t *error = llm_json_want(doc, "error");
    llm_bytes_t none = {NULL, 0};

    if (llm_json_is(error, LLM_JSON_STRING)
        || llm_json_is(error, LLM_JSON_ARRAY)) {
        return llm_huggingface_read_problem(
            llm_word_value(statuses,
                           llm_json_text(llm_json_get(doc, "error_type")), 502),
            NULL, doc, none, pool);
    }
    return error ? llm_openai_problem_in(doc, pool) : NULL;
}

llm_problem_t *llm_huggingface_event_problem(const llm_event_t *event,
                                             apr_pool_t *pool)
{
    llm_problem_t *problem = llm_huggingface_problem_in(event->doc, pool);

    return problem ? problem : llm_openai_event_problem(event, pool);
}

/* ---- metering ---- */

int llm_huggingface_read_usage(llm_usage_t *usage, const llm_json_t *doc)
{
    return llm_huggingface_take_details(usage, doc)
           || llm_openai_read_usage(usage, doc);
}

void llm_huggingface_read_facts(const char **pmodel, llm_finish_e *pfinish,
                                const llm_json_t *doc, apr_pool_t *pool)
{
    llm_finish_e finish = llm_huggingface_finish(doc);

    if (finish != LLM_FINISH_NONE) {
        *pfinish = finish;
    }
    else if (llm_json_is(doc, LLM_JSON_OBJECT)) {
        llm_openai_read_facts(pmodel, pfinish, doc, pool);
    }
}

int llm_huggingface_is_last(const llm_event_t *event)
{
    return llm_openai_is_last(event)
           || llm_json_is(llm_json_get(event->doc, "generated_text"),
                          LLM_JSON_STRING);
}

/* ---- streams ---- */

typedef struct filter_t {
    llm_delta_cb *emit;
    void *baton;
} filter_t;

/* "</s>", "<|eot_id|>" */
static int is_special_token(llm_text_t text)
{
    return text.len > 2 && text.data[0] == '<' && text.data[text.len - 1] == '>'
           && !memchr(text.data, ' ', text.len);
}

static void emit_but_tokens(void *baton, const llm_delta_t *delta)
{
    filter_t *filter = baton;

    if (delta->kind != LLM_DELTA_TEXT || !is_special_token(delta->text)) {
        filter->emit(filter->baton, delta);
    }
}

static void read_event(llm_reader_t *reader, const llm_event_t *event,
                       llm_delta_cb *emit, void *baton, apr_pool_t *scratch)
{
    filter_t filter = {emit, baton};
    const llm_json_t *choice =
        llm_json_at(llm_json_get(event->doc, "choices"), 0);

    if (llm_json_equals(llm_json_get(choice, "finish_reason"), "eos_token")) {
        emit = emit_but_tokens;
        baton = &filter;
    }
    llm_openai_read_event(reader, event, emit, baton, scratch);
}

const llm_dialect_t llm_dialect_huggingface = {
    .name = "huggingface",
    .speaks = "openai",
    .provider_ops = LLM_OP_CHAT | LLM_OP_EMBED | LLM_OP_NATIVE,
    .pass_ops = LLM_OP_CHAT | LLM_OP_EMBED,
    .default_url = "https://router.huggingface.co",
    .framing = LLM_FRAMING_SSE,
    .chat_path = "/chat/completions",
    .write_request = llm_openai_write_request,
    .pass_request = llm_openai_pass_request,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_openai_read_response,
    .reader_make = llm_openai_reader_make,
    .read_event = read_event,
    .reader_end = llm_openai_reader_end,
    .read_usage = llm_huggingface_read_usage,
    .read_facts = llm_huggingface_read_facts,
    .read_problem = llm_huggingface_read_problem,
    .event_problem = llm_huggingface_event_problem,
    .hide_usage = llm_openai_hide_usage,
    .is_last = llm_huggingface_is_last,
    .native_model = llm_huggingface_native_model,
    .native_path = llm_huggingface_native_path,
};
