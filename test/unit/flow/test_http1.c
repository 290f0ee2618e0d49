/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 response, cut at every byte; and what is refused. */
#include <string.h>

#include "core/llm_buf.h"
#include "flow/http1.h"
#include "test/unit/unit.h"

static llm_buf_t *body;

static void open_all(void)
{
    unit_pool_open();
    body = llm_buf_make(0, unit_pool);
}

static void take(void *baton, const char *data, apr_size_t len)
{
    (void)baton;
    llm_buf_append(body, data, len);
}

/* Feeds pieces of `step` bytes. */
static llm_http1_t *feed(const char *text, apr_size_t step)
{
    llm_http1_t *http = llm_http1_make(unit_pool);
    apr_size_t len = strlen(text);

    llm_buf_clear(body);
    for (apr_size_t at = 0; at < len; at += step) {
        llm_http1_feed(http, text + at, len - at < step ? len - at : step, take,
                       NULL);
    }
    return http;
}

static void expect_body(const char *text, const char *expected, int keep)
{
    for (apr_size_t step = 1; step <= strlen(text); ++step) {
        llm_http1_t *http = feed(text, step);

        ck_assert_int_eq(http->state, LLM_HTTP1_DONE);
        ck_assert_int_eq(http->status, 200);
        ck_assert_int_eq(http->keep, keep);
        ck_assert_uint_eq(body->len, strlen(expected));
        ck_assert(!memcmp(body->data ? body->data : "", expected, body->len));
    }
}

static void expect_broken(const char *text)
{
    for (apr_size_t step = 1; step <= strlen(text); ++step) {
        llm_http1_t *http = feed(text, step);

        llm_http1_close(http);
        ck_assert_msg(http->state == LLM_HTTP1_BROKEN, "taken: %s", text);
        ck_assert_ptr_nonnull(http->what);
        ck_assert_int_eq(http->keep, 0);
    }
}

START_TEST(a_body_of_known_length)
{
    expect_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello",
                1);
    expect_body("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "hello", 1);
    expect_body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 1);
    expect_body("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", "hello",
                1);
}
END_TEST

START_TEST(a_chunked_body)
{
    expect_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n",
                "hello world", 1);
    expect_body("HTTP/1.1 200\r\ntransfer-encoding: CHUNKED\r\n\r\n"
                "0a\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n",
                "0123456789", 1);
}
END_TEST

START_TEST(interim_responses_are_skipped)
{
    expect_body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                "Link: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                "Connection: close\r\n\r\nok",
                "ok", 0);
}
END_TEST

START_TEST(a_body_up_to_the_close)
{
    llm_http1_t *http = feed("HTTP/1.1 200 OK\r\n\r\nhel", 1);

    ck_assert_int_eq(http->state, LLM_HTTP1_BODY);
    llm_http1_feed(http, "lo", 2, take, NULL);
    llm_http1_close(http);
    ck_assert_int_eq(http->state, LLM_HTTP1_DONE);
    ck_assert_int_eq(http->keep, 0);
    ck_assert_uint_eq(body->len, 5);
}
END_TEST

START_TEST(no_body_where_there_cannot_be_one)
{
    llm_http1_t *http = feed("HTTP/1.1 204 No Content\r\n"
                             "Content-Length: 5\r\n\r\n",
                             7);

    ck_assert_int_eq(http->state, LLM_HTTP1_DONE);
    ck_assert_uint_eq(body->len, 0);
}
END_TEST

START_TEST(bytes_past_the_end_spoil_the_connection)
{
    llm_http1_t *http = feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                             "okHTTP/1.1 200",
                             1000);

    ck_assert_int_eq(http->state, LLM_HTTP1_DONE);
    ck_assert_int_eq(http->keep, 0);
    ck_assert_uint_eq(body->len, 2);
}
END_TEST

START_TEST(headers_are_read)
{
    llm_http1_t *http = feed("HTTP/1.1 429 Too Many\r\nRetry-After:  7 \r\n"
                             "X-A:\r\nContent-Length: 0\r\n\r\n",
                             3);

    ck_assert_int_eq(http->status, 429);
    ck_assert_str_eq(apr_table_get(http->headers, "retry-after"), "7");
    ck_assert_str_eq(apr_table_get(http->headers, "x-a"), "");
}
END_TEST

START_TEST(what_is_no_answer_is_refused)
{
    static const char *const texts[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "ffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nContent",
        "HTTP/1.1",
    };

    for (apr_size_t i = 0; i < sizeof(texts) / sizeof(*texts); ++i) {
        expect_broken(texts[i]);
    }
}
END_TEST

START_TEST(a_head_without_end_is_refused)
{
    llm_http1_t *http = feed("HTTP/1.1 200 OK\r\n", 100);
    static const char line[] = "X-Padding: 0123456789012345678901234567890\r\n";

    for (int i = 0; i < 10000 && http->state == LLM_HTTP1_HEAD; ++i) {
        llm_http1_feed(http, line, sizeof(line) - 1, take, NULL);
    }
    ck_assert_int_eq(http->state, LLM_HTTP1_BROKEN);
}
END_TEST

Suite *http1_suite(void)
{
    Suite *suite = suite_create("http1");
    TCase *tcase = tcase_create("http1");

    tcase_add_checked_fixture(tcase, open_all, unit_pool_close);
    tcase_add_test(tcase, a_body_of_known_length);
    tcase_add_test(tcase, a_chunked_body);
    tcase_add_test(tcase, interim_responses_are_skipped);
    tcase_add_test(tcase, a_body_up_to_the_close);
    tcase_add_test(tcase, no_body_where_there_cannot_be_one);
    tcase_add_test(tcase, bytes_past_the_end_spoil_the_connection);
    tcase_add_test(tcase, headers_are_read);
    tcase_add_test(tcase, what_is_no_answer_is_refused);
    tcase_add_test(tcase, a_head_without_end_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
