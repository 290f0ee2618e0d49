/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing a few members of a body without copying it.
 *
 * A body is walked once by llm_json_scan, which builds no tree; what has to
 * change is noted as a cut.
 */
#include "dialect/splice.h"

#include <string.h>

#include <apr_strings.h>

typedef struct cut_t {
    apr_size_t begin, end;
    llm_bytes_t text;
} cut_t;

llm_splice_t *llm_splice_make(apr_pool_t *pool)
{
    llm_splice_t *splice = apr_palloc(pool, sizeof(*splice));

    splice->pool = pool;
    splice->cuts = apr_array_make(pool, 4, sizeof(cut_t));
    return splice;
}

void llm_splice_cut(llm_splice_t *splice, apr_size_t begin, apr_size_t end,
                    const char *text, apr_size_t len)
{
    cut_t *cut = apr_array_push(splice->cuts);

    cut->begin = begin;
    cut->end = end;
    cut->text.data = text;
    cut->text.len = len;
}

void llm_splice_clear(llm_splice_t *splice)
{
    apr_array_clear(splice->cuts);
}

static void add_piece(llm_request_t *req, const char *data, apr_size_t len)
{
    if (len) {
        req->body[req->body_count].data = data;
        req->body[req->body_count].len = len;
        ++req->body_count;
    }
}

void llm_splice_apply(llm_request_t *req, llm_bytes_t raw,
                      const llm_splice_t *splice)
{
    apr_size_t count = (apr_size_t)splice->cuts->nelts, at = 0;
    int i;

    req->body = apr_palloc(splice->pool, (2 * count + 1) * sizeof(*req->body));
    req->body_count = 0;
    for (i = 0; i < splice->cuts->nelts; ++i) {
        const cut_t *cut = &APR_ARRAY_IDX(splice->cuts, i, cut_t);

        add_piece(req, raw.data + at, cut->begin - at);
        add_piece(req, cut->text.data, cut->text.len);
        at = cut->end;
    }
    add_piece(req, raw.data + at, raw.len - at);
}

apr_size_t llm_member_value(const llm_member_t *member)
{
    return member->end - member->value.len;
}

llm_bytes_t llm_json_quote(const char *utf8, apr_pool_t *pool)
{
    llm_text_t text = llm_text_escape(utf8, strlen(utf8), pool);
    char *quoted = apr_palloc(pool, text.len + 2);

    *quoted = '"';
    memcpy(quoted + 1, text.data, text.len);
    quoted[text.len + 1] = '"';
    return (llm_bytes_t){quoted, text.len + 2};
}

llm_problem_t *llm_splice_problem(const llm_json_error_t *error,
                                  apr_pool_t *pool)
{
    return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, pool,
                            "the body is not a JSON object: %s at byte "
                            "%" APR_SIZE_T_FMT,
                            error->what, error->offset);
}

typedef struct model_t {
    llm_splice_t *splice;
    llm_bytes_t name;
    int count;
} model_t;

static void see_member(void *baton, const llm_member_t *member)
{
    model_t *model = baton;

    if (llm_text_equals(member->name, "model")) {
        llm_splice_cut(model->splice, llm_member_value(member), member->end,
                       model->name.data, model->name.len);
        ++model->count;
    }
}

llm_problem_t *llm_splice_model(llm_request_t *req, llm_bytes_t raw,
                                const char *name, apr_pool_t *pool)
{
    model_t model = {llm_splice_make(pool), llm_json_quote(name, pool), 0};
    llm_json_error_t error;

    if (llm_json_scan(raw.data, raw.len, see_member, &model, &error)) {
        return llm_splice_problem(&error, pool);
    }
    if (!model.count) {
        return llm_problem_field(pool, "model", "expected a string");
    }
    llm_splice_apply(req, raw, model.splice);
    return NULL;
}
