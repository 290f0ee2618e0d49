/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings, which Bedrock has by InvokeModel alone, in the form of each
 * model's maker: Titan's one text a request, Cohere's up to 96. Several texts
 * are refused of Titan's models rather than asked one by one: one request
 * would be many, some of which may fail.
 */
#include "dialect/bedrock_internal.h"

#include <string.h>

#include <apr_strings.h>

typedef struct maker_t {
    const char *name; /* what the model's name has in it */
    int many;         /* it takes several texts */
    int sizes;        /* it takes the number of dimensions */
} maker_t;

/* The first that fits counts. */
static const maker_t makers[] = {
    {"titan-embed-text-v2", 0, 1}, {"titan-embed-text", 0, 0},
    {"titan-embed-g1-text", 0, 0}, {"cohere.embed-v4", 1, 1},
    {"cohere.embed", 1, 0},        {NULL, 0, 0},
};

static const char *const own[] = {"input_type", "normalize", "truncate", NULL};

static const llm_json_t *own_member(const llm_ask_t *ask, const char *name)
{
    int i;

    for (i = 0; i < ask->unknown->nelts; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);

        if (llm_text_equals(member->name, name)) {
            return member;
        }
    }
    return NULL;
}

static int are_texts(const llm_json_t *input)
{
    const llm_json_t *node =
        llm_json_is(input, LLM_JSON_ARRAY) ? input->child : input;

    for (; node; node = node == input ? NULL : node->next) {
        if (node->type != LLM_JSON_STRING) {
            return 0;
        }
    }
    return llm_json_is(input, LLM_JSON_STRING) || (input && input->count);
}

static void put_titan(llm_buf_t *out, const llm_ask_t *ask)
{
    const llm_json_t *input = ask->embed_input;

    input = input->type == LLM_JSON_ARRAY ? input->child : input;
    llm_put_text_member(out, "inputText", llm_json_text(input));
    llm_put_member(out, "dimensions", ask->dimensions);
    llm_put_member(out, "normalize", own_member(ask, "normalize"));
}

static void put_cohere(llm_buf_t *out, const llm_ask_t *ask)
{
    const llm_json_t *type = own_member(ask, "input_type");

    llm_put_list_member(out, "texts", ask->embed_input);
    if (type) {
        llm_put_member(out, "input_type", type);
    }
    else { /* demanded; what most texts are embedded for */
        llm_put_string_member(out, "input_type", "search_document");
    }
    llm_put_raw_member(out, "embedding_types", "[\"float\"]");
    llm_put_member(out, "output_dimension", ask->dimensions);
    llm_put_member(out, "truncate", own_member(ask, "truncate"));
}

static llm_problem_t *check(const maker_t *maker, llm_request_t *req,
                            const llm_ask_t *ask, apr_pool_t *pool)
{
    const llm_json_t *input = ask->embed_input;

    if (!maker->name) {
        return llm_problem_field(pool, "model",
                                 "of bedrock's models, Titan's and Cohere's "
                                 "can be asked for embeddings here");
    }
    if (!are_texts(input)) {
        return llm_problem_field(pool, "input",
                                 "expected a string or an array of strings");
    }
    if (!maker->many && input->type == LLM_JSON_ARRAY && input->count > 1) {
        return llm_problem_field(pool, "input",
                                 "this model takes one text a request");
    }
    if (ask->dimensions && !maker->sizes) {
        return llm_problem_unsupported("dimensions", LLM_BEDROCK_NAME, pool);
    }
    if (!maker->many && own_member(ask, "truncate")) {
        return llm_problem_unsupported("truncate", LLM_BEDROCK_NAME, pool);
    }
    if (!maker->many && own_member(ask, "input_type")) {
        llm_request_drop(req, "input_type");
    }
    return llm_request_settle_unknown(req, ask, own, pool);
}

llm_problem_t *llm_bedrock_write_embed(llm_request_t *req, const llm_ask_t *ask,
                                       const char *model,
                                       const llm_provider_t *provider,
                                       apr_pool_t *pool)
{
    llm_buf_t *out = llm_request_buf(pool);
    const maker_t *maker = makers;
    llm_problem_t *problem;

    while (maker->name && !strstr(model, maker->name)) {
        ++maker;
    }
    problem = check(maker, req, ask, pool);
    if (problem) {
        return problem;
    }
    if (ask->user.data) {
        llm_request_drop(req, "user");
    }
    llm_buf_putc(out, '{');
    if (maker->many) {
        put_cohere(out, ask);
    }
    else {
        put_titan(out, ask);
    }
    llm_buf_putc(out, '}');
    llm_request_set_body(req, out, pool);
    req->method = "POST";
    req->path = llm_bedrock_path(provider, model, "/invoke", pool);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    return req->path
               ? NULL
               : llm_problem_field(pool, "model", "this is no model's name");
}

/* Titan's one vector as an array of one. */
static const llm_json_t *alone(const llm_json_t *vector, apr_pool_t *pool)
{
    llm_json_t *array = apr_pcalloc(pool, sizeof(*array));

    array->type = LLM_JSON_ARRAY;
    array->count = 1;
    array->child = apr_pmemdup(pool, vector, sizeof(*vector));
    array->child->next = NULL;
    array->child->name = LLM_TEXT_NONE;
    return array;
}

llm_problem_t *llm_bedrock_read_embed(llm_answer_t *answer,
                                      const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *vector = llm_json_want(doc, "embedding");
    const llm_json_t *vectors = llm_json_want(doc, "embeddings");

    llm_bedrock_read_usage(answer->usage, doc);
    if (llm_json_is(vectors, LLM_JSON_OBJECT)) { /* by type */
        vectors = llm_json_get(vectors, "float");
    }
    if (!vectors && llm_json_is(vector, LLM_JSON_ARRAY)) {
        vectors = alone(vector, pool);
    }
    answer->embeddings = vectors;
    return llm_json_is(vectors, LLM_JSON_ARRAY)
               ? NULL
               : llm_problem_lacking("embedding", pool);
}
