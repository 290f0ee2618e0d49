/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations in the gateway's terms, as readers of clients' requests make
 * them. A sound one could have taken place; of the others, parts are left out,
 * doubled, or stand where they do not belong.
 */
#include "test/property/property.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/unit.h"

#define PICTURES 4 /* of the media below; the next one is a document */
#define MEDIA    8

typedef struct maker_t {
    llm_ask_t *ask;
    llm_turns_t turns;
    int is_sound;
    int calls; /* so far */
} maker_t;

static llm_text_t text_of(const char *plain)
{
    llm_text_t text = {plain, strlen(plain)};

    return text;
}

/* ---- parts ---- */

static void add_text(llm_parts_t *parts, llm_part_e kind)
{
    llm_parts_add_text(parts, kind, some_text(), unit_pool);
}

static const llm_json_t *some_mark(void)
{
    return rarely(12) ? json_of("{\"type\":\"ephemeral\"}") : NULL;
}

/* One of the first so many kinds. */
static void add_media(llm_parts_t *parts, unsigned kinds)
{
    static const struct {
        llm_part_e kind;
        const char *type, *base64, *url, *name;
    } all[] = {
        {LLM_PART_IMAGE, "image/png", "iVBORw0KGgo=", NULL, NULL},
        {LLM_PART_IMAGE, NULL, NULL, "https://x.test/a.png?b=1&c=%20", NULL},
        {LLM_PART_IMAGE, "image/jpeg", "/9j/4AAQSkZJRg==", NULL, NULL},
        {LLM_PART_IMAGE, "image/webp", "UklGRhoAAABXRUJQVlA4", NULL, NULL},
        {LLM_PART_FILE, "application/pdf", "JVBERi0xLjQK", NULL, "a b.pdf"},
        {LLM_PART_FILE, "text/plain", "aGVsbG8sIHdvcmxk", NULL, "notes.txt"},
        {LLM_PART_FILE, NULL, NULL, "https://x.test/doc.pdf", NULL},
        {LLM_PART_AUDIO, "audio/wav", "UklGRiQAAABXQVZF", NULL, NULL},
    };
    unsigned one = roll(kinds);
    llm_part_t *part = llm_parts_add(parts, all[one].kind, unit_pool);
    llm_media_t *media = apr_pcalloc(unit_pool, sizeof(*media));

    media->media_type = all[one].type;
    if (all[one].base64) {
        media->base64 = text_of(all[one].base64);
    }
    if (all[one].url) {
        media->url = text_of(all[one].url);
    }
    if (all[one].name) {
        media->filename = text_of(all[one].name);
    }
    part->media = media;
    part->cache = some_mark();
}

/* What a user says, or a tool gives: never nothing. */
static void add_content(llm_parts_t *parts, unsigned media)
{
    unsigned count = 1 + roll(3);

    while (count--) {
        if (media && !roll(4)) {
            add_media(parts, rarely(3) ? media : PICTURES);
            continue;
        }
        add_text(parts, LLM_PART_TEXT);
        parts->last->cache = some_mark();
    }
}

/* ---- calls and results ---- */

static const char *some_id(int number)
{
    switch (roll(8)) {
    case 1:
        return apr_psprintf(unit_pool, "toolu_01AbCdEfGhIjKlMnOpQ%d", number);
    case 2:
        return apr_psprintf(unit_pool, "call %d/\xc3\xa9.x", number);
    case 3:
        return apr_psprintf(unit_pool, "%d", number);
    case 4:
        return apr_psprintf(unit_pool,
                            "call_0123456789012345678901234567890123456789"
                            "0123456789012345678901234567890123456789_%d",
                            number);
    case 5:
        return apr_psprintf(unit_pool, "functions.f:%d", number);
    default:
        return apr_psprintf(unit_pool, "call_%d", number);
    }
}

static void add_result(maker_t *maker, llm_parts_t *parts, const char *id)
{
    llm_part_t *part = llm_parts_add(parts, LLM_PART_TOOL_RESULT, unit_pool);
    llm_parts_t inner = {NULL, NULL};

    part->result_of = id;
    if (roll(10) || maker->is_sound) {
        add_content(&inner, rarely(6) ? PICTURES + 1 : 0);
    }
    part->result = inner.first;
    part->is_error = rarely(10);
}

/* The turn that answers calls, or one for each, in any order. */
static void add_results(maker_t *maker, const char *const *ids, unsigned count)
{
    unsigned first = roll(count), step = roll(2) ? count - 1 : 1, i;
    llm_role_e role = roll(2) ? LLM_ROLE_USER : LLM_ROLE_TOOL;
    llm_parts_t parts = {NULL, NULL};
    llm_turn_t *turn = NULL;

    for (i = 0; i < count; ++i) {
        const char *id = ids[(first + i * step) % count];

        if (!turn || role == LLM_ROLE_TOOL) {
            turn = llm_turns_add(&maker->turns, role, unit_pool);
            parts.first = parts.last = NULL;
        }
        if (!maker->is_sound && rarely(6)) {
            id = roll(2) ? "another" : NULL;
        }
        add_result(maker, &parts, id);
        turn->parts = parts.first;
    }
    if (role == LLM_ROLE_USER && rarely(3)) {
        add_content(&parts, MEDIA);
    }
}

static void add_calls(maker_t *maker, llm_parts_t *parts)
{
    unsigned count = 1 + roll(3), i;
    const char *ids[3];

    for (i = 0; i < count; ++i) {
        const char *args = some_object();
        llm_bytes_t bytes = {args, strlen(args)};

        ids[i] = some_id(maker->calls++);
        if (!maker->is_sound && rarely(8)) {
            ids[i] = roll(2) ? ids[0] : NULL;
        }
        llm_parts_add_call(parts, ids[i], some_word(), bytes, NULL, unit_pool);
    }
    if (maker->is_sound || roll(6)) {
        add_results(maker, ids, count);
    }
}

/* ---- turns ---- */

static void add_system(maker_t *maker)
{
    llm_turn_t *turn = llm_turns_add(&maker->turns, LLM_ROLE_SYSTEM, unit_pool);
    llm_parts_t parts = {NULL, NULL};

    add_content(&parts, 0);
    turn->parts = parts.first;
}

static void add_user(maker_t *maker)
{
    llm_turn_t *turn = llm_turns_add(&maker->turns, LLM_ROLE_USER, unit_pool);
    llm_parts_t parts = {NULL, NULL};

    if (maker->is_sound) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, LLM_TEXT_LITERAL("so"),
                           unit_pool);
    }
    add_content(&parts, MEDIA);
    turn->parts = parts.first;
    if (rarely(20)) {
        turn->name = LLM_TEXT_LITERAL("ann");
    }
}

static void add_thinking(llm_parts_t *parts)
{
    if (rarely(4)) {
        llm_parts_add_text(parts, LLM_PART_REDACTED,
                           LLM_TEXT_LITERAL("EmwKAhgB"), unit_pool);
        return;
    }
    add_text(parts, LLM_PART_THINKING);
    if (roll(3)) {
        parts->last->signature = LLM_TEXT_LITERAL("EqQBCgIYAhIM+/=");
    }
}

static void add_assistant(maker_t *maker)
{
    llm_turn_t *turn =
        llm_turns_add(&maker->turns, LLM_ROLE_ASSISTANT, unit_pool);
    llm_parts_t parts = {NULL, NULL};
    unsigned texts = roll(3);

    if (rarely(5)) {
        add_thinking(&parts);
    }
    while (texts--) {
        add_text(&parts, rarely(15) ? LLM_PART_REFUSAL : LLM_PART_TEXT);
    }
    if (roll(2)) {
        add_calls(maker, &parts);
    }
    else if (maker->is_sound) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, LLM_TEXT_LITERAL("done"),
                           unit_pool);
    }
    turn->parts = parts.first;
}

static void add_turns(maker_t *maker)
{
    unsigned count = roll(4);

    if (rarely(3)) {
        add_system(maker);
    }
    if (!rarely(30)) {
        add_user(maker);
        while (count--) {
            if (rarely(6)) {
                add_system(maker);
            }
            add_assistant(maker);
            if (roll(3)) {
                add_user(maker);
            }
        }
        if (maker->is_sound) {
            add_user(maker);
        }
    }
    else {
        add_system(maker);
    }
    if (!maker->is_sound && rarely(5)) {
        add_assistant(maker);
    }
    maker->ask->turns = maker->turns.first;
    llm_turns_name_results(maker->ask->turns, unit_pool);
}

/* ---- tools ---- */

static const char *some_schema(void)
{
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},"
        "\"required\":[\"city\"]}",
        "{\"type\":\"object\",\"properties\":{}}",
        "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":[\"integer\","
        "\"null\"],\"minimum\":0},\"l\":{\"type\":\"array\",\"items\":{"
        "\"enum\":[\"a\",\"b\"],\"type\":\"string\"}}},\"additionalProperties\""
        ":false,\"required\":[\"n\",\"l\"]}",
        "{\"type\":\"object\",\"$defs\":{\"p\":{\"type\":\"object\","
        "\"properties\":{\"q\":{\"$ref\":\"#/$defs/p\"}}}},\"properties\":{"
        "\"p\":{\"$ref\":\"#/$defs/p\"}}}",
        "{\"type\":\"object\",\"properties\":{\"u\":{\"anyOf\":[{\"type\":"
        "\"string\",\"format\":\"uri\"},{\"const\":3}],\"description\":"
        "\"\\u00fc \\\"x\\\"\"}}}",
    };

    return schemas[roll(5)];
}

static void add_tools(maker_t *maker)
{
    static const char *const names[] = {"get_weather", "f", "search-web"};
    llm_tools_t tools = {NULL, NULL};
    unsigned count = roll(4), i;

    for (i = 0; i < count; ++i) {
        llm_tool_t *tool = llm_tools_add(&tools, unit_pool);

        tool->name = text_of(names[i]);
        if (roll(2)) {
            tool->description = some_text();
        }
        tool->schema = rarely(6) ? NULL : json_of("%s", some_schema());
        if (rarely(6)) {
            tool->strict = json_of("true");
        }
        tool->cache = some_mark();
    }
    maker->ask->tools = tools.first;
    if (count && rarely(3)) {
        maker->ask->choose = (llm_choose_e)(1 + roll(4));
        if (maker->ask->choose == LLM_CHOOSE_TOOL) {
            maker->ask->choose_name = text_of(names[0]);
        }
    }
    if (count && rarely(5)) {
        maker->ask->parallel = json_of(roll(2) ? "true" : "false");
    }
}

/* ---- options ---- */

static const llm_json_t *one_of(unsigned times, const char *a, const char *b,
                                const char *c)
{
    const char *const all[] = {a, b, c};

    return rarely(times) ? json_of("%s", all[roll(3)]) : NULL;
}

static void add_sampling(llm_ask_t *ask)
{
    ask->max_tokens = one_of(2, "16", "1024", "64000");
    ask->temperature = one_of(4, "0.5", "0", "1.5");
    ask->top_p = one_of(5, "0.9", "1", "0.25");
    ask->top_k = one_of(12, "40", "1", "3");
    ask->seed = one_of(8, "7", "-1", "1099511627776");
    ask->n = one_of(20, "1", "2", "1");
    ask->frequency_penalty = one_of(15, "0", "0.5", "-1");
    ask->presence_penalty = one_of(15, "0", "0.5", "-1");
    ask->stop = one_of(6, "\"END\"", "[\"a\",\"\\u00e9\\n\"]", "[]");
    ask->logprobs = one_of(20, "true", "false", "true");
    if (ask->logprobs) {
        ask->top_logprobs = one_of(2, "3", "0", "1");
    }
    ask->logit_bias = one_of(30, "{}", "{\"50256\":-100}", "{}");
}

static void add_thinking_options(llm_ask_t *ask)
{
    static const char *const efforts[] = {"low",     "medium", "high",
                                          "minimal", "xhigh",  "none"};

    if (rarely(6)) {
        ask->effort = text_of(efforts[roll(6)]);
        ask->thinking = llm_text_equals(ask->effort, "none") ? -1 : 1;
    }
    else if (rarely(8)) {
        ask->thinking = 1;
        ask->thinking_budget = one_of(2, "1024", "5000", "20000");
    }
    else if (rarely(12)) {
        ask->thinking = -1;
    }
}

static void add_format(llm_ask_t *ask)
{
    if (!rarely(6)) {
        return;
    }
    ask->format = (llm_format_e)(1 + roll(3));
    if (ask->format == LLM_FORMAT_SCHEMA) {
        ask->format_name = LLM_TEXT_LITERAL("shape");
        ask->format_schema = json_of("%s", some_schema());
        ask->format_strict = rarely(2) ? json_of("true") : NULL;
    }
}

static void add_labels(llm_ask_t *ask)
{
    if (rarely(8)) {
        ask->user = LLM_TEXT_LITERAL("user-7");
    }
    if (rarely(15)) {
        ask->service_tier = text_of(roll(2) ? "flex" : "auto");
    }
    ask->metadata = one_of(15, "{}", "{\"k\":\"v\"}", "{\"user_id\":\"u\"}");
    ask->stream = (int)roll(2);
    ask->include_usage = ask->stream && roll(2);
}

llm_ask_t *some_ask(int is_sound)
{
    maker_t maker = {
        apr_pcalloc(unit_pool, sizeof(llm_ask_t)), {NULL, NULL}, is_sound, 0};
    llm_ask_t *ask = maker.ask;

    ask->op = LLM_OP_CHAT;
    ask->model = "m";
    ask->unknown = apr_array_make(unit_pool, 1, sizeof(const llm_json_t *));
    add_turns(&maker);
    add_tools(&maker);
    add_sampling(ask);
    add_thinking_options(ask);
    add_format(ask);
    add_labels(ask);
    return ask;
}
