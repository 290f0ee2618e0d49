/* SPDX-License-Identifier: Apache-2.0 */
/* Headers across the gateway, both ways; see head.c for which ones pass. */
#ifndef FLOW_HEAD_H
#define FLOW_HEAD_H

#include "flow/flow.h"

/* What may go on to a provider. Entries are shared, not copied. */
void llm_head_from_client(apr_table_t *out, const apr_table_t *in);
/* What may come back. pass: the client speaks the provider's dialect. */
void llm_head_from_provider(apr_table_t *out, const apr_table_t *in, int status,
                            int pass);

#endif /* FLOW_HEAD_H */
