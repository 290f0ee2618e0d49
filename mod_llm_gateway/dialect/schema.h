/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schemas for answers and tools: what a provider takes of them.
 *
 * A schema travels as it was written; it is written anew only for a provider
 * that refuses a part of it.
 */
#ifndef DIALECT_SCHEMA_H
#define DIALECT_SCHEMA_H

#include "dialect/dialect.h"

/* Does it already keep the rules of OpenAI's `strict`: an object whose objects
 * are closed and demand all their members, and nothing but the keywords that
 * are allowed? */
int llm_schema_is_strict(const llm_json_t *schema);

/* What a provider refuses of schemas it holds answers to. */
typedef struct llm_schema_rules_t {
    const char *const *refused; /* keywords; ends with NULL */
    const char *const *formats; /* that `format` may name; ends with NULL */
    int closed;                 /* objects have additionalProperties false */
    int flat;                   /* a schema must not hold itself */
    int min_items;              /* the largest minItems; -1: none at all */
} llm_schema_rules_t;
extern const llm_schema_rules_t llm_schema_claude, llm_schema_cohere;

/*
 * The schema as the rules have it: its own bytes where they keep them. What is
 * left out makes the schema wider, never narrower, but for objects that are
 * closed; it is told in req->dropped by its path, which begins with `param`.
 * The problem names `param`, and nothing was told: a schema that holds itself
 * where that is refused, one that is somewhere else, or an object of any
 * members where objects have to be closed.
 */
llm_problem_t *llm_schema_fit(llm_bytes_t *pjson, const llm_json_t *schema,
                              const llm_schema_rules_t *rules,
                              const char *param, llm_request_t *req,
                              apr_pool_t *pool);

/*
 * The schema of a tool's arguments, as every provider takes it: its own bytes,
 * and behind them the `type` and the `properties` that clients leave out and
 * OpenAI, Anthropic or Bedrock demand. NULL, or an empty one: an object without
 * members.
 */
void llm_put_tool_schema(llm_buf_t *out, const llm_json_t *schema);

/*
 * `required` of an object's schema, as far as it names members that there are:
 * Gemini refuses others ("property is not defined"), and what has no schema of
 * its own cannot be told to a model anyway.
 */
void llm_schema_put_required(llm_buf_t *out, const llm_json_t *schema);

#endif /* DIALECT_SCHEMA_H */
