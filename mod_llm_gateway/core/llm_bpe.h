/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact token counts for OpenAI's encodings: byte-pair encoding over their
 * published vocabularies.
 *
 * The vocabularies are one file that packaging/vocabulary.sh makes. It is
 * mapped read-only, so that all processes share its memory. All numbers in it
 * are 32 bits, least significant byte first:
 *
 *      0  "LLMVOCAB"
 *      8  version: 1
 *     12  number of encodings; for each of them 48 bytes:
 *          0  name, padded with zeros to 20 bytes
 *         20  tokens: their ids, which are their ranks, are 0..tokens-1
 *         24  bytes of the longest token
 *         28  slots, a power of two and more than there are tokens
 *         32  where the offsets are: tokens+1 of them; token i is the bytes
 *             from offset i to offset i+1
 *         36  where the tokens' bytes are
 *         40  where the slots are
 *         44  0
 *
 * A slot is empty (0) or 14 bits of a token's hash above its id + 1 in 18
 * bits; it is the first free one from hash modulo slots on. The hash is
 * llm_bpe.c's hash_of.
 *
 * Whoever replaces the file of a running server writes a new one and renames
 * it: one that shrinks under its readers kills them.
 */
#ifndef LLM_BPE_H
#define LLM_BPE_H

#include "core/llm.h"

typedef struct llm_vocabulary_t llm_vocabulary_t;
typedef struct llm_encoding_t llm_encoding_t;

/* Maps the file for as long as the pool lives and looks all of it over.
 * Returns NULL, or a phrase that says what is wrong with it. */
const char *llm_vocabulary_load(llm_vocabulary_t **pvocabulary,
                                const char *path, apr_pool_t *pool);
/* The same of a file's bytes, which must outlive it and stay as they are. */
const char *llm_vocabulary_read(llm_vocabulary_t **pvocabulary,
                                const char *data, apr_size_t len,
                                apr_pool_t *pool);
/* "cl100k_base", "o200k_base"; NULL when the file has no such encoding, or
 * vocabulary is NULL. */
const llm_encoding_t *llm_vocabulary_find(const llm_vocabulary_t *vocabulary,
                                          const char *name);

/*
 * Tokens of a text, plain UTF-8; names of special tokens in it are text. Bytes
 * that are no UTF-8 are encoded one by one. ids: NULL, or room for `len`.
 * Time is len * log(len) at most; a run of more than 64 KB without a boundary
 * is cut there. The pool is for scratch memory. Thread-safe.
 */
apr_size_t llm_bpe_encode(const llm_encoding_t *encoding, const char *data,
                          apr_size_t len, apr_uint32_t *ids, apr_pool_t *pool);
/* Of a text that goes on: the tokens that stay the same whatever follows.
 * *pused bytes make them; the rest is to be given again, with more. */
apr_size_t llm_bpe_count_part(const llm_encoding_t *encoding, const char *data,
                              apr_size_t len, apr_size_t *pused,
                              apr_pool_t *pool);

#endif /* LLM_BPE_H */
