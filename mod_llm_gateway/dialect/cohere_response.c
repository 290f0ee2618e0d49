/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole answers in Cohere's form, for its clients: chat, embeddings, the list
 * of models, errors; and the usage that streams end with.
 *
 * Text before calls is their `tool_plan`, as Cohere has it. Both of its counts
 * are told, and are the same here: of other providers all is billed.
 */
#include "dialect/cohere_internal.h"

#include <string.h>

#include <apr_strings.h>

/* ---- words and numbers ---- */

const char *llm_cohere_finish_name(llm_finish_e finish)
{
    switch (finish) {
    case LLM_FINISH_STOP_SEQUENCE:
        return "STOP_SEQUENCE";
    case LLM_FINISH_LENGTH:
    case LLM_FINISH_PAUSE: /* the client may ask on */
        return "MAX_TOKENS";
    case LLM_FINISH_TOOL_CALLS:
        return "TOOL_CALL";
    case LLM_FINISH_FILTERED:
        return "ERROR_TOXIC";
    default:
        return "COMPLETE";
    }
}

static void put_counts(llm_buf_t *out, const char *name,
                       const llm_usage_t *usage)
{
    llm_put_name(out, name);
    llm_buf_putc(out, '{');
    llm_put_int_member(out, "input_tokens", llm_usage_input(usage));
    llm_put_int_member(out, "output_tokens", llm_usage_output(usage));
    llm_buf_putc(out, '}');
}

void llm_cohere_put_usage(llm_buf_t *out, const llm_usage_t *usage)
{
    if (!usage->known) {
        return;
    }
    llm_put_name(out, "usage");
    llm_buf_putc(out, '{');
    put_counts(out, "billed_units", usage);
    put_counts(out, "tokens", usage);
    if (llm_usage_is_known(usage, LLM_CLASS_CACHE_READ)) {
        llm_put_int_member(out, "cached_tokens",
                           usage->n[LLM_CLASS_CACHE_READ]);
    }
    llm_buf_putc(out, '}');
}

/* ---- chat ---- */

static int is_said(const llm_part_t *part)
{
    return part->text.len
           && (part->kind == LLM_PART_TEXT || part->kind == LLM_PART_REFUSAL);
}

/* Texts and thoughts, those in a row as one. Beside calls texts are the plan.
 */
static void put_contents(llm_buf_t *out, const llm_part_t *part, int calls)
{
    const char *open = NULL, *name;

    for (; part; part = part->next) {
        int thought = part->kind == LLM_PART_THINKING && part->text.len;

        if (!thought && (!is_said(part) || calls)) {
            continue;
        }
        name = thought ? "thinking" : "text";
        if (!open || thought || strcmp(open, name) != 0) {
            llm_buf_puts(out, open ? "\"}," : ",\"content\":[");
            llm_buf_putc(out, '{');
            llm_put_string_member(out, "type", name);
            llm_put_name(out, name);
            llm_buf_putc(out, '"');
            open = name;
        }
        llm_buf_append(out, part->text.data, part->text.len);
    }
    if (open) {
        llm_buf_lit(out, "\"}]");
    }
    else if (!calls) {
        llm_buf_lit(out, ",\"content\":[]");
    }
}

static void put_plan(llm_buf_t *out, const llm_part_t *part)
{
    int count = 0;

    for (; part; part = part->next) {
        if (is_said(part)) {
            if (!count++) {
                llm_put_name(out, "tool_plan");
                llm_buf_putc(out, '"');
            }
            llm_buf_append(out, part->text.data, part->text.len);
        }
    }
    llm_buf_puts(out, count ? "\"" : "");
}

/* Which content a text is in, and what is before that. */
typedef struct content_t {
    int index;
    int is_text;        /* else thinking, or none yet */
    llm_extent_t texts; /* all so far */
    apr_int64_t before; /* characters before this content */
} content_t;

static void see_part(content_t *content, const llm_part_t *part)
{
    int thought = part->kind == LLM_PART_THINKING && part->text.len;

    if (thought || (is_said(part) && !content->is_text)) {
        ++content->index;
        content->before = content->texts.chars;
        content->is_text = !thought;
    }
}

static void put_citations(llm_buf_t *out, const llm_ask_t *ask,
                          const llm_part_t *parts, int calls)
{
    content_t content = {-1, 0, {0, 0}, 0};
    const llm_part_t *part;
    const llm_cite_t *cite;
    llm_cite_t worded;
    int count = 0;

    for (part = parts; part; part = part->next) {
        see_part(&content, part);
        for (cite = part->citations; cite; cite = cite->next) {
            if (!count++) {
                llm_put_name(out, "citations");
                llm_buf_putc(out, '[');
            }
            worded = *cite;
            worded.said = llm_cite_words(cite, parts);
            llm_cohere_put_citation(out, &worded, ask,
                                    calls ? -1 : content.index,
                                    calls ? 0 : content.before);
        }
        if (part->kind == LLM_PART_TEXT && !part->media) {
            llm_extent_add(&content.texts, part->text);
        }
    }
    if (count) {
        llm_buf_putc(out, ']');
    }
}

static void put_calls(llm_buf_t *out, const llm_part_t *part, const char *seed,
                      apr_pool_t *pool)
{
    int number = 0;

    llm_put_name(out, "tool_calls");
    llm_buf_putc(out, '[');
    for (; part; part = part->next) {
        const llm_call_t *call = part->call;

        if (part->kind != LLM_PART_TOOL_CALL) {
            continue;
        }
        llm_put_comma(out);
        llm_buf_putc(out, '{');
        llm_put_string_member(
            out, "id",
            call->id ? call->id
                     : llm_call_id_make("call_", seed, number, pool));
        llm_put_string_member(out, "type", "function");
        llm_put_name(out, "function");
        llm_buf_putc(out, '{');
        llm_put_needed_text(out, "name", call->name);
        llm_put_name(out, "arguments");
        llm_buf_put_quoted(out, call->args);
        llm_buf_lit(out, "}}");
        ++number;
    }
    llm_buf_putc(out, ']');
}

static void write_chat(llm_buf_t *out, const llm_ask_t *ask,
                       const llm_answer_t *answer, apr_pool_t *pool)
{
    const llm_choice_t *choice = answer->choices;
    const llm_part_t *parts = choice ? choice->parts : NULL;
    const char *seed = llm_answer_seed(ask, answer, pool);
    int calls = llm_parts_have(parts, LLM_PART_TOOL_CALL);
    llm_finish_e finish = choice ? choice->finish : LLM_FINISH_STOP;

    if (finish == LLM_FINISH_STOP && llm_parts_have(parts, LLM_PART_REFUSAL)) {
        finish = LLM_FINISH_FILTERED;
    }
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", seed);
    llm_put_string_member(out, "finish_reason", llm_cohere_finish_name(finish));
    llm_put_name(out, "message");
    llm_buf_lit(out, "{\"role\":\"assistant\"");
    put_contents(out, parts, calls);
    if (calls) {
        put_plan(out, parts);
        put_calls(out, parts, seed, pool);
    }
    put_citations(out, ask, parts, calls);
    llm_buf_putc(out, '}');
    llm_cohere_put_usage(out, answer->usage);
    llm_buf_putc(out, '}');
}

/* ---- embeddings ---- */

static void write_embeddings(llm_buf_t *out, const llm_ask_t *ask,
                             const llm_answer_t *answer, apr_pool_t *pool)
{
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", llm_answer_seed(ask, answer, pool));
    llm_put_name(out, "embeddings");
    llm_buf_lit(out, "{\"float\":");
    llm_put_vectors(out, answer->embeddings);
    llm_buf_putc(out, '}');
    if (llm_json_is(ask->embed_input, LLM_JSON_ARRAY)) {
        llm_put_member(out, "texts", ask->embed_input);
    }
    llm_put_name(out, "meta");
    llm_buf_lit(out, "{\"api_version\":{\"version\":\"2\"}");
    if (answer->usage->known) {
        llm_put_name(out, "billed_units");
        llm_buf_putc(out, '{');
        llm_put_int_member(out, "input_tokens", llm_usage_input(answer->usage));
        llm_buf_putc(out, '}');
    }
    llm_buf_lit(out, "},\"response_type\":\"embeddings_by_type\"}");
}

void llm_cohere_write_response(llm_buf_t *out, const llm_ask_t *ask,
                               const llm_answer_t *answer, apr_pool_t *pool)
{
    if (ask->op == LLM_OP_EMBED) {
        write_embeddings(out, ask, answer, pool);
    }
    else {
        write_chat(out, ask, answer, pool);
    }
}

/* ---- errors ---- */

void llm_cohere_write_problem(llm_buf_t *out, const llm_problem_t *problem,
                              const char *request_id)
{
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "id", request_id);
    llm_put_string_member(out, "message", problem->message);
    llm_buf_putc(out, '}');
}

int llm_cohere_is_problem(const llm_json_t *doc)
{
    return llm_json_is(llm_json_get(doc, "message"), LLM_JSON_STRING);
}

/* ---- models ---- */

void llm_cohere_write_model(llm_buf_t *out, const char *name, apr_time_t now,
                            apr_pool_t *pool)
{
    (void)now;
    (void)pool;
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "name", name);
    llm_buf_lit(out, ",\"endpoints\":[\"chat\"],\"finetuned\":false}");
}

void llm_cohere_write_models(llm_buf_t *out, const apr_array_header_t *names,
                             apr_time_t now, apr_pool_t *pool)
{
    int i;

    llm_buf_lit(out, "{\"models\":[");
    for (i = 0; i < names->nelts; ++i) {
        llm_cohere_write_model(out, APR_ARRAY_IDX(names, i, const char *), now,
                               pool);
    }
    llm_buf_lit(out, "]}");
}
