/* SPDX-License-Identifier: Apache-2.0 */
/* What is known on the wire of Cohere, Ollama, Google's and Hugging Face's
 * OpenAI-compatible servers, and of others of that kind. */
#include "test/unit/dialect/facts.h"

Suite *facts_others_suite(void);

/* ---- Cohere ---- */

#define COHERE_START                                                           \
    NAMED("message-start",                                                     \
          "{'id':'m1','type':'message-start','delta':{'message':{'role':"      \
          "'assistant','content':[],'tool_plan':'','tool_calls':[],"           \
          "'citations':[]}}}")
#define COHERE_CALL(index, id)                                                 \
    NAMED("tool-call-start",                                                   \
          "{'type':'tool-call-start','index':" index ",'delta':{'message':{"   \
          "'tool_calls':{'id':'" id "','type':'function','function':{'name':"  \
          "'f','arguments':''}}}}}")
#define COHERE_ARGS(index, piece)                                              \
    NAMED("tool-call-delta",                                                   \
          "{'type':'tool-call-delta','index':" index ",'delta':{'message':{"   \
          "'tool_calls':{'function':{'arguments':'" piece "'}}}}}")
#define COHERE_CALL_END(index)                                                 \
    NAMED("tool-call-end", "{'type':'tool-call-end','index':" index "}")
#define COHERE_END(reason)                                                     \
    NAMED("message-end",                                                       \
          "{'type':'message-end','delta':{'finish_reason':'" reason            \
          "','usage':{'billed_units':{'input_tokens':7,'output_tokens':4},"    \
          "'tokens':{'input_tokens':69,'output_tokens':8},'cached_tokens':"    \
          "64}}}")                                                             \
    DONE
#define COHERE_TEXT                                                            \
    NAMED("content-start",                                                     \
          "{'type':'content-start','index':0,'delta':{'message':{'content':{"  \
          "'type':'text','text':''}}}}")                                       \
    NAMED("content-delta",                                                     \
          "{'type':'content-delta','index':0,'delta':{'message':{'content':{"  \
          "'text':'Hi'}}}}")                                                   \
    NAMED("content-end", "{'type':'content-end','index':0}")

START_TEST(cohere_names_its_events_and_ends_with_done) /* fact 84 */
{
    facts_stream("cohere", COHERE_START COHERE_TEXT COHERE_END("COMPLETE"),
                 "text 0 'Hi'\nfinish 0 stop\nusage input=7 output=4\n");
}
END_TEST

START_TEST(coheres_calls_are_objects_with_their_number_beside) /* fact 85 */
{
    facts_stream("cohere",
                 COHERE_START COHERE_CALL("0", "f_1") COHERE_ARGS("0", "[1")
                     COHERE_ARGS("0", "]") COHERE_CALL_END("0")
                         COHERE_CALL("1", "f_2") COHERE_ARGS("1", "[2]")
                             COHERE_CALL_END("1") COHERE_END("TOOL_CALL"),
                 "call 0 f_1 f [1]\ncall 0 f_2 f [2]\nfinish 0 tool_calls\n"
                 "usage input=7 output=4\n");
}
END_TEST

/* It was taken for a call without arguments. */
START_TEST(a_null_inside_of_arguments_is_a_value)
{
    facts_stream("cohere",
                 COHERE_START COHERE_CALL("0", "f_1") COHERE_ARGS("0", "[")
                     COHERE_ARGS("0", "null") COHERE_ARGS("0", "]")
                         COHERE_CALL_END("0") COHERE_END("TOOL_CALL"),
                 "call 0 f_1 f [null]\nfinish 0 tool_calls\n"
                 "usage input=7 output=4\n");
}
END_TEST

START_TEST(coheres_plan_is_text) /* fact 86 */
{
    facts_stream(
        "cohere",
        COHERE_START NAMED("tool-plan-delta",
                           "{'type':'tool-plan-delta','delta':{'message':{"
                           "'tool_plan':'I look'}}}") COHERE_CALL("0", "f_1")
            COHERE_ARGS("0", "{}") COHERE_CALL_END("0") COHERE_END("TOOL_CALL"),
        "text 0 'I look'\ncall 0 f_1 f {}\nfinish 0 tool_calls\n"
        "usage input=7 output=4\n");
    facts_whole("cohere",
                "{'id':'m1','message':{'role':'assistant','tool_plan':"
                "'I look','tool_calls':[{'id':'f_1','type':'function',"
                "'function':{'name':'f','arguments':'{}'}}]},'finish_reason':"
                "'TOOL_CALL'}",
                "text 0 'I look'\ncall 0 f_1 f {}\nfinish 0 tool_calls\n");
}
END_TEST

#define COHERE(reason, usage)                                                  \
    "{'id':'m1','message':{'role':'assistant','content':[{'type':'text',"      \
    "'text':'Hi'}]},'finish_reason':'" reason "'" usage "}"

START_TEST(what_cohere_bills_counts) /* fact 87 */
{
    facts_whole("cohere",
                COHERE("COMPLETE",
                       ",'usage':{'billed_units':{'input_tokens':7,"
                       "'output_tokens':4},'tokens':{'input_tokens':69,"
                       "'output_tokens':8},'cached_tokens':64}"),
                "text 0 'Hi'\nfinish 0 stop\nusage input=7 output=4\n");
}
END_TEST

START_TEST(coheres_reasons_are_in_capitals) /* fact 88 */
{
    facts_whole("cohere", COHERE("COMPLETE", ""),
                "text 0 'Hi'\nfinish 0 stop\n");
    facts_whole("cohere", COHERE("STOP_SEQUENCE", ""),
                "text 0 'Hi'\nfinish 0 stop_sequence\n");
    facts_whole("cohere", COHERE("MAX_TOKENS", ""),
                "text 0 'Hi'\nfinish 0 length\n");
    facts_whole("cohere", COHERE("TOOL_CALL", ""),
                "text 0 'Hi'\nfinish 0 tool_calls\n");
}
END_TEST

START_TEST(cohere_has_two_ways_to_say_no_arguments) /* fact 89 */
{
    static const char body[] =
        "{'id':'m1','message':{'role':'assistant','tool_calls':[{'id':'f_1',"
        "'type':'function','function':{'name':'f','arguments':'null'}}]},"
        "'finish_reason':'TOOL_CALL'}";
    const char *written =
        facts_stream_for("openai", "cohere",
                         COHERE_START COHERE_CALL("0", "f_1")
                             COHERE_CALL_END("0") COHERE_END("TOOL_CALL"));

    facts_has(facts_whole_for("openai", "cohere", body), "'arguments':'{}'");
    facts_has(written, "'arguments':'{}'");
    facts_lacks(written, "'arguments':'null'");
}
END_TEST

/* ---- Google ---- */

START_TEST(gemini_ends_lines_with_cr_and_lf_and_says_no_done) /* fact 46 */
{
    facts_stream("gemini",
                 "data: {'candidates':[{'content':{'parts':[{'text':'H'}]}}]}"
                 "\r\n\r\ndata: {'candidates':[{'content':{'parts':[{'text':"
                 "'i'}]},'finishReason':'STOP'}],'usageMetadata':{"
                 "'promptTokenCount':5,'candidatesTokenCount':2,"
                 "'totalTokenCount':7}}\r\n\r\n",
                 "text 0 'Hi'\nfinish 0 stop\nusage input=5 output=2\n");
}
END_TEST

START_TEST(googles_calls_in_openais_form_get_an_id) /* fact 62 */
{
    static const char body[] =
        "{'choices':[{'index':0,'message':{'role':'assistant','tool_calls':[{"
        "'id':'','type':'function','function':{'name':'f','arguments':'{}'},"
        "'extra_content':{'google':{'thought_signature':'U2ln'}}}]},"
        "'finish_reason':'tool_calls'}]}";
    const char *written = facts_whole_for("anthropic", "openai", body);

    facts_has(written, "'type':'tool_use','id':'");
    facts_lacks(written, "'id':''");
    facts_lacks(facts_whole_for("openai", "openai", body), "'id':''");
    facts_has(facts_whole_for("openai", "openai", body), "U2ln");
}
END_TEST

/* ---- Hugging Face ---- */

START_TEST(the_model_is_as_the_chosen_provider_spells_it) /* fact 108 */
{
    const char *body = facts_text("{'model':'org/model-3-8b','choices':[]}");
    llm_finish_e finish = LLM_FINISH_NONE;
    const char *model = "org/Model-3-8B:other";

    exchange_dialect("huggingface")
        ->read_facts(&model, &finish, exchange_json(body, strlen(body)),
                     unit_pool);
    ck_assert_str_eq(model, "org/model-3-8b");
}
END_TEST

/* ---- Ollama ---- */

#define LINE(message, rest)                                                    \
    "{'model':'m','created_at':'2026-01-02T03:04:05.6Z','message':{'role':"    \
    "'assistant'," message "}," rest "}\n"
#define OVER                                                                   \
    "'done':true,'done_reason':'stop','total_duration':5000000000,"            \
    "'eval_count':2,'prompt_eval_count':9"

START_TEST(ollama_sends_a_line_an_event) /* fact 109 */
{
    facts_stream("ollama",
                 LINE("'content':'H'", "'done':false")
                     LINE("'content':'i'", "'done':false")
                         LINE("'content':''", OVER),
                 "text 0 'Hi'\nfinish 0 stop\nusage input=9 output=2\n");
}
END_TEST

START_TEST(ollama_may_not_count_the_prompt) /* fact 110 */
{
    facts_whole("ollama",
                LINE("'content':'Hi'",
                     "'done':true,'done_reason':'stop','eval_count':2"),
                "text 0 'Hi'\nfinish 0 stop\nusage output=2\n");
}
END_TEST

START_TEST(ollamas_calls_have_objects_and_no_ids) /* fact 111 */
{
    static const char body[] =
        LINE("'content':'','tool_calls':[{'function':{'name':'f',"
             "'arguments':{'a':1}}}]",
             "'done':true,'done_reason':'stop'");
    const char *sent = facts_sent(
        "ollama", NULL,
        "{'model':'m','messages':[{'role':'user','content':'x'},{'role':"
        "'assistant','tool_calls':[{'id':'c1','type':'function','function':{"
        "'name':'f','arguments':'{ }'}}]},{'role':'tool','tool_call_id':'c1',"
        "'content':'r'}]}");

    facts_has(facts_whole_for("openai", "ollama", body), "'id':'");
    facts_has(facts_whole_for("openai", "ollama", body), "{\\'a\\':1}");
    facts_has(sent, "'arguments':{");
}
END_TEST

START_TEST(ollamas_context_is_dropped) /* fact 112 */
{
    static const char body[] =
        "{'model':'m','created_at':'2026-01-02T03:04:05Z','response':'Hi',"
        "'done':true,'done_reason':'stop','context':[101,202,303],"
        "'prompt_eval_count':9,'eval_count':2}\n";

    facts_stream("ollama", body,
                 "text 0 'Hi'\nfinish 0 stop\nusage input=9 output=2\n");
    facts_lacks(facts_whole_for("openai", "ollama", body), "202");
}
END_TEST

START_TEST(ollamas_date_becomes_seconds) /* fact 113 */
{
    static const char body[] = "{'model':'m','created_at':'%s','message':{"
                               "'role':'assistant','content':'Hi'},'done':"
                               "true,'done_reason':'stop'}";
    static const char *const dates[] = {
        "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.6Z",
        "2026-01-02T03:04:05.678901234Z", "2026-01-02T04:04:05.67+01:00"};
    apr_size_t i;

    for (i = 0; i < sizeof(dates) / sizeof(*dates); ++i) {
        facts_has(facts_whole_for("openai", "ollama",
                                  apr_psprintf(unit_pool, body, dates[i])),
                  "'created':1767323045,");
    }
}
END_TEST

/* ---- other servers of OpenAI's kind ---- */

START_TEST(together_has_words_and_numbers_of_its_own) /* fact 114 */
{
    facts_stream(
        "openai",
        EVENT("{'choices':[{'index':0,'text':'Hi','delta':{'token_id':7,"
              "'content':'Hi'},'finish_reason':null,'seed':null}]}")
            EVENT("{'choices':[{'index':0,'text':'','delta':{'content':''},"
                  "'finish_reason':'eos','seed':18446744073709551615}]}") DONE,
        "text 0 'Hi'\nfinish 0 stop\n");
}
END_TEST

START_TEST(an_empty_string_is_not_known) /* fact 115 */
{
    static const char body[] =
        "{'id':'','created':0,'model':'','choices':[{'index':0,'message':{"
        "'content':'','tool_calls':[{'id':'c1','type':'function','function':{"
        "'name':'f','arguments':'{}'}}]},'finish_reason':''}]}";
    const char *written = facts_whole_for("openai", "openai", body);

    facts_whole("openai", body, "call 0 c1 f {}\nfinish 0 tool_calls\n");
    facts_lacks(written, "'id':''");
    facts_lacks(written, "'model':''");
    written = facts_stream_for(
        "openai", "openai",
        EVENT("{'id':'','created':0,'model':'','choices':[{'index':0,'delta':"
              "{'content':'Hi'},'finish_reason':''}]}") DONE);
    facts_lacks(written, "'id':''");
    facts_lacks(written, "'created':0,");
    facts_lacks(written, "'finish_reason':''");
}
END_TEST

START_TEST(the_last_text_may_come_with_the_end) /* fact 116 */
{
    static const char bytes[] =
        CHUNK("'content':'H'") EVENT("{'choices':[{'index':0,'delta':{"
                                     "'content':'i'},'finish_reason':'stop'}]"
                                     "}") DONE;

    facts_stream("openai", bytes, "text 0 'Hi'\nfinish 0 stop\n");
    facts_has(facts_stream_for("anthropic", "openai", bytes), "'text':'i'");
}
END_TEST

START_TEST(an_empty_id_does_not_replace_the_first) /* fact 117 */
{
    facts_stream(
        "openai",
        CHUNK("'tool_calls':[{'index':0,'id':'call_1','type':'function',"
              "'function':{'name':'f','arguments':''}}]")
            CHUNK("'tool_calls':[{'index':0,'id':'','type':'function',"
                  "'function':{'arguments':'[1'}}]")
                CHUNK("'tool_calls':[{'index':0,'id':'','type':'function',"
                      "'function':{'name':'','arguments':']'}}]")
                    ENDED("tool_calls") DONE,
        "call 0 call_1 f [1]\nfinish 0 tool_calls\n");
}
END_TEST

START_TEST(deepseek_counts_the_cache_twice) /* fact 118 */
{
    facts_stream("openai",
                 CHUNK("'content':null,'reasoning_content':'Hm'")
                     CHUNK("'content':'Hi','reasoning_content':null") EVENT(
                         "{'choices':[{'index':0,'delta':{'content':'',"
                         "'reasoning_content':null},'finish_reason':'stop'}],"
                         "'usage':{'prompt_tokens':9,'completion_tokens':2,"
                         "'total_tokens':11,'prompt_tokens_details':{"
                         "'cached_tokens':4},'prompt_cache_hit_tokens':4,"
                         "'prompt_cache_miss_tokens':5}}") DONE,
                 "thinking 0 'Hm'\ntext 0 'Hi'\nfinish 0 stop\n"
                 "usage input=5 cache_read=4 output=2\n");
}
END_TEST

START_TEST(zai_repeats_the_role) /* fact 119 */
{
    static const char bytes[] =
        CHUNK("'role':'assistant','reasoning_content':'Hm'")
            CHUNK("'role':'assistant','content':'H'")
                CHUNK("'role':'assistant','content':'i'") ENDED("stop") DONE;

    facts_stream("openai", bytes,
                 "thinking 0 'Hm'\ntext 0 'Hi'\nfinish 0 stop\n");
    ck_assert_int_eq(facts_count(facts_stream_for("anthropic", "openai", bytes),
                                 "event: message_start"),
                     1);
}
END_TEST

Suite *facts_others_suite(void)
{
    Suite *suite = suite_create("facts_others");
    TCase *tcase = tcase_create("cohere");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, cohere_names_its_events_and_ends_with_done);
    tcase_add_test(tcase, coheres_calls_are_objects_with_their_number_beside);
    tcase_add_test(tcase, a_null_inside_of_arguments_is_a_value);
    tcase_add_test(tcase, coheres_plan_is_text);
    tcase_add_test(tcase, what_cohere_bills_counts);
    tcase_add_test(tcase, coheres_reasons_are_in_capitals);
    tcase_add_test(tcase, cohere_has_two_ways_to_say_no_arguments);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("ollama");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, ollama_sends_a_line_an_event);
    tcase_add_test(tcase, ollama_may_not_count_the_prompt);
    tcase_add_test(tcase, ollamas_calls_have_objects_and_no_ids);
    tcase_add_test(tcase, ollamas_context_is_dropped);
    tcase_add_test(tcase, ollamas_date_becomes_seconds);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("compatible");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, gemini_ends_lines_with_cr_and_lf_and_says_no_done);
    tcase_add_test(tcase, googles_calls_in_openais_form_get_an_id);
    tcase_add_test(tcase, the_model_is_as_the_chosen_provider_spells_it);
    tcase_add_test(tcase, together_has_words_and_numbers_of_its_own);
    tcase_add_test(tcase, an_empty_string_is_not_known);
    tcase_add_test(tcase, the_last_text_may_come_with_the_end);
    tcase_add_test(tcase, an_empty_id_does_not_replace_the_first);
    tcase_add_test(tcase, deepseek_counts_the_cache_twice);
    tcase_add_test(tcase, zai_repeats_the_role);
    suite_add_tcase(suite, tcase);
    return suite;
}
