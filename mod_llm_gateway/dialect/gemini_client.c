/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's request in Gemini's dialect becomes an ask: its options, tools
 * and embeddings here, its contents in gemini_parts.c. The model and the wish
 * to stream are in the path; who reads the path sets them.
 *
 * The dialect is protobuf's JSON: every name may be written "topK" or "top_k",
 * and enums by name or number.
 *
 * This is read only where the provider speaks another dialect. What has no
 * term of ours is kept in ask->unknown with its path, for the provider's
 * dialect to judge.
 */
#include "dialect/gemini_internal.h"
#include "dialect/tier.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

static llm_problem_t *expected(const char *member, const char *what,
                               apr_pool_t *pool)
{
    return llm_problem_field(pool, member, "expected %s", what);
}

/* ---- names ---- */

int llm_gemini_is_named(llm_text_t name, const char *camel)
{
    apr_size_t i;

    for (i = 0; i < name.len && *camel; ++i, ++camel) {
        if (name.data[i] == '_' && apr_isupper(*camel) && i + 1 < name.len
            && name.data[i + 1] == apr_tolower(*camel)) {
            ++i;
        }
        else if (name.data[i] != *camel) {
            return 0;
        }
    }
    return i == name.len && !*camel;
}

const llm_json_t *llm_gemini_want(const llm_json_t *object, const char *camel)
{
    const llm_json_t *member, *found = NULL;

    if (!llm_json_is(object, LLM_JSON_OBJECT)) {
        return NULL;
    }
    for (member = object->child; member; member = member->next) {
        if (llm_gemini_is_named(member->name, camel)) {
            found = member;
        }
    }
    return found && found->type != LLM_JSON_NULL ? found : NULL;
}

void llm_gemini_note_others(llm_ask_t *ask, const llm_json_t *object,
                            const char *const *known, const char *where,
                            apr_pool_t *pool)
{
    const llm_json_t *member;

    if (!llm_json_is(object, LLM_JSON_OBJECT)) {
        return;
    }
    for (member = object->child; member; member = member->next) {
        const char *const *name = known;

        while (*name && !llm_gemini_is_named(member->name, *name)) {
            ++name;
        }
        if (!*name) {
            llm_ask_add_unknown(ask, member, where, pool);
        }
    }
}

int llm_gemini_enum(const llm_word_t *words, const llm_json_t *node,
                    int otherwise)
{
    apr_int64_t number;

    if (llm_json_int(node, &number)) {
        return number >= 0 && number < 1000 ? (int)number : otherwise;
    }
    return llm_json_is(node, LLM_JSON_STRING)
               ? llm_word_value(words, llm_json_text(node), otherwise)
               : otherwise;
}

/* ---- generationConfig ---- */

static const char *const config_members[] = {"candidateCount",
                                             "frequencyPenalty",
                                             "logprobs",
                                             "maxOutputTokens",
                                             "presencePenalty",
                                             "responseJsonSchema",
                                             "responseLogprobs",
                                             "responseMimeType",
                                             "responseModalities",
                                             "responseSchema",
                                             "seed",
                                             "speechConfig",
                                             "stopSequences",
                                             "temperature",
                                             "thinkingConfig",
                                             "topK",
                                             "topP",
                                             NULL};

/* What Gemini's models do where nothing is said, as their pages have it; its
 * command line says it in every request. */
#define USUAL_TOP_K 64
#define USUAL_TOP_P 0.95

static int is_number(const llm_json_t *node, double wanted)
{
    double value;

    return llm_json_double(node, &value) && value >= wanted && value <= wanted;
}

static llm_problem_t *read_numbers(llm_ask_t *ask, const llm_json_t *config,
                                   apr_pool_t *pool)
{
    const struct {
        const char *name;
        const llm_json_t **pnode;
    } rows[] = {
        {"maxOutputTokens", &ask->max_tokens},
        {"temperature", &ask->temperature},
        {"topP", &ask->top_p},
        {"topK", &ask->top_k},
        {"candidateCount", &ask->n},
        {"seed", &ask->seed},
        {"presencePenalty", &ask->presence_penalty},
        {"frequencyPenalty", &ask->frequency_penalty},
        {"logprobs", &ask->top_logprobs},
    };
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        const llm_json_t *node = llm_gemini_want(config, rows[i].name);

        if (node && node->type != LLM_JSON_NUMBER) {
            return expected(
                apr_pstrcat(pool, "generationConfig.", rows[i].name, NULL),
                "a number", pool);
        }
        *rows[i].pnode = node;
    }
    ask->usual_top_k = is_number(ask->top_k, USUAL_TOP_K);
    ask->usual_top_p = is_number(ask->top_p, USUAL_TOP_P);
    return NULL;
}

static llm_problem_t *read_words(llm_ask_t *ask, const llm_json_t *config,
                                 apr_pool_t *pool)
{
    const llm_json_t *stop = llm_gemini_want(config, "stopSequences");
    const llm_json_t *logprobs = llm_gemini_want(config, "responseLogprobs");

    if (stop && stop->type != LLM_JSON_ARRAY) {
        return expected("generationConfig.stopSequences", "an array of strings",
                        pool);
    }
    if (logprobs && !llm_json_is_bool(logprobs)) {
        return expected("generationConfig.responseLogprobs", "true or false",
                        pool);
    }
    ask->stop = stop && stop->count ? stop : NULL;
    ask->logprobs = llm_json_is_true(logprobs) ? logprobs : NULL;
    return NULL;
}

static llm_problem_t *read_format(llm_ask_t *ask, const llm_json_t *config,
                                  apr_pool_t *pool)
{
    const llm_json_t *type = llm_gemini_want(config, "responseMimeType");
    const llm_json_t *own = llm_gemini_want(config, "responseSchema");
    const llm_json_t *schema = llm_gemini_want(config, "responseJsonSchema");

    if (type && !llm_json_equals(type, "application/json")) {
        if (llm_json_equals(type, "text/plain") || llm_json_equals(type, "")) {
            return NULL;
        }
        return expected("generationConfig.responseMimeType",
                        "\"text/plain\" or \"application/json\": the provider "
                        "of this model has no other",
                        pool);
    }
    if (own && own->type != LLM_JSON_OBJECT) {
        return expected("generationConfig.responseSchema", "a Schema", pool);
    }
    if (schema && schema->type != LLM_JSON_OBJECT) {
        return expected("generationConfig.responseJsonSchema", "a JSON Schema",
                        pool);
    }
    if (!schema) {
        schema = llm_gemini_json_schema(own, 1, pool);
    }
    if (schema) {
        ask->format = LLM_FORMAT_SCHEMA;
        ask->format_schema = schema;
        ask->format_held = 1;
    }
    else if (type) {
        ask->format = LLM_FORMAT_JSON;
    }
    return NULL;
}

/* A budget of 0 forbids thinking, one of -1 leaves it to the model. */
static llm_problem_t *read_thinking(llm_ask_t *ask, const llm_json_t *config,
                                    apr_pool_t *pool)
{
    /* Google's pages have them in small letters */
    static const llm_word_t levels[] = {
        {"LOW", 1},     {"MEDIUM", 2},  {"HIGH", 3},
        {"MINIMAL", 4}, {"low", 1},     {"medium", 2},
        {"high", 3},    {"minimal", 4}, {NULL, 0}};
    static const char *const efforts[] = {NULL, "low", "medium", "high",
                                          "minimal"};
    static const char *const known[] = {"includeThoughts", "thinkingBudget",
                                        "thinkingLevel", NULL};
    const llm_json_t *object = llm_gemini_want(config, "thinkingConfig");
    const llm_json_t *budget = llm_gemini_want(object, "thinkingBudget");
    const llm_json_t *level = llm_gemini_want(object, "thinkingLevel");
    int shown = llm_json_is_true(llm_gemini_want(object, "includeThoughts"));
    int number = llm_gemini_enum(levels, level, 0);
    apr_int64_t tokens;

    ask->hide_thoughts = !shown;
    ask->thinking = shown;
    if (budget && !llm_json_int(budget, &tokens)) {
        return expected("generationConfig.thinkingConfig.thinkingBudget",
                        "a number", pool);
    }
    if (budget) {
        ask->thinking = tokens ? 1 : -1;
        ask->thinking_budget = tokens > 0 ? budget : NULL;
    }
    if (number > 0 && number < 5) {
        ask->effort.data = efforts[number];
        ask->effort.len = strlen(efforts[number]);
        ask->thinking = ask->thinking ? ask->thinking : 1;
    }
    else if (level && !llm_json_equals(level, "THINKING_LEVEL_UNSPECIFIED")) {
        return expected("generationConfig.thinkingConfig.thinkingLevel",
                        "MINIMAL, LOW, MEDIUM or HIGH", pool);
    }
    llm_gemini_note_others(ask, object, known,
                           "generationConfig.thinkingConfig", pool);
    return NULL;
}

static llm_problem_t *read_config(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    const llm_json_t *config = llm_gemini_want(doc, "generationConfig");
    llm_problem_t *problem;

    ask->hide_thoughts = 1;
    if (config && config->type != LLM_JSON_OBJECT) {
        return expected("generationConfig", "an object", pool);
    }
    problem = read_numbers(ask, config, pool);
    if (!problem) {
        problem = read_words(ask, config, pool);
    }
    if (!problem) {
        problem = llm_gemini_read_modalities(ask, config, pool);
    }
    if (!problem) {
        problem = read_format(ask, config, pool);
    }
    if (!problem) {
        problem = read_thinking(ask, config, pool);
    }
    llm_gemini_note_others(ask, config, config_members, "generationConfig",
                           pool);
    return problem;
}

/* ---- tools ---- */

static llm_problem_t *read_function(llm_ask_t *ask, llm_tools_t *tools,
                                    const llm_json_t *node, const char *where,
                                    apr_pool_t *pool)
{
    static const char *const known[] = {"description", "name", "parameters",
                                        "parametersJsonSchema", NULL};
    const llm_json_t *schema = llm_gemini_want(node, "parametersJsonSchema");
    const llm_json_t *own = llm_gemini_want(node, "parameters");
    llm_tool_t *tool;

    if (node->type != LLM_JSON_OBJECT) {
        return expected(where, "an object", pool);
    }
    if (own && own->type != LLM_JSON_OBJECT) {
        return expected(apr_pstrcat(pool, where, ".parameters", NULL),
                        "a Schema", pool);
    }
    if (schema && schema->type != LLM_JSON_OBJECT) {
        return expected(apr_pstrcat(pool, where, ".parametersJsonSchema", NULL),
                        "a JSON Schema", pool);
    }
    tool = llm_tools_add(tools, pool);
    tool->name = llm_json_text(llm_gemini_want(node, "name"));
    tool->description = llm_json_text(llm_gemini_want(node, "description"));
    tool->schema = schema ? schema : llm_gemini_json_schema(own, 0, pool);
    if (llm_text_is_empty(tool->name)) {
        return expected(apr_pstrcat(pool, where, ".name", NULL), "a name",
                        pool);
    }
    llm_gemini_note_others(ask, node, known, where, pool);
    return NULL;
}

/* One element of `tools`: functions, or one of Google's own tools, or both. */
static llm_problem_t *read_tool(llm_ask_t *ask, llm_tools_t *tools,
                                const llm_json_t *node, const char *where,
                                apr_pool_t *pool)
{
    static const char *const known[] = {"functionDeclarations", NULL};
    const llm_json_t *list = llm_gemini_want(node, "functionDeclarations");
    const char *inner = apr_pstrcat(pool, where, ".functionDeclarations", NULL);
    const llm_json_t *function;
    llm_problem_t *problem = NULL;
    int i = 0;

    if (node->type != LLM_JSON_OBJECT) {
        return expected(where, "an object", pool);
    }
    if (list && list->type != LLM_JSON_ARRAY) {
        return expected(inner, "an array", pool);
    }
    for (function = list ? list->child : NULL; function && !problem;
         function = function->next) {
        problem = read_function(ask, tools, function,
                                apr_psprintf(pool, "%s[%d]", inner, i++), pool);
    }
    llm_gemini_note_others(ask, node, known, where, pool);
    return problem;
}

static llm_problem_t *read_tools(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *list = llm_gemini_want(doc, "tools"), *node;
    llm_problem_t *problem = NULL;
    llm_tools_t tools = {NULL, NULL};
    int i = 0;

    if (list && list->type != LLM_JSON_ARRAY) {
        return expected("tools", "an array", pool);
    }
    for (node = list ? list->child : NULL; node && !problem;
         node = node->next) {
        problem = read_tool(ask, &tools, node,
                            apr_psprintf(pool, "tools[%d]", i++), pool);
    }
    ask->tools = tools.first;
    return problem;
}

static int is_allowed(const llm_json_t *names, const llm_tool_t *tool)
{
    const llm_json_t *name;

    for (name = names->child; name; name = name->next) {
        if (llm_text_is_same(llm_json_text(name), tool->name)) {
            return 1;
        }
    }
    return 0;
}

/* Some of the tools must be called: others need not be offered. */
static void keep_allowed(llm_ask_t *ask, const llm_json_t *names)
{
    llm_tool_t **at = &ask->tools;

    while (*at) {
        if (is_allowed(names, *at)) {
            at = &(*at)->next;
        }
        else {
            *at = (*at)->next;
        }
    }
}

static llm_problem_t *read_allowed(llm_ask_t *ask, const llm_json_t *names,
                                   apr_pool_t *pool)
{
    static const char where[] =
        "toolConfig.functionCallingConfig.allowedFunctionNames";
    const llm_json_t *name;

    if (names->type != LLM_JSON_ARRAY) {
        return expected(where, "an array of names", pool);
    }
    for (name = names->child; name; name = name->next) {
        if (llm_text_is_empty(llm_json_text(name))) {
            return expected(where, "an array of names", pool);
        }
    }
    if (names->count == 1 && ask->choose == LLM_CHOOSE_ANY) {
        ask->choose = LLM_CHOOSE_TOOL;
        ask->choose_name = llm_json_text(names->child);
    }
    else if (names->count && ask->choose != LLM_CHOOSE_NONE) {
        keep_allowed(ask, names);
    }
    return NULL;
}

static llm_problem_t *read_choice(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const llm_word_t words[] = {
        {"MODE_UNSPECIFIED", 0}, {"AUTO", 1}, {"ANY", 2}, {"NONE", 3},
        {"VALIDATED", 4},        {NULL, 0},
    };
    static const llm_choose_e modes[] = {LLM_CHOOSE_UNSAID, LLM_CHOOSE_AUTO,
                                         LLM_CHOOSE_ANY, LLM_CHOOSE_NONE,
                                         LLM_CHOOSE_AUTO};
    static const char *const known[] = {"functionCallingConfig", NULL};
    static const char *const calling[] = {"allowedFunctionNames", "mode", NULL};
    const llm_json_t *outer = llm_gemini_want(doc, "toolConfig");
    const llm_json_t *config = llm_gemini_want(outer, "functionCallingConfig");
    const llm_json_t *mode = llm_gemini_want(config, "mode");
    const llm_json_t *names = llm_gemini_want(config, "allowedFunctionNames");
    int number = llm_gemini_enum(words, mode, mode ? -1 : 0);

    if (number < 0 || number > 4) {
        return expected("toolConfig.functionCallingConfig.mode",
                        "AUTO, ANY, NONE or VALIDATED", pool);
    }
    ask->choose = modes[number];
    llm_gemini_note_others(ask, outer, known, "toolConfig", pool);
    llm_gemini_note_others(ask, config, calling,
                           "toolConfig.functionCallingConfig", pool);
    return names ? read_allowed(ask, names, pool) : NULL;
}

/* ---- chats ---- */

static const char *const chat_members[] = {
    "contents",          "generationConfig", "model", "serviceTier",
    "systemInstruction", "toolConfig",       "tools", NULL};

static llm_problem_t *read_tier(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    const llm_json_t *tier = llm_gemini_want(doc, "serviceTier");

    if (tier && !llm_json_is(tier, LLM_JSON_STRING)) {
        return expected("serviceTier", "a string", pool);
    }
    /* "unspecified" is the default, in capitals where it is the enum's name */
    if (tier && !llm_json_equals(tier, "unspecified")
        && !llm_json_equals(tier, "SERVICE_TIER_UNSPECIFIED")) {
        const char *word = llm_tier_word(llm_json_text(tier), llm_tiers_openai);

        ask->service_tier =
            word ? (llm_text_t){word, strlen(word)} : llm_json_text(tier);
    }
    return NULL;
}

static llm_problem_t *read_chat(llm_ask_t *ask, const llm_json_t *doc,
                                apr_pool_t *pool)
{
    llm_problem_t *problem = read_tools(ask, doc, pool);

    ask->include_usage = 1; /* always told in this dialect */
    if (!problem) {
        problem = read_tier(ask, doc, pool);
    }
    if (!problem) {
        problem = read_choice(ask, doc, pool);
    }
    if (!problem) {
        problem = read_config(ask, doc, pool);
    }
    if (!problem) {
        problem = llm_gemini_read_contents(ask, doc, pool);
    }
    llm_gemini_note_others(ask, doc, chat_members, NULL, pool);
    return problem;
}

/* countTokens: contents alone, or the whole of a request. */
static llm_problem_t *read_count(llm_ask_t *ask, const llm_json_t *doc,
                                 apr_pool_t *pool)
{
    const llm_json_t *inner = llm_gemini_want(doc, "generateContentRequest");

    if (inner && inner->type != LLM_JSON_OBJECT) {
        return expected("generateContentRequest", "an object", pool);
    }
    return read_chat(ask, inner ? inner : doc, pool);
}

/* ---- embeddings ---- */

static const char *const embed_members[] = {
    "content", "embedContentConfig", "model", "outputDimensionality", NULL};
static const char *const embed_config_members[] = {"outputDimensionality",
                                                   NULL};

/* The texts of a content as one JSON string. */
static llm_problem_t *put_text(llm_buf_t *out, const llm_json_t *content,
                               const char *where, apr_pool_t *pool)
{
    const llm_json_t *part = llm_gemini_want(content, "parts");
    int count = 0;

    part = llm_json_is(part, LLM_JSON_ARRAY) ? part->child : part;
    llm_put_comma(out);
    llm_buf_putc(out, '"');
    for (; part; part = part->next) {
        llm_text_t text = llm_json_text(llm_gemini_want(part, "text"));

        if (!text.data) {
            return expected(
                apr_psprintf(pool, "%s.parts[%d].text", where, count),
                "a string: the provider of this model embeds texts", pool);
        }
        llm_buf_append(out, text.data, text.len);
        ++count;
    }
    llm_buf_putc(out, '"');
    return count ? NULL
                 : expected(apr_pstrcat(pool, where, ".parts", NULL),
                            "an array of parts", pool);
}

/* One text to embed; all of a batch have to want the same size. */
static llm_problem_t *read_embed(llm_buf_t *out, llm_ask_t *ask,
                                 const llm_json_t *node, const char *where,
                                 int is_first, apr_pool_t *pool)
{
    const llm_json_t *config = llm_gemini_want(node, "embedContentConfig");
    const llm_json_t *size = llm_gemini_want(node, "outputDimensionality");
    const char *dot = where ? "." : "";
    apr_int64_t wanted = 0, before = 0;

    where = where ? where : "";
    if (config && config->type != LLM_JSON_OBJECT) {
        return expected(
            apr_pstrcat(pool, where, dot, "embedContentConfig", NULL),
            "an object", pool);
    }
    size = size ? size : llm_gemini_want(config, "outputDimensionality");
    llm_json_int(ask->dimensions, &before);
    if (size && (!llm_json_int(size, &wanted) || wanted < 1)) {
        return expected(
            apr_pstrcat(pool, where, dot, "outputDimensionality", NULL),
            "a number", pool);
    }
    if (!is_first && wanted != before) {
        return expected(
            apr_pstrcat(pool, where, dot, "outputDimensionality", NULL),
            "the same in all requests: the provider of this model has one "
            "size for all",
            pool);
    }
    ask->dimensions = size;
    llm_gemini_note_others(ask, node, embed_members, *where ? where : NULL,
                           pool);
    llm_gemini_note_others(
        ask, config, embed_config_members,
        apr_pstrcat(pool, where, dot, "embedContentConfig", NULL), pool);
    return put_text(out, llm_gemini_want(node, "content"),
                    apr_pstrcat(pool, where, dot, "content", NULL), pool);
}

static llm_problem_t *read_embeds(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool)
{
    static const char *const known[] = {"model", "requests", NULL};
    const llm_json_t *list = llm_gemini_want(doc, "requests"), *node;
    llm_buf_t *out = llm_buf_make(0, pool);
    llm_problem_t *problem = NULL;
    int i = 0;

    ask->encoding_format = LLM_TEXT_LITERAL("float");
    if (!list) {
        problem = read_embed(out, ask, doc, NULL, 1, pool);
    }
    else if (list->type != LLM_JSON_ARRAY || !list->count) {
        return expected("requests", "an array of requests", pool);
    }
    else {
        llm_gemini_note_others(ask, doc, known, NULL, pool);
        llm_buf_putc(out, '[');
        for (node = list->child; node && !problem; node = node->next, ++i) {
            problem =
                read_embed(out, ask, node,
                           apr_psprintf(pool, "requests[%d]", i), !i, pool);
        }
        llm_buf_putc(out, ']');
    }
    if (!problem
        && llm_json_read(&ask->embed_input, out->data, out->len, NULL, pool)) {
        problem = expected("requests", "fewer texts", pool);
    }
    return problem;
}

/* ---- all of it ---- */

/* What the body calls the model, where it does: countTokens and embeddings
 * repeat it, with the folder it is in. */
static const char *model_of(const llm_json_t *doc, apr_pool_t *pool)
{
    const char *name = llm_json_string(llm_json_want(doc, "model"), pool);

    if (name && !strncmp(name, "models/", 7)) {
        name += 7;
    }
    return name ? name : "";
}

llm_problem_t *llm_gemini_read_request(llm_ask_t **pask, llm_op_e op,
                                       const llm_json_t *doc, apr_pool_t *pool)
{
    llm_ask_t *ask = apr_pcalloc(pool, sizeof(*ask));

    *pask = ask;
    ask->op = op;
    ask->unknown = apr_array_make(pool, 0, sizeof(const llm_json_t *));
    if (!llm_json_is(doc, LLM_JSON_OBJECT)) {
        return llm_problem_make(LLM_PROBLEM_BAD_REQUEST, pool,
                                "the body is not a JSON object");
    }
    ask->model = model_of(doc, pool);
    return op == LLM_OP_EMBED   ? read_embeds(ask, doc, pool)
           : op == LLM_OP_COUNT ? read_count(ask, doc, pool)
                                : read_chat(ask, doc, pool);
}
