/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A response object: a whole answer for a client, and what the writer of
 * streams puts into its first and last events.
 *
 * The object repeats what was asked. What the client said is said back as it
 * was written; what it did not say has OpenAI's default, or null where the
 * provider's own default is not known here.
 */
#include "dialect/openai_responses_internal.h"
#include "dialect/cite.h"

#include <string.h>

#include <apr_strings.h>

/* ---- parts and items ---- */

void llm_responses_put_text(llm_buf_t *out, llm_text_t text,
                            llm_bytes_t logprobs, llm_bytes_t annotations)
{
    llm_buf_lit(out, "{\"type\":\"output_text\",\"annotations\":[");
    llm_buf_append(out, annotations.data, annotations.len);
    llm_buf_lit(out, "],\"logprobs\":[");
    llm_buf_append(out, logprobs.data, logprobs.len);
    llm_buf_lit(out, "],\"text\":");
    llm_buf_put_text(out, text);
    llm_buf_putc(out, '}');
}

void llm_responses_put_refusal(llm_buf_t *out, llm_text_t text)
{
    llm_buf_lit(out, "{\"type\":\"refusal\",\"refusal\":");
    llm_buf_put_text(out, text);
    llm_buf_putc(out, '}');
}

void llm_responses_put_message(llm_buf_t *out, const char *id,
                               const char *status, llm_bytes_t parts)
{
    llm_buf_lit(out, "{\"id\":");
    llm_buf_put_string(out, id);
    llm_buf_lit(out, ",\"type\":\"message\",\"status\":");
    llm_buf_put_string(out, status);
    llm_buf_lit(out, ",\"content\":[");
    llm_buf_append(out, parts.data, parts.len);
    llm_buf_lit(out, "],\"role\":\"assistant\"}");
}

void llm_responses_put_call(llm_buf_t *out, const llm_tool_t *tool,
                            const char *id, const char *status,
                            const char *call_id, llm_text_t name,
                            llm_text_t args)
{
    int custom = tool && tool->custom;

    llm_buf_lit(out, "{\"id\":");
    llm_buf_put_string(out, id);
    llm_put_string_member(out, "type",
                          custom ? "custom_tool_call" : "function_call");
    llm_put_string_member(out, "status", status);
    llm_put_needed_text(out, custom ? "input" : "arguments", args);
    llm_put_string_member(out, "call_id", call_id);
    llm_put_needed_text(out, "name", name);
    if (tool && tool->space.len) {
        llm_put_text_member(out, "namespace", tool->space);
    }
    llm_buf_putc(out, '}');
}

/* ---- the object ---- */

/* OpenAI makes all ids with their kind in front, and so do its clients. */
const char *llm_responses_id(const char *id, apr_pool_t *pool)
{
    return strncmp(id, "resp_", 5) ? llm_call_id_make("resp_", id, 0, pool)
                                   : apr_pstrdup(pool, id);
}

/* Members of the request that the object has too, in its order. */
static const struct {
    const char *name, *usual;
} echoes[] = {
    {"instructions", "null"},
    {"max_output_tokens", "null"},
    {"max_tool_calls", "null"},
    {"parallel_tool_calls", "true"},
    {"previous_response_id", "null"},
    {"prompt_cache_key", "null"},
    {"reasoning", "{\"effort\":null,\"summary\":null}"},
    {"safety_identifier", "null"},
    {"temperature", "null"},
    {"text", "{\"format\":{\"type\":\"text\"}}"},
    {"tool_choice", "\"auto\""},
    {"tools", "[]"},
    {"top_logprobs", "0"},
    {"top_p", "null"},
    {"user", "null"},
    {"metadata", "{}"},
};

static void put_echoes(llm_buf_t *out, const llm_ask_t *ask)
{
    apr_size_t i;

    for (i = 0; i < sizeof(echoes) / sizeof(*echoes); ++i) {
        const llm_json_t *said = llm_json_want(ask->doc, echoes[i].name);

        llm_put_name(out, echoes[i].name);
        if (said) {
            llm_put_one_line(out, said->raw);
        }
        else {
            llm_buf_puts(out, echoes[i].usual);
        }
    }
}

static void put_usage(llm_buf_t *out, const llm_usage_t *usage)
{
    const apr_int64_t *n = usage->n;

    llm_buf_putc(out, '{');
    llm_put_int_member(out, "input_tokens", llm_usage_input(usage));
    llm_buf_lit(out, ",\"input_tokens_details\":{");
    llm_put_int_member(out, "cached_tokens", n[LLM_CLASS_CACHE_READ]);
    if (n[LLM_CLASS_CACHE_WRITE] || n[LLM_CLASS_CACHE_WRITE_1H]) {
        llm_put_int_member(out, "cache_write_tokens",
                           n[LLM_CLASS_CACHE_WRITE]
                               + n[LLM_CLASS_CACHE_WRITE_1H]);
    }
    llm_buf_putc(out, '}');
    llm_put_int_member(out, "output_tokens", llm_usage_output(usage));
    llm_buf_lit(out, ",\"output_tokens_details\":{");
    llm_put_int_member(out, "reasoning_tokens", n[LLM_CLASS_REASONING]);
    llm_buf_putc(out, '}');
    llm_put_int_member(out, "total_tokens", llm_usage_total(usage));
    llm_buf_putc(out, '}');
}

static const char *code_of(const llm_problem_t *problem)
{
    const char *code = llm_openai_error_code(problem);

    return code ? code : "server_error";
}

static void put_outcome(llm_buf_t *out, const char *reason,
                        const llm_problem_t *problem)
{
    llm_buf_lit(out, ",\"error\":");
    if (problem) {
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "code", code_of(problem));
        llm_put_string_member(out, "message", problem->message);
        llm_buf_putc(out, '}');
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_buf_lit(out, ",\"incomplete_details\":");
    if (reason) {
        llm_buf_putc(out, '{');
        llm_put_string_member(out, "reason", reason);
        llm_buf_putc(out, '}');
    }
    else {
        llm_buf_lit(out, "null");
    }
}

void llm_responses_put_object(llm_buf_t *out, const llm_responses_head_t *head,
                              const char *status, const char *reason,
                              const llm_problem_t *problem, llm_bytes_t output,
                              const llm_usage_t *usage, const char *tier)
{
    llm_buf_lit(out, "{\"id\":");
    llm_buf_put_string(out, head->id);
    llm_buf_lit(out, ",\"object\":\"response\"");
    llm_put_int_member(out, "created_at", head->created);
    llm_put_string_member(out, "status", status);
    llm_buf_lit(out, ",\"background\":false");
    put_outcome(out, reason, problem);
    llm_put_string_member(out, "model", head->model);
    llm_buf_lit(out, ",\"output\":[");
    llm_buf_append(out, output.data, output.len);
    llm_buf_putc(out, ']');
    put_echoes(out, head->ask);
    llm_buf_lit(out, ",\"service_tier\":");
    llm_buf_put_string(out, tier);
    llm_buf_lit(out, ",\"store\":false,\"truncation\":\"disabled\",\"usage\":");
    if (usage) {
        put_usage(out, usage);
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_buf_putc(out, '}');
}

void llm_responses_put_error(llm_buf_t *out, const llm_problem_t *problem)
{
    llm_put_string_member(out, "code", code_of(problem));
    llm_put_string_member(out, "message", problem->message);
    llm_put_name(out, "param");
    llm_buf_put_string(out, problem->param);
    llm_openai_put_error(out, problem);
}

void llm_responses_write_stream_problem(llm_buf_t *out,
                                        const llm_problem_t *problem,
                                        const char *request_id)
{
    (void)request_id;
    llm_buf_lit(out, "event: error\ndata: {\"type\":\"error\"");
    llm_responses_put_error(out, problem);
    llm_buf_lit(out, "}\n\n");
}

/* ---- a whole answer ---- */

/* What the items of an answer are written with. */
typedef struct items_t {
    llm_buf_t *out;
    const char *id; /* of the response: what ids are made of */
    int index;
    int calls;
    const llm_ask_t *ask;
    llm_bytes_t logprobs; /* of the first text; none after it */
    const llm_part_t *parts;
    apr_pool_t *pool;
} items_t;

static const char *id_of(const items_t *items, const char *prefix)
{
    return llm_call_id_make(prefix, items->id, items->index, items->pool);
}

static int is_said(const llm_part_t *part)
{
    return (part->kind == LLM_PART_TEXT && !llm_responses_shows(part->media))
           || part->kind == LLM_PART_REFUSAL;
}

static llm_bytes_t annotations_of(const items_t *items, const llm_part_t *part)
{
    llm_buf_t *out = llm_buf_make(0, items->pool);
    apr_int64_t before = -1;
    const llm_cite_t *cite;

    for (cite = part->citations; cite; cite = cite->next) {
        if (before < 0) {
            before = llm_parts_extent(items->parts, part).chars;
        }
        llm_responses_put_annotation(out, cite, before);
    }
    return (llm_bytes_t){out->data ? out->data : "", out->len};
}

/* Texts and refusals in a row are one message. Returns what follows. */
static const llm_part_t *put_message(items_t *items, const llm_part_t *part)
{
    llm_buf_t *parts = llm_buf_make(0, items->pool);

    for (; part && is_said(part); part = part->next) {
        if (parts->len) {
            llm_buf_putc(parts, ',');
        }
        if (part->kind == LLM_PART_REFUSAL) {
            llm_responses_put_refusal(parts, part->text);
        }
        else {
            llm_responses_put_text(parts, part->text, items->logprobs,
                                   annotations_of(items, part));
            items->logprobs = LLM_BYTES_LITERAL("");
        }
    }
    llm_put_comma(items->out);
    llm_responses_put_message(items->out, id_of(items, "msg_"), "completed",
                              (llm_bytes_t){parts->data, parts->len});
    ++items->index;
    return part;
}

static void put_call(items_t *items, const llm_call_t *call)
{
    const char *id = call->id;
    const llm_tool_t *tool =
        llm_responses_tool(items->ask, call->name, items->pool);
    int custom = tool && tool->custom;

    if (!id || !*id) {
        id = llm_call_id_make("call_", items->id, items->calls, items->pool);
    }
    ++items->calls;
    llm_put_comma(items->out);
    llm_responses_put_call(
        items->out, tool, id_of(items, custom ? "ctc_" : "fc_"), "completed",
        id, llm_responses_name(tool, call->name, items->pool),
        custom ? llm_openai_args_as_input(call->args, items->pool)
               : llm_text_escape(call->args.data, call->args.len, items->pool));
    ++items->index;
}

static void put_thinking(items_t *items, const llm_part_t *part)
{
    int redacted = part->kind == LLM_PART_REDACTED;

    llm_put_comma(items->out);
    llm_responses_put_reasoning(
        items->out, id_of(items, "rs_"), redacted ? LLM_TEXT_NONE : part->text,
        redacted ? part->text : part->signature, redacted);
    ++items->index;
}

static void put_shown(items_t *items, const llm_media_t *media)
{
    llm_put_comma(items->out);
    llm_responses_put_shown(items->out, id_of(items, "ig_"), "completed",
                            media);
    ++items->index;
}

static void put_items(items_t *items, const llm_part_t *part)
{
    while (part) {
        if (is_said(part)) {
            part = put_message(items, part);
            continue;
        }
        if (part->kind == LLM_PART_TOOL_CALL) {
            put_call(items, part->call);
        }
        else if (part->kind == LLM_PART_TEXT) {
            put_shown(items, part->media);
        }
        else if (part->kind == LLM_PART_THINKING
                 || part->kind == LLM_PART_REDACTED) {
            put_thinking(items, part);
        }
        part = part->next;
    }
}

/* The elements of a chat's log probabilities, without their brackets. */
static llm_bytes_t elements_of(const llm_json_t *logprobs)
{
    const llm_json_t *list = llm_json_want(logprobs, "content");

    if (!llm_json_is(list, LLM_JSON_ARRAY)) {
        return LLM_BYTES_LITERAL("");
    }
    return (llm_bytes_t){list->raw.data + 1, list->raw.len - 2};
}

void llm_responses_write_response(llm_buf_t *out, const llm_ask_t *ask,
                                  const llm_answer_t *answer, apr_pool_t *pool)
{
    const llm_choice_t *choice = answer->choices;
    const llm_usage_t *usage = answer->usage;
    llm_responses_head_t head = {ask, NULL, NULL, answer->created};
    items_t items = {llm_buf_make(0, pool),         NULL, 0, 0, ask, {"", 0},
                     choice ? choice->parts : NULL, pool};
    const char *reason = NULL;

    head.id = llm_responses_id(llm_answer_seed(ask, answer, pool), pool);
    head.model = answer->model ? answer->model : ask->model;
    items.id = head.id;
    if (choice) {
        items.logprobs = elements_of(choice->logprobs);
        put_items(&items, choice->parts);
        reason = llm_responses_incomplete(
            choice->finish, llm_parts_have(choice->parts, LLM_PART_REFUSAL));
    }
    llm_responses_put_object(
        out, &head, reason ? "incomplete" : "completed", reason, NULL,
        (llm_bytes_t){items.out->data ? items.out->data : "", items.out->len},
        usage->known | usage->estimated ? usage : NULL,
        llm_tier_word(answer->service_tier, llm_tiers_openai));
}
