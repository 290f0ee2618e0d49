/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Citations cross: what each provider cites in its own form, whole and in a
 * stream, reaches the clients that have a place for it. The answer is always
 * "Hi Paris.", whose "Paris" is from https://e.x/p, titled T.
 */
#include <string.h>

#include <apr_strings.h>

#include "dialect/cite.h"
#include "test/unit/dialect/exchange.h"
#include "test/unit/unit.h"

#define DATA(json) "data: " json "\n\n"
#define EVENT(name, json)                                                      \
    "event: " name "\ndata: {\"type\":\"" name "\"," json "}\n\n"

static const char ask_body[] =
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}"
    "]}";

static const struct source_t {
    const char *dialect, *whole, *stream;
} sources[] = {
    {"openai",
     "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{"
     "\"role\":\"assistant\",\"content\":\"Hi Paris.\",\"annotations\":[{"
     "\"type\":\"url_citation\",\"url_citation\":{\"url\":\"https://e.x/p\","
     "\"title\":\"T\",\"start_index\":3,\"end_index\":8}}]},"
     "\"finish_reason\":\"stop\"}]}",
     DATA("{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{"
          "\"content\":\"Hi Paris.\"}}]}")
         DATA("{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
              "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{"
              "\"url\":\"https://e.x/p\",\"title\":\"T\",\"start_index\":3,"
              "\"end_index\":8}}]},\"finish_reason\":\"stop\"}]}")
             DATA("[DONE]")},
    {"openai-responses",
     "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
     "\"model\":\"m\",\"output\":[{\"type\":\"message\",\"id\":\"msg_1\","
     "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
     "\"Hi Paris.\",\"annotations\":[{\"type\":\"url_citation\",\"url\":"
     "\"https://e.x/p\",\"title\":\"T\",\"start_index\":3,\"end_index\":8}]}]"
     "}]}",
     EVENT("response.created", "\"response\":{\"id\":\"resp_1\",\"model\":"
                               "\"m\"}")
         EVENT("response.output_item.added",
               "\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":"
               "\"msg_1\",\"role\":\"assistant\",\"content\":[]}")
             EVENT("response.output_text.delta",
                   "\"output_index\":0,\"content_index\":0,\"item_id\":"
                   "\"msg_1\",\"delta\":\"Hi Paris.\"")
                 EVENT("response.output_text.annotation.added",
                       "\"output_index\":0,\"content_index\":0,"
                       "\"annotation_index\":0,\"item_id\":\"msg_1\","
                       "\"annotation\":{\"type\":\"url_citation\",\"url\":"
                       "\"https://e.x/p\",\"title\":\"T\",\"start_index\":3,"
                       "\"end_index\":8}")
                     EVENT("response.completed",
                           "\"response\":{\"id\":\"resp_1\",\"status\":"
                           "\"completed\",\"output\":[]}")},
    {"anthropic",
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
     "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Hi \"},{\"type\":"
     "\"text\",\"text\":\"Paris\",\"citations\":[{\"type\":"
     "\"web_search_result_location\",\"cited_text\":\"\",\"url\":"
     "\"https://e.x/p\",\"title\":\"T\",\"encrypted_index\":\"E\"}]},{"
     "\"type\":\"text\",\"text\":\".\"}],\"stop_reason\":\"end_turn\"}",
     EVENT("message_start",
           "\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
           "\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{}}")
         EVENT("content_block_start", "\"index\":0,\"content_block\":{"
                                      "\"type\":\"text\",\"text\":\"\"}")
             EVENT("content_block_delta",
                   "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
                   "\"Hi \"}") EVENT("content_block_stop", "\"index\":0")
                 EVENT("content_block_start",
                       "\"index\":1,\"content_block\":{\"type\":\"text\","
                       "\"text\":\"\",\"citations\":[]}")
                     EVENT("content_block_delta",
                           "\"index\":1,\"delta\":{\"type\":"
                           "\"citations_delta\",\"citation\":{\"type\":"
                           "\"web_search_result_location\","
                           "\"cited_text\":\"\",\"url\":\"https://e.x/p\","
                           "\"title\":\"T\",\"encrypted_index\":\"E\"}}")
                         EVENT("content_block_delta",
                               "\"index\":1,\"delta\":{\"type\":"
                               "\"text_delta\",\"text\":\"Paris\"}")
                             EVENT("content_block_stop", "\"index\":1")
                                 EVENT("content_block_start",
                                       "\"index\":2,\"content_block\":{"
                                       "\"type\":\"text\",\"text\":\".\"}")
                                     EVENT("content_block_stop", "\"index\":2")
                                         EVENT("message_delta",
                                               "\"delta\":{"
                                               "\"stop_reason\":"
                                               "\"end_turn\"},\"usage\":{"
                                               "\"output_tokens\":3}")
                                             EVENT("message_stop", "\"x\":1")},
    {"gemini",
     "{\"responseId\":\"r\",\"modelVersion\":\"m\",\"candidates\":[{\"index\":"
     "0,\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"Hi Paris.\"}]},"
     "\"finishReason\":\"STOP\",\"groundingMetadata\":{\"groundingChunks\":[{"
     "\"web\":{\"uri\":\"https://e.x/p\",\"title\":\"T\"}}],"
     "\"groundingSupports\":[{\"segment\":{\"startIndex\":3,\"endIndex\":8,"
     "\"text\":\"Paris\"},\"groundingChunkIndices\":[0]}]}}]}",
     DATA("{\"responseId\":\"r\",\"modelVersion\":\"m\",\"candidates\":[{"
          "\"index\":0,\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
          "\"Hi Paris.\"}]}}]}")
         DATA("{\"responseId\":\"r\",\"candidates\":[{\"index\":0,"
              "\"finishReason\":\"STOP\",\"groundingMetadata\":{"
              "\"groundingChunks\":[{\"web\":{\"uri\":\"https://e.x/p\","
              "\"title\":\"T\"}}],\"groundingSupports\":[{\"segment\":{"
              "\"startIndex\":3,\"endIndex\":8,\"text\":\"Paris\"},"
              "\"groundingChunkIndices\":[0]}]}}]}")},
    {"cohere",
     "{\"id\":\"i\",\"finish_reason\":\"COMPLETE\",\"message\":{\"role\":"
     "\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hi Paris.\"}],"
     "\"citations\":[{\"start\":3,\"end\":8,\"text\":\"Paris\",\"sources\":[{"
     "\"type\":\"document\",\"id\":\"doc:0\",\"document\":{\"id\":\"doc:0\","
     "\"title\":\"T\",\"url\":\"https://e.x/p\"}}],\"type\":\"TEXT_CONTENT\"}]"
     "}}",
     EVENT("message-start", "\"id\":\"i\",\"delta\":{\"message\":{\"role\":"
                            "\"assistant\"}}")
         EVENT("content-start", "\"index\":0,\"delta\":{\"message\":{"
                                "\"content\":{\"type\":\"text\",\"text\":"
                                "\"\"}}}")
             EVENT("content-delta", "\"index\":0,\"delta\":{\"message\":{"
                                    "\"content\":{\"text\":\"Hi Paris.\"}}}")
                 EVENT("citation-start",
                       "\"index\":0,\"delta\":{\"message\":{\"citations\":{"
                       "\"start\":3,\"end\":8,\"text\":\"Paris\",\"sources\":["
                       "{\"type\":\"document\",\"id\":\"doc:0\",\"document\":{"
                       "\"id\":\"doc:0\",\"title\":\"T\",\"url\":"
                       "\"https://e.x/p\"}}],\"type\":\"TEXT_CONTENT\"}}}")
                     EVENT("citation-end", "\"index\":0") EVENT("content-end",
                                                                "\"index\":0")
                         EVENT("message-end",
                               "\"delta\":{\"finish_reason\":\"COMPLETE\"}")},
};

/* Where a dialect has none of its own. */
#define FORM                                                                   \
    "{\"type\":\"url_citation\",\"url\":\"https://e.x/p\",\"title\":\"T\","    \
    "\"start_index\":3,\"end_index\":8}"

/* What a client is told. */
static const struct form_t {
    const char *client, *whole, *stream;
} forms[] = {
    {"openai",
     "\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":"
     "\"https://e.x/p\",\"title\":\"T\",\"start_index\":3,\"end_index\":8}}]",
     "\"delta\":{\"annotations\":[{\"type\":\"url_citation\","
     "\"url_citation\":{\"url\":\"https://e.x/p\",\"title\":\"T\","
     "\"start_index\":3,\"end_index\":8}}]}"},
    {"openai-responses",
     "\"annotations\":[{\"type\":\"url_citation\",\"url\":\"https://e.x/p\","
     "\"title\":\"T\",",
     "\"annotation_index\":0,\"annotation\":{\"type\":\"url_citation\","
     "\"url\":\"https://e.x/p\",\"title\":\"T\",\"start_index\":3,"
     "\"end_index\":8}}"},
    {"anthropic",
     "\"citations\":[{\"type\":\"web_search_result_location\",\"cited_text\":"
     "\"\",\"url\":\"https://e.x/p\",\"title\":\"T\",\"encrypted_index\":"
     "\"\"",
     "\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"type\":"
     "\"web_search_result_location\",\"cited_text\":\"\",\"url\":"
     "\"https://e.x/p\",\"title\":\"T\",\"encrypted_index\":\"\","
     "\"start_index\":3,\"end_index\":8}}"},
    {"gemini",
     "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":"
     "\"https://e.x/p\",\"title\":\"T\"}}],\"groundingSupports\":[{"
     "\"segment\":{\"startIndex\":3,\"endIndex\":8",
     "\"groundingChunks\":[{\"web\":{\"uri\":\"https://e.x/p\",\"title\":"
     "\"T\"}}],\"groundingSupports\":[{\"segment\":{\"startIndex\":3,"
     "\"endIndex\":8"},
    {"cohere", "\"citations\":[{\"start\":3,\"end\":8,\"text\":",
     "\"citations\":{\"start\":3,\"end\":8,\"text\":"},
    {"bedrock",
     "\"citations\":[{\"title\":\"T\",\"location\":{\"web\":{\"url\":"
     "\"https://e.x/p\"}}",
     "\"delta\":{\"citation\":{\"title\":\"T\",\"location\":{\"web\":{"
     "\"url\":\"https://e.x/p\"}}"},
    {"mistral", "\"citations\":[" FORM "]", "\"citations\":[" FORM "]"},
    {"ollama", "\"citations\":[" FORM "]", "\"citations\":[" FORM "]"},
    {"openai-completions", "\"citations\":[" FORM "]",
     "\"citations\":[" FORM "]"},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void must_have(const char *text, const char *part, const char *what)
{
    ck_assert_msg(text && strstr(text, part), "%s: no %s in %s", what, part,
                  text ? text : "(a problem)");
}

START_TEST(an_address_reaches_every_client)
{
    const struct source_t *source = &sources[_i];
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    apr_size_t i, size;

    for (i = 0; i < COUNT(forms); ++i) {
        const char *what = apr_pstrcat(unit_pool, source->dialect, " to ",
                                       forms[i].client, NULL);
        llm_problem_t *problem = NULL;

        must_have(exchange_write(source->dialect, forms[i].client, ask,
                                 source->whole, strlen(source->whole),
                                 &problem),
                  forms[i].whole, what);
        for (size = 0; size < 8; size += 7) {
            cuts_t cuts = {size, 0};

            must_have(exchange_write_stream(source->dialect, forms[i].client,
                                            ask, source->stream,
                                            strlen(source->stream), cuts),
                      forms[i].stream, what);
        }
    }
}
END_TEST

static const char *written(const char *provider, const char *client,
                           const char *body)
{
    llm_problem_t *problem = NULL;

    return exchange_write(provider, client,
                          exchange_ask("openai", LLM_OP_CHAT, ask_body), body,
                          strlen(body), &problem);
}

/* Google counts bytes, everybody else characters. */
START_TEST(places_are_counted_in_the_readers_units)
{
    static const char google[] =
        "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Gr\\u00f6\xc3"
        "\x9f"
        "e \\ud83d\\ude00 Paris\"}]},\"finishReason\":\"STOP\","
        "\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":"
        "\"https://e.x/p\",\"title\":\"T\"}}],\"groundingSupports\":[{"
        "\"segment\":{\"startIndex\":13,\"endIndex\":18},"
        "\"groundingChunkIndices\":[0]}]}}]}";
    static const char chat[] =
        "{\"choices\":[{\"message\":{\"content\":\"Gr\\u00f6\xc3\x9f"
        "e "
        "\\ud83d\\ude00 Paris\",\"annotations\":[{\"type\":\"url_citation\","
        "\"url_citation\":{\"url\":\"https://e.x/p\",\"title\":\"T\","
        "\"start_index\":8,\"end_index\":13}}]},\"finish_reason\":\"stop\"}]}";

    must_have(written("gemini", "openai", google),
              "\"start_index\":8,\"end_index\":13", "bytes");
    must_have(written("openai", "gemini", chat),
              "\"startIndex\":13,\"endIndex\":18", "characters");
    must_have(written("gemini", "gemini", google),
              "\"startIndex\":13,\"endIndex\":18", "there and back");
}
END_TEST

/* A document of the request, by its number: Anthropic's, and what says
 * documents at Bedrock. */
START_TEST(places_in_documents_stay_places_in_documents)
{
    static const char bedrock[] =
        "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{"
        "\"citationsContent\":{\"content\":[{\"text\":\"Hi\"}],\"citations\":[{"
        "\"title\":\"D\",\"sourceContent\":[{\"text\":\"quoted\"}],"
        "\"location\":{\"documentPage\":{\"documentIndex\":1,\"start\":2,"
        "\"end\":3}}}]}}]}},\"stopReason\":\"end_turn\"}";
    static const char anthropic[] =
        "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
        "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\",\"citations\":[{"
        "\"type\":\"char_location\",\"cited_text\":\"quoted\","
        "\"document_index\":0,\"document_title\":\"D\",\"start_char_index\":4,"
        "\"end_char_index\":10}]}],\"stop_reason\":\"end_turn\"}";

    must_have(written("bedrock", "anthropic", bedrock),
              "\"citations\":[{\"type\":\"page_location\",\"cited_text\":"
              "\"quoted\",\"document_index\":1,\"document_title\":\"D\","
              "\"file_id\":null,\"start_page_number\":2,"
              "\"end_page_number\":3}]",
              "pages");
    must_have(written("anthropic", "cohere", anthropic),
              "\"citations\":[{\"start\":0,\"end\":2,\"text\":\"Hi\","
              "\"sources\":[{\"type\":\"document\",\"id\":\"D\",\"document\":{"
              "\"id\":\"D\",\"title\":\"D\",\"snippet\":\"quoted\","
              "\"document_index\":0,\"start_char_index\":4,"
              "\"end_char_index\":10}}]",
              "a source");
    must_have(written("anthropic", "gemini", anthropic),
              "\"retrievedContext\":{\"title\":\"D\",\"text\":\"quoted\","
              "\"documentIndex\":0,\"startCharIndex\":4,\"endCharIndex\":10}",
              "a context");
    /* a chat's annotations are addresses alone: its clients are strict */
    ck_assert_ptr_null(
        strstr(written("anthropic", "openai", anthropic), "annotations"));
}
END_TEST

/*
 * A document of the request, cited by all the members there are: whatever
 * gateways it has passed, each client is told the same. The answer is "Gr\u00fc\u00dfe,
 * Paris.", whose "Paris", characters 7 to 12 and bytes 9 to 14, is taken from
 * characters 4 to 10 of the first document.
 */
static const char cited_whole[] =
    "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
    "\"m\",\"content\":[{\"type\":\"text\",\"text\":\"Gr\xc3\xbc\xc3\x9f"
    "e, \"},{\"type\":\"text\",\"text\":\"Paris\",\"citations\":[{\"type\":"
    "\"char_location\",\"cited_text\":\"quoted\",\"document_index\":0,"
    "\"document_title\":\"D\",\"file_id\":null,\"start_char_index\":4,"
    "\"end_char_index\":10}]},{\"type\":\"text\",\"text\":\".\"}],"
    "\"stop_reason\":\"end_turn\"}";
static const char cited_stream[] =
    EVENT("message_start",
          "\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":"
          "\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{}}")
        EVENT("content_block_start", "\"index\":0,\"content_block\":{\"type\":"
                                     "\"text\",\"text\":\"\"}")
            EVENT("content_block_delta",
                  "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":"
                  "\"Gr\xc3\xbc\xc3\x9f"
                  "e, \"}") EVENT("content_block_stop", "\"index\":0")
                EVENT("content_block_start",
                      "\"index\":1,\"content_block\":{\"type\":\"text\","
                      "\"text\":\"\",\"citations\":[]}")
                    EVENT("content_block_delta",
                          "\"index\":1,\"delta\":{\"type\":\"text_delta\","
                          "\"text\":\"Paris\"}")
                        EVENT("content_block_delta",
                              "\"index\":1,\"delta\":{\"type\":"
                              "\"citations_delta\",\"citation\":{\"type\":"
                              "\"char_location\",\"cited_text\":\"quoted\","
                              "\"document_index\":0,\"document_title\":\"D\","
                              "\"file_id\":null,\"start_char_index\":4,"
                              "\"end_char_index\":10}}")
                            EVENT("content_block_stop", "\"index\":1")
                                EVENT("content_block_start",
                                      "\"index\":2,\"content_block\":{"
                                      "\"type\":\"text\",\"text\":\".\"}")
                                    EVENT("content_block_stop", "\"index\":2")
                                        EVENT("message_delta",
                                              "\"delta\":{\"stop_reason\":"
                                              "\"end_turn\"},\"usage\":{"
                                              "\"output_tokens\":3}")
                                            EVENT("message_stop", "\"x\":1");

/* Where the words stand in the document, in the form of ours and others. */
#define IN_DOCUMENT                                                            \
    "\"document_index\":0,\"start_char_index\":4,\"end_char_index\":10"
#define DOCUMENT_FORM                                                          \
    "\"citations\":[{\"type\":\"char_location\",\"document_title\":\"D\","     \
    "\"cited_text\":\"quoted\"," IN_DOCUMENT                                   \
    ",\"start_index\":7,\"end_index\":12}]"
#define ANTHROPICS                                                             \
    "{\"type\":\"char_location\",\"cited_text\":\"quoted\","                   \
    "\"document_index\":0,\"document_title\":\"D\",\"file_id\":null,"          \
    "\"start_char_index\":4,\"end_char_index\":10"
#define BEDROCKS                                                               \
    "{\"title\":\"D\",\"sourceContent\":[{\"text\":\"quoted\"}],"              \
    "\"location\":{\"documentChar\":{\"documentIndex\":0,\"start\":4,"         \
    "\"end\":10}}"

/* What each is told of the document, and how it is told. */
static const struct told_t {
    const char *client, *source, *whole, *stream;
} told[] = {
    {"anthropic", ANTHROPICS, "\"citations\":[{", "\"citations_delta\""},
    {"bedrock", BEDROCKS, "{\"citationsContent\":{\"content\":[{\"text\":",
     "\"delta\":{\"citation\":{"},
    {"cohere",
     "\"document\":{\"id\":\"D\",\"title\":\"D\",\"snippet\":\"quoted\"," IN_DOCUMENT
     "}}],\"content_index\":0",
     "\"citations\":[{\"start\":7,\"end\":12,\"text\":\"Paris\",",
     "\"citations\":{\"start\":7,\"end\":12,"},
    {"gemini",
     "{\"retrievedContext\":{\"title\":\"D\",\"text\":\"quoted\","
     "\"documentIndex\":0,\"startCharIndex\":4,\"endCharIndex\":10}}",
     "\"segment\":{\"startIndex\":9,\"endIndex\":14,\"text\":\"Paris\"}",
     "\"segment\":{\"startIndex\":9,\"endIndex\":14"},
    {"mistral", DOCUMENT_FORM, "", ""},
    {"ollama", DOCUMENT_FORM, "", ""},
    {"openai", DOCUMENT_FORM, "", ""},
    {"openai-completions", DOCUMENT_FORM, "", ""},
    {"openai-responses",
     "\"cited_text\":\"quoted\",\"location\":\"char_location\"," IN_DOCUMENT,
     "{\"type\":\"file_citation\",\"file_id\":\"\",\"filename\":\"D\","
     "\"index\":",
     "\"annotation\":{\"type\":\"file_citation\",\"file_id\":\"\","
     "\"filename\":\"D\",\"index\":"},
};

static const char *const between[] = {"anthropic",       "bedrock", "cohere",
                                      "gemini",          "ollama",  "openai",
                                      "openai-responses"};

START_TEST(a_document_reaches_every_client_also_through_another_gateway)
{
    const char *other = between[_i];
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    const char *body = written("anthropic", other, cited_whole);
    apr_size_t i;

    for (i = 0; i < COUNT(told); ++i) {
        const char *what =
            apr_pstrcat(unit_pool, other, " to ", told[i].client, NULL);
        const char *direct = written("anthropic", told[i].client, cited_whole);
        llm_problem_t *problem = NULL;
        const char *twice = exchange_write(other, told[i].client, ask, body,
                                           strlen(body), &problem);

        must_have(direct, told[i].source, told[i].client);
        must_have(direct, told[i].whole, told[i].client);
        must_have(twice, told[i].source, what);
        must_have(twice, told[i].whole, what);
    }
}
END_TEST

START_TEST(a_document_is_told_in_streams)
{
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    cuts_t cuts = {0, 0};
    apr_size_t i;

    for (i = 0; i < COUNT(told); ++i) {
        const char *stream =
            exchange_write_stream("anthropic", told[i].client, ask,
                                  cited_stream, strlen(cited_stream), cuts);

        must_have(stream, told[i].source, told[i].client);
        must_have(stream, told[i].stream, told[i].client);
    }
}
END_TEST

START_TEST(a_document_is_told_in_streams_of_another_gateway)
{
    static const char *const streamed[] = {"anthropic", "cohere",
                                           "gemini",    "ollama",
                                           "openai",    "openai-responses"};
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    cuts_t cuts = {7, 0};
    apr_size_t i, j;

    for (j = 0; j < COUNT(streamed); ++j) {
        const char *other =
            exchange_write_stream("anthropic", streamed[j], ask, cited_stream,
                                  strlen(cited_stream), cuts);

        for (i = 0; i < COUNT(told); ++i) {
            const char *stream = exchange_write_stream(
                streamed[j], told[i].client, ask, other, strlen(other), cuts);

            must_have(stream, told[i].source,
                      apr_pstrcat(unit_pool, streamed[j], " to ",
                                  told[i].client, NULL));
        }
    }
}
END_TEST

START_TEST(files_stay_files_between_openais_forms)
{
    static const char response[] =
        "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\","
        "\"output\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":["
        "{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[{\"type\":"
        "\"file_citation\",\"file_id\":\"file-1\",\"filename\":\"a.pdf\","
        "\"index\":2},{\"type\":\"container_file_citation\",\"container_id\":"
        "\"c\",\"file_id\":\"f\",\"filename\":\"b\",\"start_index\":0,"
        "\"end_index\":2},{\"type\":\"file_path\",\"file_id\":\"f\",\"index\":"
        "0},{\"type\":\"new_kind\"}]}]}]}";
    const char *chat = written("openai-responses", "openai", response);

    must_have(chat,
              "\"citations\":[{\"type\":\"file_citation\",\"file_id\":"
              "\"file-1\",\"filename\":\"a.pdf\",\"index\":2},",
              "a file");
    ck_assert_ptr_null(strstr(chat, "annotations"));
    must_have(written("openai", "openai-responses", chat),
              "\"annotations\":[{\"type\":\"file_citation\",\"file_id\":"
              "\"file-1\",\"filename\":\"a.pdf\",\"index\":2},{\"type\":"
              "\"container_file_citation\",\"container_id\":\"c\",\"file_id\":"
              "\"f\",\"filename\":\"b\",\"start_index\":0,\"end_index\":2},{"
              "\"type\":\"file_path\",\"file_id\":\"f\",\"index\":0}]",
              "and back");
}
END_TEST

/* Perplexity tells its sources beside the answer; in a stream with each chunk,
 * once is enough. */
START_TEST(sources_beside_the_answer_are_cited_once)
{
    static const char whole[] =
        "{\"id\":\"c\",\"citations\":[\"https://e.x/p\"],\"search_results\":[{"
        "\"title\":\"T\",\"url\":\"https://e.x/p\",\"snippet\":\"S\"}],"
        "\"choices\":[{\"message\":{\"content\":\"Hi [1]\"},"
        "\"finish_reason\":\"stop\"}]}";
    static const char stream[] =
        DATA("{\"id\":\"c\",\"citations\":[\"https://e.x/p\"],\"choices\":[{"
             "\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}")
            DATA("{\"id\":\"c\",\"citations\":[\"https://e.x/p\"],\"choices\":["
                 "{\"index\":0,\"delta\":{\"content\":\" [1]\"},"
                 "\"finish_reason\":\"stop\"}]}") DATA("[DONE]");
    const llm_ask_t *ask = exchange_ask("openai", LLM_OP_CHAT, ask_body);
    cuts_t cuts = {0, 0};
    const char *first;

    must_have(written("openai", "anthropic", whole),
              "\"cited_text\":\"S\",\"url\":\"https://e.x/p\",\"title\":\"T\"",
              "a result");
    first = strstr(exchange_write_stream("openai", "anthropic", ask, stream,
                                         strlen(stream), cuts),
                   "https://e.x/p");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "https://e.x/p"));
}
END_TEST

/* OpenRouter's: what it has read stays with OpenAI's clients. */
START_TEST(files_that_were_read_are_told)
{
    static const char chat[] =
        "{\"choices\":[{\"message\":{\"content\":\"Hi\",\"annotations\":[{"
        "\"type\":\"file\",\"file\":{\"hash\":\"h\",\"name\":\"a.pdf\","
        "\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}]},"
        "\"finish_reason\":\"stop\"}]}";

    must_have(written("openai", "openai-responses", chat),
              "{\"type\":\"file_citation\",\"file_id\":\"h\",\"filename\":"
              "\"a.pdf\",\"index\":0,\"file\":{\"hash\":\"h\",\"name\":"
              "\"a.pdf\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}}",
              "a response");
    must_have(written("openai", "openai", chat),
              "\"citations\":[{\"type\":\"file\",\"file\":{\"hash\":\"h\",",
              "a chat");
    must_have(written("openai", "bedrock", chat),
              "\"citations\":[{\"title\":\"a.pdf\",\"source\":\"h\"}]", "AWS");
}
END_TEST

START_TEST(extents_count_what_a_reader_sees)
{
    static const struct {
        const char *text;
        int chars, bytes;
    } rows[] = {
        {"", 0, 0},
        {"abc", 3, 3},
        {"a\\nb", 3, 3},
        {"\\u00e9", 1, 2},
        {"\\ud83d\\ude00", 1, 4},
        {"\\ud83d", 1, 3},
        {"\xe2\x82\xac", 1, 3},
        {"\\\\u0041", 6, 6},
    };
    apr_size_t i;

    for (i = 0; i < COUNT(rows); ++i) {
        llm_extent_t extent = {0, 0};

        llm_extent_add(&extent,
                       (llm_text_t){rows[i].text, strlen(rows[i].text)});
        ck_assert_int_eq(extent.chars, rows[i].chars);
        ck_assert_int_eq(extent.bytes, rows[i].bytes);
    }
}
END_TEST

Suite *citations_suite(void)
{
    Suite *suite = suite_create("citations");
    TCase *tcase = tcase_create("citations");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_loop_test(tcase, an_address_reaches_every_client, 0,
                        (int)COUNT(sources));
    tcase_add_test(tcase, places_are_counted_in_the_readers_units);
    tcase_add_test(tcase, places_in_documents_stay_places_in_documents);
    tcase_add_loop_test(
        tcase, a_document_reaches_every_client_also_through_another_gateway, 0,
        (int)COUNT(between));
    tcase_add_test(tcase, a_document_is_told_in_streams);
    tcase_add_test(tcase, a_document_is_told_in_streams_of_another_gateway);
    tcase_add_test(tcase, files_stay_files_between_openais_forms);
    tcase_add_test(tcase, sources_beside_the_answer_are_cited_once);
    tcase_add_test(tcase, files_that_were_read_are_told);
    tcase_add_test(tcase, extents_count_what_a_reader_sees);
    suite_add_tcase(suite, tcase);
    return suite;
}
