/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed bodies: the first byte says the coding and how the rest is cut.
 * However it is cut the same comes out, and never out of all proportion.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/llm_buf.h"
#include "core/llm_inflate.h"

static void take(void *baton, const char *data, apr_size_t len)
{
    MUST(len > 0);
    llm_buf_append(baton, data, len);
}

static llm_buf_t *run(const char *coding, const uint8_t *bytes, size_t size,
                      size_t step, int *pwrong, apr_pool_t *pool)
{
    llm_inflate_t *packed = llm_inflate_make(coding, pool);
    llm_buf_t *out = llm_buf_make(0, pool);
    size_t at, piece;

    *pwrong = 0;
    for (at = 0; packed && at < size && !*pwrong; at += piece) {
        piece = size - at < step ? size - at : step;
        *pwrong =
            llm_inflate_feed(packed, (const char *)bytes + at, piece, take, out)
            != NULL;
    }
    MUST(out->len <= 1048576 + 16384 || out->len <= size * 100 + 16384);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool;
    llm_buf_t *whole, *cut;
    int whole_wrong, cut_wrong;
    const char *coding;

    if (!size) {
        return 0;
    }
    pool = fuzz_pool();
    coding = *bytes & 1 ? "gzip" : "deflate";
    whole = run(coding, bytes + 1, size - 1, size, &whole_wrong, pool);
    cut = run(coding, bytes + 1, size - 1, 1 + (*bytes >> 1), &cut_wrong, pool);
    MUST(whole_wrong == cut_wrong);
    MUST(whole_wrong || whole->len == cut->len);
    MUST(whole_wrong || !whole->len
         || !memcmp(whole->data, cut->data, whole->len));
    apr_pool_destroy(pool);
    return 0;
}
