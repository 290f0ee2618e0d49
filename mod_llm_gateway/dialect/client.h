/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of clients' requests share. A member that is null counts as
 * absent. A problem names the member with its path and says what was expected.
 */
#ifndef DIALECT_CLIENT_H
#define DIALECT_CLIENT_H

#include "dialect/common.h"

/* A member that holds a number, and where in llm_ask_t its node goes. */
typedef struct llm_number_row_t {
    const char *name;  /* NULL ends a list */
    apr_size_t offset; /* of a const llm_json_t * */
} llm_number_row_t;

/* The rows' members of an object; `where` is its path, NULL: the request. */
llm_problem_t *llm_read_numbers(llm_ask_t *ask, const llm_json_t *object,
                                const llm_number_row_t *row, const char *where,
                                apr_pool_t *pool);

/* An array of nothing but strings? */
int llm_json_is_strings(const llm_json_t *list);

/* `tools` that are functions as OpenAI's chats had them first:
 * {"type": "function", "function": {"name", "description", "parameters"}}. */
llm_problem_t *llm_read_functions(llm_ask_t *ask, const llm_json_t *doc,
                                  apr_pool_t *pool);

#endif /* DIALECT_CLIENT_H */
