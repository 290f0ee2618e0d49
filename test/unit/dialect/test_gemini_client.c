/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that speak Gemini's dialect: paths, requests that pass, what other
 * providers sign, embeddings and counts, and streams in both framings. What
 * becomes of each member of a request is in test/vectors/gemini.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/gemini_internal.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

/* ---- paths ---- */

static const char *show_line(const char *path, const char *query)
{
    llm_problem_t *problem = NULL;
    llm_line_t *line = NULL;

    if (!llm_gemini_read_line(&line, &problem, path, query, unit_pool)) {
        return "none";
    }
    if (problem) {
        return apr_psprintf(unit_pool, "refused %s", problem->param);
    }
    return apr_psprintf(
        unit_pool, "%d %s %s%s%s %s", (int)line->op,
        line->model ? line->model : "-", line->method ? line->method : "-",
        line->stream ? " stream" : "", line->as_array ? " array" : "",
        line->query ? line->query : "-");
}

START_TEST(paths_say_what_is_asked)
{
    static const struct {
        const char *path, *query, *shown;
    } rows[] = {
        {"/v1beta/models/m:generateContent", NULL, "1 m :generateContent -"},
        {"/v1/models/m:generateContent", NULL, "1 m :generateContent -"},
        {"/v1beta/models/openai/gpt-4o:countTokens", NULL,
         "16 openai/gpt-4o :countTokens -"},
        {"/v1beta/models/ollama/llama3:8b:embedContent", NULL,
         "2 ollama/llama3:8b :embedContent -"},
        {"/v1beta/models/m:batchEmbedContents", "a", "refused a"},
        {"/v1beta/models/m:streamGenerateContent", "alt=sse",
         "1 m :streamGenerateContent stream -"},
        {"/v1beta/models/m:streamGenerateContent", "prettyPrint=1&alt=sse",
         "1 m :streamGenerateContent stream prettyPrint=1"},
        {"/v1beta/models/m:streamGenerateContent", NULL,
         "1 m :streamGenerateContent stream array -"},
        {"/v1beta/models/m:generateContent", "$alt=json%3Benum-encoding%3Dint",
         "1 m :generateContent $alt=json%3Benum-encoding%3Dint"},
        {"/v1beta/models/m:generateContent", "alt=media", "refused alt"},
        {"/v1beta/models/m:generateContent", "fields=x", "refused fields"},
        {"/v1beta/models/m:generateContent", "alt=", "refused alt"},
        {"/v1beta/models/m:generateContent", "prettyPrint=&quotaUser",
         "1 m :generateContent prettyPrint=&quotaUser"},
        {"/v1beta/models/m:generateContent", "prettyPrint=a b",
         "refused prettyPrint"},
        {"/v1beta1/projects/p/locations/l/publishers/google/models/"
         "m:generateContent",
         NULL, "1 m :generateContent -"},
        {"/v1/publishers/google/models/m:generateContent", NULL,
         "1 m :generateContent -"},
        {"/v1beta/models", NULL, "4 - - -"},
        {"/v1beta/models/", NULL, "4 - - -"},
        {"/v1beta/models/llama3:8b", NULL, "4 llama3:8b - -"},
        {"/v1/models", NULL, "none"},
        {"/v1/models/x", NULL, "none"}, /* OpenAI's */
        {"/v1/modelsx/m:generateContent", NULL, "none"},
        {"/v2/models/m:generateContent", NULL, "none"},
        {"/v1beta", NULL, "none"},
        {"/gemini/v1beta/models/m:generateContent", NULL, "none"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(show_line(rows[i].path, rows[i].query), rows[i].shown);
    }
}
END_TEST

/* ---- requests that pass ---- */

static const char *pass(llm_op_e op, const char *path, const char *query,
                        const char *url, const char *body)
{
    const llm_provider_t *provider = exchange_provider("gemini", url);
    llm_bytes_t raw = {body, strlen(body)};
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_problem_t *problem = NULL;
    llm_line_t *line = NULL;
    llm_request_t req;
    int hide = 1, i;

    memset(&req, 0, sizeof(req));
    req.headers = apr_table_make(unit_pool, 2);
    ck_assert(llm_gemini_read_line(&line, &problem, path, query, unit_pool));
    ck_assert_ptr_null(problem);
    req.line = line;
    ck_assert_ptr_null(llm_gemini_pass_request(&req, op, raw, "gemini-x",
                                               provider, &hide, unit_pool));
    ck_assert_int_eq(hide, 0);
    llm_buf_puts(out, req.path);
    llm_buf_putc(out, '\n');
    for (i = 0; i < req.body_count; ++i) {
        llm_buf_append(out, req.body[i].data, req.body[i].len);
    }
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

START_TEST(bytes_pass_but_for_the_models_name)
{
    ck_assert_str_eq(
        pass(LLM_OP_CHAT, "/v1beta/models/a:generateContent", "prettyPrint=0",
             NULL, "{ \"x\":1.0, \"x\":\"\\u0041\\u0000\",\"contents\":[] }"),
        "/v1beta/models/gemini-x:generateContent?prettyPrint=0\n"
        "{ \"x\":1.0, \"x\":\"\\u0041\\u0000\",\"contents\":[] }");
    ck_assert_str_eq(
        pass(LLM_OP_CHAT, "/v1beta/models/a:streamGenerateContent", NULL,
             "https://h/v1/projects/p/locations/l/publishers/google", "{}"),
        "/v1/projects/p/locations/l/publishers/google/models/"
        "gemini-x:streamGenerateContent?alt=sse\n{}");
    ck_assert_str_eq(
        pass(LLM_OP_EMBED, "/v1/models/a:batchEmbedContents", NULL, NULL,
             "{\"requests\":[{\"model\":\"models/a\",\"content\":{\"model\":1}}"
             ", {\"model\" : \"models/a\"}]}"),
        "/v1beta/models/gemini-x:batchEmbedContents\n"
        "{\"requests\":[{\"model\":\"models/gemini-x\",\"content\":{\"model\":"
        "1}}, {\"model\" : \"models/gemini-x\"}]}");
    ck_assert_str_eq(
        pass(LLM_OP_COUNT, "/v1/models/a:countTokens", NULL, NULL,
             "{\"generate_content_request\":{\"model\":\"models/a\"}}"),
        "/v1beta/models/gemini-x:countTokens\n"
        "{\"generate_content_request\":{\"model\":\"models/gemini-x\"}}");
}
END_TEST

/* A conversation that another provider's model went on with. */
START_TEST(what_others_signed_is_no_signature_to_gemini)
{
    ck_assert_str_eq(
        pass(
            LLM_OP_CHAT, "/v1beta/models/a:generateContent", NULL, NULL,
            "{\"contents\":[{\"parts\":[{\"text\":\"\\\"bGxtZ3c6\",\"thought\":"
            "true,\"thought_signature\": \"bGxtZ3c6czpFcVFC\"},{"
            "\"thoughtSignature\":\"CsoBAQ==\"}]}],\"model\":\"a\"}"),
        "/v1beta/models/gemini-x:generateContent\n"
        "{\"contents\":[{\"parts\":[{\"text\":\"\\\"bGxtZ3c6\",\"thought\":"
        "true,\"thought_signature\": "
        "\"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=\"},{"
        "\"thoughtSignature\":\"CsoBAQ==\"}]}],\"model\":"
        "\"models/gemini-x\"}");
}
END_TEST

/* ---- signatures ---- */

static llm_text_t text_of(const char *text)
{
    return (llm_text_t){text, strlen(text)};
}

/* Base64 as Google's SDKs write it: the other alphabet, or no padding. */
static llm_text_t other_alphabet(llm_text_t text, int cut)
{
    char *copy = apr_pstrmemdup(unit_pool, text.data, text.len), *at;

    for (at = copy; *at; ++at) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
    while (cut && at > copy && at[-1] == '=') {
        *--at = '\0';
    }
    return text_of(copy);
}

START_TEST(what_others_signed_comes_back)
{
    static const char *const opaque[] = {"EqQB", "a+/b==", "\xc3\xbc?>~", "x",
                                         "\\u0041"};
    llm_text_t back;
    apr_size_t i;

    for (i = 0; i < sizeof(opaque) / sizeof(*opaque); ++i) {
        llm_text_t wrapped =
            llm_gemini_wrap('s', text_of(opaque[i]), unit_pool);
        const char *plain = llm_text_string(text_of(opaque[i]), unit_pool);

        ck_assert_int_eq(llm_gemini_unwrap(&back, wrapped, unit_pool), 's');
        ck_assert_str_eq(llm_text_string(back, unit_pool), plain);
        back = LLM_TEXT_NONE;
        ck_assert_int_eq(
            llm_gemini_unwrap(&back, other_alphabet(wrapped, 1), unit_pool),
            's');
        ck_assert_str_eq(llm_text_string(back, unit_pool), plain);
    }
    ck_assert_int_eq(
        llm_gemini_unwrap(&back, llm_gemini_wrap('r', text_of("z"), unit_pool),
                          unit_pool),
        'r');
    ck_assert_int_eq(llm_gemini_unwrap(&back, text_of("CsoBAQ=="), unit_pool),
                     0);
    ck_assert_int_eq(
        llm_gemini_unwrap(&back, text_of("bGxtZ3c6!!!!!!!!"), unit_pool), 0);
    ck_assert_ptr_null(back.data);
}
END_TEST

/* An answer of Anthropic's with thinking, to a client of Gemini's and back. */
START_TEST(thinking_makes_the_round)
{
    static const char answer[] =
        "{\"type\":\"message\",\"id\":\"m\",\"model\":\"c\",\"content\":[{"
        "\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"Eq+/QB=="
        "\"},{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"},{\"type\":"
        "\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{}}],"
        "\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":1,"
        "\"output_tokens\":2}}";
    static const char question[] =
        "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"tools\":[{"
        "\"functionDeclarations\":[{\"name\":\"f\"}]}],\"generationConfig\":{"
        "\"maxOutputTokens\":9000,\"thinkingConfig\":{\"includeThoughts\":true,"
        "\"thinkingBudget\":2000}}";
    const llm_ask_t *ask = exchange_ask(
        "gemini", LLM_OP_CHAT, apr_pstrcat(unit_pool, question, "}", NULL));
    llm_problem_t *problem;
    const char *written = exchange_write("anthropic", "gemini", ask, answer,
                                         sizeof(answer) - 1, &problem);
    const llm_json_t *content = llm_json_get(
        llm_json_at(
            llm_json_get(exchange_json(written, strlen(written)), "candidates"),
            0),
        "content");
    const char *next = apr_psprintf(
        unit_pool,
        "%s,\"contents\":[{\"parts\":[{\"text\":\"x\"}]},%.*s,{\"parts\":[{"
        "\"functionResponse\":{\"name\":\"f\",\"response\":{\"output\":"
        "\"ok\"}}}]}]}",
        question, (int)content->raw.len, content->raw.data);
    const char *sent = exchange_request(
        exchange_provider("anthropic", NULL),
        exchange_ask("gemini", LLM_OP_CHAT, next), "claude-sonnet-4-5");

    ck_assert_msg(strstr(sent,
                         "{\"type\":\"thinking\",\"thinking\":\"Hm\","
                         "\"signature\":\"Eq+/QB==\"},{\"type\":"
                         "\"redacted_thinking\",\"data\":\"EmwK\"},{\"type\":"
                         "\"tool_use\",\"id\":\"toolu_1\"")
                      != NULL,
                  "%s", sent);
    ck_assert_msg(!strstr(sent, "dropped"), "%s", sent);
}
END_TEST

/* ---- embeddings and counts ---- */

static const char *embed(const char *body)
{
    const llm_ask_t *ask;
    llm_problem_t *problem;
    llm_ask_t *read;

    problem = llm_gemini_read_request(
        &read, LLM_OP_EMBED, exchange_json(body, strlen(body)), unit_pool);
    if (problem) {
        return apr_pstrcat(unit_pool, "wrong ", problem->param, NULL);
    }
    ask = read;
    return exchange_request(exchange_provider("openai", NULL), ask, "e");
}

START_TEST(texts_to_embed)
{
    static const struct {
        const char *body, *sent;
    } rows[] = {
        {"{\"content\":{\"parts\":[{\"text\":\"a \"},{\"text\":\"\\u00fc\"}]},"
         "\"outputDimensionality\":8,\"task_type\":\"RETRIEVAL_QUERY\"}",
         "/v1/embeddings\n{\"model\":\"e\",\"input\":\"a \\u00fc\","
         "\"dimensions\":8,\"encoding_format\":\"float\"}\n"
         "dropped task_type\n"},
        {"{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}},"
         "{\"content\":{\"parts\":{\"text\":\"b\"}}}]}",
         "/v1/embeddings\n{\"model\":\"e\",\"input\":[\"a\",\"b\"],"
         "\"encoding_format\":\"float\"}\n"},
        {"{\"requests\":[]}", "wrong requests"},
        {"{\"content\":{\"parts\":[]}}", "wrong content.parts"},
        {"{\"content\":{\"parts\":[{\"inlineData\":{}}]}}",
         "wrong content.parts[0].text"},
        {"{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}},"
         "{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
         "\"outputDimensionality\":3}]}",
         "wrong requests[1].outputDimensionality"},
        {"{\"content\":{\"parts\":[{\"text\":\"a\"}]},"
         "\"outputDimensionality\":0}",
         "wrong outputDimensionality"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(embed(rows[i].body), rows[i].sent);
    }
}
END_TEST

START_TEST(counts_are_asked_of_who_can_count)
{
    const llm_ask_t *ask = exchange_ask(
        "gemini", LLM_OP_COUNT,
        "{\"generateContentRequest\":{\"model\":\"models/a\",\"contents\":[{"
        "\"parts\":[{\"text\":\"x\"}]}],\"generationConfig\":{\"temperature\":"
        "1}}}");
    const llm_ask_t *message = exchange_ask(
        "anthropic", LLM_OP_COUNT,
        "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":"
        "\"x\"}]}");
    static const char there[] = "{\"input_tokens\":14}";
    llm_problem_t *problem;

    ck_assert_str_eq(
        exchange_request(exchange_provider("anthropic", NULL), ask, "c"),
        "/v1/messages/count_tokens\n{\"model\":\"c\",\"messages\":[{\"role\":"
        "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n");
    ck_assert_str_eq(
        exchange_request(exchange_provider("gemini", NULL), message, "g"),
        "/v1beta/models/g:countTokens\n{\"generateContentRequest\":{"
        "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\"}]}],"
        "\"model\":\"models/g\"}}\n");
    ck_assert_str_eq(
        exchange_request(
            exchange_provider("gemini", "https://h/v1/publishers/google"),
            message, "g"),
        "/v1/publishers/google/models/g:countTokens\n{\"contents\":[{"
        "\"role\":\"user\",\"parts\":[{\"text\":\"x\"}]}]}\n");
    ck_assert_str_eq(exchange_write("anthropic", "gemini", ask, there,
                                    sizeof(there) - 1, &problem),
                     "{\"totalTokens\":14}");
    exchange_write("gemini", "anthropic", message, "{}", 2, &problem);
    ck_assert_ptr_nonnull(problem);
}
END_TEST

/* ---- streams ---- */

static const char interleaved[] =
    "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c0\",\"function\":{"
    "\"name\":\"f\",\"arguments\":\"{\"}},{\"index\":1,\"id\":\"c1\","
    "\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"x\\\":\"}},{\"index\":"
    "0,\"function\":{\"arguments\":\"}\"}},{\"index\":1,\"function\":{"
    "\"arguments\":\"1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n"
    "data: [DONE]\n\n";

/* Kept until they are whole, calls may come in any order. */
START_TEST(arguments_that_come_in_turns_are_put_together)
{
    const llm_ask_t *ask =
        exchange_ask("gemini", LLM_OP_CHAT,
                     "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}]}");
    cuts_t whole = {0, 0};
    const char *stream = exchange_write_stream(
        "openai", "gemini", ask, interleaved, sizeof(interleaved) - 1, whole);

    ck_assert_msg(strstr(stream,
                         "[{\"functionCall\":{\"id\":\"c0\",\"name\":\"f\","
                         "\"args\":{}}},{\"functionCall\":{\"id\":\"c1\","
                         "\"name\":\"g\",\"args\":{\"x\":1}}}]")
                      != NULL,
                  "%s", stream);
}
END_TEST

START_TEST(one_array_holds_what_the_events_hold)
{
    llm_ask_t *ask =
        exchange_ask("gemini", LLM_OP_CHAT,
                     "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}]}");
    static const char broken[] =
        "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"
        "\"delta\":{\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n";
    cuts_t whole = {0, 0};
    const char *array;
    const llm_json_t *doc;

    ask->as_array = 1;
    array = exchange_write_stream("openai", "gemini", ask, interleaved,
                                  sizeof(interleaved) - 1, whole);
    doc = exchange_json(array, strlen(array));
    ck_assert_uint_eq(doc->count, 2);
    array = exchange_write_stream("openai", "gemini", ask, broken,
                                  sizeof(broken) - 1, whole);
    doc = exchange_json(array, strlen(array));
    ck_assert_uint_eq(doc->count, 2);
    ck_assert_ptr_nonnull(llm_json_get(llm_json_at(doc, 1), "error"));
    array = exchange_write_stream("openai", "gemini", ask, "", 0, whole);
    doc = exchange_json(array, strlen(array));
    ck_assert_uint_eq(doc->count, 1);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_have_googles_details)
{
    llm_problem_t *problem = llm_problem_field(unit_pool, "topK", "no \"k\"");
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    problem->code = "unsupported_parameter";
    problem->retry_after = 3;
    llm_gemini_write_problem(out, problem, "id");
    llm_buf_putc(out, '\0');
    ck_assert_str_eq(
        out->data,
        "{\"error\":{\"code\":400,\"message\":\"topK: no \\\"k\\\"\","
        "\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"@type\":"
        "\"type.googleapis.com/google.rpc.BadRequest\",\"fieldViolations\":[{"
        "\"field\":\"topK\",\"description\":\"topK: no \\\"k\\\"\"}]},{"
        "\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":"
        "\"unsupported_parameter\",\"domain\":\"llm-gateway\"},{\"@type\":"
        "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":"
        "\"3s\"}]}}");
}
END_TEST

/* A refusal names what the client wrote, not what it became. */
START_TEST(errors_name_the_clients_member)
{
    static const struct {
        const char *param, *said;
    } rows[] = {
        {"top_k", "\"generationConfig.topK: no\""},
        {"messages[3].content.file", "\"contents: no\""},
        {"contents[0].role", "\"contents[0].role: no\""},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        llm_buf_t *out = llm_buf_make(0, unit_pool);

        llm_gemini_write_problem(
            out, llm_problem_field(unit_pool, rows[i].param, "no"), "id");
        llm_buf_putc(out, '\0');
        ck_assert_msg(strstr(out->data, rows[i].said) != NULL, "%s", out->data);
    }
}
END_TEST

/* An order that names a member twice, at every level, must not print it twice:
 * sixty levels deep that would never end. */
START_TEST(an_order_with_repetitions_is_printed_once)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const llm_json_t *schema;
    int i;

    for (i = 0; i < 25; ++i) {
        llm_buf_lit(out, "{\"propertyOrdering\":[\"a\",\"a\",\"a\",\"a\"],"
                         "\"properties\":{\"a\":");
    }
    llm_buf_lit(out, "{\"type\":\"STRING\"}");
    for (i = 0; i < 25; ++i) {
        llm_buf_lit(out, "}}");
    }
    schema = llm_gemini_json_schema(exchange_json(out->data, out->len), 1,
                                    unit_pool);
    ck_assert_uint_lt(schema->raw.len, 25 * 60);
}
END_TEST

Suite *gemini_client_suite(void)
{
    Suite *suite = suite_create("gemini_client");
    TCase *requests = tcase_create("requests");
    TCase *answers = tcase_create("answers");

    tcase_add_checked_fixture(requests, unit_pool_open, unit_pool_close);
    tcase_add_test(requests, paths_say_what_is_asked);
    tcase_add_test(requests, bytes_pass_but_for_the_models_name);
    tcase_add_test(requests, what_others_signed_is_no_signature_to_gemini);
    tcase_add_test(requests, what_others_signed_comes_back);
    tcase_add_test(requests, thinking_makes_the_round);
    tcase_add_test(requests, texts_to_embed);
    tcase_add_test(requests, counts_are_asked_of_who_can_count);
    tcase_add_test(requests, an_order_with_repetitions_is_printed_once);
    suite_add_tcase(suite, requests);
    tcase_add_checked_fixture(answers, unit_pool_open, unit_pool_close);
    tcase_add_test(answers, arguments_that_come_in_turns_are_put_together);
    tcase_add_test(answers, one_array_holds_what_the_events_hold);
    tcase_add_test(answers, errors_have_googles_details);
    tcase_add_test(answers, errors_name_the_clients_member);
    suite_add_tcase(suite, answers);
    return suite;
}
