/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings asked of Google, which has two forms for them:
 *
 *   embedContent, batchEmbedContents   contents as in a chat; at AI Studio, and
 *                                      at Vertex for Gemini's own models
 *   predict                            a list of texts; at Vertex for its older
 *                                      models, and for one text of
 *                                      gemini-embedding-001
 *
 * gemini-embedding-001 takes one text a predict; several go as Google's own
 * SDKs ask for them, by batchEmbedContents. What a text is embedded for, its
 * title, and whether it may be cut, are said of each text or of all, by
 * Google's names or by Cohere's `input_type`. What the clients of Gemini say
 * of single texts stands in their paths, "requests[1].taskType".
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define CONFIG "embedContentConfig"

/* ---- what is said besides ---- */

/* What is left of a member's path behind the text it is about: `number`; NULL
 * where it is about another. */
static const char *skip_place(const char *path, int number)
{
    static const char row[] = "requests[";
    char *end;

    if (!strncmp(path, row, sizeof(row) - 1)) {
        apr_int64_t at = apr_strtoi64(path + sizeof(row) - 1, &end, 10);

        if (at != number || strncmp(end, "].", 2) != 0) {
            return NULL;
        }
        path = end + 2;
    }
    if (!strncmp(path, CONFIG ".", sizeof(CONFIG))) {
        path += sizeof(CONFIG);
    }
    return path;
}

static int is_plainly(const char *name, const char *camel)
{
    return llm_gemini_is_named((llm_text_t){name, strlen(name)}, camel);
}

/* The client's own member about this text, or about all; of two the last. */
static const llm_json_t *own_member(const llm_ask_t *ask, int number,
                                    const char *camel, apr_pool_t *pool)
{
    int i;

    for (i = ask->unknown->nelts - 1; i >= 0; --i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);
        const char *name =
            skip_place(llm_text_string(member->name, pool), number);

        if (name && is_plainly(name, camel)) {
            return member;
        }
    }
    return NULL;
}

/* What Cohere's clients, and those of servers with a word like theirs, say. */
static const struct {
    const char *word, *task;
} tasks[] = {
    {"search_document", "RETRIEVAL_DOCUMENT"},
    {"search_query", "RETRIEVAL_QUERY"},
    {"document", "RETRIEVAL_DOCUMENT"},
    {"passage", "RETRIEVAL_DOCUMENT"},
    {"query", "RETRIEVAL_QUERY"},
    {"classification", "CLASSIFICATION"},
    {"clustering", "CLUSTERING"},
    {NULL, NULL},
};

static const char *task_of(const llm_json_t *type)
{
    int i;

    for (i = 0; tasks[i].word; ++i) {
        if (llm_json_equals(type, tasks[i].word)) {
            break;
        }
    }
    return tasks[i].task;
}

static void put_task(llm_buf_t *out, const llm_ask_t *ask, int number,
                     const char *name, apr_pool_t *pool)
{
    const llm_json_t *type = own_member(ask, number, "taskType", pool);

    if (type) {
        llm_put_member(out, name, type);
    }
    else {
        llm_put_string_member(
            out, name, task_of(own_member(ask, number, "inputType", pool)));
    }
}

/* Told where it is not said, which lets Google cut in silence. */
static void put_truncate(llm_buf_t *out, const llm_ask_t *ask, int number,
                         apr_pool_t *pool)
{
    const llm_json_t *own = own_member(ask, number, "autoTruncate", pool);

    if (own) {
        llm_put_member(out, "autoTruncate", own);
    }
    else if (ask->truncate) {
        llm_put_raw_member(out, "autoTruncate",
                           ask->truncate > 0 ? "true" : "false");
    }
}

/* ---- forms ---- */

/* One text of its own; `model` is a resource, or NULL where it is not told
 * again. */
static void put_content(llm_buf_t *out, const llm_ask_t *ask,
                        const llm_json_t *text, int number, const char *model,
                        int is_vertex, apr_pool_t *pool)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_string_member(out, "model", model);
    llm_put_name(out, "content");
    llm_buf_lit(out, "{\"parts\":[{");
    llm_put_text_member(out, "text", llm_json_text(text));
    llm_buf_lit(out, "}]}");
    put_task(out, ask, number, "taskType", pool);
    llm_put_member(out, "title", own_member(ask, number, "title", pool));
    llm_put_member(out, "outputDimensionality", ask->dimensions);
    if (is_vertex) {
        put_truncate(out, ask, number, pool);
    }
    llm_buf_putc(out, '}');
}

static void put_contents(llm_buf_t *out, const llm_ask_t *ask,
                         const char *model, int is_vertex, apr_pool_t *pool)
{
    const llm_json_t *input = ask->embed_input;
    int number = 0;

    if (llm_json_is(input, LLM_JSON_STRING)) {
        put_content(out, ask, input, 0, NULL, is_vertex, pool);
        return;
    }
    llm_buf_lit(out, "{\"requests\":[");
    for (input = input->child; input; input = input->next) {
        put_content(out, ask, input, number++, is_vertex ? NULL : model,
                    is_vertex, pool);
    }
    llm_buf_lit(out, "]}");
}

static void put_instances(llm_buf_t *out, const llm_ask_t *ask,
                          apr_pool_t *pool)
{
    const llm_json_t *input = ask->embed_input;
    const llm_json_t *text =
        input->type == LLM_JSON_ARRAY ? input->child : input;
    int number = 0;

    llm_buf_lit(out, "{\"instances\":[");
    for (; text; text = text == input ? NULL : text->next, ++number) {
        llm_put_comma(out);
        llm_buf_putc(out, '{');
        llm_put_text_member(out, "content", llm_json_text(text));
        put_task(out, ask, number, "task_type", pool);
        llm_put_member(out, "title", own_member(ask, number, "title", pool));
        llm_buf_putc(out, '}');
    }
    llm_buf_lit(out, "],\"parameters\":{");
    llm_put_member(out, "outputDimensionality", ask->dimensions);
    put_truncate(out, ask, 0, pool);
    llm_buf_lit(out, "}}");
}

/* ---- checks ---- */

/* Those that are written, by the names they came with. What a type of Cohere's
 * has no word for here is left out, which is told. */
static const char *const *handled(llm_request_t *req, const llm_ask_t *ask,
                                  int is_vertex, apr_pool_t *pool)
{
    apr_array_header_t *names =
        apr_array_make(pool, ask->unknown->nelts + 1, sizeof(const char *));
    int i;

    for (i = 0; i < ask->unknown->nelts; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);
        const char *path = llm_text_string(member->name, pool);
        const char *last = strrchr(path, '.');

        last = last ? last + 1 : path;
        if (is_plainly(last, "taskType") || is_plainly(last, "title")
            || (is_vertex && is_plainly(last, "autoTruncate"))) {
            APR_ARRAY_PUSH(names, const char *) = path;
        }
        else if (is_plainly(last, "inputType")) {
            if (!task_of(member)) {
                llm_request_drop(req, path);
            }
            APR_ARRAY_PUSH(names, const char *) = path;
        }
    }
    APR_ARRAY_PUSH(names, const char *) = NULL;
    return (const char *const *)names->elts;
}

static llm_problem_t *check_input(const llm_json_t *input, apr_pool_t *pool)
{
    if (llm_json_is(input, LLM_JSON_STRING)) {
        return NULL;
    }
    if (!llm_json_is(input, LLM_JSON_ARRAY) || !input->count) {
        return llm_problem_field(pool, "input",
                                 "expected a string or an array of strings");
    }
    for (input = input->child; input; input = input->next) {
        if (input->type != LLM_JSON_STRING) {
            return llm_problem_field(pool, "input",
                                     "Gemini embeds strings, not tokens");
        }
    }
    return NULL;
}

/* ---- which form ---- */

static int is_one(const llm_json_t *input)
{
    return !llm_json_is(input, LLM_JSON_ARRAY) || input->count == 1;
}

/* Google's SDKs know Gemini's own models by their names, and those of others
 * that it serves ("...-maas"). */
static int is_content_model(const char *model)
{
    return strstr(model, "gemini") || strstr(model, "maas");
}

llm_problem_t *llm_gemini_write_embed(llm_request_t *req, const llm_ask_t *ask,
                                      const char *model,
                                      const llm_provider_t *provider,
                                      apr_pool_t *pool)
{
    const char *path = llm_gemini_model_path(provider, model, pool);
    int is_vertex = llm_gemini_is_vertex(provider);
    int predicts = is_vertex
                   && (!is_content_model(model)
                       || (strstr(model, "gemini-embedding-001")
                           && is_one(ask->embed_input)));
    llm_buf_t *out = llm_request_buf(pool);
    llm_problem_t *problem;

    if (!path) {
        return llm_problem_field(pool, "model", "not a name Gemini can have");
    }
    problem = llm_request_settle_unknown(
        req, ask, handled(req, ask, is_vertex, pool), pool);
    problem = problem ? problem : check_input(ask->embed_input, pool);
    if (problem) {
        return problem;
    }
    if (ask->user.data) {
        llm_request_drop(req, "user");
    }
    if (predicts) {
        put_instances(out, ask, pool);
    }
    else {
        put_contents(out, ask, llm_gemini_resource(model, pool), is_vertex,
                     pool);
    }
    req->method = "POST";
    req->path = apr_pstrcat(pool, path,
                            predicts ? ":predict"
                            : llm_json_is(ask->embed_input, LLM_JSON_ARRAY)
                                ? ":batchEmbedContents"
                                : ":embedContent",
                            NULL);
    apr_table_setn(req->headers, "Content-Type", "application/json");
    llm_request_set_body(req, out, pool);
    return NULL;
}

/* ---- answers ---- */

/* The numbers in a row of an answer, of whichever form. */
static const llm_json_t *values_of(const llm_json_t *row)
{
    const llm_json_t *inside = llm_json_want(row, "embeddings");

    return llm_json_get(inside ? inside : row, "values");
}

/* The vectors as elements of one array. Nodes are copied, numbers are not:
 * the array's own `raw` is empty. */
static const llm_json_t *read_vectors(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *row = llm_json_want(doc, "embeddings");
    llm_json_t *array = apr_pcalloc(pool, sizeof(*array));
    llm_json_t **end = &array->child;

    array->type = LLM_JSON_ARRAY;
    row = row ? row : llm_json_want(doc, "predictions");
    row = llm_json_is(row, LLM_JSON_ARRAY) ? row->child
                                           : llm_json_want(doc, "embedding");
    for (; row; row = row->next) {
        const llm_json_t *values = values_of(row);

        if (!llm_json_is(values, LLM_JSON_ARRAY)) {
            return NULL;
        }
        *end = apr_pmemdup(pool, values, sizeof(*values));
        (*end)->next = NULL;
        (*end)->name = LLM_TEXT_NONE;
        end = &(*end)->next;
        ++array->count;
        if (llm_text_equals(row->name, "embedding")) {
            break; /* a member's neighbours are not vectors */
        }
    }
    return array->count ? array : NULL;
}

llm_problem_t *llm_gemini_read_embed(llm_answer_t *answer,
                                     const llm_json_t *doc, apr_pool_t *pool)
{
    answer->embeddings = read_vectors(doc, pool);
    return answer->embeddings
               ? NULL
               : llm_problem_make(LLM_PROBLEM_UPSTREAM, pool,
                                  "the provider sent no embeddings");
}

/* ---- the dialect ---- */

/* Of Vertex's for models that no client's bytes can be passed to; nobody
 * configures it. */
static const llm_dialect_t predict = {
    .name = "gemini",
    .provider_ops = LLM_OP_EMBED,

    .write_request = llm_gemini_write_embed,
    .secret_header = llm_gemini_secret_header,
    .read_response = llm_gemini_read_response,
    .read_usage = llm_gemini_read_usage,
    .read_problem = llm_gemini_read_problem,
};

const llm_dialect_t *llm_gemini_instead(const llm_provider_t *provider,
                                        const char *model, llm_op_e op)
{
    return op == LLM_OP_EMBED && model && llm_gemini_is_vertex(provider)
                   && !is_content_model(model)
               ? &predict
               : NULL;
}
