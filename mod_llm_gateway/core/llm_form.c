/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading forms with files.
 *
 *   --boundary CRLF
 *   Content-Disposition: form-data; name="model" CRLF
 *   CRLF
 *   value CRLF
 *   --boundary CRLF ... CRLF
 *   --boundary--
 *
 * A file may be large, so its bytes are looked at once, by memmem.
 */
#include "core/llm_form.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>

#define BOUNDARY_MAX 200 /* RFC 2046 allows 70 */

typedef struct cursor_t {
    const char *at, *end;
} cursor_t;

int llm_form_is(const char *content_type)
{
    static const char type[] = "multipart/form-data";
    apr_size_t len = sizeof(type) - 1;

    return content_type && !strncasecmp(content_type, type, len)
           && (!content_type[len] || strchr("; \t", content_type[len]));
}

int llm_form_is_named(const llm_form_part_t *part, const char *name)
{
    return part->name.len == strlen(name)
           && !memcmp(part->name.data, name, part->name.len);
}

/* ---- parameters of a header -------------------------------------------- */

static void skip_blanks(cursor_t *cursor)
{
    while (cursor->at < cursor->end
           && (*cursor->at == ' ' || *cursor->at == '\t')) {
        ++cursor->at;
    }
}

/* Up to one of `ends`, without the blanks before it. */
static llm_bytes_t take_until(cursor_t *cursor, const char *ends)
{
    const char *from = cursor->at, *to;

    while (cursor->at < cursor->end && !strchr(ends, *cursor->at)) {
        ++cursor->at;
    }
    for (to = cursor->at; to > from && (to[-1] == ' ' || to[-1] == '\t');
         --to) {
    }
    return (llm_bytes_t){from, (apr_size_t)(to - from)};
}

/* 0 where the quotes do not end, or where something is escaped: readers
 * differ in what that means. A file's name may hold what it likes. */
static int take_quoted(cursor_t *cursor, llm_bytes_t *pvalue, int *pescaped)
{
    const char *from = ++cursor->at;

    *pescaped = 0;
    while (cursor->at < cursor->end && *cursor->at != '"') {
        if (*cursor->at == '\\' && cursor->at + 1 < cursor->end) {
            *pescaped = 1;
            ++cursor->at;
        }
        ++cursor->at;
    }
    if (cursor->at >= cursor->end) {
        return 0;
    }
    *pvalue = (llm_bytes_t){from, (apr_size_t)(cursor->at - from)};
    ++cursor->at;
    return 1;
}

typedef struct parameter_t {
    llm_bytes_t name, value;
    int is_escaped;
} parameter_t;

/* The next of "; name=value". 1; 0 at the end; -1 where it is none. */
static int next_parameter(cursor_t *cursor, parameter_t *parameter)
{
    skip_blanks(cursor);
    if (cursor->at >= cursor->end) {
        return 0;
    }
    if (*cursor->at != ';') {
        return -1;
    }
    ++cursor->at;
    skip_blanks(cursor);
    if (cursor->at >= cursor->end) {
        return 0; /* a semicolon too many */
    }
    parameter->is_escaped = 0;
    parameter->name = take_until(cursor, "=;");
    if (cursor->at >= cursor->end || *cursor->at != '=') {
        return -1;
    }
    ++cursor->at;
    skip_blanks(cursor);
    if (cursor->at < cursor->end && *cursor->at == '"') {
        return take_quoted(cursor, &parameter->value, &parameter->is_escaped)
                   ? 1
                   : -1;
    }
    parameter->value = take_until(cursor, ";");
    return 1;
}

static int is_word(llm_bytes_t bytes, const char *word)
{
    return bytes.len == strlen(word)
           && !strncasecmp(bytes.data, word, bytes.len);
}

const char *llm_form_boundary(llm_bytes_t *pboundary, const char *content_type)
{
    cursor_t cursor = {content_type, content_type + strlen(content_type)};
    parameter_t parameter;
    int found = 0, more;

    take_until(&cursor, ";");
    while ((more = next_parameter(&cursor, &parameter)) > 0) {
        if (is_word(parameter.name, "boundary") && !parameter.is_escaped) {
            *pboundary = parameter.value;
            ++found;
        }
    }
    if (more < 0 || found > 1) {
        return "its Content-Type cannot be read";
    }
    if (!found || !pboundary->len) {
        return "its Content-Type has no boundary";
    }
    return pboundary->len > BOUNDARY_MAX ? "its boundary is too long" : NULL;
}

/* ---- parts ------------------------------------------------------------- */

/* The whole of one header line's value about the part. */
static const char *read_disposition(llm_form_part_t *part, cursor_t cursor)
{
    parameter_t parameter;
    int names = 0, more;

    skip_blanks(&cursor);
    if (!is_word(take_until(&cursor, ";"), "form-data")) {
        return "a part is no form-data";
    }
    while ((more = next_parameter(&cursor, &parameter)) > 0) {
        if (is_word(parameter.name, "name")) {
            part->name = parameter.value;
            names += parameter.is_escaped ? 2 : 1;
        }
        else if (is_word(parameter.name, "name*")) {
            names += 2;
        }
        else if (is_word(parameter.name, "filename")
                 || is_word(parameter.name, "filename*")) {
            part->is_file = 1;
        }
    }
    return more < 0 || names != 1 ? "a part has no name that is clear" : NULL;
}

static int begins_with(cursor_t line, const char *name)
{
    apr_size_t len = strlen(name);

    return (apr_size_t)(line.end - line.at) >= len
           && !strncasecmp(line.at, name, len);
}

/* "Name: value", the name a token and no control character anywhere. */
static int is_header(cursor_t line)
{
    const char *at = line.at;

    while (at < line.end && *at != ':' && apr_isgraph(*at)) {
        ++at;
    }
    if (at == line.at || at == line.end || *at != ':') {
        return 0;
    }
    for (; at < line.end; ++at) {
        if (apr_iscntrl(*at) && *at != '\t') {
            return 0;
        }
    }
    return 1;
}

static const char *read_line(llm_form_part_t *part, cursor_t line, int *pcount)
{
    static const char disposition[] = "Content-Disposition:";

    if (!is_header(line)) {
        return "a header of a part is folded or broken";
    }
    if (begins_with(line, "Content-Transfer-Encoding:")) {
        part->is_encoded = 1;
    }
    if (!begins_with(line, disposition)) {
        return NULL;
    }
    ++*pcount;
    line.at += sizeof(disposition) - 1;
    return read_disposition(part, line);
}

/* The head of a part, up to and with the empty line; head->at is moved behind
 * it. */
static const char *read_head(llm_form_part_t *part, cursor_t *head)
{
    const char *wrong = NULL, *limit = head->end;
    int count = 0;

    if (limit - head->at > LLM_FORM_HEAD_MAX) {
        limit = head->at + LLM_FORM_HEAD_MAX;
    }
    memset(part, 0, sizeof(*part));
    while (!wrong) {
        const char *end =
            memmem(head->at, (apr_size_t)(limit - head->at), "\r\n", 2);

        if (!end) {
            return "the head of a part does not end";
        }
        if (end == head->at) {
            head->at += 2;
            return count == 1 ? NULL : "a part has no name that is clear";
        }
        wrong = read_line(part, (cursor_t){head->at, end}, &count);
        head->at = end + 2;
    }
    return wrong;
}

/* What stands behind a boundary: 1 a part begins, at->at is moved to it; 0 the
 * form ends; -1 neither. */
static int behind_boundary(cursor_t *cursor)
{
    if (cursor->end - cursor->at >= 2 && !memcmp(cursor->at, "--", 2)) {
        return 0;
    }
    skip_blanks(cursor);
    if (cursor->end - cursor->at < 2 || memcmp(cursor->at, "\r\n", 2) != 0) {
        return -1;
    }
    cursor->at += 2;
    return 1;
}

/* Where "--boundary" begins that has a line end before it, or begins the form;
 * NULL: nowhere. cursor->at is moved behind it. */
static const char *find_boundary(cursor_t *cursor, const char *form,
                                 llm_bytes_t mark)
{
    const char *found = cursor->at;

    /* the mark begins with the line end, which the first one may not have */
    if (found == form && (apr_size_t)(cursor->end - form) >= mark.len - 2
        && !memcmp(form, mark.data + 2, mark.len - 2)) {
        cursor->at = form + mark.len - 2;
        return form;
    }
    found = memmem(cursor->at, (apr_size_t)(cursor->end - cursor->at),
                   mark.data, mark.len);
    if (found) {
        cursor->at = found + mark.len;
    }
    return found;
}

/* A part whose head begins at the cursor, to the boundary behind it. */
static const char *scan_part(cursor_t *cursor, llm_bytes_t form,
                             llm_bytes_t mark, llm_form_cb *each, void *baton)
{
    llm_form_part_t part;
    const char *wrong = read_head(&part, cursor), *begin = cursor->at, *end;

    if (wrong) {
        return wrong;
    }
    /* an empty value: the line end of the head is that of the boundary */
    cursor->at -= 2;
    end = find_boundary(cursor, form.data, mark);
    if (!end) {
        return "it ends before its last boundary";
    }
    if (end < begin) {
        part.is_bare = 1;
        end = begin;
    }
    part.begin = (apr_size_t)(begin - form.data);
    part.end = (apr_size_t)(end - form.data);
    part.value = (llm_bytes_t){begin, part.end - part.begin};
    each(baton, &part);
    return NULL;
}

const char *llm_form_scan(apr_size_t *pfirst, llm_bytes_t form,
                          llm_bytes_t boundary, llm_form_cb *each, void *baton)
{
    char text[BOUNDARY_MAX + 4] = "\r\n--";
    llm_bytes_t mark = {text, boundary.len + 4};
    cursor_t cursor = {form.data, form.data + form.len};
    const char *wrong = NULL, *first;
    int more, count = 0;

    memcpy(text + 4, boundary.data, boundary.len);
    first = find_boundary(&cursor, form.data, mark);
    if (!first) {
        return "its boundary is nowhere in it";
    }
    *pfirst = (apr_size_t)(first - form.data) + (*first == '\r' ? 2 : 0);
    while ((more = behind_boundary(&cursor)) > 0 && !wrong) {
        if (++count > LLM_FORM_PARTS_MAX) {
            return "it has too many parts";
        }
        wrong = scan_part(&cursor, form, mark, each, baton);
    }
    return wrong      ? wrong
           : more < 0 ? "something stands behind a boundary"
                      : NULL;
}
