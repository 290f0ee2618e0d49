/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of an answer reaches a client, by what its dialect can say; see
 * exchange.h.
 */
#include "test/unit/dialect/exchange.h"

#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

/* What sets the clients' dialects apart. */
typedef struct client_t {
    const char *name;
    int choices;    /* it has several */
    int refusals;   /* it keeps their text apart */
    int completes;  /* a refusal completes the answer */
    int stop;       /* it tells the stop sequence, and pauses; -1: that one
                       was met, and no more */
    int signatures; /* what is signed reads the same here */
    int classes;    /* usage has classes, and is not their sum only; -1: those
                       of caches, and no more */
} client_t;

static const client_t clients[] = {
    {"openai", 1, 1, 0, 0, 1, 1},
    {"openai-responses", 0, 1, 1, 0, 1, 1},
    {"anthropic", 0, 0, 0, 1, 1, 1},
    /* signatures are wrapped: test_gemini_client */
    {"gemini", 1, 0, 0, 0, 0, 1},
    {"bedrock", 0, 0, 0, -1, 1, -1},
    {"cohere", 0, 0, 0, -1, 0, 0},
    {"mistral", 1, 0, 0, 0, 0, 1},
    {"ollama", 0, 0, 0, 0, 0, 0},
    {NULL, 0, 0, 0, 1, 1, 1},
};

static const client_t *client_of(const char *name)
{
    const client_t *row = clients;

    while (row->name && strcmp(row->name, name) != 0) {
        ++row;
    }
    return row;
}

/* Arguments as they are read again: their values, whatever the blanks. */
static llm_buf_t *plain_args(const llm_buf_t *args)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const llm_json_t *doc;
    int in_string = 0;
    apr_size_t i;

    if (!args->len) {
        llm_buf_lit(out, "{}");
        return out;
    }
    if (llm_json_read(&doc, args->data, args->len, NULL, unit_pool)) {
        llm_buf_append(out, args->data, args->len);
        return out;
    }
    for (i = 0; i < args->len; ++i) {
        char c = args->data[i];

        if (c == '\\' && in_string) {
            llm_buf_putc(out, c);
            c = args->data[++i];
        }
        else if (c == '"') {
            in_string = !in_string;
        }
        if (in_string || !strchr(" \t\r\n", c)) {
            llm_buf_putc(out, c);
        }
    }
    return out;
}

static llm_finish_e finish_for(const said_t *said, const client_t *client)
{
    llm_finish_e finish = said->finish;

    if (finish == LLM_FINISH_OTHER) {
        finish = LLM_FINISH_STOP;
    }
    if (finish == LLM_FINISH_STOP && said->calls->nelts) {
        finish = LLM_FINISH_TOOL_CALLS;
    }
    if (client->completes && finish == LLM_FINISH_FILTERED
        && said->refusal->len) {
        return LLM_FINISH_STOP;
    }
    if (client->stop <= 0 && finish == LLM_FINISH_PAUSE) {
        finish = LLM_FINISH_LENGTH;
    }
    if (!client->stop && finish == LLM_FINISH_STOP_SEQUENCE) {
        finish = LLM_FINISH_STOP;
    }
    return finish == LLM_FINISH_STOP && said->refusal->len && !client->refusals
               ? LLM_FINISH_FILTERED
               : finish;
}

/* The said without what the dialect has no place for. */
static said_t said_for(const said_t *from, const client_t *client)
{
    said_t said = *from;
    int call;

    said.finish = finish_for(&said, client);
    if (client->stop <= 0) {
        said.stop_sequence = NULL;
    }
    if (!client->signatures) {
        said.signatures = said.redacted = llm_buf_make(0, unit_pool);
    }
    if (!client->refusals) {
        llm_buf_t *text = llm_buf_make(0, unit_pool);

        llm_buf_append(text, said.text->data, said.text->len);
        llm_buf_append(text, said.refusal->data, said.refusal->len);
        said.text = text;
        said.refusal = llm_buf_make(0, unit_pool);
    }
    for (call = 0; call < said.calls->nelts; ++call) {
        said_call_t *one = &APR_ARRAY_IDX(said.calls, call, said_call_t);

        one->args = plain_args(one->args);
    }
    return said;
}

const char *exchange_show_for(const answer_t *answer, const char *name)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const client_t *client = client_of(name);
    int i;

    for (i = 0; i < (client->choices ? CHOICES : 1); ++i) {
        said_t said = said_for(&answer->choices[i], client);

        exchange_show_said(out, i, &said, 0);
    }
    if (answer->usage.known) {
        llm_buf_printf(
            out,
            "usage in=%" APR_INT64_T_FMT " out=%" APR_INT64_T_FMT
            " read=%" APR_INT64_T_FMT " thought=%" APR_INT64_T_FMT "\n",
            llm_usage_input(&answer->usage), llm_usage_output(&answer->usage),
            client->classes ? answer->usage.n[LLM_CLASS_CACHE_READ] : 0,
            client->classes > 0 ? answer->usage.n[LLM_CLASS_REASONING] : 0);
    }
    if (answer->problem) {
        llm_buf_printf(out, "problem %s\n", answer->problem->message);
    }
    return apr_pstrmemdup(unit_pool, out->data ? out->data : "", out->len);
}
