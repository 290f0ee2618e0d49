/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Tokens by OpenSSL; see jwt.h. */
#include "net/jwt.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* Base64 in the alphabet of addresses, without its padding. */
static const char *encode(const void *bytes, apr_size_t len, apr_pool_t *pool)
{
    unsigned char *text = apr_palloc(pool, 4 * ((len + 2) / 3) + 1);
    char *c;

    EVP_EncodeBlock(text, bytes, (int)len);
    for (c = (char *)text; *c && *c != '='; ++c) {
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    }
    *c = '\0';
    return (const char *)text;
}

static EVP_PKEY *read_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
    EVP_PKEY *key = NULL;

    if (bio) {
        /* an empty password: nobody is to be asked for one at a terminal */
        key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
        BIO_free(bio);
    }
    if (key && !EVP_PKEY_is_a(key, "RSA")) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

static const char *sign(const char *text, EVP_PKEY *key, apr_pool_t *pool)
{
    apr_size_t len = (apr_size_t)EVP_PKEY_get_size(key);
    unsigned char *signature = apr_palloc(pool, len);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good;

    good = context
           && EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1
           && EVP_DigestSign(context, signature, &len,
                             (const unsigned char *)text, strlen(text))
                  == 1;
    EVP_MD_CTX_free(context);
    return good ? encode(signature, len, pool) : NULL;
}

const char *llm_jwt_sign(const char *header, const char *claims,
                         const char *pem, apr_pool_t *pool)
{
    const char *text =
        apr_pstrcat(pool, encode(header, strlen(header), pool), ".",
                    encode(claims, strlen(claims), pool), NULL);
    EVP_PKEY *key = read_key(pem);
    const char *signature = key ? sign(text, key, pool) : NULL;

    EVP_PKEY_free(key);
    return signature ? apr_pstrcat(pool, text, ".", signature, NULL) : NULL;
}
