/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token estimates where a provider gives no count: an answer that was cut
 * off, a server without usage. A rule of thumb, always marked as estimated in
 * the record: four characters of ASCII a token, one character of anything
 * else a token.
 */
#ifndef LLM_TOKENS_H
#define LLM_TOKENS_H

#include "core/llm.h"
#include "core/llm_json.h"

/* Characters seen, by kind. */
typedef struct llm_tally_t {
    apr_uint64_t ascii, wide;
} llm_tally_t;

void llm_tally_add(llm_tally_t *tally, llm_text_t text);
apr_int64_t llm_tally_tokens(const llm_tally_t *tally);

/* Input of a request: every string value in it, media left out (addresses and
 * base64 are not read as text by any model). */
apr_int64_t llm_tokens_of_request(const llm_json_t *doc);

#endif /* LLM_TOKENS_H */
