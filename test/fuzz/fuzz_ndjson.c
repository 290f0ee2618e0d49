/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of lines: the first byte says how the rest is cut. However it is
 * cut the lines are the same, and they are what a plain split gives.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/llm_ndjson.h"

static void note_line(llm_buf_t *notes, llm_bytes_t line, apr_size_t limit)
{
    MUST(line.len <= limit);
    MUST(!memchr(line.data, '\n', line.len));
    llm_buf_append(notes, line.data, line.len);
    llm_buf_putc(notes, '\n');
}

static llm_buf_t *run(const char *data, size_t size, unsigned step,
                      apr_size_t limit, apr_pool_t *pool)
{
    llm_ndjson_t *lines = llm_ndjson_make(limit, pool);
    llm_buf_t *notes = llm_buf_make(0, pool);
    llm_bytes_t line;
    apr_status_t status = APR_EAGAIN;
    unsigned turn = step;

    while (size && status == APR_EAGAIN) {
        size_t piece = step ? 1 + turn % step : size;

        piece = piece < size ? piece : size;
        turn = turn * 1103515245 + 12345;
        llm_ndjson_feed(lines, data, piece);
        data += piece;
        size -= piece;
        while ((status = llm_ndjson_next(lines, &line)) == APR_SUCCESS) {
            note_line(notes, line, limit);
        }
    }
    MUST(status == APR_EAGAIN || status == APR_ENOSPC);
    while (llm_ndjson_finish(lines, &line) == APR_SUCCESS) {
        MUST(status == APR_EAGAIN);
        note_line(notes, line, limit);
    }
    return notes;
}

/* The obvious way, with all bytes at hand. */
static llm_buf_t *split(const char *data, size_t size, apr_pool_t *pool)
{
    llm_buf_t *notes = llm_buf_make(0, pool);
    const char *end = data + size;

    while (data < end) {
        const char *stop = memchr(data, '\n', (size_t)(end - data));
        const char *next = stop ? stop + 1 : end;
        llm_bytes_t line = {data, (apr_size_t)((stop ? stop : end) - data)};
        size_t i = 0;

        if (line.len && data[line.len - 1] == '\r') {
            --line.len;
        }
        while (i < line.len && strchr(" \t\r", data[i]) && data[i]) {
            ++i;
        }
        if (i < line.len) {
            note_line(notes, line, size);
        }
        data = next;
    }
    return notes;
}

static int is_same(const llm_buf_t *a, const llm_buf_t *b)
{
    return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool;
    const char *data = (const char *)bytes + 1;
    llm_buf_t *expected, *limited;

    if (!size--) {
        return 0;
    }
    pool = fuzz_pool();
    expected = split(data, size, pool);
    MUST(is_same(run(data, size, 0, size, pool), expected));
    MUST(is_same(run(data, size, 1 + bytes[0], size, pool), expected));
    limited = run(data, size, 1, size / 2, pool);
    MUST(limited->len <= expected->len);
    MUST(!limited->len || !memcmp(limited->data, expected->data, limited->len));
    apr_pool_destroy(pool);
    return 0;
}
