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

#endif /* DIALECT_SCHEMA_H */
