/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS's binary event streams (application/vnd.amazon.eventstream), read and
 * written.
 *
 * A message is, numbers with their highest byte first:
 *
 *   u32 length of the whole message
 *   u32 length of its headers
 *   u32 CRC-32 of these eight bytes
 *   headers: u8 length, name, u8 type, value
 *   payload
 *   u32 CRC-32 of all before it
 *
 * Bytes in, whole messages out, wherever the bytes are cut. Both checksums are
 * compared; what does not fit ends the stream, since nothing after it could be
 * found.
 */
#ifndef LLM_EVENTSTREAM_H
#define LLM_EVENTSTREAM_H

#include "core/llm_buf.h"

typedef struct llm_eventstream_event_t {
    llm_bytes_t event; /* ":event-type", of an error ":exception-type" or
                          ":error-code"; empty when not said */
    llm_bytes_t data;  /* the payload; of an error without one its
                          ":error-message" */
    llm_bytes_t raw;   /* the message as it came; all raws together are the
                          bytes that were fed */
} llm_eventstream_event_t;

typedef struct llm_eventstream_t llm_eventstream_t;

/* No message may be longer than `limit` bytes. */
llm_eventstream_t *llm_eventstream_make(apr_size_t limit, apr_pool_t *pool);
void llm_eventstream_feed(llm_eventstream_t *stream, const char *data,
                          apr_size_t len);
/*
 * The next whole message; its slices are valid until the next call on
 * `stream`. APR_SUCCESS, APR_EAGAIN (feed more), APR_ENOSPC (past the limit;
 * final) or APR_EGENERAL (no message of this form, or damaged; final).
 */
apr_status_t llm_eventstream_next(llm_eventstream_t *stream,
                                  llm_eventstream_event_t *pevent);
/* Are there bytes of a message that has not come to its end? */
int llm_eventstream_is_partial(const llm_eventstream_t *stream);

/* ---- writing ---- */

/* A message begins: its headers; what is appended to `out` from here on is its
 * payload. `kind` is "event" or "exception", `name` what :event-type or
 * :exception-type says, of at most 255 bytes. Returns where it begins. */
apr_size_t llm_eventstream_open(llm_buf_t *out, const char *kind,
                                const char *name);
/* The message that begins at `begin` is whole: its length and checksums. */
void llm_eventstream_close(llm_buf_t *out, apr_size_t begin);

#endif /* LLM_EVENTSTREAM_H */
