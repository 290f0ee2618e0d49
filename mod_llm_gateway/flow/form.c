/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a form with files asks for: the model decides who is asked and what the
 * key may do, so there is one, in plain text, or the form is refused.
 */
#include "flow/form.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/llm_form.h"

#define MODEL_MAX 256

typedef struct fields_t {
    int models; /* parts of that name */
    int is_odd; /* one of them is a file, or encoded */
    llm_bytes_t model, user, n;
} fields_t;

int llm_form_is_asked(const llm_exchange_t *x)
{
    return (x->op & LLM_OPS_UNREAD) && x->headers_in
           && llm_form_is(apr_table_get(x->headers_in, "Content-Type"));
}

static void note_part(void *baton, const llm_form_part_t *part)
{
    fields_t *fields = baton;

    if (llm_form_is_named(part, "model")) {
        fields->model = part->value;
        fields->models++;
        fields->is_odd |= part->is_file || part->is_encoded;
    }
    else if (llm_form_is_named(part, "user")) {
        fields->user = part->value;
    }
    else if (llm_form_is_named(part, "n")) {
        fields->n = part->value;
    }
}

static llm_problem_t *scan(llm_exchange_t *x, fields_t *fields)
{
    const char *type = apr_table_get(x->headers_in, "Content-Type");
    llm_bytes_t boundary;
    const char *wrong = llm_form_boundary(&boundary, type);
    apr_size_t first;

    if (!wrong) {
        wrong = llm_form_scan(&first, x->raw, boundary, note_part, fields);
    }
    return wrong ? llm_problem_make(LLM_PROBLEM_BAD_REQUEST, x->pool,
                                    "the body is not a form: %s", wrong)
                 : NULL;
}

/* A control character would make a name two. */
static int is_name(llm_bytes_t value)
{
    for (apr_size_t i = 0; i < value.len; ++i) {
        if (apr_iscntrl(value.data[i])) {
            return 0;
        }
    }
    return value.len && value.len <= MODEL_MAX;
}

static llm_problem_t *read_model(llm_exchange_t *x, const fields_t *fields)
{
    if (!fields->models && x->line && x->line->preset) {
        x->model = x->line->preset;
        return NULL;
    }
    if (!fields->models) {
        return llm_problem_field(x->pool, "model", "the form names no model");
    }
    if (fields->models > 1) {
        return llm_problem_field(x->pool, "model", "given twice");
    }
    if (fields->is_odd || !is_name(fields->model)) {
        return llm_problem_field(
            x->pool, "model",
            "expected a text of 1 to %d bytes without control characters",
            MODEL_MAX);
    }
    x->model = apr_pstrmemdup(x->pool, fields->model.data, fields->model.len);
    return NULL;
}

llm_problem_t *llm_form_read(llm_exchange_t *x)
{
    fields_t fields;
    llm_problem_t *problem;

    memset(&fields, 0, sizeof(fields));
    problem = scan(x, &fields);
    if (!problem) {
        problem = read_model(x, &fields);
    }
    if (!problem && fields.user.len && is_name(fields.user)) {
        x->user = apr_pstrmemdup(x->pool, fields.user.data, fields.user.len);
    }
    if (!problem && fields.n.len && fields.n.len < 10) {
        x->pieces = (int)apr_atoi64(
            apr_pstrmemdup(x->pool, fields.n.data, fields.n.len));
    }
    return problem;
}
