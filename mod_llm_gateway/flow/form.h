/* SPDX-License-Identifier: Apache-2.0 */
/* Requests whose body is a form with files (core/llm_form.h). */
#ifndef FLOW_FORM_H
#define FLOW_FORM_H

#include "flow/flow.h"

/* Is the body one, and does the operation take one? */
int llm_form_is_asked(const llm_exchange_t *x);
/* Sets model, user and pieces. A problem names the part that is wrong. */
llm_problem_t *llm_form_read(llm_exchange_t *x);

#endif /* FLOW_FORM_H */
