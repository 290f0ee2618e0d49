/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as bytes: little-endian in values, big-endian in keys, where the
 * order of the bytes must be the order of the numbers. And a reader that
 * never reaches past the end of what it was given.
 */
#ifndef STORE_BYTES_H
#define STORE_BYTES_H

#include <apr.h>

static inline void llm_le_put(unsigned char *at, apr_uint64_t value,
                              unsigned width)
{
    unsigned i;

    for (i = 0; i < width; ++i) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

static inline apr_uint64_t llm_le_get(const unsigned char *at, unsigned width)
{
    apr_uint64_t value = 0;

    while (width) {
        value = value << 8 | at[--width];
    }
    return value;
}

static inline void llm_be_put(unsigned char *at, apr_uint64_t value,
                              unsigned width)
{
    while (width) {
        at[--width] = (unsigned char)value;
        value >>= 8;
    }
}

static inline apr_uint64_t llm_be_get(const unsigned char *at, unsigned width)
{
    apr_uint64_t value = 0;
    unsigned i;

    for (i = 0; i < width; ++i) {
        value = value << 8 | at[i];
    }
    return value;
}

/* What is left to read. `failed` is set by whatever reaches past the end, and
 * stays: it is looked at once, after the last member. */
typedef struct llm_reader_t {
    const unsigned char *at, *end;
    int failed;
} llm_reader_t;

/* The next `len` bytes; NULL when there are fewer. */
const unsigned char *llm_reader_take(llm_reader_t *reader, apr_size_t len);
/* The next little-endian number of `width` bytes; 0 when it is not there. */
apr_uint64_t llm_reader_number(llm_reader_t *reader, unsigned width);
/* A string after its length of `width` bytes, into a field of `size` bytes
 * that is all zero. One that does not fit with a terminator fails. */
void llm_reader_string(llm_reader_t *reader, char *field, apr_size_t size,
                       unsigned width);
/* Nothing failed and nothing is left. */
int llm_reader_is_done(const llm_reader_t *reader);

#endif /* STORE_BYTES_H */
