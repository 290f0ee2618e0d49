/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces of OpenAI's Responses at other providers: a call of a tool in one
 * is the client's by both its names, whole and streamed. What is asked for is
 * in the vectors.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/dialect/wire.h"
#include "test/unit/unit.h"

static const char us[] = "openai-responses";

#define LONG "a_namespace_with_a_name_that_is_as_long_as_they_may_be"

static const llm_ask_t *asked(void)
{
    return exchange_ask(
        us, LLM_OP_CHAT,
        "{\"model\":\"m\",\"input\":\"x\",\"tools\":[{\"type\":\"function\","
        "\"name\":\"close\"},{\"type\":\"namespace\",\"name\":\"agents\","
        "\"tools\":[{\"type\":\"function\",\"name\":\"close\"},{\"type\":"
        "\"custom\",\"name\":\"note\"}]},{\"type\":\"namespace\",\"name\":\"" LONG
        "\",\"tools\":[{\"type\":\"function\",\"name\":\"close_all\"}]}]}");
}

/* What a model calls, and what of it the client's item has. */
static const struct {
    const char *called, *type, *name, *space;
} calls[] = {
    {"close", "function_call", "close", NULL},
    {"agents__close", "function_call", "close", "agents"},
    {"agents__note", "custom_tool_call", "note", "agents"},
    {NULL, "function_call", "close_all", LONG}, /* by its name in the request */
    {"agents__nobody", "function_call", "agents__nobody", NULL},
};

#define CALLS ((int)(sizeof(calls) / sizeof(*calls)))

/* The name that the tool of a row has at a provider. */
static const char *called(int i)
{
    const llm_tool_t *tool = asked()->tools;

    while (tool->next) {
        tool = tool->next;
    }
    ck_assert_uint_eq(tool->name.len, 64);
    return calls[i].called ? calls[i].called
                           : llm_text_string(tool->name, unit_pool);
}

static void check_item(const llm_json_t *item, int i)
{
    const llm_json_t *space = llm_json_get(item, "namespace");

    ck_assert(llm_json_equals(llm_json_get(item, "type"), calls[i].type));
    ck_assert(llm_json_equals(llm_json_get(item, "name"), calls[i].name));
    ck_assert(llm_json_equals(llm_json_get(item, "call_id"), "call_1"));
    if (calls[i].space) {
        ck_assert(llm_json_equals(space, calls[i].space));
    }
    else {
        ck_assert_ptr_null(space);
    }
}

START_TEST(a_whole_call_names_its_namespace)
{
    const char *provider = apr_psprintf(
        unit_pool,
        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
        "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
        "\"type\":\"function\",\"function\":{\"name\":\"%s\","
        "\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}",
        called(_i));
    llm_problem_t *problem;
    const char *answer = exchange_write("openai", us, asked(), provider,
                                        strlen(provider), &problem);

    check_item(llm_json_get(wire_json(answer), "output")->child, _i);
}
END_TEST

/* The item of each event that has one. */
static int check_items(const char *stream, int i)
{
    static const char data[] = "\ndata: ";
    const char *at, *end;
    int count = 0;

    for (at = strstr(stream, data); at; at = strstr(end, data)) {
        const llm_json_t *item, *event;

        at += sizeof(data) - 1;
        end = strstr(at, "\n\n");
        ck_assert_ptr_nonnull(end);
        event =
            wire_json(apr_pstrmemdup(unit_pool, at, (apr_size_t)(end - at)));
        item = llm_json_get(event, "item");
        if (item) {
            check_item(item, i);
            ++count;
        }
        if (llm_json_equals(llm_json_get(event, "type"),
                            "response.function_call_arguments.done")) {
            ck_assert(
                llm_json_equals(llm_json_get(event, "name"), calls[i].name));
        }
    }
    return count;
}

START_TEST(a_streamed_call_names_its_namespace)
{
    const char *stream = apr_psprintf(
        unit_pool,
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{"
        "\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":"
        "\"function\",\"function\":{\"name\":\"%s\",\"arguments\":\"{}\"}"
        "}]}}]}\n\ndata: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":"
        "{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n",
        called(_i));
    cuts_t whole = {0, 0};

    stream = exchange_write_stream("openai", us, asked(), stream,
                                   strlen(stream), whole);
    exchange_check_stream(us, asked(), stream);
    ck_assert_int_eq(check_items(stream, _i), 2); /* added, done */
}
END_TEST

Suite *responses_space_suite(void)
{
    Suite *suite = suite_create("responses_space");
    TCase *tcase = tcase_create("answers");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_loop_test(tcase, a_whole_call_names_its_namespace, 0, CALLS);
    tcase_add_loop_test(tcase, a_streamed_call_names_its_namespace, 0, CALLS);
    suite_add_tcase(suite, tcase);
    return suite;
}
