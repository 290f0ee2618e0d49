/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON reader and the member scanner on any bytes: a tree's slices lie
 * within their parents and read alone as what they were; the scanner gives
 * the members that the tree has; what is quoted comes back by decoding.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "core/llm_json.h"

static void check_number(const llm_json_t *node)
{
    apr_int64_t integer;
    double number;

    if (llm_json_int(node, &integer) && integer > -(1LL << 53)
        && integer < 1LL << 53) {
        MUST(llm_json_double(node, &number));
        MUST(number == (double)integer);
    }
}

static void check_string(const llm_json_t *node, apr_pool_t *pool)
{
    llm_text_t text = llm_json_text(node), again;
    llm_bytes_t bytes = llm_text_decode(text, pool);

    MUST(bytes.data && bytes.len <= text.len);
    again = llm_text_escape(bytes.data, bytes.len, pool);
    if (!memchr(bytes.data, 0, bytes.len)) {
        MUST(llm_text_equals(again, bytes.data));
        MUST(llm_text_equals(text, bytes.data));
        MUST(llm_json_equals(node, llm_json_string(node, pool)));
    }
}

static void check_node(const llm_json_t *node, apr_pool_t *pool)
{
    const llm_json_t *child;
    const char *at = node->raw.data;
    unsigned count = 0;

    if (node->type == LLM_JSON_NUMBER) {
        check_number(node);
    }
    if (node->type == LLM_JSON_STRING) {
        check_string(node, pool);
    }
    for (child = node->child; child; child = child->next) {
        ++count;
        MUST(child->raw.len && child->raw.data > at);
        MUST((child->name.data != NULL) == (node->type == LLM_JSON_OBJECT));
        MUST(!child->name.data || child->name.data > at);
        at = child->raw.data + child->raw.len;
        MUST(at < node->raw.data + node->raw.len);
        check_node(child, pool);
    }
    MUST(count == node->count);
}

/* Each child as a document of its own. */
static void check_children_alone(const llm_json_t *doc, apr_pool_t *pool)
{
    const llm_json_t *child, *alone;
    unsigned i = 0;

    for (child = doc->child; child; child = child->next, ++i) {
        MUST(llm_json_read(&alone, child->raw.data, child->raw.len, NULL, pool)
             == APR_SUCCESS);
        MUST(alone->type == child->type && alone->count == child->count);
        MUST(alone->raw.len == child->raw.len);
        if (doc->type == LLM_JSON_ARRAY && i < 100) {
            MUST(llm_json_at(doc, i) == child);
        }
        if (doc->type == LLM_JSON_OBJECT && i < 100) {
            llm_bytes_t name = llm_text_decode(child->name, pool);

            MUST(memchr(name.data, 0, name.len)
                 || llm_json_get(doc, name.data));
        }
    }
}

/* The whole document as a string, read and decoded, is the document again. */
static void check_quoting(const char *data, size_t size, apr_pool_t *pool)
{
    llm_buf_t *buf = llm_buf_make(0, pool);
    const llm_json_t *doc;
    llm_bytes_t bytes = {data, size};

    llm_buf_put_quoted(buf, bytes);
    MUST(llm_json_read(&doc, buf->data, buf->len, NULL, pool) == APR_SUCCESS);
    MUST(doc->type == LLM_JSON_STRING);
    bytes = llm_text_decode(llm_json_text(doc), pool);
    MUST(bytes.len == size && !memcmp(bytes.data, data, size));
}

typedef struct scan_t {
    const char *data;        /* the document */
    const llm_json_t *child; /* the member that has to come next */
    const llm_json_t *doc;   /* NULL: the reader refused the document */
} scan_t;

static void check_member(void *baton, const llm_member_t *member)
{
    scan_t *scan = baton;

    MUST(scan->data[member->begin] == '"');
    MUST(member->name.data == scan->data + member->begin + 1);
    MUST(member->value.data + member->value.len == scan->data + member->end);
    if (scan->doc) {
        MUST(scan->child);
        MUST(scan->child->name.data == member->name.data);
        MUST(scan->child->name.len == member->name.len);
        MUST(scan->child->raw.data == member->value.data);
        MUST(scan->child->raw.len == member->value.len);
        scan->child = scan->child->next;
    }
}

static void check_scan(const char *data, size_t size, const llm_json_t *doc)
{
    scan_t scan = {.data = data, .doc = doc};
    llm_json_error_t error = {0, NULL};
    apr_status_t status;

    scan.child = doc ? doc->child : NULL;
    status = llm_json_scan(data, size, check_member, &scan, &error);
    MUST(status == APR_SUCCESS || (error.what && error.offset <= size));
    if (doc) {
        MUST((status == APR_SUCCESS) == (doc->type == LLM_JSON_OBJECT));
        MUST(status != APR_SUCCESS || !scan.child);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    apr_pool_t *pool = fuzz_pool();
    const char *data = (const char *)bytes;
    const llm_json_t *doc = NULL;
    llm_json_error_t error = {0, NULL};

    if (llm_json_read(&doc, data, size, &error, pool) == APR_SUCCESS) {
        check_node(doc, pool);
        check_children_alone(doc, pool);
        check_quoting(data, size, pool);
    }
    else {
        MUST(!doc && error.what && error.offset <= size);
    }
    check_scan(data, size, doc);
    apr_pool_destroy(pool);
    return 0;
}
