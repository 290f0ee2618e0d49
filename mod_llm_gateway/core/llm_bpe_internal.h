/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of byte-pair encoding share: an encoding as it lies in
 * the mapped file, how a token is found in it, and long pieces
 * (llm_bpe_long.c). Private to llm_bpe*.c.
 */
#ifndef LLM_BPE_INTERNAL_H
#define LLM_BPE_INTERNAL_H

#include <string.h>

#include "core/llm_bpe.h"
#include "core/llm_bpe_split.h"

#define NAME_LENGTH 20
#define ID_BITS     18
#define ID_MASK     ((1u << ID_BITS) - 1)

#define NONE UINT32_MAX /* no id, no rank */

struct llm_encoding_t {
    char name[NAME_LENGTH + 1];
    llm_bpe_split_fn *split;
    apr_uint32_t tokens;
    apr_uint32_t longest;         /* bytes of the longest token */
    apr_uint32_t mask;            /* number of slots, less one */
    const unsigned char *offsets; /* tokens + 1 numbers */
    const unsigned char *bytes;   /* of all tokens */
    const unsigned char *slots;   /* mask + 1 numbers */
};

static inline apr_uint32_t number_at(const unsigned char *at)
{
    return at[0] | (apr_uint32_t)at[1] << 8 | (apr_uint32_t)at[2] << 16
           | (apr_uint32_t)at[3] << 24;
}

static inline apr_uint64_t word_at(const unsigned char *at, apr_size_t len)
{
    apr_uint64_t word = 0;

    if (len >= 8) {
        return number_at(at) | (apr_uint64_t)number_at(at + 4) << 32;
    }
    while (len) {
        word = word << 8 | at[--len];
    }
    return word;
}

/* packaging/vocabulary.py has the same function: they change together. */
static inline apr_uint64_t hash_of(const unsigned char *data, apr_size_t len)
{
    apr_uint64_t hash = (apr_uint64_t)len * 0x9E3779B97F4A7C15u;
    apr_size_t at = 0;

    do {
        hash = (hash ^ word_at(data + at, len - at)) * 0xD6E8FEB86659FD93u;
        hash ^= hash >> 32;
        at += 8;
    } while (at < len);
    return hash * 0xD6E8FEB86659FD93u;
}

/* The id, which is the rank, of the token these bytes are, or NONE. */
static inline apr_uint32_t find_token(const llm_encoding_t *encoding,
                                      const unsigned char *data, apr_size_t len)
{
    apr_uint64_t hash;
    apr_uint32_t slot, mark, at;

    if (len > encoding->longest) {
        return NONE;
    }
    hash = hash_of(data, len);
    mark = (apr_uint32_t)(hash >> 50) << ID_BITS;
    at = (apr_uint32_t)hash & encoding->mask;
    while ((slot = number_at(encoding->slots + 4 * (apr_size_t)at)) != 0) {
        if ((slot & ~ID_MASK) == mark) {
            apr_uint32_t id = (slot & ID_MASK) - 1;
            const unsigned char *offset =
                encoding->offsets + 4 * (apr_size_t)id;
            apr_uint32_t begin = number_at(offset);

            if (number_at(offset + 4) - begin == len
                && !memcmp(encoding->bytes + begin, data, len)) {
                return id;
            }
        }
        at = (at + 1) & encoding->mask;
    }
    return NONE;
}

/* Room for pieces of the longest kind seen so far; all zero but for its pool
 * at first. */
typedef struct llm_bpe_room_t {
    apr_pool_t *pool;
    apr_size_t size; /* bytes of a piece it is enough for */
    struct link_t *links;
    struct place_t *places;
    struct rank_t *ranks; /* found by their hash */
    struct pair_t *pairs; /* all zero at first */
    apr_uint32_t *heap;
} llm_bpe_room_t;

/* How many tokens a piece is that is none itself, in time by its length and a
 * logarithm; ids may be NULL. */
apr_size_t llm_bpe_merge_long(const llm_encoding_t *encoding,
                              const unsigned char *data, apr_size_t len,
                              apr_uint32_t *ids, llm_bpe_room_t *room);

#endif /* LLM_BPE_INTERNAL_H */
