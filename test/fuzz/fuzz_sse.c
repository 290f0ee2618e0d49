/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of server-sent events: the first byte says how the rest is cut.
 * However it is cut, the events with data are the same, all raws together are
 * the input, and no event is larger than the limit.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/llm_sse.h"

typedef struct tape_t {
    llm_buf_t *events; /* event, data and separators, of those with data */
    llm_buf_t *raws;   /* all raws */
    int failed;        /* past the limit */
} tape_t;

static void note_event(tape_t *tape, const llm_sse_event_t *event,
                       apr_size_t limit)
{
    MUST(event->raw.len > 0 && event->raw.len <= limit);
    MUST(event->has_data || !event->data.len);
    llm_buf_append(tape->raws, event->raw.data, event->raw.len);
    if (event->has_data) {
        llm_buf_append(tape->events, event->event.data, event->event.len);
        llm_buf_putc(tape->events, '\0');
        llm_buf_append(tape->events, event->data.data, event->data.len);
        llm_buf_putc(tape->events, '\0');
        llm_buf_put_int(tape->events, (apr_int64_t)event->data.len);
        llm_buf_putc(tape->events, '\n');
    }
}

/* Pieces of 1..step bytes, in a pattern that `step` decides. */
static tape_t run(const char *data, size_t size, unsigned step,
                  apr_size_t limit, apr_pool_t *pool)
{
    llm_sse_t *sse = llm_sse_make(limit, pool);
    tape_t tape = {llm_buf_make(0, pool), llm_buf_make(0, pool), 0};
    llm_sse_event_t event;
    apr_status_t status = APR_EAGAIN;
    unsigned turn = step;

    while (size && status == APR_EAGAIN) {
        size_t piece = step ? 1 + turn % step : size;

        piece = piece < size ? piece : size;
        turn = turn * 1103515245 + 12345;
        llm_sse_feed(sse, data, piece);
        data += piece;
        size -= piece;
        while ((status = llm_sse_next(sse, &event)) == APR_SUCCESS) {
            note_event(&tape, &event, limit);
        }
        (void)llm_sse_is_partial(sse);
    }
    MUST(status == APR_EAGAIN || status == APR_ENOSPC);
    tape.failed = status == APR_ENOSPC;
    while (llm_sse_finish(sse, &event) == APR_SUCCESS) {
        MUST(!tape.failed);
        note_event(&tape, &event, limit);
    }
    return tape;
}

static int is_same(const llm_buf_t *a, const llm_buf_t *b)
{
    return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool;
    const char *data = (const char *)bytes + 1;
    tape_t whole, cut;

    if (!size--) {
        return 0;
    }
    pool = fuzz_pool();
    whole = run(data, size, 0, size, pool);
    MUST(!whole.failed && whole.raws->len == size);
    MUST(!size || !memcmp(whole.raws->data, data, size));

    cut = run(data, size, 1 + bytes[0], size, pool);
    MUST(!cut.failed);
    MUST(is_same(cut.raws, whole.raws));
    MUST(is_same(cut.events, whole.events));

    cut = run(data, size, 1, size / 2, pool);
    MUST(cut.raws->len <= size && (!cut.failed || cut.raws->len < size));
    MUST(!cut.raws->len || !memcmp(cut.raws->data, data, cut.raws->len));
    apr_pool_destroy(pool);
    return 0;
}
