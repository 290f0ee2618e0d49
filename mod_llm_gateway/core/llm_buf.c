/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growable bytes with a ceiling.
 *
 * The allocation begins at data - dropped. Dropping from the front only moves
 * `data` forward; the bytes in use move back to the allocation's start when
 * room is needed and at least as many were dropped as have to move, so each
 * byte that was appended pays for one move at most. Growing doubles.
 */
#include "core/llm_buf.h"
#include "core/llm_find.h"
#include "core/llm_utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST  256
#define SIZE_IDLE   16384 /* what llm_buf_trim leaves */
#define CEILING_MAX (APR_SIZE_MAX / 2)

static apr_status_t release(void *data)
{
    llm_buf_t *buf = data;

    if (buf->data) {
        free(buf->data - buf->dropped);
    }
    memset(buf, 0, sizeof(*buf));
    return APR_SUCCESS;
}

llm_buf_t *llm_buf_make(apr_size_t ceiling, apr_pool_t *pool)
{
    llm_buf_t *buf = apr_pcalloc(pool, sizeof(*buf));

    buf->ceiling = ceiling && ceiling < CEILING_MAX ? ceiling : CEILING_MAX;
    apr_pool_cleanup_register(pool, buf, release, apr_pool_cleanup_null);
    return buf;
}

static void move_to_start(llm_buf_t *buf)
{
    if (buf->dropped) {
        char *start = buf->data - buf->dropped;

        memmove(start, buf->data, buf->len);
        buf->data = start;
        buf->dropped = 0;
    }
}

/* Gives the allocation `size` bytes, which hold what is in use. */
static int resize(llm_buf_t *buf, apr_size_t size)
{
    char *data;

    move_to_start(buf);
    data = realloc(buf->data, size);
    if (!data) {
        return 0;
    }
    buf->data = data;
    buf->size = size;
    return 1;
}

void llm_buf_expect(llm_buf_t *buf, apr_size_t size)
{
    if (size <= buf->ceiling && size > buf->size) {
        resize(buf, size); /* when it fails, appending tries again */
    }
}

/* Makes room for `more` bytes after the last one. */
static int reserve(llm_buf_t *buf, apr_size_t more)
{
    apr_size_t needed, size;

    if (more > buf->ceiling - buf->len) {
        return 0;
    }
    if (more <= buf->size - buf->dropped - buf->len) {
        return 1;
    }
    needed = buf->len + more;
    if (needed <= buf->size && buf->len <= buf->dropped) {
        move_to_start(buf);
        return 1;
    }
    size = buf->size ? buf->size : SIZE_FIRST;
    while (size < needed) {
        size *= 2; /* needed <= CEILING_MAX: no overflow */
    }
    if (size == buf->size) {
        size *= 2; /* it would fit, at the price of a move too early */
    }
    return resize(buf, size);
}

void llm_buf_append(llm_buf_t *buf, const char *data, apr_size_t len)
{
    if (!len) {
        return;
    }
    if (buf->overflow || !reserve(buf, len)) {
        buf->overflow = 1;
        return;
    }
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}

void llm_buf_puts(llm_buf_t *buf, const char *text)
{
    llm_buf_append(buf, text, strlen(text));
}

void llm_buf_putc(llm_buf_t *buf, char c)
{
    llm_buf_append(buf, &c, 1);
}

void llm_buf_printf(llm_buf_t *buf, const char *fmt, ...)
{
    char small[512];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(small, sizeof(small), fmt, args);
    va_end(args);
    if (len >= 0 && (apr_size_t)len < sizeof(small)) {
        llm_buf_append(buf, small, (apr_size_t)len);
        return;
    }
    /* one byte more is needed for the terminator */
    if (len < 0 || buf->overflow || !reserve(buf, (apr_size_t)len)
        || (buf->size - buf->dropped - buf->len == (apr_size_t)len
            && !resize(buf, buf->size + 1))) {
        buf->overflow = 1;
        return;
    }
    va_start(args, fmt);
    vsnprintf(buf->data + buf->len, (apr_size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (apr_size_t)len;
}

void llm_buf_put_int(llm_buf_t *buf, apr_int64_t value)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    apr_uint64_t left = (apr_uint64_t)value;

    if (value < 0) {
        left = 0 - left;
    }
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0) {
        *--at = '-';
    }
    llm_buf_append(buf, at, (apr_size_t)(digits + sizeof(digits) - at));
}

void llm_buf_drop(llm_buf_t *buf, apr_size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
        move_to_start(buf);
        return;
    }
    buf->data += len;
    buf->dropped += len;
    buf->len -= len;
}

void llm_buf_clear(llm_buf_t *buf)
{
    llm_buf_cut(buf, 0);
    buf->overflow = 0;
    move_to_start(buf);
}

void llm_buf_trim(llm_buf_t *buf)
{
    if (buf->size > SIZE_IDLE && buf->len <= SIZE_IDLE / 2) {
        resize(buf, SIZE_IDLE); /* when it fails, the old size stays */
    }
}

/* ---- texts that are not copied ---- */

void llm_buf_borrow(llm_buf_t *buf, apr_pool_t *pool)
{
    buf->borrowed = apr_array_make(pool, 2, sizeof(llm_borrowed_t));
}

int llm_buf_pieces(llm_bytes_t **ppieces, const llm_buf_t *buf,
                   apr_pool_t *pool)
{
    int count = buf->borrowed ? buf->borrowed->nelts : 0;
    llm_bytes_t *piece =
        apr_pcalloc(pool, (2 * (apr_size_t)count + 1) * sizeof(*piece));
    apr_size_t done = 0;

    *ppieces = piece;
    for (int i = 0; i < count; ++i) {
        const llm_borrowed_t *row =
            &APR_ARRAY_IDX(buf->borrowed, i, llm_borrowed_t);

        piece->data = buf->data + done; /* its quote stands there at least */
        piece->len = row->at - done;
        *++piece = row->bytes;
        ++piece;
        done = row->at;
    }
    piece->data = buf->data ? buf->data + done : "";
    piece->len = buf->len - done;
    return 2 * count + 1;
}

void llm_buf_cut(llm_buf_t *buf, apr_size_t len)
{
    apr_array_header_t *borrowed = buf->borrowed;

    buf->len = len;
    while (borrowed && borrowed->nelts
           && APR_ARRAY_IDX(borrowed, borrowed->nelts - 1, llm_borrowed_t).at
                  > len) {
        --borrowed->nelts;
    }
}

void llm_buf_put_text(llm_buf_t *buf, llm_text_t text)
{
    if (!text.data) {
        llm_buf_lit(buf, "null");
        return;
    }
    llm_buf_putc(buf, '"');
    if (buf->borrowed && text.len >= LLM_BUF_LONG && !buf->overflow) {
        llm_borrowed_t *row = apr_array_push(buf->borrowed);

        row->at = buf->len;
        row->bytes.data = text.data;
        row->bytes.len = text.len;
    }
    else {
        llm_buf_append(buf, text.data, text.len);
    }
    llm_buf_putc(buf, '"');
}

/* A character that cannot stand in a JSON string as it is. */
static void put_unplain(llm_buf_t *buf, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "btn\0fr"; /* from U+0008 on; \v has none */
    unsigned char code = (unsigned char)c;
    char escape[6] = {'\\',          'u', '0', '0', hex[(code >> 4) & 15],
                      hex[code & 15]};

    if (c == '"' || c == '\\') {
        escape[1] = c;
        llm_buf_append(buf, escape, 2);
    }
    else if (code >= '\b' && code <= '\r' && letters[code - '\b']) {
        escape[1] = letters[code - '\b'];
        llm_buf_append(buf, escape, 2);
    }
    else {
        llm_buf_append(buf, escape, 6);
    }
}

void llm_buf_put_escaped(llm_buf_t *buf, const char *utf8, apr_size_t len)
{
    const char *at = utf8, *end = len ? utf8 + len : utf8;

    llm_buf_putc(buf, '"');
    while (at < end) {
        const char *stop = llm_utf8_run_end(llm_find_plain_end(at, end), end);

        llm_buf_append(buf, at, (apr_size_t)(stop - at));
        at = stop;
        if (at < end && (signed char)*at < 0) {
            llm_buf_puts(buf, LLM_UTF8_REPLACEMENT);
            ++at;
        }
        else if (at < end && llm_find_is_text_end(*at)) {
            put_unplain(buf, *at++);
        }
    }
    llm_buf_putc(buf, '"');
}

void llm_buf_put_string(llm_buf_t *buf, const char *utf8)
{
    if (utf8) {
        llm_buf_put_escaped(buf, utf8, strlen(utf8));
    }
    else {
        llm_buf_lit(buf, "null");
    }
}

void llm_buf_put_quoted(llm_buf_t *buf, llm_bytes_t bytes)
{
    llm_buf_put_escaped(buf, bytes.data, bytes.len);
}
