/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider keeps for its account, named by an id in the path: OpenAI's
 * files, batches, uploads, responses, vector stores, conversations and
 * containers, and Anthropic's files. The table is in kept_paths.c.
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

/* ---- providers ----------------------------------------------------------- */

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

        if (llmgw_kept_has_responses(provider)) {
            sure = sure ? sure : provider;
            ++*pcount;
        }
        if (llmgw_kept_keeps(provider, kind)) {
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
    const llmgw_kept_t *kept = &request->kept;
    const char *query, *allow;
    int count, is_allowed;

    if (strncmp(path, "/v1/", 4) != 0
        || !llmgw_kept_read(&request->kept, path + 4, NULL, r->pool)) {
        return 0;
    }
    is_allowed = llmgw_kept_allow(&allow, kept, r->method_number);
    if (!allow) {
        request->kept.kind = NULL;
        return 0;
    }
    request->kind = LLMGW_NATIVE;
    request->client = llm_dialect_find(
        strcmp(kept->kind, "responses") ? "openai" : "openai-responses");
    request->method_allowed = is_allowed;
    request->allow = allow;
    request->native = find_provider(r, kept->kind, &count);
    if (count != 1) {
        request->kind = LLMGW_UNKNOWN;
        request->line_problem = no_provider(r, kept->kind, count);
        return 1;
    }
    query = llmgw_query_without_keys(r->args, r->pool);
    request->native_rest =
        apr_pstrcat(r->pool, path + 3, query ? "?" : NULL, query, NULL);
    return 1;
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
        {"vector_stores", "Vector store with id '", "' not found."},
        {"conversations", "Conversation with id '", "' not found."},
        {"containers", "Container with id '", "' not found."},
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

/* What mod_proxy passes on as it comes can neither be cut nor looked at. */
static llm_problem_t *check_meter(request_rec *r,
                                  const llmgw_request_t *request)
{
    const llmgw_kept_t *kept = &request->kept;
    llm_problem_t *problem;

    if (request->kind != LLMGW_METER
        || (!is_list(r, kept) && strcmp(kept->kind, "batches") != 0)) {
        return NULL;
    }
    problem = llm_problem_make(
        LLM_PROBLEM_NOT_FOUND, r->pool,
        "%s of %s are not served here: what is one's own could not be told "
        "from what is others', or not be billed",
        is_list(r, kept) ? "lists" : kept->kind, request->native->name);
    problem->code = "not_served";
    return problem;
}

llm_problem_t *llmgw_kept_check_path(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem = NULL;

    if (request->native && request->kind != LLMGW_CALL) {
        problem = llmgw_kept_closed(r, request);
    }
    if (!problem && request->kept.kind && request->kind != LLMGW_CALL) {
        problem = check_meter(r, request);
        if (problem) {
            return problem;
        }
        if (request->x->keeps == LLM_KEEPS_OBJECTS) {
            problem = check_models(r, request);
        }
        if (!problem && request->kept.id) {
            problem = check_id(r, request);
        }
    }
    return problem;
}

llm_problem_t *llmgw_kept_check(request_rec *r, llmgw_request_t *request)
{
    llm_problem_t *problem = llmgw_kept_check_path(r, request);

    return problem ? problem : llmgw_kept_check_body(r, request);
}
