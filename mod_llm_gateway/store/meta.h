/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store knows of itself: numbers by name, and who it is. The first
 * thing written into a new store, the first thing read of an old one.
 */
#ifndef STORE_META_H
#define STORE_META_H

#include "store/bdb.h"

#define LLM_STORE_FORMAT 2

/* Names of numbers. */
#define LLM_META_FORMAT  "format"  /* version of the store's formats */
#define LLM_META_CREATED "created" /* microseconds since 1970 */
#define LLM_META_IDENTITY                                                      \
    "identity"                       /* random: tells a store from its copy's
                                        brother */
#define LLM_META_NEXT_KEY "next-key" /* id of the next client key */
#define LLM_META_RECORDS  "records"  /* usage records ever stored */
#define LLM_META_KILLED   "killed"   /* of these, written for the dead */
#define LLM_META_DAMAGED  "damaged"  /* journal records that were unreadable */
#define LLM_META_TWICE    "twice"    /* journal records stored already */
/* Sums by hour are all there from this hour on; windows of a day from this
 * day. 0: nothing was dropped yet. */
#define LLM_META_HOURS_FROM "hours-from"
#define LLM_META_QUOTA_FROM "quota-from"
/* 0 no upgrade is under way; else 1 + where in rday.db it goes on, as
 * day << 32 | key. */
#define LLM_META_UPGRADING "upgrading"
/* The smaller rollups of days and of hours were made: LLM_META_MADE. Until then
 * 0 or, when it is under way, 1 + where in the whole one it goes on. */
#define LLM_META_DAYS_MADE  "days-made"
#define LLM_META_HOURS_MADE "hours-made"
#define LLM_META_MADE       ((apr_uint64_t)-1)

/* Writes a new store's numbers, or checks an old one's. *pformat: what is on
 * disk. APR_ENOTIMPL: a newer version wrote it; APR_EINVAL: it is none of
 * ours. */
apr_status_t llm_meta_check(llm_table_t *meta, llm_bdb_t *bdb, apr_time_t now,
                            apr_uint64_t *pformat);
/* 0 when it is not there. */
apr_status_t llm_meta_get(apr_uint64_t *pnumber, llm_table_t *meta,
                          llm_txn_t *txn, const char *name);
apr_status_t llm_meta_put(llm_table_t *meta, llm_txn_t *txn, const char *name,
                          apr_uint64_t number);
apr_status_t llm_meta_add(llm_table_t *meta, llm_txn_t *txn, const char *name,
                          apr_uint64_t more);

#endif /* STORE_META_H */
