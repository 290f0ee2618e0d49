/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole answer of an OpenAI-compatible server, in the gateway's terms.
 *
 * What differs between servers: content is a string, null, "", absent or a
 * list of parts with thinking among them; the message itself is absent where a
 * filter took the answer (Azure); ids of calls are empty or absent; arguments
 * are absent or "null" for a tool that takes none; one call comes as
 * function_call where the request had functions; finish_reason is "" beside
 * calls; an error comes under status 200.
 */
#include "dialect/openai_internal.h"
#include "dialect/cite.h"

#include <apr_strings.h>

/* ---- pictures ---- */

int llm_openai_read_image(llm_parts_t *parts, const llm_json_t *node,
                          apr_pool_t *pool)
{
    const llm_json_t *image = llm_json_want(node, "image_url");
    llm_text_t url = llm_json_text(llm_json_is(image, LLM_JSON_STRING)
                                       ? image
                                       : llm_json_get(image, "url"));
    llm_media_t *media;

    if (llm_text_is_empty(url)) {
        return 0;
    }
    media = apr_pcalloc(pool, sizeof(*media));
    if (!llm_media_set_url(media, url, pool)) {
        media->url = url; /* a data: URL all the same */
    }
    llm_parts_add_shown(parts, media, pool);
    return 1;
}

void llm_openai_read_images(llm_parts_t *parts, const llm_json_t *list,
                            apr_pool_t *pool)
{
    const llm_json_t *node =
        llm_json_is(list, LLM_JSON_ARRAY) ? list->child : NULL;

    for (; node; node = node->next) {
        llm_openai_read_image(parts, node, pool);
    }
}

/* ---- content ---- */

/* References are of the text before them. */
static void read_list(llm_parts_t *parts, llm_cites_t *cites,
                      const llm_json_t *list, apr_pool_t *pool)
{
    llm_extent_t extent = {0, 0};
    apr_int64_t before = 0;
    const llm_json_t *node;

    for (node = list->child; node; node = node->next) {
        llm_text_t text = node->type == LLM_JSON_STRING
                              ? llm_json_text(node)
                              : llm_json_text(llm_json_get(node, "text"));

        if (llm_json_get(node, "thinking")) {
            llm_openai_read_thinking_part(parts, node, pool);
        }
        else if (llm_json_equals(llm_json_get(node, "type"), "reasoning")) {
            llm_openai_read_reasoning_part(parts, node, pool);
        }
        else if (text.data) {
            llm_parts_add_text(parts, LLM_PART_TEXT, text, pool);
            before = extent.chars;
            llm_extent_add(&extent, text);
            llm_openai_read_piece_cites(cites, node, before, extent.chars,
                                        pool);
        }
        else if (!llm_openai_read_image(parts, node, pool)
                 && !llm_openai_read_piece_cites(cites, node, before,
                                                 extent.chars, pool)
                 && node->type == LLM_JSON_OBJECT) {
            llm_parts_add(parts, LLM_PART_PROVIDER, pool)->raw = node;
        }
    }
}

static void read_content(llm_parts_t *parts, const llm_ask_t *ask,
                         const llm_json_t *message, const llm_json_t *doc,
                         apr_pool_t *pool)
{
    const llm_json_t *content = llm_json_want(message, "content");
    llm_text_t refusal = llm_json_text(llm_json_want(message, "refusal"));
    llm_cites_t cites = {NULL, NULL};

    llm_openai_read_thinking(parts, message, pool);
    if (llm_json_is(content, LLM_JSON_ARRAY)) {
        read_list(parts, &cites, content, pool);
    }
    else if (!llm_text_is_empty(llm_json_text(content))) {
        llm_parts_add_text(parts, LLM_PART_TEXT, llm_json_text(content), pool);
    }
    llm_openai_read_sound(parts, ask, message, pool);
    llm_openai_read_cites(&cites, message, doc, pool);
    llm_parts_cite(parts->first, cites.first, pool);
    llm_openai_read_images(parts, llm_json_want(message, "images"), pool);
    if (!llm_text_is_empty(refusal)) {
        llm_parts_add_text(parts, LLM_PART_REFUSAL, refusal, pool);
    }
}

/* ---- calls ---- */

/* {"name","arguments"}. Returns 0 where there is no name. */
static int add_call(llm_parts_t *parts, const char *id,
                    const llm_json_t *function, const char *signature,
                    apr_pool_t *pool)
{
    const llm_json_t *arguments = llm_json_want(function, "arguments");
    llm_text_t name = llm_json_text(llm_json_get(function, "name"));
    llm_bytes_t args;

    if (llm_text_is_empty(name)) {
        return 0;
    }
    if (llm_json_is(arguments, LLM_JSON_OBJECT)) {
        args = llm_args_from_json(arguments);
    }
    else {
        llm_args_from_text(&args, llm_json_text(arguments), pool);
    }
    llm_parts_add_call(parts, id, name, args, signature, pool);
    return 1;
}

/* {"name","input"}: of a tool that takes a text. */
static int add_custom(llm_parts_t *parts, const char *id,
                      const llm_json_t *custom, apr_pool_t *pool)
{
    llm_text_t name = llm_json_text(llm_json_get(custom, "name"));
    llm_text_t input = llm_json_text(llm_json_want(custom, "input"));

    if (llm_text_is_empty(name)) {
        return 0;
    }
    llm_parts_add_call(parts, id, name, llm_openai_input_as_args(input, pool),
                       NULL, pool);
    return 1;
}

/* Returns how many calls there are. */
static int read_calls(llm_parts_t *parts, const llm_json_t *message,
                      apr_pool_t *pool)
{
    const llm_json_t *calls = llm_json_want(message, "tool_calls"), *call;
    /* Google's endpoint once signed the message instead of its first call */
    const char *signature = llm_openai_call_signature(message, pool);
    int count = 0;

    for (call = llm_json_is(calls, LLM_JSON_ARRAY) ? calls->child : NULL; call;
         call = call->next) {
        const char *own = llm_openai_call_signature(call, pool);

        const char *id = llm_json_string(llm_json_get(call, "id"), pool);

        count += add_custom(parts, id, llm_json_want(call, "custom"), pool)
                 || add_call(parts, id, llm_json_get(call, "function"),
                             own || count ? own : signature, pool);
    }
    if (!count) {
        count = add_call(parts, NULL, llm_json_get(message, "function_call"),
                         NULL, pool);
    }
    return count;
}

/* ---- choices ---- */

static void read_choice(llm_choices_t *choices, const llm_ask_t *ask,
                        const llm_json_t *doc, const llm_json_t *node,
                        int position, apr_pool_t *pool)
{
    const llm_json_t *message = llm_json_want(node, "message");
    const llm_json_t *stop = llm_openai_stop_of(node);
    const llm_json_t *logprobs = llm_json_want(node, "logprobs");
    apr_int64_t index = position;
    llm_parts_t parts = {NULL, NULL};
    llm_choice_t *choice;
    llm_text_t text;
    int calls;

    llm_json_int(llm_json_get(node, "index"), &index);
    choice = llm_choices_add(choices, (int)(index & 0xffff), pool);
    read_content(&parts, ask, message, doc, pool);
    calls = read_calls(&parts, message, pool);
    text = llm_json_text(llm_json_get(node, "text")); /* legacy completions */
    if (!message && !llm_text_is_empty(text)) {
        llm_parts_add_text(&parts, LLM_PART_TEXT, text, pool);
    }
    choice->parts = parts.first;
    choice->finish =
        llm_openai_finish(llm_json_get(node, "finish_reason"), calls);
    if (choice->finish == LLM_FINISH_NONE) {
        choice->finish = calls ? LLM_FINISH_TOOL_CALLS : LLM_FINISH_OTHER;
    }
    if (llm_json_is(stop, LLM_JSON_STRING)
        && choice->finish == LLM_FINISH_STOP) {
        choice->finish = LLM_FINISH_STOP_SEQUENCE;
        choice->stop_sequence = llm_json_text(stop);
    }
    choice->logprobs = logprobs && logprobs->count ? logprobs : NULL;
}

static void read_head(llm_answer_t *answer, const llm_json_t *doc,
                      apr_pool_t *pool)
{
    const char *id = llm_json_string(llm_json_get(doc, "id"), pool);
    const char *model = llm_json_string(llm_json_get(doc, "model"), pool);

    answer->id = id && *id ? id : NULL;
    answer->model = model && *model ? model : NULL;
    answer->created = llm_created_of(llm_json_get(doc, "created"));
    answer->service_tier = llm_json_text(llm_json_want(doc, "service_tier"));
    if (!answer->service_tier.len) {
        answer->service_tier = LLM_TEXT_NONE;
    }
    llm_openai_read_usage(answer->usage, doc);
}

/* The entries of `data` where their indexes say they belong, or as they came
 * where those are no numbering. */
static const llm_json_t **in_order(const llm_json_t *data, apr_pool_t *pool)
{
    const llm_json_t **sorted = apr_pcalloc(
        pool, sizeof(const llm_json_t *) * ((apr_size_t)data->count + 1));
    const llm_json_t *item;
    int i = 0;

    for (item = data->child; item; item = item->next) {
        apr_int64_t index = -1;

        if (!llm_json_int(llm_json_get(item, "index"), &index) || index < 0
            || index >= data->count || sorted[index]) {
            break;
        }
        sorted[index] = item;
    }
    for (i = 0, item = item ? data->child : NULL; item; item = item->next) {
        sorted[i++] = item;
    }
    return sorted;
}

/* data[].embedding, as a list of their own: its nodes are copies, its values
 * the provider's bytes. */
static const llm_json_t *read_vectors(const llm_json_t *data, apr_pool_t *pool)
{
    llm_json_t *list = apr_pcalloc(pool, sizeof(*list)), **plast;
    const llm_json_t **item;

    list->type = LLM_JSON_ARRAY;
    plast = &list->child;
    for (item = in_order(data, pool); *item; ++item) {
        const llm_json_t *vector = llm_json_want(*item, "embedding");

        if (vector) {
            *plast = apr_pmemdup(pool, vector, sizeof(*vector));
            (*plast)->next = NULL;
            (*plast)->name = LLM_TEXT_NONE;
            plast = &(*plast)->next;
            ++list->count;
        }
    }
    return list;
}

llm_problem_t *llm_openai_read_response(llm_answer_t **panswer,
                                        const llm_ask_t *ask,
                                        const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *choices = llm_json_get(doc, "choices"), *node;
    const llm_json_t *data = llm_json_get(doc, "data");
    llm_answer_t *answer = llm_answer_make(pool);
    llm_choices_t list = {NULL, NULL};
    llm_problem_t *problem = llm_openai_problem_in(doc, pool);
    int position = 0;

    *panswer = answer;
    if (problem) {
        return problem;
    }
    read_head(answer, doc, pool);
    if (ask->op == LLM_OP_EMBED) {
        if (!llm_json_is(data, LLM_JSON_ARRAY)) {
            return llm_problem_lacking("data", pool);
        }
        answer->embeddings = read_vectors(data, pool);
        return NULL;
    }
    if (!llm_json_is(choices, LLM_JSON_ARRAY) || !choices->count) {
        return llm_problem_lacking("choices", pool);
    }
    for (node = choices->child; node; node = node->next) {
        read_choice(&list, ask, doc, node, position++, pool);
    }
    answer->choices = list.first;
    return NULL;
}
