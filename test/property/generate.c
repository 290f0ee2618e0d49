/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts and values that have broken translators: half of a character, what ends
 * a line or an event, numbers that no double holds, names twice.
 */
#include "test/property/property.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include "test/unit/unit.h"

#define LONG_TIMES 3000

/* As they stand between quotes. The first ones are the simplest. */
static const char *const pieces[] = {
    "a",
    "word ",
    " ",
    "\\n",
    "",
    "caf\xc3\xa9",
    "\\u00e9\\u0301",
    "\xf0\x9f\x98\x80",
    "\\ud83d\\ude00",
    "\\u0000",
    "\\\"",
    "\\\\",
    "\\/",
    "\\r\\n\\r\\n",
    "data: [DONE]\\n\\n",
    "{\\\"a\\\":1}",
    "\\u2028\\u2029",
    "\xe2\x80\xa8",
    "\xef\xbb\xbf",
    "\\ud800",
    "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
    "<|im_end|>",
    "]}",
    "\\t\\b\\f",
    "\\u001b[0m",
    "\\u007f",
    "'\\u0022'",
    "%s%n",
};
#define PIECES (sizeof(pieces) / sizeof(*pieces))

const char *bytes_as_text(const llm_buf_t *buf)
{
    return apr_pstrmemdup(unit_pool, buf->data ? buf->data : "", buf->len);
}

static llm_text_t text_in(const llm_buf_t *buf)
{
    llm_text_t text = {bytes_as_text(buf), buf->len};

    return text;
}

llm_text_t some_text(void)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    unsigned count = 1 + roll(5), times;

    while (count--) {
        const char *piece = pieces[roll(PIECES)];

        for (times = rarely(200) ? LONG_TIMES : 1; times--;) {
            llm_buf_puts(out, piece);
        }
    }
    return text_in(out);
}

llm_text_t some_word(void)
{
    static const char *const words[] = {"get_weather", "f", "search-web",
                                        "a_b_c_1", "Tool9"};

    llm_text_t word = {words[roll(5)], 0};

    word.len = strlen(word.data);
    return word;
}

/* ---- JSON ---- */

static void put_some_string(llm_buf_t *out)
{
    llm_buf_put_text(out, some_text());
}

static void put_scalar(llm_buf_t *out)
{
    static const char *const scalars[] = {
        "0",    "1",     "true",   "null", "-1",
        "3.14", "1e400", "-0.0",   "1E+2", "9223372036854775808",
        "1e-7", "false", "0.10",   "1e5",  "12345678901234567890123",
        "[]",   "{}",    "[ 1 ,2]"};
    unsigned one = roll(20);

    if (one >= sizeof(scalars) / sizeof(*scalars)) {
        put_some_string(out);
        return;
    }
    llm_buf_puts(out, scalars[one]);
}

static void put_blank(llm_buf_t *out)
{
    if (rarely(12)) {
        llm_buf_puts(out, roll(2) ? " " : "\n\t");
    }
}

static void put_members(llm_buf_t *out, int depth)
{
    static const char *const names[] = {"a",       "b",        "a",     "",
                                        "\\u0061", "type",     "text",  "id",
                                        "$ref",    "\\u0000k", "model", "x y"};
    unsigned count = roll(4), i;

    llm_buf_putc(out, '{');
    for (i = 0; i < count; ++i) {
        put_blank(out);
        llm_buf_printf(out, "%s\"%s\"", i ? "," : "", names[roll(12)]);
        put_blank(out);
        llm_buf_putc(out, ':');
        put_value(out, depth - 1);
    }
    put_blank(out);
    llm_buf_putc(out, '}');
}

void put_value(llm_buf_t *out, int depth)
{
    unsigned count, i;

    put_blank(out);
    switch (depth > 0 ? roll(5) : 0) {
    case 3:
        count = roll(4);
        llm_buf_putc(out, '[');
        for (i = 0; i < count; ++i) {
            llm_buf_puts(out, i ? "," : "");
            put_value(out, depth - 1);
        }
        llm_buf_putc(out, ']');
        break;
    case 4:
        put_members(out, depth);
        break;
    default:
        put_scalar(out);
        break;
    }
    put_blank(out);
}

const char *some_object(void)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    if (!roll(3)) {
        return "{}";
    }
    put_members(out, 3);
    return bytes_as_text(out);
}

const llm_json_t *json_of(const char *fmt, ...)
{
    const char *text;
    va_list args;

    va_start(args, fmt);
    text = apr_pvsprintf(unit_pool, fmt, args);
    va_end(args);
    return exchange_json(text, strlen(text));
}

const char *packed(const char *data, apr_size_t len)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    int in_string = 0;
    apr_size_t i;

    for (i = 0; i < len; ++i) {
        if (data[i] == '\\' && in_string) {
            llm_buf_putc(out, data[i++]);
        }
        else if (data[i] == '"') {
            in_string = !in_string;
        }
        if (in_string || !strchr(" \t\r\n", data[i])) {
            llm_buf_putc(out, data[i]);
        }
    }
    return bytes_as_text(out);
}
