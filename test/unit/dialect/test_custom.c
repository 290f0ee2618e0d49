/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tools of chats that take a text, and the choice of some tools, where the
 * vectors do not tell: streams cut anywhere, limits, what is wrong in a request.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/dialect/wire.h"
#include "test/unit/unit.h"

#define TOOLS                                                                  \
    "\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"patch\"}},{"       \
    "\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
#define REQUEST(more)                                                          \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"    \
    "," TOOLS more "}"

static llm_ask_t *asked(void)
{
    return exchange_ask("openai", LLM_OP_CHAT, REQUEST(",\"stream\":true"));
}

/* Two texts at once, and arguments between them: each is told whole. */
START_TEST(texts_that_are_mixed_stay_apart)
{
    static const struct {
        int call;
        const char *text;
    } pieces[] = {{0, "{\\\"input\\\":"}, {1, "{\\\"input\\\":\\\"b"},
                  {0, "\\\"a\\\\"},       {2, "{\\\"x\\\":1}"},
                  {1, "\\\"}"},           {0, "n\\\"}"}};
    static const llm_text_t names[] = {LLM_TEXT_LITERAL("patch"),
                                       LLM_TEXT_LITERAL("patch"),
                                       LLM_TEXT_LITERAL("f")};
    const llm_dialect_t *dialect = exchange_dialect("openai");
    llm_ask_t *ask = asked();
    llm_writer_t *writer = dialect->writer_make(ask, "x1", 0, unit_pool);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_delta_t delta = {.kind = LLM_DELTA_CALL};
    apr_size_t i;

    for (i = 0; i < 3; ++i) {
        llm_call_t call = {.id = apr_psprintf(unit_pool, "c%d", (int)i),
                           .name = names[i]};

        delta.call = &call;
        delta.call_index = (int)i;
        dialect->write_delta(out, writer, &delta);
    }
    delta.kind = LLM_DELTA_ARGS;
    for (i = 0; i < sizeof(pieces) / sizeof(*pieces); ++i) {
        delta.call_index = pieces[i].call;
        delta.text.data = pieces[i].text;
        delta.text.len = strlen(pieces[i].text);
        dialect->write_delta(out, writer, &delta);
    }
    delta.kind = LLM_DELTA_END;
    dialect->write_delta(out, writer, &delta);
    llm_buf_putc(out, '\0');
    ck_assert_ptr_nonnull(
        strstr(out->data, "[{\"index\":0,\"custom\":{\"input\":\"a\\n\"}}]"));
    ck_assert_ptr_nonnull(
        strstr(out->data, "[{\"index\":1,\"custom\":{\"input\":\"b\"}}]"));
    ck_assert_ptr_nonnull(strstr(out->data, "\"arguments\":\"{\\\"x\\\":1}\""));
    exchange_check_stream("openai", ask, out->data);
}
END_TEST

START_TEST(a_text_past_the_limit_fails)
{
    const llm_dialect_t *dialect = exchange_dialect("openai");
    llm_ask_t *ask = asked();
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_call_t call = {.id = "call_1", .name = LLM_TEXT_LITERAL("patch")};
    llm_delta_t delta = {.kind = LLM_DELTA_CALL, .call = &call};
    llm_writer_t *writer;
    int i;

    ask->answer_limit = 100;
    writer = dialect->writer_make(ask, "x1", 0, unit_pool);
    dialect->write_delta(out, writer, &delta);
    delta.kind = LLM_DELTA_ARGS;
    delta.text = LLM_TEXT_LITERAL("0123456789");
    for (i = 0; i < 40; ++i) {
        dialect->write_delta(out, writer, &delta);
    }
    delta.kind = LLM_DELTA_END;
    dialect->write_delta(out, writer, &delta);
    llm_buf_putc(out, '\0');
    ck_assert_ptr_nonnull(strstr(out->data, "answer is too large"));
    ck_assert_ptr_null(strstr(out->data, "0123456789"));
    exchange_check_stream("openai", ask, out->data);
}
END_TEST

/* A provider's text, cut into single characters, is the same text. */
START_TEST(a_text_in_small_pieces_is_whole)
{
    static const char text[] = "{\"a\": \"\\\\\"}\n\t\xc3\xa9";
    const char *stream = "";
    const char *at;
    cuts_t whole = {0, 0};
    apr_size_t len;

    for (at = text; *at; at += len) {
        llm_text_t piece;

        for (len = 1; (at[len] & 0xc0) == 0x80; ++len) {
        }
        piece = llm_text_escape(at, len, unit_pool);
        stream = apr_psprintf(
            unit_pool,
            "%sdata: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{"
            "\"tool_calls\":[{\"index\":0,%s\"custom\":{%s\"input\":\"%.*s\"}"
            "}]}}]}\n\n",
            stream, at == text ? "\"id\":\"c1\",\"type\":\"custom\"," : "",
            at == text ? "\"name\":\"patch\"," : "", (int)piece.len,
            piece.data);
    }
    stream = apr_pstrcat(unit_pool, stream,
                         "data: {\"id\":\"a\",\"choices\":[{\"index\":0,"
                         "\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                         "data: [DONE]\n\n",
                         NULL);
    stream = exchange_write_stream("openai", "openai", asked(), stream,
                                   strlen(stream), whole);
    ck_assert_ptr_nonnull(strstr(stream, "\"custom\":{\"input\":\"{\\\"a\\\": "
                                         "\\\"\\\\\\\\\\\"}\\n\\t\xc3\xa9\"}"));
}
END_TEST

static const struct {
    const char *more, *param;
} wrong[] = {
    {",\"tool_choice\":{\"type\":\"allowed_tools\",\"tools\":[]}",
     "tool_choice.mode"},
    {",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{"
     "\"mode\":\"none\",\"tools\":[]}}",
     "tool_choice.allowed_tools.mode"},
    {",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{"
     "\"mode\":\"auto\",\"tools\":{}}}",
     "tool_choice.allowed_tools.tools"},
    {",\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{"
     "\"mode\":\"auto\",\"tools\":[{\"type\":\"function\",\"function\":{"
     "\"name\":\"f\"}},{\"type\":\"function\"}]}}",
     "tool_choice.allowed_tools.tools[1]"},
    {",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\","
     "\"type\":\"custom\",\"custom\":{\"name\":\"patch\"}}]}]",
     "messages[0].tool_calls[0].custom"},
};

START_TEST(what_is_wrong_is_named)
{
    const char *body = apr_pstrcat(
        unit_pool, "{\"model\":\"m\"," TOOLS,
        strstr(wrong[_i].more, "messages")
            ? ""
            : ",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]",
        wrong[_i].more, "}", NULL);
    llm_ask_t *ask;
    llm_problem_t *problem = exchange_dialect("openai")->read_request(
        &ask, LLM_OP_CHAT, wire_json(body), unit_pool);

    ck_assert_ptr_nonnull(problem);
    ck_assert_str_eq(problem->param, wrong[_i].param);
}
END_TEST

Suite *custom_suite(void)
{
    Suite *suite = suite_create("custom");
    TCase *tcase = tcase_create("chats");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, texts_that_are_mixed_stay_apart);
    tcase_add_test(tcase, a_text_past_the_limit_fails);
    tcase_add_test(tcase, a_text_in_small_pieces_is_whole);
    tcase_add_loop_test(tcase, what_is_wrong_is_named, 0,
                        (int)(sizeof(wrong) / sizeof(*wrong)));
    suite_add_tcase(suite, tcase);
    return suite;
}
