/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams as providers send them, made without our writers: the same answer in
 * the events of each dialect, its texts and arguments cut between any two
 * characters, also inside a character that is escaped twice.
 */
#include "test/property/property.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/messages.h"
#include "test/unit/unit.h"

/* One answer: what was thought, texts and calls, in this order. */
typedef struct script_t {
    llm_text_t thinking, text;
    int calls;
    struct {
        llm_text_t name;
        const char *args;  /* JSON */
        llm_text_t quoted; /* the same, as it stands in a string */
    } call[4];
    int input, cached, output, reasoning; /* tokens */
    const char *finish;                   /* OpenAI's word */
} script_t;

typedef struct stream_t {
    llm_buf_t *out;
    const script_t *script;
    int index;       /* of the block, the item or the event */
    const char *eol; /* "\n" or "\r\n" */
} stream_t;

/* ---- pieces ---- */

/* Bytes of the next character of escaped text. */
static apr_size_t next_char(llm_text_t text)
{
    unsigned char c = (unsigned char)*text.data;

    if (c == '\\') {
        return text.len > 1 && text.data[1] == 'u' ? 6 : 2;
    }
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Some characters from the front; none when all were given. */
static llm_text_t next_piece(llm_text_t *rest)
{
    unsigned count = 1 + roll(6);
    llm_text_t piece = {rest->data, 0};

    if (rest->len > 400) {
        count += 200;
    }
    while (count-- && rest->len) {
        apr_size_t len = next_char(*rest);

        piece.len += len;
        rest->data += len;
        rest->len -= len;
    }
    return piece;
}

/* fmt has one %s, for the piece. */
typedef void put_fn(stream_t *stream, const char *json);

static void put_pieces(stream_t *stream, put_fn *put, const char *before,
                       llm_text_t text, const char *after)
{
    while (text.len) {
        llm_text_t piece = next_piece(&text);

        put(stream,
            apr_pstrcat(unit_pool, before,
                        apr_pstrmemdup(unit_pool, piece.data, piece.len), after,
                        NULL));
    }
}

static const char *text_of(llm_text_t text)
{
    return apr_pstrmemdup(unit_pool, text.data, text.len);
}

/* ---- events ---- */

static void put_noise(stream_t *stream)
{
    if (rarely(15)) {
        llm_buf_printf(stream->out, ": keep-alive%s%s", stream->eol,
                       stream->eol);
    }
}

/* Server-sent events without names. */
static void put_event(stream_t *stream, const char *json)
{
    put_noise(stream);
    llm_buf_printf(stream->out, "data:%s", roll(8) ? " " : "");
    llm_buf_puts(stream->out, json);
    llm_buf_puts(stream->out, stream->eol);
    llm_buf_puts(stream->out, stream->eol);
}

/* Named after the member `type`, which stands first. */
static void put_named(stream_t *stream, const char *json)
{
    const char *name = json + strlen("{\"type\":\"");

    llm_buf_printf(stream->out, "event: %.*s%s", (int)strcspn(name, "\""), name,
                   stream->eol);
    put_event(stream, json);
}

static void put_line(stream_t *stream, const char *json)
{
    llm_buf_puts(stream->out, json);
    llm_buf_puts(stream->out, stream->eol);
}

/* AWS's: the name stands before the payload. */
static void put_message(stream_t *stream, const char *text)
{
    const char *payload = strchr(text, ' ');

    messages_put(stream->out, "event",
                 apr_pstrmemdup(unit_pool, text, (apr_size_t)(payload - text)),
                 payload + 1);
}

#define FORMAT(...) apr_psprintf(unit_pool, __VA_ARGS__)

/* ---- OpenAI's chats ---- */

#define CHUNK                                                                  \
    "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,"       \
    "\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{"

static void stream_openai(stream_t *stream)
{
    const script_t *script = stream->script;
    int i;

    put_event(stream, CHUNK "\"role\":\"assistant\",\"content\":\"\"},"
                            "\"finish_reason\":null}]}");
    put_pieces(stream, put_event, CHUNK "\"reasoning_content\":\"",
               script->thinking, "\"},\"finish_reason\":null}]}");
    put_pieces(stream, put_event, CHUNK "\"content\":\"", script->text,
               "\"},\"finish_reason\":null}]}");
    for (i = 0; i < script->calls; ++i) {
        put_event(stream,
                  FORMAT(CHUNK "\"tool_calls\":[{\"index\":%d,\"id\":\"c_%d\","
                               "\"type\":\"function\",\"function\":{\"name\":"
                               "\"%s\",\"arguments\":\"\"}}]},"
                               "\"finish_reason\":null}]}",
                         i, i, text_of(script->call[i].name)));
        put_pieces(stream, put_event,
                   FORMAT(CHUNK "\"tool_calls\":[{\"index\":%d,\"function\":{"
                                "\"arguments\":\"",
                          i),
                   script->call[i].quoted, "\"}}]},\"finish_reason\":null}]}");
    }
    put_event(stream,
              FORMAT(CHUNK "},\"finish_reason\":\"%s\"}]}", script->finish));
    put_event(stream,
              FORMAT("{\"id\":\"c1\",\"choices\":[],\"usage\":{"
                     "\"prompt_tokens\":%d,\"prompt_tokens_details\":{"
                     "\"cached_tokens\":%d},\"completion_tokens\":%d,"
                     "\"completion_tokens_details\":{\"reasoning_tokens\":%d},"
                     "\"total_tokens\":%d}}",
                     script->input + script->cached, script->cached,
                     script->output + script->reasoning, script->reasoning,
                     script->input + script->cached + script->output
                         + script->reasoning));
    put_event(stream, "[DONE]");
}

/* ---- Anthropic ---- */

static void open_block(stream_t *stream, const char *block)
{
    put_named(stream, FORMAT("{\"type\":\"content_block_start\",\"index\":%d,"
                             "\"content_block\":%s}",
                             stream->index, block));
}

static void put_block(stream_t *stream, const char *type, const char *member,
                      llm_text_t text)
{
    put_pieces(stream, put_named,
               FORMAT("{\"type\":\"content_block_delta\",\"index\":%d,"
                      "\"delta\":{\"type\":\"%s\",\"%s\":\"",
                      stream->index, type, member),
               text, "\"}}");
    put_named(stream, FORMAT("{\"type\":\"content_block_stop\",\"index\":%d}",
                             stream->index++));
    if (rarely(10)) {
        put_named(stream, "{\"type\":\"ping\"}");
    }
}

static void stream_anthropic(stream_t *stream)
{
    const script_t *script = stream->script;
    const char *finish = !strcmp(script->finish, "length") ? "max_tokens"
                         : !strcmp(script->finish, "stop") ? "end_turn"
                                                           : "tool_use";
    int i;

    put_named(stream,
              FORMAT("{\"type\":\"message_start\",\"message\":{\"id\":\"m1\","
                     "\"type\":\"message\",\"role\":\"assistant\",\"model\":"
                     "\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{"
                     "\"input_tokens\":%d,\"cache_read_input_tokens\":%d,"
                     "\"output_tokens\":1}}}",
                     script->input, script->cached));
    if (script->thinking.len) {
        open_block(stream, "{\"type\":\"thinking\",\"thinking\":\"\","
                           "\"signature\":\"\"}");
        put_block(stream, "thinking_delta", "thinking", script->thinking);
    }
    if (script->text.len) {
        open_block(stream, "{\"type\":\"text\",\"text\":\"\"}");
        put_block(stream, "text_delta", "text", script->text);
    }
    for (i = 0; i < script->calls; ++i) {
        open_block(stream, FORMAT("{\"type\":\"tool_use\",\"id\":\"toolu_%d\","
                                  "\"name\":\"%s\",\"input\":{}}",
                                  i, text_of(script->call[i].name)));
        put_block(stream, "input_json_delta", "partial_json",
                  script->call[i].quoted);
    }
    put_named(stream,
              FORMAT("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                     "\"%s\",\"stop_sequence\":null},\"usage\":{"
                     "\"output_tokens\":%d,\"output_tokens_details\":{"
                     "\"thinking_tokens\":%d}}}",
                     finish, script->output + script->reasoning,
                     script->reasoning));
    put_named(stream, "{\"type\":\"message_stop\"}");
}

/* ---- Responses ---- */

static void put_item(stream_t *stream, const char *state, const char *item)
{
    put_named(stream, FORMAT("{\"type\":\"response.output_item.%s\","
                             "\"output_index\":%d,\"item\":%s}",
                             state, stream->index, item));
}

static void stream_said(stream_t *stream)
{
    const script_t *script = stream->script;

    if (script->thinking.len) {
        put_item(stream, "added",
                 "{\"id\":\"rs\",\"type\":\"reasoning\",\"summary\":[]}");
        put_pieces(stream, put_named,
                   "{\"type\":\"response.reasoning_summary_text.delta\","
                   "\"item_id\":\"rs\",\"output_index\":0,\"summary_index\":0,"
                   "\"delta\":\"",
                   script->thinking, "\"}");
        put_item(stream, "done",
                 "{\"id\":\"rs\",\"type\":\"reasoning\",\"summary\":[]}");
        ++stream->index;
    }
    if (script->text.len) {
        put_item(stream, "added",
                 "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\","
                 "\"status\":\"in_progress\",\"content\":[]}");
        put_pieces(stream, put_named,
                   FORMAT("{\"type\":\"response.output_text.delta\","
                          "\"item_id\":\"m\",\"output_index\":%d,"
                          "\"content_index\":0,\"delta\":\"",
                          stream->index),
                   script->text, "\"}");
        put_item(stream, "done",
                 "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\","
                 "\"status\":\"completed\",\"content\":[]}");
        ++stream->index;
    }
}

static void stream_responses(stream_t *stream)
{
    const script_t *script = stream->script;
    int is_cut = !strcmp(script->finish, "length"), i;
    const char *state = is_cut ? "incomplete" : "completed";

    put_named(stream, "{\"type\":\"response.created\",\"response\":{\"id\":"
                      "\"resp_1\",\"created_at\":1,\"model\":\"m\","
                      "\"status\":\"in_progress\",\"output\":[]}}");
    stream_said(stream);
    for (i = 0; i < script->calls; ++i) {
        put_item(stream, "added",
                 FORMAT("{\"id\":\"fc_%d\",\"type\":\"function_call\","
                        "\"call_id\":\"call_%d\",\"name\":\"%s\","
                        "\"arguments\":\"\"}",
                        i, i, text_of(script->call[i].name)));
        put_pieces(stream, put_named,
                   FORMAT("{\"type\":\"response.function_call_arguments.delta"
                          "\",\"item_id\":\"fc_%d\",\"output_index\":%d,"
                          "\"delta\":\"",
                          i, stream->index),
                   script->call[i].quoted, "\"}");
        put_item(stream, "done",
                 FORMAT("{\"id\":\"fc_%d\",\"type\":\"function_call\","
                        "\"call_id\":\"call_%d\",\"name\":\"%s\","
                        "\"arguments\":\"%s\"}",
                        i, i, text_of(script->call[i].name),
                        text_of(script->call[i].quoted)));
        ++stream->index;
    }
    put_named(
        stream,
        FORMAT("{\"type\":\"response.%s\",\"response\":{\"id\":\"resp_1\","
               "\"status\":\"%s\",\"incomplete_details\":%s,\"output\":[],"
               "\"usage\":{\"input_tokens\":%d,\"input_tokens_details\":{"
               "\"cached_tokens\":%d},\"output_tokens\":%d,"
               "\"output_tokens_details\":{\"reasoning_tokens\":%d}}}}",
               state, state,
               is_cut ? "{\"reason\":\"max_output_tokens\"}" : "null",
               script->input + script->cached, script->cached,
               script->output + script->reasoning, script->reasoning));
}

/* ---- Gemini ---- */

#define PARTS                                                                  \
    "{\"candidates\":[{\"index\":0,\"content\":{\"role\":\"model\",\"parts\":["

static void stream_gemini(stream_t *stream)
{
    const script_t *script = stream->script;
    int i;

    put_pieces(stream, put_event, PARTS "{\"thought\":true,\"text\":\"",
               script->thinking, "\"}]}}]}");
    put_pieces(stream, put_event, PARTS "{\"text\":\"", script->text,
               "\"}]}}],\"usageMetadata\":{\"promptTokenCount\":1}}");
    for (i = 0; i < script->calls; ++i) {
        put_event(stream,
                  FORMAT(PARTS "{\"functionCall\":{\"name\":\"%s\","
                               "\"args\":%s}}]}}]}",
                         text_of(script->call[i].name), script->call[i].args));
    }
    put_event(stream,
              FORMAT("{\"candidates\":[{\"index\":0,\"content\":{\"role\":"
                     "\"model\",\"parts\":[{\"text\":\"\"}]},\"finishReason\":"
                     "\"%s\"}],\"usageMetadata\":{\"promptTokenCount\":%d,"
                     "\"cachedContentTokenCount\":%d,\"candidatesTokenCount\":"
                     "%d,\"thoughtsTokenCount\":%d,\"totalTokenCount\":%d},"
                     "\"modelVersion\":\"m\",\"responseId\":\"r1\"}",
                     !strcmp(script->finish, "length") ? "MAX_TOKENS" : "STOP",
                     script->input + script->cached, script->cached,
                     script->output, script->reasoning,
                     script->input + script->cached + script->output
                         + script->reasoning));
}

/* ---- Cohere ---- */

static void put_cohere_part(stream_t *stream, const char *kind, llm_text_t text)
{
    if (text.len) {
        put_named(stream,
                  FORMAT("{\"type\":\"content-start\",\"index\":%d,\"delta\":{"
                         "\"message\":{\"content\":{\"type\":\"%s\",\"%s\":"
                         "\"\"}}}}",
                         stream->index, kind, kind));
        put_pieces(stream, put_named,
                   FORMAT("{\"type\":\"content-delta\",\"index\":%d,\"delta\":"
                          "{\"message\":{\"content\":{\"%s\":\"",
                          stream->index, kind),
                   text, "\"}}}}");
        put_named(stream, FORMAT("{\"type\":\"content-end\",\"index\":%d}",
                                 stream->index++));
    }
}

static void stream_cohere(stream_t *stream)
{
    const script_t *script = stream->script;
    int input = script->input + script->cached;
    int output = script->output + script->reasoning, i;

    put_named(stream, "{\"type\":\"message-start\",\"id\":\"x\",\"delta\":{"
                      "\"message\":{\"role\":\"assistant\",\"content\":[]}}}");
    put_cohere_part(stream, "thinking", script->thinking);
    put_cohere_part(stream, "text", script->text);
    for (i = 0; i < script->calls; ++i) {
        put_named(stream,
                  FORMAT("{\"type\":\"tool-call-start\",\"index\":%d,\"delta\":"
                         "{\"message\":{\"tool_calls\":{\"id\":\"t_%d\","
                         "\"type\":\"function\",\"function\":{\"name\":\"%s\","
                         "\"arguments\":\"\"}}}}}",
                         i, i, text_of(script->call[i].name)));
        put_pieces(stream, put_named,
                   FORMAT("{\"type\":\"tool-call-delta\",\"index\":%d,"
                          "\"delta\":{\"message\":{\"tool_calls\":{"
                          "\"function\":{\"arguments\":\"",
                          i),
                   script->call[i].quoted, "\"}}}}}");
        put_named(stream,
                  FORMAT("{\"type\":\"tool-call-end\",\"index\":%d}", i));
    }
    put_named(stream,
              FORMAT("{\"type\":\"message-end\",\"delta\":{\"finish_reason\":"
                     "\"%s\",\"usage\":{\"billed_units\":{\"input_tokens\":%d,"
                     "\"output_tokens\":%d},\"tokens\":{\"input_tokens\":%d,"
                     "\"output_tokens\":%d}}}}",
                     !strcmp(script->finish, "length") ? "MAX_TOKENS"
                     : !strcmp(script->finish, "stop") ? "COMPLETE"
                                                       : "TOOL_CALL",
                     input, output, input + 90, output + 3));
    put_event(stream, "[DONE]");
}

/* ---- Ollama ---- */

#define SAID                                                                   \
    "{\"model\":\"m\",\"created_at\":\"2025-05-19T09:26:59Z\",\"message\":{\"role\":\"assistant\",\"content\":\""

static void stream_ollama(stream_t *stream)
{
    const script_t *script = stream->script;
    int i;

    put_pieces(stream, put_line, SAID "\",\"thinking\":\"", script->thinking,
               "\"},\"done\":false}");
    put_pieces(stream, put_line, SAID, script->text, "\"},\"done\":false}");
    for (i = 0; i < script->calls; ++i) {
        put_line(
            stream,
            FORMAT(SAID "\",\"tool_calls\":[{\"function\":{\"name\":"
                        "\"%s\",\"arguments\":%s}}]},\"done\":false}",
                   text_of(script->call[i].name),
                   packed(script->call[i].args, strlen(script->call[i].args))));
    }
    put_line(stream,
             FORMAT(SAID "\"},\"done\":true,\"done_reason\":\"%s\","
                         "\"prompt_eval_count\":%d,\"eval_count\":%d}",
                    !strcmp(script->finish, "length") ? "length" : "stop",
                    script->input + script->cached,
                    script->output + script->reasoning));
}

/* ---- Bedrock ---- */

static void put_bedrock_block(stream_t *stream, const char *before,
                              llm_text_t text, const char *after)
{
    put_pieces(stream, put_message,
               FORMAT("contentBlockDelta {\"contentBlockIndex\":%d,\"delta\":{"
                      "%s",
                      stream->index, before),
               text, after);
    put_message(stream, FORMAT("contentBlockStop {\"contentBlockIndex\":%d}",
                               stream->index++));
}

static void stream_bedrock(stream_t *stream)
{
    const script_t *script = stream->script;
    int i;

    put_message(stream, "messageStart {\"role\":\"assistant\"}");
    put_bedrock_block(stream, "\"reasoningContent\":{\"text\":\"",
                      script->thinking, "\"}}}");
    put_bedrock_block(stream, "\"text\":\"", script->text, "\"}}");
    for (i = 0; i < script->calls; ++i) {
        put_message(stream,
                    FORMAT("contentBlockStart {\"contentBlockIndex\":%d,"
                           "\"start\":{\"toolUse\":{\"toolUseId\":\"t_%d\","
                           "\"name\":\"%s\"}}}",
                           stream->index, i, text_of(script->call[i].name)));
        put_bedrock_block(stream, "\"toolUse\":{\"input\":\"",
                          script->call[i].quoted, "\"}}}");
    }
    put_message(stream, FORMAT("messageStop {\"stopReason\":\"%s\"}",
                               !strcmp(script->finish, "length") ? "max_tokens"
                               : !strcmp(script->finish, "stop") ? "end_turn"
                                                                 : "tool_use"));
    put_message(stream,
                FORMAT("metadata {\"usage\":{\"inputTokens\":%d,"
                       "\"cacheReadInputTokens\":%d,\"outputTokens\":%d,"
                       "\"totalTokens\":%d}}",
                       script->input, script->cached,
                       script->output + script->reasoning,
                       script->input + script->cached + script->output
                           + script->reasoning));
}

/* ---- which ---- */

static const struct dialect_t {
    const char *name;
    void (*put)(stream_t *stream);
    int classes; /* what was read from a cache, and 2: reasoning, is told */
} dialects[] = {
    {"anthropic", stream_anthropic, 2},
    {"bedrock", stream_bedrock, 1},
    {"cohere", stream_cohere, 0},
    {"gemini", stream_gemini, 2},
    {"huggingface", stream_openai, 2},
    {"ollama", stream_ollama, 0},
    {"openai", stream_openai, 2},
    {"openai-responses", stream_responses, 2},
    {"watsonx", stream_openai, 2},
};

static script_t *some_script(void)
{
    static const char *const ends[] = {"stop", "length"};
    script_t *script = apr_pcalloc(unit_pool, sizeof(*script));
    int i;

    script->text = some_text();
    if (rarely(3)) {
        script->thinking = some_text();
    }
    script->calls = (int)roll(4);
    for (i = 0; i < script->calls; ++i) {
        const char *args = some_object();
        llm_bytes_t bytes = {packed(args, strlen(args)), 0};
        llm_buf_t *quoted = llm_buf_make(0, unit_pool);

        bytes.len = strlen(bytes.data);
        llm_buf_put_quoted(quoted, bytes);
        script->call[i].name = some_word();
        script->call[i].args = bytes.data;
        script->call[i].quoted.data =
            apr_pstrmemdup(unit_pool, quoted->data + 1, quoted->len - 2);
        script->call[i].quoted.len = quoted->len - 2;
    }
    script->finish = script->calls ? "tool_calls" : ends[roll(2)];
    script->input = (int)roll(1000);
    script->output = (int)roll(1000);
    script->cached = rarely(3) ? (int)roll(1000) : 0;
    script->reasoning = rarely(3) ? (int)roll(1000) : 0;
    return script;
}

/* What the script says, as far as the dialect tells it. */
static answer_t *says(const script_t *script, int classes)
{
    llm_answer_t *answer = llm_answer_make(unit_pool);
    llm_choices_t choices = {NULL, NULL};
    llm_choice_t *choice = llm_choices_add(&choices, 0, unit_pool);
    llm_parts_t parts = {NULL, NULL};
    int i;

    if (script->thinking.len) {
        llm_parts_add_text(&parts, LLM_PART_THINKING, script->thinking,
                           unit_pool);
    }
    llm_parts_add_text(&parts, LLM_PART_TEXT, script->text, unit_pool);
    for (i = 0; i < script->calls; ++i) {
        llm_bytes_t args = {script->call[i].args, strlen(script->call[i].args)};

        llm_parts_add_call(&parts, NULL, script->call[i].name, args, NULL,
                           unit_pool);
    }
    choice->parts = parts.first;
    choice->finish = script->calls                     ? LLM_FINISH_TOOL_CALLS
                     : !strcmp(script->finish, "stop") ? LLM_FINISH_STOP
                                                       : LLM_FINISH_LENGTH;
    answer->choices = choice;
    llm_usage_set(answer->usage, LLM_CLASS_INPUT,
                  script->input + (classes ? 0 : script->cached));
    llm_usage_set(answer->usage, LLM_CLASS_CACHE_READ,
                  classes ? script->cached : 0);
    llm_usage_set(answer->usage, LLM_CLASS_OUTPUT,
                  script->output + (classes > 1 ? 0 : script->reasoning));
    llm_usage_set(answer->usage, LLM_CLASS_REASONING,
                  classes > 1 ? script->reasoning : 0);
    return exchange_see(answer);
}

const llm_buf_t *some_stream(const llm_dialect_t *provider, answer_t **psays)
{
    stream_t stream = {llm_buf_make(0, unit_pool), NULL, 0, "\n"};
    apr_size_t i;

    for (i = 0; i < sizeof(dialects) / sizeof(*dialects); ++i) {
        if (!strcmp(dialects[i].name, provider->name)
            || (provider->speaks
                && !strcmp(dialects[i].name, provider->speaks))) {
            stream.script = some_script();
            stream.eol = rarely(4) ? "\r\n" : "\n";
            dialects[i].put(&stream);
            *psays = says(stream.script, dialects[i].classes);
            return stream.out;
        }
    }
    return NULL;
}
