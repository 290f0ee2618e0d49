/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chat that passes to each server that has habits: what was JSON still is,
 * and is the same when it is amended once more, but for ids that had to differ;
 * read as a schema, it fits once it was fitted.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "dialect/openai_internal.h"

static void init_request(llm_request_t *req, apr_pool_t *pool)
{
    memset(req, 0, sizeof(*req));
    req->headers = apr_table_make(pool, 2);
    req->dropped = apr_array_make(pool, 2, sizeof(const char *));
}

static void amend(const llm_profile_t *profile, llm_bytes_t raw,
                  apr_pool_t *pool)
{
    llm_provider_t provider = {.name = "p", .profile = profile};
    llm_habits_t habits = llm_profile_habits(&provider, "m");
    const llm_json_t *doc;
    llm_request_t req;
    llm_bytes_t body;

    init_request(&req, pool);
    body = llm_openai_amend(&req, raw, &habits, pool);
    MUST(!llm_json_read(&doc, body.data, body.len, NULL, pool));
}

static void fit(const llm_json_t *schema, const llm_schema_rules_t *rules,
                apr_pool_t *pool)
{
    llm_bytes_t first, second;
    const llm_json_t *doc;
    llm_request_t req;

    init_request(&req, pool);
    llm_schema_is_strict(schema);
    if (llm_schema_fit(&first, schema, rules, "s", &req, pool)) {
        MUST(!req.dropped->nelts);
        return;
    }
    MUST(!llm_json_read(&doc, first.data, first.len, NULL, pool));
    init_request(&req, pool);
    MUST(!llm_schema_fit(&second, doc, rules, "s", &req, pool));
    MUST(!req.dropped->nelts && second.data == doc->raw.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    llm_bytes_t raw = {(const char *)bytes, size};
    const llm_profile_t *const *all;
    const llm_json_t *doc;
    apr_size_t count, i;

    all = llm_profile_all(&count);
    if (!llm_json_read(&doc, raw.data, raw.len, NULL, pool)) {
        for (i = 0; i < count; ++i) {
            amend(all[i], raw, pool);
        }
        fit(doc, &llm_schema_claude, pool);
        fit(doc, &llm_schema_cohere, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
