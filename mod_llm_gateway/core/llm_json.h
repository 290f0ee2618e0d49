/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as slices of the bytes it was read from.
 *
 * A document is read once into a tree whose nodes point into the input: no
 * string is decoded and no number converted unless somebody asks. So what is
 * passed on is what was sent: 2^63, 1e400, "\u0000", key order and duplicate
 * keys survive, and reading costs one pass and one small node per value.
 *
 * Reading is strict (RFC 8259): valid UTF-8 is required in strings, control
 * characters must be escaped, nothing may follow the document; a byte order
 * mark is refused. Depth and number of nodes are bounded.
 */
#ifndef LLM_JSON_H
#define LLM_JSON_H

#include <string.h>

#include "core/llm.h"
#include "core/llm_buf.h"

#define LLM_JSON_DEPTH 128     /* limit of nesting */
#define LLM_JSON_NODES 2000000 /* limit of values in a document */

typedef enum {
    LLM_JSON_NULL,
    LLM_JSON_FALSE,
    LLM_JSON_TRUE,
    LLM_JSON_NUMBER,
    LLM_JSON_STRING,
    LLM_JSON_ARRAY,
    LLM_JSON_OBJECT
} llm_json_e;

struct llm_json_t {
    llm_json_e type;
    unsigned count;    /* members or elements */
    llm_bytes_t raw;   /* the value as written, quotes and brackets included */
    llm_text_t name;   /* as a member of an object, still escaped; else none */
    llm_json_t *child; /* first member or element */
    llm_json_t *next;  /* next of the same parent */
};

/* Where and why reading stopped; `what` is a constant phrase. */
typedef struct llm_json_error_t {
    apr_size_t offset;
    const char *what;
} llm_json_error_t;

/*
 * Read a whole document. `data` must outlive the tree. Returns APR_SUCCESS,
 * or APR_EGENERAL with *error filled in (error may be NULL).
 */
apr_status_t llm_json_read(const llm_json_t **pdoc, const char *data,
                           apr_size_t len, llm_json_error_t *error,
                           apr_pool_t *pool);

/*
 * Member of an object by its plain name, compared byte for byte after
 * unescaping; the last one where there are duplicates (as Python, Go and
 * JavaScript do). NULL: absent, or `node` is NULL or no object.
 */
static inline const llm_json_t *llm_json_get(const llm_json_t *node,
                                             const char *name);
/* The same, but a member that is null counts as absent. */
static inline const llm_json_t *llm_json_want(const llm_json_t *node,
                                              const char *name);
/* llm_json_get with the length of the name. */
const llm_json_t *llm_json_member(const llm_json_t *node, const char *name,
                                  apr_size_t len);
/* Nested: llm_json_path(doc, "usage", "input_tokens", NULL). */
const llm_json_t *llm_json_path(const llm_json_t *node, ...)
    __attribute__((sentinel));
const llm_json_t *llm_json_at(const llm_json_t *array, unsigned index);

int llm_json_is(const llm_json_t *node, llm_json_e type); /* NULL: 0 */
int llm_json_is_true(const llm_json_t *node);             /* NULL: 0 */
int llm_json_is_bool(const llm_json_t *node);             /* NULL: 0 */
/* Is it the string `plain`? Compares after unescaping. NULL: 0. */
int llm_json_equals(const llm_json_t *node, const char *plain);
static inline int llm_text_equals(llm_text_t text, const char *plain);
/* The same with the length of `plain`, and its part for what is escaped. */
static inline int llm_text_is(llm_text_t text, const char *plain,
                              apr_size_t len);
int llm_text_is_escaped(llm_text_t text, const char *plain, apr_size_t len);

/* A string's inside; none for anything but a string. */
llm_text_t llm_json_text(const llm_json_t *node);
/* Decoded, terminated copy; NULL for anything but a string. An embedded
 * U+0000 ends it early for C: fit for names and ids, not for content. */
const char *llm_json_string(const llm_json_t *node, apr_pool_t *pool);
/* Decoded bytes, U+0000 and all. A lone surrogate becomes U+FFFD. */
llm_bytes_t llm_text_decode(llm_text_t text, apr_pool_t *pool);
const char *llm_text_string(llm_text_t text, apr_pool_t *pool);
/* Plain UTF-8 to escaped text, always a copy; invalid UTF-8 becomes U+FFFD,
 * NULL gives none. */
llm_text_t llm_text_escape(const char *utf8, apr_size_t len, apr_pool_t *pool);

/* 1 and the value when the node is an integral number within range
 * (1, 1.0 and 1e3 are integral), else 0 and *value untouched. */
int llm_json_int(const llm_json_t *node, apr_int64_t *value);
/* The number as a double; 0 when it is none or not finite. */
int llm_json_double(const llm_json_t *node, double *value);

/* Write the value as it was written. */
void llm_json_put(llm_buf_t *buf, const llm_json_t *node);

/*
 * Top-level members without a tree: for bodies that are only passed on.
 *
 * Walks the outermost object once, skipping nested values by pairing
 * brackets outside strings, and calls back for each member, duplicates too.
 * What stands directly in the object is checked as llm_json_read does; what
 * is inside skipped values is not: the upstream does that. Returns
 * APR_SUCCESS, or APR_EGENERAL when the outer object is not well formed;
 * members before the fault were called back by then.
 */
typedef struct llm_member_t {
    llm_text_t name;
    llm_bytes_t value;     /* as written */
    apr_size_t begin, end; /* offsets of name's quote and of value's end */
} llm_member_t;
typedef void llm_member_cb(void *baton, const llm_member_t *member);
apr_status_t llm_json_scan(const char *data, apr_size_t len,
                           llm_member_cb *each, void *baton,
                           llm_json_error_t *error);

/* Members are looked up by name so often that what cannot be equal is told
 * without a call: escaping never makes text shorter, and begins with \. */
static inline int llm_text_is(llm_text_t text, const char *plain,
                              apr_size_t len)
{
    if (!text.data || text.len < len) {
        return 0;
    }
    if (text.len == len) {
        return !memcmp(text.data, plain, len)
               && (!memchr(plain, '\\', len)
                   || llm_text_is_escaped(text, plain, len));
    }
    return (*text.data == *plain || *text.data == '\\')
           && llm_text_is_escaped(text, plain, len);
}

static inline int llm_text_equals(llm_text_t text, const char *plain)
{
    return llm_text_is(text, plain, strlen(plain));
}

static inline const llm_json_t *llm_json_get(const llm_json_t *node,
                                             const char *name)
{
    return llm_json_member(node, name, strlen(name));
}

static inline const llm_json_t *llm_json_want(const llm_json_t *node,
                                              const char *name)
{
    const llm_json_t *found = llm_json_member(node, name, strlen(name));

    return found && found->type != LLM_JSON_NULL ? found : NULL;
}

#endif /* LLM_JSON_H */
