/* SPDX-License-Identifier: Apache-2.0 */
/* What token servers are asked, and what is believed of their answers. */
#include <string.h>

#include <apr_strings.h>

#include "net/token.h"
#include "test/unit/unit.h"

#define SECRET "the-secret+/=&"

static llm_token_source_t source;

static void begin(const char *kind, const char *secret)
{
    memset(&source, 0, sizeof(source));
    source.kind = llm_token_kind_find(kind);
    ck_assert_ptr_nonnull(source.kind);
    source.provider = "p";
    source.origin = "https://w.example:8443";
    source.secret = secret;
    source.options = apr_table_make(unit_pool, 4);
}

static void set(const char *option)
{
    const char *what = llm_token_set_option(&source, option, unit_pool);

    ck_assert_msg(!what, "%s", what ? what : "");
}

static llm_net_request_t ask(void)
{
    llm_net_request_t request = {.url = NULL};
    const char *what =
        source.kind->ask(&request, &source, apr_time_from_sec(1), unit_pool);

    ck_assert_msg(!what, "%s", what ? what : "");
    return request;
}

static llm_token_answer_t read_answer(int status, const char *body)
{
    llm_net_answer_t answer = {status, {body, strlen(body)}, NULL};
    llm_token_answer_t token;

    llm_token_read(&token, &source, &answer, unit_pool);
    ck_assert((token.text.data != NULL) == (token.what == NULL));
    return token;
}

/* ---- asking ---- */

START_TEST(a_form_is_escaped)
{
    llm_net_request_t request;

    begin("ibm", SECRET);
    request = ask();
    ck_assert_str_eq(request.url, "https://iam.cloud.ibm.com/identity/token");
    ck_assert_str_eq(request.body,
                     "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%"
                     "3Aapikey&apikey=the-secret%2B%2F%3D%26");
}
END_TEST

START_TEST(entra_by_its_tenant)
{
    llm_net_request_t request;

    begin("entra", SECRET);
    ck_assert_ptr_nonnull(llm_token_check(&source, 0, unit_pool));
    set("tenant=11-22");
    set("client=app");
    request = ask();
    ck_assert_str_eq(request.url, "https://login.microsoftonline.com/11-22/"
                                  "oauth2/v2.0/token");
    ck_assert_ptr_nonnull(strstr(request.body,
                                 "&client_id=app&client_secret="
                                 "the-secret%2B%2F%3D%26&scope="));
    set("tenant=../evil");
    ck_assert_ptr_nonnull(llm_token_check(&source, 0, unit_pool));
}
END_TEST

START_TEST(a_machines_identity_without_a_secret)
{
    llm_net_request_t request;

    begin("entra", NULL);
    request = ask();
    ck_assert_ptr_null(request.body);
    ck_assert_str_eq(request.url,
                     "http://169.254.169.254/metadata/identity/oauth2/token?"
                     "api-version=2018-02-01&resource="
                     "https%3A%2F%2Fcognitiveservices.azure.com");
    ck_assert_str_eq(request.headers, "Metadata: true");
    begin("google", NULL);
    request = ask();
    ck_assert_ptr_nonnull(strstr(request.url, "http://metadata.google.internal"
                                              "/computeMetadata/v1/"));
    ck_assert_ptr_null(llm_token_check(&source, 0, unit_pool));
}
END_TEST

START_TEST(databricks_is_at_the_workspace)
{
    llm_net_request_t request;

    begin("databricks", "s");
    ck_assert_ptr_nonnull(llm_token_check(&source, 0, unit_pool));
    set("client=c");
    request = ask();
    ck_assert_str_eq(request.url, "https://w.example:8443/oidc/v1/token");
    ck_assert_str_eq(request.headers, "Authorization: Basic Yzpz");
    ck_assert_str_eq(request.body,
                     "grant_type=client_credentials&scope=all-apis");
}
END_TEST

START_TEST(key_files_that_are_none)
{
    static const char *const files[] = {
        "x",
        "[]",
        "{}",
        "{\"type\":\"external_account\"}",
        "{\"type\":\"service_account\"}",
        "{\"type\":\"service_account\",\"client_email\":\"a\","
        "\"private_key\":\"no\"}",
        "{\"type\":\"authorized_user\",\"client_id\":\"a\"}",
        "{\"type\":\"authorized_user\",\"client_id\":\"a\","
        "\"client_secret\":\"\",\"refresh_token\":\"b\"}",
        NULL};
    int i;

    for (i = 0; files[i]; ++i) {
        begin("google", files[i]);
        ck_assert_msg(llm_token_check(&source, 0, unit_pool) != NULL, "%s",
                      files[i]);
    }
}
END_TEST

START_TEST(addresses_a_secret_may_go_to)
{
    static const char *const good[] = {"https://login.example.com/t",
                                       "http://127.0.0.1:99/x",
                                       "http://localhost/",
                                       "http://[::1]:8080/",
                                       "http://169.254.169.254/a",
                                       "http://metadata.google.internal/b",
                                       NULL};
    static const char *const bad[] = {"http://example.com/",
                                      "http://127.0.0.1.example.com/",
                                      "ftp://localhost/",
                                      "login.example.com",
                                      "https://u:p@example.com/",
                                      "https:///x",
                                      "",
                                      NULL};
    int i;

    for (i = 0; good[i]; ++i) {
        ck_assert_msg(!llm_net_check_url(good[i], unit_pool), "%s", good[i]);
    }
    for (i = 0; bad[i]; ++i) {
        ck_assert_msg(llm_net_check_url(bad[i], unit_pool) != NULL, "%s",
                      bad[i]);
    }
}
END_TEST

START_TEST(options_are_named)
{
    begin("oauth", "s");
    ck_assert_ptr_nonnull(
        strstr(llm_token_set_option(&source, "tenant=x", unit_pool),
               "client audience"));
    ck_assert_ptr_nonnull(llm_token_set_option(&source, "client", unit_pool));
    ck_assert_ptr_nonnull(llm_token_set_option(&source, "client=", unit_pool));
    ck_assert_ptr_nonnull(llm_token_set_option(&source, "clien=x", unit_pool));
    ck_assert_ptr_nonnull(llm_token_set_option(&source, "ca=x.pem", unit_pool));
    ck_assert_ptr_nonnull(
        llm_token_set_option(&source, "scope=a\nb", unit_pool));
    set("client=a=b");
    ck_assert_str_eq(llm_token_option(&source, "client", NULL), "a=b");
}
END_TEST

/* ---- answers ---- */

START_TEST(a_token_and_its_life)
{
    static const struct {
        const char *life;
        int seconds;
    } lives[] = {{"3600", 3600}, {"\"3599\"", 3599}, {"1.0e2", 100},
                 {"null", 300},  {"86401", 86400},   {"99999999999", 86400},
                 {"\"1\"", 1}};
    llm_token_answer_t token;
    apr_size_t i;

    begin("ibm", SECRET);
    for (i = 0; i < sizeof(lives) / sizeof(*lives); ++i) {
        token = read_answer(
            200, apr_psprintf(unit_pool,
                              "{\"access_token\":\"a.b-c\",\"expires_in\":%s}",
                              lives[i].life));
        ck_assert_uint_eq(token.text.len, 5);
        ck_assert_int_eq(apr_time_sec(token.life), lives[i].seconds);
    }
}
END_TEST

START_TEST(lies_are_no_tokens)
{
    static const char *const lies[] = {
        "",
        "null",
        "[]",
        "{",
        "{\"access_token\":null}",
        "{\"access_token\":\"\"}",
        "{\"access_token\":\"a b\"}",
        "{\"access_token\":\"a\\u0000b\"}",
        "{\"access_token\":\"a\\r\\nb\"}",
        "{\"access_token\":\"\xc3\xa4\"}",
        "{\"access_token\":\"a\",\"expires_in\":0}",
        "{\"access_token\":\"a\",\"expires_in\":-5}",
        "{\"access_token\":\"a\",\"expires_in\":true}",
        "{\"access_token\":\"a\",\"expires_in\":\"\"}",
        "{\"access_token\":\"a\",\"expires_in\":\"1h\"}",
        "{\"access_token\":\"a\",\"expires_in\":\"99999999999999999999\"}",
        "{\"access_token\":\"a\",\"expires_in\":1.5}",
        NULL};
    char huge[LLM_TOKEN_MAX + 64];
    int i;

    begin("ibm", SECRET);
    for (i = 0; lies[i]; ++i) {
        ck_assert_msg(read_answer(200, lies[i]).what != NULL, "%s", lies[i]);
    }
    memset(huge, 'a', sizeof(huge));
    memcpy(huge, "{\"access_token\":\"", 17);
    memcpy(huge + sizeof(huge) - 3, "\"}", 3);
    ck_assert_ptr_nonnull(read_answer(200, huge).what);
}
END_TEST

START_TEST(an_error_is_told_by_its_code)
{
    llm_token_answer_t token;

    begin("ibm", SECRET);
    token = read_answer(401, "{\"error\":\"invalid_client\","
                             "\"error_description\":\"AADSTS7000222: it is "
                             "too old\"}");
    ck_assert_str_eq(token.what,
                     "the token server answered 401 invalid_client");
    ck_assert_str_eq(token.detail, "AADSTS7000222: it is too old");
    token = read_answer(400, "{\"errorCode\":\"BXNIM0415E\",\"errorMessage\":"
                             "\"Provided API key could not be found.\"}");
    ck_assert_str_eq(token.what, "the token server answered 400 BXNIM0415E");
    token = read_answer(403, "{\"error\":{\"status\":\"PERMISSION_DENIED\","
                             "\"message\":\"no\"}}");
    ck_assert_str_eq(token.what,
                     "the token server answered 403 PERMISSION_DENIED");
    token = read_answer(502, "<html>");
    ck_assert_str_eq(token.what, "the token server answered 502");
    ck_assert_ptr_null(token.detail);
}
END_TEST

START_TEST(a_secret_in_an_error_is_not_repeated)
{
    llm_token_answer_t token;

    begin("ibm", "hunter2hunter2");
    token =
        read_answer(401, "{\"error\":\"hunter2hunter2\","
                         "\"error_description\":\"hunter2hunter2 is bad\"}");
    ck_assert_str_eq(token.what, "the token server answered 401");
    ck_assert_ptr_null(token.detail);
    begin("google", "{\"type\":\"authorized_user\",\"refresh_token\":"
                    "\"1//0abcdefg\"}");
    token =
        read_answer(400, "{\"error\":\"invalid_grant\",\"error_description\""
                         ":\"1//0abcdefg was revoked\"}");
    ck_assert_str_eq(token.what, "the token server answered 400 invalid_grant");
    ck_assert_ptr_null(token.detail);
    token = read_answer(400, "{\"error\":\"two words\"}");
    ck_assert_str_eq(token.what, "the token server answered 400");
}
END_TEST

Suite *token_suite(void)
{
    Suite *suite = suite_create("token");
    TCase *asking = tcase_create("asking"), *answers = tcase_create("answers");

    tcase_add_checked_fixture(asking, unit_pool_open, unit_pool_close);
    tcase_add_test(asking, a_form_is_escaped);
    tcase_add_test(asking, entra_by_its_tenant);
    tcase_add_test(asking, a_machines_identity_without_a_secret);
    tcase_add_test(asking, databricks_is_at_the_workspace);
    tcase_add_test(asking, key_files_that_are_none);
    tcase_add_test(asking, addresses_a_secret_may_go_to);
    tcase_add_test(asking, options_are_named);
    suite_add_tcase(suite, asking);
    tcase_add_checked_fixture(answers, unit_pool_open, unit_pool_close);
    tcase_add_test(answers, a_token_and_its_life);
    tcase_add_test(answers, lies_are_no_tokens);
    tcase_add_test(answers, an_error_is_told_by_its_code);
    tcase_add_test(answers, a_secret_in_an_error_is_not_repeated);
    suite_add_tcase(suite, answers);
    return suite;
}
