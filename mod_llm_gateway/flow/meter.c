/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting what passes: usage as the provider tells it, the text itself where
 * it may not, the model that answered, and the time of the first token.
 */
#include <apr_strings.h>
#include <string.h>

#include "flow/kept.h"
#include "flow/stream_internal.h"

void llm_meter_output(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);

    stream->output = 1;
    if (!attempt->x->first_token) {
        attempt->x->first_token = stream->now;
    }
}

/* The model that answered tells its encoding best; before it is known, the one
 * that was asked. */
llm_tokenizer_t llm_meter_tokenizer(const llm_exchange_t *x)
{
    const char *model = x->served;

    if (!model && x->current) {
        model = x->current->upstream.model;
    }
    return llm_tokenizer_find(x->policy->vocabulary, model ? model : x->model);
}

#define DELTA_KINDS ((int)LLM_DELTA_END + 1)

static void tally(llm_exchange_t *x, llm_tally_t *sum, llm_text_t text, int run)
{
    if (!sum->family) {
        llm_tally_open(sum, llm_meter_tokenizer(x), x->pool);
    }
    llm_tally_add(sum, text, run);
}

/* What the pieces of one text have in common. Pieces of several answers that
 * come in turns count as texts of their own: they are tokens each, as models
 * make them. */
static int run_of(const llm_delta_t *delta)
{
    return (delta->choice * 256 + delta->call_index) * DELTA_KINDS
           + (int)delta->kind;
}

void llm_meter_delta(llm_attempt_t *attempt, const llm_delta_t *delta)
{
    llm_exchange_t *x = attempt->x;

    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
        llm_kept_note_id(attempt, delta->id);
        if (delta->model && *delta->model
            && (!x->served || strcmp(x->served, delta->model))) {
            x->served = apr_pstrdup(x->pool, delta->model);
        }
        break;
    case LLM_DELTA_TEXT:
    case LLM_DELTA_REFUSAL:
    case LLM_DELTA_ARGS:
        if (!delta->media) { /* nobody's vocabulary weighs a picture */
            tally(x, &x->text, delta->text, run_of(delta));
        }
        if (delta->text.len) {
            llm_meter_output(attempt);
        }
        break;
    case LLM_DELTA_THINKING:
        tally(x, &x->thoughts, delta->text, run_of(delta));
        if (delta->text.len) {
            llm_meter_output(attempt);
        }
        break;
    case LLM_DELTA_CALL:
        tally(x, &x->text, delta->call->name, run_of(delta));
        llm_meter_output(attempt);
        break;
    case LLM_DELTA_FINISH:
        x->finish = delta->finish;
        llm_stream_of(attempt)->output = 1;
        break;
    case LLM_DELTA_USAGE:
        llm_usage_merge(&x->usage, delta->usage);
        break;
    case LLM_DELTA_END:
        llm_stream_of(attempt)->ended = 1;
        llm_stream_of(attempt)->output = 1;
        break;
    default:
        break;
    }
}

static void tally_call(llm_exchange_t *x, const llm_call_t *call, int run)
{
    tally(x, &x->text, call->name, run);
    llm_tally_add_plain(&x->text, call->args, run + 1);
}

/* What a choice says, as its pieces would have come. */
static void tally_parts(llm_exchange_t *x, const llm_part_t *part, int *prun)
{
    for (; part; part = part->next) {
        *prun += 2;
        if (part->kind == LLM_PART_THINKING) {
            tally(x, &x->thoughts, part->text, *prun);
        }
        else if (part->kind == LLM_PART_TOOL_CALL) {
            tally_call(x, part->call, *prun);
        }
        else if ((part->kind == LLM_PART_TEXT && !part->media)
                 || part->kind == LLM_PART_REFUSAL) {
            tally(x, &x->text, part->text, *prun);
        }
    }
}

/* A whole answer comes with its usage or never: what has been counted already
 * is not counted here. */
void llm_meter_answer(llm_attempt_t *attempt, const llm_answer_t *answer)
{
    llm_exchange_t *x = attempt->x;
    int run = 0;

    llm_usage_merge(&x->usage, answer->usage);
    if (answer->model) {
        x->served = apr_pstrdup(x->pool, answer->model);
    }
    for (const llm_choice_t *choice = answer->choices; choice;
         choice = choice->next) {
        x->finish = choice->finish;
        if (!llm_usage_is_known(&x->usage, LLM_CLASS_OUTPUT)) {
            tally_parts(x, choice->parts, &run);
        }
    }
}

/* Was the model asked? What only reads an answer that is kept (a GET of a stored
 * response) tells its usage again, which was counted when it was made. */
static int is_asked(const llm_exchange_t *x)
{
    const char *method = x->native ? x->native_method : NULL;

    return x->keeps != LLM_KEEPS_OBJECTS && x->keeps != LLM_KEEPS_ANSWER
           && (!method
               || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0
                   && strcmp(method, "DELETE") != 0));
}

void llm_meter_document(llm_attempt_t *attempt, const llm_json_t *doc,
                        apr_pool_t *scratch)
{
    llm_exchange_t *x = attempt->x;
    const llm_dialect_t *provider = llm_stream_of(attempt)->provider;
    const char *model = NULL;

    if (x->keeps) {
        llm_kept_note(attempt, doc);
    }
    if (is_asked(x)) {
        provider->read_usage(&x->usage, doc);
    }
    if (provider->read_facts) {
        provider->read_facts(&model, &x->finish, doc, scratch);
    }
    /* every event of a stream may say it; keep it once */
    if (model && (!x->served || strcmp(x->served, model))) {
        x->served = apr_pstrdup(x->pool, model);
    }
}

void llm_meter_head(llm_attempt_t *attempt, llm_usage_t *usage)
{
    const llm_dialect_t *provider = llm_stream_of(attempt)->provider;

    if (provider->read_head_usage) {
        provider->read_head_usage(usage, attempt->http->headers);
    }
}

void llm_meter_tier(llm_attempt_t *attempt, const llm_json_t *doc,
                    apr_pool_t *scratch)
{
    llm_exchange_t *x = attempt->x;
    const llm_dialect_t *provider = llm_stream_of(attempt)->provider;
    const char *tier =
        doc && provider->read_tier ? provider->read_tier(doc, scratch) : NULL;

    /* every event of a stream may say it; keep it once */
    if (tier && *tier && (!x->tier || strcmp(x->tier, tier))) {
        x->tier = apr_pstrdup(x->pool, tier);
    }
}

/* Deeper values are not looked at; the reader bounds the depth as well. */
#define STRINGS_DEPTH 128

static void tally_strings(llm_exchange_t *x, const llm_json_t *node, int depth)
{
    if (node->type == LLM_JSON_STRING) {
        tally(x, &x->text, llm_json_text(node), 0);
        return;
    }
    if (depth < STRINGS_DEPTH) {
        for (node = node->child; node; node = node->next) {
            tally_strings(x, node, depth + 1);
        }
    }
}

void llm_meter_strings(llm_attempt_t *attempt, const llm_json_t *doc)
{
    tally_strings(attempt->x, doc, 0);
}
