/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What token servers answer, and key files. The first byte says what the rest
 * is: 'k' a key file of Google's; anything else an answer, of status 200 or,
 * where it is 'e', 400. A token can stand in a header and lives; what is told
 * of a failure does not repeat the secret.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "net/token.h"

#define SECRET "hunter2-hunter2"

static llm_token_source_t source_of(const char *kind, const char *secret,
                                    apr_pool_t *pool)
{
    return (llm_token_source_t){
        .kind = llm_token_kind_find(kind),
        .provider = "p",
        .origin = "https://p.example",
        .secret = secret,
        .options = apr_table_make(pool, 1),
    };
}

static void read_answer(int status, const char *data, size_t size,
                        apr_pool_t *pool)
{
    llm_token_source_t source = source_of("ibm", SECRET, pool);
    llm_net_answer_t answer = {status, {data, size}, NULL};
    llm_token_answer_t token;
    apr_size_t i;

    llm_token_read(&token, &source, &answer, pool);
    MUST((token.text.data != NULL) == (token.what == NULL));
    if (token.what) {
        MUST(strlen(token.what) < LLM_TOKEN_WHAT);
        MUST(!strstr(token.what, SECRET));
        MUST(!token.detail || !strstr(token.detail, SECRET));
        return;
    }
    MUST(status == 200 && token.text.len && token.text.len <= LLM_TOKEN_MAX);
    MUST(token.life > 0);
    for (i = 0; i < token.text.len; ++i) {
        MUST(token.text.data[i] > ' ' && token.text.data[i] < 0x7F);
    }
}

static void read_key_file(const char *data, size_t size, apr_pool_t *pool)
{
    llm_token_source_t source =
        source_of("google", apr_pstrmemdup(pool, data, size), pool);

    llm_token_check(&source, 0, pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;

    if (!size) {
        return 0;
    }
    pool = fuzz_pool();
    if (*data == 'k') {
        read_key_file((const char *)data + 1, size - 1, pool);
    }
    else {
        read_answer(*data == 'e' ? 400 : 200, (const char *)data + 1, size - 1,
                    pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
