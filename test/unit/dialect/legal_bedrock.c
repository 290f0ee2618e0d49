/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ConverseStream allows, checked without the code that writes it: blocks
 * one after the other, numbered from 0, of which only calls and pictures have a start; a
 * reason to end, counts, and nothing behind them or behind an exception.
 */
#include <string.h>

#include "test/unit/dialect/exchange.h"
#include "test/unit/dialect/legal.h"
#include "test/unit/unit.h"

typedef struct bedrock_t {
    int begun, stopped, done; /* an exception is the end too */
    int block;                /* number of the open one, or of the next */
    const char *open;         /* what the open block is; NULL for none */
} bedrock_t;

static void check_start(bedrock_t *state, const llm_json_t *doc)
{
    const llm_json_t *use = llm_json_path(doc, "start", "toolUse", NULL);
    const llm_json_t *image = llm_json_path(doc, "start", "image", NULL);

    ck_assert_msg(!state->open, "a block begins inside another");
    ck_assert_int_eq(legal_int(doc, "contentBlockIndex"), state->block);
    if (image) {
        legal_string(image, "format");
        state->open = "image";
        return;
    }
    ck_assert_str_ne(legal_string(use, "toolUseId"), "");
    legal_string(use, "name");
    state->open = "toolUse";
}

/* As the service's model has it: one location at most, numbers where there are
 * numbers. */
static void check_citation(const llm_json_t *cite)
{
    static const char *const numbers[] = {"start", "end", NULL};
    const llm_json_t *location = llm_json_get(cite, "location");
    int i;

    ck_assert_int_eq(cite->type, LLM_JSON_OBJECT);
    if (!location) {
        return;
    }
    ck_assert_uint_eq(location->count, 1);
    if (llm_text_equals(location->child->name, "web")) {
        legal_string(location->child, "url");
        return;
    }
    for (i = 0; numbers[i]; ++i) {
        ck_assert_int_ge(legal_int(location->child, numbers[i]), 0);
    }
}

static void check_delta(bedrock_t *state, const llm_json_t *doc)
{
    const llm_json_t *delta = llm_json_get(doc, "delta");
    const char *kind;

    ck_assert_int_eq(legal_int(doc, "contentBlockIndex"), state->block);
    ck_assert_uint_eq(delta->count, 1);
    kind = llm_text_string(delta->child->name, unit_pool);
    if (!strcmp(kind, "citation")) {
        check_citation(delta->child);
        kind = "text"; /* what is cited is a text's block */
    }
    else if (!strcmp(kind, "text")) {
        ck_assert_uint_gt(llm_json_text(delta->child).len, 0);
    }
    if (!state->open) {
        ck_assert_str_ne(kind, "toolUse");
        ck_assert_str_ne(kind, "image");
        state->open = kind;
    }
    ck_assert_str_eq(kind, state->open);
    if (!strcmp(kind, "toolUse")) {
        legal_string(delta->child, "input");
    }
    else if (!strcmp(kind, "image")) {
        legal_string(llm_json_get(delta->child, "source"), "bytes");
    }
    else if (strcmp(kind, "text") != 0) {
        ck_assert_str_eq(kind, "reasoningContent");
        ck_assert_uint_eq(delta->child->count, 1);
    }
}

static void check_stop(bedrock_t *state, const llm_json_t *doc)
{
    ck_assert_msg(state->open != NULL, "the end of no block");
    ck_assert_int_eq(legal_int(doc, "contentBlockIndex"), state->block++);
    state->open = NULL;
}

static void check_metadata(const llm_json_t *doc)
{
    const llm_json_t *usage = llm_json_get(doc, "usage");

    ck_assert_int_ge(legal_int(usage, "inputTokens"), 0);
    ck_assert_int_ge(legal_int(usage, "totalTokens"),
                     legal_int(usage, "outputTokens"));
    ck_assert_int_ge(legal_int(llm_json_get(doc, "metrics"), "latencyMs"), 0);
}

static void check_message(bedrock_t *state, const char *name,
                          const llm_json_t *doc)
{
    ck_assert_msg(!state->done, "%s behind the end", name);
    if (strstr(name, "Exception")) {
        legal_string(doc, "message");
        state->done = 1;
        return;
    }
    ck_assert_msg(state->begun == (strcmp(name, "messageStart") != 0),
                  "%s begins", name);
    ck_assert_msg(state->stopped == !strcmp(name, "metadata"), "%s at the end",
                  name);
    if (!strcmp(name, "messageStart")) {
        ck_assert_str_eq(legal_string(doc, "role"), "assistant");
        state->begun = 1;
    }
    else if (!strcmp(name, "contentBlockStart")) {
        check_start(state, doc);
    }
    else if (!strcmp(name, "contentBlockDelta")) {
        check_delta(state, doc);
    }
    else if (!strcmp(name, "contentBlockStop")) {
        check_stop(state, doc);
    }
    else if (!strcmp(name, "messageStop")) {
        ck_assert_msg(!state->open, "an end inside a block");
        legal_string(doc, "stopReason");
        state->stopped = 1;
    }
    else {
        ck_assert_str_eq(name, "metadata");
        check_metadata(doc);
        state->done = 1;
    }
}

void legal_check_bedrock(char *at)
{
    bedrock_t state;
    char *end, *blank;

    memset(&state, 0, sizeof(state));
    for (; *at; at = end + 1) {
        end = strchr(at, '\n');
        blank = strchr(at, ' ');
        ck_assert_msg(end && blank && blank < end, "no message: %.60s", at);
        *end = *blank = '\0';
        check_message(&state, at, exchange_json(blank + 1, strlen(blank + 1)));
    }
    ck_assert_msg(state.done, "a stream without an end");
}
