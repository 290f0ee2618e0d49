/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custom tools of OpenAI's Responses at other providers: the text a model
 * gives as the argument of a function is the client's, whole and streamed.
 * What is asked for is in the vectors.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/dialect/wire.h"
#include "test/unit/unit.h"

static const char us[] = "openai-responses";

static const llm_ask_t *asked(void)
{
    return exchange_ask(us, LLM_OP_CHAT,
                        "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{"
                        "\"type\":\"custom\",\"name\":\"patch\"},{\"type\":"
                        "\"function\",\"name\":\"f\"}]}");
}

/* A model's arguments, and the text that is the client's: each as the inside
 * of a JSON string. */
static const struct {
    const char *args, *input;
} calls[] = {
    {"{\\\"input\\\":\\\"a \\\\\\\"b\\\\\\\"\\\\n\\\\u00e9\\\"}",
     "a \\\"b\\\"\\n\\u00e9"},
    {"{\\\"input\\\": \\\"\\\", \\\"more\\\": [1]}", ""},
    {"{\\\"INVALID_JSON\\\": \\\"x\\\", \\\"input\\\": \\\"y\\\"}", "y"},
    {"{\\\"patch\\\":\\\"z\\\"}", "{\\\"patch\\\":\\\"z\\\"}"},
    {"{\\\"input\\\":{\\\"a\\\":1}}", "{\\\"input\\\":{\\\"a\\\":1}}"},
    {"*** Begin\\n", "*** Begin\\n"},
    {"{\\\"input\\\":\\\"cut", "{\\\"input\\\":\\\"cut"},
    {"{}", "{}"},
};

#define CALLS ((int)(sizeof(calls) / sizeof(*calls)))

/* The only custom call among the items, its input as expected. */
static void check_output(const llm_json_t *output, const char *input)
{
    const llm_json_t *item, *call = NULL;
    llm_text_t text;

    for (item = output->child; item; item = item->next) {
        if (llm_json_equals(llm_json_get(item, "type"), "custom_tool_call")) {
            ck_assert_ptr_null(call);
            call = item;
        }
    }
    ck_assert_ptr_nonnull(call);
    text = llm_json_text(llm_json_get(call, "input"));
    ck_assert_str_eq(apr_pstrmemdup(unit_pool, text.data, text.len), input);
    ck_assert(llm_json_equals(llm_json_get(call, "call_id"), "call_1"));
    ck_assert(llm_json_equals(llm_json_get(call, "name"), "patch"));
    ck_assert(llm_json_equals(llm_json_get(call, "status"), "completed"));
    ck_assert_ptr_null(llm_json_get(call, "arguments"));
}

START_TEST(a_whole_call_has_its_text)
{
    llm_problem_t *problem;
    const char *provider = apr_psprintf(
        unit_pool,
        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
        "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
        "\"type\":\"function\",\"function\":{\"name\":\"patch\","
        "\"arguments\":\"%s\"}},{\"id\":\"call_2\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
        "\"finish_reason\":\"tool_calls\"}]}",
        calls[_i].args);
    const char *answer = exchange_write("openai", us, asked(), provider,
                                        strlen(provider), &problem);

    check_output(llm_json_get(wire_json(answer), "output"), calls[_i].input);
    ck_assert_ptr_nonnull(strstr(answer, "\"type\":\"function_call\""));
}
END_TEST

/* Of a stream: the output of its last event. */
static const llm_json_t *last_output(const char *stream)
{
    static const char last[] = "event: response.completed\ndata: ";
    const char *data = strstr(stream, last);
    const char *end = data ? strstr(data, "\n\n") : NULL;

    ck_assert_ptr_nonnull(end);
    data += sizeof(last) - 1;
    return llm_json_path(
        wire_json(apr_pstrmemdup(unit_pool, data, (apr_size_t)(end - data))),
        "response", "output", NULL);
}

/* Cut in its escapes as well: the pieces are known when all is there, and
 * nothing is called a function's arguments. */
START_TEST(a_streamed_call_has_its_text)
{
    static const char piece[] =
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{"
        "\"tool_calls\":[{\"index\":0,%s\"function\":{%s\"arguments\":\"%s\"}"
        "}]}}]}\n\n";
    const char *args = calls[_i].args, *at = args, *stream;
    cuts_t whole = {0, 0};

    stream = apr_psprintf(unit_pool, piece,
                          "\"id\":\"call_1\",\"type\":\"function\",",
                          "\"name\":\"patch\",", "");
    while (*at) {
        apr_size_t len = *at == '\\' ? 2 : 1;

        stream = apr_pstrcat(unit_pool, stream,
                             apr_psprintf(unit_pool, piece, "", "",
                                          apr_pstrmemdup(unit_pool, at, len)),
                             NULL);
        at += len;
    }
    stream = apr_pstrcat(
        unit_pool, stream,
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{},"
        "\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
        NULL);
    stream = exchange_write_stream("openai", us, asked(), stream,
                                   strlen(stream), whole);
    exchange_check_stream(us, asked(), stream);
    check_output(last_output(stream), calls[_i].input);
    ck_assert_ptr_nonnull(
        strstr(stream, "event: response.custom_tool_call_input.done"));
    ck_assert_ptr_null(strstr(stream, "function_call_arguments"));
}
END_TEST

static const char *streamed(const char *provider, const char *stream)
{
    cuts_t whole = {0, 0};
    const char *written = exchange_write_stream(provider, us, asked(), stream,
                                                strlen(stream), whole);

    exchange_check_stream(us, asked(), written);
    return written;
}

/* Beside text and a function's call, from two that stream otherwise. */
START_TEST(others_stream_it_as_well)
{
    const char *written = streamed(
        "anthropic",
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{"
        "\"id\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1}}}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\","
        "\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":"
        "\"call_1\",\"name\":\"patch\",\"input\":{}}}\n\n"
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
        "\"index\":0,\"delta\":{\"type\":\"input_json_delta\","
        "\"partial_json\":\"{\\\"input\\\": \\\"a\\\\\"}}\n\n"
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
        "\"index\":0,\"delta\":{\"type\":\"input_json_delta\","
        "\"partial_json\":\"nb\\\"}\"}}\n\n"
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
        "\"index\":0}\n\n"
        "event: content_block_start\ndata: {\"type\":\"content_block_start\","
        "\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t2\","
        "\"name\":\"f\",\"input\":{}}}\n\n"
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
        "\"index\":1}\n\n"
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"
        "\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":2}}\n\n"
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");

    check_output(last_output(written), "a\\nb");
    ck_assert_ptr_nonnull(
        strstr(written, "event: response.function_call_arguments.done"));
    written = streamed(
        "gemini",
        "data: {\"responseId\":\"r\",\"candidates\":[{\"content\":{\"parts\":[{"
        "\"text\":\"I fix.\"},{\"functionCall\":{\"id\":\"call_1\",\"name\":"
        "\"patch\",\"args\":{\"input\":\"a\\nb\"}}}]},\"finishReason\":"
        "\"STOP\"}]}\n\n");
    check_output(last_output(written), "a\\nb");
}
END_TEST

/* Arguments that are kept are bounded like all of an answer. */
START_TEST(a_call_past_the_limit_fails)
{
    llm_ask_t *ask = (llm_ask_t *)asked();
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_call_t call = {.id = "call_1", .name = LLM_TEXT_LITERAL("patch")};
    llm_delta_t delta = {.kind = LLM_DELTA_CALL, .call = &call};
    const llm_dialect_t *dialect = exchange_dialect(us);
    llm_writer_t *writer;
    int i;

    ask->answer_limit = 2000;
    writer = dialect->writer_make(ask, "x1", 0, unit_pool);
    dialect->write_delta(out, writer, &delta);
    delta.kind = LLM_DELTA_ARGS;
    delta.text = LLM_TEXT_LITERAL("0123456789");
    for (i = 0; i < 400; ++i) {
        dialect->write_delta(out, writer, &delta);
    }
    delta.kind = LLM_DELTA_END;
    dialect->write_delta(out, writer, &delta);
    llm_buf_putc(out, '\0');
    ck_assert_ptr_nonnull(strstr(out->data, "event: response.failed"));
    ck_assert_ptr_null(strstr(out->data, "custom_tool_call_input"));
    exchange_check_stream(us, ask, out->data);
}
END_TEST

Suite *responses_custom_suite(void)
{
    Suite *suite = suite_create("responses_custom");
    TCase *tcase = tcase_create("answers");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_loop_test(tcase, a_whole_call_has_its_text, 0, CALLS);
    tcase_add_loop_test(tcase, a_streamed_call_has_its_text, 0, CALLS);
    tcase_add_test(tcase, others_stream_it_as_well);
    tcase_add_test(tcase, a_call_past_the_limit_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
