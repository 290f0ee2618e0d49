/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that speak Cohere's dialect: paths, requests that pass, embeddings,
 * ranking, models. What becomes of each member of a request is in
 * test/vectors/cohere.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/cohere_internal.h"
#include "dialect/limits.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static llm_line_t *line_of(const char *path)
{
    llm_problem_t *problem = NULL;
    llm_line_t *line = NULL;

    if (!llm_cohere_read_line(&line, &problem, path, NULL, unit_pool)) {
        return NULL;
    }
    ck_assert_ptr_null(problem);
    return line;
}

START_TEST(paths_say_what_is_asked)
{
    ck_assert_int_eq(line_of("/v2/chat")->op, LLM_OP_CHAT);
    ck_assert_int_eq(line_of("/v2/chat")->stream, 0);
    ck_assert_int_eq(line_of("/v2/embed")->op, LLM_OP_EMBED);
    ck_assert_int_eq(line_of("/v1/rerank")->op, LLM_OP_RERANK);
    ck_assert_int_eq(line_of("/v2/rerank")->op, LLM_OP_RERANK);
    ck_assert_ptr_null(line_of("/v1/chat"));
    ck_assert_ptr_null(line_of("/v2/chat/completions"));
    ck_assert_ptr_null(line_of("/v1/models"));
}
END_TEST

START_TEST(bytes_pass_but_for_the_models_name)
{
    static const char body[] =
        "{ \"x\":1.0, \"x\":\"\\u0000\",\"model\":\"a\",\"top_n\":9e999}";
    static const struct {
        const char *path, *url, *shown;
        llm_op_e op;
    } rows[] = {
        {"/v1/rerank", NULL, "/v1/rerank", LLM_OP_RERANK},
        {"/v2/rerank", "https://h/v2", "/v2/rerank", LLM_OP_RERANK},
        {"/v2/chat", "https://h/x/v2/", "/x/v2/chat", LLM_OP_CHAT},
        {NULL, NULL, "/v2/chat", LLM_OP_CHAT},
        {NULL, NULL, "/v2/embed", LLM_OP_EMBED},
        {NULL, NULL, "/v2/rerank", LLM_OP_RERANK},
    };
    llm_bytes_t raw = {body, sizeof(body) - 1};
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        llm_buf_t *out = llm_buf_make(0, unit_pool);
        llm_request_t req;
        int hide = 1, j;

        memset(&req, 0, sizeof(req));
        req.headers = apr_table_make(unit_pool, 2);
        req.line = rows[i].path ? line_of(rows[i].path) : NULL;
        ck_assert_ptr_null(llm_cohere_pass_request(
            &req, rows[i].op, raw, "rerank-v3.5",
            exchange_provider("cohere", rows[i].url), &hide, unit_pool));
        ck_assert_int_eq(hide, 0);
        ck_assert_str_eq(req.path, rows[i].shown);
        for (j = 0; j < req.body_count; ++j) {
            llm_buf_append(out, req.body[j].data, req.body[j].len);
        }
        llm_buf_putc(out, '\0');
        ck_assert_str_eq(out->data, "{ \"x\":1.0, \"x\":\"\\u0000\",\"model\":"
                                    "\"rerank-v3.5\",\"top_n\":9e999}");
    }
}
END_TEST

/* Ranking has no tokens: none is known, and none is guessed. */
START_TEST(ranking_is_billed_by_the_request)
{
    static const char answer[] =
        "{\"id\":\"x\",\"results\":[],\"meta\":{\"billed_units\":"
        "{\"search_units\":1}}}";
    llm_usage_t usage;

    llm_usage_clear(&usage);
    ck_assert(llm_cohere_read_usage(&usage,
                                    exchange_json(answer, sizeof(answer) - 1)));
    ck_assert(llm_usage_is_known(&usage, LLM_CLASS_INPUT));
    ck_assert_int_eq((int)llm_usage_total(&usage), 0);
}
END_TEST

START_TEST(embeddings)
{
    static const char body[] = "{\"model\":\"m\",\"texts\":[\"x\",\"y\"],"
                               "\"input_type\":\"search_query\"}";
    static const char answer[] =
        "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[1.50]},"
        "{\"index\":1,\"embedding\":[2]}],\"usage\":{\"prompt_tokens\":3}}";
    const llm_ask_t *ask = exchange_ask("cohere", LLM_OP_EMBED, body);
    llm_problem_t *problem;
    const llm_json_t *doc;
    const char *written = exchange_write("openai", "cohere", ask, answer,
                                         sizeof(answer) - 1, &problem);

    ck_assert_ptr_nonnull(strstr(written, "\"float\":[[1.50],[2]]"));
    doc = exchange_json(written, strlen(written));
    ck_assert_uint_eq(llm_json_get(doc, "texts")->count, 2);
    ck_assert(llm_json_equals(llm_json_get(doc, "response_type"),
                              "embeddings_by_type"));
    ck_assert_ptr_nonnull(
        llm_json_path(doc, "meta", "billed_units", "input_tokens", NULL));
}
END_TEST

START_TEST(models_and_errors)
{
    apr_array_header_t *names = apr_array_make(unit_pool, 2, sizeof(char *));
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const llm_json_t *doc;

    APR_ARRAY_PUSH(names, const char *) = "smart";
    APR_ARRAY_PUSH(names, const char *) = "a\"b";
    llm_cohere_write_models(out, names, 0, unit_pool);
    doc = llm_json_get(exchange_json(out->data, out->len), "models");
    ck_assert_uint_eq(doc->count, 2);
    ck_assert(llm_json_equals(llm_json_get(doc->child->next, "name"), "a\"b"));
    llm_buf_clear(out);
    llm_cohere_write_problem(out, llm_problem_field(unit_pool, "model", "bad"),
                             "req_1");
    doc = exchange_json(out->data, out->len);
    ck_assert(llm_json_equals(llm_json_get(doc, "id"), "req_1"));
    ck_assert(llm_cohere_is_problem(doc));
    ck_assert(!llm_cohere_is_problem(exchange_json("{\"error\":{}}", 12)));
    llm_buf_clear(out); /* in the client's words */
    llm_cohere_write_problem(
        out,
        llm_problem_renamed(llm_problem_unsupported("top_k", "x", unit_pool),
                            exchange_dialect("cohere")->names, unit_pool),
        "i");
    llm_buf_putc(out, '\0');
    ck_assert_str_eq(out->data, "{\"id\":\"i\",\"message\":\"k: x providers "
                                "cannot do this\"}");
}
END_TEST

Suite *cohere_client_suite(void)
{
    Suite *suite = suite_create("cohere_client");
    TCase *tcase = tcase_create("cohere_client");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, paths_say_what_is_asked);
    tcase_add_test(tcase, bytes_pass_but_for_the_models_name);
    tcase_add_test(tcase, ranking_is_billed_by_the_request);
    tcase_add_test(tcase, embeddings);
    tcase_add_test(tcase, models_and_errors);
    suite_add_tcase(suite, tcase);
    return suite;
}
