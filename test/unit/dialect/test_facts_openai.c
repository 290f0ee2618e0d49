/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of OpenAI's chat, and of Azure's, on the wire. */
#include "test/unit/dialect/facts.h"

Suite *facts_openai_suite(void);

#define USAGE(more)                                                            \
    EVENT("{'choices':[],'usage':{'prompt_tokens':9,'completion_tokens':2,"    \
          "'total_tokens':11" more "}}")

/* ---- streams ---- */

START_TEST(usage_is_in_the_last_chunk_which_has_no_choices) /* fact 1 */
{
    static const char bytes[] =
        EVENT("{'choices':[{'index':0,'delta':{'content':'Hi'}}],'usage':null}")
            EVENT("{'choices':[{'index':0,'delta':{},'finish_reason':'stop'}],"
                  "'usage':null}") USAGE("") DONE;

    facts_stream("openai", bytes,
                 "text 0 'Hi'\nfinish 0 stop\nusage input=9 output=2\n");
    facts_has(facts_stream_for("anthropic", "openai", bytes),
              "'usage':{'input_tokens':9,");
}
END_TEST

START_TEST(the_first_chunk_can_begin_a_call) /* fact 3 */
{
    facts_stream("openai",
                 CHUNK("'role':'assistant','content':'','refusal':null")
                     CHUNK("'content':'Hi'") ENDED("stop") DONE,
                 "text 0 'Hi'\nfinish 0 stop\n");
    facts_stream("openai",
                 CHUNK("'role':'assistant','content':null,'tool_calls':[{"
                       "'index':0,'id':'call_1','type':'function','function':{"
                       "'name':'f','arguments':''}}]")
                     CHUNK("'tool_calls':[{'index':0,'function':{"
                           "'arguments':'{}'}}]") ENDED("tool_calls") DONE,
                 "call 0 call_1 f {}\nfinish 0 tool_calls\n");
}
END_TEST

#define BEGUN(index, id)                                                       \
    CHUNK("'tool_calls':[{'index':" index ",'id':'" id                         \
          "','type':'function','function':{'name':'f','arguments':''}}]")
#define PIECE(index, piece)                                                    \
    CHUNK("'tool_calls':[{'index':" index ",'function':{'arguments':'" piece   \
          "'}}]")

START_TEST(a_call_is_named_once_and_comes_in_pieces) /* fact 4 */
{
    static const char bytes[] =
        BEGUN("0", "call_1") PIECE("0", "[1,") PIECE("0", "2]")
            BEGUN("1", "call_2") PIECE("1", "[3]") ENDED("tool_calls") DONE;
    const char *written = facts_stream_for("anthropic", "openai", bytes);

    facts_stream("openai", bytes,
                 "call 0 call_1 f [1,2]\ncall 0 call_2 f [3]\n"
                 "finish 0 tool_calls\n");
    ck_assert_int_eq(facts_count(written, "'type':'tool_use'"), 2);
    ck_assert_int_eq(facts_count(written, "'partial_json':'2]'"), 1);
}
END_TEST

START_TEST(the_end_is_a_chunk_of_its_own) /* fact 5 */
{
    facts_stream("openai", CHUNK("'content':'Hi'") ENDED("length") DONE,
                 "text 0 'Hi'\nfinish 0 length\n");
}
END_TEST

#define CHOICE(index, rest) EVENT("{'choices':[{'index':" index "," rest "}]}")
#define SAYS(index, text)   CHOICE(index, "'delta':{'content':'" text "'}")

START_TEST(choices_are_mixed_and_end_by_themselves) /* fact 6 */
{
    facts_stream(
        "openai",
        SAYS("0", "a") SAYS("1", "x") SAYS("1", "y") SAYS("0", "b")
            CHOICE("1", "'delta':{},'finish_reason':'length'") SAYS("0", "c")
                CHOICE("0", "'delta':{},'finish_reason':'stop'") DONE,
        "text 0 'abc'\nfinish 0 stop\ntext 1 'xy'\nfinish 1 length\n");
}
END_TEST

START_TEST(unknown_keys_do_no_harm) /* fact 7 */
{
    static const char bytes[] =
        EVENT("{'id':'c1','service_tier':'default','system_fingerprint':null,"
              "'choices':[{'index':0,'delta':{'content':'Hi'}}],"
              "'obfuscation':'kE3xQ'}")
            EVENT("{'id':'c1','service_tier':'default','choices':[{'index':0,"
                  "'delta':{},'finish_reason':'stop'}],'obfuscation':''}") DONE;

    facts_stream("openai", bytes, "text 0 'Hi'\nfinish 0 stop\n");
    facts_lacks(facts_stream_for("anthropic", "openai", bytes), "kE3xQ");
}
END_TEST

START_TEST(the_usage_chunk_need_not_be_the_last) /* fact 8 */
{
    facts_stream("openai",
                 CHUNK("'content':'Hi'") ENDED("stop") USAGE("")
                     EVENT("{'choices':[],'usage':null,'moderation':{"
                           "'flagged':false}}") DONE,
                 "text 0 'Hi'\nfinish 0 stop\nusage input=9 output=2\n");
}
END_TEST

/* ---- whole answers ---- */

#define CALLS                                                                  \
    "'tool_calls':[{'id':'call_1','type':'function','function':{'name':'f',"   \
    "'arguments':'{}'}}]}"
#define CALLED(content)                                                        \
    "{'choices':[{'index':0,'message':{'role':'assistant'," content CALLS      \
    ",'finish_reason':'tool_calls'}]}"

START_TEST(beside_calls_content_is_null_empty_or_absent) /* fact 9 */
{
    static const char *const bodies[] = {CALLED("'content':null,"),
                                         CALLED("'content':'',"), CALLED("")};
    apr_size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(*bodies); ++i) {
        facts_whole("openai", bodies[i],
                    "call 0 call_1 f {}\nfinish 0 tool_calls\n");
        facts_lacks(facts_whole_for("anthropic", "openai", bodies[i]),
                    "'type':'text'");
    }
}
END_TEST

#define COUNTED                                                                \
    "{'choices':[{'index':0,'message':{'content':'Hi'},'finish_reason':"       \
    "'stop'}],'usage':{'prompt_tokens':100,'completion_tokens':50,"            \
    "'total_tokens':150,'prompt_tokens_details':{'cached_tokens':64},"         \
    "'completion_tokens_details':{'reasoning_tokens':32}}}"

START_TEST(reasoning_and_cached_tokens_are_parts_of_the_counts) /* fact 10 */
{
    const char *written = facts_whole_for("anthropic", "openai", COUNTED);

    facts_whole("openai", COUNTED,
                "text 0 'Hi'\nfinish 0 stop\n"
                "usage input=36 cache_read=64 output=18 reasoning=32\n");
    facts_has(written, "'input_tokens':36,");
    facts_has(written, "'cache_read_input_tokens':64,");
    facts_has(written, "'output_tokens':50,");
}
END_TEST

START_TEST(old_functions_are_answered_without_an_id) /* fact 11 */
{
    static const char body[] =
        "{'choices':[{'index':0,'message':{'role':'assistant','content':null,"
        "'function_call':{'name':'f','arguments':'{}'}},'finish_reason':"
        "'function_call'}]}";
    const llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_CHAT,
        facts_text("{'model':'m','messages':[{'role':'user','content':'x'}],"
                   "'functions':[{'name':'f','parameters':{}}]}"));
    const char *text = facts_text(body), *written;
    llm_problem_t *problem = NULL;

    facts_whole("openai", body, "call 0 - f {}\nfinish 0 tool_calls\n");
    written =
        exchange_write("openai", "openai", ask, text, strlen(text), &problem);
    facts_has(written, "'function_call':{");
    facts_has(written, "'finish_reason':'function_call'");
    facts_lacks(written, "tool_calls");
}
END_TEST

START_TEST(errors_may_be_printed_over_several_lines) /* fact 12 */
{
    facts_problem("openai", 404,
                  "{\n    'error': {\n        'message': 'No such model',\n"
                  "        'type': 'invalid_request_error',\n"
                  "        'param': null,\n        'code': null\n    }\n}\n",
                  "not_found 404 No such model; type invalid_request_error");
}
END_TEST

START_TEST(embeddings_may_be_text_and_have_no_output) /* fact 13 */
{
    static const char body[] =
        "{'object':'list','data':[{'object':'embedding','index':0,"
        "'embedding':'AACAPwAAAEA='}],'model':'m','usage':{'prompt_tokens':4,"
        "'total_tokens':4}}";
    const llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_EMBED,
        facts_text("{'model':'m','input':'x','encoding_format':'base64'}"));
    const char *text = facts_text(body);
    llm_problem_t *problem = NULL;
    llm_usage_t usage;

    facts_has(
        exchange_write("openai", "openai", ask, text, strlen(text), &problem),
        "'embedding':'AACAPwAAAEA='");
    llm_usage_clear(&usage);
    ck_assert(exchange_dialect("openai")->read_usage(
        &usage, exchange_json(text, strlen(text))));
    ck_assert_int_eq(usage.n[LLM_CLASS_INPUT], 4);
    ck_assert_int_eq(llm_usage_output(&usage), 0);
}
END_TEST

/* ---- Azure ---- */

#define FILTERS                                                                \
    EVENT("{'choices':[],'created':0,'id':'','model':'','object':'',"          \
          "'prompt_filter_results':[{'prompt_index':0}]}")
#define AZURE(rest)                                                            \
    EVENT("{'id':'c1','model':'gpt-base','created':7,'choices':[" rest "]}")

START_TEST(azure_begins_with_a_chunk_that_names_nothing) /* fact 23 */
{
    const char *bytes = facts_text(
        FILTERS AZURE("{'index':0,'delta':{'content':'Hi'}}")
            AZURE("{'index':0,'delta':{},'finish_reason':'stop'}") DONE);
    answer_t *answer = exchange_read_stream(
        "openai", facts_ask("openai"), bytes, strlen(bytes), (cuts_t){0, 0});

    ck_assert_str_eq(answer->id, "c1");
    ck_assert_str_eq(answer->model, "gpt-base");
    facts_lacks(facts_stream_for("anthropic", "openai", bytes), "'model':''");
}
END_TEST

START_TEST(azure_has_chunks_without_choices_at_both_ends) /* fact 24 */
{
    facts_stream("openai",
                 FILTERS CHUNK("'content':'Hi'") ENDED("stop") USAGE("") DONE,
                 "text 0 'Hi'\nfinish 0 stop\nusage input=9 output=2\n");
}
END_TEST

START_TEST(azure_filters_without_a_message_and_bills_it) /* fact 25 */
{
    static const char body[] =
        "{'id':'c1','choices':[{'index':0,'finish_reason':'content_filter',"
        "'content_filter_results':{}}],'usage':{'prompt_tokens':9,"
        "'completion_tokens':7,'total_tokens':16}}";

    facts_whole("openai", body,
                "finish 0 content_filter\nusage input=9 output=7\n");
    facts_has(facts_whole_for("anthropic", "openai", body),
              "'stop_reason':'refusal'");
}
END_TEST

START_TEST(azures_errors_have_a_number_as_text) /* fact 26 */
{
    facts_problem("openai", 401,
                  "{'error':{'code':'401','message':'Wrong key'}}",
                  "unauthorized 401 Wrong key");
    facts_problem("openai", 404,
                  "{'error':{'code':'DeploymentNotFound','message':'None'}}",
                  "not_found 404 None; code DeploymentNotFound");
}
END_TEST

START_TEST(azure_tells_the_model_not_the_deployment) /* fact 28 */
{
    const char *body = facts_text("{'model':'gpt-base-2','choices':[]}");
    llm_finish_e finish = LLM_FINISH_NONE;
    const char *model = "my-deployment";

    exchange_dialect("openai")->read_facts(
        &model, &finish, exchange_json(body, strlen(body)), unit_pool);
    ck_assert_str_eq(model, "gpt-base-2");
}
END_TEST

Suite *facts_openai_suite(void)
{
    Suite *suite = suite_create("facts_openai");
    TCase *tcase = tcase_create("streams");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, usage_is_in_the_last_chunk_which_has_no_choices);
    tcase_add_test(tcase, the_first_chunk_can_begin_a_call);
    tcase_add_test(tcase, a_call_is_named_once_and_comes_in_pieces);
    tcase_add_test(tcase, the_end_is_a_chunk_of_its_own);
    tcase_add_test(tcase, choices_are_mixed_and_end_by_themselves);
    tcase_add_test(tcase, unknown_keys_do_no_harm);
    tcase_add_test(tcase, the_usage_chunk_need_not_be_the_last);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("answers");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, beside_calls_content_is_null_empty_or_absent);
    tcase_add_test(tcase, reasoning_and_cached_tokens_are_parts_of_the_counts);
    tcase_add_test(tcase, old_functions_are_answered_without_an_id);
    tcase_add_test(tcase, errors_may_be_printed_over_several_lines);
    tcase_add_test(tcase, embeddings_may_be_text_and_have_no_output);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("azure");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, azure_begins_with_a_chunk_that_names_nothing);
    tcase_add_test(tcase, azure_has_chunks_without_choices_at_both_ends);
    tcase_add_test(tcase, azure_filters_without_a_message_and_bills_it);
    tcase_add_test(tcase, azures_errors_have_a_number_as_text);
    tcase_add_test(tcase, azure_tells_the_model_not_the_deployment);
    suite_add_tcase(suite, tcase);
    return suite;
}
