/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streamed arguments: JSON rebuilt from values that come with their paths.
 *
 *     {"jsonPath":"$.recipe.steps[0]","stringValue":"Heat","willContinue":true}
 *     {"jsonPath":"$.recipe.steps[0]","stringValue":" it."}
 *     {"jsonPath":"$.recipe.steps[1]","stringValue":"Serve."}
 *
 * become {"recipe":{"steps":["Heat it.","Serve."]}}, piece by piece. The last
 * path is remembered. Where the next one leaves it, what is deeper is closed,
 * and what the next one goes through from there on is opened. Step i of a path
 * says what the container at depth i is: an index an array, a name an object.
 *
 * A path that leads back into something closed cannot be written any more and
 * is refused. Elements of an array that were passed over are null.
 */
#include "dialect/gemini_internal.h"

#include <string.h>

#include <apr_lib.h>

#define DEPTH_MAX      64
#define GAP_MAX        1000    /* elements passed over in one step */
#define PATH_BYTES_MAX 65536   /* bytes of a path */
#define INDEX_MAX      1000000 /* elements of an array */

typedef struct step_t {
    int is_index;
    unsigned index;
    llm_bytes_t name; /* plain; of a remembered step only its length holds */
    apr_size_t at;    /* where a remembered one begins in `names` */
} step_t;

typedef struct path_t {
    step_t step[DEPTH_MAX];
    int depth; /* 0: none */
} path_t;

struct llm_gemini_args_t {
    path_t open;      /* the last one */
    llm_buf_t *names; /* those of its steps, one after the other */
    int in_string;    /* its value is a string that has not ended */
};

llm_gemini_args_t *llm_gemini_args_make(apr_pool_t *pool)
{
    llm_gemini_args_t *args = apr_pcalloc(pool, sizeof(*args));

    args->names = llm_buf_make(PATH_BYTES_MAX, pool);
    return args;
}

void llm_gemini_args_begin(llm_gemini_args_t *args)
{
    args->open.depth = 0;
    args->in_string = 0;
    llm_buf_clear(args->names);
}

/* ---- paths ---- */

/* Inside ['...']: JSON's escapes, and one more for the quote. */
static llm_bytes_t unquote(const char *from, const char *end, apr_pool_t *pool)
{
    llm_buf_t *json = llm_buf_make(0, pool);
    llm_text_t text;

    for (; from < end; ++from) {
        if (*from == '\\' && from + 1 < end) {
            ++from;
            if (*from != '\'') {
                llm_buf_putc(json, '\\');
            }
            llm_buf_putc(json, *from);
        }
        else {
            if (*from == '"') {
                llm_buf_putc(json, '\\');
            }
            llm_buf_putc(json, *from);
        }
    }
    text.data = json->data ? json->data : "";
    text.len = json->len;
    return llm_text_decode(text, pool);
}

/* What is in brackets; `at` is behind the first. NULL when it is nothing. */
static const char *read_bracket(step_t *step, const char *at, const char *end,
                                apr_pool_t *pool)
{
    const char *from = at;
    char quote;

    if (at < end && (*at == '\'' || *at == '"')) {
        quote = *at++;
        for (from = at; at < end && *at != quote; ++at) {
            at += *at == '\\';
        }
        if (at >= end) {
            return NULL;
        }
        step->name = unquote(from, at++, pool);
    }
    else {
        step->is_index = 1;
        for (; at < end && apr_isdigit(*at) && step->index < INDEX_MAX; ++at) {
            step->index = step->index * 10 + (unsigned)(*at - '0');
        }
        if (at == from) {
            return NULL;
        }
    }
    return at < end && *at == ']' ? at + 1 : NULL;
}

/* "$.a['b c'][0]". Returns 0 when it is not such a path. */
static int read_path(path_t *path, llm_bytes_t text, apr_pool_t *pool)
{
    const char *at = text.data, *end = at + text.len;

    path->depth = 0;
    if (!text.len || text.len > PATH_BYTES_MAX || *at++ != '$') {
        return 0;
    }
    while (at && at < end) {
        step_t *step = &path->step[path->depth];

        if (path->depth == DEPTH_MAX) {
            return 0;
        }
        memset(step, 0, sizeof(*step));
        if (*at == '[') {
            at = read_bracket(step, at + 1, end, pool);
        }
        else if (*at == '.') {
            step->name.data = ++at;
            while (at < end && *at != '.' && *at != '[') {
                ++at;
            }
            step->name.len = (apr_size_t)(at - step->name.data);
            at = step->name.len ? at : NULL;
        }
        else {
            at = NULL;
        }
        ++path->depth;
    }
    return at && path->depth && !path->step[0].is_index;
}

static int is_same_step(const llm_gemini_args_t *args, int i,
                        const step_t *step)
{
    const step_t *open = &args->open.step[i];

    if (open->is_index || step->is_index) {
        return open->is_index == step->is_index && open->index == step->index;
    }
    return open->name.len == step->name.len
           && (!step->name.len
               || !memcmp(args->names->data + open->at, step->name.data,
                          step->name.len));
}

static void remember(llm_gemini_args_t *args, const path_t *path)
{
    int i;

    llm_buf_clear(args->names);
    args->open.depth = path->depth;
    for (i = 0; i < path->depth; ++i) {
        args->open.step[i] = path->step[i];
        args->open.step[i].at = args->names->len;
        llm_buf_append(args->names, path->step[i].name.data,
                       path->step[i].name.len);
    }
    llm_buf_trim(args->names);
}

/* ---- writing ---- */

static void put_close(llm_buf_t *out, const path_t *path, int down_to)
{
    int i;

    for (i = path->depth - 1; i > down_to; --i) {
        llm_buf_putc(out, path->step[i].is_index ? ']' : '}');
    }
}

/* The name or, for an index, null for each element passed over. */
static void put_step(llm_buf_t *out, const step_t *step, unsigned first)
{
    if (!step->is_index) {
        llm_buf_put_escaped(out, step->name.data, step->name.len);
        llm_buf_putc(out, ':');
        return;
    }
    for (; first < step->index; ++first) {
        llm_buf_lit(out, "null,");
    }
}

/* May `path` follow, when it shares its first `common` steps with the last? */
static int can_follow(const llm_gemini_args_t *args, const path_t *path,
                      int common)
{
    const step_t *old = &args->open.step[common];
    int i;

    if (common >= path->depth
        || (args->open.depth && common >= args->open.depth)) {
        return 0;
    }
    for (i = common; i < path->depth; ++i) {
        unsigned first = 0;

        if (i == common && args->open.depth) {
            if (old->is_index != path->step[i].is_index
                || (old->is_index && old->index >= path->step[i].index)) {
                return 0;
            }
            first = old->index + 1;
        }
        if (path->step[i].is_index && path->step[i].index - first > GAP_MAX) {
            return 0;
        }
    }
    return 1;
}

static void put_path(llm_gemini_args_t *args, llm_buf_t *out,
                     const path_t *path, int common)
{
    unsigned first = 0;
    int i;

    if (args->in_string) {
        llm_buf_putc(out, '"');
        args->in_string = 0;
    }
    if (args->open.depth) {
        put_close(out, &args->open, common);
        llm_buf_putc(out, ',');
        first = args->open.step[common].index + 1;
    }
    else {
        llm_buf_putc(out, '{');
    }
    put_step(out, &path->step[common], first);
    for (i = common + 1; i < path->depth; ++i) {
        llm_buf_putc(out, path->step[i].is_index ? '[' : '{');
        put_step(out, &path->step[i], 0);
    }
}

static void put_string(llm_gemini_args_t *args, llm_buf_t *out, llm_text_t text,
                       int more)
{
    if (!args->in_string) {
        llm_buf_putc(out, '"');
    }
    llm_buf_append(out, text.data, text.len);
    if (!more) {
        llm_buf_putc(out, '"');
    }
    args->in_string = more;
}

/* ---- values ---- */

int llm_gemini_args_put(llm_gemini_args_t *args, llm_buf_t *out,
                        const llm_json_t *partial, apr_pool_t *scratch)
{
    const llm_json_t *value = llm_json_get(partial, "stringValue");
    int more = llm_json_is_true(llm_json_get(partial, "willContinue"));
    int is_string = llm_json_is(value, LLM_JSON_STRING), common = 0;
    path_t *path = apr_palloc(scratch, sizeof(*path));
    llm_text_t text = llm_json_text(llm_json_get(partial, "jsonPath"));

    value = value ? value : llm_json_get(partial, "numberValue");
    value = value ? value : llm_json_get(partial, "boolValue");
    if (!value && !llm_json_get(partial, "nullValue")) {
        return 1; /* it says nothing yet */
    }
    if (!text.data
        || !read_path(path, llm_text_decode(text, scratch), scratch)) {
        return 0;
    }
    while (common < path->depth && common < args->open.depth
           && is_same_step(args, common, &path->step[common])) {
        ++common;
    }
    if (common == path->depth && common == args->open.depth) {
        if (args->in_string && is_string) {
            put_string(args, out, llm_json_text(value), more);
            return 1;
        }
        return is_string && !llm_json_text(value).len; /* ended twice */
    }
    if (!can_follow(args, path, common)) {
        return 0;
    }
    put_path(args, out, path, common);
    remember(args, path);
    if (is_string) {
        put_string(args, out, llm_json_text(value), more);
    }
    else if (value && value->type != LLM_JSON_OBJECT) {
        llm_json_put(out, value);
    }
    else {
        llm_buf_lit(out, "null");
    }
    return !args->names->overflow;
}

void llm_gemini_args_end(llm_gemini_args_t *args, llm_buf_t *out)
{
    if (args->in_string) {
        llm_buf_putc(out, '"');
    }
    if (args->open.depth) {
        put_close(out, &args->open, -1);
    }
    else {
        llm_buf_lit(out, "{}");
    }
    llm_gemini_args_begin(args);
}
