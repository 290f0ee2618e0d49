/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of Mistral, Groq and OpenRouter on the wire: OpenAI's chat,
 * each in its own way. */
#include "test/unit/dialect/facts.h"

Suite *facts_mistral_suite(void);

#define USAGE                                                                  \
    "'usage':{'prompt_tokens':9,'completion_tokens':2,'total_tokens':11}"
#define ENDED_WITH(delta, reason, more)                                        \
    EVENT("{'choices':[{'index':0,'delta':{" delta                             \
          "},'finish_reason':'" reason "'}]," more "}")
#define TOLD "usage input=9 output=2\n"

/* ---- Mistral ---- */

START_TEST(mistral_thinks_in_lists_and_answers_in_strings) /* fact 78 */
{
    facts_stream(
        "openai",
        CHUNK("'content':[{'type':'thinking','thinking':[{'type':'text',"
              "'text':'Hm'}]}]")
            CHUNK("'content':[{'type':'thinking','thinking':[{'type':'text',"
                  "'text':'.'}]}]") CHUNK("'content':'Hi'") ENDED("stop") DONE,
        "thinking 0 'Hm.'\ntext 0 'Hi'\nfinish 0 stop\n");
}
END_TEST

START_TEST(mistral_counts_in_the_chunk_that_ends) /* fact 79 */
{
    static const char bytes[] =
        CHUNK("'content':'Hi'") ENDED_WITH("'content':''", "stop", USAGE) DONE;

    facts_stream("openai", bytes, "text 0 'Hi'\nfinish 0 stop\n" TOLD);
    facts_has(facts_stream_for("anthropic", "openai", bytes),
              "'usage':{'input_tokens':9,");
}
END_TEST

START_TEST(mistral_sends_a_call_whole_and_others_in_pieces) /* fact 80 */
{
    facts_stream("openai",
                 ENDED_WITH("'content':'','tool_calls':[{'id':'aB3dE5gH7',"
                            "'function':{'name':'f','arguments':'[1]'},"
                            "'index':0}]",
                            "tool_calls", USAGE) DONE,
                 "call 0 aB3dE5gH7 f [1]\nfinish 0 tool_calls\n" TOLD);
    facts_stream(
        "openai",
        CHUNK("'tool_calls':[{'id':'aB3dE5gH7','function':{'name':'f',"
              "'arguments':'['},'index':0}]")
            CHUNK("'tool_calls':[{'type':'function','function':{'name':'',"
                  "'arguments':'1]'},'index':0}]") ENDED("tool_calls") DONE,
        "call 0 aB3dE5gH7 f [1]\nfinish 0 tool_calls\n");
}
END_TEST

START_TEST(mistral_takes_ids_of_nine_letters) /* fact 81 */
{
    const char *sent = facts_sent(
        "openai", "https://api.mistral.ai/v1",
        "{'model':'m','messages':[{'role':'user','content':'x'},{'role':"
        "'assistant','tool_calls':[{'id':'call_abcdefghijkl','type':"
        "'function','function':{'name':'f','arguments':'{}'}}]},{'role':"
        "'tool','tool_call_id':'call_abcdefghijkl','content':'r'}]}");
    const char *call = strstr(sent, "\"id\":\"");
    const char *result = strstr(sent, "\"tool_call_id\":\"");

    ck_assert_ptr_nonnull(call);
    ck_assert_ptr_nonnull(result);
    ck_assert_uint_eq(strspn(call + 6, "0123456789"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "abcdefghijklmnopqrstuvwxyz"),
                      9);
    ck_assert_int_eq(strncmp(call + 6, result + 16, 10), 0);
    facts_lacks(sent, "call_abc");
}
END_TEST

START_TEST(mistral_tells_cached_tokens_twice) /* fact 82 */
{
    facts_whole("openai",
                "{'choices':[{'index':0,'message':{'content':'Hi'},"
                "'finish_reason':'stop'}],'usage':{'prompt_tokens':9,"
                "'completion_tokens':2,'total_tokens':11,'num_cached_tokens':"
                "4,'prompt_tokens_details':{'cached_tokens':4}}}",
                "text 0 'Hi'\nfinish 0 stop\n"
                "usage input=5 cache_read=4 output=2\n");
}
END_TEST

START_TEST(mistrals_errors_have_several_shapes) /* fact 83 */
{
    facts_problem("openai", 401,
                  "{'message':'No API key found','request_id':'8f'}",
                  "unauthorized 401 No API key found");
    facts_problem("openai", 400,
                  "{'object':'error','message':'Wrong role','type':"
                  "'invalid_request_message_order','param':null,'code':'3230'}",
                  "bad_request 400 Wrong role; type "
                  "invalid_request_message_order");
    facts_problem("openai", 422,
                  "{'object':'error','message':{'detail':[{'type':'missing',"
                  "'loc':['body','model'],'msg':'Field required'}]},'type':"
                  "'invalid_request_error'}",
                  "unprocessable 422 Field required; type "
                  "invalid_request_error");
}
END_TEST

/* ---- Groq ---- */

START_TEST(groq_counts_in_a_place_of_its_own) /* fact 91 */
{
    static const char *const ends[] = {"'x_groq':{'id':'r'," USAGE "}",
                                       "'x_groq':{'id':'r'," USAGE "}," USAGE,
                                       USAGE ",'x_groq':{" USAGE "}"};
    apr_size_t i;

    for (i = 0; i < sizeof(ends) / sizeof(*ends); ++i) {
        facts_stream("openai",
                     apr_pstrcat(unit_pool, CHUNK("'content':'Hi'"),
                                 "data: {'choices':[{'index':0,'delta':{},"
                                 "'finish_reason':'stop'}],",
                                 ends[i], "}\n\n", DONE, NULL),
                     "text 0 'Hi'\nfinish 0 stop\n" TOLD);
    }
}
END_TEST

START_TEST(groq_fails_in_mid_stream_without_done) /* fact 92 */
{
    static const char bytes[] = CHUNK("'content':'Hi'")
        NAMED("error", "{'error':{'message':'No such tool','type':"
                       "'invalid_request_error','code':'tool_use_failed',"
                       "'failed_generation':'f','status_code':400}}");
    const char *written = facts_stream_for("anthropic", "openai", bytes);

    facts_stream("openai", bytes,
                 "text 0 'Hi'\nproblem bad_request 400 No such tool\n");
    ck_assert_int_eq(facts_count(written, "event: error"), 1);
    facts_lacks(written, "message_stop");
}
END_TEST

START_TEST(groqs_calls_come_whole_with_ids_of_their_own) /* fact 93 */
{
    facts_stream("openai",
                 CHUNK("'tool_calls':[{'id':'fc_0a1b','type':'function',"
                       "'function':{'name':'f','arguments':'[1]'},'index':0},"
                       "{'id':'x9y8z7w6v','type':'function','function':{"
                       "'name':'f','arguments':'[2]'},'index':1}]")
                     ENDED("tool_calls") DONE,
                 "call 0 fc_0a1b f [1]\ncall 0 x9y8z7w6v f [2]\n"
                 "finish 0 tool_calls\n");
}
END_TEST

START_TEST(groq_thinks_beside_the_text_or_inside_it) /* fact 94 */
{
    facts_stream("openai",
                 CHUNK("'role':'assistant','reasoning':'Hm','channel':"
                       "'analysis'") CHUNK("'content':'Hi'") ENDED("stop") DONE,
                 "thinking 0 'Hm'\ntext 0 'Hi'\nfinish 0 stop\n");
    facts_whole("openai",
                "{'choices':[{'index':0,'message':{'reasoning':'Hm',"
                "'content':'Hi'},'finish_reason':'stop'}]}",
                "thinking 0 'Hm'\ntext 0 'Hi'\nfinish 0 stop\n");
    /* asked for raw, it is text that the client wants as it is */
    facts_whole("openai",
                "{'choices':[{'index':0,'message':{'content':"
                "'<think>Hm</think>Hi'},'finish_reason':'stop'}]}",
                "text 0 '<think>Hm</think>Hi'\nfinish 0 stop\n");
}
END_TEST

START_TEST(one_stream_has_one_id) /* fact 95 */
{
    const char *written = facts_stream_for(
        "openai", "openai",
        EVENT("{'id':'c1','choices':[{'index':0,'delta':{'content':'H'}}]}")
            EVENT("{'id':'c2','choices':[{'index':0,'delta':{'content':'i'}}"
                  "]}") EVENT("{'id':'stub','choices':[{'index':0,'delta':{},"
                              "'finish_reason':'stop'}]}") DONE);

    facts_lacks(written, "'id':'c2'");
    facts_lacks(written, "stub");
    ck_assert_int_eq(facts_count(written, "'role':'assistant'"), 1);
}
END_TEST

/* ---- OpenRouter ---- */

#define ALIVE ": OPENROUTER PROCESSING\n\n"

START_TEST(openrouters_comments_are_no_events) /* fact 96 */
{
    facts_stream("openai",
                 ALIVE ALIVE CHUNK("'content':'H'") ALIVE CHUNK("'content':'i'")
                     ENDED("stop") DONE,
                 "text 0 'Hi'\nfinish 0 stop\n");
}
END_TEST

START_TEST(openrouter_may_end_twice) /* fact 97 */
{
    static const char *const again[] = {"null", "'stop'"};
    apr_size_t i;

    for (i = 0; i < sizeof(again) / sizeof(*again); ++i) {
        const char *bytes =
            apr_pstrcat(unit_pool, CHUNK("'content':'Hi'") ENDED("stop"),
                        "data: {'choices':[{'index':0,'delta':{'content':''},"
                        "'finish_reason':",
                        again[i], "}]," USAGE "}\n\n" DONE, NULL);

        facts_stream("openai", bytes, "text 0 'Hi'\nfinish 0 stop\n" TOLD);
        ck_assert_int_eq(
            facts_count(facts_stream_for("openai", "openai", bytes),
                        "'finish_reason':'stop'"),
            1);
    }
}
END_TEST

START_TEST(openrouter_fails_inside_a_chunk) /* fact 98 */
{
    static const char bytes[] = CHUNK("'content':'Hi'") ENDED("length")
        ENDED_WITH("'content':''", "error",
                   USAGE ",'error':{'code':400,'message':'Upstream said no'}")
            DONE;
    const char *written = facts_stream_for("openai", "openai", bytes);

    facts_stream("openai", bytes,
                 "text 0 'Hi'\nfinish 0 length\n" TOLD
                 "problem bad_request 400 Upstream said no\n");
    ck_assert_int_eq(facts_count(written, "Upstream said no"), 1);
}
END_TEST

START_TEST(the_reason_that_was_unified_counts) /* fact 99 */
{
    static const char bytes[] =
        "{'choices':[{'index':0,'message':{'content':'','tool_calls':[{'id':"
        "'c1','type':'function','function':{'name':'f','arguments':'{}'}}]},"
        "'finish_reason':'tool_calls','native_finish_reason':'STOP'}]}";

    facts_whole("openai", bytes, "call 0 c1 f {}\nfinish 0 tool_calls\n");
    facts_lacks(facts_whole_for("anthropic", "openai", bytes), "STOP");
}
END_TEST

START_TEST(a_call_may_have_no_arguments_key) /* fact 100 */
{
    static const char body[] =
        "{'choices':[{'index':0,'message':{'content':'','tool_calls':[{'id':"
        "'c1','type':'function','function':{'name':'f'}}]},"
        "'finish_reason':'tool_calls'}]}";

    facts_whole("openai", body, "call 0 c1 f {}\nfinish 0 tool_calls\n");
    facts_has(facts_whole_for("anthropic", "openai", body), "'input':{}");
}
END_TEST

START_TEST(openrouters_error_does_not_tell_the_account) /* fact 101 */
{
    facts_problem("openai", 429,
                  "{'error':{'message':'Provider returned error','code':429,"
                  "'metadata':{'raw':'too fast','provider_name':'P'}},"
                  "'user_id':'user_2abc'}",
                  "rate_limited 429 Provider returned error: too fast");
}
END_TEST

START_TEST(openrouters_thinking_is_shown_once) /* fact 102 */
{
    static const char bytes[] =
        CHUNK("'content':'','reasoning':'Hm','reasoning_details':[{'type':"
              "'reasoning.text','text':'Hm','index':0}]")
            CHUNK("'content':'','reasoning':null,'reasoning_details':[{"
                  "'type':'reasoning.text','signature':'U2ln','index':0}]")
                CHUNK("'content':'Hi'") ENDED("stop") DONE;

    facts_stream("openai", bytes,
                 "thinking 0 'Hm'\nsignature 0 U2ln\ntext 0 'Hi'\n"
                 "finish 0 stop\n");
    ck_assert_int_eq(facts_count(facts_stream_for("anthropic", "openai", bytes),
                                 "'thinking':'Hm'"),
                     1);
}
END_TEST

Suite *facts_mistral_suite(void)
{
    Suite *suite = suite_create("facts_mistral");
    TCase *tcase = tcase_create("mistral");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, mistral_thinks_in_lists_and_answers_in_strings);
    tcase_add_test(tcase, mistral_counts_in_the_chunk_that_ends);
    tcase_add_test(tcase, mistral_sends_a_call_whole_and_others_in_pieces);
    tcase_add_test(tcase, mistral_takes_ids_of_nine_letters);
    tcase_add_test(tcase, mistral_tells_cached_tokens_twice);
    tcase_add_test(tcase, mistrals_errors_have_several_shapes);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("groq");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, groq_counts_in_a_place_of_its_own);
    tcase_add_test(tcase, groq_fails_in_mid_stream_without_done);
    tcase_add_test(tcase, groqs_calls_come_whole_with_ids_of_their_own);
    tcase_add_test(tcase, groq_thinks_beside_the_text_or_inside_it);
    tcase_add_test(tcase, one_stream_has_one_id);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("openrouter");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, openrouters_comments_are_no_events);
    tcase_add_test(tcase, openrouter_may_end_twice);
    tcase_add_test(tcase, openrouter_fails_inside_a_chunk);
    tcase_add_test(tcase, the_reason_that_was_unified_counts);
    tcase_add_test(tcase, a_call_may_have_no_arguments_key);
    tcase_add_test(tcase, openrouters_error_does_not_tell_the_account);
    tcase_add_test(tcase, openrouters_thinking_is_shown_once);
    suite_add_tcase(suite, tcase);
    return suite;
}
