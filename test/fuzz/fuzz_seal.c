/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Master key files and sealed secrets. The first byte says what the rest is: a
 * file; a sealed secret (which nobody can forge); a secret, which comes back
 * as it was; hex digits.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/llm_seal.h"

static const llm_masters_t *masters(void)
{
    static llm_masters_t both;

    if (!both.count) {
        both.count = 2;
        MUST(llm_master_make(&both.list[0]) == APR_SUCCESS);
        MUST(llm_master_make(&both.list[1]) == APR_SUCCESS);
    }
    return &both;
}

static void read_file(const char *text, size_t size)
{
    char again[LLM_MASTERS_TEXT];
    llm_masters_t got, back;
    apr_size_t len;

    if (llm_masters_read(&got, text, size)) {
        return;
    }
    MUST(got.count && got.count <= LLM_MASTERS_MAX);
    len = llm_masters_print(again, &got);
    MUST(len < sizeof(again));
    MUST(!llm_masters_read(&back, again, len));
    MUST(back.count == got.count);
    MUST(!memcmp(back.list, got.list, got.count * sizeof(got.list[0])));
}

static void read_sealed(const uint8_t *data, size_t size)
{
    unsigned char sealed[LLM_SEALED_MAX];
    char secret[LLM_SECRET_MAX + 1];
    apr_size_t len;

    MUST(llm_unseal(secret, &len, masters(), "name", data, size));
    /* the same for a key that is known */
    size = size < sizeof(sealed) ? size : sizeof(sealed);
    memcpy(sealed, data, size);
    if (size > 9) {
        sealed[0] = 1;
        memcpy(sealed + 1, masters()->list[1].id, LLM_MASTER_ID);
    }
    MUST(llm_unseal(secret, &len, masters(), "name", sealed, size));
}

static void seal(const char *data, size_t size)
{
    unsigned char sealed[LLM_SEALED_MAX];
    char secret[LLM_SECRET_MAX + 1];
    apr_size_t len = size, sealed_len, got;

    if (llm_secret_check(data, &len)) {
        return;
    }
    MUST(len <= size && len <= LLM_SECRET_MAX);
    MUST(!llm_seal(sealed, &sealed_len, masters(), "name", data, len));
    MUST(!llm_unseal(secret, &got, masters(), "name", sealed, sealed_len));
    MUST(got == len && !memcmp(secret, data, len));
    MUST(llm_unseal(secret, &got, masters(), "other", sealed, sealed_len));
}

static void read_hex(const char *data, size_t size)
{
    unsigned char bytes[64];
    char text[2 * sizeof(bytes) + 1];
    apr_size_t len;

    if (llm_hex_read(bytes, sizeof(bytes), &len, data, size)) {
        llm_hex_print(text, bytes, len);
        MUST(strlen(text) == size && len == size / 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) {
        return 0;
    }
    switch (data[0] % 4) {
    case 0:
        read_file((const char *)data + 1, size - 1);
        break;
    case 1:
        read_sealed(data + 1, size - 1);
        break;
    case 2:
        seal((const char *)data + 1, size - 1);
        break;
    default:
        read_hex((const char *)data + 1, size - 1);
    }
    return 0;
}
