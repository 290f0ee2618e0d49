/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines out of bytes that are cut anywhere. Each byte is searched once:
 * `scan` is how far the search for a line's end has come.
 */
#include "core/llm_ndjson.h"

#include <string.h>

struct llm_ndjson_t {
    llm_buf_t *pending; /* bytes not given out yet, `given` in front */
    apr_size_t limit;   /* no line may grow past this */
    apr_size_t given;   /* bytes of the line given out last */
    apr_size_t scan;    /* no line end before this */
    int failed;         /* a line was past the limit */
};

llm_ndjson_t *llm_ndjson_make(apr_size_t limit, apr_pool_t *pool)
{
    llm_ndjson_t *lines = apr_pcalloc(pool, sizeof(*lines));

    lines->pending = llm_buf_make(0, pool);
    lines->limit = limit;
    return lines;
}

static void drop_given(llm_ndjson_t *lines)
{
    if (lines->given) {
        llm_buf_drop(lines->pending, lines->given);
        llm_buf_trim(lines->pending);
        lines->given = 0;
        lines->scan = 0;
    }
}

void llm_ndjson_feed(llm_ndjson_t *lines, const char *data, apr_size_t len)
{
    drop_given(lines);
    if (!lines->failed) {
        llm_buf_append(lines->pending, data, len);
    }
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The first `len` bytes without a CR at the end; 0 when they are blank. */
static int take_line(const llm_ndjson_t *lines, apr_size_t len,
                     llm_bytes_t *pline)
{
    apr_size_t i = 0;

    pline->data = lines->pending->data;
    pline->len = len;
    if (len && pline->data[len - 1] == '\r') {
        --pline->len;
    }
    while (i < len && is_blank(pline->data[i])) {
        ++i;
    }
    return i < len;
}

apr_status_t llm_ndjson_next(llm_ndjson_t *lines, llm_bytes_t *pline)
{
    const llm_buf_t *buf = lines->pending;

    while (drop_given(lines), !lines->failed) {
        const char *stop =
            lines->scan < buf->len
                ? memchr(buf->data + lines->scan, '\n', buf->len - lines->scan)
                : NULL;
        apr_size_t len = stop ? (apr_size_t)(stop - buf->data) : buf->len;

        lines->scan = len;
        if (len > lines->limit || buf->overflow) {
            lines->failed = 1;
        }
        else if (!stop) {
            return APR_EAGAIN;
        }
        else {
            lines->given = len + 1;
            if (take_line(lines, len, pline)) {
                return APR_SUCCESS;
            }
        }
    }
    return APR_ENOSPC;
}

apr_status_t llm_ndjson_finish(llm_ndjson_t *lines, llm_bytes_t *pline)
{
    apr_status_t status = llm_ndjson_next(lines, pline);
    apr_size_t len = lines->pending->len;

    if (status != APR_EAGAIN) {
        return status == APR_ENOSPC ? APR_EOF : status;
    }
    lines->given = len;
    return take_line(lines, len, pline) ? APR_SUCCESS : APR_EOF;
}
