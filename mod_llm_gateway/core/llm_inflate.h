/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider compressed, though nobody asked it to, inflated while it
 * comes: RFC 9110's content codings "gzip" (and "x-gzip") and "deflate".
 */
#ifndef LLM_INFLATE_H
#define LLM_INFLATE_H

#include <apr_pools.h>

typedef struct llm_inflate_t llm_inflate_t;

/* Plain bytes; valid during the call only. Never empty. */
typedef void llm_inflate_cb(void *baton, const char *data, apr_size_t len);

/* For what a Content-Encoding says. NULL: nobody here can inflate that (br,
 * zstd, several in a row), or the build is without zlib. What it holds is
 * given back with the pool. */
llm_inflate_t *llm_inflate_make(const char *coding, apr_pool_t *pool);
/* NULL, or a phrase saying what is wrong; nothing may be fed after that. What
 * grows out of all proportion is wrong, see llm_inflate.c. */
const char *llm_inflate_feed(llm_inflate_t *packed, const char *data,
                             apr_size_t len, llm_inflate_cb *give, void *baton);
/* Has the compressed data come to its end? */
int llm_inflate_is_whole(const llm_inflate_t *packed);

#endif /* LLM_INFLATE_H */
