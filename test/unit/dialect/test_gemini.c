/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to Gemini: what an OpenAI or Anthropic client asks becomes
 * generateContent, member by member. */
#include "test/unit/dialect/wire.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

Suite *gemini_suite(void);

#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"

/* The body for an OpenAI request to a model. */
static const char *body_for(const char *model, const char *request)
{
    return wire_body("gemini", wire_ask(request), model);
}

static const char *body(const char *request)
{
    return body_for("gemini-2.5-flash", request);
}

/* One member of the body as it was written; "" when absent. */
static const char *member_for(const char *model, const char *name,
                              const char *request)
{
    const llm_json_t *doc = wire_json(body_for(model, request));
    const llm_json_t *node = llm_json_get(doc, name);

    return node ? apr_pstrmemdup(unit_pool, node->raw.data, node->raw.len) : "";
}

static const char *member(const char *name, const char *request)
{
    return member_for("gemini-2.5-flash", name, request);
}

static const char *written(const char *request)
{
    return exchange_request(exchange_provider("gemini", NULL),
                            wire_ask(request), "gemini-2.5-flash");
}

/* ---- addresses ---- */

START_TEST(paths) /* fact 47 */
{
    const llm_ask_t *ask = wire_ask("{\"model\":\"m\"," HELLO "}");
    const llm_ask_t *stream =
        wire_ask("{\"model\":\"m\",\"stream\":true," HELLO "}");
    static const struct {
        const char *url, *model, *path;
    } rows[] = {
        {NULL, "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash"},
        {"http://h:1", "models/x", "/v1beta/models/x"},
        {"http://h:1/v1", "x", "/v1/models/x"},
        {"http://h:1/v1beta/", "tunedModels/x", "/v1beta/tunedModels/x"},
        {"http://h:1/proxy", "x", "/proxy/v1beta/models/x"},
        {"http://h:1/v1/projects/P/locations/L/publishers/google", "x",
         "/v1/projects/P/locations/L/publishers/google/models/x"},
        {"http://h:1", "a b?c#d:e%2F", "/v1beta/models/a%20b%3Fc%23d%3Ae%252F"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_provider_t *at = exchange_provider("gemini", rows[i].url);
        const char *plain = exchange_request(at, ask, rows[i].model);
        const char *streamed = exchange_request(at, stream, rows[i].model);
        const char *want =
            apr_pstrcat(unit_pool, rows[i].path, ":generateContent\n{", NULL);

        ck_assert_msg(!strncmp(plain, want, strlen(want)), "%s", plain);
        /* without alt=sse the stream would be one JSON array */
        want = apr_pstrcat(unit_pool, rows[i].path,
                           ":streamGenerateContent?alt=sse\n{", NULL);
        ck_assert_msg(!strncmp(streamed, want, strlen(want)), "%s", streamed);
    }
    ck_assert_str_eq(
        exchange_request(exchange_provider("gemini", NULL), ask, "../../files"),
        "refused model: not a name Gemini can have\n");
}
END_TEST

START_TEST(native_paths)
{
    static const struct {
        const char *url, *rest, *path;
    } rows[] = {
        {NULL, "/v1beta/models/x:generateContent",
         "/v1beta/models/x:generateContent"},
        {NULL, "/v1/models?pageSize=2", "/v1/models?pageSize=2"},
        {NULL, "/models/x:countTokens", "/v1beta/models/x:countTokens"},
        {NULL, "/upload/v1beta/files", "/upload/v1beta/files"},
        {"http://h/p/v1", "/v1beta/models", "/p/v1beta/models"},
        {"http://h/p/v1", "/models", "/p/v1/models"},
        {"http://h/p/v1", "/p/v1/models", "/p/v1/models"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_provider_t *at = exchange_provider("gemini", rows[i].url);

        ck_assert_str_eq(at->dialect->native_path(at, rows[i].rest, unit_pool),
                         rows[i].path);
    }
}
END_TEST

START_TEST(native_models)
{
    static const struct {
        const char *path, *doc, *model;
    } rows[] = {
        {"/v1beta/models/gemini-2.5-pro:generateContent", "{}",
         "gemini-2.5-pro"},
        {"/v1beta/models/a%20b:streamGenerateContent?alt=sse", "{}", "a b"},
        {"/v1beta/tunedModels/t-1:generateContent", "{}", "tunedModels/t-1"},
        {"/v1/projects/P/locations/L/publishers/google/models/g:predict", "{}",
         "g"},
        {"/v1beta/models/g?x=:", "{}", "g"},
        {"/v1beta/models/g/operations/1", "{}", "g"},
        {"/v1beta/files?x=/models/y:z", "{\"model\":\"g\"}", "g"},
        {"/v1beta/openai/chat/completions", "{\"model\":\"models/g\"}", "g"},
    };
    const llm_dialect_t *gemini = exchange_dialect("gemini");
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(gemini->native_model(
                             rows[i].path, wire_json(rows[i].doc), unit_pool),
                         rows[i].model);
    }
    ck_assert_ptr_null(gemini->native_model("/v1beta/files", NULL, unit_pool));
    ck_assert_ptr_null(
        gemini->native_model("/v1beta/models/", NULL, unit_pool));
}
END_TEST

/* ---- contents ---- */

START_TEST(plain)
{
    ck_assert_str_eq(body("{\"model\":\"m\"," HELLO "}"),
                     "{\"contents\":[{\"role\":\"user\",\"parts\":"
                     "[{\"text\":\"Hello\"}]}]}");
}
END_TEST

START_TEST(text_is_not_touched)
{
    ck_assert_str_eq(
        member("contents",
               "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
               "\"\\u0000 \\ud83d\\ude00 \\/ \xC3\xA9\"}]}"),
        "[{\"role\":\"user\",\"parts\":[{\"text\":"
        "\"\\u0000 \\ud83d\\ude00 \\/ \xC3\xA9\"}]}]");
}
END_TEST

START_TEST(system_turns_are_kept_apart)
{
    const char *request = "{\"model\":\"m\",\"messages\":["
                          "{\"role\":\"system\",\"content\":\"Be brief.\"},"
                          "{\"role\":\"user\",\"content\":\"Hi\"},"
                          "{\"role\":\"developer\",\"content\":\"Be kind.\"},"
                          "{\"role\":\"user\",\"content\":\"Well?\"}]}";

    ck_assert_str_eq(member("systemInstruction", request),
                     "{\"parts\":[{\"text\":\"Be brief.\"},"
                     "{\"text\":\"Be kind.\"}]}");
    ck_assert_str_eq(member("contents", request),
                     "[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"},"
                     "{\"text\":\"Well?\"}]}]");
}
END_TEST

START_TEST(system_text_alone_is_asked_by_the_user)
{
    ck_assert_str_eq(body("{\"model\":\"m\",\"messages\":[{\"role\":\"system\","
                          "\"content\":\"Say hello.\"}]}"),
                     "{\"contents\":[{\"role\":\"user\",\"parts\":"
                     "[{\"text\":\"Say hello.\"}]}]}");
}
END_TEST

START_TEST(media)
{
    ck_assert_str_eq(
        member("contents",
               "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
               "{\"type\":\"text\",\"text\":\"What?\"},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":"
               "\"data:image/png;base64,iVBORw0KGgo=\"}},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":"
               "\"https://e.org/a.JPG?x=.png\"}},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":"
               "\"https://e.org/a\"}},"
               "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"AAAA\","
               "\"format\":\"mp3\"}},"
               "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\","
               "\"file_data\":\"data:application/pdf;base64,JVBERi0=\"}}]}]}"),
        "[{\"role\":\"user\",\"parts\":[{\"text\":\"What?\"},"
        "{\"inlineData\":{\"mimeType\":\"image/png\","
        "\"data\":\"iVBORw0KGgo=\"}},"
        "{\"fileData\":{\"mimeType\":\"image/jpeg\","
        "\"fileUri\":\"https://e.org/a.JPG?x=.png\"}},"
        "{\"fileData\":{\"fileUri\":\"https://e.org/a\"}},"
        "{\"inlineData\":{\"mimeType\":\"audio/mpeg\",\"data\":\"AAAA\"}},"
        "{\"inlineData\":{\"mimeType\":\"application/pdf\","
        "\"data\":\"JVBERi0=\"}}]}]");
}
END_TEST

START_TEST(a_foreign_file_is_refused)
{
    ck_assert_str_eq(
        written("{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                "\"content\":[{\"type\":\"file\",\"file\":"
                "{\"file_id\":\"file-abc\"}}]}]}"),
        "refused messages: a file is named by an id that is not Gemini's\n");
}
END_TEST

/* ---- tools ---- */

#define TOOL(name)                                                             \
    "{\"type\":\"function\",\"function\":{\"name\":\"" name                    \
    "\",\"description\":\"d\",\"parameters\":{\"type\":\"object\","            \
    "\"properties\":{\"city\":{\"type\":\"string\"}}}}}"

START_TEST(tool_choice)
{
    static const struct {
        const char *choice, *config;
    } rows[] = {
        {"\"auto\"", "{\"functionCallingConfig\":{\"mode\":\"AUTO\"}}"},
        {"\"none\"", "{\"functionCallingConfig\":{\"mode\":\"NONE\"}}"},
        {"\"required\"", "{\"functionCallingConfig\":{\"mode\":\"ANY\"}}"},
        {"{\"type\":\"function\",\"function\":{\"name\":\"w\"}}",
         "{\"functionCallingConfig\":{\"mode\":\"ANY\","
         "\"allowedFunctionNames\":[\"w\"]}}"},
        {"null", ""},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *request =
            apr_pstrcat(unit_pool,
                        "{\"model\":\"m\"," HELLO
                        ",\"tools\":[" TOOL("w") "],"
                                                 "\"tool_choice\":",
                        rows[i].choice, "}", NULL);

        ck_assert_str_eq(member("toolConfig", request), rows[i].config);
        ck_assert_str_eq(member("tools", request),
                         "[{\"functionDeclarations\":[{\"name\":\"w\","
                         "\"description\":\"d\",\"parameters\":{\"type\":"
                         "\"OBJECT\",\"properties\":{\"city\":{\"type\":"
                         "\"STRING\"}}}}]}]");
    }
}
END_TEST

START_TEST(googles_own_tools_pass)
{
    ck_assert_str_eq(
        member("tools", "{\"model\":\"m\"," HELLO ",\"tools\":["
                        "{\"googleSearch\":{}}," TOOL("w") "]}"),
        "[{\"googleSearch\":{}},{\"functionDeclarations\":[{\"name\":\"w\","
        "\"description\":\"d\",\"parameters\":{\"type\":\"OBJECT\","
        "\"properties\":{\"city\":{\"type\":\"STRING\"}}}}]}]");
}
END_TEST

/* Calls and results in the order in which Gemini wants them. */
#define CALL(id, args)                                                         \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"w\","   \
    "\"arguments\":\"" args "\"}}"
#define RESULT(id, text)                                                       \
    "{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":\"" text "\"}"

START_TEST(results_follow_the_order_of_the_calls)
{
    ck_assert_str_eq(
        member(
            "contents",
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"Go\"},"
            "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" CALL("a", "{\\\"n\\\": 9007199254740993}") "," CALL(
                "b",
                "") "]}," RESULT("b",
                                 "two") "," RESULT("a",
                                                   "{\\\"n\\\":1}") ","
                                                                    "{\"role\":\"user\",\"content\":\"And?\"}]}"),
        "[{\"role\":\"user\",\"parts\":[{\"text\":\"Go\"}]},"
        "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"w\","
        "\"args\":{\"n\": 9007199254740993}},\"thoughtSignature\":"
        "\"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=\"},"
        "{\"functionCall\":{\"name\":\"w\",\"args\":{}}}]},"
        "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"w\","
        "\"response\":{\"n\":1}}},{\"functionResponse\":{\"name\":\"w\","
        "\"response\":{\"output\":\"two\"}}}]},"
        "{\"role\":\"user\",\"parts\":[{\"text\":\"And?\"}]}]");
}
END_TEST

/* Google's own OpenAI-compatible endpoint gives empty ids. */
START_TEST(results_without_ids_go_by_order)
{
    ck_assert_str_eq(
        member(
            "contents",
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"assistant\",\"tool_calls\":[" CALL("", "{\\\"n\\\":1}") "," CALL(
                "",
                "{\\\"n\\\":2}") "]}," RESULT("",
                                              "one") "," RESULT("",
                                                                "two") "]}"),
        "[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"w\","
        "\"args\":{\"n\":1}},\"thoughtSignature\":"
        "\"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=\"},"
        "{\"functionCall\":{\"name\":\"w\",\"args\":{\"n\":2}}}]},"
        "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"w\","
        "\"response\":{\"output\":\"one\"}}},{\"functionResponse\":{"
        "\"name\":\"w\",\"response\":{\"output\":\"two\"}}}]}]");
}
END_TEST

START_TEST(a_result_without_a_call_is_refused)
{
    ck_assert_str_eq(
        written(
            "{\"model\":\"m\",\"messages\":["
            "{\"role\":\"user\",\"content\":\"Go\"}," RESULT("zzz", "x") "]}"),
        "refused messages: a tool result answers no tool call: zzz\n");
}
END_TEST

/* The text is kept where a double would damage what it says. */
START_TEST(results_with_great_numbers_stay_text)
{
    const char *contents = member(
        "contents",
        "{\"model\":\"m\",\"messages\":["
        "{\"role\":\"assistant\",\"tool_calls\":[" CALL("a", "") "]}," RESULT(
            "a", "{\\\"id\\\":12345678901234567890}") "]}");

    ck_assert_ptr_nonnull(strstr(contents,
                                 "\"response\":{\"output\":"
                                 "\"{\\\"id\\\":12345678901234567890}\"}"));
}
END_TEST

START_TEST(anthropic_tool_results)
{
    const llm_ask_t *ask = exchange_ask(
        "anthropic", LLM_OP_CHAT,
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":["
        "{\"role\":\"user\",\"content\":\"Go\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","
        "\"id\":\"toolu_1\",\"name\":\"shot\",\"input\":{}},"
        "{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"w\","
        "\"input\":{\"a\":[1]}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
        "\"tool_use_id\":\"toolu_1\",\"content\":[{\"type\":\"image\","
        "\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\","
        "\"data\":\"iVBORw0KGgo=\"}}]},{\"type\":\"tool_result\","
        "\"tool_use_id\":\"toolu_2\",\"content\":\"boom\","
        "\"is_error\":true},{\"type\":\"text\",\"text\":\"Well?\"}]}]}");
    const llm_json_t *doc = wire_json(wire_body("gemini", ask, "g"));
    const llm_json_t *contents = llm_json_get(doc, "contents");

    ck_assert_int_eq(contents->count, 4);
    ck_assert_str_eq(
        apr_pstrmemdup(unit_pool, llm_json_at(contents, 2)->raw.data,
                       llm_json_at(contents, 2)->raw.len),
        "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":"
        "\"shot\",\"response\":{\"output\":\"\"}}},{\"functionResponse\":{"
        "\"name\":\"w\",\"response\":{\"error\":\"boom\"}}}]}");
    ck_assert_str_eq(
        apr_pstrmemdup(unit_pool, llm_json_at(contents, 3)->raw.data,
                       llm_json_at(contents, 3)->raw.len),
        "{\"role\":\"user\",\"parts\":[{\"text\":\"From the result of shot:\"},"
        "{\"inlineData\":{\"mimeType\":\"image/png\","
        "\"data\":\"iVBORw0KGgo=\"}},{\"text\":\"Well?\"}]}");
}
END_TEST

/* ---- generationConfig ---- */

START_TEST(generation_config)
{
    static const struct {
        const char *request, *config;
    } rows[] = {
        {"\"max_tokens\":7,\"temperature\":0.20,\"top_p\":1,\"top_k\":4",
         "{\"maxOutputTokens\":7,\"temperature\":0.20,\"topP\":1,\"topK\":4}"},
        {"\"stop\":\"a\"", "{\"stopSequences\":[\"a\"]}"},
        {"\"stop\":[\"a\",\"b\"]", "{\"stopSequences\":[\"a\",\"b\"]}"},
        {"\"stop\":[]", ""},
        {"\"n\":1", ""},
        {"\"n\":2", "{\"candidateCount\":2}"},
        {"\"seed\":7", "{\"seed\":7}"},
        {"\"frequency_penalty\":0.5,\"presence_penalty\":-1",
         "{\"frequencyPenalty\":0.5,\"presencePenalty\":-1}"},
        {"\"logprobs\":true,\"top_logprobs\":3",
         "{\"responseLogprobs\":true,\"logprobs\":3}"},
        {"\"frequency_penalty\":0,\"presence_penalty\":-0.0", ""},
        {"\"logprobs\":false", ""},
        {"\"response_format\":{\"type\":\"json_object\"}",
         "{\"responseMimeType\":\"application/json\"}"},
        {"\"response_format\":{\"type\":\"text\"}", ""},
        {"\"modalities\":[\"text\",\"image\"]",
         "{\"responseModalities\":[\"TEXT\",\"IMAGE\"]}"},
        {"\"modalities\":[\"image\",\"text\"]",
         "{\"responseModalities\":[\"TEXT\",\"IMAGE\"]}"},
        {"\"modalities\":[\"text\"]", ""},
        {"\"temperature\":null", ""},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            member("generationConfig",
                   apr_pstrcat(unit_pool, "{\"model\":\"m\"," HELLO ",",
                               rows[i].request, "}", NULL)),
            rows[i].config);
    }
}
END_TEST

START_TEST(seeds_are_folded_into_31_bits)
{
    const char *first =
        member("generationConfig",
               "{\"model\":\"m\"," HELLO ",\"seed\":9223372036854775807}");
    const llm_json_t *seed = llm_json_get(wire_json(first), "seed");
    apr_int64_t value = -1;

    ck_assert(llm_json_int(seed, &value));
    ck_assert_int_ge(value, 0);
    ck_assert_int_le(value, 0x7fffffff);
    ck_assert_str_eq(first, member("generationConfig",
                                   "{\"model\":\"m\"," HELLO
                                   ",\"seed\":9223372036854775807}"));
    ck_assert_str_ne(first, member("generationConfig",
                                   "{\"model\":\"m\"," HELLO
                                   ",\"seed\":9223372036854775806}"));
}
END_TEST

START_TEST(thinking)
{
    static const struct {
        const char *model, *request, *config;
    } rows[] = {
        {"gemini-2.5-flash", "\"reasoning_effort\":\"low\"",
         "{\"thinkingConfig\":{\"thinkingBudget\":1024,"
         "\"includeThoughts\":true}}"},
        {"gemini-2.5-flash", "\"reasoning_effort\":\"none\"",
         "{\"thinkingConfig\":{\"thinkingBudget\":0}}"},
        {"gemini-2.5-pro", "\"reasoning_effort\":\"none\"",
         "{\"thinkingConfig\":{\"thinkingBudget\":128}}"},
        {"gemini-3-flash-preview", "\"reasoning_effort\":\"medium\"",
         "{\"thinkingConfig\":{\"thinkingLevel\":\"medium\","
         "\"includeThoughts\":true}}"},
        {"gemini-3-pro-preview", "\"reasoning_effort\":\"medium\"",
         "{\"thinkingConfig\":{\"thinkingLevel\":\"high\","
         "\"includeThoughts\":true}}"},
        {"gemini-3.1-pro-preview", "\"reasoning_effort\":\"minimal\"",
         "{\"thinkingConfig\":{\"thinkingLevel\":\"low\","
         "\"includeThoughts\":true}}"},
        {"gemini-3-flash", "\"thinking\":{\"type\":\"disabled\"}",
         "{\"thinkingConfig\":{\"thinkingLevel\":\"minimal\"}}"},
        {"gemini-flash-latest",
         "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}",
         "{\"thinkingConfig\":{\"thinkingBudget\":2000,"
         "\"includeThoughts\":true}}"},
        {"gemini-2.5-flash",
         "\"reasoning_effort\":\"low\",\"extra_body\":{\"google\":"
         "{\"thinking_config\":{\"thinking_budget\":5}}}",
         "{\"thinkingConfig\":{\"thinking_budget\":5}}"},
        {"gemini-2.0-flash", "\"reasoning_effort\":\"low\"", ""},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            member_for(rows[i].model, "generationConfig",
                       apr_pstrcat(unit_pool, "{\"model\":\"m\"," HELLO ",",
                                   rows[i].request, "}", NULL)),
            rows[i].config);
    }
}
END_TEST

START_TEST(geminis_own_members_pass)
{
    const char *request =
        "{\"model\":\"m\"," HELLO ",\"safety_settings\":[{\"category\":"
        "\"HARM_CATEGORY_HARASSMENT\",\"threshold\":\"BLOCK_NONE\"}],"
        "\"safetySettings\":[],\"extra_body\":{\"google\":{"
        "\"cached_content\":\"cachedContents/1\"}},"
        "\"mediaResolution\":\"MEDIA_RESOLUTION_LOW\"}";

    ck_assert_str_eq(member("safetySettings", request),
                     "[{\"category\":\"HARM_CATEGORY_HARASSMENT\","
                     "\"threshold\":\"BLOCK_NONE\"}]");
    ck_assert_str_eq(member("cachedContent", request), "\"cachedContents/1\"");
    ck_assert_str_eq(member("generationConfig", request),
                     "{\"mediaResolution\":\"MEDIA_RESOLUTION_LOW\"}");
}
END_TEST

START_TEST(what_has_no_place)
{
    static const struct {
        const char *request, *told;
    } rows[] = {
        {"\"logit_bias\":{\"50256\":-100}",
         "refused logit_bias: Gemini providers cannot do this\n"},
        {"\"logit_bias\":{}", ""},
        {"\"zzz\":1", "refused zzz: the provider of this model has no such "
                      "member\n"},
        {"\"verbosity\":\"low\"", "dropped verbosity\n"},
        {"\"extra_body\":{\"google\":{\"zzz\":1}}",
         "refused extra_body.google.zzz: Gemini providers cannot do this\n"},
        {"\"modalities\":[\"text\",\"video\"]",
         "refused modalities: the provider of this model has no such "
         "member\n"},
        {"\"modalities\":[\"text\",\"audio\"],\"audio\":{\"voice\":"
         "\"Kore\",\"format\":\"mp3\"}",
         "refused audio.format: Gemini's sound is pcm16 or wav\n"},
        {"\"modalities\":[\"text\",\"audio\"],\"audio\":{\"voice\":"
         "\"Kore\",\"format\":\"wav\"},\"stream\":true",
         "refused audio.format: Gemini's sound is streamed as pcm16\n"},
        {"\"reasoning_effort\":\"enormous\"",
         "refused reasoning_effort: expected none, minimal, low, medium, "
         "high, xhigh or max\n"},
        {"\"tools\":[{\"type\":\"web_search\"}]",
         "refused tools[0]: Gemini providers have no tool 'web_search'\n"},
        {"\"user\":\"u\",\"store\":true,\"metadata\":{\"a\":\"b\"},"
         "\"service_tier\":\"scale\"",
         "dropped store\ndropped metadata\ndropped user\n"
         "dropped service_tier\n"},
        {"\"service_tier\":\"auto\"", ""},
        {"\"tool_choice\":\"auto\"", "dropped tool_choice\n"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *told =
            written(apr_pstrcat(unit_pool, "{\"model\":\"m\"," HELLO ",",
                                rows[i].request, "}", NULL));

        if (*told == '/') { /* what follows the path and the body */
            told = strchr(strchr(told, '\n') + 1, '\n') + 1;
        }
        ck_assert_str_eq(told, rows[i].told);
    }
}
END_TEST

/* ---- embeddings ---- */

START_TEST(embeddings)
{
    static const struct {
        const char *request, *written;
    } rows[] = {
        {"\"input\":\"a\"", "/v1beta/models/e:embedContent\n"
                            "{\"content\":{\"parts\":[{\"text\":\"a\"}]}}\n"},
        {"\"input\":[\"a\",\"b\"],\"dimensions\":3",
         "/v1beta/models/e:batchEmbedContents\n{\"requests\":["
         "{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":\"a\"}]},"
         "\"outputDimensionality\":3},"
         "{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":\"b\"}]},"
         "\"outputDimensionality\":3}]}\n"},
        {"\"input\":[[1,2]]",
         "refused input: Gemini embeds strings, not tokens\n"},
        {"\"input\":[1,2]",
         "refused input: Gemini embeds strings, not tokens\n"},
    };
    const llm_provider_t *gemini = exchange_provider("gemini", NULL);
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_ask_t *ask =
            exchange_ask("openai", LLM_OP_EMBED,
                         apr_pstrcat(unit_pool, "{\"model\":\"e\",",
                                     rows[i].request, "}", NULL));

        ck_assert_str_eq(exchange_request(gemini, ask, "e"), rows[i].written);
    }
}
END_TEST

Suite *gemini_suite(void)
{
    Suite *suite = suite_create("gemini");
    TCase *tcase;

    tcase = tcase_create("addresses");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, paths);
    tcase_add_test(tcase, native_paths);
    tcase_add_test(tcase, native_models);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("contents");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, plain);
    tcase_add_test(tcase, text_is_not_touched);
    tcase_add_test(tcase, system_turns_are_kept_apart);
    tcase_add_test(tcase, system_text_alone_is_asked_by_the_user);
    tcase_add_test(tcase, media);
    tcase_add_test(tcase, a_foreign_file_is_refused);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("tools");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, tool_choice);
    tcase_add_test(tcase, googles_own_tools_pass);
    tcase_add_test(tcase, results_follow_the_order_of_the_calls);
    tcase_add_test(tcase, results_without_ids_go_by_order);
    tcase_add_test(tcase, a_result_without_a_call_is_refused);
    tcase_add_test(tcase, results_with_great_numbers_stay_text);
    tcase_add_test(tcase, anthropic_tool_results);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("options");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, generation_config);
    tcase_add_test(tcase, seeds_are_folded_into_31_bits);
    tcase_add_test(tcase, thinking);
    tcase_add_test(tcase, geminis_own_members_pass);
    tcase_add_test(tcase, what_has_no_place);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("embeddings");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, embeddings);
    suite_add_tcase(suite, tcase);
    return suite;
}
