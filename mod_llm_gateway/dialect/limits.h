/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider cannot do, and what becomes of a wish for it.
 *
 * A request holds a conversation and wishes about its answer: how many there
 * are, how tokens are drawn, which tools are at hand. A wish that a provider
 * has no place for is refused, or, where LLMUnsupported says "drop", left out
 * and told in x-llm-dropped. What the conversation holds is never left out: a
 * picture that is not seen or a result that is not read would be answered all
 * the same, and wrongly.
 *
 * A dialect says in one record what it lacks; what is left of the ask then it
 * can write.
 */
#ifndef DIALECT_LIMITS_H
#define DIALECT_LIMITS_H

#include "dialect/dialect.h"
#include "dialect/tool_names.h"

/* Wishes. What says no more than the default ("n":1, a penalty of 0) is none. */
typedef enum {
    LLM_LACKS_SEVERAL = 1 << 0, /* n above 1 */
    LLM_LACKS_FREQUENCY_PENALTY = 1 << 1,
    LLM_LACKS_PRESENCE_PENALTY = 1 << 2,
    LLM_LACKS_PENALTIES =
        LLM_LACKS_FREQUENCY_PENALTY | LLM_LACKS_PRESENCE_PENALTY,
    LLM_LACKS_LOGIT_BIAS = 1 << 3,
    LLM_LACKS_LOGPROBS = 1 << 4,
    LLM_LACKS_TOP_K = 1 << 5,
    LLM_LACKS_STOP = 1 << 6,
    LLM_LACKS_TOOLS = 1 << 7,        /* of any kind */
    LLM_LACKS_FORCED_CALL = 1 << 8,  /* "any", "tool" */
    LLM_LACKS_JSON_FORMAT = 1 << 9,  /* without a schema */
    LLM_LACKS_TOOL_FORMAT = 1 << 10, /* a format while there are tools */
    /* hints: left out and told, whatever LLMUnsupported says but "strict" */
    LLM_LACKS_SEED = 1 << 11,
    LLM_LACKS_BUDGET = 1 << 12, /* of thinking, in tokens */
    LLM_LACKS_EFFORT = 1 << 16, /* but for thinking */
    LLM_LACKS_METADATA = 1 << 13,
    LLM_LACKS_USER = 1 << 14, /* the end user's id */
    LLM_LACKS_TIER = 1 << 15, /* tiers but the default */
    LLM_LACKS_LABELS = LLM_LACKS_METADATA | LLM_LACKS_USER | LLM_LACKS_TIER
} llm_lack_e;

typedef struct llm_limits_t {
    const char *who;        /* for error texts: "anthropic" */
    unsigned lacks;         /* bits of llm_lack_e */
    double temperature_max; /* 0: none is known */
    unsigned modalities;    /* bits of llm_show_e: what answers are made of
                               besides text */
    int shows;              /* an assistant's turn may have pictures */
    int cites;              /* it takes documents as text, and cites them */
    int takes_custom;       /* tools that take a text, with their grammar */
    int takes_barred;       /* tools that may not be called now */
    /* Does it take this tool, which is in a form of its sender's own? NULL:
     * none of them. */
    int (*takes_tool)(const llm_json_t *raw);
    llm_tool_rule_t names; /* of tools */
} llm_limits_t;

/* `*pask` as it can be written: itself, or a copy in `pool` without what the
 * provider lacks. What was left out is told in req->dropped; a wish that has
 * to be refused is the problem. */
llm_problem_t *llm_ask_fit(const llm_ask_t **pask, llm_request_t *req,
                           const llm_limits_t *limits, apr_pool_t *pool);

/* `problem` names a wish that cannot be granted: returns it, or NULL where the
 * wish is left out and told instead, and the caller goes on without it. NULL
 * stays NULL. */
llm_problem_t *llm_request_lacks(llm_request_t *req, llm_problem_t *problem);

/* A path of ours in a client's words: of the names the path is, or begins with,
 * the longest. names may be NULL. */
const char *llm_path_renamed(const char *path, const llm_rename_t *names,
                             apr_pool_t *pool);
/* A problem about a member of ours that has a name of the client's, told by
 * that; any other problem, also NULL, as it is. */
llm_problem_t *llm_problem_renamed(llm_problem_t *problem,
                                   const llm_rename_t *names, apr_pool_t *pool);

/* Is the member of this path a part of the conversation? */
int llm_path_is_said(const char *path);

#endif /* DIALECT_LIMITS_H */
