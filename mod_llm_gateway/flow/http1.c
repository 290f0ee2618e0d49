/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1.1 response, fed with bytes. The head is collected until its
 * empty line and read in one go; the body runs through a small state machine
 * that handles whole pieces, never single bytes, while it is inside data.
 */
#include "flow/http1.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "core/llm_buf.h"

/* Hexadecimal digits of a chunk's size; 15 keep it below 2^60. */
#define CHUNK_DIGITS 15
/* Bytes of chunk extensions and trailers that are skipped. */
#define SKIP_MAX 16384

typedef enum {
    PART_LENGTH,     /* `left` bytes, then done */
    PART_CLOSE,      /* until the connection ends */
    PART_CHUNK_SIZE, /* inside the size's digits */
    PART_CHUNK_EXT,  /* behind them, up to the line's end */
    PART_CHUNK_DATA, /* `left` bytes of a chunk */
    PART_CHUNK_END,  /* the line end behind a chunk's data */
    PART_TRAILER     /* lines up to the empty one */
} part_e;

typedef struct llm_http1_parser_t {
    apr_pool_t *pool;
    llm_buf_t *head;
    apr_size_t scanned; /* bytes of head already searched for its end */
    part_e part;
    apr_uint64_t left;
    int digits;         /* of the chunk size so far */
    apr_size_t skipped; /* bytes of extensions and trailers */
    apr_size_t line;    /* bytes of the trailer line so far, CR left out */
    int version;        /* 10 or 11 */
} parser_t;

llm_http1_t *llm_http1_make(apr_pool_t *pool)
{
    llm_http1_t *http = apr_pcalloc(pool, sizeof(*http));
    parser_t *parser = apr_pcalloc(pool, sizeof(*parser));

    parser->pool = pool;
    parser->head = llm_buf_make(LLM_HTTP1_HEAD_MAX + 16, pool);
    http->parser = parser;
    http->headers = apr_table_make(pool, 24);
    http->state = LLM_HTTP1_HEAD;
    return http;
}

static void break_off(llm_http1_t *http, const char *what)
{
    http->state = LLM_HTTP1_BROKEN;
    http->what = what;
    http->keep = 0;
}

/* Offset behind the head's empty line, or 0 while it is not there. */
static apr_size_t head_end(parser_t *parser)
{
    const char *data = parser->head->data;
    apr_size_t len = parser->head->len;
    /* the empty line may straddle what was searched before */
    apr_size_t at = parser->scanned > 3 ? parser->scanned - 3 : 0;
    const char *lf;

    while (at < len && (lf = memchr(data + at, '\n', len - at))) {
        at = (apr_size_t)(lf - data) + 1;
        if (at < len && data[at] == '\n') {
            return at + 1;
        }
        if (at + 1 < len && data[at] == '\r' && data[at + 1] == '\n') {
            return at + 2;
        }
    }
    parser->scanned = len;
    return 0;
}

static int is_token(const char *name)
{
    if (!*name) {
        return 0;
    }
    for (; *name; ++name) {
        if ((unsigned char)*name <= ' ' || (unsigned char)*name >= 127
            || strchr("()<>@,;:\\\"/[]?={}", *name)) {
            return 0;
        }
    }
    return 1;
}

/* "HTTP/1.1 200 OK" */
static const char *read_status_line(llm_http1_t *http, const char *line)
{
    if (strncmp(line, "HTTP/1.", 7) || (line[7] != '0' && line[7] != '1')
        || line[8] != ' ' || !apr_isdigit(line[9]) || !apr_isdigit(line[10])
        || !apr_isdigit(line[11]) || (line[12] && line[12] != ' ')) {
        return "not an HTTP/1 status line";
    }
    http->parser->version = line[7] == '1' ? 11 : 10;
    http->status =
        (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    return http->status < 100 || http->status == 101
               ? "unexpected status in the status line"
               : NULL;
}

static const char *read_header_line(llm_http1_t *http, char *line)
{
    char *colon = strchr(line, ':'), *value, *end;

    if (*line == ' ' || *line == '\t') {
        return "folded header line";
    }
    if (!colon) {
        return "header line without a colon";
    }
    *colon = '\0';
    if (!is_token(line)) {
        return "malformed header name";
    }
    for (value = colon + 1; *value == ' ' || *value == '\t'; ++value) {
    }
    for (end = value + strlen(value);
         end > value && (end[-1] == ' ' || end[-1] == '\t'); --end) {
    }
    *end = '\0';
    apr_table_addn(http->headers, line, value);
    return NULL;
}

/* The lines of a complete head; they are cut in place in a pool copy. */
static const char *read_head(llm_http1_t *http, const char *data,
                             apr_size_t len)
{
    char *text = apr_pstrmemdup(http->parser->pool, data, len);
    char *line = text, *lf;
    const char *what;
    int first = 1;

    if (memchr(text, '\0', len)) {
        return "NUL byte in the head";
    }
    apr_table_clear(http->headers);
    while ((lf = strchr(line, '\n'))) {
        *lf = '\0';
        if (lf > line && lf[-1] == '\r') {
            lf[-1] = '\0';
        }
        if (strchr(line, '\r')) {
            return "bare CR in the head";
        }
        if (first) {
            what = read_status_line(http, line);
            first = 0;
        }
        else if (!*line) {
            break;
        }
        else {
            what = read_header_line(http, line);
        }
        if (what) {
            return what;
        }
        line = lf + 1;
    }
    return NULL;
}

/* A decimal that fits; the same value may be given several times. */
static const char *read_length(const char *text, apr_uint64_t *plength,
                               int *pseen)
{
    while (*text) {
        apr_uint64_t value = 0;
        int digits = 0;

        while (apr_isspace(*text) || *text == ',') {
            ++text;
        }
        while (apr_isdigit(*text) && digits < 18) {
            value = value * 10 + (apr_uint64_t)(*text++ - '0');
            ++digits;
        }
        while (apr_isspace(*text)) {
            ++text;
        }
        if (!digits || (*text && *text != ',')) {
            return "malformed Content-Length";
        }
        if (*pseen && value != *plength) {
            return "two different Content-Lengths";
        }
        *plength = value;
        *pseen = 1;
    }
    return *pseen ? NULL : "empty Content-Length";
}

typedef struct framing_t {
    const char *what;
    int chunked, length_seen, close, keep_alive;
    apr_uint64_t length;
} framing_t;

static int has_word(const char *list, const char *word)
{
    apr_size_t len = strlen(word);
    const char *at = list;

    while (*at) {
        apr_size_t n = strcspn(at, ", \t");

        if (n == len && !strncasecmp(at, word, len)) {
            return 1;
        }
        at += n;
        at += strspn(at, ", \t");
    }
    return 0;
}

static int look_at_header(void *baton, const char *name, const char *value)
{
    framing_t *framing = baton;

    if (!strcasecmp(name, "Transfer-Encoding")) {
        if (framing->chunked || strcasecmp(value, "chunked")) {
            framing->what = "transfer coding other than chunked";
        }
        framing->chunked = 1;
    }
    else if (!strcasecmp(name, "Content-Length")) {
        const char *what =
            read_length(value, &framing->length, &framing->length_seen);

        framing->what = what ? what : framing->what;
    }
    else if (!strcasecmp(name, "Connection")) {
        framing->close |= has_word(value, "close");
        framing->keep_alive |= has_word(value, "keep-alive");
    }
    return !framing->what;
}

/* The head is read: what body follows? */
static const char *begin_body(llm_http1_t *http)
{
    parser_t *parser = http->parser;
    framing_t framing = {NULL, 0, 0, 0, 0, 0};

    apr_table_do(look_at_header, &framing, http->headers, NULL);
    if (!framing.what && framing.chunked && framing.length_seen) {
        framing.what = "both Transfer-Encoding and Content-Length";
    }
    if (framing.what) {
        return framing.what;
    }
    http->keep =
        !framing.close && (parser->version == 11 || framing.keep_alive);
    http->state = LLM_HTTP1_BODY;
    if (http->status == 204 || http->status == 304) {
        http->state = LLM_HTTP1_DONE;
    }
    else if (framing.chunked) {
        parser->part = PART_CHUNK_SIZE;
    }
    else if (framing.length_seen) {
        parser->part = PART_LENGTH;
        parser->left = framing.length;
        if (!parser->left) {
            http->state = LLM_HTTP1_DONE;
        }
    }
    else {
        parser->part = PART_CLOSE;
        http->keep = 0;
    }
    return NULL;
}

/* How many of `data` belong to the head; reads it when it is complete. */
static apr_size_t feed_head(llm_http1_t *http, const char *data, apr_size_t len)
{
    parser_t *parser = http->parser;
    apr_size_t before = parser->head->len, end;
    const char *what;

    llm_buf_append(parser->head, data,
                   len < LLM_HTTP1_HEAD_MAX + 16 - before
                       ? len
                       : LLM_HTTP1_HEAD_MAX + 16 - before);
    end = head_end(parser);
    if (!end) {
        if (parser->head->len > LLM_HTTP1_HEAD_MAX) {
            break_off(http, "the head is too long");
        }
        return len;
    }
    what = read_head(http, parser->head->data, end);
    if (what) {
        break_off(http, what);
        return len;
    }
    llm_buf_clear(parser->head);
    parser->scanned = 0;
    if (http->status >= 200) {
        llm_buf_trim(parser->head);
        what = begin_body(http);
        if (what) {
            break_off(http, what);
        }
    }
    return end - before;
}

static void hand_out(llm_http1_t *http, const char *data, apr_size_t len,
                     llm_http1_body_cb *body, void *baton)
{
    http->received += len;
    body(baton, data, len);
}

/* One byte of a chunk's size line. */
static void feed_size(llm_http1_t *http, char c)
{
    parser_t *parser = http->parser;

    if (apr_isxdigit(c)) {
        unsigned digit =
            (unsigned)(apr_isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);

        if (++parser->digits > CHUNK_DIGITS) {
            break_off(http, "chunk size out of range");
        }
        parser->left = parser->left * 16 + digit;
    }
    else if (!parser->digits) {
        break_off(http, "malformed chunk size");
    }
    else if (c == '\r' || c == '\n' || c == ';' || c == ' ' || c == '\t') {
        parser->part = PART_CHUNK_EXT;
    }
    else {
        break_off(http, "malformed chunk size");
    }
}

/* A chunk's size line is over. */
static void begin_chunk(parser_t *parser)
{
    parser->part = parser->left ? PART_CHUNK_DATA : PART_TRAILER;
    parser->line = 0;
    parser->digits = 0;
}

/* One byte outside of data. Returns what was used: 0 or 1. */
static apr_size_t feed_mark(llm_http1_t *http, char c)
{
    parser_t *parser = http->parser;

    switch (parser->part) {
    case PART_CHUNK_SIZE:
        feed_size(http, c);
        /* the byte that ended the digits is looked at once more */
        return parser->part == PART_CHUNK_SIZE;
    case PART_CHUNK_EXT:
        if (c == '\n') {
            begin_chunk(parser);
        }
        break;
    case PART_CHUNK_END:
        if (c == '\n') {
            parser->part = PART_CHUNK_SIZE;
            parser->left = 0;
        }
        else if (c != '\r') {
            break_off(http, "no line end behind a chunk");
        }
        break;
    default:
        if (c == '\n' && !parser->line) {
            http->state = LLM_HTTP1_DONE;
        }
        else if (c != '\r') {
            parser->line = c == '\n' ? 0 : parser->line + 1;
        }
        break;
    }
    if (++parser->skipped > SKIP_MAX
        && (parser->part == PART_CHUNK_EXT || parser->part == PART_TRAILER)) {
        break_off(http, "chunk extensions or trailers are too long");
    }
    if (parser->part == PART_CHUNK_DATA) {
        parser->skipped = 0;
    }
    return 1;
}

/* How many of `data` were used. */
static apr_size_t feed_body(llm_http1_t *http, const char *data, apr_size_t len,
                            llm_http1_body_cb *body, void *baton)
{
    parser_t *parser = http->parser;

    if (parser->part == PART_CLOSE) {
        hand_out(http, data, len, body, baton);
        return len;
    }
    if (parser->part == PART_LENGTH || parser->part == PART_CHUNK_DATA) {
        apr_size_t n = len < parser->left ? len : (apr_size_t)parser->left;

        hand_out(http, data, n, body, baton);
        parser->left -= n;
        if (!parser->left && parser->part == PART_CHUNK_DATA) {
            parser->part = PART_CHUNK_END;
        }
        else if (!parser->left) {
            http->state = LLM_HTTP1_DONE;
        }
        return n;
    }
    return feed_mark(http, *data);
}

void llm_http1_feed(llm_http1_t *http, const char *data, apr_size_t len,
                    llm_http1_body_cb *body, void *baton)
{
    http->started |= len > 0;
    while (
        len
        && (http->state == LLM_HTTP1_HEAD || http->state == LLM_HTTP1_BODY)) {
        apr_size_t used = http->state == LLM_HTTP1_HEAD
                              ? feed_head(http, data, len)
                              : feed_body(http, data, len, body, baton);

        data += used;
        len -= used;
    }
    if (len) {
        http->keep = 0;
    }
}

void llm_http1_close(llm_http1_t *http)
{
    if (http->state == LLM_HTTP1_BODY && http->parser->part == PART_CLOSE) {
        http->state = LLM_HTTP1_DONE;
    }
    else if (http->state == LLM_HTTP1_HEAD) {
        break_off(http, http->started ? "closed inside the head"
                                      : "closed without an answer");
    }
    else if (http->state == LLM_HTTP1_BODY) {
        break_off(http, "closed inside the body");
    }
    http->keep = 0;
}
