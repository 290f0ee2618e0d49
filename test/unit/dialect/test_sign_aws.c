/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of AWS, version 4. The signatures expected of requests that are
 * named like files are those of AWS's own test suite for it
 * ("aws-sig-v4-test-suite"); the others were computed apart, in Python, from
 * the words of the specification.
 */
#include "test/unit/unit.h"

#include <string.h>

#include <apr_date.h>
#include <apr_strings.h>

#include "dialect/sign_aws.h"
#include "test/unit/dialect/exchange.h"

#define KEY   "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZ=="

static apr_time_t when(void)
{
    return apr_date_parse_http("Sun, 30 Aug 2015 12:36:00 GMT");
}

static const struct {
    const char *name, *method, *path, *header, *value, *secret, *signature;
} cases[] = {
    {"get-vanilla", "GET", "/", NULL, NULL, KEY,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1",
     NULL, NULL, KEY,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-empty-query-key", "GET", "/?Param1=value1", NULL, NULL, KEY,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"post-vanilla", "POST", "/", NULL, NULL, KEY,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"a session token", "POST", "/", NULL, NULL, KEY ":" TOKEN,
     "c332279246d419e9f4b316f8be9a09cf6cc459c57a3bd9e905a37ff3b5f6efaa"},
};

static llm_request_t *request_of(const char *method, const char *path)
{
    llm_request_t *request = apr_pcalloc(unit_pool, sizeof(*request));

    request->method = method;
    request->path = path;
    request->headers = apr_table_make(unit_pool, 4);
    return request;
}

static const char *text_of(const llm_buf_t *buf)
{
    return apr_pstrmemdup(unit_pool, buf->data, buf->len);
}

START_TEST(signs_as_aws_does)
{
    llm_aws_place_t place = {"us-east-1", "service", "example.amazonaws.com"};
    llm_request_t *request = request_of(cases[_i].method, cases[_i].path);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    llm_aws_key_t key;

    ck_assert_int_eq(llm_aws_key_read(&key, cases[_i].secret), 1);
    llm_aws_sign(out, &key, &place, request, when(), unit_pool);
    ck_assert_msg(strstr(text_of(out), cases[_i].signature) != NULL, "%s: %s",
                  cases[_i].name, text_of(out));
    ck_assert_ptr_nonnull(strstr(text_of(out),
                                 "Credential=AKIDEXAMPLE/20150830/us-east-1/"
                                 "service/aws4_request, SignedHeaders=host;"));
    ck_assert_ptr_nonnull(
        strstr(text_of(out), "X-Amz-Date: 20150830T123600Z\r\n"));
    ck_assert_int_eq(strstr(text_of(out), "wJalrXUtnFEMI") == NULL, 1);
}
END_TEST

/* Content type and body, and a path that is encoded once more. */
START_TEST(signs_what_bedrock_gets)
{
    llm_provider_t *provider = exchange_provider(
        "bedrock", "https://bedrock-runtime.eu-west-3.amazonaws.com");
    llm_bytes_t body[] = {LLM_BYTES_LITERAL("{\"messages\""),
                          LLM_BYTES_LITERAL(":[]}")};
    llm_request_t *request =
        request_of("POST", "/model/us.anthropic.claude-v1%3A0/converse");
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    request->body = body;
    request->body_count = 2;
    apr_table_setn(request->headers, "Content-Type", "application/json");
    apr_table_setn(request->headers, "X-Amz-Meta", "  a   b ");
    apr_table_setn(request->headers, "Accept", "anything");
    ck_assert_int_eq(provider->dialect->sign(out, provider, request,
                                             provider->host, KEY, when(),
                                             unit_pool),
                     1);
    ck_assert_str_eq(text_of(out), "X-Amz-Date: 20150830T123600Z\r\n"
                                   "Authorization: AWS4-HMAC-SHA256 "
                                   "Credential=AKIDEXAMPLE/20150830/eu-west-3/"
                                   "bedrock/aws4_request, SignedHeaders="
                                   "content-type;host;x-amz-date;x-amz-meta, "
                                   "Signature=78f1381c1bbd78ee45685781b110b37c"
                                   "e7579c069941b3c3324f1ae08a93c79a\r\n");
}
END_TEST

static const struct {
    const char *host, *region;
} hosts[] = {
    {"bedrock-runtime.us-west-2.amazonaws.com", "/us-west-2/"},
    {"bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "/us-gov-west-1/"},
    {"vpce-1a2b.bedrock-runtime.eu-north-1.vpce.amazonaws.com", "/eu-north-1/"},
    {"bedrock.example.com", "/us-east-1/"},
    {"bedrock-runtime.local", "/us-east-1/"},
};

START_TEST(takes_the_region_from_the_host)
{
    llm_provider_t *provider = exchange_provider(
        "bedrock", apr_pstrcat(unit_pool, "https://", hosts[_i].host, NULL));
    llm_buf_t *out = llm_buf_make(0, unit_pool);

    provider->dialect->sign(out, provider, request_of("POST", "/"),
                            provider->host, KEY, when(), unit_pool);
    ck_assert_ptr_nonnull(strstr(text_of(out), hosts[_i].region));
}
END_TEST

START_TEST(leaves_bearer_keys_alone)
{
    llm_provider_t *provider = exchange_provider("bedrock", NULL);
    llm_buf_t *out = llm_buf_make(0, unit_pool);
    const char *prefix = "";

    ck_assert_int_eq(
        provider->dialect->sign(out, provider, request_of("POST", "/"), "host",
                                "ABSKQmVkcm9jaw==", when(), unit_pool),
        0);
    ck_assert_uint_eq(out->len, 0);
    ck_assert_str_eq(provider->dialect->secret_header(&prefix),
                     "Authorization");
    ck_assert_str_eq(prefix, "Bearer ");
}
END_TEST

Suite *sign_aws_suite(void)
{
    Suite *suite = suite_create("sign_aws");
    TCase *tcase = tcase_create("sign_aws");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_loop_test(tcase, signs_as_aws_does, 0,
                        (int)(sizeof(cases) / sizeof(*cases)));
    tcase_add_test(tcase, signs_what_bedrock_gets);
    tcase_add_loop_test(tcase, takes_the_region_from_the_host, 0,
                        (int)(sizeof(hosts) / sizeof(*hosts)));
    tcase_add_test(tcase, leaves_bearer_keys_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}
