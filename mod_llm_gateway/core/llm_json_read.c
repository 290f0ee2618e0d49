/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a JSON document into a tree of slices, in one pass.
 *
 * There is no recursion: the containers that are open stand on a stack of
 * LLM_JSON_DEPTH frames, each knowing where its next child is to be hung.
 * Nodes come from blocks, each larger than the last, because a call of
 * apr_palloc for every value would cost more than the value.
 */
#include "core/llm_json_lex.h"

#include <string.h>

#define BLOCK_FIRST 16
#define BLOCK_MOST  512

typedef struct frame_t {
    llm_json_t *node;   /* the container */
    llm_json_t **phang; /* where its next child goes */
} frame_t;

typedef struct reader_t {
    llm_json_lex_t lex;  /* where the document ends, what is wrong */
    apr_pool_t *pool;    /* the tree's */
    llm_json_t *block;   /* nodes not yet used */
    unsigned block_left; /* how many */
    unsigned block_size; /* of the block they are from */
    unsigned nodes_left; /* until LLM_JSON_NODES */
    unsigned depth;      /* frames in use */
    frame_t *frames;     /* LLM_JSON_DEPTH of them */
} reader_t;

static llm_json_t *take_node(reader_t *reader)
{
    if (!reader->block_left) {
        if (reader->block_size < BLOCK_MOST) {
            reader->block_size *= 2;
        }
        reader->block =
            apr_palloc(reader->pool, reader->block_size * sizeof(llm_json_t));
        reader->block_left = reader->block_size;
    }
    --reader->block_left;
    --reader->nodes_left;
    return reader->block++;
}

/* The name and the colon of a member; returns the value's place. */
static const char *read_name(reader_t *reader, const char *at,
                             llm_text_t *pname)
{
    const char *end = reader->lex.end, *after;

    if (at == end || *at != '"') {
        return llm_json_lex_fail(&reader->lex, at, "expected a name");
    }
    after = llm_json_lex_string(&reader->lex, at);
    if (!after) {
        return NULL;
    }
    pname->data = at + 1;
    pname->len = (apr_size_t)(after - at) - 2;
    at = llm_json_lex_skip(after, end);
    if (at == end || *at != ':') {
        return llm_json_lex_fail(&reader->lex, at, "expected ':'");
    }
    return llm_json_lex_skip(at + 1, end);
}

static const char *open_container(reader_t *reader, const char *at,
                                  llm_json_t *node)
{
    frame_t *frame;

    if (reader->depth == LLM_JSON_DEPTH) {
        return llm_json_lex_fail(&reader->lex, at, "nested too deeply");
    }
    frame = &reader->frames[reader->depth++];
    frame->node = node;
    frame->phang = &node->child;
    node->type = *at == '{' ? LLM_JSON_OBJECT : LLM_JSON_ARRAY;
    return at + 1;
}

/*
 * A value, or the beginning of a container, into `node`, whose name is set
 * already. Returns the place after what was read.
 */
static const char *read_value(reader_t *reader, const char *at,
                              llm_json_t *node)
{
    const char *after;

    node->count = 0;
    node->child = NULL;
    node->next = NULL;
    node->raw.data = at;
    if (at == reader->lex.end) {
        return llm_json_lex_fail(&reader->lex, at, "expected a value");
    }
    if (*at == '"') {
        node->type = LLM_JSON_STRING;
        after = llm_json_lex_string(&reader->lex, at);
    }
    else if (*at == '{' || *at == '[') {
        return open_container(reader, at, node);
    }
    else {
        after = llm_json_lex_scalar(&reader->lex, at, &node->type);
    }
    node->raw.len = after ? (apr_size_t)(after - at) : 0;
    return after;
}

/* The next child of the innermost open container, name and all. */
static const char *read_child(reader_t *reader, const char *at)
{
    frame_t *frame = &reader->frames[reader->depth - 1];
    llm_json_t *child;

    if (!reader->nodes_left) {
        return llm_json_lex_fail(&reader->lex, at, "too many values");
    }
    child = take_node(reader);
    child->name = LLM_TEXT_NONE;
    if (frame->node->type == LLM_JSON_OBJECT) {
        at = read_name(reader, at, &child->name);
        if (!at) {
            return NULL;
        }
    }
    *frame->phang = child;
    frame->phang = &child->next;
    ++frame->node->count;
    return read_value(reader, at, child);
}

/* Reads on in the innermost container: its end, or its next child. */
static const char *read_on(reader_t *reader, const char *at)
{
    llm_json_t *node = reader->frames[reader->depth - 1].node;
    int is_object = node->type == LLM_JSON_OBJECT;

    at = llm_json_lex_skip(at, reader->lex.end);
    if (at < reader->lex.end && *at == (is_object ? '}' : ']')) {
        node->raw.len = (apr_size_t)(at + 1 - node->raw.data);
        --reader->depth;
        return at + 1;
    }
    if (!node->count) {
        return read_child(reader, at);
    }
    if (at == reader->lex.end || *at != ',') {
        return llm_json_lex_fail(&reader->lex, at,
                                 is_object ? "expected ',' or '}'"
                                           : "expected ',' or ']'");
    }
    return read_child(reader, llm_json_lex_skip(at + 1, reader->lex.end));
}

static const char *read_document(reader_t *reader, const char *at,
                                 llm_json_t *root)
{
    const char *end = reader->lex.end;

    if (end - at >= 3 && !memcmp(at, "\xEF\xBB\xBF", 3)) {
        return llm_json_lex_fail(&reader->lex, at, "byte order mark");
    }
    at = llm_json_lex_skip(at, end);
    root->name = LLM_TEXT_NONE;
    at = read_value(reader, at, root);
    while (at && reader->depth) {
        at = read_on(reader, at);
    }
    if (at) {
        at = llm_json_lex_skip(at, end);
        if (at != end) {
            return llm_json_lex_fail(&reader->lex, at,
                                     "unexpected bytes after the document");
        }
    }
    return at;
}

apr_status_t llm_json_read(const llm_json_t **pdoc, const char *data,
                           apr_size_t len, llm_json_error_t *error,
                           apr_pool_t *pool)
{
    frame_t frames[LLM_JSON_DEPTH];
    reader_t reader = {
        .pool = pool,
        .block_size = BLOCK_FIRST / 2,
        .nodes_left = LLM_JSON_NODES,
        .frames = frames,
    };
    llm_json_t *root;

    if (!len) {
        data = ""; /* it may be NULL */
    }
    reader.lex.end = data + len;
    root = take_node(&reader);
    if (!read_document(&reader, data, root)) {
        *pdoc = NULL;
        if (error) {
            error->offset = (apr_size_t)(reader.lex.where - data);
            error->what = reader.lex.what;
        }
        return APR_EGENERAL;
    }
    *pdoc = root;
    return APR_SUCCESS;
}
