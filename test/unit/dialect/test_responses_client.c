/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's Responses, facing clients: what a request asks other providers, what
 * is refused by its name, what answers and streams look like.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/dialect/wire.h"
#include "test/unit/unit.h"

static const char us[] = "openai-responses";

static void must_have(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no %s in %s", part, text);
}

/* What a provider of that dialect gets for `{"model":"m",<rest>}`. */
static const char *sent_to(const char *provider, const char *rest)
{
    const char *body =
        apr_pstrcat(unit_pool, "{\"model\":\"m\",", rest, "}", NULL);
    llm_problem_t *problem;
    llm_ask_t *ask;

    problem = exchange_dialect(us)->read_request(&ask, LLM_OP_CHAT,
                                                 wire_json(body), unit_pool);
    if (problem) {
        ck_assert_int_eq(problem->kind, LLM_PROBLEM_BAD_REQUEST);
        ck_assert_ptr_nonnull(problem->param);
        return apr_psprintf(unit_pool, "refused %s: %s", problem->param,
                            problem->message);
    }
    return exchange_request(
        exchange_provider(provider, strcmp(provider, "openai")
                                        ? NULL
                                        : "http://localhost/v1"),
        ask, strcmp(provider, "anthropic") ? "m" : "claude-sonnet-4-5");
}

/* ---- requests ---- */

START_TEST(items_in_a_row_are_one_message)
{
    const char *chat = sent_to(
        "openai",
        "\"instructions\":\"Be kind.\",\"input\":[{\"role\":\"user\","
        "\"content\":\"x\"},{\"type\":\"reasoning\",\"id\":\"rs_1\","
        "\"summary\":[],\"encrypted_content\":\"gA\"},{\"type\":\"message\","
        "\"role\":\"assistant\",\"id\":\"msg_1\",\"status\":\"completed\","
        "\"content\":[{\"type\":\"output_text\",\"text\":\"I look.\","
        "\"annotations\":[]}]},{\"type\":\"function_call\",\"id\":\"fc_1\","
        "\"call_id\":\"call_1\",\"name\":\"f\",\"arguments\":\"{}\"},{"
        "\"type\":\"function_call\",\"call_id\":\"call_2\",\"name\":\"f\","
        "\"arguments\":\"\"},{\"type\":\"function_call_output\",\"call_id\":"
        "\"call_1\",\"output\":\"1\"},{\"type\":\"function_call_output\","
        "\"call_id\":\"call_2\",\"output\":[{\"type\":\"input_text\","
        "\"text\":\"2\"}]}]");

    must_have(chat,
              "\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},"
              "{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\","
              "\"content\":\"I look.\",\"tool_calls\":[{\"id\":\"call_1\","
              "\"type\":\"function\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"{}\"}},{\"id\":\"call_2\",\"type\":"
              "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
              "\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1\","
              "\"content\":\"1\"},{\"role\":\"tool\",\"tool_call_id\":"
              "\"call_2\",\"content\":\"2\"}]");
    must_have(chat, "dropped messages.content.thinking");
}
END_TEST

START_TEST(options_reach_others)
{
    const char *chat = sent_to(
        "openai",
        "\"input\":\"x\",\"max_output_tokens\":9,\"temperature\":0.5,"
        "\"top_p\":0.1,\"reasoning\":{\"effort\":\"low\",\"summary\":"
        "\"auto\"},\"include\":[\"reasoning.encrypted_content\","
        "\"message.output_text.logprobs\"],\"top_logprobs\":3,\"store\":true,"
        "\"truncation\":\"auto\",\"text\":{\"verbosity\":\"low\",\"format\":{"
        "\"type\":\"json_schema\",\"name\":\"n\",\"strict\":true,\"schema\":{"
        "\"type\":\"object\"}}},\"tools\":[{\"type\":\"function\",\"name\":"
        "\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},"
        "\"strict\":true}],\"tool_choice\":{\"type\":\"function\",\"name\":"
        "\"f\"},\"parallel_tool_calls\":false,\"stream\":true,"
        "\"stream_options\":{\"include_obfuscation\":false},\"background\":"
        "false,\"previous_response_id\":null");

    must_have(chat, "\"max_tokens\":9,\"temperature\":0.5,\"top_p\":0.1");
    must_have(chat, "\"logprobs\":true,\"top_logprobs\":3");
    must_have(chat, "\"reasoning_effort\":\"low\"");
    must_have(chat, "\"json_schema\":{\"name\":\"n\",\"strict\":true,"
                    "\"schema\":{\"type\":\"object\"}}");
    must_have(chat, "\"tool_choice\":{\"type\":\"function\",\"function\":{"
                    "\"name\":\"f\"}},\"parallel_tool_calls\":false");
    must_have(chat, "{\"type\":\"function\",\"function\":{\"name\":\"f\","
                    "\"description\":\"d\",\"parameters\":{\"type\":"
                    "\"object\",\"properties\":{}},\"strict\":true}}");
    must_have(chat, "\"stream\":true,\"stream_options\":{\"include_usage\":"
                    "true}");
    must_have(chat, "dropped text.verbosity\n");
    must_have(chat, "dropped store\n");
    must_have(chat, "dropped truncation\n");
}
END_TEST

START_TEST(media_reach_others)
{
    static const char input[] =
        "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
        "\"text\":\"see\"},{\"type\":\"input_image\",\"detail\":\"auto\","
        "\"image_url\":\"data:image/png;base64,iVBO\"},{\"type\":"
        "\"input_file\",\"filename\":\"a.pdf\",\"file_data\":"
        "\"data:application/pdf;base64,JVBE\"}]}]";

    must_have(sent_to("anthropic", input),
              "{\"type\":\"image\",\"source\":{\"type\":\"base64\","
              "\"media_type\":\"image/png\",\"data\":\"iVBO\"}}");
    must_have(sent_to("anthropic", input), "\"data\":\"JVBE\"");
    must_have(sent_to("openai", input),
              "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\","
              "\"file_data\":\"data:application/pdf;base64,JVBE\"}}");
}
END_TEST

static const struct {
    const char *member, *rest;
} wrong[] = {
    /* what OpenAI alone has */
    {"previous_response_id",
     "\"input\":\"x\",\"previous_response_id\":\"resp_1\""},
    {"conversation", "\"input\":\"x\",\"conversation\":\"conv_1\""},
    {"prompt", "\"input\":\"x\",\"prompt\":{\"id\":\"pmpt_1\"}"},
    {"background", "\"input\":\"x\",\"background\":true"},
    {"tools[1]", "\"input\":\"x\",\"tools\":[{\"type\":\"function\","
                 "\"name\":\"f\"},{\"type\":\"code_interpreter\"}]"},
    {"tools[0]", "\"input\":\"x\",\"tools\":[{\"type\":\"mcp\","
                 "\"server_label\":\"s\"}]"},
    {"tool_choice", "\"input\":\"x\",\"tool_choice\":{\"type\":"
                    "\"file_search\"}"},
    {"input[0].type",
     "\"input\":[{\"type\":\"item_reference\",\"id\":\"msg_1\"}]"},
    {"input[1].type", "\"input\":[{\"role\":\"user\",\"content\":\"x\"},{"
                      "\"type\":\"computer_call_output\"}]"},
    {"text.format.type", "\"input\":\"x\",\"text\":{\"format\":{\"type\":"
                         "\"grammar\"}}"},
    /* what is no request */
    {"input", "\"instructions\":\"x\""},
    {"input", "\"input\":[]"},
    {"input[0]", "\"input\":[5]"},
    {"input[0].type", "\"input\":[{\"content\":\"x\"}]"},
    {"input[0].role", "\"input\":[{\"role\":\"tool\",\"content\":\"x\"}]"},
    {"input[0].content", "\"input\":[{\"role\":\"user\",\"content\":5}]"},
    {"input[0].content[1].type",
     "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
     "\"text\":\"x\"},{\"type\":\"image_url\"}]}]"},
    {"input[0].content[0].image_url",
     "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}"
     "]"},
    {"input[0].content[0].file_data",
     "\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_file\","
     "\"file_data\":\"data:application/pdf,x\"}]}]"},
    {"input[0].call_id",
     "\"input\":[{\"type\":\"function_call\",\"name\":\"f\"}]"},
    {"input[0].output",
     "\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\"}]"},
    {"input[0].input", "\"input\":[{\"type\":\"custom_tool_call\","
                       "\"call_id\":\"c\",\"name\":\"f\"}]"},
    {"instructions", "\"input\":\"x\",\"instructions\":5"},
    {"max_output_tokens", "\"input\":\"x\",\"max_output_tokens\":\"9\""},
    {"tools[0].name", "\"input\":\"x\",\"tools\":[{\"type\":\"function\"}]"},
    {"tools[0].name", "\"input\":\"x\",\"tools\":[{\"type\":\"custom\"}]"},
    {"tools[0].format.type", "\"input\":\"x\",\"tools\":[{\"type\":"
                             "\"custom\",\"name\":\"f\",\"format\":{"
                             "\"type\":\"json\"}}]"},
    {"tools[0].format.definition",
     "\"input\":\"x\",\"tools\":[{\"type\":\"custom\",\"name\":\"f\","
     "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\"}}]"},
    {"tools[0].name", "\"input\":\"x\",\"tools\":[{\"type\":"
                      "\"namespace\",\"tools\":[]}]"},
    {"tools[0].tools", "\"input\":\"x\",\"tools\":[{\"type\":"
                       "\"namespace\",\"name\":\"s\"}]"},
    {"tools[0].tools[0].name",
     "\"input\":\"x\",\"tools\":[{\"type\":\"namespace\",\"name\":\"s\","
     "\"tools\":[{\"type\":\"function\"}]}]"},
    {"tools[0].tools[1].type",
     "\"input\":\"x\",\"tools\":[{\"type\":\"namespace\",\"name\":\"s\","
     "\"tools\":[{\"type\":\"function\",\"name\":\"f\"},{\"type\":"
     "\"namespace\",\"name\":\"t\",\"tools\":[{\"type\":\"function\","
     "\"name\":\"g\"}]}]}]"},
    {"tool_choice", "\"input\":\"x\",\"tool_choice\":\"any\""},
    {"reasoning.effort", "\"input\":\"x\",\"reasoning\":{\"effort\":5}"},
    {"text.format.schema", "\"input\":\"x\",\"text\":{\"format\":{\"type\":"
                           "\"json_schema\",\"name\":\"n\"}}"},
    {"include", "\"input\":\"x\",\"include\":\"all\""},
    {"stream", "\"input\":\"x\",\"stream\":1"},
    {"unheard_of", "\"input\":\"x\",\"unheard_of\":1"},
};

START_TEST(what_is_wrong_is_named)
{
    must_have(sent_to("anthropic", wrong[_i].rest),
              apr_pstrcat(unit_pool, "refused ", wrong[_i].member, ": ", NULL));
}
END_TEST

START_TEST(an_item_known_by_its_id_alone_is_dropped)
{
    must_have(sent_to("openai", "\"input\":[{\"type\":\"reasoning\",\"id\":"
                                "\"rs_1\",\"summary\":[]},{\"role\":"
                                "\"user\",\"content\":\"x\"}]"),
              "dropped input.reasoning");
}
END_TEST

/* ---- answers ---- */

static const llm_ask_t *asked(const char *rest)
{
    return exchange_ask(
        us, LLM_OP_CHAT,
        apr_pstrcat(unit_pool, "{\"model\":\"m\",", rest, "}", NULL));
}

static const char claude[] =
    "{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
    "\"claude\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm\","
    "\"signature\":\"EqQB\"},{\"type\":\"redacted_thinking\",\"data\":"
    "\"EmwK\"},{\"type\":\"text\",\"text\":\"I look.\"},{\"type\":"
    "\"tool_use\",\"id\":\"toolu_1\",\"name\":\"f\",\"input\":{\"a\":1}}],"
    "\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":5,"
    "\"cache_read_input_tokens\":3,\"output_tokens\":7}}";

START_TEST(an_answer_is_a_response_object)
{
    llm_problem_t *problem;
    const char *answer = exchange_write(
        "anthropic", us,
        asked("\"input\":\"x\",\"instructions\":\"Be kind.\",\"temperature\":"
              "0.50,\"metadata\":{\"k\":\"v\"},\"tools\":[{\"type\":"
              "\"function\",\"name\":\"f\"}],\"max_output_tokens\":50"),
        claude, sizeof(claude) - 1, &problem);
    const llm_json_t *doc = wire_json(answer);

    must_have(llm_json_string(llm_json_get(doc, "id"), unit_pool), "resp_");
    must_have(answer, "\"object\":\"response\"");
    must_have(answer, "\"status\":\"completed\",\"background\":false,"
                      "\"error\":null,\"incomplete_details\":null");
    must_have(answer, "\"summary\":[{\"type\":\"summary_text\",\"text\":"
                      "\"Hm\"}],\"encrypted_content\":\"thinking#EqQB\"}");
    must_have(answer, "\"summary\":[],\"encrypted_content\":"
                      "\"redacted#EmwK\"}");
    must_have(answer, "\"type\":\"message\",\"status\":\"completed\","
                      "\"content\":[{\"type\":\"output_text\","
                      "\"annotations\":[],\"logprobs\":[],\"text\":\"I "
                      "look.\"}],\"role\":\"assistant\"}");
    must_have(answer, "\"type\":\"function_call\",\"status\":\"completed\","
                      "\"arguments\":\"{\\\"a\\\":1}\",\"call_id\":"
                      "\"toolu_1\",\"name\":\"f\"}");
    must_have(answer, "\"usage\":{\"input_tokens\":8,"
                      "\"input_tokens_details\":{\"cached_tokens\":3},"
                      "\"output_tokens\":7,\"output_tokens_details\":{"
                      "\"reasoning_tokens\":0},\"total_tokens\":15}");
    /* what was asked is said back as it was written */
    must_have(answer, "\"instructions\":\"Be kind.\",\"max_output_tokens\":50");
    must_have(answer, "\"temperature\":0.50");
    must_have(answer, "\"metadata\":{\"k\":\"v\"}");
    must_have(answer, "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]");
    must_have(answer, "\"store\":false");
}
END_TEST

/* What a client sends back is what the provider had signed. */
START_TEST(thinking_of_others_goes_round)
{
    llm_problem_t *problem;
    const llm_json_t *doc =
        wire_json(exchange_write("anthropic", us, asked("\"input\":\"x\""),
                                 claude, sizeof(claude) - 1, &problem));
    llm_bytes_t output = llm_json_get(doc, "output")->raw;
    const char *back = sent_to(
        "anthropic",
        apr_pstrcat(unit_pool,
                    "\"input\":[{\"role\":\"user\",\"content\":"
                    "\"x\"},",
                    apr_pstrmemdup(unit_pool, output.data + 1, output.len - 2),
                    ",{\"type\":\"function_call_output\",\"call_id\":"
                    "\"toolu_1\",\"output\":\"1\"}],\"tools\":[{\"type\":"
                    "\"function\",\"name\":\"f\"}]",
                    NULL));

    must_have(back, "{\"type\":\"thinking\",\"thinking\":\"Hm\","
                    "\"signature\":\"EqQB\"},{\"type\":\"redacted_thinking\","
                    "\"data\":\"EmwK\"},{\"type\":\"text\",\"text\":\"I "
                    "look.\"},{\"type\":\"tool_use\",\"id\":\"toolu_1\"");
}
END_TEST

/* OpenAI's own reasoning is nothing Anthropic could check. */
START_TEST(reasoning_of_openai_stays_there)
{
    const char *sent = sent_to(
        "anthropic",
        "\"input\":[{\"role\":\"user\",\"content\":\"x\"},{\"type\":"
        "\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":"
        "\"gAAA\"},{\"type\":\"reasoning\",\"id\":\"rs_2\",\"summary\":[{"
        "\"type\":\"summary_text\",\"text\":\"t\"}],\"encrypted_content\":"
        "\"gBBB\"},{\"role\":\"assistant\",\"content\":\"y\"},{\"role\":"
        "\"user\",\"content\":\"z\"}]");

    ck_assert_ptr_null(strstr(sent, "gAAA"));
    ck_assert_ptr_null(strstr(sent, "gBBB"));
    must_have(sent, "dropped messages.reasoning_content");
}
END_TEST

START_TEST(an_answer_that_was_cut_is_incomplete)
{
    static const char cut[] =
        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":"
        "\"Hi\"},\"finish_reason\":\"%s\"}]}";
    const char *answer;
    llm_problem_t *problem;
    const char *length = apr_psprintf(unit_pool, cut, "length");
    const char *filter = apr_psprintf(unit_pool, cut, "content_filter");

    answer = exchange_write("openai", us, asked("\"input\":\"x\""), length,
                            strlen(length), &problem);
    must_have(answer, "\"status\":\"incomplete\"");
    must_have(answer, "{\"reason\":\"max_output_tokens\"}");
    answer = exchange_write("openai", us, asked("\"input\":\"x\""), filter,
                            strlen(filter), &problem);
    must_have(answer, "{\"reason\":\"content_filter\"}");
}
END_TEST

/* ---- streams ---- */

static llm_writer_t *writer_of(llm_ask_t *ask)
{
    return exchange_dialect(us)->writer_make(ask, "x1", 0, unit_pool);
}

static void put(llm_buf_t *out, llm_writer_t *writer, llm_delta_e kind,
                llm_text_t text)
{
    llm_delta_t delta = {.kind = kind, .text = text};

    exchange_dialect(us)->write_delta(out, writer, &delta);
}

/* What the last events repeat is bounded: an answer past the limit fails, and
 * legally. */
START_TEST(a_stream_keeps_no_more_than_an_answer)
{
    llm_ask_t *ask =
        exchange_ask(us, LLM_OP_CHAT, "{\"model\":\"m\",\"input\":\"x\"}");
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_writer_t *writer;
    int i, items;

    ask->answer_limit = 2000;
    for (items = 0; items < 2; ++items) { /* in one item, or in many */
        llm_buf_clear(out);
        writer = writer_of(ask);
        for (i = 0; i < 400; ++i) {
            put(out, writer, LLM_DELTA_TEXT, LLM_TEXT_LITERAL("0123456789\\n"));
            if (items) {
                put(out, writer, LLM_DELTA_REFUSAL, LLM_TEXT_LITERAL("no"));
                put(out, writer, LLM_DELTA_THINKING, LLM_TEXT_LITERAL("hm"));
            }
        }
        put(out, writer, LLM_DELTA_END, LLM_TEXT_NONE);
        llm_buf_putc(out, '\0');
        must_have(out->data, "event: response.failed");
        must_have(out->data, "too large");
        ck_assert_uint_lt(out->len, 60000);
        exchange_check_stream(us, ask, out->data);
    }
}
END_TEST

START_TEST(log_probabilities_stream)
{
    static const char stream[] =
        "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"
        "\"delta\":{\"content\":\"Hi\"},\"logprobs\":{\"content\":[{"
        "\"token\":\"Hi\",\"logprob\":-1}]}}]}\n\n"
        "data: {\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":{},"
        "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    cuts_t whole = {0, 0};
    const char *written =
        exchange_write_stream("openai", us, asked("\"input\":\"x\""), stream,
                              sizeof(stream) - 1, whole);

    must_have(written, "\"delta\":\"Hi\",\"logprobs\":[{\"token\":\"Hi\","
                       "\"logprob\":-1}]}");
    must_have(written, "\"text\":\"Hi\",\"logprobs\":[{\"token\":\"Hi\","
                       "\"logprob\":-1}]}");
}
END_TEST

/* ---- which provider has it itself ---- */

START_TEST(a_provider_that_has_responses_is_asked_in_them)
{
    const llm_dialect_t *client = exchange_dialect(us);
    const llm_dialect_t *chat = exchange_dialect("openai");
    llm_provider_t *own = exchange_provider("openai", NULL);
    llm_provider_t *other =
        exchange_provider("openai", "http://localhost:8000/v1");

    ck_assert_ptr_eq(llm_dialect_for(own, client, NULL, LLM_OP_CHAT), client);
    ck_assert_ptr_eq(llm_dialect_for(own, chat, NULL, LLM_OP_CHAT), chat);
    ck_assert_ptr_eq(
        llm_dialect_for(own, exchange_dialect("anthropic"), NULL, LLM_OP_CHAT),
        chat);
    ck_assert_ptr_eq(llm_dialect_for(other, client, NULL, LLM_OP_CHAT), chat);
    ck_assert_ptr_null(llm_provider_set_url(
        other, "https://x.openai.azure.com/openai/v1", unit_pool));
    ck_assert_ptr_eq(llm_dialect_for(other, client, NULL, LLM_OP_CHAT), client);
    ck_assert_ptr_null(llm_provider_set_url(
        other, "https://x.openai.azure.com/openai/deployments/d", unit_pool));
    ck_assert_ptr_eq(llm_dialect_for(other, client, NULL, LLM_OP_CHAT), chat);
    other->responses = 1; /* LLMResponses On */
    ck_assert_ptr_eq(llm_dialect_for(other, client, NULL, LLM_OP_CHAT), client);
    own->responses = -1;
    ck_assert_ptr_eq(llm_dialect_for(own, client, NULL, LLM_OP_CHAT), chat);
    ck_assert_str_eq(llm_dialect_family(client), "openai");
}
END_TEST

Suite *responses_client_suite(void)
{
    Suite *suite = suite_create("responses_client");
    TCase *requests = tcase_create("requests");
    TCase *answers = tcase_create("answers");
    TCase *streams = tcase_create("streams");

    tcase_add_checked_fixture(requests, unit_pool_open, unit_pool_close);
    tcase_add_test(requests, items_in_a_row_are_one_message);
    tcase_add_test(requests, options_reach_others);
    tcase_add_test(requests, media_reach_others);
    tcase_add_loop_test(requests, what_is_wrong_is_named, 0,
                        (int)(sizeof(wrong) / sizeof(*wrong)));
    tcase_add_test(requests, an_item_known_by_its_id_alone_is_dropped);
    suite_add_tcase(suite, requests);
    tcase_add_checked_fixture(answers, unit_pool_open, unit_pool_close);
    tcase_add_test(answers, an_answer_is_a_response_object);
    tcase_add_test(answers, thinking_of_others_goes_round);
    tcase_add_test(answers, reasoning_of_openai_stays_there);
    tcase_add_test(answers, an_answer_that_was_cut_is_incomplete);
    suite_add_tcase(suite, answers);
    tcase_add_checked_fixture(streams, unit_pool_open, unit_pool_close);
    tcase_add_test(streams, a_stream_keeps_no_more_than_an_answer);
    tcase_add_test(streams, log_probabilities_stream);
    tcase_add_test(streams, a_provider_that_has_responses_is_asked_in_them);
    suite_add_tcase(suite, streams);
    return suite;
}
