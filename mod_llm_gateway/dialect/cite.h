/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Citations: lists of them, and places in texts.
 *
 * Dialects count in different units. A term's places are code points of all
 * texts of the choice, one after the other; Google counts bytes of UTF-8,
 * Anthropic cites whole blocks. Text is as it stood in JSON: an escape is one
 * character, a pair of surrogates too.
 */
#ifndef DIALECT_CITE_H
#define DIALECT_CITE_H

#include "dialect/common.h"

/* Zeroed it is empty; `first` goes into a part. */
typedef struct llm_cites_t {
    llm_cite_t *first, *last;
} llm_cites_t;

/* A new one: no text, no place. */
llm_cite_t *llm_cites_add(llm_cites_t *cites, llm_cite_e kind,
                          apr_pool_t *pool);

/* A copy at the end of the list that lives in `pool`, all of it; no more than
 * `most` are kept. */
void llm_cites_keep(llm_cites_t *cites, const llm_cite_t *cite, int most,
                    apr_pool_t *pool);

/* Moves their places by so many characters. */
void llm_cites_move(llm_cite_t *cite, apr_int64_t chars);

/* Of escaped text: its characters, and its bytes as UTF-8. Zeroed to begin
 * with; adds up over the pieces of a stream. */
typedef struct llm_extent_t {
    apr_int64_t chars, bytes;
} llm_extent_t;

void llm_extent_add(llm_extent_t *extent, llm_text_t text);

/* The character that begins at this byte of the texts of `parts`, or the other
 * way round; what is past the end is the end. -1 stays -1. */
apr_int64_t llm_char_of_byte(const llm_part_t *parts, apr_int64_t byte);
apr_int64_t llm_byte_of_char(const llm_part_t *parts, apr_int64_t index);

/* Of the texts before `end`; NULL: of all. */
llm_extent_t llm_parts_extent(const llm_part_t *parts, const llm_part_t *end);

/* The first text of an answer's parts that has citations, or the last text at
 * all, where some shall be put; NULL: there is no text. */
llm_part_t *llm_parts_cited(llm_part_t *parts);

/* A number that can be a place; else -1. */
apr_int64_t llm_cite_place(const llm_json_t *node);
/* The member, where the place is told. */
void llm_put_place(llm_buf_t *out, const char *name, apr_int64_t place);

/* OpenAI's annotations, nested as in a chat or flat as in a response: adds the
 * one of `node`, unless it is of no kind known. */
void llm_openai_read_annotation(llm_cites_t *cites, const llm_json_t *node,
                                apr_pool_t *pool);
/* All of a message or a delta; of a server that tells its sources beside the
 * answer (Perplexity), `doc` may be its body, else NULL. */
void llm_openai_read_cites(llm_cites_t *cites, const llm_json_t *message,
                           const llm_json_t *doc, apr_pool_t *pool);
/* Is there a form of it in OpenAI's dialects? */
int llm_openai_annotates(const llm_cite_t *cite);
/* One that is annotated; `offset` is where the text it is about begins. */
void llm_openai_put_annotation(llm_buf_t *out, const llm_cite_t *cite,
                               int is_flat, apr_int64_t offset);

#endif /* DIALECT_CITE_H */
