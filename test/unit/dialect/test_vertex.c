/* SPDX-License-Identifier: Apache-2.0 */
/* Claude on Vertex: what becomes of a body, and of an address. */
#include <apr_strings.h>
#include <string.h>

#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

#define BASE "https://x-aiplatform.googleapis.com/v1/projects/p/locations/l"
#define PATH "/v1/projects/p/locations/l/publishers/anthropic/models/"

/* Path, a blank and the body that a client's bytes become; NULL: refused. */
static const char *passed(const char *body, llm_op_e op, const char *model)
{
    llm_provider_t *provider = exchange_provider("anthropic-vertex", BASE);
    llm_bytes_t raw = {body, strlen(body)};
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_request_t req;
    int hide, i;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 4);
    if (provider->dialect->pass_request(&req, op, raw, model, provider, &hide,
                                        unit_pool)) {
        return NULL;
    }
    llm_buf_printf(out, "%s ", req.path);
    for (i = 0; i < req.body_count; ++i) {
        llm_buf_append(out, req.body[i].data, req.body[i].len);
    }
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

START_TEST(the_model_gives_way_to_the_version)
{
    ck_assert_str_eq(
        passed("{\"model\":\"a\",\"stream\":true}", LLM_OP_CHAT, "c@1"), PATH
        "c@1:streamRawPredict {\"anthropic_version\":\"vertex-2023-10-16\","
        "\"stream\":true}");
    ck_assert_str_eq(
        passed("{\"x\":1, \"model\" : \"a\\\"b\" }", LLM_OP_CHAT, "c"), PATH
        "c:rawPredict {\"x\":1, \"anthropic_version\":\"vertex-2023-10-16\" }");
    ck_assert_str_eq(
        passed("{\"model\":1,\"model\":2}", LLM_OP_CHAT, "c"),
        PATH "c:rawPredict {\"anthropic_version\":\"vertex-2023-10-16\","
             "\"anthropic_version\":\"vertex-2023-10-16\"}");
}
END_TEST

START_TEST(a_count_names_both)
{
    ck_assert_str_eq(passed("{\"model\":\"a\"}", LLM_OP_COUNT, "c"),
                     PATH "count-tokens:rawPredict {\"anthropic_version\":"
                          "\"vertex-2023-10-16\",\"model\":\"c\"}");
    ck_assert_str_eq(
        passed("{\"model\":\"a\",\"anthropic_version\":\"v\"}", LLM_OP_COUNT,
               "c"),
        PATH "count-tokens:rawPredict {\"model\":\"c\",\"anthropic_version\":"
             "\"v\"}");
}
END_TEST

START_TEST(what_cannot_pass)
{
    ck_assert_ptr_null(passed("{}", LLM_OP_CHAT, "c"));
    ck_assert_ptr_null(passed("[]", LLM_OP_CHAT, "c"));
    ck_assert_ptr_null(passed("{\"model\":\"a\"}", LLM_OP_CHAT, "a/b"));
    ck_assert_ptr_null(passed("{\"model\":\"a\"}", LLM_OP_CHAT, ".."));
}
END_TEST

START_TEST(names_with_quotes_in_translated_requests)
{
    llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT,
                                  "{\"model\":\"m\",\"messages\":[{\"role\":"
                                  "\"user\",\"content\":\"hi\"}]}");
    const char *request = exchange_request(
        exchange_provider("anthropic-vertex", BASE "/publishers/anthropic"),
        ask, "a\\\"b");

    ck_assert_str_eq(request, PATH
                     "a%5C%22b:rawPredict\n"
                     "{\"anthropic_version\":\"vertex-2023-10-16\","
                     "\"max_tokens\":4096,\"messages\":[{\"role\":\"user\","
                     "\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}]}\n");
}
END_TEST

START_TEST(native_paths)
{
    llm_provider_t *provider = exchange_provider("anthropic-vertex", BASE);
    static const struct {
        const char *rest, *path;
    } paths[] = {
        {"/publishers/anthropic/models/c:rawPredict", PATH "c:rawPredict"},
        {"/projects/p/locations/l/publishers/anthropic/models/c:rawPredict",
         PATH "c:rawPredict"},
        {PATH "c:rawPredict", PATH "c:rawPredict"},
        /* another project's is not reached */
        {"/projects/q/locations/l/x",
         "/v1/projects/p/locations/l/projects/q/locations/l/x"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(*paths); ++i) {
        ck_assert_str_eq(
            provider->dialect->native_path(provider, paths[i].rest, unit_pool),
            paths[i].path);
    }
    ck_assert_str_eq(
        provider->dialect->native_model(PATH "c@1:rawPredict", NULL, unit_pool),
        "c@1");
    ck_assert_ptr_null(provider->dialect->native_model(
        PATH "count-tokens:rawPredict", NULL, unit_pool));
}
END_TEST

Suite *vertex_suite(void)
{
    Suite *suite = suite_create("vertex");
    TCase *tcase = tcase_create("claude");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, the_model_gives_way_to_the_version);
    tcase_add_test(tcase, a_count_names_both);
    tcase_add_test(tcase, what_cannot_pass);
    tcase_add_test(tcase, names_with_quotes_in_translated_requests);
    tcase_add_test(tcase, native_paths);
    suite_add_tcase(suite, tcase);
    return suite;
}
