/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms with files, multipart/form-data (RFC 7578 over RFC 2046): where each
 * part's name and value are. Nothing is copied or changed.
 *
 * What is sent on is read again by somebody else, who must not find another
 * form in the same bytes: so what readers are known to differ in is refused
 * and not guessed at (a part with two names, or one in the form of RFC 5987;
 * folded headers; something behind a boundary; lines that end with LF alone).
 */
#ifndef LLM_FORM_H
#define LLM_FORM_H

#include "core/llm.h"

/* Parts in a form, and bytes in the head of one. */
#define LLM_FORM_PARTS_MAX 1000
#define LLM_FORM_HEAD_MAX  16384

typedef struct llm_form_part_t {
    llm_bytes_t name;  /* as it stands there, quotes taken off */
    llm_bytes_t value; /* a slice of the form */
    apr_size_t begin;  /* where the value is in the form, and ... */
    apr_size_t end;    /* ... where the line end behind it is */
    int is_file;       /* it has a filename */
    int is_encoded;    /* it has a Content-Transfer-Encoding */
    int is_bare;       /* it has no value: what is put there needs a line end
                          of its own behind it */
} llm_form_part_t;

typedef void llm_form_cb(void *baton, const llm_form_part_t *part);

/* Is this a form, by its Content-Type (or NULL)? */
int llm_form_is(const char *content_type);
/* NULL and the boundary, or a phrase that says what is wrong with the type. */
const char *llm_form_boundary(llm_bytes_t *pboundary, const char *content_type);
/* Calls back for each part in order. NULL, or a phrase that says what is wrong
 * with the form; parts before that were told. *pfirst: where the first
 * boundary's line begins. */
const char *llm_form_scan(apr_size_t *pfirst, llm_bytes_t form,
                          llm_bytes_t boundary, llm_form_cb *each, void *baton);
/* Has the part this name? */
int llm_form_is_named(const llm_form_part_t *part, const char *name);

#endif /* LLM_FORM_H */
