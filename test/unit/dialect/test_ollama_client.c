/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that speak Ollama's dialect: paths, requests that pass, prompts,
 * the times an answer took, models. What becomes of each member of a request
 * is in test/vectors/ollama.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/ollama_internal.h"
#include "dialect/limits.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static llm_line_t *line_of(const char *path)
{
    llm_problem_t *problem = NULL;
    llm_line_t *line = NULL;

    if (!llm_ollama_read_line(&line, &problem, path, NULL, unit_pool)) {
        return NULL;
    }
    ck_assert_ptr_null(problem);
    return line;
}

static const char *text_of(const llm_buf_t *out)
{
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

START_TEST(paths_say_what_is_asked)
{
    ck_assert_int_eq(line_of("/api/chat")->op, LLM_OP_CHAT);
    ck_assert_int_eq(line_of("/api/chat")->stream, 1);
    ck_assert_int_eq(line_of("/api/generate")->stream, 1);
    ck_assert_int_eq(line_of("/api/embed")->op, LLM_OP_EMBED);
    ck_assert_int_eq(line_of("/api/embeddings")->op, LLM_OP_EMBED);
    ck_assert_int_eq(line_of("/api/tags")->op, LLM_OP_MODELS);
    ck_assert_int_eq(line_of("/api/show")->posted, 1);
    ck_assert_ptr_nonnull(strstr(line_of("/api/version")->fixed, "version"));
    ck_assert_str_eq(line_of("/api/ps")->fixed, "{\"models\":[]}");
    ck_assert_ptr_null(line_of("/api/chat/"));
    ck_assert_ptr_null(line_of("/api/pull"));
    ck_assert_ptr_null(line_of("/v1/models"));
}
END_TEST

START_TEST(bytes_pass_but_for_the_models_name)
{
    static const char body[] =
        "{ \"x\":1.0, \"x\":\"\\u0000\",\"model\":\"a\",\"prompt\":9e999}";
    static const struct {
        const char *path, *url, *shown;
        llm_op_e op;
    } rows[] = {
        {"/api/generate", NULL, "/api/generate", LLM_OP_CHAT},
        {"/api/chat", "http://h:1/v1", "/api/chat", LLM_OP_CHAT},
        {"/api/embeddings", "http://h/x/api/", "/x/api/embeddings",
         LLM_OP_EMBED},
        {NULL, NULL, "/api/chat", LLM_OP_CHAT},
        {NULL, NULL, "/api/embed", LLM_OP_EMBED},
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
        ck_assert_ptr_null(llm_ollama_pass_request(
            &req, rows[i].op, raw, "llama3:8b",
            exchange_provider("ollama", rows[i].url), &hide, unit_pool));
        ck_assert_int_eq(hide, 0);
        ck_assert_str_eq(req.path, rows[i].shown);
        for (j = 0; j < req.body_count; ++j) {
            llm_buf_append(out, req.body[j].data, req.body[j].len);
        }
        ck_assert_str_eq(text_of(out),
                         "{ \"x\":1.0, \"x\":\"\\u0000\",\"model\":"
                         "\"llama3:8b\",\"prompt\":9e999}");
    }
}
END_TEST

START_TEST(streaming_is_the_default)
{
    static const char said[] = "{\"model\":\"m\",\"prompt\":\"x\"%s}";

    ck_assert_int_eq(
        exchange_ask("ollama", LLM_OP_CHAT, apr_psprintf(unit_pool, said, ""))
            ->stream,
        1);
    ck_assert_int_eq(
        exchange_ask("ollama", LLM_OP_CHAT,
                     apr_psprintf(unit_pool, said, ",\"stream\":null"))
            ->stream,
        1);
    ck_assert_int_eq(
        exchange_ask("ollama", LLM_OP_CHAT,
                     apr_psprintf(unit_pool, said, ",\"stream\":false"))
            ->stream,
        0);
}
END_TEST

static const char chunks[] =
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
    "{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n"
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
    "{},\"finish_reason\":\"length\"}]}\n\n"
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[],\"usage\":"
    "{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";

/* A prompt is answered by `response`, and with the times it took. */
START_TEST(a_prompt_is_answered_in_its_form)
{
    static const char body[] = "{\"model\":\"m\",\"prompt\":\"x\"}";
    llm_ask_t *ask = exchange_ask("ollama", LLM_OP_CHAT, body);
    apr_time_t now = 5000;
    cuts_t whole = {0, 0};

    ask->began = 2000;
    ask->clock = &now;
    ck_assert_str_eq(
        exchange_write_stream("openai", "ollama", ask, chunks,
                              sizeof(chunks) - 1, whole),
        "{\"model\":\"m\",\"created_at\":\"1970-01-01T00:00:01Z\","
        "\"response\":\"Hi\",\"done\":false}\n"
        "{\"model\":\"m\",\"created_at\":\"1970-01-01T00:00:01Z\","
        "\"response\":\"\",\"done\":true,\"done_reason\":\"length\","
        "\"total_duration\":3000000,\"load_duration\":0,"
        "\"prompt_eval_duration\":3000000,\"eval_duration\":0,"
        "\"prompt_eval_count\":7,\"eval_count\":2}\n");
}
END_TEST

/* The older API for embeddings: one text, one vector, nothing else. */
START_TEST(the_older_embeddings)
{
    static const char body[] = "{\"model\":\"m\",\"prompt\":\"x\"}";
    static const char answer[] =
        "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[1.50,2]}],"
        "\"usage\":{\"prompt_tokens\":3}}";
    const llm_ask_t *ask = exchange_ask("ollama", LLM_OP_EMBED, body);
    llm_problem_t *problem;

    ck_assert_str_eq(exchange_write("openai", "ollama", ask, answer,
                                    sizeof(answer) - 1, &problem),
                     "{\"embedding\":[1.50,2]}");
}
END_TEST

START_TEST(models_and_errors)
{
    apr_array_header_t *names = apr_array_make(unit_pool, 2, sizeof(char *));
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const llm_json_t *doc;

    APR_ARRAY_PUSH(names, const char *) = "smart";
    APR_ARRAY_PUSH(names, const char *) = "a\"b";
    llm_ollama_write_models(out, names, 0, unit_pool);
    doc = llm_json_get(exchange_json(out->data, out->len), "models");
    ck_assert_uint_eq(doc->count, 2);
    ck_assert(llm_json_equals(llm_json_get(doc->child, "model"), "smart"));
    ck_assert(llm_json_equals(llm_json_get(doc->child->next, "name"), "a\"b"));
    llm_buf_clear(out);
    llm_ollama_write_model(out, "smart", 0, unit_pool);
    doc = exchange_json(out->data, out->len);
    ck_assert(llm_json_is(llm_json_get(doc, "capabilities"), LLM_JSON_ARRAY));
    llm_buf_clear(out);
    llm_ollama_write_problem(out, llm_problem_field(unit_pool, "model", "bad"),
                             "id");
    doc = exchange_json(out->data, out->len);
    ck_assert(llm_ollama_is_problem(doc));
    ck_assert(!llm_ollama_is_problem(exchange_json("{\"error\":{}}", 12)));
    llm_buf_clear(out); /* in the client's words */
    llm_ollama_write_problem(
        out,
        llm_problem_renamed(
            llm_problem_unsupported("top_k", "\"x\"", unit_pool),
            exchange_dialect("ollama")->names, unit_pool),
        "id");
    ck_assert_str_eq(
        text_of(out),
        "{\"error\":\"options.top_k: \\\"x\\\" providers cannot do "
        "this\"}");
}
END_TEST

Suite *ollama_client_suite(void)
{
    Suite *suite = suite_create("ollama_client");
    TCase *tcase = tcase_create("ollama_client");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, paths_say_what_is_asked);
    tcase_add_test(tcase, bytes_pass_but_for_the_models_name);
    tcase_add_test(tcase, streaming_is_the_default);
    tcase_add_test(tcase, a_prompt_is_answered_in_its_form);
    tcase_add_test(tcase, the_older_embeddings);
    tcase_add_test(tcase, models_and_errors);
    suite_add_tcase(suite, tcase);
    return suite;
}
