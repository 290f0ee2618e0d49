/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens where a provider gives no count: an answer that was cut off, a server
 * without usage. Whatever comes from here is marked as estimated in the
 * record.
 *
 * With a vocabulary texts are encoded as the model would (llm_bpe.h): exactly
 * for OpenAI's models, by the nearest encoding for others. Without one it is a
 * rule of thumb: four characters of ASCII a token, one character of anything
 * else a token.
 */
#ifndef LLM_TOKENS_H
#define LLM_TOKENS_H

#include "core/llm.h"
#include "core/llm_bpe.h"
#include "core/llm_json.h"

/* How a model's tokens are counted. */
typedef struct llm_tokenizer_t {
    const llm_encoding_t *encoding; /* NULL: rule of thumb */
    unsigned percent;               /* the model's tokens for a hundred */
    unsigned tools;                 /* what its provider adds to a request that
                                       has tools, in tokens */
} llm_tokenizer_t;

/* By llm_encodings.def. vocabulary and model may be NULL. */
llm_tokenizer_t llm_tokenizer_find(const llm_vocabulary_t *vocabulary,
                                   const char *model);

/* Text as it passes. All zero is an empty tally that goes by rule of thumb. */
typedef struct llm_tally_t {
    apr_uint64_t ascii, wide;      /* characters, by kind */
    struct llm_counter_t *counter; /* or NULL: rule of thumb */
} llm_tally_t;

/* Has an empty tally count by the tokenizer; nothing happens where that is a
 * rule of thumb. Takes memory of the pool, bounded whatever passes. */
void llm_tally_open(llm_tally_t *tally, llm_tokenizer_t tokenizer,
                    apr_pool_t *pool);
/* run: whatever tells one text from another. Pieces of the same run that come
 * one after the other are one text. */
void llm_tally_add(llm_tally_t *tally, llm_text_t text, int run);
void llm_tally_add_plain(llm_tally_t *tally, llm_bytes_t text, int run);
/* So far; can be asked at any time, and costs what came since. */
apr_int64_t llm_tally_tokens(llm_tally_t *tally);

/* Input of a request: by rule of thumb every string value in it, else what a
 * model gets to read of it; media with a flat sum each. */
apr_int64_t llm_tokens_of_request(const llm_json_t *doc,
                                  llm_tokenizer_t tokenizer, apr_pool_t *pool);

#endif /* LLM_TOKENS_H */
