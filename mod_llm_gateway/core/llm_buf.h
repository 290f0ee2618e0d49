/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growable bytes with a ceiling.
 *
 * The memory is malloc's, released by a cleanup of the pool the buffer was
 * made in: a buffer that lives as long as a stream grows and shrinks without
 * leaving its old sizes behind in the pool. Appending past the ceiling sets
 * `overflow`, keeps what was there and drops the rest; callers test it once
 * at the end instead of after each append.
 *
 * A buffer that borrows does not copy long texts: pictures and documents go
 * from the client's request into the provider's without being moved.
 */
#ifndef LLM_BUF_H
#define LLM_BUF_H

#include "core/llm.h"

typedef struct llm_buf_t {
    char *data;                   /* NULL until something was appended */
    apr_size_t len;               /* bytes in use, from data + 0 */
    apr_size_t size;              /* bytes allocated, those dropped included */
    apr_size_t dropped;           /* bytes before data that are free again */
    apr_size_t ceiling;           /* len never exceeds it */
    int overflow;                 /* something did not fit */
    apr_array_header_t *borrowed; /* of llm_borrowed_t; NULL: all is copied */
} llm_buf_t;

/* A text that stands in the midst of a buffer without being copied there. */
typedef struct llm_borrowed_t {
    apr_size_t at; /* it is behind that many of the buffer's own bytes */
    llm_bytes_t bytes;
} llm_borrowed_t;

/* The length from which texts are borrowed. */
#define LLM_BUF_LONG 4096

/* Cannot fail; ceiling 0 means APR_SIZE_MAX / 2, which is also the most. */
llm_buf_t *llm_buf_make(apr_size_t ceiling, apr_pool_t *pool);

void llm_buf_append(llm_buf_t *buf, const char *data, apr_size_t len);
void llm_buf_puts(llm_buf_t *buf, const char *text);
void llm_buf_putc(llm_buf_t *buf, char c);
void llm_buf_printf(llm_buf_t *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void llm_buf_put_int(llm_buf_t *buf, apr_int64_t value);

/*
 * From now on the inside of a long text that llm_buf_put_text writes is
 * borrowed: it has to live as long as the buffer, `len` and the ceiling leave
 * it out, and llm_buf_pieces gives the whole. Nothing may be dropped from the
 * front of such a buffer, and only llm_buf_cut may take from its end.
 */
void llm_buf_borrow(llm_buf_t *buf, apr_pool_t *pool);
/* All there is, in order; returns the number of pieces. They are the buffer's
 * and the lenders' memory. */
int llm_buf_pieces(llm_bytes_t **ppieces, const llm_buf_t *buf,
                   apr_pool_t *pool);
/* Take back what was written since `len` was the buffer's length. */
void llm_buf_cut(llm_buf_t *buf, apr_size_t len);
/* Room for that many bytes in all, when so much is going to come: as far as
 * the ceiling allows, and only then. */
void llm_buf_expect(llm_buf_t *buf, apr_size_t size);

/* Forget the first `len` bytes (amortised: the rest moves rarely). */
void llm_buf_drop(llm_buf_t *buf, apr_size_t len);
void llm_buf_clear(llm_buf_t *buf); /* len and overflow to 0, memory kept */
/* Give memory back when little is in use (after a burst). */
void llm_buf_trim(llm_buf_t *buf);

/* JSON output. Text is written with its quotes. */
void llm_buf_put_text(llm_buf_t *buf, llm_text_t text); /* none: null */
/* Plain text: escaped as JSON asks; invalid UTF-8 becomes U+FFFD. */
void llm_buf_put_escaped(llm_buf_t *buf, const char *utf8, apr_size_t len);
void llm_buf_put_string(llm_buf_t *buf, const char *utf8); /* NULL: null */
/* JSON that becomes a string: tool arguments in OpenAI's dialect. */
void llm_buf_put_quoted(llm_buf_t *buf, llm_bytes_t bytes);

#define llm_buf_lit(buf, s) llm_buf_append((buf), (s), sizeof(s) - 1)

#endif /* LLM_BUF_H */
