/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenAI's Responses, facing providers: requests, answers, streams, errors. The
 * facts are numbered as in docs/internals/facts.md.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/dialect/wire.h"
#include "test/unit/unit.h"

static const char us[] = "openai-responses";

static const char plain_ask[] =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}";

#define EVENT(json) "data: " json "\n\n"
#define CREATED                                                                \
    EVENT("{\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","    \
          "\"model\":\"gpt-5\",\"created_at\":7,\"status\":\"in_progress\","   \
          "\"output\":[],\"usage\":null}}")
#define COMPLETED                                                              \
    EVENT("{\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\","  \
          "\"status\":\"completed\",\"output\":[],\"usage\":{"                 \
          "\"input_tokens\":10,\"input_tokens_details\":{\"cached_tokens\":4," \
          "\"cache_write_tokens\":1},\"output_tokens\":9,"                     \
          "\"output_tokens_details\":{\"reasoning_tokens\":6},"                \
          "\"total_tokens\":19}}}")
#define ITEM_CALL                                                              \
    "{\"id\":\"fc_1\",\"type\":\"function_call\",\"call_id\":\"call_1\","      \
    "\"name\":\"f\",\"arguments\":\"\"}"

static const llm_ask_t *asked(void)
{
    return wire_ask(plain_ask);
}

static const char *body_of(const char *chat, const char *model)
{
    return wire_body(us, wire_ask(chat), model);
}

static void must_have(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no %s in %s", part, text);
}

static void must_lack(const char *text, const char *part)
{
    ck_assert_msg(!strstr(text, part), "%s in %s", part, text);
}

/* ---- requests ---- */

START_TEST(a_conversation_is_a_list_of_items)
{
    const char *body = body_of(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":"
        "\"Be kind.\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\","
        "\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
        "\"https://x.test/a.png\"}}]},{\"role\":\"assistant\",\"content\":"
        "\"I look.\",\"tool_calls\":[{\"id\":\"call_1\",\"type\":"
        "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
        "{\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":"
        "\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":"
        "\"call_1\",\"content\":\"1\"},{\"role\":\"tool\",\"tool_call_id\":"
        "\"call_2\",\"content\":\"2\"}]}",
        "gpt-4o");

    must_have(body,
              "\"instructions\":\"Be kind.\",\"input\":[{\"role\":\"user\","
              "\"content\":[{\"type\":\"input_text\",\"text\":\"see\"},"
              "{\"type\":\"input_image\",\"image_url\":"
              "\"https://x.test/a.png\",\"detail\":\"auto\"}]},"
              "{\"role\":\"assistant\",\"content\":\"I look.\"},"
              "{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":"
              "\"f\",\"arguments\":\"{}\"},"
              "{\"type\":\"function_call\",\"call_id\":\"call_2\",\"name\":"
              "\"f\",\"arguments\":\"{}\"},"
              "{\"type\":\"function_call_output\",\"call_id\":\"call_1\","
              "\"output\":\"1\"},"
              "{\"type\":\"function_call_output\",\"call_id\":\"call_2\","
              "\"output\":\"2\"}]");
    must_have(body, "\"store\":false");
    must_lack(body, "include"); /* gpt-4o does not reason */
}
END_TEST

START_TEST(a_system_turn_that_is_all_there_is_is_asked)
{
    must_have(body_of("{\"model\":\"m\",\"messages\":[{\"role\":\"system\","
                      "\"content\":\"Tell a joke.\"}]}",
                      "gpt-4o"),
              "\"input\":[{\"role\":\"system\",\"content\":\"Tell a "
              "joke.\"}]");
}
END_TEST

START_TEST(options_have_their_names_here)
{
    const char *body = body_of(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
        "\"max_completion_tokens\":100,\"reasoning_effort\":\"low\","
        "\"temperature\":1,\"top_p\":0.5,\"user\":\"u\",\"metadata\":{\"a\":"
        "\"b\"},\"service_tier\":\"flex\",\"store\":true,\"verbosity\":"
        "\"low\",\"prompt_cache_key\":\"k\",\"safety_identifier\":\"s\","
        "\"logprobs\":true,\"top_logprobs\":2,\"stream\":true,"
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
        "\"name\":\"n\",\"schema\":{\"type\":\"object\"}}},"
        "\"parallel_tool_calls\":false,\"tool_choice\":{\"type\":"
        "\"function\",\"function\":{\"name\":\"f\"}},\"tools\":[{\"type\":"
        "\"function\",\"function\":{\"name\":\"f\"}}],\"n\":1,"
        "\"presence_penalty\":0}",
        "gpt-5");

    must_have(body, "\"max_output_tokens\":100");
    must_have(body, "\"reasoning\":{\"effort\":\"low\"}");
    must_have(body, "\"include\":[\"reasoning.encrypted_content\","
                    "\"message.output_text.logprobs\"],\"top_logprobs\":2");
    must_have(body, "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":"
                    "\"n\",\"strict\":false,\"schema\":{\"type\":\"object\"}},"
                    "\"verbosity\":\"low\"}");
    must_have(body, "\"prompt_cache_key\":\"k\",\"safety_identifier\":\"s\","
                    "\"store\":true");
    must_have(body, "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"}");
    must_have(body, "\"tools\":[{\"type\":\"function\",\"name\":\"f\","
                    "\"parameters\":{\"type\":\"object\",\"properties\":{}},"
                    "\"strict\":false}],\"parallel_tool_calls\":false");
    must_have(body, "\"stream\":true");
    must_lack(body, "presence_penalty");
    must_lack(body, "stream_options");
}
END_TEST

/* What there is no place for is refused by its name. */
static const struct {
    const char *member, *json;
} refused[] = {
    {"n", "\"n\":2"},
    {"stop", "\"stop\":[\"END\"]"},
    {"frequency_penalty", "\"frequency_penalty\":0.5"},
    {"presence_penalty", "\"presence_penalty\":-1"},
    {"logit_bias", "\"logit_bias\":{\"5\":1}"},
    {"top_k", "\"top_k\":4"},
    {"tools[0]", "\"tools\":[{\"type\":\"web_search\"}]"},
};

START_TEST(what_has_no_place_is_refused)
{
    const char *request = exchange_request(
        exchange_provider(us, NULL),
        wire_ask(apr_pstrcat(unit_pool,
                             "{\"model\":\"m\",\"messages\":[{\"role\":"
                             "\"user\",\"content\":\"x\"}],",
                             refused[_i].json, "}", NULL)),
        "gpt-4o");

    must_have(request, apr_pstrcat(unit_pool, "refused ", refused[_i].member,
                                   ":", NULL));
}
END_TEST

/* Reasoning goes back where something follows it, with its id and what
 * OpenAI encrypted, and never alone. */
START_TEST(reasoning_goes_round) /* fact 21 */
{
    static const char answer[] =
        "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
        "\"model\":\"gpt-5\",\"output\":[{\"id\":\"rs_1\",\"type\":"
        "\"reasoning\",\"summary\":[],\"encrypted_content\":\"gAAAA\"},"
        "{\"id\":\"rs_2\",\"type\":\"reasoning\",\"summary\":[{\"type\":"
        "\"summary_text\",\"text\":\"Hm\"},{\"type\":\"summary_text\","
        "\"text\":\"so\"}],\"encrypted_content\":\"gBBBB\"},{\"id\":\"msg_1\","
        "\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
        "\"text\":\"Hi\",\"annotations\":[]}]}]}";
    llm_answer_t *read;
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const char *chat, *request;

    ck_assert_str_eq(wire_read(us, asked(), answer),
                     "thinking 0 \"Hm\\n\\nso\"\n"
                     "signature 0 openai#rs_2#gBBBB\n"
                     "redacted 0 openai#rs_1#gAAAA\n"
                     "text 0 \"Hi\"\nfinish 0 stop\n");
    ck_assert_ptr_null(exchange_dialect(us)->read_response(
        &read, asked(), wire_json(answer), unit_pool));
    /* a client that sends the message back as it got it */
    exchange_dialect("openai")->write_response(out, asked(), read, unit_pool);
    llm_buf_putc(out, '\0');
    chat = llm_json_path(
               llm_json_at(llm_json_get(wire_json(out->data), "choices"), 0),
               "message", NULL)
               ->raw.data;
    chat = apr_pstrmemdup(
        unit_pool, chat,
        llm_json_path(
            llm_json_at(llm_json_get(wire_json(out->data), "choices"), 0),
            "message", NULL)
            ->raw.len);
    request =
        body_of(apr_pstrcat(unit_pool, "{\"model\":\"m\",\"messages\":[", chat,
                            ",{\"role\":\"user\",\"content\":\"and?\"}]"
                            "}",
                            NULL),
                "gpt-5");
    must_have(request,
              "\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":"
              "[],\"encrypted_content\":\"gAAAA\"},{\"type\":\"reasoning\","
              "\"id\":\"rs_2\",\"summary\":[{\"type\":\"summary_text\","
              "\"text\":\"Hm\\n\\nso\"}],\"encrypted_content\":\"gBBBB\"},"
              "{\"role\":\"assistant\",\"content\":\"Hi\"}");
}
END_TEST

START_TEST(reasoning_of_others_and_alone_is_dropped)
{
    const char *request = exchange_request(
        exchange_provider(us, NULL),
        wire_ask("{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                 "\"content\":\"x\"},{\"role\":\"assistant\",\"content\":"
                 "\"y\",\"reasoning_details\":[{\"type\":\"reasoning.text\","
                 "\"text\":\"t\",\"signature\":\"EqQB\"}]},{\"role\":"
                 "\"user\",\"content\":\"x\"},{\"role\":\"assistant\","
                 "\"content\":null,\"reasoning_details\":[{\"type\":"
                 "\"reasoning.encrypted\",\"data\":\"openai#rs_1#g\"}]},"
                 "{\"role\":\"user\",\"content\":\"z\"}]}"),
        "gpt-5");

    must_lack(request, "encrypted_content\":");
    must_have(request, "dropped messages.content.thinking");
}
END_TEST

/* ---- answers ---- */

/* A chat's id of a call is the call_id. */
START_TEST(a_call_has_two_ids) /* fact 18 */
{
    static const char answer[] =
        "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
        "\"output\":[{\"id\":\"fc_1\",\"type\":\"function_call\",\"call_id\":"
        "\"call_1\",\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}]}";

    ck_assert_str_eq(wire_read(us, asked(), answer),
                     "call 0 id f {\"a\":1}\nfinish 0 tool_calls\n");
    ck_assert_str_eq(wire_id(0), "call_1");
}
END_TEST

START_TEST(an_incomplete_answer_says_why)
{
    static const char answer[] =
        "{\"id\":\"r\",\"object\":\"response\",\"status\":\"incomplete\","
        "\"incomplete_details\":{\"reason\":\"%s\"},\"output\":[]}";

    must_have(wire_read(us, asked(),
                        apr_psprintf(unit_pool, answer, "max_output_tokens")),
              "finish 0 length");
    must_have(wire_read(us, asked(),
                        apr_psprintf(unit_pool, answer, "content_filter")),
              "finish 0 content_filter");
}
END_TEST

START_TEST(what_runs_at_openai_is_passed_over)
{
    ck_assert_str_eq(
        wire_read(us, asked(),
                  "{\"id\":\"r\",\"object\":\"response\",\"status\":"
                  "\"completed\",\"output\":[{\"type\":\"web_search_call\","
                  "\"id\":\"ws_1\"},{\"type\":\"message\",\"content\":[{"
                  "\"type\":\"refusal\",\"refusal\":\"No.\"}]}]}"),
        "refusal 0 \"No.\"\nfinish 0 stop\n");
}
END_TEST

START_TEST(citations_are_annotations_of_a_chat)
{
    static const char answer[] =
        "{\"id\":\"r\",\"object\":\"response\",\"status\":\"completed\","
        "\"output\":[{\"type\":\"message\",\"content\":[{\"type\":"
        "\"output_text\",\"text\":\"Hi\",\"annotations\":[{\"type\":"
        "\"url_citation\",\"start_index\":0,\"end_index\":2,\"title\":\"T\","
        "\"url\":\"https://x.test/\"}]}]}]}";
    llm_problem_t *problem;
    const char *chat = exchange_write(us, "openai", asked(), answer,
                                      sizeof(answer) - 1, &problem);
    const char *same =
        exchange_write(us, us, asked(), answer, sizeof(answer) - 1, &problem);

    must_have(chat, "\"annotations\":[{\"type\":\"url_citation\","
                    "\"url_citation\":{\"url\":\"https://x.test/\","
                    "\"title\":\"T\",\"start_index\":0,\"end_index\":2}}]");
    must_have(same, "\"annotations\":[{\"type\":\"url_citation\","
                    "\"url\":\"https://x.test/\",\"title\":\"T\","
                    "\"start_index\":0,\"end_index\":2}]");
}
END_TEST

/* Queued in the background: no answer yet, no error, nothing used. */
START_TEST(a_queued_answer_is_no_error) /* fact 22 */
{
    static const char answer[] =
        "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"queued\","
        "\"background\":true,\"error\":null,\"output\":[],\"usage\":null}";
    llm_event_t event = {{NULL, 0}, {answer, sizeof(answer) - 1}, NULL};
    llm_usage_t usage;

    event.doc = wire_json(answer);
    llm_usage_clear(&usage);
    ck_assert_int_eq(exchange_dialect(us)->read_usage(&usage, event.doc), 0);
    ck_assert_ptr_null(exchange_dialect(us)->event_problem(&event, unit_pool));
    ck_assert_str_eq(wire_read(us, asked(), answer), "finish 0 other\n");
}
END_TEST

START_TEST(a_failed_answer_is_a_problem)
{
    ck_assert_str_eq(
        wire_read(us, asked(),
                  "{\"id\":\"r\",\"object\":\"response\",\"status\":"
                  "\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\","
                  "\"message\":\"slow down\"},\"output\":[]}"),
        "problem rate_limited 429 slow down\n");
    must_have(wire_read(us, asked(),
                        "{\"id\":\"r\",\"object\":\"response\",\"status\":"
                        "\"failed\",\"error\":null,\"output\":[]}"),
              "problem upstream 502");
    must_have(wire_read(us, asked(), "{\"id\":\"r\"}"), "no output");
}
END_TEST

/* ---- streams ---- */

/* No "[DONE]"; usage is in the last event alone. */
START_TEST(the_last_event_ends_the_stream_and_counts)
/* fact 16 */ /* fact 17 */
{
    static const char stream[] = CREATED EVENT(
        "{\"type\":\"response.output_text.delta\",\"output_index\":0,"
        "\"content_index\":0,\"delta\":\"Hi\",\"logprobs\":[],"
        "\"obfuscation\":\"x\"}")
        EVENT("{\"type\":\"response.output_text.done\",\"output_index\":0,"
              "\"content_index\":0,\"text\":\"Hi\"}") COMPLETED;
    llm_event_t event = {{NULL, 0}, {"{}", 2}, NULL};

    ck_assert_str_eq(wire_stream(us, asked(), stream),
                     "text 0 \"Hi\"\nfinish 0 stop\n"
                     "usage input=5 cache_read=4 cache_write=1 output=3 "
                     "reasoning=6\n");
    event.doc = wire_json("{\"type\":\"response.completed\"}");
    ck_assert_int_eq(exchange_dialect(us)->is_last(&event), 1);
    event.doc = wire_json("{\"type\":\"response.output_text.done\"}");
    ck_assert_int_eq(exchange_dialect(us)->is_last(&event), 0);
}
END_TEST

/* An output_index counts reasoning and messages too: it is not the number of
 * the call; pieces name neither function nor call. */
START_TEST(calls_are_numbered_among_themselves) /* fact 19 */
{
    static const char stream[] = CREATED EVENT(
        "{\"type\":\"response.output_item.added\",\"output_index\":0,"
        "\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":[]}}")
        EVENT(
            "{\"type\":\"response.output_item.added\",\"output_index\":2,"
            "\"item\":" ITEM_CALL
            "}") EVENT("{\"type\":\"response.function_call_arguments.delta\","
                       "\"item_id\":\"fc_1\",\"output_index\":2,\"delta\":\"{\\\"a\"}")
            EVENT(
                "{\"type\":\"response.function_call_arguments.delta\","
                "\"item_id\":\"fc_1\",\"output_index\":2,\"delta\":\"\\\":1}\"}")
                EVENT("{\"type\":\"response.function_call_arguments.done\","
                      "\"output_index\":2,\"arguments\":\"{\\\"a\\\":1}\"}")
                    EVENT(
                        "{\"type\":\"response.output_item.done\",\"output_index\":3,"
                        "\"item\":{\"id\":\"fc_2\",\"type\":\"function_call\","
                        "\"call_id\":\"call_2\",\"name\":\"g\",\"arguments\":\"{}\"}}")
                        COMPLETED;

    must_have(wire_stream(us, asked(), stream),
              "call 0 id f {\"a\":1}\ncall 0 id g {}\nfinish 0 tool_calls\n");
    ck_assert_str_eq(wire_id(0), "call_1");
    ck_assert_str_eq(wire_id(1), "call_2");
}
END_TEST

/* `error` and then response.failed that repeats it: one error. */
START_TEST(a_failure_is_told_once) /* fact 20 */
{
    static const char stream[] = CREATED EVENT(
        "{\"type\":\"error\",\"sequence_number\":2,\"error\":{\"type\":"
        "\"insufficient_quota\",\"code\":\"insufficient_quota\",\"message\":"
        "\"quota\",\"param\":null}}")
        EVENT("{\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\","
              "\"status\":\"failed\",\"error\":{\"code\":"
              "\"insufficient_quota\",\"message\":\"quota\"}}}");
    cuts_t whole = {0, 0};
    const char *chat = exchange_write_stream(us, "openai", asked(), stream,
                                             sizeof(stream) - 1, whole);

    ck_assert_str_eq(wire_stream(us, asked(), stream),
                     "problem rate_limited 429 quota\n");
    ck_assert_ptr_eq(strstr(strstr(chat, "\"error\"") + 1, "\"error\""), NULL);
    must_have(wire_stream(us, asked(),
                          CREATED EVENT("{\"type\":\"error\",\"code\":"
                                        "\"server_error\",\"message\":"
                                        "\"flat\",\"param\":null}")),
              "problem upstream 502 flat\n");
    must_have(wire_stream(us, asked(),
                          CREATED EVENT("{\"type\":\"response.failed\","
                                        "\"response\":{\"id\":\"r\","
                                        "\"status\":\"failed\",\"error\":"
                                        "null}}")),
              "problem upstream 502");
}
END_TEST

START_TEST(a_stream_that_stops_is_a_problem)
{
    must_have(wire_stream(us, asked(), CREATED),
              "problem upstream 502 the provider's stream ended");
    must_have(wire_stream(us, asked(), CREATED EVENT("[DONE]")),
              "problem upstream 502 the provider's stream ended");
}
END_TEST

START_TEST(summaries_and_signatures_stream)
{
    static const char stream[] = CREATED EVENT(
        "{\"type\":\"response.reasoning_summary_text.delta\","
        "\"output_index\":0,\"summary_index\":0,\"delta\":\"a\"}")
        EVENT("{\"type\":\"response.reasoning_summary_text.done\","
              "\"output_index\":0,\"summary_index\":0,\"text\":\"a\"}")
            EVENT("{\"type\":\"response.reasoning_summary_text.delta\","
                  "\"output_index\":0,\"summary_index\":1,\"delta\":\"b\"}")
                EVENT(
                    "{\"type\":\"response.output_item.done\",\"output_index\":0,"
                    "\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\",\"summary\":["
                    "{\"type\":\"summary_text\",\"text\":\"a\"},{\"type\":"
                    "\"summary_text\",\"text\":\"b\"}],\"encrypted_content\":"
                    "\"gA\"}}")
                    EVENT(
                        "{\"type\":\"response.output_item.done\",\"output_index\":1,"
                        "\"item\":{\"id\":\"rs_2\",\"type\":\"reasoning\",\"summary\":["
                        "],\"encrypted_content\":\"gB\"}}")
                        EVENT(
                            "{\"type\":\"response.refusal.delta\",\"output_index\":2,"
                            "\"content_index\":0,\"delta\":\"No.\"}") COMPLETED;

    must_have(wire_stream(us, asked(), stream),
              "thinking 0 \"a\\n\\nb\"\nsignature 0 openai#rs_1#gA\n"
              "redacted 0 openai#rs_2#gB\nrefusal 0 \"No.\"\n"
              "finish 0 stop\n");
}
END_TEST

/* Servers that send whole texts and no pieces. */
START_TEST(what_comes_whole_is_not_lost)
{
    static const char stream[] = CREATED EVENT(
        "{\"type\":\"response.reasoning_text.done\",\"output_index\":0,"
        "\"content_index\":0,\"text\":\"Hm\"}")
        EVENT("{\"type\":\"response.output_text.done\",\"output_index\":1,"
              "\"content_index\":0,\"text\":\"Hi\"}")
            EVENT("{\"type\":\"response.output_item.done\",\"output_index\":1,"
                  "\"item\":{\"type\":\"message\",\"content\":[{\"type\":"
                  "\"output_text\",\"text\":\"Hi\"}]}}")
                EVENT(
                    "{\"type\":\"response.output_item.done\",\"output_index\":2,"
                    "\"item\":{\"type\":\"message\",\"content\":[{\"type\":"
                    "\"output_text\",\"text\":\" you\"}]}}")
                    EVENT(
                        "{\"type\":\"response.output_item.added\",\"output_index\":3,"
                        "\"item\":" ITEM_CALL "}")
                        EVENT(
                            "{\"type\":\"response.function_call_arguments.done\","
                            "\"output_index\":3,\"arguments\":\"{}\"}")
                            COMPLETED;

    must_have(wire_stream(us, asked(), stream),
              "thinking 0 \"Hm\"\ntext 0 \"Hi you\"\ncall 0 id f {}\n");
}
END_TEST

Suite *responses_suite(void)
{
    Suite *suite = suite_create("responses");
    TCase *requests = tcase_create("requests");
    TCase *answers = tcase_create("answers");
    TCase *streams = tcase_create("streams");

    tcase_add_checked_fixture(requests, unit_pool_open, unit_pool_close);
    tcase_add_test(requests, a_conversation_is_a_list_of_items);
    tcase_add_test(requests, a_system_turn_that_is_all_there_is_is_asked);
    tcase_add_test(requests, options_have_their_names_here);
    tcase_add_loop_test(requests, what_has_no_place_is_refused, 0,
                        (int)(sizeof(refused) / sizeof(*refused)));
    tcase_add_test(requests, reasoning_goes_round);
    tcase_add_test(requests, reasoning_of_others_and_alone_is_dropped);
    suite_add_tcase(suite, requests);
    tcase_add_checked_fixture(answers, unit_pool_open, unit_pool_close);
    tcase_add_test(answers, a_call_has_two_ids);
    tcase_add_test(answers, an_incomplete_answer_says_why);
    tcase_add_test(answers, what_runs_at_openai_is_passed_over);
    tcase_add_test(answers, citations_are_annotations_of_a_chat);
    tcase_add_test(answers, a_queued_answer_is_no_error);
    tcase_add_test(answers, a_failed_answer_is_a_problem);
    suite_add_tcase(suite, answers);
    tcase_add_checked_fixture(streams, unit_pool_open, unit_pool_close);
    tcase_add_test(streams, the_last_event_ends_the_stream_and_counts);
    tcase_add_test(streams, calls_are_numbered_among_themselves);
    tcase_add_test(streams, a_failure_is_told_once);
    tcase_add_test(streams, a_stream_that_stops_is_a_problem);
    tcase_add_test(streams, summaries_and_signatures_stream);
    tcase_add_test(streams, what_comes_whole_is_not_lost);
    suite_add_tcase(suite, streams);
    return suite;
}
