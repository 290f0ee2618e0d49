/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that takes text from outside: escaping and decoding, redaction,
 * decimals, durations, times, patterns. Whatever is taken is taken back the
 * same; whatever is refused leaves its result alone.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_json.h"
#include "core/llm_key.h"
#include "core/llm_money.h"
#include "core/llm_pattern.h"
#include "core/llm_redact.h"
#include "core/llm_time.h"
#include "core/llm_utf8.h"

static int is_utf8(const char *at, const char *end)
{
    while (at < end) {
        apr_size_t length = llm_utf8_length(at, end);

        if (!length) {
            return 0;
        }
        at += length;
    }
    return 1;
}

static void check_escaping(const char *data, size_t size, apr_pool_t *pool)
{
    llm_text_t text = llm_text_escape(data, size, pool), raw = {data, size};
    llm_buf_t *buf = llm_buf_make(0, pool);
    llm_bytes_t bytes = llm_text_decode(text, pool);
    const llm_json_t *doc;

    llm_buf_put_escaped(buf, data, size);
    MUST(buf->len == text.len + 2);
    MUST(!memcmp(buf->data + 1, text.data, text.len));
    MUST(llm_json_read(&doc, buf->data, buf->len, NULL, pool) == APR_SUCCESS);
    MUST(is_utf8(bytes.data, bytes.data + bytes.len));
    if (is_utf8(data, data + size)) {
        MUST(bytes.len == size && !memcmp(bytes.data, data, size));
    }
    /* taken for escaped text, which it may be or not */
    bytes = llm_text_decode(raw, pool);
    MUST(bytes.len <= size);
    if (!memchr(bytes.data, 0, bytes.len)) {
        MUST(llm_text_equals(raw, bytes.data));
    }
}

static void check_redaction(const char *text, apr_pool_t *pool)
{
    const char *shown = llm_redact(text, pool);

    MUST(strlen(shown) <= 3 * strlen(text) + 3);
    for (; *shown; ++shown) {
        MUST((unsigned char)*shown >= 0x20 && *shown != 0x7F);
    }
    (void)llm_redact_is_secret_header(text);
    (void)llm_key_check_name(text);
}

static void check_measures(const char *text, apr_pool_t *pool)
{
    apr_interval_time_t duration = -7;
    apr_time_t when = -7, again;
    apr_size_t size;
    llm_money_t money = -7, same;

    if (!llm_duration_read(&duration, text)) {
        MUST(duration >= 0);
    }
    if (!llm_time_read(&when, text, 1795305600000000)) {
        MUST(when >= 0);
        if (when < 253402300800000000) { /* the year 10000 */
            MUST(!llm_time_read(&again, llm_time_print(when, pool), 0));
            MUST(again == when - when % 1000000);
        }
    }
    (void)llm_size_read(&size, text);
    if (llm_money_read(&money, text, strlen(text))) {
        const char *shown = llm_money_print(money, pool);

        MUST(money >= 0);
        MUST(llm_money_read(&same, shown, strlen(shown)) && same == money);
    }
    else {
        MUST(money == -7);
    }
}

/* The first line is the pattern, the rest the name. */
static void check_pattern(char *text, apr_pool_t *pool)
{
    char *name = strchr(text, '\n');
    llm_bytes_t matched;

    if (!name) {
        return;
    }
    *name++ = '\0';
    if (!llm_pattern_check(text) && llm_pattern_match(text, name, &matched)) {
        MUST(!strcmp(llm_pattern_fill(text, matched, pool), name));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const char *data = (const char *)bytes;
    char *text = apr_pstrmemdup(pool, size ? data : "", size);

    check_escaping(data, size, pool);
    check_redaction(text, pool);
    check_measures(text, pool);
    check_pattern(text, pool);
    apr_pool_destroy(pool);
    return 0;
}
