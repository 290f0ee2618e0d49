/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Gemini's dialect allows in a stream, checked without the code that
 * writes it: each event is an answer, framed as Google's server-sent events
 * (CRLF, no names, no last event) or as the elements of one array.
 */
#include "test/unit/dialect/legal.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

typedef struct gemini_t {
    const char *id;
    int finished[CHOICES];
    int events, failed;
} gemini_t;

static int count_of(const llm_json_t *object, const char *name)
{
    apr_int64_t value = 0;

    llm_json_int(llm_json_get(object, name), &value);
    return (int)value;
}

/* Gemini's arithmetic: the total is all there is. */
static void check_usage(const llm_json_t *usage)
{
    if (usage) {
        ck_assert_int_eq(count_of(usage, "totalTokenCount"),
                         count_of(usage, "promptTokenCount")
                             + count_of(usage, "candidatesTokenCount")
                             + count_of(usage, "thoughtsTokenCount"));
        ck_assert_int_ge(count_of(usage, "promptTokenCount"),
                         count_of(usage, "cachedContentTokenCount"));
    }
}

static void check_part(const llm_json_t *part)
{
    const llm_json_t *call = llm_json_get(part, "functionCall");
    const llm_json_t *shown = llm_json_get(part, "inlineData");

    if (call) {
        ck_assert(llm_json_is(llm_json_get(call, "name"), LLM_JSON_STRING));
        ck_assert_msg(llm_json_is(llm_json_get(call, "args"), LLM_JSON_OBJECT),
                      "arguments that are no object");
        return;
    }
    if (shown) {
        ck_assert(
            llm_json_is(llm_json_get(shown, "mimeType"), LLM_JSON_STRING));
        ck_assert(llm_json_is(llm_json_get(shown, "data"), LLM_JSON_STRING));
        return;
    }
    ck_assert(llm_json_is(llm_json_get(part, "text"), LLM_JSON_STRING));
}

static void check_candidate(gemini_t *state, const llm_json_t *candidate)
{
    const llm_json_t *content = llm_json_get(candidate, "content"), *part;
    const llm_json_t *parts = llm_json_get(content, "parts");
    apr_int64_t index = -1;

    ck_assert(llm_json_int(llm_json_get(candidate, "index"), &index));
    ck_assert_int_ge((int)index, 0);
    ck_assert_int_lt((int)index, CHOICES);
    ck_assert_msg(!state->finished[index], "an event behind the finishReason");
    ck_assert(llm_json_equals(llm_json_get(content, "role"), "model"));
    ck_assert(llm_json_is(parts, LLM_JSON_ARRAY) && parts->count);
    for (part = parts->child; part; part = part->next) {
        check_part(part);
    }
    if (llm_json_get(candidate, "finishReason")) {
        ck_assert(llm_json_is(llm_json_get(candidate, "finishReason"),
                              LLM_JSON_STRING));
        state->finished[index] = 1;
    }
}

static void check_event(gemini_t *state, const llm_json_t *doc)
{
    const llm_json_t *list = llm_json_get(doc, "candidates"), *candidate;
    const char *id;

    ck_assert_msg(!state->failed, "an event behind the error");
    ++state->events;
    if (llm_json_get(doc, "error")) {
        ck_assert(llm_json_is(llm_json_path(doc, "error", "message", NULL),
                              LLM_JSON_STRING));
        ck_assert(llm_json_is(llm_json_path(doc, "error", "status", NULL),
                              LLM_JSON_STRING));
        state->failed = 1;
        return;
    }
    ck_assert(llm_json_is(list, LLM_JSON_ARRAY) && list->count);
    for (candidate = list->child; candidate; candidate = candidate->next) {
        check_candidate(state, candidate);
    }
    id = llm_json_string(llm_json_get(doc, "responseId"), unit_pool);
    ck_assert_ptr_nonnull(id);
    ck_assert_msg(!state->id || !strcmp(state->id, id), "another id");
    state->id = id;
    ck_assert(llm_json_is(llm_json_get(doc, "modelVersion"), LLM_JSON_STRING));
    check_usage(llm_json_get(doc, "usageMetadata"));
}

static void check_end(const gemini_t *state)
{
    int i, finished = 0;

    for (i = 0; i < CHOICES; ++i) {
        finished |= state->finished[i];
    }
    ck_assert_msg(finished || state->failed, "a stream without an end");
}

void legal_check_gemini(const llm_ask_t *ask, char *at)
{
    const llm_json_t *doc;
    gemini_t state;
    char *end;

    memset(&state, 0, sizeof(state));
    if (ask->as_array) {
        doc = exchange_json(at, strlen(at));
        ck_assert_int_eq(doc->type, LLM_JSON_ARRAY);
        for (doc = doc->child; doc; doc = doc->next) {
            check_event(&state, doc);
        }
    }
    for (; !ask->as_array && *at; at = end + 4) {
        ck_assert_msg(!strncmp(at, "data: ", 6), "no data line: %.60s", at);
        end = strstr(at, "\r\n\r\n");
        ck_assert_msg(end != NULL, "an event without an end: %.60s", at);
        *end = '\0';
        ck_assert_msg(!strpbrk(at, "\r\n"), "a line end in: %.200s", at);
        check_event(&state, exchange_json(at + 6, strlen(at + 6)));
    }
    check_end(&state);
}
