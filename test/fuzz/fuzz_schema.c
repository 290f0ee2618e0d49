/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas, to Gemini and from Gemini: whatever stands in one, what is written
 * is JSON, in one of the two places; and what Gemini's own form says, read and
 * written once more, is the same again.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "dialect/gemini_internal.h"

/* Nesting grows when references are put in place. */
static const llm_json_t *read_again(const llm_buf_t *out, apr_pool_t *pool)
{
    llm_json_error_t error = {0, ""};
    const llm_json_t *doc = NULL;

    MUST(!llm_json_read(&doc, out->data, out->len, &error, pool)
         || strstr(error.what, "deep") || strstr(error.what, "nest"));
    return doc;
}

static llm_buf_t *put(const llm_json_t *schema, apr_pool_t *pool)
{
    llm_buf_t *out = llm_buf_make(0, pool);

    llm_buf_putc(out, '{');
    llm_gemini_put_schema(out, "old", "new", schema, pool);
    llm_buf_putc(out, '}');
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const llm_json_t *doc, *written, *old, *schema;
    llm_buf_t *out, *again;

    if (llm_json_read(&doc, (const char *)bytes, size, NULL, pool)) {
        apr_pool_destroy(pool);
        return 0;
    }
    llm_gemini_json_schema(doc, size & 1, pool);
    out = put(doc, pool);
    written = read_again(out, pool);
    if (written) {
        MUST(written->count <= 1);
        old = llm_json_get(written, "old");
        schema = llm_gemini_json_schema(old, 0, pool);
        if (schema) {
            again = put(schema, pool);
            MUST(again->len == out->len
                 && !memcmp(again->data, out->data, out->len));
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
