/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of events that a client's dialect allows in a stream, checked
 * without the code that writes it: SDKs fail on anything else.
 *
 * Streams are taken apart here by line, on purpose not by core/llm_sse.h.
 */
#include "test/unit/dialect/legal.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

/* ---- lines ---- */

/* The next event; 0 at the end. What is written has one form: an optional
 * event line, one data line, an empty line. */
int legal_next_event(char **pat, legal_event_t *event)
{
    char *at = *pat, *end;

    if (!*at) {
        return 0;
    }
    event->name = NULL;
    if (!strncmp(at, "event: ", 7)) {
        end = strchr(at, '\n');
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        event->name = at + 7;
        at = end + 1;
    }
    ck_assert_msg(!strncmp(at, "data: ", 6), "no data line: %.60s", at);
    end = strstr(at, "\n\n");
    ck_assert_msg(end != NULL, "an event without an end: %.60s", at);
    *end = '\0';
    ck_assert_msg(!strchr(at, '\n'), "a line end in: %.200s", at);
    event->data = at + 6;
    *pat = end + 2;
    return 1;
}

const llm_json_t *legal_json(const legal_event_t *event)
{
    return exchange_json(event->data, strlen(event->data));
}

const char *legal_string(const llm_json_t *doc, const char *name)
{
    const char *text = llm_json_string(llm_json_get(doc, name), unit_pool);

    ck_assert_msg(text != NULL, "no %s", name);
    return text;
}

int legal_int(const llm_json_t *doc, const char *name)
{
    apr_int64_t value = -1;

    ck_assert_msg(llm_json_int(llm_json_get(doc, name), &value), "no %s", name);
    return (int)value;
}

/* ---- OpenAI ---- */

typedef struct openai_t {
    const char *id;
    int has_role[CHOICES], finished[CHOICES], calls[CHOICES];
    int usage, done, failed;
} openai_t;

static void check_calls(openai_t *state, int choice, const llm_json_t *calls)
{
    const llm_json_t *call;

    for (call = calls->child; call; call = call->next) {
        const llm_json_t *custom = llm_json_get(call, "custom");
        const llm_json_t *function =
            custom ? custom : llm_json_get(call, "function");
        int index = legal_int(call, "index");

        if (index == state->calls[choice]) { /* begins */
            ++state->calls[choice];
            ck_assert_int_gt((int)strlen(legal_string(call, "id")), 0);
            ck_assert_str_eq(legal_string(call, "type"),
                             custom ? "custom" : "function");
            ck_assert_int_gt((int)strlen(legal_string(function, "name")), 0);
        }
        else {
            ck_assert_int_lt(index, state->calls[choice]);
            ck_assert_int_ge(index, 0);
            ck_assert_ptr_null(llm_json_get(call, "id"));
            ck_assert_ptr_null(llm_json_get(function, "name"));
        }
        legal_string(function, custom ? "input" : "arguments");
    }
}

static void check_choice(openai_t *state, const llm_json_t *choice)
{
    const llm_json_t *delta = llm_json_get(choice, "delta");
    const llm_json_t *calls = llm_json_want(delta, "tool_calls");
    int index = legal_int(choice, "index");

    ck_assert_int_lt(index, CHOICES);
    ck_assert_msg(!state->finished[index], "a chunk after finish_reason");
    ck_assert_int_eq(delta->type, LLM_JSON_OBJECT);
    ck_assert_ptr_nonnull(llm_json_get(choice, "finish_reason"));
    if (!state->has_role[index]) {
        ck_assert_str_eq(legal_string(delta, "role"), "assistant");
        state->has_role[index] = 1;
    }
    else {
        ck_assert_ptr_null(llm_json_get(delta, "role"));
    }
    if (calls) {
        check_calls(state, index, calls);
    }
    if (llm_json_want(choice, "finish_reason")) {
        ck_assert_uint_eq(delta->count, 0);
        state->finished[index] = 1;
    }
}

static void check_chunk(openai_t *state, const llm_json_t *doc,
                        const llm_ask_t *ask)
{
    const llm_json_t *choices = llm_json_get(doc, "choices"), *choice;
    const char *id = legal_string(doc, "id");

    ck_assert_str_eq(legal_string(doc, "object"), "chat.completion.chunk");
    ck_assert_int_gt((int)strlen(legal_string(doc, "model")), 0);
    legal_int(doc, "created");
    ck_assert_msg(!state->id || !strcmp(state->id, id), "another id");
    state->id = id;
    ck_assert_msg(!state->usage, "a chunk after the usage chunk");
    ck_assert_int_eq(choices->type, LLM_JSON_ARRAY);
    if (!choices->count) {
        ck_assert_msg(ask->include_usage, "usage that nobody asked for");
        ck_assert(llm_json_is(llm_json_get(doc, "usage"), LLM_JSON_OBJECT));
        state->usage = 1;
        return;
    }
    ck_assert_int_eq(llm_json_get(doc, "usage") != NULL, ask->include_usage);
    for (choice = choices->child; choice; choice = choice->next) {
        check_choice(state, choice);
    }
}

static void check_openai(const llm_ask_t *ask, char *at)
{
    openai_t state;
    legal_event_t event;
    int i;

    memset(&state, 0, sizeof(state));
    while (legal_next_event(&at, &event)) {
        ck_assert_msg(!state.done && !state.failed, "an event after the end");
        ck_assert_ptr_null(event.name);
        if (!strcmp(event.data, "[DONE]")) {
            state.done = 1;
        }
        else if (llm_json_get(legal_json(&event), "error")) {
            state.failed = 1;
        }
        else {
            check_chunk(&state, legal_json(&event), ask);
        }
    }
    ck_assert_msg(state.done || state.failed, "a stream without an end");
    for (i = 0; i < CHOICES; ++i) {
        ck_assert_msg(state.failed || state.has_role[i] == state.finished[i],
                      "choice %d has no finish_reason", i);
    }
    ck_assert(state.failed || state.has_role[0]);
}

/* ---- Anthropic ---- */

typedef struct anthropic_t {
    int begun, index, delta_seen, done, failed;
    const char *block; /* type of the open one, or NULL */
} anthropic_t;

static void check_start(anthropic_t *state, const llm_json_t *doc)
{
    const llm_json_t *message = llm_json_get(doc, "message");

    ck_assert_msg(!state->begun, "message_start twice");
    ck_assert_str_eq(legal_string(message, "type"), "message");
    ck_assert_str_eq(legal_string(message, "role"), "assistant");
    ck_assert_int_gt((int)strlen(legal_string(message, "id")), 0);
    ck_assert_int_gt((int)strlen(legal_string(message, "model")), 0);
    ck_assert(llm_json_is(llm_json_get(message, "content"), LLM_JSON_ARRAY));
    legal_int(llm_json_get(message, "usage"), "input_tokens");
    legal_int(llm_json_get(message, "usage"), "output_tokens");
    state->begun = 1;
}

static void check_block_start(anthropic_t *state, const llm_json_t *doc)
{
    const llm_json_t *block = llm_json_get(doc, "content_block");

    ck_assert_msg(!state->block, "a block opens inside another");
    ck_assert_int_eq(legal_int(doc, "index"), state->index);
    state->block = legal_string(block, "type");
    if (!strcmp(state->block, "tool_use")) {
        ck_assert_int_gt((int)strlen(legal_string(block, "id")), 0);
        ck_assert_int_gt((int)strlen(legal_string(block, "name")), 0);
        ck_assert_uint_eq(llm_json_get(block, "input")->count, 0);
    }
    else if (!strcmp(state->block, "redacted_thinking")) {
        legal_string(block, "data");
    }
    else {
        ck_assert_str_eq(legal_string(block, state->block), "");
    }
}

static void check_block_delta(anthropic_t *state, const llm_json_t *doc)
{
    static const struct {
        const char *delta, *block;
    } pairs[] = {
        {"text_delta", "text"},           {"citations_delta", "text"},
        {"thinking_delta", "thinking"},   {"signature_delta", "thinking"},
        {"input_json_delta", "tool_use"}, {NULL, NULL},
    };
    const char *type = legal_string(llm_json_get(doc, "delta"), "type");
    int i;

    ck_assert_msg(state->block != NULL, "a delta outside of a block");
    ck_assert_int_eq(legal_int(doc, "index"), state->index);
    for (i = 0; pairs[i].delta && strcmp(pairs[i].delta, type); ++i) {
    }
    ck_assert_msg(pairs[i].delta != NULL, "delta type %s", type);
    ck_assert_str_eq(pairs[i].block, state->block);
}

static void check_message_delta(anthropic_t *state, const llm_json_t *doc)
{
    ck_assert_msg(!state->block, "message_delta inside a block");
    ck_assert_msg(!state->delta_seen, "message_delta twice");
    legal_string(llm_json_get(doc, "delta"), "stop_reason");
    legal_int(llm_json_get(doc, "usage"), "output_tokens");
    state->delta_seen = 1;
}

static void check_event(anthropic_t *state, const legal_event_t *event)
{
    const llm_json_t *doc = legal_json(event);
    const char *type = legal_string(doc, "type");

    ck_assert_msg(!state->done && !state->failed, "an event after the end");
    ck_assert_str_eq(event->name, type);
    if (!strcmp(type, "error")) {
        legal_string(llm_json_get(doc, "error"), "message");
        state->failed = 1;
        return;
    }
    ck_assert_msg(state->begun || !strcmp(type, "message_start"),
                  "%s before message_start", type);
    ck_assert_msg(!state->delta_seen || !strcmp(type, "message_stop"),
                  "%s after message_delta", type);
    if (!strcmp(type, "message_start")) {
        check_start(state, doc);
    }
    else if (!strcmp(type, "content_block_start")) {
        check_block_start(state, doc);
    }
    else if (!strcmp(type, "content_block_delta")) {
        check_block_delta(state, doc);
    }
    else if (!strcmp(type, "content_block_stop")) {
        ck_assert_msg(state->block != NULL, "no block to stop");
        ck_assert_int_eq(legal_int(doc, "index"), state->index++);
        state->block = NULL;
    }
    else if (!strcmp(type, "message_delta")) {
        check_message_delta(state, doc);
    }
    else {
        ck_assert_str_eq(type, "message_stop");
        ck_assert_msg(state->delta_seen, "message_stop without a delta");
        state->done = 1;
    }
}

static void check_anthropic(char *at)
{
    anthropic_t state;
    legal_event_t event;

    memset(&state, 0, sizeof(state));
    while (legal_next_event(&at, &event)) {
        check_event(&state, &event);
    }
    ck_assert_msg(state.done || state.failed, "a stream without an end");
}

void exchange_check_stream(const char *client, const llm_ask_t *ask,
                           const char *stream)
{
    char *copy = apr_pstrdup(unit_pool, stream);

    if (!strcmp(client, "openai")) {
        check_openai(ask, copy);
    }
    else if (!strcmp(client, "anthropic")) {
        check_anthropic(copy);
    }
    else if (!strcmp(client, "gemini")) {
        legal_check_gemini(ask, copy);
    }
    else if (!strcmp(client, "cohere")) {
        legal_check_cohere(copy);
    }
    else if (!strcmp(client, "ollama")) {
        legal_check_ollama(ask, copy);
    }
    else if (!strcmp(client, "bedrock")) {
        legal_check_bedrock(copy);
    }
    else if (!strcmp(client, "openai-responses")) {
        legal_check_responses(copy);
    }
}
