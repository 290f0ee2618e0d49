/* SPDX-License-Identifier: Apache-2.0 */
/* Service tiers, in each dialect's own words: as they are asked for, and as
 * they are told by who served. */
#include <string.h>

#include <apr_strings.h>

#include "test/unit/dialect/wire.h"
#include "test/unit/unit.h"

/* What a request of the client's says to the provider; "-": nothing. */
static const struct {
    const char *client, *said, *provider, *url, *model, *written;
} asked[] = {
#define OPENAI(tier, provider, url, model, written)                            \
    {                                                                          \
        "openai", "\"service_tier\":\"" tier "\"", provider, url, model,       \
            written                                                            \
    }
    OPENAI("flex", "openai", NULL, "gpt-5", "\"service_tier\":\"flex\""),
    OPENAI("priority", "openai-responses", NULL, "gpt-5",
           "\"service_tier\":\"priority\""),
    OPENAI("priority", "bedrock", NULL, "m",
           "\"serviceTier\":{\"type\":\"priority\"}"),
    OPENAI("scale", "bedrock", NULL, "m",
           "\"serviceTier\":{\"type\":\"reserved\"}"),
    OPENAI("default", "bedrock", NULL, "m", "-"),
    OPENAI("auto", "bedrock", NULL, "m", "-"),
    OPENAI("flex", "gemini", NULL, "gemini-3-pro", "\"serviceTier\":\"flex\""),
    OPENAI("default", "gemini", NULL, "gemini-3-pro", "-"),
    OPENAI("scale", "gemini", NULL, "gemini-3-pro", "dropped service_tier"),
    OPENAI("default", "anthropic", NULL, "claude-sonnet-4-5",
           "\"service_tier\":\"standard_only\""),
    OPENAI("auto", "anthropic", NULL, "claude-sonnet-4-5",
           "\"service_tier\":\"auto\""),
    OPENAI("flex", "anthropic", NULL, "claude-sonnet-4-5",
           "dropped service_tier"),
    OPENAI("priority", "openai", "https://api.groq.com/openai/v1", "gpt-oss",
           "\"service_tier\":\"performance\""),
    OPENAI("default", "openai", "https://api.groq.com/openai/v1", "gpt-oss",
           "\"service_tier\":\"on_demand\""),
    OPENAI("scale", "openai", "https://api.groq.com/openai/v1", "gpt-oss",
           "dropped service_tier"),
    OPENAI("priority", "cohere", NULL, "command-a-03-2025",
           "dropped service_tier"),
    OPENAI("default", "cohere", NULL, "command-a-03-2025", "-"),
#undef OPENAI
    {"anthropic", "\"service_tier\":\"standard_only\"", "openai", NULL, "gpt-5",
     "\"service_tier\":\"default\""},
    {"gemini", "\"serviceTier\":\"priority\"", "bedrock", NULL, "m",
     "\"serviceTier\":{\"type\":\"priority\"}"},
    {"gemini", "\"serviceTier\":\"standard\"", "openai", NULL, "gpt-5",
     "\"service_tier\":\"default\""},
    {"bedrock", "\"serviceTier\":{\"type\":\"flex\"}", "gemini", NULL,
     "gemini-3-pro", "\"serviceTier\":\"flex\""},
    {"bedrock", "\"serviceTier\":{\"type\":\"reserved\"}", "openai", NULL,
     "gpt-5", "\"service_tier\":\"scale\""},
};

static const char *body_of(const char *client, const char *said)
{
    const char *form =
        !strcmp(client, "gemini")
            ? "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":"
              "\"x\"}]}],"
        : !strcmp(client, "bedrock")
            ? "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":"
              "\"x\"}]}],"
            : "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":"
              "\"user\",\"content\":\"x\"}],";

    return apr_pstrcat(unit_pool, form, said, "}", NULL);
}

START_TEST(a_tier_is_asked_for_in_the_providers_words)
{
    llm_provider_t *provider =
        exchange_provider(asked[_i].provider, asked[_i].url);
    const char *found = exchange_request(
        provider,
        exchange_ask(asked[_i].client, LLM_OP_CHAT,
                     body_of(asked[_i].client, asked[_i].said)),
        asked[_i].model);

    if (!strcmp(asked[_i].written, "-")) {
        ck_assert_msg(!strstr(found, "ervice"), "%s", found);
    }
    else {
        ck_assert_msg(strstr(found, asked[_i].written) != NULL, "%s: %s",
                      asked[_i].written, found);
        ck_assert_msg(strstr(found, "dropped") != NULL
                          || !strstr(asked[_i].written, "dropped"),
                      "%s", found);
    }
}
END_TEST

/* At Vertex it is a header. */
START_TEST(a_tier_is_asked_of_vertex_by_a_header)
{
    llm_provider_t *provider = exchange_provider(
        "gemini", "https://aiplatform.googleapis.com/v1/projects/p/locations/"
                  "global/publishers/google");
    llm_request_t req;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 4);
    req.dropped = apr_array_make(unit_pool, 4, sizeof(const char *));
    ck_assert_ptr_null(provider->dialect->write_request(
        &req,
        exchange_ask("openai", LLM_OP_CHAT,
                     body_of("openai", "\"service_tier\":\"flex\"")),
        "gemini-3-pro", provider, unit_pool));
    ck_assert_str_eq(
        apr_table_get(req.headers, "X-Vertex-AI-LLM-Shared-Request-Type"),
        "flex");
    ck_assert_int_eq(req.dropped->nelts, 0);
}
END_TEST

/* ---- answers ---- */

#define CHAT(tier)                                                              \
    "{\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1,\"model\":"     \
    "\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","      \
    "\"content\":\"Hi\"},\"finish_reason\":\"stop\"}],\"service_tier\":\"" tier \
    "\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}"
#define CLAUDE(tier)                                                           \
    "{\"id\":\"a\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"     \
    "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}],"                 \
    "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":1,"              \
    "\"output_tokens\":1,\"service_tier\":\"" tier "\"}}"
#define GEMINI(member)                                                             \
    "{\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\","               \
    "\"parts\":[{\"text\":\"Hi\"}]},\"finishReason\":\"STOP\"}],"                  \
    "\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":1," member \
    "}}"
#define CONVERSE(member)                                                       \
    "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{"          \
    "\"text\":\"Hi\"}]}},\"stopReason\":\"end_turn\",\"usage\":{"              \
    "\"inputTokens\":1,\"outputTokens\":1}," member "}"

/* What the ledger has, and what clients are told; "-": nothing. */
static const struct {
    const char *provider, *answer, *ledger;
    const char *openai, *anthropic, *gemini, *bedrock;
} told[] = {
    {"openai", CHAT("default"), "default", "\"service_tier\":\"default\"",
     "\"service_tier\":\"standard\"", "\"serviceTier\":\"standard\"",
     "\"serviceTier\":{\"type\":\"default\"}"},
    {"openai", CHAT("on_demand"), "on_demand", "\"service_tier\":\"default\"",
     "\"service_tier\":\"standard\"", "\"serviceTier\":\"standard\"",
     "\"serviceTier\":{\"type\":\"default\"}"},
    {"openai", CHAT("flex"), "flex", "\"service_tier\":\"flex\"", "-",
     "\"serviceTier\":\"flex\"", "\"serviceTier\":{\"type\":\"flex\"}"},
    {"anthropic", CLAUDE("priority"), "priority",
     "\"service_tier\":\"priority\"", "\"service_tier\":\"priority\"",
     "\"serviceTier\":\"priority\"", "\"serviceTier\":{\"type\":\"priority\"}"},
    {"anthropic", CLAUDE("batch"), "batch", "-", "\"service_tier\":\"batch\"",
     "-", "-"},
    {"gemini", GEMINI("\"serviceTier\":\"flex\""), "flex",
     "\"service_tier\":\"flex\"", "-", "\"serviceTier\":\"flex\"",
     "\"serviceTier\":{\"type\":\"flex\"}"},
    {"gemini", GEMINI("\"trafficType\":\"PROVISIONED_THROUGHPUT\""),
     "provisioned", "\"service_tier\":\"scale\"", "-", "-",
     "\"serviceTier\":{\"type\":\"reserved\"}"},
    {"gemini", GEMINI("\"trafficType\":\"ON_DEMAND_PRIORITY\""), "priority",
     "\"service_tier\":\"priority\"", "\"service_tier\":\"priority\"",
     "\"serviceTier\":\"priority\"", "\"serviceTier\":{\"type\":\"priority\"}"},
    {"bedrock", CONVERSE("\"serviceTier\":{\"type\":\"priority\"}"), "priority",
     "\"service_tier\":\"priority\"", "\"service_tier\":\"priority\"",
     "\"serviceTier\":\"priority\"", "\"serviceTier\":{\"type\":\"priority\"}"},
    {"bedrock", CONVERSE("\"performanceConfig\":{\"latency\":\"optimized\"}"),
     "optimized", "-", "-", "-", "-"},
};

static void check_told(const char *provider, const char *client,
                       const char *answer, const char *expected)
{
    llm_problem_t *problem;
    const char *found =
        exchange_write(provider, client,
                       wire_ask("{\"model\":\"m\",\"messages\":[{\"role\":"
                                "\"user\",\"content\":\"x\"}]}"),
                       answer, strlen(answer), &problem);

    ck_assert_ptr_nonnull(found);
    ck_assert_msg(!strcmp(expected, "-") ? !strstr(found, "ervice")
                                         : strstr(found, expected) != NULL,
                  "%s to %s: %s", provider, client, found);
}

START_TEST(a_tier_is_told_in_the_clients_words)
{
    const char *answer = told[_i].answer;
    const llm_dialect_t *provider = exchange_dialect(told[_i].provider);

    ck_assert_str_eq(
        provider->read_tier(exchange_json(answer, strlen(answer)), unit_pool),
        told[_i].ledger);
    check_told(provider->name, "openai", answer, told[_i].openai);
    check_told(provider->name, "anthropic", answer, told[_i].anthropic);
    check_told(provider->name, "gemini", answer, told[_i].gemini);
    check_told(provider->name, "bedrock", answer, told[_i].bedrock);
}
END_TEST

Suite *tiers_suite(void)
{
    Suite *suite = suite_create("tiers");
    TCase *words = tcase_create("words");

    tcase_add_checked_fixture(words, unit_pool_open, unit_pool_close);
    tcase_add_loop_test(words, a_tier_is_asked_for_in_the_providers_words, 0,
                        sizeof(asked) / sizeof(*asked));
    tcase_add_test(words, a_tier_is_asked_of_vertex_by_a_header);
    tcase_add_loop_test(words, a_tier_is_told_in_the_clients_words, 0,
                        sizeof(told) / sizeof(*told));
    suite_add_tcase(suite, words);
    return suite;
}
