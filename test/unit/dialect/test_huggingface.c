/* SPDX-License-Identifier: Apache-2.0 */
/* Hugging Face: the router's habits, and the native route that leads to both
 * of its APIs. Facts are numbered as in
 * docs/internals/facts.md. */
#include "test/unit/dialect/wire.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

Suite *huggingface_suite(void);

#define ASK                                                                    \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"

/* ---- requests ---- */

START_TEST(chat_paths)
{
    static const char *const rows[][2] = {
        {NULL, "/v1/chat/completions"},
        {"http://h:1", "/v1/chat/completions"},
        {"http://h:1/v1", "/v1/chat/completions"},
        {"http://h:1/together/v1", "/together/v1/chat/completions"},
        {"http://h:1/proxy/", "/proxy/v1/chat/completions"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *request =
            exchange_request(exchange_provider("huggingface", rows[i][0]),
                             wire_ask(ASK "}"), "org/model");
        apr_size_t len = strlen(rows[i][1]);

        ck_assert_msg(!strncmp(request, rows[i][1], len)
                          && request[len] == '\n',
                      "%s", request);
    }
    ck_assert_ptr_nonnull(
        strstr(wire_body("huggingface", wire_ask(ASK "}"), "org/model"),
               "\"model\":\"org/model\""));
}
END_TEST

START_TEST(native_paths)
{
    static const struct {
        const char *url, *rest, *path;
    } rows[] = {
        /* models of the old API */
        {"http://h:1", "/gpt2", "/models/gpt2"},
        {"http://h:1", "/org/model", "/models/org/model"},
        {"http://h:1", "/org/model?x=1", "/models/org/model?x=1"},
        {"http://h:1/v1", "/org/model", "/models/org/model"},
        {"http://h:1/p", "/org/model", "/p/models/org/model"},
        {"http://h:1", "/org/model/v1/chat/completions",
         "/models/org/model/v1/chat/completions"},
        {"http://h:1", "/org/m/pipeline/feature-extraction",
         "/models/org/m/pipeline/feature-extraction"},
        {NULL, "/org/model", "/hf-inference/models/org/model"},
        {NULL, "/models/gpt2", "/hf-inference/models/gpt2"},
        /* paths of the provider's own */
        {NULL, "/v1/chat/completions", "/v1/chat/completions"},
        {NULL, "/v1/models", "/v1/models"},
        {NULL, "/together/v1/chat/completions",
         "/together/v1/chat/completions"},
        {NULL, "/novita/v3/openai/chat/completions",
         "/novita/v3/openai/chat/completions"},
        {NULL, "/fireworks-ai/inference/v1/chat/completions",
         "/fireworks-ai/inference/v1/chat/completions"},
        {NULL, "/hf-inference/models/gpt2", "/hf-inference/models/gpt2"},
        {"http://h:1/p", "/v1/chat/completions", "/p/v1/chat/completions"},
        {"http://h:1/p/v1", "/v1/chat/completions", "/p/v1/chat/completions"},
        {"http://h:1/p/v1", "/p/v1/models", "/p/v1/models"},
        {"http://h:1", "/", "/"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_provider_t *at =
            exchange_provider("huggingface", rows[i].url);

        ck_assert_str_eq(at->dialect->native_path(at, rows[i].rest, unit_pool),
                         rows[i].path);
    }
}
END_TEST

START_TEST(native_models)
{
    static const char *const rows[][3] = {
        {"/gpt2", "{}", "gpt2"},
        {"/org/model?x=/models/y", "{}", "org/model"},
        {"/org/model/v1/chat/completions", "{\"model\":\"tgi\"}", "org/model"},
        {"/org/model/pipeline/feature-extraction", "{}", "org/model"},
        {"/models/gpt2", "{}", "gpt2"},
        {"/hf-inference/models/org/a%20b", "{}", "org/a b"},
        {"/hf-inference/pipeline/sentence-similarity/org/m", "{}", "org/m"},
        {"/v1/chat/completions", "{\"model\":\"org/m:together\"}",
         "org/m:together"},
        {"/models/x", "{\"model\":\"y\"}", "y"},
    };
    const llm_dialect_t *dialect = exchange_dialect("huggingface");
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            dialect->native_model(rows[i][0], wire_json(rows[i][1]), unit_pool),
            rows[i][2]);
    }
    ck_assert_ptr_null(
        dialect->native_model("/v1/chat/completions", NULL, unit_pool));
    ck_assert_ptr_null(dialect->native_model("/models/", NULL, unit_pool));
    ck_assert_ptr_null(dialect->native_model("", NULL, unit_pool));
}
END_TEST

/* ---- answers ---- */

#define TGI2(text, finish)                                                     \
    "data:{\"id\":\"\",\"object\":\"text_completion\",\"created\":1,"          \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"           \
    "\"assistant\",\"content\":\"" text "\"},\"logprobs\":null,"               \
    "\"finish_reason\":" finish "}]}\n\n"

START_TEST(tgi_2_ends_with_a_token) /* fact 106 */
{
    ck_assert_str_eq(wire_stream("huggingface", wire_ask(ASK "}"),
                                 TGI2(" The", "null") TGI2(" <a>", "null")
                                     TGI2("</s>", "\"eos_token\"")),
                     "text 0 \" The <a>\"\nfinish 0 stop\n");
    /* what only looks like one is text */
    ck_assert_str_eq(wire_stream("huggingface", wire_ask(ASK "}"),
                                 TGI2("</s>", "null")
                                     TGI2("<b>", "\"length\"")),
                     "text 0 \"</s><b>\"\nfinish 0 length\n");
}
END_TEST

START_TEST(text_and_end_in_one_event) /* fact 116 */
{
    ck_assert_str_eq(
        wire_stream("huggingface", wire_ask(ASK "}"),
                    "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{"
                    "\"content\":\"Pa\"}}]}\n\n"
                    "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{"
                    "\"content\":\"ris\"},\"finish_reason\":\"stop\"}]}\n\n"
                    "data: {\"id\":\"a\",\"choices\":[],\"usage\":{"
                    "\"prompt_tokens\":40,\"completion_tokens\":2,"
                    "\"total_tokens\":42}}\n\ndata: [DONE]\n\n"),
        "text 0 \"Paris\"\nfinish 0 stop\nusage input=40 output=2\n");
}
END_TEST

START_TEST(errors) /* fact 107 */
{
    static const struct {
        int status;
        const char *body, *told;
    } rows[] = {
        {404, "{\"error\":\"Model x does not exist\"}",
         "not_found 404 Model x does not exist"},
        {422,
         "{\"error\":\"Template error\",\"error_type\":\"template_error\"}",
         "unprocessable 422 Template error"},
        {422, "Failed to deserialize the JSON body",
         "unprocessable 422 Failed to deserialize the JSON body"},
        {400, "{\"error\":[\"`inputs` is missing\",\"more\"]}",
         "bad_request 400 `inputs` is missing"},
        {503, "{\"error\":\"Model is loading\",\"estimated_time\":20.1}",
         "unavailable 503 Model is loading; retry after 21"},
        {400, "{\"error\":{\"message\":\"no\",\"code\":5}}",
         "bad_request 400 no"},
        {502, "<html>", "upstream 502 the provider answered with status 502"},
        {400, "[]", "bad_request 400 the provider answered with status 400"},
        {400, "{\"error\":[]}",
         "bad_request 400 the provider answered with status 400"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            wire_problem("huggingface", rows[i].status, rows[i].body),
            rows[i].told);
        ck_assert_str_eq(
            wire_problem("huggingface-inference", rows[i].status, rows[i].body),
            rows[i].told);
    }
}
END_TEST

START_TEST(errors_inside_a_stream)
{
    const llm_dialect_t *dialect = exchange_dialect("huggingface");
    llm_event_t event = {{NULL, 0}, {NULL, 0}, NULL};

    event.doc = wire_json("{\"error\":\"too many\",\"error_type\":"
                          "\"overloaded\"}");
    ck_assert_int_eq(dialect->event_problem(&event, unit_pool)->kind,
                     LLM_PROBLEM_RATE_LIMITED);
    event.doc = wire_json("{\"token\":{\"text\":\"x\"}}");
    ck_assert_ptr_null(dialect->event_problem(&event, unit_pool));
    event.doc = NULL;
    ck_assert_ptr_null(dialect->event_problem(&event, unit_pool));
}
END_TEST

START_TEST(facts_of_either_api)
{
    const llm_dialect_t *dialect = exchange_dialect("huggingface");
    static const char *const rows[][2] = {
        {"{\"choices\":[{\"finish_reason\":\"length\"}],\"usage\":"
         "{\"prompt_tokens\":3,\"completion_tokens\":4}}",
         "input=3 output=4 length"},
        {"[{\"generated_text\":\"x\",\"details\":{\"finish_reason\":"
         "\"length\",\"generated_tokens\":4,\"prefill\":[{},{}]}}]",
         "input=2 output=4 length"},
        {"{\"token\":{},\"generated_text\":\"x\",\"details\":{"
         "\"finish_reason\":\"stop_sequence\",\"generated_tokens\":4,"
         "\"input_length\":9}}",
         "input=9 output=4 stop_sequence"},
        {"[{\"generated_text\":\"x\"}]", " none"}, /* fact 105 */
        {"[[0.5]]", " none"},
        {"7", " none"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *model = NULL;
        llm_finish_e finish = LLM_FINISH_NONE;
        llm_usage_t usage;

        llm_usage_clear(&usage);
        dialect->read_usage(&usage, wire_json(rows[i][0]));
        dialect->read_facts(&model, &finish, wire_json(rows[i][0]), unit_pool);
        ck_assert_str_eq(apr_psprintf(unit_pool, "%s %s", wire_usage(&usage),
                                      finish == LLM_FINISH_LENGTH ? "length"
                                      : finish == LLM_FINISH_NONE
                                          ? "none"
                                          : "stop_sequence"),
                         rows[i][1]);
    }
}
END_TEST

Suite *huggingface_suite(void)
{
    Suite *suite = suite_create("huggingface");
    TCase *tcase;

    tcase = tcase_create("requests");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, chat_paths);
    tcase_add_test(tcase, native_paths);
    tcase_add_test(tcase, native_models);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("answers");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, tgi_2_ends_with_a_token);
    tcase_add_test(tcase, text_and_end_in_one_event);
    tcase_add_test(tcase, errors);
    tcase_add_test(tcase, errors_inside_a_stream);
    tcase_add_test(tcase, facts_of_either_api);
    suite_add_tcase(suite, tcase);
    return suite;
}
