/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of AWS's event stream: the first byte says how the rest is cut,
 * and whether its checksums are set right first, since few inputs have the
 * right ones. However it is cut the messages are the same, and their bytes are
 * those that came.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_eventstream.h"

static uint32_t u32_at(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;

    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16
           | (uint32_t)byte[2] << 8 | byte[3];
}

static void put_crc(char *to, const char *data, size_t len)
{
    uint32_t crc = 0xffffffff;

    for (; len--; ++data) {
        crc ^= (unsigned char)*data;
        for (int i = 0; i < 8; ++i) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
    }
    crc = ~crc;
    for (int i = 0; i < 4; ++i) {
        to[i] = (char)(crc >> (24 - 8 * i));
    }
}

/* Sets both checksums of each message whose length fits. */
static void mend(char *data, size_t size)
{
    while (size >= 16) {
        size_t len = u32_at(data);

        put_crc(data + 8, data, 8);
        if (len < 16 || len > size) {
            return;
        }
        put_crc(data + len - 4, data, len - 4);
        data += len;
        size -= len;
    }
}

static llm_buf_t *run(const char *data, size_t size, unsigned step,
                      apr_size_t limit, apr_pool_t *pool)
{
    llm_eventstream_t *stream = llm_eventstream_make(limit, pool);
    llm_buf_t *notes = llm_buf_make(0, pool);
    llm_eventstream_event_t event;
    apr_status_t status = APR_EAGAIN;
    const char *at = data;
    size_t left = size, given = 0;

    while (left && status == APR_EAGAIN) {
        size_t piece = step && step < left ? step : left;

        llm_eventstream_feed(stream, at, piece);
        at += piece;
        left -= piece;
        while ((status = llm_eventstream_next(stream, &event)) == APR_SUCCESS) {
            MUST(event.raw.len >= 16 && event.raw.len <= limit);
            MUST(!memcmp(event.raw.data, data + given, event.raw.len));
            given += event.raw.len;
            llm_buf_append(notes, event.event.data, event.event.len);
            llm_buf_putc(notes, ' ');
            llm_buf_append(notes, event.data.data, event.data.len);
            llm_buf_putc(notes, '\n');
        }
    }
    MUST(status == APR_EAGAIN || status == APR_ENOSPC
         || status == APR_EGENERAL);
    MUST(status != APR_EAGAIN
         || llm_eventstream_is_partial(stream) == (given < size));
    llm_buf_put_int(notes, status);
    return notes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool;
    llm_buf_t *whole, *cut;
    char *data;

    if (!size--) {
        return 0;
    }
    pool = fuzz_pool();
    data = size ? apr_pmemdup(pool, bytes + 1, size) : NULL;
    if (bytes[0] & 1) {
        mend(data, size);
    }
    whole = run(data, size, 0, size + 16, pool);
    cut = run(data, size, 1 + bytes[0] / 2, size + 16, pool);
    MUST(whole->len == cut->len && !memcmp(whole->data, cut->data, cut->len));
    run(data, size, 1, size / 2, pool);
    apr_pool_destroy(pool);
    return 0;
}
