/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation as lines of facts, "run 2 text: ...", by which two of them are
 * compared. A run is what one side says before the other does. Dialects may
 * move system turns to the front, pictures out of a tool's result, join texts
 * by blanks and leave blank ones out: so blanks do not count, and pictures are
 * a run's.
 */
#include "test/property/property.h"

#include <stdlib.h>
#include <string.h>

#include <apr_base64.h>
#include <apr_strings.h>

#include "dialect/common.h"
#include "test/unit/unit.h"

void put_plain(llm_buf_t *out, llm_text_t text)
{
    llm_bytes_t plain = llm_text_decode(text, unit_pool);
    apr_size_t i;

    for (i = 0; text.data && i < plain.len; ++i) {
        if (!plain.data[i]) {
            llm_buf_lit(out, "<0>");
        }
        else if (!strchr(" \t\r\n", plain.data[i])) {
            llm_buf_putc(out, plain.data[i]);
        }
    }
}

static void set_fact(facts_t *facts, const char *value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void set_fact(facts_t *facts, const char *value, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    apr_table_set(facts->lines, apr_pvsprintf(unit_pool, fmt, args), value);
    va_end(args);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One run, while its turns are walked through. */
typedef struct run_t {
    llm_buf_t *text, *thinking;
    apr_array_header_t *media; /* of const char * */
    int side;                  /* 1: the model's; 0: the user's; -1: none */
    int says;                  /* something besides results */
} run_t;

/* What writers say of a thing that stands elsewhere than it did. */
static const struct {
    const char *begin, *end;
} notes[] = {
    {"Fromtheresultof", ":"},
    {"(seethenextmessage", ")"},
    {"notes.txt", ""},
    {"AnswerwithaJSONobject", "else."},
};

static const char *without_notes(const char *text)
{
    char *plain = apr_pstrdup(unit_pool, text), *at, *end;
    apr_size_t i;

    for (i = 0; i < sizeof(notes) / sizeof(*notes); ++i) {
        while ((at = strstr(plain, notes[i].begin))) {
            end = at + strlen(notes[i].begin);
            end = strstr(end, notes[i].end);
            end = end ? end + strlen(notes[i].end) : at + strlen(at);
            memmove(at, end, strlen(end) + 1);
        }
    }
    return plain;
}

/* A document that is text may as well be told as text, behind its name. */
static void add_media(run_t *run, llm_buf_t *text, const llm_part_t *part)
{
    const llm_media_t *media = part->media;
    llm_text_t bytes = media->url.data ? media->url : media->base64;
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    if (media->media_type && !strcmp(media->media_type, "text/plain")
        && bytes.data) {
        char *plain = apr_palloc(unit_pool, bytes.len + 1);

        plain[apr_base64_decode(plain, llm_text_string(bytes, unit_pool))] =
            '\0';
        put_plain(text, llm_text_escape(plain, strlen(plain), unit_pool));
        return;
    }
    llm_buf_printf(out, "%d ", (int)part->kind);
    put_plain(out, bytes);
    APR_ARRAY_PUSH(run->media, const char *) = bytes_as_text(out);
}

static int number_of(const facts_t *facts, const char *id)
{
    int i = facts->calls;

    while (i-- && (!id || !facts->ids[i] || strcmp(facts->ids[i], id))) {
    }
    return i;
}

static void see_result(facts_t *facts, run_t *run, const llm_part_t *result)
{
    llm_buf_t *text = llm_buf_make(0, unit_pool);
    int number = number_of(facts, result->result_of);
    const llm_part_t *part;

    for (part = result->result; part; part = part->next) {
        if (part->media) {
            add_media(run, text, part);
        }
        else {
            put_plain(text, part->text);
        }
    }
    set_fact(facts, without_notes(bytes_as_text(text)), "result %d text",
             number);
    set_fact(facts, result->is_error ? "1" : "0", "result %d error", number);
}

static void see_call(facts_t *facts, const llm_call_t *call)
{
    ck_assert_int_lt(facts->calls, 64);
    facts->ids[facts->calls] = call->id;
    set_fact(facts,
             apr_psprintf(unit_pool, "%s %s",
                          llm_text_string(call->name, unit_pool),
                          packed(call->args.data, call->args.len)),
             "call %d", facts->calls++);
}

static void see_part(facts_t *facts, run_t *run, const llm_part_t *part)
{
    run->says |= part->kind != LLM_PART_TOOL_RESULT;
    switch (part->kind) {
    case LLM_PART_TEXT:
    case LLM_PART_REFUSAL:
        put_plain(run->text, part->text);
        break;
    case LLM_PART_THINKING:
    case LLM_PART_REDACTED:
        put_plain(run->thinking, part->text);
        break;
    case LLM_PART_TOOL_CALL:
        see_call(facts, part->call);
        break;
    case LLM_PART_TOOL_RESULT:
        facts->late += run->says;
        see_result(facts, run, part);
        break;
    default:
        ck_assert_ptr_nonnull(part->media);
        add_media(run, run->text, part);
        break;
    }
}

/* What of a turn makes it one: blanks and thinking alone do not. */
static int says_something(const llm_turn_t *turn)
{
    const llm_part_t *part;

    for (part = turn->parts; part; part = part->next) {
        if (part->kind != LLM_PART_THINKING && part->kind != LLM_PART_REDACTED
            && (!part->text.data || !llm_text_is_blank(part->text))) {
            return 1;
        }
    }
    return 0;
}

static void end_run(facts_t *facts, run_t *run)
{
    const char *media = "";
    int i;

    if (run->side >= 0) {
        int number = facts->runs++;

        qsort(run->media->elts, (size_t)run->media->nelts, sizeof(char *),
              by_text);
        for (i = 0; i < run->media->nelts; ++i) {
            media =
                apr_pstrcat(unit_pool, media,
                            APR_ARRAY_IDX(run->media, i, char *), ";", NULL);
        }
        set_fact(facts, run->side ? "assistant" : "user", "run %d side",
                 number);
        set_fact(facts, without_notes(bytes_as_text(run->text)), "run %d text",
                 number);
        set_fact(facts, media, "run %d media", number);
        if (run->thinking->len) {
            set_fact(facts, bytes_as_text(run->thinking), "run %d thinking",
                     number);
        }
    }
    run->text = llm_buf_make(0, unit_pool);
    run->thinking = llm_buf_make(0, unit_pool);
    run->media = apr_array_make(unit_pool, 4, sizeof(char *));
    run->side = -1;
    run->says = 0;
}

static void see_turns(facts_t *facts, const llm_ask_t *ask)
{
    run_t run = {NULL, NULL, NULL, -1, 0};
    const llm_turn_t *turn;
    const llm_part_t *part;

    end_run(facts, &run);
    for (turn = ask->turns; turn; turn = turn->next) {
        int side = turn->role == LLM_ROLE_ASSISTANT;

        if (turn->role == LLM_ROLE_SYSTEM) {
            for (part = turn->parts; part; part = part->next) {
                put_plain(facts->system, part->text);
            }
            continue;
        }
        if (!says_something(turn)) {
            continue;
        }
        if (side != run.side) {
            end_run(facts, &run);
            run.side = side;
        }
        for (part = turn->parts; part; part = part->next) {
            see_part(facts, &run, part);
        }
    }
    end_run(facts, &run);
    set_fact(facts, without_notes(bytes_as_text(facts->system)), "system");
}

static int by_name(const void *a, const void *b)
{
    const llm_json_t *const *one = a, *const *other = b;

    return strcmp(llm_text_string((*one)->name, unit_pool),
                  llm_text_string((*other)->name, unit_pool));
}

/* A schema, its members in the order of their names. An object is closed or it
 * is not said; one without members is none. */
static void put_schema(llm_buf_t *out, const llm_json_t *node)
{
    apr_array_header_t *members = apr_array_make(unit_pool, 8, sizeof(node));
    int is_object = llm_json_is(node, LLM_JSON_OBJECT), i;
    const llm_json_t *child;

    if (!is_object && !llm_json_is(node, LLM_JSON_ARRAY)) {
        llm_json_put(out, node);
        return;
    }
    for (child = node->child; child; child = child->next) {
        if (!is_object || !llm_text_equals(child->name, "additionalProperties")
            || child->type != LLM_JSON_FALSE) {
            APR_ARRAY_PUSH(members, const llm_json_t *) = child;
        }
    }
    if (is_object) {
        qsort(members->elts, (size_t)members->nelts, sizeof(node), by_name);
    }
    llm_buf_putc(out, is_object ? '{' : '[');
    for (i = 0; i < members->nelts; ++i) {
        child = APR_ARRAY_IDX(members, i, const llm_json_t *);
        llm_buf_puts(out, i ? "," : "");
        if (is_object) {
            llm_buf_put_text(out, child->name);
            llm_buf_putc(out, ':');
        }
        put_schema(out, child);
    }
    llm_buf_putc(out, is_object ? '}' : ']');
}

static const char *schema_text(const llm_json_t *schema)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    if (schema && schema->count) {
        put_schema(out, schema);
    }
    return !strcmp(bytes_as_text(out),
                   "{\"properties\":{},\"type\":\"object\"}")
                   || !strcmp(bytes_as_text(out), "{\"type\":\"object\"}")
               ? ""
               : bytes_as_text(out);
}

/* Tools that cannot be called. */
static const char *use_of(const llm_ask_t *ask, const llm_tool_t *tool)
{
    return ask->choose == LLM_CHOOSE_NONE
                   || (ask->choose == LLM_CHOOSE_TOOL
                       && !llm_text_is_same(tool->name, ask->choose_name))
               ? "unused "
               : "";
}

static void see_tools(facts_t *facts, const llm_ask_t *ask)
{
    const llm_tool_t *tool;
    int i = 0;

    for (tool = ask->tools; tool; tool = tool->next, ++i) {
        const char *used = use_of(ask, tool);
        llm_buf_t *said = llm_buf_make(0, unit_pool);

        set_fact(facts, llm_text_string(tool->name, unit_pool),
                 "%stool %d name", used, i);
        put_plain(said, tool->description);
        set_fact(facts, bytes_as_text(said), "%stool %d description", used, i);
        set_fact(facts, schema_text(tool->schema), "%stool %d schema", used, i);
        if (llm_json_is_true(tool->strict)) {
            set_fact(facts, "true", "%stool %d strict", used, i);
        }
    }
    /* a form of the answer may be a tool of its own, which is chosen then */
    if (ask->choose > LLM_CHOOSE_AUTO
        && (ask->choose != LLM_CHOOSE_NONE || ask->format <= LLM_FORMAT_TEXT)) {
        set_fact(facts,
                 apr_psprintf(unit_pool, "%d %s", (int)ask->choose,
                              ask->choose == LLM_CHOOSE_TOOL
                                  ? llm_text_string(ask->choose_name, unit_pool)
                                  : ""),
                 "choose");
    }
    if (ask->parallel && !llm_json_is_true(ask->parallel)
        && ask->choose != LLM_CHOOSE_NONE) {
        set_fact(facts, "false", "parallel");
    }
}

static void see_number(facts_t *facts, const char *name, const llm_json_t *node,
                       double otherwise)
{
    double value = otherwise;

    if (node && llm_json_double(node, &value) && value != otherwise) {
        set_fact(facts, apr_psprintf(unit_pool, "%g", value), "%s", name);
    }
}

static void see_options(facts_t *facts, const llm_ask_t *ask)
{
    const llm_json_t *stop;
    llm_buf_t *stops = llm_buf_make(0, unit_pool);

    see_number(facts, "max_tokens", ask->max_tokens, -1);
    see_number(facts, "temperature", ask->temperature, -1);
    see_number(facts, "top_p", ask->top_p, 1);
    see_number(facts, "top_k", ask->top_k, 0);
    see_number(facts, "seed", ask->seed, -0.5);
    see_number(facts, "n", ask->n, 1);
    see_number(facts, "frequency_penalty", ask->frequency_penalty, 0);
    see_number(facts, "presence_penalty", ask->presence_penalty, 0);
    if (llm_json_is_true(ask->logprobs)) {
        set_fact(facts, "true", "logprobs");
        see_number(facts, "top_logprobs", ask->top_logprobs, 0);
    }
    if (ask->logit_bias && ask->logit_bias->count) {
        set_fact(facts, "set", "logit_bias");
    }
    if (ask->stop && ask->stop->type == LLM_JSON_STRING) {
        llm_buf_put_text(stops, llm_json_text(ask->stop));
    }
    for (stop = ask->stop ? ask->stop->child : NULL; stop; stop = stop->next) {
        llm_buf_put_text(stops, llm_json_text(stop));
    }
    if (stops->len) {
        set_fact(facts, bytes_as_text(stops), "stop");
    }
    if (ask->format > LLM_FORMAT_TEXT) { /* an object, whatever is in it */
        set_fact(facts, "JSON", "format");
    }
    if (ask->format == LLM_FORMAT_SCHEMA) {
        const char *schema = schema_text(ask->format_schema);

        if (*schema) {
            set_fact(facts, schema, "format schema");
        }
    }
    if (ask->user.data) {
        set_fact(facts, llm_text_string(ask->user, unit_pool), "user");
    }
    if (ask->thinking) {
        set_fact(facts, "so", ask->thinking > 0 ? "thinks" : "thinks not");
    }
}

facts_t *facts_of(const llm_ask_t *ask)
{
    facts_t *facts = apr_pcalloc(unit_pool, sizeof(*facts));

    facts->lines = apr_table_make(unit_pool, 64);
    facts->system = llm_buf_make(0, unit_pool);
    see_turns(facts, ask);
    see_tools(facts, ask);
    see_options(facts, ask);
    return facts;
}
