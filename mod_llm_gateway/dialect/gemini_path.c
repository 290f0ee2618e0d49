/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a path of Gemini's API asks for, and requests that pass to a provider
 * which speaks it too.
 *
 *     /v1beta/models                                  the list of models
 *     /v1beta/models/NAME                             one of them
 *     /v1beta/models/NAME:generateContent             a method of one
 *     /v1/projects/P/locations/L/publishers/google/models/NAME:countTokens
 *
 * A name may have slashes and colons in it ("openai/gpt-4o", "llama3:8b"): it
 * ends at the last colon that a known method follows. The version is not
 * looked at; "/v1/models" without a method is OpenAI's.
 *
 * Where bytes pass, only the name changes: in the path, and where a body
 * repeats it (embeddings, countTokens). What another provider signed earlier
 * in the conversation would be refused as a signature that is not Gemini's: in
 * its place stands the value for none. Streams are always asked for as
 * events, which can be metered one by one; the client gets the form it asked.
 */
#include "dialect/gemini_internal.h"
#include "dialect/splice.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

static const struct method_t {
    const char *name;
    llm_op_e op;
    int stream;
} methods[] = {
    {":generateContent", LLM_OP_CHAT, 0},
    {":streamGenerateContent", LLM_OP_CHAT, 1},
    {":countTokens", LLM_OP_COUNT, 0},
    {":embedContent", LLM_OP_EMBED, 0},
    {":batchEmbedContents", LLM_OP_EMBED, 0},
    {NULL, LLM_OP_CHAT, 0},
};

/* Query parameters that say how an answer is printed or billed, which the
 * meaning of nothing depends on. */
static const char *const harmless[] = {
    "prettyPrint", "$prettyPrint", "quotaUser", "pageSize", "pageToken", NULL};

/* ---- paths ---- */

/* What follows "/v1", "/v1beta" and the like; NULL for another path. */
static const char *skip_version(const char *path)
{
    apr_size_t len;

    if (strncmp(path, "/v1", 3)) {
        return NULL;
    }
    for (len = 3; apr_isalnum(path[len]); ++len) {
    }
    return path[len] == '/' ? path + len : NULL;
}

/* One segment and its value, "/projects/x"; where it is not, the path. */
static const char *skip_pair(const char *path, const char *name)
{
    apr_size_t len = strlen(name);
    const char *end;

    if (strncmp(path, name, len) || path[len] == '/' || !path[len]) {
        return path;
    }
    end = strchr(path + len, '/');
    return end ? end : path;
}

/* What follows ".../models", NULL where there is no such folder. */
static const char *skip_models(const char *path)
{
    path = skip_version(path);
    if (!path) {
        return NULL;
    }
    path = skip_pair(path, "/projects/");
    path = skip_pair(path, "/locations/");
    path = skip_pair(path, "/publishers/");
    if (strncmp(path, "/models", 7) || (path[7] && path[7] != '/')) {
        return NULL;
    }
    return path + 7;
}

static const struct method_t *find_method(const char *name)
{
    const char *colon = strrchr(name, ':');
    const struct method_t *row = methods;

    while (colon && row->name && strcmp(row->name, colon)) {
        ++row;
    }
    return colon && row->name ? row : NULL;
}

/* ---- the query ---- */

static int is_harmless(const char *name)
{
    const char *const *row = harmless;

    while (*row && strcmp(*row, name)) {
        ++row;
    }
    return *row != NULL;
}

/* "json", "sse", and "json;enum-encoding=int" of older libraries. */
static llm_problem_t *read_alt(llm_line_t *line, const char *value,
                               apr_pool_t *pool)
{
    const char *plain = llm_path_unescape(value, strlen(value), pool);

    if (plain && !strcmp(plain, "sse")) {
        line->as_array = 0;
    }
    else if (!plain || (strcmp(plain, "json") && strncmp(plain, "json;", 5))) {
        return llm_problem_field(pool, "alt", "expected \"sse\" or \"json\"");
    }
    return NULL;
}

static llm_problem_t *read_query(llm_line_t *line, const char *query,
                                 apr_pool_t *pool)
{
    llm_problem_t *problem = NULL;
    char *last, *parameter, *value, *name;

    line->as_array = line->stream;
    if (!query) {
        return NULL;
    }
    parameter = apr_strtok(apr_pstrdup(pool, query), "&", &last);
    for (; parameter && !problem; parameter = apr_strtok(NULL, "&", &last)) {
        name = apr_pstrmemdup(pool, parameter, strcspn(parameter, "="));
        value = parameter + strlen(name);
        value += *value == '=';
        if (strpbrk(parameter, " \t\r\n")) {
            return llm_problem_field(pool, name, "expected no blanks");
        }
        if (!strcmp(name, "alt") || !strcmp(name, "$alt")
            || !strcmp(name, "%24alt")) {
            problem = read_alt(line, value, pool);
            if (problem || line->stream) {
                continue;
            }
        }
        else if (!is_harmless(name)) {
            return llm_problem_field(pool, name,
                                     "there is no such query parameter");
        }
        line->query = apr_pstrcat(pool, line->query ? line->query : "",
                                  line->query ? "&" : "", parameter, NULL);
    }
    return problem;
}

int llm_gemini_read_line(llm_line_t **pline, llm_problem_t **pproblem,
                         const char *path, const char *query, apr_pool_t *pool)
{
    const char *name = skip_models(path);
    const struct method_t *method;
    llm_line_t *line;

    if (!name) {
        return 0;
    }
    method = find_method(name);
    if (!method && !strncmp(path, "/v1/", 4)) {
        return 0;
    }
    line = apr_pcalloc(pool, sizeof(*line));
    line->op = LLM_OP_MODELS;
    name += *name == '/';
    if (method) {
        line->op = method->op;
        line->method = method->name;
        line->stream = method->stream;
        line->model =
            apr_pstrmemdup(pool, name, strlen(name) - strlen(method->name));
    }
    else if (*name) {
        line->model = name;
    }
    *pline = line;
    *pproblem = read_query(line, query, pool);
    return 1;
}

/* ---- requests that pass ---- */

typedef struct pass_t {
    llm_splice_t *splice;
    llm_bytes_t raw;
    llm_bytes_t model; /* the new name, as a JSON string */
} pass_t;

static void cut_value(const pass_t *pass, const llm_json_t *member,
                      llm_bytes_t text)
{
    apr_size_t begin = (apr_size_t)(member->raw.data - pass->raw.data);

    llm_splice_cut(pass->splice, begin, begin + member->raw.len, text.data,
                   text.len);
}

/* Signatures of other providers in the parts of one content. */
static void cut_signatures(const pass_t *pass, const llm_json_t *content)
{
    const llm_json_t *part = llm_json_want(content, "parts");
    llm_text_t opaque;

    part = llm_json_is(part, LLM_JSON_ARRAY) ? part->child : part;
    for (; part; part = part->next) {
        const llm_json_t *signature = llm_gemini_want(part, "thoughtSignature");

        if (llm_gemini_unwrap(&opaque, llm_json_text(signature),
                              pass->splice->pool)) {
            cut_value(pass, signature,
                      LLM_BYTES_LITERAL("\"" LLM_GEMINI_NO_SIGNATURE "\""));
        }
    }
}

/* The model's name where an object repeats it, and signatures. */
static void cut_models(const pass_t *pass, const llm_json_t *object)
{
    const llm_json_t *member =
        llm_json_is(object, LLM_JSON_OBJECT) ? object->child : NULL;

    for (; member; member = member->next) {
        if (llm_text_equals(member->name, "model")) {
            cut_value(pass, member, pass->model);
        }
        else if (llm_gemini_is_named(member->name, "generateContentRequest")) {
            cut_models(pass, member);
        }
        else if (llm_text_equals(member->name, "contents")
                 && member->type == LLM_JSON_ARRAY) {
            const llm_json_t *content;

            for (content = member->child; content; content = content->next) {
                cut_signatures(pass, content);
            }
        }
        else if (llm_gemini_is_named(member->name, "requests")
                 && member->type == LLM_JSON_ARRAY) {
            const llm_json_t *request;

            for (request = member->child; request; request = request->next) {
                cut_models(pass, request);
            }
        }
    }
}

/* Is there anything that only a tree of the body can tell? */
static int has_wrapped(llm_bytes_t raw)
{
    static const char mark[] = LLM_GEMINI_WRAPPED;
    const char *at = raw.data, *end = raw.data + raw.len;

    while ((at = memchr(at, '"', (apr_size_t)(end - at))) != NULL) {
        if ((apr_size_t)(end - at) >= sizeof(mark) - 1
            && !memcmp(at, mark, sizeof(mark) - 1)) {
            return 1;
        }
        ++at;
    }
    return 0;
}

static void see_model(void *baton, const llm_member_t *member)
{
    const pass_t *pass = baton;

    if (llm_text_equals(member->name, "model")) {
        llm_splice_cut(pass->splice, llm_member_value(member), member->end,
                       pass->model.data, pass->model.len);
    }
}

/* Names are written the way the path has them, but not escaped; in Vertex's
 * embeddings with all that stands before them. */
static const char *plain_resource(const llm_provider_t *provider,
                                  const char *model, llm_op_e op,
                                  apr_pool_t *pool)
{
    const char *project = op == LLM_OP_EMBED && llm_gemini_is_vertex(provider)
                              ? strstr(provider->base_path, "/projects/")
                              : NULL;

    return apr_pstrcat(pool, project ? project + 1 : "", project ? "/" : "",
                       strchr(model, '/') ? "" : "models/", model, NULL);
}

llm_problem_t *llm_gemini_pass_request(llm_request_t *req, llm_op_e op,
                                       llm_bytes_t raw, const char *model,
                                       const llm_provider_t *provider,
                                       int *phide, apr_pool_t *pool)
{
    const char *path = llm_gemini_model_path(provider, model, pool);
    const llm_line_t *line = req->line;
    pass_t pass = {llm_splice_make(pool), raw, {NULL, 0}};
    llm_json_error_t error = {0, NULL};
    const llm_json_t *doc;
    apr_status_t status;

    *phide = 0; /* usage is always told */
    if (!path) {
        return llm_problem_field(pool, "model", "not a name Gemini can have");
    }
    pass.model =
        llm_json_quote(plain_resource(provider, model, op, pool), pool);
    if (op == LLM_OP_CHAT && !has_wrapped(raw)) {
        status = llm_json_scan(raw.data, raw.len, see_model, &pass, &error);
    }
    else {
        status = llm_json_read(&doc, raw.data, raw.len, &error, pool);
        if (!status) {
            cut_models(&pass, doc);
        }
    }
    if (status) {
        return llm_splice_problem(&error, pool);
    }
    llm_splice_apply(req, raw, pass.splice);
    req->method = "POST";
    req->path =
        apr_pstrcat(pool, path, line ? line->method : ":generateContent",
                    line && line->stream  ? "?alt=sse"
                    : line && line->query ? "?"
                                          : "",
                    line && line->stream && line->query ? "&" : "",
                    line && line->query ? line->query : "", NULL);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return NULL;
}
