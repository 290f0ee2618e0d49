/* SPDX-License-Identifier: Apache-2.0 */
/* A request as its provider gets it; see exchange.h. */
#include "test/unit/dialect/exchange.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

static const char *text_of(llm_buf_t *out)
{
    return apr_pstrmemdup(unit_pool, out->data ? out->data : "", out->len);
}

const char *exchange_request(const llm_provider_t *provider,
                             const llm_ask_t *ask, const char *model)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_problem_t *problem;
    llm_request_t req;
    apr_size_t begin;
    int i;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 4);
    req.dropped = apr_array_make(unit_pool, 4, sizeof(const char *));
    problem =
        provider->dialect->write_request(&req, ask, model, provider, unit_pool);
    if (!problem && provider->dialect->place) {
        problem = provider->dialect->place(&req, provider, model, unit_pool);
    }
    if (problem) {
        ck_assert_int_eq(problem->kind, LLM_PROBLEM_BAD_REQUEST);
        ck_assert_ptr_nonnull(problem->param);
        llm_buf_printf(out, "refused %s\n", problem->message);
        return text_of(out);
    }
    ck_assert_str_eq(req.method, "POST");
    llm_buf_printf(out, "%s\n", req.path);
    begin = out->len;
    for (i = 0; i < req.body_count; ++i) {
        llm_buf_append(out, req.body[i].data, req.body[i].len);
    }
    exchange_json(out->data + begin, out->len - begin);
    llm_buf_lit(out, "\n");
    for (i = 0; i < req.dropped->nelts; ++i) {
        llm_buf_printf(out, "dropped %s\n",
                       APR_ARRAY_IDX(req.dropped, i, const char *));
    }
    return text_of(out);
}
