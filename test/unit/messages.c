/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of AWS's event stream, written; see messages.h. */
#include "test/unit/messages.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_eventstream.h"
#include "test/unit/unit.h"

static void put_u32(llm_buf_t *out, apr_uint32_t value)
{
    llm_buf_putc(out, (char)(value >> 24));
    llm_buf_putc(out, (char)(value >> 16));
    llm_buf_putc(out, (char)(value >> 8));
    llm_buf_putc(out, (char)value);
}

/* CRC-32 bit by bit, as the polynomial says. */
static apr_uint32_t crc_of(const char *data, apr_size_t len)
{
    apr_uint32_t crc = 0xffffffff;
    int i;

    for (; len--; ++data) {
        crc ^= (unsigned char)*data;
        for (i = 0; i < 8; ++i) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
    }
    return ~crc;
}

void messages_put_raw(llm_buf_t *out, llm_bytes_t headers, const char *payload)
{
    apr_size_t begin = out->len, len = strlen(payload);

    put_u32(out, (apr_uint32_t)(16 + headers.len + len));
    put_u32(out, (apr_uint32_t)headers.len);
    put_u32(out, crc_of(out->data + begin, 8));
    llm_buf_append(out, headers.data, headers.len);
    llm_buf_append(out, payload, len);
    put_u32(out, crc_of(out->data + begin, out->len - begin));
}

static void put_header(llm_buf_t *out, const char *name, const char *value)
{
    apr_size_t len = strlen(value);

    llm_buf_putc(out, (char)strlen(name));
    llm_buf_puts(out, name);
    llm_buf_putc(out, 7);
    llm_buf_putc(out, (char)(len >> 8));
    llm_buf_putc(out, (char)len);
    llm_buf_puts(out, value);
}

void messages_put(llm_buf_t *out, const char *kind, const char *name,
                  const char *payload)
{
    llm_buf_t *headers = llm_buf_make(0, unit_pool);

    put_header(headers, apr_psprintf(unit_pool, ":%s-type", kind), name);
    put_header(headers, ":content-type", "application/json");
    put_header(headers, ":message-type", kind);
    messages_put_raw(out, (llm_bytes_t){headers->data, headers->len}, payload);
}

void messages_put_lines(llm_buf_t *out, const char *lines)
{
    char *copy = apr_pstrdup(unit_pool, lines), *line, *state;
    apr_size_t len = strlen(lines);

    for (line = apr_strtok(copy, "\n", &state); line;
         line = apr_strtok(NULL, "\n", &state)) {
        char *blank = strchr(line, ' ');

        ck_assert_msg(blank != NULL, "no payload: %s", line);
        *blank = '\0';
        messages_put(out, strstr(line, "Exception") ? "exception" : "event",
                     line, blank + 1);
    }
    if (len && lines[len - 1] != '\n') {
        out->len -= 5;
    }
}

const char *messages_lines(const char *data, apr_size_t len)
{
    llm_eventstream_t *stream = llm_eventstream_make(len + 1, unit_pool);
    llm_buf_t *lines = llm_buf_make(0, unit_pool);
    llm_buf_t *again = llm_buf_make(0, unit_pool);
    llm_eventstream_event_t event;
    const char *text;

    llm_eventstream_feed(stream, data, len);
    while (!llm_eventstream_next(stream, &event)) {
        llm_buf_append(lines, event.event.data, event.event.len);
        llm_buf_putc(lines, ' ');
        llm_buf_append(lines, event.data.data, event.data.len);
        llm_buf_putc(lines, '\n');
    }
    text =
        apr_pstrmemdup(unit_pool, lines->data ? lines->data : "", lines->len);
    messages_put_lines(again, text);
    ck_assert_uint_eq(again->len, len);
    ck_assert_msg(!len || !memcmp(again->data, data, len), "no messages: %s",
                  text);
    return text;
}
