/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider of OpenAI's family keeps for its account: files, batches,
 * uploads and responses, named by an id in the path.
 *
 * No model tells the provider. Where one can have such a thing it is that one;
 * where several can, the path below the provider's own name says which. The
 * request goes on as a native one: nothing else has such a thing.
 *
 * All keys share the account, so each request is checked: an id has to be of
 * the caller's key, or of one of its team. An id that is not, or that nobody
 * knows, is told to be none, in the provider's words. That holds for ids in
 * paths, here and on native routes, and for those in bodies (kept_body.c).
 */
#include "httpd/kept.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define ID_MAX 200

/* What follows the id, and how it may be called. */
static const struct kept_row_t {
    const char *kind;
    int has_id;
    const char *rest;
    int method;
    const char *allow;
} rows[] = {
    {"responses", 1, "", M_GET, "GET, HEAD, DELETE"},
    {"responses", 1, "", M_DELETE, "GET, HEAD, DELETE"},
    {"responses", 1, "/input_items", M_GET, "GET, HEAD"},
    {"responses", 1, "/cancel", M_POST, "POST"},
    {"files", 0, "", M_GET, "GET, HEAD, POST"},
    {"files", 0, "", M_POST, "GET, HEAD, POST"},
    {"files", 1, "", M_GET, "GET, HEAD, DELETE"},
    {"files", 1, "", M_DELETE, "GET, HEAD, DELETE"},
    {"files", 1, "/content", M_GET, "GET, HEAD"},
    {"batches", 0, "", M_GET, "GET, HEAD, POST"},
    {"batches", 0, "", M_POST, "GET, HEAD, POST"},
    {"batches", 1, "", M_GET, "GET, HEAD"},
    {"batches", 1, "/cancel", M_POST, "POST"},
    {"uploads", 0, "", M_POST, "POST"},
    {"uploads", 1, "/parts", M_POST, "POST"},
    {"uploads", 1, "/complete", M_POST, "POST"},
    {"uploads", 1, "/cancel", M_POST, "POST"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- paths --------------------------------------------------------------- */

/* The kind that the path's first segment names, and what follows that; NULL:
 * none. */
static const char *find_kind(const char **prest, const char *path)
{
    for (apr_size_t i = 0; i < ROWS; ++i) {
        apr_size_t len = strlen(rows[i].kind);

        /* some servers do not mind the case */
        if (!strncasecmp(path, rows[i].kind, len)
            && (!path[len] || path[len] == '/')) {
            *prest = path + len;
            return rows[i].kind;
        }
    }
    return NULL;
}

/* Letters, digits, "_" and "-", as all ids have; returns what follows it. */
static const char *skip_id(const char *id)
{
    const char *end = id;

    while (apr_isalnum(*end) || *end == '_' || *end == '-') {
        ++end;
    }
    return end > id && end - id <= ID_MAX ? end : NULL;
}

/* kind, id and rest of "files/file-1/content". 0: it is no such path. */
static int read_path(request_rec *r, llmgw_kept_t *kept, const char *path)
{
    const char *end;

    memset(kept, 0, sizeof(*kept));
    kept->kind = find_kind(&kept->rest, path);
    if (!kept->kind) {
        return 0;
    }
    if (*kept->rest == '/' && kept->rest[1]) {
        end = skip_id(kept->rest + 1);
        /* what is no id of ours is one that nobody has */
        kept->id = end ? apr_pstrmemdup(r->pool, kept->rest + 1,
                                        (apr_size_t)(end - kept->rest - 1))
                       : "";
        kept->rest = end ? end : "";
    }
    else {
        kept->rest = "";
    }
    return 1;
}

/* The row for this method; one for another method where there is none; NULL
 * where nobody knows the path. */
static const struct kept_row_t *find_row(const llmgw_kept_t *kept, int method)
{
    const struct kept_row_t *found = NULL;

    for (apr_size_t i = 0; i < ROWS; ++i) {
        if (!strcmp(rows[i].kind, kept->kind)
            && rows[i].has_id == (kept->id != NULL)
            && !strcmp(rows[i].rest, kept->rest)
            && (!found || rows[i].method == method)) {
            found = &rows[i];
        }
    }
    return found;
}

/* ---- providers ----------------------------------------------------------- */

int llmgw_kept_guards(const llm_provider_t *provider)
{
    return llm_dialect_find(llm_dialect_family(provider->dialect))
           == llm_dialect_find("openai");
}

static int has_responses(const llm_provider_t *provider)
{
    const llm_dialect_t *dialect = llm_dialect_find("openai-responses");

    return llm_dialect_for(provider, dialect, NULL, LLM_OP_CHAT) == dialect;
}

/* The provider that has such things; *pcount: how many could. Who has the
 * Responses API has the rest as well. */
static const llm_provider_t *find_provider(request_rec *r, const char *kind,
                                           int *pcount)
{
    const apr_array_header_t *all = llmgw_server_of(r->server)->providers;
    const llm_provider_t *sure = NULL, *likely = NULL;
    int likelies = 0;

    *pcount = 0;
    for (int i = 0; i < all->nelts; ++i) {
        const llm_provider_t *provider =
            APR_ARRAY_IDX(all, i, const llm_provider_t *);

        if (has_responses(provider)) {
            sure = sure ? sure : provider;
            ++*pcount;
        }
        if (llmgw_kept_guards(provider)) {
            likely = likely ? likely : provider;
            ++likelies;
        }
    }
    if (!*pcount && strcmp(kind, "responses") != 0) {
        *pcount = likelies;
        return likely;
    }
    return sure;
}

static llm_problem_t *no_provider(request_rec *r, const char *kind, int count)
{
    llm_problem_t *problem = llm_problem_make(
        LLM_PROBLEM_NOT_FOUND, r->pool,
        count ? "several providers here keep %s: name one, as in "
                "/<provider>/v1/%s"
              : "no provider here keeps %s",
        kind, kind);

    problem->code = "not_found";
    return problem;
}

int llmgw_kept_find(request_rec *r, llmgw_request_t *request, const char *path)
{
    const struct kept_row_t *row;
    const char *query;
    int count;

    if (strncmp(path, "/v1/", 4) != 0
        || !read_path(r, &request->kept, path + 4)) {
        return 0;
    }
    row = find_row(&request->kept, r->method_number);
    if (!row) {
        request->kept.kind = NULL;
        return 0;
    }
    request->kind = LLMGW_NATIVE;
    request->client = llm_dialect_find(
        strcmp(row->kind, "responses") ? "openai" : "openai-responses");
    request->method_allowed = r->method_number == row->method;
    request->allow = row->allow;
    request->native = find_provider(r, row->kind, &count);
    if (count != 1) {
        request->kind = LLMGW_UNKNOWN;
        request->line_problem = no_provider(r, row->kind, count);
        return 1;
    }
    query = llmgw_query_without_keys(r->args, r->pool);
    request->native_rest =
        apr_pstrcat(r->pool, path + 3, query ? "?" : NULL, query, NULL);
    return 1;
}

/* "/openai/v1/files" -> "files": what stands before is where the API is. */
static const char *skip_base(const llm_provider_t *provider, const char *path)
{
    const char *base = provider->base_path ? provider->base_path : "";

    if (llm_path_begins_with(path, base)) {
        path += strlen(base);
    }
    if (!strncasecmp(path, "/openai/", strlen("/openai/"))) {
        path += strlen("/openai");
    }
    if (path[0] == '/' && apr_tolower(path[1]) == 'v' && apr_isdigit(path[2])) {
        path += 1 + strcspn(path + 1, "/");
    }
    return path + (*path == '/');
}

void llmgw_kept_native(request_rec *r, llmgw_request_t *request,
                       const char *path)
{
    const char *rest;

    if (!llmgw_kept_guards(request->native)) {
        return;
    }
    rest = skip_base(request->native, path);
    while (*rest == '/') {
        ++rest;
    }
    read_path(r, &request->kept, rest);
}

/* ---- what is looked at -------------------------------------------------- */

/* A HEAD has no answer that could be looked at. */
static int is_list(const request_rec *r, const llmgw_kept_t *kept)
{
    return !kept->id && r->method_number == M_GET && !r->header_only;
}

void llmgw_kept_begin(request_rec *r, llmgw_request_t *request)
{
    const llmgw_kept_t *kept = &request->kept;
    llm_exchange_t *x = request->x;

    if (request->kind == LLMGW_CALL) {
        x->keeps = request->client == llm_dialect_find("openai-responses")
                       ? LLM_KEEPS_ANSWERS
                       : LLM_KEEPS_NOTHING;
        return;
    }
    if (!kept->kind) {
        return;
    }
    if (strcmp(kept->kind, "responses") != 0) {
        x->keeps = LLM_KEEPS_OBJECTS;
        x->whole_only = is_list(r, kept)
                        || (!strcmp(kept->kind, "batches") && !r->header_only);
    }
    else {
        x->keeps = kept->id ? LLM_KEEPS_ANSWER : LLM_KEEPS_ANSWERS;
        x->whole_only = is_list(r, kept);
    }
}

int llmgw_kept_is_own(const llmgw_request_t *request,
                      const llmgw_owner_t *owner)
{
    return owner->key == request->key.id
           || (*owner->team && !strcmp(owner->team, request->key.team));
}

/* ---- checks -------------------------------------------------------------- */

llm_problem_t *llmgw_kept_no_store(request_rec *r)
{
    return llm_problem_make(LLM_PROBLEM_UNAVAILABLE, r->pool,
                            "whose this is cannot be found out just now");
}

/* In OpenAI's words. */
static llm_problem_t *not_there(request_rec *r, const llmgw_kept_t *kept)
{
    static const char *const words[][3] = {
        {"responses", "Response with id '", "' not found."},
        {"files", "No such File object: ", ""},
        {"batches", "No batch found with id '", "'."},
        {"uploads", "No such Upload object: ", ""},
    };
    const char *const *text = words[0];
    llm_problem_t *problem;

    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (!strcmp(words[i][0], kept->kind)) {
            text = words[i];
        }
    }
    problem = llm_problem_make(LLM_PROBLEM_NOT_FOUND, r->pool, "%s%s%s",
                               text[1], kept->id, text[2]);
    problem->param = strcmp(kept->kind, "responses") ? "id" : NULL;
    return problem;
}

static llm_problem_t *check_id(request_rec *r, llmgw_request_t *request)
{
    apr_array_header_t *ids = apr_array_make(r->pool, 1, sizeof(char *));
    apr_array_header_t *owners;

    if (!*request->kept.id) {
        return not_there(r, &request->kept);
    }
    APR_ARRAY_PUSH(ids, const char *) = request->kept.id;
    if (llmgw_objects_owners(r, &owners, ids) != APR_SUCCESS) {
        return llmgw_kept_no_store(r);
    }
    for (int i = 0; i < owners->nelts; ++i) {
        const llmgw_owner_t *owner = &APR_ARRAY_IDX(owners, i, llmgw_owner_t);

        if (!strcmp(owner->provider, request->native->name)
            && llmgw_kept_is_own(request, owner)) {
            request->kept.owner = owner;
            return NULL;
        }
    }
    return not_there(r, &request->kept);
}

/* The models of a batch are in a file, which is not read here. */
static llm_problem_t *check_models(request_rec *r,
                                   const llmgw_request_t *request)
{
    const char *models = request->key.models;
    llm_problem_t *problem;

    if (!*models || !strcmp(models, "*")) {
        return NULL;
    }
    problem = llm_problem_make(
        LLM_PROBLEM_FORBIDDEN, r->pool,
        "this key may use certain models only, and may not use %s: the models "
        "in them are not known to the gateway",
        request->kept.kind);
    problem->code = "model_not_allowed";
    return problem;
}

llm_problem_t *llmgw_kept_check(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem = NULL;

    if (request->kept.kind && request->kind == LLMGW_NATIVE) {
        if (request->x->keeps == LLM_KEEPS_OBJECTS) {
            problem = check_models(r, request);
        }
        if (!problem && request->kept.id) {
            problem = check_id(r, request);
        }
    }
    return problem ? problem : llmgw_kept_check_body(r, request);
}
