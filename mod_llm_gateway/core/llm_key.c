/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client keys: made from the system's randomness, kept as their SHA-256.
 *
 * OpenSSL 3 looks an algorithm up by name at each use unless it was fetched
 * beforehand, which costs more than the hash. So it is fetched once, and that
 * is the one piece of static state here. Should there be no SHA-256 (a broken
 * OpenSSL configuration), digests are random: no key is let in, and none that
 * is made then works later. Nothing must ever hash to a constant.
 */
#include "core/llm_key.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#define KEY_BYTES 32

static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

apr_status_t llm_random(void *bytes, apr_size_t len)
{
    unsigned char *at = bytes;

    while (len) {
        ssize_t got = getrandom(at, len, 0);

        if (got > 0) {
            at += got;
            len -= (apr_size_t)got;
        }
        else if (errno != EINTR) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

/* 32 bytes as 43 characters of base64url (RFC 4648, 5) without padding. */
static void put_base64url(char *out, const unsigned char *bytes)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0, count = 0;
    int i;

    for (i = 0; i < KEY_BYTES; ++i) {
        bits = (bits << 8) | bytes[i];
        for (count += 8; count >= 6; count -= 6) {
            *out++ = letters[(bits >> (count - 6)) & 63];
        }
    }
    if (count) {
        *out++ = letters[(bits << (6 - count)) & 63];
    }
    *out = '\0';
}

apr_status_t llm_key_generate(char *text)
{
    unsigned char bytes[KEY_BYTES];
    apr_status_t status = llm_random(bytes, sizeof(bytes));

    if (status != APR_SUCCESS) {
        return status;
    }
    memcpy(text, LLM_KEY_PREFIX, sizeof(LLM_KEY_PREFIX) - 1);
    put_base64url(text + sizeof(LLM_KEY_PREFIX) - 1, bytes);
    memset(bytes, 0, sizeof(bytes));
    return APR_SUCCESS;
}

void llm_key_digest(llm_key_hash_t *phash, const char *key, apr_size_t len)
{
    pthread_once(&sha256_once, fetch_sha256);
    if ((!sha256 || !EVP_Digest(key, len, phash->bytes, NULL, sha256, NULL))
        && llm_random(phash->bytes, sizeof(phash->bytes)) != APR_SUCCESS) {
        abort();
    }
}

const char *llm_key_check_name(const char *name)
{
    apr_size_t len = name ? strlen(name) : 0;

    if (!len) {
        return "is empty";
    }
    if (len > LLM_KEY_NAME_MAX) {
        return "is longer than 64 characters";
    }
    if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "abcdefghijklmnopqrstuvwxyz0123456789._-")]) {
        return "may hold letters, digits, '.', '_' and '-' only";
    }
    return NULL;
}
