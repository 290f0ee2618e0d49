/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many tokens a question has, counted here.
 *
 * Anthropic and Gemini count for their clients, and are asked where they would
 * answer the question itself. Of the others' models the encoding is known, or
 * there is a rule of thumb (core/llm_tokens.h): x-llm-estimated says that the
 * count is ours. Nobody is asked, so nothing is used and nothing costs.
 */
#include "flow/count.h"

#include <apr_strings.h>

#include "core/llm_json.h"

/* Gemini's countTokens may hold the request inside, Bedrock's always does. */
static const llm_json_t *question_of(const llm_json_t *doc)
{
    const llm_json_t *inner = llm_json_want(doc, "generateContentRequest");

    if (!inner) {
        inner = llm_json_want(doc, "generate_content_request");
    }
    if (!inner) {
        inner = llm_json_path(doc, "input", "converse", NULL);
    }
    return inner ? inner : doc;
}

llm_problem_t *llm_count_reply(llm_exchange_t *x)
{
    const llm_upstream_t *first = (const llm_upstream_t *)(void *)x->plan->elts;
    llm_problem_t *problem = llm_exchange_ask(x);
    llm_answer_t answer = {.model = x->model};

    if (problem) {
        return problem;
    }
    answer.tokens = llm_tokens_of_request(
        question_of(x->doc),
        llm_tokenizer_find(x->policy->vocabulary, x->plan->nelts && first->model
                                                      ? first->model
                                                      : x->model),
        x->pool);
    x->client->write_response(x->out, x->ask, &answer, x->pool);
    apr_table_setn(x->reply.headers, "x-llm-estimated", "tokens");
    x->reply.status = 200;
    x->reply.content_type = "application/json";
    x->reply.whole = 1;
    x->reply.ready = 1;
    x->complete = 1;
    return NULL;
}
