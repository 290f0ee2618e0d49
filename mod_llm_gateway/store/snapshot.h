/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys in shared memory: written by the owner, read by every child
 * without waiting.
 *
 * An open-addressing table by the key's hash. Each entry has two copies of
 * its data and a version word; the owner writes the copy that is not in use
 * and then moves the version, so a reader never sees half an entry and an
 * owner killed in mid-write leaves the old one readable.
 */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include "core/llm_key.h"
#include "store/codec.h"

typedef struct llm_snapshot_t llm_snapshot_t;

/* What a child needs of a key to admit a request. */
typedef struct llm_key_view_t {
    apr_uint32_t id;
    apr_uint32_t flags;   /* LLM_KEY_DISABLED */
    apr_time_t expires;   /* 0 never */
    apr_time_t revoked;   /* 0 not revoked */
    llm_abort_t on_abort; /* for its requests, or UNSAID */
    char name[65];
    char team[65];
    char models[257]; /* patterns; "" all; longer lists are refused
                                when the key is made */
} llm_key_view_t;

/* Bytes needed for so many keys. */
apr_size_t llm_snapshot_size(unsigned keys);
/* Formats memory that is all zero (owner or parent, once). NULL: too small. */
llm_snapshot_t *llm_snapshot_format(void *memory, apr_size_t size);
/* The same memory in another process; NULL when it is no snapshot. */
llm_snapshot_t *llm_snapshot_attach(void *memory, apr_size_t size);

/* Owner only. APR_ENOSPC when it is full. Removing leaves a tombstone that
 * is used again. */
apr_status_t llm_snapshot_put(llm_snapshot_t *snapshot,
                              const llm_key_hash_t *hash,
                              const llm_key_view_t *view);
void llm_snapshot_remove(llm_snapshot_t *snapshot, const llm_key_hash_t *hash);
/* Owner only: a new owner puts every key between these two; what was not put
 * again is removed at the end. Meanwhile every key stays valid. */
void llm_snapshot_begin(llm_snapshot_t *snapshot);
void llm_snapshot_end(llm_snapshot_t *snapshot);
/* Keys that can still be put. */
unsigned llm_snapshot_room(const llm_snapshot_t *snapshot);

/* Any process: 1 and a consistent copy, or 0. */
int llm_snapshot_find(llm_snapshot_t *snapshot, const llm_key_hash_t *hash,
                      llm_key_view_t *pview);

/* The owner's health as children see it. Each member is consistent by
 * itself. */
typedef struct llm_health_t {
    int ready;            /* keys were loaded at least once */
    apr_time_t heartbeat; /* of the owner's loop */
    apr_time_t drained;   /* last commit of journals, or nothing to do */
    apr_uint32_t keys;
    apr_uint64_t records; /* committed since the segment was made */
    apr_uint64_t damaged; /* records skipped for a bad CRC */
    apr_uint64_t backlog; /* records seen but not yet committed */
    apr_int32_t error;    /* last failure of the store, 0 none */
    apr_uint64_t prices;  /* generation of the prices (store/prices.h) */
} llm_health_t;
void llm_snapshot_health(const llm_snapshot_t *snapshot, llm_health_t *phealth);
/* health.prices alone. */
apr_uint64_t llm_snapshot_prices(const llm_snapshot_t *snapshot);
void llm_snapshot_set_health(llm_snapshot_t *snapshot,
                             const llm_health_t *health); /* owner only */

#endif /* STORE_SNAPSHOT_H */
