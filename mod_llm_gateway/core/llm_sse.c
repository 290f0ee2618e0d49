/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events (WHATWG HTML, "Server-sent events"), in and out.
 *
 * Bytes wait in one buffer. Each byte is looked at once: `scan` is how far
 * the search for line ends has come, and what an event's finished lines said
 * is kept as offsets until its empty line comes. An event that was given out
 * is dropped from the buffer's front at the next call.
 *
 * A CR that is the last byte there is may be a line end of its own or half of
 * a CRLF. Whether to wait for the next byte is decided by the line before: a
 * stream that ends lines with CRLF sends the LF at once, and one that ends
 * them with CR must not be held back until its next event. When the guess
 * was wrong the LF becomes the first byte of the next event's `raw`.
 */
#include "core/llm_find.h"
#include "core/llm_json.h"
#include "core/llm_sse.h"

#include <string.h>

#define BOM     "\xEF\xBB\xBF"
#define BOM_LEN 3

/* Bytes of the buffer, by offset: the buffer moves when it grows. */
typedef struct span_t {
    apr_size_t at, len;
} span_t;

struct llm_sse_t {
    llm_buf_t *pending;  /* bytes not given out yet, `given` in front */
    llm_buf_t *joined;   /* data of several lines */
    apr_size_t limit;    /* no event may grow past this */
    apr_size_t given;    /* bytes of the event given out last */
    apr_size_t line;     /* where the line being read begins */
    apr_size_t scan;     /* no line end before this */
    span_t event;        /* value of the event field; len 0: none */
    span_t data;         /* value of the first data field */
    unsigned data_lines; /* data fields so far */
    int began;           /* the byte order mark, or its absence, was seen */
    int after_crlf;      /* the last line ended with CRLF */
    int after_cr;        /* the event before ended with a CR that was the
                             last byte: an LF now belongs to it */
    int failed;          /* an event was past the limit */
};

llm_sse_t *llm_sse_make(apr_size_t limit, apr_pool_t *pool)
{
    llm_sse_t *sse = apr_pcalloc(pool, sizeof(*sse));

    sse->pending = llm_buf_make(0, pool);
    sse->joined = llm_buf_make(0, pool);
    sse->limit = limit;
    return sse;
}

/* What is left of the event given out last goes; the slices it lent end. */
static void drop_given(llm_sse_t *sse)
{
    if (sse->given) {
        llm_buf_drop(sse->pending, sse->given);
        llm_buf_trim(sse->pending);
        sse->line -= sse->given;
        sse->scan -= sse->given;
        sse->given = 0;
    }
}

void llm_sse_feed(llm_sse_t *sse, const char *data, apr_size_t len)
{
    drop_given(sse);
    if (!sse->failed) {
        llm_buf_append(sse->pending, data, len);
    }
}

/* Passes over a byte order mark; 0 while it may still be coming. */
static int begin(llm_sse_t *sse)
{
    const llm_buf_t *buf = sse->pending;
    apr_size_t len = buf->len < BOM_LEN ? buf->len : BOM_LEN;

    if (sse->began || !len) {
        return sse->began;
    }
    if (!memcmp(buf->data, BOM, len)) {
        if (len < BOM_LEN) {
            return 0;
        }
        sse->line = sse->scan = BOM_LEN;
    }
    sse->began = 1;
    return 1;
}

/* One more data line; the second one begins the joining. */
static void add_data(llm_sse_t *sse, span_t value)
{
    const char *bytes = sse->pending->data;

    if (!sse->data_lines++) {
        sse->data = value;
        return;
    }
    if (sse->data_lines == 2) {
        llm_buf_clear(sse->joined);
        llm_buf_append(sse->joined, bytes + sse->data.at, sse->data.len);
    }
    llm_buf_putc(sse->joined, '\n');
    llm_buf_append(sse->joined, bytes + value.at, value.len);
}

/* Is the field's name, the first `len` bytes at `at`, this one? */
static int is_field(const char *at, apr_size_t len, const char *name)
{
    return len == strlen(name) && !memcmp(at, name, len);
}

/* A line that is not empty, without its end. */
static void read_line(llm_sse_t *sse, span_t line)
{
    const char *at = sse->pending->data + line.at;
    const char *colon = memchr(at, ':', line.len);
    apr_size_t name = colon ? (apr_size_t)(colon - at) : line.len;
    span_t value = {line.at + line.len, 0};

    if (colon) {
        apr_size_t skip = name + 1;

        if (skip < line.len && at[skip] == ' ') {
            ++skip;
        }
        value.at = line.at + skip;
        value.len = line.len - skip;
    }
    if (is_field(at, name, "data")) {
        add_data(sse, value);
    }
    else if (is_field(at, name, "event")) {
        sse->event = value;
    }
    else if (colon && is_field(at, name, "error")) {
        /* llama.cpp's own: an event of that name */
        sse->event = (span_t){line.at, name};
        add_data(sse, value);
    }
}

/* Gives out the event whose bytes end at `end`, and gets ready for the next. */
static void give(llm_sse_t *sse, llm_sse_event_t *pevent, apr_size_t end)
{
    const char *bytes = sse->pending->data;

    pevent->raw.data = bytes;
    pevent->raw.len = end;
    pevent->event.data = bytes + sse->event.at;
    pevent->event.len = sse->event.len;
    pevent->has_data = sse->data_lines > 0;
    pevent->data.data = bytes + sse->data.at;
    pevent->data.len = sse->data.len;
    if (sse->data_lines > 1) {
        pevent->data.data = sse->joined->data;
        pevent->data.len = sse->joined->len;
    }
    memset(&sse->event, 0, sizeof(sse->event));
    memset(&sse->data, 0, sizeof(sse->data));
    sse->data_lines = 0;
    sse->given = sse->line = sse->scan = end;
}

/*
 * The place after the line end at `at`, 0 when the next byte has to be seen
 * first.
 */
static apr_size_t line_end(llm_sse_t *sse, apr_size_t at)
{
    const llm_buf_t *buf = sse->pending;
    int is_empty = at == sse->line;

    if (buf->data[at] == '\n') {
        sse->after_crlf = 0;
        return at + 1;
    }
    if (at + 1 < buf->len) {
        sse->after_crlf = buf->data[at + 1] == '\n';
        return at + 1 + (apr_size_t)sse->after_crlf;
    }
    if (!is_empty || sse->after_crlf) {
        return 0;
    }
    sse->after_cr = 1;
    return at + 1;
}

/* The LF of a CRLF whose CR ended the event before is no line of its own. */
static void skip_late_lf(llm_sse_t *sse)
{
    if (sse->after_cr && sse->pending->len) {
        if (sse->pending->data[0] == '\n') {
            sse->line = sse->scan = 1;
            sse->after_crlf = 1;
        }
        sse->after_cr = 0;
    }
}

/* Reads lines up to the empty one that ends an event; returns where that
 * event ends, 0 when it has not come yet. */
static apr_size_t read_lines(llm_sse_t *sse)
{
    const llm_buf_t *buf = sse->pending;

    while (sse->scan < buf->len) {
        const char *last = buf->data + buf->len;
        const char *stop = llm_find_line_end(buf->data + sse->scan, last);
        span_t line = {sse->line, 0};
        apr_size_t next;

        sse->scan = (apr_size_t)(stop - buf->data);
        if (stop == last) {
            return 0;
        }
        line.len = sse->scan - sse->line;
        next = line_end(sse, sse->scan);
        if (!next) {
            return 0;
        }
        sse->line = sse->scan = next;
        if (!line.len) {
            return next;
        }
        read_line(sse, line);
    }
    return 0;
}

apr_status_t llm_sse_next(llm_sse_t *sse, llm_sse_event_t *pevent)
{
    apr_size_t end;

    drop_given(sse);
    if (sse->failed) {
        return APR_ENOSPC;
    }
    skip_late_lf(sse);
    end = begin(sse) ? read_lines(sse) : 0;
    if ((end ? end : sse->pending->len) > sse->limit || sse->pending->overflow
        || sse->joined->overflow) {
        sse->failed = 1;
        return APR_ENOSPC;
    }
    if (!end) {
        return APR_EAGAIN;
    }
    give(sse, pevent, end);
    return APR_SUCCESS;
}

apr_status_t llm_sse_finish(llm_sse_t *sse, llm_sse_event_t *pevent)
{
    apr_status_t status = llm_sse_next(sse, pevent);
    span_t line;

    if (status != APR_EAGAIN) {
        return status == APR_ENOSPC ? APR_EOF : status;
    }
    if (!sse->pending->len) {
        return APR_EOF;
    }
    line.at = sse->line;
    line.len = sse->pending->len - line.at;
    if (line.len && sse->pending->data[line.at + line.len - 1] == '\r') {
        --line.len; /* read_lines waited for what follows */
    }
    if (line.len) {
        read_line(sse, line);
    }
    give(sse, pevent, sse->pending->len);
    return APR_SUCCESS;
}

static void ignore_member(void *baton, const llm_member_t *member)
{
    (void)baton;
    (void)member;
}

/* Providers' data is a JSON object or "[DONE]". */
static int is_whole_data(const char *at, apr_size_t len)
{
    return is_field(at, len, "[DONE]")
           || llm_json_scan(at, len, ignore_member, NULL, NULL) == APR_SUCCESS;
}

int llm_sse_is_partial(const llm_sse_t *sse)
{
    const llm_buf_t *buf = sse->pending;
    const char *at;
    apr_size_t len = buf->len - sse->line;

    if (len && buf->data[buf->len - 1] == '\r') {
        --len;
    }
    if (!len || buf->data[sse->line] == ':') {
        /* whole lines only: an event's name without its data, or nothing */
        return sse->event.len && !sse->data_lines;
    }
    at = buf->data + sse->line;
    if (len < 5 || memcmp(at, "data:", 5) != 0) {
        return 1;
    }
    at += 5;
    len -= 5;
    if (len && *at == ' ') {
        ++at;
        --len;
    }
    return !is_whole_data(at, len);
}

void llm_sse_put(llm_buf_t *out, const char *event, const char *data,
                 apr_size_t len)
{
    if (event) {
        llm_buf_lit(out, "event: ");
        llm_buf_puts(out, event);
        llm_buf_putc(out, '\n');
    }
    llm_buf_lit(out, "data: ");
    llm_buf_append(out, data, len);
    llm_buf_lit(out, "\n\n");
}
