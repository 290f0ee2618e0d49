/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms with files: a line with the Content-Type, then the body. Parts come in
 * order and lie in the form, whole or not; and where every value of a form is
 * replaced it reads as the same form with the new values.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "core/llm_buf.h"
#include "core/llm_form.h"

typedef struct seen_t {
    llm_bytes_t form;
    llm_buf_t *names; /* of the parts, a line each */
    llm_buf_t *other; /* the form with other values; NULL: not wanted */
    apr_size_t at;    /* where the last part ended */
    int count, changed;
} seen_t;

static void see(void *baton, const llm_form_part_t *part)
{
    seen_t *seen = baton;

    MUST(part->begin >= seen->at && part->end >= part->begin);
    MUST(part->end <= seen->form.len && part->name.data);
    MUST(part->value.data == seen->form.data + part->begin);
    MUST(part->name.data > seen->form.data
         && part->name.data + part->name.len < part->value.data);
    ++seen->count;
    llm_buf_append(seen->names, part->name.data, part->name.len);
    llm_buf_putc(seen->names, '\n');
    if (seen->other) {
        llm_buf_append(seen->other, seen->form.data + seen->at,
                       part->begin - seen->at);
        llm_buf_lit(seen->other, "another value");
        llm_buf_puts(seen->other, part->is_bare ? "\r\n" : "");
    }
    seen->changed += llm_form_is_named(part, "model");
    seen->at = part->end;
}

static const char *scan(seen_t *seen, llm_bytes_t boundary)
{
    apr_size_t first = 0;
    const char *wrong = llm_form_scan(&first, seen->form, boundary, see, seen);

    MUST(wrong || first + 2 + boundary.len <= seen->form.len);
    MUST(wrong || !memcmp(seen->form.data + first, "--", 2));
    MUST(seen->count <= LLM_FORM_PARTS_MAX);
    return wrong;
}

static void run(llm_bytes_t form, llm_bytes_t boundary, apr_pool_t *pool)
{
    seen_t seen = {.form = form}, again = {.form = form};

    seen.names = llm_buf_make(0, pool);
    seen.other = llm_buf_make(0, pool);
    if (scan(&seen, boundary)
        || memmem("another value", 13, boundary.data, boundary.len)) {
        return;
    }
    llm_buf_append(seen.other, form.data + seen.at, form.len - seen.at);
    again.form = (llm_bytes_t){seen.other->data, seen.other->len};
    again.names = llm_buf_make(0, pool);
    MUST(!scan(&again, boundary));
    MUST(again.count == seen.count && again.changed == seen.changed);
    MUST(
        again.names->len == seen.names->len
        && (!again.names->len
            || !memcmp(again.names->data, seen.names->data, again.names->len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const char *data = apr_pstrmemdup(pool, (const char *)bytes, size);
    const char *end = memchr(data, '\n', size);
    llm_bytes_t boundary = {NULL, 0};
    const char *type;

    if (end) {
        type = apr_pstrmemdup(pool, data, (apr_size_t)(end - data));
        llm_form_is(type);
        if (!llm_form_boundary(&boundary, type)) {
            run((llm_bytes_t){end + 1, size - (size_t)(end + 1 - data)},
                boundary, pool);
        }
    }
    apr_pool_destroy(pool);
    return 0;
}
