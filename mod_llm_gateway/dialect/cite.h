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

/* All of the others behind its own. */
void llm_cites_append(llm_cites_t *cites, const llm_cites_t *others);

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

/* Citations of a stream's block, which are of all of its text and so wait for
 * its end. Zeroed but for the pool there are none. */
typedef struct llm_block_cites_t {
    apr_pool_t *parent;
    apr_pool_t *pool; /* of what waits, or NULL */
    llm_cites_t cites;
    apr_int64_t start;  /* characters before the block */
    llm_extent_t texts; /* all that came: for the caller to add to */
} llm_block_cites_t;

/* Takes copies of all in the list, as far as there is room. */
void llm_block_cites_keep(llm_block_cites_t *block, const llm_cite_t *cite);
/* The block has ended: emits them. */
void llm_block_cites_end(llm_block_cites_t *block, llm_delta_cb *emit,
                         void *baton);

/* Where in a stream's texts, which are gone, a character stands in bytes: runs
 * of characters of one width. What has more of them than are kept cannot be
 * measured past there. Zeroed but for the pool it is empty. */
typedef struct llm_ruler_t {
    apr_pool_t *pool;
    llm_extent_t all;
    apr_array_header_t *runs; /* of apr_uint32_t: characters, width; or NULL */
} llm_ruler_t;

void llm_ruler_add(llm_ruler_t *ruler, llm_text_t text);
/* As llm_char_of_byte and llm_byte_of_char; -1 also where it is not known. */
apr_int64_t llm_ruler_char(const llm_ruler_t *ruler, apr_int64_t byte);
apr_int64_t llm_ruler_byte(const llm_ruler_t *ruler, apr_int64_t index);

/* Of the texts before `end`; NULL: of all. */
llm_extent_t llm_parts_extent(const llm_part_t *parts, const llm_part_t *end);

/* The words of the citation: what it tells, else, of one that tells a place,
 * what stands there in these parts; none where that is in no one part. */
llm_text_t llm_cite_words(const llm_cite_t *cite, const llm_part_t *parts);

/* Puts each where it belongs: to the text in which its place begins, or to the
 * last one. Nothing where there is no text. */
void llm_parts_cite(llm_part_t *parts, llm_cite_t *cite, apr_pool_t *pool);

/* The document or search result of the request that is cited; NULL: it is not
 * known. And the other way round: gives the citation of a source with a name
 * of ours, or of the client's, its number. `ask` may be NULL. */
const llm_media_t *llm_ask_source(const llm_ask_t *ask, const llm_cite_t *cite);
void llm_ask_find_source(const llm_ask_t *ask, llm_cite_t *cite);

/* A number that can be a place; else -1. */
apr_int64_t llm_cite_place(const llm_json_t *node);
/* The member, where the place is told. */
void llm_put_place(llm_buf_t *out, const char *name, apr_int64_t place);

/* ---- the form of ours, cite_form.c ---- */

/* Of documents and results of a search: the words for what is counted. */
typedef struct llm_cite_form_t {
    const char *type; /* "char_location" */
    const char *unit; /* of llm_cite_t */
    const char *from, *to;
} llm_cite_form_t;

/* By the citation's unit, or by a type; NULL where it has none. */
const llm_cite_form_t *llm_cite_form(const llm_cite_t *cite);
const llm_cite_form_t *llm_cite_form_named(const llm_json_t *type);
/* A type of files as a constant; NULL for what is none. */
const char *llm_cite_file_type(const llm_json_t *type);
/* What the form says the citation is. */
const char *llm_cite_type(const llm_cite_t *cite);

/* The form, whole. */
void llm_cite_put_form(llm_buf_t *out, const llm_cite_t *cite);
/* The member `citations` of all in these parts that are wanted (NULL: all);
 * nothing where there are none. Returns how many there are. */
int llm_cites_put_forms(llm_buf_t *out, const llm_part_t *part,
                        int (*is_wanted)(const llm_cite_t *cite));
/* Its members where another form has no place for them, as far as they are
 * known: which document and where in it; what of the answer. `camel`: named as
 * documentIndex. And back: what is not there stays as it is. */
void llm_cite_put_source(llm_buf_t *out, const llm_cite_t *cite, int camel);
void llm_cite_put_said(llm_buf_t *out, const llm_cite_t *cite, int camel);
void llm_cite_take_source(llm_cite_t *cite, const llm_json_t *node, int camel);
void llm_cite_take_said(llm_cite_t *cite, const llm_json_t *node, int camel);
/* The form, but for files; an address alone; or what has a member `url`.
 * Returns 0 for what is none of them. */
int llm_cite_read_form(llm_cites_t *cites, const llm_json_t *node,
                       apr_pool_t *pool);

/* ---- OpenAI's ---- */

/* OpenAI's annotations, nested as in a chat or flat as in a response: adds the
 * one of `node`, unless it is of no kind known. */
void llm_openai_read_annotation(llm_cites_t *cites, const llm_json_t *node,
                                apr_pool_t *pool);
/* A member `citations`: the form, files too, and addresses alone. */
void llm_openai_read_more_cites(llm_cites_t *cites, const llm_json_t *list,
                                apr_pool_t *pool);
/* What a piece of a message's content has beside its text, of characters
 * `start` to `end` (-1: not known): a list of `citations`, Mistral's references.
 * Returns whether it is nothing but these. */
int llm_openai_read_piece_cites(llm_cites_t *cites, const llm_json_t *node,
                                apr_int64_t start, apr_int64_t end,
                                apr_pool_t *pool);
/* All of a message or a delta; of a server that tells its sources beside the
 * answer (Perplexity), `doc` may be its body, else NULL. */
void llm_openai_read_cites(llm_cites_t *cites, const llm_json_t *message,
                           const llm_json_t *doc, apr_pool_t *pool);
/* Does a chat's message annotate it? Clients are strict: addresses only. All
 * else is told in its member `citations`. */
int llm_openai_annotates(const llm_cite_t *cite);
int llm_openai_cites(const llm_cite_t *cite); /* the others */
/* A chat's annotation, of what it annotates. */
void llm_openai_put_annotation(llm_buf_t *out, const llm_cite_t *cite);
/* A response's, of anything; `offset` is where the text it is about begins. */
void llm_responses_put_annotation(llm_buf_t *out, const llm_cite_t *cite,
                                  apr_int64_t offset);

#endif /* DIALECT_CITE_H */
