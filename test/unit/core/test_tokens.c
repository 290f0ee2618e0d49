/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what passes: by rule of thumb, and by an encoding in pieces. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_buf.h"
#include "core/llm_tokens.h"
#include "test/unit/core/random.h"

#define SMALL LLMGW_TEST_SRCDIR "/vectors/tokens/vocabulary"

static llm_tokenizer_t tokenizer_of(const char *model)
{
    llm_vocabulary_t *vocabulary = NULL;

    ck_assert_ptr_null(llm_vocabulary_load(&vocabulary, SMALL, unit_pool));
    return llm_tokenizer_find(vocabulary, model);
}

static apr_int64_t request(const char *json, llm_tokenizer_t tokenizer)
{
    const llm_json_t *doc;

    ck_assert_int_eq(llm_json_read(&doc, json, strlen(json), NULL, unit_pool),
                     APR_SUCCESS);
    return llm_tokens_of_request(doc, tokenizer, unit_pool);
}

START_TEST(without_a_vocabulary_it_is_a_rule_of_thumb)
{
    llm_tokenizer_t none = llm_tokenizer_find(NULL, "gpt-4o");
    llm_tally_t tally = {.family = NULL};

    ck_assert_ptr_null(none.encoding);
    llm_tally_open(&tally, none, unit_pool);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("12345\\n78"), 0);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("\\u65e5日"), 0);
    /* seven digits and a line's end, two characters of Han: 3.5 + 0.9 + 1.6 */
    ck_assert_int_eq(llm_tally_tokens(&tally), 6);
    /* three letters are one token; a message, and the answer's beginning */
    ck_assert_int_eq(request("{\"model\":\"gpt-\",\"input\":\"abc\"}", none),
                     1 + 4 + 3);
}
END_TEST

START_TEST(a_model_has_its_own_encoding)
{
    static const struct {
        const char *model, *like;
    } models[] = {
        {"gpt-4o-mini", "gpt-4o"},
        {"gpt-4.1-nano", "gpt-4o"},
        {"gpt-5", "gpt-4o"},
        {"o3-mini", "gpt-4o"},
        {"chatgpt-4o-latest", "gpt-4o"},
        {"openai/gpt-4o", "gpt-4o"},
        {"gpt-4", "gpt-3.5-turbo"},
        {"gpt-4-turbo", "gpt-3.5-turbo"},
        {"gpt-4-0613", "gpt-3.5-turbo"},
        {"text-embedding-3-small", "gpt-3.5-turbo"},
        {"text-embedding-ada-002", "gpt-3.5-turbo"},
    };
    llm_vocabulary_t *vocabulary = NULL;

    ck_assert_ptr_null(llm_vocabulary_load(&vocabulary, SMALL, unit_pool));
    for (apr_size_t i = 0; i < sizeof(models) / sizeof(models[0]); ++i) {
        llm_tokenizer_t tokenizer =
            llm_tokenizer_find(vocabulary, models[i].model);

        ck_assert_ptr_eq(
            tokenizer.encoding,
            llm_tokenizer_find(vocabulary, models[i].like).encoding);
    }
    ck_assert_ptr_ne(llm_tokenizer_find(vocabulary, "gpt-4").encoding,
                     llm_tokenizer_find(vocabulary, "gpt-4o").encoding);
    ck_assert_ptr_nonnull(llm_tokenizer_find(vocabulary, "else").encoding);
    ck_assert_ptr_nonnull(llm_tokenizer_find(vocabulary, NULL).encoding);
}
END_TEST

/* Escapes, and far more than is kept before it is counted. */
START_TEST(a_text_in_pieces_counts_as_a_whole_one)
{
    static const char unit[] =
        "The cat's in the\\n\\n  hat: caf\\u00e9 日本 \\ud83d\\ude42 == 123. ";
    static const apr_size_t starts[] = {0, 4, 13, 16, 18, 24, 30};
    test_random_t dice = test_random_make("tokens");
    llm_tokenizer_t tokenizer = tokenizer_of("gpt-4o");
    llm_tally_t whole = {.family = NULL}, pieces = {.family = NULL};
    llm_buf_t *all = llm_buf_make(0, unit_pool);
    llm_text_t text;
    apr_size_t len = sizeof(unit) - 1;

    llm_tally_open(&whole, tokenizer, unit_pool);
    llm_tally_open(&pieces, tokenizer, unit_pool);
    for (int i = 0; i < 2000; ++i) {
        apr_size_t at = starts[test_random_below(&dice, 7)];
        llm_text_t head = {unit, at}, tail = {unit + at, len - at};

        llm_buf_append(all, unit, len);
        llm_tally_add(&pieces, head, 0);
        llm_tally_add(&pieces, tail, 0);
        if (i % 100 == 0) {
            ck_assert_int_gt(llm_tally_tokens(&pieces), 0);
        }
    }
    text.data = all->data;
    text.len = all->len;
    text = llm_text_escape(llm_text_decode(text, unit_pool).data,
                           llm_text_decode(text, unit_pool).len, unit_pool);
    llm_tally_add(&whole, text, 0);
    ck_assert_int_eq(llm_tally_tokens(&pieces), llm_tally_tokens(&whole));
    ck_assert_int_eq(
        llm_tally_tokens(&whole),
        (apr_int64_t)llm_bpe_encode(
            tokenizer.encoding, llm_text_decode(text, unit_pool).data,
            llm_text_decode(text, unit_pool).len, NULL, unit_pool));
}
END_TEST

START_TEST(texts_of_different_runs_do_not_merge)
{
    llm_tokenizer_t tokenizer = tokenizer_of("gpt-4o");
    llm_tally_t tally = {.family = NULL};

    llm_tally_open(&tally, tokenizer, unit_pool);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("a"), 1);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("b"), 1);
    ck_assert_int_eq(llm_tally_tokens(&tally), 1);
    llm_tally_add(&tally, LLM_TEXT_LITERAL("c"), 2);
    ck_assert_int_eq(llm_tally_tokens(&tally), 2);
}
END_TEST

START_TEST(a_model_has_its_family)
{
    static const struct {
        const char *model, *family;
    } models[] = {
        {"gpt-4o-mini-2024-07-18", "openai-4o-mini"},
        {"gpt-4.1-nano", "openai-nano"},
        {"openai/gpt-5.1", "openai-5"},
        {"openai.gpt-oss-20b-1:0", "gpt-oss"},
        {"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude"},
        {"Meta-Llama-3.1-8B-Instruct", "llama"},
        {"llama3.1", "llama-3"},
        {"models/gemini-2.0-flash", "gemini-2.0"},
        {"deepseek-ai/DeepSeek-R1", "deepseek"},
        {"Qwen/Qwen2.5-VL-72B-Instruct", "qwen"},
        {"somebody/else", "other"},
        {"", "other"},
        {NULL, "other"},
    };

    for (apr_size_t i = 0; i < sizeof(models) / sizeof(models[0]); ++i) {
        ck_assert_str_eq(llm_tokenizer_find(NULL, models[i].model).family->name,
                         models[i].family);
    }
    ck_assert_ptr_null(llm_family_find("nobody"));
}
END_TEST

/* Every line of the table names a family that is there. */
START_TEST(every_model_of_the_table_has_a_family)
{
    static const char *const families[] = {
#define ENCODING(model, encoding, family, tools, forced) family,
#include "core/llm_encodings.def"
#undef ENCODING
    };

    for (apr_size_t i = 0; i < sizeof(families) / sizeof(families[0]); ++i) {
        ck_assert_msg(llm_family_find(families[i]) != NULL, "%s", families[i]);
    }
}
END_TEST

START_TEST(families_differ_by_script)
{
    static const char hindi[] = "\xe0\xa4\xa6\xe0\xa5\x8d\xe0\xa4\xb5"
                                "\xe0\xa4\xbe\xe0\xa4\xb0 \xe0\xa4\xb9";
    static const char *const models[] = {"gpt-4o", "gemini-2.5-pro",
                                         "claude-3-haiku"};
    apr_int64_t tokens[3];

    for (int i = 0; i < 3; ++i) {
        llm_tally_t tally = {.family = NULL};
        llm_bytes_t text = {hindi, sizeof(hindi) - 1};

        llm_tally_open(&tally, llm_tokenizer_find(NULL, models[i]), unit_pool);
        for (int n = 0; n < 100; ++n) {
            llm_tally_add_plain(&tally, text, 0);
        }
        tokens[i] = llm_tally_tokens(&tally);
    }
    ck_assert_int_gt(tokens[1], tokens[0]);
    ck_assert_int_gt(tokens[2], 3 * tokens[0]);
}
END_TEST

START_TEST(a_text_that_is_cut_or_no_utf8_is_weighed_all_the_same)
{
    static const char *const texts[] = {"\xe6", "\xf0\x9f", "\x80\xff", "\\u12",
                                        "\\"};

    for (apr_size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        llm_tally_t tally = {.family = NULL};
        llm_text_t text = {texts[i], strlen(texts[i])};

        llm_tally_add(&tally, text, 0);
        ck_assert_int_ge(llm_tally_tokens(&tally), 1);
        ck_assert_int_le(llm_tally_tokens(&tally), 3);
    }
}
END_TEST

START_TEST(of_a_request_counts_what_a_model_reads)
{
    llm_tokenizer_t tokenizer = tokenizer_of("gpt-4o");
    llm_tokenizer_t plain = tokenizer_of("text-embedding-3-small");

    /* "the" and "in" are tokens of their own; four around a message, three
     * before the answer */
    ck_assert_int_eq(request("{\"model\":\"gpt-4o\",\"user\":\"somebody\","
                             "\"messages\":[{\"role\":\"user\","
                             "\"content\":\"the\"}]}",
                             tokenizer),
                     3 + 4 + 1);
    ck_assert_int_eq(request("{\"messages\":[{\"role\":\"user\",\"content\":["
                             "{\"type\":\"text\",\"text\":\"in\"},"
                             "{\"type\":\"image_url\",\"image_url\":"
                             "{\"url\":\"https://example.org/i.png\"}}]}]}",
                             tokenizer),
                     3 + 4 + 1 + 425);
    ck_assert_int_eq(request("{\"input\":[[1,2,3],[4]]}", plain), 4);
    /* no member we know: all of it */
    ck_assert_int_eq(request("{\"strange\":\"the\"}", tokenizer), 1);
    ck_assert_int_eq(llm_tokens_of_request(NULL, tokenizer, unit_pool), 0);
}
END_TEST

/* The same question in each dialect. */
START_TEST(dialects_count_alike)
{
    static const char *const bodies[] = {
        "{\"messages\":[{\"role\":\"system\",\"content\":\"the\"},"
        "{\"role\":\"user\",\"content\":\"in\"}],\"tools\":[{\"type\":"
        "\"function\",\"function\":{\"name\":\"or\",\"parameters\":{\"a\":1}}}]}",
        "{\"system\":\"the\",\"messages\":[{\"role\":\"user\",\"content\":"
        "[{\"type\":\"text\",\"text\":\"in\"}]}],\"tools\":[{\"name\":\"or\","
        "\"input_schema\":{\"a\":1}}]}",
        "{\"systemInstruction\":{\"parts\":[{\"text\":\"the\"}]},\"contents\":"
        "[{\"role\":\"user\",\"parts\":[{\"text\":\"in\"}]}],\"tools\":[{"
        "\"functionDeclarations\":[{\"name\":\"or\",\"parameters\":"
        "{ \"a\" : 1 }}]}]}",
        "{\"instructions\":\"the\",\"input\":\"in\",\"tools\":[{\"type\":"
        "\"function\",\"name\":\"or\",\"parameters\":{\"a\":1}}]}",
    };
    static const char *const models[] = {"gpt-4o", "claude-sonnet-4-5",
                                         "gemini-2.5-pro", "mistral-large"};

    for (int model = 0; model < 4; ++model) {
        llm_tokenizer_t tokenizer = tokenizer_of(models[model]);

        for (int i = 1; i < 4; ++i) {
            ck_assert_int_eq(request(bodies[i], tokenizer),
                             request(bodies[0], tokenizer));
        }
    }
}
END_TEST

START_TEST(of_tools_an_outline_is_counted_or_their_json)
{
    static const char *const tool =
        "{\"tools\":[{\"name\":\"the\",\"description\":\"in\",\"parameters\":"
        "{\"type\":\"object\",\"properties\":{\"or\":{\"type\":\"string\","
        "\"enum\":[\"the\",\"in\"]}}}}]}";
    llm_tokenizer_t outline = tokenizer_of("gpt-4o"), json = outline;
    llm_family_t family = *outline.family;

    /* five texts; before all, without a system text, a tool, a member, two
     * choices */
    ck_assert_int_eq(request(tool, outline), 5 + 12 + 6 + 7 + 6 + 2 * 3);
    family.tool_percent = 100;
    json.family = &family;
    ck_assert_int_gt(request(tool, json), request(tool, outline));
    /* what a server runs itself has no schema */
    ck_assert_int_eq(
        request("{\"tools\":[{\"type\":\"web_search\"}]}", outline), 0);
    ck_assert_int_eq(request("{\"tools\":[1,null,[]]}", outline), 0);
}
END_TEST

START_TEST(what_a_provider_puts_before_tools_is_counted)
{
    static const char *const with =
        "{\"tools\":[{\"name\":\"the\",\"input_schema\":{}}]}";
    static const char *const forced =
        "{\"tools\":[{\"name\":\"the\",\"input_schema\":{}}],"
        "\"tool_choice\":{\"type\":\"any\"}}";
    static const char *const without = "{\"tools\":[]}";
    llm_tokenizer_t claude = tokenizer_of("claude-sonnet-4-5"), bare = claude;

    bare.tools = bare.forced = 0;
    ck_assert_int_eq(request(with, claude) - request(with, bare), 496);
    ck_assert_int_eq(request(forced, claude) - request(forced, bare), 588);
    ck_assert_int_eq(request(without, claude), 0);
    /* without a vocabulary too */
    bare = llm_tokenizer_find(NULL, "claude-3-5-haiku-latest");
    bare.tools = 0;
    ck_assert_int_eq(
        request(with, llm_tokenizer_find(NULL, "claude-3-5-haiku-latest"))
            - request(with, bare),
        264);
}
END_TEST

START_TEST(thoughts_count_where_they_are_read_again)
{
    static const char *const blocks =
        "{\"messages\":[{\"role\":\"assistant\",\"content\":["
        "{\"type\":\"thinking\",\"thinking\":\"the in the in the in\","
        "\"signature\":\"abc\"},{\"type\":\"text\",\"text\":\"or\"}]}]}";
    static const char *const member =
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"or\","
        "\"reasoning_content\":\"the in the in the in\"}]}";
    static const char *const marked =
        "{\"messages\":[{\"role\":\"assistant\","
        "\"content\":\"<think>the in the in the in</think>or\"}]}";
    static const char *const none =
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"or\"}]}";
    llm_tokenizer_t forgets = tokenizer_of("deepseek-chat");
    llm_tokenizer_t keeps = tokenizer_of("magistral-medium-latest");

    ck_assert_int_eq(request(blocks, forgets), request(none, forgets));
    ck_assert_int_eq(request(member, forgets), request(none, forgets));
    ck_assert_int_eq(request(marked, forgets), request(none, forgets));
    ck_assert_int_gt(request(blocks, keeps), request(none, keeps) + 5);
    ck_assert_int_gt(request(member, keeps), request(none, keeps) + 5);
    ck_assert_int_gt(request(marked, keeps), request(none, keeps) + 5);
}
END_TEST

START_TEST(thinking_calls_and_schemas_are_told_to_a_model)
{
    llm_tokenizer_t claude = tokenizer_of("claude-sonnet-4-5");

#define ASK "\"messages\":[{\"role\":\"user\",\"content\":\"the\"}"
    apr_int64_t plain = request("{" ASK "]}", claude);

    ck_assert_int_eq(
        request("{" ASK "],\"thinking\":{\"type\":\"enabled\"}}", claude),
        plain + 28);
    ck_assert_int_eq(
        request("{" ASK "],\"thinking\":{\"type\":\"disabled\"}}", claude),
        plain);
    ck_assert_int_eq(
        request("{" ASK "],\"reasoning_effort\":\"none\"}", claude), plain);
    ck_assert_int_ge(
        request("{" ASK ",{\"role\":\"assistant\",\"content\":["
                "{\"type\":\"tool_use\",\"id\":\"x\",\"name\":"
                "\"or\",\"input\":{}}]},{\"role\":\"user\","
                "\"content\":[{\"type\":\"tool_result\",\"content\":"
                "\"in\"}]}]}",
                claude),
        plain + 2 * 4 + 35 + 22 + 2);
    ck_assert_int_gt(
        request("{" ASK "],\"output_format\":{\"type\":"
                "\"json_schema\",\"schema\":{\"type\":\"object\"}}}",
                claude),
        plain + 120);
#undef ASK
}
END_TEST

START_TEST(an_image_counts_by_its_size)
{
    static const llm_image_price_t area = {LLM_IMAGE_AREA, 100000, 1, 7};
    static const llm_image_price_t tiles = {LLM_IMAGE_TILES, 85, 170, 7};
    static const llm_image_price_t patches = {LLM_IMAGE_PATCHES, 0, 200, 7};
    static const llm_image_price_t flat = {LLM_IMAGE_FLAT, 258, 0, 7};
    static const struct {
        const char *data;
        int area; /* pixels */
    } images[] = {
        {"R0lGODlhgALgAQAA", 100000}, /* GIF, 640 x 480, over the limit */
        {"UklGRgAAAABXRUJQVlA4TAoAAAAvY0AMAAAAAAAAAAAAAA==", 100 * 50},
        {"UklGRgAAAABXRUJQVlA4IAoAAAAAAACdASpAAfAAAAAAAA==", 320 * 240},
        {"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAQ", 16 * 16},
        {"iVBORw0KGgoAAAAN", 7},                 /* cut off */
        {"iVBORw0KGgoAAAANSUhEUgAAAAAAAAAA", 7}, /* nothing by nothing */
        {"iVBORw0KGgoAAAANSUhEUv////////8=", 7}, /* larger than there are */
        {"", 7},
        {"!!!", 7},
    };

    for (apr_size_t i = 0; i < sizeof(images) / sizeof(images[0]); ++i) {
        llm_text_t data = {images[i].data, strlen(images[i].data)};

        ck_assert_int_eq(llm_tokens_of_media(&area, data, 0, unit_pool),
                         images[i].area);
    }
#define MEDIA(price, data, coarse)                                             \
    llm_tokens_of_media(price, (llm_text_t)LLM_TEXT_LITERAL(data), coarse,     \
                        unit_pool)
#define PNG_1024_768  "iVBORw0KGgoAAAANSUhEUgAABAAAAAMA"
#define JPEG_800_600  "/9j/4AAEYWL//8IAEQgCWAMgAw=="
#define WEBP_1000_500 "UklGRgAAAABXRUJQVlA4WAoAAAAAAAAA5wMA8wEA"
    ck_assert_int_eq(MEDIA(&tiles, PNG_1024_768, 0), 85 + 4 * 170);
    ck_assert_int_eq(MEDIA(&tiles, PNG_1024_768, 1), 85);
    ck_assert_int_eq(MEDIA(&tiles, JPEG_800_600, 0), 85 + 4 * 170);
    ck_assert_int_eq(MEDIA(&tiles, WEBP_1000_500, 0), 85 + 2 * 170);
    ck_assert_int_eq(MEDIA(&patches, PNG_1024_768, 0), 2 * 768);
    ck_assert_int_eq(MEDIA(&patches, WEBP_1000_500, 0), 2 * 32 * 16);
    ck_assert_int_eq(MEDIA(&flat, PNG_1024_768, 0), 258);
}
END_TEST

Suite *tokens_suite(void)
{
    Suite *suite = suite_create("tokens");
    TCase *thumb = tcase_create("thumb");
    TCase *encoded = tcase_create("encoded");

    tcase_add_checked_fixture(thumb, unit_pool_open, unit_pool_close);
    tcase_add_test(thumb, without_a_vocabulary_it_is_a_rule_of_thumb);
    suite_add_tcase(suite, thumb);
    tcase_add_checked_fixture(encoded, unit_pool_open, unit_pool_close);
    tcase_add_test(encoded, a_model_has_its_own_encoding);
    tcase_add_test(encoded, a_text_in_pieces_counts_as_a_whole_one);
    tcase_add_test(encoded, texts_of_different_runs_do_not_merge);
    tcase_add_test(encoded, of_a_request_counts_what_a_model_reads);
    tcase_add_test(encoded, a_model_has_its_family);
    tcase_add_test(encoded, every_model_of_the_table_has_a_family);
    tcase_add_test(encoded, families_differ_by_script);
    tcase_add_test(encoded,
                   a_text_that_is_cut_or_no_utf8_is_weighed_all_the_same);
    tcase_add_test(encoded, dialects_count_alike);
    tcase_add_test(encoded, of_tools_an_outline_is_counted_or_their_json);
    tcase_add_test(encoded, what_a_provider_puts_before_tools_is_counted);
    tcase_add_test(encoded, thoughts_count_where_they_are_read_again);
    tcase_add_test(encoded, thinking_calls_and_schemas_are_told_to_a_model);
    tcase_add_test(encoded, an_image_counts_by_its_size);
    suite_add_tcase(suite, encoded);
    return suite;
}
