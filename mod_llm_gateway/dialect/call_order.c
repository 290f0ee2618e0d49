/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tool calls one behind the other; see call_order.h.
 *
 * The first call passes as it comes. One that begins before the arguments of
 * the other are a whole JSON object waits, with its pieces, until they are, or
 * until the answer ends, since a call without arguments never tells that it
 * is over. Nothing waits where a provider tells its calls in order, as all but
 * a few do.
 *
 * A citation that comes when a call has begun waits for the answer's end: it is
 * of text, which would cut the call off.
 *
 * What waits is bounded; past the limit it goes out as it stands, and a writer
 * that cannot write it says so.
 */
#include "dialect/call_order.h"
#include "dialect/cite.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define CALLS_MAX 128
#define BYTES_MAX 4194304

/* How far the arguments' JSON has come. */
typedef struct shape_t {
    int depth;
    int in_string;
    int escaped; /* in a string, behind a backslash */
    int is_whole;
} shape_t;

typedef struct waiting_t {
    int index;
    llm_call_t call;
    shape_t shape;
    llm_buf_t *args; /* escaped, as they came */
} waiting_t;

struct llm_call_order_t {
    llm_delta_cb *emit;
    void *baton;
    apr_pool_t *parent;
    apr_pool_t *pool;            /* of what waits; NULL: nothing does */
    int open;                    /* the call whose pieces pass; -1: none */
    shape_t shape;               /* of its arguments */
    apr_array_header_t *waiting; /* of waiting_t, as they began */
    apr_size_t bytes;            /* of arguments that wait */
    llm_block_cites_t cites;     /* what came while a call is told */
};

llm_call_order_t *llm_call_order_make(llm_delta_cb *emit, void *baton,
                                      apr_pool_t *pool)
{
    llm_call_order_t *order = apr_pcalloc(pool, sizeof(*order));

    order->emit = emit;
    order->baton = baton;
    order->parent = pool;
    order->open = -1;
    order->cites.parent = pool;
    return order;
}

/* ---- the shape of arguments ---- */

static void see(shape_t *shape, int c)
{
    if (shape->in_string) {
        shape->in_string = shape->escaped || c != '"';
        shape->escaped = !shape->escaped && c == '\\';
    }
    else if (c == '"') {
        shape->in_string = 1;
    }
    else if (c == '{' || c == '[') {
        ++shape->depth;
    }
    else if ((c == '}' || c == ']') && shape->depth) {
        shape->is_whole = !--shape->depth;
    }
}

/* The character of \u0022; what is beyond ASCII is of no interest. */
static int code_of(const char *hex)
{
    int i, code = 0;

    for (i = 0; i < 4; ++i) {
        int digit =
            apr_isdigit(hex[i]) ? hex[i] - '0' : (hex[i] | 0x20) - 'a' + 10;

        code = code * 16 + digit;
    }
    return code < 0x80 ? code : ' ';
}

/* A piece is escaped: \" in it is a quote of the JSON. */
static void follow(shape_t *shape, llm_text_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; ++i) {
        if (text.data[i] != '\\' || i + 1 == text.len) {
            see(shape, text.data[i]);
            continue;
        }
        ++i;
        if (text.data[i] == 'u' && i + 4 < text.len) {
            see(shape, code_of(text.data + i + 1));
            i += 4;
        }
        else {
            see(shape, text.data[i] == '"' || text.data[i] == '\\'
                           ? text.data[i]
                           : ' ');
        }
    }
}

/* ---- what waits ---- */

static waiting_t *find(const llm_call_order_t *order, int index)
{
    int i;

    for (i = 0; order->pool && i < order->waiting->nelts; ++i) {
        waiting_t *call = &APR_ARRAY_IDX(order->waiting, i, waiting_t);

        if (call->index == index) {
            return call;
        }
    }
    return NULL;
}

static void keep_back(llm_call_order_t *order, const llm_delta_t *delta)
{
    waiting_t *call;

    if (!order->pool) {
        apr_pool_create(&order->pool, order->parent);
        order->waiting = apr_array_make(order->pool, 4, sizeof(*call));
        order->bytes = 0;
    }
    call = apr_array_push(order->waiting);
    call->index = delta->call_index;
    call->call.id = apr_pstrdup(order->pool, delta->call->id);
    call->call.signature = apr_pstrdup(order->pool, delta->call->signature);
    call->call.name.data = apr_pstrmemdup(order->pool, delta->call->name.data,
                                          delta->call->name.len);
    call->call.name.len = delta->call->name.len;
    call->call.args = LLM_BYTES_LITERAL("{}");
    call->args = llm_buf_make(0, order->pool);
}

/* It is the call whose pieces pass now. */
static void let_go(llm_call_order_t *order, const waiting_t *call)
{
    llm_delta_t delta = {
        .kind = LLM_DELTA_CALL, .call_index = call->index, .call = &call->call};

    order->emit(order->baton, &delta);
    if (call->args->len) {
        delta.kind = LLM_DELTA_ARGS;
        delta.call = NULL;
        delta.text.data = call->args->data;
        delta.text.len = call->args->len;
        order->emit(order->baton, &delta);
    }
    order->open = call->index;
    order->shape = call->shape;
}

/* Those that need not wait any more: all, or up to the first that is not
 * whole. */
static void release(llm_call_order_t *order, int all)
{
    int i, count = order->pool ? order->waiting->nelts : 0;

    for (i = 0; i < count && (all || order->shape.is_whole); ++i) {
        let_go(order, &APR_ARRAY_IDX(order->waiting, i, waiting_t));
    }
    if (count && i == count) {
        apr_pool_destroy(order->pool);
        order->pool = NULL;
        return;
    }
    if (i) {
        memmove(order->waiting->elts,
                &APR_ARRAY_IDX(order->waiting, i, waiting_t),
                (apr_size_t)(count - i) * sizeof(waiting_t));
        order->waiting->nelts = count - i;
    }
}

/* ---- deltas ---- */

static void take_call(llm_call_order_t *order, const llm_delta_t *delta)
{
    int waits = order->pool || (order->open >= 0 && !order->shape.is_whole);

    if (delta->call && waits && delta->call_index != order->open
        && !find(order, delta->call_index)) {
        keep_back(order, delta);
        if (order->waiting->nelts >= CALLS_MAX) {
            release(order, 1);
        }
        return;
    }
    if (delta->call_index != order->open) {
        order->open = delta->call_index;
        order->shape = (shape_t){0, 0, 0, 0};
    }
    order->emit(order->baton, delta);
}

static void take_args(llm_call_order_t *order, const llm_delta_t *delta)
{
    waiting_t *call = find(order, delta->call_index);

    if (call) {
        llm_buf_append(call->args, delta->text.data, delta->text.len);
        follow(&call->shape, delta->text);
        order->bytes += delta->text.len;
        if (order->bytes > BYTES_MAX) {
            release(order, 1);
        }
        return;
    }
    order->emit(order->baton, delta);
    if (delta->call_index == order->open) {
        follow(&order->shape, delta->text);
        release(order, 0);
    }
}

void llm_call_order_take(void *baton, const llm_delta_t *delta)
{
    llm_call_order_t *order = baton;

    if (!delta->choice && delta->kind == LLM_DELTA_CALL) {
        take_call(order, delta);
        return;
    }
    if (!delta->choice && delta->kind == LLM_DELTA_ARGS) {
        take_args(order, delta);
        return;
    }
    if (!delta->choice && delta->kind == LLM_DELTA_CITE && order->open >= 0) {
        llm_block_cites_keep(&order->cites, delta->cite);
        return;
    }
    if ((!delta->choice && delta->kind == LLM_DELTA_FINISH)
        || delta->kind == LLM_DELTA_END) {
        release(order, 1);
        llm_block_cites_end(&order->cites, order->emit, order->baton);
    }
    order->emit(order->baton, delta);
}
