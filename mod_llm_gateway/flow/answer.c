/* SPDX-License-Identifier: Apache-2.0 */
/* A whole answer as the pieces of a stream. */
#include "flow/answer.h"

#include <string.h>

#include "core/llm_json.h"

typedef struct emitter_t {
    llm_delta_cb *emit;
    void *baton;
    apr_pool_t *pool;
    int choice;
    int calls; /* tool calls of this choice so far */
} emitter_t;

static void emit_text(emitter_t *emitter, llm_delta_e kind, llm_text_t text,
                      const llm_media_t *media)
{
    llm_delta_t delta;

    memset(&delta, 0, sizeof(delta));
    delta.kind = kind;
    delta.choice = emitter->choice;
    delta.text = text;
    delta.media = media;
    emitter->emit(emitter->baton, &delta);
}

static void emit_call(emitter_t *emitter, const llm_call_t *call)
{
    llm_delta_t delta;

    memset(&delta, 0, sizeof(delta));
    delta.kind = LLM_DELTA_CALL;
    delta.choice = emitter->choice;
    delta.call_index = emitter->calls++;
    delta.call = call;
    emitter->emit(emitter->baton, &delta);
    delta.kind = LLM_DELTA_ARGS;
    delta.text =
        llm_text_escape(call->args.data, call->args.len, emitter->pool);
    emitter->emit(emitter->baton, &delta);
}

static void emit_cites(emitter_t *emitter, const llm_cite_t *cite)
{
    llm_delta_t delta;

    memset(&delta, 0, sizeof(delta));
    delta.kind = LLM_DELTA_CITE;
    delta.choice = emitter->choice;
    for (; cite; cite = cite->next) {
        delta.cite = cite;
        emitter->emit(emitter->baton, &delta);
    }
}

static void emit_part(emitter_t *emitter, const llm_part_t *part)
{
    switch (part->kind) {
    case LLM_PART_TEXT:
        emit_text(emitter, LLM_DELTA_TEXT, part->text, part->media);
        emit_cites(emitter, part->citations);
        break;
    case LLM_PART_REFUSAL:
        emit_text(emitter, LLM_DELTA_REFUSAL, part->text, NULL);
        break;
    case LLM_PART_THINKING:
        emit_text(emitter, LLM_DELTA_THINKING, part->text, NULL);
        if (part->signature.data) {
            emit_text(emitter, LLM_DELTA_SIGNATURE, part->signature, NULL);
        }
        break;
    case LLM_PART_REDACTED:
        emit_text(emitter, LLM_DELTA_REDACTED, part->text, NULL);
        break;
    case LLM_PART_TOOL_CALL:
        emit_call(emitter, part->call);
        break;
    default:
        break;
    }
}

static void emit_finish(emitter_t *emitter, const llm_choice_t *choice)
{
    llm_delta_t delta;

    memset(&delta, 0, sizeof(delta));
    delta.kind = LLM_DELTA_FINISH;
    delta.choice = choice->index;
    delta.finish = choice->finish;
    delta.stop_sequence = choice->stop_sequence;
    emitter->emit(emitter->baton, &delta);
}

void llm_answer_each_delta(const llm_answer_t *answer, llm_delta_cb *emit,
                           void *baton, apr_pool_t *pool)
{
    emitter_t emitter = {emit, baton, pool, 0, 0};
    llm_delta_t delta;

    memset(&delta, 0, sizeof(delta));
    delta.kind = LLM_DELTA_BEGIN;
    delta.id = answer->id;
    delta.model = answer->model;
    delta.created = answer->created;
    emit(baton, &delta);
    for (const llm_choice_t *choice = answer->choices; choice;
         choice = choice->next) {
        emitter.choice = choice->index;
        emitter.calls = 0;
        for (const llm_part_t *part = choice->parts; part; part = part->next) {
            emit_part(&emitter, part);
        }
        emit_finish(&emitter, choice);
    }
    memset(&delta, 0, sizeof(delta));
    delta.kind = LLM_DELTA_USAGE;
    delta.usage = answer->usage;
    emit(baton, &delta);
    memset(&delta, 0, sizeof(delta));
    delta.kind = LLM_DELTA_END;
    emit(baton, &delta);
}
