/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of an event stream out of bytes that are cut anywhere, and written.
 *
 * The prelude is checked as soon as its twelve bytes are there, so that a
 * length that was damaged is not waited for.
 */
#include "core/llm_eventstream.h"

#include <string.h>

#define PRELUDE 12
#define TRAILER 4

struct llm_eventstream_t {
    llm_buf_t *pending;  /* bytes not given out yet, `given` in front */
    apr_size_t limit;    /* no message may be longer */
    apr_size_t given;    /* bytes of the message given out last */
    apr_size_t expected; /* length of the message in front; 0: not known */
    apr_status_t failed; /* not APR_SUCCESS: final */
};

llm_eventstream_t *llm_eventstream_make(apr_size_t limit, apr_pool_t *pool)
{
    llm_eventstream_t *stream = apr_pcalloc(pool, sizeof(*stream));

    stream->pending = llm_buf_make(0, pool);
    stream->limit = limit;
    return stream;
}

static void drop_given(llm_eventstream_t *stream)
{
    if (stream->given) {
        llm_buf_drop(stream->pending, stream->given);
        llm_buf_trim(stream->pending);
        stream->given = 0;
        stream->expected = 0;
    }
}

void llm_eventstream_feed(llm_eventstream_t *stream, const char *data,
                          apr_size_t len)
{
    drop_given(stream);
    if (!stream->failed) {
        llm_buf_append(stream->pending, data, len);
    }
}

int llm_eventstream_is_partial(const llm_eventstream_t *stream)
{
    return stream->pending->len > stream->given;
}

/* ---- numbers ---- */

static apr_uint32_t u32_at(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;

    return (apr_uint32_t)byte[0] << 24 | (apr_uint32_t)byte[1] << 16
           | (apr_uint32_t)byte[2] << 8 | byte[3];
}

/* CRC-32 of IEEE 802.3, four bits a step. */
static apr_uint32_t crc_of(const char *data, apr_size_t len)
{
    static const apr_uint32_t steps[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    apr_uint32_t crc = 0xffffffff;

    while (len--) {
        crc ^= (unsigned char)*data++;
        crc = crc >> 4 ^ steps[crc & 15];
        crc = crc >> 4 ^ steps[crc & 15];
    }
    return ~crc;
}

/* ---- headers ---- */

/* Bytes a value of this type has; -1 where they are counted by a u16, -2 for
 * a type there is not. */
static int size_of(unsigned type)
{
    static const int sizes[] = {
        0,  /* true */
        0,  /* false */
        1,  /* byte */
        2,  /* short */
        4,  /* integer */
        8,  /* long */
        -1, /* bytes */
        -1, /* string */
        8,  /* timestamp */
        16, /* UUID */
    };

    return type < sizeof(sizes) / sizeof(*sizes) ? sizes[type] : -2;
}

/* Takes `len` bytes off the front; 0 when there are not so many. */
static int take(llm_bytes_t *from, apr_size_t len, llm_bytes_t *pout)
{
    if (from->len < len) {
        return 0;
    }
    pout->data = from->data;
    pout->len = len;
    from->data += len;
    from->len -= len;
    return 1;
}

/* One header off the front; 0 when it is none. */
static int take_header(llm_bytes_t *from, llm_bytes_t *pname,
                       llm_bytes_t *pvalue)
{
    llm_bytes_t part;
    int size;

    if (!take(from, 1, &part) || !take(from, (unsigned char)part.data[0], pname)
        || !take(from, 1, &part)) {
        return 0;
    }
    size = size_of((unsigned char)part.data[0]);
    if (size == -1) {
        if (!take(from, 2, &part)) {
            return 0;
        }
        size = (unsigned char)part.data[0] << 8 | (unsigned char)part.data[1];
    }
    return size >= 0 && take(from, (apr_size_t)size, pvalue);
}

static int is_name(llm_bytes_t bytes, const char *name)
{
    return bytes.len == strlen(name) && !memcmp(bytes.data, name, bytes.len);
}

static int read_headers(llm_bytes_t headers, llm_eventstream_event_t *event)
{
    llm_bytes_t name, value;

    while (headers.len) {
        if (!take_header(&headers, &name, &value)) {
            return 0;
        }
        if (is_name(name, ":event-type") || is_name(name, ":exception-type")
            || is_name(name, ":error-code")) {
            event->event = value;
        }
        else if (is_name(name, ":error-message") && !event->data.len) {
            event->data = value;
        }
    }
    return 1;
}

/* ---- messages ---- */

/* The length of the message in front, once it can be known. */
static apr_status_t read_prelude(llm_eventstream_t *stream)
{
    const llm_buf_t *buf = stream->pending;
    apr_size_t len;

    if (stream->expected) {
        return APR_SUCCESS;
    }
    if (buf->len < PRELUDE) {
        return APR_EAGAIN;
    }
    len = u32_at(buf->data);
    if (u32_at(buf->data + 8) != crc_of(buf->data, 8) || len < PRELUDE + TRAILER
        || u32_at(buf->data + 4) > len - PRELUDE - TRAILER) {
        return APR_EGENERAL;
    }
    if (len > stream->limit) {
        return APR_ENOSPC;
    }
    stream->expected = len;
    return APR_SUCCESS;
}

static apr_status_t read_message(llm_eventstream_t *stream,
                                 llm_eventstream_event_t *event)
{
    const llm_buf_t *buf = stream->pending;
    apr_size_t len = stream->expected;
    llm_bytes_t headers;

    if (buf->overflow) {
        return APR_ENOSPC;
    }
    if (buf->len < len) {
        return APR_EAGAIN;
    }
    if (u32_at(buf->data + len - TRAILER) != crc_of(buf->data, len - TRAILER)) {
        return APR_EGENERAL;
    }
    memset(event, 0, sizeof(*event));
    event->raw.data = buf->data;
    event->raw.len = len;
    headers.data = buf->data + PRELUDE;
    headers.len = u32_at(buf->data + 4);
    event->data.data = headers.data + headers.len;
    event->data.len = len - PRELUDE - TRAILER - headers.len;
    return read_headers(headers, event) ? APR_SUCCESS : APR_EGENERAL;
}

apr_status_t llm_eventstream_next(llm_eventstream_t *stream,
                                  llm_eventstream_event_t *pevent)
{
    apr_status_t status;

    drop_given(stream);
    if (stream->failed) {
        return stream->failed;
    }
    status = read_prelude(stream);
    if (!status) {
        status = read_message(stream, pevent);
    }
    if (!status) {
        stream->given = stream->expected;
    }
    else if (status != APR_EAGAIN) {
        stream->failed = status;
    }
    return status;
}

/* ---- writing ---- */

static void put_u32(char *at, apr_uint32_t value)
{
    at[0] = (char)(value >> 24);
    at[1] = (char)(value >> 16);
    at[2] = (char)(value >> 8);
    at[3] = (char)value;
}

/* A header whose value is a string. */
static void put_header(llm_buf_t *out, const char *name, const char *value)
{
    apr_size_t len = strlen(value);

    llm_buf_putc(out, (char)strlen(name));
    llm_buf_puts(out, name);
    llm_buf_putc(out, 7);
    llm_buf_putc(out, (char)(len >> 8));
    llm_buf_putc(out, (char)len);
    llm_buf_append(out, value, len);
}

apr_size_t llm_eventstream_open(llm_buf_t *out, const char *kind,
                                const char *name)
{
    static const char prelude[PRELUDE];
    int is_exception = !strcmp(kind, "exception");
    apr_size_t begin = out->len, headers;

    llm_buf_append(out, prelude, PRELUDE);
    headers = out->len;
    put_header(out, is_exception ? ":exception-type" : ":event-type", name);
    put_header(out, ":content-type", "application/json");
    put_header(out, ":message-type", kind);
    if (!out->overflow) {
        put_u32(out->data + begin + 4, (apr_uint32_t)(out->len - headers));
    }
    return begin;
}

void llm_eventstream_close(llm_buf_t *out, apr_size_t begin)
{
    static const char trailer[TRAILER];
    char *message;
    apr_size_t len;

    llm_buf_append(out, trailer, TRAILER);
    if (out->overflow) {
        return; /* what did not fit makes it no message */
    }
    message = out->data + begin;
    len = out->len - begin;
    put_u32(message, (apr_uint32_t)len);
    put_u32(message + 8, crc_of(message, 8));
    put_u32(message + len - TRAILER, crc_of(message, len - TRAILER));
}
