/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How each encoding cuts a text into pieces before pairs are merged: no token
 * reaches over the end of a piece.
 */
#ifndef LLM_BPE_SPLIT_H
#define LLM_BPE_SPLIT_H

/* The end of the piece that begins at `at` (at < end). *popen is set to 1
 * when the end of the text was looked at: with more text behind it the piece
 * could be another. Else *popen is left alone. */
typedef const char *llm_bpe_split_fn(const char *at, const char *end,
                                     int *popen);

/* By the name of an encoding; NULL when it is not known. */
llm_bpe_split_fn *llm_bpe_split_find(const char *name);

#endif /* LLM_BPE_SPLIT_H */
