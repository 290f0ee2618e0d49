/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting what passes: usage as the provider tells it, the text itself where
 * it may not, the model that answered, and the time of the first token.
 */
#include <apr_strings.h>
#include <string.h>

#include "flow/stream_internal.h"

void llm_meter_output(llm_attempt_t *attempt)
{
    llm_stream_t *stream = llm_stream_of(attempt);

    stream->output = 1;
    if (!attempt->x->first_token) {
        attempt->x->first_token = stream->now;
    }
}

void llm_meter_delta(llm_attempt_t *attempt, const llm_delta_t *delta)
{
    llm_exchange_t *x = attempt->x;

    switch (delta->kind) {
    case LLM_DELTA_BEGIN:
        if (delta->model && *delta->model
            && (!x->served || strcmp(x->served, delta->model))) {
            x->served = apr_pstrdup(x->pool, delta->model);
        }
        break;
    case LLM_DELTA_TEXT:
    case LLM_DELTA_REFUSAL:
    case LLM_DELTA_ARGS:
        llm_tally_add(&x->text, delta->text);
        if (delta->text.len) {
            llm_meter_output(attempt);
        }
        break;
    case LLM_DELTA_THINKING:
        llm_tally_add(&x->thoughts, delta->text);
        if (delta->text.len) {
            llm_meter_output(attempt);
        }
        break;
    case LLM_DELTA_CALL:
        llm_tally_add(&x->text, delta->call->name);
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

/* Every choice of a whole answer, as its pieces would have come. */
void llm_meter_answer(llm_attempt_t *attempt, const llm_answer_t *answer)
{
    llm_exchange_t *x = attempt->x;

    llm_usage_merge(&x->usage, answer->usage);
    if (answer->model) {
        x->served = apr_pstrdup(x->pool, answer->model);
    }
    for (const llm_choice_t *choice = answer->choices; choice;
         choice = choice->next) {
        x->finish = choice->finish;
        for (const llm_part_t *part = choice->parts; part; part = part->next) {
            if (part->kind == LLM_PART_THINKING) {
                llm_tally_add(&x->thoughts, part->text);
            }
            else if (part->kind == LLM_PART_TOOL_CALL) {
                llm_text_t args = {part->call->args.data, part->call->args.len};

                llm_tally_add(&x->text, part->call->name);
                llm_tally_add(&x->text, args);
            }
            else if (part->kind == LLM_PART_TEXT
                     || part->kind == LLM_PART_REFUSAL) {
                llm_tally_add(&x->text, part->text);
            }
        }
    }
}

void llm_meter_document(llm_attempt_t *attempt, const llm_json_t *doc,
                        apr_pool_t *scratch)
{
    llm_exchange_t *x = attempt->x;
    const llm_dialect_t *provider = llm_stream_of(attempt)->provider;
    const char *model = NULL;

    provider->read_usage(&x->usage, doc);
    if (provider->read_facts) {
        provider->read_facts(&model, &x->finish, doc, scratch);
    }
    /* every event of a stream may say it; keep it once */
    if (model && (!x->served || strcmp(x->served, model))) {
        x->served = apr_pstrdup(x->pool, model);
    }
}
