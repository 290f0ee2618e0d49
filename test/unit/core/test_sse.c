/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events. Streams are written down in events as
 * "[event|data]" for one with data and "[]" for one without, and must read
 * the same whole, byte by byte and cut at random places.
 */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_sse.h"
#include "test/unit/core/random.h"

#define LIMIT 100000

typedef struct tape_t {
    llm_sse_t *sse;
    llm_buf_t *events; /* "[event|data]" of each with data */
    llm_buf_t *raws;   /* all raws: must be the input again */
    unsigned count;    /* of all events */
    unsigned empty;    /* of those without data */
} tape_t;

static void note_event(tape_t *tape, const llm_sse_event_t *event)
{
    ++tape->count;
    ck_assert_uint_gt(event->raw.len, 0);
    llm_buf_append(tape->raws, event->raw.data, event->raw.len);
    if (event->has_data) {
        llm_buf_putc(tape->events, '[');
        llm_buf_append(tape->events, event->event.data, event->event.len);
        llm_buf_putc(tape->events, '|');
        llm_buf_append(tape->events, event->data.data, event->data.len);
        llm_buf_putc(tape->events, ']');
    }
    else {
        ++tape->empty;
        ck_assert_uint_eq(event->data.len, 0);
    }
}

static void take_events(tape_t *tape)
{
    llm_sse_event_t event;
    apr_status_t status;

    while ((status = llm_sse_next(tape->sse, &event)) == APR_SUCCESS) {
        note_event(tape, &event);
    }
    ck_assert_int_eq(status, APR_EAGAIN);
}

/* Reads all of a stream, fed in pieces of 1..most bytes. */
static void run(tape_t *tape, const char *text, apr_size_t len, apr_size_t most,
                test_random_t *dice)
{
    llm_sse_event_t event;

    tape->sse = llm_sse_make(LIMIT, unit_pool);
    tape->events = llm_buf_make(0, unit_pool);
    tape->raws = llm_buf_make(0, unit_pool);
    tape->count = tape->empty = 0;
    while (len) {
        apr_size_t piece = most < len ? most : len;
        char *copy;

        if (dice) {
            piece = 1 + test_random_below(dice, piece);
        }
        copy = apr_pmemdup(unit_pool, text, piece);
        llm_sse_feed(tape->sse, copy, piece);
        memset(copy, '?', piece); /* the reader keeps no pointer to it */
        take_events(tape);
        text += piece;
        len -= piece;
    }
    while (llm_sse_finish(tape->sse, &event) == APR_SUCCESS) {
        note_event(tape, &event);
    }
    ck_assert_int_eq(llm_sse_finish(tape->sse, &event), APR_EOF);
    llm_buf_putc(tape->events, '\0');
}

static void check_tape(const tape_t *tape, const char *text, apr_size_t len,
                       const char *expected)
{
    ck_assert_str_eq(tape->events->data, expected);
    ck_assert_uint_eq(tape->raws->len, len);
    if (len) {
        ck_assert_mem_eq(tape->raws->data, text, len);
    }
}

static void check_bytes(const char *text, apr_size_t len, const char *expected)
{
    test_random_t dice = {len * 2 + 1};
    tape_t tape;
    int round;

    run(&tape, text, len, len ? len : 1, NULL);
    check_tape(&tape, text, len, expected);
    run(&tape, text, len, 1, NULL);
    check_tape(&tape, text, len, expected);
    for (round = 0; round < 20; ++round) {
        run(&tape, text, len, 1 + test_random_below(&dice, 20), &dice);
        check_tape(&tape, text, len, expected);
    }
}

#define CHECK(text, expected) check_bytes((text), sizeof(text) - 1, (expected))

START_TEST(reads_events)
{
    CHECK("", "");
    CHECK("data: a\n\n", "[|a]");
    CHECK("event: ping\ndata: {}\n\ndata: b\n\n", "[ping|{}][|b]");
    CHECK("id: 1\nretry: 5\ndata: a\nunknown: x\n\n", "[|a]");
}
END_TEST

START_TEST(takes_every_line_end)
{
    CHECK("event: e\r\ndata: a\r\n\r\ndata: b\r\n\r\n", "[e|a][|b]");
    CHECK("event: e\rdata: a\r\rdata: b\r\r", "[e|a][|b]");
    CHECK("event: e\rdata: a\n\r\ndata: b\r\n\ndata: c\n\rdata: d\r\r",
          "[e|a][|b][|c][|d]");
    CHECK("data: a\r\r\ndata: b\r\n\r\n", "[|a][|b]");
}
END_TEST

START_TEST(takes_one_blank_after_the_colon)
{
    CHECK("data:a\n\ndata:  b\n\ndata:\tc\n\n", "[|a][| b][|\tc]");
    CHECK("data\n\n", "[|]");
    CHECK("data:\n\n", "[|]");
    CHECK("data: \n\n", "[|]");
    CHECK("event:x\ndata:a:b\n\n", "[x|a:b]");
}
END_TEST

START_TEST(joins_data_lines)
{
    CHECK("data: a\ndata: b\n\n", "[|a\nb]");
    CHECK("data: a\r\ndata:\r\ndata: c\r\n\r\n", "[|a\n\nc]");
    CHECK("data\ndata\n\n", "[|\n]");
    CHECK("data: a\nevent: x\ndata: b\n\ndata: c\ndata: d\ndata: e\n\n",
          "[x|a\nb][|c\nd\ne]");
}
END_TEST

START_TEST(last_event_field_counts)
{
    CHECK("event: a\nevent: b\ndata: 1\n\ndata: 2\n\n", "[b|1][|2]");
    CHECK("event: a\nevent\ndata: 1\n\n", "[|1]");
}
END_TEST

START_TEST(ignores_comments_and_other_fields)
{
    CHECK(": keep-alive\n\n", "");
    CHECK(":\n:\n\ndata: a\n: x\n\n", "[|a]");
    CHECK(" data: a\nDATA: b\ndatax: c\ndat: d\n\n", "");
    CHECK("\n\n\ndata: a\n\n\n\n", "[|a]");
    CHECK("event: only\n\n", "");
}
END_TEST

/* llama.cpp, whose error has neither an event's name nor data. */
START_TEST(takes_an_error_field_for_an_event)
{
    CHECK("error: {\"code\":500}\n\ndata: a\n\n", "[error|{\"code\":500}][|a]");
    CHECK("error\n\n", "");
}
END_TEST

START_TEST(event_name_does_not_leak)
{
    CHECK("event: only\n\ndata: a\n\n", "[|a]");
}
END_TEST

START_TEST(skips_a_byte_order_mark_at_the_start)
{
    CHECK("\xEF\xBB\xBF"
          "data: a\n\n",
          "[|a]");
    CHECK("\xEF\xBB"
          "data: a\n\n",
          "");
    CHECK("\xEF\xBB\xBF", "");
    CHECK("\xEF\xBB", "");
    CHECK("data: a\n\n\xEF\xBB\xBF"
          "data: b\n\n",
          "[|a]");
}
END_TEST

START_TEST(gives_out_what_was_not_ended)
{
    CHECK("data: a\n\ndata: b\n", "[|a][|b]");
    CHECK("data: a\n\ndata: b", "[|a][|b]");
    CHECK("data: b\r\n", "[|b]");
    CHECK("data: b\r\n\r", "[|b]");
    CHECK("data: b\r", "[|b]");
    CHECK("event: x\ndata: b\r\ndata: c", "[x|b\nc]");
}
END_TEST

START_TEST(passes_any_byte)
{
    /* the note of the second one ends at the NUL */
    CHECK("data: \xFF\x01\n\ndata: a\0b\n\n", "[|\xFF\x01][|a");
}
END_TEST

/* A comment alone, or nothing at all between two empty lines. */
START_TEST(gives_events_without_data)
{
    tape_t tape;

    run(&tape, ": x\n\n\ndata\n\n", 12, 12, NULL);
    ck_assert_uint_eq(tape.count, 3);
    ck_assert_uint_eq(tape.empty, 2);
}
END_TEST

static apr_status_t feed(llm_sse_t *sse, const char *text,
                         llm_sse_event_t *event)
{
    llm_sse_feed(sse, text, strlen(text));
    return llm_sse_next(sse, event);
}

/* An event goes out as soon as it can be known to be whole. */
START_TEST(holds_no_event_back)
{
    llm_sse_event_t event;
    llm_sse_t *sse = llm_sse_make(LIMIT, unit_pool);

    ck_assert_int_eq(feed(sse, "data: a\n", &event), APR_EAGAIN);
    ck_assert_int_eq(feed(sse, "\n", &event), APR_SUCCESS);

    sse = llm_sse_make(LIMIT, unit_pool);
    ck_assert_int_eq(feed(sse, "data: a\r", &event), APR_EAGAIN);
    ck_assert_int_eq(feed(sse, "\r", &event), APR_SUCCESS);
    ck_assert_uint_eq(event.raw.len, 9);
    ck_assert_int_eq(feed(sse, "data: b\r\r", &event), APR_SUCCESS);

    sse = llm_sse_make(LIMIT, unit_pool);
    ck_assert_int_eq(feed(sse, "data: a\r\n\r", &event), APR_EAGAIN);
    ck_assert_int_eq(feed(sse, "\n", &event), APR_SUCCESS);
    ck_assert_uint_eq(event.raw.len, 11);
}
END_TEST

START_TEST(limits_events)
{
    llm_sse_event_t event;
    llm_sse_t *sse = llm_sse_make(10, unit_pool);

    ck_assert_int_eq(feed(sse, "data: ab\n\ndata: cd\n\n", &event),
                     APR_SUCCESS);
    ck_assert_uint_eq(event.raw.len, 10);
    ck_assert_int_eq(llm_sse_next(sse, &event), APR_SUCCESS);
    ck_assert_int_eq(llm_sse_next(sse, &event), APR_EAGAIN);
    ck_assert_int_eq(feed(sse, "data: abc\n\n", &event), APR_ENOSPC);
    ck_assert_int_eq(feed(sse, "data: a\n\n", &event), APR_ENOSPC);
    ck_assert_int_eq(llm_sse_finish(sse, &event), APR_EOF);

    sse = llm_sse_make(10, unit_pool);
    ck_assert_int_eq(feed(sse, "data: abcd", &event), APR_EAGAIN);
    ck_assert_int_eq(feed(sse, "e", &event), APR_ENOSPC);

    sse = llm_sse_make(1, unit_pool); /* a byte order mark is no exception */
    ck_assert_int_eq(feed(sse, "\xEF\xBB", &event), APR_ENOSPC);
}
END_TEST

static int is_partial(const char *text)
{
    llm_sse_t *sse = llm_sse_make(LIMIT, unit_pool);
    llm_sse_event_t event;

    llm_sse_feed(sse, text, strlen(text));
    while (llm_sse_next(sse, &event) == APR_SUCCESS) {
    }
    return llm_sse_is_partial(sse);
}

START_TEST(tells_a_cut_event)
{
    ck_assert_int_eq(is_partial(""), 0);
    ck_assert_int_eq(is_partial("data: {}\n\n"), 0);
    ck_assert_int_eq(is_partial("data: {\"a\":1}\n"), 0);
    ck_assert_int_eq(is_partial("data: {\"a\":1}"), 0);
    ck_assert_int_eq(is_partial("data: [DONE]"), 0);
    ck_assert_int_eq(is_partial("data:[DONE]\r"), 0);
    ck_assert_int_eq(is_partial("data: {}\n\n: keep"), 0);
    ck_assert_int_eq(is_partial("data: {\"a\":{}"), 1);
    ck_assert_int_eq(is_partial("data: [DON"), 1);
    ck_assert_int_eq(is_partial("data: {}\n\ndata: {\"a\":\"xy"), 1);
    ck_assert_int_eq(is_partial("data: {}\n\ndat"), 1);
    ck_assert_int_eq(is_partial("data: {}\n\nevent: x\n"), 1);
    ck_assert_int_eq(is_partial("data: {}\n\nevent: x\r\n: c"), 1);
    ck_assert_int_eq(is_partial("event: mess"), 1);
}
END_TEST

/* The slices lent stay as they are while more is in the buffer. */
START_TEST(slices_last_until_the_next_call)
{
    llm_sse_event_t event;
    llm_sse_t *sse = llm_sse_make(LIMIT, unit_pool);

    ck_assert_int_eq(
        feed(sse, "event: e\ndata: one\ndata: two\n\ndata: x\n\n", &event),
        APR_SUCCESS);
    ck_assert_uint_eq(event.data.len, 7);
    ck_assert_mem_eq(event.data.data, "one\ntwo", 7);
    ck_assert_mem_eq(event.event.data, "e", 1);
    ck_assert_mem_eq(event.raw.data, "event: e\ndata: one\n", 19);
}
END_TEST

/* The buffer still holds the blank of the event before, behind its end. */
START_TEST(reads_nothing_past_the_last_byte)
{
    llm_sse_event_t event;
    llm_sse_t *sse = llm_sse_make(LIMIT, unit_pool);

    ck_assert_int_eq(feed(sse, "data: x\n\n", &event), APR_SUCCESS);
    ck_assert_int_eq(feed(sse, "data:", &event), APR_EAGAIN);
    ck_assert_int_eq(llm_sse_finish(sse, &event), APR_SUCCESS);
    ck_assert_int_eq(event.has_data, 1);
    ck_assert_uint_eq(event.data.len, 0);
}
END_TEST

static void put_random_line(llm_buf_t *text, test_random_t *dice)
{
    static const char *const lines[] = {
        "data: {\"a\":1}", "data:", "data", "event: x", ": c", "id: 1", "", "",
        "data: \xC3\xA9",  "event", "x",    "",
    };
    static const char *const ends[] = {"\n", "\r\n", "\r"};

    llm_buf_puts(
        text, lines[test_random_below(dice, sizeof(lines) / sizeof(lines[0]))]);
    if (!test_random_below(dice, 10)) {
        llm_buf_printf(text, "%0*d", (int)test_random_below(dice, 300), 0);
    }
    llm_buf_puts(text, ends[test_random_below(dice, 3)]);
}

START_TEST(cuts_do_not_matter)
{
    test_random_t dice = test_random_make("sse");
    int round;

    for (round = 0; round < 1000; ++round) {
        llm_buf_t *text = llm_buf_make(0, unit_pool);
        apr_size_t count = test_random_below(&dice, 30);
        tape_t whole, cut;

        while (count--) {
            put_random_line(text, &dice);
        }
        run(&whole, text->data, text->len, text->len + 1, NULL);
        check_tape(&whole, text->data, text->len, whole.events->data);
        run(&cut, text->data, text->len, 1, NULL);
        check_tape(&cut, text->data, text->len, whole.events->data);
        run(&cut, text->data, text->len, 40, &dice);
        check_tape(&cut, text->data, text->len, whole.events->data);
        apr_pool_clear(unit_pool);
    }
}
END_TEST

/* Four million bytes, one at a time, then a joined event of 100,000 lines:
 * what is not linear does not end within the time a test has. */
START_TEST(large_events_take_linear_time)
{
    llm_sse_t *sse = llm_sse_make(APR_SIZE_MAX, unit_pool);
    llm_sse_event_t event;
    int i;

    llm_sse_feed(sse, "data: ", 6);
    for (i = 0; i < 4000000; ++i) {
        llm_sse_feed(sse, "x", 1);
        if (llm_sse_next(sse, &event) != APR_EAGAIN) {
            ck_abort();
        }
    }
    ck_assert_int_eq(feed(sse, "\n\n", &event), APR_SUCCESS);
    ck_assert_uint_eq(event.data.len, 4000000);
    for (i = 0; i < 100000; ++i) {
        if (feed(sse, "data: x\n", &event) != APR_EAGAIN) {
            ck_abort();
        }
    }
    ck_assert_int_eq(feed(sse, "\n", &event), APR_SUCCESS);
    ck_assert_uint_eq(event.data.len, 199999);
}
END_TEST

/* A hundred thousand small events in one piece. */
START_TEST(many_events_take_linear_time)
{
    llm_sse_t *sse = llm_sse_make(LIMIT, unit_pool);
    llm_buf_t *text = llm_buf_make(0, unit_pool);
    llm_sse_event_t event;
    int i;

    for (i = 0; i < 100000; ++i) {
        llm_sse_put(text, "message", "{}", 2);
    }
    llm_sse_feed(sse, text->data, text->len);
    for (i = 0; i < 100000; ++i) {
        if (llm_sse_next(sse, &event) != APR_SUCCESS || event.data.len != 2) {
            ck_abort();
        }
    }
    ck_assert_int_eq(llm_sse_next(sse, &event), APR_EAGAIN);
}
END_TEST

START_TEST(writes_events)
{
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    llm_sse_put(out, NULL, "[DONE]", 6);
    llm_sse_put(out, "ping", "{}", 2);
    llm_buf_putc(out, '\0');
    ck_assert_str_eq(out->data, "data: [DONE]\n\nevent: ping\ndata: {}\n\n");
}
END_TEST

Suite *sse_suite(void)
{
    Suite *suite = suite_create("sse");
    TCase *tcase = tcase_create("read");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, reads_events);
    tcase_add_test(tcase, takes_every_line_end);
    tcase_add_test(tcase, takes_one_blank_after_the_colon);
    tcase_add_test(tcase, joins_data_lines);
    tcase_add_test(tcase, last_event_field_counts);
    tcase_add_test(tcase, ignores_comments_and_other_fields);
    tcase_add_test(tcase, takes_an_error_field_for_an_event);
    tcase_add_test(tcase, event_name_does_not_leak);
    tcase_add_test(tcase, skips_a_byte_order_mark_at_the_start);
    tcase_add_test(tcase, gives_out_what_was_not_ended);
    tcase_add_test(tcase, passes_any_byte);
    tcase_add_test(tcase, gives_events_without_data);
    tcase_add_test(tcase, holds_no_event_back);
    tcase_add_test(tcase, tells_a_cut_event);
    tcase_add_test(tcase, slices_last_until_the_next_call);
    tcase_add_test(tcase, reads_nothing_past_the_last_byte);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("limits");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, limits_events);
    tcase_add_test(tcase, cuts_do_not_matter);
    tcase_add_test(tcase, large_events_take_linear_time);
    tcase_add_test(tcase, many_events_take_linear_time);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("write");
    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, writes_events);
    suite_add_tcase(suite, tcase);
    return suite;
}
