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

/* A row of its own for what takes many edits, which write it again and again:
 * how far they came. Such an edit sets llm_edit_t.is_noted. */
typedef struct llm_audit_id_t {
    apr_time_t began;
    apr_uint32_t number; /* chosen by who began */
} llm_audit_id_t;
/* What it says so far; APR_NOTFOUND: nothing yet. APR_EEXIST: the row is that
 * of another command. */
apr_status_t llm_audit_get(const char **pwhat, llm_store_t *store,
                           llm_txn_t *txn, const llm_audit_id_t *id,
                           const char *op, apr_pool_t *pool);
apr_status_t llm_audit_put_at(llm_store_t *store, llm_txn_t *txn,
                              const llm_audit_id_t *id, apr_uint32_t uid,
                              const char *op, const char *what, apr_size_t len);

#endif /* STORE_DONE_H */
