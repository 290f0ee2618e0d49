/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: what a client says of a request so that its cost can be told apart,
 * "team=a,feature=search". They come in the header X-LLM-Tags, which goes no
 * further, and in the request's "metadata" object, which goes to the provider.
 *
 * What the header says is the gateway's to judge: a tag that cannot be kept
 * is an error. Metadata is the provider's: what of it can be a tag is one,
 * and the rest is left alone.
 */
#ifndef FLOW_TAGS_H
#define FLOW_TAGS_H

#include "flow/flow.h"

#define LLM_TAGS_HEADER "X-LLM-Tags"
#define LLM_TAGS_MAX    10 /* of a request */
#define LLM_TAG_NAME    32 /* longest name: letters, digits, '.', '_', '-' */
#define LLM_TAG_VALUE   64 /* longest value: these, ':', '/', '@', '+' */

/* The header's, into x->tags; done once. NULL, or what is wrong with it. */
llm_problem_t *llm_tags_from_header(llm_exchange_t *x);
/* Adds what fits of an object's members, behind the header's; NULL is none.
 * A name the header has keeps the header's value. */
void llm_tags_from_metadata(llm_exchange_t *x, const llm_json_t *metadata);

#endif /* FLOW_TAGS_H */
