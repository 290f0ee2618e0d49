/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ask made to fit what a provider can do. Members are named by our words;
 * whoever answers the client tells them by the client's.
 */
#include "dialect/limits.h"

#include <string.h>

#include <apr_strings.h>

#include "dialect/common.h"
#include "dialect/documents.h"

typedef struct fit_t {
    llm_ask_t *ask; /* NULL until something has to go */
    const llm_ask_t *given;
    llm_request_t *req;
    const llm_limits_t *limits;
    apr_pool_t *pool;
} fit_t;

/* Members whose loss would be a loss of what was said: how their paths begin,
 * in all dialects. */
static const char *const said[] = {
    "cachedContent",
    "cached_content",
    "content",
    "contents",
    "context",
    "conversation",
    "documents",
    "images",
    "input",
    "inputs",
    "instructions",
    "messages",
    "previous_response_id",
    "prompt",
    "raw",
    "suffix",
    "system",
    "systemInstruction",
    "system_instruction",
    "template",
    NULL,
};

int llm_path_is_said(const char *path)
{
    apr_size_t len = strcspn(path, ".[");
    const char *const *name;

    for (name = said; *name; ++name) {
        if (strlen(*name) == len && !memcmp(*name, path, len)) {
            return 1;
        }
    }
    return 0;
}

const char *llm_path_renamed(const char *path, const llm_rename_t *names,
                             apr_pool_t *pool)
{
    const llm_rename_t *best = NULL;
    apr_size_t most = 0;

    for (; names && names->ours; ++names) {
        apr_size_t len = strlen(names->ours);

        if (len > most && !strncmp(path, names->ours, len)
            && (!path[len] || path[len] == '.')) {
            best = names;
            most = len;
        }
    }
    return best ? apr_pstrcat(pool, best->theirs, path + most, NULL) : path;
}

llm_problem_t *llm_problem_renamed(llm_problem_t *problem,
                                   const llm_rename_t *names, apr_pool_t *pool)
{
    llm_problem_t *renamed = problem;
    apr_size_t len;

    if (!problem || !problem->param || problem->from_upstream) {
        return problem;
    }
    len = strlen(problem->param);
    if (!strncmp(problem->message, problem->param, len)) {
        renamed = apr_pmemdup(pool, problem, sizeof(*problem));
        renamed->param = llm_path_renamed(problem->param, names, pool);
        renamed->message =
            apr_pstrcat(pool, renamed->param, problem->message + len, NULL);
    }
    return renamed;
}

llm_problem_t *llm_request_lacks(llm_request_t *req, llm_problem_t *problem)
{
    if (!problem || !problem->param
        || req->unsupported != LLM_UNSUPPORTED_DROP) {
        return problem;
    }
    llm_request_drop(req, problem->param);
    return NULL;
}

/* ---- one wish ---- */

static llm_ask_t *changed(fit_t *fit)
{
    if (!fit->ask) {
        fit->ask = apr_pmemdup(fit->pool, fit->given, sizeof(*fit->given));
    }
    return fit->ask;
}

static llm_problem_t *lacks(const fit_t *fit, const char *param)
{
    return llm_request_lacks(
        fit->req, llm_problem_unsupported(param, fit->limits->who, fit->pool));
}

static int is_number_but(const llm_json_t *node, double usual)
{
    double value;

    return llm_json_double(node, &value) && (value < usual || value > usual);
}

static int is_list(const llm_json_t *node)
{
    return node && (node->type != LLM_JSON_ARRAY || node->count);
}

/* ---- wishes that are one member ---- */

static int wants_several(const llm_json_t *node)
{
    return is_number_but(node, 1);
}

static int is_not_zero(const llm_json_t *node)
{
    return is_number_but(node, 0);
}

static int wants_bias(const llm_json_t *node)
{
    return node && node->count;
}

static int wants_anything(const llm_json_t *node)
{
    return node != NULL;
}

static const struct wish_t {
    unsigned bit;
    const char *name;
    apr_size_t offset; /* of a const llm_json_t * in llm_ask_t */
    int (*is_wished)(const llm_json_t *node);
    int is_hint;
} wishes[] = {
#define WISH(bit, member, is_wished)                                           \
    {                                                                          \
        bit, #member, APR_OFFSETOF(llm_ask_t, member), is_wished, 0            \
    }
#define HINT(bit, member, name)                                                \
    {                                                                          \
        bit, name, APR_OFFSETOF(llm_ask_t, member), wants_anything, 1          \
    }
    WISH(LLM_LACKS_SEVERAL, n, wants_several),
    WISH(LLM_LACKS_FREQUENCY_PENALTY, frequency_penalty, is_not_zero),
    WISH(LLM_LACKS_PRESENCE_PENALTY, presence_penalty, is_not_zero),
    WISH(LLM_LACKS_LOGIT_BIAS, logit_bias, wants_bias),
    WISH(LLM_LACKS_LOGPROBS, logprobs, llm_json_is_true),
    WISH(LLM_LACKS_LOGPROBS, top_logprobs, is_not_zero),
    WISH(LLM_LACKS_TOP_K, top_k, wants_anything),
    WISH(LLM_LACKS_STOP, stop, is_list),
    HINT(LLM_LACKS_SEED, seed, "seed"),
    HINT(LLM_LACKS_BUDGET, thinking_budget, "thinking.budget_tokens"),
    HINT(LLM_LACKS_METADATA, metadata, "metadata"),
#undef HINT
#undef WISH
    {0, NULL, 0, NULL, 0},
};

static const llm_json_t *node_of(const llm_ask_t *ask, apr_size_t offset)
{
    const llm_json_t *node;

    memcpy(&node, (const char *)ask + offset, sizeof(node));
    return node;
}

static llm_problem_t *fit_wishes(fit_t *fit)
{
    const llm_json_t *none = NULL;
    const struct wish_t *wish;

    for (wish = wishes; wish->name; ++wish) {
        const llm_json_t *node = node_of(fit->given, wish->offset);

        if (!(fit->limits->lacks & wish->bit) || !node) {
            continue;
        }
        if (wish->is_wished(node)) {
            int is_hint =
                wish->is_hint
                || (wish->bit == LLM_LACKS_TOP_K && fit->given->usual_top_k);
            llm_problem_t *problem = is_hint ? NULL : lacks(fit, wish->name);

            if (problem) {
                return problem;
            }
            llm_request_drop(fit->req, wish->name);
        }
        memcpy((char *)changed(fit) + wish->offset, &none, sizeof(none));
    }
    return NULL;
}

static llm_problem_t *fit_temperature(fit_t *fit)
{
    double temperature, most = fit->limits->temperature_max;
    llm_problem_t *problem;

    if (!(most > 0) || !llm_json_double(fit->given->temperature, &temperature)
        || temperature <= most) {
        return NULL;
    }
    problem =
        llm_request_lacks(fit->req, llm_problem_field(fit->pool, "temperature",
                                                      "%s models take 0 to %g",
                                                      fit->limits->who, most));
    if (!problem) {
        changed(fit)->temperature = NULL;
    }
    return problem;
}

/* How many of the probabilities that are not asked for. */
static void drop_count(fit_t *fit)
{
    const llm_ask_t *ask = fit->ask ? fit->ask : fit->given;

    if (ask->top_logprobs && !llm_json_is_true(ask->logprobs)) {
        if (is_not_zero(ask->top_logprobs)) {
            llm_request_drop(fit->req, "top_logprobs");
        }
        changed(fit)->top_logprobs = NULL;
    }
}

static void drop_effort(fit_t *fit)
{
    if ((fit->limits->lacks & LLM_LACKS_EFFORT) && fit->given->effort.data
        && !fit->given->thinking) {
        llm_request_drop(fit->req, "reasoning_effort");
        changed(fit)->effort = LLM_TEXT_NONE;
    }
}

static void drop_labels(fit_t *fit)
{
    llm_text_t tier = fit->given->service_tier;

    if ((fit->limits->lacks & LLM_LACKS_USER) && fit->given->user.data) {
        llm_request_drop(fit->req, "user");
        changed(fit)->user = LLM_TEXT_NONE;
    }
    if ((fit->limits->lacks & LLM_LACKS_TIER) && tier.data) {
        if (!llm_text_equals(tier, "auto")
            && !llm_text_equals(tier, "default")) {
            llm_request_drop(fit->req, "service_tier");
        }
        changed(fit)->service_tier = LLM_TEXT_NONE;
    }
}

static void fit_documents(fit_t *fit)
{
    if (fit->given->documents && !fit->limits->cites) {
        changed(fit)->turns =
            llm_turns_without_documents(fit->given->turns, fit->req, fit->pool);
        fit->ask->documents = 0;
    }
}

/* ---- tools and the form of the answer ---- */

/* What kind of tool it is, by its type, or by the one member Gemini's have. */
static const char *kind_of(const llm_tool_t *tool, apr_pool_t *pool)
{
    llm_text_t type = llm_json_text(llm_json_get(tool->raw, "type"));

    if (!type.data && llm_json_is(tool->raw, LLM_JSON_OBJECT)
        && tool->raw->count == 1) {
        type = tool->raw->child->name;
    }
    return type.data ? llm_text_string(type, pool) : "unknown";
}

static int takes_tool(const fit_t *fit, const llm_tool_t *tool)
{
    if (fit->limits->lacks & LLM_LACKS_TOOLS) {
        return 0;
    }
    return !tool->raw
           || (fit->limits->takes_tool && fit->limits->takes_tool(tool->raw));
}

/*
 * Agents offer the searches of their own maker beside tools that they run
 * themselves, and go on without. So such an offer is a hint, unless the model
 * has to search, or is given nothing else.
 */
static int is_search_on_offer(const fit_t *fit, const llm_tool_t *search,
                              const char *kind)
{
    static const char *const kinds[] = {"googleSearch", "google_search",
                                        "tool_search", "web_search", NULL};
    const llm_tool_t *tool = fit->given->tools;
    const char *const *row = kinds;

    while (*row && strncmp(kind, *row, strlen(*row)) != 0) {
        ++row;
    }
    while (tool && !takes_tool(fit, tool)) {
        tool = tool->next;
    }
    return *row && tool && fit->req->unsupported != LLM_UNSUPPORTED_STRICT
           && (fit->given->choose != LLM_CHOOSE_TOOL
               || !llm_text_is_same(
                   llm_json_text(llm_json_get(search->raw, "name")),
                   fit->given->choose_name));
}

static llm_problem_t *refuse_tool(fit_t *fit, const llm_tool_t *tool,
                                  int number)
{
    const char *kind;
    llm_problem_t *problem;

    if (!tool->raw || (fit->limits->lacks & LLM_LACKS_TOOLS)) {
        return lacks(fit, fit->given->legacy_functions ? "functions" : "tools");
    }
    kind = kind_of(tool, fit->pool);
    if (fit->req->unsupported == LLM_UNSUPPORTED_DROP
        || is_search_on_offer(fit, tool, kind)) {
        llm_request_drop(fit->req,
                         apr_pstrcat(fit->pool, "tools.", kind, NULL));
        return NULL;
    }
    problem = llm_problem_field(
        fit->pool, apr_psprintf(fit->pool, "tools[%d]", number),
        "%s providers have no tool '%.100s'", fit->limits->who, kind);
    problem->code = "unsupported_parameter";
    return problem;
}

/* Tools that may not be called now are not offered, where there is no other
 * way to say so. A grammar that nobody holds a text to is told as left out. */
static void fit_barred(fit_t *fit)
{
    const llm_tool_t *tool;
    llm_tools_t kept = {NULL, NULL};
    int barred = 0;

    for (tool = fit->given->tools; tool; tool = tool->next) {
        barred |= tool->barred;
        if (tool->custom && tool->custom->definition.data
            && !fit->limits->takes_custom
            && !(tool->barred && !fit->limits->takes_barred)) {
            llm_request_drop(fit->req, "tools.format");
        }
    }
    if (!barred || fit->limits->takes_barred) {
        return;
    }
    for (tool = fit->given->tools; tool; tool = tool->next) {
        if (!tool->barred) {
            llm_tool_t *copy = llm_tools_add(&kept, fit->pool);

            *copy = *tool;
            copy->next = NULL;
        }
    }
    changed(fit)->tools = kept.first;
    fit->given = fit->ask;
}

static llm_problem_t *fit_tools(fit_t *fit)
{
    const llm_tool_t *tool;
    llm_tools_t kept = {NULL, NULL};
    llm_problem_t *problem;
    int i = 0, lost = 0;

    for (tool = fit->given->tools; tool; tool = tool->next, ++i) {
        if (takes_tool(fit, tool)) {
            continue;
        }
        problem = refuse_tool(fit, tool, i);
        if (problem) {
            return problem;
        }
        ++lost;
    }
    if (!lost) {
        return NULL;
    }
    for (tool = fit->given->tools; tool; tool = tool->next) {
        if (takes_tool(fit, tool)) {
            llm_tool_t *copy = llm_tools_add(&kept, fit->pool);

            *copy = *tool;
            copy->next = NULL;
        }
    }
    changed(fit)->tools = kept.first;
    if (!kept.first) { /* a choice among none */
        if (fit->given->choose == LLM_CHOOSE_ANY
            || fit->given->choose == LLM_CHOOSE_TOOL) {
            llm_request_drop(fit->req, "tool_choice");
        }
        fit->ask->choose = LLM_CHOOSE_UNSAID;
        fit->ask->parallel = NULL;
    }
    return NULL;
}

static llm_problem_t *fit_choice(fit_t *fit)
{
    const llm_ask_t *ask = fit->ask ? fit->ask : fit->given;
    llm_problem_t *problem;

    if (!(fit->limits->lacks & LLM_LACKS_FORCED_CALL)
        || (ask->choose != LLM_CHOOSE_ANY && ask->choose != LLM_CHOOSE_TOOL)) {
        return NULL;
    }
    problem = lacks(fit, fit->given->legacy_functions ? "function_call"
                                                      : "tool_choice");
    if (!problem) {
        changed(fit)->choose = LLM_CHOOSE_UNSAID;
    }
    return problem;
}

static llm_problem_t *fit_format(fit_t *fit)
{
    const llm_ask_t *ask = fit->ask ? fit->ask : fit->given;
    unsigned lack = fit->limits->lacks;
    llm_problem_t *problem = NULL;

    if (ask->format != LLM_FORMAT_JSON && ask->format != LLM_FORMAT_SCHEMA) {
        return NULL;
    }
    if ((lack & LLM_LACKS_TOOL_FORMAT) && ask->tools
        && ask->choose != LLM_CHOOSE_NONE) {
        problem = llm_problem_field(fit->pool, "response_format",
                                    "this model cannot be held to a format "
                                    "while it has tools");
    }
    else if ((lack & LLM_LACKS_JSON_FORMAT) && ask->format == LLM_FORMAT_JSON) {
        problem = llm_problem_unsupported("response_format", fit->limits->who,
                                          fit->pool);
    }
    if (problem && !llm_request_lacks(fit->req, problem)) {
        changed(fit)->format = LLM_FORMAT_UNSAID;
        fit->ask->format_name = LLM_TEXT_NONE;
        problem = NULL;
    }
    return problem;
}

/* Answers in something else than text. */
static llm_problem_t *fit_modalities(fit_t *fit)
{
    unsigned wanted = fit->given->modalities & ~(unsigned)LLM_SHOW_TEXT;
    llm_problem_t *problem = NULL;

    if (wanted & ~fit->limits->modalities) {
        problem = lacks(fit, "modalities");
        if (!problem) {
            changed(fit)->modalities = 0;
        }
    }
    return problem;
}

static void move_shown(fit_t *fit)
{
    llm_turn_t *turns =
        fit->limits->shows
            ? fit->given->turns
            : llm_turns_without_shown(fit->given->turns, fit->pool);

    if (turns != fit->given->turns) {
        changed(fit)->turns = turns;
    }
}

llm_problem_t *llm_ask_fit(const llm_ask_t **pask, llm_request_t *req,
                           const llm_limits_t *limits, apr_pool_t *pool)
{
    fit_t fit = {NULL, *pask, req, limits, pool};
    llm_problem_t *problem;
    const llm_ask_t *named;

    fit_barred(&fit);
    problem = fit_tools(&fit);
    if (!problem) {
        problem = fit_choice(&fit);
    }
    if (!problem) {
        problem = fit_wishes(&fit);
    }
    if (!problem) {
        problem = fit_temperature(&fit);
    }
    if (!problem) {
        problem = fit_format(&fit);
    }
    if (!problem) {
        problem = fit_modalities(&fit);
    }
    if (problem) {
        return problem;
    }
    drop_count(&fit);
    drop_effort(&fit);
    drop_labels(&fit);
    move_shown(&fit);
    fit_documents(&fit);
    named = llm_tool_names_fit(fit.ask ? fit.ask : *pask, &limits->names, pool);
    if (named != *pask) {
        *pask = req->fitted = named;
    }
    return NULL;
}
