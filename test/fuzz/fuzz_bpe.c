/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding: any text has between one token and as many as it has
 * bytes, and as many in two parts as in one. What begins like a vocabulary
 * file is read as one, and encodes a text when it is taken for good.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/llm_bpe.h"

static const char *const names[] = {"cl100k_base", "o200k_base"};

static void check_text(const llm_encoding_t *encoding, const char *data,
                       size_t size, size_t cut, apr_pool_t *pool)
{
    apr_uint32_t *ids = apr_palloc(pool, sizeof(*ids) * (size + 1));
    apr_size_t used = 0, sure;
    apr_size_t count = llm_bpe_encode(encoding, data, size, ids, pool);

    MUST(count <= size && !count == !size);
    MUST(count == llm_bpe_encode(encoding, data, size, NULL, pool));
    sure = llm_bpe_count_part(encoding, data, cut, &used, pool);
    MUST(used <= cut && sure <= used);
    MUST(count
         == sure
                + llm_bpe_encode(encoding, data + used, size - used, NULL,
                                 pool));
}

static void check_file(const char *data, size_t size, apr_pool_t *pool)
{
    static const char text[] = "It's the 1st of them:  \n\n caf\xC3\xA9 \xFF";
    llm_vocabulary_t *vocabulary = NULL;

    if (llm_vocabulary_read(&vocabulary, data, size, pool)) {
        return;
    }
    for (int i = 0; i < 2; ++i) {
        const llm_encoding_t *encoding =
            llm_vocabulary_find(vocabulary, names[i]);

        if (encoding) {
            MUST(llm_bpe_encode(encoding, text, sizeof(text), NULL, pool)
                 <= sizeof(text));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const char *data = (const char *)bytes;
    llm_vocabulary_t *vocabulary = NULL;

    if (size >= 8 && !memcmp(data, "LLMVOCAB", 8)) {
        check_file(data, size, pool);
    }
    else {
        MUST(!llm_vocabulary_load(&vocabulary, LLMGW_FUZZ_VOCABULARY, pool));
        for (int i = 0; i < 2; ++i) {
            check_text(llm_vocabulary_find(vocabulary, names[i]),
                       size ? data : "", size, size / 2, pool);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
