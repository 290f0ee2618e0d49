/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas, to Gemini and from Gemini: whatever stands in one, what is written
 * is JSON, in one of the two places; and what Gemini's own form says, read and
 * written once more, stays the same from then on.
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

/* Gemini's own form, as JSON Schema, and put there again; NULL where it is in
 * the other place. */
static llm_buf_t *once_more(const llm_buf_t *out, apr_pool_t *pool)
{
    const llm_json_t *written = read_again(out, pool);
    const llm_json_t *schema;

    MUST(!written || written->count <= 1);
    schema = llm_gemini_json_schema(llm_json_get(written, "old"), 0, pool);
    return schema ? put(schema, pool) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    llm_buf_t *first, *second = NULL;
    const llm_json_t *doc;

    if (!llm_json_read(&doc, (const char *)bytes, size, NULL, pool)) {
        llm_gemini_json_schema(doc, size & 1, pool);
        first = once_more(put(doc, pool), pool);
        second = first ? once_more(first, pool) : NULL;
        MUST(!second
             || (second->len == first->len
                 && !memcmp(second->data, first->data, first->len)));
    }
    apr_pool_destroy(pool);
    return 0;
}
