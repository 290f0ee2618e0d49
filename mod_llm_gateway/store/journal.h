/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child's append-only usage records: one write(2) each, no waiting, nothing
 * shared with others. What was put survives kill -9 of everything; power loss
 * costs at most what was put since the owner's last tick.
 *
 * A file `<dir>/<16 hex>-<8 hex>.jnl2` is a part of the journal of one
 * incarnation of one process: the incarnation's id, then 0, 1, ... The process
 * holds an fcntl lock on its newest part; when none of an incarnation's parts
 * is locked, its process died. The owner drains all parts and unlinks those
 * that are finished.
 *
 * The name ends with the version of the format, so that programs of two
 * versions can write side by side (a graceful restart into another one) and
 * neither reads what it does not know. Version 1 is `.jnl`, with records half
 * as long.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "core/llm_record.h"

#define LLM_JOURNAL_PART    16384 /* records in a part */
#define LLM_JOURNAL_VERSION 2

typedef struct llm_journal_t llm_journal_t;

/* Makes a new file in the folder <store>/journal, locked before it becomes
 * visible. A cleanup of the pool closes it. Not to be called before a fork:
 * the lock stays behind with the parent. */
apr_status_t llm_journal_open(llm_journal_t **pjournal, const char *dir,
                              apr_pool_t *pool);
/* Thread-safe. APR_SUCCESS: it survives. Anything else (ENOSPC): it does not,
 * and nothing was written. Starts a new part by itself every
 * LLM_JOURNAL_PART records. */
apr_status_t llm_journal_put(llm_journal_t *journal,
                             const llm_record_t *record);
/* The id of this incarnation (not of the current part): what its in-flight
 * slots are marked with. Never 0. */
apr_uint64_t llm_journal_id(const llm_journal_t *journal);

/* A part's file name, and back: 1, or 0 when it is not one of a version that
 * is known. */
#define LLM_JOURNAL_NAME (16 + 1 + 8 + sizeof(".jnl2"))
void llm_journal_name_print(char *name, apr_uint64_t journal, apr_uint32_t part,
                            unsigned version);
int llm_journal_name_read(apr_uint64_t *pjournal, apr_uint32_t *ppart,
                          unsigned *pversion, const char *name);

#endif /* STORE_JOURNAL_H */
