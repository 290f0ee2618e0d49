/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole answer in Anthropic's form.
 *
 * There is one choice here; a client that speaks this dialect cannot have asked
 * for more. A refusal is text and the stop reason "refusal". Thinking of
 * models that do not sign it has an empty signature, which the reader of the
 * next request takes as none.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/cite.h"
#include "dialect/tier.h"

#include <apr_strings.h>

static void open_block(llm_buf_t *out, const char *type)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "type", type);
}

static void put_call(llm_buf_t *out, const llm_call_t *call, const char *seed,
                     int number, apr_pool_t *pool)
{
    open_block(out, "tool_use");
    llm_put_string_member(
        out, "id",
        call->id ? call->id : llm_call_id_make("toolu_", seed, number, pool));
    llm_put_needed_text(out, "name", call->name);
    llm_put_name(out, "input");
    llm_buf_append(out, call->args.data, call->args.len);
    llm_buf_putc(out, '}');
}

static void put_thinking(llm_buf_t *out, const llm_part_t *part)
{
    open_block(out, "thinking");
    llm_put_needed_text(out, "thinking", part->text);
    llm_put_needed_text(out, "signature", part->signature);
    llm_buf_putc(out, '}');
}

static void put_citations(llm_buf_t *out, const llm_part_t *part,
                          const llm_part_t *parts)
{
    const llm_cite_t *cite = part->citations;
    llm_extent_t extent;
    apr_int64_t start;

    if (!cite) {
        return;
    }
    extent = llm_parts_extent(parts, part);
    start = extent.chars;
    llm_extent_add(&extent, part->text);
    llm_put_name(out, "citations");
    llm_buf_putc(out, '[');
    for (; cite; cite = cite->next) {
        llm_anthropic_put_citation(out, cite, start, extent.chars);
    }
    llm_buf_putc(out, ']');
}

static void put_content(llm_buf_t *out, const llm_part_t *parts,
                        const char *seed, apr_pool_t *pool)
{
    const llm_part_t *part = parts;
    int calls = 0;

    for (; part; part = part->next) {
        switch (part->kind) {
        case LLM_PART_TEXT:
        case LLM_PART_REFUSAL:
            open_block(out, "text");
            llm_put_needed_text(out, "text", part->text);
            put_citations(out, part, parts);
            llm_buf_putc(out, '}');
            break;
        case LLM_PART_TOOL_CALL:
            put_call(out, part->call, seed, calls++, pool);
            break;
        case LLM_PART_THINKING:
            put_thinking(out, part);
            break;
        case LLM_PART_REDACTED:
            open_block(out, "redacted_thinking");
            llm_put_needed_text(out, "data", part->text);
            llm_buf_putc(out, '}');
            break;
        default: /* no dialect's answers hold others for one who speaks this */
            break;
        }
    }
}

/* What a refusal ended with is a refusal, whatever the provider calls it. */
static llm_finish_e finish_of(const llm_choice_t *choice)
{
    if (!choice) {
        return LLM_FINISH_STOP;
    }
    return choice->finish == LLM_FINISH_STOP
                   && llm_parts_have(choice->parts, LLM_PART_REFUSAL)
               ? LLM_FINISH_FILTERED
               : choice->finish;
}

void llm_anthropic_write_response(llm_buf_t *out, const llm_ask_t *ask,
                                  const llm_answer_t *answer, apr_pool_t *pool)
{
    const char *seed = llm_answer_seed(ask, answer, pool);
    const llm_choice_t *choice = answer->choices;

    llm_buf_putc(out, '{');
    if (ask->op == LLM_OP_COUNT) {
        llm_put_int_member(out, "input_tokens", answer->tokens);
        llm_buf_putc(out, '}');
        return;
    }
    llm_put_string_member(out, "id",
                          answer->id && *answer->id
                              ? answer->id
                              : apr_pstrcat(pool, "msg_", seed, NULL));
    llm_put_string_member(out, "type", "message");
    llm_put_string_member(out, "role", "assistant");
    llm_put_string_member(out, "model",
                          answer->model ? answer->model : ask->model);
    llm_put_name(out, "content");
    llm_buf_putc(out, '[');
    put_content(out, choice ? choice->parts : NULL, seed, pool);
    llm_buf_putc(out, ']');
    llm_put_string_member(out, "stop_reason",
                          llm_anthropic_finish_name(finish_of(choice)));
    llm_put_name(out, "stop_sequence");
    if (choice && choice->stop_sequence.data) {
        llm_buf_put_text(out, choice->stop_sequence);
    }
    else {
        llm_buf_lit(out, "null");
    }
    llm_put_name(out, "usage");
    llm_anthropic_put_usage(
        out, answer->usage,
        llm_tier_word(answer->service_tier, llm_tiers_anthropic));
    llm_buf_putc(out, '}');
}
