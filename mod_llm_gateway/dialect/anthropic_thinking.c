/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model of Anthropic's can do, and how an ask is fitted to it.
 *
 * Thinking was given a budget of tokens from 3.7 on; from 4.6 on models
 * measure it themselves ("adaptive") and take a word for the effort. A name
 * that is not one of Anthropic's (other servers copy the dialect) is treated
 * like 4.0, whose members all of them know.
 *
 * A budget has to leave room below max_tokens. Thinking cannot go with a
 * forced tool or with a temperature, and a budget not with a tool loop whose
 * call was made without it. OpenAI's reasoning_effort is a wish, so it gives
 * way then, and that is told.
 *
 * JSON answers: a schema is native from 4.1 (Opus) and 4.5 on. Elsewhere, and
 * for JSON without a schema, one tool is forced whose input is the answer: the
 * reader turns it back into text. That cannot be done beside other tools.
 */
#include "dialect/anthropic_internal.h"
#include "dialect/limits.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>

#define VERSION_BUDGET   307
#define VERSION_DEFAULT  400
#define VERSION_OPUS_4_1 401
#define VERSION_FORMAT   405
#define VERSION_ADAPTIVE 406
#define VERSION_FIXED    407 /* no sampling by choice */

#define BUDGET_MIN 1024 /* Anthropic's own minimum */
#define ANSWER_MIN 512  /* tokens left for the answer */

/* ---- versions ---- */

/* A number of one or two digits between dashes or dots: not a date. */
static int read_number(const char **pat)
{
    const char *at = *pat;
    int n = 0, digits = 0;

    while (apr_isdigit(*at) && digits < 3) {
        n = n * 10 + (*at++ - '0');
        ++digits;
    }
    if (!digits || digits > 2 || (*at && !strchr("-.@:", *at))) {
        return -1;
    }
    *pat = at;
    return n;
}

/* 100 * major + minor: 405 of "claude-sonnet-4-5-20250929"; 0: no name of
 * Anthropic's. */
static int version_of(const char *model)
{
    const char *at = strstr(model, "claude-");
    int major, minor;

    if (!at) {
        return 0;
    }
    at += strlen("claude-");
    while (*at && !apr_isdigit(*at)) { /* the family's name */
        at = strchr(at, '-');
        if (!at) {
            return 0;
        }
        ++at;
    }
    major = read_number(&at);
    if (major < 0) {
        return 0;
    }
    minor = (*at == '-' || *at == '.') ? (++at, read_number(&at)) : 0;
    return 100 * major + (minor > 0 ? minor : 0);
}

/* ---- thinking ---- */

static const struct {
    const char *word;   /* OpenAI's and Anthropic's */
    apr_int64_t budget; /* tokens */
    const char *effort; /* Anthropic's word */
} efforts[] = {
    {"minimal", 1024, "low"},
    {"low", 2048, "low"},
    {"medium", 8192, "medium"},
    {"high", 16384, "high"},
    {"xhigh", 32768, "xhigh"},
    {"max", 32768, "max"},
    {NULL, 0, NULL},
};

/* Index in `efforts`; the middle where only thinking was asked for. */
static int effort_of(const llm_ask_t *ask)
{
    int i;

    for (i = 0; ask->effort.data && efforts[i].word; ++i) {
        if (llm_text_equals(ask->effort, efforts[i].word)) {
            return i;
        }
    }
    return 2;
}

static apr_int64_t budget_of(const llm_ask_t *ask)
{
    apr_int64_t budget = efforts[effort_of(ask)].budget, limit;

    llm_json_int(ask->thinking_budget, &budget);
    if (budget < BUDGET_MIN) {
        budget = BUDGET_MIN;
    }
    if (llm_json_int(ask->max_tokens, &limit) && budget > limit - ANSWER_MIN) {
        budget = limit - ANSWER_MIN;
    }
    return budget >= BUDGET_MIN ? budget : 0;
}

/* Was the call that the last turns answer made without signed thinking? A
 * model that thinks by a budget refuses to go on from there. */
static int loop_lacks_thinking(const llm_ask_t *ask)
{
    const llm_turn_t *turn, *last = NULL;
    const llm_part_t *part;
    int has_results = 0;

    for (turn = ask->turns; turn; turn = turn->next) {
        if (turn->role == LLM_ROLE_ASSISTANT) {
            last = turn;
            has_results = 0;
        }
        else if (llm_parts_have(turn->parts, LLM_PART_TOOL_RESULT)) {
            has_results = 1;
        }
    }
    if (!last || !has_results) {
        return 0;
    }
    for (part = last->parts; part; part = part->next) {
        if (part->kind == LLM_PART_REDACTED
            || (part->kind == LLM_PART_THINKING && part->signature.data)) {
            return 0;
        }
    }
    return 1;
}

/* A number outside of a range? */
static int is_but(const llm_json_t *node, double least, double most)
{
    double value;

    return llm_json_double(node, &value) && (value < least || value > most);
}

static int has_temperature(const llm_ask_t *ask)
{
    return is_but(ask->temperature, 1.0, 1.0);
}

/* Where a model thinks, or is not sampled by choice, what another maker's does
 * unasked is no wish that could stand in its way. */
static int has_top_k(const llm_ask_t *ask)
{
    return ask->top_k && !ask->usual_top_k;
}

static int has_top_p(const llm_ask_t *ask, double least)
{
    return is_but(ask->top_p, least, 1.0) && !ask->usual_top_p;
}

static void plan_thinking(llm_anthropic_plan_t *plan, llm_request_t *req,
                          const llm_ask_t *ask, int version)
{
    const char *name = ask->effort.data ? "reasoning_effort" : "thinking";

    if (ask->thinking <= 0) {
        return;
    }
    if (version < VERSION_BUDGET
        || (version < VERSION_FIXED
            && (has_temperature(ask) || has_top_k(ask) || has_top_p(ask, 0.95)))
        || ask->choose == LLM_CHOOSE_ANY || ask->choose == LLM_CHOOSE_TOOL
        || plan->format_tool) {
        llm_request_drop(req, name);
    }
    else if (version >= VERSION_ADAPTIVE) {
        plan->adaptive = 1;
        plan->effort = efforts[effort_of(ask)].effort;
        if (ask->thinking_budget) { /* these find their own */
            llm_request_drop(req, "thinking.budget_tokens");
        }
    }
    else if (loop_lacks_thinking(ask) || !budget_of(ask)) {
        llm_request_drop(req, name);
    }
    else {
        plan->budget = budget_of(ask);
    }
}

/* ---- formats ---- */

static llm_problem_t *plan_format(llm_anthropic_plan_t *plan,
                                  llm_request_t *req, const llm_ask_t *ask,
                                  const char *model, int version,
                                  apr_pool_t *pool)
{
    int is_native = version >= VERSION_FORMAT
                    || (version >= VERSION_OPUS_4_1 && strstr(model, "opus"));

    llm_problem_t *problem;

    if (ask->format_name.data) {
        llm_request_drop(req, "response_format.json_schema.name");
    }
    /* what it cannot be held to it can be shown, as a tool's input */
    if (ask->format == LLM_FORMAT_SCHEMA && is_native
        && !llm_schema_fit(&plan->schema, ask->format_schema,
                           &llm_schema_claude,
                           "response_format.json_schema.schema", req, pool)) {
        plan->native_format = 1;
        return NULL;
    }
    plan->format_tool = llm_ask_format_tool(ask);
    problem = plan->format_tool ? llm_ask_check_format_tool(ask, pool) : NULL;
    if (problem) {
        plan->format_tool = LLM_FORMAT_TOOL_NOT;
    }
    return problem;
}

/* ---- sampling ---- */

/* Takes it out of the plan. */
static llm_problem_t *lacks(const llm_json_t **pwish, llm_request_t *req,
                            const char *name, const char *why, apr_pool_t *pool)
{
    *pwish = NULL;
    return llm_request_lacks(req, llm_problem_field(pool, name, "%s", why));
}

/*
 * The defaults are not sent: newer models refuse even these. From 4.1 (Opus)
 * and 4.5 on there is a temperature or a top_p, not both; from 4.7 on neither,
 * and no top_k.
 */
static llm_problem_t *plan_sampling(llm_anthropic_plan_t *plan,
                                    llm_request_t *req, const llm_ask_t *ask,
                                    const char *model, int version,
                                    apr_pool_t *pool)
{
    static const char none[] = "this model is not sampled by choice";
    llm_problem_t *problem = NULL;
    int is_fixed = version >= VERSION_FIXED;
    int is_either = version >= VERSION_FORMAT
                    || (version >= VERSION_OPUS_4_1 && strstr(model, "opus"));

    plan->temperature =
        is_fixed && !has_temperature(ask) ? NULL : ask->temperature;
    plan->top_p = is_but(ask->top_p, 1.0, 1.0) ? ask->top_p : NULL;
    plan->top_k = ask->top_k;
    if (plan->budget || plan->adaptive) {
        plan->temperature = NULL;
    }
    if (ask->usual_top_k && (is_fixed || plan->budget || plan->adaptive)) {
        plan->top_k = NULL;
        llm_request_drop(req, "top_k");
    }
    if (ask->usual_top_p && plan->top_p && is_fixed) {
        plan->top_p = NULL;
        llm_request_drop(req, "top_p");
    }
    if (is_fixed && plan->temperature) {
        problem = lacks(&plan->temperature, req, "temperature", none, pool);
    }
    if (!problem && is_fixed && plan->top_p) {
        problem = lacks(&plan->top_p, req, "top_p", none, pool);
    }
    if (!problem && is_fixed && plan->top_k) {
        problem = lacks(&plan->top_k, req, "top_k", none, pool);
    }
    if (is_either && plan->top_p && plan->temperature) {
        plan->top_p = NULL; /* the temperature says most of it */
        llm_request_drop(req, "top_p");
    }
    return problem;
}

llm_problem_t *llm_anthropic_plan(llm_anthropic_plan_t *plan,
                                  llm_request_t *req, const llm_ask_t *ask,
                                  const char *model, apr_pool_t *pool)
{
    int known = version_of(model);
    int version = known ? known : VERSION_DEFAULT;
    llm_problem_t *problem;

    memset(plan, 0, sizeof(*plan));
    plan->strict_tools = version >= VERSION_FORMAT;
    problem = llm_request_lacks(
        req, plan_format(plan, req, ask, model, version, pool));
    if (problem) {
        return problem;
    }
    plan_thinking(plan, req, ask, version);
    return plan_sampling(plan, req, ask, model, known, pool);
}
