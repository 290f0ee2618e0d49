/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that pass to a server with habits: what it would refuse or misread is
 * changed, and nothing else.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/openai_internal.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static llm_provider_t *at(const char *profile)
{
    llm_provider_t *provider =
        exchange_provider("openai", "http://127.0.0.1:9/v1");

    provider->profile = llm_profile_find(profile);
    ck_assert_ptr_nonnull(provider->profile);
    return provider;
}

START_TEST(no_two_ids_are_alike)
{
    llm_openai_ids_t *ids = llm_openai_ids_make(unit_pool);
    const char *made = llm_openai_ids_fit(ids, "call_1");
    llm_openai_ids_t *others = llm_openai_ids_make(unit_pool);

    ck_assert_uint_eq(strlen(made), 9);
    ck_assert_str_eq(llm_openai_ids_fit(ids, "call_1"), made);
    ck_assert_str_ne(llm_openai_ids_fit(ids, "call_2"), made);
    ck_assert_str_eq(llm_openai_ids_fit(others, "call_1"), made);
    ck_assert_str_eq(llm_openai_ids_fit(ids, "Ab3dEf7hI"), "Ab3dEf7hI");
    /* an id of Mistral's own that is what was made of another */
    ck_assert_str_ne(llm_openai_ids_fit(ids, made), made);
    ck_assert_uint_eq(strlen(llm_openai_ids_fit(ids, made)), 9);
}
END_TEST

static const char *body_of(const llm_request_t *req)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    for (int i = 0; i < req->body_count; ++i) {
        llm_buf_append(out, req->body[i].data, req->body[i].len);
    }
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

/* The body, and what was left out behind it. */
static const char *passed(const char *profile, const char *model,
                          const char *body)
{
    llm_bytes_t raw = {body, strlen(body)};
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_request_t req;
    int hide = 0, i;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 2);
    req.dropped = apr_array_make(unit_pool, 2, sizeof(char *));
    ck_assert_ptr_null(llm_openai_pass_request(&req, LLM_OP_CHAT, raw, model,
                                               at(profile), &hide, unit_pool));
    llm_buf_puts(out, body_of(&req));
    for (i = 0; i < req.dropped->nelts; ++i) {
        llm_buf_putc(out, ' ');
        llm_buf_puts(out, APR_ARRAY_IDX(req.dropped, i, const char *));
    }
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

static const struct {
    const char *profile, *model, *body, *expected;
} amended[] = {
    {"mistral", "m",
     "{\"model\":\"x\",\"max_completion_tokens\": 5,\"seed\":1e0}",
     "{\"model\":\"m\",\"max_tokens\": 5,\"random_seed\":1e0}"},
    {"mistral", "m",
     "{\"user\":\"u\" , \"store\":false,\"model\":\"x\",\"metadata\":{}}",
     "{\"model\":\"m\"} user metadata"},
    {"mistral", "m",
     "{\"model\":\"x\",\"user\":\"u\",\"metadata\":{\"a\":1},\"n\":2 }",
     "{\"model\":\"m\",\"n\":2 } user metadata"},
    {"mistral", "m",
     "{\"model\":\"x\",\"stream\":true,\"stream_options\":{"
     "\"include_usage\":true}}",
     "{\"model\":\"m\",\"stream\":true}"},
    {"mistral", "m",
     "{\"model\":\"x\",\"messages\":[{\"role\":\"developer\",\"name\":"
     "\"n\",\"content\":\"a\"},{\"role\":\"assistant\",\"tool_calls\":[{"
     "\"id\":\"Ab3dEf7hI\"}]},{\"role\":\"tool\",\"name\":\"f\","
     "\"tool_call_id\":\"Ab3dEf7hI\"}]}",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
     "\"a\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"Ab3dEf7hI\"}"
     "]},{\"role\":\"tool\",\"name\":\"f\",\"tool_call_id\":\"Ab3dEf7hI\"}"
     "]} messages.name"},
    {"mistral", "m",
     "{\"model\":\"x\",\"tool_choice\":\"required\",\"big\":"
     "18446744073709551616,\"z\":\"\\u0000\"}",
     "{\"model\":\"m\",\"tool_choice\":\"any\",\"big\":"
     "18446744073709551616,\"z\":\"\\u0000\"}"},
    {"deepseek", "m",
     "{\"model\":\"x\",\"max_tokens\":1,\"max_completion_tokens\":5}",
     "{\"model\":\"m\",\"max_tokens\":1} max_completion_tokens"},
    {"deepseek", "m",
     "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"
     ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
     "\"name\":\"n\",\"strict\":true,\"schema\":{\"type\":\"object\"}}}}",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
     "\"Answer with a JSON object and nothing else. It has to be valid by "
     "this JSON Schema:\\n{\\\"type\\\":\\\"object\\\"}\"},{\"role\":"
     "\"user\",\"content\":\"a\"}],\"response_format\":{\"type\":"
     "\"json_object\"}} response_format.json_schema.name "
     "response_format.json_schema.strict"},
    {"groq", "openai/gpt-oss-20b",
     "{\"model\":\"x\",\"response_format\":{\"type\":\"json_schema\","
     "\"json_schema\":{\"name\":\"n\",\"schema\":{}}}}",
     "{\"model\":\"openai/gpt-oss-20b\",\"response_format\":{\"type\":"
     "\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{}}}}"},
    {"perplexity", "m",
     "{\"model\":\"x\",\"response_format\":{\"type\":\"json_object\"}}",
     "{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\","
     "\"json_schema\":{\"name\":\"answer\",\"schema\":{\"type\":\"object\"}"
     "}}}"},
    {"deepseek", "m",
     "{\"model\":\"x\",\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":"
     "\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"\",\"cache_control\":{}},{\"type\":"
     "\"text\",\"text\":\"\\\"b\\\"\"}]},{\"role\":\"user\",\"content\":[{"
     "\"type\":\"image_url\"}]},{\"role\":\"tool\",\"content\":[{\"text\":"
     "\"r\",\"type\":\"text\"}]}]}",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
     "\"a\\n\\\"b\\\"\"},{\"role\":\"user\",\"content\":[{\"type\":"
     "\"image_url\"}]},{\"role\":\"tool\",\"content\":\"r\"}]} messages.content.cache_control"},
    {"generic", "m",
     "{\"model\":\"x\",\"messages\":[{\"content\":[{\"type\":\"text\",\"text\":"
     "\"a\"}]}]}",
     "{\"model\":\"m\",\"messages\":[{\"content\":[{\"type\":\"text\",\"text\":"
     "\"a\"}]}]}"},
    {"generic", "m",
     "{\"model\":\"x\",\"user\":\"u\",\"max_completion_tokens\":5}",
     "{\"model\":\"m\",\"user\":\"u\",\"max_completion_tokens\":5}"},
    {"mistral", "m",
     "{\"model\":\"x\",\"input\":\"a\",\"dimensions\": 256,\"user\":\"u\"}",
     "{\"model\":\"m\",\"input\":\"a\",\"output_dimension\": 256} user"},
    {"mistral", "magistral-small",
     "{\"model\":\"x\",\"messages\":[{\"content\":\"So.\",\"refusal\":null,"
     "\"role\":\"assistant\",\"annotations\":[],\"audio\":{\"id\":\"a\"},"
     "\"reasoning_content\":\"Hm.\"},{\"reasoning_content\":\"Ah.\",\"role\":"
     "\"assistant\"},{\"role\":\"user\",\"content\":\"b\"}]}",
     "{\"model\":\"magistral-small\",\"messages\":[{\"content\":[{\"type\":"
     "\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"Hm.\"}]},{"
     "\"type\":\"text\",\"text\":\"So.\"}],\"role\":\"assistant\"},{"
     "\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
     "\"text\":\"Ah.\"}]}],\"role\":\"assistant\"},{\"role\":\"user\","
     "\"content\":\"b\"}]} messages.audio"},
    {"mistral", "open-mistral",
     "{\"model\":\"x\",\"messages\":[{\"role\":\"assistant\",\"content\":"
     "\"So.\",\"reasoning_content\":\"Hm.\"}]}",
     "{\"model\":\"open-mistral\",\"messages\":[{\"role\":\"assistant\","
     "\"content\":\"So.\"}]} messages.reasoning_content"},
    {"openai", "gpt-5-mini",
     "{\"model\":\"x\",\"max_tokens\": 5,\"user\":\"u\"}",
     "{\"model\":\"gpt-5-mini\",\"max_completion_tokens\": 5,\"user\":"
     "\"u\"}"},
    {"azure", "o3",
     "{\"model\":\"x\",\"max_tokens\":5,\"max_completion_tokens\":6}",
     "{\"model\":\"o3\",\"max_tokens\":5,\"max_completion_tokens\":6}"},
    {"openai", "gpt-4o", "{\"model\":\"x\",\"max_tokens\":5}",
     "{\"model\":\"gpt-4o\",\"max_tokens\":5}"},
    {"openai", "m",
     "{\"model\":\"x\",\"user\":\"u\",\"messages\":[{\"role\":"
     "\"developer\"}]}",
     "{\"model\":\"m\",\"user\":\"u\",\"messages\":[{\"role\":"
     "\"developer\"}]}"},
};

START_TEST(what_must_changes_in_bytes_that_pass)
{
    apr_size_t i;

    for (i = 0; i < sizeof(amended) / sizeof(*amended); ++i) {
        ck_assert_str_eq(
            passed(amended[i].profile, amended[i].model, amended[i].body),
            amended[i].expected);
    }
}
END_TEST

START_TEST(foreign_ids_are_mapped_in_bytes_that_pass)
{
    const char *found = passed(
        "mistral", "m",
        "{\"model\":\"x\",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":"
        "[{\"id\":\"call_abcdefghijkl\",\"type\":\"function\"}]},{\"role\":"
        "\"tool\",\"tool_call_id\":\"call_abcdefghijkl\"}]}");
    const char *id =
        llm_openai_ids_fit(llm_openai_ids_make(unit_pool), "call_abcdefghijkl");

    ck_assert_str_eq(
        found,
        apr_pstrcat(unit_pool,
                    "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
                    "\"tool_calls\":[{\"id\":\"",
                    id,
                    "\",\"type\":\"function\"}]},{\"role\":\"tool\","
                    "\"tool_call_id\":\"",
                    id, "\"}]}", NULL));
}
END_TEST

/* LangChain's chats of OpenAI's forget what a model thought. */
START_TEST(calls_without_thoughts_get_a_blank_one)
{
    static const char *const parts[] = {
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\"},{",
        "\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\"}]},{\"role\":"
        "\"assistant\",\"tool_calls\":[{}],\"reasoning_content\":\"b\"}]"};
    static const char blank[] = "\"reasoning_content\":\" \",";
    static const struct {
        const char *profile, *more;
        int is_blank;
    } rows[] = {
        {"deepseek", "}", 1},
        {"moonshot", ",\"thinking\":{\"type\":\"enabled\"}}", 1},
        {"deepseek", ",\"thinking\":{\"type\":\"disabled\"}}", 0},
        {"deepseek", ",\"reasoning_effort\":\"none\"}", 0},
        {"generic", "}", 0},
    };

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *body =
            apr_pstrcat(unit_pool, parts[0], parts[1], rows[i].more, NULL);

        ck_assert_str_eq(passed(rows[i].profile, "m", body),
                         apr_pstrcat(unit_pool, parts[0],
                                     rows[i].is_blank ? blank : "", parts[1],
                                     rows[i].more, NULL));
    }
}
END_TEST

/* Clients of Azure's may name the model in the path alone. */
START_TEST(a_deployment_is_the_model_of_the_body)
{
    static const struct {
        const char *path, *name;
        llm_op_e op;
    } rows[] = {
        {"/openai/deployments/prod/chat/completions", "prod", LLM_OP_CHAT},
        {"/openai/deployments/openai/gpt-4o/embeddings", "openai/gpt-4o",
         LLM_OP_EMBED},
        {"/openai/deployments//chat/completions", NULL, LLM_OP_CHAT},
        {"/openai/deployments/prod/responses", NULL, LLM_OP_CHAT},
        {"/openai/deployments/prod", NULL, LLM_OP_CHAT},
    };
    llm_request_t req = {.headers = apr_table_make(unit_pool, 2)};
    static const char *const bodies[][2] = {
        {"{ \"messages\":[]}", "{\"model\":\"m\",\"messages\":[]}"},
        {" { }", " {\"model\":\"m\"}"},
        {"{\"model\":\"other\"}", "{\"model\":\"m\"}"},
    };
    llm_problem_t *problem;
    llm_line_t *line;
    int hide;

    for (apr_size_t i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_int_eq(llm_openai_read_line(&line, &problem, rows[i].path,
                                              "api-version=1", unit_pool),
                         rows[i].name != NULL);
        if (rows[i].name) {
            ck_assert_str_eq(line->model, rows[i].name);
            ck_assert_int_eq(line->op, rows[i].op);
            req.line = line;
        }
    }
    for (apr_size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); ++i) {
        llm_bytes_t raw = {bodies[i][0], strlen(bodies[i][0])};

        ck_assert_ptr_null(llm_openai_pass_request(
            &req, LLM_OP_CHAT, raw, "m", at("openai"), &hide, unit_pool));
        ck_assert_str_eq(body_of(&req), bodies[i][1]);
    }
}
END_TEST

START_TEST(what_is_no_json_passes_as_it_is)
{
    ck_assert_str_eq(
        passed("mistral", "m", "{\"model\":\"x\",\"user\":\"u\",\"a\":[1,,2]}"),
        "{\"model\":\"m\",\"user\":\"u\",\"a\":[1,,2]}");
}
END_TEST

Suite *amend_suite(void)
{
    Suite *suite = suite_create("amend");
    TCase *passed_bytes = tcase_create("passed");

    tcase_add_checked_fixture(passed_bytes, unit_pool_open, unit_pool_close);
    tcase_add_test(passed_bytes, no_two_ids_are_alike);
    tcase_add_test(passed_bytes, what_must_changes_in_bytes_that_pass);
    tcase_add_test(passed_bytes, foreign_ids_are_mapped_in_bytes_that_pass);
    tcase_add_test(passed_bytes, calls_without_thoughts_get_a_blank_one);
    tcase_add_test(passed_bytes, a_deployment_is_the_model_of_the_body);
    tcase_add_test(passed_bytes, what_is_no_json_passes_as_it_is);
    suite_add_tcase(suite, passed_bytes);
    return suite;
}
