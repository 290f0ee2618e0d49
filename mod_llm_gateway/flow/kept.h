/* SPDX-License-Identifier: Apache-2.0 */
/* What a provider keeps for a client, by the ids in its answers. */
#ifndef FLOW_KEPT_H
#define FLOW_KEPT_H

#include "flow/flow.h"

/* The ids of a passed answer or event. */
void llm_kept_note(llm_attempt_t *attempt, const llm_json_t *doc);
/* One of them; NULL and "" are none. */
void llm_kept_note_id(llm_attempt_t *attempt, const char *id);
/* Is this answer or event about one that is made in the background? Then the
 * exchange knows it, and once it is over what is owed for it. */
void llm_kept_watch(llm_attempt_t *attempt, const llm_json_t *doc);

#endif /* FLOW_KEPT_H */
