/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations of two sides, which Anthropic's Messages and Bedrock's Converse
 * have alike: one system prompt beside `messages`, whose roles are user and
 * assistant and take turns, and whose content is blocks.
 *
 * https://docs.claude.com/en/api/messages and
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html
 */
#ifndef DIALECT_SIDES_H
#define DIALECT_SIDES_H

#include "dialect/common.h"

/* Parts of the content of a message, or of `system` where the number is -1. */
typedef llm_problem_t *llm_sides_read_fn(void *baton, int message,
                                         llm_parts_t *parts,
                                         const llm_json_t *content);

/* `system` and `messages` of a client's request become ask->turns. Other
 * members of a message are kept in ask->unknown. */
llm_problem_t *llm_sides_read(llm_ask_t *ask, const llm_json_t *doc,
                              llm_sides_read_fn *read, void *baton,
                              apr_pool_t *pool);

/* How a conversation is written. */
typedef struct llm_sides_t {
    llm_buf_t *out;
    llm_request_t *req;
    const char *dialect; /* its name, for error texts */
    /* Writes a block after what stands there, or nothing. */
    llm_problem_t *(*put)(void *baton, const llm_part_t *part);
    void *baton;
    /* What the user says before an assistant that begins, as when a client cut
     * the first turns off: both APIs refuse that. A message, as JSON. */
    const char *opening;
    int turn;                  /* which one, for error texts */
    int asked, answered;       /* whose message is the last one */
    const llm_part_t *prefill; /* a text that the answer is to go on with */
} llm_sides_t;

/* A part of the turn that is written has no place here; `what` is the rest of
 * its path. */
llm_problem_t *llm_sides_cannot(const llm_sides_t *sides, const char *what,
                                apr_pool_t *pool);

/*
 * Writes `system`, where there is one, and `messages`. System turns go to the
 * prompt in their order, wherever they stood; where nothing else is said, they
 * are what the user says. Turns of one side that follow one another become one
 * message, the results of tools first, as both demand; no two calls have one
 * id, and a text that the answer is to go on with does not end with blanks.
 */
llm_problem_t *llm_sides_put(llm_sides_t *sides, const llm_turn_t *turns,
                             apr_pool_t *pool);

#endif /* DIALECT_SIDES_H */
