/* SPDX-License-Identifier: Apache-2.0 */
/* Azure's addresses: by the version that is asked for, and by the base URL. */
#include <apr_strings.h>
#include <string.h>

#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static const char body[] =
    "{\"model\":\"prod\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

static llm_provider_t *provider_at(const char *url, const char *version)
{
    llm_provider_t *provider = exchange_provider("azure", url);

    provider->api_version = version;
    return provider;
}

/* Path of a chat that is passed to `model`; NULL: refused. */
static const char *chat_path(const char *url, const char *version,
                             const char *model)
{
    llm_provider_t *provider = provider_at(url, version);
    llm_bytes_t raw = {body, sizeof(body) - 1};
    llm_request_t req;
    int hide;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 4);
    ck_assert_ptr_null(provider->dialect->pass_request(
        &req, LLM_OP_CHAT, raw, model, provider, &hide, unit_pool));
    return provider->dialect->place(&req, provider, model, unit_pool)
               ? NULL
               : req.path;
}

static const char *native(const char *url, const char *version,
                          const char *rest)
{
    llm_provider_t *provider = provider_at(url, version);

    return provider->dialect->native_path(provider, rest, unit_pool);
}

#define HOST "https://x.openai.azure.com"

START_TEST(the_version_says_which_api)
{
    ck_assert_str_eq(chat_path(HOST, NULL, "prod"),
                     "/openai/v1/chat/completions");
    ck_assert_str_eq(chat_path(HOST "/", "preview", "prod"),
                     "/openai/v1/chat/completions?api-version=preview");
    ck_assert_str_eq(chat_path(HOST, "2024-10-21", "prod"),
                     "/openai/deployments/prod/chat/completions"
                     "?api-version=2024-10-21");
    ck_assert_str_eq(chat_path(HOST "/openai", "2024-10-21", "prod"),
                     "/openai/deployments/prod/chat/completions"
                     "?api-version=2024-10-21");
}
END_TEST

START_TEST(a_gateway_of_ones_own_comes_before)
{
    ck_assert_str_eq(chat_path("https://apim.example/ai", "2024-10-21", "prod"),
                     "/ai/openai/deployments/prod/chat/completions"
                     "?api-version=2024-10-21");
    ck_assert_str_eq(chat_path("https://apim.example/ai/openai/v1", NULL, "p"),
                     "/ai/openai/v1/chat/completions");
}
END_TEST

START_TEST(a_whole_address_stays)
{
    ck_assert_str_eq(
        chat_path(HOST "/openai/deployments/other", "2024-10-21", "prod"),
        "/openai/deployments/other/chat/completions?api-version=2024-10-21");
    ck_assert_str_eq(chat_path("https://x.services.ai.azure.com/models",
                               "2024-05-01-preview", "Phi-4"),
                     "/models/chat/completions?api-version=2024-05-01-preview");
}
END_TEST

START_TEST(a_deployment_is_one_segment)
{
    ck_assert_ptr_null(chat_path(HOST, "2024-10-21", "a/b"));
    ck_assert_ptr_null(chat_path(HOST, "2024-10-21", ".."));
    ck_assert_ptr_null(chat_path(HOST, "2024-10-21", ""));
    ck_assert_str_eq(chat_path(HOST, "2024-10-21", "a b?c#d"),
                     "/openai/deployments/a%20b%3Fc%23d/chat/completions"
                     "?api-version=2024-10-21");
}
END_TEST

START_TEST(what_is_not_a_deployments_stands_beside_them)
{
    llm_provider_t *provider = provider_at(HOST, "2024-10-21");
    llm_request_t req = {.path = "/openai/v1/responses"};

    ck_assert_ptr_null(
        provider->dialect->place(&req, provider, "prod", unit_pool));
    ck_assert_str_eq(req.path, "/openai/responses?api-version=2024-10-21");
    req.path = "/openai/v1/images/edits";
    ck_assert_ptr_null(
        provider->dialect->place(&req, provider, "prod", unit_pool));
    ck_assert_str_eq(req.path, "/openai/deployments/prod/images/edits"
                               "?api-version=2024-10-21");
}
END_TEST

START_TEST(responses_where_they_are)
{
    const llm_dialect_t *responses = exchange_dialect("openai-responses");
    llm_provider_t *provider = provider_at(HOST, NULL);

    ck_assert_ptr_eq(llm_dialect_for(provider, responses, NULL, LLM_OP_CHAT),
                     responses);
    provider->responses = -1;
    ck_assert_ptr_ne(llm_dialect_for(provider, responses, NULL, LLM_OP_CHAT),
                     responses);
    provider = provider_at(HOST, "2024-10-21");
    ck_assert_ptr_ne(llm_dialect_for(provider, responses, NULL, LLM_OP_CHAT),
                     responses);
    ck_assert_str_eq(llm_dialect_for(provider,
                                     exchange_dialect("openai-completions"),
                                     NULL, LLM_OP_CHAT)
                         ->name,
                     "openai-completions");
    provider->responses = 1;
    ck_assert_ptr_eq(llm_dialect_for(provider, responses, NULL, LLM_OP_CHAT),
                     responses);
}
END_TEST

START_TEST(native_paths_keep_their_version)
{
    ck_assert_str_eq(native(HOST, "2024-10-21",
                            "/openai/deployments/p/chat/completions"
                            "?api-version=2025-01-01-preview"),
                     "/openai/deployments/p/chat/completions"
                     "?api-version=2025-01-01-preview");
    ck_assert_str_eq(native(HOST, "2024-10-21", "/files?a=b"),
                     "/openai/files?a=b&api-version=2024-10-21");
    ck_assert_str_eq(native(HOST, NULL, "/v1/files"), "/openai/v1/files");
    ck_assert_str_eq(
        native("https://apim.example/ai", NULL, "/openai/v1/files"),
        "/ai/openai/v1/files");
}
END_TEST

START_TEST(native_paths_name_the_deployment)
{
    const llm_dialect_t *azure = exchange_dialect("azure");

    ck_assert_str_eq(
        azure->native_model("/openai/deployments/p%20q/embeddings?x", NULL,
                            unit_pool),
        "p q");
    ck_assert_ptr_null(
        azure->native_model("/openai/files?a=/deployments/x", NULL, unit_pool));
    ck_assert_str_eq(azure->native_model("/openai/v1/chat/completions",
                                         exchange_json(body, sizeof(body) - 1),
                                         unit_pool),
                     "prod");
}
END_TEST

Suite *azure_suite(void)
{
    Suite *suite = suite_create("azure");
    TCase *tcase = tcase_create("addresses");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, the_version_says_which_api);
    tcase_add_test(tcase, a_gateway_of_ones_own_comes_before);
    tcase_add_test(tcase, a_whole_address_stays);
    tcase_add_test(tcase, a_deployment_is_one_segment);
    tcase_add_test(tcase, what_is_not_a_deployments_stands_beside_them);
    tcase_add_test(tcase, responses_where_they_are);
    tcase_add_test(tcase, native_paths_keep_their_version);
    tcase_add_test(tcase, native_paths_name_the_deployment);
    suite_add_tcase(suite, tcase);
    return suite;
}
