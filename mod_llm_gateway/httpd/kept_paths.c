/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a provider's own API: what it keeps there, and what passes of the
 * rest.
 *
 * All keys share the provider's account. What is kept for it by an id in the
 * path is looked after where it is in the table (kept.c). Other things that a
 * provider keeps, makes at a price that nobody tells, or hands out keys for,
 * are closed: a list of names for what is posted, and a list of what may be
 * read, which is of models and of the server itself. LLMNative says otherwise.
 */
#include "httpd/kept.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define ID_MAX 200
#define ANY    (-1) /* a method; a rest is "*" then */

/* Whose they are. */
typedef enum {
    OPENAI,    /* of all who speak its dialect */
    RESPONSES, /* of those that have the Responses API as well */
    ANTHROPIC
} maker_e;

/* What follows the id, and how it may be called. */
static const struct kept_row_t {
    const char *kind;
    maker_e maker;
    int has_id;
    const char *rest;
    int method;
    const char *allow;
} rows[] = {
    {"responses", OPENAI, 1, "", M_GET, "GET, HEAD, DELETE"},
    {"responses", OPENAI, 1, "", M_DELETE, "GET, HEAD, DELETE"},
    {"responses", OPENAI, 1, "/input_items", M_GET, "GET, HEAD"},
    {"responses", OPENAI, 1, "/cancel", M_POST, "POST"},
    {"files", OPENAI, 0, "", M_GET, "GET, HEAD, POST"},
    {"files", OPENAI, 0, "", M_POST, "GET, HEAD, POST"},
    {"files", OPENAI, 1, "", M_GET, "GET, HEAD, DELETE"},
    {"files", OPENAI, 1, "", M_DELETE, "GET, HEAD, DELETE"},
    {"files", OPENAI, 1, "/content", M_GET, "GET, HEAD"},
    {"files", ANTHROPIC, 0, "*", ANY, ""},
    {"batches", OPENAI, 0, "", M_GET, "GET, HEAD, POST"},
    {"batches", OPENAI, 0, "", M_POST, "GET, HEAD, POST"},
    {"batches", OPENAI, 1, "", M_GET, "GET, HEAD"},
    {"batches", OPENAI, 1, "/cancel", M_POST, "POST"},
    {"uploads", OPENAI, 0, "", M_POST, "POST"},
    {"uploads", OPENAI, 1, "/parts", M_POST, "POST"},
    {"uploads", OPENAI, 1, "/complete", M_POST, "POST"},
    {"uploads", OPENAI, 1, "/cancel", M_POST, "POST"},
    {"vector_stores", RESPONSES, 0, "", M_GET, "GET, HEAD, POST"},
    {"vector_stores", RESPONSES, 0, "", M_POST, "GET, HEAD, POST"},
    {"vector_stores", RESPONSES, 1, "*", ANY, "GET, HEAD, POST, DELETE"},
    {"conversations", RESPONSES, 0, "", M_POST, "POST"},
    {"conversations", RESPONSES, 1, "*", ANY, "GET, HEAD, POST, DELETE"},
    {"containers", RESPONSES, 0, "", M_GET, "GET, HEAD, POST"},
    {"containers", RESPONSES, 0, "", M_POST, "GET, HEAD, POST"},
    {"containers", RESPONSES, 1, "*", ANY, "GET, HEAD, POST, DELETE"},
};

/* What stands where an id could: the model is asked. */
static const char *const no_ids[] = {"responses/compact",
                                     "responses/input_tokens", NULL};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- kinds -------------------------------------------------------------- */

static int is_family(const llm_provider_t *provider, const char *name)
{
    return llm_dialect_find(llm_dialect_family(provider->dialect))
           == llm_dialect_find(name);
}

int llmgw_kept_guards(const llm_provider_t *provider)
{
    return is_family(provider, "openai") || is_family(provider, "anthropic");
}

int llmgw_kept_has_responses(const llm_provider_t *provider)
{
    const llm_dialect_t *dialect = llm_dialect_find("openai-responses");

    return llm_dialect_for(provider, dialect, NULL, LLM_OP_CHAT) == dialect;
}

static int makes(const llm_provider_t *provider, maker_e maker)
{
    switch (maker) {
    case OPENAI:
        return is_family(provider, "openai");
    case RESPONSES:
        return llmgw_kept_has_responses(provider);
    default:
        return is_family(provider, "anthropic");
    }
}

int llmgw_kept_keeps(const llm_provider_t *provider, const char *kind)
{
    for (apr_size_t i = 0; i < COUNT(rows); ++i) {
        if (!strcmp(rows[i].kind, kind) && rows[i].maker != ANTHROPIC) {
            return makes(provider, rows[i].maker);
        }
    }
    return 0;
}

/* The kind that the path's first segment names, and what follows that; NULL:
 * none. `provider` may be NULL: OpenAI. */
static const char *find_kind(const char **prest, const char *path,
                             const llm_provider_t *provider)
{
    for (apr_size_t i = 0; i < COUNT(rows); ++i) {
        apr_size_t len = strlen(rows[i].kind);

        /* some servers do not mind the case */
        if (!strncasecmp(path, rows[i].kind, len)
            && (!path[len] || path[len] == '/')
            && (provider ? makes(provider, rows[i].maker)
                         : rows[i].maker != ANTHROPIC)) {
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

static int has_no_id(const char *path)
{
    const char *const *word = no_ids;

    while (*word && strcmp(path, *word) != 0) {
        ++word;
    }
    return *word != NULL;
}

int llmgw_kept_read(llmgw_kept_t *kept, const char *path,
                    const llm_provider_t *provider, apr_pool_t *pool)
{
    const char *end;

    memset(kept, 0, sizeof(*kept));
    kept->kind =
        has_no_id(path) ? NULL : find_kind(&kept->rest, path, provider);
    if (!kept->kind) {
        return 0;
    }
    if (*kept->rest == '/' && kept->rest[1]) {
        end = skip_id(kept->rest + 1);
        /* what is no id of ours is one that nobody has */
        kept->id = end ? apr_pstrmemdup(pool, kept->rest + 1,
                                        (apr_size_t)(end - kept->rest - 1))
                       : "";
        kept->rest = end ? end : "";
    }
    else {
        kept->rest = "";
    }
    return 1;
}

int llmgw_kept_allow(const char **pallow, const llmgw_kept_t *kept, int method)
{
    const struct kept_row_t *found = NULL;
    int is_any;

    for (apr_size_t i = 0; i < COUNT(rows); ++i) {
        int fits =
            !strcmp(rows[i].rest, kept->rest) || !strcmp(rows[i].rest, "*");

        if (!strcmp(rows[i].kind, kept->kind) && rows[i].maker != ANTHROPIC
            && rows[i].has_id == (kept->id != NULL) && fits
            && (!found || rows[i].method == method)) {
            found = &rows[i];
        }
    }
    *pallow = found ? found->allow : NULL;
    is_any = found && found->method == ANY;
    return is_any ? method == M_GET || method == M_POST || method == M_DELETE
                  : found && found->method == method;
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
    char *plain = apr_pstrmemdup(r->pool, path, strcspn(path, "?"));
    const char *rest;

    ap_no2slash(plain);
    request->native_plain = plain;
    if (!llmgw_kept_guards(request->native)) {
        return;
    }
    rest = skip_base(request->native, plain);
    while (*rest == '/') {
        ++rest;
    }
    llmgw_kept_read(&request->kept, rest, request->native, r->pool);
}

/* ---- what is closed ------------------------------------------------------ */

/*
 * Names in a path, whole segments of it, whatever stands before them. With "/"
 * behind, something has to follow, with "$" nothing may; ":x" is a method of
 * Google's.
 */
static const char *const closed[] = {
    ":asyncBatchEmbedContent",
    ":batchGenerateContent",
    ":deployModel",
    ":mutateDeployedModel",
    ":predictLongRunning",
    ":undeployModel",
    "agents",
    "api/blobs",
    "api/copy",
    "api/create",
    "api/delete",
    "api/pull",
    "api/push",
    "assistants",
    "async-invoke",
    "auth_tokens",
    "batch",
    "batches",
    "cachedContents",
    "chat/completions/",
    "chatkit",
    "collections",
    "connectors",
    "containers",
    "conversations",
    "corpora",
    "datasets",
    "deployments$",
    "embed-jobs",
    "endpoints$",
    "environments",
    "evals",
    "files",
    "fileSearchStores",
    "fine-tunes",
    "fine-tuning",
    "fine_tunes",
    "fine_tuning",
    "finetuning",
    "keys",
    "libraries",
    "memory_stores",
    "operations",
    "organization",
    "organizations",
    "realtime",
    "serving-endpoints$",
    "sessions",
    "skills",
    "threads",
    "tunedModels$",
    "upload",
    "uploads",
    "vaults",
    "vector_stores",
    "videos",
    NULL,
};

/* Models are asked there all the same. */
static const char *const open_below[] = {"agents/completions", NULL};

/* What may be read: which models there are, and how the server is. */
static const char *const readable[] = {
    "health", "healthz", "info", "metrics", "model",   "models",
    "ping",   "props",   "ps",   "tags",    "version", NULL,
};

/* Where a segment's name ends. */
static int is_end(char c)
{
    return !c || c == '/' || c == ':';
}

/* Does the pattern fit what begins here, at a segment? */
static int fits(const char *at, const char *pattern)
{
    apr_size_t len = strlen(pattern);
    char last = pattern[len - 1];

    len -= last == '/' || last == '$';
    if (strncasecmp(at, pattern, len) != 0 || !is_end(at[len])) {
        return 0;
    }
    return last == '/'   ? at[len] == '/' && at[len + 1]
           : last == '$' ? !at[len] || !strcmp(at + len, "/")
                         : 1;
}

static int has_one(const char *path, const char *const *patterns)
{
    for (; *patterns; ++patterns) {
        const char *at = path;
        char mark = **patterns == ':' ? ':' : '/';

        for (; (at = strchr(at, mark)) != NULL; ++at) {
            if (fits(mark == ':' ? at : at + 1, *patterns)) {
                return 1;
            }
        }
    }
    return 0;
}

/* Of a project in a cloud the models alone. */
static int is_of_cloud(const char *path)
{
    static const char *const project[] = {"projects", NULL};
    static const char *const models[] = {"publishers", "endpoints/", NULL};

    return has_one(path, project) && !has_one(path, models);
}

llm_problem_t *llmgw_kept_closed(request_rec *r, const llmgw_request_t *request)
{
    const llmgw_provider_t *glue = request->native->glue;
    const char *path = request->native_plain;
    llm_problem_t *problem;
    int passes;

    if (glue->native_all || request->kept.kind || !path
        || r->method_number == M_OPTIONS) {
        return NULL;
    }
    passes = has_one(path, open_below)
             || (!has_one(path, closed) && !is_of_cloud(path));
    passes = passes
             && (r->method_number == M_POST
                 || (r->method_number == M_GET && has_one(path, readable)));
    if (passes) {
        return NULL;
    }
    problem = llm_problem_make(
        LLM_PROBLEM_NOT_FOUND, r->pool,
        "%s %.200s of %s is not served here: what is kept or made there could "
        "not be told apart by key, or not be billed",
        r->method, path, request->native->name);
    problem->code = "not_served";
    return problem;
}
