/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of Anthropic's Messages on the wire. */
#include "test/unit/dialect/facts.h"

Suite *facts_anthropic_suite(void);

#define START(usage)                                                           \
    NAMED("message_start",                                                     \
          "{'type':'message_start','message':{'id':'msg_1','type':'message',"  \
          "'role':'assistant','model':'m','content':[],'usage':{" usage "}}}")
#define PLAIN_START START("'input_tokens':5,'output_tokens':1")
#define BLOCK(index, block)                                                    \
    NAMED("content_block_start",                                               \
          "{'type':'content_block_start','index':" index                       \
          ",'content_block':{" block "}}")
#define DELTA(index, delta)                                                    \
    NAMED("content_block_delta",                                               \
          "{'type':'content_block_delta','index':" index ",'delta':{" delta    \
          "}}")
#define BLOCK_END(index)                                                       \
    NAMED("content_block_stop",                                                \
          "{'type':'content_block_stop','index':" index "}")
#define TEXT(index, text)                                                      \
    BLOCK(index, "'type':'text','text':''")                                    \
    DELTA(index, "'type':'text_delta','text':'" text "'") BLOCK_END(index)
#define ARGS(index, piece)                                                     \
    DELTA(index, "'type':'input_json_delta','partial_json':'" piece "'")
#define TOOL(index, id)                                                        \
    BLOCK(index, "'type':'tool_use','id':'" id "','name':'f','input':{}")
#define LAST(reason, usage)                                                    \
    NAMED("message_delta",                                                     \
          "{'type':'message_delta','delta':{'stop_reason':'" reason            \
          "','stop_sequence':null},'usage':{" usage "}}")                      \
    NAMED("message_stop", "{'type':'message_stop'}")
#define PING NAMED("ping", "{'type': 'ping'}")

/* ---- usage ---- */

START_TEST(counts_at_the_end_replace_those_at_the_start) /* fact 29 */
{
    facts_stream("anthropic",
                 START("'input_tokens':50,'output_tokens':3") TEXT("0", "Hi")
                     LAST("end_turn", "'output_tokens':9"),
                 "text 0 'Hi'\nfinish 0 stop\nusage input=50 output=9\n");
    facts_stream(
        "anthropic",
        START("'input_tokens':50,'cache_creation_input_tokens':4,"
              "'cache_read_input_tokens':7,'output_tokens':3") TEXT("0", "Hi")
            LAST("end_turn",
                 "'input_tokens':50,'cache_creation_input_tokens':4,"
                 "'cache_read_input_tokens':7,'output_tokens':9"),
        "text 0 'Hi'\nfinish 0 stop\n"
        "usage input=50 cache_read=7 cache_write=4 output=9\n");
}
END_TEST

START_TEST(server_tools_raise_the_input_while_they_run) /* fact 30 */
{
    facts_stream("anthropic",
                 START("'input_tokens':800,'output_tokens':2") TEXT("0", "Hi")
                     LAST("end_turn",
                          "'input_tokens':90500,'output_tokens':60,"
                          "'server_tool_use':{'web_search_requests':2}"),
                 "text 0 'Hi'\nfinish 0 stop\nusage input=90500 output=60\n");
}
END_TEST

START_TEST(the_prompt_is_the_sum_of_input_and_cache) /* fact 31 */
{
    static const char body[] =
        "{'type':'message','role':'assistant','model':'m','content':[{'type':"
        "'text','text':'Hi'}],'stop_reason':'end_turn','usage':{"
        "'input_tokens':3,'cache_read_input_tokens':4000,"
        "'cache_creation_input_tokens':20,'output_tokens':6}}";
    const char *written = facts_whole_for("openai", "anthropic", body);

    facts_has(written, "'prompt_tokens':4023");
    facts_has(written, "'cached_tokens':4000");
    facts_has(written, "'total_tokens':4029");
}
END_TEST

START_TEST(output_counted_at_the_start_is_no_count) /* fact 32 */
{
    static const char bytes[] = START("'input_tokens':5,'output_tokens':88")
        TEXT("0", "Hi") LAST("end_turn", "'output_tokens':12");

    facts_stream("anthropic", bytes,
                 "text 0 'Hi'\nfinish 0 stop\nusage input=5 output=12\n");
    facts_has(facts_stream_for("openai", "anthropic", bytes),
              "'completion_tokens':12");
}
END_TEST

/* ---- framing ---- */

START_TEST(a_ping_may_come_anywhere) /* fact 33 */
{
    facts_stream("anthropic",
                 PING PLAIN_START BLOCK("0", "'type':'text','text':''")
                     PING DELTA("0", "'type':'text_delta','text':'H'")
                         PING DELTA("0", "'type':'text_delta','text':'i'")
                             BLOCK_END("0")
                                 PING LAST("end_turn", "'output_tokens':2"),
                 "text 0 'Hi'\nfinish 0 stop\nusage input=5 output=2\n");
}
END_TEST

START_TEST(blanks_before_the_last_brace_mean_nothing) /* fact 34 */
{
    facts_stream(
        "anthropic",
        PLAIN_START NAMED("content_block_start",
                          "{'type':'content_block_start','index':0,"
                          "'content_block':{'type':'text','text':''}        }")
            NAMED("content_block_delta",
                  "{'type':'content_block_delta','index':0,'delta':{'type':"
                  "'text_delta','text':'Hi'}     }")
                NAMED("content_block_stop",
                      "{'type':'content_block_stop','index':0             }")
                    LAST("end_turn", "'output_tokens':2"),
        "text 0 'Hi'\nfinish 0 stop\nusage input=5 output=2\n");
}
END_TEST

/* ---- blocks ---- */

START_TEST(arguments_are_the_pieces_alone) /* fact 35 */
{
    static const char bytes[] = PLAIN_START TOOL("0", "toolu_1") ARGS("0", "")
        ARGS("0", "[1") ARGS("0", "]") BLOCK_END("0") TOOL("1", "toolu_2")
            ARGS("1", "") BLOCK_END("1") LAST("tool_use", "'output_tokens':2");
    const char *written = facts_stream_for("openai", "anthropic", bytes);

    facts_stream("anthropic", bytes,
                 "call 0 toolu_1 f [1]\ncall 0 toolu_2 f \n"
                 "finish 0 tool_calls\nusage input=5 output=2\n");
    facts_has(written, "'arguments':'{}'");
    facts_lacks(written, "{}[1");
}
END_TEST

START_TEST(calls_are_numbered_from_zero_among_themselves) /* fact 36 */
{
    const char *written = facts_stream_for(
        "openai", "anthropic",
        PLAIN_START TEXT("0", "Hi") TOOL("1", "toolu_1") ARGS("1", "[1]")
            BLOCK_END("1") TOOL("3", "toolu_2") ARGS("3", "[2]") BLOCK_END("3")
                LAST("tool_use", "'output_tokens':2"));

    facts_has(written, "'tool_calls':[{'index':0,'id':'toolu_1'");
    facts_has(written, "'tool_calls':[{'index':1,'id':'toolu_2'");
}
END_TEST

START_TEST(signatures_and_hidden_thinking_survive) /* fact 37 */
{
    static const char bytes[] =
        PLAIN_START BLOCK("0", "'type':'thinking','thinking':'','signature':''")
            DELTA("0", "'type':'signature_delta','signature':'U2ln'")
                BLOCK_END("0")
                    BLOCK("1", "'type':'redacted_thinking','data':'SGlk'")
                        BLOCK_END("1") TEXT("2", "Hi")
                            LAST("end_turn", "'output_tokens':2");

    facts_stream("anthropic", bytes,
                 "signature 0 U2ln\nredacted 0 SGlk\ntext 0 'Hi'\n"
                 "finish 0 stop\nusage input=5 output=2\n");
    facts_has(facts_stream_for("anthropic", "anthropic", bytes), "U2ln");
    facts_has(facts_stream_for("anthropic", "anthropic", bytes), "SGlk");
}
END_TEST

#define RAN(index, type)                                                       \
    BLOCK(index, "'type':'" type "','content':[]") BLOCK_END(index)

START_TEST(what_server_tools_do_is_no_call) /* fact 38 */
{
    facts_stream(
        "anthropic",
        PLAIN_START BLOCK("0",
                          "'type':'server_tool_use','id':'srvtoolu_1','name':"
                          "'web_search','input':{}") ARGS("0", "")
            ARGS("0", "[1]") BLOCK_END("0") RAN("1", "web_search_tool_result")
                RAN("2", "web_fetch_tool_result") RAN("3", "mcp_tool_use")
                    RAN("4", "mcp_tool_result")
                        RAN("5", "bash_code_execution_tool_result")
                            RAN("6", "tool_search_tool_result")
                                RAN("7", "advisor_tool_result")
                                    RAN("8", "compaction") TEXT("9", "Hi")
                                        LAST("end_turn", "'output_tokens':2"),
        "text 0 'Hi'\nfinish 0 stop\nusage input=5 output=2\n");
}
END_TEST

START_TEST(deltas_of_every_type) /* fact 39 */
{
    facts_stream(
        "anthropic",
        PLAIN_START BLOCK("0", "'type':'thinking','thinking':''")
            DELTA("0", "'type':'thinking_delta','thinking':'Hm'") DELTA(
                "0", "'type':'signature_delta','signature':'U2ln'")
                BLOCK_END("0") BLOCK("1", "'type':'text','text':'',"
                                          "'citations':[]")
                    DELTA("1", "'type':'citations_delta','citation':{"
                               "'type':'web_search_result_location'}")
                        DELTA("1", "'type':'text_delta','text':'Hi'")
                            BLOCK_END("1") BLOCK("2", "'type':'compaction'")
                                DELTA("2", "'type':'compaction_delta',"
                                           "'content':'short'") BLOCK_END("2")
                                    LAST("end_turn", "'output_tokens':2"),
        "thinking 0 'Hm'\nsignature 0 U2ln\ntext 0 'Hi'\nfinish 0 stop\n"
        "usage input=5 output=2\n");
}
END_TEST

START_TEST(reasons_to_stop) /* fact 40 */
{
    static const char *const rows[][2] = {
        {"end_turn", "stop"},     {"stop_sequence", "stop_sequence"},
        {"pause_turn", "pause"},  {"refusal", "content_filter"},
        {"max_tokens", "length"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        facts_whole(
            "anthropic",
            apr_psprintf(unit_pool,
                         "{'type':'message','content':[],'stop_reason':'%s',"
                         "'stop_details':{'type':'refusal'}}",
                         rows[i][0]),
            apr_psprintf(unit_pool, "finish 0 %s\n", rows[i][1]));
    }
    facts_stream("anthropic", PLAIN_START LAST("refusal", "'output_tokens':2"),
                 "finish 0 content_filter\nusage input=5 output=2\n");
}
END_TEST

START_TEST(the_last_delta_has_keys_nobody_knows) /* fact 41 */
{
    facts_stream(
        "anthropic",
        PLAIN_START TEXT("0", "Hi") NAMED(
            "message_delta",
            "{'type':'message_delta','delta':{'stop_reason':'end_turn',"
            "'stop_sequence':null,'stop_details':null,'container':{'id':'c'}},"
            "'usage':{'output_tokens':2},'context_management':{"
            "'applied_edits':[]}}")
            NAMED("message_stop", "{'type':'message_stop'}"),
        "text 0 'Hi'\nfinish 0 stop\nusage input=5 output=2\n");
}
END_TEST

/* ---- trouble ---- */

START_TEST(errors_have_a_type_and_no_code) /* fact 44 */
{
    facts_problem("anthropic", 404,
                  "{'type':'error','error':{'type':'not_found_error',"
                  "'message':'model: x'},'request_id':'req_1'}",
                  "not_found 404 model: x; type not_found_error");
}
END_TEST

START_TEST(two_answers_in_one_stream_are_not_joined) /* fact 45 */
{
    const char *written = facts_stream_for(
        "openai", "anthropic",
        PLAIN_START TOOL("0", "toolu_1") ARGS("0", "[1")
            PLAIN_START TOOL("0", "toolu_2") ARGS("0", "[2]") BLOCK_END("0")
                LAST("tool_use", "'output_tokens':2"));

    facts_lacks(written, "[1[2]");
    facts_has(written, "'id':'toolu_2'");
    facts_stream("anthropic",
                 PLAIN_START TOOL("0", "toolu_1") ARGS("0", "[1")
                     PLAIN_START TOOL("0", "toolu_2") ARGS("0", "[2]")
                         BLOCK_END("0") LAST("tool_use", "'output_tokens':2"),
                 "call 0 toolu_1 f [1\ncall 0 toolu_2 f [2]\n"
                 "finish 0 tool_calls\nusage input=5 output=2\n");
}
END_TEST

Suite *facts_anthropic_suite(void)
{
    Suite *suite = suite_create("facts_anthropic");
    TCase *tcase = tcase_create("usage");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, counts_at_the_end_replace_those_at_the_start);
    tcase_add_test(tcase, server_tools_raise_the_input_while_they_run);
    tcase_add_test(tcase, the_prompt_is_the_sum_of_input_and_cache);
    tcase_add_test(tcase, output_counted_at_the_start_is_no_count);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("events");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, a_ping_may_come_anywhere);
    tcase_add_test(tcase, blanks_before_the_last_brace_mean_nothing);
    tcase_add_test(tcase, arguments_are_the_pieces_alone);
    tcase_add_test(tcase, calls_are_numbered_from_zero_among_themselves);
    tcase_add_test(tcase, signatures_and_hidden_thinking_survive);
    tcase_add_test(tcase, what_server_tools_do_is_no_call);
    tcase_add_test(tcase, deltas_of_every_type);
    tcase_add_test(tcase, reasons_to_stop);
    tcase_add_test(tcase, the_last_delta_has_keys_nobody_knows);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("trouble");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, errors_have_a_type_and_no_code);
    tcase_add_test(tcase, two_answers_in_one_stream_are_not_joined);
    suite_add_tcase(suite, tcase);
    return suite;
}
