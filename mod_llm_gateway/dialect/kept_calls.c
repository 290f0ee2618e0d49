/* SPDX-License-Identifier: Apache-2.0 */
/* Tool calls of a streamed answer, kept until they are whole. */
#include "dialect/kept_calls.h"

#include <apr_strings.h>

#define CALLS_MAX 1024
#define ARGS_MAX  16777216 /* of all calls that are kept */

typedef struct kept_call_t {
    int source; /* the provider's number */
    const char *id, *signature;
    llm_text_t name;
    llm_buf_t *args; /* escaped text */
} kept_call_t;

struct llm_kept_calls_t {
    apr_pool_t *parent;
    apr_pool_t *pool;          /* of the calls that are kept */
    apr_array_header_t *calls; /* of kept_call_t; NULL: none */
    apr_size_t bytes;          /* of arguments */
    int taken;                 /* so far */
};

llm_kept_calls_t *llm_kept_calls_make(apr_pool_t *pool)
{
    llm_kept_calls_t *kept = apr_pcalloc(pool, sizeof(*kept));

    kept->parent = pool;
    return kept;
}

int llm_kept_calls_count(const llm_kept_calls_t *kept)
{
    return kept->calls ? kept->calls->nelts : 0;
}

static kept_call_t *find(const llm_kept_calls_t *kept, int source)
{
    int i;

    for (i = llm_kept_calls_count(kept); i-- > 0;) {
        kept_call_t *call = &APR_ARRAY_IDX(kept->calls, i, kept_call_t);

        if (call->source == source) {
            return call;
        }
    }
    return NULL;
}

static const char *add_call(llm_kept_calls_t *kept, const llm_delta_t *delta)
{
    const llm_call_t *from = delta->call;
    kept_call_t *call;

    if (!from || find(kept, delta->call_index)) {
        return NULL;
    }
    if (llm_kept_calls_count(kept) >= CALLS_MAX) {
        return "the provider makes too many tool calls";
    }
    if (!kept->calls) {
        apr_pool_create(&kept->pool, kept->parent);
        kept->calls = apr_array_make(kept->pool, 2, sizeof(kept_call_t));
    }
    call = apr_array_push(kept->calls);
    call->source = delta->call_index;
    call->id = from->id && *from->id ? apr_pstrdup(kept->pool, from->id) : NULL;
    call->signature = apr_pstrdup(kept->pool, from->signature);
    call->name.len = from->name.len;
    call->name.data = apr_pstrmemdup(
        kept->pool, from->name.data ? from->name.data : "", from->name.len);
    call->args = llm_buf_make(0, kept->pool);
    return NULL;
}

const char *llm_kept_calls_add(llm_kept_calls_t *kept, const llm_delta_t *delta)
{
    kept_call_t *call;

    if (delta->kind == LLM_DELTA_CALL) {
        return add_call(kept, delta);
    }
    if (!delta->text.len) {
        return NULL;
    }
    call = find(kept, delta->call_index);
    if (!call) {
        return "the provider mixes the arguments of several tool calls";
    }
    if (kept->bytes + delta->text.len > ARGS_MAX) {
        return "the arguments of a tool call are too long";
    }
    llm_buf_append(call->args, delta->text.data, delta->text.len);
    kept->bytes += delta->text.len;
    return NULL;
}

void llm_kept_calls_take(llm_kept_calls_t *kept, llm_kept_call_cb *each,
                         void *baton)
{
    int i;

    for (i = 0; i < llm_kept_calls_count(kept); ++i) {
        const kept_call_t *from = &APR_ARRAY_IDX(kept->calls, i, kept_call_t);
        llm_text_t text = {from->args->data ? from->args->data : "",
                           from->args->len};
        llm_call_t call = {
            .id = from->id, .name = from->name, .signature = from->signature};

        llm_args_from_text(&call.args, text, kept->pool);
        each(baton, &call, kept->taken++);
    }
    if (kept->calls) {
        apr_pool_destroy(kept->pool);
        kept->calls = NULL;
        kept->bytes = 0;
    }
}
