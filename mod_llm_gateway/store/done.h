/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits that were made: who did what, kept for ever, and what they were
 * answered, kept for a day. Both are written in the edit's own transaction.
 *
 * A caller whose answer was lost asks again with the same id and gets the
 * first answer: nothing is done twice. The secret of a new key is in no table,
 * so it is missing from an answer that is given again.
 */
#ifndef STORE_DONE_H
#define STORE_DONE_H

#include "core/llm_key.h"
#include "store/inside.h"

#define LLM_DONE_ID_MAX     64 /* bytes of an edit's id */
#define LLM_DONE_ANSWER_MAX 12000

/* The answer to this edit, terminated, in the pool. APR_NOTFOUND: it was not
 * made. APR_EEXIST: the id was used for another request. */
apr_status_t llm_done_find(const char **panswer, llm_store_t *store,
                           llm_txn_t *txn, const char *id,
                           const llm_key_hash_t *request, apr_pool_t *pool);
apr_status_t llm_done_put(llm_store_t *store, llm_txn_t *txn, const char *id,
                          const llm_key_hash_t *request, apr_time_t now,
                          const char *answer, apr_size_t len);
/* Forgets answers that were given before that time. */
apr_status_t llm_done_expire(llm_store_t *store, apr_time_t before);

/* `what`: the change as a JSON object, without a secret. */
apr_status_t llm_audit_put(llm_store_t *store, llm_txn_t *txn, apr_time_t now,
                           apr_uint32_t uid, const char *op, const char *what,
                           apr_size_t len);

#endif /* STORE_DONE_H */
