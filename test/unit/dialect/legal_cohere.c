/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Cohere's and Ollama's dialects allow in a stream, checked without the
 * code that writes it. Cohere: named events, one part open at a time, an end
 * that counts, "[DONE]". Ollama: lines, each of which is read, the last of them
 * done.
 */
#include <string.h>

#include <apr_strings.h>

#include "test/unit/dialect/legal.h"
#include "test/unit/unit.h"

/* ---- Cohere ---- */

typedef struct cohere_t {
    int citing;    /* a citation is open */
    int citations; /* ended ones */
    int begun, ended, failed, done;
    int contents, calls; /* begun */
    const char *open;    /* "content", "tool-call", or NULL */
    const char *kind;    /* of the open content: "text", "thinking" */
} cohere_t;

static const llm_json_t *message_of(const llm_json_t *doc)
{
    return llm_json_path(doc, "delta", "message", NULL);
}

static void check_start(cohere_t *state, const llm_json_t *doc)
{
    const llm_json_t *message = message_of(doc);

    ck_assert_msg(!state->begun, "a second message-start");
    state->begun = 1;
    legal_string(doc, "id");
    ck_assert_str_eq(legal_string(message, "role"), "assistant");
    ck_assert(llm_json_is(llm_json_get(message, "content"), LLM_JSON_ARRAY));
}

static void check_content(cohere_t *state, const char *type,
                          const llm_json_t *doc)
{
    const llm_json_t *content = llm_json_get(message_of(doc), "content");

    if (!strcmp(type, "content-start")) {
        ck_assert_msg(!state->open, "a part begins inside another");
        ck_assert_int_eq(legal_int(doc, "index"), state->contents++);
        state->open = "content";
        state->kind = legal_string(content, "type");
        ck_assert_str_eq(legal_string(content, state->kind), "");
        return;
    }
    ck_assert_msg(state->open && !strcmp(state->open, "content"),
                  "%s where no content is open", type);
    ck_assert_int_eq(legal_int(doc, "index"), state->contents - 1);
    if (!strcmp(type, "content-end")) {
        state->open = NULL;
        return;
    }
    ck_assert_str_eq(type, "content-delta");
    ck_assert_msg(llm_json_text(llm_json_get(content, state->kind)).len,
                  "a delta that says nothing");
}

static void check_call(cohere_t *state, const char *type, const llm_json_t *doc)
{
    const llm_json_t *call = llm_json_get(message_of(doc), "tool_calls");
    const llm_json_t *function = llm_json_get(call, "function");

    if (!strcmp(type, "tool-call-start")) {
        ck_assert_msg(!state->open, "a call begins inside another part");
        ck_assert_int_eq(legal_int(doc, "index"), state->calls++);
        ck_assert_str_ne(legal_string(call, "id"), "");
        ck_assert_str_eq(legal_string(call, "type"), "function");
        legal_string(function, "name");
        ck_assert_str_eq(legal_string(function, "arguments"), "");
        state->open = "tool-call";
        return;
    }
    ck_assert_msg(state->open && !strcmp(state->open, "tool-call"),
                  "%s where no call is open", type);
    ck_assert_int_eq(legal_int(doc, "index"), state->calls - 1);
    if (!strcmp(type, "tool-call-end")) {
        state->open = NULL;
        return;
    }
    ck_assert_str_eq(type, "tool-call-delta");
    legal_string(function, "arguments");
}

static void check_usage(const llm_json_t *usage)
{
    static const char *const counts[] = {"billed_units", "tokens", NULL};
    int i;

    for (i = 0; usage && counts[i]; ++i) {
        const llm_json_t *count = llm_json_get(usage, counts[i]);

        ck_assert_int_ge(legal_int(count, "input_tokens"), 0);
        ck_assert_int_ge(legal_int(count, "output_tokens"), 0);
    }
}

/* One at a time, numbered, and not inside of a call. */
static void check_citation(cohere_t *state, const char *type,
                           const llm_json_t *doc)
{
    const llm_json_t *cite =
        llm_json_path(doc, "delta", "message", "citations", NULL);

    ck_assert_int_eq(legal_int(doc, "index"), state->citations);
    if (!strcmp(type, "citation-end")) {
        ck_assert_msg(state->citing, "%s without a start", type);
        state->citing = 0;
        ++state->citations;
        return;
    }
    ck_assert_str_eq(type, "citation-start");
    ck_assert_msg(!state->citing, "a citation inside another");
    ck_assert_int_ge(legal_int(cite, "start"), 0);
    ck_assert_int_ge(legal_int(cite, "end"), 0);
    legal_string(cite, "text");
    ck_assert_uint_gt(llm_json_get(cite, "sources")->count, 0);
    state->citing = 1;
}

static void check_end(cohere_t *state, const llm_json_t *doc)
{
    const llm_json_t *delta = llm_json_get(doc, "delta");

    if (!strcmp(legal_string(delta, "finish_reason"), "ERROR")) {
        legal_string(delta, "error");
        state->failed = 1;
    }
    else {
        ck_assert_msg(!state->open, "an end inside a part");
    }
    check_usage(llm_json_get(delta, "usage"));
    state->ended = 1;
}

static void check_event(cohere_t *state, const legal_event_t *event)
{
    const llm_json_t *doc = legal_json(event);
    const char *type = legal_string(doc, "type");

    ck_assert_str_eq(event->name, type);
    ck_assert_msg(!state->ended, "%s behind the end", type);
    ck_assert_msg(state->begun || !strcmp(type, "message-start"),
                  "%s before message-start", type);
    if (!strcmp(type, "message-start")) {
        check_start(state, doc);
    }
    else if (!strncmp(type, "content-", 8)) {
        check_content(state, type, doc);
    }
    else if (!strncmp(type, "tool-call-", 10)) {
        check_call(state, type, doc);
    }
    else if (!strncmp(type, "citation-", 9)) {
        check_citation(state, type, doc);
    }
    else {
        ck_assert_str_eq(type, "message-end");
        ck_assert_msg(!state->citing, "an end inside a citation");
        check_end(state, doc);
    }
}

void legal_check_cohere(char *at)
{
    legal_event_t event;
    cohere_t state;

    memset(&state, 0, sizeof(state));
    while (legal_next_event(&at, &event)) {
        ck_assert_msg(!state.done, "an event behind [DONE]");
        if (!event.name && !strcmp(event.data, "[DONE]")) {
            ck_assert_msg(state.ended && !state.failed, "[DONE] too early");
            state.done = 1;
            continue;
        }
        check_event(&state, &event);
    }
    ck_assert_msg(state.done || state.failed, "a stream without an end");
}

/* ---- Ollama ---- */

static void check_tool_calls(const llm_json_t *calls)
{
    const llm_json_t *call = calls ? calls->child : NULL;

    for (; call; call = call->next) {
        const llm_json_t *function = llm_json_get(call, "function");

        legal_string(function, "name");
        ck_assert_msg(
            llm_json_is(llm_json_get(function, "arguments"), LLM_JSON_OBJECT),
            "arguments that are no object");
    }
}

/* Returns 1 for the last one. */
static int check_line(const llm_ask_t *ask, const llm_json_t *doc)
{
    const llm_json_t *done = llm_json_get(doc, "done");
    const llm_json_t *message =
        ask->prompt ? doc : llm_json_get(doc, "message");

    if (llm_json_get(doc, "error")) {
        legal_string(doc, "error");
        return 1;
    }
    legal_string(doc, "model");
    ck_assert_int_ge((int)strlen(legal_string(doc, "created_at")), 20);
    legal_string(message, ask->prompt ? "response" : "content");
    if (!ask->prompt) {
        ck_assert_str_eq(legal_string(message, "role"), "assistant");
    }
    check_tool_calls(llm_json_get(message, "tool_calls"));
    ck_assert(llm_json_is_bool(done));
    if (llm_json_is_true(done)) {
        legal_string(doc, "done_reason");
    }
    return llm_json_is_true(done);
}

void legal_check_ollama(const llm_ask_t *ask, char *at)
{
    int last = 0;
    char *end;

    for (; *at; at = end + 1) {
        ck_assert_msg(!last, "a line behind the last one: %.60s", at);
        end = strchr(at, '\n');
        ck_assert_msg(end != NULL, "a line without an end: %.60s", at);
        *end = '\0';
        last = check_line(ask, exchange_json(at, strlen(at)));
    }
    ck_assert_msg(last, "a stream without an end");
}
