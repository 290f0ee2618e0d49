/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between dialects: writers under deltas in any order, output in the pass of
 * its input, memory that does not grow with a stream, and conversations that
 * go through one dialect and come back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "dialect/call_order.h"
#include "dialect/common.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

static const char *const clients[] = {"openai", "anthropic", "openai-responses",
                                      "gemini", "cohere",    "ollama",
                                      "bedrock"};
#define CLIENTS (int)(sizeof(clients) / sizeof(*clients))

static const char ask_body[] =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
    "\"stream\":true,\"stream_options\":{\"include_usage\":true}}";

static unsigned dice;

static unsigned roll(unsigned sides)
{
    dice = dice * 1103515245u + 12345u;
    return (dice >> 16) % sides;
}

static unsigned seed(void)
{
    const char *given = getenv("LLMGW_SEED");

    return given ? (unsigned)strtoul(given, NULL, 10)
                 : (unsigned)apr_time_now();
}

/* ---- writers ---- */

static void random_delta(llm_delta_t *delta, llm_call_t *call,
                         llm_usage_t *usage)
{
    static const char *const texts[] = {"", "a", "\\n", "\\u0000", "{\\\""};
    static const llm_cite_t cites[] = {
        {.kind = LLM_CITE_URL, .url = {"https://x", 9}, .start = 1, .end = 2},
        {.kind = LLM_CITE_DOCUMENT, .unit = "char", .start = -1, .end = -1},
        {.kind = LLM_CITE_FILE, .type = "file_path", .start = -1, .end = -1},
    };
    const char *text = texts[roll(5)];

    memset(delta, 0, sizeof(*delta));
    memset(call, 0, sizeof(*call));
    delta->kind = (llm_delta_e)roll(LLM_DELTA_USAGE + 1); /* not the ends */
    delta->choice = roll(8) ? 0 : (int)roll(3);
    delta->call_index = (int)roll(4);
    delta->text.data = text;
    delta->text.len = strlen(text);
    call->id = roll(2) ? "call_1" : NULL;
    call->name = LLM_TEXT_LITERAL("get_weather");
    delta->call = call;
    delta->id = roll(2) ? "id" : roll(2) ? "" : NULL;
    delta->finish = (llm_finish_e)(1 + roll(LLM_FINISH_OTHER));
    delta->usage = usage;
    delta->cite = &cites[roll(3)];
}

/* Any deltas at all, and then an end, an error, or both. */
static const char *write_random(const char *client, const llm_ask_t *ask)
{
    const llm_dialect_t *dialect = exchange_dialect(client);
    llm_writer_t *writer = dialect->writer_make(ask, "x1", 0, unit_pool);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    unsigned count = roll(30);
    llm_usage_t usage;
    llm_delta_t delta;
    llm_call_t call;

    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_OUTPUT, 3);
    while (count--) {
        random_delta(&delta, &call, &usage);
        dialect->write_delta(out, writer, &delta);
    }
    memset(&delta, 0, sizeof(delta));
    delta.kind = roll(4) ? LLM_DELTA_END : LLM_DELTA_PROBLEM;
    delta.problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, unit_pool, "m");
    dialect->write_delta(out, writer, &delta);
    delta.kind = roll(2) ? LLM_DELTA_END : LLM_DELTA_TEXT;
    dialect->write_delta(out, writer, &delta); /* nothing after the end */
    return exchange_stream_text(client, out);
}

START_TEST(an_illegal_stream_cannot_be_written)
{
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    int i, round;

    dice = seed();
    printf("# LLMGW_SEED=%u\n", dice);
    for (round = 0; round < 2000; ++round) {
        apr_pool_t *outer = unit_pool;

        apr_pool_create(&unit_pool, outer);
        for (i = 0; i < CLIENTS; ++i) {
            exchange_check_stream(clients[i], ask,
                                  write_random(clients[i], ask));
        }
        apr_pool_destroy(unit_pool);
        unit_pool = outer;
    }
}
END_TEST

START_TEST(calls_whose_arguments_are_mixed_are_put_in_order)
{
    static const char *const clients_in_order[] = {
        "anthropic", "bedrock", "cohere",
        "gemini",    "ollama",  "openai-responses"};
    static const char stream[] =
        "data: {\"id\":\"a\",\"model\":\"m\",\"choices\":[{\"index\":0,"
        "\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c0\",\"function\":{"
        "\"name\":\"f\",\"arguments\":\"\"}},{\"index\":1,\"id\":\"c1\","
        "\"function\":{\"name\":\"g\",\"arguments\":\"\"}},{\"index\":2,"
        "\"id\":\"c2\",\"function\":{\"name\":\"h\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":["
        "{\"index\":1,\"function\":{\"arguments\":\"{\\\"b\\\":\"}},"
        "{\"index\":0,\"function\":{\"arguments\":\"{\\\"a}\\\\\\\"\"}}]}}]}"
        "\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":["
        "{\"index\":0,\"function\":{\"arguments\":\"\\u0022:[1]}\"}},"
        "{\"index\":1,\"function\":{\"arguments\":\"2}\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
        "\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    cuts_t whole = {0, 0};
    const char *written = exchange_write_stream(
        "openai", clients_in_order[_i], ask, stream, sizeof(stream) - 1, whole);
    const char *names[] = {"\"f\"", "\"g\"", "\"h\""};
    const char *at = written;
    int i;

    ck_assert_msg(!strstr(written, "mixes the arguments"), "%s", written);
    for (i = 0; i < 3; ++i) {
        at = strstr(at, names[i]);
        ck_assert_msg(at != NULL, "%s is not in its place: %s", names[i],
                      written);
    }
    if (!strcmp(clients_in_order[_i], "anthropic")) {
        at = strstr(written, "\"partial_json\":\"{\\\"b\\\":\"");
        ck_assert_msg(at && strstr(at, "\"partial_json\":\"2}\""), "%s",
                      written);
    }
}
END_TEST

/* ---- one pass ---- */

typedef struct sink_t {
    const llm_dialect_t *client;
    llm_writer_t *writer;
    llm_buf_t *out;
} sink_t;

static void take(void *baton, const llm_delta_t *delta)
{
    sink_t *sink = baton;

    sink->client->write_delta(sink->out, sink->writer, delta);
}

START_TEST(calls_in_order_do_not_wait)
{
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    const llm_dialect_t *client = exchange_dialect("anthropic");
    llm_call_t call = {.id = "c0", .name = LLM_TEXT_LITERAL("f")};
    llm_delta_t deltas[] = {
        {.kind = LLM_DELTA_CALL, .call_index = 0, .call = &call},
        {.kind = LLM_DELTA_ARGS,
         .call_index = 0,
         .text = LLM_TEXT_LITERAL("{\\\"a\\\":{}}")},
        {.kind = LLM_DELTA_CALL, .call_index = 1, .call = &call},
        {.kind = LLM_DELTA_ARGS,
         .call_index = 1,
         .text = LLM_TEXT_LITERAL("{")},
    };
    sink_t sink = {client, client->writer_make(ask, "exchange1", 0, unit_pool),
                   llm_buf_make(0, unit_pool)};
    llm_call_order_t *order = llm_call_order_make(take, &sink, unit_pool);
    apr_size_t i, before;

    for (i = 0; i < sizeof(deltas) / sizeof(*deltas); ++i) {
        before = sink.out->len;
        llm_call_order_take(order, &deltas[i]);
        ck_assert_uint_gt(sink.out->len, before);
    }
}
END_TEST

static const char openai_chunk[] =
    "{\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,"
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
    "\"word\"},\"logprobs\":null,\"finish_reason\":null}]}";
static const char anthropic_chunk[] =
    "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
    "\"text_delta\",\"text\":\"word\"}}";

static const char responses_chunk[] =
    "{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\","
    "\"output_index\":0,\"content_index\":0,\"delta\":\"word\"}";

static void feed(const llm_dialect_t *dialect, llm_reader_t *reader,
                 const char *data, sink_t *sink, apr_pool_t *scratch)
{
    llm_event_t event;

    memset(&event, 0, sizeof(event));
    event.data.data = data;
    event.data.len = strlen(data);
    llm_json_read(&event.doc, data, event.data.len, NULL, scratch);
    dialect->read_event(reader, &event, take, sink, scratch);
    apr_pool_clear(scratch);
}

/* Messages of AWS have zeros in them. */
static int has_word(const llm_buf_t *out)
{
    apr_size_t i;

    for (i = 0; i + 4 <= out->len; ++i) {
        if (!memcmp(out->data + i, "word", 4)) {
            return 1;
        }
    }
    return 0;
}

static void run_pair(const char *provider, const char *client,
                     const char *chunk, int count, apr_pool_t *pool)
{
    const llm_dialect_t *dialect = exchange_dialect(provider);
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    llm_reader_t *reader = dialect->reader_make(ask, pool);
    sink_t sink = {exchange_dialect(client), NULL, NULL};
    apr_pool_t *scratch;

    apr_pool_create(&scratch, unit_pool);
    sink.writer = sink.client->writer_make(ask, "x1", 0, pool);
    sink.out = llm_buf_make(0, unit_pool);
    while (count--) {
        llm_buf_clear(sink.out);
        feed(dialect, reader, chunk, &sink, scratch);
        ck_assert_msg(has_word(sink.out), "%s to %s: held back", provider,
                      client);
    }
    apr_pool_destroy(scratch);
}

/* What comes in goes out at once, and a long stream needs no more memory than
 * a short one. */
START_TEST(streams_flow)
{
    int i;

    for (i = 0; i < CLIENTS; ++i) {
        run_pair("openai", clients[i], openai_chunk, 10000, unit_pool);
        run_pair("anthropic", clients[i], anthropic_chunk, 10000, unit_pool);
        run_pair("openai-responses", clients[i], responses_chunk, 10000,
                 unit_pool);
    }
}
END_TEST

/* Without a debugging APR a pool does not tell its size; where it hands out
 * its next bytes tells that nothing was taken in between. */
START_TEST(streams_take_no_memory)
{
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    const llm_dialect_t *dialect = exchange_dialect("openai");
    int i;

    for (i = 0; i < CLIENTS; ++i) {
        sink_t sink = {exchange_dialect(clients[i]), NULL, NULL};
        llm_reader_t *reader;
        apr_pool_t *pool, *scratch;
        char *before, *after;
        int count;

        apr_pool_create(&pool, unit_pool);
        apr_pool_create(&scratch, unit_pool);
        reader = dialect->reader_make(ask, pool);
        sink.writer = sink.client->writer_make(ask, "x1", 0, pool);
        sink.out = llm_buf_make(0, unit_pool);
        feed(dialect, reader, openai_chunk, &sink, scratch);
        before = apr_palloc(pool, 8);
        for (count = 0; count < 1000; ++count) {
            llm_buf_clear(sink.out);
            feed(dialect, reader, openai_chunk, &sink, scratch);
        }
        after = apr_palloc(pool, 8);
        ck_assert_ptr_eq(after, before + 8);
        apr_pool_destroy(scratch);
        apr_pool_destroy(pool);
    }
}
END_TEST

/* ---- conversations ---- */

static void put_user(llm_buf_t *out)
{
    switch (roll(4)) {
    case 0:
        llm_buf_lit(out, "{\"role\":\"user\",\"content\":\"plain \\u00fc\"}");
        break;
    case 1:
        llm_buf_lit(out, "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                         "\"text\":\"see\"},{\"type\":\"image_url\","
                         "\"image_url\":{\"url\":\"data:image/png;base64,"
                         "iVBO\"}}]}");
        break;
    case 2:
        llm_buf_lit(out, "{\"role\":\"user\",\"content\":[{\"type\":"
                         "\"image_url\",\"image_url\":{\"url\":"
                         "\"https://x.test/a.png\"}}]}");
        break;
    default:
        llm_buf_lit(out, "{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                         "\"text\":\"one\"},{\"type\":\"text\",\"text\":"
                         "\"two\"}]}");
        break;
    }
}

/* An assistant's turn with as many calls, and their results. */
static void put_calls(llm_buf_t *out, int turn)
{
    unsigned count = 1 + roll(3), i;

    llm_buf_printf(out,
                   "{\"role\":\"assistant\",\"content\":%s,"
                   "\"tool_calls\":[",
                   roll(2) ? "null" : "\"I look.\"");
    for (i = 0; i < count; ++i) {
        llm_buf_printf(out,
                       "%s{\"id\":\"call_%d_%u\",\"type\":\"function\","
                       "\"function\":{\"name\":\"f\",\"arguments\":"
                       "\"{\\\"n\\\":%u}\"}}",
                       i ? "," : "", turn, i, roll(1000));
    }
    llm_buf_lit(out, "]}");
    for (i = 0; i < count; ++i) {
        llm_buf_printf(out,
                       ",{\"role\":\"tool\",\"tool_call_id\":\"call_%d_%u\","
                       "\"content\":\"%u\"}",
                       turn, i, roll(1000));
    }
}

/* options: members of the request, each with its comma. */
static const char *random_conversation(const char *options)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    int turns = 1 + (int)roll(5), i;

    llm_buf_printf(out, "{%s", options);
    llm_buf_lit(out, "\"model\":\"m\",\"max_tokens\":50,\"temperature\":0.5,"
                     "\"tools\":[{\"type\":\"function\","
                     "\"function\":{\"name\":\"f\",\"description\":\"d\","
                     "\"parameters\":{\"type\":\"object\",\"properties\":{"
                     "\"n\":{\"type\":\"number\"}}}}}],\"messages\":[");
    if (roll(2)) {
        llm_buf_lit(out, "{\"role\":\"system\",\"content\":\"Be kind.\"},");
    }
    for (i = 0; i < turns; ++i) {
        put_user(out);
        llm_buf_lit(out, ",");
        if (roll(2)) {
            put_calls(out, i);
            llm_buf_lit(out, ",");
        }
        llm_buf_lit(out, "{\"role\":\"assistant\",\"content\":\"done\"},");
    }
    put_user(out);
    llm_buf_lit(out, "]}");
    llm_buf_putc(out, '\0');
    return out->data;
}

/* The body of what a provider of this dialect is asked. */
static const char *body_for(const char *dialect, const char *url,
                            const llm_ask_t *ask)
{
    char *text = apr_pstrdup(
        unit_pool, exchange_request(exchange_provider(dialect, url), ask, "m"));
    char *body = strchr(text, '\n') + 1;

    ck_assert_msg(strncmp(text, "refused", 7), "%s", text);
    *strchr(body, '\n') = '\0';
    return body;
}

/* What carries a conversation to another dialect and back; Responses know no
 * stop sequences. */
static const struct {
    const char *dialect, *options;
} carriers[] = {
    {"anthropic", "\"stop\":[\"END\"],"},
    {"openai-responses", ""},
};

/* OpenAI's chat to another and back: what is sent is what would have been. */
START_TEST(conversations_come_back)
{
    static const char local[] = "http://localhost/v1";
    int round;

    dice = seed();
    printf("# LLMGW_SEED=%u\n", dice);
    for (round = 0; round < 500; ++round) {
        apr_pool_t *outer = unit_pool;
        const llm_ask_t *ask, *back;
        const char *differ;

        apr_pool_create(&unit_pool, outer);
        ask = exchange_ask("openai", LLM_OP_CHAT,
                           random_conversation(carriers[_i].options));
        back = exchange_ask(carriers[_i].dialect, LLM_OP_CHAT,
                            body_for(carriers[_i].dialect, NULL, ask));
        differ = exchange_differ(body_for("openai", local, back),
                                 body_for("openai", local, ask));
        ck_assert_msg(!differ, "LLMGW_SEED, round %d: %s", round,
                      differ ? differ : "");
        apr_pool_destroy(unit_pool);
        unit_pool = outer;
    }
}
END_TEST

/* The user's message with the first result's picture stood between the two
 * results, which providers refuse. */
START_TEST(pictures_of_results_wait_for_the_last_result)
{
    static const char *const others[] = {"openai", "cohere", "ollama"};
    const char *body = body_for(
        others[_i], NULL,
        exchange_ask(
            "openai-responses", LLM_OP_CHAT,
            "{\"model\":\"m\",\"input\":[{\"role\":\"user\",\"content\":"
            "\"x\"},{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":"
            "\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call\","
            "\"call_id\":\"b\",\"name\":\"g\",\"arguments\":\"{}\"},{"
            "\"type\":\"function_call_output\",\"call_id\":\"a\",\"output\":["
            "{\"type\":\"input_image\",\"image_url\":"
            "\"data:image/png;base64,iVBORw0KGgo=\"}]},{\"type\":"
            "\"function_call_output\",\"call_id\":\"b\",\"output\":"
            "\"second\"}]}"));
    const char *second = strstr(body, "second");
    const char *picture = strstr(body, "iVBORw0KGgo=");

    ck_assert_msg(second && picture && second < picture, "%s", body);
    ck_assert_ptr_null(strstr(picture + 1, "iVBORw0KGgo="));
}
END_TEST

/* Of a turn with calls only the texts went to Cohere. */
START_TEST(thinking_and_refusals_beside_calls_are_kept)
{
    const char *request = exchange_request(
        exchange_provider("cohere", NULL),
        exchange_ask(
            "openai", LLM_OP_CHAT,
            "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
            "\"x\"},{\"role\":\"assistant\",\"content\":\"One. \","
            "\"refusal\":\"Not two.\",\"reasoning_content\":\"Hm.\","
            "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\","
            "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{"
            "\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":"
            "\"y\"}]}"),
        "command-a-reasoning-08-2025");

    ck_assert_msg(strstr(request,
                         "\"tool_plan\":\"One. Not two.\",\"content\":[{"
                         "\"type\":\"thinking\",\"thinking\":\"Hm.\"}]")
                      != NULL,
                  "%s", request);
}
END_TEST

START_TEST(levels_of_thinking_may_be_in_small_letters)
{
    const llm_ask_t *ask = exchange_ask(
        "gemini", LLM_OP_CHAT,
        "{\"contents\":[{\"parts\":[{\"text\":\"x\"}]}],\"generationConfig\""
        ":{\"thinkingConfig\":{\"thinkingLevel\":\"minimal\"}}}");

    ck_assert_str_eq(llm_text_string(ask->effort, unit_pool), "minimal");
}
END_TEST

START_TEST(usage_told_first_hides_neither_id_nor_model)
{
    static const struct {
        const char *client, *id, *model; /* as it shows them, or NULL */
    } shown[] = {
        {"anthropic", "given-id", "given-model"},
        {"cohere", "given-id", NULL},
        {"gemini", "given-id", "given-model"},
        {"ollama", NULL, "given-model"},
        {"openai", "given-id", "given-model"},
        {"openai-responses", NULL, "given-model"},
    };
    const llm_dialect_t *client = exchange_dialect(shown[_i].client);
    const llm_ask_t *ask = exchange_ask(
        "openai", LLM_OP_CHAT,
        "{\"model\":\"asked-model\",\"stream\":true,\"messages\":[{\"role\":"
        "\"user\",\"content\":\"x\"}]}");
    llm_usage_t usage;
    llm_delta_t deltas[] = {
        {.kind = LLM_DELTA_USAGE, .usage = &usage},
        {.kind = LLM_DELTA_BEGIN, .id = "given-id", .model = "given-model"},
        {.kind = LLM_DELTA_TEXT, .text = LLM_TEXT_LITERAL("Hi")},
        {.kind = LLM_DELTA_FINISH, .finish = LLM_FINISH_STOP},
        {.kind = LLM_DELTA_END},
    };
    llm_writer_t *writer = client->writer_make(ask, "exchange1", 0, unit_pool);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const char *written;
    apr_size_t i;

    llm_usage_clear(&usage);
    llm_usage_set(&usage, LLM_CLASS_INPUT, 5);
    for (i = 0; i < sizeof(deltas) / sizeof(*deltas); ++i) {
        client->write_delta(out, writer, &deltas[i]);
    }
    written = apr_pstrmemdup(unit_pool, out->data, out->len);
    ck_assert_msg(!shown[_i].id || strstr(written, shown[_i].id), "%s",
                  written);
    ck_assert_msg(!shown[_i].model || strstr(written, shown[_i].model), "%s",
                  written);
}
END_TEST

/* The error as a client of the dialect gets it. */
static const char *error_as(const char *provider, const char *client,
                            int status, const char *body)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_bytes_t bytes = {body, strlen(body)};
    const llm_json_t *doc = NULL;

    llm_json_read(&doc, body, bytes.len, NULL, unit_pool);
    exchange_dialect(client)->write_problem(
        out,
        exchange_dialect(provider)->read_problem(
            status, apr_table_make(unit_pool, 1), doc, bytes, unit_pool),
        "exchange1");
    return apr_pstrmemdup(unit_pool, out->data, out->len);
}

START_TEST(a_question_too_long_is_told_in_words_that_clients_know)
{
    static const struct {
        const char *provider, *body;
    } errors[] = {
        {"anthropic", "{\"type\":\"error\",\"error\":{\"type\":"
                      "\"invalid_request_error\",\"message\":\"prompt is too "
                      "long: 210000 tokens > 200000 maximum\"}}"},
        {"bedrock", "{\"message\":\"Input is too long for requested model.\"}"},
        {"cohere", "{\"message\":\"too many tokens: 9 of 8\"}"},
        {"gemini", "{\"error\":{\"code\":400,\"message\":\"The input token "
                   "count (9) exceeds the maximum number of tokens allowed "
                   "(8).\",\"status\":\"INVALID_ARGUMENT\"}}"},
        {"openai", "{\"error\":{\"message\":\"This model's maximum context "
                   "length is 8 tokens.\",\"code\":400}}"},
        {"openai", "{\"error\":{\"message\":\"Too much.\",\"code\":"
                   "\"context_length_exceeded\"}}"},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(errors) / sizeof(*errors); ++i) {
        const char *openai =
            error_as(errors[i].provider, "openai", 400, errors[i].body);
        const char *anthropic =
            error_as(errors[i].provider, "anthropic", 400, errors[i].body);
        const char *words = strstr(anthropic, "prompt is too long");

        ck_assert_msg(strstr(openai, "\"code\":\"context_length_exceeded\"")
                          != NULL,
                      "%s", openai);
        ck_assert_msg(words && !strstr(words + 1, "prompt is too long"), "%s",
                      anthropic);
    }
    ck_assert_ptr_null(strstr(
        error_as("openai", "anthropic", 500, errors[4].body), "too long"));
    ck_assert_ptr_nonnull(
        strstr(error_as("anthropic", "openai", 400,
                        "{\"type\":\"error\",\"error\":{\"type\":"
                        "\"invalid_request_error\",\"message\":\"x\"}}"),
               "\"code\":null"));
}
END_TEST

Suite *cross_suite(void)
{
    Suite *suite = suite_create("cross");
    TCase *writers = tcase_create("writers");
    TCase *flow = tcase_create("flow");
    TCase *conversations = tcase_create("conversations");

    tcase_add_checked_fixture(writers, unit_pool_open, unit_pool_close);
    tcase_set_timeout(writers, 60);
    tcase_add_test(writers, an_illegal_stream_cannot_be_written);
    tcase_add_loop_test(writers,
                        calls_whose_arguments_are_mixed_are_put_in_order, 0, 6);
    tcase_add_test(writers, calls_in_order_do_not_wait);
    tcase_add_loop_test(writers, usage_told_first_hides_neither_id_nor_model, 0,
                        6);
    suite_add_tcase(suite, writers);
    tcase_add_checked_fixture(flow, unit_pool_open, unit_pool_close);
    tcase_set_timeout(flow, 60);
    tcase_add_test(flow, streams_flow);
    tcase_add_test(flow, streams_take_no_memory);
    suite_add_tcase(suite, flow);
    tcase_add_checked_fixture(conversations, unit_pool_open, unit_pool_close);
    tcase_set_timeout(conversations, 60);
    tcase_add_loop_test(conversations, conversations_come_back, 0,
                        (int)(sizeof(carriers) / sizeof(*carriers)));
    tcase_add_loop_test(conversations,
                        pictures_of_results_wait_for_the_last_result, 0, 3);
    tcase_add_test(conversations, thinking_and_refusals_beside_calls_are_kept);
    tcase_add_test(conversations, levels_of_thinking_may_be_in_small_letters);
    tcase_add_test(conversations,
                   a_question_too_long_is_told_in_words_that_clients_know);
    suite_add_tcase(suite, conversations);
    return suite;
}
