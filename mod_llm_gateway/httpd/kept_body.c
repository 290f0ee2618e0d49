/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids in a request's body: a response or a conversation to go on from, a file
 * or a store of files to be read by a model, the container of its code, the
 * input of a batch. They may not be somebody else's, since an answer could tell
 * what is in them.
 *
 * A body is read only where it may hold one: where a member's name stands
 * there as it is, or something is escaped that could be a letter.
 */
#include "httpd/kept.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_form.h"
#include "core/llm_json.h"

#define DEPTH_MAX 128
#define IDS_MAX   100

static const char *const members[] = {"container",
                                      "container_id",
                                      "conversation",
                                      "file_id",
                                      "file_ids",
                                      "input_file_id",
                                      "previous_response_id",
                                      "vector_store_id",
                                      "vector_store_ids",
                                      NULL};
/* What is in them is the client's own. */
static const char *const passed_over[] = {"metadata", "parameters", NULL};

typedef struct search_t {
    apr_array_header_t *ids;   /* of const char * */
    apr_array_header_t *names; /* of their members, likewise */
    apr_pool_t *pool;
    int is_full;
} search_t;

static int is_among(llm_text_t name, const char *const *names)
{
    for (; name.data && *names; ++names) {
        if (llm_text_equals(name, *names)) {
            return 1;
        }
    }
    return 0;
}

static void add(search_t *search, const llm_json_t *node, llm_text_t name)
{
    llm_bytes_t id = llm_text_decode(llm_json_text(node), search->pool);

    if (search->ids->nelts == IDS_MAX) {
        search->is_full = 1;
        return;
    }
    /* one with U+0000 in it would be two */
    APR_ARRAY_PUSH(search->ids, const char *) =
        memchr(id.data, 0, id.len)
            ? ""
            : apr_pstrmemdup(search->pool, id.data, id.len);
    APR_ARRAY_PUSH(search->names, const char *) =
        llm_text_string(name, search->pool);
}

static void look(search_t *search, const llm_json_t *node, llm_text_t name,
                 int depth)
{
    const llm_json_t *child;
    int is_wanted = is_among(name, members);

    if (node->type == LLM_JSON_STRING && is_wanted) {
        add(search, node, name);
    }
    else if (is_wanted
             && llm_json_is(llm_json_get(node, "id"), LLM_JSON_STRING)) {
        add(search, llm_json_get(node, "id"), name); /* "conversation" */
    }
    if (depth == DEPTH_MAX) {
        return;
    }
    for (child = node->child; child; child = child->next) {
        if (!is_among(child->name, passed_over)) {
            /* elements of an array belong to its member */
            look(search, child,
                 node->type == LLM_JSON_ARRAY
                     ? (is_wanted ? name : LLM_TEXT_NONE)
                     : child->name,
                 depth + 1);
        }
    }
}

/* Does one of the signs stand somewhere, all of which have this rare byte?
 * memchr is many times as fast as memmem. */
static int has_sign(llm_bytes_t raw, const char *const *signs, char rare)
{
    const char *end = raw.data + raw.len, *hit = raw.data;

    for (; (hit = memchr(hit, rare, (apr_size_t)(end - hit))); ++hit) {
        for (int i = 0; signs[i]; ++i) {
            apr_size_t len = strlen(signs[i]);
            apr_size_t at = (apr_size_t)(strchr(signs[i], rare) - signs[i]);

            if ((apr_size_t)(hit - raw.data) >= at
                && (apr_size_t)(end - hit) >= len - at
                && !memcmp(hit - at, signs[i], len)) {
                return 1;
            }
        }
    }
    return 0;
}

/* Could one of the members be in there? "e_id" is in most of their names; the
 * ids behind the others begin like this. */
static int may_hold(llm_bytes_t raw)
{
    static const char *const signs[] = {"e_id", "conv_", "cntr_", NULL};
    static const char *const escapes[] = {"\\u00", NULL};

    return raw.len
           && (has_sign(raw, signs, '_') || has_sign(raw, escapes, '\\')
               || memchr(raw.data, 0, raw.len)); /* UTF-16, perhaps */
}

/* Is there one who gets the bytes, and keeps things for all of us? */
static int passes(const llm_exchange_t *x)
{
    for (int i = 0; i < x->plan->nelts; ++i) {
        const llm_upstream_t *upstream =
            &APR_ARRAY_IDX(x->plan, i, llm_upstream_t);
        const llm_provider_t *provider = upstream->provider;

        if (llmgw_kept_guards(provider)
            && (x->native
                || llm_dialect_passes(x->client,
                                      llm_dialect_for(provider, x->client,
                                                      upstream->model, x->op),
                                      x->op))) {
            return 1;
        }
    }
    return 0;
}

static llm_problem_t *not_there(request_rec *r, const char *name,
                                const char *id)
{
    static const char *const words[][2] = {
        {"previous_response_id", "Previous response"},
        {"conversation", "Conversation"},
        {"container", "Container"},
        {"vector_store_id", "Vector store"},
    };
    int is_response = !strcmp(name, words[0][0]);
    const char *what = NULL;
    llm_problem_t *problem;

    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (!strncmp(name, words[i][0], strlen(words[i][0]))) {
            what = words[i][1];
        }
    }
    problem = llm_problem_make(
        is_response ? LLM_PROBLEM_BAD_REQUEST : LLM_PROBLEM_NOT_FOUND, r->pool,
        what ? "%s with id '%.200s' not found." : "No such %s object: %.200s",
        what ? what : "File", id);
    problem->param = name;
    problem->code = is_response ? "previous_response_not_found" : NULL;
    return problem;
}

/* Is it somebody else's? One that nobody is known to have made was made by
 * other means, and whoever knows it was told: ids are not to be guessed. */
static int is_others(const llmgw_request_t *request, const char *id,
                     const apr_array_header_t *owners)
{
    for (int i = 0; i < owners->nelts; ++i) {
        const llmgw_owner_t *owner = &APR_ARRAY_IDX(owners, i, llmgw_owner_t);

        if (!strcmp(owner->id, id) && !llmgw_kept_is_own(request, owner)) {
            return 1;
        }
    }
    return 0;
}

/* Ids that no store has make its request invalid: they are nobody's. */
static int can_be(const char *id)
{
    return *id && strlen(id) <= 200
           && strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                         "0123456789_-.:")
                  == strlen(id);
}

static llm_problem_t *check(request_rec *r, const llmgw_request_t *request,
                            const search_t *search)
{
    apr_array_header_t *owners;
    int i;

    for (i = 0; i < search->ids->nelts; ++i) {
        const char *id = APR_ARRAY_IDX(search->ids, i, const char *);

        if (!can_be(id)) {
            return not_there(r, APR_ARRAY_IDX(search->names, i, const char *),
                             id);
        }
    }
    if (llmgw_objects_owners(r, &owners, search->ids) != APR_SUCCESS) {
        return llmgw_kept_no_store(r);
    }
    for (i = 0; i < search->ids->nelts; ++i) {
        const char *id = APR_ARRAY_IDX(search->ids, i, const char *);

        if (is_others(request, id, owners)) {
            return not_there(r, APR_ARRAY_IDX(search->names, i, const char *),
                             id);
        }
    }
    return NULL;
}

llm_problem_t *llmgw_kept_check_body(request_rec *r, llmgw_request_t *request)
{
    const llm_exchange_t *x = request->x;
    search_t search = {.pool = r->pool};
    llm_json_error_t error = {0, "malformed"};
    const llm_json_t *doc = x->doc;

    if (!x->plan || llm_form_is(apr_table_get(r->headers_in, "Content-Type"))
        || !may_hold(x->raw) || !passes(x)) {
        return NULL;
    }
    if (!doc && llm_json_read(&doc, x->raw.data, x->raw.len, &error, r->pool)) {
        /* a provider may read more than we do */
        return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, r->pool,
                                "the body is not valid JSON: %s at byte "
                                "%" APR_SIZE_T_FMT,
                                error.what, error.offset);
    }
    search.ids = apr_array_make(r->pool, 2, sizeof(const char *));
    search.names = apr_array_make(r->pool, 2, sizeof(const char *));
    look(&search, doc, LLM_TEXT_NONE, 0);
    if (search.is_full) {
        return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, r->pool,
                                "more than %d ids in one request", IDS_MAX);
    }
    return search.ids->nelts ? check(r, request, &search) : NULL;
}
