/* SPDX-License-Identifier: Apache-2.0 */
/* Hugging Face's old Inference API: prompts and parameters, text in arrays,
 * objects and streams, vectors. Facts are numbered as in
 * docs/internals/facts.md. */
#include "test/unit/dialect/wire.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

Suite *huggingface_inference_suite(void);

#define HF "huggingface-inference"
#define ASK                                                                    \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
/* A dialogue, so that the answer may go on with the user's words. */
#define TALK                                                                   \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},"  \
    "{\"role\":\"user\",\"content\":\"x\"}]"

/* ---- requests ---- */

static const char *member(const char *name, const char *request)
{
    const llm_json_t *node =
        llm_json_get(wire_json(wire_body(HF, wire_ask(request), "gpt2")), name);

    return node ? apr_pstrmemdup(unit_pool, node->raw.data, node->raw.len) : "";
}

START_TEST(paths)
{
    static const char *const rows[][2] = {
        {NULL, "/hf-inference/models/org/a%20b"},
        {"http://h:1", "/models/org/a%20b"},
        {"http://h:1/v1", "/models/org/a%20b"},
        {"http://h:1/p/", "/p/models/org/a%20b"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *request = exchange_request(
            exchange_provider(HF, rows[i][0]), wire_ask(ASK "}"), "org/a b");
        apr_size_t len = strlen(rows[i][1]);

        ck_assert_msg(!strncmp(request, rows[i][1], len)
                          && request[len] == '\n',
                      "%s", request);
    }
    ck_assert_str_eq(exchange_request(exchange_provider(HF, NULL),
                                      wire_ask(ASK "}"), "../x"),
                     "refused model: not a name Hugging Face can have\n");
}
END_TEST

START_TEST(a_question_alone_is_the_prompt)
{
    ck_assert_str_eq(wire_body(HF, wire_ask(ASK "}"), "gpt2"),
                     "{\"inputs\":\"x\",\"parameters\":{\"return_full_text\":"
                     "false,\"details\":true,\"max_new_tokens\":4096}}");
    ck_assert_str_eq(
        wire_body(HF, wire_ask(ASK ",\"stream\":true,\"max_tokens\":5}"),
                  "gpt2"),
        "{\"inputs\":\"x\",\"parameters\":{\"return_full_text\":"
        "false,\"details\":true,\"max_new_tokens\":5},\"stream\":true}");
}
END_TEST

START_TEST(a_conversation_is_written_down)
{
    ck_assert_str_eq(
        member("inputs",
               "{\"model\":\"m\",\"messages\":["
               "{\"role\":\"system\",\"content\":\"Be brief.\"},"
               "{\"role\":\"user\",\"content\":\"a\\\"\\u00e9\"},"
               "{\"role\":\"assistant\",\"content\":\"b\"},"
               "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
               "\"text\":\"c\"},{\"type\":\"text\",\"text\":\"d\"}]}]}"),
        "\"Be brief.\\n\\nUser: a\\\"\\u00e9\\nAssistant: b\\nUser: c\\nd\\n"
        "Assistant:\"");
    /* the client began the answer itself */
    ck_assert_str_eq(
        member("inputs", "{\"model\":\"m\",\"messages\":["
                         "{\"role\":\"user\",\"content\":\"a\"},"
                         "{\"role\":\"assistant\",\"content\":\"Well, \"}]}"),
        "\"User: a\\nAssistant: Well, \"");
}
END_TEST

START_TEST(parameters)
{
    static const struct {
        const char *request, *parameters;
    } rows[] = {
        {ASK ",\"stop\":\"a\"", "\"stop\":[\"a\"]"},
        {TALK, "\"stop\":[\"\\nUser:\"]"},
        {TALK ",\"stop\":[\"a\",\"b\"]", "\"stop\":[\"a\",\"b\",\"\\nUser:\"]"},
        {TALK ",\"stop\":[\"a\",\"b\",\"c\",\"d\"]",
         "\"stop\":[\"a\",\"b\",\"c\",\"d\"]"},
        {ASK ",\"temperature\":0", "\"do_sample\":false"},
        {ASK ",\"temperature\":0.70,\"top_p\":0.9,\"top_k\":4",
         "\"do_sample\":true,\"temperature\":0.70,\"top_p\":0.9,\"top_k\":4"},
        {ASK ",\"top_p\":1.0", ""},
        {ASK ",\"seed\":9313781139405380000", "\"seed\":9313781139405380000"},
        {ASK ",\"seed\":-5", "\"seed\":5"},
        {ASK ",\"repetition_penalty\":1.2,\"options\":{\"a\":1}",
         "\"repetition_penalty\":1.2"},
        {ASK ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
             "{\"name\":\"n\",\"schema\":{\"type\":\"object\"}}}",
         "\"grammar\":{\"type\":\"json\",\"value\":{\"type\":\"object\"}}"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            member("parameters", apr_pstrcat(unit_pool, rows[i].request,
                                             ",\"max_tokens\":1}", NULL)),
            apr_pstrcat(unit_pool,
                        "{\"return_full_text\":false,\"details\":true,"
                        "\"max_new_tokens\":1",
                        *rows[i].parameters ? "," : "", rows[i].parameters, "}",
                        NULL));
    }
    ck_assert_str_eq(
        member("options", ASK ",\"options\":{\"use_cache\":false}}"),
        "{\"use_cache\":false}");
}
END_TEST

START_TEST(what_has_no_place)
{
    static const struct {
        const char *member, *told;
    } rows[] = {
        {"\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"t\"}}]",
         "refused tools: "},
        {"\"n\":2", "refused n: "},
        {"\"n\":1", ""},
        {"\"logprobs\":true", "refused logprobs: "},
        {"\"logit_bias\":{\"1\":1}", "refused logit_bias: "},
        {"\"presence_penalty\":0.5", "refused presence_penalty: "},
        {"\"presence_penalty\":0", ""},
        {"\"zzz\":1", "refused zzz: "},
        {"\"reasoning_effort\":\"low\",\"user\":\"u\"",
         "dropped user\ndropped reasoning_effort\ndropped thinking\n"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *told =
            exchange_request(exchange_provider(HF, NULL),
                             wire_ask(apr_pstrcat(unit_pool, ASK ",",
                                                  rows[i].member, "}", NULL)),
                             "m");

        if (*told == '/') {
            told = strchr(strchr(told, '\n') + 1, '\n') + 1;
            ck_assert_str_eq(told, rows[i].told);
        }
        ck_assert_msg(!strncmp(told, rows[i].told, strlen(rows[i].told)), "%s",
                      told);
    }
}
END_TEST

START_TEST(what_is_no_text_is_refused)
{
    static const char *const rows[][2] = {
        {"{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
         "\"image_url\":{\"url\":\"https://e.org/a.png\"}}]}",
         "pictures"},
        {"{\"role\":\"user\",\"content\":[{\"type\":\"input_audio\","
         "\"input_audio\":{\"data\":\"AA\",\"format\":\"wav\"}}]}",
         "sound"},
        {"{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":"
         "\"function\",\"function\":{\"name\":\"t\",\"arguments\":\"{}\"}}]}",
         "tool calls"},
        {"{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"x\"}",
         "tool results"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            exchange_request(exchange_provider(HF, NULL),
                             wire_ask(apr_pstrcat(
                                 unit_pool, "{\"model\":\"m\",\"messages\":[",
                                 rows[i][0], "]}", NULL)),
                             "m"),
            apr_pstrcat(unit_pool,
                        "refused messages: Hugging Face text-generation "
                        "cannot be given ",
                        rows[i][1], "\n", NULL));
    }
}
END_TEST

START_TEST(feature_extraction)
{
    static const char *const rows[][2] = {
        {"\"input\":\"a\"", "/hf-inference/models/e/pipeline/"
                            "feature-extraction\n{\"inputs\":\"a\"}\n"},
        {"\"input\":[\"a\",\"b\"]", "/hf-inference/models/e/pipeline/"
                                    "feature-extraction\n"
                                    "{\"inputs\":[\"a\",\"b\"]}\n"},
        {"\"input\":[1]", "refused input: expected a string or an array of "
                          "strings\n"},
        {"\"input\":\"a\",\"dimensions\":3",
         "refused dimensions: Hugging Face feature-extraction providers cannot "
         "do this\n"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(
            exchange_request(
                exchange_provider(HF, NULL),
                exchange_ask("openai", LLM_OP_EMBED,
                             apr_pstrcat(unit_pool, "{\"model\":\"e\",",
                                         rows[i][0], "}", NULL)),
                "e"),
            rows[i][1]);
    }
}
END_TEST

/* ---- whole answers ---- */

START_TEST(text_in_any_wrapping) /* fact 105 */
{
    const llm_ask_t *ask = wire_ask(ASK "}");
    static const char *const rows[][2] = {
        {"[{\"generated_text\":\" a\\u00e9\"}]",
         "text 0 \" a\\u00e9\"\nfinish 0 stop\n"},
        {"{\"generated_text\":\"a\",\"conversation\":{}}",
         "text 0 \"a\"\nfinish 0 stop\n"},
        {"[[{\"generated_text\":\"a\"}]]", "text 0 \"a\"\nfinish 0 stop\n"},
        {"[{\"generated_text\":\"a\",\"details\":null}]",
         "text 0 \"a\"\nfinish 0 stop\n"},
        {"[{\"generated_text\":\"a\",\"details\":{\"finish_reason\":\"length\","
         "\"generated_tokens\":7,\"prefill\":[{},{}]}}]",
         "text 0 \"a\"\nfinish 0 length\nusage input=2 output=7\n"},
        {"[{\"generated_text\":\"\",\"details\":{\"finish_reason\":"
         "\"eos_token\",\"generated_tokens\":0}}]",
         "finish 0 stop\nusage output=0\n"},
        {"[]", "problem upstream 502 the provider sent no generated_text\n"},
        {"{\"error\":\"no\",\"error_type\":\"generation\"}",
         "problem upstream 502 no\n"},
        {"{\"error\":[\"no\"]}", "problem upstream 502 no\n"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(wire_read(HF, ask, rows[i][0]), rows[i][1]);
    }
}
END_TEST

START_TEST(stop_sequences_are_no_text)
{
    ck_assert_str_eq(wire_read(HF,
                               wire_ask(ASK ",\"stop\":[\"END\",\"\\u00e9\"]}"),
                               "[{\"generated_text\":\"abEND\",\"details\":{"
                               "\"finish_reason\":\"stop_sequence\"}}]"),
                     "text 0 \"ab\"\nfinish 0 stop_sequence END\n");
    /* the dialogue's own: the answer is simply over */
    ck_assert_str_eq(wire_read(HF, wire_ask(TALK "}"),
                               "[{\"generated_text\":\" Hi\\nUser: y\"}]"),
                     "text 0 \"Hi\"\nfinish 0 stop\n");
}
END_TEST

static const char *vectors(const char *body)
{
    const llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_EMBED, "{\"model\":\"e\",\"input\":[\"a\",\"b\"]}");
    llm_answer_t *answer = NULL;
    const char *text = "";
    const llm_json_t *row;

    if (exchange_dialect(HF)->read_response(&answer, ask, wire_json(body),
                                            unit_pool)) {
        return "problem";
    }
    for (row = answer->embeddings->child; row; row = row->next) {
        text = apr_psprintf(unit_pool, "%s%.*s;", text, (int)row->raw.len,
                            row->raw.data);
    }
    return text;
}

START_TEST(embeddings)
{
    ck_assert_str_eq(vectors("[0.10,-2e-3]"), "[0.10,-2e-3];");
    ck_assert_str_eq(vectors("[[1,2],[3,4]]"), "[1,2];[3,4];");
    ck_assert_str_eq(vectors("[]"), "problem");
    ck_assert_str_eq(vectors("[[[1,2],[3,4]]]"), "problem"); /* of each token */
    ck_assert_str_eq(vectors("{\"error\":\"x\"}"), "problem");
    ck_assert_str_eq(vectors("{}"), "problem");
}
END_TEST

/* ---- streams ---- */

#define TOKEN(text)                                                            \
    "data:{\"token\":{\"id\":1,\"text\":\"" text "\",\"special\":false},"      \
    "\"generated_text\":null,\"details\":null}\n\n"
#define LAST(text, special, whole, details)                                    \
    "data:{\"token\":{\"id\":2,\"text\":\"" text "\",\"special\":" special     \
    "},\"generated_text\":\"" whole "\",\"details\":" details "}\n\n"

START_TEST(tokens) /* fact 103 */ /* fact 104 */
{
    ck_assert_str_eq(
        wire_stream(HF, wire_ask(ASK "}"),
                    TOKEN("one") TOKEN(" tw\\u00f6")
                        LAST("</s>", "true", "x one tw\\u00f6", "null")),
        "text 0 \"one tw\\u00f6\"\nfinish 0 stop\n");
    ck_assert_str_eq(
        wire_stream(HF, wire_ask(ASK "}"),
                    TOKEN("one") LAST(" two", "false", "one two",
                                      "{\"finish_reason\":\"length\","
                                      "\"generated_tokens\":2,"
                                      "\"input_length\":5}")),
        "text 0 \"one two\"\nfinish 0 length\nusage input=5 output=2\n");
}
END_TEST

START_TEST(the_limit_tells_why_it_ended)
{
    ck_assert_str_eq(wire_stream(HF, wire_ask(ASK ",\"max_tokens\":2}"),
                                 TOKEN("a") LAST("b", "false", "ab", "null")),
                     "text 0 \"ab\"\nfinish 0 length\n");
    ck_assert_str_eq(wire_stream(HF, wire_ask(ASK ",\"max_tokens\":2}"),
                                 TOKEN("a") LAST("</s>", "true", "a", "null")),
                     "text 0 \"a\"\nfinish 0 stop\n");
}
END_TEST

START_TEST(stop_sequences_in_several_tokens)
{
    const llm_ask_t *ask = wire_ask(ASK ",\"stop\":[\"STOP\",\"\\u00e9\"]}");

    ck_assert_str_eq(
        wire_stream(HF, ask,
                    TOKEN("a S") TOKEN("T") TOKEN("ART ST") TOKEN("O")
                        LAST("P", "false", "x",
                             "{\"finish_reason\":\"stop_sequence\"}")),
        "text 0 \"a START \"\nfinish 0 stop_sequence STOP\n");
    /* what began like one and was none */
    ck_assert_str_eq(wire_stream(HF, ask,
                                 TOKEN("a ST")
                                     LAST("O", "false", "x",
                                          "{\"finish_reason\":\"length\"}")),
                     "text 0 \"a STO\"\nfinish 0 length\n");
    /* a server that did not stop there */
    ck_assert_str_eq(wire_stream(HF, ask,
                                 TOKEN("a\\u00e9b")
                                     LAST("c", "false", "x", "null")),
                     "text 0 \"a\"\nfinish 0 stop_sequence \xC3\xA9\n");
    ck_assert_str_eq(wire_stream(HF, wire_ask(TALK "}"),
                                 TOKEN(" Hi") TOKEN("\\n") TOKEN("User") LAST(
                                     ":", "false", "x",
                                     "{\"finish_reason\":\"stop_sequence\"}")),
                     "text 0 \"Hi\"\nfinish 0 stop\n");
}
END_TEST

START_TEST(text_all_at_once)
{
    ck_assert_str_eq(wire_stream(HF, wire_ask(ASK "}"),
                                 "data: {\"generated_text\":\"ab\"}\n\n"
                                 "data: [DONE]\n\n"),
                     "text 0 \"ab\"\nfinish 0 stop\n");
}
END_TEST

START_TEST(streams_that_fail)
{
    static const char broken[] = "problem upstream 502 the provider's stream "
                                 "ended in the middle of the answer\n";
    const llm_ask_t *ask = wire_ask(ASK "}");

    ck_assert_str_eq(wire_stream(HF, ask, ""), broken);
    ck_assert_str_eq(wire_stream(HF, ask, TOKEN("a")),
                     apr_pstrcat(unit_pool, "text 0 \"a\"\n", broken, NULL));
    ck_assert_str_eq(
        wire_stream(HF, ask,
                    TOKEN("a") "event: error\ndata:{\"error\":\"oom\","
                               "\"error_type\":\"generation\"}\n\n" TOKEN("b")),
        "text 0 \"a\"\nproblem upstream 502 oom\n");
    ck_assert_str_eq(wire_stream(HF, ask, "data: {\"tok\n\n"),
                     "problem upstream 502 the provider sent an event that is "
                     "no JSON object\n");
}
END_TEST

Suite *huggingface_inference_suite(void)
{
    Suite *suite = suite_create("huggingface_inference");
    TCase *tcase;

    tcase = tcase_create("requests");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, paths);
    tcase_add_test(tcase, a_question_alone_is_the_prompt);
    tcase_add_test(tcase, a_conversation_is_written_down);
    tcase_add_test(tcase, parameters);
    tcase_add_test(tcase, what_has_no_place);
    tcase_add_test(tcase, what_is_no_text_is_refused);
    tcase_add_test(tcase, feature_extraction);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("whole");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, text_in_any_wrapping);
    tcase_add_test(tcase, stop_sequences_are_no_text);
    tcase_add_test(tcase, embeddings);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("streams");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, tokens);
    tcase_add_test(tcase, the_limit_tells_why_it_ended);
    tcase_add_test(tcase, stop_sequences_in_several_tokens);
    tcase_add_test(tcase, text_all_at_once);
    tcase_add_test(tcase, streams_that_fail);
    suite_add_tcase(suite, tcase);
    return suite;
}
