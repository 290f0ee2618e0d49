/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's operations that nobody else has: moderation, images, sound. Their
 * bytes pass, but for the model's name, in JSON or in a form with files.
 *
 * Where the API's reference names a default model it is the one that is looked
 * for here; that of images depends on other members, so it has to be named.
 *
 * And what Azure's clients ask, who name the model, there a deployment, in
 * the path. Their queries have the version of Azure's API, which is not
 * looked at.
 *
 *     /openai/deployments/NAME/chat/completions
 *     /openai/deployments/NAME/embeddings
 */
#include "dialect/openai_internal.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_form.h"
#include "dialect/splice.h"

#define VERSION     "/v1"
#define DEPLOYMENTS "/openai/deployments/"

static const llm_line_t lines[] = {
    {.op = LLM_OP_MODERATE,
     .method = "/v1/moderations",
     .preset = "omni-moderation-latest"},
    {.op = LLM_OP_IMAGE, .method = "/v1/images/generations"},
    {.op = LLM_OP_IMAGE, .method = "/v1/images/edits"},
    {.op = LLM_OP_IMAGE,
     .method = "/v1/images/variations",
     .preset = "dall-e-2"},
    {.op = LLM_OP_SPEECH, .method = "/v1/audio/speech"},
    {.op = LLM_OP_TRANSCRIBE, .method = "/v1/audio/transcriptions"},
    {.op = LLM_OP_TRANSCRIBE, .method = "/v1/audio/translations"},
};

static const struct deployed_t {
    const char *path;
    llm_op_e op;
} deployed[] = {
    {"/chat/completions", LLM_OP_CHAT},
    {"/embeddings", LLM_OP_EMBED},
};

/* The name of a deployment may have slashes: what stands between. */
static llm_line_t *read_deployment(const char *path, apr_pool_t *pool)
{
    apr_size_t len, end;
    llm_line_t *line;

    if (strncmp(path, DEPLOYMENTS, strlen(DEPLOYMENTS))) {
        return NULL;
    }
    path += strlen(DEPLOYMENTS);
    len = strlen(path);
    for (apr_size_t i = 0; i < sizeof(deployed) / sizeof(deployed[0]); ++i) {
        end = strlen(deployed[i].path);
        if (len > end && !strcmp(path + len - end, deployed[i].path)) {
            line = apr_pcalloc(pool, sizeof(*line));
            line->op = deployed[i].op;
            line->model = apr_pstrmemdup(pool, path, len - end);
            line->body_streams = 1;
            return line;
        }
    }
    return NULL;
}

int llm_openai_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                         const char *path, const char *query, apr_pool_t *pool)
{
    apr_size_t i;

    (void)query; /* what there may be changes nothing */
    *pproblem = NULL;
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); ++i) {
        if (!strcmp(lines[i].method, path)) {
            *pline = apr_pmemdup(pool, &lines[i], sizeof(lines[i]));
            return 1;
        }
    }
    *pline = read_deployment(path, pool);
    return *pline != NULL;
}

/* ---- the model in a form ------------------------------------------------ */

typedef struct form_t {
    llm_splice_t *splice;
    const char *model;
    int count;
    apr_pool_t *pool;
} form_t;

static void see_part(void *baton, const llm_form_part_t *part)
{
    form_t *form = baton;

    if (llm_form_is_named(part, "model")) {
        const char *model =
            part->is_bare ? apr_pstrcat(form->pool, form->model, "\r\n", NULL)
                          : form->model;

        llm_splice_cut(form->splice, part->begin, part->end, model,
                       strlen(model));
        ++form->count;
    }
}

static void insert_model(llm_splice_t *splice, llm_bytes_t boundary,
                         apr_size_t at, const char *model, apr_pool_t *pool)
{
    const char *part = apr_psprintf(
        pool,
        "--%.*s\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n%s\r\n",
        (int)boundary.len, boundary.data, model);

    llm_splice_cut(splice, at, at, part, strlen(part));
}

static llm_problem_t *splice_form(llm_request_t *req, llm_bytes_t raw,
                                  const char *type, const char *model,
                                  apr_pool_t *pool)
{
    form_t form = {llm_splice_make(pool), model, 0, pool};
    llm_bytes_t boundary;
    const char *wrong = llm_form_boundary(&boundary, type);
    apr_size_t first;

    if (!wrong) {
        wrong = llm_form_scan(&first, raw, boundary, see_part, &form);
    }
    if (wrong) {
        return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, pool,
                                "the body is not a form: %s", wrong);
    }
    if (!form.count) {
        insert_model(form.splice, boundary, first, model, pool);
    }
    llm_splice_apply(req, raw, form.splice);
    return NULL;
}

/* ---- the model in JSON --------------------------------------------------- */

typedef struct members_t {
    int models, others;
} members_t;

static void count_member(void *baton, const llm_member_t *member)
{
    members_t *members = baton;

    *(llm_text_equals(member->name, "model") ? &members->models
                                             : &members->others) += 1;
}

/* Right behind the brace, where the body names none. */
static llm_problem_t *splice_json(llm_request_t *req, llm_bytes_t raw,
                                  const char *model, apr_pool_t *pool)
{
    members_t members = {0, 0};
    llm_bytes_t name = llm_json_quote(model, pool);
    llm_splice_t *splice;
    apr_size_t at;
    char *text;

    if (llm_json_scan(raw.data, raw.len, count_member, &members, NULL)
        || members.models) {
        return llm_splice_model(req, raw, model, pool);
    }
    splice = llm_splice_make(pool);
    at = (apr_size_t)((const char *)memchr(raw.data, '{', raw.len) - raw.data);
    text = apr_psprintf(pool, "\"model\":%.*s%s", (int)name.len, name.data,
                        members.others ? "," : "");
    llm_splice_cut(splice, at + 1, at + 1, text, strlen(text));
    llm_splice_apply(req, raw, splice);
    return NULL;
}

llm_problem_t *llm_openai_pass_line(llm_request_t *req, llm_bytes_t raw,
                                    const char *model,
                                    const llm_provider_t *provider,
                                    apr_pool_t *pool)
{
    const char *type = apr_table_get(req->headers, "Content-Type");

    req->method = "POST";
    req->path = llm_openai_path(
        provider, req->line ? req->line->method + strlen(VERSION) : "", pool);
    if (llm_form_is(type)) {
        return splice_form(req, raw, type, model, pool);
    }
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return splice_json(req, raw, model, pool);
}

/* ---- ranking -------------------------------------------------------------- */

/* vLLM, Jina, Together and others have Cohere's, at an address of OpenAI's
 * form: {"model","query","documents","top_n"} and {"results":[{"index",
 * "relevance_score"}]}. */
static llm_problem_t *pass_ranking(llm_request_t *req, llm_op_e op,
                                   llm_bytes_t raw, const char *model,
                                   const llm_provider_t *provider, int *phide,
                                   apr_pool_t *pool)
{
    (void)op;
    *phide = 0;
    req->method = "POST";
    req->path = llm_openai_path(provider, "/rerank", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return llm_splice_model(req, raw, model, pool);
}

const llm_dialect_t llm_dialect_openai_rerank = {
    .name = "openai-rerank",
    .family = "openai",
    .speaks = "cohere",
    .pass_ops = LLM_OP_RERANK,
    .framing = LLM_FRAMING_NONE,

    .pass_request = pass_ranking,
    .secret_header = llm_openai_secret_header,
    .read_response = llm_openai_read_response,
    .read_usage = llm_openai_read_usage,
    .read_facts = llm_openai_read_facts,
    .read_problem = llm_openai_read_problem,
    .event_problem = llm_openai_event_problem,
};
