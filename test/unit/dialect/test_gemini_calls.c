/* SPDX-License-Identifier: Apache-2.0 */
/* Gemini's tool calls: ids, thought signatures there and back, and arguments
 * that come in pieces. Facts are numbered as in
 * docs/internals/facts.md. */
#include "test/unit/dialect/gemini_chunks.h"

#include <string.h>

#include "dialect/gemini_internal.h"

Suite *gemini_calls_suite(void);

/* ---- calls ---- */

START_TEST(calls_end_with_tool_calls) /* fact 51 */ /* fact 52 */
{
    const char *const *chunks = CHUNKS(PARTS(
        "{\"functionCall\":{\"name\":\"t\",\"args\":{ \"a\" : \"\\\"\\n\","
        "\"n\":12345678901234567890}}},"
        "{\"functionCall\":{\"name\":\"t\",\"args\":{}}},"
        "{\"functionCall\":{\"name\":\"t\"}}",
        STOP) "}");

    ck_assert_str_eq(both(chunks),
                     "call 0 id t { \"a\" : \"\\\"\\n\","
                     "\"n\":12345678901234567890}\n"
                     "call 0 id t {}\ncall 0 id t {}\nfinish 0 tool_calls\n");
    ck_assert_str_eq(whole(chunks[0]),
                     "call 0 id t { \"a\" : \"\\\"\\n\","
                     "\"n\":12345678901234567890}\n"
                     "call 0 id t {}\ncall 0 id t {}\nfinish 0 tool_calls\n");
    ck_assert_int_eq(wire_ids(), 3);
    ck_assert_str_ne(wire_id(0), wire_id(1));
    ck_assert_str_ne(wire_id(1), wire_id(2));
    ck_assert_str_ne(wire_id(0), wire_id(2));
}
END_TEST

START_TEST(a_call_of_a_tool_not_offered) /* fact 58 */
{
    ck_assert_str_eq(
        whole(PARTS("{\"functionCall\":{\"name\":\"t\",\"args\":{}}}",
                    ",\"finishReason\":\"UNEXPECTED_TOOL_CALL\"") "}"),
        "call 0 id t {}\nfinish 0 tool_calls\n");
}
END_TEST

/* The same answer twice: equal ids. Another turn, same provider id: others. */
START_TEST(made_up_ids_are_stable_and_unique)
{
    const char *body = PARTS("{\"functionCall\":{\"name\":\"t\",\"args\":{}}}",
                             STOP) ",\"responseId\":\"r\"}";
    const char *first, *streamed;

    whole(body);
    first = wire_id(0);
    whole(body);
    ck_assert_str_eq(first, wire_id(0));
    wire_stream("gemini", wire_ask(ASK "}"), events(CHUNKS(body)));
    streamed = wire_id(0);
    ck_assert_str_eq(first, streamed);
    wire_read("gemini",
              wire_ask("{\"model\":\"m\",\"messages\":["
                       "{\"role\":\"user\",\"content\":\"x\"},"
                       "{\"role\":\"assistant\",\"content\":\"y\"},"
                       "{\"role\":\"user\",\"content\":\"x\"}]}"),
              body);
    ck_assert_str_ne(first, wire_id(0));
    ck_assert_uint_le(strlen(first), 40);
}
END_TEST

START_TEST(given_ids_are_kept) /* fact 53 */
{
    whole(PARTS("{\"functionCall\":{\"name\":\"t\",\"args\":{},"
                "\"id\":\"96c1su3s\"}}",
                STOP) "}");
    ck_assert_str_eq(wire_id(0), "96c1su3s");
}
END_TEST

START_TEST(one_call_where_parallel_ones_are_forbidden)
{
    const char *request = ASK ",\"parallel_tool_calls\":false}";
    const char *const *chunks = CHUNKS(
        PARTS("{\"functionCall\":{\"name\":\"a\",\"args\":{}}},"
              "{\"functionCall\":{\"name\":\"b\",\"args\":{\"x\":1}}}",
              "") "}",
        PARTS("{\"functionCall\":{\"name\":\"c\",\"args\":{}}}", STOP) "}");

    ck_assert_str_eq(both_for(request, chunks),
                     "call 0 id a {}\nfinish 0 tool_calls\n");
    ck_assert_str_eq(wire_read("gemini", wire_ask(request), chunks[1]),
                     "call 0 id c {}\nfinish 0 tool_calls\n");
}
END_TEST

/* What the client got goes back to Gemini as it came from it. */
static const char *next_turn(const char *client, const char *id,
                             const char *signature)
{
    const char *request;

    if (!strcmp(client, "openai")) {
        request = apr_pstrcat(
            unit_pool,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\","
            "\"tool_calls\":[{\"type\":\"function\",\"id\":\"",
            id, "\",\"function\":{\"name\":\"t\",\"arguments\":\"{}\"}",
            signature ? ",\"extra_content\":{\"google\":"
                        "{\"thought_signature\":\""
                      : "",
            signature ? signature : "", signature ? "\"}}" : "",
            "}]},{\"role\":\"tool\",\"tool_call_id\":\"", id,
            "\",\"content\":\"r\"}]}", NULL);
    }
    else {
        request = apr_pstrcat(
            unit_pool,
            "{\"model\":\"m\",\"max_tokens\":9,\"messages\":["
            "{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\","
            "\"id\":\"",
            id,
            "\",\"name\":\"t\",\"input\":{}}]},{\"role\":\"user\","
            "\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"",
            id, "\",\"content\":\"r\"}]}]}", NULL);
    }
    return wire_body("gemini", exchange_ask(client, LLM_OP_CHAT, request), "g");
}

static const char *call_part(const char *body)
{
    const llm_json_t *part = llm_json_at(
        llm_json_get(llm_json_at(llm_json_get(wire_json(body), "contents"), 0),
                     "parts"),
        0);

    return apr_pstrmemdup(unit_pool, part->raw.data, part->raw.len);
}

START_TEST(signatures_come_back) /* fact 54 */
{
    static const char *const given[] = {
        "EpwICpkIAXLI2nxl+/U6gsWZaZ==",
        "Ep-_A",
        "no base64: \\u00e9 \\\"",
        "YQ==",
        "YWI=",
        "YWJj",
        NULL,
    };
    int i;

    for (i = 0; given[i]; ++i) {
        const char *id, *want, *at;

        whole(apr_pstrcat(unit_pool,
                          "{\"candidates\":[{\"content\":{\"parts\":["
                          "{\"functionCall\":{\"name\":\"t\",\"args\":{},"
                          "\"id\":\"96c1su3s\"},\"thoughtSignature\":\"",
                          given[i], "\"}]},\"finishReason\":\"STOP\"}]}",
                          NULL));
        id = wire_id(0);
        for (at = id; *at; ++at) {
            ck_assert_ptr_nonnull(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "abcdefghijklmnopqrstuvwxyz"
                                         "0123456789_-",
                                         *at));
        }
        want = apr_pstrcat(unit_pool,
                           "{\"functionCall\":{\"id\":\"96c1su3s\","
                           "\"name\":\"t\",\"args\":{}},"
                           "\"thoughtSignature\":\"",
                           i == 2 ? "no base64: \xC3\xA9 \\\"" : given[i],
                           "\"}", NULL);
        ck_assert_str_eq(call_part(next_turn("openai", id, NULL)), want);
        ck_assert_str_eq(call_part(next_turn("anthropic", id, NULL)), want);
        ck_assert_ptr_nonnull(strstr(
            next_turn("anthropic", id, NULL),
            "{\"functionResponse\":{\"id\":\"96c1su3s\",\"name\":\"t\""));
    }
}
END_TEST

/* An id that was made up is nobody's at Gemini; its signature is. */
START_TEST(made_up_ids_are_not_sent)
{
    const char *sent;

    whole(PARTS("{\"functionCall\":{\"name\":\"t\",\"args\":{}},"
                "\"thoughtSignature\":\"YWJj\"}",
                STOP) "}");
    sent = next_turn("openai", wire_id(0), NULL);
    ck_assert_str_eq(call_part(sent),
                     "{\"functionCall\":{\"name\":\"t\",\"args\":{}},"
                     "\"thoughtSignature\":\"YWJj\"}");
    ck_assert_ptr_null(strstr(sent, "call_"));
    ck_assert_ptr_null(strstr(sent, "__gemini_"));
}
END_TEST

START_TEST(signatures_from_googles_own_place)
{
    ck_assert_str_eq(call_part(next_turn("openai", "call_1", "YWJj")),
                     "{\"functionCall\":{\"name\":\"t\",\"args\":{}},"
                     "\"thoughtSignature\":\"YWJj\"}");
}
END_TEST

START_TEST(ids_that_only_look_packed)
{
    static const char *const ids[] = {
        "a__gemini_",       "a__gemini_gs_",      "a__gemini_xs_YWJj",
        "a__gemini_gs_Y",   "a__gemini_gs_YW%3D", "a__gemini_gr_A",
        "__gemini_gs_YWJj", "a__gemini_gr_AA",    NULL,
    };
    const char *id, *signature;
    int i;

    for (i = 0; ids[i]; ++i) {
        llm_gemini_id_unpack(&id, &signature, ids[i], unit_pool);
    }
    llm_gemini_id_unpack(&id, &signature, NULL, unit_pool);
    ck_assert_ptr_null(id);
    ck_assert_ptr_null(signature);
    llm_gemini_id_unpack(&id, &signature, "a__gemini_gs_Y", unit_pool);
    ck_assert_ptr_null(signature);
}
END_TEST

START_TEST(a_signature_without_end_is_left_behind)
{
    char *big = apr_palloc(unit_pool, 40001);

    memset(big, 'A', 40000);
    big[40000] = '\0';
    whole(apr_pstrcat(unit_pool,
                      "{\"candidates\":[{\"content\":{\"parts\":["
                      "{\"functionCall\":{\"name\":\"t\"},"
                      "\"thoughtSignature\":\"",
                      big, "\"}]},\"finishReason\":\"STOP\"}]}", NULL));
    ck_assert_uint_le(strlen(wire_id(0)), 40);
}
END_TEST

/* The signature of a text, returned by a client as a thinking block. */
START_TEST(text_signatures_come_back)
{
    const llm_ask_t *ask = exchange_ask(
        "anthropic", LLM_OP_CHAT,
        "{\"model\":\"m\",\"max_tokens\":9,\"messages\":["
        "{\"role\":\"user\",\"content\":\"x\"},"
        "{\"role\":\"assistant\",\"content\":["
        "{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":"
        "\"gemini#YWJj\"},{\"type\":\"text\",\"text\":\"Hi\"},"
        "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":"
        "\"gemini#ZGVm\"}]},{\"role\":\"user\",\"content\":\"y\"},"
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
        "\"thinking\":\"Claude's\",\"signature\":\"xyz\"},"
        "{\"type\":\"text\",\"text\":\"Ho\"}]},"
        "{\"role\":\"user\",\"content\":\"z\"}]}");
    const char *body = wire_body("gemini", ask, "g");

    ck_assert_ptr_nonnull(
        strstr(body, "{\"text\":\"Hm\",\"thought\":true},{\"text\":\"Hi\","
                     "\"thoughtSignature\":\"YWJj\"},{\"text\":\"\","
                     "\"thoughtSignature\":\"ZGVm\"}]}"));
    ck_assert_ptr_nonnull(strstr(body, "{\"text\":\"Claude's\","
                                       "\"thought\":true},{\"text\":\"Ho\"}"));
}
END_TEST

/* ---- arguments in pieces ---- */

#define CALL_PART(text) PARTS("{\"functionCall\":" text "}", "") "}"
#define END_PART(text)  PARTS("{\"functionCall\":" text "}", STOP) "}"
#define PIECE(path, value)                                                     \
    CALL_PART("{\"partialArgs\":[{\"jsonPath\":\"" path "\"," value            \
              "}],\"willContinue\":true}")

START_TEST(arguments_are_rebuilt) /* fact 60 */
{
    ck_assert_str_eq(
        both(CHUNKS(
            CALL_PART("{\"name\":\"cook\",\"willContinue\":true}"),
            PIECE("$.r.list[0].name",
                  "\"stringValue\":\"No\",\"willContinue\":true"),
            PIECE("$.r.list[0].name", "\"stringValue\":\"od\\\"le\\u00e9\","
                                      "\"willContinue\":true"),
            PIECE("$.r.list[0].name", "\"stringValue\":\"\""),
            CALL_PART("{\"willContinue\":true}"),
            PIECE("$.r.list[0].n", "\"numberValue\":1.50"),
            PIECE("$.r.list[2]['a b'][\\\"c.d\\\"]", "\"boolValue\":false"),
            PIECE("$.r.x", "\"nullValue\":\"NULL_VALUE\""),
            PIECE("$.s", "\"stringValue\":\"\""), CALL_PART("{}"),
            CALL_PART("{\"name\":\"wait\",\"willContinue\":true}"),
            PIECE("$.t", "\"stringValue\":\"a\",\"willContinue\":true"),
            END_PART("{}"))),
        "call 0 id cook {\"r\":{\"list\":[{\"name\":\"Nood\\\"le\\u00e9\","
        "\"n\":1.50},null,{\"a b\":{\"c.d\":false}}],\"x\":null},\"s\":\"\"}\n"
        "call 0 id wait {\"t\":\"a\"}\nfinish 0 tool_calls\n");
}
END_TEST

START_TEST(calls_without_an_end_are_closed)
{
    ck_assert_str_eq(
        both(CHUNKS(CALL_PART("{\"name\":\"a\"}"),
                    CALL_PART("{\"name\":\"b\",\"willContinue\":true}"),
                    CALL_PART("{\"name\":\"c\",\"willContinue\":true,"
                              "\"partialArgs\":[{\"jsonPath\":\"$.x\","
                              "\"stringValue\":\"y\",\"willContinue\":true}]}"),
                    PARTS(SAID(""), STOP) "}")),
        "call 0 id a {}\ncall 0 id b {}\ncall 0 id c {\"x\":\"y\"}\n"
        "finish 0 tool_calls\n");
}
END_TEST

START_TEST(paths_that_cannot_follow)
{
    static const char *const paths[] = {
        "",
        "x",
        "$",
        "$x",
        "$.",
        "$..a",
        "$[0]",
        "$.a[",
        "$.a[x]",
        "$.a[1",
        "$.a['b",
        "$.a['b'",
        "$.a[99999999]",
        "$.z",
        "$.z.y",
        "$.z[0].y",
    };
    apr_size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(*paths); ++i) {
        const char *shown = streamed(
            CHUNKS(CALL_PART("{\"name\":\"a\",\"willContinue\":true}"),
                   PIECE("$.z[1]", "\"numberValue\":1"),
                   apr_pstrcat(unit_pool,
                               "{\"candidates\":[{\"content\":{\"parts\":["
                               "{\"functionCall\":{\"partialArgs\":["
                               "{\"jsonPath\":\"",
                               paths[i],
                               "\",\"numberValue\":2}],\"willContinue\":true}}"
                               "]}}]}",
                               NULL),
                   END_PART("{}")));

        ck_assert_msg(strstr(shown, "problem upstream 502"), "%s: %s", paths[i],
                      shown);
    }
}
END_TEST

/* Nothing may grow with the number of pieces. */
START_TEST(long_arguments_need_no_memory)
{
    llm_gemini_args_t *args = llm_gemini_args_make(unit_pool);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const llm_json_t *piece =
        wire_json("{\"jsonPath\":\"$.t\",\"stringValue\":\"0123456789\","
                  "\"willContinue\":true}");
    apr_pool_t *scratch;
    apr_size_t total = 0;
    int i;

    apr_pool_create(&scratch, unit_pool);
    llm_gemini_args_begin(args);
    for (i = 0; i < 100000; ++i) {
        ck_assert(llm_gemini_args_put(args, out, piece, scratch));
        total += out->len;
        llm_buf_clear(out);
        apr_pool_clear(scratch);
    }
    llm_gemini_args_end(args, out);
    ck_assert_uint_eq(total, 1000000 + strlen("{\"t\":\""));
    ck_assert_uint_eq(out->len, 2);
}
END_TEST

Suite *gemini_calls_suite(void)
{
    Suite *suite = suite_create("gemini_calls");
    TCase *tcase;

    tcase = tcase_create("calls");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, calls_end_with_tool_calls);
    tcase_add_test(tcase, a_call_of_a_tool_not_offered);
    tcase_add_test(tcase, made_up_ids_are_stable_and_unique);
    tcase_add_test(tcase, given_ids_are_kept);
    tcase_add_test(tcase, one_call_where_parallel_ones_are_forbidden);
    tcase_add_test(tcase, signatures_come_back);
    tcase_add_test(tcase, made_up_ids_are_not_sent);
    tcase_add_test(tcase, signatures_from_googles_own_place);
    tcase_add_test(tcase, ids_that_only_look_packed);
    tcase_add_test(tcase, a_signature_without_end_is_left_behind);
    tcase_add_test(tcase, text_signatures_come_back);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("arguments");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, arguments_are_rebuilt);
    tcase_add_test(tcase, calls_without_an_end_are_closed);
    tcase_add_test(tcase, paths_that_cannot_follow);
    tcase_add_test(tcase, long_arguments_need_no_memory);
    suite_add_tcase(suite, tcase);
    return suite;
}
