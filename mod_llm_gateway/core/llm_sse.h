/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (WHATWG HTML, "Server-sent events"), in and out.
 *
 * Reading: bytes in, whole events out, wherever the bytes are cut. Lines end
 * with CR, LF or CRLF; comments and unknown fields are kept in `raw` only;
 * the blank after a colon is optional; several data lines are joined by LF.
 * What a provider sends last without an empty line after it is given out by
 * llm_sse_finish, since real providers do that.
 */
#ifndef LLM_SSE_H
#define LLM_SSE_H

#include "core/llm_buf.h"

typedef struct llm_sse_event_t {
    llm_bytes_t event; /* the event field; empty when not given */
    llm_bytes_t data;  /* the data; empty when there is none */
    llm_bytes_t raw;   /* the event as it came, its empty line included:
                          what pass-through forwards; all raws together are
                          the bytes that were fed */
    int has_data;      /* 0: a comment or keep-alive */
} llm_sse_event_t;

typedef struct llm_sse_t llm_sse_t;

/* No event may grow past `limit` bytes. */
llm_sse_t *llm_sse_make(apr_size_t limit, apr_pool_t *pool);
void llm_sse_feed(llm_sse_t *sse, const char *data, apr_size_t len);
/*
 * The next whole event; its slices are valid until the next call on `sse`.
 * APR_SUCCESS, APR_EAGAIN (feed more) or APR_ENOSPC (past the limit; final).
 */
apr_status_t llm_sse_next(llm_sse_t *sse, llm_sse_event_t *pevent);
/* No more bytes will come: an unfinished event counts as finished.
 * APR_SUCCESS with the last event, or APR_EOF when nothing is left. */
apr_status_t llm_sse_finish(llm_sse_t *sse, llm_sse_event_t *pevent);
/* Does what is left look like an event that was cut in two? */
int llm_sse_is_partial(const llm_sse_t *sse);

/* Writing: `event` may be NULL; data must not hold a line end. */
void llm_sse_put(llm_buf_t *out, const char *event, const char *data,
                 apr_size_t len);

#endif /* LLM_SSE_H */
