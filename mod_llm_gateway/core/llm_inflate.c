/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compressed bodies, inflated piece by piece; see llm_inflate.h.
 *
 * "deflate" should be zlib's form (RFC 1950), and some servers send the bare
 * one (RFC 1951): the first byte tells, since the lower half of zlib's is 8.
 * gzip's may be several members, one behind the other.
 *
 * A bomb: deflate makes 1000 bytes of one. Real answers are ten times, or of
 * a model that repeats itself some dozens of times, as large as their
 * compressed form. So past BOMB_SIZE nothing may be more than BOMB_RATIO times
 * what it was; what one call gives out is bounded by that as well.
 */
#include "core/llm_inflate.h"

#include <string.h>

#include <apr_strings.h>

#ifdef LLM_HAVE_ZLIB

#include <zlib.h>

#define PIECE      16384
#define BOMB_SIZE  1048576
#define BOMB_RATIO 100

#define GZIP_MAGIC 0x1f

#define BITS_RAW  (-MAX_WBITS)
#define BITS_ZLIB MAX_WBITS
#define BITS_GZIP (MAX_WBITS + 16)

struct llm_inflate_t {
    z_stream z;
    int bits; /* which form; 0: the first byte will tell */
    int begun, padded;
    int whole;            /* the end of the data, or of a member */
    apr_uint64_t in, out; /* bytes so far */
    Bytef piece[PIECE];
};

static voidpf take_memory(voidpf pool, uInt items, uInt size)
{
    return apr_pcalloc(pool, (apr_size_t)items * size);
}

/* The pool has it all. */
static void give_memory(voidpf pool, voidpf address)
{
    (void)pool;
    (void)address;
}

llm_inflate_t *llm_inflate_make(const char *coding, apr_pool_t *pool)
{
    llm_inflate_t *packed;
    int is_gzip = !apr_strnatcasecmp(coding, "gzip")
                  || !apr_strnatcasecmp(coding, "x-gzip");

    if (!is_gzip && apr_strnatcasecmp(coding, "deflate")) {
        return NULL;
    }
    packed = apr_pcalloc(pool, sizeof(*packed));
    packed->bits = is_gzip ? BITS_GZIP : 0;
    packed->z.zalloc = take_memory;
    packed->z.zfree = give_memory;
    packed->z.opaque = pool;
    return packed;
}

static int begin(llm_inflate_t *packed, unsigned char first)
{
    if (!packed->bits) {
        packed->bits = (first & 0x0f) == Z_DEFLATED ? BITS_ZLIB : BITS_RAW;
    }
    packed->begun = 1;
    return inflateInit2(&packed->z, packed->bits);
}

/* Out of all proportion? */
static int is_bomb(const llm_inflate_t *packed)
{
    return packed->out > BOMB_SIZE && packed->out > packed->in * BOMB_RATIO;
}

/* As much of the input as makes one piece. */
static int step(llm_inflate_t *packed, llm_inflate_cb *give, void *baton)
{
    z_stream *z = &packed->z;
    apr_size_t made;
    uInt before = z->avail_in;
    int status;

    z->next_out = packed->piece;
    z->avail_out = PIECE;
    status = inflate(z, Z_SYNC_FLUSH);
    made = PIECE - z->avail_out;
    packed->in += before - z->avail_in;
    packed->out += made;
    if (made) {
        give(baton, (const char *)packed->piece, made);
    }
    return status;
}

/* Behind the end of one member: does another begin? */
static int next_member(llm_inflate_t *packed)
{
    if (packed->padded || packed->bits != BITS_GZIP
        || *packed->z.next_in != GZIP_MAGIC) {
        packed->padded = 1;
        return 0;
    }
    packed->whole = 0;
    return inflateReset(&packed->z) == Z_OK;
}

const char *llm_inflate_feed(llm_inflate_t *packed, const char *data,
                             apr_size_t len, llm_inflate_cb *give, void *baton)
{
    z_stream *z = &packed->z;
    int status = Z_OK;

    if (!len) {
        return NULL;
    }
    if (!packed->begun && begin(packed, (unsigned char)*data) != Z_OK) {
        return "it cannot be inflated";
    }
    z->next_in = (Bytef *)data;
    z->avail_in = (uInt)len;
    while (z->avail_in || !z->avail_out) {
        if (packed->whole && !next_member(packed)) {
            break; /* padding */
        }
        status = step(packed, give, baton);
        if (status == Z_STREAM_END) {
            packed->whole = 1;
            z->avail_out = 1;
        }
        else if (status == Z_BUF_ERROR) {
            break;
        }
        else if (status != Z_OK) {
            return "its compressed data is damaged";
        }
        if (is_bomb(packed)) {
            return "it is a hundred times as large as its compressed form";
        }
    }
    return NULL;
}

int llm_inflate_is_whole(const llm_inflate_t *packed)
{
    return packed->whole;
}

#else /* without zlib */

llm_inflate_t *llm_inflate_make(const char *coding, apr_pool_t *pool)
{
    (void)coding;
    (void)pool;
    return NULL;
}

const char *llm_inflate_feed(llm_inflate_t *packed, const char *data,
                             apr_size_t len, llm_inflate_cb *give, void *baton)
{
    (void)packed;
    (void)data;
    (void)len;
    (void)give;
    (void)baton;
    return "the gateway was built without zlib";
}

int llm_inflate_is_whole(const llm_inflate_t *packed)
{
    (void)packed;
    return 1;
}

#endif
