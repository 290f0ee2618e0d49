/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed with a private key is verified with the public one. */
#include <string.h>

#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "net/jwt.h"
#include "test/unit/unit.h"

static const char *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *pem;
    char *data;
    long len;

    ck_assert_int_eq(
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &data);
    pem = apr_pstrmemdup(unit_pool, data, (apr_size_t)len);
    BIO_free(bio);
    return pem;
}

/* Base64 of addresses; *plen bytes. */
static unsigned char *decode(const char *text, int *plen)
{
    char *padded = apr_pstrcat(unit_pool, text, "===", NULL), *c;
    unsigned char *bytes = apr_palloc(unit_pool, strlen(padded));
    int len = (int)strlen(text), pad = (4 - len % 4) % 4;

    padded[len + pad] = '\0';
    for (c = padded; *c; ++c) {
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    }
    *plen = EVP_DecodeBlock(bytes, (unsigned char *)padded, len + pad) - pad;
    return bytes;
}

static int verifies(const char *text, apr_size_t len, const char *signature,
                    EVP_PKEY *key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char *bytes;
    int size, good;

    bytes = decode(signature, &size);
    ck_assert_int_eq(
        EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    good = EVP_DigestVerify(context, bytes, (apr_size_t)size,
                            (const unsigned char *)text, len);
    EVP_MD_CTX_free(context);
    return good == 1;
}

START_TEST(the_public_key_verifies_it)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    const char *token = llm_jwt_sign(
        "{\"alg\":\"RS256\"}", "{\"iss\":\"me?>\"}", pem_of(key), unit_pool);
    const char *last;
    int len;

    ck_assert_ptr_nonnull(token);
    ck_assert_ptr_null(strpbrk(token, "+/="));
    last = strrchr(token, '.');
    ck_assert(verifies(token, (apr_size_t)(last - token), last + 1, key));
    ck_assert(!verifies(token, (apr_size_t)(last - token) - 1, last + 1, key));
    ck_assert_int_eq(
        memcmp(
            decode(apr_pstrmemdup(unit_pool, token, strcspn(token, ".")), &len),
            "{\"alg\":\"RS256\"}", 15),
        0);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(what_is_no_rsa_key_signs_nothing)
{
    static const char *const keys[] = {
        "", "key",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", NULL};
    EVP_PKEY *curve = EVP_EC_gen("P-256");
    int i;

    for (i = 0; keys[i]; ++i) {
        ck_assert_ptr_null(llm_jwt_sign("{}", "{}", keys[i], unit_pool));
    }
    ck_assert_ptr_null(llm_jwt_sign("{}", "{}", pem_of(curve), unit_pool));
    EVP_PKEY_free(curve);
}
END_TEST

Suite *jwt_suite(void)
{
    Suite *suite = suite_create("jwt");
    TCase *tcase = tcase_create("signatures");

    tcase_add_checked_fixture(tcase, unit_pool_open, unit_pool_close);
    tcase_add_test(tcase, the_public_key_verifies_it);
    tcase_add_test(tcase, what_is_no_rsa_key_signs_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
