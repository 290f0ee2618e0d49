/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers of OpenAI's dialect with habits: how one is known, what a translated
 * request says to it, what it answers; and the docs, which list exactly the
 * servers that are known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "dialect/openai_internal.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

/* ---- who is who ---- */

static llm_provider_t *at(const char *profile)
{
    llm_provider_t *provider =
        exchange_provider("openai", "http://127.0.0.1:9/v1");

    provider->profile = llm_profile_find(profile);
    ck_assert_ptr_nonnull(provider->profile);
    return provider;
}

START_TEST(servers_are_known_by_their_hosts)
{
    static const char *const rows[][2] = {
        {"api.mistral.ai", "mistral"},
        {"API.Groq.com", "groq"},
        {"eu.openai.azure.com", "azure"},
        {"adb-1.2.azuredatabricks.net", "databricks"},
        {"api.deepseek.com", "deepseek"},
        {"api.x.ai", "xai"},
        {"openrouter.ai", "openrouter"},
        {NULL, NULL},
    };
    int i;

    for (i = 0; rows[i][0]; ++i) {
        const llm_profile_t *profile = llm_profile_of_host(rows[i][0]);

        ck_assert_msg(profile != NULL, "%s is nobody's", rows[i][0]);
        ck_assert_str_eq(profile->name, rows[i][1]);
    }
    ck_assert_ptr_null(llm_profile_of_host("notapi.mistral.ai.evil.test"));
    ck_assert_ptr_null(llm_profile_of_host("fakeopenrouter.ai"));
    ck_assert_ptr_null(llm_profile_of_host(NULL));
}
END_TEST

START_TEST(the_table_is_whole)
{
    apr_size_t count, i;
    const llm_profile_t *const *all = llm_profile_all(&count);

    for (i = 0; i < count; ++i) {
        const llm_profile_t *profile = all[i];
        llm_provider_t provider = {.name = "p"};

        ck_assert(!i || strcmp(all[i - 1]->name, profile->name) < 0);
        ck_assert_ptr_eq(llm_profile_find(profile->name), profile);
        ck_assert(profile->title && *profile->title);
        provider.dialect = exchange_dialect(profile->dialect);
        if (profile->url) {
            ck_assert_ptr_null(
                llm_provider_set_url(&provider, profile->url, unit_pool));
            ck_assert_msg(profile->hosts != NULL, "%s", profile->name);
            ck_assert_str_eq(llm_profile_of(&provider)->name, profile->name);
        }
    }
    ck_assert_ptr_null(llm_profile_find("nobody"));
}
END_TEST

START_TEST(a_known_host_needs_no_path)
{
    ck_assert_str_eq(
        exchange_provider("openai", "https://api.groq.com")->base_path,
        "/openai/v1");
    ck_assert_str_eq(
        exchange_provider("openai", "https://api.perplexity.ai/")->base_path,
        "");
    ck_assert_str_eq(
        exchange_provider("openai", "https://api.z.ai/other")->base_path,
        "/other");
    ck_assert_str_eq(
        exchange_provider("anthropic", "https://api.z.ai")->base_path, "");
}
END_TEST

START_TEST(efforts_are_the_nearest_there_is)
{
    static const char *const rows[][3] = {
        {"low high", "low", "low"},   {"low high", "medium", "low"},
        {"low high", "max", "high"},  {"low high", "minimal", "low"},
        {"none high", "low", "high"}, {"none high", "none", "none"},
        {"low high", "none", NULL},   {"none default", "high", "default"},
        {"", "high", NULL},           {"low high", "odd", NULL},
        {NULL, "odd", "odd"},         {"low high max", "xhigh", "high"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *found =
            llm_profile_effort(rows[i][0], rows[i][1], unit_pool);

        ck_assert_msg(rows[i][2] ? found && !strcmp(found, rows[i][2]) : !found,
                      "%s of %s: %s", rows[i][1], rows[i][0],
                      found ? found : "none");
    }
}
END_TEST

/* ---- translated ---- */

#define TOOL(name) "{\"name\":\"" name "\",\"input_schema\":{}}"
#define ONE_TOOL   "\"tools\":[" TOOL("f") "]"
#define TWO_TOOLS  "\"tools\":[" TOOL("f") "," TOOL("g") "]"

/* What a client of Anthropic's dialect asks, and what the server gets of it:
 * a text that is there, one that is not, or what is refused. */
static const struct {
    const char *profile, *model, *asked, *there, *absent;
} translated[] = {
    {"mistral", "mistral-large",
     "\"tool_choice\":{\"type\":\"any\"}," TWO_TOOLS, "\"tool_choice\":\"any\"",
     "required"},
    {"mistral", "mistral-large", "\"metadata\":{\"user_id\":\"u\"}",
     "dropped user", "\"user\":"},
    {"mistral", "mistral-large", "\"top_k\":5",
     "refused top_k: Mistral providers", NULL},
    {"mistral", "mistral-large", "\"safe_prompt\":true", "\"safe_prompt\":true",
     NULL},
    {"mistral", "mistral-large", "\"stream\":true", "\"stream\":true",
     "stream_options"},
    {"groq", "llama-3.3-70b", "\"top_k\":5", "refused top_k", NULL},
    {"groq", "qwen/qwen3-32b",
     "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
     "\"reasoning_format\":\"parsed\",\"reasoning_effort\":\"default\"", NULL},
    {"groq", "openai/gpt-oss-20b",
     "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
     "\"reasoning_effort\":\"low\"", "reasoning_format"},
    {"deepseek", "deepseek-chat",
     "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
     "\"thinking\":{\"type\":\"enabled\"},\"reasoning_effort\":\"low\"", NULL},
    {"deepseek", "deepseek-chat", "\"thinking\":{\"type\":\"disabled\"}",
     "\"thinking\":{\"type\":\"disabled\"}", "reasoning_effort"},
    {"openrouter", "anthropic/claude-sonnet-4.5",
     "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
     "\"reasoning\":{\"max_tokens\":1024}", "reasoning_effort"},
    {"dashscope", "qwen-plus",
     "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
     "\"enable_thinking\":true,\"thinking_budget\":1024", NULL},
    {"dashscope", "qwen-plus", "\"tool_choice\":{\"type\":\"any\"}," ONE_TOOL,
     "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}",
     NULL},
    {"dashscope", "qwen-plus", "\"tool_choice\":{\"type\":\"any\"}," TWO_TOOLS,
     "refused tool_choice: ", NULL},
    {"lmstudio", "m",
     "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}," ONE_TOOL,
     "\"tool_choice\":\"required\"", NULL},
    {"zai", "glm-4.6", "\"tool_choice\":{\"type\":\"none\"}," ONE_TOOL,
     "\"model\":\"glm-4.6\"", "tools"},
    {"zai", "glm-4.6", "\"tool_choice\":{\"type\":\"any\"}," ONE_TOOL,
     "refused tool_choice: ", NULL},
    {"xai", "grok-4", "\"stop_sequences\":[\"x\"]",
     "refused stop: xAI providers", NULL},
    {"xai", "grok-3", "\"stop_sequences\":[\"x\"]", "\"stop\":[\"x\"]", NULL},
    {"xai", "grok-4-fast-non-reasoning", "\"stop_sequences\":[\"x\"]",
     "\"stop\":[\"x\"]", NULL},
    {"xai", "grok-3-mini",
     "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
     "\"reasoning_effort\":\"low\"", NULL},
    {"xai", "grok-4",
     "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}",
     "dropped thinking", "reasoning_effort"},
    {"perplexity", "sonar", ONE_TOOL, "refused tools: Perplexity", NULL},
    {"minimax", "MiniMax-M2", "\"max_tokens\":1", "\"reasoning_split\":true",
     NULL},
    {"vllm", "m", "\"top_k\":5,\"min_p\":0.1", "\"min_p\":0.1", NULL},
    {"generic", "m", "\"min_p\":0.1", "refused min_p", NULL},
    /* forms of an answer */
    {"deepseek", "deepseek-chat",
     "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{"
     "\"type\":\"object\",\"title\":\"T\"}}}",
     "{\"role\":\"system\",\"content\":\"Answer with a JSON object and nothing "
     "else. It has to be valid by this JSON Schema:\\n{\\\"type\\\":\\\"object"
     "\\\",\\\"title\\\":\\\"T\\\"}\"}",
     "json_schema\""},
    {"groq", "openai/gpt-oss-20b",
     "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{"
     "\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}}}",
     "\"strict\":true,\"schema\":{", "Answer with"},
    {"groq", "openai/gpt-oss-20b",
     "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{"
     "\"type\":\"object\"}}}",
     "{\"name\":\"answer\",\"schema\":{", "strict"},
    {"groq", "openai/gpt-oss-20b",
     ONE_TOOL ",\"output_config\":{\"format\":{\"type\":"
              "\"json_schema\",\"schema\":{\"type\":\"object\"}}}",
     "refused response_format: this model", NULL},
};

START_TEST(servers_get_what_they_take)
{
    apr_size_t i;

    for (i = 0; i < sizeof(translated) / sizeof(*translated); ++i) {
        const char *body = apr_pstrcat(
            unit_pool,
            "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\","
            "\"content\":\"a\"}],",
            translated[i].asked, "}", NULL);
        const char *found = exchange_request(
            at(translated[i].profile),
            exchange_ask("anthropic", LLM_OP_CHAT, body), translated[i].model);

        ck_assert_msg(strstr(found, translated[i].there) != NULL,
                      "%s, %s: no %s in %s", translated[i].profile,
                      translated[i].asked, translated[i].there, found);
        ck_assert_msg(!translated[i].absent
                          || !strstr(found, translated[i].absent),
                      "%s, %s: %s in %s", translated[i].profile,
                      translated[i].asked, translated[i].absent, found);
    }
}
END_TEST

START_TEST(films_go_to_servers_that_may_take_them)
{
    static const char body[] =
        "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{"
        "\"mimeType\":\"video/mp4\",\"data\":\"AAAA\"}}]}]}";
    const char *found = exchange_request(
        at("vllm"), exchange_ask("gemini", LLM_OP_CHAT, body), "m");

    ck_assert_msg(strstr(found, "[{\"type\":\"video_url\",\"video_url\":{"
                                "\"url\":\"data:video/mp4;base64,AAAA\"}}]")
                      != NULL,
                  "%s", found);
    found = exchange_request(at("azure"),
                             exchange_ask("gemini", LLM_OP_CHAT, body), "m");
    ck_assert_msg(strstr(found, "refused") != NULL, "%s", found);
}
END_TEST

START_TEST(an_embedding_is_asked_of_mistral_in_its_words)
{
    const char *found = exchange_request(
        at("mistral"),
        exchange_ask("openai", LLM_OP_EMBED,
                     "{\"model\":\"e\",\"input\":\"a\",\"dimensions\":256,"
                     "\"user\":\"u\"}"),
        "mistral-embed");

    ck_assert_msg(strstr(found, "\"input\":\"a\",\"output_dimension\":256}")
                      != NULL,
                  "%s", found);
    ck_assert_msg(strstr(found, "dropped user") != NULL, "%s", found);
}
END_TEST

START_TEST(sides_take_turns_where_they_have_to)
{
    const char *found = exchange_request(
        at("perplexity"),
        exchange_ask("openai-responses", LLM_OP_CHAT,
                     "{\"model\":\"m\",\"input\":[{\"role\":\"user\","
                     "\"content\":\"a\"},{\"role\":\"user\",\"content\":"
                     "\"b\"},{\"role\":\"assistant\",\"content\":\"c\"},{"
                     "\"role\":\"user\",\"content\":\"d\"}]}"),
        "sonar");

    ck_assert_msg(strstr(found, "[{\"role\":\"user\",\"content\":\"a\\nb\"},{"
                                "\"role\":\"assistant\",\"content\":\"c\"},{"
                                "\"role\":\"user\",\"content\":\"d\"}]")
                      != NULL,
                  "%s", found);
}
END_TEST

/* ---- histories ---- */

static const char *messages_at(const char *profile, const char *messages)
{
    const char *body = apr_pstrcat(
        unit_pool, "{\"model\":\"m\",\"max_tokens\":5,\"messages\":", messages,
        "}", NULL);
    const char *found = exchange_request(
        at(profile), exchange_ask("anthropic", LLM_OP_CHAT, body),
        !strcmp(profile, "mistral") ? "magistral-small" : "m");
    const char *begin = strstr(found, "\"messages\":");

    ck_assert_msg(begin != NULL, "%s", found);
    return begin + 11;
}

static const char history[] =
    "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
    "\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":"
    "\"s\"},{\"type\":\"tool_use\",\"id\":\"toolu_01A\",\"name\":\"f\","
    "\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":"
    "\"tool_result\",\"tool_use_id\":\"toolu_01A\",\"content\":\"r\"},{"
    "\"type\":\"text\",\"text\":\"b\"}]}]";

START_TEST(a_history_reaches_mistral_in_its_form)
{
    const char *found = messages_at("mistral", history);
    const char *id = strstr(found, "\"id\":\""), *answered;

    ck_assert_ptr_nonnull(strstr(
        found, "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
               "\"thinking\":[{\"type\":\"text\",\"text\":\"t\"}]}],"
               "\"tool_calls\":["));
    ck_assert_ptr_nonnull(strstr(
        found, "\"content\":\"r\"},{\"role\":\"assistant\",\"content\":\"OK\"},"
               "{\"role\":\"user\",\"content\":\"b\"}]"));
    answered = strstr(found, "\"tool_call_id\":\"");
    ck_assert(id && answered);
    ck_assert_int_eq(strncmp(id + 6, answered + 16, 10), 0);
    ck_assert_uint_eq(strspn(id + 6, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "abcdefghijklmnopqrstuvwxyz"),
                      9);
}
END_TEST

START_TEST(mistral_gets_system_messages_in_front_and_goes_on)
{
    llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
        "{\"role\":\"assistant\",\"content\":\"b\"},{\"role\":\"developer\","
        "\"content\":\"c\"},{\"role\":\"user\",\"content\":\"d\"},{\"role\":"
        "\"assistant\",\"content\":\"e\"}],\"seed\":4}");
    const char *found = exchange_request(at("mistral"), ask, "m");

    ck_assert_ptr_nonnull(strstr(
        found, "[{\"role\":\"system\",\"content\":\"c\"},{\"role\":\"user\","
               "\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\"},{"
               "\"role\":\"user\",\"content\":\"d\"},{\"role\":\"assistant\","
               "\"content\":\"e\",\"prefix\":true}],\"random_seed\":4"));
}
END_TEST

START_TEST(calls_have_reasoning_where_they_need_it)
{
    ck_assert_ptr_nonnull(strstr(messages_at("deepseek", history),
                                 "\"reasoning_content\":\"t\""));
    ck_assert_ptr_nonnull(strstr(
        messages_at("deepseek",
                    "[{\"role\":\"user\",\"content\":\"a\"},{\"role\":"
                    "\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
                    "\"x\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\","
                    "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
                    "\"x\",\"content\":\"r\"}]}]"),
        "\"reasoning_content\":\" \""));
    ck_assert_ptr_nonnull(
        strstr(messages_at("databricks", history),
               "\"content\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":"
               "\"summary_text\",\"text\":\"t\",\"signature\":\"s\"}]}]"));
}
END_TEST

START_TEST(usage_is_asked_where_it_was_said)
{
    llm_provider_t *provider = at("mistral");
    llm_ask_t *ask = exchange_ask("anthropic", LLM_OP_CHAT,
                                  "{\"model\":\"m\",\"max_tokens\":5,"
                                  "\"stream\":true,\"messages\":[{\"role\":"
                                  "\"user\",\"content\":\"a\"}]}");

    provider->ask_usage = 2;
    ck_assert_ptr_nonnull(
        strstr(exchange_request(provider, ask, "m"), "include_usage"));
    provider->ask_usage = 1;
    ck_assert_ptr_null(
        strstr(exchange_request(provider, ask, "m"), "include_usage"));
}
END_TEST

/* ---- read ---- */

START_TEST(pieces_with_ids_of_their_own_are_one_call)
{
    static const char stream[] =
        "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"
        "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"one\",\"function\":{"
        "\"name\":\"f\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{"
        "\"index\":0,\"id\":\"two\",\"function\":{\"name\":\"\",\"arguments\":"
        "\":1}\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
        "\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
    cuts_t whole = {0, 0};
    llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");

    ck_assert_ptr_nonnull(
        strstr(exchange_show(exchange_read_stream("openai", ask, stream,
                                                  strlen(stream), whole)),
               "call 0 one f {\"a\":1}\n"));
}
END_TEST

START_TEST(databricks_thoughts_are_thoughts)
{
    static const char answer[] =
        "{\"id\":\"a\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
        "\"assistant\",\"content\":[{\"type\":\"reasoning\",\"summary\":[{"
        "\"type\":\"summary_text\",\"text\":\"hm\",\"signature\":\"sig\"}]},{"
        "\"type\":\"text\",\"text\":\"yes\"}]},\"finish_reason\":\"stop\"}]}";
    static const char stream[] =
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{\"content\":["
        "{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\","
        "\"text\":\"hm\"}]}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":"
        "\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"\","
        "\"signature\":\"sig\"}]}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"yes\"},"
        "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    static const char expected[] =
        "thinking 0 \"hm\"\nsignature 0 sig\ntext 0 \"yes\"\nfinish 0 stop\n";
    cuts_t whole = {0, 0};
    llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    const char *found =
        exchange_show(exchange_read("openai", ask, answer, strlen(answer)));

    ck_assert_msg(!strncmp(found, expected, strlen(expected)), "%s", found);
    found = exchange_show(
        exchange_read_stream("openai", ask, stream, strlen(stream), whole));
    ck_assert_msg(!strncmp(found, expected, strlen(expected)), "%s", found);
}
END_TEST

/* xAI: the total has what completion_tokens leave out. */
START_TEST(thinking_beside_the_completion_is_counted)
{
    static const char answer[] =
        "{\"id\":\"a\",\"choices\":[{\"message\":{\"content\":\"x\"},"
        "\"finish_reason\":\"\"}],\"usage\":{\"prompt_tokens\":20,"
        "\"completion_tokens\":5,\"total_tokens\":325,"
        "\"prompt_tokens_details\":{\"cached_tokens\":8},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":300}}}";
    llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT,
                                  "{\"model\":\"m\",\"messages\":[{\"role\":"
                                  "\"user\",\"content\":\"a\"}]}");

    ck_assert_ptr_nonnull(strstr(
        exchange_show(exchange_read("openai", ask, answer, strlen(answer))),
        "usage input=12 cache_read=8 output=5 reasoning=300"));
}
END_TEST

START_TEST(legacy_functions_are_refused_by_their_name)
{
    llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
        "\"a\"}],\"functions\":[{\"name\":\"f\"}]}");

    ck_assert_ptr_nonnull(strstr(exchange_request(at("perplexity"), ask, "m"),
                                 "refused functions: Perplexity"));
}
END_TEST

START_TEST(an_error_of_minimax_is_one)
{
    static const char answer[] =
        "{\"id\":\"a\",\"choices\":null,\"base_resp\":{\"status_code\":1002,"
        "\"status_msg\":\"rate limit\"}}";
    llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    const answer_t *found =
        exchange_read("openai", ask, answer, strlen(answer));

    ck_assert_ptr_nonnull(found->problem);
    ck_assert_int_eq(found->problem->status, 429);
    ck_assert_str_eq(found->problem->message, "rate limit");
}
END_TEST

/* ---- the docs ---- */

static const char *read_docs(void)
{
    const char *path =
        LLMGW_TEST_SRCDIR "/../mod_llm_gateway/docs/providers.md";
    FILE *file = fopen(path, "r");
    char *text = apr_pcalloc(unit_pool, 1 << 18);

    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_uint_gt(fread(text, 1, (1 << 18) - 1, file), 0);
    fclose(file);
    return text;
}

START_TEST(the_docs_list_the_servers)
{
    const char *docs = read_docs();
    const char *table = strstr(docs, "### Servers compatible with OpenAI's");
    const char *end, *row;
    apr_size_t count, i, rows = 0;
    const llm_profile_t *const *all = llm_profile_all(&count);
    const llm_dialect_t *const *dialects;

    ck_assert_ptr_nonnull(table);
    end = strstr(table, "\nLabels are");
    ck_assert_ptr_nonnull(end);
    for (i = 0; i < count; ++i) {
        const char *wanted = apr_pstrcat(
            unit_pool, "\n| `", all[i]->name, "` | ", all[i]->title, " | ",
            all[i]->url ? apr_pstrcat(unit_pool, "`", all[i]->url, "` | ", NULL)
                        : "| ",
            NULL);

        ck_assert_msg(strstr(table, wanted) != NULL, "no row%s", wanted);
    }
    for (row = strstr(table, "\n| `"); row && row < end;
         row = strstr(row + 1, "\n| `")) {
        ++rows;
    }
    ck_assert_uint_eq(rows, count);
    dialects = llm_dialect_all(&count);
    for (i = 0; i < count; ++i) {
        const char *name = dialects[i]->name;

        if (!dialects[i]->provider_ops || llm_profile_find(name)) {
            continue;
        }
        row = strstr(docs, apr_pstrcat(unit_pool, "\n| `", name, "` | ", NULL));
        ck_assert_msg(row != NULL, "no row for the dialect %s", name);
        ck_assert_msg(!dialects[i]->default_url
                          || (strstr(row, dialects[i]->default_url)
                              && strstr(row, dialects[i]->default_url)
                                     < strchr(row + 1, '\n')),
                      "%s is not at %s", name, dialects[i]->default_url);
    }
}
END_TEST

Suite *profiles_suite(void)
{
    Suite *suite = suite_create("profiles");
    TCase *known = tcase_create("known"), *asked = tcase_create("asked");
    TCase *read = tcase_create("read"), *docs = tcase_create("docs");

    tcase_add_checked_fixture(known, unit_pool_open, unit_pool_close);
    tcase_add_checked_fixture(asked, unit_pool_open, unit_pool_close);
    tcase_add_checked_fixture(read, unit_pool_open, unit_pool_close);
    tcase_add_checked_fixture(docs, unit_pool_open, unit_pool_close);
    tcase_add_test(known, servers_are_known_by_their_hosts);
    tcase_add_test(known, the_table_is_whole);
    tcase_add_test(known, a_known_host_needs_no_path);
    tcase_add_test(known, efforts_are_the_nearest_there_is);
    tcase_add_test(asked, servers_get_what_they_take);
    tcase_add_test(asked, films_go_to_servers_that_may_take_them);
    tcase_add_test(asked, sides_take_turns_where_they_have_to);
    tcase_add_test(asked, an_embedding_is_asked_of_mistral_in_its_words);
    tcase_add_test(asked, a_history_reaches_mistral_in_its_form);
    tcase_add_test(asked, mistral_gets_system_messages_in_front_and_goes_on);
    tcase_add_test(asked, calls_have_reasoning_where_they_need_it);
    tcase_add_test(asked, usage_is_asked_where_it_was_said);
    tcase_add_test(read, pieces_with_ids_of_their_own_are_one_call);
    tcase_add_test(read, databricks_thoughts_are_thoughts);
    tcase_add_test(read, thinking_beside_the_completion_is_counted);
    tcase_add_test(asked, legacy_functions_are_refused_by_their_name);
    tcase_add_test(read, an_error_of_minimax_is_one);
    tcase_add_test(docs, the_docs_list_the_servers);
    suite_add_tcase(suite, known);
    suite_add_tcase(suite, asked);
    suite_add_tcase(suite, read);
    suite_add_tcase(suite, docs);
    return suite;
}
