/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini's answers: text, usage and errors; whole, streamed, in an array.
 * Facts are numbered as in docs/internals/facts.md. */
#include "test/unit/dialect/gemini_chunks.h"

Suite *gemini_answers_suite(void);

/* ---- text and thinking ---- */

START_TEST(thinking_is_not_text) /* fact 55 */
{
    ck_assert_str_eq(
        both(CHUNKS(
            PARTS("{\"text\":\"Hm\",\"thought\":true}", "") "}",
            PARTS("{\"text\":\", so\",\"thought\":true}," SAID("H\\u00e9"),
                  "") "}",
            PARTS(SAID("llo"), STOP) "}")),
        "thinking 0 \"Hm, so\"\ntext 0 \"H\\u00e9llo\"\nfinish 0 stop\n");
}
END_TEST

START_TEST(the_end_is_told_once) /* older models say STOP in every chunk */
{
    ck_assert_str_eq(
        both(CHUNKS(PARTS(SAID("a"), STOP) "}", PARTS(SAID("b"), STOP) "}",
                    PARTS(SAID("c"), STOP) "}")),
        "text 0 \"abc\"\nfinish 0 stop\n");
}
END_TEST

START_TEST(candidates_are_kept_apart)
{
    ck_assert_str_eq(
        streamed(CHUNKS(
            "{\"candidates\":[{\"content\":{\"parts\":[" SAID(
                "a") "]},\"index\":1},{\"content\":{\"parts\":[" SAID("b") "]},\"index\":0}]}",
            "{\"candidates\":[{\"finishReason\":\"STOP\"},"
            "{\"finishReason\":\"MAX_TOKENS\",\"index\":1}]}")),
        "text 0 \"b\"\nfinish 0 stop\ntext 1 \"a\"\nfinish 1 length\n");
}
END_TEST

START_TEST(content_without_parts) /* fact 56 */
{
    static const char *const rows[][2] = {
        {"{\"content\":{\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS\"}",
         "finish 0 length\n"},
        {"{\"content\":{},\"finishReason\":\"SAFETY\"}",
         "finish 0 content_filter\n"},
        {"{\"finishReason\":\"MODEL_ARMOR\",\"finishMessage\":\"x\"}",
         "finish 0 content_filter\n"},
        {"{\"finishReason\":2}", "finish 0 length\n"}, /* fact 59 */
        {"{\"finishReason\":3}", "finish 0 content_filter\n"},
        {"{\"finishReason\":\"NEW_ONE\"}", "finish 0 other\n"},
        {"{\"finishReason\":99}", "finish 0 other\n"},
        {"{\"finishReason\":\"STOP\",\"content\":{\"parts\":null}}",
         "finish 0 stop\n"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const char *body =
            apr_pstrcat(unit_pool, "{\"candidates\":[", rows[i][0], "]}", NULL);

        ck_assert_str_eq(whole(body), rows[i][1]);
        ck_assert_str_eq(both(CHUNKS(body)), rows[i][1]);
    }
}
END_TEST

START_TEST(a_blocked_prompt_is_filtered) /* fact 57 */
{
    const char *body =
        "{\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"},"
        "\"usageMetadata\":{\"promptTokenCount\":7,\"totalTokenCount\":7}}";

    ck_assert_str_eq(whole(body),
                     "finish 0 content_filter\nusage input=7 output=0\n");
    ck_assert_str_eq(both(CHUNKS(body)),
                     "finish 0 content_filter\nusage input=7 output=0\n");
}
END_TEST

START_TEST(text_signatures_are_for_those_who_asked) /* fact 54 */
{
    const char *const *chunks = CHUNKS(
        PARTS("{\"text\":\"Hm\",\"thought\":true}", "") "}",
        PARTS(SAID("Hi"), "") "}",
        PARTS("{\"text\":\"\",\"thoughtSignature\":\"AbC+/w==\"}", STOP) "}");

    ck_assert_str_eq(both(chunks),
                     "thinking 0 \"Hm\"\ntext 0 \"Hi\"\nfinish 0 stop\n");
    ck_assert_str_eq(both_for(ASK ",\"reasoning_effort\":\"low\"}", chunks),
                     "thinking 0 \"Hm\"\nsignature 0 gemini#AbC+/w==\n"
                     "text 0 \"Hi\"\nfinish 0 stop\n");
}
END_TEST

START_TEST(what_is_neither_text_nor_call)
{
    static const llm_part_e kinds[] = {LLM_PART_PROVIDER, LLM_PART_TEXT,
                                       LLM_PART_TEXT};
    llm_answer_t *answer = NULL;
    const llm_part_t *part;
    int i;

    ck_assert_ptr_null(exchange_dialect("gemini")->read_response(
        &answer, wire_ask(ASK "}"),
        wire_json(PARTS("{\"executableCode\":{\"code\":\"1\"}},"
                        "{\"inlineData\":{\"mimeType\":\"image/png\","
                        "\"data\":\"AAAA\"}},{},null,\"x\"," SAID("ok"),
                        STOP) "}"),
        unit_pool));
    for (part = answer->choices->parts, i = 0; part; part = part->next, ++i) {
        ck_assert_int_lt(i, 3);
        ck_assert_int_eq(part->kind, kinds[i]);
    }
    ck_assert_int_eq(i, 3);
    part = answer->choices->parts->next;
    ck_assert_str_eq(part->media->media_type, "image/png");
    ck_assert(llm_text_equals(part->media->base64, "AAAA"));
    ck_assert(
        llm_text_equals(part->text, "![image](data:image/png;base64,AAAA)"));
    ck_assert_ptr_null(part->next->media);
}
END_TEST

/* ---- usage ---- */

#define USAGE(text) ",\"usageMetadata\":{" text "}}"

START_TEST(usage_is_what_the_last_chunk_says)
/* fact 48 */ /* fact 49 */ /* fact 60 */
{
    ck_assert_str_eq(
        both(CHUNKS(PARTS(SAID("a"), "") USAGE(
                        "\"promptTokenCount\":46,\"candidatesTokenCount\":51,"
                        "\"thoughtsTokenCount\":101,\"totalTokenCount\":198"),
                    PARTS(SAID("b"), "")
                        USAGE("\"promptTokenCount\":46,\"totalTokenCount\":46"),
                    PARTS(SAID("c"), "") USAGE("\"trafficType\":\"ON_DEMAND\""),
                    PARTS(SAID("d"), STOP) USAGE(
                        "\"promptTokenCount\":147,\"candidatesTokenCount\":108,"
                        "\"toolUsePromptTokenCount\":360,"
                        "\"thoughtsTokenCount\":168,\"totalTokenCount\":783"))),
        "text 0 \"abcd\"\nfinish 0 stop\n"
        "usage input=507 output=108 reasoning=168\n");
}
END_TEST

START_TEST(usage_arithmetic) /* fact 50 */
{
    static const char *const rows[][2] = {
        {"\"promptTokenCount\":5,\"candidatesTokenCount\":7,"
         "\"totalTokenCount\":12",
         "input=5 output=7"},
        /* ended, and nothing said: nothing was said */
        {"\"promptTokenCount\":5,\"thoughtsTokenCount\":4,"
         "\"totalTokenCount\":9",
         "input=5 output=0 reasoning=4"},
        /* thoughts that only the total tells */
        {"\"promptTokenCount\":5,\"candidatesTokenCount\":7,"
         "\"totalTokenCount\":20",
         "input=5 output=7 reasoning=8"},
        {"\"promptTokenCount\":17713,\"cachedContentTokenCount\":17379,"
         "\"candidatesTokenCount\":68,\"thoughtsTokenCount\":821,"
         "\"totalTokenCount\":18602,\"cacheTokensDetails\":["
         "{\"modality\":\"AUDIO\",\"tokenCount\":1881}],"
         "\"promptTokensDetails\":[{\"modality\":\"AUDIO\","
         "\"tokenCount\":1917}]",
         "input=298 cache_read=17379 output=68 reasoning=821 audio_in=36"},
        {"\"promptTokenCount\":5,\"candidatesTokenCount\":9,"
         "\"candidatesTokensDetails\":[{\"modality\":4,\"tokenCount\":6}]",
         "input=5 output=3 audio_out=6"},
        /* nonsense is not counted */
        {"\"promptTokenCount\":5,\"cachedContentTokenCount\":50,"
         "\"candidatesTokenCount\":1",
         "input=0 cache_read=5 output=1"},
        {"\"promptTokenCount\":-1,\"candidatesTokenCount\":\"x\"", ""},
        {"\"promptTokenCount\":99999999999999999999", ""},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        llm_usage_t usage;

        llm_usage_clear(&usage);
        exchange_dialect("gemini")->read_usage(
            &usage, wire_json(apr_pstrcat(
                        unit_pool,
                        "{\"candidates\":[{\"finishReason\":\"STOP\"}],"
                        "\"usageMetadata\":{",
                        rows[i][0], "}}", NULL)));
        ck_assert_str_eq(wire_usage(&usage), rows[i][1]);
    }
}
END_TEST

/* The vectors, each as it was written. */
static const char *vectors(const char *body)
{
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_EMBED,
                                        "{\"model\":\"e\",\"input\":[\"a\"]}");
    const char *text = "";
    llm_answer_t *answer = NULL;
    const llm_json_t *row;

    if (exchange_dialect("gemini")->read_response(&answer, ask, wire_json(body),
                                                  unit_pool)) {
        return "problem";
    }
    for (row = answer->embeddings->child; row; row = row->next) {
        text = apr_psprintf(unit_pool, "%s%.*s ", text, (int)row->raw.len,
                            row->raw.data);
    }
    return apr_pstrcat(unit_pool, text, wire_usage(answer->usage), NULL);
}

START_TEST(usage_of_embeddings) /* fact 61 */
{
    ck_assert_str_eq(vectors("{\"embeddings\":[{\"values\":[1,2e-3]},"
                             "{\"values\":[3,4]}]}"),
                     "[1,2e-3] [3,4] ");
    ck_assert_str_eq(vectors("{\"embedding\":{\"values\":[1]},"
                             "\"usageMetadata\":{\"promptTokenCount\":11}}"),
                     "[1] input=11");
    ck_assert_str_eq(vectors("{\"embeddings\":[{}]}"), "problem");
}
END_TEST

/* ---- what is wrong ---- */

START_TEST(errors) /* fact 63 */
{
    static const struct {
        int status;
        const char *body, *told;
    } rows[] = {
        {404,
         "{\"error\":{\"code\":404,\"message\":\"models/x is not found\","
         "\"status\":\"NOT_FOUND\"}}",
         "not_found 404 models/x is not found"},
        {429,
         "[{\"error\":{\"code\":429,\"message\":\"slow\",\"details\":["
         "{\"@type\":\"q\"},{\"retryDelay\":\"34.4s\"}]}}]",
         "rate_limited 429 slow; retry after 35"},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"API key not valid.\","
         "\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}",
         "unauthorized 401 API key not valid."},
        {503, "{\"error\":{\"code\":503,\"message\":\"overloaded\"}}",
         "unavailable 503 overloaded"},
        {502, "<html>", "upstream 502 the provider answered with status 502"},
        {500, "", "internal 500 the provider answered with status 500"},
        {500, "gone", "internal 500 gone"},
        {401, "{\"error\":\"invalid_client\"}",
         "unauthorized 401 invalid_client"},
        {400, "[]", "bad_request 400 the provider answered with status 400"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        ck_assert_str_eq(wire_problem("gemini", rows[i].status, rows[i].body),
                         rows[i].told);
    }
}
END_TEST

START_TEST(errors_under_status_200)
{
    const char *error =
        "{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"X\"}}";

    ck_assert_str_eq(whole(error), "problem unavailable 503 busy\n");
    ck_assert_str_eq(whole(array(CHUNKS(PARTS(SAID("a"), "") "}", error))),
                     "problem unavailable 503 busy\n");
    ck_assert_str_eq(wire_stream("gemini", wire_ask(ASK "}"),
                                 events(CHUNKS(PARTS(SAID("a"), "") "}", error,
                                               PARTS(SAID("b"), STOP) "}"))),
                     "text 0 \"a\"\nproblem unavailable 503 busy\n");
}
END_TEST

START_TEST(streams_that_break_off)
{
    const llm_ask_t *ask = wire_ask(ASK "}");
    static const char broken[] = "problem upstream 502 the provider's stream "
                                 "ended in the middle of the answer\n";

    ck_assert_str_eq(wire_stream("gemini", ask, ""), broken);
    ck_assert_str_eq(
        wire_stream("gemini", ask, events(CHUNKS(PARTS(SAID("a"), "") "}"))),
        apr_pstrcat(unit_pool, "text 0 \"a\"\n", broken, NULL));
    ck_assert_str_eq(wire_stream("gemini", ask, "data: {\"cand\r\n\r\n"),
                     "problem upstream 502 the provider sent an event that is "
                     "no JSON\n");
    ck_assert_str_eq(
        wire_stream("gemini", ask,
                    events(CHUNKS("{\"candidates\":[{\"index\":64}]}"))),
        "problem upstream 502 the provider sent a candidate with an "
        "impossible index\n");
}
END_TEST

START_TEST(bodies_that_are_no_answer)
{
    static const char *const bodies[] = {
        "{}", "1", "\"x\"", "null", "{\"candidates\":5}", "{\"candidates\":[]}",
    };
    apr_size_t i;

    for (i = 0; i < sizeof(bodies) / sizeof(*bodies); ++i) {
        ck_assert_str_eq(whole(bodies[i]),
                         "problem upstream 502 the provider sent no answer: "
                         "neither candidates nor promptFeedback\n");
    }
    ck_assert_str_eq(
        whole("{\"candidates\":[null,5,{\"content\":[]},{\"content\":{"
              "\"parts\":[{\"text\":7},{\"functionCall\":[]}]}}]}"),
        "finish 0 stop\nfinish 1 stop\nfinish 2 stop\nfinish 3 stop\n");
}
END_TEST

/* ---- facts of passed answers ---- */

START_TEST(facts)
{
    const llm_dialect_t *gemini = exchange_dialect("gemini");
    const char *model = NULL;
    llm_finish_e finish = LLM_FINISH_NONE;
    llm_event_t event = {{NULL, 0}, {NULL, 0}, NULL};

    event.doc = wire_json(PARTS("{\"functionCall\":{\"name\":\"a\"}}",
                                "") ",\"modelVersion\":\"gemini-2.5-pro\"}");
    gemini->read_facts(&model, &finish, event.doc, unit_pool);
    ck_assert_int_eq(gemini->is_last(&event), 0);
    event.doc = wire_json(PARTS(SAID(""), STOP) "}");
    gemini->read_facts(&model, &finish, event.doc, unit_pool);
    ck_assert_str_eq(model, "gemini-2.5-pro");
    ck_assert_int_eq(finish, LLM_FINISH_TOOL_CALLS);
    ck_assert_int_eq(gemini->is_last(&event), 1);

    /* Google's OpenAI-compatible endpoint */
    gemini->read_facts(&model, &finish,
                       wire_json("{\"model\":\"o\",\"choices\":[{"
                                 "\"finish_reason\":\"length\"}]}"),
                       unit_pool);
    ck_assert_str_eq(model, "o");
    ck_assert_int_eq(finish, LLM_FINISH_LENGTH);
}
END_TEST

Suite *gemini_answers_suite(void)
{
    Suite *suite = suite_create("gemini_answers");
    TCase *tcase;

    tcase = tcase_create("text");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, thinking_is_not_text);
    tcase_add_test(tcase, the_end_is_told_once);
    tcase_add_test(tcase, candidates_are_kept_apart);
    tcase_add_test(tcase, content_without_parts);
    tcase_add_test(tcase, a_blocked_prompt_is_filtered);
    tcase_add_test(tcase, text_signatures_are_for_those_who_asked);
    tcase_add_test(tcase, what_is_neither_text_nor_call);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("usage");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, usage_is_what_the_last_chunk_says);
    tcase_add_test(tcase, usage_arithmetic);
    tcase_add_test(tcase, usage_of_embeddings);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("problems");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, errors);
    tcase_add_test(tcase, errors_under_status_200);
    tcase_add_test(tcase, streams_that_break_off);
    tcase_add_test(tcase, bodies_that_are_no_answer);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("facts");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, facts);
    suite_add_tcase(suite, tcase);
    return suite;
}
