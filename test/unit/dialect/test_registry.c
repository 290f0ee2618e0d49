/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of dialects, and the addresses of providers. */
#include <string.h>

#include "dialect/openai_internal.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

/* ---- dialects ---- */

START_TEST(dialects_are_found_by_name)
{
    apr_size_t count, i;
    const llm_dialect_t *const *all = llm_dialect_all(&count);

    ck_assert_uint_gt(count, 0);
    for (i = 0; i < count; ++i) {
        ck_assert_ptr_eq(llm_dialect_find(all[i]->name), all[i]);
        ck_assert(!i || strcmp(all[i - 1]->name, all[i]->name) < 0);
    }
    ck_assert_ptr_null(llm_dialect_find("OpenAI"));
    ck_assert_ptr_null(llm_dialect_find(""));
}
END_TEST

START_TEST(names_are_told_by_side)
{
    const char *clients = llm_dialect_names(1, unit_pool);
    const char *providers = llm_dialect_names(2, unit_pool);

    ck_assert_str_eq(
        clients, "anthropic, bedrock, cohere, gemini, mistral, ollama, openai, "
                 "openai-completions, openai-responses");
    ck_assert_ptr_nonnull(strstr(
        providers, "anthropic, anthropic-vertex, azure, bedrock, cohere"));
    ck_assert_ptr_nonnull(strstr(providers, "huggingface-inference, ollama"));
}
END_TEST

/* What a dialect offers hangs together. */
START_TEST(records_are_whole)
{
    apr_size_t count, i;
    const llm_dialect_t *const *all = llm_dialect_all(&count);

    for (i = 0; i < count; ++i) {
        const llm_dialect_t *dialect = all[i];

        if (dialect->client_ops) {
            ck_assert(dialect->read_request && dialect->write_response
                      && dialect->writer_make && dialect->write_delta
                      && dialect->write_problem
                      && dialect->write_stream_problem);
        }
        if (dialect->provider_ops) {
            ck_assert(dialect->write_request && dialect->read_response
                      && dialect->read_usage && dialect->read_problem
                      && dialect->secret_header);
        }
        ck_assert(!dialect->reader_make
                  || (dialect->read_event && dialect->reader_end));
        ck_assert(!dialect->pass_ops
                  || (dialect->speaks && dialect->pass_request));
    }
}
END_TEST

START_TEST(same_dialect_passes)
{
    const llm_dialect_t *openai = exchange_dialect("openai");
    const llm_dialect_t *anthropic = exchange_dialect("anthropic");

    ck_assert(llm_dialect_passes(openai, openai, LLM_OP_CHAT));
    ck_assert(llm_dialect_passes(openai, openai, LLM_OP_EMBED));
    ck_assert(llm_dialect_passes(anthropic, anthropic, LLM_OP_CHAT));
    ck_assert(!llm_dialect_passes(openai, anthropic, LLM_OP_CHAT));
    ck_assert(!llm_dialect_passes(anthropic, openai, LLM_OP_CHAT));
    ck_assert(!llm_dialect_passes(anthropic, anthropic, LLM_OP_EMBED));
}
END_TEST

/* ---- addresses ---- */

START_TEST(base_addresses)
{
    static const struct {
        const char *dialect, *url, *scheme, *host;
        int port;
        const char *base;
    } rows[] = {
        {"openai", "https://api.openai.com", "https", "api.openai.com", 443,
         "/v1"},
        {"openai", "https://api.openai.com/", "https", "api.openai.com", 443,
         "/v1"},
        {"openai", "http://127.0.0.1:8000/v1/", "http", "127.0.0.1", 8000,
         "/v1"},
        {"openai", "https://x.test/openai/v2//", "https", "x.test", 443,
         "/openai/v2"},
        {"openai", "http://[::1]:9000/v1", "http", "::1", 9000, "/v1"},
        {"anthropic", "https://api.anthropic.com", "https", "api.anthropic.com",
         443, ""},
        {"anthropic", "http://h/v1", "http", "h", 80, "/v1"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_provider_t *provider =
            exchange_provider(rows[i].dialect, rows[i].url);

        ck_assert_str_eq(provider->scheme, rows[i].scheme);
        ck_assert_str_eq(provider->host, rows[i].host);
        ck_assert_int_eq(provider->port, rows[i].port);
        ck_assert_str_eq(provider->base_path, rows[i].base);
    }
}
END_TEST

START_TEST(wrong_addresses)
{
    static const struct {
        const char *url, *said;
    } rows[] = {
        {"", "http"},
        {"api.openai.com", "http"},
        {"ftp://x.test", "http"},
        {"https://", "host"},
        {"https://user:secret@x.test", "LLMKey"},
        {"https://x.test/v1?key=1", "query"},
        {"https://x.test/v1#a", "fragment"},
        {"https://x.test:0/", "port"},
        {"https://x.test:99999/", "port"},
    };
    llm_provider_t *provider = exchange_provider("openai", NULL);
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *wrong =
            llm_provider_set_url(provider, rows[i].url, unit_pool);

        ck_assert_msg(wrong != NULL, "%s was taken", rows[i].url);
        ck_assert_msg(strstr(wrong, rows[i].said) != NULL, "%s: %s",
                      rows[i].url, wrong);
        ck_assert_msg(!strstr(wrong, "secret"), "%s", wrong);
    }
}
END_TEST

START_TEST(paths)
{
    const llm_provider_t *bare =
        exchange_provider("anthropic", "https://x.test");
    const llm_provider_t *versioned =
        exchange_provider("anthropic", "https://x.test/proxy/v1");

    ck_assert_str_eq(llm_provider_path(bare, "/v1/messages", unit_pool),
                     "/v1/messages");
    ck_assert_str_eq(llm_provider_path(versioned, "/v1/messages", unit_pool),
                     "/proxy/v1/messages");
    ck_assert_str_eq(llm_provider_path(versioned, "/v10/x", unit_pool),
                     "/proxy/v1/v10/x");
    ck_assert_str_eq(llm_openai_path(bare, "/chat/completions", unit_pool),
                     "/v1/chat/completions");
    ck_assert_str_eq(llm_openai_path(exchange_provider("openai", NULL),
                                     "/embeddings", unit_pool),
                     "/v1/embeddings");
}
END_TEST

START_TEST(native_paths)
{
    static const struct {
        const char *url, *rest, *path;
    } rows[] = {
        {"https://x.test/v1", "/v1/files?limit=2", "/v1/files?limit=2"},
        {"https://x.test/v1", "/files", "/v1/files"},
        {"https://x.test/v1", "/v1", "/v1"},
        {"https://x.test/v1", "/v1beta/x", "/v1/v1beta/x"},
        {"https://x.test/v1", "/v1?x", "/v1?x"},
        {"https://x.test/a/b", "/a/b/c", "/a/b/c"},
        {"https://x.test/a/b", "/c", "/a/b/c"},
        {"https://x.test/a/b", "/b/c", "/a/b/b/c"},
        {"https://x.test/openai/v1", "/v1/models", "/openai/v1/models"},
        {"https://x.test/openai/v1", "/v1?a=b", "/openai/v1?a=b"},
        {"https://x.test/openai/v1", "/v1", "/openai/v1"},
        {"https://x.test/openai/v1", "/v1beta/x", "/openai/v1/v1beta/x"},
        {"https://x.test/openai/v1", "/openai/v1/x", "/openai/v1/x"},
        {"https://x.test/a/vendor", "/vendor/x", "/a/vendor/vendor/x"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            llm_dialect_native_path(exchange_provider("openai", rows[i].url),
                                    rows[i].rest, unit_pool),
            rows[i].path);
    }
}
END_TEST

Suite *registry_suite(void)
{
    Suite *suite = suite_create("registry");
    TCase *dialects = tcase_create("dialects");
    TCase *addresses = tcase_create("addresses");

    tcase_add_checked_fixture(dialects, unit_pool_open, unit_pool_close);
    tcase_add_test(dialects, dialects_are_found_by_name);
    tcase_add_test(dialects, names_are_told_by_side);
    tcase_add_test(dialects, records_are_whole);
    tcase_add_test(dialects, same_dialect_passes);
    suite_add_tcase(suite, dialects);
    tcase_add_checked_fixture(addresses, unit_pool_open, unit_pool_close);
    tcase_add_test(addresses, base_addresses);
    tcase_add_test(addresses, wrong_addresses);
    tcase_add_test(addresses, paths);
    tcase_add_test(addresses, native_paths);
    suite_add_tcase(suite, addresses);
    return suite;
}
