/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's whole answer: a response object, in the gateway's terms.
 *
 * Output items come in the order in which the model made them; what runs at
 * the provider (web_search_call and its kin) is not for the client and is
 * passed over, but for pictures that were made. A status of "queued" or "in_progress" is no answer yet: nothing
 * here asks for one in the background.
 */
#include "dialect/openai_responses_internal.h"
#include "dialect/cite.h"

#include <apr_strings.h>

/* Log probabilities of a text as a chat has them. */
static const llm_json_t *read_logprobs(const llm_json_t *list, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);
    const llm_json_t *read = NULL;

    if (!llm_json_is(list, LLM_JSON_ARRAY) || !list->count) {
        return NULL;
    }
    llm_buf_lit(out, "{\"content\":");
    llm_json_put(out, list);
    llm_buf_lit(out, ",\"refusal\":null}");
    return llm_json_read(&read, out->data, out->len, NULL, pool) ? NULL : read;
}

static void read_message(llm_choice_t *choice, llm_parts_t *parts,
                         const llm_json_t *item, apr_pool_t *pool)
{
    const llm_json_t *list = llm_json_want(item, "content"), *node;

    for (node = llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL; node;
         node = node->next) {
        llm_text_t text = llm_json_text(llm_json_want(node, "text"));
        llm_text_t refusal = llm_json_text(llm_json_want(node, "refusal"));

        if (refusal.len) {
            llm_parts_add_text(parts, LLM_PART_REFUSAL, refusal, pool);
        }
        else if (text.len) {
            apr_int64_t before = llm_parts_extent(parts->first, NULL).chars;
            llm_cites_t cites = {NULL, NULL};

            llm_openai_read_cites(&cites, node, NULL, pool);
            llm_cites_move(cites.first, before);
            llm_parts_add_text(parts, LLM_PART_TEXT, text, pool)->citations =
                cites.first;
        }
        if (!choice->logprobs) {
            choice->logprobs =
                read_logprobs(llm_json_want(node, "logprobs"), pool);
        }
    }
}

static void read_call(llm_parts_t *parts, const llm_json_t *item,
                      apr_pool_t *pool)
{
    const llm_json_t *id = llm_json_want(item, "call_id");
    llm_text_t name = llm_json_text(llm_json_get(item, "name"));
    llm_bytes_t args;

    if (name.len && llm_json_want(item, "input")) { /* it takes a text */
        args = llm_openai_input_as_args(
            llm_json_text(llm_json_get(item, "input")), pool);
        llm_parts_add_call(parts, llm_json_string(id, pool), name, args, NULL,
                           pool);
    }
    else if (name.len) {
        llm_args_from_text(
            &args, llm_json_text(llm_json_want(item, "arguments")), pool);
        llm_parts_add_call(parts, llm_json_string(id, pool), name, args, NULL,
                           pool);
    }
}

static void read_shown(llm_parts_t *parts, const llm_json_t *item,
                       apr_pool_t *pool)
{
    const llm_media_t *shown = llm_responses_read_shown(item, pool);

    if (shown) {
        llm_parts_add_shown(parts, shown, pool);
    }
}

/* Returns 1 for a call. */
static int read_item(llm_choice_t *choice, llm_parts_t *parts,
                     const llm_json_t *item, apr_pool_t *pool)
{
    const llm_json_t *type = llm_json_get(item, "type");

    if (llm_json_equals(type, "message")) {
        read_message(choice, parts, item, pool);
    }
    else if (llm_json_equals(type, "reasoning")) {
        llm_responses_read_reasoning(parts, item, pool);
    }
    else if (llm_json_equals(type, "function_call")
             || llm_json_equals(type, "custom_tool_call")) {
        read_call(parts, item, pool);
        return 1;
    }
    else if (llm_json_equals(type, "image_generation_call")) {
        read_shown(parts, item, pool);
    }
    return 0;
}

static void read_head(llm_answer_t *answer, const llm_json_t *doc,
                      apr_pool_t *pool)
{
    const char *id = llm_json_string(llm_json_get(doc, "id"), pool);
    const char *model = llm_json_string(llm_json_get(doc, "model"), pool);

    answer->id = id && *id ? id : NULL;
    answer->model = model && *model ? model : NULL;
    answer->created = llm_created_of(llm_json_get(doc, "created_at"));
    answer->service_tier = llm_json_text(llm_json_want(doc, "service_tier"));
    if (!answer->service_tier.len) {
        answer->service_tier = LLM_TEXT_NONE;
    }
    llm_openai_read_usage(answer->usage, doc);
}

llm_problem_t *llm_responses_read_response(llm_answer_t **panswer,
                                           const llm_ask_t *ask,
                                           const llm_json_t *doc,
                                           apr_pool_t *pool)
{
    const llm_json_t *output = llm_json_get(doc, "output"), *item;
    llm_answer_t *answer = llm_answer_make(pool);
    llm_choices_t choices = {NULL, NULL};
    llm_parts_t parts = {NULL, NULL};
    llm_problem_t *problem = llm_openai_problem_in(doc, pool);
    int calls = 0;

    (void)ask;
    *panswer = answer;
    if (!problem && llm_json_equals(llm_json_get(doc, "status"), "failed")) {
        problem = llm_responses_failure(doc, pool);
    }
    if (!problem && !llm_json_is(output, LLM_JSON_ARRAY)) {
        problem = llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                   "the provider's answer has no output");
        problem->from_upstream = 1;
    }
    if (problem) {
        return problem;
    }
    read_head(answer, doc, pool);
    answer->choices = llm_choices_add(&choices, 0, pool);
    for (item = output->child; item; item = item->next) {
        calls += read_item(answer->choices, &parts, item, pool);
    }
    answer->choices->parts = parts.first;
    answer->choices->finish = llm_responses_finish(doc, calls);
    if (answer->choices->finish == LLM_FINISH_NONE) {
        answer->choices->finish =
            calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_OTHER;
    }
    return NULL;
}
