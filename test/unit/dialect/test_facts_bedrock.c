/* SPDX-License-Identifier: Apache-2.0 */
/* What is known on the wire of AWS Bedrock; see facts.h. Streams are written as
 * a message a line: name and payload. */
#include "test/unit/dialect/facts.h"

#define START "messageStart {'role':'assistant','p':'abcd'}\n"
#define DELTA(block, delta)                                                    \
    "contentBlockDelta {'contentBlockIndex':" block ",'delta':{" delta         \
    "},'p':'abcdefgh'}\n"
#define STOP(block)                                                            \
    "contentBlockStop {'contentBlockIndex':" block ",'p':'ab'}\n"
#define END(reason) "messageStop {'stopReason':'" reason "','p':'a'}\n"
#define COUNTS                                                                 \
    "metadata {'metrics':{'latencyMs':5},'usage':{'inputTokens':3,"            \
    "'outputTokens':2,'totalTokens':5},'p':'abc'}\n"

START_TEST(bedrock_counts_behind_the_reason_of_the_end) /* facts 64, 65 */
{
    static const char stream[] =
        START DELTA("0", "'text':'Hi'") STOP("0") END("end_turn") COUNTS;
    const char *chat;

    facts_stream("bedrock", stream,
                 "text 0 'Hi'\nfinish 0 stop\nusage input=3 output=2\n");
    chat = facts_stream_for("openai", "bedrock", stream);
    ck_assert(strstr(chat, "\"finish_reason\":\"stop\"")
              < strstr(chat, "\"prompt_tokens\":3"));
}
END_TEST

START_TEST(only_calls_have_a_start) /* fact 66 */
{
    facts_stream("bedrock",
                 START DELTA("0", "'reasoningContent':{'text':'Hm'}")
                     DELTA("0", "'reasoningContent':{'signature':'EqQB'}")
                         STOP("0") DELTA("1", "'text':'Hi'") STOP("1")
                             END("end_turn") COUNTS,
                 "thinking 0 'Hm'\nsignature 0 EqQB\ntext 0 'Hi'\n"
                 "finish 0 stop\nusage input=3 output=2\n");
}
END_TEST

START_TEST(padding_says_nothing) /* fact 67 */
{
    facts_lacks(facts_stream_for("openai", "bedrock",
                                 START DELTA("0", "'text':'Hi'") STOP("0")
                                     END("end_turn") COUNTS),
                "abcd");
    facts_lacks(
        facts_whole_for("bedrock", "bedrock",
                        "{'output':{'message':{'role':'assistant','content':[{"
                        "'text':'Hi'}]}},'stopReason':'end_turn','p':'abcd'}"),
        "abcd");
}
END_TEST

START_TEST(input_comes_in_pieces_the_first_of_which_is_empty) /* fact 68 */
{
    static const char stream[] =
        START "contentBlockStart {'contentBlockIndex':0,'start':{'toolUse':{"
              "'name':'get_weather','toolUseId':'t1'}}}\n" //
        DELTA("0", "'toolUse':{'input':''}")
            DELTA("0", "'toolUse':{'input':'{\\\"city\\\":'}")
                DELTA("0", "'toolUse':{'input':'1}'}") STOP("0") END("tool_use")
                    COUNTS;
    static const char whole[] =
        "{'output':{'message':{'role':'assistant','content':[{'toolUse':{"
        "'toolUseId':'t1','name':'get_weather','input':{'city':1}}}]}},"
        "'stopReason':'tool_use'}";

    facts_stream("bedrock", stream,
                 "call 0 t1 get_weather {'city':1}\nfinish 0 tool_calls\n"
                 "usage input=3 output=2\n");
    facts_whole("bedrock", whole,
                "call 0 t1 get_weather {'city':1}\nfinish 0 tool_calls\n");
    facts_has(facts_whole_for("openai", "bedrock", whole),
              "'arguments':'{\\\"city\\\":1}'");
}
END_TEST

START_TEST(empty_texts_are_no_answer) /* fact 69 */
{
    static const char stream[] = START DELTA("0", "'text':''") STOP("0")
        DELTA("1", "'reasoningContent':{'text':'Hm'}") STOP("1")
            DELTA("2", "'text':'Hi'") STOP("2") END("end_turn") COUNTS;

    facts_stream("bedrock", stream,
                 "thinking 0 'Hm'\ntext 0 'Hi'\nfinish 0 stop\n"
                 "usage input=3 output=2\n");
    ck_assert_int_eq(
        facts_count(facts_stream_for("anthropic", "bedrock", stream),
                    "event: content_block_start"),
        2);
}
END_TEST

START_TEST(thinking_may_be_hidden_in_several_blocks) /* fact 70 */
{
    facts_stream("bedrock",
                 START DELTA("0", "'reasoningContent':{'redactedContent':"
                                  "'EmwK'}") STOP("0")
                     DELTA("1", "'reasoningContent':{'redactedContent':"
                                "'EmwL'}") STOP("1") DELTA("2", "'text':'x'")
                         STOP("2") END("end_turn") COUNTS,
                 "redacted 0 EmwK EmwL\ntext 0 'x'\nfinish 0 stop\n"
                 "usage input=3 output=2\n");
}
END_TEST

START_TEST(input_is_without_the_cache_and_the_total_with_it) /* facts 71, 72 */
{
    static const char whole[] =
        "{'output':{'message':{'role':'assistant','content':[{'text':'x'}]}},"
        "'stopReason':'end_turn','usage':{'inputTokens':433,'outputTokens':16,"
        "'totalTokens':3201,'cacheReadInputTokens':2752,"
        "'cacheReadInputTokenCount':2752,'cacheWriteInputTokens':0,"
        "'cacheWriteInputTokenCount':0}}";

    facts_whole("bedrock", whole,
                "text 0 'x'\nfinish 0 stop\n"
                "usage input=433 cache_read=2752 cache_write=0 output=16\n");
    facts_has(facts_whole_for("openai", "bedrock", whole),
              "'prompt_tokens':3185,'completion_tokens':16,"
              "'total_tokens':3201");
    facts_has(facts_whole_for("bedrock", "bedrock", whole),
              "'totalTokens':3201,'cacheReadInputTokens':2752");
}
END_TEST

START_TEST(what_a_guardrail_says_is_the_answer) /* fact 74 */
{
    facts_stream(
        "bedrock",
        START DELTA("0", "'text':'Blocked.'") STOP("0") END(
            "guardrail_intervened") "metadata {'trace':{'guardrail':{'actionReason':"
                                    "'Guardrail blocked.'}},'usage':{'inputTokens':3,"
                                    "'outputTokens':0,'totalTokens':3}}\n",
        "text 0 'Blocked.'\nfinish 0 content_filter\n"
        "usage input=3 output=0\n");
}
END_TEST

Suite *facts_bedrock_suite(void)
{
    Suite *suite = suite_create("facts_bedrock");
    TCase *tcase = tcase_create("bedrock");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, bedrock_counts_behind_the_reason_of_the_end);
    tcase_add_test(tcase, only_calls_have_a_start);
    tcase_add_test(tcase, padding_says_nothing);
    tcase_add_test(tcase, input_comes_in_pieces_the_first_of_which_is_empty);
    tcase_add_test(tcase, empty_texts_are_no_answer);
    tcase_add_test(tcase, thinking_may_be_hidden_in_several_blocks);
    tcase_add_test(tcase, input_is_without_the_cache_and_the_total_with_it);
    tcase_add_test(tcase, what_a_guardrail_says_is_the_answer);
    suite_add_tcase(suite, tcase);
    return suite;
}
