/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask becomes the body of generateContent: tools, generationConfig, and
 * what a client wrote in Gemini's own words.
 *
 * What Gemini has no word for is refused when its loss would change the
 * answer (logit_bias, tools of other providers), told as dropped when it would
 * not (user, metadata, service tiers), and seen to by the reader where it can
 * be: one call at a time is what the client gets when it forbids parallel
 * calls, whatever Gemini answers.
 */
#include "dialect/gemini_internal.h"
#include "dialect/limits.h"
#include "dialect/schema.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* ---- Gemini's own words in a client's request ---- */

typedef enum { IN_REQUEST, IN_CONFIG, IN_NEITHER } place_e;

/* Members that OpenAI's or Anthropic's form does not have but that clients
 * add for Gemini, at the top or under extra_body.google, in either spelling. */
static const struct own_t {
    const char *name, *word;
    place_e place;
} own[] = {
    {"safetySettings", "safetySettings", IN_REQUEST},
    {"safety_settings", "safetySettings", IN_REQUEST},
    {"cachedContent", "cachedContent", IN_REQUEST},
    {"cached_content", "cachedContent", IN_REQUEST},
    {"labels", "labels", IN_REQUEST},
    {"thinkingConfig", "thinkingConfig", IN_CONFIG},
    {"thinking_config", "thinkingConfig", IN_CONFIG},
    {"responseModalities", "responseModalities", IN_CONFIG},
    {"response_modalities", "responseModalities", IN_CONFIG},
    {"mediaResolution", "mediaResolution", IN_CONFIG},
    {"media_resolution", "mediaResolution", IN_CONFIG},
    {"speechConfig", "speechConfig", IN_CONFIG},
    {"speech_config", "speechConfig", IN_CONFIG},
    {"imageConfig", "imageConfig", IN_CONFIG},
    {"image_config", "imageConfig", IN_CONFIG},
    {NULL, NULL, IN_NEITHER},
};

static const char *const handled[] = {
    "safetySettings",
    "safety_settings",
    "cachedContent",
    "cached_content",
    "labels",
    "thinkingConfig",
    "thinking_config",
    "responseModalities",
    "response_modalities",
    "mediaResolution",
    "media_resolution",
    "speechConfig",
    "speech_config",
    "imageConfig",
    "image_config",
    "extra_body",
    "google",
    NULL,
};

static const struct own_t *own_of(const llm_json_t *member)
{
    const struct own_t *row;

    for (row = own; row->name; ++row) {
        if (llm_text_equals(member->name, row->name)) {
            return row;
        }
    }
    return NULL;
}

static int is_holder(const llm_json_t *member)
{
    return member->type == LLM_JSON_OBJECT
           && (llm_text_equals(member->name, "extra_body")
               || llm_text_equals(member->name, "google"));
}

/* One bit a word, whatever its spelling. */
static unsigned own_bit(const struct own_t *row)
{
    unsigned i = 0;

    while (strcmp(own[i].word, row->word)) {
        ++i;
    }
    return 1u << i;
}

/* Members for one place; the members of a holder as if they stood outside.
 * *pseen: the words written, each of which may be said once. */
static void put_own(llm_buf_t *out, const llm_json_t *member, place_e place,
                    unsigned *pseen)
{
    const struct own_t *row = own_of(member);
    const llm_json_t *inner;

    if (row && row->place == place && !(*pseen & own_bit(row))) {
        llm_put_member(out, row->word, member);
        *pseen |= own_bit(row);
    }
    else if (is_holder(member)) {
        for (inner = member->child; inner; inner = inner->next) {
            put_own(out, inner, place, pseen);
        }
    }
}

static void put_owns(llm_buf_t *out, const llm_ask_t *ask, place_e place)
{
    unsigned seen = 0;
    int i;

    for (i = 0; i < ask->unknown->nelts; ++i) {
        put_own(out, APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *), place,
                &seen);
    }
}

/* Something in a holder that is not Gemini's. */
static llm_problem_t *check_holder(llm_request_t *req, const llm_json_t *holder,
                                   const char *path, apr_pool_t *pool)
{
    const llm_json_t *member;
    llm_problem_t *problem = NULL;

    for (member = holder->child; member && !problem; member = member->next) {
        const char *inner = apr_pstrcat(
            pool, path, ".", llm_text_string(member->name, pool), NULL);

        if (is_holder(member)) {
            problem = check_holder(req, member, inner, pool);
        }
        else if (!own_of(member)) {
            problem = llm_request_lacks(
                req, llm_problem_unsupported(inner, "Gemini", pool));
        }
    }
    return problem;
}

static llm_problem_t *check_unknown(llm_request_t *req, const llm_ask_t *ask,
                                    apr_pool_t *pool)
{
    llm_problem_t *problem =
        llm_request_settle_unknown(req, ask, handled, pool);
    int i;

    for (i = 0; i < ask->unknown->nelts && !problem; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);

        if (is_holder(member)) {
            problem = check_holder(req, member,
                                   llm_text_string(member->name, pool), pool);
        }
    }
    return problem;
}

const llm_json_t *llm_gemini_unknown(const llm_ask_t *ask, const char *word)
{
    const llm_json_t *found = NULL;
    int i;

    for (i = 0; i < ask->unknown->nelts && !found; ++i) {
        const llm_json_t *member =
            APR_ARRAY_IDX(ask->unknown, i, const llm_json_t *);

        if (llm_text_equals(member->name, word)) {
            found = member;
        }
        else if (is_holder(member)) {
            found = llm_json_get(member, word);
            if (!found) {
                found = llm_json_get(llm_json_get(member, "google"), word);
            }
        }
    }
    return found;
}

/* ---- tools ---- */

static const char *const google_tools[] = {
    "googleSearch",
    "google_search",
    "googleSearchRetrieval",
    "google_search_retrieval",
    "codeExecution",
    "code_execution",
    "urlContext",
    "url_context",
    "fileSearch",
    "file_search",
    "googleMaps",
    "google_maps",
    "computerUse",
    "computer_use",
    "enterpriseWebSearch",
    "enterprise_web_search",
    NULL,
};

/* A tool in Gemini's own form: {"googleSearch":{}}. */
static int is_google_tool(const llm_json_t *raw)
{
    const char *const *name;

    if (!llm_json_is(raw, LLM_JSON_OBJECT) || raw->count != 1) {
        return 0;
    }
    for (name = google_tools; *name; ++name) {
        if (llm_text_equals(raw->child->name, *name)) {
            return llm_json_is(raw->child, LLM_JSON_OBJECT);
        }
    }
    return 0;
}

/* Clients leave out the type; Gemini's "parameters schema should be of type
 * OBJECT". */
static const llm_json_t *as_object(const llm_json_t *schema, apr_pool_t *pool)
{
    llm_buf_t *text;
    const llm_json_t *typed;

    if (!schema || !schema->count || llm_json_get(schema, "type")
        || llm_json_get(schema, "$ref")) {
        return schema;
    }
    text = llm_buf_make(0, pool);
    llm_put_tool_schema(text, schema);
    return llm_json_read(&typed, text->data, text->len, NULL, pool) ? schema
                                                                    : typed;
}

static void put_function(llm_buf_t *out, const llm_tool_t *tool,
                         apr_pool_t *pool)
{
    llm_put_comma(out);
    llm_buf_putc(out, '{');
    llm_put_text_member(out, "name", tool->name);
    llm_put_text_member(out, "description", tool->description);
    llm_gemini_put_schema(out, "parameters", "parametersJsonSchema",
                          as_object(tool->schema, pool), pool);
    llm_buf_putc(out, '}');
}

static void put_tools(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                      apr_pool_t *pool)
{
    const llm_tool_t *tool;
    int functions = 0;

    if (!ask->tools) {
        return;
    }
    llm_put_name(out, "tools");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        if (tool->raw) {
            llm_put_comma(out);
            llm_json_put(out, tool->raw);
            continue;
        }
        if (tool->cache) {
            llm_request_drop(req, "tools.cache_control");
        }
        if (llm_json_is_true(tool->strict)) {
            llm_request_drop(req, "tools.function.strict");
        }
        ++functions;
    }
    if (functions) {
        llm_put_comma(out);
        llm_buf_lit(out, "{\"functionDeclarations\":[");
        for (tool = ask->tools; tool; tool = tool->next) {
            if (!tool->raw) {
                put_function(out, tool, pool);
            }
        }
        llm_buf_lit(out, "]}");
    }
    llm_buf_putc(out, ']');
}

static int has_barred(const llm_ask_t *ask)
{
    const llm_tool_t *tool = ask->tools;

    while (tool && !tool->barred) {
        tool = tool->next;
    }
    return tool != NULL;
}

static void put_allowed(llm_buf_t *out, const llm_ask_t *ask)
{
    const llm_tool_t *tool;

    llm_put_name(out, "allowedFunctionNames");
    llm_buf_putc(out, '[');
    for (tool = ask->tools; tool; tool = tool->next) {
        if (!tool->barred && !tool->raw) {
            llm_put_comma(out);
            llm_buf_put_text(out, tool->name);
        }
    }
    llm_buf_putc(out, ']');
}

static void put_choice(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask)
{
    static const llm_word_t modes[] = {
        {"AUTO", LLM_CHOOSE_AUTO},
        {"NONE", LLM_CHOOSE_NONE},
        {"ANY", LLM_CHOOSE_ANY},
        {"ANY", LLM_CHOOSE_TOOL},
        {NULL, 0},
    };
    const char *mode = llm_word_of(modes, (int)ask->choose);

    if (!mode) {
        return;
    }
    if (ask->choose == LLM_CHOOSE_AUTO && has_barred(ask)) {
        mode = "VALIDATED"; /* AUTO takes no names */
    }
    if (!ask->tools) {
        llm_request_drop(req, "tool_choice");
        return;
    }
    llm_put_name(out, "toolConfig");
    llm_buf_lit(out, "{\"functionCallingConfig\":{");
    llm_put_string_member(out, "mode", mode);
    if (ask->choose == LLM_CHOOSE_TOOL) {
        llm_put_name(out, "allowedFunctionNames");
        llm_buf_putc(out, '[');
        llm_buf_put_text(out, ask->choose_name);
        llm_buf_putc(out, ']');
    }
    else if (has_barred(ask)) {
        put_allowed(out, ask);
    }
    llm_buf_lit(out, "}}");
}

/* ---- thinking ---- */

/* Of "gemini-2.5-pro": 2, 5 and 1; zeros where the name does not say. */
typedef struct model_t {
    int major, minor, is_pro;
} model_t;

static model_t model_of(const char *name)
{
    const char *at = strstr(name, "gemini-");
    model_t model = {0, 0, 0};
    char *end;

    if (at) {
        model.major = (int)strtol(at + 7, &end, 10);
        model.minor = *end == '.' ? (int)strtol(end + 1, &end, 10) : 0;
        model.is_pro = strstr(end, "pro") != NULL;
    }
    return model;
}

typedef enum {
    EFFORT_NONE,
    EFFORT_MINIMAL,
    EFFORT_LOW,
    EFFORT_MEDIUM,
    EFFORT_HIGH,
    EFFORT_MAX,
    EFFORT_UNKNOWN
} effort_e;

static const llm_word_t efforts[] = {
    {"none", EFFORT_NONE}, {"minimal", EFFORT_MINIMAL},
    {"low", EFFORT_LOW},   {"medium", EFFORT_MEDIUM},
    {"high", EFFORT_HIGH}, {"xhigh", EFFORT_MAX},
    {"max", EFFORT_MAX},   {NULL, 0},
};

/* Gemini 3 and later: a level. Pro cannot stop thinking, and its first
 * version knows two levels only. Nor can 3.7 Flash: "Thinking level MINIMAL is
 * not supported for this model". */
static const char *level_of(effort_e effort, model_t model)
{
    if (effort <= EFFORT_MINIMAL) {
        return model.is_pro || model.major > 3 || model.minor > 4 ? "low"
                                                                  : "minimal";
    }
    if (effort == EFFORT_MEDIUM) {
        return model.is_pro && model.major == 3 && !model.minor ? "high"
                                                                : "medium";
    }
    return effort == EFFORT_LOW ? "low" : "high";
}

/* Gemini 2.5 and what does not say its version: a budget, as Google's own
 * OpenAI-compatible endpoint sets it. */
static int budget_of(effort_e effort, model_t model)
{
    switch (effort) {
    case EFFORT_NONE:
        return model.is_pro ? 128 : 0; /* the least that Pro takes */
    case EFFORT_MINIMAL:
    case EFFORT_LOW:
        return 1024;
    case EFFORT_MEDIUM:
        return 8192;
    case EFFORT_MAX:
        return model.is_pro ? 32768 : 24576;
    default:
        return 24576;
    }
}

static int thinks(model_t model)
{
    return !model.major || model.major > 2
           || (model.major == 2 && model.minor >= 5);
}

static llm_problem_t *put_thinking(llm_buf_t *out, llm_request_t *req,
                                   const llm_ask_t *ask, const char *name,
                                   apr_pool_t *pool)
{
    model_t model = model_of(name);
    effort_e effort =
        (effort_e)llm_word_value(efforts, ask->effort, EFFORT_UNKNOWN);

    if (ask->effort.data && effort == EFFORT_UNKNOWN) {
        return llm_problem_field(pool, "reasoning_effort",
                                 "expected none, minimal, low, medium, high, "
                                 "xhigh or max");
    }
    if (ask->thinking < 0) {
        effort = EFFORT_NONE;
    }
    if ((effort == EFFORT_UNKNOWN && !ask->thinking_budget && !ask->thinking)
        || llm_gemini_unknown(ask, "thinkingConfig")
        || llm_gemini_unknown(ask, "thinking_config")) {
        return NULL;
    }
    if (!thinks(model)) {
        if (effort != EFFORT_NONE) {
            llm_request_drop(req, ask->effort.data ? "reasoning_effort"
                                                   : "thinking");
        }
        return NULL;
    }
    llm_put_name(out, "thinkingConfig");
    llm_buf_putc(out, '{');
    if (ask->thinking_budget && ask->thinking >= 0) {
        llm_put_member(out, "thinkingBudget", ask->thinking_budget);
    }
    else if (effort != EFFORT_UNKNOWN && model.major >= 3) {
        llm_put_string_member(out, "thinkingLevel", level_of(effort, model));
    }
    else if (effort != EFFORT_UNKNOWN) {
        llm_put_int_member(out, "thinkingBudget", budget_of(effort, model));
    }
    if (ask->thinking > 0) {
        llm_put_raw_member(out, "includeThoughts", "true");
    }
    llm_buf_putc(out, '}');
    return NULL;
}

/* ---- generationConfig ---- */

/* Gemini's seed has 31 bits; any other number is folded into them, so that
 * equal seeds stay equal. */
static void put_seed(llm_buf_t *out, const llm_json_t *seed)
{
    apr_int64_t value = 0;
    apr_size_t i;

    if (!seed) {
        return;
    }
    if (!llm_json_int(seed, &value) || value < 0 || value > 0x7fffffff) {
        apr_uint64_t hash = 0;

        for (i = 0; i < seed->raw.len; ++i) {
            hash = hash * 131 + (unsigned char)seed->raw.data[i];
        }
        value = (apr_int64_t)(hash & 0x7fffffff);
    }
    llm_put_int_member(out, "seed", value);
}

/* None is the default, and an error for models that have no penalties. */
static void put_penalty(llm_buf_t *out, const char *name,
                        const llm_json_t *penalty)
{
    double value;

    if (!llm_json_double(penalty, &value) || value < 0 || value > 0) {
        llm_put_member(out, name, penalty);
    }
}

static void put_format(llm_buf_t *out, llm_request_t *req, const llm_ask_t *ask,
                       apr_pool_t *pool)
{
    if (ask->format != LLM_FORMAT_JSON && ask->format != LLM_FORMAT_SCHEMA) {
        return;
    }
    llm_put_string_member(out, "responseMimeType", "application/json");
    if (ask->format == LLM_FORMAT_SCHEMA) {
        llm_gemini_put_schema(out, "responseSchema", "responseJsonSchema",
                              ask->format_schema, pool);
    }
    if (ask->format_name.data) {
        llm_request_drop(req, "response_format.json_schema.name");
    }
}

static llm_problem_t *put_config(llm_buf_t *out, llm_request_t *req,
                                 const llm_ask_t *ask, const char *model,
                                 apr_pool_t *pool)
{
    apr_size_t before = out->len;
    llm_problem_t *problem;
    apr_int64_t n;

    llm_put_name(out, "generationConfig");
    llm_buf_putc(out, '{');
    llm_put_member(out, "maxOutputTokens", ask->max_tokens);
    llm_put_member(out, "temperature", ask->temperature);
    llm_put_member(out, "topP", ask->top_p);
    llm_put_member(out, "topK", ask->top_k);
    llm_put_list_member(out, "stopSequences", ask->stop);
    if (!llm_json_int(ask->n, &n) || n != 1) {
        llm_put_member(out, "candidateCount", ask->n);
    }
    put_seed(out, ask->seed);
    put_penalty(out, "frequencyPenalty", ask->frequency_penalty);
    put_penalty(out, "presencePenalty", ask->presence_penalty);
    if (llm_json_is_true(ask->logprobs)) {
        llm_put_raw_member(out, "responseLogprobs", "true");
        llm_put_member(out, "logprobs", ask->top_logprobs);
    }
    put_format(out, req, ask, pool);
    problem = put_thinking(out, req, ask, model, pool);
    if (!problem) {
        problem = llm_gemini_put_modalities(out, req, ask, pool);
    }
    put_owns(out, ask, IN_CONFIG);
    if (out->data[out->len - 1] == '{') {
        llm_buf_cut(out, before); /* nothing was said */
        return problem;
    }
    llm_buf_putc(out, '}');
    return problem;
}

/* ---- all of it ---- */

/* Members that have a term but no place at Gemini. */
static const llm_limits_t limits = {
    .who = "Gemini",
    .lacks = LLM_LACKS_LOGIT_BIAS | LLM_LACKS_METADATA | LLM_LACKS_USER,
    .modalities = LLM_SHOW_IMAGE | LLM_SHOW_SOUND,
    .shows = 1,
    .takes_tool = is_google_tool,
    .names = {"_-.:", 64, 1},
};

llm_problem_t *llm_gemini_put_chat(llm_buf_t *out, llm_request_t *req,
                                   const llm_ask_t *ask, const char *model,
                                   apr_pool_t *pool)
{
    llm_problem_t *problem = check_unknown(req, ask, pool);
    llm_limits_t own_limits = limits;

    own_limits.takes_barred = thinks(model_of(model)); /* VALIDATED is as old */
    llm_buf_putc(out, '{');
    if (!problem) {
        problem = llm_ask_fit(&ask, req, &own_limits, pool);
    }
    if (!problem) {
        problem = llm_gemini_put_contents(out, req, ask, model, pool);
    }
    if (!problem) {
        put_tools(out, req, ask, pool);
        put_choice(out, req, ask);
        problem = put_config(out, req, ask, model, pool);
        put_owns(out, ask, IN_REQUEST);
    }
    llm_buf_putc(out, '}');
    return problem;
}
