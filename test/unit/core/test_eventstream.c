/* SPDX-License-Identifier: Apache-2.0 */
/* AWS's event stream: messages come out whole, wherever they were cut, and
 * what is damaged does not come out at all. */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_eventstream.h"
#include "test/unit/core/random.h"
#include "test/unit/messages.h"

/* "[name payload]" of each message, then how it ended. */
static const char *run(const char *data, apr_size_t len, apr_size_t most,
                       test_random_t *dice, apr_size_t limit)
{
    llm_eventstream_t *stream = llm_eventstream_make(limit, unit_pool);
    llm_buf_t *notes = llm_buf_make(0, unit_pool);
    llm_buf_t *raw = llm_buf_make(0, unit_pool);
    apr_status_t status = APR_EAGAIN;
    llm_eventstream_event_t event;
    apr_size_t at, piece;

    for (at = 0; at < len; at += piece) {
        char *copy;

        piece = most < len - at ? most : len - at;
        piece = dice ? 1 + test_random_below(dice, piece) : piece;
        copy = apr_pmemdup(unit_pool, data + at, piece);
        llm_eventstream_feed(stream, copy, piece);
        memset(copy, '?', piece);
        while ((status = llm_eventstream_next(stream, &event)) == APR_SUCCESS) {
            llm_buf_putc(notes, '[');
            llm_buf_append(notes, event.event.data, event.event.len);
            llm_buf_putc(notes, ' ');
            llm_buf_append(notes, event.data.data, event.data.len);
            llm_buf_putc(notes, ']');
            llm_buf_append(raw, event.raw.data, event.raw.len);
        }
    }
    ck_assert_uint_le(raw->len, len);
    ck_assert(!raw->len || !memcmp(raw->data, data, raw->len));
    llm_buf_puts(notes, status == APR_ENOSPC                 ? "too long"
                        : status == APR_EGENERAL             ? "damaged"
                        : llm_eventstream_is_partial(stream) ? "cut"
                                                             : "end");
    if (status != APR_EAGAIN) { /* and so it stays */
        llm_eventstream_feed(stream, data, len);
        ck_assert_int_eq(llm_eventstream_next(stream, &event), status);
    }
    llm_buf_putc(notes, '\0');
    return notes->data;
}

static void check(const llm_buf_t *bytes, const char *expected)
{
    test_random_t dice = test_random_make("eventstream");
    int i;

    ck_assert_str_eq(run(bytes->data, bytes->len, bytes->len, NULL, 1000),
                     expected);
    ck_assert_str_eq(run(bytes->data, bytes->len, 1, NULL, 1000), expected);
    for (i = 0; i < 20; ++i) {
        ck_assert_str_eq(run(bytes->data, bytes->len, 40, &dice, 1000),
                         expected);
    }
}

static llm_buf_t *two(void)
{
    llm_buf_t *bytes = llm_buf_make(0, unit_pool);

    messages_put(bytes, "event", "messageStart", "{\"role\":\"assistant\"}");
    messages_put(bytes, "exception", "throttlingException", "{}");
    return bytes;
}

START_TEST(reads_messages)
{
    llm_buf_t *bytes = two();

    check(bytes,
          "[messageStart {\"role\":\"assistant\"}][throttlingException {}]end");
    --bytes->len;
    check(bytes, "[messageStart {\"role\":\"assistant\"}]cut");
}
END_TEST

/* The example of AWS's own documentation of the format's tests: no headers,
 * and a payload. */
START_TEST(reads_known_bytes)
{
    static const unsigned char known[] = {
        0x00, 0x00, 0x00, 0x1d, 0x00, 0x00, 0x00, 0x00, 0xfd, 0x52,
        0x8c, 0x5a, 0x7b, 0x27, 0x66, 0x6f, 0x6f, 0x27, 0x3a, 0x27,
        0x62, 0x61, 0x72, 0x27, 0x7d, 0xc3, 0x65, 0x39, 0x36,
    };

    ck_assert_str_eq(
        run((const char *)known, sizeof(known), sizeof(known), NULL, 1000),
        "[ {'foo':'bar'}]end");
}
END_TEST

/* One of each type, then the one that counts. */
START_TEST(skips_headers_of_all_types)
{
    static const char headers[] = "\1a\0"
                                  "\1b\1"
                                  "\1c\2x"
                                  "\1d\3xx"
                                  "\1e\4xxxx"
                                  "\1f\5xxxxxxxx"
                                  "\1g\6\0\2xx"
                                  "\1h\7\0\2xx"
                                  "\1i\10xxxxxxxx"
                                  "\1j\11xxxxxxxxxxxxxxxx"
                                  "\13:event-type\7\0\4name";
    llm_buf_t *bytes = llm_buf_make(0, unit_pool);

    messages_put_raw(bytes, (llm_bytes_t){headers, sizeof(headers) - 1}, "{}");
    check(bytes, "[name {}]end");
}
END_TEST

START_TEST(takes_an_error_without_payload)
{
    static const char headers[] = "\13:error-code\7\0\3Bad"
                                  "\16:error-message\7\0\4sick";
    llm_buf_t *bytes = llm_buf_make(0, unit_pool);

    messages_put_raw(bytes, (llm_bytes_t){headers, sizeof(headers) - 1}, "");
    check(bytes, "[Bad sick]end");
}
END_TEST

static const struct {
    const char *headers;
    apr_size_t len;
} bad_headers[] = {
    {"\1a\12", 3},     /* a type there is not */
    {"\1a\4xxx", 6},   /* too short for its value */
    {"\1a\7\0\5x", 6}, /* too short for its count */
    {"\1a\7\0", 4},    /* too short for a count */
    {"\5a", 2},        /* too short for its name */
    {"\1a", 2},        /* without a type */
};

START_TEST(refuses_headers_that_are_none)
{
    llm_buf_t *bytes = llm_buf_make(0, unit_pool);

    messages_put_raw(
        bytes, (llm_bytes_t){bad_headers[_i].headers, bad_headers[_i].len}, "");
    check(bytes, "damaged");
}
END_TEST

/* Whatever bit is wrong, a checksum tells. */
START_TEST(refuses_what_is_damaged)
{
    apr_size_t first, at;
    llm_buf_t *bytes = llm_buf_make(0, unit_pool);

    messages_put(bytes, "event", "messageStart", "{}");
    first = bytes->len;
    messages_put(bytes, "event", "messageStop", "{}");
    for (at = 0; at < bytes->len; ++at) {
        const char *found;

        bytes->data[at] ^= 0x10;
        found = run(bytes->data, bytes->len, 7, NULL, 1000);
        ck_assert_str_eq(found,
                         at < first ? "damaged" : "[messageStart {}]damaged");
        bytes->data[at] ^= 0x10;
    }
}
END_TEST

START_TEST(refuses_lengths_that_do_not_fit)
{
    /* headers longer than the message; checksums are right */
    static const unsigned char wrong[] = {
        0, 0, 0, 16, 0, 0, 0, 1, 0x72, 0xc5, 0x78, 0x7d, 0, 0, 0, 0,
    };

    ck_assert_str_eq(run((const char *)wrong, sizeof(wrong), 16, NULL, 1000),
                     "damaged");
}
END_TEST

START_TEST(keeps_to_its_limit)
{
    llm_buf_t *bytes = two();
    const char *first = "[messageStart {\"role\":\"assistant\"}]";

    ck_assert_str_eq(run(bytes->data, bytes->len, 5, NULL, 50), "too long");
    ck_assert_str_eq(
        run(bytes->data, bytes->len, 5, NULL, 125),
        apr_pstrcat(unit_pool, first, "[throttlingException {}]end", NULL));
}
END_TEST

/* ---- writing ---- */

/* What is written is what another writer writes, behind whatever there is. */
START_TEST(writes_messages)
{
    static const struct {
        const char *kind, *name, *payload;
    } rows[] = {
        {"event", "messageStart", "{\"role\":\"assistant\"}"},
        {"exception", "throttlingException", "{}"},
        {"event", "contentBlockDelta", ""},
    };
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_buf_t *other = llm_buf_make(0, unit_pool);
    apr_size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); ++i) {
        apr_size_t begin =
            llm_eventstream_open(out, rows[i].kind, rows[i].name);

        llm_buf_puts(out, rows[i].payload);
        llm_eventstream_close(out, begin);
        messages_put(other, rows[i].kind, rows[i].name, rows[i].payload);
        ck_assert_uint_eq(out->len, other->len);
        ck_assert_int_eq(memcmp(out->data, other->data, out->len), 0);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_no_message)
{
    apr_size_t ceiling;

    for (ceiling = 1; ceiling < 120; ++ceiling) {
        llm_buf_t *out = llm_buf_make(ceiling, unit_pool);
        apr_size_t begin = llm_eventstream_open(out, "event", "metadata");

        llm_buf_lit(out, "{\"usage\":{\"inputTokens\":12345678}}");
        llm_eventstream_close(out, begin);
        ck_assert(out->overflow);
        ck_assert_uint_le(out->len, ceiling);
    }
}
END_TEST

Suite *eventstream_suite(void)
{
    Suite *suite = suite_create("eventstream");
    TCase *tcase = tcase_create("eventstream");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, reads_messages);
    tcase_add_test(tcase, writes_messages);
    tcase_add_test(tcase, what_does_not_fit_is_no_message);
    tcase_add_test(tcase, reads_known_bytes);
    tcase_add_test(tcase, skips_headers_of_all_types);
    tcase_add_test(tcase, takes_an_error_without_payload);
    tcase_add_loop_test(tcase, refuses_headers_that_are_none, 0,
                        (int)(sizeof(bad_headers) / sizeof(*bad_headers)));
    tcase_add_test(tcase, refuses_what_is_damaged);
    tcase_add_test(tcase, refuses_lengths_that_do_not_fit);
    tcase_add_test(tcase, keeps_to_its_limit);
    suite_add_tcase(suite, tcase);
    return suite;
}
