/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of events that a stream of OpenAI's Responses has, checked without
 * the code that writes it: each item opens and closes once, pieces stand inside
 * their part, and what the last events repeat is what the pieces said.
 */
#include "test/unit/dialect/legal.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

typedef struct responses_t {
    const char *id;      /* of the response */
    int events;          /* so far: the next sequence_number */
    int index;           /* of the open item, or of the next one */
    const char *type;    /* of the open item, or NULL */
    const char *item;    /* its id */
    int part;            /* content_index of the open part, or of the next */
    const char *part_is; /* "output_text", "refusal", "summary_text", NULL */
    int part_done;       /* its text was told as a whole */
    int notes;           /* annotations of the open part */
    llm_buf_t *pieces;   /* of the open part, or the arguments */
    llm_buf_t *output;   /* the items that were done */
    int failed, done;
} responses_t;

static void same_text(const llm_buf_t *pieces, const llm_json_t *doc,
                      const char *name)
{
    llm_text_t text = llm_json_text(llm_json_get(doc, name));

    ck_assert_msg(
        text.data && text.len == pieces->len
            && (!text.len || !memcmp(text.data, pieces->data, text.len)),
        "%s is not what the pieces said: %.*s", name, (int)text.len,
        text.data ? text.data : "");
}

/* ---- response objects ---- */

static const llm_json_t *check_object(responses_t *state, const llm_json_t *doc,
                                      const char *status)
{
    static const char *const needed[] = {"created_at",
                                         "error",
                                         "incomplete_details",
                                         "instructions",
                                         "metadata",
                                         "model",
                                         "output",
                                         "parallel_tool_calls",
                                         "temperature",
                                         "tool_choice",
                                         "tools",
                                         "top_p",
                                         "usage",
                                         NULL};
    const llm_json_t *response = llm_json_get(doc, "response");
    const char *id = legal_string(response, "id");
    int i;

    ck_assert_str_eq(legal_string(response, "object"), "response");
    ck_assert_str_eq(legal_string(response, "status"), status);
    ck_assert_msg(!strncmp(id, "resp_", 5), "id %s", id);
    ck_assert_msg(!state->id || !strcmp(state->id, id), "another id");
    state->id = id;
    for (i = 0; needed[i]; ++i) {
        ck_assert_msg(llm_json_get(response, needed[i]) != NULL, "no %s",
                      needed[i]);
    }
    return response;
}

static void check_last(responses_t *state, const llm_json_t *doc,
                       const char *status)
{
    const llm_json_t *response = check_object(state, doc, status);
    const llm_json_t *output = llm_json_get(response, "output");

    if (!strcmp(status, "failed")) {
        ck_assert_msg(state->failed, "response.failed without an error");
        legal_string(llm_json_get(response, "error"), "message");
        legal_string(llm_json_get(response, "error"), "code");
        /* an item that was too large to be repeated is not there */
        ck_assert_uint_le(output->raw.len, state->output->len + 2);
    }
    else {
        ck_assert_msg(!state->type, "the end inside an item");
        ck_assert_uint_eq(output->raw.len, state->output->len + 2);
    }
    ck_assert_msg(!output->count
                      || !memcmp(output->raw.data + 1, state->output->data,
                                 output->raw.len - 2),
                  "the output is not the items that were done");
    state->done = 1;
}

/* ---- items ---- */

static void item_added(responses_t *state, const llm_json_t *doc)
{
    static const struct {
        const char *type, *prefix;
    } types[] = {{"message", "msg_"},
                 {"reasoning", "rs_"},
                 {"function_call", "fc_"},
                 {"custom_tool_call", "ctc_"},
                 {"image_generation_call", "ig_"},
                 {NULL, NULL}};
    const llm_json_t *item = llm_json_get(doc, "item");
    int i;

    ck_assert_msg(!state->type, "an item inside another");
    ck_assert_int_eq(legal_int(doc, "output_index"), state->index);
    state->type = legal_string(item, "type");
    state->item = legal_string(item, "id");
    for (i = 0; types[i].type && strcmp(types[i].type, state->type); ++i) {
    }
    ck_assert_msg(types[i].type != NULL, "item %s", state->type);
    ck_assert(!strncmp(state->item, types[i].prefix, strlen(types[i].prefix)));
    if (i == 2 || i == 3) {
        ck_assert_str_eq(legal_string(item, i == 2 ? "arguments" : "input"),
                         "");
        ck_assert_int_gt((int)strlen(legal_string(item, "call_id")), 0);
        ck_assert_int_gt((int)strlen(legal_string(item, "name")), 0);
    }
    state->part = 0;
    state->part_is = NULL;
    state->part_done = 0;
    state->notes = 0;
    llm_buf_clear(state->pieces);
}

static void item_done(responses_t *state, const llm_json_t *doc)
{
    const llm_json_t *item = llm_json_get(doc, "item");

    ck_assert_msg(state->type != NULL, "no item to end");
    ck_assert_msg(!state->part_is, "an item ends inside a part");
    ck_assert_int_eq(legal_int(doc, "output_index"), state->index);
    ck_assert_str_eq(legal_string(item, "type"), state->type);
    ck_assert_str_eq(legal_string(item, "id"), state->item);
    if (!strcmp(state->type, "function_call")) {
        ck_assert_msg(state->part_done, "a call without its arguments");
        same_text(state->pieces, item, "arguments");
        ck_assert_int_gt((int)state->pieces->len, 0);
    }
    if (!strcmp(state->type, "custom_tool_call")) {
        ck_assert_msg(state->part_done, "a call without its input");
        same_text(state->pieces, item, "input");
    }
    if (!strcmp(state->type, "image_generation_call")) {
        ck_assert_msg(state->part_done, "a picture before its steps");
        ck_assert_int_gt((int)strlen(legal_string(item, "result")), 0);
    }
    if (!strcmp(state->type, "message")) {
        ck_assert_uint_eq(llm_json_get(item, "content")->count,
                          (unsigned)state->part);
    }
    if (state->output->len) {
        llm_buf_putc(state->output, ',');
    }
    llm_buf_append(state->output, item->raw.data, item->raw.len);
    state->type = NULL;
    ++state->index;
}

/* ---- parts ---- */

/* Is the event about the open item? */
static void check_place(const responses_t *state, const llm_json_t *doc,
                        const char *type)
{
    ck_assert_msg(state->type != NULL, "outside of an item");
    ck_assert_str_eq(state->type, type);
    ck_assert_str_eq(legal_string(doc, "item_id"), state->item);
    ck_assert_int_eq(legal_int(doc, "output_index"), state->index);
    if (!strcmp(type, "message")) {
        ck_assert_int_eq(legal_int(doc, "content_index"), state->part);
    }
    if (!strcmp(type, "reasoning")) {
        ck_assert_int_eq(legal_int(doc, "summary_index"), state->part);
    }
}

static void part_added(responses_t *state, const llm_json_t *doc)
{
    const llm_json_t *part = llm_json_get(doc, "part");

    ck_assert_msg(!state->part_is, "a part inside another");
    state->part_is = legal_string(part, "type");
    legal_string(part, strcmp(state->part_is, "refusal") ? "text" : "refusal");
    state->part_done = 0;
    state->notes = 0;
    llm_buf_clear(state->pieces);
}

static void piece(responses_t *state, const llm_json_t *doc, const char *kind)
{
    llm_text_t text = llm_json_text(llm_json_get(doc, "delta"));

    ck_assert_msg(text.data != NULL, "no delta");
    ck_assert_msg(!state->part_done, "a piece behind the whole");
    if (kind) {
        ck_assert_msg(state->part_is && !strcmp(state->part_is, kind),
                      "a piece of %s", kind);
    }
    llm_buf_append(state->pieces, text.data, text.len);
}

/* An annotation is numbered within its part, which is still open. */
static void note(responses_t *state, const llm_json_t *doc, const char *kind)
{
    ck_assert_msg(!state->part_done, "an annotation behind the whole");
    ck_assert_msg(state->part_is && !strcmp(state->part_is, kind),
                  "an annotation of no %s", kind);
    ck_assert_int_eq(legal_int(doc, "annotation_index"), state->notes++);
    legal_string(llm_json_get(doc, "annotation"), "type");
}

static void whole(responses_t *state, const llm_json_t *doc, const char *kind,
                  const char *name)
{
    ck_assert_msg(!state->part_done, "whole twice");
    if (kind) {
        ck_assert_msg(state->part_is && !strcmp(state->part_is, kind),
                      "the whole of %s", kind);
    }
    same_text(state->pieces, doc, name);
    state->part_done = 1;
}

static void part_done(responses_t *state, const llm_json_t *doc)
{
    const llm_json_t *part = llm_json_get(doc, "part");

    ck_assert_msg(state->part_is && state->part_done,
                  "a part ends before its text");
    ck_assert_str_eq(legal_string(part, "type"), state->part_is);
    same_text(state->pieces, part,
              strcmp(state->part_is, "refusal") ? "text" : "refusal");
    if (!strcmp(state->part_is, "output_text")) {
        ck_assert_int_eq(llm_json_get(part, "annotations")->count,
                         state->notes);
    }
    state->part_is = NULL;
    ++state->part;
}

/* ---- events ---- */

enum { ADDED, PIECE, NOTE, WHOLE, DONE, STEP };

static const struct {
    const char *type, *item, *part, *whole;
    int what;
} events[] = {
    {"response.content_part.added", "message", NULL, NULL, ADDED},
    {"response.output_text.delta", "message", "output_text", NULL, PIECE},
    {"response.output_text.annotation.added", "message", "output_text", NULL,
     NOTE},
    {"response.output_text.done", "message", "output_text", "text", WHOLE},
    {"response.refusal.delta", "message", "refusal", NULL, PIECE},
    {"response.refusal.done", "message", "refusal", "refusal", WHOLE},
    {"response.content_part.done", "message", NULL, NULL, DONE},
    {"response.reasoning_summary_part.added", "reasoning", NULL, NULL, ADDED},
    {"response.reasoning_summary_text.delta", "reasoning", "summary_text", NULL,
     PIECE},
    {"response.reasoning_summary_text.done", "reasoning", "summary_text",
     "text", WHOLE},
    {"response.reasoning_summary_part.done", "reasoning", NULL, NULL, DONE},
    {"response.function_call_arguments.delta", "function_call", NULL, NULL,
     PIECE},
    {"response.function_call_arguments.done", "function_call", NULL,
     "arguments", WHOLE},
    {"response.custom_tool_call_input.delta", "custom_tool_call", NULL, NULL,
     PIECE},
    {"response.custom_tool_call_input.done", "custom_tool_call", NULL, "input",
     WHOLE},
    {"response.image_generation_call.in_progress", "image_generation_call", "0",
     NULL, STEP},
    {"response.image_generation_call.generating", "image_generation_call", "1",
     NULL, STEP},
    {"response.image_generation_call.completed", "image_generation_call", "2",
     NULL, STEP},
    {NULL, NULL, NULL, NULL, 0},
};

static void check_part(responses_t *state, const llm_json_t *doc,
                       const char *type)
{
    int i;

    for (i = 0; events[i].type && strcmp(events[i].type, type); ++i) {
    }
    ck_assert_msg(events[i].type != NULL, "no such event: %s", type);
    check_place(state, doc, events[i].item);
    switch (events[i].what) {
    case ADDED:
        part_added(state, doc);
        break;
    case NOTE:
        note(state, doc, events[i].part);
        break;
    case STEP: /* a picture's, in their order */
        ck_assert_int_eq(state->part++, *events[i].part - '0');
        state->part_done = state->part == 3;
        break;
    case PIECE:
        piece(state, doc, events[i].part);
        break;
    case WHOLE:
        whole(state, doc, events[i].part, events[i].whole);
        break;
    default:
        part_done(state, doc);
        break;
    }
}

static void check_event(responses_t *state, const legal_event_t *event)
{
    const llm_json_t *doc = legal_json(event);
    const char *type = legal_string(doc, "type");
    int number = state->events++;

    ck_assert_str_eq(event->name, type); /* they are equal at OpenAI */
    ck_assert_int_eq(legal_int(doc, "sequence_number"), number);
    ck_assert_msg(!state->done, "%s after the end", type);
    ck_assert_msg(!state->failed || !strcmp(type, "response.failed"),
                  "%s after an error", type);
    if (number < 2) {
        ck_assert_str_eq(type,
                         number ? "response.in_progress" : "response.created");
        check_object(state, doc, "in_progress");
    }
    else if (!strcmp(type, "error")) {
        legal_string(doc, "message");
        legal_string(llm_json_get(doc, "error"), "message");
        state->failed = 1;
    }
    else if (!strcmp(type, "response.completed")
             || !strcmp(type, "response.incomplete")
             || !strcmp(type, "response.failed")) {
        check_last(state, doc, type + strlen("response."));
    }
    else if (!strcmp(type, "response.output_item.added")) {
        item_added(state, doc);
    }
    else if (!strcmp(type, "response.output_item.done")) {
        item_done(state, doc);
    }
    else {
        check_part(state, doc, type);
    }
}

void legal_check_responses(char *stream)
{
    responses_t state;
    legal_event_t event;

    memset(&state, 0, sizeof(state));
    state.pieces = llm_buf_make(0, unit_pool);
    state.output = llm_buf_make(0, unit_pool);
    while (legal_next_event(&stream, &event)) {
        check_event(&state, &event);
    }
    ck_assert_msg(state.done, "a stream without an end");
}
