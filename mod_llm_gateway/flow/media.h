/* SPDX-License-Identifier: Apache-2.0 */
/* What images and sound used, as far as it is known or can be estimated. */
#ifndef FLOW_MEDIA_H
#define FLOW_MEDIA_H

#include "flow/flow.h"

/* What a whole answer tells besides its usage: how many images there are, how
 * long the sound was. */
void llm_media_meter(llm_attempt_t *attempt, const llm_json_t *doc);
/* Fills in what nobody told. */
void llm_media_estimate(llm_exchange_t *x, llm_usage_t *usage);
/* Of speech: all that came out was sound. */
void llm_media_say_sound(llm_usage_t *usage);

#endif /* FLOW_MEDIA_H */
