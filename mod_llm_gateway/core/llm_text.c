/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaped text: what stands between the quotes of a JSON string.
 *
 * Decoding must not trust its input, since text may come from where strings
 * were skipped and not checked: a backslash that begins no escape stands for
 * itself. Two \u escapes that are a surrogate pair are one character; a
 * surrogate alone is none in UTF-8 and becomes U+FFFD.
 */
#include "core/llm_buf.h"
#include "core/llm_find.h"
#include "core/llm_json.h"
#include "core/llm_utf8.h"

#include <string.h>

#include <apr_strings.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The UTF-16 unit of a \uXXXX escape at `at`, or -1. */
static int escape_unit(const char *at, const char *end)
{
    int unit = 0, i;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    for (i = 2; i < 6; ++i) {
        int digit = hex_value(at[i]);

        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* A \uXXXX escape, or two that are a pair. */
static apr_size_t decode_unit(const char **pat, const char *end, int unit,
                              char *out)
{
    int low;

    *pat += 6;
    if (unit < 0xD800 || unit > 0xDFFF) {
        return llm_utf8_put(out, (unsigned)unit);
    }
    low = unit < 0xDC00 ? escape_unit(*pat, end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        return llm_utf8_put(out, 0xFFFD);
    }
    *pat += 6;
    return llm_utf8_put(out, 0x10000 + (((unsigned)unit - 0xD800) << 10)
                                 + ((unsigned)low - 0xDC00));
}

/* What the backslash at *pat begins: moves *pat past it, and writes at most
 * four bytes to `out`. */
static apr_size_t decode_escape(const char **pat, const char *end, char *out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *at = *pat, *found;
    int unit = escape_unit(at, end);

    if (unit >= 0) {
        return decode_unit(pat, end, unit, out);
    }
    found = end - at >= 2 ? memchr(from, at[1], sizeof(from) - 1) : NULL;
    *pat += found ? 2 : 1;
    out[0] = '\\';
    if (found) {
        out[0] = to[found - from];
    }
    return 1;
}

int llm_text_is_escaped(llm_text_t text, const char *plain, apr_size_t len)
{
    const char *at = text.data, *end;

    if (!memchr(text.data, '\\', text.len)) {
        return 0;
    }
    for (end = at + text.len; at < end;) {
        char out[4];
        apr_size_t written = 1;

        if (*at == '\\') {
            written = decode_escape(&at, end, out);
        }
        else {
            out[0] = *at++;
        }
        if (written > len || memcmp(out, plain, written) != 0) {
            return 0;
        }
        plain += written;
        len -= written;
    }
    return !len;
}

llm_bytes_t llm_text_decode(llm_text_t text, apr_pool_t *pool)
{
    llm_bytes_t bytes = {NULL, 0};
    const char *at = text.data, *end;
    char *out;

    if (!text.data) {
        return bytes;
    }
    end = at + text.len;
    out = apr_palloc(pool, text.len + 1); /* decoding never makes it longer */
    bytes.data = out;
    while (at < end) {
        const char *stop = memchr(at, '\\', (apr_size_t)(end - at));
        apr_size_t plain = (apr_size_t)((stop ? stop : end) - at);

        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (stop) {
            out += decode_escape(&at, end, out);
        }
    }
    *out = '\0';
    bytes.len = (apr_size_t)(out - bytes.data);
    return bytes;
}

const char *llm_text_string(llm_text_t text, apr_pool_t *pool)
{
    return llm_text_decode(text, pool).data;
}

llm_text_t llm_text_escape(const char *utf8, apr_size_t len, apr_pool_t *pool)
{
    llm_text_t text;
    llm_buf_t *buf; /* in a pool of its own: it is needed here only */
    apr_pool_t *scratch;

    if (!utf8) {
        return LLM_TEXT_NONE;
    }
    if (llm_find_plain_end(utf8, utf8 + len) == utf8 + len) {
        text.data = apr_pstrmemdup(pool, utf8, len);
        text.len = len;
        return text;
    }
    apr_pool_create(&scratch, pool);
    buf = llm_buf_make(0, scratch);
    llm_buf_put_escaped(buf, utf8, len);
    if (buf->overflow) {
        text = LLM_TEXT_NONE; /* out of memory */
    }
    else {
        text.len = buf->len - 2;
        text.data = apr_pstrmemdup(pool, buf->data + 1, text.len);
    }
    apr_pool_destroy(scratch);
    return text;
}
