/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dialect wrote for a client, and must hold: JSON, in the frames in
 * which the dialect's streams come.
 */
#ifndef LLM_TEST_FRAMED_H
#define LLM_TEST_FRAMED_H

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/llm_eventstream.h"
#include "core/llm_json.h"
#include "core/llm_sse.h"
#include "dialect/dialect.h"

/* Nesting grows when a value is put into a larger one: too deep for our own
 * reader is no fault. */
static inline void must_be_json(const char *data, apr_size_t len,
                                apr_pool_t *pool)
{
    llm_json_error_t error = {0, ""};
    const llm_json_t *doc;
    apr_status_t status = llm_json_read(&doc, data, len, &error, pool);

    MUST(status == APR_SUCCESS || strstr(error.what, "deep")
         || strstr(error.what, "nest"));
}

/* Every line is a document of its own. */
static inline void must_be_lines(const llm_buf_t *out, apr_pool_t *pool)
{
    const char *at = out->data, *end = at + out->len;

    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        MUST(stop);
        must_be_json(at, (apr_size_t)(stop - at), pool);
        at = stop + 1;
    }
}

/* What was written is events, each with JSON in one line, or "[DONE]". */
static inline void must_be_events(const llm_buf_t *out, apr_pool_t *pool)
{
    llm_sse_t *sse = llm_sse_make(out->len + 1, pool);
    llm_sse_event_t frame;

    llm_sse_feed(sse, out->data, out->len);
    while (llm_sse_next(sse, &frame) == APR_SUCCESS) {
        MUST(frame.has_data);
        MUST(!memchr(frame.data.data, '\n', frame.data.len));
        if (frame.data.len != 6 || memcmp(frame.data.data, "[DONE]", 6)) {
            must_be_json(frame.data.data, frame.data.len, pool);
        }
    }
    MUST(llm_sse_finish(sse, &frame) == APR_EOF);
}

/* What was written is AWS's messages, whole, each with JSON in it. */
static inline void must_be_messages(const llm_buf_t *out, apr_pool_t *pool)
{
    llm_eventstream_t *messages = llm_eventstream_make(out->len + 1, pool);
    llm_eventstream_event_t message;
    apr_status_t status;

    llm_eventstream_feed(messages, out->data, out->len);
    while (!(status = llm_eventstream_next(messages, &message))) {
        must_be_json(message.data.data, message.data.len, pool);
    }
    MUST(status == APR_EAGAIN && !llm_eventstream_is_partial(messages));
}

static inline void must_be_framed(const llm_dialect_t *client,
                                  const llm_buf_t *out, apr_pool_t *pool)
{
    if (client->framing == LLM_FRAMING_NDJSON) {
        must_be_lines(out, pool);
    }
    else if (client->framing == LLM_FRAMING_EVENTSTREAM) {
        must_be_messages(out, pool);
    }
    else {
        must_be_events(out, pool);
    }
}

#endif /* LLM_TEST_FRAMED_H */
